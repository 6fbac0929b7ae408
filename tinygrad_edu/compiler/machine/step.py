"""A program as machine code: one function that makes a step for each batch, and what Python does before it."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.binding import new_arena
from tinygrad_edu.compiler.machine.cache import load
from tinygrad_edu.compiler.machine.ends import stops
from tinygrad_edu.compiler.machine.folding import MACHINE_PASSES
from tinygrad_edu.compiler.machine.fusion import fuse
from tinygrad_edu.compiler.machine.memory import lay_out
from tinygrad_edu.compiler.machine.refusing import refusal
from tinygrad_edu.compiler.machine.source import write_numba_source
from tinygrad_edu.compiler.machine.views import dense_strides
from tinygrad_edu.compiler.program import Value
from tinygrad_edu.errors import CaptureError, optional_import
from tinygrad_edu.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.program import Instruction, Program

__all__ = ["NumbaStep", "make"]

_DTYPES = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
)


def make(program: Program, arrays: Mapping[Value, NDArray[Any]], title: str) -> NumbaStep:
    """Make machine code of a program.

    Parameters
    ----------
    program
        After all passes.
    arrays
        Of states, and of the flat vectors that they are pieces of; see `memory.bind`.
    title
        The first line of the source.

    Raises
    ------
    CaptureError
        If an operation cannot be expressed in machine code; backend="numpy" can.
    MissingDependencyError
        If Numba is not installed.
    """
    optional_import("numba", extra="jit", purpose="Compiling to machine code")
    return NumbaStep(program, arrays, title)


class NumbaStep:
    """A step, and an epoch of them, in machine code.

    Parameters
    ----------
    program, arrays, title
        See `make`.
    """

    def __init__(self, program: Program, arrays: Mapping[Value, NDArray[Any]], title: str) -> None:
        keeps = [gradient for _, gradient in program.keeps]
        for one in MACHINE_PASSES:
            program = one(program)
        self.program = program
        self.calls = [i.options for i in program.instructions if i.op is p.CALL]
        self.checks = [i for i in program.instructions if i.op is p.CHECK and not stops(i)]
        for check in self.checks:
            _refuse_computed(check, program)
        for i in program.instructions:
            if any(v.dtype.name not in _DTYPES for v in (*i.reads(), *([] if i.out is None else [i.out]))):
                raise refusal(i)
        fused = fuse(program)
        layout = lay_out(program, fused)
        self._ranges = fused.ranges.each_step
        self.source = write_numba_source(program, fused, layout, title=title)
        self._epoch = load(self.source).epoch
        self._memory = new_arena(layout.size)
        self.arrays: dict[Value, NDArray[Any]] = {}
        """Gradients, in this program's memory."""
        for value, strides in layout.shaped.items():
            if value.kind == "constant":
                self._view(value, layout.places[value], strides)[...] = value.array
        for kept, (_, gradient) in zip(keeps, program.keeps, strict=True):
            seen = fused.views(gradient)
            _, offset = layout.place_of(seen.root)
            size = gradient.dtype.itemsize
            self.arrays[kept] = np.ndarray(
                gradient.shape,
                gradient.dtype,
                self._memory,
                offset + seen.offset * size,
                [s * size for s in seen.strides],
            )
        _refuse_shared(layout.states, arrays)
        self._states = [*(_dense(value, arrays[value]) for value in layout.states), *layout.generators]
        self._dtypes = [value.dtype for value in program.inputs]
        self._shapes = [value.shape for value in program.inputs]
        self._order = np.arange(max([1, *(s[0] for s in self._shapes if s)]))
        self._loss = np.empty(1)

    def _view(self, value: Value, offset: int, strides: tuple[int, ...]) -> NDArray[Any]:
        size = value.dtype.itemsize
        return np.ndarray(value.shape, value.dtype, self._memory, offset, [s * size for s in strides])

    # -------------------------------------------------------------------------------------------- running
    def run(self, *arrays: NDArray[Any]) -> float:
        """Make one step on a batch, and give its loss."""
        self._check(arrays)
        batches = [np.ascontiguousarray(a).reshape(a.shape[0] if a.ndim else 1, -1) for a in arrays]
        done = self._run(batches, self._order, self._loss)
        if done == 0:
            self._refuse(self._loss[0])
        return float(self._loss[0])

    def epoch(
        self, X: NDArray[Any], y: NDArray[Any], order: NDArray[np.int64], batch_size: int
    ) -> tuple[NDArray[np.float64], float | None]:
        """Make a step for each whole batch of the examples that `order` names; what is left of them is left out.

        Returns
        -------
        The loss of each step, and the loss at which the steps ended because it is no number, or None.

        Raises
        ------
        IndexError
            If `order` names examples that are not there.
        """
        self._check((X, y))
        order = _within(order, len(X))
        batches = [np.ascontiguousarray(a).reshape(len(a), -1) for a in (X, y)]
        losses = np.empty(len(order) // batch_size)
        done = self._run(batches, order, losses)
        return losses[:done], None if done == len(losses) else float(losses[done])

    def _run(self, batches: list[NDArray[Any]], order: NDArray[np.int64], losses: NDArray[np.float64]) -> int:
        before = _numbers_of_state(self.calls)
        numbers = self._tabulate(len(losses))
        done = int(self._epoch(*batches, order, numbers, losses, self._memory, *self._states))
        if done < len(losses):  # Python's numbers belong to the steps that were made
            for array, value in before:
                array[...] = value
            self._tabulate(done)
            for parameter, _ in self.program.keeps:
                parameter.grad = None  # its memory was used for something else
        return done

    def _tabulate(self, steps: int) -> NDArray[np.float64]:
        """Let Python compute what it computes in each step, for all of them."""
        table = np.empty((steps, sum(len(call["numbers"]) for call in self.calls)))
        if len(self.calls) == 1 and _is_plain(self.calls[0]["call"]):
            _advance(self.calls[0]["call"].__self__, table)
            return table
        for k in range(steps):
            column = 0
            for call in self.calls:
                values, n = call["call"](), len(call["numbers"])
                if n:
                    table[k, column : column + n] = values * (n // len(values))
                column += n
        return table

    def _check(self, arrays: tuple[NDArray[Any], ...]) -> None:
        """Let Python check what it checks of inputs, for all batches at once."""
        given = dict(zip(self.program.inputs, arrays, strict=True))
        for value, n in self._ranges.items():
            _within(self._now(value), n)
        for check in self.checks:
            args = [given[x] if x in given else self._now(x) for x in check.inputs]
            check.options["refuse"](*args)

    def _now(self, x: Any) -> Any:
        """Give what a check looks at besides inputs: numbers, constants, and states that no step changes."""
        if not isinstance(x, Value):
            return x
        return x.owner.array if x.kind == "state" and x.owner is not None else x.array

    def _refuse(self, loss: float) -> None:
        """Raise as the check of the loss does."""
        for i in self.program.instructions:
            if i.op is p.CHECK and stops(i):
                i.options["refuse"](np.asarray(loss))


def _within(order: NDArray[Any], n: int) -> NDArray[np.int64]:
    """Give indices of n entries as machine code takes them, which looks at nothing again."""
    order = np.ascontiguousarray(order, np.int64)
    if order.size:
        low, high = int(order.min()), int(order.max())
        if not -n <= low <= high < n:
            raise IndexError(f"Indices go from {low} to {high}, but there are {n} entries.")
        if low < 0:
            order = order % n
    return order


def _dense(value: Value, array: NDArray[Any]) -> NDArray[Any]:
    """Give the array of a state, which machine code takes to lie in memory without gaps."""
    there = [s for s, n in zip(array.strides, array.shape, strict=True) if n > 1]
    dense = [s * array.itemsize for s, n in zip(dense_strides(value), value.shape, strict=True) if n > 1]
    if there != dense:
        raise CaptureError(
            f"{value.name} is a part of a larger array, with gaps between its entries, which machine code does not "
            f'read. Copy it, with np.ascontiguousarray({value.name}), or use backend="numpy".'
        )
    return array


def _refuse_shared(states: list[Value], arrays: Mapping[Value, NDArray[Any]]) -> None:
    """Refuse states of which one is a part of another: machine code takes each to lie on its own."""
    for a, b in combinations(states, 2):
        if np.may_share_memory(arrays[a], arrays[b]):
            raise CaptureError(
                f"{a.name} and {b.name} share memory, which machine code cannot know of: one of them is a view of the "
                f'other, as model.weight.numpy() is. Use the Tensor itself, or backend="numpy".'
            )


def _refuse_computed(check: Instruction, program: Program) -> None:
    """Refuse a check of what only machine code knows."""
    written = {i.inputs[0] for i in program.instructions if i.op is p.WRITE}
    for value in check.reads():
        fixed = value.kind == "constant" or (value.kind == "state" and value.place is None and value not in written)
        if value not in program.inputs and not fixed:
            raise CaptureError(
                f"At {check.origin.line}: {check.options['refuse'].__name__} looks at values in the middle of the "
                f'step, which machine code does not do. Use backend="numpy".'
            )


def _is_plain(call: Any) -> bool:
    """Tell whether a call does no more than to count steps and to compute numbers by a pure formula."""
    optimizer = getattr(call, "__self__", None)
    return isinstance(optimizer, Optimizer) and getattr(call, "__func__", None) is Optimizer.advance


def _advance(optimizer: Optimizer, table: NDArray[np.float64]) -> None:
    """Do many times what the optimizer's ``advance`` does, and note its numbers."""
    lr, count = float(optimizer.state["learning_rate"]), int(optimizer.state["step"])
    if type(optimizer).scalars is Optimizer.scalars:
        table[:] = lr
    else:
        for k in range(len(table)):
            values = optimizer.scalars(lr, count + k + 1)
            table[k] = values * (table.shape[1] // len(values))
    optimizer.state["step"][()] = count + len(table)


def _numbers_of_state(calls: list[dict[str, Any]]) -> list[tuple[NDArray[Any], Any]]:
    """Copy the single numbers that Python's calls count on: the step, the learning rate."""
    found = {}
    for call in calls:
        owner = getattr(call["call"], "__self__", None)
        for holder in (owner, getattr(owner, "optimizer", None)):
            for array in (getattr(holder, "state", None) or {}).values():
                if isinstance(array, np.ndarray) and array.ndim == 0:
                    found[id(array)] = array, array.copy()
    return [*found.values()]
