"""A version that is compared as one: with texts and tuples of numbers."""

from __future__ import annotations

import re
from typing import Any

from rushlight.version import __version__ as _own

__all__ = ["TorchVersion"]


def _parts(version: Any) -> tuple[Any, ...] | None:
    """What a version is compared by; None for what is none."""
    if isinstance(version, tuple | list):
        version = ".".join(str(item) for item in version)
    found = re.fullmatch(
        r"\s*v?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|rc|alpha|beta|c|pre|preview)[-_.]?(\d*))?(?:[-_.]?(post|rev|r)[-_.]?(\d*))?"
        r"(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9._-]+))?\s*",
        str(version).lower(),
    )
    if found is None:
        return None
    release = [int(number) for number in found[1].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    # Development versions come before the first release candidate, that before the release, and later fixes after it.
    before = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "rc": 2, "c": 2, "pre": 2, "preview": 2}
    stage = (before[found[2]], int(found[3] or 0)) if found[2] else (-1 if found[6] and not found[4] else 3, 0)
    post = int(found[5] or 0) if found[4] else -1
    dev = int(found[7] or 0) if found[6] else 2**31
    local = tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.split(r"[._-]", found[8] or "") if p)
    return tuple(release), stage, post, dev, local


class TorchVersion(str):
    """A version's text that is ordered as versions are: `"1.10" > "1.9"`, also beside tuples of numbers.

    >>> from rushlight.torch_version import TorchVersion
    >>> TorchVersion("1.10") > "1.9", TorchVersion("2.1.0") == (2, 1)
    (True, True)
    """

    def _compared(self, other: Any, method: str) -> Any:
        mine, theirs = _parts(str(self)), _parts(other)
        if mine is None or theirs is None:
            return getattr(str, method)(str(self), other)
        return getattr(tuple, method)(mine, theirs)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, "__gt__")

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, "__lt__")

    def __eq__(self, other: object) -> Any:
        return self._compared(other, "__eq__")

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, "__ge__")

    def __le__(self, other: Any) -> Any:
        return self._compared(other, "__le__")

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


__version__ = TorchVersion(_own)
