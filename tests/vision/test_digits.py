"""The digits that come with the package."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as torch
from rushlight.utils.data import DataLoader
from rushlight.vision import datasets, transforms
from rushlight.vision.datasets import digits as digits_file


def test_all_1797_are_there_once():
    train, test = datasets.Digits(), datasets.Digits(train=False)
    assert (len(train), len(test)) == (1433, 364)
    images = np.concatenate([d.data.numpy().reshape(-1, 64) for d in (train, test)])
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 255)
    counts = np.bincount(np.concatenate([d.targets.numpy() for d in (train, test)]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_the_split_is_fixed():
    # The first image of each class is in the test part, and sums don't move.
    test = datasets.Digits(train=False)
    assert test.targets[:10].tolist() == list(range(10))
    assert int(test.data.numpy().astype(np.int64).sum()) == 1810059
    assert np.bincount(test.targets.numpy()).tolist() == [36, 37, 36, 37, 37, 37, 37, 36, 35, 36]


def test_the_first_digit_is_the_published_one():
    image, label = datasets.Digits(train=False)[0]
    assert label == 0
    assert image.shape == (8, 8)
    assert (image[0] * (16 / 255)).round().tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_transforms_and_the_printed_form():
    data = datasets.Digits("here", transform=transforms.ToTensor(), target_transform=lambda label: label + 1)
    image, label = data[1]
    assert image.shape == (1, 8, 8)
    assert image.dtype == torch.float32
    assert label == data.targets[1].item() + 1
    assert repr(datasets.Digits(transform=transforms.ToTensor())) == (
        "Dataset Digits\n    Number of datapoints: 1433\n    Split: Train\n    StandardTransform\nTransform: ToTensor()"
    )
    assert data.class_to_idx["7"] == 7
    images, labels = next(iter(DataLoader(data, batch_size=10)))
    assert images.shape == (10, 1, 8, 8)
    assert labels.dtype == torch.int64


def test_a_damaged_file_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "digits.npz"
    broken.write_bytes(digits_file.FILE.read_bytes()[:1000])
    monkeypatch.setattr(digits_file, "FILE", broken)
    with pytest.raises(RuntimeError, match=r"digits\.npz: the digits that come with the package can't be read"):
        datasets.Digits()
