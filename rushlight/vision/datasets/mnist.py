"""MNIST and its kin: images and labels in IDX files, one pair for training and one for testing."""

from __future__ import annotations

import math
import os
import struct
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.ops.creation import from_numpy
from rushlight.tensor import Tensor

from .utils import DatasetFileError, download_from_mirrors, extract_gzip
from .vision import Transform, VisionDataset

__all__ = ["KMNIST", "MNIST", "FashionMNIST", "read_idx"]

# The third byte of an IDX file names the type of its numbers, which are big-endian.
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array of an uncompressed IDX file, in the machine's byte order.

    Raises DatasetFileError when the file is missing, is no IDX file, or is shorter or longer than its header says.

    Source: http://yann.lecun.com/exdb/mnist/ ("the IDX file format")
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DatasetFileError(f"{path}: can't be read: {error.strerror}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise DatasetFileError(f"{path}: not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}")
    dtype, ndim = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise DatasetFileError(f"{path}: truncated: its header should have {start} bytes, the file has {len(content)}")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        fault = "truncated" if len(content) < expected else "too long"
        raise DatasetFileError(f"{path}: {fault}: {shape} needs {expected} bytes, the file has {len(content)}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


class MNIST(VisionDataset):
    """70,000 handwritten digits, uint8 28×28: 60,000 to train and 10,000 to test.

    Args: `root` is the folder that holds (or gets) `MNIST/raw/`; `train` chooses the part; `transform` and
    `target_transform` are applied to each image (a 28×28 uint8 array) and label (an int); `download` fetches missing
    files, with checksums. `.data` and `.targets` are tensors, `.classes` names.

    Raises RuntimeError when files are missing, and DatasetFileError, which names the file, when one is corrupt.

    Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", 1998;
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources: ClassVar[list[tuple[str, str | None]]] = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes: ClassVar[list[str]] = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip

    data: Tensor
    targets: Tensor

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
        if not self._check_exists():
            raise RuntimeError(
                f"Dataset not found. You can use download=True to download it (looked for it in {self.raw_folder})"
            )
        self.data, self.targets = self._load_data()

    @property
    def raw_folder(self) -> str:
        """Where the files lie: `root/<class name>/raw`."""
        return os.path.join(str(self.root), type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        """Where old versions of torchvision kept their own form of the files."""
        return os.path.join(str(self.root), type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class name."""
        return {name: i for i, name in enumerate(self.classes)}

    def _raw_path(self, filename: str) -> str:
        return os.path.join(self.raw_folder, filename.removesuffix(".gz"))

    def _check_exists(self) -> bool:
        return all(os.path.isfile(self._raw_path(filename)) for filename, _ in self.resources)

    def download(self) -> None:
        """Fetches and unpacks the files that aren't there yet."""
        for filename, md5 in self.resources:
            path = self._raw_path(filename)
            if not os.path.isfile(path):
                extract_gzip(download_from_mirrors(self.mirrors, self.raw_folder, filename, md5), path)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        first = 0 if self.train else 2
        (image_name, _), (label_name, _) = self.resources[first : first + 2]
        image_path, label_path = self._raw_path(image_name), self._raw_path(label_name)
        images, labels = read_idx(image_path), read_idx(label_path)
        if images.ndim != 3 or images.dtype != np.uint8:
            raise DatasetFileError(f"{image_path}: expected uint8 N×H×W, got {images.dtype} {images.shape}")
        if labels.ndim != 1 or labels.dtype != np.uint8:
            raise DatasetFileError(f"{label_path}: expected uint8 labels in one dimension, got {labels.shape}")
        if len(images) != len(labels):
            raise DatasetFileError(f"{label_path}: {len(labels)} labels for the {len(images)} images of {image_path}")
        if len(labels) and labels.max() >= len(self.classes):
            raise DatasetFileError(f"{label_path}: label {labels.max()} of only {len(self.classes)} classes")
        return from_numpy(images), from_numpy(labels.astype(np.int64))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(self.data[index].numpy(), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The part, as a line of the printed form."""
        return f"Split: {'Train' if self.train is True else 'Test'}"

    def _renamed(self, old: str, new: str) -> Tensor:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
        tensor: Tensor = getattr(self, new)
        return tensor

    @property
    def train_labels(self) -> Tensor:
        """An old name of `targets`."""
        return self._renamed("train_labels", "targets")

    @property
    def test_labels(self) -> Tensor:
        """An old name of `targets`."""
        return self._renamed("test_labels", "targets")

    @property
    def train_data(self) -> Tensor:
        """An old name of `data`."""
        return self._renamed("train_data", "data")

    @property
    def test_data(self) -> Tensor:
        """An old name of `data`."""
        return self._renamed("test_data", "data")


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in MNIST's form (28×28, ten classes); arguments as for `MNIST`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017, https://arxiv.org/abs/1708.07747;
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.FashionMNIST.html
    """

    mirrors: ClassVar[list[str]] = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources: ClassVar[list[tuple[str, str | None]]] = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes: ClassVar[list[str]] = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """70,000 cursive Japanese characters in MNIST's form (28×28, ten classes); arguments as for `MNIST`.

    Source: T. Clanuwat et al., "Deep learning for classical Japanese literature", 2018, https://arxiv.org/abs/1812.01718;
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.KMNIST.html
    """

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[list[tuple[str, str | None]]] = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
