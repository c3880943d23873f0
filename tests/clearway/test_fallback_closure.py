"""No reachable fallback is outside policy, and neither a refusal nor a change of policy leads elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from clearway.assessment import PPM, Level, Sensitivity
from clearway.errors import RequestConflictError
from clearway.policy import PolicyClearing
from clearway.record import facts_of
from clearway.testing import (
    NOON,
    FakeComplexity,
    FakeSensitivity,
    fake_request,
    fake_router,
    memory_ledger,
    policy_of,
    references,
    shipped_policy,
    shipped_register,
)

POLICY, REGISTER = shipped_policy(), shipped_register()
LEVELS = dict(FakeSensitivity().class_levels)
ALLOW = '@id("allow") @reason("r") permit (principal, action, resource);\n'
CLASS_SETS = [(), *itertools.combinations(sorted(LEVELS), 1), *itertools.combinations(sorted(LEVELS), 2)]


def everyone() -> Iterator[tuple[str, str, str | None]]:
    """Each agent with each of its purposes, alone and for each user who has it too."""
    for agent in POLICY.callers.callers.values():
        for purpose in agent.purposes:
            users = [user.id for user in POLICY.callers.users.values() if purpose in user.purposes]
            yield from ((agent.id, purpose, user) for user in (None, *users))


def best_first(model: str) -> FakeComplexity:
    """Estimates under which this model comes first wherever it is cleared."""
    success = dict.fromkeys(references(REGISTER), 100_000)
    return FakeComplexity(success | {REGISTER.models[model].success.reference: 950_000})


@pytest.mark.parametrize(("agent", "purpose", "user"), list(everyone()))
def test_every_reachable_fallback_is_cleared_by_itself(agent: str, purpose: str, user: str | None) -> None:
    """For every class, pair of classes, caller and model of the shipped pack: what may be named is permitted.

    With as many fallbacks as there are models, so that every model that could be named is.
    """
    clearing = PolicyClearing(POLICY, REGISTER)
    wide = POLICY.objectives.purposes[purpose].model_copy(update={"max_fallbacks": len(REGISTER.models)})
    objectives = replace(POLICY.objectives, purposes={purpose: wide})
    router = fake_router(policy=replace(POLICY, objectives=objectives))
    facts = facts_of(router.preview(fake_request(agent=agent, purpose=purpose, user=user)).record)
    for classes in CLASS_SETS:
        level = Level.join([LEVELS[name] for name in classes])
        question = POLICY.question(facts.caller, purpose, classes, level, clearing.reviewed(NOON))
        answers = clearing.clear(question)
        seen = Sensitivity(dict.fromkeys(classes, PPM), classes, level)
        record = router.resolve(replace(facts, assessment=replace(facts.assessment, sensitivity=seen)))
        named = [record["model"], *record["fallbacks"]] if record["model"] else []
        assert all(answers[model].route for model in named)
        assert all(answers[model].fall_back for model in named[1:])
        assert {REGISTER.models[model].region for model in named} <= set(question.purpose_regions)


def test_litellm_40406_a_content_policy_refusal_never_goes_to_another_provider() -> None:
    """A decision says which failures its fallbacks are for; a refusal by the provider is none of them."""
    decision = fake_router().decide(fake_request())
    assert decision.fallbacks
    assert decision.as_json()["fall_back_on"] == ["rate_limited", "timeout", "unavailable"]


def test_litellm_40406_asking_again_after_a_refusal_gives_the_same_answer() -> None:
    """The same request under its id never gets another provider than the first time."""
    router = fake_router()
    first = router.decide(fake_request())
    again = fake_router(ledger=router.ledger, complexity=best_first("openai/gpt-4o@us")).decide(
        fake_request()
    )
    assert again.record == first.record


def test_litellm_25276_labels_bind_fallbacks_as_they_bind_the_choice() -> None:
    """A caller's label takes a model out of the choice and out of the fallbacks alike."""
    policy = policy_of(
        ALLOW + '@id("no") @reason("r") forbid (principal, action, resource) '
        'when { context.classes.contains("health") && resource.region == "us" };'
    )
    record = fake_router(policy=policy).decide(fake_request(labels=["health"])).record
    named = [record["model"], *record["fallbacks"]]
    assert len(named) > 1
    assert all(REGISTER.models[model].region != "us" for model in named)


def test_litellm_plugin_a_session_pin_does_not_outlive_a_policy_change() -> None:
    """A later turn of the session is decided under the policy of then, a retry of the old one refused."""
    ledger = memory_ledger()
    before = fake_router(policy=policy_of(ALLOW), ledger=ledger).decide(fake_request(id="1", session="s"))
    stop = f'@id("stop") @reason("r") forbid (principal, action, resource == Model::"{before.model}");\n'
    after = fake_router(policy=policy_of(ALLOW + stop), ledger=ledger)
    turn = after.decide(fake_request(id="2", session="s"))
    assert before.model not in (turn.model, *turn.fallbacks)
    with pytest.raises(RequestConflictError, match="no longer permitted"):
        after.decide(fake_request(id="1", session="s"))


def test_a_change_of_policy_that_forbids_a_fallback_takes_the_decision_back() -> None:
    """Not only the choice: a fallback that policy no longer clears is not given out again either."""
    ledger = memory_ledger()
    before = fake_router(policy=policy_of(ALLOW), ledger=ledger).decide(fake_request())
    stop = (
        f'@id("stop") @reason("r") forbid '
        f'(principal, action == Action::"fall_back", resource == Model::"{before.fallbacks[-1]}");'
    )
    with pytest.raises(RequestConflictError, match="no longer permitted"):
        fake_router(policy=policy_of(ALLOW + stop), ledger=ledger).decide(fake_request())


def test_switchyard_301_an_empty_session_id_is_no_shared_key() -> None:
    """Two requests with an empty session id have no session, and share neither level nor providers."""
    router = fake_router(sensitivity=FakeSensitivity({"4111": "financial"}))
    router.decide(fake_request("card 4111", id="1", session=""))
    record = router.decide(fake_request(id="2", session="")).record
    assert (record["session"], record["session_providers"]) == (None, None)
    assert record["classification"]["session_level"] == "public"
