"""What operations compute where an argument is a sparse tensor: each rule takes the operation and its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.autograd.variable import Variable, wrap
from rushlight.kernels.reference.sparse import Pattern
from rushlight.layout import sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr
from rushlight.ops import (
    activation,
    arithmetic,
    axes,
    comparison,
    complex_views,
    conversion,
    index_along,
    joining,
    linear,
    matmul,
    norms,
    pointwise,
    powers,
    reduce,
    rounding,
    shape,
    sign,
    slicing,
    special,
    splitting,
    trigonometric,
    weighted_products,
)  # fmt: skip
from rushlight.ops._geometry import wrap_dim
from rushlight.size import Size
from rushlight.sparse._base import INPLACE_RULES, RULES, KeptEntries, layout_name, refuse
from rushlight.sparse._compressed import CompressedTensor, compressed
from rushlight.sparse._convert import masked_by, to_coo, to_layout
from rushlight.sparse._coo import SparseTensor, make
from rushlight.sparse._products import addmm_rule, bmm_rule, mm_rule, mv_rule
from rushlight.sparse._sums import sum_rule

__all__: list[str] = []

_FLIPPED = {sparse_csr: sparse_csc, sparse_csc: sparse_csr, sparse_bsr: sparse_bsc, sparse_bsc: sparse_bsr}


def _unsupported(tensor: Any) -> Any:
    raise RuntimeError(f"unsupported tensor layout: {layout_name(tensor)}")


def _is_number(value: Any) -> bool:
    return not isinstance(value, Variable) or (value.ndim == 0 and not isinstance(value, KeptEntries))


# Functions of each value.


def _of_values(operation: Any, input: Any, *args: Any) -> Any:
    """A function of 0 that is 0, so that it concerns the values alone, once they are added up."""
    if isinstance(input, SparseTensor):
        input = input.coalesce()
    return input._like(operation.apply(input._entries, *args))


def _linear(operation: Any, input: Any, *args: Any) -> Any:
    """A function that may be taken of each value before those of one place are added."""
    return input._like(operation.apply(input._entries, *args))


def _question(operation: Any, input: Any, function: Any) -> Any:
    # What is finite of a sparse tensor are its zeros, too.
    return refuse(operation) if function.__name__ == "_isfinite" else _of_values(operation, input, function)


def _of_coo(operation: Any, input: Any, *args: Any) -> Any:
    return _of_values(operation, input, *args) if isinstance(input, SparseTensor) else refuse(operation)


def _of_coo_inplace(operation: Any, input: Any, *args: Any) -> Any:
    return _of_values_inplace(operation, input, *args) if isinstance(input, SparseTensor) else refuse(operation)


def _of_compressed(operation: Any, input: Any, *args: Any) -> Any:
    return _linear(operation, input, *args) if isinstance(input, CompressedTensor) else refuse(operation)


def _of_values_inplace(operation: Any, input: Any, *args: Any) -> Any:
    if isinstance(input, SparseTensor) and not input._coalesced:
        raise RuntimeError(f"{operation.__name__.lower()}_ requires coalesced input")
    operation.inplace(input._entries, *args)
    return input


def _linear_inplace(operation: Any, input: Any, *args: Any) -> Any:
    operation.inplace(input._entries, *args)
    return input


def _clone(operation: Any, input: Any, format_: Any) -> Any:
    entries = operation.apply(input._entries, None)
    if isinstance(input, CompressedTensor):
        return compressed(input._pointers.clone(), input._others.clone(), entries, input._size, input._layout)
    return make(input._coordinates.clone(), entries, input._size, input._coalesced)


def _to_copy(operation: Any, input: Any, dtype: Any, format_: Any) -> Any:
    return input._like(operation.apply(input._entries, dtype, None))


# Sums and products of two.


def _add(operation: Any, a: Any, b: Any) -> Any:
    subtract = issubclass(operation, arithmetic.Sub)
    compressed_ones = [x for x in (a, b) if isinstance(x, CompressedTensor)]
    if compressed_ones:
        return _unsupported(compressed_ones[0]) if subtract else _add_compressed(operation, a, b)
    if not isinstance(b, SparseTensor):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    return b._added(a, -1 if subtract else 1)


def _add_compressed(operation: Any, a: Any, b: Any) -> Any:
    sparse, other = (a, b) if isinstance(a, CompressedTensor) else (b, a)
    if sparse._blocked:
        raise RuntimeError(f"add: expected a tensor in the layout CSR or CSC, got {layout_name(sparse)}")
    if _is_number(other) or tuple(other.shape) != tuple(sparse.shape):
        size = list(other.shape) if isinstance(other, Variable) else []
        raise RuntimeError(
            f"add: expected 'self' and 'other' to have same size, but self has size {size} while other has size "
            f"{list(sparse.shape)} (FYI: op2-sparse addition does not currently support broadcasting)"
        )
    if not isinstance(other, KeptEntries):
        return operation.apply(other, sparse.to_dense())
    for one in (a, b):
        if one.layout is not sparse_csr:
            raise RuntimeError(f"crow_indices expected sparse row compressed tensor layout but got {layout_name(one)}")
    return to_layout(to_coo(a).coalesce()._added(to_coo(b).coalesce()), sparse_csr)


def _mul(operation: Any, a: Any, b: Any) -> Any:
    """Each value times a number, or times the element at its place of another tensor."""
    sparse, other = (a, b) if isinstance(a, KeptEntries) else (b, a)
    if _is_number(other):
        return sparse._like(operation.apply(sparse._entries, other))
    if not isinstance(other, KeptEntries):
        return _times_dense(operation, sparse, other)
    if isinstance(a, CompressedTensor) or isinstance(b, CompressedTensor):
        if not a.layout is b.layout is sparse_csr:
            raise RuntimeError("Expected result Tensor to be of format CSR")
        return to_layout(_common(operation, to_coo(a), to_coo(b)), sparse_csr)
    if a.sparse_dim() == 0 or b.sparse_dim() == 0 or a.dense_dim() != b.dense_dim():
        refuse(operation)
    return _common(operation, a, b)


def _common(operation: Any, a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """The products of the values that both tensors have."""
    size = Size(np.broadcast_shapes(tuple(a._size), tuple(b._size)))
    if a._size != size or b._size != size:
        if a._size != size and b._size != size:
            raise RuntimeError(f"mul: sizes {list(a._size)} and {list(b._size)} of sparse tensors don't match")
        small, big = (a, b) if b._size == size else (b, a)
        return _times_dense(operation, big, small.to_dense())
    a, b = a.coalesce(), b.coalesce()
    one, other = a._flat(), b._flat()
    _, first, second = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    values = operation.apply(a._entries[wrap(first)], b._entries[wrap(second)])
    return make(wrap(np.ascontiguousarray(a._coordinates._array[:, first])), values, size, True)


def _times_dense(operation: Any, sparse: Any, dense: Any) -> Any:
    if isinstance(sparse, CompressedTensor):
        if sparse.layout is not sparse_csr:
            raise RuntimeError("Expected result Tensor to be of format CSR")
        if tuple(dense.shape) != tuple(sparse._size):
            raise RuntimeError(
                f"sparse_mask(): operands have incompatible sizes; self has size {list(dense.shape)} but mask has size "
                f"{list(sparse._size)}"
            )
        return sparse._like(operation.apply(sparse._entries, masked_by(dense, sparse)._entries))
    if dense.ndim > sparse.ndim:
        raise RuntimeError(
            f"mul: a dense tensor of {dense.ndim} dimensions does not go with a sparse one of {sparse.ndim}"
        )
    chosen = dense.expand(sparse._size)[tuple(sparse._coordinates)]
    return sparse._like(operation.apply(sparse._entries, chosen))


def _div(operation: Any, a: Any, b: Any) -> Any:
    for one in (a, b):
        if isinstance(one, CompressedTensor):
            return refuse(operation) if issubclass(operation, arithmetic.FloorDivide) else _unsupported(one)
    if isinstance(b, SparseTensor) and _is_number(a):
        refuse(operation)
    if not _is_number(b):
        raise RuntimeError(
            "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
            f"{list(b.shape)} for divisor)"
        )
    plain = issubclass(operation, arithmetic.Div)
    return (_linear if plain else _of_values)(operation, a, b)


def _pow(operation: Any, input: Any, exponent: Any) -> Any:
    if isinstance(input, CompressedTensor):
        return _unsupported(input)
    if exponent == 0:
        raise RuntimeError("pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense")
    return _of_values(operation, input, exponent)


# Places.


def _permute(operation: Any, input: Any, order: Any) -> Any:
    if isinstance(input, CompressedTensor):
        refuse(operation)
    return input._moved(order)


def _transpose(operation: Any, input: Any, dim0: int, dim1: int) -> Any:
    first, second = wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)
    if isinstance(input, SparseTensor):
        order = list(range(input.ndim))
        order[first], order[second] = order[second], order[first]
        moved = input._moved(order)
        return moved._coalesced_(input._coalesced and first == second)
    if first == second:
        return input._like(input._entries)
    batch = input._pointers.ndim - 1
    if {first, second} != {batch, batch + 1}:
        raise RuntimeError(
            "transpose(): can only transpose the two dimensions of each matrix of a compressed sparse tensor"
        )
    size = list(input._size)
    size[first], size[second] = size[second], size[first]
    entries = input._entries.transpose(batch + 1, batch + 2) if input._blocked else input._entries
    return compressed(input._pointers, input._others, entries, Size(size), _FLIPPED[input._layout])


def _t(operation: Any, input: Any) -> Any:
    return _transpose(operation, input, 0, 1) if input.ndim == 2 else input


def _unsqueeze(operation: Any, input: Any, dim: int) -> Any:
    if isinstance(input, CompressedTensor):
        input._without("strides")
    size = Size([*input._size[:dim], 1, *input._size[dim:]])
    kept = input.sparse_dim()
    if dim > kept:
        return make(input._coordinates, input._entries.unsqueeze(dim - kept + 1), size, input._coalesced)
    coordinates = np.insert(input._coordinates._array, dim, 0, axis=0)
    return make(wrap(coordinates), input._entries, size, False)


def _select(operation: Any, input: Any, key: Any) -> Any:
    """Elements by numbers of some dimensions; the others are whole."""
    sorted_ = input.layout is not sparse_coo
    if sorted_:
        input = to_coo(input).coalesce()
    keys = [k for k in key if k is not Ellipsis]
    place, dim = input, 0
    for one in keys:
        if isinstance(one, int | np.integer):
            place = _selected(place, dim, int(one))
            if sorted_ and isinstance(place, SparseTensor):
                place._coalesced_(True)
        elif one == slice(None):
            dim += 1
        else:
            refuse(operation)
    return place


def _selected(input: Any, dim: int, index: int) -> Any:
    if not isinstance(input, SparseTensor):
        return input.select(dim, index)
    length = input._size[dim]
    if not -length <= index < length:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input._size)} at dimension {dim}"
        )
    index %= length
    size = Size([*input._size[:dim], *input._size[dim + 1 :]])
    kept = input.sparse_dim()
    if dim >= kept:
        return make(input._coordinates, input._entries.select(dim - kept + 1, index), size, input._coalesced)
    hits = np.flatnonzero(input._coordinates._array[dim] == index)
    entries = input._entries[wrap(hits)]
    if kept == 1:
        return entries.sum(0)
    coordinates = np.delete(input._coordinates._array[:, hits], dim, axis=0)
    return make(wrap(coordinates), entries, size, input._coalesced and dim == 0)


def _unbind(operation: Any, input: Any, dim: int) -> Any:
    key = (slice(None),) * dim
    parts = [_select(operation, input, (*key, i)) for i in range(input._size[dim])]
    if isinstance(input, SparseTensor):
        parts = [p._coalesced_(p._nnz() < 2) if isinstance(p, SparseTensor) else p for p in parts]
    return tuple(parts)


def _index_select(operation: Any, input: Any, dim: int, index: Any) -> Any:
    if isinstance(input, CompressedTensor):
        refuse(operation)
    dim = wrap_dim(dim, input.ndim)
    wanted = index._array.reshape(-1)
    length = input._size[dim]
    if wanted.size and (wanted.min() < -length or wanted.max() >= length):
        raise IndexError(f"index_select(): index contains an index out of range for tensor of size {list(input._size)}")
    size = Size([len(wanted) if d == dim else n for d, n in enumerate(input._size)])
    kept = input.sparse_dim()
    if dim >= kept:
        return make(input._coordinates, input._entries.index_select(dim - kept + 1, index), size, input._coalesced)
    # The entries of each slice together, then those of the slices that are wanted, in turn.
    pattern = Pattern(input._coordinates._array[dim], input._coordinates._array[dim], (length, length))
    wanted = wanted % max(length, 1)
    lengths = pattern.counts[wanted]
    begin = np.repeat(pattern.starts[wanted] - (np.cumsum(lengths) - lengths), lengths)
    hits = begin + np.arange(len(begin))
    hits = hits if pattern.order is None else pattern.order[hits]
    coordinates = input._coordinates._array[:, hits].copy()
    coordinates[dim] = np.repeat(np.arange(len(wanted)), lengths)
    return make(wrap(coordinates), input._entries[wrap(hits)], size, False)


def _cat(operation: Any, dim: int, *tensors: Any) -> Any:
    for i, tensor in enumerate(tensors):
        if isinstance(tensor, CompressedTensor):
            tensor._without("is_contiguous")
        if not isinstance(tensor, SparseTensor):
            raise RuntimeError(f"Concatenating sparse tensors, but a dense tensor was found at position {i}.")
    first = tensors[0]
    dim = wrap_dim(dim, first.ndim)
    kept = first.sparse_dim()
    for i, tensor in enumerate(tensors):
        alike = [n for d, n in enumerate(tensor._size) if d != dim] == [
            n for d, n in enumerate(first._size) if d != dim
        ]
        if tensor.sparse_dim() != kept or tensor.ndim != first.ndim or not alike:
            raise RuntimeError(
                f"All tensors must have the same shape: {list(first._size)} (except in the concatenating dimension) "
                f"and as many sparse dimensions, but found {list(tensor._size)} at position {i}"
            )
    size = Size([sum(t._size[d] for t in tensors) if d == dim else n for d, n in enumerate(first._size)])
    coordinates = np.concatenate([t._coordinates._array for t in tensors], axis=1)
    begin = 0
    if dim < kept:
        at = 0
        for tensor in tensors:
            coordinates[dim, at : at + tensor._nnz()] += begin
            at, begin = at + tensor._nnz(), begin + tensor._size[dim]
        return make(wrap(coordinates), joining.cat([t._entries for t in tensors]), size, False)
    parts = []
    for tensor in tensors:
        shape_ = list(tensor._entries.shape)
        before, after = list(shape_), list(shape_)
        axis = dim - kept + 1
        before[axis], after[axis] = begin, size[dim] - begin - shape_[axis]
        begin += shape_[axis]
        zeros = tensor._entries.new_zeros
        parts.append(joining.cat([zeros(before), tensor._entries, zeros(after)], axis))
    return make(wrap(coordinates), joining.cat(parts), size, False)


def _stack(operation: Any, dim: int, *tensors: Any) -> Any:
    for tensor in tensors:
        if isinstance(tensor, CompressedTensor):
            tensor._without("is_contiguous")
    return _cat(operation, dim, *[tensor.unsqueeze(dim) for tensor in tensors])


# Reductions.


def _norm(operation: Any, input: Any, order: float, dim: Any, keepdim: bool) -> Any:
    if not isinstance(input, SparseTensor):
        refuse(operation)
    return input.norm(order, dim, keepdim)


def _addmv(operation: Any, input: Any, mat: Any, vec: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    if not isinstance(mat, CompressedTensor):
        refuse(operation)
    found = mv_rule(operation, mat, vec)
    found = found if alpha == 1 else found * alpha
    return found if beta == 0 else (input if beta == 1 else input * beta) + found


def _linear_layer(operation: Any, bias: Any, input: Any, weight: Any) -> Any:
    return mm_rule(operation, input, weight.t()) + bias


def _addmm_inplace(operation: Any, input: Any, *args: Any) -> Any:
    return input.copy_(addmm_rule(operation, input, *args))


def _truth(operation: Any, input: Any, dim: Any, keepdim: bool, function: Any) -> Any:
    if not isinstance(input, SparseTensor) or dim is not None or function is not np.logical_or:
        refuse(operation)
    return input._entries.any()


_OF_VALUES = (
    trigonometric.Sin, trigonometric.Tan, trigonometric.Asin, trigonometric.Sinh, trigonometric.Tanh,
    trigonometric.Asinh, trigonometric.Atan, trigonometric.Atanh, arithmetic.Abs, powers.Sqrt, pointwise.Expm1,
    pointwise.Log1p, pointwise.Deg2rad, pointwise.Rad2deg, special.Erf, special.Erfinv, rounding.Floor, rounding.Ceil,
    rounding.Round, rounding.Trunc, rounding.Frac, sign.Sign, sign.Sgn, activation.Relu,
)  # fmt: skip
for _kind in _OF_VALUES:
    RULES[_kind], INPLACE_RULES[_kind] = _of_values, _of_values_inplace
for _plain in (arithmetic.Neg, sign.Conj):
    RULES[_plain], INPLACE_RULES[_plain] = _linear, _linear_inplace
RULES.update(
    {
        comparison.Question: _question,
        rounding.NanToNum: _of_coo,
        sign.Angle: _of_compressed,
        linear.Linear: _linear_layer,
        complex_views.RealPart: _linear,
        complex_views.ImaginaryPart: _linear,
        conversion.Clone: _clone,
        conversion.ToCopy: _to_copy,
        arithmetic.Add: _add,
        arithmetic.Sub: _add,
        arithmetic.Mul: _mul,
        arithmetic.Div: _div,
        arithmetic.FloorDivide: _div,
        arithmetic.TruncDivide: _div,
        powers.PowScalar: _pow,
        axes.Permute: _permute,
        axes.Transpose: _transpose,
        axes.T: _t,
        shape.Unsqueeze: _unsqueeze,
        slicing.Select: _select,
        splitting.Unbind: _unbind,
        index_along.IndexSelect: _index_select,
        joining.Cat: _cat,
        joining.Stack: _stack,
        reduce.Sum: sum_rule,
        reduce.SumDim: sum_rule,
        reduce.Truth: _truth,
        norms.VectorNorm: _norm,
        matmul.Mm: mm_rule,
        matmul.Mv: mv_rule,
        matmul.Bmm: bmm_rule,
        weighted_products.Addmm: addmm_rule,
        weighted_products.Addmv: _addmv,
    }
)
INPLACE_RULES[weighted_products.Addmm] = _addmm_inplace
INPLACE_RULES[rounding.NanToNum] = _of_coo_inplace
