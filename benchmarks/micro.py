"""Single operations, forward alone and with backward: `make(torch, name, backward)` gives a function that calls one.

A row states the function, the shapes of the float operands that may want a gradient, the arithmetic of a forward call
and the shape of its result. Backward counts twice forward's arithmetic; memory is counted as if each operand, the
result, and with backward the gradients and the operands once more, were moved once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["OPTIMIZERS", "ROWS", "Row", "attention", "make", "optimizer"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """An operation: `function(torch, *operands)`, its operands' shapes, its result's, and forward's arithmetic.

    `indices(torch)` makes a last operand of integers.
    """

    function: Callable[..., Any]
    operands: tuple[Shape, ...]
    result: Shape
    flops: float = 0.0
    indices: Callable[[Any], Any] | None = None

    def bytes(self, backward: bool) -> float:
        """What must be moved at least."""
        inside, outside = 4 * sum(map(math.prod, self.operands)), 4 * math.prod(self.result)
        return inside + outside + backward * (2 * inside + outside)

    def arithmetic(self, backward: bool) -> float:
        """Floating-point operations at least."""
        return self.flops * (3 if backward else 1)


def _conv(images: Shape, weight: Shape, result: Shape, function: Callable[..., Any]) -> Row:
    return Row(function, (images, weight), result, 2.0 * math.prod(result) * math.prod(weight[1:]))


def _attention(batch: int, heads: int, length: int, width: int, causal: bool) -> Row:
    shape = (batch, heads, length, width)

    def function(t: Any, q: Any, k: Any, v: Any) -> Any:
        return t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)

    return Row(function, (shape,) * 3, shape, 4.0 * batch * heads * length**2 * width / (2 if causal else 1))


def _pointwise(function: Callable[..., Any], *operands: Shape) -> Row:
    return Row(function, operands, operands[0])


IMAGES, ROWS_OF = (16, 64, 32, 32), (1024, 1024)

ROWS: dict[str, Row] = {
    "matmul 1024x1024x1024": Row(lambda t, a, b: a @ b, (ROWS_OF, ROWS_OF), ROWS_OF, 2.0 * 1024**3),
    "linear 64x784 to 512": Row(
        lambda t, x, w, b: t.nn.functional.linear(x, w, b),
        ((64, 784), (512, 784), (512,)), (64, 512), 2.0 * 64 * 784 * 512,
    ),
    "bmm 48 of 128x32x128": Row(
        lambda t, a, b: a @ b, ((48, 128, 32), (48, 32, 128)), (48, 128, 128), 2.0 * 48 * 128 * 128 * 32
    ),
    "conv1d 64 to 64, 3 wide, 16x256": _conv(
        (16, 64, 256), (64, 64, 3), (16, 64, 256), lambda t, x, w: t.nn.functional.conv1d(x, w, padding=1)
    ),
    "conv2d 64 to 64, 3x3, 16x32x32": _conv(
        IMAGES, (64, 64, 3, 3), IMAGES, lambda t, x, w: t.nn.functional.conv2d(x, w, padding=1)
    ),
    "conv2d 128 to 256, 1x1, 16x16x16": _conv(
        (16, 128, 16, 16), (256, 128, 1, 1), (16, 256, 16, 16), lambda t, x, w: t.nn.functional.conv2d(x, w)
    ),
    "conv2d 3 to 32, 7x7 by 2, 8x64x64": _conv(
        (8, 3, 64, 64), (32, 3, 7, 7), (8, 32, 32, 32),
        lambda t, x, w: t.nn.functional.conv2d(x, w, stride=2, padding=3),
    ),
    "conv3d 16 to 32, 3x3x3, 4x8x16x16": _conv(
        (4, 16, 8, 16, 16), (32, 16, 3, 3, 3), (4, 32, 8, 16, 16),
        lambda t, x, w: t.nn.functional.conv3d(x, w, padding=1),
    ),
    "depthwise conv2d 128, 3x3, 16x16x16": _conv(
        (16, 128, 16, 16), (128, 1, 3, 3), (16, 128, 16, 16),
        lambda t, x, w: t.nn.functional.conv2d(x, w, padding=1, groups=128),
    ),
    "conv_transpose2d 32 to 16, 3x3 by 2, 8x16x16": Row(
        lambda t, x, w: t.nn.functional.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
        ((8, 32, 16, 16), (32, 16, 3, 3)), (8, 16, 32, 32), 2.0 * 8 * 32 * 256 * 16 * 9,
    ),
    "max_pool2d 2": Row(lambda t, x: t.nn.functional.max_pool2d(x, 2), (IMAGES,), (16, 64, 16, 16)),
    "avg_pool2d 2": Row(lambda t, x: t.nn.functional.avg_pool2d(x, 2), (IMAGES,), (16, 64, 16, 16)),
    "adaptive_avg_pool2d 1": Row(lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 1), (IMAGES,), (16, 64, 1, 1)),
    "batch_norm": Row(
        lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True), (IMAGES, (64,), (64,)), IMAGES
    ),
    "layer_norm 1024x256": Row(
        lambda t, x, w, b: t.nn.functional.layer_norm(x, (256,), w, b), ((1024, 256), (256,), (256,)), (1024, 256)
    ),
    "group_norm 8": Row(
        lambda t, x, w, b: t.nn.functional.group_norm(x, 8, w, b), (IMAGES, (64,), (64,)), IMAGES
    ),
    "instance_norm": _pointwise(lambda t, x: t.nn.functional.instance_norm(x), IMAGES),
    "rms_norm 1024x256": Row(
        lambda t, x, w: t.nn.functional.rms_norm(x, (256,), w), ((1024, 256), (256,)), (1024, 256)
    ),
    "local_response_norm 5": _pointwise(lambda t, x: t.nn.functional.local_response_norm(x, 5), IMAGES),
    "softmax 1024x1024": _pointwise(lambda t, x: t.softmax(x, 1), ROWS_OF),
    "log_softmax 1024x1024": _pointwise(lambda t, x: t.log_softmax(x, 1), ROWS_OF),
    "gelu": _pointwise(lambda t, x: t.nn.functional.gelu(x), ROWS_OF),
    "silu": _pointwise(lambda t, x: t.nn.functional.silu(x), ROWS_OF),
    "relu": _pointwise(lambda t, x: t.relu(x), ROWS_OF),
    "attention, 128 tokens": _attention(8, 4, 128, 64, False),
    "attention, 2048 tokens": _attention(1, 4, 2048, 64, False),
    "attention, 2048 tokens, causal": _attention(1, 4, 2048, 64, True),
    "cross_entropy over 8,000 classes": Row(
        lambda t, x, i: t.nn.functional.cross_entropy(x, i), ((512, 8000),), (), indices=lambda t: t.arange(512) * 15
    ),
    "bilinear upsampling by 2": Row(
        lambda t, x: t.nn.functional.interpolate(x, scale_factor=2, mode="bilinear"),
        ((8, 32, 32, 32),), (8, 32, 64, 64),
    ),
    "embedding of 8,192 in 50,000x64": Row(
        lambda t, w, i: t.nn.functional.embedding(i, w), ((50_000, 64),), (8192, 64),
        indices=lambda t: t.arange(8192) * 6,
    ),
    "gather 1024x1024": Row(
        lambda t, x, i: t.gather(x, 1, i), (ROWS_OF,), ROWS_OF,
        indices=lambda t: (t.arange(1024).view(-1, 1) * 7 + t.arange(1024) * 5) % 1024,
    ),
    "transposed copy 2048x2048": _pointwise(lambda t, x: x.t().contiguous(), (2048, 2048)),
    "sum": Row(lambda t, x: x.sum(), ((2048, 2048),), ()),
    "sum over axis 0": Row(lambda t, x: x.sum(0), ((2048, 2048),), (2048,)),
    "sum over axis 1": Row(lambda t, x: x.sum(1), ((2048, 2048),), (2048,)),
    "mean over axis 0": Row(lambda t, x: x.mean(0), ((2048, 2048),), (2048,)),
    "mean over axis 1": Row(lambda t, x: x.mean(1), ((2048, 2048),), (2048,)),
    "exp": _pointwise(lambda t, x: x.exp(), (2048, 2048)),
    "add": _pointwise(lambda t, x, y: x + y, (2048, 2048), (2048, 2048)),
    "cat": Row(lambda t, x, y: t.cat((x, y)), ((1024, 2048), (1024, 2048)), (2048, 2048)),
    "cumsum": _pointwise(lambda t, x: x.cumsum(1), (2048, 2048)),
    "sort": _pointwise(lambda t, x: x.sort(1)[0], ROWS_OF),
}  # fmt: skip

# For each: how many numbers a parameter's step reads and writes.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "SGD": ("SGD", {"lr": 1e-3}, 3),
    "SGD with momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}, 5),
    "Adam": ("Adam", {"lr": 1e-3}, 7),
    "AdamW": ("AdamW", {"lr": 1e-3}, 7),
}
PARAMETERS = 10_000_000


def attention(torch: Any, length: int) -> Callable[[], Any]:
    """Attention over so many tokens, with backward."""
    return _calling(torch, _attention(1, 4, length, 64, False), True)


def make(torch: Any, name: str, backward: bool) -> Callable[[], Any]:
    """A function that evaluates a row once and returns the result, or the first operand's gradient."""
    return _calling(torch, ROWS[name], backward)


def _calling(torch: Any, row: Row, backward: bool) -> Callable[[], Any]:
    torch.manual_seed(0)
    floats = [torch.randn(shape) for shape in row.operands]
    operands = floats if row.indices is None else [*floats, row.indices(torch)]
    function = row.function
    if not backward:
        return lambda: function(torch, *operands)
    grad = torch.randn(row.result)
    for x in floats:
        x.requires_grad_()

    def step() -> Any:
        for x in floats:
            x.grad = None
        function(torch, *operands).backward(grad)
        return floats[0].grad

    return step


def optimizer(torch: Any, name: str) -> Callable[[], Any]:
    """A function that does one step of an optimizer on ten million parameters."""
    kind, options, _ = OPTIMIZERS[name]
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(PARAMETERS))
    parameter.grad = torch.randn(PARAMETERS)
    steps = getattr(torch.optim, kind)([parameter], **options)

    def step() -> Any:
        steps.step()
        return parameter

    return step
