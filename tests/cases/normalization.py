"""Normalisation: batch, instance, layer, group, root mean square, across channels."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Refusal, fixed, normal, uniform


def batch(name: str, kind: str, shape: tuple[int, ...], *arguments: Any, training: bool = True, **options: Any) -> Case:
    return Case(
        f"{kind} {name}".strip(),
        lambda t: getattr(t.nn, kind)(*arguments, **options),
        (normal(*shape, scale=2),),
        training=training,
    )


_LINE, _IMAGE, _VOLUME = (2, 3, 4), (2, 2, 2, 3), (2, 2, 1, 2, 2)

BATCHES = [
    batch("", "BatchNorm1d", (5, 3), 3),
    batch("sequence", "BatchNorm1d", _LINE, 3, eps=1e-2, momentum=0.3),
    batch("average", "BatchNorm1d", (5, 3), 3, momentum=None),
    batch("eval", "BatchNorm1d", (5, 3), 3, training=False),
    batch("plain", "BatchNorm1d", (5, 3), 3, affine=False),
    batch("no bias", "BatchNorm1d", (5, 3), 3, bias=False),
    batch("untracked", "BatchNorm1d", (5, 3), 3, track_running_stats=False),
    batch("untracked eval", "BatchNorm1d", (5, 3), 3, track_running_stats=False, training=False),
    batch("", "BatchNorm2d", _IMAGE, 2),
    batch("eval plain", "BatchNorm2d", _IMAGE, 2, affine=False, training=False),
    batch("one sample", "BatchNorm2d", (1, 2, 2, 3), 2),
    batch("", "BatchNorm3d", _VOLUME, 2, 1e-3, 0.2, True, True),
    batch("", "SyncBatchNorm", _IMAGE, 2),
    batch("matrix", "SyncBatchNorm", (4, 3), 3, momentum=None, bias=False),
    batch("eval", "SyncBatchNorm", _IMAGE, 2, training=False),
    batch("", "LazyBatchNorm1d", (5, 3)),
    batch("plain", "LazyBatchNorm1d", _LINE, affine=False),
    batch("no bias", "LazyBatchNorm2d", _IMAGE, bias=False, momentum=0.3),
    batch("untracked", "LazyBatchNorm3d", _VOLUME, 1e-2, track_running_stats=False),
]

INSTANCES = [
    batch("", "InstanceNorm1d", _LINE, 3),
    batch("one sample", "InstanceNorm1d", (3, 4), 3, affine=True),
    batch("tracked", "InstanceNorm1d", _LINE, 3, affine=True, track_running_stats=True),
    batch("tracked eval", "InstanceNorm1d", _LINE, 3, track_running_stats=True, training=False),
    batch("no momentum", "InstanceNorm1d", _LINE, 3, momentum=None, track_running_stats=True),
    batch("no bias", "InstanceNorm1d", _LINE, 3, affine=True, bias=False),
    batch("", "InstanceNorm2d", _IMAGE, 2, eps=1e-2, affine=True),
    batch("one sample", "InstanceNorm2d", (2, 2, 3), 2),
    batch("other channels", "InstanceNorm2d", _IMAGE, 5),
    batch("", "InstanceNorm3d", _VOLUME, 2, affine=True),
    batch("one sample", "InstanceNorm3d", (2, 1, 2, 3), 2),
    batch("", "LazyInstanceNorm1d", _LINE),
    batch("plain", "LazyInstanceNorm2d", _IMAGE, affine=False, track_running_stats=False),
    batch("no bias", "LazyInstanceNorm3d", _VOLUME, bias=False),
]

LAYERS = [
    batch("", "LayerNorm", (2, 3, 4), 4),
    batch("two dimensions", "LayerNorm", (2, 3, 4), [3, 4], eps=1e-2),
    batch("plain", "LayerNorm", (3, 4), (4,), elementwise_affine=False),
    batch("no bias", "LayerNorm", (3, 4), 4, bias=False),
    batch("vector", "LayerNorm", (4,), 4),
    batch("no samples", "LayerNorm", (0, 4), 4),
    batch("", "GroupNorm", (2, 4, 3), 2, 4),
    batch("image", "GroupNorm", (2, 4, 2, 1), 1, 4, eps=1e-2),
    batch("matrix", "GroupNorm", (3, 6), 2, 6),
    batch("plain", "GroupNorm", (2, 4, 3), 4, 4, affine=False),
    batch("no bias", "GroupNorm", (2, 4, 3), 2, 4, bias=False),
    batch("", "RMSNorm", (2, 3, 4), 4),
    batch("two dimensions", "RMSNorm", (2, 3, 4), (3, 4), 1e-2),
    batch("plain", "RMSNorm", (3, 4), [4], elementwise_affine=False),
    batch("no samples", "RMSNorm", (0, 4), 4),
]

ACROSS = [
    batch("", "LocalResponseNorm", (2, 5, 3), 2, alpha=0.8),
    batch("odd", "LocalResponseNorm", (1, 5, 2, 2), 3, 0.8, 0.5, 1.5),
    batch("volume", "LocalResponseNorm", (1, 4, 1, 2, 2), 4, alpha=2.0, beta=1.2),
    batch("one sample's signal", "LocalResponseNorm", (1, 3, 1), 5, alpha=1.0),
    # PyTorch's backward raises where a second derivative is asked for.
    *(
        Case(
            f"CrossMapLRN2d {size} of {channels}",
            lambda t, size=size: t.nn.CrossMapLRN2d(size, 0.8, 0.6, 1.5),  # type: ignore[misc]
            (normal(1, channels, 2, 2, scale=2),),
            second=False,
            # Its window is another one in the backward pass.
            smooth=False,
        )
        for size, channels in ((2, 3), (3, 6), (5, 4))
    ),
]

_STATISTICS = {"running_mean": fixed(normal(3)), "running_var": fixed(uniform(0.5, 2, 3))}


def function(name: str, inputs: tuple[Any, ...], **options: Any) -> Case:
    return Case(name, lambda t: getattr(t.nn.functional, name.split()[0]), inputs, options)


def front(name: str, *inputs: Any) -> Case:
    return Case(f"torch.{name}", lambda t: getattr(t, name.split()[0]), inputs)


FUNCTIONS = [
    function("batch_norm training", (normal(5, 3), None, None, normal(3), normal(3), True, 0.2, 1e-2)),
    function("batch_norm moved", (normal(5, 3),), **_STATISTICS, training=True),
    function("batch_norm eval", (normal(5, 3),), **_STATISTICS, weight=normal(3)),
    function("instance_norm", (normal(2, 3, 4),), weight=normal(3), bias=normal(3), eps=1e-3),
    function("instance_norm moved", (normal(2, 3, 4),), **_STATISTICS, momentum=0.3),
    function("instance_norm eval", (normal(2, 3, 4),), **_STATISTICS, use_input_stats=False),
    function("layer_norm", (normal(2, 3), (3,), normal(3), normal(3), 1e-2)),
    function("layer_norm plain", (normal(2, 3), [3])),
    function("group_norm", (normal(2, 4, 2), 2, normal(4), normal(4), 1e-2)),
    function("rms_norm", (normal(2, 3), (3,), normal(3), 1e-2)),
    # Finite differences need numbers that are not so small.
    Case("rms_norm tiny", lambda t: t.nn.functional.rms_norm, (normal(2, 3, scale=1e-4), [3]), smooth=False),
    function("local_response_norm", (normal(1, 4, 3), 3, 0.5, 0.6, 2.0)),
    front("batch_norm", normal(5, 3), normal(3), normal(3), None, None, True, 0.1, 1e-5, True),
    front("batch_norm eval", normal(5, 3), None, None, fixed(normal(3)), fixed(uniform(1, 2, 3)), False, 0.1, 1e-5, False),
    front("batch_norm of one value", normal(1, 3), None, None, None, None, True, 0.1, 1e-2, True),
    # Of what these return, the first has derivatives.
    Case("torch.native_batch_norm's result", lambda t: lambda *a: t.native_batch_norm(*a)[0], (normal(5, 3), normal(3), normal(3), None, None, True, 0.1, 1e-5)),
    Case("torch.native_layer_norm's result", lambda t: lambda *a: t.native_layer_norm(*a)[0], (normal(2, 3, 2), [3, 2], normal(3, 2), None, 1e-2)),
    Case("torch.native_group_norm's result", lambda t: lambda *a: t.native_group_norm(*a)[0], (normal(2, 4, 2), normal(4), normal(4), 2, 4, 2, 2, 1e-2), stepped=False),
    front("native_batch_norm", fixed(normal(5, 3)), fixed(normal(3)), fixed(normal(3)), None, None, True, 0.1, 1e-5),
    front("native_batch_norm eval", fixed(normal(5, 3)), None, None, fixed(normal(3)), fixed(uniform(1, 2, 3)), False, 0.1, 1e-5),
    Case("torch.native_group_norm", lambda t: t.native_group_norm, (fixed(normal(2, 4, 2)), None, None, 2, 4, 2, 2, 1e-2), stepped=False),
    front("batch_norm_update_stats", fixed(normal(5, 3)), fixed(normal(3)), fixed(uniform(1, 2, 3)), 0.3),
    front("instance_norm", normal(2, 3, 4), normal(3), normal(3), None, None, True, 0.1, 1e-5, True),
    front("layer_norm", normal(2, 3), [3], normal(3), normal(3), 1e-2, False),
    front("native_layer_norm", fixed(normal(2, 3, 2)), [3, 2], fixed(normal(3, 2)), None, 1e-2),
    front("group_norm", normal(2, 4, 2), 2, normal(4), normal(4), 1e-2, True),
    front("rms_norm", normal(2, 3), (3,), normal(3), 1e-2),
]  # fmt: skip

CASES = [*BATCHES, *INSTANCES, *LAYERS, *ACROSS, *FUNCTIONS]

REFUSALS = [
    Refusal("BatchNorm1d rank", lambda t: t.nn.BatchNorm1d(3)(t.ones(2, 3, 1, 1)), ValueError, "expected 2D or 3D input"),
    Refusal("BatchNorm2d rank", lambda t: t.nn.BatchNorm2d(3)(t.ones(2, 3)), ValueError, r"4D input \(got 2D input\)"),
    Refusal("BatchNorm3d rank", lambda t: t.nn.BatchNorm3d(3)(t.ones(2, 3)), ValueError, r"5D input \(got 2D input\)"),
    Refusal("BatchNorm1d one value", lambda t: t.nn.BatchNorm1d(3)(t.ones(1, 3)), ValueError, "more than 1 value per channel"),
    Refusal("BatchNorm1d channels", lambda t: t.nn.BatchNorm1d(3)(t.ones(2, 4)), RuntimeError, "should contain 4 elements not 3"),
    Refusal("BatchNorm1d integers", lambda t: t.nn.BatchNorm1d(3, affine=False, track_running_stats=False)(t.ones(2, 3).long()), NotImplementedError, "not implemented for 'Long'"),
    Refusal("SyncBatchNorm rank", lambda t: t.nn.SyncBatchNorm(3)(t.ones(3)), ValueError, "at least 2D input"),
    Refusal("SyncBatchNorm channels", lambda t: t.nn.SyncBatchNorm(0)(t.ones(2, 0)), ValueError, "should be non-zero"),
    Refusal("LazyBatchNorm1d rank", lambda t: t.nn.LazyBatchNorm1d()(t.ones(2, 3, 1, 1)), ValueError, "2D or 3D input"),
    Refusal("LazyInstanceNorm2d rank", lambda t: t.nn.LazyInstanceNorm2d()(t.ones(2, 3)), ValueError, "3D or 4D input"),
    Refusal("InstanceNorm1d rank", lambda t: t.nn.InstanceNorm1d(3)(t.ones(3)), ValueError, r"2D or 3D input \(got 1D"),
    Refusal("InstanceNorm1d channels", lambda t: t.nn.InstanceNorm1d(3, affine=True)(t.ones(2, 4, 2)), ValueError, r"num_features \(3\), but got: 4"),
    Refusal("InstanceNorm1d one element", lambda t: t.nn.InstanceNorm1d(3)(t.ones(2, 3, 1)), ValueError, "more than 1 spatial element"),
    Refusal("LayerNorm shape", lambda t: t.nn.LayerNorm(3)(t.ones(2, 4)), RuntimeError, r"Given normalized_shape=\[3\]"),
    Refusal("layer_norm int", lambda t: t.nn.functional.layer_norm(t.ones(2, 3), 3), TypeError, "must be tuple of ints, not int"),
    Refusal("layer_norm no shape", lambda t: t.nn.functional.layer_norm(t.ones(2, 3), ()), RuntimeError, "at least 1-dimensional"),
    Refusal("layer_norm weight", lambda t: t.layer_norm(t.ones(2, 3), (3,), t.ones(2)), RuntimeError, "weight to be of same shape"),
    Refusal("RMSNorm shape", lambda t: t.nn.RMSNorm(3)(t.ones(2, 4)), RuntimeError, r"Given normalized_shape=\[3\]"),
    Refusal("rms_norm int", lambda t: t.nn.functional.rms_norm(t.ones(2, 3), 3), TypeError, "must be tuple of ints, not int"),
    Refusal("rms_norm weight", lambda t: t.rms_norm(t.ones(2, 3), (3,), t.ones(2)), RuntimeError, "weight to be of same shape"),
    Refusal("rms_norm integers", lambda t: t.rms_norm(t.ones(2, 3).long(), (3,)), NotImplementedError, "\"rms_norm\" not implemented for 'Long'"),
    Refusal("rms_norm eps", lambda t: t.rms_norm(t.ones(2, 3), (3,), None, "small"), TypeError, "'eps' .* must be float, not str"),
    Refusal("rms_norm number", lambda t: t.nn.functional.rms_norm(1, (3,)), TypeError, "must be Tensor, not int"),
    Refusal("GroupNorm groups", lambda t: t.nn.GroupNorm(2, 3), ValueError, r"num_channels \(3\) must be divisible"),
    Refusal("group_norm groups", lambda t: t.nn.functional.group_norm(t.ones(2, 3, 2), 2), RuntimeError, "divisible by num_groups"),
    Refusal("group_norm one value", lambda t: t.nn.functional.group_norm(t.ones(1, 2, 1), 2), ValueError, "more than 1 value per channel"),
    Refusal("batch_norm one statistic", lambda t: t.nn.functional.batch_norm(t.ones(2, 3), t.ones(3), None, training=True), ValueError, "either both be None or neither"),
    Refusal("instance_norm one statistic", lambda t: t.nn.functional.instance_norm(t.ones(2, 3, 2), t.ones(3), None), ValueError, "either both be None or neither"),
    Refusal("instance_norm eval", lambda t: t.nn.functional.instance_norm(t.ones(2, 3, 2), use_input_stats=False), RuntimeError, "when use_input_stats is false"),
    Refusal("batch_norm eval", lambda t: t.nn.functional.batch_norm(t.ones(2, 3), None, None), RuntimeError, "running_mean must be defined"),
    Refusal("local_response_norm rank", lambda t: t.nn.functional.local_response_norm(t.ones(2, 3), 2), ValueError, "3D or higher"),
    Refusal("local_response_norm size", lambda t: t.nn.LocalResponseNorm(0)(t.ones(2, 3, 4)), RuntimeError, "greater than zero"),
    Refusal("CrossMapLRN2d rank", lambda t: t.nn.CrossMapLRN2d(3)(t.ones(2, 3, 4)), ValueError, "to be 4D, got 3D"),
]  # fmt: skip
