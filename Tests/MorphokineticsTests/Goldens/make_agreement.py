#!/usr/bin/env python3
"""Writes agreement.json: label sequences of two sides and their metrics, computed without the Swift code.

    pip install scikit-learn numpy && python3 make_agreement.py agreement.json

Accuracy, macro-F1 and kappa are scikit-learn's, the quantiles and correlations numpy's; the rest is written out below.
"""
import json
import sys

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

NONE = 16
rng = np.random.default_rng(20240607)
TOLERANCE = [2, 2, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5]


def embryo(frames):
    stages = sorted(rng.choice(16, size=rng.integers(4, 12), replace=False))
    cuts = sorted(rng.choice(np.arange(2, frames), size=len(stages), replace=False))
    truth = [NONE] * frames
    for stage, cut in zip(stages, cuts):
        truth[cut:] = [int(stage)] * (frames - cut)
    guess = [NONE] * frames
    for stage, cut in zip(stages, cuts):
        if rng.random() < 0.15:
            continue
        stage = min(15, int(stage) + (1 if rng.random() < 0.1 else 0))
        at = int(np.clip(cut + rng.integers(-5, 6), 1, frames - 1))
        guess[at:] = [stage] * (frames - at)
    for _ in range(4):
        at = rng.integers(1, frames)
        guess[at] = NONE if guess[at] == NONE or rng.random() < 0.3 else int(rng.integers(0, guess[at] + 1))
    return truth, guess


def monotone(labels):
    """The highest stage so far, also where none was given if the highest before and after are one."""
    out = []
    for i in range(len(labels)):
        before = max([k for k in labels[: i + 1] if k != NONE], default=None)
        after = next((max(before or 0, k) for k in labels[i:] if k != NONE), None)
        out.append(NONE if before is None or after is None or (labels[i] == NONE and after != before) else before)
    return out


def onsets(labels, hours):
    reached = labels[0] if labels[0] != NONE else -1
    out = {}
    for label, hour in list(zip(labels, hours))[1:]:
        if label != NONE and label > reached:
            out[label] = hour
            reached = label
    return out


def runs(labels):
    out, start = [], 0
    for i in range(1, len(labels) + 1):
        if i == len(labels) or labels[i] != labels[start]:
            out.append((labels[start], start, i))
            start = i
    return out


def edit(a, b):
    a, b = [r[0] for r in runs(a)], [r[0] for r in runs(b)]
    d = np.zeros((len(a) + 1, len(b) + 1))
    d[:, 0], d[0, :] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return 100 * (1 - d[-1, -1] / max(len(a), len(b)))


def segment_f1(truth, guess, overlap):
    t, p = runs(truth), runs(guess)
    hit, tp = [False] * len(t), 0
    for label, first, end in p:
        iou = np.array([(min(end, e) - max(first, f)) / (max(end, e) - min(first, f)) * (label == k) for k, f, e in t])
        best = int(iou.argmax())
        if iou[best] >= overlap and not hit[best]:
            hit[best] = True
            tp += 1
    return 100 * 2 * tp / (len(t) + len(p))


def icc21(x, y):
    data = np.stack([x, y], 1)
    n, k = data.shape
    grand = data.mean()
    rows = k * ((data.mean(1) - grand) ** 2).sum() / (n - 1)
    cols = n * ((data.mean(0) - grand) ** 2).sum() / (k - 1)
    total = ((data - grand) ** 2).sum()
    error = (total - rows * (n - 1) - cols * (k - 1)) / ((n - 1) * (k - 1))
    return (rows - error) / (rows + (k - 1) * error + k * (cols - error) / n)


def error_metrics(x, y):
    e = x - y
    out = {"n": len(e), "mae": np.abs(e).mean(), "median": np.median(np.abs(e)), "bias": e.mean(), "p90": np.quantile(np.abs(e), 0.9)}
    if len(e) > 1:
        out["sd"] = e.std(ddof=1)
    if len(e) > 2 and x.std() > 0 and y.std() > 0:
        out["pearson"] = np.corrcoef(x, y)[0, 1]
        out["icc"] = icc21(x, y)
    return out


def main(target):
    embryos, truths, raws, decodeds = [], [], [], []
    per = {"p": [], "p_v": [], "within_one_stage": [], "edit": [], "10": [], "25": [], "50": []}
    pairs = {s: [] for s in range(16)}
    missed, invented = [0] * 16, [0] * 16
    for index in range(12):
        frames = int(rng.integers(40, 90))
        hours = np.cumsum(rng.uniform(0.1, 0.6, frames)).round(3).tolist()
        truth, guess = embryo(frames)
        embryos.append({"name": f"P{index // 2}-{index}", "hours": hours, "truth": truth, "prediction": guess})
        keep = [i for i, t in enumerate(truth) if t != NONE]
        t = [truth[i] for i in keep]
        raw = [guess[i] for i in keep]
        mono = monotone(guess)
        decoded = [mono[i] for i in keep]
        per["p"].append(accuracy_score(t, raw))
        per["p_v"].append(accuracy_score(t, decoded))
        per["within_one_stage"].append(np.mean([b != NONE and abs(a - b) <= 1 for a, b in zip(t, decoded)]))
        per["edit"].append(edit(t, decoded))
        for o in ("10", "25", "50"):
            per[o].append(segment_f1(t, decoded, int(o) / 100))
        truths += t
        decodeds += decoded
        a, b = onsets(truth, hours), onsets(guess, hours)
        covered = [hours[i] for i in keep]
        for s in range(16):
            if s in a and s in b:
                pairs[s].append((b[s], a[s]))
            elif s in a:
                missed[s] += 1
            elif s in b and covered[0] < b[s] <= covered[-1]:
                invented[s] += 1
    classes = sorted(set(truths) | set(decodeds))
    expected = {
        "frames": {
            "p": np.mean(per["p"]), "p_v": np.mean(per["p_v"]), "within_one_stage": np.mean(per["within_one_stage"]),
            "macro_f1": f1_score(truths, decodeds, labels=classes, average="macro"), "kappa": cohen_kappa_score(truths, decodeds),
        },
        "edit": np.mean(per["edit"]), "f1": {o: np.mean(per[o]) for o in ("10", "25", "50")}, "events": {}, "tolerance": {},
    }
    everything, hits, found, real = [], 0, 0, 0
    for s in range(16):
        array = np.array(pairs[s]).reshape(-1, 2)
        if len(array) + missed[s] + invented[s] == 0:
            continue
        event = error_metrics(array[:, 0], array[:, 1]) if len(array) else {}
        tp = int((np.abs(array[:, 0] - array[:, 1]) <= TOLERANCE[s] + 1e-9).sum())
        if len(array) + invented[s]:
            event["precision"] = tp / (len(array) + invented[s])
        if len(array) + missed[s]:
            event["recall"] = tp / (len(array) + missed[s])
        event["f1"] = 2 * tp / (2 * len(array) + invented[s] + missed[s])
        event["false_events"] = invented[s]
        expected["events"][str(s)] = event
        everything += pairs[s]
        hits += tp
        found += len(array) + invented[s]
        real += len(array) + missed[s]
    array = np.array(everything)
    expected["onsets"] = error_metrics(array[:, 0], array[:, 1]) | {
        "precision": hits / found, "recall": hits / real, "f1": 2 * hits / (found + real)}
    expected["p_t"] = hits / real
    for h in ("0.5", "1", "2", "4"):
        expected["tolerance"][h] = float((np.abs(array[:, 0] - array[:, 1]) <= float(h) + 1e-9).mean())
    json.dump({"embryos": embryos, "expected": expected}, open(target, "w"), default=float)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "agreement.json")
