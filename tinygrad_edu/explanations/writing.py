"""Templates filled with names and with numbers, as one would write them by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.graphs.numbers import index_text, number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["derivative", "equation", "fill", "options_of"]

_PLACE = re.compile(r"\{(\w+)\}")
_INSIDE = ("", "(", "|", ", ", " if ")
_TIGHT = tuple("^ᵀ⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put texts in a template's places; a negative number within a formula gets parentheses.

    Examples
    --------
    >>> fill("{0} · {1}", {"0": "2", "1": "-3"}), fill("{0}²", {"0": "-3"}), fill("tanh({0})", {"0": "-3"})
    ('2 · (-3)', '(-3)²', 'tanh(-3)')
    """

    def put(match: re.Match[str]) -> str:
        text = values[match[1]]
        before, after = template[: match.start()], template[match.end() :]
        alone = any(before.endswith(edge) and (edge or not before) for edge in _INSIDE)
        tight = after.startswith(_TIGHT)
        signed = text.startswith("-") and (tight or not alone)
        return f"({text})" if signed or (tight and " " in text and not text.startswith("[")) else text

    return _PLACE.sub(put, template)


def equation(*parts: str) -> str:
    """Join what is equal, each once: "c = a · b = 2 · 3 = 6".

    Examples
    --------
    >>> equation("c", "a · b", "2 · 3", "6"), equation("c", "1", "1")
    ('c = a · b = 2 · 3 = 6', 'c = 1')
    """
    kept: list[str] = []
    for part in parts:
        if part and (not kept or part != kept[-1]):
            kept.append(part)
    return " = ".join(kept)


def derivative(of: str, by: str) -> str:
    """Write dL/dw; a name that is more than one word of letters gets parentheses.

    Examples
    --------
    >>> derivative("L", "w"), derivative("L", "0.weight")
    ('dL/dw', 'dL/d(0.weight)')
    """
    return "/".join(f"d{name}" if name.isidentifier() or name.isalnum() else f"d({name})" for name in (of, by))


def options_of(name: str, arrays: Any, out: Any, options: Mapping[str, Any]) -> dict[str, str]:
    """Give the texts of a row's options, and of what follows from them."""
    texts = {key: _option(value) for key, value in options.items()}
    if "index" in options:
        texts["index"] = index_text(options["index"])
    texts.setdefault("dtype", "another dtype")
    texts.setdefault("negative_slope", "0.01")
    texts.setdefault("alpha", "1")
    if arrays and np.size(out):
        texts["n"] = str(np.size(arrays[0]) // np.size(out))
    if name == "negative_log_likelihood":
        n = np.size(arrays[1])
        texts["share"] = f" / {n}" if options.get("reduction") == "mean" and n > 1 else ""
    return texts


def _option(value: Any) -> str:
    if isinstance(value, (bool, int, float, np.number, np.bool)):
        return number_text(value)
    if isinstance(value, (type, np.dtype)):
        return str(np.dtype(value))
    return repr(value)
