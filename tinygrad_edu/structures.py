"""Structures: dicts, lists, tuples and namedtuples of arrays, nested at will, taken apart into leaves and put together.

Whatever takes the parameters of a model as one argument, such as ``grad`` of a function of ``{"w": ..., "b": ...}``,
works on the leaves and gives back the same structure.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

__all__ = ["Form", "flatten", "map_leaves", "unflatten"]


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """What is left of a structure when its leaves are taken out.

    Two forms are equal if the structures have the same kinds, lengths and keys in the same order.

    Examples
    --------
    >>> flatten({"w": np.ones(2), "b": [1.5, np.ones(3)]})[1]
    {'w': *, 'b': [*, *]}
    """

    kind: type[Any] | None = None
    """The type of the container; None for a leaf."""
    keys: tuple[Hashable, ...] = ()
    """The keys of a dict, the fields of a namedtuple, the positions in a list or tuple."""
    parts: tuple[Form, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether it is no container."""
        return self.kind is None

    @property
    def n_leaves(self) -> int:
        """The number of leaves."""
        return 1 if self.is_leaf else sum(part.n_leaves for part in self.parts)

    def paths(self, root: str = "") -> list[str]:
        """Word where each leaf is, as Python would find it.

        Parameters
        ----------
        root
            What to call the structure itself.

        Examples
        --------
        >>> flatten({"layers": [{"w": 1.0}]})[1].paths("params")
        ["params['layers'][0]['w']"]
        """
        if self.is_leaf:
            return [root]
        parts = zip(self.keys, self.parts, strict=True)
        return [path for key, part in parts for path in part.paths(root + self._step(key))]

    def leaves_of(self, structure: Any, name: str = "the structure") -> list[Any]:
        """List the leaves of a structure that is to have this form, in this form's order.

        Parameters
        ----------
        structure
            What is to be taken apart. Its dicts may have their keys in any order.
        name
            What messages call it.

        Raises
        ------
        ShapeError
            If it is built differently; the message names the place.

        Examples
        --------
        >>> flatten({"w": 1.0, "b": 2.0})[1].leaves_of({"b": 20.0, "w": 10.0})
        [10.0, 20.0]
        """
        if self.kind is None:
            return [structure]
        if self.kind is type(None):
            if structure is not None:
                raise ShapeError(f"{name} is {_describe(structure)}, but its counterpart is None. Make it None too.")
            return []
        alike = isinstance(structure, dict) if issubclass(self.kind, dict) else type(structure) is self.kind
        found = _entries(structure) if alike else None
        if found is None or set(found) != set(self.keys):
            raise ShapeError(
                f"{name} is {_describe(structure)}, but its counterpart is {_word(self.kind, self.keys)}. "
                f"Build both in the same way."
            )
        parts = zip(self.keys, self.parts, strict=True)
        return [leaf for key, part in parts for leaf in part.leaves_of(found[key], name + self._step(key))]

    def _step(self, key: Hashable) -> str:
        return f".{key}" if _is_namedtuple(self.kind) else f"[{key!r}]"

    def __repr__(self) -> str:
        return repr(unflatten(self, [_STAR] * self.n_leaves))


class _Star:
    def __repr__(self) -> str:
        return "*"


_STAR = _Star()
_LEAF = Form()


def flatten(structure: Any) -> tuple[list[Any], Form]:
    """Take a structure apart into its leaves and its form.

    Containers are dicts (OrderedDicts too), lists, tuples and namedtuples; None is a container of nothing. All else
    is a leaf, and so is a list or tuple of numbers alone, which stands for an array everywhere in this package.

    Parameters
    ----------
    structure
        Containers nested at will, or a single leaf.

    Returns
    -------
    The leaves, dicts in the order of their keys; and the form that `unflatten` puts them back into.

    Examples
    --------
    >>> leaves, form = flatten({"w": np.ones(2), "b": [1.5, {"c": [1.0, 2.0]}]})
    >>> leaves, form
    ([array([1., 1.]), 1.5, [1.0, 2.0]], {'w': *, 'b': [*, {'c': *}]})
    >>> unflatten(form, ["x", "y", "z"])
    {'w': 'x', 'b': ['y', {'c': 'z'}]}
    """
    leaves: list[Any] = []
    return leaves, _take_apart(structure, leaves)


def unflatten(form: Form, leaves: Iterable[Any]) -> Any:
    """Put leaves into a form: the reverse of `flatten`.

    Parameters
    ----------
    form
        What `flatten` gave.
    leaves
        As many as the form has, in its order.

    Raises
    ------
    ShapeError
        If there are more leaves or fewer.

    Examples
    --------
    >>> leaves, form = flatten((1.5, {"a": 2.5, "b": np.zeros(1)}))
    >>> unflatten(form, [10, 20, 30])
    (10, {'a': 20, 'b': 30})
    """
    given = list(leaves)
    if len(given) != form.n_leaves:
        raise ShapeError(f"The form {form!r} has {form.n_leaves} leaves, but {len(given)} were given.")
    return _build(form, iter(given))


def map_leaves(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """Apply a function to each leaf, and give the results in the same structure.

    Parameters
    ----------
    function
        Takes a leaf of `structure` and the leaf of each of the others at the same place.
    others
        Structures that are built as the first is.

    Raises
    ------
    ShapeError
        If one of the others is built differently.

    Examples
    --------
    >>> weights, slopes = {"w": 1.0, "b": 2.0}, {"w": 10.0, "b": 20.0}
    >>> map_leaves(lambda x, g: x - 0.1 * g, weights, slopes)
    {'w': 0.0, 'b': 0.0}
    """
    leaves, form = flatten(structure)
    rest = [form.leaves_of(other, f"structure {i}") for i, other in enumerate(others, start=2)]
    return unflatten(form, [function(*them) for them in zip(leaves, *rest, strict=True)])


def _take_apart(x: Any, leaves: list[Any]) -> Form:
    if x is None:
        return Form(type(None))
    entries = None if _is_numbers(x) else _entries(x)
    if entries is None:
        leaves.append(x)
        return _LEAF
    return Form(type(x), tuple(entries), tuple(_take_apart(part, leaves) for part in entries.values()))


def _build(form: Form, leaves: Iterator[Any]) -> Any:
    if form.kind is None:
        return next(leaves)
    if form.kind is type(None):
        return None
    parts = [_build(part, leaves) for part in form.parts]
    if issubclass(form.kind, dict):
        return form.kind(zip(form.keys, parts, strict=True))
    return form.kind(*parts) if _is_namedtuple(form.kind) else form.kind(parts)


def _entries(x: Any) -> dict[Hashable, Any] | None:
    """List what a container holds, by key; None for what is no container."""
    kind = type(x)
    if kind in (dict, collections.OrderedDict):
        return dict(x)
    if _is_namedtuple(kind):
        return dict(zip(kind._fields, x, strict=True))
    return dict(enumerate(x)) if kind in (list, tuple) else None


def _is_namedtuple(kind: type[Any] | None) -> bool:
    return kind is not None and issubclass(kind, tuple) and hasattr(kind, "_fields")


_NUMBER = (int, float, complex, np.number, np.bool)


def _is_numbers(x: Any) -> bool:
    """Whether it is a list or tuple of numbers alone, or of such lists: an array by another name."""
    return type(x) in (list, tuple) and bool(x) and all(isinstance(e, _NUMBER) or _is_numbers(e) for e in x)


def _describe(x: Any) -> str:
    entries = _entries(x)
    return f"of type {type(x).__name__}" if entries is None else _word(type(x), entries)


def _word(kind: type[Any], keys: Iterable[Hashable]) -> str:
    named = ", ".join(map(repr, keys))
    if issubclass(kind, dict):
        return f"a {kind.__name__} with the keys {named}" if named else f"an empty {kind.__name__}"
    return f"a {kind.__name__}" if _is_namedtuple(kind) else f"a {kind.__name__} of {len(tuple(keys))}"
