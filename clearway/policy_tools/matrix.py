"""The trust-boundary map: which data class may reach which provider in which region, or by which rule not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clearway.assessment import Level
from clearway.policy_tools.situations import Ruling, Rulings
from clearway.register_standing import provider_json

# What a request may hold beside data classes.
_LEVEL_ROWS = (Level.PUBLIC, Level.INTERNAL, Level.CONFIDENTIAL, Level.RESTRICTED)
Status = Literal["all", "some", "none"]


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of data.

    Attributes:
        name: Data class, or `no class` where the level alone is known.
        level: Its level.
        classes: The data class, or none.
    """

    name: str
    level: Level
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of data, one provider, one region.

    Attributes:
        row: The kind of data.
        provider: Provider.
        region: Region.
        status: Whether all, some or none of those asked about may send it to a model there.
        cleared: Caller and purpose of those who may, sorted.
        models: Models there that somebody may use, sorted.
        codes: What leaves out those who may not, the most frequent first.
    """

    row: Row
    provider: str
    region: str
    status: Status
    cleared: tuple[tuple[str, str], ...]
    models: tuple[str, ...]
    codes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """One line of `clearway policy matrix --json`."""
        return {
            "class": self.row.classes[0] if self.row.classes else None,
            "level": self.row.level.label,
            "provider": self.provider,
            "region": self.region,
            "allowed": self.status,
            "callers": [{"caller": caller, "purpose": purpose} for caller, purpose in self.cleared],
            "models": list(self.models),
            "codes": list(self.codes),
        }


@dataclass(frozen=True)
class Matrix:
    """The whole map.

    Attributes:
        rows: Kinds of data: levels alone, then data classes by level.
        places: Provider and region of each column, sorted.
        cells: By row name, level, provider and region.
        asked: Caller and purpose of those it is about.
        rulings: What was asked.
    """

    rows: tuple[Row, ...]
    places: tuple[tuple[str, str], ...]
    cells: Mapping[tuple[Row, str, str], Cell]
    asked: tuple[tuple[str, str], ...]
    rulings: Rulings

    def providers(self) -> list[dict[str, Any]]:
        """Terms and standing of each provider, sorted by id."""
        register, at = self.rulings.register, self.rulings.at
        return [provider_json(register, name, at) for name in register.providers]


def make_matrix(rulings: Rulings, asked: Iterable[tuple[str, str]] | None = None) -> Matrix:
    """The map for some callers and purposes; for everyone registered by default.

    A user that an agent acts for can only lose what its agent has, so agents alone show the widest reach.
    """
    pairs = tuple(asked) if asked is not None else tuple(rulings.everyone())
    models = rulings.register.models.values()
    places = tuple(sorted({(model.provider, model.region) for model in models}))
    rows = _rows(rulings.class_levels)
    cells: dict[tuple[Row, str, str], Cell] = {}
    for row in rows:
        situations = {pair: rulings.situation(*pair, row.classes, level=row.level) for pair in pairs}
        ruled = {pair: rulings.rule(situation) for pair, situation in situations.items()}
        for provider, region in places:
            cells[row, provider, region] = _cell(rulings, row, (provider, region), ruled)
    return Matrix(rows, places, cells, pairs, rulings)


def _rows(class_levels: Mapping[str, Level]) -> tuple[Row, ...]:
    alone = [Row("no class", level, ()) for level in _LEVEL_ROWS]
    named = sorted(class_levels.items(), key=lambda item: (item[1], item[0]))
    return (*alone, *(Row(name, level, (name,)) for name, level in named))


def _cell(
    rulings: Rulings,
    row: Row,
    place: tuple[str, str],
    ruled: Mapping[tuple[str, str], Mapping[str, Ruling]],
) -> Cell:
    models = [m.id for m in rulings.register.models.values() if (m.provider, m.region) == place]
    cleared = sorted(pair for pair, of in ruled.items() if any(not of[m].codes for m in models))
    usable = sorted({m for of in ruled.values() for m in models if not of[m].codes})
    left_out = Counter(code for of in ruled.values() for m in models for code in of[m].codes)
    status: Status = "all" if not left_out else "some" if cleared else "none"
    codes = sorted(left_out, key=lambda code: (-left_out[code], code))
    return Cell(row, *place, status, tuple(cleared), tuple(usable), tuple(codes))
