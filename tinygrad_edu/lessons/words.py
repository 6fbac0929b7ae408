"""Words for numbers: what the sentences of the lessons are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bracketed", "counted", "listed", "number"]


def number(value: float) -> str:
    """Write a number with four digits, and no minus before a zero.

    >>> number(-0.0), number(43), number(2 / 3)
    ('0', '43', '0.6667')
    """
    return f"{value + 0.0:.4g}"


def bracketed(value: float) -> str:
    """Write a number as a factor: in brackets if it is negative.

    >>> bracketed(2.5), bracketed(-0.5)
    ('2.5', '(-0.5)')
    """
    return f"({number(value)})" if value < 0 else number(value)


def counted(n: int, one: str, many: str | None = None) -> str:
    """Count things.

    >>> counted(1, "step"), counted(1200, "step"), counted(2, "valley", "valleys")
    ('1 step', '1,200 steps', '2 valleys')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(things: Iterable[object]) -> str:
    """Join things with commas and a last "and".

    >>> listed(["a"]), listed([1, 2]), listed("abc")
    ('a', '1 and 2', 'a, b and c')
    """
    *most, last = map(str, things)
    return f"{', '.join(most)} and {last}" if most else last
