"""What a worker asks of an implementation: to go on training for so many updates."""

from __future__ import annotations

from itertools import cycle, islice
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.peers.workloads import Workload


class UnavailableError(Exception):
    """The implementation cannot train this workload here; the message says why."""


class Trainer(Protocol):
    """Trains on from where it stopped, through the epochs in order; `unit` is the least number of updates."""

    unit: int

    def first_losses(self, steps: int) -> list[float]:
        """Give the losses of the first updates, each before its update: at least `steps`, from the fresh weights."""

    def run(self, steps: int) -> Any:
        """Do so many updates, a multiple of `unit`, with their losses, and return when they are done."""


class ByBatch:
    """Call a step for each batch.

    Parameters
    ----------
    update
        ``update(x, y)`` is one training step and returns its loss.
    batches
        The batches of an epoch, given the order of its examples.
    finish
        Waits until the losses are there, for those that compute ahead.
    """

    unit = 1

    def __init__(
        self,
        workload: Workload,
        update: Callable[[Any, Any], Any],
        batches: Callable[[Any], Iterable[tuple[Any, Any]]],
        *,
        orders: list[Any] | None = None,
        finish: Callable[[list[Any]], Any] = list,
    ) -> None:
        self.update, self.finish = update, finish
        self.batches = _forever(batches, orders or workload.orders())

    def run(self, steps: int) -> Any:
        """Take the next batches."""
        update = self.update
        return self.finish([update(x, y) for x, y in islice(self.batches, steps)])

    def first_losses(self, steps: int) -> list[float]:
        """Give the losses of the first batches."""
        return [float(loss) for loss in self.run(steps)]


class ByEpoch:
    """Call one function for an epoch: ``epoch(order)`` returns its losses."""

    def __init__(
        self, workload: Workload, epoch: Callable[[Any], Any], *, orders: list[Any] | None = None, updates: int = 0
    ) -> None:
        self.unit, self.epoch = updates or workload.steps, epoch
        self.orders = cycle(orders or workload.orders())

    def run(self, steps: int) -> Any:
        """Do the next epochs."""
        return [self.epoch(order) for order in islice(self.orders, steps // self.unit)]

    def first_losses(self, steps: int) -> list[float]:
        """Give the losses of whole epochs."""
        epochs = self.run(-(-steps // self.unit) * self.unit)
        return [float(loss) for epoch in epochs for loss in epoch]


def _forever(batches: Callable[[Any], Iterable[tuple[Any, Any]]], orders: list[Any]) -> Iterator[tuple[Any, Any]]:
    for order in cycle(orders):
        yield from batches(order)


def slices(X: Any, y: Any, batch: int) -> Callable[[Any], Iterable[tuple[Any, Any]]]:
    """Bring the examples into the order of the epoch at once; its batches are views. The quickest way in NumPy."""

    def batches(order: Any) -> Iterable[tuple[Any, Any]]:
        x_epoch, y_epoch = X[order], y[order]
        for i in range(0, len(order), batch):
            yield x_epoch[i : i + batch], y_epoch[i : i + batch]

    return batches


def quickest(forms: dict[str, Callable[[], Trainer]], steps: int) -> tuple[str, Trainer]:
    """Give a peer its best form: try each for `steps` updates, three times, and start the best one afresh."""
    took = {}
    for name, make in forms.items():
        trainer = make()
        trainer.run(trainer.unit)
        times = []
        for _ in range(3):
            start = perf_counter()
            trainer.run(-(-steps // trainer.unit) * trainer.unit)
            times.append(perf_counter() - start)
        took[name] = min(times)
    best = min(took, key=took.__getitem__)
    return best, forms[best]()
