"""The compiled optimizer steps against the reference."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import optim

SHAPES = [(6, 1, 5, 5), (6,), (), (0,), (1,), (120, 400), (17,), (33, 3)]

SGD = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01, "maximize": True},
    {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
    {"weight_decay": 0.1, "maximize": True},
]
ADAM = [
    {},
    {"weight_decay": 0.01, "amsgrad": True},
    {"weight_decay": 0.01, "decoupled_weight_decay": True, "maximize": True},
    {"weight_decay": 0.1, "decoupled_weight_decay": True, "amsgrad": True, "beta1": 0.4},
]


def arrays(rng, dtype):
    return [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]


def close(got, want, dtype):
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("options", SGD, ids=lambda o: "-".join(o) or "plain")
def test_sgd_equals_the_reference(machine, rng, dtype, options):
    ours = arrays(rng, dtype)
    theirs = copy.deepcopy(ours)
    buffers, their_buffers = [None] * len(ours), [None] * len(ours)
    for _ in range(3):
        grads = arrays(rng, dtype)
        assert _native.sgd_step(ours, grads, buffers, 0.1, **options) is None
        optim.sgd_step(theirs, grads, their_buffers, 0.1, **options)
        close(ours, theirs, dtype)
    if options.get("momentum"):
        close(buffers, their_buffers, dtype)
    else:
        assert buffers == [None] * len(ours)


@pytest.mark.parametrize("options", ADAM, ids=lambda o: "-".join(o) or "plain")
def test_adam_equals_the_reference(machine, rng, dtype, options):
    options = {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, **options}
    ours = [arrays(rng, dtype), *([np.zeros(s, dtype) for s in SHAPES] for _ in range(3))]
    theirs = copy.deepcopy(ours)
    for step in range(1, 4):
        grads = arrays(rng, dtype)
        assert _native.adam_step(ours[0], grads, *ours[1:], step, **options) is None
        optim.adam_step(theirs[0], grads, *theirs[1:], step, **options)
        for a, b in zip(ours, theirs, strict=True):
            close(a, b, dtype)


def test_nan_and_infinity_spread_as_in_the_reference(machine, dtype):
    grad = np.array([np.nan, np.inf, -np.inf, 0, 1] * 5, dtype)
    ours, theirs = ([np.ones(25, dtype)] + [np.zeros(25, dtype) for _ in range(3)] for _ in range(2))
    with np.errstate(all="ignore"):
        for step in (1, 2):
            for module, state in ((_native, ours), (optim, theirs)):
                lists = [[array] for array in state]
                module.adam_step(lists[0], [grad], *lists[1:], step, 0.1, 0.9, 0.99, 1e-8, amsgrad=True)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_lists_may_mix_single_and_double_precision(rng):
    params = [np.ones(5, np.float32), np.ones((2, 2)), np.ones(3, np.float32)]
    _native.sgd_step(params, [np.full_like(p, 2) for p in params], [], 0.25)
    for p in params:
        np.testing.assert_array_equal(p, np.full_like(p, 0.5))


def test_one_strided_or_half_array_leaves_the_step_to_the_reference_untouched():
    for odd in (np.ones((4, 4), np.float32).T[:, ::2], np.ones(3, np.float16)):
        params = [np.ones(4, np.float32), odd]
        grads = [np.ones_like(p) for p in params]
        assert _native.sgd_step(params, grads, [None, None], 0.5, 0.9) is NotImplemented
        assert all((p == 1).all() for p in params)
        kernels.sgd_step(params, grads, [None, None], 0.5, 0.9)
        assert all((p == 0.5).all() for p in params)


X = np.ones(3, np.float32)
LOCKED = np.broadcast_to(np.float32(1), (3,))


@pytest.mark.parametrize("module", [_native, optim])
@pytest.mark.parametrize(
    ("params", "grads", "buffers", "message"),
    [
        ([X], [], [None], "grads: expected 1 arrays, but got 0"),
        ([X], [X], [], "momentum_buffers: expected 1 arrays, but got 0"),
        ([X], [X[:2]], [None], r"grads\[0\]: the shape differs"),
        ([X], [X], [X[:2]], r"momentum_buffers\[0\]: the shape differs"),
        ([LOCKED], [X], [None], r"params\[0\] is read-only"),
        ([X], [X], [LOCKED], r"momentum_buffers\[0\] is read-only"),
    ],
)
def test_wrong_lists_raise(module, params, grads, buffers, message):
    with pytest.raises(ValueError, match=message):
        module.sgd_step(params, grads, buffers, 0.1, 0.9)


@pytest.mark.parametrize("wrong", [None, X, (X,), "x", 3])
def test_what_is_no_list_of_arrays_raises(wrong):
    with pytest.raises(TypeError, match="expected a list of arrays"):
        _native.sgd_step(wrong, [X], [], 0.1)
    with pytest.raises(TypeError, match="expected a list of arrays"):
        _native.adam_step([X], [X], wrong, [X], [], 1, 0.1, 0.9, 0.99, 1e-8)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.sgd_step([X], ["x" if wrong is X else wrong], [], 0.1)
