"""One program in memory: a step compiled for inputs of certain shapes, in certain modes."""

from __future__ import annotations

import linecache
import weakref
from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler.guards import Guard, guards_of, holds
from tinygrad_edu.compiler.lowering import lower, shadow
from tinygrad_edu.compiler.memory import bind, plan
from tinygrad_edu.compiler.numpy_source import write_source
from tinygrad_edu.compiler.passes import PASSES
from tinygrad_edu.compiler.together import Flat, update_together
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.compiler.capture import Capture
    from tinygrad_edu.compiler.program import Program, Value

__all__ = ["Variant"]


class Variant:
    """A program, its memory, its source and the function made of it."""

    def __init__(
        self, recorded: Program, capture: Capture, function: Callable[..., Any], title: str, backend: str
    ) -> None:
        self.backend, self.tolerance = backend, None if backend == "numpy" else 1e-5
        self.recorded = recorded
        self.guards = guards_of(function, capture)
        self.passes: list[tuple[str, Program]] = [("recorded", recorded)]
        self.program = self._through_passes(recorded)
        self.memory = plan(self.program)
        self.arrays = bind(self.program, self.memory)
        self.title = title
        self.run = self._make()
        self.gradients = [(p, Tensor(self.arrays[g])) for p, g in self.program.keeps if g in self.arrays]
        self.guards += self._of_memory()
        self.n_inputs = len(self.program.inputs)
        self.fits = holds(self.guards, [value.array for value in self.program.inputs])
        for value in self.program.inputs:  # the first batch is not needed any more
            value.array = shadow(value.array)
        self.checked = 0

    def _through_passes(self, program: Program) -> Program:
        for name, one in (("lower", lower), *((f.__name__, f) for f in PASSES), ("update_together", update_together)):
            program = one(program)
            self.passes.append((name, program))
        return program

    def _make(self) -> Callable[..., float]:
        if self.backend == "numba":
            from tinygrad_edu.compiler.machine.step import make  # noqa: PLC0415 - a third of the compiler, for those who ask

            self.machine = make(self.program, self.arrays, self.title)
            self.arrays.update(self.machine.arrays)
            self.source = self.machine.source
            return self.machine.run
        source = write_source(self.program, self.memory, self.arrays, title=self.title)
        self.source = source.text
        filename = f"<compiled step {id(self):x}>"
        # So that tracebacks and the debugger show the line.
        linecache.cache[filename] = len(source.text), None, source.text.splitlines(keepends=True), filename
        weakref.finalize(self, linecache.cache.pop, filename, None)
        names = {name: thing for name, thing in source.names.items() if thing is not None}
        exec(compile(source.text, filename, "exec"), names)  # noqa: S102 - written by this package
        function: Callable[..., float] = names["step"]
        return function

    # ---------------------------------------------------------------------------------------- memory
    def states(self) -> list[Value]:
        """List the state that the program reads or writes, each piece once."""
        found: dict[Value, None] = {}
        for value in self.memory.storages:
            pieces = value.owner.pieces if isinstance(value.owner, Flat) else (value,)
            found.update(dict.fromkeys(v for v in pieces if v.kind == "state" and v.owner is not None))
        return list(found)

    def _of_memory(self) -> list[Guard]:
        guards = []
        for value in self.states():
            state, what = value.owner, value.name
            if state.tensor is not None:
                guards.append(Guard("memory", state.tensor, ".array", state.array, what))
                guards.append(Guard("memory", state.tensor, ".tracked", state.tensor.tracked, what))
            else:
                guards.append(Guard("memory", state.optimizer, f".state[{state.key!r}]", state.array, what))
        guards += [Guard("gradient", parameter, ".grad", grad, "gradient") for parameter, grad in self.gradients]
        return guards

    def show_gradients(self) -> None:
        """Let each parameter's ``grad`` be what the program computes; it is overwritten by the next step."""
        for parameter, grad in self.gradients:
            parameter.grad = grad

    def broken(self) -> Guard | None:
        """Find what no longer holds; gradients are put right on the way."""
        broken = next((g for g in self.guards if g.kind != "gradient" and not g.holds()), None)
        if broken is None:
            self.show_gradients()
        return broken
