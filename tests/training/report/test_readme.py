"""The README shows the report that data/report keeps."""

from __future__ import annotations

from pathlib import Path

from clearway.installation import data_folder
from training.report.page.readme import CHART, chart_of, kept_report, with_table

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_has_the_table_of_the_kept_report() -> None:
    """No number of the table is written by hand."""
    readme = README.read_text(encoding="utf-8")
    assert with_table(readme, kept_report()) == readme


def test_the_chart_is_that_of_the_kept_report() -> None:
    """The picture was drawn from the same numbers."""
    chart = (data_folder() / "report" / CHART).read_text(encoding="utf-8")
    assert chart == chart_of(kept_report())
