"""Where an operation that has no kernel for the codes of quantized tensors finds another form of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from rushlight.autograd.variable import Variable
from rushlight.quantizer import quantizer_of

__all__ = ["FORMS", "LOADERS", "apply_to_codes", "check_channels", "refuse"]

# What an operation computes on quantized tensors, of itself and its arguments; rushlight/ops/_quantized_forms.py fills
# it.
FORMS: dict[type[Any], Callable[..., Any]] = {}
# Called once, when a form is first asked for.
LOADERS: list[Callable[[], object]] = []


def _tensors(args: tuple[Any, ...]) -> Iterator[Variable]:
    for a in args:
        if isinstance(a, Variable):
            # Sparse tensors have no array to ask.
            if not (a.is_sparse or a.is_sparse_csr):
                yield a
        elif isinstance(a, tuple | list):
            yield from _tensors(tuple(a))


def apply_to_codes(operation: type[Any], args: tuple[Any, ...], error: Exception) -> Any:
    """The result for quantized tensors of an operation whose forward raised `error`; raises it where there are none.

    NotImplementedError, in PyTorch's words, where the operation has no form for them.
    """
    # A record without a quantizer is one, too: nothing is computed of it.
    if not any(tensor._array.dtype.names for tensor in _tensors(args)):
        raise error
    while LOADERS:
        LOADERS.pop()()
    for kind in operation.__mro__:
        form = FORMS.get(kind)
        if form is not None:
            return form(operation, *args)
    if type(error) is RuntimeError:
        raise error
    name = re.sub(r"Backward\d*$", "", operation.node_name or operation.__name__)
    refuse(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(), error)


def check_channels(operation: type[Any], array: Any) -> None:
    """RuntimeError for a result whose elements left their channels: its quantizer would read them wrongly."""
    quantizer = quantizer_of(array)
    if quantizer is not None and quantizer.axis is not None and not operation.keeps_channels:
        raise RuntimeError(
            "Setting strides is possible only on uniformly quantized tensor: this one is quantized by channel, and "
            f"{operation.__name__} would take elements from theirs. dequantize() it first."
        )


def refuse(name: str, cause: Exception | None = None) -> NoReturn:
    """Raise what PyTorch raises for an operation that quantized tensors have not."""
    raise NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the 'QuantizedCPU' backend. This could be because the "
        "operator doesn't exist for this backend. dequantize() gives the numbers that the codes stand for."
    ) from cause
