"""The class table: how bad each data class is, and what a note counts as.

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
ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
EntityName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class ClassRow(Strict):
    """One data class: its level, and entities of a user's own that flag it by themselves."""

    level: LevelName
    entities: dict[EntityName, Ppm] = Field(default_factory=dict)


class _TableFile(Strict):
    version: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    classes: Annotated[dict[ClassName, ClassRow], Field(min_length=1)]
    notes: dict[ClassName, LevelName]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The table as loaded.

    Attributes:
        version: The table's own version.
        classes: Row of each data class.
        class_levels: Level of each data class.
        note_levels: Level of each note.
    """

    version: str
    classes: Mapping[str, ClassRow]
    class_levels: Mapping[str, Level]
    note_levels: Mapping[str, Level]

    def note_level(self, note: str) -> Level:
        """Level of a note; a note the table does not know is restricted (doubt denies)."""
        return self.note_levels.get(note, Level.RESTRICTED)

    @property
    def entities(self) -> tuple[str, ...]:
        """Every entity type that the table names, sorted."""
        return tuple(sorted({entity for row in self.classes.values() for entity in row.entities}))


def load_class_table(folder: Path) -> ClassTable:
    """Class table of a folder; imports no classifier.

    Raises:
        ConfigurationError: The file is missing or not as described in it; the text names the line.
    """
    file = YamlFile(folder / TABLE_FILE, ConfigurationError)
    table = file.parse(_TableFile)
    missing = sorted(REQUIRED_NOTES - set(table.notes))
    if missing:
        raise file.fault(("notes",), f"{missing[0]}: note without a level; add it to notes")
    return ClassTable(
        version=table.version,
        classes=MappingProxyType(table.classes),
        class_levels=MappingProxyType(
            {name: Level.parse(row.level) for name, row in sorted(table.classes.items())}
        ),
        note_levels=MappingProxyType(
            {name: Level.parse(level) for name, level in sorted(table.notes.items())}
        ),
    )
