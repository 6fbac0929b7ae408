"""Figures of formulas show what is on record, say what there is to see, and look as they did when looked at."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import tinygrad_edu as tg
from tests.images import TOLERANCE, assert_looks_like, difference, rendered
from tinygrad_edu import optim
from tinygrad_edu.errors import FormulaError, MissingDependencyError, OptionError
from tinygrad_edu.learn.grids import curve, grid
from tinygrad_edu.traces import Step, StopReason, Trace
from tinygrad_edu.visualize import (
    plot_contour,
    plot_curve,
    plot_learning_rates,
    plot_losses,
    plot_surface,
    plot_trace,
    save_figure,
)
from tinygrad_edu.visualize.contour import levels
from tinygrad_edu.visualize.figures import PALETTE, describe, figure_of, name_colors, new_axes, new_figure
from tinygrad_edu.visualize.words import number, proper, typeset

RATES = (0.1, 0.5, 0.9, 1.0, 1.1)
VALLEY = "x**2 + 10*y**2"
BANANA = "(1 - x)**2 + 100*(y - x**2)**2"


def descend(lr, f="x**2", start=-6.0, **options):
    return tg.minimize(f, start, lr=lr, **options)


@pytest.fixture(scope="module")
def valley():
    rolling = tg.minimize(VALLEY, [-5, 2], optimizer=lambda p: optim.SGD(p, lr=0.01, momentum=0.8))
    return {"gradient descent": descend(0.09, VALLEY, [-5, 2]), "momentum": rolling}


def words(ax):
    """Give the title and the caption of axes, as one line each."""
    caption = [text.get_text() for text in ax.texts if text.get_gid() == "caption"]
    return ax.get_title(loc="left").replace("\n", " "), " ".join(caption).replace("\n", " ")


def plain(**options):
    """Make axes whose layout costs nothing."""
    return Figure(figsize=(4, 3)).add_subplot(**options)


def line(ax, marker):
    """Find the line that is drawn with a marker."""
    return next(line for line in ax.get_lines() if line.get_marker() == marker)


# ------------------------------------------------------------------------------------- as they were looked at


def test_the_path_of_a_zig_zag():
    assert_looks_like(plot_curve("x**2", descend(0.9)), "curve-zig-zag")


def test_the_path_of_a_divergence():
    assert_looks_like(plot_curve("x**2", descend(1.1)), "curve-explodes")


def test_tangents_with_their_slopes():
    assert_looks_like(plot_curve("x**2", tangent_at=[-6, -4, -2, 0]), "curve-tangents")


def test_the_panel_of_learning_rates():
    assert_looks_like(plot_learning_rates({lr: descend(lr) for lr in RATES})[0], "learning-rates")


def test_the_map_of_a_valley_with_the_paths_of_two_optimizers(valley):
    assert_looks_like(plot_contour(VALLEY, valley), "contour-valley")


def test_the_landscape_of_a_valley_with_the_paths_of_two_optimizers(valley):
    assert_looks_like(plot_surface(VALLEY, valley), "surface-valley")


def test_the_landscape_of_heights_far_apart_is_logarithmic():
    traces = {f"α = {lr}": descend(lr, BANANA, [-1.5, 2], max_steps=1000) for lr in (0.001, 0.0005)}
    ax = plot_surface(BANANA, traces)
    assert ax.get_zlabel() == "z (logarithmic)"
    assert_looks_like(ax, "surface-banana")


def test_the_losses_of_several_descents():
    assert_looks_like(plot_losses({f"α = {lr}": descend(lr) for lr in RATES}), "losses")


def test_many_variables():
    trace = tg.minimize(lambda x: (x**2).sum(), [1.0, 2.0, 3.0])
    assert_looks_like(plot_trace(trace), "trace-many")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda ax: plot_curve("x**2", descend(0.9), ax=ax), lambda ax: plot_curve("x**2", descend(0.85), ax=ax)),
        (lambda ax: plot_curve("x**2", tangent_at=[-4], ax=ax), lambda ax: plot_curve("x**2", tangent_at=[-3], ax=ax)),
        (
            lambda ax: plot_curve("x**2", caption="", ax=ax),
            lambda ax: plot_curve("x**2 + x", title="y = x²", caption="", ax=ax),
        ),
        (
            lambda ax: plot_contour(VALLEY, {"a": descend(0.09, VALLEY, [-5, 2])}, title="", caption="", ax=ax),
            lambda ax: plot_contour(VALLEY, {"a": descend(0.08, VALLEY, [-5, 2])}, title="", caption="", ax=ax),
        ),
        (
            lambda ax: plot_losses({"a": descend(0.1), "b": descend(0.2)}, caption="", ax=ax),
            lambda ax: plot_losses({"a": descend(0.1), "b": descend(0.25)}, caption="", ax=ax),
        ),
    ],
    ids=["another path", "another tangent", "another curve", "another path on a map", "another loss"],
)
def test_another_figure_does_not_pass_for_this_one(one, other):
    assert difference(rendered(one(plain())), rendered(other(plain()))) > TOLERANCE


def test_the_same_figure_does():
    one, other = (rendered(plot_curve("x**2", descend(0.9), ax=plain())) for _ in range(2))
    assert difference(one, other) == 0


def test_a_figure_that_has_changed_is_told_where_to_look(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.images.FOLDER", tmp_path)
    monkeypatch.setenv("TINYGRAD_EDU_NEW_IMAGES", "1")
    assert_looks_like(plot_curve("x**2", ax=plain()), "a")
    monkeypatch.delenv("TINYGRAD_EDU_NEW_IMAGES")
    with pytest.raises(AssertionError, match=r"differs from .*a\.png by"):
        assert_looks_like(plot_curve("x**3", ax=plain()), "a")
    with pytest.raises(AssertionError, match=r"There is no .*b\.png"):
        assert_looks_like(plot_curve("x**2", ax=plain()), "b")


# ------------------------------------------------------------------------------------- what is on record


def test_the_points_of_a_path_are_those_of_the_trace():
    trace = descend(0.9)
    ax = plot_curve("x**2", trace)
    dots = line(ax, ".")
    np.testing.assert_array_equal(dots.get_xdata(), trace.points)
    np.testing.assert_array_equal(dots.get_ydata(), trace.losses)
    assert line(ax, "o").get_xdata() == [-6.0]
    assert line(ax, "*").get_xdata() == [trace.x]


def test_arrows_go_from_point_to_point():
    trace = descend(0.9, max_steps=5)
    [arrows] = plot_curve("x**2", trace).collections
    np.testing.assert_array_equal(arrows.X, trace.points[:-1])
    np.testing.assert_allclose(arrows.U, np.diff(trace.points))
    np.testing.assert_allclose(arrows.V, np.diff(trace.losses))


def test_the_first_steps_and_the_last_are_numbered():
    ax = plot_curve("x**2", descend(0.9))
    assert [text.get_text() for text in ax.texts if text.get_gid() is None] == ["start", "1", "2", "3", "4", "step 43"]


def test_a_tangent_touches_the_curve_with_its_slope():
    ax = plot_curve("x**2", tangent_at=[-4])
    tangent = ax.get_lines()[1]
    (x0, x1), (y0, y1) = tangent.get_xdata(), tangent.get_ydata()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-8)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((-4, 16))
    assert "slope −8" in [text.get_text() for text in ax.texts]


def test_paths_on_a_landscape_lie_at_the_losses_on_record(valley):
    ax = plot_surface(VALLEY, valley)
    for name, trace in valley.items():
        (drawn,) = [one for one in ax.get_lines() if one.get_label() == name]
        xs, ys, zs = drawn.get_data_3d()
        np.testing.assert_array_equal(np.stack([xs, ys], axis=1), trace.points)
        np.testing.assert_array_equal(zs, trace.losses)


def test_a_record_can_be_drawn_in_place_of_its_function():
    ours = plot_curve(curve("x**2", -6, 6), title="", caption="")
    np.testing.assert_array_equal(ours.get_lines()[0].get_ydata(), curve("x**2", -6, 6).ys)
    assert plot_contour(grid("x*y", (0, 1), (2, 3))).get_ylim() == (2, 3)


def test_a_python_function_is_drawn_like_a_formula():
    trace = tg.minimize(lambda x: x**2, -6.0, lr=0.9)
    text, drawn = plot_curve("x**2", trace), plot_curve(lambda x: x**2, trace)
    np.testing.assert_allclose(drawn.get_lines()[0].get_ydata(), text.get_lines()[0].get_ydata())
    assert words(drawn)[0] == "y = f(x), α = 0.9"


def test_the_curves_of_a_panel_share_their_range_and_their_colours_tell_them_apart():
    axes = plot_learning_rates({lr: descend(lr) for lr in RATES})
    assert len(axes) == 6
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes[:5]}) == 1
    colors = [line(ax, ".").get_color() for ax in axes[:5]]
    assert len(set(colors)) == 5
    assert [one.get_color() for one in axes[-1].get_lines()] == colors


def test_seven_rates_take_two_rows():
    axes = plot_learning_rates({lr: descend(lr) for lr in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)})
    assert len({round(ax.get_position().y0, 3) for ax in axes[:7]}) == 2


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([9.0, 1.0, 1e-3], "log"),
        ([9.0, 1e-3, 0.0], "log"),
        ([np.nan, 1e3, 1.0], "log"),
        ([9.0, 1.0, 0.0], "linear"),
        ([3.0, 2.0, 1.0], "linear"),
        ([1.0, 1e-3, -1.0], "linear"),
        ([0.0, 0.0, 0.0], "linear"),
    ],
)
def test_losses_are_logarithmic_where_they_are_positive_and_far_apart(losses, scale):
    steps = tuple(Step(k, 0.0, loss, None, None, 0.1) for k, loss in enumerate(losses))
    ax = plot_losses(Trace(steps, StopReason.MAX_STEPS, ""))
    assert ax.get_yscale() == scale


@pytest.mark.parametrize(
    ("values", "even"), [(np.linspace(0, 9, 50), True), (np.geomspace(1e-6, 1e6, 50), False), ([5.0, np.nan], True)]
)
def test_levels_are_spaced_evenly_or_by_a_factor(values, even):
    found = levels(np.array(values))
    assert (np.diff(found) > 0).all()
    assert np.allclose(np.diff(found), found[1] - found[0]) is even


# ------------------------------------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("lr", "said"),
    [
        (0.1, "Walks down in 43 steps, each shorter than the one before, and never across the valley."),
        (0.9, "Zig-zags: 43 of 43 steps jump across the valley, each a little lower."),
        (1.1, "the loss grows from 36 to 3.75×10⁷ in 38 steps. The path leaves the picture at step 8."),
    ],
)
def test_a_curve_says_how_the_descent_went(lr, said):
    title, caption = words(plot_curve("x**2", descend(lr)))
    assert title == f"y = x², α = {lr}"
    assert said in caption


def test_one_tangent_needs_no_list():
    ax = plot_curve("x**2", tangent_at=-4, ax=plain())
    assert words(ax)[1] == "A negative slope says: go right."


def test_a_curve_says_that_steps_were_left_out():
    trace = tg.minimize("x**2", -6.0, lr=1e-4, max_steps=500, keep=50)
    assert words(plot_curve("x**2", trace))[1].endswith("Steps between were left out of the record.")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([-3], "A negative slope says: go right."),
        ([3], "A positive slope says: go left."),
        ([-3, 3], "A negative slope says: go right; a positive one: go left."),
        ([-3, 0], "A negative slope says: go right; a slope of 0 is level ground."),
        ([], ""),
    ],
)
def test_tangents_say_where_to_go(at, said):
    assert words(plot_curve("x**2", tangent_at=at))[1] == said


def test_a_map_says_how_each_descent_went(valley):
    title, caption = words(plot_contour(VALLEY, valley))
    assert title == "z = x² + 10·y²"
    assert caption == "gradient descent zig-zags (49 steps); momentum swings in (85 steps)."


def test_a_panel_says_how_each_descent_went_and_what_ended_it():
    axes = plot_learning_rates({lr: descend(lr) for lr in RATES})
    assert [words(ax) for ax in axes] == [
        ("α = 0.1", "Walks down (tolerance, 43 steps)"),
        ("α = 0.5", "Lands at once (tolerance, 1 step)"),
        ("α = 0.9", "Zig-zags (tolerance, 43 steps)"),
        ("α = 1", "Never settles (max steps, 100 steps)"),
        ("α = 1.1", "Explodes (diverged, 38 steps)"),
        ("Loss against steps", "α = 0.5 comes lowest: to 0, in 1 step."),
    ]


def test_words_of_ones_own_take_the_place_of_ours():
    assert words(plot_curve("x**2", title="Mine", caption="")) == ("Mine", "")
    assert words(plot_contour(VALLEY, {}, title="Mine", caption="Look.")) == ("Mine", "Look.")


def test_a_caption_is_written_once_and_broken_into_lines():
    ax = new_axes(figsize=(3, 3))
    describe(ax, "one", "word " * 40)
    describe(ax, "two", "word " * 40)
    [caption] = ax.texts
    assert caption.get_text().count("\n") >= 3
    assert ax.get_title(loc="left") == "two"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x**2 - 3*x", "x² − 3·x"),
        ("x**10", "x¹⁰"),
        ("x**0.5", "x^0.5"),
        ("x**-2", "x^−2"),
        ("x**2.5", "x^2.5"),
        ("2**x", "2^x"),
        ("1e-3*x", "1e-3·x"),
    ],
)
def test_formulas_are_written_as_on_paper(text, written):
    assert typeset(text) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(-12.0, "−12"), (-0.0, "0"), (3.75e7, "3.75×10⁷"), (1e-9, "1×10⁻⁹"), (0.25, "0.25"), (np.nan, "nan")],
)
def test_numbers_are_written_as_on_paper(value, written):
    assert number(value) == written


def test_numbers_in_a_sentence_are_written_as_on_paper():
    assert (
        proper("From -6 to 3.75e+07 in 38 steps; well-known 2-D.") == "From −6 to 3.75×10⁷ in 38 steps; well-known 2-D."
    )


# ---------------------------------------------------------------------------------------- odd descents


@pytest.mark.parametrize(
    ("f", "start", "options"),
    [
        ("x**2", -6.0, {"max_steps": 0}),
        ("x**2", 0.0, {}),
        ("x**2", -6.0, {"lr": 1e308}),
        ("x**4", -6.0, {"lr": 0.5}),
        ("1/x + x", 3.0, {"lr": 0.3}),
        ("log(x)", 0.5, {"lr": 1}),
        ("-x", 0.0, {}),
        ("1e-30*x**2", 1.0, {}),
        ("1e30*x**2", 1.0, {}),
        ("x**2 + 1e9", 1.0, {}),
        ("minimum(100*x**2, 1 + (x - 9)**2)", 0.05, {"lr": 0.1}),
        (VALLEY, [-5, 2], {"max_steps": 0}),
        (VALLEY, [0, 0], {}),
        (VALLEY, [-5, 2], {"lr": 0.2}),
        (VALLEY, [-5, 0], {}),
        ("x*y", [1, 1], {"max_steps": 3}),
        ("0*x*y", [1, 1], {}),
        ("log(x) + y**2", [0.5, 1], {"lr": 1}),
    ],
)
def test_odd_descents_are_drawn_without_a_warning(f, start, options):
    trace = tg.minimize(f, start, **options)
    ax = plot_trace(trace, ax=plain())
    figure_of(ax).draw_without_rendering()
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


@pytest.mark.parametrize(
    ("f", "start", "options"),
    [(VALLEY, [-5, 2], {"lr": 0.2}), ("0*x*y", [1, 1], {}), ("log(x) + y**2", [0.5, 1], {"lr": 1})],
    ids=["diverged", "flat", "with a hole"],
)
def test_odd_landscapes_are_drawn_without_a_warning(f, start, options):
    ax = plot_surface(f, {"": tg.minimize(f, start, **options)}, ax=plain(projection="3d"))
    figure_of(ax).draw_without_rendering()


# ----------------------------------------------------------------------------------------------- traces


@pytest.mark.parametrize(
    ("f", "start", "labels"),
    [
        ("t**2", 3.0, ("t", "y")),
        ("y**2", 3.0, ("y", "z")),
        ("a**2 + b**2", [3.0, 1.0], ("a", "b")),
        ("x**2 + y**2 + w**2", [3.0, 1.0, 2.0], ("steps", "loss, and length of the gradient")),
        (lambda x: x**2, 3.0, ("steps", "loss, and length of the gradient")),
        (lambda x: (x**2).sum(), [3.0, 1.0], ("steps", "loss, and length of the gradient")),
    ],
)
def test_a_trace_is_drawn_in_the_way_that_shows_most_of_it(f, start, labels):
    ax = tg.minimize(f, start).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == labels


def test_a_function_that_the_trace_does_not_hold_can_be_given():
    trace = tg.minimize(lambda x: x**2, 3.0)
    assert trace.plot(f="x**2").get_xlabel() == "x"


def test_the_trace_of_a_model_is_drawn():
    model = tg.nn.Linear(2, 1, rng=np.random.default_rng(0))
    X = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    descent = optim.MiniBatchGradientDescent(model.parameters(), lr=0.1, batch_size=5)
    history = tg.fit(model, X, X[:, :1], loss=tg.nn.MSELoss(), optimizer=descent, epochs=3, trace=True)
    ax = history.trace.plot()
    assert words(ax)[0] == "3 variables, 12 steps"
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), history.trace.losses)


# ---------------------------------------------------------------------------------------------- the axes


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_curve("x**2", ax=ax),
        lambda ax: plot_contour(VALLEY, {}, ax=ax),
        lambda ax: plot_losses(descend(0.1), ax=ax),
        lambda ax: plot_trace(descend(0.1), ax=ax),
        lambda ax: descend(0.1).plot(ax),
    ],
)
def test_axes_of_ones_own_are_drawn_on(draw):
    ax = Figure().subplots(1, 2)[1]
    assert draw(ax) is ax


def test_axes_of_ones_own_may_be_in_a_subfigure_and_in_space():
    whole = Figure()
    ax = whole.subfigures(1, 2)[0].add_subplot(projection="3d")
    assert plot_surface(VALLEY, ax=ax) is ax
    assert figure_of(ax) is whole


def test_six_axes_of_ones_own_for_five_rates():
    axes = list(Figure().subplots(2, 3).flat)
    assert plot_learning_rates({lr: descend(lr) for lr in RATES}, axes=axes) == axes


def test_a_figure_belongs_to_no_window_where_there_is_none(monkeypatch):
    import matplotlib.pyplot as plt  # noqa: PLC0415 - what is to be seen is what importing it does

    monkeypatch.setattr(plt, "get_backend", lambda: "agg")
    new_figure()
    assert plt.get_fignums() == []


def test_pyplot_is_told_of_a_figure_where_it_has_a_window(monkeypatch):
    import matplotlib.pyplot as plt  # noqa: PLC0415 - what is to be seen is what importing it does

    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    figure = new_figure()
    try:
        assert [plt.figure(n) for n in plt.get_fignums()] == [figure]
    finally:
        plt.close(figure)


def test_axes_and_lists_of_them_are_saved_as_their_figure(tmp_path):
    ax = new_axes(figsize=(1, 1))
    for drawn in ([ax], ax, ax.figure):
        assert save_figure(drawn, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_names_have_colours_of_their_own():
    assert name_colors(["a", "b"]) == {"a": PALETTE["blue"], "b": PALETTE["orange"]}
    ours = name_colors(["batch", "a", "stochastic", "b", "mini-batch"])
    assert len(set(ours.values())) == 5


# ------------------------------------------------------------------ what the ground is, and what was left out

HIMMELBLAU = "(x**2 + y - 11)**2 + (x + y**2 - 7)**2"


@pytest.mark.parametrize(("f", "start"), [(HIMMELBLAU, [0, 0]), ("6*x**2 + y**2", [2, -5]), ("3*x**2 + y**2", [2, -5])])
def test_the_words_above_a_map_of_fixed_aspect_stay_in_the_figure(f, start):
    made = (
        lambda p: optim.SGD(p, lr=0.01),
        lambda p: optim.SGD(p, lr=0.01, momentum=0.8),
        lambda p: optim.Adam(p, lr=0.3),
    )
    names = ("plain gradient descent", "with momentum 0.8", "Adam")
    runs = [tg.minimize(f, start, optimizer=each) for each in made]
    ax = plot_contour(f, dict(zip(names, runs, strict=True)))
    assert ax.get_aspect() == 1.0
    whole = figure_of(ax)
    canvas = FigureCanvasAgg(whole)
    canvas.draw()
    renderer = canvas.get_renderer()
    for text in (*ax.texts[-1:], ax.title, ax._left_title):
        box = text.get_window_extent(renderer)
        assert whole.bbox.x0 <= box.x0 <= box.x1 <= whole.bbox.x1
        assert box.y1 <= whole.bbox.y1


def test_steps_that_were_left_out_are_dotted_and_have_no_arrow():
    trace = tg.minimize("x**2", -6.0, lr=0.99, max_steps=400, keep=20)
    gaps = np.diff(trace.ks) > 1
    assert gaps.any()
    ax = plot_curve("x**2", trace, ax=plain())
    [arrows] = [artist for artist in ax.collections if hasattr(artist, "U")]
    assert len(arrows.U) <= (~gaps).sum()
    [dotted] = [line for line in ax.get_lines() if line.get_linestyle() == ":"]
    assert np.isnan(dotted.get_xdata()).sum() == gaps.sum()


def test_a_map_and_a_landscape_dot_what_was_left_out():
    trace = tg.minimize(VALLEY, [-5, 2], lr=0.01, max_steps=400, keep=20)
    n = int((np.diff(trace.ks) > 1).sum())
    flat = plot_contour(VALLEY, trace, ax=plain()).get_lines()
    space = plot_surface(VALLEY, trace, ax=plain(projection="3d")).get_lines()
    for lines in (flat, space):
        [dotted] = [line for line in lines if line.get_linestyle() == ":"]
        assert np.isnan(dotted.get_data()[0]).sum() == n
        whole = next(line for line in lines if line.get_linestyle() == "-")
        assert np.isnan(whole.get_data()[0]).sum() == n


def noisy(points, losses, batch=None):
    steps = (Step(k, np.array(p), z, None, batch, 0.1) for k, (p, z) in enumerate(zip(points, losses, strict=True)))
    return Trace(tuple(steps), StopReason.MAX_EPOCHS, "")


@pytest.mark.parametrize("batch", [None, np.arange(2)])
def test_a_loss_that_is_not_the_height_of_the_ground_is_not_drawn_as_one(batch):
    points, losses = [[3.0, 4.0], [1.0, 1.0], [0.0, 0.0]], [90.0, 0.5, 30.0]
    [path, *_] = plot_surface("x**2 + y**2", noisy(points, losses, batch), ax=plain(projection="3d")).get_lines()
    np.testing.assert_allclose(path.get_data_3d()[2], [25.0, 2.0, 0.0], atol=0.02)


def test_a_batch_whose_loss_happens_to_be_near_the_ground_is_drawn_on_it():
    trace = noisy([[3.0, 4.0]], [25.3], np.arange(2))
    [path, *_] = plot_surface("x**2 + y**2", trace, ax=plain(projection="3d")).get_lines()
    np.testing.assert_allclose(path.get_data_3d()[2], [25.0], atol=0.01)


@pytest.mark.parametrize("f", ["x*x", "x ** 2 + 0", lambda x: x * x, curve("x*x", -7, 7)])
def test_the_same_function_written_otherwise_will_do(f):
    assert plot_curve(f, descend(0.1), ax=plain()).get_xlabel() == "x"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: plot_curve("x**3", t), r"went down on 'x\*\*2', but 'x\*\*3' is drawn. Draw 'x\*\*2' instead, or"),
        (lambda t: plot_curve(lambda x: x**3, t), r"went down on 'x\*\*2', but a function is drawn"),
        (lambda t: plot_curve(curve("x**3", -6, 6), t), "went down on"),
        (lambda t: plot_learning_rates({0.1: t}, "x**3"), "went down on"),
        (lambda t: t.plot(f="x**3"), "went down on"),
        (
            lambda _: plot_curve("x**3", tg.minimize(lambda x: x**2, -6.0)),
            "at x = -6 its loss is 36, and the function -216",
        ),
        (lambda _: plot_curve(lambda x: x**3, tg.minimize(lambda x: x**2, -6.0)), "does not lie on the curve"),
        (lambda _: plot_contour("x**2 + y**2", {"a": descend(0.05, VALLEY, [1, 1])}), "went down on"),
        (lambda _: plot_surface("x**2 + y**2", {"a": descend(0.05, VALLEY, [1, 1])}), "went down on"),
    ],
)
def test_a_descent_on_another_function_is_refused(call, said):
    with pytest.raises(OptionError, match=said):
        call(descend(0.1))


# -------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plot_curve("x**2", x_range=(3, 3)), OptionError, "range of x"),
        (lambda: plot_curve("x**2", x_range="a"), OptionError, r"x_range must be two numbers, .* Try \(-6, 6\)"),
        (lambda: plot_curve("x**2", x_range=(1, "b")), OptionError, "x_range must be two numbers"),
        (lambda: plot_curve("x**2", x_range=3), OptionError, "x_range must be two numbers"),
        (lambda: plot_curve("x**2", tangent_at="a"), OptionError, "tangent_at must be a finite number or a list"),
        (lambda: plot_curve("x**2", tangent_at=[np.nan]), OptionError, "tangent_at must be a finite number"),
        (lambda: plot_curve("x**2", title=3), OptionError, "title must be text, but is 3. Write title='3'"),
        (lambda: plot_curve("x**2", caption=3), OptionError, "caption must be text"),
        (lambda: plot_curve("x**2", {"a": descend(0.1)}), OptionError, "draws one Trace, .* but was given dict"),
        (lambda: plot_curve("log(-1 - x**2)"), OptionError, "no finite value from x = -6 to 6, so that there is"),
        (lambda: plot_contour("log(-1 - x**2 - y**2)"), OptionError, "no finite value in the ranges"),
        (lambda: plot_contour(VALLEY, [descend(0.1)]), OptionError, "dictionary of them by name, but was given list"),
        (lambda: plot_contour(VALLEY, {"a": 3}), OptionError, "but 'a' is int"),
        (lambda: plot_contour(VALLEY, y_range="ab"), OptionError, "y_range must be two numbers"),
        (lambda: plot_losses([descend(0.1)]), OptionError, "plot_losses draws a Trace"),
        (lambda: plot_losses({"a": 3}), OptionError, "but 'a' is int"),
        (lambda: plot_learning_rates([descend(0.1)]), OptionError, "by learning rate, but was given list"),
        (lambda: plot_learning_rates({"a": descend(0.1)}), OptionError, "but was given names such as 'a'"),
        (lambda: plot_learning_rates({0.1: 3}), OptionError, "but 0.1 is int"),
        (lambda: save_figure(3, "a.png"), OptionError, "save_figure writes a figure, .* but was given 3"),
        (lambda: save_figure([], "a.png"), OptionError, "save_figure writes a figure"),
        (lambda: save_figure(plain(), 3), OptionError, "such as 'curve.png', but was given 3"),
        (lambda: save_figure(plain(), "picture"), OptionError, "no ending that says as what. Call it 'picture.png'"),
        (lambda: save_figure(plain(), "nowhere/a.png"), OptionError, "there is no folder 'nowhere'. Make it first"),
        (lambda: plot_curve("x*y"), FormulaError, "a curve needs one"),
        (lambda: plot_curve("x**2", descend(0.01, VALLEY, [1, 1])), OptionError, r"points .* have shape \(2,\)"),
        (lambda: plot_curve(curve("x", 0, 1), x_range=(0, 2)), OptionError, "has its range and tangents already"),
        (lambda: plot_curve(curve("x", 0, 1), tangent_at=[0]), OptionError, "has its range and tangents already"),
        (lambda: plot_curve("x**2", ax=3), OptionError, "ax must be the axes of a matplotlib figure, but is int"),
        (lambda: plot_curve("x**2", ax=Figure()), OptionError, "but is Figure"),
        (lambda: plot_curve("x**2", ax=Figure().add_subplot(projection="3d")), OptionError, "this needs rectilinear"),
        (lambda: plot_surface(VALLEY, ax=Figure().add_subplot()), OptionError, "projection='3d'"),
        (lambda: plot_contour("x**2"), FormulaError, "a landscape needs two"),
        (lambda: plot_contour(VALLEY, {"a": descend(0.1)}), OptionError, r"trace 'a' have shape \(\)"),
        (lambda: plot_contour(grid("x*y", (0, 1), (0, 1)), x_range=(0, 2)), OptionError, "has its ranges already"),
        (lambda: plot_contour(VALLEY, n=1), OptionError, "number of points"),
        (lambda: plot_contour(VALLEY, n=0), OptionError, "number of points"),
        (lambda: plot_learning_rates({0.1: descend(0.1)}, curve("x", 0, 1), x_range=(0, 1)), OptionError, "its range"),
        (lambda: plot_losses({}), OptionError, "There is no trace to draw"),
        (lambda: plot_learning_rates({}), OptionError, "There is no trace to draw"),
        (lambda: plot_learning_rates({0.1: descend(0.1, VALLEY, [1, 1])}), OptionError, "one variable"),
        (lambda: plot_learning_rates({0.1: tg.minimize(lambda x: x**2, 1.0)}), OptionError, "Give it as f"),
        (lambda: plot_learning_rates({0.1: descend(0.1)}, axes=[Figure().add_subplot()]), OptionError, "needs 2 axes"),
    ],
)
def test_what_cannot_be_drawn_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_without_matplotlib_the_line_that_installs_it_is_printed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "tinygrad-edu\[plot\]"'):
        plot_curve("x**2")
