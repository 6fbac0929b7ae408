"""From a loss to its explanation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.errors import ArgumentError, GraphError, OptionError, ShapeError
from tinygrad_edu.explanations.array_writer import ArrayWriter
from tinygrad_edu.explanations.book import Book
from tinygrad_edu.explanations.explanation import Explanation
from tinygrad_edu.graphs.flow import flow_of
from tinygrad_edu.graphs.naming import named
from tinygrad_edu.graphs.recording import read, refuse_stale
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.graphs.recording import Recording

__all__ = ["check_digits", "check_loss", "explain"]


def explain(loss: Tensor, *, limit: int | None = 60, digits: int = 6) -> Explanation:
    """Go through a computation step by step: forward to the loss, then back to every gradient.

    Each step has the formula with its numbers put in. Neither ``grad`` nor the graph changes, so it can be called
    before ``backward()``, or after ``backward(retain_graph=True)``. Tensors are called by their ``name``, or by the
    variable that holds them where this is called.

    Parameters
    ----------
    loss
        A single number that was computed from tensors which ask for gradients.
    limit
        How many steps are printed forward, and how many back; the first and the last of them. None for all.
    digits
        How many significant digits numbers are shown with; the steps hold them in full.

    Raises
    ------
    ArgumentError
        If the loss is no Tensor.
    ShapeError
        If it is not a single number.
    GraphError
        If it was computed from nothing that asks for a gradient, its graph was freed, or a value in it was changed in
        place.
    OptionError
        If the limit or the number of digits is out of range.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> a, b = tg.tensor(2.0, requires_grad=True), tg.tensor(-3.0, requires_grad=True)
    >>> c = a * b
    >>> loss = c + a
    >>> print(explain(loss))
    Forward: the values
      1  a = 2
      2  b = -3
      3  c = a · b = 2 · (-3) = -6
      4  L = c + a = -6 + 2 = -4
    Backward: how L changes with each of them
      5  dL/dL = 1
      6  dL/dc = dL/dL · ∂L/∂c = 1 · 1 = 1
      7  dL/da += dL/dL · ∂L/∂a = 1 · 1 = 1
      8  dL/da += dL/dc · ∂c/∂a = 1 · b = 1 · (-3) = -3
         dL/da = 1 + (-3) = -2
      9  dL/db = dL/dc · ∂c/∂b = 1 · a = 1 · 2 = 2
    """
    check_loss(loss)
    check_digits(digits)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 2):
        raise OptionError(f"limit is a number of steps, at least 2, or None for all, but is {limit!r}.")
    recording = named(read(loss))
    refuse_stale(recording)
    book = book_of(recording, digits)
    return Explanation(book, ArrayWriter(book), limit=limit)


def book_of(recording: Recording, digits: int) -> Book:
    """Carry the gradient back through a recording, and name all its nodes."""
    return Book(recording, flow_of(recording.root), recording.names, digits)


def check_loss(loss: object) -> None:
    """Refuse what cannot be explained."""
    if not isinstance(loss, Tensor):
        raise ArgumentError(
            f"explain() explains a Tensor, but was given {type(loss).__name__}. Give it the loss itself."
        )
    if loss.size != 1:
        raise ShapeError(
            f"explain() needs a single number, but the shape is {loss.shape}. Take x.sum() or x.mean(), or one entry."
        )
    if not loss.tracked:
        raise GraphError(
            "There is nothing to explain: this tensor was computed from nothing that asks for a gradient, or under "
            "no_grad(). Create what you want the gradients of with requires_grad=True, and compute it again."
        )


def check_digits(digits: object) -> None:
    """Refuse a number of digits that cannot be shown."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17 or math.isnan(digits):
        raise OptionError(f"digits is a whole number from 1 to 17, but is {digits!r}.")
