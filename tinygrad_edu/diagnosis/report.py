"""The diagnosis: findings, measurements, and how they read."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinygrad_edu.diagnosis.findings import SEVERITIES, Finding, number, plural
from tinygrad_edu.errors import OptionError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.diagnosis.curvature import Curvature
    from tinygrad_edu.diagnosis.layers import Activation, Layer
    from tinygrad_edu.diagnosis.noise import Noise
    from tinygrad_edu.diagnosis.trial import Trial

__all__ = ["Diagnosis", "Measurements"]


@dataclass(frozen=True)
class Measurements:
    """What was measured; None, or nothing, for what could not be.

    Parameters
    ----------
    n_examples, n_sampled
        How many examples there are, and how many of them the costly parts took.
    n_parameters
        How many numbers are trained.
    loss, gradient_norm
        Of the sample, as an update sees them.
    curvature, noise, trial
        See `Curvature`, `Noise` and `Trial`.
    stable_learning_rate
        The limit 2/λ that the curvature sets; None for optimizers that have none.
    expected_updates
        How many updates by all examples bring the weights 1,000 times nearer to the lowest point.
    layers, activations
        See `Layer` and `Activation`.
    """

    n_examples: int
    n_sampled: int
    n_parameters: int
    loss: float | None = None
    gradient_norm: float | None = None
    curvature: Curvature | None = None
    stable_learning_rate: float | None = None
    expected_updates: float | None = None
    noise: Noise | None = None
    trial: Trial | None = None
    layers: tuple[Layer, ...] = ()
    activations: tuple[Activation, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Word what was measured, each as a name and a value with its meaning."""
        rows = []
        if self.loss is not None:
            rows.append(("loss", number(self.loss)))
        if self.gradient_norm is not None:
            rows.append(("length of the gradient", number(self.gradient_norm)))
        if self.curvature is not None:
            rows += self._curvature_rows(self.curvature)
        if self.noise is not None:
            of = f"{self.noise.n_gradients} gradients"
            of += f" of {self.noise.group} examples each" if self.noise.group > 1 else " of single examples"
            rows.append(("noise scale tr(Σ)/|G|²", f"{number(self.noise.scale)}, from {of}"))
            rows.append(("batch size it suggests", f"{self.noise.batch_size:,}"))
        if self.trial is not None:
            trial = self.trial
            course = f"loss {number(trial.before)} → {number(trial.after)}"
            step = f"steps of {number(trial.relative_step)} of the weights' length"
            rows.append((f"{plural(trial.updates, 'update')} tried", f"{course}, {step}"))
        return rows

    def _curvature_rows(self, curvature: Curvature) -> list[tuple[str, str]]:
        size = max(abs(curvature.largest), abs(curvature.smallest))
        within, below = (
            f" ± {number(residual)}" if residual > 1.001e-3 * size else ""
            for residual in (curvature.residual, curvature.smallest_residual)
        )
        rows = [
            (
                "largest curvature λ",
                f"{number(curvature.largest)}{within}, on {plural(curvature.n_examples, 'example')}",
            ),
            ("smallest curvature", number(curvature.smallest) + below),
        ]
        if self.stable_learning_rate is not None:
            rows.append(("largest stable learning rate", number(self.stable_learning_rate)))
        elif curvature.largest > 0:
            rows.append(("largest stable learning rate", "unknown: the optimizer rescales the gradient"))
        if curvature.condition_number is not None:
            flat = f", beside {plural(curvature.flat, 'flat direction')}" if curvature.flat else ""
            rows.append(("condition number", number(curvature.condition_number) + flat))
        elif curvature.indefinite:
            rows.append(("condition number", "none: the loss bends down in some directions"))
        else:
            rows.append(("condition number", "unknown: the smallest curvature is too near to 0"))
        if self.expected_updates is not None:
            here = "" if curvature.quadratic else ", were the loss curved everywhere as here"
            rows.append(("updates to come 1,000 × nearer", number(self.expected_updates) + here))
        return rows


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found: true if nothing worse than a note.

    ``print(diagnosis)`` tells all of it; going through it gives the findings, the worst first; by name,
    ``diagnosis["dead-relu"]``, it gives one of them, and ``"dead-relu" in diagnosis`` asks for it.

    Examples
    --------
    >>> empty = Diagnosis((), Measurements(n_examples=100, n_sampled=100, n_parameters=3))
    >>> bool(empty), "dead-relu" in empty
    (True, False)
    >>> print(empty)
    Nothing found.
    <BLANKLINE>
    Measured on all 100 examples, 3 numbers are trained.
    """

    findings: tuple[Finding, ...]
    measurements: Measurements

    @property
    def healthy(self) -> bool:
        """Whether there is nothing worse than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    def __bool__(self) -> bool:
        return self.healthy

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __contains__(self, name: object) -> bool:
        return any(finding.name == name for finding in self.findings)

    def __getitem__(self, name: str) -> Finding:
        for finding in self.findings:
            if finding.name == name:
                return finding
        names = [finding.name for finding in self.findings]
        raise OptionError(
            f"There is no finding {name!r}. {suggest(name, names) if names else 'Nothing was found.'} Ask with "
            f"`{name!r} in diagnosis` first."
        )

    @property
    def headline(self) -> str:
        """How many findings there are of each severity; that nothing is wrong, where there are notes alone."""
        counts = {severity: sum(f.severity == severity for f in self.findings) for severity in SEVERITIES}
        told = ", ".join(plural(n, severity) for severity, n in counts.items() if n)
        if not told:
            return "Nothing found"
        return f"Nothing wrong, {told}" if self.healthy else told

    @property
    def _measured_on(self) -> str:
        m = self.measurements
        part = f"{m.n_sampled:,} of " if m.n_sampled < m.n_examples else "all " if m.n_examples > 1 else ""
        verb = "is" if m.n_parameters == 1 else "are"
        return f"Measured on {part}{plural(m.n_examples, 'example')}, {plural(m.n_parameters, 'number')} {verb} trained"

    def __str__(self) -> str:
        rows = self.measurements.rows()
        width = max((len(name) for name, _ in rows), default=0)
        table = "\n".join(f"    {name:<{width}}  {value}" for name, value in rows)
        parts = [f"{self.headline}.", *map(str, self.findings), self._measured_on + (f":\n{table}" if table else ".")]
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return (
            f"Diagnosis({self.headline}: {', '.join(f.name for f in self.findings)})"
            if self.findings
            else "Diagnosis()"
        )

    def _repr_html_(self) -> str:
        """Draw two tables: findings and measurements."""
        found = "".join(
            f'<tr><td style="color:{_COLORS[f.severity]};text-align:left"><b>{f.severity}</b></td>'
            f'<td style="text-align:left"><b>{html.escape(f.name)}</b></td>'
            f'<td style="text-align:left">{html.escape(f.evidence)}<br><i>{html.escape(f.remedy)}</i></td></tr>'
            for f in self.findings
        )
        measured = "".join(
            f'<tr><td style="text-align:left">{html.escape(name)}</td>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in self.measurements.rows()
        )
        return (
            f"<p><b>{html.escape(self.headline)}.</b></p><table>{found}</table>"
            f"<p>{html.escape(self._measured_on)}.</p><table>{measured}</table>"
        )


# Okabe and Ito's, told apart with every kind of colour vision; the word beside it says it too.
_COLORS = {"error": "#D55E00", "warning": "#B07500", "note": "#0072B2"}
