"""Dual numbers: tensors with a tangent, for derivatives in forward mode.

Source: https://docs.pytorch.org/docs/2.13/autograd.html#forward-mode-automatic-differentiation
"""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any, NamedTuple

from rushlight.func._dual import DualLevel, dual
from rushlight.func._forward import check_tangent
from rushlight.tensor import Tensor

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

# The levels entered here, the outermost first; PyTorch allows one.
_entered: list[DualLevel] = []


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` finds: a tensor, and its tangent or None.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     fwAD.unpack_dual(torch.ones(1)).tangent is None
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.UnpackedDualTensor.html
    """

    primal: Tensor
    tangent: Tensor | None


def _level_of(level: int | None) -> DualLevel | None:
    number = len(_entered) - 1 if level is None else level
    if number < 0:
        return None
    if number >= len(_entered):
        raise RuntimeError(f"forward AD level {number} was not entered; {len(_entered)} are running")
    return _entered[number]


def enter_dual_level() -> int:
    """Begin a level, within which dual numbers can be made; returns its number.

    Raises RuntimeError where one has begun already: PyTorch has no nested levels here; `torch.func.jvp` nests.

    >>> import rushlight.autograd.forward_ad as fwAD
    >>> level = fwAD.enter_dual_level()
    >>> fwAD.exit_dual_level()

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.enter_dual_level.html
    """
    if _entered:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    level = DualLevel(functional=False)
    level.__enter__()
    _entered.append(level)
    return len(_entered) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level entered last: its dual numbers lose their tangents. Raises RuntimeError for another level.

    >>> import rushlight.autograd.forward_ad as fwAD
    >>> level = fwAD.enter_dual_level()
    >>> fwAD.exit_dual_level(level=level)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.exit_dual_level.html
    """
    if not _entered or (level is not None and level != len(_entered) - 1):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _entered.pop().__exit__()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor of the same memory with a tangent: what is computed from it has tangents, too.

    The tangent has the tensor's shape and dtype. ValueError for integers, RuntimeError outside of any level, or for a
    tangent that does not fit.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.ones(2), torch.tensor([1.0, 2.0]))
    ...     print(x * x)
    tensor([1., 1.], tangent=tensor([2., 4.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.make_dual.html
    """
    found = _level_of(level)
    if found is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not (value.is_floating_point() or value.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {value.dtype}")
    check_tangent(tensor, tangent)
    if tensor._level is found:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same "
            "level is not supported."
        )
    return dual(found, tensor.view_as(tensor) if tensor.is_floating_point() or tensor.is_complex() else tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """`(primal, tangent)` of a dual number; the tangent is None where the tensor has none, or its level has ended.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.ones(1), torch.ones(1))
    ...     print(fwAD.unpack_dual(x.exp()).tangent)
    tensor([2.7183])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.unpack_dual.html
    """
    found = _level_of(level)
    if found is None:
        return UnpackedDualTensor(tensor, None)
    primal, tangent = found.split(tensor)
    return UnpackedDualTensor(primal, tangent)


class dual_level(ContextDecorator):
    """A block within which dual numbers can be made; when it ends, they lose their tangents. Also a decorator.

    >>> import rushlight as torch
    >>> import rushlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.zeros(1), torch.ones(1))
    ...     y, tangent = fwAD.unpack_dual(torch.sin(x))
    >>> tangent
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.forward_ad.dual_level.html
    """

    def __enter__(self) -> Any:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()
