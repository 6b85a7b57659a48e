"""compile, jit and compiler: what is handed back, what is refused, and that it is said."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import rushlight as torch
from rushlight import compiler


def double(x: Any) -> Any:
    return x * 2


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "_warned", set())


def test_the_first_call_says_that_nothing_is_compiled() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            torch.compile(double)
            torch.jit.script(double)
            torch.jit.trace(double, torch.ones(1))
    said = [str(w.message).partition(":")[0] for w in caught]
    assert said == ["torch.compile", "torch.jit.script", "torch.jit.trace"]
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore:torch:UserWarning")
def test_what_is_given_comes_back() -> None:
    layer = torch.nn.Linear(2, 1)
    assert torch.compile(layer) is layer
    assert torch.compile(mode="reduce-overhead")(double) is double
    assert torch.compile(double, backend="eager", dynamic=True, fullgraph=True) is double
    assert torch.compile(double, backend=lambda graph, inputs: graph) is double
    assert torch.jit.script(layer) is layer
    assert torch.jit.trace(layer, torch.ones(1, 2)) is layer
    assert torch.jit.trace(layer.forward, torch.ones(1, 2)) is layer
    assert torch.jit.trace_module(layer, {"forward": torch.ones(1, 2)}) is layer
    assert torch.jit.freeze(torch.jit.optimize_for_inference(layer.eval())) is layer
    assert isinstance(layer, torch.jit.ScriptModule)
    assert not isinstance(torch.nn.Linear(2, 1), torch.jit.ScriptModule)
    assert isinstance(torch.jit.script(double), torch.jit.ScriptFunction)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert torch.compiler.disable(double) is double
    assert torch.compiler.allow_in_graph([double]) == [double]
    assert (torch.compiler.is_compiling(), torch.jit.is_scripting(), torch.jit.is_tracing()) == (False, False, False)


@pytest.mark.filterwarnings("ignore:torch:UserWarning")
def test_tracing_runs_the_function_as_pytorch_does() -> None:
    seen = []

    def noisy(x: Any) -> Any:
        seen.append(torch.jit.is_tracing())
        return x + torch.rand(1)

    torch.manual_seed(0)
    with pytest.warns(torch.jit.TracerWarning, match="does not match the corresponding output"):
        torch.jit.trace(noisy, torch.ones(1))
    # Four draws, as PyTorch's check takes.
    assert seen == [True, True, False, False]
    torch.manual_seed(0)
    expected = torch.rand(5)[4]
    torch.manual_seed(0)
    with warnings.catch_warnings(action="ignore"):
        torch.jit.trace(noisy, torch.ones(1))
    assert torch.rand(1).item() == expected.item()


@pytest.mark.filterwarnings("ignore:torch:UserWarning")
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: torch.compile(double, mode="fast"), RuntimeError, "Unrecognized mode=fast, should be one of: default"),
        (lambda: torch.compile(double, backend="gpu"), RuntimeError, "Invalid backend: 'gpu'"),
        (lambda: torch.compile(double, mode="default", options={}), RuntimeError, "Either mode or options can be"),
        (lambda: torch.compile(3), AssertionError, "A callable function is expected, but <class 'int'>"),
        (lambda: torch.compiler.set_stance("default2"), RuntimeError, "unknown stance"),
        (lambda: torch.compiler.set_stance("force_eager", force_backend="eager"), RuntimeError, "non-default stance"),
        (lambda: torch.compiler.disable(3), AssertionError, "fn must be callable"),
        (lambda: torch.jit.script(3), TypeError, "is a built-in class"),
        (lambda: torch.jit.trace(3, torch.ones(1)), RuntimeError, "Could not get name of python class object"),
        (lambda: torch.jit.trace(lambda x: 3, torch.ones(1)), RuntimeError, "Only tensors, lists, tuples of tensors"),
        (lambda: torch.jit.trace(lambda x: [x], torch.ones(1)), RuntimeError, "Encountering a list at the output"),
        (lambda: torch.jit.trace_module(3, {}), AttributeError, "expected torch.nn.Module as the first argument"),
        (lambda: torch.jit.trace_module(torch.nn.ReLU(), 3), AttributeError, "expected a dictionary of"),
        (lambda: torch.jit.freeze(torch.nn.ReLU()), RuntimeError, "expects a ScriptModule as input"),
        (lambda: torch.jit.freeze(torch.jit.script(torch.nn.ReLU())), RuntimeError, "only implemented for modules in"),
        (lambda: torch.jit.save(torch.nn.ReLU(), "x"), RuntimeError, "can't write a TorchScript archive"),
        (lambda: torch.jit.load("/nowhere"), ValueError, "/nowhere does not exist"),
        (lambda: torch.jit.load(__file__), RuntimeError, "doesn't run TorchScript"),
        (lambda: torch.jit.ignore(3), RuntimeError, "must be a bool or a function but got 3"),
        (lambda: torch.jit.interface(3), RuntimeError, "interface must be applied to a class"),
        (lambda: torch.jit.CompilationUnit("def f(): pass"), RuntimeError, "doesn't compile TorchScript source"),
    ],
)
def test_misuse(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_types_of_values() -> None:
    known = [
        ([1], list[int], True), (["a"], list[int], False), ((1, "a"), tuple[int, str], True), (3, (str, int), True),
        ({"a": 1}, dict[str, int], True), ({"a": "b"}, dict[str, int], False), (None, int | None, True), (3.0, int, False),
    ]  # fmt: skip
    for value, kind, expected in known:
        assert torch.jit.isinstance(value, kind) is expected


def test_stances_nest() -> None:
    with torch.compiler.set_stance("force_eager"):
        assert compiler._stance == ["force_eager"]

        @torch.compiler.set_stance("fail_on_recompile")
        def inner() -> list[str]:
            return list(compiler._stance)

        assert inner() == ["fail_on_recompile"]
        assert compiler._stance == ["force_eager"]
    assert compiler._stance == ["default"]


def test_functions_of_arrays_become_functions_of_tensors() -> None:
    import numpy as np

    wrapped = torch.compiler.wrap_numpy(lambda x, scale: {"sum": np.sum(x * scale)[None], "rows": [x]})
    found = wrapped(torch.ones(3), scale=2.0)
    assert found["sum"].tolist() == [6.0]
    assert found["rows"][0].tolist() == [1.0, 1.0, 1.0]
