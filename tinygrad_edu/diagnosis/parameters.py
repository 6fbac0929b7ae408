"""Whether model, optimizer and loss belong together: what is trained, what is reached, what is pulled to 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.diagnosis.case import norm
from tinygrad_edu.diagnosis.findings import Finding, number, plural
from tinygrad_edu.nn.layers import Dropout
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.nn.normalization import BatchNorm1d, BatchNorm2d
from tinygrad_edu.optim.adam import AdamW
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinygrad_edu.diagnosis.case import Case, Made, Pass

__all__ = ["about_decay", "about_modes", "about_nonlinearity", "about_parameters", "about_reach"]

_SHAPING = frozenset(("reshape", "squeeze", "expand_dims", "transpose", "swapaxes", "astype", "identity"))


def about_parameters(case: Case) -> Iterator[Finding]:
    """Find parameters that the optimizer does not have, has too many of, or that are frozen; and mixed precision."""
    kind = type(case.optimizer).__name__
    optimized = {id(p) for p in case.optimizer.parameters}
    missing = [name for name, p in case.trained.items() if id(p) not in optimized]
    own = {id(p) for p in case.parameters.values()}
    if isinstance(case.loss, Module):  # one with a temperature to learn, say
        own |= {id(p) for p in case.loss.parameters()}
    foreign = [p for p in case.optimizer.parameters if id(p) not in own]
    again = f"Make the optimizer after the model, from all of it: optim.{kind}(model.parameters(), ...)."
    if missing:
        count = plural(sum(case.parameters[name].size for name in missing), "number")
        yield Finding(
            "parameters-not-optimized",
            "error" if len(missing) == len(case.trained) else "warning",
            f"{_names(missing)} ({count}) {'asks' if len(missing) == 1 else 'ask'} for gradients, but {kind} does not "
            f"have {'it' if len(missing) == 1 else 'them'}: no update changes "
            f"{'it' if len(missing) == 1 else 'them'}.",
            f"{again} Parameters that are to stay as they are: p.requires_grad = False.",
            {"missing": float(len(missing))},
        )
    if foreign:
        yield Finding(
            "foreign-parameters",
            "error" if len(foreign) == len(case.optimizer.parameters) else "warning",
            f"{len(foreign)} of the {plural(len(case.optimizer.parameters), 'parameter')} of {kind} are no part of "
            f"this model, as after the model was made anew.",
            again,
            {"foreign": float(len(foreign))},
        )
    if not case.trained:
        what = "has no parameters" if not case.parameters else "holds frozen parameters alone"
        yield Finding(
            "no-trained-parameters",
            "error",
            f"The model {what}: there is nothing to train.",
            "Write nn.Parameter(...) for what is to be learned, or p.requires_grad = True for what is frozen.",
        )
        return
    frozen = [name for name, p in case.parameters.items() if not p.tracked]
    if frozen:
        yield Finding(
            "frozen-parameters",
            "note",
            f"{_names(frozen)} {'asks' if len(frozen) == 1 else 'ask'} for no gradient, and "
            f"{'stays as it is' if len(frozen) == 1 else 'stay as they are'}.",
            "If that is not meant: for p in model.parameters(): p.requires_grad = True.",
            {"frozen": float(len(frozen))},
        )
    dtypes = sorted({str(p.dtype) for p in case.parameters.values()})
    if len(dtypes) > 1:
        yield Finding(
            "mixed-precision",
            "warning",
            f"The parameters are {' and '.join(dtypes)}: what they compute together takes the wider, and its time.",
            "Make them alike: for p in model.parameters(): p.data = p.data.astype(np.float32).",
            {"dtypes": float(len(dtypes))},
        )


def about_reach(found: Pass) -> Iterator[Finding]:
    """Find parameters to which no gradient flows, or one that is no number."""
    broken = [name for name, g in found.gradients.items() if g is not None and not np.isfinite(g).all()]
    if broken and np.isfinite(found.loss.array).all():
        yield Finding(
            "gradient-not-finite",
            "error",
            f"The loss is {number(found.loss.item())}, but the gradient of {_names(broken)} is infinite or no number: "
            f"somewhere between them lies a slope that does not exist, as that of the square root at 0.",
            "Find the operation: with tg.detect_anomaly(infinite=True): loss(model(X), y).backward(). Keep its input "
            "away from there, as in tg.sqrt(x + 1e-12).",
            {"parameters": float(len(broken))},
        )
    lost = [name for name, gradient in found.gradients.items() if gradient is None]
    if not lost:
        return
    if len(lost) == len(found.gradients):
        yield Finding(
            "no-gradient",
            "error",
            "The loss was computed from no parameter: not one gradient arrives.",
            "Let forward compute with Tensors throughout: no .numpy(), .detach(), tg.tensor(...) or no_grad() between "
            "parameters and loss.",
        )
        return
    yield Finding(
        "unreached-parameters",
        "warning",
        f"No gradient arrives at {_names(lost)}: the loss does not depend on {'it' if len(lost) == 1 else 'them'}.",
        "Use the layer in forward, or leave it out; .detach(), .numpy() and no_grad() cut the way too. "
        "tg.why(parameter) after backward() names the place.",
        {"unreached": float(len(lost))},
    )


def about_nonlinearity(found: Pass) -> Iterator[Finding]:
    """Find linear layers that follow each other with nothing between: together they are one linear layer."""
    made_by = {made.node.order: made for made in found.made}
    for made in found.made:
        source = _source(made, made_by)
        while source is not None and source.order in made_by:
            before = made_by[source.order]
            if before.op in _SHAPING or _adds_bias(before):
                source = before.inputs[0]
                continue
            if _source(before, made_by) is not None:
                yield _linear_twice(before, made)
            break


def _source(made: Made, made_by: dict[int, Made]) -> Node | None:
    """Give what a linear layer is applied to; None for what is no linear layer."""
    if made.op not in ("linear", "conv", "matmul") or not _is_weight(made.inputs[1], made_by):
        return None
    first = made.inputs[0]
    return first if isinstance(first, Node) and not isinstance(first, Parameter) else None


def _is_weight(x: Any, made_by: dict[int, Made]) -> bool:
    """Whether it is a parameter, or one laid out anew, as in x @ weight.T."""
    while isinstance(x, Node) and x.order in made_by and made_by[x.order].op in _SHAPING:
        x = made_by[x.order].inputs[0]
    return isinstance(x, Parameter)


def _adds_bias(made: Made) -> bool:
    return made.op == "add" and len(made.inputs) > 1 and isinstance(made.inputs[1], Parameter)


def _linear_twice(first: Made, second: Made) -> Finding:
    inputs, middle, outputs = (m.shape[-1] for m in (first.inputs[0], first.node, second.node))
    narrow = middle < min(inputs, outputs)
    places = f"model.{first.path} and model.{second.path}"
    if narrow:
        return Finding(
            "no-nonlinearity",
            "note",
            f"Nothing lies between the linear layers {places}: together they are one linear layer of rank {middle}.",
            "If that is not meant, put nn.ReLU() between them.",
            {"rank": float(middle)},
        )
    return Finding(
        "no-nonlinearity",
        "warning",
        f"Nothing lies between the linear layers {places}: together they compute what one linear layer from {inputs} "
        f"to {outputs} does, and their {middle} units in the middle add nothing.",
        "Put nn.ReLU() between them.",
        {"units": float(middle)},
    )


def about_modes(case: Case, modes: dict[str, bool]) -> Iterator[Finding]:
    """Find layers that were left in the mode of prediction.

    Parameters
    ----------
    modes
        Whether each module was in training at first, by path.
    """
    modules = dict(case.model.named_modules())
    kinds = (Dropout, BatchNorm1d, BatchNorm2d)
    left = [path for path, training in modes.items() if not training and isinstance(modules[path], kinds)]
    if left:
        labels = sorted({type(modules[path]).__name__ for path in left})
        yield Finding(
            "left-in-eval-mode",
            "warning",
            f"{plural(len(left), 'layer')} ({', '.join(labels)}) {'is' if len(left) == 1 else 'are'} in the mode of "
            f"prediction: nothing is dropped, and running statistics are used in place of the batch's.",
            "Call model.train() before your training loop, and again after each evaluation (tg.fit does so by itself).",
            {"layers": float(len(left))},
        )


def about_decay(case: Case, found: Pass) -> Iterator[Finding]:
    """Find a weight decay that outweighs the loss."""
    decay = getattr(case.optimizer, "weight_decay", 0.0)
    if not decay:
        return
    weights = norm(p.array for p in case.trained.values())
    pull, slope = decay * weights, found.gradient_norm
    if isinstance(case.optimizer, AdamW):  # its step has about the length √n of n signs, however small the gradient
        slope = float(np.sqrt(sum(p.size for p in case.trained.values())))
    if pull > 3 * slope > 0:
        yield Finding(
            "weight-decay-dominates",
            "warning",
            f"The weight decay of {number(decay)} pulls the weights to 0 with {number(pull)}, and the loss moves them "
            f"with {number(slope)}: they shrink, whatever the examples say.",
            "Write weight_decay=1e-4, or leave it out.",
            {"decay": float(decay), "pull": pull, "gradient": slope},
        )


def _names(names: Sequence[Any]) -> str:
    shown = ", ".join(map(str, names[:3]))
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
