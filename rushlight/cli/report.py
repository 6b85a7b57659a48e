"""What a finished training leaves in its folder: the network as a drawing, and three pictures of how it does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import rushlight as torch
from rushlight.cli.graph import draw_graph
from rushlight.cli.pictures import MissingPlotExtra, draw_confusion, draw_curves, draw_predictions

if TYPE_CHECKING:
    from rushlight.cli.train import Outcome, Trainer

__all__ = ["report"]


def report(trainer: Trainer, outcome: Outcome) -> None:
    """Writes the drawing, then the pictures, and says where they are; exits with 1 if matplotlib is missing."""
    folder, images = trainer.options.folder, trainer.images
    kind = images.kind
    title = f"{type(trainer.model).__name__} for {trainer.options.data}"
    draw_graph(trainer.model, torch.zeros(1, kind.channels, kind.size, kind.size), folder / "graph.svg", title)
    made = [("model.pt", "the trained network, its optimizer and history, in torch.save's format")]
    missing: MissingPlotExtra | None = None
    try:
        draw_curves(trainer.history, trainer.step_losses, folder / "curves.png")
        draw_predictions(images, outcome, folder / "predictions.png")
        draw_confusion(images.classes, outcome, folder / "confusion.png")
        made.append(("curves.png", "loss and accuracy, epoch by epoch"))
        made.append(("predictions.png", "held-back images and what the network reads; mistakes in red"))
        made.append(("confusion.png", "which class is taken for which"))
    except MissingPlotExtra as error:
        missing = error
    made.append(("graph.svg", "the network: layers, shapes, parameters"))
    print("\nWritten:")
    for name, what in made:
        print(f"  {folder / name!s:<{len(str(folder)) + 18}}{what}")
    if missing is not None:
        sys.exit(f"\n{missing}")
