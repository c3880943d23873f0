"""Timing of the report: a run says its time, its memory and what it read, or why it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearway.errors import ConfigurationError
from training.report.analysis.bench import measured
from training.report.analysis.synthetic import write_synthetic


def test_a_run_says_time_and_memory(tmp_path: Path) -> None:
    """One run in a process of its own, over all the rows that were written."""
    write_synthetic(tmp_path, 2_000)
    run = measured(tmp_path, 2_000, "duckdb://", 0)
    assert run["rows"] == 2_000
    assert run["engine"].startswith("DuckDB ")
    assert 0 < run["analysis_s"] <= run["total_s"]
    assert run["peak_mb"] > 10


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    """The reason of the process is passed on in one line."""
    write_synthetic(tmp_path, 100)
    with pytest.raises(ConfigurationError, match="expected 99 rows in the report, got 100"):
        measured(tmp_path, 99, "duckdb://", 0)
