"""A network as a drawing: one forward pass is watched, and its layers become an SVG. Nothing else is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import rushlight as torch
from rushlight import Tensor, nn

__all__ = ["Box", "draw_graph", "trace"]

# Colours by the package file that a layer comes from.
COLORS = {
    "conv": "#2563eb",
    "linear": "#059669",
    "batchnorm": "#7c3aed",
    "instancenorm": "#7c3aed",
    "normalization": "#7c3aed",
    "activation": "#ea580c",
    "pooling": "#0891b2",
    "padding": "#0891b2",
    "dropout": "#9ca3af",
    "flatten": "#64748b",
}
OTHER, INK, QUIET, LINE = "#475569", "#1f2937", "#6b7280", "#94a3b8"
CARD_WIDTH, CARD_HEIGHT, GAP_X, GAP_Y, MARGIN, HEAD = 500, 46, 40, 24, 32, 64
DETAIL_LETTERS = 57


@dataclass(eq=False, slots=True)
class Box:
    """A layer, an operation between layers, the input or the output; and the boxes that it takes its values from."""

    title: str
    path: str = ""
    detail: str = ""
    shape: str = ""
    parameters: int = 0
    color: str = OTHER
    small: bool = False
    inputs: list[Box] = field(default_factory=list)


def _shape(tensor: Any) -> str:
    """A tensor's sizes without the batch's."""
    return "×".join(map(str, tensor.shape[1:])) or "1"


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    return [t for value in values for t in _tensors(value)] if isinstance(values, (tuple, list)) else []


class _Watcher:
    """Notes who makes each tensor, by hooks on the layers; between layers, by the graph that backward would take."""

    def __init__(self, model: nn.Module) -> None:
        self.boxes: list[Box] = []
        self._made: dict[int, Box] = {}
        self._nodes: dict[Any, Box] = {}
        self._alive: list[Tensor] = []  # an id is only a tensor's own while the tensor lives
        self._handles = [
            module.register_forward_hook(self._hook(name))
            for name, module in model.named_modules()
            if not list(module.children())
        ]

    def _hook(self, name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            kind = type(module).__module__.rpartition(".")[2]
            box = Box(type(module).__name__, path=name, detail=module.extra_repr(), color=COLORS.get(kind, OTHER))
            box.parameters = sum(parameter.numel() for parameter in module.parameters())
            box.inputs = [source for tensor in _tensors(inputs) for source in self.sources(tensor)]
            outputs = _tensors(output)
            box.shape = ", ".join(map(_shape, outputs))
            self.boxes.append(box)
            for tensor in outputs:
                self.made_by(tensor, box)

        return note

    def made_by(self, tensor: Tensor, box: Box) -> None:
        """Notes that `tensor` comes from `box`."""
        self._alive.append(tensor)
        self._made[id(tensor)] = box
        if tensor.grad_fn is not None:
            self._nodes[tensor.grad_fn] = box

    def sources(self, tensor: Tensor) -> list[Box]:
        """The boxes that a tensor comes from; operations outside of layers become boxes of their own."""
        if id(tensor) in self._made:
            return [self._made[id(tensor)]]
        return [] if tensor.grad_fn is None else self._of_node(tensor.grad_fn)

    def _of_node(self, node: Any) -> list[Box]:
        if node in self._nodes:
            return [self._nodes[node]]
        variable = getattr(node, "variable", None)
        if variable is not None:
            return [self._made[id(variable)]] if id(variable) in self._made else []
        box = Box(node.name().removesuffix("0").removesuffix("Backward"), small=True)
        self._nodes[node] = box
        for parent, _ in node.next_functions:
            if parent is not None:
                box.inputs += self._of_node(parent)
        self.boxes.append(box)
        return [box]

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def trace(model: nn.Module, example: Tensor) -> list[Box]:
    """The boxes of one forward pass of `example` in evaluation mode, each after those that it takes values from."""
    training = model.training
    model.eval()
    watcher = _Watcher(model)
    try:
        with torch.enable_grad():
            example = example.detach().requires_grad_()
            first = Box("input", shape=_shape(example))
            watcher.boxes.append(first)
            watcher.made_by(example, first)
            outputs = _tensors(model(example))
            last = Box("output", shape=", ".join(map(_shape, outputs)))
            last.inputs = [source for tensor in outputs for source in watcher.sources(tensor)]
            watcher.boxes.append(last)
    finally:
        watcher.close()
        model.train(training)
    return watcher.boxes


def _places(boxes: list[Box]) -> dict[Box, tuple[int, int]]:
    """Row and place in the row: a box stands below all that it takes values from."""
    row: dict[Box, int] = {}
    used: dict[int, int] = {}
    places: dict[Box, tuple[int, int]] = {}
    for box in boxes:
        row[box] = max((row[source] + 1 for source in box.inputs), default=0)
        places[box] = (row[box], used.get(row[box], 0))
        used[row[box]] = places[box][1] + 1
    return places


def _card(box: Box, x: float, y: float) -> str:
    plain = not box.detail and not box.parameters  # one line, in the middle
    middle, end = y + CARD_HEIGHT / 2, x + CARD_WIDTH - 16
    title_y = middle + 5 if plain else middle - 3
    count = f"{box.parameters:,} parameters" if box.parameters else ""
    room = DETAIL_LETTERS if count else DETAIL_LETTERS + 20
    detail = box.detail if len(box.detail) <= room else box.detail[:room].rpartition(",")[0] + ", …"
    return (
        f"<g><title>{escape(box.detail or box.title)}</title>"
        f'<rect x="{x}" y="{y}" width="{CARD_WIDTH}" height="{CARD_HEIGHT}" rx="8" fill="white" stroke="#d1d5db"/>'
        f'<rect x="{x}" y="{y}" width="7" height="{CARD_HEIGHT}" rx="3" fill="{box.color}"/>'
        f'<text x="{x + 20}" y="{title_y}" font-weight="600" fill="{INK}">{escape(box.title)}'
        f'<tspan dx="10" font-size="12" font-weight="400" fill="{QUIET}">{escape(box.path)}</tspan></text>'
        f'<text x="{x + 20}" y="{middle + 14}" font-size="11" fill="{QUIET}">{escape(detail)}</text>'
        f'<text x="{end}" y="{title_y}" text-anchor="end" fill="{INK}">{escape(box.shape)}</text>'
        f'<text x="{end}" y="{middle + 14}" text-anchor="end" font-size="11" fill="{QUIET}">{count}</text>'
        "</g>"
    )


def _pill(box: Box, x: float, y: float) -> str:
    middle_x, middle_y, width = x + CARD_WIDTH / 2, y + CARD_HEIGHT / 2, 40 + 8 * len(box.title)
    return (
        f'<g><rect x="{middle_x - width / 2}" y="{middle_y - 14}" width="{width}" height="28" rx="14" fill="#f1f5f9" '
        f'stroke="{LINE}"/><text x="{middle_x}" y="{middle_y + 4}" text-anchor="middle" font-size="12" '
        f'fill="{INK}">{escape(box.title)}</text></g>'
    )


def _edge(start: tuple[float, float], end: tuple[float, float], rows: int) -> str:
    """An arrow downwards; one that passes other rows goes round them on the right."""
    (x1, y1), (x2, y2) = start, end
    if rows == 1:
        bend = (y2 - y1) / 2
        path = f"M{x1},{y1} C{x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2 - 2}"
    else:
        side = max(x1, x2) + CARD_WIDTH / 2 + 26
        path = (
            f"M{x1},{y1} C{x1},{y1 + 16} {side},{y1} {side},{y1 + 30} "
            f"L{side},{y2 - 30} C{side},{y2 - 6} {x2},{y2 - 22} {x2},{y2 - 2}"
        )
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.6" marker-end="url(#arrow)"/>'


def draw_graph(model: nn.Module, example: Tensor, path: Path, title: str = "") -> None:
    """Writes `path` (SVG): the layers that `example` passes, with output shapes and parameter counts, and arrows."""
    boxes = trace(model, example)
    places = _places(boxes)
    columns = max(place for _, place in places.values()) + 1
    rows = max(row for row, _ in places.values()) + 1
    in_row = [sum(1 for row, _ in places.values() if row == wanted) for wanted in range(rows)]
    width = 2 * MARGIN + columns * CARD_WIDTH + (columns - 1) * GAP_X + 20
    height = HEAD + MARGIN + rows * (CARD_HEIGHT + GAP_Y)

    def corner(box: Box) -> tuple[float, float]:
        row, place = places[box]
        indent = (columns - in_row[row]) * (CARD_WIDTH + GAP_X) / 2
        return MARGIN + indent + place * (CARD_WIDTH + GAP_X), HEAD + MARGIN / 2 + row * (CARD_HEIGHT + GAP_Y)

    drawn = []
    for box in boxes:
        x, y = corner(box)
        for source in box.inputs:
            from_x, from_y = corner(source)
            lower = from_y + CARD_HEIGHT / 2 + 14 if source.small else from_y + CARD_HEIGHT
            upper = y + CARD_HEIGHT / 2 - 14 if box.small else y
            passed = places[box][0] - places[source][0]
            drawn.append(_edge((from_x + CARD_WIDTH / 2, lower), (x + CARD_WIDTH / 2, upper), passed))
    drawn += [(_pill if box.small else _card)(box, *corner(box)) for box in boxes]
    total = sum(parameter.numel() for parameter in model.parameters())
    heading = escape(title or type(model).__name__)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="14">'
        f'<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>'
        f'<rect width="{width}" height="{height}" fill="#f8fafc"/>'
        f'<text x="{MARGIN}" y="38" font-size="19" font-weight="700" fill="{INK}">{heading}</text>'
        f'<text x="{MARGIN}" y="58" font-size="12" fill="{QUIET}">{total:,} parameters; shapes without the batch</text>'
        + "\n".join(drawn)
        + "</svg>\n",
        encoding="utf-8",
    )
