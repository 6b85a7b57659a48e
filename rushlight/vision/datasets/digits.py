"""The handwritten digits that come with Rushlight, so that a first run needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rushlight.ops.creation import from_numpy
from rushlight.tensor import Tensor

from .utils import DatasetFileError
from .vision import Transform, VisionDataset

__all__ = ["Digits"]

FILE = Path(__file__).with_name("digits.npz")
LEVELS = 16
TEST_EVERY = 5


class Digits(VisionDataset):
    """1,797 handwritten digits, uint8 8×8: 1,433 to train and 364 to test (UCI repository, by way of scikit-learn).

    The test part is fixed: of each class, in the order of the file, every fifth image. The published values 0 … 16 are
    scaled to 0 … 255 (`round(v * 255 / 16)`). Args: `root` isn't needed; `train` chooses the part; `transform` and
    `target_transform` are applied to each image (an 8×8 uint8 array) and label (an int). `.data` (N×8×8, uint8) and
    `.targets` (int64) are tensors. Raises DatasetFileError when the installed file is damaged.

    >>> from rushlight.vision.datasets import Digits
    >>> digits = Digits(train=False)
    >>> image, label = digits[0]
    >>> image.shape, image.dtype, label
    ((8, 8), dtype('uint8'), 0)

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", 1998, UCI Machine Learning Repository,
    https://doi.org/10.24432/C50P49
    """

    classes: ClassVar[list[str]] = [str(digit) for digit in range(10)]
    data: Tensor
    targets: Tensor

    def __init__(
        self,
        root: str | Path | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        try:
            with open(FILE, "rb") as archive, np.load(archive, allow_pickle=False) as file:
                images, labels = file["images"], file["labels"]
        except Exception as error:  # a damaged zip or npy raises any of several types
            raise DatasetFileError(f"{FILE}: the digits that come with the package can't be read: {error}") from error
        chosen = np.flatnonzero(is_test(labels) != train)
        grey = np.rint(images[chosen] * (255 / LEVELS)).astype(np.uint8)
        self.data, self.targets = from_numpy(grey), from_numpy(labels[chosen].astype(np.int64))

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class name."""
        return {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(self.data[index].numpy(), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        """The part, as a line of the printed form."""
        return f"Split: {'Train' if self.train is True else 'Test'}"


def is_test(labels: np.ndarray) -> np.ndarray:
    """For each label whether its image is in the test part: the 1st, 6th, 11th … of its class."""
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        chosen[np.flatnonzero(labels == label)[::TEST_EVERY]] = True
    return chosen
