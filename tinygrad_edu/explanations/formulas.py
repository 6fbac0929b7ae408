"""What is written for each row of the table: the formula that it computes, and its derivative.

In a template ``{0}`` and ``{1}`` stand for the inputs and ``{out}`` for the result; filled with names it is a formula,
filled with numbers a sum to check by hand. Options stand under their own names, ``{n}`` for the number of entries that
go into one. The derivatives only *say* what the row's rule computes; the numbers shown beside them come from the
rule itself, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.graphs.numbers import number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMULAS", "Formula", "formula_of", "works_by_entry"]


@dataclass(frozen=True)
class Formula:
    """What a row computes, and its derivative with respect to each input; None where there is none."""

    text: str
    derivatives: tuple[str | None, ...] = ()
    """Of a row that works entry by entry: dz/dx, by which the incoming gradient is multiplied."""
    pulled: tuple[str | None, ...] = ()
    """Of other rows: the whole gradient of the input, in terms of ``{g}``, the incoming one."""


def _each(text: str, *derivatives: str | None) -> Formula:
    return Formula(text, derivatives)


def _whole(text: str, *pulled: str | None) -> Formula:
    return Formula(text, pulled=pulled)


def _larger(sign: str) -> tuple[str, str]:
    tie = "½ if they are equal, else 0"
    return f"(1 if {{0}} {sign} {{1}}, {tie})", f"(1 if {{1}} {sign} {{0}}, {tie})"


_SMALL = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOG2, _LOG10 = "0.693147", "2.30259"

FORMULAS: dict[str, Formula] = {
    # ---------------------------------------------------------------------------------------- arithmetic
    "add": _each("{0} + {1}", "1", "1"),
    "subtract": _each("{0} - {1}", "1", "-1"),
    "multiply": _each("{0} · {1}", "{1}", "{0}"),
    "divide": _each("{0} / {1}", "1 / {1}", "-{out} / {1}"),
    "negative": _each("-{0}", "-1"),
    "positive": _each("{0}", "1"),
    "identity": _each("{0}", "1"),
    "astype": _each("{0} as {dtype}", "1"),
    "square": _each("{0}²", "2 · {0}"),
    "reciprocal": _each("1 / {0}", "-1 / {0}²"),
    "power": _each("{0}^{1}", "{1} · {0}^({1} - 1)", "{out} · log({0})"),
    "sqrt": _each("√({0})", "1 / (2 · {out})"),
    "cbrt": _each("∛({0})", "1 / (3 · {out}²)"),
    "hypot": _each("√({0}² + {1}²)", "{0} / {out}", "{1} / {out}"),
    # ------------------------------------------------------------------------------ exponentials and angles
    "exp": _each("exp({0})", "{out}"),
    "exp2": _each("2^{0}", f"{{out}} · {_LOG2}"),
    "expm1": _each("exp({0}) - 1", "({out} + 1)"),
    "log": _each("log({0})", "1 / {0}"),
    "log1p": _each("log(1 + {0})", "1 / (1 + {0})"),
    "log2": _each("log₂({0})", f"1 / ({{0}} · {_LOG2})"),
    "log10": _each("log₁₀({0})", f"1 / ({{0}} · {_LOG10})"),
    "sin": _each("sin({0})", "cos({0})"),
    "cos": _each("cos({0})", "-sin({0})"),
    "tan": _each("tan({0})", "(1 + {out}²)"),
    "arcsin": _each("arcsin({0})", "1 / √(1 - {0}²)"),
    "arccos": _each("arccos({0})", "-1 / √(1 - {0}²)"),
    "arctan": _each("arctan({0})", "1 / (1 + {0}²)"),
    "sinh": _each("sinh({0})", "cosh({0})"),
    "cosh": _each("cosh({0})", "sinh({0})"),
    "tanh": _each("tanh({0})", "(1 - {out}²)"),
    "arcsinh": _each("arcsinh({0})", "1 / √({0}² + 1)"),
    "arccosh": _each("arccosh({0})", "1 / √({0}² - 1)"),
    "arctanh": _each("arctanh({0})", "1 / (1 - {0}²)"),
    "erf": _each("erf({0})", "1.12838 · exp(-{0}²)"),
    "erfc": _each("1 - erf({0})", "-1.12838 · exp(-{0}²)"),
    "logaddexp": _each("log(exp({0}) + exp({1}))", "exp({0} - {out})", "exp({1} - {out})"),
    # --------------------------------------------------------------------------------- steps and choices
    "sigmoid": _each("σ({0})", "{out} · (1 - {out})"),
    "log_sigmoid": _each("log σ({0})", "σ(-{0})"),
    "softplus": _each("log(1 + exp({0}))", "σ({0})"),
    "softsign": _each("{0} / (1 + |{0}|)", "1 / (1 + |{0}|)²"),
    "relu": _each("max({0}, 0)", "(1 if {0} > 0, else 0)"),
    "leaky_relu": _each("({0} if above 0, else {negative_slope} · {0})", "(1 if {0} > 0, else {negative_slope})"),
    "elu": _each("({0} if above 0, else {alpha} · (exp({0}) - 1))", "(1 if {0} > 0, else {alpha} · exp({0}))"),
    "absolute": _each("|{0}|", "(the sign of {0}; 0 at 0)"),
    "maximum": _each("max({0}, {1})", *_larger(">")),
    "minimum": _each("min({0}, {1})", *_larger("<")),
    "clamp_min": _each("max({0}, {1})", "(1 if {0} ≥ {1}, else 0)", "(1 if {0} < {1}, else 0)"),
    "clamp_max": _each("min({0}, {1})", "(1 if {0} ≤ {1}, else 0)", "(1 if {0} > {1}, else 0)"),
    "where": _each(
        "({1} where {0}, else {2})", None, "(1 where the condition {0} holds, else 0)", "(0 where it holds, else 1)"
    ),
    "binary_cross_entropy_with_logits": _each(
        "-{1} · log σ({0}) - (1 - {1}) · log(1 - σ({0}))", "(σ({0}) - {1})", "-{0}"
    ),
    # ---------------------------------------------------------------------------------- products and sums
    "matmul": _whole("{0} @ {1}", "{g} @ {1}ᵀ", "{0}ᵀ @ {g}"),
    "dot": _whole("{0} @ {1}", "{g} @ {1}ᵀ", "{0}ᵀ @ {g}"),
    "linear": _whole("{0} @ {1}ᵀ + {2}", "{g} @ {1}", "{g}ᵀ @ {0}", "{g}, summed over the examples"),
    "sum": _whole("sum of {0}", "{g} for each entry that was added"),
    "mean": _whole("mean of {0}", "{g} / {n} for each of the {n} entries"),
    "prod": _whole("product of {0}", "{g} · the product of the other entries"),
    "max": _whole("largest of {0}", "{g} where the largest is, shared in a tie, else 0"),
    "min": _whole("smallest of {0}", "{g} where the smallest is, shared in a tie, else 0"),
    "logsumexp": _whole("log of the sum of exp({0})", "{g} · softmax({0})"),
    "cumsum": _whole("running sum of {0}", "{g}, summed from the end"),
    # --------------------------------------------------------------------------------------- classification
    "softmax": _whole("softmax({0})", "{out} · ({g} - sum of {g} · {out})"),
    "log_softmax": _whole("log softmax({0})", "{g} - softmax({0}) · sum of {g}"),
    "negative_log_likelihood": _whole("-{0} at the class {1}", "-{g}{share} at the class {1}, else 0"),
    # ------------------------------------------------------------------------- entries that only change place
    "reshape": _whole("{0}, reshaped", "{g}, in the shape of {0}"),
    "transpose": _whole("{0} with its axes exchanged", "{g} with them exchanged back"),
    "swapaxes": _whole("{0} with its axes exchanged", "{g} with them exchanged back"),
    "expand_dims": _whole("{0} with an axis more", "{g} without it"),
    "squeeze": _whole("{0} without axes of length 1", "{g} with them"),
    "broadcast_to": _whole("{0}, repeated", "{g}, summed over the repetitions"),
    "getitem": _whole("{0}{index}", "{g} at {index}, else 0"),
    "concatenate": _whole("the inputs, joined", "its part of {g}"),
    "stack": _whole("the inputs, stacked", "its part of {g}"),
    "max_pool": _whole("the largest of each window of {0}", "{g} where the largest of each window was, else 0"),
    "conv": _whole("{0} convolved with {1}", "{g} convolved with the turned {1}", "{0} correlated with {g}"),
    "conv_bias": _whole(
        "{0} convolved with {1}, plus {2}",
        "{g} convolved with the turned {1}",
        "{0} correlated with {g}",
        "{g}, summed over examples and places",
    ),
    "center": _whole("{0} minus its mean", "{g} minus its mean"),
}

# What a product with vectors hands back, by the axes of its inputs; ᵀ would leave a vector as it is.
_OF_VECTORS: dict[tuple[str, tuple[int, ...]], tuple[str, ...]] = {
    **{(name, (2, 1)): ("outer({g}, {1})", "{0}ᵀ @ {g}") for name in ("matmul", "dot")},
    **{(name, (1, 2)): ("{1} @ {g}", "outer({0}, {g})") for name in ("matmul", "dot")},
    **{(name, (1, 1)): ("{g} · {1}", "{g} · {0}") for name in ("matmul", "dot")},
    ("linear", (1, 2)): ("{g} @ {1}", "outer({g}, {0})", "{g}"),
}


def formula_of(name: str, n_inputs: int, options: Mapping[str, Any], n_axes: tuple[int, ...] = ()) -> Formula | None:
    """Give what is written for a row; None for a row that has no words of its own.

    Parameters
    ----------
    name, n_inputs, options
        Of the operation.
    n_axes
        Of its inputs, if known: products of vectors have gradients of their own.

    Examples
    --------
    >>> formula_of("constant_power", 1, {"exponent": 3})
    Formula(text='{0}³', derivatives=('3 · {0}²',), pulled=())
    >>> formula_of("matmul", 2, {}, (2, 1)).pulled
    ('outer({g}, {1})', '{0}ᵀ @ {g}')
    """
    if name == "constant_power":
        return _constant_power(options["exponent"])
    found = FORMULAS.get(name)
    if found and (name, n_axes[:2]) in _OF_VECTORS:
        return Formula(found.text, pulled=_OF_VECTORS[name, n_axes[:2]])
    if found and name in ("concatenate", "stack"):
        return Formula(found.text, pulled=found.pulled * n_inputs)
    return found


def _constant_power(exponent: float) -> Formula:
    number = number_text(exponent)
    factor = f"({number})" if number.startswith("-") else number
    lower = _raised(exponent - 1)
    return _each(f"{{0}}{_raised(exponent)}", f"{factor} · {{0}}{lower}" if lower != "⁰" else factor)


def _raised(exponent: float) -> str:
    """Write an exponent: nothing for 1, small digits for whole numbers."""
    text = number_text(exponent)
    if text == "1":
        return ""
    return text.translate(_SMALL) if text.lstrip("-").isdigit() else f"^({text})"


def works_by_entry(op: Any) -> bool:
    """Tell whether each entry of the result depends on one entry of each input only.

    Examples
    --------
    >>> from tinygrad_edu import ops
    >>> works_by_entry(ops.tanh), works_by_entry(ops.softmax)
    (True, False)
    """
    found = FORMULAS.get(op.name)
    if found or op.name == "constant_power":
        return not found or bool(found.derivatives)
    return isinstance(op.function, np.ufunc) and op.function.signature is None
