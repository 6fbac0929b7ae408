"""A descent as a moving picture: step by step down the curve, across the map, or along its losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tinygrad_edu.learn.grids import Tangent
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.visualize.contour import draw_ground, draw_trail, landscape
from tinygrad_edu.visualize.curve import curve_of, draw_curve, draw_path, draw_tangent, in_picture
from tinygrad_edu.visualize.descent import plot_losses
from tinygrad_edu.visualize.figures import PALETTE, describe, new_figure, unseen
from tinygrad_edu.visualize.moving import animate, check_frames
from tinygrad_edu.visualize.words import counted, number, typeset

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from tinygrad_edu.learn.grids import Function
    from tinygrad_edu.traces import Step, Trace

__all__ = ["FRAMES", "animate_descent"]

FRAMES = 100
"""How many frames an animation has at most, unless more are asked for."""


@unseen()
def animate_descent(
    f: Function | None,
    trace: Trace,
    path: str | os.PathLike[str] = "descent.gif",
    *,
    fps: float = 8.0,
    frames: int = FRAMES,
    progress: bool = True,
) -> Path:
    """Write a descent as a moving picture: each frame is a step, with the tangent and the numbers there.

    One variable moves down its curve, two move across a map, more along their losses. Of a long descent evenly
    spaced steps are shown, the first and the last among them; one that diverges is shown until it leaves the picture.

    Parameters
    ----------
    f
        What the descent went down on; None for the formula that the trace holds, if it holds one.
    trace
        The descent.
    path
        The file to write; its ending says whether as ``.gif``, or as ``.mp4``, which needs the program ffmpeg.
    fps
        Frames a second.
    frames
        How many frames at most, 2 to 1000.
    progress
        Whether to show a bar on standard error, where that is a terminal and the library rich is installed.

    Returns
    -------
    The file.

    Raises
    ------
    OptionError
        If an option is out of range, the ending names no kind of animation, or the file cannot be written.
    MissingDependencyError
        If matplotlib or Pillow is not installed, or ffmpeg for an MP4.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import tinygrad_edu as tg
    >>> trace = tg.minimize("x**2", start=-6.0, lr=0.9, max_steps=3)
    >>> with TemporaryDirectory() as folder:
    ...     animate_descent("x**2", trace, folder + "/descent.gif").name
    'descent.gif'
    """
    check_frames(frames, usual=FRAMES)
    known = f if f is not None else trace.formula or None
    if known is not None and np.ndim(trace.x) == 0:
        ax, draw, last = _down_the_curve(known, trace)
    elif known is not None and np.shape(trace.x) == (2,):
        ax, draw, last = _across_the_map(known, trace)
    else:
        ax, draw, last = _along_the_losses(trace)
    steps = spread(last + 1, frames)
    return animate(lambda i: draw(int(steps[i])), len(steps), path, figure=ax, fps=fps, progress=progress)


def _stage(width: float, height: float) -> Axes:
    """Make axes for an animation: of no window, and of the same size wherever they are drawn."""
    return new_figure(window=False, figsize=(width, height), dpi=100, layout="constrained").add_subplot()


class _Layer:
    """The artists of the last frame, which are taken away before the next."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        self.artists: list[Artist] = []

    def clear(self) -> None:
        for artist in self.artists:
            artist.remove()
        self.artists = []

    def say(self, title: str, caption: str) -> None:
        describe(self.ax, title, caption)
        self.artists += [text for text in self.ax.texts if text.get_gid() == "caption"]


_Scene: TypeAlias = "tuple[Axes, Callable[[int], list[Artist]], int]"
"""The axes, the function that draws the frame of a step, and the last step worth showing."""


def _down_the_curve(f: Function, trace: Trace) -> _Scene:
    record = curve_of(f, trace, None, ())
    ax = _stage(6.4, 4.4)
    draw_curve(ax, record)
    layer, title = _Layer(ax), f"{ax.get_ylabel()} = {typeset(record.text)}"
    inside = in_picture(ax, trace.points, trace.losses)
    last = len(trace) - 1 if inside.all() or inside[-1] else int(np.argmin(inside))

    def draw(i: int) -> list[Artist]:
        layer.clear()
        step = trace[i]
        layer.artists += draw_path(ax, trace, upto=i + 1, labels=False)
        if step.gradient is not None and inside[i]:
            layer.artists += draw_tangent(ax, Tangent(float(step.point), step.loss, float(step.gradient)))
        layer.say(title, _next_step(record.variable, trace, i) if i < last else _end(record.variable, trace, last))
        return layer.artists

    return ax, draw, last


def _next_step(x: str, trace: Trace, i: int) -> str:
    """Say what the step computes: x ← x - α · slope, where it was one of plain gradient descent."""
    step = trace[i]
    here = f"Step {step.k}: {x} = {number(float(step.point), 4)}"
    if step.gradient is None:
        return f"{here}."
    slope = float(step.gradient)
    here = f"{here}, slope {number(slope, 4)}"
    if i + 1 == len(trace) or trace[i + 1].k != step.k + 1:
        return f"{here}."
    then = float(trace[i + 1].point)
    if np.isclose(then, float(step.point) - step.learning_rate * slope, rtol=1e-9, atol=0.0):
        bracketed = f"({number(slope, 4)})" if slope < 0 else number(slope, 4)
        return (
            f"{here}.  {x} ← {number(float(step.point), 4)} − {number(step.learning_rate)} · {bracketed} "
            f"= {number(then, 4)}"
        )
    return f"{here}. On to {number(then, 4)}."


def _end(x: str, trace: Trace, last: int) -> str:
    """Say where the animation ends, and what ended the descent."""
    step = trace[last]
    slope = "not computed" if step.gradient is None else number(float(step.gradient), 4)
    ended = f"Ended by: {trace.stop_reason}, after {counted(trace.n_steps, 'step')}."
    return f"Step {step.k}: {x} = {number(float(step.point), 4)}, slope {slope}. {ended}"


def _across_the_map(f: Function, trace: Trace) -> _Scene:
    record = landscape(f, {"": trace}, None, None)
    ax = _stage(6.4, 5.2)
    draw_ground(ax, record)
    layer, title = _Layer(ax), f"z = {typeset(record.text)}"
    across, up = trace.points.T
    inside = in_picture(ax, across, up)
    last = len(trace) - 1 if inside.all() or inside[-1] else int(np.argmin(inside))

    def draw(i: int) -> list[Artist]:
        layer.clear()
        layer.artists += draw_trail(ax, trace, color=PALETTE["vermilion"], upto=i + 1)
        layer.say(title, _where(record.variables, trace[i]))
        return layer.artists

    return ax, draw, last


def _where(variables: tuple[str, str], step: Step) -> str:
    names = zip(variables, np.ravel(step.point).tolist(), strict=True)
    place = ", ".join(f"{name} = {number(value)}" for name, value in names)
    return f"Step {step.k}: {place}; loss {number(step.loss)}, length of the gradient {number(step.slope)}."


def _along_the_losses(trace: Trace) -> _Scene:
    ax = plot_losses(trace, title="", caption="", ax=_stage(6.4, 4.4))
    ax.get_lines()[0].set_alpha(0.3)
    layer = _Layer(ax)

    def draw(i: int) -> list[Artist]:
        layer.clear()
        step = trace[i]
        layer.artists += ax.plot(trace.ks[: i + 1], trace.losses[: i + 1], color=PALETTE["blue"], linewidth=2)
        layer.artists += ax.plot([step.k], [step.loss], "o", color=PALETTE["vermilion"], markersize=7, zorder=5)
        known = "not computed" if np.isnan(step.loss) else number(step.loss)
        layer.say("Loss against steps", f"Step {step.k}: loss {known}.")
        return layer.artists

    return ax, draw, len(trace) - 1
