"""Inference, one sample at a time: `make(torch)` gives a function that runs the network once, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import models

__all__ = ["encoder", "gpt", "lightnet", "lstm", "mlp", "resnet18"]

Step = Callable[[], float | None]


def _run(torch: Any, model: Any, x: Any) -> Step:
    model.eval()
    model = models.prepare(model)

    def step() -> float:
        with torch.no_grad():
            return float(model(x).sum().item())

    return step


def mlp(torch: Any) -> Step:
    """784-512-512-10."""
    return _run(torch, models.mlp(torch), torch.randn(1, 784))


def lightnet(torch: Any) -> Step:
    """LightNet on one 32×32 image."""
    return _run(torch, models.lightnet(torch), torch.randn(1, 1, 32, 32))


def resnet18(torch: Any) -> Step:
    """ResNet-18 on one 32×32 image."""
    return _run(torch, models.resnet18(torch), torch.randn(1, 3, 32, 32))


def encoder(torch: Any) -> Step:
    """The Transformer encoder on 128 tokens."""
    return _run(torch, models.encoder(torch), torch.randn(1, 128, 256))


def lstm(torch: Any) -> Step:
    """The LSTM on 64 steps."""
    return _run(torch, models.recurrent(torch, "LSTM"), torch.randn(1, 64, 128))


def gpt(torch: Any) -> Step:
    """The GPT on 128 tokens."""
    return _run(torch, models.gpt(torch), torch.randint(0, 512, (1, 128)))
