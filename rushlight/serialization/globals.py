"""The names in a checkpoint's pickle stream: PyTorch's, whichever library wrote it."""

from __future__ import annotations

import importlib
from typing import Any

from rushlight import dtypes

__all__ = ["GlobalName", "class_name", "find_class", "global_name", "storage_dtype"]


class GlobalName:
    """A name that the pickler writes as a global without importing what it names."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *args: Any) -> Any:
        """Never runs: the pickler only asks that what rebuilds an object can be called."""
        raise TypeError(f"{self.module}.{self.name} is a name to write, not a function to call")


_names: dict[tuple[str, str], GlobalName] = {}


def global_name(module: str, name: str) -> GlobalName:
    """The one GlobalName of a name, so that the pickler's memo finds it again."""
    key = (module, name)
    found = _names.get(key)
    if found is None:
        found = _names[key] = GlobalName(module, name)
    return found


_ALL = [value for value in vars(dtypes).values() if isinstance(value, dtypes.dtype)]
# These came after the typed storages: PyTorch saves them as bytes and names the dtype beside.
UNTYPED = frozenset(
    d
    for d in _ALL
    if d.name.startswith(("float8", "float4", "bits")) or d.name in ("complex32", "uint16", "uint32", "uint64")
)
DTYPES = {d.name: d for d in _ALL}
_STORAGES = {f"{d.legacy_name}Storage": d for d in _ALL if d not in UNTYPED}


def storage_dtype(name: str) -> dtypes.dtype | None:
    """The dtype of a storage class named as PyTorch names it, such as ``FloatStorage``; None for other names."""
    return _STORAGES.get(name)


# Under these modules both libraries have the same files and classes, so each can load the other's.
_SHARED = (
    "nn.init",
    "nn.modules.",
    "nn.parallel.",
    "nn.parameter",
    "nn.utils.",
    "optim.",
    "utils.data.",
    "utils.hooks",
)

# Files that PyTorch doesn't have, and the ones of its that hold what they hold.
_HOMES = {
    "nn.modules._conv": "nn.modules.conv",
    "nn.modules._hooks": "nn.modules.module",
    "nn.modules._state": "nn.modules.module",
    "nn.modules._unpooling": "nn.modules.pooling",
    "nn.modules.attention": "nn.modules.activation",
    "nn.modules.parameter_container": "nn.modules.container",
    "nn.packing": "nn.utils.rnn",
    "utils.data._utils.info": "utils.data._utils.worker",
    "utils.data.datapipes._decorators": "utils.data.datapipes._decorator",
    "utils.data.datapipes.iter.splitting": "utils.data.datapipes.iter.combining",
}

_TENSOR = ("torch", "Tensor")


def class_name(target: Any, module: str, name: str) -> tuple[str, str]:
    """The module and name under which a class or function is written."""
    if not module.startswith("rushlight."):
        return module, name
    rest = module[len("rushlight.") :]
    rest = _HOMES.get(rest, rest)
    if rest == "tensor" and name == "Tensor":
        return _TENSOR
    if rest.startswith(_SHARED):
        return f"torch.{rest}", name
    for place in ("nn.functional", ""):
        found = importlib.import_module(f"rushlight.{place}".rstrip("."))
        if getattr(found, name, None) is target:
            return f"torch.{place}".rstrip("."), name
    return module, name


_PLACES = {
    "torch._C._nn": "rushlight.nn.functional",
    "torch._C._VariableFunctions": "rushlight",
    "torch._tensor": "rushlight",
    "torch.functional": "rushlight",
}


def _resolve(module: str, name: str) -> Any:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def find_class(module: str, name: str) -> Any:
    """What a name of PyTorch's stands for here: the same name in Rushlight.

    Raises AttributeError for a name that Rushlight lacks.
    """
    if module == "torch._C" and name == "_VariableFunctionsClass":
        return importlib.import_module("rushlight")
    rest = module[len("torch") :]
    # A class may live in another file here than there; then the package that exports it knows it.
    places = [_PLACES.get(module, f"rushlight{rest}")]
    places += [f"rushlight.{ours}" for ours, theirs in _HOMES.items() if f".{theirs}" == rest]
    places += [f"rushlight{prefix}" for prefix in (".nn", ".optim", ".utils.data") if rest.startswith(f"{prefix}.")]
    for place in places:
        try:
            return _resolve(place, name)
        except (ImportError, AttributeError):
            continue
    raise AttributeError(f"the checkpoint names {module}.{name}, which Rushlight does not have")
