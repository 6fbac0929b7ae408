"""From what a computation left behind to a graph: a node for each tensor, arrow for each use, group for each module."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.graphs.graph import Graph, GraphEdge, GraphGroup, GraphNode
from tinygrad_edu.graphs.numbers import NOTHING, index_text, number_text, summary_text
from tinygrad_edu.nn.module import Parameter
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinygrad_edu.graphs.recording import Call, Entry, Recording

__all__ = ["build"]

_INFIX = {"add": "+", "subtract": "-", "multiply": "·", "divide": "/", "power": "^", "matmul": "@"}
_LONGEST = 28
# Options that are shown in another way.
_SHOWN = ("shape", "index")
# Options that go without saying.
_USUAL = {"stride": (1, (1, 1)), "padding": (0,), "dilation": (1, (1, 1)), "groups": (1,)}


def build(
    recording: Recording,
    value_of: Callable[[Node], Any] | None = None,
    gradient_of: Callable[[Node], Any] | None = None,
    *,
    title: str = "",
    limit: int,
) -> Graph:
    """Make a graph of a recording.

    Parameters
    ----------
    value_of, gradient_of
        Give an array for a node, or None where there is none yet; without them the lines are left out.
    """
    positions: dict[int, int] = {}
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    homes = _homes(recording)
    constants: dict[int, int] = {}
    for entry in recording.entries:
        ends = []
        for x in entry.inputs:
            if isinstance(x, Node):
                ends.append(positions[x.order])
            elif isinstance(x, np.ndarray) and x.ndim:
                if id(x) not in constants:
                    constants[id(x)] = len(nodes)
                    value = summary_text(x) if value_of else None
                    in_loss = entry.call is not None and recording.calls[entry.call].path == "loss"
                    name = "y" if in_loss else ""
                    nodes.append(GraphNode("data", "constant", name, shape=x.shape, value=value))
                ends.append(constants[id(x)])
        positions[entry.node.order] = here = len(nodes)
        nodes.append(_node(entry, recording, homes.get(entry.node.order), value_of, gradient_of))
        edges += [GraphEdge(start, here, times) for start, times in Counter(ends).items()]
    groups = tuple(GraphGroup(*call) for call in recording.calls)
    return Graph(tuple(nodes), tuple(edges), groups, title or "Graph of a computation", limit=limit)


def _node(
    entry: Entry,
    recording: Recording,
    group: int | None,
    value_of: Callable[[Node], Any] | None,
    gradient_of: Callable[[Node], Any] | None,
) -> GraphNode:
    node, op = entry.node, entry.op
    value = gradient = None
    if value_of:
        array = value_of(node)
        value = NOTHING if array is None else summary_text(array)
    if gradient_of and node.tracked:
        array = gradient_of(node)
        gradient = NOTHING if array is None else summary_text(array)
    return GraphNode(
        kind="operation" if op else "parameter" if node.tracked or isinstance(node, Parameter) else "data",
        what=op.name if op else "given" if node.tracked else "data",
        name=recording.names.get(node.order, ""),
        detail=_detail(entry),
        shape=tuple(node.array.shape),
        value=value,
        gradient=gradient,
        group=group,
        result=node is recording.root,
    )


def _detail(entry: Entry) -> str:
    """Word the numbers that take part: "2 · …", "axis=0"."""
    if entry.op is None:
        return ""
    numbers = [None if isinstance(x, Node) or np.ndim(x) else _signed(x) for x in entry.inputs]
    sign = _INFIX.get(entry.op.name)
    words = []
    if sign and len(numbers) == 2 and any(numbers):
        words.append(f" {sign} ".join(number or "…" for number in numbers))
    elif any(numbers):
        words.append(f"({', '.join(number or '…' for number in numbers)})")
    if "index" in entry.options:
        words.append(index_text(entry.options["index"]))
    options = {k: value for k, value in entry.options.items() if value not in _USUAL.get(k, ())}
    words += [f"{name}={text}" for name, value in options.items() if name not in _SHOWN and (text := _option(value))]
    detail = ", ".join(words)
    return detail if len(detail) <= _LONGEST else detail[: _LONGEST - 1] + "…"


def _signed(number: Any) -> str:
    text = number_text(np.asarray(number)[()], 4)
    return f"({text})" if text.startswith("-") else text


def _option(value: Any) -> str:
    """Word an option, if it is one that says something in a few letters."""
    if value is None or value is False:
        return ""
    if isinstance(value, (bool, str, np.dtype, type)):
        return str(np.dtype(value)) if isinstance(value, (type, np.dtype)) and value is not type else str(value)
    if isinstance(value, (int, float, np.number)):
        return number_text(value, 4)
    if isinstance(value, (tuple, list)):
        return repr(value)
    return ""


def _homes(recording: Recording) -> dict[int, int | None]:
    """Find the group of each node: that of the call that made it; of a parameter, the one that all its users share."""
    homes = {entry.node.order: entry.call for entry in recording.entries if entry.op}
    users: dict[int, set[int | None]] = {}
    for entry in recording.entries if recording.calls else ():
        for x in entry.inputs:
            if isinstance(x, Parameter) and x.op is None:
                users.setdefault(x.order, set()).add(entry.call)
    return homes | {order: _shared(calls, recording.calls) for order, calls in users.items()}


def _shared(numbers: Iterable[int | None], calls: tuple[Call, ...]) -> int | None:
    """Find the innermost call in which all of these are."""
    paths = []
    for number in numbers:
        path, k = [], number
        while k is not None:
            path.append(k)
            k = calls[k].parent
        paths.append(path[::-1])
    shared = None
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        shared = level[0]
    return shared
