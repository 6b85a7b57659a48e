"""`train` and `demo`: checkpoints, exact resumption, pictures; on a few images."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import rushlight as torch
from rushlight import nn
from rushlight.cli import report, train
from rushlight.cli.demo import demo
from rushlight.cli.graph import draw_graph, trace
from rushlight.cli.images import Images, load_images
from rushlight.cli.main import OPTIMIZERS, main
from rushlight.cli.train import Options, Trainer
from rushlight.utils.data import Subset

PICTURES = ("curves.png", "predictions.png", "confusion.png")


def small(folder: Path, *more: str) -> list[str]:
    return ["train", "--out", str(folder), "--limit", "60", "--batch-size", "20", "--model", "mlp", *more]


def losses(folder: Path) -> list[float]:
    found: list[float] = torch.load(folder / "model.pt")["step_losses"]
    return found


@pytest.fixture(autouse=True)
def _few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_few(name: str, root: str, limit: int | None = None) -> Images:
        images = load_images(name, root, min(limit or 300, 300))
        return replace(images, test=Subset(images.test, range(0, 364, 7)))

    monkeypatch.setattr(train, "load_images", load_few)


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "report", lambda trainer, outcome: None)


@pytest.fixture(autouse=True)
def _keep_random_state() -> Any:
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


def test_leaves_a_checkpoint_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    main(small(tmp_path, "--epochs", "1"))
    said = capsys.readouterr().out
    for name in ("model.pt", "graph.svg", *PICTURES):
        assert (tmp_path / name).stat().st_size > 0
        assert name in said
    assert "held back" in said
    state = torch.load(tmp_path / "model.pt")
    assert {"epoch", "model", "optimizer", "scheduler", "rng_state", "history", "options"} <= state.keys()


@pytest.mark.usefixtures("_no_pictures")
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "cnn"]  # with dropout: random numbers in the forward pass too
    main(small(tmp_path / "parts", *options, "--epochs", "1"))
    main(small(tmp_path / "parts", *options, "--epochs", "5", "--resume"))
    main(small(tmp_path / "whole", *options, "--epochs", "5"))
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    parts, whole = (torch.load(tmp_path / name / "model.pt") for name in ("parts", "whole"))
    for name, value in whole["model"].items():
        assert torch.equal(parts["model"][name], value), name
    assert "Going on from" in capsys.readouterr().out


@pytest.mark.usefixtures("_no_pictures")
def test_a_seed_settles_a_run(tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        main(small(tmp_path / name, "--epochs", "1", "--seed", seed))
    assert losses(tmp_path / "a") == losses(tmp_path / "b") != losses(tmp_path / "c")


@pytest.mark.usefixtures("_no_pictures")
def test_resume_refuses_a_checkpoint_of_another_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no checkpoint"):
        main(small(tmp_path, "--resume"))
    main(small(tmp_path, "--epochs", "1"))
    with pytest.raises(SystemExit, match="seed was 0, now 4"):
        main(small(tmp_path, "--epochs", "2", "--seed", "4", "--resume"))


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_that_is_done_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(small(tmp_path, "--epochs", "2"))
    before = losses(tmp_path)
    main(small(tmp_path, "--epochs", "1", "--resume"))
    assert "has come to epoch 2 already" in capsys.readouterr().out
    assert losses(tmp_path) == before


def test_an_interrupted_run_keeps_its_last_whole_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole_epoch = Trainer._epoch

    def interrupted(trainer: Trainer, bar: Any) -> None:
        if trainer.history:
            raise KeyboardInterrupt
        whole_epoch(trainer, bar)

    monkeypatch.setattr(Trainer, "_epoch", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main(small(tmp_path, "--epochs", "3"))
    assert stopped.value.code == 130
    assert "holds epoch 1; --resume goes on" in capsys.readouterr().out
    assert torch.load(tmp_path / "model.pt")["epoch"] == 1


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="try a smaller --lr than 1e\\+30"):
        main(small(tmp_path, "--epochs", "2", "--optimizer", "sgd", "--lr", "1e30"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_each_optimizer_learns(tmp_path: Path, optimizer: str) -> None:
    trainer = Trainer(Options(model="mlp", optimizer=optimizer, epochs=2, limit=300, batch_size=20, out=str(tmp_path)))
    trainer.run()
    first, last = trainer.history[0]["loss"], trainer.history[-1]["loss"]
    assert last < first


def test_images_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"not an IDX file")
    with pytest.raises(SystemExit, match="train-images-idx3-ubyte: not an IDX file"):
        main(["train", "--data", "mnist", "--root", str(tmp_path), "--out", str(tmp_path / "out")])


def test_without_matplotlib_the_training_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"] + ["matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit, match=r"pip install 'rushlight\[plot\]'"):
        main(small(tmp_path, "--epochs", "1"))
    assert (tmp_path / "model.pt").exists()
    assert (tmp_path / "graph.svg").exists()
    assert not (tmp_path / "curves.png").exists()
    assert "model.pt" in capsys.readouterr().out


def test_the_demo_says_what_to_try_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    demo(out=str(tmp_path), epochs=1)
    assert "Try next:" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt", "graph.svg", *PICTURES}


class Block(nn.Module):
    """Two ways from the input to a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.long = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True))
        self.short = nn.Conv2d(2, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.long(x) + self.short(x)


def test_the_graph_follows_branches_and_operations_between_layers() -> None:
    model = nn.Sequential(Block(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(32, 3))
    boxes = {box.path or box.title: box for box in trace(model, torch.zeros(1, 2, 4, 4))}
    sources = {name: [source.path or source.title for source in box.inputs] for name, box in boxes.items()}
    assert sources == {
        "input": [],
        "0.long.0": ["input"],
        "0.long.1": ["0.long.0"],
        "0.short": ["input"],
        "Add": ["0.long.1", "0.short"],
        "1": ["Add"],
        "2": ["1"],
        "3": ["2"],
        "output": ["3"],
    }
    assert (boxes["0.long.0"].shape, boxes["0.long.0"].parameters) == ("2×4×4", 38)
    assert (boxes["3"].shape, boxes["3"].parameters) == ("3", 99)


def test_the_graph_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)).train()
    draw_graph(model, torch.zeros(1, 4), tmp_path / "graph.svg", "a < b & c")
    assert model.training
    assert not model[0]._forward_hooks
    assert model[0].weight.grad is None
    np.testing.assert_array_equal(model[1].running_mean.numpy(), [0, 0])
    svg = ElementTree.parse(tmp_path / "graph.svg").getroot()
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "a < b & c" in texts
    assert "10 parameters" in texts
