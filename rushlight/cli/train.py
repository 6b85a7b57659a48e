"""`train`: a network learns a set of images, with progress, a checkpoint for each epoch, and pictures at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import rushlight as torch
from rushlight import nn, optim
from rushlight.cli.images import Images, load_images
from rushlight.utils.data import DataLoader
from rushlight.vision.models import CNN, MLP

__all__ = ["Options", "Outcome", "Trainer", "train_command"]

USUAL_RATES = {"sgd": 0.05, "adagrad": 0.01, "adadelta": 1.0, "rmsprop": 0.001}
TEST_BATCH = 256


@dataclass(frozen=True, slots=True)
class Options:
    """What `train` was asked for; names and meanings are the command line's."""

    model: str = "cnn"
    data: str = "digits"
    epochs: int = 10
    batch_size: int = 64
    lr: float | None = None
    optimizer: str = "adam"
    seed: int = 0
    root: str = "data"
    out: str | None = None
    workers: int = 0
    limit: int | None = None
    resume: bool = False

    @property
    def folder(self) -> Path:
        """Where results go."""
        return Path(self.out or f"runs/{self.data}-{self.model}")


# A checkpoint fits a run in which these are the same.
FIXED = ("model", "data", "batch_size", "lr", "optimizer", "seed", "limit", "workers")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the trained network says of the held-back images."""

    truths: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray

    @property
    def wrong(self) -> int:
        """How many images it takes for another class."""
        return int((self.truths != self.predicted).sum())

    @property
    def accuracy(self) -> float:
        """The share of images that it reads rightly."""
        return 1 - self.wrong / len(self.truths)


def make_model(name: str, images: Images) -> nn.Module:
    """The network `name`, of a size that fits the images."""
    kind, classes = images.kind, len(images.classes)
    if name == "mlp":
        return MLP(kind.channels * kind.size**2, classes)
    return CNN(kind.channels, kind.size, classes)


def make_optimizer(name: str, parameters: Iterable[Any], rate: float | None) -> optim.Optimizer:
    """The optimizer `name`, with its usual rate when none is given."""
    rate = USUAL_RATES.get(name, 0.002) if rate is None else rate
    if name == "sgd":
        return optim.SGD(parameters, lr=rate, momentum=0.9)
    kinds: dict[str, Any] = {
        "adam": optim.Adam,
        "adamw": optim.AdamW,
        "rmsprop": optim.RMSprop,
        "adagrad": optim.Adagrad,
        "adadelta": optim.Adadelta,
        "radam": optim.RAdam,
    }
    made: optim.Optimizer = kinds[name](parameters, lr=rate)
    return made


class Trainer:
    """A network, its images, its optimizer and how far it has come."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.checkpoint = options.folder / "model.pt"
        try:
            self.images = load_images(options.data, options.root, options.limit)
        except (RuntimeError, OSError) as error:  # the message names the file and what is wrong
            sys.exit(f"The images can't be had: {error}")
        torch.manual_seed(options.seed)
        self.model = make_model(options.model, self.images)
        self.optimizer = make_optimizer(options.optimizer, self.model.parameters(), options.lr)
        # Independent of the number of epochs, so that a run may be prolonged.
        self.scheduler = optim.lr_scheduler.StepLR(self.optimizer, step_size=4, gamma=0.5)
        self.loss = nn.CrossEntropyLoss()
        workers = options.workers
        self.train_batches = DataLoader(self.images.train, options.batch_size, shuffle=True, num_workers=workers)
        self.test_batches = DataLoader(self.images.test, TEST_BATCH, num_workers=workers)
        self.history: list[dict[str, float]] = []
        self.step_losses: list[float] = []
        if options.resume:
            self._restore()

    def run(self) -> Outcome:
        """Trains until the wanted number of epochs, writing a checkpoint after each; what came out at the end."""
        options, done = self.options, len(self.history)
        if done >= options.epochs:
            print(f"{self.checkpoint} has come to epoch {done} already; more --epochs would go on from there.")
        options.folder.mkdir(parents=True, exist_ok=True)
        count = len(self.images.train)  # type: ignore[arg-type]
        # Also for terminals that don't know their size, where tqdm would hide the bar.
        columns, lines = shutil.get_terminal_size((100, 24))
        bar = tqdm(
            total=(options.epochs - done) * count,
            desc=f"epoch {done + 1}/{options.epochs}",
            unit=" images",
            bar_format="{desc} |{bar}| {rate_noinv_fmt}{postfix}, {remaining} left",  # fits 80 columns
            ncols=min(columns, 110),
            nrows=lines,
            mininterval=0.1 if sys.stderr.isatty() else 2.0,
            leave=False,
            disable=done >= options.epochs,
        )
        with bar:
            for epoch in range(done + 1, options.epochs + 1):
                bar.set_description_str(f"epoch {epoch}/{options.epochs}", refresh=False)
                self._epoch(bar)
                self._save()
                bar.write(self._line(epoch), file=sys.stdout)
        return self.evaluate()

    def _epoch(self, bar: Any) -> None:
        self.model.train()
        total, right, seen, spent = 0.0, 0, 0, 0.0
        rate = self.optimizer.param_groups[0]["lr"]
        start = time.perf_counter()
        for images, labels in self.train_batches:
            self.optimizer.zero_grad()
            logits = self.model(images)
            loss = self.loss(logits, labels)
            loss.backward()
            self.optimizer.step()
            value = loss.item()
            if not np.isfinite(value):
                bar.close()
                sys.exit(f"The loss is {value} after {len(self.step_losses)} steps: try a smaller --lr than {rate:g}.")
            self.step_losses.append(value)
            seen += len(labels)
            total += value * len(labels)
            right += int((logits.detach().argmax(1) == labels).sum())
            bar.set_postfix_str(f"loss {total / seen:.4f}, accuracy {right / seen:.1%}", refresh=False)
            bar.update(len(labels))
        self.scheduler.step()
        spent = time.perf_counter() - start
        outcome = self.evaluate()
        self.history.append(
            {
                "loss": total / seen,
                "accuracy": right / seen,
                "test_accuracy": outcome.accuracy,
                "lr": rate,
                "images_per_second": seen / spent,
            }
        )

    def _line(self, epoch: int) -> str:
        last = self.history[-1]
        of = str(self.options.epochs)
        return (
            f"epoch {epoch:>{len(of)}}/{of}   loss {last['loss']:.4f}   accuracy {last['accuracy']:6.2%}   "
            f"held back {last['test_accuracy']:6.2%}   {last['images_per_second']:,.0f} images/s"
        )

    def evaluate(self) -> Outcome:
        """The network's answers for the held-back images; in evaluation mode, no random number drawn."""
        self.model.eval()
        state = torch.get_rng_state()
        truths, predicted, confidence = [], [], []
        with torch.no_grad():
            for images, labels in self.test_batches:
                sure, best = self.model(images).softmax(1).max(1)
                truths.append(labels.numpy())
                predicted.append(best.numpy())
                confidence.append(sure.numpy())
        torch.set_rng_state(state)
        return Outcome(np.concatenate(truths), np.concatenate(predicted), np.concatenate(confidence))

    def _save(self) -> None:
        torch.save(
            {
                "epoch": len(self.history),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "rng_state": torch.get_rng_state(),
                "history": self.history,
                "step_losses": self.step_losses,
                "options": asdict(self.options),
            },
            self.checkpoint,
        )

    def _restore(self) -> None:
        if not self.checkpoint.exists():
            sys.exit(f"--resume: there is no checkpoint {self.checkpoint}; train without --resume first.")
        state = torch.load(self.checkpoint)
        before, now = state["options"], asdict(self.options)
        changed = [f"{name} was {before[name]}, now {now[name]}" for name in FIXED if before[name] != now[name]]
        if changed:
            sys.exit(f"--resume: {self.checkpoint} belongs to another run: {'; '.join(changed)}.")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        torch.set_rng_state(state["rng_state"])
        self.history, self.step_losses = state["history"], state["step_losses"]
        print(f"Going on from {self.checkpoint}, epoch {state['epoch']}.")


def train_command(options: Options) -> Trainer:
    """Trains as asked, then draws the pictures; says what it does and where things are."""
    from rushlight.cli.report import report

    trainer = Trainer(options)
    size = sum(parameter.numel() for parameter in trainer.model.parameters())
    counts = f"{len(trainer.images.train):,} images of {options.data} to learn"  # type: ignore[arg-type]
    print(f"{options.model.upper()} of {size:,} parameters, {counts}, {len(trainer.images.test):,} held back.")  # type: ignore[arg-type]
    start = time.perf_counter()
    try:
        outcome = trainer.run()
    except KeyboardInterrupt:
        done = len(trainer.history)
        print(f"\nStopped. {trainer.checkpoint} holds epoch {done}; --resume goes on." if done else "\nStopped.")
        sys.exit(130)
    print(
        f"{outcome.accuracy:.2%} of the held-back images are read rightly ({outcome.wrong} of {len(outcome.truths)} "
        f"wrong), after {time.perf_counter() - start:.1f} s."
    )
    report(trainer, outcome)
    return trainer
