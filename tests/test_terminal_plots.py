"""Plots made of characters: what stands where, and what a stream can take."""

import io
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as tg
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.visualize import sparkline, terminal_losses, terminal_plot, terminal_trace
from tinygrad_edu.visualize.characters import Canvas

PLAIN = {"unicode": False, "color": False}


class Stream(io.TextIOWrapper):
    """A stream of an encoding, on a terminal or not."""

    def __init__(self, encoding="utf-8", *, terminal=False):
        super().__init__(io.BytesIO(), encoding)
        self.terminal = terminal

    def isatty(self):
        return self.terminal


# -------------------------------------------------------------------------------------------- sparklines


@pytest.mark.parametrize(
    ("values", "options", "line"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], {}, "▁▂▃▄▅▆▇█"),
        ([8, 1], {}, "█▁"),
        ([5, 5, 5], {}, "▁▁▁"),
        ([3], {}, "▁"),
        ([], {}, ""),
        ([1, np.nan, 2], {}, "▁×█"),
        ([1, np.inf, -np.inf, 2], {}, "▁××█"),
        ([np.nan, np.nan], {}, "××"),
        ([1, 10, 100, 1000], {"log": True}, "▁▃▆█"),
        ([1, 10, 100, 1000], {}, "▁▁▂█"),
        ([100, 0, -1, 1], {"log": True}, "█××▁"),
        ([0, 0, 4, 4, 8, 8], {"width": 3}, "▁▅█"),
        ([0, np.nan, 8, 8], {"width": 2}, "▁█"),
        ([np.nan, np.nan, 8, 0], {"width": 2}, "×▁"),
        ([1, 2], {"width": 40}, "▁█"),
        ([[1, 2], [3, 4]], {}, "▁▃▆█"),
        ([1e308, -1e308], {}, "█▁"),
        ([1e308, 1e308, -1e308, -1e308], {"width": 2}, "█▁"),
        ([1, 2, 3, 4, 5, 6, 7, 8], {"unicode": False}, "_.-~=+*#"),
        ([1, np.nan], {"unicode": False}, "_x"),
    ],
)
def test_a_sparkline_is_as_high_as_its_numbers(values, options, line):
    assert sparkline(values, **{"unicode": True} | options) == line


def test_a_sparkline_is_plain_where_the_encoding_is(monkeypatch):
    monkeypatch.setattr("sys.stdout", Stream("ascii"))
    assert sparkline([1, 2]) == "_#"
    monkeypatch.setattr("sys.stdout", Stream("utf-8"))
    assert sparkline([1, 2]) == "▁█"


@given(st.lists(st.floats(), max_size=60), st.integers(1, 40), st.booleans(), st.booleans())
def test_any_numbers_have_a_sparkline_no_wider_than_asked_for(values, width, log, unicode):
    line = sparkline(values, width, log=log, unicode=unicode)
    assert len(line) == min(len(values), width)
    assert set(line) <= set("▁▂▃▄▅▆▇█×" if unicode else "_.-~=+*#x")


# ---------------------------------------------------------------------------------------------- the canvas


def test_each_character_of_braille_is_two_by_four_dots():
    canvas = Canvas(1, 1, (0, 1), (0, 3), dots=True)
    shown = []
    for x, y in ((0, 3), (1, 3), (0, 2), (1, 2), (0, 1), (1, 1), (0, 0), (1, 0)):
        canvas.line(np.array([float(x)]), np.array([float(y)]), "*")
        shown += canvas.rows(color=False)
    assert shown == ["⠁", "⠉", "⠋", "⠛", "⠟", "⠿", "⡿", "⣿"]


@pytest.mark.parametrize(
    ("xs", "ys", "rows"),
    [
        ([0, 4], [0, 0], ["", "", "*****"]),
        ([0, 4], [0, 2], ["   **", "  *", "**"]),
        ([2, 2], [-9, 9], ["  *", "  *", "  *"]),
        ([-4, 8], [1, 1], ["", "*****", ""]),
        ([-1, 9], [9, 9], ["", "", ""]),
        ([0, np.nan, 4], [0, 1, 2], ["", "", ""]),
        ([0, 1, np.nan, 3, 4], [0, 0, 1, 2, 2], ["   **", "", "**"]),
        ([-1e300, 1e300], [1, 1], ["", "*****", ""]),
    ],
    ids=["level", "rising", "upright", "beyond both sides", "beside", "gap", "two pieces", "from far away"],
)
def test_a_line_is_cut_off_at_the_edges_and_broken_where_it_is_not_finite(xs, ys, rows):
    canvas = Canvas(5, 3, (0, 4), (0, 2), dots=False)
    canvas.line(np.array(xs, float), np.array(ys, float), "*")
    assert canvas.rows(color=False) == rows


def test_lines_on_one_another_take_turns_and_the_shortest_begins():
    canvas = Canvas(8, 2, (0, 7), (0, 1), dots=False)
    canvas.line(np.array([0.0, 7.0]), np.array([0.0, 0.0]), "*")
    canvas.line(np.array([0.0, 5.0]), np.array([0.0, 0.0]), "+")
    canvas.line(np.array([2.0, 2.0]), np.array([0.0, 0.0]), "o")
    assert canvas.rows(color=False) == ["", "+*o+*+**"]


def test_colours_on_one_another_take_turns():
    canvas = Canvas(4, 1, (0, 3), (0, 1), dots=True)
    for sign, color in (("*", "31"), ("+", "32")):
        canvas.line(np.array([0.0, 3.0]), np.array([0.0, 0.0]), sign, color)
    assert canvas.rows(color=True) == ["\x1b[31m⣀\x1b[0m\x1b[32m⣀\x1b[0m" * 2]


def test_a_letter_stands_on_top_and_not_outside():
    canvas = Canvas(5, 1, (0, 4), (0, 1), dots=True)
    canvas.line(np.array([0.0, 4.0]), np.array([0.0, 0.0]), "*")
    canvas.mark(2.0, 0.0, "A")
    canvas.mark(9.0, 0.0, "B")
    canvas.mark(np.nan, 0.0, "C")
    assert canvas.rows(color=False) == ["⣀⣀A⣀⣀"]


# ------------------------------------------------------------------------------------------------- plots


def test_a_plot_has_the_ends_of_both_axes_and_their_names():
    x = np.linspace(-6, 6, 49)
    assert terminal_plot({"y": (x, x**2)}, width=26, height=4, x_label="x", y_label="y = x**2", **PLAIN).split(
        "\n"
    ) == [
        "   y = x**2",
        "36 |**                  **",
        "   | ***              ***",
        "   |    ***        ****",
        " 0 |       ********",
        "   +----------------------",
        "    -6         x         6",
    ]


def test_a_logarithmic_plot_of_a_power_is_a_straight_line():
    x = np.arange(5.0)
    rows = terminal_plot({"y": (x, 10.0**-x)}, width=20, height=5, log=True, **PLAIN).split("\n")[:5]
    assert (rows[0].split()[0], rows[4].split()[0]) == ("1", "0.0001")
    columns = [np.mean([i for i, letter in enumerate(row) if letter == "*"]) for row in rows]
    np.testing.assert_allclose(np.diff(columns), np.diff(columns).mean(), atol=1.1)


def test_lines_without_colours_are_told_apart_by_their_signs():
    lines = {"up": ([0, 1], [0, 1]), "down": ([0, 1], [1, 0])}
    text = terminal_plot(lines, width=20, height=5, unicode=True, color=False)
    assert "* up   + down" in text
    assert "\x1b" not in text
    assert not re.search("[⠁-⣿]", text)


def test_lines_with_colours_are_dots():
    lines = {"up": ([0, 1], [0, 1]), "down": ([0, 1], [1, 0])}
    text = terminal_plot(lines, width=20, height=5, unicode=True, color=True)
    assert re.search("[⠁-⣿]", text)
    assert text.count("\x1b[0m") == len(re.findall(r"\x1b\[[0-9;]+[1-9]m", text))


@pytest.mark.parametrize("width", [20, 37, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_was_asked_for(width, unicode):
    trace = tg.minimize("x**2", -6.0, lr=0.9)
    drawn = terminal_plot({"y": (trace.ks, trace.losses)}, width=width, x_label="steps", unicode=unicode, color=False)
    assert max(map(len, drawn.split("\n"))) <= width


def test_the_width_is_the_terminals(monkeypatch):
    for columns, widest in ((40, 40), (300, 100), (5, 20)):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert max(map(len, terminal_plot({"y": ([0, 1], [0, 1])}, **PLAIN).split("\n"))) == widest


@pytest.mark.parametrize(
    ("encoding", "terminal", "environment", "braille", "color"),
    [
        ("utf-8", True, {}, True, True),
        ("utf-8", False, {}, True, False),
        ("ascii", True, {}, False, True),
        ("latin-1", False, {}, False, False),
        ("utf-8", True, {"NO_COLOR": "1"}, True, False),
        ("utf-8", True, {"NO_COLOR": ""}, True, True),
        ("utf-8", True, {"TERM": "dumb"}, True, False),
    ],
)
def test_a_stream_is_given_what_it_takes(monkeypatch, encoding, terminal, environment, braille, color):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Stream(encoding, terminal=terminal)
    text = terminal_trace(tg.minimize("x**2", -6.0, lr=0.9), stream=stream)
    assert bool(re.search("[⠁-⣿]", text)) is braille
    assert ("\x1b[" in text) is color
    text.encode(encoding)


@pytest.mark.parametrize(
    ("xs", "ys"),
    [([0], [0]), ([3, 3], [5, 5]), ([0, 1], [1e-300, 1e-300]), ([0, 1], [-1e300, 1e300]), ([0, 1e-12], [1, 1 + 1e-12])],
    ids=["a point", "no width and no height", "hardly any height", "all heights", "narrow"],
)
def test_odd_lines_are_drawn_without_a_warning(xs, ys):
    assert "*" in terminal_plot({"y": (xs, ys)}, width=30, height=5, **PLAIN)


# ---------------------------------------------------------------------------------------------- descents


def test_a_descent_goes_down_its_curve_step_by_step():
    text = terminal_trace(tg.minimize("x**2", -6.0, lr=0.9), width=44, height=9, **PLAIN)
    rows = text.split("\n")
    assert rows[0].strip() == "y = x**2"
    assert rows[-1] == "Zig-zags: 43 of 43 steps jump across the valley, each a little lower."
    place = {
        letter: (r, row.index(letter)) for r, row in enumerate(rows[1:-3]) for letter in "01234" if letter in row[4:]
    }
    heights = [place[k][0] for k in "01234" if k in place]
    assert heights == sorted(heights)
    middle = (rows[1].index("|") + 44) / 2
    assert place["0"][1] < middle < place["1"][1]
    assert place["2"][1] < middle < place["3"][1]


def test_a_curve_with_a_pole_has_a_gap_there():
    text = terminal_trace(tg.minimize("1/x + x", 3.0, lr=0.3), width=60, height=9, **PLAIN)
    assert max(row.count("*") for row in zip(*text.split("\n")[1:-3], strict=False)) < 9


def test_more_variables_are_drawn_as_losses():
    text = terminal_trace(tg.minimize("x**2 + y**2", [3, 4]), width=60, **PLAIN)
    assert "loss (logarithmic)" in text
    assert "steps" in text


def test_several_descents_are_drawn_together():
    traces = {f"{lr}": tg.minimize("x**2", -6.0, lr=lr) for lr in (0.1, 0.5, 1.1)}
    text = terminal_losses(traces, width=60, **PLAIN)
    assert "* 0.1   + 0.5   o 1.1" in text
    assert text.endswith("in 38 steps.")
    assert "0.5: Lands in 1 step.\n" in text


# ------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sparkline([1, 2], 0), OptionError, "width must be a whole number above 0, but is 0"),
        (lambda: sparkline([1, 2], 2.5), OptionError, "2.5"),
        (lambda: sparkline([1, 2], width=True), OptionError, "True"),
        (lambda: sparkline(["a"]), DtypeError, "real numbers"),
        (lambda: sparkline([[1], [2, 3]]), DtypeError, "real numbers"),
        (lambda: terminal_plot({}), OptionError, "nothing to draw"),
        (lambda: terminal_plot({"y": ([], [])}), OptionError, "no point is finite"),
        (lambda: terminal_plot({"y": ([0], [np.nan])}), OptionError, "no point is finite"),
        (lambda: terminal_plot({"y": ([0], [-1])}, log=True), OptionError, "finite and positive"),
        (lambda: terminal_plot({"y": ([0, 1], [1])}), ShapeError, "line 'y' has 2 x, but 1 y"),
        (lambda: terminal_plot({"y": ([0], ["a"])}), DtypeError, "line 'y' is not made of real numbers"),
        (lambda: terminal_plot({"y": ([0], [1])}, width=5), OptionError, "width must be a whole number from 20"),
        (lambda: terminal_plot({"y": ([0], [1])}, height=0), OptionError, "height must be a whole number from 4"),
        (lambda: terminal_plot({"y": ([0], [1])}, height="high"), OptionError, "'high'"),
        (lambda: terminal_plot({"y": ([0], [1])}, y_range=(2, 1)), OptionError, "y_range must go from a lower"),
        (lambda: terminal_losses({}), OptionError, "There is no trace to draw"),
    ],
)
def test_what_cannot_be_drawn_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
