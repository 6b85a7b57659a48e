"""How sparse tensors are written out: their parts, then size, number of entries, dtype and layout."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.printing import format_array, with_suffixes

__all__ = ["format_compressed", "format_coo"]

_INDENT = len("tensor(")


def _part(name: str, tensor: Any) -> str:
    opening = f"{name}=tensor("
    text = opening + format_array(tensor.detach()._array, _INDENT + len(opening))
    if not tensor.numel():
        text += f", size={tuple(tensor.shape)}"
    return text + ")"


def _written(tensor: Any, parts: list[str], first_on_new_line: bool) -> str:
    default = dtypes.get_default_dtype()
    suffixes = [f"size={tuple(tensor.shape)}", f"nnz={tensor._nnz()}"]
    if tensor.dtype not in (default, default.to_complex(), dtypes.int64, dtypes.bool):
        suffixes.append(f"dtype={tensor.dtype}")
    suffixes.append(f"layout={tensor.layout}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    indent = " " * _INDENT
    text = "tensor(" + (",\n" + indent).join(parts)
    if first_on_new_line:
        text += ",\n" + indent + suffixes.pop(0)
        return _continued(text, suffixes)
    return with_suffixes(text, suffixes, _INDENT)


def _continued(text: str, suffixes: list[str]) -> str:
    """A text whose last line begins with a suffix, and more of them."""
    head, _, last = text.rpartition("\n")
    # `with_suffixes` counts two characters more than it is given, PyTorch here none.
    return f"{head}\n{last}{with_suffixes(last[:-2], suffixes, _INDENT)[len(last) - 2 :]}"


def format_coo(tensor: Any) -> str:
    """A tensor in coordinate form as PyTorch writes it."""
    return _written(tensor, [_part("indices", tensor._coordinates), _part("values", tensor._entries)], True)


def format_compressed(tensor: Any) -> str:
    """A tensor in a compressed layout as PyTorch writes it."""
    one, other = ("crow_indices", "col_indices") if tensor._by_row else ("ccol_indices", "row_indices")
    parts = [_part(one, tensor._pointers), _part(other, tensor._others), _part("values", tensor._entries)]
    return _written(tensor, parts, False)
