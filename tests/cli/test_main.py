"""The commands' options, and `info`."""

from __future__ import annotations

import platform

import numpy as np
import pytest

from rushlight import threads, version
from rushlight.cli.info import info
from rushlight.cli.main import main
from rushlight.kernels.dispatch import native


def test_info_tells_what_computes_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    rows = {name: text.strip() for name, text in rows.items()}
    assert rows["Rushlight"] == version.__version__
    assert rows["kernels"].startswith("native" if native is not None else "NumPy reference")
    assert rows["threads"] == str(threads.get_num_threads())
    assert platform.python_version() in rows["Python"]
    assert rows["NumPy"] == np.__version__
    assert {"instruction set", "memory"} <= rows.keys()


def test_info_is_the_same_text_as_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    main(["info"])
    assert capsys.readouterr().out.splitlines()[0] == info().splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["run"], "required: PROGRAM"),
        (["train", "--model", "rnn"], "invalid choice: 'rnn'"),
        (["train", "--data", "cats"], "invalid choice: 'cats'"),
        (["train", "--optimizer", "magic"], "invalid choice: 'magic'"),
        (["train", "--epochs", "0"], "expected a whole number above 0, but got 0"),
        (["train", "--batch-size", "-1"], "expected a whole number above 0, but got -1"),
        (["train", "--lr", "nan"], "expected a number above 0, but got nan"),
        (["train", "--workers", "-2"], "expected a whole number, 0 or above, but got -2"),
        (["train", "--seed", "x"], "invalid _not_negative value: 'x'"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
