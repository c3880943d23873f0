"""What counts as terms nowhere weaker, one term at a time."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.register_terms import Provider
from clearway.testing import shipped_register
from training.report.sources.posture import Place, is_nowhere_weaker

AZURE = shipped_register().providers["azure"]
ON_PREMISES = shipped_register().providers["on-premises"]


def with_term(provider: Provider, name: str, **changes: Any) -> Provider:
    """The provider with another value in one term."""
    return provider.model_copy(update={name: getattr(provider, name).model_copy(update=changes)})


def test_the_same_place_is_nowhere_weaker() -> None:
    """A place holds against itself."""
    assert is_nowhere_weaker(Place(AZURE, "eu"), Place(AZURE, "eu"))


@pytest.mark.parametrize(
    ("name", "weaker"),
    [
        ("metadata", {"seen": "full"}),
        ("prompts", {"kept_days": 31}),
        ("responses", {"kept_days": 31}),
        ("metadata", {"reused_for_training": True}),
        ("business_associate_agreement", {"value": False}),
        ("certifications", {"value": ["soc2_type2"]}),
        ("sub_processors", {"value": ["EXAMPLE sub-processor", "another"]}),
        ("incident_notice", {"within_hours": 73}),
        ("jurisdiction", {"value": "fr"}),
    ],
)
def test_one_weaker_term_is_enough(name: str, weaker: dict[str, Any]) -> None:
    """Each term by itself makes a place weaker, and the other way round the place is stronger."""
    changed = Place(with_term(AZURE, name, **weaker), "eu")
    assert not is_nowhere_weaker(changed, Place(AZURE, "eu"))
    assert is_nowhere_weaker(Place(AZURE, "eu"), changed) == (name != "jurisdiction")


def test_another_region_is_weaker() -> None:
    """The same terms elsewhere are another posture, in both directions."""
    assert not is_nowhere_weaker(Place(AZURE, "us"), Place(AZURE, "eu"))
    assert not is_nowhere_weaker(Place(AZURE, "eu"), Place(AZURE, "us"))


def test_what_you_run_yourself_needs_no_certificate() -> None:
    """A model of one's own holds against any region and certificate, but only with terms as good."""
    assert is_nowhere_weaker(Place(ON_PREMISES, "on_premises"), Place(AZURE, "eu"))
    kept = with_term(ON_PREMISES, "metadata", kept_days=366)
    assert not is_nowhere_weaker(Place(kept, "on_premises"), Place(AZURE, "eu"))
    assert not is_nowhere_weaker(Place(AZURE, "eu"), Place(ON_PREMISES, "on_premises"))
