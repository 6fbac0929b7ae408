"""The training loop: gradients that were never forgotten, steps that change nothing, batches that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff.recording import pull_all
from tinygrad_edu.diagnosis.case import flat, norm
from tinygrad_edu.diagnosis.findings import Finding, number, plural
from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.random import default_rng
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case, Pass
    from tinygrad_edu.diagnosis.noise import Noise

__all__ = ["about_batches", "about_leftovers", "about_step", "leftovers"]

_ACCUMULATED = 3.0  # times what one batch gives
_FRESH = 16  # batches to compare with


def leftovers(case: Case) -> dict[str, NDArray[Any]]:
    """Copy the gradients that the parameters hold already."""
    return {name: p.grad.array.copy() for name, p in case.trained.items() if p.grad is not None}


def about_leftovers(case: Case, found: Pass, held: dict[str, NDArray[Any]]) -> Iterator[Finding]:
    """Find gradients that are too large to come from one batch.

    A gradient that is still there after a step is usual, for the next pass may forget it first. What is several times
    longer than the longest of some fresh batches was added up over many. The caller puts the model's buffers back.

    Parameters
    ----------
    held
        The gradients that were there at first, by name.
    """
    names = [name for name in held if found.gradients.get(name) is not None]
    there = norm(held[name] for name in names)
    if there <= _ACCUMULATED * norm(found.gradients[name] for name in names):
        return
    case.model.train()
    size = len(case.X) % case.batch_size or case.batch_size  # the last batch of an epoch, whose gradient is noisier
    size = min(size, len(case.xs))
    lengths = []
    for _ in range(_FRESH):
        rows = case.rng.choice(len(case.xs), size, replace=False)
        loss = case.scaled(case.loss(case.predict(case.xs[rows]), case.ys[rows]), size)
        gradients = dict(zip(case.trained, case.pulled(loss), strict=True))
        lengths.append(norm(g for name in names if (g := gradients[name]) is not None))
    times = there / max(lengths) if max(lengths) > 0 else 0.0
    if times > _ACCUMULATED:
        yield Finding(
            "forgotten-zero-grad",
            "warning",
            f"The parameters hold gradients of length {number(there)}, and those of {_FRESH} fresh batches reach "
            f"{number(max(lengths))} at most, {number(times)} times less: the gradients of many batches were added up.",
            "Call optimizer.zero_grad() before loss.backward() in each pass of the loop, and hand your step to "
            "diagnose(..., step=step) to be sure.",
            {"held": there, "fresh": max(lengths), "times": times},
        )


def about_step(case: Case, step: Callable[[NDArray[Any], NDArray[Any]], Any]) -> Iterator[Finding]:
    """Call a step of the user's own training loop twice on one batch, and see what it did.

    Parameters
    ----------
    step
        Called with a batch (X, y): computes the loss, goes backward and makes an update.
    """
    xb, yb = case.xs[: case.batch_size], case.ys[: case.batch_size]
    weights = list(case.trained.values())
    before = [p.array.copy() for p in weights]
    case.model.train()
    try:
        step(xb, yb)
        first = flat([p.grad.array if p.grad is not None else None for p in weights], weights)
        fresh = _fresh(case, xb, yb)
        moved = norm(p.array - b for p, b in zip(weights, before, strict=True))
        step(xb, yb)
    except TinygradEduError as error:
        yield Finding("step-fails", "error", f"The step raised {type(error).__name__}: {error}", _HOW)
        return
    second = flat([p.grad.array if p.grad is not None else None for p in weights], weights)
    # A step may be lost in rounding: that is for the learning rate to say.
    if moved == 0 and (not first.any() or case.optimizer.lr * norm([first]) > 1e-6 * norm(before)):
        why = "they hold a gradient, which was not used" if first.any() else "they hold no gradient either"
        call = "optimizer.step()" if first.any() else "loss.backward() and optimizer.step()"
        yield Finding(
            "step-changes-nothing",
            "error",
            f"The step left every weight as it was: {why}.",
            f"Call {call} in it.",
        )
    scale = np.linalg.norm(first)
    if scale and _near(second, first + fresh, scale) and not _near(second, fresh, scale):
        yield Finding(
            "forgotten-zero-grad",
            "error",
            f"After a second step on the same batch the gradient has the length {number(float(np.linalg.norm(second)))}"
            f", and that batch alone gives {number(float(np.linalg.norm(fresh)))}: the first one "
            f"({number(float(scale))}) was added to it.",
            "Call optimizer.zero_grad() before loss.backward() in the step.",
            {"held": float(np.linalg.norm(second)), "fresh": float(np.linalg.norm(fresh))},
        )


_HOW = "A step is: loss = criterion(model(x), y); optimizer.zero_grad(); loss.backward(); optimizer.step()."


def _fresh(case: Case, xb: NDArray[Any], yb: NDArray[Any]) -> NDArray[Any]:
    """Compute the gradient that the next step will find, with the numbers that it will draw."""
    generators = {
        id(g): g for m in case.model.named_modules() for g in vars(m[1]).values() if isinstance(g, np.random.Generator)
    }
    generators[0] = default_rng()
    states = [(g, g.bit_generator.state) for g in generators.values()]
    buffers = [(t, t.array.copy()) for _, t in case.model._named_tensors()]  # noqa: SLF001 - a friend
    weights = list(case.trained.values())
    loss = case.loss(case.model(Tensor(xb)), yb)
    found = pull_all([loss], [np.ones_like(loss.array)], weights, create_graph=False)
    for g, state in states:
        g.bit_generator.state = state
    for tensor, array in buffers:
        tensor.array[...] = array
    return flat([None if g is None else np.asarray(g) for g in found], weights)


def _near(a: NDArray[Any], b: NDArray[Any], scale: Any) -> bool:
    return bool(np.linalg.norm(a - b) <= 1e-3 * scale)


def about_batches(case: Case, noise: Noise | None) -> Iterator[Finding]:
    """Find batches larger than the data, and such as are far from what the noise suggests."""
    asked, n = case.optimizer.batch_size, len(case.X)
    if asked is not None and asked > n:
        yield Finding(
            "batch-larger-than-data",
            "error",
            f"The optimizer asks for batches of {asked:,}, but there {'is' if n == 1 else 'are'} "
            f"{plural(n, 'example')}: tg.fit refuses that.",
            f"Write batch_size={n} or less, or batch_size=None for all examples at once.",
            {"batch_size": float(asked), "examples": float(n)},
        )
        return
    if noise is None or noise.squared_gradient <= 0:
        return
    b, scale = case.batch_size, noise.scale
    if b > 10 * scale and b > 10 * noise.batch_size:
        yield Finding(
            "large-batch",
            "note",
            f"The noise scale is {number(scale)}, and a batch has {plural(b, 'example')}: the gradient is nearly "
            f"exact, and smaller batches would make more updates from as many examples.",
            f"Try batch_size={noise.batch_size} while the loss falls fast; the noise scale grows in training.",
            {"scale": scale, "batch_size": float(b)},
        )
    elif b * 10 < min(scale, n):
        yield Finding(
            "small-batch",
            "note",
            f"The noise scale is {number(scale)}, and a batch has {plural(b, 'example')}: a step is mostly noise, and "
            f"a larger batch could take longer ones.",
            f"Try batch_size={noise.batch_size}, and a larger learning rate with it.",
            {"scale": scale, "batch_size": float(b)},
        )
