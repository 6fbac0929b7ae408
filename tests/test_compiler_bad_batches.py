"""Wrong labels, shapes and options raise, say what is meant, and leave every weight as it was."""

import numpy as np
import pytest

from tests.compiling import RNG, assert_refused, bits, floats, mlp, regression, tg_compile, training
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import CaptureError, OptionError, ShapeError


def classes():
    return training(mlp(), nn.CrossEntropyLoss(), lambda p: optim.Adam(p, lr=0.1))


@pytest.mark.parametrize("after", [0, 1, 2, 3])
@pytest.mark.parametrize("label", [3, -1])
def test_a_wrong_label_leaves_everything_as_it_was(after, label):
    good = [(floats(4, 5, seed=k), np.array([0, 1, 2, 0])) for k in range(after)]
    message = assert_refused(
        classes(),
        *good,
        (floats(4, 5), np.array([0, 1, label, 0])),
        error=OptionError,
        match="needs targets from 0 to 2",
    )
    assert str(label) in message


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_wrong_label_after_layers_with_a_state_of_their_own_leaves_what_is_trained_as_it_was(after):
    rng = RNG(0)
    model = nn.Sequential(nn.BatchNorm1d(5), nn.Dropout(0.5, rng=rng), nn.Linear(5, 3, rng=rng))
    one = training(model, nn.CrossEntropyLoss(), lambda p: optim.Adam(p, lr=0.1))
    step = tg_compile(one.step)
    for k in range(after):
        step(floats(4, 5, seed=k), np.array([0, 1, 2, 0]))
    before = one.state()
    with pytest.raises(OptionError, match="targets from 0 to 2"):
        step(floats(4, 5), np.array([0, 1, 9, 0]))
    trained = {name for name, _ in model.named_parameters()}
    names = [n for n in before if n.startswith("optimizer.") or n.removeprefix("model.") in trained]
    assert len(names) == 14
    assert [n for n in names if bits(before[n]) != bits(one.state()[n])] == []


def test_shapes_that_were_not_allowed():
    one = training(mlp())
    step = tg_compile(one.step, shapes=[(6, 5), (6, 3)])
    step(*regression()[0])
    before = one.state()
    with pytest.raises(ShapeError, match=r"\(6, 5\).*\(2, 5\)"):
        step(floats(2, 5), floats(2, 3))
    assert {n: bits(a) for n, a in before.items()} == {n: bits(a) for n, a in one.state().items()}
    step(*regression()[0])


def test_another_dtype_is_compiled_for():
    one = training(mlp())
    step = tg_compile(one.step)
    for x, y in regression(2):
        step(x, y)
        step(x.astype(np.float64), y)
    assert "2 programs" in repr(step)


@pytest.mark.parametrize("arrays", [(), (floats(6, 5),), (floats(6, 5), floats(6, 3), floats(6))], ids=len)
def test_the_wrong_number_of_arrays(arrays):
    step = tg_compile(training(mlp()).step)
    with pytest.raises(OptionError, match=r"takes 2 arrays \(x, y\)"):
        step(*arrays)


def test_options():
    one = training(mlp())
    with pytest.raises(OptionError, match="'numpy' or 'numba', but is 'torch'"):
        tg_compile(one.step, backend="torch")
    with pytest.raises(OptionError, match="takes a function"):
        tg_compile(3)
    with pytest.raises(OptionError, match=r"given a model\. To predict with it, use model\.compile\(\)"):
        tg_compile(one.model)
    with pytest.raises(CaptureError, match="first call"):
        tg_compile(one.step).source  # noqa: B018 - it raises


def test_epochs_of_wrong_lengths_and_sizes():
    step = tg_compile(training(mlp()).step)
    with pytest.raises(ShapeError, match="one target for each"):
        step.epoch(floats(6, 5), floats(5, 3))
    with pytest.raises(OptionError, match="batch_size"):
        step.epoch(floats(6, 5), floats(6, 3), batch_size=0)


def test_a_step_that_stops_midway_leaves_no_gradients():
    one = training(mlp(), nn.CrossEntropyLoss())
    step, x, labels = tg_compile(one.step), floats(6, 5), np.array([0, 1, 2, 0, 1, 2])
    for _ in range(3):
        step(x, labels)
    parameters = list(one.model.parameters())
    with pytest.raises(OptionError, match="targets from 0 to 2"):
        step(x, labels + 1)
    assert [p.grad for p in parameters] == [None] * 4  # where they were lies what was computed last
    step(x, labels)
    assert all(p.grad is not None for p in parameters)
