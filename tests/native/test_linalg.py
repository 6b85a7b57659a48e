"""The compiled matrix product against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight import _native, kernels
from rushlight.kernels.reference import linalg

SIZES = [0, 1, 2, 5, 7, 13, 16, 17, 31, 33, 64, 97]
LONG = [(14, 1030, 33), (200, 3, 300), (70, 1025, 512), (257, 520, 65), (1, 1000, 1), (1001, 2, 3)]


def operands(rng, m, k, n, dtype, transpose_a, transpose_b):
    a = rng.standard_normal((k, m) if transpose_a else (m, k)).astype(dtype)
    b = rng.standard_normal((n, k) if transpose_b else (k, n)).astype(dtype)
    return a, b


def check(a, b, **options):
    got = _native.gemm(a, b, **options)
    assert got is not NotImplemented
    wide = {name: value.astype(np.float64) if name == "bias" else value for name, value in options.items()}
    want = linalg.gemm(a.astype(np.float64), b.astype(np.float64), **wide)
    size = max(a.shape[-1:] + b.shape[-1:])
    tolerance = (1e-5 if a.dtype == np.float32 else 1e-13) * (1 + size**0.5)
    assert got.dtype == a.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_random_shapes_equal_the_reference(machine, rng, dtype, transpose_a, transpose_b):
    shapes = [tuple(int(s) for s in rng.choice(SIZES, 3)) for _ in range(12)] + LONG[:: 1 + int(rng.integers(2))]
    for m, k, n in shapes:
        a, b = operands(rng, m, k, n, dtype, transpose_a, transpose_b)
        bias = rng.standard_normal(n).astype(dtype)
        check(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        check(a, b, transpose_a=transpose_a, transpose_b=transpose_b, bias=bias, relu=True)


@pytest.mark.parametrize(("m", "k", "n"), [(1027, 140, 130), (513, 1030, 65), (1, 40, 300)])
def test_transposed_columns_on_pages_of_their_own(machine, rng, dtype, m, k, n):
    a = rng.standard_normal((k, 1100)).astype(dtype)[:, 1100 - m :]
    check(a, rng.standard_normal((k, n)).astype(dtype), transpose_a=True)


def test_rows_with_gaps_and_other_strides_are_read(machine, rng, dtype):
    wide = rng.standard_normal((40, 90)).astype(dtype)
    b = rng.standard_normal((30, 50)).astype(dtype)
    check(wide[:, 7:37], b)
    check(wide[::2, 7:37], b)
    check(np.asfortranarray(wide[:, 7:37]), np.asfortranarray(b))
    check(wide.T[7:37].T, b)
    check(wide[::-1, 30:60], b[:, ::-1])
    check(wide[:, 3:63:2], b[::-1])
    check(np.broadcast_to(wide[:1, :30], (6, 30)), np.broadcast_to(b[:, :1], (30, 6)))


# Vectors by matrices, few rows, and matrices too small or too narrow for a tile.
THIN = [
    (1, 40, 300),
    (1, 700, 1),
    (1, 33, 7),
    (300, 70, 1),
    (3, 129, 77),
    (6, 64, 50),
    (50, 200, 5),
    (8, 31, 8),
    (1, 9, 5000),
]


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
def test_few_rows_or_columns(machine, rng, dtype, transpose_a, transpose_b):
    for m, k, n in THIN:
        a, b = operands(rng, m, k, n, dtype, transpose_a, transpose_b)
        bias = rng.standard_normal(n).astype(dtype)
        check(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
        check(a, b, transpose_a=transpose_a, transpose_b=transpose_b, bias=bias, relu=True)


STACKS = [
    ((7, 5, 6), (7, 6, 3)),
    ((3, 40, 70), (3, 70, 90)),
    ((1, 20, 30), (5, 30, 40)),
    ((2, 1, 33, 20), (3, 20, 17)),
    ((4, 9), (2, 3, 9, 5)),
    ((200, 1, 64), (200, 64, 64)),
    ((20, 64, 64), (64, 1)),
    ((2, 150, 1100), (2, 1100, 40)),
    ((0, 3, 4), (0, 4, 5)),
    ((3, 0, 4), (4, 5)),
    ((2, 3, 0), (2, 0, 5)),
]


@pytest.mark.parametrize(("first", "second"), STACKS)
def test_stacks_of_matrices_broadcast(machine, rng, dtype, first, second):
    a, b = rng.standard_normal(first).astype(dtype), rng.standard_normal(second).astype(dtype)
    bias = rng.standard_normal(second[-1]).astype(dtype)
    check(a, b)
    check(a, b, bias=bias, relu=True)
    check(a.swapaxes(-2, -1).copy(), b.swapaxes(-2, -1).copy(), transpose_a=True, transpose_b=True)
    check(a.swapaxes(-2, -1).copy().swapaxes(-2, -1), b, bias=bias)
    check(a, b.swapaxes(-2, -1).copy().swapaxes(-2, -1))


@pytest.mark.parametrize(
    ("shape", "transpose"), [((9, 40), False), ((40, 300), True), ((3, 5, 33), False), ((0, 4), False)]
)
def test_vectors(machine, rng, dtype, shape, transpose):
    matrix = rng.standard_normal(shape).astype(dtype)
    inner, outer = shape[:-3:-1] if not transpose else shape[-2:]
    x, bias = (rng.standard_normal(n).astype(dtype) for n in (inner, outer))
    check(matrix, x, transpose_a=transpose)
    check(matrix, x, transpose_a=transpose, bias=bias, relu=True)
    check(x, matrix, transpose_b=not transpose, bias=bias)
    check(matrix, np.repeat(x, 2)[::-2], transpose_a=transpose)
    check(x, x[::-1])
    assert type(_native.gemm(x, x)) is type(linalg.gemm(x, x)) is np.ndarray


def test_stacks_of_heads_are_read_in_place(machine, rng, dtype):
    q, k = (rng.standard_normal((2, 21, 3, 8)).astype(dtype).transpose(0, 2, 1, 3) for _ in range(2))
    check(q, k, transpose_b=True)
    check(q, k.swapaxes(-2, -1))
    check(k[:, ::2, ::-1], rng.standard_normal((3, 2, 8, 5)).astype(dtype)[::2].transpose(1, 0, 2, 3)[:1])


def test_the_number_of_threads_changes_nothing(rng, dtype):
    threads = _native.get_num_threads()
    try:
        for m, k, n in [(130, 1300, 260), (1, 500, 900), (5, 900, 700), (40, 64, 2000)]:
            a, b = operands(rng, m, k, n, dtype, False, False)
            results = []
            for count in (1, 2, 3):
                _native.set_num_threads(count)
                results += [_native.gemm(a, b), _native.gemm(a, b.T.copy(), transpose_b=True)]
            for i, result in enumerate(results[2:]):
                np.testing.assert_array_equal(result, results[i % 2])
    finally:
        _native.set_num_threads(threads)


def test_other_dtypes_are_left_to_the_reference(rng):
    a, b = rng.standard_normal((6, 8)), rng.standard_normal((8, 4))
    for left, right in [
        (a.astype(np.float32), b),
        (a.astype(np.float16), b.astype(np.float16)),
        (a.astype(">f8"), b),
        (a.astype(np.complex128), b.astype(np.complex128)),
    ]:
        assert _native.gemm(left, right) is NotImplemented
        np.testing.assert_allclose(kernels.gemm(left, right), left @ right)


LINEAR = [(0, 3, 4), (1, 1, 1), (5, 0, 3), (3, 7, 0), (32, 64, 64), (17, 130, 33), (200, 10, 520)]


@pytest.mark.parametrize(
    "wanted", [(True, True, True), (True, False, False), (False, True, False), (False, False, True)]
)
def test_the_gradients_of_a_linear_layer(machine, rng, dtype, wanted):
    for n, i, o in LINEAR:
        grad, input, weight = (rng.standard_normal(shape).astype(dtype) for shape in ((n, o), (n, i), (o, i)))
        wide = np.repeat(grad, 2, axis=1)[:, ::2]
        for g, x, w in (
            (grad, input, weight),
            (np.asfortranarray(grad), input.T.copy().T, weight[:, ::-1]),
            (wide, input, weight),
        ):
            given = g, x if wanted[2] else None, w if wanted[1] else None, wanted[0]
            found = kernels.linear_backward(*given)
            wants = linalg.linear_backward(*[a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in given])
            for got, want in zip(found, wants, strict=True):
                assert (got is None) == (want is None)
                if got is not None:
                    assert got.dtype == dtype
                    tolerance = (1e-5 if dtype == np.float32 else 1e-13) * (1 + max(n, o) ** 0.5)
                    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def test_a_linear_layer_s_gradients_of_shapes_that_do_not_meet(rng, dtype):
    grad, other = np.zeros((3, 4), dtype), np.zeros((5, 6), dtype)
    for kernel in (_native.linear_backward, linalg.linear_backward):
        with pytest.raises(ValueError, match="cannot be multiplied"):
            kernel(grad, other, None, False)
        with pytest.raises(ValueError, match="cannot be multiplied"):
            kernel(grad, None, other, False)
        with pytest.raises(ValueError, match="matri"):
            kernel(grad[0], None, None, True)
    assert _native.linear_backward(grad, grad.astype(np.float16), None, True) is NotImplemented


def test_out_is_written_and_returned(machine, rng, dtype):
    a, b = operands(rng, 20, 30, 40, dtype, False, False)
    out = np.full((20, 40), 7, dtype)
    assert _native.gemm(a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-5)


def test_out_that_overlaps_an_operand_is_computed_as_if_it_did_not(rng):
    a = rng.standard_normal((12, 12))
    want = a @ a
    assert _native.gemm(a, a, out=a) is NotImplemented
    np.testing.assert_allclose(kernels.gemm(a, a, out=a), want)
    np.testing.assert_array_equal(a, kernels.gemm(np.eye(12), a))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_spread_as_in_the_reference(machine, dtype, value):
    a, b = np.ones((20, 18), dtype), np.ones((18, 35), dtype)
    a[3, 4] = b[5, 34] = value
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(_native.gemm(a, b), a @ b)
        np.testing.assert_array_equal(_native.gemm(a, b, relu=True), np.maximum(a @ b, 0))


def test_an_inner_size_of_zero_gives_the_bias(machine, dtype):
    bias = np.arange(-2, 3).astype(dtype)
    got = _native.gemm(np.ones((4, 0), dtype), np.ones((0, 5), dtype), bias=bias, relu=True)
    np.testing.assert_array_equal(got, np.tile(np.maximum(bias, 0), (4, 1)))


GOOD = np.ones((3, 4), np.float32)


@pytest.mark.parametrize("gemm", [_native.gemm, kernels.gemm, linalg.gemm])
@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (GOOD, GOOD, {}, r"shapes \(3x4\) and \(3x4\) cannot be multiplied"),
        (GOOD, GOOD, {"transpose_a": True, "transpose_b": True}, r"shapes \(4x3\) and \(4x3\)"),
        (GOOD[0], GOOD[0, :3], {}, r"shapes \(1x4\) and \(3x1\)"),
        (GOOD, np.zeros((), np.float32), {}, "must be matrices or vectors"),
        (np.ones((2, 3, 4), np.float32), np.ones((3, 4, 3), np.float32), {}, "stacks of matrices do not broadcast"),
        (GOOD, GOOD.T, {"bias": np.ones(4, np.float32)}, "bias must be 1-D"),
        (GOOD, GOOD.T, {"bias": GOOD}, "bias must be 1-D"),
        (GOOD, GOOD.T, {"out": GOOD}, "out has the wrong shape"),
        (GOOD, GOOD.T, {"out": np.broadcast_to(np.float32(0), (3, 3))}, "out is read-only"),
    ],
)
def test_wrong_shapes_raise(gemm, a, b, options, message):
    with pytest.raises(ValueError, match=message):
        gemm(a, b, **options)


@pytest.mark.parametrize("wrong", [None, [[1.0]], 3, "ab", object(), np.float32(1)])
def test_what_is_no_array_raises(wrong):
    with pytest.raises(TypeError, match=r"a: expected a numpy.ndarray"):
        _native.gemm(wrong, GOOD)
    with pytest.raises(TypeError, match=r"b: expected a numpy.ndarray"):
        _native.gemm(GOOD, wrong)
    if wrong is not None:
        with pytest.raises(TypeError, match=r"out: expected a numpy.ndarray"):
            _native.gemm(GOOD, GOOD.T, out=wrong)
