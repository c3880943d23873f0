"""The command line keeps its contract: JSON lines in and out; exit 0 done, 1 no, 2 wrong use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import clearway.installation
from clearway.commands import app
from clearway.errors import ClearwayError
from clearway.promotion import Check, Gate, promote_bundle
from clearway.testing import FakeSensitivity

Run = Callable[..., Result]
HELLO = {"id": "r-1", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
DECISION_KEYS = {
    "id",
    "decision_id",
    "verdict",
    "model",
    "provider",
    "region",
    "fallbacks",
    "fall_back_on",
    "level",
    "classes",
    "flagged",
    "notes",
    "success_ppm",
    "success_basis",
    "floor_ppm",
    "floor_met",
    "guarantee",
    "cost",
    "policy",
    "exceptions",
    "excluded",
    "example_terms",
    "classifier",
    "sensitivity",
    "ledger",
}
ASSESSMENT_KEYS = {
    "id",
    "level",
    "classes",
    "flagged",
    "findings",
    "success_ppm",
    "difficulty_ppm",
    "expected_output_tokens",
    "n_input_tokens",
    "notes",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty home, with a detector that starts at once."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    fake = FakeSensitivity({"4111": "financial", "@": "contact"})
    monkeypatch.setattr(clearway.installation, "open_detector", lambda: fake)
    monkeypatch.setattr("clearway.replay.open_detector", lambda: fake)

    def invoke(*arguments: str, lines: list[Any] | None = None) -> Result:
        text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines or [])
        return CliRunner().invoke(app, list(arguments), input=text)

    return invoke


def outputs(result: Result) -> list[dict[str, Any]]:
    """JSON lines of stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_route_answers_a_line_with_a_decision_line(run: Run) -> None:
    """The decision line has every field of the contract, and no other."""
    result = run("route", lines=[HELLO])
    (decision,) = outputs(result)
    assert result.exit_code == 0
    assert set(decision) == DECISION_KEYS
    assert (decision["id"], decision["verdict"], decision["ledger"]["index"]) == ("r-1", "route", 1)


def test_route_tells_each_wrong_line_and_decides_the_others(run: Run) -> None:
    """A fault names its line on stderr, nothing else is lost, and the exit says wrong use."""
    unknown = {**HELLO, "caller": "nobody", "id": "r-2"}
    result = run("route", lines=["{", "", HELLO, unknown, {**HELLO, "id": "r-3", "level": "public"}])
    assert [decision["id"] for decision in outputs(result)] == ["r-1"]
    assert result.stderr.splitlines() == [
        "line 1: body: expected JSON, got a syntax error at line 1, column 2",
        "line 4: caller: not registered; add it to callers.yaml or correct the name",
        "line 5: level: unknown field; expected only caller, id, labels, purpose, request, session",
    ]
    assert result.exit_code == 2


def test_route_exits_1_when_a_request_is_refused(run: Run) -> None:
    """A refusal is an answer, with the rule that made it."""
    result = run("route", lines=[{**HELLO, "purpose": "finance_operations"}])
    (decision,) = outputs(result)
    assert (result.exit_code, decision["verdict"], decision["model"]) == (1, "refuse", None)
    assert "only-for-a-purpose-of-the-caller" in decision["policy"]["determining"]


def test_a_dry_run_writes_no_decision(run: Run) -> None:
    """`--dry-run` decides and leaves the ledger empty."""
    (decision,) = outputs(run("route", "--dry-run", lines=[HELLO]))
    assert decision["ledger"] == {"index": None, "leaf": None}
    assert outputs(run("ledger", "verify"))[0]["size"] == 0


def test_a_repeated_request_gets_its_decision_again(run: Run) -> None:
    """The same id and body twice: one decision; another body: a fault that says so."""
    first, again = outputs(run("route", lines=[HELLO, HELLO]))
    assert first == again
    changed = run("route", lines=[{**HELLO, "session": "s"}])
    assert changed.stderr == "line 1: id: already used by this caller for another body; use a new id\n"
    assert changed.exit_code == 2


def test_assess_answers_text_and_messages(run: Run) -> None:
    """Both forms of input give an assessment line with every field of the contract."""
    lines = [{"id": "1", "text": "a@b"}, {"id": "2", "messages": [{"role": "user", "content": "hi"}]}]
    result = run("assess", lines=lines)
    first, second = outputs(result)
    assert set(first) == set(second) == ASSESSMENT_KEYS
    assert first["findings"] == [{"type": "contact", "start": 1, "end": 2, "score": 1.0, "part": 0}]
    assert (first["level"], second["level"], result.exit_code) == ("confidential", "public", 0)


def test_explain_says_why_in_words_and_gives_the_record_as_json(run: Run) -> None:
    """People get reasons, machines the record."""
    (decision,) = outputs(run("route", lines=[{**HELLO, "labels": ["financial"]}]))
    words = run("explain", decision["decision_id"]).stdout
    assert "Route to" in words
    assert "restricted-data-to-self-hosted-or-zero-retention: Restricted data may go to" in words
    record = outputs(run("explain", decision["decision_id"], "--json"))[0]
    assert record["decision_id"] == decision["decision_id"]


def test_replay_of_a_ledger_says_same(run: Run) -> None:
    """Every decision replays, with a line each and a summary."""
    run("route", lines=[HELLO, {**HELLO, "id": "r-2"}])
    result = run("replay", "--all")
    assert [line["status"] for line in outputs(result)] == ["same", "same"]
    assert result.stderr == "2 decisions: 2 same, 0 differs, 0 erased; 0 with their text\n"
    assert result.exit_code == 0


def test_replay_wants_an_id_or_all(run: Run) -> None:
    """Neither or both is wrong use."""
    assert run("replay").exit_code == 2
    assert run("replay", "x", "--all").exit_code == 2


def test_the_ledger_proves_exports_and_erases(run: Run, tmp_path: Path) -> None:
    """A proof and an export verify offline with the public key; after an erasure the ledger still does."""
    (decision,) = outputs(run("route", lines=[HELLO]))
    key = run("ledger", "checkpoint", "--key").stdout.strip()
    older = tmp_path / "older"
    older.write_text(run("ledger", "checkpoint").stdout)
    for name, arguments in (("proof", ["prove", decision["decision_id"]]), ("export", ["export"])):
        path = tmp_path / name
        path.write_text(run("ledger", *arguments).stdout)
        assert run("ledger", "verify", f"--{name}", str(path), "--key", key).exit_code == 0
        path.write_text(path.read_text().replace("local-dev", "someone-else"))
        assert run("ledger", "verify", f"--{name}", str(path), "--key", key).exit_code == 1
    assert outputs(run("ledger", "erase", decision["decision_id"]))[0]["erased"] is True
    assert run("ledger", "verify", "--checkpoint", str(older)).exit_code == 0


def test_a_proof_is_not_verified_with_the_key_inside_it(run: Run, tmp_path: Path) -> None:
    """Without `--key` an offline check is wrong use: the key in the file proves nothing."""
    assert run("ledger", "verify", "--proof", str(tmp_path / "p")).exit_code == 2


def test_a_ledger_taken_back_is_found_with_an_older_checkpoint(run: Run, tmp_path: Path) -> None:
    """A home restored from a copy verifies alone, but not against a checkpoint kept elsewhere."""
    run("route", lines=[HELLO])
    before = (tmp_path / "home" / "ledger.db").read_bytes()
    run("route", lines=[{**HELLO, "id": "r-2"}])
    kept = tmp_path / "kept"
    kept.write_text(run("ledger", "checkpoint").stdout)
    for path in (tmp_path / "home").glob("ledger.db*"):
        path.unlink()
    (tmp_path / "home" / "ledger.db").write_bytes(before)
    (tmp_path / "home" / "ledger.db").chmod(0o600)
    assert run("ledger", "verify").exit_code == 0
    assert run("ledger", "verify", "--checkpoint", str(kept)).exit_code == 1


def test_a_bundle_is_used_only_after_its_promotion(run: Run, tmp_path: Path) -> None:
    """An unknown bundle is refused with the remedy; once promoted it decides and is on the record."""
    shipped = clearway.installation.data_folder() / "classifiers" / "default"
    bundle = tmp_path / "mine"
    bundle.mkdir()
    for file in shipped.iterdir():
        (bundle / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_bytes(json_bytes({**manifest, "version": "2"}))
    refused = run("route", "--bundle", str(bundle), lines=[HELLO])
    assert isinstance(refused.exception, ClearwayError)
    assert "clearway classifier promote" in str(refused.exception)
    chosen = clearway.installation.Settings.of({}, home=tmp_path / "home")
    passed = Gate((Check("quality.auc_loss", 0, 0, "ppm"),), "0" * 64, "0" * 64, 1)
    promote_bundle(chosen, bundle, approver="ana", reason="better", judge=lambda *_: passed)
    (decision,) = outputs(run("route", "--bundle", str(bundle), lines=[HELLO]))
    assert decision["classifier"]["version"] == "2"


def test_a_postgresql_ledger_is_refused_rather_than_ignored(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting that this version does not honour is a fault."""
    monkeypatch.setenv("CLEARWAY_LEDGER_URL", "postgresql://localhost/clearway")
    text = "CLEARWAY_LEDGER_URL: this version keeps its ledger in SQLite only; unset it"
    assert str(run("route", lines=[HELLO]).exception) == text


@pytest.mark.parametrize(
    "command", ["route", "assess", "explain", "replay", "train", "serve", "ledger", "classifier"]
)
def test_help_of_every_command_teaches(command: str) -> None:
    """The real program lists each command of the contract and explains it."""
    result = subprocess.run(
        [sys.executable, "-c", "from clearway.commands import main; main()", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Usage:" in result.stdout


def test_an_expected_fault_is_one_line_and_exit_2(tmp_path: Path) -> None:
    """The real program tells a missing register on stderr, without a traceback."""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from clearway.commands import main; main()",
            "route",
            "--register",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"CLEARWAY_HOME": str(tmp_path / "home"), "PATH": ""},
        timeout=60,
        input="",
    )
    path = tmp_path / "providers.yaml"
    assert result.stderr == f"error: {path}: cannot be read (No such file or directory); restore the file\n"
    assert result.returncode == 2


def json_bytes(value: Any) -> bytes:
    """Canonical form, as a manifest has it."""
    from clearway.ledger.canonical import canonical_json

    return canonical_json(value)


def test_reading_makes_no_ledger(run: Run, tmp_path: Path) -> None:
    """A mistyped home is a fault; it must not look like an empty ledger that verifies."""
    for arguments in (["ledger", "verify"], ["replay", "--all"], ["explain", "x"], ["ledger", "export"]):
        text = f"{tmp_path / 'home'}: no ledger here; name its folder with --home or CLEARWAY_HOME"
        assert str(run(*arguments).exception) == text
    assert not (tmp_path / "home").exists()


def test_a_proof_that_is_no_json_is_wrong_use(run: Run, tmp_path: Path) -> None:
    """Half a file is told, without a traceback."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for text in ("{", "[]"):
        (tmp_path / "proof").write_text(text)
        result = run("ledger", "verify", "--proof", str(tmp_path / "proof"), "--key", key)
        assert isinstance(result.exception, ClearwayError)


def test_requests_that_belong_to_no_decision_are_told(run: Run, tmp_path: Path) -> None:
    """A replay with the wrong file must not look like one with the text."""
    run("route", lines=[HELLO])
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({**HELLO, "id": "other"}) + "\n")
    text = f"{path}: no line belongs to a decision of this ledger; name another file"
    assert str(run("replay", "--all", "--requests", str(path)).exception) == text
