"""The small convolutional network."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.vision.models import CNN


@pytest.mark.parametrize(("channels", "size", "classes"), [(1, 8, 10), (1, 28, 10), (3, 32, 100), (2, 5, 3)])
def test_one_value_for_each_class(channels: int, size: int, classes: int) -> None:
    model = CNN(channels, size, classes, width=4)
    out = model(torch.zeros(2, channels, size, size))
    assert out.shape == (2, classes)
    out.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_too_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="size: expected 4 or more, since it is halved twice, but got 3"):
        CNN(1, 3)
