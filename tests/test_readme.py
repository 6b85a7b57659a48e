"""Every ```python block of the README and of the pages in docs/ runs, in order, page by page, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if page.exists()]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[int, str]]:
    """The line where each Python block of a page begins, and its text."""
    text = page.read_text()
    return [(text.count("\n", 0, found.start()) + 2, found[1]) for found in _BLOCK.finditer(text)]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A page is one program: a block may use what the blocks before it made.
    names: dict[str, object] = {"__name__": "__main__"}
    for line, source in blocks(page):
        # Empty lines before the source make an error's line number that of the page.
        exec(compile("\n" * (line - 1) + source, str(page), "exec"), names)


def test_the_pattern_finds_blocks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("A page.\n\n```python\na = 1\n```\n\n```sh\nls\n```\n\n```python\nb = a\n```\n")
    assert blocks(page) == [(4, "a = 1\n"), (12, "b = a\n")]
