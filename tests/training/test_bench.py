"""Tests of what `make bench` compares with."""

from __future__ import annotations

import pytest

from clearway.errors import ConfigurationError
from training import bench


def test_no_model_of_stock_presidio_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the model the bench says what to do, where Presidio would fetch one from the network."""
    monkeypatch.setattr(bench, "STOCK_MODEL", "en_no_such_model")
    with pytest.raises(ConfigurationError, match="en_no_such_model: expected the model of stock Presidio"):
        bench.stock_analyzer()
