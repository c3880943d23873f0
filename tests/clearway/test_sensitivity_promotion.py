"""An own sensitivity bundle decides once it is promoted; until then nothing is known, and all restricted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearway.approvals import load_approvers
from clearway.assessment import Level
from clearway.change_approval import check_records
from clearway.errors import (
    ApprovalError,
    BundleError,
    ConfigurationError,
    InvalidRequestError,
    SensitivityError,
)
from clearway.installation import (
    LOAD,
    PROMOTION,
    SENSITIVITY_PROMOTION,
    Settings,
    configured_detector,
    data_folder,
    existing_ledger,
    open_router,
    operator,
)
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import open_ledger
from clearway.load_records import promoted_bundles
from clearway.promotion import Check, Gate, Promotion, champion
from clearway.replay import Replayer
from clearway.sensitivity.bundle import SensitivityBundle
from clearway.sensitivity.detector import PresidioDetector
from clearway.sensitivity.unknown import UnknownDetector
from clearway.sensitivity_promotion import promote_sensitivity
from clearway.testing import NOON, fake_request

PASSED = Gate((Check("recall.contact", 980_000, 970_000, "ppm", "at_least"),))
REFUSED = Gate((Check("recall.contact", 960_000, 970_000, "ppm", "at_least"), *PASSED.checks))
ANA, BEN = Signer.generate("ana"), Signer.generate("ben")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle like the shipped one, under another version and so another digest."""
    copy = Path(shutil.copytree(data_folder() / "sensitivity" / "bundle", tmp_path / "own"))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    (copy / "manifest.json").write_bytes(canonical_json({**manifest, "version": "own"}))
    return copy


@pytest.fixture
def settings(tmp_path: Path, folder: Path) -> Settings:
    """An installation that names it."""
    return Settings.of({"CLEARWAY_SENSITIVITY": str(folder)}, home=tmp_path / "home")


def promote(settings: Settings, gate: Gate = PASSED, **named: Any) -> Promotion[SensitivityBundle]:
    """Promote what the settings name, with a gate that is settled."""
    given = {"approver": "Ana", "reason": "our words", "judge": lambda _: gate, **named}
    return promote_sensitivity(settings, settings.sensitivity, **given)


def strict(settings: Settings) -> Settings:
    """The installation, its policy requiring approvals by Ana and Ben."""
    policy = Path(shutil.copytree(settings.policy, settings.home.parent / "policy"))
    people = "".join(f"- id: {key.name}\n  public_key: {key.verifier}\n" for key in (ANA, BEN))
    (policy / "approvers.yaml").write_text(f"approvals: required\napprovers:\n{people}")
    return replace(settings, policy=policy)


def test_a_promotion_is_a_record_of_its_own_kind(settings: Settings) -> None:
    """It tells who, why and what was asked; the copy in the archive is what was approved."""
    done = promote(settings)
    assert done.record is not None
    assert {**done.record, "time": ""} == {
        "kind": SENSITIVITY_PROMOTION,
        "ledger_index": 0,
        "time": "",
        "operator": operator(),
        "bundle": done.bundle.identity.as_json(),
        "training_data_sha256": done.bundle.manifest.training_data_sha256,
        "mlflow": None,
        "previous_sha256": None,
        "approver": "Ana",
        "requester": operator(),
        "approval": None,
        "reason": "our words",
        "gate": {
            "passed": True,
            "checks": [PASSED.checks[0].as_json()],
            "compared_with": None,
            "traffic": None,
            "notes": [],
        },
    }
    assert done.folder is not None
    names = {path.name for path in done.folder.iterdir()}
    assert names == {path.name for path in settings.sensitivity.iterdir()}
    again = promote(settings).record
    assert again is not None
    assert again["previous_sha256"] == done.bundle.sha256


def test_what_is_promoted_decides_and_what_is_not_is_unknown(settings: Settings) -> None:
    """Before, each request is restricted and the service does not start; the shipped one does not step in."""
    router = open_router(settings)
    assert isinstance(router.sensitivity, UnknownDetector)
    assert "expected a pinned or promoted bundle" in router.sensitivity.fault
    seen = router.decide(fake_request("hello")).record["classification"]
    assert (seen["level"], seen["notes"]) == ("restricted", ["sensitivity_unknown"])
    router.ledger.close()
    with pytest.raises(ConfigurationError, match="sensitivity: "):
        open_router(settings, is_service=True)
    promote(settings)
    live = open_router(settings, is_service=True)
    assert isinstance(live.sensitivity, PresidioDetector)
    assert live.assess(fake_request("write to ann@example.org")).sensitivity.flagged == ("contact",)
    loaded = live.ledger.latest(LOAD)
    assert loaded is not None
    assert loaded.record["sensitivity"] == live.sensitivity.identity.as_json()
    live.ledger.close()


def test_an_altered_copy_of_a_promoted_bundle_is_unknown(settings: Settings) -> None:
    """A promotion is of every byte."""
    promote(settings)
    (settings.sensitivity / "card.md").write_text("better")
    assert isinstance(configured_detector(settings, existing_ledger(settings)), UnknownDetector)


def test_a_refusal_leaves_no_trace(settings: Settings) -> None:
    """Neither record nor copy; the gate has the reasons."""
    seen: list[SensitivityBundle] = []

    def judge(bundle: SensitivityBundle) -> Gate:
        seen.append(bundle)
        return REFUSED

    done = promote(settings, judge=judge)
    assert (done.record, done.folder, done.gate.failed) == (None, None, REFUSED.checks[:1])
    assert [bundle.identity.version for bundle in seen] == ["own"]
    assert existing_ledger(settings).size() == 0
    assert not (settings.home / "archive").exists()


def test_one_classifiers_promotion_is_not_the_others(settings: Settings) -> None:
    """The same digest promoted as a complexity bundle is no sensitivity bundle, nor the other way round."""
    done = promote(settings)
    ledger = open_ledger(settings.home)
    assert promoted_bundles(ledger) == set()
    assert promoted_bundles(ledger, SENSITIVITY_PROMOTION) == {done.bundle.sha256}
    assert champion(settings, ledger).sha256 != done.bundle.sha256
    other = open_ledger(settings.home.parent / "other")
    other.append(PROMOTION, {"time": "", "operator": "", "bundle": done.bundle.identity.as_json()})
    assert isinstance(configured_detector(settings, other), UnknownDetector)


@pytest.mark.parametrize("what", ["byte", "classes", "approver"])
def test_what_cannot_serve_is_not_promoted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """An altered file, a model of other classes than the table's, nobody's name: an error, and no record."""
    expected: dict[str, type[Exception]] = {"byte": SensitivityError, "classes": SensitivityError}
    if what == "byte":
        (settings.sensitivity / "card.md").write_text("better")
    if what == "classes":
        table = "clearway.sensitivity.detector.load_class_table"
        found = promote(settings, REFUSED).bundle.classes.thresholds_ppm
        fewer = type("Table", (), {"classes": dict.fromkeys(sorted(found)[1:])})()
        monkeypatch.setattr(table, lambda _: fewer)
    with pytest.raises(expected.get(what, InvalidRequestError)):
        promote(settings, approver="" if what == "approver" else "Ana")
    assert not (settings.home / "archive").exists()


def test_a_folder_that_changes_under_the_gate_is_refused(settings: Settings) -> None:
    """What was judged is what is kept."""

    def judge(_: SensitivityBundle) -> Gate:
        manifest = json.loads((settings.sensitivity / "manifest.json").read_bytes())
        (settings.sensitivity / "manifest.json").write_bytes(canonical_json({**manifest, "version": "x"}))
        return PASSED

    with pytest.raises(BundleError, match="expected manifest digest"):
        promote(settings, judge=judge)
    assert existing_ledger(settings).size() == 0


def test_where_approvals_are_required_a_person_signs(settings: Settings) -> None:
    """Unsigned it is refused, or not trusted; the signature of another kind is none; the check reads it."""
    chosen = strict(settings)
    with pytest.raises(ApprovalError, match="approvals are required"):
        promote(chosen)
    done = promote(chosen, requester="ben", signer=ANA)
    assert done.record is not None
    record = {name: value for name, value in done.record.items() if name not in {"kind", "ledger_index"}}
    ledger = open_ledger(chosen.home)
    assert [finding.fault for finding in check_records(chosen, ledger)] == [None]
    fresh = open_ledger(chosen.home.parent / "fresh")
    approvers = load_approvers(chosen.policy).as_json()
    fresh.append(LOAD, {"time": NOON.isoformat(), "operator": "", "approvers": approvers})
    fresh.append(SENSITIVITY_PROMOTION, {**record, "approval": None})
    fresh.append(PROMOTION, record)
    assert promoted_bundles(fresh, SENSITIVITY_PROMOTION) == promoted_bundles(fresh) == set()
    fresh.append(SENSITIVITY_PROMOTION, record)
    assert promoted_bundles(fresh, SENSITIVITY_PROMOTION) == {done.bundle.sha256}


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_old_decision_finds_its_promoted_bundle(settings: Settings, *, is_kept: bool) -> None:
    """With the shipped bundle in service again, the archived one replays it; without the copy it differs."""
    promote(settings)
    router, request = open_router(settings), fake_request("write to ann@example.org")
    router.decide(request)
    assert router.assess(request).sensitivity.level is not Level.PUBLIC
    router.ledger.close()
    if not is_kept:
        shutil.rmtree(settings.home / "archive" / "sensitivity")
    shutil.rmtree(settings.sensitivity)
    now = Settings.of({}, home=settings.home)
    ledger = existing_ledger(now)
    (entry,) = ledger.entries(kind="decision")
    result = Replayer(now, ledger).replay(entry, request)
    assert result.status == ("same" if is_kept else "differs")
    assert (result.difference and result.difference.path) == (None if is_kept else "detector.sha256")
