"""A purpose may require a session and limit how many providers one session reaches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.errors import PolicyError, RequestConflictError
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import SqliteLedger
from clearway.objectives import load_objectives
from clearway.policy import Policy
from clearway.record import facts_of
from clearway.router import Router
from clearway.testing import (
    FakeComplexity,
    fake_request,
    fake_router,
    policy_of,
    references,
    shipped_register,
)

REGISTER = shipped_register()
ALLOW = '@id("allow") @reason("r") permit (principal, action, resource);'
GENERAL = """purposes:
  - id: general
    regions: [us, eu, cn, on_premises]
    quality_floor_ppm: 700000
    max_cost_nusd: 2000000000
    max_latency_p95_ms: 60000
    max_fallbacks: 3
"""


@lru_cache
def policy_with(*lines: str) -> Policy:
    """Everything permitted; the purpose `general` with these lines more."""
    return policy_of(ALLOW, objectives=GENERAL + "".join(f"    {line}\n" for line in lines))


def router_with(
    limit: int, success: dict[str, int] | None = None, ledger: SqliteLedger | None = None
) -> Router:
    """A router that lets a session reach that many providers."""
    every = dict.fromkeys(references(REGISTER), 900_000)
    return fake_router(
        policy=policy_with(f"max_providers_per_session: {limit}"),
        complexity=FakeComplexity(success or every),
        ledger=ledger,
    )


def providers_of(record: dict[str, object]) -> set[str]:
    """Providers of the choice and the fallbacks."""
    named = [record["model"], *record["fallbacks"]] if record["model"] else []  # type: ignore[misc]
    return {REGISTER.models[str(model)].provider for model in named}


def test_without_a_required_session_every_model_is_left_out() -> None:
    """The refusal is on the record, and each model says why."""
    router = fake_router(policy=policy_with("session_required: true"))
    for session in (None, ""):  # an empty id is no session
        record = router.decide(fake_request(id=f"r-{session}", session=session)).record
        assert record["verdict"] == "refuse"
        assert all("session_required" in candidate["codes"] for candidate in record["candidates"])
    assert router.decide(fake_request(id="in", session="s")).verdict == "route"


@pytest.mark.parametrize("limit", [1, 2])
def test_a_session_never_reaches_more_providers_than_its_purpose_allows(limit: int) -> None:
    """Whatever the next prompts would prefer, choices and fallbacks stay within the providers reached."""
    router, reached = router_with(limit), set[str]()
    for turn, best in enumerate(sorted(references(REGISTER))[::4]):
        success = dict.fromkeys(references(REGISTER), 100_000) | {best: 950_000}
        router = router_with(limit, success, router.ledger)  # type: ignore[arg-type]
        record = router.decide(fake_request(id=str(turn), session="s")).record
        assert record["session_providers"]["before"] == sorted(reached)
        reached |= providers_of(dict(record))
        assert record["session_providers"]["n_reached"] == len(reached) <= limit
        assert record["session_providers"]["limit"] == limit
        out = {c["model"] for c in record["candidates"] if "session_providers" in c["codes"]}
        assert {REGISTER.models[model].provider for model in out}.isdisjoint(reached)


def test_fallbacks_stay_with_the_sessions_providers() -> None:
    """Switchyard #692: where the primary fails mid-session, the next one is in the same group."""
    router = router_with(1)
    records = [router.decide(fake_request(id=str(n), session="s")).record for n in range(2)]
    assert len(providers_of(dict(records[0]))) == 1
    assert providers_of(dict(records[0])) == providers_of(dict(records[1]))


def test_the_count_is_recorded_without_a_limit_too() -> None:
    """An auditor can ask how many providers a session reached before anyone limits it."""
    record = fake_router().decide(fake_request(session="s")).record
    assert record["session_providers"]["limit"] is None
    assert record["session_providers"]["n_reached"] == len(providers_of(dict(record)))
    assert fake_router().decide(fake_request()).record["session_providers"] is None


def test_the_providers_of_a_session_are_its_callers() -> None:
    """The same session id of another caller has reached nothing."""
    router = fake_router()
    router.decide(fake_request(session="s"))
    other = router.decide(fake_request(session="s", agent="research-batch", purpose="research")).record
    assert other["session_providers"]["before"] == []


def test_a_refusal_reaches_nobody() -> None:
    """No model was named, so no provider is counted."""
    router = fake_router()
    router.decide(fake_request(id="1", session="s", purpose="finance_operations"))
    record = router.decide(fake_request(id="2", session="s")).record
    assert record["session_providers"]["before"] == []


def test_a_hundred_racing_requests_never_exceed_the_limit(tmp_path: Path) -> None:
    """Each is decided on the session as the ones before it left it, though all of them preferred others."""
    best = sorted(references(REGISTER))
    ledger = SqliteLedger(tmp_path / "l.db", signer=Signer.generate("t"), index_key=bytes(32))
    low = dict.fromkeys(best, 100_000)
    routers = [router_with(2, low | {name: 950_000}, ledger) for name in best[::5]]
    with ThreadPoolExecutor(16) as pool:
        records = list(
            pool.map(
                lambda n: routers[n % len(routers)].decide(fake_request(id=str(n), session="s")).record,
                range(100),
            )
        )
    reached = set().union(*(providers_of(dict(record)) for record in records))
    assert 1 <= len(reached) <= 2
    assert ledger.size() == 100
    assert set(ledger.session(routers[0]._session_key(fake_request(session="s")) or b"").providers) == reached


def test_a_retry_does_not_outlive_the_limit() -> None:
    """A lower limit makes an earlier answer one that is no longer permitted, unless it was reached before."""
    wide = fake_router(policy=policy_with())
    first = wide.decide(fake_request(id="1", session="s")).record
    assert len(providers_of(dict(first))) > 1
    narrow = router_with(1, ledger=wide.ledger)  # type: ignore[arg-type]
    assert narrow.decide(fake_request(id="1", session="s")).record == first  # reached already: no one new
    other = fake_router(policy=policy_with("session_required: true"), ledger=wide.ledger)
    wide.decide(fake_request(id="2"))
    with pytest.raises(RequestConflictError, match="no longer permitted"):
        other.decide(fake_request(id="2"))


def test_session_facts_replay_from_the_record() -> None:
    """What the session had reached is read back from the record, not from the ledger's index."""
    router = router_with(2)
    router.decide(fake_request(id="1", session="s"))
    record = router.decide(fake_request(id="2", session="s")).record
    again = router_with(2).resolve(facts_of(record))
    assert {name: again[name] for name in ("model", "fallbacks", "candidates", "session_providers")} == {
        name: record[name] for name in ("model", "fallbacks", "candidates", "session_providers")
    }


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(sorted(references(REGISTER))), min_size=2, max_size=5), st.integers(1, 4))
def test_the_limit_holds_for_any_turns(turns: list[str], limit: int) -> None:
    """Over any sequence of preferences the providers of a session are at most the limit."""
    ledger, reached = SqliteLedger(":memory:", signer=Signer.generate("t"), index_key=bytes(32)), set[str]()
    for turn, best in enumerate(turns):
        success = dict.fromkeys(references(REGISTER), 100_000) | {best: 950_000}
        record = router_with(limit, success, ledger).decide(fake_request(id=str(turn), session="s")).record
        reached |= providers_of(dict(record))
    assert len(reached) <= limit


@pytest.mark.parametrize("line", ["session_required: 1", "max_providers_per_session: 0"])
def test_a_malformed_limit_refuses_to_load(line: str) -> None:
    """Neither a number for a yes, nor a session that may reach nobody."""
    with pytest.raises(PolicyError, match=r"^.*objectives.yaml"):
        policy_with(line)


def test_files_without_the_new_fields_keep_their_digest(tmp_path: Path) -> None:
    """Old records name the digest of files that lacked them; at its default a field is no content."""
    digests = set()
    for number, more in enumerate(("", "    session_required: false\n    max_providers_per_session: null\n")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(GENERAL + more, encoding="utf-8")
        digests.add(load_objectives(path).digest)
    assert len(digests) == 1
