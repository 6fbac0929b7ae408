"""The notation of einsum: what is written as ``"...ij,jk"`` is read into a plan of products, once for each shape.

A plan knows no arrays, only letters and lengths. It brings each operand to a form in which no letter occurs twice,
is summed alone or is stretched, and then lists the products of two operands at a time.
"""

from __future__ import annotations

import functools
import itertools
import math
import string
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_edu.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Plan", "as_text", "planned", "spelled_out", "together"]

_LETTERS = string.ascii_uppercase + string.ascii_lowercase  # as NumPy numbers them, which is also their order

Shape = tuple[int, ...]


class Preparation(NamedTuple):
    """What is done to one operand before it is multiplied."""

    operand: int
    shape: Shape | None
    """Without the axes of length 1 that are stretched."""
    diagonals: tuple[tuple[int, int], ...]
    """Pairs of axes with the same letter, one after the other; a diagonal becomes the last axis."""
    alone: Shape
    """Axes to sum over."""


class Plan(NamedTuple):
    """How to compute an einsum."""

    preparations: tuple[Preparation, ...]
    products: tuple[tuple[int, int, str], ...]
    """Positions and subscripts of the two operands to multiply; the result goes to the end of the list."""
    order: Shape | None
    """How the axes of a single operand are permuted, if they are."""


# ------------------------------------------------------------------------------------------- reading
def as_text(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Take the two ways to call einsum apart: ``("ij,jk", x, y)``, and ``(x, [0, 1], y, [1, 2], [0, 2])``.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> as_text(([[1, 2]], [0, 1], [3, 4], [1], [0, ...]))
    ('AB,B->A...', [[[1, 2]], [3, 4]])
    """
    if operands and isinstance(operands[0], str):
        return operands[0], list(operands[1:])
    arrays, lists = list(operands[0 : len(operands) // 2 * 2 : 2]), list(operands[1::2])
    text = ",".join(map(_letters_of, lists))
    return (f"{text}->{_letters_of(operands[-1])}" if len(operands) % 2 else text), arrays


def _letters_of(numbers: Any) -> str:
    try:
        return "".join("..." if n is Ellipsis else _LETTERS[_checked(int(n))] for n in numbers)
    except (TypeError, ValueError, IndexError) as error:
        raise OptionError(
            f"einsum was given {numbers!r} as the indices of an operand, but takes whole numbers from 0 to "
            f"{len(_LETTERS) - 1}, or an Ellipsis, as in einsum(x, [0, 1], y, [1, 2], [0, 2])."
        ) from error


def _checked(n: int) -> int:
    if n < 0:
        raise IndexError(n)
    return n


def _unreadable(subscripts: str, why: str) -> OptionError:
    return OptionError(f"einsum cannot read {subscripts!r}: {why}. Write it as in 'ij,jk->ik' or '...ij,...jk'.")


@functools.lru_cache(maxsize=1024)
def spelled_out(subscripts: str, ndims: Shape) -> tuple[tuple[str, ...], str]:
    """Write subscripts out: one letter for each axis of each operand, and the letters of the result.

    Raises
    ------
    OptionError
        If they cannot be read.
    ShapeError
        If an operand has more or fewer axes than letters.

    Examples
    --------
    >>> spelled_out("...ij, jk", (3, 2))
    (('Aij', 'jk'), 'Aik')
    """
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    for part in (*terms, output):
        _check_letters(subscripts, part)
    if len(terms) != len(ndims):
        raise _unreadable(subscripts, f"it has {len(terms)} operands, but {len(ndims)} were given")
    covered = [_covered(subscripts, k, term, ndim) for k, (term, ndim) in enumerate(zip(terms, ndims, strict=True))]
    free = (c for c in _LETTERS if c not in text)
    dots = "".join(itertools.islice(free, max(covered)))
    if len(dots) < max(covered):
        raise _unreadable(subscripts, "it has more than 52 different indices")
    spelled = tuple(t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, covered, strict=True))
    if not arrow:
        once = (c for c in sorted(set(inputs) & set(_LETTERS)) if inputs.count(c) == 1)
        return spelled, dots + "".join(once)
    if dots and "..." not in output:
        raise _unreadable(subscripts, "the result has no '...' for the axes that it stands for")
    output = output.replace("...", dots)
    for c in output:
        if output.count(c) > 1:
            raise _unreadable(subscripts, f"index {c!r} occurs twice in the result")
        if not any(c in term for term in spelled):
            raise _unreadable(subscripts, f"index {c!r} of the result occurs in no operand")
    return spelled, output


def _check_letters(subscripts: str, part: str) -> None:
    rest = part.replace("...", "", 1)
    if wrong := [c for c in rest if c not in _LETTERS]:
        raise _unreadable(subscripts, f"{wrong[0]!r} is no letter")


def _covered(subscripts: str, k: int, term: str, ndim: int) -> int:
    """Count the axes of an operand that its '...' stands for."""
    named = len(term.replace("...", ""))
    if ndim < named or (ndim > named and "..." not in term):
        raise ShapeError(f"einsum {subscripts!r} names {named} axes of operand {k}, but it has {ndim}.")
    return ndim - named


# ------------------------------------------------------------------------------------------- planning
@functools.lru_cache(maxsize=1024)
def planned(subscripts: str, shapes: tuple[Shape, ...]) -> Plan:
    """Plan an einsum of operands of these shapes.

    Raises
    ------
    OptionError
        If the subscripts cannot be read.
    ShapeError
        If they do not fit the shapes.

    Examples
    --------
    >>> planned("ij,jk,kl", ((2, 3), (3, 4), (4, 1))).products
    ((1, 2, 'jk,kl->jl'), (0, 1, 'ij,jl->il'))
    """
    terms, output = spelled_out(subscripts, tuple(map(len, shapes)))
    sizes = _lengths(subscripts, terms, shapes)
    # An axis of length 1 against a longer one is stretched, which is to say that the index does not count here.
    kept = [
        "".join(c for c, n in zip(term, shape, strict=True) if n == sizes[c])
        for term, shape in zip(terms, shapes, strict=True)
    ]
    preparations, ready = [], []
    for k, term in enumerate(kept):
        elsewhere = output + "".join(kept[:k] + kept[k + 1 :])
        diagonals, letters = _without_repeats(term)
        alone = tuple(axis for axis, c in enumerate(letters) if c not in elsewhere)
        shape = None if term == terms[k] else tuple(sizes[c] for c in term)
        if shape is not None or diagonals or alone:
            preparations.append(Preparation(k, shape, diagonals, alone))
        ready.append("".join(c for c in letters if c in elsewhere))
    order = tuple(ready[0].index(c) for c in output) if len(ready) == 1 else None
    if order == tuple(range(len(output))):
        order = None
    return Plan(tuple(preparations), tuple(_products(ready, output, sizes)), order)


def _lengths(subscripts: str, terms: tuple[str, ...], shapes: tuple[Shape, ...]) -> dict[str, int]:
    """Find the length of each index: equal wherever it occurs, but for axes of length 1, which are stretched."""
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for c, n in zip(term, shape, strict=True):
            # Within one operand nothing is stretched: the diagonal of 1 x 3 is refused, as NumPy refuses it.
            known = own[c] if c in own else sizes.get(c, 1)
            if known != n and (c in own or 1 not in (known, n)):
                named = " and ".join(map(str, shapes))
                raise ShapeError(
                    f"einsum {subscripts!r} of shapes {named} is not possible: index {c!r} has lengths {known} and "
                    f"{n}. The axes with one index must be equally long."
                )
            own[c] = n
        sizes |= {c: n for c, n in own.items() if n != 1 or c not in sizes}
    return sizes


def _without_repeats(term: str) -> tuple[tuple[tuple[int, int], ...], str]:
    """List the diagonals that leave each letter once, and the letters that are left."""
    diagonals = []
    while repeated := next((c for c in term if term.count(c) > 1), None):
        first = term.index(repeated)
        second = term.index(repeated, first + 1)
        diagonals.append((first, second))
        term = term[:first] + term[first + 1 : second] + term[second + 1 :] + repeated
    return tuple(diagonals), term


def _products(terms: Sequence[str], output: str, sizes: dict[str, int]) -> Iterable[tuple[int, int, str]]:
    """Multiply two at a time: first those whose product saves the most memory, and of these the cheapest."""
    terms = list(terms)

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        a, b = terms[pair[0]], terms[pair[1]]
        both = together(a, b, needed(pair))
        saved = math.prod(sizes[c] for c in both) - sum(math.prod(sizes[c] for c in term) for term in (a, b))
        return saved, math.prod(sizes[c] for c in {*a, *b})

    def needed(pair: tuple[int, int]) -> str:
        return output + "".join(term for k, term in enumerate(terms) if k not in pair)

    while len(terms) > 1:
        first, second = pair = min(itertools.combinations(range(len(terms)), 2), key=cost)
        a, b = terms[first], terms[second]
        product = output if len(terms) == 2 else together(a, b, needed(pair))
        yield first, second, f"{a},{b}->{product}"
        terms = [term for k, term in enumerate(terms) if k not in pair] + [product]


def together(a: str, b: str, needed: str) -> str:
    """Give the letters of a product in the order in which a matrix product leaves them: both's, a's, b's.

    Examples
    --------
    >>> together("abij", "bajk", "aibk")
    'abik'
    """
    return "".join(
        [c for c in a if c in b and c in needed]
        + [c for c in a if c not in b and c in needed]
        + [c for c in b if c not in a and c in needed]
    )
