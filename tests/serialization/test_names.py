"""The names under which classes are written: those of PyTorch's files, wherever ours keep them."""

from __future__ import annotations

from typing import Any

import pytest

import rushlight as torch
from rushlight.nn.modules._hooks import _WrappedHook
from rushlight.nn.utils import prune, rnn, spectral_norm
from rushlight.serialization.globals import class_name, find_class
from rushlight.utils.data.datapipes.iter import Forker

nn = torch.nn


@pytest.mark.parametrize(
    ("target", "file"),
    [
        (nn.Linear, "torch.nn.modules.linear"),
        (nn.MultiheadAttention, "torch.nn.modules.activation"),
        (nn.ParameterList, "torch.nn.modules.container"),
        (nn.ParameterDict, "torch.nn.modules.container"),
        (nn.MaxUnpool2d, "torch.nn.modules.pooling"),
        (nn.DataParallel, "torch.nn.parallel.data_parallel"),
        (_WrappedHook, "torch.nn.modules.module"),
        (prune.L1Unstructured, "torch.nn.utils.prune"),
        (rnn.pad_sequence, "torch.nn.utils.rnn"),
        (nn.init.zeros_, "torch.nn.init"),
        (type(next(iter(spectral_norm(nn.Linear(2, 2))._forward_pre_hooks.values()))), "torch.nn.utils.spectral_norm"),
        (torch.utils.data.get_worker_info, "torch.utils.data._utils.worker"),
        (Forker, "torch.utils.data.datapipes.iter.combining"),
        (nn.functional.gelu, "torch.nn.functional"),
        (torch.optim.Muon, "torch.optim._muon"),
    ],
)
def test_names_are_pytorch_s_both_ways(target: Any, file: str) -> None:
    name = target.__qualname__
    assert class_name(target, target.__module__, name) == (file, name)
    assert find_class(file, name) is target
