"""`fit(..., trace=True)`: every update as a step, the same compiled and not, in bounded memory."""

import signal

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.interfering import After
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.optim.lr_scheduler import ExponentialLR
from tinygrad_edu.traces import StopReason, Trace
from tinygrad_edu.training import Callback, EarlyStopping, Tracing

RNG = np.random.default_rng
# Forty examples of three features, their class of two, and two numbers to predict.
X = RNG(0).normal(size=(40, 3)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(int)
NUMBERS = (X[:, :2] * 2 + 1).astype(np.float32)


def network(*, seed=0, dtype=np.float32):
    model = nn.MLP(3, [4], 2, activation="tanh", rng=RNG(seed))
    for parameter in model.parameters():
        parameter.array = parameter.array.astype(dtype)
    return model


def train(model=None, *, optimizer=optim.SGD, options=None, y=NUMBERS, **more):
    model = network() if model is None else model
    descent = optimizer(model.parameters(), **{"lr": 0.1, "batch_size": 16, **(options or {})})
    settings = {"loss": nn.MSELoss(), "epochs": 3, "compile": "none", "trace": True, **more}
    return model, tg.fit(model, X, y, optimizer=descent, **settings)


def flat(model):
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


# ------------------------------------------------------------------------------------- what a step is


def test_the_steps_are_the_updates_and_one_more_for_the_end():
    start = flat(network())
    model, history = train()
    trace = history.trace
    assert isinstance(trace, Trace)
    assert [step.k for step in trace] == list(range(10))  # 3 epochs of 16, 16 and 8 examples
    assert (trace.n_steps, trace.thinned) == (9, False) == (history.n_updates, False)
    np.testing.assert_array_equal(trace[0].point, start, strict=True)
    np.testing.assert_array_equal(trace.x, flat(model), strict=True)
    np.testing.assert_array_equal(trace.losses[:-1], history.losses)
    assert (trace.stop_reason, trace.message) == (history.stop_reason, history.message)


def test_what_was_not_computed_at_the_end_is_not_zero():
    trace = train()[1].trace
    assert np.isnan(trace.loss)
    assert trace.gradient is None
    assert trace[-1].batch is None
    assert np.isnan(trace.gradients[-1]).all()
    assert np.isfinite(trace.gradients[:-1]).all()


def test_each_step_has_the_loss_and_the_gradient_of_its_own_batch():
    trace = train()[1].trace
    for step in trace[:-1]:
        model = network(seed=1)
        model.load_state_dict(trace.unflatten(step.point))
        loss = nn.MSELoss()(model(tg.tensor(X[step.batch])), tg.tensor(NUMBERS[step.batch]))
        loss.backward()
        # The rows stand elsewhere in memory, so that products may be rounded differently.
        np.testing.assert_allclose(step.loss, loss.item(), rtol=1e-6)
        gradient = np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])
        np.testing.assert_allclose(step.gradient, gradient, rtol=1e-5, atol=1e-7)


def test_plain_descent_goes_against_the_gradient():
    trace = train()[1].trace
    np.testing.assert_array_equal(trace.points[1:], (trace.points - np.float32(0.1) * trace.gradients)[:-1])


@pytest.mark.parametrize("validation", [None, 0.25, (X[:5], NUMBERS[:5])])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_the_batches_are_rows_of_the_data_as_given(validation, batch_size):
    seen = []

    class Note(nn.MSELoss):
        def __call__(self, prediction, target):
            seen.append(np.asarray(target))
            return super().__call__(prediction, target)

    trace = train(options={"batch_size": batch_size}, loss=Note(), validation=validation, epochs=2)[1].trace
    n_learned = 30 if validation == 0.25 else 40
    batches = [step.batch for step in trace[:-1]]
    dealt = iter(seen)  # what the loss saw in order, with the held-out examples in between
    for batch in batches:
        assert any(np.array_equal(NUMBERS[batch], y) for y in dealt)
    assert len(batches) == 2 * -(-n_learned // (batch_size or n_learned))
    for epoch in np.split(np.concatenate(batches), 2):
        assert len(set(epoch.tolist())) == len(epoch) == n_learned


def test_steps_that_see_all_examples_share_the_list_of_them():
    trace = train(options={"batch_size": None})[1].trace
    assert trace[0].batch is trace[1].batch
    with pytest.raises(ValueError, match="read-only"):
        trace[0].batch[0] = 1


def test_the_learning_rate_is_the_one_of_the_update():
    class Decay(Callback):
        def on_fit_begin(self, run):
            self.schedule = ExponentialLR(run.optimizer, gamma=0.5)

        def on_update_end(self, run):
            self.schedule.step()

    trace = train(callbacks=[Decay()], epochs=1)[1].trace
    assert trace.learning_rates.tolist() == [0.1, 0.05, 0.025, 0.0125]


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_every_optimizer_can_be_traced(make):
    model, history = train(optimizer=make)
    np.testing.assert_array_equal(history.trace.x, flat(model))
    assert len(history.trace) == history.n_updates + 1


def test_points_come_apart_into_the_parameters_by_name():
    model, history = train()
    parts = history.trace.unflatten(history.trace.x)
    assert list(parts) == list(history.trace.variables) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(parts[name], array, strict=True)
    with pytest.raises(ShapeError, match="given 3 numbers, but a point of this trace has 26"):
        history.trace.unflatten([1, 2, 3])


def test_parameters_of_two_precisions_keep_theirs():
    model = network()
    model[2].weight.array = model[2].weight.array.astype(np.float64)
    trace = train(model)[1].trace
    assert trace.points.dtype == np.float64
    for name, array in trace.unflatten(trace.x).items():
        np.testing.assert_array_equal(array, model.state_dict()[name], strict=True)


def test_only_what_the_optimizer_changes_is_traced():
    model = network()
    model[0].weight.requires_grad = False
    scale = nn.Parameter(np.ones(2, np.float32), name="scale")
    descent = optim.SGD([scale, *model.parameters()], lr=0.1)
    history = tg.fit(
        model, X, NUMBERS, loss=lambda y, t: ((scale * y - t) ** 2).mean(), optimizer=descent, epochs=2, trace=True
    )
    assert history.trace.variables == ("0.bias", "2.weight", "2.bias", "scale")
    np.testing.assert_array_equal(history.trace.unflatten(history.trace.x)["scale"], scale.numpy())


def test_a_parameter_that_the_loss_does_not_reach_has_the_slope_0():
    model = network()
    idle = nn.Parameter(np.ones(2, np.float32), name="idle")
    descent = optim.SGD([*model.parameters(), idle], lr=0.1)
    trace = tg.fit(model, X, NUMBERS, loss=nn.MSELoss(), optimizer=descent, epochs=1, trace=True).trace
    assert trace.unflatten(trace[0].gradient)["idle"].tolist() == [0, 0]


def test_batches_that_an_optimizer_deals_in_its_own_way_are_not_guessed():
    class Backwards(optim.SGD):
        def batches(self, x, y, *, rng):
            return tg.data.batches(x[::-1], y[::-1], 10)

    trace = train(optimizer=Backwards)[1].trace
    assert [step.batch for step in trace] == [None] * 13


def test_without_a_trace_there_is_none():
    for nothing in (None, False):
        assert train(trace=nothing)[1].trace is None


# ------------------------------------------------------------------------------- the same, compiled


def of_both(backend, **options):
    runs = [train(compile=how, **options) for how in ("none", backend)]
    return [history for _, history in runs]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"options": {"momentum": 0.9, "nesterov": True, "batch_size": None}},
        {"optimizer": optim.Adam, "validation": 0.25, "y": LABELS, "loss": nn.CrossEntropyLoss()},
        {"options": {"lr": 30.0}, "epochs": 9},  # diverges
    ],
)
def test_numpys_program_leaves_the_same_trace_bit_for_bit(options):
    plain, compiled = of_both("numpy", **options)
    assert compiled.compiled == "numpy"
    assert plain.trace == compiled.trace
    for mine, theirs in zip(plain.trace, compiled.trace, strict=True):
        assert mine.point.tobytes() == theirs.point.tobytes()
        assert (mine.gradient is None) == (theirs.gradient is None)
        assert mine.gradient is None or mine.gradient.tobytes() == theirs.gradient.tobytes()


def test_machine_code_goes_update_by_update():
    pytest.importorskip("numba")
    plain, machine = of_both("numba")
    assert machine.compiled == "numba"
    assert len(machine.trace) == 10
    np.testing.assert_allclose(machine.trace.points, plain.trace.points, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(machine.trace.gradients, plain.trace.gradients, rtol=1e-3, atol=1e-6)
    for mine, theirs in zip(plain.trace[:-1], machine.trace[:-1], strict=True):
        np.testing.assert_array_equal(mine.batch, theirs.batch)


@pytest.mark.parametrize("how", ["none", "numpy"])
def test_tracing_changes_nothing_in_the_run(how):
    runs = [train(trace=trace, compile=how, epochs=4) for trace in (None, True)]
    assert flat(runs[0][0]).tobytes() == flat(runs[1][0]).tobytes()
    assert runs[0][1].losses.tolist() == runs[1][1].losses.tolist()


# ---------------------------------------------------------------------------------------- how it ends


def test_a_loss_that_is_no_number_is_the_last_step():
    trace = train(options={"lr": 1e20}, epochs=9)[1].trace
    assert trace.stop_reason is StopReason.DIVERGED
    assert not np.isfinite(trace.loss)
    assert trace.gradient is None
    assert len(trace[-1].batch) in {8, 16}
    assert trace.message.startswith("Diverged at update")


def test_the_end_is_where_the_descent_came_to_and_not_where_early_stopping_went_back_to():
    model, history = train(callbacks=[EarlyStopping(patience=1)], options={"lr": 2.0}, epochs=20, validation=0.25)
    assert history.trace.stop_reason is StopReason.EARLY_STOPPING
    assert (history.trace.x != flat(model)).any()
    visited = [step.point.tobytes() for step in history.trace]
    assert flat(model).tobytes() in visited


def test_an_interrupted_run_keeps_its_trace():
    press = After(lambda _run: signal.raise_signal(signal.SIGINT), update=4)
    model, history = train(callbacks=[press])
    assert history.trace.stop_reason is StopReason.INTERRUPTED
    assert history.trace.n_steps == history.n_updates == 4
    np.testing.assert_array_equal(history.trace.x, flat(model))


def test_a_run_that_is_interrupted_at_once_is_at_its_start():
    class Press(Callback):
        def on_fit_begin(self, run):
            raise KeyboardInterrupt

    model, history = train(callbacks=[Press()])
    assert len(history.trace) == 1
    np.testing.assert_array_equal(history.trace.x, flat(model))


def test_tolerance_ends_it_after_the_update():
    trace = train(tolerance=1e9)[1].trace
    assert (trace.stop_reason, trace.n_steps) == (StopReason.TOLERANCE, 1)
    assert trace[0].slope < 1e9


# ---------------------------------------------------------------------------------- bounded memory


@pytest.mark.parametrize("limit", [{"keep": 12}, {"max_bytes": 12 * (2 * 26 * 4 + 8 + 600)}])
def test_a_long_run_keeps_its_ends_and_its_extremes(limit):
    options = {"options": {"batch_size": 1, "lr": 0.05}, "epochs": 5}
    full, thin = (train(trace=trace, **options)[1].trace for trace in (True, Tracing(**limit)))
    assert len(full) == 201
    assert len(thin) <= 12
    assert (thin.n_steps, thin.thinned) == (200, True)
    assert set(thin.ks) < set(full.ks)
    for step in thin:
        assert step == full[step.k]
    for extreme in (np.nanargmax(full.losses), np.nanargmin(full.losses), np.nanargmax([s.slope for s in full])):
        assert extreme in thin.ks
    assert thin[0] == full[0]
    assert thin[-1] == full[-1]


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        ("yes", "trace must be True, False or such as training.Tracing"),
        (3, "but is 3"),
    ],
)
def test_what_is_no_way_to_trace_is_refused(trace, message):
    with pytest.raises(OptionError, match=message):
        train(trace=trace)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 7}, "keep must be a whole number of at least 8 steps, but is 7"),
        ({"keep": 10.0}, "but is 10.0"),
        ({"keep": True}, "but is True"),
        ({"max_bytes": 0}, "max_bytes must be a whole number from 1 on, but is 0"),
        ({"max_bytes": 1.5}, "max_bytes"),
    ],
)
def test_how_much_to_keep_is_checked(options, message):
    with pytest.raises(OptionError, match=message):
        Tracing(**options)


def test_a_model_too_large_for_the_memory_is_refused_before_it_is_trained():
    model = network()
    before = flat(model)
    with pytest.raises(OptionError, match=r"takes 936 bytes, and max_bytes=5,000 .* trace=Tracing\(max_bytes=7488\)"):
        train(model, trace=Tracing(max_bytes=5000))
    np.testing.assert_array_equal(flat(model), before)
    assert len(train(model, trace=Tracing(max_bytes=7488))[1].trace) <= 10


# -------------------------------------------------------------------------------------------- as text


def test_a_trace_of_a_model_comes_back_from_json_exactly():
    for options in ({}, {"options": {"lr": 1e20}}):
        trace = train(**options)[1].trace
        again = Trace.from_json(trace.to_json())
        assert again == trace
        assert again.parts == trace.parts
        for mine, theirs in zip(trace, again, strict=True):
            assert mine.point.tobytes() == theirs.point.tobytes()
            assert mine.point.dtype == theirs.point.dtype == np.float32
