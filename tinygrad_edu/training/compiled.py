"""A compiled step in a training run: made when it is first needed, compared, and given up where it cannot be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu.compiler import compile as compile_step
from tinygrad_edu.compiler.capture import record
from tinygrad_edu.compiler.stopping import InfiniteLossError, refuse_infinite
from tinygrad_edu.compiler.structure import same_structure
from tinygrad_edu.errors import CaptureError, TinygradEduError
from tinygrad_edu.tape import check
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.eager import Eager
from tinygrad_edu.training.undoing import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.compiler import CompiledStep
    from tinygrad_edu.data import Batches
    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Compiled"]

_ONE_BY_ONE = 2  # steps, before whole epochs are handed over: those that are compared
_RECORDINGS = 20  # of one run, and one more for every so many updates:
_UPDATES_EACH = 50


class Compiled:
    """Make a step as a compiled program; the first calls compare it with the step as it is written.

    Parameters
    ----------
    backend
        ``"numba"`` takes whole epochs at once.
    must
        Whether to raise where the step cannot be compiled; else the run goes on eagerly, and `used` says why.
    rare
        How many examples a batch has that comes too rarely for a program of its own: the last of an epoch.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Tensor, Any], Tensor],
        optimizer: Optimizer,
        *,
        backend: Literal["numpy", "numba"],
        must: bool,
        rare: int = 0,
    ) -> None:
        self.used: str = backend
        self.loss = loss
        self.in_epochs = backend == "numba"
        self._backend, self._must, self._rare = backend, must, rare
        self._eager = Eager(model, loss, optimizer)
        self._before: Snapshot | None = None  # of a step that is being recorded
        self._recordings = self._steps = 0
        self._left_something = False
        self._loss_compared = type(loss).__module__.startswith("tinygrad_edu.")
        self._compile()

    def _compile(self) -> None:
        """Make a step that knows nothing yet of model, loss and optimizer as they are now."""
        self._step: CompiledStep | None = compile_step(self._function(), backend=self._backend)
        self._as_before = same_structure(self._eager.model, self._eager.loss)

    def _function(self) -> Callable[[Tensor, Tensor], Tensor]:
        model, loss, optimizer = self._eager.model, self._eager.loss, self._eager.optimizer

        def training_step(x: Tensor, y: Tensor) -> Tensor:
            self._recorded()  # this runs only while it is recorded
            value = loss(model(x), y)
            check(refuse_infinite, value)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        return training_step

    # ------------------------------------------------------------------------------------------ a step
    def __call__(self, xb: NDArray[Any], yb: NDArray[Any]) -> float:
        """Make a step on a batch."""
        if self._step is None or len(xb) == self._rare:
            return self._eager(xb, yb)
        try:
            if not self._loss_compared:
                self._compare_loss(xb, yb)
            number = self._step(xb, yb)
        except InfiniteLossError as error:
            self._see_again(error, xb, yb)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the step as written says what is wrong with the batch
            return self._as_written(error, xb, yb)
        if self._before is not None:
            self._settle()
        return number

    def epoch(self, batches: Batches) -> list[float]:
        """Make a step for each batch of an epoch, in one call once it has been compared; give the losses.

        Raises
        ------
        InfiniteLossError
            It holds the losses of the steps before.
        """
        X, y = batches._arrays  # noqa: SLF001 - a friend: the order must be the one that it would deal in
        rng = batches._rng  # noqa: SLF001 - the same
        order, size = np.arange(len(X)) if rng is None else rng.permutation(len(X)), batches.batch_size
        losses: list[float] = []
        try:
            while self._steps < _ONE_BY_ONE and order.size:
                losses.append(self(X[order[:size]], y[order[:size]]))
                order, self._steps = order[size:], self._steps + 1
            return losses + self._at_once(X, y, order, size) if order.size else losses
        except InfiniteLossError as error:
            error.losses = [*losses, *map(float, error.losses)]
            raise

    def _at_once(self, X: NDArray[Any], y: NDArray[Any], order: NDArray[Any], size: int) -> list[float]:
        assert self._step is not None  # noqa: S101 - a step that takes epochs is one that must be compiled
        try:
            losses: list[float] = self._step.epoch(X, y, order, batch_size=size).tolist()
        except InfiniteLossError as error:
            rows = order[len(error.losses) * size :][:size]
            self._see_again(error, X[rows], y[rows])
            raise
        except Exception:
            if self._before is not None:
                self._before.restore()
            raise
        if self._before is not None:
            self._settle()
        return losses

    # ------------------------------------------------------------------------- while it is recorded
    def _snapshot(self) -> Snapshot:
        return Snapshot(self._eager.model, self._eager.loss, self._eager.optimizer)

    def _recorded(self) -> None:
        """Note that the step is being recorded, with all that it may change."""
        self._before = self._snapshot()
        self._recordings += 1
        allowed = _RECORDINGS + int(self._eager.optimizer.state["step"]) // _UPDATES_EACH
        if self._recordings > allowed:
            raise CaptureError(
                f"The step had to be recorded {self._recordings} times, since shapes, layers or numbers in it keep "
                f"changing. Let callbacks change what is in Tensors, in place, and the learning rate."
            )

    def _settle(self) -> None:
        """See, after a step that was recorded, whether it left something behind that a program would not."""
        self._before = None
        if self._as_before():
            self._left_something = False
        elif not self._left_something:  # a memory that is filled once, perhaps
            self._left_something = True
            self._as_before = same_structure(self._eager.model, self._eager.loss)
        else:
            why = (
                "The model or the loss changes attributes of its own, or a list, in each step, which a compiled step "
                "would leave as they are. Keep what changes in Tensors, or note it in a callback."
            )
            if self._must:
                raise CaptureError(why)
            self.used, self._step = f"none: {why}", None

    def _compare_loss(self, xb: NDArray[Any], yb: NDArray[Any]) -> None:
        """See whether a loss of the user's gives the same for a target that is a Tensor, as while recording.

        An array's ``var()``, for example, divides by n, and a Tensor's by n - 1.
        """
        self._loss_compared = True
        model, loss = self._eager.model, self._eager.loss
        before, numbers = self._snapshot(), []
        for function, arrays in ((lambda x: loss(model(x), yb), [xb]), (lambda x, y: loss(model(x), y), [xb, yb])):
            program, capture = record(function, arrays, ["x", "y"][: len(arrays)])
            numbers.append(program.result.array.copy())
            capture.undo()
            before.restore()
        if numbers[0].tobytes() != numbers[1].tobytes():
            raise CaptureError(
                f"The loss is {numbers[0].item():.9g} for a target that is an array and {numbers[1].item():.9g} for "
                f"the same one as a Tensor, as which a compiled step hands it over. Use functions that mean the same "
                f"for both: np.var(y) divides by n, and y.var() of a Tensor by n - 1."
            )

    def _see_again(self, error: InfiniteLossError, xb: NDArray[Any], yb: NDArray[Any]) -> None:
        """Leave behind what the step as written leaves when it stops at a loss that is no number.

        Recording has undone what the forward pass changed, such as running statistics.
        """
        if error.recording:
            self._eager.loss(self._eager.model(Tensor(xb)), yb)
        elif not self._keeps_gradients():
            self._forget_gradients()

    def _keeps_gradients(self) -> bool:
        """Tell whether the gradients of the update before are still there, and nothing else was written over them."""
        assert self._step is not None  # noqa: S101 - it has just raised
        memory, keeps = self._step.variant.memory, self._step.variant.program.keeps
        places = [memory.storages[gradient] for _, gradient in keeps if gradient in memory.storages]
        return self._backend == "numpy" and all(place.first == 0 for place in places)

    def _forget_gradients(self) -> None:
        for parameter in self._eager.optimizer.parameters:
            parameter.grad = None

    # ----------------------------------------------------------------------------- where it cannot be done
    def _as_written(self, error: Exception, xb: NDArray[Any], yb: NDArray[Any]) -> float:
        """Make the step as it is written: if the batch is at fault, it says so; if not, compiling is."""
        if self._before is not None:
            self._before.restore()
            self._before = None
        before = self._snapshot()
        number = self._eager(xb, yb)
        why = str(error) if isinstance(error, CaptureError) else f"{type(error).__name__}: {error}"
        if self._must:
            before.restore()
            if isinstance(error, TinygradEduError):
                raise error
            raise CaptureError(f"The training step cannot be compiled: {why}") from error
        self.used, self._step = f"none: {why}", None
        return number

    # -------------------------------------------------------------------------------- around the steps
    def look(self) -> None:
        """Compile anew if a callback has changed what the model is made of, or a number that the loss reads."""
        if self._step is not None and not self._as_before():
            self._compile()

    def close(self) -> None:
        """Give the parameters gradients of their own, in place of those in the memory of the program."""
        if self._step is not None:
            for parameter in self._eager.optimizer.parameters:
                if parameter.grad is not None:
                    parameter.grad = Tensor(parameter.grad.array.copy())
            self._step = None
