"""Transforms by NumPy's ufuncs and, where there are none, by its functions; samplers that end where PyTorch does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.kernels import spectrum
from rushlight.kernels.reference import spectrum as reference

CALLS: list[Any] = [
    lambda x: spectrum.complex_to_complex(x + 1j * x, (0, 1), 0, True),
    lambda x: spectrum.complex_to_complex(x + 1j * x, (1,), 2, False),
    lambda x: spectrum.complex_to_complex(x + 1j * x, (), 0, True),
    lambda x: spectrum.real_to_complex(x, (0, 1), 1, True),
    lambda x: spectrum.real_to_complex(x, (1,), 2, False),
    lambda x: spectrum.complex_to_real(x + 1j * x, (1, 0), 1, 5),
    lambda x: spectrum.complex_to_real((x + 1j * x)[:, ::2], (1,), 2, 6),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_ways_give_the_same(call: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(dtype)
    fast = call(x)
    for name in ("transform_along", "spectrum_along", "real_along"):
        monkeypatch.setattr(spectrum, name, getattr(reference, name))
    pocketfft = call(x)
    monkeypatch.setattr(reference._Pocketfft, "ufuncs", None)
    monkeypatch.setattr(reference._Pocketfft, "looked", True)
    slow = call(x)
    assert fast.dtype == slow.dtype == pocketfft.dtype
    np.testing.assert_allclose(pocketfft, slow, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)
    np.testing.assert_allclose(fast, slow, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


def test_single_precision_stays() -> None:
    assert torch.fft.fft(torch.ones(4)).dtype is torch.complex64
    assert torch.fft.irfft(torch.ones(4)).dtype is torch.float32
    assert torch.fft.fft(torch.tensor([1, 2])).dtype is torch.complex64


def test_warnings_of_windows() -> None:
    with pytest.warns(UserWarning, match="A window was not provided"):
        torch.stft(torch.ones(8), 4, return_complex=True)
    with pytest.warns(UserWarning, match="deprecated"):
        torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=False)
    with pytest.warns(UserWarning, match="padded with zeros"):
        torch.istft(torch.ones(3, 4) * (1 + 0j), 4, window=torch.ones(4), length=20)
