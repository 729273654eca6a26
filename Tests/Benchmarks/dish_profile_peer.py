#!/usr/bin/env python3
"""A whole dish from the video to its results: `embryo-profiler profile` beside the same job in PyAV, OpenCV, ONNX Runtime and NumPy.

    pip install av opencv-python-headless onnxruntime onnx numpy
    dish_profile_peer.py --program .build/release/embryo-profiler [--peer ../shared/peer] [--repeats 5] [--json FILE]

The dish is a real 16-well still that drifts, defocuses and flickers (make_dish_recording.py); the peer is profile_peer.py, which decodes,
finds the wells once, encodes every well's crop of every frame, runs a GRU and decodes a path. Ours does that and tracks, judges quality,
gives intervals and writes the report. Both run on the same two cores, in turn, and who comes first alternates; a ratio is the median of
the pairs. Crops a second count wells times frames, of ours by the clock of the whole process, of the peer by its own, which begins after
its start-up. Memory is the peak of the whole process. Crops of 160 pixels are what the shipped model reads; at 224, the peer's default,
the same network reads larger crops: what it says then means nothing, what it costs does.

Variants of ours: as shipped, which takes over the features of an embryo that changed less than 0.02 (`model: reuse_below` of a pipeline;
the embryos of this dish are stills, so that hardly any are encoded twice); `every picture` takes over none; `every well` encodes the empty
wells as well, as the peer does; `reuse L` has another limit.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

SPEED, MEMORY = 2.0, 0.5


def run(command, cores):
    """Seconds by clock and by processor, peak MiB and standard output of a process on `cores`."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    clock = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: exit status {process.returncode}")
    return clock, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def resized(model, size, folder):
    """A copy of a stage model that reads crops of `size` pixels: the encoder is convolutions and a mean, and takes any."""
    data = open(model, "rb").read()
    count = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + count])
    header["__metadata__"]["input.size"] = str(size)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = os.path.join(folder, f"model-{size}.safetensors")
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data[8 + count:])
    return path


def median(values):
    return statistics.median(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--program", required=True, help="embryo-profiler")
    parser.add_argument("--peer", default=os.environ.get("EMBRYOPROFILER_SHARED", os.path.join(root, "..", "shared")) + "/peer",
                        help="folder with make_dish_recording.py and profile_peer.py")
    parser.add_argument("--recording", help="default: made by make_dish_recording.py")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 224])
    parser.add_argument("--reuse", type=float, nargs="*", default=[], help="limits of further variants")
    parser.add_argument("--brief", action="store_true", help="leave out the variant that encodes the empty wells as well")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()
    program = os.path.realpath(options.program)
    model = os.path.join(os.path.dirname(program), "EmbryoProfiler_Profiling.resources", "stage-model.safetensors")
    for path in [os.path.join(options.peer, name) for name in ("make_dish_recording.py", "profile_peer.py")] + [program, model]:
        if not os.path.exists(path):
            sys.exit(f"dish_profile_peer: there is no {path}")
    cores = sorted(os.sched_getaffinity(0))[:2]
    found = {"load_before": os.getloadavg()[0], "cores": len(cores), "repeats": options.repeats, "rows": []}
    with tempfile.TemporaryDirectory() as folder:
        recording = options.recording
        if not recording:
            recording = os.path.join(folder, "dish.mp4")
            subprocess.run([sys.executable, os.path.join(options.peer, "make_dish_recording.py"), recording], check=True)
        for size in options.sizes:
            weights = resized(model, size, folder)

            def ours(name, limit, *more):
                pipeline = os.path.join(folder, f"{name.replace(' ', '-')}.yml")
                with open(pipeline, "w") as file:
                    file.write(f"model:\n  weights: {weights}\n" + ("" if limit is None else f"  reuse_below: {limit}\n"))
                out = os.path.join(folder, "out")
                command = [program, "profile", recording, "--interval", "15m", "--first-frame-at", "1.4h", "--pipeline", pipeline, "--out", out,
                           "--jobs", str(len(cores)), "--quiet", *more]

                def measure():
                    clock, processor, peak, _ = run(command, cores)
                    entry = json.load(open(os.path.join(out, "manifest.json")))["recordings"][0]
                    return {"clock": clock, "processor": processor, "peak": peak, "rate": entry["frames"] * entry["wells"] / clock,
                            "frames": entry["frames"], "wells": entry["wells"], "crops": entry["crops"]}
                return measure

            def peer():
                command = [sys.executable, os.path.join(options.peer, "profile_peer.py"), recording, "--threads", str(len(cores)),
                           "--size", str(size)]
                clock, processor, peak, output = run(command, cores)
                answer = json.loads(output.strip().splitlines()[-1])
                return {"clock": clock, "processor": processor, "peak": peak, "rate": answer["crops_per_second"],
                        "frames": answer["frames"], "wells": answer["wells"]}

            works = {"as shipped": ours("shipped", None), "every picture": ours("every-picture", 0)}
            if not options.brief:
                works["every well"] = ours("every", 0, "--encode-empty-wells")
            for limit in options.reuse:
                works[f"reuse {limit:g}"] = ours(f"reuse-{limit:g}", limit)
            rounds = []
            for repeat in range(options.repeats):
                order = ["peer", *works] if repeat % 2 else [*works, "peer"]
                rounds.append({name: (peer if name == "peer" else works[name])() for name in order})
            theirs = rounds[0]["peer"]
            print(f"\ncrops of {size} pixels; peer: {theirs['frames']} frames, {theirs['wells']} wells, "
                  f"{median([r['peer']['rate'] for r in rounds]):.0f} crops/s, {median([r['peer']['peak'] for r in rounds]):.0f} MiB")
            print(f"{'ours':<14}{'crops/s':>8}{'x peer':>8}{'by processor':>14}{'peak MiB':>10}{'x peer':>8}{'encoded':>16}")
            for name in works:
                mine = [r[name] for r in rounds]
                rate = median([r[name]["rate"] / r["peer"]["rate"] for r in rounds])
                processor = median([r["peer"]["processor"] / r[name]["processor"] for r in rounds])
                peak = median([r[name]["peak"] / r["peer"]["peak"] for r in rounds])
                crops = mine[0]["crops"]
                verdict = "" if name != "as shipped" else "  holds" if rate >= SPEED and peak <= MEMORY else "  FAILS"
                share = f"{crops['encoded']} of {crops['wells']}"
                print(f"{name:<14}{median([m['rate'] for m in mine]):>8.0f}{rate:>8.2f}{processor:>14.2f}"
                      f"{median([m['peak'] for m in mine]):>10.0f}{peak:>8.2f}{share:>16}{verdict}", flush=True)
                found["rows"].append({"size": size, "variant": name, "rate_ratio": rate, "processor_ratio": processor, "memory_ratio": peak,
                                      "runs": mine, "peer": [r["peer"] for r in rounds]})
    print(f"bars: crops/s at least {SPEED:g} x, memory at most {MEMORY:g} x; load of the machine {found['load_before']:.1f} before, "
          f"{os.getloadavg()[0]:.1f} after; {len(cores)} cores; {options.repeats} pairs")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
