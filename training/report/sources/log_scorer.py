"""Decides the lines of a past log: the real line, without a record, and each beside what was called then.

Cost is held on one yardstick: what the register's price and the classifier's expected length say, for the
choice and for the model that the log names alike. What the log says was paid checks that yardstick.
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
from clearway.register import Register, load_register
from clearway.request import Caller, Request, parse_json, parse_request
from clearway.router import Router
from clearway.testing import memory_ledger
from training.prompt_key import prompt_key
from training.report import what_if
from training.report.gathered import Costs, WhatIf
from training.report.routed import COLUMNS, MEASURED, SET_ASIDE, bucket_of
from training.report.sources.batch import Scored
from training.report.sources.log_lines import RawLine
from training.report.sources.prompt_scan import language_of
from training.report.sources.rows import Before, decision_row, move_row
from training.report.sources.traffic_log import BAD_REQUEST, LogLine, read_line, shown

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
                rows.append(set_aside_row(line, self.plan.origin))
                continue
            try:
                row, its_moves = self._decide(line, request, tally)
            except InvalidRequestError:  # a label that nobody knows
                rows.append(set_aside_row(_marked(line, {BAD_REQUEST}), self.plan.origin))
                continue
            rows.append(row)
            moves.extend(its_moves)
        return Scored(rows, moves, dict(tally))

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
            faults.add("unknown_caller")
            caller = callers.from_command_line({}, at=self.plan.at)
        wanted = {"purpose": said["purpose"]} if "purpose" in said else {}
        try:
            return caller, callers.purpose_of(caller, wanted), faults
        except InvalidRequestError:
            return caller, callers.purpose_of(caller, {}), {*faults, "unknown_purpose"}

    def _decide(
        self, line: LogLine, request: Request, tally: Counter[str]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        started = time.process_time_ns()
        record = self.router.preview(request).record
        cpu_ns = time.process_time_ns() - started
        costs = self.plan.costs or Costs(cpu_ns * NUSD_PER_HOUR // _NS_PER_HOUR, "measured")
        before = self._before(line, record, tally)
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
        row |= {"time_us": line.time_us, "n_matched_calls": None, **_as_said(line, row)}
        tally.update(n_decided=1, router_nusd=costs.router_nusd)
        if line.grade_ppm is not None:
            _grade(line.grade_ppm, row, tally)
        return row, self._moves(request, record, row)

    def _before(self, line: LogLine, record: Mapping[str, Any], tally: Counter[str]) -> Before:
        """What was called, at its expected cost; where there is none to expect, at what the log says."""
        name = self._models.get(_place(line.model, line.provider, line.region)) or ""
        model = self.router.register.models.get(name)
        paid_nusd = line.paid_nusd
        if model is None:
            tally.update(n_own_cost=paid_nusd is not None, own_nusd=paid_nusd or 0)
            return Before(line.model, line.provider or None, line.region or None, paid_nusd)
        if paid_nusd is None and line.input_tokens is not None and line.output_tokens is not None:
            price = self.router.register.price(name, self.plan.at)
            paid_nusd = price.cost_nusd(line.input_tokens, line.output_tokens) if price else None
        expected_nusd = next(c["cost_nusd"] for c in record["candidates"] if c["model"] == name)
        if expected_nusd is None:
            tally.update(n_own_cost=paid_nusd is not None, own_nusd=paid_nusd or 0)
        elif paid_nusd is not None:
            tally.update(n_checked=1, paid_nusd=paid_nusd, expected_nusd=expected_nusd)
        nusd = paid_nusd if expected_nusd is None else expected_nusd
        return Before(name, model.provider, model.region, nusd)

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


Place = tuple[str, str, str]


def names_of(register: Register) -> Mapping[Place, str | None]:
    """Id of the one model that a name fits, alone or with provider, region or both; None where several do.

    A name is the id, the id without its region, or what the provider calls the model, perhaps with the
    provider before it; capitals do not matter.
    """
    found: dict[Place, set[str]] = {}
    for model in register.models.values():
        upstream = model.upstream_name
        for name in {model.id, model.id.split("@")[0], upstream, f"{model.provider}/{upstream}"}:
            for provider in ("", model.provider):
                for region in ("", model.region):
                    found.setdefault(_place(name, provider, region), set()).add(model.id)
    return {place: ids.pop() if len(ids) == 1 else None for place, ids in found.items()}


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


def _place(name: str, provider: str, region: str) -> Place:
    return name.lower(), provider.lower(), region.lower()


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
    return {**{k: v for k, v in named.items() if v}, "faults": "+".join(sorted(faults))}


def _grade(grade_ppm: int, row: dict[str, Any], tally: Counter[str]) -> None:
    """A grade tells of the model that was called: of the choice, too, only where it is the same.

    Beside an estimate it would measure the classifier and not the choice, so it only checks that.
    """
    if row["before_quality_ppm"] is not None:
        tally.update(n_graded=1, grade_ppm=grade_ppm, estimate_ppm=row["before_quality_ppm"])
    if row["model"] is not None and row["model"] == row["before_model"]:
        both = ("quality_ppm", "before_quality_ppm")
        row |= dict.fromkeys(both, grade_ppm)
        row |= dict.fromkeys(("quality_basis", "before_quality_basis"), MEASURED)
