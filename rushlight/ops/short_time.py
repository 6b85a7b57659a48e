"""The short-time Fourier transform: the spectra of windows that move along a signal; and its inverse.

A signal `(*, time)` becomes `(*, frequency, frame)`.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.stft.html
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING, Any

from rushlight.autograd.grad_mode import state
from rushlight.kernels.spectrum import BY_LENGTH, BY_ROOT, UNSCALED
from rushlight.ops._geometry import shape_text, wrap_dim
from rushlight.ops._numeric import check_tensor
from rushlight.ops.complex_views import view_as_real
from rushlight.ops.creation import ones
from rushlight.ops.fourier import ComplexToComplex, ComplexToReal, RealToComplex
from rushlight.ops.pad import constant_pad_nd
from rushlight.ops.pad import pad as _pad
from rushlight.ops.slicing import Fold, Unfold, slice_

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["istft", "stft"]


def _int(function: str, name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{function}(): argument '{name}' must be int, not {type(value).__name__}") from None


def _call(function: str, input: Tensor, window: Tensor | None, **options: Any) -> str:
    """The call as PyTorch's messages repeat it."""
    prefix = "CPU" if function == "istft" else "torch."
    kind = f"{input.dtype.legacy_name}{'Type' if function == 'istft' else 'Tensor'}"
    seen = "None"
    if window is not None:
        seen = f"torch.{window.dtype.legacy_name}Tensor{{{shape_text(window._array.shape)}}}"
    said = {name: int(v) if isinstance(v, bool) else v for name, v in options.items()}
    said = {**{k: said.pop(k) for k in ("n_fft", "hop_length", "win_length")}, "window": seen, **said}
    listed = ", ".join(f"{name}={v}" for name, v in said.items())
    return f"{function}({prefix}{kind}{shape_text(input._array.shape)}, {listed})"


def _centred(window: Tensor, n_fft: int) -> Tensor:
    """A window with zeros on both sides, as long as a transform."""
    missing = n_fft - window._array.shape[0]
    return constant_pad_nd(window, (missing // 2, missing - missing // 2)) if missing else window


def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
    onesided: bool | None = None, return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """`X[f, t] = Σₖ window[k] x[t · hop + k] exp(-2πi f k / n_fft)`: a spectrum for each place of a moving window.

    Input (T,) or (B, T) → (F, frames) or (B, F, frames), F being `n_fft // 2 + 1` or, not onesided, n_fft.
    hop_length is `n_fft // 4` unless given, win_length n_fft; a shorter window (ones, unless given) stands in the
    middle of n_fft places. With `center` the signal is first padded by `n_fft // 2` on both sides (`pad_mode` as in
    `nn.functional.pad`); without, `align_to_window` lets the first window, rather than the first n_fft places, begin at
    time 0. `normalized` divides by `√n_fft`. onesided is True unless signal or window is complex. `return_complex` must
    be given for real numbers; False gives the parts along a last dimension of 2. Raises RuntimeError for sizes that
    don't fit.

    >>> import rushlight as torch
    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), center=False, return_complex=True).abs()
    tensor([[4., 4., 4., 4., 4.],
            [0., 0., 0., 0., 0.],
            [0., 0., 0., 0., 0.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.stft.html
    """
    if state.casts is not None:
        return state.casts.float32(
            stft, input, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided, return_complex,
            align_to_window,
        )  # fmt: skip
    check_tensor("stft", "input", 1, input)
    n_fft = _int("stft", "n_fft", n_fft)
    hop = n_fft // 4 if hop_length is None else _int("stft", "hop_length", hop_length)
    length = n_fft if win_length is None else _int("stft", "win_length", win_length)
    if center:
        if align_to_window is not None:
            raise RuntimeError("stft align_to_window should only be set when center = false")
        input = _padded(input, n_fft // 2, pad_mode)
    to_complex = _asked_for_complex(input, window, return_complex)
    problem = _stft_problem(input, n_fft, hop, length, window)
    if problem:
        call = _call(
            "stft", input, window, n_fft=n_fft, hop_length=hop, win_length=length, normalized=normalized,
            onesided=onesided, return_complex=to_complex, align_to_window=align_to_window,
        )  # fmt: skip
        raise RuntimeError(f"{call} : {problem}")
    if align_to_window and not center:
        signal = constant_pad_nd(input, ((n_fft - length) // 2, (n_fft - length) // 2))
    else:
        signal = input
    out = _moving_spectra(signal, n_fft, hop, length, window, BY_ROOT if normalized else UNSCALED, onesided)
    return out if to_complex else view_as_real(out)


def _moving_spectra(
    signal: Tensor, n_fft: int, hop: int, length: int, window: Tensor | None, scale: int, onesided: bool | None
) -> Tensor:
    """The spectra of all places of a window, along a last dimension."""
    if window is None:
        _warn_of_rectangle(
            "which is known to cause spectral leakage. Other windows such as torch.hann_window or torch.hamming_window "
            "are recommended to reduce spectral leakage."
        )
    if length < n_fft:
        window = _centred(ones(length, dtype=signal.dtype) if window is None else window, n_fft)
    single = signal._array.ndim == 1
    frames = Unfold.apply(signal.unsqueeze(0) if single else signal, 1, n_fft, hop)
    out = _spectra(frames if window is None else frames * window, scale, onesided).transpose(1, 2)
    return out.squeeze(0) if single else out


def _asked_for_complex(input: Tensor, window: Tensor | None, given: bool | None) -> bool:
    """Whether the result is to be complex; RuntimeError where that must be said and isn't."""
    if given is not None:
        if not given:
            warnings.warn(
                "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex "
                "tensors for all inputs, and return_complex=False will raise an error.\nNote: you can still call "
                "torch.view_as_real on the complex output to recover the old return format.",
                UserWarning,
                stacklevel=3,
            )
        return given
    if not (input.is_complex() or (window is not None and window.is_complex())):
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    return True


def _warn_of_rectangle(consequence: str) -> None:
    warnings.warn(
        f"A window was not provided. A rectangular window will be applied, {consequence} To suppress this warning and "
        "use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`.",
        UserWarning,
        stacklevel=4,
    )


def _padded(input: Tensor, pad: int, mode: str) -> Tensor:
    shape = input._array.shape
    wide = _pad(input.view((1,) * (3 - len(shape)) + shape), [pad, pad], mode)
    return wide.view(wide.shape[wide._array.ndim - len(shape) :])


def _spectra(frames: Tensor, scale: int, onesided: bool | None) -> Tensor:
    if frames.dtype.itemsize // (2 if frames.is_complex() else 1) < 4:
        raise RuntimeError(f"MKL FFT doesn't support tensors of type: {frames.dtype.legacy_name}")
    if not frames.is_complex():
        return RealToComplex.apply(frames, (2,), scale, True if onesided is None else onesided)
    if onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    return ComplexToComplex.apply(frames, (2,), scale, True)


def _stft_problem(input: Tensor, n_fft: int, hop: int, length: int, window: Tensor | None) -> str:
    """What is wrong with a call, if anything."""
    if not (input.is_floating_point() or input.is_complex()):
        return "expected a tensor of floating point or complex values"
    shape = input._array.shape
    if len(shape) not in (1, 2):
        return "expected a 1D or 2D tensor"
    if not 0 < n_fft <= shape[-1]:
        return f"expected 0 < n_fft < {shape[-1]}, but got n_fft={length}"
    if hop <= 0:
        return f"expected hop_length > 0, but got hop_length={hop}"
    if not 0 < length <= n_fft:
        return f"expected 0 < win_length <= n_fft, but got win_length={length}"
    if window is not None and window._array.shape != (length,):
        return (
            f"expected a 1D window tensor of size equal to win_length={length}, but got window with size "
            f"{shape_text(window._array.shape)}"
        )
    return ""


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose `stft` comes closest to the input: `Σ window · frame / Σ window²`, frames summed where they lie.

    Input (F, frames) or (B, F, frames), complex → (T,) or (B, T). The arguments must be those of the `stft`; onesided
    is by itself whether F isn't n_fft; `length` cuts the signal, or fills it up with zeros. `return_complex` gives a
    complex signal of spectra that aren't onesided. Raises RuntimeError for sizes that don't fit, and where the windows
    leave a place out.

    >>> import rushlight as torch
    >>> window = torch.hann_window(4)
    >>> spectra = torch.stft(torch.arange(8.0), 4, window=window, return_complex=True)
    >>> torch.istft(spectra, 4, window=window)
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.istft.html
    """
    check_tensor("istft", "input", 1, input)
    n_fft = _int("istft", "n_fft", n_fft)
    hop = n_fft // 4 if hop_length is None else _int("istft", "hop_length", hop_length)
    win = n_fft if win_length is None else _int("istft", "win_length", win_length)
    if not input.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    shape = input._array.shape
    places = shape[wrap_dim(-2, len(shape))] if len(shape) > 1 else _too_flat(len(shape))
    one = places != n_fft if onesided is None else onesided
    call = _call(
        "istft", input, window, n_fft=n_fft, hop_length=hop, win_length=win, center=center, normalized=normalized,
        onesided=onesided, length=length, return_complex=return_complex,
    )  # fmt: skip
    problem = _istft_problem(shape, n_fft, hop, win, one, window)
    if problem:
        raise RuntimeError(f"{call} : {problem}")
    if window is None:
        _warn_of_rectangle("Please provide the same window used by stft to make the inversion lossless.")
    window = _centred(ones(win, dtype=input.dtype.to_real()) if window is None else window, n_fft)
    signal = input.unsqueeze(0) if len(shape) == 2 else input
    frames = _frames(signal.transpose(1, 2), n_fft, BY_ROOT if normalized else BY_LENGTH, one, return_complex, window)
    full = n_fft + hop * (shape[-1] - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else full - start
    out = _overlapped(frames, window, hop, full, start, end, call)
    return out.squeeze(0) if len(shape) == 2 else out


def _overlapped(frames: Tensor, window: Tensor, hop: int, full: int, start: int, end: int, call: str) -> Tensor:
    """The frames summed where they lie, over the weight that each place has, from `start` to `end`."""
    batch, count, n_fft = frames._array.shape
    summed = Fold.apply(frames * window, (batch, full), 1, n_fft, hop)
    weight = Fold.apply(window.pow(2).expand(1, count, n_fft), (1, full), 1, n_fft, hop)
    summed, weight = slice_(summed, 1, start, end), slice_(weight, 1, start, end)
    if bool((weight.abs().min() < 1e-11).item()):
        raise RuntimeError(f"{call} window overlap add min: 1")
    out = summed / weight
    if end > full:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
            "Please check your center and hop_length settings.",
            UserWarning,
            stacklevel=3,
        )
        out = constant_pad_nd(out, (0, end - full))
    return out


def _too_flat(ndim: int) -> int:
    raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim - 1}, {ndim}], but got -3)")


def _frames(spectra: Tensor, n_fft: int, scale: int, onesided: bool, to_complex: bool, window: Tensor) -> Tensor:
    if to_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        return ComplexToComplex.apply(spectra, (2,), scale, False)
    if window.is_complex():
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if not onesided:
        spectra = slice_(spectra, 2, 0, n_fft // 2 + 1)
    return ComplexToReal.apply(spectra, (2,), scale, n_fft)


def _istft_problem(
    shape: tuple[int, ...], n_fft: int, hop: int, win: int, onesided: bool, window: Tensor | None
) -> str:
    if not math.prod(shape):
        return "input tensor cannot be empty."
    if len(shape) not in (2, 3):
        return f"expected a tensor with 3 or 4 dimensions, but got {len(shape) + 1}"
    wanted, told = (
        (n_fft // 2 + 1, "n_fft / 2 + 1 when onesided=True") if onesided else (n_fft, "n_fft when onesided=False")
    )
    if shape[-2] != wanted:
        return (
            f"expected the frequency dimension (3rd to the last) of the input tensor to match {told}, but got "
            f"{shape[-2]}"
        )
    if not 0 < hop <= win:
        return "expected 0 < hop_length <= win_length"
    if not 0 < win <= n_fft:
        return "expected 0 < win_length <= n_fft"
    if window is not None and window._array.shape != (win,):
        return "Invalid window shape. window has to be 1D and length of `win_length`"
    return ""


class ShortTimeMethods:
    """The family's methods of Tensor."""

    istft = istft
    stft = stft
