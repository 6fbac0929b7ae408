"""From a Tensor, or a model and what it is given, to a graph: behind ``tensor.graph()`` and ``model.graph(x)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.graphs.building import build
from tinygrad_edu.graphs.flow import flow_of
from tinygrad_edu.graphs.graph import LIMIT, Graph
from tinygrad_edu.graphs.naming import named
from tinygrad_edu.graphs.recording import Recording, read, record, refuse_stale
from tinygrad_edu.graphs.target import finishing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.tensor import Tensor

__all__ = ["graph_of_model", "graph_of_tensor"]


def graph_of_tensor(tensor: Tensor, *, values: bool = True, gradients: bool = True, limit: int = LIMIT) -> Graph:
    """See `Tensor.graph`."""
    recording = named(read(tensor))
    title = f"What {recording.names.get(tensor.order, 'the result')} was computed from"
    if tensor.op is None:
        title = "One tensor: no computation was recorded, since nothing in it asks for a gradient"
        title = "One tensor, which was given and not computed" if tensor.tracked else title
    return _built(recording, values=values, gradients=gradients, title=title, limit=limit)


def graph_of_model(
    model: Module,
    inputs: Sequence[Any],
    y: Any = None,
    loss: Any = None,
    *,
    collapse: bool | int = False,
    values: bool = True,
    gradients: bool = True,
    limit: int = LIMIT,
) -> Graph:
    """See `Module.graph`."""
    finish, finish_label = finishing(y, loss)
    recording = named(record(model, inputs, finish, finish_label))
    title = f"{type(model).__name__}, {model.num_parameters():,} parameters" + (", and its loss" if finish else "")
    graph = _built(recording, values=values, gradients=gradients, title=title, limit=limit)
    return graph.collapse(collapse)


def _built(recording: Recording, *, values: bool, gradients: bool, title: str, limit: int) -> Graph:
    if values or gradients:
        refuse_stale(recording)
    root = recording.root
    single = gradients and root.tracked and root.array.size == 1
    found = flow_of(root).gradients if single else {}
    return build(
        recording,
        (lambda node: node.array) if values else None,
        (lambda node: found.get(node.order)) if gradients else None,
        title=title,
        limit=limit,
    )
