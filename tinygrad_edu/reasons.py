"""Why a gradient is None, zero, NaN, huge or tiny: one paragraph with the evidence, the path and a remedy.

The loss is differentiated once more, on arrays, by the same ``pull`` as in ``backward()``. A watcher keeps, for each
node, the strongest contribution to its gradient; followed from the tensor up to the loss, these are the path.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backward import last_root
from tinygrad_edu.causes import REMEDIES, Edge, Event, broke, cancels, growth, lost, origin, size_of, worded
from tinygrad_edu.errors import ArgumentError, GraphError, ShapeError
from tinygrad_edu.tape import FREED, Node, Watcher, hooked, made_at, mode, pull
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["why"]

# A step of 0.001 times a huge gradient moves a tensor by more than its own size. A step of 0.1 times a tiny one is
# below what float32 rounds off.
_HUGE, _TINY = 1e3, 1e-6

_UNREACHED = (
    "On the way it was detached, computed under no_grad(), turned into an array by x.numpy(), or went through an "
    "operation without a gradient (a comparison, argmax, astype(int)); afterwards these cannot be told apart."
)
_NOT_ASKED = (
    "does not ask for gradients (requires_grad is False): it was given without requires_grad=True or frozen, or it was "
    "detached, or computed from constants or under no_grad(); afterwards these cannot be told apart. Set "
    "x.requires_grad = True before the loss is computed, or compute it outside no_grad()."
)


class _Trace(Watcher):
    """What each node's gradient was, and the strongest part of it."""

    def __init__(self, loss: Tensor, seed: Any) -> None:
        self.sizes: dict[int, float] = {}
        self.strongest: dict[int, Edge] = {}
        self.whole: dict[int, Any] = {}  # the gradients that are handed to hooks, as they were before
        self.grads: list[tuple[Any, Any]] = []  # what retain_grad() may change, as it was before
        self.nodes: list[Node] = []
        self.gradient: Any = None
        self._note(loss, seed)

    def _note(self, x: Node, gradient: Any) -> None:
        if x.order not in hooked:
            return
        if x.order in self.whole:
            self.whole[x.order] = self.whole[x.order] + gradient
        else:
            self.whole[x.order] = gradient
            self.grads.append((x, getattr(x, "grad", None)))

    def visited(self, node: Node) -> None:
        self.nodes.append(node)

    def pulled(self, node: Node, x: Node, g: Any, gradient: Any) -> None:
        self._note(x, gradient)
        if node.order not in self.sizes:
            self.sizes[node.order] = size_of(g)
        before, after = self.sizes[node.order], size_of(gradient)
        best = self.strongest.get(x.order)
        if best is None or _rank(after, before) > _rank(best.after, best.before):
            # Arrays are kept where there may be something to explain, and not of a whole graph.
            kept = (None, None) if 1e-4 * before < after < math.inf or before == after == 0 else (g, gradient)
            self.strongest[x.order] = Edge(node, x, before, after, *kept)

    def path(self, loss: Node, tensor: Node) -> list[Edge]:
        """Follow the strongest contributions up from the tensor; the first in the list starts at the loss."""
        edges = []
        while tensor is not loss:
            edges.append(self.strongest[tensor.order])
            tensor = edges[-1].node
        return edges[::-1]

    def events(self, loss: Node, edges: list[Edge]) -> Iterator[Event]:
        """Go down the path through all that changes the gradient."""
        x, arrived = loss, 1.0
        for edge in [None, *edges]:
            if edge:
                yield Event("op", edge.node, edge.before, edge.after, edge)
                x, arrived = edge.x, edge.after
            if x.order in self.whole:
                total = size_of(self.whole[x.order])
                yield Event("sum", x, arrived, total, edge)
                yield Event("hook", x, total, self.sizes[x.order], edge)
            else:
                yield Event("sum", x, arrived, self.sizes[x.order], edge)


def _rank(after: float, before: float) -> tuple[bool, float, bool, float]:
    return (math.isnan(after), after, math.isnan(before), before)


def why(tensor: Tensor, loss: Tensor | None = None) -> str:
    """Explain a tensor's gradient: why it is None, zero, NaN, huge or tiny, or that nothing is wrong with it.

    Changes neither ``grad`` nor the graph. Hooks are called as in ``backward()``, since they may be what is wrong.

    Parameters
    ----------
    tensor
        Whose gradient to explain.
    loss
        A single number, freshly computed: the explanation follows the gradient from it to the tensor. Without it,
        the tensor on which ``backward()`` was called last, if that was with ``retain_graph=True``; else only the
        tensor itself can be looked at.

    Returns
    -------
    One paragraph: the cause with its evidence, the path from the loss, and a remedy.

    Raises
    ------
    ArgumentError
        If one of the two is no Tensor.
    ShapeError
        If the loss is not a single number.
    GraphError
        If the graph of the loss was freed, or a value in it was changed in place.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> w = tg.tensor([-1.0, -2.0], requires_grad=True, name="w")
    >>> print(why(w, w.relu().sum()))
    w of shape (2,) has a gradient of exactly 0, in 2 of 2 entries. It is lost at relu of shape (2,). Path: loss = sum
    <- relu (dead: 2 of 2 entries are <= 0) <- w. Lower the learning rate, start from other weights, or use leaky_relu,
    whose slope is never 0. Its grad is None, for no backward() has reached it yet: call loss.backward().
    """
    for role, x in (("tensor", tensor), ("loss", loss)):
        if not (isinstance(x, Tensor) or (x is None and role == "loss")):
            raise ArgumentError(f"why() explains Tensors, but its {role} is of type {type(x).__name__}.")
    if loss is not None and loss.size != 1:
        raise ShapeError(f"why() needs a loss of a single number, but its shape is {loss.shape}. Take loss.mean().")
    subject = f"{tensor.name or 'The tensor'} of shape {tensor.shape}{made_at(tensor)}"
    if not tensor.tracked:
        return f"{subject} {_not_asked(tensor)}"
    found = _follow(tensor, loss)
    if isinstance(found, str):
        return f"{subject} {found}"
    return f"{subject} {_explain(tensor, *found)} {_state(tensor, found[1])}".rstrip()


def _not_asked(tensor: Tensor) -> str:
    if tensor.dtype.kind != "f":
        return (
            f"holds {tensor.dtype}, and gradients need real numbers: write 1.0 instead of 1, or x.astype(np.float32). "
            f"If it was computed, as by a comparison or argmax, no gradient passes there."
        )
    old = "" if tensor.grad is None else " Its grad is what an earlier backward() put there."
    if type(tensor) is not Tensor:
        return f"is frozen: its requires_grad is False. Set it to True, if it is to be trained.{old}"
    return f"{_NOT_ASKED}{old}"


# ------------------------------------------------------------------------------------- following the gradient
def _follow(tensor: Tensor, loss: Tensor | None) -> str | tuple[Tensor, _Trace]:
    """Differentiate the loss with respect to the tensor, or say why it cannot be."""
    root = _last_loss() if loss is None else loss
    if root is None:
        return _alone(tensor)
    try:
        trace = _walk(root, tensor)
    except GraphError:
        if loss is None:  # as after optimizer.step()
            return _alone(tensor)
        raise
    if tensor.order not in trace.sizes:
        return _alone(tensor) if loss is None and tensor.grad is not None else _unreached(tensor, root, trace)
    return root, trace


def _last_loss() -> Tensor | None:
    root = last_root.reference() if last_root.reference else None
    return None if root is None or root.op is FREED or root.array.size != 1 else root


def _walk(loss: Tensor, tensor: Tensor) -> _Trace:
    seed = np.ones_like(loss.array)
    trace = _Trace(loss, seed)
    watchers, mode.watchers = mode.watchers, (trace,)
    try:
        with np.errstate(all="ignore"):
            found = pull(loss, seed, targets=(tensor,))
    finally:
        mode.watchers = watchers
        for x, grad in trace.grads:
            x.grad = grad
    for _, gradient in found:
        trace.sizes[tensor.order], trace.gradient = size_of(gradient), np.asarray(gradient)
    return trace


def _alone(tensor: Tensor) -> str:
    """Say what can be said from the tensor alone."""
    more = "compute the loss again and call tg.why(tensor, loss)."
    if tensor.grad is not None:
        held = tensor.grad.array
        return f"{_numbers(_kind(size_of(held), tensor), held, tensor)} To learn where it comes from, {more}"
    if tensor.op is not None:
        return f"has no grad. {_state(tensor)} To learn more, {more}"
    return (
        f"has no grad: no backward() has reached it yet, or zero_grad() came after, or the loss does not depend on it. "
        f"{_UNREACHED} To learn which, {more}"
    )


def _unreached(tensor: Tensor, loss: Tensor, trace: _Trace) -> str:
    """Collect what speaks for one of the reasons."""
    leaves: dict[int, Node] = {}
    constant: Node | None = None
    for node in trace.nodes:
        for x, array in zip(node.inputs, node.arrays, strict=True):
            if isinstance(x, Node) and x.tracked:
                leaves.update({x.order: x} if x.op is None else {})
            elif constant is None and isinstance(array, np.ndarray) and np.may_share_memory(array, tensor.array):
                constant = node
    begin = "gets no gradient, for the loss does not depend on it."
    if tensor.order > loss.order:
        return f"{begin} It was made after the loss: compute the loss again, from this tensor."
    if constant is not None:
        return (
            f"{begin} Its values enter {worded(constant)} as a constant: it was detached there, or x.numpy() was used. "
            f"Use the tensor itself."
        )
    names = [getattr(x, "name", None) or f"a tensor of shape {x.array.shape}" for x in leaves.values()]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    reaches = f"{', '.join(names[:3])}{more}" if names else "nothing that asks for gradients"
    return f"{begin} The loss depends on {reaches}. {_UNREACHED} Look for these, and compute the loss without them."


# ------------------------------------------------------------------------------------------ explaining it
def _explain(tensor: Tensor, loss: Tensor, trace: _Trace) -> str:
    """Word the cause, the path and the remedy."""
    size, edges = trace.sizes[tensor.order], trace.path(loss, tensor)
    kind = _kind(size, tensor)
    event = next((e for e in trace.events(loss, edges) if _broken(kind, e)), None)
    key, mark, what = "", "", _numbers(kind, trace.gradient, tensor)
    node: Node = tensor
    if event:
        key, mark = lost(event) if math.isfinite(size) else broke(event)
        node = event.edge.node if event.kind == "op" and event.edge else event.node
        what += f" It {'is lost' if math.isfinite(size) else 'breaks'} at {worded(node)}."
    elif kind in ("huge", "tiny") and edges:
        key, mark, edge, evidence = growth(edges, trace.sizes, grows=kind == "huge")
        what, node = f"{what} {evidence}", edge.node
    if not np.isfinite(loss.array).all() and key not in ("forward", "given"):
        what += f" The loss itself is {loss.item():g}: {origin(loss)[1]}."
    return f"{what} Path: {_chain(loss, edges, tensor, node, mark)}. {REMEDIES.get(key, '')}".rstrip()


def _kind(size: float, tensor: Tensor) -> str:
    values = size_of(tensor.array)
    scale = max(1.0, values) if math.isfinite(values) else 1.0
    if not math.isfinite(size):
        return "NaN" if math.isnan(size) else "infinite"
    if size > _HUGE * scale:
        return "huge"
    return "zero" if size == 0 else "tiny" if size < _TINY * scale else "healthy"


def _broken(kind: str, event: Event) -> bool:
    """Tell whether this is where a gradient became what it is."""
    if kind in ("NaN", "infinite"):
        return math.isfinite(event.before) and not math.isfinite(event.after)
    if kind == "zero":
        return event.after == 0 != event.before
    return kind == "tiny" and cancels(event)


def _numbers(kind: str, gradient: Any, tensor: Tensor) -> str:
    """Begin the explanation: what the gradient is like."""
    zero, bad = int((gradient == 0).sum()), int((~np.isfinite(gradient)).sum())
    if kind == "zero":
        return f"has a gradient of exactly 0, in {zero} of {gradient.size} entries."
    if bad:
        return f"has a gradient that is {kind} in {bad} of {gradient.size} entries."
    begin = "has a gradient, and nothing is wrong with it" if kind == "healthy" else f"has a {kind} gradient"
    zeros = f", and {zero} of {gradient.size} entries are 0" if zero else ""
    return (
        f"{begin}: its norm is {size_of(gradient):.3g}, where that of the values is {size_of(tensor.array):.3g}{zeros}."
    )


def _state(tensor: Tensor, trace: _Trace | None = None) -> str:
    """Say why grad is None, though a gradient flows; or that it holds something else."""
    if tensor.grad is None and (tensor.op is None or tensor.retains_grad):
        return "Its grad is None, for no backward() has reached it yet: call loss.backward()."
    if tensor.grad is None:
        by = f" by {tensor.op.name}" if tensor.op and tensor.op is not FREED else ""
        return f"Its grad is None, for it was computed{by}: it is kept only after retain_grad()."
    held = _kind(size_of(tensor.grad.array), tensor)
    if trace is None or held == _kind(trace.sizes[tensor.order], tensor):
        return ""
    return (
        f"But its grad {_numbers(held, tensor.grad.array, tensor)} It was added up over several backward passes, or is "
        f"of another loss: zero_grad() empties it."
    )


def _chain(loss: Tensor, edges: list[Edge], tensor: Tensor, marked: Node, mark: str) -> str:
    """Write the path from the loss to the tensor, shortened in the middle."""
    nodes: list[Any] = [*(edge.node for edge in edges), tensor]
    names = [node.op.name if node.op else "" for node in nodes[:-1]] + [tensor.name or "the tensor"]
    links = [f"{name} ({mark})" if node is marked and mark else name for name, node in zip(names, nodes, strict=True)]
    if len(links) > 8:
        kept = sorted({0, 1, 2, *range(len(links) - 3, len(links))} | {k for k, n in enumerate(nodes) if n is marked})
        gaps = [b - a - 1 for a, b in itertools.pairwise(kept)]
        links = [links[0]] + [
            f"({gap} more) <- {links[k]}" if gap else links[k] for gap, k in zip(gaps, kept[1:], strict=True)
        ]
    return f"{loss.name or 'loss'} = " + " <- ".join(links) if edges else tensor.name or "the tensor is the loss itself"
