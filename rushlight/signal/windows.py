"""Windows that a signal is multiplied with before it is transformed, as functions of their number of points M.

A symmetric window (`sym`) is meant for filters, one that isn't is a symmetric one of M + 1 points without the last, for
spectra. All of them take `dtype` (float32 or float64), `layout`, `device` and `requires_grad`, and raise ValueError
for a negative M and for other dtypes and layouts.

Source: https://docs.pytorch.org/docs/2.13/signal.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rushlight import dtypes
from rushlight.layout import layout, strided
from rushlight.ops.bessel import i0
from rushlight.ops.creation import empty, ones, tensor
from rushlight.ops.sequences import arange, linspace

if TYPE_CHECKING:
    from rushlight.device import device
    from rushlight.dtypes import dtype as Dtype
    from rushlight.tensor import Tensor

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


def _options(name: str, M: int, dtype: Any, layout: layout, device: Any, requires_grad: bool) -> dict[str, Any]:
    """What every tensor of a window is made with; ValueError where there is no such window."""
    dtype = dtypes.get_default_dtype() if dtype is None else dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, dtype: Dtype | None = None,
    layout: layout = strided, device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`exp(-|n - center| / tau)`, n = 0 … M - 1; `center` is the middle, and may be given unless `sym`.

    Raises ValueError for a tau that isn't positive too.

    >>> import rushlight as torch
    >>> torch.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.exponential.html
    """
    options = _options("exponential", M, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return empty(0, **options)
    middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
    rate = 1 / tau
    return (-linspace(-middle * rate, (-middle + (M - 1)) * rate, M, **options).abs()).exp()


def cosine(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`sin(π (n + 1/2) / M)`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.cosine.html
    """
    options = _options("cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return empty(0, **options)
    step = math.pi / (M + 1 if not sym and M > 1 else M)
    return linspace(0.5 * step, (0.5 + (M - 1)) * step, M, **options).sin()


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`exp(-((n - (M - 1) / 2) / std)² / 2)`, n = 0 … M - 1.

    Raises ValueError for a standard deviation that isn't positive too.

    >>> import rushlight as torch
    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.gaussian.html
    """
    options = _options("gaussian", M, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return empty(0, **options)
    start, rate = -(M if not sym and M > 1 else M - 1) / 2.0, 1 / (std * math.sqrt(2))
    return (-(linspace(start * rate, (start + (M - 1)) * rate, M, **options) ** 2)).exp()


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`I₀(√(beta² - x²)) / I₀(beta)`, x going from -beta to beta, I₀ being the modified Bessel function.

    Raises ValueError for a negative beta too.

    >>> import rushlight as torch
    >>> torch.signal.windows.kaiser(3, beta=0.0)
    tensor([1., 1., 1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.kaiser.html
    """
    options = _options("kaiser", M, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return ones(1, **options) if M else empty(0, **options)
    # Rounded as the points are, so that no root of a negative number comes out at the ends.
    most = tensor(beta, dtype=options["dtype"], device=device)
    end = most.minimum(-most + (M - 1) * (2.0 * most / (M - 1 if sym else M)))
    points = linspace(-most, end, M, **options)
    return i0((most * most - points**2).sqrt()) / i0(most)


def general_cosine(
    M: int, *, a: Iterable[float], sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`Σᵢ (-1)ⁱ a[i] cos(2πi n / (M - 1))`, n = 0 … M - 1.

    Raises TypeError for coefficients that are no sequence, ValueError where there are none.

    >>> import rushlight as torch
    >>> torch.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.general_cosine.html
    """
    options = _options("general_cosine", M, dtype, layout, device, requires_grad)
    if M < 2:
        return ones(1, **options) if M else empty(0, **options)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    angles = linspace(0, (M - 1) * (2 * math.pi / (M - 1 if sym else M)), M, **options)
    plain = {k: v for k, v in options.items() if k != "layout"}
    weights = tensor([(-1) ** i * w for i, w in enumerate(a)], **plain)
    places = arange(weights.shape[0], **options)
    return (weights.unsqueeze(-1) * (places.unsqueeze(-1) * angles).cos()).sum(0)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`alpha - (1 - alpha) cos(2πn / (M - 1))`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.general_hamming(3, alpha=0.5)
    tensor([0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.general_hamming.html
    """
    a = [alpha, 1.0 - alpha]
    return general_cosine(
        M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )  # fmt: skip


def hamming(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`0.54 - 0.46 cos(2πn / (M - 1))`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.hamming.html
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`sin²(πn / (M - 1))`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.hann(3)
    tensor([0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.hann.html
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )  # fmt: skip


def blackman(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`0.42 - 0.5 cos(2πn / (M - 1)) + 0.08 cos(4πn / (M - 1))`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.blackman(5)[1:4]
    tensor([0.3400, 1.0000, 0.3400])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.blackman.html
    """
    _options("blackman", M, dtype, layout, device, requires_grad)
    a = [0.42, 0.5, 0.08]
    return general_cosine(
        M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )  # fmt: skip


def bartlett(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The triangle `1 - |2n / (M - 1) - 1|`, n = 0 … M - 1.

    >>> import rushlight as torch
    >>> torch.signal.windows.bartlett(3)
    tensor([0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.bartlett.html
    """
    options = _options("bartlett", M, dtype, layout, device, requires_grad)
    if M < 2:
        return ones(1, **options) if M else empty(0, **options)
    return 1 - linspace(-1, -1 + (M - 1) * (2 / (M - 1 if sym else M)), M, **options).abs()


def nuttall(
    M: int, *, sym: bool = True, dtype: Dtype | None = None, layout: layout = strided,
    device: device | str | None = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`0.3635819 - 0.4891775 c₁ + 0.1365995 c₂ - 0.0106411 c₃`, `cᵢ = cos(2πi n / (M - 1))`: Nuttall's minimum of four
    terms.

    >>> import rushlight as torch
    >>> torch.signal.windows.nuttall(3)[1]
    tensor(1.0000)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.signal.windows.nuttall.html
    """
    a = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(
        M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )  # fmt: skip
