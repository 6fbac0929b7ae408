"""Slices of a loss landscape: right to rounding, honest about what they are, and the model is left as it was."""

import dataclasses
import importlib.util
import json
import sys
import threading

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import DataError, MissingDependencyError, OptionError, ShapeError
from tinygrad_edu.landscapes import (
    Line,
    Plane,
    Slice,
    boundary,
    flat_weights,
    grids,
    layer_history,
    random_direction,
    slice_1d,
    slice_2d,
    sweep,
)
from tinygrad_edu.landscapes.chains import Chain
from tinygrad_edu.traces import Part, Step, StopReason, Trace


def generator(seed=0):
    return np.random.default_rng(seed)


def data(n=30, features=4, classes=3, seed=0):
    rng = generator(seed)
    return rng.standard_normal((n, features), dtype=np.float32), rng.integers(0, classes, n)


def mlp(*sizes, activation="relu", seed=0):
    return nn.MLP(sizes[0], sizes[1:-1], sizes[-1], activation=activation, rng=generator(seed))


def trained(model, X, y, epochs=4, lr=0.3, loss=None, **options):
    optimizer = tg.optim.MiniBatchGradientDescent(model.parameters(), lr=lr, batch_size=10)
    return tg.fit(
        model, X, y, loss=loss or nn.CrossEntropyLoss(), optimizer=optimizer, epochs=epochs, trace=True, **options
    ).trace


def by_hand(model, loss, X, y, weights):
    """The loss at some weights, as one writes it without this package's help."""
    state, begin = model.state_dict(), 0
    copied = {name: array.copy() for name, array in state.items()}
    for name, parameter in model.named_parameters():
        copied[name] = weights[begin : (begin := begin + parameter.size)].reshape(parameter.shape)
    model.load_state_dict(copied)
    try:
        with tg.no_grad():
            return float(loss(model.eval()(tg.Tensor(X)), y).item())
    finally:
        model.load_state_dict(state)
        model.train()


# ---------------------------------------------------------------------------------------- directions


def test_each_filter_has_a_direction_of_its_own_length_and_biases_have_none():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5))
    direction, weights = random_direction(model, seed=3), flat_weights(model)
    begin = 0
    for name, parameter in model.named_parameters():
        part = direction[begin : begin + parameter.size].reshape(parameter.shape)
        own = weights[begin : (begin := begin + parameter.size)].reshape(parameter.shape)
        if parameter.ndim == 1:
            assert not part.any(), name
        else:
            rows = [np.linalg.norm(a.reshape(len(a), -1), axis=1) for a in (part, own)]
            np.testing.assert_allclose(*rows, rtol=1e-5, err_msg=name)


def test_a_direction_is_scaled_to_each_layer_or_to_all_weights():
    model = mlp(4, 6, 2)
    weights = flat_weights(model)
    layer, whole = (random_direction(model, scale=scale) for scale in ("layer", "whole"))
    for begin, end in ((0, 24), (30, 42)):  # the two weights; between them lie 6 biases
        assert np.linalg.norm(layer[begin:end]) == pytest.approx(np.linalg.norm(weights[begin:end]), rel=1e-5)
    assert not layer[24:30].any()
    assert whole[24:30].all()
    assert np.linalg.norm(whole) == pytest.approx(np.linalg.norm(weights), rel=1e-5)


def test_a_filter_of_zeros_has_no_direction():
    model = nn.Linear(3, 2)
    model.weight.data[0] = 0
    direction = random_direction(model)
    assert not direction[:3].any()
    assert direction[3:6].all()


def test_the_seed_decides_and_the_plane_has_two_directions_of_its_own():
    model = mlp(3, 5, 2)
    assert (random_direction(model, seed=1) == random_direction(model, seed=1)).all()
    assert (random_direction(model, seed=1) != random_direction(model, seed=2)).any()
    first, second = Plane.random(model, seed=1).directions.astype(float)
    assert abs(first @ second) < 0.9 * np.linalg.norm(first) * np.linalg.norm(second)


def test_a_point_of_a_plane_has_its_coordinates_back():
    rng = generator()
    plane = Plane(rng.standard_normal(7), rng.standard_normal((2, 7)))
    found, outside = plane.coordinates([plane.at(0.5, -2.0), plane.at(0, 0)])
    np.testing.assert_allclose(found, [[0.5, -2.0], [0, 0]], atol=1e-14)
    np.testing.assert_allclose(outside, 0, atol=1e-14)


def test_whole_numbers_are_no_grid_that_points_snap_to():
    assert Line.between([0, 0], [1, 2]).at(0.5).tolist() == [0.5, 1.0]


def test_what_lies_outside_of_a_plane_is_a_share_of_the_distance():
    plane = Plane(np.zeros(3), [[2.0, 0, 0], [1.0, 1.0, 0]])  # neither of length 1 nor at right angles
    found, outside = plane.coordinates([[3.0, 1.0, 0.0], [0, 0, 5.0], [3.0, 0, 4.0]])
    np.testing.assert_allclose(found, [[1.0, 1.0], [0, 0], [1.5, 0]], atol=1e-14)
    np.testing.assert_allclose(outside, [0, 1, 0.8], atol=1e-14)


# ------------------------------------------------------------------------------- the plane of a path


def path_of(points, losses=None):
    steps = [Step(k, p, 0.0 if losses is None else losses[k], None, None, 0.1) for k, p in enumerate(points)]
    return Trace(tuple(steps), StopReason.MAX_STEPS, "", (Part("weight", np.shape(points[0])),))


def test_the_plane_of_a_path_has_its_main_directions():
    # Along the first axis 3, 2, 1, 0 and along the second ±1: squares of 14 and 3, seen from the last point.
    points = np.array([[3.0, 1, 5], [2, -1, 5], [1, 1, 5], [0, 0, 5]])
    plane = Plane.of_path(path_of(points))
    moves = points - points[-1]
    _, values, right = np.linalg.svd(moves)
    np.testing.assert_allclose(np.abs(plane.directions @ right[:2].T), np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-12)
    assert plane.origin.tolist() == [0, 0, 5]
    coordinates, outside = plane.coordinates(points)
    assert (coordinates[0] >= 0).all()
    np.testing.assert_allclose(outside, 0, atol=1e-7)
    for (low, high), along in zip(plane.extent, coordinates.T, strict=True):
        assert low < along.min()
        assert along.max() < high


def test_a_path_in_many_directions_is_explained_in_part():
    points = generator().standard_normal((40, 200)).cumsum(axis=0)
    plane = Plane.of_path(path_of(points))
    _, values, _ = np.linalg.svd(points - points[-1])
    np.testing.assert_allclose(plane.explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-9)
    assert 0.5 < sum(plane.explained) < 1
    assert 0 < plane.coordinates(points)[1][0] < 1


# ---------------------------------------------------------------------------------- the losses are right

NETWORKS = {
    "mlp": lambda: mlp(4, 8, 3),
    "two hidden layers": lambda: mlp(4, 8, 6, 3),
    "three hidden layers": lambda: mlp(4, 8, 6, 5, 3),
    "linear": lambda: mlp(4, 3),
    "tanh": lambda: mlp(4, 8, 3, activation="tanh"),
    "sigmoid": lambda: mlp(4, 8, 6, 3, activation="sigmoid"),
    "without biases": lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False)),
    "odd activations": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 5), nn.ReLU(), nn.Tanh(), nn.LeakyReLU(0.2), nn.Linear(5, 3), nn.SiLU()
    ),
    "nested, with dropout": lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.Dropout()), nn.ReLU(), mlp(5, 3)),
    "batch normalization": lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)),
    "a layer twice": lambda: twice(nn.Linear(4, 4)),
    "forward of its own": lambda: Odd(nn.Linear(4, 3)),
}


def twice(layer):
    return nn.Sequential(layer, nn.ReLU(), layer, mlp(4, 3))


class Odd(nn.Sequential):
    def forward(self, x):
        return self[0](x) * 2 + 1


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("scale", ["filter", "whole"])
def test_a_slice_holds_the_loss_of_each_point(name, scale):
    model, (X, y) = NETWORKS[name](), data()
    plane = Plane.random(model, scale=scale)
    cut = slice_2d(model, nn.CrossEntropyLoss(), X, y, plane, points=4, span=((-1, 2), (0, 0.5)))
    for i, b in enumerate(np.linspace(0, 0.5, 4)):
        for j, a in enumerate(np.linspace(-1, 2, 4)):
            expected = by_hand(model, nn.CrossEntropyLoss(), X, y, plane.at(a, b))
            assert cut.losses[i, j] == pytest.approx(expected, rel=2e-5), (a, b)


LOSSES = {
    "cross-entropy": (nn.CrossEntropyLoss(), 3, "classes"),
    "its sum": (nn.CrossEntropyLoss(reduction="sum"), 3, "classes"),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), 3, "classes"),
    "weighted": (nn.CrossEntropyLoss(weight=[1.0, 2.0, 5.0]), 3, "classes"),
    "one class ignored": (nn.CrossEntropyLoss(ignore_index=1), 3, "classes"),
    "against probabilities": (nn.CrossEntropyLoss(), 3, "probabilities"),
    "squared": (nn.MSELoss(), 1, "numbers"),
    "sum of squares": (nn.MSELoss(reduction="sum"), 2, "numbers"),
    "huber": (nn.HuberLoss(delta=0.5), 2, "numbers"),
    "logits": (nn.BCEWithLogitsLoss(pos_weight=[2.0]), 1, "zeros and ones"),
    "margin": (nn.MultiMarginLoss(), 3, "classes"),
    "a function": (lambda p, t: ((p - t) ** 2).mean() + (p[:, 0] * p[:, 1]).mean(), 2, "numbers"),
}


def targets(kind, n, outputs):
    rng = generator(5)
    if kind == "classes":
        return rng.integers(0, outputs, n)
    if kind == "probabilities":
        return rng.dirichlet(np.ones(outputs), n).astype(np.float32)
    numbers = rng.standard_normal((n, outputs), dtype=np.float32)
    return numbers if kind == "numbers" else (numbers > 0).astype(np.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_averaged_as_the_loss_itself_does_it(name):
    loss, outputs, kind = LOSSES[name]
    X, y = data()[0], targets(kind, 30, outputs)
    model = mlp(4, 6, outputs)
    cut = slice_1d(model, loss, X, y, points=5, span=2.0)
    expected = [by_hand(model, loss, X, y, cut.weights(a)) for a in cut.coordinates[0]]
    np.testing.assert_allclose(cut.losses, expected, rtol=2e-5)


def test_images_and_many_examples_are_computed_by_the_same_rules():
    rng = generator()
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 4))
    X, y = rng.standard_normal((9, 1, 8, 8)), rng.integers(0, 4, 9)  # float64: converted
    cut = slice_1d(model, nn.CrossEntropyLoss(), X, y, points=25)  # so many that the model is compiled
    assert cut.losses[12] == pytest.approx(
        by_hand(model, nn.CrossEntropyLoss(), X.astype(np.float32), y, flat_weights(model)), rel=1e-5
    )
    flat = nn.Sequential(nn.Flatten(), *mlp(64, 5, 4))
    X, y = rng.standard_normal((2500, 8, 8), dtype=np.float32), rng.integers(0, 4, 2500)
    cut = slice_1d(flat, nn.CrossEntropyLoss(), X, y, points=3)
    assert Chain.of(flat) is not None
    assert cut.losses[1] == pytest.approx(by_hand(flat, nn.CrossEntropyLoss(), X, y, flat_weights(flat)), rel=1e-5)


def test_float64_is_computed_in_float64():
    model, (X, y) = mlp(4, 8, 3), data()
    for parameter in model.parameters():
        parameter.data = parameter.numpy().astype(np.float64)
    cut = slice_1d(model, nn.CrossEntropyLoss(), X, y, points=5)
    expected = [by_hand(model, nn.CrossEntropyLoss(), X.astype(float), y, cut.weights(a)) for a in cut.coordinates[0]]
    assert cut.origin.dtype == np.float64
    np.testing.assert_allclose(cut.losses, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["mlp", "two hidden layers", "three hidden layers", "without biases"])
@pytest.mark.parametrize("scale", ["filter", "whole"])
def test_machine_code_finds_the_same_losses_as_products(name, scale):
    model, (X, y) = NETWORKS[name](), data(130)
    plane = Plane.random(model, scale=scale)
    cuts = [
        slice_2d(model, nn.CrossEntropyLoss(), X, y, plane, points=31, span=((-3, 2), (-1, 1)), compile=way)
        for way in ("numpy", "numba")
    ]
    np.testing.assert_allclose(cuts[0].losses, cuts[1].losses, rtol=2e-5)
    lines = [slice_1d(model, nn.CrossEntropyLoss(), X, y, points=7, compile=way) for way in ("numpy", "numba")]
    np.testing.assert_allclose(lines[0].losses, lines[1].losses, rtol=2e-5)


def test_machine_code_keeps_other_activations_after_the_second_layer():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3), nn.ReLU(), nn.Tanh())
    X, y = data()
    cuts = [slice_1d(model, nn.CrossEntropyLoss(), X, y, points=9, compile=way).losses for way in ("numpy", "numba")]
    np.testing.assert_allclose(*cuts, rtol=2e-5)


@pytest.mark.parametrize(
    ("least", "installed", "activation", "swept"),
    [(0, True, "relu", True), (0, False, "relu", False), (0, True, "tanh", False), (1e9, True, "relu", False)],
)
def test_machine_code_is_used_where_it_pays_and_can_be_had(monkeypatch, least, installed, activation, swept):
    seen = []

    def noting(*arguments):
        seen.append(True)
        return sweep_losses(*arguments)

    sweep_losses = grids.sweep_losses
    monkeypatch.setattr(grids, "_LONG", least)
    monkeypatch.setattr(grids, "sweep_losses", noting)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object() if installed else None)
    model, (X, y) = mlp(4, 5, 3, activation=activation), data()
    slice_1d(model, nn.CrossEntropyLoss(), X, y, points=5)
    assert bool(seen) == swept


def test_a_loss_that_overflows_is_infinite_and_no_warning():
    model = nn.Linear(1, 1, bias=False)
    model.weight.data = [[1e30]]
    line = Line(flat_weights(model), np.array([1e30], np.float32))
    cut = slice_1d(model, nn.MSELoss(), [[1e30]], [[0.0]], line, points=3)
    assert cut.losses.tolist() == [0.0, np.inf, np.inf]
    assert cut.lowest == ((-1.0,), 0.0)


@pytest.mark.parametrize("way", ["numpy", "numba"])
def test_a_network_that_overflows_gives_no_warning_either(way):
    model, (X, y) = mlp(4, 5, 3), data()
    cut = slice_2d(model, nn.CrossEntropyLoss(), X * 1e20, y, points=3, span=1e30, compile=way)
    assert not np.isfinite(cut.losses[0, 0])
    assert np.isfinite(cut.losses[1, 1])


# --------------------------------------------------------------------------- the model is left as it was


def everything(model):
    modes = [module.training for _, module in model.named_modules()]
    return modes, {name: array.tolist() for name, array in model.state_dict().items()}


class Stop(nn.Module):
    """Computes as often as it is told, and then raises."""

    def __init__(self, error, after):
        self.error, self.left = error, [after]

    def forward(self, x):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise self.error
        return x


@pytest.mark.parametrize("name", ["mlp", "batch normalization", "nested, with dropout"])
def test_a_slice_leaves_weights_modes_and_statistics_alone(name):
    model, (X, y) = NETWORKS[name](), data()
    model[0].training = False  # a mode of its own stays
    before = everything(model)
    arrays = [parameter.array for parameter in model.parameters()]
    slice_2d(model, nn.CrossEntropyLoss(), X, y, points=5)
    assert everything(model) == before
    assert all(p.array is a for p, a in zip(model.parameters(), arrays, strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_or_ctrl_c_leaves_it_alone_too(error, after):
    model, (X, y) = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), Stop(error, after)), data()
    before = everything(model)
    with pytest.raises(type(error)):
        slice_1d(model, nn.CrossEntropyLoss(), X, y, points=9)
    assert everything(model) == before


def test_a_pending_graph_survives():
    model, (X, y) = mlp(4, 5, 3), data()
    loss = nn.CrossEntropyLoss()(model(tg.Tensor(X)), y)
    slice_1d(model, nn.CrossEntropyLoss(), X, y, points=5)
    loss.backward()
    assert model[0].weight.grad is not None


def test_slices_may_be_cut_side_by_side():
    model, (X, y) = mlp(4, 8, 3), data()
    expected = slice_1d(model, nn.CrossEntropyLoss(), X, y, points=21).losses
    found = [None] * 4

    def cut(i):
        found[i] = slice_1d(model, nn.CrossEntropyLoss(), X, y, points=21).losses

    threads = [threading.Thread(target=cut, args=(i,)) for i in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for losses in found:
        np.testing.assert_array_equal(losses, expected)


# ----------------------------------------------------------------------------------------- the record


def test_a_slice_says_how_little_it_is():
    model, (X, y) = mlp(4, 100, 100, 3), data()
    line, plane = (cut(model, nn.CrossEntropyLoss(), X, y, points=2) for cut in (slice_1d, slice_2d))
    assert line.label == (
        "A slice of a 10,903-dimensional landscape: 1 of 10,903 directions (a random direction, scaled to each filter)."
    )
    assert "2 of 10,903 directions (2 random directions, scaled to each filter)." in plane.label
    assert (plane.n_examples, plane.loss_name, plane.n_parameters) == (30, "CrossEntropyLoss", 10903)


def test_a_slice_does_not_change_and_goes_to_json_and_back():
    model, (X, y) = mlp(4, 5, 3), data()
    trace = trained(model, X, y)
    cut = slice_2d(model, nn.CrossEntropyLoss(), X, y, trace=trace, points=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cut.losses = 0
    for array in (cut.losses, cut.origin, cut.directions, *cut.coordinates, cut.path.coordinates):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    again = Slice.from_json(cut.to_json())
    for name in ("losses", "origin", "directions"):
        one, two = getattr(cut, name), getattr(again, name)
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    for field in dataclasses.fields(cut.path):
        np.testing.assert_array_equal(getattr(cut.path, field.name), getattr(again.path, field.name))
    assert again.to_json() == cut.to_json()
    assert (again.label, again.explained, again.center) == (cut.label, cut.explained, cut.center)


def test_a_loss_that_is_no_number_survives_json():
    cut = Slice("k", (np.arange(3.0),), np.array([1.0, np.nan, np.inf]), np.zeros(2), np.ones((1, 2)), 1, "loss")
    assert np.array_equal(Slice.from_json(cut.to_json()).losses, cut.losses, equal_nan=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"losses": [1.0]}, "lengths that do not fit"),
        ({"losses": "many"}, "numbers cannot be read"),
        ({"format": 7}, "its format is 7"),
        ({"dtype": "float31"}, "numbers cannot be read"),
        ({"los": 1}, "there is no 'los' in one. Did you mean 'losses'"),
        ({"path": {"ks": [0]}}, "'coordinates' is missing"),
    ],
)
def test_what_is_no_slice_is_refused(change, message):
    cut = Slice("k", (np.arange(3.0),), np.ones(3), np.zeros(2), np.ones((1, 2)), 1, "loss")
    text = json.dumps(json.loads(cut.to_json()) | change)
    with pytest.raises(DataError, match=message):
        Slice.from_json(text)


# ------------------------------------------------------------------------------------------ the path on it


def test_a_path_has_its_true_loss_and_the_slice_its_own_height():
    model, (X, y) = mlp(4, 6, 3), data()
    trace = trained(model, X, y)
    loss = nn.CrossEntropyLoss()
    path = slice_2d(model, loss, X, y, trace=trace, points=3).path
    plane = Plane.of_path(trace)
    assert path.ks.tolist() == trace.ks.tolist()
    true = [by_hand(model, loss, X, y, step.point) for step in trace]
    np.testing.assert_allclose(path.losses, true, rtol=1e-6)
    heights = [by_hand(model, loss, X, y, plane.at(*c)) for c in path.coordinates]
    np.testing.assert_allclose(path.heights, heights, rtol=1e-4)
    np.testing.assert_allclose(path.coordinates[-1], 0, atol=1e-6)
    assert path.losses[-1] == pytest.approx(by_hand(model, loss, X, y, flat_weights(model)), rel=1e-6)
    assert path.outside[-1] == 0
    assert 0 < path.outside[:-1].max() <= 1
    assert path.misses > 1e-3  # they are not the same thing, and the record keeps them apart


def test_a_path_between_two_weights_ends_at_0_and_1():
    model, (X, y) = mlp(4, 6, 3), data()
    trace = trained(model, X, y)
    line = Line.between(trace[0].point, trace.x)
    cut = slice_1d(model, nn.CrossEntropyLoss(), X, y, line, trace=trace, points=9)
    assert cut.path.coordinates[[0, -1], 0].tolist() == pytest.approx([0, 1])
    assert cut.coordinates[0][[0, -1]].tolist() == [-0.5, 1.5]
    np.testing.assert_allclose(cut.path.losses[[0, -1]], cut.path.heights[[0, -1]], rtol=1e-4)


def test_a_long_path_is_shown_by_some_of_its_steps():
    points = generator().standard_normal((2000, 3)).cumsum(axis=0)
    model = nn.Linear(2, 1)
    model.weight.data, model.bias.data = points[-1:, :2], points[-1, 2:]
    cut = slice_2d(model, nn.MSELoss(), [[1.0, 2.0]], [[3.0]], trace=path_of(points), points=3)
    assert len(cut.path.ks) == 300
    assert cut.path.ks[[0, -1]].tolist() == [0, 1999]


# -------------------------------------------------------------------------------------- short texts


def test_records_are_one_line_with_shapes_and_without_numbers():
    model, (X, y) = mlp(4, 6, 3), data()
    trace = trained(model, X, y)
    cut = slice_2d(model, nn.CrossEntropyLoss(), X, y, trace=trace, points=5)
    assert repr(cut) == (
        "Slice('A slice of a 51-dimensional landscape: 2 of 51 directions (the 2 main directions of the path).', with "
        "a path of 13 steps, losses (5, 5), directions (2, 51))"
    )
    assert repr(cut.path) == "Path(13 steps, k = 0 to 12, coordinates (13, 2))"
    assert repr(Line.random(model)) == (
        "Line('a random direction, scaled to each filter', origin (51,), directions (1, 51))"
    )
    assert repr(layer_history(model, trace, X)) == (
        "LayerHistory("
        "activations=Histograms([0 Linear, 1 ReLU, 2 Linear], 13 steps, k = 0 to 12, shares (3, 13, 40)), "
        "gradients=Histograms([0.weight, 2.weight], 12 steps, k = 0 to 11, shares (2, 12, 40)), "
        "updates=Updates([0.weight, 0.bias, 2.weight, 2.bias], 12 steps, k = 1 to 12, ratios (4, 12)), "
        "dead=Dead([1 ReLU], 13 steps, k = 0 to 12, shares (1, 13)), n_examples=30)"
    )
    assert repr(boundary(mlp(2, 3), X[:, :2], y, points=5)) == (
        "Boundary(labels (0, 1, 2), values (5, 5), confidence (5, 5), margins (3, 5, 5))"
    )
    assert repr(boundary(mlp(2, 1), X[:, :2], points=5)) == "Boundary(of a regression, values (5, 5))"


# ----------------------------------------------------------------------------------------- bad input

X, Y = data()


def with_one(value, *, at):
    """The examples, one value of them replaced."""
    changed = X.copy()
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, points=1), OptionError, "points must be a whole number fr"),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), X, Y, points=2001), OptionError, "from 2 to 2,000, but is 2001"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, points=2.5), OptionError, "but is 2.5"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, span=0), OptionError, "span must be a number > 0"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, span=(1, -1)), OptionError, "low < high"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, span=np.nan), OptionError, "but is nan"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, span="wide"), OptionError, "but is 'wide'"),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), X, Y, span=((0, 1), 2)), OptionError, r"\(\(low, high\), "),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y[:5]), ShapeError, "X holds 30 examples, but y holds 5"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X[:0], Y[:0]), DataError, r"needs examples, but X has shape \(0"),
        (
            lambda m: slice_1d(m, nn.CrossEntropyLoss(), with_one(np.nan, at=(7, 2)), Y),
            DataError,
            r"X holds 1 value that is missing or infinite, the first at index \(7, 2\)",
        ),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), with_one(-np.inf, at=(0, 1)), Y), DataError, r"index \(0, 1\)"),
        (lambda _: slice_1d(mlp(4, 1), nn.MSELoss(), X, with_one(np.nan, at=(3, 0))[:, :1]), DataError, r"y holds 1"),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), X, Y, trace=3), OptionError, "trace must be a Trace, but is 3"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, trace="run"), OptionError, "trace must be a Trace, but is"),
        (lambda _: Plane.of_path([[1.0]]), OptionError, "trace must be a Trace, but is a list"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, seed=-1), OptionError, "seed must be a whole number from"),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), X, Y, seed="a"), OptionError, "from 0 on, but is 'a'"),
        (lambda m: random_direction(m, seed=True), OptionError, "from 0 on, but is True"),
        (lambda _: slice_1d(None, nn.CrossEntropyLoss(), X, Y), OptionError, "a model such as .*, but was given None"),
        (
            lambda m: slice_2d(None, nn.CrossEntropyLoss(), X, Y, Plane.random(m)),
            OptionError,
            "a model such as .*, but was given None",
        ),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss, X, Y), OptionError, "loss must be a function or an object"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(reduction="none"), X, Y), ShapeError, r"gives shape \(30,\). Use"),
        (lambda m: slice_1d(m, nn.MSELoss(), X, Y), ShapeError, "shape"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X[:, :2], Y), ShapeError, "takes 4 features"),
        (
            lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, Plane.random(m).at(0, 0)),
            OptionError,
            "a Line or a Plane",
        ),
        (lambda _: slice_1d(mlp(4, 3), nn.CrossEntropyLoss(), X, Y, Line.random(mlp(4, 5, 3))), ShapeError, "43 weigh"),
        (lambda m: slice_2d(m, nn.CrossEntropyLoss(), X, Y, trace=path_of([[1.0], [2.0]])), OptionError, "not leave a"),
        (lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, trace=path_of([[1.0]])), ShapeError, "1 numbers, but the"),
        (
            lambda m: slice_1d(m, nn.CrossEntropyLoss(), X, Y, compile="torch"),
            OptionError,
            "There is no compile='torch'",
        ),
        (
            lambda _: slice_1d(NETWORKS["tanh"](), nn.CrossEntropyLoss(), X, Y, compile="numba"),
            OptionError,
            'Use compile="numpy"',
        ),
        (lambda _: slice_1d(nn.ReLU(), nn.CrossEntropyLoss(), X, Y), OptionError, "no parameters"),
        (lambda m: random_direction(m, scale="unit"), OptionError, "There is no scale 'unit'"),
        (lambda _: random_direction(nn.BatchNorm1d(3)), OptionError, "No weight of BatchNorm1d can be moved"),
        (lambda _: Line(np.zeros(3), np.zeros(3)), OptionError, "span no line: one is 0"),
        (lambda _: Plane(np.zeros(3), np.ones((2, 3))), OptionError, "span no plane"),
        (lambda _: Plane(np.zeros(3), np.ones(3)), ShapeError, r"needs an origin \(n,\) and directions \(2, n\)"),
        (lambda _: Line(np.array([np.nan]), np.ones(1)), DataError, "not finite"),
        (lambda _: Line.between(np.zeros(3), np.zeros(2)), ShapeError, "must be vectors alike"),
        (lambda m: Line.random(m).at(1, 2), ShapeError, "A Line has 1 coordinates, but was given 2"),
        (lambda m: Line.random(m).coordinates([1.0]), ShapeError, "The points have 1 numbers each"),
        (lambda _: Plane.of_path(path_of([[1.0, 1.0], [2.0, 2.0]])), OptionError, "does not leave a line"),
        (lambda _: Plane.of_path(path_of([[1.0, 1.0]])), OptionError, "does not leave a line"),
        (lambda _: Plane.of_path(path_of([[1.0, 1.0], [np.nan, 2.0]])), DataError, "has diverged"),
    ],
)
def test_bad_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(mlp(4, 5, 3))


def test_machine_code_without_numba_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sweep, "_compiled", [])
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "tinygrad-edu\[jit\]"'):
        slice_1d(mlp(4, 5, 3), nn.CrossEntropyLoss(), X, Y, compile="numba")


# ------------------------------------------------------------------------------------------- layers


def test_a_histogram_counts_every_value_once():
    model = mlp(4, 7, 3)
    history = layer_history(model, trained(model, X, Y), X, steps=5, bins=9)
    for record in (history.activations, history.gradients):
        np.testing.assert_allclose(record.shares.sum(axis=2) + record.zeros, 1)
        assert record.shares.shape == (len(record.names), len(record.ks), 9)
        assert record.edges.shape == (len(record.names), 10)
    assert history.activations.names == ("0 Linear", "1 ReLU", "2 Linear")
    assert history.activations.ks[[0, -1]].tolist() == [0, 12]
    assert history.n_examples == 30


def test_activations_are_those_of_the_weights_of_each_step():
    model = mlp(4, 7, 3)
    trace = trained(model, X, Y)
    record = layer_history(model, trace, X).activations
    for i, k in enumerate(record.ks):
        parts = trace.unflatten(trace[int(k)].point)
        hidden = X @ parts["0.weight"].T + parts["0.bias"]
        rectified = np.maximum(hidden, 0)
        last = rectified @ parts["2.weight"].T + parts["2.bias"]
        for j, values in enumerate((hidden, rectified, last)):
            assert record.means[j, i] == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
            assert record.stds[j, i] == pytest.approx(values.std(), rel=1e-4)
        assert record.zeros[1, i] == pytest.approx((rectified == 0).mean())
        counts, _ = np.histogram(last, record.edges[2])
        np.testing.assert_allclose(record.shares[2, i], counts / last.size, atol=2 / last.size)


def test_gradients_are_sorted_by_powers_of_ten_and_unknown_ones_left_out():
    gradient = np.array([1e-3, 0.0, -1.0, 5e-6, 1e-30, -2e-3])
    steps = [Step(0, np.ones(6), 1.0, gradient, None, 0.1), Step(1, np.ones(6), 1.0, None, None, 0.1)]
    trace = Trace(tuple(steps), StopReason.MAX_STEPS, "", (Part("weight", (3, 2), "float32"),))
    model = nn.Linear(2, 3, bias=False)
    record = layer_history(model, trace, np.ones((4, 2)), bins=10).gradients
    assert record.ks.tolist() == [0]
    np.testing.assert_allclose(record.edges[0], np.arange(-10.0, 1))
    assert record.zeros[0, 0] == pytest.approx(2 / 6)
    assert (record.shares[0, 0] * 6).round().astype(int).tolist() == [0, 0, 0, 0, 1, 0, 0, 2, 0, 1]


def test_dead_units_are_those_that_no_example_reaches():
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))
    trace = trained(model, X[:, :1], X[:, 1:2], loss=nn.MSELoss(), lr=1e-6)
    flat = flat_weights(model).copy()
    flat[:4], flat[4:8] = [1, -1, 1, 1], [0, 0, -100, 100]  # of the third no example is large enough
    last = Step(99, flat.astype(np.float32), 0.0, None, None, 0.1)
    trace = Trace((*trace.steps, last), trace.stop_reason, "", trace.parts)
    dead = layer_history(model, trace, X[:, :1]).dead
    assert (dead.names, dead.n_units) == (("1 ReLU",), (4,))
    assert dead.shares[0, -1] == 0.25
    assert dead.shares.shape == (1, len(dead.ks))


def test_a_channel_is_dead_if_it_is_0_everywhere():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    model[0].bias.data = [-1e6, 0.0]
    flat = flat_weights(model)
    parts = tuple(Part(n, p.shape, "float32") for n, p in model.named_parameters())
    trace = Trace((Step(0, flat, 0.0, None, None, 0.1),), StopReason.MAX_STEPS, "", parts)
    dead = layer_history(model, trace, generator().standard_normal((5, 1, 4, 4))).dead
    assert dead.shares.tolist() == [[0.5]]
    assert dead.n_units == (2,)


def test_updates_are_measured_against_the_weights_they_change():
    points = [[3.0, 4.0], [3.0, 4.5], [3.0, 4.5]]
    trace = path_of([np.array(p) for p in points])
    trace = Trace(trace.steps, trace.stop_reason, "", (Part("weight", (1, 2)),))
    updates = layer_history(nn.Linear(2, 1, bias=False), trace, [[1.0, 1.0]]).updates
    assert (updates.ks.tolist(), updates.gaps.tolist(), updates.exact) == ([1, 2], [1, 1], True)
    np.testing.assert_allclose(updates.ratios, [[0.1, 0.0]])


def test_updates_that_were_left_out_are_shared_out_and_said_to_be():
    steps = [Step(k, np.array([x, 0.0]), 0.0, None, None, 0.1) for k, x in ((0, 1.0), (1, 2.0), (5, 4.0))]
    trace = Trace(tuple(steps), StopReason.MAX_STEPS, "", (Part("weight", (1, 2)),))
    updates = layer_history(nn.Linear(2, 1, bias=False), trace, [[1.0, 1.0]]).updates
    assert (updates.gaps.tolist(), updates.exact) == ([1, 4], False)
    np.testing.assert_allclose(updates.ratios, [[1.0, 0.25]])  # |4 - 2| / |2| over 4 updates


def test_a_weight_of_zeros_gives_a_ratio_and_no_nan():
    points = [np.zeros(2), np.zeros(2), np.array([0.0, 3.0])]
    trace = Trace(path_of(points).steps, StopReason.MAX_STEPS, "", (Part("weight", (1, 2)),))
    updates = layer_history(nn.Linear(2, 1, bias=False), trace, [[1.0, 1.0]]).updates
    assert updates.ratios.tolist() == [[0.0, 1.0]]


def test_a_layer_history_leaves_the_model_alone():
    model = NETWORKS["batch normalization"]()
    trace = trained(model, X, Y)
    model.train()
    before = everything(model)
    history = layer_history(model, trace, X)
    assert everything(model) == before
    assert "forward" not in vars(model[0])
    assert history.activations.names == ("0 Linear", "1 BatchNorm1d", "2 ReLU", "3 Linear")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 1}, OptionError, "steps must be a whole number of at least 2, but is 1"),
        ({"bins": 2.5}, OptionError, "bins must be"),
        ({"X": X[:0]}, DataError, "need examples"),
        ({"model": mlp(4, 6, 3)}, ShapeError, "The trace is not that of this MLP"),
    ],
)
def test_bad_input_for_layers_is_explained(options, error, message):
    model = mlp(4, 5, 3)
    given = {"model": model, "trace": trained(model, X, Y, epochs=1), "X": X} | options
    with pytest.raises(error, match=message):
        layer_history(**given)


# ---------------------------------------------------------------------------------------- boundaries

CORNERS = np.array([[-1.0, -1.0], [1.0, 1.0]])


def line_model(*weights, bias=0.0):
    """Give a Linear layer of two features with these weights."""
    model = nn.Linear(2, len(weights))
    model.weight.data, model.bias.data = np.array(weights), np.full(len(weights), bias)
    return model


def test_two_logits_and_one_logit_draw_the_same_boundary():
    two = boundary(line_model([0.0, 0.0], [2.0, 1.0]), CORNERS, [0, 1], points=21)
    one = boundary(line_model([2.0, 1.0]), CORNERS, [0, 1], points=21)
    x, y = np.meshgrid(two.x, two.y)
    clear = np.abs(2 * x + y) > 1e-4
    assert (two.values == (2 * x + y > 0))[clear].all()
    assert (one.values == two.values)[clear].all()
    np.testing.assert_allclose(two.margins[1], 2 * x + y, atol=1e-5)
    np.testing.assert_allclose(one.margins, two.margins, atol=1e-5)
    np.testing.assert_allclose(one.confidence, 1 / (1 + np.exp(-np.abs(2 * x + y))), rtol=1e-5)


def test_the_grid_reaches_a_little_beyond_the_examples():
    field = boundary(line_model([1.0, 0.0]), [[0.0, 5.0], [10.0, 5.0]], [0, 1], points=3)
    assert field.x.tolist() == pytest.approx([-1.2, 5.0, 11.2])
    assert field.y.tolist() == [4.0, 5.0, 6.0]  # features that do not vary get a room of 1


def test_three_classes_have_a_margin_each():
    field = boundary(line_model([1.0, 0.0], [-1.0, 0.0], [0.0, 3.0]), CORNERS, [0, 2], points=9)
    assert (field.labels, field.margins.shape) == ((0, 1, 2), (3, 9, 9))
    assert ((field.margins > 0).sum(axis=0) <= 1).all()
    best = field.margins.argmax(axis=0)
    clear = field.margins.max(axis=0) > 0
    assert (best == field.values)[clear].all()


class Estimator:
    """As scikit-learn's: labels of one's own, and probabilities perhaps."""

    classes_ = np.array(["cat", "dog"])

    def predict(self, inputs):
        return self.classes_[(inputs[:, 0] > 0).astype(int)]


class Unsure(Estimator):
    def predict_proba(self, inputs):
        p = 1 / (1 + np.exp(-inputs[:, 0]))
        return np.stack([1 - p, p], axis=1)


class Regressor:
    def predict(self, inputs):
        return inputs[:, 0] * 2


@pytest.mark.parametrize(
    ("model", "y", "gives", "labels", "sure"),
    [
        (Estimator(), ["cat", "dog"], "auto", ("cat", "dog"), False),
        (Unsure(), ["cat", "dog"], "auto", ("cat", "dog"), True),
        (Unsure(), None, "auto", ("cat", "dog"), True),
        (Regressor(), [0.5, 1.5], "auto", (), False),
        (lambda x: x[:, 0] > 0, [0, 1], "auto", (False, True), False),
        (lambda x: (x[:, 0] > 0).astype(int), [0, 5], "auto", (0, 1, 5), False),
        (lambda x: x[:, 0] * 9, [0, 1], "auto", (0, 1), True),  # logits: not between 0 and 1
        (lambda x: (x[:, 0] + 2) / 4, [0, 1], "auto", (0, 1), True),  # probabilities
        (lambda x: (x[:, 0] + 2) / 4, [0, 1], "logits", (0, 1), True),
        (lambda x: x[:, 0], [0.5, 1.5], "auto", (), False),
        (lambda x: x[:, 0], [0, 1], "numbers", (), False),
        (lambda x: x @ np.ones((2, 3)), None, "auto", (0, 1, 2), True),
        (lambda x: np.full((len(x), 4), 0.25), None, "auto", (0, 1, 2, 3), True),
        (nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), [0, 1], "auto", (0, 1), True),
        (nn.Sequential(nn.Linear(2, 3), nn.Softmax()), [0, 1], "auto", (0, 1, 2), True),
        (nn.Linear(2, 1), [0.5, 1.5], "auto", (), False),
        (nn.Linear(2, 1), None, "auto", (), False),
        (nn.Linear(2, 1), [0.0, 1.0], "auto", (0, 1), True),
    ],
)
def test_what_a_model_gives_is_understood(model, y, gives, labels, sure):
    field = boundary(model, CORNERS, y, points=5, gives=gives)
    assert field.labels == labels
    assert (field.confidence is not None) == sure
    assert (field.margins is not None) == sure
    assert field.values.shape == (5, 5)


def test_a_module_is_asked_in_evaluation_mode_and_keeps_its_own():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.9))
    fields = [boundary(model, CORNERS, [0, 1], points=5) for _ in range(2)]
    np.testing.assert_array_equal(fields[0].confidence, fields[1].confidence)
    assert model.training
    assert model[1].training


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: boundary(nn.Linear(3, 1), X[:, :3]), DataError, r"Train a model on two of the 3 features, X\[:, "),
        (lambda: boundary(nn.Linear(1, 1), X[:, :1]), DataError, r"Give examples of shape \(n, 2\)"),
        (lambda: boundary(nn.Linear(2, 1), X[:0, :2]), DataError, "has shape"),
        (lambda: boundary(nn.Linear(2, 1), [[0.0, np.nan]]), DataError, "missing or infinite"),
        (lambda: boundary(nn.Linear(2, 1), CORNERS, [1]), ShapeError, "X holds 2 examples, but y holds 1"),
        (lambda: boundary(nn.Linear(2, 1), CORNERS, points=1), OptionError, "from 2 to 2000, but is 1"),
        (lambda: boundary(nn.Linear(2, 1), CORNERS, gives="logit"), OptionError, "Did you mean 'logits'"),
        (
            lambda: boundary(3, CORNERS),
            OptionError,
            "a module, a function, or an object that predicts, but was given 3",
        ),
        (lambda: boundary(lambda x: x[:3, 0], CORNERS, points=5), ShapeError, "an output for each of 25 points"),
        (lambda: boundary(nn.Linear(2, 3), CORNERS, gives="numbers"), ShapeError, "cannot be drawn"),
    ],
)
def test_what_has_no_boundary_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
