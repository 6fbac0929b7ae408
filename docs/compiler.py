"""Write docs/compiler.md, how the compiler works, with what each pass really prints: python docs/compiler.py.

The README shows the step of the digits; it is written there, too, between two comments.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.compiler import passes, together

MARKS = "<!-- the step of the digits -->", "<!-- end of the step -->"
TEXT = """\
# How the compiler works

A training step is always the same few hundred calls of NumPy on arrays of the same shapes. Eager mode decides each of
them anew in Python and allocates each result. `tg.compile` lets the step run once, writes down what it did, makes that
shorter, decides where every result lies, and prints it as a NumPy function. Below, a linear model is fitted by the sum
of squared errors, written the long way round: `step = tg.compile(train)`, then `step(x, y)`. All output is printed by
`python docs/compiler.py`.

```python
{function}
```

## 1. Record (`capture.py`)

Every computation goes through one function of the table of operations, where a watcher sees it: the forward pass, the
gradient rules, which are handed Tensors so that they are recorded too, and the optimizer's formula. An array is known
by its identity; `write`, spelled ←, puts a new value into memory that outlives the step. `step.passes` holds the
program after each pass, and `print(step.passes[0][1])` shows the record:

```
{recorded}
```

## 2. Take apart (`lowering/`)

Each row's forward runs once more, on symbols in place of arrays, which note the calls of NumPy that they take part in.
So the compiler computes exactly what the row computes, and no row has a second definition that could differ.

```diff
{lowered}
```

## 3. Make it shorter (`passes.py`, `algebra.py`, `together.py`)

Each pass takes a program and gives a program, and keeps every bit: x + 0 stays, because -0 + 0 is 0. One after the
other, they do this:

```diff
{changes}
```

## 4. Decide where it lies (`memory.py`)

Values that are never needed at the same time may share memory, an entry-by-entry result may be written over its input,
and new weights are computed where the weights are. Where a gradient will lie, there is room for what is needed before.
`print(step.buffers)` lists the {arena} bytes that are allocated, once:

```
{buffers}
```

## 5. Write it down (`numpy_source.py`)

Views are made once, outside of the function; one call a line is left. Tracebacks and the debugger show these lines.

```text
{source}```

## 6. Check it (`step.py`, `comparing.py`, `guards.py`, `alone.py`)

The first step is undone and made again by the program: weights, the optimizer's state, random generators and loss must
be the same bit for bit, or everything is put back and an error says so. The second call records once more: a constant
that differs was no constant, and is named with its line. From then on one expression looks before each step whether
shapes, dtypes, the modules' modes, the numbers in the program and the weights' places are as they were; in an epoch
before some batches at once, if no function of yours runs in a step.

What cannot be recorded raises, with the remedy: a decision on a value (`if loss < 1:`), a shape that depends on values
(`x[x > 0]`), values that leave the Tensors (`loss.numpy()`), writing into a part of a tensor. What Python does besides,
such as printing, happens only while recording.
"""


def train_function(model: tg.nn.Module, criterion: tg.nn.Loss, descent: tg.optim.Optimizer) -> object:
    """Make the step of the README."""

    def train(x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        loss = criterion(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return train


def line_function(model: tg.nn.Module, descent: tg.optim.Optimizer) -> object:
    """Make the step of the page, which has something for each pass to do."""

    def train(x, y):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        prediction = model(x)
        loss = ((prediction - y) * (prediction - y)).sum()
        _worst = (prediction - y).max()  # nobody asks for it
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return train


def page() -> str:
    """Compile the step and write the page."""
    rng = np.random.default_rng(0)
    model = tg.nn.Linear(2, 1, rng=rng)
    train = line_function(model, tg.optim.SGD(model.parameters(), lr=0.1))
    step = tg.compile(train)
    x = rng.standard_normal((4, 2), dtype=np.float32)
    step(x, x.sum(axis=1, keepdims=True))
    stages = [(name, str(program).splitlines()) for name, program in step.passes]
    changes = [(name, changed(before, after)) for (_, before), (name, after) in pairwise(stages)]
    (_, lowered), *others = changes
    descriptions = {f.__name__: (f.__doc__ or "").splitlines()[0] for f in (*passes.PASSES, together.update_together)}
    return TEXT.format(
        function=re.sub("  # type: .*", "", textwrap.dedent(inspect.getsource(train))).rstrip(),
        recorded="\n".join(stages[0][1]),
        lowered=lowered,
        changes="\n".join(f"# {name}: {descriptions[name]}\n{lines}" for name, lines in others if lines),
        arena=f"{step.variant.memory.size:,}",
        buffers=step.buffers,
        source=re.sub(r"compiler.py:\d+", "train.py", step.source),
    )


def changed(before: list[str], after: list[str]) -> str:
    """Show what a pass changed: lines that it took out and lines that it put in."""
    lines = difflib.unified_diff(before, after, lineterm="", n=0)
    return "\n".join(line for line in lines if line[:2] not in ("--", "++", "@@"))


def digits() -> str:
    """Compile the step of a network for the handwritten digits and give its source."""
    rng = np.random.default_rng(0)
    model = tg.nn.Sequential(tg.nn.Linear(64, 32, rng=rng), tg.nn.ReLU(), tg.nn.Linear(32, 10, rng=rng))
    step = tg.compile(train_function(model, tg.nn.CrossEntropyLoss(), tg.optim.SGD(model.parameters(), lr=0.1)))
    step(rng.standard_normal((32, 64), dtype=np.float32), rng.integers(0, 10, 32))
    return re.sub(r"compiler.py:\d+", "train.py", step.source)


def readme(text: str) -> str:
    """Put the source of the digits' step into the README's text."""
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f"{before}{MARKS[0]}\n```text\n{digits()}```\n{MARKS[1]}{after}"


if __name__ == "__main__":
    target = Path(__file__).parent / "compiler.md"
    target.write_text(page(), encoding="utf-8")
    main_page = Path(__file__).parent.parent / "README.md"
    main_page.write_text(readme(main_page.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"wrote {target} and {main_page}\n")
