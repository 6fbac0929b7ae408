"""How a descent went is read off its record, and which of several runs was first off theirs."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.learn.behaviour import Manner, behaviour
from tinygrad_edu.learn.racing import race
from tinygrad_edu.traces import Step, StopReason, Trace
from tinygrad_edu.training import Epoch, History

ZIGZAG = "x**2 + 10*y**2"


@pytest.mark.parametrize(
    ("f", "start", "options", "manner", "sentence"),
    [
        ("x**2", -6.0, {"lr": 0.1}, Manner.WALKS, "43 steps, each shorter than the one before, and never across"),
        ("x**2", -6.0, {"lr": 0.5}, Manner.LANDS, "Lands in 1 step."),
        ("x**2", -6.0, {"lr": 0.9}, Manner.ZIG_ZAGS, "43 of 43 steps jump across the valley, each a little lower."),
        ("x**2", -6.0, {"lr": 1.0}, Manner.SWINGS, "100 of 100 steps jump across the valley, and none gets lower."),
        ("x**2", -6.0, {"lr": 1.1}, Manner.EXPLODES, "the loss grows from 36 to 3.75e+07 in 38 steps"),
        ("x**2", -6.0, {"lr": 1e308}, Manner.EXPLODES, "the first step already leaves the numbers"),
        (
            "x**2",
            -6.0,
            {"lr": 0.01, "max_steps": 10},
            Manner.CREEPS,
            "still on its way after 10 steps: the slope is -9.8",
        ),
        ("x**2", -6.0, {"max_steps": 0}, Manner.STAYS, "Made no step: the slope at the start is -12."),
        ("cos(x)", 0.0, {}, Manner.STAYS, "Stays where it is: the slope at the start is 0."),
        ("x**4 - 2*x**2 + x/2", -2.0, {"lr": 0.05}, Manner.WALKS, "1 of 15 steps jumps across the valley"),
        (ZIGZAG, [-5, 2], {"lr": 0.09}, Manner.ZIG_ZAGS, "49 of 49 steps turn back by more than 90°"),
        (ZIGZAG, [-5, 2], {"lr": 0.01}, Manner.CREEPS, "after 100 steps: the slope is 1.3"),
    ],
)
def test_the_manner_of_a_descent_and_the_sentence_with_its_numbers(f, start, options, manner, sentence):
    seen = behaviour(tg.minimize(f, start, **options))
    assert seen.manner is manner
    assert sentence in seen.sentence


@pytest.mark.parametrize("keep", [10_000, 50, 8])
def test_a_swing_that_was_thinned_is_still_a_swing(keep):
    seen = behaviour(tg.minimize("x**2", -6.0, lr=1.0, max_steps=20_000, tolerance=0, keep=keep))
    assert seen.manner is Manner.SWINGS
    assert seen.jumps == seen.of > 0
    assert f"{seen.of:,} of the {seen.of:,} steps on record jump across the valley" in seen.sentence


def test_a_ball_that_rolls_across_and_back_is_no_zig_zag():
    trace = tg.minimize("x**2", -6.0, optimizer=lambda p: optim.SGD(p, lr=0.02, momentum=0.9), max_steps=400)
    seen = behaviour(trace)
    assert seen.manner is Manner.SWINGS_IN
    assert seen.sentence == "Swings in: the loss rises 8 times, in 52 of 135 steps, and comes to rest after 135 steps."
    assert 0 < seen.jumps < seen.of / 2


def test_a_ball_that_is_still_rolling_to_and_fro_does_not_creep():
    rolling = tg.minimize("x**2", -6.0, optimizer=lambda p: optim.SGD(p, lr=0.02, momentum=0.9), max_steps=60)
    seen = behaviour(rolling)
    assert seen.manner is Manner.SWINGS_ON
    assert "Still swings after 60 steps: the loss rose " in seen.sentence


def trace_of(points, losses, gradients, stop_reason=StopReason.MAX_STEPS, ks=None):
    ks = range(len(points)) if ks is None else ks
    rows = zip(ks, points, losses, gradients, strict=True)
    return Trace(tuple(Step(k, x, loss, g, None, 0.1) for k, x, loss, g in rows), stop_reason, "")


def test_steps_between_which_others_were_left_out_are_not_counted():
    trace = trace_of([1.0, -1.0, 1.0, -1.0], [4.0, 3.0, 2.0, 1.0], [1.0, -1.0, 1.0, -1.0], ks=[0, 1, 7, 8])
    assert (behaviour(trace).jumps, behaviour(trace).of) == (2, 2)


@pytest.mark.parametrize("stop_reason", [StopReason.MAX_STEPS, StopReason.TOLERANCE])
def test_nothing_is_told_of_a_record_without_two_steps_that_follow_one_another(stop_reason):
    seen = behaviour(trace_of([-6.0] * 4, [36.0] * 4, [-12.0] * 4, stop_reason, ks=[0, 4, 8, 12]))
    assert (seen.manner, seen.of) == (Manner.UNTOLD, 0)
    assert "Made 12 steps; how it went cannot be told" in seen.sentence


def test_of_a_long_run_it_is_said_that_only_steps_on_record_were_counted():
    seen = behaviour(tg.minimize("x**2", -6.0, lr=0.001, max_steps=5000, keep=50))
    assert seen.manner is Manner.WALKS
    assert f"none of the {seen.of} steps on record across the valley" in seen.sentence
    zigzag = behaviour(tg.minimize("x**2", -6.0, lr=0.99, max_steps=5000, keep=50))
    assert zigzag.manner is Manner.ZIG_ZAGS
    assert "each" not in zigzag.sentence


def test_a_slope_that_was_not_computed_is_not_told():
    trace = trace_of([3.0, 2.0, 1.0], [3.0, 2.0, np.nan], [1.0, 1.0, None])
    seen = behaviour(trace)
    assert (seen.jumps, seen.of) == (0, 1)
    assert "the slope is not known" in seen.sentence


def test_an_interrupted_descent_says_so():
    trace = trace_of([3.0, 2.0], [9.0, 4.0], [6.0, 4.0], StopReason.INTERRUPTED)
    assert behaviour(trace).sentence == "Was interrupted after 1 step: the slope was 4."


# ---------------------------------------------------------------------------------------------- the race


def run(*epoch_losses, updates=1, seconds=1.0):
    epochs = tuple(Epoch(e, e * updates, e * 10, e * seconds, loss) for e, loss in enumerate(epoch_losses, start=1))
    return History(np.array(epoch_losses), np.arange(1), np.arange(1.0), epochs, StopReason.MAX_EPOCHS, "")


def test_the_race_is_to_the_lowest_loss_that_all_reach():
    runs = {"batch": run(4.0, 2.0), "mini": run(3.0, 1.5, 0.1, updates=5, seconds=0.1)}
    found = race(runs, "updates")
    assert (found.first, found.loss, found.needed) == (("batch",), 2.0, {"batch": 2, "mini": 10})
    assert race(runs, "seconds").first == ("mini",)
    assert race(runs, "seconds").needed == pytest.approx({"batch": 2.0, "mini": 0.2})


def test_those_who_are_first_together_are_named_together_and_all_together_is_no_race():
    runs = {"a": run(3.0, 1.0), "b": run(4.0, 0.5), "c": run(4.0, 3.0, 1.0)}
    assert race(runs, "examples").first == ("a", "b")
    assert race({"a": run(3.0, 1.0), "b": run(4.0, 0.5)}, "examples") is None


@pytest.mark.parametrize("runs", [{}, {"a": run(1.0)}, {"a": run(1.0), "b": run()}, {"a": run(1.0), "b": run(np.nan)}])
def test_a_race_needs_two(runs):
    assert race(runs, "updates") is None
