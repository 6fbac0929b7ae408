"""What a step changes: who holds it, and what it was before."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.tensor import Tensor

__all__ = ["State", "Undo", "random_states"]

_TWISTER = 625 * 4  # bytes of the state of NumPy's global generator: 624 words, and the place among them


@dataclass(eq=False, slots=True)
class State:
    """An array that outlives the step, and who holds it."""

    tensor: Tensor | None
    """The Tensor whose array it is; None for what an optimizer remembers."""
    optimizer: Any = None
    key: str = ""
    """Its name in the optimizer's state."""

    @property
    def array(self) -> NDArray[Any]:
        """The array as it is now."""
        found: NDArray[Any] = self.optimizer.state[self.key] if self.tensor is None else self.tensor.array
        return found

    def move(self, array: NDArray[Any]) -> None:
        """Let the holder hold another array, which has the same numbers."""
        if self.tensor is None:
            self.optimizer.move_state(self.key, array)
        else:
            self.tensor.array = array


class Undo:
    """What a step changes, as it was before."""

    def __init__(self) -> None:
        self.generators: list[tuple[np.random.Generator, Any]] = []
        self._arrays: dict[int, tuple[str, Callable[[], NDArray[Any]], NDArray[Any]]] = {}
        self._seen: set[int] = set()

    def note(self, name: str, array: NDArray[Any], holder: State | None = None) -> None:
        """Copy an array that is about to change, unless it was."""
        if id(array) not in self._arrays:
            get = (lambda: array) if holder is None else (lambda: holder.array)
            self._arrays[id(array)] = name, get, array.copy()

    def note_generator(self, generator: np.random.Generator) -> None:
        """Copy the state of a generator that is about to be drawn from."""
        if id(generator) not in self._seen:
            self._seen.add(id(generator))
            self.generators.append((generator, generator.bit_generator.state))

    def knows(self, generator: Any) -> bool:
        """Tell whether the state of a generator was copied."""
        return id(generator) in self._seen

    def changes(self) -> list[tuple[str, Callable[[], NDArray[Any]], NDArray[Any]]]:
        """List what changed: its name, how to get at it, and what it was."""
        return [*self._arrays.values()]

    def __call__(self) -> None:
        """Put everything back."""
        for _, holder, before in self._arrays.values():
            holder()[...] = before
        for generator, state in self.generators:
            generator.bit_generator.state = state


def random_states() -> tuple[Any, ...]:
    """Give the states of the generators that no one hands around, Python's and NumPy's: to see whether they drew."""
    states: list[Any] = [getattr(sys.modules.get("random"), "getstate", tuple)()]
    if "numpy.random" in sys.modules:
        bits = np.random.get_bit_generator()  # type: ignore[attr-defined]  # NumPy's stubs forgot it
        if type(bits).__name__ == "MT19937":  # as it lies in memory: asking for it in Python takes fifty times as long
            states.append(ctypes.string_at(bits.ctypes.state_address, _TWISTER))
        else:
            states.append(repr(bits.state))
    return tuple(states)
