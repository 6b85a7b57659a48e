"""What is typed after `python -m rushlight`: commands and their options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

__all__ = ["main"]

DATA = ("digits", "mnist", "fashion-mnist", "cifar10")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "radam")


def _run(arguments: argparse.Namespace) -> None:
    from rushlight.cli.run import run_module, run_script

    (run_module if arguments.module else run_script)(arguments.program, arguments.arguments)


def _train(arguments: argparse.Namespace) -> None:
    from rushlight.cli.train import Options, train_command

    options = vars(arguments).copy()
    del options["command"], options["action"]
    train_command(Options(**options))


def _demo(arguments: argparse.Namespace) -> None:
    from rushlight.cli.demo import demo

    demo(out=arguments.out, epochs=arguments.epochs, seed=arguments.seed)


def _info(arguments: argparse.Namespace) -> None:
    from rushlight.cli.info import info

    print(info())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, but got {text}")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or above, but got {text}")
    return number


def _rate(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, but got {text}")
    return number


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    train = commands.add_parser("train", help="train a network on images", description="Train a network on images.")
    add = train.add_argument
    add("--model", choices=("mlp", "cnn"), default="cnn", help="the network (default: cnn)")
    add("--data", choices=DATA, default="digits", help="the images (default: digits, which need no download)")
    add("--epochs", type=_positive, default=10, metavar="N", help="passes over the training images (default: 10)")
    add("--batch-size", type=_positive, default=64, metavar="N", help="images in a step (default: 64)")
    add("--lr", type=_rate, default=None, metavar="X", help="learning rate (default: the optimizer's usual one)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="(default: adam)")
    add("--seed", type=_not_negative, default=0, metavar="N", help="of weights, shuffles and shifts (default: 0)")
    add("--root", default="data", metavar="DIR", help="where downloaded images are kept (default: data)")
    add("--out", default=None, metavar="DIR", help="where results go (default: runs/<data>-<model>)")
    add("--workers", type=_not_negative, default=0, metavar="N", help="processes that prepare batches (default: 0)")
    add("--limit", type=_positive, default=None, metavar="N", help="use only the first N training images")
    add("--resume", action="store_true", help="go on from the checkpoint in the folder of results")
    train.set_defaults(action=_train)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rushlight", description="PyTorch's programming model, fast and light."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="run a program written for PyTorch",
        description="Run a program in which `import torch` and `import torchvision` mean Rushlight.",
    )
    run.add_argument("-m", "--module", action="store_true", help="PROGRAM is a module's name, not a file")
    run.add_argument("program", metavar="PROGRAM")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENTS", help="for the program")
    run.set_defaults(action=_run)

    _add_train(commands)

    demo = commands.add_parser(
        "demo", help="train a small network on handwritten digits, with pictures, in under a minute"
    )
    demo.add_argument("--out", default="runs/demo", metavar="DIR", help="where results go (default: runs/demo)")
    demo.add_argument("--epochs", type=_positive, default=None, metavar="N", help=argparse.SUPPRESS)
    demo.add_argument("--seed", type=_not_negative, default=0, metavar="N", help="(default: 0)")
    demo.set_defaults(action=_demo)

    commands.add_parser("info", help="version, kernels, threads, memory").set_defaults(action=_info)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in `arguments` (those of the process by default); the exit status."""
    if arguments is None:
        arguments = sys.argv[1:]
    chosen = _parser().parse_args(arguments)
    chosen.action(chosen)
    return 0
