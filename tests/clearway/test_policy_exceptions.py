"""Exceptions are links of permit templates: they lift the lack of a permit, for whom and what they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.errors import PolicyError
from clearway.policy import Clearing, PolicyClearing
from clearway.record import facts_of
from clearway.request import Caller
from clearway.testing import (
    FakeSensitivity,
    fake_request,
    fake_router,
    policy_of,
    shipped_policy,
    shipped_register,
)

REGISTER, POLICY = shipped_register(), shipped_policy()
MODEL, SIBLING, ELSEWHERE = (
    "openai/gpt-4o@us",
    "openai/gpt-5-mini@us",
    next(m for m in REGISTER.models if not m.startswith("openai/")),
)
HEAD = '@id("lift") @reason("r") @exception permit'
BOTH = f"{HEAD} (principal == ?principal, action, resource == ?resource);\n"
WHO = f"{HEAD} (principal == ?principal, action, resource);\n"
WHAT = f"{HEAD} (principal, action, resource == ?resource);\n"
GRANTED = ActiveException("e-1", "lift", "local-dev", model=MODEL)
FORBID = '@id("no") @reason("r") forbid (principal, action, resource);\n'


def answers(
    text: str,
    *exceptions: ActiveException,
    caller: Caller = Caller("local-dev"),  # noqa: B008  # frozen
    classes: tuple[str, ...] = (),
) -> dict[str, Clearing]:
    """Clearing of each model under these policies and exceptions."""
    policy = policy_of(text)
    question = policy.question(
        caller, "general", classes, Level.PUBLIC, tuple(REGISTER.providers), exceptions=exceptions
    )
    return dict(PolicyClearing(policy, REGISTER).clear(question))


def lifted(found: dict[str, Clearing]) -> set[str]:
    """Models that are cleared."""
    return {model for model, clearing in found.items() if clearing.route}


@pytest.mark.parametrize("text", [BOTH, WHO, WHAT])
def test_an_exception_clears_what_it_names_and_nothing_else(text: str) -> None:
    """Whichever slots the template has, only the model in scope is cleared, by the template, as a choice."""
    found = answers(text, GRANTED)
    assert lifted(found) == {MODEL}
    assert found[MODEL] == Clearing(True, False, ("lift",), (), ("e-1",))
    assert found[SIBLING] == Clearing(False, False, (), ("not_permitted",))


def test_a_template_alone_permits_nothing() -> None:
    """Without an exception in force a template is only a possibility."""
    assert lifted(answers(BOTH + WHO.replace('"lift"', '"other"'))) == set()


def test_an_exception_for_a_provider_covers_its_models() -> None:
    """All of its models and no other's."""
    granted = replace(GRANTED, model=None, provider="openai")
    expected = {m for m in REGISTER.models if REGISTER.models[m].provider == "openai"}
    assert lifted(answers(BOTH, granted)) == lifted(answers(WHO, granted)) == expected


def test_an_exception_for_neither_covers_every_model() -> None:
    """Without model and provider the template alone says what it permits."""
    assert lifted(answers(BOTH, replace(GRANTED, model=None))) == set(REGISTER.models)


@pytest.mark.parametrize(
    "other",
    [
        replace(GRANTED, caller="support-bot"),
        replace(GRANTED, purpose="research"),
        replace(GRANTED, data_class="health"),
        replace(GRANTED, template="gone"),
        replace(GRANTED, provider="nobody"),
        replace(GRANTED, model="openai/no-such-model@us"),
    ],
)
def test_an_exception_out_of_scope_is_none(other: ActiveException) -> None:
    """Another caller, purpose, class, model or provider, or a template that is gone: nothing is lifted."""
    assert lifted(answers(BOTH, other)) == set()


@pytest.mark.parametrize(
    ("classes", "is_lifted"), [((), False), (("health",), True), (("health", "personal"), False)]
)
def test_an_exception_for_a_class_covers_no_other(classes: tuple[str, ...], is_lifted: bool) -> None:
    """It does not carry along a class that nobody granted."""
    found = answers(BOTH, replace(GRANTED, data_class="health"), classes=classes)
    assert (MODEL in lifted(found)) is is_lifted


def test_a_forbid_always_wins() -> None:
    """What a forbid leaves out no exception brings back, and the code says which forbid."""
    assert answers(BOTH + FORBID, GRANTED)[MODEL] == Clearing(False, False, (), ("forbidden:no",))


def test_no_policy_can_make_a_forbid_give_way_to_an_exception() -> None:
    """Not even a forbid that says so itself: a forbidden model is not asked about again."""
    text = BOTH + FORBID.replace(";", ' unless { context.exceptions.contains("lift") };')
    assert lifted(answers(text, GRANTED)) == set()


def test_a_forbid_may_speak_of_exceptions() -> None:
    """A policy can say where none may be used."""
    text = BOTH + FORBID.replace(";", " when { !context.exceptions.isEmpty() };")
    assert lifted(answers(text, GRANTED)) == set()


def test_a_permit_that_speaks_of_exceptions_is_no_exception() -> None:
    """Only a link permits: a static permit cannot be switched on for everyone by one person's exception."""
    text = BOTH + (
        '@id("wide") @reason("r") permit (principal, action, resource) '
        "when { !context.exceptions.isEmpty() };\n"
    )
    assert lifted(answers(text, GRANTED)) == {MODEL}


def test_a_template_that_errs_permits_nothing() -> None:
    """Doubt denies here too."""
    text = BOTH.replace(";", " when { resource.provider.content_kept_days + 9223372036854775807 > 0 };")
    assert REGISTER.provider_of(MODEL).content_kept_days > 0
    assert lifted(answers(text, GRANTED)) == set()


@pytest.mark.parametrize("text", [BOTH, WHAT])
def test_each_of_a_chain_needs_a_permit_or_an_exception(text: str) -> None:
    """An exception of the agent is none of its user's, even where the template names no principal."""
    acting = Caller("support-bot", "ana")
    agents, users = (replace(GRANTED, id=f"e-{n}", caller=n) for n in ("support-bot", "ana"))
    assert lifted(answers(text, agents, caller=acting)) == set()
    found = answers(text, agents, users, caller=acting)
    assert found[MODEL].exceptions == ("e-ana", "e-support-bot")


def test_one_exception_is_used_where_two_would_do() -> None:
    """The first by id; the other's use limit is not touched."""
    assert answers(BOTH, replace(GRANTED, id="e-2"), GRANTED)[MODEL].exceptions == ("e-1",)


def test_the_record_names_the_exceptions_that_were_needed() -> None:
    """The chosen model would not be cleared without it: id, template and what was in force are recorded."""
    router = fake_router(policy=policy_of(BOTH), exceptions=(GRANTED,))
    record = router.decide(fake_request()).record
    assert (record["model"], record["fallbacks"]) == (MODEL, [])
    assert record["exceptions"] == ["e-1"]
    assert record["policy"]["determining"] == ["lift"]
    assert record["active_exceptions"] == [GRANTED.as_json()]
    assert router.resolve(facts_of(record))["exceptions"] == ["e-1"]


def test_an_exception_that_was_not_needed_is_not_used() -> None:
    """Where a permit clears the chosen model the exception stays unused, and costs none of its uses."""
    allow = '@id("allow") @reason("r") permit (principal, action, resource);\n'
    record = fake_router(policy=policy_of(BOTH + allow), exceptions=(GRANTED,)).decide(fake_request()).record
    assert record["exceptions"] == []
    assert record["active_exceptions"] == [GRANTED.as_json()]


def test_a_model_under_an_exception_is_no_fallback() -> None:
    """What is permitted otherwise may stand behind it, but an exception is never used by the way."""
    allow = f'@id("allow") @reason("r") permit (principal, action, resource == Model::"{ELSEWHERE}");\n'
    granted = replace(GRANTED, model=None)
    record = fake_router(policy=policy_of(WHO + allow), exceptions=(granted,)).decide(fake_request()).record
    assert set(record["fallbacks"]) <= {ELSEWHERE}


def test_an_exception_that_ended_ends_its_decisions() -> None:
    """The same request id after the end is refused, and a new one is decided without it."""
    router = fake_router(policy=policy_of(BOTH), exceptions=(GRANTED,))
    assert router.decide(fake_request()).model == MODEL
    ended = fake_router(policy=policy_of(BOTH), ledger=router.ledger)
    with pytest.raises(Exception, match="no longer permitted"):
        ended.decide(fake_request())
    assert ended.decide(fake_request(id="new")).verdict == "refuse"


def test_the_shipped_template_lets_restricted_data_out_only_by_exception() -> None:
    """The shipped pack has one, for restricted data at a reviewed provider that does not train on it."""
    router = fake_router(sensitivity=FakeSensitivity({"flu": "health"}))
    refused = {c["model"]: c["codes"] for c in router.preview(fake_request("flu")).record["candidates"]}
    lacking = [model for model, codes in refused.items() if codes == ["not_permitted"]]
    assert set(POLICY.templates) == {"exception-restricted-data-to-a-provider-that-does-not-train"}
    assert lacking
    for model in lacking:
        granted = ActiveException("e", next(iter(POLICY.templates)), "local-dev", model, None, "health")
        lifted_by = fake_router(sensitivity=FakeSensitivity({"flu": "health"}), exceptions=(granted,))
        codes = {c["model"]: c["codes"] for c in lifted_by.preview(fake_request("flu")).record["candidates"]}
        assert codes[model] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BOTH.replace("@exception ", ""),
            'rules.cedar: @id("lift") is a template without @exception; only exceptions are linked, add it',
        ),
        (
            BOTH.replace("permit", "forbid"),
            'rules.cedar: @id("lift") is a forbid with @exception; an exception is a permit, write permit',
        ),
        (
            BOTH.replace("@exception", '@exception @mode("observe")'),
            (
                'rules.cedar: @id("lift") is an exception and observed; '
                "an exception is granted or not, remove @mode"
            ),
        ),
        (
            f"{HEAD} (principal, action, resource);",
            'rules.cedar: @id("lift") has @exception but no slot; write ?principal for whom it is granted to',
        ),
        (
            BOTH + BOTH,
            'rules.cedar: @id("lift") stands twice; policy ids are unique',
        ),
    ],
)
def test_a_template_that_is_no_exception_refuses_to_load(text: str, message: str) -> None:
    """A template is a permit with a slot and the annotation, and enforced; else the folder does not load."""
    with pytest.raises(PolicyError) as fault:
        policy_of(text)
    assert str(fault.value) == message
