"""Modules: things with parameters that compute.

A module's parameters are found by walking its attributes in the order in which they were set, lists,
tuples and dictionaries included. There is no registration; a tensor that asks for gradients and is no
Parameter is refused, so none can be forgotten.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError, TinygradEduError
from tinygrad_edu.nn.seeing import Seeing
from tinygrad_edu.tape import in_force, mode, touch
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.compiler.prediction import CompiledModel

__all__ = ["Module", "Parameter", "as_data"]


def as_data(x: Any, weight: Tensor) -> Tensor:
    """Give data as a Tensor of a weight's dtype: float64 or counts do not change what a layer computes in.

    What was computed from parameters keeps its own.

    Examples
    --------
    >>> as_data([[1, 2]], Parameter([0.5, 0.5]))
    tensor([[1., 2.]])
    """
    data: Tensor = x if isinstance(x, Tensor) else Tensor(x)
    if data.array.dtype is weight.array.dtype or data.tracked:
        return data
    return data.astype(weight.array.dtype)


class Parameter(Tensor):
    """A Tensor that training changes: it copies its data, and asks for gradients from the start.

    Examples
    --------
    >>> Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, *, requires_grad: bool = True, name: str | None = None) -> None:
        super().__init__(np.array(as_array(data)), requires_grad=requires_grad, name=name)


class Module(Seeing):
    """The base of everything with parameters: set attributes, write ``forward``.

    Parameters are Parameter attributes, buffers (running statistics, say) are other Tensors, and
    modules may hold modules.

    Examples
    --------
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope = Parameter(0.0)
    ...         self.intercept = Parameter(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.intercept
    >>> line = Line()
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'intercept']
    >>> line(Tensor([2.0]))
    tensor([1.], op=add)
    """

    training = True

    def forward(self, *inputs: Any) -> Any:
        """Compute the output; each module writes its own."""
        raise TypeError(f"{type(self).__name__} does not say what it computes: give it a forward(self, x).")

    def __call__(self, *inputs: Any) -> Any:
        """Compute the output: ``model(x)`` is ``model.forward(x)``, with arrays as Tensors.

        An error names the layer that it came from.
        """
        for x in inputs:
            if type(x) is np.ndarray:
                inputs = tuple(Tensor(x) if type(x) is np.ndarray else x for x in inputs)
                break
        watchers = mode.watchers if in_force else ()
        for watcher in watchers:
            watcher.entered(self)
        try:
            return self.forward(*inputs)
        except TinygradEduError as error:
            error.locate(self, self._path_of(getattr(error, "culprit", self)), self._label())
            raise
        finally:
            for watcher in watchers:
                watcher.left(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Parameter) and not isinstance(value, Tensor) and value is not None:
            raise OptionError(
                f"{name} of {type(self).__name__} is a parameter, but was given {type(value).__name__}. To write "
                f"numbers into it, set layer.{name}.data; for another parameter, write nn.Parameter(...)."
            )
        super().__setattr__(name, value)

    def _path_of(self, module: Module) -> str:
        """Find where in this module another one is: "" for itself, "2", "encoder.0"."""
        return next((name for name, value in self.named_modules() if value is module), "")

    def _label(self) -> str:
        """Name the module in a message: its class, and what tells it from others of that class."""
        return type(self).__name__

    # ------------------------------------------------------------------------------------- what it holds
    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Module | Tensor]]:
        """Go through everything below, in the order of definition: what a module holds follows it at once."""
        seen: set[int] = {id(self)}  # a layer or a weight that is there twice is listed once
        pending = [_attributes(self, prefix)]
        while pending:
            for name, value in pending[-1]:
                if id(value) not in seen:
                    seen.add(id(value))
                    yield name, value
                    if isinstance(value, Module):
                        pending.append(_attributes(value, name))
                        break
            else:
                pending.pop()

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Go through this module ("") and all below it, each once, with their paths."""
        yield prefix, self
        yield from ((name, value) for name, value in self._walk(prefix) if isinstance(value, Module))

    def _named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, value) for name, value in self._walk() if isinstance(value, Tensor))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Go through the parameters in the order of definition, with their paths; each takes its path as its name.

        Raises
        ------
        OptionError
            If a tensor asks for gradients but is no Parameter: no optimizer would change it.

        Examples
        --------
        >>> from tinygrad_edu import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 1), nn.ReLU()).named_parameters()]
        ['0.weight', '0.bias']
        """
        for name, value in self._named_tensors():
            if isinstance(value, Parameter):
                value.name = name
                yield name, value
            elif value.is_leaf and value.requires_grad:
                raise OptionError(
                    f"{name} of {type(self).__name__} asks for gradients but is no parameter, so no optimizer would "
                    f"change it. Write nn.Parameter(...), or leave requires_grad out."
                )

    def parameters(self) -> Iterator[Parameter]:
        """Go through the parameters, in the order of definition."""
        return (parameter for _, parameter in self.named_parameters())

    def num_parameters(self) -> int:
        """Count the numbers that training changes."""
        return sum(parameter.size for parameter in self.parameters())

    # ------------------------------------------------------------------------------------------- its mode
    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - PyTorch's signature
        """Switch to training: dropout drops."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to prediction: dropout lets everything through."""
        return self.train(mode=False)

    def compile(self) -> CompiledModel:
        """Give a function that predicts: arrays in, an array out, in a fraction of the time of a small model's call.

        It computes what ``model.eval()(x).numpy()`` does, bit for bit, with the weights as they are when it is called,
        and may be called from several threads. The model itself stays as it is (PyTorch's ``compile`` changes it, and
        returns nothing); to compile its training, see `tinygrad_edu.compile`, and ``fit``, which does so by itself.

        Raises
        ------
        CaptureError
            From a call, if the forward pass cannot be recorded; it names the line.

        Examples
        --------
        >>> from tinygrad_edu import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
        >>> predict = model.compile()
        >>> predict(np.ones((5, 2), np.float32)).shape
        (5, 3)
        """
        # This layer of the package knows nothing of the compiler, which is built on it.
        compiled: CompiledModel = importlib.import_module("tinygrad_edu.compiler.prediction").CompiledModel(self)
        return compiled

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    # ------------------------------------------------------------------------------------------ its state
    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copy all parameters and buffers, by path.

        Examples
        --------
        >>> from tinygrad_edu import nn
        >>> {name: array.shape for name, array in nn.Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {name: tensor.array.copy() for name, tensor in self._named_tensors()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Write the arrays of `state` into the parameters and buffers, in place; all or none.

        Raises
        ------
        OptionError
            If names are missing or unknown.
        ShapeError
            If an array has another shape than its parameter.
        DtypeError
            If an array holds numbers that do not fit, such as fractions for integers.
        """
        own = dict(self._named_tensors())
        missing, unknown = [n for n in own if n not in state], [n for n in state if n not in own]
        if missing or unknown:
            raise OptionError(
                f"The state does not fit {type(self).__name__}: missing {', '.join(missing) or 'nothing'}, "
                f"unknown {', '.join(unknown) or 'nothing'}. Build the model as it was when the state was taken."
            )
        arrays = {name: as_array(value) for name, value in state.items()}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ShapeError(f"The state of {name} has shape {array.shape}, but the model has {own[name].shape}.")
            if not np.can_cast(array.dtype, own[name].dtype, casting="same_kind"):
                raise DtypeError(f"The state of {name} holds {array.dtype}, which does not fit into {own[name].dtype}.")
        touch(*own.values())
        for name, array in arrays.items():
            np.copyto(own[name].array, array, casting="same_kind")

    def __repr__(self) -> str:
        children = [(n, v) for n, v in _attributes(self, "") if isinstance(v, Module)]
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "".join(f"\n  ({n}): " + repr(v).replace("\n", "\n  ") for n, v in children)
        return f"{type(self).__name__}({lines}\n)"

    def extra_repr(self) -> str:
        """Word the module's options, for its repr."""
        return ""


def _attributes(holder: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Go through the modules and tensors that are held directly, containers looked into."""
    if isinstance(holder, Module):
        items: Any = vars(holder).items()
    elif isinstance(holder, dict):
        items = holder.items()
    else:
        items = enumerate(holder)
    for key, value in items:
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, (Module, Tensor)):
            yield name, value
        elif isinstance(value, (list, tuple, dict)):
            yield from _attributes(value, name)
