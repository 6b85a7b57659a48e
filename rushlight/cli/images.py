"""The image sets that `train` knows: how each is loaded, varied and normalised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rushlight.utils.data import Dataset, Subset
from rushlight.vision import datasets, transforms

__all__ = ["SETS", "ImageSet", "Images", "load_images"]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Where images come from, their form, the mean and standard deviation of each channel, how far they are shifted."""

    make: Callable[..., Any]
    channels: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    shift: int
    flip: bool = False


SETS = {
    "digits": ImageSet(datasets.Digits, 1, 8, (0.305,), (0.376,), shift=1),
    "mnist": ImageSet(datasets.MNIST, 1, 28, (0.1307,), (0.3081,), shift=2),
    "fashion-mnist": ImageSet(datasets.FashionMNIST, 1, 28, (0.2860,), (0.3530,), shift=2, flip=True),
    "cifar10": ImageSet(
        datasets.CIFAR10, 3, 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), shift=4, flip=True
    ),
}


@dataclass(frozen=True, slots=True)
class Images:
    """Training images (shifted at random), held-back images (as they are), and how to undo the normalisation."""

    train: Dataset[Any]
    test: Dataset[Any]
    classes: list[str]
    kind: ImageSet


def load_images(name: str, root: str, limit: int | None = None) -> Images:
    """The set `name`, downloaded to `root` if it isn't there; of the training images the first `limit`."""
    kind = SETS[name]
    seen: list[Any] = [transforms.ToTensor(), transforms.Normalize(kind.mean, kind.std)]
    varied: list[Any] = [transforms.ToTensor(), transforms.RandomCrop(kind.size, padding=kind.shift)]
    if kind.flip:
        varied.append(transforms.RandomHorizontalFlip())
    varied.append(transforms.Normalize(kind.mean, kind.std))
    train = kind.make(root, train=True, transform=transforms.Compose(varied), download=True)
    test = kind.make(root, train=False, transform=transforms.Compose(seen), download=True)
    classes = [label.split(" - ")[0] for label in train.classes]
    return Images(train if limit is None else Subset(train, range(min(limit, len(train)))), test, classes, kind)
