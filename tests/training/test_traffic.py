"""A sample of requests is decided by the real line, with any bundle, and leaves no record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import clearway.installation
from clearway.bundle import Bundle
from clearway.errors import InvalidRequestError, SensitivityError
from clearway.installation import Settings
from clearway.testing import NOON, FakeSensitivity, shipped_register
from tests.training.conftest import LINES
from training.traffic import MAX_SPREAD, Destination, Traffic, perturbed, share_moved, share_of_other_models

pytestmark = pytest.mark.usefixtures("detector")


def test_traffic_is_decided_by_the_real_line(tmp_path: Path, shipped: Bundle) -> None:
    """Each request gets a model, and what is sensitive is scanned once."""
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps(line) + "\n\n" for line in LINES))
    traffic = Traffic(Settings.of({}), path, at=NOON)
    plain = traffic.decide(shipped)
    assert all(place.model and place.provider and place.region for place in plain)
    assert plain[0].region in ("eu", "us")
    assert plain[1].region == "on_premises"
    assert traffic.decide(shipped, [perturbed(traffic.requests[1], "lower_case")])[0] == plain[1]
    assert perturbed(traffic.requests[2], "typos") is traffic.requests[2]
    assert perturbed(traffic.requests[0], "upper_case").parts[0].text == "HOW MANY LEGS HAS A SPIDER?"


def test_a_request_outside_training_goes_to_the_incumbent(tmp_path: Path, shipped: Bundle) -> None:
    """The sample is decided with the note, as in service."""
    line = {"request": {"messages": [{"role": "user", "content": "\U0001f600" * 200}]}}
    (tmp_path / "lines.jsonl").write_text(json.dumps(line))
    traffic = Traffic(Settings.of({}), tmp_path / "lines.jsonl", at=NOON)
    assert [place.model for place in traffic.decide(shipped)] == [shipped_register().incumbent]


def test_a_broken_detector_is_a_sensitivity_unknown(
    tmp_path: Path, shipped: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in service: counted as restricted, not as a fault of the gate."""
    broken = FakeSensitivity(is_broken=True)
    monkeypatch.setattr(clearway.installation, "open_detector", lambda: broken)
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINES[0]))
    traffic = Traffic(Settings.of({}), tmp_path / "lines.jsonl", at=NOON)
    assert traffic.decide(shipped) == traffic.decide(shipped)
    with pytest.raises(SensitivityError):
        broken.scan(traffic.requests[0])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected at least one request line, got none"),
        (b"\n \n", "expected at least one request line, got none"),
        (b"{}\n{", "line 1: request: required field is missing"),
        (b"\xff\xfe", "line 1: body: expected UTF-8"),
    ],
)
def test_a_wrong_sample_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    """The text names the file and the line."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    with pytest.raises(InvalidRequestError) as caught:
        Traffic(Settings.of({}), path, at=NOON)
    assert str(caught.value).startswith(f"{path}: {text}")


def test_a_sample_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With what was expected."""
    with pytest.raises(InvalidRequestError) as caught:
        Traffic(Settings.of({}), tmp_path / "none", at=datetime.now(UTC))
    assert str(caught.value) == f"{tmp_path}/none: expected a file of request lines, got FileNotFoundError"


def test_shares_count_places_and_models() -> None:
    """A refusal is a place of its own."""
    a, b, none = Destination("m", "p", "eu"), Destination("n", "p", "eu"), Destination(None, None, None)
    assert share_moved([a, a], [b, a]) == 0
    assert share_of_other_models([a, a], [b, a]) == 0.5
    assert share_moved([a, a], [none, a]) == 0.5


@pytest.mark.parametrize(("n", "kept"), [(1, 1), (MAX_SPREAD, MAX_SPREAD), (MAX_SPREAD + 1, 151), (900, 300)])
def test_a_long_sample_is_spread(tmp_path: Path, n: int, kept: int) -> None:
    """What is decided many times is decided for some hundred requests, from all over the sample."""
    path = tmp_path / "lines.jsonl"
    path.write_text((json.dumps(LINES[0]) + "\n") * n)
    traffic = Traffic(Settings.of({}), path, at=NOON)
    assert len(traffic.requests) == n
    assert len(traffic.spread) == kept
    assert traffic.spread[0] is traffic.requests[0]
