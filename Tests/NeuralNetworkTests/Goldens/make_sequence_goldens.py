#!/usr/bin/env python3
"""Sequence models as PyTorch computes them, for SequenceModelTests and SequenceTrainingTests.

    pip install torch
    make_sequence_goldens.py sequence.safetensors

For each case: its weights under the names of a weight file, "CASE/features", "CASE/logits"; for training cases also "CASE/loss", the
gradient of each parameter under "CASE/gradient/NAME", and the parameters after one AdamW step under "CASE/updated/NAME".
"""
import sys

import torch
from torch import nn
from torch.nn import functional

import golden_files

RATE, DECAY = 0.01, 0.1


class Recurrent(nn.Module):
    def __init__(self, inputs, projection, hidden, layers, directions, classes):
        super().__init__()
        self.projection = nn.Linear(inputs, projection) if projection else None
        self.norm = nn.LayerNorm(projection) if projection else None
        self.gru = nn.GRU(projection or inputs, hidden, layers, bidirectional=directions == 2)
        self.head = nn.Linear(hidden * directions, classes)
        self.layers, self.directions = layers, directions

    def forward(self, x):
        """(steps, 1, inputs) of one sequence."""
        if self.projection is not None:
            x = torch.relu(self.norm(self.projection(x)))
        states, _ = self.gru(x)
        return self.head(states)

    def names(self):
        names = {"head.weight": "sequence.head.weight", "head.bias": "sequence.head.bias"}
        if self.projection is not None:
            names |= {"projection.weight": "sequence.projection.weight", "projection.bias": "sequence.projection.bias",
                      "norm.weight": "sequence.projection.norm.scale", "norm.bias": "sequence.projection.norm.shift"}
        for layer in range(self.layers):
            for direction, suffix in (("forward", ""), ("backward", "_reverse"))[:self.directions]:
                for ours, theirs in (("input", "ih"), ("hidden", "hh")):
                    for part in ("weight", "bias"):
                        names[f"gru.{part}_{theirs}_l{layer}{suffix}"] = f"sequence.gru.{layer}.{direction}.{ours}.{part}"
        return names


class Attention(nn.Module):
    def __init__(self, inputs, hidden, layers, heads, classes):
        super().__init__()
        self.embedding = nn.Linear(inputs, hidden)
        self.parts = nn.ModuleList([nn.ModuleDict({
            "norm": nn.LayerNorm(hidden), "attention": nn.MultiheadAttention(hidden, heads), "mixer_norm": nn.LayerNorm(hidden),
            "widen": nn.Linear(hidden, 2 * hidden), "narrow": nn.Linear(2 * hidden, hidden)}) for _ in range(layers)])
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, classes)
        self.hidden = hidden

    def forward(self, x):
        x = self.embedding(x)
        step = torch.arange(x.shape[0], dtype=torch.float64)[:, None]
        wave = torch.exp(-torch.arange(0, self.hidden, 2, dtype=torch.float64) / self.hidden * torch.log(torch.tensor(10000.0, dtype=torch.float64)))
        places = torch.stack([torch.sin(step * wave), torch.cos(step * wave)], dim=2).reshape(x.shape[0], self.hidden)
        x = x + places[:, None].to(x.dtype)
        for part in self.parts:
            y = part["norm"](x)
            x = x + part["attention"](y, y, y, need_weights=False)[0]
            x = x + part["narrow"](torch.relu(part["widen"](part["mixer_norm"](x))))
        return self.head(self.norm(x))

    def names(self):
        names = {"embedding.weight": "sequence.embedding.weight", "embedding.bias": "sequence.embedding.bias",
                 "norm.weight": "sequence.norm.scale", "norm.bias": "sequence.norm.shift",
                 "head.weight": "sequence.head.weight", "head.bias": "sequence.head.bias"}
        for layer in range(len(self.parts)):
            to, of = f"sequence.attention.{layer}", f"parts.{layer}"
            names |= {f"{of}.norm.weight": f"{to}.norm.scale", f"{of}.norm.bias": f"{to}.norm.shift",
                      f"{of}.attention.in_proj_weight": f"{to}.query-key-value.weight", f"{of}.attention.in_proj_bias": f"{to}.query-key-value.bias",
                      f"{of}.attention.out_proj.weight": f"{to}.output.weight", f"{of}.attention.out_proj.bias": f"{to}.output.bias",
                      f"{of}.mixer_norm.weight": f"{to}.mixer.norm.scale", f"{of}.mixer_norm.bias": f"{to}.mixer.norm.shift"}
            for name in ("widen", "narrow"):
                names |= {f"{of}.{name}.{part}": f"{to}.mixer.{name}.{part}" for part in ("weight", "bias")}
        return names


def put(tensors, case, model, suffix=""):
    for theirs, ours in model.names().items():
        tensors[f"{case}/{suffix}{ours}"] = dict(model.named_parameters())[theirs].detach().float().numpy().copy()


def main():
    torch.manual_seed(7)
    tensors = {}
    for case, model, steps, inputs in (
            ("long", Recurrent(6, 0, 12, 1, 1, 3), 500, 6), ("stacked", Recurrent(10, 8, 7, 2, 2, 4), 60, 10),
            ("attention", Attention(9, 8, 2, 2, 5), 40, 9)):
        features = torch.randn(steps, 1, inputs)
        with torch.no_grad():
            logits = model(features)[:, 0]
        put(tensors, case, model)
        tensors[f"{case}/features"] = features[:, 0].numpy()
        tensors[f"{case}/logits"] = logits.numpy()
        if case == "long":
            tensors["long/states"] = model.gru(features)[0].detach()[:, 0].numpy()

    # One whole training step over sequences of unequal lengths, in double precision so that the golden values are exact.
    for case, model, inputs, classes in (("step", Recurrent(10, 8, 7, 2, 2, 4), 10, 4), ("attention-step", Attention(9, 8, 2, 2, 5), 9, 5)):
        put(tensors, case, model)
        model = model.double()
        weights = torch.linspace(0.5, 2, classes).double()
        optimizer = torch.optim.AdamW([
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
            {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}], lr=RATE)
        scores, labels = [], []
        for index, steps in enumerate((7, 12, 9)):
            features = torch.randn(steps, inputs)
            label = torch.randint(0, classes, (steps,))
            tensors[f"{case}/features{index}"] = features.numpy()
            tensors[f"{case}/labels{index}"] = label.float().numpy()
            scores.append(model(features.double()[:, None])[:, 0])
            labels.append(label)
        loss = functional.cross_entropy(torch.cat(scores), torch.cat(labels), weight=weights)
        optimizer.zero_grad()
        loss.backward()
        tensors[f"{case}/loss"] = loss.detach().reshape(1).float().numpy()
        parameters = dict(model.named_parameters())
        for theirs, ours in model.names().items():
            tensors[f"{case}/gradient/{ours}"] = parameters[theirs].grad.float().numpy().copy()
        optimizer.step()
        put(tensors, case, model, "updated/")
    # Truncated back-propagation: the state is cut from its past every 5 steps.
    model, steps = Recurrent(5, 0, 6, 1, 1, 3), 17
    put(tensors, "truncated", model)
    model = model.double()
    features, label = torch.randn(steps, 5), torch.randint(0, 3, (steps,))
    state, scores = None, []
    for start in range(0, steps, 5):
        states, state = model.gru(features[start:start + 5].double()[:, None], state)
        state = state.detach()
        scores.append(model.head(states)[:, 0])
    functional.cross_entropy(torch.cat(scores), label).backward()
    tensors |= {"truncated/features0": features.numpy(), "truncated/labels0": label.float().numpy()}
    parameters = dict(model.named_parameters())
    for theirs, ours in model.names().items():
        tensors[f"truncated/gradient/{ours}"] = parameters[theirs].grad.float().numpy().copy()
    golden_files.write(sys.argv[1], tensors, {"made by": "make_sequence_goldens.py", "torch": torch.__version__})


if __name__ == "__main__":
    main()
