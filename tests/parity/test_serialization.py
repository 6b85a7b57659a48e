"""PyTorch loads what Rushlight saves, and Rushlight loads what PyTorch saves."""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402
from rushlight import dtypes  # noqa: E402
from rushlight.autograd.variable import wrap  # noqa: E402
from rushlight.nn.parameter import Parameter  # noqa: E402
from rushlight.serialization import safetensors  # noqa: E402
from rushlight.storage import owner_of  # noqa: E402

# PyTorch itself cannot read the newer dtypes in its older format.
NEWER = ("uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")

FORMATS = [pytest.param({}, id="zip"), pytest.param({"_use_new_zipfile_serialization": False}, id="legacy")]

LEGACY: dict[str, Any] = {"_use_new_zipfile_serialization": False}
CASES = [(kind.name, {}) for kind in dtypes._ALL] + [
    (kind.name, LEGACY) for kind in dtypes._ALL if kind.name not in NEWER
]


def buffer_of(library: Any, value: Any, **how: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    library.save(value, buffer, **how)
    buffer.seek(0)
    return buffer


def bits(tensor: Any) -> bytes:
    """The elements of either library's tensor as bytes."""
    if isinstance(tensor, torch.Tensor):
        tensor = tensor.detach().resolve_conj().resolve_neg().contiguous().clone()
        return bytes(tensor.untyped_storage().tolist()[: tensor.numel() * tensor.element_size()])
    return tensor._array.tobytes()  # type: ignore[no-any-return]


def same(ours: Any, theirs: Any) -> None:
    assert repr(ours.dtype) == repr(theirs.dtype)
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert bits(ours) == bits(theirs)
    assert ours.requires_grad == theirs.requires_grad
    assert [stride // ours._array.itemsize for stride in ours._array.strides] == list(theirs.stride())


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize(("name", "how"), CASES)
def test_every_dtype_both_ways(name: str, how: dict[str, Any], weights_only: bool) -> None:
    values = np.array([[0, 1, 3], [2, 5, 1]])
    ours = wrap(values.astype(getattr(dtypes, name).numpy_dtype))
    same(ours, torch.load(buffer_of(rushlight, ours, **how), weights_only=weights_only))
    theirs = torch.tensor(values).to(getattr(torch, name))
    same(rushlight.load(buffer_of(torch, theirs, **how), weights_only=weights_only), theirs)


@pytest.mark.parametrize("how", FORMATS)
def test_shared_views_both_ways(how: dict[str, Any]) -> None:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    views = [base[1:], base.transpose(2, 0, 1), base[:, :, 1], base]
    theirs = torch.load(buffer_of(rushlight, [wrap(view) for view in views], **how))
    for view, tensor in zip(views, theirs, strict=True):
        same(wrap(view), tensor)
    assert len({tensor.untyped_storage().data_ptr() for tensor in theirs}) == 1
    ours = rushlight.load(buffer_of(torch, theirs, **how))
    for tensor, other in zip(ours, theirs, strict=True):
        same(tensor, other)
    assert len({id(owner_of(tensor._array)) for tensor in ours}) == 1


@pytest.mark.parametrize("how", [*FORMATS, pytest.param({"pickle_protocol": 4}, id="protocol 4")])
def test_containers_both_ways(how: dict[str, Any]) -> None:
    def build(library: Any, parameter: Any) -> Any:
        ones = library.ones(2)
        return OrderedDict(
            weight=parameter(library.zeros(2, 2)),
            frozen=parameter(ones, False),
            leaf=library.ones(1, requires_grad=True),
            numbers=[1, -1, 2**40, 1.5, True, None, 3 - 1j, {"Ω": (b"\x00\xff", bytearray(b"x"))}],
            size=library.Size([2, 3]),
            dtype=library.float16,
            devices=[library.device("cpu"), library.device("cuda", 1)],
            twice=[ones, ones],
            empty=library.zeros(0, 3),
        )

    ours, theirs = build(rushlight, Parameter), build(torch, torch.nn.Parameter)
    trusting = "pickle_protocol" in how
    from_ours = torch.load(buffer_of(rushlight, ours, **how), weights_only=not trusting)
    from_theirs = rushlight.load(buffer_of(torch, theirs, **how))
    assert repr(from_ours) == repr(theirs) == repr(ours) == repr(from_theirs)
    assert from_ours["twice"][0] is from_ours["twice"][1]


def test_files_have_the_same_layout(tmp_path: Path) -> None:
    for size in (1, 7, 1000):
        rushlight.save([rushlight.ones(size), rushlight.arange(size)], tmp_path / "a.pt")
        torch.save([torch.ones(size), torch.arange(size)], tmp_path / "b.pt")
        with zipfile.ZipFile(tmp_path / "a.pt") as ours, zipfile.ZipFile(tmp_path / "b.pt") as theirs:
            for left, right in zip(ours.infolist(), theirs.infolist(), strict=True):
                assert left.filename[1:] == right.filename[1:]
                assert (left.header_offset, left.file_size, left.flag_bits) == (
                    right.header_offset, right.file_size, right.flag_bits,
                )  # fmt: skip
                if "serialization_id" not in left.filename:
                    assert ours.read(left) == theirs.read(right), left.filename


@pytest.mark.parametrize("offsets", [False, True])
def test_pytorch_maps_our_files(tmp_path: Path, offsets: bool) -> None:
    from torch.utils.serialization import config

    rushlight.save([rushlight.ones(5), rushlight.zeros(0), rushlight.arange(70)], tmp_path / "a.pt")
    saved = config.load.calculate_storage_offsets
    config.load.calculate_storage_offsets = offsets
    try:
        back = torch.load(tmp_path / "a.pt", mmap=True)
    finally:
        config.load.calculate_storage_offsets = saved
    assert [tensor.tolist() for tensor in back] == [[1.0] * 5, [], list(range(70))]
    torch.save(back, tmp_path / "b.pt")
    ours = rushlight.load(tmp_path / "b.pt", mmap=True)
    assert [tensor._array.tolist() for tensor in ours] == [[1.0] * 5, [], list(range(70))]


def test_wide_fields_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushlight.serialization.archive.LIMIT_32", 600)
    back = torch.load(buffer_of(rushlight, [rushlight.arange(200), rushlight.arange(3)]))
    assert [tensor.tolist() for tensor in back] == [list(range(200)), [0, 1, 2]]


def test_the_refusal_is_worded_alike() -> None:
    from fractions import Fraction

    messages = []
    for library in (rushlight, torch):
        with pytest.raises(Exception, match="Weights only load failed") as caught:
            library.load(buffer_of(torch, [Fraction(1, 2)]))
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_attributes_flags_and_subclasses_of_tensors() -> None:
    weight, plain = torch.nn.Parameter(torch.ones(1)), torch.ones(1)
    weight.tied, plain.note = "yes", [1]
    ours = rushlight.load(
        buffer_of(torch, [weight, plain, torch.nn.Buffer(torch.ones(2)), torch.ones(2, dtype=torch.cfloat).conj()])
    )
    assert (ours[0].tied, ours[1].note) == ("yes", [1])
    assert ours[2]._is_buffer
    theirs = torch.load(buffer_of(rushlight, ours), weights_only=True)
    assert (theirs[0].tied, theirs[1].note) == ("yes", [1])
    assert theirs[2]._is_buffer


def _optimizer_state(library: Any) -> Any:
    model = library.nn.Linear(3, 2)
    optimizer = library.optim.Adam(model.parameters(), lr=0.5)
    model(library.ones(2, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def test_training_state_both_ways() -> None:
    pairs = [(rushlight, torch), (torch, rushlight)]
    for source, target in pairs:
        model, optimizer = _optimizer_state(source)
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        back = target.load(buffer_of(source, state))
        other, other_optimizer = _optimizer_state(target)
        other.load_state_dict(back["model"])
        other_optimizer.load_state_dict(back["optimizer"])
        x = [[1.0, 2.0, 3.0]]
        assert other(target.tensor(x)).tolist()[0] == pytest.approx(model(source.tensor(x)).tolist()[0], abs=1e-6)
        assert other_optimizer.state_dict()["param_groups"][0]["lr"] == 0.5


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
def test_whole_modules_both_ways(how: dict[str, Any]) -> None:
    for source, target in [(rushlight, torch), (torch, rushlight)]:
        nn = source.nn
        model = nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3), nn.Dropout(0.5)
        )
        model.eval()
        back = target.load(buffer_of(source, model, **how), weights_only=False)
        assert type(back) is target.nn.Sequential
        assert repr(back) == repr(model)
        x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 1, 4, 4)
        ours, theirs = model(source.from_numpy(x)), back(target.from_numpy(x))
        assert theirs.tolist()[0] == pytest.approx(ours.tolist()[0], abs=1e-5)


def test_safetensors_both_ways() -> None:
    from safetensors import torch as other

    for kind in dtypes._ALL:
        if kind is dtypes.complex128:
            continue
        ours = wrap(np.array([[0, 1, 3], [2, 5, 1]]).astype(kind.numpy_dtype))
        data = safetensors.save({"x": ours}, {"a": "b"})
        theirs = other.load(data)["x"]
        same(ours, theirs)
        assert other.save({"x": theirs}, {"a": "b"}) == data
        same(safetensors.load(data)["x"], theirs)
