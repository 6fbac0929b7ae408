"""The pages that are generated are what the code says now: the table of operations, and how the compiler works."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import ops

DOCS = Path(__file__).parent.parent / "docs"


def load(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def operations():
    return load("operations")


@pytest.fixture(scope="module")
def compiler():
    return load("compiler")


def test_the_page_of_the_compiler_is_what_it_prints_now(compiler):
    written = (DOCS / "compiler.md").read_text(encoding="utf-8")
    assert written == compiler.page(), "run: python docs/compiler.py"


def test_the_readme_shows_the_compiled_step_of_the_digits_in_40_lines(compiler):
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert text == compiler.readme(text), "run: python docs/compiler.py"
    assert len(compiler.digits().splitlines()) <= 40


def test_the_page_is_what_the_rows_write_now(operations):
    written = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert written == operations.table(), "run: python docs/operations.py"


def test_the_page_has_every_operation_and_leaves_no_gradient_out(operations):
    page = operations.table().splitlines()
    cells = {line.split("`")[1]: line.split(" | ") for line in page if line.startswith("| `")}
    assert cells.keys() == {*ops.TABLE, *ops.COMPOSITIONS}
    assert [name for name, (_, doc, gradient, _) in cells.items() if not doc.strip() or not gradient.strip()] == []


FORMULAS = {
    "a product": (lambda g, _z, _x, y: g * y, "g · y"),
    "a quotient": (lambda g, y, _x: g / (2 * y), "g / (2 · y)"),
    "a sum in a product": (lambda g, y, _x: g * (1 - y * y), "g · (1 - y · y)"),
    "a difference on the right": (lambda g, _y, x: g - (x - 1), "g - (x - 1)"),
    "a sign": (lambda g, _y, x: -g * np.sin(x), "-g · sin(x)"),
    "a power": (lambda g, _y, x: g * x**2, "g · x²"),
    "a power of a sum": (lambda g, _y, x: g / (x + 1) ** 3, "g / (x + 1)³"),
    "a choice": (lambda g, _z, x, y: np.where(x > y, g, 0), "where(x > y, g, 0)"),
    "another row": (lambda g, _y, x: g * ops.sigmoid(x), "g · sigmoid(x)"),
    "an option": (lambda g, _y, x, alpha=1.0: g * alpha * np.exp(x), "g · alpha · exp(x)"),
    "nothing": (None, "none"),
}


@pytest.mark.parametrize(("rule", "text"), FORMULAS.values(), ids=FORMULAS)
def test_a_rule_writes_itself_down(operations, rule, text):
    assert operations.formula(rule) == text
