"""Gradient descent on formulas: the numbers of the lessons, and which rule ended each run."""

import argparse
import dataclasses
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu import optim, tensor
from tinygrad_edu.cli import descend
from tinygrad_edu.errors import DataError, DtypeError, FormulaError, GraphError, OptionError, ShapeError
from tinygrad_edu.learn import Experiment, FormulaExperiment, Step, StopReason, formula, minimize
from tinygrad_edu.learn.minimize import RUNAWAY
from tinygrad_edu.optim.lr_scheduler import ExponentialLR, StepLR
from tinygrad_edu.traces import Trace

ELSEWHERE = tensor(1.0, requires_grad=True)

# ------------------------------------------------------------------- the lesson: y = x², dy/dx = 2x


@pytest.mark.parametrize("x", [-6.0, -4.0, -2.0, 0.0])
def test_the_slope_tells_where_to_go(x):
    start = minimize("x**2", x, max_steps=0).steps[0]
    assert start == Step(0, x, x**2, 2 * x, None, 0.1)


@pytest.mark.parametrize(
    ("lr", "n_steps", "stop_reason"),
    [
        (0.1, 43, "tolerance"),  # slow: 12 · 0.8ᵏ < 0.001 from k = 43 on
        (0.5, 1, "tolerance"),  # lands at once
        (0.9, 43, "tolerance"),  # zig-zags, and is no faster than 0.1
        (1.0, 100, "max steps"),  # never settles
        (1.1, 38, "diverged"),  # explodes: 36 · 1.44ᵏ > 37 · 10⁶ from k = 38 on
    ],
)
def test_the_learning_rate_decides_how_it_goes(lr, n_steps, stop_reason):
    trace = minimize("x**2", start=-6.0, lr=lr, max_steps=100, tolerance=1e-3)
    assert trace.stop_reason == stop_reason
    assert len(trace) == n_steps + 1
    # Each step multiplies x by (1 - 2α); a rounding of 1.1e-16 or two in each of at most 100 steps.
    np.testing.assert_allclose(trace.points, -6 * (1 - 2 * lr) ** np.arange(n_steps + 1), rtol=4e-14, atol=1e-15)
    np.testing.assert_array_equal(trace.losses, trace.points**2)
    np.testing.assert_array_equal(trace.gradients, 2 * trace.points)


def test_at_09_it_zig_zags_and_at_10_it_swings_for_ever():
    assert (np.diff(np.sign(minimize("x**2", -6, lr=0.9).points)) != 0).all()
    assert minimize("x**2", -6, lr=1.0, max_steps=4).points.tolist() == [-6, 6, -6, 6, -6]


@pytest.mark.parametrize("tolerance", [0.1, 0.01, 0.001])
def test_it_stops_at_the_first_slope_within_the_tolerance(tolerance):
    trace = minimize("x**2", -6, tolerance=tolerance, max_steps=1000)
    assert trace.stop_reason is StopReason.TOLERANCE
    assert abs(trace.gradient) < tolerance <= abs(trace.steps[-2].gradient)


@pytest.mark.parametrize(("start", "lowest"), [(-2.0, -1.0575), (2.0, 0.9304)])
def test_the_start_decides_which_valley_is_found(start, lowest):
    # x⁴ - 2x² + x/2 has a deep valley on the left and a shallow one on the right.
    trace = minimize("x**4 - 2*x**2 + x/2", start, lr=0.05, tolerance=1e-9, max_steps=1000)
    assert trace.stop_reason is StopReason.TOLERANCE
    assert trace.x == pytest.approx(lowest, abs=1e-4)


def test_a_start_on_a_summit_stays_there():
    trace = minimize("cos(x)", 0.0)
    assert (trace.stop_reason, len(trace), trace.loss) == ("tolerance", 1, 1.0)


# ------------------------------------------------------------------------------- the five answers


@pytest.mark.parametrize(
    ("f", "start", "options", "stop_reason", "message"),
    [
        (
            "x**2",
            -6.0,
            {"lr": 0.5},
            "tolerance",
            "Stopped at step 1, where the ground is level: the slope is 0",
        ),
        ("x**2", -6.0, {"lr": 0.5}, "tolerance", "at x = 0, within the tolerance of 0.001."),
        (
            "x**2",
            -6.0,
            {"max_steps": 2},
            "max steps",
            "Stopped at step 2, the most allowed: the slope is -7.68",
        ),
        ("x**2", -6.0, {"max_steps": 2}, "max steps", "at x = -3.84, and not within the tolerance of 0.001."),
        (
            "x**2",
            -6.0,
            {"max_steps": 0},
            "max steps",
            "Stopped at step 0, the most allowed: the slope is -12",
        ),
        ("x**2", -6.0, {"lr": 1.1}, "diverged", "Stopped at step 38, because the descent diverges"),
        (
            "x**2",
            -6.0,
            {"lr": 1.1},
            "diverged",
            "the loss grew from 36 to 3.7504e+07. Try a learning rate smaller",
        ),
        ("x**4", -6.0, {"lr": 1e200}, "diverged", "Stopped after step 0, because the descent diverges"),
        ("x**4", -6.0, {"lr": 1e200}, "diverged", "step 1 reaches x = 8.64e+202, where the loss is inf. Try"),
        ("x**2", -6.0, {"lr": 1e308}, "diverged", "step 1 reaches x = inf. Try a learning rate smaller"),
        # The logarithm has no lowest point: it falls until x is negative, where it is undefined.
        ("log(x)", 0.5, {"lr": 1}, "diverged", "step 1 reaches x = -1.5, where the loss is nan"),
        ("x**0.5", 1.0, {"lr": 2.0}, "diverged", "step 1 reaches x = 0, where the slope is inf"),
        ("x**2 + y**2", [3, 4], {"max_steps": 0}, "max steps", "is [6, 8], of length 10, at x = [3, 4], and"),
        (
            lambda x: (x**2).sum(),
            np.ones((2, 3)),
            {"max_steps": 0},
            "max steps",
            "x = [1, 1, 1, 1, ...], and",
        ),
    ],
)
def test_a_run_says_which_rule_ended_it(f, start, options, stop_reason, message):
    trace = minimize(f, start, **options)
    assert trace.stop_reason == stop_reason
    assert message in trace.message
    assert np.isfinite(trace.points).all()
    assert np.isfinite(trace.losses).all()
    assert np.isfinite(trace.gradients).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.detach() ** 2,
        lambda x: tensor(x.item() ** 2),
        lambda _: tensor(1.0),
    ],
    ids=["detached", "item", "constant"],
)
def test_a_result_that_does_not_depend_on_the_start_has_no_slope(f):
    with pytest.raises(GraphError, match=r"does not depend on the Tensor that it is given: .* Compute it from that"):
        minimize(f, 3.0)


def test_ground_that_is_level_further_on_is_level():
    trace = minimize(lambda x: x**2 if x.numpy() > 1 else tensor(0.0), 3.0, lr=0.4)
    assert (trace.stop_reason, trace.loss) == ("tolerance", 0.0)


@pytest.mark.parametrize("f", ["x**3", lambda x: x**3, "x**2 - x**4"])
def test_a_function_without_a_lowest_point_is_not_told_to_go_slower(f):
    message = minimize(f, 1.0, lr=0.5, max_steps=1000).message
    assert "it seems to have no lowest point that way, at any learning rate. Try another start" in message
    assert "smaller" not in message


def test_an_interruption_keeps_what_was_finished():
    calls = []

    def f(x):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(x.item())
        return x**2

    trace = minimize(f, -6.0)
    assert (trace.stop_reason, trace.points.tolist()) == ("interrupted", calls)
    assert trace.message == "Stopped after step 2, because it was interrupted: the slope was -7.68 at x = -3.84."
    with pytest.raises(KeyboardInterrupt):  # nothing was finished
        minimize(f, -6.0)


def test_tolerance_0_switches_the_rule_off():
    assert len(minimize("x**2", -6, lr=0.5, tolerance=0, max_steps=5)) == 6


def test_a_loss_may_rise_before_it_falls():
    # Thrown out of a ravine that is too steep for α = 0.1, it lands in the wide valley around x = 9.
    trace = minimize("minimum(100*x**2, 1 + (x - 9)**2)", 0.05, lr=0.1)
    assert trace.losses.max() > 300 * trace.losses[0]
    assert trace.stop_reason is StopReason.TOLERANCE
    assert trace.x == pytest.approx(9, abs=1e-3 / 2)


@given(
    start=st.floats(-1e3, 1e3),
    lr=st.floats(1e-6, 10),
    max_steps=st.integers(0, 60),
    tolerance=st.floats(0, 1),
)
def test_every_run_obeys_the_rules(start, lr, max_steps, tolerance):
    trace = minimize("x**4/100 - x**2 + 3*sin(5*x)", start, lr=lr, max_steps=max_steps, tolerance=tolerance)
    n_steps = len(trace) - 1
    assert [step.k for step in trace] == list(range(n_steps + 1))
    assert n_steps <= max_steps
    np.testing.assert_array_equal(trace.points[1:], (trace.points - lr * trace.gradients)[:-1])
    assert (np.abs(trace.gradients[:-1]) >= tolerance).all()
    match trace.stop_reason:
        case StopReason.TOLERANCE:
            assert abs(trace.gradient) < tolerance
        case StopReason.MAX_STEPS:
            assert n_steps == max_steps
        case StopReason.DIVERGED:
            with np.errstate(all="ignore"):
                after = formula("x**4")(trace.x - lr * trace.gradient).item()
            assert trace.loss > RUNAWAY * (1 + abs(trace.losses[0])) or not np.isfinite(after)


# ------------------------------------------------------------------------------------- any optimizer


def by_hand(update, n_steps, x=-6.0):
    """The points of a descent on y = x², with the update rule written out on plain floats."""
    points, remembered = [x], None
    for t in range(1, n_steps + 1):
        step, remembered = update(2 * x, remembered, t)
        x = x - step
        points.append(x)
    return points


def momentum(g, v, _):
    v = 0.9 * (v or 0.0) + g
    return 0.1 * v, v


def nesterov(g, v, _):
    v = 0.9 * (v or 0.0) + g
    return 0.1 * (g + 0.9 * v), v


def adam(g, means, t):
    m, s = means or (0.0, 0.0)
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
    return 0.5 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8), (m, s)


def rmsprop(g, s, _):
    s = 0.99 * (s or 0.0) + 0.01 * g * g
    return 0.5 * g / (np.sqrt(s) + 1e-8), s


def adagrad(g, s, _):
    s = (s or 0.0) + g * g
    return 0.5 * g / (np.sqrt(s) + 1e-10), s


@pytest.mark.parametrize(
    ("make", "update"),
    [
        (lambda p: optim.SGD(p, lr=0.1), lambda g, _, __: (0.1 * g, None)),
        (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), momentum),
        (lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), nesterov),
        (lambda p: optim.Adam(p, lr=0.5), adam),
        (lambda p: optim.RMSprop(p, lr=0.5), rmsprop),
        (lambda p: optim.Adagrad(p, lr=0.5), adagrad),
    ],
    ids=["plain", "momentum", "nesterov", "adam", "rmsprop", "adagrad"],
)
def test_any_optimizer_can_make_the_steps(make, update):
    trace = minimize("x**2", -6.0, optimizer=make, max_steps=30, tolerance=0)
    # A few roundings in each of 30 steps, of numbers of at most 10.
    np.testing.assert_allclose(trace.points, by_hand(update, 30), rtol=1e-12, atol=1e-12)


def test_lr_is_plain_gradient_descent():
    named = minimize("x**2", -6.0, optimizer=lambda p: optim.BatchGradientDescent(p, lr=0.3))
    assert named == minimize("x**2", -6.0, lr=0.3)
    assert minimize("x**2", -6.0) == minimize("x**2", -6.0, lr=0.1)


def test_a_step_says_at_which_rate_the_optimizer_goes_on():
    halving = minimize("x**2", -6.0, optimizer=lambda p: ExponentialLR(optim.SGD(p, lr=0.4), gamma=0.5), max_steps=3)
    assert halving.learning_rates.tolist() == [0.4, 0.2, 0.1, 0.05]
    np.testing.assert_array_equal(
        halving.points[1:], (halving.points - halving.learning_rates * 2 * halving.points)[:-1]
    )


def test_an_optimizer_that_explodes_is_found_out_too():
    trace = minimize("x**2", -6.0, optimizer=lambda p: optim.SGD(p, lr=4.0, momentum=0.9), max_steps=99)
    assert trace.stop_reason is StopReason.DIVERGED
    assert "Try a learning rate smaller than 4." in trace.message


def test_several_variables_are_moved_by_any_optimizer():
    trace = minimize("(x - 1)**2 + 10*(y + 2)**2", [0, 0], optimizer=lambda p: optim.Adam(p, lr=0.1), max_steps=999)
    assert trace.stop_reason is StopReason.TOLERANCE
    np.testing.assert_allclose(trace.x, [1, -2], atol=1e-3)
    assert trace.variables == ("x", "y")


# ------------------------------------------------------------------------------------- bounded memory


def restless(**options):
    return minimize("x**4/100 - x**2 + 3*sin(5*x)", 5.5, lr=0.06, tolerance=0, max_steps=600, **options)


@pytest.fixture(scope="module", name="full")
def _full():
    return restless()


@pytest.mark.parametrize("keep", [8, 50, 500])
def test_a_long_descent_keeps_its_ends_and_its_extremes(full, keep):
    trace = restless(keep=keep)
    assert len(full) == 601
    assert keep // 8 <= len(trace) <= keep
    assert (trace.n_steps, trace.thinned, trace.message) == (600, True, full.message)
    assert all(step == full[step.k] for step in trace)
    slopes = [step.slope for step in full]
    assert {0, 600, np.argmin(full.losses), np.argmax(full.losses), np.argmax(slopes)} <= set(trace.ks)


def test_many_variables_are_kept_in_as_many_steps_as_memory_holds(monkeypatch):
    # 100 variables take 2,200 bytes a step. (The function hides the module of its name.)
    monkeypatch.setattr(sys.modules["tinygrad_edu.learn.minimize"], "MAX_BYTES", 100 * 2_200)
    trace = minimize(lambda x: (x**2).sum(), np.ones(100), lr=1.0, tolerance=0, max_steps=300)
    assert 100 // 8 <= len(trace) <= 100
    assert (trace.ks[0], trace.n_steps) == (0, 300)


def test_a_function_may_keep_what_it_is_given():
    seen = []
    trace = minimize(lambda x: seen.append(x.array) or (x**2).sum(), [1.0, 2.0], max_steps=3)
    np.testing.assert_array_equal(seen, trace.points)


# --------------------------------------------------------------------------------- what can be given


@pytest.mark.parametrize(
    ("f", "start", "first"),
    [
        ("x**2", -6, -6.0),
        (formula("t**2"), np.float32(0.5), 0.5),
        ("x**2", {"x": 0.1}, 0.1),
        ("y**2 + x**2", [0.1, 2], [0.1, 2.0]),
        ("y**2 + x**2", {"y": 2, "x": 0.1}, [0.1, 2.0]),
        ("y**2 + x**2", np.array([1, 2], np.int8), [1.0, 2.0]),
        (lambda x: x**2, 0.1, 0.1),
        (lambda x: (x**2).sum(), [0.1, 0.2], [0.1, 0.2]),
        (lambda x: (x**2).sum(keepdims=True), [[1.0], [2.0]], [[1.0], [2.0]]),
        (lambda x: 0 * x.sum() + 1, [1.0], [1.0]),
    ],
)
def test_a_start_is_a_number_an_array_or_named_numbers_in_float64(f, start, first):
    trace = minimize(f, start, max_steps=1)
    assert np.array(trace.steps[0].point).tolist() == first
    assert trace.points.dtype == np.float64
    assert np.shape(trace.gradient) == np.shape(first)


def test_several_variables_step_together():
    trace = minimize("(x - 1)**2 + 10*(y + 2)**2", {"x": 0, "y": 0}, lr=0.05, tolerance=1e-8, max_steps=1000)
    assert trace.stop_reason is StopReason.TOLERANCE
    # The slope is the curvature (at least 2) times the distance, so x is within half the tolerance.
    np.testing.assert_allclose(trace.x, [1, -2], atol=1e-8 / 2)
    k = np.arange(len(trace))
    np.testing.assert_allclose(trace.points[:, 0], 1 - 0.9**k, rtol=1e-14, atol=1e-15)


def test_the_start_is_left_alone():
    start = np.array([1.0, 2.0])
    minimize(lambda x: (x**2).sum(), start)
    assert start.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("f", "start", "options", "error", "message"),
    [
        ("x**2", 1.0, {"lr": 0}, OptionError, "lr, the learning rate, must be a finite number > 0, but is 0"),
        ("x**2", 1.0, {"lr": -0.1}, OptionError, "but is -0.1"),
        ("x**2", 1.0, {"lr": np.nan}, OptionError, "but is nan"),
        ("x**2", 1.0, {"lr": np.inf}, OptionError, "but is inf"),
        ("x**2", 1.0, {"lr": 10**400}, OptionError, "finite"),
        ("x**2", 1.0, {"lr": "0.1"}, OptionError, "but is '0.1'"),
        ("x**2", 1.0, {"lr": True}, OptionError, "but is True"),
        ("x**2", 1.0, {"max_steps": -1}, OptionError, "max_steps must be a whole number >= 0, but is -1"),
        ("x**2", 1.0, {"max_steps": 10.0}, OptionError, "but is 10.0"),
        ("x**2", 1.0, {"max_steps": True}, OptionError, "but is True"),
        ("x**2", 1.0, {"tolerance": -1e-3}, OptionError, "tolerance must be a finite number >= 0"),
        ("x**2", 1.0, {"tolerance": np.nan}, OptionError, "but is nan"),
        ("x**2", np.nan, {}, OptionError, "start must be finite, but is nan"),
        ("x + y", [1, np.inf], {}, OptionError, r"start must be finite, but is \[1, inf\]"),
        ("log(x)", -1.0, {}, OptionError, "At the start, x = -1, the loss is nan. Choose"),
        ("x**0.5", 0.0, {}, OptionError, "At the start, x = 0, the slope is inf"),
        ("x**2", [1.0], {}, ShapeError, r"start has shape \(1,\), but 'x\*\*2' needs one number, for x"),
        ("x + y", 1.0, {}, ShapeError, r"start is one number, but 'x \+ y' needs 2 numbers, for x, y"),
        ("x + y", [1, 2, 3], {}, ShapeError, "needs 2 numbers"),
        ("x + y", [[1], [2, 3]], {}, ShapeError, "ragged"),
        ("x + y", {"x": 1}, {}, OptionError, r"start names x, but 'x \+ y' has the variables x, y"),
        ("x + y", {}, {}, OptionError, "start names nothing"),
        (lambda x: x, {"x": 1}, {}, OptionError, "a function has none"),
        (lambda x: x.sum(), [], {}, ShapeError, "nothing to move"),
        ("x", "one", {}, DtypeError, "real numbers"),
        ("x", True, {}, OptionError, "start must be a number or an array of numbers, but is True. Try 1"),
        (lambda x: x, np.True_, {}, OptionError, "start must be a number"),
        ("x", 10**400, {}, OptionError, "start has a whole number beyond 1.8e308, .* Choose a smaller one"),
        ("x + y", {"x": 1, "y": -(10**400)}, {}, OptionError, "start has a whole number beyond 1.8e308"),
        ("x,", 1.0, {}, FormulaError, "a comma stands at the end, where it parts nothing: take it away"),
        (",x", 1.0, {}, FormulaError, "a comma stands at the beginning"),
        ("x", None, {}, DtypeError, "real numbers"),
        ("2 + 3", 1.0, {}, FormulaError, r"'2 \+ 3' has no variable"),
        ("2x", 1.0, {}, FormulaError, r"write 2\*x"),
        (3, 1.0, {}, OptionError, "needs a formula such as 'x..2' or a function, but was given 3"),
        (lambda x: x**2, [1.0, 2.0], {}, ShapeError, "single number"),
        (lambda x: 3.0, 1.0, {}, DtypeError, "returned float"),  # noqa: ARG005 - as minimize calls it
        (lambda x: x.numpy(), 1.0, {}, DtypeError, "returned ndarray"),
        (lambda x: None, 1.0, {}, DtypeError, "returned None"),  # noqa: ARG005 - the same
        (lambda x: x * np.nan, 1.0, {}, OptionError, "At the start, x = 1, the loss is nan. Choose"),
        (lambda x: float(x) ** 2, 1.0, {}, GraphError, "drops the gradient of x"),
        (lambda x, y: x * y, [1.0, 2.0], {}, OptionError, "one Tensor that holds all numbers.* Write lambda p"),
        ("x**2", 1.0, {"keep": 7}, OptionError, "keep must be a whole number of at least 8 steps, but is 7"),
        ("x**2", 1.0, {"keep": "all"}, OptionError, "but is 'all'"),
        ("x**2", 1.0, {"lr": 0.1, "optimizer": optim.SGD}, OptionError, "given lr=0.1 and an optimizer"),
        ("x**2", 1.0, {"optimizer": "SGD"}, OptionError, "as in optimizer=lambda p: .*, but is 'SGD'"),
        ("x**2", 1.0, {"optimizer": optim.SGD([ELSEWHERE])}, OptionError, r"but is SGD\(lr=0.1"),
        ("x**2", 1.0, {"optimizer": StepLR}, OptionError, "must be a function of the parameters"),
        ("x**2", 1.0, {"optimizer": list}, OptionError, r"but made \[tensor"),
        ("x**2", 1.0, {"optimizer": lambda _: optim.SGD([ELSEWHERE])}, OptionError, "moves parameters of its own"),
        ("x**2", 1.0, {"optimizer": lambda p: optim.SGD(p, lr=-1)}, OptionError, "lr must be a finite number > 0"),
    ],
)
def test_what_cannot_be_minimised_is_explained(f, start, options, error, message):
    with pytest.raises(error, match=message):
        minimize(f, start, **options)


# ---------------------------------------------------------------------------------------- the record


def test_a_trace_is_a_record_that_does_not_change():
    trace = minimize(lambda x: (x**2).sum(), [3.0, 4.0], lr=0.25, max_steps=2)
    assert (trace.x.tolist(), trace.loss, trace.gradient.tolist()) == ([0.75, 1.0], 1.5625, [1.5, 2.0])
    assert trace.steps[-1] == list(trace)[2] == Step(2, [0.75, 1.0], 1.5625, [1.5, 2.0], None, 0.25)
    assert trace.steps[0] != trace.steps[1]
    assert trace == minimize("x**2 + y**2", [3, 4], lr=0.25, max_steps=2)
    assert "2" in repr(trace)
    for array in (trace.x, trace.gradient):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.steps[0].loss = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.message = ""


def test_one_variable_gives_plain_floats():
    step = minimize("x**2", np.array(3.0)).steps[1]
    values = (step.k, step.point, step.loss, step.gradient, step.learning_rate)
    assert [type(value) for value in values] == [int, float, float, float, float]
    assert step.batch is None


# --------------------------------------------------------------------------------------- the command


def command(*words):
    parser = argparse.ArgumentParser()
    descend.add_arguments(parser)
    return descend.run(parser.parse_args(words))


def test_the_command_prints_each_step_and_why_it_stopped(capsys):
    assert command("x**2", "--start", "-6", "--max-steps", "3") == 0
    assert capsys.readouterr().out.split("\n") == [
        "k       x        y   dy/dx",
        "0      -6       36     -12",
        "1    -4.8    23.04    -9.6",
        "2   -3.84  14.7456   -7.68",
        "3  -3.072  9.43718  -6.144",
        "",
        minimize("x**2", -6, max_steps=3).message,
        "",
    ]


@pytest.mark.parametrize(
    ("words", "header"),
    [
        (["x**2", "--start", "-6"], "k x y dy/dx"),
        (["x**2", "--start=-6.5e0"], "k x y dy/dx"),
        (["(-t)**2", "--start", "-.5"], "k t y dy/dt"),
        (["y**2", "--start", "1"], "k y z dz/dy"),
        (["x**2 + y**2", "--start", "1,-2"], "k x y z dz/dx dz/dy"),
        (["x**2 + y**2", "--start=-1, 2"], "k x y z dz/dx dz/dy"),
        (["a**2 + y*z", "--start=1,2,3"], "k a y z f df/da df/dy df/dz"),
    ],
)
def test_there_is_a_column_for_each_variable_and_each_slope(capsys, words, header):
    assert command(*words, "--max-steps", "1") == 0
    table, _, message = capsys.readouterr().out.partition("\n\n")
    lines = table.split("\n")
    assert lines[0].split() == header.split()
    assert len(lines) == 3
    assert len({len(line) for line in lines}) == 1
    assert message.startswith("Stopped")


def test_the_command_takes_any_optimizer(capsys):
    assert command("x**2", "--start=-6", "--optimizer", "sgd,momentum=0.9", "--lr", "0.05", "--max-steps", "2") == 0
    rows = [line.split() for line in capsys.readouterr().out.split("\n\n")[0].split("\n")]
    assert [row[1] for row in rows] == ["x", "-6", "-5.4", "-4.32"]


def test_the_command_writes_the_trace(capsys, tmp_path):
    assert command("x**2", "--start=-6", "--save-trace", str(tmp_path / "t.json")) == 0
    assert Trace.load(tmp_path / "t.json") == minimize("x**2", -6)
    assert capsys.readouterr().out.endswith(f"Trace: {tmp_path / 't.json'}\n")


def test_the_command_prints_the_program_and_nothing_else(capsys):
    words = ["x**2 + y**2", "--start=1,-2", "--optimizer", "adam,lr=0.3", "--max-steps", "7"]
    assert command(*words, "--script") == 0
    program = capsys.readouterr().out
    exec(program, {})  # noqa: S102 - it was printed a moment ago
    steps = [line.split() for line in capsys.readouterr().out.splitlines()[:-1]]
    trace = minimize("x**2 + y**2", [1, -2], optimizer=lambda p: optim.Adam(p, lr=0.3), max_steps=7)
    assert [[float(n) for n in row] for row in steps] == [
        [s.k, *s.point.tolist(), s.loss, *s.gradient.tolist()] for s in trace
    ]


def test_the_command_prints_the_experiment_and_nothing_else(capsys):
    assert command("x**2", "--start=-6", "--lr=0.5", "--json") == 0
    assert Experiment.from_json(capsys.readouterr().out) == FormulaExperiment.of("x**2", -6.0, lr=0.5)


def test_the_command_says_when_it_shows_a_part(capsys):
    assert command("x**2", "--start=1", "--lr=1", "--tolerance=0", "--max-steps=300", "--keep=20") == 0
    table, note, message = capsys.readouterr().out.split("\n\n")
    rows = table.split("\n")[1:]
    assert len(rows) <= 20
    assert note == f"Shown are {len(rows):,} of 301 points: the ends, and the extremes between them."
    assert (rows[0].split()[0], rows[-1].split()[0]) == ("0", "300")
    assert message.startswith("Stopped at step 300")


def test_divergence_is_an_answer_and_no_error(capsys):
    assert command("x**2", "--start", "-6", "--lr", "1.1") == 0
    assert "the descent diverges" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["x**2", "--start", "left"], OptionError, "--start must be a number such as -6, .* but is 'left'"),
        (["x**2", "--start", "1,"], OptionError, "but is '1,'"),
        (["x**2", "--start", "1,2"], ShapeError, "needs one number"),
        (["x*y", "--start", "1"], ShapeError, "needs 2 numbers"),
        (["x**2", "--start", "nan"], OptionError, "finite"),
        (["x^2", "--start", "1"], FormulaError, "write"),
        (["7", "--start", "1"], FormulaError, "no variable"),
        (["x**2", "--start", "1", "--lr", "-1"], OptionError, "lr"),
        (["x**2", "--start", "1", "--max-steps", "-1"], OptionError, "max_steps"),
        (["x**2", "--start", "1", "--optimizer", "adm"], OptionError, "Did you mean 'Adam'"),
        (["x**2", "--start", "1", "--optimizer", "sgd,lr=1", "--lr", "2"], OptionError, "'lr' of sgd is given twice"),
        (["x**2", "--start", "1", "--optimizer", "sgd,batch_size=3"], OptionError, "takes no batch_size"),
        (["x**2", "--start", "1", "--save-trace", "/nowhere/t.json"], DataError, "The trace cannot be written to"),
    ],
)
def test_wrong_words_are_explained_by_the_error(words, error, message):
    with pytest.raises(error, match=message):
        command(*words)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_prints_the_finished_steps_and_gives_130():
    program = """
import signal, sys
from argparse import ArgumentParser
from tinygrad_edu.cli import descend
parser = ArgumentParser()
descend.add_arguments(parser)
arguments = parser.parse_args(["x**2", "--start=1", "--lr=1", "--tolerance=0", "--max-steps=1000000000"])
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may be born deaf to it
print("ready", flush=True)
sys.exit(descend.run(arguments))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    message, last = out.rstrip("\n").split("\n")[-1], int(out.split("\n\n")[0].split("\n")[-1].split()[0])
    assert message == f"Stopped after step {last}, because it was interrupted: the slope was " + (
        "2 at x = 1." if last % 2 == 0 else "-2 at x = -1."
    )
