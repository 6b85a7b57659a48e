"""How far float32 results and gradients lie from exact ones, beside those of the PyTorch installed here.

`python -m tests.parity.accuracy [NAME …]` prints a line for each result and each gradient of the programs whose name
contains one of these. An error is the root mean square of the difference from PyTorch's result in float64 on the same
numbers, over the root mean square of that result. Winograd's convolution is off unless `--winograd` asks for it.
tests/parity/test_accuracy.py holds ours against PyTorch's.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import rushlight

__all__ = ["PROGRAMS", "Figure", "Program", "figures"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """`function(library, *operands)` on operands of these shapes: normal numbers, or what `draw` makes of each.

    `constants` makes further operands, which want no gradient, from a generator.
    """

    function: Callable[..., Any]
    shapes: tuple[Shape, ...]
    draw: Callable[[np.random.Generator, Shape], np.ndarray] | None = None
    constants: Callable[[np.random.Generator], list[np.ndarray]] | None = None
    gradients: bool = True


@dataclass(frozen=True)
class Figure:
    """The error of one result, or of the gradient of one operand."""

    what: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Ours over PyTorch's, of which no less counts than a correctly rounded result has."""
        return self.ours / max(self.theirs, ROUNDED)


ROUNDED = 3e-8


def _uniform(low: float, high: float) -> Callable[[np.random.Generator, Shape], np.ndarray]:
    return lambda rng, shape: rng.uniform(low, high, shape)


def _positive_definite(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = rng.standard_normal(shape)
    return x @ x.swapaxes(-1, -2) / shape[-1] + np.eye(shape[-1])


def _near_identity(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.standard_normal(shape) / (2 * math.sqrt(shape[-1])) + np.eye(*shape[-2:])


def _numbers(count: int | Shape, below: int) -> Callable[[np.random.Generator], list[np.ndarray]]:
    return lambda rng: [rng.integers(0, below, count)]


def _conv(name: str, images: Shape, weight: Shape, **options: Any) -> Program:
    bias = (weight[1] * options.get("groups", 1) if "transpose" in name else weight[0],)
    return Program(lambda t, *a: getattr(t.nn.functional, name)(*a, **options), (images, weight, bias))


def _recurrent(kind: str, inputs: int, size: int, gates: int, **options: Any) -> Program:
    def function(t: Any, x: Any, *weights: Any) -> Any:
        layer = getattr(t.nn, kind)(inputs, size, **options).to(x.dtype)
        names = [name for name, _ in layer.named_parameters()]
        scaled = [w / math.sqrt(size) for w in weights]
        out, state = t.func.functional_call(layer, dict(zip(names, scaled, strict=True)), (x,))
        return [out, *(state if isinstance(state, tuple) else [state])]

    return Program(
        function, ((20, 6, inputs), (gates * size, inputs), (gates * size, size), (gates * size,), (gates * size,))
    )


def _stepped(name: str, **options: Any) -> Program:
    def function(t: Any, x: Any, target: Any) -> Any:
        x = x.detach().clone().requires_grad_()
        optimizer = getattr(t.optim, name)([x], **options)
        for _ in range(5):
            optimizer.zero_grad()
            ((x - target) ** 2).sum().backward()
            optimizer.step()
        return x.detach()

    return Program(function, ((500, 7), (500, 7)), gradients=False)


def _attention(lengths: Shape, width: int, mask: bool = False, causal: bool = False) -> Program:
    def function(t: Any, q: Any, k: Any, v: Any, *masks: Any) -> Any:
        return t.nn.functional.scaled_dot_product_attention(q, k, v, *masks, is_causal=causal)

    shapes = ((2, 3, lengths[0], width), (2, 3, lengths[1], width), (2, 3, lengths[1], width))
    return Program(function, shapes, constants=(lambda rng: [rng.standard_normal(lengths)]) if mask else None)


def _loss(name: str, **options: Any) -> Program:
    return Program(lambda t, x, y: getattr(t.nn.functional, name)(x, y, **options), ((300, 40), (300, 40)))


def _resized(mode: str, size: Any, images: Shape = (2, 3, 17, 20), **options: Any) -> Program:
    return Program(lambda t, x: t.nn.functional.interpolate(x, size=size, mode=mode, **options), (images,))


def _grid(mode: str) -> Program:
    def function(t: Any, x: Any, grid: Any) -> Any:
        return t.nn.functional.grid_sample(x, t.tanh(grid), mode=mode, align_corners=False)

    return Program(function, ((2, 3, 19, 23), (2, 11, 13, 2)))


def _of_one(name: str, low: float, high: float, module: str = "") -> Program:
    def function(t: Any, x: Any) -> Any:
        return getattr(t.special if module else t, name)(x)

    return Program(function, ((4001,),), _uniform(low, high))


def _activation(name: str, **options: Any) -> Program:
    return Program(lambda t, x: getattr(t.nn.functional, name)(x, **options), ((4001,),), _uniform(-6, 6))


def _reduced(name: str, *arguments: Any, shape: Shape = (300, 1001)) -> Program:
    return Program(lambda t, x: getattr(t, name)(x, *arguments), (shape,), _uniform(0.5, 1.5))


def _spectrum(name: str, length: int) -> Program:
    def function(t: Any, x: Any) -> Any:
        found = getattr(t.fft, name)(x)
        return t.view_as_real(found.resolve_conj()) if found.is_complex() else found

    return Program(function, ((30, length),))


_FUNCTIONS = {
    "exp": (-20, 20), "exp2": (-20, 20), "expm1": (-3, 3), "log": (1e-3, 50), "log1p": (-0.9, 9), "log2": (1e-3, 50),
    "log10": (1e-3, 50), "sin": (-30, 30), "cos": (-30, 30), "tan": (-1.4, 1.4), "asin": (-0.99, 0.99),
    "acos": (-0.99, 0.99), "atan": (-9, 9), "sinh": (-9, 9), "cosh": (-9, 9), "tanh": (-5, 5), "asinh": (-50, 50),
    "acosh": (1.01, 50), "atanh": (-0.99, 0.99), "erf": (-4, 4), "erfc": (-4, 4), "erfinv": (-0.99, 0.99),
    "lgamma": (2.5, 50), "digamma": (2, 50), "sqrt": (0, 50), "rsqrt": (1e-2, 50), "sigmoid": (-20, 20),
    "reciprocal": (0.1, 9), "square": (-9, 9), "logit": (0.01, 0.99), "i0": (-9, 9), "sinc": (-3.5, 3.5),
}  # fmt: skip
_ACTIVATIONS: dict[str, dict[str, Any]] = {
    "gelu": {}, "gelu, tanh": {"approximate": "tanh"}, "silu": {}, "mish": {}, "softplus": {}, "elu": {}, "selu": {},
    "celu": {}, "logsigmoid": {}, "hardswish": {}, "softsign": {}, "tanhshrink": {}, "glu": {},
}  # fmt: skip
_IMAGES = (4, 16, 20, 20)

PROGRAMS: dict[str, Program] = {
    "matmul 64x784x512": Program(lambda t, a, b: a @ b, ((64, 784), (784, 512))),
    "matmul 257x300x129": Program(lambda t, a, b: a @ b, ((257, 300), (300, 129))),
    "matmul of a transposed": Program(lambda t, a, b: a.t() @ b, ((1000, 65), (1000, 70))),
    "matmul of long rows": Program(lambda t, a, b: a @ b, ((9, 20000), (20000, 33))),
    "matmul of one row": Program(lambda t, a, b: a @ b, ((1, 1023), (1023, 1000))),
    "matrix and vector": Program(lambda t, a, b: a @ b, ((700, 1023), (1023,))),
    "dot": Program(
        lambda t, a, b: t.stack([t.dot(x, y) for x, y in zip(a, b, strict=True)]), ((200, 9999), (200, 9999))
    ),
    "bmm": Program(lambda t, a, b: a @ b, ((12, 128, 32), (12, 32, 128))),
    "bmm of small": Program(lambda t, a, b: a @ b, ((200, 5, 7), (200, 7, 6))),
    "addmm": Program(lambda t, c, a, b: t.addmm(c, a, b, beta=0.5, alpha=2.0), ((60, 70), (60, 500), (500, 70))),
    "linear": Program(lambda t, *a: t.nn.functional.linear(*a), ((8, 30, 300), (200, 300), (200,))),
    "bilinear": Program(lambda t, *a: t.nn.functional.bilinear(*a), ((50, 20), (50, 30), (9, 20, 30))),
    "einsum": Program(lambda t, a, b: t.einsum("bij,bkj->bik", a, b), ((6, 40, 50), (6, 30, 50))),
    "conv1d": _conv("conv1d", (8, 32, 200), (48, 32, 3), padding=1),
    "conv2d 3x3": _conv("conv2d", _IMAGES, (24, 16, 3, 3), padding=1),
    "conv2d 3x3, many channels": _conv("conv2d", (2, 64, 16, 16), (64, 64, 3, 3), padding=1),
    "conv2d 5x5 of one channel": _conv("conv2d", (16, 1, 32, 32), (6, 1, 5, 5)),
    "conv2d 1x1": _conv("conv2d", _IMAGES, (40, 16, 1, 1)),
    "conv2d 7x7 by 2": _conv("conv2d", (4, 3, 64, 64), (32, 3, 7, 7), stride=2, padding=3),
    "conv2d dilated": _conv("conv2d", _IMAGES, (24, 16, 3, 3), dilation=2),
    "conv2d grouped": _conv("conv2d", _IMAGES, (32, 4, 3, 3), groups=4),
    "conv2d depthwise": _conv("conv2d", _IMAGES, (16, 1, 3, 3), groups=16, padding=1),
    "conv2d depthwise by 2": _conv("conv2d", _IMAGES, (16, 1, 5, 5), groups=16, padding=2, stride=2),
    "conv3d": _conv("conv3d", (2, 8, 6, 12, 12), (16, 8, 3, 3, 3), padding=1),
    "conv_transpose2d by 2": _conv("conv_transpose2d", _IMAGES, (16, 12, 3, 3), stride=2, padding=1),
    "avg_pool2d": Program(lambda t, x: t.nn.functional.avg_pool2d(x, 3, 2, 1), (_IMAGES,)),
    "adaptive_avg_pool2d": Program(lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, (3, 1)), (_IMAGES,)),
    "lp_pool2d": Program(lambda t, x: t.nn.functional.lp_pool2d(x.abs(), 2.0, 2), (_IMAGES,)),
    "batch_norm": Program(
        lambda t, x, w, b: t.nn.functional.batch_norm(3 * x + 5, None, None, w, b, True), (_IMAGES, (16,), (16,))
    ),
    "layer_norm": Program(
        lambda t, x, w, b: t.nn.functional.layer_norm(3 * x + 5, (257,), w, b), ((100, 257), (257,), (257,))
    ),
    "group_norm": Program(
        lambda t, x, w, b: t.nn.functional.group_norm(3 * x + 5, 4, w, b), (_IMAGES, (16,), (16,))
    ),
    "instance_norm": Program(lambda t, x: t.nn.functional.instance_norm(3 * x + 5), (_IMAGES,)),
    "rms_norm": Program(lambda t, x, w: t.nn.functional.rms_norm(x, (257,), w), ((100, 257), (257,))),
    "local_response_norm": Program(lambda t, x: t.nn.functional.local_response_norm(x, 5, 0.1), (_IMAGES,)),
    "normalize": Program(lambda t, x: t.nn.functional.normalize(x, dim=1), ((100, 257),)),
    "softmax": Program(lambda t, x: t.softmax(4 * x, 1), ((100, 1000),)),
    "softmax over columns": Program(lambda t, x: t.softmax(4 * x, 0), ((1000, 100),)),
    "log_softmax": Program(lambda t, x: t.log_softmax(4 * x, 1), ((100, 1000),)),
    "attention": _attention((37, 51), 16),
    "attention, long": _attention((300, 700), 64),
    "attention, causal": _attention((200, 200), 32, causal=True),
    "attention, masked": _attention((65, 130), 24, mask=True),
    "cross_entropy": Program(
        lambda t, x, i: t.nn.functional.cross_entropy(x, i), ((64, 8000),), constants=_numbers(64, 8000)
    ),
    "cross_entropy, smoothed": Program(
        lambda t, x, i: t.nn.functional.cross_entropy(x, i, label_smoothing=0.1),
        ((64, 1000),), constants=_numbers(64, 1000),
    ),
    "cross_entropy of probabilities": Program(
        lambda t, x, y: t.nn.functional.cross_entropy(x, t.softmax(y, 1)), ((64, 100), (64, 100))
    ),
    "mse_loss": _loss("mse_loss"),
    "smooth_l1_loss": _loss("smooth_l1_loss"),
    "kl_div": Program(
        lambda t, x, y: t.nn.functional.kl_div(t.log_softmax(x, 1), t.softmax(y, 1), reduction="batchmean"),
        ((300, 40), (300, 40)),
    ),
    "binary_cross_entropy_with_logits": Program(
        lambda t, x, y: t.nn.functional.binary_cross_entropy_with_logits(x, t.sigmoid(y)), ((300, 40), (300, 40))
    ),
    "cosine_similarity": Program(lambda t, x, y: t.cosine_similarity(x, y, 1), ((300, 129), (300, 129))),
    "cdist": Program(lambda t, x, y: t.cdist(x, y), ((40, 33), (50, 33))),
    "embedding_bag": Program(
        lambda t, w, i: t.nn.functional.embedding_bag(i, w, mode="mean"), ((500, 64),), constants=_numbers((64, 20), 500)
    ),
    "index_add": Program(
        lambda t, x, y, i: t.index_add(x, 0, i, y), ((9, 33), (2000, 33)), constants=_numbers(2000, 9)
    ),
    "rnn": _recurrent("RNN", 30, 40, 1),
    "lstm": _recurrent("LSTM", 30, 40, 4),
    "gru": _recurrent("GRU", 30, 40, 3),
    "bilinear upsampling": _resized("bilinear", (34, 40)),
    "bicubic upsampling": _resized("bicubic", (29, 50)),
    "bilinear downsampling, antialiased": _resized("bilinear", (7, 9), antialias=True),
    "trilinear upsampling": _resized("trilinear", (9, 8, 11), (2, 2, 5, 6, 7)),
    "grid_sample": _grid("bilinear"),
    "grid_sample, bicubic": _grid("bicubic"),
    "sum": Program(lambda t, x: t.stack([row.sum() for row in x]), ((200, 9999),), _uniform(0.5, 1.5)),
    "sum over columns": _reduced("sum", 0),
    "sum over rows": _reduced("sum", 1),
    "sum over the middle": _reduced("sum", 1, shape=(7, 500, 60)),
    "mean": Program(lambda t, x: t.stack([row.mean() for row in x]), ((200, 9999),), _uniform(0.5, 1.5)),
    "var": _reduced("var", 1),
    "std over columns": _reduced("std", 0),
    "norm": _reduced("norm", 2, 1),
    "logsumexp": _reduced("logsumexp", 1),
    "prod": Program(lambda t, x: x.prod(1), ((300, 90),), _uniform(0.9, 1.1)),
    "cumsum": _reduced("cumsum", 1),
    "cumsum over columns": _reduced("cumsum", 0),
    "cumprod": Program(lambda t, x: x.cumprod(1), ((30, 90),), _uniform(0.9, 1.1)),
    "logcumsumexp": _reduced("logcumsumexp", 1, shape=(30, 300)),
    "pow": Program(lambda t, x, y: x**y, ((4001,), (4001,)), _uniform(0.5, 4)),
    "atan2": Program(lambda t, x, y: t.atan2(x, y), ((4001,), (4001,))),
    "hypot": Program(lambda t, x, y: t.hypot(x, y), ((4001,), (4001,))),
    "logaddexp": Program(lambda t, x, y: t.logaddexp(x, y), ((4001,), (4001,))),
    "lerp": Program(lambda t, x, y: t.lerp(x, y, 0.3), ((4001,), (4001,))),
    "addcdiv": Program(lambda t, x, y, z: t.addcdiv(x, y, z, value=0.3), ((4001,),) * 3, _uniform(0.5, 2)),
    "cholesky": Program(lambda t, x: t.linalg.cholesky(x), ((3, 60, 60),), _positive_definite),
    "inverse": Program(lambda t, x: t.linalg.inv(x), ((3, 60, 60),), _near_identity),
    "solve": Program(lambda t, a, b: t.linalg.solve(a, b), ((3, 60, 60), (3, 60, 60)), _near_identity),
    "det": Program(lambda t, x: t.linalg.det(x), ((20, 12, 12),), _near_identity),
    "qr": Program(lambda t, x: list(t.linalg.qr(x)), ((3, 60, 60),), _near_identity),
    "singular values": Program(lambda t, x: t.linalg.svdvals(x), ((3, 40, 30),)),
    "symmetric eigenvalues": Program(lambda t, x: t.linalg.eigvalsh(x), ((3, 40, 40),), _positive_definite),
    "SGD": _stepped("SGD", lr=0.05, momentum=0.9, weight_decay=0.01),
    "Adam": _stepped("Adam", lr=0.05),
    "AdamW": _stepped("AdamW", lr=0.05, amsgrad=True),
    "RMSprop": _stepped("RMSprop", lr=0.05),
    "Adagrad": _stepped("Adagrad", lr=0.05),
    "Adadelta": _stepped("Adadelta", lr=0.5),
    "NAdam": _stepped("NAdam", lr=0.05),
    "RAdam": _stepped("RAdam", lr=0.05),
    **{f"{name}, length {n}": _spectrum(name, n) for name in ("fft", "rfft", "ihfft") for n in (64, 360, 1000, 37)},
    **{name: _of_one(name, *bounds) for name, bounds in _FUNCTIONS.items()},
    **{name: _activation(name.partition(",")[0], **options) for name, options in _ACTIVATIONS.items() if name != "glu"},
}  # fmt: skip


def _results(library: Any, program: Program, arrays: list[np.ndarray], kind: str, seeds: list[np.ndarray]) -> list[Any]:
    """The results and the operands' gradients as float64 arrays; `seeds` get the gradient of each result."""
    wants = program.gradients
    operands = [
        library.tensor(a.astype(kind) if a.dtype.kind == "f" else a, requires_grad=wants and i < len(program.shapes))
        for i, a in enumerate(arrays)
    ]
    found = program.function(library, *operands)
    results = list(found) if isinstance(found, list) else [found]
    rng = np.random.default_rng(1)
    seeds.extend(rng.standard_normal(tuple(r.shape)).astype("f") for r in results[len(seeds) :])
    if wants:
        library.autograd.backward(results, [library.tensor(s.astype(kind)) for s in seeds])
    leaves = [x.grad for x in operands[: len(program.shapes)] if wants]
    return [np.asarray(x.detach().numpy(), "d") for x in (*results, *leaves)]


def _error(found: np.ndarray, exact: np.ndarray) -> float:
    size = math.sqrt(np.mean(exact**2)) if exact.size else 0.0
    return math.sqrt(np.mean((found - exact) ** 2)) / size if size else float(np.abs(found).max(initial=0.0))


def figures(name: str) -> Iterator[Figure]:
    """The errors of a program's results, then of its operands' gradients."""
    program = PROGRAMS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    draw = program.draw or (lambda generator, shape: generator.standard_normal(shape))
    arrays = [draw(rng, shape).astype("f") for shape in program.shapes]
    for constant in program.constants(rng) if program.constants else []:
        arrays.append(constant.astype("f") if constant.dtype.kind == "f" else constant)
    seeds: list[np.ndarray] = []
    exact = _results(torch, program, arrays, "d", seeds)
    ours, theirs = (_results(library, program, arrays, "f", seeds) for library in (rushlight, torch))
    for i, (a, b, c) in enumerate(zip(ours, theirs, exact, strict=True)):
        what = f"result {i}" if i < len(seeds) else f"gradient {i - len(seeds)}"
        yield Figure(what, _error(a, c), _error(b, c))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--winograd", action="store_true", help="convolve by Winograd's method where it is quicker")
    arguments = parser.parse_args()
    rushlight.backends.cpu.allow_winograd(arguments.winograd)
    wanted = arguments.names
    ratios = []
    for name in PROGRAMS:
        if wanted and not any(part in name for part in wanted):
            continue
        for figure in figures(name):
            ratios.append(figure.ratio)
            print(f"{name:40} {figure.what:12} {figure.ours:9.2e} {figure.theirs:9.2e} {figure.ratio:6.2f}", flush=True)
    print(
        f"{len(ratios)} figures: ours over PyTorch's at most {max(ratios):.2f}, in the median {np.median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
