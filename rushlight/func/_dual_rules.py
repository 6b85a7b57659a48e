"""Shorter ways for tangents: of operations that are linear, elementwise, views or constant, and of writes."""

from __future__ import annotations

from typing import Any

from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.operation import ViewOperation
from rushlight.autograd.transforms import cut, replaced
from rushlight.func._batch import spread
from rushlight.func._dual import INPLACE_RULES, RULES, DualLevel, dual
from rushlight.func._kinds import BILINEAR, CONSTANT, ELEMENTWISE, LINEAR, classes
from rushlight.func._reverse import pulled_back, tracked
from rushlight.ops.creation import zeros_like
from rushlight.ops.linalg import solve
from rushlight.ops.sequences import eye
from rushlight.ops.slicing import AsStrided
from rushlight.ops.spectral import Eig
from rushlight.ops.write import Copy, Fill, FillTensor
from rushlight.tensor import Tensor

__all__: list[str] = []


def _is_moving(tensor: Any) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _elementwise(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """One backward pass for each tensor that moves: a diagonal Jacobian is its own transpose."""
    moving: list[tuple[int, Any]] = [(i, a) for i, a in enumerate(args) if level.moves(a)]
    primals = list(replaced(args, level.primal))
    tensors = [p for p in primals if isinstance(p, Tensor)]
    like = moving[0][1]._value
    if any(p.shape != like.shape or p.dtype is not like.dtype for p in tensors if _is_moving(p)) or not moving:
        return level.pushed(operation.apply, args)
    track = state.enabled and any(t.requires_grad for t in (*tensors, *(a._tangent for _, a in moving)))
    widened = False
    with enable_grad():
        for i, a in moving:
            wide = spread(a._value, state.levels)
            widened = widened or wide is not a._value
            primals[i] = tracked(wide, track)
        out = operation.apply(*primals)
        if out.dtype is not like.dtype or out.shape != like.shape:
            return level.pushed(operation.apply, args)
        total = None
        for i, a in moving:
            turned = a._tangent.conj() if out.is_complex() else a._tangent
            (found,) = pulled_back([out], [turned], [primals[i]], True, track)
            if found is not None:
                found = found.conj() if out.is_complex() else found
                total = found if total is None else total + found
    if widened:
        # The tangent may have a batch that the result has not.
        out = operation.apply(*replaced(args, level.primal))
    elif not track:
        out = cut(out)
    return dual(level, out, own(total, moving))


def own(tangent: Any, moving: Any) -> Any:
    """A tangent with memory of its own, which a later write may change."""
    if tangent is None:
        return None
    if tangent._is_view() or any(tangent is a._tangent for _, a in moving):
        return tangent.clone()
    return tangent


def _linear(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The same operation on the tangents."""

    def tangent(a: Any) -> Any:
        if a._level is level:
            return a._tangent
        return zeros_like(a) if _is_moving(a) else a

    out = operation.apply(*replaced(args, level.primal))
    moved = operation.apply(*replaced(args, tangent))
    if isinstance(out, tuple):
        return tuple([dual(level, o, t) for o, t in zip(out, moved, strict=True)])
    return dual(level, out, moved)


def _bilinear(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The sum of the operation with each argument replaced by its tangent."""
    primals = list(replaced(args, level.primal))
    out = operation.apply(*primals)
    total = None
    for i, a in enumerate(args):
        if level.moves(a):
            part = operation.apply(*primals[:i], a._tangent, *primals[i + 1 :])
            total = part if total is None else total + part
    return dual(level, out, None if total is None else total if total.dtype is out.dtype else total.to(out.dtype))


def _view(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """The same view of the tangent, which shares its memory as the view does the primal's."""
    parent, rest = args[0], args[1:]
    if parent._level is not level:
        return level.pushed(operation.apply, args)
    out = operation.apply(parent._value, *rest)
    moved = operation.apply(parent._tangent, *rest)
    if isinstance(out, tuple):
        return tuple([dual(level, o, t) for o, t in zip(out, moved, strict=True)])
    return dual(level, out, moved) if _is_moving(out) else out


def _strided(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """A view of the storage: of the tangent's only where that is laid out alike."""
    parent = args[0]
    alike = parent._level is level and parent._value._level is None and parent._tangent._level is None
    if alike and parent._value._array.strides == parent._tangent._array.strides and not parent._value.storage_offset():
        return _view(level, operation, args)
    return level.pushed(operation.apply, args)


def _constant(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    return operation.apply(*replaced(args, level.primal))


def _constant_inplace(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    level.write(operation, args, None)
    return args[0]


def _copy_inplace(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    target, source = args
    tangent = level.tangent(source)
    if tangent is not None:
        if not _is_moving(target):
            tangent = None
        else:
            tangent = tangent.real if tangent.is_complex() and not target.is_complex() else tangent
            extra = tangent.dim() - target.dim()
            tangent = tangent.reshape(tangent.shape[extra:]) if extra > 0 else tangent
            tangent = tangent.to(target.dtype).expand(target.shape)
    level.write(operation, args, tangent)
    return target


def _eig(level: DualLevel, operation: Any, args: tuple[Any, ...]) -> Any:
    """Eigenvectors turn towards each other, and keep their lengths; two backward passes know no phase."""
    matrix, tangent = args[0]._value, args[0]._tangent
    values, vectors = operation.apply(matrix)
    turned = solve(vectors, tangent.to(vectors.dtype) @ vectors)
    gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
    own = eye(values.shape[-1], dtype=values.dtype)
    moved = vectors @ ((turned - turned * own) / (gaps + own))
    along = (vectors.conj() * moved).sum(-2).real.unsqueeze(-2)
    return dual(level, values, turned.diagonal(0, -2, -1).clone()), dual(level, vectors, moved - vectors * along)


for _kind in classes(ELEMENTWISE):
    RULES[_kind] = _elementwise
for _kind in classes(LINEAR):
    RULES[_kind] = _linear
for _kind in classes(BILINEAR):
    RULES[_kind] = _bilinear
for _kind in classes(CONSTANT):
    RULES[_kind] = _constant
    INPLACE_RULES[_kind] = _constant_inplace
RULES[Eig] = _eig
RULES[ViewOperation] = _view
RULES[AsStrided] = _strided
INPLACE_RULES[Fill] = _constant_inplace
INPLACE_RULES[FillTensor] = _copy_inplace
INPLACE_RULES[Copy] = _copy_inplace
