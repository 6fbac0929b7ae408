"""Recording a training step: run it once, and note every operation that it makes.

The step runs as it always does, on real arrays; what it changes is noted too, with what was there before, so that it
can all be undone. An array is known by its identity: one that an operation gave is that operation's result wherever
it turns up again.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.naming import identifier, name_of
from tinygrad_edu.compiler.numbers import CapturedNumber
from tinygrad_edu.compiler.primitives import CALL, CHECK
from tinygrad_edu.compiler.program import NO_OPTIONS, Instruction, Origin, Program, Value
from tinygrad_edu.compiler.recorder import Recorder, backward_of
from tinygrad_edu.compiler.undo import State
from tinygrad_edu.errors import CaptureError
from tinygrad_edu.tape import Node, in_force, mode, no_grad, pull, touch
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.ops import Op
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Capture", "record"]


_NOWHERE = Origin()


class Capture(Recorder):
    """Looks on while a step runs, and notes what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[int, tuple[Module, str]] = {}
        self.optimizers: list[Optimizer] = []
        self.numbers_read: list[tuple[Any, str, Any, str]] = []
        self._grads: dict[int, Tensor] = {}

    # --------------------------------------------------------------------------------- the run as a whole
    def run(
        self, function: Callable[..., Any], arrays: Sequence[NDArray[Any]], names: Sequence[str], *, loss: bool = True
    ) -> Program:
        """Run the step once on these arrays, and give it as a program."""
        tensors = [Tensor(array) for array in arrays]
        inputs = tuple(self.value(name, "input", x.array) for name, x in zip(names, tensors, strict=True))
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
                f"The step has to return its loss alone, a Tensor of one number, but returned {given}. Write `return "
                f"loss`; what else is wanted, such as the accuracy, compute from model.compile()(x)."
            )
        return value

    def _output(self, answer: Any) -> Value:
        if not isinstance(answer, Tensor):
            raise CaptureError(
                f"A model has to return one Tensor to be compiled, but returned {type(answer).__name__}. Compile a "
                f"model for each of its outputs."
            )
        value: Value = self.read(answer.array, answer)
        return value

    def _final_gradients(self) -> tuple[tuple[Any, Value], ...]:
        return tuple(
            (leaf, self._values[id(leaf.grad.array)])
            for leaf in self._grads.values()
            if leaf.grad is not None and id(leaf.grad.array) in self._values
        )

    # ------------------------------------------------------------------------------------ what happens
    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Note an operation."""
        read = self._read_all(arrays, inputs)
        options = {name: self.option(value) for name, value in node.options.items()} if node.options else NO_OPTIONS
        if "rng" in options and options["rng"] is not None and not self.undo.knows(options["rng"]):
            raise CaptureError(f"At {self.line()}: draw through a function such as tg.dropout, not through the row.")
        origin = self._origin or self.origin()
        array = node.array
        if id(array) in self._values:  # handed on as it is
            return
        turned = op.name == "transpose" and type(read[0]) is Value and "axes" not in options
        out = self.value(f"{read[0]}_T" if turned else name_of(op.name, origin.layer), "computed", array)
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
        self.read(node.array, node)
        new = value if value.dtype == node.array.dtype else value.astype(node.array.dtype)
        self.write(node.array, self.read(new.array, new))

    def checked(self, refuse: Callable[..., None], args: tuple[Any, ...]) -> None:
        """Note a check of values."""
        read = tuple(self.read(x.array, x) if isinstance(x, Node) else self.option(x) for x in args)
        self.instructions.append(Instruction(CHECK, read, None, {"refuse": refuse}, self.origin()))

    def taken(self, node: Node, how: str) -> Any:
        """Refuse that values become Python's, but for the loss that the step returns."""
        value = self.read(node.array, node)
        if value.kind == "constant":
            return None
        if how == "item()":
            return CapturedNumber(node.array.item(), value, self.line())
        remedy = {
            "bool()": "A decision on values cannot be recorded: write tg.where(condition, x, y) instead",
            "np.nonzero()": "The shape of the result would depend on them: write tg.where(condition, x, 0) instead",
            **dict.fromkeys(
                ("numpy()", "data", "data = ..."),
                "Compute with Tensors, and change weights through them: with tg.no_grad(): w -= lr * w.grad",
            ),
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
    def backward(self, root: Tensor, seed: Any, *, retain_graph: bool, create_graph: bool) -> None:
        """Carry gradients back as ``backward`` does, with the rules on Tensors, so that they are recorded."""
        try:
            with nullcontext() if create_graph else no_grad():
                found = pull(root, seed, create_graph=True, free=not (retain_graph or create_graph))
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
        origin = self._origins.get(id(node.array), _NOWHERE)
        self._origin = backward_of(origin)

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
        if all(parameter.grad is None for parameter, _ in members):
            raise optimizer.no_gradient()
        wanted = sorted({parameter.dtype for parameter, _ in members}, key=str)
        for key in ("step", "learning_rate"):
            self.undo.note(key, optimizer.state[key])
        shared = optimizer.advance()
        names = optimizer.scalar_names if len(optimizer.scalar_names) == len(shared) else ("number",) * len(shared)
        numbers = {
            dtype: [self.value(name, "number", np.array(s, dtype)) for name, s in zip(names, shared, strict=True)]
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
        weight = self.read(parameter.array, parameter)
        gradient = self.read(parameter.grad.array, parameter.grad)
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
            self.write(array, self.read(fitting.array, fitting))
            array[...] = fitting.array
        touch(parameter)

    def _rename(self, node: Any, name: str) -> None:
        value = self._values.get(id(node.array)) if isinstance(node, Node) else None
        if value is not None and value.kind == "computed":
            value.name = name

    def _slot(self, optimizer: Optimizer, key: str, array: NDArray[Any]) -> Value:
        found = self._values.get(id(array))
        return found or self.value(identifier(key), "state", array, State(None, optimizer, key))

    def call(self, function: Callable[[], Any], *, writes: Sequence[NDArray[Any]]) -> None:
        """Note a call that changes numbers of Python's, such as a schedule's learning rate, and make it."""
        for array in writes:
            self.undo.note(function.__name__, array)
        function()
        self.instructions.append(Instruction(CALL, (), None, {"call": function, "numbers": ()}, self.origin()))

    def setting(self, name: str, instead: str) -> None:
        """Refuse that a number of Python's is set."""
        raise CaptureError(
            f"At {self.line()}: {name} is set in the step, which is not recorded. Set it outside of the step, or use "
            f"{instead}."
        )

    def number(self, holder: Any, name: str, value: Any) -> None:
        """Note that the step read a number that may change, such as the learning rate."""
        self.numbers_read.append((holder, name, value, self.line()))


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
