"""The figure of the three regimes shows the histories, and nothing but them."""

from unittest.mock import Mock

import numpy as np
import pytest
from matplotlib.figure import Figure

import tinygrad_edu as tg
from tests.images import assert_looks_like
from tinygrad_edu.errors import OptionError
from tinygrad_edu.training import Epoch, History, StopReason
from tinygrad_edu.visualize import plot_regimes, save_figure
from tinygrad_edu.visualize.figures import COLORS, new_figure


def history(batch, *, n=8, epochs=3, losses=None, stop_reason=StopReason.MAX_EPOCHS):
    """Make the record of a run over n examples; each update takes 0.1 s."""
    per_epoch = n // batch
    k = np.arange(1, per_epoch * epochs + 1)
    losses = 2.0 / k if losses is None else np.array(losses)
    k = k[: len(losses)]
    done = tuple(
        Epoch(e, e * per_epoch, e * n, 0.1 * e * per_epoch, float(losses[(e - 1) * per_epoch : e * per_epoch].mean()))
        for e in range(1, len(losses) // per_epoch + 1)
    )
    return History(losses, k * batch, 0.1 * k, done, stop_reason, "")


@pytest.fixture
def runs():
    return {"batch": history(8), "stochastic": history(1), "mini-batch": history(4)}


def test_three_panels_share_the_loss_and_name_their_axes(runs):
    axes = plot_regimes(runs, title="the title")
    assert [(a.get_xlabel(), a.get_xscale()) for a in axes] == [
        ("updates of the weights", "log"),
        ("examples seen", "linear"),
        ("seconds of training", "log"),
    ]
    assert [a.get_yscale() for a in axes] == ["log"] * 3
    assert [a.get_ylabel() for a in axes] == ["training loss", "", ""]
    assert len({a.get_ylim() for a in axes}) == 1
    assert axes[0].figure.get_suptitle() == "the title"


def caption(panel):
    return " ".join(text.get_text() for text in panel.texts if text.get_gid() == "caption").replace("\n", " ")


def test_a_panel_says_who_needed_least_to_come_down_as_far_as_all_do(runs):
    # The means of 2/k over an epoch: batch comes down to 2/3 in its third, the others pass that in their second.
    axes = plot_regimes(runs)
    assert [panel.get_title(loc="left").replace("\n", " ") for panel in axes] == [
        "Fewest updates: batch",
        "Fewest examples: stochastic, mini-batch",
        "Fewest seconds: batch",
    ]
    assert caption(axes[0]) == "To come down to 0.667: batch 3, stochastic 16, mini-batch 4."
    assert caption(axes[1]) == "To come down to 0.667: batch 24, stochastic 16, mini-batch 16."
    assert caption(axes[2]) == "To come down to 0.667: batch 0.3 s, stochastic 1.6 s, mini-batch 0.4 s."


def test_where_nobody_wins_nobody_is_named(runs):
    axes = plot_regimes({"batch": runs["batch"]})
    assert [panel.get_title(loc="left") for panel in axes] == [
        "Loss against updates",
        "Loss against examples",
        "Loss against seconds",
    ]


def test_the_figure_looks_as_it_did_when_it_was_looked_at():
    rng = np.random.default_rng(0)
    sizes = {"batch": 8, "stochastic": 1, "mini-batch": 4}
    noise = {name: rng.lognormal(0, 1 / n, 40 * 8 // n) for name, n in sizes.items()}
    made = {
        name: history(n, epochs=40, losses=2 / np.arange(1, 40 * 8 // n + 1) * noise[name]) for name, n in sizes.items()
    }
    assert_looks_like(plot_regimes(made, title="three regimes")[0], "regimes")


def test_a_single_epoch_is_a_point_that_can_be_seen():
    thick = plot_regimes({"batch": history(8, epochs=1)})[0].get_lines()[1]
    assert thick.get_marker() == "o"


def test_the_legend_names_each_run_once(runs):
    axes = plot_regimes(runs)
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == list(runs)
    assert [a.get_legend() for a in axes[1:]] == [None, None]


def test_each_run_is_a_thin_line_of_updates_and_a_thick_one_of_epochs_in_one_colour(runs):
    for axes in plot_regimes(runs):
        lines = axes.get_lines()
        assert len(lines) == 6
        for (name, run), thin, thick in zip(runs.items(), lines[::2], lines[1::2], strict=True):
            assert thin.get_linewidth() < thick.get_linewidth()
            assert thin.get_color() == thick.get_color() == COLORS[name]
            np.testing.assert_array_equal(thin.get_ydata(), run.losses)
            np.testing.assert_array_equal(thick.get_ydata(), run.epoch_losses)


@pytest.mark.parametrize(("panel", "quantity"), [(0, "updates"), (1, "examples"), (2, "seconds")])
def test_the_lines_lie_at_the_histories_own_numbers(runs, panel, quantity):
    lines = plot_regimes(runs)[panel].get_lines()
    for run, thin, thick in zip(runs.values(), lines[::2], lines[1::2], strict=True):
        updates = np.arange(1, run.n_updates + 1)
        expected = {"updates": updates, "examples": run.examples, "seconds": run.seconds}[quantity]
        np.testing.assert_array_equal(thin.get_xdata(), expected)
        np.testing.assert_array_equal(thick.get_xdata(), [getattr(epoch, quantity) for epoch in run.epochs])


def test_every_mean_is_in_view(runs):
    low, high = plot_regimes(runs)[0].get_ylim()
    for run in runs.values():
        assert low < run.epoch_losses.min()
        assert run.epoch_losses.max() < high


def test_names_of_ones_own_get_a_colour_each():
    lines = plot_regimes({"small": history(1), "large": history(8)})[0].get_lines()
    assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color() == lines[3].get_color()


def test_axes_of_ones_own_are_drawn_on():
    own = Figure().subplots(3, 1)
    assert plot_regimes({"batch": history(8)}, axes=list(own)) == list(own)


# ------------------------------------------------------------------------------------------ odd histories


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 1e30, 3e38],
        [2.0],
        [0.0, 0.0, 0.0],
        [1e-300, 1e-310, 0.0],
    ],
    ids=["diverged", "one update", "nothing left to learn", "hardly anything left"],
)
@pytest.mark.parametrize("batch", [8, 1])
def test_odd_losses_are_drawn_without_a_warning(losses, batch):
    run = history(batch, losses=losses, stop_reason=StopReason.DIVERGED)
    axes = plot_regimes({"batch": history(8), "stochastic": run}, axes=list(Figure().subplots(1, 3)))
    axes[0].figure.draw_without_rendering()
    assert all(np.isfinite([*panel.get_xlim(), *panel.get_ylim()]).all() for panel in axes)


def test_a_run_that_made_no_update_is_left_out(runs):
    nothing = history(1, losses=[], stop_reason=StopReason.DIVERGED)
    axes = plot_regimes(runs | {"stochastic": nothing})
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["batch", "mini-batch"]


@pytest.mark.parametrize("histories", [{}, {"batch": history(8, losses=[])}])
def test_nothing_to_draw_is_an_error(histories):
    with pytest.raises(OptionError, match="There is nothing to draw"):
        plot_regimes(histories)


def test_three_axes_are_needed(runs):
    with pytest.raises(OptionError, match="three panels, but was given 2 axes"):
        plot_regimes(runs, axes=list(Figure().subplots(1, 2)))


# -------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")]
)
def test_the_ending_says_what_kind_of_picture(tmp_path, suffix, magic):
    path = save_figure(new_figure(figsize=(1, 1)), tmp_path / f"picture.{suffix}")
    assert path.read_bytes().startswith(magic)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["picture.doc", "nowhere/picture.png", "."])
def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path, place):
    with pytest.raises(OptionError, match="cannot be written"):
        save_figure(new_figure(figsize=(1, 1)), tmp_path / place)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    old = tmp_path / "picture.png"
    old.write_bytes(b"old")
    figure = new_figure(figsize=(1, 1))
    monkeypatch.setattr(figure, "savefig", Mock(side_effect=OSError("no space left")))
    with pytest.raises(OptionError, match="no space left"):
        save_figure(figure, old)
    assert old.read_bytes() == b"old"


def test_a_history_draws_itself_and_is_a_line_in_a_shell():
    model = tg.nn.Linear(1, 1)
    X = np.linspace(-1, 1, 10, dtype=np.float32).reshape(-1, 1)
    descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    run = tg.fit(model, X, 2 * X, loss=tg.nn.MSELoss(), optimizer=descent, epochs=200)
    assert len(run.plot()) == 3
    assert len(repr(run)) < 120
    with pytest.raises(OptionError, match=r"history.plot\(\)"):
        tg.visualize.plot_losses(run)
    with pytest.raises(OptionError, match=r'write \{"batch": history\}'):
        plot_regimes({"batch": 3})
