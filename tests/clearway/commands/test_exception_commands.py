"""`clearway exception` asks, approves, lists and revokes, and the next decision follows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import clearway.installation
from clearway.commands import app
from clearway.errors import ApprovalError, ForbiddenError, InvalidRequestError, NotFoundError
from clearway.installation import data_folder
from clearway.ledger.checkpoint import Signer
from clearway.testing import FakeSensitivity

Run = Callable[..., Result]
MODEL = "azure/gpt-4o-mini@eu"
TEMPLATE = """@id("lift") @reason("r") @exception
permit (principal == ?principal, action == Action::"route", resource == ?resource);
"""
LINE = {"id": "r-1", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
SOON = (datetime.now(UTC) + timedelta(days=30)).date()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty home, under a policy that permits nothing but by exception."""
    shutil.copytree(data_folder() / "policy", tmp_path / "policy")
    (tmp_path / "policy/default.cedar").write_text(TEMPLATE)
    (tmp_path / "policy/tests.yaml").unlink(missing_ok=True)
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEARWAY_POLICY", str(tmp_path / "policy"))
    monkeypatch.setattr(clearway.installation, "open_detector", lambda: FakeSensitivity())
    monkeypatch.setattr("clearway.replay.open_detector", lambda: FakeSensitivity())

    def invoke(*arguments: str, line: dict[str, Any] | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=json.dumps(line) + "\n" if line else "")

    return invoke


def request(run: Run, **changed: str | None) -> Result:
    """Ask for an exception, with some options changed or left out."""
    given: dict[str, str | None] = {
        "template": "lift",
        "caller": "local-dev",
        "class": "any",
        "purpose": "general",
        "model": MODEL,
        "expires": SOON.isoformat(),
        "max-uses": "1",
        "reason": "Migration week",
        "by": "Ana Diaz",
        **changed,
    }
    options = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    return run("exception", "request", *options)


def said(result: Result) -> Any:
    """The one JSON line of a command that did what it should."""
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def is_refused(result: Result) -> bool:
    """Whether a decision was a refusal: a line and exit 1."""
    return (result.exit_code, json.loads(result.stdout)["verdict"]) == (1, "refuse")


def test_an_exception_lives_from_request_to_its_last_use(run: Run) -> None:
    """Asked for, approved by another, used once, and over; each decision and the list say so."""
    asked = said(request(run))
    assert (asked["status"], asked["n_uses"], asked["approved"]) == ("requested", 0, None)
    assert is_refused(run("route", line=LINE))
    agreed = said(run("exception", "approve", asked["id"], "--by", "Ben Okoro", "--reason", "Agreed"))
    assert (agreed["status"], agreed["approved"]["by"]) == ("active", "Ben Okoro")
    decision = said(run("route", line=LINE | {"id": "r-2"}))
    assert (decision["model"], decision["fallbacks"]) == (MODEL, [])
    assert decision["exceptions"] == [asked["id"]]
    assert is_refused(run("route", line=LINE | {"id": "r-3"}))
    assert run("exception", "list", "--json").stdout == ""
    over = said(run("exception", "list", "--all", "--json"))
    assert (over["status"], over["n_uses"]) == ("used_up", 1)
    replayed = run("replay", decision["decision_id"])
    assert json.loads(replayed.stdout)["status"] == "same"
    assert run("ledger", "verify").exit_code == 0


def test_a_dry_run_is_no_use(run: Run) -> None:
    """It shows the exception, and takes nothing of it."""
    asked = said(request(run))
    run("exception", "approve", asked["id"], "--by", "Ben Okoro", "--reason", "Agreed")
    assert said(run("route", "--dry-run", line=LINE))["exceptions"] == [asked["id"]]
    assert said(run("exception", "list", "--json"))["n_uses"] == 0


def test_a_revoked_exception_is_listed_with_who_ended_it(run: Run) -> None:
    """And nothing is decided under it any more."""
    asked = said(request(run))
    run("exception", "approve", asked["id"], "--by", "Ben Okoro", "--reason", "Agreed")
    ended = said(run("exception", "revoke", asked["id"], "--by", "Carla Ek", "--reason", "Over"))
    assert (ended["status"], ended["revoked"]["by"], ended["revoked"]["reason"]) == (
        "revoked",
        "Carla Ek",
        "Over",
    )
    assert is_refused(run("route", line=LINE))


def test_people_see_a_table(run: Run) -> None:
    """What is in force or waits, for whom, for what, until when, how often used and by whom."""
    asked = said(request(run, model=None, provider="azure"))
    shown = run("exception", "list")
    for text in (asked["id"], "requested", "local-dev", "any", "azure (all)", "0 of 1", "Ana Diaz"):
        assert text in shown.stdout
    assert shown.stderr == "1 exceptions; 0 more have ended\n"


def test_an_installation_without_exceptions_lists_none(run: Run) -> None:
    """No table, one line; and without a ledger the error of every reading command."""
    assert isinstance(run("exception", "list").exception, NotFoundError)
    run("route", line=LINE)
    shown = run("exception", "list")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr == "0 exceptions; 0 more have ended\n"


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (SOON.isoformat(), f"{SOON + timedelta(days=1)}T00:00:00.000000Z"),
        (f"{SOON}T18:00:00Z", f"{SOON}T18:00:00.000000Z"),
        (f"{SOON}T18:00:00+02:00", f"{SOON}T16:00:00.000000Z"),
    ],
)
def test_an_end_is_a_day_or_a_time(run: Run, expires: str, expected: str) -> None:
    """A day counts as a whole, in UTC."""
    assert said(request(run, expires=expires))["expires_at"] == expected


@pytest.mark.parametrize("expires", ["soon", "2027-13-01", f"{SOON}T18:00:00", "9999-12-31"])
def test_an_end_without_a_zone_or_sense_is_refused(run: Run, expires: str) -> None:
    """Nothing is guessed."""
    fault = request(run, expires=expires).exception
    assert isinstance(fault, InvalidRequestError)
    assert str(fault).startswith("expires: expected ")


@pytest.mark.parametrize("changed", [{"by": None}, {"by": "Ana Diaz", "key": "ana.key"}])
def test_who_asks_is_named_once(run: Run, changed: dict[str, str | None]) -> None:
    """By name or by key."""
    result = request(run, **changed)
    assert result.exit_code == 2
    assert "expected --by or --key, one of them" in result.output


def test_keys_sign_and_an_auditor_checks(run: Run, tmp_path: Path) -> None:
    """With required approvals two keys make an exception; names without a key make none."""
    signers = {name: Signer.generate(name) for name in ("ana", "ben")}
    for name, signer in signers.items():
        (tmp_path / f"{name}.key").write_text(signer.private_text() + "\n")
        (tmp_path / f"{name}.key").chmod(0o600)
    entries = "".join(f"- id: {name}\n  public_key: {key.verifier}\n" for name, key in signers.items())
    (tmp_path / "policy/approvers.yaml").write_text(f"approvals: required\napprovers:\n{entries}")
    assert isinstance(request(run).exception, ApprovalError)
    keys = {name: str(tmp_path / f"{name}.key") for name in signers}
    asked = said(request(run, by=None, key=keys["ana"]))
    assert (asked["requester"], asked["requested"]["signature"]) == ("ana", "valid")
    own = run("exception", "approve", asked["id"], "--key", keys["ana"], "--reason", "Agreed")
    assert isinstance(own.exception, ForbiddenError)
    agreed = said(run("exception", "approve", asked["id"], "--key", keys["ben"], "--reason", "Agreed"))
    assert (agreed["status"], agreed["approved"]["signature"]) == ("active", "valid")
    assert run("approval", "verify").exit_code == 0


def test_help_teaches() -> None:
    """The group and each command say what they are for."""
    for command in ((), ("request",), ("approve",), ("revoke",), ("list",)):
        result = CliRunner().invoke(app, ["exception", *command, "--help"])
        assert result.exit_code == 0
        assert "xception" in result.output
