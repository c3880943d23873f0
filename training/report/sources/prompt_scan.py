"""What the sensitivity detector says of prompts: classes, level and language, on both cores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

from clearway import installation
from clearway.assessment import ClassifierIdentity, Level, SensitivityDetector
from clearway.errors import SensitivityError, TrainingDataError
from clearway.request import Caller, Part, Request
from training.report.gathered import Progress

# Fewer prompts are scanned faster than a second process starts.
MIN_PARALLEL: Final = 400
_CHUNK: Final = 50
_LANGUAGE_NOTE: Final = "language_unsupported"
_ENGLISH: Final = "en"

_detector: SensitivityDetector | None = None


class Scanned(NamedTuple):
    """What is known of one prompt.

    Attributes:
        classes: Flagged data classes, sorted, joined by "+".
        level: Label of the level.
        language: English, unless the detector notes another; then the likeliest other.
        failed: Whether the detector failed: then the prompt counts as restricted.
    """

    classes: str
    level: str
    language: str
    failed: bool = False


@dataclass(frozen=True)
class Scan:
    """What the detector said of prompts; of none where it was not asked.

    Attributes:
        identity: Which detector; None where none was asked.
        found: By prompt.
    """

    identity: ClassifierIdentity | None = None
    found: Mapping[str, Scanned] = field(default_factory=dict)

    def of(self, prompt: str) -> Scanned:
        """What is known of a prompt."""
        return self.found.get(prompt, _UNSCANNED)


_UNSCANNED: Final = Scanned("", "", "")


def scan_prompts(
    prompts: Sequence[str], bundle: Path | None, *, n_workers: int = 2, progress: Progress
) -> Scan:
    """Each prompt scanned once, as the text of a user.

    Args:
        prompts: Equal ones are scanned once.
        bundle: Folder of the sensitivity bundle; the shipped one when None.
        n_workers: Processes; small numbers of prompts need none.
        progress: Told how many are done.

    Raises:
        TrainingDataError: A process died.
    """
    distinct = sorted(set(prompts))
    chunks = [distinct[start : start + _CHUNK] for start in range(0, len(distinct), _CHUNK)]
    found: dict[str, Scanned] = {}
    what = "scanning prompts"
    progress(what, 0, len(distinct))
    if len(distinct) < MIN_PARALLEL or n_workers < 2:
        detector = _opened(bundle)
        for chunk in chunks:
            found.update(zip(chunk, scan_all(detector, chunk), strict=True))
            progress(what, len(found), len(distinct))
        return Scan(detector.identity, found)
    identity = None
    try:
        with ProcessPoolExecutor(n_workers, get_context("spawn"), _open, (bundle,)) as pool:
            for chunk, (identity, scanned) in zip(chunks, pool.map(_scan, chunks), strict=True):  # noqa: B007
                found.update(zip(chunk, scanned, strict=True))
                progress(what, len(found), len(distinct))
    except BrokenProcessPool as error:
        raise TrainingDataError(
            "scan: expected every process to finish, got one that ended early, perhaps for want of memory; "
            "try again with fewer workers"
        ) from error
    return Scan(identity, found)


def scan_all(detector: SensitivityDetector, prompts: Sequence[str]) -> list[Scanned]:
    """What a detector says of each prompt."""
    return [_scanned(detector, prompt) for prompt in prompts]


def _opened(bundle: Path | None) -> SensitivityDetector:
    return installation.open_detector(bundle) if bundle else installation.open_detector()


def _open(bundle: Path | None) -> None:
    global _detector  # one for each process
    _detector = _opened(bundle)


def _scan(prompts: Sequence[str]) -> tuple[ClassifierIdentity, list[Scanned]]:
    if _detector is None:
        raise TrainingDataError("scan: expected a process with a detector, got one without")
    return _detector.identity, scan_all(_detector, prompts)


def _scanned(detector: SensitivityDetector, prompt: str) -> Scanned:
    part = Part("messages[0].content", "user", prompt)
    try:
        said = detector.scan(Request(id="report", caller=Caller("report"), purpose="general", parts=(part,)))
    except SensitivityError:
        return Scanned("", Level.RESTRICTED.label, "", failed=True)
    return Scanned("+".join(said.flagged), said.level.label, language_of(prompt, said.notes))


def language_of(text: str, notes: Collection[str]) -> str:
    """English, unless the detector's notes rule it out; then the likeliest other."""
    if _LANGUAGE_NOTE not in notes:
        return _ENGLISH
    return next(str(code) for code, _ in _identifier().rank(text) if code != _ENGLISH)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE

    from clearway.sensitivity.languages import ExactIdentifier

    return ExactIdentifier.from_model_file(MODEL_FILE)
