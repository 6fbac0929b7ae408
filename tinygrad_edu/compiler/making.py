"""From source to a function, whose lines tracebacks and the debugger show."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.compiler.numpy_source import Source

__all__ = ["make_function"]


class _Lines(Sequence[str]):
    """The lines of a text, taken apart when someone looks at them: hardly ever."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @overload
    def __getitem__(self, k: int) -> str: ...
    @overload
    def __getitem__(self, k: slice) -> list[str]: ...
    def __getitem__(self, k: int | slice) -> str | list[str]:
        return self._text.splitlines(keepends=True)[k]

    def __len__(self) -> int:
        return self._text.count("\n")


def make_function(source: Source, name: str, what: str, owner: object) -> Callable[..., Any]:
    """Make the function that a source defines; its lines are known to ``linecache`` as long as its owner lives.

    Parameters
    ----------
    name
        The function's name in the source.
    what
        What tracebacks call it, as in ``compiled step``.
    owner
        Whoever holds the function.
    """
    filename = f"<{what} {id(owner):x}>"
    linecache.cache[filename] = len(source.text), None, _Lines(source.text), filename  # type: ignore[assignment]  # only read
    weakref.finalize(owner, linecache.cache.pop, filename, None)
    names = {name: thing for name, thing in source.names.items() if thing is not None}
    exec(compile(source.text, filename, "exec"), names)  # noqa: S102 - written by this package
    function: Callable[..., Any] = names[name]
    return function
