"""Formulas and numbers as a figure writes them."""

from __future__ import annotations

import re

__all__ = ["counted", "number", "proper", "typeset"]

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def typeset(text: str) -> str:
    """Write a formula as on paper: x² for x**2, 2·x for 2*x.

    Examples
    --------
    >>> typeset("x**4 - 2*x**2 + 1e-3*x"), typeset("x**0.5")
    ('x⁴ − 2·x² + 1e-3·x', 'x^0.5')
    """
    text = re.sub(r"\*\*([0-9]+)(?![0-9.e])", lambda power: power[1].translate(_RAISED), text)
    text = re.sub(r"(?<![0-9.][eE])-", "−", text)
    return text.replace("**", "^").replace("*", "·")


def number(value: float, digits: int = 3) -> str:
    """Write a number as on paper: a true minus, powers of ten, and no minus before 0.

    Examples
    --------
    >>> number(-12.0), number(-0.0), number(3.75e7), number(1.5e-7, digits=2)
    ('−12', '0', '3.75×10⁷', '1.5×10⁻⁷')
    """
    return _raised(f"{value + 0.0:.{digits}g}")


def _raised(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    power = f"×10{str(int(exponent)).translate(_RAISED)}" if exponent else ""
    return mantissa.replace("-", "−") + power


def proper(sentence: str) -> str:
    """Give the numbers in a sentence their true minus and powers of ten.

    >>> proper("From -6 to 3.75e+07: a well-known step.")
    'From −6 to 3.75×10⁷: a well-known step.'
    """
    return re.sub(r"(?<!\w)-?\d+\.?\d*(e[+-]\d+)?", lambda found: _raised(found[0]), sentence)


def counted(n: int, what: str) -> str:
    """Count things.

    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"
