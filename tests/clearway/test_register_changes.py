"""Comparing registers: what differs, term by term, and what that does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clearway.register import Register
from clearway.register_changes import Change, compare_registers
from clearway.testing import NOON, shipped_register

REGISTER = shipped_register()


def with_provider(name: str, update: dict[str, Any]) -> Register:
    """The shipped register with another version of a provider."""
    provider = REGISTER.providers[name].model_copy(update=update)
    return replace(REGISTER, providers={**REGISTER.providers, name: provider})


def test_equal_registers_have_no_difference() -> None:
    """A register compared with itself is silent."""
    changes = compare_registers(REGISTER, REGISTER, NOON)
    assert not changes
    assert changes.as_json()["eligibility"] == {"lost": {}, "gained": []}


def test_a_changed_term_is_named_with_its_consequence() -> None:
    """The difference gives path, before and after, and the models that it takes out; back, lets in."""
    prompts = REGISTER.providers["openai"].prompts.model_copy(update={"kept_days": 90})
    new = with_provider("openai", {"prompts": prompts})
    changes = compare_registers(REGISTER, new, NOON)
    assert changes.kinds["providers"].changed == {"openai": (Change("prompts.kept_days", 30, 90),)}
    own = tuple(m.id for m in REGISTER.models.values() if m.provider == "openai")
    assert dict(changes.lost) == dict.fromkeys(own, "terms_changed")
    assert compare_registers(new, REGISTER, NOON).gained == own


def test_models_prices_reviews_and_incumbent_are_compared() -> None:
    """What was added or removed is listed by id, each kind by itself."""
    gone = "openai/gpt-4o@us"
    fewer = replace(
        REGISTER,
        models={name: model for name, model in REGISTER.models.items() if name != gone},
        prices={name: rows for name, rows in REGISTER.prices.items() if name != gone},
        reviews=tuple(review for review in REGISTER.reviews if review.provider != "azure"),
        incumbent="openai/gpt-4o-mini@us",
    )
    found = compare_registers(REGISTER, fewer, NOON).as_json()
    assert found["models"]["removed"] == [gone]
    assert [name.split(" from ")[0] for name in found["prices"]["removed"]] == [gone] * len(
        REGISTER.prices[gone]
    )
    assert found["reviews"]["removed"] == ["azure #1"]
    assert found["incumbent"] == {"before": gone, "after": "openai/gpt-4o-mini@us"}
    assert compare_registers(fewer, REGISTER, NOON).kinds["models"].added == (gone,)
