"""The command ``compare``: the three regimes of gradient descent beside scikit-learn, on one data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_edu.cli import arguments as shared
from tinygrad_edu.cli.progress import Display
from tinygrad_edu.cli.report import heading, how_made, print_table, score_name, sentences, shown_score
from tinygrad_edu.cli.text import say
from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.learn import Comparison, contestants, prepare
from tinygrad_edu.training import StopReason
from tinygrad_edu.visualize import plot_regimes, save_figure

if TYPE_CHECKING:
    import argparse

    from tinygrad_edu.learn import Prepared, Result

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    shared.add_data_arguments(parser)
    shared.add_training_arguments(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--out",
        type=Path,
        default=Path("tinygrad-edu-out"),
        metavar="DIR",
        help="where the figure goes (default: %(default)s)",
    )
    group.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    group.add_argument("--no-plot", action="store_true", help="draw no figure")
    group.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and give its exit status: 130 if it was interrupted, else 0."""
    prepared = prepare(shared.dataset(arguments), shared.settings(arguments))
    _check_places(arguments)
    say(heading(prepared))
    results, interrupted = _train(prepared, quiet=arguments.quiet)
    comparison = Comparison(prepared, tuple(results))
    if results:
        print_table(comparison)
    for r in results:
        if r.diverged and r.history:
            say(f"{r.name[0].upper()}{r.name[1:]}: {r.history.message}")
    if interrupted:
        kept = "The models that had finished are above." if results else "No model had finished."
        say(f"Interrupted while training {interrupted}. {kept}")
        return 130
    say(how_made({str(r.regime): r.history for r in results if r.history}))
    say(sentences(comparison))
    if arguments.json:
        results_text = json.dumps(comparison.to_dict(), indent=2, allow_nan=False) + "\n"
        shared.write_file("--json", arguments.json, results_text)
        print(f"Results: {arguments.json}")
    if not arguments.no_plot:
        print(f"Figure: {_draw(comparison, arguments.out)}")
    return 0


def _check_places(arguments: argparse.Namespace) -> None:
    """Find out before the training that there is nowhere to write to, not after it."""
    if arguments.json:
        shared.check_file("--json", arguments.json, arguments.data)
    if not arguments.no_plot:
        optional_import("matplotlib", extra="cli", purpose="Drawing figures (which --no-plot leaves out)")
        try:
            arguments.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(f"--out {str(arguments.out)!r} is no folder to write to: {error.strerror}.") from error
        shared.check_folder(f"--out {str(arguments.out)!r}", arguments.out)


def _train(prepared: Prepared, *, quiet: bool) -> tuple[list[Result], str]:
    """Train one after another; name the one that Ctrl-C ended, if it did."""
    results: list[Result] = []
    name = "the first model"
    try:
        with Display(quiet=quiet) as display:
            for contestant in contestants(prepared):
                name = contestant.name
                bar = display.begin(name, contestant.epochs, each_update=prepared.settings.compile != "numba")
                result = contestant.run(callbacks=[bar])
                if result.history and result.history.stop_reason is StopReason.INTERRUPTED:
                    return results, name
                score = "diverged" if result.diverged else f"{score_name(prepared)} {shown_score(result)}"
                bar.finish(f"{score} in {result.seconds:.2f} s")
                results.append(result)
    except KeyboardInterrupt:
        return results, name
    return results, ""


def _draw(comparison: Comparison, folder: Path) -> Path:
    data, s = comparison.prepared.dataset, comparison.prepared.settings
    histories = {str(r.regime): r.history for r in comparison.results if r.regime and r.history}
    title = f"{data.name}: the same network, {s.epochs} passes over the data; updates see all, 1 or a few examples"
    axes = plot_regimes(histories, title=title)
    figure = axes[0].get_figure(root=True)
    assert figure is not None  # noqa: S101 - plot_regimes made it
    return save_figure(figure, folder / f"{data.name}-regimes.png")
