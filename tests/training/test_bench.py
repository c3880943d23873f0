"""Tests of what `make bench` compares with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from clearway.errors import ConfigurationError, SensitivityError
from clearway.installation import data_folder
from clearway.sensitivity.unknown import UnknownDetector
from training import bench


def test_no_model_of_stock_presidio_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model the bench says what to do, where Presidio would fetch one from the network."""
    monkeypatch.setattr(bench, "STOCK_MODEL", "en_no_such_model")
    with pytest.raises(ConfigurationError, match="en_no_such_model: expected the model of stock Presidio"):
        bench.stock_analyzer()


def test_no_detector_is_timed_that_knows_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the bundle does not load, the bench fails and does not print how fast that was."""
    unknown = UnknownDetector(data_folder() / "sensitivity", SensitivityError("no bundle"))
    monkeypatch.setattr(bench, "open_router", lambda _: SimpleNamespace(sensitivity=unknown))
    with pytest.raises(SensitivityError):
        bench._timed_router(tmp_path)
