"""What is saved comes back, in every format, with its sharing and its flags."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as torch
from rushlight import dtypes
from rushlight.autograd.variable import wrap
from rushlight.nn.parameter import Parameter, UninitializedParameter
from rushlight.storage import owner_of

FORMATS = [
    pytest.param({}, id="zip"),
    pytest.param({"pickle_protocol": 4}, id="protocol 4"),
    pytest.param({"pickle_protocol": 5}, id="protocol 5"),
    pytest.param({"_use_new_zipfile_serialization": False}, id="legacy"),
]


def round_trip(value: Any, *, weights_only: bool | None = None, **how: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer, **how)
    buffer.seek(0)
    return torch.load(buffer, weights_only=weights_only)


def same(a: Any, b: Any) -> None:
    assert a.dtype is b.dtype
    assert a._array.shape == b._array.shape
    assert a._array.tobytes() == b._array.tobytes()
    assert a.requires_grad == b.requires_grad


class Bag(torch.Tensor):
    """A subclass of a user's."""


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("kind", dtypes._ALL, ids=str)
def test_every_dtype(kind: dtypes.dtype, how: dict[str, Any]) -> None:
    tensor = wrap(np.array([[0, 1, 3], [2, 5, 1]]).astype(kind.numpy_dtype))
    same(round_trip(tensor, **how), tensor)


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("weights_only", [True, False])
def test_containers(how: dict[str, Any], weights_only: bool) -> None:
    value = OrderedDict(
        numbers=[1, -1, 2**40, -(2**70), 1.5, True, None, 3 - 1j],
        texts=("", "Ω", "a" * 300, b"\x00\xff", bytearray(b"\xfe")),
        nested={"a": {1: [(), {}, set(), {1, 2}]}, (1, "x"): 2},
        counter=Counter("aab"),
        size=torch.Size([2, 3]),
        dtype=torch.float16,
        devices=[torch.device("cpu"), torch.device("cuda", 1)],
    )
    back = round_trip(value, weights_only=weights_only, **how)
    assert back == value
    assert type(back) is OrderedDict
    assert type(back["size"]) is torch.Size
    assert back["dtype"] is torch.float16


@pytest.mark.parametrize("how", FORMATS)
def test_one_object_stays_one(how: dict[str, Any]) -> None:
    tensor, names = torch.ones(2), ["a"]
    back = round_trip([tensor, tensor, names, names], **how)
    assert back[0] is back[1]
    assert back[2] is back[3]


@pytest.mark.parametrize("how", FORMATS)
def test_views_of_one_storage_share_it_again(how: dict[str, Any]) -> None:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    views = [
        base[1:],
        base.transpose(2, 0, 1),
        base[:, :, 1],
        np.lib.stride_tricks.as_strided(base, (3, 3), (4, 4)),
        base,
    ]
    back = round_trip([wrap(view) for view in views], **how)
    for tensor, view in zip(back, views, strict=True):
        assert np.array_equal(tensor._array, view)
        assert tensor._array.strides == view.strides
    assert len({id(owner_of(tensor._array)) for tensor in back}) == 1
    back[-1]._array[1, 0, 1] = -1
    assert back[0]._array[0, 0, 1] == back[2]._array[1, 0] == -1


def test_a_view_is_saved_with_its_whole_storage() -> None:
    buffer = io.BytesIO()
    torch.save(wrap(np.arange(1000, dtype=np.float64)[10:12]), buffer)
    assert zipfile.ZipFile(buffer).getinfo("archive/data/0").file_size == 8000
    torch.save(wrap(np.arange(1000, dtype=np.float64)[10:12].copy()), buffer := io.BytesIO())
    assert zipfile.ZipFile(buffer).getinfo("archive/data/0").file_size == 16


def test_negative_strides_are_made_positive() -> None:
    back = round_trip(wrap(np.arange(6.0).reshape(2, 3)[::-1, ::-1]))
    assert back._array.tolist() == [[5, 4, 3], [2, 1, 0]]
    assert back._array.strides == (24, 8)


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 0, 4), (1, 1)])
def test_empty_and_small_shapes(shape: tuple[int, ...], how: dict[str, Any]) -> None:
    same(round_trip(torch.zeros(shape), **how), torch.zeros(shape))


def test_an_empty_view_of_a_full_storage() -> None:
    assert round_trip(wrap(np.arange(5.0)[5:])).shape == (0,)


def test_memory_in_unusual_orders() -> None:
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    read_only = np.frombuffer(np.arange(3.0).tobytes(), np.float64)
    swapped = np.arange(3.0).astype(">f8")
    back = round_trip([wrap(fortran), wrap(read_only), wrap(swapped)])
    assert back[0]._array.strides == fortran.strides
    assert [tensor._array.tolist() for tensor in back] == [[[0, 1, 2], [3, 4, 5]], [0, 1, 2], [0, 1, 2]]
    assert all(tensor._array.flags.writeable for tensor in back)


def test_one_memory_as_two_dtypes_is_refused() -> None:
    values = np.zeros(4, np.float32)
    with pytest.raises(
        RuntimeError, match="Cannot save multiple tensors or storages that view the same data as different types"
    ):
        torch.save([wrap(values), wrap(values.view(np.int32))], io.BytesIO())


@pytest.mark.parametrize("how", FORMATS)
def test_parameters_and_flags(how: dict[str, Any]) -> None:
    weight, frozen = Parameter(torch.ones(2)), Parameter(torch.ones(2), requires_grad=False)
    leaf = torch.zeros(2, requires_grad=True)
    back = round_trip({"weight": weight, "frozen": frozen, "leaf": leaf, "result": leaf * 2}, **how)
    assert type(back["weight"]) is type(back["frozen"]) is Parameter
    assert back["weight"].requires_grad and not back["frozen"].requires_grad
    assert type(back["leaf"]) is torch.Tensor
    assert back["leaf"].requires_grad
    assert back["result"].is_leaf and back["result"].requires_grad


def test_attributes_and_subclasses() -> None:
    weight = Parameter(torch.ones(1))
    weight.tied = "yes"  # type: ignore[attr-defined]
    plain = torch.ones(1)
    plain.note = [1]  # type: ignore[attr-defined]
    back = round_trip([weight, plain])
    assert (back[0].tied, back[1].note) == ("yes", [1])
    bag = torch.ones(2).as_subclass(Bag)
    back = round_trip(bag, weights_only=False)
    assert type(back) is Bag
    with torch.serialization.safe_globals([Bag]):
        assert type(round_trip(bag)) is Bag


def test_a_parameter_without_shape() -> None:
    assert type(round_trip(UninitializedParameter(), weights_only=False)) is UninitializedParameter


def test_storages() -> None:
    tensor = torch.arange(3)
    storage = torch.UntypedStorage.of(tensor._array)
    typed = torch.TypedStorage(wrap_storage=storage, dtype=torch.int64)
    back_tensor, back_typed = round_trip([tensor, typed])
    assert back_typed.tolist() == [0, 1, 2]
    assert back_typed.data_ptr() == back_tensor._array.__array_interface__["data"][0]


def test_hooks_are_left_behind_with_a_warning() -> None:
    tensor = torch.ones(1, requires_grad=True)
    tensor.register_hook(lambda grad: grad)
    with pytest.warns(UserWarning, match="on tensor will not be serialized"):
        back = round_trip(tensor)
    assert not back._backward_hooks


def test_python_objects_with_trust() -> None:
    value = {"space": SimpleNamespace(t=torch.ones(1)), "default": defaultdict(list, a=[1]), "array": np.arange(3)}
    back = round_trip(value, weights_only=False)
    assert back["space"].t.shape == (1,)
    assert back["default"]["b"] == []
    assert back["array"].tolist() == [0, 1, 2]


def test_functions_by_name() -> None:
    assert round_trip([torch.Tensor, torch.exp], weights_only=False) == [torch.Tensor, torch.exp]


def test_what_cannot_be_pickled_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"lambda|pickle"):
        torch.save({"f": lambda: 0}, tmp_path / "x.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_layout_of_the_file(tmp_path: Path) -> None:
    torch.save([torch.ones(3), torch.ones(1000, dtype=torch.float64)], tmp_path / "my.model.pt")
    raw = (tmp_path / "my.model.pt").read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"my.model/{name}"
            for name in (
                "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1", "version",
                ".data/serialization_id",
            )
        ]  # fmt: skip
        assert archive.read("my.model/version") == b"3\n"
        assert archive.read("my.model/byteorder") == b"little"
        assert archive.read("my.model/.format_version") == b"1"
        assert archive.read("my.model/.storage_alignment") == b"64"
        assert len(archive.read("my.model/.data/serialization_id")) == 40
        for info in archive.infolist():
            names = int.from_bytes(raw[info.header_offset + 26 : info.header_offset + 28], "little")
            extra = int.from_bytes(raw[info.header_offset + 28 : info.header_offset + 30], "little")
            assert (info.header_offset + 30 + names + extra) % 64 == 0
            assert info.compress_type == zipfile.ZIP_STORED


def test_equal_contents_make_equal_files() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    torch.save({"a": torch.ones(3)}, first)
    torch.save({"a": torch.ones(3)}, second)
    assert first.getvalue() == second.getvalue()


def test_sizes_past_32_bits_use_wide_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushlight.serialization.archive.LIMIT_32", 600)
    value = [torch.arange(200), torch.arange(3)]
    back = round_trip(value)
    assert [tensor._array.tolist() for tensor in back] == [list(range(200)), [0, 1, 2]]


class Dribble(io.RawIOBase):
    """A file that takes 7 bytes at a time."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data[:7])
        return min(7, len(data))


def test_a_file_that_takes_little_at_a_time() -> None:
    file = Dribble()
    torch.save(torch.arange(40), file)
    assert torch.load(io.BytesIO(file.data))._array.tolist() == list(range(40))


def test_paths_files_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(torch.ones(2), str(path))
    with open(path, "rb") as file:
        assert torch.load(file).shape == (2,)
    with open(path, "wb") as file:
        torch.save(torch.ones(3), file)
    assert torch.load(os.fspath(path)).shape == (3,)
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
        torch.save(1, 3)
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist"):
        torch.save(1, tmp_path / "nowhere" / "x.pt")
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        torch.load(tmp_path / "absent.pt")
    with pytest.raises(AttributeError, match=r"You can only torch\.load from a file that is seekable"):
        torch.load(object())
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        torch.load(io.BytesIO(path.read_bytes()), mmap=True)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module"):
        import pickle

        torch.load(path, pickle_module=pickle, weights_only=True)
    with pytest.raises(ValueError, match="expected pickle_module to be pickle or a module whose Pickler derives"):
        torch.save(1, path, pickle_module=SimpleNamespace(Pickler=object))


def test_several_legacy_objects_in_one_file() -> None:
    buffer = io.BytesIO()
    for value in (1.0, 2.0):
        torch.save(torch.tensor([value]), buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert [torch.load(buffer)._array.tolist() for _ in range(2)] == [[1.0], [2.0]]


def test_mapped_memory_is_private(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"a": torch.arange(5), "empty": torch.zeros(0)}, path)
    back = torch.load(path, mmap=True)
    back["a"]._array[0] = 9
    assert torch.load(path)["a"]._array.tolist() == [0, 1, 2, 3, 4]
    torch.save(back["a"], again := io.BytesIO())
    assert zipfile.ZipFile(again).getinfo("archive/data/0").file_size == 40


@pytest.mark.parametrize(
    "map_location",
    [
        None,
        "cpu",
        b"cpu",
        torch.device("cpu"),
        {"cpu": "cpu"},
        lambda storage, location: storage,
        lambda s, location: None,
    ],
)
def test_locations_on_the_cpu(map_location: Any) -> None:
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    buffer.seek(0)
    assert torch.load(buffer, map_location).device == torch.device("cpu")


@pytest.mark.parametrize(
    ("map_location", "error", "match"),
    [
        (
            "cuda",
            RuntimeError,
            r"Attempting to deserialize object on a CUDA device but torch.cuda.is_available\(\) is False",
        ),
        ({"cpu": "cuda:1"}, RuntimeError, "Attempting to deserialize object on a CUDA device"),
        (
            "moon",
            RuntimeError,
            r"don't know how to restore data location of torch.storage.UntypedStorage \(tagged with moon\)",
        ),
        (3, TypeError, "expected map_location to be a device, a string, a dict or a function, got int"),
        (lambda storage, location: 3, TypeError, "expected map_location to return a storage or None, got int"),
    ],
)
def test_locations_that_are_not_here(map_location: Any, error: type[Exception], match: str) -> None:
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    buffer.seek(0)
    with pytest.raises(error, match=match):
        torch.load(buffer, map_location)


def test_a_location_function_may_replace_the_storage() -> None:
    buffer = io.BytesIO()
    torch.save(torch.ones(2), buffer)
    buffer.seek(0)
    seen = []

    def place(storage: Any, location: str) -> Any:
        seen.append(location)
        return storage.clone().fill_(0)

    assert torch.load(buffer, place)._array.tolist() == [0, 0]
    assert seen == ["cpu"]


def test_file_mode_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "x.pt", tmp_path / "link.pt"
    torch.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    torch.save(2, link)
    assert link.is_symlink()
    assert torch.load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link.pt", "x.pt"]


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.text() | st.integers() | st.tuples(st.integers(), st.text())
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.lists(inner).map(tuple),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(values, st.sampled_from([2, 3, 4, 5]))
def test_any_nesting_comes_back(value: Any, protocol: int) -> None:
    assert round_trip(value, pickle_protocol=protocol) == value


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_view_comes_back(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(0, 4), max_size=4))
    array = np.arange(int(np.prod(shape)), dtype=np.int16).reshape(shape)
    array = array.transpose(data.draw(st.permutations(range(len(shape)))))
    steps = st.sampled_from([1, 2, -1])
    cuts = st.builds(slice, st.integers(-4, 4), st.none() | st.integers(-4, 4), steps)
    array = array[tuple(data.draw(cuts) for _ in shape)]
    back = round_trip(wrap(array))._array
    assert np.array_equal(back, array)
    assert back.shape == array.shape
