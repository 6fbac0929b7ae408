"""The command ``predict``: a saved model's answers for the rows of a table, as CSV."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu import metrics
from tinygrad_edu.cli.arguments import check_file, write_file
from tinygrad_edu.cli.text import say
from tinygrad_edu.data import read_frame
from tinygrad_edu.errors import DataError
from tinygrad_edu.learn import Predictor

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from tinygrad_edu.data.files import Frame

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model saved by: tinygrad-edu train")
    parser.add_argument(
        "table", metavar="TABLE", help="a CSV or TSV file with the columns that the model was trained on"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the predictions there instead of printing them"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and give its exit status, 0."""
    if arguments.output:
        check_file("--output", arguments.output, arguments.model, arguments.table)
    predictor = Predictor.load(arguments.model)
    frame = read_frame(arguments.table)
    X = predictor.encoding.encode(frame)
    prediction = predictor.predict(X)
    text = _as_csv(predictor, X, prediction)
    if arguments.output:
        write_file("--output", arguments.output, text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    if predictor.encoding.target_name in frame.columns:
        say(_compare_with_answers(predictor, frame, prediction), sys.stderr)
    return 0


def _compare_with_answers(predictor: Predictor, frame: Frame, prediction: NDArray[Any]) -> str:
    """Score the predictions; a table whose answers are blank, or too few, has its predictions all the same."""
    target, classes = predictor.encoding.target_name, predictor.class_names
    try:
        truth = predictor.encoding.encode_target(frame)
        score = metrics.accuracy(truth, prediction) if classes else metrics.r2_score(truth, prediction)
    except DataError as error:
        return f"The predictions cannot be compared with the column {target!r} of the table. {error}"
    return f"The table has the answers too ({target}): {'accuracy' if classes else 'R²'} {score:.4f}."


def _as_csv(predictor: Predictor, X: NDArray[Any], prediction: NDArray[Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    target = predictor.encoding.target_name
    if predictor.class_names:
        writer.writerow([target, "probability"])
        chances = predictor.probabilities(X).max(axis=1)
        writer.writerows(
            [predictor.class_names[k], f"{chance:.4f}"] for k, chance in zip(prediction, chances, strict=True)
        )
    else:
        writer.writerow([target])
        writer.writerows([f"{number:.6g}"] for number in prediction)
    return out.getvalue()
