"""The reference in docs/reference/, generated from the docstrings: `python tools/reference.py` writes it.

One page a namespace; the front door has one a family of operations. tests/test_docstrings.py says when it is out of
date.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.public_names import NAMESPACES, public_names  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
_EXAMPLE = re.compile(r"((?:^ *(?:>>> |\.\.\. ?).*\n?(?:^(?! *$).*\n?)*\n?)+)", re.MULTILINE)
_SOURCE = re.compile(r"^(Sources?|Reference): ", re.MULTILINE)


def _default(value: Any) -> str:
    if inspect.isclass(value) or callable(value):
        return getattr(value, "__name__", repr(value))
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value)).replace("rushlight.", "torch.")


def signature(name: str, thing: Any, skip_first: bool = False) -> str:
    """A callable's name and parameters, without their types."""
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return name
    plain = []
    for p in parameters[1:] if skip_first else parameters:
        default = p.default if p.default is p.empty else _Shown(_default(p.default))
        plain.append(p.replace(annotation=p.empty, default=default))
    return name + str(inspect.Signature(plain))


class _Shown:
    """A default as it is to be printed."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def body(doc: str) -> str:
    """A docstring as Markdown: examples fenced, the source as a line of its own."""
    text = _EXAMPLE.sub(lambda found: f"```pycon\n{found[1].rstrip()}\n```\n\n", doc.strip() + "\n")
    return _SOURCE.sub(r"*\1:* ", text).strip()


def summary(doc: str) -> str:
    """The first sentence, for a line of a list."""
    first = " ".join(doc.split("\n\n")[0].split())
    found = re.match(r".*?[.:!?](?=\s|$)", first)
    return found[0] if found else first


def _methods(thing: type) -> Iterator[str]:
    """What a class of the package defines itself, in a line each."""
    for name, member in vars(thing).items():
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if name.startswith("_") or not (callable(function) or isinstance(member, property)):
            continue
        doc = inspect.getdoc(member) or ""
        shown = name if isinstance(member, property) else signature(name, function, not isinstance(member, staticmethod))
        yield f"- `{shown}`: {summary(doc)}" if doc else f"- `{shown}`"


def entry(name: str, thing: Any) -> str:
    """One name: its signature and its docstring."""
    if not (inspect.isclass(thing) or callable(thing)):
        # A constant's class says nothing of it.
        return f"## {name}\n\n`{_default(thing)}`"
    parts = [f"## {name}", f"```text\n{signature(name, thing)}\n```", body(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing) and (listed := list(_methods(thing))):
        parts.append("\n".join(listed))
    return "\n\n".join(part for part in parts if part)


def _page(title: str, intro: str, entries: list[tuple[str, Any]]) -> str:
    parts = [f"# {title}", body(intro) if intro else "", *(entry(name, thing) for name, thing in entries)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _families() -> dict[str, list[str]]:
    """The names of the front door by the module that they come from."""
    import rushlight

    found: dict[str, list[str]] = {}
    for name in public_names(rushlight):
        home = getattr(getattr(rushlight, name), "__module__", None) or "rushlight.constants"
        found.setdefault(home.removeprefix("rushlight.").removeprefix("ops."), []).append(name)
    return found


def _tensor_page() -> str:
    """The methods of Tensor: those that are functions of the front door in a line, the others whole."""
    import rushlight

    tensor, parts = rushlight.Tensor, []
    for name in sorted(n for n in dir(tensor) if not n.startswith("_")):
        member = inspect.getattr_static(tensor, name)
        function: Callable[..., Any] | Any = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        doc = inspect.getdoc(function) or ""
        shown = signature(name, function, True) if callable(function) else name
        parts.append(f"- `{shown}`: {summary(doc)}" if doc else f"- `{shown}`")
    intro = body(inspect.getdoc(tensor) or "")
    return f"# Tensor\n\n{intro}\n\n## Methods and attributes\n\n" + "\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every page by its path below docs/reference."""
    import rushlight

    made = {"Tensor.md": _tensor_page()}
    lines = ["# Reference", "", "Generated from the docstrings by `tools/reference.py`.", "", "## torch", ""]
    for family, names in sorted(_families().items()):
        module = sys.modules.get(f"rushlight.ops.{family}") or sys.modules.get(f"rushlight.{family}")
        intro = (inspect.getdoc(module) or "") if module else ""
        page = f"torch/{family}.md"
        made[page] = _page(f"torch: {family.replace('_', ' ')}", intro, [(n, getattr(rushlight, n)) for n in names])
        lines.append(f"- [{family}]({page}): {', '.join(f'`{n}`' for n in names)}")
    lines += ["- [Tensor](Tensor.md)", "", "## Namespaces", ""]
    for space in NAMESPACES:
        if space == "rushlight":
            continue
        module = importlib.import_module(space)
        title = space.replace("rushlight", "torch", 1)
        names = public_names(module)
        made[f"{title}.md"] = _page(title, inspect.getdoc(module) or "", [(n, getattr(module, n)) for n in names])
        lines.append(f"- [{title}]({title}.md): {len(names)} names")
    made["index.md"] = "\n".join(lines) + "\n"
    return made


def out_of_date() -> list[str]:
    """The pages that the docstrings no longer give, or that nothing gives."""
    now = pages()
    there = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.md")}
    return sorted(name for name in {*now, *there} if now.get(name) != there.get(name))


def write() -> None:
    now = pages()
    for name in out_of_date():
        path, text = FOLDER / name, now.get(name)
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    write()
