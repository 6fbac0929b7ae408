"""``train`` saves a model with all that it takes to use it; ``predict`` uses it on a table."""

import csv
import io

import numpy as np
import pytest

from tinygrad_edu import checkpoint
from tinygrad_edu.cli import main
from tinygrad_edu.data import read_frame
from tinygrad_edu.learn import Predictor

QUICK = ["--hidden", "8", "--quiet"]


def write_table(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tables and a model of each: fruit is told apart by weight and colour, y is 3 a - b + 100."""
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    fruit = [
        (round(w, 2), c, "apple" if w < 200 else "melon") for w in rng.uniform(100, 300, 40) for c in ("red", "green")
    ]
    line = [(a, b, 3 * a - b + 100) for a, b in rng.normal(size=(80, 2)).round(3).tolist()]
    for name, header, rows in [("fruit", "weight,colour,fruit", fruit), ("line", "a,b,y", line)]:
        table, model = write_table(folder / f"{name}.csv", header, rows), folder / f"{name}.safetensors"
        assert main(["train", str(table), *QUICK, "--epochs", "300", "--save", str(model)]) == 0
    return folder


def predicted(capsys, *words):
    """Predict and give the rows that are printed, the header included, and what standard error says."""
    capsys.readouterr()
    assert main(["predict", *map(str, words)]) == 0
    captured = capsys.readouterr()
    return list(csv.reader(io.StringIO(captured.out))), captured.err


# ------------------------------------------------------------------------------------------------- train


def test_train_says_how_it_went_and_where_the_model_is(capsys, tmp_path):
    model = tmp_path / "model.safetensors"
    assert main(["train", "iris", "--hidden", "8", "--epochs", "20", "--save", str(model)]) == 0
    captured = capsys.readouterr()
    how, made, score, where = captured.out.splitlines()
    assert how == "Stopped after 20 epochs (80 updates), the number asked for."
    assert made == (
        "Updates were not compiled in mini-batch gradient descent. "
        "At most 60 updates see 32 examples, and compiling pays from 100 on."
    )
    assert score.startswith("On the 38 test examples: accuracy 0.")
    assert where == f"Model: {model}"
    assert captured.err.startswith("mini-batch gradient descent: 80 updates in ")


@pytest.mark.parametrize(("regime", "updates"), [("batch", 2), ("stochastic", 224), ("mini-batch", 8)])
def test_the_regime_decides_how_many_updates_are_made(capsys, tmp_path, regime, updates):
    words = ["--regime", regime, "--epochs", "2", *QUICK, "--save", str(tmp_path / "model.safetensors")]
    assert main(["train", "iris", *words]) == 0
    assert f"({updates} updates)" in capsys.readouterr().out


def test_the_same_seed_saves_the_same_numbers(tmp_path):
    models = []
    for seed in "001":
        file = tmp_path / "model.safetensors"
        assert main(["train", "iris", *QUICK, "--epochs", "2", "--seed", seed, "--save", str(file)]) == 0
        models.append(checkpoint.load(file))
    same = [all(np.array_equal(models[0][0][name], arrays[name]) for name in arrays) for arrays, _ in models]
    assert same == [True, True, False]
    assert models[0][1] == models[1][1]


@pytest.mark.parametrize(("how", "said"), [("none", "not compiled"), ("numpy", "compiled (numpy)")])
def test_the_way_in_which_updates_are_made_is_said_and_changes_no_number(capsys, tmp_path, how, said):
    models = []
    for option in (["--compile", how], []):
        file = tmp_path / "model.safetensors"
        assert main(["train", "iris", *QUICK, "--epochs", "2", *option, "--save", str(file)]) == 0
        models.append(checkpoint.load(file)[0])
    assert f"\nUpdates were {said} in mini-batch gradient descent.\n" in capsys.readouterr().out
    assert all(np.array_equal(array, models[1][name]) for name, array in models[0].items())


def test_a_training_that_diverges_leaves_the_model_that_was_there(capsys, tmp_path):
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"the old one")
    assert main(["train", "diabetes", *QUICK, "--lr", "1e30", "--save", str(model)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("tinygrad-edu: Diverged at update ")
    assert error.endswith("Nothing was saved.\n")
    assert error.count("Diverged") == 1
    assert model.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [model]


# ----------------------------------------------------------------------------------------------- predict


def test_classes_come_with_their_probability(capsys, folder, tmp_path):
    new = write_table(tmp_path / "new.csv", "colour,weight", [("red", 110), ("green", 290)])
    (header, *rows), error = predicted(capsys, folder / "fruit.safetensors", new)
    assert header == ["fruit", "probability"]
    assert [label for label, _ in rows] == ["apple", "melon"]
    assert all(0.9 < float(chance) <= 1 for _, chance in rows)
    assert error == ""


def test_numbers_come_in_the_targets_own_units(capsys, folder, tmp_path):
    new = write_table(tmp_path / "new.csv", "b,a,remark", [(0, 0, "x"), (-1, 1, "y")])
    (header, *rows), _ = predicted(capsys, folder / "line.safetensors", new)
    assert header == ["y"]
    # 3 a - b + 100; a small network of 300 epochs is right to a tenth of the target's deviation of 3.
    np.testing.assert_allclose([float(row[0]) for row in rows], [100, 104], atol=0.3)


def test_what_is_printed_is_what_the_predictor_predicts(capsys, folder):
    rows, _ = predicted(capsys, folder / "line.safetensors", folder / "line.csv")
    predictor = Predictor.load(folder / "line.safetensors")
    expected = predictor.predict(predictor.encoding.encode(read_frame(folder / "line.csv")))
    assert [row[0] for row in rows[1:]] == [f"{number:.6g}" for number in expected]


@pytest.mark.parametrize(("name", "score"), [("fruit", "accuracy"), ("line", "R²")])
def test_answers_in_the_table_are_compared_with_on_standard_error(capsys, folder, name, score):
    rows, error = predicted(capsys, folder / f"{name}.safetensors", folder / f"{name}.csv")
    assert len(rows) == 81
    assert error.startswith(f"The table has the answers too ({rows[0][0]}): {score} ")
    assert float(error.split()[-1].rstrip(".")) > 0.95


@pytest.mark.parametrize(
    ("name", "header", "rows"),
    [
        ("fruit", "weight,colour,fruit", [(110, "red", ""), (290, "green", "melon")]),
        ("fruit", "weight,colour,fruit", [(110, "red", "pear")]),
        ("line", "a,b,y", [(0, 0, 100)]),
        ("line", "a,b,y", [(0, 0, ""), (1, 1, "")]),
    ],
    ids=["blank answer", "unknown class", "one answer has no R²", "all answers blank"],
)
def test_answers_that_cannot_be_compared_with_do_not_stop_the_predictions(capsys, folder, tmp_path, name, header, rows):
    new = write_table(tmp_path / "new.csv", header, rows)
    printed, error = predicted(capsys, folder / f"{name}.safetensors", new)
    assert len(printed) == 1 + len(rows)
    assert error.startswith("The predictions cannot be compared with the column ")


def test_output_goes_to_a_file_whole(capsys, folder, tmp_path):
    model, table, out = folder / "fruit.safetensors", folder / "fruit.csv", tmp_path / "out.csv"
    rows, _ = predicted(capsys, model, table)
    assert predicted(capsys, model, table, "--output", out)[0] == []
    assert list(csv.reader(io.StringIO(out.read_text()))) == rows
    assert list(tmp_path.iterdir()) == [out]


def test_a_model_trained_with_means_fills_in_what_a_new_table_misses(capsys, tmp_path):
    rng = np.random.default_rng(1)
    rows = [(a if i % 9 else "", b, "yes" if a > 0 else "no") for i, (a, b) in enumerate(rng.normal(size=(60, 2)))]
    table, model = write_table(tmp_path / "train.csv", "a,b,kind", rows), tmp_path / "model.safetensors"
    assert main(["train", str(table), *QUICK, "--epochs", "5", "--missing", "mean", "--save", str(model)]) == 0
    new = write_table(tmp_path / "new.csv", "a,b", [("", 1), (3, "")])
    assert len(predicted(capsys, model, new)[0]) == 3


def test_the_class_of_text_that_csv_must_quote_comes_back(capsys, tmp_path):
    labels = ['"big, red"', '"say ""hi"""']
    rows = [(i, labels[i % 2]) for i in range(40)]
    table, model = write_table(tmp_path / "t.csv", "a,kind", rows), tmp_path / "model.safetensors"
    assert main(["train", str(table), *QUICK, "--epochs", "2", "--save", str(model)]) == 0
    printed, _ = predicted(capsys, model, table)
    assert {row[0] for row in printed[1:]} <= {"big, red", 'say "hi"'}
