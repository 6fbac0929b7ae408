"""Run the notebooks of the lessons, and write into them what they print and draw: python docs/notebooks.py [FILE ...].

Each runs in a fresh kernel and in an empty folder, where a warning is an error. What is written does not tell where,
when or by which version it ran, and pictures are made small; so a second run changes nothing but the cells with the
tag "measured", which print times. ``--print`` writes the notebook to standard output, and leaves the file as it is.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LESSONS = ROOT / "docs" / "lessons"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
COLORS = 256  # of a picture; figures have few, and half the size is worth more than the finest shade
STRICT = """\
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")  # it warns of itself when it is shut down
import matplotlib.pyplot as plt
plt.switch_backend(plt.get_backend())
plt.uninstall_repl_displayhook()  # it draws every figure once more before it is shown
"""


class ThisPython(AsyncKernelManager):
    """Starts kernels of this very Python, whatever other kernels of the same name a user has installed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), **options)


def run(notebook: Any) -> Any:
    """Run a notebook's cells one after another in a fresh kernel, in an empty folder.

    Parameters
    ----------
    notebook
        The notebook; its outputs are replaced.

    Raises
    ------
    CellExecutionError
        If a cell raises or warns; it shows the cell and the traceback.
    """
    with TemporaryDirectory() as folder:
        # This checkout, figures in the notebook, and none of the user's own settings or history.
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        own = {
            "IPYTHONDIR": f"{folder}/.ipython",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": os.pathsep.join(paths),
        }
        notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
        client = NotebookClient(
            notebook,
            kernel_manager_class=ThisPython,
            kernel_name="python3",
            timeout=300,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute(env=os.environ | own)
        finally:
            del notebook.cells[0]
    return tidy(notebook)


def tidy(notebook: Any) -> Any:
    """Take out of a notebook what is another thing in each run, and make its pictures small."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            if "data" in output:
                output.metadata = {}
                if "image/png" in output.data:
                    output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def smaller(picture: str) -> str:
    """Write a PNG in base64 with a palette of its own, which halves its size or better."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    content = io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(content, format="png", optimize=True)
    return base64.b64encode(content.getvalue()).decode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the notebooks that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all in docs/lessons by default")
    parser.add_argument("--print", action="store_true", help="write to standard output instead of the file")
    options = parser.parse_args(arguments)
    for file in options.files or sorted(LESSONS.glob("*.ipynb")):
        if not file.is_file():
            sys.stderr.write(f"There is no notebook {str(file)!r}. Those of the lessons are in {str(LESSONS)!r}.\n")
            return 2
        notebook = nbformat.read(file, as_version=4)
        try:
            text = nbformat.writes(run(notebook))
        except CellExecutionError as error:
            plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
            sys.stderr.write(f"{file.name}: a cell failed.\n{plain}\n")
            return 1
        if options.print:
            sys.stdout.write(text + "\n")
        else:
            file.write_text(text + "\n", encoding="utf-8")
            sys.stderr.write(f"wrote {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
