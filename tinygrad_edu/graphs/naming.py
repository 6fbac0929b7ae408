"""What nodes are called: by their own name, else as the caller's variables are."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from tinygrad_edu.debugging import PACKAGES
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.graphs.recording import Recording

__all__ = ["named", "variables_of_the_caller"]


def variables_of_the_caller() -> dict[int, str]:
    """Find the variables that hold Tensors where this package was called from: names by the tensors' order.

    Of several variables on one tensor the one that was set first counts. Names that begin with an underscore are
    nobody's choice, as a notebook's ``_`` is.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGES):
        frame = frame.f_back
    if frame is None:
        return {}
    found: dict[int, str] = {}
    for variables in (frame.f_locals, frame.f_globals):
        for name, value in list(variables.items()):
            if isinstance(value, Tensor) and name.isidentifier() and not name.startswith("_"):
                found.setdefault(value.order, name)
    return found


def named(recording: Recording) -> Recording:
    """Add names to a recording: a path in the model first, then a tensor's own name, then the caller's variable.

    A name that two nodes have is numbered, so that each says which is meant.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.graphs.recording import read
    >>> a, b = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, name="w")
    >>> sorted(named(read(a * b)).names.values())
    ['a', 'w']
    """
    variables = variables_of_the_caller()
    names: dict[int, str] = {}
    taken: set[str] = set()
    for entry in recording.entries:
        order = entry.node.order
        name = recording.names.get(order) or getattr(entry.node, "name", None) or variables.get(order)
        if name:
            unique, k = name, 2
            while unique in taken:
                unique, k = f"{name}_{k}", k + 1
            taken.add(unique)
            names[order] = unique
    return recording._replace(names=names)
