"""What happened to a gradient on its way: where it was lost, where it broke, where it grew or shrank.

Each cause is a key, which finds its remedy, and words with evidence: ("dead", "dead: 128 of 128 entries are <= 0").
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.debugging import by_entry, made_from
from tinygrad_edu.tape import FREED, Node, made_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["REMEDIES", "Edge", "Event", "broke", "cancels", "growth", "lost", "origin", "size_of", "worded"]

# Operations whose slope is 0 near the limits of what they give.
_LIMITS = {"sigmoid": (0, 1), "softmax": (0, 1), "softmax_or_zero": (0, 1), "tanh": (-1, 1), "erf": (-1, 1)}
_CHOICES = ("where", "maximum", "minimum", "fmax", "fmin", "clamp_min", "clamp_max")
REMEDIES = {
    "dead": "Lower the learning rate, start from other weights, or use leaky_relu, whose slope is never 0.",
    "saturated": "Scale the inputs, start from smaller weights, or hand the scores to a loss on logits.",
    "not taken": "Choose so that each side is taken somewhere, or blend the two sides smoothly.",
    "multiplied by zeros": "Look at where these zeros come from: weights that start at 0, a mask, or data.",
    "stationary": "If the loss is at its minimum, nothing is left to learn; else start elsewhere.",
    "cancels": "Look at the loss: what is summed does not depend on this tensor, as a sum of softmax(x) is always 1.",
    "flat": "If it jumps or rounds, use a smooth stand-in, such as sigmoid(10 * x) for a step; else see why its result "
    "does not depend on this input.",
    "flat there": "Move the values to where the slope is not 0: scale the inputs, or start from other weights.",
    "empty": "Look at the shapes: where there are no entries, there is nothing to differentiate.",
    "hook": "Look at that hook: what it returns takes the gradient's place; None leaves it.",
    "singular": "Keep the input away from where the slope does not exist, as in np.sqrt(x + 1e-12), or clip it.",
    "masked": "np.where comes too late after it: choose the input first, as in np.log(np.where(x > 0, x, 1)).",
    "forward": "Keep the inputs of the operation in its domain, as by clipping or scaling, or lower the learning rate.",
    "given": "Check the data; if it is a weight, an earlier step broke it: lower the learning rate.",
    "huge": "Scale the data, start from smaller weights, let the loss be a mean and not a sum, or clip the gradient.",
    "tiny": "If the loss is at its minimum, nothing is left to learn; else start from larger weights, use relu for "
    "what saturates, or let the input skip layers: x + f(x).",
}


class Edge(NamedTuple):
    """The gradient that a node, whose own gradient is `g`, gives to its input `x`; and the sizes of the two."""

    node: Node
    x: Node
    before: float
    after: float
    g: Any
    gradient: Any

    @property
    def position(self) -> int:
        """Which input x is."""
        return next(k for k, x in enumerate(self.node.inputs) if x is self.x)


class Event(NamedTuple):
    """What happened to the gradient on its way: in an operation, where contributions are summed, or in a hook."""

    kind: str
    node: Node
    before: float
    after: float
    edge: Edge | None


def size_of(array: Any) -> float:
    """Compute the Euclidean norm, without overflow or underflow; NaN and infinities come through."""
    flat = np.asarray(array, float).ravel()
    top = float(np.abs(flat).max(initial=0))
    if not 0 < top < math.inf:
        return top
    flat = flat / top
    return top * math.sqrt(flat.dot(flat))


def worded(node: Any) -> str:
    """Name a node: its operation, or its own name; its shape, and where it was made if that is known."""
    name = node.op.name if node.op and node.op is not FREED else node.name or "a tensor"
    return f"{name} of shape {node.array.shape}{made_at(node)}"


# ------------------------------------------------------------------------------------------- lost: exactly zero
def lost(event: Event) -> tuple[str, str]:
    """Tell why a gradient became zero here."""
    if event.kind == "hook":
        return "hook", "a hook returned zeros"
    if event.kind == "sum":
        return "cancels", f"cancels: contributions of up to {event.before:.3g} add up to {event.after:.3g}"
    return _lost_in_an_operation(event.edge) if event.edge else ("", "")


def _lost_in_an_operation(edge: Edge) -> tuple[str, str]:
    op: Any = edge.node.op
    if not edge.x.array.size:
        return "empty", f"empty: of shape {edge.x.array.shape}"
    reached = np.asarray(edge.g) != 0
    entries = f"{reached.sum()} of {reached.sum()} entries" + ("" if reached.all() else " that a gradient reaches")
    x = _pick(edge.node, edge.x.array, reached)
    if "relu" in op.name and (x <= 0).all():
        return "dead", f"dead: {entries} are <= 0"
    if near := _saturated(edge.node):
        return "saturated", f"saturated: {near}"
    if _probe(edge, _ramp(reached.shape)) > 0:
        return "cancels", f"cancels: the entries of a gradient of {edge.before:.3g} add up to 0"
    if op.name in _CHOICES:
        return "not taken", f"not taken: another input is chosen in {entries}"
    text = f"flat there: its slope is 0 at {entries}, from {x.min():.3g} to {x.max():.3g}"
    return _zeros(edge, reached) or ("flat there", text)


def _zeros(edge: Edge, reached: Any) -> tuple[str, str] | None:
    """Find the zeros that a rule multiplies by; a rule that reads nothing has them of its own."""
    node, op = edge.node, edge.node.op
    reads = op.reads(edge.position, len(node.inputs)) if op else ()
    for j in (j for j, read in enumerate(reads) if read):
        factor = _pick(node, [*node.arrays, node.array][j], reached)
        # It is to blame if with ones in its place something is left.
        if not factor.any() and _probe(edge, 1, ones=j):
            zeros = f"is 0 in {factor.size} of {factor.size} entries"
            if j in (edge.position, len(node.inputs)):
                return "stationary", f"stationary: its {'input' if j == edge.position else 'result'} {zeros}"
            return "multiplied by zeros", f"multiplied by zeros: {_called(node, j)} {zeros}"
    return None if any(reads) else ("flat", "flat: its slope is 0 everywhere")


def _pick(node: Node, array: Any, where: Any) -> Any:
    """Pick some entries of an input or a result, where the operation works entry by entry; else all of it."""
    if node.op and by_entry(node.op, len(node.arrays)):
        with contextlib.suppress(ValueError):
            return np.broadcast_to(array, node.array.shape)[where]
    return np.asarray(array)


def _ramp(shape: tuple[int, ...]) -> Any:
    """Weigh entries differently: what was equal no longer cancels."""
    return np.linspace(1, 2, math.prod(shape)).reshape(shape)


def _probe(edge: Edge, weights: Any, ones: int | None = None) -> float:
    """Size what the rule makes of the gradient times weights, with an input or the result replaced by ones."""
    node, g = edge.node, edge.g
    op: Any = node.op
    values = [node.array if j == len(node.arrays) else node.arrays[j] for j in range(len(node.arrays) + 1)]
    if ones is not None:
        values[ones] = np.ones_like(values[ones])
    rule = (op.rules or op.rules_for(len(node.inputs)))[edge.position]
    # A row may refuse the ones, as an inverse does.
    with np.errstate(all="ignore"), contextlib.suppress(ValueError, ArithmeticError):
        return size_of(rule((g * weights).astype(g.dtype), values[-1], *values[:-1], **node.options))
    return 0.0


def cancels(event: Event) -> bool:
    """Tell whether parts of a gradient add up to what is no more than their rounding."""
    if not 0 < event.after <= 16 * float(np.finfo(event.node.array.dtype).eps) * event.before:
        return False
    if event.kind != "op" or event.edge is None:
        return event.kind == "sum"
    if event.edge.g is None:
        return False
    apart = _probe(event.edge, _ramp(event.edge.node.array.shape))
    return event.after <= 16 * float(np.finfo(event.node.array.dtype).eps) * apart


def _saturated(node: Node, within: float | None = None) -> str:
    limits = _LIMITS.get(node.op.name if node.op else "")
    if limits is None:
        return ""
    y, (low, high) = node.array, limits
    near = int((np.minimum(y - low, high - y) <= (within or np.finfo(y.dtype).eps)).sum())
    limits_are = f"within {within:g} of {low} or {high}" if within else f"{low} or {high} but for rounding"
    return f"{near} of {y.size} results are {limits_are}" if 2 * near > y.size else ""


def _called(node: Node, j: int) -> str:
    if len(node.inputs) == 1:
        return "its input"
    x = node.inputs[j]
    return getattr(x, "name", None) or f"input {j}" + (
        f" of shape {np.shape(node.arrays[j])}" if np.ndim(node.arrays[j]) else ""
    )


# --------------------------------------------------------------------------------------- broken: NaN, infinite
def broke(event: Event) -> tuple[str, str]:
    """Tell why a gradient is not finite from here on."""
    if event.kind == "hook":
        return "hook", f"a hook returned {_bad(event.after)}"
    if event.kind == "sum" or event.edge is None:
        return "huge", f"contributions of {event.before:.3g} add up to more than {event.node.array.dtype} holds"
    edge, node, op = event.edge, event.edge.node, event.edge.node.op
    index, value = _first(edge.gradient, ~np.isfinite(edge.gradient))
    same = edge.x.array.shape == node.array.shape
    values = [_pick(node, a, index) if same else a for a in node.arrays]
    key, text = (
        "singular",
        f"at index {index}, where its input is {edge.x.array[index]:.6g}, its slope makes {_bad(value)}",
    )
    if not all(np.isfinite(a).all() for a in values):
        key, text = origin(node)
    elif edge.before > math.sqrt(np.finfo(node.array.dtype).max):
        return "huge", f"a gradient of {edge.before:.3g} grows beyond what {node.array.dtype} holds"
    elif op is not None and op.domain:
        text += f", while its domain is {op.domain}"
    if key != "given" and np.shape(edge.g) == np.shape(edge.gradient) and np.asarray(edge.g)[index] == 0:
        return "masked", f"{text}; the gradient that arrives there is 0, and 0 times an infinity is NaN"
    return key, text


def origin(node: Node) -> tuple[str, str]:
    """Find where the first NaN among the values came up, or the first infinity that it was made from."""
    for test in (np.isnan, np.isinf):
        while (inner := _with(node, test)) is not None:
            node = inner
    op, test = node.op, np.isnan if np.isnan(node.array).any() else np.isinf
    if op is None or op is FREED:
        index, value = _first(node.array, test(node.array))
        return "given", f"{worded(node)} holds {_bad(value)} at index {index} already"
    for j, a in enumerate(node.arrays):
        if not np.isfinite(a).all():
            index, value = _first(np.asarray(a), ~np.isfinite(a))
            return (
                "given",
                f"{_called(node, j)} of {worded(node)} is a constant that holds {_bad(value)} at index {index}",
            )
    index, value = _first(node.array, test(node.array))
    made = made_from(op, node.arrays, node.array.shape, index)
    domain = f", while its domain is {op.domain}" if op.domain else ""
    return "forward", f"{worded(node)} made {_bad(value)} at index {index}{made}{domain}"


def _with(node: Node, test: Callable[[Any], Any]) -> Node | None:
    pairs = zip(node.inputs, node.arrays, strict=True)
    return next((x for x, a in pairs if isinstance(x, Node) and test(a).any()), None)


def _first(array: Any, bad: Any) -> tuple[tuple[int, ...], Any]:
    index = tuple(int(k) for k in np.argwhere(bad)[0])
    return index, np.asarray(array)[index]


def _bad(value: Any) -> str:
    return "a NaN" if np.isnan(value) else "an infinity"


# ------------------------------------------------------------------------------------------------ grown, shrunk
def growth(edges: Sequence[Edge], sizes: dict[int, float], *, grows: bool) -> tuple[str, str, Edge, str]:
    """Find the operation that changes the gradient most, all of its name together, and its strongest instance.

    Returns
    -------
    The key of the cause and its words, the instance, and the evidence as a sentence.
    """
    groups: dict[str, list[tuple[float, Edge]]] = {}
    for edge in edges:
        after = sizes[edge.x.order]
        # Where one of them is 0 or infinite, a hook made something of nothing.
        if edge.node.op and 0 < edge.before < math.inf and 0 < after < math.inf:
            groups.setdefault(edge.node.op.name, []).append((after / edge.before, edge))
    if not groups:
        return "", "", edges[0], ""
    sign = 1 if grows else -1
    totals = {name: sign * sum(math.log(factor) for factor, _ in group) for name, group in groups.items()}
    most = max(totals, key=totals.__getitem__)
    factor, edge = max(groups[most], key=lambda pair: sign * pair[0])
    layers = "".join(
        f"; {name} is there {len(group)} times, each {math.exp(sign * totals[name] / len(group)):.3g}-fold on average"
        for name, group in groups.items()
        if len(group) > 1 and 2 * totals[name] >= totals[most]
    )
    change = f"{factor:.3g}-fold, from {edge.before:.3g} to {sizes[edge.x.order]:.3g}"
    text = f"It {'grows' if grows else 'shrinks'} most at {worded(edge.node)}, {change}{_factors(edge)}{layers}."
    if near := _saturated(edge.node, 0.001):
        return "saturated", f"saturated: {near}", edge, text
    return "huge" if grows else "tiny", f"{factor:.3g}-fold", edge, text


def _factors(edge: Edge) -> str:
    """Word how large the inputs are that the rule reads: the gradient is multiplied by them, or divided."""
    node, op = edge.node, edge.node.op
    reads = op.reads(edge.position, len(node.inputs))[:-1] if op else ()
    tops = {j: np.abs(node.arrays[j]) for j, read in enumerate(reads) if read and np.size(node.arrays[j])}
    words = [f"{_called(node, j)} runs from {a.min():.3g} to {a.max():.3g} in size" for j, a in tops.items()]
    return f", where {' and '.join(words)}" if words else ""
