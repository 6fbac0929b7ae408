"""What a user gets wrong ends with one sentence and its remedy, status 2, and nothing written."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu.cli import main

ROOT = Path(__file__).parent.parent


def tables():
    """Write out each bad table, and a good one, by its name."""
    features = np.random.default_rng(0).normal(size=(40, 2)).round(4).tolist()
    sums = [a + b for a, b in features]
    first = [a for a, _ in features]

    def table(target):
        lines = [f"{a},{b},{y}" for (a, b), y in zip(features, target, strict=False)]
        return "\n".join(["a,b,y", *lines]) + "\n"

    good, numbers = table("yes" if a > 0 else "no" for a in first), table(sums)
    return {
        "good.csv": good,
        "numbers.csv": numbers,
        "empty.csv": "",
        "blank.csv": "\n \n\n",
        "header.csv": "a,b,y\n",
        "no_header.csv": good.split("\n", 1)[1],
        "one_column.csv": "a\n1\n2\n3\n",
        "two_names.csv": good.replace("a,b,y", "a,a,y"),
        "missing.csv": good.replace(f"\n{first[3]},", "\n,").replace(f",{features[5][1]},", ",NA,"),
        "missing_target.csv": good.replace(",yes\n", ",\n", 1),
        "all_missing.csv": "a,b,y\n" + "1,,x\n,2,y\n" * 5,
        "constant.csv": table([3.5] * 40),
        "one_class.csv": table("x" * 40),
        "fewer_rows_than_classes.csv": table("xyz"),
        "three_rows.csv": table(sums[:3]),
        "one_row.csv": table(sums[:1]),
        "infinite.csv": numbers.replace(f"\n{first[5]},", "\ninf,"),
        "infinite_target.csv": table([*sums[:5], "-inf", *sums[6:]]),
        "huge.csv": table(f"{y}e200" for y in sums),
        "typing_error.csv": numbers.replace(f"\n{first[5]},", "\n1.2.3,"),
        "long_row.csv": good + "1,2,yes,4\n",
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with the tables, a file that is no folder, and old results."""
    for name, content in tables().items():
        (tmp_path / name).write_text(content)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "old.json").write_text("old results")
    (tmp_path / "old.safetensors").write_bytes(b"old model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def refused(folder, capsys, words):
    """Run a command that must be refused with nothing written, and give its one sentence."""
    before = content(folder)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert content(folder) == before
    assert "Traceback" not in captured.err
    assert captured.err.startswith("tinygrad-edu: ")
    assert captured.err.count("\n") == 1
    assert captured.err.rstrip().endswith((".", "--help"))
    return captured.err, captured.out


# -------------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("digts", "no data set 'digts', and no file of that name. Did you mean 'digits'?"),
        ("nonsense", "There are: blobs, breast_cancer,"),
        ("goood.csv", "There is no file 'goood.csv'. Did you mean 'good.csv'?"),
        ("nowhere/x.csv", "The folder 'nowhere' does not exist either"),
        (".", "is a folder, not a table. Name a CSV or TSV file"),
        ("", "no data set ''"),
        ("empty.csv", "is empty. A table has a header line"),
        ("blank.csv", "is empty."),
        ("header.csv", "has a header and no rows below it. Add a row"),
        ("no_header.csv", "looks like data, not like names of columns"),
        ("one_column.csv", "has the one column 'a'. It needs a column for the target and one or more"),
        ("two_names.csv", "'a'"),
        ("binary.csv", "is not text in UTF-8. Save the table as CSV"),
        ("missing.csv", "the columns 'a' (row 5), 'b' (row 7). Leave their rows out"),
        ("missing.csv", '(--missing drop), or fill them in with missing="mean" (--missing mean).'),
        ("missing_target.csv", "'y' (row "),
        ("constant.csv", "'y' of 'constant' is 3.5 in every row, so there is nothing to learn. Choose another"),
        ("one_class.csv", "is 'x' in every row, so there is nothing to tell apart. Choose another target"),
        ("fewer_rows_than_classes.csv", "3 different labels, such as 'x', in 3 rows: too few"),
        ("three_rows.csv", "R² needs two"),
        ("one_row.csv", "in every row, so there is nothing to learn"),
        ("infinite.csv", "Column 'a' needs a finite number that float32 can hold in every row, and row 7 has 'inf'"),
        ("infinite_target.csv", "row 7 has '-inf' (1 such cell). Correct it or remove the row."),
        ("huge.csv", "that float32 can hold"),
        ("typing_error.csv", "'1.2.3' in row 7"),
        ("long_row.csv", "row"),
    ],
)
@pytest.mark.parametrize("command", ["compare", "train"])
def test_data_that_cannot_be_trained_on(folder, capsys, command, data, said):
    output = ["--save", "old.safetensors"] if command == "train" else ["--json", "old.json", "--out", "figures"]
    error, printed = refused(folder, capsys, [command, data, *output, "--epochs", "1"])
    assert said in error
    assert printed == ""  # refused before anything is trained


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["good.csv", "--target", "Y"], "no column 'Y' for the target. Did you mean 'y'? There are: a, b, y."),
        (["good.csv", "--task", "regression"], "needs a number in every row, and row 2 has"),
        (["numbers.csv", "--task", "classification"], "--task regression"),
        (["all_missing.csv", "--missing", "drop"], 'or fill values in with missing="mean" (--missing mean)'),
        (["iris", "--target", "species"], "has its own target"),
        (["iris", "--task", "regression"], "is for classification"),
        (["good.csv", "--missing", "zero"], "invalid choice: 'zero' (choose from"),
    ],
)
def test_options_that_do_not_fit_the_data(folder, capsys, words, said):
    assert said in refused(folder, capsys, ["compare", *words, "--no-plot"])[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_the_remedy_for_missing_values_is_one(missing):
    words = ["--missing", missing, "--epochs", "1", "--hidden", "4", "--quiet", "--save", "model.safetensors"]
    assert main(["train", "missing.csv", *words]) == 0


# ----------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *((["--lr", text], f"above 0, such as 0.1, but is '{text}'") for text in ("0", "-1", "nan", "inf", "abc", "")),
        *((["--batch-size", text], f"a whole number from 1 on, but is '{text}'") for text in ("0", "-1", "2.5", "all")),
        (["--batch-size", "31"], "The batch size 31 is larger than the training data: 30 examples of 'good'."),
        *((["--hidden", text], f"such as 128,64, but are '{text}'") for text in ("0", "abc", "8,,8", "", "2.5")),
        (["--hidden=-3"], "such as 128,64, but are '-3'"),
        *((["--epochs", text], f"a whole number from 1 on, but is '{text}'") for text in ("0", "-1", "1e3")),
        *((["--seed", text], f"from 0 to 4294967295, but is '{text}'") for text in ("-1", "4294967296", "x")),
        (["--activation", "gelu"], "choose from"),
        (["--optimizer", "rmsprop"], "choose from"),
        (["--compile", "jit"], "choose from"),
        (["--learning-rate", "1"], "nrecognized arguments: --learning-rate"),
        (["--lr", "1", "2"], "nrecognized arguments: 2 (several numbers are one argument, with commas between them"),
        (["--epochs"], "expected one argument"),
        (["--hidden", "99999999999"], "not enough memory"),
    ],
)
def test_options_out_of_their_range(folder, capsys, words, said):
    assert said in refused(folder, capsys, ["compare", "good.csv", "--json", "old.json", "--no-plot", *words])[0]


@pytest.mark.usefixtures("folder")
def test_a_batch_of_all_examples_is_in_range():
    assert main(["compare", "good.csv", "--batch-size", "30", "--epochs", "1", "--quiet", "--no-plot"]) == 0


@pytest.mark.parametrize("words", [[], ["compar"], ["compare"], ["train", "iris"], ["predict", "m"], ["descend", "x"]])
def test_a_command_that_is_incomplete_names_what_is_missing_and_where_help_is(folder, capsys, words):
    assert "--help" in refused(folder, capsys, words)[0]


# ------------------------------------------------------------------------------------------ where to write


@pytest.mark.parametrize(
    ("command", "option", "place"),
    [
        *(("compare", "--json", place) for place in ("nowhere/x", "old.json/x", ".", os.devnull)),
        *(("train", "--save", place) for place in ("nowhere/x", "old.json/x", ".", os.devnull)),
        *(("predict", "--output", place) for place in ("nowhere/x", "old.json/x", ".", os.devnull)),
        *(("compare", "--out", place) for place in ("old.json", "old.json/x", os.devnull)),  # it makes new folders
    ],
)
def test_a_place_that_cannot_be_written_to_is_found_out_before_the_work(folder, capsys, command, option, place):
    data = ["old.safetensors", "good.csv"] if command == "predict" else ["good.csv"]
    error, printed = refused(folder, capsys, [command, *data, option, place])
    assert f"{option} {place!r}" in error
    assert printed == ""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize(("command", "option"), [("compare", "--json"), ("compare", "--out"), ("train", "--save")])
def test_a_folder_without_the_permission_to_write(folder, capsys, command, option):
    locked = folder / "locked"
    locked.mkdir(mode=0o500)
    place = locked if option == "--out" else locked / "x"
    error, _ = refused(folder, capsys, [command, "good.csv", option, str(place)])
    assert "Permission denied" in error


# ------------------------------------------------------------------------------------------------ predict


@pytest.fixture
def model(folder, capsys):
    """Train a model on the good table, and one on a table with a text column."""
    quick = ["--epochs", "1", "--hidden", "4", "--quiet"]
    assert main(["train", "good.csv", *quick, "--save", "good.safetensors"]) == 0
    rows = [f"{i},{'red' if i % 3 else 'green'},{'yes' if i % 2 else 'no'}" for i in range(20)]
    (folder / "colours.csv").write_text("\n".join(["a,colour,y", *rows]) + "\n")
    assert main(["train", "colours.csv", *quick, "--save", "colours.safetensors"]) == 0
    capsys.readouterr()
    return folder


def flip(content):
    return content[:-3] + bytes([content[-3] ^ 255]) + content[-2:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flip, "is damaged: its checksum is not that of what was saved"),
        (lambda content: content[:500], "was cut off or damaged"),
        (lambda _: b"", "was cut off or damaged"),
        (lambda _: b"a,b\n1,2\n", "not a safetensors file"),
    ],
    ids=["a flipped byte", "cut off", "empty", "a table"],
)
def test_a_damaged_model(model, capsys, change, said):
    file = model / "good.safetensors"
    file.write_bytes(change(file.read_bytes()))
    assert said in refused(model, capsys, ["predict", "good.safetensors", "good.csv", "--output", "old.json"])[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["god.safetensors", "good.csv"], "Did you mean 'good.safetensors'?"),
        ([".", "good.csv"], "is a folder, not a model"),
        (["good.safetensors", "god.csv"], "Did you mean 'good.csv'?"),
        (["good.safetensors", "empty.csv"], "is empty"),
        (["good.safetensors", "missing.csv"], "Column 'a' has no value in row 5"),
        (["colours.safetensors", "good.csv"], "no column 'colour', which the model was trained with"),
        (
            ["colours.safetensors", "blue.csv"],
            "the value 'blue' in row 3 (1 such cell), which the training table did not",
        ),
        (["good.safetensors", "blue.csv"], "no column 'b', which the model was trained with"),
    ],
)
def test_a_model_and_a_table_that_do_not_fit(model, capsys, words, said):
    (model / "blue.csv").write_text("a,colour\n1,red\n2,blue\n")
    error, printed = refused(model, capsys, ["predict", *words])
    assert said in error
    assert printed == ""


def test_a_safetensors_file_of_another_program(model, capsys):
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"w": np.zeros(3)}, model / "other.safetensors")
    error, _ = refused(model, capsys, ["predict", "other.safetensors", "good.csv"])
    assert "is no model saved by this program" in error
    assert "tinygrad-edu train" in error


# ------------------------------------------------------------------------------------------------ descend


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("", "The formula is empty"),
        ("x^2", "write ** instead of '^'"),
        ("2x", "write 2*x"),
        ("((x)", "is never closed"),
        ("x)", "closes nothing"),
        ("x**", "a number is missing"),
        ("5", "has no variable"),
        ("x.__class__", "is not part of a formula"),
        ("__import__('os').system('touch hacked')", "is not part of a formula"),
        ("open(x)", "'open' is no function"),
        ("lambda: 1", "is a word of Python"),
        ("[x for x in y]", "write ( instead of '['"),
        ("(" * 500 + "x" + ")" * 400, "nested more than 50 deep"),
        ("x+" * 600 + "x", "1000 are the most"),
        ("9**9**9**9*x", "the loss is inf"),
        ("log(0-x)", "Choose a start where both are finite"),
        ("x + y", "needs 2 numbers, for x, y"),
    ],
)
def test_formulas_that_are_none(folder, capsys, formula, said):
    assert said in refused(folder, capsys, ["descend", formula, "--start", "3"])[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start", "abc"], "--start must be a number such as -6"),
        (["--start", ""], "--start must be a number"),
        (["--start", "nan"], "must be finite"),
        (["--start", "1,2"], "needs one number, for x"),
        (["--start", "-1,2"], '"--start=-1,2"'),
        (["--start", "1", "--lr", "0"], "Try 0.1."),
        (["--start", "1", "--lr", "nan"], "Try 0.1."),
        (["--start", "1", "--lr", "abc"], "--lr: invalid float value: 'abc'"),
        (["--start", "1", "--max-steps", "-1"], "Try 100."),
        (["--start", "1", "--max-steps", "2.5"], "--max-steps: invalid int value: '2.5'"),
        (["--start", "1", "--tolerance", "nan"], "Try 0.001."),
        ([], "required: --start"),
    ],
)
def test_descents_that_cannot_begin(folder, capsys, words, said):
    assert said in refused(folder, capsys, ["descend", "x**2", *words])[0]


# ---------------------------------------------------------------------------------------- a real process


def test_a_real_process_ends_with_status_2_and_one_sentence(folder):
    before = content(folder)
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "compare", "missing.csv", "--json", "old.json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("tinygrad-edu: The table 'missing.csv' has missing values (2 in all)")
    assert done.stderr.count("\n") == 1
    assert content(folder) == before


@pytest.mark.parametrize(
    "words",
    [
        ["train", "table.csv", "--save", "table.csv"],
        ["compare", "table.csv", "--no-plot", "--json", "table.csv"],
        ["predict", "model.safetensors", "table.csv", "--output", "table.csv"],
        ["predict", "model.safetensors", "table.csv", "--output", "model.safetensors"],
    ],
    ids=["train", "compare", "predict onto the table", "predict onto the model"],
)
def test_what_is_read_is_never_written_over(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{i},{i % 7},{'no' if i % 2 else 'yes'}" for i in range(60))
    Path("table.csv").write_text(f"a,b,answer\n{rows}\n")
    assert main(["train", "table.csv", "--epochs", "1", "--quiet", "--save", "model.safetensors"]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    assert main(words) == 2
    assert "would replace what is read from. Name another file." in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
