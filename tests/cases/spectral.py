"""Fourier transforms, windows, histograms, segments, samples: what takes numbers apart and counts them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, distinct, fixed, given, integers, normal, uniform


def parts(function: Callable[[Any], Callable[..., Any]]) -> Callable[[Any], Callable[..., Any]]:
    """The function with its complex result as real parts and imaginary parts."""
    return lambda t: lambda *x, **options: t.view_as_real(t.resolve_conj(function(t)(*x, **options)))


def of_pairs(function: Callable[[Any], Callable[..., Any]]) -> Callable[[Any], Callable[..., Any]]:
    """The function of complex numbers, made of real and imaginary parts."""
    return lambda t: lambda re, im, **options: function(t)(t.complex(re, im), **options)


def transform(name: str, complex_in: bool, complex_out: bool) -> Callable[[Any], Callable[..., Any]]:
    def function(t: Any) -> Any:
        return getattr(t.fft, name)

    made = of_pairs(function) if complex_in else function
    return parts(made) if complex_out else made


REAL_TO_COMPLEX = (
    "fft",
    "ifft",
    "rfft",
    "ihfft",
    "fft2",
    "ifft2",
    "rfft2",
    "ihfft2",
    "fftn",
    "ifftn",
    "rfftn",
    "ihfftn",
)
COMPLEX_TO_COMPLEX = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn")
COMPLEX_TO_REAL = ("irfft", "hfft", "irfft2", "hfft2", "irfftn", "hfftn")
ONE = {"norm": "ortho"}


def length(name: str, n: int) -> dict[str, Any]:
    """A number of points, as a transform of one or of several dimensions takes it."""
    if name.endswith("n"):
        return {"s": (n,), "dim": (-1,)}
    return {"s": (n, 3)} if name.endswith("2") else {"n": n}


FOURIER = [
    *[Case(f"{n} of reals", transform(n, False, True), (normal(3, 4),), halves=()) for n in REAL_TO_COMPLEX],
    *[Case(f"{n} of reals ortho", transform(n, False, True), (normal(3, 4),), ONE, halves=()) for n in REAL_TO_COMPLEX],
    *[
        Case(f"{n} of reals longer", transform(n, False, True), (normal(2, 3),), length(n, 5), halves=())
        for n in REAL_TO_COMPLEX
    ],
    *[Case(n, transform(n, True, True), (normal(2, 3), normal(2, 3)), halves=()) for n in COMPLEX_TO_COMPLEX],
    *[
        Case(f"{n} forward", transform(n, True, True), (normal(2, 3), normal(2, 3)), {"norm": "forward"}, halves=())
        for n in COMPLEX_TO_COMPLEX
    ],
    *[Case(n, transform(n, True, False), (normal(2, 3), normal(2, 3)), halves=()) for n in COMPLEX_TO_REAL],
    *[
        Case(f"{n} odd", transform(n, True, False), (normal(2, 3), normal(2, 3)), length(n, 5), halves=())
        for n in COMPLEX_TO_REAL
    ],
    Case("fft of another dimension", transform("fft", False, True), (normal(4, 2),), {"dim": 0, "n": 3}, halves=()),
    Case("fft of whole numbers", transform("fft", False, True), (given([1, 2, 4]),), halves=()),
    Case("fftshift", lambda t: t.fft.fftshift, (normal(3, 4),)),
    Case("ifftshift", lambda t: t.fft.ifftshift, (normal(3, 4),), {"dim": 1}),
    Case("fftfreq", lambda t: lambda: t.fft.fftfreq(5, d=0.5), ()),
    Case("rfftfreq", lambda t: lambda: t.fft.rfftfreq(6, dtype=t.float64), ()),
]


def quiet(function: Callable[..., Any]) -> Any:
    """What it gives, without a warning that there is no window."""
    with warnings.catch_warnings(action="ignore"):
        return function()


def short_time(**options: Any) -> Callable[[Any], Callable[..., Any]]:
    return parts(
        lambda t: lambda x, *w: quiet(lambda: t.stft(x, 4, window=w[0] if w else None, return_complex=True, **options))
    )


def whole_again(**options: Any) -> Callable[[Any], Callable[..., Any]]:
    return lambda t: (
        lambda re, im, *w: quiet(lambda: t.istft(t.complex(re, im), 4, window=w[0] if w else None, **options))
    )


SHORT_TIME = [
    Case("stft", short_time(), (normal(9),), halves=()),
    Case("stft of a batch", short_time(hop_length=2, center=False, normalized=True), (normal(2, 8),), halves=()),
    Case(
        "stft with a window",
        short_time(pad_mode="constant", onesided=False),
        (normal(7), uniform(0.5, 1.5, 4)),
        halves=(),
    ),
    Case("stft with a short window", short_time(hop_length=3, win_length=2), (normal(9),), halves=()),
    Case("istft", whole_again(), (normal(3, 5), normal(3, 5)), halves=()),
    Case("istft with a window", whole_again(length=5), (normal(3, 4), normal(3, 4), uniform(0.5, 1.5, 4)), halves=()),
    Case("istft of a batch", whole_again(center=False, normalized=True), (normal(2, 3, 3), normal(2, 3, 3)), halves=()),
    *[
        Case(
            f"{n}_window",
            lambda t, n=n: lambda: t.stack([getattr(t, f"{n}_window")(6, p, dtype=t.float64) for p in (True, False)]),
            (),
        )
        for n in ("bartlett", "blackman", "hamming", "hann", "kaiser")
    ],
    *[
        Case(
            f"windows.{n}",
            lambda t, n=n: (
                lambda: t.stack([getattr(t.signal.windows, n)(6, sym=s, dtype=t.float64) for s in (True, False)])
            ),
            (),
        )
        for n in (
            "bartlett",
            "blackman",
            "cosine",
            "exponential",
            "gaussian",
            "general_hamming",
            "hamming",
            "hann",
            "kaiser",
            "nuttall",
        )
    ],
    Case("windows.general_cosine", lambda t: lambda: t.signal.windows.general_cosine(5, a=[0.5, 0.3, 0.2]), ()),
]


def segments(how: str, **options: Any) -> Callable[[Any], Callable[..., Any]]:
    return lambda t: lambda x: t.segment_reduce(x, how, lengths=t.tensor([2, 0, 3]), **options)


COUNTS = [
    *[Case(f"segment_reduce {how}", segments(how, initial=0.5), (distinct(5, 2),), second=False, halves=("float16",)) for how in ("sum", "mean", "prod")],
    *[Case(f"segment_reduce {how}", segments(how, initial=0.5), (distinct(5, 2),), second=False, halves=("float16",)) for how in ("max", "min")],
    Case("segment_reduce offsets", lambda t: lambda x: t.segment_reduce(x, "sum", offsets=t.tensor([[0, 1, 3], [0, 3, 3]]), axis=1), (normal(2, 3),), second=False, halves=()),
    Case("gradient", lambda t: lambda x: t.gradient(x), (normal(3, 4),), halves=()),
    Case("gradient of steps", lambda t: lambda x: t.gradient(x, spacing=[2.0, 0.5], edge_order=2), (normal(3, 4),), halves=()),
    Case("gradient of places", lambda t: lambda x, at: t.gradient(x, spacing=(at,), dim=1, edge_order=2), (normal(2, 4), given([0.0, 1.0, 3.0, 3.5])), halves=()),
    Case("histogramdd", lambda t: lambda x: t.histogramdd(x.detach(), [2, 3], weight=x.detach()[:, 0]), (fixed(normal(5, 2)),), halves=()),
    Case("histogramdd of edges", lambda t: lambda x: t.histogramdd(x, (x[:, 0].sort().values, x[:, 1].sort().values), density=True), (fixed(normal(4, 2)),), halves=()),
    Case("histogram", lambda t: lambda x: tuple(t.histogram(x, 3, range=(-1.0, 1.0))), (fixed(normal(6)),), halves=()),
    Case("histc", lambda t: lambda x: t.histc(x, 4, -2, 2), (fixed(normal(6)),), halves=()),
    Case("bincount", lambda t: lambda x: t.bincount(x, minlength=6), (integers(5, 7),)),
    Case("unravel_index", lambda t: lambda x: t.unravel_index(x, (3, 2, 2)), (integers(12, 2, 3),)),
    Case("hash_tensor", lambda t: lambda x: t.hash_tensor(x, 1).to(t.int64), (fixed(normal(2, 3)),)),
    Case("cov", lambda t: lambda x, w: t.cov(x, fweights=t.tensor([1, 2, 1]), aweights=w), (normal(2, 3), uniform(0.5, 1.5, 3)), halves=()),
    Case("corrcoef", lambda t: t.corrcoef, (normal(2, 4),), halves=()),
]  # fmt: skip

SAMPLES = [
    Case(
        "_standard_gamma",
        lambda t: t._standard_gamma,
        (uniform(0.5, 9.0, 6),),
        draws=True,
        smooth=False,
        second=False,
        halves=(),
    ),
    Case(
        "_sample_dirichlet",
        lambda t: lambda a: t._sample_dirichlet(a),
        (fixed(uniform(0.5, 3.0, 2, 3)),),
        draws=True,
        halves=(),
    ),
    Case(
        "binomial",
        lambda t: lambda n, p: t.binomial(n.floor(), p),
        (fixed(uniform(1, 90, 6)), fixed(uniform(0.1, 0.9, 6))),
        draws=True,
        halves=(),
    ),
    Case("poisson", lambda t: lambda x: t.poisson(x), (fixed(uniform(0.1, 30, 6)),), draws=True, halves=()),
    Case("SobolEngine", lambda t: lambda: t.quasirandom.SobolEngine(4, scramble=True, seed=3).draw(5), ()),
    Case("make_tensor", lambda t: lambda: t.testing.make_tensor(2, 3, dtype=t.float32, device="cpu"), (), draws=True),
    Case("from_dlpack", lambda t: lambda x: t.from_dlpack(x.detach().numpy()), (fixed(normal(3)),), halves=()),
]

CASES = [*FOURIER, *SHORT_TIME, *COUNTS, *SAMPLES]

REFUSALS = [
    Refusal("fft of half", lambda t: t.fft.fft(t.ones(2).half()), RuntimeError, "Unsupported dtype Half"),
    Refusal("fft of no points", lambda t: t.fft.fft(t.ones(2), n=0), RuntimeError, "number of data points"),
    Refusal("fft norm", lambda t: t.fft.fft(t.ones(2), norm="a"), RuntimeError, "normalization mode"),
    Refusal("fft dim", lambda t: t.fft.fft(t.ones(2), dim=1), IndexError, "Dimension out of range"),
    Refusal("fft of a number", lambda t: t.fft.fft(t.tensor(1.0)), IndexError, "has no dimensions"),
    Refusal("fft out", lambda t: t.fft.fft(t.ones(2), out=t.ones(2)), RuntimeError, "complex output"),
    Refusal("fft n", lambda t: t.fft.fft(t.ones(2), n=2.5), TypeError, "must be int"),
    Refusal("rfft of complex", lambda t: t.fft.rfft(t.ones(2) * 1j), RuntimeError, "real input"),
    Refusal("rfftn of nothing", lambda t: t.fft.rfftn(t.tensor(1.0)), RuntimeError, "at least one axis"),
    Refusal("fftn twice", lambda t: t.fft.fftn(t.ones(2, 2), dim=(0, 0)), RuntimeError, "unique"),
    Refusal("fftn sizes", lambda t: t.fft.fftn(t.ones(2), s=(1, 2)), RuntimeError, "only has 1 dim"),
    Refusal("fftfreq of integers", lambda t: t.fft.fftfreq(3, dtype=t.int64), RuntimeError, "floating point"),
    Refusal("stft of reals", lambda t: t.stft(t.ones(8), 4), RuntimeError, "return_complex"),
    Refusal("stft hop", lambda t: t.stft(t.ones(8), 4, 0, return_complex=True), RuntimeError, "hop_length > 0"),
    Refusal("stft window", lambda t: t.stft(t.ones(8), 4, window=t.ones(3), return_complex=True), RuntimeError, "1D window"),
    Refusal("istft of reals", lambda t: t.istft(t.ones(3, 4), 4), RuntimeError, "complex-valued"),
    Refusal("istft gaps", lambda t: t.istft(t.ones(3, 4) * 1j, 4, window=t.zeros(4)), RuntimeError, "window overlap"),
    Refusal("window length", lambda t: t.hann_window(-1), RuntimeError, "non-negative"),
    Refusal("window of integers", lambda t: t.hann_window(3, dtype=t.int32), RuntimeError, "floating point"),
    Refusal("windows.hann half", lambda t: t.signal.windows.hann(3, dtype=t.float16), ValueError, "float32 or float64"),
    Refusal("windows.kaiser beta", lambda t: t.signal.windows.kaiser(3, beta=-1.0), ValueError, "non-negative"),
    Refusal("segment_reduce name", lambda t: t.segment_reduce(t.ones(2), "a", lengths=t.tensor([2])), RuntimeError, "reduce"),
    Refusal("segment_reduce sum", lambda t: t.segment_reduce(t.ones(2), "sum", lengths=t.tensor([3])), RuntimeError, "unsafe"),
    Refusal("gradient of bytes", lambda t: t.gradient(t.ones(3).to(t.uint8)), RuntimeError, "uint8"),
    Refusal("gradient too short", lambda t: t.gradient(t.ones(1)), RuntimeError, "edge_order"),
    Refusal("histogramdd bins", lambda t: t.histogramdd(t.ones(2, 2), [2]), RuntimeError, "size of bins"),
    Refusal("unravel_index", lambda t: t.unravel_index(t.ones(2), (2, 2)), TypeError, "integer dtype"),
    Refusal("hash_tensor", lambda t: t.hash_tensor(t.ones(2) * 1j), NotImplementedError, "xor_sum_cpu"),
    Refusal("binomial", lambda t: t.binomial(t.ones(2), t.ones(2).double()), RuntimeError, "Found dtype Double"),
    Refusal("SobolEngine", lambda t: t.quasirandom.SobolEngine(0), ValueError, "dimensionality"),
    Refusal("from_dlpack", lambda t: t.from_dlpack(3), RuntimeError, "invalid capsule"),
]  # fmt: skip
