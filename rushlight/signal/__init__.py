"""Signals: `windows`.

Source: https://docs.pytorch.org/docs/2.13/signal.html
"""

from rushlight.signal import windows as windows

__all__ = ["windows"]
