"""Traces as JSON, exactly: every float comes back bit for bit, and what somebody changed by hand is checked."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import suggest
from tinygrad_edu.traces.parts import Part
from tinygrad_edu.traces.step import Step, StopReason
from tinygrad_edu.traces.strict_json import (
    check_names,
    from_plain,
    has_names,
    read_object,
    refuse,
    to_plain,
    write_object,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.traces.step import Point
    from tinygrad_edu.traces.trace import Trace

__all__ = ["FORMAT", "VERSION", "read", "write"]

FORMAT, VERSION = "tinygrad_edu.trace", 1
_ENTRIES = ("format", "version", "stop_reason", "message", "formula", "dtype", "parts", "steps")
_STEP = ("k", "point", "loss", "gradient", "batch", "learning_rate")
_DTYPES = ("float16", "float32", "float64")


def write(trace: Trace, *, indent: int | None = None) -> str:
    """Write a trace as JSON; see `Trace.to_json`."""
    return write_object(
        {
            "format": FORMAT,
            "version": VERSION,
            "stop_reason": trace.stop_reason.value,
            "message": trace.message,
            "formula": trace.formula,
            "dtype": str(np.asarray(trace.x).dtype),
            "parts": [{"name": p.name, "shape": list(p.shape), "dtype": p.dtype} for p in trace.parts],
            "steps": [_step_to_plain(step) for step in trace],
        },
        indent=indent,
    )


def _step_to_plain(step: Step) -> dict[str, Any]:
    unknown = step.gradient is None
    return {
        "k": step.k,
        "point": to_plain(np.asarray(step.point).tolist()),
        "loss": to_plain(step.loss),
        "gradient": None if unknown else to_plain(np.asarray(step.gradient).tolist()),
        "batch": None if step.batch is None else step.batch.tolist(),
        "learning_rate": to_plain(step.learning_rate),
    }


def read(text: str | bytes) -> dict[str, Any]:
    """Read what `write` wrote, and give the arguments of the `Trace`.

    Raises
    ------
    DataError
        If the text is no trace; it says where.
    """
    found = has_names("a trace", read_object(text, "a trace"), _ENTRIES)
    if found["format"] != FORMAT:
        refuse("a trace", f"its format is {found['format']!r} and not {FORMAT!r}.")
    if found["version"] != VERSION:
        refuse(
            "a trace", f"it is of version {found['version']!r}, and only {VERSION} is known here. Update the package."
        )
    check_names("a trace", found, {"message": str, "formula": str, "parts": list, "steps": list})
    reason, reasons = found["stop_reason"], [known.value for known in StopReason]
    if reason not in reasons:
        refuse("a trace", f"nothing stops for {reason!r}. {suggest(str(reason), reasons)}")
    if found["dtype"] not in _DTYPES:
        refuse("a trace", f"its dtype is {found['dtype']!r}, and not one of {', '.join(_DTYPES)}.")
    parts = tuple(_read_part(part) for part in found["parts"])
    if len({part.name for part in parts}) < len(parts):
        refuse("a trace", "two of its parts have the same name.")
    return {
        "steps": _read_steps(found["steps"], parts, np.dtype(found["dtype"])),
        "stop_reason": StopReason(reason),
        "message": found["message"],
        "parts": parts,
        "formula": found["formula"],
    }


def _read_part(part: Any) -> Part:
    what = "a part of a trace"
    has_names(what, part, ("name", "shape", "dtype"))
    check_names(what, part, {"name": str, "shape": list})
    if not all(type(n) is int and n >= 0 for n in part["shape"]):
        refuse(what, f"the shape of {part['name']!r} must be whole numbers, but is {part['shape']}.")
    if part["dtype"] not in _DTYPES:
        refuse(what, f"the dtype of {part['name']!r} is {part['dtype']!r}, and not one of {', '.join(_DTYPES)}.")
    return Part(part["name"], tuple(part["shape"]), part["dtype"])


def _read_steps(entries: list[Any], parts: tuple[Part, ...], dtype: np.dtype[Any]) -> tuple[Step, ...]:
    if not entries:
        refuse("a trace", "it has no steps.")
    steps = tuple(_read_step(entry, place, dtype) for place, entry in enumerate(entries))
    shape, size = np.shape(steps[0].point), np.size(steps[0].point)
    if parts and size != sum(part.size for part in parts):
        refuse("a trace", f"its points have {size} numbers, and its parts {sum(part.size for part in parts)}.")
    if steps[0].k != 0:
        refuse("a trace", f"its first step must be the start, k = 0, but is k = {steps[0].k}.")
    for before, step in itertools.pairwise(steps):
        if step.k <= before.k:
            refuse("a trace", f"step k = {step.k} comes after k = {before.k}.")
        if np.shape(step.point) != shape:
            refuse("a trace", f"the point of k = {step.k} has shape {np.shape(step.point)}, and the start {shape}.")
    return steps


def _read_step(entry: Any, place: int, dtype: np.dtype[Any]) -> Step:
    what = f"a trace (steps[{place}])"
    has_names(what, entry, _STEP)
    check_names(what, entry, {"k": int, "batch": (list, type(None))})
    if not 0 <= entry["k"] <= 2**53:
        refuse(what, f"k must be a whole number from 0 to 2**53, but is {str(entry['k'])[:40]}.")
    point, gradient, batch = _numbers(what, "point", entry, dtype), None, None
    if entry["gradient"] is not None:
        gradient = _numbers(what, "gradient", entry, dtype)
        if np.shape(gradient) != np.shape(point):
            refuse(what, f"the gradient has shape {np.shape(gradient)}, and the point {np.shape(point)}.")
    if entry["batch"] is not None:
        if not all(type(index) is int and 0 <= index < 2**63 for index in entry["batch"]):
            refuse(what, "its batch must be a list of whole numbers from 0 on.")
        batch = np.array(entry["batch"], np.intp)
    loss, rate = (float(_number(what, name, entry)) for name in ("loss", "learning_rate"))
    return Step(entry["k"], point, loss, gradient, batch, rate)


def _number(what: str, name: str, entry: dict[str, Any]) -> float:
    value = from_plain(entry[name])
    if not _is_number(value):
        refuse(what, f"{name!r} must be a number, but is {str(entry[name])[:40]!r}.")
    return float(value)


def _numbers(what: str, name: str, entry: dict[str, Any], dtype: np.dtype[Any]) -> Point:
    """Read a number, or a list of lists of them that is not ragged."""
    plain = from_plain(entry[name])
    if not isinstance(plain, list):
        return _number(what, name, entry)
    if not _all_numbers(plain):
        refuse(what, f"{name!r} must hold numbers, or the words nan, inf and -inf, and nothing else.")
    try:
        array: NDArray[Any] = np.array(plain, np.float64)
    except ValueError:
        refuse(what, f"the lists of {name!r} are of different lengths.")
    return array.astype(dtype)


def _all_numbers(plain: list[Any]) -> bool:
    return all(_all_numbers(entry) if isinstance(entry, list) else _is_number(entry) for entry in plain)


def _is_number(value: Any) -> bool:
    """Tell whether a float holds it exactly; True is no number here."""
    return type(value) is float or (type(value) is int and abs(value) <= 2**53)
