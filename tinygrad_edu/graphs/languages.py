"""A graph in the languages of other programs: Graphviz's DOT and Mermaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.graphs.svg import STYLES, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.graphs.graph import Graph, GraphNode

__all__ = ["to_dot", "to_mermaid"]


def _body(
    graph: Graph,
    node: Callable[[int, GraphNode], str],
    begin: Callable[[int, str], str],
    end: str,
    parent: int | None = None,
    indent: str = "  ",
) -> list[str]:
    """Write the nodes of a group, then the groups in it with theirs."""
    lines = [indent + node(k, each) for k, each in enumerate(graph.nodes) if each.group == parent]
    for k, group in enumerate(graph.groups):
        if group.parent == parent:
            inside = _body(graph, node, begin, end, k, indent + "  ")
            if inside:
                lines += [indent + begin(k, group.label), *inside, indent + end]
    return lines


# ---------------------------------------------------------------------------------------------------- DOT
def to_dot(graph: Graph) -> str:
    r"""Write a graph in Graphviz's language; ``dot -Tpdf graph.dot`` draws it.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True, name="x")
    >>> print(to_dot(x.exp().graph(values=False, gradients=False)))
    digraph {
      label="What the result was computed from"; labelloc=t; fontname="Helvetica"
      node [shape=box, fontname="Helvetica", fontsize=11]
      n0 [label="x", style="filled", fillcolor="#FCEBC8", color="#B87700"]
      n1 [label="exp", style="filled,rounded", fillcolor="#DCEEFA", color="#D55E00", penwidth=3]
      n0 -> n1
    }
    """
    title = "\n".join(text for text in (graph.title, graph.note) if text)
    head = [
        "digraph {",
        f'  label={_dot_text(title)}; labelloc=t; fontname="Helvetica"',
        '  node [shape=box, fontname="Helvetica", fontsize=11]',
    ]
    body = _body(graph, _dot_node, lambda k, label: f"subgraph cluster_{k} {{ label={_dot_text(label)}", "}")
    edges = [f"  n{e.start} -> n{e.end}" + (f' [label="{e.times} ×"]' if e.times > 1 else "") for e in graph.edges]
    return "\n".join([*head, *body, *edges, "}"])


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _dot_node(k: int, node: GraphNode) -> str:
    label, lines = text_of(node)
    style = STYLES[node.kind]
    looks = "filled" + (",rounded" if style.radius else "") + (",dashed" if style.dashed else "")
    colour = 'color="#D55E00", penwidth=3' if node.result else f'color="{style.stroke}"'
    text = _dot_text("\n".join([label, *lines]))
    return f'n{k} [label={text}, style="{looks}", fillcolor="{style.fill}", {colour}]'


# ------------------------------------------------------------------------------------------------ Mermaid
def to_mermaid(graph: Graph) -> str:
    """Write a graph in Mermaid's language, which many sites draw in Markdown.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True, name="x")
    >>> print(to_mermaid(x.exp().graph(gradients=False)))
    flowchart TD
      n0["x<br/>value 2"]:::parameter
      n1("exp<br/>value 7.389"):::operation
      n0 --> n1
      classDef parameter fill:#FCEBC8,stroke:#B87700,color:#111111
      classDef operation fill:#DCEEFA,stroke:#0072B2,color:#111111
      style n1 stroke:#D55E00,stroke-width:3px
    """
    body = _body(graph, _mermaid_node, lambda k, label: f'subgraph g{k}["{_mermaid_text(label)}"]', "end")
    edges = [
        f"  n{e.start} -->|{e.times} ×| n{e.end}" if e.times > 1 else f"  n{e.start} --> n{e.end}" for e in graph.edges
    ]
    classes = [
        f"  classDef {kind} fill:{style.fill},stroke:{style.stroke},color:#111111"
        + (",stroke-dasharray:5 3" if style.dashed else "")
        for kind, style in STYLES.items()
        if any(node.kind == kind for node in graph.nodes)
    ]
    results = [f"  style n{k} stroke:#D55E00,stroke-width:3px" for k, node in enumerate(graph.nodes) if node.result]
    note = [f"%% {graph.note}"] if graph.note else []
    return "\n".join(["flowchart TD", *note, *body, *edges, *classes, *results])


def _mermaid_text(text: str) -> str:
    """Write with entities what Mermaid would take for its own signs, or for HTML."""
    # The sign of an entity first, or the others would be escaped twice.
    signs = {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;"}
    return "".join(signs.get(letter, max(letter, " ")) for letter in text)


def _mermaid_node(k: int, node: GraphNode) -> str:
    label, lines = text_of(node)
    text = "<br/>".join(_mermaid_text(line) for line in (label, *lines))
    left, right = ("(", ")") if STYLES[node.kind].radius else ("[", "]")
    return f'n{k}{left}"{text}"{right}:::{node.kind}'
