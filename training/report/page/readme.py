"""The README's chart and table, made of the report that `data/report` keeps: `make example-report`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from clearway.installation import data_folder
from training.report.page.blocks import RangeChart, Table
from training.report.page.charts import WIDE, draw
from training.report.page.markdown import render_block
from training.report.page.saving_sections import arms_section
from training.report.results import Report, from_json

REPORT: Final = "answers.json"
CHART: Final = "answers.svg"
_PLACE = re.compile(r"(?<=<!-- example report -->\n).*?(?=<!-- end -->)", re.DOTALL)


def chart_of(report: Report) -> str:
    """What each way saves and does to quality, as an SVG file."""
    (chart,) = (block for block in arms_section(report).blocks if isinstance(block, RangeChart))
    return draw(chart, WIDE) + "\n"


def table_of(report: Report) -> str:
    """The table of the same section, in Markdown."""
    (table,) = (block for block in arms_section(report).blocks if isinstance(block, Table))
    return render_block(table) + "\n"


def with_table(readme: str, report: Report) -> str:
    """The README's text with the table at its place."""
    return _PLACE.sub(lambda _: table_of(report), readme)


def kept_report() -> Report:
    """The report that the repository keeps."""
    return from_json(json.loads((data_folder() / "report" / REPORT).read_text(encoding="utf-8")))


def main() -> None:
    """Write the chart beside the report, and the table into the README of this checkout."""
    report, folder = kept_report(), data_folder() / "report"
    (folder / CHART).write_text(chart_of(report), encoding="utf-8")
    readme = Path("README.md")
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), report), encoding="utf-8")


if __name__ == "__main__":
    main()
