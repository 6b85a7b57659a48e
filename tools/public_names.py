"""The public names of Rushlight's namespaces: `python tools/public_names.py` writes tests/golden/public_names.txt.

A namespace's public names are its `__all__`, else those without a leading underscore that are no modules.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "public_names.txt"

NAMESPACES = (
    "rushlight",
    "rushlight.accelerator",
    "rushlight.amp",
    "rushlight.ao.nn.intrinsic",
    "rushlight.ao.nn.qat",
    "rushlight.ao.nn.quantized",
    "rushlight.ao.nn.quantized.dynamic",
    "rushlight.ao.quantization",
    "rushlight.autograd",
    "rushlight.autograd.forward_ad",
    "rushlight.autograd.functional",
    "rushlight.autograd.grad_mode",
    "rushlight.autograd.graph",
    "rushlight.autograd.profiler",
    "rushlight.backends.cuda",
    "rushlight.compiler",
    "rushlight.cpu",
    "rushlight.cuda",
    "rushlight.distributions",
    "rushlight.distributions.constraint_registry",
    "rushlight.distributions.constraints",
    "rushlight.distributions.kl",
    "rushlight.distributions.transforms",
    "rushlight.distributions.utils",
    "rushlight.fft",
    "rushlight.func",
    "rushlight.futures",
    "rushlight.hub",
    "rushlight.jit",
    "rushlight.masked",
    "rushlight.linalg",
    "rushlight.memory",
    "rushlight.nn",
    "rushlight.nn.attention",
    "rushlight.nn.attention.bias",
    "rushlight.nn.attention.flex_attention",
    "rushlight.nn.functional",
    "rushlight.nn.grad",
    "rushlight.nn.init",
    "rushlight.nn.parallel",
    "rushlight.nn.parameter",
    "rushlight.nn.utils",
    "rushlight.nn.utils.parametrizations",
    "rushlight.nn.utils.parametrize",
    "rushlight.nn.utils.prune",
    "rushlight.nn.utils.rnn",
    "rushlight.nn.utils.stateless",
    "rushlight.optim",
    "rushlight.optim.lr_scheduler",
    "rushlight.optim.swa_utils",
    "rushlight.profiler",
    "rushlight.quasirandom",
    "rushlight.random",
    "rushlight.serialization",
    "rushlight.serialization.safetensors",
    "rushlight.signal.windows",
    "rushlight.sparse",
    "rushlight.special",
    "rushlight.testing",
    "rushlight.utils.benchmark",
    "rushlight.utils.checkpoint",
    "rushlight.utils.data",
    "rushlight.utils.data.datapipes.iter",
    "rushlight.utils.data.datapipes.map",
    "rushlight.utils.dlpack",
    "rushlight.utils.hooks",
    "rushlight.vision.datasets",
    "rushlight.vision.transforms",
    "rushlight.vision.transforms.functional",
)


def public_names(module: ModuleType) -> list[str]:
    """The names that `module` offers, sorted."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    return [n for n in dir(module) if not n.startswith("_") and not isinstance(getattr(module, n), ModuleType)]


def snapshot() -> str:
    """One line for each public name, by namespace."""
    lines = [f"{space}.{name}" for space in NAMESPACES for name in public_names(importlib.import_module(space))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(snapshot())
    print(f"{GOLDEN}: {snapshot().count(chr(10))} names")
