"""The modules: `Module`, the containers, and every layer and loss by name.

A new layer is named twice: where it is imported and in `__all__`.
"""

from rushlight.nn.modules.container import (
    Container,
    ModuleDict,
    ModuleList,
    ParameterDict,
    ParameterList,
    Sequential,
)
from rushlight.nn.modules.flatten import Flatten, Unflatten
from rushlight.nn.modules.module import Module

__all__ = [
    "Container",
    "Flatten",
    "Module",
    "ModuleDict",
    "ModuleList",
    "ParameterDict",
    "ParameterList",
    "Sequential",
    "Unflatten",
]
