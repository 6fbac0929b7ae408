"""An experiment on a formula: ``minimize`` with everything that it depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.experiment import Experiment
from tinygrad_edu.learn.formula import formula
from tinygrad_edu.learn.minimize import check_options, minimize
from tinygrad_edu.learn.problem import problem
from tinygrad_edu.learn.recipe import OptimizerRecipe
from tinygrad_edu.traces import check_keep

if TYPE_CHECKING:
    from tinygrad_edu.traces import Trace

__all__ = ["FormulaExperiment"]


@dataclass(frozen=True)
class FormulaExperiment(Experiment, kind="minimize"):
    """A descent on a formula, described completely; the parameters are those of `minimize`.

    Parameters
    ----------
    formula
        What to minimise, as text.
    start
        A number, or one for each variable: in the sorted order of their names, or by name.
    optimizer
        Plain gradient descent at a learning rate of 0.1, if none is given.
    max_steps, tolerance, keep
        As for `minimize`.

    Raises
    ------
    TinygradEduError
        As `minimize` does: the text is no formula, the start does not fit it, a number is out of range.

    Examples
    --------
    >>> experiment = FormulaExperiment("x**2", start=-6.0, optimizer=OptimizerRecipe("SGD", {"momentum": 0.9}))
    >>> experiment == Experiment.from_json(experiment.to_json())
    True
    >>> experiment.run().n_steps
    100
    >>> print(FormulaExperiment("x**2", start=-6.0, max_steps=3).script())
    import tinygrad_edu as tg
    <BLANKLINE>
    trace = tg.minimize("x**2", start=-6.0, lr=0.1, max_steps=3, tolerance=0.001, keep=10000)
    for step in trace:
        print(step.k, step.point, step.loss, step.gradient)
    print(trace.message)
    <BLANKLINE>
    """

    formula: str
    start: float | tuple[float, ...]
    optimizer: OptimizerRecipe = field(default_factory=lambda: OptimizerRecipe("BatchGradientDescent"))
    max_steps: int = 100
    tolerance: float = 1e-3
    keep: int = 10_000

    def __post_init__(self) -> None:
        check_options(self.max_steps, self.tolerance)
        check_keep(self.keep)
        given = problem(formula(self.formula), self.start)
        if not isinstance(self.optimizer, OptimizerRecipe):
            raise OptionError(
                f"optimizer must be a recipe, such as OptimizerRecipe('SGD', {{'lr': 0.1}}), but is {self.optimizer!r}."
            )
        if "batch_size" in self.optimizer.options:
            raise OptionError("A formula has no examples, so that its optimizer takes no batch_size. Leave it out.")
        numbers = given.start.tolist()
        object.__setattr__(self, "formula", given.formula)
        object.__setattr__(self, "start", tuple(numbers) if isinstance(numbers, list) else numbers)
        object.__setattr__(self, "tolerance", float(self.tolerance))

    @classmethod
    def of(cls, formula: str, start: float | tuple[float, ...], lr: float = 0.1) -> FormulaExperiment:
        """Describe plain gradient descent at a learning rate.

        >>> FormulaExperiment.of("x**2", -6.0, lr=0.5).run().points.tolist()
        [-6.0, 0.0]
        """
        return cls(formula, start, OptimizerRecipe("BatchGradientDescent", {"lr": lr}))

    def run(self) -> Trace:
        """Make the descent, and give its trace: each time the same."""
        return minimize(
            self.formula,
            self.start,
            optimizer=self.optimizer,
            max_steps=self.max_steps,
            tolerance=self.tolerance,
            keep=self.keep,
        )

    def script(self) -> str:
        """Write a Python program that makes the same descent and prints every step in full."""
        plain = self.optimizer.name == "BatchGradientDescent"
        mover = f"lr={self.optimizer.options['lr']!r}" if plain else f"optimizer=lambda p: {self.optimizer.source('p')}"
        start = self.start if isinstance(self.start, float) else list(self.start)
        budget = [f"max_steps={self.max_steps}", f"tolerance={self.tolerance!r}", f"keep={self.keep}"]
        arguments = [f'"{self.formula}"', f"start={start!r}", mover, *budget]
        call = ", ".join(arguments)
        if len(call) > 100:
            call = "".join(f"\n    {argument}," for argument in arguments) + "\n"
        numbers = "step.point, step.loss, step.gradient"
        if not isinstance(start, float):
            numbers = "*step.point.tolist(), step.loss, *step.gradient.tolist()"
        return "\n".join(
            [
                "import tinygrad_edu as tg",
                *([] if plain else ["from tinygrad_edu import optim"]),
                "",
                f"trace = tg.minimize({call})",
                "for step in trace:",
                f"    print(step.k, {numbers})",
                "print(trace.message)",
                "",
            ]
        )
