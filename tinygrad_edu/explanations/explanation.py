"""An explanation: all steps forward and back, to print, to show in a notebook, and to go through one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.explanations.step import ExplanationStep
from tinygrad_edu.explanations.view import View
from tinygrad_edu.graphs.building import build
from tinygrad_edu.graphs.graph import LIMIT, Graph
from tinygrad_edu.graphs.numbers import NOTHING
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.explanations.book import Book
    from tinygrad_edu.explanations.step import Writer

__all__ = ["Explanation"]


class Explanation(Sequence[ExplanationStep]):
    """The steps from what was given to the result, and back from it to every gradient.

    It is a sequence of steps: ``explanation[3]``, ``for step in explanation``. ``print(explanation)`` writes them all.
    To watch, go through it: ``next()`` and ``back()`` move a `position`, and ``view()`` and ``graph()`` show what is
    known there.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> explanation = tg.explain(x * x)
    >>> print(explanation.next(), explanation.next(), explanation.gradient(x), sep="; ")
    x = 3; L = x · x = 3 · 3 = 9; None
    >>> print(explanation.view())
    After step 2: L = x · x = 3 · 3 = 9
       operation  value  gradient
    x  given      3      —
    L  multiply   9      —
    >>> explanation.position = len(explanation)
    >>> float(explanation.gradient(x))
    6.0
    """

    def __init__(
        self, book: Book, writer: Writer, *, limit: int | None, title: str = "", note: str = "", home: str = ""
    ) -> None:
        self._book, self._writer, self._limit = book, writer, limit
        self.title, self.note, self.home = title, note, home
        self._entries, self._contributions = book.recording.entries, book.flow.contributions
        # Given values first: that is what one starts with.
        order = sorted(range(len(self._entries)), key=lambda k: self._entries[k].op is not None)
        self._order = order
        self._position = 0

    # ---------------------------------------------------------------------------------------- its steps
    @property
    def n_forward(self) -> int:
        """How many steps lead forward, to the result."""
        return len(self._entries)

    def __len__(self) -> int:
        return len(self._entries) + 1 + len(self._contributions)

    @overload
    def __getitem__(self, index: int) -> ExplanationStep: ...
    @overload
    def __getitem__(self, index: slice) -> list[ExplanationStep]: ...
    def __getitem__(self, index: int | slice) -> ExplanationStep | list[ExplanationStep]:
        if isinstance(index, slice):
            return [self._step(k) for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"There are {len(self)} steps, but step {index} was asked for.")
        return self._step(index % len(self))

    def __iter__(self) -> Iterator[ExplanationStep]:
        return map(self._step, range(len(self)))

    def _step(self, k: int) -> ExplanationStep:
        if k < len(self._entries):
            return self._forward(k)
        if k == len(self._entries):
            name, seed = self._book.names[self._book.root], self._book.flow.seed
            root = self._book.recording.root
            return ExplanationStep(
                index=k,
                kind="start",
                name=name,
                operation="",
                layer="",
                value=root.array,
                target=name,
                outgoing=seed,
                total=seed,
                order=root.order,
                book=self._book,
                writer=self._writer,
            )
        return self._backward(k)

    def _forward(self, k: int) -> ExplanationStep:
        entry, book = self._entries[self._order[k]], self._book
        return ExplanationStep(
            index=k,
            kind="forward" if entry.op else "given",
            name=book.name(entry.node),
            operation=entry.op.name if entry.op else "",
            layer=book.layer(entry),
            value=entry.node.array,
            order=entry.node.order,
            book=book,
            writer=self._writer,
        )

    def _backward(self, k: int) -> ExplanationStep:
        number, book = k - len(self._entries) - 1, self._book
        source, position, target, incoming, outgoing, before, total = self._contributions[number]
        entry = book.entries[target if source is None else source]
        return ExplanationStep(
            index=k,
            kind="hook" if source is None else "backward",
            name=book.name(entry.node),
            operation="hook" if source is None or entry.op is None else entry.op.name,
            layer=book.layer(entry),
            value=entry.node.array,
            target=book.names[target],
            incoming=np.asarray(incoming),
            outgoing=np.asarray(outgoing),
            before=None if before is None else np.asarray(before),
            total=np.asarray(total),
            complete=self._arrivals[target][-1] == k,
            order=entry.node.order,
            position=position,
            book=book,
            writer=self._writer,
        )

    @cached_property
    def _arrivals(self) -> dict[int, list[int]]:
        """The steps in which something arrives at each node."""
        found: dict[int, list[int]] = {self._book.root: [len(self._entries)]}
        for k, contribution in enumerate(self._contributions):
            found.setdefault(contribution.target, []).append(len(self._entries) + 1 + k)
        return found

    @cached_property
    def _made(self) -> dict[int, int]:
        """The step in which each node gets its value."""
        return {self._entries[entry].node.order: k for k, entry in enumerate(self._order)}

    # ------------------------------------------------------------------------------------ going through
    @property
    def position(self) -> int:
        """How many steps have been made: 0 at the start, ``len(explanation)`` at the end."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        if not isinstance(value, (int, np.integer)) or not 0 <= value <= len(self):
            raise OptionError(
                f"The position goes from 0 to {len(self)}, the number of steps, but was set to {value!r}."
            )
        self._position = int(value)

    def next(self) -> ExplanationStep:
        """Make the next step, and give it.

        Raises
        ------
        OptionError
            At the end.
        """
        if self._position == len(self):
            raise OptionError(f"All {len(self)} steps have been made. Go back(), or begin again with reset().")
        self._position += 1
        return self[self._position - 1]

    def back(self) -> ExplanationStep:
        """Take the last step back, and give it.

        Raises
        ------
        OptionError
            At the start.
        """
        if not self._position:
            raise OptionError("No step has been made yet. Go on with next().")
        self._position -= 1
        return self[self._position]

    def reset(self) -> None:
        """Return to the start."""
        self._position = 0

    def view(self) -> View:
        """Show what is known at this position: "—" stands for what is not computed yet."""
        last = self[self._position - 1] if self._position else None
        rows = []
        for k in self._order:
            entry = self._entries[k]
            value, gradient = self._value_at(entry.node), self._gradient_at(entry.node)
            rows.append(
                (
                    self._book.name(entry.node),
                    entry.op.name if entry.op else "given",
                    NOTHING if value is None else self._book.text(value),
                    "" if not entry.node.tracked else NOTHING if gradient is None else self._book.text(gradient),
                )
            )
        return View(self._position, last, tuple(rows))

    def value(self, of: Node | str) -> NDArray[Any] | None:
        """Give the value of a tensor, or of a name, at this position; None if it is not computed yet."""
        return self._value_at(self._node(of))

    def gradient(self, of: Node | str) -> NDArray[Any] | None:
        """Give the gradient with respect to a tensor, or a name, as far as it has arrived at this position.

        None if nothing has arrived yet.
        """
        return self._gradient_at(self._node(of))

    def _node(self, of: Node | str) -> Node:
        found = self._by_name.get(of) if isinstance(of, str) else self._book.entries.get(of.order)
        if found is None:
            names = ", ".join(list(self._by_name)[:12]) + (", …" if len(self._by_name) > 12 else "")
            raise OptionError(
                f"{of if isinstance(of, str) else 'That tensor'!s} is not in the graph. There are: {names}."
            )
        return found if isinstance(found, Node) else found.node

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {self._book.name(entry.node): entry.node for entry in self._entries}

    def _value_at(self, node: Node) -> NDArray[Any] | None:
        return node.array if self._made[node.order] < self._position else None

    def _gradient_at(self, node: Node) -> NDArray[Any] | None:
        arrived = self._arrivals.get(node.order, ())
        made = bisect_left(arrived, self._position)
        return self._step(arrived[made - 1]).total if made else None

    @cached_property
    def gradients(self) -> dict[str, NDArray[Any]]:
        """The whole gradient with respect to each node that one arrives at, by name."""
        found = self._book.flow.gradients
        return {self._book.names[order]: np.asarray(gradient) for order, gradient in found.items()}

    def graph(self, *, limit: int = LIMIT) -> Graph:
        """Draw the graph as it is known at this position: "—" stands for what is not computed yet."""
        recording = self._book.recording._replace(names=self._book.names)
        title = f"After step {self._position} of {len(self)}"
        return build(recording, self._value_at, self._gradient_at, title=title, limit=limit)

    # -------------------------------------------------------------------------------------------- shown
    def __repr__(self) -> str:
        back = len(self) - self.n_forward
        return f"Explanation of {self.n_forward} steps forward and {back} back; print it, or go through it with next()"

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """All steps as text; of more than the limit the first and the last ones, forward and back."""
        width = len(str(len(self)))
        lines = [text for text in (self.title, self.note) if text]
        for title, part in self.parts():
            lines.append(title)
            for heading, item in self.headed(part):
                lines += [f"  {heading}"] if heading else []
                if isinstance(item, str):
                    lines.append(f"  {'':>{width}}  {item}")
                    continue
                first, *others = item.lines
                lines.append(f"  {item.index + 1:>{width}}  {first}")
                lines += [f"  {'':>{width}}  {line}" for line in others]
        return "\n".join(lines)

    def parts(self) -> Iterator[tuple[str, Iterator[ExplanationStep | str]]]:
        """Give the two halves: their titles, and their steps or words about those left out."""
        yield "Forward: the values", self._some(0, self.n_forward)
        root = self._book.names[self._book.root]
        yield f"Backward: how {root} changes with each of them", self._some(self.n_forward, len(self))

    def headed(self, part: Iterator[ExplanationStep | str]) -> Iterator[tuple[str, ExplanationStep | str]]:
        """Give each step with the layer that begins with it; empty where the layer goes on, and for what was given."""
        layer = ""
        for item in part:
            heading = ""
            if isinstance(item, ExplanationStep) and item.kind not in ("given", "start"):
                own = item.layer or self.home
                heading, layer = own if own != layer else "", own
            yield heading, item

    def _some(self, start: int, end: int) -> Iterator[ExplanationStep | str]:
        if self._limit is None or end - start <= self._limit:
            yield from (self._step(k) for k in range(start, end))
            return
        first = (self._limit + 1) // 2
        yield from (self._step(k) for k in range(start, start + first))
        yield f"… {end - start - self._limit:,} more steps; explain with limit=None shows all"
        yield from (self._step(k) for k in range(end - (self._limit - first), end))

    def _repr_html_(self) -> str:
        from tinygrad_edu.explanations.html import to_html  # noqa: PLC0415 - it needs this class

        return to_html(self)
