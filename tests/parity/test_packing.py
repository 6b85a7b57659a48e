"""Packed and padded sequences against PyTorch: what programs print, types, pickles."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

PROGRAMS: dict[str, Callable[[Any], None]] = {}


def program(function: Callable[[Any], None]) -> Callable[[Any], None]:
    PROGRAMS[function.__name__] = function
    return function


def padded(t: Any) -> Any:
    return t.arange(24.0).reshape(4, 3, 2)


@program
def packs(t: Any) -> None:
    pack, a = t.nn.utils.rnn.pack_padded_sequence, padded(t)
    for lengths in ([4, 2, 1], [2, 2, 1], [5, 2, 1], [4.0, 2.5, 1.0], t.tensor([4.0, 2.0, 1.0]), (3, 3, 3)):
        attempt(lambda: pack(a, lengths))
    for lengths in ([1, 2, 4], [4, 2], [4, 2, 0], [4, 2, -1], [], 4, t.tensor(4), t.tensor([[4, 2, 1]])):
        attempt(lambda: pack(a, lengths))
        attempt(lambda: pack(a, lengths, enforce_sorted=False))
    attempt(lambda: pack(a, [3, 2, 1, 1], batch_first=True))
    attempt(lambda: pack(a, [1, 3, 1, 1], True, False))
    attempt(lambda: pack(t.tensor([1, 2, 3]), [3]))
    attempt(lambda: pack(t.zeros(0, 2, 3), [1, 1]))
    attempt(lambda: pack([1], [1]))
    for dtype in (t.int64, t.bool, t.float16, t.bfloat16, t.complex64, t.uint8):
        attempt(lambda: pack(a.to(dtype), [4, 2, 1]).data[:2])


@program
def pads(t: Any) -> None:
    rnn, a = t.nn.utils.rnn, padded(t)
    p, q = rnn.pack_padded_sequence(a, [4, 2, 1]), rnn.pack_padded_sequence(a, [1, 4, 2], enforce_sorted=False)
    for options in ({}, {"batch_first": True}, {"padding_value": -1}, {"padding_value": True}, {"total_length": 6}):
        for one in (p, q):
            out, lengths = rnn.pad_packed_sequence(one, **options)
            print(out, lengths, out.stride())
    attempt(lambda: rnn.pad_packed_sequence(q, total_length=2))
    attempt(lambda: rnn.pad_packed_sequence(p, padding_value="a"))
    attempt(lambda: rnn.pad_packed_sequence(a))
    attempt(lambda: rnn.pad_packed_sequence(rnn.PackedSequence(t.zeros(5, 2), t.tensor([2, 2]))))
    attempt(lambda: rnn.pad_packed_sequence(rnn.PackedSequence(t.zeros(5), t.tensor([3, 2]))))
    attempt(lambda: rnn.pad_packed_sequence(rnn.PackedSequence(t.zeros(5, 2), t.tensor([2, 3], dtype=t.int32))))


@program
def sequences(t: Any) -> None:
    rnn, z = t.nn.utils.rnn, t.zeros
    for options in ({}, {"batch_first": True}, {"padding_side": "left"}, {"padding_value": 1.5}, {"padding_side": "x"}):
        attempt(lambda: rnn.pad_sequence([t.ones(2), t.ones(3), t.ones(1)], **options))
        attempt(lambda: rnn.pad_sequence([t.ones(2, 2).long(), t.ones(3, 2).long()], **options))
    attempt(lambda: rnn.pad_sequence((x for x in [z(2), z(1)]), True, 1, "left"))
    attempt(lambda: rnn.pad_sequence([z(2).long(), t.ones(3) * 1.5]))
    attempt(lambda: rnn.pad_sequence([z(2).bool(), z(3).bool()], padding_value=1))
    attempt(lambda: rnn.pad_sequence([z(2).long()], padding_value=float("nan")) and None)
    attempt(lambda: rnn.pad_sequence([]))
    attempt(lambda: rnn.pad_sequence(5))
    attempt(lambda: rnn.pad_sequence({1: 2}))
    attempt(lambda: rnn.pad_sequence([z(2)], padding_value="a"))
    attempt(lambda: rnn.pad_sequence(z(2, 3)))
    for order in ([3, 2, 1], [1, 3, 2]):
        for enforce in (True, False):
            attempt(lambda: rnn.pack_sequence([t.arange(n) for n in order], enforce))
    attempt(lambda: rnn.pack_sequence([]))
    attempt(lambda: rnn.pack_sequence([t.tensor(1)]))
    attempt(lambda: rnn.unpack_sequence(rnn.pack_sequence([t.arange(n) for n in (1, 3, 2)], False)))
    b = padded(t)
    attempt(lambda: rnn.unpad_sequence(b, t.tensor([4, 2, 1])))
    print(b.shape, b.stride())
    attempt(lambda: rnn.unpad_sequence(padded(t), t.tensor([3, 2, 1, 1]), True))
    attempt(lambda: rnn.unpad_sequence(padded(t), [4, 2, 1]))
    attempt(lambda: rnn.unpad_sequence(padded(t), t.tensor([4, 2])))


@program
def graphs(t: Any) -> None:
    rnn = t.nn.utils.rnn
    d = padded(t).clone().requires_grad_()
    print(rnn.pack_padded_sequence(d, [4, 2, 1]).data)
    print(rnn.pad_packed_sequence(rnn.pack_padded_sequence(d, [4, 2, 1]))[0])
    print(rnn.pad_packed_sequence(rnn.pack_padded_sequence(d, [4, 2, 1]), True)[0].grad_fn is None)
    print(rnn.pad_sequence([d[0], d[1, :2]], True), rnn.unpad_sequence(d * 1, t.tensor([4, 2, 1]))[1])
    attempt(lambda: rnn.unpad_sequence(d, t.tensor([4, 2, 1])))
    out = rnn.pad_packed_sequence(rnn.pack_padded_sequence(d, [1, 4, 2], enforce_sorted=False), total_length=5)[0]
    (out * out).sum().backward()
    print(d.grad)


@program
def packed(t: Any) -> None:
    P, z = t.nn.utils.rnn.PackedSequence, t.zeros
    attempt(lambda: P(z(3), t.tensor([2, 1])))
    attempt(lambda: P(z(3), t.tensor([2, 1]), t.tensor([1, 0])))
    attempt(lambda: P((z(3), t.tensor([2, 1])), sorted_indices=t.tensor([1, 0])))
    attempt(lambda: P(z(3)))
    attempt(lambda: P((z(3),)))
    attempt(lambda: P(z(3), [2, 1]))
    attempt(lambda: P())
    q = P(t.arange(3.0), t.tensor([2, 1]), t.tensor([1, 0]))
    for name in ("double", "float", "half", "long", "int", "short", "char", "byte", "cpu"):
        changed = getattr(q, name)()
        print(name, changed, changed is q)
    attempt(lambda: (q.is_cuda, q.is_pinned()))
    attempt(q.cuda)
    attempt(q.pin_memory)
    attempt(lambda: q.to(t.float64))
    attempt(lambda: q.to("cpu") is q)
    attempt(lambda: q.cpu(t.float64))
    attempt(lambda: q.to("cpu", t.float64, copy=True))
    attempt(lambda: q.to(z(1).double()).data.dtype)
    attempt(lambda: q.to(device="cpu", dtype=t.half, non_blocking=True))
    print(
        q._fields,
        len(q),
        q[0],
        q._replace(data=z(2)),
        q == q,
        P.__module__,
        P.__name__,
        [k.__name__ for k in P.__mro__],
    )
    data, batch_sizes, sorted_indices, unsorted_indices = q
    print(data, batch_sizes, sorted_indices, unsorted_indices)
    print(pickle.loads(pickle.dumps(q)), copy.deepcopy(q))
    attempt(lambda: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])))
    attempt(lambda: t.nn.utils.rnn.invert_permutation(None))
    attempt(lambda: t.nn.utils.rnn.invert_permutation(t.tensor([0, 0, 5])))
    print(sorted(t.nn.utils.rnn.__all__))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    same_lines(PROGRAMS[name])


def test_each_library_loads_the_other_s_checkpoint() -> None:
    for first, second in ((rushlight, torch), (torch, rushlight)):
        packed = first.nn.utils.rnn.pack_sequence([first.arange(n) for n in (1, 3, 2)], False)
        file = io.BytesIO()
        first.save({"batch": packed}, file)
        file.seek(0)
        other = second.load(file, weights_only=False)["batch"]
        assert type(other) is second.nn.utils.rnn.PackedSequence
        for a, b in zip(packed, other, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="PackedSequence"):
            second.load(file)
        with second.serialization.safe_globals([second.nn.utils.rnn.PackedSequence]):
            file.seek(0)
            assert len(second.load(file)["batch"].data) == 6
