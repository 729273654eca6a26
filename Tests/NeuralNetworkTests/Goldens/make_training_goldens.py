#!/usr/bin/env python3
"""One training step of a small encoder and single layers as PyTorch computes them, for EncoderTrainingTests.

    pip install torch
    make_training_goldens.py training.safetensors

"weights/NAME" before the step under the names of a weight file, "pictures" (n, size, size), "labels", "loss", "gradient/NAME",
"updated/NAME" after one AdamW step, running statistics included. "layer/..." holds inputs and outputs of single layers, channels last.
"""
import sys

import torch
from torch import nn
from torch.nn import functional

import golden_files

STEM, HEAD, CLASSES, SIZE = 8, 16, 3, 32
STAGES = ((3, 1, 1, 8, 1), (5, 2, 3, 8, 2), (3, 2, 2, 12, 1), (5, 1, 2, 12, 1))
RATE, DECAY, EPSILON = 0.01, 0.1, 1e-3


def same(x, kernel, stride):
    """TensorFlow's SAME padding of an even size."""
    before = (kernel - stride) // 2
    return functional.pad(x, [before, kernel - stride - before] * 2)


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, clip=True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON, momentum=0.1)
        with torch.no_grad():
            self.norm.weight.uniform_(0.5, 1.5)
            self.norm.bias.uniform_(-0.5, 1.0)
            self.norm.running_mean.uniform_(-0.5, 0.5)
            self.norm.running_var.uniform_(0.5, 2)
        self.kernel, self.stride, self.clip = kernel, stride, clip

    def forward(self, x):
        x = self.norm(self.convolution(same(x, self.kernel, self.stride) if self.kernel > 1 else x))
        return functional.relu6(x) if self.clip else x


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"encoder-stem": ConvNorm(3, STEM, 3, 2)})
        self.blocks, channels = [], STEM
        for kernel, first, expansion, outputs, repeats in STAGES:
            for repeat in range(repeats):
                stride, wide, name = first if repeat == 0 else 1, channels * expansion, f"encoder-blocks-{len(self.blocks)}"
                if expansion > 1:
                    self.layers[name + "-expand"] = ConvNorm(channels, wide)
                self.layers[name + "-depthwise"] = ConvNorm(wide, wide, kernel, stride, wide)
                self.layers[name + "-project"] = ConvNorm(wide, outputs, clip=False)
                self.blocks.append((name, expansion > 1, stride == 1 and channels == outputs))
                channels = outputs
        self.layers["encoder-head"] = ConvNorm(channels, HEAD)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, x):
        x = self.layers["encoder-stem"](x)
        for name, expands, adds in self.blocks:
            y = self.layers[name + "-expand"](x) if expands else x
            y = self.layers[name + "-project"](self.layers[name + "-depthwise"](y))
            x = x + y if adds else y
        return self.classifier(self.layers["encoder-head"](x).mean(dim=(2, 3)))

    def named(self, gradient=False):
        """Tensors under the names of a weight file."""
        result = {}
        for name, layer in self.layers.items():
            name = name.replace("-", ".")
            for part, tensor in (("weight", layer.convolution.weight), ("norm.scale", layer.norm.weight), ("norm.shift", layer.norm.bias)):
                result[f"{name}.{part}"] = tensor.grad if gradient else tensor
            if not gradient:
                result[f"{name}.norm.mean"], result[f"{name}.norm.variance"] = layer.norm.running_mean, layer.norm.running_var
        result |= {f"classifier.{part}": t.grad if gradient else t for part, t in self.classifier.named_parameters()}
        return {name: tensor.detach().float().numpy().copy() for name, tensor in result.items()}


def last(x):
    """(1, channels, rows, columns) to channels last."""
    return x[0].permute(1, 2, 0).detach().numpy()


def main():
    torch.manual_seed(3)
    model = Encoder()
    tensors = {f"weights/{name}": value for name, value in model.named().items()}
    pictures, labels = torch.rand(5, SIZE, SIZE), torch.tensor([0, 2, 1, 2, 0])
    tensors |= {"pictures": pictures.numpy(), "labels": labels.float().numpy()}
    model = model.double().train()
    optimizer = torch.optim.AdamW([
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}], lr=RATE)
    x = ((pictures.double() * 255 - 127) / 128)[:, None].repeat(1, 3, 1, 1)
    loss = functional.cross_entropy(model(x), labels)
    loss.backward()
    tensors["loss"] = loss.detach().reshape(1).float().numpy()
    tensors |= {f"gradient/{name}": value for name, value in model.named(gradient=True).items()}
    optimizer.step()
    tensors |= {f"updated/{name}": value for name, value in model.named().items()}

    for kernel in (3, 5):
        for stride in (1, 2):
            x, weight = torch.randn(1, 21, 14, 14), torch.randn(21, 1, kernel, kernel)
            name = f"layer/depthwise{kernel}{stride}"
            tensors |= {f"{name}/input": last(x), f"{name}/weight": weight[:, 0].permute(1, 2, 0).numpy(),
                        f"{name}/output": last(functional.conv2d(same(x, kernel, stride), weight, stride=stride, groups=21))}
    x, scale, shift = torch.randn(3, 9, 4, 4) * 3, torch.rand(9) + 0.5, torch.randn(9)
    output = functional.relu6(functional.batch_norm(x, torch.zeros(9), torch.ones(9), scale, shift, True, 0.1, EPSILON))
    tensors |= {"layer/norm/input": x.permute(0, 2, 3, 1).numpy(), "layer/norm/scale": scale.numpy(), "layer/norm/shift": shift.numpy(),
                "layer/norm/output": output.permute(0, 2, 3, 1).numpy()}
    x, weight, bias = torch.randn(6, 11), torch.randn(7, 11), torch.randn(7)
    tensors |= {"layer/linear/input": x.numpy(), "layer/linear/weight": weight.numpy(), "layer/linear/bias": bias.numpy(),
                "layer/linear/output": functional.linear(x, weight, bias).numpy()}
    x, scale, shift = torch.randn(6, 11) * 2 + 1, torch.rand(11) + 0.5, torch.randn(11)
    tensors |= {"layer/layernorm/input": x.numpy(), "layer/layernorm/scale": scale.numpy(), "layer/layernorm/shift": shift.numpy(),
                "layer/layernorm/output": functional.layer_norm(x, (11,), scale, shift).numpy()}
    golden_files.write(sys.argv[1], tensors, {"made by": "make_training_goldens.py", "torch": torch.__version__})


if __name__ == "__main__":
    main()
