"""What all figures share: colours that everybody can tell apart, and safe writing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.storage import replace_file

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

__all__ = ["COLORS", "new_figure", "save_figure"]

# Okabe and Ito's palette, told apart with every kind of colour vision.
COLORS = {"batch": "#0072B2", "stochastic": "#E69F00", "mini-batch": "#009E73"}


def new_figure(**options: Any) -> Figure:
    """Make an empty figure that belongs to no window.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    figure: Figure = optional_import("matplotlib.figure", extra="cli", purpose="Drawing figures").Figure(**options)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file, all or nothing; the ending (.png, .svg, .pdf) says as what.

    Raises
    ------
    OptionError
        If the file cannot be written, or the ending names no kind of picture.
    """
    file = Path(path)
    content = io.BytesIO()
    try:
        figure.savefig(content, format=file.suffix.lstrip(".") or "png", dpi=150)
        replace_file(file, content.getvalue())
    except (OSError, ValueError) as error:
        raise OptionError(f"The figure cannot be written to {str(file)!r}: {error}.") from error
    return file
