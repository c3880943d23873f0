"""A past log priced as if it had been routed: every line decided by the real line, in pieces, on every core.

The folder of a run is named by the digest of all that decides it, so an interrupted run goes on where it
stopped, and another log, policy, price or classifier never takes up the pieces of this one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from clearway.approvals import load_approvers
from clearway.assessment import ClassifierIdentity
from clearway.errors import ConfigurationError, NotFoundError
from clearway.exceptions import ExceptionBook
from clearway.installation import SENSITIVITY_PROMOTION, Settings, existing_ledger, trusted_digests
from clearway.ledger.store import Ledger
from clearway.load_records import promoted_bundles
from clearway.record import format_time, software
from clearway.router import Router
from clearway.sensitivity.unknown import UnknownDetector
from clearway.testing import memory_ledger
from training.report.gathered import Costs, Gathered, Progress, WhatIf
from training.report.sources import log_notes
from training.report.sources.batch import CHUNK, Pieces, score_pieces, write_whole
from training.report.sources.log_lines import LogFile, RawLine
from training.report.sources.log_scorer import NUSD_PER_HOUR, LogScorer, Plan
from training.report.sources.traffic_log import LogIndex, index_log

# Changes whenever the rows of equal inputs would.
FORMAT: Final = 2
BEFORE: Final = "the model that the log says was called"
_UNKNOWN: Final = "The sensitivity detector could not be loaded: every request counts as restricted."
_KEY_CHARACTERS: Final = 24
_STARTED: Final = "started.json"


def gather(
    log: Path,
    settings: Settings,
    folder: Path,
    *,
    what_ifs: Sequence[WhatIf] = (),
    workers: int | None = None,
    at: datetime,
    progress: Progress = lambda *_: None,
    costs: Costs | None = None,
) -> Gathered:
    """Rows of a log; a run that was interrupted goes on.

    Args:
        log: JSON lines, JSON lines in gzip, or Parquet; its fields are those of `traffic_log`.
        settings: What decides.
        folder: Where pieces of this and other runs are kept.
        what_ifs: Scenarios to decide beside.
        workers: Processes; all cores by default.
        at: Time of every decision, aware: prices, reviews and exceptions are those of then. A run that goes
            on keeps the time at which it was begun that day.
        progress: Told what is done: lines, and all of them.
        costs: What a decision is taken to cost; None to measure it.

    Raises:
        InvalidRequestError: The log cannot be read, or none of its lines.
        ConfigurationError: A part does not load, the folder cannot be written, or a process was killed.
    """
    file = LogFile(log)
    plan = _plan(settings, log.name, at, tuple(what_ifs), costs)
    scorer = plan.open_scorer()
    index = index_log(file, at, progress)
    begun = folder / _key(plan, scorer, index)
    scorer.plan = _begin(begun, plan)
    pieces = Pieces(begun, -(-index.n_lines // CHUNK), bool(what_ifs))
    _score(file, index, pieces, scorer, workers or os.cpu_count() or 1, progress)
    return _gathered(scorer, pieces)


def _plan(
    settings: Settings, origin: str, at: datetime, what_ifs: tuple[WhatIf, ...], costs: Costs | None
) -> Plan:
    with closing(_trust(settings)) as ledger:
        return Plan(
            settings=settings,
            at=at,
            origin=origin,
            what_ifs=what_ifs,
            trusted=frozenset(trusted_digests(ledger)),
            promoted=frozenset(promoted_bundles(ledger, SENSITIVITY_PROMOTION)),
            exceptions=ExceptionBook(ledger, load_approvers(settings.policy)).active(at),
            costs=costs,
        )


def _trust(settings: Settings) -> Ledger:
    """The ledger that says which bundles and exceptions hold; an empty one where there is none."""
    try:
        return existing_ledger(settings)
    except NotFoundError:
        return memory_ledger()


def _key(plan: Plan, scorer: LogScorer, index: LogIndex) -> str:
    """Name of the folder: a digest over all that the rows follow from."""
    said = {
        "format": FORMAT,
        "chunk": CHUNK,
        "log": index.sha256,
        "origin": plan.origin,
        "day": plan.at.astimezone(UTC).date().isoformat(),
        "rules": _rules(scorer.router),
        "exceptions": [exception.as_json() for exception in plan.exceptions],
        "costs": None if plan.costs is None else [plan.costs.router_nusd, plan.costs.basis],
        "software": dict(software()),
        "what_ifs": [
            {
                "name": spec.name,
                "what": variant.what,
                "rules": _rules(variant.router),
                "bundle": variant.complexity.identity.sha256 if variant.complexity else None,
                "pool": [list(spec.regions), list(spec.without)],
                "floor_ppm": spec.floor_ppm,
            }
            for spec, variant in zip(plan.what_ifs, scorer.variants, strict=True)
        ],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_KEY_CHARACTERS]


def _rules(router: Router) -> dict[str, str]:
    return {
        "classifier": router.complexity.identity.sha256,
        "detector": router.sensitivity.identity.sha256,
        "policy": router.policy.digest,
        "objectives": router.policy.objectives.digest,
        "callers": router.policy.callers.digest,
        "register": router.register.digest,
        "prices": router.register.price_digest,
    }


def _begin(folder: Path, plan: Plan) -> Plan:
    """The plan at the time at which the run was begun: now, unless another run began it earlier today."""
    path = folder / _STARTED
    if not path.exists():
        write_whole(path, json.dumps({"at": format_time(plan.at)}))
    try:
        return replace(plan, at=datetime.fromisoformat(json.loads(path.read_bytes())["at"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: expected the time at which the run was begun, got {type(error).__name__}; "
            "remove its folder"
        ) from error


def _score(
    file: LogFile, index: LogIndex, pieces: Pieces, scorer: LogScorer, workers: int, progress: Progress
) -> None:
    """Score the pieces that are missing, and tell how far it is."""
    missing = [number for number in range(pieces.n) if not pieces.is_done(number)]
    n_kept = pieces.n - len(missing)
    what = f"scoring (resumed: {n_kept} of {pieces.n} chunks)" if n_kept else "scoring"
    done = [min(CHUNK, index.n_lines - CHUNK * n) for n in range(pieces.n) if n not in set(missing)]
    progress(what, sum(done), index.n_lines)

    def tell(number: int) -> None:
        done.append(min(CHUNK, index.n_lines - CHUNK * number))
        progress(what, sum(done), index.n_lines)

    chunks = _chunks(file, index, set(missing))
    n_workers = max(1, min(workers, len(missing)))
    open_scorer = scorer.plan.open_scorer if n_workers > 1 else lambda: scorer
    score_pieces(chunks, pieces, open_scorer, workers=n_workers, progress=tell)


def _chunks(
    file: LogFile, index: LogIndex, missing: set[int]
) -> Iterator[tuple[int, list[tuple[RawLine, frozenset[str]]]]]:
    """Lines of each missing piece, with what the index knows of them; not what was appended since."""
    lines, number = islice(file.lines(), index.n_lines), 0
    while chunk := list(islice(lines, CHUNK)):
        if number in missing:
            yield number, [(raw, index.marks(raw.number)) for raw in chunk]
        number += 1


def _gathered(scorer: LogScorer, pieces: Pieces) -> Gathered:
    plan, tally = scorer.plan, pieces.tally()
    costs, detector = plan.costs or _measured(tally), scorer.router.sensitivity
    notes = (*log_notes.notes(tally), *((_UNKNOWN,) if isinstance(detector, UnknownDetector) else ()))
    return Gathered(
        kind="log",
        origin=plan.origin,
        before=BEFORE,
        rows=pieces.rows,
        moves=pieces.moves,
        scenarios={variant.name: variant.what for variant in scorer.variants},
        register=scorer.router.register.digest,
        classifiers=_named(scorer.router.complexity.identity),
        detectors=_named(detector.identity),
        router_nusd=costs.router_nusd,
        router_basis=costs.basis,
        notes=notes,
    )


def _named(identity: ClassifierIdentity) -> Mapping[str, str]:
    return {identity.sha256: f"{identity.name} {identity.version}"}


def _measured(tally: Counter[str]) -> Costs:
    mean_nusd = tally["router_nusd"] // max(1, tally["n_decided"])
    milliseconds = mean_nusd * 3_600_000 / NUSD_PER_HOUR
    return Costs(
        mean_nusd,
        f"measured in this run: {milliseconds:.1f} ms of one core a decision, at 0.05 USD an hour of a core",
    )
