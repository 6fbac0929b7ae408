"""JSON that means one thing: what is read back is what was written, and anything else is refused in a sentence.

Floats are written as the shortest text that gives the same float again. JSON has no word for the numbers that are
none, so these are the texts "nan", "inf" and "-inf". A name that nobody knows is refused and not passed over: it is
most often a known one, misspelt.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tinygrad_edu.errors import DataError, suggest
from tinygrad_edu.storage import replace_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

__all__ = [
    "check_names",
    "from_plain",
    "has_names",
    "read_file",
    "read_object",
    "refuse",
    "to_plain",
    "write_file",
    "write_object",
]

MAX_DEPTH = 30

_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def refuse(what: str, reason: str) -> NoReturn:
    """Raise the error that says why a text is not what it should be."""
    raise DataError(f"This is not {what}: {reason}")


def write_object(entries: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Write a JSON object.

    Examples
    --------
    >>> write_object({"loss": to_plain(float("inf")), "x": [0.1, 1e300]})
    '{"loss": "inf", "x": [0.1, 1e+300]}'
    """
    return json.dumps(entries, allow_nan=False, ensure_ascii=False, indent=indent)


def read_object(text: str | bytes, what: str) -> dict[str, Any]:
    """Read one JSON object.

    Parameters
    ----------
    what
        What the text should be, such as "a trace".

    Raises
    ------
    DataError
        If it is no JSON, or no object, or an object names something twice.

    Examples
    --------
    >>> read_object('{"x": NaN}', "a trace")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DataError: This is not a trace: JSON has no NaN; write "nan" as text.
    """
    if not isinstance(text, (str, bytes)):
        refuse(what, f"it must be JSON text, but is {type(text).__name__}.")
    if not text.strip():
        refuse(what, "it is empty.")
    try:
        found = json.loads(
            text,
            parse_constant=lambda word: _no_such_number(what, word),
            parse_float=lambda digits: _finite(what, digits),
            object_pairs_hook=_once(what),
        )
    except json.JSONDecodeError as error:
        refuse(what, f"it is no JSON from line {error.lineno}, column {error.colno} on ({error.msg}).")
    except UnicodeDecodeError:
        refuse(what, "its bytes are no text in UTF-8.")
    except RecursionError:
        refuse(what, "its lists are nested too deep.")
    except DataError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        refuse(what, f"{error}.")
    if not isinstance(found, dict):
        refuse(what, f"it must be an object {{...}}, but is a {type(found).__name__}.")
    if _is_deeper(found, MAX_DEPTH):
        refuse(what, "its lists are nested too deep.")
    return found


def _is_deeper(value: Any, limit: int) -> bool:
    """Look level by level: whoever takes the value apart afterwards may then do so by recursion."""
    level = [value]
    for _ in range(limit):
        inside = (entry for outer in level for entry in (outer.values() if isinstance(outer, dict) else outer))
        level = [entry for entry in inside if isinstance(entry, (list, dict))]
        if not level:
            return False
    return True


def write_file(path: str | os.PathLike[str], text: str, what: str) -> Path:
    """Write a text to a file, all or nothing.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    file = Path(path)
    try:
        replace_file(file, text.encode())
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{what} cannot be written to {str(file)!r}: {reason}.") from error
    return file


def read_file(path: str | os.PathLike[str], what: str) -> bytes:
    """Read a file.

    Raises
    ------
    DataError
        If it cannot be read.

    Examples
    --------
    >>> read_file("missing.json", "The trace")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DataError: The trace cannot be read from 'missing.json': No such file or directory.
    """
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{what} cannot be read from {str(path)!r}: {reason}.") from error


def _no_such_number(what: str, word: str) -> NoReturn:
    refuse(what, f'JSON has no {word}; write "{word.lower().replace("infinity", "inf")}" as text.')


def _finite(what: str, digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        refuse(what, f"the number {digits[:40]} is too large: 1.8e308 is the most.")
    return number


def _once(what: str) -> Any:
    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                refuse(what, f"{name!r} is there twice. Write it once.")
            found[name] = value
        return found

    return collect


def has_names(what: str, entries: Any, needed: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """Give an object back if it has exactly the names that it should.

    Raises
    ------
    DataError
        If it is no object, a name is missing, or one is unknown.

    Examples
    --------
    >>> has_names("a step", {"los": 1}, ["loss"])
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DataError: This is not a step: there is no 'los' in one. Did you mean 'loss'? There are: loss.
    """
    needed, optional = list(needed), list(optional)
    if not isinstance(entries, dict):
        refuse(what, f"it must be an object {{...}}, but is {_shown(entries)}.")
    for name in entries:
        if name not in needed and name not in optional:
            refuse(what, f"there is no {name!r} in one. {suggest(name, [*needed, *optional])}")
    for name in needed:
        if name not in entries:
            refuse(what, f"{name!r} is missing.")
    return entries


def check_names(what: str, entries: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]]) -> None:
    """Refuse entries that are of another kind than they should be; True and False are no numbers.

    Raises
    ------
    DataError
        If one is.

    Examples
    --------
    >>> check_names("a step", {"k": "first"}, {"k": int})
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DataError: This is not a step: 'k' must be a whole number, but is 'first'.
    """
    words: dict[type, str] = {
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        bool: "true or false",
    }
    for name, kind in kinds.items():
        kinds_of = kind if isinstance(kind, tuple) else (kind,)
        value = entries[name]
        if not isinstance(value, kinds_of) or (isinstance(value, bool) and bool not in kinds_of):
            wanted = " or ".join(words.get(each, "null") for each in kinds_of)
            refuse(what, f"{name!r} must be {wanted}, but is {_shown(value)}.")


def _shown(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def to_plain(value: Any) -> Any:
    """Replace numbers that are none, in lists of lists too, by their words.

    Examples
    --------
    >>> to_plain([[0.5, float("nan")], [float("-inf"), 2]])
    [[0.5, 'nan'], ['-inf', 2]]
    """
    if isinstance(value, list):
        return [to_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_plain(value: Any) -> Any:
    """Replace the words of `to_plain` by numbers.

    Examples
    --------
    >>> from_plain([0.5, "inf"])
    [0.5, inf]
    """
    if isinstance(value, list):
        return [from_plain(entry) for entry in value]
    return _WORDS.get(value, value) if isinstance(value, str) else value
