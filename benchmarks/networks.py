"""Training steps: `make(torch, …)` gives a function that does one step and returns its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import models

__all__ = [
    "Step", "encoder", "gpt", "gru", "lightnet", "lstm", "mlp", "mobilenet", "policy", "recommender", "residual",
    "resnet18", "tower",
]  # fmt: skip

Step = Callable[[], float | None]


def _step(optimizer: Any, loss_of: Callable[[], Any]) -> Step:
    loss_of = models.prepare(loss_of)

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def _classify(torch: Any, model: Any, optimizer: Any, *shape: int) -> Step:
    criterion = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(*shape), torch.randint(0, 10, (shape[0],))
    return _step(optimizer, lambda: criterion(model(x), y))


def mlp(torch: Any, batch: int = 64) -> Step:
    """784-512-512-10, SGD."""
    model = models.mlp(torch)
    return _classify(torch, model, torch.optim.SGD(model.parameters(), lr=1e-2), batch, 784)


def tower(torch: Any, depth: int) -> Step:
    """So many layers 256-256 with ReLU, batch 64, SGD."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(256, 256), nn.ReLU())))
    return _classify(torch, model, torch.optim.SGD(model.parameters(), lr=1e-2), 64, 256)


def lightnet(torch: Any) -> Step:
    """LightNet, batch 64, Adam."""
    model = models.lightnet(torch)
    return _classify(torch, model, torch.optim.Adam(model.parameters(), lr=1e-3), 64, 1, 32, 32)


def residual(torch: Any) -> Step:
    """The ResidualBlock network on 64×64, batch 2, Adam."""
    model = models.residual(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-4)
    images, wanted = torch.randn(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    criterion = torch.nn.MSELoss()
    return _step(optimizer, lambda: criterion(model(images), wanted))


def resnet18(torch: Any, batch: int = 16) -> Step:
    """ResNet-18 on 32×32, SGD with momentum."""
    model = models.resnet18(torch)
    return _classify(torch, model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), batch, 3, 32, 32)


def mobilenet(torch: Any) -> Step:
    """Depthwise separable convolutions on 32×32, batch 16, SGD with momentum."""
    model = models.mobilenet(torch)
    return _classify(torch, model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), 16, 3, 32, 32)


def lstm(torch: Any, length: int = 64) -> Step:
    """A two-layer LSTM 128→256, batch 32, Adam."""
    model = models.recurrent(torch, "LSTM")
    return _classify(torch, model, torch.optim.Adam(model.parameters(), lr=1e-3), 32, length, 128)


def gru(torch: Any) -> Step:
    """A two-layer GRU 128→256, 64 steps, batch 32, Adam."""
    model = models.recurrent(torch, "GRU")
    return _classify(torch, model, torch.optim.Adam(model.parameters(), lr=1e-3), 32, 64, 128)


def encoder(torch: Any, layers: int = 4) -> Step:
    """A Transformer encoder, 128 tokens, batch 8, AdamW."""
    model = models.encoder(torch, layers)
    return _classify(torch, model, torch.optim.AdamW(model.parameters(), lr=1e-4), 8, 128, 256)


def gpt(torch: Any, length: int = 128, batch: int = 8) -> Step:
    """A GPT of 4 layers, AdamW."""
    model = models.gpt(torch, 4, length)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    tokens = torch.randint(0, 512, (batch, length + 1))

    def loss_of() -> Any:
        scores = model(tokens[:, :-1])
        return torch.nn.functional.cross_entropy(scores.reshape(-1, 512), tokens[:, 1:].reshape(-1))

    return _step(optimizer, loss_of)


def policy(torch: Any) -> Step:
    """A 4-64-64-2 policy network, batch 32, Adam."""
    model = models.policy(torch)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, action, gain = torch.randn(32, 4), torch.randint(0, 2, (32, 1)), torch.randn(32)

    def loss_of() -> Any:
        chosen = torch.log_softmax(model(x), 1).gather(1, action).squeeze(1)
        return -(chosen * gain).mean()

    return _step(optimizer, loss_of)


def recommender(torch: Any) -> Step:
    """Bags of 20 of 50,000 items, 64 wide, batch 256, Adagrad with sparse gradients."""
    model = models.bags(torch)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.01)
    items, liked = torch.randint(0, 50_000, (256, 20)), torch.rand(256, 1).round()
    criterion = torch.nn.BCEWithLogitsLoss()
    return _step(optimizer, lambda: criterion(model(items), liked))
