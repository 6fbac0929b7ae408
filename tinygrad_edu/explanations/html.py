"""An explanation as HTML: one table, with nothing from outside and no scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygrad_edu.explanations.explanation import Explanation
    from tinygrad_edu.explanations.step import ExplanationStep

__all__ = ["to_html"]

# The kind of a step, its colour, and what it is called beside the colour.
_KINDS = {
    "given": ("#F3F3F3", "given"),
    "forward": ("#DCEEFA", "forward"),
    "start": ("#FCEBC8", "start"),
    "backward": ("#FCEBC8", "back"),
    "hook": ("#F5DFEC", "hook"),
}
_CELL = "padding:2px 8px;text-align:left;vertical-align:top;border:0;color:#111"
_MONO = f"{_CELL};font-family:ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap"


def to_html(explanation: Explanation) -> str:
    """Write an explanation as an HTML table; every text in it is escaped.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(2.0, requires_grad=True, name="<x>")
    >>> html = to_html(tg.explain(x * 3))
    >>> "&lt;x&gt; · 3 = 2 · 3 = 6" in html, "<script" in html
    (True, False)
    """
    title = explanation.title or repr(explanation).split(";")[0]
    caption = escape(title) + (f"<br>{escape(explanation.note)}" if explanation.note else "")
    rows = []
    for heading, part in explanation.parts():
        rows.append(_across(heading, "th", 'scope="colgroup"', "font-weight:bold;padding-top:8px"))
        for layer, item in explanation.headed(part):
            rows += [_across(layer, "td", "", "font-weight:bold;color:#005A43")] if layer else []
            if isinstance(item, str):
                rows.append(_across(item, "td", "", "font-style:italic"))
                continue
            rows.append(_row(item))
    header = "".join(
        f'<th scope="col" style="{_CELL};font-weight:bold">{name}</th>' for name in ("step", "", "what happens")
    )
    return (
        '<div style="overflow-x:auto">'
        '<table style="border-collapse:collapse;background:#fff;color:#111;font-size:13px">'
        f'<caption style="{_CELL};font-weight:bold;background:#fff">{caption}</caption>'
        f"<thead><tr>{header}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _across(text: str, tag: str, more: str, style: str) -> str:
    attributes = " ".join(part for part in ('colspan="3"', more, f'style="{_CELL};{style}"') if part)
    return f'<tr style="background:#fff"><{tag} {attributes}>{escape(text)}</{tag}></tr>'


def _row(step: ExplanationStep) -> str:
    colour, kind = _KINDS[step.kind]
    what = "<br>".join(map(escape, step.lines))
    title = f' title="{escape(step.operation)}"' if step.operation else ""
    return (
        f'<tr style="background:{colour}"{title}><td style="{_CELL}">{step.index + 1}</td>'
        f'<td style="{_CELL}">{kind}</td><td style="{_MONO}">{what}</td></tr>'
    )
