"""The page, the Markdown and the JSON say the same, and nothing hostile gets through them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.training.report.example_report import bare_report, example_report
from training.report.page.blocks import Table
from training.report.page.document import make_document
from training.report.page.html import render_html
from training.report.page.markdown import render_markdown
from training.report.page.wording import FAULTS
from training.report.results import Arm, Count, Estimate, Fault, Point, Report, Scenario, from_json

HOSTILE = '<script>alert("1")</script>&amp;|`*_[x](https://evil.example)\u202egnp\x00\n\ud800' + "A" * 10_000
VOID = {"meta", "rect", "line", "path", "br"}


class Reader(HTMLParser):
    """Reads the rows of tables and the order of tags."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[list[str]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes it."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if {"td", "th"} & {*self.open[-3:]}:
            self.rows[-1][-1].append(data)


def hostile_report() -> Report:
    """Every name from outside is hostile, and numbers are no numbers."""
    report = example_report()
    odd = Estimate(math.nan, -math.inf, math.inf)
    return replace(
        report,
        about=replace(
            report.about,
            origin=HOSTILE,
            before=HOSTILE,
            kind=HOSTILE,
            notes=(HOSTILE,),
            engine=HOSTILE,
            classifiers={HOSTILE: HOSTILE},
            policies=(HOSTILE,),
            router_basis="{seed} {nothing} " + HOSTILE,
        ),
        money=replace(report.money, net_saving=odd, before_nusd=10**30, net_saved_nusd=Estimate(1e300)),
        faults=(Fault(HOSTILE, 10**30, -1),),
        arms=(Arm(HOSTILE, 1, 1, odd, 1, odd, odd, HOSTILE), *report.arms),
        slices=tuple(replace(part, dimension=HOSTILE, value=HOSTILE) for part in report.slices),
        exposure=tuple(replace(path, data_class=HOSTILE, provider=HOSTILE) for path in report.exposure),
        refusals=(Count(HOSTILE, 1), Count("forbidden:" + HOSTILE, 1)),
        exceptions=(Count(HOSTILE, 1),),
        detection=tuple(replace(one, data_class=HOSTILE) for one in report.detection),
        scenarios=tuple(_hostile_scenario(one) for one in report.scenarios),
        router_metrics=tuple(
            replace(one, source=HOSTILE, aiq={HOSTILE: odd}, points=(Point(HOSTILE, HOSTILE, math.nan, 0.5),))
            for one in report.router_metrics
        ),
        mlflow={HOSTILE: HOSTILE},
    )


def _hostile_scenario(one: Scenario) -> Scenario:
    return replace(one, name=HOSTILE, what=HOSTILE, moves=tuple(replace(m, now=HOSTILE) for m in one.moves))


@pytest.fixture(scope="module")
def page() -> str:
    """The example as a page."""
    return render_html(example_report())


@pytest.fixture(scope="module")
def hostile() -> str:
    """The hostile one as a page."""
    return render_html(hostile_report())


def markdown_rows(text: str) -> list[list[str]]:
    """Rows of all tables, unescaped; rules between head and body left out."""
    lines = [line[2:-2] for line in text.splitlines() if line.startswith("| ")]
    rows = [re.split(r"(?<!\\) \| ", line) for line in lines]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in rows if not {*row} <= {"---", "--:"}]


def plain(report: Report) -> str:
    """The Markdown, with the minus that keyboards have."""
    return render_markdown(report).replace("\N{MINUS SIGN}", "-")


def document_rows(report: Report) -> list[list[str]]:
    """Rows of all tables of the document, cells as one text."""
    tables = [
        block for part in make_document(report).sections for block in part.blocks if isinstance(block, Table)
    ]
    return [row for table in tables for row in ([*table.header], *([*map(" ".join, r)] for r in table.rows))]


def test_json_tells_the_whole_report(page: str) -> None:
    """A report read back from its JSON is that report, and renders the same bytes."""
    report = example_report()
    again = from_json(json.loads(json.dumps(report.as_json())))
    assert again == report
    assert render_html(again) == page
    assert render_markdown(again) == render_markdown(report)


def test_page_and_markdown_have_the_same_cells(page: str) -> None:
    """Each row of each table has the same cells in both."""
    html = [[" ".join(cell) for cell in row] for row in Reader(page).rows]
    told = [
        [re.sub(r" \((.*)\)$", r" \1", cell) for cell in row]
        for row in markdown_rows(render_markdown(example_report()))
    ]
    figures = 1 + len(("saved", "quality", "refused", "graded"))
    expected = [[re.sub(r" \((.*)\)$", r" \1", cell) for cell in row] for row in html]
    assert expected == told[figures:]
    assert len(html) > 60


@pytest.mark.parametrize("text", ["page", "hostile"])
def test_the_page_needs_nothing_from_elsewhere(text: str, request: pytest.FixtureRequest) -> None:
    """No script, no link outside, no address loaded: only anchors within the page."""
    reader = Reader(request.getfixturevalue(text))
    assert not {"script", "link", "img", "iframe", "object", "image", "use", "base"} & {
        tag for tag, _ in reader.tags
    }
    for _, attributes in reader.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "data", "action")
            assert name not in ("href", "xlink:href") or (value or "").startswith("#")
            assert "url(" not in (value or "")
    style = request.getfixturevalue(text).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_can_be_read_by_ear(page: str) -> None:
    """Language, headings in order, scopes, captions, and words for each chart."""
    reader = Reader(page)
    assert ("html", {"lang": "en"}) in reader.tags
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in attributes for tag, attributes in reader.tags if tag == "th")
    names = [tag for tag, _ in reader.tags]
    assert names.count("caption") == names.count("table")
    charts = [attributes for tag, attributes in reader.tags if tag == "svg"]
    assert len(charts) >= 8
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    anchors = [attributes["id"] for tag, attributes in reader.tags if "id" in attributes and tag[0] == "h"]
    assert len({*anchors}) == len(anchors)


def test_hostile_names_stay_text(hostile: str) -> None:
    """Markup is escaped, invisible and turning characters are named, long names are cut."""
    reader = Reader(hostile)
    assert "<script" not in hostile
    assert not reader.open
    assert not re.search("[\u0000-\u0008\u202a-\u202e\ud800-\udfff]", hostile)
    assert "\\u202e" in hostile
    assert "A" * 2_001 not in hostile
    assert len(hostile.encode()) < 400_000


def test_hostile_names_stay_text_in_markdown() -> None:
    """No row of a table is broken, no tag and no link is made."""
    text = render_markdown(hostile_report())
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "https://" not in text
    assert len(markdown_rows(text)) - 5 == len(document_rows(hostile_report()))


def test_a_name_that_runs_right_to_left_stands_by_itself() -> None:
    """It is isolated, so that it does not turn the text around it."""
    report = example_report()
    text = render_markdown(replace(report, exceptions=(Count("\u05d7\u05e8\u05d9\u05d2", 1),)))
    assert "\u2068\u05d7\u05e8\u05d9\u05d2\u2069" in text


def test_what_was_not_measured_is_said() -> None:
    """A report of nothing renders, and says that nothing was measured and why."""
    text = plain(bare_report())
    assert "not measured (no request has a cost both with and without routing)" in text
    assert "not measured (no outcome was reported)" in text
    assert "Nothing was found wrong." in text
    assert "<svg" not in render_html(bare_report())


def test_the_answer_comes_first() -> None:
    """Saving, quality, refusals and what quality rests on stand before everything else."""
    text = plain(example_report()).split("## What was saved")[0]
    for expected in (
        "| Saved, net of all costs | 33.8% (31.9% to 35.6%) | of $92.42 over 19,840 requests |",
        "| Quality, routed less before | -0.41 points (-1.18 to +0.36) |",
        "measured, the 4,310 of 19,876 requests known alike both ways |",
        "| Refused | 511 (2.5%) | of 20,412 requests |",
        "| Quality that rests on a grade | 21.7% | 4,310 of 19,876 answers; the rest is estimated |",
        "Quality (measured) is not shown to differ: -0.41 points (-1.18 to +0.36). A loss of 1.18 points",
        "For comparison, the best single model for everything: saves 24.1%",
        "For comparison, the same models in the same shares, dealt at random: saves 33.7%",
        "The quality of 15,566 of 19,876 answers is the classifier's own estimate",
        "grades on one side may stand against estimates on the other",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("saving", "told"),
    [
        (Estimate(0.3, 0.2, 0.4), "Routing saved 30.0% (20.0% to 40.0%)"),
        (Estimate(-0.3, -0.4, -0.2), "Routing cost more than it saved: -30.0%"),
        (
            Estimate(0.1, -0.1, 0.3),
            "A saving is not shown: 10.0% (-10.0% to 30.0%) includes none",
        ),
        (Estimate(0.1), "10.0% (no interval) was saved"),
        (None, "What was saved is not known"),
    ],
)
def test_the_verdict_goes_by_the_interval(saving: Estimate | None, told: str) -> None:
    """Only an interval that leaves no doubt makes a saving or a loss."""
    report = example_report()
    assert told in plain(replace(report, money=replace(report.money, net_saving=saving)))


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (Estimate(0.02, 0.01, 0.03), "Quality (measured) is higher than before: +2.00 points"),
        (Estimate(-0.02, -0.03, -0.01), "Quality (measured) is lower than before: -2.00 points"),
        (None, "Whether quality changed is not known."),
    ],
)
def test_the_verdict_on_quality(difference: Estimate | None, told: str) -> None:
    """Only an interval on one side of nothing makes a difference."""
    report = example_report()
    quality = tuple(replace(kind, quality_difference=difference) for kind in report.quality)
    arms = tuple(replace(arm, quality_difference=None) for arm in report.arms)
    assert told in plain(replace(report, quality=quality, arms=arms))


def test_few_requests_are_called_few() -> None:
    """Under 100 compared requests, the page warns before it tells."""
    report = example_report()
    text = plain(replace(report, counts=replace(report.counts, n_compared=99)))
    assert "> Under 100 requests were compared: too few to rest anything on." in text
    assert "| long: 2,048 tokens or more (few) | 59 |" in text


def test_faults_are_counted_on_the_page() -> None:
    """Each fault is told in words and by its code, with how many rows were set aside."""
    text = plain(example_report())
    assert f"| {FAULTS['unknown_model']} | unknown\\_model | 25 | 25 | 0 |" in text
    assert "| The cost is not in US dollars: it is not counted | other\\_currency | 112 | 0 | 112 |" in text


def test_exposure_is_told_before_and_after() -> None:
    """A path that is new or gone is marked so."""
    text = plain(example_report())
    assert "| openai in us | 3,314 → 1,207 | 389 → 0 (gone) | 2,840 → 1,011 |" in text
    assert "| on-premises in on\\_premises | 0 → 357 (new) | 0 → 88 (new) | \N{EN DASH} |" in text


def test_scenarios_stand_side_by_side() -> None:
    """A saving that is negative is told as a cost, moves by where from and where to."""
    text = plain(example_report())
    assert "| Change in cost | +14.6% (+13.4% to +15.9%) | -8.1% (-9.2% to -7.1%) |" in text
    assert "| openai/gpt-4o-mini@us | refused | 211 |" in text
