"""Animations have the frames of the record, are written all or nothing, and cost a bounded amount."""

import io
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinygrad_edu as tg
from tinygrad_edu.errors import DataError, MissingDependencyError, OptionError, ShapeError
from tinygrad_edu.landscapes import boundary
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.visualize import animate, animate_boundary, animate_descent
from tinygrad_edu.visualize.figures import figure_of, new_axes

ROOT = Path(__file__).parent.parent


def frames(path):
    """Give every frame of a GIF, and how long it stays, in milliseconds."""
    with Image.open(path) as picture:
        for i in range(picture.n_frames):
            picture.seek(i)
            yield np.asarray(picture.convert("RGB"), np.int16), picture.info["duration"]


@pytest.fixture
def small():
    """A small figure with one dot, and the function that moves it."""
    ax = new_axes(figsize=(2, 1.5))
    ax.set(xlim=(-1, 10), ylim=(-1, 1))
    (dot,) = ax.plot([0], [0], "o")

    def draw(i):
        dot.set_xdata([i])
        return [dot]

    return ax, draw


# ---------------------------------------------------------------------------------------------- frames


def test_each_frame_is_what_was_drawn_for_its_number(tmp_path, small):
    ax, draw = small
    found = list(frames(animate(draw, 4, tmp_path / "a.gif", figure=ax, fps=5, hold=1.0)))
    assert len(found) == 4
    dots = [np.argwhere(pixels.sum(axis=2) < 500)[:, 1] for pixels, _ in found]
    blue = [np.argwhere((pixels[..., 2] > 150) & (pixels[..., 0] < 90))[:, 1].mean() for pixels, _ in found]
    assert len(dots[0]) > 50  # the axes are there
    np.testing.assert_allclose(np.diff(blue), (blue[-1] - blue[0]) / 3, atol=1.0)
    assert [duration for _, duration in found] == [200, 200, 200, 1200]


def test_drawing_only_what_moves_gives_the_same_frames_as_drawing_all(tmp_path, small):
    ax, draw = small
    moving = frames(animate(draw, 3, tmp_path / "a.gif", figure=ax))
    whole = frames(animate(lambda i: draw(i) and None, 3, tmp_path / "b.gif", figure=ax))
    for (one, _), (other, _) in zip(moving, whole, strict=True):
        assert np.abs(one - other).max() <= 8  # the palettes may differ


def test_a_white_ground_stays_white(tmp_path, small):
    ax, draw = small
    for pixels, _ in frames(animate(draw, 2, tmp_path / "a.gif", figure=ax)):
        assert pixels[0, 0].tolist() == [255, 255, 255]


def test_the_figure_is_left_on_its_canvas_with_its_layout(tmp_path, small):
    ax, draw = small
    figure = figure_of(ax)
    canvas, layout = figure.canvas, figure.get_layout_engine()
    animate(draw, 2, tmp_path / "a.gif", figure=figure)
    assert (figure.canvas, figure.get_layout_engine()) == (canvas, layout)


def test_a_gif_goes_round_for_ever(tmp_path, small):
    ax, draw = small
    with Image.open(animate(draw, 2, tmp_path / "a.gif", figure=ax)) as picture:
        assert picture.info["loop"] == 0


# -------------------------------------------------------------------------------------------- descents


@pytest.mark.parametrize(
    ("f", "start", "options", "n_frames"),
    [
        ("x**2", -6.0, {"lr": 0.9, "max_steps": 6}, 7),
        ("x**2", -6.0, {"lr": 0.5}, 2),
        ("x**2", -6.0, {"lr": 1.1}, 9),  # until it has left the picture
        ("x**2", 0.0, {}, 1),
        ("x**2", -6.0, {"lr": 0.01, "max_steps": 300}, 10),
        ("x**2 + 10*y**2", [-5, 2], {"lr": 0.09, "max_steps": 6}, 7),
        (lambda x: (x**2).sum(), [1.0, 2.0, 3.0], {"max_steps": 6}, 7),
    ],
    ids=["zig-zag", "one step", "divergence", "no step", "long", "map", "losses"],
)
def test_a_descent_has_a_frame_for_each_step_up_to_the_most(tmp_path, f, start, options, n_frames):
    trace = tg.minimize(f, start, **options)
    path = animate_descent(None, trace, tmp_path / "descent.gif", frames=10)
    found = [pixels for pixels, _ in frames(path)]
    assert len(found) == n_frames
    for one, other in pairwise(found):
        assert np.abs(one - other).max() > 50
    assert list(tmp_path.iterdir()) == [path]


def test_an_animation_opens_no_window(tmp_path, monkeypatch):
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only once it is imported is there a window to open

    monkeypatch.setattr(plt, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    animate_descent(None, tg.minimize("x**2", -6.0, lr=0.5), tmp_path / "a.gif")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("n", "most", "shown"),
    [
        (1, 100, [0]),
        (3, 100, [0, 1, 2]),
        (11, 3, [0, 5, 10]),
        (1001, 2, [0, 1000]),
    ],
)
def test_of_many_steps_evenly_spaced_ones_are_shown(n, most, shown):
    assert spread(n, most).tolist() == shown


def test_the_words_say_what_each_step_computes(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("tinygrad_edu.visualize.animation.describe", lambda _, *text: said.append(text))
    animate_descent("x**2", tg.minimize("x**2", -6.0, lr=0.9, max_steps=2), tmp_path / "a.gif")
    assert said[-3:] == [
        ("y = x²", "Step 0: x = −6, slope −12.  x ← −6 − 0.9 · (−12) = 4.8"),
        ("y = x²", "Step 1: x = 4.8, slope 9.6.  x ← 4.8 − 0.9 · 9.6 = −3.84"),
        ("y = x²", "Step 2: x = −3.84, slope −7.68. Ended by: max steps, after 2 steps."),
    ]


def test_a_step_of_another_kind_is_not_said_to_be_that_sum(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("tinygrad_edu.visualize.animation.describe", lambda _ax, _title, text: said.append(text))
    rolling = tg.minimize("x**2", -6.0, optimizer=lambda p: tg.optim.SGD(p, lr=0.1, momentum=0.9), max_steps=2)
    animate_descent("x**2", rolling, tmp_path / "a.gif")
    assert said[-2] == f"Step 1: x = −4.8, slope −9.6. On to {rolling.x:.4g}.".replace("-", "−")


# ------------------------------------------------------------------------------------------- boundaries


@pytest.fixture(scope="module")
def learned():
    """A small network that has learned two moons, with its trace."""
    moons = tg.data.moons(40, rng=np.random.default_rng(0))
    model = tg.nn.MLP(2, [6], 2, rng=np.random.default_rng(1))
    descent = tg.optim.Adam(model.parameters(), lr=0.05)
    run = tg.fit(model, moons.X, moons.y, loss=tg.nn.CrossEntropyLoss(), optimizer=descent, epochs=9, trace=True)
    return model, run.trace, moons


def test_a_boundary_moves_with_the_weights_of_each_step_and_leaves_the_model_alone(tmp_path, learned, monkeypatch):
    model, trace, moons = learned
    before = {name: weight.array.copy() for name, weight in model.named_parameters()}
    shown = []

    def noting(moved, *_, **__):
        shown.append(np.concatenate([weight.array.ravel() for weight in moved.parameters()]))
        return boundary(moved, moons.X, moons.y, points=10)

    monkeypatch.setattr("tinygrad_edu.visualize.boundary_animation.boundary", noting)
    animate_boundary(model, trace, moons.X, moons.y, tmp_path / "a.gif", frames=3)
    first, middle, last = (trace[int(i)].point for i in spread(len(trace), 3))
    np.testing.assert_array_equal(shown[-3:], [first, middle, last])
    for name, weight in model.named_parameters():
        np.testing.assert_array_equal(weight.array, before[name])
    assert len(list(frames(tmp_path / "a.gif"))) == 3


def test_the_map_of_a_regression_keeps_its_place_beside_its_colour_bar(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    model = tg.nn.Linear(2, 1, rng=np.random.default_rng(1))
    descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    run = tg.fit(model, X, X[:, :1], loss=tg.nn.MSELoss(), optimizer=descent, epochs=2, trace=True)
    found = [
        pixels for pixels, _ in frames(animate_boundary(model, run.trace, X, X[:, 0], tmp_path / "a.gif", points=9))
    ]
    edges = [np.flatnonzero((pixels[200:300] < 90).all(axis=(0, 2)))[[0, -1]].tolist() for pixels in found]
    assert len(found) == 3
    assert len({tuple(edge) for edge in edges}) == 1


def test_the_trace_of_another_model_and_other_features_are_refused(tmp_path, learned):
    model, trace, moons = learned
    with pytest.raises(ShapeError, match="The trace is not that of this MLP"):
        animate_boundary(tg.nn.MLP(2, [7], 2), trace, moons.X, moons.y, tmp_path / "a.gif")
    with pytest.raises(OptionError, match="frames must be a whole number from 2 to 1000"):
        animate_boundary(model, trace, moons.X, moons.y, tmp_path / "a.gif", frames=1)
    with pytest.raises(DataError, match="features"):
        animate_boundary(model, trace, moons.X[:, :1], moons.y, tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ files


def test_nothing_is_left_of_an_animation_that_was_interrupted(tmp_path, small):
    ax, draw = small
    old = tmp_path / "a.gif"
    old.write_bytes(b"old")

    def interrupted(i):
        if i == 3:
            raise KeyboardInterrupt
        return draw(i)

    canvas = figure_of(ax).canvas
    with pytest.raises(KeyboardInterrupt):
        animate(interrupted, 9, old, figure=ax)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]
    assert figure_of(ax).canvas is canvas


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.png", r"written as .gif or .mp4, but the file is called .*a\.png"),
        ("a", "written as .gif or .mp4"),
        ("nowhere/a.gif", "there is no such folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_found_out_before_the_drawing(tmp_path, small, name, message):
    ax, _ = small
    with pytest.raises(OptionError, match=message):
        animate(lambda _: pytest.fail("drawn"), 9, tmp_path / name, figure=ax)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_file_is_explained(tmp_path, small):
    ax, draw = small
    (tmp_path / "a.gif").mkdir()
    with pytest.raises(OptionError, match=r"cannot be written to .*a\.gif"):
        animate(draw, 2, tmp_path / "a.gif", figure=ax)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_frames": 0}, "number of frames must be a whole number from 1 to 1000, but is 0"),
        ({"n_frames": 10**9}, "from 1 to 1000"),
        ({"n_frames": 2.5}, "but is 2.5"),
        ({"n_frames": True}, "but is True"),
        ({"fps": 0}, "fps must be a number above 0 up to 50, but is 0"),
        ({"fps": 1000}, "but is 1000"),
        ({"fps": float("nan")}, "but is nan"),
        ({"fps": "fast"}, "but is 'fast'"),
        ({"hold": -1}, "hold must be a number from 0 up to 60, but is -1"),
    ],
)
def test_options_out_of_range_are_explained(tmp_path, small, options, message):
    ax, draw = small
    with pytest.raises(OptionError, match=message):
        animate(draw, **{"n_frames": 2, "path": tmp_path / "a.gif", "figure": ax} | options)


@pytest.mark.parametrize("n", [1, 0, 1001, "ten", 2.0])
def test_the_number_of_frames_of_a_descent_is_bounded(tmp_path, n):
    with pytest.raises(OptionError, match="frames must be a whole number from 2 to 1000"):
        animate_descent("x**2", tg.minimize("x**2", 1.0), tmp_path / "a.gif", frames=n)


# --------------------------------------------------------------------------------------------- progress


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_alone(tmp_path, small, monkeypatch):
    ax, draw = small
    for stream, progress, shown in ((Screen(), True, True), (Screen(), False, False), (io.StringIO(), True, False)):
        monkeypatch.setattr(sys, "stderr", stream)
        animate(draw, 3, tmp_path / "a.gif", figure=ax, progress=progress)
        assert bool(stream.getvalue()) is shown


def test_without_rich_there_is_no_bar_and_an_animation_all_the_same(tmp_path, small, monkeypatch):
    ax, draw = small
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert animate(draw, 3, tmp_path / "a.gif", figure=ax).exists()
    assert sys.stderr.getvalue() == ""


# -------------------------------------------------------------------------------------------------- MP4


def test_without_ffmpeg_the_remedy_is_said(tmp_path, small, monkeypatch):
    ax, _ = small
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"'a.mp4' needs the program ffmpeg, .* name the file 'a.gif'"):
        animate(lambda _: pytest.fail("drawn"), 2, tmp_path / "a.mp4", figure=ax)


def stand_in(folder, program):
    """Put a program in the place of ffmpeg."""
    path = folder / "ffmpeg"
    path.write_text(f"#!{sys.executable}\n{program}")
    path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="a stand-in for ffmpeg is a script of POSIX's")
def test_ffmpeg_is_given_the_pixels_of_every_frame_and_of_the_last_for_as_long_as_it_is_held(
    tmp_path, small, monkeypatch
):
    ax, draw = small
    stand_in(tmp_path, "import sys\npixels = sys.stdin.buffer.read()\nopen(sys.argv[-1], 'wb').write(pixels)\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    sent = np.frombuffer(animate(draw, 3, tmp_path / "a.mp4", figure=ax, fps=4, hold=0.5).read_bytes(), np.uint8)
    pictures = sent.reshape(5, 150, 200, 3)  # three frames, and two more of the last: half a second
    assert (pictures[0] != pictures[1]).any()
    np.testing.assert_array_equal(pictures[2], pictures[3])
    np.testing.assert_array_equal(pictures[2], pictures[4])


@pytest.mark.skipif(sys.platform == "win32", reason="a stand-in for ffmpeg is a script of POSIX's")
@pytest.mark.parametrize("reads", ["", "sys.stdin.buffer.read()\n"], ids=["at once", "at the end"])
def test_what_ffmpeg_complains_of_is_passed_on(tmp_path, small, monkeypatch, reads):
    ax, draw = small
    stand_in(tmp_path, f"import sys\n{reads}sys.exit('first\\nUnknown encoder')\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match=r"ffmpeg could not write the animation: Unknown encoder\. The ending .gif"):
        animate(draw, 3, tmp_path / "a.mp4", figure=ax)
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg here")
def test_an_mp4_is_one(tmp_path, small):
    ax, draw = small
    assert animate(draw, 3, tmp_path / "a.mp4", figure=ax).read_bytes()[4:8] == b"ftyp"


# -------------------------------------------------------------------------------------------- processes


def test_ctrl_c_leaves_no_half_file(tmp_path):
    program = """
import signal, sys
import tinygrad_edu as tg
from tinygrad_edu.visualize import animation
signal.signal(signal.SIGINT, signal.default_int_handler)
say, said = animation.describe, []
def describe(*words):
    said.append(words)
    if len(said) == 8:
        signal.raise_signal(signal.SIGINT)
    say(*words)
animation.describe = describe
try:
    animation.animate_descent("x**2", tg.minimize("x**2", -6.0), sys.argv[1])
except KeyboardInterrupt:
    print("interrupted")
"""
    out = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.gif")],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert out.stdout == "interrupted\n"
    assert list(tmp_path.iterdir()) == []
