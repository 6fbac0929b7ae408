"""What all schedules share: two numbers of state, and a formula of the learning rate.

The formula is closed, of the rate that the optimizer began with and of the count of steps, so that a run goes on from
these two numbers exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.optimizer import Optimizer, check_number, same_names
from tinygrad_edu.tape import mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["LRScheduler"]


class LRScheduler:
    """The base of all schedules: a subclass writes `rate`, the learning rate after `count` steps.

    It is set for the first time when the schedule is made, with a count of 0.

    Parameters
    ----------
    optimizer
        Whose learning rate is set.

    Raises
    ------
    OptionError
        If it is no optimizer, or an option is out of range.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> class Harmonic(LRScheduler):
    ...     def rate(self, base_lr, count):
    ...         return base_lr / (1 + count)
    >>> descent = optim.SGD([tensor(0.0, requires_grad=True)], lr=0.5)
    >>> schedule = Harmonic(descent)
    >>> schedule.step()
    >>> descent.lr
    0.25
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise OptionError(f"{type(self).__name__} takes an optimizer, but was given {optimizer!r}.")
        self.optimizer = optimizer
        base_lr = optimizer.state["learning_rate"].copy()
        self.state: dict[str, NDArray[Any]] = {"base_lr": base_lr, "count": np.array(0)}
        optimizer.state["learning_rate"][...] = self._rate(0)

    def rate(self, base_lr: float, count: int) -> float:
        """Compute the learning rate after `count` steps: a pure formula."""
        raise TypeError(f"{type(self).__name__} does not say what the rate is: give it rate(self, base_lr, count).")

    def step(self) -> None:
        """Count one, and set the optimizer's learning rate.

        Raises
        ------
        OptionError
            If the learning rate was changed in between, which the formula would undo; or if the formula gives none.
        """
        if mode.capture is not None:
            mode.capture.call(self.advance, writes=(self.state["count"], self.optimizer.state["learning_rate"]))
        else:
            self.advance()

    def advance(self) -> None:
        """Do what `step` does, where nothing is recorded."""
        count, learning_rate = int(self.state["count"]), self.optimizer.state["learning_rate"]
        expected = self._rate(count)
        if learning_rate != expected:
            raise OptionError(
                f"{type(self).__name__} set the learning rate to {expected:g} after {count} steps, but it is now "
                f"{float(learning_rate):g}. One schedule alone sets it: join several by SequentialLR, load the states "
                f"of optimizer and schedule together, and after setting optimizer.lr make a new schedule."
            )
        learning_rate[...] = self._rate(count + 1)
        self.state["count"][...] = count + 1

    def _rate(self, count: int) -> float:
        value = self.rate(float(self.state["base_lr"]), count)
        check_number(f"The learning rate of {type(self).__name__} after {count} steps", value, least=0.0)
        return value

    def get_last_lr(self) -> list[float]:
        """Give the learning rate, in a list as PyTorch does."""
        return [self.optimizer.lr]

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copy the state: the learning rate at the beginning, and the count."""
        return {name: array.copy() for name, array in self.state.items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Write a copied state back, in place; the optimizer's own has its learning rate.

        Raises
        ------
        OptionError
            If names are missing or unknown, or the numbers are out of range; nothing is changed then.
        """
        arrays = same_names(state, self.state, type(self).__name__)
        for name, array in arrays.items():
            if array.shape or not np.can_cast(array.dtype, self.state[name].dtype, casting="same_kind"):
                raise OptionError(f"{name} of a schedule is one number, but its state is {array!r}.")
            check_number(name, array.item(), least=0.0)
        for name, array in arrays.items():
            self.state[name][...] = array

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(lr={float(self.optimizer.state['learning_rate']):g}, count={self.state['count']})"
        )
