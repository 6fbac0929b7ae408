"""The words and the table that a comparison ends with."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import optional_import

if TYPE_CHECKING:
    from tinygrad_edu.learn import Comparison, Prepared, Result

__all__ = ["heading", "print_table", "score_name", "sentences", "shown_score"]


def heading(prepared: Prepared) -> str:
    """Say what is compared, on what."""
    data, s = prepared.dataset, prepared.settings
    sizes = "-".join(map(str, (data.n_features, *s.hidden, data.n_outputs)))
    rates = ", ".join(
        f"{regime} {prepared.learning_rate(regime):g}" for regime in ("batch", "stochastic", "mini-batch")
    )
    return (
        f"{data.name}, {data.task}: {len(prepared.X_train):,} examples to train on, "
        f"{len(prepared.X_test):,} to test with.\n"
        f"Network {sizes} ({s.activation}), {s.optimizer}, {s.epochs} epochs, seed {s.seed}. Learning rates: {rates}."
    )


def score_name(prepared: Prepared) -> str:
    """Name the measure of success."""
    return "test accuracy" if prepared.classification else "test R²"


def shown_score(result: Result) -> str:
    """Show a score, or that there is none."""
    return "diverged" if result.diverged else _shown(result.score, ".4f")


def print_table(comparison: Comparison) -> None:
    """Print the results as one table on standard output, plain where that is no terminal."""
    table_module = optional_import("rich.table", extra="cli", purpose="Printing tables")
    box = optional_import("rich.box", extra="cli", purpose="Printing tables")
    console = optional_import("rich.console", extra="cli", purpose="Printing tables").Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else 100
    )
    regression = not comparison.prepared.classification
    table = table_module.Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
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
    console.print(table)


def _cells(r: Result, prepared: Prepared, *, regression: bool) -> list[str]:
    name = f"mini-batch of {prepared.batch_size}" if r.regime == "mini-batch" else r.regime or r.name
    return [
        name,
        shown_score(r),
        *([_shown(r.rmse, "#.4g")] if regression else []),
        _shown(r.loss, ".3f"),
        "–" if r.epochs is None else f"{r.epochs:,}",
        "–" if r.updates is None else f"{r.updates:,}",
        f"{r.seconds:.3f}",
        _shown(r.updates_per_second, ",.0f"),
        _shown(r.fluctuation, ".2f"),
    ]


def sentences(comparison: Comparison) -> str:
    """Say in two sentences what the table shows."""
    regimes = {r.regime: r for r in comparison.results if r.regime}
    return f"{_who_won(comparison, regimes)} {_who_jumped(regimes)}"


def _who_won(comparison: Comparison, regimes: dict[Any, Result]) -> str:
    finished = [r for r in regimes.values() if not math.isnan(r.score)]
    if not finished:
        return "None of the three regimes ended with usable weights: try a smaller learning rate."
    best, name = max(finished, key=lambda r: r.score), score_name(comparison.prepared)
    others = " and ".join(
        f"{r.regime} {'diverged' if math.isnan(r.score) else f'{r.score:.3f} after {r.updates:,}'}"
        for r in regimes.values()
        if r is not best
    )
    won = (
        f"With the same {best.epochs} passes over the data, {best.regime} gradient descent did best: "
        f"{name} {best.score:.3f} after {best.updates:,} updates in {best.seconds:.2f} s"
    )
    won += f" ({others})" if others else ""
    baseline = comparison.best_baseline
    if baseline is None:
        return f"{won}."
    relation = "above" if best.score > baseline.score else "below" if best.score < baseline.score else "equal to"
    return f"{won}, {relation} scikit-learn's best, {baseline.name} with {baseline.score:.3f}."


def _who_jumped(regimes: dict[Any, Result]) -> str:
    measured = {regime: r.fluctuation for regime, r in regimes.items() if not math.isnan(r.fluctuation)}
    if len(measured) < 2:
        return "Too few updates were made to say how much the loss fluctuates."
    calm, wild = min(measured, key=measured.__getitem__), max(measured, key=measured.__getitem__)
    figures = ", ".join(f"{regime} {value:.2f}" for regime, value in measured.items())
    return (
        f"From one update to the next the loss jumped least in {calm} and most in {wild} gradient descent "
        f"({figures} times its mean): the fewer examples an update sees, the noisier it is, and the more updates "
        f"a pass holds."
    )


def _shown(number: float, spec: str) -> str:
    return format(number, spec) if math.isfinite(number) else "–"
