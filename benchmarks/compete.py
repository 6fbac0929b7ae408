"""Time implementations of one workload against each other: losses checked first, then rounds A B C A B C."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.implementations import IMPLEMENTATIONS
from benchmarks.peers.process import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.peers.workloads import Workload

ROUNDS, LONG_ROUNDS, SLOW_ROUNDS, QUICK_ROUNDS = 11, 7, 3, 2
CHUNK, QUICK_CHUNK = 0.05, 0.01  # seconds
# float32 after 20 updates in another order of summation.
TOLERANCE, COMPARED = 1e-3, 20


@dataclass
class Timed:
    """One implementation at one number of threads: microseconds per update, round by round."""

    implementation: str
    threads: int
    form: str
    rounds: dict[int, float] = field(default_factory=dict)
    processor: list[float] = field(default_factory=list)
    """Microseconds of the processor: on one thread as many, unless other programs held the core."""

    @property
    def microseconds(self) -> float:
        """The median."""
        return median(self.rounds.values())

    def as_json(self) -> dict[str, Any]:
        """Give what the results file holds."""
        values = self.rounds.values()
        return {
            "implementation": self.implementation,
            "threads": self.threads,
            "form": self.form,
            "us_per_step": round(self.microseconds, 3),
            "low": round(min(values), 3),
            "high": round(max(values), 3),
            "processor_us_per_step": round(median(self.processor), 3),
            "rounds": len(values),
        }


@dataclass
class Competition:
    """What was timed, and what could not be, with the reason."""

    workload: Workload
    timed: list[Timed]
    unavailable: dict[str, str]

    def find(self, implementations: Iterable[str], threads: int, *, best_setting: bool = False) -> Timed | None:
        """Give the quickest of these at so many threads; with `best_setting` at that many or fewer."""
        found = [
            t
            for t in self.timed
            if t.implementation in implementations and (t.threads == threads or (best_setting and t.threads < threads))
        ]
        return min(found, key=lambda t: t.microseconds, default=None)

    def peers(self) -> list[str]:
        """Name all that are not ours."""
        return [name for name in IMPLEMENTATIONS if not name.startswith("ours")]

    def as_json(self) -> dict[str, Any]:
        """Give what the results file holds."""
        return {
            "workload": self.workload.name,
            "timed": [timed.as_json() for timed in self.timed],
            "unavailable": self.unavailable,
        }


def compete(
    workload: Workload, implementations: Iterable[str], *, threads: Iterable[int] = (1, 2), quick: bool = False
) -> Competition:
    """Start all, check that they compute the same, and time them in turn."""
    names = list(implementations)
    entries = [(name, n) for n in threads for name in names if n == 1 or not IMPLEMENTATIONS[name].slow]
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:

        def start(name: str, n: int, core: int) -> Worker:
            return stack.enter_context(Worker(workload, name, n, {core} if n == 1 else None))

        # Two at a time, on a core each: starting is long, and only a peer's own choice of its form is timed.
        with ThreadPoolExecutor(2) as pool:
            workers = list(pool.map(lambda i: start(*entries[i], cores[i % len(cores)]), range(len(entries))))
        for worker in workers:
            if worker.threads == 1 and not worker.unavailable:
                worker.pin({cores[-1]})
        ready = _alike(workload, [w for w in workers if not w.unavailable])
        timed = _rounds(ready, quick=quick)
        unavailable = {w.implementation: w.unavailable for w in workers if w.unavailable}
    return Competition(workload, timed, unavailable)


def _alike(workload: Workload, workers: list[Worker]) -> list[Worker]:
    """Give those whose first losses are those of the first worker: all start from the same weights.

    An exception of a peer in training, or other losses, take it out of the competition, with the reason.
    """
    expected: Any = None
    for worker in workers:
        losses = worker.losses(IMPLEMENTATIONS[worker.implementation].losses)
        if worker.unavailable:
            continue
        if expected is None:
            assert np.isfinite(losses).all(), f"{worker.implementation} diverges on {workload.name}"
            expected = losses
        n = min(len(losses), len(expected), COMPARED)
        if not np.allclose(losses[:n], expected[:n], rtol=TOLERANCE, atol=TOLERANCE / 100):
            worker.unavailable = (
                f"its first losses are {losses[:3]}, not {expected[:3]} as for {workers[0].implementation}"
            )
    return [worker for worker in workers if not worker.unavailable]


def _rounds(workers: list[Worker], *, quick: bool) -> list[Timed]:
    seconds, rounds = (QUICK_CHUNK, QUICK_ROUNDS) if quick else (CHUNK, ROUNDS)
    chunks = [worker.ask(do="calibrate", seconds=seconds) for worker in workers]
    timed = [Timed(worker.implementation, worker.threads, worker.form) for worker in workers]
    # Those whose shortest run is long need no more rounds to be timed as long.
    long = sum(chunk["seconds"] for chunk in chunks) > 2 * seconds * len(chunks)
    for i in range(LONG_ROUNDS if long and not quick else rounds):
        for worker, chunk, entry in zip(workers, chunks, timed, strict=True):
            if IMPLEMENTATIONS[worker.implementation].slow and i >= SLOW_ROUNDS:
                continue
            steps, unit = chunk["steps"], chunk["unit"]
            warm = max(1, steps // 5 // unit) * unit
            took = worker.ask(do="time", warm=warm, steps=steps)
            entry.rounds[i] = took["seconds"] / steps * 1e6
            entry.processor.append(took["processor"] / steps * 1e6)
    for worker in workers:
        assert np.isfinite(worker.losses(1)).all(), f"{worker.implementation} diverged while it was timed"
    return timed


def ratio(ours: Timed, theirs: Timed) -> dict[str, float]:
    """Give the median and range, over the rounds both were timed in, of their time by ours."""
    both = sorted(ours.rounds.keys() & theirs.rounds.keys())
    each = [theirs.rounds[i] / ours.rounds[i] for i in both]
    return {
        "ours_us": ours.microseconds,
        "theirs_us": theirs.microseconds,
        "ratio": median(each),
        "low": min(each),
        "high": max(each),
    }


def table(competition: Competition) -> str:
    """Write what was timed as text, the quickest first, beside the quickest peer."""
    lines = [f"  {competition.workload.name}, µs per update"]
    for timed in sorted(competition.timed, key=lambda t: (t.threads, t.microseconds)):
        low, high, processor = min(timed.rounds.values()), max(timed.rounds.values()), median(timed.processor)
        name = f"{timed.threads} thread{'s' if timed.threads > 1 else ' '} {timed.implementation:22}"
        spread = f"({low:.2f} to {high:.2f}; of the processor {processor:.2f})"
        lines.append(f"    {name}{timed.microseconds:12.2f}   {spread} {timed.form}".rstrip())
    lines += [f"    {name}: not timed, {why}" for name, why in competition.unavailable.items()]
    return "\n".join(lines)
