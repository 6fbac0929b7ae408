"""A model's forward pass as a program: recorded once for each shape, run by any number of threads at once.

The program is shared; the memory that it computes in belongs to one thread, and what it gives to whoever called.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.binding import bind
from tinygrad_edu.compiler.capture import record
from tinygrad_edu.compiler.comparing import refuse_differences
from tinygrad_edu.compiler.guards import Guard, holds
from tinygrad_edu.compiler.lowering import lower
from tinygrad_edu.compiler.making import make_function
from tinygrad_edu.compiler.memory import plan
from tinygrad_edu.compiler.numpy_source import write_source
from tinygrad_edu.compiler.passes import PASSES
from tinygrad_edu.compiler.primitives import WRITE
from tinygrad_edu.compiler.structure import structure_guards
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import CaptureError, TinygradEduError
from tinygrad_edu.tape import no_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.compiler.program import Program, Value
    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.tensor import Tensor

__all__ = ["CompiledModel"]

_PROGRAMS = 8  # of different shapes that are kept; of more, the one that was used longest ago is dropped
_CHECKS = 2  # how often a program is compared with the model itself before it is trusted


class CompiledModel:
    """The predictions of a model, without the cost of deciding each operation anew: arrays in, an array out.

    It predicts in evaluation mode, whatever mode the model is in, and always with the weights as they are now. Its
    numbers equal those of ``model.eval()(x).numpy()`` bit for bit, which is compared in its first two calls for each
    shape. Several threads may call it at once. Made by ``model.compile()``.

    Parameters
    ----------
    model
        Its forward pass takes Tensors and returns one.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Sequential(tg.nn.Linear(2, 3), tg.nn.ReLU(), tg.nn.Linear(3, 1))
    >>> predict = CompiledModel(model)
    >>> x = np.ones((4, 2), np.float32)
    >>> bool((predict(x) == model(x).numpy()).all())
    True
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        model.num_parameters()  # which gives each parameter its path as its name, for the source
        self._lock = threading.RLock()  # of recording, which switches modes, and of the programs
        self._programs: OrderedDict[Any, _Forward] = OrderedDict()
        self._own: dict[Any, Guard] = {}  # what the forward pass itself changes in Python, such as a list it adds to
        self._mine = _Mine()

    def __call__(self, *arrays: ArrayLike) -> NDArray[Any]:
        """Predict.

        Raises
        ------
        CaptureError
            If the forward pass cannot be recorded; it names the line.
        """
        given = [a if type(a) is np.ndarray else as_array(a) for a in arrays]
        last = self._mine.last
        if last is not None and last.forward.fits(given):
            return self._run(last, given)
        key = tuple([(a.shape, a.dtype) for a in given])
        bound = self._mine.bound.get(key)
        if bound is not None and bound.forward.checked >= _CHECKS and bound.forward.fits(given):
            self._mine.use(key, bound)
            return self._run(bound, given)
        with self._lock:
            return self._first(key, given)

    def _run(self, bound: _Bound, given: list[NDArray[Any]]) -> NDArray[Any]:
        try:
            return bound.run(*given)
        except TinygradEduError:  # a check refused the values: the model itself also says in which layer
            with self._lock:
                self._record(given)
            raise

    @property
    def source(self) -> str:
        """The source of the program that ran last in this thread."""
        bound = next(reversed(self._mine.bound.values()), None)
        if bound is None:
            raise CaptureError("The model was not compiled yet: that happens in its first call. Call it with a batch.")
        return bound.source

    def __repr__(self) -> str:
        return f"<compiled model {type(self.model).__name__}: {len(self._programs)} programs>"

    # -------------------------------------------------------------------------------------------- compiling
    def _first(self, key: Any, given: list[NDArray[Any]]) -> NDArray[Any]:
        """Predict where this thread has no program for these shapes yet, or one that is still to be compared."""
        forward, expected = self._programs.get(key), None
        if forward is None or not forward.holds():
            program, expected = self._record(given)
            forward = _Forward(
                program, self.model, [g for g in structure_guards(self.model) if _key(g) not in self._own]
            )
        elif forward.checked < _CHECKS:
            program, expected = self._record(given)
            refuse_differences(forward.recorded, program)
        bound = self._mine.bound.get(key)
        if bound is None or bound.forward is not forward:
            bound = _Bound(forward)
        got = self._run(bound, given)
        if expected is not None:
            _refuse_other(got, expected, self.model)
            forward.checked += 1
        _keep(self._programs, key, forward)
        self._mine.use(key, bound)
        return got

    def _record(self, given: list[NDArray[Any]]) -> tuple[Program, NDArray[Any]]:
        """Record the forward pass, and give its output too; nothing is changed by it."""
        modes = [(module, module.training) for _, module in self.model.named_modules()]
        try:
            guards = structure_guards(self.model.eval())
            with no_grad():
                program, capture = record(self._forward, given, [f"x{k or ''}" for k in range(len(given))], loss=False)
        finally:
            for module, training in modes:
                module.training = training
        self._own.update((_key(guard), guard) for guard in guards if not guard.holds())
        output = program.result.array.copy()
        capture.undo()
        changed = [i.inputs[0] for i in program.instructions if i.op is WRITE]
        if changed:
            paths = {id(tensor): path for path, tensor in self.model._named_tensors()}  # noqa: SLF001 - a friend
            raise CaptureError(
                f"The forward pass of {type(self.model).__name__} changes "
                f"{paths.get(id(changed[0].owner.tensor), changed[0].name)} in evaluation mode too, so that several "
                f"threads cannot predict at once. Change it in training mode alone."
            )
        return program, output

    def _forward(self, *tensors: Tensor) -> Any:
        return self.model(*tensors)


class _Forward:
    """A program for inputs of certain shapes, without memory of its own."""

    def __init__(self, recorded: Program, model: Module, guards: list[Guard]) -> None:
        self.recorded, self.title = recorded, f"One prediction of {type(model).__name__}."
        program = lower(recorded)
        for one in PASSES:
            program = one(program)
        self.program, self.memory = program, plan(program)
        self.checked = 0
        for value in program.inputs:  # of the first batch its shape and dtype are of interest, not its memory
            value.array = np.broadcast_to(np.empty((), value.dtype), value.shape)
        read = {*self.memory.storages, program.result}
        states = [value.owner.tensor for value in read if value.kind == "state" and value.owner is not None]
        guards = [*guards, *(Guard("memory", tensor, ".array", tensor.array, "") for tensor in states)]
        self.holds = holds(guards)
        """Tells whether the model is made of what it was made of, and its weights lie where they lay."""
        self._fits = holds(guards, [value.array for value in program.inputs])

    def fits(self, given: list[NDArray[Any]]) -> bool:
        """Tell whether it is for inputs like these, and the model is made of what it was made of."""
        return len(given) == len(self.program.inputs) and self._fits(*given)

    def arrays(self) -> dict[Value, NDArray[Any]]:
        """Make memory to compute in."""
        arrays, result = bind(self.program, self.memory), self.program.result
        if result.kind in ("state", "constant"):  # it may be that nothing else reads it
            arrays[result] = result.array if result.owner is None else result.owner.array
        return arrays


class _Bound:
    """A program with memory to compute in, for one thread."""

    def __init__(self, forward: _Forward) -> None:
        self.forward = forward
        arrays = forward.arrays()
        written = write_source(forward.program, forward.memory, arrays, title=forward.title, name="predict")
        self.source = written.text
        self.run: Callable[..., NDArray[Any]] = make_function(written, "predict", "compiled model", self)


class _Mine(threading.local):
    """What belongs to one thread."""

    def __init__(self) -> None:
        self.bound: OrderedDict[Any, _Bound] = OrderedDict()
        self.last: _Bound | None = None

    def use(self, key: Any, bound: _Bound) -> None:
        """Note that a program is used now."""
        _keep(self.bound, key, bound)
        self.last = bound if bound.forward.checked >= _CHECKS else None


def _key(guard: Guard) -> tuple[int, str]:
    return id(guard.holder), guard.spelling


def _keep(programs: OrderedDict[Any, Any], key: Any, program: Any) -> None:
    """Put a program at the end of those that are kept, and drop what was used longest ago."""
    programs[key] = program
    programs.move_to_end(key)
    if len(programs) > _PROGRAMS:
        programs.popitem(last=False)


def _refuse_other(got: NDArray[Any], expected: NDArray[Any], model: Module) -> None:
    same = (got.shape, got.dtype) == (expected.shape, expected.dtype)
    if not same or not np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"):
        raise CaptureError(
            f"The compiled {type(model).__name__} gives other numbers than the model itself. Either its forward pass "
            f"computes with values outside of Tensors, or the compiler is at fault. Call the model itself."
        )
