"""Steps of an exception are taken by persons: one asks, another agrees, anyone ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clearway.approvals import Approvers, Signed, sign
from clearway.errors import (
    ApprovalError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
)
from clearway.exception_steps import (
    Person,
    approve_exception,
    request_exception,
    revoke_exception,
    state_of,
)
from clearway.exceptions import (
    APPROVED,
    active,
)
from clearway.ledger.checkpoint import Signer
from clearway.ledger.store import Ledger
from clearway.testing import (
    NOON,
    fake_request,
    memory_ledger,
    policy_of,
    shipped_policy,
)
from tests.clearway.granting import (
    KNOWN,
    POLICY,
    UNSIGNED,
    WANTED,
    approval_record,
    approved,
    granted,
    requested,
    revoked,
    router_over,
)


@pytest.mark.parametrize("name", ["Ana Diaz", " ana  diaz", "ANA DIAZ", "\uff21\uff4e\uff41 Diaz"])
def test_nobody_approves_their_own_request(name: str) -> None:
    """Requester and approver differ, however the name is written."""
    ledger = memory_ledger()
    requested(ledger)
    with pytest.raises(ForbiddenError) as fault:
        approved(ledger, approver=name)
    assert str(fault.value) == "approver: is also its requester; another person must approve it"
    assert active(ledger, NOON, UNSIGNED) == ()


def test_who_profits_does_not_approve() -> None:
    """The user that it permits cannot agree to it."""
    ledger = memory_ledger()
    requested(ledger, replace(WANTED, caller="ben"))
    with pytest.raises(ForbiddenError) as fault:
        approved(ledger, approver="Ben")
    assert str(fault.value) == "approver: is also its caller; another person must approve it"


@pytest.mark.parametrize("name", ["Ana\u200b Diaz", "Ana\u00a0Diaz", "Ana\nDiaz"])
def test_a_name_has_no_letter_that_nobody_sees(name: str) -> None:
    """Another person cannot be made of the requester's name by what does not print."""
    ledger = memory_ledger()
    requested(ledger)
    with pytest.raises(InvalidRequestError, match="approver: expected text that can be printed"):
        approved(ledger, approver=name)


@pytest.mark.parametrize("name", ["local-gateway", "support-bot", "Support-Bot"])
def test_no_caller_or_gateway_takes_a_step(name: str) -> None:
    """What a service runs as can neither request, approve nor revoke."""
    ledger = memory_ledger()
    with pytest.raises(ForbiddenError) as fault:
        requested(ledger, replace(WANTED, requester=name))
    assert str(fault.value) == "requester: is a caller or a gateway; only a person takes this step"
    requested(ledger)
    with pytest.raises(ForbiddenError):
        approved(ledger, approver=name)
    with pytest.raises(ForbiddenError):
        revoke_exception(ledger, "exc-1", person=name, reason="r", callers=POLICY.callers, at=NOON)
    assert ledger.size() == 1


def test_the_service_cannot_write_exceptions() -> None:
    """Nothing that serves or decides imports the steps."""
    root = Path(__file__).resolve().parents[2]
    serving = (root / "serving").rglob("*.py")
    deciding = [root / "clearway" / f"{name}.py" for name in ("router", "installation", "exceptions")]
    assert not [p.name for p in (*serving, *deciding) if "exception_steps import" in p.read_text()]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"provider": "openai"}, "scope: expected a model or a provider, one of them"),
        ({"model": None}, "scope: expected a model or a provider, one of them"),
        ({"template": "none"}, "template: expected one of lift"),
        ({"purpose": "leisure"}, "purpose: expected one of "),
        ({"caller": "stranger"}, "caller: expected one of "),
        ({"caller": "local-gateway"}, "caller: expected one of "),
        ({"model": "openai/none@us"}, "model: expected one of "),
        ({"model": None, "provider": "nobody"}, "provider: expected one of "),
        ({"data_class": "gossip"}, "class: expected one of "),
        ({"max_uses": 0}, "max-uses: expected 1 to 1000000, got 0"),
        ({"max_uses": 1_000_001}, "max-uses: expected 1 to 1000000, got 1000001"),
        ({"reason": " "}, "reason: expected 1 to 2000 characters, got 0"),
        ({"requester": "x" * 129}, "requester: expected 1 to 128 characters, got 129"),
        ({"requester": "a\x1b[2J"}, "requester: expected text that can be printed, got a control character"),
        (
            {"expires_at": NOON},
            "expires: expected an end within 366 days from now; for what lasts write a permit",
        ),
        (
            {"expires_at": NOON + timedelta(days=366, microseconds=1)},
            "expires: expected an end within 366 days from now; for what lasts write a permit",
        ),
    ],
)
def test_a_request_names_what_is_there_and_ends(changed: dict[str, Any], message: str) -> None:
    """Anything else is refused, with what was expected, and leaves no record."""
    ledger = memory_ledger()
    with pytest.raises(InvalidRequestError) as fault:
        requested(ledger, replace(WANTED, **changed))
    assert str(fault.value).startswith(message)
    assert ledger.size() == 0


def test_a_policy_without_templates_has_no_exceptions() -> None:
    """The error says that there is nothing to link."""
    policy = policy_of('@id("all") @reason("r") permit (principal, action, resource);')
    with pytest.raises(InvalidRequestError) as fault:
        request_exception(memory_ledger(), WANTED, signer=None, known=replace(KNOWN, policy=policy), at=NOON)
    assert str(fault.value) == "template: expected one of none: there is none"


@pytest.mark.parametrize(
    ("steps", "status"), [("a", "active"), ("r", "revoked"), ("ar", "revoked"), ("auu", "used_up")]
)
def test_only_what_waits_is_approved(steps: str, status: str) -> None:
    """An exception is approved once, and not after its end."""
    ledger = memory_ledger()
    requested(ledger)
    for number, step in enumerate(steps):
        if step == "u":
            router_over(ledger).decide(fake_request(id=str(number)))
        else:
            (approved if step == "a" else revoked)(ledger)
    with pytest.raises(InvalidRequestError) as fault:
        approved(ledger, approver="Dee")
    assert str(fault.value) == f"exc-1: expected one that waits for approval, got one that is {status}"


def test_an_approval_looks_at_today() -> None:
    """A template that was taken out since the request cannot be approved."""
    ledger = memory_ledger()
    requested(ledger)
    without = replace(KNOWN, policy=shipped_policy())
    with pytest.raises(InvalidRequestError, match="template: expected one of "):
        approve_exception(ledger, "exc-1", approver=Person("Ben"), reason="r", known=without, at=NOON)


def test_it_is_revoked_once() -> None:
    """A second revocation is refused; the first stands with its person and reason."""
    ledger = memory_ledger()
    granted(ledger)
    revoked(ledger)
    with pytest.raises(InvalidRequestError) as fault:
        revoked(ledger)
    assert str(fault.value) == "exc-1: revoked already; nothing is left to do"
    revocation = state_of(ledger, "exc-1", UNSIGNED).as_json(NOON)["revoked"]
    assert (revocation["by"], revocation["reason"]) == ("Carla Ek", "No longer needed")


def test_an_unknown_id_is_not_found() -> None:
    """The error says where ids are listed."""
    with pytest.raises(NotFoundError) as fault:
        approved(memory_ledger())
    assert str(fault.value) == (
        "exception: no such id in this ledger; `clearway exception list --all` shows them"
    )


ANA, BEN, EVE = (Signer.generate(name) for name in ("ana", "ben.okoro", "eve"))
TEAM = Approvers(required=False, keys={"ana": ANA.verifier, "ben.okoro": BEN.verifier})
STRICT = replace(TEAM, required=True)
BY_ANA = replace(WANTED, requester="ana")


def signed_request(ledger: Ledger, signer: Signer | None = ANA, approvers: Approvers = TEAM) -> None:
    """A request under Ana's name."""
    known = replace(KNOWN, approvers=approvers)
    request_exception(ledger, BY_ANA, signer=signer, known=known, at=NOON)


def signed_approval(ledger: Ledger, signer: Signer = BEN, approvers: Approvers = TEAM) -> None:
    """An approval with a key, under the key's name."""
    known, person = replace(KNOWN, approvers=approvers), Person(signer.name, signer)
    approve_exception(ledger, "exc-1", approver=person, reason="Agreed", known=known, at=NOON)


def refusal(act: Callable[[], object]) -> str:
    """The text of a refused signature."""
    with pytest.raises(ApprovalError) as fault:
        act()
    return str(fault.value)


@pytest.mark.parametrize("approvers", [TEAM, STRICT])
def test_a_signed_exception_is_in_force(approvers: Approvers) -> None:
    """Asked for with one registered key and approved with another, both over what was requested."""
    ledger = memory_ledger()
    signed_request(ledger, approvers=approvers)
    signed_approval(ledger, approvers=approvers)
    assert active(ledger, NOON, approvers) == (BY_ANA.link(),)
    state = state_of(ledger, "exc-1", approvers).as_json(NOON)
    assert [state[step]["signature"] for step in ("requested", "approved")] == ["valid", "valid"]
    statement = ledger.get(1).record["approval"]["statement"]
    assert statement["subject"] == {"exception_id": "exc-1", "sha256": BY_ANA.sha256}


def test_a_key_that_is_taken_out_takes_out_what_it_signed() -> None:
    """Whether the requester's or the approver's: the exception is not in force any more."""
    ledger = memory_ledger()
    signed_request(ledger)
    signed_approval(ledger)
    for name in TEAM.keys:
        left = replace(TEAM, keys={n: key for n, key in TEAM.keys.items() if n != name})
        assert active(ledger, NOON, left) == ()


def test_where_approvals_are_required_nothing_stands_unsigned() -> None:
    """Neither a step now, nor one that was taken before they were."""
    ledger, strict = memory_ledger(), replace(KNOWN, approvers=STRICT)
    text = "exception: approvals are required; sign with the private key, --key"
    assert refusal(lambda: signed_request(ledger, None, STRICT)) == text
    granted(ledger)
    assert active(ledger, NOON, UNSIGNED) == (WANTED.link(),)
    assert active(ledger, NOON, STRICT) == ()
    signed_request(memory := memory_ledger(), approvers=STRICT)
    person = Person("Carla Ek")
    assert (
        refusal(
            lambda: approve_exception(memory, "exc-1", approver=person, reason="r", known=strict, at=NOON)
        )
        == text
    )


def test_an_unsigned_request_is_not_approved_where_it_must_be_signed() -> None:
    """It has to be asked for anew, with a key."""
    ledger = memory_ledger()
    requested(ledger)
    assert refusal(lambda: signed_approval(ledger, approvers=STRICT)) == (
        "exc-1: its request is not signed as it must be; request it anew with --key"
    )


def test_a_registered_name_stands_only_with_its_signature() -> None:
    """Nobody takes a step under the name of a person who has a key."""
    ledger, known = memory_ledger(), replace(KNOWN, approvers=TEAM)
    text = "exception: this person has a key; sign with the private key, --key"
    assert refusal(lambda: signed_request(ledger, None)) == text
    requested(ledger)
    assert (
        refusal(
            lambda: approve_exception(
                ledger, "exc-1", approver=Person("BEN.OKORO"), reason="r", known=known, at=NOON
            )
        )
        == text
    )
    ledger.append(APPROVED, approval_record(WANTED, approver="ben.okoro"))
    assert active(ledger, NOON, TEAM) == ()


def test_a_stranger_signs_nothing() -> None:
    """A key that is not registered is refused, under whatever name."""
    ledger = memory_ledger()
    signed_request(ledger)
    text = "approval: {}: not registered with this key; add it to approvers.yaml of the policy"
    assert refusal(lambda: signed_approval(ledger, EVE)) == text.format("eve")
    assert refusal(lambda: signed_approval(ledger, Signer.generate("ben.okoro"))) == text.format("ben.okoro")


def test_a_key_signs_under_its_own_name() -> None:
    """Ana's request is not signed with Ben's key."""
    assert refusal(lambda: signed_request(memory_ledger(), BEN)) == (
        "exception: expected the key of who signs, got the key of ben.okoro"
    )


def test_one_person_with_a_key_is_not_two() -> None:
    """Who asked cannot approve with the same key."""
    ledger = memory_ledger()
    signed_request(ledger)
    with pytest.raises(ForbiddenError, match="is also its requester"):
        signed_approval(ledger, ANA)


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": "AAAA"},
        {"act": "request"},
        {"kind": "policy"},
        {"subject": {"exception_id": "exc-2", "sha256": BY_ANA.sha256}},
        {"subject": {"exception_id": "exc-1", "sha256": WANTED.sha256}},
        {"requester": "eve"},
        {"person": "ana"},
    ],
)
def test_a_signature_over_anything_else_lifts_nothing(changed: dict[str, Any]) -> None:
    """Altered, of another act or kind, copied from another exception, for another's request: refused."""
    source, ledger = memory_ledger(), memory_ledger()
    signed_request(source)
    signed_approval(source)
    signed_request(ledger)
    record = {n: v for n, v in source.get(1).record.items() if n not in ("kind", "ledger_index")}
    signed = Signed.from_json(record["approval"])
    named = {name: value for name, value in changed.items() if name != "signature"}
    statement = replace(signed.statement, **named)
    signer = ANA if "person" in changed else BEN
    value = changed.get("signature", sign(statement.as_json(), signer))
    forged = Signed(statement, str(signer.verifier), value)
    ledger.append(APPROVED, record | {"approval": forged.as_json()})
    assert active(ledger, NOON, TEAM) == ()
    ledger.append(APPROVED, record)
    assert active(ledger, NOON, TEAM) == (BY_ANA.link(),)


def test_what_is_no_signature_lifts_nothing() -> None:
    """A record made by hand is not taken for an unsigned one."""
    ledger = memory_ledger()
    requested(ledger)
    ledger.append(APPROVED, approval_record(WANTED, approval={"statement": "yes"}))
    assert active(ledger, NOON, UNSIGNED) == ()
