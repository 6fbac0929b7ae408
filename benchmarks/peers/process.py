"""A worker process as its parent sees it: started, stopped while others are timed, woken to be timed itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from benchmarks.peers.workloads import Workload

ROOT = Path(__file__).parents[2]
# Seconds for the longest answer, which is the first: torch.compile may compile for a minute.
PATIENCE = 240


def environment(threads: int) -> dict[str, str]:
    """Give the environment in which every library takes so many threads."""
    names = ("OPENBLAS", "OMP", "MKL", "NUMBA", "NUMEXPR", "VECLIB_MAXIMUM")
    one = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1" if threads == 1 else ""
    return (
        os.environ
        | {f"{name}_NUM_THREADS": str(threads) for name in names}
        | {"XLA_FLAGS": one, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        # What JAX compiled is kept between runs, as Inductor keeps it by itself.
        | {
            "JAX_COMPILATION_CACHE_DIR": f"{gettempdir()}/benchmarks-jax",
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
    )


class Worker:
    """One implementation of one workload; it is stopped unless it is answering."""

    def __init__(self, workload: Workload, implementation: str, threads: int, cores: set[int] | None = None) -> None:
        self.implementation, self.threads = implementation, threads
        self.log = TemporaryFile("w+")  # noqa: SIM115 - closed with the worker
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )
        request = {
            "workload": workload.as_json(),
            "implementation": implementation,
            "threads": threads,
            "cores": [*(cores or ())],
        }
        answer = self.ask(**request)
        self.unavailable: str = answer.get("unavailable", "")
        self.form: str = answer.get("form", "")

    def ask(self, **message: Any) -> dict[str, Any]:
        """Wake it, have a command answered, and stop it again."""
        pipe_in, pipe_out = self.process.stdin, self.process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        self.process.send_signal(signal.SIGCONT)
        timer = Timer(PATIENCE, self.process.kill)
        timer.start()
        try:
            pipe_in.write(json.dumps(message) + "\n")
            pipe_in.flush()
            answer = pipe_out.readline()
        except BrokenPipeError:
            answer = ""
        timer.cancel()
        if not answer:
            self.log.seek(0)
            last = self.log.read().strip().splitlines()[-1:]
            return {"unavailable": f"its process ended, or took more than {PATIENCE} s for an answer. {''.join(last)}"}
        self.process.send_signal(signal.SIGSTOP)
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def pin(self, cores: set[int]) -> None:
        """Let all its threads run on these cores alone."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def losses(self, steps: int) -> list[float]:
        """Give its first losses; none, and `unavailable`, if it cannot."""
        answer = self.ask(do="losses", steps=steps)
        self.unavailable = answer.get("unavailable", "")
        return answer.get("losses", [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]
        self.log.close()
