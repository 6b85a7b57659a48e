"""Calls public functions, methods, layers and kernels with arguments that make little sense.

Each call must return or raise an exception of PyTorch's kind. `python tests/native/fuzz.py --what functions --seed 3`
runs one seed and prints each call that doesn't; `--seeds 3 50` runs many. A call that crashes the interpreter is the
last one of the file named by `--log`.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import inspect
import io
import os
import random
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rushlight as torch
import rushlight.nn as nn
import rushlight.nn.functional as F
from rushlight import kernels
from rushlight.kernels import convolution, dispatch, pooling

EXPECTED = (RuntimeError, TypeError, ValueError, IndexError, OverflowError, MemoryError)
# What PyTorch raises in the same place.
AS_IN_PYTORCH = [
    (AssertionError, "Torch not compiled with CUDA enabled"),
    (AssertionError, "must be greater than min_val"),
    (AssertionError, "adding_idx must be within num_embeddings"),
    (AssertionError, "Shape of weight does not match"),
    (AssertionError, "Embeddings parameter is expected"),
    (AssertionError, "embed_dim must be divisible by num_heads"),
    (AssertionError, "query should be unbatched 2D or batched 3D"),
    (AssertionError, "`query`, expected"),
    (AttributeError, "object has no attribute 'dim'"),  # multi_head_attention_forward(1, …)
    (AttributeError, "object has no attribute 'uniform_'"),
    (AttributeError, "'Tensor' object has no attribute 'value'"),  # scaled_mm's recipes
    (AttributeError, "object has no attribute 'detach'"),  # Parameter(3)
    (AttributeError, "object has no attribute 'is_floating_point'"),
    (AttributeError, "object has no attribute 'lower'"),  # kaiming_uniform_(mode=3)
    (BufferError, "Can't export tensors that require gradient"),
    (ZeroDivisionError, "division by zero"),  # a weight without inputs
    (ZeroDivisionError, "modulo by zero"),  # no groups
    (ZeroDivisionError, "float modulo"),
]
HUGE = [2**31 - 1, 2**31, 2**40, -(2**40), 2**62, 2**63 - 1, -(2**63), 2**64]
DTYPES = [
    torch.float32, torch.float32, torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int64,
    torch.int32, torch.uint8, torch.int8, torch.bool, torch.complex64,
]  # fmt: skip
WORDS = ["mean", "sum", "none", "reflect", "constant", "same", "valid", "tanh", "floor", "linear", "", "bad"]
# What changes the process for the calls after it, waits for something, or exits.
SKIPPED = {
    "set_default_dtype", "set_num_threads", "set_printoptions", "set_rng_state", "save", "load", "inference_mode",
    "no_grad", "enable_grad", "set_grad_enabled", "manual_seed", "seed", "Generator", "share_memory_", "register_hook",
    "cuda",
}  # fmt: skip


class TooLong(BaseException):
    """A call that did not come back in time."""


def size(rng: random.Random) -> int:
    return rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 17])


def a_tensor(rng: random.Random) -> Any:
    shape = [size(rng) for _ in range(rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]))]
    while np.prod(shape) > 4000:
        shape.pop()
    numbers = np.random.default_rng(rng.randrange(2**32)).normal(0, 2, shape)
    if rng.random() < 0.15 and numbers.size:
        numbers.flat[rng.randrange(numbers.size)] = rng.choice([np.nan, np.inf, -np.inf, 1e300, -1.0])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = torch.tensor(numbers).to(rng.choice(DTYPES))
    kind = rng.randrange(8)
    if kind == 0 and tensor.ndim > 1:
        tensor = tensor.transpose(0, -1)
    elif kind == 1 and tensor.ndim:
        tensor = tensor[..., ::2]
    elif kind == 2:
        tensor = tensor.expand(2, *tensor.shape)
    if rng.random() < 0.2 and tensor.dtype.is_floating_point:
        tensor = tensor.detach().requires_grad_()
    return tensor


def an_int(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.7:
        return rng.choice([0, 1, 1, 2, 2, 3, 4, -1, -2])
    return rng.choice([5, 7, 16, 100, -5]) if kind < 0.85 else rng.choice(HUGE)


def ints(rng: random.Random) -> Any:
    return an_int(rng) if rng.random() < 0.5 else tuple(an_int(rng) for _ in range(rng.choice([0, 1, 2, 2, 3, 4])))


def a_float(rng: random.Random) -> float:
    return rng.choice([0.0, 0.1, 0.5, 1.0, 2.0, -1.0, float("nan"), float("inf"), 1e-300, 1e300])


def indices(rng: random.Random) -> Any:
    shape = [size(rng) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    return torch.tensor(np.random.default_rng(rng.randrange(2**32)).integers(-2, 6, shape))


def tensors(rng: random.Random) -> list[Any]:
    return [a_tensor(rng) for _ in range(rng.randrange(4))]


def anything(rng: random.Random) -> Any:
    makers: list[Callable[[random.Random], Any]] = [a_tensor, an_int, ints, a_float, indices, tensors]
    odd = [
        None,
        True,
        "a",
        b"x",
        object(),
        [],
        {},
        1j,
        [1, [2]],
        np.float32(1),
        np.zeros(2, object),
        np.zeros(3)[::-1],
        ...,
    ]
    return rng.choice(makers)(rng) if rng.random() < 0.5 else rng.choice([*odd, *DTYPES])


def flag(rng: random.Random) -> bool:
    return rng.random() < 0.5


INTS = {
    "dim", "dim0", "dim1", "dims", "size", "sizes", "shape", "kernel_size", "stride", "padding", "dilation", "groups",
    "k", "output_size", "output_padding", "normalized_shape", "num_groups", "num_classes", "n", "steps", "split_size",
    "chunks", "length", "start", "end", "step", "repeats", "shifts", "diagonal", "offset", "in_channels",
    "out_channels", "in_features", "out_features", "num_features", "num_channels", "num_embeddings", "embedding_dim",
    "start_dim", "end_dim", "low", "high", "storage_offset", "sections", "bins", "minlength", "num_samples", "row",
    "col", "num_parameters", "upscale_factor", "correction", "padding_idx", "ignore_index", "divisor_override",
    "unflattened_size", "split_sizes", "split_size_or_sections", "pad",
}  # fmt: skip
FLOATS = {"p", "eps", "momentum", "alpha", "beta", "value", "lambd", "negative_slope", "tau", "std", "mean", "rtol", "atol", "lower",
          "upper", "threshold", "label_smoothing", "max_norm", "norm_type", "q", "fill_value", "min_val", "max_val", "scale"}  # fmt: skip
LISTS = {"tensors", "tensor_list", "arrays"}


def argument(rng: random.Random, name: str) -> Any:
    """A value that a parameter of this name might take, now and then any other."""
    if rng.random() < 0.08:
        return anything(rng)
    if name in INTS:
        return ints(rng)
    if name in FLOATS:
        return a_float(rng)
    if name in LISTS:
        return tensors(rng)
    if name in ("index", "indices", "target", "repeats"):
        return indices(rng) if rng.random() < 0.7 else a_tensor(rng)
    if name in ("keepdim", "bias", "training", "inplace", "affine", "ceil_mode", "largest", "sorted", "descending", "stable",
                "return_indices", "count_include_pad", "track_running_stats", "elementwise_affine", "use_input_stats", "hard"):  # fmt: skip
        return flag(rng)
    if name == "dtype":
        return rng.choice(DTYPES)
    if name in (
        "reduction",
        "mode",
        "padding_mode",
        "approximate",
        "rounding_mode",
        "interpolation",
        "reduce",
        "indexing",
    ):
        return rng.choice(WORDS)
    if name in ("out", "device", "layout", "generator", "memory_format"):
        return None if rng.random() < 0.9 else anything(rng)
    return a_tensor(rng) if rng.random() < 0.9 else an_int(rng)


def arguments(rng: random.Random, function: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by the names of the parameters; the later ones often left out."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [anything(rng) for _ in range(rng.randrange(4))], {}
    args: list[Any] = []
    named: dict[str, Any] = {}
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            args += [argument(rng, p.name) for _ in range(rng.randrange(4))]
        elif p.kind is p.VAR_KEYWORD or (p.default is not p.empty and rng.random() < 0.6):
            if p.kind is p.POSITIONAL_ONLY:
                break
        elif p.kind is p.KEYWORD_ONLY or (named and p.kind is not p.POSITIONAL_ONLY):
            named[p.name] = argument(rng, p.name)
        elif p.default is p.empty:
            args.append(argument(rng, p.name))
        else:
            named[p.name] = argument(rng, p.name)
    return args, named


def public(where: Any) -> list[str]:
    return [n for n in sorted(dir(where)) if not n.startswith("_") and n not in SKIPPED and callable(getattr(where, n))]


def a_function(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    where, prefix = rng.choice([(torch, "torch"), (torch, "torch"), (F, "F"), (F, "F"), (nn.init, "init")])
    names = nn.init.__all__ if where is nn.init else public(where)
    name = rng.choice([n for n in names if not isinstance(getattr(where, n), type)])
    args, named = arguments(rng, getattr(where, name))
    return f"{prefix}.{name}{call_text(args, named)}", lambda: getattr(where, name)(*args, **named)


def a_method(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    tensor = a_tensor(rng)
    name = rng.choice(
        [*public(torch.Tensor), "__getitem__", "__setitem__", "__matmul__", "__add__", "__pow__", "__floordiv__"]
    )
    if name == "__getitem__" or name == "__setitem__":
        parts = [lambda: an_int(rng), lambda: slice(an_int(rng), an_int(rng), an_int(rng)), lambda: indices(rng), lambda: None,
                 lambda: ..., lambda: a_tensor(rng) != 0, lambda: anything(rng)]  # fmt: skip
        key = tuple(rng.choice(parts)() for _ in range(rng.choice([1, 1, 2, 3])))
        args: list[Any] = [key if len(key) > 1 else key[0]]
        args += [rng.choice([a_tensor, a_float, anything])(rng)] if name == "__setitem__" else []
        named: dict[str, Any] = {}
    else:
        args, named = arguments(rng, getattr(torch.Tensor, name))
        args = args[1:]
    return f"{describe(tensor)}.{name}{call_text(args, named)}", lambda: getattr(tensor, name)(*args, **named)


def a_layer(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    name = rng.choice([n for n in public(nn) if isinstance(getattr(nn, n), type)])
    args, named = arguments(rng, getattr(nn, name))
    named.pop("device", None)
    inputs = [a_tensor(rng) for _ in range(2 if name.endswith("Loss") or name == "Bilinear" else 1)]

    def call() -> None:
        out = getattr(nn, name)(*args, **named)(*inputs)
        if isinstance(out, torch.Tensor) and out.requires_grad:
            out.sum().backward()

    return f"nn.{name}{call_text(args, named)}{call_text(inputs, {})}", call


def an_array(rng: random.Random) -> Any:
    kind = rng.randrange(10)
    if kind == 0:
        return anything(rng)
    shape = tuple(size(rng) for _ in range(rng.choice([1, 2, 2, 3, 4, 4])))
    array = np.zeros(
        shape if np.prod(shape) < 5000 else shape[:2], rng.choice(["f", "f", "f", "f", "d", "q", "e", ">f4", "O"])
    )
    if kind == 1:
        array = np.broadcast_to(array, (3, *array.shape))
    elif kind == 2:
        array = array.T
    elif kind == 3 and array.ndim:
        array = array[::-1]
    elif kind == 4:
        array.flags.writeable = False
    return array


KERNELS = [getattr(kernels, n) for n in sorted(kernels.__all__) if n != "native_available"]
KERNELS += [getattr(m, n) for m in (convolution, pooling) for n in sorted(m.__all__) if callable(getattr(m, n))]


def a_kernel(rng: random.Random) -> tuple[str, Callable[[], Any]]:
    """A compiled kernel by itself: the references behind them trust their callers."""
    reference = rng.choice(KERNELS)
    name = reference.__name__
    compiled = getattr(dispatch.native, name, None)
    parameters = list(inspect.signature(reference).parameters.values())
    rank = rng.choice([1, 2])
    args: list[Any] = []
    named: dict[str, Any] = {}
    for p in parameters:
        value: Any
        if rng.random() < 0.05:
            value = anything(rng)
        elif p.name in ("stride", "padding", "dilation", "kernel", "outputs", "sizes"):
            value = tuple(abs(an_int(rng)) if rng.random() < 0.9 else an_int(rng) for _ in range(rank))
        elif p.name in ("x", "gy", "grad", "weight", "w") and name not in kernels.__all__:
            value = np.zeros([rng.choice([0, 1, 2, 3, 4, 9]) for _ in range(2 + rank)], rng.choice(["f", "d"]))
        elif "list" in str(p.annotation).lower():
            value = [an_array(rng) for _ in range(rng.randrange(3))]
        elif "int" in str(p.annotation).lower():
            value = an_int(rng)
        elif "bool" in str(p.annotation).lower():
            value = flag(rng)
        elif "float" in str(p.annotation).lower():
            value = a_float(rng)
        else:
            value = an_array(rng)
        if p.kind is p.KEYWORD_ONLY:
            named[p.name] = value
        else:
            args.append(value)
    return f"_native.{name}{call_text(args, named)}", lambda: compiled(*args, **named) if compiled else None


WHAT = {"functions": a_function, "methods": a_method, "layers": a_layer, "kernels": a_kernel}


def describe(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        grad = ", requires_grad=True" if value.requires_grad else ""
        if value.numel() < 10:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return f"torch.tensor({value.tolist()}, dtype={value.dtype}{grad})"
        return f"torch.ones({tuple(value.shape)}, dtype={value.dtype}{grad})"
    if isinstance(value, np.ndarray):
        return f"np.zeros({value.shape}, {value.dtype.str!r})"
    if isinstance(value, list):
        return f"[{', '.join(map(describe, value))}]"
    return repr(value)


def call_text(args: list[Any], named: dict[str, Any]) -> str:
    return f"({', '.join([*map(describe, args), *(f'{k}={describe(v)}' for k, v in named.items())])})"


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooLong(f"no answer in {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(what: str, seed: int, calls: int, log: Any, seconds: float) -> list[str]:
    """The calls of one seed that did neither return nor raise what is expected."""
    rng = random.Random(f"{what}{seed}")
    torch.manual_seed(seed)
    faults = []
    for _ in range(calls):
        text, call = WHAT[what](rng)
        log.seek(0)
        log.write(text + "\n")
        with contextlib.suppress(OSError):  # os.devnull has no length
            log.truncate()
        log.flush()
        try:
            with (
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
                contextlib.redirect_stdout(io.StringIO()),
                limited(seconds),
            ):
                warnings.simplefilter("ignore")
                call()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if isinstance(error, EXPECTED) and not isinstance(error, RecursionError):
                continue
            if any(isinstance(error, kind) and words in str(error) for kind, words in AS_IN_PYTORCH):
                continue
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            where = f"{os.path.relpath(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}" if frame else "?"
            faults.append(f"{type(error).__name__}: {error} [{where}]\n    {text}")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", choices=list(WHAT), default="functions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs=2)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--memory", type=int, default=4 << 30, help="bytes of address space; 0: no limit")
    parser.add_argument("--log", default=os.devnull)
    options = parser.parse_args()
    faulthandler.enable()
    if options.memory:
        resource.setrlimit(resource.RLIMIT_AS, (options.memory, options.memory))
    else:  # a sanitizer needs the address space: no sizes that the machine might just hold
        HUGE[:] = [n for n in HUGE if n not in (2**31 - 1, 2**31)]
    faults = []
    with open(options.log, "w", encoding="utf-8", errors="replace") as log:
        for seed in range(*options.seeds) if options.seeds else [options.seed]:
            faults += run(options.what, seed, options.calls, log, options.seconds)
    print("\n".join(faults))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
