"""Presidio behind one function: request in, data classes and findings out.

Importing this package is cheap. Presidio and ONNX Runtime are imported when a detector is built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from clearway.sensitivity.table import ClassTable, load_class_table

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

    from clearway.sensitivity.detector import PresidioDetector

__all__ = ["ClassTable", "load_class_table", "load_detector"]


def load_detector(
    folder: Path,
    *,
    recognizers: Iterable[EntityRecognizer] = (),
    trusted: Collection[str] | None = None,
    bundle: Path | None = None,
) -> PresidioDetector:
    """Detector that reads its class table, lists and models from a folder; takes seconds.

    Args:
        folder: Holds `classes.yaml`, the word lists, the lists of names, and the bundle.
        recognizers: Further Presidio recognisers for English, beside the shipped ones.
        trusted: Digests (hex) of bundles that may decide; None checks integrity only.
        bundle: Folder of the bundle, where it is not the one in `folder`.

    Raises:
        ConfigurationError: The table or a word list is missing or wrong, or names an unknown entity.
        SensitivityError: A file of the bundle is missing, altered or not trusted.
    """
    from clearway.sensitivity.detector import PresidioDetector

    return PresidioDetector(folder, recognizers=tuple(recognizers), trusted=trusted, bundle=bundle)
