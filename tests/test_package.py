"""The package as a whole: what it exports, what importing it loads, how large its files are."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu as tg

PACKAGE = Path(tg.__file__).parent
MODULES = sorted(
    name for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], "tinygrad_edu.") if not name.endswith("__main__")
)


def run_python(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


def test_importing_the_package_loads_numpy_and_no_other_library():
    code = """
import sys
import numpy
before = set(sys.modules)
import tinygrad_edu
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    run = run_python(code)
    assert run.stdout.strip() == "['tinygrad_edu']", run.stderr


@pytest.mark.parametrize("name", sorted(tg.__all__))
def test_every_public_name_is_found(name):
    assert getattr(tg, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tensr'"):
        tg.tensr  # noqa: B018 - looking it up is the test


def test_the_function_tensor_stays_a_function_whatever_is_imported_first():
    run = run_python("import tinygrad_edu.tensor, tinygrad_edu as tg; print(tg.tensor(1.0), tg.gradcheck.__name__)")
    assert run.stdout.strip() == "tensor(1.) gradcheck", run.stderr


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_exports_is_sorted_unique_and_there(module):
    loaded = importlib.import_module(module)
    names = list(getattr(loaded, "__all__", []))
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert [name for name in names if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_says_what_it_is_and_stays_readable(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "a module begins with what it is"
    assert len(text.splitlines()) <= 420, "a file is one idea; this one is probably two"
