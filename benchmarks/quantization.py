"""What quantizing a network costs and gains: accuracy and size on digits, speed of the product.

    python -m benchmarks.quantization

The digits are 8 × 8; they are resampled to 28 × 28 for a network of 784-512-512-10. Speeds are the best of several
bursts of the float32 layer and of the quantized one, taken in turn.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rushlight as torch
from rushlight import nn
from rushlight.ao import quantization
from rushlight.nn import functional as F
from rushlight.vision.datasets import Digits

BURSTS, SECONDS = 7, 0.2


def digits(train: bool) -> tuple[Any, Any]:
    """Images of one part, 28 × 28 in rows of 784, and their labels."""
    part = Digits(train=train)
    images = part.data.float().reshape(-1, 1, 8, 8) / 255
    return F.interpolate(images, size=(28, 28), mode="bilinear").reshape(-1, 784), part.targets


def trained() -> nn.Module:
    """The float network."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    images, labels = digits(train=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(10):
        for places in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(images[places]), labels[places]).backward()
            optimizer.step()
    return model.eval()


def accuracy(model: nn.Module) -> float:
    """The share of the test images that a network names rightly."""
    images, labels = digits(train=False)
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def size(model: nn.Module) -> int:
    """The bytes of its state_dict's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        torch.save(model.state_dict(), path)
        return path.stat().st_size


def burst(function: Callable[[], object]) -> float:
    """Seconds a call, over a short time."""
    function()
    begin, calls = time.perf_counter(), 0
    while time.perf_counter() - begin < SECONDS:
        function()
        calls += 1
    return (time.perf_counter() - begin) / calls


def compare(batch: int) -> tuple[float, float]:
    """The best burst of a float32 Linear(1024, 1024) and of its quantized form, in seconds a call."""
    layer = nn.Sequential(nn.Linear(1024, 1024)).eval()
    quantized = quantization.quantize_dynamic(layer)
    x = torch.randn(batch, 1024)
    with torch.no_grad():
        pairs = [(burst(lambda: layer(x)), burst(lambda: quantized(x))) for _ in range(BURSTS)]
    return min(first for first, _ in pairs), min(second for _, second in pairs)


def main() -> None:
    model = trained()
    before = accuracy(model)
    print(f"float32: accuracy {before:.4f}, {size(model)} bytes")
    observed = quantization.QuantWrapper(model)
    observed.qconfig = quantization.get_default_qconfig("x86")
    observed = quantization.prepare(observed.eval())
    with torch.no_grad():
        observed(digits(train=True)[0][:256])
    for name, made in (
        ("dynamic", quantization.quantize_dynamic(model)),
        ("static", quantization.convert(observed)),
    ):
        after, share = accuracy(made), size(made) / size(model)
        print(f"{name}: accuracy {after:.4f} ({after / before:.2%} of float32's), {share:.1%} of its size")
    torch.set_num_threads(2)
    for batch in (1, 16, 128, 1024):
        floats, ints = compare(batch)
        print(
            f"Linear(1024, 1024), {batch} rows, 2 threads: float32 {floats * 1e6:.0f} us, int8 {ints * 1e6:.0f} us, "
            f"{floats / ints:.1f} x"
        )


if __name__ == "__main__":
    main()
