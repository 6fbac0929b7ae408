"""The command line: ``tinygrad-edu compare digits``.

Each command is a module with ``add_arguments(parser)`` and ``run(arguments) -> exit status``. What the user got
wrong ends with one sentence and status 2, Ctrl-C with status 130.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from tinygrad_edu import __version__
from tinygrad_edu.errors import TinygradEduError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

COMMANDS = {
    "compare": "train by batch, stochastic and mini-batch gradient descent, beside scikit-learn",
    "train": "train one model and save it",
    "predict": "predict from a table with a saved model",
    "descend": "follow the slope of a formula downhill, step by step",
    "datasets": "list the data sets",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and give the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _parser(argv).parse_args(argv)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except TinygradEduError as error:
        print(f"tinygrad-edu: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left, as `head` does. Python must not complain on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tinygrad-edu", description="Learn gradient descent, and train small models with it."
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        # A command's module loads what it needs, so only the one that was asked for is imported.
        if name in argv:
            module = importlib.import_module(f"tinygrad_edu.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
