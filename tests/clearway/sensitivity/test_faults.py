"""What goes wrong is never a pass: the sensitivity is unknown, restricted, and the record says so."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from presidio_analyzer import EntityRecognizer, RecognizerResult

import clearway.installation
from clearway.assessment import Level, SensitivityDetector
from clearway.errors import SensitivityError
from clearway.installation import open_detector
from clearway.request import Caller, Part, Request
from clearway.sensitivity import load_detector
from clearway.sensitivity.detector import PresidioDetector
from clearway.sensitivity.unknown import UnknownDetector
from clearway.testing import fake_request, fake_router

SECRET = "my words are mine"


class _Raising(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Fails on every text that speaks of words."""

    def load(self) -> None:
        pass

    def analyze(self, text: str, entities: Sequence[str], nlp_artifacts: Any) -> list[RecognizerResult]:
        if "words" in text:
            raise ValueError(text)
        return []


def expect_unknown(detector: SensitivityDetector) -> None:
    """A decision on a request that the detector cannot read."""
    router = fake_router(sensitivity=detector)  # type: ignore[arg-type]
    record = router.decide(fake_request(SECRET)).record
    seen = record["classification"]
    assert (seen["level"], seen["notes"], seen["flagged"]) == ("restricted", ["sensitivity_unknown"], [])
    assert SECRET not in repr(record)
    assert router.assess(fake_request(SECRET)).sensitivity.level is Level.RESTRICTED


def test_a_recogniser_that_raises_is_an_unknown_sensitivity(folder: Path) -> None:
    """One fault of one recogniser is enough, and neither error nor record quotes the text."""
    recognizer = _Raising(supported_entities=["PASSPORT"], name="raising")
    detector = load_detector(folder, recognizers=[recognizer])
    with pytest.raises(SensitivityError) as caught:
        detector.scan(fake_request(SECRET))
    assert str(caught.value) == "sensitivity detector: expected part 0 to be read, got ValueError"
    expect_unknown(detector)


@pytest.mark.parametrize(
    "name", ["tagger.onnx", "tagger.json", "classes.onnx", "classes.json", "manifest.json"]
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_model_that_is_missing_or_altered_is_an_unknown_sensitivity(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_there: bool
) -> None:
    """One bit of one file is enough; the decision is restricted, and the record names another detector."""
    data = tmp_path / "data"
    copy = shutil.copytree(folder, data / "sensitivity")
    right, file = open_detector().identity, copy / "bundle" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    if is_there:
        file.write_bytes(content)
    monkeypatch.setattr(clearway.installation, "data_folder", lambda: data)
    detector = open_detector()
    assert isinstance(detector, UnknownDetector)
    assert name.removesuffix(".json") in detector.fault
    assert detector.identity != right
    expect_unknown(detector)


def test_a_bundle_that_nobody_promoted_is_an_unknown_sensitivity(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole bundle whose digest this release does not pin decides nothing."""
    monkeypatch.setattr(clearway.installation, "pinned_digests", lambda file: frozenset({"0" * 64}))
    detector = open_detector()
    assert isinstance(detector, UnknownDetector)
    assert "expected a pinned or promoted bundle" in detector.fault


def test_a_text_that_exhausts_its_time_is_an_unknown_sensitivity(
    monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector
) -> None:
    """The budget is of the request, whatever part uses it up."""
    monkeypatch.setattr("clearway.sensitivity.finder.MAX_SCAN_SECONDS", -1)
    expect_unknown(detector)


def test_a_fault_is_not_remembered_as_a_finding(
    monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector
) -> None:
    """A text that ran out of time is read afresh when it comes again."""
    request = fake_request("Write to ann.fault@example.org", agent="faults")
    with monkeypatch.context() as patched:
        patched.setattr("clearway.sensitivity.finder.MAX_SCAN_SECONDS", -1)
        with pytest.raises(SensitivityError):
            detector.scan(request)
    assert detector.scan(request).flagged == ("contact",)


def test_a_hundred_threads_find_the_same(folder: Path, detector: PresidioDetector) -> None:
    """Conversations in any order on 100 threads are found as one by one, by a detector that kept nothing."""
    requests = [conversation(n) for n in range(60)]
    alone = [detector.scan(request) for request in requests]
    fresh = load_detector(folder)
    order = [*range(len(requests)), *range(len(requests))]
    random.Random(7).shuffle(order)
    with ThreadPoolExecutor(100) as pool:
        found = list(pool.map(lambda n: (n, fresh.scan(requests[n])), order))
    assert all(seen == alone[n] for n, seen in found)
    assert fresh.identity == detector.identity


def conversation(n: int) -> Request:
    """A conversation whose turns others share in part."""
    turns = ["Hello", f"I am Ann Lee, ann{n % 5}@example.org", "4111 1111", "go on", "1111 1111", f"Turn {n}"]
    parts = tuple(Part(f"messages[{i}].content", "user", text) for i, text in enumerate(turns[: 2 + n % 5]))
    return Request(id=f"r-{n}", caller=Caller(f"agent-{n % 3}"), purpose="p", parts=parts)
