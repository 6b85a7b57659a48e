"""Discrete Fourier transforms under the names of `torch.fft`.

Source: https://docs.pytorch.org/docs/2.13/fft.html
"""

from rushlight.ops.fourier import fft, hfft, ifft, ihfft, irfft, rfft
from rushlight.ops.fourier_grid import (
    fft2,
    fftfreq,
    fftn,
    fftshift,
    hfft2,
    hfftn,
    ifft2,
    ifftn,
    ifftshift,
    ihfft2,
    ihfftn,
    irfft2,
    irfftn,
    rfft2,
    rfftfreq,
    rfftn,
)

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip
