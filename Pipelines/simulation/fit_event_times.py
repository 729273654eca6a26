#!/usr/bin/env python3
"""Fit the simulator's kinetics to annotated event times and print Sources/Simulation/FittedKinetics.swift.

    fit_event_times.py auckland_event_times.csv > ../../Sources/Simulation/FittedKinetics.swift

Input: one row a rater and embryo, hours of each event, empty where not annotated (University of Auckland, MIT).
Cleaning:
  - raters of one embryo are merged by the median of their times, so that every embryo counts once;
  - an event whose gap to the frame before exceeds 90 minutes is dropped (the dish was out, the time is not known);
  - events out of order within an embryo are dropped from the first that goes back;
  - t3 - t2 and t5 - t4 of at most 5 h are direct cleavages: their share is counted, the regular duration is fitted to
    the others;
  - durations of zero (two events in one frame) count as half of the usual frame interval.
Model: every duration d_k (from 9 cells on: every time, since raters put 9 cells and the start of compaction in either
order and the differences are mostly noise) is log-normal, log d_k = mu_k + sigma_k * (lambda_k * z + sqrt(1 - lambda_k^2) * e_k), with one
standard normal z an embryo ("slow stays slow") and independent standard normal e_k. mu and sigma are the median and the
scaled interquartile range of log d (robust against mislabelled frames), lambda the first principal axis of the rank
correlations.
What the data lack comes from the literature medians: tPB2, tPNa, the end of compaction after its start (Istanbul 2025
tM 89 to 91 h against a start at 77.9 h in Auckland), tB, tEB, tHB after tSB.
"""
import csv
import sys

import numpy as np

EVENTS = ["tPNf", "t2", "t3", "t4", "t5", "t6", "t8", "t9+", "tM(compacting)", "tBlast(any)"]
LONGEST_GAP = 90.0  # minutes
HALF_FRAME = 0.18  # hours
DIRECT = 5.0  # hours


def embryos(path):
    merged = {}
    for row in csv.DictReader(open(path)):
        times = []
        for event in EVENTS:
            known = row[event] and float(row[event + "_gap_min"] or 0) <= LONGEST_GAP
            times.append(float(row[event]) if known else np.nan)
        merged.setdefault(row["embryo"], []).append(times)
    for raters in merged.values():
        times = np.array([np.nan if np.all(np.isnan(c)) else np.nanmedian(c) for c in np.array(raters).T])
        latest = -np.inf
        for index, time in enumerate(times):
            if np.isnan(time):
                continue
            if time < latest - 1e-9:
                times[index:] = np.nan
                break
            latest = time
        yield times


def ranks(values):
    order = np.argsort(values)
    result = np.empty(len(values))
    result[order] = np.arange(len(values))
    return result


def main():
    table = np.array(list(embryos(sys.argv[1])))
    column = {event: table[:, index] for index, event in enumerate(EVENTS)}
    durations = {
        "pronucleiFaded": column["tPNf"],
        "firstMitosis": column["t2"] - column["tPNf"],
        "secondCycle": column["t3"] - column["t2"],
        "secondSynchrony": column["t4"] - column["t3"],
        "thirdCycle": column["t5"] - column["t4"],
        "fiveCells": column["t6"] - column["t5"],
        "sixAndSevenCells": column["t8"] - column["t6"],
        "nineCellsTime": column["t9+"],
        "compactionTime": column["tM(compacting)"],
        "cavityTime": column["tBlast(any)"],
    }
    direct = {}
    for name in ("secondCycle", "thirdCycle"):
        known = durations[name][~np.isnan(durations[name])]
        direct[name] = float(np.mean(known <= DIRECT)), len(known)
        durations[name] = np.where(durations[name] <= DIRECT, np.nan, durations[name])
    logs = {name: np.log(np.maximum(value, HALF_FRAME)) for name, value in durations.items()}
    names = list(logs)
    matrix = np.eye(len(names))
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            both = ~np.isnan(logs[a]) & ~np.isnan(logs[b])
            # Spearman's rank correlation turned into that of the normals behind it.
            rho = np.corrcoef(ranks(logs[a][both]), ranks(logs[b][both]))[0, 1]
            matrix[i, j] = matrix[j, i] = 2 * np.sin(np.pi / 6 * rho)
    # Principal-axis factoring with one factor: communalities on the diagonal, repeated.
    loading = np.full(len(names), 0.5)
    for _ in range(200):
        reduced = matrix.copy()
        np.fill_diagonal(reduced, np.clip(loading**2, 0, 0.9))
        values, vectors = np.linalg.eigh(reduced)
        loading = np.clip(vectors[:, -1] * np.sqrt(max(values[-1], 0)), -0.95, 0.95)
    loading *= np.sign(loading.sum())
    print("// Written by Pipelines/simulation/fit_event_times.py; edit that, not this.\n")
    print("/// Kinetics fitted to the Auckland event times: log-normal durations that share one factor an embryo.")
    print("enum FittedKinetics {")
    for name, factor in zip(names, loading):
        known = logs[name][~np.isnan(logs[name])]
        low, mu, high = np.percentile(known, [25, 50, 75])
        sigma = (high - low) / 1.349
        print(f"    /// Median {np.exp(mu):.2f} h, n = {len(known)}.")
        print(f"    static let {name} = LogNormal(mu: {mu:.4f}, sigma: {sigma:.4f}, loading: {factor:.3f})")
    for name, (share, count) in direct.items():
        print(f"    /// Share of {count} embryos whose {name} took at most {DIRECT:.0f} h.")
        print(f"    static let direct{name[0].upper() + name[1:]}Share = {share:.3f}")
    print("}")


if __name__ == "__main__":
    main()
