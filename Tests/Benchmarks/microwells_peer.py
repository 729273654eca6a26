#!/usr/bin/env python3
"""OpenCV's Hough circles beside embryo-profiler's well detectors, on the same pictures in the same run.

    microwells_peer.py --program .build/release/embryo-profiler [--dishes 48] [--real ../shared/data/dish/wow-16.jpg]
    microwells_peer.py --pictures DIR      (pictures that an earlier benchmark left with EMBRYOPROFILER_BENCHMARK_PICTURES)

Hough with two settings: one fixed set of radii, as in most scripts, and the best over several radius ranges by the number
of circles, which costs more time. One JSON object a setting and set of pictures: processor milliseconds a picture,
precision and recall at a centre error under 10 % of the radius, median centre and radius error. What is in a well and gas
outside it Hough does not say.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import cv2
except ImportError:
    sys.exit("microwells_peer.py needs OpenCV: pip install opencv-python-headless")


def hough(gray, low, high):
    """Circles (x, y, radius) of a gray picture, radii given at 384 pixels width."""
    scale = 384 / gray.shape[1]
    small = cv2.medianBlur(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), 5)
    circles = cv2.HoughCircles(small, cv2.HOUGH_GRADIENT, 1, 2 * low, param1=120, param2=25, minRadius=low, maxRadius=high)
    # Back to the picture's pixels, whose centres lie at whole numbers.
    return [] if circles is None else [
        ((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, r / scale) for x, y, r in circles[0].tolist()]


def fixed(gray):
    return hough(gray, 24, 44)


def searched(gray):
    return max((hough(gray, low, int(low * 1.5)) for low in (14, 18, 24, 32, 42)), key=len)


def measure(folder, names, truth, label):
    for name, method in (("fixed radii", fixed), ("searched radii", searched)):
        times, right, found, wells, centres, radii = [], 0, 0, 0, [], []
        for picture in names:
            gray = cv2.imread(str(folder / picture), cv2.IMREAD_GRAYSCALE)
            start = time.process_time()
            seen = method(gray)
            times.append(time.process_time() - start)
            found += len(seen)
            wells += len(truth[picture])
            for x, y, radius in truth[picture]:
                match = [c for c in seen if (c[0] - x) ** 2 + (c[1] - y) ** 2 < (0.1 * radius) ** 2]
                if match:
                    right += 1
                    centres.append(((match[0][0] - x) ** 2 + (match[0][1] - y) ** 2) ** 0.5 / radius)
                    radii.append(abs(match[0][2] / radius - 1))
        print(json.dumps({
            "method": "OpenCV Hough circles, " + name, "pictures": len(names), "of": label, "wells": wells,
            "ms": round(1000 * statistics.median(times), 2), "precision": round(right / max(found, 1), 4),
            "recall": round(right / max(wells, 1), 4), "median_centre_error_percent": round(100 * statistics.median(centres or [1]), 2),
            "median_radius_error_percent": round(100 * statistics.median(radii or [1]), 2), "version": cv2.__version__,
        }))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="embryo-profiler, to be measured in the same run")
    parser.add_argument("--pictures", help="pictures and truth.csv of an earlier benchmark")
    parser.add_argument("--dishes", type=int, default=48, help="how many simulated dishes")
    real = Path(__file__).resolve().parents[3] / "shared/data/dish/wow-16.jpg"
    parser.add_argument("--real", default=str(real), help="the real dish's picture")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.pictures or temporary)
        if options.program and not options.pictures:
            environment = dict(
                os.environ, EMBRYOPROFILER_BENCHMARK_PICTURES=str(folder), EMBRYOPROFILER_BENCHMARK_DISHES=str(options.dishes))
            if Path(options.real).exists():
                environment["EMBRYOPROFILER_REAL_DISH"] = options.real
            run = subprocess.run([options.program, "benchmark", "--group", "microwells"], env=environment, check=False)
            if run.returncode:
                sys.exit(f"{options.program} benchmark --group microwells failed with {run.returncode}")
        if not (folder / "truth.csv").exists():
            sys.exit("microwells_peer.py needs --program or --pictures; see --help")
        truth = {}
        with open(folder / "truth.csv", newline="") as file:
            for row in csv.DictReader(file):
                truth.setdefault(row["picture"], []).append(tuple(float(row[key]) for key in ("x", "y", "radius")))
        large = [name for name in truth if name.startswith("large-")]
        measure(folder, [name for name in truth if name.startswith("dish-")], truth, "simulated dishes")
        measure(folder, [name for name in truth if name.startswith("real-")], truth, "variants of one real dish")
        if large:
            measure(folder, large, truth, "simulated dishes of 1536x1100")


if __name__ == "__main__":
    main()
