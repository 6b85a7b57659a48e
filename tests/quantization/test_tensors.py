"""Quantized tensors: codes, what they stand for, what moves and what is refused. Expected values by hand and NumPy."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.quantizer import quantizer_of

X = np.array([[0.5, -1.0, 2.3], [0.05, 0.16, -0.26]], np.float32)


def quantized(kind: Any = torch.quint8, scale: float = 0.1, zero: int = 10) -> torch.Tensor:
    return torch.quantize_per_tensor(torch.tensor(X), scale, zero, kind)


def by_channel() -> torch.Tensor:
    return torch.quantize_per_channel(torch.tensor(X), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8)


def test_codes_and_what_they_stand_for() -> None:
    q = quantized()
    assert q.is_quantized and not torch.ones(1).is_quantized
    assert (q.dtype, q.shape, q.qscheme()) == (torch.quint8, (2, 3), torch.per_tensor_affine)
    assert (q.q_scale(), q.q_zero_point()) == (0.1, 10)
    np.testing.assert_array_equal(q.int_repr().numpy(), [[15, 0, 33], [10, 12, 7]])
    np.testing.assert_allclose(q.dequantize().numpy(), [[0.5, -1.0, 2.3], [0.0, 0.2, -0.3]], rtol=1e-6)


def test_halves_are_rounded_after_the_zero_point_is_added() -> None:
    x = torch.tensor([0.5, 1.5, 2.5])
    assert torch.quantize_per_tensor(x, 1.0, 0, torch.quint8).int_repr().tolist() == [0, 2, 2]
    assert torch.quantize_per_tensor(x, 1.0, 1, torch.quint8).int_repr().tolist() == [2, 2, 4]


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(torch.quint8, 0, 255), (torch.qint8, -128, 127), (torch.qint32, -(2**31), 2**31 - 1)],
)
def test_codes_stay_within_their_type(kind: Any, low: int, high: int) -> None:
    x = torch.tensor([-float("inf"), -1e30, 0.0, 1e30, float("inf")])
    codes = torch.quantize_per_tensor(x, 0.1, 3, kind).int_repr().tolist()
    assert codes == [low, low, 3, high, high]


def test_channels_have_their_own_scales() -> None:
    q = by_channel()
    assert q.qscheme() is torch.per_channel_affine and q.q_per_channel_axis() == 0
    np.testing.assert_array_equal(q.int_repr().numpy(), [[5, -10, 23], [1, 2, 0]])
    np.testing.assert_allclose(q.q_per_channel_scales().numpy(), [0.1, 0.2], rtol=1e-7)
    assert q.q_per_channel_zero_points().tolist() == [0, 1]
    wanted = np.float32([[0.5, -1.0, 2.3], [0.0, 0.2, -0.2]])
    np.testing.assert_allclose(q.dequantize().numpy(), wanted, rtol=1e-6)


def test_zero_points_of_floats_are_added_before_rounding() -> None:
    zeros = torch.tensor([0.5, 1.25])
    q = torch.quantize_per_channel(torch.tensor(X), torch.tensor([0.1, 0.2]), zeros, 0, torch.quint8)
    assert q.qscheme() is torch.per_channel_affine_float_qparams
    np.testing.assert_array_equal(q.int_repr().numpy(), [[6, 0, 24], [2, 2, 0]])
    np.testing.assert_allclose(q.dequantize().numpy()[1], (np.float32([2, 2, 0]) - 1.25) * 0.2, rtol=1e-6)


def test_the_range_of_a_tensor_becomes_its_scale() -> None:
    q = torch.quantize_per_tensor_dynamic(torch.tensor([-1.0, 0.0, 1.0, 2.0]), torch.quint8, False)
    assert (q.q_scale(), q.q_zero_point()) == (3 / 255, 85)
    q = torch.quantize_per_tensor_dynamic(torch.tensor([1.0, 2.0]), torch.quint8, True)
    assert (q.q_scale(), q.q_zero_point()) == (2 / 127, 0)


def test_a_list_is_quantized_each_with_its_own() -> None:
    first, second = torch.quantize_per_tensor(
        [torch.ones(1), torch.ones(1)], torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), torch.quint8
    )
    assert (first.int_repr().item(), second.int_repr().item()) == (2, 5)
    assert [t.item() for t in torch.dequantize([first, second])] == [1.0, 1.0]


MOVES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "row": (lambda q: q[0], lambda a: a[0]),
    "element": (lambda q: q[0, 1], lambda a: a[0, 1]),
    "slice": (lambda q: q[:, 1:], lambda a: a[:, 1:]),
    "rows by number": (lambda q: q[torch.tensor([1, 0])], lambda a: a[[1, 0]]),
    "permute": (lambda q: q.permute(1, 0), lambda a: a.T),
    "reshape": (lambda q: q.reshape(3, 2), lambda a: a.reshape(3, 2)),
    "view": (lambda q: q.view(6), lambda a: a.reshape(6)),
    "flatten": (lambda q: torch.flatten(q), lambda a: a.reshape(6)),
    "unsqueeze": (lambda q: q.unsqueeze(0), lambda a: a[None]),
    "expand": (lambda q: q.unsqueeze(0).expand(2, 2, 3), lambda a: np.stack([a, a])),
    "clone": (lambda q: q.clone(), lambda a: a),
    "contiguous": (lambda q: q.t().contiguous(), lambda a: a.T),
    "detach": (lambda q: q.detach(), lambda a: a),
    "cpu": (lambda q: q.to("cpu"), lambda a: a),
    "cat": (lambda q: torch.cat([q, q]), lambda a: np.concatenate([a, a])),
    "stack": (lambda q: torch.stack([q, q]), lambda a: np.stack([a, a])),
    "repeat": (lambda q: q.repeat(2, 1), lambda a: np.tile(a, (2, 1))),
    "deepcopy": (copy.deepcopy, lambda a: a),
    "pickle": (lambda q: pickle.loads(pickle.dumps(q)), lambda a: a),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_moves_keeps_its_quantizer(name: str) -> None:
    move, model = MOVES[name]
    q = quantized()
    moved = move(q)
    assert (moved.q_scale(), moved.q_zero_point(), moved.dtype) == (0.1, 10, torch.quint8)
    np.testing.assert_array_equal(moved.int_repr().numpy(), model(q.int_repr().numpy()))


def test_a_view_shares_memory() -> None:
    q = quantized()
    q[0].fill_(1.0)
    assert q.int_repr()[0].tolist() == [20, 20, 20]


def test_writing_quantizes() -> None:
    q = quantized()
    q.copy_(torch.ones(2, 3))
    assert q.int_repr().unique().tolist() == [20]
    q[0, 0] = 0.25
    assert q.int_repr()[0, 0].item() == 12
    other = quantized(scale=0.5, zero=0)
    q.copy_(other)
    np.testing.assert_allclose(q.dequantize().numpy(), other.dequantize().numpy(), atol=0.05)


def test_tensors_of_other_scales_are_joined_in_the_first_ones() -> None:
    other = torch.quantize_per_tensor(torch.full((1, 3), 3.0), 0.5, 7, torch.quint8)
    with pytest.warns(UserWarning, match="must share the same quantization parameters"):
        joined = torch.cat([quantized(), other])
    assert joined.q_scale() == 0.1 and joined.int_repr()[2].tolist() == [40, 40, 40]


def test_comparisons_are_of_what_codes_stand_for() -> None:
    q, other = quantized(), quantized(scale=0.2, zero=5)
    assert torch.equal(q, q.clone()) and (q == q).all()
    np.testing.assert_array_equal((q < other).numpy(), q.dequantize().numpy() < other.dequantize().numpy())


def test_printing() -> None:
    assert repr(quantized()[0]) == (
        "tensor([ 0.5000, -1.0000,  2.3000], size=(3,), dtype=torch.quint8,\n"
        "       quantization_scheme=torch.per_tensor_affine, scale=0.1, zero_point=10)"
    )
    assert repr(by_channel()).endswith(
        "quantization_scheme=torch.per_channel_affine,\n"
        "       scale=tensor([0.1000, 0.2000], dtype=torch.float64),\n"
        "       zero_point=tensor([0, 1]), axis=0)"
    )


def test_functions_of_codes() -> None:
    q = quantized()
    x = q.dequantize()
    for out, wanted in [
        (torch.relu(q), x.relu()),
        (torch.nn.functional.hardtanh(q), x.clamp(-1, 1)),
        (torch.nn.functional.relu6(q), x.clamp(0, 6)),
        (torch.nn.functional.max_pool1d(q, 2), torch.nn.functional.max_pool1d(x, 2)),
        (torch.nn.functional.pad(q, (1, 0)), torch.nn.functional.pad(x, (1, 0))),
    ]:
        assert (out.q_scale(), out.q_zero_point()) == (0.1, 10)
        torch_max = (out.dequantize() - wanted).abs().max().item()
        assert torch_max < 1e-6
    sigmoid, tanh = torch.sigmoid(q), torch.tanh(q)
    assert (sigmoid.q_scale(), sigmoid.q_zero_point()) == (1 / 256, 0)
    assert (tanh.q_scale(), tanh.q_zero_point()) == (2 / 256, 128)
    assert (sigmoid.dequantize() - x.sigmoid()).abs().max() <= 1 / 512
    assert q.clone().relu_().int_repr().min() == 10


def test_means_of_codes_are_exact() -> None:
    codes = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    q = torch._make_per_tensor_quantized_tensor(torch.tensor(codes), 0.1, 3)
    # Halves go to the even neighbour.
    means = codes.reshape(2, 2, 2, 2).mean((1, 3))
    out = torch.nn.functional.avg_pool2d(q, 2).int_repr().numpy()[0, 0]
    np.testing.assert_array_equal(out, np.rint(means))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda q: q + q, NotImplementedError, "Could not run 'aten::add' .* 'QuantizedCPU'"),
        (lambda q: q + 1, RuntimeError, "promoteTypes with quantized numbers"),
        (lambda q: q @ q.t(), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: q.sum(), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: q.exp(), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: torch.nn.functional.elu(q), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: q.nonzero(), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: torch.where(q == q, q, q), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: torch.zeros_like(q), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: q.float(), RuntimeError, "Creation of quantized tensor requires quantized dtype"),
        (lambda q: torch.ones(1).to(torch.quint8), RuntimeError, "not supported on quantized tensors"),
        (lambda q: q.numpy(), TypeError, "Got unsupported ScalarType QUInt8"),
        (lambda q: q.tolist(), RuntimeError, "load_scalar"),
        (lambda q: q.requires_grad_(), RuntimeError, "can require gradients"),
        (lambda q: torch.ones(2, 3).copy_(q), RuntimeError, "Copying from quantized Tensor to non-quantized"),
        (lambda q: q.q_per_channel_scales(), RuntimeError, "kPerChannelAffine"),
        (lambda q: by_channel().q_scale(), RuntimeError, "kPerTensorAffine"),
        (lambda q: by_channel().relu(), RuntimeError, "kPerTensorAffine"),
        (lambda q: by_channel()[0], RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().t(), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().permute(1, 0), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().transpose(0, 1), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().flip(0), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel()[:, :1].expand(2, 2), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().index_select(0, torch.tensor([1, 0])), RuntimeError, "only on uniformly quantized"),
        (lambda q: by_channel().view(-1).dequantize(), RuntimeError, "length of scales must equal to channel"),
        (lambda q: torch.ones(1).int_repr(), NotImplementedError, "one of quantized tensors"),
        (lambda q: torch.quantize_per_tensor(q, 0.1, 0, torch.quint8), NotImplementedError, "'QuantizedCPU'"),
        (lambda q: torch.quantize_per_tensor(torch.ones(1), 0.1, 300, torch.quint8), RuntimeError, "is above upper"),
        (lambda q: torch.quantize_per_tensor(torch.ones(1), 0.1, -1, torch.quint8), RuntimeError, "is below lower"),
        (lambda q: torch.quantize_per_tensor(torch.ones(1), 0.1, 0, torch.int8), RuntimeError, "ScalarType Char"),
        (lambda q: torch.quantize_per_tensor(torch.ones(1).double(), 0.1, 0, torch.qint8), RuntimeError, "got Double"),
        (lambda q: torch.promote_types(torch.qint8, torch.float32), RuntimeError, "promoteTypes"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(quantized())


def test_ordinary_tensors_know_nothing_of_it() -> None:
    x = torch.ones(3)
    assert quantizer_of(x._array) is None and x._array.dtype.metadata is None
    assert (x * 2)._array.dtype.metadata is None


def test_fake_quantization_passes_gradients_where_nothing_was_clamped() -> None:
    x = torch.tensor([-5.0, -0.26, 0.24, 9.0], requires_grad=True)
    out = torch.fake_quantize_per_tensor_affine(x, 0.5, 2, 0, 15)
    assert out.tolist() == [-1.0, -0.5, 0.0, 6.5]
    out.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]
    with pytest.raises(RuntimeError, match="`zero_point` must be between"):
        torch.fake_quantize_per_tensor_affine(x, 0.5, 20, 0, 15)
    with pytest.raises(RuntimeError, match="less than or equal to"):
        torch.fake_quantize_per_tensor_affine(x, 0.5, 0, 15, 0)
    with pytest.raises(RuntimeError, match="only supported on axis == 0"):
        on, scale = torch.ones(1), torch.ones(1)
        torch.fused_moving_avg_obs_fake_quant(x, on, on, x, x, scale, scale, 0.1, 0, 255, 1, True)
