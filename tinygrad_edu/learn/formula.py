"""Formulas as text: ``formula("x**2 + sin(3*x)")`` is a function that can be differentiated.

Text is never executed. It is cut into numbers, names and signs, Python's grammar arranges them in a tree, and
each node of the tree must be one of the few that a formula is made of. What is left is a list of numbers,
variables and rows of the table of operations, in the order in which a pocket calculator would take them.
"""

from __future__ import annotations

import ast
import itertools
import keyword
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import FormulaError, OptionError, suggest
from tinygrad_edu.learn.trace import as_float64
from tinygrad_edu.ops import Op
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

__all__ = ["CONSTANTS", "FUNCTIONS", "Formula", "formula"]

MAX_CHARACTERS = 1000
MAX_DEPTH = 50
MAX_ENTRIES = 500
MAX_VARIABLES = 10

CONSTANTS = {"e": math.e, "pi": math.pi, "π": math.pi}
_NAMES = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "sign"),
    *("sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh"),
    *("sigmoid", "relu", "softplus", "maximum", "minimum"),
)
FUNCTIONS: dict[str, Op] = {"abs": ops.absolute, **{name: ops.TABLE[name] for name in _NAMES}}
_SIGNS: dict[type[ast.AST], Op] = {
    ast.Add: ops.add,
    ast.Sub: ops.subtract,
    ast.Mult: ops.multiply,
    ast.Div: ops.divide,
    ast.Pow: ops.power,
    ast.UAdd: ops.positive,
    ast.USub: ops.negative,
}

# Python's `^` is no power, its names may hold letters that look alike, and `2x` is no product to it. So the
# text is looked through first, where each of these can be met with the right advice.
_TOKEN = re.compile(
    r"""(?P<number> (?: [0-9]+ \.? [0-9]* | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? )
      | (?P<name>   [A-Za-zΑ-Ωα-ω] [A-Za-zΑ-Ωα-ω0-9_]* )
      | (?P<open>   \( )
      | (?P<close>  \) )
      | (?P<sign>   \*\* | /(?!/) | [-+*,] )
      | (?P<space>  [ ] )
      | (?P<other>  // | . )""",
    re.VERBOSE,
)
_INSTEAD = {"^": "**", "×": "*", "·": "*", "÷": "/", "−": "-", "√": "sqrt", "|": "abs", "[": "(", "]": ")"}
_BETWEEN = {"*", "/", "**", ","}  # unlike + and -, never the first sign of a number
_TOO_DEEP = f"the formula is nested more than {MAX_DEPTH} deep. Write it as a Python function"
_INGREDIENTS = "it has numbers, variables, + - * / **, round brackets and functions such as sin(x)"


# ------------------------------------------------------------------------------------------- the function
@dataclass(frozen=True)
class Formula:
    """A function written as a formula; parsed once, called often.

    A formula has numbers, variables, ``pi``, ``e``, ``+ - * / **``, brackets and the functions in
    ``FUNCTIONS``. It computes in float64, without a warning: what overflows is inf, what is undefined nan.

    Parameters
    ----------
    text
        The formula, in Python's notation: ``2*x**2``, not ``2x²``. At most 1000 characters.

    Attributes
    ----------
    text
        The formula, with each run of white space as one blank.
    variables
        The names of its variables, sorted; the order in which a call takes their values.

    Raises
    ------
    FormulaError
        If the text is no formula.

    Examples
    --------
    >>> f = Formula("x**2 + sin(3*x) / y")
    >>> f.variables
    ('x', 'y')
    >>> f(2.0, 1.0).item() == f(y=1.0, x=2.0).item() == 4.0 + float(np.sin(6.0))
    True
    >>> from tinygrad_edu import grad
    >>> grad(Formula("x**2"))(-6.0).item()
    -12.0
    """

    text: str
    variables: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _entries: tuple[float | str | Op, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise FormulaError(f"A formula is text, such as 'x**2', but is {type(self.text).__name__}.")
        if len(self.text) > MAX_CHARACTERS:
            raise FormulaError(
                f"The formula has {len(self.text)} characters, but {MAX_CHARACTERS} are the most. "
                "Write a longer one as a Python function."
            )
        text = " ".join(self.text.split())
        entries = tuple(_Reader(text).entries)
        variables = tuple(sorted({entry for entry in entries if isinstance(entry, str)}))
        if len(variables) > MAX_VARIABLES:
            _refuse(text, f"there are {len(variables)} variables, but {MAX_VARIABLES} are the most")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "_entries", entries)

    def __call__(self, /, *values: ArrayLike | Tensor, **named: ArrayLike | Tensor) -> Tensor:
        """Compute the formula, entry by entry where values are arrays.

        Parameters
        ----------
        values
            A value for each of `variables`, in that order.
        named
            Or a value for each variable by its name.

        Raises
        ------
        OptionError
            If a variable has no value, or a value no variable.
        """
        names = {name: _as_tensor(value) for name, value in self._bind(values, named).items()}
        with np.errstate(all="ignore"):
            out = _compute(self._entries, names)
        return out if isinstance(out, Tensor) else Tensor(np.asarray(out, dtype=np.float64))

    def __reduce__(self) -> tuple[type[Formula], tuple[str]]:
        # The text says it all; the rows of the table hold functions that cannot be pickled.
        return Formula, (self.text,)

    def _bind(self, values: tuple[Any, ...], named: Mapping[str, Any]) -> Mapping[str, Any]:
        """Find the value of each variable."""
        if not named and len(values) == len(self.variables):
            return dict(zip(self.variables, values, strict=True))
        if not values and set(named) == set(self.variables):
            return named
        example = ", ".join(f"{name}=..." for name in self.variables)
        given = ", ".join(named) or f"{len(values)} value{'s' if len(values) != 1 else ''}"
        raise OptionError(f"The formula {self.text!r} was given {given}. Call it as f({example}).")


def formula(text: str | Formula) -> Formula:
    """Read a formula, such as ``"x**2 + sin(3*x)"``: see `Formula`.

    Examples
    --------
    >>> formula("x**2")(np.array([-6.0, 0.0, 6.0]))
    tensor([36.,  0., 36.], dtype=float64)
    >>> formula("2x")
    Traceback (most recent call last):
    tinygrad_edu.errors.FormulaError: In '2x', write 2*x instead of 2x: a product needs its sign.
    """
    return text if isinstance(text, Formula) else Formula(text)


def _as_tensor(value: ArrayLike | Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype == np.float64 else value.astype(np.float64)
    return Tensor(as_float64(value))


def _compute(entries: Iterable[float | str | Op], values: Mapping[str, Tensor]) -> Tensor | float:
    """Work through the entries with a stack, as a calculator with reverse Polish notation does."""
    stack: list[Tensor | float] = []
    for entry in entries:
        if isinstance(entry, Op):
            arguments = stack[-len(entry.rules) :]
            del stack[-len(entry.rules) :]
            stack.append(_power(*arguments) if entry is ops.power else entry(*arguments))
        else:
            stack.append(values[entry] if isinstance(entry, str) else entry)
    return stack.pop()


def _power(base: Tensor | float, exponent: Tensor | float) -> Tensor | float:
    # A Tensor's own operator has a row for constant exponents, so that x**2 needs no logarithm. A float's is
    # of no use: 9.0**9.0**9.0 raises OverflowError, and (-8.0)**0.5 is complex.
    out: Tensor | float = base**exponent if isinstance(base, Tensor) else ops.power(base, exponent)
    return out


# --------------------------------------------------------------------------------------------- the reader
def _refuse(text: str, reason: str) -> NoReturn:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    raise FormulaError(f"In {shown!r}, {reason}.")


class _Reader:
    """Reads a formula into entries: what a node computes with comes before the row that computes it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.entries: list[float | str | Op] = []
        _look_through(text)
        self._read(_tree(text), 1)

    def _read(self, node: ast.expr, depth: int) -> None:
        if depth > MAX_DEPTH:
            _refuse(self.text, _TOO_DEEP)
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                self._enter(float(number))
            case ast.Name(id=name) if name in FUNCTIONS:
                _refuse(self.text, f"{name} is a function: write {_example(name)}")
            case ast.Name(id=name):
                self._enter(CONSTANTS.get(name, name))
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
                self._read(operand, depth + 1)
                self._enter(_SIGNS[type(sign)])
            case ast.BinOp(op=sign) if type(sign) in _SIGNS:
                self._read_chain(node, depth)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                self._check_call(name, len(arguments))
                for argument in arguments:
                    self._read(argument, depth + 1)
                self._enter(FUNCTIONS[name])
            case ast.Tuple():
                _refuse(self.text, "a comma joins two formulas: write one, and decimals as 0.5")
            case _:
                part = ast.get_source_segment(self.text, node) or type(node).__name__
                _refuse(self.text, f"{part!r} is not part of a formula: {_INGREDIENTS}")

    def _read_chain(self, node: ast.expr, depth: int) -> None:
        # a + b + c + ... leans to the left as far as it is long; a loop leaves the depth for what is nested.
        chain: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
            chain.append(node)
            node = node.left
        self._read(node, depth + 1)
        for binary in reversed(chain):
            self._read(binary.right, depth + 1)
            self._enter(_SIGNS[type(binary.op)])

    def _enter(self, entry: float | str | Op) -> None:
        if len(self.entries) == MAX_ENTRIES:
            _refuse(self.text, f"there are more than {MAX_ENTRIES} numbers, variables and signs. Shorten it")
        self.entries.append(entry)

    def _check_call(self, name: str, n_arguments: int) -> None:
        if name not in FUNCTIONS:
            known = suggest(name, FUNCTIONS).removesuffix(".")
            _refuse(self.text, f"{name!r} is no function; for a product write {name}*(...). {known}")
        needed = len(FUNCTIONS[name].rules)
        if n_arguments != needed:
            _refuse(self.text, f"{name} takes {('one number', 'two numbers')[needed - 1]}: write {_example(name)}")


def _example(name: str) -> str:
    return f"{name}({', '.join('xy'[: len(FUNCTIONS[name].rules)])})"


def _tree(text: str) -> ast.expr:
    """Let Python's grammar arrange what `_look_through` has let pass."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = max(1, min(error.offset or 1, len(text)))
        _refuse(text, f"something is missing or too much at position {place}, near {text[place - 1]!r}")
    except (RecursionError, MemoryError):  # how the parser says that its own stack is full
        _refuse(text, _TOO_DEEP)


def _look_through(text: str) -> None:
    """Refuse what is no number, name or sign, signs left out, and brackets that do not pair."""
    if not text:
        raise FormulaError("The formula is empty. Write one such as x**2 + sin(3*x).")
    tokens = [token for token in _TOKEN.finditer(text) if token.lastgroup != "space"]
    for token in tokens:
        _check_token(text, token)
    for left, right in itertools.pairwise(tokens):
        _check_neighbours(text, left, right)
    if tokens[0][0] in _BETWEEN or tokens[-1].lastgroup == "sign":
        end, token = ("begins", tokens[0]) if tokens[0][0] in _BETWEEN else ("ends", tokens[-1])
        _refuse(text, f"a number is missing: the formula {end} with {token[0]}")
    _check_brackets(text, tokens)


def _check_brackets(text: str, tokens: list[re.Match[str]]) -> None:
    opened: list[int] = []
    for token in tokens:
        if token.lastgroup == "open":
            opened.append(token.end())
        elif token.lastgroup == "close" and not opened:
            _refuse(text, f"the bracket at position {token.end()} closes nothing. Take it away")
        elif token.lastgroup == "close":
            opened.pop()
        if len(opened) > MAX_DEPTH:
            _refuse(text, _TOO_DEEP)
    if opened:
        _refuse(text, f"the bracket at position {opened[-1]} is never closed. Add a )")


def _check_token(text: str, token: re.Match[str]) -> None:
    word, place = token[0], f"position {token.start() + 1}"
    if token.lastgroup == "number" and math.isinf(float(word)):
        _refuse(text, f"the number at {place} is too large: 1.8e308 is the most")
    if token.lastgroup == "name" and keyword.iskeyword(word):
        _refuse(text, f"{word!r} at {place} is a word of Python and no variable: {_INGREDIENTS}")
    if token.lastgroup == "other":
        raised = unicodedata.decomposition(word[0]).startswith("<super>")
        instead = f"**{unicodedata.normalize('NFKC', word)}" if raised else _INSTEAD.get(word)
        if instead:
            _refuse(text, f"write {instead} instead of {word!r} ({place})")
        if word == "=":
            _refuse(text, "there is an equals sign: write its right side alone")
        _refuse(text, f"{word!r} at {place} is not part of a formula: {_INGREDIENTS}")


def _check_neighbours(text: str, left: re.Match[str], right: re.Match[str]) -> None:
    """Refuse `2x` and `)(`, where a sign was left out, and `+)` and `(*`, where a number was."""
    given = text[left.start() : right.end()]
    if left.lastgroup in {"sign", "open"}:
        if right.lastgroup == "close" or right[0] in _BETWEEN:
            _refuse(text, f"a number is missing between {left[0]} and {right[0]} (position {right.start() + 1})")
    elif right.lastgroup in {"number", "name"} or (right.lastgroup == "open" and left.lastgroup != "name"):
        if left[0] in FUNCTIONS:
            _refuse(text, f"write {left[0]}({right[0]}) instead of {given}")
        _refuse(text, f"write {left[0]}*{right[0]} instead of {given}: a product needs its sign")
