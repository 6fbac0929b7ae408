"""The record of a run: which array is which value of the program, and the instructions so far.

An array is known by its identity: one that an operation gave is that operation's result wherever it turns up again.
"""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.naming import identifier
from tinygrad_edu.compiler.numbers import CapturedNumber, refuse_number
from tinygrad_edu.compiler.primitives import WRITE
from tinygrad_edu.compiler.program import Instruction, Origin, Value
from tinygrad_edu.compiler.undo import State, Undo
from tinygrad_edu.debugging import PACKAGES
from tinygrad_edu.errors import CaptureError
from tinygrad_edu.tape import Node, Watcher, tick
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from numpy.typing import NDArray

__all__ = ["Recorder", "backward_of"]


class Recorder(Watcher):
    """What is known of a run so far."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.undo = Undo()
        self._start = tick()
        self._values: dict[int, Value] = {}
        self._kept: list[Any] = []  # while they live, no other array gets their identity
        self._states: dict[int, Value] = {}  # as they were before the step
        self._views: dict[int, list[Value]] = {}
        self._stale: dict[int, str] = {}
        self._wrapped: set[int] = set()
        self._outer_views: list[tuple[Node, str]] = []
        self._origins: dict[int, Origin] = {}  # of the instruction that made an array
        self._inside: list[str] = []
        self._origin: Origin | None = None
        self._lines: dict[tuple[str, int], str] = {}

    @property
    def updates(self) -> bool:
        """Whether the step changed any state."""
        return any(instruction.op is WRITE for instruction in self.instructions)

    def forget(self) -> None:
        """Let go of all arrays, so that whoever holds one besides can be found."""
        self._values.clear()
        self._kept.clear()
        self._states.clear()
        self._views.clear()

    # ------------------------------------------------------------------------------------------- values
    def value(self, name: str, kind: str, array: NDArray[Any], owner: Any = None) -> Value:
        """Note an array as a value of its own."""
        value = self._values[id(array)] = Value(name, kind, array, owner=owner)
        if kind == "state":
            self._states[id(array)] = value
        self._kept.append(array)
        return value

    def read(self, array: Any, node: Any = None) -> Any:
        """Give the value of what an operation reads; a number as it is."""
        if type(array) is not np.ndarray:
            if isinstance(array, CapturedNumber):
                refuse_number(array, self.line())
            return array
        value = self._values.get(id(array))
        if value is None:
            made_here = isinstance(node, Node) and node.order > self._start
            if isinstance(node, Tensor) and not made_here:
                if node.base is not None:
                    self._outer_views.append((node, self.line()))
                value = self.value(identifier(node.name or f"tensor_{len(self._kept)}"), "state", array, State(node))
            elif made_here and id(array) not in self._wrapped:
                value = self.value(f"constant_{len(self._kept)}", "constant", array)
            else:  # an array of the user's: read where it lies, for it may change
                value = self.value(f"array_{len(self._kept)}", "state", array)
        if id(array) in self._stale:
            raise CaptureError(
                f"At {self.line()}: this reads a view of {self._stale[id(array)]}, which was overwritten since. Take "
                f"the view again after the change."
            )
        return value

    def _read_all(self, arrays: Sequence[Any], sources: Sequence[Any]) -> tuple[Any, ...]:
        """Give the values of what an operation reads, and the numbers as they are."""
        if len(sources) != len(arrays):
            sources = [None] * len(arrays)
        known, stale, read = self._values, self._stale, []
        for array, source in zip(arrays, sources, strict=True):
            value = known.get(id(array)) if type(array) is np.ndarray else None
            read.append(value if value is not None and id(array) not in stale else self.read(array, source))
        return tuple(read)

    def given(self, node: Node) -> None:
        """Note that a Tensor was made around an array, which may be the user's and change later."""
        if id(node.array) not in self._values:
            self._wrapped.add(id(node.array))
            self._kept.append(node.array)

    def _refuse_changed_views(self) -> None:
        """Raise if a view that was made outside of the step shares memory with what the step overwrites."""
        written = {id(i.inputs[0].array) for i in self.instructions if i.op is WRITE}
        for view, line in self._outer_views:
            if id(view.owner.array) in written:
                raise CaptureError(
                    f"At {line}: this reads a view of {getattr(view.owner, 'name', None) or 'a tensor'} that was made "
                    f"outside of the step, which overwrites it. Make the view inside the step."
                )

    def same(self, array: Any, part: Any) -> None:
        """Note that an array is a copy of what a Tensor holds: an index, say."""
        if not isinstance(part, Node):
            return
        value = self.read(part.array, part)
        if value.kind == "constant":
            return
        if type(array) is not np.ndarray or array.dtype == bool:
            what = "a mask" if type(array) is np.ndarray else "an option"
            raise CaptureError(
                f"At {self.line()}: {what} made of values that differ from batch to batch cannot be compiled, since "
                f"the shape would depend on them. Choose entry by entry with tg.where(mask, x, 0)."
            )
        self._values[id(array)] = value
        self._kept.append(array)

    def option(self, option: Any) -> Any:
        """Give an option with values in the place of arrays."""
        if type(option) is np.ndarray:
            return self.read(option)
        if type(option) is tuple:
            return tuple(map(self.option, option))
        if type(option) is list:
            return [*map(self.option, option)]
        return option

    def write(self, array: NDArray[Any], new: Value) -> None:
        """Note that an array is overwritten by what `new` is, of its shape and dtype."""
        target = self._states.get(id(array))
        if target is not None:  # what the step made itself is gone when it is over
            self.undo.note(target.name, array, target.owner)
            self.instructions.append(Instruction(WRITE, (target, new), None, {}, self.origin()))
        for view in self._views.pop(id(array), ()):
            self._stale[id(view.array)] = target.name if target is not None else "a tensor"
        self._values[id(array)] = new

    # ------------------------------------------------------------------------------------------ origins
    def origin(self) -> Origin:
        """Say where what happens now comes from."""
        return self._origin or _origin(self.line(), self._inside[-1] if self._inside else "")

    def line(self) -> str:
        """Find the user's line that led here."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - what inspect.currentframe() calls
        while frame is not None and _is_ours(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is None:
            return ""
        place = frame.f_code.co_filename, frame.f_lineno
        line = self._lines.get(place)
        if line is None:
            code = linecache.getline(*place, frame.f_globals).strip()
            line = self._lines[place] = f"{_name_of(place[0])}:{place[1]}" + (f": {code}" if code else "")
        return line


@functools.cache
def _is_ours(filename: str) -> bool:
    return filename.startswith(PACKAGES)


@functools.cache
def _name_of(filename: str) -> str:
    return Path(filename).name


@functools.lru_cache(maxsize=256)
def _origin(line: str, layer: str) -> Origin:
    return Origin(line, layer)


@functools.lru_cache(maxsize=256)
def backward_of(origin: Origin) -> Origin:
    """Say where the gradient of an operation comes from."""
    return origin._replace(phase="backward")
