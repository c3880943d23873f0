"""One detector for the whole folder: loading it takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from clearway.assessment import Sensitivity
from clearway.request import Caller, Part, Request
from clearway.sensitivity import load_detector
from clearway.sensitivity.detector import PresidioDetector

FOLDER = Path(__file__).parents[3] / "data" / "sensitivity"


@pytest.fixture(scope="session")
def folder() -> Path:
    """The shipped table and word lists."""
    return FOLDER


@pytest.fixture(scope="session")
def detector(folder: Path) -> PresidioDetector:
    """The shipped detector."""
    return load_detector(folder)


@pytest.fixture(scope="session")
def scan(detector: PresidioDetector) -> Callable[..., Sensitivity]:
    """Scan of texts with the shipped detector, each for a caller of its own: nothing comes from the cache."""
    numbers = count()

    def _scan(*texts: str, role: str = "user", notes: tuple[str, ...] = ()) -> Sensitivity:
        parts = tuple(Part(f"messages[{i}].content", role, text) for i, text in enumerate(texts))
        return detector.scan(
            Request(
                id="r", caller=Caller(f"agent-{next(numbers)}"), purpose="general", parts=parts, notes=notes
            )
        )

    return _scan
