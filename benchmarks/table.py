"""The README's table of speed, made from the results: ``python -m benchmarks table``.

It stands between two comments, and nothing in it is written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- made by `python -m benchmarks table`; do not edit -->"
END = "<!-- end of the table -->"
SOURCES = ("small_networks", "medium_network", "large_network", "linear_models", "adam", "convnets")
COLUMNS = {
    "PyTorch": ("PyTorch eager", "torch.compile"),
    "scikit-learn": ("scikit-learn",),
    "JAX, step by step": ("JAX jit",),
    "JAX, lax.scan": ("JAX lax.scan",),
    "eager": ("ours eager",),
    "NumPy": ("ours NumPy", "ours NumPy, epoch"),
    "Numba": ("ours Numba", "ours Numba, by batch"),
}


def main() -> int:
    """Put the table in its place; the status is 1 if the README has no such place."""
    text = README.read_text()
    if BEGIN not in text or END not in text:
        print(f"README.md lacks the lines between which the table belongs:\n{BEGIN}\n{END}\nThe table:\n\n{table()}")
        return 1
    before, rest = text.split(BEGIN, 1)
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END, 1)[1]}")
    print(f"{README.name} is up to date.")
    return 0


def table() -> str:
    """Write microseconds per update, the least of each row in bold; then what it was measured on, and the claims."""
    records = {name: json.loads(path.read_text()) for name in SOURCES if (path := RESULTS / f"{name}.json").exists()}
    if not records:
        return "Nothing was measured yet: `python -m benchmarks`."
    lines = ["| µs per update, one thread | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for record in records.values():
        lines += [_row(competition) for competition in record["competitions"]]
    return "\n".join([*lines, "", *_notes(records)])


def _row(competition: dict[str, Any]) -> str:
    """Take for each column the quickest of its forms."""
    found = {entry["implementation"]: entry["us_per_step"] for entry in competition["timed"] if entry["threads"] == 1}
    cells = [min((found[name] for name in names if name in found), default=None) for names in COLUMNS.values()]
    least = min(cell for cell in cells if cell is not None)
    shown = ["–" if c is None else f"**{_number(c)}**" if c == least else _number(c) for c in cells]
    return f"| {competition['workload']} | {' | '.join(shown)} |"


def _number(microseconds: float) -> str:
    """Write two digits that count, and all before the point."""
    decimals = 0 if microseconds >= 10 else 1 if microseconds >= 1 else 2
    return f"{microseconds:,.{decimals}f}"


def _notes(records: dict[str, Any]) -> list[str]:
    last = max(records.values(), key=lambda record: record["date"])
    versions = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    claims = [claim for record in records.values() for claim in record["claims"]]
    held = sum(claim["holds"] for claim in claims)
    machine = f"{last['machine']} with {last['cores']} cores, {last['date']}, with {versions}"
    how = (
        "Medians of rounds in which all take turns, each in its own process and its quickest form; b: size of a batch."
    )
    return [
        f"{how} Measured on {machine}.",
        f"Of {len(claims)} claims about these, {held} hold; each is in `benchmarks/results/`.",
    ]
