"""What all optimizers share: parameter groups, state, hooks, checkpoints."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.grad_mode import enable_grad, state
from rushlight.autograd.variable import Variable, wrap
from rushlight.layout import preserve_format
from rushlight.ops import creation
from rushlight.optim import _derived
from rushlight.optim._derived import _CAPTURABLE_DEVICES
from rushlight.tensor import Tensor
from rushlight.utils.hooks import RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required"]

ParamsT = Iterable[Any]
StateDict = dict[str, Any]
Hook = Callable[..., Any]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_post_hooks: OrderedDict[int, Hook] = OrderedDict()


def _register(hooks: OrderedDict[int, Hook], hook: Hook) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer; it may return new (args, kwargs)."""
    return _register(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return _register(_global_post_hooks, hook)


def new_scalar(value: float = 0.0, single: bool = False) -> Tensor:
    """A number of a parameter's state: float32, or float64 where that is the default type and `single` doesn't ask for
    float32."""
    double = not single and dtypes.get_default_dtype() is dtypes.float64
    return wrap(np.array(value, np.float64 if double else np.float32))


def new_step(fused: bool | None = None) -> Tensor:
    """The count of steps a parameter has seen, as PyTorch's checkpoints have it: a tensor."""
    return new_scalar(0.0, bool(fused))


def next_count(step: Any) -> float:
    """Count one step more and say which it is."""
    array = step._array
    # A ufunc's call on one number costs several times more.
    array.fill(array.item() + 1)
    count: float = array.item()
    return count


class Optimizer:
    """The base of all optimizers.

    `params` are Tensors, (name, Tensor) pairs, or dictionaries, each a group with its own options; `defaults` are the
    options of groups that don't say. Derived classes define `step`.

    Source: https://docs.pytorch.org/docs/2.13/optim.html
    """

    # Options that checkpoints of older versions lack, and what they then are; what of the state was no tensor in them.
    _later_options: tuple[tuple[str, Any], ...] = ()
    _scalar_state: tuple[str, ...] = ()

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Variable):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"torch.{params.dtype.legacy_name}Tensor"
            )
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "step" in cls.__dict__:
            cls.step = cls.profile_hook_step(cls.__dict__["step"])  # type: ignore[method-assign]

    @staticmethod
    def profile_hook_step(func: Callable[..., Any]) -> Callable[..., Any]:
        """A step with the hooks before and after it; the steps of derived classes are made so by themselves.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Optimizer.profile_hook_step.html
        """
        if getattr(func, "hooked", False):
            return func

        @functools.wraps(func)
        def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
            if "_optimizer_step_pre_hooks" not in self.__dict__:
                # An optimizer around another that never called our __init__: it has no hooks, and none sees its steps.
                return func(self, *args, **kwargs)
            # Hooks see the arguments with the optimizer first, as the unbound method gets them.
            args = (self, *args)
            if _global_pre_hooks or self._optimizer_step_pre_hooks:
                for hook in (*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
                    changed = hook(self, args, kwargs)
                    if changed is not None:
                        if not (isinstance(changed, tuple) and len(changed) == 2):
                            raise RuntimeError(
                                f"{func} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                            )
                        args, kwargs = changed
            out = func(*args, **kwargs)
            if _global_post_hooks or self._optimizer_step_post_hooks:
                for hook in (*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()):
                    hook(self, args, kwargs)
            return out

        wrapper.hooked = True  # type: ignore[attr-defined]
        return wrapper

    def _make_hooks(self) -> None:
        for name in _HOOKS:
            self.__dict__.setdefault(name, OrderedDict())

    _optimizer_step_pre_hooks: OrderedDict[int, Hook]
    _optimizer_step_post_hooks: OrderedDict[int, Hook]
    _optimizer_state_dict_pre_hooks: OrderedDict[int, Hook]
    _optimizer_state_dict_post_hooks: OrderedDict[int, Hook]
    _optimizer_load_state_dict_pre_hooks: OrderedDict[int, Hook]
    _optimizer_load_state_dict_post_hooks: OrderedDict[int, Hook]

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hooks()
        self.defaults.setdefault("differentiable", False)
        for group in self.param_groups:
            for name, value in self._later_options:
                group.setdefault(name, value)
            single = bool(group.get("capturable") or group.get("fused"))
            for param in group["params"]:
                of_param = self.state.get(param, {})
                for name in self._scalar_state:
                    if name in of_param and not isinstance(of_param[name], Variable):
                        of_param[name] = new_scalar(float(of_param[name]), single)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; with a closure, call it first and return what it returns."""
        raise NotImplementedError(f"{type(self).__name__} defines no step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Optimizer.zero_grad.html
        """
        for group in self.param_groups:
            for param in group["params"]:
                grad = param._grad
                if grad is None:
                    continue
                if set_to_none:
                    param._grad = None
                    continue
                if grad.grad_fn is not None:
                    grad.detach_()
                elif grad.requires_grad:
                    grad.requires_grad_(False)
                grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with its own options.

        Raises TypeError for what is no Tensor, ValueError for one that is no leaf or is in a group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, Variable):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        params = list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        params = [p[1] if isinstance(p, tuple) else p for p in params]
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            # A rebuilt dict, so that the names stand where PyTorch's checkpoints have them: after `params`.
            param_group["param_names"] = names
        param_group["params"] = params
        self._check_params(params)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(params) != len({id(p) for p in params}):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an "
                "error; see github.com/pytorch/pytorch/issues/40967 for more information",
                UserWarning,
                stacklevel=3,
            )
        if any(("param_names" in param_group) != ("param_names" in group) for group in self.param_groups):
            which = "with names" if "param_names" in param_group else "without names"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{which} to the optimizer"
            )
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in known for p in params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def _check_params(self, params: list[Any]) -> None:
        for param in params:
            if not isinstance(param, Variable):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_type_name(param)}")
            if not self.defaults.get("differentiable", False) and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups' options, with parameters by number: what a checkpoint needs.

        PyTorch's optimizers load it, and Rushlight's load theirs.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Optimizer.state_dict.html
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {(numbers[id(k)] if isinstance(k, Variable) else k): v for k, v in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state and options of a `state_dict()` of an optimizer with as many parameters in as many
        groups.

        Raises ValueError where the groups don't match.

        Source: https://docs.pytorch.org/docs/2.13/generated/torch.optim.Optimizer.load_state_dict.html
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        groups, saved = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        numbers = chain.from_iterable(group["params"] for group in saved)
        params = dict(zip(numbers, chain.from_iterable(group["params"] for group in groups), strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                single = _steps_are_single(key, state_dict["param_groups"])
                state[params[key]] = _fitted(params[key], value, single)
            else:
                state[key] = value
        merged = []
        for group, new in zip(groups, saved, strict=True):
            new["params"] = group["params"]
            if "param_names" in group and "param_names" not in new:
                new["param_names"] = group["param_names"]
            merged.append(new)
        self.__setstate__({"state": state, "param_groups": merged})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new (args, kwargs)."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` is made."""
        return self._register_ordered(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` after it is made; what it returns replaces it."""
        return self._register_ordered(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before it is loaded; what it returns is loaded instead."""
        return self._register_ordered(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after a state was loaded."""
        return self._register_ordered(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    @staticmethod
    def _register_ordered(hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool) -> RemovableHandle:
        handle = _register(hooks, hook)
        if prepend:
            hooks.move_to_end(handle.id, last=False)
        return handle

    def _with_gradients(self, group: dict[str, Any]) -> list[Any]:
        return [p for p in group["params"] if p._grad is not None]


_HOOKS = (
    "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks", "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks", "_optimizer_load_state_dict_pre_hooks", "_optimizer_load_state_dict_post_hooks",
)  # fmt: skip


def _type_name(value: Any) -> str:
    return type(value).__name__


def _steps_are_single(number: int, groups: list[dict[str, Any]]) -> bool:
    """Whether the group of a parameter counts its steps in float32 whatever the default type."""
    group = next((group for group in groups if number in group["params"]), {})
    return bool(group.get("fused") or group.get("capturable"))


def _fitted(param: Any, value: Any, single: bool, key: Any = None) -> Any:
    """A loaded value in the type of the parameter it belongs to; step counts keep theirs."""
    if isinstance(value, Variable):
        if key == "step":
            return value.to(dtypes.float32) if single else value
        return value.to(param.dtype) if param.dtype.is_floating_point else value
    if isinstance(value, dict):
        return {k: _fitted(param, v, single, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_fitted(param, v, single) for v in value)
    return value


def use_grad_for_differentiable(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step within which nothing is recorded, unless the optimizer is `differentiable`."""

    @functools.wraps(step)
    def wrapper(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        # `set_grad_enabled` without its object: on small networks that is part of what a step costs.
        recorded = state.enabled
        state.enabled = bool(self.defaults.get("differentiable", False))
        try:
            return step(self, *args, **kwargs)
        finally:
            state.enabled = recorded

    return wrapper


# Names under which programs that derive optimizers import from PyTorch.
_use_grad_for_differentiable = use_grad_for_differentiable
_RequiredParameter = _Required
_capturable_doc = _derived._capturable_doc
_default_to_fused_or_foreach = _derived._default_to_fused_or_foreach
_device_dtype_check_for_fused = _derived._device_dtype_check_for_fused
_differentiable_doc = _derived._differentiable_doc
_disable_dynamo_if_unsupported = _derived._disable_dynamo_if_unsupported
_foreach_doc = _derived._foreach_doc
_fused_doc = _derived._fused_doc
_get_capturable_supported_devices = _derived._get_capturable_supported_devices
_get_scalar_dtype = _derived._get_scalar_dtype
_get_value = _derived._get_value
_maximize_doc = _derived._maximize_doc
_params_doc = _derived._params_doc
_stack_if_compiling = _derived._stack_if_compiling
_to_scalar = _derived._to_scalar
_view_as_real = _derived._view_as_real


def call_closure(closure: Callable[[], Any] | None) -> Any:
    """The loss that a closure computes, with gradients recorded."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def check_range(name: str, value: Any) -> None:
    """Raise ValueError for a negative option."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")


def check_single(lr: Any) -> None:
    """Raise ValueError for a learning rate that is a tensor of several."""
    if isinstance(lr, Variable) and lr._array.size != 1:
        raise ValueError("Tensor lr must be 1-element")


def check_lr(lr: Any) -> None:
    """Raise ValueError for a learning rate that is negative or a tensor of several."""
    check_single(lr)
    check_range("learning rate", lr)


def check_new_lr(lr: Any) -> None:
    """`check_lr` in the words of the newer optimizers."""
    check_single(lr)
    if not lr >= 0.0:
        raise ValueError(f"Learning rate should be >= 0 but is: {lr}")


def check_betas(betas: Any) -> None:
    """Raise ValueError for a beta outside [0, 1), IndexError for fewer than two."""
    if len(betas) < 2:
        raise IndexError(f"betas must be two numbers, got {betas!r}: tuple index out of range")
    for i in range(2):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_implementation(foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """Raise RuntimeError for ways of computing a step that exclude each other; they give the same numbers here."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_fused(param: Any) -> None:
    """Raise RuntimeError for a parameter that no fused step takes."""
    _derived._device_dtype_check_for_fused(param)


def check_step(
    params: Sequence[Any],
    state_steps: Sequence[Any],
    capturable: bool = False,
    foreach: bool | None = None,
    differentiable: bool = False,
    *,
    needed: str = "params and state_steps",
    xla: bool | None = None,
) -> None:
    """What PyTorch checks of a step on CPU tensors before taking it.

    Raises RuntimeError for counts that are no tensors, AssertionError for `foreach` with `differentiable` and for
    `capturable`, which is for graphs of other devices.
    """
    for step in state_steps:
        if not isinstance(step, Variable):
            raise RuntimeError("API has changed, `state_steps` argument must contain a list of singleton tensors")
    if foreach and differentiable:
        raise AssertionError("_foreach ops don't support autograd")
    if capturable and len(params):
        devices = _CAPTURABLE_DEVICES + ["xla"] * (not foreach if xla is None else xla)
        raise AssertionError(f"If capturable=True, {needed} must be on supported devices: {devices}.")


def check_unscaled(fused: bool | None, grad_scale: Any, found_inf: Any) -> None:
    """Raise AssertionError where a step that isn't fused is asked to unscale gradients."""
    if not fused and not (grad_scale is None and found_inf is None):
        raise AssertionError("Expected grad_scale and found_inf to be None: only a fused step unscales gradients")


def unscaled(grads: Sequence[Any], grad_scale: Any, found_inf: Any) -> bool:
    """Divide gradients by the scale of mixed precision in place; False if one was infinite and the step is left out."""
    if found_inf is not None and float(found_inf) == 1.0:
        return False
    if grad_scale is not None:
        for grad in grads:
            grad.div_(float(grad_scale))
    return True


def is_sparse(grad: Any) -> bool:
    """Whether a gradient is a sparse tensor."""
    return bool(getattr(grad, "is_sparse", False))


def refuse_sparse(optimizer: str, grad: Any, hint: str = "") -> None:
    """Raise RuntimeError for a sparse gradient."""
    if is_sparse(grad):
        raise RuntimeError(f"{optimizer} does not support sparse gradients{hint}")


def refuse_complex(optimizer: str, param: Any) -> None:
    """Raise RuntimeError for a complex parameter."""
    if param.dtype.is_complex:
        raise RuntimeError(f"{optimizer} does not support complex parameters")


def zeros_like(param: Any) -> Tensor:
    """The zeros that a parameter's state starts as."""
    return creation.zeros_like(param, memory_format=preserve_format)


def lr_value(lr: Any) -> float:
    """A learning rate as a number."""
    return float(lr)
