"""What quantized networks run on: `engine` is one of PyTorch's names; here any of them stands for the same kernels."""

from __future__ import annotations

import sys
import types

__all__: list[str] = []

supported_engines = ["qnnpack", "onednn", "x86", "fbgemm"]
_engine = "x86"


class _Backend(types.ModuleType):
    """This module, whose `engine` is checked when it is set."""

    @property
    def engine(self) -> str:
        """The engine's name; RuntimeError when set to another than the supported ones."""
        return _engine

    @engine.setter
    def engine(self, name: str) -> None:
        global _engine
        if name not in supported_engines:
            raise RuntimeError(f"quantized engine {name} is not supported")
        _engine = name


sys.modules[__name__].__class__ = _Backend
