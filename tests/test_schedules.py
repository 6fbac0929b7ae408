"""A schedule is a closed formula of two numbers: PyTorch's values, step by step, and a run that goes on from them."""

import inspect
import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
    StepLR,
)
from tinygrad_edu.tape import mode

STEPS = 50


def descent(lr=0.4):
    return optim.SGD([tg.tensor([0.0], requires_grad=True)], lr=lr)


# --------------------------------------------------------- the formulas, step upon step as in PyTorch's pages
def in_steps(lr, step_size, gamma=0.1):
    for t in range(1, STEPS + 2):
        yield lr
        lr *= gamma if t % step_size == 0 else 1


def at_milestones(lr, milestones, gamma=0.1):
    for t in range(1, STEPS + 2):
        yield lr
        lr *= gamma ** milestones.count(t)


def by_a_factor(lr, gamma):
    for _ in range(STEPS + 1):
        yield lr
        lr *= gamma


def by_a_function(lr, lr_lambda):
    return (lr * lr_lambda(t) for t in range(STEPS + 1))


def in_a_line(lr, start_factor=1 / 3, end_factor=1.0, total_iters=5):
    for t in range(STEPS + 1):
        yield lr * (start_factor + (end_factor - start_factor) * min(t / total_iters, 1))


def in_a_wave(lr, T_max, eta_min=0.0):  # noqa: N803 - PyTorch's name
    for t in range(STEPS + 1):
        yield eta_min + (lr - eta_min) / 2 * (1 + math.cos(t * math.pi / T_max))


def in_one_cycle(
    lr,  # noqa: ARG001
    max_lr,
    total_steps,
    pct_start=0.3,
    anneal_strategy="cos",
    div_factor=25.0,
    final_div_factor=1e4,
    three_phase=False,  # noqa: FBT002
):
    rise = pct_start * total_steps - 1
    first, last = max_lr / div_factor, max_lr / div_factor / final_div_factor
    places = [0, rise, 2 * rise, total_steps - 1] if three_phase else [0, rise, total_steps - 1]
    rates = [first, max_lr, first, last] if three_phase else [first, max_lr, last]
    if anneal_strategy == "linear":
        yield from np.interp(range(STEPS + 1), places, rates)
        return
    for t in range(STEPS + 1):
        share = np.interp(t, places, range(len(places)))
        k = min(int(share), len(places) - 2)
        yield rates[k + 1] + (rates[k] - rates[k + 1]) / 2 * (1 + math.cos(math.pi * (share - k)))


CASES = [
    (StepLR, {"step_size": 7}, in_steps),
    (StepLR, {"step_size": 1, "gamma": 0.9}, in_steps),
    (MultiStepLR, {"milestones": [3, 10, 10, 31]}, at_milestones),
    (MultiStepLR, {"milestones": [20], "gamma": 0.5}, at_milestones),
    (ExponentialLR, {"gamma": 0.9}, by_a_factor),
    (ExponentialLR, {"gamma": 1.01}, by_a_factor),
    (LambdaLR, {"lr_lambda": lambda t: 1 / (1 + t)}, by_a_function),
    (LinearLR, {}, in_a_line),
    (LinearLR, {"start_factor": 0.1, "end_factor": 0.5, "total_iters": 20}, in_a_line),
    (LinearLR, {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 60}, in_a_line),
    (CosineAnnealingLR, {"T_max": 50}, in_a_wave),
    (CosineAnnealingLR, {"T_max": 12, "eta_min": 0.01}, in_a_wave),
    (OneCycleLR, {"max_lr": 2.0, "total_steps": 50}, in_one_cycle),
    (OneCycleLR, {"max_lr": 2.0, "total_steps": 80, "pct_start": 0.45, "anneal_strategy": "linear"}, in_one_cycle),
    (OneCycleLR, {"max_lr": 2.0, "total_steps": 60, "div_factor": 4, "final_div_factor": 10}, in_one_cycle),
    (OneCycleLR, {"max_lr": 2.0, "total_steps": 60, "three_phase": True}, in_one_cycle),
]
IDS = [
    " ".join([make.__name__, *(f"{k}={v}" for k, v in options.items() if k != "lr_lambda")])
    for make, options, _ in CASES
]
every_case = pytest.mark.parametrize(("make", "options", "reference"), CASES, ids=IDS)


def test_every_schedule_and_every_option_of_it_has_a_case():
    public = {getattr(lr_scheduler, name) for name in lr_scheduler.__all__} - {LRScheduler, SequentialLR}
    assert {make for make, _, _ in CASES} == public
    for make in public:
        options = set(inspect.signature(make).parameters) - {"optimizer"}
        assert {name for other, given, _ in CASES if other is make for name in given} == options


@every_case
def test_the_defaults_are_pytorchs(make, options, reference):  # noqa: ARG001
    ours, theirs = (dict(inspect.signature(f).parameters) for f in (make, reference))
    ours.pop("optimizer")
    theirs.pop("lr")
    assert {name: p.default for name, p in ours.items()} == {name: p.default for name, p in theirs.items()}


@every_case
def test_fifty_steps_follow_the_formula(make, options, reference):
    optimizer = descent(0.4)
    schedule = make(optimizer, **options)
    for count, expected in enumerate(reference(0.4, **options)):
        assert optimizer.lr == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert schedule.get_last_lr() == [optimizer.lr]
        assert schedule.state["count"] == count
        if count < STEPS:
            schedule.step()


# --------------------------------------------------------------------------------------- one after another
def parts(optimizer):
    return [LinearLR(optimizer, 0.1, total_iters=5), CosineAnnealingLR(optimizer, 20), ExponentialLR(optimizer, 0.9)]


def test_schedules_follow_one_another_each_from_its_own_beginning():
    optimizer = descent(0.4)
    schedule = SequentialLR(optimizer, parts(optimizer), milestones=[5, 25])
    warm, wave, fall = ([*f] for f in (in_a_line(0.4, 0.1), in_a_wave(0.4, 20), by_a_factor(0.4, 0.9)))
    for expected in [*warm[:5], *wave[:20], *fall[:20]]:
        assert optimizer.lr == pytest.approx(expected, rel=1e-12)
        schedule.step()


def test_two_schedules_of_one_learning_rate_are_refused_where_they_meet():
    optimizer = descent()
    first, second = ExponentialLR(optimizer, 0.5), ExponentialLR(optimizer, 0.9)
    second.step()
    with pytest.raises(OptionError, match=r"ExponentialLR set the learning rate to 0\.4 after 0 steps.*SequentialLR"):
        first.step()
    assert optimizer.lr == pytest.approx(0.36)
    assert first.state["count"] == 0


def test_a_learning_rate_that_was_set_by_hand_is_not_undone():
    optimizer = descent()
    schedule = ExponentialLR(optimizer, 0.5)
    optimizer.lr = 0.3
    with pytest.raises(OptionError, match=r"but it is now 0\.3.*make a new schedule"):
        schedule.step()
    ExponentialLR(optimizer, 0.5).step()
    assert optimizer.lr == 0.15


# ------------------------------------------------------------------------------------------------- the state
@every_case
def test_a_run_goes_on_from_its_states(make, options, reference):  # noqa: ARG001
    optimizer = descent(0.4)
    schedule = make(optimizer, **options)
    for _ in range(7):
        schedule.step()
    other = descent(0.1)
    resumed = make(other, **options)
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for _ in range(20):
        assert other.lr == optimizer.lr
        schedule.step()
        resumed.step()


def test_the_state_is_two_numbers_that_stay_the_same_arrays():
    optimizer = descent(0.4)
    schedule = StepLR(optimizer, 2)
    held, rate = dict(schedule.state), optimizer.state["learning_rate"]
    schedule.step()
    assert {name: array.item() for name, array in held.items()} == {"base_lr": 0.4, "count": 1}
    assert all(array.shape == () for array in held.values())
    assert all(schedule.state[name] is array for name, array in held.items())
    assert optimizer.state["learning_rate"] is rate
    copied = schedule.state_dict()
    schedule.step()
    assert copied["count"] == 1


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"base_lr": 0.1}, "count on one side only"),
        ({"base_lr": 0.1, "count": 1, "gamma": 2}, "gamma on one side only"),
        ({"base_lr": 0.1, "count": -1}, "count must be a finite number >= 0"),
        ({"base_lr": math.nan, "count": 1}, "base_lr must be a finite number >= 0"),
        ({"base_lr": 0.1, "count": 1.5}, "count of a schedule is one number"),
        ({"base_lr": [0.1, 0.2], "count": 1}, "base_lr of a schedule is one number"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, message):
    schedule = StepLR(descent(0.4), 2)
    with pytest.raises(OptionError, match=message):
        schedule.load_state_dict(state)
    assert (schedule.state["base_lr"], schedule.state["count"]) == (0.4, 0)


def test_a_learning_rate_of_0_is_a_step_that_stays():
    x = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=1.0)
    schedule = LinearLR(optimizer, 1.0, 0.0, total_iters=1)
    schedule.step()
    assert optimizer.lr == 0.0
    x.sum().backward()
    optimizer.step()
    assert x.item() == 1.0


# ---------------------------------------------------------------------------------------------- when recorded
def test_a_recorded_step_calls_the_schedule_and_says_what_it_writes(monkeypatch):
    calls = []

    class Capture:
        def call(self, function, *, writes):
            calls.append((function, writes))

        def number(self, holder, name, value):
            raise AssertionError(f"{name} of {holder} was read as {value}")

    optimizer = descent(0.4)
    schedule = ExponentialLR(optimizer, 0.5)
    monkeypatch.setattr(mode, "capture", Capture(), raising=False)
    schedule.step()
    ((function, writes),) = calls
    assert (optimizer.state["learning_rate"], schedule.state["count"]) == (0.4, 0)
    for k in (1, 2):
        function()
        assert schedule.state["count"] == k
        assert optimizer.state["learning_rate"] == 0.4 * 0.5**k
    assert {id(array) for array in writes} == {
        id(array) for array in (optimizer.state["learning_rate"], schedule.state["count"])
    }


# ------------------------------------------------------------------------------------------------ refused
NOT_WHOLE, NOT_POSITIVE = [0, -1, 2.5], [0, -0.5, math.nan, math.inf]
REFUSED = [
    *((StepLR, {"step_size": n}, "step_size must be a whole number from 1 on") for n in NOT_WHOLE),
    *((StepLR, {"step_size": 2, "gamma": g}, "gamma must be a finite number > 0") for g in NOT_POSITIVE),
    *((MultiStepLR, {"milestones": [1], "gamma": g}, "gamma must be a finite number > 0") for g in NOT_POSITIVE),
    *((ExponentialLR, {"gamma": g}, "gamma must be a finite number > 0") for g in NOT_POSITIVE),
    *((MultiStepLR, {"milestones": m}, "milestones are whole numbers") for m in ([3, 1], [-1, 2], [1.5], 3)),
    (LambdaLR, {"lr_lambda": 0.5}, "a function of the count, but was given 0.5"),
    (LambdaLR, {"lr_lambda": lambda _: -1.0}, "rate of LambdaLR after 0 steps must be a finite number >= 0, but is -"),
    (LambdaLR, {"lr_lambda": lambda _: math.nan}, "of LambdaLR after 0 steps must be a finite number >= 0"),
    *((LinearLR, {"start_factor": f}, "start_factor must be a finite number > 0") for f in (0, 1.5, math.nan)),
    *((LinearLR, {"end_factor": f}, "end_factor must be a finite number >= 0") for f in (-0.1, 1.5, math.nan)),
    *((LinearLR, {"total_iters": n}, "total_iters must be a whole number from 1 on") for n in NOT_WHOLE),
    *((CosineAnnealingLR, {"T_max": n}, "T_max must be a whole number from 1 on") for n in NOT_WHOLE),
    (CosineAnnealingLR, {"T_max": 5, "eta_min": -1.0}, "eta_min must be a finite number >= 0"),
    *((OneCycleLR, {"max_lr": x, "total_steps": 9}, "max_lr must be a finite number > 0") for x in NOT_POSITIVE),
    *((OneCycleLR, {"max_lr": 1, "total_steps": n}, "total_steps must be a whole number from 1 on") for n in NOT_WHOLE),
    *((OneCycleLR, {"max_lr": 1, "total_steps": 9, "pct_start": p}, "pct_start must be") for p in (-0.1, 1.0)),
    (OneCycleLR, {"max_lr": 1, "total_steps": 9, "pct_start": 0.6, "three_phase": True}, "pct_start must be"),
    (
        OneCycleLR,
        {"max_lr": 1, "total_steps": 9, "anneal_strategy": "sine"},
        "must be 'cos' or 'linear', but is 'sine'",
    ),
    *(
        (OneCycleLR, {"max_lr": 1, "total_steps": 9, name: 0}, f"{name} must be a finite number > 0")
        for name in ("div_factor", "final_div_factor")
    ),
]


@pytest.mark.parametrize(("make", "options", "message"), REFUSED)
def test_an_option_out_of_range_is_refused_and_named(make, options, message):
    optimizer = descent(0.4)
    with pytest.raises(OptionError, match=message):
        make(optimizer, **options)
    assert optimizer.lr == 0.4


@pytest.mark.parametrize("total_steps", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.25, 1 / 3, 0.5])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_of_few_steps_ends_at_its_end_and_refuses_more(total_steps, pct_start, three_phase):
    optimizer = descent()
    schedule = OneCycleLR(optimizer, 1.0, total_steps, pct_start, three_phase=three_phase)
    for _ in range(total_steps):
        assert 0 <= optimizer.lr <= 1
        schedule.step()
    assert optimizer.lr == pytest.approx(1 / 25 / 1e4)
    with pytest.raises(OptionError, match=f"total_steps={total_steps}, and this is step {total_steps + 1}"):
        schedule.step()
    assert schedule.state["count"] == total_steps


def test_the_parts_of_a_sequence_have_to_fit():
    optimizer = descent()
    for schedules, milestones in ((parts(optimizer), [5]), ([], []), (parts(optimizer), [5, 6, 7])):
        with pytest.raises(OptionError, match="one milestone between any two schedules"):
            SequentialLR(optimizer, schedules, milestones)
    with pytest.raises(OptionError, match="milestones are whole numbers from 0 on that rise"):
        SequentialLR(optimizer, parts(optimizer), [5, 3])
    with pytest.raises(OptionError, match="schedules of one optimizer"):
        SequentialLR(optimizer, parts(descent()), [5, 25])


def test_a_schedule_takes_an_optimizer():
    with pytest.raises(OptionError, match=r"StepLR takes an optimizer, but was given 0\.1"):
        StepLR(0.1, 2)


def test_a_schedule_without_a_formula_says_what_is_missing():
    with pytest.raises(TypeError, match="LRScheduler does not say what the rate is"):
        LRScheduler(descent())


def test_the_repr_says_the_rate_and_the_count():
    schedule = ExponentialLR(descent(0.4), 0.5)
    schedule.step()
    assert repr(schedule) == "ExponentialLR(lr=0.2, count=1)"
