"""Checkpoints that PyTorch wrote (tools/make_checkpoint_goldens.py) are read, with no PyTorch here."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

import rushlight as torch
from rushlight import dtypes
from rushlight.nn.parameter import Parameter
from rushlight.storage import owner_of

FOLDER = Path(__file__).parents[1] / "golden" / "checkpoints"


def equal(tensor: torch.Tensor, values: object) -> bool:
    return np.array_equal(np.asarray(tensor._array, np.float64), np.asarray(values, np.float64))


@pytest.mark.parametrize("name", ["state_dict.pt", "legacy.pt", "protocol4.pt"])
@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("mmap", [False, True])
def test_state_dict(name: str, weights_only: bool, mmap: bool) -> None:
    if mmap and name == "legacy.pt":
        with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
            torch.load(FOLDER / name, mmap=True)
        return
    state = torch.load(FOLDER / name, weights_only=weights_only, mmap=mmap)
    assert type(state) is OrderedDict
    assert list(state) == [
        "fc.weight", "fc.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
        "norm.num_batches_tracked",
    ]  # fmt: skip
    assert equal(state["fc.weight"], [[0, 1, 2], [3, 4, 5]])
    assert equal(state["norm.running_var"], [1, 1])
    assert state["norm.num_batches_tracked"].dtype is torch.int64
    assert state["norm.num_batches_tracked"].shape == ()
    assert state._metadata["norm"] == {"version": 2}


@pytest.mark.parametrize("name", ["shared.pt", "legacy_shared.pt"])
def test_views_share_their_storage(name: str) -> None:
    saved = torch.load(FOLDER / name)
    base = np.arange(12.0).reshape(3, 4)
    assert equal(saved["rows"], base[1:])
    assert equal(saved["transposed"], base.T)
    assert equal(saved["column"], base[:, 1])
    assert equal(saved["spread"], [0] * 5)
    assert saved["transposed"]._array.strides == (4, 16)
    assert saved["spread"]._array.strides == (0,)
    assert len({id(owner_of(tensor._array)) for tensor in saved.values()}) == 1
    saved["again"]._array[1, 1] = 100
    assert saved["rows"]._array[0, 1] == saved["column"]._array[1] == 100


@pytest.mark.parametrize("weights_only", [True, False])
def test_training_state(weights_only: bool) -> None:
    saved = torch.load(FOLDER / "training.pt", weights_only=weights_only)
    group = saved["optimizer"]["param_groups"][0]
    assert (group["lr"], group["betas"], group["params"]) == (0.5, (0.8, 0.9), [0, 1, 2, 3])
    first = saved["optimizer"]["state"][0]
    assert equal(first["step"], 1)
    assert first["exp_avg"].shape == (2, 3)
    assert (saved["epoch"], saved["best"], saved["history"]) == (3, (0.25, None, True), [1.5, 2, {"name": "Ω"}])
    assert repr(saved["size"]) == "torch.Size([2, 3])"
    assert saved["dtype"] is torch.bfloat16
    assert saved["device"] == torch.device("cpu")
    assert type(saved["parameter"]) is Parameter
    assert not saved["parameter"].requires_grad
    assert equal(saved["parameter"], [1, 2])
    assert (saved["bytes"], saved["set"], saved["complex"]) == (b"\x00\xff", {1, 2}, 1 + 2j)


def test_every_dtype() -> None:
    saved = torch.load(FOLDER / "dtypes.pt")
    assert set(saved) == {kind.name for kind in dtypes._ALL}
    for name, tensor in saved.items():
        assert tensor.dtype is getattr(dtypes, name)
        expected = [False, True, True] if name == "bool" else [0, 1, 2]
        assert tensor._array.astype(np.complex128).tolist() == [complex(value) for value in expected], name


def test_conjugation_and_negation_are_carried_out() -> None:
    saved = torch.load(FOLDER / "flags.pt")
    assert saved["conj"]._array.tolist() == [1 - 2j, 3 + 4j]
    assert saved["negative"]._array.tolist() == [-2, 4]


def test_other_byte_order() -> None:
    saved = torch.load(FOLDER / "big_endian.pt")
    assert equal(saved["float32"], [0, 1, 2])
    assert equal(saved["uint32"], [0, 1, 2])


def test_whole_module_needs_trust() -> None:
    with pytest.raises(
        Exception, match=r"GLOBAL torch\.nn.modules\.container\.Sequential was not an allowed global by default"
    ):
        torch.load(FOLDER / "module.pt")


def test_whole_module() -> None:
    model = torch.load(FOLDER / "module.pt", weights_only=False)
    assert type(model) is torch.nn.Sequential
    assert type(model.fc) is torch.nn.Linear
    assert equal(model.fc.weight, [[0, 1, 2], [3, 4, 5]])
    out = model.eval()(torch.ones(1, 3))
    assert out.shape == (1, 2)
