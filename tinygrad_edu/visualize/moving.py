"""Making a moving picture, GIF or MP4, of anything that can be drawn for a number: `animate`."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu.errors import MissingDependencyError, OptionError, optional_import
from tinygrad_edu.storage import replace_file
from tinygrad_edu.visualize.figures import figure_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["animate", "check_frames"]

MOST = 1000
"""The most frames of one animation."""

_WHITE = 248  # of 255; what is lighter is white
_COLORS = 128  # of a GIF, which has at most 256, and whose files grow with them


def animate(
    draw: Callable[[int], Sequence[Artist] | None],
    n_frames: int,
    path: str | os.PathLike[str],
    *,
    figure: Figure | Axes,
    fps: float = 10.0,
    hold: float = 2.0,
    progress: bool = True,
) -> Path:
    """Write a moving picture of a figure, all or nothing; the ending (.gif, .mp4) says as what.

    Parameters
    ----------
    draw
        Brings the figure to the frame of a number from 0 to `n_frames` - 1, whatever frame it showed before. If it
        gives the artists that it put there, only they are drawn anew in each frame, which is many times as fast;
        nothing else may then change. If it gives None, the whole figure is.
    n_frames
        How many frames, 1 to 1000.
    path
        The file to write. An MP4 needs the program ffmpeg.
    figure
        The figure that is drawn on, or axes of it. Its layout is settled before the first frame.
    fps
        Frames a second, above 0 and up to 50.
    hold
        How many seconds the last frame stays before a GIF begins again.
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
    >>> from tinygrad_edu.visualize.figures import new_axes
    >>> ax = new_axes(figsize=(2, 2))
    >>> _ = ax.set(xlim=(0, 9), ylim=(-1, 1))
    >>> (dot,) = ax.plot([0], [0], "o")
    >>> def draw(i):
    ...     dot.set_xdata([i])
    ...     return [dot]
    >>> with TemporaryDirectory() as folder:
    ...     animate(draw, 10, Path(folder) / "dot.gif", figure=ax).read_bytes()[:6]
    b'GIF89a'
    """
    file = Path(path)
    whole: Any = figure if hasattr(figure, "savefig") else figure_of(figure)
    _check(n_frames, fps, hold)
    kind = file.suffix.lower()
    if kind not in {".gif", ".mp4"}:
        raise OptionError(f"An animation is written as .gif or .mp4, but the file is called {str(file)!r}.")
    program = _ffmpeg(file) if kind == ".mp4" else ""
    if not file.absolute().parent.is_dir():  # found out before the drawing, not after it
        raise OptionError(f"The animation cannot be written to {str(file)!r}: there is no such folder. Make it first.")
    drawn = 1 / fps, hold
    with _Canvas(whole, draw) as canvas:
        numbers = _counted(n_frames, progress=progress)
        content = _mp4(canvas, numbers, drawn, program) if program else _gif(canvas, n_frames, numbers, drawn)
    try:
        replace_file(file, content)
    except OSError as error:
        raise OptionError(f"The animation cannot be written to {str(file)!r}: {error}.") from error
    return file


def check_frames(frames: Any, *, usual: int) -> None:
    """Refuse what is no number of frames to show at most; `usual` is the remedy."""
    if not (isinstance(frames, (int, np.integer)) and not isinstance(frames, bool) and 2 <= frames <= MOST):
        raise OptionError(f"frames must be a whole number from 2 to {MOST}, but is {frames!r}. Try {usual}.")


def _check(n_frames: int, fps: float, hold: float) -> None:
    if not (isinstance(n_frames, (int, np.integer)) and not isinstance(n_frames, bool) and 1 <= n_frames <= MOST):
        raise OptionError(f"The number of frames must be a whole number from 1 to {MOST}, but is {n_frames!r}.")
    for name, value, low, high in (("fps", fps, 0.0, 50.0), ("hold", hold, -1e-9, 60.0)):
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if not (number and low < value <= high):
            least = "above 0" if low == 0 else "from 0"
            raise OptionError(f"{name} must be a number {least} up to {high:g}, but is {value!r}.")


# -------------------------------------------------------------------------------------------- the frames
class _Canvas:
    """Draws the frames of a figure as pixels, and leaves the figure on the canvas that it was on."""

    def __init__(self, figure: Figure, draw: Callable[[int], Sequence[Artist] | None]) -> None:
        self.figure, self.draw = figure, draw
        self.before, self.layout = figure.canvas, figure.get_layout_engine()
        agg = optional_import("matplotlib.backends.backend_agg", extra="plot", purpose="Drawing animations")
        self.canvas = agg.FigureCanvasAgg(figure)
        self.image = optional_import("PIL.Image", extra="plot", purpose="Drawing animations")
        self.ground: Any = None

    def __enter__(self) -> Self:
        moving = self.draw(0)
        self.canvas.draw()  # which settles the layout
        self.figure.set_layout_engine("none")
        if moving is not None:
            shown = [artist for artist in moving if artist.get_visible()]
            for artist in shown:
                artist.set_visible(False)
            self.canvas.draw()
            self.ground = self.canvas.copy_from_bbox(self.figure.bbox)
            for artist in shown:
                artist.set_visible(True)
        return self

    def __exit__(self, *exception: object) -> None:
        self.figure.set_canvas(self.before)
        self.figure.set_layout_engine(self.layout)

    def frame(self, i: int) -> Any:
        """Give frame i as a picture."""
        moving = self.draw(i)
        if self.ground is None or moving is None:
            self.canvas.draw()
        else:
            self.canvas.restore_region(self.ground)
            for artist in sorted(moving, key=lambda one: one.get_zorder()):
                self.figure.draw_artist(artist)
        size = self.canvas.get_width_height(physical=True)
        return self.image.frombytes("RGBA", size, bytes(self.canvas.buffer_rgba())).convert("RGB")


def _counted(n_frames: int, *, progress: bool) -> Iterator[int]:
    """Count the frames, with a bar where somebody can see it."""
    if progress and sys.stderr is not None and sys.stderr.isatty():
        try:
            bars = optional_import("rich.progress", extra="cli", purpose="Showing progress")
            console = optional_import("rich.console", extra="cli", purpose="Showing progress").Console(file=sys.stderr)
        except MissingDependencyError:
            pass
        else:
            yield from bars.track(range(n_frames), "Drawing frames", console=console, transient=True)
            return
    yield from range(n_frames)


# --------------------------------------------------------------------------------------------- the files
def _gif(canvas: _Canvas, n_frames: int, numbers: Iterator[int], timing: tuple[float, float]) -> bytes:
    """Write frames that share one palette: that of the first, the middle and the last."""
    samples = {i: canvas.frame(i) for i in sorted({0, n_frames // 2, n_frames - 1})}
    strip = canvas.image.new("RGB", (samples[0].width, len(samples) * samples[0].height))
    for place, sample in enumerate(samples.values()):
        strip.paste(sample, (0, place * sample.height))
    palette = strip.quantize(_COLORS, dither=canvas.image.Dither.NONE)
    colors = np.array(palette.getpalette()).reshape(-1, 3)
    colors[(colors >= _WHITE).all(axis=1)] = 255  # averaged with its neighbours, the ground is not quite white
    palette.putpalette(colors.reshape(-1).tolist())
    pictures = (samples[i] if i in samples else canvas.frame(i) for i in numbers)
    frames = [picture.quantize(palette=palette, dither=canvas.image.Dither.NONE) for picture in pictures]
    seconds, hold = timing
    durations = [round(1000 * seconds)] * (n_frames - 1) + [round(1000 * (seconds + hold))]
    stream = io.BytesIO()
    frames[0].save(
        stream, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False, disposal=1
    )
    return stream.getvalue()


def _ffmpeg(file: Path) -> str:
    program = shutil.which("ffmpeg")
    if program is None:
        raise MissingDependencyError(
            f"Writing {file.name!r} needs the program ffmpeg, which is not on the PATH. "
            f"Install it (https://ffmpeg.org/download.html), or name the file {file.with_suffix('.gif').name!r}."
        )
    return program


def _mp4(canvas: _Canvas, numbers: Iterator[int], timing: tuple[float, float], program: str) -> bytes:
    """Send the frames to ffmpeg, one after another."""
    seconds, hold = timing
    width, height = canvas.canvas.get_width_height(physical=True)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{1 / seconds:g}", "-i", "-"]
    even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.mp4"
        command = [program, "-loglevel", "error", "-y", *raw, *even, str(made)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
            try:
                _send(canvas, numbers, round(hold / seconds), process.stdin)
            except BaseException:
                process.kill()
                raise
            _, said = process.communicate()
        if process.returncode or not made.exists():
            reason = said.decode(errors="replace").strip().splitlines() or [
                f"it ended with status {process.returncode}"
            ]
            raise OptionError(f"ffmpeg could not write the animation: {reason[-1]}. The ending .gif needs no ffmpeg.")
        return made.read_bytes()


def _send(canvas: _Canvas, numbers: Iterator[int], held: int, stream: Any) -> None:
    """Write the pixels of each frame, and of the last one some times more, until nobody listens."""
    with contextlib.suppress(BrokenPipeError):  # why it left, ffmpeg says itself
        pixels = b""
        for i in numbers:
            pixels = canvas.frame(i).tobytes()
            stream.write(pixels)
        for _ in range(held):
            stream.write(pixels)
