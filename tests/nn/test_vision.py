"""Resampling and sampling: warnings, names in the graph, not-a-number, dtypes, gradients that are asked for."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as torch
import rushlight.nn.functional as F

nn = torch.nn
IMAGE = torch.arange(16.0).reshape(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("upsample", lambda: F.upsample(IMAGE, scale_factor=2)),
        ("upsample_nearest", lambda: F.upsample_nearest(IMAGE, 3)),
        ("upsample_bilinear", lambda: F.upsample_bilinear(IMAGE, 3)),
    ],
)
def test_deprecated_names_warn_where_they_are_called(name: str, call: Any) -> None:
    with pytest.warns(UserWarning, match=f"`nn.functional.{name}` is deprecated") as caught:
        call()
    assert caught[0].filename == __file__


def test_corners_left_open_warn() -> None:
    grid, theta = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 3)
    calls: list[Any] = [lambda: F.grid_sample(IMAGE, grid), lambda: F.affine_grid(theta, (1, 1, 2, 2))]
    for call in calls:
        with pytest.warns(UserWarning, match="Default grid_sample and affine_grid behavior has changed") as caught:
            call()
        assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="unit-size grids when align_corners=True"):
        F.affine_grid(theta, (1, 1, 1, 2), align_corners=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.grid_sample(IMAGE, F.affine_grid(theta, (1, 1, 1, 2), align_corners=False), align_corners=False)


@pytest.mark.parametrize(
    ("shape", "mode", "antialias", "node"),
    [
        ((1, 1, 4), "nearest", False, "UpsampleNearest1DBackward0"),
        ((1, 1, 4, 4), "nearest-exact", False, "UpsampleNearestExact2DBackward0"),
        ((1, 1, 4), "linear", False, "UpsampleLinear1DBackward0"),
        ((1, 1, 4, 4), "bilinear", False, "UpsampleBilinear2DBackward0"),
        ((1, 1, 4, 4), "bicubic", True, "UpsampleBicubic2DAaBackward0"),
        ((1, 1, 4, 4), "lanczos", True, "UpsampleLanczos2DAaBackward0"),
        ((1, 1, 2, 2, 2), "trilinear", False, "UpsampleTrilinear3DBackward0"),
    ],
)
def test_names_in_the_graph(shape: tuple[int, ...], mode: str, antialias: bool, node: str) -> None:
    x = torch.ones(shape, requires_grad=True)
    out = F.interpolate(x, size=3, mode=mode, antialias=antialias)
    assert type(out.grad_fn).__name__ == node
    weights = torch.ones_like(out, requires_grad=True)
    (grad,) = torch.autograd.grad(out, x, weights, create_graph=True)
    assert type(grad.grad_fn).__name__ == node.replace("Backward0", "BackwardBackward0")


def test_names_of_sampling_and_shuffling() -> None:
    image = torch.ones(1, 4, 2, 2, requires_grad=True)
    theta = torch.ones(1, 2, 3, requires_grad=True)
    grid = F.affine_grid(theta, (1, 4, 2, 2), align_corners=True)
    made = (grid, F.grid_sample(image, grid, align_corners=True), F.pixel_shuffle(image, 2),
            F.pixel_unshuffle(image, 2), F.channel_shuffle(image, 2))  # fmt: skip
    assert [type(out.grad_fn).__name__ for out in made] == [
        f"{name}Backward0"
        for name in ("AffineGridGenerator", "GridSampler2D", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle")
    ]
    volume = F.grid_sample(
        torch.ones(1, 1, 2, 2, 2, requires_grad=True), torch.zeros(1, 1, 1, 1, 3), align_corners=True
    )
    assert type(volume.grad_fn).__name__ == "GridSampler3DBackward0"


def test_a_pixel_that_is_not_a_number_stays_where_it_is() -> None:
    image = IMAGE.clone()
    image[..., 3, 3] = float("nan")
    for mode in ("bilinear", "bicubic", "nearest"):
        enlarged = F.interpolate(image, scale_factor=2, mode=mode)
        assert torch.isnan(enlarged[..., 7, 7]).all()
        assert not torch.isnan(enlarged[..., :3, :3]).any()
    gradient = torch.zeros(1, 1, 8, 8)
    gradient[..., 0, 0] = float("inf")
    x = IMAGE.clone().requires_grad_()
    (back,) = torch.autograd.grad(F.interpolate(x, scale_factor=2, mode="bilinear"), x, gradient)
    assert torch.isinf(back[..., 0, 0]).all()
    assert (back[..., 2:, 2:] == 0).all()


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_a_place_that_is_nowhere_reads_nothing_else(mode: str, padding: str) -> None:
    grid = torch.tensor([[[[float("nan"), 0.0], [float("inf"), 0.0], [1e30, -1e30], [0.1, 0.1]]]], requires_grad=True)
    image = IMAGE.clone().requires_grad_()
    out = F.grid_sample(image, grid, mode, padding, align_corners=False)
    assert torch.isfinite(out[..., 3]).all()
    torch.autograd.grad(out[..., 3].sum(), (image, grid))


def test_gradients_only_where_they_are_asked_for() -> None:
    grid = torch.zeros(1, 2, 2, 2, requires_grad=True)
    out = F.grid_sample(IMAGE, grid, align_corners=False)
    out.sum().backward()
    assert grid.grad is not None and IMAGE.grad is None
    assert not F.grid_sample(IMAGE, grid.detach(), align_corners=False).requires_grad


def test_bytes_are_weighed_with_integers() -> None:
    image = torch.tensor([[[[0, 255], [255, 0]]]], dtype=torch.uint8)
    out = F.interpolate(image, size=(3, 3), mode="bilinear", align_corners=True)
    assert out.dtype is torch.uint8
    np.testing.assert_array_equal(out.numpy()[0, 0], [[0, 128, 255], [128, 128, 128], [255, 128, 0]])


def test_an_image_of_one_column_is_resampled_down_its_rows() -> None:
    # PyTorch 2.13 repeats the first row here.
    image = torch.arange(6.0).reshape(1, 1, 6, 1)
    out = F.interpolate(image, size=(3, 1), mode="bilinear", antialias=True)
    np.testing.assert_allclose(out.flatten().numpy(), [0.7142857, 2.5, 4.285714], rtol=1e-5)


def test_a_sampled_identity_is_the_image() -> None:
    for corners in (True, False):
        grid = F.affine_grid(torch.eye(2, 3).unsqueeze(0), (1, 1, 4, 4), align_corners=corners)
        np.testing.assert_allclose(F.grid_sample(IMAGE, grid, align_corners=corners).numpy(), IMAGE.numpy(), atol=1e-5)


def test_shuffles_undo_each_other() -> None:
    x = torch.randn(2, 12, 4, 6)
    assert torch.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)
    assert torch.equal(F.channel_shuffle(F.channel_shuffle(x, 3), 4), x)


def test_upsample_is_kept_as_it_was_made() -> None:
    layer: Any = nn.Upsample(scale_factor=(2, 1.5), mode="bilinear")
    twins: list[Any] = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]
    for twin in twins:
        assert repr(twin) == repr(layer) == "Upsample(scale_factor=(2.0, 1.5), mode='bilinear')"
        assert torch.equal(twin(IMAGE), layer(IMAGE))
    assert repr(nn.Upsample(size=(3, 4))) == "Upsample(size=(3, 4), mode='nearest')"
    old = {key: value for key, value in vars(layer).items() if key != "recompute_scale_factor"}
    layer.__setstate__(old)
    assert layer.recompute_scale_factor is True
