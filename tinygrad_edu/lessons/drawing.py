"""Words above the figures of lessons, with true minus signs and powers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.visualize.figures import describe
from tinygrad_edu.visualize.words import proper, typeset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["headline"]


def headline(ax: Axes, title: str, caption: str, *, formula: str = "") -> None:
    """Write a title, and in smaller letters what there is to see; a formula in them is set as on paper.

    >>> from tinygrad_edu.visualize.figures import new_axes
    >>> ax = new_axes()
    >>> headline(ax, "y = x**2", "From -6 on.", formula="x**2")
    >>> ax.get_title(loc="left"), ax.texts[0].get_text()
    ('y = x²', 'From −6 on.')
    """
    if formula:
        title, caption = title.replace(formula, typeset(formula)), caption.replace(formula, typeset(formula))
    describe(ax, title, proper(caption))
