"""Arrays to a file and back: all that a model has learned, by name.

The file is in the safetensors format, which other libraries read too. Writing is all or nothing: whatever
happens, a crash or a power failure included, the path holds the complete old file or the complete new one.
Reading trusts nothing: a file that was cut off or changed is refused.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import CheckpointError, optional_import, suggest
from tinygrad_edu.storage import replace_file

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["load", "save"]

DTYPES = (
    *("bool", "float16", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)

# The format keeps neither the order of names nor a checksum; both travel in one entry of its metadata.
SEAL = "tinygrad_edu"
_FORMATS_OWN = "__metadata__"


def save(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write arrays to a safetensors file, crash-safely.

    Parameters
    ----------
    path
        Where to, usually ``*.safetensors``. A file that is there is replaced.
    arrays
        The arrays by name: real numbers or booleans of any shape. Their order is kept.
    metadata
        Text to keep beside them, by name.

    Returns
    -------
    The path.

    Raises
    ------
    CheckpointError
        If the folder does not exist or cannot be written to, or an array cannot be saved. What was at the
        path before is then untouched.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     given = {"weight": np.eye(2), "step": np.array(7)}
    ...     arrays, metadata = load(save(f"{folder}/model.safetensors", given, {"made": "today"}))
    >>> list(arrays), arrays["step"], metadata
    (['weight', 'step'], array(7), {'made': 'today'})
    """
    file = Path(path)
    content = _pack(arrays, dict(metadata or {}))
    try:
        if file.is_dir():
            raise CheckpointError(f"{str(file)!r} is a folder. Name a file in it, such as model.safetensors.")
        if not file.parent.is_dir():
            raise CheckpointError(f"There is no folder {str(file.parent)!r} to save in. Create it first.")
        replace_file(file, content)
    except OSError as error:
        raise CheckpointError(
            f"The file {str(file)!r} cannot be written: {error.strerror or error}. Nothing was changed; "
            f"choose a folder that you may write to, with {len(content):,} bytes to spare."
        ) from error
    return file


def load(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file, each in the order in which they were saved.

    Raises
    ------
    CheckpointError
        If there is no such file, it cannot be read, it is no safetensors file, or it is not as it was saved.

    Examples
    --------
    >>> load("nothing.safetensors")
    Traceback (most recent call last):
    tinygrad_edu.errors.CheckpointError: There is no file 'nothing.safetensors'. ...
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise CheckpointError(f"{str(file)!r} is a folder, not a model. Name a file in it.")
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(f"There is no file {str(file)!r}. {_nearby(file)}") from None
    except OSError as error:
        raise CheckpointError(f"The file {str(file)!r} cannot be read: {error.strerror or error}.") from error
    return _unpack(content, str(file))


# --------------------------------------------------------------------------------------------- the content
def _pack(arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """Lay arrays and metadata out as the content of a file, with their seal."""
    safetensors = optional_import("safetensors.numpy", extra="cli", purpose="Saving a model")
    ready = {_check_name(name): _ready(name, array) for name, array in arrays.items()}
    for key, text in metadata.items():
        _check_name(key)
        if not isinstance(text, str) or not _is_unicode(text) or key == SEAL:
            raise CheckpointError(f"metadata[{key!r}] must be text under another name than {SEAL!r}, but is {text!r}.")
    seal = {"names": list(ready), "metadata": list(metadata), "crc32": _checksum(ready, metadata)}
    content: bytes = safetensors.save(ready, metadata={**metadata, SEAL: json.dumps(seal)})
    return content


def _check_name(name: object) -> str:
    if not isinstance(name, str) or name == _FORMATS_OWN or not _is_unicode(name):
        raise CheckpointError(f"A name in a checkpoint must be text, other than {_FORMATS_OWN!r}, but is {name!r}.")
    return name


def _is_unicode(text: str) -> bool:
    """Whether text can be written to a file: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ready(name: str, array: object) -> NDArray[Any]:
    """Check that an array can be saved, and lay it out as the format wants it."""
    if not isinstance(array, (np.ndarray, np.generic)):
        raise CheckpointError(f"{name!r} must be a NumPy array, but is {type(array).__name__}. Use np.asarray(...).")
    if array.dtype.name not in DTYPES:
        raise CheckpointError(
            f"{name!r} holds {array.dtype}, which cannot be saved. Convert it with .astype(...) to one of "
            f"{', '.join(DTYPES)}."
        )
    # The library writes the memory as it lies there: for a transposed array, in the wrong order.
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _checksum(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> int:
    """Compute the CRC-32 of everything that was given to save."""
    outline = [[name, array.dtype.name, array.shape] for name, array in arrays.items()]
    crc = zlib.crc32(json.dumps([outline, list(metadata.items())]).encode())
    for array in arrays.values():
        crc = zlib.crc32(array.data, crc)
    return crc


def _unpack(content: bytes, file: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the content of a file, and check it against its seal where it has one."""
    safetensors = optional_import("safetensors.numpy", extra="cli", purpose="Loading a model")
    library_error = optional_import("safetensors", extra="cli", purpose="Loading a model").SafetensorError
    try:
        arrays: dict[str, NDArray[Any]] = safetensors.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (library_error, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The file {file!r} is not a safetensors file, or it was cut off or damaged: {error}. "
            f"Save the model again, or use a copy of the file."
        ) from error
    metadata: dict[str, str] = header.get(_FORMATS_OWN, {})
    if SEAL not in metadata:  # the file of another library
        return arrays, metadata
    try:
        seal = json.loads(metadata.pop(SEAL))
        arrays = {name: arrays[name] for name in seal["names"]} if len(arrays) == len(seal["names"]) else {}
        metadata = {key: metadata[key] for key in seal["metadata"]}
        whole = seal["crc32"] == _checksum(arrays, metadata)
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise CheckpointError(
            f"The file {file!r} is damaged: its checksum is not that of what was saved. Use a copy of it."
        )
    return arrays, metadata


def _nearby(file: Path) -> str:
    """Word the remedy for a file that is not there: the models that are in its folder."""
    if not file.parent.is_dir():
        return f"There is no folder {str(file.parent)!r} either; check the path."
    models = [entry.name for entry in file.parent.glob("*.safetensors")]  # passes over what it may not list
    return suggest(file.name, models) if models else "Its folder holds no *.safetensors; check the path."
