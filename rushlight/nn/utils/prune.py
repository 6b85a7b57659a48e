"""Pruning: masks over parameters.

A pruned parameter `weight` becomes the parameter `weight_orig` and the buffer `weight_mask`; a hook before each forward
sets `weight` to their product. A parameter pruned again has its methods in one `PruningContainer`.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from rushlight.layout import contiguous_format
from rushlight.nn.modules.module import Module
from rushlight.nn.utils.convert_parameters import parameters_to_vector
from rushlight.ops.creation import ones_like, zeros_like
from rushlight.ops.norms import norm
from rushlight.ops.random import rand, rand_like
from rushlight.ops.sorting import kthvalue, topk
from rushlight.tensor import Tensor

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def _check_amount(amount: Any) -> None:
    """TypeError or ValueError for what is neither a fraction nor a number of elements."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if float(amount) < 0 or (float(amount) > 1 and not isinstance(amount, numbers.Integral)):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount: Any, size: int) -> int:
    """How many of `size` an amount is; ValueError where it is more."""
    count = int(amount) if isinstance(amount, numbers.Integral) else round(amount * size)
    if count > size:
        raise ValueError(f"amount={count} should be smaller than the number of parameters to prune={size}")
    return count


class BasePruningMethod(ABC):
    """Derive from it to prune in a way of your own: define `compute_mask`, and `PRUNING_TYPE`.

    The type says what a parameter that was pruned before shows to the method: "unstructured", the elements that are
    left; "structured", the channels that are left of its `dim`; "global", everything. `apply` then prunes a module.

    >>> import rushlight as torch
    >>> class EveryOther(torch.nn.utils.prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = torch.nn.Linear(4, 1)
    >>> _ = EveryOther.apply(layer, "weight")
    >>> layer.weight_mask
    tensor([[0., 1., 0., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.BasePruningMethod.html
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of what stays, of t's shape, where `default_mask` says what stayed before; t measures importance."""

    def apply_mask(self, module: Module) -> Tensor:
        """The product of the original parameter and the mask, both of the module."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter by a method made of the arguments, and register the hook.

        `importance_scores`, of the parameter's shape, are what the method looks at in place of the parameter. On an
        error a parameter that was not pruned before is left as it was.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        before = _taken_hook(module, name)
        if before is not None:
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            method = container
        parameter = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != parameter.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {parameter.shape}"
            )
        scores = parameter if importance_scores is None else importance_scores
        if before is None:
            module.register_parameter(name + "_orig", parameter)
            del module._parameters[name]
            mask = ones_like(parameter)
        else:
            mask = getattr(module, name + "_mask").detach().clone(memory_format=contiguous_format)
        try:
            module.register_buffer(name + "_mask", method.compute_mask(scores, default_mask=mask))
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if before is None:
                module.register_parameter(name, getattr(module, name + "_orig"))
                del module._parameters[name + "_orig"]
            raise
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A pruned copy of a tensor, which no module need have."""
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        scores = t if importance_scores is None else importance_scores
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Make the pruned parameter an ordinary one again, with zeros where it was pruned."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original: Any = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


def _taken_hook(module: Module, name: str) -> Any:
    """The pruning hook of a parameter, taken out of the module's hooks; None where there is none."""
    keys = [
        key
        for key, hook in module._forward_pre_hooks.items()
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
    ]
    if len(keys) > 1:
        raise AssertionError(
            f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer."
        )
    return module._forward_pre_hooks.pop(keys[0]) if keys else None


class PruningContainer(BasePruningMethod):
    """The methods that pruned one parameter, in order; each sees what those before it left.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(4, 1)
    >>> for _ in range(2):
    ...     _ = torch.nn.utils.prune.l1_unstructured(layer, "weight", amount=1)
    >>> [len(hook) for hook in layer._forward_pre_hooks.values()], layer.weight_mask.sum()
    ([2], tensor(2.))

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.PruningContainer.html
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method; TypeError for what is none, ValueError for one of another parameter."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to "
                f"PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, which looks only at what `default_mask` left."""
        method = self._pruning_methods[-1]
        seen = _left(method, t, default_mask)
        mask = default_mask.to(dtype=t.dtype)
        if mask is default_mask:
            mask = mask.clone()
        mask[seen] = method.compute_mask(t[seen], default_mask=default_mask[seen]).to(dtype=mask.dtype)
        return mask


def _left(method: Any, t: Tensor, mask: Tensor) -> Any:
    """The index of what a method may look at in a tensor pruned before."""
    kind = method.PRUNING_TYPE
    if kind == "unstructured":
        return mask == 1
    if kind == "global":
        return (slice(None),) * t.ndim
    if kind != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {kind}")
    if not hasattr(method, "dim"):
        raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
    dim = method.dim + t.ndim if method.dim < 0 else method.dim
    if dim < 0:
        raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
    left = mask.sum(dim=[d for d in range(t.ndim) if d != dim]) != 0
    return tuple(left if d == dim else slice(None) for d in range(t.ndim))


class Identity(BasePruningMethod):
    """Prunes nothing: the parameter gets a mask of ones, for masks to come.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.Identity.html
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask

    @classmethod
    def apply(cls, module: Module, name: str) -> Any:  # type: ignore[override]
        """Give a parameter its mask."""
        return super().apply(module, name)


class _Unstructured(BasePruningMethod):
    """Prunes single elements: `amount` of them, a number or a fraction."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: int | float) -> None:
        _check_amount(amount)
        self.amount = amount

    @abstractmethod
    def _chosen(self, t: Tensor, count: int) -> Tensor:
        """The places of the elements to prune, in the flattened tensor."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with zeros for the elements chosen."""
        count = _count(self.amount, t.nelement())
        mask = default_mask.clone(memory_format=contiguous_format)
        if count:
            mask.view(-1)[self._chosen(t, count)] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes `amount` elements drawn at random: a number of them, or a fraction.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.RandomUnstructured.html
    """

    def _chosen(self, t: Tensor, count: int) -> Tensor:
        return topk(rand_like(t).view(-1), k=count)[1]

    @classmethod
    def apply(cls, module: Module, name: str, amount: int | float) -> Any:  # type: ignore[override]
        """Prune a parameter."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_Unstructured):
    """Prunes the `amount` elements of the least size: a number of them, or a fraction.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.L1Unstructured.html
    """

    def _chosen(self, t: Tensor, count: int) -> Tensor:
        return topk(t.abs().view(-1), k=count, largest=False)[1]

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: int | float, importance_scores: Tensor | None = None
    ) -> Any:
        """Prune a parameter."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(BasePruningMethod):
    """Prunes whole channels, the slices of a dimension: `amount` of them, a number or a fraction."""

    PRUNING_TYPE = "structured"
    amount: int | float
    dim: int

    @abstractmethod
    def _kept(self, t: Tensor, channels: int, count: int) -> Tensor:
        """The index of the channels that stay when `count` of them are pruned."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with zeros for the channels chosen."""
        if t.ndim <= 1:
            raise ValueError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} "
                f"with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        channels = t.shape[self.dim]
        count = _count(self.amount, channels)
        if not count:
            return default_mask
        place: list[Any] = [slice(None)] * t.ndim
        place[self.dim] = self._kept(t, channels, count)
        mask = zeros_like(t)
        mask[tuple(place)] = 1
        mask *= default_mask.to(dtype=mask.dtype)
        return mask


class RandomStructured(_Structured):
    """Prunes `amount` channels of a dimension drawn at random: a number of them, or a fraction.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.RandomStructured.html
    """

    def __init__(self, amount: int | float, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def _kept(self, t: Tensor, channels: int, count: int) -> Tensor:
        draws = rand(channels)
        return draws > kthvalue(draws, count)[0]

    @classmethod
    def apply(cls, module: Module, name: str, amount: int | float, dim: int = -1) -> Any:  # type: ignore[override]
        """Prune a parameter."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """Prunes the `amount` channels of a dimension with the least norm of order `n`: a number of them, or a fraction.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.LnStructured.html
    """

    def __init__(self, amount: int | float, n: int | float | str, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.n = n
        self.dim = dim

    def _kept(self, t: Tensor, channels: int, count: int) -> Tensor:
        dim = self.dim % t.ndim
        norms = norm(t, p=self.n, dim=[d for d in range(t.ndim) if d != dim])
        return topk(norms, k=channels - count, largest=True)[1]

    @classmethod
    def apply(  # type: ignore[override]
        cls,
        module: Module,
        name: str,
        amount: int | float,
        n: int | float | str,
        dim: int,
        importance_scores: Tensor | None = None,
    ) -> Any:
        """Prune a parameter."""
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is zero.

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.CustomFromMask.html
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The product of the two masks; AssertionError where their shapes differ."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(cls, module: Module, name: str, mask: Tensor) -> Any:  # type: ignore[override]
        """Prune a parameter."""
        return super().apply(module, name, mask=mask)


def identity(module: Module, name: str) -> Module:
    """Give a parameter a mask of ones.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.prune.identity(torch.nn.Linear(2, 1), "bias")
    >>> layer.bias_mask
    tensor([1.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.identity.html
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: int | float) -> Module:
    """Prune `amount` elements of a parameter, drawn at random: a number of them, or a fraction.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.prune.random_unstructured(torch.nn.Linear(2, 3), "weight", amount=1)
    >>> (layer.weight == 0).sum()
    tensor(1)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.random_unstructured.html
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: int | float, importance_scores: Tensor | None = None) -> Module:
    """Prune the `amount` elements of a parameter of the least size, or of the least importance: a number or a fraction.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.prune.l1_unstructured(torch.nn.Linear(4, 2), "weight", amount=0.5)
    >>> layer.weight_mask.sum()
    tensor(4.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.l1_unstructured.html
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: int | float, dim: int) -> Module:
    """Prune `amount` channels of a dimension of a parameter, drawn at random: a number of them, or a fraction.

    >>> import rushlight as torch
    >>> layer = torch.nn.utils.prune.random_structured(torch.nn.Linear(4, 2), "weight", amount=1, dim=1)
    >>> (layer.weight_mask.sum(0) == 0).sum()
    tensor(1)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.random_structured.html
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: int | float,
    n: int | float | str,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the `amount` channels of a dimension of a parameter with the least norm of order `n`.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 2)
    >>> layer.weight.data = torch.tensor([[1.0, 1.0], [2.0, 0.5]])
    >>> torch.nn.utils.prune.ln_structured(layer, "weight", amount=1, n=2, dim=0).weight_mask
    tensor([[0., 0.],
            [1., 1.]])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.ln_structured.html
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: of pairs of module and name, by an unstructured method.

    `kwargs` are the method's arguments; `importance_scores` may give some of the pairs the tensor to look at. TypeError
    for what is not iterable, for scores that are no dictionary, and for a method of another type.

    >>> import rushlight as torch
    >>> prune = torch.nn.utils.prune
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    >>> prune.global_unstructured([(net[0], "weight"), (net[1], "weight")], prune.L1Unstructured, amount=4)
    >>> sum(layer.weight_mask.sum() for layer in net)
    tensor(2.)

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.global_unstructured.html
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    tensors = [getattr(module, name) for module, name in pairs]
    importance = parameters_to_vector([scores.get(pair, t) for pair, t in zip(pairs, tensors, strict=True)])
    masks = [getattr(module, name + "_mask", ones_like(t)) for (module, name), t in zip(pairs, tensors, strict=True)]
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    whole = container.compute_mask(importance, parameters_to_vector(masks))
    parts = whole.split([t.numel() for t in tensors])
    for (module, name), t, part in zip(pairs, tensors, parts, strict=True):
        custom_from_mask(module, name, mask=part.view_as(t))


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune a parameter where a mask of its shape is zero.

    >>> import rushlight as torch
    >>> layer = torch.nn.Linear(2, 3)
    >>> layer = torch.nn.utils.prune.custom_from_mask(layer, "bias", torch.tensor([0, 1, 0]))
    >>> layer.bias_mask
    tensor([0., 1., 0.])

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.custom_from_mask.html
    """
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one again, with zeros where it was pruned; ValueError for one that was not.

    >>> import rushlight as torch
    >>> prune = torch.nn.utils.prune
    >>> layer = prune.l1_unstructured(torch.nn.Linear(2, 1), "weight", amount=1)
    >>> list(prune.remove(layer, "weight").state_dict())
    ['bias', 'weight']

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.remove.html
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter in a module's tree is pruned.

    >>> import rushlight as torch
    >>> torch.nn.utils.prune.is_pruned(torch.nn.Linear(2, 1))
    False

    Source: https://docs.pytorch.org/docs/2.13/generated/torch.nn.utils.prune.is_pruned.html
    """
    return any(
        isinstance(hook, BasePruningMethod)
        for submodule in module.modules()
        for hook in submodule._forward_pre_hooks.values()
    )
