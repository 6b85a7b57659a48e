"""Discrete Fourier transforms along one dimension, and the operations that those along several are made of.

Source: https://docs.pytorch.org/docs/2.13/fft.html
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import Operation
from rushlight.kernels import spectrum
from rushlight.ops._geometry import wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops._out import into
from rushlight.ops.conversion import to
from rushlight.ops.pad import constant_pad_nd
from rushlight.ops.sign import conj
from rushlight.ops.slicing import slice_

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "ComplexToComplex", "ComplexToReal", "RealToComplex", "check_out", "fft", "hfft", "ifft", "ihfft", "irfft",
    "promoted", "resized", "rfft", "scale_of",
]  # fmt: skip

Dims = tuple[int, ...]


class ComplexToComplex(Operation):
    """The transform of complex numbers; its adjoint is the transform the other way with the same factor."""

    node_name = "FftC2CBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Dims, scale: int, forward: bool) -> Any:
        ctx.call = dims, scale, forward
        return spectrum.complex_to_complex(input._array, dims, scale, forward)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        dims, scale, forward = ctx.call
        return ComplexToComplex.apply(grad, dims, scale, not forward), None, None, None


class RealToComplex(Operation):
    """The transform of real numbers, whole or the half that tells all of it."""

    node_name = "FftR2CBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Dims, scale: int, onesided: bool) -> Any:
        array = input._array
        ctx.call = dims, scale
        ctx.missing = array.shape[dims[-1]] - (array.shape[dims[-1]] // 2 + 1) if onesided else 0
        return spectrum.real_to_complex(array, dims, scale, onesided)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        dims, scale = ctx.call
        if ctx.missing:
            grad = constant_pad_nd(grad, (0, 0) * (grad._array.ndim - 1 - dims[-1]) + (0, ctx.missing))
        return ComplexToComplex.apply(grad, dims, scale, False).real, None, None, None


class ComplexToReal(Operation):
    """The real numbers whose one-sided transform is given."""

    node_name = "FftC2RBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: Dims, scale: int, n: int) -> Any:
        ctx.call = dims, scale
        return spectrum.complex_to_real(input._array, dims, scale, n)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        dims, scale = ctx.call
        half = RealToComplex.apply(grad, dims, scale, True)
        # All places but the first (and the last, of an even number) stand for their mirror images too.
        return _Mirrored.apply(half, dims[-1], grad._array.shape[dims[-1]]), None, None, None


class _Mirrored(Operation):
    """One-sided numbers, doubled where they stand for two."""

    node_name = "MulBackward0"

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, n: int) -> Any:
        ctx.call = dim, n
        out = input._array.copy()
        out[(slice(None),) * dim + (slice(1, (n + 1) // 2),)] *= 2
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return _Mirrored.apply(grad, *ctx.call), None, None


_SCALES = {"backward": spectrum.UNSCALED, "ortho": spectrum.BY_ROOT, "forward": spectrum.BY_LENGTH}


def scale_of(norm: str | None, forward: bool) -> int:
    """The factor that a name stands for."""
    name = "backward" if norm is None else norm
    if name not in _SCALES:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    # The way that the name doesn't mention has the factor 1.
    return _SCALES[name] if forward else spectrum.BY_LENGTH - _SCALES[name]


_COMPLEX = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


def promoted(input: Tensor, to_complex: bool) -> Tensor:
    """The tensor in the type that is transformed; RuntimeError for half precision."""
    kind = input.dtype
    if kind.is_complex and kind.itemsize > 4:
        return input
    wanted = kind if kind.is_complex or kind.is_floating_point else dtypes.get_default_dtype()
    if wanted not in _COMPLEX:
        raise RuntimeError(f"Unsupported dtype {wanted.legacy_name}")
    if to_complex:
        wanted = _COMPLEX[wanted]
    return input if wanted is kind else to(input, wanted)


def resized(input: Tensor, dims: Dims, sizes: tuple[int, ...]) -> Tensor:
    """The tensor cut, or filled up with zeros, to so many places in each dimension."""
    shape = input._array.shape
    pads = [0] * (2 * len(shape))
    for dim, size in zip(dims, sizes, strict=True):
        if shape[dim] < size:
            pads[2 * (len(shape) - 1 - dim) + 1] = size - shape[dim]
        elif shape[dim] > size:
            input = slice_(input, dim, 0, size)
    return constant_pad_nd(input, pads) if any(pads) else input


def check_out(name: str, out: Tensor | None, complex: bool) -> None:
    """RuntimeError if a tensor given for the result is of the wrong kind."""
    if out is None:
        return
    if complex and not out.is_complex():
        raise RuntimeError(f"{name} expects a complex output tensor, but got {out.dtype.legacy_name}")
    if not complex and not out.is_floating_point():
        raise RuntimeError(f"{name} expects a floating point output tensor, but got {out.dtype.legacy_name}")


def _dim_and_count(name: str, input: Tensor, n: int | None, dim: int) -> tuple[int, int | None]:
    if n is not None and n.__class__ is not int:
        try:
            n = operator.index(n)
        except TypeError:
            raise TypeError(f"fft_{name}(): argument 'n' must be int, not {type(n).__name__}") from None
    if not input._array.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, input._array.ndim), n


def _check_count(n: int) -> None:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")


def _from_complex(name: str, input: Tensor, n: int | None, dim: int, norm: Any, forward: bool) -> Tensor:
    place, n = _dim_and_count(name, input, n, dim)
    _check_count(input._array.shape[place] if n is None else n)
    if n is not None:
        input = resized(input, (place,), (n,))
    return ComplexToComplex.apply(input, (place,), scale_of(norm, forward), forward)


def _from_real(name: str, input: Tensor, n: int | None, dim: int, norm: Any, forward: bool, onesided: bool) -> Tensor:
    if input.dtype.is_complex:
        raise RuntimeError(f"{name} expects a real input tensor, but got {input.dtype.legacy_name}")
    input = promoted(input, False)
    place, n = _dim_and_count(name, input, n, dim)
    _check_count(input._array.shape[place] if n is None else n)
    if n is not None:
        input = resized(input, (place,), (n,))
    result = RealToComplex.apply(input, (place,), scale_of(norm, forward), onesided)
    # Of real numbers, the transform the other way is the conjugate.
    return result if forward else conj(result)


def _to_real(name: str, input: Tensor, n: int | None, dim: int, norm: Any, forward: bool) -> Tensor:
    input = promoted(input, True)
    place, n = _dim_and_count(name, input, n, dim)
    count = 2 * (input._array.shape[place] - 1) if n is None else n
    _check_count(count)
    if n is not None:
        input = resized(input, (place,), (n // 2 + 1,))
    scale = scale_of(norm, forward)
    return ComplexToReal.apply(conj(input) if forward else input, (place,), scale, count)


def fft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The discrete Fourier transform `X[j] = Σₖ x[k] exp(-2πi jk / n)` along `dim`, complex.

    `n` cuts the input or fills it up with zeros to so many places. norm: "backward" (or None; no factor), "ortho"
    (`1 / √n`), "forward" (`1 / n`). Integers are converted to the default floating-point type. Raises RuntimeError for
    half precision, for n < 1 and for another norm, IndexError for a dim out of range.

    >>> import rushlight as torch
    >>> torch.fft.fft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.fft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(fft, input, n, dim, norm)
    return _either("fft", input, n, dim, norm, out, True)


def _either(name: str, input: Tensor, n: Any, dim: int, norm: Any, out: Tensor | None, forward: bool) -> Tensor:
    check_tensor(f"fft_{name}", "input", 1, input)
    check_out(name, out, complex=True)
    if input.dtype.is_complex:
        return into(out, _from_complex(name, promoted(input, True), n, dim, norm, forward))
    return into(out, _from_real(name, input, n, dim, norm, forward, False))


def ifft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The inverse transform `x[k] = 1/n Σⱼ X[j] exp(2πi jk / n)` along `dim`, complex.

    norm: "backward" (or None; `1 / n`), "ortho" (`1 / √n`), "forward" (no factor). The rest is as in `fft`.

    >>> import rushlight as torch
    >>> torch.fft.ifft(torch.tensor([4.0, 0.0, 0.0, 0.0])).real
    tensor([1., 1., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ifft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(ifft, input, n, dim, norm)
    return _either("ifft", input, n, dim, norm, out, False)


def rfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The first `n // 2 + 1` places of the transform of real numbers along `dim`: the others are their conjugates.

    The arguments are those of `fft`. Raises RuntimeError for a complex input.

    >>> import rushlight as torch
    >>> torch.fft.rfft(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.rfft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(rfft, input, n, dim, norm)
    check_tensor("fft_rfft", "input", 1, input)
    check_out("rfft", out, complex=True)
    return into(out, _from_real("rfft", input, n, dim, norm, True, True))


def irfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The n real numbers whose `rfft` is the input; n is `2 (places - 1)` if it is left out.

    norm is that of `ifft`. The imaginary part of the first place (and, for an even n, of the last) counts as 0. Raises
    RuntimeError for n < 1.

    >>> import rushlight as torch
    >>> torch.fft.irfft(torch.tensor([4.0, 0.0, 0.0]))
    tensor([1., 1., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.irfft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(irfft, input, n, dim, norm)
    check_tensor("fft_irfft", "input", 1, input)
    check_out("irfft", out, complex=False)
    return into(out, _to_real("irfft", input, n, dim, norm, False))


def hfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The transform of numbers of which the first `n // 2 + 1` are given, the others being their conjugates: real.

    n is `2 (places - 1)` if it is left out; norm is that of `fft`. Raises RuntimeError for n < 1.

    >>> import rushlight as torch
    >>> torch.fft.hfft(torch.tensor([1.0, 0.0, 0.0]))
    tensor([1., 1., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.hfft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(hfft, input, n, dim, norm)
    check_tensor("fft_hfft", "input", 1, input)
    check_out("hfft", out, complex=False)
    return into(out, _to_real("hfft", input, n, dim, norm, True))


def ihfft(
    input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None, *, out: Tensor | None = None
) -> Tensor:
    """The first `n // 2 + 1` places of the inverse transform of real numbers: what `hfft` takes.

    norm is that of `ifft`. Raises RuntimeError for a complex input.

    >>> import rushlight as torch
    >>> torch.fft.ihfft(torch.tensor([4.0, 4.0, 4.0, 4.0])).real
    tensor([4., 0., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.fft.ihfft.html
    """
    if state.casts is not None and out is None:
        return state.casts.float32(ihfft, input, n, dim, norm)
    check_tensor("fft_ihfft", "input", 1, input)
    check_out("ihfft", out, complex=True)
    return into(out, _from_real("ihfft", input, n, dim, norm, False, True))
