"""``tinygrad-edu compare``: one table, two sentences, a figure and a JSON file, which all say the same."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.cli import main

ROOT = Path(__file__).parent.parent
QUICK = ["--epochs", "2", "--hidden", "8"]
SENTENCES = ("Updates ", "With ", "From ")  # below the table, as long as they need
CLASSIFIERS = ["DummyClassifier", "LogisticRegression", "SGDClassifier", "MLPClassifier"]
REGRESSORS = ["DummyRegressor", "LinearRegression", "SGDRegressor", "MLPRegressor"]


def run_program(*words, cwd):
    environment = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=120,
    )


def rows_of(output):
    """Give the cells of each row of the table, by the row's name."""
    lines = output.split("────\n")[1].splitlines()
    rows = [re.split(r" {2,}", line) for line in lines[: lines.index("", lines.index("") + 1)] if line]
    return {name: cells for name, *cells in rows}


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """Compare on iris in a real process, once."""
    folder = tmp_path_factory.mktemp("iris")
    done = run_program(
        "compare", "iris", *QUICK, "--seed", "3", "--json", "results.json", "--out", "figures", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    done.folder, done.json = folder, json.loads((folder / "results.json").read_text())
    return done


# ------------------------------------------------------------------------------------------ what is printed


def test_the_table_has_the_three_regimes_and_then_four_models_of_scikit_learn(iris):
    assert list(rows_of(iris.stdout)) == ["batch", "stochastic", "mini-batch of 32", *CLASSIFIERS]


def test_the_table_and_the_json_say_the_same(iris):
    for cells, result in zip(rows_of(iris.stdout).values(), iris.json["results"], strict=True):
        accuracy, loss, epochs, updates, seconds, *_ = cells
        assert accuracy == f"{result['test_accuracy']:.4f}"
        assert loss == f"{result['test_loss']:.3f}"
        assert epochs == ("–" if result["epochs"] is None else f"{result['epochs']}")
        assert updates == ("–" if result["updates"] is None else f"{result['updates']:,}")
        assert seconds == f"{result['seconds']:.3f}"


def test_sentences_follow_the_table(iris):
    *_, made, best, jumps, results, figure = iris.stdout.splitlines()
    assert made == (
        "Updates were not compiled in batch and mini-batch and compiled (numpy) in stochastic gradient descent. "
        "At most 2 updates see 112 examples, and compiling pays from 100 on. "
        "At most 6 updates see 32 examples, and compiling pays from 100 on."
    )
    assert best.startswith("With the same 2 passes over the data, ")
    assert jumps.startswith("From one update to the next the loss jumped least in ")
    assert results == "Results: results.json"
    assert figure == f"Figure: {Path('figures', 'iris-regimes.png')}"


def test_the_figure_whose_path_is_printed_is_a_picture_and_lies_there_alone(iris):
    (picture,) = (iris.folder / "figures").iterdir()
    assert picture.name == "iris-regimes.png"
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert sorted(entry.name for entry in iris.folder.iterdir()) == ["figures", "results.json"]


def test_progress_is_one_plain_line_a_model_on_standard_error(iris):
    lines = iris.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [result["name"] for result in iris.json["results"]]
    assert all(re.fullmatch(r".*: test accuracy [01]\.\d{4} in \d+\.\d\d s", line) for line in lines)


def test_nothing_piped_holds_a_terminals_codes_or_blanks_at_the_end_of_a_line(iris):
    for text in (iris.stdout, iris.stderr, (iris.folder / "results.json").read_text()):
        assert "\x1b" not in text
        assert "\r" not in text
        assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_the_heading_says_what_is_compared(iris):
    first, second = iris.stdout.splitlines()[:2]
    assert first == "iris, classification: 112 examples to train on, 38 to test with."
    assert second.startswith("Network 4-8-3 (relu), sgd, 2 epochs, seed 3. Learning rates: batch ")


@pytest.mark.parametrize("data", ["iris", "diabetes"])
def test_the_table_fits_80_columns(capsys, data):
    assert main(["compare", data, *QUICK, "--no-plot", "--quiet"]) == 0
    table = [line for line in capsys.readouterr().out.splitlines()[2:] if not line.startswith(SENTENCES)]
    assert len(table) > 10
    assert max(map(len, table)) <= 80


def test_a_regression_shows_r2_and_the_rmse(capsys, tmp_path):
    out = tmp_path / "results.json"
    assert main(["compare", "diabetes", *QUICK, "--no-plot", "--quiet", "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    head = " ".join(" ".join(printed.splitlines()[3:5]).split())
    assert head.startswith("test test test updates fluctu- model R² RMSE loss epochs updates seconds / s ation")
    results = {r["name"]: r for r in json.loads(out.read_text())["results"]}
    assert list(results)[3:] == REGRESSORS
    row = next(line.split() for line in printed.splitlines() if line.startswith("LinearRegression"))
    assert row[1] == f"{results['LinearRegression']['test_r2']:.4f}"
    # The mean has an R² near 0, and its RMSE is the target's standard deviation: some 77 for diabetes.
    dummy = next(line.split() for line in printed.splitlines() if line.startswith("DummyRegressor"))
    assert abs(float(dummy[1])) < 0.05
    assert 60 < float(dummy[2]) < 90


# ----------------------------------------------------------------------------------------------- options


def test_quiet_shows_no_progress_and_no_plot_leaves_no_folder(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "moons", *QUICK, "--quiet", "--no-plot"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "Figure" not in captured.out
    assert list(tmp_path.iterdir()) == []


def test_the_options_decide_how_many_updates_are_made(tmp_path):
    out = tmp_path / "results.json"
    words = ["--epochs", "3", "--batch-size", "20", "--hidden", "4,5", "--activation", "tanh", "--optimizer", "adam"]
    assert main(["compare", "iris", *words, "--seed", "7", "--quiet", "--no-plot", "--json", str(out)]) == 0
    results = json.loads(out.read_text())
    n = results["n_train"]
    assert results["seed"] == 7
    assert [r["epochs"] for r in results["results"][:3]] == [3, 3, 3]
    assert [r["updates"] for r in results["results"][:3]] == [3, 3 * n, 3 * math.ceil(n / 20)]
    mlp = results["results"][-1]
    assert (mlp["epochs"], mlp["updates"]) == (3, 3 * math.ceil(n / 20))


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others(tmp_path):
    def compared(seed):
        out = tmp_path / "results.json"
        assert main(["compare", "wine", *QUICK, "--seed", seed, "--quiet", "--no-plot", "--json", str(out)]) == 0
        return [r | {"seconds": 0} for r in json.loads(out.read_text())["results"]]

    first = compared("1")
    assert first == compared("1")
    assert first != compared("2")


def test_a_table_is_compared_by_its_target_column(capsys, tmp_path):
    rng = np.random.default_rng(0)
    table = tmp_path / "my flowers.csv"
    rows = [f"{a:.3f},{'big' if a > 0 else 'small'},{b:.3f}" for a, b in rng.normal(size=(60, 2))]
    table.write_text("\n".join(["width,size,length", *rows]) + "\n")
    figures = tmp_path / "figures"
    assert main(["compare", str(table), "--target", "size", *QUICK, "--quiet", "--out", str(figures)]) == 0
    assert capsys.readouterr().out.startswith("my flowers, classification: 45 examples to train on, 15 to test with.")
    assert [entry.name for entry in figures.iterdir()] == ["my flowers-regimes.png"]


def test_a_json_file_that_is_there_is_replaced(tmp_path):
    out = tmp_path / "results.json"
    out.write_text("old")
    assert main(["compare", "iris", *QUICK, "--quiet", "--no-plot", "--json", str(out)]) == 0
    assert json.loads(out.read_text())["dataset"] == "iris"
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("none", "not compiled in batch, stochastic and mini-batch gradient descent."),
        ("numpy", "compiled (numpy) in batch, stochastic and mini-batch gradient descent."),
    ],
)
def test_updates_are_made_as_asked_and_give_the_same_numbers(capsys, tmp_path, how, said):
    def results(how):
        out = tmp_path / "results.json"
        words = [*QUICK, "--quiet", "--no-plot", "--json", str(out)]
        assert main(["compare", "iris", *words, "--compile", how]) == 0
        return [result | {"seconds": 0} for result in json.loads(out.read_text())["results"]]

    compared = results(how)
    assert f"\nUpdates were {said}\n" in capsys.readouterr().out
    assert compared == results("auto")


# -------------------------------------------------------------------------------------------- divergence


def test_a_regime_that_diverges_is_named_everywhere_with_the_update_and_the_remedy(capsys, tmp_path):
    out = tmp_path / "results.json"
    words = ["--lr", "0.8", "--epochs", "2", "--json", str(out), "--out", str(tmp_path)]
    assert main(["compare", "digits", *words]) == 0
    captured = capsys.readouterr()
    assert re.search(r"^stochastic +diverged +– ", captured.out, re.MULTILINE)
    assert re.search(r"^Stochastic gradient descent: Diverged at update \d+: .*smaller", captured.out, re.MULTILINE)
    assert re.search(r"^With the same 2 passes .*stochastic diverged", captured.out, re.MULTILINE)
    assert re.search(r"^stochastic gradient descent: diverged in ", captured.err, re.MULTILINE)
    stochastic = json.loads(out.read_text())["results"][1]
    assert (stochastic["test_accuracy"], stochastic["test_loss"], stochastic["epochs"]) == (None, None, 0)
    assert (tmp_path / "digits-regimes.png").exists()


def test_where_everything_diverges_it_says_so(capsys, tmp_path):
    out = tmp_path / "results.json"
    assert main(["compare", "diabetes", "--lr", "1e30", *QUICK, "--quiet", "--no-plot", "--json", str(out)]) == 0
    assert (
        "None of the three regimes ended with usable weights: try a smaller learning rate." in capsys.readouterr().out
    )
    regimes = json.loads(out.read_text())["results"][:3]
    assert [result["test_r2"] for result in regimes] == [None, None, None]


def test_a_model_of_scikit_learn_that_diverges_ends_no_comparison(capsys, tmp_path):
    out = tmp_path / "results.json"
    assert main(["compare", "diabetes", "--lr", "1.5", *QUICK, "--quiet", "--no-plot", "--json", str(out)]) == 0
    assert re.search(r"^MLPRegressor +(diverged|–) ", capsys.readouterr().out, re.MULTILINE)
    results = {r["name"]: r["test_r2"] for r in json.loads(out.read_text())["results"]}
    assert results["MLPRegressor"] is None
    assert results["LinearRegression"] > 0.4
