"""What happens between two compiled steps is seen by the next one: nothing of the weights hides in the program."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.compiling import (
    RNG,
    Training,
    assert_equal_steps,
    assert_same_state,
    bits,
    floats,
    mlp,
    regression,
    tg_compile,
    training,
)
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import AnomalyError, CaptureError, OptionError


def test_the_short_last_batch():
    batches = [batch for k in range(4) for batch in (*regression(2), *regression(1, n=2), *regression(1, n=1))]
    compiled = assert_equal_steps(lambda: training(mlp(), None, lambda p: optim.Adam(p, lr=0.1)), batches)
    assert "3 programs" in repr(compiled)


def test_training_and_evaluating_in_turn():
    def build():
        rng = RNG(0)
        model = nn.Sequential(
            nn.Linear(5, 4, rng=rng), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=rng), nn.Linear(4, 3, rng=rng)
        )
        return training(model, generators=[rng])

    def between(one, k):
        one.model.train(k % 3 != 2)

    compiled = assert_equal_steps(build, regression(12), between=between)
    assert "2 programs" in repr(compiled)


def save(one, _):
    one.saved = one.model.state_dict(), one.optimizers[0].state_dict()


def load(one, _):
    one.model.load_state_dict(one.saved[0])
    one.optimizers[0].load_state_dict(one.saved[1])


def set_lr(one, k):
    one.optimizers[0].lr = 0.1 / k


def set_data(one, _):
    weight = one.model[0].weight
    weight.data = weight.numpy() * 2


def set_all_data(one, _):
    for parameter in one.model.parameters():
        parameter.data = parameter.numpy() * 2


def write_into_data(one, k):
    one.model[0].weight.numpy()[0] = k
    one.model[2].bias.data[:] = 0


def in_place(one, _):
    with tg.no_grad():
        one.model[0].weight *= 0.5
        one.model[2].bias.copy_(floats(3))


def eager(one, k):
    one.step(*regression(20)[10 + k])


def forget(one, _):
    one.model.zero_grad()


def keep_gradient(one, _):
    for parameter in one.model.parameters():
        parameter.grad = tg.tensor(np.ones(parameter.shape, np.float32))


def new_parameter(one, _):
    one.model[0].weight.array = one.model[0].weight.array.copy()


def predict(one, _):
    one.model.eval()(floats(3, 5))
    one.model.train()


BETWEEN = {
    "weights and state saved and loaded": lambda one, k: (load if k % 2 == 0 else save)(one, k),
    "lr changed": set_lr,
    "data replaced": set_data,
    "all data replaced": set_all_data,
    "written into data": write_into_data,
    "changed in place": in_place,
    "eager steps": eager,
    "gradients forgotten": forget,
    "gradients replaced": keep_gradient,
    "arrays replaced": new_parameter,
    "predictions": predict,
}


@pytest.mark.parametrize("happens", BETWEEN.values(), ids=BETWEEN)
@pytest.mark.parametrize(
    "optimizer", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.Adam(p, lr=0.01)], ids=["SGD", "Adam"]
)
def test_what_happens_between_steps(happens, optimizer):
    def between(one, k):
        if k > 2:
            happens(one, k)

    assert_equal_steps(lambda: training(mlp(), None, optimizer), regression(10), between=between)


def test_arrays_that_were_taken_before_stay_the_weights_own():
    one = training(mlp())
    weight, moving = one.model[0].weight.numpy(), one.optimizers[0].state["momentum.0.weight"]
    step = tg_compile(one.step)
    for batch in regression():
        step(*batch)
    assert one.model[0].weight.numpy() is weight
    assert one.optimizers[0].state["momentum.0.weight"] is moving


def test_two_compiled_steps_of_the_same_weights():
    def build():
        one = training(mlp())
        other = training(one.model, nn.L1Loss(), lambda p: optim.Adam(p, lr=0.01))
        return Training(one.step, one.model, (*one.optimizers, *other.optimizers), second=other.step)

    eager, compiled = build(), build()
    steps = tg_compile(compiled.step), tg_compile(compiled.second)
    for k, batch in enumerate(regression(10)):
        expected = (eager.step, eager.second)[k % 2](*batch).item()
        assert steps[k % 2](*batch) == expected
        assert_same_state(compiled, eager)


def test_a_gradient_that_is_kept_by_copy_stays():
    one = training(mlp())
    step = tg_compile(one.step)
    batches = regression()
    for batch in batches[:3]:
        step(*batch)
    copy, kept = one.model[0].weight.grad.numpy().copy(), one.model[0].weight.grad.clone()
    step(*batches[3])
    assert bits(kept.numpy()) == bits(copy) != bits(one.model[0].weight.grad.numpy())


def assert_equal_epochs(X, y, order, size):
    """Make three epochs in one call each, and eagerly batch by batch."""
    eager, compiled = training(mlp()), training(mlp())
    step = tg_compile(compiled.step)
    for _ in range(3):
        batches = [order[k : k + size] for k in range(0, len(order), size)]
        expected = [eager.step(X[rows], y[rows]).item() for rows in batches]
        assert step.epoch(X, y, order, batch_size=size).tolist() == expected
        assert_same_state(compiled, eager)


def test_epochs():
    assert_equal_epochs(floats(20, 5), floats(20, 3), RNG(1).permutation(20), 6)


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("together", [1, 300, 2**20], ids="gathered in {} bytes at most".format)
def test_batches_that_are_gathered_together_are_those_of_the_order(monkeypatch, together, layout):
    monkeypatch.setattr("tinygrad_edu.compiler.epochs._TOGETHER", together)
    order = np.array([3, 3, -1, 0, 7, 5, 2, 2, 11, 4, 6, 1, 10])
    assert_equal_epochs(np.asarray(floats(12, 5), order=layout), floats(12, 3), order, 2)


def test_an_epoch_stops_at_a_bad_batch_after_whole_steps():
    def build():
        return training(mlp(), nn.CrossEntropyLoss())

    x, labels, bad = floats(12, 5), RNG(1).integers(0, 3, 12), np.array([0, 1, 2, 1, 7, 2, 1, 0, 2, 1, 0, 1])
    eager, compiled = build(), build()
    step = tg_compile(compiled.step)
    step.epoch(x, labels, batch_size=2)
    with pytest.raises(OptionError, match="targets from 0 to 2, but was given 7"):
        step.epoch(x, bad, batch_size=2)
    for k in range(0, 12, 2):
        eager.step(x[k : k + 2], labels[k : k + 2])
    for k in range(0, 4, 2):
        eager.step(x[k : k + 2], bad[k : k + 2])
    assert [p.grad for p in compiled.model.parameters()] == [None] * 4  # where they were lies what was computed last
    eager.optimizers[0].zero_grad()
    assert_same_state(compiled, eager)


def test_an_epoch_that_looks_for_anomalies_is_made_by_the_function():
    x, y = floats(12, 5), np.abs(floats(12, 3))
    step = tg_compile(training(mlp(), lambda prediction, y: ((prediction - tg.sqrt(y)) ** 2).mean()).step)
    step.epoch(x, y, batch_size=4)
    y[10] = -1
    with np.errstate(all="ignore"):
        assert np.isnan(step.epoch(x, y, batch_size=4)).tolist() == [False, False, True]
    with tg.detect_anomaly(), pytest.raises(AnomalyError, match="sqrt made a NaN"):
        step.epoch(x, y, batch_size=4)


def test_an_epoch_notices_what_a_schedule_of_the_user_s_changes_on_its_way():
    def build():
        one = training(mlp())
        (descent,) = one.optimizers

        class Meddling(optim.lr_scheduler.LRScheduler):
            def rate(self, base_lr, count):
                if count == 6:
                    descent.momentum = 0.5
                return base_lr

        schedule = Meddling(descent)

        def step(x, y):
            loss = one.step(x, y)
            schedule.step()
            return loss

        return tg_compile(step)

    x, y = floats(24, 5), floats(24, 3)
    with pytest.raises(CaptureError, match=r"momentum of SGD was 0\.9"):
        build().epoch(x, y, batch_size=2)
