#!/usr/bin/env python3
"""OpenCV's Hough circles on the pictures of the microwells benchmark: what a laboratory's script would do today.

    EMBRYOPROFILER_BENCHMARK_PICTURES=DIR embryo-profiler benchmark --group microwells
    microwells_peer.py DIR

Two settings: one fixed set of radii, as in most scripts, and the best over several radius ranges by the number of
circles, which costs more time. Prints one JSON object a setting: ms a picture, precision and recall at a centre error
under 10 % of the radius, and the share of the wells found whose radius is within 8 %.
"""
import csv
import json
import statistics
import sys
import time
from pathlib import Path

import cv2


def hough(gray, low, high):
    """Circles (x, y, radius) of a gray picture, radii given at 384 pixels width."""
    scale = 384 / gray.shape[1]
    small = cv2.medianBlur(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), 5)
    circles = cv2.HoughCircles(small, cv2.HOUGH_GRADIENT, 1, 2 * low, param1=120, param2=25, minRadius=low, maxRadius=high)
    return [] if circles is None else (circles[0] / scale).tolist()


def fixed(gray):
    return hough(gray, 24, 44)


def searched(gray):
    return max((hough(gray, low, int(low * 1.5)) for low in (14, 18, 24, 32, 42)), key=len)


def main():
    folder = Path(sys.argv[1])
    truth = {}
    with open(folder / "truth.csv", newline="") as file:
        for row in csv.DictReader(file):
            truth.setdefault(row["picture"], []).append(tuple(float(row[key]) for key in ("x", "y", "radius")))
    cv2.setNumThreads(1)
    for name, method in (("fixed radii", fixed), ("searched radii", searched)):
        times, right, found, wells, radii = [], 0, 0, 0, 0
        for picture, circles in truth.items():
            gray = cv2.imread(str(folder / picture), cv2.IMREAD_GRAYSCALE)
            start = time.perf_counter()
            seen = method(gray)
            times.append(time.perf_counter() - start)
            found += len(seen)
            wells += len(circles)
            for x, y, radius in circles:
                match = [c for c in seen if (c[0] - x) ** 2 + (c[1] - y) ** 2 < (0.1 * radius) ** 2]
                right += bool(match)
                radii += bool(match) and abs(match[0][2] / radius - 1) < 0.08
        print(json.dumps({
            "method": "OpenCV Hough circles, " + name, "pictures": len(truth), "ms": round(1000 * statistics.median(times), 2),
            "precision": round(right / max(found, 1), 4), "recall": round(right / wells, 4),
            "radius_within_8_percent": round(radii / max(right, 1), 4), "version": cv2.__version__,
        }))


if __name__ == "__main__":
    main()
