"""The fully connected network."""

from __future__ import annotations

import pytest

import rushlight as torch
from rushlight.vision.models import MLP


@pytest.mark.parametrize("hidden", [(), (5,), (6, 4, 3)])
def test_widths_are_those_that_were_asked_for(hidden: tuple[int, ...]) -> None:
    model = MLP(12, classes=7, hidden=hidden)
    widths = [parameter.shape for parameter in model.parameters() if parameter.ndim == 2]
    assert widths == [(after, before) for before, after in zip((12, *hidden), (*hidden, 7), strict=True)]
    assert model(torch.zeros(2, 3, 2, 2)).shape == (2, 7)
