"""The report as Markdown: the same blocks as the page, charts in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import singledispatch
from typing import Final

from training.report.page.blocks import (
    Block,
    Bullets,
    Cell,
    Figures,
    Paragraph,
    PlaneChart,
    RangeChart,
    Section,
    StepChart,
    Table,
)
from training.report.page.document import make_document
from training.report.page.formats import said
from training.report.results import Report

_MARKS: Final = re.compile(r"([\\`*_\[\]<>|&#~])")


def render_markdown(report: Report) -> str:
    """The whole text."""
    document = make_document(report)
    parts = [f"# {_escape(document.title)}", _escape(document.subtitle), *map(_section, document.sections)]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> str:
    texts = (render_block(block) for block in section.blocks)
    return "\n\n".join([f"{'#' * section.level} {_escape(section.title)}", *filter(None, texts)])


@singledispatch
def render_block(block: Block) -> str:
    """One block."""
    raise NotImplementedError(type(block).__name__)


@render_block.register
def _(block: Paragraph) -> str:
    return f"> {_escape(block.text)}" if block.is_warning else _escape(block.text)


@render_block.register
def _(block: Bullets) -> str:
    return "\n".join(f"- {_escape(item)}" for item in block.items)


@render_block.register
def _(block: Figures) -> str:
    rows = ((Cell(label), cell, Cell(note)) for label, cell, note in block.items)
    return _table(block.caption, ("What", "Number", "Of"), rows, (False, True, False))


@render_block.register
def _(block: Table) -> str:
    is_number = tuple(n > 0 and n not in block.words for n in range(len(block.header)))
    return _table(block.caption, block.header, block.rows, is_number)


def _table(
    caption: str, header: Iterable[str], rows: Iterable[tuple[Cell, ...]], is_number: Iterable[bool]
) -> str:
    lines = [_line(map(_escape, header)), _line("--:" if number else "---" for number in is_number)]
    lines += [_line(_escape(said(cell)) for cell in row) for row in rows]
    return f"**{_escape(caption)}**\n\n" + "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


@render_block.register(RangeChart)
@render_block.register(StepChart)
@render_block.register(PlaneChart)
def _(block: RangeChart | StepChart | PlaneChart) -> str:
    return f"*Chart on the page: {_escape(block.title)}.* {_escape(block.alt)}"


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, links not made of addresses."""
    return _MARKS.sub(r"\\\1", text).replace("://", ":\\/\\/").replace("www.", "www\\.")
