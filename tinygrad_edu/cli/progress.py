"""Progress while training: a live bar on a terminal, a plain line for each model elsewhere."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from tinygrad_edu.errors import optional_import
from tinygrad_edu.training import Callback

if TYPE_CHECKING:
    from tinygrad_edu.training import Recorder

__all__ = ["Display"]

_EVERY = 0.05  # seconds between two looks at a bar; more often nobody sees


class Display:
    """Shows on standard error what is being trained, so that standard output holds results alone.

    Parameters
    ----------
    quiet
        Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        progress = optional_import("rich.progress", extra="cli", purpose="Showing progress")
        console = optional_import("rich.console", extra="cli", purpose="Showing progress").Console(file=sys.stderr)
        self.quiet = quiet
        self.live = console.is_terminal and not quiet
        self._bars = progress.Progress(
            progress.TextColumn("{task.description:<28}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[note]}"),
            console=console,
            disable=not self.live,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def begin(self, name: str, epochs: int | None, *, each_update: bool = True) -> Bar:
        """Announce a model; where the number of epochs is not known the bar only moves.

        Without `each_update` the bar moves after each epoch, so that whole epochs can be handed to a compiled step.
        """
        kind = LiveBar if self.live and each_update else Bar
        return kind(self, name, self._bars.add_task(name, total=epochs, note=""))

    def update(self, task: Any, **fields: Any) -> None:
        """Redraw a bar."""
        self._bars.update(task, **fields)

    def line(self, text: str) -> None:
        """Print a line where there are no bars."""
        if not self.live and not self.quiet:
            print(text, file=sys.stderr, flush=True)


class Bar(Callback):
    """One model's bar; as a callback it follows `fit`."""

    def __init__(self, display: Display, name: str, task: Any) -> None:
        self._display, self._name, self._task = display, name, task

    def on_epoch_end(self, run: Recorder) -> None:
        """Move the bar to the end of the epoch."""
        if self._display.live:
            self._display.update(self._task, completed=len(run.epochs), note=f"loss {run.epochs[-1].loss:.4f}")

    def finish(self, note: str) -> None:
        """Fill the bar, and say how it went."""
        self._display.update(self._task, total=1, completed=1, note=note)
        self._display.line(f"{self._name}: {note}")


class LiveBar(Bar):
    """A bar that moves within an epoch too."""

    _next = 0.0

    def on_update_end(self, run: Recorder) -> None:
        """Move the bar, from time to time."""
        if monotonic() >= self._next:
            self._next = monotonic() + _EVERY
            done: float = len(run.epochs)
            if run.epochs:  # the updates of one epoch are known once there was one
                done = len(run.losses) / (run.epochs[-1].updates / len(run.epochs))
            self._display.update(self._task, completed=done, note=f"loss {run.losses[-1]:.4f}")
