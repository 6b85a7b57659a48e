"""Writes rushlight/vision/datasets/digits.npz from the digits that scikit-learn ships (needs scikit-learn)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "rushlight" / "vision" / "datasets" / "digits.npz"


def main() -> None:
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    if images.shape != (1797, 8, 8) or not np.array_equal(images, digits.images) or images.max() != 16:
        raise SystemExit(f"unexpected digits: {images.shape}, values up to {images.max()}")
    np.savez_compressed(TARGET, images=images, labels=labels)
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, labels {np.bincount(labels).tolist()}")


if __name__ == "__main__":
    main()
