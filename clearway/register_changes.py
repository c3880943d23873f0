"""What changed between two registers, and which models that takes out or lets in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clearway.register import Register
from clearway.register_terms import ReviewCode

_Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs.

    Attributes:
        path: Keys down to it, joined by dots.
        before: JSON value; None where it was absent.
        after: JSON value; None where it is absent.
    """

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Changes:
    """How the entries of one kind differ.

    Attributes:
        added: Ids, sorted.
        removed: Ids, sorted.
        changed: What differs in each entry that both have, by id.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[Change, ...]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in records."""
        changed = {
            name: [{"path": c.path, "before": c.before, "after": c.after} for c in changes]
            for name, changes in self.changed.items()
        }
        return {"added": list(self.added), "removed": list(self.removed), "changed": changed}


@dataclass(frozen=True, slots=True)
class RegisterChanges:
    """How one register differs from another.

    Attributes:
        kinds: Differences of `providers`, `models`, `prices` and `reviews`.
        incumbent: The incumbents, where they differ.
        lost: Models of both that may not be used any more, with the reason.
        gained: Models of both that may be used now, sorted.
    """

    kinds: Mapping[str, Changes]
    incumbent: Change | None
    lost: Mapping[str, ReviewCode]
    gained: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.incumbent is not None or any(self.kinds.values())

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in records."""
        moved = self.incumbent and {"before": self.incumbent.before, "after": self.incumbent.after}
        return {
            **{kind: changes.as_json() for kind, changes in self.kinds.items()},
            "incumbent": moved,
            "eligibility": {"lost": dict(self.lost), "gained": list(self.gained)},
        }


def compare_registers(before: Register, after: Register, at: datetime) -> RegisterChanges:
    """Differences of terms, deployments, prices and reviews, and what they do to eligibility.

    Args:
        before: The older register.
        after: The newer one.
        at: Aware; reviews are judged on this day under both.
    """
    old, new = _entries(before), _entries(after)
    was, now = before.not_eligible(at), after.not_eligible(at)
    both = [name for name in before.models if name in after.models]
    moved = Change("incumbent", before.incumbent, after.incumbent)
    return RegisterChanges(
        kinds={kind: _compare(old[kind], new[kind]) for kind in old},
        incumbent=moved if moved.before != moved.after else None,
        lost={name: now[name] for name in both if name in now and name not in was},
        gained=tuple(name for name in both if name in was and name not in now),
    )


def _entries(register: Register) -> dict[str, _Entries]:
    providers = {
        name: one.model_dump(mode="json", exclude={"review"}) for name, one in register.providers.items()
    }
    rows = [row for rows in register.prices.values() for row in rows]
    counts: dict[str, int] = {}
    reviews = {}
    for review in register.reviews:
        number = counts[review.provider] = counts.get(review.provider, 0) + 1
        reviews[f"{review.provider} #{number}"] = review.model_dump(mode="json")
    return {
        "providers": providers,
        "models": {name: model.model_dump(mode="json") for name, model in register.models.items()},
        "prices": {f"{row.model} from {row.effective_from}": row.model_dump(mode="json") for row in rows},
        "reviews": reviews,
    }


def _compare(before: _Entries, after: _Entries) -> Changes:
    both = sorted(name for name in before if name in after)
    changed = {name: tuple(_changes(before[name], after[name])) for name in both}
    return Changes(
        added=tuple(sorted(set(after) - set(before))),
        removed=tuple(sorted(set(before) - set(after))),
        changed={name: found for name, found in changed.items() if found},
    )


def _changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Leaves that differ; a list is one value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif before != after:
        yield Change(path, before, after)
