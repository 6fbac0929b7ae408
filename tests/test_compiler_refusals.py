"""What cannot be compiled raises, names the line and the remedy, and leaves every weight as it was."""

import itertools
import random

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compiling import RNG, Training, assert_refused, bits, mlp, regression, tg_compile, training
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import CaptureError, ShapeError

SETTINGS = {"alpha": 0.5}
ALPHA = 0.5


def of(*, before=None, after=None, around=None, optimizer=optim.SGD, zero_grad=True, update=True, answer=None):
    """Make a training whose step does something more: with the output before the loss, or after the backward pass."""
    model = mlp()
    descent = optimizer(model.parameters(), lr=0.1)

    def step(x, y):
        out = model(x)
        if before is not None:
            out = before(out)
        loss = ((out - y) ** 2).mean()
        if around is not None:
            loss = around(model, loss)
        if zero_grad:
            descent.zero_grad()
        loss.backward()
        if after is not None:
            after(model, descent)
        if update:
            descent.step()
        return loss if answer is None else answer(loss)

    return Training(step, model, (descent,))


# ------------------------------------------------------------------------ values that Python would look at
def branch(out):
    if out.sum() > 0:
        return out
    return -out


def branch_on_all(out):
    return out if (out < 1e9).all() else -out


def loop(out):
    while out.max() > 100:
        out = out / 2
    return out


def scale_by_float(out):
    return out * float(out.detach().max())


def scale_by_item(out):
    return out * out.max().item()


def compare_item(out):
    return out if out.sum().item() > 0 else -out


def scale_by_numpy(out):
    return out * out.numpy().std()


def scale_by_data(out):
    return out * out.data.std()


def scale_by_list(out):
    return out * out.tolist()[0]


def mask(out):
    return out * (out[out > 0].sum())


def mask_of_nonzero(out):
    return out * len(np.nonzero(out)[0])


def index_by_item(out):
    return out * out[int(out[0].argmax())]


def write_in_part(out):
    fixed = out.detach().clone()
    fixed[0] = 0
    return out * fixed


def assert_finite(out):
    assert np.isfinite(out.sum().item())
    return out


TAKEN = {
    "a decision": (branch, "if out.sum() > 0:", "tg.where"),
    "a decision on all": (branch_on_all, "return out if (out < 1e9).all()", "tg.where"),
    "a loop": (loop, "while out.max() > 100:", "tg.where"),
    "float()": (scale_by_float, "float(out.detach().max())", "Tensor"),
    "item()": (scale_by_item, "out.max().item()", "Tensor"),
    "item() compared": (compare_item, "out.sum().item() > 0", "Tensor"),
    "item() in a check": (assert_finite, "out.sum().item()", "Tensor"),
    "numpy()": (scale_by_numpy, "out.numpy().std()", "Tensor"),
    "data": (scale_by_data, "out.data.std()", "Tensor"),
    "tolist()": (scale_by_list, "out.tolist()", "Tensor"),
    "a mask": (mask, "out[out > 0]", "tg.where"),
    "nonzero": (mask_of_nonzero, "np.nonzero(out)", "tg.where"),
    "an index": (index_by_item, "int(out[0].argmax())", "Tensor"),
    "a write into a part": (write_in_part, "fixed[0] = 0", "tg.where"),
}


@pytest.mark.parametrize(("before", "line", "remedy"), TAKEN.values(), ids=TAKEN)
def test_values_that_python_looks_at(before, line, remedy):
    message = assert_refused(of(before=before))
    assert "test_compiler_refusals.py:" in message
    assert line in message
    assert remedy in message


def write_to_data(model, _):
    model[0].weight.data[0] = 0.0


def write_to_numpy(model, _):
    model[0].weight.numpy()[...] *= 0.5


def write_to_gradient(model, _):
    model[0].weight.grad.numpy()[...] *= 0.5


def replace_data(model, _):
    model[0].weight.data = np.zeros((4, 5), np.float32)


def write_with_no_grad(model, _):
    with tg.no_grad():
        model[0].weight[0] = 0.0


def set_the_learning_rate(_, descent):
    descent.lr = 0.05


WRITES = {
    "data[i]": (write_to_data, "model[0].weight.data[0] = 0.0"),
    "numpy()[...]": (write_to_numpy, "model[0].weight.numpy()[...] *= 0.5"),
    "gradient": (write_to_gradient, "model[0].weight.grad.numpy()[...] *= 0.5"),
    "data = ...": (replace_data, "model[0].weight.data = np.zeros"),
    "x[i] under no_grad": (write_with_no_grad, "model[0].weight[0] = 0.0"),
    "lr": (set_the_learning_rate, "descent.lr = 0.05"),
}


@pytest.mark.parametrize(("after", "line"), WRITES.values(), ids=WRITES)
def test_changes_that_are_no_operations(after, line):
    message = assert_refused(of(after=after))
    assert "test_compiler_refusals.py:" in message
    assert line in message


# ------------------------------------------------------------------------- numbers that changed between steps
def assert_notices(one, change, *, after=3, what, error=CaptureError):
    """Make steps, change a number, and see that the next step says so and changes nothing."""
    step = tg_compile(one.step)
    batches = regression(after + 1)
    for batch in batches[:-1]:
        step(*batch)
    change()
    before = one.model.state_dict()
    with pytest.raises(error, match=what) as raised:
        step(*batches[-1])
    assert {n: bits(a) for n, a in before.items()} == {n: bits(a) for n, a in one.model.state_dict().items()}
    return str(raised.value)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_variable_of_the_enclosing_function(after):
    strength = 0.5

    def change():
        nonlocal strength
        strength = 0.25

    one = of(around=lambda _, loss: loss * strength)
    message = assert_notices(one, change, after=after, what="strength was 0.5.* is now 0.25")
    assert "Tensor" in message


@pytest.mark.parametrize("after", [1, 3])
def test_a_global_variable(after, monkeypatch):
    one = of(around=lambda _, loss: loss * ALPHA)
    assert_notices(one, lambda: monkeypatch.setitem(globals(), "ALPHA", 0.25), after=after, what="ALPHA was 0.5")


def test_an_entry_of_a_dictionary_that_differs_in_the_second_step(monkeypatch):
    one = of(around=lambda _, loss: loss * SETTINGS["alpha"])
    message = assert_notices(one, lambda: monkeypatch.setitem(SETTINGS, "alpha", 0.25), after=1, what="0.25")
    assert "SETTINGS['alpha'] was 0.5" in message


def test_a_number_that_grows_with_every_step():
    counter = itertools.count(1)
    one = of(around=lambda _, loss: loss * next(counter))
    message = assert_refused(one, *regression(2))
    assert "next(counter)" in message


class Scaled(nn.Module):
    def __init__(self, scale):
        self.scale, self.layer = scale, nn.Linear(5, 3, rng=RNG(0))

    def forward(self, x):
        return self.layer(x) * self.scale


@pytest.mark.parametrize("after", [1, 3])
def test_an_attribute_of_a_layer(after):
    model = Scaled(0.5)
    assert_notices(training(model), lambda: setattr(model, "scale", 0.25), after=after, what="scale of .*was 0.5")


def test_an_attribute_of_an_optimizer():
    one = training(mlp())
    change = lambda: setattr(one.optimizers[0], "momentum", 0.5)  # noqa: E731
    assert_notices(one, change, what="momentum of SGD was 0.9")


def test_an_attribute_of_the_object_that_the_step_is_a_method_of():
    class Trainer:
        strength = 0.5

        def __init__(self):
            self.factor, self.one = 0.5, of(around=lambda _, loss: loss * self.factor * self.strength)

        def step(self, x, y):
            return self.one.step(x, y)

    trainer = Trainer()
    one = Training(trainer.step, trainer.one.model, trainer.one.optimizers)
    assert_notices(one, lambda: setattr(trainer, "factor", 0.25), what="factor was 0.5")


def test_a_learning_rate_that_is_read_as_a_number():
    model = mlp()
    descent = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        loss = nn.MSELoss()(model(x), y)
        descent.zero_grad()
        loss.backward()
        with tg.no_grad():
            for w in model.parameters():
                w -= descent.lr * w.grad  # noqa: PLW2901 - in place
        return loss

    message = assert_notices(
        Training(step, model, (descent,)), lambda: setattr(descent, "lr", 0.05), what="lr of SGD.* was 0.1"
    )
    assert "w -= descent.lr * w.grad" in message


def test_other_operations_in_the_second_call():
    calls = itertools.count(1)

    def around(_, loss):
        return loss * 2 if next(calls) == 1 else loss + 1

    message = assert_refused(of(around=around), *regression(2))
    assert "multiply" in message
    assert "add" in message


def test_more_operations_in_the_second_call():
    calls = itertools.count(1)

    def answer(loss):
        for _ in range(next(calls)):
            loss = loss * 1.5
        return loss

    assert_refused(of(answer=answer), *regression(2))


# ------------------------------------------------------------------------------ what a step does in Python besides
class Settings:
    calls = 0


def count_in_a_list(calls=[]):  # noqa: B006 - kept between calls on purpose
    def around(_, loss):
        calls.append(loss.shape)
        return loss

    return around


def count_in_a_variable():
    n = 0

    def around(_, loss):
        nonlocal n
        n += 1
        return loss * 3 if n > 4 else loss

    return around


def count_in_an_attribute():
    settings = Settings()
    settings.calls = 0

    def around(_, loss):
        settings.calls += 1
        return loss

    return around


def count_in_a_dictionary():
    seen = {"calls": 0}

    def around(_, loss):
        seen["calls"] += 1
        return loss

    return around


COUNTS = {
    "a list": count_in_a_list,
    "a variable": count_in_a_variable,
    "an attribute": count_in_an_attribute,
    "a dictionary": count_in_a_dictionary,
}


@pytest.mark.parametrize("make", COUNTS.values(), ids=COUNTS)
def test_what_the_step_counts_in_python_would_stand_still(make):
    message = assert_refused(of(around=make()))
    assert "in Python" in message
    assert "where the step is called" in message


def test_python_s_own_generator_would_stand_still():
    def around(_, loss):
        return loss * 2 if random.random() < 2 else loss

    assert "Python's random" in assert_refused(of(around=around))


def test_a_counter_in_a_layer_would_stand_still():
    class Counter(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x * 2 if self.calls > 4 else x

    assert "calls of" in assert_refused(training(nn.Sequential(nn.Linear(5, 3), Counter())), *regression(2))


@pytest.mark.parametrize("replace", [np.array, tg.tensor], ids=["array", "tensor"])
def test_an_array_in_an_attribute_or_a_dictionary_may_be_replaced(replace):
    ways = {"weights": replace(np.ones(3, np.float32))}
    one = of(around=lambda _, loss: loss * ways["weights"].sum())
    step = tg_compile(one.step)
    losses = [step(*batch) for batch in [regression(1)[0]] * 3]
    ways["weights"] = replace(np.zeros(3, np.float32))
    assert losses[-1] > 0
    assert step(*regression(1)[0]) == 0.0


# ------------------------------------------------------------------------------------- what a step has to do
STEPS = {
    "returns nothing": (lambda: of(answer=lambda _: ()), "returned tuple"),
    "returns a number of its own": (lambda: of(answer=lambda _: 0.5), "returned float"),
    "returns many numbers": (lambda: of(answer=lambda loss: loss * np.ones(3, np.float32)), "shape"),
    "changes nothing": (lambda: of(update=False), "optimizer.step"),
    "forgets zero_grad": (lambda: of(zero_grad=False), "zero_grad"),
}


@pytest.mark.parametrize(("make", "match"), STEPS.values(), ids=STEPS)
def test_what_a_step_has_to_do(make, match):
    one = make()
    if match == "zero_grad":
        one.step(*regression()[0])  # leaves gradients behind
    assert_refused(one, match=match)


def test_a_step_without_zero_grad_that_begins_without_gradients():
    assert_refused(of(zero_grad=False), *regression(2), match="zero_grad")


def test_a_step_that_returns_nothing():
    one = of()

    def step(x, y):
        one.step(x, y)

    assert_refused(Training(step, one.model, one.optimizers), match="return loss")


def test_a_step_without_a_backward_pass():
    model = mlp()
    descent = optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        loss = nn.MSELoss()(model(x), y)
        descent.step()
        return loss

    assert_refused(Training(step, model, (descent,)), error=Exception, match="backward")


def test_an_error_of_the_step_itself_comes_out_as_it_is():
    one = of(before=lambda out: out.reshape((7, 7)))
    assert_refused(one, error=ShapeError)
