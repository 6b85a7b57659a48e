"""The workloads, written once against the torch API.

Each takes the library (`torch` or `rushlight`) and returns a function that does one step, and whose result (a number,
or None) must agree between the libraries. `FLOOR` says what the step needs at least: arithmetic in floating-point
operations, and bytes that must come from or go to memory outside the caches, as formulas a reader can check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import networks

__all__ = ["WORKLOADS", "Workload"]

Step = Callable[[], float | None]


@dataclass(frozen=True)
class Workload:
    """A named workload, its required ratio, and the least arithmetic of a step (0 where overhead is the subject)."""

    name: str
    make: Callable[[Any], Step]
    required: float
    flops: float = 0.0
    checked: int = 100
    """How many first steps' losses are compared."""


def _train(torch: Any, model: Any, optimizer: Any, inputs: Any, targets: Any) -> Step:
    criterion = torch.nn.CrossEntropyLoss()

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def mlp(torch: Any) -> Step:
    """784-512-512-10, batch 64, SGD: the first seed's network."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    return _train(torch, model, optimizer, torch.randn(64, 784), torch.randint(0, 10, (64,)))


# A product for the output, one for each weight gradient, one for each input gradient but the first layer's.
MLP_FLOPS = 2 * 64 * (3 * (784 * 512 + 512 * 512 + 512 * 10) - 784 * 512)


def lightnet(torch: Any) -> Step:
    """1→6→16 channels, 3×3, on 32×32 images, batch 64, Adam: the second seed's network."""
    nn, functional = torch.nn, torch.nn.functional

    class LightNet(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 6, 3)
            self.conv2 = nn.Conv2d(6, 16, 3)
            self.fc1 = nn.Linear(6 * 6 * 16, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = functional.max_pool2d(functional.relu(self.conv1(x)), (2, 2))
            x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
            x = x.view(-1, 6 * 6 * 16)
            x = functional.relu(self.fc1(x))
            x = functional.relu(self.fc2(x))
            return self.fc3(x)

    torch.manual_seed(0)
    model = LightNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return _train(torch, model, optimizer, torch.randn(64, 1, 32, 32), torch.randint(0, 10, (64,)))


LIGHTNET_FLOPS = 2 * 64 * (2 * (30 * 30 * 6 * 9) + 3 * (13 * 13 * 16 * 6 * 9) + 3 * (576 * 120 + 120 * 84 + 84 * 10))


def residual(torch: Any) -> Step:
    """A ResidualBlock generator (ReflectionPad, Conv, InstanceNorm, ConvTranspose), 64×64, batch 2, Adam."""
    nn = torch.nn

    class ResidualBlock(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, features: int) -> None:
            super().__init__()
            self.block = nn.Sequential(
                nn.ReflectionPad2d(1), nn.Conv2d(features, features, 3), nn.InstanceNorm2d(features), nn.ReLU(),
                nn.ReflectionPad2d(1), nn.Conv2d(features, features, 3), nn.InstanceNorm2d(features),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return x + self.block(x)

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(3, 16, 7), nn.InstanceNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.InstanceNorm2d(32), nn.ReLU(),
        ResidualBlock(32), ResidualBlock(32),
        nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.InstanceNorm2d(16), nn.ReLU(),
        nn.ReflectionPad2d(3), nn.Conv2d(16, 3, 7), nn.Tanh(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    images, wanted = torch.randn(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    criterion = nn.MSELoss()

    def step() -> float:
        optimizer.zero_grad()
        loss = criterion(model(images), wanted)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


RESIDUAL_FLOPS = 2 * 2 * (
    2 * (64 * 64 * 16 * 3 * 49) + 3 * (32 * 32 * 32 * 16 * 9) + 3 * 4 * (32 * 32 * 32 * 32 * 9)
    + 3 * (32 * 32 * 32 * 16 * 9) + 3 * (64 * 64 * 3 * 16 * 49)
)  # fmt: skip


def add(torch: Any) -> Step:
    """One addition of two 8×8 tensors."""
    a, b = torch.ones(8, 8), torch.ones(8, 8)

    def step() -> None:
        a + b

    return step


def add_with_gradient(torch: Any) -> Step:
    """One addition of two 8×8 tensors of which one requires a gradient."""
    a, b = torch.ones(8, 8, requires_grad=True), torch.ones(8, 8)

    def step() -> None:
        a + b

    return step


def square_sum_backward(torch: Any) -> Step:
    """`(x * x).sum().backward()` on 8×8."""
    x = torch.ones(8, 8, requires_grad=True)

    def step() -> None:
        (x * x).sum().backward()

    return step


WORKLOADS = (
    Workload("MLP 784-512-512-10, batch 64, SGD step", mlp, 1.2, MLP_FLOPS),
    Workload("LightNet 1-6-16 on 32x32, batch 64, Adam step", lightnet, 2.0, LIGHTNET_FLOPS),
    Workload("ResidualBlock network on 64x64, batch 2, Adam step", residual, 0.0, RESIDUAL_FLOPS),
    Workload("add two 8x8 tensors", add, 1.1),
    Workload("add two 8x8 tensors, with gradient", add_with_gradient, 1.1),
    Workload("(x*x).sum().backward() on 8x8", square_sum_backward, 2.0),
    Workload("ResNet-18 on 32x32, batch 16, SGD momentum step", networks.resnet18, 0.0, checked=2),
    Workload("depthwise separable network, batch 16, SGD step", networks.mobilenet, 0.0, checked=10),
    Workload("LSTM 128-256, 2 layers, 64 steps, batch 32, Adam", networks.lstm, 0.0, checked=10),
    Workload("GRU 128-256, 2 layers, 64 steps, batch 32, Adam", networks.gru, 0.0, checked=10),
    Workload("Transformer encoder, 4 layers, d 256, AdamW step", networks.encoder, 0.0, checked=10),
    Workload("GPT, 4 layers, d 192, 128 tokens, AdamW step", networks.gpt, 0.0, checked=10),
    Workload("policy 4-64-64-2, batch 32, Adam step", networks.policy, 0.0),
    Workload("EmbeddingBag recommender, 50,000x64, Adagrad step", networks.recommender, 0.0, checked=20),
)
