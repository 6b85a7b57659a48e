"""Derivatives of functions by the ordinary graph: `torch.autograd.functional`.

Inputs are a tensor or a tuple of tensors, and results are nested alike.

Source: https://docs.pytorch.org/docs/2.13/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rushlight.autograd.engine import grad
from rushlight.autograd.grad_mode import enable_grad, set_grad_enabled, state
from rushlight.func._forward import jvp as push
from rushlight.func._jacobian import unit_vectors
from rushlight.func._vmap import vmap
from rushlight.ops.creation import zeros_like
from rushlight.ops.joining import stack
from rushlight.ops.splitting import split_with_sizes
from rushlight.tensor import Tensor as _Tensor

if TYPE_CHECKING:
    pass

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Function = Callable[..., Any]
Tensors = "Tensor | tuple[Tensor, ...]"

_OUTPUTS = "outputs of the user-provided function"


def _tuple_of(value: Any, argument: str, function: str) -> tuple[bool, tuple[Any, ...]]:
    """Whether a value is a tuple, and it as one; TypeError for what is no tensor."""
    many = isinstance(value, tuple)
    values = value if many else (value,)
    for i, one in enumerate(values):
        if not isinstance(one, _Tensor):
            which = f"value at index {i}" if many else f"given {argument}"
            raise TypeError(
                f"The {argument} given to {function} must be either a Tensor or a tuple of Tensors but the {which} has "
                f"type {type(one)}."
            )
    return many, values


def _as_given(found: Any, many: bool | tuple[bool, bool]) -> Any:
    """Results nested like what they are for: a tuple only where one was given."""
    if isinstance(many, tuple):
        rows = found if many[1] else tuple(row[0] for row in found)
        return rows if many[0] else rows[0]
    return found if many else found[0]


def _fresh(inputs: tuple[Any, ...], create_graph: bool, track: bool) -> tuple[Any, ...]:
    """Other tensors of the same memory, which a function can't have captured; connected if the graph is kept."""
    return tuple(i.view_as(i) if create_graph and i.requires_grad else i.detach().requires_grad_(track) for i in inputs)


def _released(found: Any, create_graph: bool) -> Any:
    """Results without history, unless the graph is kept."""
    if create_graph:
        return found
    return tuple(_released(one, False) if isinstance(one, tuple) else one.detach() for one in found)


def _check_vector(v: tuple[Any, ...], others: tuple[Any, ...], many: bool) -> None:
    if len(others) != len(v):
        if many:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(others)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (one, other) in enumerate(zip(v, others, strict=True)):
        if one.shape != other.shape:
            prefix = f"Entry {i} in " if many else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {other.shape} but got {one.shape}.")


_INDEPENDENT = {
    "outputs": (
        "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
        "differentiable manner from the input when running in strict mode."
    ),
    "grad_inputs": (
        "The gradient with respect to input {} is independent of the inputs of the user-provided function. This is not "
        "allowed in strict mode."
    ),
    "jacobian": (
        "While computing the hessian, found that the jacobian of the user-provided function with "
        "respect to input {} is "
        "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
        "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for "
        "example)."
    ),
    "hessian": (
        "The hessian of the user-provided function with respect to input {} is independent of the input. This is not "
        "allowed in strict mode. You should ensure that your function is thrice differentiable and that the hessian "
        "depends on the inputs."
    ),
}


def _check_dependence(found: Sequence[Any], kind: str, strict: bool) -> None:
    """In strict mode, RuntimeError for a result that depends on no input."""
    for i, one in enumerate(found if strict else ()):
        if one is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode."
            )
        if not one.requires_grad:
            raise RuntimeError(_INDEPENDENT[kind].format(i))


def _gradients(
    outputs: Sequence[Any],
    inputs: tuple[Any, ...],
    weights: Sequence[Any] | None = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    batched: bool = False,
) -> tuple[Any, ...]:
    """`autograd.grad` of those outputs that have a history; None for inputs that they do not depend on."""
    given = [None] * len(outputs) if weights is None else weights
    pairs = [(o, w) for o, w in zip(outputs, given, strict=True) if o is not None and o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return grad(
        tuple(o for o, _ in pairs), inputs, tuple(w for _, w in pairs), retain_graph, create_graph, True, True, batched
    )  # fmt: skip


_MISSING = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "back_trick": (
        "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double "
        "backward trick to compute forward mode gradients. This is not allowed in strict mode."
    ),
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is "
    "not allowed in strict mode.",
    "double_back_trick": (
        "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
        "This is not allowed "
        "in strict mode as it prevents from using the double backward trick to replace forward mode AD."
    ),
}


def _filled(found: Sequence[Any], like: Sequence[Any], strict: bool, create_graph: bool, stage: str) -> tuple[Any, ...]:
    """Results with zeros where nothing was found, which strict mode refuses."""
    results = []
    for i, (one, model) in enumerate(zip(found, like, strict=True)):
        if one is None:
            if strict:
                raise RuntimeError(_MISSING[stage].format(i))
            one = zeros_like(model)
        elif strict and create_graph and not one.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict "
                "mode when create_graph=True."
            )
        results.append(one)
    return tuple(results)


def _begun(
    function: str, func: Function, inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[bool, tuple[Any, ...], bool, tuple[Any, ...], Any]:
    """The inputs afresh, the outputs, and the vector, which for a vjp looks like the outputs, else like the inputs."""
    many, given = _tuple_of(inputs, "inputs", function)
    given = _fresh(given, create_graph, True)
    if v is not None:
        v = _fresh(_tuple_of(v, "v", function)[1], create_graph, False)
    if function != "vjp":
        if v is not None:
            _check_vector(v, given, many)
        elif len(given) != 1 or given[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
                "single element."
            )
    many_outputs, outputs = _tuple_of(func(*given), _OUTPUTS, function)
    _check_dependence(outputs, "outputs", strict)
    if function == "vjp":
        if v is not None:
            _check_vector(v, outputs, many_outputs)
        elif len(outputs) != 1 or outputs[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
    if function in ("vhp", "hvp"):
        if many_outputs:
            raise RuntimeError(f"The function given to {function} should return a single Tensor")
        if outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {function} should contain a single element"
            )
    return many, given, many_outputs, outputs, v


def vjp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`(func(inputs), vᵀJ)` with the Jacobian J of `func` at `inputs`, and v of the outputs' shapes.

    v may be left out for an output of one element. With `create_graph` the results can be differentiated; with
    `strict`, an output that is independent of an input raises RuntimeError.

    >>> import rushlight as torch
    >>> torch.autograd.functional.vjp(torch.square, torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.vjp.html
    """
    with enable_grad():
        many, given, many_outputs, outputs, v = _begun("vjp", func, inputs, v, create_graph, strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _gradients(outputs, given, v, create_graph)
        product = _filled(found, given, strict, create_graph, "back")
    return _as_given(_released(outputs, create_graph), many_outputs), _as_given(_released(product, create_graph), many)


def jvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`(func(inputs), Jv)` with the Jacobian J of `func` at `inputs`, and v of the inputs' shapes.

    It is found by two backward passes; `torch.func.jvp` is the forward mode. Arguments as for `vjp`.

    >>> import rushlight as torch
    >>> torch.autograd.functional.jvp(torch.square, torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.jvp.html
    """
    with enable_grad():
        _, given, many_outputs, outputs, v = _begun("jvp", func, inputs, v, create_graph, strict)
        # The first pass is linear in these, so that their values don't matter.
        weights = tuple(zeros_like(o).requires_grad_() for o in outputs)
        gradients = _gradients(outputs, given, weights, True)
        _check_dependence(gradients, "grad_inputs", strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _gradients(gradients, weights, v, create_graph)
        product = _filled(found, outputs, strict, create_graph, "back_trick")
    return (
        _as_given(_released(outputs, create_graph), many_outputs),
        _as_given(_released(product, create_graph), many_outputs),
    )


def jacobian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`: for an output of shape O and an input of shape I, a tensor of shape O + I.

    Several outputs or inputs give a tuple, both a tuple of tuples, by output first. `vectorize` computes all rows at
    once; with the strategy "forward-mode" (only with `vectorize`), all columns. `create_graph` and `strict` as for
    `vjp`.

    >>> import rushlight as torch
    >>> torch.autograd.functional.jacobian(torch.square, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.jacobian.html
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
                'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        return _by_columns(func, inputs, strict, vectorize)
    with enable_grad():
        many, given = _tuple_of(inputs, "inputs", "jacobian")
        given = _fresh(given, create_graph, True)
        many_outputs, outputs = _tuple_of(func(*given), _OUTPUTS, "jacobian")
        _check_dependence(outputs, "outputs", strict)
        if not vectorize:
            blocks = tuple(_rows(i, o, given, create_graph, strict) for i, o in enumerate(outputs))
        else:
            if strict:
                raise RuntimeError(
                    "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
                    "supported together. "
                    "Please either set `strict=False` or `vectorize=False`."
                )
            blocks = _rows_at_once(outputs, given, create_graph)
        return _as_given(_released(blocks, create_graph), (many_outputs, many))


def _rows(i: int, out: Any, inputs: tuple[Any, ...], create_graph: bool, strict: bool) -> tuple[Any, ...]:
    """The Jacobian of one output, a backward pass for each element."""
    columns: list[list[Any]] = [[] for _ in inputs]
    flat = out.reshape(-1)
    for j in range(out.numel()):
        found = _gradients((flat[j],), inputs, None, create_graph, True)
        for k, (row, model) in enumerate(zip(found, inputs, strict=True)):
            if row is None:
                if strict:
                    raise RuntimeError(
                        f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in "
                        "strict mode."
                    )
                row = zeros_like(model)
            elif strict and create_graph and not row.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in "
                    "strict mode when create_graph=True."
                )
            columns[k].append(row)
    return tuple(
        stack(rows).view((*out.shape, *model.shape))
        if rows
        else zeros_like(model).new_zeros((*out.shape, *model.shape))
        for rows, model in zip(columns, inputs, strict=True)
    )


def _rows_at_once(outputs: tuple[Any, ...], inputs: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    """The Jacobians of all outputs, by one backward pass of a batch of unit vectors."""
    counts = [o.numel() for o in outputs]
    found = _gradients(outputs, inputs, unit_vectors(list(outputs)), create_graph, True, batched=True)
    columns = [
        zeros_like(i).expand(sum(counts), *i.shape) if rows is None else rows
        for rows, i in zip(found, inputs, strict=True)
    ]
    parts = zip(*[split_with_sizes(c, counts, 0) for c in columns], strict=True)
    return tuple(
        tuple(part.reshape((*o.shape, *i.shape)) for part, i in zip(of_output, inputs, strict=True))
        for o, of_output in zip(outputs, parts, strict=True)
    )


def _by_columns(func: Function, inputs: Any, strict: bool, vectorize: bool) -> Any:
    """The Jacobian in forward mode, all columns at once."""
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported '
            "together "
            '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    many, given = _tuple_of(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented "
            "for `vectorize=True`."
        )
    kept: dict[str, Any] = {}

    def column(*direction: Any) -> tuple[Any, ...]:
        def outputs(*moving: Any) -> tuple[Any, ...]:
            kept["many"], found = _tuple_of(func(*moving), _OUTPUTS, "jacobian")
            return found

        return tuple(push(outputs, given, direction)[1])

    counts = [i.numel() for i in given]
    found = vmap(column)(*unit_vectors(list(given)))
    blocks = tuple(
        tuple(
            part.movedim(0, -1).reshape((*columns.shape[1:], *i.shape))
            for part, i in zip(split_with_sizes(columns, counts, 0), given, strict=True)
        )
        for columns in found
    )
    return _as_given(blocks, (kept["many"], many))


def hessian(
    func: Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, whose output has one element: for inputs of shapes I and J a tensor of shape I + J.

    Several inputs give a tuple of tuples. `outer_jacobian_strategy` says how the Jacobian of the gradient is computed;
    the other arguments are as for `jacobian`.

    >>> import rushlight as torch
    >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.hessian.html
    """
    many, given = _tuple_of(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def single(*values: Any) -> Any:
        out = func(*values)
        several, outs = _tuple_of(out, _OUTPUTS, "hessian")
        _check_dependence(outs, "outputs", strict)
        if several:
            raise RuntimeError("The function given to hessian should return a single Tensor")
        if out.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return out.squeeze()

    def gradient(*values: Any) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            from rushlight.func._reverse import grad as of

            return of(single, tuple(range(len(values))))(*values)
        found = jacobian(single, values, create_graph=True)
        _check_dependence(found, "jacobian", strict)
        return found

    found = jacobian(gradient, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return _as_given(found, (many, many))


def vhp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`(func(inputs), vᵀH)` with the Hessian H of `func`, whose output has one element, and v of the inputs' shapes.

    Arguments as for `vjp`.

    >>> import rushlight as torch
    >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.vhp.html
    """
    with enable_grad():
        many, given, _, outputs, v = _begun("vhp", func, inputs, v, create_graph, strict)
        gradient = _gradients(outputs, given, None, True)
        _check_dependence(gradient, "jacobian", strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _gradients(gradient, given, _for_scalar(v, gradient), create_graph)
        product = _filled(found, given, strict, create_graph, "double_back")
    return _released(outputs, create_graph)[0], _as_given(_released(product, create_graph), many)


def _for_scalar(v: Any, gradient: Sequence[Any]) -> Any:
    return [None] * len(gradient) if v is None else v


def hvp(
    func: Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`(func(inputs), Hv)` with the Hessian H of `func`, whose output has one element, and v of the inputs' shapes.

    `vhp` gives the same where H is symmetric, in less time. Arguments as for `vjp`.

    >>> import rushlight as torch
    >>> torch.autograd.functional.hvp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.autograd.functional.hvp.html
    """
    with enable_grad():
        many, given, _, outputs, v = _begun("hvp", func, inputs, v, create_graph, strict)
        gradient = _gradients(outputs, given, None, True)
        _check_dependence(gradient, "jacobian", strict)
        weights = tuple(zeros_like(i).requires_grad_() for i in given)
        twice = _gradients(gradient, given, weights, True)
        _check_dependence(gradient, "hessian", strict)
    with set_grad_enabled(create_graph or state.enabled):
        found = _gradients(twice, weights, _for_scalar(v, gradient), create_graph)
        product = _filled(found, given, strict, create_graph, "double_back_trick")
    return _released(outputs, create_graph)[0], _as_given(_released(product, create_graph), many)
