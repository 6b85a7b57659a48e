"""The networks of the benchmark's second table, each a training step, written once against the torch API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["encoder", "gpt", "gru", "lstm", "mobilenet", "policy", "recommender", "resnet18"]

Step = Callable[[], float | None]


def _step(optimizer: Any, loss_of: Callable[[], Any]) -> Step:
    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def _images(torch: Any, model: Any, optimizer: Any, batch: int) -> Step:
    criterion = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(batch, 3, 32, 32), torch.randint(0, 10, (batch,))
    return _step(optimizer, lambda: criterion(model(x), y))


def resnet18(torch: Any) -> Step:
    """ResNet-18 for 32×32 images, batch 16, SGD with momentum."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outside)
            self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outside)
            self.shortcut = nn.Sequential()
            if stride != 1 or inside != outside:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
                )

        def forward(self, x: Any) -> Any:
            out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            return functional.relu(out + self.shortcut(x))

    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inside = 64
    for outside, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(inside, outside, stride), Block(outside, outside, 1)]
        inside = outside
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    return _images(torch, model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), 16)


def mobilenet(torch: Any) -> Step:
    """Depthwise separable convolutions on 32×32 images, batch 16, SGD with momentum."""
    nn = torch.nn

    def separable(inside: int, outside: int, stride: int) -> list[Any]:
        return [
            nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False), nn.BatchNorm2d(inside), nn.ReLU6(),
            nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU6(),
        ]  # fmt: skip

    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
    for inside, outside, stride in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)):
        layers += separable(inside, outside, stride)
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
    return _images(torch, model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9), 16)


def _recurrent(torch: Any, kind: str) -> Step:
    nn = torch.nn
    torch.manual_seed(0)
    layer, head = getattr(nn, kind)(128, 256, num_layers=2, batch_first=True), nn.Linear(256, 10)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-3)
    x, y = torch.randn(32, 64, 128), torch.randint(0, 10, (32,))
    criterion = nn.CrossEntropyLoss()
    return _step(optimizer, lambda: criterion(head(layer(x)[0][:, -1]), y))


def lstm(torch: Any) -> Step:
    """A two-layer LSTM 128→256, 64 steps, batch 32, Adam."""
    return _recurrent(torch, "LSTM")


def gru(torch: Any) -> Step:
    """A two-layer GRU 128→256, 64 steps, batch 32, Adam."""
    return _recurrent(torch, "GRU")


def encoder(torch: Any) -> Step:
    """A Transformer encoder of 4 layers, 256 wide, 4 heads, 128 tokens, batch 8, AdamW."""
    nn = torch.nn
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
    model, head = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), nn.Linear(256, 10)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], lr=1e-4)
    x, y = torch.randn(8, 128, 256), torch.randint(0, 10, (8,))
    criterion = nn.CrossEntropyLoss()
    return _step(optimizer, lambda: criterion(head(model(x).mean(1)), y))


def gpt(torch: Any) -> Step:
    """A GPT of 4 layers, 192 wide, 6 heads, 128 tokens, vocabulary 512, batch 8, AdamW."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(192), nn.LayerNorm(192)
            self.qkv, self.out = nn.Linear(192, 3 * 192), nn.Linear(192, 192)
            self.mlp = nn.Sequential(nn.Linear(192, 768), nn.GELU(), nn.Linear(768, 192))

        def forward(self, x: Any) -> Any:
            batch, length, width = x.shape
            q, k, v = self.qkv(self.ln1(x)).view(batch, length, 3, 6, 32).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, width))
            return x + self.mlp(self.ln2(x))

    torch.manual_seed(0)
    words, places = nn.Embedding(512, 192), nn.Embedding(128, 192)
    model = nn.Sequential(*(Block() for _ in range(4)), nn.LayerNorm(192), nn.Linear(192, 512))
    parameters = [*words.parameters(), *places.parameters(), *model.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=3e-4)
    tokens, place = torch.randint(0, 512, (8, 129)), torch.arange(128)

    def loss_of() -> Any:
        scores = model(words(tokens[:, :-1]) + places(place))
        return functional.cross_entropy(scores.reshape(-1, 512), tokens[:, 1:].reshape(-1))

    return _step(optimizer, loss_of)


def policy(torch: Any) -> Step:
    """A 4-64-64-2 policy network, batch 32, Adam."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, action, gain = torch.randn(32, 4), torch.randint(0, 2, (32, 1)), torch.randn(32)

    def loss_of() -> Any:
        chosen = torch.log_softmax(model(x), 1).gather(1, action).squeeze(1)
        return -(chosen * gain).mean()

    return _step(optimizer, loss_of)


def recommender(torch: Any) -> Step:
    """Bags of 20 of 50,000 items, 64 wide, batch 256, Adagrad with sparse gradients."""
    nn = torch.nn
    torch.manual_seed(0)
    bags = nn.EmbeddingBag(50_000, 64, mode="mean", sparse=True)
    head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adagrad([*bags.parameters(), *head.parameters()], lr=0.01)
    items, liked = torch.randint(0, 50_000, (256, 20)), torch.rand(256, 1).round()
    criterion = nn.BCEWithLogitsLoss()
    return _step(optimizer, lambda: criterion(head(bags(items)), liked))
