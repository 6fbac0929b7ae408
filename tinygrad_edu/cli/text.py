"""Sentences for a terminal, where words are not cut in two at the edge."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TextIO

__all__ = ["say"]


def say(text: str, stream: TextIO | None = None) -> None:
    """Print text: on a terminal with each line broken between words, elsewhere as it is.

    Examples
    --------
    >>> say("A file and a pipe get long lines as they are.")
    A file and a pipe get long lines as they are.
    """
    stream = stream or sys.stdout
    if stream.isatty():
        width = max(shutil.get_terminal_size().columns, 20)
        wrapped = (
            textwrap.wrap(line, width, break_on_hyphens=False, break_long_words=False) for line in text.split("\n")
        )
        text = "\n".join("\n".join(lines) for lines in wrapped)
    print(text, file=stream, flush=True)
