"""What all optimizers share: named state, and one pure formula for the update.

An optimizer says two things: which examples each update sees (`batch_size`), and what the update is
(`update`). Everything that changes from step to step is an array in one ordered dictionary: the learning
rate, the step count, and what is remembered for each parameter.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.data.batches import Batches, batches
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.tape import mode, touch
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Optimizer"]


class Optimizer:
    """The base of all optimizers.

    A subclass names what it remembers for each parameter in `slots` and writes `update`, and if it needs
    numbers that are the same for all parameters, `scalars`.

    Parameters
    ----------
    parameters
        The tensors to change, such as ``model.parameters()``.
    lr
        The learning rate: how far to step along the slope.
    batch_size
        How many examples each update sees: None for all, 1, or n.

    Raises
    ------
    OptionError
        If there are no parameters, one is given twice or asks for no gradient, or a number is out of range.
    """

    slots: tuple[str, ...] = ()
    scalar_names: tuple[str, ...] = ("lr",)
    """What `scalars` gives, by name."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, *, batch_size: int | None = None) -> None:
        if not hasattr(parameters, "__iter__"):
            raise OptionError(
                f"{type(self).__name__} needs Tensors to change, but was given a {type(parameters).__name__}. Pass "
                f"model.parameters(), with the brackets."
            )
        self.parameters = list(parameters)
        self._check_parameters()
        check_number("lr", lr, above=0.0)
        self.batch_size = None if batch_size is None else check_whole("batch_size", batch_size)
        self.state: dict[str, NDArray[Any]] = {"learning_rate": np.array(float(lr)), "step": np.array(0)}
        # What is remembered for each parameter, by dtype, the same arrays that `state` names.
        self._members: dict[np.dtype[Any], list[tuple[Tensor, list[NDArray[Any]]]]] = {}
        for i, parameter in enumerate(self.parameters):
            remembered = [np.zeros_like(parameter.array) for _ in self.slots]
            self._members.setdefault(parameter.dtype, []).append((parameter, remembered))
            for slot, array in zip(self.slots, remembered, strict=True):
                self.state[f"{slot}.{parameter.name or i}"] = array

    def _check_parameters(self) -> None:
        name = type(self).__name__
        if not self.parameters:
            raise OptionError(
                f"{name} was given no parameters. An iterator gives its items once: call model.parameters() anew."
            )
        for i, parameter in enumerate(self.parameters):
            if not isinstance(parameter, Tensor) or not parameter.is_leaf:
                kind = "computed from others" if isinstance(parameter, Tensor) else f"a {type(parameter).__name__}"
                raise OptionError(f"{name} changes Tensors that were given, but parameter {i} is {kind}.")
        if not any(parameter.requires_grad for parameter in self.parameters):
            raise OptionError(f"{name} has nothing to change: no parameter asks for gradients (requires_grad=True).")
        if len({id(parameter) for parameter in self.parameters}) < len(self.parameters):
            raise OptionError(f"{name} was given the same parameter twice; it would be changed twice in each step.")
        labels = [parameter.name for parameter in self.parameters if parameter.name]
        if len(set(labels)) < len(labels):
            raise OptionError(f"{name} was given two parameters of the same name. Put the models into one nn.Module.")

    # ------------------------------------------------------------------------------------ the formulas
    def scalars(self, lr: float, step: int) -> tuple[float, ...]:
        """Compute the numbers of this step that all parameters share, from the learning rate and the step (from 1)."""
        return (lr,)

    def update(self, weight: Any, gradient: Any, *remembered_and_scalars: Any) -> tuple[Any, ...]:
        """Compute the step to subtract from the weight, and the new value of each slot, in the order of `slots`.

        A pure formula in plain NumPy syntax, on arrays or on Tensors: ``step`` runs it at NumPy speed.
        """
        raise TypeError(
            f"{type(self).__name__} does not say what its update is: give it update(self, weight, gradient, ...)."
        )

    # ---------------------------------------------------------------------------------------- the loop
    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward() does not add to them."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient, in place.

        Raises
        ------
        GraphError
            If no parameter has a gradient.
        OptionError
            If `update` returns something else than it should; nothing is changed then.

        Examples
        --------
        >>> from tinygrad_edu import optim, tensor
        >>> x = tensor(1.0, requires_grad=True)
        >>> descent = optim.BatchGradientDescent([x], lr=0.25)
        >>> (x * x).backward()
        >>> descent.step()
        >>> x.item()
        0.5
        """
        if mode.capture is not None:
            mode.capture.step(self)
            return
        count = int(self.state["step"]) + 1
        scalars, update = self.scalars(self.lr, count), self.update
        changed: list[Tensor] = []
        n_results = 1 + len(self.slots)
        for dtype, members in self._members.items():
            # As arrays of the weights' dtype they cost 0.6 of what Python numbers do.
            numbers = [np.array(s, dtype) for s in scalars]
            for parameter, remembered in members:
                gradient, weight = parameter.grad, parameter.array
                if gradient is None:
                    continue
                new = update(weight, gradient.array, *remembered, *numbers)
                if type(new) is not tuple or len(new) != n_results:
                    self.check_update(new)
                changed.append(parameter)
                weight -= new[0]
                if remembered:
                    for array, value in zip(remembered, new[1:], strict=True):
                        array[...] = value
        if not changed:
            raise self.no_gradient()
        touch(*changed)
        self.state["step"][()] = count

    # --------------------------------------------------------------------- for the compiler: the same in parts
    def members(self) -> list[tuple[Tensor, dict[str, NDArray[Any]]]]:
        """List the parameters in their order, each with what is remembered for it by its name in `state`."""
        names = {id(array): name for name, array in self.state.items()}
        found = {
            id(parameter): {names[id(array)]: array for array in remembered}
            for members in self._members.values()
            for parameter, remembered in members
        }
        return [(parameter, found[id(parameter)]) for parameter in self.parameters]

    def advance(self) -> tuple[float, ...]:
        """Count a step, and give the numbers of it that all parameters share."""
        count = int(self.state["step"]) + 1
        self.state["step"][()] = count
        return self.scalars(float(self.state["learning_rate"]), count)

    @staticmethod
    def no_gradient() -> GraphError:
        """Word that there is nothing to step along."""
        return GraphError("step() found no gradient on any parameter. Call loss.backward() before it.")

    def check_update(self, new: Any) -> None:
        """Raise unless `update` returned what it should."""
        if type(new) is not tuple or len(new) != 1 + len(self.slots):
            raise _not_an_update(self, new)

    def move_state(self, key: str, array: NDArray[Any]) -> None:
        """Keep what `key` names in another array, which holds the same numbers."""
        old = self.state[key]
        self.state[key] = array
        for members in self._members.values():
            for _, remembered in members:
                remembered[:] = [array if other is old else other for other in remembered]

    def batches(self, X: ArrayLike, y: ArrayLike, *, rng: np.random.Generator) -> Batches:
        """Deal out the examples as this optimizer wants to see them, in a new random order in each epoch."""
        return batches(X, y, self.batch_size, shuffle=True, rng=rng)

    # --------------------------------------------------------------------------------------- its state
    @property
    def lr(self) -> float:
        """The learning rate; assign to change it from the next step on."""
        value = float(self.state["learning_rate"])
        if mode.capture is not None:
            mode.capture.number(self, "lr", value)
        return value

    @lr.setter
    def lr(self, value: float) -> None:
        check_number("lr", value, above=0.0)
        if mode.capture is not None:
            mode.capture.setting("lr", "a schedule of optim.lr_scheduler in the step")
        self.state["learning_rate"][...] = value

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copy the whole state, by name."""
        return {name: array.copy() for name, array in self.state.items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Write a copied state back, in place; all or nothing.

        Raises
        ------
        OptionError
            If names are missing or unknown.
        ShapeError
            If an array has another shape.
        """
        arrays = same_names(state, self.state, type(self).__name__)
        for name, array in arrays.items():
            if array.shape != self.state[name].shape:
                raise ShapeError(f"The state of {name} has shape {array.shape}, but needs {self.state[name].shape}.")
            if not np.can_cast(array.dtype, self.state[name].dtype, casting="same_kind"):
                raise DtypeError(
                    f"The state of {name} holds {array.dtype}, which does not fit {self.state[name].dtype}."
                )
        check_number("learning_rate", float(arrays["learning_rate"]), least=0.0)
        for name, array in arrays.items():
            self.state[name][...] = array

    def __repr__(self) -> str:
        size = "all" if self.batch_size is None else self.batch_size
        return f"{type(self).__name__}(lr={self.lr:g}, batch_size={size})"


def _not_an_update(optimizer: Optimizer, given: Any) -> OptionError:
    wanted = ", ".join(["step", *optimizer.slots])
    got = f"{len(given)} values" if isinstance(given, tuple) else type(given).__name__
    return OptionError(f"{type(optimizer).__name__}.update must return the tuple ({wanted},), but returned {got}.")


def same_names(given: Mapping[str, ArrayLike], own: Mapping[str, Any], whose: str) -> dict[str, NDArray[Any]]:
    """Make arrays of a state that was given, and refuse names that are missing or unknown."""
    if set(given) != set(own):
        odd = sorted(set(given) ^ set(own))
        raise OptionError(f"The state does not fit {whose}: {', '.join(odd)} on one side only.")
    return {name: as_array(value) for name, value in given.items()}


def check_number(
    name: str, value: float, *, above: float | None = None, least: float | None = None, below: float = math.inf
) -> None:
    """Refuse a hyper-parameter outside its range; NaN is outside every range."""
    number = value if isinstance(value, (int, float, np.number)) else math.nan
    lower = number > above if above is not None else least is None or number >= least
    if not (lower and number < below):
        bounds = [f"> {above:g}" if above is not None else f">= {least:g}"]
        if below < math.inf:
            bounds.append(f"< {below:g}")
        raise OptionError(f"{name} must be a finite number {' and '.join(bounds)}, but is {value!r}.")


def check_whole(name: str, value: Any) -> int:
    """Refuse what is no whole number from 1 on; NumPy's integers are some too."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise OptionError(f"{name} must be a whole number from 1 on, but is {value!r}.")
    return number
