"""Recording a training step: run it once, and note every operation that it makes.

The step runs as it always does, on real arrays; what it changes is noted too, with what was there before, so that it
can all be undone. An array is known by its identity: one that an operation gave is that operation's result wherever
it turns up again.
"""

from __future__ import annotations

import functools
import inspect
import linecache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.naming import identifier, name_of
from tinygrad_edu.compiler.numbers import CapturedNumber, refuse_number
from tinygrad_edu.compiler.primitives import CALL, CHECK, WRITE
from tinygrad_edu.compiler.program import Instruction, Origin, Program, Value
from tinygrad_edu.compiler.undo import State, Undo
from tinygrad_edu.debugging import PACKAGES
from tinygrad_edu.errors import CaptureError
from tinygrad_edu.tape import Node, Watcher, in_force, mode, no_grad, pull, tick, touch
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.ops import Op
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Capture", "record"]


class Capture(Watcher):
    """Looks on while a step runs, and notes what it does."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.undo = Undo()
        self.modules: dict[int, tuple[Module, str]] = {}
        self.optimizers: list[Optimizer] = []
        self.numbers_read: list[tuple[Any, str, Any, str]] = []
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
        self._grads: dict[int, Tensor] = {}
        self._lines: dict[tuple[str, int], str] = {}

    # --------------------------------------------------------------------------------- the run as a whole
    def run(
        self, function: Callable[..., Any], arrays: Sequence[NDArray[Any]], names: Sequence[str], *, loss: bool = True
    ) -> Program:
        """Run the step once on these arrays, and give it as a program."""
        tensors = [Tensor(array) for array in arrays]
        inputs = tuple(self._value(name, "input", x.array) for name, x in zip(names, tensors, strict=True))
        before = mode.watchers
        in_force.append(self)
        mode.watchers, mode.capture = (*before, self), self
        try:
            answer = function(*tensors)
        finally:
            mode.watchers, mode.capture = before, None
            in_force.remove(self)
        self._refuse_changed_views()
        result = self._result(answer) if loss else self._output(answer)
        return Program(self.instructions, inputs, result, self._final_gradients())

    def _result(self, answer: Any) -> Value:
        value = None
        if isinstance(answer, CapturedNumber):
            value = answer.value
        elif isinstance(answer, Tensor):
            value = self._values.get(id(answer.array))
        if answer is None:
            raise CaptureError("The step returns nothing. Let it return the loss: `return loss`.")
        if value is None or value.array.size != 1:
            given = f"shape {answer.shape}" if isinstance(answer, Tensor) else type(answer).__name__
            raise CaptureError(
                f"The step has to return its loss, a Tensor of one number, but returned {given}. Write `return loss`."
            )
        return value

    def _output(self, answer: Any) -> Value:
        if not isinstance(answer, Tensor):
            raise CaptureError(
                f"A model has to return one Tensor to be compiled, but returned {type(answer).__name__}. Compile a "
                f"model for each of its outputs."
            )
        value: Value = self._read(answer.array, answer)
        return value

    def _final_gradients(self) -> tuple[tuple[Any, Value], ...]:
        return tuple(
            (leaf, self._values[id(leaf.grad.array)])
            for leaf in self._grads.values()
            if leaf.grad is not None and id(leaf.grad.array) in self._values
        )

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
    def _value(self, name: str, kind: str, array: NDArray[Any], owner: Any = None) -> Value:
        value = self._values[id(array)] = Value(name, kind, array, owner=owner)
        if kind == "state":
            self._states[id(array)] = value
        self._kept.append(array)
        return value

    def _read(self, array: Any, node: Any = None) -> Any:
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
                value = self._value(identifier(node.name or f"tensor_{len(self._kept)}"), "state", array, State(node))
            elif made_here and id(array) not in self._wrapped:
                value = self._value(f"constant_{len(self._kept)}", "constant", array)
            else:  # an array of the user's: read where it lies, for it may change
                value = self._value(f"array_{len(self._kept)}", "state", array)
        if id(array) in self._stale:
            raise CaptureError(
                f"At {self.line()}: this reads a view of {self._stale[id(array)]}, which was overwritten since. Take "
                f"the view again after the change."
            )
        return value

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
        value = self._read(part.array, part)
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

    def _option(self, option: Any) -> Any:
        if type(option) is np.ndarray:
            return self._read(option)
        if type(option) is tuple:
            return tuple(map(self._option, option))
        if type(option) is list:
            return [*map(self._option, option)]
        return option

    # ------------------------------------------------------------------------------------ what happens
    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Note an operation."""
        sources = list(inputs) if len(inputs) == len(arrays) else [None] * len(arrays)
        read = tuple(self._read(a, x) for a, x in zip(arrays, sources, strict=True))
        options = {name: self._option(value) for name, value in node.options.items()}
        rng = options.get("rng")
        if rng is not None and not self.undo.knows(rng):
            raise CaptureError(f"At {self.line()}: draw through a function such as tg.dropout, not through the row.")
        origin = self.origin()
        array = node.array
        if id(array) in self._values:  # handed on as it is
            return
        turned = op.name == "transpose" and isinstance(read[0], Value) and "axes" not in options
        out = self._value(f"{read[0]}_T" if turned else name_of(op, origin), "computed", array)
        self._origins[id(array)] = origin
        if node.base is not None:
            self._views.setdefault(id(node.owner.array), []).append(out)
        self.instructions.append(Instruction(op, read, out, options, origin))

    def changing(self, node: Node, value: Any) -> None:
        """Note that an array is about to be overwritten with the node `value`."""
        if value is None:
            raise CaptureError(
                f"At {self.line()}: writing into a part of a tensor is not recorded. Make a new one, as with "
                f"tg.where(mask, new, x) or tg.at(x, index).set(new)."
            )
        if node.base is not None:
            raise CaptureError(f"At {self.line()}: this changes a view in place. Change the tensor itself.")
        self._read(node.array, node)
        new = value if value.dtype == node.array.dtype else value.astype(node.array.dtype)
        self.write(node.array, self._read(new.array, new))

    def write(self, array: NDArray[Any], new: Value) -> None:
        """Note that an array is overwritten by what `new` is, of its shape and dtype."""
        target = self._states.get(id(array))
        if target is not None:  # what the step made itself is gone when it is over
            self.undo.note(target.name, array, target.owner)
            self.instructions.append(Instruction(WRITE, (target, new), None, {}, self.origin()))
        for view in self._views.pop(id(array), ()):
            self._stale[id(view.array)] = target.name if target is not None else "a tensor"
        self._values[id(array)] = new

    def checked(self, refuse: Callable[..., None], args: tuple[Any, ...]) -> None:
        """Note a check of values."""
        read = tuple(self._read(x.array, x) if isinstance(x, Node) else self._option(x) for x in args)
        self.instructions.append(Instruction(CHECK, read, None, {"refuse": refuse}, self.origin()))

    def taken(self, node: Node, how: str) -> Any:
        """Refuse that values become Python's, but for the loss that the step returns."""
        value = self._read(node.array, node)
        if value.kind == "constant":
            return None
        if how == "item()":
            return CapturedNumber(node.array.item(), value, self.line())
        remedy = {
            "bool()": "A decision on values cannot be recorded: write tg.where(condition, x, y) instead",
            "numpy()": "Compute with Tensors, and change weights through them: with tg.no_grad(): w -= lr * w.grad",
            "data": "Compute with Tensors, and change weights through them: with tg.no_grad(): w -= lr * w.grad",
        }.get(how, "Compute with Tensors")
        raise CaptureError(f"At {self.line()}: {how} takes values out of the recorded step. {remedy}.")

    def drawing(self, generator: np.random.Generator) -> None:
        """Note that numbers are about to be drawn."""
        self.undo.note_generator(generator)

    def entered(self, module: Any) -> None:
        """Note the layer."""
        if not self._inside:
            for path, part in module.named_modules():
                self.modules.setdefault(id(part), (part, path))
        _, path = self.modules.setdefault(id(module), (module, ""))
        label = module._label()  # noqa: SLF001 - a friend: how the layer words itself in messages
        self._inside.append(f"{path} ({label})" if path else label)

    def left(self, module: Any) -> None:
        """Forget the layer."""
        self._inside.pop()

    # ------------------------------------------------------------------------------ backward and update
    def backward(self, root: Tensor, seed: Tensor, *, retain_graph: bool) -> None:
        """Carry gradients back as ``backward`` does, with the rules on Tensors, so that they are recorded."""
        try:
            with no_grad():
                found = pull(root, seed, create_graph=True, free=not retain_graph)
                leaf: Any
                for leaf, g in found:
                    self._take_gradient(leaf, g)
        finally:
            self._origin = None

    def _take_gradient(self, leaf: Any, g: Any) -> None:
        if leaf.grad is not None and id(leaf.grad.array) not in self._values:
            raise CaptureError(
                f"At {self.line()}: {leaf.name or 'a parameter'} has a gradient from before the step, to which this "
                f"one would be added. Call optimizer.zero_grad() in the step, before backward()."
            )
        leaf.grad = g if leaf.grad is None else leaf.grad + g
        self._values[id(leaf.grad.array)].name = f"d_{identifier(leaf.name or 'x')}"
        self._grads[id(leaf)] = leaf

    def visited(self, node: Node) -> None:
        """Note that what follows is the gradient of this node's operation."""
        origin = self._origins.get(id(node.array), Origin())
        self._origin = origin._replace(phase="backward")

    def pulled(self, node: Node, x: Node, g: Any, gradient: Any) -> None:
        """Name the gradient after what it is the gradient of."""
        value, of = self._values.get(id(gradient.array)), self._values.get(id(x.array))
        if value is not None and of is not None and not value.name.startswith("d_"):
            value.name = f"d_{of.name}"

    def step(self, optimizer: Optimizer) -> None:
        """Make an optimizer's step with Tensors in place of arrays."""
        self._origin = Origin(self.line(), type(optimizer).__name__, "update")
        if optimizer not in self.optimizers:
            self.optimizers.append(optimizer)
        try:
            with no_grad():
                self._step(optimizer)
        finally:
            self._origin = None

    def _step(self, optimizer: Optimizer) -> None:
        members = optimizer.members()
        wanted = sorted({parameter.dtype for parameter, _ in members}, key=str)
        for key in ("step", "learning_rate"):
            self.undo.note(key, optimizer.state[key])
        shared = optimizer.advance()
        names = optimizer.scalar_names if len(optimizer.scalar_names) == len(shared) else ("number",) * len(shared)
        numbers = {
            dtype: [self._value(name, "number", np.array(s, dtype)) for name, s in zip(names, shared, strict=True)]
            for dtype in wanted
        }
        outs = tuple(value for values in numbers.values() for value in values)
        self.instructions.append(
            Instruction(CALL, (), None, {"call": optimizer.advance, "numbers": outs}, self.origin())
        )
        for parameter, remembered in members:
            if parameter.grad is None:
                continue
            self._update(optimizer, parameter, remembered, numbers[parameter.dtype])

    def _update(
        self, optimizer: Optimizer, parameter: Tensor, remembered: dict[str, Any], numbers: list[Value]
    ) -> None:
        assert parameter.grad is not None  # noqa: S101 - asked before
        weight = self._read(parameter.array, parameter)
        gradient = self._read(parameter.grad.array, parameter.grad)
        slots = [self._slot(optimizer, key, array) for key, array in remembered.items()]
        assert self._origin is not None  # noqa: S101 - set by step()
        self._origin = self._origin._replace(member=weight.name)
        arrays = [weight.array, gradient.array, *(slot.array for slot in slots), *(n.array for n in numbers)]
        new = optimizer.update(*map(Tensor, arrays))
        optimizer.check_update(new)
        self._rename(new[0], "change")
        stepped = Tensor(weight.array) - new[0]
        for array, value in zip([parameter.array, *remembered.values()], [stepped, *new[1:]], strict=True):
            fitting = value if value.dtype == array.dtype else value.astype(array.dtype)
            self.write(array, self._read(fitting.array, fitting))
            array[...] = fitting.array
        touch(parameter)

    def _rename(self, node: Any, name: str) -> None:
        value = self._values.get(id(node.array)) if isinstance(node, Node) else None
        if value is not None and value.kind == "computed":
            value.name = name

    def _slot(self, optimizer: Optimizer, key: str, array: NDArray[Any]) -> Value:
        found = self._values.get(id(array))
        return found or self._value(identifier(key), "state", array, State(None, optimizer, key))

    def call(self, function: Callable[[], Any], *, writes: Sequence[NDArray[Any]]) -> None:
        """Note a call that changes numbers of Python's, such as a schedule's learning rate, and make it."""
        for array in writes:
            self.undo.note(function.__name__, array)
        function()
        self.instructions.append(Instruction(CALL, (), None, {"call": function, "numbers": ()}, self.origin()))

    def number(self, holder: Any, name: str, value: Any) -> None:
        """Note that the step read a number that may change, such as the learning rate."""
        self.numbers_read.append((holder, name, value, self.line()))

    # ------------------------------------------------------------------------------------------ origins
    def origin(self) -> Origin:
        """Say where what happens now comes from."""
        if self._origin is not None:
            return self._origin
        return Origin(self.line(), self._inside[-1] if self._inside else "")

    def line(self) -> str:
        """Find the user's line that led here."""
        frame = inspect.currentframe()
        while frame is not None and _is_ours(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is None:
            return ""
        place = frame.f_code.co_filename, frame.f_lineno
        if place not in self._lines:
            code = linecache.getline(*place, frame.f_globals).strip()
            self._lines[place] = f"{Path(place[0]).name}:{place[1]}" + (f": {code}" if code else "")
        return self._lines[place]


@functools.cache
def _is_ours(filename: str) -> bool:
    return filename.startswith(PACKAGES)


def record(
    function: Callable[..., Any], arrays: Sequence[NDArray[Any]], names: Sequence[str], *, loss: bool = True
) -> tuple[Program, Capture]:
    """Run a step once and give it as a program; if it raises, everything is as it was before.

    With ``loss=False`` the function is a forward pass, which may return a Tensor of any shape.
    """
    capture = Capture()
    try:
        return capture.run(function, arrays, names, loss=loss), capture
    except BaseException:
        capture.undo()
        raise
