"""Arguments that several commands take: the data, and how to train."""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tinygrad_edu.data import load
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.preparation import Settings
from tinygrad_edu.storage import replace_file
from tinygrad_edu.training.stepping import Compile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.data import Dataset

__all__ = [
    "add_data_arguments",
    "add_training_arguments",
    "check_file",
    "check_folder",
    "dataset",
    "settings",
    "write_file",
]

_DEFAULTS = Settings()
_LARGEST_SEED = 2**32 - 1  # scikit-learn takes no larger one


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which data to train on."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "data", metavar="DATA", help="a data set's name (see: tinygrad-edu datasets), or a CSV or TSV file"
    )
    group.add_argument("--target", metavar="COLUMN", help="the column to predict (default: the last)")
    group.add_argument(
        "--missing",
        choices=["error", "drop", "mean"],
        default="error",
        help="what to do about empty cells: refuse them, drop their rows, or fill in the column's mean, or its most "
        "frequent text, over the whole table (default: refuse)",
    )
    group.add_argument(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="whether the target is a class or a number (default: by its values)",
    )


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says how to train."""
    group = parser.add_argument_group("training")
    group.add_argument(
        "--epochs",
        type=_whole("epochs", 1),
        default=_DEFAULTS.epochs,
        metavar="N",
        help="passes over the data (default: %(default)s)",
    )
    group.add_argument(
        "--lr",
        type=_rate,
        metavar="RATE",
        help="the learning rate (default: one that suits task, optimizer and batch size)",
    )
    group.add_argument(
        "--batch-size",
        type=_whole("the batch size", 1),
        metavar="N",
        help="examples per mini-batch (default: 32)",
    )
    group.add_argument(
        "--hidden",
        type=_sizes,
        default=_DEFAULTS.hidden,
        metavar="SIZES",
        help="units of each hidden layer (default: 128,64)",
    )
    group.add_argument(
        "--activation",
        choices=["relu", "sigmoid", "tanh"],
        default=_DEFAULTS.activation,
        help="(default: %(default)s)",
    )
    group.add_argument(
        "--optimizer",
        choices=["sgd", "momentum", "adam"],
        default=_DEFAULTS.optimizer,
        help="(default: %(default)s)",
    )
    group.add_argument(
        "--compile",
        choices=get_args(Compile),
        default=_DEFAULTS.compile,
        help="how updates are made: none as they are written, numpy or numba recorded once and run as a compiled "
        "program, auto as numpy where that pays (default: %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=_whole("the seed", 0, _LARGEST_SEED),
        default=_DEFAULTS.seed,
        metavar="N",
        help="of the split, the weights and the order (default: %(default)s)",
    )


def settings(arguments: argparse.Namespace) -> Settings:
    """Collect the settings of a run."""
    return Settings(
        epochs=arguments.epochs,
        lr=arguments.lr,
        batch_size=arguments.batch_size,
        hidden=arguments.hidden,
        activation=arguments.activation,
        optimizer=arguments.optimizer,
        seed=arguments.seed,
        compile=arguments.compile,
    )


def dataset(arguments: argparse.Namespace) -> Dataset:
    """Load the data."""
    return load(arguments.data, target=arguments.target, missing=arguments.missing, task=arguments.task)


def check_file(option: str, file: Path, *inputs: str | Path) -> None:
    """Find out before the training that a file cannot be written, or would replace what is read."""
    if file.exists() and not file.is_file():  # a device must not be replaced by a file either
        raise OptionError(f"{option} {str(file)!r} is a folder or a device. Name a file.")
    if file.exists() and any(Path(read).exists() and file.samefile(read) for read in inputs):
        raise OptionError(f"{option} {str(file)!r} would replace what is read from. Name another file.")
    check_folder(f"{option} {str(file)!r}", file.absolute().parent)


def check_folder(option: str, folder: Path) -> None:
    """Find out that a folder cannot be written to, by trying."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OptionError(
            f"{option} cannot be written: {error.strerror}. Choose a folder that exists and that you may write to."
        ) from error


def write_file(option: str, file: Path, text: str) -> None:
    """Write a file, all or nothing."""
    try:
        replace_file(file, text.encode())
    except OSError as error:
        raise OptionError(f"{option} {str(file)!r} cannot be written: {error.strerror or error}.") from error


def _whole(what: str, least: int, most: float = math.inf) -> Callable[[str], int]:
    span = f"from {least} on" if most == math.inf else f"from {least} to {most}"

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{what} must be a whole number {span}, but is {text!r}")
        return number

    return parse


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"the learning rate must be a number above 0, such as 0.1, but is {text!r}")
    return rate


def _sizes(text: str) -> tuple[int, ...]:
    parts: list[Any] = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(
            f"layer sizes must be whole numbers from 1 on, such as 128,64, but are {text!r}"
        )
    return tuple(int(part) for part in parts)
