"""`clearway policy` keeps the contract of the command line: tables, JSON, and what exit codes say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from clearway.commands import app
from clearway.errors import ClearwayError, InvalidRequestError, NotFoundError
from clearway.installation import data_folder
from clearway.ledger.sqlite import open_ledger
from clearway.testing import FakeSensitivity, fake_request, fake_router

Run = Callable[..., Result]
DAY = ("--on", "2026-12-01")
WIDE = '@id("wide") @reason("All may go anywhere.") permit(principal, action, resource);\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy of one's own."""
    return Path(shutil.copytree(data_folder() / "policy", tmp_path / "policy"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `clearway policy` in an empty home."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    return lambda *arguments: CliRunner().invoke(app, ["policy", *map(str, arguments)])


def lines(result: Result) -> list[dict[str, Any]]:
    """JSON lines of stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def fault_of(result: Result) -> ClearwayError:
    """The error that ends a command with exit 2."""
    assert isinstance(result.exception, ClearwayError)
    return result.exception


def test_check_says_that_a_policy_loads(run: Run) -> None:
    """Exit 0, with the digest and every rule."""
    result = run("check", "--json")
    assert result.exit_code == 0
    checked = lines(result)[0]
    assert checked["ok"] is True
    assert len(checked["digest"]) == 64
    assert {rule["effect"] for rule in checked["rules"]} == {"permit", "forbid", "exception"}
    assert "the policy loads: 10 rules" in run("check").stdout


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("permit(principal, action, resource);", "extra.cedar: a policy has no @id"),
        ('@id("x") permit(principal, action, resource);', 'extra.cedar: @id("x") has no @reason'),
        ('@id("x") @reason("r") permit(principal', "extra.cedar: not a Cedar policy file"),
        (
            (
                '@id("x") @reason("r") forbid(principal, action, resource) '
                'when { context.classes.contains("helth") };'
            ),
            "policy: unknown classes: helth; expected one of contact, credentials",
        ),
    ],
)
def test_check_says_no_to_a_policy_that_does_not_load(run: Run, policy: Path, rule: str, fault: str) -> None:
    """Exit 1, with the file and what is wrong in it; also for a class that nobody knows."""
    (policy / "extra.cedar").write_text(rule, encoding="utf-8")
    result = run("check", "--policy", policy)
    assert result.exit_code == 1
    assert fault in result.stderr
    found = lines(run("check", "--policy", policy, "--json"))[0]
    assert found["ok"] is False
    assert fault in found["fault"]


def test_test_runs_the_cases_of_the_policy(run: Run) -> None:
    """Exit 0 where all pass, a line for each."""
    result = run("test", "--json")
    assert result.exit_code == 0
    assert all(line["passed"] for line in lines(result))


def test_test_fails_where_the_policy_changed(run: Run, policy: Path) -> None:
    """A rule too many makes cases fail: exit 1, and the case says how."""
    (policy / "extra.cedar").write_text(
        '@id("x") @reason("r") forbid(principal, action, resource);', encoding="utf-8"
    )
    result = run("test", "--policy", policy)
    assert result.exit_code == 1
    assert "fail  A harmless question may go to any reviewed provider, also one that trains" in result.stdout
    assert "azure/gpt-4o@eu: expected allowed, got denied by forbidden:x" in result.stdout


def test_test_takes_another_file(run: Run, tmp_path: Path) -> None:
    """A file of one's own cases is run against the configured policy."""
    cases = tmp_path / "mine.yaml"
    cases.write_text('cases:\n- {name: mine, caller: local-dev, deny: ["openai/*"]}\n', encoding="utf-8")
    result = run("test", cases, "--json", *DAY)
    assert result.exit_code == 1
    assert [line["case"] for line in lines(result)] == ["mine"]


def test_matrix_is_a_table_and_lines(run: Run) -> None:
    """Provider and region by data class, each rule below once, with its reason."""
    people = run("matrix", *DAY).stdout
    assert "1  health-data-only-under-a-baa: Health data may be sent only under a business" in people
    assert "* an example: replace it from your own contract and review" in people
    cells = lines(run("matrix", "--json", *DAY))
    found = next(c for c in cells if (c["class"], c["provider"], c["region"]) == ("health", "azure", "eu"))
    assert found == found | {"allowed": "none", "codes": ["not_permitted"], "level": "restricted"}


def test_matrix_of_one_caller(run: Run) -> None:
    """Narrowed to a caller, a cell is yes or no."""
    cells = lines(run("matrix", "--caller", "hr-assistant", "--json", *DAY))
    assert {cell["allowed"] for cell in cells} == {"all", "none"}
    fault = fault_of(run("matrix", "--caller", "nobody"))
    assert str(fault) == "caller, purpose: expected a registered caller and a purpose it has"


def test_matrix_writes_a_page(run: Run, tmp_path: Path) -> None:
    """The page is written, and only the page."""
    page = tmp_path / "map.html"
    result = run("matrix", "--html", page, *DAY)
    assert (result.exit_code, result.stdout) == (0, "")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    fault = fault_of(run("matrix", "--html", tmp_path / "no" / "map.html", *DAY))
    assert str(fault).endswith("map.html: cannot be written (No such file or directory); name another file")


def test_lint_says_yes_to_the_shipped_pack(run: Run) -> None:
    """Exit 0, and both what an exception may lift and what none may are listed."""
    result = run("lint", *DAY)
    assert result.exit_code == 0
    assert "no finding" in result.stdout
    assert "may not lift it" in result.stdout
    assert "may stand in for it" in result.stdout


def test_lint_says_no_to_a_policy_that_is_too_wide(run: Run, policy: Path) -> None:
    """Exit 1, each finding with the permit and an example."""
    (policy / "default.cedar").write_text(WIDE, encoding="utf-8")
    result = run("lint", "--policy", policy, *DAY)
    assert result.exit_code == 1
    assert "restricted data can reach a provider that trains on it, today" in result.stdout
    found = lines(run("lint", "--policy", policy, "--json", *DAY))[0]
    assert found["ok"] is False
    assert {f["fault"] for f in found["findings"]} == {"trains", "keeps", "unreviewed"}


def test_why_not_says_what_would_do(run: Run) -> None:
    """Exit 1 with the offers where the model is left out, 0 where it is cleared."""
    asked = ("openai/gpt-4o@us", "--caller", "clinic-scribe", *DAY)
    result = run("why-not", *asked, "--class", "health")
    assert result.exit_code == 1
    assert (
        "it would be if the provider signs a business associate agreement and keeps prompts and responses "
        "for 0 days" in " ".join(result.stdout.split())
    )
    assert lines(run("why-not", *asked, "--class", "health", "--json"))[0]["cleared"] is False
    assert run("why-not", *asked).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("no/model",), "model: not in the register; see clearway register show PROVIDER"),
        (
            ("openai/gpt-4o@us", "--level", "secret"),
            "level: expected one of public, internal, confidential, restricted",
        ),
        (("openai/gpt-4o@us", "--on", "soon"), "on: expected a day such as 2027-06-30, got another text"),
    ],
)
def test_why_not_of_what_nobody_knows_is_wrong_use(run: Run, arguments: tuple[str, ...], fault: str) -> None:
    """The text says what was expected."""
    raised = fault_of(run("why-not", *arguments))
    assert isinstance(raised, InvalidRequestError)
    assert str(raised) == fault


def test_what_if_counts_what_another_policy_changes(run: Run, policy: Path, tmp_path: Path) -> None:
    """The ledger's decisions are decided again; the ledger does not grow."""
    ledger = open_ledger(tmp_path / "home")
    router = fake_router(ledger=ledger, sensitivity=FakeSensitivity({"ill": "health"}))
    router.decide(fake_request("ill"))
    size = ledger.size()
    ledger.close()
    same = lines(run("what-if", "--json", *DAY))
    assert [line["changed"] for line in same] == [False]
    (policy / "default.cedar").write_text("", encoding="utf-8")
    people = run("what-if", "--policy", policy, *DAY).stdout
    assert "1  newly refused" in people
    assert "refused" in people
    after = open_ledger(tmp_path / "home")
    assert after.size() == size
    after.close()


def test_what_if_without_a_ledger_is_wrong_use(run: Run) -> None:
    """There is nothing to decide again; reading makes no ledger."""
    assert isinstance(fault_of(run("what-if")), NotFoundError)


def test_what_if_judges_on_one_day(run: Run) -> None:
    """A day and each decision's own day cannot both be meant."""
    result = run("what-if", "--as-of-decision", *DAY)
    assert result.exit_code == 2
    assert "expected --on or --as-of-decision, got both" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", ["check", "test", "matrix", "what-if", "lint", "why-not"])
def test_every_command_teaches(run: Run, command: str) -> None:
    """`--help` says what the command is for."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "--policy" in result.stdout
