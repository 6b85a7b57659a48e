"""Modules called with other parameters."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight.nn.modules.module import Module
from rushlight.nn.parallel.data_parallel import DataParallel
from rushlight.tensor import Tensor

__all__ = ["functional_call"]

_ABSENT: Any = object()


def call_with(
    module: Module,
    tensors: dict[str, Any],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` while the tensors at some paths are others; errors as `torch.func.functional_call`."""
    if isinstance(module, DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module")
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(module, tensors, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


@contextmanager
def _reparametrize_module(
    module: Module,
    parameters_and_buffers: dict[str, Any],
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Within the context the tensors at some paths are others; what the module makes of them is written back there.

    `stack_weights` undoes the exchanges in reverse order, for a tensor that is exchanged twice.
    """
    named = _with_tied(module, parameters_and_buffers) if tie_weights else parameters_and_buffers
    if strict:
        _check_names(module, named)
    places = _Places(module)
    before = places.exchange(named)
    try:
        yield
    finally:
        if stack_weights:
            before = dict(reversed(before.items()))
        after = places.exchange(before)
        for name in parameters_and_buffers:
            if name in after:
                parameters_and_buffers[name] = after[name]


def _all_named(module: Module) -> dict[str, Tensor]:
    """The parameters and buffers by every name they have."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def _with_tied(module: Module, given: dict[str, Any]) -> dict[str, Any]:
    """`given`, and each tensor also under the other names that the module's own tensor has there.

    ValueError where two names of one tensor are given different values.
    """
    names_of: dict[int, list[str]] = {}
    for name, tensor in _all_named(module).items():
        names_of.setdefault(id(tensor), []).append(name)
    result = dict(given)
    for names in names_of.values():
        present = [name for name in names if name in given]
        if len(names) == 1 or not present:
            continue
        if len({id(given[name]) for name in present}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using "
                "tie_weights=False"
            )
        result.update(dict.fromkeys(names, given[present[0]]))
    return result


def _check_names(module: Module, given: dict[str, Any]) -> None:
    """RuntimeError unless exactly the module's tensors are given."""
    own = _all_named(module).keys()
    faults = [
        f"{kind} key(s): {', '.join(map(repr, sorted(names)))}."
        for kind, names in (("Unexpected", given.keys() - own), ("Missing", own - given.keys()))
        if names
    ]
    if faults:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(faults))


class _Places:
    """Where the tensors of a module are, found by path once."""

    def __init__(self, module: Module) -> None:
        self._modules: dict[str, Any] = {"": module}

    def exchange(self, tensors: dict[str, Any]) -> dict[str, Any]:
        """Put tensors at their paths and return what was there; on an error all is as before."""
        before: dict[str, Any] = {}
        try:
            for path, tensor in tensors.items():
                prefix, _, name = path.rpartition(".")
                before[path] = _exchange(self._module(prefix), name, tensor)
        except Exception:
            for path, tensor in before.items():
                prefix, _, name = path.rpartition(".")
                _exchange(self._module(prefix), name, tensor)
            raise
        return before

    def _module(self, path: str) -> Any:
        if path not in self._modules:
            prefix, _, name = path.rpartition(".")
            parent = self._module(prefix)
            if not hasattr(parent, name):
                raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
            found = getattr(parent, name)
            if not isinstance(found, Module):
                raise TypeError(f"submodule `{path}`: {found} is not an instance of torch.nn.Module")
            self._modules[path] = found
        return self._modules[path]


def _exchange(module: Any, name: str, tensor: Any) -> Any:
    """Put a tensor, or `_ABSENT`, under a name, and return what was there."""
    if tensor is not _ABSENT and tensor is not None and not isinstance(tensor, Tensor):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    if name == "":
        raise KeyError('tensor name can\'t be empty string ""')
    for held in (module._parameters, module._buffers):
        if name in held:
            before = held[name]
            if tensor is _ABSENT:
                del held[name]
            else:
                held[name] = tensor
            return before
    before = getattr(module, name, _ABSENT)
    if before is not _ABSENT and before is not None and not isinstance(before, Tensor):
        raise TypeError(f"attribute `{name}`: {before} is not an instance of torch.Tensor")
    if tensor is not _ABSENT:
        setattr(module, name, tensor)
    elif before is not _ABSENT:
        delattr(module, name)
    return before


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The old name of `torch.func.functional_call`, of one dictionary; FutureWarning.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.stateless.functional_call.html
    """
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


def joined(dicts: dict[str, Any] | Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Dictionaries of different keys as one; ValueError for a key that comes twice, and for anything else."""
    if isinstance(dicts, dict):
        return dicts
    if not isinstance(dicts, Sequence):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(one, dict) for one in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    repeated = [key for key, count in Counter(key for one in dicts for key in one).items() if count > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {key: value for one in dicts for key, value in one.items()}
