"""MNIST's kin and CIFAR on small files of their formats: what is read, and what a broken file says."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct

import numpy as np
import pytest

import rushlight as torch
from rushlight.vision import datasets
from rushlight.vision.datasets.mnist import read_idx
from rushlight.vision.datasets.utils import DatasetFileError
from rushlight.vision.transforms import Compose, Lambda, ToTensor

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def idx(array):
    kinds = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, kinds[array.dtype.str[1:]], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_raw(root, name="MNIST", images=IMAGES, labels=LABELS):
    raw = root / name / "raw"
    raw.mkdir(parents=True)
    for prefix in ("train", "t10k"):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return raw


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_idx_files_of_every_type(tmp_path, dtype):
    array = rng.integers(0, 100, (2, 3)).astype(dtype)
    (tmp_path / "x").write_bytes(idx(array))
    got = read_idx(tmp_path / "x")
    assert got.dtype == array.dtype
    assert np.array_equal(got, array)


IDX_FAULTS = [
    (b"", "x: not an IDX file: it begins with nothing"),
    (b"\x1f\x8b\x08\0abc", "x: not an IDX file: it begins with 1f 8b 08 00"),
    (idx(LABELS)[:6], "x: truncated: its header should have 8 bytes, the file has 6"),
    (idx(IMAGES)[:-1], r"x: truncated: \(5, 28, 28\) needs 3936 bytes, the file has 3935"),
    (idx(LABELS) + b"?", r"x: too long: \(5,\) needs 13 bytes, the file has 14"),
]


@pytest.mark.parametrize(("content", "text"), IDX_FAULTS)
def test_a_broken_idx_file_is_named(tmp_path, content, text):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DatasetFileError, match=text):
        read_idx(tmp_path / "x")


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_mnist_and_its_kin(tmp_path, name):
    write_raw(tmp_path, name)
    data = getattr(datasets, name)(tmp_path, transform=ToTensor(), target_transform=lambda label: -label)
    image, label = data[2]
    assert np.array_equal(image.numpy()[0], IMAGES[2].astype(np.float32) / np.float32(255))
    assert label == -4
    assert data.data.dtype == torch.uint8
    assert data.targets.dtype == torch.int64
    assert len(data) == 5
    assert len(data.classes) == len(data.class_to_idx) == 10
    plain, _ = getattr(datasets, name)(tmp_path, train=False)[0]
    assert isinstance(plain, np.ndarray)


def test_the_printed_form_is_torchvisions(tmp_path):
    write_raw(tmp_path)
    data = datasets.MNIST(str(tmp_path), False, Compose([ToTensor(), Lambda(abs)]), Lambda(int))
    assert repr(data) == (
        f"Dataset MNIST\n    Number of datapoints: 5\n    Root location: {tmp_path}\n    Split: Test\n"
        "    StandardTransform\nTransform: Compose(\n               ToTensor()\n               Lambda()\n           )\n"
        "Target transform: Lambda()"
    )


def test_old_names_warn(tmp_path):
    write_raw(tmp_path)
    data = datasets.MNIST(tmp_path)
    for old, new in [
        ("train_data", "data"),
        ("test_data", "data"),
        ("train_labels", "targets"),
        ("test_labels", "targets"),
    ]:
        with pytest.warns(UserWarning, match=f"{old} has been renamed {new}"):
            assert getattr(data, old) is getattr(data, new)


MNIST_FAULTS = [
    ({"images": IMAGES[0]}, r"images-idx3-ubyte: expected uint8 N×H×W, got uint8 \(28, 28\)"),
    ({"labels": IMAGES}, "labels-idx1-ubyte: expected uint8 labels in one dimension"),
    ({"labels": LABELS[:3]}, "labels-idx1-ubyte: 3 labels for the 5 images of .*images-idx3-ubyte"),
    ({"labels": LABELS + 8}, "labels-idx1-ubyte: label 13 of only 10 classes"),
]


@pytest.mark.parametrize(("content", "text"), MNIST_FAULTS)
def test_files_that_do_not_fit_are_named(tmp_path, content, text):
    write_raw(tmp_path, **content)
    with pytest.raises(DatasetFileError, match=text):
        datasets.MNIST(tmp_path)


@pytest.mark.parametrize("name", ["MNIST", "CIFAR10"])
def test_missing_files_are_an_error(tmp_path, name):
    with pytest.raises(RuntimeError, match=r"Dataset not found.*You can use download=True to download it") as caught:
        getattr(datasets, name)(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_transforms_exclude_each_other():
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform can be passed as argument"):
        datasets.VisionDataset(".", transforms=abs, transform=abs)


PIXELS = rng.integers(0, 256, (4, 3072), dtype=np.uint8)
CIFAR_FILES = {
    "data_batch_1": {"data": PIXELS, "labels": [0, 1, 2, 9], "batch_label": "training batch 1 of 5"},
    "data_batch_2": {"data": PIXELS[:2], "labels": [5, 6]},
    "test_batch": {"data": PIXELS[1:], "labels": [1, 2, 3]},
    "batches.meta": {"label_names": [f"class {i}" for i in range(10)], "num_vis": 3072},
}


def md5(content):
    return hashlib.md5(content).hexdigest()


def small_cifar(root, files=CIFAR_FILES, raw=None):
    """A CIFAR10 class whose files and checksums are these, written to `root`."""
    contents = {name: pickle.dumps(value, 2) for name, value in files.items()} | (raw or {})
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)

    lists = {
        "train_list": [[name, md5(content)] for name, content in contents.items() if name.startswith("data")],
        "test_list": [["test_batch", md5(contents["test_batch"])]],
        "meta": {**datasets.CIFAR10.meta, "md5": md5(contents["batches.meta"])},
    }
    return type("CIFAR10", (datasets.CIFAR10,), lists)


def test_cifar10(tmp_path):
    kind = small_cifar(tmp_path)
    train, test = kind(tmp_path), kind(tmp_path, train=False, transform=ToTensor())
    assert train.data.shape == (6, 32, 32, 3)
    assert train.targets == [0, 1, 2, 9, 5, 6]
    assert train.classes[9] == "class 9"
    assert train.class_to_idx["class 3"] == 3
    image, label = train[0]
    assert label == 0
    assert np.array_equal(image.transpose(2, 0, 1).ravel(), PIXELS[0])
    assert test[0][0].shape == (3, 32, 32)
    assert "Split: Test" in repr(test)


def test_cifar100(tmp_path):
    files = {
        "train": {"data": PIXELS, "fine_labels": [99, 0, 1, 2], "coarse_labels": [1, 2, 3, 4]},
        "test": {"data": PIXELS, "fine_labels": [1, 2, 3, 4]},
        "meta": {"fine_label_names": [str(i) for i in range(100)], "coarse_label_names": []},
    }
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name, value in files.items():
        (folder / name).write_bytes(pickle.dumps(value, 2))

    meta = {**datasets.CIFAR100.meta, "md5": None}
    lists = {"train_list": [["train", None]], "test_list": [["test", None]], "meta": meta}
    kind = type("CIFAR100", (datasets.CIFAR100,), lists)
    assert kind(tmp_path).targets == [99, 0, 1, 2]
    assert len(kind(tmp_path, train=False).classes) == 100


class Bomb:
    def __reduce__(self):
        return os.system, ("echo bang",)


CIFAR_FAULTS = [
    (pickle.dumps({"data": Bomb()}, 2), "test_batch: corrupt or truncated: it asks for (posix|nt).system"),
    (pickle.dumps(CIFAR_FILES["test_batch"], 2)[:-50], "test_batch: corrupt or truncated"),
    (b"\0\0\0", "test_batch: corrupt or truncated"),
    (pickle.dumps([1]), "test_batch: expected a dict, got list"),
    (pickle.dumps({"data": PIXELS.astype(float), "labels": [0] * 4}, 2), "expected uint8 images N×3072 .* got float64"),
    (pickle.dumps({"data": 5}, 2), "expected uint8 images N×3072 under 'data', got int"),
    (pickle.dumps({"data": PIXELS, "labels": [0]}, 2), "test_batch: 1 labels for 4 images"),
    (pickle.dumps({"data": PIXELS}, 2), "test_batch: no list of labels for 4 images"),
    (pickle.dumps({"data": PIXELS, "labels": [0, 1, 2, 10]}, 2), "test_batch: a label isn't one of the 10 classes"),
]


@pytest.mark.parametrize(("content", "text"), CIFAR_FAULTS)
def test_a_broken_batch_is_named_and_runs_nothing(tmp_path, content, text, capfd):
    kind = small_cifar(tmp_path, raw={"test_batch": content})
    with pytest.raises(DatasetFileError, match=text):
        kind(tmp_path, train=False)
    assert "bang" not in capfd.readouterr().out


def test_class_names_must_be_there(tmp_path):
    kind = small_cifar(tmp_path, raw={"batches.meta": pickle.dumps({"other": 1}, 2)})
    with pytest.raises(DatasetFileError, match=r"batches\.meta: expected a list of names under 'label_names'"):
        kind(tmp_path)


def test_a_wrong_checksum_is_named(tmp_path):
    kind = small_cifar(tmp_path)
    with open(tmp_path / "cifar-10-batches-py" / "data_batch_2", "ab") as file:
        file.write(b"!")
    with pytest.raises(RuntimeError, match=r"Dataset not found or corrupted.*data_batch_2 has MD5 \w+, expected"):
        kind(tmp_path)
