"""Policy: Cedar's answer model by model, doubt denies, and the shipped rules one by one."""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.assessment import Level
from clearway.installation import data_folder
from clearway.policy import ACTIONS, Clearing, Policy, PolicyClearing, PolicyQuestion, load_policy
from clearway.register import Provider, Register
from clearway.request import Caller
from clearway.testing import NOON, FakeSensitivity, shipped_policy, shipped_register

POLICY, REGISTER = shipped_policy(), shipped_register()
SHIPPED = data_folder() / "policy"
LEVELS = dict(FakeSensitivity().class_levels)
CLASSES = tuple(LEVELS)
AGENTS = [
    (agent.id, purpose)
    for agent in POLICY.callers.callers.values()
    for purpose in sorted({*agent.purposes, "general", "nowhere"})
]
USERS = [None, *POLICY.callers.users]
REVIEWED = PolicyClearing(POLICY, REGISTER).reviewed(NOON)
ALLOW = '@id("allow") @reason("r") permit (principal, action, resource);\n'
# Overflows for every model but those that keep nothing: Cedar skips a policy that errors.
OVERFLOW = "resource.provider.content_kept_days + 9223372036854775807 > 0"
CONDITIONS = (
    "true",
    "resource.provider.self_hosted",
    "resource.provider.review_valid",
    "resource.provider.trains_on_content",
    'resource.provider.jurisdiction == "us"',
    'resource.provider.certifications.contains("soc2")',
    "resource.provider.business_associate_agreement",
    "resource.provider.content_kept_days <= 30",
    'resource.region == "eu"',
    'resource == Model::"openai/gpt-4o@us"',
    'context.classes.contains("health")',
    'context.level == "restricted"',
    "context.purpose_regions.contains(resource.region)",
    "principal.purposes.contains(context.purpose)",
    "principal.regions.contains(resource.region)",
    'principal in Group::"engineering"',
    "principal is User",
    OVERFLOW,
    f"!({OVERFLOW})",
)


def folder_with(folder: Path, **cedar: str | bytes) -> Path:
    """The shipped folder with these Cedar files instead of its own."""
    for name in ("schema.cedarschema", "callers.yaml", "objectives.yaml"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    for name, text in cedar.items():
        (folder / f"{name}.cedar").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def policy_of(text: str) -> Policy:
    """The policy whose only Cedar file is this text."""
    with tempfile.TemporaryDirectory() as folder:
        return load_policy(folder_with(Path(folder), rules=text))


def rule(effect: str, condition: str, identifier: str, *, actions: str = "action") -> str:
    """One policy."""
    head = f'@id("{identifier}") @reason("r") {effect} (principal, {actions}, resource)'
    return f"{head} when {{ {condition} }};\n"


def ask(
    agent: str = "local-dev",
    purpose: str = "general",
    *,
    user: str | None = None,
    classes: tuple[str, ...] = (),
    level: Level | None = None,
    reviewed: tuple[str, ...] = REVIEWED,
) -> PolicyQuestion:
    """A question to the shipped callers and objectives; the level is that of the classes."""
    joined = Level.join([LEVELS[name] for name in classes]) if level is None else level
    return POLICY.question(Caller(agent, user), purpose, classes, joined, reviewed)


def cleared(answers: Mapping[str, Clearing]) -> set[tuple[str, str]]:
    """Models and actions that are cleared."""
    found = {(model, "route") for model, answer in answers.items() if answer.route}
    return found | {(model, "fall_back") for model, answer in answers.items() if answer.fall_back}


def providers_of(answers: Mapping[str, Clearing]) -> list[Provider]:
    """Provider of each cleared model."""
    return [REGISTER.provider_of(model) for model, answer in answers.items() if answer.route]


questions = st.builds(
    lambda who, user, classes, level, reviewed: ask(
        *who,
        user=user,
        classes=tuple(sorted(classes)),
        level=Level.join([level, *(LEVELS[name] for name in classes)]),
        reviewed=tuple(sorted(reviewed)),
    ),
    st.sampled_from(AGENTS),
    st.sampled_from(USERS),
    st.sets(st.sampled_from(CLASSES)),
    st.sampled_from(Level),
    st.sets(st.sampled_from(sorted(REGISTER.providers)), min_size=3) | st.just(set(REVIEWED)),
)
actions = st.sampled_from(["action", 'action == Action::"route"', 'action == Action::"fall_back"'])
rules = st.lists(
    st.tuples(st.sampled_from(["permit", "permit", "forbid"]), st.sampled_from(CONDITIONS), actions),
    max_size=5,
)


def written(chosen: list[tuple[str, str, str]]) -> str:
    """The rules as a Cedar file."""
    return "".join(
        rule(effect, condition, f"r{index}", actions=scope)
        for index, (effect, condition, scope) in enumerate(chosen)
    )


def entity(kind: str, identifier: str, attrs: dict[str, Any], *groups: str) -> dict[str, Any]:
    """An entity as Cedar reads it."""
    parents = [{"type": "Group", "id": group} for group in groups]
    return {"uid": {"type": kind, "id": identifier}, "attrs": attrs, "parents": parents}


def direct(text: str, question: PolicyQuestion, model: str, action: str, who: tuple[str, str]) -> bool:
    """Cedar's own answer for one model, action and principal; an error anywhere is a no."""
    kind, identifier = who
    entry = (POLICY.callers.users if kind == "User" else POLICY.callers.callers)[identifier]
    deployment, provider = REGISTER.models[model], REGISTER.provider_of(model)
    terms = {
        "self_hosted": provider.self_hosted,
        "jurisdiction": provider.jurisdiction.value,
        "certifications": provider.certifications.value,
        "business_associate_agreement": provider.business_associate_agreement.value,
        "content_kept_days": max(provider.prompts.kept_days, provider.responses.kept_days),
        "trains_on_content": provider.trains_on_content,
        "review_valid": provider.id in question.reviewed,
    }
    link = {"__entity": {"type": "Provider", "id": provider.id}}
    answer = cedarpy.is_authorized(
        {
            "principal": {"type": kind, "id": identifier},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Model", "id": model},
            "context": {
                "classes": list(question.classes),
                "level": question.level.name.lower(),
                "purpose": question.purpose,
                "purpose_regions": list(question.purpose_regions),
                "session_level": question.session_level.name.lower(),
                "exceptions": [],
            },
        },
        text,
        [
            entity(kind, identifier, {"purposes": entry.purposes, "regions": entry.regions}, *entry.groups),
            entity("Provider", provider.id, terms),
            entity("Model", model, {"provider": link, "region": deployment.region}),
        ],
    )
    return bool(answer.allowed) and not answer.diagnostics.errors


@settings(max_examples=40, deadline=None)
@given(rules, questions, st.lists(st.sampled_from(sorted(REGISTER.models)), min_size=4, max_size=4))
def test_clearing_is_cedars_answer(
    chosen: list[tuple[str, str, str]], question: PolicyQuestion, models: list[str]
) -> None:
    """A model is cleared if and only if Cedar, asked alone, permits every principal."""
    text = written(chosen)
    answers = PolicyClearing(policy_of(text), REGISTER).clear(question)
    for model in models:
        permitted = {
            action: all(direct(text, question, model, action, who) for who in question.principals)
            for action in ACTIONS
        }
        assert answers[model].route == permitted["route"]
        assert answers[model].fall_back == (permitted["route"] and permitted["fall_back"])
        assert bool(answers[model].codes) == (not answers[model].route)


@settings(max_examples=40, deadline=None)
@given(rules, st.sampled_from(CONDITIONS), actions, questions)
def test_a_forbid_never_enlarges(
    chosen: list[tuple[str, str, str]], condition: str, scope: str, question: PolicyQuestion
) -> None:
    """With one more forbid, whatever it says or however it errs, nothing new is cleared."""
    text = written(chosen)
    more = text + rule("forbid", condition, "more", actions=scope)
    before, after = (
        cleared(PolicyClearing(policy_of(rules), REGISTER).clear(question)) for rules in (text, more)
    )
    assert after <= before


@settings(max_examples=25, deadline=None)
@given(rules, questions, st.sampled_from(sorted(POLICY.callers.users)))
def test_a_user_never_enlarges(
    chosen: list[tuple[str, str, str]], question: PolicyQuestion, user: str
) -> None:
    """What is cleared for an agent that acts for a user is what is cleared for both alone."""
    clearing = PolicyClearing(policy_of(written(chosen)), REGISTER)
    agent, person = question.principals[0], ("User", user)
    alone, theirs, both = (
        cleared(clearing.clear(replace(question, principals=who)))
        for who in ((agent,), (person,), (agent, person))
    )
    assert both == alone & theirs


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_policy_that_errors_is_a_denial(effect: str) -> None:
    """Where a policy errors the model is denied, be it a permit or a forbid; Cedar alone would skip it."""
    clearing = PolicyClearing(policy_of(ALLOW + rule(effect, OVERFLOW, "broken")), REGISTER)
    answers = clearing.clear(ask())
    broken = {name for name in REGISTER.models if REGISTER.provider_of(name).content_kept_days > 0}
    assert 0 < len(broken) < len(answers)
    for name, answer in answers.items():
        if name in broken:
            assert answer == Clearing(False, False, (), ("policy_error",))
        elif effect == "permit":
            assert answer == Clearing(True, True, ("allow", "broken"), ())
        else:
            assert answer == Clearing(False, False, (), ("forbidden:broken",))


def test_an_error_as_a_fallback_is_a_denial() -> None:
    """A policy that errors only for fallbacks leaves no fallback, and the route as it was."""
    broken = rule("forbid", f"!({OVERFLOW})", "broken", actions='action == Action::"fall_back"')
    answers = PolicyClearing(policy_of(ALLOW + broken), REGISTER).clear(ask())
    kept = {name for name, answer in answers.items() if answer.fall_back}
    assert all(answer.route for answer in answers.values())
    assert kept == {name for name in answers if REGISTER.provider_of(name).content_kept_days == 0}


def test_every_forbid_that_applies_is_named() -> None:
    """The codes name each forbid, over all principals, sorted; a permit that is overruled is not named."""
    text = ALLOW + rule("forbid", "principal is User", "z-users") + rule("forbid", "true", "a-all")
    answers = PolicyClearing(policy_of(text), REGISTER).clear(ask("support-bot", user="ana"))
    assert set(answers.values()) == {Clearing(False, False, (), ("forbidden:a-all", "forbidden:z-users"))}


# The shipped pack, rule by rule, over all classes, callers, users and models.

SHIPPED_CLEARING = PolicyClearing(POLICY, REGISTER)
CLASS_SETS = [(), *((name,) for name in sorted(CLASSES)), tuple(sorted(CLASSES))]
Answered = list[tuple[tuple[str, str, str | None, tuple[str, ...]], Mapping[str, Clearing]]]


@pytest.fixture(scope="module")
def answered() -> Answered:
    """The shipped answers for callers, purposes and users; with classes for a caller's own purposes."""
    situations = [
        (agent, purpose, user, classes)
        for (agent, purpose), user, classes in itertools.product(AGENTS, USERS, CLASS_SETS)
        if not classes or purpose in POLICY.callers.callers[agent].purposes
    ]
    return [
        (found, SHIPPED_CLEARING.clear(ask(found[0], found[1], user=found[2], classes=found[3])))
        for found in situations
    ]


def test_health_only_under_a_baa(answered: Answered) -> None:
    """Every model cleared for health data has a business associate agreement, and there is one."""
    found = [p for (_, _, _, classes), a in answered if "health" in classes for p in providers_of(a)]
    assert found
    assert all(provider.business_associate_agreement.value for provider in found)


@pytest.mark.parametrize("name", ["financial", "credentials"])
def test_payment_data_and_credentials_stay_or_are_not_kept(answered: Answered, name: str) -> None:
    """Every model cleared for payment data or credentials is ours or keeps nothing, and there is one."""
    found = [p for (_, _, _, classes), a in answered if name in classes for p in providers_of(a)]
    assert found
    assert all(p.self_hosted or (p.prompts.kept_days, p.responses.kept_days) == (0, 0) for p in found)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_no_class_reaches_a_provider_that_trains(answered: Answered, name: str) -> None:
    """For every data class no provider that trains is cleared, and some provider is."""
    found = [p for (_, _, _, classes), a in answered if name in classes for p in providers_of(a)]
    assert found
    assert not any(provider.trains_on_content for provider in found)


@pytest.mark.parametrize("level", [Level.CONFIDENTIAL, Level.RESTRICTED])
def test_high_levels_alone_reach_no_provider_that_trains(level: Level) -> None:
    """A level without a class (a label, an image, a foreign language) is held to the same terms."""
    found = providers_of(SHIPPED_CLEARING.clear(ask(level=level)))
    assert found
    assert not any(provider.trains_on_content for provider in found)
    if level is Level.RESTRICTED:
        assert all(provider.self_hosted or provider.content_kept_days == 0 for provider in found)


@pytest.mark.parametrize("level", [Level.PUBLIC, Level.INTERNAL])
def test_low_risk_data_goes_anywhere_reviewed(level: Level) -> None:
    """Without a class, public and internal data may go to every model, those that train among them."""
    answers = SHIPPED_CLEARING.clear(ask(level=level))
    assert all(answer.route and answer.fall_back for answer in answers.values())
    assert any(provider.trains_on_content for provider in providers_of(answers))


def test_region_and_purpose_are_honoured(answered: Answered) -> None:
    """A cleared region is one of the purpose, the agent and the user, all registered for the purpose."""
    for (agent, purpose, user, _), answers in answered:
        entries = [POLICY.callers.callers[agent], *([POLICY.callers.users[user]] if user else [])]
        for model in (name for name, answer in answers.items() if answer.route):
            region = REGISTER.models[model].region
            assert region in POLICY.objectives.purposes[purpose].regions
            assert all(region in entry.regions and purpose in entry.purposes for entry in entries)


def test_the_regions_of_a_purpose_bound_a_caller() -> None:
    """A caller of every region is cleared for those of the purpose only; for none there is no model."""
    for regions in (("eu",), ("cn", "us"), ()):
        answers = SHIPPED_CLEARING.clear(replace(ask(), purpose_regions=regions))
        found = {REGISTER.models[model].region for model, answer in answers.items() if answer.route}
        assert found == set(regions)


@pytest.mark.parametrize(
    ("agent", "purpose", "user", "is_routed"),
    [
        ("support-bot", "customer_support", None, True),
        ("support-bot", "customer_support", "ana", True),
        ("support-bot", "customer_support", "ben", False),
        ("support-bot", "general", "ana", False),
        ("local-dev", "nowhere", None, False),
    ],
)
def test_agent_and_user_need_the_purpose(agent: str, purpose: str, user: str | None, is_routed: bool) -> None:
    """Nothing is cleared unless agent and user are both registered for a purpose that exists."""
    answers = SHIPPED_CLEARING.clear(ask(agent, purpose, user=user))
    assert any(answer.route for answer in answers.values()) is is_routed
    code = "forbidden:only-for-a-purpose-of-the-caller"
    assert all(code in answer.codes for answer in answers.values()) is not is_routed


@pytest.mark.parametrize("provider", sorted(REGISTER.providers))
def test_an_expired_review_clears_nothing(provider: str) -> None:
    """Once its review has expired no model of a provider is cleared, for any data."""
    review = REGISTER.providers[provider].review
    assert review is not None
    lapsed = REGISTER.providers[provider].model_copy(
        update={"review": review.model_copy(update={"expires_on": date(2026, 11, 30)})}
    )
    register: Register = replace(REGISTER, providers={**REGISTER.providers, provider: lapsed})
    clearing = PolicyClearing(POLICY, register)
    reviewed = clearing.reviewed(NOON)
    assert set(REVIEWED) - set(reviewed) == {provider}
    for classes in CLASS_SETS:
        answers = clearing.clear(ask(classes=classes, reviewed=reviewed))
        of_provider = [a for name, a in answers.items() if REGISTER.models[name].provider == provider]
        assert not any(answer.route or answer.fall_back for answer in of_provider)
        assert all("forbidden:no-provider-without-a-valid-review" in answer.codes for answer in of_provider)


@pytest.mark.parametrize("identifier", sorted(POLICY.policies))
def test_every_shipped_rule_matters(identifier: str) -> None:
    """Without any one of the shipped rules some answer changes, and each has its reason."""
    text = (SHIPPED / "default.cedar").read_text(encoding="utf-8")
    kept = [
        block
        for block in re.split(r"(?=^@id)", text, flags=re.MULTILINE)
        if f'@id("{identifier}")' not in block
    ]
    assert len(kept) == len(POLICY.reasons)  # one fewer rule, and the comment at the top
    without = PolicyClearing(policy_of("".join(kept)), REGISTER)
    asked = [
        ask(agent, purpose, classes=classes, reviewed=reviewed)
        for agent, purpose in AGENTS
        for classes in CLASS_SETS
        for reviewed in (REVIEWED, REVIEWED[1:])
    ]
    assert any(without.clear(question) != SHIPPED_CLEARING.clear(question) for question in asked)
    assert POLICY.reasons[identifier].endswith(".")
