"""What a computation left behind, read from the tape: its nodes, and in which call of which module each was made.

The tape alone tells what was computed from what. A watcher that looks on while a model runs adds the modules, and the
operations that the tape leaves out because no gradient flows through them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import GraphError, OptionError
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.random import default_rng
from tinygrad_edu.tape import FREED, Node, Watcher, in_force, mode, touch
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tinygrad_edu.ops import Op

__all__ = ["Call", "Entry", "Recording", "read", "record", "refuse_stale", "watching"]


class Call(NamedTuple):
    """One call of a module: what it computes lies between its beginning and its end."""

    path: str
    """Where in the model the module is: "0", "encoder.1"."""
    label: str
    """How it words itself: "Linear 2→3"."""
    parent: int | None
    """The number of the call that it was made in."""
    parameters: int
    """How many numbers it holds that training changes."""


class Entry(NamedTuple):
    """A node, and how it was computed; `op` is None where it was given."""

    node: Node
    op: Op | None
    inputs: tuple[Any, ...]
    arrays: Sequence[Any]
    options: dict[str, Any]
    call: int | None


class Recording(NamedTuple):
    """All that a result was computed from, the oldest first."""

    root: Node
    entries: tuple[Entry, ...]
    calls: tuple[Call, ...] = ()
    names: dict[int, str] = {}  # noqa: RUF012 - of a NamedTuple, never written to
    """What nodes are called, by their order on the tape's clock."""


class _Looking(Watcher):
    """Notes what is made, and in which call."""

    def __init__(self, model: Module) -> None:
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.calls: list[Call] = []
        self.inside: list[int | None] = []
        self.made_in: dict[int, int | None] = {}
        self.entries: dict[int, tuple[Node, Op, tuple[Any, ...], Sequence[Any], dict[str, Any]]] = {}

    def entered(self, module: Any) -> None:
        """Begin a call; that of the whole model is no group of its own."""
        if not self.inside:
            self.inside.append(None)
            return
        path = self.paths.get(id(module), type(module).__name__)
        label = module._label()  # noqa: SLF001 - a friend: how the layer words itself in messages
        self.begin(path, label, sum(tensor.size for tensor in _held(module)))

    def begin(self, path: str, label: str, parameters: int = 0) -> None:
        """Begin a call of anything."""
        parent = self.inside[-1] if self.inside else None
        self.calls.append(Call(path, label, parent, parameters))
        self.inside.append(len(self.calls) - 1)

    def left(self, module: Any) -> None:
        """End the innermost call."""
        self.inside.pop()

    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Note how the node was computed, whether the tape keeps it or not."""
        self.made_in[node.order] = self.inside[-1] if self.inside else None
        self.entries[node.order] = node, op, tuple(inputs), tuple(arrays), node.options


def _held(module: Module) -> list[Parameter]:
    return [parameter for _, parameter in module.named_parameters()]


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Let a watcher look on, in this thread, beside those that do so already."""
    before = mode.watchers
    in_force.append(watcher)
    mode.watchers = (*before, watcher)
    try:
        yield
    finally:
        mode.watchers = before
        in_force.remove(watcher)


def read(root: Node, looking: _Looking | None = None) -> Recording:
    """Collect what a node was computed from, without recursion: a million operations in a row are fine.

    Raises
    ------
    GraphError
        If a backward pass has let go of the graph.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> [entry.op.name if entry.op else "given" for entry in read(x * x + x).entries]
    ['given', 'multiply', 'add']
    """
    found: dict[int, Entry] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.order in found:
            continue
        entry = _entry(node, looking)
        found[node.order] = entry
        waiting.extend(x for x in entry.inputs if isinstance(x, Node) and x.order not in found)
    return Recording(root, tuple(found[order] for order in sorted(found)), tuple(looking.calls) if looking else ())


def _entry(node: Node, looking: _Looking | None) -> Entry:
    if looking and node.order in looking.entries:
        _, op, inputs, arrays, options = looking.entries[node.order]
        return Entry(node, op, inputs, arrays, options, looking.made_in[node.order])
    if node.op is FREED:
        raise GraphError(
            "The graph was freed by backward(), so there is nothing left to look at. Look before backward(), call it "
            "as backward(retain_graph=True), or compute the loss again."
        )
    return Entry(node, node.op, node.inputs, node.arrays, node.options, None)


def refuse_stale(recording: Recording) -> None:
    """Raise if a value was written over since something was computed from it: numbers would not fit together.

    Raises
    ------
    GraphError
        If so; it names the value.
    """
    for entry in recording.entries:
        for x in entry.inputs:
            if isinstance(x, Node) and entry.op and x.stale(entry.node.order):
                name = recording.names.get(x.order) or getattr(x, "name", None) or f"a tensor of shape {x.array.shape}"
                raise GraphError(
                    f"{name} was changed in place after {entry.op.name} had used it, as by optimizer.step(), so its "
                    f"value is no longer the one that was computed with. Compute the loss again, and look at that."
                )


def record(
    model: Module, inputs: Sequence[Any], finish: Callable[[Tensor], Tensor] | None = None, finish_label: str = ""
) -> Recording:
    """Run a model once and read what it did; running statistics and random generators are put back as they were.

    Parameters
    ----------
    inputs
        What the model takes.
    finish
        What makes a loss of the output, if that is to be seen as well, and how it words itself.

    Raises
    ------
    OptionError
        If the model does not return a Tensor.
    """
    looking = _Looking(model)
    tensors = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
    with _unchanged(model), watching(looking):
        output: Any = model(*tensors)
        if not isinstance(output, Tensor):
            raise OptionError(
                f"A graph has one Tensor as its result, but {type(model).__name__} returned a "
                f"{type(output).__name__}. Draw one part of it: model(x)[0].graph()."
            )
        if finish is not None:
            looking.begin("loss", finish_label)
            output = finish(output)
            looking.left(None)
    recording = read(output, looking)
    names = {parameter.order: name for name, parameter in model.named_parameters()}
    names |= {x.order: x.name or (f"x{k + 1}" if len(tensors) > 1 else "x") for k, x in enumerate(tensors)}
    return recording._replace(names=names)


@contextmanager
def _unchanged(model: Module) -> Iterator[None]:
    """Put back what a forward pass in training mode changes beside its output."""
    tensors = model._named_tensors()  # noqa: SLF001 - a friend: parameters and buffers
    buffers = [(tensor, tensor.array.copy()) for _, tensor in tensors if not isinstance(tensor, Parameter)]
    own = (value for _, module in model.named_modules() for value in vars(module).values())
    generators = [default_rng(), *(value for value in own if isinstance(value, np.random.Generator))]
    states = [generator.bit_generator.state for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state
        for buffer, array in buffers:
            if not np.array_equal(buffer.array, array, equal_nan=array.dtype.kind == "f"):
                touch(buffer)
                np.copyto(buffer.array, array)
