"""Arguments that several commands take: the data, and how to train."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tinygrad_edu.data import load
from tinygrad_edu.learn.preparation import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.data import Dataset

__all__ = ["add_data_arguments", "add_training_arguments", "dataset", "settings"]

_DEFAULTS = Settings()


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
        help="what to do with rows that have empty cells: refuse, drop, or fill with the mean (default: refuse)",
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
        type=_number,
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
        "--seed",
        type=_whole("the seed", 0),
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
    )


def dataset(arguments: argparse.Namespace) -> Dataset:
    """Load the data."""
    return load(arguments.data, target=arguments.target, missing=arguments.missing, task=arguments.task)


def _whole(what: str, least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"{what} must be a whole number from {least} on, but is {text!r}")
        return number

    return parse


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"this must be a number such as 0.1, but is {text!r}") from None


def _sizes(text: str) -> tuple[int, ...]:
    parts: list[Any] = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(
            f"layer sizes must be whole numbers from 1 on, such as 128,64, but are {text!r}"
        )
    return tuple(int(part) for part in parts)
