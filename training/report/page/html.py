"""The report as one HTML page: no script, nothing loaded from elsewhere, every text escaped."""

from __future__ import annotations

from functools import singledispatch
from html import escape
from importlib.resources import files
from typing import Final

from training.report.page.blocks import (
    Block,
    Bullets,
    Cell,
    Document,
    Figures,
    Paragraph,
    PlaneChart,
    RangeChart,
    Section,
    StepChart,
    Table,
)
from training.report.page.document import make_document
from training.report.page.formats import NOT_MEASURED
from training.report.results import Report

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
# A value of the head longer than this is words, set smaller.
_SHORT: Final = 9
# A table of no more rows is printed on one page.
_ONE_PAGE: Final = 12
# A word longer than this, such as a digest, may be broken anywhere.
_LONG: Final = 32


def render_html(report: Report) -> str:
    """The whole page."""
    return render_document(make_document(report))


def render_document(document: Document) -> str:
    """A document as a page."""
    style = files("training.report.page").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(
        f'<a href="#{section.anchor}">{escape(section.title)}</a> '
        for section in document.sections
        if section.level == 2
    )
    body = "".join(_section(section) for section in document.sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(document.title)}</title>\n<style>\n{style}</style></head>\n<body>\n"
        f'<header><h1>{escape(document.title)}</h1><p class="sub">{escape(document.subtitle)}</p>'
        f'<nav aria-label="Contents">{links}</nav></header>\n<main>\n{body}</main>\n</body></html>\n'
    )


def _section(section: Section) -> str:
    blocks = "\n".join(_html(block) for block in section.blocks)
    title = f'<h{section.level} id="{section.anchor}">{escape(section.title)}</h{section.level}>'
    return f'<section aria-labelledby="{section.anchor}">{title}\n{blocks}\n</section>\n'


@singledispatch
def _html(block: Block) -> str:
    raise NotImplementedError(type(block).__name__)


@_html.register
def _(block: Paragraph) -> str:
    mark = ' class="warning"' if block.is_warning else ""
    return f"<p{mark}>{escape(block.text)}</p>"


@_html.register
def _(block: Bullets) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>" if block.items else ""


@_html.register
def _(block: Figures) -> str:
    items = "".join(_figure(label, cell, note) for label, cell, note in block.items)
    return f'<dl class="figures" aria-label="{escape(block.caption)}">{items}</dl>'


def _figure(label: str, cell: Cell, note: str) -> str:
    kind = "value" if len(cell.text) <= _SHORT else "value words"
    lines = "".join(f"<small>{escape(text)}</small>" for text in (cell.detail, note) if text)
    return (
        f'<div><dt>{escape(label)}</dt><dd><span class="{kind}">{escape(cell.text)}</span>{lines}</dd></div>'
    )


@_html.register
def _(block: Table) -> str:
    head = "".join(
        f'<th scope="col"{_align(block, n)}>{escape(text)}</th>' for n, text in enumerate(block.header)
    )
    rows = "\n".join(_row(block, row) for row in block.rows)
    frame = "frame short" if len(block.rows) <= _ONE_PAGE else "frame"
    return (
        f'<div class="{frame}"><table><caption>{escape(block.caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(table: Table, row: tuple[Cell, ...]) -> str:
    cells = "".join(
        f'<td{_align(table, n)} data-label="{escape(table.header[n])}">{_cell(cell)}</td>'
        for n, cell in enumerate(row)
        if n
    )
    return f'<tr><th scope="row">{_cell(row[0])}</th>{cells}</tr>'


def _align(table: Table, column: int) -> str:
    if column == 0:
        return ""
    if column not in table.words:
        return ' class="n"'
    is_long = any(len(row[column].text) > _LONG for row in table.rows)
    return ' class="w long"' if is_long else ' class="w"'


def _cell(cell: Cell) -> str:
    kind = ' class="why"' if cell.text == NOT_MEASURED else ""
    detail = f"<small{kind}>{escape(cell.detail)}</small>" if cell.detail else ""
    return f"<span>{escape(cell.text)}</span>{detail}"


@_html.register(RangeChart)
@_html.register(StepChart)
@_html.register(PlaneChart)
def _(block: RangeChart | StepChart | PlaneChart) -> str:
    from training.report.page.charts import NARROW, WIDE, draw

    drawn = "".join(
        draw(block, width).replace(
            "<svg ", f'<svg class="{kind}" role="img" aria-label="{escape(block.alt)}" ', 1
        )
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return f"<figure><figcaption>{escape(block.title)}</figcaption>{drawn}</figure>"
