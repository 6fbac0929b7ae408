"""``vjp``, ``jvp``, ``jacobian``, ``hessian`` and ``hvp``: right on paper, right against each other, and nested."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as tg
from tests.garbage import no_cycles
from tinygrad_edu import nn
from tinygrad_edu.autodiff import grad, hessian, hvp, jacobian, jvp, recording, value_and_grad, vjp
from tinygrad_edu.errors import ArgumentError, DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.structures import flatten, map_leaves

Line = collections.namedtuple("Line", "slope offset")  # noqa: PYI024 - the plain one is what users have

EPS = np.finfo(np.float64).eps


def exactly(values):
    return np.array(values, np.float64)


def numbers(structure):
    """Turn Tensors into nested lists."""
    return map_leaves(lambda x: x.tolist() if isinstance(x, tg.Tensor) else x, structure)


RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4))
SYMMETRIC = RNG.standard_normal((4, 4))
SYMMETRIC = SYMMETRIC + SYMMETRIC.T
X = RNG.standard_normal(4)


# -------------------------------------------------------------------------------------- against paper: first order
def test_the_jacobian_of_a_linear_map_is_its_matrix():
    np.testing.assert_array_equal(jacobian(lambda x: A @ x)(X).numpy(), A)
    np.testing.assert_array_equal(vjp(lambda x: A @ x, X)[1](np.eye(3)[1])[0].numpy(), A[1])
    np.testing.assert_array_equal(jvp(lambda x: A @ x, (X,), (np.eye(4)[2],))[1].numpy(), A[:, 2])


def test_the_jacobian_of_what_works_entry_by_entry_is_diagonal():
    # One sine and one cosine, each rounded once: equal to the last bit.
    np.testing.assert_array_equal(jacobian(np.sin)(X).numpy(), np.diag(np.cos(X)))


def test_the_jacobian_of_a_softmax_is_the_one_on_paper():
    p = tg.functional.softmax(tg.tensor(X)).numpy()
    found = jacobian(tg.functional.softmax)(X).numpy()
    # Sums of four products of numbers below 1, each rounded once.
    np.testing.assert_allclose(found, np.diag(p) - np.outer(p, p), rtol=0, atol=8 * EPS)


SHAPES = [(), (1,), (3,), (2, 3), (0,), (2, 0)]


@pytest.mark.parametrize(("inner", "outer"), list(itertools.product(SHAPES, SHAPES)), ids=str)
def test_a_jacobian_has_the_results_axes_and_then_the_arguments(inner, outer):
    weight = np.arange(float(np.prod(outer + inner))).reshape(outer + inner) + 1

    def f(x):
        return (weight * x).sum(axis=tuple(range(len(outer), len(outer + inner))))

    x = np.full(inner, 2.0)
    found = jacobian(f)(x)
    assert found.shape == outer + inner
    np.testing.assert_array_equal(found.numpy(), weight)
    value, pullback = vjp(f, x)
    assert value.shape == outer
    np.testing.assert_array_equal(pullback(np.ones(outer))[0].numpy(), weight.sum(axis=tuple(range(len(outer)))))
    np.testing.assert_array_equal(jvp(f, (x,), (np.ones(inner),))[1].numpy(), f(np.ones(inner)))


def test_several_arguments_give_a_tuple_in_their_order():
    x, y = exactly([1, 2]), exactly([3, 4, 5])

    def f(x, y, z):
        return x.sum() * y * z

    by_z, by_x = jacobian(f, argnums=(2, 0))(x, y, 10.0)
    assert (by_z.tolist(), by_x.tolist()) == ([9, 12, 15], [[30, 30], [40, 40], [50, 50]])
    assert jacobian(f, argnums=-1)(x, y, 10.0).tolist() == [9, 12, 15]
    gradients = vjp(f, x, y, 10.0)[1](np.ones(3))
    assert [g.tolist() for g in gradients] == [[120, 120], [30, 30, 30], 36]
    value, tangent = jvp(f, (x, y, 10.0), ([1.0, 0.0], [0.0, 0.0, 1.0], 1.0))
    assert (value.tolist(), tangent.tolist()) == ([90, 120, 150], [30 + 9, 40 + 12, 50 + 15 + 30])


def test_float32_stays_float32_and_each_block_has_its_arguments_dtype():
    for dtype in (np.float16, np.float32, np.float64):
        x = np.ones(2, dtype)
        value, tangent = jvp(lambda x: x**2, (x,), (x,))
        assert {value.dtype, tangent.dtype} == {np.dtype(dtype)}
        (gradient,) = vjp(lambda x: x**2, x)[1]([1, 1])  # whole numbers will do for a cotangent
        outcomes = [gradient, jacobian(lambda x: x**2)(x), hessian(lambda x: (x**2).sum())(x)]
        assert {y.dtype for y in (*outcomes, hvp(lambda x: (x**2).sum())(x, x))} == {np.dtype(dtype)}
    blocks = jacobian(lambda x, y: x * y, argnums=(0, 1))(np.ones(2, np.float32), np.ones(2))
    assert [block.dtype for block in blocks] == [np.float32, np.float64]
    assert [y.dtype for y in (jacobian(np.sin)([1.0]), jacobian(np.sin)(1), vjp(np.sin, 1)[0])] == [np.float32] * 3


def test_keywords_are_handed_on():
    def f(x, *, power):
        return x**power

    assert jacobian(f)(2.0, power=3).item() == 12
    assert hessian(f)(2.0, power=3).item() == 12
    assert hvp(f)(2.0, 10.0, power=3).item() == 120
    assert vjp(f, 2.0, power=3)[1](1.0)[0].item() == 12
    assert jvp(f, (2.0,), (1.0,), power=3)[1].item() == 12


# ------------------------------------------------------------------------------------- against paper: second order
def test_the_hessian_of_a_quadratic_form_is_its_matrix():
    def f(x):
        return 0.5 * (x @ SYMMETRIC @ x)

    # ½ (S + Sᵀ): two products with ½ and one sum, all exact.
    np.testing.assert_array_equal(hessian(f)(X).numpy(), SYMMETRIC)
    # The sum of four products may be made in another order.
    np.testing.assert_allclose(hvp(f)(X, X).numpy(), SYMMETRIC @ X, rtol=0, atol=8 * EPS * np.abs(SYMMETRIC).max())


def test_the_hessian_of_the_rosenbrock_valley_is_the_one_on_paper():
    def f(x):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    x, y = 0.5, 2.0
    expected = [[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200]]
    assert hessian(f)(exactly([x, y])).tolist() == expected  # halves and whole numbers are exact
    assert hvp(f)(exactly([x, y]), [1.0, 2.0]).tolist() == (exactly(expected) @ [1, 2]).tolist()


def test_the_hessian_of_a_logistic_loss_is_the_one_on_paper():
    labels = np.array([0.0, 1.0, 1.0])

    def loss(w):
        z = A @ w
        return (np.log1p(np.exp(z)) - labels * z).sum()

    p = 1 / (1 + np.exp(-(A @ X)))
    expected = A.T @ np.diag(p * (1 - p)) @ A  # Xᵀ diag(p (1 - p)) X
    np.testing.assert_allclose(hessian(loss)(X).numpy(), expected, rtol=0, atol=32 * EPS * np.abs(expected).max())


def test_third_derivatives_and_higher():
    assert jacobian(hessian(lambda x: x**4))(2.0).item() == 48
    assert jacobian(jacobian(jacobian(lambda x: x**3)))(exactly([1, 2])).numpy()[1, 1, 1].tolist() == [0, 6]
    assert grad(lambda x: hvp(lambda y: y**4)(x, 10.0))(2.0).item() == 480
    assert hvp(grad(lambda x: x**4))(2.0, 1.0).item() == 48
    assert jvp(lambda x: jvp(lambda y: jvp(np.exp, (y,), (1.0,))[1], (x,), (1.0,))[1], (0.0,), (1.0,))[1].item() == 1

    def f(x):
        return x[0] ** 2 * x[1] ** 3 + x[1] * x[0]

    third = jacobian(hessian(f))(exactly([2, 3])).numpy()
    # ∂xxy = 6 y², ∂xyy = 12 x y, ∂yyy = 6 x²: all permutations alike.
    assert third.tolist() == [[[0, 54], [54, 72]], [[54, 72], [72, 24]]]


def test_the_hessian_of_a_linear_function_is_0():
    assert hessian(lambda x: (A @ x).sum())(X).tolist() == np.zeros((4, 4)).tolist()
    assert hessian(lambda _: tg.tensor(1.0))(X).tolist() == np.zeros((4, 4)).tolist()
    assert hvp(lambda x: x.sum())(X, X).tolist() == [0] * 4
    assert jvp(lambda _: tg.tensor([1.0]), (X,), (X,))[1].tolist() == [0]
    assert jacobian(lambda _: tg.tensor([1.0, 2.0]))(X).tolist() == np.zeros((2, 4)).tolist()


# ---------------------------------------------------------------------------------------------- against each other
def tower(x):
    h = np.tanh(A @ x)
    return np.stack([(h * h).sum(), h[0] * np.exp(x[1]), np.log(1 + x[2] ** 2)])


def scalar(x):
    return (tower(x) ** 3).sum() + x[0] * x[3]


VECTORS = st.lists(st.floats(-2, 2).map(lambda v: round(v, 3)), min_size=4, max_size=4).map(exactly)


@given(VECTORS, VECTORS, VECTORS)
def test_products_agree_with_the_matrices(x, v, w):
    w = w[:3]
    matrix = jacobian(tower)(x).numpy()
    # Each entry sums at most a few dozen products, in an order of its own.
    size = 64 * EPS * max(1.0, np.abs(matrix).max())
    value, product = jvp(tower, (x,), (v,))
    np.testing.assert_array_equal(value.numpy(), tower(tg.tensor(x)).numpy())
    np.testing.assert_allclose(product.numpy(), matrix @ v, rtol=0, atol=size)
    np.testing.assert_allclose(vjp(tower, x)[1](w)[0].numpy(), w @ matrix, rtol=0, atol=size)


@given(VECTORS, VECTORS)
def test_the_hessian_is_symmetric_and_agrees_with_its_products_and_with_nested_gradients(x, v):
    matrix = hessian(scalar)(x).numpy()
    # As above, but through two walks.
    size = 1024 * EPS * max(1.0, np.abs(matrix).max())
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=size)
    product = hvp(scalar)(x, v).numpy()
    np.testing.assert_allclose(product, matrix @ v, rtol=0, atol=size)
    # ∇(∇f · v), and the derivative of ∇f along v
    np.testing.assert_allclose(grad(lambda y: (grad(scalar)(y) * v).sum())(x).numpy(), product, rtol=0, atol=size)
    np.testing.assert_allclose(jvp(grad(scalar), (x,), (v,))[1].numpy(), product, rtol=0, atol=size)
    assert matrix.shape == (4, 4)


def test_jacobians_of_compositions_multiply():
    def inner(x):
        return np.sin(A @ x)

    def outer(y):
        return np.exp(y[:2]) * y[2]

    chained = jacobian(outer)(inner(X)).numpy() @ jacobian(inner)(X).numpy()
    np.testing.assert_allclose(jacobian(lambda x: outer(inner(x)))(X).numpy(), chained, rtol=0, atol=32 * EPS)


def test_derivatives_are_those_that_central_differences_find():
    def f(x, v):
        return hvp(scalar)(x, v)

    assert tg.gradcheck(jacobian(tower), X)
    assert tg.gradcheck(hessian(scalar), X, rtol=1e-5)
    assert tg.gradcheck(lambda x, v: jvp(tower, (x,), (v,))[1], X, X + 1, order=2, rtol=1e-5)
    assert tg.gradcheck(lambda x, v: vjp(tower, x)[1](v)[0], X, X[:3], order=2, rtol=1e-5)
    assert tg.gradcheck(f, X, X + 1, rtol=1e-5)


# ------------------------------------------------------------------------------------------------------- structures
PARAMS = {
    "layers": [{"w": exactly([[1, 2], [3, 4]]), "b": exactly([5, 6])}, Line(2.0, tg.tensor([1.0, 0.5]))],
    "scale": exactly(3),
    "none": None,
}


def model(params, x):
    first, last = params["layers"]
    assert isinstance(last, Line)
    h = x @ first["w"] + first["b"]
    return (h * last.slope + last.offset) * params["scale"]


INPUT = exactly([1, 10])


def test_a_gradient_is_built_as_its_argument_is():
    gradient = grad(lambda p: model(p, INPUT).sum())(PARAMS)
    assert flatten(gradient)[1] == flatten(PARAMS)[1]
    assert list(gradient) == list(PARAMS)
    assert numbers(gradient) == {
        "layers": [{"w": [[6, 6], [60, 60]], "b": [6, 6]}, Line(3 * (36 + 48), [3, 3])],
        "scale": 2 * (36 + 48) + 1.5,
        "none": None,
    }
    assert gradient["layers"][1].slope.dtype == np.float32
    assert gradient["scale"].dtype == np.float64


def test_structures_may_be_several_arguments_and_stand_among_others():
    by_x, by_p = grad(lambda p, k, x: (p["a"] * x[k]).sum(), argnums=(2, 0))({"a": 2.0}, "u", {"u": [3.0], "v": 4.0})
    assert (numbers(by_x), numbers(by_p)) == ({"u": [2], "v": 0}, {"a": 3})


def test_a_jacobian_nests_the_arguments_structure_in_that_of_the_results():
    def f(p):
        return {"sum": p["a"] + p["b"].sum(), "both": (p["a"] * p["b"], p["b"][0])}

    blocks = jacobian(f)({"a": 2.0, "b": exactly([3, 4])})
    assert numbers(blocks) == {
        "sum": {"a": 1, "b": [1, 1]},
        "both": ({"a": [3, 4], "b": [[2, 0], [0, 2]]}, {"a": 0, "b": [1, 0]}),
    }
    one, two = jacobian(lambda a, b: (a * b, a), argnums=(0, 1))(2.0, 3.0)
    assert (numbers(one), numbers(two)) == ((3, 2), (1, 0))


def test_a_hessian_of_a_dict_is_a_dict_of_dicts_and_symmetric():
    def f(p):
        return (p["a"] ** 2 * p["b"]).sum() + p["b"][0] ** 3

    blocks = hessian(f)({"a": exactly(2), "b": exactly([3, 4])})
    assert numbers(blocks) == {
        "a": {"a": 14, "b": [4, 4]},
        "b": {"a": [4, 4], "b": [[18, 0], [0, 0]]},
    }
    product = hvp(f)({"a": exactly(2), "b": exactly([3, 4])}, {"b": [1.0, 0.0], "a": 10.0})  # keys in any order
    assert numbers(product) == {"a": 144, "b": [58, 40]}
    (aa, ab), (ba, bb) = hessian(lambda a, b: a**2 * b, argnums=(0, 1))(3.0, 5.0)
    assert [y.item() for y in (aa, ab, ba, bb)] == [10, 6, 6, 0]
    assert numbers(hvp(lambda a, b: a**2 * b, argnums=(0, 1))(3.0, 5.0, (1.0, 2.0))) == (22, 6)
    assert hvp(lambda a, b: a**2 * b, argnums=1)(3.0, 5.0, 1.0).item() == 0


def test_cotangents_and_tangents_are_built_as_what_they_belong_to():
    def f(p):
        return [p["a"] * p["b"], {"b": p["b"]}]

    point = {"a": exactly(2), "b": exactly([3, 4])}
    value, pullback = vjp(f, point)
    assert numbers(value) == [[6, 8], {"b": [3, 4]}]
    assert numbers(pullback([[1.0, 0.0], {"b": [10.0, 20.0]}])) == ({"a": 3, "b": [12, 20]},)
    value, tangent = jvp(f, (point,), ({"b": [10.0, 20.0], "a": 1.0},))
    assert numbers(value) == [[6, 8], {"b": [3, 4]}]
    assert numbers(tangent) == [[3 + 20, 4 + 40], {"b": [10, 20]}]


def test_several_results_are_pulled_in_one_walk():
    calls = []
    wrong = tg.ops.Op("counted", np.positive, (lambda g, _y, _x: calls.append(g) or g,))

    def f(x):
        trunk = wrong(x * 2)
        return [trunk, trunk * 3, (trunk.sum(), trunk)]

    _, pullback = vjp(f, exactly([1, 2]))
    assert pullback([[1.0, 0.0], [0.0, 1.0], (10.0, [0.0, 0.0])])[0].tolist() == [22, 26]
    assert len(calls) == 1


def test_the_structure_that_f_gets_is_its_own():
    params = {"a": 1.0, "b": 2.0}

    def f(p):
        return p.pop("a") * p["b"]

    assert numbers(grad(f)(params)) == {"a": 2, "b": 1}
    assert params == {"a": 1.0, "b": 2.0}


def test_an_empty_structure_has_an_empty_gradient():
    assert grad(lambda _p, x: x * 2, argnums=(0, 1))({"a": []}, 3.0)[0] == {"a": []}
    assert numbers(jacobian(lambda _p, x: x * 2)([], tg.tensor(3.0))) == []


def test_a_gradient_step_on_a_structure_goes_downhill():
    def loss(p):
        return ((p["w"] @ X + p["b"] - 1.0) ** 2).sum()

    params = {"w": exactly([0, 0, 0, 0]), "b": 0.0}
    losses = []
    for _ in range(50):
        value, gradient = value_and_grad(loss)(params)
        params = map_leaves(lambda p, g: p - 0.05 * g, params, gradient)
        losses.append(value.item())
    assert losses[-1] < 1e-6 * losses[0]


# ------------------------------------------------------------------------------------------------------------- aux
def test_what_f_hands_on_comes_back_beside_the_result():
    def f(x):
        return (x**2).sum(), {"twice": x * 2, "note": "text"}

    x = exactly([3, 4])
    (value, first), gradient = value_and_grad(f, has_aux=True)(x)
    outcomes = [(gradient, first), grad(f, has_aux=True)(x), hessian(f, has_aux=True)(x)]
    outcomes += [jacobian(f, has_aux=True)(x), hvp(f, has_aux=True)(x, x)]
    expected = [[6, 8], [6, 8], [[2, 0], [0, 2]], [6, 8], [6, 8]]
    assert value.item() == 25
    for (outcome, aux), right in zip(outcomes, expected, strict=True):
        assert outcome.tolist() == right
        assert numbers(aux) == {"twice": [6, 8], "note": "text"}
        assert not aux["twice"].requires_grad
    value, pullback, aux = vjp(f, x, has_aux=True)
    assert (value.item(), pullback(1.0)[0].tolist(), numbers(aux)["twice"]) == (25, [6, 8], [6, 8])
    value, tangent, aux = jvp(f, (x,), (x,), has_aux=True)
    assert (value.item(), tangent.item(), numbers(aux)["twice"]) == (25, 50, [6, 8])


def test_what_f_hands_on_may_be_nothing():
    gradient, aux = grad(lambda x: (x**2, None), has_aux=True)(3.0)
    assert gradient.item() == 6
    assert aux is None
    assert vjp(lambda x: (x**2, None), 3.0, has_aux=True)[2] is None


def test_what_f_hands_on_is_recorded_if_something_outside_can_ask():
    w = tg.tensor(2.0, requires_grad=True)
    _, aux = grad(lambda x: (x**2, [x * w, x, 3]), has_aux=True)(5.0)
    aux[0].backward()
    assert w.grad.item() == 5

    def f(x):
        slope, aux = grad(lambda y: (y**2, y**3), has_aux=True)(x)
        return slope + aux

    assert grad(f)(2.0).item() == 2 + 12


# ----------------------------------------------------------------------------------------- captured, nested, again
def test_parameters_that_are_captured_can_be_gone_back_to():
    w = tg.tensor(exactly([2, 3]), requires_grad=True)

    def f(x):
        return w * x**2

    x = exactly([1, 10])
    outcomes = {
        "jacobian": lambda: jacobian(f)(x),  # diag(2 w x)
        "hessian": lambda: hessian(lambda x: f(x).sum())(x),  # diag(2 w)
        "hvp": lambda: hvp(lambda x: f(x).sum())(x, [1.0, 1.0]),  # 2 w
        "pullback": lambda: vjp(f, x)[1]([1.0, 1.0])[0],  # 2 w x
        "jvp": lambda: jvp(f, (x,), ([1.0, 1.0],))[1],  # 2 w x
        "value": lambda: vjp(f, x)[0],  # w x²
    }
    slopes = {"hessian": [2, 2], "hvp": [2, 2], "value": [1, 100]}
    for name, outcome in outcomes.items():
        w.grad = None
        outcome().sum().backward()
        assert w.grad.tolist() == slopes.get(name, [2, 20]), name


def test_the_jacobian_of_a_model_by_its_input_reaches_its_weights():
    layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    parameters = list(layers.parameters())
    x = RNG.standard_normal(3)

    def penalty(*weights):
        for p, w in zip(parameters, weights, strict=True):
            p.data = w
        return (jacobian(layers)(x) ** 2).sum()

    weights = [RNG.standard_normal(p.shape) for p in parameters]
    penalty(*weights).backward()
    for i, p in enumerate(parameters[:3]):
        gradient = p.grad.numpy()
        index = np.unravel_index(np.argmax(np.abs(gradient)), p.shape)
        step = np.zeros(p.shape)
        step[index] = 1e-5
        moved = [[w + sign * step if k == i else w for k, w in enumerate(weights)] for sign in (1, -1)]
        numerical = (penalty(*moved[0]).item() - penalty(*moved[1]).item()) / 2e-5
        # Central differences err by about h² = 1e-10 of a third derivative near 100.
        assert gradient[index] == pytest.approx(numerical, rel=1e-6)


def test_transforms_nest_in_any_order():
    def f(x):
        return (x**3).sum()

    x = exactly([1, 2])
    hessians = [
        hessian(f)(x),
        jacobian(grad(f))(x),
        jacobian(lambda y: vjp(f, y)[1](1.0)[0])(x),
        jacobian(jacobian(f))(x),
        np.stack([jvp(grad(f), (x,), (row,))[1] for row in np.eye(2)]),
        np.stack([vjp(grad(f), x)[1](row)[0] for row in np.eye(2)]),
        jacobian(lambda v: hvp(f)(x, v))(x),
        jacobian(lambda v: jvp(grad(f), (x,), (v,))[1])(x),
        jacobian(lambda v: vjp(grad(f), x)[1](v)[0])(x),
    ]
    assert [h.tolist() for h in hessians] == [[[6, 0], [0, 12]]] * len(hessians)


def test_the_inner_variable_is_not_confused_with_the_outer_one():
    # d/dx [ x · ∂/∂y (x y²) at y = x, along 1 ] = d/dx 2 x³ = 6 x²
    assert grad(lambda x: x * jvp(lambda y: x * y**2, (x,), (1.0,))[1])(2.0).item() == 24
    assert jvp(lambda x: x * jvp(lambda y: x * y**2, (x,), (1.0,))[1], (2.0,), (1.0,))[1].item() == 24
    # The classic of forward mode: d/dx [ x · d/dy (x + y) at y = 1 ] = 1.
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1].item() == 1
    assert jacobian(lambda x: x * jacobian(lambda y: x + y)(1.0))(1.0).item() == 1


def test_tracked_tensors_as_arguments_tangents_and_cotangents_are_gone_through():
    x, v = tg.tensor(3.0, requires_grad=True), tg.tensor(10.0, requires_grad=True)
    outcomes = [
        jvp(lambda y: y**3, (x,), (v,))[1],
        vjp(lambda y: y**3, x)[1](v)[0],
        hvp(lambda y: y**4 / 4)(x, v),
    ]  # 3 x² v: its slopes are 6 x v = 180 and 3 x² = 27
    for outcome in outcomes:
        x.grad = v.grad = None
        assert outcome.item() == 270
        outcome.backward()
        assert (x.grad.item(), v.grad.item()) == (180, 27)


def test_a_traced_cotangent_of_another_dtype_is_gone_through():
    v = tg.tensor(exactly(10), requires_grad=True)
    vjp(lambda y: y**2, tg.tensor(3.0))[1](v)[0].backward()
    assert (v.grad.item(), v.grad.dtype) == (6, np.float64)


def test_a_captured_tensor_is_a_constant_even_if_it_is_the_argument():
    x = tg.tensor(3.0, requires_grad=True)
    assert jacobian(lambda a: a * x)(x).item() == 3
    assert jvp(lambda a: a * x, (x,), (1.0,))[1].item() == 3
    assert hessian(lambda a: a * a * x)(x).item() == 6


# ------------------------------------------------------------------------------------------------------ a pullback
def test_a_pullback_is_good_for_any_number_of_calls():
    value, pullback = vjp(tower, X)
    rows = [pullback(row)[0].numpy() for row in np.eye(3)]
    np.testing.assert_array_equal(rows, jacobian(tower)(X).numpy())
    np.testing.assert_array_equal(pullback(np.eye(3)[0])[0].numpy(), rows[0])
    assert not value.requires_grad


def test_a_pullback_outlives_changes_of_its_arguments():
    x, t = exactly([1, 2]), tg.tensor(exactly([1, 2]))
    _, pullback = vjp(lambda x, t: x**2 * t**2, x, t)
    x += 100
    t += 100
    assert [g.tolist() for g in pullback([1.0, 1.0])] == [[2, 16], [2, 16]]


def test_a_pullback_whose_tracked_argument_was_changed_refuses():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    _, pullback = vjp(lambda x: x**2, x)
    with tg.no_grad():
        x += 1
    with pytest.raises(GraphError, match="changed in place"):
        pullback([1.0, 1.0])


def test_a_pullback_works_under_no_grad_and_then_records_nothing():
    w = tg.tensor(2.0, requires_grad=True)
    _, pullback = vjp(lambda x, y: [w * x, y], 3.0, 4.0)
    with tg.no_grad():
        plain = pullback([1.0, 1.0])
    assert [(g.item(), g.requires_grad) for g in plain] == [(2, False), (1, False)]
    assert pullback([1.0, 1.0])[0].requires_grad


def test_a_pullback_through_a_graph_that_backward_has_freed_refuses():
    w = tg.tensor(2.0, requires_grad=True)
    value, pullback = vjp(lambda x: (w * x) ** 2, 3.0)
    value.backward()
    with pytest.raises(GraphError, match="freed"):
        pullback(1.0)


# ---------------------------------------------------------------------------------------------------- side effects
def transforms(f, x):
    """Compute everything there is of f, a function with one number as its result, at x, a vector."""
    value, pullback = vjp(f, x)
    _, tangent = jvp(f, (x,), (np.ones(len(x)),))
    return [value, *pullback(1.0), tangent, jacobian(f)(x), hessian(f)(x), hvp(f)(x, np.ones(len(x)))]


def test_nothing_is_stored_on_arguments_or_on_what_is_captured():
    x, w = tg.tensor(exactly([1, 2]), requires_grad=True), tg.tensor(3.0, requires_grad=True)
    transforms(lambda x: w * (x**2).sum(), x)
    assert x.grad is None
    assert w.grad is None
    assert x.tolist() == [1, 2]


def test_results_share_no_memory():
    x = exactly([1, 2])
    first, second = exactly([1, 0]), exactly([0, 1])
    _, pullback = vjp(lambda x, y: (x, y, x), x, x)
    _, tangents = jvp(lambda x, y: (x, y, x), (x, x), (first, second))
    blocks = jacobian(lambda x, y: (x, x + y), argnums=(0, 1))(x, x)
    results = [*pullback((first, second, first)), *tangents, *blocks[0], *blocks[1]]
    results += [*hvp(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, x, (first, second))]
    arrays = [y.numpy() for y in results] + [x, first, second]
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def test_nothing_is_recorded_if_nothing_outside_can_ask():
    for f in (lambda x: (x**3).sum(), lambda x: (x * tg.tensor([2.0, 3.0])).sum()):
        for outcome in transforms(f, exactly([1, 2])):
            assert not outcome.requires_grad
            assert outcome.inputs == ()


def test_an_abandoned_pullback_leaves_nothing_behind():
    with no_cycles():
        x = tg.tensor(exactly([1, 2]), requires_grad=True)
        transforms(lambda x: (x**3).sum(), x)


# ------------------------------------------------------------------------------------------------------------ cost
@pytest.fixture
def calls(monkeypatch):
    """Count the calls of f and the pulls."""
    counts = collections.Counter()
    pull = recording.pull

    def counted(*args, **kwargs):
        counts["pulls"] += 1
        return pull(*args, **kwargs)

    monkeypatch.setattr(recording, "pull", counted)
    return counts


def counting(calls, f):
    def counted(*args):
        calls["f"] += 1
        return f(*args)

    return counted


def test_f_runs_once_and_each_entry_of_the_result_is_one_pull(calls):
    jacobian(counting(calls, tower))(X)
    assert calls == {"f": 1, "pulls": 3}


def test_a_hessian_is_one_gradient_and_a_pull_for_each_of_its_entries(calls):
    hessian(counting(calls, scalar))(X)
    assert calls == {"f": 1, "pulls": 1 + 4}


def test_a_product_with_the_hessian_is_two_pulls(calls):
    hvp(counting(calls, scalar))(X, X)
    assert calls == {"f": 1, "pulls": 2}


def test_a_product_with_the_jacobian_is_two_pulls_and_its_transpose_one(calls):
    jvp(counting(calls, tower), (X,), (X,))
    assert calls == {"f": 1, "pulls": 2}
    calls.clear()
    vjp(counting(calls, tower), X)[1](X[:3])
    assert calls == {"f": 1, "pulls": 1}


def test_a_batched_jacobian_takes_no_more_pulls_for_more_examples(calls):
    batch = np.arange(200.0).reshape(50, 4) / 200
    jacobian(counting(calls, lambda x: np.sin(x)[:, :3]), batched=True)(batch)
    assert calls == {"f": 1, "pulls": 3 + 2}


@pytest.mark.parametrize("transform", [grad, hvp, hessian, jacobian])
def test_a_deep_graph_needs_no_recursion(transform):
    def f(x):
        for _ in range(5_000):
            x = x * 1.0
        return x * x

    assert transform(f)(*((3.0, 1.0) if transform is hvp else (3.0,))).item() in (2, 6)


def test_a_diamond_is_walked_through_once():
    # 2^40 paths lead through forty diamonds.
    def f(x):
        for _ in range(40):
            x = x * 0.5 + x * 0.5
        return x * x

    assert hvp(f)(3.0, 1.0).item() == 2
    assert jvp(f, (3.0,), (1.0,))[1].item() == 6


# --------------------------------------------------------------------------------------------------------- batched
BATCH = RNG.standard_normal((5, 4))


def by_hand(f, *batches):
    return np.stack([jacobian(f)(*x).numpy() for x in zip(*batches, strict=True)])


def test_a_batched_jacobian_is_that_of_each_example():
    def f(x):
        return np.tanh(x @ A.T)

    # A row of a product of matrices may be summed in another order than a product with a vector.
    size = 16 * EPS * np.abs(A).max()
    np.testing.assert_allclose(jacobian(f, batched=True)(BATCH).numpy(), by_hand(f, BATCH), rtol=0, atol=size)


@pytest.mark.parametrize("shape", [(), (1,), (2, 2), (0,)], ids=str)
def test_a_batched_jacobian_keeps_the_axes_of_result_and_argument(shape):
    x = RNG.standard_normal((3, 2, 2))

    def f(x):
        return np.stack([np.sin(x).sum(axis=(1, 2)) * (k + 1) for k in range(int(np.prod(shape)))], axis=1)

    def shaped(x):
        return (f(x) if np.prod(shape) else x[:, 0, :0]).reshape(x.shape[:1] + shape)

    found = jacobian(shaped, batched=True)(x)
    assert found.shape == (3, *shape, 2, 2)
    full = jacobian(shaped)(x).numpy()
    np.testing.assert_array_equal(found.numpy(), np.stack([full[b, ..., b, :, :] for b in range(3)]))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_batches_of_few_examples_will_do(n):
    x = np.ones((n, 3))
    np.testing.assert_array_equal(jacobian(lambda x: x**2, batched=True)(x).numpy(), np.tile(2 * np.eye(3), (n, 1, 1)))


def test_batched_structures():
    y = RNG.standard_normal((5, 2))

    def f(p, y, scale):
        return {"product": p["x"][:, :2] * y * scale, "square": p["x"] ** 2}

    blocks = jacobian(f, argnums=(0, 1), batched=True)({"x": BATCH}, y, 3.0)
    assert map_leaves(lambda block: block.shape, blocks) == {
        "product": ({"x": (5, 2, 4)}, (5, 2, 2)),
        "square": ({"x": (5, 4, 4)}, (5, 4, 2)),
    }
    np.testing.assert_array_equal(blocks["square"][0]["x"].numpy(), np.stack([np.diag(2 * row) for row in BATCH]))
    np.testing.assert_array_equal(blocks["product"][1].numpy(), [np.diag(row[:2]) * 3 for row in BATCH])


def test_a_batched_jacobian_can_be_gone_back_through():
    w = tg.tensor(exactly([1, 2, 3, 4]), requires_grad=True)
    jacobian(lambda x: w * x**2, batched=True)(BATCH).sum().backward()
    # Sums of five numbers, in an order of their own.
    np.testing.assert_allclose(w.grad.numpy(), 2 * BATCH.sum(axis=0), rtol=0, atol=16 * EPS)


def test_a_batched_hessian_is_the_batched_jacobian_of_the_gradient_of_the_sum():
    found = jacobian(grad(lambda x: (x**4).sum()), batched=True)(BATCH)
    np.testing.assert_array_equal(found.numpy(), [np.diag(12 * row**2) for row in BATCH])


MIXING = {
    "a mean over the batch": lambda x: x - x.mean(axis=0),
    "a softmax along the wrong axis": lambda x: tg.functional.softmax(x, axis=0),
    "a largest entry": lambda x: x / x.max(axis=0),
    "a shift": lambda x: np.concatenate([x[1:], x[:1]]),
    "the reverse order": lambda x: x[::-1],
    "one example in all": lambda x: x + x[:1],
    "the batch in one": lambda x: np.concatenate([x[:-1], x.sum(axis=0, keepdims=True)]),
}


@pytest.mark.parametrize("f", MIXING.values(), ids=MIXING)
@pytest.mark.parametrize("n", [2, 5, 16])
def test_a_function_that_mixes_examples_is_refused(f, n):
    with pytest.raises(GraphError, match=r"one depends on another.*Leave batched out"):
        jacobian(f, batched=True)(RNG.standard_normal((n, 3)) + 3)


BATCH_ERRORS = {
    "a result without a batch": (lambda x: x.sum(), (BATCH,), r"\(5, 4\) became \(\)\..*argnums"),
    "a result of another length": (lambda x: x.T, (BATCH,), r"\(5, 4\) became \(4, 5\)"),
    "an argument without axes": (lambda x: x, (1.0,), r"\(\) became \(\)"),
}


@pytest.mark.parametrize(("f", "args", "message"), BATCH_ERRORS.values(), ids=BATCH_ERRORS)
def test_what_is_no_batch_is_refused(f, args, message):
    with pytest.raises(ShapeError, match=message):
        jacobian(f, batched=True)(*args)


# ---------------------------------------------------------------------------------------------------------- errors
def nested(params):
    return params["layers"][0]["n"] * 1.0


INTEGERS = {"layers": [{"w": [1.0], "n": np.arange(3)}]}
NO_NUMBERS = {"layers": [{"w": [1.0], "n": "text"}]}
WRONG_ARGUMENTS = {
    "integers deep inside": (
        lambda: grad(nested)(INTEGERS),
        DtypeError,
        r"params\['layers'\]\[0\]\['n'\] holds int64, .*astype\(np\.float32\)",
    ),
    "an int deep inside": (lambda: jacobian(lambda p: p["n"])({"n": 3}), DtypeError, r"p\['n'\] holds int64"),
    "an int in a primal": (lambda: vjp(lambda _a, p: p["n"], 1.0, {"n": 3}), DtypeError, r"p\['n'\] holds int64"),
    "text deep inside": (
        lambda: grad(nested)(NO_NUMBERS),
        DtypeError,
        r"params\['layers'\]\[0\]\['n'\] is of type str, .* an array, a Tensor",
    ),
    "complex numbers": (lambda: grad(lambda x: x)(np.array(1j)), DtypeError, "x holds complex128"),
    "a container of another kind": (
        lambda: grad(lambda p: p["a"])(collections.defaultdict(float, a=1.0)),
        DtypeError,
        "p is of type defaultdict, .* a dict, list, tuple or namedtuple",
    ),
    "a module": (lambda: grad(lambda m: m(1.0))(nn.Linear(1, 1)), DtypeError, "m is of type Linear"),
    "ragged deep inside": (lambda: grad(nested)({"a": [[1.0], [2.0, 3.0]]}), ShapeError, r"params\['a'\]: .*ragged"),
    "an array of integers": (lambda: jacobian(lambda a, _b: a)(np.arange(3), 1), DtypeError, "a holds int64"),
    "an argument of a function without names": (
        lambda: grad(lambda *xs: xs[0])(np.arange(3)),
        DtypeError,
        "argument 0 holds int64",
    ),
    "nothing": (lambda: grad(lambda x: x)(None), DtypeError, "x is None"),
    "a position that is not there": (lambda: jacobian(np.sin, argnums=1)(1.0), OptionError, "argnums=1 .* 1 were"),
    "a position twice": (lambda: jacobian(np.add, argnums=(1, -1))(1.0, 2.0), OptionError, "an argument twice"),
    "an argument for a position": (lambda: grad(np.sin, 1.0), OptionError, r"argnums.*but is 1\.0.*grad\(f\)\(x\)"),
    "no position": (lambda: grad(np.sin, ()), OptionError, r"argnums.*but is \(\)"),
    "a truth value for a position": (lambda: grad(np.sin, argnums=True), OptionError, "argnums.*but is True"),
    "a result for a function": (lambda: hessian(tg.tensor(1.0)), ArgumentError, r"a Tensor\. Write hessian\(f\)"),
    "no function in vjp": (lambda: vjp(1.0, 2.0), ArgumentError, "given a float"),
    "no primals in vjp": (lambda: vjp(np.sin), ArgumentError, r"vjp\(f, x\)"),
    "a bare primal": (lambda: jvp(np.sin, X, X), ArgumentError, r"jvp\(f, \(x,\), \(v,\)\)"),
    "no primals in jvp": (lambda: jvp(np.sin, (), ()), ArgumentError, "tuple of primals"),
    "too few tangents": (
        lambda: jvp(np.add, (1.0, 2.0), (1.0,)),
        ShapeError,
        "tangents is a tuple of 1, but its counterpart is a tuple of 2",
    ),
    "no vector in hvp": (lambda: hvp(np.sin)(1.0), ArgumentError, r"hvp\(f\)\(x, v\), but 1 came"),
}

WRONG_RESULTS = {
    "several numbers": (lambda: hessian(lambda x: x)(X), ShapeError, r"single number .* \(4,\)"),
    "a number": (lambda: jacobian(lambda x: x.item())(1.0), DtypeError, "returned float, but.*Tensor"),
    "nothing": (lambda: jacobian(lambda _: None)(1.0), DtypeError, "returned NoneType"),
    "an empty dict": (lambda: vjp(lambda _: {}, 1.0), DtypeError, "returned dict"),
    "an array deep inside": (
        lambda: jacobian(lambda x: {"a": [x, x.numpy()]})(1.0),
        DtypeError,
        r"returned ndarray at result\['a'\]\[1\].*has_aux=True",
    ),
    "integers": (lambda: grad(lambda x: (x > 0).sum())(1.0), DtypeError, "returned int64, which has no slope"),
    "integers deep inside": (lambda: vjp(lambda x: (x, x > 0), 1.0), DtypeError, r"returned bool at result\[1\]"),
    "a pair for a number": (lambda: grad(lambda x: (x, x))(1.0), DtypeError, "returned a tuple.*has_aux=True"),
    "no pair with aux": (lambda: grad(lambda x: x, has_aux=True)(1.0), DtypeError, "pair.*but it returned Tensor"),
    "three with aux": (lambda: vjp(lambda x: (x, x, x), 1.0, has_aux=True), DtypeError, "returned a tuple of 3"),
}

WRONG_COTANGENTS = {
    "of another shape": (
        lambda: vjp(np.sin, X)[1](np.ones(3)),
        ShapeError,
        r"cotangent has shape \(3,\), .* has \(4,\)",
    ),
    "of one number": (lambda: vjp(np.sin, X)[1](1.0), ShapeError, r"cotangent has shape \(\)"),
    "built otherwise": (
        lambda: vjp(lambda x: {"a": x}, X)[1](X),
        ShapeError,
        "cotangent is of type ndarray, but its counterpart is a dict with the keys 'a'",
    ),
    "text": (lambda: vjp(lambda x: [x], 1.0)[1](["one"]), DtypeError, r"cotangent\[0\] is of type str"),
    "a tangent of another shape": (
        lambda: jvp(nested, (map_leaves(np.float64, {"layers": [{"n": 1}]}),), ({"layers": [{"n": X}]},)),
        ShapeError,
        r"tangents\[0\]\['layers'\]\[0\]\['n'\] has shape \(4,\), .* has \(\)",
    ),
    "a vector of another shape": (lambda: hvp(scalar)(X, X[:2]), ShapeError, r"v has shape \(2,\), .* has \(4,\)"),
}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [*WRONG_ARGUMENTS.values(), *WRONG_RESULTS.values(), *WRONG_COTANGENTS.values()],
    ids=[*WRONG_ARGUMENTS, *WRONG_RESULTS, *WRONG_COTANGENTS],
)
def test_what_has_no_derivative_is_refused_with_the_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_derivatives_under_no_grad_are_refused():
    calls = [lambda: vjp(np.sin, 1.0), lambda: jvp(np.sin, (1.0,), (1.0,)), lambda: hvp(np.sin)(1.0, 1.0)]
    for call in (*calls, lambda: jacobian(np.sin)(1.0), lambda: hessian(np.sin)(1.0)):
        with tg.no_grad(), pytest.raises(GraphError, match=r"under no_grad\(\).*out of the block"):
            call()
