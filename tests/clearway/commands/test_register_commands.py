"""`clearway register` keeps the contract of the command line, and what it does is on the ledger."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from clearway.change_approval import check_records
from clearway.commands import app
from clearway.errors import ApprovalError, ClearwayError
from clearway.installation import Settings, archive_of, data_folder
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import open_ledger
from clearway.register import load_register
from clearway.testing import shipped_register

Run = Callable[..., Result]
TODAY = datetime.now(UTC).date()
TOO_LATE = (TODAY + timedelta(days=402)).isoformat()
LATER = (TODAY + timedelta(days=200)).isoformat()


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """A register of one's own."""
    return Path(shutil.copytree(data_folder() / "register", tmp_path / "register"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `clearway register` in an empty home."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    return lambda *arguments: CliRunner().invoke(app, ["register", *map(str, arguments)])


def lines(result: Result) -> list[dict[str, Any]]:
    """JSON lines of stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def usage_fault(result: Result) -> str:
    """What stderr says, without the frame."""
    return " ".join(result.stderr.replace("│", " ").split())


def review(register: Path, *more: object, evidence: bool = True) -> list[object]:
    """Arguments of a review of openai."""
    given = ["--evidence-file", register / "example_evidence.md"] if evidence else []
    texts = ["--reviewer", "Ana Diaz", "--evidence", "https://wiki.example/o", "--finding", "Reads all"]
    return ["review", "openai", "--register", register, "--next", LATER, *texts, *given, *more]


def test_list_is_a_line_for_each_provider(run: Run) -> None:
    """Terms, review and standing of every provider, for people and for machines."""
    found = lines(run("list", "--json", "--on", "2026-12-01"))
    assert [line["provider"] for line in found] == list(shipped_register().providers)
    assert found[0] == found[0] | {"standing": "reviewed", "review_basis": "example", "n_models": 4}
    people = run("list", "--on", "2026-12-01").stdout
    assert "reviewed (example)" in people
    assert "deepseek     cn      3650 days  yes" in people


def test_list_says_why_a_provider_is_out(run: Run) -> None:
    """On a day after the last one every provider is `review_expired`, with no model left."""
    found = lines(run("list", "--json", "--on", "2027-11-01"))
    assert {(line["standing"], line["n_eligible"]) for line in found} == {("review_expired", 0)}


def test_show_gives_terms_with_evidence_models_and_reviews(run: Run) -> None:
    """A provider is shown with what supports each fact, and with every review it had."""
    found = lines(run("show", "openai", "--json", "--on", "2026-12-01"))[0]
    assert found["terms"]["prompts"]["kept_days"] == 30
    assert set(found["models"].values()) == {None}
    assert found["reviews"][0]["terms_sha256"] == found["terms_sha256"]
    people = run("show", "openai", "--on", "2026-12-01").stdout
    assert all(text in people for text in ("https://openai.com/enterprise-privacy", "EXAMPLE reviewer"))


def test_show_knows_models(run: Run) -> None:
    """A model is shown with its price, its standing and what it rests on without a document."""
    found = lines(run("show", "openai/gpt-4o@us", "--json", "--on", "2027-11-01"))[0]
    assert found["standing"] == "review_expired"
    assert found["price"] == {"input_nusd_per_mtok": 2_500_000_000, "output_nusd_per_mtok": 10_000_000_000}
    assert run("show", "openai/gpt-4o@us").exit_code == 0


def test_show_of_what_is_not_there_is_wrong_use(run: Run) -> None:
    """An unknown id names the providers there are."""
    assert str(run("show", "acne").exception).startswith("id: expected a provider (anthropic, aws-bedrock")


def test_a_review_is_in_the_register_and_on_the_ledger(run: Run, register: Path, tmp_path: Path) -> None:
    """A review takes effect in `reviews.yaml`, and who made it on what evidence is a record."""
    result = run(*review(register))
    assert result.exit_code == 0, result.exception
    printed = lines(result)[0]
    record = open_ledger(tmp_path / "home").get(printed["ledger"]["index"]).record
    assert record["kind"] == "review"
    assert record["review"].items() <= printed.items()
    assert (record["approval"], printed["approver"]) == (None, None)
    content = (register / "example_evidence.md").read_bytes()
    assert record["review"]["evidence_sha256"] == hashlib.sha256(content).hexdigest()
    assert record["operator"]
    newest = load_register(register).providers["openai"].review
    assert newest is not None
    assert (newest.reviewer, newest.reviewed_on, newest.expires_on.isoformat()) == ("Ana Diaz", TODAY, LATER)
    assert newest.basis == "documented"


def approved_policy(folder: Path, *people: str) -> dict[str, Path]:
    """A policy folder that requires approvals, and the private key file of each approver."""
    shutil.copytree(data_folder() / "policy", folder)
    keys, entries = {}, []
    for name in people:
        signer = Signer.generate(name)
        keys[name] = folder.parent / f"{name}.key"
        keys[name].touch(mode=0o600)
        keys[name].write_text(signer.private_text() + "\n")
        entries.append(f"  - id: {name}\n    public_key: {signer.verifier}\n")
    (folder / "approvers.yaml").write_text("approvals: required\napprovers:\n" + "".join(entries))
    return keys


def test_another_person_approves_a_review(run: Run, register: Path, tmp_path: Path) -> None:
    """Where approvals are required a review needs another person's key; the signature is on the record."""
    policy = tmp_path / "policy"
    keys = approved_policy(policy, "ana.diaz", "ben.ode")
    arguments = [*review(register, "--policy", policy), "--reviewer", "ana.diaz"]
    before = (register / "reviews.yaml").read_bytes()
    for more in ([], ["--key", keys["ana.diaz"]]):
        assert isinstance(run(*arguments, *more).exception, ApprovalError)
        assert (register / "reviews.yaml").read_bytes() == before
    printed = lines(run(*arguments, "--key", keys["ben.ode"]))[0]
    assert printed["approver"] == "ben.ode"
    settings = Settings.of({"CLEARWAY_HOME": str(tmp_path / "home")}, policy=policy)
    findings = check_records(settings, open_ledger(tmp_path / "home"))
    assert [(found.kind, found.person, found.fault) for found in findings] == [("review", "ben.ode", None)]


def test_a_review_covers_the_models_it_names(run: Run, register: Path) -> None:
    """--model covers some, --withdraw none; what is not covered is out."""
    run(*review(register, "--model", "openai/gpt-4o@us"))
    shown = lines(run("show", "openai", "--register", register, "--json"))[0]["models"]
    assert {name for name, code in shown.items() if code is None} == {"openai/gpt-4o@us"}
    run(*review(register, "--withdraw"))
    shown = lines(run("show", "openai", "--register", register, "--json"))[0]["models"]
    assert set(shown.values()) == {"not_reviewed"}


def test_the_shipped_register_is_nobodys_to_review(run: Run, register: Path) -> None:
    """Without a register of one's own a review is wrong use, and nothing is written."""
    arguments = [a for a in review(register) if a not in ("--register", register)]
    result = run(*arguments)
    assert result.exit_code == 2
    assert "the shipped register is an example; copy it and name it" in usage_fault(result)
    assert load_register(data_folder() / "register").digest == shipped_register().digest


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ([], "expected --evidence-file or --evidence-sha256, one of them"),
        (
            ["--evidence-sha256", "ab" * 32, "--withdraw", "--model", "x"],
            "expected --withdraw or --model, got both",
        ),
    ],
)
def test_contradictions_are_wrong_use(run: Run, register: Path, more: list[str], text: str) -> None:
    """Options that do not fit together are told so, before anything is written."""
    result = run(*review(register, *more, evidence=False))
    assert result.exit_code == 2
    assert text in usage_fault(result)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--next", "soon"], "next: expected a day such as 2027-06-30, got another text"),
        (
            ["--next", TOO_LATE],
            "next: expected a day within 400 days from now; name an earlier one, and review",
        ),
        (["--reviewer", "support-bot"], "reviewer: is a caller or a gateway; only a person takes this step"),
        (["--reviewer", " Local-Gateway"], "reviewer: is a caller or a gateway; only a person"),
        (["--reviewer", " "], "reviewer: expected 1 to 128 characters, got 0"),
        (["--next", "2020-01-01"], "review: expires_on lies before reviewed_on; correct it"),
        (
            ["--evidence", "desk"],
            "review: basis documented needs evidence: the https address of the document",
        ),
    ],
)
def test_what_is_no_review_leaves_nothing(
    run: Run, register: Path, tmp_path: Path, more: list[str], text: str
) -> None:
    """A statement that is no review is refused; file and ledger stay as they were."""
    before = (register / "reviews.yaml").read_bytes()
    result = run(*review(register, *more))
    assert isinstance(result.exception, ClearwayError)
    assert str(result.exception).startswith(text)
    assert (register / "reviews.yaml").read_bytes() == before
    assert not (tmp_path / "home").exists()


def test_expiring_warns_before_models_go(run: Run) -> None:
    """Nothing within the days is exit 0 and silence; a review that ends or has ended is exit 1 and named."""
    quiet = run("expiring", "--days", 10, "--on", "2027-10-21", "--json")
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    soon = run("expiring", "--days", 11, "--on", "2027-10-21", "--json")
    assert soon.exit_code == 1
    assert {(line["standing"], line["days_left"]) for line in lines(soon)} == {("reviewed", 10)}
    late = run("expiring", "--days", 0, "--on", "2027-11-02", "--json")
    assert {(line["standing"], line["days_left"]) for line in lines(late)} == {("review_expired", -2)}
    assert "openai" in run("expiring", "--days", 11, "--on", "2027-10-21").stdout


@pytest.mark.parametrize(("on", "exit_code"), [("2027-10-01", 0), ("2027-10-02", 1)])
def test_expiring_looks_thirty_days_ahead(run: Run, on: str, exit_code: int) -> None:
    """Without --days the warning comes a month before the last review ends, on 2027-10-31."""
    assert run("expiring", "--on", on).exit_code == exit_code


def test_expiring_names_a_changed_term_at_once(run: Run, register: Path) -> None:
    """A provider that is out for another reason than time is named, whatever the days."""
    path = register / "providers.yaml"
    path.write_text(path.read_text().replace("EXAMPLE-OPENAI-001", "OPENAI-2027"))
    found = run("expiring", "--days", 0, "--register", register, "--on", "2026-12-01", "--json")
    assert [(line["provider"], line["standing"]) for line in lines(found)] == [("openai", "terms_changed")]


def test_diff_names_terms_and_models(run: Run, register: Path) -> None:
    """Two folders are compared term by term, with the models that go; equal ones have no difference."""
    shipped = data_folder() / "register"
    assert run("diff", shipped, register).stdout == "no difference\n"
    path = register / "providers.yaml"
    path.write_text(path.read_text().replace("within_hours: 96", "within_hours: 24"))
    found = lines(run("diff", shipped, register, "--json", "--on", "2026-12-01"))[0]
    change = {"path": "incident_notice.within_hours", "before": 96, "after": 24}
    assert found["providers"]["changed"]["groq"] == [change]
    assert set(found["eligibility"]["lost"].values()) == {"terms_changed"}
    assert "may not be used any more: terms_changed" in run("diff", shipped, register).stdout


def test_diff_finds_a_loaded_version_by_digest(run: Run, register: Path, tmp_path: Path) -> None:
    """A version that was loaded here is found by the first digits of its digest."""
    settings, loaded = Settings.of({"CLEARWAY_HOME": str(tmp_path / "home")}), load_register(register)
    archive_of(settings).keep("register", register, loaded.digest, loaded.price_digest)
    named = {"register": {"digest": loaded.digest}, "prices": {"digest": loaded.price_digest}}
    open_ledger(tmp_path / "home").append("load", named)
    assert run("diff", loaded.digest[:8], register).stdout == "no difference\n"
    refused = run("diff", loaded.digest[:7], register).exception
    expected = "expected a folder, or at least 8 digits of a register digest that was loaded here"
    assert str(refused) == f"{loaded.digest[:7]}: {expected}"
