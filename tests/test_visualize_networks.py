"""The figures of networks show their records, say what to see, and look as they looked when somebody looked at them."""

import dataclasses
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from tests.images import assert_looks_like
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError, MissingDependencyError, OptionError, ShapeError
from tinygrad_edu.landscapes import (
    Dead,
    Histograms,
    LayerHistory,
    Path,
    Slice,
    Updates,
    boundary,
)
from tinygrad_edu.visualize import (
    plot_boundary,
    plot_confusion,
    plot_dead_units,
    plot_layers,
    plot_slice_1d,
    plot_slice_2d,
    plot_slice_surface,
    plot_update_ratios,
    plot_weights,
)


def caption(ax):
    return " ".join(text.get_text() for text in ax.texts if text.get_gid() == "caption").replace("\n", " ")


def title(ax):
    return ax.get_title(loc="left").replace("\n", " ")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# ------------------------------------------------------------------------------------------ the records


def path(steps=13, dimensions=2):
    """A spiral into the origin, whose true loss is not that of the ground."""
    t = np.linspace(0, 1, steps)
    turn = np.stack([np.cos(4 * t), np.sin(4 * t)], axis=1)[:, :dimensions] * (1 - t)[:, None]
    losses = 0.02 + 3 * (1 - t) ** 3
    return Path(np.arange(steps) * 10, turn, losses, losses * 2, np.linspace(0.4, 0, steps))


def plane(*, wide=True, with_path=False):
    x, y = np.linspace(-1, 1, 21), np.linspace(-1.5, 1.5, 17)
    bowl = x**2 + 0.5 * (y[:, None] - 0.2 * x) ** 2
    losses = 0.01 + bowl**2 * 4 if wide else 1 + bowl
    explained = (0.9, 0.07) if with_path else ()
    return Slice(
        "2 random directions", (x, y), losses, np.zeros(10_000, np.float32), np.ones((2, 10_000), np.float32), 500,
        "CrossEntropyLoss", explained, "the weights as they are", path() if with_path else None,
    )  # fmt: skip


def line(*, with_path=False):
    x = np.linspace(-1, 1, 41)
    losses = 0.5 + (x - 0.25) ** 2 * (1 + 0.3 * np.sin(9 * x))
    return Slice(
        "a random direction", (x,), losses, np.zeros(42), np.ones((1, 42)), 1000, "MSELoss",
        path=path(dimensions=1) if with_path else None,
    )  # fmt: skip


def histograms(names, ks, low, high, bins=12):
    edges = np.tile(np.linspace(low, high, bins + 1), (len(names), 1))
    middle = (edges[0, 1:] + edges[0, :-1]) / 2
    spread = np.linspace(0.3, 1.0, len(ks))[:, None] * (1 + np.arange(len(names)))[:, None, None]
    shares = np.exp(-(((middle - (low + high) / 2) / spread) ** 2))
    shares = 0.9 * shares / shares.sum(axis=2, keepdims=True)
    means = np.zeros((len(names), len(ks))) + (low + high) / 2
    return Histograms(names, ks, edges, shares, means, np.tile(spread[..., 0], 1), np.full_like(means, 0.1))


def history(**changes):
    ks = np.arange(0, 100, 10)
    at = np.arange(1, 100)
    updates = Updates(
        ("0.weight", "0.bias", "2.weight"), at, np.ones(99, int), np.stack([0.1 / at, 0.2 / at, 0.01 + 0 * at])
    )
    shares = np.array([np.linspace(0, 0.5, 10), np.full(10, 0.25)])
    record = LayerHistory(
        histograms(("0 Linear", "1 ReLU", "2 Linear"), ks, -3.0, 3.0),
        histograms(("0.weight", "2.weight"), ks, -8.0, 0.0),
        updates,
        Dead(("1 ReLU", "3 ReLU"), ks, shares, (16, 8)),
        500,
    )
    return dataclasses.replace(record, **changes)


def rings(n=60):
    """Two classes: points near the middle, and a ring around it."""
    rng = np.random.default_rng(1)
    angle, y = rng.uniform(0, 2 * np.pi, n), np.arange(n) % 2
    radius = 0.4 + 0.9 * y + 0.12 * rng.standard_normal(n)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None], y


def inside(inputs):
    return 4 * ((inputs**2).sum(axis=1) - 0.7)


def three(inputs):
    return np.stack([inputs[:, 0], -inputs[:, 0], 2 * inputs[:, 1]], axis=1)


def digits_confused():
    y = np.repeat(np.arange(4), [20, 10, 15, 5])
    predicted = y.copy()
    predicted[:3], predicted[22] = 3, 2
    return y, predicted


def faces():
    """Weights of 6 units for images of 5 × 4, each a bar, the second of another sign."""
    weight = np.zeros((6, 5, 4))
    for i in range(6):
        weight[i, i % 5] = (-1) ** i * (i + 1)
    return weight.reshape(6, 20)


# -------------------------------------------------------------------------------------- how they look

PICTURES = {
    "slice-1d": lambda ax: plot_slice_1d(line(with_path=True), ax=ax),
    "slice-2d": lambda ax: plot_slice_2d(plane(), ax=ax),
    "slice-2d-path": lambda ax: plot_slice_2d(plane(with_path=True), ax=ax),
    "boundary-two": lambda ax: plot_boundary(inside, *rings(), gives="logits", ax=ax),
    "boundary-three": lambda ax: plot_boundary(three, rings()[0], np.arange(60) % 3, ax=ax),
    "boundary-numbers": lambda ax: plot_boundary(inside, rings()[0], inside(rings()[0]), ax=ax),
    "update-ratios": lambda ax: plot_update_ratios(history(), ax=ax),
    "dead-units": lambda ax: plot_dead_units(history(), ax=ax),
    "confusion": lambda ax: plot_confusion(*digits_confused(), ["ant", "bee", "cat", "dog"], ax=ax),
    "weights": lambda ax: plot_weights(faces(), (5, 4), ax=ax),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_looks_as_it_did(name):
    assert_looks_like(PICTURES[name](None), f"network-{name}")


def test_the_surface_and_the_layers_look_as_they_did():
    assert_looks_like(plot_slice_surface(plane(with_path=True)), "network-slice-surface")
    assert_looks_like(plot_layers(history())[0], "network-layers")


def turned():
    return dataclasses.replace(plane(with_path=True), losses=plane().losses[::-1, ::-1] ** 0.2)


def mixed_up():
    updates = history().updates
    return history(updates=dataclasses.replace(updates, ratios=updates.ratios[::-1]))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("slice-2d-path", lambda: plot_slice_2d(turned())),
        ("slice-2d-path", lambda: plot_slice_2d(plane())),
        ("boundary-two", lambda: plot_boundary(lambda x: -inside(x), *rings(), gives="logits")),
        ("confusion", lambda: plot_confusion(*digits_confused()[::-1], ["ant", "bee", "cat", "dog"])),
        ("weights", lambda: plot_weights(-faces(), (5, 4))),
        ("update-ratios", lambda: plot_update_ratios(mixed_up())),
    ],
)
def test_another_figure_is_told_from_the_picture(name, other):
    with pytest.raises(AssertionError, match="The figure differs"):
        assert_looks_like(other(), f"network-{name}")


@pytest.mark.parametrize("name", PICTURES)
def test_axes_of_ones_own_are_drawn_on_and_a_title_says_what_it_is(name):
    figure = Figure(layout="constrained")
    own, other = figure.subplots(1, 2)
    assert PICTURES[name](own) is own
    assert own.has_data()
    assert not other.has_data()
    assert title(own)
    assert len(caption(own)) > 20


def test_a_title_of_ones_own_takes_the_place():
    assert title(plot_slice_1d(line(), title="My line")) == "My line"
    assert plot_layers(history(), title="My layers")[0].figure.get_suptitle() == "My layers"


# -------------------------------------------------------------------------------------------- slices


def test_a_slice_is_labelled_as_one():
    assert "A slice of a 42-dimensional landscape: 1 of 42 directions" in caption(plot_slice_1d(line()))
    for draw in (plot_slice_2d, plot_slice_surface):
        assert "A slice of a 10,000-dimensional landscape: 2 of 10,000 directions" in caption(draw(plane()))


def test_the_curve_has_the_losses_and_marks_the_lowest():
    record = line()
    ax = plot_slice_1d(record)
    curve, lowest, *_ = ax.get_lines()
    np.testing.assert_array_equal(curve.get_xydata(), np.stack([record.coordinates[0], record.losses], axis=1))
    assert lowest.get_xydata().tolist() == [[record.lowest[0][0], record.lowest[1]]]
    assert ax.get_ylabel() == "MSELoss on 1,000 examples"
    assert ax.get_yscale() == "linear"
    assert "the origin" in legend(ax)


def test_losses_that_are_far_apart_have_contours_by_powers():
    def scale(record, **options):
        return isinstance(plot_slice_2d(record, **options).collections[0].norm, LogNorm)

    assert scale(plane(wide=True))
    assert not scale(plane(wide=False))
    assert scale(plane(wide=False), log=True)
    assert not scale(plane(wide=True), log=False)
    assert plot_slice_1d(line(), log=True).get_yscale() == "log"


def test_a_path_is_coloured_by_its_true_loss_and_not_by_the_ground():
    record = plane(with_path=True)
    ax = plot_slice_2d(record)
    (drawn,) = [c for c in ax.collections if type(c) is LineCollection]
    true = record.path.losses
    np.testing.assert_allclose(drawn.get_array(), (true[1:] + true[:-1]) / 2)
    np.testing.assert_allclose([segment[0] for segment in drawn.get_segments()], record.path.coordinates[:-1])
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "true loss of the path's own weights"
    assert legend(ax) == ["start: 3.02", "end: 0.02"]
    assert "coloured by its true loss; at its start 40% of its distance lies outside" in caption(ax)
    assert ax.get_xlabel() == "1st main direction (90% of the path)"


def test_on_the_surface_a_path_floats_at_its_true_loss():
    record = plane(with_path=True, wide=False)
    ax = plot_slice_surface(record, log=False)
    x, y, z = ax.get_lines()[0].get_data_3d()
    np.testing.assert_allclose(np.stack([x, y], axis=1), record.path.coordinates)
    np.testing.assert_allclose(z - z[-1], record.path.losses - record.path.losses[-1], atol=1e-12)
    assert ax.name == "3d"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_losses_that_are_no_numbers_are_left_out(bad):
    losses = plane().losses.copy()
    losses[0, :5] = bad
    record = dataclasses.replace(plane(with_path=True), losses=losses)
    for draw in (plot_slice_2d, plot_slice_surface):
        draw(record).figure.canvas.draw()
    curve = line().losses.copy()
    curve[:3] = bad
    plot_slice_1d(dataclasses.replace(line(), losses=curve)).figure.canvas.draw()


def test_a_flat_landscape_is_drawn():
    for record, draw in ((plane(), plot_slice_2d), (plane(), plot_slice_surface), (line(), plot_slice_1d)):
        draw(dataclasses.replace(record, losses=np.zeros_like(record.losses))).figure.canvas.draw()


def test_a_record_draws_itself():
    assert title(line().plot()) == "The loss along one direction"
    assert title(plane().plot(title="Mine")) == "Mine"


# ------------------------------------------------------------------------------------------ boundaries


def test_the_legend_names_the_classes_and_the_caption_counts_the_examples():
    X, y = rings()
    ax = plot_boundary(inside, X, y, gives="logits", class_names=["inner", "outer"], feature_names=("a", "b"))
    assert legend(ax) == ["inner", "outer"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    own = int(((inside(X) > 0) == y).sum())
    assert f"{own} of 60 examples lie on their own colour" in caption(ax)


def test_the_black_line_is_where_the_probabilities_are_equal():
    X, y = rings()
    ax = plot_boundary(inside, X, y, gives="logits")
    lines = [c for c in ax.collections if c.get_label() != "class 0" and hasattr(c, "levels")]
    points = np.concatenate([p.vertices for c in lines for p in c.get_paths() if len(p.vertices)])
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.sqrt(0.7), atol=0.01)


def test_a_surer_prediction_has_a_stronger_colour():
    (image,) = plot_boundary(lambda x: 5 * x[:, 0], [[-1.0, 0.0], [1.0, 0.0]], [0, 1], gives="logits").images
    strength = 1 - image.get_array().min(axis=2)
    row = strength[0]
    middle = len(row) // 2
    assert row[0] > row[middle // 2] > row[middle]
    assert row[-1] > row[-middle // 2] > row[middle]


def test_a_boundary_that_was_computed_before_is_drawn():
    X, y = rings()
    field = boundary(inside, X, y, gives="logits", points=9)
    ax = plot_boundary(field, X, y)
    np.testing.assert_allclose(ax.get_xlim(), field.x[[0, -1]])


def test_examples_without_targets_and_a_model_without_probabilities_are_drawn():
    X, _ = rings()
    assert "0 of" not in caption(plot_boundary(inside, X, gives="logits"))
    assert "Stronger" not in caption(plot_boundary(lambda x: x[:, 0] > 0, X))
    plot_boundary(inside, X, gives="numbers").figure.canvas.draw()


def test_a_model_that_knows_one_class_only_is_drawn():
    X, y = rings()
    plot_boundary(lambda x: np.full(len(x), 9.0), X, y, gives="logits").figure.canvas.draw()
    plot_boundary(lambda x: np.full(len(x), 3.0), X, gives="numbers").figure.canvas.draw()


# --------------------------------------------------------------------------------------------- layers


def test_each_layer_and_each_weight_has_a_panel():
    axes = plot_layers(history())
    assert [title(ax) for ax in axes] == [
        f"{name} (10% are 0)" for name in ("0 Linear", "1 ReLU", "2 Linear", "0.weight", "2.weight")
    ]
    assert [ax.get_ylabel() for ax in axes] == ["activation", "", "", "log₁₀ |gradient|", ""]
    record = history().activations
    shares = record.shares[0].T
    np.testing.assert_allclose(axes[0].collections[0].get_array(), shares / shares.max(axis=0))
    own = Figure().subplots(1, 5)
    assert plot_layers(history(), axes=list(own)) == list(own)


def test_ratios_are_drawn_for_weights_and_say_where_they_are_bounds():
    record = history()
    ax = plot_update_ratios(record)
    assert legend(ax) == ["0.weight", "2.weight", "rule of thumb: 0.001"]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), record.updates.ratios[0])
    assert "least" not in caption(ax)
    gaps = np.where(np.arange(99) == 50, 7, 1)
    thinned = dataclasses.replace(record, updates=dataclasses.replace(record.updates, gaps=gaps))
    assert "Up to 7 updates lie between two steps of the trace" in caption(plot_update_ratios(thinned))


def test_dead_units_are_counted():
    ax = plot_dead_units(history())
    assert legend(ax) == ["1 ReLU: 8 of 16 at the end", "3 ReLU: 2 of 8 at the end"]
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), history().dead.shares[0])


# ------------------------------------------------------------------------------------------ confusion


def test_each_field_has_its_count_and_the_share_of_its_row():
    ax = plot_confusion(*digits_confused(), ["ant", "bee", "cat", "dog"])
    fields = {tuple(map(int, t.get_position()[::-1])): t.get_text() for t in ax.texts if t.get_gid() is None}
    assert fields[0, 0] == "17\n85%"
    assert fields[0, 3] == "3\n15%"
    assert fields[1, 2] == "1\n10%"
    assert fields[3, 0] == "0"
    np.testing.assert_allclose(ax.images[0].get_array().sum(axis=1), 1)
    assert caption(ax) == (
        "46 of 50 are right (92.0%), on the diagonal. The most frequent mistake: ant taken for dog, 3 times."
    )


def test_a_class_that_does_not_occur_has_an_empty_row():
    ax = plot_confusion([0, 2], [0, 2], ["a", "b", "c"])
    assert ax.images[0].get_array().tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert "mistake" not in caption(ax)
    labels = plot_confusion(["x", "y"], ["x", "x"])
    assert [t.get_text() for t in labels.get_yticklabels()] == ["x", "y"]
    assert "once" in caption(labels)


# --------------------------------------------------------------------------------------------- weights


def test_units_stand_in_the_order_of_their_length_on_one_scale():
    ax = plot_weights(faces(), (5, 4))
    (image,) = ax.images
    tiles = image.get_array()
    assert tiles.shape == (2 * 6 - 1, 3 * 5 - 1)  # two rows of three images of 5 × 4, a line between them
    assert tiles[0, 0] == -6  # the longest, a bar at the top
    assert tiles[:5, :4].sum() == -24
    assert tiles.mask[5].all()
    assert image.get_clim() == (-6, 6)
    assert title(ax) == "What 6 units look for"


def test_of_many_units_the_longest_are_drawn():
    ax = plot_weights(faces(), (5, 4), most=2)
    assert "the longest 2 of 6" in caption(ax)
    assert ax.images[0].get_array().shape == (5, 9)


def test_weights_are_found_in_a_model_and_in_filters():
    model = nn.Sequential(nn.Flatten(), nn.MLP(16, [3], 2))
    assert plot_weights(model).figure.axes[1].get_ylabel().startswith("1.0.weight")
    filters = nn.Sequential(nn.Conv2d(3, 8, 5))
    ax = plot_weights(filters)
    assert title(ax) == "What 8 filters look for"
    (image,) = ax.images
    longest = image.get_array()[:5, :5]
    means = filters[0].weight.numpy().mean(axis=1)
    np.testing.assert_allclose(
        longest, means[np.linalg.norm(means.reshape(8, -1), axis=1).argmax()], rtol=1e-6, atol=1e-8
    )


# -------------------------------------------------------------------------------------------- bad input


def nothing(record):
    return dataclasses.replace(record, losses=np.full_like(record.losses, np.nan))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: plot_slice_1d(plane()),
            OptionError,
            "The slice has 2 directions, and this draws 1. Use plot_slice_2d",
        ),
        (lambda: plot_slice_2d(line()), OptionError, "Use plot_slice_1d"),
        (lambda: plot_slice_surface(line()), OptionError, "Use plot_slice_1d"),
        (lambda: plot_slice_2d(nothing(plane())), OptionError, "no loss of the slice is a finite number"),
        (lambda: plot_slice_surface(plane(), ax=Figure().subplots()), OptionError, "projection="),
        (lambda: plot_slice_2d(plane(), ax="here"), OptionError, "ax must be the axes of a matplotlib figure"),
        (lambda: plot_boundary(nn.Linear(3, 1), np.zeros((4, 3))), DataError, "two of the 3 features"),
        (
            lambda: plot_boundary(nn.Linear(2, 2), [[0.0, 0.0]], ["cat"]),
            DataError,
            "y holds 'cat', but the model knows",
        ),
        (lambda: plot_boundary(inside, *rings(), class_names=["one"]), OptionError, "2 classes, but 1 class_names"),
        (
            lambda: plot_boundary(lambda x: x[:, 0] * np.nan, rings()[0], gives="numbers"),
            OptionError,
            "no prediction is a finite number",
        ),
        (lambda: plot_confusion([0, 1], [0]), ShapeError, "shape"),
        (
            lambda: plot_confusion([0.0, np.nan, 1.0], [0, 1, 1]),
            DataError,
            r"y_true holds 1 value that is missing or infinite, the first at index \(1,\)",
        ),
        (lambda: plot_confusion([0, 1], [0, 1], 3), OptionError, r"a list of names such as \['cat', 'dog'\], but is 3"),
        (lambda: plot_slice_1d(3), OptionError, r"given int. landscapes.slice_1d\(model, loss, X, y\) computes one"),
        (lambda: plot_slice_2d(None), OptionError, "given NoneType. landscapes.slice_2d"),
        (lambda: plot_slice_surface([1.0]), OptionError, "given list. landscapes.slice_2d"),
        (lambda: plot_layers(3), OptionError, r"given int. landscapes.layer_history\(model, trace, X\) computes it"),
        (lambda: plot_update_ratios(3), OptionError, "given int. landscapes.layer_history"),
        (lambda: plot_dead_units(3), OptionError, "given int. landscapes.layer_history"),
        (lambda: plot_confusion([0, 1], [0.0, np.nan]), DataError, "y_pred holds 1 value that is missing"),
        (lambda: plot_confusion([], []), DataError, "no predictions"),
        (lambda: plot_confusion([0, 7], [0, 7], ["a"]), OptionError, r"2 labels \(0, 7\), but 1 class_names"),
        (lambda: plot_confusion(range(50), range(50)), OptionError, "50 classes cannot be read in one figure; 26 can"),
        (lambda: plot_weights(nn.ReLU()), OptionError, "ReLU has no weights of two axes"),
        (lambda: plot_weights(np.zeros(4)), OptionError, r"shape \(units, inputs\), but were given with shape \(4,\)"),
        (lambda: plot_weights(faces()), ShapeError, r"20 inputs are no image of 4 × 4. Say shape=\(rows, columns\)"),
        (lambda: plot_weights(faces(), (8, 8)), ShapeError, "20 inputs are no image of 8 × 8. Give the shape"),
        (lambda: plot_weights(faces(), (5, 4), most=0), OptionError, "most must be a whole number"),
        (lambda: plot_layers(history(), axes=[Figure().subplots()]), OptionError, "5 panels, but was given 1 axes"),
        (
            lambda: plot_dead_units(history(dead=Dead((), np.arange(3), np.zeros((0, 3)), ()))),
            OptionError,
            "the model has no nn.ReLU layers",
        ),
        (
            lambda: plot_update_ratios(
                history(updates=Updates(("w",), np.arange(3), np.ones(3, int), np.zeros((1, 3))))
            ),
            OptionError,
            "no update changed a weight",
        ),
    ],
)
def test_what_cannot_be_drawn_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_without_matplotlib_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "tinygrad-edu\[plot\]"'):
        plot_slice_1d(line())
