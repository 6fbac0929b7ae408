"""Layer by layer: how large activations and gradients are, and which units are dead, stuck or all alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff.recording import pull_all
from tinygrad_edu.diagnosis.case import norm
from tinygrad_edu.diagnosis.findings import Finding, number, plural
from tinygrad_edu.nn.module import Module, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case, Made, Pass
    from tinygrad_edu.diagnosis.findings import Severity

__all__ = ["Activation", "Layer", "about_activations", "about_layers", "activations", "layers"]

_FADING = 1e-3  # of the last layer's signal is left at the first
_ENOUGH = 16  # examples, before a unit that is never active counts as dead


@dataclass(frozen=True)
class Layer:
    """A module that holds parameters of its own.

    Parameters
    ----------
    path
        Where it is in the model, such as ``"0"``.
    label
        How it words itself, such as ``"Linear 64→10"``.
    activation
        The root mean square of what it gives.
    signal
        The Euclidean norm of the loss's gradient by what it gives, over the whole sample: what arrives on the way back.
    weight_norm, gradient_norm
        Of its parameters, and of their gradients.
    """

    path: str
    label: str
    activation: float
    signal: float
    weight_norm: float
    gradient_norm: float


@dataclass(frozen=True)
class Activation:
    """A place where units may be dead or stuck.

    Parameters
    ----------
    path
        Of the module that computes it, or of the one around a function.
    kind
        "relu", "tanh" or "sigmoid".
    units
        How many there are: entries of axis 1, which are channels in a convolutional network.
    dead
        The share of units that give 0 for every example of the sample (relu).
    saturated
        The share of values within 0.01 of the ends, where the slope is nearly 0 (tanh, sigmoid).
    """

    path: str
    kind: str
    units: int
    dead: float
    saturated: float


def layers(case: Case, found: Pass) -> tuple[Layer, ...]:
    """Measure every layer, in the order in which they compute."""
    last: dict[str, Made] = {made.path: made for made in found.made if made.path is not None and made.node.tracked}
    modules = {path: (module, own) for path, module in case.model.named_modules() if (own := _own(module))}
    there = [(path, last[path].node) for path in sorted(last, key=lambda p: last[p].node.order) if path in modules]
    signals = pull_all([found.loss], [np.ones_like(found.loss.array)], [node for _, node in there], create_graph=False)
    names = {id(p): name for name, p in case.parameters.items()}
    rows = []
    for (path, node), signal in zip(there, signals, strict=True):
        module, own = modules[path]
        gradients = [found.gradients.get(names.get(id(p), "")) for p in own]
        rows.append(
            Layer(
                path=path,
                label=module._label(),  # noqa: SLF001 - how modules word themselves in messages
                activation=float(np.sqrt(np.mean(np.square(node.array, dtype=np.float64)))),
                signal=0.0 if signal is None else norm([signal]),
                weight_norm=norm(p.array for p in own),
                gradient_norm=norm(g for g in gradients if g is not None),
            )
        )
    return tuple(rows)


def _own(module: Module) -> list[Parameter]:
    return [value for value in vars(module).values() if isinstance(value, Parameter)]


def activations(found: Pass) -> tuple[Activation, ...]:
    """Measure every relu, tanh and sigmoid but the last of the model, whose values are the prediction."""
    rows = []
    for made in found.made:
        if made.op not in ("relu", "tanh", "sigmoid") or made.path is None or made.node is found.prediction:
            continue
        y = made.node.array
        if y.ndim < 2 or not y.size:
            continue
        dead = saturated = 0.0
        if made.op == "relu":
            dead = float(np.mean(~(y > 0).any(axis=(0, *range(2, y.ndim)))))
        else:
            low = -1.0 if made.op == "tanh" else 0.0
            saturated = float(np.mean((y < low + 0.01) | (y > 0.99)))
        rows.append(Activation(made.path, made.op, y.shape[1], dead, saturated))
    return tuple(rows)


# ------------------------------------------------------------------------------------------- findings
def about_layers(case: Case, found: Pass, measured: tuple[Layer, ...]) -> Iterator[Finding]:
    """Find gradients that fade or grow from layer to layer, and units that are all alike."""
    alike = list(_alike(case, found))
    yield from alike
    if len(measured) < 2 or alike:
        return
    first, last = measured[0], measured[-1]
    if not (np.isfinite(first.signal) and first.signal > 0 and last.signal > 0):
        return
    ratio = first.signal / last.signal
    course = (
        f"from {number(last.signal)} at the last layer (model.{last.path}, {last.label}) to {number(first.signal)} at "
        f"the first (model.{first.path}, {first.label})"
    )
    values = {"ratio": ratio, "first": first.signal, "last": last.signal}
    if ratio < _FADING:
        yield Finding(
            "vanishing-gradients",
            "warning",
            f"On its way back the gradient shrinks {number(1 / ratio)} times, {course}: the first layers hardly learn.",
            "Use nn.ReLU() with init=nn.init.kaiming_normal, put nn.BatchNorm1d or nn.LayerNorm between the layers, or "
            "use fewer of them.",
            values,
        )
    elif ratio > 1 / _FADING:
        yield Finding(
            "exploding-gradients",
            "warning",
            f"On its way back the gradient grows {number(ratio)} times, {course}: one step ruins the first layers.",
            "Draw smaller weights, as init=nn.init.kaiming_normal does for ReLU and nn.init.xavier_uniform for tanh, "
            "or put nn.BatchNorm1d or nn.LayerNorm between the layers.",
            values,
        )


def _alike(case: Case, found: Pass) -> Iterator[Finding]:
    """Find layers whose units begin alike and are given the same gradient, so that they stay alike."""
    for name, weight in case.trained.items():
        gradient = found.gradients[name]
        if weight.ndim < 2 or len(weight) < 2 or gradient is None:
            continue
        if _same_rows(weight.array) and _same_rows(gradient):
            what = "are all 0" if not weight.array.any() else "are the same for each unit"
            yield Finding(
                "identical-units",
                "error",
                f"The weights of {name} {what}, and so are their gradients: its {len(weight)} units compute the same "
                f"and stay alike for ever, as good as one.",
                "Draw random weights: nn.Linear(..., init=nn.init.kaiming_normal), or leave init out.",
                {"units": float(len(weight))},
            )


def _same_rows(array: NDArray[Any]) -> bool:
    spread = np.abs(array - array[:1]).max()
    return bool(spread <= 1e-6 * np.abs(array).max())


def about_activations(measured: tuple[Activation, ...], n_examples: int) -> Iterator[Finding]:
    """Find dead and saturated units, the worst place of each kind."""
    relus = [a for a in measured if a.kind == "relu"]
    if relus and n_examples >= _ENOUGH:
        yield from _dead(max(relus, key=lambda a: a.dead), n_examples)
    stuck = max((a for a in measured if a.kind != "relu"), key=lambda a: a.saturated, default=None)
    if stuck is not None and stuck.saturated > 0.5:
        yield Finding(
            "saturated-units",
            "warning",
            f"{stuck.saturated:.0%} of the values of {stuck.kind} in {_place(stuck)} lie within 0.01 of its ends, "
            f"where the slope is nearly 0: little gradient passes.",
            "Standardise the features (X = tg.data.standardize(X)), draw smaller weights "
            "(init=nn.init.xavier_uniform), or use nn.ReLU().",
            {"share": stuck.saturated},
        )


def _dead(worst: Activation, n_examples: int) -> Iterator[Finding]:
    n = round(worst.dead * worst.units)
    if worst.dead <= 0.1:
        return
    severity: Severity = "error" if n == worst.units else "warning" if worst.dead > 0.75 else "note"
    yield Finding(
        "dead-relu",
        severity,
        f"{worst.dead:.0%} of the units of {_place(worst)} ({n} of {worst.units}) give 0 for each of "
        f"{plural(n_examples, 'example')}: no gradient passes them, and they do not learn.",
        ("Nothing has to change, unless their share grows. " if severity == "note" else "")
        + "Use nn.LeakyReLU(), a smaller learning rate, biases that begin at 0, or init=nn.init.kaiming_normal; and "
        "standardise the features.",
        {"share": worst.dead, "dead": float(n), "units": float(worst.units)},
    )


def _place(activation: Activation) -> str:
    return f"model.{activation.path}" if activation.path else "the model"
