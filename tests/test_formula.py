"""Text becomes a function with the values and slopes of NumPy, and no text does anything else."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu.errors import DtypeError, FormulaError, OptionError, ShapeError
from tinygrad_edu.learn import Formula, formula
from tinygrad_edu.learn.formula import FUNCTIONS
from tinygrad_edu.tensor import Tensor, tensor

# ------------------------------------------------------------------------------------ values and slopes

CASES = [
    ("x**2", lambda x: x**2, lambda x: 2 * x),
    ("-x**2", lambda x: -(x**2), lambda x: -2 * x),
    ("(-x)**2", lambda x: x**2, lambda x: 2 * x),
    ("2**-x", lambda x: 2**-x, lambda x: -np.log(2) * 2**-x),
    ("x**x", lambda x: x**x, lambda x: x**x * (np.log(x) + 1)),
    ("x**2**3", lambda x: x**8, lambda x: 8 * x**7),
    ("x - 1 - 2 - 3", lambda x: x - 6, lambda x: 1 + 0 * x),
    ("12 / x / 3 * 2", lambda x: 8 / x, lambda x: -8 / x**2),
    ("+x - -x", lambda x: 2 * x, lambda x: 2 + 0 * x),
    (".5*x + 1.*x + 1e-1*x + 2E+0*x", lambda x: 3.6 * x, lambda x: 3.6 + 0 * x),
    ("x**2 + sin(3*x)", lambda x: x**2 + np.sin(3 * x), lambda x: 2 * x + 3 * np.cos(3 * x)),
    ("exp(-x)*cos(pi*x)", lambda x: np.exp(-x) * np.cos(np.pi * x),
     lambda x: -np.exp(-x) * (np.cos(np.pi * x) + np.pi * np.sin(np.pi * x))),
    ("π*e*x", lambda x: np.pi * np.e * x, lambda x: np.pi * np.e + 0 * x),
    ("log(x) + log2(x) + log10(x) + log1p(x)",
     lambda x: np.log(x) + np.log2(x) + np.log10(x) + np.log1p(x),
     lambda x: (1 + 1 / np.log(2) + 1 / np.log(10)) / x + 1 / (1 + x)),
    ("expm1(x) + square(x) + sqrt(x)",
     lambda x: np.expm1(x) + x**2 + x**0.5,
     lambda x: np.exp(x) + 2 * x + 0.5 / x**0.5),
    ("tan(x) + arctan(x)", lambda x: np.tan(x) + np.arctan(x), lambda x: 1 / np.cos(x) ** 2 + 1 / (1 + x**2)),
    ("sinh(x) - cosh(x) + tanh(x)",
     lambda x: -np.exp(-x) + np.tanh(x),
     lambda x: np.exp(-x) + 1 / np.cosh(x) ** 2),
    ("abs(x - 1) + sign(x)", lambda x: np.abs(x - 1) + 1, lambda x: np.sign(x - 1)),
    ("relu(x - 1)", lambda x: np.maximum(x - 1, 0), lambda x: (x > 1) * 1.0),
    ("sigmoid(x)", lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    ("softplus(x)", lambda x: np.log(1 + np.exp(x)), lambda x: 1 / (1 + np.exp(-x))),
    ("maximum(x, 1/x)", lambda x: np.maximum(x, 1 / x), lambda x: np.where(x > 1, 1, -1 / x**2)),
    ("minimum(x, 1/x)", lambda x: np.minimum(x, 1 / x), lambda x: np.where(x < 1, 1, -1 / x**2)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "slope"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("x", [0.3, 0.75, 1.25, 2.5])
def test_a_formula_has_the_value_and_the_slope_of_its_mathematics(text, value, slope, x):
    f = formula(text)
    assert f.variables == ("x",)
    # Up to six roundings in a different order: 1e-14 is 45 units in the last place.
    np.testing.assert_allclose(f(x).item(), value(x), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(tg.grad(f)(np.float64(x)).item(), slope(x), rtol=1e-14, atol=1e-15)


def test_every_function_is_in_the_cases():
    assert {name for name in FUNCTIONS if not any(f"{name}(" in case[0] for case in CASES)} == set()


def test_slopes_can_be_differentiated_again():
    f = formula("x**4 + exp(2*x)")
    x = np.float64(1.5)
    assert tg.grad(tg.grad(f))(x).item() == pytest.approx(12 * 1.5**2 + 4 * np.exp(3.0), rel=1e-15)


def test_a_formula_of_several_variables_has_a_slope_for_each():
    f = formula("y**2 * x1 + theta")
    assert f.variables == ("theta", "x1", "y")
    value, slopes = tg.value_and_grad(f, (0, 1, 2))(np.float64(1), np.float64(2), np.float64(3))
    assert value.item() == 19
    assert [slope.item() for slope in slopes] == [1, 9, 12]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("3", ()),
        ("pi + e + π", ()),
        ("x1*x2*x10", ("x1", "x10", "x2")),
        ("θ - α", ("α", "θ")),
        ("e2 + exp1", ("e2", "exp1")),
        ("learning_rate*X", ("X", "learning_rate")),
        ("  x\n\t+ y ", ("x", "y")),
    ],
)
def test_names_that_are_neither_constants_nor_functions_are_variables(text, variables):
    assert formula(text).variables == variables


# --------------------------------------------------------------------------------------- calling


@pytest.mark.parametrize("call", [lambda f: f(2, 3), lambda f: f(x=2, y=3), lambda f: f(y=3.0, x=np.float32(2))])
def test_values_are_given_in_sorted_order_or_by_name(call):
    assert call(formula("y - x/2")).item() == 2.0


def test_it_computes_in_float64_whatever_is_given():
    f = formula("x + 0.1")
    for x in (0, 0.0, [0.0], np.float32(0), np.zeros(1, np.int8), tensor([0.0]), tensor([0])):
        out = f(x)
        assert isinstance(out, Tensor)
        assert out.dtype == np.float64
        assert float(out) == 0.1
    assert formula("x")(0.1).item() == 0.1  # and not 0.1 rounded to float32
    assert formula("1/3")().item() == 1 / 3
    assert formula("1/3")().dtype == np.float64


def test_the_gradient_of_a_float32_tensor_is_float32():
    x = tensor([3.0], requires_grad=True)
    formula("x**2")(x).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [6.0])


def test_arrays_are_computed_entry_by_entry_and_broadcast():
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 1, 3)[:, None]
    np.testing.assert_array_equal(formula("x*y + 1")(x, y).numpy(), x * y + 1)


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("1/x", 0.0, np.inf),
        ("log(x)", 0.0, -np.inf),
        ("log(x)", -1.0, np.nan),
        ("exp(x)", 1000.0, np.inf),
        ("x**0.5", -8.0, np.nan),
        ("0*x + 1/0", 1.0, np.inf),
        ("0*x + (-8)**0.5", 1.0, np.nan),
        ("x + 9**9**9**9", 1.0, np.inf),
    ],
)
def test_overflow_is_inf_and_the_undefined_is_nan_without_a_warning(text, x, value):
    np.testing.assert_equal(formula(text)(x).item(), value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f(), OptionError, r"given 0 values. Call it as f\(x=..., y=...\)"),
        (lambda f: f(1), OptionError, "given 1 value. Call"),
        (lambda f: f(1, 2, 3), OptionError, "given 3 values"),
        (lambda f: f(x=1, z=2), OptionError, "given x, z"),
        (lambda f: f(1, y=2), OptionError, "Call it as"),
        (lambda f: f("1", 2), DtypeError, "real numbers"),
        (lambda f: f(1j, 2), DtypeError, "real numbers"),
        (lambda f: f([[1], [2, 3]], 2), ShapeError, "ragged"),
        (lambda f: f(np.ones(2), np.ones(3)), ShapeError, r"\(2,\) and \(3,\)"),
    ],
)
def test_a_call_that_does_not_fit_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(formula("x + y"))


def test_a_formula_is_a_value():
    f = formula(" x  **2")
    assert f.text == "x **2"
    assert f == Formula("x **2") == formula(f)
    assert len({f, Formula("x **2"), Formula("x")}) == 2
    assert repr(f) == "Formula(text='x **2')"
    for same in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):  # noqa: S301 - pickled a moment ago
        assert (same, same.variables, same(3.0).item()) == (f, ("x",), 9.0)
    with pytest.raises(AttributeError):
        f.text = "x"


# ------------------------------------------------------------------------------ what is no formula


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("x^2", "write ** instead of '^' (position 2)"),
        ("x²", "write **2 instead of '²' (position 2)"),
        ("x⁻", "write **− instead of '⁻'"),
        ("2x", "write 2*x instead of 2x"),
        ("2.5 x", "write 2.5*x instead of 2.5 x"),
        ("x y", "write x*y"),
        ("2(x + 1)", "write 2*( instead of 2("),
        ("(x + 1)(x - 1)", "write )*( instead of )("),
        ("x(x + 1)", "'x' is no function; for a product write x*(...)"),
        ("2×x", "write * instead of '×'"),
        ("x − 1", "write - instead of '−'"),
        ("|x|", "write abs instead of '|'"),
        ("[x]", "write ( instead of '['"),
        ("sin x", "write sin(x) instead of sin x"),
        ("sin + 1", "sin is a function: write sin(x)"),
        ("sine(x)", "Did you mean 'sin'?"),
        ("atanh(x)", "Did you mean 'tanh'?"),
        ("max(x, y)", "Did you mean 'maximum'?"),
        ("print(x)", "'print' is no function"),
        ("exp(x, y)", "exp takes one number: write exp(x)"),
        ("maximum(x)", "maximum takes two numbers: write maximum(x, y)"),
        ("sin()", "a number is missing between ( and ) (position 5)"),
        ("x +", "the formula ends with +"),
        ("*x", "the formula begins with *"),
        ("x*/2", "missing between * and / (position 3)"),
        ("(x + 1", "the bracket at position 1 is never closed"),
        ("x + 1)", "the bracket at position 6 closes nothing"),
        ("0,5*x", "a comma joins two formulas"),
        ("y = x**2", "write its right side alone"),
        ("x == 1", "write its right side alone"),
        ("1e999*x", "too large"),
        (f"x + {'1' * 400}", "too large"),
        ("007", "position 1"),
        ("x//2", "'//' at position 2"),
        ("x % 2", "'%' at position 3"),
        ("x < 1", "'<' at position 3"),
        ("x.real", "'.' at position 2"),
        ("x if y else z", "'if' at position 3 is a word of Python"),
        ("lambda x: x", "'lambda' at position 1"),
        ("await x", "'await' at position 1"),
        ("yield x", "'yield' at position 1"),
        ("not x", "'not' at position 1"),
        ("x and y", "'and' at position 3"),
        ("import os", "'import' at position 1"),
        ("x in y", "'in' at position 3"),
        ("None", "'None' at position 1"),
        ("x.__class__.__bases__", "'.' at position 2"),
        ("().__class__", "'.' at position 3"),
        ("x[0]", "write ( instead of '[' (position 2)"),
        ("{x}", "'{' at position 1"),
        ("{x: 1}", "'{' at position 1"),
        ("...", "'.' at position 1"),
        ("1j*x", "write 1*j instead of 1j"),
        ("0x10*x", "write 0*x10 instead of 0x10"),
        ("1_000*x", "'_' at position 2"),
        ("_x", "'_' at position 1"),
        ("b'x'", '"\'" at position 2'),
        ('"""x"""', "'\"' at position 1"),
        ("sin(x=1)", "write its right side alone"),
        ("eval(x)", "'eval' is no function"),
        ("exec(x)", "'exec' is no function"),
        ("open(x)", "'open' is no function"),
        ("getattr(x, y)", "'getattr' is no function"),
        ("sin(x)(y)", "write )*( instead of )("),
        ("x@y", "'@' at position 2"),
        ("~x", "'~' at position 1"),
        ("x\\\ny", "'\\\\' at position 2"),
        ("inf*x", "'inf' at position 1 is no number to compute with"),
        ("x + NaN", "'NaN' at position 5 is no number to compute with"),
        ("∞*x", "'∞' at position 1"),
        ("\ufeffx", r"'\ufeff' at position 1"),
        ("x\u200b + 1", r"'\u200b' at position 2"),
        ("\u202ex + 1", r"'\u202e' at position 1"),
        ("x\u0301", "at position 2 is not part of a formula"),
        ("ｘ + 1", "write x instead of 'ｘ' (position 1)"),
        ("𝑥**2", "write x instead of '𝑥' (position 1)"),
        ("３*x", "write 3 instead of '３' (position 1)"),
        ("ﬁ + 1", "write fi instead of 'ﬁ'"),
        ("٣*x", "'٣' at position 1"),
        ("х**2", "'х' at position 1"),  # the Cyrillic letter
        ("µ*x", "'µ' at position 1"),  # the sign for a millionth, and not the Greek letter
        ("Χ*x", "'Χ' at position 1 has Greek letters that look like Latin ones: write X"),
        ("½*x", "'½' at position 1"),
        ("aa" * 16, "the name at position 1 has 32 letters, but 30 are the most"),
        ("007*x", "position 1"),
        ("1..2", "write 1.*.2"),
        ("True", "'True' at position 1"),
        ("(x for x in y)", "'for' at position 4"),
        ("'x'", '"\'" at position 1'),
        ("f'{x}'", '"\'" at position 2'),
        ("sin(*x)", "between ( and *"),
        ("sin(**x)", "between ( and **"),
        ("__import__('os')", "'_' at position 1"),
        ("x; y", "';' at position 2"),
        ("x # y", "'#' at position 3"),
        ("x := 1", "':' at position 3"),
        ("x\0", "position 2"),
        ("\ud800", "position 1"),
        ("a*b*c*d*f*g*h*i*j*k*l", "11 variables, but 10 are the most"),
        ("x" * 1001, "1001 characters"),
        ("+x" * 251, "more than 500"),
        ("(" * 51 + "x" + ")" * 51, "nested more than 50 deep"),
        ("sin(" * 50 + "x" + ")" * 50, "nested more than 50 deep"),
        ("-" * 999 + "x", "nested more than 50 deep"),
        ("9**" * 60 + "9", "nested more than 50 deep"),
        (3, "is int"),
        (None, "is NoneType"),
        (b"x", "is bytes"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_formula_is_refused_with_advice(text, advice):
    with pytest.raises(FormulaError) as error:
        formula(text)
    assert advice in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("text", ["+".join(["x"] * 250), "*".join(["x"] * 250), "(" * 49 + "x" + ")" * 49])
def test_long_is_not_deep(text):
    assert formula(text).variables == ("x",)


def test_hostile_texts_take_no_time_and_no_memory():
    # Each would occupy Python for hours, exhaust its memory or its stack if it were evaluated or trusted.
    program = """
import tracemalloc
from tinygrad_edu.errors import FormulaError
from tinygrad_edu.learn import formula

formula("x")(1.0)
many = 10**6
for text in [
    "9**9**9**9", "-9**9**9**9**9", "9**99999999999", "(" * 1000, "-" * 1000, "((" * 20 + "9**" * 90,
    "x+" * many + "x", "(" * many, " " * many + "x", "9" * many, "x" * many, "sin(" * many, chr(0) * many, "9" * 1000,
    "9**" * 40 + "9", "exp(" * 40 + "9" + ")" * 40, "(" * 45 + "9" + ")**9" * 45, "1e308*1e308", "x**" * 333 + "x",
]:
    tracemalloc.start()
    try:
        said = formula(text)().item()
    except FormulaError:
        said = "refused"
    print(said, tracemalloc.get_traced_memory()[1] < 1_000_000)
    tracemalloc.stop()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    refused = ["refused True"] * 11
    assert done.stdout.splitlines() == [
        *("inf True", "-inf True", "inf True"),
        *refused,
        *("inf True", "inf True", "inf True", "inf True", "refused True"),
    ]


# --------------------------------------------------------------------------- every text, every formula

_fragments = st.sampled_from(
    [
        *"xyθ²^()[]{}+-*/,.;:'\"\\#=<>!|&%@_ \n\t",
        "**",
        "sin",
        "(x",
        "x)",
        "1e",
        "2.",
        "lambda",
        "if",
        "j",
        "\0",
        "ｘ",
        "Χ",
        "\u202e",
        "\u2028",
        "inf",
        ":=",
        "f'",
        "__",
        "9**9",
        "exp(",
    ]
)


@given(st.one_of(st.text(max_size=1100), st.lists(_fragments, max_size=40).map("".join)))
@example("x if x else x")
@example("9" * 1000)
@example("ㅤ")  # a letter to Python, and blank
def test_any_text_is_a_formula_or_a_formula_error(text):
    try:
        f = formula(text)
    except FormulaError:
        return
    values = np.ones(len(f.variables))
    assert f(*values).dtype == np.float64
    assert formula(f.text) == f


_BINARY = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "maximum": np.maximum}
_UNARY = {
    "-": np.negative,
    "+": np.positive,
    "sin": np.sin,
    "exp": np.exp,
    "tanh": np.tanh,
    "abs": np.abs,
    "log": np.log,
}
_leaves = st.one_of(
    st.sampled_from([("x", lambda x, _y: x), ("y", lambda _x, y: y), ("pi", lambda _x, _y: np.pi)]),
    st.floats(0, 1e6).map(lambda number: (repr(number), lambda _x, _y: number)),
)


def _binary(sign, left, right):
    text = f"{sign}({left[0]}, {right[0]})" if sign.isalpha() else f"({left[0]}) {sign} ({right[0]})"
    return text, lambda x, y: _BINARY[sign](left[1](x, y), right[1](x, y))


def _unary(sign, operand):
    return f"{sign}({operand[0]})", lambda x, y: _UNARY[sign](operand[1](x, y))


_trees = st.recursive(
    _leaves,
    lambda trees: st.one_of(
        st.builds(_binary, st.sampled_from(sorted(_BINARY)), trees, trees),
        st.builds(_unary, st.sampled_from(sorted(_UNARY)), trees),
    ),
    max_leaves=12,
)


@given(_trees, st.floats(-10, 10), st.floats(-10, 10))
def test_a_formula_computes_exactly_what_numpy_does(tree, x, y):
    text, reference = tree
    f = formula(text)
    with np.errstate(all="ignore"):
        expected = reference(np.float64(x), np.float64(y))
    np.testing.assert_array_equal(f(**{name: {"x": x, "y": y}[name] for name in f.variables}).numpy(), expected)


@given(
    st.lists(st.sampled_from(["x", "y", "2.0", "-x", "-3.0"]), min_size=1, max_size=8),
    st.lists(st.sampled_from(["+", "-", "*", "/", "**"]), min_size=7, max_size=7),
)
def test_signs_bind_as_they_do_in_python(operands, signs):
    text = operands[0] + "".join(f" {sign} {operand}" for sign, operand in zip(signs, operands[1:], strict=False))
    f = formula(text)
    # Numbers become NumPy's, because Python's powers raise where they overflow.
    names = {"x": np.float64(1.25), "y": np.float64(0.75), "two": np.float64(2), "three": np.float64(3)}
    with np.errstate(all="ignore"):
        expected = eval(text.replace("2.0", "two").replace("3.0", "three"), names)  # noqa: S307 - made of the lists above
    # A power by a constant may be taken by multiplication: one rounding each, in up to seven powers.
    np.testing.assert_allclose(f(**{name: names[name] for name in f.variables}).item(), expected, rtol=1e-13)
