"""`demo`: a small convolutional network learns to read handwritten digits while you watch."""

from __future__ import annotations

from rushlight.cli.train import Options, train_command

__all__ = ["demo"]

EPOCHS = 15
NEXT = """
Try next:
  python -m rushlight train --model mlp --data digits     another network
  python -m rushlight train --data fashion-mnist          clothes, 60,000 images (downloads 30 MB)
  python -m rushlight run YOUR_PYTORCH_PROGRAM.py         your own program, as it stands
  python -m rushlight info                                what computes here"""


def demo(out: str = "runs/demo", epochs: int | None = None, seed: int = 0) -> None:
    """Trains on the 1,433 digits, draws the pictures in `out`, and says what to try next."""
    options = Options(model="cnn", data="digits", epochs=epochs or EPOCHS, batch_size=32, seed=seed, out=out)
    train_command(options)
    print(NEXT)
