"""What a command draws of a descent: characters on a terminal, and a figure or an animation in a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_edu.cli import arguments as shared
from tinygrad_edu.cli.text import say
from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.visualize import animate_descent, plot_trace, save_figure, terminal_trace

if TYPE_CHECKING:
    import argparse

    from tinygrad_edu.traces import Trace

__all__ = ["STILL", "add_drawing_arguments", "check_drawing", "draw_characters", "draw_file"]

_MOVING = (".gif", ".mp4")
STILL = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
"""How the name of a figure's file may end."""


def add_drawing_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what can be drawn."""
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE",
        help="draw the descent to a file: .png, .svg or .pdf, or step by step as .gif (or .mp4, which needs ffmpeg)",
    )
    parser.add_argument("--no-plot", action="store_true", help="draw nothing between the lines of a terminal")


def check_drawing(arguments: argparse.Namespace) -> None:
    """Find out before the descent that its figure cannot be drawn, or written.

    Raises
    ------
    OptionError
        If the file's ending names no kind of picture, or nothing can be written there.
    MissingDependencyError
        If matplotlib is not installed.
    """
    if arguments.figure is None:
        return
    if arguments.figure.suffix.lower() not in (*STILL, *_MOVING):
        raise OptionError(
            f"--figure {str(arguments.figure)!r} should end with .png, .svg or .pdf for a figure, "
            "or with .gif or .mp4 for an animation."
        )
    optional_import("matplotlib", extra="plot", purpose="Drawing figures")
    shared.check_file("--figure", arguments.figure)


def draw_characters(trace: Trace, arguments: argparse.Namespace) -> None:
    """Draw the descent between the lines of a terminal; a file and a pipe get the numbers alone."""
    if sys.stdout.isatty() and not arguments.no_plot:
        drawn, _, sentence = terminal_trace(trace).rpartition("\n")
        print(f"\n{drawn}")
        say(sentence)


def draw_file(trace: Trace, arguments: argparse.Namespace) -> None:
    """Draw the descent to the file that was asked for, if one was."""
    if arguments.figure is None:
        return
    if arguments.figure.suffix.lower() in _MOVING:
        say(f"Animation: {animate_descent(None, trace, arguments.figure)}")
    else:
        say(f"Figure: {save_figure(plot_trace(trace), arguments.figure)}")
