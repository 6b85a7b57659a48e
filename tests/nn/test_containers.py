"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as torch
import rushlight.nn as nn


def flats(*starts: int) -> list[nn.Module]:
    return [nn.Flatten(start) for start in starts]


def starts(modules: Any) -> list[int]:
    return [module.start_dim for module in modules]


def sequence(*values: int) -> nn.Sequential:
    return nn.Sequential(*flats(*values))


def grown(container: Any, change: Callable[[Any], Any]) -> Any:
    change(container)
    return container


def replaced(modules: Any, index: int, module: Any) -> Any:
    modules[index] = module
    return modules


def without(container: Any, key: Any) -> Any:
    del container[key]
    return container


ORDERED: list[tuple[str, Callable[[], Any], list[int]]] = [
    ("sequence", lambda: sequence(1, 2, 3), [1, 2, 3]),
    ("named", lambda: nn.Sequential(OrderedDict(a=nn.Flatten(4))), [4]),
    ("slice", lambda: sequence(1, 2, 3)[1:], [2, 3]),
    ("append", lambda: sequence(1).append(nn.Flatten(2)), [1, 2]),
    ("extend", lambda: sequence(1).extend(flats(2, 3)), [1, 2, 3]),
    ("insert", lambda: sequence(1, 2).insert(1, nn.Flatten(9)), [1, 9, 2]),
    ("insert at the end", lambda: sequence(1, 2).insert(2, nn.Flatten(9)), [1, 2, 9]),
    ("insert from the end", lambda: sequence(1, 2).insert(-1, nn.Flatten(9)), [1, 9, 2]),
    ("replace", lambda: replaced(sequence(1, 2), -1, nn.Flatten(9)), [1, 9]),
    ("delete", lambda: without(sequence(1, 2, 3), 0), [2, 3]),
    ("delete slice", lambda: without(sequence(1, 2, 3), slice(None, None, 2)), [2]),
    ("pop", lambda: grown(sequence(1, 2), lambda s: s.pop(0)), [2]),
    ("add", lambda: sequence(1) + sequence(2), [1, 2]),
    ("add itself", lambda: grown(sequence(1, 2), lambda s: s.__iadd__(s)), [1, 2, 1, 2]),
    ("times", lambda: sequence(1, 2) * 2, [1, 2, 1, 2]),
    ("times, reflected", lambda: 2 * sequence(1), [1, 1]),
    ("times, in place", lambda: grown(sequence(1, 2), lambda s: s.__imul__(3)), [1, 2, 1, 2, 1, 2]),
    ("list", lambda: nn.ModuleList(flats(1, 2)), [1, 2]),
    ("list slice", lambda: nn.ModuleList(flats(1, 2, 3))[::2], [1, 3]),
    ("list append", lambda: nn.ModuleList(flats(1)).append(nn.Flatten(2)), [1, 2]),
    ("list extend", lambda: nn.ModuleList(flats(1)).extend(flats(2)), [1, 2]),
    ("list extend itself", lambda: grown(nn.ModuleList(flats(1)), lambda m: m.extend(m)), [1, 1]),
    ("list insert", lambda: grown(nn.ModuleList(flats(1, 2)), lambda m: m.insert(0, nn.Flatten(9))), [9, 1, 2]),
    ("list replace", lambda: replaced(nn.ModuleList(flats(1, 2)), 0, nn.Flatten(9)), [9, 2]),
    ("list delete", lambda: without(nn.ModuleList(flats(1, 2, 3)), -2), [1, 3]),
    ("list delete slice", lambda: without(nn.ModuleList(flats(1, 2, 3)), slice(1, None)), [1]),
    ("list add", lambda: nn.ModuleList(flats(1)) + flats(2), [1, 2]),
]


@pytest.mark.parametrize(("build", "expected"), [o[1:] for o in ORDERED], ids=[o[0] for o in ORDERED])
def test_modules_stand_in_order_and_are_numbered(build: Callable[[], Any], expected: list[int]) -> None:
    modules = build()
    assert starts(modules) == expected and len(modules) == len(expected)
    assert modules[-1].start_dim == expected[-1]
    if next(iter(modules._modules)) == "0":
        assert list(modules._modules) == [str(i) for i in range(len(expected))]
        assert not any(name.isdigit() for name in dir(modules))


REFUSALS: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("index", lambda: sequence(1)[1], IndexError, "index 1 is out of range"),
    ("index below", lambda: sequence(1)[-2], IndexError, "index -2 is out of range"),
    ("index type", lambda: sequence(1)["0"], TypeError, "cannot be interpreted as an integer"),
    ("insert index", lambda: sequence(1).insert(3, nn.Flatten()), IndexError, "Index out of range: 3"),
    ("insert type", lambda: sequence(1).insert(0, 3), AssertionError, "module should be of type: <class"),
    ("add", lambda: sequence(1) + [1], ValueError, "supports only objects of Sequential class, but <class 'list'>"),  # noqa: RUF005
    ("add in place", lambda: sequence(1).__iadd__([1]), ValueError, "supports only objects of Sequential class"),
    ("times nothing", lambda: sequence(1) * 0, ValueError, "Non-positive multiplication factor 0"),
    ("times text", lambda: sequence(1) * "a", TypeError, r"unsupported operand type\(s\) for \*"),
    ("no module", lambda: nn.Sequential(3), TypeError, "int is not a Module subclass"),
    ("list index", lambda: nn.ModuleList(flats(1))[5], IndexError, "index 5 is out of range"),
    (
        "list extend",
        lambda: nn.ModuleList(3),
        TypeError,
        "ModuleList.extend should be called with an iterable, but got int",
    ),
    ("list call", lambda: nn.ModuleList()(1), NotImplementedError, r"Module \[ModuleList\] is missing the required"),
    ("dict update", lambda: nn.ModuleDict(3), TypeError, "ModuleDict.update should be called with an iterable"),
    ("dict pair", lambda: nn.ModuleDict([3]), TypeError, "update sequence element #0 should be Iterable; isint"),
    ("dict triple", lambda: nn.ModuleDict([[1, 2, 3]]), ValueError, "element #0 has length 3; 2 is required"),
    ("dict value", lambda: nn.ModuleDict({"a": 3}), TypeError, "int is not a Module subclass"),
    ("parameters", lambda: nn.ParameterList(3), TypeError, "ParameterList.extend should be called with an iterable"),
    ("parameter tensor", lambda: nn.ParameterList(torch.ones(2)), TypeError, "with an iterable, but got Tensor"),
    ("parameters index", lambda: nn.ParameterList()[0], IndexError, "index 0 is out of range"),
    ("parameters call", lambda: nn.ParameterList()(), RuntimeError, "ParameterList should not be called."),
    ("parameters by key", lambda: nn.ParameterDict(3), TypeError, "ParametersDict.update should be called with"),
    ("parameter key", lambda: nn.ParameterDict({3: 1}), TypeError, r"not a string \(type is 'int'\)"),
    ("parameter pair", lambda: nn.ParameterDict([3]), TypeError, "ParameterDict update sequence element #0 should be"),
    ("parameter popitem", lambda: nn.ParameterDict().popitem(), KeyError, "dictionary is empty"),
    ("parameter dict call", lambda: nn.ParameterDict()(1), RuntimeError, "ParameterDict should not be called."),
]


@pytest.mark.parametrize(("action", "kind", "text"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_refuses_with_pytorch_s_words(action: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        action()


def test_a_sequence_computes_one_after_the_other() -> None:
    assert nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Flatten(0, 1))(torch.ones(4, 6)).shape == (8, 3)
    assert nn.Sequential()(7) == 7


def test_a_module_list_prints_equal_neighbours_once() -> None:
    modules = nn.ModuleList([*flats(1, 1, 1), nn.Sequential(nn.Flatten()), nn.Flatten()])
    assert repr(modules) == (
        "ModuleList(\n"
        "  (0-2): 3 x Flatten(start_dim=1, end_dim=-1)\n"
        "  (3): Sequential(\n"
        "    (0): Flatten(start_dim=1, end_dim=-1)\n"
        "  )\n"
        "  (4): Flatten(start_dim=1, end_dim=-1)\n"
        ")"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_a_module_dict_is_a_dictionary() -> None:
    modules = nn.ModuleDict({"b": nn.Flatten(1), "a": nn.Flatten(2)})
    modules["c"] = nn.Flatten(3)
    modules.update([["d", nn.Flatten(4)]])
    modules.update(nn.ModuleDict({"a": nn.Flatten(5)}))
    assert list(modules) == list(modules.keys()) == ["b", "a", "c", "d"] and starts(modules.values()) == [1, 5, 3, 4]
    assert [key for key, _ in modules.items()] == ["b", "a", "c", "d"]
    assert modules.pop("b").start_dim == 1 and "b" not in modules and len(modules) == 3
    del modules["d"]
    with pytest.raises(KeyError):
        modules["d"]
    modules.clear()
    assert not len(modules)


def test_a_parameter_list_makes_parameters_of_tensors() -> None:
    params = nn.ParameterList([torch.ones(1), "text"])
    params += [torch.ones(2)]
    params[0] = torch.zeros(3)
    assert isinstance(params[0], nn.Parameter) and params[1] == "text" and len(params[1:]) == 2
    assert [name for name, _ in params.named_parameters()] == ["0", "2"] and list(params)[1] == "text"
    assert repr(params) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [torch.float32 of size 3]\n"
        "    (1): Object of type: str\n"
        "    (2): Parameter containing: [torch.float32 of size 2]\n"
        ")"
    )


def test_a_parameter_dict_is_a_dictionary() -> None:
    params = nn.ParameterDict({"b": torch.ones(1), "a": torch.ones(2)})
    assert list(params) == ["a", "b"] and list(reversed(params)) == ["b", "a"]
    assert isinstance(params["a"], nn.Parameter) and params.get("z", 3) == 3 and params.setdefault("y", 7) == 7
    assert params.popitem() == ("y", 7)
    other = nn.ParameterDict(OrderedDict(d=torch.ones(1), c=torch.ones(1)))
    assert list(params | other) == ["a", "b", "d", "c"] and list(other | params) == ["d", "c", "a", "b"]
    params |= other
    assert list(params.copy()) == ["a", "b", "d", "c"] and list(params.fromkeys(["q"], 1).items()) == [("q", 1)]
    assert params.pop("a").shape == (2,) and len(list(params.values())) == 3
    assert repr(params) == (
        "ParameterDict(\n"
        "    (b): Parameter containing: [torch.FloatTensor of size 1]\n"
        "    (d): Parameter containing: [torch.FloatTensor of size 1]\n"
        "    (c): Parameter containing: [torch.FloatTensor of size 1]\n"
        ")"
    )
    params.clear()
    assert not params.keys()


def test_container_is_deprecated() -> None:
    with pytest.warns(FutureWarning, match="`nn.Container` is deprecated"):
        held = nn.Container(a=nn.Flatten())
    assert list(held._modules) == ["a"]
