#!/usr/bin/env python3
"""Cleans the University of Auckland's frame labels (MIT licence) into a timelines table for `embryo-profiler fit-durations`.

    python3 clean_auckland.py auckland_frame_stages.csv.gz auckland-timelines.csv

Each step says how many rows or embryos it touches (on standard error):

1. Words are mapped to stages. "6-7 cell" counts as t6, so t7 is unknown and not absent. Where compaction starts (before tM, which
   is its completion), the cells can no longer be counted: a record is followed up to there, or to the first blastocyst word.
   "Empty", "bad", "unclear", "Unknown", "1 Cell-No_PN" and "1 Cell" say nothing of the stage: such frames are unreadable.
   "arrested" is the stage before it; "degenerated" ends the record.
2. Labels go back now and then. The order that changes the fewest labels is found by dynamic programming; a record with more than
   5 % of its frames changed is left out.
3. Embryos marked as abnormally fertilised are left out.
4. Raters that copy one another are not two witnesses: each embryo counts once, by the rater with the most readable frames.
5. An onset lies between the last readable frame before it (column `_low`) and the first frame of the stage (`_high`, and the
   time itself); a gap is thus a wide interval and not a late event.
"""
import csv
import gzip
import sys
from collections import defaultdict

STAGES = ["tPB2", "tPNa", "tPNf", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9+", "tM", "tSB", "tB", "tEB", "tHB"]
WORDS = {
    "2pn": "tPNa", "Syngamy": "tPNf", "1 Cell-Post_Syngamy": "tPNf", "2 Cell": "t2", "3 Cell": "t3", "4 Cell": "t4",
    "5 Cell": "t5", "6 Cell": "t6", "6-7Cell": "t6", "6-7 Cell": "t6", "7 Cell": "t7", "8 Cell": "t8", "9 Cell": "t9+",
    "9 Cell+": "t9+", "9+ Cell": "t9+", "10 plus Cell": "t9+", "Compacting": "compacting", "Compacting 8 cell": "compacting",
    "Morula": "compacting", "Cavitating morula": "tSB", "Early blast": "tSB", "Blast-1": "tSB", "Blast-2": "tSB",
    "Blast-3": "tSB", "Blast-4": "tSB", "Blast-5": "tSB", "Blastocyst": "tSB", "Expanded Blastocyst": "tSB", "Hatching": "tSB",
}
ORDER = STAGES[:11] + ["compacting"] + ["tSB"]


def monotone(labels):
    """The non-decreasing sequence that differs from `labels` in the fewest places."""
    n = len(ORDER)
    cost, back = [0] * n, []
    for label in labels:
        best, new, row = 10**9, [], []
        arg = 0
        for k in range(n):
            if cost[k] < best:
                best, arg = cost[k], k
            new.append(best + (label != k))
            row.append(arg)
        cost = new
        back.append(row)
    k = min(range(n), key=lambda i: cost[i])
    changed, path = cost[k], []
    for row in reversed(back):
        path.append(k)
        k = row[k]
    return list(reversed(path)), changed


def main(source, target):
    records = defaultdict(list)
    abnormal = set()
    for row in csv.DictReader(gzip.open(source, "rt")):
        if not row["minutes"].strip().lstrip("-").isdigit():
            continue
        records[row["embryo"], row["rater"]].append((int(row["minutes"]), row["stage"].strip()))
        if row["stage"] == "Abnormal_Fert":
            abnormal.add(row["embryo"])
    print(f"{len(records)} records of {len({e for e, _ in records})} embryos", file=sys.stderr)
    kept, dropped, changed_frames, all_frames = defaultdict(list), 0, 0, 0
    for (embryo, rater), rows in records.items():
        if embryo in abnormal:
            continue
        minutes, labels, last = [], [], None
        for minute, word in sorted(rows):
            if word == "degenerated":
                break
            if word == "arrested":
                if last is not None:
                    minutes.append(minute)
                    labels.append(last)
            elif word in WORDS:
                last = ORDER.index(WORDS[word])
                minutes.append(minute)
                labels.append(last)
        if len(labels) < 10:
            continue
        path, changed = monotone(labels)
        all_frames += len(labels)
        changed_frames += changed
        if changed > 0.05 * len(labels):
            dropped += 1
            continue
        kept[embryo].append((len(labels), rater, minutes, path))
    print(f"{len(abnormal)} abnormally fertilised embryos left out; {dropped} records left out for going back; "
          f"{changed_frames} of {all_frames} labels changed", file=sys.stderr)
    header = ["recording", "well", "occupancy", "stage_last", "frames", "frames_usable", "first_hours", "last_hours"]
    for stage in STAGES:
        header += [stage, f"{stage}_low", f"{stage}_high", f"{stage}_state"]
    with open(target, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        for embryo, candidates in sorted(kept.items()):
            count, rater, minutes, path = max(candidates)
            names = [ORDER[k] for k in path]
            onsets = {}
            for i, name in enumerate(names):
                if i > 0 and name != names[i - 1]:
                    onsets[name] = (minutes[i - 1] / 60, minutes[i] / 60)
            end = next((i for i, name in enumerate(names) if name in ("compacting", "tSB")), len(names)) - 1
            if end < 1:
                continue
            last = names[end]
            row = [embryo, rater, "embryo", last, count, count, f"{minutes[0] / 60:.4f}", f"{minutes[end] / 60:.4f}"]
            for stage in STAGES:
                if stage in onsets and STAGES.index(stage) <= STAGES.index(last):
                    low, high = onsets[stage]
                    row += [f"{high:.4f}", f"{low:.4f}", f"{high:.4f}", "observed"]
                else:
                    first = STAGES.index(names[0]) if names[0] in STAGES else 99
                    reached = STAGES.index(last)
                    skipped = first < STAGES.index(stage) < reached and stage != "t7"
                    row += ["", "", "", "skipped" if skipped else "censored"]
            writer.writerow(row)
    print(f"{len(kept)} embryos written to {target}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
