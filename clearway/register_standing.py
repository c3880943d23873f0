"""How a provider or a model of the register stands on a day, in JSON: what people and machines are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clearway.register import Register
from clearway.register_terms import day_of


def standing_json(register: Register, provider_id: str, at: datetime) -> dict[str, Any]:
    """A line about a provider.

    Returns:
        What it keeps and reuses, its review's last day, its standing (`reviewed` or the code), and of
        its models how many may be used.
    """
    provider = register.providers[provider_id]
    codes = _codes(register, provider_id, at)
    return {
        "provider": provider.id,
        "name": provider.name,
        "jurisdiction": provider.jurisdiction.value,
        "content_kept_days": provider.content_kept_days,
        "trains_on_content": provider.trains_on_content,
        "reviewer": provider.review.reviewer if provider.review else None,
        "review_basis": provider.review.basis if provider.review else None,
        "expires_on": provider.review.expires_on.isoformat() if provider.review else None,
        "standing": provider.review_code(day_of(at)) or "reviewed",
        "n_models": len(codes),
        "n_eligible": sum(code is None for code in codes.values()),
        "example_terms": list(provider.example_terms),
    }


def provider_json(register: Register, provider_id: str, at: datetime) -> dict[str, Any]:
    """Everything about a provider: standing, terms, every review, and each model with its code or None."""
    provider = register.providers[provider_id]
    reviews = [r.model_dump(mode="json") for r in register.reviews if r.provider == provider_id]
    return {
        **standing_json(register, provider_id, at),
        "terms": provider.model_dump(mode="json", exclude={"id", "name", "review"}),
        "terms_sha256": provider.terms_sha256,
        "models": _codes(register, provider_id, at),
        "reviews": reviews,
    }


def model_json(register: Register, model_id: str, at: datetime) -> dict[str, Any]:
    """Everything about a model: deployment, limits, the price in force, its code or None."""
    model, price = register.models[model_id], register.price(model_id, at)
    facts = model.model_dump(mode="json", exclude={"id"})
    return {
        "model": model_id,
        "standing": register.not_eligible(at).get(model_id, "reviewed"),
        "terms": facts,
        "price": price
        and {
            "input_nusd_per_mtok": price.input_nusd_per_mtok,
            "output_nusd_per_mtok": price.output_nusd_per_mtok,
        },
        "example_terms": list(register.example_terms(model_id, at)),
    }


def _codes(register: Register, provider_id: str, at: datetime) -> dict[str, str | None]:
    codes = register.not_eligible(at)
    return {m.id: codes.get(m.id) for m in register.models.values() if m.provider == provider_id}
