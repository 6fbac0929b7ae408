"""Terminals, pipes and Ctrl-C: real processes, on a real pseudo-terminal where it takes one."""

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinygrad_edu.cli.progress import Display
from tinygrad_edu.training import Callback

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and signals are POSIX's")
if sys.platform != "win32":
    import fcntl
    import pty
    import termios

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-m", "tinygrad_edu"]
QUICK = ["--epochs", "2", "--hidden", "8", "--no-plot"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-9]|4[0-9]|9[0-7])(?:;[0-9]+)*m")


def environment(**more):
    ours = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    kept = {k: v for k, v in os.environ.items() if k not in ours}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | more


def start(*words, cwd, **more):
    """Start the program with pipes."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen([*PROGRAM, *words], cwd=cwd, env=environment(**more), start_new_session=True, **pipes)


def read_until(stream, what):
    """Read lines until one begins with the text."""
    lines = []
    while not (lines and lines[-1].startswith(what)):
        line = stream.readline()
        assert line, f"the program ended before {what!r}: {lines}"
        lines.append(line)
    return lines


def one_line(text):
    """Undo the breaking of lines at a terminal's edge."""
    return " ".join(text.split())


def on_a_terminal(*words, cwd, columns=80, interrupt_at=None, **more):
    """Run the program on a terminal of its own; give what it wrote there, and its status."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *words], stdin=its, stdout=its, stderr=its, cwd=cwd, env=environment(**more), start_new_session=True
    )
    os.close(its)
    written, deadline = b"", time.monotonic() + 90
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.2)[0]:
            continue
        try:
            some = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end has been closed
            break
        if not some:
            break
        written += some
        if interrupt_at and interrupt_at in written:
            process.send_signal(signal.SIGINT)
            interrupt_at = None
    else:
        process.kill()
    os.close(ours)
    return written.decode(), process.wait(timeout=30)


# -------------------------------------------------------------------------------------------- terminals


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """Compare on diabetes on a terminal of 80 columns, once: a regression has the widest table."""
    text, status = on_a_terminal("compare", "diabetes", *QUICK, cwd=tmp_path_factory.mktemp("screen"))
    assert status == 0
    return text


def test_bars_move_on_a_terminal(screen):
    assert "━" in screen
    assert screen.count("stochastic gradient descent") > 2  # drawn again and again
    assert re.search(r"\d+%", ESCAPE.sub("", screen))
    assert re.search(r"test R² 0\.\d{4} in \d", ESCAPE.sub("", screen))


@pytest.mark.parametrize(
    ("live", "each_update", "looks"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_bar_looks_at_each_update_only_where_it_is_to_be_seen(live, each_update, looks):
    display = Display(quiet=True)
    display.live = live
    bar = display.begin("a model", 3, each_update=each_update)
    assert (type(bar).on_update_end is not Callback.on_update_end) is looks


def test_the_cursor_is_hidden_and_shown_again(screen):
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h") > 0
    assert screen.rfind("\x1b[?25h") > screen.rfind("\x1b[?25l")


def test_on_80_columns_no_line_is_longer_no_number_is_cut_and_no_word_is_broken(screen):
    lines = ESCAPE.sub("", screen.split("\x1b[?25h")[-1]).replace("\r", "").split("\n")
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    words = " ".join(lines).split()
    assert {"gradient", "LinearRegression", "fluctu-", "noisier", "scikit-learn's"} <= set(words)


def test_a_wide_terminal_gives_wide_lines(tmp_path):
    text, status = on_a_terminal("descend", "9**9**9*x", "--start", "3", cwd=tmp_path, columns=200)
    assert (status, text.count("\n")) == (2, 1)
    text, _ = on_a_terminal("descend", "9**9**9*x", "--start", "3", cwd=tmp_path, columns=40)
    assert text.count("\n") > 1
    assert max(map(len, text.splitlines())) <= 40


def test_no_color_is_honoured(screen, tmp_path):
    assert COLOUR.search(screen)
    text, status = on_a_terminal("compare", "iris", *QUICK, cwd=tmp_path, NO_COLOR="1")
    assert status == 0
    assert "━" in text
    assert COLOUR.search(text) is None


def test_quiet_draws_no_bars_on_a_terminal(tmp_path):
    text, status = on_a_terminal("train", "iris", *QUICK[:-1], "--quiet", "--save", "m.safetensors", cwd=tmp_path)
    assert status == 0
    assert "\x1b" not in text
    assert text.startswith("Stopped after 2 epochs")


# ------------------------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize("words", [["compare", "iris", *QUICK], ["datasets"], ["descend", "x**2", "--start", "-6"]])
def test_a_reader_that_leaves_is_no_error(tmp_path, words):
    process = start(*words, cwd=tmp_path)
    process.stdout.close()  # as `head` does, but for certain before the first line
    error = process.stderr.read()
    assert process.wait() == 141  # 128 + SIGPIPE, what a shell reports of other programs
    process.stderr.close()
    assert "Traceback" not in error
    assert "Exception" not in error
    assert "Broken" not in error


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["datasets"], ["compare", "iris", *QUICK, "--quiet"]])
def test_a_full_disk_is_one_sentence(tmp_path, words):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(), check=False
        )
    assert done.returncode == 2
    assert done.stderr.decode() == "tinygrad-edu: The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "latin-1"])
def test_an_encoding_without_our_characters_is_written_to_all_the_same(tmp_path, encoding):
    words = ["train", "diabetes", *QUICK[:-1], "--save", "m.safetensors"]
    for command in (["datasets"], words):
        done = subprocess.run(
            [*PROGRAM, *command],
            capture_output=True,
            cwd=tmp_path,
            env=environment(PYTHONIOENCODING=encoding),
            check=False,
        )
        assert done.returncode == 0
        assert done.stdout
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["compare", "iris", *QUICK], ["datasets"]])
def test_piped_output_has_no_terminal_codes_even_with_a_terminal_named(tmp_path, words):
    out, err = start(*words, cwd=tmp_path).communicate(timeout=90)
    assert "\x1b" not in out + err
    assert out


# ------------------------------------------------------------------------------------------------ Ctrl-C


def test_ctrl_c_keeps_what_had_finished_and_says_so(tmp_path):
    (tmp_path / "old.json").write_text("old")
    words = ["compare", "digits", "--epochs", "500", "--hidden", "32", "--json", "old.json", "--out", "figures"]
    text, status = on_a_terminal(*words, cwd=tmp_path, interrupt_at=b"stochastic gradient descent")
    plain = ESCAPE.sub("", text).replace("\r", "")
    assert status == 130
    assert "Traceback" not in plain
    assert re.search(r"^batch +0\.\d{4} ", plain, re.MULTILINE)
    assert re.search(r"^stochastic {2,}0\.", plain, re.MULTILINE) is None
    assert "Interrupted while training stochastic gradient descent. The models that had finished" in one_line(plain)
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")  # the cursor is back
    assert (tmp_path / "old.json").read_text() == "old"
    assert list((tmp_path / "figures").iterdir()) == []


def test_ctrl_c_in_the_first_model_says_that_none_had_finished(tmp_path):
    words = ["compare", "digits", "--epochs", "100000", "--hidden", "8", "--no-plot"]
    text, status = on_a_terminal(*words, cwd=tmp_path, interrupt_at=b"loss")
    assert status == 130
    assert "Interrupted while training batch gradient descent. No model had finished." in one_line(text)


def test_ctrl_c_while_scikit_learn_trains_ends_the_comparison_too(tmp_path):
    words = ["compare", "digits", "--epochs", "2", "--hidden", "900,900", "--batch-size", "1", "--no-plot"]
    process = start(*words, "--lr", "0.0001", cwd=tmp_path)
    read_until(process.stderr, "SGDClassifier:")
    time.sleep(0.5)  # it says nothing when it begins; its two passes take several seconds
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode == 130
    assert "Interrupted while training MLPClassifier. The models that had finished are above." in out
    assert "SGDClassifier" in out


def test_ctrl_c_while_libraries_are_loaded(tmp_path):
    process = start("compare", "digits", *QUICK, cwd=tmp_path)
    read_until(process.stdout, "Network")  # scikit-learn's linear models and networks are loaded next
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "Interrupted" in out + err


def test_ctrl_c_saves_what_a_training_had_learned(tmp_path):
    words = ["train", "moons", "--regime", "stochastic", "--epochs", "100000", "--save", "model.safetensors"]
    text, status = on_a_terminal(*words, cwd=tmp_path, interrupt_at=b"0:00:01")
    assert status == 130
    assert "Traceback" not in text
    assert re.search(r"Interrupted after \d+ updates; what was learned until then is\s+kept\.", text)
    assert "Model: model.safetensors" in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


def test_ctrl_c_before_the_first_epoch_leaves_the_old_model(tmp_path):
    old = tmp_path / "model.safetensors"
    old.write_bytes(b"old")
    words = ["train", "digits", "--regime", "stochastic", "--hidden", "900,900", "--save", "model.safetensors"]
    text, status = on_a_terminal(*words, cwd=tmp_path, interrupt_at=b"loss")
    assert status == 130
    assert "Interrupted before the first epoch was done. Nothing was saved." in one_line(text)
    assert old.read_bytes() == b"old"
