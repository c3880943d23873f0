"""UnknownDetector: stands where the models of the detector are missing or altered, and knows nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clearway.assessment import ClassifierIdentity, Level, Sensitivity
from clearway.errors import SensitivityError
from clearway.request import Request
from clearway.sensitivity.identity import identify
from clearway.sensitivity.table import load_class_table


class UnknownDetector:
    """Fails on every request, so that each counts as restricted and its record says so.

    Its identity covers the files as they are: a record tells the altered detector from the right one.

    Args:
        folder: Folder of the detector that did not load; its class table must.
        fault: Why it did not.
        bundle: Folder of its bundle, where it is not the one in `folder`.

    Raises:
        ConfigurationError: The class table is missing or wrong.
    """

    def __init__(self, folder: Path, fault: SensitivityError, *, bundle: Path | None = None) -> None:
        self._table = load_class_table(folder)
        self._identity = identify(folder, self._table.version, bundle=bundle)
        self.fault = str(fault)

    def __repr__(self) -> str:
        return f"UnknownDetector(version={self._identity.version!r})"

    @property
    def identity(self) -> ClassifierIdentity:
        """Which sources, table, lists, models and packages are there."""
        return self._identity

    @property
    def class_levels(self) -> Mapping[str, Level]:
        """Level of each data class of the table."""
        return self._table.class_levels

    @property
    def note_levels(self) -> Mapping[str, Level]:
        """Level of each note of the table."""
        return self._table.note_levels

    def scan(self, request: Request) -> Sensitivity:  # noqa: ARG002
        """Nothing.

        Raises:
            SensitivityError: Always, with the fault of the detector.
        """
        raise SensitivityError(self.fault)
