"""Optimiser: the cheapest cleared and capable model that is good enough. Pure, integers only.

Order: models that meet the floor come first, by cost, then success (higher first), then id; then those that
do not, by success (higher first), then cost, then id. The first is the choice, the next ones the fallbacks.
For a prompt that estimates say nothing about, no floor counts as met, and the incumbent comes before all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clearway.decision import Choice, Exclusion

# In ppm; above any probability.
_UNREACHABLE = 1_000_001


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model as the optimiser sees it.

    Attributes:
        model: Id in the register.
        success_ppm: Chance of an adequate answer, or None where there is no estimate.
        cost_nusd: Expected cost, or None where there is no price or no estimate.
        codes: Why it cannot be chosen; empty where it is cleared and capable.
        may_fall_back: Whether policy clears it as a fallback.
    """

    model: str
    success_ppm: int | None
    cost_nusd: int | None
    codes: tuple[str, ...] = ()
    may_fall_back: bool = True


def choose(
    candidates: Iterable[Candidate], *, floor_ppm: int, max_fallbacks: int, unknown_goes_to: str | None = None
) -> Choice:
    """Choice among candidates; every model that is neither chosen nor a fallback gets a code.

    Args:
        candidates: Each model of the register once.
        floor_ppm: Least success probability that counts as good enough.
        max_fallbacks: Most fallbacks to name.
        unknown_goes_to: The incumbent, where the estimates say nothing about this prompt; else None.

    >>> models = [Candidate("a", 900_000, 50), Candidate("b", 800_000, 10), Candidate("c", 400_000, 1)]
    >>> choice = choose(models, floor_ppm=700_000, max_fallbacks=1)
    >>> choice.model, choice.fallbacks, choice.excluded[0].codes
    ('b', ('a',), ('below_floor',))
    """
    is_unknown = unknown_goes_to is not None
    floor = _UNREACHABLE if is_unknown else floor_ppm
    everyone = sorted(candidates, key=lambda candidate: candidate.model)
    usable = (c for c in everyone if not _codes(c))
    ranked = sorted(usable, key=lambda c: (is_unknown and c.model != unknown_goes_to, *_rank(c, floor)))
    first = ranked[0] if ranked else None
    fallbacks = [c.model for c in ranked[1:] if c.may_fall_back][:max_fallbacks]
    kept = {*fallbacks, first.model if first else None}
    return Choice(
        model=first.model if first else None,
        fallbacks=tuple(fallbacks),
        floor_met=first is not None and _success(first) >= floor,
        expected_nusd=first.cost_nusd if first else None,
        excluded=tuple(
            Exclusion(c.model, _codes(c) or (_why_not(c, floor),)) for c in everyone if c.model not in kept
        ),
    )


def _rank(candidate: Candidate, floor_ppm: int) -> tuple[int, int, int, str]:
    success, cost = _success(candidate), candidate.cost_nusd or 0
    if success >= floor_ppm:
        return (0, cost, -success, candidate.model)
    return (1, -success, cost, candidate.model)


def _why_not(candidate: Candidate, floor_ppm: int) -> str:
    if floor_ppm == _UNREACHABLE:
        return "outside_training"
    return "not_cheapest" if _success(candidate) >= floor_ppm else "below_floor"


def _codes(candidate: Candidate) -> tuple[str, ...]:
    """Its codes; a model whose success or cost is unknown is neither good nor free, so it has one."""
    if candidate.codes:
        return candidate.codes
    if candidate.success_ppm is None:
        return ("no_success_estimate",)
    return ("no_price",) if candidate.cost_nusd is None else ()


def _success(candidate: Candidate) -> int:
    return candidate.success_ppm or 0
