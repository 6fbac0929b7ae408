"""An operation of one's own is as good as a row of the table: three lines, any order, checked, watched, explained."""

import functools
import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, ops
from tinygrad_edu.errors import (
    ArgumentError,
    DtypeError,
    GradcheckError,
    GraphError,
    ShapeError,
    SingularMatrixError,
)


def parameter(values, dtype=np.float64):
    return tg.tensor(np.array(values, dtype), requires_grad=True)


cube = tg.custom_op(lambda x: x**3, lambda g, _y, x: g * 3 * x**2, name="cube")
ratio = tg.custom_op(lambda x, y: x / y, lambda g, _z, _x, y: g / y, lambda g, z, _x, y: -g * z / y, name="ratio")


def scaled_tanh(x, *, scale, shift=0.0):
    """tanh(scale x + shift)."""
    return np.tanh(x * scale + shift)


scaled = tg.custom_op(scaled_tanh, lambda g, y, _x, scale, **_options: g * (1 - y * y) * scale)


# ------------------------------------------------------------------------------------------- what it computes
def test_it_computes_and_differentiates():
    x = parameter([1.0, 2.0])
    y = cube(x)
    assert y.tolist() == [1, 8]
    assert repr(y) == "tensor([1., 8.], dtype=float64, op=cube)"
    y.sum().backward()
    assert x.grad.tolist() == [3, 12]


INPUTS = {
    "a number": (2.0, np.float32),
    "a list": ([1.0, 2.0], np.float32),
    "an array": (np.array([1.0, 2.0]), np.float64),
    "a float16 array": (np.array([1.0, 2.0], np.float16), np.float16),
    "a constant tensor": (tg.tensor([1.0, 2.0]), np.float32),
}


@pytest.mark.parametrize(("x", "dtype"), INPUTS.values(), ids=INPUTS)
def test_it_takes_what_a_row_takes_and_gives_a_tensor(x, dtype):
    y = cube(x)
    assert type(y) is tg.Tensor
    assert y.dtype == dtype
    assert not y.requires_grad
    expected = np.asarray(x.numpy() if isinstance(x, tg.Tensor) else x, dtype) ** 3
    assert y.tolist() == expected.tolist()


def test_a_parameter_may_stand_beside_numbers_and_arrays():
    x = parameter([1.0, 2.0], np.float32)
    assert ratio(x, 4.0).dtype == np.float32
    assert ratio(3.0, x).tolist() == [3, 1.5]
    ratio(np.array([3.0, 3.0], np.float32), x).sum().backward()
    assert x.grad.tolist() == [-3, -0.75]


def test_a_broadcast_gradient_is_summed():
    x, y = parameter([[1.0], [2.0]]), parameter([1.0, 2.0, 4.0])
    ratio(x, y).sum().backward()
    assert x.grad.tolist() == [[1.75], [1.75]]
    assert y.grad.tolist() == [-3, -0.75, -0.1875]


def test_a_gradient_takes_the_inputs_dtype():
    wide = tg.custom_op(lambda x: x * 2, lambda g, _y, _x: g.astype(np.float64) * 2)
    x = parameter([1.0, 2.0], np.float32)
    wide(x).sum().backward()
    assert x.grad.dtype == np.float32


def test_options_go_by_keyword_to_forward_and_rule():
    x = parameter([0.5, -1.0])
    y = scaled(x, scale=2.0, shift=0.1)
    np.testing.assert_array_equal(y.numpy(), np.tanh(x.numpy() * 2.0 + 0.1))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), (1 - y.numpy() ** 2) * 2.0)
    assert tg.gradcheck(lambda v: scaled(v, scale=2.0), [0.5, -1.0], order=2)


def test_an_option_may_have_a_default_in_the_middle():
    power = tg.custom_op(lambda x, n=2: x**n, lambda g, _y, x, n=2: g * n * x ** (n - 1))
    assert power([3.0]).tolist() == [9]
    assert power([3.0], n=3).tolist() == [27]
    assert tg.grad(lambda x: power(x, n=3))(3.0).item() == 27


def test_an_input_without_a_rule_takes_no_gradient():
    masked = tg.custom_op(lambda x, mask: x * mask, lambda g, _y, _x, mask: g * mask, None)
    x, mask = parameter([1.0, 2.0]), parameter([0.0, 1.0])
    masked(x, mask).sum().backward()
    assert x.grad.tolist() == [0, 1]
    assert mask.grad is None
    assert not masked(x.detach(), mask).sum().requires_grad or mask.grad is None


def test_without_any_rule_nothing_is_recorded():
    steps = tg.custom_op(np.floor, None)
    assert not steps(parameter([1.5])).requires_grad


def test_any_number_of_inputs_is_told_by_the_rules():
    total = tg.custom_op(lambda *xs: functools.reduce(np.add, xs), *[lambda g, _z, *_xs: g] * 3)
    xs = [parameter([float(i)]) for i in range(3)]
    total(*xs).sum().backward()
    assert [x.grad.tolist() for x in xs] == [[1]] * 3


# --------------------------------------------------------------------------------------------- what is wrapped
FUNCTIONS = {
    "a ufunc": (np.tanh, [lambda g, y, _x: g * (1 - y * y)], "tanh"),
    "a ufunc of two": (np.hypot, [lambda g, z, x, _y: g * x / z, lambda g, z, _x, y: g * y / z], "hypot"),
    "a NumPy function": (np.sum, [lambda g, _y, _x: g * np.ones(_x.shape)], "sum"),
    "a builtin": (abs, [lambda g, _y, x: g * np.sign(x)], "abs"),
    "a partial": (functools.partial(np.multiply, 3.0), [lambda g, _y, _x: g * 3.0], "custom"),
    "a lambda": (lambda x: x * 2, [lambda g, _y, _x: g * 2], "custom"),
    "a function": (scaled_tanh, [lambda g, y, _x, scale: g * (1 - y * y) * scale], "scaled_tanh"),
}


@pytest.mark.parametrize(("forward", "rules", "name"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_anything_that_computes_can_be_made_one(forward, rules, name):
    operation = tg.custom_op(forward, *rules)
    options = {"scale": 2.0} if name == "scaled_tanh" else {}
    arrays = [np.array([0.5, -1.5]), np.array([2.0, 0.25])][: len(rules)]
    out = operation(*map(parameter, arrays), **options)
    np.testing.assert_array_equal(out.numpy(), forward(*arrays, **options))
    assert out.op.name == name
    assert operation.__name__ == name
    assert tg.gradcheck(lambda *xs: operation(*xs, **options), *arrays)


def test_a_name_can_be_given_and_the_docstring_stays():
    named = tg.custom_op(scaled_tanh, lambda g, _y, _x, scale: g * scale, name="squash")
    assert (named.__name__, named.__doc__) == ("squash", "tanh(scale x + shift).")
    assert named(parameter([1.0]), scale=1.0).op.name == "squash"


def test_the_table_of_operations_stays_as_it_is():
    before = dict(ops.TABLE)
    tg.custom_op(np.tanh, lambda g, y, _x: g * (1 - y * y))(parameter([1.0]))
    assert before == ops.TABLE
    assert tg.tensor([1.0], requires_grad=True).tanh().op is ops.tanh


# ----------------------------------------------------------------------------------------- orders, and proof
def test_derivatives_of_every_order():
    orders, f = [], cube
    for _ in range(4):
        f = tg.grad(f)
        orders.append(f(2.0).item())
    assert orders == [12, 12, 6, 0]


def test_create_graph_records_the_rule():
    x = parameter([2.0])
    cube(x).sum().backward(create_graph=True)
    slope, x.grad = x.grad, None
    slope.sum().backward()
    assert x.grad.tolist() == [12]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_gradcheck_proves_a_right_rule(order):
    assert tg.gradcheck(cube, [0.5, -1.0], order=order)
    assert tg.gradcheck(ratio, [0.5, -1.0], [[2.0], [0.7]], order=order)


WRONG = {
    "scaled": (lambda g, _y, x: g * 3.001 * x**2, 1),
    "of the other sign": (lambda g, _y, x: -g * 3 * x**2, 1),
    "without g": (lambda g, _y, x: np.ones(g.shape) * 3 * x**2, 1),
    "cut off": (lambda g, _y, x: g * 3 * (x.detach() if isinstance(x, tg.Tensor) else x) ** 2, 2),
}


@pytest.mark.parametrize(("rule", "order"), WRONG.values(), ids=WRONG)
def test_gradcheck_catches_a_wrong_rule(rule, order):
    wrong = tg.custom_op(lambda x: x**3, rule)
    with pytest.raises(GradcheckError, match=f"gradient of order {order} of input 0 is wrong"):
        tg.gradcheck(wrong, [0.5, -1.0], order=2)


def test_it_is_used_in_a_layer_and_trained():
    class Cubic(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([0.5])

        def forward(self, x):
            return cube(x * self.w)

    model = Cubic()
    descent = tg.optim.SGD(model.parameters(), lr=0.05)
    x = np.array([1.0, -1.0], np.float32)
    for _ in range(200):
        descent.zero_grad()
        tg.functional.mse_loss(model(x), x).backward()
        descent.step()
    assert model.w.item() == pytest.approx(1.0, abs=1e-5)  # float32, at a minimum with curvature 18


# ---------------------------------------------------------------------- what the rule reads, and stale values
def change(tensor):
    with tg.no_grad():
        tensor[...] = 9.0


READS = {
    # rule, whether the input may change, whether the result may
    "all": (lambda g, y, x: g * (y + x), False, False),
    "the input": (lambda g, _y, x: g * x, False, True),
    "the result": (lambda g, y, _x: g * y, True, False),
    "nothing": (lambda g, _y, _x: g * 2, True, True),
    "the input's shape": (lambda g, _y, _x: g * np.ones(_x.shape), True, True),
    "whatever comes": (lambda g, *values: g * values[1], False, False),
    "nothing of whatever comes": (lambda g, *_values: g * 2, True, True),
    "the input, of whatever comes": (lambda g, _y, *inputs: g * inputs[0], False, True),
    "what no signature tells": (functools.partial(lambda k, g, y, x: g * (k + y + x), 1.0), False, False),
}


@pytest.mark.parametrize(("rule", "input_may", "result_may"), READS.values(), ids=READS)
@pytest.mark.parametrize("which", ["input", "result"])
def test_only_a_value_that_the_rule_does_not_read_may_change(rule, input_may, result_may, which):
    x = parameter([1.0, 2.0])
    y = tg.custom_op(lambda x: x * 2, rule, name="double")(x)
    change(x if which == "input" else y)
    if input_may if which == "input" else result_may:
        y.sum().backward()
        assert x.grad is not None
    else:
        what = "input 0" if which == "input" else "the result"
        with pytest.raises(GraphError, match=f"needs {what} of double, .*changed in place"):
            y.sum().backward()


def test_of_several_inputs_each_is_watched_for_itself():
    for changed, refused in ((0, False), (1, True)):
        xs = [parameter([1.0, 2.0]), tg.tensor(np.array([3.0, 4.0]))]
        y = ratio(*xs)
        change(xs[changed])
        if refused:
            with pytest.raises(GraphError, match="needs input 1 of ratio"):
                y.sum().backward()
        else:
            y.sum().backward()


SHARING = {
    "the input itself": lambda x: x,
    "a slice of it": lambda x: x[:],
    "it reshaped": lambda x: x.reshape(1, 2)[0],
    "it reversed twice": lambda x: x[::-1][::-1],
}


@pytest.mark.parametrize("forward", SHARING.values(), ids=SHARING)
def test_a_result_has_memory_of_its_own(forward):
    # Else a change of x would change y behind the back of what is computed from y.
    x = parameter([1.0, 2.0])
    y = tg.custom_op(forward, lambda g, _y, _x: g)(x)
    z = y * y
    change(x)
    assert y.tolist() == [1, 2]
    z.sum().backward()
    assert x.grad.tolist() == [2, 4]


CONSTANT = np.array([3.0, 4.0])
HANDED_ON = {
    "the input": lambda _g, _y, x: x,
    "the result": lambda _g, y, _x: y,
    "g": lambda g, _y, _x: g,
    "a view of the input": lambda _g, _y, x: x[::-1],
    "a constant": lambda g, _y, _x: g * 0 + CONSTANT if isinstance(g, tg.Tensor) else CONSTANT,
}


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])
@pytest.mark.parametrize("rule", HANDED_ON.values(), ids=HANDED_ON)
def test_a_gradient_has_memory_of_its_own(rule, create_graph):
    # Else zeroing or clipping it in place would change the parameter, and a second backward a constant of the rule.
    x, seed = parameter([1.0, 2.0]), np.ones(2)
    y = tg.custom_op(lambda x: x * 1, rule)(x)
    y.backward(seed, create_graph=create_graph)
    assert x.grad is not x
    for other in (x.numpy(), y.numpy(), seed, CONSTANT):
        assert not np.shares_memory(x.grad.numpy(), other)


OFF_THE_TAPE = {
    "arrays": lambda g, _y, x: g.numpy() * 2 * x.numpy(),
    "a number": lambda g, _y, x: g.numpy()[0] * 2 * x.numpy()[0],
    "a constant": lambda _g, _y, _x: CONSTANT,
}


@pytest.mark.parametrize("rule", OFF_THE_TAPE.values(), ids=OFF_THE_TAPE)
def test_a_rule_that_leaves_the_tape_is_refused_where_its_gradient_is_differentiated(rule):
    x = parameter([1.0, 2.0])
    y = tg.custom_op(lambda x: x * x, rule, name="square")(x)
    with pytest.raises(GraphError, match=r"rule of square for input 0 was given Tensors.*g itself.*g \* 0 \+ constant"):
        y.sum().backward(create_graph=True)
    assert x.grad is None


WRITES = {
    "an assignment": lambda x: x.__setitem__(0, 9.0),
    "an operator": lambda x: x.__iadd__(1),
    "sort": np.ndarray.sort,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_forward_that_writes_into_its_input_is_refused(write):
    def forward(x):
        write(x)
        return x * 2

    x = parameter([2.0, 1.0])
    with pytest.raises(GraphError, match=r"forward writes into its input.*read-only.*x = x\.copy\(\)"):
        tg.custom_op(forward, lambda g, _y, _x: g * 2)(x)
    assert x.tolist() == [2, 1]
    change(x)  # it is as writable as before
    other = np.array([2.0, 1.0])
    with pytest.raises(GraphError, match="writes into its input"):
        tg.custom_op(lambda x, y: write(y) or x, None, None, name="forward")(x, other)
    assert other.tolist() == [2, 1]


# ------------------------------------------------------------------------------------------------ what is wrong
MADE_WRONGLY = {
    "a rule too few": (lambda: tg.custom_op(lambda x, y: x * y, lambda g, _z, _x, y: g * y), "takes 2 inputs.*1 ru"),
    "a rule too many": (lambda: tg.custom_op(np.tanh, None, None), "tanh takes 1 inputs, but was given 2 rules"),
    "no rule": (lambda: tg.custom_op(lambda x: x), r"takes 1 inputs, but was given 0 rules.*\(x, \*, axis\)"),
    "a ufunc with a rule too few": (lambda: tg.custom_op(np.hypot, None), "hypot takes 2 inputs"),
    "no function": (lambda: tg.custom_op(3, None), "custom is made of functions, but was given 3"),
    "None": (lambda: tg.custom_op(None), "custom is made of functions, but was given None"),
    "a rule that is no function": (lambda: tg.custom_op(abs, "g * 2"), "abs is made of functions, but was given 'g"),
    "a rule without the result": (
        lambda: tg.custom_op(abs, lambda g, x: g * x),
        r"rule of abs for input 0 takes 2 arrays, but is given 3: the gradient, the result and each.*lambda g, y, x:",
    ),
    "a rule without the other input": (
        lambda: tg.custom_op(np.hypot, None, lambda g, z, y: g * y / z),
        r"rule of hypot for input 1 takes 3 arrays, but is given 4.*lambda g, y, x0, x1:",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "message"), MADE_WRONGLY.values(), ids=MADE_WRONGLY)
def test_what_cannot_be_an_operation_is_refused_when_it_is_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


CALLED_WRONGLY = {
    "too many inputs": (lambda: cube([1.0], 2.0), ArgumentError, "cube takes 1 inputs, but was given 2.*by keyword"),
    "too few inputs": (lambda: ratio([1.0]), ArgumentError, "ratio takes 2 inputs, but was given 1"),
    "an option by position": (lambda: scaled([1.0], 2.0), ArgumentError, "takes 1 inputs, but was given 2.*by keyword"),
    "no input": (lambda: cube(), ArgumentError, "cube takes 1 inputs, but was given 0"),  # noqa: PLW0108 - as the others
    "a missing option": (lambda: scaled([1.0]), ArgumentError, "scaled_tanh cannot be called like this.*'scale'"),
    "an unknown option": (lambda: scaled([1.0], scale=1.0, size=2), ArgumentError, "called like this.*'size'"),
    "text": (lambda: cube("a"), DtypeError, "real numbers"),
    "whole numbers": (lambda: cube([1, 2]), DtypeError, r"cube returned int64.*floating numbers.*1\.0 instead of 1"),
    "shapes that clash": (
        lambda: ratio(np.ones(2), np.ones(3)),
        ShapeError,
        r"ratio of shapes \(2,\) and \(3,\) is not possible, for their axes differ:\n    \(2\)\n    \(3\)\n     \^ 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), CALLED_WRONGLY.values(), ids=CALLED_WRONGLY)
def test_a_call_that_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


RETURNED = {
    "whole numbers": (lambda x: x.astype(np.int64), "int64"),
    "truth values": (lambda x: x > 0, "bool"),
    "nothing": (lambda _: None, "object"),
    "text": (lambda _: "a", "<U1"),
    "complex numbers": (lambda x: x * 1j, "complex128"),
}


@pytest.mark.parametrize(("forward", "dtype"), RETURNED.values(), ids=RETURNED)
def test_a_forward_that_returns_no_floating_numbers_is_refused(forward, dtype):
    odd = tg.custom_op(forward, lambda g, _y, _x: g, name="odd")
    with pytest.raises(DtypeError, match=f"odd returned {dtype}, but an operation with gradients gives floating"):
        odd(parameter([1.0]))


FLOATS = {"a Python number": lambda x: float(x.sum()), "a list": list, "a NumPy number": np.sum, "an array": np.copy}


@pytest.mark.parametrize("forward", FLOATS.values(), ids=FLOATS)
def test_a_forward_may_return_any_floating_numbers(forward):
    out = tg.custom_op(forward, lambda g, _y, _x: g * np.ones(_x.shape), name="any")(parameter([1.0, 2.0]))
    assert isinstance(out.numpy(), np.ndarray)
    out.sum().backward()


NO_GRADIENTS = {
    "nothing": (lambda _g, _y, _x: None, ArgumentError, "rule of odd for input 0 returned NoneType.*g \\* 2"),
    "a number": (lambda _g, _y, _x: 1.0, ArgumentError, "returned float, but a gradient is an array"),
    "a list": (lambda _g, _y, _x: [1.0, 2.0], ArgumentError, "returned list"),
    "another shape": (
        lambda g, _y, _x: g[0] * np.ones(3),
        ShapeError,
        r"rule of odd returned shape \(3,\).*shape \(2,\)",
    ),
    "a sum": (lambda g, _y, _x: g.sum(), ShapeError, r"returned shape \(\) for an input of shape \(2,\)"),
}


@pytest.mark.parametrize("create_graph", [False, True], ids=["arrays", "recorded"])
@pytest.mark.parametrize(("rule", "error", "message"), NO_GRADIENTS.values(), ids=NO_GRADIENTS)
def test_a_rule_that_returns_no_gradient_is_refused(rule, error, message, create_graph):
    x = parameter([1.0, 2.0])
    y = tg.custom_op(lambda x: x * 2, rule, name="odd")(x)
    with pytest.raises(error, match=message):
        y.sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_the_errors_of_its_functions_come_through_or_are_worded():
    def stop(_):
        raise KeyError("from forward")

    with pytest.raises(KeyError, match="from forward"):
        tg.custom_op(stop, None)([1.0])
    reshaped = tg.custom_op(lambda x: x.reshape(3), None, name="reshaped")
    with pytest.raises(ShapeError, match=r"reshaped of shapes \(2,\) is not possible: cannot reshape"):
        reshaped([1.0, 2.0])
    inverse = tg.custom_op(np.linalg.inv, None, name="inverse")
    with pytest.raises(SingularMatrixError, match=r"inverse of shapes \(2, 2\) is not possible: Singular matrix\."):
        inverse(np.zeros((2, 2)))


# --------------------------------------------------------------------------------------------- memory, threads
def test_dropping_the_result_frees_it_without_a_collector():
    gc.collect()
    gc.disable()
    try:
        x = parameter([1.0])
        y = cube(x * 2)
        inside = weakref.ref(y.inputs[0])
        del y
        assert inside() is None
    finally:
        gc.enable()


def test_an_operation_that_is_dropped_is_freed():
    gc.collect()
    gc.disable()
    try:
        operation = tg.custom_op(lambda x: x * 2, lambda g, _y, _x: g * 2)
        operation(parameter([1.0])).sum().backward()
        gone = weakref.ref(operation)
        del operation
        assert gone() is None
    finally:
        gc.enable()
