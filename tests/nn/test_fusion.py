"""A layer with a normalisation folded in does what both did; memory formats change only the order in memory."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight import nn
from rushlight.nn.utils import fusion, memory_format


def normalisation(kind: type[Any], features: int, **options: Any) -> Any:
    layer = kind(features, **options).eval()
    with torch.no_grad():
        for value in (*layer.parameters(), layer.running_mean, layer.running_var):
            value.uniform_(0.5, 1.5)
    return layer


@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (lambda: nn.Conv1d(2, 3, 2), nn.BatchNorm1d, (2, 2, 5)),
        (lambda: nn.Conv2d(2, 4, 2, groups=2, bias=False), nn.BatchNorm2d, (2, 2, 4, 4)),
        (lambda: nn.Conv3d(1, 2, 2, padding=1), nn.BatchNorm3d, (2, 1, 3, 3, 3)),
        (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2), nn.BatchNorm2d, (2, 2, 3, 3)),
        (lambda: nn.Linear(4, 3), nn.BatchNorm1d, (5, 4)),
        (lambda: nn.Linear(4, 3, bias=False), nn.BatchNorm1d, (5, 4)),
    ],
)
def test_one_layer_for_two(layer: Any, norm: Any, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    first = layer().double().eval()
    second = normalisation(norm, getattr(first, "out_channels", 3) if len(shape) > 2 else 3).double()
    x = torch.randn(*shape, dtype=torch.float64)
    before = [p.clone() for p in first.parameters()]
    if isinstance(first, nn.Linear):
        fused = fusion.fuse_linear_bn_eval(first, second)
    else:
        fused = fusion.fuse_conv_bn_eval(first, second, transpose=isinstance(first, nn.ConvTranspose2d))
    assert type(fused) is type(first) and fused.bias is not None
    assert torch.allclose(fused(x), second(first(x)))
    for old, new in zip(before, first.parameters(), strict=True):
        assert torch.equal(old, new)


def test_what_cannot_be_fused() -> None:
    conv, linear = nn.Conv2d(1, 2, 2).eval(), nn.Linear(2, 3).eval()
    with pytest.raises(AssertionError, match="only for eval"):
        fusion.fuse_conv_bn_eval(conv, nn.BatchNorm2d(2))
    with pytest.raises(AssertionError, match="must not be None"):
        fusion.fuse_conv_bn_eval(conv, nn.BatchNorm2d(2, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match=r"got linear\.out_features=3 and bn\.num_features=2"):
        fusion.fuse_linear_bn_eval(linear, nn.BatchNorm1d(2).eval())


def test_memory_formats() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Sequential(nn.ConvTranspose2d(3, 1, 2), nn.Conv3d(1, 1, 2)))
    weight, numbers = net[0].weight, net[0].weight.tolist()
    assert memory_format.convert_conv2d_weight_memory_format(net, torch.channels_last) is net
    assert net[0].weight is weight and weight.requires_grad and weight.tolist() == numbers
    assert weight.stride() == (8, 1, 4, 2) and net[1][0].weight.stride() == (4, 1, 2, 1)
    assert net[1][1].weight.is_contiguous()
    x = torch.ones(1, 2, 3, 3)
    out = net[0](x)
    memory_format.convert_conv2d_weight_memory_format(net, torch.contiguous_format)
    assert weight.is_contiguous() and torch.allclose(net[0](x), out)
    with pytest.raises(RuntimeError, match="required rank 5"):
        memory_format.convert_conv2d_weight_memory_format(net, torch.channels_last_3d)
    with pytest.raises(RuntimeError, match="Unsupported memory format"):
        memory_format.convert_conv3d_weight_memory_format(net, torch.preserve_format)
