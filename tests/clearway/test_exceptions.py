"""Exceptions have a name, another's approval, a limit and an end; the ledger says which are in force."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import (
    BasisChangedError,
    ForbiddenError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    RequestConflictError,
)
from clearway.exception_steps import (
    Known,
    approve_exception,
    request_exception,
    revoke_exception,
    state_of,
)
from clearway.exceptions import (
    APPROVED,
    REQUESTED,
    ExceptionBook,
    RequestedException,
    active,
    basis_of,
    is_same_person,
)
from clearway.installation import data_folder
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger, Private
from clearway.router import Router
from clearway.sensitivity import load_class_table
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    policy_of,
    shipped_policy,
    shipped_register,
)

REGISTER, MODEL = shipped_register(), "openai/gpt-4o@us"
POLICY = policy_of(
    '@id("lift") @reason("r") @exception permit (principal == ?principal, action, resource == ?resource);'
)
KNOWN = Known(POLICY, REGISTER, load_class_table(data_folder() / "sensitivity").class_levels)
WANTED = RequestedException(
    id="exc-1",
    template="lift",
    caller="local-dev",
    model=MODEL,
    provider=None,
    data_class=None,
    purpose="general",
    requester="Ana Diaz",
    reason="Migration week",
    expires_at=NOON + timedelta(days=7),
    max_uses=2,
)


def requested(ledger: Ledger, wanted: RequestedException = WANTED) -> RequestedException:
    """Put a request on the ledger."""
    request_exception(ledger, wanted, KNOWN, NOON)
    return wanted


def approved(ledger: Ledger, name: str = "exc-1", approver: str = "Ben Okoro") -> None:
    """Approve it."""
    approve_exception(ledger, name, approver=approver, known=KNOWN, at=NOON, approval=None)


def revoked(ledger: Ledger, name: str = "exc-1") -> None:
    """Revoke it."""
    revoke_exception(
        ledger, name, person="Carla Ek", reason="No longer needed", callers=POLICY.callers, at=NOON
    )


def granted(ledger: Ledger, wanted: RequestedException = WANTED) -> RequestedException:
    """Request and approve."""
    requested(ledger, wanted)
    approved(ledger, wanted.id)
    return wanted


def router_over(ledger: Ledger, at: datetime = NOON) -> Router:
    """A router under a policy that permits nothing but by exception, with the ledger's exceptions."""
    return with_ledger(fake_router(policy=POLICY, ledger=ledger, clock=lambda: at))


def with_ledger(router: Router) -> Router:
    """The same router, with the exceptions of its ledger."""
    return Router(
        register=router.register,
        policy=router.policy,
        complexity=router.complexity,
        sensitivity=router.sensitivity,
        ledger=router.ledger,
        exceptions=ExceptionBook(router.ledger).active,
        clock=router._clock,
    )


def test_an_approved_exception_is_in_force() -> None:
    """Nothing before the approval; then exactly what was requested, as a link."""
    ledger = memory_ledger()
    requested(ledger)
    assert active(ledger, NOON) == ()
    approved(ledger)
    assert active(ledger, NOON) == (WANTED.link(),)


def test_an_exception_ends_by_itself() -> None:
    """It is in force until the moment before its end, and never after."""
    ledger = memory_ledger()
    granted(ledger)
    assert active(ledger, WANTED.expires_at - timedelta(microseconds=1)) == (WANTED.link(),)
    assert active(ledger, WANTED.expires_at) == ()
    assert state_of(ledger, "exc-1").status(WANTED.expires_at) == "expired"


def test_a_revoked_exception_is_over() -> None:
    """The next decision is without it, and no later approval brings it back."""
    ledger = memory_ledger()
    granted(ledger)
    revoked(ledger)
    assert active(ledger, NOON) == ()
    ledger.append(APPROVED, approval_record(WANTED))
    assert active(ledger, NOON) == ()


def test_uses_are_counted_from_decisions() -> None:
    """Each decision that needs it is a use; after the last one it is used up."""
    ledger = memory_ledger()
    granted(ledger)
    router = router_over(ledger)
    chosen = [router.decide(fake_request(id=f"r-{n}")).model for n in range(3)]
    assert chosen == [MODEL, MODEL, None]
    state = state_of(ledger, "exc-1")
    assert (state.n_uses, state.status(NOON)) == (2, "used_up")


def test_a_decision_that_does_not_need_it_is_no_use() -> None:
    """A preview, and a decision for another purpose, leave its uses as they are."""
    ledger = memory_ledger()
    granted(ledger)
    router = router_over(ledger)
    router.preview(fake_request())
    router.decide(fake_request(purpose="research"))
    assert state_of(ledger, "exc-1").n_uses == 0


def test_a_retry_is_no_further_use() -> None:
    """The same request id gets its decision again, also where it took the last use."""
    ledger = memory_ledger()
    granted(ledger, replace(WANTED, max_uses=1))
    router = router_over(ledger)
    first = router.decide(fake_request())
    assert router.decide(fake_request()).id == first.id
    assert state_of(ledger, "exc-1").n_uses == 1
    assert router.decide(fake_request(id="other")).verdict == "refuse"


@pytest.mark.parametrize("is_expired", [True, False])
def test_a_retry_after_the_end_is_refused(is_expired: bool) -> None:
    """Neither an expired nor a revoked exception carries an old decision on."""
    ledger = memory_ledger()
    granted(ledger, replace(WANTED, max_uses=1))
    router_over(ledger).decide(fake_request())
    if not is_expired:
        revoked(ledger)
    with pytest.raises(RequestConflictError, match="no longer permitted"):
        router_over(ledger, WANTED.expires_at if is_expired else NOON).decide(fake_request())


def test_racing_decisions_never_exceed_the_limit(tmp_path: Path) -> None:
    """Eight threads over two processes' ledgers want the one use: one of them gets it."""
    ledgers = [open_ledger(tmp_path), open_ledger(tmp_path)]
    granted(ledgers[0], replace(WANTED, max_uses=1))
    routers = [router_over(ledger) for ledger in ledgers]
    barrier, models = threading.Barrier(8), []

    def decide(number: int) -> None:
        barrier.wait()
        models.append(routers[number % 2].decide(fake_request(id=f"r-{number}")).model)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(models, key=str) == [None] * 7 + [MODEL]
    assert state_of(ledgers[1], "exc-1").n_uses == 1


@pytest.mark.parametrize("is_used", [True, False])
def test_what_was_decided_on_must_still_hold(is_used: bool) -> None:
    """A use or a revocation between asking and recording: nothing is written, and it is decided again."""
    ledger = memory_ledger()
    granted(ledger)
    size = ledger.size()
    if is_used:
        router_over(ledger).decide(fake_request())
    else:
        revoked(ledger)
    after = ledger.size()
    private = Private(b"salt", None, None, None, 0, basis=basis_of(["exc-1"], size))
    with pytest.raises(BasisChangedError) as fault:
        ledger.append("decision", {"decision_id": "d", "exceptions": ["exc-1"]}, private)
    assert str(fault.value) == "ledger: what was decided on has changed meanwhile; decide again"
    assert ledger.size() == after
    elsewhere = Private(b"salt", None, None, None, 0, basis=basis_of(["exc-2"], size))
    ledger.append("decision", {"decision_id": "d", "exceptions": ["exc-2"]}, elsewhere)


def test_a_book_reads_on_where_it_stopped() -> None:
    """One that follows from the start, one that begins now and each number of uses between them agree."""
    ledger = memory_ledger()
    book, router = ExceptionBook(ledger), router_over(ledger)
    granted(ledger)
    for number in range(3):
        granted(ledger, replace(WANTED, id=f"exc-{number + 2}", max_uses=1))
        assert book.active(NOON) == active(ledger, NOON)
        router.decide(fake_request(id=f"r-{number}"))
        assert book.active(NOON) == active(ledger, NOON)
    assert [s.n_uses for s in book.states()] == [s.n_uses for s in ExceptionBook(ledger).states()]


def test_a_clock_that_goes_back_counts_all_uses() -> None:
    """A book that thought an exception over counts what was used meanwhile before it says otherwise."""
    ledger = memory_ledger()
    granted(ledger)
    book = ExceptionBook(ledger)
    assert book.active(WANTED.expires_at) == ()
    for number in range(2):
        router_over(ledger).decide(fake_request(id=f"r-{number}"))
    assert book.active(WANTED.expires_at) == ()
    assert book.active(NOON) == ()


@pytest.mark.parametrize("name", ["Ana Diaz", " ana  diaz", "ANA DIAZ", "\uff21\uff4e\uff41 Diaz"])
def test_nobody_approves_their_own_request(name: str) -> None:
    """Requester and approver differ, however the name is written."""
    ledger = memory_ledger()
    requested(ledger)
    with pytest.raises(ForbiddenError) as fault:
        approved(ledger, approver=name)
    assert str(fault.value) == "approver: is also its requester; another person must approve it"
    assert active(ledger, NOON) == ()


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


def approval_record(wanted: RequestedException, **changed: Any) -> Mapping[str, Any]:
    """What an approval looks like on the ledger."""
    record = {"time": "2026-12-01T12:00:00.000000Z", "approver": "Ben Okoro", "approval": None}
    return {**record, "exception_id": wanted.id, "sha256": wanted.sha256, **changed}


def test_the_approval_record_is_what_the_steps_write() -> None:
    """The forged records below differ from a valid one in one thing each."""
    ledger = memory_ledger()
    requested(ledger)
    ledger.append(APPROVED, approval_record(WANTED))
    assert active(ledger, NOON) == (WANTED.link(),)


@pytest.mark.parametrize(
    "changed",
    [
        {"approver": "Ana Diaz"},
        {"approver": "local-dev"},
        {"sha256": replace(WANTED, max_uses=1_000).sha256},
        {"exception_id": "exc-9"},
        {"time": "2026-12-08T12:00:00.000000Z"},
    ],
)
def test_a_record_that_breaks_a_rule_lifts_nothing(changed: dict[str, str]) -> None:
    """Whoever wrote it: own approval, other content, nobody's request, or after the end."""
    ledger = memory_ledger()
    requested(ledger)
    ledger.append(APPROVED, approval_record(WANTED, **changed))
    assert active(ledger, NOON) == ()


def test_a_second_request_of_an_id_changes_nothing() -> None:
    """What was approved stays what it was."""
    ledger = memory_ledger()
    granted(ledger)
    ledger.append(REQUESTED, {"time": "t", "exception": replace(WANTED, max_uses=9).as_json()})
    assert active(ledger, NOON) == (WANTED.link(),)
    assert state_of(ledger, "exc-1").requested == WANTED


@pytest.mark.parametrize("kind", ["exception_requested", "exception_approved", "exception_revoked"])
def test_a_record_of_another_form_is_a_fault(kind: str) -> None:
    """A revocation that cannot be read must not be passed over: nothing is decided."""
    ledger = memory_ledger()
    ledger.append(kind, {"time": "2026-12-01T12:00:00Z"})
    with pytest.raises(LedgerError) as fault:
        active(ledger, NOON)
    assert str(fault.value) == (
        "entry 0: expected the record of an exception, got another form; "
        "read it with the Clearway that wrote it"
    )


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
        request_exception(memory_ledger(), WANTED, Known(policy, REGISTER, KNOWN.classes), NOON)
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
    without = Known(shipped_policy(), REGISTER, KNOWN.classes)
    with pytest.raises(InvalidRequestError, match="template: expected one of "):
        approve_exception(ledger, "exc-1", approver="Ben", known=without, at=NOON, approval=None)


def test_it_is_revoked_once() -> None:
    """A second revocation is refused; the first stands with its person and reason."""
    ledger = memory_ledger()
    granted(ledger)
    revoked(ledger)
    with pytest.raises(InvalidRequestError) as fault:
        revoked(ledger)
    assert str(fault.value) == "exc-1: revoked already; nothing is left to do"
    revocation = state_of(ledger, "exc-1").as_json(NOON)["revoked"]
    assert (revocation["by"], revocation["reason"]) == ("Carla Ek", "No longer needed")


def test_an_unknown_id_is_not_found() -> None:
    """The error says where ids are listed."""
    with pytest.raises(NotFoundError) as fault:
        approved(memory_ledger())
    assert str(fault.value) == (
        "exception: no such id in this ledger; `clearway exception list --all` shows them"
    )


def test_a_forbid_still_wins() -> None:
    """What the shipped policy forbids stays forbidden under an exception in force."""
    ledger, shipped = memory_ledger(), shipped_policy()
    wanted = replace(WANTED, template=next(iter(shipped.templates)), model="openai/gpt-4o@us")
    known = Known(shipped, REGISTER, KNOWN.classes)
    request_exception(ledger, replace(wanted, data_class="credentials"), known, NOON)
    approve_exception(ledger, "exc-1", approver="Ben Okoro", known=known, at=NOON, approval=None)
    router = with_ledger(fake_router(sensitivity=FakeSensitivity({"key": "credentials"}), ledger=ledger))
    record = router.decide(fake_request("key")).record
    codes = {c["model"]: c["codes"] for c in record["candidates"]}[MODEL]
    assert "forbidden:payment-data-and-credentials-only-self-hosted-or-zero-retention" in codes
    assert record["exceptions"] == []


@given(
    st.lists(st.sampled_from(["request", "approve", "self", "revoke", "use", "other"]), max_size=12),
    st.integers(1, 3),
)
def test_in_force_is_what_the_rules_say(steps: list[str], max_uses: int) -> None:
    """For any order of records: requested, then approved by another, not revoked, not used up."""
    ledger, wanted = memory_ledger(), replace(WANTED, max_uses=max_uses)
    book = ExceptionBook(ledger)
    has_request = is_approved = is_revoked = False
    n_uses = 0
    for number, step in enumerate(steps):
        record: dict[str, Any] = {"time": "2026-12-01T12:00:00.000000Z"}
        if step == "request":
            ledger.append(REQUESTED, record | {"exception": wanted.as_json()})
            has_request = True
        elif step in ("approve", "self"):
            changed = {"approver": wanted.requester} if step == "self" else {}
            ledger.append(APPROVED, approval_record(wanted, **changed))
            is_approved |= has_request and not is_revoked and step == "approve"
        elif step == "revoke":
            ledger.append(
                "exception_revoked", record | {"exception_id": "exc-1", "revoked_by": "C", "reason": "r"}
            )
            is_revoked |= has_request
        else:
            used = ["exc-1"] if step == "use" else ["exc-2"]
            ledger.append("decision", record | {"decision_id": str(number), "exceptions": used})
            n_uses += is_approved and step == "use"
        expected = is_approved and not is_revoked and n_uses < max_uses
        assert [e.id for e in book.active(NOON)] == (["exc-1"] if expected else [])
    assert book.active(NOON) == active(ledger, NOON)


@pytest.mark.parametrize("other", ["Anna Diaz", "Ana Díaz", ""])
def test_other_names_are_other_persons(other: str) -> None:
    """Only case, width and spaces are read over."""
    assert not is_same_person("Ana Diaz", other)


def test_a_request_reads_back_as_it_was_written() -> None:
    """Its JSON form and its digest say everything of it."""
    assert RequestedException.from_json(WANTED.as_json()) == WANTED
    assert len({replace(WANTED, max_uses=n).sha256 for n in range(3)}) == 3
