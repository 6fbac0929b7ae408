"""The main job from start to end: ``tinygrad-edu compare digits`` with its defaults, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any


def measure() -> list[dict[str, Any]]:
    """Run it three times, on as many threads as it takes by itself."""
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    seconds = []
    for _ in range(3):
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "tinygrad_edu", "compare", "digits", "--out", folder]
            start = perf_counter()
            subprocess.run(command, capture_output=True, check=True, env=environment)
            seconds.append(perf_counter() - start)
    return [
        {
            "claim": "compare digits, baselines and figure included, takes less than 60 s",
            "measured": f"{median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})",
            "holds": median(seconds) < 60,
        }
    ]
