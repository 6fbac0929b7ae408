"""CSV and TSV files become data sets, new tables are encoded alike, and bad tables are explained."""

import os

import numpy as np
import pandas as pd
import pytest

from tinygrad_edu.data import Column, TableEncoding, read_frame, read_table
from tinygrad_edu.errors import DataError, OptionError


@pytest.fixture
def table(tmp_path):
    """Write a table to a file and return its path."""

    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


FRUIT = "weight,colour,ripe,fruit\n150,red,True,apple\n120,green,False,apple\n1200,green,True,melon\n"

# ------------------------------------------------------------------------------------------ reading


def test_numbers_are_features_and_text_is_one_hot(table):
    data = read_table(table(FRUIT, "fruit.csv"))
    assert data.name == "fruit"
    assert data.feature_names == ("weight", "colour=green", "colour=red", "ripe=False", "ripe=True")
    np.testing.assert_array_equal(data.X, [[150, 0, 1, 0, 1], [120, 1, 0, 1, 0], [1200, 1, 0, 0, 1]])
    assert (data.target_name, data.class_names, data.y.tolist()) == ("fruit", ("apple", "melon"), [0, 0, 1])


def test_the_target_may_be_any_column(table):
    data = read_table(table(FRUIT), target="weight", task="regression")
    assert data.y.tolist() == [150, 120, 1200]
    assert "weight" not in data.feature_names


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "a,b\n1.5,x\n2,y\n3,y\n"),
        ("a.csv", "a;b\n1.5;x\n2;y\n3;y\n"),
        ("a.csv", "a;b\n1,5;x\n2;y\n3;y\n"),
        ("a.csv", "a\tb\n1.5\tx\n2\ty\n3\ty\n"),
        ("a.tsv", "a\tb\n1.5\tx\n2\ty\n3\ty\n"),
        ("a.tab", "a\tb\n1.5\tx\n2\ty\n3\ty"),
        ("a.csv", "\ufeffa, b \r\n1.5, x\r\n2 ,y \r\n3,y\r\n"),
        ("a.csv", "\n\na,b\n1.5,x\n\n2,y\n3,y\n\n\n"),
        ("a.csv", '"a","b"\n"1.5","x"\n"2","y"\n3,"y"\n'),
    ],
    ids=[
        "comma",
        "semicolon",
        "decimal comma",
        "tab",
        "tsv",
        "tab file",
        "BOM, spaces, CRLF",
        "blank lines",
        "quotes",
    ],
)
def test_every_usual_way_to_write_a_table_is_understood(table, name, content):
    data = read_table(table(content, name))
    assert data.X.tolist() == [[1.5], [2.0], [3.0]]
    assert data.class_names == ("x", "y")
    assert (data.feature_names, data.target_name) == (("a",), "b")


def test_a_path_may_be_text(table):
    assert read_table(str(table(FRUIT))).n_examples == 3


def test_the_frame_is_indexed_by_the_row_numbers_of_the_file(table):
    assert read_frame(table("\na\n1\n\n2\n")).index.tolist() == [3, 5]


# ------------------------------------------------------------------------------------------ target

TARGETS = {
    "text": (["b", "a", "b"] * 10, "classification", ("a", "b")),
    "truth values": (["True", "False"] * 15, "classification", ("False", "True")),
    "two whole numbers": ([1, 2] * 3, "classification", ("1", "2")),
    "whole numbers in numeric order": (
        list(range(1, 13)) * 6,
        "classification",
        tuple(map(str, range(1, 13))),
    ),
    "whole numbers written as floats": (["1.0", "0.0", "2.0"] * 10, "classification", ("0", "1", "2")),
    "numbers beside text": (["0", "1", "2", "3+"] * 10, "classification", ("0", "1", "2", "3+")),
    "fractions": ([0.5, 1.5] * 15, "regression", ()),
    "many whole numbers": (list(range(30)) * 10, "regression", ()),
    "few rows of each number": ([1, 2, 3, 4, 5, 6] * 2, "regression", ()),
}


@pytest.mark.parametrize(("labels", "task", "class_names"), TARGETS.values(), ids=TARGETS)
def test_the_target_decides_the_task(table, labels, task, class_names):
    rows = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    data = read_table(table(f"x,y\n{rows}"))
    assert (data.task, data.class_names) == (task, class_names)


def test_the_task_can_be_named(table):
    path = table("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(9)))
    assert read_table(path).task == "regression"
    assert read_table(path, task="classification").class_names == ("0", "1", "2")
    assert read_table(path, task="classification").y.tolist() == [0, 1, 2] * 3


# ------------------------------------------------------------------------------------------ missing

GAPS = "height,colour,y\n1,red,a\n?,green,b\n3,,b\n5,red,\n6,red,b\n7,red,a\n"


def test_rows_with_missing_values_can_be_dropped(table):
    data = read_table(table(GAPS), missing="drop")
    assert data.X.tolist() == [[1, 1], [6, 1], [7, 1]]
    assert data.feature_names == ("height", "colour=red")


def test_missing_values_can_be_filled_in(table):
    data = read_table(table(GAPS), missing="mean")
    # The row without a target is left out before the mean of 1, 3, 6 and 7 is taken.
    assert data.X[:, 0].tolist() == [1, 4.25, 3, 6, 7]
    assert data.feature_names == ("height", "colour=green", "colour=red")
    assert data.X[2, 1:].tolist() == [0, 1]
    assert data.encoding.columns == (
        Column("height", fill=4.25),
        Column("colour", ("green", "red"), fill="red"),
    )


# ------------------------------------------------------------------------------------------ new tables


@pytest.fixture
def encoding(table):
    return read_table(table(FRUIT, "train.csv")).encoding


def test_new_tables_may_have_other_columns_and_another_order(encoding, table):
    new = table("note,ripe,colour,weight\nfine,True,red,99.5\n")
    np.testing.assert_array_equal(encoding.encode(new), [[99.5, 0, 1, 0, 1]])
    assert encoding.encode(new).dtype == np.float32


def test_frames_are_encoded_as_files_are(encoding):
    frame = pd.DataFrame({"weight": [1, 2], "colour": ["red", "green"], "ripe": [True, False], "fruit": ["melon"] * 2})
    np.testing.assert_array_equal(encoding.encode(frame), [[1, 0, 1, 0, 1], [2, 1, 0, 1, 0]])
    assert encoding.encode_target(frame).tolist() == [1, 1]


def test_an_encoding_survives_json(table):
    for missing in ("drop", "mean"):
        encoding = read_table(table(GAPS), missing=missing).encoding
        assert TableEncoding.from_json(encoding.to_json()) == encoding


def test_filling_in_is_part_of_the_encoding(table):
    encoding = read_table(table("a,b,y\n1,x,0\n3,x,1\n,z,1\n"), missing="mean").encoding
    assert encoding.encode(table("a,b\n,\n7,z\n,z\n", "new.csv")).tolist() == [[7, 0, 1], [2, 0, 1]]
    assert encoding.encode(pd.DataFrame({"a": [None, 7.0], "b": [np.nan, "z"]})).tolist() == [
        [2, 1, 0],
        [7, 0, 1],
    ]


def test_labels_of_new_tables_are_understood_however_numbers_are_written(table):
    encoding = read_table(table("x,y\n1,0\n2,1\n3,1\n")).encoding
    assert encoding.encode_target(table("x,y\n1,1.0\n2,0\n", "new.csv")).tolist() == [1, 0]
    assert encoding.encode_target(pd.DataFrame({"y": [1.0, 0.0]})).tolist() == [1, 0]


def test_targets_of_a_regression_are_numbers(table):
    encoding = read_table(table("x,y\n1,0.5\n2,1.5\n")).encoding
    assert encoding.encode_target(pd.DataFrame({"y": [2, 3]})).tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("wieght,colour,ripe\n1,red,True\n", "no column 'weight', which the model.*Did you mean 'wieght'"),
        ("note,other\nx,y\n", "no columns 'weight', 'colour', 'ripe'"),
        ("weight,colour,ripe\n1,red,True\n2,blue,True\n", "'blue' in row 3.*There are: green, red"),
        ("weight,colour,ripe\nheavy,red,True\n", "needs a number in every row, and row 2 has 'heavy'"),
        ("weight,colour,ripe\n1,red,True\n,red,True\n", "'weight' has no value in row 3.*--missing mean"),
        ("weight,colour,ripe\n", "no rows below it"),
    ],
)
def test_new_tables_that_do_not_fit_are_refused(encoding, table, content, words):
    with pytest.raises(DataError, match=words):
        encoding.encode(table(content, "new.csv"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda e: e.encode(np.zeros((2, 3))), "not a ndarray"),
        (lambda e: e.encode(pd.DataFrame([[1, 2]], columns=["a", "a"])), "'a' more than once"),
        (lambda e: e.encode_target(pd.DataFrame({"a": [1]})), "no column 'fruit' with the target"),
        (
            lambda e: e.encode_target(pd.DataFrame({"fruit": ["aple"]})),
            "'aple' in row 0.*Did you mean 'apple'",
        ),
        (lambda _: TableEncoding.from_json("{}"), "does not describe how a table is encoded"),
        (lambda _: TableEncoding.from_json("?"), "does not describe how a table is encoded"),
    ],
)
def test_misuse_of_an_encoding_is_explained(encoding, call, words):
    with pytest.raises(DataError, match=words):
        call(encoding)


# ------------------------------------------------------------------------------------------ bad input

MANY = range(60)
BAD_FILES = {
    "empty": ("", "is empty.*header line"),
    "only blank lines": ("\n\n", "is empty"),
    "header only": ("a,b\n", "a header and no rows"),
    "header and blank lines": ("a,b\n\n,\n", "a header and no rows"),
    "one column": ("a\n1\n2\n", "one column 'a'.*separated by"),
    "no header": ("1,2\n3,4\n", "looks like data.*holds '1'.*such as 'x1,target'"),
    "no header, text at the end": ("5.1,3.5,1.4,0.2,setosa\n", "looks like data.*such as 'x1,x2,...,target'"),
    "a column twice": ("a,b,a\n1,2,3\n", "'a' more than once"),
    "a column without a name": (",a,b\n0,1,2\n", r"Column 1 of .* has no name.*index=False"),
    "a long row": ("a,b\n1,2\n3,4\n5,6,7\n", "Row 4 of .* has 3 cells where the header has 2"),
    "a long first row": ("a,b\n1,2,3\n4,5,6\n", "Row 2 of .* has more cells than the header has 2"),
    "an open quotation mark": ('a,b\n1,"2\n3,4\n', "Row 2 of .* opens a quotation mark that is never closed"),
    "a short row": (
        "a,b,c\n1,2,x\n3\n",
        r"missing values \(2 in all\) in the columns 'b' \(row 3\), 'c' \(row 3\)",
    ),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not text in UTF-8.*CSV UTF-8"),
    "another encoding": ("näme,b\n1,2\n".encode("latin-1"), "not text in UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "not text in UTF-8"),
    "another encoding far down": (b"a,b\n" + b"1,x\n" * 20_000 + b"1,\xe4\n", "not text in UTF-8"),
    "missing values": (
        GAPS,
        r'\(3 in all\).*\'height\' \(row 3\).*missing="drop" \(--missing drop\).*--missing mean',
    ),
    "a column of nothing": ("a,b,c\n1,,x\n2,,y\n", r"columns 'b' \(rows 2, 3\)"),
    "infinite": ("a,b\n1,x\ninf,y\n3,y\n", "'a' needs a finite number .* row 3 has 'inf'"),
    "too large": ("a,b\n1,x\n1e39,y\n3,y\n", "that float32 can hold.* row 3 has '1e39'"),
    "infinite target": ("a,b\n1,0.5\n2,inf\n3,1.5\n", "'b' needs a finite number .* row 3"),
    "one class": ("a,b\n1,x\n2,x\n", "'x' in every row.*nothing to tell apart"),
    "constant": ("a,b\n1,0.5\n2,0.5\n", r"is 0\.5 in every row.*nothing to learn"),
    "a class for each row": ("a,b\n1,x\n2,y\n3,z\n", "'b' has 3 different labels, such as 'x', in 3 rows"),
    "hardly two rows a class": (
        "a,b\n" + "".join(f"{i},name{i // 2 if i < 10 else i}\n" for i in MANY),
        "'b' has 55 different labels",
    ),
    "a name for each row": (
        "a,b\n" + "".join(f"name {i},{i % 2}\n" for i in MANY),
        "text column 'a' has 60 .*names",
    ),
    "a typing error": (
        "a,b\n" + "".join(f"{'3O' if i == 3 else i},{i % 2}\n" for i in MANY),
        "except for '3O' in row 5",
    ),
    "a typing error in the target": (
        "a,b\n1,0.5\n2,O.7\n3,0.9\n",
        "'b' holds numbers, except for 'O.7' in row 3",
    ),
}


@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_table_that_cannot_be_trained_on_is_explained_in_one_line(table, content, words):
    with pytest.raises(DataError, match=words) as caught:
        read_table(table(content))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_looked_for_nearby(table):
    path = table(FRUIT, "fruit.csv")
    with pytest.raises(DataError, match=r"There is no file .*Did you mean 'fruit\.csv'"):
        read_table(path.with_name("friut.csv"))
    path.unlink()
    with pytest.raises(DataError, match="holds no tables"):
        read_table(path)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_explained(table):
    path = table(FRUIT)
    path.chmod(0)
    with pytest.raises(DataError, match="cannot be read"):
        read_table(path)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": "fruits"}, DataError, "no column 'fruits' for the target.*Did you mean 'fruit'"),
        ({"missing": "median"}, OptionError, r"missing='median' is unknown.*drop, error, mean"),
        ({"task": "regresion"}, OptionError, "Did you mean 'regression'"),
        ({"task": "regression"}, DataError, "'fruit' needs a number in every row, and row 2 has 'apple'"),
    ],
)
def test_options_that_do_not_fit_the_table_are_refused(table, options, error, words):
    with pytest.raises(error, match=words):
        read_table(table(FRUIT), **options)


def test_nothing_left_after_dropping_is_explained(table):
    with pytest.raises(DataError, match=r"No row .* 'b' has the most.*--missing mean"):
        read_table(table("a,b,c\n1,,x\n2,,y\n"), missing="drop")
    with pytest.raises(DataError, match="'b' has no value in any row"):
        read_table(table("a,b,c\n1,,x\n2,,y\n3,,y\n"), missing="mean")
