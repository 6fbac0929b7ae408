"""``diagnose``: look a model over before it is trained, and say what will go wrong, with evidence and remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.diagnosis import curvature as curvatures, noise as noises
from tinygrad_edu.diagnosis.case import Case, flat
from tinygrad_edu.diagnosis.data import about_data, about_features, about_targets
from tinygrad_edu.diagnosis.ends import about_ends
from tinygrad_edu.diagnosis.findings import Finding, ordered
from tinygrad_edu.diagnosis.guard import unchanged
from tinygrad_edu.diagnosis.layers import about_activations, about_layers, activations, layers
from tinygrad_edu.diagnosis.learning_rate import about_conditioning, about_learning_rate
from tinygrad_edu.diagnosis.loop import about_batches, about_leftovers, about_step, leftovers
from tinygrad_edu.diagnosis.outputs import about_chance, about_outputs, usual_loss
from tinygrad_edu.diagnosis.parameters import (
    about_decay,
    about_modes,
    about_nonlinearity,
    about_parameters,
    about_reach,
)
from tinygrad_edu.diagnosis.report import Diagnosis, Measurements
from tinygrad_edu.diagnosis.trial import attempt
from tinygrad_edu.errors import DataError, GraphError, OptionError, ShapeError, TinygradEduError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.optim.optimizer import Optimizer, check_whole
from tinygrad_edu.tape import mode
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.diagnosis.case import Pass

__all__ = ["diagnose"]

_BUDGET = 2_000_000  # numbers that a pass for the curvature may compute: about 10 ms in a network of linear layers
_FEWEST = 16  # examples, gradients and updates of even the largest network
_GRADIENTS = 64  # of single examples, for the noise
_UPDATES = 32  # that are tried


def diagnose(
    model: Module,
    loss: Callable[[Tensor, Any], Tensor],
    X: ArrayLike,
    y: ArrayLike,
    optimizer: Optimizer,
    *,
    step: Callable[[NDArray[Any], NDArray[Any]], Any] | None = None,
    sample: int = 512,
    seed: int = 0,
) -> Diagnosis:
    """Look a model over as it is now, before or in the midst of training, and say what will go wrong.

    It goes forward and back once, measures the curvature of the loss, the noise of the gradient and the signals of
    every layer, and tries a few updates. Model, optimizer, gradients, modes and generators are afterwards as they were.

    Parameters
    ----------
    model, loss, X, y, optimizer
        As for `tinygrad_edu.fit`. Hooks are not called meanwhile.
    step
        Your own training loop's step, if you write one: called twice with a batch (X, y), to see whether it forgets old
        gradients and changes the weights. What it keeps outside of model and optimizer, such as a schedule, is its
        own.
    sample
        How many examples the costly parts take; those of a large network take fewer.
    seed
        For the sample, and all else that is random.

    Returns
    -------
    Findings, the worst first, and measurements. It is true if there is nothing worse than a note.

    Raises
    ------
    OptionError
        If an argument is of another kind than is needed.
    ShapeError, DtypeError, DataError
        If X and y are of different lengths, hold no numbers, or are empty.
    GraphError
        Under ``no_grad()``, or within a step that is being compiled.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> X = np.linspace(-1, 1, 20, dtype=np.float32).reshape(-1, 1)
    >>> model = tg.nn.Linear(1, 1, rng=np.random.default_rng(0))
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=1.5)
    >>> diagnosis = diagnose(model, tg.nn.MSELoss(), X, 3 * X, descent)
    >>> diagnosis.healthy
    False
    >>> diagnosis["learning-rate-too-large"].evidence
    'The learning rate 1.5 > 2/λ = 1, with the largest curvature λ = 2: expect divergence. ...'
    """
    _check(model, loss, optimizer, step)
    examples, targets = as_array(X), as_array(y)
    if examples.ndim == 0 or targets.ndim == 0 or len(examples) != len(targets):
        raise ShapeError(
            f"diagnose needs one target for each example, but X has shape {examples.shape} and y {targets.shape}. "
            f"Lay both out with the examples along the first axis."
        )
    if len(examples) == 0:
        raise DataError("diagnose needs examples to look at, but X is empty. Pass some of the training data.")
    sample = check_whole("sample", sample)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise OptionError(f"seed must be a whole number from 0 on, but is {seed!r}.")
    modes = {path: module.training for path, module in model.named_modules()}
    with unchanged(model, loss, optimizer):
        case = Case(model, loss, optimizer, examples, targets, sample=sample, rng=np.random.default_rng(seed))
        return _Examination(case, modes, step).run()


def _check(model: Any, loss: Any, optimizer: Any, step: Any) -> None:
    if not isinstance(model, Module):
        raise OptionError(f"model must be one such as nn.MLP(64, [32], 10), but is {model!r}.")
    if isinstance(loss, type) or not callable(loss):
        raise OptionError(f"loss must be a function or an object such as nn.MSELoss(), but is {loss!r}.")
    if not isinstance(optimizer, Optimizer):
        raise OptionError(f"optimizer must be one such as optim.SGD(model.parameters()), but is {optimizer!r}.")
    if step is not None and not callable(step):
        raise OptionError(f"step must be a function of a batch (x, y) that makes an update, but is {step!r}.")
    if mode.capture is not None or not mode.recording:
        where = "in a step that is being compiled" if mode.capture is not None else "under no_grad()"
        raise GraphError(f"diagnose computes gradients of its own, and cannot {where}. Call it outside.")


class _Examination:
    """One examination: findings and measurements as they come, from what needs least to what needs most."""

    def __init__(self, case: Case, modes: dict[str, bool], step: Callable[..., Any] | None) -> None:
        self.case, self.modes, self.step = case, modes, step
        self.held = leftovers(case)
        self.findings: list[Finding] = []
        self.measured = Measurements(
            n_examples=len(case.X),
            n_sampled=len(case.xs),
            n_parameters=sum(p.size for p in case.trained.values()),
        )

    def run(self) -> Diagnosis:
        """Go through it; where something makes the rest meaningless, stop there."""
        self._look()
        return Diagnosis(ordered(self.findings), self.measured)

    def _add(self, findings: Iterable[Finding]) -> bool:
        """Take findings up, and say whether there is an error among them."""
        new = list(findings)
        self.findings += new
        return any(finding.severity == "error" for finding in new)

    def _note(self, **measured: Any) -> None:
        self.measured = replace(self.measured, **measured)

    def _look(self) -> None:
        case = self.case
        self._add(about_modes(case, self.modes))
        self._add(about_parameters(case))
        if self._add(about_data(case)) or not case.trained:
            return
        found = self._pass()
        if found is None:
            return
        self._note(n_sampled=len(case.xs))
        self._add(about_reach(found))
        self._add(about_nonlinearity(found))
        self._add(about_features(case, found))
        self._add(about_targets(case, found))
        self._add(about_chance(case, found))
        self._add(about_decay(case, found))
        self._note(loss=found.loss.item(), gradient_norm=found.gradient_norm)
        if np.isfinite(found.gradient_norm) and any(g is not None for g in found.gradients.values()):
            self._measure(found)

    def _pass(self) -> Pass | None:
        """Go forward and back; None, with a finding, where that cannot be done."""
        case = self.case
        try:
            prediction, made = case.forward()
        except TinygradEduError as error:
            self.findings.append(_fails("model-fails", "The model cannot compute the examples", error))
            return None
        wrong = self._add([*about_outputs(case, prediction), *about_ends(case, prediction)])
        try:
            with case.measuring():
                found = case.back(prediction, made)
        except TinygradEduError as error:
            if not wrong:
                self.findings.append(_fails("loss-fails", "The loss cannot be computed", error))
            return None
        if not isinstance(found.loss, Tensor) or found.loss.size != 1:
            what = f"shape {found.loss.shape}" if isinstance(found.loss, Tensor) else type(found.loss).__name__
            self.findings.append(
                Finding(
                    "loss-no-number",
                    "error",
                    f"The loss must be a Tensor of a single number, but is of {what}.",
                    'Take its mean: reduction="mean", or loss.mean().',
                )
            )
            return None
        return found

    def _measure(self, found: Pass) -> None:
        case = self.case
        rows = layers(case, found)
        units = activations(found)
        self._note(layers=rows, activations=units)
        self._add(about_layers(case, found, rows))
        self._add(about_activations(units, len(case.xs)))
        whole = flat(list(found.gradients.values()), list(case.trained.values()))
        cost = case.cost(found)
        X, y = case.some(max(_FEWEST, _BUDGET // cost))
        with case.measuring():
            most = max(_FEWEST, min(_GRADIENTS, 8 * _BUDGET // len(whole)))
            noise = self._unless_refused(lambda: noises.measure(case, whole, most=most))
            curvature = self._unless_refused(lambda: curvatures.measure(case, X, y))
        self._note(noise=noise, curvature=curvature)
        with unchanged(case.model, case.loss, case.optimizer):
            self._add(about_leftovers(case, found, self.held))
        self._add(about_batches(case, noise))
        if curvature is not None:
            self._note(
                stable_learning_rate=curvatures.stable_learning_rate(case.optimizer, curvature.largest),
                expected_updates=curvatures.updates_needed(case.optimizer, curvature),
            )
        self._add(about_conditioning(case.optimizer, curvature))
        self._try(found, X, y, cost)

    def _try(self, found: Pass, X: NDArray[Any], y: NDArray[Any], cost: int) -> None:
        """Try the user's own step, then the updates that fit would make."""
        case = self.case
        if self.step is not None:
            with unchanged(case.model, case.loss, case.optimizer):
                self._add(about_step(case, self.step))
        reached = {id(case.parameters[name]) for name, g in found.gradients.items() if g is not None}
        trial = None
        if any(id(p) in reached for p in case.optimizer.parameters) and case.optimizer.lr > 0:
            updates = max(_FEWEST, min(_UPDATES, 20 * _BUDGET // (cost * (min(case.batch_size, len(X)) + len(X) // 4))))
            trial = self._unless_refused(lambda: attempt(case, X, y, updates))
        self._note(trial=trial)
        usual = usual_loss(case, found.prediction) if isinstance(found.prediction, Tensor) else 0.0
        self._add(about_learning_rate(case.optimizer, self.measured.curvature, trial, usual))

    def _unless_refused(self, measure: Callable[[], Any]) -> Any:
        """Measure; where the model refuses, as a layer may that needs several examples, note that and go on."""
        try:
            return measure()
        except TinygradEduError as error:
            self.findings.append(
                Finding(
                    "not-measured",
                    "note",
                    f"One measurement could not be made: {error}",
                    "The other findings hold all the same.",
                )
            )
            return None


def _fails(name: str, what: str, error: TinygradEduError) -> Finding:
    sentences = str(error)
    return Finding(name, "error", f"{what}: {sentences}", "Mend what this says, and call diagnose again.")
