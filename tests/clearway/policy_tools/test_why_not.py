"""`why-not` says what leaves a model out, and each smallest set of terms that would clear it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clearway.policy import Policy
from clearway.policy_tools.situations import Rulings
from clearway.policy_tools.why_not import Answer, literals_by_attribute, why_not
from clearway.register import Register
from clearway.register_terms import Provider
from clearway.testing import NOON, FakeSensitivity, policy_of, shipped_policy, shipped_register

CLASS_LEVELS = FakeSensitivity().class_levels
TEMPLATE = "exception-restricted-data-to-a-provider-that-does-not-train"


def ask(
    model: str,
    caller: str,
    *classes: str,
    policy: Policy | None = None,
    register: Register | None = None,
    days: int = 0,
) -> Answer:
    """The answer for a caller's first purpose."""
    at = NOON + timedelta(days=days)
    rulings = Rulings(policy or shipped_policy(), register or shipped_register(), CLASS_LEVELS, at)
    return why_not(rulings, model, rulings.situation(caller, None, tuple(classes)))


def offers(answer: Answer) -> list[dict[str, object]]:
    """Terms of each offer."""
    return [dict(offer.terms) for offer in answer.offers]


def test_a_cleared_model_needs_no_offer() -> None:
    """The permits are named, and nothing is asked of the provider."""
    answer = ask("openai/gpt-4o@us", "local-dev", "personal")
    assert (answer.codes, answer.offers) == ((), ())
    assert answer.permitted_by == ("confidential-data-to-providers-that-do-not-train",)


def test_health_data_needs_an_agreement_and_no_retention() -> None:
    """The agreement alone is not enough: what is behind the first rule is said too."""
    answer = ask("openai/gpt-4o@us", "clinic-scribe", "health")
    assert answer.codes == ("forbidden:health-data-only-under-a-baa",)
    assert offers(answer) == [
        {"business_associate_agreement": True, "content_kept_days": 0},
        {"business_associate_agreement": True, "self_hosted": True},
    ]
    assert answer.exceptions == ()


def test_an_exception_that_would_do_is_named() -> None:
    """Where only a permit is missing, the template that could stand in for it is named."""
    answer = ask("azure/gpt-4o@eu", "clinic-scribe", "health")
    assert answer.codes == ("not_permitted",)
    assert answer.exceptions == (TEMPLATE,)
    assert {"content_kept_days": 0} in offers(answer)


def test_what_the_caller_may_not_no_provider_can_offer() -> None:
    """A purpose that the caller lacks is not the provider's to mend."""
    rulings = Rulings(shipped_policy(), shipped_register(), CLASS_LEVELS, NOON)
    answer = why_not(rulings, "azure/gpt-4o@eu", rulings.situation("clinic-scribe", "general"))
    assert answer.codes == ("forbidden:only-for-a-purpose-of-the-caller",)
    assert answer.offers == ()


def test_a_region_is_offered() -> None:
    """A model outside the purpose's regions would have to be served inside one."""
    assert offers(ask("openai/gpt-4o@us", "hr-assistant", "personal")) == [{"region": "eu"}]


def test_a_lapsed_review_has_to_be_made_again() -> None:
    """A model without a valid review is offered nothing that leaves the review out."""
    answer = ask("openai/gpt-4o@us", "local-dev", days=800)
    assert "review_expired" in answer.codes
    assert offers(answer) == [{"review_valid": True}]


def test_a_provider_that_trains_would_have_to_stop() -> None:
    """Training on metadata counts too: all of it has to stop."""
    assert offers(ask("deepseek/deepseek-v4-flash@cn", "local-dev", "personal")) == [
        {"trains_on_content": False}
    ]


@pytest.mark.parametrize(
    ("condition", "offer"),
    [
        ("resource.provider.content_kept_days <= 7", {"content_kept_days": 7}),
        ("resource.provider.content_kept_days < 7", {"content_kept_days": 6}),
        ('resource.provider.certifications.contains("iso42001")', {"certifications": ["iso42001"]}),
        (
            'resource.provider.certifications.containsAll(["iso42001", "iso27001"])',
            {"certifications": ["iso27001", "iso42001"]},
        ),
        ('resource.provider.jurisdiction == "ch"', {"jurisdiction": "ch"}),
    ],
)
def test_the_least_that_would_do_is_asked_for(condition: str, offer: dict[str, object]) -> None:
    """Values come from the policies; of those that would do the least demanding is offered."""
    policy = policy_of(f'@id("p") @reason("r") permit(principal, action, resource) when {{ {condition} }};')
    assert offers(ask("openai/gpt-4o@us", "local-dev", policy=policy)) == [offer]


@pytest.mark.parametrize(
    ("is_signed", "kept_days", "is_cleared"), [(True, 0, True), (True, 30, False), (False, 0, False)]
)
def test_an_offer_clears_the_model_and_no_part_of_it_does(
    is_signed: bool, kept_days: int, is_cleared: bool
) -> None:
    """What is offered, written into the register, does what was said; a part of it does not."""
    register = shipped_register()
    openai = register.providers["openai"]
    agreement = openai.business_associate_agreement.model_copy(update={"value": is_signed})
    data = {
        n: getattr(openai, n).model_copy(update={"kept_days": kept_days}) for n in ("prompts", "responses")
    }
    changed = openai.model_copy(update={"business_associate_agreement": agreement, **data})
    reviewed = _review_of(register, changed)
    answer = ask("openai/gpt-4o@us", "clinic-scribe", "health", register=reviewed)
    assert (answer.codes == ()) is is_cleared


def _review_of(register: Register, provider: Provider) -> Register:
    """The register with a provider whose new terms have been reviewed."""
    review = provider.review.model_copy(update={"terms_sha256": provider.terms_sha256})  # type: ignore[union-attr]
    reviewed = provider.model_copy(update={"review": review})
    return replace(register, providers={**register.providers, provider.id: reviewed})


def test_an_attribute_is_found_with_what_it_is_held_against() -> None:
    """On either side of an operator, in sets, and without any literal."""
    resource = {".": {"left": {"Var": "resource"}, "attr": "days"}}
    node = {"&&": {"left": {"<": {"left": {"Value": 3}, "right": resource}}, "right": resource}}
    assert literals_by_attribute(node) == {"days": [3]}
