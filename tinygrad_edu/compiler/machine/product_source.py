"""Products of matrices in the Numba source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiler.machine.expressions import literal
from tinygrad_edu.compiler.machine.folding import DESCEND
from tinygrad_edu.compiler.machine.refusing import refusal
from tinygrad_edu.compiler.machine.writer import LETTERS
from tinygrad_edu.compiler.program import Instruction, Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.matrices import Matrix, Product
    from tinygrad_edu.compiler.machine.writer import Writer

__all__ = ["write_product"]


def write_product(w: Writer, i: Instruction) -> None:
    """Write a product; of stacks of matrices, one for each.

    Raises
    ------
    CaptureError
        If it is none of matrices of real numbers.
    """
    product = w.layout.products.get(i)
    if product is None:
        raise refusal(i)
    stack = [(letter, n) for letter, n in zip(LETTERS, product.stack, strict=False) if n > 1]
    for depth, (letter, n) in enumerate(stack):
        w.lines.append("    " * depth + f"for {letter} in {w.call('upto', n)}:")
    lines = (_small if product.small else _large)(w, i, product)
    w.lines += ["    " * len(stack) + line for line in lines]


def _matrix(w: Writer, matrix: Matrix, stack: tuple[int, ...]) -> str:
    """Spell a matrix, which may be one of a stack."""
    letters = LETTERS[len(stack) - len(matrix.stack) : len(stack)]
    return _one_of(w, matrix.value, letters, matrix.stack)


def _one_of(w: Writer, value: Value, letters: tuple[str, ...], stack: tuple[int, ...]) -> str:
    index = ["0" if n == 1 else letter for letter, n in zip(letters, stack, strict=True)]
    return f"{w.name(value)}[{', '.join(index)}]" if index else w.name(value)


def _target(w: Writer, i: Instruction, stack: tuple[int, ...]) -> str:
    assert i.out is not None  # noqa: S101 - products make a value
    return _one_of(w, i.out, LETTERS[: len(stack)], stack)


def _small(w: Writer, i: Instruction, product: Product) -> list[str]:
    """Call the machine code made for these sizes; the rows of its second matrix have to lie side by side."""
    b, (m, n, k) = product.b, product.sizes
    lines = []
    right = _matrix(w, b, product.stack)
    turned = w.layout.turned.get(b.value)
    if turned is not None and b.by_rows == b.turned:
        if turned not in w.turned or product.stack:
            w.turned.add(turned)
            lines += _turn(w, right, b, w.name(turned), k, n)
        right = w.name(turned)
    how = '"tn"' if product.a.turned else '"nn"'
    left, target = _matrix(w, product.a, product.stack), _target(w, i, product.stack)
    if i.op is DESCEND:
        call = w.call("descend", how, left, right, _weight(w, i), _rate(w, i), target, "keep", m, n, k)
    else:
        call = w.call("product", how, left, right, target, m, n, k)
    return [*lines, call]


def _turn(w: Writer, source: str, b: Matrix, target: str, k: int, n: int) -> list[str]:
    """Copy a matrix into rows that lie side by side."""
    if b.by_rows or b.by_columns:
        return [w.call("turn", source if b.turned else f"{source}.T", target, n, k)]
    return [
        f"for row in {w.call('upto', k)}:",
        f"    for column in {w.call('upto', n)}:",
        f"        {target}[row, column] = {source}[{'column, row' if b.turned else 'row, column'}]",
    ]


def _large(w: Writer, i: Instruction, product: Product) -> list[str]:
    """Call the BLAS."""
    how = "".join("t" if matrix.turned else "n" for matrix in (product.a, product.b))
    both = f'"{how}"', *(_matrix(w, matrix, product.stack) for matrix in (product.a, product.b))
    out = _target(w, i, product.stack)
    if i.op is not DESCEND:
        return [w.call("gemm", *both, out, 1, 0)]
    weight, rate = _weight(w, i), _rate(w, i)
    m, n, _ = product.sizes
    return [
        "if keep:",
        f"    {w.call('gemm', *both, out, 1, 0)}",
        f"    for i in {w.call('upto', m)}:",
        f"        for j in {w.call('upto', n)}:",
        f"            {weight}[i, j] -= {rate} * {out}[i, j]",
        "else:",
        f"    {w.call('gemm', *both, weight, f'-{rate}', 1)}",
    ]


def _weight(w: Writer, i: Instruction) -> str:
    return w.name(w.fused.views(i.inputs[2]).root)


def _rate(w: Writer, i: Instruction) -> str:
    rate = i.inputs[3]
    if not isinstance(rate, Value):
        return literal(rate, i.inputs[2].dtype)
    return w.number(rate) if rate.kind == "number" else w.scalar(rate)
