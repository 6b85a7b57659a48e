"""What convolutions accept: settings spread to one number per dimension, shapes and types in PyTorch's words."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any, NamedTuple

from rushlight.autograd.variable import Variable
from rushlight.dtypes import from_numpy_dtype
from rushlight.kernels.reference.windows import conv_size

__all__ = ["Geometry", "check_tensors", "check_types", "geometry_of", "numbers", "output_sizes"]

Ints = tuple[int, ...]


class Geometry(NamedTuple):
    """How the window moves, each entry with one number per dimension."""

    stride: Ints
    padding: Ints
    dilation: Ints
    transposed: bool
    output_padding: Ints
    groups: int


def numbers(rank: int, name: str, value: Any, function: str) -> Ints:
    """One number for each dimension, as the caller's int or sequence says."""
    try:
        found = (operator.index(value),) if hasattr(value, "__index__") else tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}") from None
    if len(found) == 1:
        return found * rank
    if len(found) != rank:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {rank} values to match the convolution "
            f"dimensions, but got {name}={list(found)}"
        )
    return found


@lru_cache(maxsize=1024)
def geometry_of(
    rank: int, stride: Any, padding: Any, dilation: Any, transposed: bool, output_padding: Any, groups: Any
) -> Geometry:
    """The settings of a call, checked; cached, so a layer's settings are looked at once."""
    function = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    strides = numbers(rank, "stride", stride, function)
    paddings = numbers(rank, "padding", padding, function)
    dilations = numbers(rank, "dilation", dilation, function)
    outer = numbers(rank, "output_padding", output_padding, function)
    if not hasattr(groups, "__index__"):
        raise TypeError(f"{function}(): argument 'groups' must be int, not {type(groups).__name__}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if min(paddings) < 0:
        raise RuntimeError("negative padding is not supported")
    if min(outer) < 0:
        raise RuntimeError("negative output_padding is not supported")
    if min(strides) <= 0:
        raise RuntimeError("non-positive stride is not supported")
    if min(dilations) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilations)}")
    for extra, step, spread in zip(outer, strides, dilations, strict=True):
        if extra >= step and extra >= spread:
            axes = ("depth", "height", "width")[-max(rank, 2) :]
            lists = {"output_padding": outer, "stride": strides, "dilation": dilations}
            text = " ".join(
                f"{name}_{axis}: {value}"
                for name, values in lists.items()
                for axis, value in zip(
                    axes, ((0 if name == "output_padding" else 1,) * (len(axes) - rank)) + values, strict=True
                )
            )
            raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {text}")
    return Geometry(strides, paddings, dilations, transposed, outer, operator.index(groups))


def _check_weight(x: Ints, w: Ints, b: Ints | None, geometry: Geometry) -> None:
    """Weight and bias fit the input and the groups."""
    groups, transposed = geometry.groups, geometry.transposed
    if len(w) != len(x):
        raise RuntimeError(
            f"Expected a {len(x)}D weight for an input of size {list(x)}, but got weight of size {list(w)}"
        )
    if w[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {list(w)} instead"
        )
    if w[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{list(w)}] instead"
        )
    given = (
        f"Given transposed=1, weight of size {list(w)}"
        if transposed
        else f"Given groups={groups}, weight of size {list(w)}"
    )
    channels = w[0] if transposed else w[1] * groups
    if x[1] != channels:
        raise RuntimeError(
            f"{given}, expected input{list(x)} to have {channels} channels, but got {x[1]} channels instead"
        )
    out_channels = w[1] * groups if transposed else w[0]
    if b is not None and b != (out_channels,):
        given = given if transposed else f"Given weight of size {list(w)}"
        raise RuntimeError(
            f"{given}, expected bias to be 1-dimensional with {out_channels} elements, "
            f"but got bias of size {list(b)} instead"
        )
    if min(w[2:]) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {list(w[2:])}")


def _check_not_empty(x: Ints) -> None:
    if min(x[2:]) == 0:
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}")


def _by(sizes: Ints) -> str:
    return " x ".join(map(str, sizes))


@lru_cache(maxsize=4096)
def output_sizes(x: Ints, w: Ints, b: Ints | None, geometry: Geometry) -> Ints:
    """The spatial sizes of the result, all shapes checked; cached, so a training loop pays for it once."""
    _check_weight(x, w, b, geometry)
    stride, padding, dilation, transposed, output_padding, _ = geometry
    sizes, kernel = x[2:], w[2:]
    if transposed:
        outputs = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, k, s, p, d, extra in zip(sizes, kernel, stride, padding, dilation, output_padding, strict=True)
        )
        if min(outputs) <= 0:
            raise RuntimeError(
                f"Given input size per channel: ({_by(sizes)}). Calculated output size per channel: ({_by(outputs)}). "
                "Output size is too small"
            )
        _check_not_empty(x)
        return outputs
    padded = tuple(n + 2 * p for n, p in zip(sizes, padding, strict=True))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if any(n < k for n, k in zip(padded, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_by(padded)}). Kernel size: ({_by(reach)}). "
            "Kernel size can't be greater than actual input size"
        )
    _check_not_empty(x)
    return tuple(map(conv_size, sizes, kernel, stride, padding, dilation))


# PyTorch names types here as its compiler does.
_C_NAMES = {
    "int64": "long int",
    "int16": "short int",
    "uint8": "unsigned char",
    "int8": "signed char",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
}


def check_types(input: Any, weight: Any, bias: Any) -> None:
    kind = input._array.dtype
    if bias is not None and bias._array.dtype != kind:
        names = [_C_NAMES.get(t.name) or from_numpy_dtype(t).legacy_name.lower() for t in (kind, bias._array.dtype)]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if weight._array.dtype != kind:
        expected, found = from_numpy_dtype(kind).legacy_name, from_numpy_dtype(weight._array.dtype).legacy_name
        raise RuntimeError(f"expected scalar type {expected} but found {found}")
    if kind.kind == "b":
        raise NotImplementedError("\"slow_conv2d_cpu\" not implemented for 'Bool'")


def check_tensors(function: str, **given: Any) -> None:
    for position, (name, value) in enumerate(given.items(), 1):
        if not isinstance(value, Variable) and not (name == "bias" and value is None):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be Tensor, not {type(value).__name__}"
            )
