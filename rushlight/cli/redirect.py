"""Makes `import torch` and `import torchvision` mean Rushlight, in this process and in those that it starts."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import multiprocessing.spawn
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import rushlight
from rushlight import version

__all__ = ["RedirectFinder", "install"]

ROOTS = {"torch": "rushlight", "torchvision": "rushlight.vision"}

# Run in a process that multiprocessing starts afresh, before it imports the program: by then nothing of ours is known.
_BOOTSTRAP = """
import sys
sys.path.append({home!r})
import rushlight.cli.redirect
rushlight.cli.redirect.install()
"""


def real_name(name: str) -> str:
    """The module of Rushlight for a module of PyTorch: `torch.nn.init` → `rushlight.nn.init`."""
    root, dot, rest = name.partition(".")
    return ROOTS[root] + dot + rest


class _AliasLoader(Loader):
    """Gives the import system a module that exists already, and leaves that module as it was."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec here, with which relative imports would go astray.
        module.__spec__ = self._spec


class RedirectFinder(MetaPathFinder):
    """Finds `torch[.x.y]` and `torchvision[.x.y]`: the very same module objects as Rushlight's own.

    ModuleNotFoundError, which says that Rushlight lacks it, when there is no such module.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in ROOTS:
            return None
        real = real_name(fullname)
        try:
            module = importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name is None or not (real == error.name or real.startswith(error.name + ".")):
                raise  # something else is missing, which the error names
            raise ModuleNotFoundError(f"Rushlight has no '{fullname}' (no module '{real}')", name=fullname) from None
        _name_what_is_missing(module, fullname)
        spec = ModuleSpec(fullname, _AliasLoader(module), origin=getattr(module, "__file__", None))
        spec.submodule_search_locations = getattr(module, "__path__", None)
        return spec


def _name_what_is_missing(module: ModuleType, alias: str) -> None:
    """Lets `torch.nn.Missing` say that Rushlight lacks it."""
    look_up = module.__dict__.get("__getattr__")

    def missing(name: str) -> Any:
        if look_up is not None:
            with contextlib.suppress(AttributeError):
                return look_up(name)
        raise AttributeError(f"Rushlight has no '{alias}.{name}'", name=name, obj=module)

    module.__dict__["__getattr__"] = missing


class _InstallWhenRead:
    """An object that, read from a pickle, runs the bootstrap in the process that reads it."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (_BOOTSTRAP.format(home=str(Path(rushlight.__file__).parents[1])),)


def _reach_child_processes() -> None:
    # A child that isn't forked reads this dictionary first, then imports the program's main module.
    prepare = multiprocessing.spawn.get_preparation_data

    def with_redirect(name: str) -> dict[str, Any]:
        return {**prepare(name), "rushlight": _InstallWhenRead()}

    multiprocessing.spawn.get_preparation_data = with_redirect
    # A fork server imports the main module before it reads anything, unless told to preload something else.
    multiprocessing.set_forkserver_preload([])


def install() -> None:
    """Redirects `torch` and `torchvision`, once. `torch.__version__` then is PyTorch's, with Rushlight's behind it."""
    if any(isinstance(finder, RedirectFinder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, RedirectFinder())
    # Programs choose their path by this number; the local part says who computes.
    rushlight.__version__ = f"{version.pytorch}+rushlight.{version.__version__}"
    _reach_child_processes()
