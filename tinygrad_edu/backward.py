"""The backward pass of a Tensor, and the hooks that see gradients go by."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import GraphError, ShapeError
from tinygrad_edu.tape import Node, hooked, mode, pull, tick

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.tensor import Tensor

__all__ = ["Backward", "Hook", "last_root"]


class _LastRoot(threading.local):
    """The tensor on which backward() was called last; each thread has its own answer, and none keeps it alive."""

    reference: Callable[[], Any] | None = None


last_root = _LastRoot()

_RETAINED = 0  # the key of what retain_grad() registers; the clock starts at 1


class Hook:
    """A function that was registered on a Tensor: ``remove()`` takes it off again."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks, self._key = hooks, key

    def remove(self) -> None:
        """Take the function off; a second time does nothing."""
        self._hooks.pop(self._key, None)


class Backward(Node):
    """What a Tensor does with gradients."""

    __slots__ = ("grad",)

    grad: Tensor | None

    if TYPE_CHECKING:

        @staticmethod
        def _constant(array: Any) -> Tensor: ...

    def backward(
        self,
        gradient: ArrayLike | Tensor | None = None,
        *,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add to ``grad`` of every leaf the gradient of this tensor with respect to it.

        Parameters
        ----------
        gradient
            The gradient to begin with, of this tensor's shape. May be left out for a single number.
        retain_graph
            Keep the graph, so that backward can be called again. Otherwise it is freed on the way.
        create_graph
            Record the computation of the gradients, so that they can be differentiated themselves. Such a
            ``grad`` holds on to the graph, and through it to its tensor: set it to None when done.

        Raises
        ------
        GraphError
            If nothing that asks for a gradient is reached, if the graph was freed, or if a value that is
            needed was changed in place.
        ShapeError
            If the tensor is not a single number and no `gradient` is given, or it has another shape.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        """
        if create_graph and not mode.recording:
            raise GraphError("create_graph=True records, but no_grad() forbids it. Move the call out of the block.")
        if not self.tracked:
            raise GraphError(
                "backward() reaches nothing that asks for a gradient: this tensor was computed from constants, "
                "from detached tensors or under no_grad(). Create a parameter with requires_grad=True, and "
                "compute the loss outside no_grad()."
            )
        seed: Any = self._seed(gradient)
        if create_graph:  # recorded, the result depends on the seed too
            traced = isinstance(gradient, Node) and gradient.tracked
            seed = ops.astype(gradient, dtype=self.array.dtype) if traced else self._constant(seed)
        last_root.reference = weakref.ref(self)
        if mode.capture is not None:
            start = seed if isinstance(seed, Node) else self._constant(seed)
            mode.capture.backward(self, start, retain_graph=retain_graph, create_graph=create_graph)
            return
        found = pull(
            self,
            seed,
            create_graph=create_graph,
            free=not (retain_graph or create_graph),
        )
        leaf: Any  # a Tensor, as every leaf is
        for leaf, g in found:
            gradient = g if create_graph else self._constant(g)
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient

    def _seed(self, gradient: ArrayLike | Tensor | None) -> NDArray[Any]:
        if gradient is None:
            if self.array.size != 1:
                raise ShapeError(
                    f"backward() needs a single number to start from, but the shape is {self.array.shape}. "
                    f"Reduce it first, as in loss.mean().backward(), or pass gradient= of this shape."
                )
            return np.ones_like(self.array) if self.array.shape else np.array(1, self.array.dtype)
        seed = as_array(gradient).astype(self.array.dtype)
        if seed.shape != self.array.shape:
            raise ShapeError(
                f"gradient= has shape {seed.shape}, but the tensor has {self.array.shape}. They must be equal."
            )
        return seed

    # -------------------------------------------------------------------------------------------- hooks
    def register_hook(self, hook: Callable[[Tensor], Any]) -> Hook:
        """Call a function with this tensor's gradient in each backward pass, once it is whole.

        Parameters
        ----------
        hook
            A function of the gradient, a Tensor of this tensor's shape. What it returns takes the gradient's place,
            for this tensor and for all before it; None leaves it as it is. Several are called in turn.

        Returns
        -------
        A handle with ``remove()``.

        Raises
        ------
        GraphError
            If no gradient flows to this tensor.
        ShapeError
            In the backward pass, if the hook returns another shape.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> y = x * 3
        >>> handle = y.register_hook(lambda g: g * 10)
        >>> y.sum().backward()
        >>> x.grad
        tensor([30., 30.])
        """
        self._refuse_hooks()
        if not callable(hook):
            raise GraphError(f"register_hook takes a function of the gradient, but was given {hook!r}.")
        return self._add_hook(tick(), hook)

    def _refuse_hooks(self) -> None:
        if not self.tracked:
            raise GraphError(
                "No gradient flows to this tensor, so that a hook would never be called. Ask for one with "
                "requires_grad=True, and outside no_grad()."
            )

    def _add_hook(self, key: int, hook: Callable[[Tensor], Any]) -> Hook:
        if not hasattr(self, "hooks"):
            self.hooks = {}
        hooked[self.order] = self
        shape, dtype, constant = self.array.shape, self.array.dtype, self._constant

        def call(g: Any) -> Any:
            # A copy, which the hook may write to; the array itself may be on its way to other tensors too.
            recorded = isinstance(g, Node)
            answer: Any = hook(g.clone() if recorded else constant(g.copy()))
            if answer is None:
                return g
            array = as_array(answer)
            if array.shape != shape:
                raise ShapeError(f"A hook returned shape {array.shape} for a gradient of shape {shape}.")
            if recorded:
                tensor: Any = answer if isinstance(answer, Node) else constant(array)
                return tensor.astype(dtype)  # recorded, and a copy
            return array.astype(dtype)

        self.hooks[key] = call
        if _RETAINED in self.hooks:  # it keeps what the others leave
            self.hooks[_RETAINED] = self.hooks.pop(_RETAINED)
        return Hook(self.hooks, key)

    @property
    def retains_grad(self) -> bool:
        """Whether it was computed and ``retain_grad()`` asks for its gradient."""
        return _RETAINED in getattr(self, "hooks", ())

    def retain_grad(self) -> None:
        """Put this tensor's gradient into ``grad`` too, though it was computed and is no leaf.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> x = tg.tensor(2.0, requires_grad=True)
        >>> y = x * x
        >>> y.retain_grad()
        >>> (3 * y).backward()
        >>> y.grad, x.grad
        (tensor(3.), tensor(12.))
        """
        if self.op is None and self.tracked:
            return  # a leaf does so anyway
        self._refuse_hooks()
        this = weakref.ref(self)  # a cycle would keep the graph

        def keep(g: Tensor) -> None:
            tensor = this()
            if tensor is not None:
                tensor.grad = g if tensor.grad is None else tensor.grad + g

        self._add_hook(_RETAINED, keep)
