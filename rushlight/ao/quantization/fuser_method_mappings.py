"""How layers that follow each other become one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from rushlight.ao.nn import intrinsic as nni
from rushlight.ao.quantization.utils import MatchAllNode, get_combined_dict
from rushlight.nn import modules as nn
from rushlight.nn.modules.module import Module

__all__ = [
    "fuse_conv_bn", "fuse_conv_bn_relu", "fuse_convtranspose_bn", "fuse_linear_bn", "get_fuser_method",
    "get_fuser_method_new",
]  # fmt: skip


def _check_modes(*modules: Module) -> None:
    if len({module.training for module in modules}) > 1:
        raise AssertionError("Conv and BN both must be in the same mode (train or eval).")


def _check_norm(features: int, bn: Any) -> None:
    if bn.num_features != features:
        raise AssertionError(f"Output channels must match num_features of {type(bn).__name__}")
    if not bn.affine:
        raise AssertionError(f"Only support fusing {type(bn).__name__} with affine set to True")
    if not bn.track_running_stats:
        raise AssertionError(f"Only support fusing {type(bn).__name__} with tracking_running_stats set to True")


def fuse_conv_bn(is_qat: bool, conv: Any, bn: Any) -> Any:
    """A convolution and a normalisation as one: for training a fused layer, else a convolution with other weights.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    from rushlight.nn.utils.fusion import fuse_conv_bn_eval

    _check_modes(conv, bn)
    if not is_qat:
        return fuse_conv_bn_eval(conv, bn)
    _check_norm(conv.out_channels, bn)
    fused = {nn.Conv1d: nni.ConvBn1d, nn.Conv2d: nni.ConvBn2d, nn.Conv3d: nni.ConvBn3d}.get(type(conv))
    if fused is None:
        raise NotImplementedError(f"Cannot fuse train modules: {(conv, bn)}")
    return fused(conv, bn)


def fuse_conv_bn_relu(is_qat: bool, conv: Any, bn: Any, relu: Any) -> Any:
    """A convolution, a normalisation and ReLU as one.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    from rushlight.nn.utils.fusion import fuse_conv_bn_eval

    _check_modes(conv, bn, relu)
    if is_qat:
        _check_norm(conv.out_channels, bn)
        training = {nn.Conv1d: nni.ConvBnReLU1d, nn.Conv2d: nni.ConvBnReLU2d, nn.Conv3d: nni.ConvBnReLU3d}
        if type(conv) not in training:
            raise NotImplementedError(f"Cannot fuse train modules: {(conv, bn, relu)}")
        return training[type(conv)](conv, bn, relu)
    fused = {nn.Conv1d: nni.ConvReLU1d, nn.Conv2d: nni.ConvReLU2d, nn.Conv3d: nni.ConvReLU3d}.get(type(conv))
    if fused is None:
        raise NotImplementedError(f"Cannot fuse eval modules: {(conv, bn, relu)}")
    return fused(fuse_conv_bn_eval(conv, bn), relu)


def fuse_linear_bn(is_qat: bool, linear: Any, bn: Any) -> Any:
    """A linear layer and a normalisation as one.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    from rushlight.nn.utils.fusion import fuse_linear_bn_eval

    if linear.training != bn.training:
        raise AssertionError("Linear and BN both must be in the same mode (train or eval).")
    if not is_qat:
        return fuse_linear_bn_eval(linear, bn)
    _check_norm(linear.out_features, bn)
    return nni.LinearBn1d(linear, bn)


def fuse_convtranspose_bn(is_qat: bool, convt: Any, bn: Any) -> Any:
    """A transposed convolution and a normalisation as one, after training; Exception for training.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    from rushlight.nn.utils.fusion import fuse_conv_bn_eval

    if convt.training != bn.training:
        raise AssertionError("ConvTranspose and BN both must be in the same mode (train or eval).")
    if is_qat:
        raise Exception("Fusing ConvTranspose+BatchNorm not yet supported in QAT.")
    return fuse_conv_bn_eval(convt, bn, transpose=True)


def _pair(fused: type[Module]) -> Callable[..., Module]:
    def fuse(is_qat: bool, first: Module, second: Module) -> Module:
        return fused(first, second)

    return fuse


_METHODS: dict[Any, Callable[..., Any]] = {
    (nn.Conv1d, nn.BatchNorm1d): fuse_conv_bn,
    (nn.Conv1d, nn.BatchNorm1d, nn.ReLU): fuse_conv_bn_relu,
    (nn.Conv2d, nn.BatchNorm2d): fuse_conv_bn,
    (nn.Conv2d, nn.BatchNorm2d, nn.ReLU): fuse_conv_bn_relu,
    (nn.Conv3d, nn.BatchNorm3d): fuse_conv_bn,
    (nn.Conv3d, nn.BatchNorm3d, nn.ReLU): fuse_conv_bn_relu,
    (nn.Conv1d, nn.ReLU): _pair(nni.ConvReLU1d),
    (nn.Conv2d, nn.ReLU): _pair(nni.ConvReLU2d),
    (nn.Conv3d, nn.ReLU): _pair(nni.ConvReLU3d),
    (nn.Linear, nn.BatchNorm1d): fuse_linear_bn,
    (nn.Linear, nn.ReLU): _pair(nni.LinearReLU),
    (nn.BatchNorm2d, nn.ReLU): _pair(nni.BNReLU2d),
    (nn.BatchNorm3d, nn.ReLU): _pair(nni.BNReLU3d),
    (nn.ConvTranspose1d, nn.BatchNorm1d): fuse_convtranspose_bn,
    (nn.ConvTranspose2d, nn.BatchNorm2d): fuse_convtranspose_bn,
    (nn.ConvTranspose3d, nn.BatchNorm3d): fuse_convtranspose_bn,
}


def get_fuser_method(op_list: Any, additional_fuser_method_mapping: dict[Any, Any] | None = None) -> Callable[..., Any]:
    """The function that fuses layers of these classes; AssertionError where there is none.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    found = get_combined_dict(_METHODS, additional_fuser_method_mapping or {}).get(op_list)
    if found is None:
        raise AssertionError(f"did not find fuser method for: {op_list} ")
    return found


def _patterns(pattern: Any) -> list[Any]:
    if isinstance(pattern, tuple | list):
        return list(itertools.product(*map(_patterns, pattern)))
    return [pattern, MatchAllNode]


def get_fuser_method_new(op_pattern: Any, fuser_method_mapping: dict[Any, Any]) -> Callable[..., Any]:
    """The function of a mapping that fuses a pattern, in which MatchAllNode stands for any layer.

    Source: https://docs.pytorch.org/docs/2.13/quantization.html
    """
    for pattern in _patterns(op_pattern):
        if pattern in fuser_method_mapping:
            return fuser_method_mapping[pattern]
    raise AssertionError(f"did not find fuser method for: {op_pattern} ")
