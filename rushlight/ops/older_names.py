"""What Python itself asks of a tensor (`len`, `float`, `in`), and methods of PyTorch's first years."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd.variable import Variable
from rushlight.autograd.variable import wrap as from_array
from rushlight.ops._geometry import Array
from rushlight.ops.arithmetic import ArithmeticMethods
from rushlight.ops.conversion import is_nonzero, item, numpy
from rushlight.ops.rearranging import flip

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__: list[str] = []


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What `Module.load_state_dict` puts in this tensor's place: it, with `other`'s numbers, or `other`, if `assign`.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.Tensor.module_load.html
    """
    return other.detach() if assign else self.copy_(other).detach()


def reinforce(self: Tensor, reward: Any) -> None:
    """RuntimeError: PyTorch took it away; `distributions` are there for it."""
    raise RuntimeError(
        "reinforce() was removed. Use torch.distributions instead: m = Categorical(probs), action = m.sample(), "
        "loss = -m.log_prob(action) * reward. See https://pytorch.org/docs/main/distributions.html"
    )


def _reversed(self: Tensor) -> Tensor:
    """The tensor with its first dimension reversed."""
    return flip(self, 0) if self._array.ndim else self


def _delete(self: Tensor, key: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


def _single(input: Tensor) -> Any:
    if input._array.size != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return item(input)


def _real_single(input: Tensor, target: str) -> Any:
    value = _single(input)
    if isinstance(value, complex):
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {target} without overflow")
        return value.real
    return value


def _float(input: Tensor) -> float:
    return float(_real_single(input, "double"))


def _int(input: Tensor) -> int:
    value = _real_single(input, "int64_t")
    if isinstance(value, float) and not math.isfinite(value):
        raise (OverflowError if math.isinf(value) else ValueError)(f"cannot convert float {value} to integer")
    return int(value)


def _complex(input: Tensor) -> complex:
    return complex(_single(input))


def _index(input: Tensor) -> int:
    array = input._array
    if array.size != 1 or array.dtype.kind not in "biu":
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(array.item())


def _len(input: Tensor) -> int:
    shape = input._array.shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


def _iter(input: Tensor) -> Iterator[Tensor]:
    if not input._array.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(input.unbind(0))


def _contains(input: Tensor, element: Any) -> bool:
    if not isinstance(element, (Variable, int, float, complex, np.number, np.bool_)):
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool((input == element).any().item())


def _format(input: Tensor, spec: str) -> str:
    if input._array.ndim == 0:
        return format(item(input), spec)
    return object.__format__(input, spec)


def _array(input: Tensor, dtype: Any = None, copy: bool | None = None) -> Array:
    array = numpy(input)
    if copy is False and dtype is not None and np.dtype(dtype) != array.dtype:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    out = array if dtype is None else array.astype(dtype, copy=False)
    return out.copy() if copy and out is array else out


def _sizeof(input: Tensor) -> int:
    return object.__sizeof__(input) + sys.getsizeof(input._array)


class OlderNames:
    """Tensor's methods of this family."""

    module_load = module_load
    reinforce = reinforce

    __delitem__ = _delete
    __reversed__ = _reversed
    __div__ = ArithmeticMethods.__truediv__
    __idiv__ = ArithmeticMethods.__itruediv__
    __rdiv__ = ArithmeticMethods.__rtruediv__
    __long__ = _int
    __nonzero__ = is_nonzero
    __array__ = _array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: Any = False) -> Any:
        """The tensor that a NumPy function of a tensor and an array returns."""
        return from_array(np.asarray(array))

    __bool__ = is_nonzero
    __complex__ = _complex
    __contains__ = _contains
    __float__ = _float
    __format__ = _format
    __index__ = _index
    __int__ = _int
    __iter__ = _iter
    __len__ = _len
    __sizeof__ = _sizeof
