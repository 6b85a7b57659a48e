"""Where results go: into tensors that the caller gave for them (`out=`), or into new ones which no gradient passes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rushlight import dtypes, return_types
from rushlight.array_memory import resized, share_partly
from rushlight.autograd.grad_mode import state
from rushlight.autograd.operation import OVERLAP, mark_inference, writes_freely
from rushlight.autograd.variable import Variable, wrap
from rushlight.ops._geometry import check_no_overlap, shape_text

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = ["apart_from", "check_type_of_out", "into", "into_each", "plain", "type_of_out", "write_out"]

# PyTorch names some types here as its compiler does.
_C_NAMES = {dtypes.float32: "float", dtypes.float64: "double", dtypes.int64: "long int", dtypes.int32: "int"}
_DIFFERENTIATED = (
    "functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad."
)


def plain(array: Any) -> Tensor:
    """A result that no gradient passes, as a tensor; in inference mode it is marked as made there."""
    result = wrap(array)
    if state.inference:
        mark_inference(result)
    return result


def _check_out(out: Any) -> None:
    if not isinstance(out, Variable):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")


def apart_from(out: Tensor | None, *inputs: Any, shape: tuple[int, ...] | None = None) -> None:
    """RuntimeError if a tensor given as `out=` has memory in common with an input that is still read.

    With `shape`, the memory that it will have once resized.
    """
    if out is None:
        return
    _check_out(out)
    array = out._array
    check_no_overlap(array)
    if shape is not None and array.shape != shape:
        array = resized(array, shape)
    for tensor in inputs:
        if isinstance(tensor, Variable) and (tensor is out or share_partly(array, tensor._array, whole=True)):
            raise RuntimeError(OVERLAP)


def check_type_of_out(out: Tensor, dtype: dtypes.dtype | None) -> None:
    """RuntimeError if a creation function was asked for another type than that of the tensor given as `out=`."""
    _check_out(out)
    if dtype is not None and out.dtype is not dtype:
        raise RuntimeError(f"dtype {dtype.legacy_name} does not match dtype of out parameter ({out.dtype.legacy_name})")


def write_out(out: Tensor, array: npt.NDArray[Any], warn: bool = False) -> Tensor:
    """Write elements into a tensor given as `out=`, which takes their shape and keeps its type.

    With `warn`, one that had elements and another shape causes a warning.
    """
    _check_out(out)
    if out.requires_grad and state.enabled:
        raise RuntimeError(_DIFFERENTIATED)
    if out._array.shape != array.shape:
        if warn and out._array.size:
            warnings.warn(
                f"An output with one or more elements was resized since it had shape {shape_text(out._array.shape)}, "
                f"which does not match the required output shape {shape_text(array.shape)}.",
                UserWarning,
                stacklevel=4,
            )
        out._array = resized(out._array, array.shape)
    check_no_overlap(out._array)
    np.copyto(out._array, array, casting="unsafe")
    out.bump_version()
    return out


def type_of_out(input: Tensor, out: Tensor, dtype: dtypes.dtype | None) -> dtypes.dtype:
    """The type in which a function that converts its input works: the one asked for, or that of `out`."""
    _check_out(out)
    if input.requires_grad and state.enabled:
        raise RuntimeError(_DIFFERENTIATED)
    return dtype or out.dtype


def into(out: Tensor | None, result: Any, exact: bool = False) -> Any:
    """A result, written into the tensor that the caller gave for it, if any.

    RuntimeError where the result has a history, or a type that does not go into that of `out` (`exact`: another type).
    """
    if out is None:
        return result
    _check_out(out)
    if result.requires_grad:
        raise RuntimeError(_DIFFERENTIATED)
    array, made = out._array, result._array
    if made.dtype is array.dtype and made.shape == array.shape and writes_freely(out):
        np.copyto(array, made)
        out.bump_version()
        return out
    made, wanted = result.dtype, out.dtype
    if made is not wanted:
        if exact:
            raise RuntimeError(
                f"Expected out tensor to have dtype {_C_NAMES.get(made, made.name)}, but got "
                f"{_C_NAMES.get(wanted, wanted.name)} instead"
            )
        if made.category > wanted.category:
            raise RuntimeError(
                f"result type {made.legacy_name} can't be cast to the desired output type {wanted.legacy_name}"
            )
    return write_out(out, result._array, warn=True)


def into_each(out: Sequence[Tensor] | None, results: Any) -> Any:
    """Several results in the tensors given for them, each of exactly its type; a named tuple takes its `_out` form."""
    if out is None:
        return results
    if len(out) != len(results):
        raise TypeError(f"expected out to be a tuple of {len(results)} tensors, got {len(out)}")
    written = [into(o, r, exact=True) for o, r in zip(out, results, strict=True)]
    kind = type(results)
    return getattr(return_types, f"{kind.__name__}_out", kind)(written)
