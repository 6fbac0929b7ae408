"""How wide a text will be, without a font at hand.

The advance widths are those of DejaVu Sans, the widest of the usual sans-serif fonts: where the viewer has Helvetica or
Arial, the text is narrower than the space left for it, and never wider.
"""

from __future__ import annotations

import unicodedata
from functools import cache

__all__ = ["shortened", "text_width"]

# In fiftieths of the font's size, rounded up.
_WIDTHS = {
    14: "'ijl⁽⁾",
    15: "IJ",
    16: " ,.·",
    17: "/:;\\|",
    18: "f",
    19: "-",
    20: "()[]tᵀ",
    21: "!r²³₁₂¹",
    23: '"',
    25: "*_`",
    26: "∂",
    27: "?sz",
    28: "Lc",
    29: "Fk",
    30: "vxyγ",
    31: "PTYaeoδ",
    32: "$0123456789ESbdghnpqu{}βσΣμ√",
    33: "Kα",
    35: "ABCRVXZ",
    37: "U",
    38: "HN",
    39: "&DG",
    40: "OQ",
    41: "w",
    42: "#+<=>^~×→←−∞⊙≥≤",
    44: "M",
    48: "%",
    49: "m½",
    50: "@W…—",
}
_OF = {letter: width / 50 for width, letters in _WIDTHS.items() for letter in letters}
_BOLD = 1.17


@cache
def _letter(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0
    return 1.05 if unicodedata.east_asian_width(letter) in ("W", "F") else _OF.get(letter, 0.8)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate how many pixels wide a text of this size in pixels is, from above.

    Examples
    --------
    >>> text_width("tanh", 10) < text_width("tanh", 10, bold=True) < text_width("matmul", 10)
    True
    """
    return sum(map(_letter, text)) * size * (_BOLD if bold else 1)


def shortened(text: str, longest: int) -> str:
    """Cut a text in the middle, where both ends matter.

    Examples
    --------
    >>> shortened("encoder.layers.11.attention.weight", 20)
    'encoder.l…ion.weight'
    """
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[len(text) - (longest - 1 - half) :]}"
