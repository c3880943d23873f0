"""`clearway benchmark sensitivity`, from rows to tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import clearway.installation
from clearway.errors import TrainingDataError
from clearway.testing import FakeSensitivity
from training.benchmark.cli import app
from training.benchmark.sensitivity.corpus import Row
from training.benchmark.sensitivity.report import Plan, measure
from training.benchmark.sensitivity.unseen import without_training


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three rows with gold, and a detector that finds one word."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    monkeypatch.setattr(
        clearway.installation, "open_detector", lambda: FakeSensitivity({"4111": "financial"})
    )
    span = {"start": 3, "end": 7, "label": "CREDIT_CARD"}
    rows: list[dict[str, Any]] = [
        {"text": "My 4111", "spans": [span], "doc_id": "1"},
        {"text": "My 5500", "spans": [span], "doc_id": "2"},
        {"text": "Hello", "doc_id": "3"},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "classes.csv").write_text("doc_id,classes\n1,financial\n2,financial\n3,\n")
    return path


def _run(corpus: Path, *options: str) -> str:
    command = ["sensitivity", "--corpus", str(corpus), "--sample", "3", "--no-timing", *options]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_json_holds_every_measurement(corpus: Path) -> None:
    """One object, the same for a seed, that quotes no prompt; the prevalence given is used."""
    printed = _run(corpus, "--json", "--prevalence", "financial=0.5")
    assert printed == _run(corpus, "--json", "--prevalence", "financial=0.5")
    assert "5500" not in printed
    result = json.loads(printed)
    assert result["n_rows"] == 3
    own = [row for row in result["classes"] if row["source"] == "mine"]
    assert [(row["class"], row["recall"]["hits"], row["recall"]["n"]) for row in own] == [("financial", 1, 2)]
    (clean,) = (row for row in result["clean"] if row["source"] == "mine")
    assert (clean["pinned"]["hits"], clean["pinned"]["n"]) == (0, 1)
    risk = {row["class"]: row["prevalence"] for row in result["risk"]}
    assert (risk["financial"], risk["any"]) == (0.5, 1)
    assert {"pairs", "kinds", "sessions", "evasions", "languages", "spans", "labels"} <= set(result)


def test_tables_are_for_people(corpus: Path, tmp_path: Path) -> None:
    """Every table with its intervals and counts, few cases marked; plots where they are asked for."""
    shown = _run(corpus, "--plots", str(tmp_path / "plots"))
    for text in (
        "data classes, by prompt",
        "minimal pairs",
        "conversations pinned",
        "disguised values",
        "languages",
        "residual risk",
        "50.0% (1.3 to 98.7) of 2*",
    ):
        assert text in shown
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        "recall.png",
        "false-pins.png",
        "evasions.png",
    }


def test_a_prevalence_must_be_a_share_of_a_known_class(corpus: Path) -> None:
    """What is no share, or of no class, is refused before anything is scanned."""
    for given in ("financial", "financial=2", "financial=half", "financial=nan"):
        with pytest.raises(TrainingDataError) as caught:
            _run(corpus, "--prevalence", given)
        assert str(caught.value) == "prevalence: financial: expected CLASS=SHARE with a share from 0 to 1"
    with pytest.raises(TrainingDataError, match=r"^prevalence: expected one of any, contact, .*, got luck$"):
        _run(corpus, "--prevalence", "luck=0.1")


def test_rows_that_were_learned_from_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their texts are on the training side of a split; where only such rows are given, that is said."""
    rows = [Row("seen", "a", "1"), Row("new", "a", "2")]
    monkeypatch.setattr(
        "training.benchmark.sensitivity.unseen.training_texts", lambda folder: frozenset({"seen"})
    )
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    assert without_training(rows) == rows
    (tmp_path / "pii").mkdir()
    monkeypatch.setenv("CLEARWAY_CORPORA", str(tmp_path))
    assert without_training(rows) == rows[1:]
    with pytest.raises(TrainingDataError) as caught:
        measure(FakeSensitivity(), rows[:1], Plan())
    assert str(caught.value) == (
        "corpus: expected at least one row that the detector did not learn from, got 1 others"
    )
