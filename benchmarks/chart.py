"""A chart of a competition: microseconds per update, the quickest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

OURS, THEIRS = "#1b6ca8", "#b0b0b0"


def draw(competitions: list[dict[str, Any]], path: Path, *, threads: int = 1) -> None:
    """Draw the competitions of one benchmark, as its results hold them, side by side at one number of threads."""
    columns = len(competitions)
    figure = Figure(figsize=(4.6 * columns, 3.6), layout="constrained")
    for i, competition in enumerate(competitions):
        axes = figure.add_subplot(1, columns, i + 1)
        timed = [entry for entry in competition["timed"] if entry["threads"] == threads]
        timed.sort(key=lambda entry: -entry["us_per_step"])
        middle = [entry["us_per_step"] for entry in timed]
        names = [entry["implementation"] for entry in timed]
        spread = [
            [m - entry["low"] for m, entry in zip(middle, timed, strict=True)],
            [entry["high"] - m for m, entry in zip(middle, timed, strict=True)],
        ]
        colours = [OURS if name.startswith("ours") else THEIRS for name in names]
        axes.barh(names, middle, xerr=spread, color=colours, error_kw={"elinewidth": 0.8})
        axes.set_xscale("log")
        axes.set_title(competition["workload"], fontsize=10)
        axes.set_xlabel(f"µs per update, {threads} thread{'s' if threads > 1 else ''}", fontsize=8)
        axes.tick_params(labelsize=8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    # The same figures make the same file: no random ids, no date.
    with mpl.rc_context({"svg.hashsalt": "benchmarks", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
