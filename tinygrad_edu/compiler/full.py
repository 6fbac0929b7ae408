"""Arrays full of one number, as the larger of x and 0 needs: NumPy compares two arrays in a quarter of the time.

All of them see one block of memory that is as long as the longest. Where that would be long, the result is filled
with the number first, and then compared with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.program import Instruction, Program, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Full", "compared_with", "is_filled_first"]

_LONG = 2**16  # bytes from which on to fill the result takes no time that counts


def compared_with(instruction: Instruction) -> Any:
    """Give the number that an array is compared with, entry by entry; None if it is something else that is done."""
    if instruction.op.run not in (np.maximum, np.minimum):
        return None
    return next((x for x in instruction.inputs if isinstance(x, (int, float)) and not isinstance(x, bool)), None)


def is_filled_first(instruction: Instruction) -> bool:
    """Tell whether the result is filled with the number, so that it needs memory of its own."""
    out = instruction.out
    if out is None or out.array.nbytes <= _LONG:
        return False
    number = compared_with(instruction)
    return number is not None and math.isfinite(number)


class Full:
    """The blocks of numbers that a program compares arrays with."""

    def __init__(self, program: Program) -> None:
        self._lengths: dict[tuple[str, np.dtype[Any]], int] = {}
        self._blocks: dict[tuple[str, np.dtype[Any]], NDArray[Any]] = {}
        for instruction in program.instructions:
            if compared_with(instruction) is not None and not is_filled_first(instruction):
                assert instruction.out is not None  # noqa: S101 - what is compared has a result
                key = _key(instruction)
                self._lengths[key] = max(self._lengths.get(key, 0), instruction.out.array.size)

    def for_(self, instruction: Instruction) -> NDArray[Any]:
        """Give an array full of the instruction's number, of the shape and layout of its result."""
        assert instruction.out is not None  # noqa: S101 - what is compared has a result
        key, example = _key(instruction), instruction.out.array
        if key not in self._blocks:
            self._blocks[key] = np.full(self._lengths[key], compared_with(instruction), key[1])
        strides = tuple([n // example.itemsize * key[1].itemsize for n in example.strides])
        return np.ndarray(example.shape, key[1], self._blocks[key], 0, strides)


def _key(instruction: Instruction) -> tuple[str, np.dtype[Any]]:
    """Tell the number, and the dtype in which it is compared."""
    given = [x.dtype if isinstance(x, Value) else x for x in instruction.inputs]
    return repr(compared_with(instruction)), np.result_type(*given)
