"""Replay: compute an old decision again from its record and compare; the first difference, or none.

From the record alone, policy, register, prices and optimiser are run again on the recorded assessment. With
the request's text at hand the assessment is computed again as well, and the commitment is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from clearway.assessment import ClassifierIdentity, SensitivityDetector
from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import ConfigurationError
from clearway.installation import (
    SENSITIVITY_ARCHIVE,
    SENSITIVITY_PROMOTION,
    Settings,
    archive_of,
    configured_detector,
    data_folder,
    open_detector,
)
from clearway.ledger.store import Entry, Ledger
from clearway.load_records import promoted_bundles
from clearway.policy import Policy, load_policy
from clearway.record import (
    READ_FORMATS,
    RECORD_FORMAT,
    commitment,
    complexity_json,
    facts_of,
    in_format,
    sensitivity_json,
)
from clearway.register import Register, load_register
from clearway.request import Caller, Request, parse_request
from clearway.router import Router
from clearway.sensitivity.identity import identify
from clearway.sensitivity.table import load_class_table

# What identifies the event and is not computed from the facts.
_GIVEN: Final = frozenset({"format", "decision_id", "session", "software", "kind", "ledger_index"})
_GIVEN_OF_REQUEST: Final = frozenset({"id", "commitment", "n_parts", "n_characters"})


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay first differs: a path in the record, what it says, what was computed.

    Attributes:
        path: Dotted path in the record.
        recorded: Value in the record, or None where it has none.
        replayed: Value computed now, or a sentence on why there is none.
    """

    path: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """Result for one decision.

    Attributes:
        decision_id: The decision.
        status: `same`, `differs` or `erased` (its text can no longer be matched; the choice was the same).
        assessed: Whether the assessment was computed again from the text.
        difference: The first difference, if it differs.
    """

    decision_id: str
    status: str
    assessed: bool
    difference: Difference | None

    def as_json(self) -> dict[str, Any]:
        """One line of `clearway replay`."""
        result: dict[str, Any] = {
            "decision_id": self.decision_id,
            "status": self.status,
            "assessed": self.assessed,
        }
        if self.difference is not None:
            result["difference"] = {
                "path": self.difference.path,
                "recorded": self.difference.recorded,
                "replayed": self.difference.replayed,
            }
        return result


class Replayer:
    """Replays decisions of one ledger with the versions that their records name.

    A version is taken from the configured folder when its digest fits, else from the archive. A bundle that
    the operator named, or that stands under the recorded name and version with other bytes, is a difference.

    Args:
        settings: Where everything lies.
        ledger: Ledger with the records.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._archive = archive_of(settings)
        self._configured = configured_detector(settings, ledger)
        self._detector = lru_cache(maxsize=4)(self._find_detector)
        self._register = lru_cache(maxsize=8)(self._find_register)
        self._policy = lru_cache(maxsize=8)(self._find_policy)
        self._complexity = lru_cache(maxsize=8)(self._find_complexity)

    def replay(self, entry: Entry, request: Request | None = None) -> Replay:
        """Replay one decision.

        Args:
            entry: Its entry in the ledger.
            request: The request with its text, if it is at hand.
        """
        salt = self._ledger.salt(entry.index)
        try:
            difference = self._compare(entry.record, salt, request)
        except ConfigurationError as fault:
            difference = Difference(fault.code, None, str(fault))
        status = "differs" if difference else ("erased" if salt is None else "same")
        return Replay(str(entry.record["decision_id"]), status, request is not None, difference)

    def _compare(
        self, record: Mapping[str, Any], salt: bytes | None, request: Request | None
    ) -> Difference | None:
        router = self._router(record)
        seen, scored = record["classification"], record["assessment"]
        difference = first_difference(
            {"format": record["format"], "classifier": scored["classifier"], "detector": seen["detector"]},
            {
                "format": record["format"] if record["format"] in READ_FORMATS else RECORD_FORMAT,
                "classifier": router.complexity.identity.as_json(),
                "detector": router.sensitivity.identity.as_json(),
            },
        )
        if difference is None and request is not None:
            difference = _compare_text(record, salt, request, router)
        if difference is not None:
            return difference
        recorded = {name: value for name, value in record.items() if name not in _GIVEN}
        recorded["request"] = {
            name: v for name, v in record["request"].items() if name not in _GIVEN_OF_REQUEST
        }
        resolved = router.resolve(facts_of(record))
        return first_difference(recorded, in_format(resolved, record["format"]))

    def _router(self, record: Mapping[str, Any]) -> Router:
        named = {
            name: record[name]["digest"] for name in ("register", "prices", "policy", "callers", "objectives")
        }
        return Router(
            register=self._register(named["register"], named["prices"]),
            policy=self._policy(named["policy"], named["callers"], named["objectives"]),
            complexity=self._complexity(ClassifierIdentity(**record["assessment"]["classifier"])),
            sensitivity=self._detector(record["classification"]["detector"]["sha256"]),
            ledger=self._ledger,
        )

    def _find_register(self, digest: str, price_digest: str) -> Register:
        configured = load_register(self._settings.register, is_archived=True)
        if (configured.digest, configured.price_digest) == (digest, price_digest):
            return configured
        return load_register(self._archive.find("register", digest, price_digest), is_archived=True)

    def _find_policy(self, digest: str, callers: str, objectives: str) -> Policy:
        configured = load_policy(self._settings.policy, is_archived=True)
        found = (configured.digest, configured.callers.digest, configured.objectives.digest)
        if found == (digest, callers, objectives):
            return configured
        return load_policy(self._archive.find("policy", digest, callers, objectives), is_archived=True)

    def _find_detector(self, sha256: str) -> SensitivityDetector:
        """The configured one, unless a promoted bundle in the archive makes the recorded one."""
        if self._configured.identity.sha256 == sha256 or "sensitivity" in self._settings.named:
            return self._configured
        for digest in sorted(promoted_bundles(self._ledger, SENSITIVITY_PROMOTION)):
            with suppress(ConfigurationError):  # removed from the archive: the digests will differ
                folder = self._archive.find(SENSITIVITY_ARCHIVE, digest)
                if _detector_sha256(folder) == sha256:
                    return open_detector(folder, {digest})
        return self._configured

    def _find_complexity(self, identity: ClassifierIdentity) -> OnnxComplexityModel:
        configured = load_bundle(self._settings.bundle, trusted=None)
        found = configured.identity
        same_version = (found.name, found.version) == (identity.name, identity.version)
        if same_version or "bundle" in self._settings.named:
            return OnnxComplexityModel(configured)
        return OnnxComplexityModel(load_bundle(self._archive.find("bundle", identity.sha256), trusted=None))


def _detector_sha256(bundle: Path) -> str:
    """Digest of the detector over another bundle; that of the service where nothing else changed."""
    data = data_folder() / "sensitivity"
    return identify(data, load_class_table(data).version, bundle=bundle).sha256


def match_requests(ledger: Ledger, lines: Iterable[Mapping[str, Any]]) -> dict[int, Request]:
    """Requests with their text, by the index of the decision that each belongs to.

    A line belongs to the decisions of its request id whose commitment it opens; where it opens none, to all
    of that id, so that an altered text shows as a difference.

    Raises:
        InvalidRequestError: A line is malformed.
    """
    by_id: dict[str, list[int]] = {}
    for entry in ledger.entries(kind="decision"):
        by_id.setdefault(entry.record["request"]["id"], []).append(entry.index)
    matched: dict[int, Request] = {}
    for line in lines:
        opened: dict[int, Request] = {}
        closed: dict[int, Request] = {}
        for entry in map(ledger.get, by_id.get(str(line.get("id")), [])):
            record, salt = entry.record, ledger.salt(entry.index)
            caller = Caller.from_json(record["caller"])
            request = parse_request(line, caller=caller, purpose=record["purpose"], fallback_id="none")
            is_open = salt is not None and commitment(salt, request) == record["request"]["commitment"]
            (opened if is_open else closed)[entry.index] = request
        matched = {**closed, **matched} if not opened else {**matched, **opened}
    return matched


def first_difference(recorded: Any, replayed: Any, path: str = "") -> Difference | None:
    """First place, in order of key, where two JSON values differ; None where they are equal.

    >>> first_difference({"a": 1, "b": [1, 2]}, {"a": 1, "b": [1, 3]})
    Difference(path='b[1]', recorded=2, replayed=3)
    """
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for key in sorted({*recorded, *replayed}):
            inner = f"{path}.{key}" if path else str(key)
            difference = first_difference(recorded.get(key), replayed.get(key), inner)
            if difference is not None:
                return difference
        return None
    if isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        pairs = enumerate(zip(recorded, replayed, strict=True))
        differences = (first_difference(a, b, f"{path}[{index}]") for index, (a, b) in pairs)
        return next((difference for difference in differences if difference is not None), None)
    same = recorded == replayed and type(recorded) is type(replayed)
    return None if same else Difference(path, recorded, replayed)


def _compare_text(
    record: Mapping[str, Any], salt: bytes | None, request: Request, router: Router
) -> Difference | None:
    """Commitment, then the assessment computed again from the text."""
    committed = record["request"]["commitment"]
    if salt is not None and commitment(salt, request) != committed:
        return Difference("request.commitment", committed, "the request given has another body")
    assessment = router.assess(request)
    scored = {name: value for name, value in record["assessment"].items() if name != "classifier"}
    found = sensitivity_json(assessment.sensitivity, assessment.sensitivity.finding_counts)
    seen = {name: record["classification"][name] for name in found}
    return first_difference(scored, complexity_json(assessment), "assessment") or first_difference(
        seen, found, "classification"
    )
