"""What PyTorch 2.13 has and Rushlight lacks: `python tools/coverage_of_torch.py [NAMESPACE …]`, with PyTorch installed.

For each namespace: the public names that are missing, and for those that are there the parameters, their order and
defaults; of classes also the public methods and theirs. What is left out on purpose stands in `tools/not_covered.toml`,
each with its reason; an entry there that has become superfluous is reported too. Exit status 1 where something is
missing.

A function written in C++ has no signature that Python can ask for; its parameters are then those of PyTorch's operator
schema of that name.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# PyTorch's front door and its Tensor come first, under their own names; the rest are its submodules.
NAMESPACES = (
    "torch",
    "Tensor",
    "accelerator",
    "amp",
    "autograd",
    "autograd.forward_ad",
    "autograd.functional",
    "autograd.grad_mode",
    "autograd.gradcheck",
    "autograd.graph",
    "autograd.profiler",
    "backends.cpu",
    "backends.cuda",
    "backends.mkl",
    "backends.mkldnn",
    "backends.openmp",
    "compiler",
    "cpu",
    "cuda",
    "distributions",
    "distributions.constraints",
    "distributions.kl",
    "distributions.transforms",
    "distributions.utils",
    "fft",
    "func",
    "functional",
    "futures",
    "hub",
    "jit",
    "linalg",
    "masked",
    "multiprocessing",
    "nn",
    "nn.attention",
    "nn.attention.bias",
    "nn.attention.flex_attention",
    "nn.functional",
    "nn.grad",
    "nn.init",
    "nn.modules",
    "nn.parallel",
    "nn.parameter",
    "nn.utils",
    "nn.utils.clip_grad",
    "nn.utils.convert_parameters",
    "nn.utils.fusion",
    "nn.utils.init",
    "nn.utils.memory_format",
    "nn.utils.parametrizations",
    "nn.utils.parametrize",
    "nn.utils.prune",
    "nn.utils.rnn",
    "nn.utils.stateless",
    "optim",
    "optim.lr_scheduler",
    "optim.optimizer",
    "optim.swa_utils",
    "overrides",
    "profiler",
    "quasirandom",
    "random",
    "return_types",
    "serialization",
    "signal.windows",
    "sparse",
    "special",
    "storage",
    "testing",
    "types",
    "utils",
    "utils.benchmark",
    "utils.checkpoint",
    "utils.data",
    "utils.data.dataloader",
    "utils.data.dataset",
    "utils.data.distributed",
    "utils.data.sampler",
    "utils.dlpack",
    "version",
)

_EXCEPTIONS = Path(__file__).with_name("not_covered.toml")


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Parameter(NamedTuple):
    name: str
    kind: Any
    default: Any


def exceptions() -> dict[str, str]:
    """What is left out on purpose: `namespace.name` or `namespace.name(parameter)`, and why."""
    return {
        entry: group["reason"]
        for group in tomllib.loads(_EXCEPTIONS.read_text())["left_out"]
        for entry in group["names"]
    }


def public_names(module: ModuleType) -> list[str]:
    """A namespace's `__all__`, else its names without a leading underscore that are its own.

    The front door lists some of its names only: all count, and its submodules.
    """
    listed = getattr(module, "__all__", None)
    if module.__name__ == "torch":
        # PyTorch imports this one when first named: it is to be seen whatever ran before.
        importlib.import_module("torch.onnx")
        names = [n for n in dir(module) if n[0] != "_"]
        own = [n for n in names if getattr(getattr(module, n), "__name__", "").startswith("torch.")]
        listed = {*listed, *_own_names(module), *own}  # type: ignore[misc]
    return sorted(_own_names(module) if listed is None else {n for n in listed if not n.startswith("__")})


def _own_names(module: ModuleType) -> list[str]:
    names = []
    for name in dir(module):
        thing = getattr(module, name)
        home = getattr(thing, "__module__", None) or ""
        foreign = home.partition(".")[0] in ("typing", "collections", "typing_extensions", "abc", "enum", "__future__")
        if not name.startswith("_") and not isinstance(thing, ModuleType) and not foreign:
            names.append(name)
    return names


def _members(tensor: type) -> list[str]:
    """The public names of a class."""
    return [n for n in dir(tensor) if not n.startswith("_")]


def parameters(thing: Any, where: str) -> list[list[Parameter]]:
    """The parameters of a callable without the object it belongs to, in each of its forms; none where nothing tells."""
    try:
        listed = _listed(thing)
    except (TypeError, ValueError):
        return _schemas(where)
    if listed and all(p.kind in _VARIADIC for p in listed):
        # PyTorch chooses between two functions by an argument; the signature is on a private twin.
        name = where.rpartition(".")[2]
        home = getattr(thing, "__module__", "") or ""
        twin = getattr(sys.modules.get(home), f"_{name}", None) if home.startswith("torch") else None
        return [] if twin is None else parameters(twin, where)
    return [[p for p in listed if p.name != "self"]]


def _listed(thing: Any) -> list[Parameter]:
    return [Parameter(p.name, p.kind, p.default) for p in inspect.signature(thing).parameters.values()]


def _schemas(where: str) -> list[list[Parameter]]:
    """The parameters of PyTorch's operators of that name, those with an `out` left out."""
    import torch

    space, _, name = where.rpartition(".")
    if space in ("linalg", "fft", "special"):
        name = f"{space}_{name}"
    found = []
    empty = inspect.Parameter.empty
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        if "out" in schema.overload_name.split("_") or "name" in schema.overload_name.lower():
            continue
        # The operator's `self` is the function's `input`; an empty list is its way to say that none is given.
        found.append(
            [
                Parameter(
                    "input" if a.name == "self" else a.name,
                    kinds[a.kwarg_only],
                    (None if a.default_value == [] else a.default_value) if a.has_default_value() else empty,
                )
                for a in schema.arguments
            ]
        )
    return found


def _same_default(ours: Any, theirs: Any) -> bool:
    if ours is theirs or callable(theirs) or callable(ours):
        return True
    # Enumerations, dtypes and other objects of the libraries are compared by what they print.
    if type(theirs).__name__ == "Generator":
        return type(ours).__name__ == "Generator"
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):  # a Size among them
        return list(ours) == list(theirs)
    if isinstance(theirs, enum.Enum) or type(theirs).__module__.startswith("torch"):
        return repr(ours).replace("rushlight.", "torch.") == repr(theirs)
    if isinstance(theirs, list | tuple) and isinstance(ours, int):
        return all(t == ours for t in theirs)
    numbers = isinstance(theirs, int | float) and isinstance(ours, int | float)
    return (numbers or type(theirs) is type(ours)) and bool(ours == theirs)


def _unsaid(parameter: Parameter, ours: Any) -> bool:
    """Whether PyTorch's schema says of a default only that it is the usual one, or gives its number."""
    if parameter.default is None:
        return ours in (False, ()) or parameter.name in ("memory_format", "dtype", "device", "layout")
    return parameter.name in ("dtype", "memory_format") and isinstance(parameter.default, int)


def compare_parameters(where: str, ours: Any, theirs: Any) -> list[str]:
    """The differences between two callables' parameters, one line each; of PyTorch's forms the closest counts."""
    forms, ours_forms = parameters(theirs, where), parameters(ours, where)
    if not forms or not ours_forms:
        return []
    found = ours_forms[0]
    if where.startswith("Tensor."):
        # The tensor itself, under whichever name.
        forms = [[p for p in form if p.name != "input"] for form in forms]
        found = _listed(ours)[1:]
    return min((list(_differences(where, found, form)) for form in forms), key=len)


def _differences(where: str, found: list[Parameter], expected: list[Parameter]) -> Iterator[str]:
    by_name = {p.name: p for p in found}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)
    # `zeros(2, 3)` beside `zeros((2, 3))`.
    spread = {p.name for p in found if p.kind is inspect.Parameter.VAR_POSITIONAL}
    for p in expected:
        if p.kind in _VARIADIC or p.name.startswith("_") or p.name in spread:
            continue
        if p.name not in by_name:
            if not takes_any:
                yield f"{where}({p.name}): parameter missing"
        elif p.default is not inspect.Parameter.empty:
            ours = by_name[p.name].default
            if ours is inspect.Parameter.empty:
                yield f"{where}({p.name}): needs a default, {p.default!r}"
            elif not _same_default(ours, p.default) and not _unsaid(p, ours):
                yield f"{where}({p.name}): default {ours!r}, expected {p.default!r}"
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    order = [p.name for p in expected if p.kind in positional and p.name in by_name and p.name not in spread]
    ours_order = [p.name for p in found if p.kind in positional and p.name in set(order)]
    if order[: len(ours_order)] != ours_order or len(ours_order) < len(order):
        yield f"{where}: parameters in the order {ours_order}, expected {order}"
    known = {p.name for p in expected}
    if not any(p.kind in _VARIADIC for p in expected):
        for p in found:
            if p.default is inspect.Parameter.empty and p.kind not in _VARIADIC and p.name not in known:
                yield f"{where}({p.name}): PyTorch has no such required parameter"


def compare_class(where: str, ours: type, theirs: type) -> Iterator[str]:
    """The differences between two classes: the constructor's parameters, the public methods and theirs."""
    import torch
    from torch.autograd.function import FunctionCtx

    # `FloatTensor` makes a Tensor, which is compared itself; what stands for a device that is not there only refuses.
    if type(theirs).__name__ == "tensortype" or where.startswith("cuda."):
        return
    if issubclass(theirs, enum.Enum):
        missing = set(theirs.__members__) - set(getattr(ours, "__members__", ()))
        yield from (f"{where}.{name}: missing" for name in sorted(missing))
        return
    yield from compare_parameters(where, ours, theirs)
    for name, method in inspect.getmembers(theirs, callable):
        home = getattr(method, "__module__", "") or ""
        if name.startswith("_") or inspect.isclass(method) or not home.startswith("torch."):
            continue
        # What a Parameter inherits belongs to Tensor, what a Function inherits to the ctx.
        inherited = next((base for base in (torch.Tensor, FunctionCtx) if issubclass(theirs, base)), None)
        if getattr(inherited, name, None) == method:
            continue
        if not hasattr(ours, name):
            yield f"{where}.{name}: missing"
        else:
            yield from compare_parameters(f"{where}.{name}", getattr(ours, name), method)


def _front_door(name: str) -> Any:
    return importlib.import_module(name)


def compare(space: str, seen: set[int]) -> Iterator[str]:
    """What one namespace lacks, one line each; what another namespace showed before is not compared again."""
    theirs: Any
    ours: Any
    if space == "Tensor":
        theirs, ours = _front_door("torch").Tensor, _front_door("rushlight").Tensor
    else:
        theirs = _front_door("torch") if space == "torch" else importlib.import_module(f"torch.{space}")
        try:
            ours = _front_door("rushlight") if space == "torch" else importlib.import_module(f"rushlight.{space}")
        except ImportError:
            yield f"{space}: missing"
            return
    for name in _members(theirs) if space == "Tensor" else public_names(theirs):
        where = f"{space}.{name}"
        if not hasattr(ours, name):
            yield f"{where}: missing"
            continue
        a, b = getattr(ours, name), getattr(theirs, name)
        if id(b) in seen:
            continue
        seen.add(id(b))
        if inspect.isclass(b):
            if inspect.isclass(a):
                yield from compare_class(where, a, b)
            elif not callable(a):
                yield f"{where}: is no class"
        elif callable(b):
            yield from compare_parameters(where, a, b)


def _owners(place: str) -> Iterator[str]:
    """A name and those of the classes and namespaces that it is in."""
    while place:
        yield place
        place = place.rpartition(".")[0]


def report(spaces: tuple[str, ...]) -> list[str]:
    """Every difference that is not left out on purpose, and every exception that no difference needs."""
    left_out = exceptions()
    lines: list[str] = []
    used: set[str] = set()
    seen: set[int] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for space in spaces:
            for line in compare(space, seen):
                place = line.partition(":")[0]
                owner = place.partition("(")[0]
                entry = next((e for e in (place, *_owners(owner)) if e in left_out), None)
                if entry is None:
                    lines.append(line)
                else:
                    used.add(entry)
    if spaces == NAMESPACES:
        lines += [f"{entry}: listed in {_EXCEPTIONS.name}, and not missing" for entry in left_out if entry not in used]
    return list(dict.fromkeys(lines))


if __name__ == "__main__":
    missing = report(tuple(sys.argv[1:]) or NAMESPACES)
    print("\n".join(missing) or "Nothing is missing.")
    sys.exit(bool(missing))
