"""The command line: ``tinygrad-edu compare digits``.

Each command is a module with ``add_arguments(parser)`` and ``run(arguments) -> exit status``. What the user got
wrong ends with one sentence and status 2, Ctrl-C with status 130.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from tinygrad_edu import __version__
from tinygrad_edu.cli.text import SPELLED, say
from tinygrad_edu.errors import OptionError, TinygradEduError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

COMMANDS = {
    "compare": "train by batch, stochastic and mini-batch gradient descent, beside scikit-learn",
    "train": "train one model and save it",
    "predict": "predict from a table with a saved model",
    "descend": "follow the slope of a formula downhill, step by step",
    "lesson": "show a lesson on gradient descent: words, numbers, a figure, a script",
    "datasets": "list the data sets",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and give the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    _ready_streams()
    try:
        arguments = _parser(argv).parse_args(argv)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except TinygradEduError as error:
        say(f"tinygrad-edu: {error}", sys.stderr)
        return 2
    except MemoryError as error:
        say(f"tinygrad-edu: There is not enough memory: {error}. Choose a smaller network or table.", sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("\nInterrupted.", sys.stderr)
        return 130
    except OSError as error:
        # Python must not try once more on its way out, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read our output has left, as `head` does
            return 141
        say(f"tinygrad-edu: The output cannot be written: {error.strerror or error}.", sys.stderr)
        return 2
    return status


def _ready_streams() -> None:
    """Let output go on where a stream is closed, and spell what its encoding lacks, such as α or ²."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SPELLED)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, and not the usage, which is longer than that."""

    def error(self, message: str) -> NoReturn:
        if message.endswith("expected one argument"):
            message += ' (after an equals sign if it begins with a minus, such as "--start=-1,2")'
        if re.fullmatch(r"unrecognized arguments:( -?[\d.,]+)+", message):
            message += " (several numbers are one argument, with commas between them: 3,4)"
        raise OptionError(f"{message[0].upper()}{message[1:]}. See: {self.prog} --help")


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="tinygrad-edu", description="Learn gradient descent, and train small models with it.")
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
