"""Numbers at equal distances: the compiled form equals the NumPy one."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.kernels.reference import sequences

native = pytest.importorskip("rushlight._native")

ENDS = [(0.0, 1.0), (3.0, -7.5), (0.1, 0.1), (-1e30, 1e30), (1e-40, 3e-40), (0.0, np.inf), (np.nan, 1.0), (1, 10**6)]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("ends", ENDS)
def test_equals_reference(machine, ends, wide):
    for steps in (0, 1, 2, 3, 7, 16, 33, 64, 1023, 1025, 70001):
        found, wanted = native.spaced(*ends, steps, wide), sequences.spaced(*ends, steps, wide)
        assert found.dtype == wanted.dtype == (np.float64 if wide else np.float32)
        if wide:  # the reference's wider type rounds the product, too
            np.testing.assert_allclose(found, wanted, rtol=3e-16, atol=1e-19 * min(1e30, np.nanmax(np.abs(ends))))
        else:
            np.testing.assert_array_equal(found, wanted)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="must not be negative"):
        native.spaced(0.0, 1.0, -1, False)
    with pytest.raises(MemoryError):
        native.spaced(0.0, 1.0, 2**60, False)
