"""Decides the lines of a past log: the real line, without a record, and each beside what was called then.

Cost is held on one yardstick: what the register's price and the classifier's expected length say, for the
choice and for the model that the log names alike. What the log says was paid checks that yardstick.

Quality is the classifier's estimate on both sides. A grade tells of the model that was called: where that
is the choice, the difference would be 0 by construction. So grades only check the estimates.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from clearway import installation
from clearway.active_exception import ActiveException
from clearway.assessment import SensitivityDetector
from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import InvalidRequestError, UnknownCallerError
from clearway.installation import Settings, check_agreement
from clearway.policy import load_policy
from clearway.record import facts_of
from clearway.register import load_register
from clearway.request import Caller, Request, parse_json, parse_request
from clearway.router import Router
from clearway.testing import memory_ledger
from training.prompt_key import prompt_key
from training.report import what_if
from training.report.gathered import Costs, WhatIf
from training.report.routed import COLUMNS, MAPPED, SET_ASIDE, bucket_of
from training.report.sources import log_notes
from training.report.sources.batch import Scored
from training.report.sources.log_lines import RawLine
from training.report.sources.log_names import label_of, names_of, place_of
from training.report.sources.prompt_scan import language_of
from training.report.sources.rows import BASES, UNKNOWN_MODEL, Before, decision_row, move_row
from training.report.sources.traffic_log import (
    BAD_REQUEST,
    NO_MODEL,
    SEVERAL_MODELS,
    UNKNOWN_CALLER,
    UNKNOWN_PURPOSE,
    LogLine,
    read_line,
    shown,
)

# 0.05 US dollars an hour of one core, in nano-dollars and nanoseconds.
NUSD_PER_HOUR: Final = 50_000_000
_NS_PER_HOUR: Final = 3_600 * 10**9
SENSITIVITY_UNKNOWN: Final = "sensitivity_unknown"
_NULL: Final = frozenset({"model", "provider", "region"})


@dataclass(frozen=True)
class Plan:
    """All that decides a log; picklable.

    Attributes:
        settings: Where everything lies.
        at: Time of every decision.
        origin: Name of the log.
        what_ifs: Scenarios.
        trusted: Digests of complexity bundles that may decide.
        promoted: Digests of sensitivity bundles that may, beside the pinned ones.
        exceptions: Those in force.
        costs: What a decision is taken to cost; None to measure it.
    """

    settings: Settings
    at: datetime
    origin: str
    what_ifs: tuple[WhatIf, ...]
    trusted: frozenset[str]
    promoted: frozenset[str]
    exceptions: tuple[ActiveException, ...]
    costs: Costs | None = None

    def open_scorer(self) -> LogScorer:
        """The scorer, made ready in this process."""
        return LogScorer(self)


class LogScorer:
    """Decides lines, by `Router.preview` with a ledger in memory.

    Args:
        plan: What decides; its time may be set later.

    Raises:
        ConfigurationError: A part does not load, or the parts do not fit each other.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        register, policy = load_register(plan.settings.register), load_policy(plan.settings.policy)
        detector = _detector(plan)
        check_agreement(register, policy, detector.class_levels)
        self.router = Router(
            register=register,
            policy=policy,
            complexity=OnnxComplexityModel(load_bundle(plan.settings.bundle, trusted=plan.trusted)),
            sensitivity=detector,
            ledger=memory_ledger(),
            exceptions=lambda *_: plan.exceptions,
            clock=lambda: self.plan.at,
        )
        self.variants = tuple(what_if.build(spec, plan.settings, plan.at) for spec in plan.what_ifs)
        self._models = names_of(register)

    def score(self, items: Sequence[tuple[RawLine, Collection[str]]]) -> Scored:
        """Rows of lines, each with the faults that the index knows of it."""
        rows: list[Mapping[str, Any]] = []
        moves: list[Mapping[str, Any]] = []
        tally: Counter[str] = Counter()
        for raw, marks in items:
            line, request = self._request(read_line(raw, marks))
            if request is None:
                rows.append(self._set_aside(line, tally))
                continue
            try:
                row, its_moves = self._decide(line, request, tally)
            except InvalidRequestError:  # a label that nobody knows
                rows.append(self._set_aside(_marked(line, {BAD_REQUEST}), tally))
                continue
            rows.append(row)
            moves.extend(its_moves)
        return Scored(rows, moves, dict(tally))

    def _set_aside(self, line: LogLine, tally: Counter[str]) -> dict[str, Any]:
        log_notes.tell_set_aside(line, tally)
        return set_aside_row(line, self.plan.origin)

    def _request(self, line: LogLine) -> tuple[LogLine, Request | None]:
        """The request of a line, with what turned out wrong; none where the line is set aside."""
        if line.is_set_aside:
            return line, None
        caller, purpose, faults = self._asker(line.said)
        session = line.said.get("session")
        said = {"session": str(session) if type(session) is int else session}
        said |= {"labels": line.said["labels"]} if "labels" in line.said else {}
        try:
            # A row of a table is held to the limits of a JSON body, too.
            body = parse_json(json.dumps({**said, "request": line.chat}).encode())
            request = parse_request(body, caller=caller, purpose=purpose, fallback_id=f"line-{line.number}")
        except (InvalidRequestError, TypeError, RecursionError):
            return _marked(line, {BAD_REQUEST}), None
        return _marked(line, faults), request

    def _asker(self, said: Mapping[str, Any]) -> tuple[Caller, str, set[str]]:
        """Caller and purpose; where the log's own are not registered, the default ones, and a fault."""
        callers, faults = self.router.policy.callers, set()
        named = {"caller": said["caller"]} if "caller" in said else {}
        try:
            caller = callers.from_command_line(named, at=self.plan.at)
        except (InvalidRequestError, UnknownCallerError):
            faults.add(UNKNOWN_CALLER)
            caller = callers.from_command_line({}, at=self.plan.at)
        wanted = {"purpose": said["purpose"]} if "purpose" in said else {}
        try:
            return caller, callers.purpose_of(caller, wanted), faults
        except InvalidRequestError:
            return caller, callers.purpose_of(caller, {}), {*faults, UNKNOWN_PURPOSE}

    def _decide(
        self, line: LogLine, request: Request, tally: Counter[str]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        started = time.process_time_ns()
        record = self.router.preview(request).record
        cpu_ns = time.process_time_ns() - started
        costs = self.plan.costs or Costs(cpu_ns * NUSD_PER_HOUR // _NS_PER_HOUR, "measured")
        before, faults = self._before(line, record, tally)
        row = decision_row(
            record,
            register=self.router.register,
            costs=costs,
            request_id=line.id,
            together=_together(request),
            source=self.plan.origin,
            language=_language(request, record),
            before=before,
        )
        row |= {"time_us": line.time_us, "n_matched_calls": None, **_as_said(_marked(line, faults), row)}
        tally.update(n_decided=1, router_nusd=costs.router_nusd)
        if UNKNOWN_PURPOSE in line.faults:
            tally[f"{log_notes.PURPOSE}{request.purpose}"] += 1
        if line.grade_ppm is not None and row["before_quality_ppm"] is not None:
            tally.update(n_graded=1, grade_ppm=line.grade_ppm, estimate_ppm=row["before_quality_ppm"])
        return row, self._moves(request, record, row)

    def _before(
        self, line: LogLine, record: Mapping[str, Any], tally: Counter[str]
    ) -> tuple[Before, set[str]]:
        """What was called, at its expected cost; where there is none to expect, at what the log says."""
        faults: set[str] = set()
        fits = self._models.get(place_of(line.model, line.provider, line.region), ())
        if line.model.strip() and len(fits) != 1:
            tally[f"{log_notes.NAME}{label_of(line.model, line.provider, line.region)}"] += 1
        held = Before(line.model, line.provider or None, line.region or None, line.paid_nusd)
        known = {_expected(record, name) for name in fits}
        expected_nusd, quality_ppm, basis = known.pop() if len(known) == 1 else (None, None, "")
        paid_nusd = line.paid_nusd
        if len(fits) == 1:
            model = self.router.register.models[fits[0]]
            held = Before(model.id, model.provider, model.region, paid_nusd)
            paid_nusd = self._paid_nusd(line, model.id)
        elif expected_nusd is not None:
            # Several fit, at one cost and one estimate: these hold whichever of them it was.
            held = replace(held, quality_ppm=quality_ppm, quality_basis=basis)
            faults.add(SEVERAL_MODELS)
            tally.update(n_alike=1)
        if expected_nusd is None:
            tally.update(n_own_cost=paid_nusd is not None, own_nusd=paid_nusd or 0)
            return replace(held, nusd=paid_nusd), faults
        if paid_nusd is not None:
            tally.update(n_checked=1, paid_nusd=paid_nusd, expected_nusd=expected_nusd)
        return replace(held, nusd=expected_nusd), faults

    def _paid_nusd(self, line: LogLine, name: str) -> int | None:
        """As the log says, else by its tokens at the register's price."""
        if line.paid_nusd is not None or line.input_tokens is None or line.output_tokens is None:
            return line.paid_nusd
        price = self.router.register.price(name, self.plan.at)
        return price.cost_nusd(line.input_tokens, line.output_tokens) if price else None

    def _moves(
        self, request: Request, record: Mapping[str, Any], row: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The request under each scenario; another classifier scores the text again."""
        if not self.variants:
            return []
        facts, register = facts_of(record), self.router.register
        scored, moves = self.router.complexity.score(request), []
        for variant in self.variants:
            same = replace(variant, complexity=None)
            then = estimates = what_if.decide(same, facts, register, scored=scored)
            if variant.complexity is not None:
                other = variant.complexity.score(request)
                then = what_if.decide(variant, facts, register, scored=other)
            moves.append(move_row(variant.name, row, record, then, estimates=estimates))
        return moves


def set_aside_row(line: LogLine, origin: str) -> dict[str, Any]:
    """The row of a line that is not decided."""
    empty: dict[str, Any] = {
        column.name: "" if column.type == "string" and column.name not in _NULL else None
        for column in COLUMNS
    }
    counts = dict.fromkeys(("failed_nusd", "n_calls", "router_nusd"), 0)
    return {
        **empty,
        **counts,
        "request_id": line.id,
        "bucket": bucket_of(line.id),
        "time_us": line.time_us,
        "verdict": SET_ASIDE,
        "faults": "+".join(sorted(line.faults)),
        "source": origin,
        "example_terms": False,
    }


def _detector(plan: Plan) -> SensitivityDetector:
    if "sensitivity" not in plan.settings.named:
        return installation.open_detector()
    return installation.open_detector(plan.settings.sensitivity, plan.promoted)


def _expected(record: Mapping[str, Any], name: str) -> tuple[int | None, int | None, str]:
    """Expected cost of a model, its estimated quality, and how that is known."""
    scored = record["assessment"]
    cost_nusd = next(c["cost_nusd"] for c in record["candidates"] if c["model"] == name)
    if name not in scored["success_ppm"]:
        return cost_nusd, None, ""
    return cost_nusd, scored["success_ppm"][name], BASES.get(scored["success_basis"].get(name), MAPPED)


def _marked(line: LogLine, faults: set[str]) -> LogLine:
    return replace(line, faults=line.faults | faults)


def _together(request: Request) -> str:
    """What the bootstrap draws together: the session, else requests of equal text."""
    if request.session is not None:
        return f"{request.caller.agent} {request.session}"
    return prompt_key(_text(request))


def _language(request: Request, record: Mapping[str, Any]) -> str:
    """Empty where the detector failed, and so nothing is known."""
    return "" if SENSITIVITY_UNKNOWN in record["notes"] else language_of(_text(request), record["notes"])


def _text(request: Request) -> str:
    return "\n".join(part.text for part in request.parts)


def _as_said(line: LogLine, row: Mapping[str, Any]) -> dict[str, str]:
    """Slices by the log's own names, and every fault of the line and of the decision."""
    named = {name: shown(line.said.get(name)) for name in ("caller", "purpose")}
    faults = {*line.faults, *filter(None, row["faults"].split("+"))}
    faults -= {UNKNOWN_MODEL} if faults & {NO_MODEL, SEVERAL_MODELS} else set()
    return {**{k: v for k, v in named.items() if v}, "faults": "+".join(sorted(faults))}
