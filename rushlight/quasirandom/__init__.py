"""Quasirandom numbers: points that fill a cube more evenly than random ones.

Source: https://docs.pytorch.org/docs/2.13/generated/torch.quasirandom.SobolEngine.html
"""

from rushlight.quasirandom._engine import SobolEngine

__all__ = ["SobolEngine"]
