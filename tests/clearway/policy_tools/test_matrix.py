"""The trust-boundary map says of each kind of data, provider and region what the router would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from clearway.assessment import Level
from clearway.policy_tools.matrix import Cell, Matrix, make_matrix
from clearway.policy_tools.matrix_page import matrix_page
from clearway.policy_tools.situations import Rulings
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_request,
    fake_router,
    shipped_policy,
    shipped_register,
)

CLASS_LEVELS = FakeSensitivity().class_levels
RULINGS = Rulings(shipped_policy(), shipped_register(), CLASS_LEVELS, NOON)
MATRIX = make_matrix(RULINGS)


def cell(matrix: Matrix, name: str, provider: str, region: str) -> Cell:
    """The cell of a data class."""
    return next(
        c for c in matrix.cells.values() if (c.row.name, c.provider, c.region) == (name, provider, region)
    )


class Page(HTMLParser):
    """Tags and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "onclick", "onload", "srcset")]


def test_the_map_has_every_class_and_every_place() -> None:
    """A row for each data class and each level, a column for each provider and region with a model."""
    names = {row.name for row in MATRIX.rows}
    assert names == {"no class", *CLASS_LEVELS}
    assert {row.level for row in MATRIX.rows if not row.classes} == set(Level)
    register = RULINGS.register
    assert set(MATRIX.places) == {(m.provider, m.region) for m in register.models.values()}
    assert len(MATRIX.cells) == len(MATRIX.rows) * len(MATRIX.places)


def test_health_data_reaches_only_our_own_models() -> None:
    """A cell says by which rule not."""
    assert cell(MATRIX, "health", "on-premises", "on_premises").status == "all"
    openai = cell(MATRIX, "health", "openai", "us")
    assert (openai.status, openai.codes[0]) == ("none", "forbidden:health-data-only-under-a-baa")
    assert cell(MATRIX, "health", "azure", "eu").codes == ("not_permitted",)


def test_a_cell_that_some_may_names_them() -> None:
    """The people team's purpose has no region in the US; everyone else is named."""
    found = cell(MATRIX, "personal", "openai", "us")
    assert found.status == "some"
    assert ("hr-assistant", "human_resources") not in found.cleared
    assert len(found.cleared) == len(MATRIX.asked) - 1
    assert found.codes == ("forbidden:only-in-a-region-of-the-purpose-and-the-caller",)


def test_a_lapsed_review_leaves_nothing_allowed() -> None:
    """The map is of a day: after the last review has lapsed nobody may send anything anywhere."""
    later = Rulings(shipped_policy(), shipped_register(), CLASS_LEVELS, NOON + timedelta(days=800))
    matrix = make_matrix(later)
    assert {c.status for c in matrix.cells.values()} == {"none"}
    assert all("review_expired" in c.codes for c in matrix.cells.values())


@pytest.mark.parametrize("name", ["health", "financial", "personal"])
def test_the_map_says_what_the_router_does(name: str) -> None:
    """For each caller the models that the map calls usable are those that policy leaves in a decision."""
    router = fake_router(sensitivity=FakeSensitivity({"marker": name}))
    for caller, purpose in MATRIX.asked:
        matrix = make_matrix(RULINGS, [(caller, purpose)])
        usable = {m for c in matrix.cells.values() if c.row.classes == (name,) for m in c.models}
        record = router.preview(fake_request("marker", agent=caller, purpose=purpose)).record
        words = ("forbidden", "not_permitted", "review_expired")
        left = {
            c["model"] for c in record["candidates"] if not any(code.startswith(words) for code in c["codes"])
        }
        assert usable == left


def test_the_page_stands_alone() -> None:
    """No script, no frame, nothing loaded: one file that can be mailed to an auditor."""
    text = matrix_page(MATRIX)
    page = Page(text)
    assert not page.loads
    assert not {"script", "iframe", "img", "link", "object"} & set(page.tags)
    assert "default-src 'none'" in text


def test_the_page_says_what_each_provider_sees_keeps_and_may_reuse() -> None:
    """Terms stand beside their evidence, and an example term is marked as one."""
    text = matrix_page(MATRIX)
    assert "sees full, keeps 3650 days, may train on it" in text
    assert '<span class="example" title="example term">Hangzhou' not in text  # documented
    assert '<span class="example" title="example term">sees partial, keeps 365 days, does not train' in text
    assert 'href="https://developers.openai.com/api/docs/guides/your-data"' in text
    assert "openai in us<br>" in text
    assert "rests on examples: business associate agreement, jurisdiction, metadata, review<" in text
    for name, rule in RULINGS.policy.reasons.items():
        assert name in text
        assert rule in text
    for digest in (RULINGS.policy.digest, RULINGS.register.digest):
        assert digest in text


def test_names_in_the_register_cannot_write_html() -> None:
    """What operators write in a file is text on the page."""
    register = shipped_register()
    openai = register.providers["openai"].model_copy(update={"name": "<script>alert(1)</script>"})
    changed = replace(register, providers={**register.providers, "openai": openai})
    text = matrix_page(make_matrix(Rulings(shipped_policy(), changed, CLASS_LEVELS, NOON)))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
