"""The words and the table that a comparison ends with."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from tinygrad_edu.errors import optional_import

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinygrad_edu.learn import Comparison, Prepared, Result
    from tinygrad_edu.training import History

__all__ = ["heading", "how_made", "print_table", "score_name", "sentences", "shown_score"]


def heading(prepared: Prepared) -> str:
    """Say what is compared, on what."""
    data, s = prepared.dataset, prepared.settings
    sizes = "-".join(map(str, (data.n_features, *s.hidden, data.n_outputs)))
    rates = ", ".join(
        f"{regime} {prepared.learning_rate(regime):g}" for regime in ("batch", "stochastic", "mini-batch")
    )
    epochs = _counted(s.epochs, "epoch", "epochs")
    return (
        f"{data.name}, {data.task}: {len(prepared.X_train):,} examples to train on, "
        f"{len(prepared.X_test):,} to test with.\n"
        f"Network {sizes} ({s.activation}), {s.optimizer}, {epochs}, seed {s.seed}. Learning rates: {rates}."
    )


def score_name(prepared: Prepared) -> str:
    """Name the measure of success."""
    return "test accuracy" if prepared.classification else "test R²"


def shown_score(result: Result) -> str:
    """Show a score, or that there is none."""
    return "diverged" if result.diverged else _shown(result.score, ".4f")


def print_table(comparison: Comparison) -> None:
    """Print the results as one table on standard output, plain where that is no terminal.

    It fits 80 columns; where numbers need more, or a terminal has fewer, no number is cut short.
    """
    table_module = optional_import("rich.table", extra="cli", purpose="Printing tables")
    box = optional_import("rich.box", extra="cli", purpose="Printing tables")
    console = optional_import("rich.console", extra="cli", purpose="Printing tables").Console(
        file=sys.stdout, width=200
    )
    regression = not comparison.prepared.classification  # which has a column more, hence less space between
    gap = 0 if regression else 1
    table = table_module.Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column("model", no_wrap=True)
    names = [
        score_name(comparison.prepared).replace(" ", "\n"),
        *(["test\nRMSE"] if regression else []),
        "test\nloss",
    ]
    for name in [*names, "epochs", "updates", "seconds", "updates\n/ s", "fluctu-\nation"]:
        table.add_column(name, justify="right", no_wrap=True)
    for i, r in enumerate(comparison.results):
        last = i + 1 < len(comparison.results) and comparison.results[i + 1].library != r.library
        table.add_row(*_cells(r, comparison.prepared, regression=regression), end_section=last)
    with console.capture() as capture:  # it would treat a closed pipe in a way of its own
        console.print("", table, "", sep="\n")
    print("\n".join(line.rstrip() for line in capture.get().split("\n")), end="", flush=True)


def _cells(r: Result, prepared: Prepared, *, regression: bool) -> list[str]:
    name = f"mini-batch of {prepared.batch_size}" if r.regime == "mini-batch" else r.regime or r.name
    return [
        name,
        shown_score(r),
        *([_shown(r.rmse, ",.0f" if r.rmse >= 1000 else "#.4g", most=1e6)] if regression else []),
        _shown(r.loss, ".3f"),
        "–" if r.epochs is None else f"{r.epochs:,}",
        "–" if r.updates is None else f"{r.updates:,}",
        f"{r.seconds:.3f}",
        _shown(r.updates_per_second, ",.0f", most=1e6),
        _shown(r.fluctuation, ".2f"),
    ]


def sentences(comparison: Comparison) -> str:
    """Say in two sentences, a line for each, what the table shows."""
    regimes = [r for r in comparison.results if r.regime]
    return f"{_who_won(comparison, regimes)}\n{_who_jumped([r for r in regimes if not r.diverged])}"


def how_made(histories: Mapping[str, History]) -> str:
    """Say which regimes ran as compiled steps, and why others did not."""
    groups: dict[str, list[str]] = {}
    reasons: dict[str, None] = {}
    for regime, history in histories.items():
        backend, _, reason = history.compiled.partition(": ")
        groups.setdefault("not compiled" if backend == "none" else f"compiled ({backend})", []).append(regime)
        if reason:
            reasons[reason] = None
    said = _listing(f"{how} in {_listing(regimes)}" for how, regimes in groups.items())
    return " ".join([f"Updates were {said} gradient descent.", *reasons])


def _who_won(comparison: Comparison, regimes: list[Result]) -> str:
    finished = [r for r in regimes if not (r.diverged or math.isnan(r.score))]
    if not finished:
        return "None of the three regimes ended with usable weights: try a smaller learning rate."
    top, passes = max(r.score for r in finished), comparison.prepared.settings.epochs
    best = [r for r in finished if r.score == top]
    names = _listing(str(r.regime) for r in best)
    took = _listing(f"{r.updates:,}" for r in best)
    won = (
        f"With the same {_counted(passes, 'pass', 'passes')} over the data, {names} gradient descent did "
        f"{'best' if len(best) == 1 else 'equally well'}: {score_name(comparison.prepared)} {_shown(top, '.4f')} "
        f"after {took} {'update' if took == '1' else 'updates'} in {_listing(f'{r.seconds:.2f}' for r in best)} s"
    )
    others = _listing(
        f"{r.regime} {_shown(r.score, '.4f')} after {r.updates:,}" if r in finished else f"{r.regime} diverged"
        for r in regimes
        if r not in best
    )
    won += f" ({others})" if others else ""
    baseline = comparison.best_baseline
    if baseline is None:
        return f"{won}."
    relation = "above" if top > baseline.score else "below" if top < baseline.score else "equal to"
    return f"{won}, {relation} scikit-learn's best, {baseline.name} with {_shown(baseline.score, '.4f')}."


def _who_jumped(regimes: list[Result]) -> str:
    measured = {str(r.regime): r.fluctuation for r in regimes if not math.isnan(r.fluctuation)}
    if len(measured) < 2:
        return "Fewer than two regimes made enough updates to compare how much the loss fluctuates."
    calm, wild = min(measured, key=measured.__getitem__), max(measured, key=measured.__getitem__)
    figures = ", ".join(f"{regime} {value:.2f}" for regime, value in measured.items())
    by_size = [measured[regime] for regime in ("batch", "mini-batch", "stochastic") if regime in measured]
    lesson = "the fewer examples an update sees, the noisier it is, and the more updates a pass holds."
    if by_size != sorted(by_size):
        lesson = "as a rule it is noisier the fewer examples an update sees, and this run is an exception."
    return (
        f"From one update to the next the loss jumped least in {calm} and most in {wild} gradient descent "
        f"({figures} times its mean): {lesson}"
    )


def _listing(items: Iterable[str]) -> str:
    """Join items: "a", "a and b", "a, b and c"."""
    *first, last = ["", *items]
    return f"{', '.join(first[1:])} and {last}" if first[1:] else last


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _shown(number: float, spec: str, *, most: float = 1e3) -> str:
    """Write a number, or a dash for none; briefly where it has too many digits for a column."""
    if not math.isfinite(number):
        return "–"
    return format(number, spec if abs(number) < most else ".3g")
