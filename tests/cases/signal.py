"""Cases of convolution, windows and pooling; each is compared with loops over single entries."""

import functools
import math

import numpy as np

from tests.cases.case import case


# ------------------------------------------------------------------------------------ what is right, slowly
def each(value, n):
    return value if isinstance(value, tuple) else (value,) * n


def pairs(padding, n):
    return tuple(p if isinstance(p, tuple) else (p, p) for p in each(padding, n))


def axes(sizes, kernel, stride, padding, dilation, *, ceil_mode=False):
    """Along each axis and for each window, list the pairs of a tap and the entry that it meets."""
    n, found = len(sizes), []
    for size, k, s, (before, behind), d in zip(
        sizes, each(kernel, n), each(stride, n), pairs(padding, n), each(dilation, n), strict=True
    ):
        windows, start, room = [], 0, before + size + behind
        extent = d * (k - 1) + 1
        while start + extent <= room or (ceil_mode and start + extent - s < room and start < size + before):
            entries = [(i, start + i * d - before) for i in range(k)]
            windows.append([(i, entry) for i, entry in entries if 0 <= entry < size])
            start += s
        found.append(windows)
    return found


def counts(found):
    return tuple(len(windows) for windows in found)


def meetings(found):
    """Go through all windows, all their taps, and the entries that they meet."""
    for window in np.ndindex(*counts(found)):
        along = [windows[o] for windows, o in zip(found, window, strict=True)]
        for which in np.ndindex(*map(len, along)):
            met = [pairs_[w] for pairs_, w in zip(along, which, strict=True)]
            yield window, tuple(tap for tap, _ in met), tuple(entry for _, entry in met)


def channel_pairs(weight, groups):
    """List which channel of the result, which of the input, and the place of their weight."""
    features, channels = weight[0] // groups, weight[1]
    return [(f, f // features * channels + c, (f, c)) for f in range(weight[0]) for c in range(channels)]


def conv(x, weight, stride=1, padding=0, dilation=1, groups=1):
    found = axes(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(weight), *counts(found)), x.dtype)
    for window, tap, entry in meetings(found):
        for f, c, place in channel_pairs(weight.shape, groups):
            y[(slice(None), f, *window)] += x[(slice(None), c, *entry)] * weight[(*place, *tap)]
    return y


def conv_bias(x, weight, bias, **options):
    return conv(x, weight, **options) + bias.reshape(-1, *(1,) * (x.ndim - 2))


def conv_transpose(y, weight, stride=1, padding=0, dilation=1, groups=1):
    n = y.ndim - 2
    sizes = tuple(
        (o - 1) * s + d * (k - 1) + 1 - before - behind
        for o, s, d, k, (before, behind) in zip(
            y.shape[2:], each(stride, n), each(dilation, n), weight.shape[2:], pairs(padding, n), strict=True
        )
    )
    x = np.zeros((len(y), weight.shape[1] * groups, *sizes), y.dtype)
    for window, tap, entry in meetings(axes(sizes, weight.shape[2:], stride, padding, dilation)):
        for f, c, place in channel_pairs(weight.shape, groups):
            x[(slice(None), c, *entry)] += y[(slice(None), f, *window)] * weight[(*place, *tap)]
    return x


def conv_weight(x, y, *, kernel, stride=1, padding=0, dilation=1, groups=1):
    weight = np.zeros((y.shape[1], x.shape[1] // groups, *kernel), x.dtype)
    for window, tap, entry in meetings(axes(x.shape[2:], kernel, stride, padding, dilation)):
        for f, c, place in channel_pairs(weight.shape, groups):
            weight[(*place, *tap)] += (x[(slice(None), c, *entry)] * y[(slice(None), f, *window)]).sum()
    return weight


def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    found = axes(x.shape[2:], kernel_size, stride, padding, dilation)
    kernel = each(kernel_size, x.ndim - 2)
    columns = np.zeros((*x.shape[:2], *kernel, *counts(found)), x.dtype)
    for window, tap, entry in meetings(found):
        columns[(slice(None), slice(None), *tap, *window)] = x[(slice(None), slice(None), *entry)]
    return columns.reshape(len(x), x.shape[1] * math.prod(kernel), math.prod(counts(found)))


def fold(columns, output_size, kernel_size, dilation=1, padding=0, stride=1):
    found = axes(output_size, kernel_size, stride, padding, dilation)
    kernel = each(kernel_size, len(output_size))
    channels = columns.shape[1] // math.prod(kernel)
    parts = columns.reshape(len(columns), channels, *kernel, *counts(found))
    x = np.zeros((len(columns), channels, *output_size), columns.dtype)
    for window, tap, entry in meetings(found):
        x[(slice(None), slice(None), *entry)] += parts[(slice(None), slice(None), *tap, *window)]
    return x


def pooled(x, pool, kernel_size, stride=None, padding=0, dilation=1, *, ceil_mode=False):
    """Call ``pool(values, window)`` with all values that each window sees."""
    stride = kernel_size if stride is None else stride
    found = axes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
    out = np.zeros((*x.shape[:2], *counts(found)), x.dtype)
    for n, c in np.ndindex(*x.shape[:2]):
        seen = {}
        for window, _, entry in meetings(found):
            seen.setdefault(window, []).append((entry, x[(n, c, *entry)]))
        for window, values in seen.items():
            out[(n, c, *window)] = pool(values, (n, c, *window))
    return out


def max_pool(x, **options):
    return pooled(x, lambda values, _: max(value for _, value in values), **options)


def sum_pool(x, **options):
    return pooled(x, lambda values, _: sum(value for _, value in values), **options)


def first_not_below(x, y, **options):
    """List the windows that have an entry which is not below y, and the first of these entries."""
    found = []

    def note(values, place):
        entries = [entry for entry, value in values if value >= y[place]]
        found.extend([(place, (*place[:2], *entries[0]))] if entries else [])
        return 0

    pooled(x, note, **options)
    return found


def max_pool_put(g, x, y, **options):
    out = np.zeros(x.shape, g.dtype)
    for place, entry in first_not_below(x, y, **options):
        out[entry] += g[place]
    return out


def max_pool_pick(g, x, y, **options):
    out = np.zeros(y.shape, g.dtype)
    for place, entry in first_not_below(x, y, **options):
        out[place] = g[entry]
    return out


def sum_pool_put(g, *, sizes, **options):
    x = np.zeros((*g.shape[:2], *sizes), g.dtype)

    def add(values, place):
        for entry, _ in values:
            x[(*place[:2], *entry)] += g[place]
        return 0

    pooled(np.zeros_like(x), add, **options)
    return x


def avg_pool(x, *, count_include_pad=True, divisor_override=None, **options):
    total = sum_pool(x, **options)
    if divisor_override:
        return total / x.dtype.type(divisor_override)
    if not count_include_pad:
        return total / sum_pool(np.ones_like(x), **options)
    n = x.ndim - 2
    kernel = each(options["kernel_size"], n)
    stride, padding = each(options.get("stride") or kernel, n), pairs(options.get("padding", 0), n)
    entries = np.zeros(total.shape[2:], x.dtype)
    for window in np.ndindex(*entries.shape):
        entries[window] = math.prod(
            sum(o * s + i < before + size + behind for i in range(k))
            for o, s, k, size, (before, behind) in zip(window, stride, kernel, x.shape[2:], padding, strict=True)
        )
    return total / entries


def adapted(x, output_size, pool):
    sizes = x.shape[2:]
    n = [m if o is None else o for m, o in zip(sizes, each(output_size, len(sizes)), strict=True)]
    out = np.zeros((*x.shape[:2], *n), x.dtype)
    for place in np.ndindex(*out.shape):
        where = zip(place[2:], n, sizes, strict=True)
        parts = tuple(slice(math.floor(i * m / o), math.ceil((i + 1) * m / o)) for i, o, m in where)
        out[place] = pool(x[(*place[:2], *parts)])
    return out


REFERENCES = {f.__name__: f for f in (conv, conv_transpose, unfold, fold, max_pool, sum_pool, avg_pool,
                                      max_pool_put, max_pool_pick, sum_pool_put)}  # fmt: skip
REFERENCES["adaptive_avg_pool"] = lambda x, output_size: adapted(x, output_size, np.mean)
REFERENCES["adaptive_max_pool"] = lambda x, output_size: adapted(x, output_size, np.max)


def signal(op, form, *shapes, **options):
    return case(op, form, *shapes, reference=functools.partial(REFERENCES[op], **options), **options)


# ---------------------------------------------------------------------------------------- convolution
# The shapes of x and of the weight, and the options. 24 columns in a row of windows are enough for a product of each
# row, and 8 examples for the order in memory that has them last: below, both and neither.
CONVOLUTIONS = {
    "1 axis": ((2, 2, 4), (2, 2, 3), {}),
    "1 axis, all options": ((2, 2, 6), (2, 1, 2), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
    "2 axes": ((1, 2, 3, 4), (2, 2, 2, 2), {}),
    "3 axes": ((1, 2, 2, 3, 3), (2, 2, 2, 1, 2), {"padding": (0, 1, 0)}),
    "4 axes": ((1, 1, 2, 1, 2, 2), (1, 1, 1, 1, 2, 2), {"padding": (0, 1, 0, 0), "stride": (1, 2, 1, 1)}),
    "one entry": ((1, 1, 1), (1, 1, 1), {}),
    "a kernel of one entry": ((2, 2, 2, 2), (3, 2, 1, 1), {}),
    "a kernel as large as the input": ((2, 1, 3, 2), (2, 1, 3, 2), {}),
    "entries left over": ((1, 1, 6, 4), (2, 1, 3, 2), {"stride": (2, 3)}),
    "stride larger than the kernel": ((1, 2, 5, 4), (1, 2, 2, 1), {"stride": 3}),
    "padding": ((1, 1, 2, 3), (2, 1, 3, 2), {"padding": (1, 2)}),
    "padding as pairs": ((1, 1, 3, 2), (1, 1, 2, 2), {"padding": ((0, 1), (2, 0))}),
    "padding below 0": ((1, 1, 4, 5), (1, 1, 2, 2), {"padding": ((-1, 0), (1, -2))}),
    "more padding than kernel": ((1, 1, 2, 2), (1, 1, 2, 1), {"padding": 3, "stride": 2}),
    "dilation": ((1, 1, 5, 4), (1, 1, 3, 2), {"dilation": 2}),
    "dilation across the rows": ((1, 1, 2, 5), (1, 1, 2, 2), {"dilation": (1, 3)}),
    "groups": ((1, 4, 3, 2), (2, 2, 2, 2), {"groups": 2}),
    "a group for each channel": ((1, 2, 3, 3), (4, 1, 2, 2), {"groups": 2, "padding": 1, "stride": 2}),
    "rows, many examples": ((8, 1, 3, 4), (2, 1, 2, 2), {}),
    "rows, many examples, groups": ((8, 2, 2, 3), (2, 1, 2, 1), {"groups": 2, "padding": (1, 0)}),
    "rows, many examples, stride": ((8, 1, 4, 4), (1, 1, 2, 2), {"stride": (2, 1)}),
    "rows, many examples, padding below 0": ((8, 1, 4, 3), (1, 1, 2, 1), {"padding": ((-1, 1), (0, 0))}),
    "rows, long": ((1, 1, 3, 25), (1, 1, 2, 2), {"padding": (1, 0)}),
    "rows, long, stride": ((1, 1, 3, 26), (1, 1, 2, 3), {"padding": ((0, 1), (0, 0)), "stride": (2, 1)}),
    "no examples": ((0, 2, 3, 3), (2, 2, 2, 2), {"padding": 1}),
    "nothing but padding": ((2, 1, 2, 0), (1, 1, 2, 2), {"padding": 1}),
}


def _exactly(x, weight, options):
    """Give the shape of y, and the options without the entries left over: those of the other two rows."""
    n = len(x) - 2
    stride, dilation = each(options.get("stride", 1), n), each(options.get("dilation", 1), n)
    padding = pairs(options.get("padding", 0), n)
    found = counts(axes(x[2:], weight[2:], stride, padding, dilation))
    exact = tuple(
        (before, (o - 1) * s + d * (k - 1) + 1 - size - before)
        for o, s, d, k, size, (before, _) in zip(found, stride, dilation, weight[2:], x[2:], padding, strict=True)
    )
    return (x[0], weight[0], *found), options | {"padding": exact}


def _four(form, x, weight, options):
    y, exact = _exactly(x, weight, options)
    reference = functools.partial(conv_weight, kernel=weight[2:], **exact)
    return [
        signal("conv", form, x, weight, **options),
        case("conv_bias", form, x, weight, weight[:1], reference=functools.partial(conv_bias, **options), **options),
        signal("conv_transpose", form, y, weight, **exact),
        case("conv_weight", form, x, y, reference=reference, **exact),
    ]


SEQUENCES = {
    "longer first": ((5,), (3,)),
    "shorter first": ((2,), (4,)),
    "equally long": ((3,), (3,)),
    "one entry": ((1,), (3,)),
    "an array": ((4,), np.array([1.0, -0.5, 2.0], np.float32)),
}

# ---------------------------------------------------------------------------------- windows and pooling
WINDOWS = {
    "1 axis": ((2, 2, 4), {"kernel_size": 3}),
    "2 axes": ((1, 2, 3, 4), {"kernel_size": (2, 3)}),
    "3 axes": ((1, 1, 2, 3, 3), {"kernel_size": (1, 2, 2)}),
    "padding": ((1, 2, 2, 3), {"kernel_size": 2, "padding": (1, 0)}),
    "dilation": ((1, 1, 4, 3), {"kernel_size": 2, "dilation": (2, 1)}),
    "stride, entries left over": ((1, 1, 5, 4), {"kernel_size": (2, 1), "stride": (2, 3)}),
    "all options": ((2, 1, 5, 4), {"kernel_size": (2, 3), "dilation": (3, 1), "padding": 1, "stride": (1, 2)}),
    "no examples": ((0, 1, 3), {"kernel_size": 2}),
}


def _columns(shape, options):
    return unfold(np.zeros(shape), **options).shape


POOLS = {
    "1 axis": ((2, 1, 4), {"kernel_size": 2}),
    "2 axes": ((1, 2, 4, 3), {"kernel_size": (2, 3)}),
    "3 axes": ((1, 1, 2, 4, 2), {"kernel_size": (2, 2, 1)}),
    "windows that overlap": ((1, 1, 4, 4), {"kernel_size": 3, "stride": 1}),
    "entries left over": ((1, 1, 5, 3), {"kernel_size": 2}),
    "windows apart": ((1, 1, 5, 4), {"kernel_size": (1, 2), "stride": 3}),
    "padding": ((1, 1, 3, 4), {"kernel_size": (2, 3), "stride": 2, "padding": (0, 1)}),
    "ceil_mode": ((1, 1, 5, 4), {"kernel_size": 2, "ceil_mode": True}),
    "ceil_mode and padding": ((1, 1, 4, 5), {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}),
    "ceil_mode, one window": ((1, 1, 2, 3), {"kernel_size": (3, 2), "ceil_mode": True}),
    "no examples": ((0, 1, 4), {"kernel_size": 2}),
}
DILATED = {"dilation": ((1, 1, 5, 4), {"kernel_size": 2, "stride": 1, "dilation": (2, 1), "padding": 1})}
AVERAGES = {
    **POOLS,
    "padding not counted": ((1, 1, 3, 4), {"kernel_size": 2, "padding": 1, "count_include_pad": False}),
    "ceil_mode, padding not counted": (
        (1, 1, 4, 5),
        {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    ),
    "a divisor": ((1, 1, 4, 2), {"kernel_size": 2, "divisor_override": 3}),
}
ADAPTIVE = {
    "1 axis, windows of one length": ((2, 1, 6), 3),
    "1 axis, windows that overlap": ((1, 2, 5), 3),
    "one window": ((1, 2, 3, 2), 1),
    "2 axes": ((1, 1, 5, 4), (3, 2)),
    "an axis kept": ((1, 1, 2, 5), (None, 2)),
    "more windows than entries": ((1, 1, 2, 3), (3, 4)),
    "3 axes": ((1, 1, 2, 3, 4), (2, 2, 3)),
}


def _pools(form, x, options):
    # No gradient flows to x and y where they tell places alone, so these are constants; some of y are above all of x.
    rng = np.random.default_rng(0)
    values = rng.permutation(math.prod(x)).reshape(x) / 8
    y = max_pool(values, **options) + rng.choice([-1, 0, 9], max_pool(values, **options).shape)
    rows = [
        signal("max_pool", form, x, **options),
        signal("max_pool_put", form, y.shape, values, y, **options),
        signal("max_pool_pick", form, x, values, y, **options),
    ]
    if "dilation" in options:
        return rows
    put = functools.partial(sum_pool_put, sizes=x[2:], **options)
    return [
        *rows,
        signal("sum_pool", form, x, **options),
        case("sum_pool_put", form, y.shape, reference=put, sizes=x[2:], **options),
    ]


CASES = [
    *(c for form, (x, weight, options) in CONVOLUTIONS.items() for c in _four(form, x, weight, options)),
    *(
        case(op, f"{form}, {mode}", *sequences, numpy=functools.partial(getattr(np, op), mode=mode), mode=mode)
        for op in ("convolve", "correlate")
        for form, sequences in SEQUENCES.items()
        for mode in ("full", "same", "valid")
    ),
    case("convolve", "no mode", (4,), (2,)),
    case("convolve", "a number", (), (3,)),  # which np.correlate refuses
    case("correlate", "no mode", (4,), (2,)),
    *(signal("unfold", form, x, **options) for form, (x, options) in WINDOWS.items()),
    *(
        signal("fold", form, _columns(x, options), output_size=x[2:], **options)
        for form, (x, options) in WINDOWS.items()
    ),
    *(c for form, (x, options) in (POOLS | DILATED).items() for c in _pools(form, x, options)),
    *(signal("avg_pool", form, x, **options) for form, (x, options) in AVERAGES.items()),
    *(
        signal(op, form, x, output_size=size)
        for op in ("adaptive_avg_pool", "adaptive_max_pool")
        for form, (x, size) in ADAPTIVE.items()
    ),
]
WITHOUT_GRADIENT = []
