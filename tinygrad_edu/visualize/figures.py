"""What all figures share: axes to draw on, colours that everybody can tell apart, words above, and safe writing."""

from __future__ import annotations

import io
import sys
import textwrap
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.storage import replace_file
from tinygrad_edu.visualize.given import check_words

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLORS",
    "DIVERGING",
    "PALETTE",
    "SEQUENTIAL",
    "describe",
    "figure_of",
    "name_colors",
    "new_axes",
    "new_figure",
    "save_figure",
    "unseen",
]

# Okabe and Ito's palette, told apart with every kind of colour vision: https://jfly.uni-koeln.de/color/
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
    "yellow": "#F0E442",
}
COLORS = {"batch": PALETTE["blue"], "stochastic": PALETTE["orange"], "mini-batch": PALETTE["green"]}

SEQUENTIAL = "cividis"
"""The colour map for amounts: it grows lighter evenly, for every kind of colour vision."""
DIVERGING = "PuOr"
"""The colour map for amounts on both sides of 0: white in the middle, and no red against green."""

_WINDOWLESS = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
_TITLE, _CAPTION = 11.0, 9.0  # points
_REACH = 0.4  # of what narrow axes leave of their place; they stand in its middle
_FULL = 1.12  # times half its height is the width of an average letter
_LINE = 1.3  # from one line of text to the next, in font sizes


def new_figure(*, window: bool = True, **options: Any) -> Figure:
    """Make an empty figure.

    It belongs to no window, unless pyplot has one to show: then ``plt.show()`` and a notebook find it, as they would
    any other.

    Parameters
    ----------
    window
        Whether it may belong to one; not if it is only made to be written to a file.
    options
        What matplotlib's Figure takes, such as ``figsize=(6, 4)`` in inches.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    library = optional_import("matplotlib.figure", extra="plot", purpose="Drawing figures")
    if window and ("matplotlib.pyplot" in sys.modules or "ipykernel" in sys.modules):
        pyplot = optional_import("matplotlib.pyplot", extra="plot", purpose="Drawing figures")
        if pyplot.get_backend().lower() not in _WINDOWLESS:
            shown: Figure = pyplot.figure(**options)
            return shown
    figure: Figure = library.Figure(**options)
    return figure


@contextmanager
def unseen() -> Iterator[None]:
    """Let nobody see the figures that are made meanwhile: a notebook would show each beside what is made of it.

    Examples
    --------
    >>> with unseen():
    ...     ax = new_axes()
    """
    pyplot = sys.modules.get("matplotlib.pyplot")
    before = set(pyplot.get_fignums()) if pyplot else set()
    try:
        yield
    finally:
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            for made in set(pyplot.get_fignums()) - before:
                pyplot.close(made)


def new_axes(
    ax: Axes | None = None, *, projection: str | None = None, figsize: tuple[float, float] = (6.4, 4.4)
) -> Axes:
    """Take the axes that were given, or make a figure with one.

    Parameters
    ----------
    ax
        The axes to draw on; None for new ones.
    projection
        ``"3d"`` for a surface; None for a plane.
    figsize
        The width and height of a new figure in inches.

    Raises
    ------
    OptionError
        If `ax` is no axes, or of another projection.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> ax = new_axes(figsize=(3, 2))
    >>> new_axes(ax) is ax
    True
    """
    if ax is None:
        figure = new_figure(figsize=figsize, layout="constrained")
        made: Axes = figure.add_subplot(projection=projection)
        return made
    if not hasattr(ax, "get_xlim"):
        raise OptionError(
            f"ax must be the axes of a matplotlib figure, but is {type(ax).__name__}. "
            "Leave it out for a new figure, or give figure.add_subplot()."
        )
    needed = projection or "rectilinear"
    if ax.name != needed:
        how = f"projection={projection!r}" if projection else ""
        raise OptionError(f"ax is a {ax.name} drawing, but this needs {needed}. Make it by figure.add_subplot({how}).")
    return ax


def figure_of(ax: Axes) -> Figure:
    """Give the whole figure that axes belong to, which may be several subfigures up."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise OptionError("These axes belong to no figure any more. Draw the figure anew.")
    return figure


def describe(ax: Axes, title: str, caption: str = "") -> None:
    """Write a title above the axes, and under it in smaller letters what there is to see.

    Parameters
    ----------
    ax
        The axes.
    title
        What the figure shows, in a few words.
    caption
        What to look at, in a sentence or two; broken into lines as wide as the axes.

    Examples
    --------
    >>> ax = new_axes()
    >>> describe(ax, "y = x²", "Each step is shorter than the one before.")
    >>> ax.get_title(loc="left")
    'y = x²'
    """
    check_words(title=title, caption=caption)
    lines = textwrap.wrap(caption, _letters(ax, 0.5 * _CAPTION, least=20))
    for old in [text for text in ax.texts if text.get_gid() == "caption"]:
        old.remove()
    room = (10 if lines else 6) + len(lines) * _CAPTION * _LINE
    shorter = textwrap.fill(title, _letters(ax, 0.6 * _TITLE, least=12))
    ax.set_title(shorter, loc="left", fontsize=_TITLE, fontweight="bold", pad=room)
    if lines:
        ax.annotate(
            "\n".join(lines),
            (0, 1),
            xytext=(0, 5),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom",
            fontsize=_CAPTION,
            linespacing=_LINE,
            color="#404040",
            gid="caption",
            annotation_clip=False,
        )


def _letters(ax: Axes, size: float, *, least: int) -> int:
    """Give how many letters of so many points fit above the axes.

    Axes of a fixed aspect may be narrower than the place that they have, and no layout makes them wider: there the
    letters, which the layout's gain elsewhere leaves room for, are counted in full, and may reach out to the right.
    """
    place = ax.get_position(original=True).width
    fixed = ax.get_aspect() != "auto" and ax.name == "rectilinear"
    if fixed:
        ax.apply_aspect()
        narrow = ax.get_position().width
        place = narrow + _REACH * (place - narrow)
    width = place * figure_of(ax).get_figwidth() * 72
    return max(int(width / (size * (_FULL if fixed else 1.0))), least)


def name_colors(names: Iterable[str]) -> dict[str, str]:
    """Give each name a colour: the three regimes have their own, the others take turns.

    Examples
    --------
    >>> name_colors(["batch", "Adam"])
    {'batch': '#0072B2', 'Adam': '#D55E00'}
    """
    turns = cycle(color for name, color in PALETTE.items() if name not in {"blue", "orange", "green", "yellow"})
    ordinary = cycle(PALETTE.values())
    names = list(names)
    others = turns if COLORS.keys() & set(names) else ordinary
    return {name: COLORS.get(name) or next(others) for name in names}


def save_figure(figure: Figure | Axes | Sequence[Axes], path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file, all or nothing; the ending (.png, .svg, .pdf) says as what.

    Parameters
    ----------
    figure
        The figure, or axes of it, such as every ``plot_...`` gives.
    path
        The file to write; a file that is there is replaced.

    Returns
    -------
    The file.

    Raises
    ------
    OptionError
        If the file cannot be written, or the ending names no kind of picture.
    """
    drawn: Any = figure[0] if isinstance(figure, (list, tuple)) and figure else figure
    if not (hasattr(drawn, "savefig") or hasattr(drawn, "get_figure")):
        raise OptionError(
            f"save_figure writes a figure, or axes such as plot_curve gives, but was given {drawn!r}. "
            'Write save_figure(plot_curve("x**2"), "curve.png"), for example.'
        )
    whole = drawn if hasattr(drawn, "savefig") else figure_of(drawn)
    file = _picture(path)
    content = io.BytesIO()
    try:
        whole.savefig(content, format=file.suffix.lstrip("."), dpi=150)
        replace_file(file, content.getvalue())
    except (OSError, ValueError) as error:
        raise OptionError(f"The figure cannot be written to {str(file)!r}: {error}.") from error
    return file


def _picture(path: str | os.PathLike[str]) -> Path:
    """Take the name of a picture, which must have an ending and lie in a folder that is there."""
    try:
        file = Path(path)
    except TypeError:
        raise OptionError(f"A figure is written to a file such as 'curve.png', but was given {path!r}.") from None
    if not file.suffix:
        raise OptionError(
            f"The figure cannot be written to {str(file)!r}: it has no ending that says as what. "
            f"Call it {file.name + '.png'!r}."
        )
    if not file.absolute().parent.is_dir():
        raise OptionError(
            f"The figure cannot be written to {str(file)!r}: there is no folder {str(file.parent)!r}. Make it first."
        )
    return file
