"""A network while it learns: its decision boundary from step to step, as a moving picture."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.landscapes import boundary
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.visualize.boundary import plot_boundary
from tinygrad_edu.visualize.figures import new_figure, unseen
from tinygrad_edu.visualize.moving import animate, check_frames
from tinygrad_edu.visualize.words import number

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from matplotlib.transforms import Bbox
    from numpy.typing import ArrayLike

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.traces import Trace

__all__ = ["animate_boundary"]


@unseen()
def animate_boundary(
    model: Module,
    trace: Trace,
    X: ArrayLike,
    y: ArrayLike,
    path: str | os.PathLike[str] = "boundary.gif",
    *,
    fps: float = 6.0,
    frames: int = 40,
    points: int = 100,
    progress: bool = True,
    **options: Any,
) -> Path:
    """Write how the decision boundary of a model of two features moves while it learns.

    Of a long training evenly spaced steps are shown, the first and the last among them. The model itself is left as
    it is: a copy takes the weights of each step.

    Parameters
    ----------
    model
        The model that was trained.
    trace
        Its trace, from ``fit(..., trace=True)``.
    X, y
        Examples, (n, 2), and their targets, (n,).
    path
        The file to write; its ending says whether as ``.gif``, or as ``.mp4``, which needs the program ffmpeg.
    fps
        Frames a second.
    frames
        How many frames at most, 2 to 1000.
    points
        How many along each side of the grid on which the model is computed.
    progress
        Whether to show a bar on standard error, where that is a terminal and the library rich is installed.
    options
        What `plot_boundary` takes besides, such as ``class_names``.

    Returns
    -------
    The file.

    Raises
    ------
    ShapeError
        If the trace is that of another model.
    DataError
        If X has not two features.
    OptionError
        If an option is out of range, the ending names no kind of animation, or the file cannot be written.
    MissingDependencyError
        If matplotlib or Pillow is not installed, or ffmpeg for an MP4.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import tinygrad_edu as tg
    >>> moons, model = tg.data.moons(60), tg.nn.MLP(2, [8], 2)
    >>> descent = tg.optim.Adam(model.parameters(), lr=0.01)
    >>> run = tg.fit(
    ...     model, moons.X, moons.y, loss=tg.nn.CrossEntropyLoss(), optimizer=descent, epochs=3, trace=True
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     animate_boundary(model, run.trace, moons.X, moons.y, folder + "/moons.gif", frames=2, points=20).name
    'moons.gif'
    """
    check_frames(frames, usual=40)
    moved = copy.deepcopy(model).eval()
    weights = dict(moved.named_parameters())
    if {part.name: tuple(part.shape) for part in trace.parts} != {name: w.shape for name, w in weights.items()}:
        raise ShapeError(
            f"The trace is not that of this {type(model).__name__}: its parameters are other ones. Give the model that "
            "was trained, and the trace of fit(..., trace=True)."
        )
    steps = spread(len(trace), frames)
    figure = new_figure(window=False, figsize=(6.2, 5), dpi=100, layout="constrained")
    places: list[Bbox] = []  # of the axes, and of a colour bar if there is one: as the first frame's layout has them

    def draw(i: int) -> None:
        if not places:
            places.extend(axes.get_position() for axes in figure.axes)
        figure.clear()
        step = trace[int(steps[i])]
        for name, array in trace.unflatten(step.point).items():
            weights[name].array[...] = array
        loss = "" if np.isnan(step.loss) else f", loss of its batch {number(step.loss)}"
        field = boundary(moved, X, y, points=points)
        words = {"title": f"Step {step.k:,}{loss}"} | options
        plot_boundary(field, X, y, ax=figure.add_subplot(), **words)
        for axes, place in zip(figure.axes, places, strict=False):
            axes.set_position(place)

    return animate(draw, len(steps), path, figure=figure, fps=fps, progress=progress)
