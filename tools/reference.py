"""The reference in docs/reference/, generated from the docstrings: `python tools/reference.py` writes it.

One page a namespace; the front door has one a family of operations. tests/test_docstrings.py says when it is out of
date.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.public_names import NAMESPACES, public_names  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
_EXAMPLE = re.compile(r"((?:^ *(?:>>> |\.\.\. ?).*\n?(?:^(?! *$).*\n?)*\n?)+)", re.MULTILINE)
_SOURCE = re.compile(r"^(Sources?|Reference): ", re.MULTILINE)
# Code, in a block or in a line, and addresses; what Sphinx would make of a name; what Markdown would take for markup.
_VERBATIM = re.compile(r"(^```.*?^```$|``.*?``|`[^`]*`|https?://\S+)", re.MULTILINE | re.DOTALL)
_ROLE = re.compile(r":[a-z]+:(?=`)")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|[*~\\]|(?<!\w)_|_(?!\w)|(?<=\])\(")
_LONGEST_SIGNATURE = 100


def _default(value: Any) -> str:
    if inspect.ismodule(value):
        # Where its file lies is nobody's business but this machine's.
        return f"module {value.__name__.replace('rushlight', 'torch', 1)}"
    if inspect.isclass(value) or callable(value):
        return getattr(value, "__name__", repr(value))
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value)).replace("rushlight.", "torch.")


def signature(name: str, thing: Any, skip_first: bool = False) -> str:
    """A callable's name and parameters, without their types."""
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return name
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return name
    plain = []
    for p in parameters[1:] if skip_first else parameters:
        default = p.default if p.default is p.empty else _Shown(_default(p.default))
        plain.append(p.replace(annotation=p.empty, default=default))
    return name + str(inspect.Signature(plain))


def _block(shown: str) -> str:
    """A signature as a block of code, broken into lines where it is long."""
    if len(shown) > _LONGEST_SIGNATURE:
        name, _, parameters = shown.partition("(")
        lines = textwrap.wrap(parameters.removesuffix(")"), _LONGEST_SIGNATURE - 4)
        shown = "\n".join([f"{name}(", *(f"    {line}" for line in lines), ")"])
    return f"```text\n{shown}\n```"


class _Shown:
    """A default as it is to be printed."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _plain(text: str) -> str:
    """Text with whatever Markdown would take for markup escaped, outside code and addresses."""
    parts = _VERBATIM.split(_ROLE.sub("", text))
    return "".join(part if i % 2 else _MARKUP.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def _joined(text: str) -> str:
    """Paragraphs in a line each, so that no line begins with what Markdown takes for a list; lists stay."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        p if re.search(r"^(- |```|  )", p, re.MULTILINE) else " ".join(p.split("\n")) for p in paragraphs
    )


def body(doc: str) -> str:
    """A docstring as Markdown: examples fenced, the source as a line of its own."""
    text = _EXAMPLE.sub(lambda found: f"```pycon\n{found[1].rstrip()}\n```\n\n", doc.strip() + "\n")
    return _SOURCE.sub(r"*\1:* ", _plain(_joined(text))).strip()


def summary(doc: str) -> str:
    """The first sentence, for a line of a list."""
    first = " ".join(doc.split("\n\n")[0].split())
    found = re.match(r"(?:`[^`]*`|[^`])*?[.!?](?=$|\s+[A-Z`])", first)
    return _plain(found[0] if found else first)


def _unwrapped(member: Any) -> Any:
    return member.__func__ if isinstance(member, staticmethod | classmethod) else member


def _line(name: str, member: Any) -> str:
    """A member of a class, as its body holds it, in a line: its parameters without the object, and what it is."""
    function, doc = _unwrapped(member), summary(inspect.getdoc(member) or "")
    shown = signature(name, function, not isinstance(member, staticmethod)) if callable(function) else name
    return f"- `{shown}`: {doc}" if doc else f"- `{shown}`"


def _members(thing: type) -> list[str]:
    """What a class of the package defines itself, in a line each."""
    if issubclass(thing, enum.Enum):
        return [f"- `{name}`" for name in thing.__members__]
    named = [(name, member) for name, member in vars(thing).items() if not name.startswith("_")]
    return [
        _line(name, member) for name, member in named if callable(_unwrapped(member)) or isinstance(member, property)
    ]


def entry(name: str, thing: Any) -> str:
    """One name: its signature and its docstring."""
    parts = [f"## {name}", _block(signature(name, thing)), body(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing):
        parts.append("\n".join(_members(thing)))
    return "\n\n".join(part for part in parts if part)


def _page(title: str, intro: str, named: list[tuple[str, Any]]) -> str:
    """The names of a page: values in a list, since their class says nothing of them, then everything else."""
    values = [(name, thing) for name, thing in named if not (inspect.isclass(thing) or callable(thing))]
    listed = "\n".join(f"- `{name}`: `{_default(thing)}`" for name, thing in values)
    entries = [entry(name, thing) for name, thing in named if inspect.isclass(thing) or callable(thing)]
    return "\n\n".join(part for part in (f"# {title}", body(intro), listed, *entries) if part) + "\n"


def _home(name: str, thing: Any) -> str:
    """The module that lists a name of the front door: an operation's file, or else a module or package beside it."""
    said = getattr(thing, "__module__", None) or "rushlight.constants"
    operations = sorted(module for module in sys.modules if module.startswith("rushlight.ops."))
    for module in (said, *operations, "rushlight.legacy", "rushlight.legacy_storage"):
        if module != "rushlight" and name in getattr(sys.modules.get(module), "__all__", ()):
            said = module
            break
    inside = said.removeprefix("rushlight.")
    return said if inside.startswith("ops.") else f"rushlight.{inside.split('.')[0]}"


def _families() -> dict[str, list[str]]:
    """The names of the front door by the module that they come from."""
    import rushlight

    found: dict[str, list[str]] = {}
    for name in public_names(rushlight):
        found.setdefault(_home(name, getattr(rushlight, name)), []).append(name)
    return found


def _tensor_page() -> str:
    """The methods of Tensor, a line each."""
    import rushlight

    tensor = rushlight.Tensor
    named = sorted(name for name in dir(tensor) if not name.startswith("_"))
    lines = "\n".join(_line(name, inspect.getattr_static(tensor, name)) for name in named)
    return f"# Tensor\n\n{body(inspect.getdoc(tensor) or '')}\n\n## Methods and attributes\n\n{lines}\n"


def pages() -> dict[str, str]:
    """Every page by its path below docs/reference."""
    import rushlight

    made = {"Tensor.md": _tensor_page()}
    lines = ["# Reference", "", "Generated from the docstrings by `tools/reference.py`.", "", "## torch", ""]
    lines.append("- [Tensor](Tensor.md): the class, its methods and attributes.")
    families = {module.rpartition(".")[2]: (module, names) for module, names in _families().items()}
    for family, (module, names) in sorted(families.items()):
        if names == ["Tensor"]:
            continue
        intro, page = inspect.getdoc(importlib.import_module(module)) or "", f"torch/{family}.md"
        made[page] = _page(f"torch: {family.replace('_', ' ')}", intro, [(n, getattr(rushlight, n)) for n in names])
        lines.append(f"- [{family}]({page}): {summary(intro)} {', '.join(f'`{n}`' for n in names)}")
    lines += ["", "## Namespaces", ""]
    for space in NAMESPACES:
        if space == "rushlight":
            continue
        package = importlib.import_module(space)
        title, names, intro = (
            space.replace("rushlight", "torch", 1),
            public_names(package),
            inspect.getdoc(package) or "",
        )
        made[f"{title}.md"] = _page(title, intro, [(n, getattr(package, n)) for n in names])
        lines.append(f"- [{title}]({title}.md), {len(names)} name{'s' * (len(names) > 1)}: {summary(intro)}")
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
