"""One implementation in a process of its own: ``python -m benchmarks.peers.worker``.

It reads JSON lines: first what to train (workload, implementation), then commands; it answers each with a line.
The number of threads is set by the environment that it is started in, before any library is loaded.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from time import perf_counter, process_time
from typing import Any

from benchmarks.peers.implementations import IMPLEMENTATIONS
from benchmarks.peers.trainer import Trainer, UnavailableError
from benchmarks.peers.workloads import Workload


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    request = json.loads(sys.stdin.readline())
    if request["cores"]:
        # XLA makes as many threads as there are cores it may use, whatever it is told.
        os.sched_setaffinity(0, request["cores"])
    implementation = IMPLEMENTATIONS[request["implementation"]]
    try:
        module = importlib.import_module(f"benchmarks.peers.{implementation.module}")
        variant = [implementation.variant] if implementation.variant else []
        form, trainer = module.make(Workload.from_json(request["workload"]), *variant)
    except (ModuleNotFoundError, UnavailableError) as error:
        print(json.dumps({"unavailable": str(error)}), file=answers)
        return
    print(json.dumps({"ready": True, "form": form}), file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = COMMANDS[command.pop("do")](trainer, **command)
        except Exception as error:  # noqa: BLE001 - the parent says which implementation failed, and goes on
            traceback.print_exc()
            answer = {"unavailable": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers)


def _losses(trainer: Trainer, steps: int) -> dict[str, Any]:
    return {"losses": trainer.first_losses(steps)}


def _calibrate(trainer: Trainer, seconds: float) -> dict[str, Any]:
    """Find how many updates take so long, at least one unit."""
    steps = trainer.unit
    trainer.run(steps)
    while True:
        start = perf_counter()
        trainer.run(steps)
        took = perf_counter() - start
        if took > seconds / 4:
            units = max(1, round(seconds / took * steps / trainer.unit))
            return {"steps": units * trainer.unit, "unit": trainer.unit, "seconds": took / steps * units * trainer.unit}
        steps *= 2


def _time(trainer: Trainer, warm: int, steps: int) -> dict[str, Any]:
    trainer.run(warm)
    start, of_processor = perf_counter(), process_time()
    trainer.run(steps)
    return {"seconds": perf_counter() - start, "processor": process_time() - of_processor}


COMMANDS = {"losses": _losses, "calibrate": _calibrate, "time": _time}

if __name__ == "__main__":
    main()
