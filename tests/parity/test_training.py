"""Whole trainings with one seed: the losses of 100 steps equal PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rushlight  # noqa: E402

STEPS = 100


def images(size: int, classes: int = 10, batch: int = 16, channels: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of noisy pictures, each class a blob of its own."""
    rng = np.random.default_rng(0)
    patterns = rng.standard_normal((classes, channels, size, size))
    while True:
        labels = rng.integers(0, classes, batch)
        yield (patterns[labels] + 0.8 * rng.standard_normal((batch, channels, size, size))).astype(np.float32), labels


def losses(t: Any, model: Any, optimizer: Any, batches: Iterator[Any], schedule: Any = None) -> list[float]:
    criterion = t.nn.CrossEntropyLoss()
    found = []
    for step in range(STEPS):
        x, y = next(batches)
        optimizer.zero_grad()
        loss = criterion(model(t.tensor(x)), t.tensor(y))
        loss.backward()
        optimizer.step()
        if schedule is not None and step % 10 == 9:
            schedule.step()
        found.append(loss.item())
    return found


def mlp_with_sgd(t: Any) -> list[float]:
    nn = t.nn
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10))
    return losses(t, model, t.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4), images(8))


def lightnet_with_adam(t: Any) -> list[float]:
    nn, F = t.nn, t.nn.functional

    class LightNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            x = t.flatten(x, 1)
            return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

    model = LightNet()
    return losses(t, model, t.optim.Adam(model.parameters(), lr=1e-3), images(32, batch=8))


def residual_with_adamw(t: Any) -> list[float]:
    nn = t.nn

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
            )

        def forward(self, x: Any) -> Any:
            return t.relu(x + self.body(x))

    model = nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        Block(8),
        nn.Dropout(0.25),
        nn.Conv2d(8, 12, 3, stride=2),
        nn.GroupNorm(3, 12),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(12, 10),
    )
    optimizer = t.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = t.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.7)
    return losses(t, model, optimizer, images(12, batch=8, channels=2), schedule)


def words_with_rmsprop(t: Any) -> list[float]:
    nn = t.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(50, 16, padding_idx=0)
            self.norm = nn.LayerNorm(16)
            self.out = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))

        def forward(self, x: Any) -> Any:
            mask = (x != 0).unsqueeze(-1)
            words = self.norm(self.table(x)) * mask
            return self.out(words.sum(1) / mask.sum(1).clamp(min=1))

    def batches() -> Iterator[Any]:
        rng = np.random.default_rng(0)
        while True:
            labels = rng.integers(0, 4, 16)
            words = rng.integers(0, 50, (16, 7))
            words[:, :3] = labels[:, None] * 10 + rng.integers(1, 9, (16, 3))
            yield words, labels

    model = Classifier()
    return losses(t, model, t.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5), batches())


PROGRAMS: dict[str, Callable[[Any], list[float]]] = {
    program.__name__: program for program in (mlp_with_sgd, lightnet_with_adam, residual_with_adamw, words_with_rmsprop)
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_losses(name: str) -> None:
    found = []
    for library in (rushlight, torch):
        library.manual_seed(7)
        found.append(PROGRAMS[name](library))
    ours, theirs = found
    assert theirs[-1] < 0.8 * theirs[0], "the task is learnt"
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
