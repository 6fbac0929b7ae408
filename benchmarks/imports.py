"""What ``import tinygrad_edu`` costs beside ``import numpy``: whole processes, in turn."""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import tinygrad_edu

# Of this process image alone: getrusage would count what the parent held when it forked.
_MEMORY = "; print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"


def measure() -> list[dict[str, Any]]:
    """Measure time and memory of both."""
    # As pip leaves a package, NumPy's too: compiled. From a source tree Python may not be allowed to.
    compileall.compile_dir(Path(tinygrad_edu.__file__).parent, quiet=1)
    numpy, ours = [], []
    for _ in range(21):
        numpy.append(_run("import numpy"))
        ours.append(_run("import tinygrad_edu"))
    ratio = median(t / n for (t, _), (n, _) in zip(ours, numpy, strict=True))
    extra = (median(m for _, m in ours) - median(m for _, m in numpy)) / 1024
    return [
        {
            "claim": "importing takes at most 1.3 times as long as importing NumPy",
            "measured": f"{ratio:.2f} times",
            "ours_s": median(t for t, _ in ours),
            "numpy_s": median(t for t, _ in numpy),
            "holds": ratio <= 1.3,
        },
        {
            "claim": "importing takes at most 5 MB more memory than NumPy",
            "measured": f"{extra:.1f} MB more",
            "holds": extra <= 5,
        },
    ]


def _run(code: str) -> tuple[float, int]:
    start = perf_counter()
    run = subprocess.run([sys.executable, "-c", code + _MEMORY], capture_output=True, text=True, check=True)
    return perf_counter() - start, int(run.stdout)
