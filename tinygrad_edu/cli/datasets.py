"""The command ``datasets``: what there is to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.data import DATASETS

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes: nothing."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - as the other commands
    """Print a line for each data set, and give the exit status, 0."""
    rows = [(name, e.task, f"{e.n_examples:,} × {e.n_features}", e.description) for name, e in DATASETS.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    print("\nA CSV or TSV file works too: tinygrad-edu compare FILE --target COLUMN")
    return 0
