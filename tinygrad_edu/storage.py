"""Writing files all or nothing: nobody ever sees half a file, not even after a power failure."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["replace_file"]


def replace_file(file: Path, content: bytes) -> None:
    """Put the content in the place of a file in one step.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is then untouched.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     replace_file(Path(folder) / "a.txt", b"whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    target = file.resolve()  # a link keeps pointing where it did
    if target.exists() and not target.is_file():  # a folder, or a device such as /dev/null: it would be gone
        raise OSError(errno.EINVAL, "it is no ordinary file", str(file))
    if not target.parent.is_dir():  # named by itself, and not by a temporary file that nobody asked for
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(target.parent))
    temporary = target.with_name(f".{target.name[:32]}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # else a power failure could leave the new name on an empty file
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power failure, where the system can: Windows opens no folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
