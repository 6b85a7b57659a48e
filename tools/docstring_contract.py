"""The docstring contract of public names: `python tools/docstring_contract.py` prints each breach.

Every public name has a docstring that begins with a sentence. Where PyTorch has the name, the docstring also names its
source; a layer and its function show an example that runs (tests/test_docstrings.py runs them). The in-place twin of a
function may send the reader to it in one line.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools.public_names import NAMESPACES, public_names

_SOURCE, _EXAMPLE = re.compile(r"^\s*(Source|Sources|Reference):", re.MULTILINE), re.compile(r"^\s*>>> ", re.MULTILINE)

# Namespace: whether its names need a source, an example.
CONTRACT = dict.fromkeys(NAMESPACES, (False, False)) | {
    "rushlight": (True, True),
    "rushlight.amp": (True, True),
    "rushlight.autograd": (True, True),
    "rushlight.autograd.forward_ad": (True, True),
    "rushlight.autograd.functional": (True, True),
    "rushlight.autograd.grad_mode": (True, True),
    "rushlight.autograd.graph": (True, True),
    "rushlight.distributions": (True, True),
    "rushlight.distributions.constraints": (True, False),
    "rushlight.distributions.kl": (True, True),
    "rushlight.distributions.transforms": (True, False),
    "rushlight.fft": (True, True),
    "rushlight.func": (True, True),
    "rushlight.linalg": (True, True),
    "rushlight.masked": (True, True),
    "rushlight.nn": (True, True),
    "rushlight.nn.functional": (True, True),
    "rushlight.nn.init": (True, False),
    "rushlight.nn.parameter": (True, False),
    "rushlight.optim": (True, False),
    "rushlight.optim.lr_scheduler": (True, False),
    "rushlight.profiler": (True, True),
    "rushlight.quasirandom": (True, True),
    "rushlight.random": (True, True),
    "rushlight.signal.windows": (True, True),
    "rushlight.sparse": (True, True),
    "rushlight.special": (True, True),
    "rushlight.testing": (True, True),
    "rushlight.utils.benchmark": (True, True),
    "rushlight.utils.checkpoint": (True, True),
    "rushlight.utils.data": (True, False),
    "rushlight.utils.dlpack": (True, True),
    "rushlight.vision.datasets": (True, False),
    "rushlight.vision.transforms": (True, False),
    "rushlight.vision.transforms.functional": (True, False),
}


def _refers_to_twin(doc: str, name: str) -> bool:
    """Whether one line sends the reader to the twin: `relu_` to `relu`, `normal` to `normal_`."""
    in_place = name.endswith("_") and "written into the tensor" in doc
    return "\n" not in doc and (in_place or f"`{name}_`" in doc)


def _breaches(name: str, thing: Any, source: bool, example: bool) -> list[str]:
    """What is wrong with one object's own docstring."""
    doc = inspect.cleandoc(thing.__dict__.get("__doc__") or "" if inspect.isclass(thing) else thing.__doc__ or "")
    if not doc:
        return ["has no docstring"]
    found = []
    # The first sentence may run over a few lines, up to the first empty one.
    first = doc.split("\n\n")[0].rstrip()
    if not re.search(r"[.:!?](\s|$)", first):
        found.append(f"does not begin with a sentence: {first.splitlines()[0]!r}")
    if _refers_to_twin(doc, name):
        return found
    if source and not _SOURCE.search(doc):
        found.append("names no source")
    if example and not _EXAMPLE.search(doc):
        found.append("has no example")
    return found


def faults(space: str) -> list[str]:
    """The breaches among the public names of one namespace, one line each."""
    module = importlib.import_module(space)
    source, example = CONTRACT[space]
    lines = []
    for name in public_names(module):
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            lines += [f"{space}.{name} {breach}" for breach in _breaches(name, thing, source, example)]
    return lines


if __name__ == "__main__":
    breaches = [line for space in CONTRACT for line in faults(space)]
    print("\n".join(breaches) or "Every public name keeps the contract.")
    sys.exit(bool(breaches))
