"""Elements in another type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["convert"]


# As a decorator it costs half of what it costs in a `with`.
@np.errstate(over="ignore", invalid="ignore")
def convert(x: NDArray[Any], type: np.dtype[Any]) -> NDArray[Any]:
    """The elements in another type, in the order that they have in memory.

    Too large a value becomes infinite; a float loses its fraction, and what no integer can hold becomes the least one.
    """
    return x.astype(type, "K")
