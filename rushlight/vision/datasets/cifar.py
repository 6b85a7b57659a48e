"""CIFAR-10 and CIFAR-100: colour images in batches that were pickled by Python 2."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .utils import DatasetFileError, calculate_md5, download_url, extract_tar_members
from .vision import Transform, VisionDataset

__all__ = ["CIFAR10", "CIFAR100"]

# All that the published files name: an array, its dtype, and (when written by Python 3) bytes as text.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
}


class _BatchUnpickler(pickle.Unpickler):
    """Builds numbers, texts, containers and arrays; any other global is refused, so that a file can't run code."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no such file needs") from None


def _read_pickle(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = _BatchUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise DatasetFileError(f"{path}: can't be read: {error.strerror}") from error
    except Exception as error:  # what a corrupt pickle raises is any of a dozen types
        raise DatasetFileError(f"{path}: corrupt or truncated: {error}") from error
    if not isinstance(content, dict):
        raise DatasetFileError(f"{path}: expected a dict, got {type(content).__name__}")
    return content


class CIFAR10(VisionDataset):
    """60,000 colour images of ten kinds of things, uint8 32×32×3: 50,000 to train and 10,000 to test.

    Args: `root` is the folder that holds (or gets) `cifar-10-batches-py/`; `train` chooses the part; `transform` and
    `target_transform` are applied to each image (a 32×32×3 uint8 array) and label (an int); `download` fetches the
    archive. `.data` is an array N×32×32×3, `.targets` a list of ints, `.classes` names.

    Raises RuntimeError when a file is missing or its checksum differs, and DatasetFileError, which names the file, when
    it can't be understood.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR10.html
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list: ClassVar[list[list[Any]]] = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list: ClassVar[list[list[Any]]] = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta: ClassVar[dict[str, Any]] = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }

    data: np.ndarray
    targets: list[int]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        fault = self._fault()
        if fault is not None:
            raise RuntimeError(f"Dataset not found or corrupted. You can use download=True to download it ({fault})")
        self.classes = self._read_classes()
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        batches = [self._read_batch(name) for name, _ in (self.train_list if train else self.test_list)]
        self.data = np.concatenate([images for images, _ in batches])
        self.targets = [label for _, labels in batches for label in labels]

    def _path(self, name: str) -> str:
        return os.path.join(str(self.root), self.base_folder, name)

    def _files(self) -> list[tuple[str, str | None]]:
        pairs = [*self.train_list, *self.test_list, [self.meta["filename"], self.meta["md5"]]]
        return [(name, md5) for name, md5 in pairs]

    def _fault(self) -> str | None:
        for name, md5 in self._files():
            path = self._path(name)
            if not os.path.isfile(path):
                return f"{path} is missing"
            if md5 is not None and (got := calculate_md5(path)) != md5:
                return f"{path} has MD5 {got}, expected {md5}"
        return None

    def _check_integrity(self) -> bool:
        return self._fault() is None

    def download(self) -> None:
        """Fetches and unpacks the archive, unless all its files are there and whole."""
        if self._fault() is None:
            return
        archive = download_url(self.url, str(self.root), self.filename, self.tgz_md5)
        extract_tar_members(archive, self.base_folder, [name for name, _ in self._files()])

    def _read_classes(self) -> list[str]:
        path = self._path(self.meta["filename"])
        names = _read_pickle(path).get(self.meta["key"])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DatasetFileError(f"{path}: expected a list of names under {self.meta['key']!r}")
        return names

    def _read_batch(self, name: str) -> tuple[np.ndarray, list[int]]:
        path = self._path(name)
        content = _read_pickle(path)
        images = content.get("data")
        labels = content["labels"] if "labels" in content else content.get("fine_labels")
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (3072,):
            got = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise DatasetFileError(f"{path}: expected uint8 images N×3072 under 'data', got {got}")
        if not isinstance(labels, list) or len(labels) != len(images):
            got = f"{len(labels)} labels" if isinstance(labels, list) else "no list of labels"
            raise DatasetFileError(f"{path}: {got} for {len(images)} images")
        if not all(isinstance(label, int) and 0 <= label < len(self.classes) for label in labels):
            raise DatasetFileError(f"{path}: a label isn't one of the {len(self.classes)} classes")
        return np.ascontiguousarray(images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(self.data[index], self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The part, as a line of the printed form."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


class CIFAR100(CIFAR10):
    """60,000 colour images of a hundred kinds of things in CIFAR-10's form; arguments as for `CIFAR10`.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009;
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.CIFAR100.html
    """

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list: ClassVar[list[list[Any]]] = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list: ClassVar[list[list[Any]]] = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta: ClassVar[dict[str, Any]] = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
