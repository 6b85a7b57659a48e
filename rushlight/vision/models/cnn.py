"""A small convolutional network."""

from __future__ import annotations

from rushlight import nn
from rushlight.tensor import Tensor

__all__ = ["CNN"]


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]


class CNN(nn.Module):
    """Three 3×3 convolutions with batch normalisation and ReLU, the size halved twice, then two linear layers.

    Shapes: (N, channels, size, size) → (N, classes); `size` is 4 or more. Initial weights are those of the layers.

    >>> import rushlight as torch
    >>> from rushlight.vision.models import CNN
    >>> CNN(channels=1, size=8)(torch.zeros(3, 1, 8, 8)).shape
    torch.Size([3, 10])

    Source: the pattern of K. Simonyan, A. Zisserman, "Very deep convolutional networks", 2014,
    https://arxiv.org/abs/1409.1556, small, with batch normalisation (https://arxiv.org/abs/1502.03167)
    """

    def __init__(self, channels: int, size: int, classes: int = 10, width: int = 32) -> None:
        super().__init__()
        if size < 4:
            raise ValueError(f"size: expected 4 or more, since it is halved twice, but got {size}")
        self.features = nn.Sequential(
            *_convolution(channels, width),
            *_convolution(width, 2 * width),
            nn.MaxPool2d(2),
            *_convolution(2 * width, 2 * width),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(2 * width * (size // 4) ** 2, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(x))
        return logits
