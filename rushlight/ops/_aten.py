"""Operations by the names of PyTorch's dispatcher: `torch.ops.aten.mm.default`.

They name operations, to a policy of selective checkpointing for instance, and call the function of that name. The
overloads of one name stand for the same operation here.
"""

from __future__ import annotations

import functools
import re
from importlib import import_module
from typing import Any

__all__ = ["OperatorName", "OverloadPacket", "aten"]


class OperatorName:
    """An overload of an operation, such as `aten.add.Tensor`; equal to the other overloads of its name.

    >>> import rushlight as torch
    >>> torch.ops.aten.mm.default
    <OpOverload(op='aten.mm', overload='default')>
    """

    __slots__ = ("overload", "packet")

    def __init__(self, packet: str, overload: str = "default") -> None:
        self.packet = packet
        self.overload = overload

    @staticmethod
    @functools.cache
    def of(operation: type) -> OperatorName:
        """The name of an operation of the library, from that of its node."""
        node = getattr(operation, "node_name", "") or operation.__name__
        words = re.sub(r"Backward\d*$", "", node)
        return OperatorName(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower())

    def name(self) -> str:
        """The name with the dispatcher's colons."""
        return f"aten::{self.packet}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        front = import_module("rushlight")
        for owner in (front, front.nn.functional, front.Tensor):
            function = getattr(owner, self.packet, None)
            if callable(function):
                return function(*args, **kwargs)
        raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{self.packet}'")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OperatorName) and other.packet == self.packet

    def __hash__(self) -> int:
        return hash(self.packet)

    def __str__(self) -> str:
        return f"aten.{self.packet}.{self.overload}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.packet}', overload='{self.overload}')>"


class OverloadPacket:
    """All overloads of an operation, such as `aten.add`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, overload: str) -> OperatorName:
        if overload.startswith("__"):
            raise AttributeError(f"'OverloadPacket' object has no attribute '{overload}'")
        return OperatorName(self._name, overload)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return OperatorName(self._name)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self._name}')>"

    def __str__(self) -> str:
        return f"aten.{self._name}"


class _Namespace:
    """The operations of the namespace `aten`, by their names."""

    def __getattr__(self, name: str) -> OverloadPacket:
        if name.startswith("__"):
            raise AttributeError(f"'_Namespace' object has no attribute '{name}'")
        packet = OverloadPacket(name)
        setattr(self, name, packet)
        return packet

    def __repr__(self) -> str:
        return "<module 'torch.ops.aten'>"


aten = _Namespace()
