"""The compiled step does what the step does for odd models, updates by hand, schedules and odd inputs."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compiling import (
    RNG,
    Training,
    assert_equal_steps,
    floats,
    mlp,
    regression,
    tg_compile,
    training,
)
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import utils
from tinygrad_edu.optim import lr_scheduler


# ------------------------------------------------------------------------------------- models and updates
def shared_weights(rng):
    layer = nn.Linear(4, 4, rng=rng)
    return nn.Sequential(nn.Linear(5, 4, rng=rng), layer, nn.Tanh(), layer, nn.Linear(4, 3, rng=rng))


class Residual(nn.Module):
    def __init__(self, rng):
        self.blocks = [nn.Linear(5, 5, rng=rng) for _ in range(2)]
        self.end = nn.Linear(5, 3, rng=rng)

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x).relu()
        return self.end(x)


class Tied(nn.Module):
    """The same matrix forwards and backwards."""

    def __init__(self, rng):
        self.weight = nn.Parameter(rng.standard_normal((3, 5)).astype(np.float32))

    def forward(self, x):
        return ((x @ self.weight.T).tanh() @ self.weight)[:, :3]


MODELS = {
    "shared weights": shared_weights,
    "residual": Residual,
    "tied": Tied,
    "one layer": lambda rng: nn.Linear(5, 3, rng=rng),
    "dropout twice from one generator": lambda rng: nn.Sequential(
        nn.Dropout(0.2, rng=rng), nn.Linear(5, 4, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(4, 3, rng=rng)
    ),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_models(model):
    def build():
        rng = RNG(0)
        return training(model(rng), generators=[rng])

    assert_equal_steps(build, regression())


def test_dropout_from_the_packages_generator():
    both = []
    for kind in (lambda step: step, tg_compile):
        tg.seed(7)
        one = training(nn.Sequential(*mlp()[:2], nn.Dropout(0.5), nn.Linear(4, 3, rng=RNG(1))))
        step = kind(one.step)
        both.append([float(step(x, y)) if kind is tg_compile else step(x, y).item() for x, y in regression()])
    assert both[0] == both[1]


def test_two_optimizers_in_one_step():
    def build():
        model = mlp()
        first = optim.Adam(model[0].parameters(), lr=0.01)
        second = optim.SGD(model[2].parameters(), lr=0.1, momentum=0.5)

        def step(x, y):
            loss = nn.MSELoss()(model(x), y)
            model.zero_grad()
            loss.backward()
            first.step()
            second.step()
            return loss

        return Training(step, model, (first, second))

    assert_equal_steps(build, regression())


def test_two_backwards_and_two_updates_in_one_step():
    def build():
        model, other = mlp(), mlp(1)
        first, second = optim.Adam(model.parameters(), lr=0.01), optim.SGD(other.parameters(), lr=0.1)

        def step(x, y):
            loss = nn.MSELoss()(model(x), y)
            first.zero_grad()
            loss.backward()
            first.step()
            second_loss = nn.MSELoss()(other(x), model(x).detach())  # of the weights as they are now
            second.zero_grad()
            second_loss.backward()
            second.step()
            return loss + second_loss

        both = nn.Sequential(model, other)
        return Training(step, both, (first, second))

    assert_equal_steps(build, regression())


def test_gradients_of_two_losses_add_up():
    def build():
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            optimizer.zero_grad()
            first = nn.MSELoss()(model(x), y)
            first.backward()
            second = (model(x) ** 2).mean()
            second.backward()
            optimizer.step()
            return first + second

        return Training(step, model, (optimizer,))

    assert_equal_steps(build, regression())


def test_an_update_by_hand():
    def build():
        model = mlp()

        def step(x, y):
            loss = nn.MSELoss()(model(x), y)
            model.zero_grad()
            loss.backward()
            with tg.no_grad():
                for w in model.parameters():
                    w -= 0.1 * w.grad  # noqa: PLW2901 - in place
            return loss.item()

        return Training(step, model)

    assert_equal_steps(build, regression())


def test_an_update_by_hand_that_remembers():
    def build():
        w = nn.Parameter(floats(5, 3), name="w")
        velocity, count = tg.tensor(np.zeros((5, 3), np.float32)), tg.tensor(0)

        def step(x, y):
            loss = nn.MSELoss()(x @ w, y)
            w.grad = None
            loss.backward()
            with tg.no_grad():
                nonlocal count, velocity
                count += 1
                velocity *= 0.9
                velocity += w.grad
                w.copy_(w - 0.1 * velocity / (1 - 0.9 ** count.astype(np.float32)))
            return loss

        model = nn.Sequential()
        model.w = w
        return Training(step, model, others={"velocity": velocity.array, "count": count.array})

    assert_equal_steps(build, regression())


def test_a_running_average_of_the_weights():
    def build():
        one = training(mlp())
        averages = [tg.tensor(p.numpy()) for p in one.model.parameters()]

        def step(x, y):
            loss = one.step(x, y)
            with tg.no_grad():
                for average, weight in zip(averages, one.model.parameters(), strict=True):
                    average *= 0.75  # noqa: PLW2901 - in place
                    average += 0.25 * weight  # noqa: PLW2901 - in place
            return loss

        return Training(step, one.model, one.optimizers, others={str(k): a.array for k, a in enumerate(averages)})

    assert_equal_steps(build, regression())


def test_the_loss_may_be_of_the_weights_after_the_update():
    def build():
        one = training(mlp())

        def step(x, y):
            before = one.model[0].weight.clone()
            loss = one.step(x, y)
            return loss + ((one.model[0].weight - before) ** 2).sum()

        return Training(step, one.model, one.optimizers)

    assert_equal_steps(build, regression())


def test_gradients_that_are_inputs_or_weights_themselves():
    def build():
        model = nn.Sequential()
        model.v, model.w = (nn.Parameter(floats(3, seed=k), name=name) for k, name in enumerate("vw"))
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            loss = (model.v * model.w).sum() + (model.w * x).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Training(step, model, (optimizer,))

    assert_equal_steps(build, [(floats(3, seed=k),) for k in range(5)])


def test_a_penalty_on_the_weights():
    def build():
        model = mlp()
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        def step(x, y):
            loss = nn.MSELoss()(model(x), y) + 0.01 * sum((p * p).sum() for p in model.parameters())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Training(step, model, (optimizer,))

    assert_equal_steps(build, regression())


CLIPPING = {
    "norm": lambda parameters: utils.clip_grad_norm_(parameters, 0.5),
    "largest norm": lambda parameters: utils.clip_grad_norm_(parameters, 0.1, norm_type=np.inf),
    "value": lambda parameters: utils.clip_grad_value_(parameters, 0.05),
}


@pytest.mark.parametrize("clip", CLIPPING.values(), ids=CLIPPING)
def test_clipping(clip):
    assert_equal_steps(lambda: training(mlp(), clip=clip), regression())


SCHEDULES = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [1, 3], 0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda count: 1 / (1 + count)),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, total_iters=3),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 4),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, 8),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, total_iters=2), lr_scheduler.ExponentialLR(o, 0.5)], [2]
    ),
}


def test_every_schedule_has_a_case():
    assert {*SCHEDULES} == {*lr_scheduler.__all__} - {"LRScheduler"}


@pytest.mark.parametrize("inside", [True, False], ids=["in the step", "between steps"])
@pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)
def test_schedules(make, inside):
    def build():
        one = training(mlp(), optimizer=lambda p: optim.Adam(p, lr=0.1))
        schedule = make(one.optimizers[0])

        def step(x, y):
            loss = one.step(x, y)
            if inside:
                schedule.step()
            return loss

        return Training(step, one.model, one.optimizers, others=schedule.state, schedule=schedule)

    def between(one, k):
        if k and not inside:
            one.schedule.step()

    assert_equal_steps(build, regression(), between=between)


def test_a_bias_that_the_step_halves_after_the_update():
    def build():
        one = training(mlp())

        def step(x, y):
            loss = one.step(x, y)
            with tg.no_grad():
                one.model[0].bias *= 0.5
            return loss

        return Training(step, one.model, one.optimizers)

    assert_equal_steps(build, regression())


# ---------------------------------------------------------------------------------------------- inputs
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
