"""``diagnose``: the classic mistakes are caught, healthy models are left in peace, and the numbers are right."""

import ast
import html.parser
import importlib.util
import math
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.diagnosis import Diagnosis, Finding, Measurements
from tinygrad_edu.diagnosis.curvature import contraction, stable_learning_rate
from tinygrad_edu.diagnosis.noise import estimate
from tinygrad_edu.diagnosis.spectrum import spectrum
from tinygrad_edu.errors import DataError, DtypeError, GraphError, OptionError, ShapeError

MOONS = tg.data.moons(300)
MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.py"))


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(diagnosis, *severities):
    return {finding.name for finding in diagnosis if finding.severity in (severities or ("error", "warning", "note"))}


def of_moons(model, *, loss=None, optimizer=None, y=MOONS.y, **options):
    optimizer = optimizer or optim.SGD(model.parameters(), lr=0.1)
    return tg.diagnose(model, loss or nn.CrossEntropyLoss(), MOONS.X, y, optimizer, **options)


def mlp(*hidden, seed=0, n_outputs=2, **options):
    return nn.MLP(2, hidden or [16], n_outputs, rng=np.random.default_rng(seed), **options)


# ------------------------------------------------------------------------------- the classic mistakes


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_each_mistake_is_caught_and_its_healthy_twin_is_left_in_peace(path):
    case = load(path)
    diagnosis = tg.diagnose(**case.mistake())
    assert case.FINDING in diagnosis, str(diagnosis)
    finding = diagnosis[case.FINDING]
    assert finding.severity in ("error", "warning")
    assert finding.evidence.endswith(".")
    assert finding.remedy.rstrip(")").endswith(".")
    assert not diagnosis.healthy
    twin = tg.diagnose(**case.healthy())
    assert not twin.findings, str(twin)


def every_finding():
    """Read the names from the code: the first argument of each Finding, and of what makes one."""
    found = set()
    for path in Path(tg.diagnosis.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("Finding", "_fails"):
                found |= {call.args[0].value} if isinstance(call.args[0], ast.Constant) else set()
    assert len(found) > 40
    return found


def trained(case, epochs=20):
    wanted = {name: case[name] for name in ("model", "X", "y", "loss", "optimizer")}
    return tg.fit(**wanted, epochs=epochs)


@pytest.mark.parametrize(
    "name", ["learning_rate_too_large", "learning_rate_too_large_for_a_network", "learning_rate_too_large_for_adam"]
)
def test_training_runs_away_with_a_rate_that_is_called_too_large(name):
    case = load(Path(__file__).parent / "mistakes" / f"{name}.py")
    bad, good = trained(case.mistake()), trained(case.healthy())
    assert max(bad.losses) > 100 * bad.losses[0]
    assert max(good.losses) < 2 * good.losses[0]
    assert good.losses[-1] < 0.5 * good.losses[0]


@pytest.mark.parametrize("name", ["learning_rate_too_small", "learning_rate_too_small_for_adam"])
def test_training_crawls_with_a_rate_that_is_called_too_small(name):
    case = load(Path(__file__).parent / "mistakes" / f"{name}.py")
    bad, good = trained(case.mistake()), trained(case.healthy())
    assert bad.epoch_losses[-1] == pytest.approx(bad.epoch_losses[0], rel=1e-3)
    assert good.epoch_losses[-1] < 0.9 * good.epoch_losses[0]


def test_training_leaves_units_alike_that_are_called_identical():
    case = load(Path(__file__).parent / "mistakes" / "equal_weights.py")
    for make, alike in ((case.mistake, True), (case.healthy, False)):
        arguments = make()
        trained(arguments)
        rows = arguments["model"][0].weight.numpy()
        assert bool(np.allclose(rows, rows[:1], rtol=1e-5)) is alike


def test_training_does_not_move_units_that_are_called_dead():
    arguments = load(Path(__file__).parent / "mistakes" / "dead_units.py").mistake()
    before = arguments["model"][0].weight.numpy().copy()
    trained(arguments)
    np.testing.assert_array_equal(arguments["model"][0].weight.numpy(), before)


def test_the_least_loss_of_a_double_softmax_is_that_of_sure_and_right_outputs():
    case = load(Path(__file__).parent / "mistakes" / "softmax_before_cross_entropy.py")
    least = tg.diagnose(**case.mistake())["double-softmax"].values["least"]
    assert nn.CrossEntropyLoss()(np.eye(3), np.arange(3)).item() == pytest.approx(least, rel=1e-6)
    assert 0.9 * least < trained(case.mistake(), epochs=40).epoch_losses[-1] > least
    assert trained(case.healthy(), epochs=40).epoch_losses[-1] < 0.1 * least


def test_there_is_a_mistake_for_every_finding_that_is_worse_than_a_note():
    collected = {load(path).FINDING for path in MISTAKES}
    notes = {"edge-of-stability", "frozen-parameters", "imbalanced-classes", "large-batch", "log-softmax-twice"}
    assert every_finding() - collected == notes | {"not-measured", "small-batch", "unused-outputs"}


def test_the_page_lists_every_finding_and_shows_a_report_as_it_is():
    page = (Path(__file__).parent.parent / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    table = page[page.index("| Finding |") :]
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", table[: table.index("##")])) == every_finding()
    _, code, _, shown, *_ = page.split("```")
    scope = {}
    exec(code.removeprefix("python").replace("print(diagnosis)", ""), scope)  # noqa: S102 - the page is our own
    assert str(scope["diagnosis"]).startswith(shown.strip())


# -------------------------------------------------------------------------------------- healthy models


def digits(layers, lr=0.1, loss=None, optimizer=None, *, images=False):
    data = tg.data.digits()
    X = (data.X / 16).astype(np.float32)[:400]
    model = nn.Sequential(*layers(np.random.default_rng(0)))
    descent = (optimizer or optim.SGD)(model.parameters(), lr=lr)
    return model, loss or nn.CrossEntropyLoss(), X.reshape(-1, 1, 8, 8) if images else X, data.y[:400], descent


HEALTHY = {
    "MLP": lambda: digits(lambda r: nn.MLP(64, [48, 32], 10, rng=r), lr=0.2),
    "MLP, Adam": lambda: digits(lambda r: nn.MLP(64, [32], 10, rng=r), lr=0.003, optimizer=optim.Adam),
    "one example at a time": lambda: digits(
        lambda r: nn.MLP(64, [32], 10, rng=r), lr=0.02, optimizer=optim.StochasticGradientDescent
    ),
    "all examples": lambda: digits(lambda r: nn.MLP(64, [32], 10, rng=r), lr=0.5, optimizer=optim.BatchGradientDescent),
    "softmax regression": lambda: digits(lambda r: [nn.Linear(64, 10, rng=r)], optimizer=optim.BatchGradientDescent),
    "softmax regression from 0": lambda: digits(lambda r: [nn.Linear(64, 10, init=nn.init.zeros, rng=r)]),
    "convolutions": lambda: digits(
        lambda r: [nn.Conv2d(1, 4, 3, rng=r), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10, rng=r)],
        lr=0.003,
        optimizer=optim.Adam,
        images=True,
    ),
    "batch normalisation": lambda: digits(
        lambda r: [nn.Linear(64, 32, rng=r), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10, rng=r)]
    ),
    "dropout, AdamW": lambda: digits(
        lambda r: [nn.Linear(64, 32, rng=r), nn.GELU(), nn.Dropout(0.5, rng=r), nn.Linear(32, 10, rng=r)],
        lr=0.003,
        optimizer=optim.AdamW,
    ),
    "tanh": lambda: digits(lambda r: nn.MLP(64, [32, 32], 10, activation="tanh", rng=r)),
    "a summed loss": lambda: digits(
        lambda r: nn.MLP(64, [32], 10, rng=r), lr=0.1 / 32, loss=nn.CrossEntropyLoss(reduction="sum")
    ),
    "weighted classes": lambda: digits(
        lambda r: nn.MLP(64, [32], 10, rng=r), loss=nn.CrossEntropyLoss(weight=[1, 2, 1, 2, 1, 2, 1, 2, 1, 2])
    ),
    "a loss of one's own": lambda: digits(
        lambda r: nn.MLP(64, [32], 10, rng=r), loss=lambda p, y: nn.CrossEntropyLoss()(p, y) * 2
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_is_left_in_peace_before_and_after_training(name):
    model, loss, X, y, descent = HEALTHY[name]()
    before = tg.diagnose(model, loss, X, y, descent)
    assert names(before, "error", "warning") == set(), str(before)
    tg.fit(model, X, y, loss=loss, optimizer=descent, epochs=2)
    after = tg.diagnose(model, loss, X, y, descent)  # with the gradients of the last batch still there
    assert names(after, "error", "warning") == set(), str(after)
    assert after.measurements.loss < before.measurements.loss


def test_a_trained_model_whose_loss_only_trembles_is_no_divergence():
    model = mlp(32)
    adam = optim.Adam(model.parameters(), lr=0.01)
    tg.fit(model, MOONS.X, MOONS.y, loss=nn.CrossEntropyLoss(), optimizer=adam, epochs=150)
    diagnosis = of_moons(model, optimizer=adam)
    assert diagnosis.measurements.loss < 0.01
    assert diagnosis.healthy, str(diagnosis)


def test_indices_for_an_embedding_are_no_unscaled_features():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 500, (200, 6))
    model = nn.Sequential(nn.Embedding(500, 8, rng=rng), nn.Flatten(), nn.Linear(48, 2, rng=rng))
    adam = optim.Adam(model.parameters(), lr=0.01)
    assert tg.diagnose(model, nn.CrossEntropyLoss(), words, (words[:, 0] > 250).astype(int), adam).healthy


# ----------------------------------------------------------------------- the largest stable learning rate


def line(lr=0.1, optimizer=optim.BatchGradientDescent, n=100, **options):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(n, 3)) * [1, 2, 0.5]).astype(np.float32)
    model = nn.Linear(3, 1, rng=rng)
    descent = optimizer(model.parameters(), lr=lr, **options)
    return model, nn.MSELoss(), X, X @ np.array([[1.0], [2.0], [3.0]], np.float32), descent


@pytest.mark.parametrize(
    "optimizer",
    [
        (optim.BatchGradientDescent, {}),
        (optim.SGD, {"batch_size": None}),
        (optim.SGD, {"batch_size": None, "momentum": 0.9}),
        (optim.SGD, {"batch_size": None, "momentum": 0.8, "nesterov": True}),
        (optim.SGD, {"batch_size": None, "weight_decay": 0.5}),
        (optim.SGD, {"batch_size": None, "momentum": 0.5, "weight_decay": 1.0}),
    ],
    ids=str,
)
def test_the_descent_converges_below_the_limit_and_runs_away_above_it(optimizer):
    kind, options = optimizer
    limit = tg.diagnose(*line(1e-3, kind, **options)).measurements.stable_learning_rate
    for lr, stable in ((0.98 * limit, True), (1.02 * limit, False)):
        model, loss, X, y, descent = line(lr, kind, **options)
        diagnosis = tg.diagnose(model, loss, X, y, descent)
        assert ("learning-rate-too-large" in diagnosis) is not stable
        history = tg.fit(model, X, y, loss=loss, optimizer=descent, epochs=800)
        losses = np.array(history.losses)
        grew = not np.isfinite(losses).all() or history.stop_reason == "diverged" or losses[-1] > 10 * losses[0]
        assert grew is not stable
        if stable:
            assert losses[-1] <= losses[0]


def test_the_evidence_holds_the_numbers_and_the_remedy_a_rate_that_works():
    model, loss, X, y, descent = line(0.3)
    finding = tg.diagnose(model, loss, X, y, descent)["learning-rate-too-large"]
    assert finding.severity == "error"
    curvature = np.linalg.eigvalsh(hessian_of(model, loss, X, y)).max()
    assert finding.values["curvature"] == pytest.approx(curvature, rel=1e-4)
    assert finding.values["limit"] == pytest.approx(2 / curvature, rel=1e-4)
    assert (
        f"0.3 > 2/λ = {2 / curvature:.3g}, with the largest curvature λ = {curvature:.3g}: expect" in finding.evidence
    )
    descent.lr = float(finding.remedy.split("=")[1].strip(" ."))
    assert tg.diagnose(model, loss, X, y, descent).healthy


def test_the_formula_in_the_evidence_is_that_of_the_optimizer():
    for options, formula in [
        ({"momentum": 0.5}, "2(1+β)/λ"),
        ({"momentum": 0.5, "nesterov": True}, "2(1+β)/((1+2β)λ)"),
        ({"weight_decay": 0.1}, "2/(λ + decay)"),
    ]:
        finding = tg.diagnose(*line(5.0, optim.SGD, batch_size=None, **options))["learning-rate-too-large"]
        assert f"> {formula} = " in finding.evidence


def test_adam_has_no_limit_and_is_judged_by_the_trial_alone():
    measured = of_moons(model := mlp(), optimizer=optim.Adam(model.parameters())).measurements
    assert measured.curvature.largest > 0
    assert measured.stable_learning_rate is None
    assert ("largest stable learning rate", "unknown: the optimizer rescales the gradient") in measured.rows()
    with pytest.raises(OptionError, match="Adam rescales"):
        contraction(optim.Adam(model.parameters()), 1.0)


def test_an_optimizer_with_an_update_of_its_own_has_no_known_limit():
    class Signs(optim.SGD):
        def update(self, weight, gradient, *scalars):
            return (scalars[-1] * np.sign(gradient),)

    assert stable_learning_rate(Signs(mlp().parameters(), lr=0.1), 2.0) is None


@pytest.mark.parametrize(
    ("losses", "rose", "diverged"),
    [
        ((1.0, 0.9, 0.8, 0.7), False, False),
        ((1.0, 9.0, 3.0, 0.7), False, False),  # a jump that came back
        ((1.0, 1.02, 1.03, 1.04), False, False),  # within the noise of 0.05
        ((1.0, 1.1, 1.2, 1.3), True, False),
        ((1.0, 2.0, 3.0, 4.0), True, True),
        ((1.0, 9.0, 3.0, 1.1), True, True),  # a jump that did not come back
        ((1.0, 0.9, 0.8, math.inf), True, True),
        ((1.0, 0.9, math.nan, 0.9), True, True),
        ((0.001, 0.01, 0.02, 0.01), False, False),  # ten times a loss that is nearly 0
    ],
)
def test_a_trial_diverges_where_the_loss_does_not_come_back(losses, rose, diverged):
    trial = tg.diagnosis.Trial(losses, updates=30, batch_size=8, relative_step=0.01, highest=max(losses))
    assert trial.rose(0.05) is rose
    assert trial.diverged(0.05) is diverged


def test_a_limit_that_is_passed_while_the_loss_falls_is_a_note():
    # Batch normalisation makes the start so steep that every usual learning rate is beyond 2/λ, and works.
    model = nn.Sequential(
        *(layer for k in (2, 64, 64) for layer in (nn.Linear(k, 64, rng=np.random.default_rng(k)), nn.BatchNorm1d(64))),
        nn.Linear(64, 2, rng=np.random.default_rng(0)),
    )
    descent = optim.SGD(model.parameters(), lr=0.01)
    limit = of_moons(model, optimizer=descent).measurements.stable_learning_rate
    descent.lr = 1.5 * limit
    diagnosis = of_moons(model, optimizer=descent)
    assert diagnosis["edge-of-stability"].severity == "note"
    assert diagnosis.measurements.trial.after < diagnosis.measurements.trial.before


@pytest.mark.parametrize("lr", [5, 1, 0.1, 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_a_loss_that_falls_after_a_jump_is_not_taken_for_learning(lr, seed):
    wine = tg.data.load("wine")
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(13, 16, rng=rng), nn.ReLU(), nn.Linear(16, 3, rng=rng))
    descent = optim.SGD(model.parameters(), lr=lr, batch_size=32)
    diagnosis = tg.diagnose(model, nn.CrossEntropyLoss(), wine.X, wine.y, descent, seed=seed)
    assert diagnosis["learning-rate-too-large"].severity == "error"
    # It is true: trained so, all the hidden units are dead.
    tg.fit(model, wine.X, wine.y, loss=nn.CrossEntropyLoss(), optimizer=descent, epochs=5)
    assert not tg.relu(model[0](wine.X)).numpy().any()


def test_a_summed_loss_has_the_curvature_of_a_whole_batch():
    limits = {}
    for reduction, batch_size in [("mean", 32), ("sum", 32), ("sum", 64)]:
        model = mlp()
        descent = optim.SGD(model.parameters(), lr=1e-3, batch_size=batch_size)
        measured = of_moons(model, loss=nn.CrossEntropyLoss(reduction=reduction), optimizer=descent).measurements
        limits[reduction, batch_size] = measured.stable_learning_rate
    assert limits["sum", 32] == pytest.approx(limits["mean", 32] / 32, rel=1e-4)
    assert limits["sum", 64] == pytest.approx(limits["mean", 32] / 64, rel=1e-4)


# -------------------------------------------------------------------------------------------- curvature


def hessian_of(model, loss, X, y):
    """Write out the Hessian by all trained parameters, from gradients of gradients."""
    weights = [p for p in model.parameters() if p.requires_grad]
    for p in weights:
        p.grad = None
    loss(model(X), y).backward(create_graph=True)
    slopes = [p.grad for p in weights]
    rows = []
    for slope in slopes:
        for index in np.ndindex(slope.shape):
            for p in weights:
                p.grad = None
            seed = np.zeros(slope.shape, slope.dtype)
            seed[index] = 1
            slope.backward(seed, retain_graph=True)
            rows.append(np.concatenate([(0 * p.array if p.grad is None else p.grad.array).ravel() for p in weights]))
    for p in weights:
        p.grad = None
    return np.array(rows, np.float64)


def to_float64(model):
    for p in model.parameters():
        p.data = p.numpy().astype(np.float64)
    return model


@pytest.mark.parametrize(
    ("hidden", "activation", "exact"),
    [((8,), "tanh", True), ((5, 5), "relu", True), ((24,), "tanh", False), ((12, 8), "sigmoid", False)],
    ids=str,
)
def test_the_ends_of_the_spectrum_are_those_of_the_whole_hessian(hidden, activation, exact):
    model = to_float64(mlp(*hidden, activation=activation))
    X = MOONS.X.astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(hessian_of(model, nn.CrossEntropyLoss(), X, MOONS.y))
    curvature = of_moons(model).measurements.curvature
    assert (model.num_parameters() <= 100) is exact
    tolerance = max(1e-6, curvature.residual)
    assert curvature.largest == pytest.approx(eigenvalues[-1], abs=tolerance)
    assert curvature.smallest == pytest.approx(eigenvalues[0], abs=max(1e-6, 1.5 * curvature.smallest_residual))
    assert curvature.smallest_residual <= 0.05 * curvature.largest
    assert curvature.n_examples == len(X)
    assert curvature.residual <= 1e-3 * curvature.largest
    assert curvature.indefinite
    assert curvature.condition_number is None
    assert not curvature.quadratic
    if exact:
        assert curvature.flat == (np.abs(eigenvalues) < 1e-5 * eigenvalues[-1]).sum()


def test_the_curvature_along_the_gradient_is_the_quotient_of_rayleigh():
    model = to_float64(mlp(8, activation="tanh"))
    X = MOONS.X.astype(np.float64)
    nn.CrossEntropyLoss()(model(X), MOONS.y).backward()
    g = np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])
    hessian = hessian_of(model, nn.CrossEntropyLoss(), X, MOONS.y)
    found = of_moons(model).measurements.curvature.along_gradient
    assert found == pytest.approx(g @ hessian @ g / (g @ g), rel=1e-6)


@pytest.mark.parametrize("n", [150, 400])
def test_lanczos_finds_both_ends_with_few_products(n):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
    eigenvalues = np.concatenate([[-3.0], np.linspace(-1, 1, n - 2), [10.0]])
    matrix = basis * eigenvalues @ basis.T
    found = spectrum(lambda v: matrix @ v, n, rng)
    assert found.largest == pytest.approx(10, abs=1e-3)
    assert found.smallest == pytest.approx(-3, abs=found.smallest_residual + 1e-6)
    assert 0 < found.smallest_residual < 0.5
    assert np.linalg.norm(matrix @ found.vector - 10 * found.vector) < 0.02
    assert found.products < 40
    assert not found.exact


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_lanczos_stops_where_its_span_holds_everything(rank):
    diagonal = np.zeros(150)
    diagonal[:rank] = 1 + np.arange(rank)
    found = spectrum(lambda v: diagonal * v, 150, np.random.default_rng(0))
    assert found.largest == pytest.approx(rank, abs=1e-9)
    assert found.products <= rank + 1


def test_a_residual_bounds_the_distance_to_an_eigenvalue_when_stopped_early():
    eigenvalues = np.sort(np.random.default_rng(1).normal(size=500))
    found = spectrum(lambda v: eigenvalues * v, 500, np.random.default_rng(0), most=8)
    assert found.products == 8
    assert 0 < np.abs(eigenvalues - found.largest).min() <= found.residual


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1.0, 3.0), (1.0, 10.0)], ids=str)
@pytest.mark.parametrize(("kind", "options"), [(optim.BatchGradientDescent, {}), (optim.SGD, {"momentum": 0.8})])
def test_the_expected_number_of_updates_is_what_the_descent_needs(scales, kind, options):
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.normal(size=(50, 2)))[0] * np.sqrt(50) * scales  # curvature 2 · scale² along each weight
    truth = np.array([[1.0], [-1.0]])
    model = to_float64(nn.Linear(2, 1, bias=False, rng=rng))
    if kind is optim.SGD:
        options = options | {"batch_size": None}
    descent = kind(model.parameters(), lr=0.9 / max(scales) ** 2, **options)
    measured = tg.diagnose(model, nn.MSELoss(), X, X @ truth, descent).measurements
    assert measured.curvature.condition_number == pytest.approx((scales[1] / scales[0]) ** 2, rel=1e-6)
    assert measured.curvature.quadratic
    assert measured.curvature.flat == 0
    start, updates = np.linalg.norm(model.weight.numpy().T - truth), 0
    while np.linalg.norm(model.weight.numpy().T - truth) > 1e-3 * start:
        descent.zero_grad()
        nn.MSELoss()(model(X), X @ truth).backward()
        descent.step()
        updates += 1
    assert updates == pytest.approx(measured.expected_updates, rel=0.35, abs=3)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.BatchGradientDescent, {}),
        (optim.SGD, {"momentum": 0.9}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (optim.SGD, {"momentum": 0.3, "weight_decay": 0.2}),
    ],
    ids=str,
)
@pytest.mark.parametrize("curvature", [0.1, 2.0, 15.0])
def test_the_contraction_is_that_of_many_steps_along_a_parabola(kind, options, curvature):
    x = tg.tensor(np.array([1.0]), requires_grad=True)
    descent = kind([x], lr=0.1, **options)
    sizes = []
    for _ in range(300):
        descent.zero_grad()
        (0.5 * curvature * x * x).sum().backward()
        descent.step()
        sizes.append(abs(x.item()))
    # Momentum swings, so that single steps say little: the largest of the last ones, over those before.
    seen = (max(sizes[240:300]) / max(sizes[80:140])) ** (1 / 160)
    assert contraction(descent, curvature) == pytest.approx(seen, abs=0.015)


def test_flat_directions_are_left_out_of_the_condition_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)).astype(np.float32)
    X = np.hstack([X, X[:, :1] + X[:, 1:]])  # the third tells nothing new
    model = nn.Linear(3, 1, rng=rng)
    curvature = tg.diagnose(
        model, nn.MSELoss(), X, X[:, :1], optim.BatchGradientDescent(model.parameters(), lr=0.01)
    ).measurements.curvature
    assert curvature.flat == 1
    assert 1 < curvature.condition_number < 20


# ------------------------------------------------------------------------------------------------ noise


def gradients_of(model, loss, X, y, group=1):
    found = []
    for k in range(0, len(X), group):
        for p in model.parameters():
            p.grad = None
        loss(model(X[k : k + group]), y[k : k + group]).backward()
        found.append(np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
        for p in model.parameters():
            p.grad = None
    return np.array(found, np.float64)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.MultiMarginLoss()], ids=str)
def test_the_noise_is_that_of_the_gradients_of_single_examples(loss):
    X, y = MOONS.X[:60], MOONS.y[:60]
    model = mlp()
    each = gradients_of(model, loss, X, y)
    variance = each.var(axis=0, ddof=1).sum()
    squared = (each.mean(axis=0) ** 2).sum() - variance / 60
    noise = tg.diagnose(model, loss, X, y, optim.SGD(model.parameters())).measurements.noise
    assert (noise.n_gradients, noise.group, noise.n_examples) == (60, 1, 60)
    assert noise.variance == pytest.approx(variance, rel=1e-4)
    assert noise.squared_gradient == pytest.approx(squared, rel=1e-4)
    assert noise.scale == pytest.approx(variance / squared, rel=1e-4)


def test_the_estimate_is_unbiased():
    rng = np.random.default_rng(0)
    truth, deviation = rng.normal(size=20) / 10, rng.uniform(0.1, 1, 20)
    drawn = []
    for _ in range(400):
        each = truth + deviation * rng.normal(size=(32, 20))
        groups = each.reshape(8, 4, 20).mean(axis=1)  # gradients of 4 examples each
        drawn.append(estimate(groups, each.mean(axis=0), group=4, n_whole=32, n=1000))
    variance, squared = (deviation**2).sum(), (truth**2).sum()
    assert np.mean([noise.variance for noise in drawn]) == pytest.approx(variance, rel=0.03)
    assert np.mean([noise.squared_gradient for noise in drawn]) == pytest.approx(squared, rel=0.1)
    # Without taking off what noise adds to the square, it would be twice and a half as large.
    assert (variance / 32) / squared > 1


@pytest.mark.parametrize(
    ("variance", "squared", "n", "scale", "batch_size"),
    [
        (8.0, 1.0, 1000, 8.0, 8),
        (11.0, 1.0, 1000, 11.0, 8),
        (12.0, 1.0, 1000, 12.0, 16),
        (0.1, 1.0, 1000, 0.1, 8),
        (5000.0, 1.0, 1000, 5000.0, 1000),
        (900.0, 1.0, 1000, 900.0, 1000),
        (1.0, 0.0, 50, math.inf, 50),
        (1.0, -0.5, 50, math.inf, 50),
        (0.0, 0.0, 50, 0.0, 8),
        (0.0, 0.0, 3, 0.0, 3),
    ],
)
def test_the_suggested_batch_size_is_the_nearest_power_of_two_and_8_at_least(variance, squared, n, scale, batch_size):
    noise = tg.diagnosis.Noise(squared, variance, n_gradients=2, group=1, n_examples=n)
    assert noise.scale == scale
    assert noise.batch_size == batch_size


def test_where_examples_influence_each_other_the_noise_is_that_of_small_batches():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 16, rng=rng), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2, rng=rng))
    assert of_moons(model).measurements.noise.group == 8

    class Centred(nn.Module):  # which no class gives away
        def __init__(self):
            self.inner = mlp()

        def forward(self, x):
            return self.inner(x - x.mean(axis=0))

    assert of_moons(Centred()).measurements.noise.group == 8
    assert of_moons(mlp()).measurements.noise.group == 1


def test_batches_far_from_the_noise_scale_are_noted():
    model, loss, X, y, _ = HEALTHY["MLP"]()
    small = tg.diagnose(model, loss, X, y, optim.StochasticGradientDescent(model.parameters(), lr=0.02))
    assert "small-batch" in small
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    model = nn.Linear(3, 1, rng=rng)
    large = tg.diagnose(model, nn.MSELoss(), X, X[:, :1] + 5, optim.BatchGradientDescent(model.parameters(), lr=0.1))
    assert "large-batch" in large
    assert large.healthy


# --------------------------------------------------------------------------------- layers and activations


def test_layers_are_measured_as_they_compute():
    model = mlp(8, activation="tanh")
    loss = nn.CrossEntropyLoss()
    hidden = model[0](MOONS.X)
    scores = model[2](model[1](hidden))
    for node in (hidden, scores):
        node.retain_grad()
    loss(scores, MOONS.y).backward()
    first, last = of_moons(model).measurements.layers
    assert (first.path, first.label, last.path, last.label) == ("0", "Linear 2→8", "2", "Linear 8→2")
    assert first.activation == pytest.approx(np.sqrt((hidden.numpy() ** 2).mean()), rel=1e-5)
    assert first.signal == pytest.approx(np.linalg.norm(hidden.grad.numpy()), rel=1e-5)
    assert last.signal == pytest.approx(np.linalg.norm(scores.grad.numpy()), rel=1e-5)
    own = [model[0].weight, model[0].bias]
    assert first.weight_norm == pytest.approx(np.sqrt(sum((p.numpy() ** 2).sum() for p in own)), rel=1e-5)
    assert first.gradient_norm == pytest.approx(np.sqrt(sum((p.grad.numpy() ** 2).sum() for p in own)), rel=1e-5)


@pytest.mark.parametrize(("n_dead", "severity"), [(0, None), (1, None), (4, "note"), (14, "warning"), (16, "error")])
def test_dead_units_are_counted(n_dead, severity):
    class Net(nn.Module):  # relu as a function: the tape shows it, no layer does
        def __init__(self):
            rng = np.random.default_rng(0)
            self.first, self.last = nn.Linear(2, 16, rng=rng), nn.Linear(16, 2, rng=rng)
            self.first.bias.data = np.where(np.arange(16) < n_dead, -9.0, 1.0).astype(np.float32)

        def forward(self, x):
            return self.last(tg.relu(self.first(x)))

    diagnosis = of_moons(Net())
    (measured,) = diagnosis.measurements.activations
    assert (measured.kind, measured.units, measured.dead) == ("relu", 16, n_dead / 16)
    assert ("dead-relu" in diagnosis) is (severity is not None)
    if severity:
        assert diagnosis["dead-relu"].severity == severity
        assert f"({n_dead} of 16) give 0 for each of 300 examples" in diagnosis["dead-relu"].evidence


def test_channels_are_the_units_of_a_convolution():
    rng = np.random.default_rng(0)
    layer = nn.Conv2d(1, 4, 3, rng=rng)
    layer.bias.data = np.array([-9, -9, -9, 1], np.float32)
    model = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2, rng=rng))
    X = rng.normal(size=(40, 1, 8, 8)).astype(np.float32)
    diagnosis = tg.diagnose(model, nn.CrossEntropyLoss(), X, np.arange(40) % 2, optim.SGD(model.parameters(), lr=0.01))
    assert diagnosis.measurements.activations[0].dead == 0.75
    assert diagnosis.measurements.activations[0].units == 4


def test_a_few_examples_are_no_proof_of_dead_units():
    model = mlp()
    model[0].bias.data = np.full(16, -9, np.float32)
    descent = optim.BatchGradientDescent(model.parameters(), lr=0.1)
    loss = nn.CrossEntropyLoss()
    assert "dead-relu" not in tg.diagnose(model, loss, MOONS.X[:15], MOONS.y[:15], descent)
    assert "dead-relu" in tg.diagnose(model, loss, MOONS.X[:16], MOONS.y[:16], descent)


# -------------------------------------------------------------------------------- what else may be found


class Lambda(nn.Module):
    """A model around a function."""

    def __init__(self, function, inner=None):
        self.function, self.inner = function, inner or mlp(n_outputs=3)

    def forward(self, x):
        return self.function(self.inner(x))


BLOBS = tg.data.blobs(300)


def of_blobs(model, loss=None, y=BLOBS.y, X=BLOBS.X, **options):
    return tg.diagnose(model, loss or nn.CrossEntropyLoss(), X, y, optim.SGD(model.parameters(), lr=0.1), **options)


def matmul_twice():
    class Two(nn.Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.first = nn.Parameter(rng.normal(size=(8, 2)).astype(np.float32) / 2)
            self.bias = nn.Parameter(np.zeros(8, np.float32))
            self.second = nn.Parameter(rng.normal(size=(8, 3)).astype(np.float32) / 3)

        def forward(self, x):
            return (x @ self.first.T + self.bias) @ self.second

    return Two()


def two_at_the_end():
    rng = np.random.default_rng(0)
    layers = (nn.Linear(2, 8, rng=rng), nn.ReLU(), nn.Linear(8, 4, rng=rng), nn.Linear(4, 3, rng=rng))
    return nn.Sequential(*layers)


def scaled(*factors, shift=0.0):
    return (BLOBS.X * np.array(factors) + np.array(shift)).astype(np.float32)


@pytest.mark.parametrize(
    ("diagnose", "name", "severity", "evidence"),
    [
        (lambda: of_blobs(Lambda(tg.log_softmax)), "log-softmax-twice", "note", "that changes nothing"),
        (lambda: of_blobs(mlp(n_outputs=5)), "unused-outputs", "note", "5 outputs, but y holds no class above 2"),
        (
            lambda: of_blobs(Lambda(tg.softmax), nn.NLLLoss()),
            "scores-as-log-probabilities",
            "error",
            "the model gives probabilities",
        ),
        (lambda: of_blobs(Lambda(tg.sigmoid)), "squashed-scores", "warning", "ends with sigmoid"),
        (lambda: of_blobs(mlp(n_outputs=3), y=BLOBS.y - 1), "too-few-outputs", "error", "classes from -1 to 1"),
        (
            lambda: of_blobs(mlp(n_outputs=3), y=BLOBS.y.astype(np.float32)),
            "float-targets",
            "error",
            "y holds float32 of shape (300,)",
        ),
        (lambda: of_blobs(matmul_twice()), "no-nonlinearity", "warning", "one linear layer from 2 to 3"),
        (lambda: of_blobs(two_at_the_end()), "no-nonlinearity", "warning", "model.2 and model.3"),
        (
            lambda: of_blobs(mlp(n_outputs=3), X=scaled(1, 200)),
            "unscaled-features",
            "warning",
            "column 1 has a standard deviation of",
        ),
        (
            lambda: of_blobs(mlp(n_outputs=3), X=scaled(60, 60)),
            "unscaled-features",
            "warning",
            "root mean square",
        ),
        (
            lambda: of_blobs(mlp(n_outputs=3), X=scaled(0.01, 0.01, shift=[0, 15])),
            "unscaled-features",
            "warning",
            "column 1 has a mean of 15,",
        ),
        (
            lambda: of_blobs(mlp(n_outputs=3), X=(BLOBS.X * 50 + 128).astype(np.uint8)),
            "unscaled-features",
            "warning",
            "where 1 is usual",
        ),
        (
            lambda: of_blobs(mlp(n_outputs=3), X=scaled(1, 0, shift=[0, 3])),
            "constant-features",
            "note",
            "in all of 300 examples (column 1): such a feature tells nothing apart, and does no harm",
        ),
        (
            lambda: of_moons(mlp(n_outputs=1), loss=nn.MSELoss(), y=np.arange(len(MOONS.X)).reshape(-1, 1) % 3),
            "wrong-loss",
            "note",
            "whole numbers 0 to 2 alone, as int64. If they are counts or grades, MSELoss is right; if they name",
        ),
        (
            lambda: of_blobs(mlp(n_outputs=2), y=(np.arange(300) >= 285).astype(int)),
            "imbalanced-classes",
            "note",
            "95.0% of the examples are of class 0",
        ),
        (
            lambda: of_moons(
                Lambda(tg.tanh, mlp(n_outputs=1)), loss=nn.L1Loss(), y=(MOONS.X[:, :1] + 1).astype(np.float32)
            ),
            "targets-out-of-reach",
            "error",
            "ends with tanh, which gives -1 to 1",
        ),
    ],
)
def test_what_is_found_says_so_with_numbers(diagnose, name, severity, evidence):
    diagnosis = diagnose()
    assert name in diagnosis, str(diagnosis)
    assert diagnosis[name].severity == severity
    assert evidence in diagnosis[name].evidence


def test_a_narrow_place_without_a_nonlinearity_may_be_meant():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(5, 2, rng=rng), nn.Linear(2, 5, rng=rng))
    X = rng.normal(size=(100, 5)).astype(np.float32)
    diagnosis = tg.diagnose(model, nn.MSELoss(), X, X, optim.SGD(model.parameters(), lr=0.05))
    assert diagnosis["no-nonlinearity"].severity == "note"
    assert "of rank 2" in diagnosis["no-nonlinearity"].evidence


def test_frozen_parameters_are_a_note_and_are_not_measured():
    model = mlp(8, 8)
    model[0].weight.requires_grad = False
    model[0].bias.requires_grad = False
    diagnosis = of_moons(model)
    assert diagnosis["frozen-parameters"].values == {"frozen": 2}
    assert "0.weight, 0.bias ask for no gradient" in diagnosis["frozen-parameters"].evidence
    assert diagnosis.measurements.n_parameters == 8 * 8 + 8 + 8 * 2 + 2
    assert diagnosis.healthy


def test_a_measurement_that_cannot_be_made_is_noted_and_the_rest_goes_on():
    def once(g, _y, x):
        return g * 2 * x if isinstance(g, np.ndarray) else refuse()

    def refuse():
        raise GraphError("This rule cannot be differentiated.")

    square = tg.custom_op(lambda x: x * x, once, name="square_once")
    diagnosis = of_blobs(Lambda(square))
    assert "This rule cannot be differentiated." in diagnosis["not-measured"].evidence
    assert diagnosis.measurements.curvature is None
    assert diagnosis.measurements.noise is not None
    assert diagnosis.measurements.trial is not None


# -------------------------------------------------------------------------------------- nothing changes


class Restless(nn.Module):
    """A model that changes itself in every way while it computes, and may fail in the midst."""

    def __init__(self, fail_at=None, error=None):
        rng = np.random.default_rng(0)
        self.body = nn.Sequential(nn.Linear(2, 8, rng=rng), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
        self.noisy, self.head = nn.Dropout(0.2, rng=np.random.default_rng(1)), nn.Linear(8, 2, rng=rng)
        self.calls, self.seen, self.sums, self.running = 0, [0], {"n": 0}, np.zeros(2)
        self.fail_at, self.error = fail_at, error

    def forward(self, x):
        self.calls += 1
        self.seen.append(len(x))
        self.seen[0] += 1
        self.sums["n"] += len(x)
        self.running += x.numpy().mean(axis=0)
        np.random.random()  # noqa: NPY002 - as old code draws
        if self.calls == self.fail_at:
            raise self.error
        return self.head(self.noisy(self.body(x)))


def everything(model, optimizer):
    """Write down all that diagnose must leave as it is, bit for bit."""
    tensors = [*model._named_tensors()]
    return (
        {name: (id(t.array), t.array.tobytes(), t.changed, t.tracked, t.name) for name, t in tensors},
        {name: (id(t.grad), None if t.grad is None else t.grad.array.tobytes()) for name, t in tensors},
        {name: array.tobytes() for name, array in optimizer.state.items()},
        {name: id(value) for name, value in vars(optimizer).items()},
        [(path, module.training, sorted(vars(module))) for path, module in model.named_modules()],
        (model.calls, list(model.seen), dict(model.sums), model.running.tobytes()),
        str(tg.default_rng().bit_generator.state),
        str(model.noisy.rng.bit_generator.state),
        str(np.random.get_state()),  # noqa: NPY002 - the same
    )


def restless(**options):
    model = Restless(**options)
    model.noisy.eval()
    descent = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    def step(x, y):
        loss = criterion(model(x), y)
        descent.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        descent.step()

    step(MOONS.X[:32], MOONS.y[:32])
    return model, descent, criterion, step


def test_diagnose_changes_nothing():
    tg.seed(3)
    model, descent, criterion, step = restless()
    before = everything(model, descent)
    tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent, step=step)
    assert everything(model, descent) == before


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), ShapeError("refused")], ids=repr)
@pytest.mark.parametrize("fail_at", [2, 3, 20, 60])
def test_diagnose_changes_nothing_when_the_model_fails_in_the_midst(fail_at, error):
    tg.seed(3)
    model, descent, criterion, step = restless(fail_at=fail_at, error=error)
    before = everything(model, descent)
    if isinstance(error, ShapeError):  # what the package refuses is a finding
        diagnosis = tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent)
        assert "refused" in str(diagnosis)
    else:
        with pytest.raises(type(error)):
            tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent, step=step)
    assert everything(model, descent) == before


def test_training_goes_on_as_if_nothing_had_happened():
    losses = []
    for look in (False, True):
        tg.seed(0)
        model, descent, criterion, _ = restless()
        if look:
            tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent)
        losses.append(
            tg.fit(model, MOONS.X, MOONS.y, loss=criterion, optimizer=descent, epochs=2, compile="none").losses
        )
    np.testing.assert_array_equal(*losses)


def test_a_compiled_step_may_be_tried_and_goes_on():
    losses = []
    for look in (False, True):
        model = mlp()
        descent, criterion = optim.SGD(model.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss()

        @tg.compile
        def step(x, y, model=model, descent=descent, criterion=criterion):
            loss = criterion(model(x), y)
            descent.zero_grad()
            loss.backward()
            descent.step()
            return loss

        for _ in range(3):
            step(MOONS.X[:32], MOONS.y[:32])
        if look:
            assert tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent, step=step).healthy
        losses.append([float(step(MOONS.X[:32], MOONS.y[:32])) for _ in range(5)])
    assert losses[0] == losses[1]


def test_a_graph_recorded_before_stays_valid_and_hooks_are_not_called():
    model = mlp()
    seen = []
    model[0].weight.register_hook(lambda g: seen.append(g.shape))
    loss = nn.CrossEntropyLoss()(model(MOONS.X), MOONS.y)
    of_moons(model)
    assert seen == []
    loss.backward()  # which raises where weights were changed in place since
    assert seen == [(16, 2)]


def test_watchers_do_not_look_on():
    model = mlp()
    with tg.detect_anomaly(infinite=True):
        diagnosis = of_moons(model, optimizer=optim.SGD(model.parameters(), lr=1e30))  # the trial overflows
        assert "learning-rate-too-large" in diagnosis
        with pytest.raises(tg.errors.AnomalyError):
            tg.tensor([-1.0]).log()  # they do again


def test_the_same_seed_gives_the_same_diagnosis():
    model = nn.Sequential(mlp(8), nn.Dropout(0.2))
    assert of_moons(model, seed=1, sample=50) == of_moons(model, seed=1, sample=50)
    assert of_moons(model, seed=1, sample=50) != of_moons(model, seed=2, sample=50)


def test_costly_parts_take_a_sample():
    model = mlp()
    measured = of_moons(model, sample=64).measurements
    assert (measured.n_examples, measured.n_sampled, measured.curvature.n_examples) == (300, 64, 64)
    assert measured.noise.n_examples == 300


def test_a_model_that_computes_much_from_little_takes_a_smaller_sample(monkeypatch):
    monkeypatch.setattr("tinygrad_edu.diagnosis.case._ROOM", 10_000)
    model = mlp(100)  # which computes 100 + 100 + 2 numbers for each example
    assert of_moons(model).measurements.n_sampled == 10_000 // 202
    assert of_moons(mlp(3)).measurements.n_sampled == 300


# -------------------------------------------------------------------------------------------- the step


def stepping(change=None, *, forget=False, at_the_end=False):
    model = nn.Sequential(mlp(8), nn.Dropout(0.3))
    descent, criterion = optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()

    def step(x, y):
        if not forget and not at_the_end:
            descent.zero_grad()
        criterion(model(x), y).backward()
        if change is not None:
            change(model, descent)
        descent.step()
        if at_the_end:
            descent.zero_grad()

    return names(tg.diagnose(model, criterion, MOONS.X, MOONS.y, descent, step=step), "error", "warning")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, set()),
        ({"forget": True}, {"forgotten-zero-grad"}),
        ({"at_the_end": True}, set()),
        ({"change": lambda model, _: nn.utils.clip_grad_norm_(model.parameters(), 0.01)}, set()),
        ({"change": lambda _, descent: setattr(descent, "lr", descent.lr / 2)}, set()),
    ],
    ids=["as it should be", "zero_grad forgotten", "zero_grad at the end", "clipped", "a smaller rate"],
)
def test_a_step_is_accused_only_of_what_it_does(options, expected):
    assert stepping(**options) == expected


# ------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": lambda x: x}, OptionError, "model must be one such as"),
        ({"model": nn.MLP}, OptionError, "model must be one such as"),
        ({"loss": nn.CrossEntropyLoss}, OptionError, "loss must be a function or an object such as nn.MSELoss()"),
        ({"loss": "mse"}, OptionError, "but is 'mse'"),
        ({"optimizer": "sgd"}, OptionError, "optimizer must be one such as"),
        ({"optimizer": optim.SGD}, OptionError, "optimizer must be one such as"),
        ({"step": 3}, OptionError, "step must be a function of a batch"),
        ({"X": MOONS.X[:10]}, ShapeError, r"X has shape \(10, 2\) and y \(300,\)"),
        ({"X": 3.0}, ShapeError, "one target for each example"),
        ({"X": MOONS.X[:0], "y": MOONS.y[:0]}, DataError, "X is empty"),
        ({"X": [["a", "b"]] * 300}, DtypeError, "real numbers"),
        ({"y": ["a"] * 300}, DtypeError, "class indices"),
        ({"sample": 0}, OptionError, "sample must be a whole number from 1 on"),
        ({"sample": 2.5}, OptionError, "but is 2.5"),
        ({"seed": -1}, OptionError, "seed must be a whole number from 0 on, but is -1"),
        ({"seed": "0"}, OptionError, "but is '0'"),
    ],
)
def test_what_cannot_be_diagnosed_is_explained(changes, error, message):
    model = mlp()
    arguments = {"model": model, "loss": nn.CrossEntropyLoss(), "X": MOONS.X, "y": MOONS.y}
    with pytest.raises(error, match=message):
        tg.diagnose(**(arguments | {"optimizer": optim.SGD(model.parameters())} | changes))


def test_it_is_refused_where_no_gradients_can_be_had():
    model = mlp()
    with tg.no_grad(), pytest.raises(GraphError, match=r"under no_grad\(\)\. Call it outside"):
        of_moons(model)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_handful_of_examples_is_enough_for_most(n):
    model = mlp()
    descent = optim.BatchGradientDescent(model.parameters(), lr=0.1)
    diagnosis = tg.diagnose(model, nn.CrossEntropyLoss(), MOONS.X[:n], MOONS.y[:n], descent)
    assert diagnosis.measurements.curvature is not None
    assert (diagnosis.measurements.noise is None) is (n == 1)


def test_lists_are_examples_too():
    model = nn.Linear(1, 1, rng=np.random.default_rng(0))
    descent = optim.BatchGradientDescent(model.parameters(), lr=0.1)
    X, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
    assert tg.diagnose(model, nn.MSELoss(), X, y, descent).measurements.curvature.quadratic


@pytest.mark.parametrize(("name", "at"), [("X", (3, 1)), ("y", (5, 0))])
def test_the_remedy_for_missing_values_looks_for_them_where_they_are(name, at):
    model, loss, X, y, descent = line()
    (X if name == "X" else y)[at] = np.nan
    remedy = tg.diagnose(model, loss, X, y, descent)["not-finite"].remedy
    assert f"keep = np.isfinite({name}).reshape(len({name}), -1).all(axis=1)" in remedy
    keep = {}
    exec(remedy[remedy.index("keep =") : remedy.index(", then")], {"np": np, "X": X, "y": y}, keep)  # noqa: S102
    assert np.flatnonzero(~keep["keep"]).tolist() == [at[0]]


def test_a_feature_is_constant_only_if_it_is_so_in_all_examples():
    model, loss, X, y, descent = line(n=2000)
    X[:, 2] = 1
    X[1234, 2] = 5  # which a sample of 100 does not hold
    assert "constant-features" not in tg.diagnose(model, loss, X, y, descent, sample=100)
    X[1234, 2] = 1
    found = tg.diagnose(model, loss, X, y, descent, sample=100)["constant-features"]
    assert "one value in all of 2,000 examples (column 2)" in found.evidence


def test_pixels_that_are_never_used_leave_a_model_healthy():
    digits = tg.data.digits()
    model = nn.MLP(64, [32], 10, rng=np.random.default_rng(0))
    descent = optim.MiniBatchGradientDescent(model.parameters(), lr=0.1, batch_size=32)
    X = digits.X.reshape(len(digits.X), -1) / 16
    diagnosis = tg.diagnose(model, nn.CrossEntropyLoss(), X, digits.y, descent)
    assert str(diagnosis).startswith("Nothing wrong, 1 note.\n\nnote: constant-features\n")
    assert repr(diagnosis) == "Diagnosis(Nothing wrong, 1 note: constant-features)"
    assert "Leave them as they are" in diagnosis["constant-features"].remedy


def test_the_batch_size_to_try_is_the_one_that_was_measured():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    model = nn.Linear(3, 1, rng=rng)
    found = tg.diagnose(model, nn.MSELoss(), X, X[:, :1] + 5, optim.BatchGradientDescent(model.parameters(), lr=0.1))
    size = found.measurements.noise.batch_size
    assert f"Try batch_size={size} while" in found["large-batch"].remedy
    assert ("batch size it suggests", f"{size:,}") in found.measurements.rows()


def test_one_example_is_one_in_every_sentence():
    model, loss, X, y, _ = line()
    descent = optim.MiniBatchGradientDescent(model.parameters(), lr=0.1, batch_size=32)
    diagnosis = tg.diagnose(model, loss, X[:1], y[:1], descent)
    assert "but there is 1 example: tg.fit" in diagnosis["batch-larger-than-data"].evidence
    assert "Measured on 1 example, " in str(diagnosis)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.arange(100) % 3, 3),
        (np.arange(100) % 10, 10),
        (np.arange(100) % 3 + 1, None),  # no class 0
        (np.arange(100) % 30, None),  # too many to be classes, with few examples each
        (np.arange(100) % 3 * 2, None),  # gaps
        ((np.arange(100) % 3).astype(np.float32), None),  # numbers, and said to be such
    ],
)
def test_whole_numbers_from_0_up_may_be_classes(y, classes):
    model, loss, X, _, descent = line()
    diagnosis = tg.diagnose(model, loss, X, y.reshape(-1, 1), descent)
    assert ("wrong-loss" in diagnosis) == (classes is not None)
    if classes:
        assert diagnosis["wrong-loss"].severity == "note"
        assert f"the last layer {classes} outputs" in diagnosis["wrong-loss"].remedy


# ---------------------------------------------------------------------------------------------- reading


def test_the_report_reads_from_the_worst_to_what_was_measured():
    model, loss, X, y, descent = line(0.3)
    diagnosis = tg.diagnose(model, loss, X, y, descent)
    text = str(diagnosis)
    assert text.startswith("1 error, 1 note.\n\nerror: learning-rate-too-large\n    The learning rate 0.3 > 2/λ")
    assert text.index("→ Set optimizer.lr =") < text.index("note: large-batch") < text.index("Measured on all 100")
    for row in ("largest curvature λ", "condition number", "noise scale tr(Σ)/|G|²", "32 updates tried"):
        assert row in text
    assert all(len(row) <= 110 for row in text.splitlines())
    assert repr(diagnosis) == "Diagnosis(1 error, 1 note: learning-rate-too-large, large-batch)"


def test_findings_are_found_by_name():
    error, note = Finding("a", "error", "E.", "R."), Finding("b", "note", "E.", "R.", {"n": 1.0})
    diagnosis = Diagnosis((error, note), Measurements(10, 10, 3))
    assert diagnosis["b"] is note
    assert list(diagnosis) == [error, note]
    assert ("a" in diagnosis, "c" in diagnosis) == (True, False)
    assert not diagnosis
    assert Diagnosis((note,), Measurements(10, 10, 3))
    with pytest.raises(OptionError, match=r"There is no finding 'c'\. There are: a, b\."):
        diagnosis["c"]
    with pytest.raises(OptionError, match="Nothing was found"):
        Diagnosis((), Measurements(10, 10, 3))["a"]
    assert {error, note} == {note, error}  # hashable, as what is frozen should be


class _Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_two_tables_and_no_tags_of_the_evidence():
    findings = (Finding("a", "warning", "0.3 > 2/λ & <b>so</b>.", "Write x < 1."),)
    page = Diagnosis(findings, Measurements(10, 10, 3, loss=1.5))._repr_html_()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert page.count("<table>") == 2
    assert "0.3 > 2/λ & <b>so</b>." in tags.text
    assert "Write x < 1." in tags.text
    assert "1.5" in tags.text
