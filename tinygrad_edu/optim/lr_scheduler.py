"""Schedules: the learning rate as a formula of the number of steps; PyTorch's names and values.

``schedule.step()`` counts one and sets the learning rate of its optimizer: call it after each epoch, or after each
update, as the schedule is meant.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from typing import TYPE_CHECKING

from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.optimizer import check_number, check_whole
from tinygrad_edu.optim.scheduler import LRScheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "SequentialLR",
    "StepLR",
]


# --------------------------------------------------------------------------------------------- in steps
class StepLR(LRScheduler):
    """Multiply the learning rate by `gamma` after every `step_size` steps.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(descent, step_size=2, gamma=0.5)
    >>> [schedule.rate(1.0, count) for count in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = check_whole("step_size", step_size), _factor("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute α gammaⁿ, with n the number of times that `step_size` steps were made."""
        return base_lr * self.gamma ** (count // self.step_size)


class MultiStepLR(LRScheduler):
    """Multiply the learning rate by `gamma` after each of the given numbers of steps.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = MultiStepLR(descent, milestones=[1, 3], gamma=0.5)
    >>> [schedule.rate(1.0, count) for count in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = _rising(milestones), _factor("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute α gammaⁿ, with n the number of milestones up to the count."""
        return base_lr * self.gamma ** bisect_right(self.milestones, count)


class ExponentialLR(LRScheduler):
    """Multiply the learning rate by `gamma` in every step.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = ExponentialLR(descent, gamma=0.5)
    >>> [schedule.rate(1.0, count) for count in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = _factor("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute α gammaⁿ."""
        return base_lr * self.gamma**count


class LambdaLR(LRScheduler):
    """Multiply the learning rate of the beginning by a function of the count.

    Parameters
    ----------
    lr_lambda
        A pure function: of the same count it gives the same factor.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = LambdaLR(descent, lambda count: 1 / (1 + count))
    >>> [schedule.rate(1.0, count) for count in range(4)]
    [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise OptionError(f"LambdaLR takes a function of the count, but was given {lr_lambda!r}.")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute α f(n)."""
        return base_lr * self.lr_lambda(count)


# ----------------------------------------------------------------------------------------- in lines and waves
class LinearLR(LRScheduler):
    """Go from one multiple of the learning rate to another in equal steps, and stay there: a warm-up.

    Parameters
    ----------
    start_factor, end_factor
        The multiples, from 0 to 1; the first is above 0.
    total_iters
        In how many steps.

    References
    ----------
    Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, arXiv:1706.02677 (2017), for warm-up.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = LinearLR(descent, start_factor=0.25, total_iters=3)
    >>> [schedule.rate(1.0, count) for count in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        check_number("start_factor", start_factor, above=0.0, below=math.nextafter(1, 2))
        check_number("end_factor", end_factor, least=0.0, below=math.nextafter(1, 2))
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = check_whole("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute α (start + (end - start) n / total), for n up to the total."""
        share = min(count, self.total_iters) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * share)


class CosineAnnealingLR(LRScheduler):
    """Fall from the learning rate to `eta_min` in `T_max` steps, along half a wave of the cosine; and up again after.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR (2017).

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = CosineAnnealingLR(descent, T_max=4)
    >>> [round(schedule.rate(1.0, count), 3) for count in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803 - PyTorch's name
        check_number("eta_min", eta_min, least=0.0)
        self.T_max, self.eta_min = check_whole("T_max", T_max), eta_min
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute η + (α - η) (1 + cos(π n / T)) / 2."""
        return _cosine(base_lr, self.eta_min, count / self.T_max)


class OneCycleLR(LRScheduler):
    """Rise from a small learning rate to `max_lr`, and fall to a much smaller one: one step after each update.

    The optimizer's own learning rate plays no part, and its momentum stays as it is (PyTorch's cycle_momentum=False).

    Parameters
    ----------
    total_steps
        How many steps there are: the number of updates. There can be no more.
    pct_start
        The share of the steps in which it rises: less than 1, and at most ½ with three phases.
    anneal_strategy
        "cos" or "linear".
    div_factor, final_div_factor
        It begins at max_lr / div_factor, and ends at this divided by final_div_factor.
    three_phase
        Fall to where it began in as many steps as it rose, and only then to the end.

    References
    ----------
    Smith and Topin, Super-convergence: very fast training of neural networks using large learning rates,
    arXiv:1708.07120 (2017).

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> schedule = OneCycleLR(descent, max_lr=1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear")
    >>> [round(schedule.rate(1.0, count), 3) for count in range(5)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    ) -> None:
        for name, number in (("max_lr", max_lr), ("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            check_number(name, number, above=0.0)
        check_number("pct_start", pct_start, least=0.0, below=math.nextafter(0.5, 1) if three_phase else 1.0)
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError(f"anneal_strategy must be 'cos' or 'linear', but is {anneal_strategy!r}.")
        self.total_steps = check_whole("total_steps", total_steps)
        self.max_lr, self.between = max_lr, _cosine if anneal_strategy == "cos" else _line
        first, top = max_lr / div_factor, pct_start * total_steps - 1
        # Each phase ends at this count, with this rate.
        self.phases = [(0.0, first), (top, max_lr)]
        if three_phase:
            self.phases.append((2 * top, first))
        self.phases.append((total_steps - 1.0, first / final_div_factor))
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute the rate between the two ends of the phase that the count is in."""
        if count > self.total_steps:
            raise OptionError(
                f"OneCycleLR was made for total_steps={self.total_steps}, and this is step {count}. Give the number of "
                f"all updates: epochs times batches."
            )
        ends = [end for end, _ in self.phases[1:-1]]
        k = sum(count >= end for end in ends)
        (start, before), (end, after) = self.phases[k], self.phases[k + 1]
        return self.between(before, after, min(1.0, (count - start) / (end - start)))


# ------------------------------------------------------------------------------------------ one after another
class SequentialLR(LRScheduler):
    """One schedule after another, each counting from 0: a warm-up, then a cosine, say.

    Parameters
    ----------
    schedulers
        Schedules of the same optimizer. Only this one is stepped.
    milestones
        After how many steps the next one begins: one number less than schedules.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=1.0)
    >>> parts = [LinearLR(descent, start_factor=0.5, total_iters=2), ExponentialLR(descent, gamma=0.5)]
    >>> schedule = SequentialLR(descent, parts, milestones=[2])
    >>> [schedule.rate(1.0, count) for count in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Iterable[int]) -> None:
        self.schedulers, self.milestones = [*schedulers], _rising(milestones)
        if not self.schedulers or len(self.schedulers) != len(self.milestones) + 1:
            raise OptionError(
                f"SequentialLR needs one milestone between any two schedules, but was given {len(self.schedulers)} "
                f"schedules and {len(self.milestones)} milestones."
            )
        if any(part.optimizer is not optimizer for part in self.schedulers):
            raise OptionError("SequentialLR joins schedules of one optimizer, but was given those of several.")
        # The first to be made saw the learning rate as it was; those after it, as the first had set it.
        optimizer.state["learning_rate"][...] = self.schedulers[0].state["base_lr"]
        super().__init__(optimizer)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute the rate of the schedule whose turn it is."""
        k = bisect_right(self.milestones, count)
        return self.schedulers[k].rate(base_lr, count - (self.milestones[k - 1] if k else 0))


# ------------------------------------------------------------------------------------------------ the rest
def _line(before: float, after: float, share: float) -> float:
    return before + (after - before) * share


def _cosine(before: float, after: float, share: float) -> float:
    return after + (before - after) * (1 + math.cos(math.pi * share)) / 2


def _factor(name: str, value: float) -> float:
    check_number(name, value, above=0.0)
    return value


def _rising(milestones: Iterable[int]) -> list[int]:
    try:
        numbers = [operator.index(m) for m in milestones]
    except TypeError:
        numbers = [-1]
    if numbers != sorted(numbers) or any(m < 0 for m in numbers):
        raise OptionError(f"milestones are whole numbers from 0 on that rise, but are {milestones!r}.")
    return numbers
