"""The notebooks of the lessons run, print what they store, and ask for a prediction before each result."""

import difflib
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "docs" / "notebooks.py"
FILES = {file.stem[0]: file for file in sorted((ROOT / "docs" / "lessons").glob("*.ipynb"))}
POINTS = {
    "A": ["A1", "A2", "A3", "A4", "A5", "A6"],
    "B": ["B1", "B2", "B3"],
    "C": ["C1", "C2", "C3", "C4"],
    "D": ["D1", "D2", "D3"],
    "E": ["E1", "E2", "E3", "E4"],
}
PICTURES = {"image/png", "image/gif", "image/svg+xml"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

every_notebook = pytest.mark.parametrize("letter", POINTS)


# ---------------------------------------------------------------------------------- reading a notebook
def read(letter):
    return json.loads(FILES[letter].read_text(encoding="utf-8"))


def source(cell):
    return "".join(cell["source"])


def results(notebook):
    """The code cells that print or draw, each with the cells before and after it."""
    cells = [None, *notebook["cells"], None]
    around = zip(cells, cells[1:], cells[2:], strict=False)
    return [(before, cell, after) for before, cell, after in around if cell and cell.get("outputs")]


def printed(cell):
    """Everything that a cell says in words."""
    streams = ["".join(output["text"]) for output in cell.get("outputs", ()) if output["output_type"] == "stream"]
    shown = ["".join(output["data"].get("text/plain", "")) for output in cell.get("outputs", ()) if "data" in output]
    return "\n".join(streams + shown)


def kinds(cell):
    """What a cell puts out, without the contents: streams by name, data by type."""
    return [output.get("name") or sorted(output.get("data", ())) or output["output_type"] for output in cell["outputs"]]


def pictures(cells):
    return [cell for cell in cells for output in cell.get("outputs", ()) if PICTURES & output.get("data", {}).keys()]


def sections(notebook):
    """The cells under each heading of the second level, by heading."""
    found, here = {}, None
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and (heading := re.match(r"## (.+)", source(cell))):
            here = found.setdefault(heading[1], [])
        if here is not None:
            here.append(cell)
    return found


# -------------------------------------------------------------------------------------- comparing texts
def words_of(text):
    """The numbers in a text, as they stand there, and powers of ten as 1.08e58."""

    def plain(power):
        return f"{power[1] or 1}e{power[2].translate(RAISED)}"

    return NUMBER.findall(re.sub(r"(?:([\d.]+) × )?10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", plain, text))


def number(word):
    return float(word.replace("−", "-").replace(",", ""))


def whole(word):
    return word.lstrip("-−").replace(",", "").isdigit()


def rounded(value, word):
    """Round a value to as many digits as a number has that somebody wrote."""
    mantissa, power, _ = word.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(f"{value:.{decimals}{'e' if power else 'f'}}")


def same(text, other):
    """Tell whether two texts say the same: whole numbers exactly, others to a hundredth of themselves.

    Where a sum is rounded differently, on another processor, the last digits of a training run are others; and a
    number of another length moves the spaces beside it.
    """
    if NUMBER.sub("#", text).split() != NUMBER.sub("#", other).split():
        return False
    return all(
        one == two
        or (not (whole(one) and whole(two)) and math.isclose(number(one), number(two), rel_tol=0.01, abs_tol=1e-6))
        for one, two in zip(NUMBER.findall(text), NUMBER.findall(other), strict=True)
    )


SAME = [
    ("the same", "loss 0.25 after 124 steps", "loss 0.25 after 124 steps", True),
    ("the last digit", "loss 0.253", "loss 0.254", True),
    ("rounding noise about 0", "slope 9.4e-16", "slope -3.1e-16", True),
    ("spaces", "x =  9.9", "x = 9.95", True),
    ("another loss", "loss 0.25", "loss 0.26", False),
    ("another count", "124 steps", "125 steps", False),
    ("another large count", "5,120 updates", "5,121 updates", False),
    ("another sign", "slope -0.5", "slope 0.5", False),
    ("another word", "zig-zags 43", "explodes 43", False),
    ("a line more", "x = 1.0", "x = 1.0\nx = 2.0", False),
    ("another exponent", "1.08e+58 s", "1.08e+57 s", False),
]


@pytest.mark.parametrize(("text", "other", "expected"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_texts_are_the_same_up_to_rounding(text, other, expected):
    assert same(text, other) is expected


# --------------------------------------------------------------------------------------- what they hold
def test_there_is_a_notebook_for_each_part_of_the_lectures():
    assert [*FILES] == [*POINTS]


@every_notebook
def test_every_point_of_the_lectures_has_a_section_and_a_picture(letter):
    parts = sections(read(letter))
    assert [heading.split()[0] for heading in parts] == [*POINTS[letter], "Exercises"]
    assert [heading for heading, cells in parts.items() if heading != "Exercises" and not pictures(cells)] == []


@every_notebook
def test_every_result_is_predicted_before_and_answered_after(letter):
    stray = [
        cell["id"]
        for before, cell, after in results(read(letter))
        if "**Predict:**" not in source(before) or not source(after).startswith("**Answer.**")
    ]
    assert stray == []
    assert results(read(letter))


@every_notebook
def test_the_numbers_of_an_answer_are_those_that_were_printed(letter):
    missing = []
    for before, cell, after in results(read(letter)):
        known = [abs(number(word)) for word in words_of(printed(cell) + source(cell) + source(before))]
        missing += [
            (cell["id"], word)
            for word in words_of(source(after))
            if not any(math.isclose(rounded(value, word), abs(number(word))) for value in known)
        ]
    assert missing == []


@every_notebook
def test_prose_is_short(letter):
    def sentences(cell):
        prose = re.sub(r"^#+ .*$|\*\*|\([^()]*\)", "", source(cell), flags=re.MULTILINE)
        return re.findall(r"[.?!](?=\s|$)", re.sub(r"Predict:|Answer\.", "", prose))

    cells = [cell for cell in read(letter)["cells"] if cell["cell_type"] == "markdown"]
    assert [cell["id"] for cell in cells[:-1] if len(sentences(cell)) > 3] == []


@every_notebook
def test_it_ends_with_three_to_five_exercises(letter):
    last = read(letter)["cells"][-1]
    assert source(last).startswith("## Exercises\n\nChange one number")
    assert 3 <= len(re.findall(r"^\d\. In ", source(last), re.MULTILINE)) <= 5


@every_notebook
def test_the_file_does_not_tell_where_or_when_it_ran(letter):
    notebook, text = read(letter), FILES[letter].read_text(encoding="utf-8")
    assert notebook["metadata"] == METADATA
    assert [
        cell["metadata"] for cell in notebook["cells"] if cell["metadata"] not in ({}, {"tags": ["measured"]})
    ] == []
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)]
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(rf"{letter.lower()}\d?-[a-z-]+", name)] == []
    words = "\n".join(source(cell) + printed(cell) for cell in notebook["cells"])
    assert re.findall(r"/(?:home|root|tmp|usr|work|Users)/|site-packages|0x[0-9a-f]{6,}", words) == []
    assert text == json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@every_notebook
def test_the_file_is_small(letter):
    assert FILES[letter].stat().st_size <= 600_000


# ------------------------------------------------------------------------------------------ running them
def program(*arguments):
    """Run docs/notebooks.py as a process: what Jupyter's own libraries warn of is no concern of these tests."""
    command = [sys.executable, PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


@every_notebook
def test_a_fresh_kernel_prints_and_draws_what_is_stored(letter):
    finished = program("--print", FILES[letter])
    assert finished.returncode == 0, finished.stderr
    now = json.loads(finished.stdout)
    pairs = list(zip(read(letter)["cells"], now["cells"], strict=True))
    for stored, cell in pairs:
        if cell["cell_type"] == "markdown":
            continue
        assert kinds(cell) == kinds(stored), f"{cell['id']}; run: python docs/notebooks.py"
        assert not {"stderr", "error"} & {kind for kind in kinds(cell) if isinstance(kind, str)}, cell["id"]
        if "measured" not in cell["metadata"].get("tags", ()):
            lines = difflib.unified_diff(printed(stored).splitlines(), printed(cell).splitlines(), "stored", "now")
            assert same(printed(cell), printed(stored)), "\n".join([cell["id"], "python docs/notebooks.py", *lines])


def write(folder, *sources):
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [cell | {"id": f"cell-{place}", "source": text} for place, text in enumerate(sources)]
    file = folder / "notebook.ipynb"
    file.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return file


def test_a_warning_in_a_notebook_is_an_error_and_the_file_stays_as_it_is(tmp_path):
    file = write(tmp_path, "import numpy as np", "np.log(np.zeros(1))")
    before = file.read_bytes()
    finished = program(file)
    assert finished.returncode == 1
    assert "notebook.ipynb: a cell failed." in finished.stderr
    assert "np.log(np.zeros(1))" in finished.stderr
    assert "RuntimeWarning: divide by zero" in finished.stderr
    assert file.read_bytes() == before


def test_a_second_run_writes_the_same_bytes_and_each_picture_is_there_once(tmp_path):
    words = "import tinygrad_edu as tg\nprint('one')\nprint('two')\n3"
    animation = "path = tg.visualize.animate_descent('x**2', tg.minimize('x**2', 1.0, max_steps=2), 'a.gif')"
    file = write(tmp_path, words, "tg.lessons.slope()", "tg.visualize.plot_curve('x**2');", animation)
    finished = program(file)
    assert finished.returncode == 0, finished.stderr
    once = file.read_text(encoding="utf-8")
    assert program("--print", file).stdout == once
    words, lesson, curve, animation = json.loads(once)["cells"]
    assert printed(words) == "one\ntwo\n\n3"
    assert kinds(lesson) == [["text/html", "text/plain"]]  # in which the picture is, and not beside it again
    assert "data:image/png;base64," in "".join(lesson["outputs"][0]["data"]["text/html"])
    assert kinds(curve) == [["image/png", "text/plain"]]
    assert kinds(animation) == []


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    finished = program(tmp_path / "none.ipynb")
    assert finished.returncode == 2
    assert finished.stderr.startswith("There is no notebook")
    assert "none.ipynb" in finished.stderr
