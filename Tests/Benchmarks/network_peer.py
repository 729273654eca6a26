#!/usr/bin/env python3
"""EfficientNet-Lite0, a GRU and a training step in EmbryoProfiler, ONNX Runtime and PyTorch, side by side: a table with bars.

    pip install onnxruntime onnx numpy                    # ONNX Runtime's part
    pip install torch                                     # PyTorch's part; --torch-python names another interpreter that has it
    network_peer.py --program .build/release/embryo-profiler [--repeats 7] [--torch-python /usr/bin/python3] [--json FILE]

Every program stays running and is asked in turn for one repetition of one piece of work, so that what else runs on the machine meets all
of them alike; the ratio is the median of the pairs, by the clock and by processor time (which other programs disturb less, but in which a
peer's idle threads that spin count). A bar holds where the ratio by the clock meets it; "by processor time" where only the other does.
Work: features of a batch of 32 pictures of 224×224 in colour, a GRU over 1,000 frames × 16 wells, a training step of the whole network
with a batch of 8, on 1 and 2 threads; peak memory of a process that only runs the encoder. Weights are random: they change no time.
PyTorch runs channels-last, which is the faster of its two orders.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

SIZE, BATCH, FRAMES, WELLS, FEATURES, HIDDEN = 224, 32, 1000, 16, 1280, 128
LITE0 = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))
# Work, peer, bar: time of ours over the peer's, at most.
BARS = [("encoder 1", "onnxruntime", 1.15), ("encoder 2", "onnxruntime", 1.0), ("encoder 1", "pytorch", 1 / 3),
        ("encoder 2", "pytorch", 1 / 3), ("gru 1", "onnxruntime", 1.0), ("gru 2", "onnxruntime", 1.0)]
BARS += [(f"training {threads} {size}", "pytorch", 0.5) for size in (224, 128) for threads in (1, 2)]


def encoder_onnx():
    """EfficientNet-Lite0 to its 1280 pooled features, batch norms folded, TensorFlow's SAME padding."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    rng = np.random.default_rng(0)
    nodes, weights = [], [numpy_helper.from_array(np.float32(0), "low"), numpy_helper.from_array(np.float32(6), "high")]

    def convolution(source, inputs, outputs, kernel, stride, groups=1, clip=True):
        name = f"conv{len(nodes)}"
        fan_in = inputs // groups * kernel * kernel
        weight = rng.standard_normal((outputs, inputs // groups, kernel, kernel)) * np.sqrt(2 / fan_in)
        weights.extend([numpy_helper.from_array(weight.astype(np.float32), name + ".weight"),
                        numpy_helper.from_array(np.zeros(outputs, np.float32), name + ".bias")])
        before = (kernel - stride) // 2 if kernel > 1 else 0
        after = kernel - stride - before if kernel > 1 else 0
        nodes.append(helper.make_node("Conv", [source, name + ".weight", name + ".bias"], [name], kernel_shape=[kernel] * 2,
                                      strides=[stride] * 2, pads=[before, before, after, after], group=groups))
        if clip:
            nodes.append(helper.make_node("Clip", [name, "low", "high"], [name + ".clipped"]))
            name += ".clipped"
        return name

    value, channels = convolution("image", 3, 32, 3, 2), 32
    for kernel, first, expansion, outputs, repeats in LITE0:
        for repeat in range(repeats):
            stride, source, wide = first if repeat == 0 else 1, value, channels * expansion
            if expansion != 1:
                value = convolution(value, channels, wide, 1, 1)
            value = convolution(value, wide, wide, kernel, stride, wide)
            value = convolution(value, wide, outputs, 1, 1, clip=False)
            if stride == 1 and channels == outputs:
                nodes.append(helper.make_node("Add", [source, value], [value + ".sum"]))
                value += ".sum"
            channels = outputs
    value = convolution(value, channels, FEATURES, 1, 1)
    nodes += [helper.make_node("GlobalAveragePool", [value], ["pooled"]), helper.make_node("Flatten", ["pooled"], ["features"])]
    graph = helper.make_graph(nodes, "encoder", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
                              [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def gru_onnx():
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    rng = np.random.default_rng(0)
    shapes = {"W": (2, 3 * HIDDEN, FEATURES), "R": (2, 3 * HIDDEN, HIDDEN), "B": (2, 6 * HIDDEN)}
    weights = [numpy_helper.from_array((rng.standard_normal(shape) * 0.05).astype(np.float32), name) for name, shape in shapes.items()]
    node = helper.make_node("GRU", ["features", "W", "R", "B"], ["states"], hidden_size=HIDDEN, direction="bidirectional",
                            linear_before_reset=1)
    graph = helper.make_graph([node], "gru", [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["t", "n", FEATURES])],
                              [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["t", 2, "n", HIDDEN])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


class OnnxRuntime:
    def __init__(self):
        import numpy as np
        import onnxruntime
        self.runtime = onnxruntime
        self.pictures = np.random.default_rng(1).random((BATCH, 3, SIZE, SIZE), np.float32)
        self.features = None
        self.sessions = {}

    def work(self, kind, threads, size):
        if (kind, threads) not in self.sessions:
            options = self.runtime.SessionOptions()
            options.intra_op_num_threads = threads
            model = encoder_onnx() if kind == "encoder" else gru_onnx()
            self.sessions[kind, threads] = self.runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        session = self.sessions[kind, threads]
        if kind == "encoder":
            return lambda: session.run(None, {"image": self.pictures})
        if self.features is None:
            import numpy as np
            self.features = np.random.default_rng(1).random((FRAMES, WELLS, FEATURES), np.float32)
        return lambda: session.run(None, {"features": self.features})


class PyTorch:
    def __init__(self):
        import torch
        self.torch = torch

    def network(self, classes):
        nn = self.torch.nn

        def convolution(inputs, outputs, kernel, stride, groups=1, clip=True):
            layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs, eps=1e-3)]
            return nn.Sequential(*layers, nn.ReLU6(True)) if clip else nn.Sequential(*layers)

        class Residual(nn.Module):
            def __init__(self, body):
                super().__init__()
                self.body = body

            def forward(self, x):
                return x + self.body(x)

        layers, channels = [convolution(3, 32, 3, 2)], 32
        for kernel, first, expansion, outputs, repeats in LITE0:
            for repeat in range(repeats):
                stride, wide = first if repeat == 0 else 1, channels * expansion
                body = [convolution(channels, wide, 1, 1)] if expansion > 1 else []
                body = nn.Sequential(*body, convolution(wide, wide, kernel, stride, wide), convolution(wide, outputs, 1, 1, clip=False))
                layers.append(Residual(body) if stride == 1 and channels == outputs else body)
                channels = outputs
        layers += [convolution(channels, FEATURES, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(FEATURES, classes)).to(memory_format=self.torch.channels_last)

    def work(self, kind, threads, size):
        torch = self.torch
        torch.set_num_threads(threads)
        pictures = torch.rand(BATCH if kind == "encoder" else 8, 3, size, size).contiguous(memory_format=torch.channels_last)
        if kind == "gru":  # not in BARS, but it can be asked for
            gru, features = torch.nn.GRU(FEATURES, HIDDEN, bidirectional=True), torch.rand(FRAMES, WELLS, FEATURES)
            return torch.no_grad()(lambda: gru(features))
        model = self.network(16)
        if kind == "encoder":
            encoder = model[:-1].eval()
            return torch.no_grad()(lambda: encoder(pictures))
        labels, optimizer = torch.arange(8) % 16, torch.optim.AdamW(model.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(pictures), labels).backward()
            optimizer.step()
        return step


def serve(peer):
    """One repetition for each line "kind threads [size]", after a first, unmeasured one; answers seconds by clock and of processor time."""
    works = {}
    print("ready", flush=True)
    for line in sys.stdin:
        key = line.split()
        if line not in works:
            works[line] = peer.work(key[0], int(key[1]), int(key[2]) if len(key) > 2 else SIZE)
            works[line]()
        elif isinstance(peer, PyTorch):
            peer.torch.set_num_threads(int(key[1]))
        start = time.perf_counter(), time.process_time()
        works[line]()
        print(time.perf_counter() - start[0], time.process_time() - start[1], flush=True)


def onnx_runtime_memory(model):
    """Peak MiB of a process that loads the model from a file and runs it, as a user's would."""
    import numpy as np
    import onnxruntime
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    pictures = np.zeros((BATCH, 3, SIZE, SIZE), np.float32)
    for _ in range(3):
        session.run(None, {"image": pictures})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Program:
    """A program that is asked for repetitions."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        if self.process.stdout.readline().strip() != "ready":
            raise OSError((self.process.stderr.read().strip().splitlines() or ["it does not start"])[-1])

    def ask(self, request):
        # A peer's threads spin for a while after their work, on the cores that the next is to be measured on.
        time.sleep(0.4)
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(name, *commands):
    """The first command that starts; None, with a line on what is missing, where none does."""
    reason = None
    for command, environment in commands:
        try:
            return Program(command, environment)
        except OSError as error:
            reason = error
    print(f"{name}: left out: {reason}", file=sys.stderr)
    return None


def memory(program, environment):
    """Peak MiB of a fresh process of ours and of ONNX Runtime's, each running the same batch."""
    import tempfile
    ours = Program(program, environment)
    mine, = ours.ask("memory")
    ours.close()
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "encoder.onnx")
        with open(model, "wb") as file:
            file.write(encoder_onnx())
        run = subprocess.run([sys.executable, __file__, "--part", "memory", model], capture_output=True, text=True, check=True)
    return mine, float(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", help="embryo-profiler")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--torch-python", help="default: this interpreter, else /usr/bin/python3")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        if options.part[0] == "memory":
            print(onnx_runtime_memory(options.part[1]))
        else:
            serve({"onnxruntime": OnnxRuntime, "pytorch": PyTorch}[options.part[0]]())
        return
    if not options.program:
        parser.error("--program is needed")
    here, command = os.path.abspath(__file__), [options.program, "benchmark", "--group", "network"]
    environment = {"EMBRYOPROFILER_REQUESTS": "1"}
    ours = Program(command, environment)
    pythons = [options.torch_python] if options.torch_python else [sys.executable, "/usr/bin/python3"]
    peers = {"onnxruntime": start("onnxruntime", ([sys.executable, here, "--part", "onnxruntime"], None)),
             "pytorch": start("pytorch", *(([python, here, "--part", "pytorch"], None) for python in pythons))}
    product, multiply_adds = ours.ask("product")
    found = {"product_gflops": product / 1e9, "load": os.getloadavg()[0], "rows": []}
    print(f"{'work':<18}{'peer':<13}{'ours ms':>9}{'peer ms':>9}{'ratio':>7}{'by processor':>14}{'bar':>7}")
    for request, name, bar in BARS:
        peer = peers[name]
        if peer is None:
            continue
        ours.ask(request), peer.ask(request)
        pairs = []
        for repeat in range(options.repeats):
            # Who comes first alternates.
            first, second = (ours, peer) if repeat % 2 == 0 else (peer, ours)
            answers = first.ask(request), second.ask(request)
            pairs.append(answers if repeat % 2 == 0 else answers[::-1])
        clock, processor = (statistics.median(mine[i] / theirs[i] for mine, theirs in pairs) for i in (0, 1))
        mine, theirs = (statistics.median(pair[i][0] for pair in pairs) * 1000 for i in (0, 1))
        verdict = "holds" if clock <= bar else "by processor time" if processor <= bar else "FAILS"
        used = statistics.median(pair[0][1] for pair in pairs)
        found["rows"].append({"work": request, "peer": name, "ours_ms": mine, "peer_ms": theirs, "ratio": clock, "by_processor": processor,
                              "bar": bar, "ours_processor_ms": used * 1000, "verdict": verdict})
        print(f"{request:<18}{name:<13}{mine:>9.1f}{theirs:>9.1f}{clock:>7.2f}{processor:>14.2f}{bar:>7.2f}  {verdict}", flush=True)
        if request == "encoder 1" and name == "onnxruntime":
            rate = 2 * multiply_adds * BATCH / used
            found["encoder_gflops"] = rate / 1e9
            share = 100 * rate / product
            print(f"{'':<18}{rate / 1e9:.0f} GFLOP/s a core, {share:.0f} % of one large matrix product ({product / 1e9:.0f})")
    for program in (ours, *peers.values()):
        if program:
            program.close()
    if peers["onnxruntime"]:
        mine, theirs = found["memory_mib"] = memory(command, environment)
        verdict = "holds" if mine <= theirs / 2 else "FAILS"
        print(f"{'peak MiB':<18}{'onnxruntime':<13}{mine:>9.0f}{theirs:>9.0f}{mine / theirs:>7.2f}{'':>14}{0.5:>7.2f}  {verdict}")
    load = f"{found['load']:.1f} before, {os.getloadavg()[0]:.1f} after"
    print(f"load of the machine {load}; {os.cpu_count()} cores; {options.repeats} pairs each")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
