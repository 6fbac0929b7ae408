"""Run all benchmarks, or those that are named: ``python -m benchmarks eager_step memory``.

Each prints a line for each claim and is written to ``benchmarks/results/NAME.json``.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded: all that is compared runs on one thread

import importlib
import json
import platform
import sys
from datetime import date
from pathlib import Path

import numpy as np

NAMES = ("eager_step", "op_overhead", "convolution", "kernels", "imports", "memory", "compare_digits")
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run, print, write; the status is 1 if a claim does not hold."""
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    machine = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    held = True
    for name in sys.argv[1:] or NAMES:
        print(f"\n{name}")
        try:
            claims = importlib.import_module(f"benchmarks.{name}").measure()
        except ModuleNotFoundError as error:
            print(f'  {error.name} is not installed: pip install -e ".[bench]"', file=sys.stderr)
            return 2
        for claim in claims:
            held &= claim["holds"]
            print(f"  {'holds ' if claim['holds'] else 'MISSED'}  {claim['claim']}: {claim['measured']}")
        RESULTS.mkdir(exist_ok=True)
        record = {"date": date.today().isoformat(), **machine, **versions, "claims": claims}  # noqa: DTZ011 - a local day
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
