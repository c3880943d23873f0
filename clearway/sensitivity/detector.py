"""PresidioDetector: the sensitivity detector of the core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec

from presidio_analyzer import EntityRecognizer

from clearway.assessment import ClassifierIdentity, Finding, Level, Sensitivity
from clearway.errors import ConfigurationError, SensitivityError
from clearway.request import Request
from clearway.sensitivity.cache import Reading, ReadingCache
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.grading import grade
from clearway.sensitivity.identity import identify
from clearway.sensitivity.reader import MAX_SCAN_SECONDS, Budget, read_findings, read_text, without_contained
from clearway.sensitivity.recognizers import shipped_recognizers
from clearway.sensitivity.seams import Window, leaf_windows, seam_windows
from clearway.sensitivity.table import TABLE_FILE, load_class_table

_Arguments = ParamSpec("_Arguments")
MAX_SCANNED_CHARACTERS: Final = 100_000
# Windows over the seams of many small parts overlap; what they hold together has a bound of its own.
MAX_SEAM_CHARACTERS: Final = 300_000
# Makes packages load their data now (languages, telephone numbers, suffixes) and not at the first request.
_WARM_UP: Final = "Ring mich bitte morgen unter +49 30 1234567 an oder schreibe an jemand@example.com."


class PresidioDetector:
    """Finds data classes in every part of a request; safe to share between threads.

    Args:
        folder: Holds `classes.yaml` and the word lists.
        recognizers: Further Presidio recognisers, beside the shipped ones.

    Raises:
        ConfigurationError: The table or a word list is missing or wrong, or names an unknown entity.
    """

    def __init__(self, folder: Path, *, recognizers: Sequence[EntityRecognizer] = ()) -> None:
        self._table = load_class_table(folder)
        self._engine = Engine([*shipped_recognizers(folder), *recognizers])
        unknown = sorted(set(self._table.entities) - self._engine.entities)
        if unknown:
            raise ConfigurationError(
                f"{folder / TABLE_FILE}: {unknown[0]}: no recogniser reports this entity; "
                f"expected one of {', '.join(sorted(self._engine.entities))}"
            )
        self._identity = identify(folder, self._table.version, recognizers)
        self._cache = ReadingCache()
        read_text(self._engine, _WARM_UP, Budget(math.inf))

    def __repr__(self) -> str:
        return f"PresidioDetector(version={self._identity.version!r})"

    @property
    def identity(self) -> ClassifierIdentity:
        """Which engine, table, word lists and packages these are."""
        return self._identity

    @property
    def class_levels(self) -> Mapping[str, Level]:
        """Level of each data class of the table."""
        return self._table.class_levels

    @property
    def note_levels(self) -> Mapping[str, Level]:
        """Level of each note of the table."""
        return self._table.note_levels

    def scan(self, request: Request) -> Sensitivity:
        """Classes, level and findings of all parts, in the order of the parts up to the cap.

        Raises:
            SensitivityError: A recogniser failed or the time was used up; the caller counts the request as
                restricted.
        """
        texts = _within_cap(request)
        reading = _RequestReading(self._engine, self._cache, self._whose(request))
        for index, text in enumerate(texts):
            _guarded(f"part {index}", reading.read_part, index, text, request.parts[index].path)
        _guarded("the seams of parts", reading.read_seams, request, texts)
        is_whole = sum(map(len, texts)) == request.n_characters
        notes = {*request.notes, *reading.notes, *(() if is_whole else ("truncated",))}
        return grade(self._table, without_contained(reading.findings), notes)

    def _whose(self, request: Request) -> tuple[str, ...]:
        """What the cache keeps apart: callers, and detectors."""
        caller = request.caller
        return (self._identity.sha256, caller.gateway or "", caller.agent, caller.user or "")


class _RequestReading:
    """Findings and notes of one request, part by part; what was read before comes from the cache."""

    def __init__(self, engine: Engine, cache: ReadingCache, whose: tuple[str, ...]) -> None:
        self._engine, self._cache, self._whose = engine, cache, whose
        self._budget = Budget(MAX_SCAN_SECONDS)
        self.findings: list[Finding] = []
        self.notes: set[str] = set()

    def read_part(self, index: int, text: str, path: str) -> None:
        """Read a part by itself, and the values of its fields joined."""
        reading = self._cached("part", (text, path.rpartition(".")[2]), partial(self._read_alone, text, path))
        self.findings.extend(replace(finding, part=index) for finding in reading.findings)
        self.notes |= reading.notes

    def read_seams(self, request: Request, texts: Sequence[str]) -> None:
        """Read the windows between parts; `truncated` is noted where they are too many."""
        parts, left, windows = request.parts, MAX_SEAM_CHARACTERS, []
        for window in seam_windows(texts, [p.role for p in parts], [p.path for p in parts]):
            left -= len(window.text)
            if left < 0:
                self.notes.add("truncated")
                break
            windows.append(window)
        self.findings.extend(self._counted(windows, self.findings))

    def _counted(self, windows: Iterable[Window], known: Sequence[Finding]) -> list[Finding]:
        """What windows show beyond the findings of their parts."""
        counted: list[Finding] = []
        for window in windows:
            text = window.text
            reading = self._cached("seam", (text,), partial(self._read_joined, text))
            counted.extend(window.counted(reading.findings, known))
        return counted

    def _read_alone(self, text: str, path: str) -> Reading:
        alone = read_text(self._engine, text, self._budget)
        joined = self._counted(leaf_windows(text, path), alone.findings)
        return Reading((*alone.findings, *joined), alone.notes)

    def _read_joined(self, text: str) -> Reading:
        return Reading(read_findings(self._engine, text, self._budget))

    def _cached(self, kind: str, of: tuple[str, ...], compute: Callable[[], Reading]) -> Reading:
        digest = self._cache.digest(*self._whose, kind, *of)
        reading = self._cache.get(digest)
        if reading is None:
            self._budget.check()
            reading = compute()
            self._cache.put(digest, reading)
        return reading


def _within_cap(request: Request) -> list[str]:
    """Texts of the parts, cut where together they are over the cap."""
    left, texts = MAX_SCANNED_CHARACTERS, []
    for part in request.parts:
        texts.append(part.text[:left])
        left -= len(texts[-1])
    return texts


def _guarded(
    what: str, read: Callable[_Arguments, None], *args: _Arguments.args, **kw: _Arguments.kwargs
) -> None:
    """Run a step; doubt denies, and the text of a cause may quote the prompt.

    Raises:
        SensitivityError: It failed, however.
    """
    try:
        read(*args, **kw)
    except SensitivityError:
        raise
    except Exception as error:  # noqa: BLE001
        fault = f"expected {what} to be read, got {type(error).__name__}"
        raise SensitivityError(f"sensitivity detector: {fault}") from None
