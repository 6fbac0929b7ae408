"""Reading a formula: cut into numbers, names and signs, arranged by Python's grammar, and never executed.

Each node of the tree must be one of the few that a formula is made of. Whatever the text, this takes bounded time and
memory: its length, the depth of its brackets and the number of its entries have limits.
"""

from __future__ import annotations

import ast
import itertools
import keyword
import math
import re
import unicodedata
from typing import TYPE_CHECKING, NoReturn

from tinygrad_edu import ops
from tinygrad_edu.errors import FormulaError, suggest

if TYPE_CHECKING:
    from tinygrad_edu.ops import Op

__all__ = ["CONSTANTS", "FUNCTIONS", "MAX_DEPTH", "MAX_ENTRIES", "MAX_VARIABLES", "read", "refuse"]

MAX_DEPTH = 50
MAX_ENTRIES = 500
MAX_VARIABLES = 10
MAX_NAME = 30

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
_TWINS = str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo")  # Greek letters that look like Latin ones
_NO_NUMBERS = {"inf", "infinity", "nan"}
_BETWEEN = {"*", "/", "**", ","}  # unlike + and -, never the first sign of a number
_TOO_DEEP = f"the formula is nested more than {MAX_DEPTH} deep. Write it as a Python function"
_INGREDIENTS = "it has numbers, variables, + - * / **, round brackets and functions such as sin(x)"


def read(text: str) -> tuple[float | str | Op, ...]:
    """Read a formula into entries: what a row of the table computes with comes before the row.

    Parameters
    ----------
    text
        At most 1000 characters, with single blanks alone as white space.

    Raises
    ------
    FormulaError
        If the text is no formula.

    Examples
    --------
    >>> [getattr(entry, "name", entry) for entry in read("2*x + 1")]
    [2.0, 'x', 'multiply', 1.0, 'add']
    """
    return tuple(_Reader(text).entries)


def refuse(text: str, reason: str) -> NoReturn:
    """Raise the error that shows the text and says why it is no formula."""
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
            refuse(self.text, _TOO_DEEP)
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                self._enter(float(number))
            case ast.Name(id=name) if name in FUNCTIONS:
                refuse(self.text, f"{name} is a function: write {_example(name)}")
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
                refuse(self.text, "a comma joins two formulas: write one, and decimals as 0.5")
            case _:
                part = ast.get_source_segment(self.text, node) or type(node).__name__
                refuse(self.text, f"{part!r} is not part of a formula: {_INGREDIENTS}")

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
            refuse(self.text, f"there are more than {MAX_ENTRIES} numbers, variables and signs. Shorten it")
        self.entries.append(entry)

    def _check_call(self, name: str, n_arguments: int) -> None:
        if name not in FUNCTIONS:
            known = suggest(name, FUNCTIONS).removesuffix(".")
            refuse(self.text, f"{name!r} is no function; for a product write {name}*(...). {known}")
        needed = len(FUNCTIONS[name].rules)
        if n_arguments != needed:
            refuse(self.text, f"{name} takes {('one number', 'two numbers')[needed - 1]}: write {_example(name)}")


def _example(name: str) -> str:
    return f"{name}({', '.join('xy'[: len(FUNCTIONS[name].rules)])})"


def _tree(text: str) -> ast.expr:
    """Let Python's grammar arrange what `_look_through` has let pass."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = max(1, min(error.offset or 1, len(text)))
        refuse(text, f"something is missing or too much at position {place}, near {text[place - 1]!r}")
    except (RecursionError, MemoryError):  # how the parser says that its own stack is full
        refuse(text, _TOO_DEEP)


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
        if "," in {tokens[0][0], tokens[-1][0]}:
            place = "beginning" if tokens[0][0] == "," else "end"
            refuse(text, f"a comma stands at the {place}, where it parts nothing: take it away")
        end, token = ("begins", tokens[0]) if tokens[0][0] in _BETWEEN else ("ends", tokens[-1])
        refuse(text, f"a number is missing: the formula {end} with {token[0]}")
    _check_brackets(text, tokens)


def _check_brackets(text: str, tokens: list[re.Match[str]]) -> None:
    opened: list[int] = []
    for token in tokens:
        if token.lastgroup == "open":
            opened.append(token.end())
        elif token.lastgroup == "close" and not opened:
            refuse(text, f"the bracket at position {token.end()} closes nothing. Take it away")
        elif token.lastgroup == "close":
            opened.pop()
        if len(opened) > MAX_DEPTH:
            refuse(text, _TOO_DEEP)
    if opened:
        refuse(text, f"the bracket at position {opened[-1]} is never closed. Add a )")


def _check_token(text: str, token: re.Match[str]) -> None:
    word, place = token[0], f"position {token.start() + 1}"
    if token.lastgroup == "number" and math.isinf(float(word)):
        refuse(text, f"the number at {place} is too large: 1.8e308 is the most")
    if token.lastgroup == "name":
        _check_name(text, word, place)
    if token.lastgroup == "other":
        raised = unicodedata.decomposition(word[0]).startswith("<super>")
        plain = unicodedata.normalize("NFKC", word)  # of letters and digits in another style
        styled = plain if plain.isascii() and plain.isalnum() else None
        instead = f"**{plain}" if raised else _INSTEAD.get(word, styled)
        if instead:
            refuse(text, f"write {instead} instead of {word!r} ({place})")
        if word == "=":
            refuse(text, "there is an equals sign: write its right side alone")
        refuse(text, f"{word!r} at {place} is not part of a formula: {_INGREDIENTS}")


def _check_name(text: str, name: str, place: str) -> None:
    latin = name.translate(_TWINS)
    if keyword.iskeyword(name):
        refuse(text, f"{name!r} at {place} is a word of Python and no variable: {_INGREDIENTS}")
    if len(name) > MAX_NAME:
        refuse(text, f"the name at {place} has {len(name)} letters, but {MAX_NAME} are the most")
    if latin != name:
        refuse(text, f"{name!r} at {place} has Greek letters that look like Latin ones: write {latin}")
    if name.lower() in _NO_NUMBERS:
        refuse(text, f"{name!r} at {place} is no number to compute with, and no name for a variable")


def _check_neighbours(text: str, left: re.Match[str], right: re.Match[str]) -> None:
    """Refuse `2x` and `)(`, where a sign was left out, and `+)` and `(*`, where a number was."""
    given = text[left.start() : right.end()]
    if left.lastgroup in {"sign", "open"}:
        if right.lastgroup == "close" or right[0] in _BETWEEN:
            refuse(text, f"a number is missing between {left[0]} and {right[0]} (position {right.start() + 1})")
    elif right.lastgroup in {"number", "name"} or (right.lastgroup == "open" and left.lastgroup != "name"):
        if left[0] in FUNCTIONS:
            refuse(text, f"write {left[0]}({right[0]}) instead of {given}")
        refuse(text, f"write {left[0]}*{right[0]} instead of {given}: a product needs its sign")
