"""Every row of the table computes what NumPy computes, and its rules give the true gradient.

The checks run over the table in `cases.py`; below them is what single rows promise beyond it.
"""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases import CASES, WITHOUT_GRADIENT
from tests.cases.indexing import INDICES
from tests.cases.products import VECTORS_AND_MATRICES
from tinygrad_edu import functional, ops
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError, TinygradEduError

EPS = float(np.finfo(np.float64).eps)
ALL = [*CASES, *WITHOUT_GRADIENT]

for_each_case = pytest.mark.parametrize("case", CASES, ids=str)
for_each_call = pytest.mark.parametrize("case", ALL, ids=str)


def tracked(arrays):
    return [tg.tensor(a, requires_grad=True) for a in arrays]


def total(out):
    """Weigh the entries differently, so that a gradient in the wrong place shows; 0.7 is no power of 2."""
    weights = 0.7 + np.arange(out.size).reshape(out.shape)
    return (out * weights.astype(out.dtype)).sum()


def gradients(case, arrays, **options):
    xs = tracked(arrays)
    total(case.call(*xs)).backward(**options)
    return [x.grad.numpy() for x in xs]


def assert_close(actual, expected):
    """Compare up to the rounding of sums of at most 12 terms taken in another order, or of formulas of 3 steps."""
    assert actual.shape == np.shape(expected)
    assert actual.dtype == np.asarray(expected).dtype
    eps = np.finfo(actual.dtype).eps if actual.dtype.kind == "f" else 0
    scale = float(np.abs(expected).max(initial=1)) if eps else 0
    np.testing.assert_allclose(actual, expected, rtol=8 * eps, atol=8 * eps * scale)


# --------------------------------------------------------------------------------------------- the table
# These draw random numbers: test_random.py.
RANDOM = {"uniform"}


def test_every_row_and_every_composition_has_a_case():
    assert {op.name for op in ops.TABLE.values() if op.differentiable} <= {case.op for case in CASES}
    without = {op.name for op in ops.TABLE.values() if not op.differentiable} - RANDOM
    assert without <= {case.op for case in WITHOUT_GRADIENT}
    assert {*ops.TABLE, *ops.COMPOSITIONS} - RANDOM == {case.op for case in ALL}


def test_every_row_says_what_it_computes_and_why_if_it_has_no_gradient():
    for op in (*ops.TABLE.values(), *ops.COMPOSITIONS.values()):
        assert op.doc.endswith("."), op
        if isinstance(op, ops.Op) and not op.differentiable:
            assert op.gradient.startswith("none: "), op


def test_every_case_has_a_name_of_its_own():
    names = [str(case) for case in ALL]
    assert len(set(names)) == len(names)


def test_every_row_of_a_numpy_function_has_a_case_that_calls_it_as_numpys():
    assert {op.name for op in ops.BY_FUNCTION.values()} <= {case.op for case in ALL if case.numpy}


@for_each_call
def test_the_result_is_that_of_numpy(case):
    arrays = case.draw()
    out = case.call(*map(tg.Tensor, arrays))
    if not arrays:  # constants alone: the row computes at once
        np.testing.assert_array_equal(out, case.expected())
        return
    assert isinstance(out.numpy(), np.ndarray)
    assert_close(out.numpy(), case.expected(*arrays))


@for_each_call
def test_arrays_and_tensors_give_the_same_bits(case):
    arrays = case.draw()
    with_arrays = np.asarray(case.call(*arrays))
    with_tensors = np.asarray(case.call(*map(tg.Tensor, arrays)))
    assert with_arrays.dtype == with_tensors.dtype
    np.testing.assert_array_equal(with_arrays, with_tensors)


@pytest.mark.parametrize("case", [case for case in CASES if case.smooth], ids=str)
def test_the_gradient_and_the_gradient_of_the_gradient_are_the_numerical_ones(case):
    assert tg.gradcheck(case.call, *case.draw(), order=2)


@for_each_case
def test_the_rule_gives_the_same_bits_for_arrays_as_when_it_is_recorded(case):
    arrays = case.draw()
    for plain, recorded in zip(gradients(case, arrays), gradients(case, arrays, create_graph=True), strict=True):
        assert plain.dtype == recorded.dtype
        np.testing.assert_array_equal(plain, recorded)


@pytest.mark.parametrize("case", [case for case in CASES if len(case.draw()) > 1], ids=str)
def test_beside_constants_the_recorded_rule_gives_the_same(case):
    arrays = case.draw()
    for i, expected in enumerate(gradients(case, arrays)):
        xs = [tg.tensor(a, requires_grad=True) if k == i else a for k, a in enumerate(arrays)]
        total(case.call(*xs)).backward(create_graph=True)
        if case.op in ops.TABLE:
            np.testing.assert_array_equal(xs[i].grad.numpy(), expected)
        else:  # a composition sums constants as NumPy does, in another order than a row
            assert_close(xs[i].grad.numpy(), expected)


@for_each_case
def test_float32_goes_in_and_float32_comes_out(case):
    if case.options.get("dtype") is np.float64:
        pytest.skip("asks for float64")
    arrays = case.draw(np.float32)
    xs = tracked(arrays)
    out = case.call(*xs)
    assert out.dtype == np.float32
    total(out).backward()
    exact = gradients(case, [a.astype(np.float64) for a in arrays])
    for x, expected in zip(xs, exact, strict=True):
        assert x.grad.dtype == np.float32
        assert x.grad.shape == x.shape
        # Conditions are below 10 on these domains, and a rule rounds each of some 10 steps.
        scale = float(np.abs(expected).max(initial=1))
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=0, atol=100 * 2.0**-24 * scale)


def with_gaps(array):
    """Copy the array to memory that is neither contiguous nor in ascending order."""
    room = np.full(tuple(2 * n for n in array.shape), np.nan, array.dtype)
    gaps = room[tuple(slice(None, None, -2) for _ in array.shape)] if array.ndim else room
    gaps[...] = array
    return gaps


@for_each_case
def test_inputs_with_gaps_in_memory_give_the_same(case):
    arrays = case.draw()
    xs = [tg.Tensor(with_gaps(a), requires_grad=True) for a in arrays]
    out = case.call(*xs)
    assert_close(out.numpy(), case.call(*arrays))
    total(out).backward()
    for x, expected in zip(xs, gradients(case, arrays), strict=True):
        assert_close(x.grad.numpy(), expected)


@for_each_case
def test_nothing_is_written_into_inputs_or_constants(case):
    arrays = case.draw()
    constants = [a for a in case.arguments if isinstance(a, np.ndarray)]
    before = [a.copy() for a in (*arrays, *constants)]
    for a in arrays:
        a.flags.writeable = False
    xs = [tg.Tensor(a, requires_grad=True) for a in arrays]
    assert all(np.shares_memory(x.numpy(), a) for x, a in zip(xs, arrays, strict=True) if a.size)
    total(case.call(*xs)).backward()
    for a, old in zip((*arrays, *constants), before, strict=True):
        np.testing.assert_array_equal(a, old)


@pytest.mark.parametrize("case", WITHOUT_GRADIENT, ids=str)
def test_what_has_no_derivative_asks_for_none(case):
    xs = tracked(case.draw())
    assert not getattr(case.call(*xs), "requires_grad", False)


# ---------------------------------------------------------------------------------- NumPy's functions
@pytest.mark.parametrize("case", [case for case in ALL if case.numpy and case.draw()], ids=str)
def test_numpys_function_of_a_tensor_is_the_row_or_composition(case):
    xs = tracked(case.draw())
    out = case.call_numpy(*xs)
    assert isinstance(out, tg.Tensor)
    if case.op in ops.TABLE:
        assert out.op is (ops.TABLE[case.op] if ops.TABLE[case.op].differentiable else None)
    np.testing.assert_array_equal(out.numpy(), case.call(*xs).numpy())


MATH = {
    "negative": lambda x: -x, "positive": lambda x: +x, "square": lambda x: x * x, "reciprocal": lambda x: 1 / x,
    "sqrt": math.sqrt, "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p,
    "log2": math.log2, "log10": math.log10, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "arctan": math.atan, "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "absolute": abs,
    "sign": lambda x: math.copysign(1, x),
}  # fmt: skip


@pytest.mark.parametrize("case", [c for c in CASES if c.op in MATH and c.form == "matrix"], ids=str)
def test_functions_of_one_number_are_those_of_the_math_module(case):
    (x,) = case.draw()
    expected = [MATH[case.op](float(entry)) for entry in x.flat]
    # Two libraries may each be off by a unit in the last place.
    np.testing.assert_allclose(case.call(x).flat, expected, rtol=2 * EPS)


OF_MATRICES = [c for c in CASES if c.op == "matmul" or (c.op == "dot" and c.form in VECTORS_AND_MATRICES)]


@pytest.mark.parametrize("case", OF_MATRICES, ids=str)
def test_products_are_the_sums_that_einsum_writes_out(case):
    x, y = case.draw()
    left, right = "...i" if x.ndim == 1 else "...ni", "...i" if y.ndim == 1 else "...im"
    batch = "..." if max(x.ndim, y.ndim) > 2 else ""
    out = batch + ("n" if x.ndim > 1 else "") + ("m" if y.ndim > 1 else "")
    spec = f"{left},{right}->{out}" if batch else f"{left},{right}->{out}".replace("...", "")
    if batch and 1 in (x.ndim, y.ndim):
        spec = spec.replace("...i,", "i,") if x.ndim == 1 else spec.replace(",...i-", ",i-")
    assert_close(case.call(x, y), np.einsum(spec, x, y))


OTHER_FORMS = {
    "np.add.reduce takes axis 0 unless told": (np.add.reduce, lambda x: x.sum(axis=0)),
    "np.add.reduce of all axes": (lambda x: np.add.reduce(x, axis=None), lambda x: x.sum()),
    "np.add.reduce with keepdims": (
        lambda x: np.add.reduce(x, axis=1, keepdims=True),
        lambda x: x.sum(axis=1, keepdims=True),
    ),
    "np.sum with a positional axis": (lambda x: np.sum(x, 1), lambda x: x.sum(1)),
    "np.concatenate of a tensor joins its rows": (
        np.concatenate,
        lambda x: np.concatenate([x[0], x[1]]),
    ),
    "np.concatenate with an array": (
        lambda x: np.concatenate([np.ones((1, 3)), x]),
        lambda x: functional.concatenate([np.ones((1, 3)), x]),
    ),
    "np.power with a number": (lambda x: np.power(x, 3), lambda x: x**3),
    "np.power of a number": (lambda x: np.power(2.0, x), lambda x: 2.0**x),
    "np.where with arrays": (
        lambda x: np.where(x.numpy() > 1, x, np.zeros((2, 3))),
        lambda x: functional.where(x > 1, x, np.zeros((2, 3))),
    ),
    "np.reshape with a keyword": (lambda x: np.reshape(x, shape=(3, 2)), lambda x: x.reshape(3, 2)),
}


@pytest.mark.parametrize(("numpys", "ours"), OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_numpys_other_ways_to_call_mean_the_same_on_tensors(numpys, ours):
    x = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    out = numpys(x)
    assert out.requires_grad
    np.testing.assert_array_equal(out.numpy(), ours(x).numpy())


WITHOUT_ROW = {
    "a ufunc": (np.spacing, "np.spacing"),
    "a function": (np.nanmedian, "np.nanmedian"),
    "a function of another module": (np.linalg.cond, "cond"),
    "a ufunc's method": (np.subtract.reduce, "subtract.reduce"),
    "a ufunc's outer product": (lambda x: np.multiply.outer(x, x), "multiply.outer"),
    "a ufunc with where=": (lambda x: np.exp(x, where=np.array([True])), "exp with where"),
    "a ufunc with dtype=": (lambda x: np.exp(x, dtype=np.float64), "exp with dtype"),
}


@pytest.mark.parametrize(("call", "named"), WITHOUT_ROW.values(), ids=WITHOUT_ROW)
def test_a_numpy_function_without_a_row_is_refused_with_the_remedy(call, named):
    with pytest.raises(DtypeError, match=rf"{named}.*has no row.*tensor\.numpy\(\)"):
        call(tg.tensor([0.5], requires_grad=True))


def test_what_has_no_row_is_numpys_own_where_no_gradient_is_asked_for():
    x = tg.tensor([3, 1, 3])
    np.testing.assert_array_equal(np.unique(x), [1, 3])
    np.testing.assert_array_equal(np.union1d(x, tg.tensor([2])), [1, 2, 3])
    np.testing.assert_array_equal(np.block([[x, x]]), [[3, 1, 3, 3, 1, 3]])
    np.testing.assert_array_equal(np.spacing(tg.tensor([1.0])), np.spacing(np.float32([1])))
    with tg.no_grad():
        np.testing.assert_array_equal(np.unique(tg.tensor([2.0, 2.0], requires_grad=True)), [2])


def test_positions_and_answers_are_numpys_own_even_where_gradients_are_asked_for():
    x = tg.tensor([0.0, 5.0, 0.0, 7.0], requires_grad=True)
    assert [i.tolist() for i in np.nonzero(x)] == [[1, 3]]
    assert [i.tolist() for i in np.where(x > 1)] == [[1, 3]]
    assert [i.tolist() for i in x.nonzero()] == [[1, 3]]
    assert np.isin(x, [5.0]).tolist() == [False, True, False, False]


def test_two_names_of_one_option_are_refused():
    with pytest.raises(TinygradEduError, match="dim and axis are two names"):
        tg.tensor([[1.0]]).sum(axis=0, dim=1)


UNKNOWN_OPTIONS = {
    "a keyword": lambda x: np.sum(x, initial=1.0),
    "a keyword of a reduction written as a ufunc": lambda x: np.add.reduce(x, where=[True, False]),
    "a keyword of a composition": lambda x: np.median(x, out=np.zeros(())),
    "more positional options than there are": lambda x: np.reshape(x, (1, 2), "F"),
    # The fourth argument of np.sum is out; taking it for keepdims would be silent.
    "a positional out": lambda x: np.sum(x, 0, None, np.zeros(())),
}


@pytest.mark.parametrize("call", UNKNOWN_OPTIONS.values(), ids=UNKNOWN_OPTIONS)
def test_an_option_that_the_row_does_not_take_is_refused_with_the_remedy(call):
    with pytest.raises(TypeError, match=r"tensor\.numpy\(\)"):
        call(tg.tensor([1.0, 2.0]))


def test_writing_into_a_given_array_is_refused_with_the_remedy():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GraphError, match=r"out=.*Assign the result instead"):
        np.exp(x, out=np.zeros(2, np.float32))
    into = np.zeros(2, np.float32)
    with pytest.raises(GraphError, match="Assign the result instead"):
        into += x
    np.testing.assert_array_equal(into, [0, 0])


def test_numpys_functions_of_arrays_stay_numpys():
    for case in ALL:
        if case.numpy:
            assert not isinstance(case.call_numpy(*case.draw()), tg.Tensor)


# ---------------------------------------------------------------------------------- rows as functions
BINDINGS = {
    "one input": (ops.exp, ("x",), {}, ("x",), {}),
    "two inputs": (ops.matmul, ("x", "y"), {}, ("x", "y"), {}),
    "a positional option": (ops.sum, ("x", 0), {}, ("x",), {"axis": 0}),
    "an option by keyword": (ops.mean, ("x",), {"axis": 1}, ("x",), {"axis": 1}),
    "both": (ops.max, ("x", -1), {"keepdims": True}, ("x",), {"axis": -1, "keepdims": True}),
    "two positional options": (ops.swapaxes, ("x", 0, 1), {}, ("x",), {"axis1": 0, "axis2": 1}),
    "a shape": (ops.reshape, ("x", (2, 3)), {}, ("x",), {"shape": (2, 3)}),
    "a sequence of inputs": (ops.stack, (["x", "y"],), {}, ("x", "y"), {}),
    "a sequence and an option": (ops.concatenate, (("x", "y", "z"), 1), {}, ("x", "y", "z"), {"axis": 1}),
    "three inputs": (ops.where, ("c", "x", "y"), {}, ("c", "x", "y"), {}),
}


@pytest.mark.parametrize(("op", "args", "kwargs", "inputs", "options"), BINDINGS.values(), ids=BINDINGS)
def test_bind_sorts_arguments_into_inputs_and_options(op, args, kwargs, inputs, options):
    assert op.bind(args, kwargs) == (inputs, options)


def test_bind_names_what_it_does_not_know_and_what_it_takes():
    with pytest.raises(TypeError, match=r"sum of a Tensor was given ddof, but takes axis, keepdims, dtype"):
        ops.sum.bind(("x",), {"dtype": "float64", "ddof": 1})
    with pytest.raises(TypeError, match=r"exp of a Tensor was given 1 positional options, but takes no options"):
        ops.exp.bind(("x", 0), {})


def test_a_row_is_found_by_its_name_and_by_its_function():
    assert ops.tanh is ops.TABLE["tanh"] is ops.BY_FUNCTION[np.tanh]
    assert repr(ops.tanh) == "<op tanh>"
    with pytest.raises(AttributeError, match="no operation 'tahn'"):
        _ = ops.tahn


def test_a_row_without_a_function_or_forward_is_refused():
    with pytest.raises(TypeError, match=r"needs forward="):
        ops.define("nothing", lambda g, _y, _x: g)
    assert "nothing" not in ops.TABLE


def test_a_row_tells_what_its_rules_read():
    assert ops.add.reads(0, 2) == (False, False, False)
    assert ops.multiply.reads(0, 2) == (False, True, False)
    assert ops.multiply.reads(1, 2) == (True, False, False)
    assert ops.exp.reads(0, 1) == (False, True)
    assert ops.log.reads(0, 1) == (True, False)
    assert ops.softmax.reads(0, 1) == (False, True)
    assert ops.where.reads(0, 3) == ()
    assert ops.where.reads(1, 3) == (True, False, False, False)


def test_uniform_draws_what_the_generator_draws():
    for dtype in ("float32", "float64"):
        drawn = ops.uniform(rng=np.random.default_rng(0), shape=(3,), dtype=np.dtype(dtype))
        np.testing.assert_array_equal(drawn, np.random.default_rng(0).random(3, dtype=dtype))
    half = ops.uniform(rng=np.random.default_rng(0), shape=(3,), dtype=np.dtype("float16"))
    np.testing.assert_array_equal(half, np.random.default_rng(0).random(3).astype(np.float16))


# --------------------------------------------------------------------------------------- weak numbers
NUMBERS = {
    "int": 2,
    "float": 2.0,
    "bool": True,
    "np.float64": np.float64(2.0),
    "what NumPy computes": np.sqrt(4.0),
    "np.float32": np.float32(2.0),
}
OPERATORS = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "**": lambda x, y: x**y, "maximum": np.maximum,
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("f", OPERATORS.values(), ids=OPERATORS)
def test_a_number_takes_on_the_dtype_of_the_tensor(f, number):
    for dtype in (np.float32, np.float64, np.float16):
        if dtype == np.float16 and isinstance(number, np.float32):
            continue  # is no weak number
        x = tg.tensor(np.array([1.5, 2.5], dtype), requires_grad=True)
        for out in (f(x, number), f(number, x)):
            assert out.dtype == dtype
        out.sum().backward()
        assert x.grad.dtype == dtype


@pytest.mark.parametrize("array", [np.array([2.0, 2.0]), np.array(2.0)], ids=["vector", "0-d"])
@pytest.mark.parametrize("f", OPERATORS.values(), ids=OPERATORS)
def test_a_float64_array_keeps_its_dtype_and_the_gradient_has_the_tensors(f, array):
    x = tg.tensor([1.5, 2.5], requires_grad=True)
    for out in (f(x, array), f(array, x)):
        assert out.dtype == np.float64
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == np.float32


# ------------------------------------------------------------------------------------- ties and kinks
def slope(f, *xs, **options):
    tensors = tracked([np.array(x, dtype=np.float64) for x in xs])
    f(*tensors).sum().backward(**options)
    return [t.grad.tolist() for t in tensors]


KINKS = {
    "|x| at 0 has slope 0": (abs, [[-2, 0, 2]], [[-1, 0, 1]]),
    "relu at 0 has slope 0": (functional.relu, [[-2, 0, 2]], [[0, 0, 1]]),
    "sign is flat": (np.sign, [[-2, 0, 2]], [[0, 0, 0]]),
    "maximum shares a tie": (np.maximum, [[1, 2, 3], [2, 2, 2]], [[0, 0.5, 1], [1, 0.5, 0]]),
    "minimum shares a tie": (np.minimum, [[1, 2, 3], [2, 2, 2]], [[1, 0.5, 0], [0, 0.5, 1]]),
    "maximum(x, x) has the slope of x": (lambda x: np.maximum(x, x), [[1, 2]], [[1, 1]]),
    "minimum(x, x) has the slope of x": (lambda x: np.minimum(x, x), [[1, 2]], [[1, 1]]),
    "max shares between two": (lambda x: x.max(), [[3, 1, 3]], [[0.5, 0, 0.5]]),
    "min shares between four": (lambda x: x.min(), [[3, 3, 3, 3]], [[0.25] * 4]),
    "max shares along its axis alone": (lambda x: x.max(axis=1), [[[1, 1], [0, 1]]], [[[0.5, 0.5], [0, 1]]]),
    "where takes from one side": (
        lambda x, y: np.where(np.array([True, False]), x, y),
        [[1, 2], [3, 4]],
        [[1, 0], [0, 1]],
    ),
}


@pytest.mark.parametrize("options", [{}, {"create_graph": True}], ids=["arrays", "recorded"])
@pytest.mark.parametrize(("f", "xs", "expected"), KINKS.values(), ids=KINKS)
def test_at_a_kink_the_slope_is_the_usual_choice(f, xs, expected, options):
    assert slope(f, *xs, **options) == expected


def test_not_a_number_is_passed_on_and_not_hidden():
    x = tg.tensor([math.nan, 1.0], requires_grad=True)
    out = functional.relu(x)
    assert math.isnan(out.tolist()[0])
    out.sum().backward()
    assert math.isnan(x.grad.tolist()[0])
    assert x.grad.tolist()[1] == 1


# -------------------------------------------------------------------------------------------- powers
@pytest.mark.parametrize("options", [{}, {"create_graph": True}], ids=["arrays", "recorded"])
def test_powers_of_base_0_and_exponent_0_have_finite_slopes(options):
    base, exponent = [0, 0, 0, 2, 2], [3, 1, 0, 0, 1]
    wrt_base, wrt_exponent = slope(lambda x, y: x**y, base, exponent, **options)
    assert wrt_base == [0, 1, 0, 0, 1]  # y xʸ⁻¹, and x⁰ is 1 everywhere
    assert wrt_exponent == [0, 0, 0, math.log(2), 2 * math.log(2)]  # xʸ log x, and 0ʸ stays 0


@pytest.mark.parametrize("options", [{}, {"create_graph": True}], ids=["arrays", "recorded"])
@pytest.mark.parametrize(("exponent", "expected"), [(0, [0, 0]), (1, [1, 1]), (2, [0, 4]), (3, [0, 12]), (2.0, [0, 4])])
def test_powers_with_a_plain_exponent_have_finite_slopes_at_0(exponent, expected, options):
    assert slope(lambda x: x**exponent, [0, 2], **options) == [expected]


def test_higher_derivatives_of_a_square_end_at_0():
    second = tg.grad(tg.grad(lambda x: x**2))
    assert second(0.0).item() == 2
    assert tg.grad(second)(0.0).item() == 0


def test_a_negative_base_with_a_whole_exponent_has_the_slope_of_the_polynomial():
    assert slope(lambda x: np.power(x, np.array([2.0, 3.0])), [-2, -2]) == [[-4, 12]]


# ----------------------------------------------------------------------------------------- stability
BIG = 1000.0
STABLE = {
    "sigmoid": (functional.sigmoid, [-BIG, 0, BIG], [0, 0.5, 1], [0, 0.25, 0]),
    "softplus": (functional.softplus, [-BIG, 0, BIG], [0, math.log(2), BIG], [0, 0.5, 1]),
    "tanh": (functional.tanh, [-BIG, 0, BIG], [-1, 0, 1], [0, 1, 0]),
    "softmax": (lambda x: functional.softmax(x)[0], [BIG, BIG], 0.5, [0.25, -0.25]),
    "softmax, far apart": (lambda x: functional.softmax(x)[1], [BIG, -BIG], 0, [0, 0]),
    "log_softmax": (lambda x: functional.log_softmax(x)[1], [BIG, -BIG], -2 * BIG, [-1, 1]),
    "log_softmax, far below 0": (lambda x: functional.log_softmax(x)[0], [-BIG, -BIG], -math.log(2), [0.5, -0.5]),
    "cross_entropy, right": (lambda x: functional.cross_entropy(x, 0), [BIG, -BIG], 0, [0, 0]),
    "cross_entropy, wrong": (lambda x: functional.cross_entropy(x, 1), [BIG, -BIG], 2 * BIG, [1, -1]),
    "binary cross-entropy, 0": (
        lambda x: functional.binary_cross_entropy_with_logits(x, [0, 0, 0], "none"),
        [-BIG, 0, BIG],
        [0, math.log(2), BIG],
        [0, 0.5, 1],
    ),
    "binary cross-entropy, 1": (
        lambda x: functional.binary_cross_entropy_with_logits(x, [1, 1, 1], "none"),
        [-BIG, 0, BIG],
        [BIG, math.log(2), 0],
        [-1, -0.5, 0],
    ),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("f", "x", "expected", "gradient"), STABLE.values(), ids=STABLE)
def test_scores_of_1000_neither_overflow_nor_warn(f, x, expected, gradient, dtype):
    for options in ({}, {"create_graph": True}):
        xs = tg.tensor(np.array(x, dtype), requires_grad=True)
        out = f(xs)
        # Exact in the dtype, but for log 2: NumPy's is rounded once more than Python's.
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(out.numpy(), np.array(expected, dtype), rtol=eps, atol=0)
        out.sum().backward(**options)
        np.testing.assert_array_equal(xs.grad.numpy(), np.array(gradient, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("x", "expected", "gradient"),
    [([BIG, BIG], BIG + math.log(2), [0.5, 0.5]), ([-BIG, -3 * BIG], -BIG, [1, 0])],
    ids=["far above 0", "far below 0"],
)
def test_logsumexp_of_1000_neither_overflows_nor_warns(x, expected, gradient, dtype):
    xs = tg.tensor(np.array(x, dtype), requires_grad=True)
    out = ops.logsumexp(xs)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(out.numpy(), expected, rtol=eps)
    out.backward()
    # The rule is exp(x - out), and out is rounded to eps of 1000.
    np.testing.assert_allclose(xs.grad.numpy(), gradient, rtol=BIG * eps, atol=0)


def test_softmax_of_a_class_ruled_out_gives_it_no_probability():
    assert functional.softmax([-math.inf, 0.0, 0.0]).tolist() == [0, 0.5, 0.5]


# ------------------------------------------------------------------------- shapes that do not fit
MISFITS = {
    "add": (lambda: tg.tensor([1.0, 2.0]) + tg.tensor([1.0, 2.0, 3.0]), r"add of shapes \(2,\) and \(3,\)"),
    "matmul": (lambda: tg.tensor([[1.0, 2.0]]) @ tg.tensor([[1.0]]), r"matmul of shapes \(1, 2\) and \(1, 1\)"),
    "reshape": (lambda: tg.tensor([1.0, 2.0]).reshape(3), r"reshape of shapes \(2,\)"),
    "an axis that is not there": (lambda: tg.tensor([1.0]).sum(axis=1), r"sum of shapes \(1,\).*axis 1"),
    "an index out of range": (lambda: tg.tensor([1.0])[1], r"getitem of shapes \(1,\).*out of bounds"),
    "concatenate": (lambda: functional.concatenate([[1.0], [[1.0]]]), r"concatenate of shapes \(1,\) and \(1, 1\)"),
    "max of nothing": (lambda: tg.tensor(np.zeros(0)).max(), r"max of shapes \(0,\)"),
}


@pytest.mark.parametrize(("call", "message"), MISFITS.values(), ids=MISFITS)
def test_shapes_that_do_not_fit_are_named_with_the_row(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_a_gradient_of_the_wrong_shape_is_refused_even_if_it_has_as_many_entries():
    try:
        wrong = ops.define("transposed", lambda g, _y, _x: g.T, forward=lambda x: x + 0)
        x = tg.tensor(np.ones((2, 3)), requires_grad=True)
        with pytest.raises(ShapeError, match=r"transposed.*\(3, 2\).*\(2, 3\)"):
            wrong(x).sum().backward()
    finally:
        del ops.TABLE["transposed"]


def test_dot_of_more_than_matrices_is_refused_or_right():
    # np.dot of three axes is not matmul; with as many rows as batches a wrong gradient would have the right shape.
    x, y = np.arange(6.0).reshape(2, 3) / 6, np.arange(24.0).reshape(2, 3, 4) / 24
    try:
        np.dot(tg.tensor(x), tg.tensor(y))
    except TinygradEduError:
        return
    assert tg.gradcheck(np.dot, x, y)


# ------------------------------------------------------------------------------- methods of a Tensor
def test_indexing_a_tensor_takes_every_form_that_indexing_an_array_takes():
    for shape, index in INDICES.values():
        array = np.arange(float(np.prod(shape))).reshape(shape)
        out = tg.tensor(array)[index]
        np.testing.assert_array_equal(out.numpy(), array[index])


METHODS = {
    "sum": lambda x: x.sum(1, keepdims=True), "mean": lambda x: x.mean(0), "max": lambda x: x.max((0, 1)),
    "min": lambda x: x.min(-1), "argmax": lambda x: x.argmax(1), "argmin": lambda x: x.argmin(),
    "exp": lambda x: x.exp(), "log": lambda x: x.log(), "sqrt": lambda x: x.sqrt(), "abs": lambda x: x.abs(),
    "tanh": lambda x: x.tanh(), "T": lambda x: x.T, "reshape": lambda x: x.reshape(3, 2),
    "reshape to a tuple": lambda x: x.reshape((3, -1)), "transpose": lambda x: x.transpose(),
    "transpose to axes": lambda x: x.transpose(1, 0), "transpose to a tuple": lambda x: x.transpose((1, 0)),
    "swapaxes": lambda x: x.swapaxes(0, 1), "squeeze": lambda x: x[:1].squeeze(0), "dot": lambda x: x.dot(x.T),
    "+x": lambda x: +x, "-x": lambda x: -x, "abs(x)": abs, "x < y": lambda x: x < 2, "x <= y": lambda x: x <= 2,
    "x > y": lambda x: x > 2, "x >= y": lambda x: x >= 2, "x == y": lambda x: x == 2, "x != y": lambda x: x != 2,
    "~(x < y)": lambda x: ~(x < 2), "&": lambda x: (x < 2) & (x > 1), "|": lambda x: (x < 2) | (x > 1),
    "a mask on the left": lambda x: True & (x < 2),
    "x ** -1": lambda x: x**-1, "x ** x": lambda x: x**x, "2 ** x": lambda x: 2**x, "1 / x": lambda x: 1 / x,
    "1 - x": lambda x: 1 - x, "x @ y": lambda x: x @ x.T,
}  # fmt: skip


@pytest.mark.parametrize("f", METHODS.values(), ids=METHODS)
def test_methods_and_operators_mean_what_they_mean_for_arrays(f):
    array = np.array([[1.0, 2.0, 3.0], [0.5, 1.5, 2.5]])
    # The methods that arrays do not have are NumPy's functions.
    for name in ("exp", "log", "sqrt", "abs", "tanh"):
        if f is METHODS[name]:
            expected = getattr(np, name)(array)
            break
    else:
        expected = f(array)
    out = f(tg.tensor(array))
    assert isinstance(out, tg.Tensor)
    assert_close(out.numpy(), np.asarray(expected))


def test_flatten_merges_axes_from_the_one_given():
    x = tg.tensor(np.zeros((2, 3, 4)))
    assert x.flatten().shape == (24,)
    assert x.flatten(1).shape == (2, 12)
    assert tg.tensor(1.0).flatten().shape == (1,)
    assert tg.tensor(np.zeros((0, 3))).flatten(1).shape == (0, 3)
