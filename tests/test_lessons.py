"""The lessons: each number of the lectures, checked by other means; scripts that print the same; figures; bad input."""

import dataclasses
import importlib.util
import inspect
import io
import math
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinygrad_edu as tg
from tests.images import assert_looks_like
from tinygrad_edu import lessons
from tinygrad_edu.errors import DataError, FormulaError, MissingDependencyError, OptionError
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.table import Table
from tinygrad_edu.lessons.words import listed

NAMES = list(lessons.LESSONS)
DOCS = Path(__file__).parent.parent / "docs"
LECTURES = {"A": 6, "B": 3, "C": 4, "D": 3, "E": 4}  # parts, by letter


@pytest.fixture(scope="module")
def made():
    """Compute every lesson once, as it is by default."""
    return {name: getattr(lessons, name)() for name in NAMES}


# ------------------------------------------------------------------------------------------ A. a formula


def test_slope(made):
    assert made["slope"].table.rows == (
        (-6.0, 36.0, -12.0, "right"),
        (-4.0, 16.0, -8.0, "right"),
        (-2.0, 4.0, -4.0, "right"),
        (0.0, 0.0, 0.0, "neither side"),
    )
    assert lessons.slope(at=3.0).numbers["downhill is to the"] == ("left",)
    assert "It is positive at 3:" in lessons.slope(at=3.0).text


def test_descend(made):
    lesson = made["descend"]
    expected = -6.0 * 0.8 ** np.arange(44)  # y = x²: each step multiplies x by 1 - 2 · 0.1
    np.testing.assert_allclose(lesson.numbers["x"], expected, rtol=1e-12)
    np.testing.assert_allclose(lesson.numbers["y"], expected**2, rtol=1e-12)
    np.testing.assert_allclose(lesson.numbers["dy/dx"], 2 * expected, rtol=1e-12)
    assert abs(lesson.numbers["dy/dx"][-1]) < 1e-3 <= abs(lesson.numbers["dy/dx"][-2])
    # |2 x| < 0.001 is 0.001 wide, and from -6 to 6 there is room for 12,000 of that.
    assert "at most 0.001 apart: that takes 12,000 guesses" in lesson.text
    plane = lessons.descend(formula="x**2 + 3*y**2", start=(1, 1), max_steps=2)
    assert plane.table.columns == ("step", "x", "y", "z", "dz/dx", "dz/dy")
    np.testing.assert_allclose(plane.table.rows[1], (1, 0.8, 0.4, 1.12, 1.6, 2.4))
    assert "guess" not in lessons.descend(formula="-x**2", start=1, max_steps=5).text  # there is no lowest point


def test_learning_rates(made):
    table = made["learning_rates"].table
    assert dict(zip(table["rate"], table["what it does"], strict=True)) == {
        0.1: "walks down, slowly",
        0.5: "lands at once",
        0.9: "zig-zags",
        1.0: "never settles",
        1.1: "explodes",
    }
    assert table["stopped by"] == ("tolerance", "tolerance", "tolerance", "max steps", "diverged")
    np.testing.assert_allclose(table["first slope times"], [1 - 2 * lr for lr in table["rate"]], atol=1e-12)
    assert table["jumps across"] == (0, 0, 43, 100, 38)  # of 43, 1, 43, 100 and 38 steps
    assert table["steps"] == (43, 1, 43, 100, 38)
    # What a rate does depends on the curve: on 3 x² each step multiplies by 1 - 6 α.
    steeper = lessons.learning_rates(formula="3*x**2", rates=(1 / 6, 0.1, 0.3, 0.4))
    assert steeper.numbers["what it does"] == ("lands at once", "walks down, slowly", "zig-zags", "explodes")


def test_stopping(made):
    table = made["stopping"].table
    for (_, steps, rule, x, slope), tolerance in zip(table.rows, (0.1, 0.01, 0.001), strict=False):
        assert (steps, rule) == (next(k for k in range(99) if 12 * 0.8**k < tolerance), "tolerance")
        assert slope == 2 * abs(x) < tolerance
    assert table["stopped by"][3:] == ("max steps", "diverged")
    assert table["steps"][3] == 10
    assert table["|slope|"][4] > 12
    for trace in made["stopping"].traces.values():
        assert trace.message in made["stopping"].text


def test_local_minima(made):
    lesson = made["local_minima"]

    def root(low, high):  # of the slope x/10 + 2 cos(2x)
        def slope(x):
            return x / 10 + 2 * math.cos(2 * x)

        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if slope(low) * slope(middle) <= 0 else (middle, high)
        return low

    minima = [root(-4.5, -3.1), root(-1.5, 0), root(1.6, 3.1), root(4.8, 5.9)]
    maxima = [root(-3.1, -1.5), root(0, 1.6), root(3.1, 4.8)]
    np.testing.assert_allclose(lesson.numbers["end at x"], minima, atol=1e-6)
    np.testing.assert_allclose(lesson.numbers["starts from"], [-5.5, *maxima], atol=1e-3)
    np.testing.assert_allclose(lesson.numbers["to"], [*maxima, 5.5], atol=1e-3)
    assert lesson.numbers["minimum is"] == ("local", "global", "local", "local")
    assert sum(lesson.numbers["share of starts"]) == pytest.approx(1)
    wide = (maxima[1] - maxima[0]) / 11
    assert lesson.numbers["share of starts"][1] == pytest.approx(wide, abs=0.01)
    assert "the start does not matter" in lessons.local_minima(formula="x**2", starts=9).text


# ------------------------------------------------------------------------------------- B. every combination


def test_brute_force(made):
    lesson = made["brute_force"]
    assert lesson.numbers["weights"] == (1, 2, 3, 25)
    assert 1000**25 == 10**75
    seconds = Fraction(10**75, 93 * 10**15)
    assert lesson.numbers["combinations"][3] == "1.00e+75"
    assert lesson.numbers["seconds"][3] == f"{float(seconds):.2e}" == "1.08e+58"
    assert lesson.numbers["years"][3] == f"{float(seconds / (365 * 86400)):.2e}" == "3.41e+50"
    assert "finds 3.42 × 10⁵⁰ years" in lesson.text  # as who rounds twice does: 1.08e58 / (365 · 86400)
    assert 0 < lesson.numbers["descent steps"][3] < 500  # "a few hundred steps instead"
    assert lesson.numbers["least descended"][3] < 0.01
    # The grid is really searched: all of it in 1-D and 2-D, and in 3-D until the budget is used up.
    assert lesson.numbers["tried"] == (1000, 1_000_000, 1_200_000, 0)
    axis = np.linspace(-6, 6, 1000)
    x, y, z = (axis - 1.234) ** 2, 2 * (axis + 0.777) ** 2, 3 * (axis - 2.5) ** 2
    slices = 1_200_000 // 10**6  # of x, each with all y and z; the rest is less than a slice
    least = min((x[:slices, None, None] + y[None, :, None] + z).min(), x[slices] + y[:200].min() + z.min())
    np.testing.assert_allclose(lesson.numbers["least tried"][:3], [x.min(), x.min() + y.min(), least], rtol=1e-12)
    assert "stopped after 1,200,000 points of 1,000,000,000, 0.12% of the grid" in lesson.text
    np.testing.assert_allclose(lesson.traces[lesson.options["formulas"][2]].x, [1.234, -0.777, 2.5], atol=1e-3)


def test_brute_force_stops_by_the_clock_and_its_script_tries_as_many():
    lesson = lessons.brute_force(formulas=("x**2 + y**2 + z**2",), budget=10**8, seconds=0.01)
    tried = lesson.numbers["tried"][0]
    assert 0 < tried < 10**8
    assert f"budgets=({tried},)" in lesson.script()
    assert lesson.measured["tried"] == (tried,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1), "1.00e+0"),
        (Fraction(999499, 1000), "9.99e+2"),
        (Fraction(9996, 10), "1.00e+3"),
        (Fraction(1, 93), "1.08e-2"),
        (Fraction(10) ** 4000, "1.00e+4000"),
    ],
)
def test_large_numbers_are_written_exactly(value, text):
    from tinygrad_edu.lessons.searching import scientific  # noqa: PLC0415 - a part, for this test alone

    assert scientific(value) == text


def test_zigzag(made):
    lesson = made["zigzag"]
    narrow, _, cars, standardised = lesson.table.rows
    np.testing.assert_allclose(lesson.numbers["condition number"][:2], [25, 1], rtol=1e-12)
    assert narrow[2] == pytest.approx(2 / 26)  # the best constant rate: 2 / (1 + 25)
    X = np.array(lesson.program.uses[0]()[0])
    y = lesson.program.uses[0]()[1]
    with_ones = np.column_stack([X, np.ones(50)])
    assert cars[1] == pytest.approx(np.linalg.cond(with_ones.T @ with_ones))
    assert standardised[1] == pytest.approx(1)
    weights = np.linalg.lstsq(with_ones, y)[0]
    np.testing.assert_allclose(weights, [3.932409, -17.579095], rtol=1e-6)  # as statistics books print them
    assert (narrow[3] > 20, cars[3] > 1000, standardised[3]) == (True, True, 1)
    assert narrow[5] == 1.0  # every step turns back
    for valley in lesson.record["valleys"].values():
        excess = valley["trace"].losses - valley["lowest"]
        assert excess[-1] <= 0.02 * excess[0] < excess[-2]


def test_zigzag_on_other_data_says_so_where_it_does_not_arrive(tmp_path):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), 100 + 20 * rng.normal(size=30)
    lines = [f"{x},{y},{3 * x - 0.1 * y + 1}" for x, y in zip(a, b, strict=True)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["a,b,target", *lines]))
    lesson = lessons.zigzag(data=str(table), max_steps=200)
    *_, measured, standardised = lesson.table.rows
    assert (measured[0], measured[3:5]) == (f"{table}, as measured", (200, False))
    assert standardised[1] < measured[1] / 100
    assert "more than 200 steps" in lesson.text
    table.write_text("\n".join(["a,b,target", *(f"{x},2,{x}" for x in a)]))
    with pytest.raises(OptionError, match="a feature is constant, or follows from others"):
        lessons.zigzag(data=str(table))


# --------------------------------------------------------------------------------------- C. the landscape


def test_landscape(made):
    lesson = made["landscape"]
    x, y = lesson.record["x"], lesson.record["y"]

    def loss(a, b):
        return np.mean((a * np.sin(b * x) - y) ** 2)

    full, sampled, other = lesson.table.rows
    h = 1e-6
    assert full[2] == pytest.approx(loss(0.5, 0.6))
    assert full[3] == pytest.approx((loss(0.5 + h, 0.6) - loss(0.5 - h, 0.6)) / (2 * h), rel=1e-6)
    assert full[4] == pytest.approx((loss(0.5, 0.6 + h) - loss(0.5, 0.6 - h)) / (2 * h), rel=1e-6)
    np.testing.assert_allclose(full[5:7], [1.5, 1.2], atol=0.05)  # what the data were drawn with
    np.testing.assert_allclose(sampled[5:7], [1.5, 1.2], atol=0.1)
    assert other[7] > 50 * full[7]  # a local minimum: level, and far above
    assert other[8] < 0.01
    assert "a local minimum" in lesson.text
    at = np.array(other[5:7])  # where it is going, by Newton's method
    for _ in range(6):
        curvature = tg.hessian(lambda t: ((t[0] * np.sin(t[1] * x) - y) ** 2).mean())(at).numpy()
        at = at - np.linalg.solve(curvature, tg.grad(lambda t: ((t[0] * np.sin(t[1] * x) - y) ** 2).mean())(at).numpy())
    assert np.linalg.norm(at - other[5:7]) < 0.1
    assert loss(*at) == pytest.approx(other[7], rel=1e-3)
    assert np.linalg.eigvalsh(curvature).min() > 0
    grid = lesson.record["grid"]
    assert grid.values[3, 5] == pytest.approx(loss(grid.xs[5], grid.ys[3]))
    assert sampled[2] == full[2]  # one start, and one height of it, although he who saw 5 examples felt another
    trail = lesson.traces["5 examples a step"]
    assert trail.loss != pytest.approx(loss(*trail.x), rel=0.01)
    solid = lesson.figure().get_axes()[2]
    assert solid.get_zlabel() == "loss (logarithmic)"
    drawn = next(line for line in solid.get_lines() if line.get_label() == "5 examples a step")
    heights = np.array([loss(a, b) for a, b in trail.points])
    zs = 10 ** np.array(drawn.get_data_3d()[2])  # above the lowest ground, down to where the drawing ends
    np.testing.assert_allclose(zs, np.maximum(heights - grid.values.min(), zs.min()), rtol=1e-6)
    np.testing.assert_allclose(lesson.sketch.lines["5 examples a step"][1], heights)
    first = lesson.traces["5 examples a step"]
    np.testing.assert_allclose(first[1].point, first[0].point - 0.1 * first[0].gradient)
    assert len(set(first[0].batch.tolist())) == 5


def test_tangent(made):
    lesson = made["tangent"]
    rows = lesson.table.rows
    np.testing.assert_allclose(lesson.numbers["slope"][:4], [-8 + h for h in (3, 1, 0.1, 0.01)], rtol=1e-6)
    assert rows[4][2] == -8.0  # y = x² at x = -4
    gradient = np.array([2 * -2.0 / 4, 4 * 1.5 / 4])
    for (_, _, measured, computed), angle in zip(rows[5:], np.arange(8) * math.pi / 4, strict=True):
        expected = gradient @ [math.cos(angle), math.sin(angle)]
        assert computed == pytest.approx(expected, abs=1e-12)
        assert measured == pytest.approx(expected, abs=1e-8)
    assert f"{math.hypot(*gradient):.4g}, its length" in lesson.text


# --------------------------------------------------------------------------- D. losses and backpropagation


def test_losses(made):
    lesson = made["losses"]
    powers = np.exp([2.0, 1.0, -1.0])
    assert lesson.numbers["by hand"][:5] == (0.25, 1.0, 0.0, 2.25, 0.875)
    np.testing.assert_allclose(lesson.numbers["predicted"][5:8], powers / powers.sum())
    assert lesson.numbers["by hand"][8] == pytest.approx(-math.log(powers[0] / powers.sum()))
    for total in (4, 8):
        assert lesson.numbers["by the library"][total] == pytest.approx(lesson.numbers["by hand"][total], rel=1e-12)
    wrong = lessons.losses(scores=(2.0, 1.0, -1.0), actual=2)
    assert wrong.numbers["by hand"][8] == pytest.approx(3 + lesson.numbers["by hand"][8])


def test_four_steps(made):
    lesson = made["four_steps"]
    x, y = (lesson.record[name][:, 0] for name in "xy")
    _, w, b, loss, dw, db = lesson.table.rows[0]
    off = w * x + b - y
    np.testing.assert_allclose([loss, dw, db], [np.mean(off**2), 2 * np.mean(off * x), 2 * np.mean(off)])
    np.testing.assert_allclose(lesson.table.rows[1][1:3], [w - 0.2 * dw, b - 0.2 * db])
    np.testing.assert_allclose(lesson.table.rows[-1][1:3], np.polyfit(x, y, 1), atol=1e-4)
    assert len(lesson.table) == 31
    assert np.all(np.diff(lesson.numbers["loss"]) < 0)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_backprop(activation):
    lesson = lessons.backprop(activation=activation, hidden=3, seed=4)
    record = lesson.record
    assert len(lesson.table) == 2 * 3 + 3 + 3 + 1
    assert max(lesson.numbers["difference"]) < 1e-8
    # The chain rule, written out.
    delta = 2 * (record["values"]["out"] - record["y"])
    a, z = record["values"]["a1"], record["values"]["z1"]
    slope = {"tanh": 1 - a**2, "sigmoid": a * (1 - a), "relu": (z > 0) * 1.0}[activation]
    below = record["weights"]["2.weight"][0] * delta * slope
    np.testing.assert_allclose(record["gradients"]["2.weight"][0], delta * a, rtol=1e-12)
    np.testing.assert_allclose(record["gradients"]["0.weight"], np.outer(below, record["x"]), rtol=1e-12)
    np.testing.assert_allclose(record["gradients"]["0.bias"], below, rtol=1e-12)
    assert f"dL/dw2₁ = δ2·a1₁ = {delta[0]:.4g}·" in str(lesson)  # line by line
    assert "26 forward passes" in lesson.text


# ------------------------------------------------------------------------------------------ E. the regimes


def test_regimes(made):
    lesson = made["regimes"]
    assert lesson.table["regime"] == ("batch", "stochastic", "mini-batch")
    assert lesson.table["updates"] == (12, 12 * 256, 12 * 256 // 16)
    assert set(lesson.table["examples"]) == {12 * 256}  # an equal budget
    batch, single, some = (row[7] for row in lesson.table.rows)
    assert batch < some < single  # the fluctuation
    noise = lesson.record["noise"]
    assert noise[256] < 1e-12
    for n in (2, 4, 8, 16, 32, 64, 128):  # drawn without replacement: variance · (N - n) / (N - 1) / n
        assert noise[n] / noise[1] == pytest.approx(math.sqrt((256 - n) / 255 / n), rel=0.15)
    power = float(re.search(r"to the power (-[0-9.]+)", lesson.text)[1])
    assert -0.65 < power < -0.4
    starts = {tuple(run.losses[:1].round(1)) for run in lesson.record["runs"].values()}
    assert len(lesson.record["runs"]) == 3 >= len(starts)
    titles = [ax.get_title(loc="left") for ax in lesson.figure().get_axes()]  # what came out
    assert (titles[1], titles[3]) == ("Lowest: stochastic", "Smoothest: batch")
    assert [lesson.table["regime"][np.argmin(lesson.table[name])] for name in lesson.table.columns[6:]] == [
        "stochastic",
        "batch",
    ]
    assert lesson.measured["regime"] == lesson.table["regime"]
    assert min(lesson.measured["seconds"]) > 0


def test_regimes_begin_with_the_same_weights():
    batch = lessons.regimes(examples=16, epochs=1, batch_size=15, stochastic_lr=1e-9, mini_batch_lr=1e-9, draws=10)
    losses = [run.losses for run in batch.record["runs"].values()]
    assert losses[1].mean() == pytest.approx(losses[0][0], rel=1e-5)


def test_stuck(made):
    lesson = made["stuck"]
    x = lesson.record["x"]

    def mean_loss(theta):
        return np.mean((np.sin(theta * x) - np.sin(x)) ** 2)

    *noisy, exact = lesson.table.rows
    end = lesson.record["paths"][32][-1, 0]
    assert (exact[2], mean_loss(1.0)) == (0, 0.0)
    assert mean_loss(end) < min(mean_loss(end - 0.05), mean_loss(end + 0.05))  # it is a minimum that batch is stuck in
    assert exact[6] == pytest.approx(mean_loss(end))
    assert exact[6] > 0.5
    assert noisy[0][0] == 1
    assert noisy[0][3] > 0.5  # most noisy runs escape
    assert [row[3] for row in noisy] == sorted((row[3] for row in noisy), reverse=True)  # the less noise, the fewer
    assert noisy[0][7] < exact[7] / 30  # and from fewer examples
    bars = lesson.figure().get_axes()[2]
    intervals = bars.containers[1].lines[2][0].get_segments()
    assert len(bars.patches) == 5
    assert len(intervals) == 4  # one run of all examples leaves nothing to be unsure of
    np.testing.assert_allclose([segment[:, 1] for segment in intervals], [row[4:6] for row in noisy], atol=1e-12)
    found = np.abs(lesson.record["paths"][1][-1] - 1) < 0.1
    assert noisy[0][2] == found.sum()


@pytest.mark.parametrize(
    ("found", "runs", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_of_a_rate_is_wilsons(found, runs, low, high):
    from tinygrad_edu.lessons.escaping import interval  # noqa: PLC0415 - a part, for this test alone

    assert interval(found, runs) == pytest.approx((low, high), abs=1e-4)


# ------------------------------------------------------------------------------------------- every lesson


def test_every_part_of_the_lectures_has_a_lesson():
    parts = {part for entry in lessons.LESSONS.values() for part in entry.parts}
    assert parts == {f"{letter}{i + 1}" for letter, count in LECTURES.items() for i in range(count)}


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_a_record_with_words_numbers_and_a_drawing(made, name):
    lesson = made[name]
    assert (lesson.name, lesson.parts) == (name, lessons.LESSONS[name].parts)
    assert all(lesson.title in str(lesson) for part in (lesson.title, lesson.text) if part)
    assert "nan" not in lesson.text.lower()
    assert list(lesson.numbers) == list(lesson.table.columns)
    for row in lesson.table.rows:
        assert {type(cell) for cell in row} <= {str, int, float, bool}
    with pytest.raises(dataclasses.FrozenInstanceError):
        lesson.text = ""
    assert set(lesson.options) == set(inspect.signature(getattr(lessons, name)).parameters)
    assert (lesson.sketch is None) == (name == "backprop")  # which has the chain rule line by line instead
    if lesson.sketch:
        assert max(map(len, lesson.sketch.text(io.StringIO(), width=60).split("\n")[:14])) <= 60
    assert lesson.call.startswith(f"tg.lessons.{name}(")


def test_the_call_of_a_lesson_makes_it_again(made):
    lesson = made["slope"]
    again = eval(lesson.call, {"tg": tg})  # noqa: S307 - the call is the point
    assert (again.name, again.options, again.table.rows) == (lesson.name, lesson.options, lesson.table.rows)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_drawing_can_be_seen(made, name):
    if (sketch := made[name].sketch) is None:
        return
    rows = sketch.text(io.StringIO(), width=80, unicode=False).split("\n")[1:15]
    seen = Counter("".join(row.partition("|")[2] for row in rows))
    assert all(seen[sign] >= 5 for sign in "*+o#@"[: len(sketch.lines)])


def test_where_a_loss_is_0_the_line_is_on_the_bottom_row():
    sketch = Sketch({"a": ([0, 1, 2], [100, 0, 0]), "b": ([0, 1, 2], [100, 10, 1])}, "x", "loss", log=True, note="c")
    *rows, note = sketch.text(io.StringIO(), width=24, height=4, unicode=False).split("\n")
    assert rows[4].count("*") > 8
    assert note == "c; where the loss is 0, the line is on the bottom row"
    assert "bottom" not in dataclasses.replace(sketch, log=False).text(io.StringIO())


@pytest.fixture(scope="module")
def printed(made, tmp_path_factory):
    """Run the scripts of all lessons in another process, each as a program; give what each printed."""
    folder = tmp_path_factory.mktemp("scripts")
    for name, lesson in made.items():
        (folder / f"{name}.py").write_text(lesson.script(), encoding="utf-8")
    runner = """
import contextlib, pathlib, runpy, sys
for name in sys.argv[1:]:
    with pathlib.Path(name + ".txt").open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        runpy.run_path(name + ".py", run_name="__main__")
"""
    command = [sys.executable, "-W", "error", "-c", runner, *made]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    return {name: (folder / f"{name}.txt").read_text(encoding="utf-8") for name in made}


@pytest.mark.parametrize("name", NAMES)
def test_the_script_prints_the_same_numbers_to_the_last_digit(made, printed, name):
    assert printed[name] == made[name].table.exact() + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_script_uses_the_public_names_alone_and_writes_the_options_out(made, name):
    lesson = made[name]
    script = lesson.script()
    code = script.partition('"""\n\n')[2].replace(lesson.call, "")
    assert "tg.lessons" not in code
    assert set(re.findall(r"^(?:from|import) (\S+)", script, re.MULTILINE)) <= {
        *("collections.abc", "fractions", "itertools", "math", "numpy", "time", "tinygrad_edu", "typing"),
    }
    assert all(f"        {option}=" in script for option in lesson.program.arguments)
    assert max(map(len, script.replace(lesson.call, "").splitlines())) <= 120


def test_a_script_follows_the_options():
    lesson = lessons.slope(formula="sin(x) * 'a'".replace(" * 'a'", ""), at=(0.1, 2))
    run = subprocess.run([sys.executable, "-c", lesson.script()], capture_output=True, text=True, check=True)
    assert run.stdout == lesson.table.exact() + "\n"
    assert lesson.table.rows[0][2] == pytest.approx(math.cos(0.1))


# ------------------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("name", NAMES)
def test_the_figure_says_what_to_see(made, name):
    figure = made[name].figure()
    axes = figure.get_axes()
    captions = [text.get_text() for ax in axes for text in ax.texts if text.get_gid() == "caption"]
    titles = [ax.get_title(loc="left") for ax in axes]
    assert any(len(caption) > 30 for caption in captions)
    assert any(titles)
    assert not any(re.search(r"\*\*|nan", words) for words in captions + titles)
    if name in {"stopping", "local_minima", "brute_force", "losses", "four_steps", "backprop"}:
        assert_looks_like(figure, f"lesson-{name}")  # the others are made of pictures that have tests of their own
    elif name in {"stuck", "tangent"}:
        figure.draw_without_rendering()


def test_a_notebook_shows_words_table_and_picture(made):
    page = made["stopping"]._repr_html_()
    assert page.count("<td>") == 25
    assert '<img alt="When to stop: three rules on y = x**2" src="data:image/png;base64,iVBOR' in page
    assert "|slope| &lt; 0.1" in page
    assert "Measured on this machine" not in page
    more = {"measured": Table(("seconds",), ((0.5,),)), "details": made["backprop"].details}
    timed = dataclasses.replace(made["slope"], **more)
    assert "<details><summary>Line by line</summary>" in timed._repr_html_()
    assert "Measured on this machine:</p><table><thead><tr><th>seconds</th>" in timed._repr_html_()


def test_without_matplotlib_a_notebook_says_what_brings_it(made):
    def missing(_):
        raise MissingDependencyError('Drawing figures needs matplotlib: pip install "tinygrad-edu[plot]"')

    page = dataclasses.replace(made["slope"], draw=missing)._repr_html_()
    assert "tinygrad-edu[plot]" in page
    assert "<img" not in page


# ---------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("slope", {"formula": "x*y"}, FormulaError, r"takes a formula of one variable, but 'x\*y' has 2: x, y"),
        ("slope", {"formula": "3"}, FormulaError, "one variable, but '3' has 0"),
        ("slope", {"formula": "x^2"}, FormulaError, "write"),
        ("slope", {"formula": abs}, OptionError, "takes its formula as text"),
        ("slope", {"at": ()}, OptionError, "at must be 1 to 20 numbers, but has 0"),
        ("slope", {"at": "1,2"}, OptionError, r"but is a text. Write at=\(1.0, 2.0\)"),
        ("slope", {"at": [math.nan]}, OptionError, "each number of at must be a finite number, but is nan"),
        ("slope", {"formula": "log(x)", "at": [-1]}, OptionError, "At x = -1 the curve .* Choose places"),
        ("slope", {"low": 3, "high": 3}, OptionError, "low must be below high, but low is 3 and high is 3"),
        ("descend", {"formula": "x*y*z", "start": [1, 2, 3]}, FormulaError, "one variable or two variables"),
        ("descend", {"start": (1, 2)}, OptionError, "start must be one number, but has 2. Write start=1.0"),
        ("descend", {"lr": 0}, OptionError, "lr must be a finite number > 0, but is 0"),
        ("descend", {"max_steps": 0}, OptionError, "max_steps must be a whole number from 1 to 5,000, but is 0"),
        ("descend", {"tolerance": -1}, OptionError, "tolerance must be a finite number >= 0, but is -1"),
        ("learning_rates", {"rates": [0.1] * 9}, OptionError, "rates must be 1 to 8 numbers, but has 9"),
        ("learning_rates", {"rates": [-0.1]}, OptionError, "each number of rates must be a finite number > 0"),
        ("learning_rates", {"start": "left"}, OptionError, "start must be a finite number, but is 'left'"),
        ("learning_rates", {"formula": "log(x)"}, OptionError, "Choose a start"),
        ("stopping", {"tolerances": [0]}, OptionError, "tolerances must be a finite number > 0"),
        ("stopping", {"few_steps": 2.5}, OptionError, "few_steps must be a whole number"),
        ("local_minima", {"starts": 1}, OptionError, "starts must be a whole number from 2"),
        ("local_minima", {"lr": 5, "formula": "x**4"}, OptionError, "descents of .* diverge"),
        ("brute_force", {"values": 1}, OptionError, "values must be a whole number from 2 to 1,000,000, but is 1"),
        ("brute_force", {"formulas": "a+b+c+d"}, FormulaError, "three variables, but 'a[+]b[+]c[+]d' has 4"),
        ("brute_force", {"formulas": ()}, OptionError, "formulas must be 1 to 5 formulas, but there are 0"),
        ("brute_force", {"seconds": 0}, OptionError, "seconds must be a finite number > 0"),
        ("zigzag", {"formula": "x**2 - y**2"}, OptionError, "is no bowl"),
        ("zigzag", {"formula": "x*y"}, OptionError, "is no bowl"),
        ("zigzag", {"data": "moons"}, OptionError, "needs data for a regression, but 'moons' has classes"),
        ("zigzag", {"data": "dibetes"}, DataError, "Did you mean 'diabetes'"),
        ("zigzag", {"near": 1}, OptionError, "near must be a finite number > 0 and < 1"),
        ("landscape", {"batch_size": 41}, OptionError, "batch_size must be a whole number from 1 to 40, but is 41"),
        ("landscape", {"start": 1.0}, OptionError, "start must be 2 numbers, but has 1"),
        ("tangent", {"at": math.inf}, OptionError, "at must be a finite number, but is inf"),
        ("tangent", {"formula": "sqrt(x)", "at": -1}, OptionError, "no finite height and slope"),
        ("tangent", {"directions": 3}, OptionError, "directions must be a whole number from 4 to 36"),
        ("losses", {"targets": [1, 2, 3]}, OptionError, "There are 3 targets and 4 predictions"),
        ("losses", {"actual": 3}, OptionError, "actual must be a whole number from 0 to 2, but is 3"),
        ("losses", {"scores": [1]}, OptionError, "scores must be 2 to 20 numbers, but has 1"),
        ("four_steps", {"noise": -1}, OptionError, "noise must be a finite number >= 0"),
        ("four_steps", {"seed": -1}, OptionError, "seed must be a whole number from 0"),
        ("backprop", {"activation": "step"}, OptionError, "activation must be 'tanh', 'sigmoid' or 'relu'"),
        ("backprop", {"hidden": 9}, OptionError, "hidden must be a whole number from 1 to 8, but is 9"),
        ("backprop", {"x": [1, 2, 3, 4, 5]}, OptionError, "x must be 1 to 4 numbers, but has 5"),
        ("regimes", {"data": "moon"}, OptionError, "has no data 'moon'. Did you mean 'moons'"),
        ("regimes", {"batch_size": 256}, OptionError, "batch_size must be a whole number from 2 to 255"),
        ("regimes", {"epochs": True}, OptionError, "epochs must be a whole number from 1 to 500, but is True"),
        ("stuck", {"batch_sizes": [32]}, OptionError, "each of batch_sizes must be a whole number from 1 to 31"),
        ("stuck", {"batch_sizes": []}, OptionError, "batch_sizes must be 1 to 8 whole numbers, but has 0"),
        ("stuck", {"seeds": 1}, OptionError, "seeds must be a whole number from 2"),
    ],
)
def test_what_cannot_be_used_is_explained(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(lessons, name)(**options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("descend", {"lr": 1.5}),
        ("descend", {"start": 0.0}),
        ("descend", {"formula": "exp(x)", "start": -800.0}),
        ("learning_rates", {"rates": 2.0}),
        ("learning_rates", {"start": 0.0}),
        ("learning_rates", {"formula": "x", "max_steps": 3}),
        ("stopping", {"lr": 3.0}),
        ("stopping", {"start": 0.0}),
        ("local_minima", {"formula": "x**2", "starts": 2}),
        ("brute_force", {"network_lr": 1e3, "budget": 10}),
        ("brute_force", {"formulas": "log(x)", "low": 1.0, "high": 2.0, "hidden": 1}),
        ("zigzag", {"start": (0.0, 0.0), "max_steps": 20}),
        ("landscape", {"lr": 100.0, "steps": 5}),
        ("landscape", {"examples": 2, "batch_size": 1, "steps": 1}),
        ("tangent", {"at": 0.0, "point": (0.0, 0.0)}),
        ("losses", {"scores": (900.0, -900.0), "actual": 0}),
        ("four_steps", {"lr": 1e3}),
        ("backprop", {"x": 2.0, "hidden": 1, "activation": "relu"}),
        ("regimes", {"stochastic_lr": 1e4, "examples": 16, "batch_size": 4, "epochs": 2}),
        ("stuck", {"lr": 50.0, "steps": 3, "seeds": 2}),
    ],
)
def test_extremes_are_answers_and_no_errors(name, options):
    """Divergence, a start at the lowest point, the smallest sizes: each has words, numbers, a drawing and a figure."""
    lesson = getattr(lessons, name)(**options)
    assert len(str(lesson)) > 100
    assert lesson.sketch is None or lesson.sketch.text(io.StringIO(), width=60)
    assert lesson.figure().get_axes()


def test_ctrl_c_within_a_lesson_is_no_half_a_lesson():
    trace = tg.minimize("x**2", 1.0)
    stopped = dataclasses.replace(trace, stop_reason=tg.learn.StopReason.INTERRUPTED)
    for record in ({"runs": [trace, stopped]}, (stopped,), stopped):
        with pytest.raises(KeyboardInterrupt):
            Program(lambda record=record: record, list, {}, ()).record()
    assert Program(lambda: [trace], list, {}, ()).record() == [trace]


@pytest.mark.parametrize(("things", "text"), [([], None), ([1], "1"), ([1, 2], "1 and 2"), ("abc", "a, b and c")])
def test_things_are_listed(things, text):
    if text is None:
        with pytest.raises(ValueError, match="not enough values"):
            listed(things)
    else:
        assert listed(things) == text


# --------------------------------------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def docs():
    """Load the program that writes the page."""
    spec = importlib.util.spec_from_file_location("lessons_page", DOCS / "lessons.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def test_a_thin_line_keeps_its_colour_in_a_small_picture(docs):
    grey = np.random.default_rng(0).integers(0, 256, (64, 64, 1), np.uint8)
    pixels = np.repeat(grey, 3, axis=2)
    lines = {(0, 114, 178): 5, (230, 159, 0): 6, (255, 255, 255): 7}  # two of the palette, and white
    for color, row in lines.items():
        pixels[row, :3] = color
    small = docs.with_few_colors(Image.fromarray(pixels))
    drawn = np.asarray(small.convert("RGB"))
    assert small.mode == "P"
    assert all((drawn[row, :3] == color).all() for color, row in lines.items())
    assert np.abs(drawn.astype(int) - pixels).max() <= 2


def test_the_page_names_a_call_a_command_a_figure_and_a_test_for_every_part(docs):
    assert (DOCS / "lessons.md").read_text(encoding="utf-8") == docs.page(), "run: python docs/lessons.py"
    assert list(docs.PARTS) == sorted(
        part for letter, n in LECTURES.items() for part in (f"{letter}{i + 1}" for i in range(n))
    )
    for part, (name, _) in docs.PARTS.items():
        assert part in lessons.LESSONS[name].parts
    for name in NAMES:
        assert callable(globals()[f"test_{name}"])
        with Image.open(DOCS / "images" / "lessons" / f"{name}.png") as picture:
            assert picture.width > 400
