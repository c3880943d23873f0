"""Whether a prompt sent elsewhere is under terms nowhere weaker: what an unchanged risk posture means."""

from __future__ import annotations

from typing import Final, NamedTuple

from clearway.register_terms import DataTerms, Provider

# As the page says it; `is_nowhere_weaker` is this and nothing else.
DEFINITION: Final = (
    "Terms are nowhere weaker where the provider sees no more of prompts, responses and metadata, keeps each "
    "for no longer and trains on none that the other does not train on; has a business associate agreement "
    "if the other has one; tells of an incident no later; names no further sub-processor; and has the same "
    "region and jurisdiction and at least the same certifications, unless you run it yourself."
)
_SEEN: Final = ("none", "partial", "full")


class Place(NamedTuple):
    """Where a prompt goes: a provider, and the region it is processed in."""

    provider: Provider
    region: str


def is_nowhere_weaker(candidate: Place, other: Place) -> bool:
    """Whether no term of a place is weaker than that of another one, as `DEFINITION` says.

    A provider that you run yourself needs no certificate and no jurisdiction: nobody else has the prompt.
    Whether a review vouches for the terms is for the clearance to say, as for every model.

    Args:
        candidate: The place in question.
        other: The place it is held against, such as the incumbent's.
    """
    mine, theirs = candidate.provider, other.provider
    return (
        all(
            _is_nowhere_weaker(one, another)
            for one, another in (
                (mine.prompts, theirs.prompts),
                (mine.responses, theirs.responses),
                (mine.metadata, theirs.metadata),
            )
        )
        and mine.business_associate_agreement.value >= theirs.business_associate_agreement.value
        and mine.incident_notice.within_hours <= theirs.incident_notice.within_hours
        and set(mine.sub_processors.value) <= set(theirs.sub_processors.value)
        and (mine.self_hosted or _is_bound_as_well(candidate, other))
    )


def _is_nowhere_weaker(one: DataTerms, another: DataTerms) -> bool:
    return (
        _SEEN.index(one.seen) <= _SEEN.index(another.seen)
        and one.kept_days <= another.kept_days
        and one.reused_for_training <= another.reused_for_training
    )


def _is_bound_as_well(candidate: Place, other: Place) -> bool:
    mine, theirs = candidate.provider, other.provider
    return (
        candidate.region == other.region
        and mine.jurisdiction.value == theirs.jurisdiction.value
        and set(mine.certifications.value) >= set(theirs.certifications.value)
    )
