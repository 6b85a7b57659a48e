"""`torch.testing`: comparisons and tensors to test with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.testing import assert_allclose, assert_close, make_tensor

CLOSE: list[Any] = [
    (torch.ones(2), torch.ones(2)), (1, 1), (1.0, 1.0 + 1e-9), (True, np.bool_(True)), (None, None), ([], []),
    ({"a": [torch.ones(1), 2]}, {"a": [torch.ones(1), 2]}), (np.ones(2), np.ones(2)),
]  # fmt: skip


@pytest.mark.parametrize(("actual", "expected"), CLOSE)
def test_what_is_close(actual: Any, expected: Any) -> None:
    assert_close(actual, expected)


DIFFERENT: list[Any] = [
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), {}, (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)")),
    (torch.tensor([1, 2]), torch.tensor([1, 4]), {}, (
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 2 at index (1,)\nGreatest relative difference: 0.5 at index (1,)")),
    (1, 2, {}, "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative difference: 0.5"),
    (True, False, {}, "Booleans mismatch: True is not False"),
    (None, 1, {}, "None mismatch: None is not 1"),
    ([1, 2], [1], {}, "The length of the sequences mismatch: 2 != 1"),
    ({"a": 1}, {"b": 1}, {}, (
        "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
        "Additional keys in the actual mapping: ['a']")),
    ({"a": [1, 2]}, {"a": [1, 3]}, {"msg": lambda said: said.splitlines()[-1]}, (
        "The failure occurred for item ['a'][1]")),
    (torch.ones(1), torch.ones(1, dtype=torch.float64), {}, (
        "The values for attribute 'dtype' do not match: torch.float32 != torch.float64.")),
    (torch.ones(2, 3).t(), torch.ones(3, 2), {"check_stride": True}, (
        "The values for attribute 'stride()' do not match: (1, 3) != (2, 1).")),
    (torch.ones(1), torch.zeros(1), {"msg": "mine"}, "mine"),
]  # fmt: skip


@pytest.mark.parametrize(("actual", "expected", "options", "words"), DIFFERENT)
def test_the_words_for_what_is_not(actual: Any, expected: Any, options: Any, words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(actual, expected, **options)
    assert str(caught.value) == words


def test_refusals() -> None:
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(torch.ones(1), torch.ones(1), rtol=1.0)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close("a", "a")
    with pytest.raises(ValueError, match="mutually exclusive"):
        make_tensor(2, dtype=torch.float32, device="cpu", noncontiguous=True, memory_format=torch.contiguous_format)
    with pytest.raises(ValueError, match="must be less than"):
        make_tensor(2, dtype=torch.int64, device="cpu", low=3, high=2)
    with pytest.raises(ValueError, match="only supports"):
        make_tensor(2, dtype=torch.uint8, device="cpu", low=-3, high=-2)
    with pytest.raises(ValueError, match="integral dtypes"):
        make_tensor(2, dtype=torch.int8, device="cpu", requires_grad=True)
    with pytest.raises(TypeError, match="not supported"):
        make_tensor(2, dtype=torch.qint8, device="cpu")


def test_the_deprecated_comparison() -> None:
    with pytest.warns(FutureWarning, match="assert_close"):
        assert_allclose(torch.tensor([float("nan"), 1.0]), [float("nan"), 1.00001])


def test_made_tensors_stay_within_their_bounds() -> None:
    tensor = make_tensor(100, dtype=torch.float32, device="cpu", low=2, high=3, requires_grad=True)
    assert tensor.requires_grad
    assert 2 <= float(tensor.min()) <= float(tensor.max()) < 3
    assert not make_tensor(4, 4, dtype=torch.int8, device="cpu", noncontiguous=True).is_contiguous()
    assert bool((make_tensor(100, dtype=torch.uint8, device="cpu", high=2, exclude_zero=True) == 1).all())
