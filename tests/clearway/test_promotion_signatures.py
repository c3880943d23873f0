"""A promotion is signed by a person's key over the bundle and what was asked of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clearway.approvals import approve, load_approvers
from clearway.bundle import Bundle, pinned_digests
from clearway.change_approval import check_records
from clearway.errors import ApprovalError
from clearway.installation import LOAD, PROMOTION, Settings, data_folder, trusted_digests
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import open_ledger
from clearway.load_records import promotion_subject
from clearway.promotion import Check, Gate, Promotion, promote_bundle
from clearway.testing import NOON, memory_ledger

PASSED = Gate((Check("quality.auc_loss", 0, 0, "ppm"),), "c" * 64, "d" * 64, 3)
ANA, BEN = Signer.generate("ana"), Signer.generate("ben")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle like the shipped one, under another version."""
    copy = Path(shutil.copytree(data_folder() / "classifiers" / "default", tmp_path / "b"))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    (copy / "manifest.json").write_bytes(canonical_json({**manifest, "version": "2"}))
    return copy


@pytest.fixture
def strict(tmp_path: Path) -> Settings:
    """An installation whose policy requires approvals by Ana and Ben."""
    settings = Settings.of({}, home=tmp_path / "home")
    policy = Path(shutil.copytree(settings.policy, tmp_path / "policy"))
    people = "".join(f"- id: {key.name}\n  public_key: {key.verifier}\n" for key in (ANA, BEN))
    (policy / "approvers.yaml").write_text(f"approvals: required\napprovers:\n{people}")
    return replace(settings, policy=policy)


def sign_promotion(
    settings: Settings, folder: Path, requester: str, signer: Signer | None
) -> Promotion[Bundle]:
    """Promote in the name of Ana."""
    return promote_bundle(
        settings,
        folder,
        approver="Ana",
        reason="better",
        judge=lambda *_: PASSED,
        requester=requester,
        signer=signer,
    )


def test_a_promotion_is_signed_over_bundle_and_gate(strict: Settings, folder: Path) -> None:
    """The signature is in the record; another gate or bundle under it is found."""
    done = sign_promotion(strict, folder, "ben", ANA)
    assert done.record is not None
    assert done.record["requester"] == "ben"
    ledger = open_ledger(strict.home)
    for changed in ({}, {"gate": {"passed": True}}, {"bundle": {"sha256": "0" * 64}}):
        names = set(done.record) - {"kind", "ledger_index"}
        ledger.append(PROMOTION, {name: done.record[name] for name in names} | changed)
    found = check_records(strict, ledger)
    text = "approval: it is about something else than its record"
    assert [finding.fault for finding in found] == [None, None, text, text]
    ledger.close()


@pytest.mark.parametrize(
    ("requester", "signer", "text"),
    [
        ("ben", None, "promotion: approvals are required; sign with the private key, --key"),
        ("ben", BEN, "promotion: expected the key of who signs, got the key of ben"),
        (
            "ben",
            Signer.generate("ana"),
            "promotion: ana: not registered with this key; add it to approvers.yaml",
        ),
        ("ANA", ANA, "approval: ana asked for it; expected another person to approve it"),
    ],
)
def test_where_approvals_are_required_a_promotion_is_signed_by_another_person(
    strict: Settings, folder: Path, requester: str, signer: Signer | None, text: str
) -> None:
    """Nothing goes on the record otherwise."""
    with pytest.raises(ApprovalError) as caught:
        sign_promotion(strict, folder, requester, signer)
    assert str(caught.value) == text
    ledger = open_ledger(strict.home)
    assert ledger.size() == 0
    ledger.close()


def test_an_unsigned_promotion_lets_nothing_in(strict: Settings) -> None:
    """Where approvals are in force, a record that the service's own account wrote is no promotion.

    What was promoted before they were in force stays so.
    """
    ledger, approvers = memory_ledger(), load_approvers(strict.policy)
    stamp = {"time": "2026-01-01T00:00:00.000000Z", "gate": PASSED.as_json()}
    signed = approve(
        "promotion",
        promotion_subject({**stamp, "bundle": {"sha256": "3" * 64}}),
        requester="ben",
        reason="x",
        signer=ANA,
        approvers=approvers,
        at=NOON,
    ).as_json()
    ledger.append(PROMOTION, {**stamp, "bundle": {"sha256": "1" * 64}})
    ledger.append(LOAD, {"approvers": approvers.as_json()})
    for digit, approval in (("2", None), ("3", signed), ("4", signed)):
        ledger.append(PROMOTION, {**stamp, "bundle": {"sha256": digit * 64}, "approval": approval})
    assert trusted_digests(ledger) == {*pinned_digests(), "1" * 64, "3" * 64}
