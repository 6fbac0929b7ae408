"""Products of matrices through the BLAS that SciPy brings along: transposed is a flag, and the result may be added to.

NumPy and SciPy bring an OpenBLAS each, with threads of their own; compiled source calls this one alone.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.compiler.machine.library import binding, cgutils, extending, ir, types

__all__ = ["gemm"]

_SYMBOLS = {types.float32: "tinygrad_edu_sgemm", types.float64: "tinygrad_edu_dgemm"}
for _name in ("sgemm", "dgemm"):
    _address = extending.get_cython_function_address("scipy.linalg.cython_blas", _name)
    binding.add_symbol(f"tinygrad_edu_{_name}", _address)

_BYTE, _INT = ir.IntType(8), ir.IntType(32)


@extending.intrinsic(prefer_literal=True)
def gemm(_typing: Any, how: Any, a: Any, b: Any, c: Any, alpha: Any, beta: Any) -> Any:
    """Compute c = alpha * a @ b + beta * c; `how` says which of a and b are transposed: "nn", "nt", "tn", "tt"."""
    if not isinstance(how, types.StringLiteral) or c.dtype not in _SYMBOLS:
        return None
    flags = how.literal_value

    def make(context: Any, builder: Any, signature: Any, args: Any) -> None:
        arrays = [context.make_array(kind)(context, builder, x) for kind, x in zip((a, b, c), args[1:4], strict=True)]
        m, n = cgutils.unpack_tuple(builder, arrays[2].shape)
        k = cgutils.unpack_tuple(builder, arrays[0].shape)[0 if flags[0] == "t" else 1]
        scalar = context.get_data_type(c.dtype)
        scale = [context.cast(builder, args[i], signature.args[i], c.dtype) for i in (4, 5)]

        def held(value: Any) -> Any:
            place = cgutils.alloca_once(builder, value.type)
            builder.store(value, place)
            return place

        def integer(value: Any) -> Any:
            return held(builder.trunc(value, _INT))

        # BLAS counts along columns: what it is told is the transposed product, b.T @ a.T.
        second, first = (_operand(builder, x, flag) for x, flag in ((arrays[1], flags[1]), (arrays[0], flags[0])))
        pointer = scalar.as_pointer()
        kinds = [_BYTE.as_pointer()] * 2 + [_INT.as_pointer()] * 3 + [pointer, pointer, _INT.as_pointer()]
        kinds += [pointer, _INT.as_pointer(), pointer, pointer, _INT.as_pointer()]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), _SYMBOLS[c.dtype]
        )
        builder.call(
            function,
            [
                held(second[0]),
                held(first[0]),
                integer(n),
                integer(m),
                integer(k),
                held(scale[0]),
                arrays[1].data,
                integer(second[1]),
                arrays[0].data,
                integer(first[1]),
                held(scale[1]),
                arrays[2].data,
                integer(builder.sdiv(cgutils.unpack_tuple(builder, arrays[2].strides)[0], arrays[2].itemsize)),
            ],
        )

    return types.void(how, a, b, c, alpha, beta), make


def _operand(builder: Any, array: Any, flag: str) -> tuple[Any, Any]:
    """Say whether BLAS has to transpose an array, and how far apart its lines are."""
    rows, columns = cgutils.unpack_tuple(builder, array.strides)
    height, width = cgutils.unpack_tuple(builder, array.shape)
    by_rows = builder.icmp_signed("==", columns, array.itemsize)
    line = builder.sdiv(builder.select(by_rows, rows, columns), array.itemsize)
    least = builder.select(by_rows, width, height)
    line = builder.select(builder.icmp_signed("<", line, least), least, line)
    plain, turned = (ir.Constant(_BYTE, ord(c)) for c in (("N", "T") if flag == "n" else ("T", "N")))
    return builder.select(by_rows, plain, turned), line
