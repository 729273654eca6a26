#!/usr/bin/env python3
"""What `profile` says of recordings in which there is no stage to read.

    pip install av opencv-python-headless numpy
    pip install scikit-image                              # its sample pictures, unless --pictures names folders of others
    abstention.py --program .build/release/embryo-profiler [--pictures DIR...] [--frames 48] [--keep DIR] [--json FILE]

Each row is a kind of recording: noise and pictures that fill the frame; a simulated dish (SampleVideos/dish-4x4) and a simulated single
well whose embryos are replaced by noise, textures or pictures of other things, cut round and set in where the embryo lay; the same dish
and well far out of focus; dishes of empty wells and of unfertilised eggs from the simulator. `refused`: nothing was profiled, exit 3.
`no embryo`: wells called empty or bubble. `not scorable`, `no stage`: wells with an embryo and no timeline, or a timeline of no stage.
`given a stage`: frames with a stage, of all wells and frames; `sure`: of those, frames whose stage has a posterior over 0.9. Whatever is
given a stage here is wrong.
"""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

import av
import cv2
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def pictures(folders):
    """Gray pictures of other things: square parts of files, `name -> array`."""
    found = {}
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if not name.lower().endswith((".png", ".jpg", ".jpeg", ".tif", ".tiff")):
                continue
            gray = cv2.imread(os.path.join(folder, name), cv2.IMREAD_GRAYSCALE)
            if gray is not None and min(gray.shape) >= 64:
                side = min(gray.shape)
                top, left = (gray.shape[0] - side) // 2, (gray.shape[1] - side) // 2
                found[name] = gray[top:top + side, left:left + side]
    return found


def texture(rng, side):
    """Noise of one to three grain sizes."""
    image = np.full((side, side), rng.uniform(80, 180), np.float32)
    for _ in range(rng.integers(1, 4)):
        cells = max(2, int(side / rng.uniform(2, 40)))
        image += cv2.resize(rng.normal(0, rng.uniform(8, 50), (cells, cells)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def noise(rng, side):
    return np.clip(rng.normal(rng.uniform(90, 160), rng.uniform(10, 50), (side, side)), 0, 255).astype(np.uint8)


def decoded(path, step, count):
    """Every `step`-th gray frame of a film, with its number."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for number, frame in enumerate(container.decode(stream)):
            if number % step == 0:
                yield number, frame.to_ndarray(format="gray")
                count -= 1
                if count == 0:
                    return


def write(path, frames):
    with av.open(path, "w") as container:
        stream = None
        for gray in frames:
            gray = gray[:gray.shape[0] // 2 * 2, :gray.shape[1] // 2 * 2]
            if stream is None:
                stream = container.add_stream("mjpeg", rate=10)
                stream.height, stream.width = gray.shape
                stream.pix_fmt = "yuvj420p"
                stream.options = {"qmin": "2", "qmax": "3"}
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(gray), format="gray")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


class Sample:
    """A sample film and where its embryos lie."""

    def __init__(self, name, extension, count):
        self.path = os.path.join(ROOT, "SampleVideos", f"{name}.{extension}")
        places = {}
        with open(os.path.join(ROOT, "SampleVideos", "truth", name, "wells.csv")) as file:
            for row in csv.DictReader(file):
                if row["embryo_x"]:
                    places.setdefault(int(row["frame"]), {})[row["well"]] = [float(row[k]) for k in ("embryo_x", "embryo_y", "embryo_radius")]
        self.places = places
        self.step = max(1, (max(places) + 1) // count)
        self.count = count

    def frames(self):
        return decoded(self.path, self.step, self.count)

    def with_contents(self, content, rng):
        """The film with a disc over each embryo: `content(well, frame)` gives a square picture."""
        for number, gray in self.frames():
            image = gray.astype(np.float32)
            for well, (x, y, radius) in self.places.get(number, {}).items():
                reach = radius * 1.08
                side = int(2 * reach) + 2
                left, top = int(x - side / 2), int(y - side / 2)
                patch = cv2.resize(content(well, number), (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
                rows = np.arange(max(top, 0), min(top + side, image.shape[0]))
                columns = np.arange(max(left, 0), min(left + side, image.shape[1]))
                if not len(rows) or not len(columns):
                    continue
                area = np.ix_(rows, columns)
                # As bright as what lay there, so that only the shapes are strange.
                patch = (patch - patch.mean()) * min(1, 30 / max(patch.std(), 1)) + image[area].mean()
                distance = np.hypot(columns[None] - x, rows[:, None] - y)
                blend = np.clip((reach - distance) / (0.06 * radius), 0, 1)
                image[area] = image[area] * (1 - blend) + patch[np.ix_(rows - top, columns - left)] * blend
            image += rng.normal(0, 1.5, image.shape)
            yield np.clip(image, 0, 255).astype(np.uint8)

    def blurred(self, share, rng):
        """The film defocused: a Gaussian of `share` of the embryo's radius."""
        radius = np.median([place[2] for frame in self.places.values() for place in frame.values()])
        for _, gray in self.frames():
            image = cv2.GaussianBlur(gray, (0, 0), share * radius).astype(np.float32) + rng.normal(0, 1.5, gray.shape)
            yield np.clip(image, 0, 255).astype(np.uint8)


def simulated(program, folder, name, text, seed, days=1.0):
    file = os.path.join(folder, f"{name}.yml")
    with open(file, "w") as out:
        out.write(text)
    subprocess.run([program, "simulate", "--out", os.path.join(folder, name), "--name", name, "--file", file, "--seed", str(seed), "--days", str(days),
                    "--interval", "30m", "--codec", "mjpeg", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return next(os.path.join(folder, name, entry) for entry in os.listdir(os.path.join(folder, name)) if entry.startswith(name))


def measure(program, recording, interval, folder):
    """Counts of one recording."""
    out = os.path.join(folder, "results")
    subprocess.run(["rm", "-rf", out], check=True)
    result = subprocess.run([program, "profile", recording, "--interval", interval, "--first-frame-at", "1.5h", "--out", out, "--quiet"],
                            capture_output=True, text=True)
    counts = dict(recordings=1, refused=0, wells=0, no_embryo=0, not_scorable=0, no_stage=0, staged=0, frames=0, given=0, sure=0)
    if result.returncode == 3:
        counts["refused"] = 1
        return counts
    if result.returncode != 0:
        raise OSError(result.stderr)
    name = os.path.splitext(os.path.basename(recording))[0]
    given = {}
    with open(os.path.join(out, name, "stages.csv")) as file:
        for row in csv.DictReader(file):
            counts["frames"] += 1
            if row["stage"]:
                counts["given"] += 1
                given[row["well"]] = given.get(row["well"], 0) + 1
                if float(row[row["stage"]]) > 0.9:
                    counts["sure"] += 1
    with open(os.path.join(out, "timelines.csv")) as file:
        for row in csv.DictReader(file):
            counts["wells"] += 1
            if row["occupancy"] in ("empty", "bubble"):
                counts["no_embryo"] += 1
            elif "not_scorable" in row["flags"]:
                counts["not_scorable"] += 1
            elif row["well"] not in given:
                counts["no_stage"] += 1
            else:
                counts["staged"] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", required=True, help="embryo-profiler")
    parser.add_argument("--pictures", nargs="+", help="folders of pictures of other things")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--keep", help="folder for the recordings; default: a temporary one")
    parser.add_argument("--only", help="kinds whose name holds this")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    program = os.path.realpath(options.program)
    folders = options.pictures
    if not folders:
        try:
            import skimage.data
            folders = [os.path.dirname(skimage.data.__file__)]
        except ImportError:
            sys.exit("abstention: pictures of other things are needed: pip install scikit-image, or --pictures DIR")
    others = pictures(folders)
    names = sorted(others)
    rng = np.random.default_rng(1)
    dish, well = Sample("dish-4x4", "mp4", options.frames), Sample("single-well", "avi", options.frames)
    kinds = []

    def frame(content):
        return [content(i) for i in range(options.frames)]

    def noisy(gray):
        return np.clip(gray + rng.normal(0, 2, gray.shape), 0, 255).astype(np.uint8)

    kinds.append(("noise fills the frame", [lambda: frame(lambda i: noise(rng, 384)), lambda: frame(lambda i: texture(rng, 384))]))
    kinds.append(("a picture fills the frame", [
        (lambda n: lambda: frame(lambda i: noisy(cv2.resize(others[n], (384, 384)))))(n) for n in names]))

    def fixed(make):
        kept = {}
        return lambda w, i: kept.setdefault(w, make(w))

    def picture_of(wells, shift):
        return lambda w: others[names[(sorted(wells).index(w) + shift) % len(names)]]

    wells = next(iter(dish.places.values()))
    kinds.append(("noise in a dish's wells", [lambda: dish.with_contents(lambda w, i: noise(rng, 96), rng)]))
    kinds.append(("textures in a dish's wells", [lambda: dish.with_contents(fixed(lambda w: texture(rng, 128)), rng)]))
    kinds.append(("pictures in a dish's wells", [
        (lambda s: lambda: dish.with_contents(fixed(picture_of(wells, s)), rng))(s) for s in range(0, len(names), len(wells))]))
    kinds.append(("noise in a single well", [lambda: well.with_contents(lambda w, i: noise(rng, 256), rng)]))
    kinds.append(("textures in a single well", [lambda: well.with_contents(fixed(lambda w: texture(rng, 256)), rng) for _ in range(12)]))
    kinds.append(("pictures in a single well", [
        (lambda n: lambda: well.with_contents(lambda w, i: others[n], rng))(n) for n in names]))
    kinds.append(("another picture each frame, single well", [
        lambda: well.with_contents(lambda w, i: others[names[rng.integers(len(names))]], rng)]))
    for share in (0.15, 0.3, 0.5):
        kinds.append((f"out of focus by {share:g} radii, dish", [(lambda s: lambda: dish.blurred(s, rng))(share)]))
        kinds.append((f"out of focus by {share:g} radii, single", [(lambda s: lambda: well.blurred(s, rng))(share)]))
    kinds.append(("empty wells, dish", ["layout: 4x4\nempty: 1\n"] * 2))
    eggs = "embryos:\n  unfertilised: 1\n"
    kinds.append(("unfertilised eggs, dish", ["layout: 3x3\nempty: 0\n" + eggs]))
    kinds.append(("unfertilised eggs, single", [
        "layout: single\noptics: embryoscope\nwidth: 384\nheight: 384\nempty: 0\n" + eggs] * 4))

    found = []
    print(f"{'kind':<42}{'refused':>10}{'wells':>7}{'no embryo':>11}{'not scorable':>14}{'no stage':>10}{'staged':>8}"
          f"{'frames':>8}{'given a stage':>15}{'sure':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or scratch
        os.makedirs(folder, exist_ok=True)
        for number, (kind, films) in enumerate(kinds):
            if options.only and options.only not in kind:
                continue
            total = {}
            for index, film in enumerate(films):
                step = "3h"
                # The same pictures whichever kinds are asked for.
                rng.bit_generator.state = np.random.default_rng([number, index]).bit_generator.state
                if isinstance(film, str):
                    recording, step = simulated(program, folder, f"simulated-{number}-{index}", film, 7700 + 10 * number + index), "30m"
                else:
                    recording = os.path.join(folder, f"film-{number}-{index}.avi")
                    write(recording, film())
                for key, value in measure(program, recording, step, scratch).items():
                    total[key] = total.get(key, 0) + value
            found.append({"kind": kind, **total})
            share = total["given"] / max(total["frames"], 1)
            sure = total["sure"] / max(total["frames"], 1)
            print(f"{kind:<42}{total['refused']:>4} of {total['recordings']:<2}{total['wells']:>7}{total['no_embryo']:>11}"
                  f"{total['not_scorable']:>14}{total['no_stage']:>10}{total['staged']:>8}{total['frames']:>8}{share:>14.1%}{sure:>9.1%}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
