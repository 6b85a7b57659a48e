"""Attention and the transformer: what holds without PyTorch, and what a table of cases can't say."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rushlight as torch
from rushlight.autograd import gradcheck, gradgradcheck
from rushlight.backends import mha
from rushlight.nn import functional as F
from rushlight.nn.attention import SDPBackend, _registry, sdpa_kernel
from rushlight.nn.attention import flex_attention as flex


def heads(*shape: int, seed: int = 0) -> Any:
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def qkv(length: int = 3, keys: int = 4, shared: int = 2) -> tuple[Any, Any, Any]:
    return heads(1, 2, length, 2), heads(1, shared, keys, 2, seed=1), heads(1, shared, keys, 2, seed=2)


MASK = torch.tensor([[True, False, True, False], [False] * 4, [True] * 4])
FUSED: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (qkv(), {}),
    "causal": (qkv(), {"is_causal": True}),
    "mask": (qkv(), {"attn_mask": MASK}),
    "mask of floats": (qkv(), {"attn_mask": torch.arange(12.0).reshape(3, 4) / 6, "scale": 0.4}),
    "groups": (qkv(shared=1), {"enable_gqa": True}),
}


@pytest.mark.parametrize("name", FUSED)
def test_the_fused_operation_has_derivatives_of_both_orders(name: str) -> None:
    inputs, options = FUSED[name]

    def attend(*tensors: Any) -> Any:
        return F.scaled_dot_product_attention(*tensors, **options)

    assert attend(*inputs).grad_fn.name() == "ScaledDotProductFlashAttentionForCpuBackward0"
    assert gradcheck(attend, inputs)
    assert gradgradcheck(attend, inputs)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": "some"}], ids=str)
@pytest.mark.parametrize(("length", "keys"), [(1, 1), (5, 700), (700, 5), (600, 600)])
def test_many_blocks_equal_the_composition(length: int, keys: int, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    tensors = [heads(2, 2, n, 3, seed=i) for i, n in enumerate((length, keys, keys))]
    if "attn_mask" in options:
        options = {"attn_mask": torch.tensor(rng.random((2, 1, length, keys)) < 0.3)}
    weights = torch.tensor(rng.standard_normal((2, 2, length, 3)))
    results = []
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH):
        with sdpa_kernel(backend):
            out = F.scaled_dot_product_attention(*tensors, **options)
        results.append([out, *torch.autograd.grad((out * weights).sum(), tensors)])
    for fused, composed in zip(*results, strict=True):
        np.testing.assert_allclose(fused.detach().numpy(), composed.detach().numpy(), rtol=1e-10, atol=1e-12)


def test_memory_grows_with_the_sequence_and_not_with_its_square() -> None:
    def peak(length: int) -> int:
        q, k, v = (heads(1, 2, length, 8, seed=i).float().detach().requires_grad_() for i in range(3))
        tracemalloc.start()
        F.scaled_dot_product_attention(q, k, v).sum().backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    # All scores of the longer one would be 2 · 4096² · 4 bytes = 134 MB, 16 times as many as the shorter's.
    peak(64)
    assert peak(4096) < 6 * peak(1024)


def test_flex_attention_has_what_pytorch_has_on_gpus() -> None:
    q, k, v = qkv()
    slope = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)

    def attend(q: Any, k: Any, v: Any, slope: Any) -> Any:
        return flex.flex_attention(q, k, v, lambda s, b, h, i, j: s - slope * (i - j).abs() * (h + 1))

    assert gradcheck(attend, (q, k, v, slope))
    out, aux = flex.flex_attention(q, k, v, return_aux=flex.AuxRequest(lse=True, max_scores=True))
    scores = q @ k.transpose(-2, -1) / 2**0.5
    assert torch.allclose(aux.lse, scores.logsumexp(-1))
    assert torch.allclose(aux.max_scores, scores.amax(-1))


def test_a_mod_that_indexes_twice_and_one_that_fails() -> None:
    table = torch.arange(24).reshape(2, 3, 4)
    mask = flex.create_mask(lambda b, h, i, j: table[h][i][j] % 3 == 0, 2, 2, 3, 4)
    assert torch.equal(mask, (table % 3 == 0).expand(2, 2, 3, 4))
    with pytest.raises(IndexError, match=r"out of bounds|out of range"):
        flex.create_mask(lambda b, h, i, j: table[h + 5, i, j] > 0, 1, 2, 3, 4)


def test_masked_padding_counts_for_nothing() -> None:
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 2).eval()
    x = torch.randn(2, 3, 4)
    padding = torch.tensor([[False, False, True], [True, True, True]])
    with torch.no_grad():
        expected = encoder(x[:1, :2])
        x[0, 2] = float("nan")
        out = encoder(x, src_key_padding_mask=padding)
    assert torch.allclose(out[0, :2], expected[0], atol=1e-6)
    assert not out[0, 2].any()
    assert not out[1].any()


def test_the_fast_path_can_be_switched_off() -> None:
    encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 1).eval()
    padding = torch.tensor([[False, True]])
    mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            out = encoder(torch.ones(1, 2, 4), src_key_padding_mask=padding)
    finally:
        mha.set_fastpath_enabled(True)
    assert out[0, 1].any()


REASONS: list[tuple[dict[str, Any], str]] = [
    ({"norm_first": True, "batch_first": True}, "norm_first was True"),
    ({}, "batch_first was not True"),
    ({"bias": False, "batch_first": True}, "passed bias=False"),
    ({"activation": torch.tanh, "batch_first": True}, "activation_relu_or_gelu was not True"),
    ({"nhead": 1, "batch_first": True}, "num_heads is odd"),
]


@pytest.mark.parametrize(("options", "reason"), REASONS)
def test_an_encoder_says_why_it_computes_padding_too(options: dict[str, Any], reason: str) -> None:
    layer = torch.nn.TransformerEncoderLayer(**{"d_model": 4, "nhead": 2, **options})
    with pytest.warns(UserWarning, match=reason):
        assert not torch.nn.TransformerEncoder(layer, 1).use_nested_tensor
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


def test_masks_of_two_types_warn() -> None:
    x = torch.ones(2, 1, 4)
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask is deprecated"):
        torch.nn.MultiheadAttention(4, 2)(x, x, x, torch.zeros(1, 2), attn_mask=torch.zeros(2, 2, dtype=torch.bool))


def test_layers_are_copies_and_survive_pickling() -> None:
    layer = torch.nn.TransformerDecoderLayer(4, 2, 8)
    decoder = torch.nn.TransformerDecoder(layer, 2)
    first, second = decoder.layers
    assert first.linear1.weight is not layer.linear1.weight
    assert torch.equal(first.linear1.weight, second.linear1.weight)
    for twin in (copy.deepcopy(decoder), pickle.loads(pickle.dumps(decoder))):
        assert repr(twin) == repr(decoder)
        assert twin.layers[0].activation is F.relu


def test_old_states_get_what_they_lack() -> None:
    attention = torch.nn.MultiheadAttention(4, 2)
    state = dict(attention.__dict__)
    del state["_qkv_same_embed_dim"]
    twin = object.__new__(torch.nn.MultiheadAttention)
    twin.__setstate__(state)
    assert twin._qkv_same_embed_dim
    for layer in (torch.nn.TransformerEncoderLayer(4, 2), torch.nn.TransformerDecoderLayer(4, 2)):
        state = dict(layer.__dict__)
        del state["activation"]
        twin = object.__new__(type(layer))
        twin.__setstate__(state)
        assert twin.activation is F.relu


def test_sdpa_kernel_decorates_and_restores() -> None:
    q = heads(1, 1, 2, 2)

    @sdpa_kernel([SDPBackend.MATH])
    def attend() -> str:
        return str(F.scaled_dot_product_attention(q, q, q).grad_fn.name())

    assert attend() == "UnsafeViewBackward0"
    assert torch.backends.cuda.flash_sdp_enabled()
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError, match="No available kernel"):
            F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    assert [str(w.message) for w in caught] == [
        "Flash attention kernel not used because:",
        "Both fused kernels do not support non-zero dropout.",
    ]
    with sdpa_kernel([]), pytest.raises(RuntimeError, match="No viable backend"):
        F.scaled_dot_product_attention(q, q, q)


Switch = tuple[Callable[[bool], None], Callable[[], bool]]
SWITCHES: list[Switch] = [
    (torch.backends.cuda.enable_flash_sdp, torch.backends.cuda.flash_sdp_enabled),
    (torch.backends.cuda.enable_math_sdp, torch.backends.cuda.math_sdp_enabled),
    (torch.backends.cuda.enable_mem_efficient_sdp, torch.backends.cuda.mem_efficient_sdp_enabled),
    (torch.backends.cuda.enable_cudnn_sdp, torch.backends.cuda.cudnn_sdp_enabled),
]


@pytest.mark.parametrize(("enable", "enabled"), SWITCHES)
def test_switches_of_backends(enable: Callable[[bool], None], enabled: Callable[[], bool]) -> None:
    assert enabled()
    enable(False)
    try:
        assert not enabled()
    finally:
        enable(True)


def test_implementations_are_activated_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_registry, "_registered", {})
    attention, removed = torch.nn.attention, []

    class Handle:
        def remove(self) -> None:
            removed.append(True)

    attention.register_flash_attention_impl("test", register_fn=Handle)
    attention.activate_flash_attention_impl("test")
    assert attention.current_flash_attention_impl() == "test"
    attention.restore_flash_attention_impl()
    assert removed == [True]
    assert attention.current_flash_attention_impl() is None
    with pytest.raises(ValueError, match="Unknown flash attention impl 'no'"):
        attention.activate_flash_attention_impl("no")
