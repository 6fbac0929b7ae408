"""Write docs/lessons.md, which call, command, figure and test each lesson of the lectures has: python docs/lessons.py.

The figures are drawn anew, small enough to be kept: ``python docs/lessons.py slope zigzag`` draws only these.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from tinygrad_edu import lessons
from tinygrad_edu.visualize.figures import PALETTE

DOCS = Path(__file__).parent
PICTURES = DOCS / "images" / "lessons"
LETTERS = {
    "A": "Minimising a formula",
    "B": "Why not try every combination",
    "C": "The loss landscape",
    "D": "Losses and backpropagation",
    "E": "Batch, stochastic, mini-batch",
}
PARTS = {
    "A1": ("slope", "the lowest point of a curve"),
    "A2": ("slope", "a negative slope says go right, a positive one left, zero is level ground"),
    "A3": ("descend", "following the slope downhill, instead of guessing every x"),
    "A4": ("learning_rates", "the learning rate: slow, at once, zig-zag, never, explosion"),
    "A5": ("stopping", "when to stop, and which rule ended the run"),
    "A6": ("local_minima", "the wrong start ends in a local minimum"),
    "B1": ("brute_force", "25 weights with 1,000 values each are 10⁷⁵ combinations"),
    "B2": ("brute_force", "3.41 × 10⁵⁰ years of trying, or a few hundred steps"),
    "B3": ("zigzag", "the real path is a zig-zag"),
    "C1": ("landscape", "Data → Model(θ) → L: the loss as a landscape"),
    "C2": ("landscape", "the climber in the fog knows only the slope where he stands"),
    "C3": ("tangent", "the tangent, the plane, the gradient"),
    "C4": ("landscape", "the algorithm, which converges to a local minimum"),
    "D1": ("losses", "mean squared error and cross-entropy"),
    "D2": ("four_steps", "start at random, step, compute the loss, repeat"),
    "D3": ("backprop", "the gradient through a network, back to every weight"),
    "E1": ("regimes", "batch gradient descent: exact, smooth, slow"),
    "E2": ("stuck", "stochastic gradient descent: its jumps may lead to a better minimum"),
    "E3": ("regimes", "mini-batch gradient descent, the middle"),
    "E4": ("regimes", "the three against updates, examples and seconds, and the noise of their gradients"),
}
SENTENCES = {
    "slope": (
        "Tangents at -6, -4, -2 and 0 of y = x², with their slopes. What each says about the way down is read off"
        " its sign."
    ),
    "descend": (
        "Every step of x ← x − α · dy/dx, on the curve and as a table. The slope shrinks until it is within the "
        "tolerance, and the words compare the steps with the guesses that would be needed."
    ),
    "learning_rates": (
        "The same start with five learning rates. What each of them does is judged from its steps, so other "
        "curves and rates are judged as well."
    ),
    "stopping": (
        "One descent ended by three tolerances, by too few steps and by divergence. Each mark says where a rule "
        "ended it."
    ),
    "local_minima": (
        "221 starts at once, coloured by the minimum that they fall into. The borders between the basins are "
        "found to a thousandth."
    ),
    "brute_force": (
        "Combinations, seconds and years, counted with whole numbers. Then the grid is really searched in one, "
        "two and three dimensions, until a budget of points or seconds is used up, beside the steps of a descent."
    ),
    "zigzag": (
        "A valley that is 25 times as curved across as along, and a regression on the braking distance of 50 "
        "cars. On one scale both take a single step."
    ),
    "landscape": (
        "A wave with two parameters fitted to data: what a point of the landscape means, the paths of exact and "
        "of sampled steps, and a start from which the descent ends in a local minimum."
    ),
    "tangent": (
        "Secants that approach the tangent with the slope -8 at x = -4; the slopes in all directions from a point"
        " of a landscape; the plane that touches it there."
    ),
    "losses": (
        "The mean squared error and the cross-entropy term by term, beside what `nn.MSELoss` and "
        "`nn.CrossEntropyLoss` say."
    ),
    "four_steps": (
        "A random weight and bias become a line through the points. The words do the first two steps with numbers."
    ),
    "backprop": (
        "One example forward through a small network, and the slopes back to every weight, which agree with "
        "nudging each of them."
    ),
    "regimes": (
        "The same network from the same weights, with the same number of examples seen. Beside it, how far the "
        "gradient of n examples is from that of all: it falls like 1/√n."
    ),
    "stuck": (
        "A loss with local minima, and one at which all examples agree. Exact steps stay where they are; how many"
        " noisy runs find the lowest point is counted, with intervals."
    ),
}


def page() -> str:
    """Write the page."""
    lines = [
        "# The lessons",
        "",
        "Each lesson of the lectures is a call, a command and a figure, and a test compares its numbers with others",
        "that were computed in another way. This page is written by `python docs/lessons.py`.",
        "",
        "```python",
        "import tinygrad_edu as tg",
        "",
        "lesson = tg.lessons.learning_rates(rates=(0.1, 0.5, 0.9))",
        "print(lesson)  # words and table; in a notebook, `lesson` shows the figure too",
        'lesson.figure().savefig("rates.png")',
        "print(lesson.script())  # the program that prints the same numbers, to the last digit",
        "```",
        "",
        "In a terminal, `tinygrad-edu lesson` lists them, `tinygrad-edu lesson slope` shows one and writes its figure,",
        "`--list` names its options and `--script` prints its program.",
        "",
        "| Part | What | Call | Command | Figure | Test |",
        "|---|---|---|---|---|---|",
    ]
    for part, (name, what) in PARTS.items():
        figure = f'<a href="#{name}"><img src="images/lessons/{name}.png" width="120" alt="{name}"></a>'
        lines.append(
            f"| {part} | {what} | `tg.lessons.{name}()` | `tinygrad-edu lesson {name}` | {figure} | "
            f"[`test_{name}`](../tests/test_lessons.py) |"
        )
    letter = ""
    for name, entry in lessons.LESSONS.items():
        if entry.parts[0][0] not in letter:
            letter += entry.parts[0][0]
            lines += ["", f"## {letter[-1]}. {LETTERS[letter[-1]]}", *_notebook(letter[-1])]
        lines += ["", f"### {name}", "", f"{', '.join(entry.parts)}. {SENTENCES[name]}", ""]
        lines.append(f'<img src="images/lessons/{name}.png" width="640" alt="{entry.summary}">')
    return "\n".join(lines) + "\n"


def _notebook(letter: str) -> list[str]:
    """Link to the notebook of a part."""
    found = sorted((DOCS / "lessons").glob(f"{letter}_*.ipynb"))
    return ["", f"To read and to run: [{found[0].name}](lessons/{found[0].name})."] if found else []


def draw(name: str) -> Path:
    """Draw the figure of a lesson as a small file."""
    content = io.BytesIO()
    getattr(lessons, name)().figure().savefig(content, format="png", dpi=80)
    file = PICTURES / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    with_few_colors(Image.open(content).convert("RGB")).save(file, optimize=True)
    return file


def with_few_colors(picture: Image.Image) -> Image.Image:
    """Take the nearest of 256 colours for each pixel: the frequent ones of a picture, white, and those of our lines.

    A thin line covers too little of a figure to count as frequent, and would be drawn in the colour of another.
    """
    ours = [(255, 255, 255), *map(ImageColor.getrgb, PALETTE.values())]
    frequent = np.reshape(picture.quantize(256 - len(ours)).getpalette(), (-1, 3))
    palette = np.concatenate([frequent, ours])
    known, places = np.unique(np.reshape(picture, (-1, 3)).astype(int), axis=0, return_inverse=True)
    nearest = np.argmin(np.sum(palette**2, axis=1) - 2 * known @ palette.T, axis=1).astype(np.uint8)
    small = Image.fromarray(nearest[places].reshape(picture.height, picture.width)).convert("P")
    small.putpalette(palette.astype(np.uint8).tobytes())
    return small


if __name__ == "__main__":
    for name in sys.argv[1:] or lessons.LESSONS:
        draw(name)
    (DOCS / "lessons.md").write_text(page(), encoding="utf-8")
