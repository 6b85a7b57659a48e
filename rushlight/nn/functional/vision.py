"""Resampling and rearranging images as functions.

Source: https://docs.pytorch.org/docs/2.13/nn.functional.html#vision-functions
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.autograd.grad_mode import state
from rushlight.ops._numeric import check_tensor
from rushlight.ops.grid import affine_grid_generator, grid_sampler
from rushlight.ops.pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from rushlight.ops.resample import resampled
from rushlight.ops.shuffle import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from rushlight.tensor import Tensor

__all__ = [
    "GRID_SAMPLE_INTERPOLATION_MODES", "GRID_SAMPLE_PADDING_MODES", "affine_grid", "channel_shuffle", "grid_sample",
    "interpolate", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "upsample", "upsample_bilinear",
    "upsample_nearest",
]  # fmt: skip

GRID_SAMPLE_INTERPOLATION_MODES = {"bilinear": 0, "nearest": 1, "bicubic": 2}
GRID_SAMPLE_PADDING_MODES = {"zeros": 0, "border": 1, "reflection": 2}

# The number of an input's dimensions that a mode resamples.
_RANKS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "lanczos": (2,),
    "trilinear": (3,),
}
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def _is_integer(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point()
    return isinstance(value, int | np.integer)


def _sizes(input: Tensor, size: Any, rank: int) -> tuple[int, ...]:
    """The argument `size`, one number for each resampled dimension."""
    if isinstance(size, tuple | list):
        if len(size) != rank:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and output size of {size}. Please provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all(map(_is_integer, size)):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size "
                f"with types {[type(x) for x in size]}"
            )
        return tuple(map(int, size))
    if not _is_integer(size) or isinstance(size, bool):
        raise TypeError(f"interpolate(): argument 'size' must be int or tuple of ints, not {type(size).__name__}")
    return (int(size),) * rank


def _factors(input: Tensor, scale_factor: Any, rank: int) -> tuple[float, ...]:
    """The argument `scale_factor`, one number for each resampled dimension."""
    if isinstance(scale_factor, tuple | list):
        if len(scale_factor) != rank:
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(input.shape[2:])} and scale_factor of shape {scale_factor}. Please provide "
                "input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
            )
    else:
        scale_factor = (scale_factor,) * rank
    for factor in scale_factor:
        if not isinstance(factor, int | float | np.number):
            raise TypeError(
                f"interpolate(): argument 'scale_factor' must be float or tuple of floats, not {type(factor).__name__}"
            )
        if not math.isfinite(factor):
            raise RuntimeError(f"value cannot be converted to type int64_t without overflow: scale_factor {factor}")
    return tuple(map(float, scale_factor))


def _check_mode(ndim: int, mode: str, align_corners: bool | None, antialias: bool) -> None:
    """Whether the mode takes an input of so many dimensions, and the other arguments."""
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if ndim - 2 in _RANKS.get(mode, ()):
        if mode == "lanczos":
            if align_corners:
                raise ValueError("Lanczos mode does not support align_corners=True")
            if not antialias:
                raise ValueError("Lanczos mode requires antialias=True")
        return
    if ndim in (3, 4, 5) and mode in ("linear", "bilinear", "trilinear"):
        raise NotImplementedError(f"Got {ndim}D input, but {mode} mode needs {_RANKS[mode][0] + 2}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | linear | "
        f"bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
    )


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input resampled to `size`, or to ⌊size · scale_factor⌋ of its own.

    Shapes: (N, C, *size) → (N, C, *new size), with one, two or three dimensions resampled. Modes, and the ranks they
    take: "nearest", "nearest-exact" and "area" (any), "linear" (1), "bilinear", "bicubic", "lanczos" (2),
    "trilinear" (3); "area" averages (`adaptive_avg_pool`). Floating-point dtypes, and uint8 in the modes nearest,
    bilinear and bicubic.

    - `align_corners`: the centres of the corner elements lie upon each other; otherwise their outer corners do.
    - `recompute_scale_factor`: the step between neighbours is computed from the sizes, not taken from the factor.
    - `antialias` (bilinear, bicubic, lanczos): where the input shrinks, the kernel is stretched, as Pillow does it.

    Raises ValueError for arguments that contradict each other, NotImplementedError for a mode that does not take the
    input's rank or dtype, RuntimeError for sizes that are not positive.

    >>> import rushlight as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[0.0, 4.0]]]), scale_factor=2, mode="linear")
    tensor([[[0., 1., 3., 4.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.interpolate.html
    """
    check_tensor("interpolate", "input", 1, input)
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    rank = input.ndim - 2
    sizes, factors = None, None
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        sizes = _sizes(input, size, rank)
        if recompute_scale_factor:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    elif scale_factor is not None:
        factors = _factors(input, scale_factor, rank)
    else:
        raise ValueError("either size or scale_factor should be defined")
    _check_mode(input.ndim, mode, align_corners, antialias)
    if sizes is None:
        assert factors is not None
        sizes = tuple(int(n * f) for n, f in zip(input.shape[2:], factors, strict=True))
        if recompute_scale_factor or mode == "area":
            factors = None
    if mode == "area":
        pool: Any = _AREA[rank]
        return pool(input, sizes)
    if not isinstance(align_corners, bool | None):
        raise TypeError(f"interpolate(): argument 'align_corners' must be bool, not {type(align_corners).__name__}")
    return resampled(input, sizes, factors, mode, bool(align_corners), antialias)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", UserWarning, stacklevel=3
    )


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate` by its old name; warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.nn.functional.upsample(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.upsample.html
    """
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """`interpolate` by the nearest element; warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.nn.functional.upsample_nearest(torch.tensor([[[1.0, 2.0]]]), size=4)
    tensor([[[1., 1., 2., 2.]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.upsample_nearest.html
    """
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """`interpolate` of images, bilinear, with aligned corners; warns.

    >>> import warnings
    >>> import rushlight as torch
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     torch.nn.functional.upsample_bilinear(torch.tensor([[[[1.0, 2.0]]]]), size=(1, 3))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.upsample_bilinear.html
    """
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _warn_of_corners() -> None:
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
        "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.",
        UserWarning,
        stacklevel=3,
    )


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input's values at the places that a grid names.

    Shapes: input (N, C, H, W), grid (N, H_out, W_out, 2) → (N, C, H_out, W_out); or (N, C, D, H, W) and
    (N, D_out, H_out, W_out, 3). A place is (x, y) or (x, y, z), from -1 at one border to 1 at the other: at the
    corner elements' centres with `align_corners`, else at their outer edges.

    `mode` is "bilinear" (in 3 dimensions trilinear), "nearest" or "bicubic" (images only). Beyond the border lie zeros
    ("zeros"), the border's own elements ("border") or mirror images ("reflection"). Floating-point dtypes; both
    arguments have gradients. Raises ValueError for other modes, RuntimeError for shapes that do not go together.

    >>> import rushlight as torch
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> torch.nn.functional.grid_sample(image, torch.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.5000]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.grid_sample.html;
    M. Jaderberg et al., "Spatial transformer networks", 2015.
    """
    if state.casts is not None:
        return state.casts.float32(grid_sample, input, grid, mode, padding_mode, align_corners)
    if mode not in GRID_SAMPLE_INTERPOLATION_MODES:
        raise ValueError(
            f"nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in GRID_SAMPLE_PADDING_MODES:
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    if align_corners is None:
        _warn_of_corners()
        align_corners = False
    interpolation = GRID_SAMPLE_INTERPOLATION_MODES[mode]
    return grid_sampler(input, grid, interpolation, GRID_SAMPLE_PADDING_MODES[padding_mode], align_corners)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid for `grid_sample` that an affine map makes of the output's places.

    Shapes: theta (N, 2, 3) and size (N, C, H, W) → (N, H, W, 2), or (N, 3, 4) and (N, C, D, H, W) → (N, D, H, W, 3).
    Raises ValueError for other shapes and dtypes that are not floating-point, NotImplementedError for other sizes.

    >>> import rushlight as torch
    >>> identity = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> torch.nn.functional.affine_grid(identity, (1, 1, 1, 2), align_corners=False)
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.functional.affine_grid.html
    """
    check_tensor("affine_grid", "theta", 1, theta)
    if align_corners is None:
        _warn_of_corners()
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size "
            f"{size}."
        )
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (rank, rank + 1):
        raise ValueError(
            f"Expected a batch of {rank}D affine matrices of shape Nx{rank}x{rank + 1} for size {size}. Got "
            f"{theta.shape}."
        )
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This "
            "is not an intended use case of affine_grid. See the documentation of affine_grid for details.",
            UserWarning,
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    return affine_grid_generator(theta, size, align_corners)
