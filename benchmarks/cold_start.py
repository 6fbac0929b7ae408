"""From the start of the process to 97 % of scikit-learn's digits: import, read, train, test."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

import tinygrad_edu as tg

PROGRAMS = {
    "ours": "with_ours.py",
    "PyTorch": "with_pytorch.py",
    "JAX": "with_jax.py",
    "scikit-learn": "with_sklearn.py",
}
LEAST = 3.0
EPOCHS = 100


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Run the programs in turn, on one thread, the best for so small a network; only their bytecode is cached."""
    folder = Path(__file__).parent / "cold"
    compileall.compile_dir(Path(tg.__file__).parent, quiet=1)  # as pip leaves a package
    drop = {"JAX_COMPILATION_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"}
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
    environment = {k: v for k, v in os.environ.items() if k not in drop} | one_thread | {"JAX_PLATFORMS": "cpu"}
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    epochs: dict[str, int] = {}
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "digits.npz"
        _write(file)
        for _ in range(2 if quick else 10):
            for name, program in PROGRAMS.items():
                start = perf_counter()
                run = subprocess.run(
                    [sys.executable, folder / program, file],
                    capture_output=True,
                    text=True,
                    check=False,
                    env=environment,
                )
                seconds[name].append(perf_counter() - start)
                assert run.returncode == 0, f"{name} failed: {run.stderr[-1000:]}"
                assert run.stdout.strip(), f"{name} does not reach 97 % in {EPOCHS} epochs"
                epochs[name] = int(run.stdout)
    # The first round warmed the disk, and wrote what bytecode was missing.
    return [_claim(peer, seconds["ours"][1:], seconds[peer][1:], epochs) for peer in PROGRAMS if peer != "ours"]


def _claim(peer: str, ours: list[float], theirs: list[float], epochs: dict[str, int]) -> dict[str, Any]:
    each = [t / o for o, t in zip(ours, theirs, strict=True)]
    return {
        "claim": f"from process start to 97 % on digits, at least {LEAST:g} times faster than {peer}",
        "measured": f"{median(each):.2f} times ({min(each):.2f} to {max(each):.2f}; {median(ours):.2f} s and "
        f"{epochs['ours']} epochs against {median(theirs):.2f} s and {epochs[peer]} epochs)",
        "holds": median(each) >= LEAST,
        "ours_s": median(ours),
        "theirs_s": median(theirs),
        "ratio": median(each),
        "low": min(each),
        "high": max(each),
    }


def _write(file: Path) -> None:
    """Write digits, split and standardized, first weights, and the order of each epoch: the same for all."""
    digits, rng = tg.data.digits(), np.random.default_rng(0)
    X, X_test, y, y_test = tg.data.split(digits.X, digits.y, rng=rng)
    X, X_test = tg.data.standardize(X, X_test)
    model = tg.nn.MLP(64, [128], 10, rng=rng)
    arrays: dict[str, Any] = {f"weight{i}": array for i, array in enumerate(model.state_dict().values())}
    arrays |= {"X": X.astype(np.float32), "X_test": X_test.astype(np.float32), "y": y, "y_test": y_test}
    arrays["orders"] = np.array([rng.permutation(len(X)) for _ in range(EPOCHS)])
    np.savez(file, **arrays)
