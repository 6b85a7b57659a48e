"""Parameters computed from others.

A module with a parametrized tensor gets a class of its own, derived from the one it had, in which the tensor's name is
a property: reading it computes the tensor from the originals, which a `ParametrizationList` holds; assigning to it goes
the other way.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from rushlight.autograd.grad_mode import no_grad
from rushlight.nn.modules.container import ModuleDict, ModuleList
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]


class _Cache:
    """What `cached` remembers: tensors by module and name, while any context is open."""

    depth = 0
    tensors: dict[tuple[int, str], Tensor]


_cache = _Cache()
_cache.tensors = {}


@contextmanager
def cached() -> Iterator[None]:
    """A context in which a parametrized tensor is computed once, when first read, however often it is read.

    For a weight that is read many times in one pass, such as that of a recurrent cell. What was computed is forgotten
    on leaving the outermost context.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> with torch.nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.cached.html
    """
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.tensors = {}


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_kept(complaint: str, labels: tuple[str, str], before: tuple[Any, Any], after: tuple[Any, Any]) -> None:
    """ValueError where a tensor has another type or another shape, given as pairs, than before."""
    for kind, old, new in zip(("dtype", "shape"), before, after, strict=True):
        if old != new:
            lines = f"{complaint}\n{labels[0]}: {old}\n{labels[1]}: {new}"
            raise ValueError(lines.replace("KIND", kind))


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order they are applied, and the original tensors they begin with.

    These are `original`, or `original0`, `original1`, … where the first parametrization's `right_inverse` returns
    several. `register_parametrization` makes it; it is `module.parametrizations[name]`.

    ValueError for no parametrization, and where `right_inverse` or the result is no tensor, or, unless `unsafe`, one of
    another shape or type.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> layer.parametrizations.weight
    ParametrizationList(
      (0): _WeightNorm()
    )

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.ParametrizationList.html
    """

    original: Tensor
    unsafe: bool
    is_tensor: bool
    ntensors: int

    def __init__(self, modules: Sequence[Module], original: Tensor | Parameter, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new: Any = original
            for module in reversed(list(self)):
                new = _inverted(module, new)
        if isinstance(new, Tensor):
            self._keep_one(original, new)
        elif isinstance(new, Sequence):
            self._keep_several(original, new)
        else:
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        if not unsafe:
            self._check_result(dtype, shape)

    def _keep_one(self, original: Tensor, new: Tensor) -> None:
        self.is_tensor, self.ntensors = True, 1
        if original.dtype != new.dtype:
            raise ValueError(
                "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
            )
        # The same object as before, which optimizers may hold.
        with no_grad():
            original.set_(new)
        _register(self, "original", original)

    def _keep_several(self, original: Tensor, new: Sequence[Any]) -> None:
        self.is_tensor, self.ntensors = False, len(new)
        for i, tensor in enumerate(new):
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                    f"Got element {i} of the sequence with type {type(tensor).__name__}."
                )
            if isinstance(original, Parameter):
                tensor = Parameter(tensor, original.requires_grad)
            tensor.requires_grad_(original.requires_grad)
            _register(self, f"original{i}", tensor)

    def _check_result(self, dtype: Any, shape: Any) -> None:
        result = self()
        if not isinstance(result, Tensor):
            raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
        _check_kept(
            "Registering a parametrization may not change the KIND of the tensor, unless `unsafe` flag is enabled.",
            ("unparametrized KIND", "parametrized KIND"),
            (dtype, shape),
            (result.dtype, result.shape),
        )

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized tensor is `value`: what an assignment to it does.

        RuntimeError where a parametrization has no `right_inverse`; ValueError where the result does not fit the
        originals.
        """
        with no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
            if self.is_tensor:
                self._set_one(new)
            else:
                self._set_several(new)

    def _set_one(self, new: Any) -> None:
        if not isinstance(new, Tensor):
            raise ValueError(f"`right_inverse` should return a tensor. Got {type(new).__name__}")
        if new.dtype != self.original.dtype:
            raise ValueError(
                f"The tensor returned by `right_inverse` has dtype {new.dtype} while `original` has dtype "
                f"{self.original.dtype}"
            )
        self.original.set_(new)

    def _set_several(self, new: Any) -> None:
        if not isinstance(new, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}.")
        if len(new) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of "
                f"length {len(new)}."
            )
        for i, tensor in enumerate(new):
            original = getattr(self, f"original{i}")
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors or reference-type opaques. "
                    f"Got element {i} of type {type(tensor).__name__}."
                )
            if original.dtype != tensor.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {tensor.dtype} while `original{i}` has dtype "
                    f"{original.dtype}"
                )
            original.set_(tensor)

    def _originals(self) -> list[Tensor]:
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Tensor:
        first, *rest = self
        result = first(*self._originals())
        for module in rest:
            result = module(result)
        return result


def _inverted(module: Any, value: Any) -> Any:
    """`module.right_inverse(value)`; the value itself where there is no such thing."""
    if not hasattr(module, "right_inverse"):
        return value
    try:
        return module.right_inverse(value)
    except NotImplementedError:
        return value


def _default_deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """What deepcopy does with an object that has no `__deepcopy__`, whatever `__getstate__` says."""
    if id(self) in memo:
        return memo[id(self)]
    replica = memo[id(self)] = self.__new__(type(self))
    replica.__dict__ = deepcopy(self.__dict__, memo)
    for slot in copyreg._slotnames(type(self)):  # type: ignore[attr-defined]
        if hasattr(self, slot):
            setattr(replica, slot, deepcopy(getattr(self, slot), memo))
    return replica


def _refuse_state(self: Any) -> None:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). See:\n"
        "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
        "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
    )


def _inject_new_class(module: Module) -> None:
    """Give a module a class of its own, which can have properties that others of its kind lack."""
    cls = type(module)
    members: dict[str, Any] = {"__getstate__": _refuse_state, "__module__": cls.__module__}
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = _default_deepcopy
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), members)


def _inject_property(module: Module, tensor_name: str) -> None:
    """Make a name of the module's own class a property: the parametrized tensor."""

    def get(self: Any) -> Tensor:
        parametrization = self.parametrizations[tensor_name]
        if not _cache.depth:
            return parametrization()
        key = (id(self), tensor_name)
        if key not in _cache.tensors:
            _cache.tensors[key] = parametrization()
        return _cache.tensors[key]

    def set(self: Any, value: Tensor) -> None:
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(type(module), tensor_name, property(get, set))


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a parameter or buffer of a module be computed: reading `module.weight` gives `parametrization(original)`.

    The original, under `module.parametrizations.weight.original`, is what optimizers train and the state_dict holds. If
    the parametrization has a `right_inverse`, the original is that of the tensor's value; it may return several, which
    become `original0`, `original1`, …, and an assignment to `module.weight` goes through it. A second parametrization
    of the same tensor is applied to the result of the first.

    ValueError where the module has no such tensor, and, unless `unsafe`, where the result or the inverse has another
    shape or type.

    >>> import rushlight as torch
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = torch.nn.Linear(2, 2)
    >>> layer = torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> torch.equal(layer.weight, layer.weight.T)
    True

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.register_parametrization.html
    """
    parametrization.train(module.training)
    parametrized: Any = module
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        chain = parametrized.parametrizations[tensor_name]
        chain.append(parametrization)
        chain.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        # Made first, since it may refuse.
        chain = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_new_class(module)
            parametrized.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        parametrized.parametrizations[tensor_name] = chain
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _check_next(module: Module, name: str, parametrization: Any) -> None:
    """ValueError where one more parametrization, or its inverse, changes the tensor's type or shape."""
    before = getattr(module, name)
    after = parametrization(before)
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    kept = (before.dtype, before.shape)
    _check_kept(
        "Registering a parametrization may not change the KIND of the tensor, unless the `unsafe` flag is enabled.",
        (f"module.{name}.KIND", f"parametrization(module.{name}).KIND"),
        kept,
        (after.dtype, after.shape),
    )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        inverse = parametrization.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(inverse, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(inverse).__name__}")
    _check_kept(
        f"The tensor returned by parametrization.right_inverse must have the same KIND as module.{name}, unless the "
        "`unsafe` flag is enabled.",
        (f"module.{name}.KIND", "returned KIND"),
        kept,
        (inverse.dtype, inverse.shape),
    )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of a module is parametrized; any of them, without a name.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> torch.nn.utils.parametrize.is_parametrized(layer, "bias")
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.is_parametrized.html
    """
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized tensor an ordinary one again: of its present value, or, if not `leave_parametrized`, the
    original.

    The parameter stays the same object where there is one original. ValueError for a tensor that is not parametrized,
    and where one of several originals would have to be left.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> torch.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=1, bias=True)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.remove_parametrizations.html
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrized: Any = module
    chain = parametrized.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with no_grad():
                original.set_(getattr(module, tensor_name))
    elif leave_parametrized:
        # Not in no_grad, which would hide whether an original required a gradient.
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del parametrized.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del parametrized.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before its first parametrization.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> torch.nn.utils.parametrize.type_before_parametrizations(layer).__name__
    'Linear'

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.type_before_parametrizations.html
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give another module the parametrizations and the originals of one tensor, or of all that are parametrized.

    The two modules share them from then on. A tensor that the other module lacks is made. Returns the other module.

    >>> import rushlight as torch
    >>> P = torch.nn.utils.parametrize
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1))
    >>> other = P.transfer_parametrizations_and_params(layer, torch.nn.Linear(2, 1))
    >>> torch.equal(layer.weight, other.weight)
    True

    Source:
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.parametrize.transfer_parametrizations_and_params.html
    """
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module
    target: Any = to_module
    for name in source.parametrizations if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        chain = source.parametrizations[name]
        for parametrization in chain:
            register_parametrization(to_module, name, parametrization)
        originals = ["original"] if chain.is_tensor else [f"original{i}" for i in range(chain.ntensors)]
        for original in originals:
            setattr(target.parametrizations[name], original, getattr(chain, original))
    return to_module
