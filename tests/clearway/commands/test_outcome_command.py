"""`clearway outcome`: report lines in, one answer line out each, exit 1 if any was refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from clearway.commands import app
from clearway.errors import NotFoundError
from clearway.installation import operator
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Private
from clearway.outcomes import OUTCOME

Run = Callable[..., Result]
SERVED = {"decision_id": "d", "attempt": 1, "model": "a/one@eu", "status": "ok"}
DECISION = {
    "decision_id": "d",
    "model": "a/one@eu",
    "fallbacks": [],
    "time": "2026-01-01T00:00:00.000000Z",
    "caller": {"agent": "local-dev", "gateway": "some-gateway"},
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a home whose ledger has one decision, `d`, got by a gateway."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path))
    ledger = open_ledger(tmp_path)
    ledger.append("decision", DECISION, Private(b"s", None, None, None, 0))
    ledger.close()

    def invoke(*lines: object, command: str = "outcome") -> Result:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        return CliRunner().invoke(app, command.split(), input=text)

    return invoke


def answers(result: Result) -> list[dict[str, Any]]:
    """Answer lines of a run."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_is_answered(run: Run, tmp_path: Path) -> None:
    """Recorded, repeated, updated; each in its line, the ledger verifies, the operator is named."""
    result = run(SERVED, "", SERVED, {"decision_id": "d", "attempt": 1, "grade": 0.5})
    said = [(a["line"], a["result"], a["changed"], a["ledger"]["index"]) for a in answers(result)]
    assert said == [
        (1, "recorded", ["model", "status"], 1),
        (3, "repeated", [], 1),
        (4, "updated", ["grade_ppm"], 2),
    ]
    assert result.exit_code == 0
    assert run(command="ledger verify").exit_code == 0
    records = [entry.record for entry in open_ledger(tmp_path).entries(kind=OUTCOME)]
    assert [r["reported_by"] for r in records] == [{"id": operator(), "verified_by": "command_line"}] * 2


def test_a_bad_line_is_answered_and_the_others_are_recorded(run: Run) -> None:
    """Every refusal is a line with its code and text; nothing of the input is quoted; exit 1."""
    result = run(
        '{"decision_id": "d", "attempt"',
        {**SERVED, "prompt": "my card is 4111"},
        {**SERVED, "decision_id": "nobody"},
        {**SERVED, "output_tokens": -4},
        '{"attempt": 1, "attempt": 2}',
        "[]",
        SERVED,
    )
    said = [(a["result"], a.get("code"), a.get("detail", "").split(":")[0]) for a in answers(result)]
    assert said == [
        ("error", "malformed_body", "body"),
        ("error", "invalid_request", "report"),
        ("error", "not_found", "decision"),
        ("error", "invalid_request", "output_tokens"),
        ("error", "malformed_body", "body"),
        ("error", "malformed_body", "body"),
        ("recorded", None, ""),
    ]
    assert result.exit_code == 1
    assert "4111" not in result.output
    assert "nobody" not in result.output


def test_a_mark_is_no_refusal(run: Run) -> None:
    """What is odd is recorded: exit 0, and the line says it."""
    result = run({**SERVED, "model": "x/unknown"})
    assert (answers(result)[0]["marks"], result.exit_code) == (["unexpected_model"], 0)


def test_reporting_makes_no_ledger(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a home without one there is no decision to report on."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "empty"))
    assert isinstance(run(SERVED).exception, NotFoundError)
    assert not (tmp_path / "empty").exists()
