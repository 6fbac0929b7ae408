"""The program of the lesson ``brute_force``: try a grid, descend on the same function, and count exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np

import tinygrad_edu as tg

__all__ = ["compare_guessing", "descend_network", "rows", "scientific", "try_grid"]


def scientific(value: Fraction) -> str:
    """Write an exact number with three digits: rounded once, and never a float."""
    exponent = len(str(value.numerator)) - len(str(value.denominator))
    if value < Fraction(10) ** exponent:
        exponent -= 1
    digits = round(value / Fraction(10) ** (exponent - 2))
    if digits == 1000:
        digits, exponent = 100, exponent + 1
    return f"{digits // 100}.{digits % 100:02d}e{exponent:+d}"


def try_grid(formula: str, values: int, low: float, high: float, budget: int, seconds: float) -> dict[str, Any]:
    """Try the points of the grid one after another, until all are tried or the budget is used up."""
    f = tg.learn.formula(formula)
    shape = (values,) * len(f.variables)
    axis, total = np.linspace(low, high, values), values ** len(shape)
    tried, least, begin = 0, math.inf, perf_counter()
    while tried < min(total, budget) and perf_counter() - begin < seconds:
        some = np.arange(tried, min(tried + 100_000, total, budget))
        heights = f(*(axis[index] for index in np.unravel_index(some, shape))).numpy()
        least = min(least, float(np.min(heights, initial=math.inf, where=np.isfinite(heights))))
        tried += len(some)
    return {"total": total, "tried": tried, "least": least, "seconds": perf_counter() - begin}


def descend_network(hidden: int, lr: float, good: float, seed: int) -> dict[str, Any]:
    """Train a small network on XOR, and count the steps until its loss is below what is good enough."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    model = tg.nn.MLP(2, (hidden,), 1, activation="tanh", rng=np.random.default_rng(seed))
    descent = tg.optim.BatchGradientDescent(model.parameters(), lr=lr)
    begin = perf_counter()
    history = tg.fit(model, X, y, loss=tg.nn.MSELoss(), optimizer=descent, epochs=500)
    losses = history.losses
    steps = int(np.argmax(losses < good)) if (losses < good).any() else len(losses) - 1
    return {
        "weights": model.num_parameters(),
        "steps": steps,
        "loss": float(losses[steps]),
        "history": history,
        "learned": bool((losses < good).any()),
        "seconds": (perf_counter() - begin) * steps / len(losses),
    }


def compare_guessing(
    *,
    values: int,
    hidden: int,
    operations_per_second: int,
    formulas: tuple[str, ...],
    low: float,
    high: float,
    lr: float,
    network_lr: float,
    good: float,
    seed: int,
    budgets: tuple[int, ...],
    seconds: float = math.inf,
) -> dict[str, Any]:
    """Search each function by trying and by descending; then count what a network would need."""
    grids: list[dict[str, Any]] = [
        {"formula": formula, "weights": len(tg.learn.formula(formula).variables)}
        | try_grid(formula, values, low, high, budget, seconds)
        for formula, budget in zip(formulas, budgets, strict=True)
    ]
    starts = [low if grid["weights"] == 1 else (low,) * grid["weights"] for grid in grids]
    traces = {f: tg.minimize(f, start, lr=lr, max_steps=1000) for f, start in zip(formulas, starts, strict=True)}
    network = descend_network(hidden, network_lr, good, seed)
    return {
        "values": values,
        "operations_per_second": operations_per_second,
        "grids": grids,
        "traces": traces,
        "network": network,
    }


def rows(record: dict[str, Any]) -> list[tuple[int, str, str, str, int, float, int, float]]:
    """Count exactly, with whole numbers: combinations, seconds, years of 365 days."""
    searched = [
        (grid["weights"], grid["tried"], grid["least"], trace.n_steps, trace.loss)
        for grid, trace in zip(record["grids"], record["traces"].values(), strict=True)
    ]
    network = record["network"]
    table = []
    for weights, *found in [*searched, (network["weights"], 0, math.nan, network["steps"], network["loss"])]:
        combinations = Fraction(record["values"]) ** weights
        seconds = combinations / record["operations_per_second"]
        years = seconds / (365 * 24 * 60 * 60)
        table.append((weights, scientific(combinations), scientific(seconds), scientific(years), *found))
    return table
