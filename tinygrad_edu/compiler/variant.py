"""One program in memory: a step compiled for inputs of certain shapes, in certain modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler.alone import runs_alone
from tinygrad_edu.compiler.binding import bind
from tinygrad_edu.compiler.guards import Guard, guards_of, holds
from tinygrad_edu.compiler.lowering import shadow
from tinygrad_edu.compiler.making import make_function
from tinygrad_edu.compiler.numpy_source import write_source
from tinygrad_edu.compiler.packing import Packed
from tinygrad_edu.compiler.stages import Stages
from tinygrad_edu.compiler.together import Flat
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.capture import Capture
    from tinygrad_edu.compiler.memory import Memory
    from tinygrad_edu.compiler.program import Program, Value

__all__ = ["CHECKS", "Variant"]

CHECKS = 2  # how often a program is compared with the step itself before it is trusted


class Variant:
    """A program's source, the function made of it, and what has to stay as it is for it."""

    def __init__(
        self, recorded: Program, capture: Capture, function: Callable[..., Any], title: str, backend: str
    ) -> None:
        self.backend, self.tolerance = backend, None if backend == "numpy" else 1e-5
        self.title = title
        self.guards = guards_of(function, capture)
        self._stages: Stages | None = Stages.of(recorded)
        self._packed: Packed | None = None
        program, memory = self.program, self.memory
        arrays = bind(program, memory)
        self.run = self._make(arrays)
        self.gradients = [(p, Tensor(arrays[g])) for p, g in program.keeps if g in arrays]
        self.guards += _guards_of_memory(memory)
        self.guards += [Guard("gradient", parameter, ".grad", grad, "gradient") for parameter, grad in self.gradients]
        self.in_a_row = backend == "numba" or runs_alone(program)
        """Whether many steps may be made without looking in between what has changed."""
        self.n_inputs = len(program.inputs)
        self.fits = holds(self.guards, [value.array for value in program.inputs])
        for value in program.inputs:  # the first batch is not needed any more
            value.array = shadow(value.array)
        self.checked = 0

    def _make(self, arrays: dict[Value, NDArray[Any]]) -> Callable[..., float]:
        if self.backend == "numba":
            from tinygrad_edu.compiler.machine.step import make  # noqa: PLC0415 - a third of the compiler, for those who ask

            self.machine = make(self.program, arrays, self.title)
            arrays.update(self.machine.arrays)
            self.source = self.machine.source
            return self.machine.run
        source = write_source(self.program, self.memory, arrays, title=self.title)
        self.source = source.text
        return make_function(source, "step", "compiled step", self)

    def passed(self) -> None:
        """Note that the program did the same as the step itself; what was kept for that is let go in the end."""
        self.checked += 1
        if self.checked == CHECKS:
            self._packed, self._stages = Packed(self.stages.passes[0][1]), None

    # ------------------------------------------------------------------------------- how it came about
    @property
    def stages(self) -> Stages:
        """The program after each pass, and its memory: made again for whoever asks, and kept from then on."""
        if self._stages is None:
            assert self._packed is not None  # noqa: S101 - it takes its place
            self._stages, self._packed = Stages.of(self._packed.unpack()), None
        return self._stages

    @property
    def recorded(self) -> Program:
        """What was recorded, before any pass."""
        return self.stages.passes[0][1]

    @property
    def program(self) -> Program:
        """The program as it runs."""
        return self.stages.passes[-1][1]

    @property
    def memory(self) -> Memory:
        """Where its values lie."""
        return self.stages.memory

    # ------------------------------------------------------------------------------------ does it hold
    def show_gradients(self) -> None:
        """Let each parameter's ``grad`` be what the program computes; it is overwritten by the next step."""
        for parameter, grad in self.gradients:
            parameter.grad = grad

    def hide_gradients(self) -> None:
        """Let no parameter have a gradient, after a step that ended midway: other values lie in their memory."""
        for parameter, _ in self.gradients:
            parameter.grad = None

    def broken(self) -> Guard | None:
        """Find what no longer holds; gradients are put right on the way."""
        broken = next((g for g in self.guards if g.kind != "gradient" and not g.holds()), None)
        if broken is None:
            self.show_gradients()
        return broken


def _states(memory: Memory) -> list[Value]:
    """List the state that a program reads or writes, each piece once."""
    found: dict[Value, None] = {}
    for value in memory.storages:
        if value.kind == "state" and value.owner is not None:
            pieces = value.owner.pieces if isinstance(value.owner, Flat) else (value,)
            found.update(dict.fromkeys(v for v in pieces if v.owner is not None))
    return list(found)


def _guards_of_memory(memory: Memory) -> list[Guard]:
    guards = []
    for value in _states(memory):
        state, what = value.owner, value.name
        if state.tensor is not None:
            guards.append(Guard("memory", state.tensor, ".array", state.array, what))
            guards.append(Guard("memory", state.tensor, ".tracked", state.tensor.tracked, what))
        else:
            guards.append(Guard("memory", state.optimizer, f".state[{state.key!r}]", state.array, what))
    return guards
