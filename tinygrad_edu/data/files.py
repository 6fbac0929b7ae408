"""A table file on disk becomes a pandas frame of text, or one clear sentence about what is wrong with it.

Every cell stays the text that the file holds: what a column means is decided in one other place,
``encoding.py``. The index of the frame holds the row numbers that a spreadsheet shows for the file (the
header is row 1), so every later message can point at the very cell.
"""

from __future__ import annotations

import collections
import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tinygrad_edu.errors import DataError, optional_import, suggest

if TYPE_CHECKING:
    import os

__all__ = ["MISSING_CELLS", "TABLE_SUFFIXES", "Frame", "load_pandas", "read_frame"]

Frame: TypeAlias = Any
"""A ``pandas.DataFrame``; the type is not named, because pandas is loaded on first use only."""

MISSING_CELLS = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>")
"""What a cell may hold to say that its value is missing, beside nothing at all."""

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")

_HEAD_BYTES = 1 << 16  # enough for the widest header seen; only the header is judged by it
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_DECIMAL_COMMA = r"^([-+]?\d+),(\d+)$"


def load_pandas() -> Any:
    """Import pandas, or say how to install it."""
    return optional_import("pandas", extra="cli", purpose="Reading tables")


def read_frame(path: str | os.PathLike[str]) -> Frame:
    r"""Read a table from a text file into a frame of text, indexed by the file's row numbers.

    The separator is a tab for ``.tsv`` and ``.tab``, otherwise the one among comma, semicolon and tab that
    the header uses most. In files separated by semicolons ``1,5`` means 1.5. Blank lines are skipped;
    the cells in ``MISSING_CELLS`` become missing values.

    Parameters
    ----------
    path
        A UTF-8 text file whose first line names the columns.

    Raises
    ------
    DataError
        If there is no such file, or if it is no table: empty, binary, without a header or rows,
        with rows longer than the header, with columns that share a name or have none.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "fruit.csv")
    ...     _ = file.write_text("weight,colour\n1.5,red\n,green\n")
    ...     read_frame(file)
      weight colour
    2    1.5    red
    3    NaN  green
    """
    file = Path(path)
    head = _read_head(file)
    blank_lines = len(head) - len(head.lstrip("\r\n"))
    skipped = len(head[:blank_lines].splitlines())
    separator = _separator(file, head[blank_lines:])
    names = _column_names(file, head[blank_lines:], separator)
    frame = _parse(file, separator, names, skipped)

    columns = {name: frame[name].str.strip() for name in names}
    if separator == ";":
        columns = {n: cells.str.replace(_DECIMAL_COMMA, r"\1.\2", regex=True) for n, cells in columns.items()}
    missing = {name: cells.isin(MISSING_CELLS) for name, cells in columns.items()}
    frame = load_pandas().DataFrame({name: cells.mask(missing[name]) for name, cells in columns.items()})
    frame.index = frame.index + skipped + 2
    frame = frame.dropna(how="all")
    if frame.empty:
        raise DataError(f"The table {file.name!r} has a header and no rows below it. Add a row for each example.")
    return frame


def _read_head(file: Path) -> str:
    """Return the beginning of the file as text, after checking that there is a text file to read."""
    if file.is_dir():
        raise DataError(f"{str(file)!r} is a folder, not a table. Name a CSV or TSV file inside it.")
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise DataError(f"There is no file {str(file)!r}. {_nearby(file)}") from None
    except OSError as error:
        raise DataError(f"The file {str(file)!r} cannot be read: {error.strerror or error}.") from error
    if not head.strip():
        raise DataError(
            f"The file {str(file)!r} is empty. A table has a header line with the names of its columns "
            "and a row for each example."
        )
    if b"\0" in head:
        raise _not_text(file)
    try:
        # A character cut in half at the end of the head is no fault of the file.
        return head.decode("utf-8-sig", errors="strict" if len(head) < _HEAD_BYTES else "ignore")
    except UnicodeDecodeError as error:
        raise _not_text(file) from error


def _not_text(file: Path) -> DataError:
    return DataError(
        f"The file {str(file)!r} is not text in UTF-8. Save the table as CSV with the encoding UTF-8 "
        "(in a spreadsheet: save as “CSV UTF-8”)."
    )


def _nearby(file: Path) -> str:
    """Word the remedy for a file that is not there: the tables that are in its folder."""
    folder = file.parent
    if not folder.is_dir():
        return f"The folder {str(folder)!r} does not exist either; check the path."
    tables = [entry.name for entry in folder.iterdir() if entry.suffix.lower() in TABLE_SUFFIXES]
    if not tables:
        return f"The folder {str(folder.resolve())!r} holds no tables; check the path."
    return suggest(file.name, tables)


def _separator(file: Path, head: str) -> str:
    """Choose the separator by the file's name, or the one that the header uses most."""
    if file.suffix.lower() in {".tsv", ".tab"}:
        return "\t"
    header = head.splitlines()[0]
    return max(",;\t", key=header.count)  # the comma where none occurs


def _column_names(file: Path, head: str, separator: str) -> list[str]:
    """Read the header line and refuse what cannot name columns."""
    names = [name.strip() for name in next(csv.reader(head.splitlines(keepends=True), delimiter=separator))]
    numbers = [name for name in names if _NUMBER.fullmatch(name)]
    # A header of years (2019, 2020) beside other names is fine; names such as 5.1 are measurements.
    if len(numbers) == len(names) or any("." in number for number in numbers):
        raise DataError(
            f"The first line of {file.name!r} looks like data, not like names of columns: it holds "
            f"{numbers[0]!r}. Add a header line above it, such as {_example_header(len(names), separator)!r}."
        )
    if "" in names:
        raise DataError(
            f"Column {names.index('') + 1} of {file.name!r} has no name in the header. Name it or remove it "
            "(pandas writes such a column of row numbers unless told `to_csv(..., index=False)`)."
        )
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"The header of {file.name!r} names the column {twice[0]!r} more than once. Give each column its own name."
        )
    return names


def _example_header(width: int, separator: str) -> str:
    features = ["x1", "x2", "..."] if width > 3 else [f"x{i + 1}" for i in range(width - 1)]
    return separator.join([*features, "target"])


def _parse(file: Path, separator: str, names: list[str], skipped: int) -> Frame:
    """Let pandas split the file into cells, each kept as text."""
    pandas = load_pandas()
    try:
        frame = pandas.read_csv(
            file,
            sep=separator,
            names=names,
            header=0,
            skiprows=skipped,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,  # a row's place in the frame tells its row number in the file
            skipinitialspace=True,
            encoding="utf-8-sig",
        )
    except UnicodeDecodeError as error:
        raise _not_text(file) from error
    except pandas.errors.ParserError as error:
        raise DataError(_ragged(file, separator, len(names), str(error))) from error
    if not isinstance(frame.index, pandas.RangeIndex):  # pandas took the surplus cells for row names
        raise DataError(_ragged(file, separator, len(names), f"line {skipped + 2}, saw"))
    return frame


def _ragged(file: Path, separator: str, width: int, message: str) -> str:
    """Word pandas' complaint about a row that does not fit the header."""
    found = re.search(r"line (\d+), saw(?: (\d+))?", message)
    if found is None:
        opened = re.search(r"EOF inside string starting at row (\d+)", message)
        if opened:  # counted from 0, the header included
            opened_in = int(opened[1]) + 1
            return f"Row {opened_in} of {file.name!r} opens a quotation mark that is never closed. Close it."
        reason = message.removeprefix("Error tokenizing data. C error: ").strip()
        return f"The file {file.name!r} is not a table: {reason}. Check its separators and quotation marks."
    row, cells = found.groups()
    count = f"{cells} cells" if cells else "more cells"
    return (
        f"Row {row} of {file.name!r} has {count} {'where' if cells else 'than'} the header has {width}. "
        f'Remove what is too much, or put text that contains {separator!r} in quotation marks: "like this".'
    )
