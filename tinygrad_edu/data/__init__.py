"""Data to train on: batches, preparation, generated and real data sets, tables from files."""

from tinygrad_edu.data.batches import Batches, batches
from tinygrad_edu.data.catalog import DATASETS, CatalogEntry, load
from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.data.encoding import Column, TableEncoding, Task
from tinygrad_edu.data.files import read_frame
from tinygrad_edu.data.generators import blobs, circles, moons, sine, spirals, xor
from tinygrad_edu.data.library import breast_cancer, diabetes, digits, iris, wine
from tinygrad_edu.data.preparation import Standardizer, split, standardize
from tinygrad_edu.data.tables import Missing, read_table

__all__ = [
    "DATASETS",
    "Batches",
    "CatalogEntry",
    "Column",
    "Dataset",
    "Missing",
    "Standardizer",
    "TableEncoding",
    "Task",
    "batches",
    "blobs",
    "breast_cancer",
    "circles",
    "diabetes",
    "digits",
    "iris",
    "load",
    "moons",
    "read_frame",
    "read_table",
    "sine",
    "spirals",
    "split",
    "standardize",
    "wine",
    "xor",
]
