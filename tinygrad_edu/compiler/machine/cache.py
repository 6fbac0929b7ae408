"""Compiled source on disk: a file a program, by the name of what is in it, so that the next run finds the machine code.

Numba keeps the machine code beside the file, for this processor.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["cache_folder", "load"]

VARIABLE = "TINYGRAD_EDU_CACHE"
_SUPPORT = ("functions.py", "blas.py", "library.py", "products.py")  # what becomes part of the machine code


def cache_folder() -> Path:
    """Give the folder of compiled source: what the variable TINYGRAD_EDU_CACHE says, or a folder of the user's.

    Examples
    --------
    >>> cache_folder().name
    'compiled'
    """
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]) / "compiled"
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "tinygrad_edu" / "compiled"


def load(source: str) -> ModuleType:
    """Import source as a module: from the cache, or where that may not be written, from a folder of this process."""
    name = f"tinygrad_edu_step_{_key(source)}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        path = _written(cache_folder(), name, source)
    except OSError:
        path = _written(Path(tempfile.mkdtemp(prefix="tinygrad_edu_")), name, source)
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None  # noqa: S101 - of a file that is there
    assert specification.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # Numba looks for it there
    specification.loader.exec_module(module)
    return module


def _written(folder: Path, name: str, source: str) -> Path:
    """Write the file, all or nothing, unless it is there: Numba goes by its date."""
    path = folder / f"{name}.py"
    if path.exists() and path.read_text(encoding="utf-8") == source:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(source)
    Path(file.name).replace(path)
    return path


def _key(source: str) -> str:
    """Name source by what it is and what it was compiled with."""
    digest = hashlib.sha256(source.encode())
    for library in ("numba", "llvmlite", "numpy", "scipy"):
        digest.update(f"{library} {version(library)}".encode())
    for file in _SUPPORT:
        digest.update((Path(__file__).parent / file).read_bytes())
    return digest.hexdigest()[:20]
