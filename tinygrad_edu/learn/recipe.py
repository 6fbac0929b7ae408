"""An optimizer as text: its name and its options, from which it is made for any parameters."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinygrad_edu import optim
from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces.strict_json import has_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.optim import Optimizer

__all__ = ["OPTIMIZERS", "OptimizerRecipe"]

LARGEST = sys.float_info.max

_NO_OPTIMIZERS = {"GradientDescent", "Optimizer", "lr_scheduler"}
OPTIMIZERS: Mapping[str, type[Optimizer]] = MappingProxyType(
    {name: getattr(optim, name) for name in optim.__all__ if name not in _NO_OPTIMIZERS}
)
"""Every optimizer that has a name, by it."""


@dataclass(frozen=True)
class OptimizerRecipe:
    """The name and the options of an optimizer; called with parameters, it makes the optimizer for them.

    Parameters
    ----------
    name
        A class of `tinygrad_edu.optim`, such as "SGD", in upper or lower case.
    options
        What it is made with besides the parameters. What is left out is filled in with the class's own defaults, so
        that the recipe is complete; but ``batch_size``, which means nothing for a formula, is left out.

    Raises
    ------
    OptionError
        If there is no such optimizer or option, or an option is out of range.

    Examples
    --------
    >>> recipe = OptimizerRecipe("sgd", {"lr": 0.1, "momentum": 0.9})
    >>> recipe
    OptimizerRecipe('SGD', lr=0.1, momentum=0.9)
    >>> from tinygrad_edu import minimize, tensor
    >>> recipe([tensor(0.0, requires_grad=True)])
    SGD(lr=0.1, batch_size=32)
    >>> minimize("x**2", start=-6.0, optimizer=recipe, max_steps=1).points.tolist()
    [-6.0, -4.8]
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        known = {name.lower(): name for name in OPTIMIZERS}
        if not isinstance(self.name, str) or self.name.lower() not in known:
            raise OptionError(f"There is no optimizer {self.name!r}. {suggest(str(self.name), OPTIMIZERS)}")
        name = known[self.name.lower()]
        if not isinstance(self.options, Mapping):
            raise OptionError(f"The options of {name} must be given by name, but are {self.options!r}.")
        defaults = _defaults(name)
        for option in self.options:
            if option not in defaults:
                raise OptionError(f"{name} has no option {option!r}. {suggest(str(option), defaults)}")
        options = {
            option: _plain(f"{option} of {name}", self.options.get(option, default), default)
            for option, default in defaults.items()
            if option in self.options or option != "batch_size"
        }
        if "lr" in options and not 0 < options["lr"] <= LARGEST:
            given, usual = options["lr"], defaults["lr"]
            raise OptionError(f"lr must be a finite number > 0, but is {given!r}. Try {usual:g}.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "options", MappingProxyType(options))
        self([Tensor(0.0, requires_grad=True)])  # the optimizer looks at their ranges

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """Make the optimizer."""
        make: Any = OPTIMIZERS[self.name]
        made: Optimizer = make(parameters, **self.options)
        return made

    @property
    def takes_batches(self) -> bool:
        """Whether the class has the option ``batch_size``."""
        return "batch_size" in _defaults(self.name)

    def with_batch_size(self) -> OptimizerRecipe:
        """Fill in the batch size too, for an optimizer that is to see examples.

        >>> OptimizerRecipe("SGD").with_batch_size().options["batch_size"]
        32
        """
        if not self.takes_batches or "batch_size" in self.options:
            return self
        return OptimizerRecipe(self.name, {**self.options, "batch_size": _defaults(self.name)["batch_size"]})

    def source(self, parameters: str) -> str:
        """Write the call that makes it, with the options that are not as they would be anyway, and the rate.

        >>> OptimizerRecipe("Adam", {"betas": [0.8, 0.99]}).source("p")
        'optim.Adam(p, lr=0.001, betas=(0.8, 0.99))'
        """
        return f"optim.{self.name}({parameters}, {self._written(self._own())})"

    def _own(self) -> dict[str, Any]:
        defaults = _defaults(self.name)
        return {name: value for name, value in self.options.items() if name == "lr" or value != defaults[name]}

    @staticmethod
    def _written(options: Mapping[str, Any]) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in options.items())

    def __reduce__(self) -> tuple[type[OptimizerRecipe], tuple[str, dict[str, Any]]]:
        # A mapping that nobody can write to cannot be pickled.
        return OptimizerRecipe, (self.name, dict(self.options))

    def __repr__(self) -> str:
        return f"OptimizerRecipe({self.name!r}, {self._written(self._own())})"

    # ------------------------------------------------------------------------------------------- as text
    def to_plain(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        options = {name: list(v) if isinstance(v, tuple) else v for name, v in self.options.items()}
        return {"name": self.name, "options": options}

    @classmethod
    def from_plain(cls, entries: Any) -> OptimizerRecipe:
        """Read what `to_plain` gave.

        Raises
        ------
        DataError
            If it is no such thing.
        OptionError
            If an option is out of range.

        Examples
        --------
        >>> OptimizerRecipe.from_plain({"name": "SGD", "options": {"lr": 0.5}})
        OptimizerRecipe('SGD', lr=0.5)
        """
        has_names("the recipe of an optimizer", entries, ("name", "options"))
        return cls(entries["name"], entries["options"])

    @classmethod
    def from_words(cls, text: str, **more: Any) -> OptimizerRecipe:
        """Read a name and options as they are typed: ``SGD,lr=0.1,momentum=0.9``.

        Parameters
        ----------
        text
            Values are written as in JSON: numbers, true, false, null, and lists such as ``betas=[0.9,0.99]``.
        more
            Options that are given apart.

        Raises
        ------
        OptionError
            If it cannot be read, or an option is given twice.

        Examples
        --------
        >>> OptimizerRecipe.from_words("sgd,momentum=0.9", lr=0.1)
        OptimizerRecipe('SGD', lr=0.1, momentum=0.9)
        """
        name, *pairs = (part.strip() for part in re.split(r",(?![^\[\]]*\])", text))
        options = dict(more)
        for pair in pairs:
            option, equals, value = (part.strip() for part in pair.partition("="))
            if not (option and equals and value):
                raise OptionError(f"{pair!r} is no option of an optimizer. Write SGD,momentum=0.9, for example.")
            if option in options:
                raise OptionError(f"The option {option!r} of {name} is given twice. Give it once.")
            try:
                options[option] = float(value) if value.startswith(".") else json.loads(value)
            except (ValueError, RecursionError):
                raise OptionError(
                    f"{option}={value} has no value that can be read. Write numbers, true, false or null, as in 0.9."
                ) from None
        return cls(name, options)


def _defaults(name: str) -> dict[str, Any]:
    """Give every option of an optimizer with its default."""
    _, *parameters = inspect.signature(OPTIMIZERS[name]).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def _plain(what: str, value: Any, default: Any) -> Any:
    """Refuse what is of another kind than the default, so that JSON can hold it; lists become tuples."""
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or len(value) != len(default):
            raise OptionError(f"{what} must be {len(default)} numbers, such as {list(default)}, but is {value!r}.")
        return tuple(_plain(what, *pair) for pair in zip(value, default, strict=True))
    if isinstance(default, bool) or (value is None and default is None):
        if value is default or isinstance(value, bool):
            return value
        raise OptionError(f"{what} must be true or false, but is {value!r}.")
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    if isinstance(default, float) and whole:
        return float(value)
    if whole or isinstance(value, float) or (value is None and what.startswith("batch_size ")):
        return value
    raise OptionError(f"{what} must be a number, such as {default}, but is {value!r}.")
