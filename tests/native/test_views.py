"""Addresses, strides and views of memory: the compiled form equals NumPy's, and refuses what does not lie within."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rushlight import kernels
from rushlight.kernels.reference import views

native = pytest.importorskip("rushlight._native")

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
ARRAYS = [
    X, X.T, X[:, ::2], X[::-1, :, 1:], X[:, :1], X[1], X[1, 2, 3:], X[..., None], np.float64(3.0)[None][0:0], np.zeros(()),
    np.zeros((2, 0, 3)), np.zeros((0,)), np.zeros((1, 1)), np.broadcast_to(X[:1, :, :1], (5, 3, 7)), X[:1, ::-2],
    np.broadcast_to(np.ones(1), (4, 1, 1)), X.astype(np.int8), X.astype(bool)[:, 1:], X.astype(">f8"), X.view(np.complex64),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(ARRAYS)))
def test_addresses_and_strides(i: int) -> None:
    x = np.asarray(ARRAYS[i])
    assert native.address(x) == views.address(x)
    assert native.element_strides(x) == views.element_strides(x)


GEOMETRIES = [
    ((4, 4), (16, 4), 0), ((24,), (4,), 0), ([3, 2], [16, -4], 8), ((5, 2), (0, 8), 4), ((), (), 92), ((1, 3), (900, 4), 0),
    ((2, 2), (2, 2), 1),
]  # fmt: skip


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_views(geometry: tuple) -> None:
    for x in (X, X.astype(np.int32)):
        found, wanted = native.strided_view(x, *geometry), views.strided_view(x, *geometry)
        assert found.strides == wanted.strides and found.flags.aligned == wanted.flags.aligned
        assert found.flags.writeable and found.base is not None
        np.testing.assert_array_equal(found.copy().view(np.int32), wanted.copy().view(np.int32))
    fixed = X.copy()
    fixed.flags.writeable = False
    assert not native.strided_view(fixed, *geometry).flags.writeable


BEYOND = [
    ((25,), (4,), 0), ((24,), (4,), 4), ((2,), (4,), -4), ((3,), (-4,), 4), ((2, 2), (2**62, 2**62), 0), ((2**62,), (2**62,), 0),
    ((1,), (4,), 2**63 - 1), ((1,), (4,), -(2**63)), ((-1,), (4,), 0), ((2, 2), (4,), 0), ((0,), (4,), 0), ((1,) * 65, (0,) * 65, 0),
]  # fmt: skip


@pytest.mark.parametrize("geometry", BEYOND)
def test_what_does_not_lie_within_is_left_to_the_reference(geometry: tuple) -> None:
    assert native.strided_view(X, *geometry) is NotImplemented
    found = native.elements_view(X, *geometry)
    assert found is NotImplemented or found is None
    assert len(geometry[0]) != len(geometry[1]) or len(geometry[0]) > 60 or views.elements_view(X, *geometry) is None


def test_other_memory_and_arguments() -> None:
    for x in (X.T, X[:, ::2], np.zeros(0), X.astype(">f4").view("V4"), np.array(["a"])):
        if not (x.flags.c_contiguous and x.size and x.dtype.kind in "fiub"):
            assert native.strided_view(x, (1,), (4,), 0) is NotImplemented
    with pytest.raises(TypeError, match=r"x: expected a numpy\.ndarray"):
        native.strided_view([1.0], (1,), (4,), 0)
    with pytest.raises(TypeError):
        native.strided_view(X, ("a",), (4,), 0)
    # Stand-ins of arrays are for the reference.
    assert native.address(3) is native.element_strides(3) is NotImplemented
    assert native.strided_view(X, range(2), (4, 4), 0) is NotImplemented


def test_views_of_elements() -> None:
    for geometry in (((4, 4), (4, 1), 8), ((2,), (0,), 23), ((), (), 0), ((3, 3), (1, 1), 19)):
        found, wanted = kernels.elements_view(X, *geometry), views.elements_view(X, *geometry)
        assert found is not None and wanted is not None and found.strides == wanted.strides
        np.testing.assert_array_equal(found, wanted)
    for geometry in (((2,), (-1,), 5), ((25,), (1,), 0), ((2,), (1,), -1), ((0,), (1,), 0)):
        assert native.elements_view(X, *geometry) is None and views.elements_view(X, *geometry) is None


def test_a_view_keeps_its_memory() -> None:
    x = np.arange(1000.0)
    before = sys.getrefcount(x)
    view = native.strided_view(x, (10,), (8,), 80)
    assert sys.getrefcount(x) == before + 1
    del x
    np.testing.assert_array_equal(view, np.arange(10.0, 20.0))
    view[:] = 7
    assert view.base[10] == 7
