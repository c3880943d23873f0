"""How many providers one session may reach, and which candidates that leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from clearway.decision import Choice
from clearway.optimiser import Candidate
from clearway.register import Register


def providers_named(register: Register, model: str | None, fallbacks: Iterable[str]) -> tuple[str, ...]:
    """Each provider that a choice names, once, in its order; a gateway may call any of them."""
    named = (model, *fallbacks) if model else ()
    return tuple(dict.fromkeys(register.models[name].provider for name in named))


def within_limit(
    candidates: list[Candidate], ranked: Choice, register: Register, reached: tuple[str, ...], limit: int
) -> list[Candidate]:
    """Candidates, those left out whose provider would be one too many for the session.

    Providers already reached stay; the places left go to others in the order of their best model, so that
    neither the choice nor any fallback leads beyond the limit.

    Args:
        candidates: Each model of the register once.
        ranked: The choice among them, with every other usable model as a fallback.
        register: Whose models these are.
        reached: Providers that the session reached before.
        limit: Most providers that it may reach.
    """
    new = [name for name in providers_named(register, ranked.model, ranked.fallbacks) if name not in reached]
    kept = {*reached, *new[: max(0, limit - len(reached))]}
    return [c if register.models[c.model].provider in kept else _left_out(c) for c in candidates]


def reached_json(reached: tuple[str, ...], named: tuple[str, ...], limit: int | None) -> dict[str, Any]:
    """What a record says of its session: providers before, how many with this decision, the limit."""
    return {"before": list(reached), "n_reached": len({*reached, *named}), "limit": limit}


def _left_out(candidate: Candidate) -> Candidate:
    return replace(candidate, codes=tuple(sorted({*candidate.codes, "session_providers"})))
