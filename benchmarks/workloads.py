"""What `make bench` measures: each workload's name, how to make it, the ratio it must reach, what it needs at least.

The floors are formulas a reader can check. Arithmetic: 2 operations a multiply-add; a training step does forward's once
for the result, once for the weights' gradients and once for the inputs', which the first layer has no use for. Bytes:
what must pass between the processor and memory if each parameter, its gradient's use and its optimizer's state are read
and written once; activations are counted as if they stayed in the caches.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import micro

__all__ = ["GPT_TOKEN", "INFERENCE", "MLP", "OPERATIONS", "SMALL", "TRAINING", "WORKLOADS", "Workload"]


@dataclass(frozen=True)
class Workload:
    """A named workload: `benchmarks.MODULE.FUNCTION(torch, *arguments)` makes a function that does it once."""

    name: str
    module: str
    function: str
    arguments: tuple[Any, ...] = ()
    required: float = 1.0
    flops: float = 0.0
    bytes: float = 0.0
    checked: int = 100
    """How many first steps' results are compared."""
    tolerance: float = 1e-4
    """By how much they may differ, relatively: training lets roundings grow from step to step."""

    def make(self, torch: Any) -> Callable[[], Any]:
        """The function that does it once with this library."""
        function = getattr(importlib.import_module(f"benchmarks.{self.module}"), self.function)
        return function(torch, *self.arguments)

    def request(self) -> list[Any]:
        """What tells a worker to make it."""
        return [self.module, self.function, *self.arguments]


def _linear(*widths: int) -> int:
    return sum(a * b for a, b in itertools.pairwise(widths))


# Multiply-adds of one sample's forward pass.
MLP = _linear(784, 512, 512, 10)
LIGHTNET = 30 * 30 * 6 * 9 + 13 * 13 * 16 * 6 * 9 + _linear(576, 120, 84, 10)
RESIDUAL_ENDS = 64 * 64 * 16 * 3 * 49  # the first and the last layer
RESIDUAL = 2 * RESIDUAL_ENDS + 2 * (32 * 32 * 32 * 16 * 9) + 4 * (32 * 32 * 32 * 32 * 9)
RESNET_FIRST = 1024 * 3 * 64 * 9
RESNET = (
    RESNET_FIRST + 4 * 1024 * 64 * 64 * 9
    + sum((1024 >> 2 * i) * ((32 << i) * (64 << i) * 10 + 3 * (64 << i) ** 2 * 9) for i in (1, 2, 3)) + 512 * 10
)  # fmt: skip
MOBILE_FIRST = 1024 * 3 * 32 * 9
MOBILE = (
    MOBILE_FIRST + 1024 * 32 * (9 + 64) + 256 * 64 * (9 + 128) + 256 * 128 * (9 + 128) + 64 * 128 * (9 + 256)
    + 64 * 256 * (9 + 256) + 2560
)  # fmt: skip
LSTM_INPUT, LSTM = 4 * 64 * 256 * 128, 4 * 64 * 256 * (128 + 256 + 256 + 256)
ENCODER = 4 * 128 * (4 * 256 * 256 + 2 * 256 * 1024 + 2 * 128 * 256)
GPT_TOKEN = 4 * 12 * 192 * 192 + 192 * 512
GPT = 128 * (GPT_TOKEN + 4 * 128 * 192)  # half of the attention's scores are seen
POLICY, POLICY_FIRST = _linear(4, 64, 64, 2), 4 * 64
BAGS = 20 * 64 // 2 + _linear(64, 32, 1)


def _step(batch: int, forward: int, first: int = 0) -> float:
    return 2.0 * batch * (3 * forward - first)


def _state(parameters: float, numbers: int) -> float:
    """Bytes of so many numbers a parameter: read and write it, read its gradient, read and write each state."""
    return 4.0 * parameters * numbers


# An optimizer moves 3 numbers a parameter without a state, 5 with one, 7 with two.
TRAINING = (
    Workload(
        "MLP 784-512-512-10, batch 64, SGD", "networks", "mlp", (), 1.4,
        _step(64, MLP, 784 * 512), _state(MLP, 3),
    ),
    Workload(
        "LightNet 1-6-16 on 32x32, batch 64, Adam", "networks", "lightnet", (), 4.0,
        _step(64, LIGHTNET, 30 * 30 * 6 * 9), _state(81_194, 7),
    ),
    Workload(
        "ResidualBlock network on 64x64, batch 2, Adam", "networks", "residual", (), 1.5,
        _step(2, RESIDUAL, RESIDUAL_ENDS), _state(50_979, 7), 50,
    ),
    Workload(
        "ResNet-18 on 32x32, batch 16, SGD momentum", "networks", "resnet18", (), 1.2,
        _step(16, RESNET, RESNET_FIRST), _state(11.17e6, 5), 2, 1e-3,
    ),
    Workload(
        "depthwise separable network, batch 16, SGD momentum", "networks", "mobilenet", (), 1.5,
        _step(16, MOBILE, MOBILE_FIRST), _state(136_778, 5), 10,
    ),
    Workload(
        "LSTM 128-256, 2 layers, 64 steps, batch 32, Adam", "networks", "lstm", (), 1.3,
        _step(32, LSTM, LSTM_INPUT), _state(924_170, 7), 10,
    ),
    Workload(
        "GRU 128-256, 2 layers, 64 steps, batch 32, Adam", "networks", "gru", (), 1.3,
        0.75 * _step(32, LSTM, LSTM_INPUT), _state(693_770, 7), 10,
    ),
    Workload(
        "Transformer encoder, 4 layers, d 256, batch 8, AdamW", "networks", "encoder", (), 1.2,
        _step(8, ENCODER), _state(3.16e6, 7), 10,
    ),
    Workload(
        "GPT, 4 layers, d 192, 128 tokens, batch 8, AdamW", "networks", "gpt", (), 1.3,
        _step(8, GPT), _state(2.0e6, 7), 10,
    ),
    Workload(
        "policy 4-64-64-2, batch 32, Adam", "networks", "policy", (), 3.0,
        _step(32, POLICY, POLICY_FIRST), _state(4_610, 7),
    ),
    Workload(
        "EmbeddingBag recommender, 50,000x64, Adagrad", "networks", "recommender", (), 1.5,
        _step(256, BAGS), _state(256 * 20 * 64, 6), 20,
    ),
)  # fmt: skip

SMALL = (
    Workload("add two 8x8 tensors", "small", "add", (), 1.1),
    Workload("add two 8x8 tensors, with gradient", "small", "add_with_gradient", (), 1.1),
    Workload("(x*x).sum().backward() on 8x8", "small", "square_sum_backward", (), 2.0),
)

INFERENCE = (
    Workload("MLP", "inference", "mlp", (), 1.0, 2.0 * MLP, 4.0 * MLP, 1),
    Workload("LightNet", "inference", "lightnet", (), 1.0, 2.0 * LIGHTNET, 4.0 * 81_194, 1),
    Workload("ResNet-18", "inference", "resnet18", (), 1.0, 2.0 * RESNET, 4.0 * 11.17e6, 1),
    Workload("Transformer encoder", "inference", "encoder", (), 1.0, 2.0 * ENCODER, 4.0 * 3.16e6, 1),
    Workload("LSTM", "inference", "lstm", (), 1.0, 2.0 * LSTM, 4.0 * 924_170, 1),
    Workload("GPT", "inference", "gpt", (), 1.0, 2.0 * GPT, 4.0 * 2.0e6, 1),
)

OPERATIONS = (
    *(
        Workload(
            f"{name}{', with backward' if backward else ''}", "micro", "make", (name, backward), 1.0,
            row.arithmetic(backward), row.bytes(backward), 1,
        )
        for name, row in micro.ROWS.items()
        for backward in (False, True)
    ),
    *(
        Workload(
            f"{name}, 10M parameters", "micro", "optimizer", (name,), 1.0, 0.0,
            _state(micro.PARAMETERS, numbers), 1,
        )
        for name, (_, _, numbers) in micro.OPTIMIZERS.items()
    ),
)  # fmt: skip

WORKLOADS = (*TRAINING, *SMALL, *INFERENCE, *OPERATIONS)
