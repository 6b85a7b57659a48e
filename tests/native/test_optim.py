"""The compiled optimizer steps against the reference."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import optim

SHAPES = [(6, 1, 5, 5), (6,), (), (0,), (1,), (120, 400), (17,), (33, 3)]

MOMENTS = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8}
DECAYED = {"weight_decay": 0.01, "maximize": True}
# A step, how many lists of states it has, which of them are there, and its numbers.
STEPS = [
    ("adam", 3, (0, 1), {"rate": 0.01, "root_correction": 0.3, **MOMENTS}),
    ("adam", 3, (0, 1, 2), {"rate": 0.01, "root_correction": 0.3, **MOMENTS, **DECAYED}),
    ("adam", 3, (0, 1), {"rate": 0.1, "root_correction": 0.9, **MOMENTS, "beta1": 0.4, "keep": 0.9, "maximize": True}),
    ("adagrad", 1, (0,), {"rate": 0.1, "eps": 1e-10}),
    ("adagrad", 1, (0,), {"rate": 0.1, "eps": 1e-10, **DECAYED}),
    ("rmsprop", 3, (0,), {"lr": 0.01, "alpha": 0.9, "eps": 1e-8}),
    ("rmsprop", 3, (0, 1), {"lr": 0.01, "alpha": 0.3, "eps": 1e-2, **DECAYED}),
    ("rmsprop", 3, (0, 1, 2), {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "momentum": 0.9}),
    ("adadelta", 2, (0, 1), {"lr": 1.0, "rho": 0.9, "eps": 1e-6, **DECAYED}),
    ("nadam", 2, (0, 1), {"now": 0.01, "ahead": 0.02, "correction": 0.1, **MOMENTS, **DECAYED}),
    ("nadam", 2, (0, 1), {"now": 0.01, "ahead": 0.02, "correction": 0.1, **MOMENTS, "keep": 0.9}),
    ("radam", 2, (0, 1), {"lr": 0.1, "mean_correction": 0.2, "square_correction": 0.1, "rectified": 0.7, **MOMENTS}),
    ("radam", 2, (0, 1), {"lr": 0.1, "mean_correction": 0.2, "square_correction": 0.1, "rectified": 0.0, **MOMENTS,
                          "keep": 0.9}),
    ("adamax", 2, (0, 1), {"rate": 0.01, **MOMENTS, **DECAYED}),
    ("asgd", 1, (0,), {"rate": 0.1, "keep": 0.99, "share": 1.0}),
    ("asgd", 1, (0,), {"rate": 0.1, "keep": 0.99, "share": 0.2, **DECAYED}),
    ("rprop", 2, (0, 1), {"down": 0.5, "up": 1.2, "smallest": 1e-3, "largest": 0.5, "maximize": True}),
]  # fmt: skip
SGD = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01, "maximize": True},
    {"momentum": 0.9, "weight_decay": 0.01, "nesterov": True},
    {"weight_decay": 0.1, "maximize": True},
]
ROWS = [step for step in STEPS if step[0] in ("adam", "adagrad")]


def named(value):
    return value if isinstance(value, str) else "-".join(map(str, value)) if isinstance(value, (tuple, dict)) else ""


def arrays(rng, dtype):
    return [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]


def states_of(params, count, there):
    return [[np.full_like(p, 0.01) if i in there else None for p in params] for i in range(count)]


def close(got, want, dtype):
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for a, b in zip(got, want, strict=True):
        if a is not None:
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


@pytest.mark.parametrize(("name", "count", "there", "numbers"), STEPS, ids=named)
def test_steps_equal_the_reference(machine, rng, dtype, name, count, there, numbers):
    ours = arrays(rng, dtype)
    ours = [ours, *states_of(ours, count, there)]
    theirs = copy.deepcopy(ours)
    for _ in range(3):
        grads = arrays(rng, dtype)
        assert getattr(_native, f"{name}_step")(ours[0], grads, *ours[1:], **numbers) is None
        getattr(optim, f"{name}_step")(theirs[0], grads, *theirs[1:], **numbers)
        for a, b in zip(ours, theirs, strict=True):
            close(a, b, dtype)


@pytest.mark.parametrize(("name", "count", "there", "numbers"), ROWS, ids=named)
def test_steps_of_rows_equal_the_reference(machine, rng, dtype, name, count, there, numbers):
    ours = [rng.standard_normal((50, 3, 7)).astype(dtype), rng.standard_normal((900, 64)).astype(dtype)]
    ours = [ours, *states_of(ours, count, there)]
    theirs = copy.deepcopy(ours)
    rows = [np.array([0, 7, 8, 49]), np.flatnonzero(rng.random(900) < 0.7)]
    grads = [rng.standard_normal((len(r), *p.shape[1:])).astype(dtype) for r, p in zip(rows, ours[0], strict=True)]
    assert getattr(_native, f"{name}_step")(ours[0], grads, *ours[1:], **numbers, rows=rows) is None
    getattr(optim, f"{name}_step")(theirs[0], grads, *theirs[1:], **numbers, rows=rows)
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, dtype)


@pytest.mark.parametrize(("name", "count", "there", "numbers"), STEPS, ids=named)
def test_nan_and_infinity_spread_as_in_the_reference(machine, dtype, name, count, there, numbers):
    grad = np.array([np.nan, np.inf, -np.inf, 0, 1, 1e-42] * 5, dtype)
    ours = [[np.ones(30, dtype)], *states_of([np.ones(30, dtype)], count, there)]
    theirs = copy.deepcopy(ours)
    with np.errstate(all="ignore"):
        for module, state in ((_native, ours), (optim, theirs)):
            for _ in range(2):
                getattr(module, f"{name}_step")(state[0], [grad], *state[1:], **numbers)
    for a, b in zip(ours, theirs, strict=True):
        if a[0] is not None:
            np.testing.assert_allclose(a[0], b[0], rtol=1e-5)


def test_steps_are_the_same_on_any_number_of_threads(rng):
    start, grads = arrays(rng, np.float32), arrays(rng, np.float32)
    before, found = _native.get_num_threads(), []
    for threads in (1, 2, 3):
        _native.set_num_threads(threads)
        params = copy.deepcopy(start)
        _native.rmsprop_step(params, grads, *states_of(params, 3, (0, 1, 2)), 0.1, 0.9, 1e-2, 0.9)
        found.append(params)
    _native.set_num_threads(before)
    for params in found[1:]:
        for a, b in zip(params, found[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_all_arrays_are_measured_and_scaled(machine, rng, dtype):
    ours = [*arrays(rng, dtype), rng.standard_normal((30, 40)).astype(dtype).T]
    theirs = copy.deepcopy(ours)
    total, expected = _native.squares_of_all(ours), optim.squares_of_all(ours)
    np.testing.assert_allclose(total, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)
    assert _native.scale_all(ours, 0.3) is None
    optim.scale_all(theirs, 0.3)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert _native.squares_of_all([]) == 0
    assert np.isnan(_native.squares_of_all([*ours, np.array([1, np.nan], dtype)]))
    assert _native.squares_of_all([np.ones(3, np.int64)]) is NotImplemented
    assert _native.scale_all([np.ones((4, 4), dtype)[:, ::2]], 0.3) is NotImplemented
    with pytest.raises(ValueError, match=r"arrays\[0\] is read-only"):
        _native.scale_all([LOCKED], 0.3)


def test_lists_may_mix_single_and_double_precision(rng):
    params = [np.ones(5, np.float32), np.ones((2, 2)), np.ones(3, np.float32)]
    _native.sgd_step(params, [np.full_like(p, 2) for p in params], [], 0.25)
    for p in params:
        np.testing.assert_array_equal(p, np.full_like(p, 0.5))


def test_one_strided_or_half_array_leaves_the_step_to_the_reference_untouched():
    for odd in (np.ones((4, 4), np.float32).T[:, ::2], np.ones(3, np.float16)):
        params = [np.ones(4, np.float32), odd]
        grads = [np.ones(p.shape, p.dtype) for p in params]
        assert _native.sgd_step(params, grads, [None, None], 0.5, 0.9) is NotImplemented
        assert all((p == 1).all() for p in params)
        kernels.sgd_step(params, grads, [None, None], 0.5, 0.9)
        assert all((p == 0.5).all() for p in params)


def test_any_order_of_the_dimensions_is_taken_if_all_arrays_have_it(rng):
    def channels_last(a):
        return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    values = [rng.standard_normal((3, 4, 2, 5)).astype(np.float32) for _ in range(2)]
    ours, theirs = [channels_last(v) for v in values], copy.deepcopy(values)
    sums = channels_last(np.zeros_like(values[0]))
    assert _native.adagrad_step([ours[0]], [ours[1]], [sums], 0.1, 1e-10) is None
    optim.adagrad_step([theirs[0]], [theirs[1]], [np.zeros_like(sums)], 0.1, 1e-10)
    close([ours[0]], [theirs[0]], np.float32)
    # A gradient in another order is copied.
    before = [ours[0].copy(), sums.copy()]
    assert _native.adagrad_step([ours[0]], [values[1]], [sums], 0.1, 1e-10) is None
    optim.adagrad_step([before[0]], [values[1]], [before[1]], 0.1, 1e-10)
    close([ours[0], sums], before, np.float32)
    overlapping = np.lib.stride_tricks.as_strided(np.zeros(9, np.float32), (3, 3), (8, 8), writeable=True)
    assert _native.adagrad_step([overlapping], [overlapping], [overlapping], 0.1, 1e-10) is NotImplemented


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


TABLE = np.ones((4, 2), np.float32)


@pytest.mark.parametrize("module", [_native, optim])
@pytest.mark.parametrize(
    ("grad", "rows", "message"),
    [
        (TABLE[:2], [3, 4], "each once and in order"),
        (TABLE[:2], [1, 1], "each once and in order"),
        (TABLE[:2], [1, 0], "each once and in order"),
        (TABLE[:2], [-1, 0], "each once and in order"),
        (TABLE[:2], [0], "as many rows as are named"),
        (TABLE[:1, :1].copy(), [0], "the shape differs"),
    ],
)
def test_wrong_rows_raise(module, grad, rows, message):
    with pytest.raises(ValueError, match=message):
        module.adagrad_step([TABLE], [grad], [TABLE.copy()], 0.1, 1e-10, rows=[np.array(rows)])


@pytest.mark.parametrize("wrong", [None, X, (X,), "x", 3])
def test_what_is_no_list_of_arrays_raises(wrong):
    with pytest.raises(TypeError, match="expected a list of arrays"):
        _native.sgd_step(wrong, [X], [], 0.1)
    with pytest.raises(TypeError, match="expected a list of arrays"):
        _native.adam_step([X], [X], wrong, [X], [None], 0.1, 1.0, 0.9, 0.99, 1e-8)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.sgd_step([X], ["x" if wrong is X else wrong], [], 0.1)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.adam_step([X], [X], [None], [X], [None], 0.1, 1.0, 0.9, 0.99, 1e-8)
