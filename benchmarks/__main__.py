"""Run all benchmarks, or those that are named: ``python -m benchmarks small_networks memory``.

Each prints a line for each claim and is written to ``benchmarks/results/NAME.json``, competitions with a chart beside.
``--quick`` only tries whether they run: it times little and writes nothing. ``python -m benchmarks table`` puts the
README's table together again from the results.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded: what is compared in this process runs on one thread

import argparse
import importlib
import inspect
import json
import signal
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.machine import busy, describe

NAMES = (
    "small_networks",
    "medium_network",
    "large_network",
    "linear_models",
    "adam",
    "convnets",
    "cold_start",
    "peak_memory",
    "compile_cost",
    "time_in_products",
    "scaling",
    "eager_step",
    "op_overhead",
    "convolution",
    "kernels",
    "landscape_slice",
    "explain",
    "imports",
    "lessons",
    "animating",
    "diagnosing",
    "memory",
    "compare_digits",
)
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run, print, write; the status is 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"table, or any of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="try whether they run: time little, write nothing")
    options = parser.parse_args()
    if options.names == ["table"]:
        return importlib.import_module("benchmarks.table").main()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}. There are: table, {', '.join(NAMES)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the workers are ended, stopped ones too
    held = True
    for name in options.names or NAMES:
        start = perf_counter()
        print(f"\n{name}", flush=True)
        if (others := busy()) > 0.1:
            print(f"  Other programs take {others:.0%} of the processor: do not trust these figures.")
        try:
            found = _measure(name, quick=options.quick)
        except ModuleNotFoundError as error:
            print(f'  {error.name} is not installed: pip install -e ".[bench]"', file=sys.stderr)
            return 2
        for claim in found["claims"]:
            held &= claim["holds"]
            print(f"  {'holds ' if claim['holds'] else 'MISSED'}  {claim['claim']}: {claim['measured']}")
        print(f"  ({perf_counter() - start:.0f} s)", flush=True)
        if not options.quick:
            _write(name, found, others)
    return 0 if held else 1


def _measure(name: str, *, quick: bool) -> dict[str, Any]:
    measure = importlib.import_module(f"benchmarks.{name}").measure
    found = measure(quick=quick) if "quick" in inspect.signature(measure).parameters else measure()
    return found if isinstance(found, dict) else {"claims": found}


def _write(name: str, found: dict[str, Any], others: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    competitions = found.get("competitions", [])
    threads = sorted({entry["threads"] for competition in competitions for entry in competition["timed"]})
    record = describe(threads or [1], others) | found
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    if competitions:
        from benchmarks.chart import draw  # noqa: PLC0415 - only these need it

        draw(competitions, RESULTS / f"{name}.svg")


if __name__ == "__main__":
    sys.exit(main())
