"""The command ``descend`` draws: characters on a terminal, figures and animations in files."""

import argparse
import io
import re
import sys

import pytest

from tinygrad_edu.cli import descend
from tinygrad_edu.errors import FormulaError, MissingDependencyError, OptionError


class Terminal(io.TextIOWrapper):
    def __init__(self):
        super().__init__(io.BytesIO(), "utf-8", write_through=True)

    def isatty(self):
        return True

    def text(self):
        return self.buffer.getvalue().decode()


def command(*words):
    parser = argparse.ArgumentParser()
    descend.add_arguments(parser)
    return descend.run(parser.parse_args(words))


@pytest.fixture
def on_a_terminal(monkeypatch):
    def run(*words):
        """Give what the command writes on a terminal of 60 columns."""
        screen = Terminal()
        with monkeypatch.context() as patch:  # here and not in the fixture: pytest changes the stream in between
            patch.setenv("COLUMNS", "60")
            patch.setattr(sys, "stdout", screen)
            assert command(*words) == 0
        return screen.text()

    return run


def test_a_terminal_gets_the_curve_with_the_steps_on_it(on_a_terminal):
    table, drawn, message = on_a_terminal("x**2", "--start", "-6", "--lr", "0.9").split("\n\n")
    assert table.split()[0] == "k"
    assert re.search("[⠁-⣿]", drawn)
    assert "Zig-zags: 43 of 43 steps jump across the valley" in drawn
    assert message.startswith("Stopped at step 43")
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in drawn.split("\n")) <= 60


@pytest.mark.parametrize("formula", ["x**2 + y**2", "a**2 + b**2 + x**2"])
def test_a_terminal_gets_the_losses_of_more_variables(on_a_terminal, formula):
    assert "loss (logarithmic)" in on_a_terminal(formula, "--start", ",".join("3" * (formula.count("+") + 1)))


def test_no_plot_leaves_the_drawing_out(on_a_terminal):
    assert not re.search("[⠁-⣿]", on_a_terminal("x**2", "--start", "-6", "--no-plot"))


def test_a_pipe_gets_the_numbers_alone(capsys):
    command("x**2", "--start", "-6", "--max-steps", "1")
    assert len(capsys.readouterr().out.split("\n")) == 6


@pytest.mark.parametrize(
    ("name", "what", "magic"),
    [("a.png", "Figure", b"\x89PNG"), ("a.svg", "Figure", b"<?xml"), ("a.gif", "Animation", b"GIF89a")],
)
def test_the_ending_of_the_file_says_what_is_drawn(tmp_path, capsys, name, what, magic):
    command("x**2", "--start", "-6", "--lr", "0.9", "--max-steps", "3", "--figure", str(tmp_path / name))
    assert capsys.readouterr().out.endswith(f"\n{what}: {tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(magic)


def test_a_script_and_a_description_are_not_drawn(tmp_path):
    for instead in ("--script", "--json"):
        command("x**2", "--start", "-6", instead, "--figure", str(tmp_path / "a.png"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("figure", "error", "message"),
    [
        ("a.doc", OptionError, r"--figure 'a\.doc' should end with \.png, \.svg or \.pdf for a figure"),
        ("a", OptionError, "should end with"),
        ("nowhere/a.png", OptionError, "cannot be written"),
        (".", OptionError, "should end with"),
        ("folder.png", OptionError, "is a folder or a device"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_the_descent(tmp_path, monkeypatch, capsys, figure, error, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(error, match=message):
        command("x**2", "--start", "-6", "--figure", figure)
    assert capsys.readouterr().out == ""


def test_a_wrong_formula_leaves_no_file(tmp_path):
    with pytest.raises(FormulaError):
        command("2x", "--start", "-6", "--figure", str(tmp_path / "a.png"))
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_line_that_installs_it_is_said_before_the_descent(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "tinygrad-edu\[plot\]"'):
        command("x**2", "--start", "-6", "--figure", str(tmp_path / "a.png"))
    assert capsys.readouterr().out == ""
