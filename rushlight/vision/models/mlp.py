"""Fully connected layers, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rushlight import nn
from rushlight.tensor import Tensor

__all__ = ["MLP"]


class MLP(nn.Module):
    """Images flattened, then `hidden` fully connected layers with ReLU, then one value for each class.

    Shapes: (N, *) of `features` values each → (N, classes). Initial weights are those of `nn.Linear`.

    >>> import rushlight as torch
    >>> from rushlight.vision.models import MLP
    >>> MLP(28 * 28)(torch.zeros(3, 1, 28, 28)).shape
    torch.Size([3, 10])

    Source: the network of https://docs.pytorch.org/tutorials/beginner/basics/buildmodel_tutorial.html
    """

    def __init__(self, features: int, classes: int = 10, hidden: Sequence[int] = (512, 512)) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        widths = [features, *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], classes))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(self.flatten(x))
        return logits
