"""The gradient on its way back: what each operation gave to each of its inputs, and how these added up.

The numbers come from the very ``pull`` that ``backward()`` and ``tg.grad`` use; a watcher notes what passes by. What
is on the tensors, ``grad`` above all, stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.tape import Node, Watcher, hooked, mode, pull

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Contribution", "Flow", "flow_of"]


class Contribution(NamedTuple):
    """What arrives at a node: from an operation, or from a hook that replaces what had arrived."""

    source: int | None
    """The order of the node that it comes from; None for a hook."""
    position: int
    """Which input of the operation the target is."""
    target: int
    """The order of the node that it goes to."""
    incoming: NDArray[Any]
    """The gradient of the source; for a hook, the gradient before it."""
    outgoing: NDArray[Any]
    """What it adds; for a hook, the gradient after it."""
    before: NDArray[Any] | None
    """What had arrived earlier; None if this is the first."""
    total: NDArray[Any]
    """The sum with what had arrived earlier."""


class Flow(Watcher):
    """Every contribution of one backward pass, in its order; and the whole gradient of each node it reached."""

    def __init__(self, root: Node) -> None:
        self.seed = np.ones_like(root.array)
        self.contributions: list[Contribution] = []
        self.gradients: dict[int, Any] = {root.order: self.seed}
        self._positions: Iterator[int] = iter(())
        self._grads: list[tuple[Any, Any]] = []  # what retain_grad() writes to, as it was before
        self._seen_by_hooks: set[int] = set()

    def visited(self, node: Node) -> None:
        """Begin with the next operation: it gives something to each input with a rule that asks for a gradient."""
        if node.op is None:
            return
        rules = node.op.rules or node.op.rules_for(len(node.inputs))
        pairs = enumerate(zip(node.inputs, rules, strict=True))
        self._positions = iter([k for k, (x, rule) in pairs if rule and isinstance(x, Node) and x.tracked])

    def pulled(self, node: Node, x: Node, g: Any, gradient: Any) -> None:
        """Note what an operation gives to an input."""
        if node.order in hooked and node.order not in self._seen_by_hooks:
            self.hook(node, g)
        before = self.gradients.get(x.order)
        total = gradient if before is None else before + gradient
        self.gradients[x.order] = total
        position = next(self._positions)
        self.contributions.append(Contribution(node.order, position, x.order, g, gradient, before, total))
        if before is None and x.order in hooked:
            self._grads.append((x, getattr(x, "grad", None)))

    def hook(self, node: Node, g: Any) -> None:
        """Note what hooks made of a gradient, if they changed it."""
        self._seen_by_hooks.add(node.order)
        before = self.gradients[node.order]
        if not np.array_equal(before, g, equal_nan=True):
            self.contributions.append(Contribution(None, 0, node.order, before, g, before, g))
            self.gradients[node.order] = g

    def put_back(self) -> None:
        """Give those with retain_grad() the grad that they had."""
        for node, grad in self._grads:
            node.grad = grad


def flow_of(root: Node) -> Flow:
    """Carry the gradient of a single number back through its graph, and note what happens on the way.

    Hooks are called as in ``backward()``, since they may change the gradient.

    Raises
    ------
    GraphError
        If the graph was freed, or a value that a rule needs was changed in place.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> flow = flow_of(x * x)
    >>> [float(contribution.outgoing) for contribution in flow.contributions], float(flow.gradients[x.order])
    ([3.0, 3.0], 6.0)
    """
    flow = Flow(root)
    grad = getattr(root, "grad", None)
    watchers, mode.watchers = mode.watchers, (flow,)
    try:
        with np.errstate(all="ignore"):  # what is NaN or infinite is shown
            found = pull(root, flow.seed)
            for node, g in found:
                if node.order in hooked:
                    flow.hook(node, np.asarray(g))
    finally:
        mode.watchers = watchers
        flow.put_back()
        if root.order in hooked:
            root.grad = grad  # type: ignore[attr-defined]  # a Tensor, as every root is
    return flow
