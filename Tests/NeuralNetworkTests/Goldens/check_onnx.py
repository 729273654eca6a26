#!/usr/bin/env python3
"""Runs an exported model with ONNX Runtime: check_onnx.py MODEL.onnx INPUT.safetensors OUTPUT.safetensors (pip install onnx onnxruntime)."""
import sys

import onnx
import onnxruntime

import golden_files

onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
tensors, _ = golden_files.read(sys.argv[2])
names = [output.name for output in session.get_outputs()]
golden_files.write(sys.argv[3], dict(zip(names, session.run(names, tensors))))
