"""Exceptions have a name, another's approval, a limit and an end; the ledger says which are in force."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import (
    BasisChangedError,
    LedgerError,
    RequestConflictError,
)
from clearway.exception_steps import (
    Person,
    approve_exception,
    request_exception,
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
from clearway.ledger.sqlite import SqliteLedger, open_ledger
from clearway.ledger.store import Private
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    shipped_policy,
)
from tests.clearway.granting import (
    KNOWN,
    MODEL,
    UNSIGNED,
    WANTED,
    approval_record,
    approved,
    granted,
    requested,
    revoked,
    router_over,
    with_ledger,
)


def test_an_approved_exception_is_in_force() -> None:
    """Nothing before the approval; then exactly what was requested, as a link."""
    ledger = memory_ledger()
    requested(ledger)
    assert active(ledger, NOON, UNSIGNED) == ()
    approved(ledger)
    assert active(ledger, NOON, UNSIGNED) == (WANTED.link(),)


def test_an_exception_ends_by_itself() -> None:
    """It is in force until the moment before its end, and never after."""
    ledger = memory_ledger()
    granted(ledger)
    assert active(ledger, WANTED.expires_at - timedelta(microseconds=1), UNSIGNED) == (WANTED.link(),)
    assert active(ledger, WANTED.expires_at, UNSIGNED) == ()
    assert state_of(ledger, "exc-1", UNSIGNED).status(WANTED.expires_at) == "expired"


def test_a_revoked_exception_is_over() -> None:
    """The next decision is without it, and no later approval brings it back."""
    ledger = memory_ledger()
    granted(ledger)
    revoked(ledger)
    assert active(ledger, NOON, UNSIGNED) == ()
    ledger.append(APPROVED, approval_record(WANTED))
    assert active(ledger, NOON, UNSIGNED) == ()


def test_uses_are_counted_from_decisions() -> None:
    """Each decision that needs it is a use; after the last one it is used up."""
    ledger = memory_ledger()
    granted(ledger)
    router = router_over(ledger)
    chosen = [router.decide(fake_request(id=f"r-{n}")).model for n in range(3)]
    assert chosen == [MODEL, MODEL, None]
    state = state_of(ledger, "exc-1", UNSIGNED)
    assert (state.n_uses, state.status(NOON)) == (2, "used_up")


def test_a_decision_that_does_not_need_it_is_no_use() -> None:
    """A preview, and a decision for another purpose, leave its uses as they are."""
    ledger = memory_ledger()
    granted(ledger)
    router = router_over(ledger)
    router.preview(fake_request())
    router.decide(fake_request(purpose="research"))
    assert state_of(ledger, "exc-1", UNSIGNED).n_uses == 0


def test_a_retry_is_no_further_use() -> None:
    """The same request id gets its decision again, also where it took the last use."""
    ledger = memory_ledger()
    granted(ledger, replace(WANTED, max_uses=1))
    router = router_over(ledger)
    first = router.decide(fake_request())
    assert router.decide(fake_request()).id == first.id
    assert state_of(ledger, "exc-1", UNSIGNED).n_uses == 1
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
    assert state_of(ledgers[1], "exc-1", UNSIGNED).n_uses == 1


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
    book, router = ExceptionBook(ledger, UNSIGNED), router_over(ledger)
    granted(ledger)
    for number in range(3):
        granted(ledger, replace(WANTED, id=f"exc-{number + 2}", max_uses=1))
        assert book.active(NOON) == active(ledger, NOON, UNSIGNED)
        router.decide(fake_request(id=f"r-{number}"))
        assert book.active(NOON) == active(ledger, NOON, UNSIGNED)
    assert [s.n_uses for s in book.states()] == [s.n_uses for s in ExceptionBook(ledger, UNSIGNED).states()]


def test_a_clock_that_goes_back_counts_all_uses() -> None:
    """A book that thought an exception over counts what was used meanwhile before it says otherwise."""
    ledger = memory_ledger()
    granted(ledger)
    book = ExceptionBook(ledger, UNSIGNED)
    assert book.active(WANTED.expires_at) == ()
    for number in range(2):
        router_over(ledger).decide(fake_request(id=f"r-{number}"))
    assert book.active(WANTED.expires_at) == ()
    assert book.active(NOON) == ()


def test_the_approval_record_is_what_the_steps_write() -> None:
    """The forged records below differ from a valid one in one thing each."""
    ledger = memory_ledger()
    requested(ledger)
    ledger.append(APPROVED, approval_record(WANTED))
    assert active(ledger, NOON, UNSIGNED) == (WANTED.link(),)


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
    assert active(ledger, NOON, UNSIGNED) == ()


def test_a_second_request_of_an_id_changes_nothing() -> None:
    """What was approved stays what it was."""
    ledger = memory_ledger()
    granted(ledger)
    ledger.append(REQUESTED, {"time": "t", "exception": replace(WANTED, max_uses=9).as_json()})
    assert active(ledger, NOON, UNSIGNED) == (WANTED.link(),)
    assert state_of(ledger, "exc-1", UNSIGNED).requested == WANTED


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("exception_requested", {}),
        ("exception_requested", {"exception": {**WANTED.as_json(), "expires_at": "2026-12-08T12:00:00"}}),
        ("exception_requested", {"exception": {**WANTED.as_json(), "expires_at": "never"}}),
        ("exception_requested", {"exception": {**WANTED.as_json(), "max_uses": "many"}}),
        ("exception_requested", {"exception": {**WANTED.as_json(), "scope": "wide"}}),
        ("exception_requested", {"exception": []}),
        ("exception_approved", {}),
        ("exception_revoked", {}),
    ],
)
def test_a_record_of_another_form_is_a_fault(kind: str, content: dict[str, Any]) -> None:
    """A revocation that cannot be read must not be passed over: nothing is decided."""
    ledger = memory_ledger()
    ledger.append(kind, {"time": "2026-12-01T12:00:00Z", **content})
    with pytest.raises(LedgerError) as fault:
        active(ledger, NOON, UNSIGNED)
    assert str(fault.value) == (
        "entry 0: expected the record of an exception, got another form; "
        "read it with the Clearway that wrote it"
    )


def test_a_forbid_still_wins() -> None:
    """What the shipped policy forbids stays forbidden under an exception in force."""
    ledger, shipped = memory_ledger(), shipped_policy()
    wanted = replace(WANTED, template=next(iter(shipped.templates)), model="openai/gpt-4o@us")
    known = replace(KNOWN, policy=shipped)
    wanted = replace(wanted, data_class="credentials")
    request_exception(ledger, wanted, signer=None, known=known, at=NOON)
    approve_exception(ledger, "exc-1", approver=Person("Ben Okoro"), reason="r", known=known, at=NOON)
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
    book = ExceptionBook(ledger, UNSIGNED)
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
    assert book.active(NOON) == active(ledger, NOON, UNSIGNED)


@pytest.mark.parametrize("other", ["Anna Diaz", "Ana Díaz", ""])
def test_other_names_are_other_persons(other: str) -> None:
    """Only case, width and spaces are read over."""
    assert not is_same_person("Ana Diaz", other)


def test_a_request_reads_back_as_it_was_written() -> None:
    """Its JSON form and its digest say everything of it."""
    assert RequestedException.from_json(WANTED.as_json()) == WANTED
    assert len({replace(WANTED, max_uses=n).sha256 for n in range(3)}) == 3


def test_only_decisions_count_as_uses() -> None:
    """Another record that names the exception as one that was used is none."""
    ledger = memory_ledger()
    granted(ledger)
    ledger.append("outcome", {"decision_id": "d", "exceptions": ["exc-1"]})
    assert state_of(ledger, "exc-1", UNSIGNED).n_uses == 0


def test_an_altered_use_is_found() -> None:
    """A decision that needed an exception is checked against the tree before it is counted."""
    ledger = memory_ledger()
    granted(ledger)
    router_over(ledger).decide(fake_request())
    assert isinstance(ledger, SqliteLedger)
    ledger._connection.execute("UPDATE entries SET leaf = replace(leaf, 'general', 'GENERAL') WHERE idx = 2")
    with pytest.raises(LedgerError, match="entry 2: altered"):
        active(ledger, NOON, UNSIGNED)
