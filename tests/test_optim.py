"""An optimizer is its formula, and all that changes from step to step is in its named state."""

import inspect
import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import GraphError, OptionError, ShapeError
from tinygrad_edu.optim import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    BatchGradientDescent,
    MiniBatchGradientDescent,
    RMSprop,
    StochasticGradientDescent,
)

STEPS = 50


# --------------------------------------------------------- the formulas, written out, as in PyTorch's pages
class DescentReference:
    def __init__(self, lr):
        self.lr = lr

    def step(self, weights, gradients):
        for i, gradient in enumerate(gradients):
            weights[i] = weights[i] - self.lr * gradient


class SGDReference:
    def __init__(self, lr, momentum=0.0, nesterov=False, weight_decay=0.0):  # noqa: FBT002
        self.lr, self.momentum, self.nesterov, self.weight_decay = lr, momentum, nesterov, weight_decay
        self.buffers = None

    def step(self, weights, gradients):
        gradients = [g + self.weight_decay * w for w, g in zip(weights, gradients, strict=True)]
        if self.buffers is None:
            self.buffers = [g.copy() for g in gradients]
        else:
            self.buffers = [self.momentum * b + g for b, g in zip(self.buffers, gradients, strict=True)]
        for i, (gradient, buffer) in enumerate(zip(gradients, self.buffers, strict=True)):
            weights[i] = weights[i] - self.lr * (gradient + self.momentum * buffer if self.nesterov else buffer)


class AdamReference:
    def __init__(self, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.t, self.means, self.squares = 0, None, None

    def step(self, weights, gradients):
        self.t += 1
        self.means = self.means or [0 * w for w in weights]
        self.squares = self.squares or [0 * w for w in weights]
        beta1, beta2 = self.betas
        for i in range(len(weights)):
            gradient = gradients[i] + self.weight_decay * weights[i]
            self.means[i] = beta1 * self.means[i] + (1 - beta1) * gradient
            self.squares[i] = beta2 * self.squares[i] + (1 - beta2) * gradient**2
            mean = self.means[i] / (1 - beta1**self.t)
            square = self.squares[i] / (1 - beta2**self.t)
            weights[i] = weights[i] - self.lr * mean / (np.sqrt(square) + self.eps)


class AdamWReference(AdamReference):
    def __init__(self, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(lr, betas, eps)
        self.decay = weight_decay

    def step(self, weights, gradients):
        weights[:] = [w * (1 - self.lr * self.decay) for w in weights]
        super().step(weights, gradients)


class RMSpropReference:
    def __init__(self, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):  # noqa: FBT002
        self.lr, self.alpha, self.eps, self.weight_decay = lr, alpha, eps, weight_decay
        self.momentum, self.centered, self.memory = momentum, centered, None

    def step(self, weights, gradients):
        self.memory = self.memory or [(0 * w, 0 * w, 0 * w) for w in weights]
        for i, (square, mean, buffer) in enumerate(self.memory):
            gradient = gradients[i] + self.weight_decay * weights[i]
            square = self.alpha * square + (1 - self.alpha) * gradient**2  # noqa: PLW2901
            mean = self.alpha * mean + (1 - self.alpha) * gradient  # noqa: PLW2901
            size = np.sqrt(square - mean**2 if self.centered else square) + self.eps
            buffer = self.momentum * buffer + gradient / size  # noqa: PLW2901
            self.memory[i] = square, mean, buffer
            weights[i] = weights[i] - self.lr * buffer


class AdagradReference:
    def __init__(self, lr, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
        self.lr, self.lr_decay, self.weight_decay, self.eps = lr, lr_decay, weight_decay, eps
        self.t, self.start, self.sums = 0, initial_accumulator_value, None

    def step(self, weights, gradients):
        self.sums = self.sums or [0 * w + self.start for w in weights]
        for i in range(len(weights)):
            gradient = gradients[i] + self.weight_decay * weights[i]
            self.sums[i] = self.sums[i] + gradient**2
            lr = self.lr / (1 + self.t * self.lr_decay)
            weights[i] = weights[i] - lr * gradient / (np.sqrt(self.sums[i]) + self.eps)
        self.t += 1


CASES = [
    (optim.GradientDescent, {}, DescentReference),
    (BatchGradientDescent, {}, DescentReference),
    (StochasticGradientDescent, {}, DescentReference),
    (MiniBatchGradientDescent, {}, DescentReference),
    (SGD, {}, SGDReference),
    (SGD, {"momentum": 0.9}, SGDReference),
    (SGD, {"momentum": 0.9, "nesterov": True}, SGDReference),
    (SGD, {"weight_decay": 0.1}, SGDReference),
    (SGD, {"momentum": 0.5, "weight_decay": 0.1}, SGDReference),
    (SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}, SGDReference),
    (Adam, {}, AdamReference),
    (Adam, {"betas": (0.5, 0.9)}, AdamReference),
    (Adam, {"betas": (0.0, 0.99)}, AdamReference),
    (Adam, {"eps": 0.1}, AdamReference),
    (Adam, {"weight_decay": 0.1}, AdamReference),
    (Adam, {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.05}, AdamReference),
    (AdamW, {}, AdamWReference),
    (AdamW, {"weight_decay": 0.0}, AdamWReference),
    (AdamW, {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.5}, AdamWReference),
    (RMSprop, {}, RMSpropReference),
    (RMSprop, {"alpha": 0.9, "eps": 0.1}, RMSpropReference),
    (RMSprop, {"momentum": 0.5, "weight_decay": 0.1}, RMSpropReference),
    (RMSprop, {"centered": True}, RMSpropReference),
    (RMSprop, {"centered": True, "momentum": 0.5, "eps": 0.1}, RMSpropReference),
    (Adagrad, {}, AdagradReference),
    (Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1}, AdagradReference),
    (Adagrad, {"initial_accumulator_value": 0.25, "eps": 0.1}, AdagradReference),
]
IDS = [" ".join([make.__name__, *(f"{k}={v}" for k, v in options.items())]) for make, options, _ in CASES]
every_case = pytest.mark.parametrize(("make", "options", "reference"), CASES, ids=IDS)


def test_every_optimizer_and_every_option_of_it_has_a_case():
    public = [getattr(optim, name) for name in optim.__all__ if name not in ("Optimizer", "lr_scheduler")]
    assert {make for make, _, _ in CASES} == set(public)
    for make in {make for make, _, _ in CASES}:
        options = set(inspect.signature(make).parameters) - {"parameters", "lr", "batch_size"}
        assert {name for other, given, _ in CASES if other is make for name in given} == options


@pytest.mark.parametrize(
    ("make", "reference"),
    [
        (SGD, SGDReference),
        (Adam, AdamReference),
        (AdamW, AdamWReference),
        (RMSprop, RMSpropReference),
        (Adagrad, AdagradReference),
    ],
)
def test_the_defaults_are_pytorchs(make, reference):
    ours, theirs = inspect.signature(make).parameters, inspect.signature(reference).parameters
    assert {n: ours[n].default for n in theirs if n != "lr"} == {n: p.default for n, p in theirs.items() if n != "lr"}


# ----------------------------------------------------------------------------------- two problems to descend
# ½ wᵀAw - bᵀw: A is symmetric with eigenvalues from 0.5 to 4.
ORTHOGONAL = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
A = ORTHOGONAL @ np.diag([0.5, 1.0, 2.0, 4.0]) @ ORTHOGONAL.T
B = np.array([1.0, -2.0, 0.5, 3.0])
X = np.random.default_rng(1).normal(size=(8, 3))
Y = np.random.default_rng(2).normal(size=(8, 2))


def quadratic(w):
    return 0.5 * (w * (A.astype(w.dtype) @ w)).sum() - (B.astype(w.dtype) * w).sum()


def quadratic_gradients(weights):
    return [A @ weights[0] - B]


def network(w1, b1, w2, b2):
    x, y = X.astype(w1.dtype), Y.astype(w1.dtype)
    hidden = (x @ w1.T + b1).tanh()
    return ((hidden @ w2.T + b2 - y) ** 2).mean()


def network_gradients(weights):
    w1, b1, w2, b2 = weights
    hidden = np.tanh(X @ w1.T + b1)
    error = 2 * (hidden @ w2.T + b2 - Y) / Y.size
    behind = error @ w2 * (1 - hidden**2)
    return [behind.T @ X, behind.sum(axis=0), error.T @ hidden, error.sum(axis=0)]


PROBLEMS = {
    "quadratic": (quadratic, quadratic_gradients, [(4,)]),
    "network": (network, network_gradients, [(4, 3), (4,), (2, 4), (2,)]),
}


def start(shapes, dtype=np.float64):
    rng = np.random.default_rng(3)
    # Rounded to float32 first, so that both precisions begin at the same point; small enough that no tanh
    # saturates, where 1 - tanh² has few digits and Adam, which divides by the size of the gradient, shows it.
    return [rng.normal(0, 0.5, shape).astype(np.float32).astype(dtype) for shape in shapes]


def run(descent, parameters, loss, steps):
    for _ in range(steps):
        descent.zero_grad()
        loss(*parameters).backward()
        descent.step()


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("problem", PROBLEMS)
@every_case
def test_fifty_steps_follow_the_formula(make, options, reference, problem, dtype):
    loss, gradients, shapes = PROBLEMS[problem]
    parameters = [tg.tensor(array, requires_grad=True) for array in start(shapes, dtype)]
    run(make(parameters, lr=0.02, **options), parameters, loss, STEPS)

    weights = start(shapes)
    formula = reference(lr=0.02, **options)
    for _ in range(STEPS):
        formula.step(weights, gradients(weights))

    moved = max(np.abs(w - s).max() for w, s in zip(weights, start(shapes), strict=True))
    assert moved > 0.1
    for parameter, weight in zip(parameters, weights, strict=True):
        assert parameter.dtype == dtype
        # The weights are of size 1 to 5 and each step rounds them; descent does not let the errors grow. That
        # is 1e-14 in float64 and 6e-6 in float32.
        np.testing.assert_allclose(parameter.numpy(), weight, rtol=0, atol=STEPS * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@every_case
def test_an_update_of_tensors_is_that_of_arrays_bit_for_bit(make, options, reference, dtype):  # noqa: ARG001
    rng = np.random.default_rng(4)
    descent = make([tg.tensor(np.zeros(5, dtype), requires_grad=True)], lr=0.02, **options)
    arrays = [rng.uniform(0.1, 1, 5).astype(dtype) for _ in range(2 + len(descent.slots))]
    scalars = descent.scalars(0.02, 3)
    assert len(scalars) == len(descent.scalar_names)
    numbers = [np.array(number, dtype) for number in scalars]
    expected = descent.update(*arrays, *numbers)
    got = descent.update(*map(tg.tensor, (*arrays, *numbers)))
    assert len(got) == len(expected) == 1 + len(descent.slots)
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs, strict=True)


def test_adam_goes_by_the_learning_rate_in_its_first_step_whatever_the_scale_of_the_gradient():
    for scale in (1e-3, 1.0, 1e3):
        x = tg.tensor(np.array([1.0]), requires_grad=True)
        descent = Adam([x], lr=0.25, eps=0.0)
        (scale * x).sum().backward()
        descent.step()
        assert x.item() == pytest.approx(0.75, rel=1e-15, abs=0)


# --------------------------------------------------------------------------------------- batches of each kind


@pytest.mark.parametrize(
    ("make", "sizes"),
    [
        (BatchGradientDescent, [10]),
        (StochasticGradientDescent, [1] * 10),
        (lambda p: MiniBatchGradientDescent(p, batch_size=4), [4, 4, 2]),
        (lambda p: MiniBatchGradientDescent(p, batch_size=10), [10]),
        (lambda p: optim.GradientDescent(p, 0.1), [10]),
        (lambda p: SGD(p, batch_size=None), [10]),
        (lambda p: SGD(p, batch_size=3), [3, 3, 3, 1]),
        (lambda p: Adam(p, batch_size=5), [5, 5]),
    ],
    ids=["batch", "stochastic", "mini-batch 4", "mini-batch all", "base", "SGD all", "SGD 3", "Adam 5"],
)
def test_an_optimizer_deals_every_example_once_an_epoch_in_batches_of_its_size(make, sizes):
    descent = make(nn.Linear(1, 1).parameters())
    x, y = np.arange(10.0).reshape(10, 1), np.arange(10)
    epoch = list(descent.batches(x, y, rng=np.random.default_rng(0)))
    assert [len(xb) for xb, _ in epoch] == sizes
    assert sorted(label for _, yb in epoch for label in yb.tolist()) == list(range(10))
    assert all(xb[:, 0].tolist() == yb.tolist() for xb, yb in epoch)


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (BatchGradientDescent, None),
        (StochasticGradientDescent, 1),
        (MiniBatchGradientDescent, 32),
        *((make, 32) for make in (SGD, Adam, AdamW, RMSprop, Adagrad)),
    ],
)
def test_the_default_batch_size(make, size):
    assert make(nn.Linear(1, 1).parameters()).batch_size == size


def test_the_order_is_new_in_each_epoch_and_follows_the_generator():
    descent = StochasticGradientDescent(nn.Linear(1, 1).parameters())
    x = np.arange(20.0).reshape(20, 1)

    def epochs(seed):
        dealt = descent.batches(x, x, rng=np.random.default_rng(seed))
        return [[xb.item() for xb, _ in dealt] for _ in range(2)]

    first, second = epochs(0)
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first


@pytest.mark.parametrize("size", [np.int64(4), np.int32(4)], ids=["int64", "int32"])
def test_a_whole_number_of_numpy_is_a_batch_size(size):
    assert len(SGD(nn.Linear(1, 1).parameters(), batch_size=size).batches(X, Y, rng=np.random.default_rng(0))) == 2


# ------------------------------------------------------------------------------------------------- its state


def model_and_data(seed=0):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))
    return model, X.astype(np.float32), Y.astype(np.float32)


def train(model, descent, x, y, steps):
    for _ in range(steps):
        loss = nn.MSELoss()(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()


PATHS = ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize(
    ("make", "options", "slots"),
    [
        (BatchGradientDescent, {}, []),
        (SGD, {}, []),
        (SGD, {"momentum": 0.9}, ["momentum"]),
        (Adam, {}, ["mean", "mean_square"]),
        (AdamW, {}, ["mean", "mean_square"]),
        (RMSprop, {}, ["mean_square"]),
        (RMSprop, {"momentum": 0.9}, ["mean_square", "momentum"]),
        (RMSprop, {"centered": True, "momentum": 0.9}, ["mean_square", "mean", "momentum"]),
        (Adagrad, {}, ["square_sum"]),
    ],
)
def test_the_state_names_the_learning_rate_the_step_and_what_each_parameter_remembers(make, options, slots):
    model, x, y = model_and_data()
    descent = make(model.parameters(), lr=0.25, **options)
    assert list(descent.state) == ["learning_rate", "step"] + [f"{slot}.{path}" for path in PATHS for slot in slots]
    assert descent.state["learning_rate"].item() == 0.25
    assert descent.state["step"].item() == 0
    train(model, descent, x, y, 3)
    assert descent.state["step"].item() == 3
    for path, parameter in model.named_parameters():
        for slot in slots:
            array = descent.state[f"{slot}.{path}"]
            assert (array.shape, array.dtype) == (parameter.shape, np.float32)
            assert np.any(array != 0)


def test_parameters_without_a_name_are_remembered_by_their_number():
    parameters = [tg.tensor(1.0, requires_grad=True), tg.tensor(1.0, requires_grad=True, name="b")]
    assert list(SGD(parameters, momentum=0.9).state) == ["learning_rate", "step", "momentum.0", "momentum.b"]


@every_case
def test_the_arrays_of_the_state_are_live(make, options, reference):  # noqa: ARG001
    model, x, y = model_and_data()
    descent = make(model.parameters(), lr=0.01, **options)
    held = dict(descent.state)
    train(model, descent, x, y, 2)
    assert list(held) == list(descent.state)
    assert all(held[name] is array for name, array in descent.state.items())
    assert held["step"].item() == 2


def test_writing_into_the_state_takes_effect():
    x = tg.tensor(np.array([0.0]), requires_grad=True)
    descent = SGD([x], lr=1.0, momentum=0.5)
    descent.state["learning_rate"][...] = 0.1
    descent.state["momentum.0"][...] = 4.0
    x.sum().backward()
    descent.step()
    assert x.item() == pytest.approx(-0.1 * (0.5 * 4 + 1), rel=1e-15)


@every_case
def test_a_run_goes_on_from_its_state_bit_for_bit(make, options, reference):  # noqa: ARG001
    model, x, y = model_and_data()
    descent = make(model.parameters(), lr=0.05, **options)
    train(model, descent, x, y, 7)
    weights, state = model.state_dict(), descent.state_dict()
    train(model, descent, x, y, 7)

    other, _, _ = model_and_data(seed=1)
    resumed = make(other.parameters(), lr=0.5, **options)
    train(other, resumed, x, y, 2)
    other.load_state_dict(weights)
    resumed.load_state_dict(state)
    train(other, resumed, x, y, 7)

    for mine, theirs in ((model.state_dict(), other.state_dict()), (descent.state_dict(), resumed.state_dict())):
        assert list(mine) == list(theirs)
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name], strict=True)


def test_state_dict_is_a_copy_and_loading_copies():
    model, x, y = model_and_data()
    descent = SGD(model.parameters(), momentum=0.9)
    train(model, descent, x, y, 1)
    state = descent.state_dict()
    kept = {name: array.copy() for name, array in state.items()}
    train(model, descent, x, y, 1)
    for name, array in kept.items():
        np.testing.assert_array_equal(state[name], array)
    descent.load_state_dict(state)
    state["step"][...] = 99
    assert descent.state["step"].item() == 1


def changed(state, **entries):
    return {**state, **{name.replace("__", "."): value for name, value in entries.items()}}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: changed(s, momentum__2__bias=np.zeros(3)), ShapeError, r"momentum\.2\.bias has shape \(3,\)"),
        (lambda s: changed(s, momentum__2__bias=["a", "b"]), TypeError, "real numbers"),
        (lambda s: changed(s, extra=1.0), OptionError, "extra on one side only"),
        (lambda s: {k: v for k, v in s.items() if k != "step"}, OptionError, "step on one side only"),
        (lambda _: SGD(model_and_data()[0].parameters()).state_dict(), OptionError, r"momentum\.0\.bias"),
    ],
    ids=["shape", "dtype", "unknown", "missing", "another optimizer's"],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, error, message):
    model, x, y = model_and_data()
    descent = SGD(model.parameters(), lr=0.1, momentum=0.9)
    other = SGD(model.parameters(), lr=0.7, momentum=0.9)
    train(model, descent, x, y, 2)
    before = descent.state_dict()
    with pytest.raises(error, match=message):
        descent.load_state_dict(change(other.state_dict()))
    for name, array in descent.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# --------------------------------------------------------------------------------------------------- the step


def slope_of_one(lr, **options):
    """A parameter whose gradient is 1, and an optimizer of it."""
    x = tg.tensor(np.array([0.0]), requires_grad=True)
    x.sum().backward()
    return x, SGD([x], lr=lr, **options)


def test_a_new_learning_rate_takes_effect_in_the_next_step():
    x, descent = slope_of_one(lr=0.5)
    descent.step()
    assert x.item() == -0.5
    descent.lr = 0.25
    assert descent.lr == descent.state["learning_rate"].item() == 0.25
    descent.step()
    assert x.item() == -0.75


@pytest.mark.parametrize("lr", [0, -0.1, math.nan, math.inf])
def test_a_new_learning_rate_is_checked(lr):
    _, descent = slope_of_one(lr=0.5)
    with pytest.raises(OptionError, match="lr must be a finite number > 0"):
        descent.lr = lr
    assert descent.lr == 0.5


@every_case
def test_parameters_without_a_gradient_are_left_as_they_are(make, options, reference):  # noqa: ARG001
    used, unused = (tg.tensor(np.array([1.0, 2.0]), requires_grad=True, name=name) for name in ("used", "unused"))
    descent = make([unused, used], lr=0.1, **options)
    before = descent.state_dict()
    for _ in range(2):
        descent.zero_grad()
        (used * used).sum().backward()
        descent.step()
    assert unused.tolist() == [1.0, 2.0]
    assert np.all(used.numpy() < [1.0, 2.0])
    for name, array in descent.state.items():
        assert np.array_equal(array, before[name]) == name.endswith((".unused", "learning_rate"))


@every_case
def test_a_step_without_any_gradient_raises_and_changes_nothing(make, options, reference):  # noqa: ARG001
    model, x, y = model_and_data()
    descent = make(model.parameters(), lr=0.1, **options)
    train(model, descent, x, y, 2)
    descent.zero_grad()
    weights, state = model.state_dict(), descent.state_dict()
    with pytest.raises(GraphError, match=re.escape("Call loss.backward() before it")):
        descent.step()
    for before, now in ((weights, model.state_dict()), (state, descent.state_dict())):
        for name, array in before.items():
            np.testing.assert_array_equal(array, now[name])


def test_zero_grad_forgets_the_gradients_of_its_parameters_alone():
    x, descent = slope_of_one(lr=0.5)
    other = tg.tensor(1.0, requires_grad=True)
    (other * 2).backward()
    descent.zero_grad()
    assert x.grad is None
    assert other.grad.item() == 2.0


def test_without_zero_grad_gradients_add_up():
    x, descent = slope_of_one(lr=1.0)
    x.sum().backward()
    descent.step()
    assert x.item() == -2.0


@every_case
def test_backward_through_weights_that_a_step_has_changed_raises(make, options, reference):  # noqa: ARG001
    x = tg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    descent = make([x], lr=0.1, **options)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)  # nothing has changed yet
    descent.step()
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


def test_a_step_changes_the_weights_in_place():
    model, x, y = model_and_data()
    arrays = [p.numpy() for p in model.parameters()]
    train(model, SGD(model.parameters()), x, y, 1)
    assert all(p.numpy() is array for p, array in zip(model.parameters(), arrays, strict=True))


def test_weights_of_different_precision_are_changed_in_their_own():
    single = tg.tensor([1.0], requires_grad=True)
    double = tg.tensor(np.array([1.0]), requires_grad=True)
    descent = Adam([single, double], lr=0.1)
    ((single * single).sum() + (double * double).sum()).backward()
    descent.step()
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    # Adam's first step is lr, but for eps = 1e-8 beside a gradient of 2, and a rounding or two in float32.
    assert double.item() == pytest.approx(0.9, rel=1e-8)
    assert single.item() == pytest.approx(0.9, rel=2.4e-7)


# ------------------------------------------------------------------------------------------ what is refused


def leaf():
    return tg.tensor(1.0, requires_grad=True)


NOT_POSITIVE = [0, -0.1, math.nan, math.inf]
NO_FRACTION = [-0.1, 1, 1.5, math.nan]
NEGATIVE = [-1e-9, math.nan, math.inf]
REFUSED = [
    *(
        (make, {"lr": lr}, "lr must be a finite number > 0")
        for make in (BatchGradientDescent, SGD, Adam, AdamW, RMSprop, Adagrad)
        for lr in NOT_POSITIVE
    ),
    *((SGD, {"momentum": m}, "momentum must be a finite number >= 0 and < 1") for m in NO_FRACTION),
    *((SGD, {"weight_decay": w}, "weight_decay must be a finite number >= 0") for w in NEGATIVE),
    (SGD, {"nesterov": True}, "momentum is 0. Try momentum=0.9"),
    *((Adam, {"betas": (b, 0.999)}, r"betas\[0\] must be a finite number >= 0 and < 1") for b in NO_FRACTION),
    *((Adam, {"betas": (0.9, b)}, r"betas\[1\] must be a finite number >= 0 and < 1") for b in NO_FRACTION),
    *((Adam, {"eps": e}, "eps must be a finite number >= 0") for e in NEGATIVE),
    *((AdamW, {"betas": (0.9, b)}, r"betas\[1\] must be a finite number >= 0 and < 1") for b in NO_FRACTION),
    *(
        (RMSprop, {name: n}, f"{name} must be a finite number >= 0 and < 1")
        for name in ("alpha", "momentum")
        for n in NO_FRACTION
    ),
    *(
        (Adagrad, {name: n}, f"{name} must be a finite number >= 0")
        for name in ("lr_decay", "initial_accumulator_value")
        for n in NEGATIVE
    ),
    *((make, {"eps": e}, "eps must be a finite number >= 0") for make in (RMSprop, Adagrad) for e in NEGATIVE),
    *(
        (make, {"weight_decay": w}, "weight_decay must be a finite number >= 0")
        for make in (Adam, AdamW, RMSprop, Adagrad)
        for w in NEGATIVE
    ),
    *(
        (make, {"batch_size": size}, f"whole number from 1 on, but is {size!r}")
        for make in (MiniBatchGradientDescent, SGD, Adam, AdamW, RMSprop, Adagrad)
        for size in (0, -1, 2.5, True, "all")
    ),
]


@pytest.mark.parametrize(
    ("make", "options", "message"), REFUSED, ids=[f"{make.__name__} {options}" for make, options, _ in REFUSED]
)
def test_a_number_out_of_range_is_refused_and_named(make, options, message):
    with pytest.raises(OptionError, match=message):
        make([leaf()], **options)


def exhausted():
    parameters = nn.Linear(1, 1).parameters()
    list(parameters)
    return parameters


def twice():
    x = leaf()
    return [x, x]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (list, r"no parameters.*call model\.parameters\(\) anew"),
        (exhausted, r"no parameters.*call model\.parameters\(\) anew"),
        (twice, "the same parameter twice"),
        (lambda: [tg.tensor([1.5])], "nothing to change: no parameter asks for gradients"),
        (lambda: [leaf() * 2], "Tensors that were given, but parameter 0 is computed from others"),
        (lambda: [np.zeros(2)], "Tensors that were given, but parameter 0 is a ndarray"),
        (lambda: nn.Linear(1, 1).parameters, r"was given a method\. Pass model\.parameters\(\), with the brackets"),
        (lambda: nn.Linear(1, 1), r"was given a Linear\. Pass model\.parameters\(\)"),
        (lambda: [*nn.Linear(1, 1).parameters(), *nn.Linear(1, 1).parameters()], "Put the models into one nn.Module"),
    ],
    ids=[
        "none",
        "exhausted generator",
        "twice",
        "asks for no gradient",
        "computed",
        "an array",
        "no brackets",
        "a model",
        "two of one name",
    ],
)
def test_parameters_that_cannot_be_trained_are_refused(parameters, message):
    with pytest.raises(OptionError, match=message):
        SGD(parameters())


def test_a_frozen_parameter_stays_as_it_is():
    moving, frozen = leaf(), tg.tensor([1.5])
    optimizer = SGD([moving, frozen], lr=0.1)
    ((moving * frozen) ** 2).sum().backward()
    before = moving.numpy().copy()
    optimizer.step()
    assert frozen.tolist() == [1.5]
    assert not np.array_equal(moving.numpy(), before)


@pytest.mark.parametrize("result", [0.1, np.zeros(1), (), (0.1, 0.2)], ids=["a number", "an array", "none", "two"])
def test_an_update_that_does_not_return_what_it_should_changes_nothing(result):
    class Wrong(optim.Optimizer):
        def update(self, weight, gradient, *scalars):
            return result

    parameter = leaf()
    before = parameter.numpy().copy()
    (parameter**2).sum().backward()
    with pytest.raises(OptionError, match=r"Wrong\.update must return the tuple \(step,\), but returned"):
        Wrong([parameter], lr=0.1).step()
    np.testing.assert_array_equal(parameter.numpy(), before)


def test_the_numbers_at_the_edge_of_a_range_are_accepted():
    SGD([leaf()], lr=1e-30, momentum=0.0, weight_decay=0.0, batch_size=1)
    Adam([leaf()], betas=(0.0, 0.0), eps=0.0)
    AdamW([leaf()], betas=(0.0, 0.0), eps=0.0, weight_decay=0.0)
    RMSprop([leaf()], alpha=0.0, eps=0.0)
    Adagrad([leaf()], initial_accumulator_value=0.0, eps=0.0)


def test_a_centered_rmsprop_of_one_gradient_again_and_again_does_not_take_the_root_of_less_than_0():
    x = tg.tensor(np.full(100, 0.1, np.float32), requires_grad=True)
    descent = RMSprop([x], lr=1e-6, centered=True, alpha=0.5)
    x.grad = tg.tensor(np.linspace(0.1, 1, 100, dtype=np.float32))
    for _ in range(200):
        descent.step()
    assert np.isfinite(x.numpy()).all()
    assert (descent.state["mean_square.0"] < descent.state["mean.0"] ** 2).any()


def test_the_weight_decay_of_adamw_is_no_part_of_the_gradient():
    weights = [tg.tensor(np.array([2.0]), requires_grad=True) for _ in "ab"]
    for weight, scale in zip(weights, (1e-3, 1e3), strict=True):
        (scale * weight).sum().backward()
        AdamW([weight], lr=0.25, eps=0.0, weight_decay=0.5).step()
        # Both go by lr, and by lr times 0.5 of themselves.
        assert weight.item() == pytest.approx(2.0 - 0.25 - 0.25 * 0.5 * 2.0, rel=1e-15)


def test_an_optimizer_without_an_update_says_what_is_missing():
    x, _ = slope_of_one(lr=0.1)
    with pytest.raises(TypeError, match="Optimizer does not say what its update is"):
        optim.Optimizer([x], 0.1).step()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda p: BatchGradientDescent(p, lr=0.5), "BatchGradientDescent(lr=0.5, batch_size=all)"),
        (lambda p: SGD(p, lr=0.1, batch_size=8), "SGD(lr=0.1, batch_size=8)"),
    ],
    ids=["all", "8"],
)
def test_the_repr_says_how_far_and_from_how_many(make, expected):
    assert repr(make([leaf()])) == expected
