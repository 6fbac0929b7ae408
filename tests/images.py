"""Comparing figures with pictures of them that somebody has looked at.

The pictures are in tests/images. A figure is drawn small, both are blurred a little, so that another version of a
font or of matplotlib's hinting makes no difference, and the root mean square of what remains is compared. After a
change that is wanted, write the pictures anew, and look at them::

    TINYGRAD_EDU_NEW_IMAGES=1 python -m pytest -n0 tests/test_visualize_curves.py
"""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "images"
DPI, PIXELS = 50, 100_000  # a large figure has fewer dots to the inch, and no more than so many in all
BLUR = 4  # pixels that are averaged, each way
TOLERANCE = 2.5  # of 255
LARGEST = 15_000  # bytes; pictures in a repository are there for good


def rendered(figure):
    """Draw a figure (or the figure of axes) as a small picture."""
    if not hasattr(figure, "savefig"):
        figure = figure.get_figure(root=True)
    dpi = min(DPI, int((PIXELS / np.prod(figure.get_size_inches())) ** 0.5))
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return Image.open(stream).convert("RGB")


def difference(picture, reference):
    """Give the root mean square of the difference of two pictures, of 255, each blurred first."""
    if picture.size != reference.size:
        return 255.0
    one, two = (np.asarray(image.reduce(BLUR), np.float64) for image in (picture, reference))
    return float(np.sqrt(((one - two) ** 2).mean()))


def write(picture, file):
    """Write a picture with as many colours as there is room for; rare ones are kept apart, as thin lines have."""
    for colors in (128, 96, 64, 32):
        stream = io.BytesIO()
        picture.quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=2).save(stream, "PNG", optimize=True)
        if stream.tell() <= LARGEST:
            break
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(stream.getvalue())


def assert_looks_like(figure, name, tolerance=TOLERANCE):
    """Fail unless the figure looks like tests/images/NAME.png."""
    picture, file = rendered(figure), FOLDER / f"{name}.png"
    if os.environ.get("TINYGRAD_EDU_NEW_IMAGES") == "1":
        write(picture, file)
    assert file.exists(), f"There is no {file}. TINYGRAD_EDU_NEW_IMAGES=1 makes it; then look at it."
    assert file.stat().st_size <= LARGEST, f"{file} has {file.stat().st_size} bytes, more than {LARGEST}."
    reference = Image.open(file).convert("RGB")
    found = difference(picture, reference)
    if found > tolerance:
        beside = Path(tempfile.gettempdir()) / f"{name}-now.png"
        picture.save(beside)
        raise AssertionError(f"The figure differs from {file} by {found:.2f} of 255, not {tolerance}. See {beside}.")
