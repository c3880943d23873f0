"""Findings of a whole request: of each part, of fields joined, of the seams between parts; cached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, ParamSpec

from presidio_analyzer import EntityRecognizer

from clearway.assessment import Finding
from clearway.errors import ConfigurationError, SensitivityError
from clearway.request import Part, Request
from clearway.sensitivity.cache import Reading, ReadingCache
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.reader import MAX_SCAN_SECONDS, Budget, read_joined, read_text, without_contained
from clearway.sensitivity.recognizers import shipped_recognizers
from clearway.sensitivity.seams import Joined, Window, leaf_windows, seam_windows
from clearway.sensitivity.tagger import NAMES_FOLDER, NameRecognizer, load_tagger

_Arguments = ParamSpec("_Arguments")
MAX_SCANNED_CHARACTERS: Final = 100_000
# Windows over the seams of many small parts overlap; what they hold together has a bound of its own.
MAX_SEAM_CHARACTERS: Final = 300_000
# Makes packages load their data now (languages, telephone numbers, suffixes) and not at the first request.
_WARM_UP: Final = (
    "Ring mich bitte morgen unter +49 30 1234567 an oder schreibe an jemand@example.com.",
    "My colleague Ann Lee, SSN 219-09-9999, has diabetes.",
)


class Found(NamedTuple):
    """What was found in a request.

    Attributes:
        findings: Sorted by part, type and place, none within another of its type; split values in pieces.
        notes: Codes of what could not be read; those of the request are not among them.
        alone: Those of the findings that parts have by themselves.
        joined: Values that were split.
    """

    findings: list[Finding]
    notes: set[str]
    alone: list[Finding]
    joined: tuple[Joined, ...]

    def weighed(self, parts: Sequence[Part]) -> tuple[list[Finding], list[Part]]:
        """Findings and texts for the class model: a split value is whole, in a text of its own."""
        wholes = [replace(joined.whole, part=len(parts) + i) for i, joined in enumerate(self.joined)]
        texts = [Part("joined", "user", joined.text) for joined in self.joined]
        return [*self.alone, *wholes], [*parts, *texts]


class Finder:
    """Recognisers over all parts of a request; safe to share between threads.

    Args:
        data: Folder with the word lists and the lists of names.
        tagger: Folder with `tagger.onnx` and `tagger.json`.
        recognizers: Further Presidio recognisers, beside the shipped ones.
        cache: Where readings are kept; nowhere by default.

    Raises:
        ConfigurationError: A word list is missing or wrong.
        SensitivityError: The tagger is missing or altered.
    """

    def __init__(
        self,
        data: Path,
        tagger: Path,
        *,
        recognizers: Sequence[EntityRecognizer] = (),
        cache: ReadingCache | None = None,
    ) -> None:
        self._engine = Engine([_names(data, tagger), *shipped_recognizers(data), *recognizers])
        self._cache = ReadingCache(max_entries=0) if cache is None else cache
        for text in _WARM_UP:
            read_text(self._engine, text, Budget(float("inf")))

    @property
    def entities(self) -> frozenset[str]:
        """Entity types that a recogniser reports."""
        return self._engine.entities

    def find(self, request: Request, *whose: str) -> Found:
        """Findings of all parts, in the order of the parts up to the cap, and of the seams between them.

        Args:
            request: The request.
            whose: What the cache keeps apart beside the caller.

        Raises:
            SensitivityError: A recogniser failed, or the time is used up.
        """
        caller = request.caller
        owner = (*whose, caller.gateway or "", caller.agent, caller.user or "")
        texts = _within_cap(request)
        reading = _RequestReading(self._engine, self._cache, owner)
        for index, text in enumerate(texts):
            _guarded(f"part {index}", reading.read_part, index, text, request.parts[index].path)
        _guarded("the seams of parts", reading.read_seams, request, texts)
        if sum(map(len, texts)) < request.n_characters:
            reading.notes.add("truncated")
        cuts = [cut for joined in reading.joined for cut in joined.cuts]
        alone, joined = without_contained(reading.findings), tuple(reading.joined)
        return Found(without_contained([*alone, *cuts]), reading.notes, alone, joined)


class _RequestReading:
    """Findings and notes of one request, part by part; what was read before comes from the cache."""

    def __init__(self, engine: Engine, cache: ReadingCache, whose: tuple[str, ...]) -> None:
        self._engine, self._cache, self._whose = engine, cache, whose
        self._budget = Budget(MAX_SCAN_SECONDS)
        self.findings: list[Finding] = []
        self.joined: list[Joined] = []
        self.notes: set[str] = set()

    def read_part(self, index: int, text: str, path: str) -> None:
        """Read a part by itself, and the values of its fields joined."""
        reading = self._cached("part", text, read_text)
        own = [replace(finding, part=index) for finding in reading.findings]
        self.notes |= reading.notes
        self.findings.extend(own)
        self._read_windows(leaf_windows(index, text, path), own)

    def read_seams(self, request: Request, texts: Sequence[str]) -> None:
        """Read the windows between parts; `truncated` is noted where they are too many."""
        parts, left, windows = request.parts, MAX_SEAM_CHARACTERS, []
        for window in seam_windows(texts, [p.role for p in parts], [p.path for p in parts]):
            left -= len(window.text)
            if left < 0:
                self.notes.add("truncated")
                break
            windows.append(window)
        self._read_windows(windows, self.findings)

    def _read_windows(self, windows: Iterable[Window], known: Sequence[Finding]) -> None:
        """What windows show beyond the findings of their parts, and beyond the windows before them."""
        held = list(known)
        for window in windows:
            reading = self._cached("joined", window.text, read_joined)
            fresh = list(window.counted(reading.findings, held))
            held.extend(cut for joined in fresh for cut in joined.cuts)
            self.joined.extend(fresh)

    def _cached(self, kind: str, text: str, read: Callable[[Engine, str, Budget], Reading]) -> Reading:
        digest = self._cache.digest(*self._whose, kind, text)
        reading = self._cache.get(digest)
        if reading is None:
            self._budget.check()
            reading = read(self._engine, text, self._budget)
            self._cache.put(digest, reading)
        return reading


def _names(data: Path, tagger: Path) -> NameRecognizer:
    try:
        return NameRecognizer(load_tagger(tagger, data / NAMES_FOLDER))
    except ConfigurationError as error:
        raise SensitivityError(str(error)) from error


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
