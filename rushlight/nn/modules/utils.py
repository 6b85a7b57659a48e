"""What layers do with their arguments: one number, or one for each dimension."""

from __future__ import annotations

from typing import Any

from rushlight.nn.functional._tuples import _list_with_default as _list_with_default
from rushlight.nn.functional._tuples import _ntuple as _ntuple
from rushlight.nn.functional._tuples import _pair as _pair
from rushlight.nn.functional._tuples import _quadruple as _quadruple
from rushlight.nn.functional._tuples import _single as _single
from rushlight.nn.functional._tuples import _triple as _triple

__all__ = ["consume_prefix_in_state_dict_if_present"]


def _reverse_repeat_tuple(t: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """The entries from the last to the first, each `n` times."""
    return tuple(x for x in reversed(t) for _ in range(n))


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The `device`, `dtype` and `memory_format` among a layer's keyword arguments, as tensors are made with.

    They may stand in a dictionary `factory_kwargs` too, for layers that have a `dtype` argument of their own. TypeError
    for any other name, and for one that stands in both.

    >>> import rushlight as torch
    >>> torch.nn.factory_kwargs({"dtype": torch.float64})
    {'dtype': torch.float64}

    Source: https://docs.pytorch.org/docs/2.13/nn.html#torch.nn.factory_kwargs
    """
    if kwargs is None:
        return {}
    unexpected = kwargs.keys() - {"device", "dtype", "memory_format", "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for name in ("device", "dtype", "memory_format"):
        if name in kwargs and name in result:
            raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
        if name in kwargs:
            result[name] = kwargs[name]
    return result


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Take `prefix` off the names in a state_dict, in place: what was saved from a wrapped model fits the model alone.

    >>> import rushlight as torch
    >>> state = {"module.weight": 1}
    >>> torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'weight': 1}

    Source:
    https://docs.pytorch.org/docs/2.13/generated/torch.nn.modules.utils.consume_prefix_in_state_dict_if_present.html
    """
    for key in [key for key in state_dict if key.startswith(prefix)]:
        state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is not None:
        for key in list(metadata):
            if key == prefix.rstrip(".") or key.startswith(prefix):
                metadata[key[len(prefix) :]] = metadata.pop(key)
