"""Charts as SVG that stands in the page itself: drawn by Altair, for a wide place and for a narrow one.

Shades, shapes and dashes tell the same as colours would, so that a print without colour loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import altair as alt
import vl_convert

from training.report.page.blocks import Chart, PlaneChart, Range, RangeChart, StepChart

# Pixels across, the axis of names left out, for a page and for a telephone.
WIDE, NARROW = 740, 230
_VEGA_LITE: Final = "6.4"
_INK, _SHADE, _PALE = "#17375e", "#7f9fc4", "#8a8a8a"
_FONT: Final = "Arial, Helvetica, Liberation Sans, sans-serif"
# A label is drawn twice: white round it first, so that it reads on a line.
_HALO: Final[tuple[dict[str, Any], ...]] = (
    {"stroke": "white", "strokeWidth": 3, "color": "white"},
    {"color": "#222"},
)
_DASHES: Final = ([1, 0], [6, 3], [2, 2], [10, 3, 2, 3], [4, 6])
# Costs that span more than this are shown on a logarithmic scale.
_SPREAD: Final = 30.0


def draw(chart: Chart, width: int) -> str:
    """The chart as an SVG element.

    Args:
        chart: What to draw.
        width: `WIDE` or `NARROW`.
    """
    if isinstance(chart, RangeChart):
        drawn: Any = _ranges(chart, width)
    elif isinstance(chart, StepChart):
        drawn = _steps(chart, width)
    else:
        drawn = _plane(chart, width)
    size = 12 if width == WIDE else 11
    drawn = (
        drawn.configure(font=_FONT, background="white", aria=False)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=size, titleFontSize=size, titleFontWeight="normal", gridColor="#e4e4e4")
        .configure_legend(labelFontSize=size, title=None, symbolSize=80)
        .configure_header(labelFontSize=size)
    )
    svg: str = vl_convert.vegalite_to_svg(drawn.to_dict(), vl_version=_VEGA_LITE)
    return svg


def _ranges(chart: RangeChart, width: int) -> Any:
    is_wide = width == WIDE
    names = distinct([label for label, _ in chart.rows])
    across = (width - 20) // len(chart.panels) if is_wide else width - 30
    panels = [
        _panel(
            title,
            [(label, ranges[n]) for label, (_, ranges) in zip(names, chart.rows, strict=True)],
            across,
            names[0] if chart.has_lead else "",
            has_names=not (is_wide and n),
        )
        for n, title in enumerate(chart.panels)
    ]
    return alt.hconcat(*panels, spacing=20) if is_wide else alt.vconcat(*panels, spacing=24)


def _panel(
    title: str, rows: Sequence[tuple[str, Range | None]], width: int, lead: str, *, has_names: bool
) -> Any:
    known = [(label, one) for label, one in rows if one is not None]
    values = [
        {
            "name": label,
            "value": one.value,
            "low": one.value if one.low is None else one.low,
            "high": one.value if one.high is None else one.high,
            "label": one.label,
            "kind": "lead" if label == lead else "other",
        }
        for label, one in known
    ]
    limit = 170 if width > NARROW else 120
    axis = alt.Axis(title=None, labelLimit=limit, ticks=False, domain=False, labels=has_names, grid=False)
    y = alt.Y("name:N", sort=None, axis=axis, scale=alt.Scale(domain=[label for label, _ in rows]))
    x = alt.X(
        "low:Q",
        title=title,
        axis=alt.Axis(tickCount=5, labelFlush=False),
        scale=alt.Scale(domain=_domain(values)),
    )
    shown = alt.Chart(alt.InlineData(values=values))
    zero = alt.Chart(alt.InlineData(values=[{"zero": 0}])).mark_rule(strokeDash=[3, 3], color="#555")
    shade = alt.Scale(domain=["lead", "other"], range=[_INK, _PALE])
    shape = alt.Scale(domain=["lead", "other"], range=["diamond", "circle"])
    colour = alt.Color("kind:N", scale=shade, legend=None)
    return alt.layer(
        zero.encode(x=alt.X("zero:Q")),
        shown.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q", y=y, color=colour),
        shown.mark_point(filled=True, opacity=1, size=90).encode(
            x="value:Q", y=y, color=colour, shape=alt.Shape("kind:N", scale=shape, legend=None)
        ),
        *(
            shown.mark_text(dy=-15, fontSize=12, **look).encode(x="value:Q", y=y, text="label:N")
            for look in _HALO
        ),
    ).properties(width=width, height=alt.Step(42))


def _domain(values: Iterable[dict[str, Any]]) -> list[float]:
    """From the least end to the greatest, with 0 and room for the labels."""
    ends = [0.0, *(float(row[key]) for row in values for key in ("low", "high"))]
    least, most = min(ends), max(ends)
    room = 0.12 * (most - least) or 1.0
    return [least - room, most + room]


def _steps(chart: StepChart, width: int) -> Any:
    names = distinct([step.name for step in chart.steps])
    values = [
        {
            "name": label,
            "start": step.start,
            "end": step.end,
            "label": step.label,
            "kind": "total" if step.is_total else "part",
        }
        for label, step in zip(names, chart.steps, strict=True)
    ]
    most = max((step.end for step in chart.steps), default=0.0) or 1.0
    shown = alt.Chart(alt.InlineData(values=values))
    axis = alt.Axis(title=None, ticks=False, domain=False, grid=False)
    y = alt.Y("name:N", sort=None, axis=axis)
    x = alt.X(
        "start:Q",
        title="USD",
        axis=alt.Axis(tickCount=5),
        scale=alt.Scale(domain=[0, most * (1.18 if width == WIDE else 1.4)]),
    )
    shade = alt.Scale(domain=["total", "part"], range=[_INK, _SHADE])
    bars = shown.mark_bar(height=20, stroke=_INK, strokeWidth=1).encode(
        x=x, x2="end:Q", y=y, color=alt.Color("kind:N", scale=shade, legend=None)
    )
    labels = shown.mark_text(align="left", dx=6, fontSize=12, color="#222").encode(
        x="end:Q", y=y, text="label:N"
    )
    return alt.layer(bars, labels).properties(width=width, height=alt.Step(32))


def _plane(chart: PlaneChart, width: int) -> Any:
    points = [
        {"name": spot.name, "cost": spot.cost, "quality": 100 * spot.quality}
        for spot in chart.spots
        if not spot.is_on_line
    ]
    lines = [
        {"name": spot.name, "cost": spot.cost, "quality": 100 * spot.quality, "order": n}
        for n, spot in enumerate(chart.spots)
        if spot.is_on_line
    ]
    scale = _cost_scale([spot.cost for spot in chart.spots])
    unit = "USD per 1,000 prompts" + (", logarithmic" if scale.type == "log" else "")
    x = alt.X("cost:Q", title=unit, scale=scale)
    shown = quality_domain([100 * spot.quality for spot in chart.spots])
    y = alt.Y("quality:Q", title="Quality (%)", scale=alt.Scale(domain=shown, nice=False))
    return alt.layer(
        *_lines(lines, x, y, columns=2 if width == WIDE else 1), *_points(points, x, y)
    ).properties(width=width, height=300 if width == WIDE else 240)


def _lines(values: list[dict[str, Any]], x: Any, y: Any, columns: int) -> list[Any]:
    if not values:
        return []
    names = list(dict.fromkeys(row["name"] for row in values))
    shown = alt.Chart(alt.InlineData(values=values))
    legend = alt.Legend(orient="bottom", columns=columns, labelLimit=260, symbolType="stroke", symbolSize=600)
    dash = alt.Scale(domain=names, range=[_DASHES[n % len(_DASHES)] for n in range(len(names))])
    shade = alt.Scale(domain=names, range=[(_INK, "#a0522d", "#555555")[n % 3] for n in range(len(names))])
    return [
        shown.mark_line(strokeWidth=2).encode(
            x=x,
            y=y,
            order="order:Q",
            strokeDash=alt.StrokeDash("name:N", scale=dash, legend=legend),
            color=alt.Color("name:N", scale=shade, legend=legend),
        )
    ]


def _points(values: list[dict[str, Any]], x: Any, y: Any) -> list[Any]:
    if not values:
        return []
    shown = alt.Chart(alt.InlineData(values=values))
    return [
        shown.mark_point(size=60, shape="square", filled=True, opacity=1, color="#222").encode(x=x, y=y),
        *(
            shown.mark_text(align="left", dx=7, dy=-7, fontSize=12, fontWeight="bold", **look).encode(
                x=x, y=y, text="name:N"
            )
            for look in _HALO
        ),
    ]


def _cost_scale(costs: Sequence[float]) -> Any:
    least, most = min(costs, default=0.0), max(costs, default=1.0)
    if least > 0 and most / least > _SPREAD:
        return alt.Scale(type="log", nice=False, padding=20)
    return alt.Scale(domain=[0, most * 1.08 or 1.0], nice=False)


def quality_domain(percents: Sequence[float]) -> list[float]:
    """From below the least to above the greatest, but not below nothing or above everything.

    >>> quality_domain([50.0, 100.0]), quality_domain([1.0, 51.0]), quality_domain([])
    ([46.0, 100.0], [0.0, 55.0], [0.0, 100.0])
    """
    least, most = min(percents, default=0.0), max(percents, default=100.0)
    room = 0.08 * (most - least) or 1.0
    return [max(0.0, least - room), min(100.0, most + room)]


def distinct(names: Sequence[str]) -> list[str]:
    """Names that no other row of the chart has.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: dict[str, int] = {}
    told = []
    for label in names:
        seen[label] = seen.get(label, 0) + 1
        told.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return told
