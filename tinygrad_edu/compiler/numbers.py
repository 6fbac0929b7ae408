"""The number that ``loss.item()`` gives while a step is recorded: it may be returned, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from tinygrad_edu.errors import CaptureError

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Value

__all__ = ["CapturedNumber", "refuse_number"]


def refuse_number(number: CapturedNumber, line: str = "") -> NoReturn:
    """Raise because a number that is not recorded would take part in the step."""
    used = f" and used at {line}" if line else ""
    raise CaptureError(
        f"A number that item() took out of the recorded step at {number.line} was computed with or compared{used}, "
        f"which cannot be recorded. Return it as it is, or compute with the Tensor."
    )


class CapturedNumber(float):
    """A float that knows which value of the program it is."""

    value: Value
    line: str

    def __new__(cls, number: float, value: Value, line: str) -> Self:
        """Make one of a number."""
        self = super().__new__(cls, number)
        self.value, self.line = value, line
        return self

    def _refuse(self, *_: Any) -> Any:
        refuse_number(self)


_REFUSED = (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod", "rmod"),
    *("divmod", "rdivmod", "pow", "rpow", "neg", "pos", "abs", "lt", "le", "gt", "ge", "eq", "ne", "bool", "int"),
    *("float", "round", "trunc", "floor", "ceil"),
)
for _name in _REFUSED:
    setattr(CapturedNumber, f"__{_name}__", CapturedNumber._refuse)  # noqa: SLF001 - its own
CapturedNumber.__hash__ = float.__hash__  # type: ignore[method-assign]
