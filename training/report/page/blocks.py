"""What a document is made of: the page and the Markdown show the same blocks, so they say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Cell(NamedTuple):
    """One cell of a table.

    Attributes:
        text: What it says; for a number, the number.
        detail: Its interval, or why there is no number; empty where there is nothing to add.
    """

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text; a warning is set apart."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; the first cell of each names the row.

    Attributes:
        caption: What the rows are.
        header: Names of the columns.
        rows: As many cells each as there are columns.
        words: Columns that hold words, beside the first; all others hold numbers.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Figures:
    """The few numbers to read first: a label, the number, its interval."""

    caption: str
    items: tuple[tuple[str, Cell, str], ...]


class Range(NamedTuple):
    """A value with its interval on a chart; `label` is the same as the table's cell says it."""

    value: float
    low: float | None
    high: float | None
    label: str


@dataclass(frozen=True, slots=True)
class RangeChart:
    """Named ranges beside each other, for one or two quantities; no change stands at 0.

    Attributes:
        title: Finding or question.
        alt: What it shows, in words, for who does not see it.
        panels: Titles of the quantities.
        rows: Name, and for each panel its range or None where unknown.
        has_lead: Whether the first row stands out.
    """

    title: str
    alt: str
    panels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Range | None, ...]], ...]
    has_lead: bool = False


class Step(NamedTuple):
    """A bar of a step chart, from one amount to another, in USD."""

    name: str
    start: float
    end: float
    label: str
    is_total: bool


@dataclass(frozen=True, slots=True)
class StepChart:
    """From one total to another by what was added and taken away."""

    title: str
    alt: str
    steps: tuple[Step, ...]


class Spot(NamedTuple):
    """A place in the plane of cost and quality: a lettered point, or on the line of that name."""

    name: str
    cost: float
    quality: float
    is_on_line: bool


@dataclass(frozen=True, slots=True)
class PlaneChart:
    """Cost against quality: what has one place as a lettered point, what has several as a line."""

    title: str
    alt: str
    spots: tuple[Spot, ...]


Chart = RangeChart | StepChart | PlaneChart
Block = Paragraph | Bullets | Table | Figures | RangeChart | StepChart | PlaneChart


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading.

    Attributes:
        anchor: Id within the page.
        title: Heading.
        blocks: In order.
        level: 2 for a section, 3 for a part of one.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def words(*texts: str) -> tuple[Cell, ...]:
    """Cells without detail."""
    return tuple(Cell(text) for text in texts)


def present(blocks: Iterable[Block | None]) -> tuple[Block, ...]:
    """The blocks that there are."""
    return tuple(block for block in blocks if block is not None)
