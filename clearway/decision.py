"""Decision: the chosen model, the ordered fallbacks, and why every other model was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

Verdict = Literal["route", "refuse", "review"]
# Failures for which a gateway may try the next fallback. A provider that refuses for its content policy has
# answered: that refusal goes back to the caller, never to another provider.
FALL_BACK_ON: Final = ("rate_limited", "timeout", "unavailable")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A model that was left out, with every code that left it out, sorted."""

    model: str
    codes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in decisions and records."""
        return {"model": self.model, "codes": list(self.codes)}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the optimiser picked.

    Attributes:
        model: The chosen model, or None where no model is cleared and capable.
        fallbacks: Cleared and capable models to try next, in order.
        floor_met: Whether the chosen model's success probability meets the floor.
        expected_nusd: Expected cost of the chosen model in nano-dollars.
        excluded: Every other model, in order of id.
    """

    model: str | None
    fallbacks: tuple[str, ...]
    floor_met: bool
    expected_nusd: int | None
    excluded: tuple[Exclusion, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as recorded.

    Attributes:
        record: The record; see `Router.resolve` for its fields.
        leaf: Hex hash of its leaf in the ledger, or None for a dry run.
    """

    record: Mapping[str, Any]
    leaf: str | None

    @property
    def id(self) -> str:
        """Decision id."""
        return str(self.record["decision_id"])

    @property
    def verdict(self) -> str:
        """`route`, `refuse` or `review`."""
        return str(self.record["verdict"])

    @property
    def model(self) -> str | None:
        """Id of the chosen model."""
        return cast("str | None", self.record["model"])

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """Ids of the fallbacks, in order."""
        return tuple(self.record["fallbacks"])

    def as_json(self) -> dict[str, Any]:
        """The decision line of the command-line contract."""
        record = self.record
        classification = record["classification"]
        return {
            "id": record["request"]["id"],
            **{
                name: record[name]
                for name in ("decision_id", "verdict", "model", "provider", "region", "fallbacks")
            },
            "fall_back_on": list(FALL_BACK_ON),
            "level": classification["level"],
            "classes": classification["classes"],
            "flagged": classification["flagged"],
            **{
                name: record[name]
                for name in ("notes", "success_ppm", "success_basis", "floor_ppm", "floor_met")
            },
            "guarantee": record["guarantee"],
            "cost": record["cost"],
            "policy": record["policy"],
            "exceptions": record["exceptions"],
            "excluded": record["excluded"],
            "example_terms": record["example_terms"],
            "classifier": record["assessment"]["classifier"],
            "sensitivity": classification["detector"],
            "ledger": {"index": record.get("ledger_index"), "leaf": self.leaf},
        }
