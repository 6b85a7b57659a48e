"""Pictures of a training: curves, predictions, confusion. They need matplotlib, the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rushlight.cli.images import Images
    from rushlight.cli.train import Outcome

__all__ = ["MissingPlotExtra", "draw_confusion", "draw_curves", "draw_predictions"]

INK, QUIET, GRID = "#1f2937", "#6b7280", "#e5e7eb"
BLUE, LIGHT_BLUE, RED, GREEN = "#2563eb", "#a9c3f8", "#dc2626", "#059669"
ROWS, COLUMNS = 6, 12


class MissingPlotExtra(ImportError):
    """matplotlib isn't installed; the message says which extra brings it."""


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingPlotExtra(
            "The pictures need matplotlib, which comes with the extra `plot`: pip install 'rushlight[plot]'. "
            "The trained network is kept; no picture was drawn."
        ) from error
    # No pyplot: no window system is asked for, and the caller's own figures stay untouched.
    margins = ConstrainedLayoutEngine(rect=(0.015, 0.02, 0.97, 0.96), w_pad=0.06, h_pad=0.05, wspace=0.04)
    figure = Figure(figsize=(width, height), facecolor="white", layout=margins)
    FigureCanvasAgg(figure)
    return figure


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK, pad=10)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=QUIET, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)


def _smooth(values: np.ndarray, window: int) -> np.ndarray:
    """The mean over a window around each value, shorter at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - window // 2, 0), np.minimum(at + window // 2 + 1, len(values))
    smoothed: np.ndarray = (sums[high] - sums[low]) / (high - low)
    return smoothed


def draw_curves(history: Sequence[dict[str, float]], step_losses: Sequence[float], path: Path) -> None:
    """The loss of each step and its running mean; the accuracy of each epoch, on training and held-back images."""
    figure = _figure(11, 4.4)
    left, right = figure.subplots(1, 2)
    losses = np.asarray(step_losses)
    epochs = np.arange(1, len(history) + 1)
    at = np.arange(1, len(losses) + 1) * len(history) / len(losses)
    _plain(left, "Loss")
    left.plot(at, losses, color=LIGHT_BLUE, linewidth=0.8, label="each step")
    left.plot(
        at, _smooth(losses, max(1, len(losses) // len(history) // 2)), color=BLUE, linewidth=2, label="running mean"
    )
    if losses.min() > 0 and losses.max() > 20 * losses.min():
        left.set_yscale("log")
        left.yaxis.set_minor_formatter(lambda value, _: "")
    left.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    left.legend(frameon=False, labelcolor=INK)

    _plain(right, "Accuracy")
    seen = 100 * np.array([epoch["accuracy"] for epoch in history])
    held_back = 100 * np.array([epoch["test_accuracy"] for epoch in history])
    right.plot(epochs, seen, "o-", color=LIGHT_BLUE, markersize=4, linewidth=1.6, label="training images (shifted)")
    right.plot(epochs, held_back, "o-", color=GREEN, markersize=5, linewidth=2, label="held-back images")
    low = max(0.0, min(seen.min(), held_back.min()) - 3)
    right.set_ylim(low, 100 + (100 - low) * 0.06)
    right.annotate(
        f"{held_back[-1]:.2f} %",
        (epochs[-1], held_back[-1]),
        xytext=(0, -22),
        textcoords="offset points",
        ha="right",
        color=GREEN,
        fontweight="bold",
    )
    right.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    right.legend(frameon=False, loc="lower right", labelcolor=INK)
    for axes in (left, right):
        axes.set_xlabel("epoch", color=QUIET)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=130)


def _chosen(outcome: Outcome, count: int) -> list[int]:
    """Up to half of the places go to mistakes, the surest first; the others to images spread over the set."""
    wrong = np.flatnonzero(outcome.truths != outcome.predicted)
    wrong = wrong[np.argsort(-outcome.confidence[wrong], kind="stable")][: count // 2]
    right = np.flatnonzero(outcome.truths == outcome.predicted)
    places = min(count - len(wrong), len(right))
    spread = right[np.linspace(0, len(right) - 1, places).astype(int)] if places else right[:0]
    return [*map(int, wrong), *map(int, spread)]


def _as_picture(image: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """C×H×W normalised values → H×W×3 between 0 and 1; grey images as dark ink on white paper."""
    values = image * np.reshape(std, (-1, 1, 1)) + np.reshape(mean, (-1, 1, 1))
    values = np.clip(values, 0, 1).transpose(1, 2, 0)
    return values if values.shape[2] == 3 else np.repeat(1 - values, 3, axis=2)


def draw_predictions(images: Images, outcome: Outcome, path: Path) -> None:
    """Held-back images in a grid, each with the class that the network reads; mistakes first, framed in red."""
    long_names = max(map(len, images.classes)) > 2
    columns = COLUMNS if not long_names else 8
    figure = _figure(columns * (0.95 if not long_names else 1.4), ROWS * (1.28 if not long_names else 1.75) + 0.5)
    grid = figure.subplots(ROWS, columns)
    chosen = _chosen(outcome, ROWS * columns)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, index in zip(grid.flat, chosen, strict=False):
        read, true = images.classes[outcome.predicted[index]], images.classes[outcome.truths[index]]
        wrong = read != true
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.imshow(_as_picture(images.test[index][0].numpy(), images.kind.mean, images.kind.std))
        label = (
            f"{read} \N{BALLOT X}" + ("\n" if long_names else "  ") + f"is {true}"
            if wrong
            else f"{read} \N{CHECK MARK}"
        )
        axes.set_xlabel(label, color=RED if wrong else QUIET, fontsize=9, fontweight="bold" if wrong else "normal")
        for spine in axes.spines.values():
            spine.set_color(RED if wrong else GRID)
            spine.set_linewidth(2.5 if wrong else 1)
    total = len(outcome.truths)
    heading = f"{total:,} held-back images: {total - outcome.wrong:,} read rightly, {outcome.wrong:,} not"
    shown = sum(outcome.truths[i] != outcome.predicted[i] for i in chosen)
    remark = f"under each: what the network reads; in red: {'the' if shown == outcome.wrong else shown} mistakes"
    figure.suptitle(f"{heading}\n{remark}", fontsize=11, color=INK)
    figure.savefig(path, dpi=130)


def _cell_colors(counts: np.ndarray) -> np.ndarray:
    """Right answers in blue by share of the class, mistakes in red, which even one makes visible."""
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    colors = np.ones((*counts.shape, 3))
    blue, red = np.array([0.145, 0.388, 0.922]), np.array([0.863, 0.149, 0.149])
    strength = np.where(counts > 0, 0.25 + 0.75 * np.minimum(1.0, share * 4), 0.0)
    colors += strength[..., None] * (red - 1)
    diagonal = np.arange(len(counts))
    colors[diagonal, diagonal] = 1 + (0.15 + 0.85 * share.diagonal())[:, None] * (blue - 1)
    return colors


def draw_confusion(classes: Sequence[str], outcome: Outcome, path: Path) -> None:
    """How many images of each class (rows) the network takes for each class (columns)."""
    size = len(classes)
    counts = np.zeros((size, size), int)
    np.add.at(counts, (outcome.truths, outcome.predicted), 1)
    figure = _figure(7, 7)
    axes = figure.subplots()
    colors = _cell_colors(counts)
    axes.imshow(colors)
    for row in range(size):
        for column in range(size):
            dark = colors[row, column].mean() < 0.72
            if counts[row, column]:
                axes.text(
                    column, row, str(counts[row, column]), ha="center", va="center", color="white" if dark else INK
                )
    slanted = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, classes)) > 3 else {}
    axes.set_xticks(range(size), classes, **slanted)
    axes.set_yticks(range(size), classes)
    axes.set_xticks(np.arange(-0.5, size), minor=True)
    axes.set_yticks(np.arange(-0.5, size), minor=True)
    axes.grid(which="minor", color=GRID, linewidth=1)
    axes.tick_params(which="both", length=0, colors=INK)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    axes.set_xlabel("what the network reads", color=QUIET, labelpad=8)
    axes.set_ylabel("what it is", color=QUIET, labelpad=8)
    axes.set_title(f"{outcome.accuracy:.2%} read rightly", fontsize=12, fontweight="bold", color=INK, pad=12)
    figure.savefig(path, dpi=130)
