"""What curvature and trial say of the learning rate: too large, too small, or on the edge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_edu.diagnosis.curvature import stable_learning_rate, updates_needed
from tinygrad_edu.diagnosis.findings import Finding, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.diagnosis.curvature import Curvature
    from tinygrad_edu.diagnosis.trial import Trial
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["about_conditioning", "about_learning_rate"]

_CRAWLING = 1 / 1000  # of the largest stable learning rate
_CRAWLING_STEP = 1e-6  # of the weights' length, where there is no such limit
_ILL_CONDITIONED = 1000


def about_learning_rate(
    optimizer: Optimizer, curvature: Curvature | None, trial: Trial | None, usual: float
) -> Iterator[Finding]:
    """Find a learning rate that is 0, too large, beyond the limit and yet working, or too small.

    Theory and trial are held against each other. The limit 2/λ belongs to a bowl whose curvature is the same
    everywhere: there it is the whole truth. A network that is thrown out of a steep valley may come to rest in a
    flatter one, so there the trial decides, and a limit that is passed while the loss falls without a jump is a note.

    Parameters
    ----------
    usual
        The loss of a model that knows nothing: a rise of less than a twentieth of it is the noise of the updates.
    """
    lr = optimizer.lr
    if lr == 0:
        yield Finding(
            "learning-rate-zero",
            "error",
            "The learning rate is 0, so that no update changes anything.",
            "Set optimizer.lr = 0.01, or look for the schedule that has brought it down to 0.",
            {"lr": 0.0},
        )
        return
    limit = None if curvature is None else stable_learning_rate(optimizer, curvature.largest)
    beyond = limit is not None and lr > limit
    diverged = trial is not None and trial.diverged(usual / 20)
    # After a jump the loss may fall, and yet the network be lost: units that are dead, and an output that is constant.
    rising = trial is not None and (trial.rose(usual / 20) or trial.jumped(usual))
    if diverged or (beyond and (rising or (curvature is not None and curvature.quadratic))):
        yield _too_large(optimizer, curvature, limit, trial)
    elif beyond and limit is not None and curvature is not None:
        yield Finding(
            "edge-of-stability",
            "note",
            f"{_limit(optimizer, curvature, limit)}, and yet the loss falls{_course(trial)}: the descent leaves the "
            f"steep valley for a flatter one, as networks do.",
            f"Nothing has to change; should the loss jump, set optimizer.lr = {_round(limit / 2)}.",
            {"lr": lr, "limit": limit, "curvature": curvature.largest},
        )
    elif trial is not None and _crawls(lr, limit, trial):
        yield _too_small(lr, limit, trial)


def _too_large(optimizer: Optimizer, curvature: Curvature | None, limit: float | None, trial: Trial | None) -> Finding:
    lr = optimizer.lr
    beyond = limit is not None and lr > limit
    values = {"lr": lr}
    if beyond and curvature is not None and limit is not None:
        values |= {"limit": limit, "curvature": curvature.largest}
        evidence = f"{_limit(optimizer, curvature, limit)}: expect divergence"
        better = _round(limit / 2)
    else:
        evidence = f"The learning rate {number(lr)} is too large"
        # A single example may bend the loss far more than their mean does.
        better = _round(min(lr / 10, limit / 2 if limit is not None else math.inf))
    if trial is not None:
        values |= {"before": trial.before, "after": trial.after}
        evidence += f"{':' if not beyond else '. Tried out,'} the loss goes{_course(trial)}"
    weights = "" if beyond else ", or clip the gradient with nn.utils.clip_grad_norm_"
    return Finding("learning-rate-too-large", "error", f"{evidence}.", f"Set optimizer.lr = {better}{weights}.", values)


def _too_small(lr: float, limit: float | None, trial: Trial) -> Finding:
    values = {"lr": lr, "before": trial.before, "after": trial.after, "relative_step": trial.relative_step}
    if limit is not None:
        values["limit"] = limit
        reason = f"the curvature allows up to {number(limit)}"
        better = _round(limit / 4)
    else:
        reason = f"an update changes the weights by {number(trial.relative_step)} of their length, and 0.001 is usual"
        better = _round(lr * min(1e-3 / trial.relative_step, 1e6))
    return Finding(
        "learning-rate-too-small",
        "warning",
        f"The learning rate {number(lr)} is far too small: {reason}. Tried out, the loss goes{_course(trial)}.",
        f"Set optimizer.lr = {better}.",
        values,
    )


def _crawls(lr: float, limit: float | None, trial: Trial) -> bool:
    """Whether the steps are tiny for no reason: the loss hardly falls, and could."""
    if trial.before - trial.settled > 1e-3 * abs(trial.before):
        return False
    return lr < _CRAWLING * limit if limit is not None else trial.relative_step < _CRAWLING_STEP


def _limit(optimizer: Optimizer, curvature: Curvature, limit: float) -> str:
    momentum = getattr(optimizer, "momentum", 0.0)
    decay = getattr(optimizer, "weight_decay", 0.0)
    steepest = "(λ + decay)" if decay else "λ"
    formula = f"2(1+β)/{steepest}" if momentum else f"2/{steepest}"
    if getattr(optimizer, "nesterov", False):
        formula = f"2(1+β)/((1+2β){steepest})"
    also = (f", β = {momentum:g}" if momentum else "") + (f", decay = {decay:g}" if decay else "")
    return (
        f"The learning rate {number(optimizer.lr)} > {formula} = {number(limit)}, with the largest curvature "
        f"λ = {number(curvature.largest)}{also}"
    )


def _course(trial: Trial | None) -> str:
    if trial is None:
        return ""
    end = number(trial.after) if math.isfinite(trial.after) else "infinity"
    by_way = f" by way of {number(trial.highest)}" if trial.peak < trial.highest < math.inf else ""
    return f" from {number(trial.before)}{by_way} to {end} in {trial.updates} updates of {trial.batch_size} examples"


def _round(value: float) -> str:
    """Word a learning rate to set, in one digit."""
    return f"{float(f'{value:.0e}'):g}"


def about_conditioning(optimizer: Optimizer, curvature: Curvature | None) -> Iterator[Finding]:
    """Find a bowl so much longer than wide that the descent zig-zags along it."""
    if curvature is None or curvature.condition_number is None or curvature.least is None:
        return
    kappa = curvature.condition_number
    if kappa < _ILL_CONDITIONED:
        return
    needed = updates_needed(optimizer, curvature)
    takes = ""
    if needed is not None and math.isfinite(needed):
        takes = f": at this learning rate {number(needed)} updates by all examples bring the weights 1,000 times nearer"
    yield Finding(
        "ill-conditioned",
        "warning" if curvature.quadratic else "note",
        f"The loss is curved by {number(curvature.largest)} in one direction and by {number(curvature.least)} in "
        f"another, a condition number of {number(kappa)}, so that a step that is safe in the one is tiny in the "
        f"other{takes}.",
        "Bring the features to one scale: X = tg.data.standardize(X). What is left is cured by momentum "
        "(optim.SGD(..., momentum=0.9)) or optim.Adam.",
        {"condition_number": kappa, "largest": curvature.largest, "least": curvature.least},
    )
