"""Two persons put a change into service from the command line; one alone does not."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import clearway.installation
from clearway.commands import app
from clearway.errors import ApprovalError, ClearwayError, ConfigurationError
from clearway.installation import data_folder
from clearway.ledger.sqlite import open_ledger
from clearway.load_records import APPROVAL
from clearway.testing import FakeSensitivity

Run = Callable[..., Result]
HELLO = {"id": "r-1", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
RULE = (
    '@id("one") @reason("a test") forbid (principal, action, resource) when { context.level == "public" };\n'
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over a copy of the policy; Ana and Ben have keys."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLEARWAY_POLICY", str(tmp_path / "policy"))
    monkeypatch.setattr(clearway.installation, "open_detector", FakeSensitivity)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(data_folder() / "policy", tmp_path / "policy")

    def invoke(*arguments: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin)
        if isinstance(result.exception, ClearwayError):
            raise result.exception
        return result

    people = [
        invoke("approver", "key", "create", name, "--out", f"{name}.key").stdout for name in ("ana", "ben")
    ]
    (tmp_path / "policy" / "approvers.yaml").write_text(f"approvals: required\napprovers:\n{''.join(people)}")
    return invoke


def sign(run: Run, act: str, part: str, key: str) -> dict[str, Any]:
    """One step; what it printed."""
    result = run("approval", act, part, "--reason", "needed", "--key", f"{key}.key")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def put_into_service(run: Run, *parts: str) -> None:
    """Ana asks, Ben approves, a decision loads it."""
    for part in parts:
        sign(run, "request", part, "ana")
        sign(run, "approve", part, "ben")
    assert run("route", stdin=json.dumps(HELLO)).exit_code == 0


def test_a_key_is_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    """Mode 0600, never replaced; what is printed has no secret in it."""
    path = tmp_path / "eve.key"
    result = run("approver", "key", "create", "eve", "--out", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().split("+", 4)[4].strip()
    assert result.exit_code == 0
    assert secret not in result.output
    assert result.stdout.startswith("- id: eve\n  public_key: eve+")
    with pytest.raises(ConfigurationError) as caught:
        run("approver", "key", "create", "eve", "--out", str(path))
    assert str(caught.value) == f"{path}: is there already; name a new file with --out"
    assert run("approver", "key", "create", "e v e", "--out", "other").exit_code == 2
    assert not (tmp_path / "other").exists()


def test_the_story_of_a_change(run: Run, tmp_path: Path) -> None:
    """Refused, asked for, approved by the other, in service; each step is on the ledger and verifies."""
    with pytest.raises(ApprovalError, match=r"^policy: not approved, and approvals are required; run "):
        run("route", stdin=json.dumps(HELLO))
    put_into_service(run, "policy", "register")
    (tmp_path / "policy" / "one.cedar").write_text(RULE)
    with pytest.raises(ApprovalError) as caught:
        sign(run, "approve", "policy", "ben")
    assert str(caught.value) == (
        "policy: nobody asked for what stands in its folder now; another person runs "
        "clearway approval request policy first"
    )
    asked = sign(run, "request", "policy", "ana")
    assert asked["diff"] == {"policy": {"added": ["one"], "removed": [], "changed": []}}
    with pytest.raises(ApprovalError) as caught:
        sign(run, "approve", "policy", "ana")
    assert str(caught.value) == "approval: ana asked for it; expected another person to approve it"
    done = sign(run, "approve", "policy", "ben")
    assert (done["person"], done["requester"], done["diff"]) == ("ben", "ana", asked["diff"])
    assert run("route", stdin=json.dumps(HELLO | {"id": "r-2"})).exit_code == 1  # the new rule refuses it
    checked = run("approval", "verify", "--json")
    assert checked.exit_code == 0
    lines = [json.loads(line) for line in checked.stdout.splitlines()]
    assert [(line["person"], line["about"]) for line in lines] == [
        ("ana", "policy"),
        ("ben", "policy"),
        ("ana", "register"),
        ("ben", "register"),
        ("ana", "policy"),
        ("ben", "policy"),
    ]
    assert all(line["ok"] for line in lines)


def test_signatures_of_exceptions_and_reviews_are_checked(run: Run, tmp_path: Path) -> None:
    """Every kind of record that a person signs, and none that says something else than was signed."""
    shutil.copytree(data_folder() / "register", tmp_path / "register")
    template = "exception-restricted-data-to-a-provider-that-does-not-train"
    scope = ["--caller", "clinic-scribe", "--class", "health", "--purpose", "any", "--provider", "openai"]
    day = str((datetime.now(UTC) + timedelta(days=90)).date())
    end = ["--expires", day, "--max-uses", "5", "--reason", "needed"]
    asked = run("exception", "request", "--template", template, *scope, *end, "--key", "ana.key")
    name = json.loads(asked.stdout)["id"]
    run("exception", "approve", name, "--reason", "seen", "--key", "ben.key")
    found = ["--evidence", "https://x.example/y", "--evidence-sha256", "a" * 64, "--finding", "none"]
    until = ["--next", day, "--register", str(tmp_path / "register")]
    run("register", "review", "openai", "--reviewer", "ana", *found, *until, "--key", "ben.key")
    ledger = open_ledger(tmp_path / "home")
    for entry in list(ledger.entries()):
        names = set(entry.record) - {"kind", "ledger_index"}
        if "sha256" in names:
            ledger.append(entry.kind, {n: entry.record[n] for n in names} | {"sha256": "0" * 64})
    ledger.close()
    lines = [json.loads(line) for line in run("approval", "verify", "--json").stdout.splitlines()]
    kinds = ["exception_requested", "exception_approved", "review"]
    assert [line["kind"] for line in lines if line["ok"]][:3] == kinds
    assert {line["kind"] for line in lines if not line["ok"]} == {"exception_approved", "review"}


def test_a_forged_approval_is_found(run: Run, tmp_path: Path) -> None:
    """A record that the service's own account wrote by hand: exit 1, by place and reason."""
    put_into_service(run, "policy", "register")
    ledger = open_ledger(tmp_path / "home")
    entry = ledger.latest(APPROVAL)
    assert entry is not None
    names = set(entry.record) - {"kind", "ledger_index"}
    forged = {name: entry.record[name] for name in names}
    forged["approval"] = {
        **forged["approval"],
        "statement": {**forged["approval"]["statement"], "reason": "other"},
    }
    ledger.append(APPROVAL, forged)
    ledger.close()
    result = run("approval", "verify")
    assert result.exit_code == 1
    assert "the signature is not over this statement" in " ".join(result.stdout.split())


def test_who_may_approve_is_listed(run: Run, tmp_path: Path) -> None:
    """By the version in service, not by a file that nobody approved."""
    put_into_service(run, "policy", "register")
    (tmp_path / "policy" / "approvers.yaml").write_text("approvals: recorded\napprovers: []\n")
    found = json.loads(run("approver", "list", "--json").stdout)
    assert (found["approvals"], sorted(found["keys"])) == ("required", ["ana", "ben"])
    assert "ana" in run("approver", "list").stdout


def test_what_is_no_key_is_not_used(run: Run, tmp_path: Path) -> None:
    """The error names the file and never its content."""
    (tmp_path / "bad.key").write_text("secret")
    (tmp_path / "bad.key").chmod(0o600)
    with pytest.raises(ApprovalError) as caught:
        sign(run, "request", "policy", "bad")
    assert str(caught.value) == (
        "bad.key: holds no private key; name the file that clearway approver key create made"
    )
    (tmp_path / "ana.key").chmod(0o644)
    with pytest.raises(
        ConfigurationError, match="expected a key that only its owner can read, got mode 0644"
    ):
        sign(run, "request", "policy", "ana")


@pytest.mark.parametrize("group", ["approver", "approval"])
def test_help_teaches(run: Run, group: str) -> None:
    """Each command says what it does."""
    assert run(group, "--help").exit_code == 0
    assert "Example" in run("approval", "request", "--help").output
