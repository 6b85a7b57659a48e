"""Saving and loading a module's state: `state_dict`, `load_state_dict` and what a module may override of them."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import Any, TypeVar, overload

from rushlight.autograd.grad_mode import no_grad
from rushlight.nn.modules._hooks import Hooks
from rushlight.nn.modules._registry import Registry, _is_tensor_like
from rushlight.nn.parameter import Parameter, is_lazy
from rushlight.tensor import Tensor

__all__ = ["StateDict"]

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"
_Destination = TypeVar("_Destination", bound=dict[str, Any])


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` returns: the keys that found no entry, and the entries that found no place."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateDict(Registry, Hooks):
    """The part of `Module` that turns it into a dictionary of tensors and back."""

    T_destination = _Destination
    _version: int = 1

    # Saving

    @overload
    def state_dict(self, *, destination: _Destination, prefix: str = ..., keep_vars: bool = ...) -> _Destination: ...

    @overload
    def state_dict(self, *, prefix: str = ..., keep_vars: bool = ...) -> dict[str, Any]: ...

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """The parameters and persistent buffers of the tree by path, as an ordered dictionary.

        The tensors are detached but not copied, or with `keep_vars` the very ones. `destination` is filled if given,
        under keys that begin with `prefix`. The attribute `_metadata` of the result holds each module's `_version`.

        >>> import rushlight as torch
        >>> list(torch.nn.Sequential(torch.nn.Linear(2, 3)).state_dict())
        ['0.weight', '0.bias']

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata

        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local_metadata)
            if replaced is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = replaced
        return destination

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Put this module's own state, not its submodules', into `destination`; a module may override it."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def _own_state(self) -> dict[str, Any]:
        saved = itertools.chain(
            self._parameters.items(),
            ((name, buf) for name, buf in self._buffers.items() if name not in self._non_persistent_buffers_set),
        )
        return {name: tensor for name, tensor in saved if tensor is not None}

    def get_extra_state(self) -> Any:
        """What else belongs to the module's state: override it, with `set_extra_state`, and `state_dict` keeps it."""
        raise RuntimeError(_never_called("get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave: called by `load_state_dict` with the saved object."""
        raise RuntimeError(_never_called("set_extra_state"))

    # Loading

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` into the parameters and buffers of the same paths.

        `assign` makes the given tensors themselves the module's. Returns the missing and unexpected keys; with `strict`
        there may be none. All faults are gathered, then raised as one RuntimeError; TypeError for what is no mapping.

        >>> import rushlight as torch
        >>> layer = torch.nn.Linear(2, 3)
        >>> layer.load_state_dict({"weight": torch.ones(3, 2), "bias": torch.zeros(3)})
        <All keys matched successfully>

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.Module.html
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing_keys: list[str] = []
        unexpected_keys: list[str] = []
        error_msgs: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        # Hooks may change the dictionary, which stays the caller's.
        state: Any = OrderedDict(state_dict)
        if metadata is not None:
            state._metadata = metadata

        def load(module: Any, local_state: Any, prefix: str = "") -> None:
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = assign
            module._load_from_state_dict(
                local_state, prefix, local_metadata, True, missing_keys, unexpected_keys, error_msgs
            )
            for name, child in module._modules.items():
                if child is not None:
                    child_prefix = f"{prefix}{name}."
                    load(child, {k: v for k, v in local_state.items() if k.startswith(child_prefix)}, child_prefix)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, _IncompatibleKeys(missing_keys, unexpected_keys)) is not None:
                    raise AssertionError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                        "values, if incompatible_keys need to be modified, it should be done inplace."
                    )

        load(self, state)
        if strict:
            if unexpected_keys:
                error_msgs.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected_keys)}. ")
            if missing_keys:
                error_msgs.insert(0, f"Missing key(s) in state_dict: {_quoted(missing_keys)}. ")
        if error_msgs:
            report = "\n\t".join(error_msgs)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{report}")
        return _IncompatibleKeys(missing_keys, unexpected_keys)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state, not its submodules'; a module may override it, to read older files say.

        `local_metadata["version"]` is the `_version` that was saved. Faults are added to the three lists.
        """
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own_state = self._own_state()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own_state.items():
            key = prefix + name
            if key in state_dict:
                self._load_tensor(name, key, tensor, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)

        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if type(self).set_extra_state is not StateDict.set_extra_state:
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else own_state):
                        unexpected_keys.append(key)

    def _load_tensor(self, name: str, key: str, tensor: Any, loaded: Any, assign: bool, error_msgs: list[str]) -> None:
        if not _is_tensor_like(loaded):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                "checkpoint "
                f"but received {type(loaded)}"
            )
            return
        if not is_lazy(tensor):
            if len(tensor.shape) == 0 and len(loaded.shape) == 1 and loaded.shape[0] == 1:
                # Files from before version 0.3 of PyTorch hold a scalar as one element.
                loaded = loaded[0]
            if loaded.shape != tensor.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {loaded.shape} from checkpoint, "
                    f"the shape in current model is {tensor.shape}."
                )
                return
        try:
            with no_grad():
                if assign:
                    setattr(self, name, _as_parameter(loaded, tensor) if isinstance(tensor, Parameter) else loaded)
                else:
                    tensor.copy_(loaded)
        except Exception as error:
            error_msgs.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} and '
                "whose "
                f"dimensions in the checkpoint are {loaded.size()}, an exception occurred : {error.args}."
            )


def _as_parameter(loaded: Tensor, replaced: Parameter) -> Parameter:
    if isinstance(loaded, Parameter):
        loaded.requires_grad_(replaced.requires_grad)
        return loaded
    return Parameter(loaded, requires_grad=replaced.requires_grad)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _never_called(method: str) -> str:
    return (
        f"Reached a code path in Module.{method}() that should never be called. Please file an issue at "
        "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report this bug."
    )
