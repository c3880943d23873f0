"""The class table: which entity is evidence for which data class, and how bad each class is.

Needs neither Presidio nor spaCy: policy and labels read class names and levels from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from clearway.assessment import PPM, Level
from clearway.errors import ConfigurationError
from clearway.strict_yaml import Strict, YamlFile

TABLE_FILE: Final = "classes.yaml"
REQUIRED_NOTES: Final = frozenset(
    {"image", "language_unsupported", "sensitivity_unknown", "truncated", "undecodable", "unread_part"}
)

LevelName = Literal["public", "internal", "confidential", "restricted"]
Ppm = Annotated[int, Field(strict=True, ge=0, le=PPM)]
PositivePpm = Annotated[int, Field(strict=True, ge=1, le=PPM)]
ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
EntityName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class Evidence(Strict):
    """How much one entity type says for a class: its score times the weight, from a least score up."""

    weight_ppm: PositivePpm
    min_score_ppm: Ppm


class ClassRow(Strict):
    """One data class: level, threshold, and the entity types that are evidence for it."""

    level: LevelName
    threshold_ppm: PositivePpm = PPM
    evidence: dict[EntityName, Evidence] = Field(default_factory=dict)
    entities: dict[EntityName, Ppm] = Field(default_factory=dict)


class Combination(Strict):
    """An entity that is evidence for a class only beside others in the same request."""

    class_: ClassName = Field(alias="class")
    entity: EntityName
    min_score_ppm: Ppm
    with_classes: tuple[ClassName, ...] = ()
    with_entities: tuple[EntityName, ...] = ()


class _TableFile(Strict):
    version: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    classes: Annotated[dict[ClassName, ClassRow], Field(min_length=1)]
    combinations: tuple[Combination, ...] = ()
    notes: dict[ClassName, LevelName]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The table as loaded.

    Attributes:
        version: The table's own version.
        classes: Row of each data class.
        combinations: Rules over a whole request.
        class_levels: Level of each data class.
        note_levels: Level of each note.
    """

    version: str
    classes: Mapping[str, ClassRow]
    combinations: tuple[Combination, ...]
    class_levels: Mapping[str, Level]
    note_levels: Mapping[str, Level]

    def note_level(self, note: str) -> Level:
        """Level of a note; a note the table does not know is restricted (doubt denies)."""
        return self.note_levels.get(note, Level.RESTRICTED)

    @property
    def entities(self) -> tuple[str, ...]:
        """Every entity type the table mentions, sorted."""
        named = {entity for row in self.classes.values() for entity in (*row.evidence, *row.entities)}
        for rule in self.combinations:
            named |= {rule.entity, *rule.with_entities}
        return tuple(sorted(named))


def load_class_table(folder: Path) -> ClassTable:
    """Class table of a folder; imports no classifier.

    Raises:
        ConfigurationError: The file is missing or not as described in it; the text names the line.
    """
    file = YamlFile(folder / TABLE_FILE, ConfigurationError)
    table = file.parse(_TableFile)
    _check_references(file, table)
    return ClassTable(
        version=table.version,
        classes=MappingProxyType(table.classes),
        combinations=table.combinations,
        class_levels=MappingProxyType(
            {name: Level.parse(row.level) for name, row in sorted(table.classes.items())}
        ),
        note_levels=MappingProxyType(
            {name: Level.parse(level) for name, level in sorted(table.notes.items())}
        ),
    )


def _check_references(file: YamlFile, table: _TableFile) -> None:
    """Combinations name classes of the table; every note that can occur has a level."""
    for index, rule in enumerate(table.combinations):
        for key, names in (("class", (rule.class_,)), ("with_classes", rule.with_classes)):
            for name in names:
                if name not in table.classes:
                    raise file.fault(
                        ("combinations", index, key), f"{name}: no such class; name one of this file"
                    )
    missing = sorted(REQUIRED_NOTES - set(table.notes))
    if missing:
        raise file.fault(("notes",), f"{missing[0]}: note without a level; add it to notes")
