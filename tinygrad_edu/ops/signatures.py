"""What the arguments of a call mean: the names behind positions, and PyTorch's names for NumPy's."""

from __future__ import annotations

import functools
import inspect
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import ArgumentError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What PyTorch calls the options that NumPy calls otherwise: everywhere, and of one operation.
TORCH_NAMES = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}
TORCH_NAMES_OF = {
    "broadcast_to": {"size": "shape"},
    "diag": {"diagonal": "k"},
    "diagflat": {"offset": "k"},
    "diagonal": {"dim1": "axis1", "dim2": "axis2"},
    "norm": {"p": "ord"},
    "permute_dims": {"dims": "axes"},
    "quantile": {"interpolation": "method"},
    "roll": {"shifts": "shift"},
    "rot90": {"dims": "axes"},
    "swapaxes": {"dim0": "axis1", "dim1": "axis2"},
    "tensordot": {"dims": "axes"},
    "tile": {"dims": "reps"},
    "transpose": {"dims": "axes"},
    "tril": {"diagonal": "k"},
    "triu": {"diagonal": "k"},
}
_CORRECTION = {"unbiased": "Say correction=1 for unbiased=True, correction=0 for unbiased=False."}
# PyTorch takes these counts one by one.
_COUNTS = "Counts for each axis are a tuple: x.tile((2, 2))."
_TOO_MANY = {"tile": _COUNTS, "repeat": _COUNTS}
# PyTorch's options that are none of NumPy's, and what to write in their place.
REMEDIES = {
    "argsort": {"descending": "Turn the positions around: np.flip(x.argsort(axis), axis)."},
    "sort": {"descending": "Turn the sorted entries around: np.flip(x.sort(axis), axis)."},
    "std": _CORRECTION,
    "var": _CORRECTION,
}

_NONE = object()


@functools.cache  # asked for when a call has options, not at import: looking at signatures takes time
def names_after(function: Callable[..., Any], n_inputs: int) -> tuple[str, ...]:
    """List the parameters of a function that follow its first `n_inputs`.

    Examples
    --------
    >>> names_after(np.swapaxes, 1)
    ('axis1', 'axis2')
    """
    named = [p.name for p in _parameters(function) if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return tuple(named[n_inputs:])


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return [] if isinstance(function, np.ufunc) else list(inspect.signature(function).parameters.values())
    except ValueError:  # before NumPy 2.4 some of its functions, such as np.where, do not tell
        return []


def reads_variadic(rule: Callable[..., Any], i: int, n_inputs: int) -> tuple[bool, ...]:
    """Tell whether a rule ``rule(i, g, out, *inputs)`` reads the values of each input, and last, of the output.

    It reads all inputs but its own: what takes any number of inputs (joining, einsum) is linear in each of them.
    """
    out, inputs = (not name.startswith("_") for name in list(inspect.signature(rule).parameters)[2:4])
    return (*(inputs and k != i for k in range(n_inputs)), out)


class Layout(NamedTuple):
    """How the parameters of a composition lie beside NumPy's."""

    names: tuple[str, ...]
    """All of its own."""
    positional: tuple[str, ...]
    """Those of its own that have a position."""
    agreed: int | None
    """How many positions mean what they mean for NumPy; None where there is any number."""
    axis: int
    """The position of `axis`; beyond all where there is none."""
    aliases: dict[str, str]
    """NumPy's names of the arrays, where the formula has others."""
    numpys: tuple[str, ...]
    """What the positions mean for NumPy."""


@functools.cache
def layout(formula: Callable[..., Any], function: Callable[..., Any] | None) -> Layout:
    """Compare the parameters of a composition's formula with those of the NumPy function that it stands for.

    Examples
    --------
    >>> layout(lambda x, axis=None, mode="raise": x, np.take).agreed
    1
    """
    named = list(inspect.signature(formula).parameters.values())
    names = names_after(formula, 0)
    if any(p.kind is p.VAR_POSITIONAL for p in named):
        return Layout(names, (), None, sys.maxsize, {}, ())
    ours = [p for p in named if p.kind is not p.KEYWORD_ONLY]
    theirs = [] if function is None else _by_position(function)
    aliases = {n.name: p.name for n, p in zip(theirs, ours, strict=False) if _are_one(n, p, theirs, names)}
    agreed = len(ours)
    for i, (n, p) in enumerate(zip(theirs, ours, strict=False)):
        if n.name != p.name and n.name not in aliases:
            agreed = i
            break
    positional = tuple(p.name for p in ours)
    axis = positional.index("axis") if "axis" in positional else sys.maxsize
    return Layout(names, positional, agreed, axis, aliases, tuple(n.name for n in theirs))


def _by_position(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [p for p in _parameters(function) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _are_one(n: inspect.Parameter, p: inspect.Parameter, theirs: list[inspect.Parameter], names: Any) -> bool:
    """Tell whether NumPy's parameter and ours are one under two names, as the array that is `a` there and `x` here."""
    return n.default is n.empty and n.name not in names and all(p.name != other.name for other in theirs)


def fit(
    op: str,
    given: dict[str, Any],
    names: tuple[str, ...],
    numpys: Callable[..., Any] | None,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Read PyTorch's names as NumPy's, and drop what a NumPy function would do by itself, such as ``out=None``.

    Raises
    ------
    ArgumentError
        If an option is given twice, or is none of `names`.
    """
    if not given:
        return given
    if not all(name in names for name in given):
        given = _renamed(op, given, names, aliases)
        given = {k: v for k, v in given.items() if k in names or not _is_default(numpys, k, v)}
        if unknown := [name for name in given if name not in names]:
            raise _unknown(op, unknown, names, numpys)
    if type(given.get("axis")) is list:  # as PyTorch's users write it
        given = {**given, "axis": tuple(given["axis"])}
    return given


def _renamed(op: str, given: dict[str, Any], names: tuple[str, ...], aliases: Mapping[str, str]) -> dict[str, Any]:
    others = {**TORCH_NAMES, **TORCH_NAMES_OF.get(op, {}), **aliases}
    renamed: dict[str, Any] = {}
    for name, value in given.items():
        numpys_name = name if name in names else others.get(name, name)
        numpys_name = numpys_name if numpys_name in names else name
        if numpys_name in renamed:
            raise ArgumentError(f"{name} and {numpys_name} are two names of one option, but both were given.")
        renamed[numpys_name] = value
    return renamed


def _is_default(function: Callable[..., Any] | None, name: str, value: Any) -> bool:
    if function is None:
        return False
    default = _defaults(function).get(name, _NONE)
    return value is default or (
        isinstance(value, (str, int, float)) and type(value) is type(default) and value == default
    )


@functools.cache
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    options = {p.name: p.default for p in _parameters(function) if p.default is not p.empty}
    if isinstance(function, np.ufunc):  # what all of them take, though they do not tell
        options = dict.fromkeys(("where", "casting", "order", "dtype", "subok", "signature"), _NONE)
    return {"out": None} | options


def merge(
    op: str, positions: tuple[str, ...], values: tuple[Any, ...], names: tuple[str, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Name the options that were given by position.

    Raises
    ------
    ArgumentError
        If there are more than positions, or one is given by keyword too.
    """
    if len(values) > len(positions):
        raise misuse(op, f"{len(values)} positional options", ", ".join(names) or "no options")
    given = dict(zip(positions, values, strict=False))
    if kwargs and (twice := [name for name in given if name in kwargs]):
        raise ArgumentError(f"{op} was given {', '.join(twice)} twice: by position and by keyword. Give it once.")
    return given | kwargs


def arrays_first(
    function: Callable[..., Any], n: int, args: tuple[Any, ...], kwargs: dict[str, Any], *, joins: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Put arrays that are given by keyword in their positions, as in ``np.sum(a=x)``.

    Where a list of arrays is joined, NumPy's signature counts: np.stack names the list, np.concatenate does not.
    """
    rest, found = dict(kwargs), list(args)
    for p in _parameters(function)[len(args) : n]:
        if p.name not in rest or (joins and p.kind is p.POSITIONAL_ONLY):
            break
        found.append(rest.pop(p.name))
    return tuple(found), rest


def no_list(op: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> ArgumentError:
    """Word that what joins arrays was not given a list of them by position."""
    given = repr(args[0]) if args else ", ".join(f"{name}=" for name in kwargs) or "nothing"
    axis = ", axis=0" if "axis" in names_after(function, 0) else ""
    return ArgumentError(f"{op} takes a list of arrays first, as in {op}([x, y]{axis}), but was given {given}.")


@functools.cache
def needed(function: Callable[..., Any], n_inputs: int) -> tuple[str, ...]:
    """List the parameters after the first `n_inputs` that have no default."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in _parameters(function) if p.kind not in variadic]
    return tuple(p.name for p in parameters[n_inputs:] if p.default is p.empty)


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    bare = inspect.signature(function)
    parameters = [p.replace(annotation=p.empty) for p in bare.parameters.values()]
    return bare.replace(parameters=parameters, return_annotation=bare.empty)


def check(op: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Let a function's signature say whether a call fits.

    Raises
    ------
    ArgumentError
        If it does not; the signature is spelled out.

    Examples
    --------
    >>> check("repeat", lambda a, repeats, axis=None: a, ("x",), {})
    Traceback (most recent call last):
    tinygrad_edu.errors.ArgumentError: repeat misses a required argument: 'repeats'. It is called as
    repeat(a, repeats, axis=None).
    """
    signature = _signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        remedy = ""
        if str(error) == "too many positional arguments":
            remedy = _TOO_MANY.get(op, "")
            said = f"was given {len(args)} arguments by position, which are too many"
        else:  # Python words what is missing, unexpected, or given twice
            said = str(error).replace("missing a required", "misses a required", 1)
            said = said if said.startswith("misses") else f"was called wrongly: {said}"
        raise ArgumentError(f"{op} {said}. It is called as {op}{signature}.{remedy and ' '}{remedy}") from None


def misuse(name: str, given: str, taken: str, remedy: str = "") -> ArgumentError:
    """Word what a row was given, and what it takes."""
    return ArgumentError(f"{name} of a Tensor was given {given}, but takes {taken}.{remedy and ' '}{remedy}")


def _unknown(op: str, unknown: list[str], names: tuple[str, ...], numpys: Callable[..., Any] | None) -> ArgumentError:
    remedies = REMEDIES.get(op, {})
    if any(name in remedies for name in unknown):
        remedy = next(remedies[name] for name in unknown if name in remedies)
    elif numpys is not None and all(name in _defaults(numpys) for name in unknown):
        remedy = "Compute on tensor.numpy() where no gradient is needed."
    else:  # the nearest name; all of them stand there already
        strange = next(name for name in unknown if numpys is None or name not in _defaults(numpys))
        remedy = suggest(strange, names).partition("There are")[0].strip()
    return misuse(op, ", ".join(unknown), ", ".join(names) or "no options", remedy)
