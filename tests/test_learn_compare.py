"""The comparison is fair, its numbers are right, and what it says in words is what the numbers say."""

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

from tinygrad_edu import checkpoint, data
from tinygrad_edu.cli.report import sentences
from tinygrad_edu.errors import CheckpointError, OptionError
from tinygrad_edu.learn import REGIMES, Comparison, Predictor, Result, Settings, compare, contestants, prepare
from tinygrad_edu.learn.preparation import _FACTORS
from tinygrad_edu.training import Callback, History, StopReason, fit

ROOT = Path(__file__).parent.parent
QUICK = Settings(epochs=2, hidden=(8,))


class Watch(Callback):
    """Note the weights before the first update, and keep the model."""

    def on_fit_begin(self, run):
        self.model, self.before = run.model, run.model.state_dict()


@pytest.fixture(scope="module", params=["iris", "diabetes"])
def comparison(request):
    return compare(data.load(request.param), QUICK)


@pytest.fixture(scope="module")
def regimes():
    """Run the three regimes on iris, each watched."""
    prepared, watches = prepare(data.load("iris"), QUICK), [Watch() for _ in REGIMES]
    runs = [c.run(callbacks=[w]) for c, w in zip(contestants(prepared)[:3], watches, strict=True)]
    return prepared, runs, watches


# ---------------------------------------------------------------------------------------------- fairness


def test_the_three_regimes_begin_from_the_same_weights_and_end_at_others(regimes):
    _, _, watches = regimes
    for first, second in itertools.combinations(watches, 2):
        after = second.model.state_dict()
        for name, array in first.before.items():
            np.testing.assert_array_equal(array, second.before[name])
            assert not np.array_equal(array, after[name])


def test_the_three_regimes_see_the_same_number_of_examples(regimes):
    prepared, runs, _ = regimes
    n = len(prepared.X_train)
    assert [run.epochs for run in runs] == [2, 2, 2]
    assert [run.history.n_examples for run in runs] == [2 * n] * 3
    assert [run.updates for run in runs] == [2, 2 * n, 2 * math.ceil(n / 32)]


def test_each_regime_has_the_learning_rate_that_it_reports(regimes):
    prepared, runs, _ = regimes
    assert [run.learning_rate for run in runs] == [prepared.learning_rate(regime) for regime in REGIMES]
    asked = prepare(data.load("iris"), Settings(lr=0.07))
    assert [asked.optimizer(asked.model(), regime).lr for regime in REGIMES] == [0.07] * 3
    own = prepare(data.load("iris"))
    assert [own.learning_rate(r) / own.learning_rate("mini-batch") for r in REGIMES] == pytest.approx(
        [_FACTORS[r] for r in REGIMES]
    )


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_the_split_is_the_seeds_and_the_scaling_the_training_parts(name):
    dataset = data.load(name)
    first, again, other = (prepare(dataset, Settings(seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X_train, again.X_train)
    assert not np.array_equal(first.X_train, other.X_train)
    # float32 rounds a mean of values near 1 to about 1e-7.
    np.testing.assert_allclose(first.X_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(first.X_train.std(axis=0), 1, atol=1e-6)
    assert abs(first.X_test.mean()) > 1e-4  # scaled by what was seen in training alone
    raw = np.concatenate([first.X_train, first.X_test]) * first.X_scaler.scale + first.X_scaler.mean
    np.testing.assert_allclose(np.sort(raw, axis=0), np.sort(dataset.X, axis=0), rtol=1e-4, atol=1e-5)


def test_the_multilayer_perceptron_beside_them_is_of_the_same_shape():
    prepared = prepare(data.load("iris"), Settings(hidden=(7, 5), activation="sigmoid", optimizer="momentum", epochs=3))
    estimator = contestants(prepared)[-1].run.__closure__[0].cell_contents.estimator
    options = estimator.get_params()
    assert (options["hidden_layer_sizes"], options["activation"]) == ((7, 5), "logistic")
    assert (options["solver"], options["momentum"], options["nesterovs_momentum"]) == ("sgd", 0.9, False)
    assert (options["batch_size"], options["max_iter"]) == (32, 3)
    assert options["learning_rate_init"] == prepared.learning_rate("mini-batch")


def test_a_batch_size_larger_than_the_training_part_is_refused():
    with pytest.raises(OptionError, match="Choose at most 112"):
        prepare(data.load("iris"), Settings(batch_size=113))
    assert prepare(data.load("iris"), Settings(batch_size=112)).batch_size == 112


@pytest.mark.parametrize(
    "options",
    [
        *({"lr": lr} for lr in (0.0, -1.0, math.nan, math.inf)),
        *({"epochs": 0}, {"batch_size": 0}, {"hidden": (8, 0)}, {"seed": -1}),
        *({"activation": "gelu"}, {"optimizer": "sgdd"}),
    ],
)
def test_settings_out_of_their_range(options):
    with pytest.raises(OptionError):
        Settings(**options)


# ------------------------------------------------------------------------------------------- the numbers


def test_the_accuracy_is_the_share_of_test_examples_that_are_right(regimes):
    prepared, runs, watches = regimes
    for run, watch in zip(runs, watches, strict=True):
        weight_1, bias_1, weight_2, bias_2 = watch.model.state_dict().values()
        scores = np.maximum(prepared.X_test @ weight_1.T + bias_1, 0) @ weight_2.T + bias_2
        right = [int(np.argmax(score)) == label for score, label in zip(scores, prepared.y_test, strict=True)]
        assert run.score == sum(right) / len(right)
        shifted = scores - scores.max(axis=1, keepdims=True)
        chances = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        cross_entropy = -np.log(chances[np.arange(len(scores)), prepared.y_test]).mean()
        assert run.loss == pytest.approx(cross_entropy, rel=1e-5)  # both in float32


def test_r2_and_rmse_are_those_of_scikit_learn_in_the_targets_own_units():
    prepared, watch = prepare(data.load("diabetes"), QUICK), Watch()
    result = contestants(prepared)[2].run(callbacks=[watch])
    predictor = Predictor.of(watch.model, prepared)
    X = prepared.X_scaler.inverse_transform(prepared.X_test)
    truth = prepared.y_scaler.inverse_transform(prepared.y_test)[:, 0]
    prediction = predictor.predict(X)
    assert result.score == pytest.approx(r2_score(truth, prediction), abs=1e-5)  # scaled there and back in float32
    assert result.rmse == pytest.approx(np.sqrt(np.mean((truth - prediction) ** 2)), rel=1e-5)
    assert result.loss == pytest.approx((result.rmse / prepared.y_scaler.scale[0]) ** 2, rel=1e-5)


def test_the_json_has_exactly_the_keys_and_types_that_are_promised(comparison):
    given = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert list(given) == ["dataset", "task", "n_train", "n_test", "seed", "results"]
    assert [type(given[key]) for key in ("n_train", "n_test", "seed")] == [int] * 3
    score = {"classification": "test_accuracy", "regression": "test_r2"}[given["task"]]
    for result in given["results"]:
        assert list(result) == ["name", "library", "regime", score, "test_loss", "epochs", "updates", "seconds"]
        assert type(result["name"]) is str
        assert [type(result[key]) for key in (score, "test_loss", "seconds")] == [float] * 3
        assert {type(result["epochs"]), type(result["updates"])} <= {int, type(None)}
    assert [r["library"] for r in given["results"]] == ["tinygrad_edu"] * 3 + ["scikit-learn"] * 4
    assert [r["regime"] for r in given["results"]] == [*REGIMES, None, None, None, None]


def test_what_diverged_is_null_in_the_json():
    prepared = prepare(data.load("digits"), Settings(epochs=1, lr=0.8))
    result = contestants(prepared)[1].run()
    assert result.diverged
    (given,) = Comparison(prepared, (result,)).to_dict()["results"]
    assert (given["test_accuracy"], given["test_loss"], given["epochs"]) == (None, None, 0)
    json.dumps(given, allow_nan=False)


def test_a_regime_that_diverged_has_no_score_even_where_its_weights_are_finite():
    # The loss squares what the network gives: 1e25 is a float32, and its square is not.
    prepared = prepare(data.load("diabetes"), Settings(epochs=2, hidden=(8,), lr=50.0))
    run = contestants(prepared)[1].run()
    assert run.diverged
    assert "All weights are still finite" in run.history.message
    assert math.isnan(run.score)
    assert math.isnan(run.rmse)


# ---------------------------------------------------------------------------------------- the sentences


def result(name, score, *, losses=(), updates=4, diverged=False):
    regime = name if name in REGIMES else None
    reason = StopReason.DIVERGED if diverged else StopReason.MAX_EPOCHS
    k = np.arange(1, len(losses) + 1)
    history = History(np.array(losses), k, k / 10, (), reason, "") if regime else None
    library = "tinygrad_edu" if regime else "scikit-learn"
    return Result(name, library, regime, score, math.nan, 0.1, 2, updates, 1.5, history=history)


SMOOTH, ROUGH, WILD = [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 2.0], [1.0, 1.0, 1.0, 9.0]


def said(*results):
    won, jumped = sentences(Comparison(prepare(data.load("iris"), QUICK), results)).split("\n")
    return won, jumped


def test_the_first_sentence_names_the_best_regime_the_others_and_the_best_baseline():
    won, _ = said(
        result("batch", 0.8, updates=2),
        result("stochastic", 0.9, updates=224),
        result("mini-batch", 0.85, updates=8),
        result("LogisticRegression", 0.95),
        result("DummyClassifier", 0.3),
    )
    assert won == (
        "With the same 2 passes over the data, stochastic gradient descent did best: test accuracy 0.9000 after 224 "
        "updates in 1.50 s (batch 0.8000 after 2 and mini-batch 0.8500 after 8), below scikit-learn's best, "
        "LogisticRegression with 0.9500."
    )


@pytest.mark.parametrize(("best", "relation"), [(0.6, "above"), (0.5, "equal to"), (0.4, "below")])
def test_the_best_is_above_equal_to_or_below_scikit_learns_best(best, relation):
    won, _ = said(result("batch", best), result("LogisticRegression", 0.5), result("DummyClassifier", 0.1))
    assert f", {relation} scikit-learn's best, LogisticRegression with 0.5000." in won


def test_regimes_that_are_equal_are_named_together():
    won, _ = said(result("batch", 0.5), result("stochastic", 0.9, updates=224), result("mini-batch", 0.9, updates=8))
    assert "stochastic and mini-batch gradient descent did equally well: test accuracy 0.9000 after 224 and 8" in won
    assert "(batch 0.5000 after 4)" in won
    won, _ = said(*(result(regime, 0.5) for regime in REGIMES))
    assert "batch, stochastic and mini-batch gradient descent did equally well" in won
    assert "(" not in won


@pytest.mark.parametrize("score", [math.nan, 1.0, -1e30])
def test_a_regime_that_diverged_is_never_best(score):
    won, jumped = said(
        result("batch", 0.5, losses=SMOOTH),
        result("stochastic", score, losses=WILD, diverged=True),
        result("mini-batch", 0.4, losses=ROUGH),
    )
    assert "batch gradient descent did best: test accuracy 0.5000" in won
    assert "(stochastic diverged and mini-batch 0.4000 after 4)" in won
    assert "stochastic" not in jumped


def test_where_all_diverged_there_is_no_best():
    won, jumped = said(*(result(regime, math.nan, diverged=True) for regime in REGIMES))
    assert won == "None of the three regimes ended with usable weights: try a smaller learning rate."
    assert jumped.startswith("Fewer than two regimes")


def test_the_second_sentence_names_the_calmest_and_the_wildest():
    runs = [("batch", SMOOTH), ("stochastic", WILD), ("mini-batch", ROUGH)]
    _, jumped = said(*(result(name, 0.5, losses=losses) for name, losses in runs))
    # Of the second half: the root mean square of the jumps over the mean, 8 / 5 and 1 / 1.5.
    assert jumped == (
        "From one update to the next the loss jumped least in batch and most in stochastic gradient descent (batch "
        "0.00, stochastic 1.60, mini-batch 0.67 times its mean): the fewer examples an update sees, the noisier it is, "
        "and the more updates a pass holds."
    )


@pytest.mark.parametrize("order", list(itertools.permutations([SMOOTH, ROUGH, WILD])))
def test_the_lesson_is_claimed_only_where_the_numbers_bear_it_out(order):
    _, jumped = said(*(result(name, 0.5, losses=losses) for name, losses in zip(REGIMES, order, strict=True)))
    bears_out = list(order) == [SMOOTH, WILD, ROUGH]  # REGIMES: batch, stochastic, mini-batch
    assert ("the more updates a pass holds" in jumped) == bears_out
    assert ("this run is an exception" in jumped) == (not bears_out)


def test_the_sentences_agree_with_a_real_comparison(comparison):
    won, jumped = sentences(comparison).split("\n")
    ours = {r.regime: r for r in comparison.results[:3]}
    best = max(ours.values(), key=lambda r: r.score)
    assert f"{best.score:.4f} after {best.updates:,}" in won
    assert f"{comparison.best_baseline.name} with {comparison.best_baseline.score:.4f}" in won
    for name, run in ours.items():
        if not math.isnan(run.fluctuation):
            assert f"{name} {run.fluctuation:.2f}" in jumped


# ------------------------------------------------------------------------------------------ the predictor


@pytest.mark.parametrize(("name", "activation"), [("iris", "relu"), ("diabetes", "tanh"), ("wine", "sigmoid")])
def test_a_predictor_comes_back_from_its_file_with_the_same_answers(tmp_path, name, activation):
    dataset = data.load(name)
    prepared = prepare(dataset, Settings(epochs=2, hidden=(6, 5), activation=activation))
    model = prepared.model()
    optimizer = prepared.optimizer(model, "mini-batch")
    fit(model, prepared.X_train, prepared.y_train, loss=prepared.loss, optimizer=optimizer, epochs=2)
    predictor = Predictor.of(model, prepared)
    again = Predictor.load(predictor.save(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(again.predict(dataset.X), predictor.predict(dataset.X))
    assert again.class_names == predictor.class_names == dataset.class_names
    assert again.architecture == predictor.architecture
    if dataset.task == "classification":
        chances = again.probabilities(dataset.X)
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)  # rounding of float32
        np.testing.assert_array_equal(chances.argmax(axis=1), again.predict(dataset.X))


def test_a_file_that_holds_no_predictor_is_refused(tmp_path):
    path = checkpoint.save(tmp_path / "w.safetensors", {"w": np.zeros(3)}, {"architecture": "{}"})
    with pytest.raises(CheckpointError, match="is no model saved by this program"):
        Predictor.load(path)


# -------------------------------------------------------------------------------------- missing libraries

WITHOUT = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from tinygrad_edu.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("sklearn", ["compare", "moons"]),
        ("sklearn", ["train", "iris", "--save", "m.safetensors"]),
        ("matplotlib", ["compare", "moons"]),
        ("rich", ["compare", "moons", "--no-plot"]),
        ("rich", ["train", "moons", "--save", "m.safetensors"]),
        ("pandas", ["compare", "table.csv"]),
        ("safetensors", ["train", "moons", "--save", "m.safetensors"]),
        ("safetensors", ["predict", "table.csv", "table.csv"]),
    ],
)
def test_a_library_that_is_missing_is_one_line_with_the_command_that_installs_it(tmp_path, library, words):
    (tmp_path / "table.csv").write_text("a,y\n1,x\n2,z\n3,x\n4,z\n")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, library, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("tinygrad-edu: ")
    assert done.stderr.count("\n") == 1
    assert f"needs the library {library!r}, which is not installed" in done.stderr
    assert 'pip install "tinygrad-edu[cli]"' in done.stderr


@pytest.mark.parametrize("words", [["descend", "x**2", "--start", "1"], ["datasets"]])
@pytest.mark.parametrize("library", ["rich", "sklearn", "matplotlib", "pandas", "safetensors"])
def test_formulas_and_the_list_of_data_sets_need_numpy_alone(tmp_path, library, words):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, library, *words],
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


# ------------------------------------------------------------------------------------ what is promised


def scores(name, seed, names):
    """Train some of the contestants with the default settings; give their scores by name."""
    prepared = prepare(data.load(name), Settings(seed=seed))
    return {c.regime or c.name: c.run().score for c in contestants(prepared) if (c.regime or c.name) in names}


def test_digits_by_mini_batches_is_as_good_as_scikit_learns_perceptron():
    runs = [scores("digits", seed, {"mini-batch", "MLPClassifier"}) for seed in range(5)]
    ours, theirs = (statistics.median(run[name] for run in runs) for name in ("mini-batch", "MLPClassifier"))
    assert ours >= 0.970
    assert ours >= theirs - 0.005


@pytest.mark.parametrize("seed", range(3))
def test_diabetes_by_mini_batches_is_as_good_as_a_linear_model(seed):
    run = scores("diabetes", seed, {"mini-batch", "LinearRegression", "SGDRegressor"})
    assert run["mini-batch"] >= max(run["LinearRegression"], run["SGDRegressor"]) - 0.03


@pytest.mark.parametrize("name", ["moons", "spirals"])
@pytest.mark.parametrize("seed", range(3))
def test_moons_and_spirals_are_told_apart(name, seed):
    assert scores(name, seed, {"mini-batch"})["mini-batch"] >= 0.97
