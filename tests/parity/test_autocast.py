"""Regions of autocast: over PyTorch's table of operators the types it gives; programs, scalers and caches."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import rushlight
from tests.parity import operators
from tests.parity.operators import OPERATORS
from tests.parity.programs import attempt, same_lines

# What is asked is which list an operator is on.
MOST_SAMPLES = 4

# What others are made of that are on a list, and what is on none.
COMPOSED = [
    "chain_matmul",
    "corrcoef",
    "cov",
    "einsum",
    "inner",
    "linalg.multi_dot",
    "lu",
    "nn.functional.linear_cross_entropy",
    "nn.functional.max_unpool1d",
    "nn.functional.multi_head_attention_forward",
    "nn.functional.pad.circular",
    "nn.functional.pad.constant",
    "nn.functional.pad.reflect",
    "nn.functional.pad.replicate",
    "pca_lowrank",
    "svd_lowrank",
    "tensordot",
    "__rmatmul__",
    "nn.functional.cross_entropy",
    "nn.functional.linear",
    "nn.functional.grid_sample",
]
ON_NONE = [
    "add",
    "addmv",
    "addr",
    "cumsum",
    "div",
    "dot",
    "exp",
    "kron",
    "linalg.det",
    "linalg.norm",
    "log_softmax",
    "mean",
    "mul",
    "mv",
    "nn.functional.avg_pool2d",
    "nn.functional.batch_norm",
    "nn.functional.bilinear",
    "nn.functional.embedding",
    "nn.functional.gelu",
    "nn.functional.layer_norm",
    "nn.functional.max_pool2d",
    "nn.functional.pixel_shuffle",
    "outer",
    "softmax",
    "sum",
    "var",
    "where",
]

DIFFERS = {
    "linalg.pinv": "one operation here, products of matrices in PyTorch",
    "linalg.pinv.hermitian": "one operation here, products of matrices in PyTorch",
    "linalg.pinv.singular": "one operation here, products of matrices in PyTorch",
}


def listed(name: str) -> bool:
    """Whether PyTorch has a form of an operator for regions of autocast on the CPU."""
    aten = getattr(OPERATORS[name], "aten_name", name)
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    return any(_has(has, f"aten::{one}") for one in (aten, f"{aten}.input", f"{aten}.padding", f"{aten}.dim_int"))


def _has(has: Any, name: str) -> bool:
    try:
        return bool(has(name, "AutocastCPU"))
    except RuntimeError:
        return False


NAMES = sorted({n for n in OPERATORS if listed(n)} | {n for n in (*COMPOSED, *ON_NONE) if n in OPERATORS})


def low(value: Any) -> Any:
    """A sample's argument, float32 made bfloat16."""
    return value.to(torch.bfloat16) if isinstance(value, torch.Tensor) and value.dtype is torch.float32 else value


def types(found: Any) -> list[str]:
    return [operators.type_name(t) for t in operators.leaves(found)]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in DIFFERS])
@pytest.mark.parametrize("source", ["float32", "bfloat16"])
def test_types_over_the_table_of_operators(name: str, source: str) -> None:
    op = OPERATORS[name]
    function = operators.translated(op.op)
    for sample in operators.samples(op, "float32", most=MOST_SAMPLES):
        if source == "bfloat16":
            sample = sample.transform(low)
        label = operators.described(sample)
        given, options = operators.ours((sample.input, *sample.args)), operators.ours(sample.kwargs)
        with torch.autocast("cpu"):
            theirs = operators.outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs)
        with rushlight.autocast("cpu"):
            mine = operators.outcome(function, rushlight, *given, **options)
        plain = operators.outcome(function, rushlight, *given, **options)
        if isinstance(theirs, Exception):
            # What is refused here and not there, or there and not here, without autocast too, is no matter of it.
            assert isinstance(mine, Exception) or not isinstance(plain, Exception), f"{label}: PyTorch: {theirs!r}"
        elif isinstance(mine, Exception):
            assert isinstance(plain, Exception), f"{label}: {type(mine).__name__}: {mine}"
            assert types(theirs) == types(operators.outcome(op.op, torch, sample.input, *sample.args, **sample.kwargs))
        else:
            assert types(mine) == types(theirs), label


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_networks_compute_the_same_numbers(dtype: str) -> None:
    def numbers(t: Any) -> list[Any]:
        t.manual_seed(0)
        model = t.nn.Sequential(
            t.nn.Conv2d(2, 4, 3, padding=1), t.nn.BatchNorm2d(4), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten(),
            t.nn.Linear(64, 8), t.nn.LayerNorm(8), t.nn.GELU(), t.nn.Linear(8, 3),
        )  # fmt: skip
        x, y = t.randn(5, 2, 8, 8), t.tensor([0, 1, 2, 0, 1])
        with t.autocast("cpu", dtype=getattr(t, dtype)):
            out = model(x)
            loss = t.nn.functional.cross_entropy(out, y)
        loss.backward()
        return [out.float(), loss, *[p.grad for p in model.parameters()]]

    for mine, theirs in zip(numbers(rushlight), numbers(torch), strict=True):
        assert str(mine.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        assert torch.allclose(torch.tensor(mine.detach().numpy()), theirs.detach(), rtol=0.1, atol=0.03)


@pytest.mark.parametrize("layer", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_recurrent_layers(layer: str) -> None:
    def program(t: Any) -> None:
        t.manual_seed(0)
        network = getattr(t.nn, layer)(2, 3)
        x = t.randn(1, 2) if layer.endswith("Cell") else t.randn(4, 1, 2)
        with t.autocast("cpu"):
            found = network(x)
        for part in found if isinstance(found, tuple) else (found,):
            for one in part if isinstance(part, tuple) else (part,):
                print(one.dtype, (one.float() * 50).round().tolist())

    same_lines(program)


def test_attention() -> None:
    def program(t: Any) -> None:
        t.manual_seed(0)
        x = t.randn(3, 2, 4)
        attention, encoder = t.nn.MultiheadAttention(4, 2), t.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
        for train in (True, False):
            for grad in (True, False):
                with t.autocast("cpu"), t.set_grad_enabled(grad):
                    print(attention.train(train)(x, x, x)[0].dtype, encoder.train(train)(x).dtype)

    same_lines(program)


def test_regions_and_switches() -> None:
    def program(t: Any) -> None:
        a = t.ones(2, 2)
        attempt(lambda: t.is_autocast_enabled())
        with t.autocast("cpu"):
            print(t.is_autocast_enabled("cpu"), t.is_autocast_enabled("cuda"), (a @ a).dtype)
            with t.autocast("cpu", enabled=False):
                print((a @ a).dtype)
            with t.autocast("cpu", dtype=t.float16):
                print((a @ a).dtype)
            with t.autocast("cuda"):
                print((a @ a).dtype)
            print((a @ a).dtype, t.mm(a, a, out=t.empty(2, 2)).dtype, a.clone().addmm_(a, a).dtype)
            print((a.double() @ a.double()).dtype, t.mv(a, a[0]).dtype, t.dot(a[0], a[0]).dtype)
            attempt(lambda: a.double() @ a)
            print(t.cat([a, a.bfloat16()]).dtype, t.stack([a.bfloat16(), a.bfloat16()]).dtype)
            attempt(lambda: t.cat([a.half(), a.bfloat16()]).dtype)
        print((a @ a).dtype)

        @t.autocast("cpu")
        def product(x: Any) -> Any:
            return x @ x

        print(product(a).dtype, product.__name__)
        for device in ("cpu", "cuda", "xpu", "mps", "hpu", "xla", "meta", "nowhere"):
            attempt(lambda: (t.amp.is_autocast_available(device), t.get_autocast_dtype(device)))
        t.set_autocast_enabled("cpu", True)
        t.set_autocast_dtype("cpu", t.float16)
        print((a @ a).dtype, t.is_autocast_enabled("cpu"), t.get_autocast_dtype("cpu"))
        t.set_autocast_dtype("cpu", t.bfloat16)
        t.set_autocast_enabled("cpu", False)
        print(t.autocast_increment_nesting(), t.autocast_decrement_nesting(), t.is_autocast_cache_enabled())
        attempt(lambda: t.set_autocast_enabled("cpu", 1))
        attempt(lambda: t.set_autocast_cache_enabled(1))
        attempt(lambda: t.autocast(3))
        attempt(lambda: t.autocast("cpu")(3))
        with t.autocast("cpu", dtype=t.float32):
            print((a @ a).dtype)
        t.cpu.amp.autocast()
        t.cuda.amp.autocast()
        print(t.get_autocast_cpu_dtype(), t.get_autocast_gpu_dtype(), t.is_autocast_cpu_enabled())

    same_lines(program)


def test_weights_are_cast_once() -> None:
    def program(t: Any) -> None:
        w = t.ones(2, 2, requires_grad=True)
        for cached in (True, False):
            with t.autocast("cpu", cache_enabled=cached):
                with t.no_grad():
                    w @ w
                y = (w @ w) @ w
                print(
                    y.requires_grad,
                    y.grad_fn.next_functions[1][0] is y.grad_fn.next_functions[0][0].next_functions[1][0],
                )
        y.float().sum().backward()
        print(w.grad, w.grad.dtype)

    same_lines(program)


def test_custom_functions() -> None:
    def program(t: Any) -> None:
        class Product(t.autograd.Function):
            @staticmethod
            @t.amp.custom_fwd(device_type="cpu", cast_inputs=t.float32)
            def forward(ctx: Any, x: Any, w: Any) -> Any:
                ctx.save_for_backward(x, w)
                print("forward", t.is_autocast_enabled("cpu"), x.dtype, w.dtype)
                return x @ w

            @staticmethod
            @t.amp.custom_bwd(device_type="cpu")
            def backward(ctx: Any, grad: Any) -> Any:
                x, w = ctx.saved_tensors
                print("backward", t.is_autocast_enabled("cpu"))
                return grad @ w.t(), x.t() @ grad

        class Plain(Product):
            @staticmethod
            @t.amp.custom_fwd(device_type="cpu")
            def forward(ctx: Any, x: Any, w: Any) -> Any:
                ctx.save_for_backward(x, w)
                print("forward", t.is_autocast_enabled("cpu"))
                return x @ w

        x, w = t.ones(2, 2, requires_grad=True), t.ones(2, 2, requires_grad=True)
        for function in (Product, Plain):
            with t.autocast("cpu"):
                out = function.apply(x, w)
            print(out.dtype)
            out.float().sum().backward()
            function.apply(x, w).sum().backward()
        print(x.grad)
        attempt(lambda: t.amp.custom_fwd(device_type=3))

    same_lines(program)


def test_gradient_scaler() -> None:
    def program(t: Any) -> None:
        for options in ({}, {"fused": True}):
            w = t.nn.Parameter(t.tensor([1.0, 2.0]))
            optimizer = t.optim.SGD([w], lr=0.5, **options)
            scaler = t.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
            print(scaler.state_dict(), scaler.get_scale(), scaler.is_enabled())
            for step in range(5):
                optimizer.zero_grad()
                loss = (w * t.tensor([float("inf") if step == 2 else 1.0, 2.0])).sum()
                scaler.scale(loss).backward()
                if step == 1:
                    scaler.unscale_(optimizer)
                    print(w.grad)
                    attempt(lambda: scaler.unscale_(optimizer))
                print(scaler.step(optimizer))
                attempt(lambda: scaler.step(optimizer))
                attempt(lambda: scaler.unscale_(optimizer))
                scaler.update()
                print(w, scaler.get_scale(), scaler.state_dict())
        print(scaler.scale([t.ones(1), (t.ones(2),)]))
        attempt(lambda: scaler.scale(3))
        attempt(lambda: scaler.update())
        scaler.update(8.0)
        scaler.update(t.tensor(16.0))
        print(scaler.get_scale())
        fresh = t.amp.GradScaler("cpu")
        fresh.load_state_dict(scaler.state_dict())
        print(fresh.state_dict())
        attempt(lambda: fresh.load_state_dict({}))
        attempt(lambda: fresh.step(optimizer))
        attempt(lambda: t.amp.GradScaler("cpu", growth_factor=1.0))
        attempt(lambda: t.amp.GradScaler("cpu", backoff_factor=1.0))
        attempt(lambda: scaler.step(optimizer, closure=lambda: 0))
        half = t.nn.Parameter(t.ones(1, dtype=t.float16))
        half.grad = t.ones(1, dtype=t.float16)
        other = t.optim.SGD([half], lr=0.1)
        attempt(lambda: scaler.unscale_(other))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            off = t.cuda.amp.GradScaler()
        print([str(w.message) for w in caught], off.is_enabled(), off.get_scale(), off.state_dict(), off.scale(3))

    same_lines(program)
