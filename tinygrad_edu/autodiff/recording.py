"""One call of a function with fresh nodes as its arguments: what every derivative begins with.

A fresh node for each argument, so that a function that also captures the same tensor from outside is not
differentiated with respect to what it captured.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import ArgumentError, DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.structures import Form, flatten, unflatten
from tinygrad_edu.tape import Node, mode, pull, tick
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["Recording", "check", "differentiating", "matching", "own", "pull_all"]

# Not in the table: it computes nothing, and only says which gradient each of several results begins with.
_RESULTS = ops.Op("results", lambda: None, (), variadic=lambda i, _g, _out, *_results, seeds: seeds[i])


@contextmanager
def differentiating() -> Iterator[None]:
    """Mark that a function runs to be differentiated: ``float(x)`` of a traced tensor raises meanwhile."""
    mode.differentiating += 1
    try:
        yield
    finally:
        mode.differentiating -= 1


def check(transform: str, f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> None:
    """Refuse what cannot be transformed before it is called.

    Raises
    ------
    ArgumentError
        If `f` is no function.
    OptionError
        If `argnums` is no position and no tuple of positions.
    """
    if not callable(f):
        raise ArgumentError(
            f"{transform} makes a function out of a function, but was given a {type(f).__name__}. "
            f"Write {transform}(f), and hand the arguments to what it gives."
        )
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    if not wanted or any(isinstance(i, bool) or not isinstance(i, int) for i in wanted):
        raise OptionError(
            f"argnums must be a position or a tuple of positions, but is {argnums!r}. "
            f"Arguments come afterwards, as in {transform}(f)(x)."
        )


class Recording:
    """What a call of a function left behind.

    Parameters
    ----------
    f, args, kwargs
        What to call, and with what.
    argnums
        Which of `args` to differentiate by; None for all.
    has_aux
        Whether `f` returns a pair, whose second part is handed on as it is.
    copied
        Whether to copy the arrays to differentiate by: for what outlives the call.

    Raises
    ------
    GraphError
        Under ``no_grad()``.
    OptionError
        If `argnums` names an argument that is not there, or one twice.
    DtypeError
        If what is differentiated by is no structure of floating numbers, or the result is none of floating Tensors;
        the message names the place.
    ShapeError
        If a nested list of numbers is ragged.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: int | tuple[int, ...] | None = None,
        *,
        has_aux: bool = False,
        copied: bool = False,
    ) -> None:
        if not mode.recording:
            raise GraphError("A gradient cannot be computed under no_grad(). Move the call out of the block.")
        self._since = tick()  # what was there before now is outside
        self.targets: list[Tensor] = []
        arguments = list(args)
        parts = []
        for i in _positions(argnums, len(args)):
            leaves, part = flatten(args[i])
            fresh = _all_fresh(leaves, part, f, i, copied=copied)
            self.targets += fresh
            arguments[i] = unflatten(part, fresh)
            parts.append(part)
        self.form: Form = parts[0] if isinstance(argnums, int) else Form(tuple, tuple(range(len(parts))), tuple(parts))
        """How the targets are arranged: as the argument is, or as the tuple of them."""
        with differentiating():
            result = f(*arguments, **kwargs)
        result, aux = _parted(result) if has_aux else (result, None)
        self.outputs, self.output_form = _outputs(result)
        self.recorded = self._reaches_beyond(self.outputs)
        """Whether something outside may ask for gradients: an outer grad(), or a model whose weights f uses."""
        self.aux: tuple[Any, ...] = (self._let_go(aux),) if has_aux else ()

    @property
    def value(self) -> Any:
        """What the function returned; it holds on to the graph only if something outside may need that."""
        return unflatten(self.output_form, self.outputs if self.recorded else [y.detach() for y in self.outputs])

    def arrange(self, leaves: Iterable[Any]) -> Any:
        """Put one thing for each target into the structure of the arguments."""
        return unflatten(self.form, leaves)

    def gradients(self, seeds: list[Any], *, create_graph: bool) -> list[Tensor]:
        """Pull the gradients of the outputs back to the targets; 0 where the function does not depend on one."""
        found = pull_all(self.outputs, seeds, self.targets, create_graph=create_graph)
        return [own(g, x) for g, x in zip(found, self.targets, strict=True)]

    def with_aux(self, result: Any) -> Any:
        """Give the result, beside what the function handed on if it did."""
        return (result, *self.aux) if self.aux else result

    def _reaches_beyond(self, nodes: Iterable[Node]) -> bool:
        """Whether a gradient of the nodes may be asked for by something that was there before the call."""
        seen: set[int] = set()
        pending = list(nodes)
        while pending:
            node = pending.pop()
            if node.order in seen or not node.tracked:
                continue
            seen.add(node.order)
            if node.order < self._since:
                return True
            pending.extend(x for x in node.inputs if isinstance(x, Node))
        return False

    def _let_go(self, aux: Any) -> Any:
        leaves, form = flatten(aux)
        tracked = [x for x in leaves if isinstance(x, Tensor) and x.tracked]
        if not tracked or self._reaches_beyond(tracked):
            return aux
        return unflatten(form, [x.detach() if isinstance(x, Tensor) and x.tracked else x for x in leaves])


# ---------------------------------------------------------------------------------------- what is given
def _positions(argnums: int | tuple[int, ...] | None, n: int) -> list[int]:
    if argnums is None:
        return list(range(n))
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(-n <= i < n for i in wanted):
        raise OptionError(f"argnums={argnums} names an argument that is not there: {n} were given.")
    positions = [i % n for i in wanted]
    if len(set(positions)) < len(positions):
        raise OptionError(f"argnums={argnums} names an argument twice. Name each once.")
    return positions


def _all_fresh(leaves: list[Any], form: Form, f: Callable[..., Any], i: int, *, copied: bool) -> list[Tensor]:
    if form.is_leaf and isinstance(leaves[0], int):  # alone, x = 3 is what one means by x = 3.0
        leaves = [np.array(leaves[0], np.float32)]
    if form.kind is type(None):
        raise DtypeError(f"{_name(f, i)} is None, but a gradient needs real numbers, or a structure of them.")

    def where(k: int) -> str:
        return form.paths(_name(f, i))[k]

    fresh = []
    for k, leaf in enumerate(leaves):
        if isinstance(leaf, Tensor) and leaf.tracked:
            fresh.append(apply(ops.identity, (leaf,)))
            continue
        array = _as_array(leaf, functools.partial(where, k))
        if array.dtype.kind != "f":
            raise DtypeError(
                f"{where(k)} holds {array.dtype}, but a gradient needs real numbers. Write 1.0 instead of 1, convert "
                f"it with astype(np.float32), or hand it on beside what is differentiated by."
            )
        fresh.append(Tensor(array.copy() if copied else array, requires_grad=True))
    return fresh


def _as_array(leaf: Any, where: Callable[[], str]) -> NDArray[Any]:
    try:
        return as_array(leaf)
    except ShapeError as error:
        raise ShapeError(f"{where()}: {error}") from error
    except DtypeError as error:
        dtype = getattr(leaf, "dtype", None)
        raise DtypeError(
            f"{where()} {f'holds {dtype}' if dtype else f'is of type {type(leaf).__name__}'}, but real numbers belong "
            f"there: an array, a Tensor or a number, or a dict, list, tuple or namedtuple of them."
        ) from error


def _name(f: Callable[..., Any], i: int) -> str:
    """Find what the function calls its argument: looked up only for a message, since it takes time."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # built into the interpreter
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return named[i] if i < len(named) else f"argument {i}"


def matching(form: Form, likes: list[Tensor], given: Any, name: str) -> list[Tensor]:
    """Make of a structure, such as a tangent or cotangent, Tensors of the shapes and dtypes of others.

    Raises
    ------
    ShapeError
        If it is built differently, or a shape differs; the message names the place.
    DtypeError
        If it holds no real numbers.
    """
    leaves, paths = form.leaves_of(given, name), form.paths(name)
    return [_matching(*them) for them in zip(likes, leaves, paths, strict=True)]


def _matching(like: Tensor, leaf: Any, path: str) -> Tensor:
    if isinstance(leaf, Tensor):
        out = leaf if leaf.dtype == like.dtype else leaf.astype(like.dtype)
    else:
        out = Tensor(np.array(_as_array(leaf, lambda: path), like.dtype))  # a copy: what is recorded cannot change
    if out.shape != like.shape:
        raise ShapeError(f"{path} has shape {out.shape}, but what it belongs to has {like.shape}. They must be equal.")
    return out


# -------------------------------------------------------------------------------------- what comes back
def _parted(result: Any) -> tuple[Any, Any]:
    if not (isinstance(result, tuple) and len(result) == 2):
        what = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
        raise DtypeError(f"With has_aux=True the function must return a pair (result, aux), but it returned {what}.")
    return result


def _outputs(result: Any) -> tuple[list[Tensor], Form]:
    outputs, form = flatten(result)
    for k, y in enumerate(outputs or [result]):
        if isinstance(y, Tensor) and y.dtype.kind == "f":
            continue
        where = "" if form.is_leaf or not outputs else f" at {form.paths('result')[k]}"
        if isinstance(y, Tensor):
            raise DtypeError(
                f"The function returned {y.dtype}{where}, which has no slope. Return real numbers, and what else you "
                f"need beside them, with has_aux=True."
            )
        raise DtypeError(
            f"The function returned {type(y).__name__}{where}, but a gradient needs a Tensor. Compute with Tensors up "
            f"to the result, and return what else you need beside it, with has_aux=True."
        )
    return outputs, form


# -------------------------------------------------------------------------------------------- pulling
def pull_all(
    outputs: list[Tensor], seeds: list[Any], targets: list[Tensor], *, create_graph: bool
) -> list[Tensor | NDArray[Any] | None]:
    """Pull the gradients of several outputs back in one walk, without letting go of the graph.

    Parameters
    ----------
    seeds
        The gradient to begin with, for each output: Tensors if `create_graph` is true, else arrays.

    Returns
    -------
    The gradient that arrived at each target, or None; it may share memory with a seed.
    """
    live = [(y, seed) for y, seed in zip(outputs, seeds, strict=True) if y.tracked]
    if not live or not targets:
        return [None] * len(targets)
    root, seed = live[0]
    if len(live) > 1:
        root = Tensor(np.zeros(()))
        root.op, root.options, root.tracked = _RESULTS, {"seeds": [seed for _, seed in live]}, True
        root.inputs = tuple(y for y, _ in live)
        root.arrays = [y.array for y, _ in live]
    found = pull(root, seed, targets=tuple(targets), create_graph=create_graph)
    arrived = {node.order: g for node, g in found}
    return [arrived.get(x.order) for x in targets]


def own(g: Any, target: Tensor) -> Tensor:
    """Make a gradient that arrived a Tensor that shares memory with no other; 0 where none did."""
    if g is None:
        return Tensor(np.zeros_like(target.array))
    return g + 0 if isinstance(g, Tensor) else Tensor(np.array(g))
