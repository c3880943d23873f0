"""Lint finds each way in which restricted data could get out, today or with another provider's terms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clearway.policy import Policy
from clearway.policy_tools.lint import Finding, class_sets, lint, rules_json
from clearway.policy_tools.situations import Rulings
from clearway.register import Register
from clearway.testing import NOON, FakeSensitivity, policy_of, shipped_policy, shipped_register

CLASS_LEVELS = FakeSensitivity().class_levels
SAFE = (
    'context.level != "restricted" || (resource.provider.review_valid && '
    "!resource.provider.trains_on_content && resource.provider.content_kept_days == 0)"
)


def small_register() -> Register:
    """Five models of the shipped register that differ in region, law, certificates and host."""
    register = shipped_register()
    places = ("openai/gpt-4o@us", "mistral/mistral-nemo@eu", "groq/llama-3.1-8b-instruct@us")
    ids = (*places, "deepseek/deepseek-v4-flash@cn", "on-premises/llama-3.1-8b-instruct@on_premises")
    return replace(register, models={name: m for name, m in register.models.items() if name in ids})


def found(policy: Policy, register: Register | None = None, *, max_kept_days: int = 0) -> tuple[Finding, ...]:
    """Findings with the small register and two callers, or with another register and all callers."""
    if register is None:
        kept = {n: c for n, c in policy.callers.callers.items() if n in ("support-bot", "hr-assistant")}
        policy = replace(policy, callers=replace(policy.callers, callers=kept))
    rulings = Rulings(policy, register or small_register(), CLASS_LEVELS, NOON)
    return lint(rulings, max_kept_days=max_kept_days)


def faults(condition: str, *, max_kept_days: int = 0) -> set[tuple[str, bool]]:
    """Faults of one permit, and whether each is hypothetical."""
    policy = policy_of(f'@id("p") @reason("r") permit(principal, action, resource) when {{ {condition} }};')
    return {
        (finding.fault, finding.is_hypothetical) for finding in found(policy, max_kept_days=max_kept_days)
    }


def test_the_shipped_pack_has_no_finding() -> None:
    """What is shipped lets no restricted class out, and no fallback stands outside policy."""
    assert found(shipped_policy(), shipped_register()) == ()


def test_an_empty_policy_has_no_finding() -> None:
    """What clears nothing lets nothing out."""
    assert found(policy_of("")) == ()


def test_a_policy_that_says_what_lint_asks_has_no_finding() -> None:
    """Lint asks no more than it says: such terms are enough."""
    assert faults(SAFE) == set()


def test_llmkube_a_policy_that_lets_restricted_data_reach_a_training_provider_is_refused() -> None:
    """Found today for a provider that trains, and as a rule that would let in any other."""
    assert faults(SAFE.replace("!resource.provider.trains_on_content && ", "")) == {("trains", True)}
    assert ("trains", False) in faults("true")


def test_a_policy_that_lets_restricted_data_be_kept_is_refused() -> None:
    """The stated days are the bound: at it no finding, beyond it one."""
    loose = SAFE.replace("content_kept_days == 0", "content_kept_days <= 30")
    assert faults(loose) == {("keeps", False), ("keeps", True)}
    assert faults(loose, max_kept_days=30) == set()
    assert faults(loose, max_kept_days=29) == {("keeps", False), ("keeps", True)}


def test_a_policy_that_does_not_ask_for_a_review_is_refused() -> None:
    """Every shipped provider is reviewed today; the rule is what is tested."""
    assert faults(SAFE.replace("resource.provider.review_valid && ", "")) == {("unreviewed", True)}


@pytest.mark.parametrize(
    "hole",
    [
        'context.classes == ["health"]',
        'context.classes.containsAll(["health", "financial"])',
        "context.classes.isEmpty()",
        'context.purpose == "human_resources"',
        'principal == Agent::"support-bot"',
        'resource == Model::"groq/llama-3.1-8b-instruct@us"',
        'resource.provider == Provider::"groq"',
        'resource.provider.jurisdiction == "fr"',
        'resource.provider.certifications.contains("soc2")',
        'resource.region == "cn"',
        'context.session_level == "confidential"',
        "!resource.provider.business_associate_agreement",
        "resource.provider.content_kept_days == 30",
        'context.purpose like "human*"',
        'resource.provider.jurisdiction like "f*"',
    ],
)
def test_a_hole_of_any_form_is_found(hole: str) -> None:
    """Classes, purposes, callers and models that a policy tells apart are all asked about."""
    assert ("trains", True) in faults(f"({SAFE}) || ({hole})")


def test_an_exception_may_lift_how_long_data_is_kept_and_not_that_it_is_trained_on() -> None:
    """A template is asked as if granted: it stands in for a permit, but never lets data be trained on."""
    template = '@id("t") @reason("r") @exception permit(principal == ?principal, action, resource)'
    narrow = "resource.provider.review_valid && !resource.provider.trains_on_content"
    assert found(policy_of(f"{template} when {{ {narrow} }};")) == ()
    wide = found(policy_of(f"{template};"))
    assert {finding.fault for finding in wide} == {"trains", "unreviewed"}
    assert {finding.permitted_by for finding in wide} == {("t",)}


def test_a_finding_names_the_permit_and_an_example() -> None:
    """Enough to ask `why-not` about it."""
    finding = next(f for f in found(policy_of('@id("p") @reason("r") permit(principal, action, resource);')))
    assert finding.permitted_by == ("p",)
    assert finding.as_json()["text"] == (
        "restricted data can reach a provider that keeps it beyond the stated days"
    )
    assert finding.example["level"] == "restricted"
    assert set(finding.example) == {"caller", "purpose", "classes", "level", "model"}


def test_the_rules_say_what_an_exception_may_lift() -> None:
    """Each rule is listed with its effect and mode; a template is an exception."""
    policy = policy_of(
        '@id("w") @reason("watched") @mode("observe") forbid(principal, action, resource);'
        '@id("p") @reason("allowed") permit(principal, action, resource);'
        '@id("t") @reason("granted") @exception permit(principal == ?principal, action, resource);'
    )
    assert rules_json(policy) == [
        {"id": "t", "effect": "exception", "mode": "enforce", "reason": "granted"},
        {"id": "w", "effect": "forbid", "mode": "observe", "reason": "watched"},
        {"id": "p", "effect": "permit", "mode": "enforce", "reason": "allowed"},
    ]


def test_sets_of_classes_are_all_that_a_policy_can_tell_apart() -> None:
    """Each set of the classes that policies name, with and without one that none names."""
    assert class_sets(policy_of(""), CLASS_LEVELS) == ((), ("contact",))
    sets = class_sets(shipped_policy(), CLASS_LEVELS)
    assert len(sets) == 2 ** len(["credentials", "financial", "health", "contact"])
