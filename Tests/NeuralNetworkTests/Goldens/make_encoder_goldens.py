#!/usr/bin/env python3
"""Features of the shipped EfficientNet-Lite0 as PyTorch computes them, for EncoderTests.

    pip install torch efficientnet-lite-pytorch
    make_encoder_goldens.py ../../../Sources/Profiling/Resources/encoder-efficientnet-lite0-imagenet.safetensors encoder.safetensors

The network's code is the package's; the weights are those of the file, half precision as shipped. Pictures follow a formula that the
test repeats.
"""
import sys

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

import golden_files


def picture(size, planes):
    """(planes, size, size) intensities: waves and a ring of its own brightness in each plane."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float64) / size
    radius = np.hypot(x - 0.45, y - 0.55)
    result = []
    for plane in range(planes):
        value = 0.5 + 0.2 * np.sin(40 * x + 3 * plane) * np.cos(23 * y) + 0.25 * np.exp(-((radius - 0.3) / 0.02) ** 2) - 0.03 * plane
        result.append(np.clip(value, 0, 1))
    return np.stack(result).astype(np.float32)


def main():
    weights, _ = golden_files.read(sys.argv[1])
    model = EfficientNet.from_name("efficientnet-lite0").eval()
    state = model.state_dict()
    names = {"encoder.stem": ("_conv_stem", "_bn0"), "encoder.head": ("_conv_head", "_bn1")}
    for block in range(16):
        if block:
            names[f"encoder.blocks.{block}.expand"] = (f"_blocks.{block}._expand_conv", f"_blocks.{block}._bn0")
        names[f"encoder.blocks.{block}.depthwise"] = (f"_blocks.{block}._depthwise_conv", f"_blocks.{block}._bn1")
        names[f"encoder.blocks.{block}.project"] = (f"_blocks.{block}._project_conv", f"_blocks.{block}._bn2")
    for ours, (convolution, norm) in names.items():
        for suffix, target in (("weight", f"{convolution}.weight"), ("norm.scale", f"{norm}.weight"), ("norm.shift", f"{norm}.bias"),
                               ("norm.mean", f"{norm}.running_mean"), ("norm.variance", f"{norm}.running_var")):
            value = torch.from_numpy(weights[f"{ours}.{suffix}"].astype(np.float32))
            assert state[target].shape == value.shape
            state[target] = value
    model.load_state_dict(state)
    features = {}
    for name, size, planes in (("gray224", 224, 1), ("gray160", 160, 1), ("color128", 128, 3)):
        value = torch.from_numpy((picture(size, planes) * 255 - 127) / 128)[None]
        if planes == 1:
            value = value.repeat(1, 3, 1, 1)
        with torch.no_grad():
            features[name] = model.extract_features(value).mean(dim=(2, 3))[0].numpy()
        print(name, features[name].mean(), features[name].max(), np.linalg.norm(features[name]))
    golden_files.write(sys.argv[2], features, {"made by": "make_encoder_goldens.py", "torch": torch.__version__})


if __name__ == "__main__":
    main()
