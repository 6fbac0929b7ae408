"""Ctrl-C between updates: a step that has begun is finished first, so that the weights are those of whole steps."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["WholeSteps"]


class WholeSteps:
    """Within the block, Ctrl-C waits while `busy` is set; a second Ctrl-C does not wait.

    An update changes one array after the other, and an interruption between two of them would leave weights that
    belong to no step. So who makes a step sets `busy` before it and calls `done` after it. Outside of steps Ctrl-C
    raises KeyboardInterrupt at once, as always. A program that handles SIGINT itself, and any thread but the main
    one, which gets no signals, is left alone.

    Examples
    --------
    >>> with WholeSteps() as steps:
    ...     steps.busy = True
    ...     signal.raise_signal(signal.SIGINT)
    ...     print("The step is finished.")
    ...     try:
    ...         steps.done()
    ...     except KeyboardInterrupt:
    ...         print("Interrupted.")
    The step is finished.
    Interrupted.
    """

    def __init__(self) -> None:
        self.busy = self.asked = False
        self._installed = False

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)
            self._installed = True
        return self

    def __exit__(self, *exception: object) -> None:
        # Whoever has put a handler of their own there meanwhile, a callback say, keeps it.
        if self._installed and signal.getsignal(signal.SIGINT) == self._interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> Any:
        if self.busy and not self.asked:
            self.asked = True
            return
        raise KeyboardInterrupt

    def done(self) -> None:
        """Say that the step is finished, and raise if Ctrl-C was pressed meanwhile."""
        self.busy = False
        if self.asked:
            self.asked = False
            raise KeyboardInterrupt
