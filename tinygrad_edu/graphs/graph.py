"""A graph as plain data: boxes, arrows, and the modules around them; and the ways to draw it."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from tinygrad_edu.errors import OptionError
from tinygrad_edu.storage import replace_file

__all__ = ["Graph", "GraphEdge", "GraphGroup", "GraphNode", "Kind"]

Kind: TypeAlias = Literal["data", "parameter", "operation", "module", "run"]
"""What a box stands for: something given, something given that asks for a gradient, one operation, or several."""

LIMIT = 200
_WRITERS = {".svg": "to_svg", ".dot": "to_dot", ".gv": "to_dot", ".mmd": "to_mermaid"}


@dataclass(frozen=True)
class GraphNode:
    """One box."""

    kind: Kind
    what: str
    """The operation or the module: "tanh", "Linear 2→3"; what it is, of what was given."""
    name: str = ""
    """What it is called: "w", "0.weight", the path of a module; empty if it has no name."""
    detail: str = ""
    """More about it, such as the constants of the operation."""
    shape: tuple[int, ...] = ()
    value: str | None = None
    """What it holds, in short; None where it is not to be shown."""
    gradient: str | None = None
    """The gradient of the result with respect to it, in short; "—" where there is none yet, None if not to be shown."""
    group: int | None = None
    """Which of the graph's groups it lies in, by its position there; None for none."""
    count: int = 1
    """How many operations it stands for."""
    result: bool = False

    @property
    def label(self) -> str:
        """The first line of the box."""
        if self.kind == "module":
            return f"{self.name} ({self.what})"
        if self.kind in ("operation", "run"):
            return f"{self.name} = {self.what}" if self.name else self.what
        return self.name or self.what

    @property
    def lines(self) -> tuple[str, ...]:
        """The further lines of the box."""
        shape = f"shape {self.shape}" if self.shape else ""
        value = "" if self.value is None else f"value {self.value}"
        gradient = "" if self.gradient is None else f"gradient {self.gradient}"
        return tuple(line for line in (self.detail, shape, value, gradient) if line)


@dataclass(frozen=True)
class GraphEdge:
    """An arrow between two nodes, which are given by their positions."""

    start: int
    end: int
    times: int = 1
    """How often the one takes the other: x * x takes x twice."""


@dataclass(frozen=True)
class GraphGroup:
    """A call of a module, drawn as a box around its operations."""

    path: str
    what: str
    parent: int | None = None
    parameters: int = 0

    @property
    def label(self) -> str:
        """What is written at the box."""
        return f"{self.path} ({self.what})" if self.what else self.path


@dataclass(frozen=True)
class Graph:
    """What a result was computed from: every node after those that it was computed from.

    In Jupyter it draws itself. ``save("graph.svg")``, ``.dot`` or ``.mmd`` writes a file; none of them needs a
    program beside Python.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a = tg.tensor(2.0, requires_grad=True, name="a")
    >>> graph = (a * a + 1).graph()
    >>> graph
    Graph of 3 nodes and 2 edges
    >>> [node.label for node in graph.nodes], graph.nodes[0].gradient
    (['a', 'multiply', 'add'], '4')
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    groups: tuple[GraphGroup, ...] = ()
    title: str = "Graph of a computation"
    note: str = ""
    """What was left out, if the graph was summarised."""
    limit: int = field(default=LIMIT, repr=False)
    """Drawn as a summary if it has more nodes."""

    def __repr__(self) -> str:
        groups = f" in {len(self.groups)} modules" if self.groups else ""
        return f"Graph of {len(self.nodes)} nodes and {len(self.edges)} edges{groups}"

    # ------------------------------------------------------------------------------------- smaller ones
    def collapse(self, depth: int | bool = True) -> Graph:  # noqa: FBT001, FBT002 - collapse=True is what one writes
        """Draw each module at a depth as one node: True is 1, the layers of a Sequential; False leaves all open.

        Raises
        ------
        OptionError
            If the depth is no whole number from 0 on.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_edu import nn
        >>> graph = nn.Sequential(nn.Linear(2, 3), nn.Tanh()).graph(np.ones((1, 2), np.float32))
        >>> [node.label for node in graph.collapse(True).nodes]
        ['x', '0 (Linear 2→3)', '1 (Tanh)']
        """
        if not isinstance(depth, int) or depth < 0:
            raise OptionError(f"collapse is True, False or a depth of 1 or more, but is {depth!r}.")
        graph: Graph = importlib.import_module("tinygrad_edu.graphs.collapsing").collapse(self, int(depth))
        return graph

    def summary(self, limit: int | None = None) -> Graph:
        """Give a graph of at most so many nodes: modules collapsed, then runs of equal operations, then more.

        Raises
        ------
        OptionError
            If the limit is below 10.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = y = tg.tensor(1.0, requires_grad=True, name="x")
        >>> for _ in range(1000):
        ...     y = (y + x).tanh()
        >>> [node.label for node in y.graph().summary().nodes]
        ['x', 'add, tanh × 999', 'add', 'y = tanh']
        """
        limit = self.limit if limit is None else limit
        if not isinstance(limit, int) or limit < 10:
            raise OptionError(f"A summary needs a limit of at least 10 nodes, but was given {limit!r}.")
        graph: Graph = importlib.import_module("tinygrad_edu.graphs.summarising").summarise(self, limit)
        return graph

    def without(self, *, values: bool = True, gradients: bool = True) -> Graph:
        """Leave out the values, or the gradients, of all nodes."""
        return replace(
            self,
            nodes=tuple(
                replace(n, value=n.value if values else None, gradient=n.gradient if gradients else None)
                for n in self.nodes
            ),
        )

    # -------------------------------------------------------------------------------------------- drawn
    def to_svg(self) -> str:
        """Draw it as SVG, as a summary if it has more nodes than its limit."""
        svg: str = importlib.import_module("tinygrad_edu.graphs.svg").to_svg(self.summary())
        return svg

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def to_dot(self) -> str:
        """Write it in Graphviz's language, as a summary if it has more nodes than its limit."""
        dot: str = importlib.import_module("tinygrad_edu.graphs.languages").to_dot(self.summary())
        return dot

    def to_mermaid(self) -> str:
        """Write it in Mermaid's language, as a summary if it has more nodes than its limit."""
        text: str = importlib.import_module("tinygrad_edu.graphs.languages").to_mermaid(self.summary())
        return text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, all or nothing; the ending (.svg, .dot, .gv, .mmd) says as what.

        Raises
        ------
        OptionError
            If the path is none, its ending is another one, or the file cannot be written.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise OptionError(f"A graph is written to a file such as 'graph.svg', but the path is {path!r}.")
        file = Path(path)
        writer = _WRITERS.get(file.suffix.lower())
        if writer is None:
            raise OptionError(f"A graph is written to .svg, .dot, .gv or .mmd, but the file is {file.name!r}.")
        try:
            replace_file(file, getattr(self, writer)().encode())
        except OSError as error:
            raise OptionError(f"The graph cannot be written to {str(file)!r}: {error}.") from error
        return file
