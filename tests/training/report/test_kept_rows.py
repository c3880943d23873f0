"""Rows that were kept give the report again: what they do not say lies beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearway.errors import InvalidRequestError
from tests.training.report.example_report import example_report
from tests.training.report.routed_rows import gathered, row
from training.report.analysis.report import analyse
from training.report.gathered import Costs, Gathered
from training.report.kept_rows import GATHERED, find, forget, keep

FOREIGN = "{0}: expected what was kept beside the rows, got another file"


def a_run(folder: Path, **changes: Any) -> Gathered:
    """Rows of a ledger, with everything that rows do not say."""
    found = gathered(folder, [row(number) for number in range(20)])
    said = {
        "kind": "ledger",
        "before": "the model before",
        "scenarios": {"EU only": "only models in eu"},
        "classifiers": {"a" * 64: "classifier 1"},
        "detectors": {"b" * 64: "detector 1"},
        "router_nusd": 7,
        "router_basis": "a guess",
        "router_metrics": example_report().router_metrics,
        "notes": ("A note.",),
        "arm_bases": {"best_single": "mapped"},
    }
    return replace(found, **{**said, **changes})


def test_what_was_gathered_comes_back(tmp_path: Path) -> None:
    """Every field, and so the report is the same one."""
    found = a_run(tmp_path)
    keep(found)
    again = find(tmp_path, None, "another register")
    assert again == found
    assert analyse(again, made_at="x") == analyse(found, made_at="x")


def test_rows_of_graded_answers_lie_beside_the_file(tmp_path: Path) -> None:
    """They have no folder of their own, and none is looked for."""
    found = a_run(tmp_path)
    beside = replace(found, kind="answers", rows=found.rows, moves=None)
    keep(beside)
    assert find(beside.rows, None, "") == beside
    assert (found.rows / GATHERED).is_file()


def test_the_newest_finished_run_of_a_log_is_taken(tmp_path: Path) -> None:
    """Runs lie in folders of their own; one that was interrupted is passed over."""
    for age, name in enumerate(("a", "b", "c", "unfinished")):
        found = a_run(tmp_path / name, kind="log", origin=name)
        if name != "unfinished":
            keep(found)
            os.utime(tmp_path / name / GATHERED, (1_000 - age, 1_000 - age))
    assert find(tmp_path, None, "").origin == "a"
    assert find(tmp_path / "b", None, "").origin == "b"
    assert find(tmp_path / "unfinished", None, "").kind == "table"


def test_runs_that_were_not_finished_are_named(tmp_path: Path) -> None:
    """So that one of them can be given all the same."""
    for name in ("b", "a"):
        a_run(tmp_path / "work" / name)
    with pytest.raises(InvalidRequestError) as caught:
        find(tmp_path / "work", None, "")
    assert str(caught.value) == (
        "work: expected a Parquet file, or a folder of them, got none; a run that was not finished is in a, b"
    )


def test_a_folder_without_rows_is_said(tmp_path: Path) -> None:
    """One line."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRequestError) as caught:
        find(tmp_path / "empty", None, "")
    assert str(caught.value) == "empty: expected a Parquet file, or a folder of them, got none"


def test_rows_from_elsewhere_say_little(tmp_path: Path) -> None:
    """A file, a folder, or what was left before its report was made: costs and register are those given."""
    found = a_run(tmp_path)
    keep(found)
    forget(tmp_path)
    for path in (tmp_path, found.rows, found.rows / "rows.parquet"):
        plain = find(path, Costs(9, "given"), "register")
        assert (plain.kind, plain.router_nusd, plain.register, plain.notes) == ("table", 9, "register", ())


def test_costs_are_not_given_twice(tmp_path: Path) -> None:
    """Rows that say what a decision cost are not told another."""
    keep(a_run(tmp_path))
    with pytest.raises(InvalidRequestError) as caught:
        find(tmp_path, Costs(9, "given"), "")
    assert str(caught.value) == (
        "router-nusd: expected only for rows that do not say it, got some with gathered.json; leave it out"
    )


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda _: "{", "{0}: expected what was kept beside the rows, got JSONDecodeError"),
        (lambda _: "[]", FOREIGN),
        (
            lambda text: text.replace('"format": 1', '"format": 2'),
            FOREIGN,
        ),
        (
            lambda text: text.replace('"kind": "ledger"', '"kind": "x"'),
            FOREIGN,
        ),
        (
            lambda text: text.replace('"router_nusd": 7', '"router_nusd": NaN'),
            "{0}: expected what was kept beside the rows, got ValueError",
        ),
        (
            lambda text: text.replace('"router_nusd": 7', '"router_nusd": "7"'),
            "gathered.json.router_nusd: expected int, got str",
        ),
        (lambda text: text.replace('"notes"', '"note"'), "gathered.json.note: is not one of its fields"),
        (lambda _: "[" * 100_000, "{0}: expected what was kept beside the rows, got RecursionError"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, damage: Callable[[str], str], fault: str) -> None:
    """It is neither guessed nor passed over."""
    keep(a_run(tmp_path))
    file = tmp_path / GATHERED
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InvalidRequestError) as caught:
        find(tmp_path, None, "")
    assert str(caught.value) == fault.format(file) + "; make the report again"


def test_the_file_is_small_and_holds_no_path(tmp_path: Path) -> None:
    """A folder can be moved; what lies beside the file is found by its name."""
    keep(a_run(tmp_path / "before"))
    assert str(tmp_path) not in (tmp_path / "before" / GATHERED).read_text(encoding="utf-8")
    (tmp_path / "before").rename(tmp_path / "after")
    assert find(tmp_path / "after", None, "").rows == tmp_path / "after" / "rows"
    assert json.loads((tmp_path / "after" / GATHERED).read_text(encoding="utf-8"))["format"] == 1
