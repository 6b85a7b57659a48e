"""Attention and the transformer against the PyTorch installed here: what they print, and models in training."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402
from tests.parity.test_cases import torch_draws_bernoulli_serially  # noqa: E402


def gpt(t: Any, dropout: float) -> Any:
    """A small language model: embeddings, blocks of causal attention and a feedforward network, tied weights."""
    nn, F = t.nn, t.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
            self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
            self.net = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16), nn.Dropout(dropout))

        def forward(self, x: Any) -> Any:
            q, k, v = (part.unflatten(-1, (4, 4)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
            dropped = dropout if self.training else 0.0
            attended = F.scaled_dot_product_attention(q, k, v, dropout_p=dropped, is_causal=True)
            x = x + self.out(attended.transpose(1, 2).flatten(2))
            return x + self.net(self.norm2(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(11, 16), nn.Embedding(8, 16)
            self.blocks = nn.Sequential(Block(), Block())
            self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 11, bias=False)
            self.head.weight = self.token.weight

        def forward(self, tokens: Any) -> Any:
            x = self.token(tokens) + self.place(t.arange(tokens.size(1)))
            return self.head(self.norm(self.blocks(x)))

    return Model()


def language_losses(t: Any, dropout: float) -> list[float]:
    t.manual_seed(0)
    model = gpt(t, dropout)
    optimizer = t.optim.AdamW(model.parameters(), lr=1e-2)
    text = t.tensor(np.random.default_rng(0).integers(0, 11, (4, 9)))
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        logits = model(text[:, :-1])
        loss = t.nn.functional.cross_entropy(logits.reshape(-1, 11), text[:, 1:].reshape(-1))
        loss.backward()
        t.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def translation_losses(t: Any, dropout: float) -> list[float]:
    """Reversing sequences with encoder and decoder."""
    nn = t.nn
    t.manual_seed(1)
    embedding, head = nn.Embedding(7, 8), nn.Linear(8, 7)
    model = nn.Transformer(8, 2, 2, 2, 16, dropout=dropout, batch_first=True)
    parameters = [*embedding.parameters(), *model.parameters(), *head.parameters()]
    optimizer = t.optim.Adam(parameters, lr=5e-3)
    source = t.tensor(np.random.default_rng(1).integers(1, 7, (4, 5)))
    target = t.cat([t.zeros(4, 1, dtype=t.int64), source.flip(1)], dim=1)
    padding = t.tensor([[False] * 5] * 3 + [[False, False, False, True, True]])
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        out = model(
            embedding(source),
            embedding(target[:, :-1]),
            tgt_mask=mask,
            tgt_is_causal=True,
            src_key_padding_mask=padding,
        )
        loss = nn.functional.cross_entropy(head(out).reshape(-1, 7), target[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("losses", [language_losses, translation_losses])
def test_training_has_the_same_losses(losses: Any, dropout: float) -> None:
    if dropout and not torch_draws_bernoulli_serially():
        pytest.skip("this PyTorch draws masks with MKL")
    ours, theirs = losses(rushlight, dropout), losses(torch, dropout)
    assert ours[-1] < ours[0] or dropout
    np.testing.assert_allclose(ours, theirs, rtol=2e-4)


def block_masks(t: Any) -> None:
    flex = importlib.import_module(f"{t.__name__}.nn.attention.flex_attention")

    def causal_or_first(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (b == 0) | (q >= kv)

    def made(*sizes: Any, **options: Any) -> Any:
        return flex.create_block_mask(causal_or_first, *sizes, device="cpu", **options)

    mask = made(2, 3, 300, 260)
    for shown in (
        mask,
        repr(mask),
        mask[1],
        repr(mask[0, -1]),
        mask._adjust(140, 260),
        mask.to_string(2),
        mask.to("cpu"),
    ):
        print(shown)
    for flatten in (True, False):
        print(*mask.as_tuple(flatten)[:-1])
    print(mask.shape, mask.numel(), mask.sparsity(), mask.to_dense())
    ordered = made(None, 2, 6, 6, BLOCK_SIZE=(2, 3), compute_dq_write_order=True, separate_full_blocks=False)
    print([getattr(ordered, name) for name in ordered._TENSOR_ATTRS], ordered.dq_kv_order_spt)
    ascending = made(2, 1, 300, 300, compute_dq_write_order=True, dq_kv_order=False)
    print(ascending.dq_write_order, ascending.dq_write_order_full, ascending[0].dq_write_order)
    q = t.ones(2, 3, 4, 8)
    for options in ({"block_mask": mask}, {"block_mask": mask[0]}, {"kernel_options": {"BACKEND": "X"}}):
        attempt(lambda options=options: flex.flex_attention(q, q, q, **options))
    attempt(lambda: flex.flex_attention(q, q[:1], q[:1]))
    attempt(lambda: flex.flex_attention(q, q, q, return_lse=True, return_aux=flex.AuxRequest()))
    attempt(lambda: flex.flex_attention(q, q[:, :2], q[:, :2], enable_gqa=True))
    attempt(lambda: made(1, 1, 4, 4, dq_kv_order=None))
    attempt(lambda: flex.BlockMask.from_kv_blocks(t.ones(1), t.ones(1)))
    print(flex.FlexKernelOptions(BLOCK_M=3), flex.AuxOutput(), flex.AuxRequest(lse=True))


def choices_of_kernels(t: Any) -> None:
    attention, attend = t.nn.attention, t.nn.functional.scaled_dot_product_attention
    bias = importlib.import_module(f"{t.__name__}.nn.attention.bias")
    q = t.ones(1, 1, 2, 2, requires_grad=True)
    every = list(attention.SDPBackend.__members__.values())
    print(every, [int(b) for b in every], every[1])
    for backends in (*every, every[1:3], []):
        with attention.sdpa_kernel(backends) as nothing:
            print(nothing, attention._cur_sdpa_kernel_backends())
            attempt(lambda: attend(q, q, q).grad_fn.name())
            attempt(lambda: attend(q, q, q, dropout_p=0.5).grad_fn.name())
            attempt(lambda: attend(q[0], q[0], q[0]).grad_fn.name())
    with attention.sdpa_kernel(every[1:3], set_priority=True):
        print(attention._cur_sdpa_kernel_backends(True))
    print(attention._cur_sdpa_kernel_backends(True), attention.list_flash_attention_impls())
    attempt(lambda: attention.sdpa_kernel("math").__enter__())
    attempt(lambda: attention.activate_flash_attention_impl("FA3"))
    print(bias.causal_upper_left(3, 2), bias.causal_lower_right(2, 3), list(bias.CausalVariant))
    attempt(lambda: attend(q, q.double(), q, bias.causal_lower_right(2, 3)))
    bias.causal_lower_right(3, 2)
    print(repr(t.nn.functional.ScalingType.RowWise), t.nn.functional.SwizzleType.NO_SWIZZLE)


def layers(t: Any) -> None:
    nn = t.nn
    print(nn.MultiheadAttention(4, 2, add_bias_kv=True, kdim=3))
    print(nn.Transformer(4, 2, 1, 1, 4, activation="gelu"))
    for kind in (nn.Transformer, nn.TransformerEncoder, nn.TransformerDecoder, nn.TransformerEncoderLayer):
        print(getattr(kind, "__constants__", None))
    own = nn.Transformer(4, 2, custom_encoder=nn.Identity(), custom_decoder=nn.Identity())
    print(own, own.d_model, own.nhead, own.batch_first)
    x = t.ones(2, 3, 4)
    attention = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    causal = t.ones(3, 3, dtype=t.bool).triu(1)
    padding = t.tensor([[False, False, True], [True, True, True]])
    merged, kind = attention.merge_masks(causal.float(), None, x)
    print(merged.shape, kind, attention.merge_masks(None, padding, x), attention.merge_masks(None, None, x))
    print(attention.merge_masks(causal.float(), padding.float(), x)[0])
    with t.no_grad():
        for options in ({"attn_mask": causal}, {"key_padding_mask": padding}, {"need_weights": False}):
            out, weights = attention(x, x, x, **options)
            print(out.stride(), out.isnan().any(), weights if weights is None else weights.isnan().sum())
        attempt(lambda: attention(x, x, x, key_padding_mask=padding[:, :2]))
        attempt(lambda: attention(*[t.ones(2, 3, 5)] * 3))
        # A mask of floats hides wherever it isn't 0.
        layer = nn.TransformerEncoderLayer(4, 2, 4, batch_first=True).eval()
        print(t.equal(layer(x, causal.float() * 0.5), layer(x, causal)))
    for mask, given in (
        (None, None),
        (causal, None),
        (causal.float() * -math.inf, None),
        (None, True),
        (causal, False),
    ):
        print(nn.modules.transformer._detect_is_causal_mask(mask, given))
    print(nn.modules.transformer._detect_is_causal_mask(nn.Transformer.generate_square_subsequent_mask(3)))
    print(
        nn.Transformer.generate_square_subsequent_mask(2, dtype=t.float64),
        nn.modules.activation.MultiheadAttention is nn.MultiheadAttention,
    )


@pytest.mark.parametrize("program", [block_masks, choices_of_kernels, layers])
def test_programs_print_the_same(program: Any) -> None:
    same_lines(program)
