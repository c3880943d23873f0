"""Past decisions under another policy or register: what would have come out otherwise.

The recorded facts are decided again, as replay does, with the parts that are given and on one day: what the
classifiers said, the session and the exceptions in force then are taken from the record. A model that the
classifier had no estimate for at that time cannot be chosen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from clearway.assessment import ClassifierIdentity, Complexity, Level, Sensitivity
from clearway.errors import SensitivityError, UnknownCallerError
from clearway.ledger.store import Ledger
from clearway.policy import Policy
from clearway.record import Facts, facts_of
from clearway.register import Register
from clearway.request import Request
from clearway.router import Router
from clearway.sensitivity import ClassTable

_COMPARED = ("verdict", "model", "provider", "region")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One decision, as it was and as it would be.

    Attributes:
        decision_id: The decision.
        before: Verdict, model, provider, region, fallbacks and cost in nano-dollars, as recorded.
        after: The same, as they would be.
        codes: What would leave out the recorded model; empty where it would be cleared.
    """

    decision_id: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    codes: tuple[str, ...]

    def changes(self, name: str) -> bool:
        """Whether a field would differ."""
        return bool(self.before[name] != self.after[name])

    @property
    def is_changed(self) -> bool:
        """Whether anything would."""
        return dict(self.before) != dict(self.after)

    @property
    def is_newly_refused(self) -> bool:
        """Whether it went somewhere and would not any more."""
        return self.before["model"] is not None and self.after["model"] is None

    @property
    def is_newly_routed(self) -> bool:
        """Whether it was refused and would go somewhere."""
        return self.before["model"] is None and self.after["model"] is not None

    def as_json(self) -> dict[str, Any]:
        """One line of `clearway policy what-if --json`."""
        return {
            "decision_id": self.decision_id,
            "changed": self.is_changed,
            "before": dict(self.before),
            "after": dict(self.after),
            "codes": list(self.codes),
        }


class _Recorded:
    """Stands where the classifiers stand: what they said is in the record, so neither is asked.

    Args:
        table: Levels of classes and notes.
    """

    identity = ClassifierIdentity("recorded", "0", "0" * 64)

    def __init__(self, table: ClassTable) -> None:
        self.class_levels: Mapping[str, Level] = table.class_levels
        self.note_levels: Mapping[str, Level] = table.note_levels

    def score(self, request: Request) -> Complexity:  # noqa: ARG002  # a protocol
        """Nothing: no text is at hand."""
        raise SensitivityError("a recorded decision is not assessed again")

    def scan(self, request: Request) -> Sensitivity:  # noqa: ARG002  # a protocol
        """Nothing: no text is at hand."""
        raise SensitivityError("a recorded decision is not assessed again")


def recorded_router(policy: Policy, register: Register, table: ClassTable, ledger: Ledger) -> Router:
    """A router for `compare`: it can resolve recorded facts, and assess nothing."""
    recorded = _Recorded(table)
    return Router(policy=policy, register=register, complexity=recorded, sensitivity=recorded, ledger=ledger)


def compare(
    router: Router, records: Iterable[Mapping[str, Any]], at: datetime | None
) -> Iterator[Comparison]:
    """Each recorded decision beside what the router would decide.

    Args:
        router: The other policy or register; its classifiers are not asked.
        records: Decision records.
        at: Time at which reviews, prices and identities count; each decision's own where None.
    """
    for record in records:
        facts = facts_of(record)
        facts = replace(facts, at=at) if at is not None else facts
        yield _compare(router, record, facts)


def summary(comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Counts of what would change, and cost before and after of the decisions routed both times."""
    found = list(comparisons)
    both = [c for c in found if c.before["cost_nusd"] is not None and c.after["cost_nusd"] is not None]
    return {
        "n_decisions": len(found),
        "n_changed": sum(c.is_changed for c in found),
        **{f"n_{name}": sum(c.changes(name) for c in found) for name in ("model", "provider", "region")},
        "n_fallbacks": sum(c.changes("fallbacks") for c in found),
        "n_cost": sum(c.changes("cost_nusd") for c in found),
        "n_newly_refused": sum(c.is_newly_refused for c in found),
        "n_newly_routed": sum(c.is_newly_routed for c in found),
        "n_routed_both": len(both),
        "cost_before_nusd": sum(c.before["cost_nusd"] for c in both),
        "cost_after_nusd": sum(c.after["cost_nusd"] for c in both),
        "newly_refused": [c.decision_id for c in found if c.is_newly_refused],
    }


def _compare(router: Router, record: Mapping[str, Any], facts: Facts) -> Comparison:
    before = _outcome(record)
    identifier = str(record["decision_id"])
    try:
        links = (facts.caller.agent, *facts.caller.chain)
        router.policy.callers.check_chain(links, facts.caller.user, facts.at)
    except UnknownCallerError as fault:
        nothing = dict.fromkeys(before) | {"verdict": "refuse", "fallbacks": []}
        return Comparison(identifier, before, nothing, (fault.code,))
    resolved = router.resolve(facts)
    codes = {c["model"]: tuple(c["codes"]) for c in resolved["candidates"]}
    gone = ("not_in_register",) if before["model"] else ()
    return Comparison(identifier, before, _outcome(resolved), codes.get(before["model"], gone))


def _outcome(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: record[name] for name in _COMPARED},
        "fallbacks": list(record["fallbacks"]),
        "cost_nusd": record["cost"]["expected_nusd"],
    }
