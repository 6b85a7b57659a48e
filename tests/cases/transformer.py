"""The transformer, its encoder and decoder and their layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.cases.case import Case, Refusal, fixed, given, normal

CAUSAL = given(np.triu(np.full((3, 3), -math.inf), 1))
HIDDEN = given(np.triu(np.ones((3, 3), np.bool_), 1))
LAST_PADDED = given(np.array([[False, False, True], [False, False, False]]))
FIRST_PADDED = given(np.array([[True, False, False], [False, False, False]]))
X, MEMORY = normal(3, 2, 4), normal(2, 2, 4)
BATCH = normal(2, 3, 4)


def encoder_layer(t: Any, **options: Any) -> Any:
    return t.nn.TransformerEncoderLayer(4, 2, 3, **{"dropout": 0.0, **options})


def decoder_layer(t: Any, **options: Any) -> Any:
    return t.nn.TransformerDecoderLayer(4, 2, 3, **{"dropout": 0.0, **options})


def encoder(t: Any, count: int = 2, norm: bool = False, nested: bool = True, check: bool = True, **options: Any) -> Any:
    layer = encoder_layer(t, batch_first=True, **options)
    after = t.nn.LayerNorm(4) if norm else None
    return t.nn.TransformerEncoder(layer, count, after, enable_nested_tensor=nested, mask_check=check)


def inferring(module: Any) -> Any:
    """A module whose parameters want no gradient: in evaluation PyTorch takes its fast path."""
    return module.requires_grad_(False)


def kinked(name: str, make: Any, inputs: Any, call: dict[str, Any] | None = None, **options: Any) -> Case:
    """A case with ReLU's kink and many parameters: its first derivatives are compared with PyTorch's only.

    PyTorch's fused attention has no second ones; where dropout keeps it away, there are.
    """
    return Case(name, make, inputs, call or {}, smooth=False, second=options.get("draws", False), **options)


def infers(name: str, make: Any, call: dict[str, Any]) -> Case:
    inputs = (fixed(normal(2, 3, 4)),)
    return Case(f"{name}, inference", lambda t: inferring(make(t)), inputs, call, training=False, smooth=False)


CASES = [
    Case("TransformerEncoderLayer gelu", lambda t: encoder_layer(t, activation="gelu"), (X,), second=False),
    Case(
        "TransformerDecoderLayer gelu",
        lambda t: decoder_layer(t, activation=t.nn.functional.gelu, norm_first=True),
        (X, MEMORY),
        {"tgt_mask": CAUSAL, "tgt_is_causal": True},
        second=False,
    ),
    kinked("TransformerEncoderLayer", encoder_layer, (X,), {"src_mask": CAUSAL, "is_causal": True}),
    kinked("TransformerEncoderLayer dropout", lambda t: encoder_layer(t, dropout=0.4), (X,), draws=True),
    kinked("TransformerEncoderLayer unbatched", encoder_layer, (normal(3, 4),), training=False),
    kinked("TransformerEncoderLayer norm first", lambda t: encoder_layer(t, norm_first=True, bias=False), (X,)),
    kinked(
        "TransformerEncoderLayer batch first",
        lambda t: encoder_layer(t, batch_first=True, layer_norm_eps=0.1, activation=t.nn.ReLU()),
        (BATCH,),
        {"src_mask": HIDDEN, "src_key_padding_mask": LAST_PADDED},
    ),
    kinked("TransformerDecoderLayer", decoder_layer, (X, MEMORY), {"memory_mask": given(np.zeros((3, 2)))}),
    kinked("TransformerDecoderLayer dropout", lambda t: decoder_layer(t, dropout=0.3), (X, MEMORY), draws=True),
    kinked("TransformerDecoderLayer unbatched", decoder_layer, (normal(3, 4), normal(2, 4))),
    kinked("TransformerDecoderLayer no bias", lambda t: decoder_layer(t, bias=False, batch_first=True), (BATCH, normal(2, 2, 4)),
           {"tgt_key_padding_mask": LAST_PADDED, "memory_key_padding_mask": given(np.array([[False, True], [False, False]]))}),
    kinked("TransformerEncoder", lambda t: encoder(t, norm=True), (BATCH,), {"src_key_padding_mask": LAST_PADDED}),
    kinked("TransformerEncoder causal", lambda t: encoder(t, norm_first=True), (BATCH,), {"mask": CAUSAL}, training=False),
    kinked("TransformerDecoder", lambda t: t.nn.TransformerDecoder(decoder_layer(t), 2, t.nn.LayerNorm(4)), (X, MEMORY), {"tgt_mask": CAUSAL}),
    kinked("Transformer", lambda t: t.nn.Transformer(4, 2, 1, 1, 3, dropout=0.2), (MEMORY, X), {"tgt_mask": CAUSAL}, draws=True),
    kinked("Transformer batch first", lambda t: t.nn.Transformer(4, 1, 1, 2, 3, 0.0, "gelu", batch_first=True, norm_first=True), (normal(2, 2, 4), BATCH)),
    kinked("Transformer no bias", lambda t: t.nn.Transformer(4, 2, 1, 1, 3, 0.0, bias=False), (normal(3, 4), normal(2, 4)), training=False),
    Case("Transformer mask", lambda t: t.nn.Transformer.generate_square_subsequent_mask, (3,)),
    infers("TransformerEncoderLayer", lambda t: encoder_layer(t, batch_first=True), {"src_mask": HIDDEN}),
    infers("TransformerEncoderLayer padding", lambda t: encoder_layer(t, batch_first=True, norm_first=True), {"src_key_padding_mask": FIRST_PADDED}),
    infers("TransformerEncoderLayer both", lambda t: encoder_layer(t, batch_first=True, activation="gelu"), {"src_mask": HIDDEN, "src_key_padding_mask": LAST_PADDED}),
    infers("TransformerEncoder padding", encoder, {"src_key_padding_mask": LAST_PADDED}),
    infers("TransformerEncoder padding and norm", lambda t: encoder(t, norm=True), {"src_key_padding_mask": LAST_PADDED}),
    infers("TransformerEncoder padding first", encoder, {"src_key_padding_mask": FIRST_PADDED}),
    infers("TransformerEncoder unchecked", lambda t: encoder(t, check=False), {"src_key_padding_mask": LAST_PADDED}),
    infers("TransformerEncoder not nested", lambda t: encoder(t, nested=False), {"src_key_padding_mask": LAST_PADDED}),
]  # fmt: skip


def transformer(t: Any, **options: Any) -> Any:
    return t.nn.Transformer(4, 2, 1, 1, 3, **options)


REFUSALS = [
    Refusal("Transformer batches", lambda t: transformer(t)(t.ones(3, 2, 4), t.ones(3, 1, 4)), RuntimeError, "batch number"),
    Refusal("Transformer batches first", lambda t: transformer(t, batch_first=True)(t.ones(2, 3, 4), t.ones(1, 3, 4)), RuntimeError, "batch number"),
    Refusal("Transformer features", lambda t: transformer(t)(t.ones(3, 2, 3), t.ones(3, 2, 4)), RuntimeError, "feature number"),
    Refusal("encoder activation", lambda t: encoder_layer(t, activation="tanh"), RuntimeError, "should be relu/gelu, not tanh"),
    Refusal("decoder activation", lambda t: decoder_layer(t, activation="tanh"), RuntimeError, "should be relu/gelu, not tanh"),
    Refusal("encoder heads", lambda t: t.nn.TransformerEncoderLayer(4, 3), AssertionError, "divisible"),
    Refusal("encoder hint", lambda t: encoder_layer(t)(t.ones(3, 2, 4), is_causal=True), RuntimeError, "Need attn_mask"),
    Refusal("encoder mask", lambda t: encoder_layer(t)(t.ones(3, 2, 4), t.ones(3, 3).long()), AssertionError, "types of src_mask"),
    Refusal("encoder mask shape", lambda t: encoder_layer(t)(t.ones(3, 2, 4), t.ones(2, 2)), RuntimeError, "2D attn_mask"),
]  # fmt: skip
