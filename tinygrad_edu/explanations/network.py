"""One example's way through a network, and the chain rule back: behind ``model.explain(x, y)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import OptionError
from tinygrad_edu.explanations.array_writer import ArrayWriter
from tinygrad_edu.explanations.explaining import book_of, check_digits, check_loss
from tinygrad_edu.explanations.explanation import Explanation
from tinygrad_edu.explanations.network_writer import NetworkWriter
from tinygrad_edu.graphs.naming import named
from tinygrad_edu.graphs.recording import Recording, record, refuse_stale
from tinygrad_edu.graphs.target import finishing
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module

__all__ = ["MOST_PARAMETERS", "explain_model"]

MOST_PARAMETERS = 200
"""Up to so many parameters every unit and every weight has a line of its own."""

_LETTERS = {"subtract": "e", "square": "q", "log_softmax": "l", "softmax": "p"}


def explain_model(model: Module, x: Any, y: Any, *, loss: Any = None, digits: int = 6) -> Explanation:
    """See `Module.explain`."""
    check_digits(digits)
    if y is None:
        raise OptionError("model.explain(x, y) goes back from the loss, so it needs the target y as well.")
    finish, label = finishing(y, loss)
    recording = record(model, [_one_example(model, x)], finish, label)
    check_loss(recording.root)
    refuse_stale(recording)
    n = model.num_parameters()
    home = model._label()  # noqa: SLF001 - a friend: how a module words itself in messages
    title = f"One example through {type(model).__name__}, {n:,} parameters, and its {label}"
    if n > MOST_PARAMETERS:
        note = (
            f"It has more than {MOST_PARAMETERS} parameters, so whole arrays are shown and not each weight: by their "
            f"first entries and their shape."
        )
        book = book_of(named(recording), digits)
        return Explanation(book, ArrayWriter(book), limit=60, title=title, note=note, home=home)
    book = book_of(recording._replace(names=_letters(recording)), digits)
    n_linear = sum(entry.op is not None and entry.op.name == "linear" for entry in recording.entries)
    example = "w1₂₃ leads in layer 1 from input 3 to unit 2" if n_linear > 1 else "w₂₃ leads from input 3 to unit 2"
    note = f"Indices count from 1: {example}. δ is dL/dz, the error of a unit." if n_linear else ""
    return Explanation(book, NetworkWriter(book), limit=None, title=title, note=note, home=home)


def _one_example(model: Module, x: Any) -> Tensor:
    """Give the example as a batch of one, in the dtype of the weights."""
    array = x.array if isinstance(x, Tensor) else as_array(x)
    if array.ndim < 2:
        array = array.reshape(1, -1)
    if len(array) != 1:
        raise OptionError(
            f"model.explain() goes through one example, but x has shape {array.shape}. Take one of them: x[0] of "
            f"features, or x[:1]."
        )
    weight = next(model.parameters(), None)
    looks_up = any(isinstance(module, Embedding) for _, module in model.named_modules())  # then numbers are indices
    return Tensor(array if weight is None or looks_up else array.astype(weight.dtype), name="x")


def _letters(recording: Recording) -> dict[int, str]:
    """Call things as textbooks do: weights w, biases b, sums z, what an activation makes of them a; by layer."""
    linears = [entry for entry in recording.entries if entry.op and entry.op.name == "linear"]
    number = {entry.node.order: str(k + 1) if len(linears) > 1 else "" for k, entry in enumerate(linears)}
    names: dict[int, str] = {}
    layer = ""
    for entry in recording.entries:
        order = entry.node.order
        if order in number:
            layer = number[order]
            _, weight, bias = entry.inputs
            names.setdefault(weight.order, f"w{layer}")
            if bias is not None:
                names.setdefault(bias.order, f"b{layer}")
            names[order] = f"z{layer}"
        elif entry.op:
            in_loss = entry.call is not None and recording.calls[entry.call].path == "loss"
            _free(names, order, _LETTERS.get(entry.op.name, "t") if in_loss else f"a{layer}")
    names[recording.root.order] = "L"
    given = {order: name for order, name in recording.names.items() if order not in names}
    named_y = {e.node.order: "y" for e in recording.entries if getattr(e.node, "name", None) == "y" and not e.op}
    return {**given, **named_y, **names}


def _free(names: dict[int, str], order: int, letter: str) -> None:
    """Take a letter for the newest of a layer's values; an older one of that name becomes an unnamed step."""
    if letter == "t":
        return
    older = next((k for k, name in names.items() if name == letter), None)
    if older is not None:
        del names[older]
    names[order] = letter
