"""Tensors to test with, and their comparison.

Source: https://docs.pytorch.org/docs/2.13/testing.html
"""

from rushlight.testing._comparison import assert_allclose, assert_close
from rushlight.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
