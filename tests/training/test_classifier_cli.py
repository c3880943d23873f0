"""`clearway classifier`: from a registered version to the one that is live, and every refusal on the way."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from typer.testing import CliRunner, Result

import clearway.installation
import training.gate
from clearway.bundle import Bundle, RegistryEntry, load_bundle
from clearway.errors import ClearwayError
from clearway.installation import Settings, data_folder, existing_ledger, open_router
from clearway.ledger.sqlite import open_ledger
from clearway.promotion import Check, Gate
from clearway.testing import FakeSensitivity
from training.classifier_cli import app
from training.registry import Registry
from training.traffic import Traffic

Run = Callable[..., Result]
Register = Callable[..., RegistryEntry]
NAME = "clearway-complexity"
SIGNED = ("--approver", "Ana", "--reason", "better")
LINE = {"request": {"messages": [{"role": "user", "content": "How many legs has a spider?"}]}}


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the home, with a detector that starts at once."""
    monkeypatch.setenv("CLEARWAY_HOME", str(home))
    monkeypatch.setattr(clearway.installation, "open_detector", FakeSensitivity)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A gate that lets everything pass; the candidates and champions that it was asked about."""
    asked: list[tuple[str, str]] = []

    def judge(candidate: Bundle, champion: Bundle, traffic: Traffic, *_: Any) -> Gate:
        asked.append((candidate.identity.version, champion.identity.version))
        check = Check("traffic.moved", 0, 200_000, "ppm")
        return Gate((check,), champion.sha256, traffic.sha256, len(traffic.requests), ("a_note",))

    monkeypatch.setattr(training.gate, "judge", judge)
    return asked


def output(result: Result) -> Any:
    """The JSON object on stdout."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def fault(result: Result) -> str:
    """The text of the error that the program would print."""
    assert isinstance(result.exception, ClearwayError)
    return str(result.exception)


def test_a_version_goes_from_challenger_to_live(
    run: Run, register: Register, home: Path, tmp_path: Path, lenient: list[tuple[str, str]]
) -> None:
    """Registered, promoted, staged, loaded: the list and the ledger tell each step."""
    register()
    register()
    (before,) = [v for v in output(run("list", "--json"))["versions"] if v["version"] == "1"]
    assert not before["promoted"]
    for wanted in ("1", "challenger"):
        done = output(run("promote", wanted, *SIGNED, "--json"))
        assert done["promoted"]
    assert done["alias"] == f"{NAME}@champion"
    assert done["record"]["approver"] == "Ana"
    shipped = load_bundle(data_folder() / "classifiers" / "default", trusted=None)
    assert lenient == [("1", shipped.identity.version), ("2", "1")]
    assert output(run("stage", "champion", "--out", tmp_path / "b", "--json")) == {
        "folder": str(tmp_path / "b"),
        "name": NAME,
        "version": "2",
        "sha256": done["bundle"]["sha256"],
    }
    assert run("live").exit_code == 1
    open_router(Settings.of({}, home=home, bundle=tmp_path / "b")).ledger.close()
    versions = output(run("list", "--json"))["versions"]
    assert [(v["version"], v["aliases"], v["promoted"], v["live"]) for v in versions] == [
        ("1", [], True, False),
        ("2", ["champion"], True, True),
    ]
    told = output(run("live", "--json"))
    assert told["live"]["sha256"] == told["promoted"]["sha256"] == done["bundle"]["sha256"]
    early = run("live", "--at", "2026-01-01T00:00", "--json")
    assert (early.exit_code, output(early)["live"]) == (1, None)


def test_people_get_tables(run: Run, register: Register, home: Path, lenient: list[tuple[str, str]]) -> None:
    """With the versions, the checks, what to do next, and who approved what is live."""
    register()
    listed = run("list").stdout
    assert "challenger" in listed
    assert "AUC" in listed
    promoted = run("promote", "1", *SIGNED).stdout
    for text in (
        "traffic.moved",
        "at most 200,000 ppm",
        "note: a_note",
        f"promoted: {NAME} 1, ledger entry 0",
    ):
        assert text in promoted
    assert f"alias: {NAME}@champion" in promoted
    folder = Path(promoted.split("--bundle ")[1].strip())
    assert (folder / "manifest.json").exists()
    shown = run("live").stdout
    assert "live: none" in shown
    assert f"promoted last: {NAME} 1  " in shown
    for bundle, text in ((None, "no promotion: pinned in the package"), (folder, "approved by Ana: better")):
        open_router(Settings.of({}, home=home, bundle=bundle)).ledger.close()
        assert text in run("live").stdout
    assert lenient


def test_a_refusal_is_exit_1_and_names_what_failed(
    run: Run, register: Register, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In JSON and in words, with value and limit; nothing is promoted, no alias moves."""

    def judge(candidate: Bundle, champion: Bundle, *_: Any) -> Gate:
        checks = (Check("a", 1, 2, "ppm"), Check("traffic.moved", 300_000, 200_000, "ppm"))
        return Gate((*checks, Check("b", None, 2, "ppm")), champion.sha256, "d" * 64, 1)

    monkeypatch.setattr(training.gate, "judge", judge)
    register()
    refused = run("promote", "challenger", *SIGNED, "--json")
    assert refused.exit_code == 1
    result = output(refused)
    assert (result["promoted"], result["record"], result["alias"]) == (False, None, None)
    failed = [check for check in result["gate"]["checks"] if not check["passed"]]
    assert [(check["check"], check["value"], check["limit"]) for check in failed] == [
        ("traffic.moved", 300_000, 200_000),
        ("b", None, 2),
    ]
    shown = run("promote", "challenger", *SIGNED)
    assert shown.exit_code == 1
    for text in ("300,000 ppm", "not known", "FAILED", f"refused: {NAME} 1 fails 2 checks"):
        assert text in shown.stdout
    hint = (
        "traffic.moved: 30.0% of the requests would go to another provider or region; if so many are meant "
        "to, say the largest share: --max-moved"
    )
    assert result["hints"] == [hint]
    assert f"hint: {hint}\n" in shown.stdout
    assert existing_ledger(Settings.of({}, home=home)).size() == 0
    assert Registry(home).find(NAME, "1").aliases == ("challenger",)


def test_models_that_the_register_does_not_name_are_hinted_at(
    run: Run, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of such a bundle can be chosen, whatever else the gate says of it."""

    def judge(candidate: Bundle, champion: Bundle, *_: Any) -> Gate:
        return Gate((Check("b", None, 2, "ppm"),), champion.sha256, "d" * 64, 1)

    monkeypatch.setattr(training.gate, "judge", judge)
    register()
    assert output(run("promote", "1", *SIGNED, "--json"))["hints"] == []
    own = tmp_path / "register"
    shutil.copytree(data_folder() / "register", own)
    models = re.sub(r"(measured|mapped_to): [^,}\n]+", r"\1: unheard-of", (own / "models.yaml").read_text())
    (own / "models.yaml").write_text(models)
    names = load_bundle(data_folder() / "classifiers" / "default", trusted=None).manifest.reference_models
    hint = (
        f"the register names none of the bundle's {len(names)} models ({', '.join(names[:3])}, ...), so none "
        "can be chosen: give its models success.measured or mapped_to, as in models.yaml"
    )
    assert output(run("promote", "1", *SIGNED, "--json", "--register", own))["hints"] == [hint]


def test_the_real_gate_judges_a_folder(run: Run, tmp_path: Path) -> None:
    """The limit, the sample and the register are those of the options; the shipped bundle moves nothing."""
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINE) + "\n")
    shipped = data_folder() / "classifiers" / "default"
    traffic = ("--traffic", tmp_path / "lines.jsonl", "--max-moved", "0.125")
    result = output(run("promote", shipped, *SIGNED, *traffic, "--json"))
    checks = {check["check"]: check for check in result["gate"]["checks"]}
    assert (checks["traffic.moved"]["value"], checks["traffic.moved"]["limit"]) == (0, 125_000)
    assert result["gate"]["traffic"]["n_requests"] == 1
    assert result["gate"]["compared_with"] == result["bundle"]["sha256"]


def test_answers_are_measured_on(run: Run, tmp_path: Path) -> None:
    """A wrong table is told before anything is promoted."""
    shipped = data_folder() / "classifiers" / "default"
    text = f"{tmp_path}/none.csv: expected a file of graded answers, got none; see data/corpora.md"
    assert fault(run("promote", shipped, *SIGNED, "--answers", tmp_path / "none.csv")) == text


def test_a_folder_needs_no_registry(
    run: Run, home: Path, tmp_path: Path, lenient: list[tuple[str, str]]
) -> None:
    """Where only the service is installed a staged folder is promoted by the same gate."""
    (home / "mlflow.db").unlink()
    shutil.copytree(data_folder() / "classifiers" / "default", tmp_path / "b")
    result = output(run("promote", tmp_path / "b", *SIGNED, "--json"))
    assert (result["promoted"], result["alias"]) == (True, None)
    assert lenient
    assert not (home / "mlflow.db").exists()


def test_another_bundle_under_a_registered_version_is_refused(
    run: Run, register: Register, home: Path, tmp_path: Path, lenient: list[tuple[str, str]]
) -> None:
    """A copy with a new card, its manifest made to fit, is not the version that it names."""
    entry = register()
    forged = tmp_path / "b"
    shutil.copytree(home / "bundles" / f"{NAME}-{entry.version}", forged)
    manifest = json.loads((forged / "manifest.json").read_text())
    registered = hashlib.sha256((forged / "manifest.json").read_bytes()).hexdigest()
    (forged / "card.md").write_text("all is well\n")
    manifest["files"]["card.md"] = hashlib.sha256(b"all is well\n").hexdigest()
    (forged / "manifest.json").write_bytes(rfc8785.dumps(manifest))
    got = hashlib.sha256((forged / "manifest.json").read_bytes()).hexdigest()
    assert fault(run("promote", forged, *SIGNED)) == (
        f"{forged}: names {NAME} {entry.version}, which was registered with manifest digest {registered}, "
        f"got {got}; stage that version, or train another"
    )
    assert not lenient


def test_an_alias_that_cannot_be_set_takes_nothing_back(
    run: Run, register: Register, home: Path, lenient: list[tuple[str, str]]
) -> None:
    """The ledger has the last word; the registry's trouble is told."""
    entry = register()
    (home / "mlflow.db").write_bytes(b"not a database" * 100)
    result = run("promote", home / "bundles" / f"{NAME}-{entry.version}", *SIGNED, "--json")
    assert (result.exit_code, output(result)["promoted"], output(result)["alias"]) == (0, True, None)
    assert result.stderr.startswith("promoted, but the alias champion was not set: ")
    assert lenient


def test_a_difference_in_json_and_in_tables(run: Run, register: Register, tmp_path: Path) -> None:
    """Of a version and a folder; the same model makes the same choices."""
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINE) + "\n")
    register()
    folder = data_folder() / "classifiers" / "default"
    options = ("--traffic", tmp_path / "lines.jsonl")
    result = output(run("diff", "challenger", folder, *options, "--json"))
    assert result["same_model"]
    assert (result["a"]["version"], result["models"]) == ("1", {"added": [], "removed": []})
    assert result["traffic"]["share_of_other_models"] == 0
    shown = run("diff", "1", folder, *options).stdout
    for text in ("auc.all", "the same", "of 1 requests: 0.0% get another model, 0.0% another provider"):
        assert text in shown


def test_the_champion_before_the_first_promotion_is_the_shipped_bundle(
    run: Run, register: Register, home: Path, tmp_path: Path, lenient: list[tuple[str, str]]
) -> None:
    """And it is said: with no registry, with no champion in it, and where a folder was promoted."""
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINE) + "\n")
    shipped = data_folder() / "classifiers" / "default"
    identity = load_bundle(shipped, trusted=None).identity
    note = f"note: no version of {NAME} is champion; champion is what the gate compares with: "
    options = (shipped, "--traffic", tmp_path / "lines.jsonl", "--json")
    entry = register()
    bare = tmp_path / "bare"
    for folder in (home, bare):
        compared = run("diff", "champion", *options, "--home", folder)
        assert output(compared)["a"]["sha256"] == identity.sha256
        assert compared.stderr == f"{note}{identity.name} {identity.version}\n"
    staged = home / "bundles" / f"{NAME}-{entry.version}"
    assert output(run("promote", staged, *SIGNED, "--home", bare, "--json"))["alias"] is None
    compared = run("diff", "champion", *options, "--home", bare)
    assert output(compared)["a"]["version"] == "1"
    assert compared.stderr == f"{note}{NAME} 1\n"
    assert run("promote", "1", *SIGNED, "--json").exit_code == 0
    assert run("diff", "champion", *options).stderr == ""


def test_wrong_use_is_told(run: Run, register: Register, home: Path, tmp_path: Path) -> None:
    """An unknown version, no approver, no time, no ledger, a folder that is none."""
    register()
    assert (
        fault(run("stage", "9", "--out", tmp_path / "b")) == f"{NAME}: no version 9; there are: 1, challenger"
    )
    text = "approver: expected 1 to 128 characters, got 0"
    assert fault(run("promote", "1", "--approver", " ", "--reason", "x")) == text
    assert fault(run("live")) == f"{home}: no ledger here; name its folder with --home or CLEARWAY_HOME"
    assert "nowhere" in fault(run("promote", "nowhere", *SIGNED))
    open_ledger(home).close()
    text = "at: expected a time in ISO 8601, such as 2026-11-26T14:00"
    assert fault(run("live", "--at", "yesterday")) == text
    assert run("promote", "1").exit_code == 2


def test_an_empty_registry_is_an_empty_list(run: Run) -> None:
    """And not a fault."""
    assert output(run("list", "--json")) == {"name": NAME, "versions": []}
