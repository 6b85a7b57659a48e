"""Resampling, sampling and shuffling against PyTorch: sizes and factors at random, bytes, warnings, what is printed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

MODES = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}


def drawn_options(rng: np.random.Generator, rank: int, mode: str) -> dict[str, Any]:
    options: dict[str, Any] = {"mode": mode}
    if rng.random() < 0.5:
        options["size"] = tuple(int(n) for n in rng.integers(2, 12, rank))
    else:
        options["scale_factor"] = tuple(float(f) for f in rng.uniform(0.5, 2.5, rank))
        options["recompute_scale_factor"] = [None, True, False][rng.integers(3)]
    if mode in ("linear", "bilinear", "bicubic", "trilinear"):
        options["align_corners"] = [None, True, False][rng.integers(3)]
    options["antialias"] = bool(mode in ("bilinear", "bicubic") and rng.random() < 0.4)
    return options


def resampled(t: Any, image: Any, options: dict[str, Any]) -> list[Any]:
    """The result and the gradient of a weighted sum of it."""
    x = t.tensor(image).requires_grad_()
    out = t.nn.functional.interpolate(x, **options)
    weights = t.tensor(np.cos(np.arange(out.numel()))).reshape(tuple(out.shape)).to(out.dtype)
    (grad,) = t.autograd.grad(out, x, weights)
    return [out.detach().numpy(), grad.numpy()]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("rank", "mode"), [(rank, mode) for rank in MODES for mode in MODES[rank]])
def test_sizes_and_factors_at_random(rank: int, mode: str, dtype: str) -> None:
    rng = np.random.default_rng(rank)
    for _ in range(25):
        image = rng.standard_normal((2, 2, *rng.integers(2, 9, rank))).astype(dtype)
        options = drawn_options(rng, rank, mode)
        ours, theirs = (resampled(t, image, options) for t in (rushlight, torch))
        for a, b in zip(ours, theirs, strict=True):
            tolerance = 1e-9 if dtype == "float64" else 2e-5
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=str((image.shape, options)))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "lanczos"])
def test_bytes_are_equal_to_the_last(mode: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        image = rng.integers(0, 256, (1, int(rng.integers(1, 7)), *rng.integers(2, 20, 2))).astype(np.uint8)
        options: dict[str, Any] = {"size": tuple(int(n) for n in rng.integers(2, 30, 2)), "mode": mode}
        if mode == "lanczos" or (mode[0] == "b" and rng.random() < 0.5):
            options["antialias"] = True
        if mode[0] == "b":
            options["align_corners"] = bool(rng.random() < 0.5)
        ours, theirs = (t.nn.functional.interpolate(t.tensor(image), **options).numpy() for t in (rushlight, torch))
        np.testing.assert_array_equal(ours, theirs, err_msg=str((image.shape, options)))


PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


@program
def deprecated_names(t: Any) -> None:
    F, x = t.nn.functional, t.arange(4.0).reshape(1, 1, 2, 2)
    print(F.upsample(x, scale_factor=2), F.upsample_nearest(x, 3), F.upsample_bilinear(x, scale_factor=2))
    print(F.grid_sample(x, t.zeros(1, 1, 1, 2)), F.affine_grid(t.eye(2, 3).unsqueeze(0), [1, 1, 1, 2]))
    print(F.affine_grid(t.eye(2, 3).unsqueeze(0), [1, 1, 1, 2], align_corners=True))


@program
def messages(t: Any) -> None:
    F, x = t.nn.functional, t.zeros(1, 2, 4, 4)
    attempt(lambda: F.interpolate(x))
    attempt(lambda: F.interpolate(x, 2, 2))
    attempt(lambda: F.interpolate(x, (2,)))
    attempt(lambda: F.interpolate(x, (2, 2.5)))
    attempt(lambda: F.interpolate(x, scale_factor=(2,)))
    attempt(lambda: F.interpolate(x, 2, recompute_scale_factor=True))
    attempt(lambda: F.interpolate(x, 2, align_corners=True))
    attempt(lambda: F.interpolate(x, 2, antialias=True))
    attempt(lambda: F.interpolate(x, 2, mode="lanczos"))
    attempt(lambda: F.interpolate(x, 2, mode="linear"))
    attempt(lambda: F.interpolate(x, 2, mode="trilinear"))
    attempt(lambda: F.interpolate(x, 2, mode="cubic"))
    attempt(lambda: F.interpolate(x[0, 0], 2))
    attempt(lambda: F.interpolate(x, 0))
    attempt(lambda: F.interpolate(x[0], 0, mode="linear"))
    attempt(lambda: F.interpolate(x.unsqueeze(0), (1, 2, 0)))
    attempt(lambda: F.interpolate(x[:, :0], 2))
    attempt(lambda: F.interpolate(x.int(), 2))
    attempt(lambda: F.interpolate(x.byte()[0], 2, mode="linear"))
    attempt(lambda: F.interpolate(x.half(), 2, mode="bicubic", antialias=True))
    attempt(lambda: F.grid_sample(x, t.zeros(2, 1, 1, 2), align_corners=True))
    attempt(lambda: F.grid_sample(x, t.zeros(1, 1, 1, 3), align_corners=True))
    attempt(lambda: F.grid_sample(x, t.zeros(1, 1, 1, 2), "cubic"))
    attempt(lambda: F.grid_sample(x, t.zeros(1, 1, 1, 2), padding_mode="mirror"))
    attempt(lambda: F.grid_sample(x[:, :, :0], t.zeros(1, 1, 1, 2), align_corners=True))
    attempt(lambda: F.grid_sample(x.unsqueeze(2), t.zeros(1, 1, 1, 1, 3), "bicubic", align_corners=True))
    attempt(lambda: F.affine_grid(t.zeros(1, 2, 4), (1, 1, 2, 2), True))
    attempt(lambda: F.affine_grid(t.zeros(1, 2, 3), (1, 1, 2), True))
    attempt(lambda: F.affine_grid(t.zeros(1, 2, 3).long(), (1, 1, 2, 2), True))
    attempt(lambda: F.affine_grid(t.zeros(1, 2, 3), (1, 1, 0, 2), True))
    attempt(lambda: t.pixel_shuffle(x, 2))
    attempt(lambda: t.pixel_shuffle(x[0, 0], 2))
    attempt(lambda: t.pixel_unshuffle(x, 3))
    attempt(lambda: t.pixel_unshuffle(x, 0))
    attempt(lambda: t.channel_shuffle(x, 3))
    attempt(lambda: t.channel_shuffle(x[0, 0], 2))


@program
def layers(t: Any) -> None:
    nn, x = t.nn, t.arange(16.0).reshape(1, 4, 2, 2)
    for layer in (
        nn.Upsample(scale_factor=2), nn.Upsample((3, 1), mode="bilinear", align_corners=True),
        nn.Upsample(scale_factor=(1, 2)), nn.UpsamplingNearest2d(3), nn.UpsamplingBilinear2d(scale_factor=1.5),
        nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2),
    ):  # fmt: skip
        print(layer, layer(x).shape, {k: v for k, v in vars(layer).items() if not k.startswith("_")})
    print(nn.functional.GRID_SAMPLE_INTERPOLATION_MODES, nn.functional.GRID_SAMPLE_PADDING_MODES)


@program
def sizes_of_other_kinds(t: Any) -> None:
    F, x = t.nn.functional, t.arange(4.0).reshape(1, 1, 2, 2)
    print(
        F.interpolate(x, t.Size([1, 3])), F.interpolate(x, [t.tensor(1), 3]).shape, F.interpolate(x, (np.int64(3), 1))
    )
    print(F.interpolate(x.requires_grad_(), 1).requires_grad, F.interpolate(t.zeros(0, 2, 3, 3), 2).shape)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_lines(PROGRAMS[name])
