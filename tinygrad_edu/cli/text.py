"""Sentences for a terminal, where words are not cut in two at the edge, and an encoding may lack our characters."""

from __future__ import annotations

import codecs
import re
import shutil
import sys
import textwrap
import unicodedata
from typing import TextIO

__all__ = ["SPELLED", "say", "sentences"]

SPELLED = "tinygrad_edu.spelled"
"""What to give as ``errors=`` to a stream: it then spells what its encoding lacks, such as alpha for α."""

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿᵀ", "0123456789+-()nT", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_SIGNS = dict(zip("×·−–—’‘“”│─━└┤•∂≈", "x*---''\"\"|--+|*d~", strict=True))
_WORDS = {"…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "±": "+-"}
_WORDS |= {"∞": "inf", "√": "sqrt ", "∇": "grad ", "Σ": "sum", "°": " deg"}


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding lacks: 10⁷⁵ as 10^75, w₁₂ as w_12, and the rest character by character."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text, at = error.object, error.start
    for sign, digits in (("^", _RAISED), ("_", _LOWERED)):
        if text[at] in digits:
            end = next((i for i in range(at, len(text)) if text[i] not in digits), len(text))
            # An encoding that has ² but not ⁴ has written half of a power before it asks: rather none than a wrong one.
            half = at > 0 and text[at - 1] in digits
            return "?" * (end - at) if half else sign + "".join(digits[each] for each in text[at:end]), end
    return _plain(text[at]), at + 1


def _plain(character: str) -> str:
    """Spell one character with ASCII: Greek letters by their names, others without their accents.

    >>> [_plain(character) for character in "αΘ×ŷé☃"]
    ['alpha', 'theta', 'x', 'y^', 'e', '?']
    """
    if known := _SIGNS.get(character) or _WORDS.get(character):
        return known
    name = unicodedata.name(character, "")
    if name.startswith("GREEK") and " LETTER " in name:
        return name.split(" LETTER ")[1].split()[0].lower()
    taken_apart = unicodedata.normalize("NFKD", character).replace("\u0302", "^")
    return taken_apart.encode("ascii", "ignore").decode() or "?"


codecs.register_error(SPELLED, _spell)


def sentences(text: str) -> str:
    """Begin a line with each sentence.

    Examples
    --------
    >>> print(sentences("A step of 0.1 is short. Is 1.1 too long? It is."))
    A step of 0.1 is short.
    Is 1.1 too long?
    It is.
    """
    return re.sub(r"(?:(?<=[.?!])|(?<=[.?!]\))) +(?=\(?[^\W\d_]|\(\d\))", "\n", text)


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
