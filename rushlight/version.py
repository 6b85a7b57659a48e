"""Which version this is, under the names of `torch.version`."""

from __future__ import annotations

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "pytorch", "rocm", "xpu"]

__version__ = "0.1.0"
# The PyTorch whose names, numbers and printed forms these are.
pytorch = "2.13.0"
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
debug = False
git_version = "unknown"
