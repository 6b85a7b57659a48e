"""Random transforms draw as torchvision does with PyTorch's generator; tensors resize as PyTorch's `interpolate`."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from rushlight.vision import transforms as T  # noqa: E402
from rushlight.vision.transforms import functional as F  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def uniform(low, high):
    return torch.empty(1).uniform_(low, high).item()


def rectangle(height, width, scale, ratio, erasing):
    """The draws of torchvision's RandomResizedCrop and RandomErasing, in their order."""
    log_ratio = torch.log(torch.tensor(ratio))
    for _ in range(10):
        area = height * width * uniform(*scale)
        sides = torch.exp(torch.empty(1).uniform_(log_ratio[0], log_ratio[1])).item()
        w, h = round(math.sqrt(area * sides)), round(math.sqrt(area / sides))
        if erasing:
            w, h = h, w
        if (h < height and w < width) if erasing else (0 < w <= width and 0 < h <= height):
            top = torch.randint(0, height - h + 1, size=(1,)).item()
            left = torch.randint(0, width - w + 1, size=(1,)).item()
            return top, left, h, w
    return None


def crop_place():
    return torch.randint(0, 21, size=(1,)).item(), torch.randint(0, 31, size=(1,)).item(), 20, 20


def jitter():
    order = torch.randperm(4).tolist()
    return order, [uniform(0.6, 1.4), uniform(0.6, 1.4), None, uniform(-0.1, 0.1)]


def our_jitter():
    order, *factors = T.ColorJitter.get_params((0.6, 1.4), (0.6, 1.4), None, (-0.1, 0.1))
    return order.tolist(), factors


def our_erasing(image):
    erased = T.RandomErasing(1.0, value=9)(rushlight.zeros(3, 40, 50)).numpy()[0]
    rows, columns = np.flatnonzero(erased.any(1)), np.flatnonzero(erased.any(0))
    return rows[0], columns[0], len(rows), len(columns)


def erasing():
    torch.rand(1)
    return rectangle(40, 50, (0.02, 0.33), (0.3, 3.3), True)


DRAWS = {
    "RandomCrop": (lambda: T.RandomCrop.get_params(IMAGE, (20, 20)), crop_place),
    "RandomResizedCrop": (
        lambda: T.RandomResizedCrop.get_params(IMAGE, (0.08, 1.0), (3 / 4, 4 / 3)),
        lambda: rectangle(40, 50, (0.08, 1.0), (3 / 4, 4 / 3), False),
    ),
    "RandomRotation": (lambda: T.RandomRotation.get_params([-20.0, 20.0]), lambda: uniform(-20.0, 20.0)),
    "RandomHorizontalFlip": (
        lambda: T.RandomHorizontalFlip(0.4)(IMAGE) is not IMAGE,
        lambda: bool(torch.rand(1) < 0.4),
    ),
    "RandomApply": (
        lambda: T.RandomApply([T.Lambda(lambda x: None)], 0.4)(IMAGE) is None,
        lambda: not bool(torch.rand(1) > 0.4),
    ),
    "ColorJitter": (our_jitter, jitter),
    "RandomErasing": (lambda: our_erasing(IMAGE), erasing),
}


@pytest.mark.parametrize("name", DRAWS)
def test_same_seed_same_draws(name):
    ours, theirs = DRAWS[name]
    rushlight.manual_seed(11)
    torch.manual_seed(11)
    assert [ours() for _ in range(20)] == [theirs() for _ in range(20)]
    assert rushlight.rand(1).item() == torch.rand(1).item()


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(8, 9), (40, 37), (10, 60)])
def test_tensors_resize_as_interpolate_does(size, mode, antialias):
    values = np.random.default_rng(1).standard_normal((2, 3, 20, 31)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(torch.tensor(values), size, mode=mode, antialias=antialias)
    ours = F.resize(rushlight.tensor(values), size, F.InterpolationMode(mode), antialias=antialias)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-5)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("size", [(8, 9), (40, 37), (10, 60)])
def test_tensors_take_the_same_pixels(size, mode):
    values = np.random.default_rng(1).integers(0, 99, (3, 20, 31), dtype=np.uint8)
    theirs = torch.nn.functional.interpolate(torch.tensor(values)[None], size, mode=mode)[0]
    assert np.array_equal(F.resize(rushlight.tensor(values), size, F.InterpolationMode(mode)).numpy(), theirs.numpy())
