"""What the compiler claims against its peers: for each workload the least ratio of their time to ours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.alternate import claim
from benchmarks.compete import Competition, compete, ratio, table
from benchmarks.peers.implementations import IMPLEMENTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.peers.workloads import Workload

# Each of ours and each peer gets its best form: by batch or over the epoch.
BACKENDS = {
    "NumPy backend": ("ours NumPy", "ours NumPy, epoch"),
    "Numba backend": ("ours Numba", "ours Numba, by batch"),
}
BEST_PEER = tuple(name for name in IMPLEMENTATIONS if not name.startswith("ours"))
SLOW = tuple(name for name, implementation in IMPLEMENTATIONS.items() if implementation.slow)


@dataclass(frozen=True)
class Target:
    """At least so many times faster than the quickest of these peers."""

    backend: str
    against: str
    least: float

    @property
    def peers(self) -> tuple[str, ...]:
        """Name the implementations; "the best peer" is any."""
        return BEST_PEER if self.against == "the best peer" else (self.against,)


def against(backend: str, least: float, *peers: str) -> list[Target]:
    """Claim the same against each of these peers."""
    return [Target(f"{backend} backend", peer, least) for peer in peers]


def competitions(
    targets: dict[Workload, list[Target]], *, without: Iterable[str] = (), quick: bool = False
) -> dict[str, Any]:
    """Let all compete on each workload, and judge the claims; print each table as it is done."""
    threads = range(1, min(2, os.cpu_count() or 1) + 1)
    names = [name for name in IMPLEMENTATIONS if name not in without]
    claims, records = [], []
    for workload, its in targets.items():
        competition = compete(workload, names, threads=threads, quick=quick)
        print(table(competition), flush=True)
        records.append(competition.as_json())
        claims += [_judge(competition, target, n) for n in threads for target in its]
    return {"claims": claims, "competitions": records}


def _judge(competition: Competition, target: Target, threads: int) -> dict[str, Any]:
    """Compare ours at so many threads with the peer at its better number of threads, up to as many."""
    cores = "one thread" if threads == 1 else f"{threads} threads"
    text = f"{competition.workload.name}, {target.backend} against {target.against}, {cores}"
    ours = competition.find(BACKENDS[target.backend], threads)
    theirs = competition.find(target.peers, threads, best_setting=True)
    if ours is None or theirs is None:
        missing = BACKENDS[target.backend] if ours is None else target.peers
        why = next(
            (competition.unavailable[name] for name in missing if name in competition.unavailable), "no such peer"
        )
        return {
            "claim": f"{text}, at least {target.least:g} times faster",
            "measured": f"not measured: {why}",
            "holds": False,
        }
    judged = claim(text, ratio(ours, theirs), target.least)
    if ours.threads == theirs.threads == 1:
        # Of use where other programs held the core: what counts is the clock.
        judged["processor_ratio"] = median(theirs.processor) / median(ours.processor)
        judged["measured"] += f"; by processor time {judged['processor_ratio']:.2f}"
    return judged | {"ours": ours.implementation, "theirs": theirs.implementation, "their_threads": theirs.threads}
