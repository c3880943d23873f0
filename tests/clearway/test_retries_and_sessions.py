"""A retry is the same request, a session belongs to its caller, and its level only rises."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clearway.errors import RequestConflictError
from clearway.installation import data_folder
from clearway.policy import load_policy
from clearway.testing import (
    NOON,
    FakeComplexity,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    references,
    shipped_register,
)

NO_LONGER = r"^id: what was decided under it is no longer permitted; use a new id$"


def test_a_sessions_level_only_rises() -> None:
    """After a restricted turn, an innocent one of the same session stays restricted; others do not."""
    router = fake_router(sensitivity=FakeSensitivity({"4111": "financial"}))
    router.decide(fake_request("card 4111", id="1", session="s"))
    again = router.decide(fake_request("thanks", id="2", session="s")).record
    assert (again["classification"]["session_level"], again["classification"]["level"]) == ("restricted",) * 2
    other = router.decide(fake_request("thanks", id="3", session="t")).record
    assert other["classification"]["level"] == "public"


def test_an_empty_session_id_is_no_session() -> None:
    """Two callers with an empty session id share nothing."""
    router = fake_router(sensitivity=FakeSensitivity({"4111": "financial"}))
    router.decide(fake_request("card 4111", id="1", session=""))
    after = router.decide(fake_request("thanks", id="2", session="")).record
    assert after["session"] is None
    assert after["classification"]["level"] == "public"


def test_a_session_belongs_to_its_caller() -> None:
    """The same session id of another caller is another session."""
    router = fake_router(sensitivity=FakeSensitivity({"4111": "financial"}))
    router.decide(fake_request("card 4111", id="1", session="s"))
    other = router.decide(
        fake_request("hi", id="2", session="s", agent="support-bot", purpose="customer_support")
    )
    assert other.record["classification"]["level"] == "public"


def test_a_retry_gets_the_same_decision() -> None:
    """The same client, id and body: one record, the same answer."""
    router = fake_router()
    first, again = router.decide(fake_request()), router.decide(fake_request())
    assert first.as_json() == again.as_json()
    assert router.ledger.size() == 1


def test_racing_retries_get_one_decision() -> None:
    """Eight threads with the same id and body: one record, one answer."""
    router = fake_router()
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda _: router.decide(fake_request()), range(32)))
    assert {decision.id for decision in decisions} == {decisions[0].id}
    assert router.ledger.size() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "other"},
        {"purpose": "research", "session": "s"},
        {"labels": ["personal"]},
    ],
)
def test_another_body_under_the_same_id_is_a_conflict(fields: dict[str, Any]) -> None:
    """Whatever of the body changes, the id is taken."""
    router = fake_router()
    router.decide(fake_request())
    text = r"^id: already used by this caller for another body; use a new id$"
    with pytest.raises(RequestConflictError, match=text):
        router.decide(fake_request(**fields))


def test_the_same_id_of_another_caller_is_another_request() -> None:
    """Ids are the client's own."""
    router = fake_router()
    first = router.decide(fake_request())
    other = router.decide(fake_request(agent="support-bot", purpose="customer_support"))
    assert first.id != other.id


def test_a_retry_does_not_outlive_its_permission(tmp_path: Path) -> None:
    """What policy forbids today is not given out again under yesterday's id; a new id is decided anew."""
    ledger = memory_ledger()
    fake_router(ledger=ledger).decide(fake_request())
    folder = Path(shutil.copytree(data_folder() / "policy", tmp_path / "policy"))
    (folder / "stop.cedar").write_text('@id("stop") @reason("r") forbid (principal, action, resource);')
    stopped = fake_router(ledger=ledger, policy=load_policy(folder))
    with pytest.raises(RequestConflictError, match=NO_LONGER):
        stopped.decide(fake_request())
    assert stopped.decide(fake_request(id="new")).verdict == "refuse"


def test_a_retry_does_not_outlive_a_review() -> None:
    """After the reviews have lapsed the old answer is gone too."""
    ledger = memory_ledger()
    fake_router(ledger=ledger).decide(fake_request())
    later = fake_router(ledger=ledger, clock=lambda: NOON.replace(year=2040))
    with pytest.raises(RequestConflictError, match=NO_LONGER):
        later.decide(fake_request())


def test_a_retry_does_not_outlive_its_sessions_level() -> None:
    """An answer given while the session was public is not given after it became restricted."""
    success = dict.fromkeys(references(shipped_register()), 100_000) | {"o1-mini-2024-09-12": 900_000}
    router = fake_router(
        complexity=FakeComplexity(success), sensitivity=FakeSensitivity({"4111": "financial"})
    )
    assert router.decide(fake_request(id="1", session="s")).model == "openai/gpt-5-mini@us"
    router.decide(fake_request("card 4111", id="2", session="s"))
    with pytest.raises(RequestConflictError, match=NO_LONGER):
        router.decide(fake_request(id="1", session="s"))


def test_a_refusal_is_repeated() -> None:
    """A refused request stays refused under its id."""
    router = fake_router()
    first, again = (router.decide(fake_request(purpose="finance_operations")) for _ in range(2))
    assert first.verdict == "refuse"
    assert first.as_json() == again.as_json()
