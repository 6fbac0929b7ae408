"""Looking on while operations run: where each tensor was made, what was overwritten, where a NaN began.

``debug()`` and ``detect_anomaly()`` are blocks for the search of a mistake. They make each operation several times
slower, so they are off otherwise.
"""

from __future__ import annotations

import inspect
import linecache
import os
import zlib
from contextlib import ContextDecorator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tinygrad_edu.errors import AnomalyError, DtypeError, GraphError
from tinygrad_edu.ops import TABLE
from tinygrad_edu.tape import Node, Watcher, in_force, made_at, mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.ops import Op

__all__ = ["PACKAGES", "by_entry", "debug", "detect_anomaly", "line_of_the_user", "made_from"]

# This package's folder and NumPy's, with the separator: a user's tinygrad_edu_experiments/ lies beside it, not in it.
PACKAGES = (str(Path(__file__).parent) + os.sep, str(Path(np.__file__).parent) + os.sep)


class _Block(Watcher, ContextDecorator):
    """A block in which this watcher looks on, in the calling thread alone."""

    def _recreate_cm(self) -> Self:
        return self

    def __enter__(self) -> Self:
        in_force.append(self)
        mode.watchers = (*mode.watchers, self)
        return self

    def __exit__(self, *exception: object) -> None:
        watchers = list(mode.watchers)
        watchers.reverse()
        watchers.remove(self)  # the innermost, where a block was entered twice
        mode.watchers = tuple(reversed(watchers))
        in_force.remove(self)


class _Origin(NamedTuple):
    """Where a node was made, and what its memory and that of its constants held then."""

    place: str
    prints: dict[int, int]

    def __str__(self) -> str:
        return self.place


def line_of_the_user() -> str:
    """Find the line outside this package that led here: ``train.py:12 in `loss = criterion(model(x), y)```."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGES):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    file, number = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(file, number, frame.f_globals).strip()
    return f"{Path(file).name}:{number}" + (f" in `{code}`" if code else "")


def _print_of(array: Any) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


class debug(_Block):  # noqa: N801 - named as no_grad is, and used like it
    """Find out where a tensor was made, and notice changes made straight to its array.

    Within the block every tensor remembers the line that made it, which messages then name. ``backward()`` compares
    what it needs with what was there when the operation ran, so that a change made to ``x.numpy()``, or to a NumPy
    array used as a constant, raises as well. An operation on a tensor with gradients that NumPy would silently
    compute in a wider dtype (a float32 weight times float64 data) raises.

    Works as a context and as a decorator, in the calling thread alone.

    Raises
    ------
    GraphError
        From ``backward()``, if an array that it needs was written to.
    DtypeError
        From an operation, if its result is wider than the tensor with gradients that goes in.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> with debug():
    ...     w = tg.tensor([1.0, 2.0], requires_grad=True)
    ...     loss = (w * w).sum()
    ...     w.numpy()[0] = 5.0
    ...     loss.backward()
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.GraphError: backward() needs input 0 of multiply, of shape (2,), made at ...
    """

    def given(self, node: Node) -> None:
        """Note the line."""
        node.origin = _Origin(line_of_the_user(), {})

    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Note the line, and what the arrays held."""
        node.origin = _Origin(line_of_the_user(), {})
        if not node.tracked:
            return
        self._refuse_mixed(node, op, inputs)
        values = [*arrays, node.array]
        node.origin.prints.update((k, _print_of(a)) for k, a in enumerate(values) if isinstance(a, np.ndarray))

    def changing(self, node: Node, value: Any) -> None:
        """Note the line of the change as the one that made the values."""
        node.origin = _Origin(line_of_the_user(), {})

    @staticmethod
    def _refuse_mixed(node: Node, op: Op, inputs: Sequence[Any]) -> None:
        narrow = [x for x in inputs if isinstance(x, Node) and x.tracked and x.array.itemsize < node.array.itemsize]
        if narrow and op.name != "astype":
            others = {str(_array(x).dtype) for x in inputs} - {str(narrow[0].array.dtype)}
            raise DtypeError(
                f"{op.name} of {narrow[0].array.dtype} with {' and '.join(sorted(others)) or 'itself'} gives "
                f"{node.array.dtype}, wider than the tensor with gradients. Write x.astype(np.{narrow[0].array.dtype}) "
                f"for the other, or make the tensor {node.array.dtype} if that precision is meant."
            )

    def visited(self, node: Node) -> None:
        """Compare the arrays that a rule reads with what they held."""
        prints = getattr(getattr(node, "origin", None), "prints", {})
        op: Any = node.op
        n = len(node.inputs)
        needed = {
            k
            for i, x in enumerate(node.inputs)
            if isinstance(x, Node) and x.tracked
            for k, read in enumerate(op.reads(i, n))
            if read
        }
        for k in sorted(needed & set(prints)):
            array = node.array if k == n else node.arrays[k]
            if _print_of(array) != prints[k]:
                changed = node if k == n else node.inputs[k]
                what = "the result" if k == n else f"input {k}"
                made = made_at(changed) if isinstance(changed, Node) else ", a constant"
                raise GraphError(
                    f"backward() needs {what} of {op.name}, of shape {array.shape}{made}, but its array was written to "
                    f"after {op.name} had run at {node.origin}. Change a copy (a = a.copy()), or go backward first."
                )


class detect_anomaly(_Block):  # noqa: N801 - PyTorch's name
    """Stop where a NaN begins: at the operation, forward or backward, whose result holds one though its inputs do not.

    NumPy's own warnings of invalid values are silenced in the block, since the error says more. Works as a context
    and as a decorator, in the calling thread alone.

    Parameters
    ----------
    infinite
        Stop where an infinity begins, too.

    Raises
    ------
    AnomalyError
        From the operation, or from ``backward()``; it names the operation, the line, and the first entry.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> with detect_anomaly():
    ...     tg.tensor([1.0, -1.0]).log()
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.AnomalyError: log made a NaN at index (1,), from x = -1, at ...
    """

    def __init__(self, *, infinite: bool = False) -> None:
        self._infinite = infinite
        self._silence: list[Any] = []

    def _recreate_cm(self) -> Self:
        # A decorated function may run in several threads at once: each call gets a memory of its own.
        return type(self)(infinite=self._infinite)

    def __enter__(self) -> Self:
        self._silence.append(np.errstate(all="ignore"))
        self._silence[-1].__enter__()
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        self._silence.pop().__exit__(*exception)

    def _begins(self, result: Any, *sources: Any) -> Any:
        """Find where the result holds a NaN, if no source does; or an infinity, if every source is finite."""
        for begins, there in ((np.isnan, np.isnan), (np.isinf, _not_finite))[: 1 + self._infinite]:
            bad = begins(_floats(result))
            if bad.any() and not any(there(_floats(x)).any() for x in sources):
                return bad
        return None

    def _name(self, value: Any) -> str:
        return "a NaN" if np.isnan(value) else "an infinity"

    def made(self, node: Node, op: Op, inputs: Sequence[Any], arrays: Sequence[Any]) -> None:
        """Look for a NaN in the result that was in no input."""
        place = line_of_the_user()
        if not hasattr(node, "origin"):  # debug() around it notes more
            node.origin = _Origin(place, {})
        bad = self._begins(node, *arrays)
        if bad is None:
            return
        index = tuple(int(k) for k in np.argwhere(bad)[0])
        made = made_from(op, arrays, node.array.shape, index)
        domain = f" ({op.domain})" if op.domain else ""
        raise AnomalyError(
            f"{op.name} made {self._name(node.array[index])} at index {index}{made}, at {place}. Keep its inputs in "
            f"the domain{domain}, as by clipping, or lower the learning rate if the weights grow."
        )

    def pulled(self, node: Node, x: Node, g: Any, gradient: Any) -> None:
        """Look for a NaN in the gradient that was not in the gradient it was computed from."""
        bad = self._begins(gradient, g, node, *node.arrays)
        if bad is None:
            return
        op: Any = node.op
        index = tuple(int(k) for k in np.argwhere(bad)[0])
        k = next(k for k, other in enumerate(node.inputs) if other is x)
        came = "" if np.isfinite(_array(g)).all() else ", from a gradient that was infinite already"
        raise AnomalyError(
            f"The gradient of {op.name} with respect to input {k} has {self._name(_array(gradient)[index])} at index "
            f"{index}, where that input is {x.array[index]:.6g}{came}{made_at(node)}. Keep the input away from where "
            f"the slope does not exist, as in np.sqrt(x + 1e-12), or clip it."
        )


def by_entry(op: Op, n_inputs: int) -> bool:
    """Tell whether an operation works entry by entry: a function of NumPy's says so, and of others it is likely."""
    if op.function is None:
        return n_inputs == 1 or op.name not in TABLE
    return isinstance(op.function, np.ufunc) and op.function.signature is None


def made_from(op: Op, arrays: Sequence[Any], shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    """Word the entries that the entry of a result was made from, as in ", from x = -1"; "" where that is many."""
    try:
        entries = [np.broadcast_to(a, shape)[index] for a in arrays] if by_entry(op, len(arrays)) else []
    except ValueError:
        return ""
    named = ", ".join(f"{name} = {e:.6g}" for name, e in zip("xyzabc", entries, strict=False))
    return f", from {named}" if named else ""


def _array(x: Any) -> Any:
    return x.array if isinstance(x, Node) else np.asarray(x)


def _floats(x: Any) -> Any:
    """Give the array, or zeros for what cannot hold a NaN."""
    array = _array(x)
    return array if array.dtype.kind == "f" else np.zeros(array.shape)


def _not_finite(array: Any) -> Any:
    return ~np.isfinite(array)
