"""Decides a fixed sample of requests offline with one bundle or another: the real line, and no record.

Each request is scanned for sensitive data once: a bundle changes nothing about that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from clearway import installation
from clearway.assessment import ClassifierIdentity, Level, Sensitivity, SensitivityDetector
from clearway.bundle import Bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import InvalidRequestError, SensitivityError, UnknownCallerError
from clearway.installation import Settings, data_folder
from clearway.policy import load_policy
from clearway.register import load_register
from clearway.request import Request, parse_json, parse_request
from clearway.router import Router
from clearway.testing import memory_ledger
from training.benchmark.perturbation import perturb

SAMPLE: Final = "requests.jsonl"
SEED: Final = 0
MAX_SPREAD: Final = 300


@dataclass(frozen=True)
class Destination:
    """Where a request goes; all None where it is refused."""

    model: str | None
    provider: str | None
    region: str | None


class Traffic:
    """A sample of requests, and everything that decides them but the bundle.

    Args:
        settings: Where register and policy lie.
        path: Request lines; the sample that is shipped when None.
        at: Time of every decision, aware: prices and reviews are those of then.

    Raises:
        InvalidRequestError: The file cannot be read, is empty, or a line is wrong. The text names the line.
        ConfigurationError: Register or policy does not load.
    """

    def __init__(self, settings: Settings, path: Path | None, *, at: datetime) -> None:
        path = path or data_folder() / "samples" / SAMPLE
        data = _read(path)
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._at = at
        self._register, self._policy = load_register(settings.register), load_policy(settings.policy)
        self._sensitivity = _Scanned(installation.open_detector())
        self._ledger = memory_ledger()
        self.requests = self._parse(path, data)

    def decide(self, bundle: Bundle, requests: Sequence[Request] | None = None) -> list[Destination]:
        """Where each request goes with a bundle; the sample's requests by default."""
        router = self._router(bundle)
        chosen = self.requests if requests is None else requests
        records = (router.preview(request).record for request in chosen)
        return [Destination(r["model"], r["provider"], r["region"]) for r in records]

    @property
    def spread(self) -> tuple[Request, ...]:
        """At most `MAX_SPREAD` of the requests, evenly: for what is decided or timed many times."""
        return self.requests[:: -(-len(self.requests) // MAX_SPREAD)]

    def _router(self, bundle: Bundle) -> Router:
        return Router(
            register=self._register,
            policy=self._policy,
            complexity=OnnxComplexityModel(bundle),
            sensitivity=self._sensitivity,
            ledger=self._ledger,
            clock=lambda: self._at,
        )

    def _parse(self, path: Path, data: bytes) -> tuple[Request, ...]:
        requests = []
        for number, raw in enumerate(data.splitlines(), 1):
            if raw.strip():
                try:
                    requests.append(self._request({**parse_json(raw), "id": f"line-{number}"}))
                except (InvalidRequestError, UnknownCallerError) as fault:
                    raise InvalidRequestError(f"{path}: line {number}: {fault}") from None
        if not requests:
            raise InvalidRequestError(f"{path}: expected at least one request line, got none")
        return tuple(requests)

    def _request(self, line: Mapping[str, Any]) -> Request:
        callers = self._policy.callers
        caller = callers.from_command_line(line)
        return parse_request(
            line, caller=caller, purpose=callers.purpose_of(caller, line), fallback_id="none"
        )


class _Scanned:
    """A detector that scans each request once, and is told the request by its id."""

    def __init__(self, detector: SensitivityDetector) -> None:
        self._detector = detector
        self._seen: dict[str, Sensitivity | SensitivityError] = {}

    @property
    def identity(self) -> ClassifierIdentity:
        return self._detector.identity

    @property
    def class_levels(self) -> Mapping[str, Level]:
        return self._detector.class_levels

    @property
    def note_levels(self) -> Mapping[str, Level]:
        return self._detector.note_levels

    def scan(self, request: Request) -> Sensitivity:
        if request.id not in self._seen:
            try:
                self._seen[request.id] = self._detector.scan(request)
            except SensitivityError as error:
                self._seen[request.id] = error
        found = self._seen[request.id]
        if isinstance(found, SensitivityError):
            raise found
        return found


def share_moved(before: Sequence[Destination], after: Sequence[Destination]) -> float:
    """Share of requests that go to another provider or region, refusals counted as a place of their own.

    Args:
        before: At least one.
        after: As many, of the same requests.
    """
    moved = [(a.provider, a.region) != (b.provider, b.region) for a, b in zip(before, after, strict=True)]
    return sum(moved) / len(moved)


def share_of_other_models(before: Sequence[Destination], after: Sequence[Destination]) -> float:
    """Share of requests whose model changes; arguments as for `share_moved`."""
    return sum(a.model != b.model for a, b in zip(before, after, strict=True)) / len(before)


def perturbed(request: Request, kind: str) -> Request:
    """The request, the last text of the user changed in one way; one without such a text as it is.

    Args:
        request: Keeps its id.
        kind: One of `training.benchmark.perturbation.PERTURBATIONS`.
    """
    places = [index for index, part in enumerate(request.parts) if part.role == "user"]
    if not places:
        return request
    parts: list[Any] = list(request.parts)
    last = parts[places[-1]]
    parts[places[-1]] = replace(last, text=perturb([last.text], kind, seed=SEED)[0])
    return replace(request, parts=tuple(parts))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequestError(
            f"{path}: expected a file of request lines, got {type(error).__name__}"
        ) from error
