"""A decision leaves out what no review vouches for, says so on the record, and nothing lifts that."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from clearway.active_exception import ActiveException
from clearway.errors import RequestConflictError
from clearway.register import Register, load_register
from clearway.testing import NOON, fake_request, fake_router, policy_of, shipped_register

REGISTER = shipped_register()
OPENAI = REGISTER.providers["openai"]
MODELS = {model.id for model in REGISTER.models.values() if model.provider == "openai"}


def with_openai(**update: object) -> Register:
    """The shipped register with another version of one provider."""
    return replace(REGISTER, providers={**REGISTER.providers, "openai": OPENAI.model_copy(update=update)})


def lapsed() -> Register:
    """Its review ended the day before."""
    assert OPENAI.review is not None
    return with_openai(review=OPENAI.review.model_copy(update={"expires_on": date(2026, 11, 30)}))


def with_longer_retention() -> Register:
    """It keeps prompts longer than was reviewed."""
    return with_openai(prompts=OPENAI.prompts.model_copy(update={"kept_days": 31}))


OUT = [
    ("review_expired", lapsed()),
    ("terms_changed", with_longer_retention()),
    ("not_reviewed", with_openai(review=None)),
]


@pytest.mark.parametrize(("code", "register"), OUT)
def test_what_no_review_vouches_for_is_out_and_on_the_record(code: str, register: Register) -> None:
    """The models are excluded with the reason, as choice and as fallback; the others lose nothing."""
    decision = fake_router(register=register).decide(fake_request())
    codes = {item["model"]: item["codes"] for item in decision.record["candidates"]}
    assert {name for name, found in codes.items() if code in found} == MODELS
    assert not MODELS & {decision.model, *decision.fallbacks}
    assert decision.verdict == "route"
    assert decision.record["register"]["digest"] == register.digest


def test_a_new_model_is_out_even_where_policy_permits_it() -> None:
    """A model that the review does not cover is excluded by that alone."""
    new = REGISTER.models["openai/gpt-4o-mini@us"].model_copy(update={"id": "openai/new@us"})
    register = replace(REGISTER, models={**REGISTER.models, new.id: new})
    policy = policy_of('@id("all") @reason("r") permit (principal, action, resource);\n')
    record = fake_router(register=register, policy=policy).preview(fake_request()).record
    codes = {item["model"]: item["codes"] for item in record["candidates"]}
    assert "not_reviewed" in codes[new.id]
    assert "not_reviewed" not in codes["openai/gpt-4o-mini@us"]


@pytest.mark.parametrize(("code", "register"), OUT)
def test_no_exception_lifts_a_missing_review(code: str, register: Register) -> None:
    """An exception lifts the lack of a permit; a review it cannot stand in for."""
    text = '@id("lift") @reason("r") @exception permit (principal == ?principal, action, resource);\n'
    granted = ActiveException("e-1", "lift", "local-dev", provider="openai")
    router = fake_router(register=register, policy=policy_of(text), exceptions=(granted,))
    record = router.preview(fake_request()).record
    assert record["verdict"] == "refuse"
    assert record["exceptions"] == []
    assert all(code in item["codes"] for item in record["candidates"] if item["model"] in MODELS)


@pytest.mark.parametrize("register", [register for _, register in OUT])
def test_a_retry_does_not_outlive_what_was_reviewed(register: Register) -> None:
    """An answer given before is gone once the provider is out: terms that changed count like a lapse."""
    policy = policy_of('@id("o") @reason("r") permit (principal, action, resource);\n')
    only = {name: model for name, model in REGISTER.models.items() if name in MODELS}
    before = fake_router(register=replace(REGISTER, models=only), policy=policy)
    assert before.decide(fake_request()).model in MODELS
    after = fake_router(register=replace(register, models=only), policy=policy, ledger=before.ledger)
    with pytest.raises(RequestConflictError, match="no longer permitted"):
        after.decide(fake_request())


def test_archived_reviews_count_as_they_did() -> None:
    """A register of format 1 called a review that had not begun expired, so its decisions replay."""
    register = load_register(Path(__file__).parent / "format_1" / "register", is_archived=True)
    assert dict(register.not_eligible(NOON)) == {}
    early = set(register.not_eligible(NOON.replace(year=2025)).values())
    assert early == {"review_expired"}
