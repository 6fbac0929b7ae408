"""The tape: what was computed from what, and how gradients run back along it.

Each Node holds an array and, when a gradient may be asked of it, the entry ``(op, inputs, options)`` that
computed it. That is all: plain data, no closures, no cycles, so dropping the last node frees the graph at
once. Nodes are numbered by one clock; going through them from the newest to the oldest visits every
node after all that was computed from it, without recursion.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from contextlib import ContextDecorator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Self

from tinygrad_edu.errors import GraphError, ShapeError
from tinygrad_edu.ops import Op, reductions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

__all__ = [
    "FREED",
    "Node",
    "Watcher",
    "check",
    "hooked",
    "in_force",
    "made_at",
    "mode",
    "no_grad",
    "pull",
    "take_out",
    "tick",
    "touch",
]

# One clock for the whole process. A node's `order` is the time it was made, its `changed` the time it was
# last written to: an input with `changed` later than the `order` of what was computed from it is stale.
tick = itertools.count(1).__next__

_sum = reductions.sum

# Stands in a node's entry once backward has gone through it and let go of its inputs.
FREED = Op("freed", lambda: None, ())


class _Changes:
    """When anything was last written to: a node made after that can hold nothing stale."""

    latest = 0


# The nodes with hooks by their order, while they live: as long as there are none, `pull` does not ask each node.
hooked: weakref.WeakValueDictionary[int, Node] = weakref.WeakValueDictionary()


class Node:
    """An array and how it was computed."""

    __slots__ = ("array", "arrays", "base", "changed", "hooks", "inputs", "op", "options", "order", "origin", "tracked")

    array: np.ndarray[Any, Any]
    tracked: bool  # whether a gradient may be asked of it
    op: Op | None  # None: it was not computed, it was given
    inputs: tuple[Any, ...]  # Nodes, and constants as they are
    arrays: Sequence[Any]  # the same with the Nodes' arrays: what the op computed with
    options: dict[str, Any]
    order: int
    changed: int
    base: Node | None  # the node whose memory it shares
    # Rarely there, and not set where they are not: setting them to None would cost each operation its time.
    hooks: dict[int, Callable[[Any], Any]]  # what is called with its gradient: see register_hook
    origin: Any  # where it was made: see debugging.py

    @property
    def owner(self) -> Node:
        """The node that owns the memory: this one, or the one it is a view of."""
        return self if self.base is None else self.base

    def stale(self, since: int) -> bool:
        """Whether the array was written to after the time `since`."""
        return self.owner.changed > since


def touch(*nodes: Node) -> None:
    """Note that the arrays of these nodes are being written to."""
    now = _Changes.latest = tick()
    for node in nodes:
        owner = node if node.base is None else node.base
        owner.changed = now


# What is in force in any thread: blocks of no_grad(), of debug(), and so on. While there is none, which is nearly
# always, an operation need not ask what holds in its own thread: that takes 80 ns, a tenth of a small operation.
in_force: list[object] = []


class Watcher:
    """What looks on while operations run and gradients are pulled: see debugging.py."""

    def given(self, node: Node) -> None:
        """Look at a node that was given."""

    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Look at a node that was computed."""

    def visited(self, node: Node) -> None:
        """Look at a node whose gradient is about to be pulled to its inputs."""

    def pulled(self, node: Node, x: Node, g: Any, gradient: Any) -> None:
        """Look at the gradient that a node, whose own gradient is `g`, gives its input `x`."""

    def changing(self, node: Node, value: Any) -> None:
        """Look at a node whose array is about to be overwritten with the Node `value`; None if in part."""

    def checked(self, refuse: Callable[..., None], args: tuple[Any, ...]) -> None:
        """Look at a check of values that did not raise."""

    def taken(self, node: Node, how: str) -> Any:
        """Look at a node whose values leave what is recorded, as by ``item()``; what is returned takes their place."""

    def entered(self, module: Any) -> None:
        """Look at a module that begins to compute."""

    def left(self, module: Any) -> None:
        """Look at a module that has computed."""


class _Mode(threading.local):
    """What holds for operations; each thread has its own answer."""

    recording = True
    watchers: tuple[Watcher, ...] = ()
    differentiating = 0  # how many of grad(), vjp(), ... are running their function: see autodiff
    capture: Any = None  # what is recording a whole training step, update included: see compiler


mode = _Mode()


def check(refuse: Callable[..., None], *args: Any) -> None:
    """Call ``refuse(*args)``, with arrays for Nodes, to raise if their values are not as they must be.

    Every check of values goes through here, so that a recorded training step checks its later batches too.

    Examples
    --------
    >>> check(lambda x: None, 1.0)
    """
    refuse(*[x.array if isinstance(x, Node) else x for x in args])
    if in_force:
        for watcher in mode.watchers:
            watcher.checked(refuse, args)


def take_out(node: Node, how: str) -> Any:
    """Say that the values of a node leave what is recorded: what Python does with them, nothing can follow.

    Returns what a watcher gives in their place, or None.
    """
    for watcher in mode.watchers:
        if (instead := watcher.taken(node, how)) is not None:
            return instead
    return None


class no_grad(ContextDecorator):  # noqa: N801 - PyTorch's name
    """Compute without recording: nothing in the block can be differentiated, and nothing is kept for it.

    Works as a context and as a decorator, in the calling thread alone.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """Make a block; as a decorator without parentheses, wrap the function at once."""
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        self._outer: list[bool] = []

    def _recreate_cm(self) -> Self:
        # A decorated function may run in several threads at once: each call gets a memory of its own.
        return type(self)()

    def __enter__(self) -> Self:
        self._outer.append(mode.recording)
        in_force.append(self)
        mode.recording = False
        return self

    def __exit__(self, *exception: object) -> None:
        mode.recording = self._outer.pop()
        in_force.remove(self)


def pull(  # noqa: C901, PLR0912 - the innermost loop: each part as a function of its own would cost a call per input
    root: Node,
    seed: Any,
    *,
    targets: tuple[Node, ...] | None = None,
    create_graph: bool = False,
    free: bool = False,
) -> list[tuple[Node, Any]]:
    """Carry the gradient `seed` of `root` back to the nodes it was computed from.

    Parameters
    ----------
    targets
        The nodes whose gradients are wanted; None for all the leaves.
    create_graph
        Hand Nodes to the rules instead of arrays, so that what they compute is recorded too.
    free
        Let go of each entry after its use.

    Returns
    -------
    (node, gradient) pairs; a target that was not reached is not among them.

    Raises
    ------
    GraphError
        If an entry was freed before, or a value that a rule reads has been overwritten since.
    """
    wanted = None if targets is None else {node.order for node in targets}
    oldest = min(wanted, default=0) if wanted else 0
    arrived: dict[int, tuple[Node, Any]] = {}  # at the leaves, and at the targets
    waiting: dict[int, tuple[Node, Any]] = {root.order: (root, seed)}
    newest = [-root.order]
    any_hooks, watchers = bool(hooked), mode.watchers
    while newest:
        order = -heappop(newest)
        if order < oldest:
            break
        node, g = waiting.pop(order)
        if any_hooks and order in hooked:
            g = _call_hooks(node, g)
        if wanted and order in wanted:
            arrived[order] = node, g
        op, inputs, options = node.op, node.inputs, node.options
        if op is None:  # the root itself is a leaf
            arrived[order] = node, g
            continue
        if op is FREED:
            raise GraphError(
                "This part of the graph was freed by an earlier backward(). "
                "Call the first one as backward(retain_graph=True), or compute the loss again."
            )
        if _Changes.latest > order:
            _refuse_stale(node)
        for watcher in watchers:
            watcher.visited(node)
        out, values = (node, inputs) if create_graph else (node.array, node.arrays)
        for x, rule in zip(inputs, op.rules or op.rules_for(len(inputs))):  # noqa: B905 - strict=True takes twice the time
            if rule is None or not (isinstance(x, Node) and x.tracked) or x.order < oldest:
                continue  # what is older than all targets leads to none
            gradient = rule(g, out, *values, **options) if options else rule(g, out, *values)
            array = x.array
            if gradient.dtype is not array.dtype or gradient.shape != array.shape:
                gradient = _conform(gradient, array, op)
            for watcher in watchers:
                watcher.pulled(node, x, g, gradient)
            there = arrived if x.op is None else waiting
            if x.order in there:
                gradient = there[x.order][1] + gradient
            elif there is waiting:
                heappush(newest, -x.order)
            elif gradient is g or gradient.base is not None:
                # A rule may hand on g itself, as x + y does to both: what is kept shares memory with nothing.
                gradient = gradient.clone() if create_graph else gradient.copy()
            there[x.order] = x, gradient
        if free:
            node.op, node.inputs, node.arrays = FREED, (), ()
    if any_hooks:  # a leaf's gradient is whole only now; those of the others were handed to their hooks on the way
        for order, (node, g) in arrived.items():
            if node.op is None and order in hooked and node is not root:
                arrived[order] = node, _call_hooks(node, g)
    if wanted is None:
        return list(arrived.values())
    return [arrived[order] for order in wanted if order in arrived]


def _call_hooks(node: Node, g: Any) -> Any:
    """Hand the whole gradient of a node to its hooks in turn; each may give another one back."""
    for hook in [*node.hooks.values()]:  # a hook may remove itself
        g = hook(g)
    return g


def _conform(gradient: Any, x: np.ndarray[Any, Any], op: Op) -> Any:
    """Sum a gradient over the axes that broadcasting added to x, and give it the dtype of x.

    This is the only place that undoes broadcasting; no rule has to think of it.
    """
    shape = gradient.shape
    added = len(shape) - x.ndim
    add_up = _sum if isinstance(gradient, Node) else _sum.forward  # the row itself only where it is to be recorded
    if added == 1 and shape[1:] == x.shape:  # a bias: the usual case
        gradient = add_up(gradient, axis=0)
    elif shape != x.shape:
        if added < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[added:], strict=True)):
            raise ShapeError(f"The gradient rule of {op.name} returned shape {shape} for an input of shape {x.shape}.")
        stretched = (added + a for a, n in enumerate(x.shape) if n == 1 and shape[added + a] != 1)
        gradient = add_up(gradient, axis=(*range(added), *stretched)).reshape(x.shape)
    return gradient if gradient.dtype == x.dtype else gradient.astype(x.dtype)


def made_at(node: Node) -> str:
    """Word where a node was made, if debug() was on: ", made at train.py:12 in `h = x * w`"."""
    origin = getattr(node, "origin", None)
    return f", made at {origin}" if origin else ""


def _refuse_stale(node: Node) -> None:
    """Raise if a rule of the node reads a value that was overwritten after the node was computed."""
    assert node.op is not None  # noqa: S101 - leaves have no inputs
    values = [*((f"input {k}", x) for k, x in enumerate(node.inputs)), ("the result", node)]
    stale = {k: (what, x) for k, (what, x) in enumerate(values) if isinstance(x, Node) and x.stale(node.order)}
    for i, x in enumerate(node.inputs):
        read = node.op.reads(i, len(node.inputs)) if isinstance(x, Node) and x.tracked else ()
        for k, (what, changed) in stale.items():
            if read and read[k]:
                raise GraphError(
                    f"backward() needs {what} of {node.op.name}, of shape {changed.array.shape}{made_at(changed)}, but "
                    f"it was changed in place since. Change a copy (x = x.clone()), or call backward() before the "
                    f"change."
                )
