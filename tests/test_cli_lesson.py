"""The command ``lesson``: what it shows, writes and refuses."""

import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tinygrad_edu import lessons
from tinygrad_edu.cli import main
from tinygrad_edu.cli.lesson import OPTIONS
from tinygrad_edu.cli.text import SPELLED, sentences

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-m", "tinygrad_edu", "lesson"]


@pytest.fixture
def shown(capsys, tmp_path, monkeypatch):
    """Run the command in an empty folder; give status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main(["lesson", *words])
        return status, *capsys.readouterr()

    return run


def names_in(folder):
    return [file.name for file in folder.iterdir()]


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}


# ------------------------------------------------------------------------------------------------ lists


@pytest.mark.parametrize("words", [(), ("--list",)])
def test_without_a_name_all_lessons_are_listed_with_a_line_each(shown, words):
    status, out, _ = shown(*words)
    lines = out.split("\n\n")[0].split("\n")
    assert status == 0
    assert [line.split()[0] for line in lines] == list(lessons.LESSONS)
    assert all(line.endswith(entry.summary) for line, entry in zip(lines, lessons.LESSONS.values(), strict=True))
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", lessons.LESSONS)
def test_the_options_of_a_lesson_are_those_of_its_function(shown, name):
    status, out, _ = shown(name, "--list")
    flags = [line.split()[0] for line in out.splitlines() if line.startswith("--")]
    parameters = inspect.signature(getattr(lessons, name)).parameters
    assert status == 0
    assert flags == [f"--{parameter.replace('_', '-')}" for parameter in parameters]
    assert "None" not in out


def test_every_option_of_every_lesson_has_a_line_of_help():
    used = {name for lesson in lessons.LESSONS for name in inspect.signature(getattr(lessons, lesson)).parameters}
    assert sorted(used) == list(OPTIONS)


# ------------------------------------------------------------------------------------------ what is shown


def test_a_lesson_shows_words_a_drawing_and_the_table_and_writes_the_figure(shown, tmp_path):
    status, out, err = shown("slope", "--at", "-4")
    lesson = lessons.slope(at=-4.0)
    assert (status, err) == (0, "")
    words = lesson.text.replace(". It", ".\nIt")  # each sentence begins a line
    assert words.count("\n") >= 1
    assert out.startswith(f"{lesson.title}\n\n{words}\n\n")
    assert f"\n\n{lesson.table}\n\n" in out
    assert "1: slope -8\n" in out
    assert out.endswith("Figure: slope.png\n")
    with Image.open(tmp_path / "slope.png") as picture:
        assert picture.width > 600


def test_the_figure_goes_where_it_is_asked_to(shown, tmp_path):
    status, out, _ = shown("losses", "--figure", "errors.svg")
    assert status == 0
    assert out.endswith("Figure: errors.svg\n")
    assert (tmp_path / "errors.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert names_in(tmp_path) == ["errors.svg"]


def test_no_figure_is_drawn_where_none_is_wanted(shown, tmp_path):
    status, out, _ = shown("brute_force", "--no-figure", "--budget", "1000")
    assert status == 0
    assert "Figure" not in out
    assert "Measured on this machine:\nweights" in out
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["descend", "--lr", "0.2", "--start", "-6", "--steps", "3"], {"lr": 0.2, "start": -6.0, "max_steps": 3}),
        (
            ["descend", "--formula", "x**2 + y**2", "--start=-1,2", "--max-steps", "2"],
            {"formula": "x**2 + y**2", "start": (-1, 2), "max_steps": 2},
        ),
        (["learning_rates", "--rates", "0.1, 1e-2"], {"rates": (0.1, 0.01)}),
        (["four_steps", "--seed", "3", "--steps", "4"], {"seed": 3, "steps": 4}),
        (
            ["stuck", "--batch-sizes", "1,4", "--seeds", "5", "--steps", "20"],
            {"batch_sizes": (1, 4), "seeds": 5, "steps": 20},
        ),
        (
            ["brute_force", "--formulas", "x**2; maximum(x, y)**2", "--budget", "100"],
            {"formulas": ("x**2", "maximum(x, y)**2"), "budget": 100},
        ),
    ],
)
def test_options_are_those_of_the_call(shown, words, call):
    status, out, _ = shown(*words, "--no-figure")
    assert status == 0
    assert str(getattr(lessons, words[0])(**call).table) in out


def test_script_prints_the_program_and_nothing_else(shown, tmp_path):
    status, out, err = shown("tangent", "--at", "2", "--script")
    assert (status, err) == (0, "")
    assert out == lessons.tangent(at=2.0).script()
    assert names_in(tmp_path) == []
    run = subprocess.run([sys.executable, "-"], input=out, capture_output=True, text=True, check=True, encoding="utf-8")
    assert run.stdout == lessons.tangent(at=2.0).table.exact() + "\n"


# ------------------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["slop"], "There is no lesson 'slop'. Did you mean 'slope'? There are: backprop,"),
        (["slope", "--lr", "0.1"], "The lesson slope has no option --lr. It has: --formula, --at, --low, --high."),
        (["backprop", "--formula", "x"], "The lesson backprop has no option --formula. It has: --x, --y, --hidden"),
        (["slope", "--steps", "3"], "The lesson slope has no option --steps."),
        (["--lr", "0.1"], "--lr needs a lesson, as in: tinygrad-edu lesson slope."),
        (["--script"], "--script needs a lesson"),
        (["descend", "--lr", "fast"], "--lr must be a number such as 0.1, but is 'fast'."),
        (["descend", "--start", "1,,2"], "--start must be a number such as -6.0, but is '1,,2'."),
        (
            ["learning_rates", "--rates", "a,b"],
            "--rates must be one or several numbers such as 0.1,0.5,0.9,1.0,1.1, but",
        ),
        (["four_steps", "--steps", "2.5"], "--steps must be a whole number such as 30, but is '2.5'."),
        (["brute_force", "--seconds", "soon"], "--seconds must be a number, but is 'soon'."),
        (["descend", "--lr", "1,2"], "lr must be a finite number > 0, but is (1.0, 2.0)."),
        (["descend", "--formula", "x^2"], "In 'x^2', write ** instead of '^'"),
        (["descend", "--start=-1,2"], "start must be one number, but has 2."),
        (["regimes", "--data", "moon"], "Did you mean 'moons'?"),
        (["slope", "--figure", "a.xyz"], "--figure 'a.xyz' should end with .png, .svg or .pdf."),
        (["slope", "--figure", "picture"], "--figure 'picture' should end with .png, .svg or .pdf."),
        (
            ["slope", "--at", "1", "--at", "2"],
            "--at is given twice, as '1' and as '2'. Give it once; where a lesson takes several values",
        ),
        (
            ["slope", "--figure", "no/where.png"],
            "--figure 'no/where.png' cannot be written: No such file or directory.",
        ),
        (["slope", "--figure", "."], "--figure '.' is a folder or a device. Name a file."),
        (["slope", "--figure", "a.png", "--no-figure"], "not allowed with argument"),
        (["slope", "more"], "Unrecognized arguments: more"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(shown, tmp_path, words, message):
    status, out, err = shown(*words)
    assert status == 2
    assert message in err
    assert err.startswith("tinygrad-edu: ")
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert ("Figure:" in out, names_in(tmp_path)) == (False, [])


def test_what_cannot_be_written_is_refused_before_the_lesson_is_computed(shown, monkeypatch):
    monkeypatch.setattr(lessons, "slope", lambda **_: pytest.fail("the lesson was computed"))
    for file in ("a.xyz", "no/where.png", "."):
        assert shown("slope", "--figure", file)[0] == 2


# ------------------------------------------------------------------------------------- without matplotlib


@pytest.fixture
def without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.usefixtures("without_matplotlib")
def test_without_matplotlib_a_lesson_shows_all_but_the_figure_and_says_what_brings_it(shown, tmp_path):
    status, out, err = shown("slope")
    _, whole, _ = shown("slope", "--no-figure")
    assert (status, err, names_in(tmp_path)) == (0, "", [])
    assert out == whole + (
        "\nThere is no figure: Drawing figures needs the library 'matplotlib', which is not installed. "
        'Install it with: pip install "tinygrad-edu[plot]"\n'
    )


@pytest.mark.usefixtures("without_matplotlib")
def test_without_matplotlib_a_figure_that_is_asked_for_is_refused(shown):
    status, out, err = shown("slope", "--figure", "a.png")
    assert (status, out) == (2, "")
    assert "needs the library 'matplotlib'" in err
    assert err.count("\n") == 1


# ----------------------------------------------------------------------------------------- the encoding


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("ascii", "1,000²⁵ = 10⁷⁵", "1,000^25 = 10^75"),
        ("ascii", "1.08 × 10⁻¹⁴", "1.08 x 10^-14"),
        ("ascii", "θ ← θ − α · ∂L/∂θ", "theta <- theta - alpha * dL/dtheta"),
        ("ascii", "w1₁₂, (ŷ − y)², Aᵀ", "w1_12, (y^ - y)^2, A^T"),
        ("ascii", "95 % — 45°, café…", "95 % - 45 deg, cafe..."),
        ("ascii", "☃", "?"),
        ("latin-1", "x² · ŷ, café", "x² · y^, café"),
        ("latin-1", "10⁷⁵, 10²⁵", "10^75, 10²?"),  # no ²^5, which is another number
        ("utf-8", "10⁷⁵ × α ☃", "10⁷⁵ × α ☃"),
    ],
)
def test_what_an_encoding_lacks_is_spelled(encoding, text, written):
    assert text.encode(encoding, SPELLED).decode(encoding) == written


def test_other_uses_of_the_spelling_fail_as_they_would_without_it():
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", SPELLED)


def test_a_lesson_in_plain_letters_has_no_question_marks(tmp_path):
    command = [*PROGRAM, "brute_force", "--no-figure", "--budget", "100"]
    plain = environment() | {"PYTHONIOENCODING": "ascii"}
    run = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, check=True)
    assert b"1,000 values for each of 25 weights are 1,000^25 = 10^75 combinations.\n" in run.stdout.replace(b"\r", b"")
    assert b"?" not in run.stdout


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("One. Two? Three! (Four.) Five.", ["One.", "Two?", "Three!", "(Four.)", "Five."]),
        ("α = 0.1 walks. α = 0.5 lands.", ["α = 0.1 walks.", "α = 0.5 lands."]),
        ("(1) Start at 2. (2) Step to 0.5, and so on.", ["(1) Start at 2.", "(2) Step to 0.5, and so on."]),
        ("Already.\nBroken.", ["Already.", "Broken."]),
    ],
)
def test_each_sentence_begins_a_line(text, lines):
    assert sentences(text).split("\n") == lines


# -------------------------------------------------------------------------------------------- the process


def test_a_pipe_gets_plain_text(tmp_path):
    command = [*PROGRAM, "learning_rates", "--no-figure"]
    run = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, check=True)
    text = run.stdout.decode()
    assert "\x1b" not in text
    assert "never settles" in text
    assert run.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_gives_130_and_no_half_a_lesson(tmp_path):
    program = """
import signal, sys
from tinygrad_edu.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background may be born deaf to it
print("ready", flush=True)
sys.exit(main(["lesson", "brute_force", "--formulas", "x**2+y**2+z**2", "--budget", "100000000", "--no-figure"]))
"""
    command = [sys.executable, "-c", program]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "\nInterrupted.\n")
