"""The command ``train``: train one model on a data set, and save it with all that it takes to use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_edu.cli import arguments as shared
from tinygrad_edu.cli.progress import Display
from tinygrad_edu.cli.report import how_made
from tinygrad_edu.cli.text import say
from tinygrad_edu.errors import TinygradEduError, optional_import
from tinygrad_edu.learn import REGIMES, Predictor, prepare
from tinygrad_edu.training import StopReason, evaluate, fit

if TYPE_CHECKING:
    import argparse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    shared.add_data_arguments(parser)
    shared.add_training_arguments(parser)
    parser.add_argument(
        "--regime",
        choices=REGIMES,
        default="mini-batch",
        help="which examples each update sees (default: %(default)s)",
    )
    parser.add_argument(
        "--save",
        type=Path,
        required=True,
        metavar="FILE",
        help="where the model goes, such as model.safetensors",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and give its exit status: 130 if it was interrupted, else 0."""
    prepared = prepare(shared.dataset(arguments), shared.settings(arguments))
    shared.check_file("--save", arguments.save, arguments.data)
    optional_import("safetensors", extra="cli", purpose="Saving a model")
    model = prepared.model()
    with Display(quiet=arguments.quiet) as display:
        name, s = f"{arguments.regime} gradient descent", prepared.settings
        bar = display.begin(name, s.epochs, each_update=s.compile != "numba")
        history = fit(
            model,
            prepared.X_train,
            prepared.y_train,
            loss=prepared.loss,
            optimizer=prepared.optimizer(model, arguments.regime),
            epochs=s.epochs,
            seed=s.seed,
            callbacks=[bar],
            compile=s.compile,
        )
        bar.finish(f"{history.n_updates:,} updates in {history.duration:.2f} s")
    if history.stop_reason is StopReason.DIVERGED:
        raise TinygradEduError(f"{history.message} Nothing was saved.")
    if history.stop_reason is StopReason.INTERRUPTED and not history.epochs:
        say("Interrupted before the first epoch was done. Nothing was saved.")
        return 130
    loss, score = evaluate(model, prepared.X_test, prepared.y_test, loss=prepared.loss, metric=prepared.metric)
    measure = "accuracy" if prepared.classification else "R²"
    say(f"{history.message}\n{how_made({arguments.regime: history})}")
    say(f"On the {len(prepared.X_test):,} test examples: {measure} {score:.4f}, loss {loss:.4f}.")
    print(f"Model: {Predictor.of(model, prepared).save(arguments.save)}")
    return 130 if history.stop_reason is StopReason.INTERRUPTED else 0
