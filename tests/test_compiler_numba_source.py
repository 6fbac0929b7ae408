"""The Numba backend writes source that does what the step does: every layer, loss, optimizer and function.

The source is run as plain Python here; test_compiler_numba.py compiles some of it.
"""

import functools
import inspect
from itertools import pairwise

import numpy as np
import pytest

from tests import interpreting, test_compiler_situations as situations
from tests.compiling import RNG, Training, floats, loss_of, mlp, regression, training
from tests.test_compiler_equality import (
    FUNCTIONS,
    LAYERS,
    LOSSES,
    MASK,
    OPTIMIZERS,
    Model,
    attention,
    inputs_for,
    stacked,
)
from tinygrad_edu import functional, nn, optim
from tinygrad_edu.compiler import compile as tg_compile
from tinygrad_edu.compiler.machine import step as machine_step
from tinygrad_edu.compiler.stopping import InfiniteLossError, refuse_infinite
from tinygrad_edu.errors import CaptureError
from tinygrad_edu.tape import check

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    monkeypatch.setattr(machine_step, "load", interpreting.load)


# What machine code does not do, and what its error names.
REFUSED = {
    "BCELoss": "refuse_no_probabilities",
    "BCELoss, weight": "refuse_no_probabilities",
    "BatchNorm1d, plain average": "_refuse_no_share",
    "CrossEntropyLoss, all": "_refuse_no_weight",
    "CrossEntropyLoss, ignore_index": "_refuse_no_weight",
    "CrossEntropyLoss, weight": "_refuse_no_weight",
    "NLLLoss, all": "_refuse_no_weight",
    "cumsum": "add.accumulate",
    "prod": "multiply.accumulate",
    "sort": "argsort",
}


def close(a, b, tolerance=1e-5):
    """Tell whether arrays are the same but for rounding, relative to the largest entry."""
    if not isinstance(b, np.ndarray):
        return a == b
    largest = max(float(np.abs(b).max(initial=0)), 0.1)
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.all(np.abs(a - b) <= tolerance * largest))


def in_dtype(model, dtype):
    for parameter in model.parameters():
        parameter.array = parameter.array.astype(dtype)
    return model


def assert_same(name, build, batches, *, between=None):
    """Train one eagerly and one by the source: after each batch all is the same but for rounding."""
    eager, other = build(), build()
    step = tg_compile(other.step, backend="numba")
    if name in REFUSED:
        with pytest.raises(CaptureError, match=REFUSED[name]) as raised:
            step(*batches[0])
        assert 'backend="numpy"' in str(raised.value)
        assert ".py:" in str(raised.value)
        return None
    for k, batch in enumerate(batches):
        for one in (eager, other) if between is not None else ():
            between(one, k)
        assert close(np.array(step(*batch)), np.array(loss_of(eager.step(*batch)))), f"loss of batch {k}"
        got, expected = other.state(), eager.state()
        assert [n for n in expected if not close(got[n], expected[n])] == [], f"after batch {k}"
    return step


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    layer, shape = LAYERS[name]
    example = layer(RNG(0))
    batches = [(inputs_for(example, shape, k), floats(6, 3, seed=100 + k)) for k in range(4)]
    assert_same(name, stacked(layer, shape), batches)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    criterion, targets, end = LOSSES[name]
    batches = [(floats(6, 5, seed=k), targets(RNG(50 + k))) for k in range(4)]
    assert_same(name, lambda: training(mlp(0, 5, 4, 3, *end), criterion), batches)


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name, n):
    batches = [(floats(n, 5, seed=k), RNG(k).integers(0, 3, n)) for k in range(4)]
    assert_same(name, lambda: training(mlp(), nn.CrossEntropyLoss(), OPTIMIZERS[name]), batches)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, shape, n = FUNCTIONS[name]
    batches = [(floats(6, *shape, seed=k), floats(6, 3, seed=100 + k)) for k in range(4)]
    assert_same(name, lambda: training(Model(function, shape[-1], n, RNG(0))), batches)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 1, 2), (1, 4, 1), (7, 9, 8, 4)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_sizes(sizes, n, dtype):
    def build():
        rng = RNG(0)
        layers = [nn.Linear(a, b, rng=rng) for a, b in pairwise(sizes)]
        return training(in_dtype(nn.Sequential(*layers), dtype), optimizer=OPTIMIZERS["SGD"])

    shapes = (n, sizes[0]), (n, sizes[-1])
    batches = [tuple(floats(*shape, seed=9 * k + len(shape), dtype=dtype) for shape in shapes) for k in range(3)]
    assert_same("", build, batches)


def test_images_through_a_whole_network():
    def build():
        rng = RNG(0)
        layers = [nn.Conv2d(1, 4, 3, padding=1, rng=rng), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(4, 6, 3, rng=rng), nn.GELU(), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2, rng=rng)]
        model = nn.Sequential(*layers, nn.Linear(6, 3, rng=rng))
        return training(model, nn.CrossEntropyLoss(), OPTIMIZERS["SGD"], generators=[rng])

    batches = [(floats(8, 1, 8, 8, seed=k), RNG(k).integers(0, 3, 8)) for k in range(3)]
    step = assert_same("", build, batches)
    functions = [line for line in step.source.splitlines() if line.startswith("def ")]
    assert len(functions) > 3, "a long step is taken apart into functions"


def test_words_through_a_whole_network():
    class Words(nn.Module):
        def __init__(self, rng):
            self.words, self.norm = nn.Embedding(9, 12, rng=rng), nn.LayerNorm(12)
            self.end, self.drop = nn.Linear(16, 3, rng=rng), nn.Dropout(0.2, rng=rng)

        def forward(self, x):
            return self.end(self.drop(attention(self.norm(self.words(x)), attn_mask=MASK).flatten(1)))

    def build():
        rng = RNG(0)
        return training(Words(rng), nn.CrossEntropyLoss(), OPTIMIZERS["SGD"], generators=[rng])

    assert_same("", build, [(RNG(k).integers(0, 9, (5, 4)), RNG(k).integers(0, 3, 5)) for k in range(3)])


# ------------------------------------------------------------------------------------ how steps differ
STEPS = {
    "weights that share a term": lambda m, loss: loss + 0.01 * sum((p * p).sum() for p in m.parameters()),
    "a loss of a part": lambda m, loss: loss + m[0].weight[:2].sum() * 0.1,
    "a loss of the transposed": lambda m, loss: loss + (m[0].weight.T @ m[0].weight).mean(),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("optimizer", ["SGD", "SGD, weight_decay", "Adam"])
def test_losses_that_read_weights(name, optimizer):
    def build():
        model = mlp()
        descent = OPTIMIZERS[optimizer](model.parameters())

        def step(x, y):
            loss = STEPS[name](model, ((model(x) - y) ** 2).mean())
            descent.zero_grad()
            loss.backward()
            descent.step()
            return loss

        return Training(step, model, (descent,))

    assert_same("", build, [(floats(6, 5, seed=k), floats(6, 3, seed=9 + k)) for k in range(3)])


CLIPS = {
    "norm": lambda p: nn.utils.clip_grad_norm_(p, 0.1),
    "value": lambda p: nn.utils.clip_grad_value_(p, 0.01),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name):
    batches = [(floats(6, 5, seed=k), floats(6, 3, seed=9 + k)) for k in range(3)]
    assert_same("", lambda: training(mlp(), clip=CLIPS[name], optimizer=OPTIMIZERS["SGD"]), batches)


def scheduled():
    model = mlp()
    descent = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(descent, gamma=0.9)

    def step(x, y):
        loss = ((model(x) - y) ** 2).mean()
        check(refuse_infinite, loss)
        descent.zero_grad()
        loss.backward()
        descent.step()
        schedule.step()
        return loss

    return Training(step, model, (descent,), schedule=schedule)


def test_a_schedule():
    assert_same("", scheduled, [(floats(6, 5, seed=k), floats(6, 3, seed=9 + k)) for k in range(4)])


@pytest.mark.parametrize("do", situations.STEPS)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_steps(do, kind):
    def build():
        model = mlp()
        optimizer = kind(model.parameters(), lr=0.1)
        return Training(lambda x, y: do(model, optimizer, x, y), model, (optimizer,))

    assert_same("", build, regression())


BITWISE = {"test_dropout_from_the_packages_generator"}  # compares bits itself
SITUATIONS = [
    name
    for name, test in vars(situations).items()
    if name.startswith("test_") and not inspect.signature(test).parameters and name not in BITWISE
]


@pytest.mark.parametrize("name", SITUATIONS)
def test_situations(name, monkeypatch):
    monkeypatch.setattr(situations, "assert_equal_steps", functools.partial(assert_same, ""))
    getattr(situations, name)()


# -------------------------------------------------------------------------------------------- epochs
def epochs(build, X, y, orders, size):
    """Run epochs compiled, and the same batches eagerly; give both, with the losses."""
    eager, other = build(), build()
    step = tg_compile(other.step, backend="numba")
    for order in orders:
        losses = step.epoch(X, y, order, batch_size=size)
        expected = [
            loss_of(eager.step(X[order[k : k + size]], y[order[k : k + size]])) for k in range(0, len(order), size)
        ]
        assert close(losses, np.array(expected))
        got, wanted = other.state(), eager.state()
        assert [n for n in wanted if not close(got[n], wanted[n])] == []
    return step


X, Y = floats(23, 5), floats(23, 3, seed=1)


@pytest.mark.parametrize("size", [1, 4, 23])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_epochs(size, optimizer):
    orders = [np.arange(23), RNG(0).permutation(23), RNG(1).integers(-23, 23, 23)]
    epochs(lambda: training(mlp(), optimizer=OPTIMIZERS[optimizer]), X, Y, orders, size)


def test_epochs_with_a_schedule():
    epochs(scheduled, X, Y, [np.arange(23)] * 3, 5)


def test_epochs_draw_the_same_numbers():
    def build():
        rng = RNG(3)
        return training(nn.Sequential(nn.Linear(5, 3, rng=rng), nn.Dropout(0.5, rng=rng)), generators=[rng])

    epochs(build, X, Y, [RNG(0).permutation(23)] * 3, 4)


def test_examples_that_lie_scattered():
    wide = floats(23, 10)
    epochs(lambda: training(mlp()), wide[:, ::2], np.asfortranarray(Y), [RNG(0).permutation(23)] * 3, 4)


@pytest.mark.parametrize("order", [[0, 23], [-24, 0]])
def test_examples_that_are_not_there(order):
    one = training(mlp())
    step = tg_compile(one.step, backend="numba")
    step.epoch(X, Y, batch_size=4)
    before = one.state()
    with pytest.raises(IndexError):
        step.epoch(X, Y, np.array([*range(8), *order, 1, 2]), batch_size=4)
    assert all(close(value, before[name], 0) for name, value in one.state().items() if name.startswith("model"))


def test_labels_are_looked_at_before_the_epoch():
    one = training(mlp(), nn.CrossEntropyLoss(), OPTIMIZERS["SGD"])
    step = tg_compile(one.step, backend="numba")
    y = RNG(0).integers(0, 3, 23)
    step.epoch(X, y, batch_size=4)
    before = one.state()
    y[-1] = 3
    with pytest.raises(ValueError, match="3"):
        step.epoch(X, y, np.roll(np.arange(23), 4), batch_size=4)
    assert all(close(value, before[name], 0) for name, value in one.state().items() if name.startswith("model"))


def test_an_epoch_ends_at_a_loss_that_is_no_number():
    bad = X.copy()
    bad[17] = np.inf
    eager, other = scheduled(), scheduled()
    step = tg_compile(other.step, backend="numba")
    step.epoch(X, Y, batch_size=4)
    with pytest.raises(InfiniteLossError) as raised:
        step.epoch(bad, Y, batch_size=4)
    for k in range(0, 23, 4):
        eager.step(X[k : k + 4], Y[k : k + 4])
    expected = [loss_of(eager.step(X[k : k + 4], Y[k : k + 4])) for k in range(0, 16, 4)]
    assert close(np.array(raised.value.losses), np.array(expected))
    got, wanted = other.state(), eager.state()
    kept = [name for name in wanted if not name.startswith("gradient")]
    assert [name for name in kept if not close(got[name], wanted[name])] == []
    assert other.schedule.state == eager.schedule.state
    assert all(parameter.grad is None for parameter in other.model.parameters())


def test_statistics_of_the_batch_at_which_an_epoch_ends_are_kept():
    def build():
        model = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 3, rng=RNG(0)))
        descent = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            loss = ((model(x) - y) ** 2).mean()
            check(refuse_infinite, loss)
            descent.zero_grad()
            loss.backward()
            descent.step()
            return loss

        return Training(step, model, (descent,))

    eager, other = build(), build()
    step = tg_compile(other.step, backend="numba")
    bad = Y.copy()
    bad[9] = np.nan
    for one in (eager.step, step):
        for _ in range(2):
            one(X[:4], Y[:4])
        with pytest.raises(InfiniteLossError):
            one(X[8:12], bad[8:12])
    got, wanted = other.state(), eager.state()
    kept = [name for name in wanted if not name.startswith("gradient")]
    assert [name for name in kept if not close(got[name], wanted[name])] == []


# -------------------------------------------------------------------------------------------- arrays
def test_an_array_of_the_users_with_gaps_is_refused():
    places = floats(3, 10)[:, ::2]
    model = mlp(0, 5, 4, 5)
    one = training(nn.Sequential(model), lambda z, _: (functional.where(z > 0, z, 0) * places[0]).sum())
    with pytest.raises(CaptureError, match="ascontiguousarray"):
        tg_compile(one.step, backend="numba")(floats(6, 5), floats(6, 5))


def test_an_array_that_shares_memory_with_a_weight_is_refused():
    model = mlp()
    part = model[0].weight.numpy()[:2]
    one = training(model, lambda z, y: ((z - y) ** 2).mean() + (model[0].weight[:2] * part).sum())
    with pytest.raises(CaptureError, match="share memory"):
        tg_compile(one.step, backend="numba")(floats(6, 5), floats(6, 3))


# -------------------------------------------------------------------------------------------- source
def test_the_source_names_layers_and_the_users_lines():
    model = nn.Sequential(nn.Linear(8, 16, rng=RNG(0)), nn.ReLU(), nn.Linear(16, 3, rng=RNG(1)))
    one = training(model, nn.CrossEntropyLoss(), OPTIMIZERS["SGD"])
    step = tg_compile(one.step, backend="numba")
    step(floats(32, 8), RNG(0).integers(0, 3, 32))
    for line in (
        "# forward: 0 (Linear 8→16) | compiling.py:",
        'product("nn", x, weight_0_rows, linear_0_dot, 32, 16, 8)',
        "                relu_1[i, j] = larger((linear_0_dot[i, j] + bias_0[j]), float32(0.0))",
        'descend("tn", d_linear_0, x, weight_0, lr, d_weight_0, keep, 16, 8, 32)',
    ):
        assert line in step.source
    assert step.source.count("exp(") == 1, "the gradient of cross-entropy takes the exponentials of the loss"
    assert len(step.source.splitlines()) < 110
