"""``grad`` makes functions out of functions: no side effects, any order, nested, through captured tensors."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.garbage import no_cycles
from tinygrad_edu import nn
from tinygrad_edu.autodiff import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_edu.errors import DtypeError, GraphError, ShapeError


def exactly(values):
    return np.array(values, np.float64)


# --------------------------------------------------------------------------------------- values and slopes
ARGUMENTS = {
    "a float": (3.0, np.float32),
    "an int": (3, np.float32),
    "a list": ([3.0, 3.0], np.float32),
    "an array": (exactly([3.0, 3.0]), np.float64),
    "a tensor": (tg.tensor([3.0, 3.0]), np.float32),
}


@pytest.mark.parametrize(("x", "dtype"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_grad_takes_numbers_lists_arrays_and_tensors(x, dtype):
    value, slope = tg.value_and_grad(lambda x: (x**2).sum())(x)
    n = np.size(x) if not isinstance(x, tg.Tensor) else x.size
    assert value.item() == 9 * n
    assert slope.dtype == dtype
    np.testing.assert_array_equal(slope.numpy(), np.full(np.shape(slope.numpy()), 6))
    assert slope.shape == (() if n == 1 else (n,))
    np.testing.assert_array_equal(tg.grad(lambda x: (x**2).sum())(x).numpy(), slope.numpy())


def test_the_gradient_may_be_of_any_argument():
    def f(x, y, z):
        return x * y**2 * z

    assert tg.grad(f)(2.0, 3.0, 5.0).item() == 45
    assert tg.grad(f, argnums=1)(2.0, 3.0, 5.0).item() == 60
    assert tg.grad(f, argnums=-1)(2.0, 3.0, 5.0).item() == 18
    assert tuple(g.item() for g in tg.grad(f, argnums=(2, 0))(2.0, 3.0, 5.0)) == (18, 45)
    value, gradients = tg.value_and_grad(f, argnums=(1,))(2.0, 3.0, 5.0)
    assert (value.item(), [g.item() for g in gradients]) == (90, [60])


def test_keywords_and_other_arguments_are_handed_on_as_they_are():
    def f(x, power, *, scale):
        assert isinstance(power, int)
        assert isinstance(scale, str)
        return x**power * float(scale)

    assert tg.grad(f)(2.0, 3, scale="10").item() == 120


def test_the_made_function_keeps_its_name_and_docstring():
    def parabola(x):
        """Square x."""
        return x**2

    assert (tg.grad(parabola).__name__, tg.grad(parabola).__doc__) == ("parabola", "Square x.")


def test_an_argument_that_f_does_not_use_has_the_gradient_0_of_its_shape():
    x, y = tg.grad(lambda x, _: x.sum(), argnums=(0, 1))(exactly([1, 2]), exactly([[3.0]]))
    assert (x.tolist(), y.tolist(), y.dtype) == ([1, 1], [[0]], np.float64)
    assert tg.grad(lambda _: tg.tensor(1.0))(2.0).item() == 0


def test_a_function_may_give_back_its_argument():
    assert tg.grad(lambda x: x)(2.0).item() == 1


def test_a_result_of_one_entry_in_any_shape_will_do():
    assert tg.grad(lambda x: (x @ x).reshape(1, 1))(exactly([1, 2])).tolist() == [2, 4]


def test_the_same_tensor_given_twice_is_two_arguments():
    x = tg.tensor(3.0, requires_grad=True)
    assert tuple(g.item() for g in tg.grad(lambda a, b: a**2 * b, argnums=(0, 1))(x, x)) == (18, 9)


def test_a_captured_tensor_is_a_constant_even_if_it_is_the_argument():
    x = tg.tensor(3.0, requires_grad=True)
    assert tg.grad(lambda a: a * x)(x).item() == 3


# ------------------------------------------------------------------------------------------ side effects
def test_nothing_is_stored_on_arguments_or_on_what_is_captured():
    x, w = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    tg.grad(lambda x: w * x**2)(x)
    assert x.grad is None
    assert w.grad is None


def test_arguments_are_not_written_to_and_gradients_share_no_memory():
    x, y = exactly([1, 2]), exactly([3, 4])
    results = tg.grad(lambda x, y: (x + y).sum(), argnums=(0, 1))(x, y)
    assert x.tolist() == [1, 2]
    arrays = [r.numpy() for r in results] + [x, y]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_gradients_of_tracked_arguments_share_no_memory_either():
    x, y = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0], requires_grad=True)
    a, b = tg.grad(lambda x, y: (x + y).sum(), argnums=(0, 1))(x, y)
    assert not np.shares_memory(a.numpy(), b.numpy())


def test_nothing_is_recorded_if_nothing_outside_can_ask():
    for f in (lambda x: (x**3).sum(), lambda x: (x * tg.tensor([2.0, 3.0])).sum()):
        value, slope = tg.value_and_grad(f)([1.0, 2.0])
        assert not value.requires_grad
        assert not slope.requires_grad
        assert slope.inputs == ()


def test_the_result_is_recorded_if_something_outside_can_ask():
    x, w = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    for value, slope in (tg.value_and_grad(lambda a: a**3)(x), tg.value_and_grad(lambda a: w * a**3)(2.0)):
        assert value.requires_grad
        assert slope.requires_grad


def test_a_parameter_that_f_makes_for_itself_is_nothing_outside():
    assert not tg.grad(lambda x: x**2 * tg.tensor(3.0, requires_grad=True))(2.0).requires_grad


def test_an_abandoned_gradient_leaves_nothing_behind():
    with no_cycles():
        x = tg.tensor(2.0, requires_grad=True)
        tg.grad(tg.grad(lambda a: a**3))(x)


# ------------------------------------------------------------------------------------------ higher orders
def test_derivatives_of_a_polynomial_come_to_an_end():
    f, slopes = lambda x: 2 * x**3 + x, []
    for _ in range(5):
        f = tg.grad(f)
        slopes.append(f(3.0).item())
    assert slopes == [55, 36, 12, 0, 0]  # whole numbers, and exact


def test_the_fourth_derivative_of_a_sine_is_the_sine():
    f = np.sin
    for _ in range(4):
        f = tg.grad(f)
    x = np.array(0.7)
    # Four products of cosines and sines, each rounded once.
    np.testing.assert_allclose(f(x).numpy(), np.sin(x), rtol=8 * np.finfo(float).eps)


def test_the_third_derivative_of_tanh_is_the_one_on_paper():
    x = np.array(0.3)
    t = np.tanh(x)
    expected = -2 * (1 - t**2) * (1 - 3 * t**2)
    third = tg.grad(tg.grad(tg.grad(np.tanh)))(x)
    np.testing.assert_allclose(third.numpy(), expected, rtol=32 * np.finfo(float).eps)


def test_a_hessian_is_the_gradients_of_the_gradients_entries():
    def f(x):
        return x[0] ** 2 * x[1] + x[1] ** 3

    x = exactly([2.0, 3.0])
    hessian = [tg.grad(lambda x, i=i: tg.grad(f)(x)[i])(x).tolist() for i in range(2)]
    assert hessian == [[6, 4], [4, 18]]


# ---------------------------------------------------------------------------------------- nested, captured
def test_an_inner_derivative_does_not_confuse_its_variable_with_the_outer_one():
    # d/dx [ x · d/dy (x y) at y = x ] = d/dx x² = 2x; taking the two for one gives 3x or more.
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(x))(3.0).item() == 6
    # The classic: d/dx [ x · d/dy (x + y) at y = 1 ] = 1.
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0).item() == 1
    # d/dx [ x · d/dy (x y²) at y = 2 ] = d/dx 4x² = 8x
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y**2)(2.0))(3.0).item() == 24


def test_three_levels_keep_their_variables_apart():
    def f(x):
        return tg.grad(lambda y: tg.grad(lambda z: x * y**2 * z**3)(y))(x)

    # d/dz = 3x y² z² at z = y: 3x y⁴; d/dy = 12 x y³ at y = x: 12 x⁴; its slope at 2: 48 · 8.
    assert f(2.0).item() == 192
    assert tg.grad(f)(2.0).item() == 384


def test_an_inner_gradient_can_be_gone_back_through():
    w = tg.tensor(exactly([2.0, 3.0]), requires_grad=True)
    slope = tg.grad(lambda x: (w * x**2).sum())(exactly([1.0, 10.0]))  # 2 w x
    assert slope.tolist() == [4, 60]
    slope.sum().backward()
    assert w.grad.tolist() == [2, 20]


def test_a_gradient_penalty_reaches_the_weights_of_a_captured_model():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    rng = np.random.default_rng(0)
    parameters = list(model.parameters())
    weights = [rng.standard_normal(p.shape) for p in parameters]
    x = rng.standard_normal((5, 3))

    def penalty(*values):
        for p, value in zip(parameters, values, strict=True):
            p.data = value
        return (tg.grad(lambda x: model(x).sum())(x) ** 2).sum()

    penalty(*weights).backward()

    # Written out: with h = tanh(x W₁ᵀ + b₁) the slope is ((1 - h²) ∘ w₂) W₁; its square by central differences.
    def written_out(w1, b1, w2, _b2):
        h = np.tanh(x @ w1.T + b1)
        return ((((1 - h * h) * w2[0]) @ w1) ** 2).sum()

    np.testing.assert_allclose(penalty(*weights).item(), written_out(*weights), rtol=1e-14)
    for i, p in enumerate(parameters[:3]):
        for index in np.ndindex(p.shape):
            step = np.zeros(p.shape)
            step[index] = 1e-5
            moved = [[w + sign * step if k == i else w for k, w in enumerate(weights)] for sign in (1, -1)]
            numerical = (written_out(*moved[0]) - written_out(*moved[1])) / 2e-5
            # Central differences err by about h² = 1e-10 and by eps / h = 2e-11 of values near 10.
            np.testing.assert_allclose(p.grad.numpy()[index], numerical, rtol=1e-7, atol=1e-8)
    assert parameters[3].grad is None or not parameters[3].grad.numpy().any()  # the last bias moves no slope


def test_backward_inside_a_function_and_grad_of_it_do_not_disturb_each_other():
    w = tg.tensor(2.0, requires_grad=True)
    (w**2).backward()
    assert tg.grad(lambda x: w * x)(5.0).item() == 2
    assert w.grad.item() == 4


# ---------------------------------------------------------------------------------------------- numbers dropped
def test_a_python_number_made_of_a_traced_tensor_is_refused_where_it_would_drop_a_gradient():
    dropping = [lambda x: x * float(x), lambda x: x * int(x), lambda x: x * np.float64(float(x * 2))]
    for f in dropping:
        for transform in (grad, jacobian, hessian, hvp, value_and_grad):
            with pytest.raises(GraphError, match=r"drops the gradient.*x\.item\(\)"):
                transform(f)(*((3.0, 1.0) if transform is hvp else (3.0,)))
        with pytest.raises(GraphError, match="drops the gradient"):
            vjp(f, 3.0)
        with pytest.raises(GraphError, match="drops the gradient"):
            jvp(f, (3.0,), (1.0,))
        with pytest.raises(GraphError, match="drops the gradient"):
            tg.gradcheck(f, 3.0)


def test_it_may_be_made_on_purpose_and_elsewhere():
    w = tg.tensor(2.0, requires_grad=True)
    seen = []

    def f(x):
        seen.append(f"{x:.1f}")  # to print is no mistake
        with tg.no_grad():
            factor = float(x)
        return x * factor * x.detach().item() * float(x.detach())

    assert grad(f)(3.0).item() == 27
    assert seen == ["3.0"]
    with pytest.warns(UserWarning, match="drops the gradient"):  # nothing is being differentiated
        assert float(w * 3) == 6.0
    assert (w * 3).item() == 6.0
    with pytest.raises(GraphError):
        grad(lambda x: x * float(w))(1.0)  # a later backward() would miss it
    with pytest.warns(UserWarning, match="drops the gradient"):
        assert float(w) == 2.0  # an error in the function leaves no mark


def test_an_inner_function_that_has_ended_leaves_the_outer_one_marked():
    def f(x):
        slope = grad(lambda y: y**2)(x)
        return slope * float(x)

    with pytest.raises(GraphError, match="drops the gradient"):
        grad(f)(3.0)


def test_the_truth_of_a_tensor_that_asks_for_gradients_is_refused():
    x = tg.tensor(3.0, requires_grad=True)
    for condition in (lambda: bool(x), lambda: not x, lambda: x and 1, lambda: 1 if x * 2 else 0):
        with pytest.raises(GraphError, match=r"truth value.*if x > 0.*x\.detach\(\)"):
            condition()
    with tg.no_grad():
        assert bool(x)
    assert bool(x.detach())
    assert x > 0


def test_a_function_may_branch_on_comparisons():
    def f(x):
        return x**2 if x > 0 else -x

    assert [grad(f)(x).item() for x in (3.0, -3.0)] == [6, -1]
    assert grad(lambda x, y: max(x, y) * min(x, y) ** 2, argnums=(0, 1))(2.0, 3.0) == (12, 4)


# ------------------------------------------------------------------------------------------------ errors
ERRORS = {
    "several numbers": (lambda: tg.grad(lambda x: x * 2)([1.0, 2.0]), ShapeError, r"\(2,\).*y\.sum\(\)"),
    "no tensor": (lambda: tg.grad(lambda x: x.item())(1.0), DtypeError, "returned float.*needs a Tensor"),
    "nothing": (lambda: tg.grad(lambda _: None)(1.0), DtypeError, "returned NoneType"),
    "integers": (lambda: tg.grad(lambda x: x.sum())([1, 2]), DtypeError, r"int64.*1\.0 instead of 1"),
    "text": (lambda: tg.grad(lambda x: x)("one"), DtypeError, "real numbers"),
}


@pytest.mark.parametrize(("call", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_what_has_no_gradient_is_refused_with_the_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_gradient_under_no_grad_is_refused():
    with tg.no_grad(), pytest.raises(GraphError, match=r"under no_grad\(\).*out of the block"):
        tg.grad(lambda x: x**2)(1.0)


def test_no_grad_inside_a_function_makes_a_constant():
    def f(x):
        with tg.no_grad():
            scale = x * 10
        return x * scale

    assert tg.grad(f)(3.0).item() == 30
