"""Parametrized, normalised and pruned layers, wrappers for several devices, parameters as one vector."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Refusal, normal, uniform


def parametrized(kind: str, layer: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    """A layer made in float64, so that what is computed from the first weights is exact in both libraries."""
    return lambda t: getattr(t.nn.utils.parametrizations, kind)(layer(t).double(), **options)


def hooked(kind: str, layer: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    return lambda t: getattr(t.nn.utils, kind)(layer(t).double(), **options)


def prune(t: Any) -> Any:
    """The module, which PyTorch does not import by itself."""
    return importlib.import_module(f"{t.__name__}.nn.utils.prune")


def pruned(name: str, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
    return lambda t: getattr(prune(t), name)(t.nn.Linear(4, 3), "weight", *arguments, **options)


def chained(t: Any) -> Any:
    """Two parametrizations of one weight: symmetric, then of spectral norm 1."""

    class Symmetric(t.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x: Any) -> Any:
            return x.triu()

    layer = t.nn.Linear(3, 3).double()
    t.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    return t.nn.utils.parametrizations.spectral_norm(layer)


def several_originals(t: Any) -> Any:
    class Outer(t.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x.unsqueeze(-1) @ y.unsqueeze(-2)

        def right_inverse(self, z: Any) -> Any:
            return z[:, 0].clone(), z[0] / z[0, 0]

    return t.nn.utils.parametrize.register_parametrization(t.nn.Linear(3, 2), "weight", Outer())


def _register(t: Any, forward: Callable[[Any, Any], Any], inverse: Any = None, unsafe: bool = False) -> Any:
    members: dict[str, Any] = {"forward": forward}
    if inverse is not None:
        members["right_inverse"] = inverse
    kind = type("Given", (t.nn.Module,), members)
    layer = t.nn.Linear(2, 2)
    return t.nn.utils.parametrize.register_parametrization(layer, "weight", kind(), unsafe=unsafe)


CASES = [
    Case(
        "parameters_to_vector", lambda t: t.nn.utils.parameters_to_vector, ([normal(2), normal(3, 1)],), stepped=False
    ),
    Case("get_total_norm", lambda t: t.nn.utils.get_total_norm, ([normal(2), normal(3, 1)], 3.0)),
    Case("get_total_norm inf", lambda t: t.nn.utils.get_total_norm, ([normal(2), normal(3, 1)], "inf")),
    Case(
        "functional_call",
        lambda t: lambda w, x: t.func.functional_call(t.nn.Linear(3, 2).to(w.dtype), {"weight": w}, x),
        (normal(2, 3), normal(4, 3)),
        draws=True,
    ),
    *(
        Case(
            f"orthogonal {kind} {rows}x{columns}{'' if trivial else ' plain'}",
            parametrized(
                "orthogonal",
                lambda t, rows=rows, columns=columns: t.nn.Linear(columns, rows, bias=False),
                orthogonal_map=kind,
                use_trivialization=trivial,
            ),
            (normal(2, columns),),
            # The signs on the diagonal are no function with a derivative.
            smooth=kind != "householder",
            halves=(),
        )
        for kind in ("matrix_exp", "cayley", "householder")
        for rows, columns, trivial in ((3, 3, True), (4, 2, True), (2, 3, True), (3, 2, False))
    ),
    Case("orthogonal", parametrized("orthogonal", lambda t: t.nn.Linear(3, 3)), (normal(2, 3),), halves=()),
    Case(
        "orthogonal batch",
        parametrized("orthogonal", lambda t: t.nn.Bilinear(2, 3, 2)),
        (normal(4, 2), normal(4, 3)),
        smooth=False,
        halves=(),
    ),
    Case("weight_norm", parametrized("weight_norm", lambda t: t.nn.Linear(3, 2)), (normal(2, 3),), second=False),
    Case("weight_norm 1", parametrized("weight_norm", lambda t: t.nn.Conv1d(2, 3, 2), dim=1), (normal(1, 2, 3),)),
    Case("weight_norm whole", parametrized("weight_norm", lambda t: t.nn.Linear(3, 2), dim=None), (normal(2, 3),)),
    Case(
        "spectral_norm",
        parametrized("spectral_norm", lambda t: t.nn.Linear(3, 2), n_power_iterations=2),
        (normal(2, 3),),
        training=False,
    ),
    Case(
        "spectral_norm transposed",
        parametrized("spectral_norm", lambda t: t.nn.ConvTranspose1d(2, 3, 2)),
        (normal(1, 2, 3),),
        training=False,
    ),
    Case(
        "spectral_norm vector", parametrized("spectral_norm", lambda t: t.nn.Linear(3, 2), name="bias"), (normal(2, 3),)
    ),
    Case("several parametrizations", chained, (normal(2, 3),), training=False),
    Case("several originals", several_originals, (normal(2, 3),)),
    Case(
        "weight_norm hook",
        hooked("weight_norm", lambda t: t.nn.Linear(3, 2)),
        (normal(2, 3),),
        second=False,
        copies=False,
    ),
    Case(
        "weight_norm hook whole",
        hooked("weight_norm", lambda t: t.nn.Linear(3, 2), dim=None),
        (normal(2, 3),),
        copies=False,
    ),
    Case(
        "spectral_norm hook",
        hooked("spectral_norm", lambda t: t.nn.Linear(3, 2), eps=1e-6),
        (normal(2, 3),),
        training=False,
        copies=False,
    ),
    Case(
        "spectral_norm hook dim",
        hooked("spectral_norm", lambda t: t.nn.Conv1d(2, 3, 2), dim=1),
        (normal(1, 2, 3),),
        training=False,
        copies=False,
    ),
    Case("prune identity", pruned("identity"), (normal(2, 4),), copies=False),
    Case("prune random", pruned("random_unstructured", 0.3), (normal(2, 4),), copies=False),
    Case("prune l1", pruned("l1_unstructured", amount=5), (normal(2, 4),), copies=False),
    Case("prune random channels", pruned("random_structured", amount=2, dim=1), (normal(2, 4),), copies=False),
    Case("prune ln channels", pruned("ln_structured", amount=0.5, n=2, dim=0), (normal(2, 4),), copies=False),
    Case("prune ln inf", pruned("ln_structured", amount=1, n=float("inf"), dim=-1), (normal(2, 4),), copies=False),
    Case("DataParallel", lambda t: t.nn.DataParallel(t.nn.Linear(3, 2)), (normal(2, 3),)),
    Case("DataParallel options", lambda t: t.nn.DataParallel(t.nn.Linear(3, 2), [0, 1], 0, 1), (uniform(0, 1, 2, 3),)),
]

REFUSALS = [
    Refusal(
        "vector_to_parameters", lambda t: t.nn.utils.vector_to_parameters([1.0], []), TypeError, "expected torch.Tensor"
    ),
    Refusal(
        "vector too short",
        lambda t: t.nn.utils.vector_to_parameters(t.ones(1), [t.nn.Parameter(t.ones(2))]),
        RuntimeError,
        "invalid for input of size 1",
    ),
    Refusal(
        "parameters not contiguous",
        lambda t: t.nn.utils.parameters_to_vector([t.ones(2, 3).T]),
        RuntimeError,
        "not compatible",
    ),
    Refusal(
        "norm not finite",
        lambda t: t.nn.utils.get_total_norm([t.tensor([float("inf")])], 2, True),
        RuntimeError,
        "is non-finite",
    ),
    Refusal("skip_init no module", lambda t: t.nn.utils.skip_init(dict), RuntimeError, "Expected a Module"),
    Refusal(
        "skip_init no device", lambda t: t.nn.utils.skip_init(t.nn.ReLU), RuntimeError, "must support a 'device' arg"
    ),
    Refusal("factory_kwargs", lambda t: t.nn.factory_kwargs({"bias": True}), TypeError, "unexpected kwargs {'bias'}"),
    Refusal(
        "factory_kwargs twice",
        lambda t: t.nn.factory_kwargs({"dtype": t.float64, "factory_kwargs": {"dtype": t.float32}}),
        TypeError,
        "dtype specified twice",
    ),
    Refusal(
        "functional_call no dict",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), 3, t.ones(2)),
        ValueError,
        "to be a dict, or a list/tuple of dicts",
    ),
    Refusal(
        "functional_call no dicts",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), [3], t.ones(2)),
        ValueError,
        "to be dictionaries",
    ),
    Refusal(
        "functional_call twice",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), ({"bias": t.ones(1)}, {"bias": t.ones(1)}), t.ones(2)),
        ValueError,
        "multiple dictionaries",
    ),
    Refusal(
        "functional_call strict",
        lambda t: t.func.functional_call(
            t.nn.Linear(2, 1), {"bias": t.ones(1), "b": t.ones(1)}, t.ones(2), strict=True
        ),
        RuntimeError,
        r"Unexpected key\(s\): 'b'.\n\tMissing key\(s\): 'weight'.",
    ),
    Refusal(
        "functional_call path",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"a.b": t.ones(1)}, t.ones(2)),
        AttributeError,
        "Linear has no attribute `a`",
    ),
    Refusal(
        "functional_call no module",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"in_features.b": t.ones(1)}, t.ones(2)),
        TypeError,
        "not an instance of torch.nn.Module",
    ),
    Refusal(
        "functional_call no tensor",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"bias": 3}, t.ones(2)),
        TypeError,
        "3 is not an instance of torch.Tensor",
    ),
    Refusal(
        "functional_call attribute",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"in_features": t.ones(1)}, t.ones(2)),
        TypeError,
        "attribute `in_features`",
    ),
    Refusal(
        "functional_call empty name",
        lambda t: t.func.functional_call(t.nn.Linear(2, 1), {"": t.ones(1)}, t.ones(2)),
        KeyError,
        "empty string",
    ),
    Refusal(
        "functional_call DataParallel",
        lambda t: t.func.functional_call(t.nn.DataParallel(t.nn.Linear(2, 1)), {}, t.ones(2)),
        RuntimeError,
        "nn.DataParallel module",
    ),
    Refusal("stack nothing", lambda t: t.func.stack_module_state([]), RuntimeError, "at least one model"),
    Refusal(
        "stack modes",
        lambda t: t.func.stack_module_state([t.nn.Linear(2, 1), t.nn.Linear(2, 1).eval()]),
        RuntimeError,
        "same training/eval mode",
    ),
    Refusal(
        "stack classes",
        lambda t: t.func.stack_module_state([t.nn.Linear(2, 1), t.nn.ReLU()]),
        RuntimeError,
        "same class",
    ),
    Refusal(
        "stack requires_grad",
        lambda t: t.func.stack_module_state([t.nn.Linear(2, 1), t.nn.Linear(2, 1).requires_grad_(False)]),
        RuntimeError,
        "same .requires_grad",
    ),
    Refusal(
        "parametrization name",
        lambda t: t.nn.utils.parametrize.register_parametrization(t.nn.Linear(2, 2), "w", t.nn.ReLU()),
        ValueError,
        "does not have a parameter, a buffer",
    ),
    Refusal(
        "parametrization shape", lambda t: _register(t, lambda self, x: x[0]), ValueError, "may not change the shape"
    ),
    Refusal(
        "parametrization dtype",
        lambda t: _register(t, lambda self, x: x.double()),
        ValueError,
        "may not change the dtype",
    ),
    Refusal(
        "parametrization no tensor",
        lambda t: _register(t, lambda self, x: 3),
        ValueError,
        "must return a tensor. Got int",
    ),
    Refusal(
        "inverse no tensor",
        lambda t: _register(t, lambda self, x: x, lambda self, x: 3),
        ValueError,
        "must return a Tensor or a Sequence",
    ),
    Refusal(
        "inverse element",
        lambda t: _register(t, lambda self, x: x, lambda self, x: (x, 3)),
        ValueError,
        "Got element 1",
    ),
    Refusal(
        "inverse dtype",
        lambda t: _register(t, lambda self, x: x, lambda self, x: x.double()),
        ValueError,
        "may not change the dtype.\noriginal.dtype",
    ),
    Refusal(
        "no inverse",
        lambda t: setattr(_register(t, lambda self, x: x), "weight", t.ones(2, 2)),
        RuntimeError,
        "does not implement right_inverse",
    ),
    Refusal(
        "no parametrizations",
        lambda t: t.nn.utils.parametrize.ParametrizationList([], t.ones(2)),
        ValueError,
        "one or more modules",
    ),
    Refusal(
        "remove nothing",
        lambda t: t.nn.utils.parametrize.remove_parametrizations(t.nn.Linear(2, 2), "weight"),
        ValueError,
        "does not have a parametrization on weight",
    ),
    Refusal(
        "remove several originals",
        lambda t: t.nn.utils.parametrize.remove_parametrizations(
            several_originals(t), "weight", leave_parametrized=False
        ),
        ValueError,
        "sequence of tensors",
    ),
    Refusal(
        "orthogonal name",
        lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), "w"),
        ValueError,
        "no parameter or buffer",
    ),
    Refusal(
        "orthogonal vector",
        lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), "bias"),
        ValueError,
        "Got a tensor of 1 dimensions",
    ),
    Refusal(
        "orthogonal map",
        lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), "weight", "qr"),
        ValueError,
        "Got: qr",
    ),
    Refusal(
        "orthogonal complex",
        lambda t: t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2).to(t.complex64), "weight", "householder"),
        ValueError,
        "does not support complex",
    ),
    Refusal(
        "orthogonal shape",
        lambda t: setattr(t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2)), "weight", t.ones(3, 2)),
        ValueError,
        "Expected a matrix or batch of matrices of shape",
    ),
    Refusal(
        "orthogonal assignment",
        lambda t: setattr(
            t.nn.utils.parametrizations.orthogonal(t.nn.Linear(2, 2), use_trivialization=False), "weight", t.ones(2, 2)
        ),
        NotImplementedError,
        "not possible to assign",
    ),
    Refusal(
        "spectral_norm name",
        lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), "w"),
        ValueError,
        "no parameter or buffer",
    ),
    Refusal(
        "spectral_norm dim",
        lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), dim=2),
        IndexError,
        "Dimension out of range",
    ),
    Refusal(
        "spectral_norm steps",
        lambda t: t.nn.utils.parametrizations.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
        ValueError,
        "to be positive",
    ),
    Refusal(
        "weight_norm hook twice",
        lambda t: t.nn.utils.weight_norm(t.nn.utils.weight_norm(t.nn.Linear(2, 2))),
        RuntimeError,
        "Cannot register two weight_norm hooks",
    ),
    Refusal(
        "weight_norm hook lazy",
        lambda t: t.nn.utils.weight_norm(t.nn.LazyLinear(2)),
        ValueError,
        "can't have uninitialized parameters",
    ),
    Refusal(
        "weight_norm hook missing",
        lambda t: t.nn.utils.remove_weight_norm(t.nn.Linear(2, 2)),
        ValueError,
        "weight_norm of 'weight' not found",
    ),
    Refusal(
        "spectral_norm hook twice",
        lambda t: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(t.nn.Linear(2, 2))),
        RuntimeError,
        "Cannot register two spectral_norm hooks",
    ),
    Refusal(
        "spectral_norm hook lazy",
        lambda t: t.nn.utils.spectral_norm(t.nn.LazyLinear(2)),
        ValueError,
        "can't have uninitialized parameters",
    ),
    Refusal(
        "spectral_norm hook None",
        lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2, bias=False), "bias"),
        ValueError,
        "is None",
    ),
    Refusal(
        "spectral_norm hook steps",
        lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
        ValueError,
        "to be positive",
    ),
    Refusal(
        "spectral_norm hook missing",
        lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(2, 2)),
        ValueError,
        "spectral_norm of 'weight' not found",
    ),
    Refusal("prune amount type", lambda t: prune(t).L1Unstructured("a"), TypeError, "Invalid type for amount"),
    Refusal("prune amount fraction", lambda t: prune(t).RandomUnstructured(1.5), ValueError, "amount=1.5"),
    Refusal("prune amount negative", lambda t: prune(t).LnStructured(-1, 2), ValueError, "amount=-1"),
    Refusal(
        "prune too many",
        lambda t: prune(t).l1_unstructured(t.nn.Linear(2, 2), "weight", 5),
        ValueError,
        "amount=5 should be smaller",
    ),
    Refusal(
        "prune vector",
        lambda t: prune(t).random_structured(t.nn.Linear(2, 2), "bias", 1, 0),
        ValueError,
        "multidimensional",
    ),
    Refusal(
        "prune dim",
        lambda t: prune(t).ln_structured(t.nn.Linear(2, 2), "weight", 1, 2, 2),
        IndexError,
        "Invalid index 2",
    ),
    Refusal(
        "prune mask",
        lambda t: prune(t).custom_from_mask(t.nn.Linear(2, 2), "weight", t.ones(2)),
        AssertionError,
        "must match",
    ),
    Refusal(
        "prune scores",
        lambda t: prune(t).l1_unstructured(t.nn.Linear(2, 2), "weight", 1, t.ones(2)),
        AssertionError,
        "importance_scores should have the same shape",
    ),
    Refusal(
        "prune tensor scores",
        lambda t: prune(t).L1Unstructured(1).prune(t.ones(2), importance_scores=t.ones(3)),
        AssertionError,
        "importance_scores should have the same shape",
    ),
    Refusal("prune remove", lambda t: prune(t).remove(t.nn.Linear(2, 2), "weight"), ValueError, "has to be pruned"),
    Refusal(
        "prune globally nothing",
        lambda t: prune(t).global_unstructured(3, prune(t).L1Unstructured, amount=1),
        TypeError,
        "not an Iterable",
    ),
    Refusal(
        "prune globally scores",
        lambda t: prune(t).global_unstructured([], prune(t).L1Unstructured, importance_scores=[1], amount=1),
        TypeError,
        "must be of type dict",
    ),
    Refusal(
        "prune globally channels",
        lambda t: prune(t).global_unstructured([(t.nn.Linear(2, 2), "weight")], prune(t).RandomStructured, amount=1),
        TypeError,
        'Only "unstructured"',
    ),
    Refusal("prune abstract", lambda t: prune(t).BasePruningMethod(), TypeError, "abstract"),
    Refusal(
        "container member",
        lambda t: prune(t).PruningContainer().add_pruning_method(3),
        TypeError,
        "is not a BasePruningMethod subclass",
    ),
    Refusal(
        "parallel_apply inputs",
        lambda t: t.nn.parallel.parallel_apply([t.nn.ReLU()], []),
        AssertionError,
        "number of modules 1 is not equal",
    ),
    Refusal(
        "gather dictionaries",
        lambda t: t.nn.parallel.gather([{"a": None}, {}], "cpu"),
        ValueError,
        "same number of keys",
    ),
]
