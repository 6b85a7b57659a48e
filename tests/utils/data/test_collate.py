"""Collating: every kind of sample becomes PyTorch's kind of batch."""

from __future__ import annotations

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.data import default_collate, default_convert
from rushlight.utils.data._utils.collate import collate, default_collate_fn_map

Point = namedtuple("Point", "x y")


def plain(value):
    """Tensors as (dtype, list), so that nests can be compared."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if not hasattr(value, "_fields") else type(value)(*map(plain, value))
    return value


F32, F64, I64 = "torch.float32", "torch.float64", "torch.int64"
COLLATED = [
    ([1, 2], (I64, [1, 2])),
    ([1.0, 2.0], (F64, [1.0, 2.0])),
    ([True, False], ("torch.bool", [True, False])),
    (["a", "b"], ["a", "b"]),
    ([b"a", b"b"], [b"a", b"b"]),
    ([np.float32(1), np.float32(2)], (F32, [1.0, 2.0])),
    ([np.int8(1), np.int8(2)], ("torch.int8", [1, 2])),
    ([np.float64(1), np.float64(2)], (F64, [1.0, 2.0])),
    ([np.bool_(True)], ("torch.bool", [True])),
    ([np.ones(2, np.uint8), np.zeros(2, np.uint8)], ("torch.uint8", [[1, 1], [0, 0]])),
    ([np.array(3), np.array(4)], (I64, [3, 4])),
    ([(1, "a"), (2, "b")], [(I64, [1, 2]), ("a", "b")]),
    ([[1, 2.0], [3, 4.0]], [(I64, [1, 3]), (F64, [2.0, 4.0])]),
    ([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}], {"x": (I64, [1, 2]), "y": ["a", "b"]}),
    ([Point(1, 2), Point(3, 4)], Point((I64, [1, 3]), (I64, [2, 4]))),
    ([range(2), range(2, 4)], [(I64, [0, 2]), (I64, [1, 3])]),
]


@pytest.mark.parametrize(("batch", "expected"), COLLATED)
def test_collates(batch, expected):
    assert plain(default_collate(batch)) == expected


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(), (2,), (0, 3), (2, 1, 2)])
def test_tensors_are_stacked(dtype, shape):
    samples = [torch.ones(shape, dtype=getattr(torch, dtype)) for _ in range(3)]
    batch = default_collate(samples)
    expected = torch.stack(samples)
    assert batch.dtype == expected.dtype
    assert batch.shape == expected.shape == (3, *shape)
    assert batch.tolist() == expected.tolist()


def test_a_history_survives_collating():
    leaf = torch.ones(2, requires_grad=True)
    default_collate([leaf * 2, leaf]).sum().backward()
    assert leaf.grad.tolist() == [3.0, 3.0]


def test_collates_tensors_and_keeps_mapping_types():
    assert default_collate([torch.ones(1, dtype=torch.int64), torch.zeros(1)]).dtype == torch.float32
    for kind in (OrderedDict, UserDict, lambda d: defaultdict(list, d)):
        batch = default_collate([kind({"a": 1}), kind({"a": 2})])
        assert type(batch) is type(kind({}))
        assert batch["a"].tolist() == [1, 2]
    assert type(default_collate([MappingProxyType({"a": 1})])) is MappingProxyType


CONVERTED = [
    (np.array([1, 2]), (I64, [1, 2])),
    (np.float32(2), (F32, 2.0)),
    (np.str_("a"), "a"),
    (3, 3),
    ("a", "a"),
    ((np.int64(1), 2), [(I64, 1), 2]),
    ([np.int64(1)], [(I64, 1)]),
    ({"a": np.int64(1)}, {"a": (I64, 1)}),
    (Point(np.int64(1), "b"), Point((I64, 1), "b")),
]


@pytest.mark.parametrize(("data", "expected"), CONVERTED)
def test_converts(data, expected):
    assert plain(default_convert(data)) == expected


def test_converting_leaves_text_arrays_and_shares_memory():
    words = np.array(["a"])
    assert default_convert(words) is words
    array = np.zeros(2)
    default_convert(array)[0] = 5
    assert array[0] == 5


def test_a_type_of_ones_own_can_be_added_to_the_map():
    class Money(int):
        pass

    def join(batch, *, collate_fn_map=None):
        return sum(batch)

    assert collate([(Money(1), 5), (Money(2), 6)], collate_fn_map={Money: join, **default_collate_fn_map})[0] == 3


REFUSALS = [
    (
        [object()],
        TypeError,
        "batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class 'object'>",
    ),
    ([np.array(["a"])], TypeError, "found <U1"),
    ([torch.ones(1), torch.ones(2)], RuntimeError, "stack expects each tensor to be equal size"),
    ([[1, 2], [1]], RuntimeError, "each element in list of batch should be of equal size"),
]


@pytest.mark.parametrize(("batch", "error", "text"), REFUSALS)
def test_refuses(batch, error, text):
    with pytest.raises(error, match=text):
        default_collate(batch)
