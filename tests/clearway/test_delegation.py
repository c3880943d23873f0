"""An agent that acts through others for a user is cleared for what all of them are cleared for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.assessment import Level
from clearway.errors import UnknownCallerError
from clearway.policy import PolicyClearing
from clearway.request import Caller, parse_request
from clearway.testing import fake_router, memory_ledger, shipped_policy, shipped_register

POLICY, REGISTER = shipped_policy(), shipped_register()
CLEARING = PolicyClearing(POLICY, REGISTER)
AGENTS, PEOPLE = tuple(POLICY.callers.callers), tuple(POLICY.callers.users)


def cleared(caller: Caller, purpose: str) -> set[tuple[str, str]]:
    """Models and actions that are cleared for someone."""
    reviewed = tuple(REGISTER.providers)
    answers = CLEARING.clear(POLICY.question(caller, purpose, (), Level.PUBLIC, reviewed))
    found = {(model, "route") for model, answer in answers.items() if answer.route}
    return found | {(model, "fall_back") for model, answer in answers.items() if answer.fall_back}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(AGENTS),
    st.lists(st.sampled_from(AGENTS), max_size=3),
    st.sampled_from([None, *PEOPLE]),
    st.sampled_from(sorted(POLICY.objectives.purposes)),
)
def test_a_chain_is_cleared_for_what_each_of_it_is(
    agent: str, chain: list[str], user: str | None, purpose: str
) -> None:
    """The intersection of agent, every link and user: nobody lends a right to another."""
    expected = cleared(Caller(agent), purpose)
    for link in chain:
        expected &= cleared(Caller(link), purpose)
    if user is not None:
        expected &= cleared(Caller(agent, user), purpose)
    assert cleared(Caller(agent, user, chain=tuple(chain)), purpose) == expected


def test_every_link_is_named_to_policy_in_order() -> None:
    """Agent first, then the chain, the user last."""
    caller = Caller("support-bot", "ana", chain=("code-assistant", "finance-ops"))
    question = POLICY.question(caller, "general", (), Level.PUBLIC, ())
    assert question.principals == (
        ("Agent", "support-bot"),
        ("Agent", "code-assistant"),
        ("Service", "finance-ops"),
        ("User", "ana"),
    )


@pytest.mark.parametrize("link", ["nobody", "ana"])
def test_a_missing_link_denies(link: str) -> None:
    """A link that is not registered, or is a person, is no link: nothing is decided."""
    with pytest.raises(UnknownCallerError, match=r"^caller.chain: a link is not registered"):
        POLICY.question(Caller("support-bot", chain=(link,)), "general", (), Level.PUBLIC, ())


def test_a_chain_is_of_one_identity() -> None:
    """The same request id and session through another chain are another request and another session."""
    router = fake_router(ledger=memory_ledger())
    line = {"id": "1", "session": "s", "request": {"messages": [{"role": "user", "content": "Hello"}]}}
    decisions = [
        router.decide(
            parse_request(line, caller=Caller("local-dev", chain=c), purpose="general", fallback_id="1")
        )
        for c in ((), ("research-batch",), ("code-assistant",))
    ]
    assert len({decision.id for decision in decisions}) == 3
    assert len({decision.record["session"] for decision in decisions}) == 3
    assert [decision.record["caller"]["chain"] for decision in decisions] == [
        [],
        ["research-batch"],
        ["code-assistant"],
    ]
