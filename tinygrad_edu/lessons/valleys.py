"""The program of the lesson ``zigzag``: descend through narrow valleys, and through the same ones on one scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "cars",
    "compare_valleys",
    "descend_until_near",
    "examples",
    "roundabout",
    "rows",
    "squared_error",
    "turns_back",
]


def cars() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give the speed in miles per hour and the braking distance in feet of 50 cars (Ezekiel, 1930)."""
    # fmt: off
    speed = [4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 16,
             16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25]
    distance = [2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26, 54,
                32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85]
    # fmt: on
    return np.array(speed, float).reshape(-1, 1), np.array(distance, float)


def examples(data: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give the features (n, features) and the targets (n,), as they were measured."""
    if data == "cars":
        return cars()
    table = tg.data.load(data)
    return table.X.astype(np.float64), table.y.astype(np.float64)


def squared_error(X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Callable[[tg.Tensor], tg.Tensor]:
    """Make the loss of a linear model as a function of its weights, of which the last is the bias."""
    with_ones = np.column_stack([X, np.ones(len(X))])
    return lambda weights: ((with_ones @ weights - y) ** 2).mean()


def descend_until_near(
    f: Callable[[tg.Tensor], tg.Tensor], start: np.ndarray[Any, Any], lowest: float, max_steps: int, near: float
) -> dict[str, Any] | None:
    """Descend with the best constant learning rate of a bowl, 2 / (smallest + largest curvature), until it is near."""
    curvatures = np.linalg.eigvalsh(tg.hessian(f)(start).numpy())
    if not curvatures[0] > 1e-12 * curvatures[-1]:
        return None
    lr = float(2 / (curvatures[0] + curvatures[-1]))
    height_and_slope, point = tg.value_and_grad(f), start
    path: list[tg.learn.Step] = []
    while True:
        height, slope = height_and_slope(point)
        path.append(tg.learn.Step(len(path), point, height.item(), slope.numpy(), None, lr))
        arrived = path[-1].loss - lowest <= near * (path[0].loss - lowest)
        if arrived or len(path) > max_steps or not math.isfinite(path[-1].slope):
            break
        point = point - lr * slope.numpy()
    message = f"Stopped after {len(path) - 1} steps, {'near the lowest point' if arrived else 'and not there yet'}."
    reason = tg.learn.StopReason.TOLERANCE if arrived else tg.learn.StopReason.MAX_STEPS
    return {
        "condition": float(curvatures[-1] / curvatures[0]),
        "lr": lr,
        "trace": tg.learn.Trace(tuple(path), reason, message),
        "arrived": arrived,
        "lowest": lowest,
    }


def compare_valleys(
    formula: str, start: tuple[float, float], data: str, max_steps: int, near: float
) -> dict[str, dict[str, Any]] | str:
    """Descend twice through each valley, as it is and on one scale; or give the name of one that is level somewhere."""
    bowl = tg.learn.formula(formula)
    begin = np.array(start)
    curvatures = np.diag(tg.hessian(lambda p: bowl(*p))(begin).numpy())
    if not (curvatures > 0).all():
        return "formula"
    scale = np.sqrt(curvatures)
    bottom = tg.minimize(lambda u: bowl(*(u / scale)), begin * scale, lr=0.5, max_steps=500, tolerance=1e-12)
    X, y = examples(data)
    standardised = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    with_ones = np.column_stack([standardised, np.ones(len(X))])
    weights, *_ = np.linalg.lstsq(with_ones, y, rcond=None)
    least = float(np.mean((with_ones @ weights - y) ** 2))
    zeros = np.zeros(X.shape[1] + 1)
    valleys = {
        "formula, as it is": (lambda p: bowl(*p), begin, bottom.loss),
        "formula, one scale": (lambda u: bowl(*(u / scale)), begin * scale, bottom.loss),
        f"{data}, as measured": (squared_error(X, y), zeros, least),
        f"{data}, standardised": (squared_error(standardised, y), zeros, least),
    }
    found = {}
    for name, valley in valleys.items():
        descent = descend_until_near(*valley, max_steps, near)
        if descent is None:
            return name
        found[name] = descent
    found["formula, as it is"]["scale"], found["formula, one scale"]["scale"] = np.ones(2), scale
    found["formula, one scale"]["bottom"] = bottom
    return found


def turns_back(valley: dict[str, Any]) -> float:
    """Compute the share of the steps that turn back, by more than a right angle from the step before."""
    steps = np.diff(valley["trace"].points, axis=0)
    return float(np.mean(np.sum(steps[1:] * steps[:-1], axis=1) < 0)) if len(steps) > 1 else 0.0


def roundabout(valley: dict[str, Any]) -> float:
    """Compute how many times longer the path is than the straight line."""
    points = valley["trace"].points
    straight = float(np.linalg.norm(points[-1] - points[0]))
    path = float(np.sum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    return path / straight if straight else 1.0


def rows(valleys: dict[str, dict[str, Any]]) -> list[tuple[str, float, float, int, bool, float, float, float]]:
    """Write down each descent until it was near the bottom."""
    return [
        (
            name,
            valley["condition"],
            valley["lr"],
            valley["trace"].n_steps,
            valley["arrived"],
            turns_back(valley),
            roundabout(valley),
            max(valley["trace"].loss - valley["lowest"], 0.0),
        )
        for name, valley in valleys.items()
    ]
