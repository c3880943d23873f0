"""An approval is a registered person's signature over exactly what is approved, and another person asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.approvals import (
    Approvers,
    Signed,
    approve,
    check_signed,
    load_approvers,
    request_approval,
    sign,
    verify,
)
from clearway.errors import ApprovalError
from clearway.installation import data_folder
from clearway.ledger.canonical import canonical_json, parse_object
from clearway.ledger.checkpoint import Signer
from clearway.testing import NOON

ANA, BEN, EVE = (Signer.generate(name) for name in ("ana", "ben", "eve"))
SAME = Signer("ben", ANA.private_key)
TEAM = Approvers(required=True, keys={"ana": ANA.verifier, "ben": BEN.verifier})
SUBJECT = {"policy": "0" * 64}


def approved(signer: Signer = BEN, requester: str = "ana", reason: str = "needed") -> Signed:
    """An approval of the subject."""
    return approve(
        "policy", SUBJECT, requester=requester, reason=reason, signer=signer, approvers=TEAM, at=NOON
    )


def fault(act: Callable[[], object]) -> str:
    """The text of the refusal."""
    with pytest.raises(ApprovalError) as caught:
        act()
    return str(caught.value)


def test_an_approval_says_who_what_why_and_when() -> None:
    """All of it is signed."""
    assert approved().statement.as_json() == {
        "statement": "clearway.approval/1",
        "act": "approve",
        "kind": "policy",
        "subject": SUBJECT,
        "person": "ben",
        "requester": "ana",
        "reason": "needed",
        "time": "2026-12-01T12:00:00.000000Z",
    }


def test_an_approval_survives_the_ledger() -> None:
    """Read back from its canonical bytes it still holds."""
    signed = approved()
    again = Signed.from_json(parse_object(canonical_json(signed.as_json())))
    assert again == signed
    check_signed(again, TEAM)


@given(
    field=st.sampled_from(["act", "kind", "person", "requester", "reason", "time", "subject"]), text=st.text()
)
def test_no_word_of_an_approval_can_be_altered(field: str, text: str) -> None:
    """Whatever is put in the place of a field, the signature is over something else."""
    signed = approved()
    value: Any = {"policy": text} if field == "subject" else text
    other = replace(signed, statement=replace(signed.statement, **{field: value}))
    if other != signed:
        fault(lambda: check_signed(other, TEAM))


@pytest.mark.parametrize("requester", ["ben", "BEN", " ben "])
def test_nobody_approves_what_they_asked_for(requester: str) -> None:
    """However the name is written."""
    text = "approval: ben asked for it; expected another person to approve it"
    assert fault(lambda: approved(requester=requester)) == text


def test_an_unregistered_key_approves_nothing() -> None:
    """Nor does a stranger's key under the name of a registered person."""
    text = "approval: {}: not registered with this key; add it to approvers.yaml of the policy"
    assert fault(lambda: approved(EVE)) == text.format("eve")
    assert fault(lambda: approved(Signer.generate("ben"))) == text.format("ben")


def test_a_signature_of_another_person_is_not_taken() -> None:
    """Ana's signature under Ben's name and key."""
    signed = approved()
    forged = replace(signed, signature=sign(signed.statement.as_json(), ANA))
    assert fault(lambda: check_signed(forged, TEAM)) == (
        "approval: ben: the signature is not over this statement"
    )


@pytest.mark.parametrize("signature", ["", "???", "AAAA", "\udcff", "A" * 88])
def test_what_is_no_signature_verifies_nothing(signature: str) -> None:
    """Doubt denies: bad base64, a wrong length, a lone surrogate, zeros."""
    assert not verify({"a": 1}, signature, ANA.verifier)


@pytest.mark.parametrize("value", [{}, {"statement": {}}, {"statement": None}, {"statement": []}])
def test_what_is_no_approval_is_not_read_as_one(value: dict[str, Any]) -> None:
    """A record that was made by hand gives an error of ours."""
    assert fault(lambda: Signed.from_json(value)).startswith("approval: expected ")


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "\x1b[2J", "x" * 2_001])
def test_a_reason_is_given(reason: str) -> None:
    """One line that people can read, and that cannot draw on their terminal."""
    text = "reason: expected 1 to 2000 printable characters on one line"
    assert fault(lambda: approved(reason=reason)) == text
    assert (
        fault(lambda: request_approval("policy", {}, reason=reason, signer=ANA, approvers=TEAM, at=NOON))
        == text
    )


def test_a_request_is_signed_by_who_asks() -> None:
    """And holds as a request, which approves nothing."""
    signed = request_approval("policy", SUBJECT, reason="needed", signer=ANA, approvers=TEAM, at=NOON)
    assert (signed.statement.act, signed.statement.requester) == ("request", "ana")
    check_signed(signed, TEAM)


def test_no_private_key_shows() -> None:
    """Neither in what is recorded nor in a repr."""
    secret = BEN.private_text().split("+", 4)[4]
    assert secret not in repr(approved()) + repr(BEN) + str(approved().as_json())


def written(folder: Path, text: str) -> Path:
    """A folder with this file of approvers."""
    (folder / "approvers.yaml").write_text(text)
    return folder


def entry(name: str, key: Signer) -> str:
    """A person in the file."""
    return f"- id: {name}\n  public_key: {key.verifier}\n"


def test_approvers_are_read(tmp_path: Path) -> None:
    """As in load records, from which they can be read again."""
    text = f"approvals: required\napprovers:\n{entry('ana', ANA)}{entry('ben', BEN)}"
    found = load_approvers(written(tmp_path, text))
    assert found == TEAM == Approvers.from_json(TEAM.as_json())
    assert TEAM.as_json()["keys"] == {"ana": str(ANA.verifier), "ben": str(BEN.verifier)}
    assert TEAM.digest != Approvers(required=False, keys=TEAM.keys).digest


def test_a_policy_without_the_file_requires_nothing(tmp_path: Path) -> None:
    """And lets nobody approve; so does the one that is shipped."""
    none = Approvers(required=False, keys={})
    assert load_approvers(tmp_path) == load_approvers(data_folder() / "policy") == none


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"approvals: required\napprovers:\n{entry('ana', ANA)}",
            "line 1: approvals: required needs at least 2 approvers, got 1; add one",
        ),
        (
            f"approvals: recorded\napprovers:\n{entry('ana', ANA)}{entry('ana', ANA)}",
            "line 5: ana: duplicate id; rename or remove one",
        ),
        (
            f"approvals: recorded\napprovers:\n{entry('ana', ANA)}{entry('ben', SAME)}",
            "line 6: public_key: another person's; each has an own one",
        ),
        (
            f"approvals: recorded\napprovers:\n{entry('ben', ANA)}",
            "line 4: public_key: expected a key of ben, got another name's; correct one",
        ),
        (
            "approvals: recorded\napprovers:\n- id: ana\n  public_key: ana+1+A\n",
            "line 4: public_key: expected what clearway approver key create printed; copy it whole",
        ),
        (
            "approvals: maybe\napprovers: []\n",
            "line 1: approvals: input should be 'recorded' or 'required'; correct the value",
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_does_not_load(tmp_path: Path, text: str, expected: str) -> None:
    """One person, one key, one name; and two persons where approvals are required."""
    assert fault(lambda: load_approvers(written(tmp_path, text))) == f"approvers.yaml, {expected}"
