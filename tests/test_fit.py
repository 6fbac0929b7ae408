"""`fit` takes the batches that the optimizer deals, records every update, and says why it ended."""

import functools
import math
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.interfering import After
from tinygrad_edu import metrics, nn, optim
from tinygrad_edu.errors import DataError, GraphError, OptionError, ShapeError
from tinygrad_edu.training import Callback, EarlyStopping, History, StopReason, evaluate, gradient_norm

# A line and its noise: 10 examples of one feature.
X = np.linspace(-1, 1, 10, dtype=np.float32).reshape(-1, 1)
Y = 2 * X + 1 + 0.1 * np.random.default_rng(0).normal(size=X.shape).astype(np.float32)
# Three clouds: 30 examples of two features.
LABELS = np.repeat([0, 1, 2], 10)
CLOUDS = (np.random.default_rng(1).normal(size=(30, 2)) + 3 * np.eye(3, 2)[LABELS]).astype(np.float32)


def line(weight=0.0, bias=0.0):
    model = nn.Linear(1, 1)
    model.load_state_dict({"weight": [[weight]], "bias": [bias]})
    return model


def fit_line(model=None, *, descent=optim.BatchGradientDescent, x=X, y=Y, lr=0.1, **options):
    """Fit a line from 0; the model and the record of the run."""
    model = line() if model is None else model
    optimizer = descent(model.parameters(), lr=lr)
    return model, tg.fit(model, x, y, **{"loss": nn.MSELoss(), "optimizer": optimizer, **options})


def network(seed=0, *layers):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(2, 8, rng=rng), nn.Tanh(), *layers, nn.Linear(8, 3, rng=rng))


def fit_clouds(model=None, *, batch_size=7, lr=0.1, **options):
    model = network() if model is None else model
    descent = optim.SGD(model.parameters(), lr=lr, batch_size=batch_size)
    return model, tg.fit(model, CLOUDS, LABELS, loss=nn.CrossEntropyLoss(), optimizer=descent, **options)


def mini_batches(batch_size):
    return functools.partial(optim.MiniBatchGradientDescent, batch_size=batch_size)


def assert_same_state(mine, theirs):
    assert list(mine) == list(theirs)
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], strict=True)


class Log(Callback):
    """Notes every call, the weights at the end of each epoch, and the mode."""

    def __init__(self):
        self.calls, self.states, self.modes = [], [], []

    def on_fit_begin(self, run):
        self.calls.append(("begin", len(run.losses), len(run.epochs)))
        self.modes.append(run.model.training)

    def on_update_end(self, run):
        self.calls.append(("update", len(run.losses), len(run.epochs)))

    def on_epoch_end(self, run):
        self.calls.append(("epoch", len(run.losses), len(run.epochs)))
        self.states.append(run.model.state_dict())
        self.modes.append(run.model.training)

    def on_fit_end(self, run):
        self.calls.append(("end", len(run.losses), len(run.epochs)))


def interrupt(_run):
    raise KeyboardInterrupt


# ---------------------------------------------------------------------------------------------- the record


def test_two_epochs_by_hand():
    """Batches of 4, 4 and 2, written out: the losses before each update, and their weighted mean."""
    dealt = []

    class InOrder(optim.GradientDescent):
        def batches(self, x, y, *, rng):
            assert isinstance(rng, np.random.Generator)
            dealt.append((x, y))
            return tg.data.batches(x, y, 4)

    x, y = X.astype(np.float64), Y.astype(np.float64)
    model = line()
    for p in model.parameters():
        p.data = p.numpy().astype(np.float64)
    history = tg.fit(model, x, y, loss=nn.MSELoss(), optimizer=InOrder(model.parameters(), 0.1), epochs=2)
    assert len(dealt) == 1

    w = b = 0.0
    losses, means = [], []
    for _ in range(2):
        for start, stop in ((0, 4), (4, 8), (8, 10)):
            xb, yb = x[start:stop], y[start:stop]
            error = w * xb + b - yb
            losses.append(np.mean(error**2))
            w, b = w - 0.1 * 2 * np.mean(error * xb), b - 0.1 * 2 * np.mean(error)
        means.append((4 * losses[-3] + 4 * losses[-2] + 2 * losses[-1]) / 10)

    # A handful of roundings in each of six updates.
    close = functools.partial(np.testing.assert_allclose, rtol=1e-14)
    close(history.losses, losses)
    close(history.epoch_losses, means)
    close([model.weight.item(), model.bias.item()], [w, b])
    assert history.examples.tolist() == [4, 8, 10, 14, 18, 20]
    assert [(e.epoch, e.updates, e.examples) for e in history.epochs] == [(1, 3, 10), (2, 6, 20)]
    assert (history.n_updates, history.n_examples) == (6, 20)


@pytest.mark.parametrize(
    ("descent", "updates"),
    [
        (optim.BatchGradientDescent, 1),
        (optim.StochasticGradientDescent, 10),
        (mini_batches(4), 3),
        (mini_batches(5), 2),
        (mini_batches(10), 1),
        (functools.partial(optim.SGD, batch_size=3), 4),
        (functools.partial(optim.Adam, batch_size=None), 1),
    ],
    ids=["batch", "stochastic", "mini-batch 4", "mini-batch 5", "mini-batch all", "SGD 3", "Adam all"],
)
def test_the_optimizer_says_how_many_updates_an_epoch_has(descent, updates):
    model, history = fit_line(descent=descent, epochs=3)
    assert history.n_updates == len(history.losses) == len(history.seconds) == 3 * updates
    assert history.n_examples == 30
    assert [(e.epoch, e.updates, e.examples) for e in history.epochs] == [(k, k * updates, k * 10) for k in (1, 2, 3)]
    assert model.weight.item() != 0


def test_the_seconds_only_ever_increase():
    _, history = fit_line(descent=mini_batches(3), epochs=5)
    assert history.seconds[0] > 0
    assert np.all(np.diff(history.seconds) > 0)
    assert history.duration == history.seconds[-1] == history.epochs[-1].seconds
    assert [e.seconds for e in history.epochs] == [history.seconds[e.updates - 1] for e in history.epochs]


def test_each_epoch_sees_every_example_once_in_an_order_of_its_own():
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            seen.append(x.numpy()[:, 0].tolist())
            return super().forward(x)

    fit_line(Watched(1, 1), descent=mini_batches(4), epochs=3)
    assert [len(batch) for batch in seen] == [4, 4, 2] * 3
    epochs = [[*seen[i], *seen[i + 1], *seen[i + 2]] for i in (0, 3, 6)]
    assert all(sorted(epoch) == X[:, 0].tolist() for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_record_cannot_be_exchanged():
    _, history = fit_line(epochs=1)
    with pytest.raises(AttributeError):
        history.stop_reason = StopReason.DIVERGED
    with pytest.raises(AttributeError):
        history.epochs[0].loss = 0.0


def test_the_record_of_a_run_without_updates_is_empty():
    history = History(np.array([]), np.array([]), np.array([]), (), StopReason.DIVERGED, "")
    assert (history.n_updates, history.n_examples, history.duration) == (0, 0, 0.0)
    assert math.isnan(history.fluctuation())


def test_stochastic_gradient_descent_fluctuates_where_batch_gradient_descent_is_smooth():
    batch, stochastic = (
        fit_line(descent=make, lr=0.05, epochs=200)[1].fluctuation()
        for make in (optim.BatchGradientDescent, optim.StochasticGradientDescent)
    )
    assert batch < 0.01
    assert stochastic > 0.3


# ------------------------------------------------------------------------------------------ what it returns to


def test_a_mini_batch_of_all_examples_is_batch_gradient_descent_bit_for_bit():
    states, losses = [], []
    for descent in (
        optim.BatchGradientDescent,
        functools.partial(optim.MiniBatchGradientDescent, batch_size=30),
        functools.partial(optim.SGD, batch_size=30),
        functools.partial(optim.SGD, batch_size=None),
    ):
        model = network()
        history = tg.fit(
            model,
            CLOUDS,
            LABELS,
            loss=nn.CrossEntropyLoss(),
            optimizer=descent(model.parameters(), lr=0.5),
            epochs=20,
        )
        states.append(model.state_dict())
        losses.append(history.losses.tolist())
    assert not np.array_equal(states[0]["0.weight"], network().state_dict()["0.weight"])
    for state in states[1:]:
        assert_same_state(state, states[0])
    assert losses == losses[:1] * 4


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_does_not():
    runs = [fit_clouds(epochs=3, seed=seed, validation=0.2) for seed in (0, 0, 1)]
    (first, one), (same, two), (other, three) = runs
    assert_same_state(first.state_dict(), same.state_dict())
    assert one.losses.tolist() == two.losses.tolist()
    assert one.validation_losses.tolist() == two.validation_losses.tolist()
    assert not np.array_equal(first.state_dict()["0.weight"], other.state_dict()["0.weight"])
    assert one.validation_losses.tolist() != three.validation_losses.tolist()


def test_batch_gradient_descent_needs_no_seed():
    runs = [fit_clouds(batch_size=None, epochs=3, seed=seed)[0].state_dict() for seed in (0, 1)]
    assert_same_state(*runs)


def test_dropout_with_a_generator_is_reproducible():
    states = [
        fit_clouds(network(0, nn.Dropout(0.5, rng=np.random.default_rng(seed))), epochs=3)[0].state_dict()
        for seed in (5, 5, 6)
    ]
    assert_same_state(states[0], states[1])
    assert not np.array_equal(states[0]["0.weight"], states[2]["0.weight"])


def test_dropout_follows_the_package_seed():
    states = []
    for seed in (5, 5, 6):
        tg.seed(seed)
        states.append(fit_clouds(network(0, nn.Dropout(0.5)), epochs=3)[0].state_dict())
    assert_same_state(states[0], states[1])
    assert not np.array_equal(states[0]["0.weight"], states[2]["0.weight"])


def test_two_short_runs_of_batch_gradient_descent_are_one_long_run():
    whole, history = fit_clouds(batch_size=None, epochs=6)
    halves = network()
    losses = [loss for _ in range(2) for loss in fit_clouds(halves, batch_size=None, epochs=3)[1].losses]
    assert losses == history.losses.tolist()
    assert_same_state(whole.state_dict(), halves.state_dict())


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("validation", [None, 0.3], ids=["all", "held out"])
def test_a_model_is_trained_in_training_mode_and_left_in_its_own(training, validation):
    model, log = network(0, nn.Dropout()), Log()
    model.train(training)
    fit_clouds(model, epochs=2, validation=validation, callbacks=[log])
    assert log.modes == [True] * 3
    assert [module.training for _, module in model.named_modules()] == [training] * 5


def test_a_model_that_was_interrupted_in_its_validation_is_left_in_its_own_mode():
    model = network()

    def loss(prediction, target):
        if not model.training:
            raise KeyboardInterrupt
        return nn.CrossEntropyLoss()(prediction, target)

    descent = optim.SGD(model.parameters(), batch_size=8)
    history = tg.fit(model, CLOUDS, LABELS, loss=loss, optimizer=descent, epochs=2, validation=0.2)
    assert (history.stop_reason, history.n_updates) == (StopReason.INTERRUPTED, 3)
    assert model.training


def test_float64_data_do_not_promote_a_float32_model():
    dtypes = []

    def loss(prediction, target):
        value = nn.MSELoss()(prediction, target)
        dtypes.extend([prediction.dtype, target.dtype, value.dtype])
        return value

    held_out = (X.astype(np.float64), Y.astype(np.float64))
    model, _ = fit_line(x=X.astype(np.float64), y=Y.astype(np.float64), loss=loss, epochs=2, validation=held_out)
    assert {str(dtype) for dtype in dtypes} == {"float32"}
    assert {str(p.dtype) for p in model.parameters()} == {"float32"}
    single, _ = fit_line(epochs=2)
    assert_same_state(model.state_dict(), single.state_dict())


def test_lists_are_data():
    model, _ = fit_line(x=X.tolist(), y=Y.tolist(), epochs=2)
    assert_same_state(model.state_dict(), fit_line(epochs=2)[0].state_dict())


def test_the_data_are_left_as_they_are():
    x, y = CLOUDS.copy(), LABELS.copy()
    fit_clouds(epochs=2, validation=0.2)
    np.testing.assert_array_equal(CLOUDS, x)
    np.testing.assert_array_equal(LABELS, y)


# --------------------------------------------------------------------------------------------- what is held out


def test_a_fraction_is_held_out_of_training_and_seen_in_prediction_mode():
    seen = {True: [], False: []}

    class Watched(nn.Module):
        def __init__(self):
            self.line = nn.Linear(1, 1)

        def forward(self, x):
            seen[self.training].append(sorted(x.numpy()[:, 0].tolist()))
            return self.line(x)

    model = Watched()
    _, history = fit_line(model, descent=mini_batches(3), epochs=2, validation=0.3)
    held_out = seen[False]
    assert len(held_out) == 2
    assert held_out[0] == held_out[1]
    assert len(held_out[0]) == 3
    trained = [x for batch in seen[True] for x in batch]
    assert sorted(set(trained) | set(held_out[0])) == X[:, 0].tolist()
    assert not set(trained) & set(held_out[0])
    assert history.n_examples == 2 * 7


def test_classes_are_held_out_in_their_proportions():
    truths = []

    def metric(y_true, y_pred):
        truths.append(np.bincount(y_true).tolist())
        return metrics.accuracy(y_true, y_pred)

    fit_clouds(epochs=1, validation=0.2, metric=metric)
    assert truths == [[2, 2, 2]]


def test_the_epoch_holds_the_loss_and_the_metric_on_the_held_out_examples():
    log = Log()
    held_out = (CLOUDS[::3] + 1, LABELS[::3])
    model, history = fit_clouds(network(0, nn.Dropout()), epochs=3, validation=held_out, callbacks=[log])
    assert history.n_examples == 90  # nothing is taken from the training examples
    assert history.metric == "accuracy"
    for epoch, state in zip(history.epochs, log.states, strict=True):
        model.load_state_dict(state)
        scores = model.eval()(held_out[0])
        assert epoch.validation_loss == nn.CrossEntropyLoss()(scores, held_out[1]).item()
        assert epoch.validation_metric == metrics.accuracy(held_out[1], scores.numpy().argmax(axis=1))
    assert history.validation_losses.tolist() == [e.validation_loss for e in history.epochs]
    assert history.validation_metrics.tolist() == [e.validation_metric for e in history.epochs]


def test_without_held_out_examples_there_is_no_metric():
    _, history = fit_line(epochs=2)
    assert history.metric == ""
    assert np.isnan(history.validation_losses).tolist() == [True, True]
    assert np.isnan(history.validation_metrics).tolist() == [True, True]


def test_the_metric_of_numbers_is_r2():
    model, history = fit_line(epochs=3, validation=(X, Y))
    assert history.metric == "r2_score"
    assert history.epochs[-1].validation_metric == metrics.r2_score(Y, model(X).numpy())


def test_whole_numbers_as_the_target_of_a_regression_are_numbers_too():
    counts = np.arange(10).reshape(-1, 1)
    _, history = fit_line(y=counts, epochs=2, validation=0.3)
    assert history.metric == "r2_score"


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (metrics.mean_absolute_error, "mean_absolute_error"),
        (functools.partial(metrics.mean_absolute_error), "mean_absolute_error"),
    ],
    ids=["function", "partial"],
)
def test_a_metric_of_ones_own_is_used_and_named(metric, name):
    model, history = fit_line(epochs=2, validation=(X, Y), metric=metric)
    assert name in history.metric
    assert history.epochs[-1].validation_metric == metrics.mean_absolute_error(Y, model(X).numpy())


def test_held_out_numbers_keep_their_fractions_where_the_training_examples_are_whole():
    whole = np.array([[0], [1]])
    halves = (np.array([[0.5], [0.5]], np.float32), np.array([[0.25], [0.25]], np.float32))
    # The line y = x fits the training examples, so it stays; the held-out ones are 0.25 off.
    _, history = fit_line(
        line(weight=1.0), x=whole, y=whole, epochs=1, validation=halves, metric=metrics.mean_absolute_error
    )
    assert history.epochs[0].loss == 0.0
    assert history.epochs[0].validation_metric == 0.25


def test_evaluate_is_the_loss_and_the_metric_and_records_nothing():
    model = network()
    loss, accuracy = evaluate(model, CLOUDS, LABELS, loss=nn.CrossEntropyLoss(), metric=metrics.accuracy)
    assert loss == nn.CrossEntropyLoss()(model(CLOUDS), LABELS).item()
    assert accuracy == np.mean(model(CLOUDS).numpy().argmax(axis=1) == LABELS)
    assert all(p.grad is None for p in model.parameters())


def test_evaluate_leaves_the_mode_of_every_module_as_it_was():
    frozen = nn.Dropout().eval()
    model = nn.Sequential(nn.Linear(2, 3), frozen)
    evaluate(model, CLOUDS, LABELS, loss=nn.CrossEntropyLoss(), metric=metrics.accuracy)
    assert model.training
    assert not frozen.training


# ----------------------------------------------------------------------------------------------- why it ended


def test_a_run_ends_after_the_epochs_asked_for():
    _, history = fit_line(descent=mini_batches(4), epochs=3)
    assert history.stop_reason is StopReason.MAX_EPOCHS
    assert history.message == "Stopped after 3 epochs (9 updates), the number asked for."


@pytest.mark.parametrize("tolerance", [0.1, 1e-3])
def test_a_run_ends_where_the_gradient_is_flat(tolerance):
    norms = []

    class Norms(Callback):
        def on_update_end(self, run):
            norms.append(gradient_norm(run.optimizer))

    _, history = fit_line(epochs=1000, tolerance=tolerance, callbacks=[Norms()])
    assert history.stop_reason is StopReason.TOLERANCE
    assert norms[-1] < tolerance <= min(norms[:-1])
    assert history.n_updates == len(norms) < 1000
    numbers = f"the gradient's norm is {norms[-1]:.3g}, below the tolerance {tolerance:g}."
    assert history.message == f"Stopped after {len(norms)} updates: {numbers}"


def test_the_gradient_norm_is_euclidean_over_all_parameters():
    x, y = (tg.tensor(np.zeros(2), requires_grad=True, name=name) for name in "xy")
    descent = optim.BatchGradientDescent([x, y])
    assert gradient_norm(descent) == 0.0
    (x * np.array([1.0, 2.0]) + y * np.array([2.0, 4.0])).sum().backward()
    assert gradient_norm(descent) == 5.0  # √(1 + 4 + 4 + 16)


def test_a_run_that_diverges_says_at_which_update_and_ends_with_finite_weights_where_they_are():
    model, history = fit_line(lr=100.0, epochs=1000)
    assert history.stop_reason is StopReason.DIVERGED
    assert np.isfinite(history.losses).all()
    assert history.n_updates < 50
    largest = max(model.parameters(), key=lambda p: np.abs(p.numpy()).max())
    assert re.fullmatch(
        rf"Diverged at update {history.n_updates + 1}: the loss is inf\. All weights are still finite, "
        rf"but the largest is .*e\+\d+, in {largest.name}\. Try a smaller learning rate than 100, .*",
        history.message,
    )
    assert all(np.isfinite(p.numpy()).all() for p in model.parameters())
    # Each loss that is in the record was followed by an update: the weights are those of the last finite one.
    again, _ = fit_line(lr=100.0, epochs=history.n_updates)
    assert_same_state(model.state_dict(), again.state_dict())


def nan_in(*indices):
    def spoil(run):
        for i in indices:
            list(run.model.parameters())[i].data[...] = np.nan

    return spoil


@pytest.mark.parametrize(
    ("indices", "name"),
    [((0,), "0.weight"), ((1,), "0.bias"), ((2,), "2.weight"), ((3,), "2.bias"), ((0, 1, 2), "2.weight")],
)
def test_a_run_that_diverges_names_the_parameter_that_went_first(indices, name):
    # Callbacks run after the gradients of update 4; the values are NaN when update 5 begins. Of several it is the
    # last in the order of definition, as backward begins there.
    _, history = fit_clouds(batch_size=None, epochs=9, callbacks=[After(nan_in(*indices), update=4)])
    assert history.stop_reason is StopReason.DIVERGED
    assert history.n_updates == 4
    assert history.message.startswith(f"Diverged at update 5: the loss is nan. The values of {name} went first.")


# (wx)² is 8e37, a float32, and its slope 2wx² is 5e38, none.
STEEP = {"x": np.full((2, 1), 3e19, np.float32), "y": np.zeros((2, 1), np.float32), "lr": 1e-30, "epochs": 9}


def test_a_run_that_diverges_names_the_gradient_that_overflowed():
    _, history = fit_line(line(weight=0.3), **STEEP)
    assert history.stop_reason is StopReason.DIVERGED
    assert history.n_updates == 1
    assert history.message.startswith(
        "Diverged at update 2: the loss is inf. The gradient of weight went first, in update 1. Try a smaller"
    )


def test_data_that_are_not_finite_are_refused_with_the_place():
    x, model = X.copy(), line(weight=1.0)
    x[3] = np.nan
    with pytest.raises(DataError, match=r"X holds 1 value that is missing or infinite, the first at index \(3, 0\)"):
        fit_line(model, x=x, epochs=9)
    assert_same_state(model.state_dict(), line(weight=1.0).state_dict())


def test_a_model_that_has_diverged_before_is_not_said_to_diverge_in_an_update_that_never_was():
    model = line(weight=0.3)
    for _ in range(2):
        _, history = fit_line(model, **STEEP)
        assert history.stop_reason is StopReason.DIVERGED
    assert history.n_updates == 0
    assert "update 0" not in history.message


def test_a_run_that_diverges_does_not_warn():
    # Warnings are errors here: NumPy's of an overflow would fail the test.
    for lr in (1e3, 1e10, 1e30):
        assert fit_line(lr=lr, epochs=100)[1].stop_reason is StopReason.DIVERGED


# --------------------------------------------------------------------------------------------- early stopping

# The line y = x is trained on, the line y = x/2 is held out: from w = 0, the held-out loss falls until w is 0.5.
UP = {"x": X, "y": X, "validation": (X, 0.5 * X), "lr": 0.1, "epochs": 1000}


@pytest.mark.parametrize("patience", [1, 5])
def test_early_stopping_ends_the_run_and_gives_the_best_weights_back(patience):
    log, early = Log(), EarlyStopping(patience=patience)
    model, history = fit_line(callbacks=[log, early], **UP)
    assert history.stop_reason is StopReason.EARLY_STOPPING
    losses = history.validation_losses
    best = int(losses.argmin())
    assert best > 2
    assert len(losses) == best + 1 + patience
    assert np.all(np.diff(losses[best:]) > 0)
    assert (early.best_epoch, early.best_loss) == (best + 1, losses[best])
    assert_same_state(model.state_dict(), log.states[best])
    assert history.message == (
        f"Stopped after {len(losses)} epochs: the loss has not fallen below {losses[best]:.6g}, "
        f"reached in epoch {best + 1}, for {patience} epochs."
    )


def test_early_stopping_may_keep_the_last_weights():
    log = Log()
    model, _ = fit_line(callbacks=[log, EarlyStopping(patience=3, restore_best=False)], **UP)
    assert_same_state(model.state_dict(), log.states[-1])


def test_early_stopping_asks_for_a_fall_of_min_delta():
    _, history = fit_line(callbacks=[EarlyStopping(patience=2, min_delta=math.inf)], **UP)
    # No fall is enough, not even the first.
    assert len(history.epochs) == 2
    falls = -np.diff(fit_line(callbacks=[EarlyStopping(patience=1)], **UP)[1].validation_losses)
    delta = float(falls[1] + falls[2]) / 2
    assert falls[1] > delta > falls[2]
    _, history = fit_line(callbacks=[EarlyStopping(patience=1, min_delta=delta)], **UP)
    assert len(history.epochs) == 4


def test_early_stopping_watches_the_training_loss_where_nothing_is_held_out():
    log = Log()
    raise_rate = After(lambda run: setattr(run.optimizer, "lr", 1.5), epoch=5)  # from here on the loss rises
    model, history = fit_line(epochs=100, callbacks=[log, raise_rate, EarlyStopping(patience=2)])
    assert history.stop_reason is StopReason.EARLY_STOPPING
    best = int(history.epoch_losses.argmin())
    assert len(history.epochs) == best + 3
    assert_same_state(model.state_dict(), log.states[best])


def test_early_stopping_gives_the_best_weights_back_after_a_run_that_ends_otherwise():
    log = Log()
    options = {**UP, "epochs": 20}
    model, history = fit_line(callbacks=[log, EarlyStopping(patience=100)], **options)
    assert history.stop_reason is StopReason.MAX_EPOCHS
    best = int(history.validation_losses.argmin())
    assert best < 19
    assert_same_state(model.state_dict(), log.states[best])


def test_early_stopping_never_takes_weights_that_are_not_numbers_for_the_best():
    # As after a step out of the range of float32: the loss before the update was the smallest so far, and the
    # held-out loss after it is NaN.
    log = Log()
    model, history = fit_line(
        x=X, y=X, validation=(X, 2 * X), epochs=4, callbacks=[After(nan_in(0), update=4), log, EarlyStopping()]
    )
    assert history.epochs[3].loss < history.validation_losses[:3].min()
    assert math.isnan(history.epochs[3].validation_loss)
    assert_same_state(model.state_dict(), log.states[2])


def test_early_stopping_forgets_an_earlier_run():
    early = EarlyStopping(patience=2)
    first = fit_line(callbacks=[early], **UP)[1]
    second = fit_line(callbacks=[early], **UP)[1]
    assert first.validation_losses.tolist() == second.validation_losses.tolist()


def test_early_stopping_without_patience_is_refused():
    with pytest.raises(OptionError, match="patience of at least 1 epoch, but was given 0"):
        EarlyStopping(patience=0)


# ------------------------------------------------------------------------------------------------ interruption


def test_an_interrupted_run_keeps_what_was_learned_and_returns_its_record():
    log = Log()
    model, history = fit_line(descent=mini_batches(4), epochs=100, callbacks=[log, After(interrupt, update=5)])
    assert history.stop_reason is StopReason.INTERRUPTED
    assert history.message == "Interrupted after 5 updates; what was learned until then is kept."
    assert (history.n_updates, len(history.epochs)) == (5, 1)
    assert log.calls[-1] == ("end", 5, 1)
    # The weights are those of 5 updates of the same run.
    stop = After(lambda run: run.stop(StopReason.TOLERANCE, ""), update=5)
    same, _ = fit_line(descent=mini_batches(4), epochs=100, callbacks=[stop])
    assert_same_state(model.state_dict(), same.state_dict())


def test_an_interrupted_run_gives_the_best_weights_back_too():
    log = Log()
    model, history = fit_line(callbacks=[log, EarlyStopping(patience=100), After(interrupt, epoch=30)], **UP)
    assert history.stop_reason is StopReason.INTERRUPTED
    assert_same_state(model.state_dict(), log.states[int(history.validation_losses.argmin())])


PROGRAM = """
import signal
import numpy as np
import tinygrad_edu as tg

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background may have it ignored


class Announce(tg.training.Callback):
    def on_update_end(self, run):
        if len(run.losses) == 3:
            print("running", flush=True)


rng = np.random.default_rng(0)
X = rng.normal(size=(64, 4)).astype(np.float32)
model = tg.nn.Sequential(tg.nn.Linear(4, 8, rng=rng), tg.nn.Tanh(), tg.nn.Linear(8, 1, rng=rng))
descent = tg.optim.SGD(model.parameters(), lr=0.01, batch_size=8)
history = tg.fit(
    model, X, X[:, :1], loss=tg.nn.MSELoss(), optimizer=descent, epochs=10**9, validation=0.25, callbacks=[Announce()]
)
print(history.stop_reason)
print(history.n_updates)
print(history.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_a_program_that_is_sent_ctrl_c_still_prints_its_record():
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        try:
            assert program.stdout.readline() == "running\n"
            program.send_signal(signal.SIGINT)
            out, errors = program.communicate(timeout=60)
        finally:
            program.kill()  # does nothing to one that has ended
    assert (program.returncode, errors) == (0, "")
    reason, updates, message = out.splitlines()
    assert reason == "interrupted"
    assert int(updates) >= 3
    assert message == f"Interrupted after {updates} updates; what was learned until then is kept."


# --------------------------------------------------------------------------------------------------- callbacks


def test_callbacks_are_called_in_the_order_of_the_loop():
    log = Log()
    fit_line(descent=mini_batches(5), epochs=2, callbacks=[log])
    assert log.calls == [
        ("begin", 0, 0),
        ("update", 1, 0),
        ("update", 2, 0),
        ("epoch", 2, 1),
        ("update", 3, 1),
        ("update", 4, 1),
        ("epoch", 4, 2),
        ("end", 4, 2),
    ]


def test_callbacks_are_called_one_after_another_and_may_come_from_a_generator():
    order = []

    class Named(Callback):
        def __init__(self, name):
            self.name = name

        def on_epoch_end(self, _run):
            order.append(self.name)

    fit_line(epochs=2, callbacks=(Named(name) for name in "ab"))
    assert order == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("when", "updates", "epochs"), [({"update": 2}, 2, 0), ({"epoch": 2}, 6, 2)], ids=["update", "epoch"]
)
def test_a_callback_may_end_the_run_and_the_first_to_ask_is_named(when, updates, epochs):
    log = Log()
    callbacks = [
        After(lambda run: run.stop(StopReason.EARLY_STOPPING, "Enough."), **when),
        After(lambda run: run.stop(StopReason.TOLERANCE, "Me too."), **when),
        log,
    ]
    _, history = fit_line(descent=mini_batches(4), epochs=9, callbacks=callbacks)
    assert (history.stop_reason, history.message) == (StopReason.EARLY_STOPPING, "Enough.")
    assert (history.n_updates, len(history.epochs)) == (updates, epochs)
    assert log.calls[-1] == ("end", updates, epochs)


def test_a_callback_may_change_the_learning_rate():
    still = After(lambda run: setattr(run.optimizer, "lr", 1e-30), epoch=2)
    model, _ = fit_line(epochs=9, callbacks=[still])
    assert_same_state(model.state_dict(), fit_line(epochs=2)[0].state_dict())


def test_the_error_of_a_callback_is_not_swallowed():
    def fail(_run):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit_line(epochs=2, callbacks=[After(fail, update=1)])


# --------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        *(({"epochs": n}, OptionError, f"from 1 on, but is {n!r}") for n in (0, -1, 1.5, True, None)),
        *(({"validation": f}, OptionError, f"between 0 and 1.*but is {f!r}") for f in (0, 1, 1.5, -0.1, math.nan)),
        *(({"tolerance": t}, OptionError, f"tolerance must be 0 or more, but is {t!r}") for t in (-1.0, math.nan)),
        ({"descent": mini_batches(11)}, OptionError, "batch_size=11 is larger than the data: 10 examples"),
        ({"descent": mini_batches(8), "validation": 0.3}, OptionError, "batch_size=8 is larger than the data: 7"),
        ({"y": Y[:, 0]}, ShapeError, re.escape("target (10,). Broadcast") + ".*" + re.escape("target.reshape(-1, 1)")),
        ({"y": Y[:9]}, ShapeError, "X has 10 examples and y has 9"),
        ({"x": X.repeat(2, axis=1)}, ShapeError, re.escape("Linear(1, 1) takes 1 features")),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_what_cannot_be_trained_on_is_refused_and_leaves_the_model_alone(options, error, message):
    model = line()
    with pytest.raises(error, match=message):
        fit_line(model, **options)
    assert_same_state(model.state_dict(), line().state_dict())


def test_a_whole_number_of_numpy_is_a_number_of_epochs():
    assert fit_line(epochs=np.int64(2))[1].n_updates == 2


def test_the_optimizer_of_another_model_is_refused():
    with pytest.raises(GraphError, match="no gradient on any parameter"):
        fit_line(optimizer=optim.BatchGradientDescent(line().parameters()))


def test_a_loss_for_each_example_is_refused():
    with pytest.raises(ShapeError, match=re.escape("Reduce it first, as in x.mean()")):
        fit_line(loss=nn.MSELoss(reduction="none"))


# ------------------------------------------------------------------------------------------ what it is given
def test_the_loss_of_an_epoch_is_the_mean_over_its_examples_for_a_summed_loss_too():
    X = np.linspace(-1, 1, 10, dtype=np.float32).reshape(-1, 1)
    runs = {}
    for reduction in ("mean", "sum"):
        model = nn.Linear(1, 1, rng=np.random.default_rng(0))
        optimizer = optim.SGD(model.parameters(), lr=1e-30, batch_size=4)  # so small that the weights stay
        runs[reduction] = tg.fit(model, X, 2 * X, loss=nn.MSELoss(reduction=reduction), optimizer=optimizer, epochs=1)
    # Three batches, of 4, 4 and 2, added in another order.
    assert runs["sum"].epochs[0].loss == pytest.approx(runs["mean"].epochs[0].loss, rel=1e-6)


def test_logits_of_two_classes_are_judged_by_their_sign():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]], np.float32)
    y = np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    optimizer = optim.BatchGradientDescent(model.parameters(), lr=1.0)
    history = tg.fit(model, X, y, loss=nn.BCEWithLogitsLoss(), optimizer=optimizer, epochs=20, validation=(X, y))
    assert (history.metric, history.epochs[-1].validation_metric) == ("accuracy_of_logits", 1.0)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"loss": nn.MSELoss}, r"loss must be a function or an object such as nn\.MSELoss\(\)"),
        ({"loss": "mse"}, "loss must be a function"),
        ({"optimizer": "sgd"}, "optimizer must be one such as"),
        ({"callbacks": [print]}, "callbacks must be objects of subclasses of Callback"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
    ids=["a class of losses", "a name of a loss", "a name of an optimizer", "a function as callback", "seed"],
)
def test_an_argument_of_another_kind_is_refused(argument, message):
    model = nn.Linear(1, 1)
    arguments = {"loss": nn.MSELoss(), "optimizer": optim.BatchGradientDescent(model.parameters())} | argument
    with pytest.raises(OptionError, match=message):
        tg.fit(model, np.zeros((2, 1)), np.zeros((2, 1)), **arguments)
