"""What is said when something that is no Tensor came where one must stand."""

from __future__ import annotations

import inspect
import re
from typing import Any

from rushlight.autograd.variable import Variable

__all__ = ["not_a_tensor"]


def not_a_tensor(operation: Any, args: tuple[Any, ...], error: AttributeError) -> Exception:
    """The TypeError for an argument that should be a Tensor, where an AttributeError means that; else the error."""
    value = error.obj
    if error.name is None or isinstance(value, Variable) or not any(value is a for a in args):
        return error
    position = next(i for i, a in enumerate(args) if a is value)
    node_name = re.sub(r"Backward\d*$", "", operation.node_name or operation.__name__)
    function = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node_name).lower()
    parameters = list(inspect.signature(operation.forward).parameters)[1:]
    name = parameters[min(position, len(parameters) - 1)]
    found = TypeError(
        f"{function}(): argument '{name}' (position {position + 1}) must be Tensor, not {type(value).__name__}"
    )
    found.__suppress_context__ = True
    return found
