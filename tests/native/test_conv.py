"""The compiled convolution equals the NumPy one: shapes drawn at random, every instruction set, one thread and two."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from rushlight.backends import cpu
from rushlight.kernels import convolution
from rushlight.kernels.dispatch import native
from rushlight.kernels.reference import conv as reference


@pytest.fixture(params=["direct", "gemm", "winograd", "depthwise"])
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every shape runs on each kind of kernel that takes it, whichever it would choose."""
    native.set_conv_path(request.param)
    yield request.param
    native.set_conv_path("best")


def drawn(seed: int, dtype: type) -> tuple:
    """A convolution at random: arrays x, w, bias and gy, and the settings."""
    r = random.Random(seed)
    rank, groups = r.choice([1, 2, 2, 2]), r.choice([1, 1, 1, 2, 3])
    channels, outs = r.choice([1, 2, 3, 7]), r.choice([1, 2, 4, 6, 11, 17])
    kernel = tuple(r.choice([1, 2, 3, 5]) for _ in range(rank))
    stride = tuple(r.choice([1, 1, 2, 3]) for _ in range(rank))
    padding = tuple(r.randint(0, 3) for _ in range(rank))
    dilation = tuple(r.choice([1, 1, 2]) for _ in range(rank))
    sizes = tuple(d * (k - 1) + r.choice([1, 4, 15, 33]) for k, d in zip(kernel, dilation, strict=True))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((r.randint(1, 5), groups * channels, *sizes)).astype(dtype)
    w = rng.standard_normal((groups * outs, channels, *kernel)).astype(dtype)
    bias = rng.standard_normal(groups * outs).astype(dtype)
    settings = (stride, padding, dilation, groups)
    gy = rng.standard_normal(reference.conv(x, w, None, *settings).shape).astype(dtype)
    return x, w, bias, gy, settings


def close(found, expected, dtype) -> None:
    assert found.dtype == expected.dtype == dtype
    tolerance = 2e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("seed", range(25))
def test_equals_reference(machine, path, seed, dtype):
    x, w, bias, gy, settings = drawn(seed, dtype)
    sizes, kernel = x.shape[2:], w.shape[2:]
    y = native.conv(x, w, bias, *settings)
    close(y, reference.conv(x, w, bias, *settings), dtype)
    close(native.conv(x, w, None, *settings, None, True), np.maximum(reference.conv(x, w, None, *settings), 0), dtype)
    input_bias = x[0].reshape(x.shape[1], -1)[:, 0].copy()
    expected = reference.conv_input(gy, w, input_bias, sizes, *settings)
    close(native.conv_input(gy, w, input_bias, sizes, *settings), expected, dtype)
    gw, gb = native.conv_weight(x, gy, kernel, *settings, True)
    expected_gw, expected_gb = reference.conv_weight(x, gy, kernel, *settings, True)
    close(gw, expected_gw, dtype)
    close(gb, expected_gb, dtype)


IN_PLACE = [  # batch, groups, channels, outputs, size, window, dilation
    (1, 1, 1, 1, (3, 3), (3, 3), (1, 1)),
    (7, 1, 1, 3, (1, 4), (1, 2), (1, 1)),
    (9, 3, 1, 2, (2, 2), (2, 1), (1, 1)),
    (3, 1, 2, 5, (4, 5), (2, 2), (1, 1)),
    (5, 2, 3, 4, (11, 19), (3, 3), (2, 3)),
    (4, 1, 6, 16, (15, 15), (3, 3), (1, 1)),
    (2, 1, 1, 6, (400, 150), (3, 3), (1, 1)),
]


@pytest.mark.parametrize(("batch", "groups", "channels", "outs", "size", "kernel", "dilation"), IN_PLACE)
def test_images_read_in_place(machine, dtype, batch, groups, channels, outs, size, kernel, dilation):
    """Windows that are all inside: what lies behind the last image is read by none."""
    rng = np.random.default_rng(0)
    count = batch * groups * channels * size[0] * size[1]
    memory = np.full(count + 100, np.nan, dtype)
    x = memory[:count].reshape(batch, groups * channels, *size)
    x[...] = rng.standard_normal(x.shape)
    w = rng.standard_normal((groups * outs, channels, *kernel)).astype(dtype)
    settings = ((1, 1), (0, 0), dilation, groups)
    expected = reference.conv(x, w, None, *settings)
    gy = rng.standard_normal(expected.shape).astype(dtype)
    native.set_conv_path("direct")
    try:
        close(native.conv(x, w, None, *settings), expected, dtype)
        found = native.conv_weight(x, gy, kernel, *settings, True)
    finally:
        native.set_conv_path("best")
    for part, wanted in zip(found, reference.conv_weight(x, gy, kernel, *settings, True), strict=True):
        close(part, wanted, dtype)


@pytest.mark.parametrize("kind", ["gemm", "winograd"])
@pytest.mark.parametrize("seed", range(12))
def test_three_dimensions(machine, kind, seed, dtype):
    """Half of the windows are 3 x 3 with stride 1, for Winograd's transforms; what these don't take, gemm does."""
    r, rng = random.Random(seed), np.random.default_rng(seed)
    square, groups = seed % 2 == 0, r.choice([1, 1, 2])
    channels, outs = r.choice([1, 3, 7, 17]), r.choice([1, 4, 11, 17])
    kernel = (r.choice([1, 2, 3]), *((3, 3) if square else r.choices([1, 2, 3], k=2)))
    stride = (r.choice([1, 1, 2, 3]), *((1, 1) if square else r.choices([1, 2, 3], k=2)))
    padding = tuple(r.randint(0, 2) for _ in range(3))
    dilation = (r.choice([1, 1, 2]), *((1, 1) if square else r.choices([1, 2], k=2)))
    sizes = tuple(d * (k - 1) + r.choice([1, 2, 5, 9]) for k, d in zip(kernel, dilation, strict=True))
    settings = (stride, padding, dilation, groups)
    x = rng.standard_normal((r.randint(1, 3), groups * channels, *sizes)).astype(dtype)
    w = rng.standard_normal((groups * outs, channels, *kernel)).astype(dtype)
    bias, input_bias = (rng.standard_normal(groups * n).astype(dtype) for n in (outs, channels))
    expected = reference.conv(x, w, bias, *settings)
    gy = rng.standard_normal(expected.shape).astype(dtype)
    native.set_conv_path(kind)
    try:
        found = native.conv(x, w, bias, *settings)
        clipped = native.conv(x, w, bias, *settings, None, True)
        gx = native.conv_input(gy, w, input_bias, sizes, *settings)
        gw, gb = native.conv_weight(x, gy, kernel, *settings, True)
    finally:
        native.set_conv_path("best")
    close(found, expected, dtype)
    close(clipped, np.maximum(expected, 0), dtype)
    close(gx, reference.conv_input(gy, w, input_bias, sizes, *settings), dtype)
    for one, other in zip((gw, gb), reference.conv_weight(x, gy, kernel, *settings, True), strict=True):
        close(one, other, dtype)


@pytest.mark.parametrize(
    ("size", "kernel"),
    [((7, 7), (3, 3)), ((14, 14), (5, 5)), ((1, 37), (1, 3)), ((23, 40), (7, 1)), ((18, 33), (7, 7)), ((9, 3), (8, 5))],
)
@pytest.mark.parametrize(("dilation", "stride"), [(1, (1, 1)), (2, (1, 1)), (1, (2, 2)), (2, (3, 2)), (1, (1, 3))])
def test_depthwise_convolutions(machine, path, dtype, size, kernel, dilation, stride):
    rng = np.random.default_rng(4)
    padding = (kernel[0] // 3, dilation * (kernel[1] // 2))
    settings = (stride, padding, (1, dilation), 5)
    x, w = rng.standard_normal((3, 5, *size)).astype(dtype), rng.standard_normal((5, 1, *kernel)).astype(dtype)
    bias = rng.standard_normal(5).astype(dtype)
    expected = reference.conv(x, w, bias, *settings)
    close(native.conv(x, w, bias, *settings), expected, dtype)
    close(native.conv(x, w, bias, *settings, None, True), np.maximum(expected, 0), dtype)
    gy = rng.standard_normal(expected.shape).astype(dtype)
    expected = reference.conv_input(gy, w, bias, size, *settings)
    close(native.conv_input(gy, w, bias, size, *settings), expected, dtype)
    for found, wanted in zip(
        native.conv_weight(x, gy, kernel, *settings, True),
        reference.conv_weight(x, gy, kernel, *settings, True),
        strict=True,
    ):
        close(found, wanted, dtype)


@pytest.mark.parametrize(
    ("size", "kernel", "padding"),
    [((7, 7), (7, 7), (3, 3)), ((7, 7), (7, 7), (0, 0)), ((3, 2), (7, 5), (3, 4)), ((1, 1), (3, 3), (1, 1)),
     ((5, 4), (3, 3), (1, 0)), ((2, 9), (5, 1), (4, 2))],
)  # fmt: skip
@pytest.mark.parametrize(("stride", "dilation"), [((1, 1), 1), ((2, 2), 1), ((1, 3), 1), ((1, 1), 2)])
def test_depthwise_convolutions_of_small_images(machine, dtype, size, kernel, padding, stride, dilation):
    rng = np.random.default_rng(6)
    native.set_conv_path("depthwise")
    try:
        for batch, channels in ((1, 16), (4, 16), (7, 35), (2, 3)):
            settings = (stride, padding, (dilation, 1), channels)
            if any(
                n + 2 * p < d * (k - 1) + 1 for n, p, k, d in zip(size, padding, kernel, (dilation, 1), strict=True)
            ):
                return
            x = rng.standard_normal((batch, channels, *size)).astype(dtype)
            w = rng.standard_normal((channels, 1, *kernel)).astype(dtype)
            bias = rng.standard_normal(channels).astype(dtype)
            expected = reference.conv(x, w, bias, *settings)
            close(native.conv(x, w, bias, *settings), expected, dtype)
            close(native.conv(x, w, None, *settings, None, True), np.maximum(expected - bias[:, None, None], 0), dtype)
            gy = rng.standard_normal(expected.shape).astype(dtype)
            expected = reference.conv_input(gy, w, bias, size, *settings)
            close(native.conv_input(gy, w, bias, size, *settings), expected, dtype)
            # What a window does not reach, it does not multiply by 0.
            x[0, 0, 0, 0] = np.nan
            with np.errstate(invalid="ignore"):
                expected = np.isnan(reference.conv(x, w, None, *settings))
            np.testing.assert_array_equal(np.isnan(native.conv(x, w, None, *settings)), expected)
    finally:
        native.set_conv_path("best")


@pytest.mark.parametrize(("channels", "kernel", "stride"), [(131, (3, 3), 1), (70, (3, 3), 2), (9, (25, 25), 1)])
def test_weights_of_many_depthwise_channels(machine, dtype, channels, kernel, stride):
    rng = np.random.default_rng(5)
    settings = ((stride, stride), (kernel[0] // 2, kernel[1] // 2), (1, 1), channels)
    x = rng.standard_normal((2, channels, 5, 6)).astype(dtype)
    gy = rng.standard_normal((2, channels, 4 // stride + 1, 5 // stride + 1)).astype(dtype)
    native.set_conv_path("depthwise")
    found = native.conv_weight(x, gy, kernel, *settings, True)
    native.set_conv_path("best")
    for one, other in zip(found, reference.conv_weight(x, gy, kernel, *settings, True), strict=True):
        close(one, other, dtype)


# (batch, channels, outputs, height, width), padding, groups: partial tiles, vectors and blocks; several chunks of tiles.
WINOGRAD = [
    ((2, 3, 5, 4, 4), (1, 1), 1), ((1, 17, 14, 7, 9), (0, 2), 1), ((3, 20, 15, 2, 1), (1, 1), 2),
    ((5, 16, 33, 8, 8), (1, 0), 1), ((1, 130, 7, 6, 5), (3, 3), 1), ((16, 64, 29, 16, 20), (1, 1), 1),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "padding", "groups"), WINOGRAD)
def test_winograd_convolutions(machine, dtype, shape, padding, groups):
    batch, channels, outs, height, width = shape
    size = (height, width)
    rng = np.random.default_rng(5)
    settings = ((1, 1), padding, (1, 1), groups)
    x = rng.standard_normal((batch, groups * channels, *size)).astype(dtype)
    w = rng.standard_normal((groups * outs, channels, 3, 3)).astype(dtype)
    bias, input_bias = (rng.standard_normal(groups * n).astype(dtype) for n in (outs, channels))
    expected = reference.conv(*(a.astype(np.float64) for a in (x, w, bias)), *settings)
    gy = rng.standard_normal(expected.shape).astype(dtype)
    wide = [a.astype(np.float64) for a in (x, gy, w, input_bias)]
    native.set_conv_path("winograd")
    try:
        found = native.conv(x, w, bias, *settings)
        clipped = native.conv(x, w, bias, *settings, None, True)
        gx = native.conv_input(gy, w, input_bias, size, *settings)
        gw, gb = native.conv_weight(x, gy, (3, 3), *settings, True)
    finally:
        native.set_conv_path("best")
    expected_gw, expected_gb = reference.conv_weight(wide[0], wide[1], (3, 3), *settings, True)
    least = 1e-4 if dtype == np.float32 else 1e-12
    for one, other in (
        (found, expected),
        (clipped, np.maximum(expected, 0)),
        (gx, reference.conv_input(*wide[1:], size, *settings)),
        (gw, expected_gw),
        (gb, expected_gb),
    ):
        assert one.dtype == dtype
        assert np.abs(one - other).max() <= least * max(1.0, other.std())


# (batch, channels, outputs, sizes), stride, groups: planes that are whole vectors and not, images within a vector, few outputs and
# many, long sums, one tile and several, columns between those that a stride meets, in short rows and long ones.
ONE_PLACE = [
    ((3, 20, 33, (8, 8)), 1, 1), ((2, 17, 5, (7, 7)), 1, 2), ((5, 3, 40, (2, 3)), 1, 1), ((1, 300, 15, (4, 12)), 1, 1),
    ((4, 64, 30, (16, 16)), 1, 1), ((2, 33, 70, (23, 29)), 1, 1), ((3, 30, 16, (13, 14)), 2, 1), ((2, 19, 34, (40, 64)), 2, 1),
    ((2, 18, 20, (9, 41)), (1, 2), 3), ((2, 15, 20, (10, 11)), 3, 1), ((2, 34, 16, (50,)), 1, 1), ((1, 18, 17, (3, 4, 10)), 1, 1),
    ((1, 18, 17, (3, 5, 10)), 2, 1),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["best", "gemm"])
@pytest.mark.parametrize(("shape", "stride", "groups"), ONE_PLACE)
def test_windows_of_one_place(machine, kind, dtype, shape, stride, groups):
    batch, channels, outs, sizes = shape
    rank = len(sizes)
    rng = np.random.default_rng(8)
    strides = (stride,) * rank if isinstance(stride, int) else stride
    settings, kernel = (strides, (0,) * rank, (1,) * rank, groups), (1,) * rank
    x = rng.standard_normal((batch, groups * channels, *sizes)).astype(dtype)
    w = rng.standard_normal((groups * outs, channels, *kernel)).astype(dtype)
    bias, input_bias = (rng.standard_normal(groups * n).astype(dtype) for n in (outs, channels))
    expected = reference.conv(x, w, bias, *settings)
    gy = rng.standard_normal(expected.shape).astype(dtype)
    # `convolution` has ways of its own for three dimensions of few channels.
    kernels = native if kind == "gemm" else convolution
    native.set_conv_path(kind)
    try:
        found, again = (
            (
                kernels.conv(x, w, bias, *settings),
                kernels.conv(x, w, bias, *settings, None, True),
                kernels.conv_input(gy, w, input_bias, sizes, *settings),
                kernels.conv_input(gy, w, None, sizes, *settings),
                *kernels.conv_weight(x, gy, kernel, *settings, True),
            )
            for _ in range(2)
        )
    finally:
        native.set_conv_path("best")
    wanted = (
        expected,
        np.maximum(expected, 0),
        reference.conv_input(gy, w, input_bias, sizes, *settings),
        reference.conv_input(gy, w, None, sizes, *settings),
        *reference.conv_weight(x, gy, kernel, *settings, True),
    )
    for one, other, repeated in zip(found, wanted, again, strict=True):
        close(one, other, dtype)
        np.testing.assert_array_equal(one, repeated)


@pytest.mark.parametrize("kernel", [(1, 3), (3, 1), (2, 1), (1, 1)])
def test_places_that_no_window_meets(machine, dtype, kernel):
    """Strides longer than the window leave rows and columns of the input's gradient with the bias alone."""
    rng = np.random.default_rng(9)
    w, bias = rng.standard_normal((17, 18, *kernel)).astype(dtype), rng.standard_normal(18).astype(dtype)
    for padding in ((0, 0), (1, 0), (0, 1)):
        for size in ((9, 8), (8, 41)):
            settings = ((2, 2), padding, (1, 1), 1)
            outputs = reference.conv(np.zeros((3, 18, *size), dtype), w, None, *settings).shape
            gy = rng.standard_normal(outputs).astype(dtype)
            native.set_conv_path("gemm")
            found = native.conv_input(gy, w, bias, size, *settings)
            native.set_conv_path("best")
            close(found, reference.conv_input(gy, w, bias, size, *settings), dtype)


def test_winograd_is_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(6)
    x, w = rng.standard_normal((4, 64, 16, 16)).astype("f"), rng.standard_normal((64, 64, 3, 3)).astype("f")
    settings = ((1, 1), (1, 1), (1, 1), 1)
    results = []
    threads = native.get_num_threads()
    for count in (1, 2, 3):
        native.set_num_threads(count)
        y = convolution.conv(x, w, None, *settings)
        gradients = convolution.conv_backward(x, y, w, *settings, (True, True, False))
        results.append((y, *gradients[:2]))
    native.set_num_threads(threads)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_winograd_can_be_forbidden():
    rng = np.random.default_rng(7)
    x, w = rng.standard_normal((2, 64, 16, 16)).astype("f"), rng.standard_normal((64, 64, 3, 3)).astype("f")
    settings = ((1, 1), (1, 1), (1, 1), 1)
    allowed = convolution.conv(x, w, None, *settings)
    cpu.allow_winograd(False)
    try:
        assert not cpu.is_winograd_allowed()
        exact = convolution.conv(x, w, None, *settings)
    finally:
        cpu.allow_winograd(True)
    assert not np.array_equal(allowed, exact) or native.isa() == "sse2"
    np.testing.assert_allclose(allowed, exact, atol=1e-3)


@pytest.mark.parametrize("shape", [(2, 3, 40, 37), (1, 37, 5, 6), (1, 64, 20, 20), (9, 1, 28, 28), (1, 2, 300, 300)])
def test_larger_images(machine, path, shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal((20, shape[1], 3, 3)).astype(np.float32)
    settings = ((1, 1), (1, 1), (1, 1), 1)
    y = native.conv(x, w, None, *settings)
    close(y, reference.conv(x, w, None, *settings), np.float32)
    close(
        native.conv_input(y, w, None, x.shape[2:], *settings),
        reference.conv_input(y, w, None, x.shape[2:], *settings),
        np.float32,
    )
    close(native.conv_weight(x, y, (3, 3), *settings)[0], reference.conv_weight(x, y, (3, 3), *settings)[0], np.float32)


def test_outputs_of_a_transposed_convolution_are_taken_as_given(machine, path):
    """Its gradient asks for fewer windows than fit, where output_padding left some over."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 3, 9, 9)), rng.standard_normal((4, 3, 2, 2))
    settings = ((1, 1), (0, 0), (2, 2), 1)
    close(native.conv(x, w, None, *settings, (6, 5)), reference.conv(x, w, None, *settings, (6, 5)), np.float64)
    gy = rng.standard_normal((2, 4, 6, 5))
    close(
        native.conv_weight(x, gy, (2, 2), *settings)[0], reference.conv_weight(x, gy, (2, 2), *settings)[0], np.float64
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_stay_where_they_belong(machine, path, value):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2, 2, 6, 21)).astype(np.float32)
    w = rng.standard_normal((3, 2, 3, 3)).astype(np.float32)
    x[1, 0, 0, 20] = value
    settings = ((1, 1), (0, 0), (1, 1), 1)
    gy = rng.standard_normal((2, 3, 4, 19)).astype(np.float32)
    assert_same(convolution.conv(x, w, None, *settings), reference.conv(x, w, None, *settings))
    assert_same(
        convolution.conv_weight(x, gy, (3, 3), *settings)[0], reference.conv_weight(x, gy, (3, 3), *settings)[0]
    )
    gy[0, 1, 3, 18] = value
    assert_same(
        convolution.conv_input(gy, w, None, (6, 21), *settings), reference.conv_input(gy, w, None, (6, 21), *settings)
    )


def assert_same(found, expected) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-4, atol=1e-4)


def test_strided_arrays_are_copied(machine, path):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 9, 9, 3)).transpose(0, 3, 1, 2)
    w = rng.standard_normal((3, 3, 2, 4)).transpose(3, 0, 1, 2)[:, :, :, ::-1]
    settings = ((1, 2), (1, 0), (1, 1), 1)
    close(native.conv(x, w, None, *settings), reference.conv(x, w, None, *settings), np.float64)
    gy = np.broadcast_to(np.float64(1), reference.conv(x, w, None, *settings).shape)
    close(
        native.conv_input(gy, w, None, (9, 9), *settings),
        reference.conv_input(gy, w, None, (9, 9), *settings),
        np.float64,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, w: native.conv(x, w[:, :2], None, (1, 1), (0, 0), (1, 1), 1), "channels"),
        (lambda x, w: native.conv(x, w, np.zeros(5), (1, 1), (0, 0), (1, 1), 1), "bias"),
        (lambda x, w: native.conv(x, w, None, (1,), (0, 0), (1, 1), 1), "stride"),
        (lambda x, w: native.conv(x, w, None, (0, 1), (0, 0), (1, 1), 1), "stride"),
        (lambda x, w: native.conv(x, w, None, (1, 1), (-1, 0), (1, 1), 1), "padding"),
        (lambda x, w: native.conv(x, w, None, (1, 1), (0, 0), (1, 0), 1), "dilation"),
        (lambda x, w: native.conv(x, w, None, (1, 1), (0, 0), (1, 1), 0), "groups"),
        (lambda x, w: native.conv_input(x, w, None, (9, 9), (1, 1), (0, 0), (1, 1), 1), "channels"),
        (lambda x, w: native.conv_weight(x, x[:1], (3, 3), (1, 1), (0, 0), (1, 1), 1), "batch"),
        (lambda x, w: native.conv_weight(x, x, (3, 3), (1, 1), (0, 0), (1, 1), 2), "groups"),
    ],
)
def test_wrong_arguments_raise(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((2, 3, 8, 8)), np.zeros((4, 3, 3, 3)))


def test_what_the_kernel_does_not_take_goes_to_the_reference():
    settings = ((1, 1), (0, 0), (1, 1), 1)
    x, w = np.ones((1, 1, 4, 4), np.float16), np.ones((1, 1, 2, 2), np.float16)
    assert native.conv(x, w, None, *settings) is NotImplemented
    assert convolution.conv(x, w, None, *settings).dtype == np.float16
    with pytest.raises(TypeError, match="ndarray"):
        native.conv([1.0], w, None, *settings)
