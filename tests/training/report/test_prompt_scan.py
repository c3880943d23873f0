"""Prompts are scanned once each, and a prompt that cannot be is counted as restricted."""

from __future__ import annotations

import pytest

from clearway.testing import FakeSensitivity
from training.report.sources import prompt_scan
from training.report.sources.prompt_scan import Scan, Scanned, scan_all, scan_prompts

PROMPTS = ["My card is 4111.", "How many legs has a spider?", "My card is 4111."]


def test_classes_level_and_language() -> None:
    """What the detector flags, and English where it notes nothing else."""
    assert scan_all(FakeSensitivity({"4111": "financial"}), PROMPTS[:2]) == [
        Scanned("financial", "restricted", "en"),
        Scanned("", "public", "en"),
    ]


def test_a_detector_that_fails_counts_as_restricted() -> None:
    """Doubt is never public."""
    assert scan_all(FakeSensitivity(is_broken=True), PROMPTS[:1]) == [
        Scanned("", "restricted", "", failed=True)
    ]


def test_equal_prompts_are_scanned_once_and_progress_is_told(detector: None) -> None:
    """To the end, with the detector's identity."""
    told: list[tuple[str, int, int]] = []
    scan = scan_prompts(PROMPTS, None, progress=lambda *progress: told.append(progress))
    assert told[0] == ("scanning prompts", 0, 2)
    assert told[-1] == ("scanning prompts", 2, 2)
    assert scan.of(PROMPTS[0]).classes == "financial"
    assert scan.of("another") == Scanned("", "", "")
    assert scan.identity == FakeSensitivity({"4111": "financial"}).identity


def test_nothing_is_known_where_no_detector_was_asked() -> None:
    """Empty, not public."""
    assert Scan().of("anything") == Scanned("", "", "")


@pytest.mark.systems
def test_two_processes_say_the_same_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shipped detector; a German prompt is told from an English one."""
    german = (
        "Bitte erkläre mir ausführlich, warum der Himmel am Abend rot ist und was das Wetter morgen bringt."
    )
    prompts = [f"What is {n} plus {n}?" for n in range(4)] + [german, "Card 4111 1111 1111 1111"]
    alone = scan_prompts(prompts, None, progress=lambda *_: None)
    monkeypatch.setattr(prompt_scan, "MIN_PARALLEL", 1)
    assert scan_prompts(prompts, None, progress=lambda *_: None) == alone
    assert alone.of(german).language == "de"
    assert alone.of(prompts[0]).language == "en"
    assert alone.of(prompts[-1]).classes == "financial"
