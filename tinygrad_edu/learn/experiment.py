"""Experiments: runs that are described completely, as data. The same description gives the same numbers.

An `Experiment` holds everything that a run depends on, goes to JSON and back, runs, and writes itself down as a
Python program that prints the same numbers. There are two kinds: `FormulaExperiment` for ``minimize`` and
`TrainingExperiment` for ``fit``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, ClassVar

from tinygrad_edu.errors import suggest
from tinygrad_edu.learn.recipe import OptimizerRecipe
from tinygrad_edu.traces.strict_json import (
    from_plain,
    has_names,
    read_file,
    read_object,
    refuse,
    to_plain,
    write_file,
    write_object,
)

if TYPE_CHECKING:
    import os
    from dataclasses import Field
    from pathlib import Path

    from tinygrad_edu.traces import Trace

__all__ = ["Experiment"]

FORMAT, VERSION = "tinygrad_edu.experiment", 1


class Experiment(ABC):
    """A run that is described completely; see `FormulaExperiment` and `TrainingExperiment`."""

    kind: ClassVar[str]
    _kinds: ClassVar[dict[str, type[Experiment]]] = {}

    def __init_subclass__(cls, *, kind: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind:
            cls.kind, cls._kinds[kind] = kind, cls

    @abstractmethod
    def run(self) -> Trace:
        """Run it, and give the trace: each time the same."""

    @abstractmethod
    def script(self) -> str:
        """Write a Python program that makes the same run and prints its numbers in full."""

    def to_json(self) -> str:
        """Write the experiment as JSON, an entry a line; `from_json` gives an equal one.

        Examples
        --------
        >>> from tinygrad_edu.learn import FormulaExperiment, OptimizerRecipe
        >>> print(FormulaExperiment("x**2", -6.0, OptimizerRecipe("SGD", {"lr": 0.1})).to_json())
        {
          "format": "tinygrad_edu.experiment",
          "version": 1,
          "kind": "minimize",
          "formula": "x**2",
          "start": -6.0,
          "optimizer": {"name": "SGD", "options": {"lr": 0.1, "momentum": 0.0, "nesterov": false, "weight_decay": 0.0}},
          "max_steps": 100,
          "tolerance": 0.001,
          "keep": 10000
        }
        """
        entries = {"format": FORMAT, "version": VERSION, "kind": self.kind}
        entries |= {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}  # type: ignore[arg-type]
        lines = (write_object({name: value})[1:-1] for name, value in entries.items())
        return "{\n  " + ",\n  ".join(lines) + "\n}"

    @classmethod
    def from_json(cls, text: str | bytes) -> Experiment:
        """Read an experiment that `to_json` wrote, or that was written by hand; what has a default may be left out.

        Raises
        ------
        DataError
            If the text is no experiment: a name that nobody knows, or one that is missing.
        TinygradEduError
            If a value is out of range, as if the experiment had been made in Python.

        Examples
        --------
        >>> from tinygrad_edu.learn import Experiment
        >>> text = '{"format": "tinygrad_edu.experiment", "version": 1, "kind": "minimize", "formla": "x**2"}'
        >>> Experiment.from_json(text)
        Traceback (most recent call last):
        ...
        tinygrad_edu.errors.DataError: This is not an experiment: there is no 'formla' in one. Did you mean 'formula'? \
There are: format, formula, keep, kind, max_steps, optimizer, start, tolerance, version.
        """
        what = "an experiment"
        found = read_object(text, what)
        for name, expected in (("format", FORMAT), ("version", VERSION)):
            if found.get(name) != expected:
                refuse(what, f"its {name} must be {expected!r}, but is {found.get(name)!r}.")
        kind = found.get("kind")
        if not isinstance(kind, str) or kind not in cls._kinds:
            refuse(what, f"there is no kind {kind!r}. {suggest(str(kind), cls._kinds)}")
        made = cls._kinds[kind]
        if not issubclass(made, cls):
            refuse(what, f"its kind is {kind!r}, and {cls.__name__} reads {cls.kind!r}. Use Experiment.from_json.")
        entries = fields(made)  # type: ignore[arg-type]  # each kind is a dataclass
        needed = [entry.name for entry in entries if _needed(entry)]
        optional = [entry.name for entry in entries if not _needed(entry)]
        has_names(what, found, ["format", "version", "kind", *needed], optional)
        values = {entry.name: from_plain(found[entry.name]) for entry in entries if entry.name in found}
        if "optimizer" in values:
            values["optimizer"] = OptimizerRecipe.from_plain(values["optimizer"])
        return made(**values)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        # Its text says it all, and goes to another process as it goes to a file.
        return Experiment.from_json, (self.to_json(),)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the experiment as JSON to a file, all or nothing.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        return write_file(path, f"{self.to_json()}\n", "The experiment")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Experiment:
        """Read an experiment from a file that `save` wrote.

        Raises
        ------
        DataError
            If the file cannot be read, or holds no experiment.
        """
        return cls.from_json(read_file(path, "The experiment"))


def _needed(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _plain(value: Any) -> Any:
    """Give what JSON can hold."""
    if isinstance(value, OptimizerRecipe):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {name: to_plain(entry) for name, entry in value.items()}
    return to_plain(list(value) if isinstance(value, tuple) else value)
