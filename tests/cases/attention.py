"""Attention as functions and as a module, masks and choices of nn.attention, products of groups."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from typing import Any

import numpy as np

from tests.cases.case import Case, Maker, Refusal, boolean, fixed, given, normal


def attend(t: Any) -> Any:
    return t.nn.functional.scaled_dot_product_attention


def flex(t: Any) -> Any:
    return importlib.import_module(f"{t.__name__}.nn.attention.flex_attention")


def bias(t: Any) -> Any:
    return importlib.import_module(f"{t.__name__}.nn.attention.bias")


HALF_HIDDEN = np.array([[True, False, True, False], [False, False, False, False], [True, True, True, True]])
CAUSAL = np.triu(np.full((3, 3), -math.inf), 1)
PADDING = np.array([[False, False, True], [False, False, False]])
Q, K, V = normal(1, 2, 3, 2), normal(1, 2, 4, 2), normal(1, 2, 4, 2)
QKV = (Q, K, V)
PLAIN = (normal(3, 2), normal(4, 2), normal(4, 3))


def mask(values: Any) -> Any:
    return given(values)


# Masks of floats, which want no gradient.
ADDED = fixed(normal(3, 4))


def whole(*shape: int) -> Maker:
    """Whole numbers as floats."""
    return Maker(lambda rng: rng.integers(-3, 4, shape) * 1.0)


def attention(name: str, inputs: Any, **options: Any) -> Case:
    # PyTorch's fused kernel has no second derivatives; tests/nn/test_transformer.py has ours.
    return Case(f"attention {name}", attend, inputs, options, second="fused" not in name)


def multihead(name: str, inputs: Any, call: dict[str, Any] | None = None, **options: Any) -> Case:
    training = options.pop("training", True)
    return Case(
        f"MultiheadAttention {name}",
        lambda t: t.nn.MultiheadAttention(4, 2, **options),
        inputs,
        call or {},
        training=training,
        second=call is None or call.get("need_weights", True) or "dropout" in options,
        draws=bool(options.get("dropout")),
    )


SELF = normal(3, 2, 4)


def grouped(name: str, a: Any, b: Any, ends: list[int] | None) -> Case:
    offs = {} if ends is None else {"offs": given(np.array(ends, np.int32))}

    def make(t: Any) -> Any:
        def function(a: Any, b: Any, **offs: Any) -> Any:
            return t.nn.functional.grouped_mm(a.float().contiguous(), b.float().contiguous(), **offs).to(a.dtype)

        return function

    # It takes no float64: gradients in float64 are as exact as float32.
    return Case(f"grouped_mm {name}", make, (a, b), offs, smooth=False, second=False, tolerance=100, halves=())


CASES = [
    attention("plain", PLAIN),
    attention("scale", PLAIN, scale=-0.3),
    attention("3-D causal", (normal(2, 3, 2), normal(2, 4, 2), normal(2, 4, 1)), is_causal=True),
    attention("3-D mask per sample", (normal(2, 3, 2), normal(2, 4, 2), normal(2, 4, 1)), attn_mask=boolean(2, 3, 4)),
    attention("5-D", (normal(1, 1, 2, 2, 2), normal(1, 1, 2, 3, 2), normal(1, 1, 2, 3, 2))),
    attention("ranks broadcast", (normal(2, 3, 2), normal(4, 2), normal(4, 2))),
    attention("fused", QKV),
    attention("fused causal", QKV, is_causal=True),
    attention("fused causal, more queries", (normal(1, 1, 4, 2), normal(1, 1, 2, 2), normal(1, 1, 2, 2)), is_causal=True),
    # Other strides go to the composition, which refuses both.
    replace(attention("fused causal and mask", QKV, attn_mask=ADDED, is_causal=True), stepped=False),
    attention("fused mask", QKV, attn_mask=mask(HALF_HIDDEN)),
    attention("fused mask of floats", QKV, attn_mask=ADDED, scale=0.4),
    attention("fused mask per head", QKV, attn_mask=boolean(1, 2, 3, 4)),
    attention("fused mask of keys", QKV, attn_mask=mask(np.array([[[[True, False, True, True]]]]))),
    attention("fused groups", (normal(1, 4, 2, 2), normal(1, 2, 3, 2), normal(1, 2, 3, 2)), enable_gqa=True),
    attention("groups", (normal(4, 2, 2), normal(2, 3, 2), normal(1, 3, 1)), enable_gqa=True),
    attention("rows all hidden", PLAIN, attn_mask=mask(HALF_HIDDEN)),
    attention("mask wants a gradient", (*QKV, normal(3, 4))),
    attention("no keys", (Q, normal(1, 2, 0, 2), normal(1, 2, 0, 2))),
    attention("no queries", (normal(1, 2, 0, 2), K, V)),
    Case("attention dropout", attend, QKV, {"attn_mask": ADDED, "dropout_p": 0.4}, draws=True),
    Case("attention dropout of all", attend, PLAIN, {"dropout_p": 1.0}, draws=True),
    Case("attention bias upper left", lambda t: lambda *x: attend(t)(*x, bias(t).causal_upper_left(3, 4)), QKV, second=False),
    Case("attention bias lower right", lambda t: lambda *x: attend(t)(*x, bias(t).causal_lower_right(3, 4)), QKV, second=False),
    multihead("self", (SELF, SELF, SELF)),
    multihead("keys and values", (SELF, normal(4, 2, 4), normal(4, 2, 4))),
    multihead("unbatched", (normal(3, 4), normal(2, 4), normal(2, 4)), {"attn_mask": fixed(normal(2, 3, 2))}),
    multihead("no bias", (SELF, SELF, SELF), {"attn_mask": mask(CAUSAL), "is_causal": True}, bias=False),
    multihead("kdim", (SELF, normal(2, 2, 3), normal(2, 2, 5)), kdim=3, vdim=5),
    multihead("more keys", (SELF, SELF, SELF), {"key_padding_mask": mask(PADDING)}, add_bias_kv=True, add_zero_attn=True),
    multihead("no weights", (SELF, SELF, SELF), {"attn_mask": mask(CAUSAL), "is_causal": True, "need_weights": False}),
    multihead("both masks", (SELF, SELF, SELF), {"attn_mask": mask(np.stack([CAUSAL < 0] * 4)), "key_padding_mask": mask(PADDING)}, training=False),
    multihead("weights per head", (SELF, SELF, SELF), {"average_attn_weights": False}),
    multihead("batch first", (normal(2, 3, 4), normal(2, 2, 4), normal(2, 2, 4)), batch_first=True, dropout=0.5),
    multihead("dropout", (SELF, SELF, SELF), {"need_weights": False}, dropout=0.3),
    grouped("rows", whole(5, 4), whole(2, 4, 4), [2, 5]),
    grouped("columns", whole(2, 3, 4), whole(4, 4), [1, 4]),
    grouped("inner", whole(2, 4), whole(4, 4), [1, 4]),
    grouped("stacks", whole(2, 2, 4), whole(2, 4, 4), None),
]  # fmt: skip


def scores(name: str, function: Any, *inputs: Any, **options: Any) -> Case:
    arrays = inputs or tuple(fixed(x) for x in QKV)
    return Case(f"flex_attention {name}", lambda t: lambda *x: function(t, *x), arrays, options)


CASES += [
    scores("plain", lambda t, *x: flex(t).flex_attention(*x)),
    scores("score_mod", lambda t, *x: flex(t).flex_attention(*x, lambda s, b, h, i, j: s + h - (i - j).abs(), scale=0.5)),
    scores("block_mask", lambda t, *x: flex(t).flex_attention(*x, block_mask=flex(t).create_block_mask(
        lambda b, h, i, j: (i >= j) & (i != 1), None, 2, 3, 4, device="cpu", BLOCK_SIZE=2))),
    scores("table", lambda t, q, k, v, bias: flex(t).flex_attention(q, k, v, lambda s, b, h, i, j: s * bias[h][i][j]),
           *map(fixed, (*QKV, normal(2, 3, 4)))),
    scores("lse", lambda t, *x: flex(t).flex_attention(*x, return_aux=flex(t).AuxRequest(lse=True))),
    scores("groups", lambda t, *x: flex(t).flex_attention(*x, enable_gqa=True), fixed(normal(1, 4, 3, 2)), fixed(K), fixed(V)),
    Case("scaled_mm", lambda t: lambda a, b: t.nn.functional.scaled_mm(
        a.to(t.float8_e4m3fn), b.to(t.float8_e4m3fn).t(), t.tensor(0.5), t.nn.functional.ScalingType.TensorWise,
        t.tensor(2.0), t.nn.functional.ScalingType.TensorWise, output_dtype=t.float32), (fixed(whole(3, 4)), fixed(whole(2, 4)))),
    Case("scaled_mm rows", lambda t: lambda a, b, bias: t.nn.functional.scaled_mm(
        a.to(t.float8_e4m3fn), b.to(t.float8_e5m2).t(), t.ones(3, 1), t.nn.functional.ScalingType.RowWise,
        t.full((1, 2), 0.5), t.nn.functional.ScalingType.RowWise, bias=bias.float()), (fixed(whole(3, 4)), fixed(whole(2, 4)), fixed(whole(2)))),
]  # fmt: skip


def mha(t: Any, *args: Any, **options: Any) -> Any:
    module = t.nn.MultiheadAttention(4, 2, **{k: options.pop(k) for k in ("kdim", "batch_first") if k in options})
    return module(*args, **options)


def int32(t: Any, *values: int) -> Any:
    return t.tensor(values, dtype=t.int32)


REFUSALS = [
    Refusal("attention dtypes", lambda t: attend(t)(t.ones(2, 2), t.ones(2, 2).double(), t.ones(2, 2)), RuntimeError, "same dtype"),
    Refusal("attention dims", lambda t: attend(t)(t.ones(2), t.ones(2), t.ones(2)), RuntimeError, "at least 2 dim"),
    Refusal("attention tensor", lambda t: attend(t)(t.ones(2, 2), 1, t.ones(2, 2)), TypeError, "'key' .position 2. must be T"),
    Refusal("attention mask dtype", lambda t: attend(t)(*[t.ones(2, 2)] * 3, t.ones(2, 2).long()), RuntimeError, "attn_mask dtype"),
    Refusal("attention mask shape", lambda t: attend(t)(*[t.ones(1, 1, 2, 2)] * 3, t.ones(3, 2)), RuntimeError, "must match the size"),
    Refusal("attention both masks", lambda t: attend(t)(*[t.ones(2, 2)] * 3, t.ones(2, 2), is_causal=True), RuntimeError, "should not be set"),
    Refusal("attention mask rank", lambda t: attend(t)(*[t.ones(1, 1, 2, 2)] * 3, t.ones(2)), IndexError, "out of range"),
    Refusal("attention scale", lambda t: attend(t)(*[t.ones(2, 2)] * 3, scale="1"), TypeError, "'scale' must be float"),
    Refusal("attention dropout", lambda t: attend(t)(*[t.ones(2, 2)] * 3, dropout_p=2.0), RuntimeError, "between 0 and 1"),
    Refusal("attention groups", lambda t: attend(t)(t.ones(3, 2, 2), *[t.ones(2, 2, 2)] * 2, enable_gqa=True), RuntimeError, "must divide"),
    Refusal("attention widths", lambda t: attend(t)(t.ones(2, 2), t.ones(2, 3), t.ones(2, 2)), RuntimeError, "cannot be multiplied"),
    Refusal("attention integers", lambda t: attend(t)(*[t.ones(2, 2).long()] * 3), RuntimeError, ""),
    Refusal("MultiheadAttention sizes", lambda t: t.nn.MultiheadAttention(0, 1), ValueError, "greater than 0"),
    Refusal("MultiheadAttention heads", lambda t: t.nn.MultiheadAttention(4, 3), AssertionError, "divisible"),
    Refusal("MultiheadAttention rank", lambda t: mha(t, *[t.ones(4)] * 3), AssertionError, "unbatched 2D or batched 3D"),
    Refusal("MultiheadAttention ranks", lambda t: mha(t, t.ones(2, 1, 4), t.ones(2, 4), t.ones(2, 4)), AssertionError, "to be 3-D"),
    Refusal("MultiheadAttention width", lambda t: mha(t, *[t.ones(2, 1, 3)] * 3), AssertionError, "embedding dimension of 4"),
    Refusal("MultiheadAttention lengths", lambda t: mha(t, t.ones(2, 1, 4), t.ones(2, 1, 4), t.ones(3, 1, 4)), AssertionError, "does not match value"),
    Refusal("MultiheadAttention kdim", lambda t: mha(t, t.ones(2, 1, 4), t.ones(2, 1, 4), t.ones(2, 1, 4), kdim=3), AssertionError, "expecting key weights"),
    Refusal("MultiheadAttention mask", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, attn_mask=t.ones(3, 2)), RuntimeError, "2D attn_mask is"),
    Refusal("MultiheadAttention masks", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, attn_mask=t.ones(3, 2, 2)), RuntimeError, "3D attn_mask is"),
    Refusal("MultiheadAttention mask rank", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, attn_mask=t.ones(2)), AssertionError, "2-D or 3-D"),
    Refusal("MultiheadAttention integers", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, attn_mask=t.ones(2, 2).long()), AssertionError, "bool and floating"),
    Refusal("MultiheadAttention padding", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, key_padding_mask=t.zeros(1, 3)), AssertionError, "to be 2, but got 3"),
    Refusal("MultiheadAttention hint", lambda t: mha(t, *[t.ones(2, 1, 4)] * 3, is_causal=True), RuntimeError, "Need attn_mask"),
    Refusal("flex_attention rank", lambda t: flex(t).flex_attention(*[t.ones(1, 2, 2)] * 3), NotImplementedError, "4D"),
    Refusal("flex_attention heads", lambda t: flex(t).flex_attention(t.ones(1, 2, 2, 2), *[t.ones(1, 1, 2, 2)] * 2), ValueError, "enable_gqa"),
    Refusal("create_mask", lambda t: flex(t).create_mask(lambda b: b, 1, 1, 2, 2, device="cpu"), AssertionError, "4 or 5"),
    Refusal("create_block_mask", lambda t: flex(t).create_block_mask(lambda s, b, h, i, j: s, 1, 1, 2, 2, device="cpu"), AssertionError, "mask_mod"),
    Refusal("and_masks", lambda t: flex(t).and_masks(1), RuntimeError, "callable"),
    Refusal("CausalBias", lambda t: bias(t).CausalBias(1, 2, 2), AssertionError, "CausalVariant"),
    Refusal("causal_lower_right", lambda t: bias(t).causal_lower_right(2), AssertionError, "2D"),
    Refusal("causal and CausalBias", lambda t: attend(t)(*[t.ones(2, 2)] * 3, bias(t).causal_upper_left(2, 2), is_causal=True), ValueError, "causal=True"),
    Refusal("grouped_mm dtype", lambda t: t.nn.functional.grouped_mm(*[t.ones(1, 4, 4).double()] * 2), RuntimeError, "Expected mat_a"),
    Refusal("grouped_mm offsets", lambda t: t.nn.functional.grouped_mm(t.ones(4, 4), t.ones(1, 4, 4)), RuntimeError, "provide offsets"),
    Refusal("grouped_mm int64", lambda t: t.nn.functional.grouped_mm(t.ones(4, 4), t.ones(1, 4, 4), offs=t.tensor([4])), RuntimeError, "int32"),
    Refusal("grouped_mm strides", lambda t: t.nn.functional.grouped_mm(t.ones(4, 3), t.ones(1, 3, 4), offs=int32(t, 4)), RuntimeError, "16 bytes"),
    Refusal("grouped_mm bias", lambda t: t.nn.functional.grouped_mm(*[t.ones(1, 4, 4)] * 2, bias=t.ones(4)), RuntimeError, "Bias"),
    Refusal("grouped_mm out_dtype", lambda t: t.nn.functional.grouped_mm(*[t.ones(1, 4, 4)] * 2, out_dtype=t.float16), RuntimeError, "output dtype"),
    Refusal("scaled_mm", lambda t: t.nn.functional.scaled_mm(t.ones(2, 2), t.ones(2, 2), t.ones(1), t.nn.functional.ScalingType.TensorWise, t.ones(1), t.nn.functional.ScalingType.TensorWise), ValueError, "Invalid scaling"),
    Refusal("scaled_grouped_mm", lambda t: t.nn.functional.scaled_grouped_mm(t.ones(2, 2), t.ones(2, 2), t.ones(1), t.nn.functional.ScalingType.RowWise, t.ones(1), t.nn.functional.ScalingType.RowWise), NotImplementedError, "Could not run"),
]  # fmt: skip
