#!/usr/bin/env python3
"""Writes Sources/Morphokinetics/DefaultDurationModel.swift from durations.json, so that the library needs no file at run time.

    python3 embed_default.py durations.json ../../Sources/Morphokinetics/DefaultDurationModel.swift
"""
import json
import sys

STAGES = ["tPB2", "tPNa", "tPNf", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9+", "tM", "tSB", "tB", "tEB", "tHB"]


def duration(value):
    parts = [f".init(weight: {c['weight']}, median: {c['median']}, sigma: {c['sigma']})" for c in value["components"]]
    return "DurationDistribution([" + ", ".join(parts) + "])"


def stage(value):
    return f"StageModel(duration: {duration(value['duration'])}, skip: {value['skip']}, arrest: {value['arrest']})"


def main(source, target):
    m = json.load(open(source))
    text = "// Made by Pipelines/timelines/embed_default.py from durations.json; change that file and run it again.\n\n"
    text += "extension DurationModel {\n    /// The durations that come with the program: `Pipelines/timelines/durations.json`.\n"
    text += "    public static let `default` = DurationModel(\n"
    words = m["provenance"].split(". ")
    text += "        provenance:\n            " + "\n            + ".join(
        json.dumps(w + (". " if i + 1 < len(words) else "")) for i, w in enumerate(words)) + ",\n"
    text += f"        before: {stage(m['before'])},\n        stages: [\n"
    for name in STAGES:
        text += f"            \"{name}\": {stage(m['stages'][name])},\n"
    tempos = ", ".join(f"Tempo(factor: {t['factor']}, share: {t['share']})" for t in m["tempos"])
    text += f"        ],\n        tempos: [{tempos}],\n        reverseCleavage: {m['reverseCleavage']},\n"
    text += f"        reverseDuration: {duration(m['reverseDuration'])},\n"
    keys = ["degeneration", "empty", "clockDoubt", "temperature", "emissionFloor"]
    text += "        " + ", ".join(f"{key}: {m[key]}" for key in keys) + ")\n}\n"
    open(target, "w").write(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
