"""Heights along a line and over a plane, and which part of them a descent makes worth seeing."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import FormulaError, OptionError, ShapeError
from tinygrad_edu.learn.formula import formula
from tinygrad_edu.learn.grids import curve, grid, view


def square(x):
    return x**2


def bowl(point):
    return point[0] ** 2 + 3 * point[1]


# --------------------------------------------------------------------------------------------- the heights


@pytest.mark.parametrize(
    ("f", "text", "variable"),
    [("x**2", "x**2", "x"), (formula("t**2"), "t**2", "t"), (square, "square", "x"), (lambda x: x**2, "f", "x")],
    ids=["text", "formula", "function", "lambda"],
)
def test_a_curve_is_the_function_at_evenly_spaced_points(f, text, variable):
    record = curve(f, -6, 6, n=7)
    assert (record.text, record.variable) == (text, variable)
    np.testing.assert_array_equal(record.xs, [-6, -4, -2, 0, 2, 4, 6])
    np.testing.assert_array_equal(record.ys, [36, 16, 4, 0, 4, 16, 36])


@pytest.mark.parametrize("f", ["x**2 + 3*y", bowl], ids=["formula", "function"])
def test_a_grid_has_a_row_for_each_y_and_a_column_for_each_x(f):
    record = grid(f, (0, 2), (10, 30), n=3)
    assert record.variables == ("x", "y")
    np.testing.assert_array_equal(record.values, [[30, 31, 34], [60, 61, 64], [90, 91, 94]])


def test_the_variables_of_a_formula_go_across_and_up_in_their_sorted_order():
    record = grid("b - a", (0, 1), (10, 20), n=2)
    assert record.variables == ("a", "b")
    np.testing.assert_array_equal(record.values, [[10, 9], [20, 19]])


def test_tangents_have_the_height_and_the_slope_of_the_curve():
    slopes = [(t.x, t.y, t.slope) for t in curve("x**2", -6, 6, tangent_at=[-6, -4, -2, 0]).tangents]
    assert slopes == [(-6, 36, -12), (-4, 16, -8), (-2, 4, -4), (0, 0, 0)]


def test_where_there_is_no_height_it_says_so_and_does_not_warn():
    ys = curve("log(x)", -1, 1, n=3).ys
    assert np.isnan(ys[0])
    assert ys[1:].tolist() == [-np.inf, 0]


def test_a_formula_without_its_variable_is_refused_and_a_flat_one_is_flat():
    assert curve("0*x + 3", 0, 1, n=2).ys.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("f", "heights", "poles"),
    [
        ("x**2", (0.0, 36.0), False),
        ("x**9", (-(6.0**9), 6.0**9), False),
        ("sin(x)", (-1.0, 1.0), False),
        ("1/x", (-5 / 3, 5 / 3), True),
        ("log(x - 99)", (0.0, 1.0), False),
    ],
)
def test_a_pole_is_cut_off_and_nothing_else_is(f, heights, poles):
    record = curve(f, -6, 6, n=400)
    assert bool(len(record.poles)) is poles
    if poles:
        assert np.abs(record.xs[record.poles]).max() < 0.1
    low, high = record.heights
    assert low == pytest.approx(heights[0], abs=0.05 if poles else 1e-3)
    assert high == pytest.approx(heights[1], abs=0.05 if poles else 1e-3)


# ----------------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize(
    ("f", "start", "lr", "low", "high"),
    [
        ("x**2", -6.0, 0.1, -7.5, 7.5),  # the valley's other side belongs to the picture
        ("x**2", -6.0, 0.9, -7.5, 7.5),
        ("x**2", -6.0, 1.0, -7.5, 7.5),
        ("(x - 3)**2", 1.0, 0.1, 0.5, 5.5),
    ],
)
def test_a_descent_is_seen_with_both_sides_of_its_valley(f, start, lr, low, high):
    [found] = view([tg.minimize(f, start, lr=lr)], f)
    assert found == pytest.approx((low, high), abs=0.02)


def test_a_descent_that_is_cut_short_is_seen_with_the_bottom_that_it_was_on_its_way_to():
    trace = tg.minimize("x**2", -6.0, lr=0.01, max_steps=2)
    [(low, high)] = view([trace], "x**2")
    assert low < -6 < 0 < high
    assert (low + high) / 2 == pytest.approx(0, abs=0.05)
    [(low, high)] = view([trace])  # without the function it cannot be looked for
    assert high < -4


def test_a_descent_that_diverges_does_not_make_the_picture_useless():
    trace = tg.minimize("x**2", -6.0, lr=1.1)
    assert np.abs(trace.points).max() > 6000
    [(low, high)] = view([trace], "x**2")
    assert -30 < low < -6
    assert 6 < high < 30


def test_a_slope_without_a_bottom_and_a_start_that_is_one_have_a_view_all_the_same():
    for f, start in (("-x", 0.0), ("x**2", 0.0), ("log(x)", 0.5), ("exp(x)", 0.0)):
        [(low, high)] = view([tg.minimize(f, start, max_steps=3)], f)
        assert np.isfinite([low, high]).all()
        assert low < start < high


def test_a_map_shows_the_paths_and_room_around_them():
    traces = [tg.minimize("x**2 + 10*y**2", [-5, 2], lr=lr) for lr in (0.01, 0.09)]
    (left, right), (bottom, top) = view(traces, "x**2 + 10*y**2")
    assert left < -5 < 0 < right
    points = np.concatenate([trace.points for trace in traces])
    assert bottom < points[:, 1].min() <= points[:, 1].max() < top


def test_a_map_shows_the_lowest_point_nearby_where_no_path_has_come_to_one():
    banana = "(1 - x)**2 + 100*(y - x**2)**2"
    trace = tg.minimize(banana, [-1.5, 2], lr=5e-4, max_steps=1000)
    assert trace.points[:, 0].max() < 0
    assert [low < 1 < high for low, high in view([trace], banana)] == [True, True]


def test_a_path_along_one_axis_of_a_map_has_room_beside_it():
    (left, right), (bottom, top) = view([tg.minimize("x**2 + y**2", [-6, 0])])
    assert left < -6
    assert bottom < -1
    assert top > 1
    assert right > 1


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: curve("x**2", 6, -6), OptionError, "range of x must go from one finite number to a larger one"),
        (lambda: curve("x**2", 1, 1), OptionError, "larger"),
        (lambda: curve("x**2", -np.inf, 1), OptionError, "finite"),
        (lambda: curve("x**2", "left", 1), OptionError, "'left'"),
        (lambda: curve("x**2", None, 1), OptionError, "None"),
        (lambda: curve("x**2", 0, 10**400), OptionError, "finite"),
        (lambda: curve("x**2", 0, 1, n=1), OptionError, "whole number from 2 to 4001, but is 1"),
        (lambda: curve("x**2", 0, 1, n=10**9), OptionError, "from 2 to 4001"),
        (lambda: curve("x**2", 0, 1, n=2.5), OptionError, "2.5"),
        (lambda: curve("x**2", 0, 1, n=True), OptionError, "True"),
        (lambda: curve("x*y", 0, 1), FormulaError, "has the variables x, y, but a curve needs one"),
        (lambda: curve("3", 0, 1), FormulaError, "none"),
        (lambda: curve("2x", 0, 1), FormulaError, r"2\*x"),
        (lambda: curve(7, 0, 1), OptionError, "A formula such as 'x..2' or a function is needed"),
        (lambda: curve(lambda x: x.reshape(1, 1).expand(2, 1), 0, 1), ShapeError, "single number"),
        (lambda: curve("log(x)", 0, 1, tangent_at=[-1]), OptionError, "no tangent at -1"),
        (lambda: curve("x**0.5", 0, 1, tangent_at=[0]), OptionError, "slope there is inf"),
        (lambda: grid("x**2", (0, 1), (0, 1)), FormulaError, "a landscape needs two"),
        (lambda: grid("x*y", (0, 1), (1, 0)), OptionError, "range of y"),
        (lambda: grid("x*y", (0, 1), (0, 1), n=0), OptionError, "number of points"),
    ],
)
def test_what_cannot_be_computed_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
