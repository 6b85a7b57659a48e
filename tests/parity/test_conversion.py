"""Copies and conversions against torch: values, dtypes, strides, history, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.tensor_oracle import outcome, same  # noqa: E402

X, Y = (2, 3), (2, 3, 4)

CASES: list[tuple[str, Any, list[Any]]] = [
    ("clone", lambda m, x: x.clone(), [X]),
    ("clone of a transposed", lambda m, x: x.t().clone(), [X]),
    ("clone of an expanded", lambda m, x: x.expand(4, 2, 3).clone(), [X]),
    ("clone of a permuted slice", lambda m, x: x[:, :, ::2].permute(2, 0, 1).clone(), [Y]),
    ("clone contiguous", lambda m, x: x.t().clone(memory_format=m.contiguous_format), [X]),
    ("clone channels last", lambda m, x: x.clone(memory_format=m.channels_last), [(2, 3, 2, 2)]),
    ("contiguous", lambda m, x: x.t().contiguous(), [X]),
    ("contiguous already", lambda m, x: x.contiguous(), [X]),
    ("to dtype", lambda m, x: x.to(m.float32), [X]),
    ("to dtype and back", lambda m, x: x.to(m.float32).to(m.float64), [X]),
    ("to device and dtype", lambda m, x: x.to("cpu", m.float32), [X]),
    ("to other", lambda m, x: x.to(m.ones(1, dtype=m.int32)), [X]),
    ("to itself", lambda m, x: x.to(m.float64), [X]),
    ("to a copy", lambda m, x: x.to(m.float64, copy=True), [X]),
    ("to nothing", lambda m, x: x.to(), [X]),
    ("to keywords", lambda m, x: x.to(device="cpu", dtype=m.float32, non_blocking=True), [X]),
    ("to of a transposed", lambda m, x: x.t().to(m.float32), [X]),
    ("float", lambda m, x: x.float(), [X]),
    ("half", lambda m, x: x.half().double(), [X]),
    ("long", lambda m, x: (x * 10).long(), [X]),
    ("byte", lambda m, x: (x.abs() * 10).byte(), [X]),
    ("bool", lambda m, x: x.bool(), [X]),
    ("to complex", lambda m, x: x.to(m.complex128), [X]),
    ("from complex", lambda m, x: x.to(m.float64), [("complex", X)]),
    ("type", lambda m, x: x.type(m.float32), [X]),
    ("type by name", lambda m, x: x.type("torch.FloatTensor"), [X]),
    ("type as", lambda m, x, y: x.type_as(y.float()), [X, X]),
    ("cpu", lambda m, x: x.cpu(), [X]),
]


@pytest.mark.parametrize(("program", "shapes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_conversion_equals_torch(program: Any, shapes: list[Any]) -> None:
    same(program, shapes)


SPECIAL = [float("nan"), float("inf"), -1.0, 300.0, 1e10, -2.7]


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "int32", "int64", "bool", "float16"])
def test_values_out_of_range_convert_as_in_torch(name: str) -> None:
    theirs = torch.tensor(SPECIAL).to(getattr(torch, name)).numpy()
    np.testing.assert_array_equal(rushlight.tensor(SPECIAL).to(getattr(rushlight, name)).numpy(), theirs)


SAME_RESULT: list[Any] = [
    lambda m: m.ones(3).item(),
    lambda m: m.tensor([[2.5]]).item(),
    lambda m: m.tensor(3).item(),
    lambda m: m.tensor(True).item(),
    lambda m: m.tensor(1.5, dtype=m.bfloat16).item(),
    lambda m: m.tensor([[1, 2], [3, 4]]).tolist(),
    lambda m: m.tensor([1.5, 2.5], dtype=m.bfloat16).tolist(),
    lambda m: m.tensor(2).tolist(),
    lambda m: bool(m.ones(3)),
    lambda m: bool(m.ones(0)),
    lambda m: bool(m.tensor([[0.0]])),
    lambda m: int(m.ones(3)),
    lambda m: int(m.tensor(2.7)),
    lambda m: float(m.tensor([3])),
    lambda m: float(m.tensor(1j)),
    lambda m: complex(m.tensor(1j)),
    lambda m: range(10)[m.tensor(3)],
    lambda m: range(10)[m.tensor(3.0)],
    lambda m: range(10)[m.tensor([1, 2])],
    lambda m: len(m.ones(3, 2)),
    lambda m: len(m.tensor(1)),
    lambda m: list(m.tensor(1)),
    lambda m: [row.tolist() for row in m.tensor([[1, 2], [3, 4]])],
    lambda m: 1 in m.tensor([1, 2]),
    lambda m: 5 in m.tensor([1, 2]),
    lambda m: "a" in m.tensor([1, 2]),
    lambda m: f"{m.tensor(1.5):.3f}",
    lambda m: f"{m.tensor([1.5]):.3f}",
    lambda m: f"{m.tensor([1.5])}",
    lambda m: m.ones(2, 3).type(),
    lambda m: m.ones(2, 3).type("foo"),
    lambda m: m.ones(2, 3).size(),
    lambda m: m.ones(2, 3).size(-1),
    lambda m: m.ones(2, 3).size(3),
    lambda m: m.ones(2, 3).stride(5),
    lambda m: m.ones(2, 3).t().stride(),
    lambda m: m.ones(2, 3).numel(),
    lambda m: m.ones(2, 3).dim(),
    lambda m: m.ones(2, 3).element_size(),
    lambda m: m.ones(2, 3)[1].storage_offset(),
    lambda m: m.ones(2, 3).t().is_contiguous(),
    lambda m: m.ones(2, 3, 4, 5).is_contiguous(memory_format=m.channels_last),
    lambda m: m.ones(2, 3).is_floating_point(),
    lambda m: m.ones(2, 3).is_complex(),
    lambda m: m.ones(3, dtype=m.bfloat16).numpy(),
    lambda m: m.ones(3, requires_grad=True).numpy(),
    lambda m: m.ones(3, requires_grad=True).numpy(force=True),
    lambda m: m.ones(3).cuda(),
    lambda m: m.ones(3).to("cuda"),
    lambda m: m.ones(3).to("foo"),
    lambda m: m.ones(3).to(3),
    lambda m: np.asarray(m.ones(3)),
    lambda m: np.array(m.ones(2, 2), dtype=np.int32),
    lambda m: m.is_tensor(m.ones(1)),
    lambda m: m.is_tensor(1),
    lambda m: m.is_nonzero(m.tensor([2.0])),
]


@pytest.mark.parametrize("program", SAME_RESULT, ids=range(len(SAME_RESULT)))
def test_python_sees_what_it_sees_of_torch(program: Any) -> None:
    theirs, ours = outcome(torch, program, []), outcome(rushlight, program, [])
    if theirs[1].startswith("Got unsupported"):
        assert ours[0] == theirs[0]
    else:
        assert ours == theirs
