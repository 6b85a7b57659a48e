"""Where a loaded storage goes: PyTorch's `map_location`, on a machine with a CPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rushlight.device import device
from rushlight.serialization.errors import outside
from rushlight.serialization.options import restored
from rushlight.storage import TypedStorage, UntypedStorage

__all__ = ["MapLocation", "location_mapper"]

MapLocation = str | bytes | device | Mapping[str, str] | Callable[[UntypedStorage, str], Any] | None

_ACCELERATORS = ("cuda", "hpu", "xpu", "mtia")


def _default(storage: UntypedStorage, location: str) -> UntypedStorage:
    found = restored(storage, location)
    if found is not None:
        return found.untyped()
    for name in _ACCELERATORS:
        if location == name or re.match(f"{name}(:|[0-9]+)", location):
            raise RuntimeError(
                f"Attempting to deserialize object on a {name.upper()} device but torch.{name}.is_available() is "
                "False. If you are running on a CPU-only machine, please use torch.load with "
                "map_location=torch.device('cpu') to map your storages to the CPU."
            )
    raise RuntimeError(
        f"don't know how to restore data location of torch.storage.UntypedStorage (tagged with {location})"
    )


def location_mapper(map_location: MapLocation) -> Callable[[UntypedStorage, str], UntypedStorage]:
    """The function that takes a storage to its place, given the place it was saved from.

    Raises RuntimeError when that place, or the one it is mapped to, is not the CPU.
    """
    if map_location is None:
        return _default
    if isinstance(map_location, Mapping):
        places = map_location
        return lambda storage, location: _default(storage, str(places.get(location, location)))
    if isinstance(map_location, bytes):
        map_location = map_location.decode("ascii")
    if isinstance(map_location, (str, device)):
        place = str(map_location)
        return lambda storage, location: _default(storage, place)
    if not callable(map_location):
        raise TypeError(
            f"expected map_location to be a device, a string, a dict or a function, got {type(map_location).__name__}"
        )
    choose = map_location

    def by_call(storage: UntypedStorage, location: str) -> UntypedStorage:
        return outside(chosen, storage, location)

    def chosen(storage: UntypedStorage, location: str) -> UntypedStorage:
        result = choose(storage, location)
        if result is None:
            return _default(storage, location)
        if isinstance(result, TypedStorage):
            result = result.untyped()
        if not isinstance(result, UntypedStorage):
            raise TypeError(f"expected map_location to return a storage or None, got {type(result).__name__}")
        return result

    return by_call
