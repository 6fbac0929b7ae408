"""The compiled step does what the step does on inputs of other dtypes and in other layouts, however many they are."""

import numpy as np
import pytest

from tests.compiling import RNG, Training, assert_equal_steps, floats, mlp, regression, tg_compile, training
from tinygrad_edu import nn, optim


def double(model):
    for parameter in model.parameters():
        parameter.data = parameter.numpy().astype(np.float64)
    return model


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam])
def test_models_in_double_precision(optimizer):
    batches = [(x.astype(np.float64), y.astype(np.float64)) for x, y in regression()]
    assert_equal_steps(lambda: training(double(mlp()), None, lambda p: optimizer(p, lr=0.1)), batches)


def test_a_model_of_two_dtypes():
    def build():
        model = nn.Sequential()
        model.a, model.b = nn.Parameter(floats(5, 3)), nn.Parameter(floats(3, seed=1, dtype=np.float64))
        optimizer = optim.Adam(model.parameters(), lr=0.1)

        def step(x, y):
            loss = ((x @ model.a + model.b - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Training(step, model, (optimizer,))

    assert_equal_steps(build, regression())


INPUTS = {
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int64": lambda x: (x * 10).astype(np.int64),
    "uint8": lambda x: (abs(x) * 50).astype(np.uint8),
    "bool": lambda x: x > 0,
    "transposed": np.asfortranarray,
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "a list": lambda x: x.tolist(),
}


@pytest.mark.parametrize("make", INPUTS.values(), ids=INPUTS)
@pytest.mark.parametrize("n_hidden", [4, 1024])
def test_inputs(make, n_hidden):
    batches = [(make(x), y) for x, y in regression(4)]
    assert_equal_steps(lambda: training(mlp(0, 5, n_hidden)), batches)


def test_inputs_that_cannot_be_written_to():
    batches = regression()
    for array in (array for batch in batches for array in batch):
        array.flags.writeable = False
    assert_equal_steps(lambda: training(mlp()), batches)


def test_inputs_in_another_layout_each_time():
    layouts = (np.ascontiguousarray, np.asfortranarray, INPUTS["every other column"], INPUTS["backwards"])
    batches = [(layout(x), layout(y)) for layout, (x, y) in zip(layouts * 2, regression(8), strict=True)]
    assert_equal_steps(lambda: training(mlp()), batches)
    images = [
        (layout(x.reshape(6, 1, 4, 5)), y)
        for layout, (x, y) in zip(
            (np.array, np.asfortranarray) * 2,
            [(floats(6, 20, seed=k), floats(6, 3, seed=9 + k)) for k in range(4)],
            strict=True,
        )
    ]
    assert_equal_steps(lambda: training(conv_net()), images)


def conv_net():
    rng = RNG(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3, rng=rng))


def test_inputs_are_left_as_they_are():
    one = training(mlp())
    step = tg_compile(one.step)
    for x, y in regression():
        before = x.copy(), y.copy()
        step(x, y)
        np.testing.assert_array_equal(x, before[0])
        np.testing.assert_array_equal(y, before[1])


def test_the_same_arrays_filled_anew():
    x, y = np.empty((6, 5), np.float32), np.empty((6, 3), np.float32)

    def fill(_, k):
        x[...], y[...] = regression()[k]

    assert_equal_steps(lambda: training(mlp()), [(x, y)] * 5, between=fill)


def test_an_array_of_the_users_is_read_where_it_lies():
    scale = floats(3)

    def build():
        model, criterion = mlp(), nn.MSELoss()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            loss = criterion(model(x) * scale, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Training(step, model, (optimizer,))

    def between(_, k):
        scale[:] = floats(3, seed=k)

    assert_equal_steps(build, regression(), between=between)


def test_three_inputs_and_one():
    def build():
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y, weight):
            loss = (weight * (model(x) - y) ** 2).sum() / weight.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Training(step, model, (optimizer,))

    batches = [(x, y, abs(floats(6, 1, seed=9 + k))) for k, (x, y) in enumerate(regression())]
    assert_equal_steps(build, batches)
