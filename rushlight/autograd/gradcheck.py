"""Checking gradients, first and second order, against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rushlight.autograd.engine import grad
from rushlight.autograd.grad_mode import enable_grad, no_grad
from rushlight.autograd.variable import Variable, wrap

if TYPE_CHECKING:
    from rushlight.tensor import Tensor

__all__ = [
    "GradcheckError", "get_analytical_jacobian", "get_numerical_jacobian", "get_numerical_jacobian_wrt_specific_input",
    "gradcheck", "gradgradcheck",
]  # fmt: skip


class GradcheckError(RuntimeError):
    """A gradient differs from the finite difference."""


def _tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _differentiable(values: tuple[Any, ...]) -> list[Any]:
    return [v for v in values if isinstance(v, Variable) and v.requires_grad]


def _numerical(
    function: Callable[..., Any], inputs: tuple[Any, ...], tensor: Any, eps: float
) -> list[np.ndarray[Any, Any]]:
    """d outputs / d tensor by central differences: for each output an array (tensor.numel, output.numel)."""
    array = tensor._array
    directions = (eps, eps * 1j) if array.dtype.kind == "c" else (eps,)
    columns: list[list[Any]] = []
    with no_grad():
        for index in np.ndindex(array.shape):
            before = array[index].copy()
            slope: Any = None
            for step in directions:
                array[index] = before + step
                high = [np.array(o._array) for o in _outputs(function, inputs)]
                array[index] = before - step
                low = [np.array(o._array) for o in _outputs(function, inputs)]
                parts = [
                    (h.astype(_wide(h)) - low_.astype(_wide(h))) / (2 * eps) for h, low_ in zip(high, low, strict=True)
                ]
                slope = parts if slope is None else [(a, b) for a, b in zip(slope, parts, strict=True)]
            array[index] = before
            columns.append(slope)
    if not columns:
        return []
    return [np.stack([np.asarray(column[k]) for column in columns]) for k in range(len(columns[0]))]


def _wide(array: Any) -> Any:
    return np.complex128 if array.dtype.kind == "c" else np.float64


def _outputs(function: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Any]:
    return [o for o in _tuple(function(*inputs)) if isinstance(o, Variable) and o._array.dtype.kind in "fcV"]


def _check_output(
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    wanted: list[Any],
    k: int,
    out: Any,
    numerical: list[Any],
    tolerance: tuple[float, float],
) -> None:
    units = (1.0, 1j) if out._array.dtype.kind == "c" else (1.0,)
    for position in np.ndindex(out._array.shape):
        for unit in units:
            seed = np.zeros_like(out._array)
            seed[position] = unit
            found = grad(out, wanted, wrap(seed), retain_graph=True, allow_unused=True)
            for i, (tensor, gradient) in enumerate(zip(wanted, found, strict=True)):
                analytical = np.zeros_like(tensor._array) if gradient is None else gradient._array
                expected = _expected(numerical[i][k], position, unit, tensor._array)
                atol, rtol = tolerance
                if not np.allclose(analytical, expected, rtol=rtol, atol=atol, equal_nan=False):
                    raise GradcheckError(
                        f"Jacobian mismatch for output {k} with respect to input {i},\nnumerical:{expected}\n"
                        f"analytical:{analytical}\n"
                    )


def _expected(slopes: Any, position: tuple[int, ...], unit: complex, array: Any) -> Any:
    """The gradient of Re(conj(unit) * output[position]): with respect to a complex input, d/dRe + i d/dIm."""
    if array.dtype.kind == "c":
        re = slopes[(slice(None), 0, *position)]
        im = slopes[(slice(None), 1, *position)]
        return ((np.conj(unit) * re).real + 1j * (np.conj(unit) * im).real).reshape(array.shape)
    return (np.conj(unit) * slopes[(slice(None), *position)]).real.reshape(array.shape)


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` at `inputs` equal central finite differences of step `eps`.

    Inputs with `requires_grad` should be float64 or complex128. Raises GradcheckError (or returns False, without
    `raise_exception`) where `|analytical - numerical| > atol + rtol * |numerical|`, or where two backward passes differ
    by more than `nondet_tol`. `check_forward_ad` compares the tangents of forward mode too, `check_batched_grad` and
    `check_batched_forward_grad` what `vmap` makes of either with a loop. Every element is checked, also in `fast_mode`.

    >>> import rushlight as torch
    >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, x)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.gradcheck.gradcheck.html
    """
    try:
        checks = _Checks(
            check_backward_ad, check_forward_ad, check_batched_grad, check_batched_forward_grad, check_grad_dtypes
        )
        _gradcheck(func, _tuple(inputs), eps, (atol, rtol), nondet_tol, checks)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


class _Checks(NamedTuple):
    backward: bool
    forward: bool
    batched: bool
    batched_forward: bool
    dtypes: bool


def _gradcheck(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    eps: float,
    tolerance: tuple[float, float],
    nondet_tol: float,
    checks: _Checks,
) -> None:
    if not (checks.backward or checks.forward):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if checks.batched and not checks.backward:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if checks.batched_forward and not checks.forward:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    wanted = _differentiable(inputs)
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    outputs = _outputs(func, inputs)
    numerical = [_numerical(func, inputs, tensor, eps) for tensor in wanted]
    if checks.forward:
        # Above this floor, where the transforms are.
        from rushlight.func import _gradcheck as transformed

        transformed.check_forward(func, inputs, numerical, tolerance, checks.batched_forward)
    for k, out in enumerate(outputs if checks.backward else ()):
        if not out.requires_grad:
            if any(n and np.any(n[k]) for n in numerical):
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero, but output {k} does not require grad"
                )
            continue
        if out._array.size and all(t._array.size for t in wanted):
            _check_output(func, inputs, wanted, k, out, numerical, tolerance)
        first: tuple[Any, ...] = grad(out, wanted, wrap(np.ones_like(out._array)), retain_graph=True, allow_unused=True)
        second: tuple[Any, ...] = grad(
            out, wanted, wrap(np.ones_like(out._array)), retain_graph=True, allow_unused=True
        )
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            if a is None or b is None:
                continue
            if not np.allclose(a._array, b._array, rtol=0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    f"gives different values: input {i}"
                )
            if checks.dtypes and a._array.dtype != wanted[i]._array.dtype:
                raise GradcheckError(f"grad is {a.dtype}, but input {i} is {wanted[i].dtype}")
        if checks.batched:
            from rushlight.func import _gradcheck as transformed

            transformed.check_batched(out, wanted)


def _seeds(outputs: list[Any], stepped: bool) -> list[Any]:
    """A random cotangent for each output, with gaps in memory if `stepped`."""
    random = np.random.default_rng(0)
    seeds = []
    for out in outputs:
        array = random.standard_normal(out._array.shape).astype(out._array.dtype)
        if stepped and array.ndim:
            array = np.repeat(array, 2, axis=-1)[..., ::2]
        seeds.append(wrap(array).requires_grad_(True))
    return seeds


def _gradients_of(func: Callable[..., Any], values: tuple[Any, ...]) -> Callable[..., tuple[Any, ...]]:
    """The gradients of `func` as a function of its inputs and the gradients of its outputs."""
    wanted, count = _differentiable(values), len(values)

    def gradients(*both: Any) -> tuple[Any, ...]:
        again, weights = both[:count], both[count:]
        with enable_grad():
            outs = _outputs(func, again)
            pairs = [(o, w) for o, w in zip(outs, weights, strict=True) if o.requires_grad]
            inner, seeds = [o for o, _ in pairs], [w for _, w in pairs]
            found = grad(inner, _differentiable(again), seeds, create_graph=True, allow_unused=True)
        return tuple(g if g is not None else wrap(np.zeros_like(t._array)) for g, t in zip(found, wanted, strict=True))

    return gradients


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Any] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of the gradients of `func` equal finite differences, at `inputs` and `grad_outputs`.

    `check_fwd_over_rev` and `check_rev_over_rev` say whether the gradients are differentiated in forward mode, and in
    reverse mode; the other arguments are those of `gradcheck`.

    >>> import rushlight as torch
    >>> x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(lambda x: x**3, (x,))
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.gradcheck.gradgradcheck.html
    """
    values = _tuple(inputs)
    outputs = _outputs(func, values)
    seeds = _seeds(outputs, gen_non_contig_grad_outputs) if grad_outputs is None else list(_tuple(grad_outputs))
    return gradcheck(
        _gradients_of(func, values),
        (*values, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
    )


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`{name}` was part of PyTorch's private API and not meant to be exposed. We are deprecating it and it will be "
        "removed in a future version of PyTorch. If you have a specific use for this or feature request for this to be "
        "a stable API, please file us an issue at https://github.com/pytorch/pytorch/issues/new",
        FutureWarning,
        stacklevel=3,
    )


def _matrix(slopes: Any, tensor: Any) -> Tensor:
    """The Jacobian of one output, (tensor.numel, output.numel), from slopes along real and imaginary directions."""
    rows = tensor._array.size
    if tensor._array.dtype.kind == "c":
        real, imaginary = slopes[:, 0].reshape(rows, -1), slopes[:, 1].reshape(rows, -1)
        return wrap(real if not np.iscomplexobj(real) else (real - 1j * imaginary) / 2)
    return wrap(slopes.reshape(rows, -1))


def get_numerical_jacobian(
    fn: Callable[..., Any], inputs: Any, target: Any = None, eps: float = 1e-3, grad_out: float = 1.0
) -> tuple[Tensor, ...]:
    """The Jacobian of `fn(inputs)`, or of its first result, by central differences: for each input that requires a
    gradient, or each of `target`, a matrix of its elements by those of the result. Deprecated; `gradcheck` is not.

    ValueError for another `grad_out` than 1.
    """
    _deprecated("get_numerical_jacobian")
    if grad_out != 1.0:
        raise ValueError(
            "Expected grad_out to be 1.0. get_numerical_jacobian no longer supports values of grad_out != 1.0."
        )
    wanted = _differentiable(_tuple(inputs if target is None else target))
    function = lambda *values: fn(inputs)  # noqa: E731
    return tuple(_matrix(_numerical(function, _tuple(inputs), tensor, eps)[0], tensor) for tensor in wanted)


def get_numerical_jacobian_wrt_specific_input(
    fn: Callable[..., Any],
    input_idx: int,
    inputs: Any,
    outputs: Any,
    eps: float,
    input: Any = None,
    is_forward_ad: bool = False,
) -> tuple[Tensor, ...]:
    """The Jacobians of each of `outputs` of `fn(*inputs)` with respect to one input, by central differences.

    AssertionError for an input that requires no gradient.
    """
    tensor = inputs[input_idx] if input is None else input
    if not tensor.requires_grad:
        raise AssertionError("Expected input to have requires_grad=True")
    return tuple(_matrix(slopes, tensor) for slopes in _numerical(fn, _tuple(inputs), tensor, eps))


def get_analytical_jacobian(
    inputs: Any, output: Tensor, nondet_tol: float = 0.0, grad_out: float = 1.0
) -> tuple[tuple[Tensor, ...], bool, bool, bool]:
    """The Jacobian of `output` by backward passes, a matrix for each input that requires a gradient; whether two
    passes agree up to `nondet_tol`; whether all gradients have their inputs' shapes, and types. Deprecated.

    ValueError for another `grad_out` than 1, and for a complex output.
    """
    _deprecated("get_analytical_jacobian")
    if grad_out != 1.0:
        raise ValueError(
            "Expected grad_out to be 1.0. get_analytical_jacobian no longer supports values of grad_out != 1.0."
        )
    if output.is_complex():
        raise ValueError(
            "Expected output to be non-complex. get_analytical_jacobian no longer supports functions that return "
            "complex outputs."
        )
    wanted = _differentiable(_tuple(inputs))
    shape, count = output._array.shape, output._array.size
    jacobians = [np.zeros((2, t._array.size, count), t._array.dtype) for t in wanted]
    sizes_ok = types_ok = True
    for again in (0, 1):
        for column, position in enumerate(np.ndindex(shape)):
            seed = np.zeros_like(output._array)
            seed[position] = 1
            for i, found in enumerate(grad(output, wanted, wrap(seed), retain_graph=True, allow_unused=True)):
                if found is not None:
                    sizes_ok = sizes_ok and found._array.shape == wanted[i]._array.shape
                    types_ok = types_ok and found._array.dtype == wanted[i]._array.dtype
                    jacobians[i][again, :, column] = found._array.reshape(-1)
    same = all(np.allclose(j[0], j[1], rtol=0, atol=nondet_tol, equal_nan=True) for j in jacobians)
    return tuple(wrap(j[0]) for j in jacobians), same, sizes_ok, types_ok
