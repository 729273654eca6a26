#!/usr/bin/env python3
"""EfficientNet-Lite0, a GRU and a training step in ONNX Runtime and PyTorch, side by side with `embryo-profiler benchmark --group network`.

    pip install onnxruntime onnx numpy                    # ONNX Runtime's part
    pip install torch efficientnet-lite-pytorch           # PyTorch's part; --torch-python names another interpreter that has them
    network_peer.py [--program .build/release/embryo-profiler] [--repeats 7] [--torch-python /usr/bin/python3]

Prints one JSON object: milliseconds a picture (batch of 32, 224×224 in colour), milliseconds of a GRU over 1,000 frames × 16 wells,
pictures a second in training, by the clock and by processor time, medians, on 1 and 2 threads, and peak memory in MiB of a process that
only runs the encoder. What is not installed is null. Weights are random: they change no time.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

SIZE, BATCH, FRAMES, WELLS, FEATURES, HIDDEN = 224, 32, 1000, 16, 1280, 128
LITE0 = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))


def measure(work, repeats):
    """Median seconds by the clock and by processor time of `repeats` calls after a first one."""
    clock, processor = [], []
    for _ in range(repeats + 1):
        start = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    return statistics.median(clock[1:]), statistics.median(processor[1:])


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
    node = helper.make_node("GRU", ["features", "W", "R", "B"], ["states"], hidden_size=HIDDEN, direction="bidirectional", linear_before_reset=1)
    graph = helper.make_graph([node], "gru", [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["t", "n", FEATURES])],
                              [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["t", 2, "n", HIDDEN])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def onnx_runtime(repeats):
    import numpy as np
    import onnxruntime
    found = {"version": onnxruntime.__version__, "encoder": {}, "gru": {}}
    pictures = np.random.default_rng(1).random((BATCH, 3, SIZE, SIZE), np.float32)
    features = np.random.default_rng(1).random((FRAMES, WELLS, FEATURES), np.float32)
    models = encoder_onnx(), gru_onnx()
    for threads in (1, 2):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        encoder, gru = (onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for model in models)
        clock, processor = measure(lambda: encoder.run(None, {"image": pictures}), repeats)
        found["encoder"][threads] = {"ms_per_picture": clock / BATCH * 1000, "processor_ms_per_picture": processor / BATCH * 1000}
        clock, processor = measure(lambda: gru.run(None, {"features": features}), repeats)
        found["gru"][threads] = {"ms": clock * 1000, "processor_ms": processor * 1000}
    return found


def onnx_runtime_memory():
    """Of a process that loads the model from a file and runs it, as a user's would."""
    import numpy as np
    import onnxruntime
    session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])
    pictures = np.zeros((BATCH, 3, SIZE, SIZE), np.float32)
    for _ in range(3):
        session.run(None, {"image": pictures})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pytorch(repeats):
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    found = {"version": torch.__version__, "encoder": {}, "gru": {}, "training": {}}
    pictures, features = torch.rand(BATCH, 3, SIZE, SIZE), torch.rand(FRAMES, WELLS, FEATURES)
    labels = torch.arange(8) % 16
    for threads in (1, 2):
        torch.set_num_threads(threads)
        model, gru = EfficientNet.from_name("efficientnet-lite0", num_classes=16), torch.nn.GRU(FEATURES, HIDDEN, bidirectional=True)
        model.eval()
        with torch.no_grad():
            clock, processor = measure(lambda: model.extract_features(pictures).mean(dim=(2, 3)), max(1, repeats // 2))
            found["encoder"][threads] = {"ms_per_picture": clock / BATCH * 1000, "processor_ms_per_picture": processor / BATCH * 1000}
            clock, processor = measure(lambda: gru(features), max(1, repeats // 2))
            found["gru"][threads] = {"ms": clock * 1000, "processor_ms": processor * 1000}
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

        def step():
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(pictures[:8]), labels).backward()
            optimizer.step()
        clock, processor = measure(step, 3)
        found["training"][threads] = {"pictures_per_second": 8 / clock, "processor_ms_per_picture": processor / 8 * 1000}
    return found


def child(python, part, argument):
    """A part in a process of its own; None, with a line on what is missing, where it cannot run."""
    try:
        run = subprocess.run([python, __file__, f"--part={part}", str(argument)], capture_output=True, text=True, check=False)
    except OSError as error:
        print(f"{part}: {error}", file=sys.stderr)
        return None
    if run.returncode == 0:
        return json.loads(run.stdout)
    print(f"{part}: {(run.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
    return None


def main():
    if len(sys.argv) > 2 and sys.argv[1].startswith("--part="):
        part = sys.argv[1].removeprefix("--part=")
        result = onnx_runtime_memory() if part == "memory" else {"onnxruntime": onnx_runtime, "pytorch": pytorch}[part](int(sys.argv[2]))
        print(json.dumps(result))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", help="embryo-profiler, to be measured in the same run")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--torch-python", default=sys.executable)
    options = parser.parse_args()
    found = {"onnxruntime": child(sys.executable, "onnxruntime", options.repeats)}
    if found["onnxruntime"]:
        with tempfile.TemporaryDirectory() as folder:
            model = os.path.join(folder, "encoder.onnx")
            with open(model, "wb") as file:
                file.write(encoder_onnx())
            found["onnxruntime"]["memory_mib"] = child(sys.executable, "memory", model)
    found["pytorch"] = child(options.torch_python, "pytorch", options.repeats)
    if options.program:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "network.json")
            run = subprocess.run([options.program, "benchmark", "--group", "network", "--json", path], stdout=subprocess.DEVNULL, check=False)
            found["embryo-profiler"] = json.load(open(path)) if run.returncode == 0 else None
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
