"""Discrete Fourier transforms along several dimensions, their frequencies, and shifts of the spectrum's middle.

Source: https://docs.pytorch.org/docs/2.13/fft.html
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.layout import layout, strided
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.conversion import as_dtype
from rushlight.ops.creation import filled
from rushlight.ops.fourier import (
    ComplexToComplex,
    ComplexToReal,
    RealToComplex,
    check_out,
    promoted,
    resized,
    scale_of,
)
from rushlight.ops.rearranging import roll
from rushlight.ops.sign import conj

if TYPE_CHECKING:
    from rushlight.device import device as Device
    from rushlight.tensor import Tensor

__all__ = [
    "fft2", "fftfreq", "fftn", "fftshift", "hfft2", "hfftn", "ifft2", "ifftn", "ifftshift", "ihfft2", "ihfftn",
    "irfft2", "irfftn", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Dims = int | tuple[int, ...] | list[int] | None
Shape = tuple[int, ...]


def _integers(name: str, argument: str, value: Any) -> Shape | None:
    if value is None:
        return None
    try:
        return (operator.index(value),) if hasattr(value, "__index__") else tuple([operator.index(v) for v in value])
    except TypeError:
        raise TypeError(
            f"fft_{name}(): argument '{argument}' must be tuple of ints, not {type(value).__name__}"
        ) from None


def _dims_and_sizes(name: str, input: Tensor, s: Dims, dim: Dims) -> tuple[Shape, Shape]:
    """The dimensions to transform, and how many places each is to have."""
    check_tensor(f"fft_{name}", "input", 1, input)
    shape = input._array.shape
    wanted, dims = _integers(name, "s", s), _integers(name, "dim", dim)
    if dims is not None:
        if dims and not shape:
            raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
        dims = tuple([wrap_dim(d, len(shape)) for d in dims])
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if wanted is not None:
        if dims is not None and len(dims) != len(wanted):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(wanted) > len(shape):
            raise RuntimeError(
                f"Got shape with {len(wanted)} values but input tensor only has {len(shape)} dimensions."
            )
        if dims is None:
            dims = tuple(range(len(shape) - len(wanted), len(shape)))
        sizes = tuple([shape[d] if n == -1 else n for d, n in zip(dims, wanted, strict=True)])
    else:
        dims = tuple(range(len(shape))) if dims is None else dims
        sizes = tuple([shape[d] for d in dims])
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return dims, sizes


def _complex(name: str, input: Tensor, s: Dims, dim: Dims, norm: Any, out: Tensor | None, forward: bool) -> Tensor:
    dims, sizes = _dims_and_sizes(name, input, s, dim)
    check_out(name, out, complex=True)
    x = resized(promoted(input, True), dims, sizes)
    return into(out, ComplexToComplex.apply(x, dims, scale_of(norm, forward), forward))


def _at_least_one(name: str, dims: Shape) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _halved(name: str, input: Tensor, s: Dims, dim: Dims) -> tuple[Tensor, Shape, int]:
    """A one-sided spectrum of the right size, its dimensions, and how many places the last has when whole."""
    dims, sizes = _dims_and_sizes(name, input, s, dim)
    _at_least_one(name, dims)
    given = _integers(name, "s", s)
    last = 2 * (input._array.shape[dims[-1]] - 1) if given is None or given[-1] == -1 else sizes[-1]
    if last < 1:
        raise RuntimeError(f"Invalid number of data points ({last}) specified")
    return resized(promoted(input, True), dims, (*sizes[:-1], last // 2 + 1)), dims, last


def fftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The discrete Fourier transform along each of `dim`: all dimensions, or the last `len(s)`, if it is left out.

    `s` says how many places each has (the input is cut or filled up with zeros; -1 keeps it). norm: "backward" (or
    None; no factor), "ortho" (`1 / √n`), "forward" (`1 / n`), n being the product of the places. Integers are converted
    to the default floating-point type. Raises RuntimeError for half precision, a dimension given twice, places < 1.

    >>> import rushlight as torch
    >>> torch.fft.fftn(torch.ones(2, 2)).real
    tensor([[4., 0.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.fftn.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(fftn, input, s, dim, norm)
    return _complex("fftn", input, s, dim, norm, out, True)


def ifftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `fftn`; norm: "backward" (or None; `1 / n`), "ortho" (`1 / √n`), "forward" (no factor).

    Raises RuntimeError for repeated dimensions, another norm and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.ifftn(torch.tensor([[4.0, 0.0], [0.0, 0.0]])).real
    tensor([[1., 1.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ifftn.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(ifftn, input, s, dim, norm)
    return _complex("ifftn", input, s, dim, norm, out, False)


def rfftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """`fftn` of real numbers, of the last of `dim` only the first `n // 2 + 1` places.

    Raises RuntimeError for a complex input and where there is no dimension.

    >>> import rushlight as torch
    >>> torch.fft.rfftn(torch.ones(2, 4)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.rfftn.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(rfftn, input, s, dim, norm)
    check_tensor("fft_rfftn", "input", 1, input)
    if input.dtype.is_complex:
        raise RuntimeError(f"rfftn expects a real-valued input tensor, but got {input.dtype.legacy_name}")
    dims, sizes = _dims_and_sizes("rfftn", input, s, dim)
    _at_least_one("rfftn", dims)
    check_out("rfftn", out, complex=True)
    x = resized(promoted(input, False), dims, sizes)
    return into(out, RealToComplex.apply(x, dims, scale_of(norm, True), True))


def irfftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `rfftn`: real numbers, with `s[-1]`, or `2 (places - 1)`, places in the last of `dim`.

    Raises RuntimeError for repeated dimensions, another norm and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.irfftn(torch.fft.rfftn(torch.ones(2, 4))).shape
    torch.Size([2, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.irfftn.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(irfftn, input, s, dim, norm)
    x, dims, last = _halved("irfftn", input, s, dim)
    check_out("irfftn", out, complex=False)
    return into(out, ComplexToReal.apply(x, dims, scale_of(norm, False), last))


def hfftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform of numbers that equal their conjugates mirrored, given one-sidedly in the last of `dim`: real.

    Raises RuntimeError for repeated dimensions, another norm and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.hfftn(torch.ones(2, 3)).shape
    torch.Size([2, 4])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.hfftn.html
    """
    x, dims, last = _halved("hfftn", input, s, dim)
    check_out("hfftn", out, complex=False)
    scale = scale_of(norm, True)
    if len(dims) > 1:
        x = ComplexToComplex.apply(x, dims[:-1], scale, True)
    return into(out, ComplexToReal.apply(conj(x), dims[-1:], scale, last))


def ihfftn(
    input: Tensor, s: Dims = None, dim: Dims = None, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `hfftn`: of real numbers, of the last of `dim` only the first `n // 2 + 1` places.

    Raises RuntimeError for a complex input.

    >>> import rushlight as torch
    >>> torch.fft.ihfftn(torch.ones(2, 4)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ihfftn.html
    """
    dims, sizes = _dims_and_sizes("ihfftn", input, s, dim)
    _at_least_one("ihfftn", dims)
    if input.dtype.is_complex:
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {input.dtype.legacy_name}")
    check_out("ihfftn", out, complex=True)
    scale = scale_of(norm, False)
    x = resized(promoted(input, False), dims, sizes)
    half = conj(RealToComplex.apply(x, dims[-1:], scale, True))
    return into(out, half if len(dims) == 1 else ComplexToComplex.apply(half, dims[:-1], scale, False))


def fft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The Fourier transform along the last two dimensions, or the two of `dim`: `fftn` with another default.

    `(*, m, n)` gives complex `(*, m, n)`, or the lengths of `s`, to which the input is cut or padded with zeros. `norm`
    is "backward" (the default), "ortho" or "forward". Real and complex floats are taken, integers as the default dtype.
    Raises RuntimeError for repeated dimensions, another `norm` and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.fft2(torch.eye(2))
    tensor([[2.+0.j, 0.+0.j],
            [0.+0.j, 2.+0.j]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.fft2.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(fft2, input, s, dim, norm)
    return fftn(input, s, dim, norm, out=out)


def ifft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `fft2`, along the last two dimensions or the two of `dim`: `ifftn` with another default.

    `(*, m, n)` gives complex `(*, m, n)`, or the lengths of `s`. Raises RuntimeError for repeated dimensions, another
    `norm` and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.ifft2(torch.fft.fft2(torch.eye(2))).real
    tensor([[1., 0.],
            [0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ifft2.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(ifft2, input, s, dim, norm)
    return ifftn(input, s, dim, norm, out=out)


def rfft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform of real numbers along two dimensions, without the half of the last that mirrors the other: `rfftn`.

    `(*, m, n)` gives complex `(*, m, n // 2 + 1)`. Raises RuntimeError for complex input, repeated dimensions, another
    `norm` and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.rfft2(torch.ones(2, 4)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.rfft2.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(rfft2, input, s, dim, norm)
    return rfftn(input, s, dim, norm, out=out)


def irfft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `rfft2`, which gives real numbers: `irfftn` along the last two dimensions or the two of `dim`.

    Half a spectrum `(*, m, k)` gives `(*, m, 2 * (k - 1))`, or the lengths of `s`, which odd ones need. Raises
    RuntimeError for repeated dimensions, another `norm` and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.irfft2(torch.fft.rfft2(torch.ones(2, 3)), s=(2, 3))
    tensor([[1., 1., 1.],
            [1., 1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.irfft2.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(irfft2, input, s, dim, norm)
    return irfftn(input, s, dim, norm, out=out)


def hfft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform, which is real, of a signal that its half stands for: `hfftn` along two dimensions.

    Half a signal `(*, m, k)` gives `(*, m, 2 * (k - 1))`, or the lengths of `s`. Raises RuntimeError for repeated
    dimensions, another `norm` and lengths below 1.

    >>> import rushlight as torch
    >>> torch.fft.hfft2(torch.ones(2, 2))
    tensor([[4., 0.],
            [0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.hfft2.html
    """
    return hfftn(input, s, dim, norm, out=out)


def ihfft2(
    input: Tensor, s: Dims = None, dim: Dims = (-2, -1), norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse of `hfft2`: half of the signal whose transform is real, `ihfftn` along two dimensions.

    Real `(*, m, n)` gives complex `(*, m, n // 2 + 1)`. Raises RuntimeError for complex input, repeated dimensions and
    another `norm`.

    >>> import rushlight as torch
    >>> torch.fft.ihfft2(torch.ones(2, 4)).shape
    torch.Size([2, 3])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ihfft2.html
    """
    return ihfftn(input, s, dim, norm, out=out)


def _frequencies(name: str, n: int, d: float, count: int, out: Tensor | None, dtype: Any, options: Any) -> Tensor:
    if dtype is not None:
        kind = as_dtype(dtype, name)
    else:
        kind = out.dtype if out is not None else dtypes.get_default_dtype()
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if kind.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.legacy_name}'")

    def make(shape: Any, numpy_dtype: Any) -> Any:
        places = np.arange(count)
        if count == n:
            places[(n + 1) // 2 :] -= n
        factor = np.float64(1.0) / np.float64(n * d)
        wide: Any = np.float64 if numpy_dtype == np.float64 else np.float32
        return (places.astype(numpy_dtype).astype(wide) * wide(factor)).astype(numpy_dtype)

    return filled(name, make, ((count,),), out=out, dtype=kind, **options)


def _count(name: str, n: Any) -> int:
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"fft_{name}(): argument 'n' (position 1) must be int, not {type(n).__name__}") from None
    if count < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {count}: [{count}]")
    return count


def fftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: layout = strided,
    device: Device | str | None = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of the n places of an `fft`, in the order in which they come: `[0, 1, …, -2, -1] / (n d)`.

    `d` is the distance of two points in time. Raises RuntimeError for an integer dtype.

    >>> import rushlight as torch
    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.fftfreq.html
    """
    options = {"layout": layout, "device": device, "requires_grad": requires_grad}
    count = _count("fftfreq", n)
    return _frequencies("fftfreq", count, d, count, out, dtype, options)


def rfftfreq(
    n: int, d: float = 1.0, *, out: Tensor | None = None, dtype: Any = None, layout: layout = strided,
    device: Device | str | None = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The frequencies of the `n // 2 + 1` places of an `rfft` of n points: `[0, 1, …, n // 2] / (n d)`.

    `d` is the distance of two points in time. Raises RuntimeError for an integer dtype.

    >>> import rushlight as torch
    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.rfftfreq.html
    """
    options = {"layout": layout, "device": device, "requires_grad": requires_grad}
    count = _count("rfftfreq", n)
    return _frequencies("rfftfreq", count, d, count // 2 + 1, out, dtype, options)


def _shifted(name: str, input: Tensor, dim: Dims, more: int) -> Tensor:
    check_tensor(f"fft_{name}", "input", 1, input)
    shape = input._array.shape
    given = _integers(name, "dim", dim)
    dims = tuple(range(len(shape))) if given is None else tuple([wrap_dim(d, len(shape)) for d in given])
    if not dims:
        return input.clone()
    return roll(input, tuple([(shape[d] + more) // 2 for d in dims]), dims)


def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The places of a spectrum with frequency 0 moved from the front to the middle, along `dim` or all dimensions.

    The shape and dtype stay. Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.fftshift.html
    """
    return _shifted("fftshift", input, dim, 0)


def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of `fftshift`: frequency 0 moved from the middle to the front.

    The shape and dtype stay. Raises IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.fft.ifftshift(torch.tensor([-2, -1, 0, 1, 2]))
    tensor([ 0,  1,  2, -2, -1])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ifftshift.html
    """
    return _shifted("ifftshift", input, dim, 1)
