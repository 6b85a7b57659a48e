"""Whatever a compiled kernel is handed, it returns or raises; it never crashes. The seed is in the test's name."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from rushlight import _native

KERNELS = [
    "accumulate",
    "adadelta_step",
    "adagrad_step",
    "adam_step",
    "adamax_step",
    "add",
    "add_along",
    "add_planes",
    "asgd_step",
    "attention",
    "attention_backward",
    "clamp",
    "clamp_marked",
    "copy_into",
    "copy_planes",
    "pad_constant",
    "elu",
    "erfinv",
    "exp",
    "extremum_along",
    "fmod",
    "gather_along",
    "gather_max",
    "gather_sum",
    "extremum_over",
    "gelu_backward",
    "gemm",
    "int8_product",
    "int8_quantize",
    "int8_range",
    "hypot",
    "joined",
    "leaky_relu",
    "leaky_relu_backward",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "log_sum_exp_along",
    "lu_factor",
    "mean",
    "median_along",
    "nadam_step",
    "normalize",
    "normalize_backward",
    "kth_along",
    "mode_along",
    "moments_over",
    "place_over",
    "product_along",
    "radam_step",
    "random_binomial",
    "random_gamma",
    "random_poisson",
    "relu_forward",
    "rmsprop_step",
    "rprop_step",
    "scale_all",
    "rms_normalize",
    "rms_normalize_backward",
    "scatter_along",
    "scatter_sum",
    "select",
    "sgd_step",
    "softplus",
    "sort_along",
    "squares_of_all",
    "stacked",
    "topk_along",
    "softmax",
    "sum_along",
    "sum_over",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "threshold_backward",
    "zeta",
]
# How many lists of states, and how many numbers, an optimizer's step has.
STEPS = {
    "adadelta_step": (2, 3), "adagrad_step": (1, 2), "adam_step": (3, 5), "adamax_step": (2, 4), "asgd_step": (1, 3),
    "nadam_step": (2, 6), "radam_step": (2, 7), "rmsprop_step": (3, 4), "rprop_step": (2, 4), "sgd_step": (1, 2),
}  # fmt: skip
SCALARS = [None, True, -100, 2**70, 1.5, float("nan"), "x", (), {}, object(), np.float32(1), 0, -1]


def an_array(rng: random.Random) -> np.ndarray:
    shape = tuple(rng.choice([0, 1, 2, 3, 17]) for _ in range(rng.choice([0, 1, 1, 2, 2, 2, 3])))
    array = np.zeros(shape, rng.choice(["f", "f", "f", "d", "q", "e", "?", "F", ">f4", "O", "S3", "i"]))
    kind = rng.randrange(12)
    if kind == 0:
        array = np.broadcast_to(array, (3, *shape))
    elif kind == 1 and array.ndim:
        array = array[::-1]
    elif kind == 2:
        array = array.T
    elif kind == 3:
        array.flags.writeable = False
    elif kind == 4:
        array = np.frombuffer(bytes(25), np.uint8)[1:].view(np.float32).reshape(2, 3)  # misaligned
    return array


def anything(rng: random.Random) -> Any:
    kind = rng.randrange(10)
    if kind < 6:
        return an_array(rng)
    if kind < 8:
        return [an_array(rng) if rng.random() < 0.8 else rng.choice(SCALARS) for _ in range(rng.randrange(3))]
    return rng.choice(SCALARS)


def arguments(rng: random.Random, name: str) -> tuple[list[Any], dict[str, Any]]:
    if name == "gemm":
        options = {"transpose_a": rng.random() < 0.5, "transpose_b": rng.random() < 0.5}
        return [anything(rng), anything(rng)], {**options, "bias": anything(rng), "out": anything(rng)}
    if name in ("normalize", "normalize_backward"):
        count = 3 if name == "normalize" else 5
        layouts = [
            tuple(rng.choice([0, 1, 2, 3, 17, -1, 2**70, "x"]) for _ in range(rng.randrange(4))) for _ in range(3)
        ]
        return [*[an_array(rng) if rng.random() < 0.7 else anything(rng) for _ in range(count)], *layouts, 0.1], {}
    if name in ("copy_planes", "add_planes"):
        indices = [
            np.array([rng.choice([0, 0, 1, 2, -1, 2**62]) for _ in range(rng.randrange(4))], np.int64) for _ in range(2)
        ]
        size = [rng.choice([0, 1, 3, 17, -1]) for _ in range(2)] if name == "add_planes" else []
        return [an_array(rng) if rng.random() < 0.9 else anything(rng), *indices, *size], {}
    if name in ("clamp", "clamp_marked", "leaky_relu", "leaky_relu_backward"):
        arrays, numbers = 1 + name.endswith("backward"), 1 + name.startswith("clamp") + name.endswith("marked")
        return [
            *[anything(rng) for _ in range(arrays)],
            *[rng.choice([0.5, -1, "x", 2**2000]) for _ in range(numbers)],
        ], {}
    if name in ("joined", "stacked"):
        like = an_array(rng)
        arrays = [like.copy() if rng.random() < 0.8 else anything(rng) for _ in range(rng.randrange(4))]
        return [rng.choice([arrays, arrays, anything(rng)]), rng.choice([0, 0, 1, -1, 2**62, anything(rng)])], {}
    if name == "sum_over":
        dims = tuple(rng.choice([0, 1, 2, -1, 2**70, "x"]) for _ in range(rng.randrange(3)))
        return [anything(rng), rng.choice([None, dims, anything(rng)]), True, 1.0], {}
    if name in STEPS:
        like = an_array(rng)
        count, numbers = STEPS[name]
        lists = [[np.zeros_like(like) if rng.random() < 0.9 else anything(rng)] for _ in range(2 + count)]
        args = [*lists, *[0.5] * numbers]
        if rng.random() < 0.3:
            args[rng.randrange(len(args))] = anything(rng)
        rows = [np.array([rng.choice([-1, 0, 1, 2]) for _ in range(rng.randrange(3))], np.int64)]
        return args, {"rows": rng.choice([rows, anything(rng)])} if "ad" in name[:2] and rng.random() < 0.5 else {}
    if name in ("gather_sum", "gather_max", "scatter_sum"):
        index, bounds = ([rng.choice([0, 1, 2, -1, 2**62]) for _ in range(rng.randrange(4))] for _ in range(2))
        args = [an_array(rng), np.array(index, np.int64), np.array(bounds, np.int64)]
        return [anything(rng) if rng.random() < 0.1 else a for a in args] + [3] * (name == "scatter_sum"), {}
    return [anything(rng) for _ in range(rng.choice([1, 2, 2, 3, 4]))], {}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", KERNELS)
def test_no_arguments_crash_the_interpreter(name, seed):
    rng = random.Random(seed)
    for _ in range(300):
        args, options = arguments(rng, name)
        try:
            getattr(_native, name)(*args, **options)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
