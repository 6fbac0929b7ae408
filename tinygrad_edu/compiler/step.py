"""``compile``: a training step, recorded once and from then on run as NumPy source."""

from __future__ import annotations

import functools
import inspect
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.capture import record
from tinygrad_edu.compiler.comparing import Outcome, refuse_differences
from tinygrad_edu.compiler.epochs import run_epoch
from tinygrad_edu.compiler.guards import refuse_changes, variables_of
from tinygrad_edu.compiler.inspecting import Inspected
from tinygrad_edu.compiler.undo import random_states
from tinygrad_edu.compiler.variant import CHECKS, Variant
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import CaptureError, OptionError, ShapeError, optional_import
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tape import in_force, mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.compiler.capture import Capture
    from tinygrad_edu.compiler.guards import Guard
    from tinygrad_edu.compiler.program import Program

__all__ = ["CompiledStep", "compile"]

BACKENDS = ("numpy", "numba")
_MANY = 20  # how often it may be made anew because something was replaced


def compile(  # noqa: A001 - the framework's word for it
    function: Callable[..., Any],
    *,
    backend: str = "numpy",
    shapes: Sequence[tuple[int, ...]] | None = None,
) -> CompiledStep:
    """Make a training step that does the same as `function`, several times as fast.

    The step is run once for each shape and dtype of its inputs, and what it does is recorded: the forward pass, the
    loss, the gradients, the update. The record becomes NumPy source, which can be read (``step.source``), without any
    memory allocated in a step. Twice the result is compared with that of the function itself, bit for bit, before the
    program is trusted.

    What Python does besides, such as printing or appending to a list, happens only while recording. A gradient,
    ``parameter.grad``, is overwritten by the next step: copy what is to be kept. A step that raises midway leaves none.

    Parameters
    ----------
    function
        ``function(x, y, ...)`` takes the arrays of a batch, does the whole step (forward, loss, ``zero_grad``,
        ``backward``, ``optimizer.step()``) and returns the loss.
    backend
        ``"numpy"``, or ``"numba"`` for machine code (the extra ``jit``).
    shapes
        The only shapes that inputs may have; others raise instead of being compiled for.

    Raises
    ------
    OptionError
        If there is no such backend, or `function` is no function.
    MissingDependencyError
        If Numba is asked for and not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Linear(2, 1, rng=np.random.default_rng(0))
    >>> criterion, descent = tg.nn.MSELoss(), tg.optim.SGD(model.parameters(), lr=0.1)
    >>> def train(x, y):
    ...     loss = criterion(model(x), y)
    ...     descent.zero_grad()
    ...     loss.backward()
    ...     descent.step()
    ...     return loss
    >>> step = compile(train)
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    >>> losses = [step(x, x.sum(axis=1, keepdims=True)) for _ in range(100)]
    >>> losses[-1] < 1e-3 < losses[0]
    True
    """
    _refuse_no_step(function)
    if backend not in BACKENDS:
        raise OptionError(f"backend must be 'numpy' or 'numba', but is {backend!r}.")
    if backend == "numba":
        optional_import("numba", extra="jit", purpose="Compiling to machine code")
    return CompiledStep(function, backend=backend, shapes=shapes)


class CompiledStep(Inspected):
    """A training step that was compiled; call it with the arrays of a batch, and it gives the loss."""

    def __init__(
        self, function: Callable[..., Any], *, backend: str, shapes: Sequence[tuple[int, ...]] | None = None
    ) -> None:
        self.function, self.backend = function, backend
        self._names = _names_of(function)
        self.shapes = None if shapes is None else _as_shapes(shapes, self._names)
        functools.update_wrapper(self, function, updated=())
        self._variants: dict[Any, list[Variant]] = {}
        self._n_dropped = 0
        self.lock = threading.Lock()
        """Held by whoever computes, since all calls do so in the same memory."""

    def __call__(self, *arrays: ArrayLike, **named: ArrayLike) -> float:
        """Make one step on a batch, and give its loss; under ``debug()`` and ``detect_anomaly()`` by the function.

        Raises
        ------
        CaptureError
            If the step does what cannot be recorded, or a number that is part of the program has changed.
        ShapeError
            If a shape is not among those that were allowed.
        """
        if named or in_force:
            arrays = self._in_order(arrays, named)
            if mode.watchers and mode.capture is None:
                return float(self.function(*arrays).item())
        with self.lock:
            last = self._last
            if last is not None and len(arrays) == last.n_inputs and last.checked >= CHECKS and last.fits(*arrays):
                try:
                    return last.run(*arrays)
                except BaseException:
                    last.hide_gradients()
                    raise
            return self._call(arrays)

    def _in_order(self, arrays: tuple[ArrayLike, ...], named: dict[str, ArrayLike]) -> tuple[ArrayLike, ...]:
        """Put arrays that were given by name into their places."""
        wanted = self._names[len(arrays) :]
        if unknown := sorted(set(named) - set(wanted)):
            raise OptionError(f"{_title(self.function)} takes {', '.join(self._names)}, but was given {unknown[0]}=.")
        return (*arrays, *(named[name] for name in wanted if name in named))

    def _call(self, arrays: tuple[ArrayLike, ...]) -> float:
        if mode.capture is not None:
            raise CaptureError("A compiled step cannot be recorded itself: call the function that it was made of.")
        given = [a if type(a) is np.ndarray else as_array(a) for a in arrays]
        key = _key(given)
        for variant in self._variants.get(key, ()):
            if variant.fits(*given) or self._mend(variant):
                if variant.checked < CHECKS:
                    return self._check_again(variant, given)
                variant.show_gradients()
                self._last = variant
                try:
                    return variant.run(*given)
                except BaseException:
                    variant.hide_gradients()
                    raise
        return self._compile(key, given)

    def _mend(self, variant: Variant) -> bool:
        """Tell whether a variant can be used after all; drop it if its memory is gone."""
        guard = variant.broken()
        if guard is None:
            return True
        if guard.kind == "number":
            guard.refuse()
        if guard.kind in ("memory", "thing"):
            self._drop(variant, guard)
        return False

    def _drop(self, variant: Variant, guard: Guard) -> None:
        """Forget a program whose weights, model or generator were replaced."""
        for variants in self._variants.values():
            variants[:] = [v for v in variants if v is not variant]
        self._n_dropped += 1
        if self._n_dropped > _MANY:
            raise CaptureError(
                f"The step was compiled {self._n_dropped} times, since {guard.what} is replaced again and again. "
                f"Change it in place, as with tensor.copy_(...) under no_grad() or model.load_state_dict(...)."
            )

    # ---------------------------------------------------------------------------------------- compiling
    def _compile(self, key: Any, arrays: list[NDArray[Any]]) -> float:
        """Record the step, make a program of it, and let that program make this step."""
        self._refuse_shapes(arrays)
        before = variables_of(self.function)
        program, capture, outcome = self._record(arrays)
        refuse_changes(before)
        if not capture.updates:
            raise CaptureError(
                "The step changes no parameter. Let it do the whole step, optimizer.step() included: one that adds "
                "gradients up goes through its small batches in one call. To predict, use model.compile()."
            )
        capture.forget()
        variant = Variant(program, capture, self.function, f"One step of {_title(self.function)}.", self.backend)
        loss = self._run_checked(variant, arrays, outcome)
        self._variants.setdefault(key, []).append(variant)
        return loss

    def _check_again(self, variant: Variant, arrays: list[NDArray[Any]]) -> float:
        """Let both the step and the program do it, to see whether the step is the same as in its first call."""
        held = [guard for guard in variant.guards if guard.holds()]
        program, _, outcome = self._record(arrays)
        variant.show_gradients()
        refuse_differences(variant.recorded, program)
        refuse_changes(held)
        return self._run_checked(variant, arrays, outcome)

    def _record(self, arrays: list[NDArray[Any]]) -> tuple[Program, Capture, Outcome]:
        """Record the step, undo what it did, and raise if it drew numbers where that cannot be undone."""
        drawn = random_states()
        program, capture = record(self.function, arrays, self._names)
        outcome = Outcome(program, capture)
        outcome.undo()
        if random_states() != drawn:
            raise CaptureError(
                "The step draws from Python's random or NumPy's global generator, which is not recorded. Draw with "
                "tg.rand, tg.randn or tg.dropout, or hand what is drawn in as an argument."
            )
        return program, capture, outcome

    def _run_checked(self, variant: Variant, arrays: list[NDArray[Any]], outcome: Outcome) -> float:
        variant.show_gradients()
        try:
            loss = variant.run(*arrays)
            _refuse_other_numbers(outcome.differences(loss, variant.tolerance))
        except BaseException:
            outcome.undo()
            raise
        variant.passed()
        self._last = variant
        return loss

    def _refuse_shapes(self, arrays: list[NDArray[Any]]) -> None:
        given = [a.shape for a in arrays]
        if self.shapes is not None and given != self.shapes:
            raise ShapeError(
                f"This step was compiled for inputs of shapes {self.shapes} alone, but was given {given}. Leave "
                f"shapes= out to compile for others too, or leave the short last batch out."
            )
        if len(arrays) != len(self._names):
            raise OptionError(
                f"{_title(self.function)} takes {len(self._names)} arrays ({', '.join(self._names)}), but was "
                f"given {len(arrays)}."
            )

    # ------------------------------------------------------------------------------------------- an epoch
    def epoch(
        self, X: ArrayLike, y: ArrayLike, order: ArrayLike | None = None, *, batch_size: int = 32
    ) -> NDArray[np.float64]:
        """Make a pass over examples: a step for every `batch_size` of them, the last for what is left.

        Parameters
        ----------
        X, y
            Examples along the first axis.
        order
            The indices of the examples in the order in which they are seen; by default 0, 1, 2, ...

        Returns
        -------
        The loss of each step.

        Raises
        ------
        ShapeError
            If X and y hold different numbers of examples.
        OptionError
            If batch_size is not a whole number from 1 on.
        """
        return run_epoch(self, X, y, order, batch_size)

    def trusted(self, batch: tuple[NDArray[Any], ...]) -> Variant | None:
        """Find a program for such batches that was compared with the step often enough; none under ``debug()``."""
        for variant in () if mode.watchers else self._variants.get(_key(batch), ()):
            if variant.checked >= CHECKS and (variant.fits(*batch) or self._mend(variant)):
                variant.show_gradients()
                self._last = variant
                return variant
        return None

    def __repr__(self) -> str:
        compiled = sum(map(len, self._variants.values()))
        return f"<compiled step {_title(self.function)}: backend {self.backend}, {compiled} programs>"


def _refuse_no_step(function: Any) -> None:
    if isinstance(function, Module):
        raise OptionError(
            "compile takes a function that makes a whole training step, but was given a model. To predict with it, use "
            "model.compile()."
        )
    if not callable(function) or isinstance(function, (type, CompiledStep)) or inspect.iscoroutinefunction(function):
        raise OptionError(f"compile takes a function of a batch that makes a step, but was given {function!r}.")


def _key(arrays: Sequence[NDArray[Any]]) -> Any:
    """Say which program is for arrays like these."""
    return tuple([(a.shape, a.dtype, a.strides) for a in arrays])


def _refuse_other_numbers(names: list[str]) -> None:
    if names:
        raise CaptureError(
            f"The compiled step gives other numbers than the step itself, in {', '.join(names[:3])}; nothing was "
            f"changed. Either the step computes with values outside of Tensors, or the compiler is at fault."
        )


def _as_shapes(shapes: Any, names: tuple[str, ...]) -> list[tuple[int, ...]]:
    try:
        wanted = [tuple(int(n) for n in shape) for shape in shapes]
    except TypeError:
        wanted = []
    if len(wanted) != len(names):
        raise OptionError(
            f"shapes must name a shape for each of {', '.join(names)}, as in [(32, 64), (32,)], but is {shapes!r}."
        )
    return wanted


def _title(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__).split(".")[-1]


def _names_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Name the arrays that the step takes, in order."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise OptionError(f"{_title(function)} takes any number of arrays (*). Name each of them: def step(x, y).")
    return tuple(
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    )
