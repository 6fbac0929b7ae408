"""``fit``: the loop. Take a batch, compute the loss, its gradient, a step; repeat."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.stopping import InfiniteLossError
from tinygrad_edu.data.batches import Batches
from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.optimizer import Optimizer, check_whole
from tinygrad_edu.training.callbacks import Callback
from tinygrad_edu.training.divergence import where_it_broke
from tinygrad_edu.training.eager import Eager
from tinygrad_edu.training.evaluation import evaluate, switched
from tinygrad_edu.training.given import default_metric, examples
from tinygrad_edu.training.history import History, Recorder, StopReason
from tinygrad_edu.training.interrupting import WholeSteps
from tinygrad_edu.training.stepping import check_compile, stepping
from tinygrad_edu.training.tracing import Tracer, as_tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.tensor import Tensor
    from tinygrad_edu.training.compiled import Compiled
    from tinygrad_edu.training.stepping import Compile
    from tinygrad_edu.training.tracing import Tracing

__all__ = ["fit", "gradient_norm"]


def fit(
    model: Module,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Callable[[Tensor, Any], Tensor],
    optimizer: Optimizer,
    epochs: int = 10,
    validation: float | tuple[ArrayLike, ArrayLike] | None = None,
    metric: Callable[[NDArray[Any], NDArray[Any]], float] | None = None,
    tolerance: float = 0.0,
    seed: int = 0,
    callbacks: Iterable[Callback] = (),
    compile: Compile = "auto",  # noqa: A002 - the framework's word for it
    trace: bool | Tracing | None = None,
) -> History:
    """Train a model; the optimizer says which examples each update sees.

    Parameters
    ----------
    model
        Maps (n, features) to what the loss takes. It is trained in place.
    X, y
        Examples along the first axis. Floats are converted to the dtype of the model's parameters.
    loss
        Such as ``nn.MSELoss()``: called with the prediction and the target of a batch.
    epochs
        Passes over the data, at most.
    validation
        The fraction of the examples to hold out, or examples (X, y) of their own; their loss and metric
        are computed after each epoch.
    metric
        ``metric(y_true, y_pred)`` on the held-out examples. By default the accuracy where y holds class
        indices and the model gives a score for each class, R² elsewhere.
    tolerance
        Stop once the Euclidean norm of an update's gradient is below this. 0: never.
    seed
        For the held-out examples and the order of the others. (Dropout draws from its own generator, or from
        the package's, which `tinygrad_edu.seed` sets.)
    callbacks
        What else should happen; see `Callback`.
    compile
        How a step is made: ``"none"`` as it is written; ``"numpy"`` or ``"numba"`` recorded once and run as a compiled
        program, as by `tinygrad_edu.compile`; ``"auto"`` as NumPy's program where that pays and can be done. NumPy's
        gives the same numbers bit for bit. What Python does in a forward pass besides, such as printing, then happens
        in the first steps alone, and a gradient is overwritten by the next step. ``History.compiled`` says what was
        used, and if ``"auto"`` went back to the step as it is written, why.
    trace
        Whether to keep the parameters, the loss and its gradient at each update, as ``History.trace``; a `Tracing`
        says how many and how much memory. ``compile="numba"`` then makes one update at a time.

    Returns
    -------
    The record of the run. A loss that is not finite, Ctrl-C and the other rules end it early, and it says so. A step
    that has begun when Ctrl-C is pressed is finished first; a second Ctrl-C does not wait for it.

    Raises
    ------
    OptionError
        If an argument is out of range, or of another kind than is needed.
    DataError
        If X or y holds values that are not finite.
    CaptureError
        If a backend is named, and the step cannot be compiled.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> X = np.linspace(-1, 1, 20, dtype=np.float32).reshape(-1, 1)
    >>> model = tg.nn.Linear(1, 1, rng=np.random.default_rng(0))
    >>> descent = tg.optim.MiniBatchGradientDescent(model.parameters(), lr=0.5, batch_size=5)
    >>> history = fit(model, X, 3 * X + 1, loss=tg.nn.MSELoss(), optimizer=descent, epochs=30)
    >>> round(model.weight.item(), 3), round(model.bias.item(), 3)
    (3.0, 1.0)
    """
    callbacks, tracing = tuple(callbacks), as_tracing(trace)
    epochs = _check(epochs, tolerance, seed, loss, optimizer, callbacks)
    check_compile(compile)
    rng = np.random.default_rng(seed)
    X, y, rows, held_out = examples(X, y, validation, rng, optimizer.parameters[0].dtype)
    metric = metric or default_metric(model, X, y, loss)
    run = Recorder(model, optimizer, metric=_name(metric) if held_out else "")
    batches = optimizer.batches(X, y, rng=rng)
    tracer = Tracer(tracing, model, optimizer, batches, rows) if tracing else None
    optimizer.zero_grad()
    try:
        # A loss that overflows ends the run with a sentence; NumPy need not warn of it as well.
        with (
            WholeSteps() as whole,
            switched(model, training=True),
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),
        ):
            _call(callbacks, "on_fit_begin", run)
            step = stepping(compile, model, loss, optimizer, epochs=epochs, batches=batches)
            try:
                for epoch in range(1, epochs + 1):
                    total = _pass_over(batches, run, step, whole, tolerance, callbacks, tracer)
                    if run.examples and run.examples[-1] == epoch * len(X):  # the pass was not cut short
                        checked = evaluate(model, *held_out, loss=loss, metric=metric) if held_out else ()
                        run.epochs.append(run.epoch(epoch, total / len(X), *checked))
                        _call(callbacks, "on_epoch_end", run)
                    if run.stop_reason is not None:
                        break
            finally:
                run.compiled = step.used
                step.close()
        if run.stop_reason is None and not all(np.isfinite(p.array).all() for p in optimizer.parameters):
            run.stop(StopReason.DIVERGED, where_it_broke(run))
        run.stop(
            StopReason.MAX_EPOCHS, f"Stopped after {epochs} epochs ({len(run.losses)} updates), the number asked for."
        )
    except KeyboardInterrupt:
        updates = len(run.losses)
        run.stop(StopReason.INTERRUPTED, f"Interrupted after {updates} updates; what was learned until then is kept.")
    if tracer is not None and run.stop_reason is not None:
        run.trace = tracer.trace(run.stop_reason, run.message)
    _call(callbacks, "on_fit_end", run)
    return run.history()


def _pass_over(
    batches: Batches,
    run: Recorder,
    step: Eager | Compiled,
    whole: WholeSteps,
    tolerance: float,
    callbacks: tuple[Callback, ...],
    tracer: Tracer | None,
) -> float:
    """Take a batch, compute the loss, its gradient, a step; repeat. Give the losses of all examples, added up."""
    each = tuple(c for c in callbacks if getattr(c.on_update_end, "__func__", None) is not Callback.on_update_end)
    summed = getattr(step.loss, "reduction", "mean") == "sum"
    step.look()
    alone = not (each or tolerance or tracer)  # nobody looks between the updates
    if not isinstance(step, Eager) and step.in_epochs and alone and type(batches) is Batches:
        return _pass_at_once(batches, run, step, whole, summed=summed)
    total = 0.0
    for place, (xb, yb) in enumerate(batches):
        whole.busy = True
        if tracer is not None:
            tracer.before()
        start = perf_counter()
        try:
            number = step(xb, yb)
        except InfiniteLossError as error:
            run.stop(StopReason.DIVERGED, where_it_broke(run, error.loss))
            if tracer is not None:
                tracer.diverged(place, error.loss, len(xb))
            whole.done()
            break
        run.record(number, len(xb), perf_counter() - start)
        if tracer is not None:
            tracer.after(place, number, len(xb))
        total += number if summed else number * len(xb)
        whole.done()
        if tolerance and (norm := gradient_norm(run.optimizer)) < tolerance:
            run.stop(StopReason.TOLERANCE, _reached(run, norm, tolerance))
        if each:
            _call(each, "on_update_end", run)
            step.look()
        if run.stop_reason is not None:
            break
    return total


def _pass_at_once(batches: Batches, run: Recorder, step: Compiled, whole: WholeSteps, *, summed: bool) -> float:
    """Hand a whole epoch to the compiled step; its updates take equal shares of the time."""
    diverged: InfiniteLossError | None = None
    whole.busy = True
    start = perf_counter()
    try:
        losses = step.epoch(batches)
    except InfiniteLossError as error:
        losses, diverged = list(error.losses), error
    each, total = (perf_counter() - start) / max(len(losses), 1), 0.0
    for k, number in enumerate(losses):
        n_examples = min(batches.batch_size, batches.n_examples - k * batches.batch_size)
        run.record(number, n_examples, each)
        total += number if summed else number * n_examples
    if diverged is not None:
        run.stop(StopReason.DIVERGED, where_it_broke(run, diverged.loss))
    whole.done()
    return total


def gradient_norm(optimizer: Optimizer) -> float:
    """Compute the Euclidean norm of all gradients together.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> x = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> gradient_norm(tg.optim.BatchGradientDescent([x], lr=0.1))
    10.0
    """
    gradients = [p.grad.array for p in optimizer.parameters if p.grad is not None]
    return math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))


def _check(epochs: int, tolerance: float, seed: int, loss: Any, optimizer: Any, callbacks: tuple[Any, ...]) -> int:
    if isinstance(loss, type) or not callable(loss):
        raise OptionError(f"loss must be a function or an object such as nn.MSELoss(), but is {loss!r}.")
    if not isinstance(optimizer, Optimizer):
        raise OptionError(f"optimizer must be one such as optim.SGD(model.parameters()), but is {optimizer!r}.")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise OptionError(f"callbacks must be objects of subclasses of Callback, but one is {callback!r}.")
    if not tolerance >= 0:
        raise OptionError(f"tolerance must be 0 or more, but is {tolerance!r}.")
    if seed < 0:
        raise OptionError(f"seed must be 0 or more, but is {seed!r}.")
    return check_whole("epochs", epochs)


def _name(metric: Callable[..., float]) -> str:
    """Name a metric, a functools.partial of one too."""
    return getattr(metric, "__name__", "") or getattr(getattr(metric, "func", None), "__name__", "metric")


def _reached(run: Recorder, norm: float, tolerance: float) -> str:
    updates = len(run.losses)
    return f"Stopped after {updates} updates: the gradient's norm is {norm:.3g}, below the tolerance {tolerance:g}."


def _call(callbacks: tuple[Callback, ...], moment: str, run: Recorder) -> None:
    for callback in callbacks:
        getattr(callback, moment)(run)
