"""The README's commands are the ones that continuous integration runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"```sh\n(python3 -m venv .*)\n```", README)


def test_the_readme_has_two_set_up_commands_of_one_line():
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_continuous_integration_runs_the_command_as_it_stands_in_the_readme(command):
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_files_that_the_readme_points_to_exist():
    paths = re.findall(r"`((?:tinygrad_edu|docs|examples)/[\w/.]*)`", README) + re.findall(r"\]\((\S+)\)", README)
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_every_example_runs_without_a_warning_and_fits_a_screen_and_a_half(example):
    assert len(example.read_text().splitlines()) <= 80
    run = subprocess.run(
        [sys.executable, "-W", "error", example], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()
    assert not run.stderr
