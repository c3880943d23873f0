"""Objectives: what a purpose may ask, and what the file gets wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clearway.errors import PolicyError
from clearway.objectives import Objectives, load_objectives
from clearway.testing import shipped_policy

FILE = """purposes:
  - id: talk
    regions: [us]
    quality_floor_ppm: 1000000
    max_cost_nusd: 0
    max_latency_p95_ms: 9007199254740991
    max_fallbacks: 16
    images: {bot: internal}
  - id: sell
    regions: []
    quality_floor_ppm: 0
    max_cost_nusd: 5
    max_latency_p95_ms: 5
    max_fallbacks: 0
"""


def load(folder: Path, text: str = FILE) -> Objectives:
    """Objectives of this file."""
    path = folder / "objectives.yaml"
    path.write_text(text, encoding="utf-8")
    return load_objectives(path)


def test_the_edges_are_allowed(tmp_path: Path) -> None:
    """The largest and the smallest of every number load; without a word images stay restricted."""
    purposes = load(tmp_path).purposes
    assert (purposes["talk"].quality_floor_ppm, purposes["sell"].quality_floor_ppm) == (1_000_000, 0)
    assert (purposes["talk"].images, purposes["sell"].images) == ({"bot": "internal"}, {})


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    """A comment changes no digest, a floor does."""
    plain = load(tmp_path).digest
    assert load(tmp_path, f"# hi\n{FILE}").digest == plain
    assert load(tmp_path, FILE.replace("_ppm: 0", "_ppm: 1")).digest != plain


def test_shipped_callers_ask_for_shipped_purposes() -> None:
    """In the shipped pack every purpose of a caller or a user has an objective."""
    policy = shipped_policy()
    everyone = [*policy.callers.callers.values(), *policy.callers.users.values()]
    assert {purpose for entry in everyone for purpose in entry.purposes} <= set(policy.objectives.purposes)
    assert {name for o in policy.objectives.purposes.values() for name in o.images} <= set(
        policy.callers.callers
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("id: sell", "id: talk", 9, "talk: duplicate id; rename or remove one"),
        ("max_cost_nusd: 5", "max_cost: 5", 12, "max_cost: unit is missing; write max_cost_nusd"),
        (
            "quality_floor_ppm: 0",
            "quality_floor: 0",
            11,
            "quality_floor: unit is missing; write quality_floor_ppm",
        ),
        (
            "1000000",
            "1000001",
            4,
            "quality_floor_ppm: input should be less than or equal to 1000000; correct the value",
        ),
        ("1000000", "0.7", 4, "quality_floor_ppm: input should be a valid integer; correct the value"),
        (
            "max_fallbacks: 16",
            "max_fallbacks: 17",
            7,
            "max_fallbacks: input should be less than or equal to 16; correct the value",
        ),
        (
            "max_fallbacks: 0",
            "max_fallbacks: -1",
            14,
            "max_fallbacks: input should be greater than or equal to 0; correct the value",
        ),
        (
            "bot: internal",
            "bot: secret",
            8,
            "bot: input should be 'public', 'internal', 'confidential' or 'restricted'; correct the value",
        ),
        ("max_fallbacks: 0", "max_fallback: 0", 14, "max_fallback: unknown key; did you mean max_fallbacks?"),
        ("    max_fallbacks: 0", "", 9, "max_fallbacks: required key is missing; add it"),
        ("purposes:", "purpose:", 1, "purpose: unknown key; did you mean purposes?"),
    ],
)
def test_a_mistake_names_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, text: str
) -> None:
    """Each mistake is refused with its file, its line and what to do."""
    assert old in FILE
    with pytest.raises(PolicyError, match=rf"\Aobjectives\.yaml, line {line}: {re.escape(text)}\Z"):
        load(tmp_path, FILE.replace(old, new, 1))
