"""Folding normalisations into layers, and memory formats, equal PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from tests.parity.programs import attempt, same_lines  # noqa: E402

LAYERS: dict[str, tuple[Any, ...]] = {
    "Conv1d": ((2, 3, 2), {}, "BatchNorm1d", {}, False),
    "Conv2d": ((2, 4, 3), {"groups": 2, "bias": False}, "BatchNorm2d", {"eps": 1e-2}, False),
    "Conv3d": ((1, 2, 2), {}, "BatchNorm3d", {"affine": False}, False),
    "ConvTranspose2d": ((2, 3, 2), {}, "BatchNorm2d", {}, True),
    "ConvTranspose1d": ((2, 3, 2), {"bias": False}, "BatchNorm1d", {}, True),
    "Linear": ((4, 3), {}, "BatchNorm1d", {}, False),
}


def fused(t: Any, name: str, dtype: str) -> tuple[Any, Any, Any]:
    arguments, options, norm, settings, transpose = LAYERS[name]
    t.manual_seed(1)
    layer = getattr(t.nn, name)(*arguments, **options).to(getattr(t, dtype)).eval()
    bn = getattr(t.nn, norm)(arguments[1], **settings).eval()
    rng = np.random.default_rng(2)
    with t.no_grad():
        for value in (*bn.parameters(), bn.running_mean, bn.running_var):
            value.copy_(t.tensor(rng.uniform(0.5, 1.5, tuple(value.shape))))
    fusion = t.nn.utils.fusion if t is torch else __import__("rushlight.nn.utils.fusion", fromlist=["fusion"])
    if name == "Linear":
        return layer, bn, fusion.fuse_linear_bn_eval(layer, bn)
    return layer, bn, fusion.fuse_conv_bn_eval(layer, bn, transpose)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", LAYERS)
def test_weights(name: str, dtype: str) -> None:
    (_, _, ours), (_, _, theirs) = (fused(t, name, dtype) for t in (rushlight, torch))
    assert repr(ours) == repr(theirs)
    tolerance = 1e-5 if dtype == "float32" else 2e-3
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]
        assert (a.requires_grad, a.is_leaf) == (b.requires_grad, b.is_leaf)
        np.testing.assert_allclose(
            a.detach().float().numpy(), b.detach().float().numpy(), rtol=tolerance, atol=tolerance
        )


def refused(t: Any) -> None:
    from importlib import import_module

    fusion = import_module(f"{t.__name__}.nn.utils.fusion")
    conv, linear, nn = t.nn.Conv2d(2, 3, 2).eval(), t.nn.Linear(2, 3).eval(), t.nn
    attempt(lambda: fusion.fuse_conv_bn_eval(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3).eval()))
    attempt(lambda: fusion.fuse_conv_bn_eval(conv, nn.BatchNorm2d(3)))
    attempt(lambda: fusion.fuse_conv_bn_eval(conv, nn.BatchNorm2d(3, track_running_stats=False).eval()))
    attempt(lambda: fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(4).eval()))
    attempt(lambda: fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(4)))
    attempt(lambda: fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(1).eval()))
    attempt(lambda: fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(3, track_running_stats=False).eval()))
    one = t.ones(3)
    print(fusion.fuse_conv_bn_weights(t.ones(3, 1, 2), None, one, one, 0.0, None, None))


def memory_formats(t: Any) -> None:
    from importlib import import_module

    formats = import_module(f"{t.__name__}.nn.utils.memory_format")
    for name in ("convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"):
        for kind in (t.channels_last, t.channels_last_3d, t.contiguous_format, t.preserve_format):
            nn = t.nn
            net = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Sequential(nn.Conv2d(2, 3, 2), nn.ConvTranspose3d(3, 2, 2)))
            weight = net[1][0].weight

            def convert(net: Any = net, name: str = name, kind: Any = kind) -> Any:
                return [(p.shape, p.stride()) for p in getattr(formats, name)(net, kind).parameters()]

            attempt(convert)
            print(weight is net[1][0].weight, weight.requires_grad, weight.sum())


@pytest.mark.parametrize("program", [refused, memory_formats])
def test_program(program: Any) -> None:
    same_lines(program)
