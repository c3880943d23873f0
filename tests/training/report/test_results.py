"""A report's JSON is read with care."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clearway.errors import InvalidRequestError
from tests.training.report.example_report import bare_report, example_report
from training.report.results import Report, from_json


@pytest.mark.parametrize("report", [example_report(), bare_report()])
def test_round_trip(report: Report) -> None:
    """`from_json` undoes `as_json`."""
    assert from_json(json.loads(json.dumps(report.as_json()))) == report


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("money",), [], "report.money: expected object, got list; make the report again"),
        (("arms",), {}, "report.arms: expected list, got dict; make the report again"),
        (("counts", "n_rows"), "7", "report.counts.n_rows: expected int, got str; make the report again"),
        (("counts", "n_rows"), True, "report.counts.n_rows: expected int, got bool; make the report again"),
        (
            ("money", "net_saving"),
            {"value": "much"},
            "report.money.net_saving.value: expected float, got str; make the report again",
        ),
        (
            ("about", "classifiers"),
            {"a": 1},
            "report.about.classifiers.a: expected str, got int; make the report again",
        ),
        (("surprise",), 1, "report.surprise: is not one of its fields; make the report again"),
    ],
)
def test_what_is_no_report_is_refused(path: tuple[str, ...], value: Any, told: str) -> None:
    """The error names the field, what was expected and what came."""
    tree = example_report().as_json()
    place: Any = tree
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(InvalidRequestError) as error:
        from_json(tree)
    assert str(error.value) == told


def test_a_missing_field_is_named() -> None:
    """A field without a default must be there; one with a default need not be."""
    tree = example_report().as_json()
    del tree["mlflow"]
    assert from_json(tree).mlflow == {}
    del tree["faults"]
    with pytest.raises(InvalidRequestError, match=r"^report\.faults: is missing; make the report again$"):
        from_json(tree)


def test_text_is_no_report() -> None:
    """Anything but an object is refused."""
    with pytest.raises(
        InvalidRequestError, match=r"^report: expected object, got str; make the report again$"
    ):
        from_json("report")
