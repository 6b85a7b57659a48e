"""PyTorch refuses what Rushlight's tables say is refused, with the same type and, but for rows marked ~, the same words."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from tests.bad_input.attempt import CASES, attempt, is_a


@pytest.mark.parametrize(("statements", "error", "words"), CASES, ids=[case[0] for case in CASES])
def test_pytorch_raises_the_same(statements, error, words):
    raised = attempt("torch", statements)
    assert is_a(raised, error.removeprefix("~")), f"expected {error}, got {raised!r}"
    if not error.startswith("~"):
        assert words in str(raised)
