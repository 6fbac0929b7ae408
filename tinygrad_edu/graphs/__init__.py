"""The graph of a computation: as plain data, and drawn as SVG, for Graphviz or for Mermaid.

``tensor.graph()`` shows what a tensor was computed from, ``model.graph(x)`` what a model does, layer by layer. The
layout is made here, in Python; no other program is needed.
"""

from tinygrad_edu.graphs.graph import Graph, GraphEdge, GraphGroup, GraphNode

__all__ = ["Graph", "GraphEdge", "GraphGroup", "GraphNode"]
