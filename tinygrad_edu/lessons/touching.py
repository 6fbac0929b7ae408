"""Lesson ``tangent``: the derivative is the slope of the tangent; in more dimensions, the gradient (C3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.grids import Curve, curve, grid
from tinygrad_edu.lessons.checks import check_formula, check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import listed, number
from tinygrad_edu.visualize.figures import PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["tangent"]


def tangent(
    *,
    formula: str = "x**2",
    at: float = -4.0,
    widths: tuple[float, ...] = (3.0, 1.0, 0.1, 0.01),
    landscape: str = "(x**2 + 2*y**2) / 4",
    point: tuple[float, float] = (-2.0, 1.5),
    directions: int = 8,
) -> Lesson:
    """Touch a curve with a straight line, and a landscape with a plane.

    Parameters
    ----------
    formula
        The curve, of one variable.
    at
        Where the tangent touches it.
    widths
        How far apart the two points of each secant are, 1 to 10 numbers above 0.
    landscape
        A formula of two variables.
    point
        Where the plane touches it.
    directions
        In how many directions its slope is taken, 4 to 36.

    Raises
    ------
    FormulaError, OptionError
        If a formula or a number is not usable, or there is no slope at the point.

    Examples
    --------
    >>> lesson = tangent()
    >>> [f"{slope:.2f}" for slope in lesson.numbers["slope"][:5]]
    ['-5.00', '-7.00', '-7.90', '-7.99', '-8.00']
    """
    f = check_formula(formula, (1,), "tangent")
    g = check_formula(landscape, (2,), "tangent")
    options: dict[str, Any] = {
        "formula": f.text,
        "at": check_number("at", at),
        "widths": check_numbers("widths", widths, most=10, above=0),
        "landscape": g.text,
        "point": check_numbers("point", point, least=2, most=2),
        "directions": check_whole("directions", directions, least=4, most=36),
    }
    program = Program(touch, rows, options, ("of", "where", "slope", "slope by the gradient"))
    record = program.record()
    if not np.isfinite([record["slope"], *record["gradient"], record["height"], record["ground"]]).all():
        raise OptionError("There is no finite height and slope at one of the two points. Choose another.")
    x0, (px, py) = options["at"], options["point"]
    reach = max(abs(x0), 1.0) * 1.5
    ground = curve(f, -reach, reach, tangent_at=[x0])
    room = max(abs(px), abs(py), 1.0) * 1.5
    return Lesson(
        name="tangent",
        title="The derivative is the slope of the tangent, the gradient that of the plane",
        parts=("C3",),
        text=_text(record, options),
        table=program.table(record),
        traces={},
        options=options,
        record=record
        | {
            "curve": ground,
            "grid": grid(g, (-room, room), (-room, room), n=61),
        },
        program=program,
        draw=_draw,
        sketch=_sketch(ground, record, options["at"]),
    )


# -------------------------------------------------------------------------------------------- the program
def touch(
    formula: str,
    at: float,
    widths: tuple[float, ...],
    landscape: str,
    point: tuple[float, float],
    directions: int,
) -> dict[str, Any]:
    """Compute slopes between ever closer points and at a point, then in all directions from a point of a landscape."""
    f, g = tg.learn.formula(formula), tg.learn.formula(landscape)
    height, slope = tg.value_and_grad(f)(np.array(at))
    ground, gradient = tg.value_and_grad(lambda p: g(*p))(np.array(point))
    secants = [(h, (f(at + h).item() - height.item()) / h) for h in widths]
    around = []
    for angle in np.arange(directions) * 2 * math.pi / directions:
        way, h = np.array([math.cos(angle), math.sin(angle)]), 1e-6
        ahead, behind = g(*(np.array(point) + h * way)).item(), g(*(np.array(point) - h * way)).item()
        around.append((math.degrees(angle), (ahead - behind) / (2 * h), float(gradient.numpy() @ way)))
    return {
        "height": height.item(),
        "slope": slope.item(),
        "ground": ground.item(),
        "gradient": gradient.numpy().tolist(),
        "secants": secants,
        "around": around,
    }


def rows(found: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    """Write down the secants, the tangent, and the slope in each direction: measured, and by the gradient."""
    table = [("secant", f"{h:g} wide", slope, math.nan) for h, slope in found["secants"]]
    table.append(("tangent", "at the point", found["slope"], found["slope"]))
    table += [("direction", f"{angle:g}°", measured, computed) for angle, measured, computed in found["around"]]
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(found: dict[str, Any], options: dict[str, Any]) -> str:
    slopes = listed(number(slope) for _, slope in found["secants"])
    across, up = found["gradient"]
    steepness = math.hypot(across, up)
    way = math.degrees(math.atan2(up, across)) % 360
    return (
        f"Lines through two points of y = {options['formula']}, from x = {number(options['at'])} and ever closer, have "
        f"the slopes {slopes}. They approach that of the tangent, {number(found['slope'])}: the derivative. "
        f"On {options['landscape']} the tangent at {tuple(options['point'])} is a plane, and its slope differs by "
        f"direction. The gradient ({number(across)}, {number(up)}) holds them all: the slope in direction u is "
        f"gradient · u. It points to {number(way)}°, where it is steepest: {number(steepness)}, its length. "
        "Downhill is the opposite way."
    )


def _sketch(ground: Curve, record: dict[str, Any], at: float) -> Sketch:
    touching = ground.xs[np.abs(ground.xs - at) < 0.25 * float(np.ptp(ground.xs))]
    tangent = touching, record["height"] + record["slope"] * (touching - at)
    return Sketch({ground.text: (ground.xs, ground.ys), "tangent": tangent}, ground.variable, "y")


def _draw(lesson: Lesson) -> Figure:
    record, options = lesson.record, lesson.options
    figure = new_figure(figsize=(14, 4.8), layout="constrained")
    line = figure.add_subplot(1, 3, 1)
    visualize.plot_curve(record["curve"], ax=line, title="A curve and its tangent", caption="")
    for h, slope in record["secants"]:
        x = np.array([options["at"], options["at"] + h])
        line.plot(x, record["height"] + slope * (x - options["at"]), ".-", color=PALETTE["orange"], linewidth=1.2)
    headline(
        line,
        "A curve and its tangent",
        f"The closer the second point of a secant (orange), the nearer its slope to {number(record['slope'])}.",
    )
    flat = figure.add_subplot(1, 3, 2)
    visualize.plot_contour(record["grid"], {}, ax=flat)
    point, gradient = np.array(options["point"]), np.array(record["gradient"])
    size = float(np.ptp(record["grid"].xs)) / 4
    steepest = float(np.linalg.norm(gradient)) or 1.0
    for angle, slope, _ in record["around"]:
        way = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))]) * size * abs(slope) / steepest
        _arrow(flat, point, point + way, "->", color=PALETTE["vermilion"] if slope > 0 else PALETTE["sky"])
    _arrow(flat, point, point - gradient / steepest * size * 1.15, "-|>", color="white", lw=2.5)
    flat.set_aspect("equal")
    headline(
        flat,
        "Slopes in all directions",
        "Arrows are as long as it is steep: orange climbs, blue falls. White: against the gradient, steepest down.",
    )
    solid = figure.add_subplot(1, 3, 3, projection="3d")
    xs, ys = np.meshgrid(record["grid"].xs, record["grid"].ys)
    solid.plot_wireframe(xs, ys, record["grid"].values, rstride=5, cstride=5, color="#7f7f7f", linewidth=0.7)
    solid.plot_surface(*_plane(record, point, gradient, size), color=PALETTE["vermilion"], alpha=0.7)
    solid.plot(*([value] for value in (*point, record["ground"])), "o", color=PALETTE["black"], markersize=7)
    solid.view_init(elev=22, azim=-110)
    solid.set(xlabel="x", ylabel="y", zlabel="height")
    headline(solid, "The tangent is a plane", "It touches the landscape at the point, and the gradient is its slope.")
    return figure


def _plane(record: dict[str, Any], point: Any, gradient: Any, size: float) -> tuple[Any, Any, Any]:
    """Compute the corners of a piece of the tangent plane."""
    x, y = np.meshgrid(point[0] + np.array([-size, size]), point[1] + np.array([-size, size]))
    return x, y, record["ground"] + gradient[0] * (x - point[0]) + gradient[1] * (y - point[1])


def _arrow(ax: Axes, begin: Any, end: Any, style: str, **options: Any) -> None:
    ax.annotate("", tuple(end), tuple(begin), arrowprops={"arrowstyle": style, **options})
