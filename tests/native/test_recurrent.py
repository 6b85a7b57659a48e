"""The compiled recurrent layers against the reference in float64."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rushlight import _native
from rushlight.kernels.reference import recurrent

# The rows of each step, hidden units: one state and many, units that fill no vector, and that fill several panels; enough
# work to be shared by states, or by units in rounds.
CASES = [
    ([1, 1, 1, 1], 1), ([2], 3), ([3, 3], 17), ([3, 2, 2, 1], 5), ([1] * 5, 33), ([7, 7, 7], 65), ([5, 5, 0], 4),
    ([1] * 12, 96), ([3] * 9, 130), ([40, 33, 33, 20, 9, 1], 48), ([32] * 4, 65),
]  # fmt: skip
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


def drawn(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def weights(rng, dtype, rows, columns):
    """Such that the states neither die nor saturate."""
    return (rng.standard_normal((rows, columns)) / columns**0.5).astype(dtype)


def in_double(args):
    return [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in args]


def check(name, args, dtype):
    """The compiled kernel's results and what it writes into its first argument."""
    wide = in_double(args)
    args = [args[0].copy(), *args[1:]]
    found = getattr(_native, name)(*args)
    assert found is not NotImplemented
    wanted = getattr(recurrent, name)(*wide)
    for ours, theirs in zip((*found, args[0]), (*wanted, wide[0]), strict=True):
        if theirs is None:
            assert ours is None
            continue
        if ours is args[0] and "backward" not in name and not args[-1]:
            continue  # what is not kept means nothing
        assert ours.dtype == dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(
            ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * (1 + np.abs(theirs).max())
        )
    return found, args[0]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_rnn(machine, dtype, reverse, relu):
    rng = np.random.default_rng(0)
    for sizes, size in CASES:
        rnn_alike(rng, dtype, sizes, size, reverse, relu)


def rnn_alike(rng, dtype, sizes, size, reverse, relu):
    gates, h = drawn(rng, dtype, sum(sizes), size), drawn(rng, dtype, sizes[0], size)
    weight = weights(rng, dtype, size, size)
    found, out = check("rnn_forward", (gates, h, weight, sizes, reverse, relu, True), dtype)
    np.testing.assert_array_equal(out, found[0])
    alone = _native.rnn_forward(gates.copy(), h, weight, sizes, reverse, relu, False)
    np.testing.assert_array_equal(alone[0], out)
    np.testing.assert_array_equal(alone[1], found[1])
    grad, last = drawn(rng, dtype, *out.shape), drawn(rng, dtype, *h.shape)
    check("rnn_backward", (out, weight, sizes, reverse, relu, grad, last), dtype)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("projected", [False, True])
def test_lstm(machine, dtype, reverse, projected):
    rng = np.random.default_rng(0)
    for sizes, size in CASES:
        lstm_alike(rng, dtype, sizes, size, reverse, projected)


def lstm_alike(rng, dtype, sizes, size, reverse, projected):
    given = max(1, size // 2) if projected else size
    gates, h, c = (
        drawn(rng, dtype, sum(sizes), 4 * size),
        drawn(rng, dtype, sizes[0], given),
        drawn(rng, dtype, sizes[0], size),
    )
    weight = weights(rng, dtype, 4 * size, given)
    projection = weights(rng, dtype, given, size) if projected else None
    found, activated = check("lstm_forward", (gates, h, c, weight, projection, sizes, reverse, True), dtype)
    alone = _native.lstm_forward(gates.copy(), h, c, weight, projection, sizes, reverse, False)
    for one, other in zip(alone[:3], found[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    _, _, _, _, cells, tanhs, _ = found
    grad, last, last_c = drawn(rng, dtype, sum(sizes), given), drawn(rng, dtype, *h.shape), drawn(rng, dtype, *c.shape)
    check("lstm_backward", (activated, cells, tanhs, weight, projection, sizes, reverse, grad, last, last_c), dtype)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_gru(machine, dtype, reverse, biased):
    rng = np.random.default_rng(0)
    for sizes, size in CASES:
        gru_alike(rng, dtype, sizes, size, reverse, biased)


def gru_alike(rng, dtype, sizes, size, reverse, biased):
    gates, h = drawn(rng, dtype, sum(sizes), 3 * size), drawn(rng, dtype, sizes[0], size)
    weight = weights(rng, dtype, 3 * size, size)
    bias = drawn(rng, dtype, 3 * size) if biased else None
    found, activated = check("gru_forward", (gates, h, weight, bias, sizes, reverse, True), dtype)
    alone = _native.gru_forward(gates.copy(), h, weight, bias, sizes, reverse, False)
    for one, other in zip(alone[:2], found[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    _, _, befores, candidates = found
    grad, last = drawn(rng, dtype, sum(sizes), size), drawn(rng, dtype, *h.shape)
    check("gru_backward", (activated, candidates, befores, weight, sizes, reverse, grad, last), dtype)


def lstm_problem(rng, dtype, steps, batch, size):
    return (
        drawn(rng, dtype, steps * batch, 4 * size), drawn(rng, dtype, batch, size), drawn(rng, dtype, batch, size),
        weights(rng, dtype, 4 * size, size), None, [batch] * steps, False, True,
    )  # fmt: skip


@pytest.mark.parametrize("batch", [1, 3, 24])
def test_the_number_of_threads_changes_nothing(rng, dtype, batch):
    problem = lstm_problem(rng, dtype, 20, batch, 128)
    before, results = _native.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 2, 7):
            _native.set_num_threads(threads)
            gates = problem[0].copy()
            results.append((gates, *_native.lstm_forward(gates, *problem[1:])[:3]))
    finally:
        _native.set_num_threads(before)
    for other in results[1:]:
        for one, same in zip(results[0], other, strict=True):
            np.testing.assert_allclose(one, same, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    for one, same in zip(results[1], results[3], strict=True):
        np.testing.assert_array_equal(one, same)


def test_python_threads_may_take_rounds_at_once(rng):
    """Of several callers one has the pool; the others do all parts of their rounds alone."""
    problem = lstm_problem(rng, np.float32, 30, 1, 128)
    before, results = _native.get_num_threads(), []
    _native.set_num_threads(3)

    def call():
        results.extend(_native.lstm_forward(problem[0].copy(), *problem[1:])[0] for _ in range(20))

    try:
        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    finally:
        _native.set_num_threads(before)
    assert len(results) == 80
    for other in results:
        np.testing.assert_allclose(other, results[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e-310, 80.0, -800.0])
def test_special_values_go_where_the_reference_has_them(machine, dtype, value):
    rng = np.random.default_rng(0)
    sizes, size = [3, 3, 2], 18
    with np.errstate(all="ignore"):
        for name, count, cells in (("lstm_forward", 4, 1), ("gru_forward", 3, 0), ("rnn_forward", 1, 0)):
            gates = drawn(rng, dtype, 8, count * size)
            gates[1, ::5] = value
            args = [gates, *[drawn(rng, dtype, 3, size)] * (1 + cells), weights(rng, dtype, count * size, size)]
            args += [None] * (name != "rnn_forward") + [sizes, False] + [False] * (name == "rnn_forward") + [True]
            wanted = getattr(recurrent, name)(*in_double(args))
            found = getattr(_native, name)(*args)
            np.testing.assert_allclose(found[0], wanted[0], rtol=1e-4, atol=1e-5)


def test_what_the_kernels_do_not_take_is_left_to_the_reference(rng):
    gates, h, weight = drawn(rng, np.float32, 6, 4), drawn(rng, np.float32, 2, 4), drawn(rng, np.float32, 4, 4)
    settings = (False, False, True)
    assert _native.rnn_forward(gates, h, weight, [2, 2, 2], *settings) is not NotImplemented
    for sizes in ([2, 2], [3, 3], [1, 2, 2, 1], [2, 2, 3, -1], [2, 2, 2.0], (2, 2, 2), None, [2**62, 2**62], []):
        assert _native.rnn_forward(gates, h, weight, sizes, *settings) is NotImplemented
    for wrong in (weight.T, weight[:3], weight.astype(np.float64), weight.astype(">f4"), weight[0]):
        assert _native.rnn_forward(gates, h, wrong, [2, 2, 2], *settings) is NotImplemented
    empty = np.zeros((0, 4), np.float32)
    assert _native.rnn_forward(empty, empty, weight, [0, 0], *settings) is NotImplemented
    assert _native.rnn_forward(gates.astype(np.float16), h, weight, [2, 2, 2], *settings) is NotImplemented
    with pytest.raises(ValueError, match="shares memory"):
        _native.rnn_forward(weight, h, weight, [2, 2], *settings)
    gates.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        _native.rnn_forward(gates, h, weight, [2, 2, 2], *settings)
    with pytest.raises(TypeError, match=r"expected a numpy.ndarray"):
        _native.rnn_forward(None, h, weight, [2, 2, 2], *settings)
