"""A trace is a record: bounded, exact as text, and honest about what it does not know."""

import copy
import json
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinygrad_edu.errors import DataError, OptionError, ShapeError
from tinygrad_edu.learn import minimize
from tinygrad_edu.traces import Part, Step, StopReason, Trace, TraceRecorder, check_keep


def step(k, loss=0.0, gradient=0.0, point=0.0):
    return Step(k, point, loss, gradient, None, 0.1)


def record(steps, keep=10_000, **options):
    recorder = TraceRecorder(keep)
    for each in steps:
        recorder.add(each)
    return recorder.trace(StopReason.MAX_STEPS, "Stopped.", **options)


# ------------------------------------------------------------------------------------------- a step


def test_a_step_copies_what_can_change():
    point, gradient, batch = np.zeros(2), np.ones(2), np.arange(3)
    made = Step(0, point, 0.0, gradient, batch, 0.1)
    for array in (point, gradient, batch):
        array[0] = 7
    assert (made.point.tolist(), made.gradient.tolist(), made.batch.tolist()) == ([0, 0], [1, 1], [0, 1, 2])
    for array in (made.point, made.gradient, made.batch):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


def test_a_step_shares_what_nobody_can_change():
    batch = np.arange(1000)
    batch.flags.writeable = False
    assert step(0).batch is None
    assert Step(0, 0.0, 0.0, 0.0, batch, 0.1).batch is batch
    view = batch[:10]  # somebody could write to what it is a view of
    assert Step(0, 0.0, 0.0, 0.0, view, 0.1).batch is not view


@pytest.mark.parametrize(
    ("gradient", "slope"),
    [
        (-3.0, 3.0),
        (np.array([3.0, -4.0]), 5.0),
        (np.array([[3.0], [4.0]]), 5.0),
        (np.array([3e30, 4e30], np.float32), 5e30),  # its squares are beyond float32
        (np.array([3e-30, 4e-30], np.float32), 5e-30),
        (np.zeros(3, np.float32), 0.0),
        (np.array([1e200, 0.0]), math.inf),
        (np.array([math.nan, 0.0]), math.nan),
        (None, math.nan),
    ],
)
def test_the_slope_is_the_length_of_the_gradient(gradient, slope):
    np.testing.assert_allclose(Step(0, 0.0, 0.0, gradient, None, 0.1).slope, slope, rtol=1e-6)


def test_steps_are_equal_if_all_they_hold_is():
    base = Step(1, np.array([1.0, 2.0]), math.nan, None, np.arange(2), 0.1)
    assert base == Step(1, [1.0, 2.0], math.nan, None, [0, 1], 0.1)
    assert hash(base) == hash(Step(1, [1.0, 2.0], math.nan, None, [0, 1], 0.1))
    others = [
        Step(2, [1.0, 2.0], math.nan, None, [0, 1], 0.1),
        Step(1, [1.0, 2.5], math.nan, None, [0, 1], 0.1),
        Step(1, [1.0], math.nan, None, [0, 1], 0.1),
        Step(1, [1.0, 2.0], 0.0, None, [0, 1], 0.1),
        Step(1, [1.0, 2.0], math.nan, [0.0, 0.0], [0, 1], 0.1),
        Step(1, [1.0, 2.0], math.nan, None, [1, 0], 0.1),
        Step(1, [1.0, 2.0], math.nan, None, None, 0.1),
        Step(1, [1.0, 2.0], math.nan, None, [0, 1], 0.2),
    ]
    assert all(base != other for other in others)
    assert base != "a step"


# ------------------------------------------------------------------------------------------ a trace


def test_a_trace_gives_its_steps_and_their_parts():
    trace = minimize("x**2 + y**2", [3, 4], lr=0.25, max_steps=2)
    assert (len(trace), trace[0], trace[-1], trace[1:]) == (3, trace.steps[0], trace.steps[2], trace.steps[1:])
    assert list(trace) == list(trace.steps)
    assert trace.ks.tolist() == [0, 1, 2]
    assert trace.points.tolist() == [[3, 4], [1.5, 2], [0.75, 1]]
    assert trace.losses.tolist() == [25, 6.25, 1.5625]
    assert trace.gradients.tolist() == [[6, 8], [3, 4], [1.5, 2]]
    assert trace.learning_rates.tolist() == [0.25] * 3
    assert (trace.x.tolist(), trace.loss, trace.gradient.tolist()) == ([0.75, 1], 1.5625, [1.5, 2])
    assert (trace.n_steps, trace.thinned, trace.variables, trace.formula) == (2, False, ("x", "y"), "x**2 + y**2")
    with pytest.raises(IndexError):
        trace[3]


def test_a_gradient_that_is_not_known_is_none_alone_and_nan_among_others():
    trace = record([step(0, 1.0, np.ones(2, np.float32), np.ones(2, np.float32)), step(1, math.nan, None, np.ones(2))])
    assert trace.gradient is None
    assert math.isnan(trace.loss)
    np.testing.assert_array_equal(trace.gradients, [[1, 1], [math.nan, math.nan]])


def test_a_function_has_one_part_of_the_shape_of_its_start():
    trace = minimize(lambda x: (x**2).sum(), np.ones((2, 3)))
    assert trace.parts == (Part("x", (2, 3)),)
    assert trace.unflatten(trace.x)["x"].shape == (2, 3)
    assert trace.formula == ""


def test_traces_are_equal_if_they_went_the_same_way_and_ended_alike():
    one, other = minimize("x**2", -6), minimize(lambda x: x**2, -6)
    assert one == other
    assert one != minimize("x**2", -6, max_steps=3)
    for same in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):  # noqa: S301 - pickled a moment ago
        assert same == one
        assert same.parts == one.parts


@pytest.mark.parametrize(
    ("parts", "point", "apart"),
    [
        ((Part("x"),), 2.0, {"x": 2.0}),
        ((Part("x"), Part("y")), [1.0, 2.0], {"x": 1.0, "y": 2.0}),
        ((Part("w", (2, 2)), Part("b", (1,))), [1, 2, 3, 4, 5], {"w": [[1, 2], [3, 4]], "b": [5]}),
        ((Part("none", (0, 3)), Part("b", (1,), "float32")), [0.1], {"none": [], "b": [np.float32(0.1)]}),
    ],
)
def test_a_point_comes_apart(parts, point, apart):
    found = record([step(0)], parts=parts).unflatten(point)
    assert {name: array.tolist() for name, array in found.items()} == apart
    assert {str(array.dtype) for array in found.values()} == {part.dtype for part in parts}


@pytest.mark.parametrize("wrong", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_point_of_another_size_is_refused(wrong):
    trace = minimize("x + y", [1, 2], max_steps=1)
    with pytest.raises(ShapeError, match=f"given {len(wrong)} numbers, but a point of this trace has 2"):
        trace.unflatten(wrong)


# --------------------------------------------------------------------------------- bounded memory


def thinned_at_once(steps, length):
    """What must be left of steps in stretches of this length, with all of them at hand."""
    kept = {steps[-1].k}
    for begin in range(0, len(steps), length):
        stretch = steps[begin : begin + length]
        kept |= {
            *(s.k for s in stretch[:2]),
            min(stretch, key=lambda s: s.loss).k,
            max(stretch, key=lambda s: s.loss).k,
            max(stretch, key=lambda s: s.slope).k,
        }
    return sorted(kept)


@given(
    seed=st.integers(0, 2**32),
    n_steps=st.integers(1, 300),
    n_heights=st.integers(1, 1000),  # few make many losses alike
    keep=st.integers(8, 40),
)
def test_thinning_while_it_is_written_leaves_what_thinning_at_the_end_would(seed, n_steps, n_heights, keep):
    numbers = np.random.default_rng(seed).integers(0, n_heights, (n_steps, 2)).astype(float).tolist()
    steps = [step(k, loss, slope) for k, (loss, slope) in enumerate(numbers)]
    trace = record(steps, keep)
    assert len(trace) <= keep
    assert trace.thinned == (len(trace) < len(steps))
    lengths = [2**power for power in range(10)]
    assert trace.ks.tolist() in [thinned_at_once(steps, length) for length in lengths]


@pytest.mark.parametrize("n_steps", [1, 2, 7, 8, 9, 64, 1000])
def test_no_more_is_left_out_than_must_be(n_steps):
    steps = [step(k, math.sin(k * k), math.cos(k * k)) for k in range(n_steps)]
    assert len(record(steps, keep=max(8, n_steps + 1))) == n_steps
    assert len(record(steps, keep=8)) >= min(n_steps, 2)


def test_losses_that_are_no_numbers_are_no_extremes():
    losses = [math.nan, 5.0, math.nan, 1.0, 9.0, *[math.nan] * 60]
    trace = record([step(k, loss, None) for k, loss in enumerate(losses)], keep=8)
    assert {0, 3, 4, len(losses) - 1} <= set(trace.ks)


@pytest.mark.parametrize("keep", [8, 9, 50, 1000])
def test_of_each_stretch_two_steps_stay_that_follow_one_another(keep):
    trace = record([step(k, 36.0, 12.0 * (-1) ** k, -6.0 * (-1) ** k) for k in range(20_001)], keep)
    assert len(trace) <= keep
    assert set(trace.points) == {-6.0, 6.0}
    starts = trace.ks[:-1:2]
    assert (trace.ks[1::2][: len(starts)] - starts == 1).all()


def test_memory_does_not_grow_with_the_steps():
    def used(n_steps):
        recorder = TraceRecorder(50)
        tracemalloc.start()
        try:
            for k in range(n_steps):
                recorder.add(step(k, math.sin(k), 1.0, np.full(100, float(k))))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    used(100)
    assert used(4000) < 1.5 * used(400)


@pytest.mark.parametrize("keep", [7, 0, -1, 8.0, "8", None, True])
def test_how_many_to_keep_is_checked(keep):
    with pytest.raises(OptionError, match="keep must be a whole number of at least 8 steps, but is"):
        check_keep(keep)


# -------------------------------------------------------------------------------------------- as text

numbers = st.floats(width=64)


@given(st.data())
def test_json_gives_every_float_back_bit_for_bit(data):
    size = data.draw(st.integers(0, 3))
    points = numbers if size == 0 else st.lists(numbers, min_size=size, max_size=size).map(np.array)
    steps = tuple(
        Step(
            3 * k,
            data.draw(points),
            data.draw(numbers),
            data.draw(st.none() | points),
            data.draw(st.none() | st.lists(st.integers(0, 2**40), max_size=3).map(np.array)),
            data.draw(numbers),
        )
        for k in range(data.draw(st.integers(1, 4)))
    )
    message = data.draw(st.text())
    trace = Trace(steps, data.draw(st.sampled_from(StopReason)), message, formula="x")
    again = Trace.from_json(trace.to_json())
    assert again == trace
    assert again.formula == "x"
    for mine, theirs in zip(trace, again, strict=True):
        for a, b in [(mine.point, theirs.point), (mine.loss, theirs.loss), (mine.gradient, theirs.gradient)]:
            assert type(a) is type(b)
            assert np.array(a, float).tobytes() == np.array(b, float).tobytes() or np.isnan(np.array(a, float)).any()
    json.loads(trace.to_json(), parse_constant=pytest.fail)  # strict JSON knows no NaN


@pytest.mark.parametrize(
    "trace",
    [
        minimize("x**2", -6),
        minimize("x**2 + y**2", [3, 0.1], lr=0.3),
        minimize(lambda x: (x**2).sum(), np.ones((2, 3))),
        minimize("x**2", -6, lr=1.1),
        minimize("x**2", 1, lr=1.0, max_steps=99, tolerance=0, keep=10),
    ],
    ids=["one", "two", "matrix", "diverged", "thinned"],
)
def test_a_trace_comes_back_from_text_and_from_a_file(trace, tmp_path):
    for again in (
        Trace.from_json(trace.to_json()),
        Trace.from_json(trace.to_json(indent=1).encode()),
        Trace.load(trace.save(tmp_path / "trace.json")),
    ):
        assert again == trace
        assert (again.parts, again.formula, again.n_steps) == (trace.parts, trace.formula, trace.n_steps)
        assert again.points.shape == trace.points.shape


GOOD = json.loads(minimize("x**2 + y**2", [3, 0.1], max_steps=2).to_json())
SCALAR = json.loads(minimize("x**2", 3, max_steps=2).to_json())


def changed(base, *path, to):
    """Change one entry of the text of a trace."""
    copied = copy.deepcopy(base)
    place = copied
    for name in path[:-1]:
        place = place[name]
    if to is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(copied)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("not json", "it is no JSON from line 1, column 1"),
        ('{"steps": [', "it is no JSON from line 1"),
        ("[1]", "it must be an object {...}, but is a list"),
        (None, "it must be JSON text, but is NoneType"),
        (changed(GOOD, "format", to="tinygrad_edu.model"), "its format is 'tinygrad_edu.model' and not"),
        (changed(GOOD, "format", to=KeyError), "'format' is missing"),
        (changed(GOOD, "version", to=2), "it is of version 2, and only 1 is known here"),
        (changed(GOOD, "stop_reason", to="bored"), "nothing stops for 'bored'. There are: diverged, early stopping"),
        (changed(GOOD, "stop_reason", to="tolerence"), "Did you mean 'tolerance'"),
        (changed(GOOD, "stop_reason", to=[]), "nothing stops for []"),
        (changed(GOOD, "message", to=3), "'message' must be text, but is 3"),
        (changed(GOOD, "dtype", to="int8"), "its dtype is 'int8', and not one of"),
        (changed(GOOD, "dtype", to=[]), "its dtype is []"),
        (changed(GOOD, "parts", to={}), "'parts' must be a list"),
        (changed(GOOD, "parts", 0, to="x"), "a part of a trace: it must be an object"),
        (changed(GOOD, "parts", 0, "shape", to=[-1]), "the shape of 'x' must be whole numbers"),
        (changed(GOOD, "parts", 0, "shape", to=[3]), "its points have 2 numbers, and its parts 4"),
        (changed(GOOD, "parts", 0, "dtype", to="text"), "the dtype of 'x' is 'text'"),
        (changed(GOOD, "steps", to=[]), "it has no steps"),
        (changed(GOOD, "steps", 1, to=None), "a trace (steps[1]): it must be an object {...}, but is null"),
        (changed(GOOD, "steps", 1, "los", to=1), "there is no 'los' in one. Did you mean 'loss'"),
        (changed(GOOD, "steps", 1, "loss", to=KeyError), "'loss' is missing"),
        (changed(GOOD, "steps", 1, "loss", to="low"), "'loss' must be a number, but is 'low'"),
        (changed(GOOD, "steps", 1, "loss", to=True), "'loss' must be a number"),
        (changed(GOOD, "steps", 1, "loss", to=10**30), "'loss' must be a number"),
        (changed(GOOD, "steps", 1, "learning_rate", to=None), "'learning_rate' must be a number"),
        (changed(GOOD, "steps", 1, "k", to=1.0), "'k' must be a whole number"),
        (changed(GOOD, "steps", 1, "k", to=True), "'k' must be a whole number"),
        (changed(GOOD, "steps", 0, "k", to=-1), "k must be a whole number from 0 to 2**53"),
        (changed(GOOD, "steps", 2, "k", to=10**20), "k must be a whole number from 0 to 2**53"),
        (changed(GOOD, "parts", 0, "name", to="y"), "two of its parts have the same name"),
        (changed(GOOD, "steps", 1, "point", to=json.loads("[" * 40 + "1" + "]" * 40)), "nested too deep"),
        (changed(GOOD, "steps", 0, "k", to=1), "its first step must be the start, k = 0"),
        (changed(GOOD, "steps", 2, "k", to=1), "step k = 1 comes after k = 1"),
        (changed(GOOD, "steps", 1, "point", to=[1]), "the gradient has shape (2,), and the point (1,)"),
        (changed(SCALAR, "steps", 1, "point", to=[1]), "the gradient has shape (), and the point (1,)"),
        (changed(GOOD, "steps", 1, "point", to=["a", "b"]), "'point' must hold numbers"),
        (changed(GOOD, "steps", 1, "point", to=[[1], [2, 3]]), "the lists of 'point' are of different lengths"),
        (changed(GOOD, "steps", 1, "gradient", to=[None, 1]), "'gradient' must hold numbers"),
        (changed(GOOD, "steps", 1, "batch", to=3), "'batch' must be a list or null"),
        (changed(GOOD, "steps", 1, "batch", to=[0.5]), "its batch must be a list of whole numbers"),
        (changed(GOOD, "steps", 1, "batch", to=[-1]), "its batch must be a list of whole numbers"),
        (changed(GOOD, "steps", 1, "batch", to=[2**64]), "its batch must be a list of whole numbers"),
        (json.dumps(GOOD).replace("[3.0, 0.1]", "[3.0, NaN]"), 'JSON has no NaN; write "nan" as text'),
        (json.dumps(GOOD).replace("[3.0, 0.1]", "[3.0, 1e999]"), "too large"),
        ('{"steps": ' + "[" * 99_999, "nested too deep"),
    ],
    ids=lambda value: str(value)[-30:] if "{" not in str(value)[:1] else "",
)
def test_text_that_is_no_trace_is_refused_with_the_place(text, message):
    with pytest.raises(DataError, match="This is not a") as error:
        Trace.from_json(text)
    assert message in str(error.value)
    assert len(str(error.value)) < 400


def test_a_shape_that_changes_on_the_way_is_refused():
    broken = copy.deepcopy(GOOD)
    broken["steps"][1] |= {"point": [1.0], "gradient": [1.0]}
    with pytest.raises(DataError, match=r"the point of k = 1 has shape \(1,\), and the start \(2,\)"):
        Trace.from_json(json.dumps(broken))


@given(st.text() | st.binary())
def test_any_text_is_refused_in_a_sentence(text):
    with pytest.raises(DataError, match="This is not a trace"):
        Trace.from_json(text)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["inf", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=6,
)
_places = [(name,) for name in GOOD] + [("steps", 1, name) for name in GOOD["steps"][1]] + [("parts", 0, "shape")]


@given(st.sampled_from(_places), _values)
def test_whatever_is_changed_in_a_trace_it_is_read_or_refused(place, value):
    try:
        trace = Trace.from_json(changed(GOOD, *place, to=value))
    except DataError:
        return
    assert Trace.from_json(trace.to_json()) == trace
    assert len(trace.points) == len(trace.gradients) == len(trace.ks)


def test_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(DataError, match=r"The trace cannot be read from '.*none.json': No such file"):
        Trace.load(tmp_path / "none.json")
    with pytest.raises(DataError, match=r"The trace cannot be written to '.*t.json': there is no such folder"):
        minimize("x**2", 1).save(tmp_path / "folder" / "t.json")
    with pytest.raises(DataError, match="The trace cannot be read from"):
        Trace.load("a\0b")
