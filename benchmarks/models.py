"""The networks that are measured, written once against the torch API: `make(torch)` gives a seeded model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "bags", "encoder", "gpt", "lightnet", "mlp", "mobilenet", "policy", "prepare", "recurrent", "residual", "resnet18",
]  # fmt: skip

Function = Callable[..., Any]


def _as_it_is(function: Function) -> Function:
    return function


prepare: Callable[[Function], Function] = _as_it_is
"""What is done to a network's function before it is measured: `torch.compile` in the process that measures that."""


def mlp(torch: Any) -> Any:
    """784-512-512-10 with ReLU: the first seed's network."""
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def lightnet(torch: Any) -> Any:
    """1→6→16 channels, 3×3, for 32×32 images: the second seed's network."""
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
    return LightNet()


def residual(torch: Any) -> Any:
    """A generator of ReflectionPad, Conv, InstanceNorm, two ResidualBlocks and ConvTranspose, for 64×64 images."""
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
    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(3, 16, 7), nn.InstanceNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.InstanceNorm2d(32), nn.ReLU(),
        ResidualBlock(32), ResidualBlock(32),
        nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.InstanceNorm2d(16), nn.ReLU(),
        nn.ReflectionPad2d(3), nn.Conv2d(16, 3, 7), nn.Tanh(),
    )  # fmt: skip


def resnet18(torch: Any) -> Any:
    """ResNet-18 for 32×32 images."""
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
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def mobilenet(torch: Any) -> Any:
    """Depthwise separable convolutions, for 32×32 images."""
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
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))


def recurrent(torch: Any, kind: str) -> Any:
    """A two-layer LSTM or GRU 128→256 and a linear layer of its last output."""
    nn = torch.nn

    class Reader(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = getattr(nn, kind)(128, 256, num_layers=2, batch_first=True)
            self.head = nn.Linear(256, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.layer(x)[0][:, -1])

    torch.manual_seed(0)
    return Reader()


def encoder(torch: Any, layers: int = 4) -> Any:
    """A Transformer encoder, 256 wide, 4 heads, 1024 inside, and a linear layer of the mean."""
    nn = torch.nn

    class Reader(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
            self.head = nn.Linear(256, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(x).mean(1))

    torch.manual_seed(0)
    return Reader()


def gpt(torch: Any, layers: int = 4, length: int = 128) -> Any:
    """A GPT, 192 wide, 6 heads, vocabulary 512."""
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(192), nn.LayerNorm(192)
            self.qkv, self.out = nn.Linear(192, 3 * 192), nn.Linear(192, 192)
            self.mlp = nn.Sequential(nn.Linear(192, 768), nn.GELU(), nn.Linear(768, 192))

        def forward(self, x: Any) -> Any:
            batch, tokens, width = x.shape
            q, k, v = self.qkv(self.ln1(x)).view(batch, tokens, 3, 6, 32).permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, tokens, width))
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(512, 192), nn.Embedding(length, 192)
            self.body = nn.Sequential(*(Block() for _ in range(layers)), nn.LayerNorm(192), nn.Linear(192, 512))

        def forward(self, tokens: Any) -> Any:
            return self.body(self.words(tokens) + self.places(torch.arange(tokens.shape[1])))

    torch.manual_seed(0)
    return GPT()


def policy(torch: Any) -> Any:
    """A 4-64-64-2 policy network with tanh."""
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))


def bags(torch: Any) -> Any:
    """Means of bags of 50,000 items, 64 wide, through 32 to one number."""
    nn = torch.nn
    torch.manual_seed(0)
    items = nn.EmbeddingBag(50_000, 64, mode="mean", sparse=True)
    return nn.Sequential(items, nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
