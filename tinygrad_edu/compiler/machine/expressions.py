"""How one entry of a result is spelled in machine-code source: an operator, or a call of a function of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["HELPERS", "expression", "literal"]

# Operators and calls of NumPy's functions that work entry by entry; {0} and {1} are the operands.
_SPELLED = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0} * {1})",
    "float_power": "({0} ** {1})",
    "divide": "({0} / {1})",
    "negative": "(-{0})",
    "square": "square({0})",
    "absolute": "abs({0})",
    "sqrt": "math.sqrt({0})",
    "exp": "exp({0})",
    "log": "math.log({0})",
    "log1p": "math.log1p({0})",
    "expm1": "expm1({0})",
    "tanh": "tanh({0})",
    "sin": "math.sin({0})",
    "cos": "math.cos({0})",
    "erf": "math.erf({0})",
    "erfc": "math.erfc({0})",
    "maximum": "larger({0}, {1})",
    "minimum": "smaller({0}, {1})",
    "sign": "sign({0})",
    "reciprocal": "reciprocal({0})",
    "less": "({0} < {1})",
    "less_equal": "({0} <= {1})",
    "greater": "({0} > {1})",
    "greater_equal": "({0} >= {1})",
    "equal": "({0} == {1})",
    "not_equal": "({0} != {1})",
    "logical_and": "({0} and {1})",
    "logical_or": "({0} or {1})",
    "logical_not": "(not {0})",
    "bitwise_and": "({0} & {1})",
    "bitwise_or": "({0} | {1})",
    "bitwise_xor": "({0} ^ {1})",
    "invert": "(~{0})",
    "clip": "smaller(larger({0}, {1}), {2})",
    "where": "({1} if {0} else {2})",
    "isfinite": "isfinite({0})",
    "sigmoid": "sigmoid({0})",
}
_WHOLE = {
    "maximum": "max({0}, {1})",
    "minimum": "min({0}, {1})",
    "clip": "min(max({0}, {1}), {2})",
    "square": "({0} * {0})",
    "sign": "(({0} > 0) - ({0} < 0))",
}
# NumPy's own functions of numbers, which Numba knows.
_CALLED = frozenset(
    [
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctan2",
        "arctanh",
        "ceil",
        "copysign",
        "cosh",
        "deg2rad",
        "exp2",
        "fabs",
        "floor",
        "floor_divide",
        "fmax",
        "fmin",
        "fmod",
        "hypot",
        "isinf",
        "isnan",
        "log10",
        "log2",
        "logaddexp",
        "logaddexp2",
        "nextafter",
        "power",
        "rad2deg",
        "remainder",
        "rint",
        "signbit",
        "sinh",
        "spacing",
        "tan",
        "trunc",
    ]
)
_OURS = """descend exp expm1 gemm larger normal part product reciprocal rows several sigmoid sign smaller square strided
tanh turn uniform upto"""
HELPERS = frozenset(_OURS.split())


def literal(number: Any, dtype: Any) -> str:
    """Spell a number of a dtype.

    Examples
    --------
    >>> literal(0.5, np.dtype("float32")), literal(3, np.dtype("int64")), literal(-np.inf, np.dtype("float64"))
    ('float32(0.5)', '3', 'float64(-math.inf)')
    """
    dtype = np.dtype(dtype)
    if dtype == np.bool:
        return repr(bool(number))
    if dtype.kind in "iu":
        return repr(int(number))
    number = float(number)
    if math.isfinite(number):
        return f"{dtype.name}({number!r})"
    return f"{dtype.name}({'math.nan' if math.isnan(number) else 'math.inf' if number > 0 else '-math.inf'})"


def expression(
    name: str, operands: list[str], dtypes: list[Any], out: np.dtype[Any], options: dict[str, Any], used: set[str]
) -> str | None:
    """Spell one entry of a result.

    Parameters
    ----------
    name
        Of the primitive.
    operands
        How the entries of its operands are spelled; numbers as Python spells them.
    dtypes
        Their dtypes; of a number its type.
    out
        The result's dtype.
    options
        The primitive's.
    used
        Takes the names of the functions that are called.

    Returns
    -------
    None if there is no spelling.
    """
    if name in ("copyto", "astype", "keep", "reduce"):
        return _cast(operands[0], dtypes[0], out)
    kinds = _computed_in(name, dtypes, out, options)
    if kinds is None:
        return None
    cast = [_cast(x, given, kind) for x, given, kind in zip(operands, dtypes, kinds, strict=True)]
    table = _WHOLE if kinds[0].kind in "iu" and name in _WHOLE else _SPELLED
    if name in _CALLED:
        return f"np.{name}({', '.join(cast)})"
    spelled = table.get(name)
    if spelled is None:
        return None
    used.update(helper for helper in HELPERS if f"{helper}(" in spelled)
    return spelled.format(*cast)


def _computed_in(
    name: str, dtypes: list[Any], out: np.dtype[Any], options: dict[str, Any]
) -> list[np.dtype[Any]] | None:
    """Find the dtypes that NumPy converts the operands to."""
    function = getattr(np, name, None)
    if name == "where":
        return [np.dtype(np.bool), out, out]
    if not isinstance(function, np.ufunc):
        return [out] * len(dtypes)
    given: list[Any] = [d if isinstance(d, np.dtype) else (bool if d is bool else d) for d in dtypes]
    given = [np.dtype(np.bool) if d is bool else d for d in given]
    signature = (
        (None,) * function.nin + (np.dtype(options["dtype"]),) if "dtype" in options else (None,) * (function.nin + 1)
    )
    try:
        return [*function.resolve_dtypes((*given, None), signature=signature)[: function.nin]]
    except TypeError:
        return None


def _cast(text: str, given: Any, dtype: np.dtype[Any]) -> str:
    """Spell the conversion of an operand, if it needs one."""
    if not isinstance(given, np.dtype):  # a number of Python's
        return literal(
            {"inf": np.inf, "-inf": -np.inf, "nan": np.nan, "True": 1, "False": 0}.get(text) or float(text), dtype
        )
    if given == dtype:
        return text
    return f"{'bool_' if dtype == np.bool else dtype.name}({text})"
