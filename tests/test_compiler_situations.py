"""The compiled step does what the step does for odd models, updates by hand, and schedules."""

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


# -------------------------------------------------------------------------------------------- whole steps
def in_small_batches(model, optimizer, x, y):
    optimizer.zero_grad()
    total = 0
    for k in range(0, len(x), 2):
        loss = nn.MSELoss()(model(x[k : k + 2]), y[k : k + 2]) / 3
        loss.backward()
        total = total + loss
    optimizer.step()
    return total


def backwards_twice(model, optimizer, x, y):
    loss = nn.MSELoss()(model(x), y)
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    loss.backward()
    optimizer.step()
    return loss


def with_a_penalty_on_gradients(model, optimizer, x, y):
    slopes = tg.grad(lambda z: model(z).sum())(x)
    loss = nn.MSELoss()(model(x), y) + (slopes * slopes).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def two_updates(model, optimizer, x, y):
    for _ in range(2):
        loss = nn.MSELoss()(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss


def loss_after_the_update(model, optimizer, x, y):
    two_updates(model, optimizer, x, y)
    return nn.MSELoss()(model(x), y)


def loss_without_a_gradient(model, optimizer, x, y):
    return two_updates(model, optimizer, x, y).detach()


def number(model, optimizer, x, y):
    return two_updates(model, optimizer, x, y).item()


STEPS = [
    in_small_batches,
    backwards_twice,
    with_a_penalty_on_gradients,
    two_updates,
    loss_after_the_update,
    loss_without_a_gradient,
    number,
]


@pytest.mark.parametrize("do", STEPS)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_steps(do, kind):
    def build():
        model = mlp()
        optimizer = kind(model.parameters(), lr=0.1)
        return Training(lambda x, y: do(model, optimizer, x, y), model, (optimizer,))

    assert_equal_steps(build, regression())


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_weights_that_are_frozen_or_not_used_stay_as_they_are(kind):
    def build():
        model = mlp()
        model[0].weight.requires_grad = False
        model[2].spare = nn.Linear(2, 2, rng=RNG(1))
        return training(model, optimizer=lambda p: kind(p, lr=0.1))

    assert_equal_steps(build, regression())


class Counting(nn.Module):
    """Has a state that is no parameter: a count, and an average of its outputs."""

    def __init__(self):
        self.body, self.count, self.mean = mlp(), tg.tensor(0), tg.tensor(np.zeros(3, np.float32))

    def forward(self, x):
        y = self.body(x)
        with tg.no_grad():
            self.count += 1
            self.mean.copy_(0.9 * self.mean + 0.1 * y.mean(axis=0))
        return y / (1 + self.count.astype(np.float32)) + self.mean


def test_a_state_of_the_models_own():
    assert_equal_steps(lambda: training(Counting()), regression())


# --------------------------------------------------------------------------------- clipping and schedules
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
