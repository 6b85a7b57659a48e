"""Sets of images: the digits that come with Rushlight, and the published files of MNIST's kin and CIFAR."""

from __future__ import annotations

from .cifar import CIFAR10, CIFAR100
from .digits import Digits
from .mnist import KMNIST, MNIST, FashionMNIST
from .vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "KMNIST", "MNIST", "Digits", "FashionMNIST", "VisionDataset"]
