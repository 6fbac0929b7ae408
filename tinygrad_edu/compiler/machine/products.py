"""Products of small matrices as machine code for the sizes at hand: a call of a BLAS costs more than they do.

The result is made tile by tile, a tile being as many sums as the processor's registers hold; each row of the second
matrix is read as it lies, and each number of the first is multiplied with a piece of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler.machine.library import binding, cgutils, extending, ir, types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = ["descend", "product", "turn"]

_INDEX = ir.IntType(64)


def _registers() -> tuple[int, int, int]:
    """Give the bytes of a vector register, and the rows and registers in a row of a tile that fit into all of them."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 12, 2
    if features.get("avx2"):
        return 32, 6, 2
    return (16, 6, 4) if features.get("neon") else (16, 6, 2)


_BYTES, _ROWS, _COLUMNS = _registers()


def _index(n: int) -> Any:
    return ir.Constant(_INDEX, n)


class _Tiles:
    """Builds the product of two matrices whose sizes are known.

    Parameters
    ----------
    builder
        Where the instructions go.
    kind
        The dtype, as LLVM's type.
    sizes
        Rows, columns, and terms of each sum.
    strides
        Of the first matrix along rows and along terms; from row to row of the second and of the result.
    pointers
        To the first and the second matrix.
    finish
        Stores the sums of a tile, given its first row and column.
    """

    def __init__(
        self,
        builder: Any,
        kind: Any,
        sizes: tuple[int, int, int],
        strides: tuple[Any, Any, Any, Any],
        pointers: tuple[Any, Any],
        finish: Callable[..., None],
    ) -> None:
        self.builder, self.kind, self.finish = builder, kind, finish
        self.m, self.n, self.k = sizes
        self.along_rows, self.along_terms, self.row_b, self.row_c = strides
        self.a, self.b = pointers
        self.size = 4 if isinstance(kind, ir.FloatType) else 8
        self.lanes = _BYTES // self.size

    def build(self) -> None:
        """Go through panels of columns: whole ones, and what is left."""
        widths = [self.lanes] * _COLUMNS
        wide = sum(widths)
        whole = self.n // wide
        self._times(whole, lambda i: self._panel(self.builder.mul(i, _index(wide)), widths))
        if rest := self._split(self.n - whole * wide):
            self._panel(_index(whole * wide), rest)

    def _split(self, n: int) -> list[int]:
        """Take n columns apart into vectors."""
        widths, width = [], self.lanes
        while n:
            while width > n:
                width //= 2
            widths.append(width)
            n -= width
        return widths

    def _times(self, n: int, body: Callable[[Any], None]) -> None:
        if n == 1:
            body(_index(0))
        elif n > 1:
            with cgutils.for_range(self.builder, _index(n)) as loop:
                body(loop.index)

    def _panel(self, column: Any, widths: list[int]) -> None:
        """Go through the rows, in tiles of nearly the same height."""
        tiles = -(-self.m // _ROWS)
        low, higher = divmod(self.m, tiles)
        start = 0
        for height, count in ((low + 1, higher), (low, tiles - higher)):
            first = start

            def tile(i: Any, height: int = height, first: int = first) -> None:
                self._tile(self.builder.add(self.builder.mul(i, _index(height)), _index(first)), column, height, widths)

            self._times(count, tile)
            start += height * count

    def _tile(self, row: Any, column: Any, height: int, widths: list[int]) -> None:
        """Sum up one tile in registers, and store it."""
        builder = self.builder
        kinds = [ir.VectorType(self.kind, width) if width > 1 else self.kind for width in widths]
        sums = [[cgutils.alloca_once(builder, kind) for kind in kinds] for _ in range(height)]
        for line in sums:
            for kind, place in zip(kinds, line, strict=True):
                builder.store(ir.Constant(kind, None) if kind is not self.kind else ir.Constant(kind, 0.0), place)

        def term(k: Any) -> None:
            at = builder.add(builder.mul(k, self.row_b), column)
            pieces = self._pieces(self.b, at, kinds, widths)
            begin = builder.add(builder.mul(k, self.along_terms), builder.mul(row, self.along_rows))
            for r, line in enumerate(sums):
                there = builder.add(begin, builder.mul(_index(r), self.along_rows))
                number = builder.load(self._at(self.a, there), typ=self.kind)
                for kind, place, piece in zip(kinds, line, pieces, strict=True):
                    more = [self.everywhere(number, kind), piece, builder.load(place, typ=kind)]
                    builder.store(self._fma(kind, more), place)

        self._times(self.k, term)
        self.finish(
            self, [[builder.load(p, typ=t) for t, p in zip(kinds, line, strict=True)] for line in sums], row, column
        )

    def each(self, sums: list[list[Any]], row: Any, column: Any) -> Iterator[tuple[Any, Any]]:
        """Go through the vectors of a tile: what was summed up, and how far from the beginning it belongs."""
        builder = self.builder
        for r, line in enumerate(sums):
            at = builder.add(builder.mul(builder.add(row, _index(r)), self.row_c), column)
            for vector in line:
                yield vector, at
                at = builder.add(at, _index(getattr(vector.type, "count", 1)))

    def place(self, pointer: Any, at: Any, kind: Any) -> Any:
        """Give the place of a vector in a matrix."""
        return self.builder.bitcast(self._at(pointer, at), kind.as_pointer())

    def _at(self, pointer: Any, offset: Any) -> Any:
        return self.builder.gep(pointer, [offset], source_etype=self.kind)

    def _pieces(self, pointer: Any, at: Any, kinds: list[Any], widths: list[int]) -> list[Any]:
        pieces = []
        for kind, width in zip(kinds, widths, strict=True):
            pieces.append(self.load(self.place(pointer, at, kind), kind))
            at = self.builder.add(at, _index(width))
        return pieces

    def load(self, place: Any, kind: Any) -> Any:
        """Load a number or a vector."""
        return self.builder.load(place, align=self.size, typ=kind)

    def everywhere(self, number: Any, kind: Any) -> Any:
        """Give a vector of one number."""
        if kind is self.kind:
            return number
        empty = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        return self.builder.shuffle_vector(first, empty, zeros)

    def _fma(self, kind: Any, args: list[Any]) -> Any:
        single = "f32" if self.size == 4 else "f64"
        name = single if kind is self.kind else f"v{kind.count}{single}"
        function = ir.FunctionType(kind, [kind] * 3)
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, function, f"llvm.fma.{name}"), args
        )


def _rows(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any, Any]:
    """Give where a matrix begins, and its strides in numbers."""
    array = context.make_array(kind)(context, builder, value)
    steps = cgutils.unpack_tuple(builder, array.strides)
    return (array.data, *(builder.sdiv(step, array.itemsize, flags=["exact"]) for step in steps))


def _build(
    context: Any,
    builder: Any,
    kinds: Any,
    args: Any,
    how: str,
    sizes: tuple[int, int, int],
    finish: Callable[..., None],
) -> None:
    (a, high, wide), (b, row_b, _), (_, row_c, _) = (
        _rows(context, builder, kind, x) for kind, x in zip(kinds, args, strict=True)
    )
    strides = (wide, high, row_b, row_c) if how[0] == "t" else (high, wide, row_b, row_c)
    _Tiles(builder, context.get_data_type(kinds[0].dtype), sizes, strides, (a, b), finish).build()


@extending.intrinsic(prefer_literal=True)
def product(_typing: Any, how: Any, a: Any, b: Any, c: Any, m: Any, n: Any, k: Any) -> Any:
    """Compute c = a @ b, m by n with k terms; how is "tn" if a lies transposed in memory, else "nn"."""
    sizes = m.literal_value, n.literal_value, k.literal_value

    def make(context: Any, builder: Any, _signature: Any, args: Any) -> None:
        target = context.make_array(c)(context, builder, args[3]).data

        def finish(tiles: _Tiles, sums: list[list[Any]], row: Any, column: Any) -> None:
            for vector, at in tiles.each(sums, row, column):
                builder.store(vector, tiles.place(target, at, vector.type), align=tiles.size)

        _build(context, builder, (a, b, c), args[1:4], how.literal_value, sizes, finish)

    return types.void(how, a, b, c, m, n, k), make


@extending.intrinsic(prefer_literal=True)
def descend(
    _typing: Any, how: Any, a: Any, b: Any, weight: Any, rate: Any, gradient: Any, keep: Any, m: Any, n: Any, k: Any
) -> Any:
    """Compute weight = weight - rate * a @ b: a step of descent; the gradient is written down if `keep`."""
    sizes = m.literal_value, n.literal_value, k.literal_value

    def make(context: Any, builder: Any, _signature: Any, args: Any) -> None:
        targets = [context.make_array(t)(context, builder, x).data for t, x in ((weight, args[3]), (gradient, args[5]))]

        def finish(tiles: _Tiles, sums: list[list[Any]], row: Any, column: Any) -> None:
            with builder.if_then(args[6], likely=False):
                for vector, at in tiles.each(sums, row, column):
                    builder.store(vector, tiles.place(targets[1], at, vector.type), align=tiles.size)
            for vector, at in tiles.each(sums, row, column):
                place = tiles.place(targets[0], at, vector.type)
                change = builder.fmul(tiles.everywhere(args[4], vector.type), vector, flags=["contract"])
                now = builder.fsub(tiles.load(place, vector.type), change, flags=["contract"])
                builder.store(now, place, align=tiles.size)

        _build(context, builder, (a, b, weight), args[1:4], how.literal_value, sizes, finish)

    return types.void(how, a, b, weight, rate, gradient, keep, m, n, k), make


# ---------------------------------------------------------------------------------------------- transposing
@extending.intrinsic(prefer_literal=True)
def turn(_typing: Any, x: Any, y: Any, m: Any, n: Any) -> Any:
    """Transpose x, m by n, into y: squares in registers, and the edges number by number."""
    rows, columns = m.literal_value, n.literal_value

    def make(context: Any, builder: Any, _signature: Any, args: Any) -> None:
        source, width, _ = _rows(context, builder, x, args[0])
        target, height, _ = _rows(context, builder, y, args[1])
        kind = context.get_data_type(x.dtype)
        size = 4 if isinstance(kind, ir.FloatType) else 8
        side = min(_BYTES, 32) // size
        for whole, first, last in _squares(rows, columns, side):
            (i0, i1), (j0, j1) = first, last
            step = side if whole else 1
            with cgutils.for_range(builder, _index((i1 - i0) // step)) as i:
                row = builder.add(builder.mul(i.index, _index(step)), _index(i0))
                with cgutils.for_range(builder, _index((j1 - j0) // step)) as j:
                    column = builder.add(builder.mul(j.index, _index(step)), _index(j0))
                    _square(builder, kind, size, step, (source, row, column, width), (target, column, row, height))

    return types.void(x, y, m, n), make


def _squares(m: int, n: int, side: int) -> list[tuple[bool, tuple[int, int], tuple[int, int]]]:
    """Cut a matrix into squares, and edges of single numbers: for each part its rows and columns."""
    high, wide = m // side * side, n // side * side
    parts = [(True, (0, high), (0, wide)), (False, (high, m), (0, wide)), (False, (0, m), (wide, n))]
    return [part for part in parts if part[1][0] < part[1][1] and part[2][0] < part[2][1]]


def _square(builder: Any, kind: Any, size: int, side: int, source: Any, target: Any) -> None:
    """Transpose one square: for each bit of an index, exchange between the rows that differ in it."""

    def place(matrix: Any, r: int, vector: Any) -> Any:
        pointer, row, column, width = matrix
        at = builder.add(builder.mul(builder.add(row, _index(r)), width), column)
        return builder.bitcast(builder.gep(pointer, [at], source_etype=kind), vector.as_pointer())

    vector = ir.VectorType(kind, side) if side > 1 else kind
    lines = [builder.load(place(source, r, vector), align=size, typ=vector) for r in range(side)]
    bit = 1
    while bit < side:
        for r in range(side):
            if r & bit:
                continue
            x, y = lines[r], lines[r | bit]
            lines[r] = _mixed(builder, x, y, [c if not c & bit else side + (c ^ bit) for c in range(side)])
            lines[r | bit] = _mixed(builder, x, y, [c | bit if not c & bit else side + c for c in range(side)])
        bit *= 2
    for r, line in enumerate(lines):
        builder.store(line, place(target, r, vector), align=size)


def _mixed(builder: Any, x: Any, y: Any, which: list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(which)), which))
