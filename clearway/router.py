"""The path of a request, top to bottom: assess, clear, choose, record. Nothing else decides.

`Router.resolve` is the part without input or output: replay and what-if call it with other parts.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from clearway.active_exception import ActiveException
from clearway.assessment import Assessment, ComplexityModel, Level, Sensitivity, SensitivityDetector
from clearway.decision import Choice, Decision
from clearway.errors import (
    BasisChangedError,
    InvalidRequestError,
    RequestConflictError,
    SensitivityError,
    SessionChangedError,
)
from clearway.exceptions import basis_of
from clearway.features import OUTSIDE_NOTE
from clearway.ledger.store import Entry, Ledger, Private, SessionState
from clearway.objectives import Objective
from clearway.optimiser import Candidate, choose
from clearway.policy import Clearing, Policy, PolicyClearing, PolicyQuestion
from clearway.record import (
    RECORD_FORMAT,
    Facts,
    canonical_body,
    facts_of,
    outcome_json,
    request_json,
    software,
)
from clearway.register import Register
from clearway.request import Request
from clearway.session_limit import providers_named, reached_json, within_limit

# A purpose without an objective has no region, so nothing is cleared for it: the numbers never matter.
_NO_OBJECTIVE: Final = Objective(
    id="none", regions=[], quality_floor_ppm=1_000_000, max_cost_nusd=0, max_latency_p95_ms=0, max_fallbacks=0
)
# What a candidate's codes begin with where policy or a review, and not a capability, leaves it out.
POLICY_CODES: Final = frozenset(
    {
        "forbidden",
        "not_permitted",
        "not_reviewed",
        "policy_error",
        "review_expired",
        "session_providers",
        "session_required",
        "terms_changed",
    }
)


class Router:
    """Decides requests with the parts it is given.

    Args:
        register: Providers, models and prices.
        policy: Cedar policies, callers and objectives.
        complexity: Scores success per model.
        sensitivity: Finds data classes.
        ledger: Where records go before an answer leaves.
        exceptions: Exceptions in force at a time, and those that a decision used already; none by default.
        clock: Time of a decision; aware, UTC.
    """

    def __init__(
        self,
        *,
        register: Register,
        policy: Policy,
        complexity: ComplexityModel,
        sensitivity: SensitivityDetector,
        ledger: Ledger,
        exceptions: Callable[[datetime, Collection[str]], tuple[ActiveException, ...]] = lambda *_: (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.register = register
        self.policy = policy
        self.complexity = complexity
        self.sensitivity = sensitivity
        self.ledger = ledger
        self.clearing = PolicyClearing(policy, register)
        self._exceptions = exceptions
        self._clock = clock

    def decide(self, request: Request) -> Decision:
        """Decision on a request, recorded before it is returned.

        The same client and request id get the same decision again, while it is still permitted.

        Raises:
            RequestConflictError: This client used the id for another body, or policy, a review or the
                session no longer permits what was decided under it.
            InvalidRequestError: A label is neither a data class nor a level.
            LedgerUnavailableError: The record could not be written; there is no decision then.
        """
        request_key, body_digest = self.keys(request)
        entry = self.ledger.lookup(request_key, body_digest)
        if entry is None:
            entry = self._append(request, request_key, body_digest)
        elif not self._is_still_permitted(entry.record, self._session_key(request)):
            raise RequestConflictError("id: what was decided under it is no longer permitted; use a new id")
        return Decision(entry.record, entry.leaf_hash.hex())

    def preview(self, request: Request) -> Decision:
        """The decision that `decide` would take now, without a record.

        Raises:
            InvalidRequestError: A label is neither a data class nor a level.
        """
        self._check_labels(request.labels)
        session_key = self._session_key(request)
        assessment, session = self.assess(request), self._session(session_key)
        salt = secrets.token_bytes(32)
        return Decision(self._record(request, salt, session_key, session, assessment), None)

    def assess(self, request: Request) -> Assessment:
        """What both classifiers say; a detector fault is a sensitivity unknown, counted as restricted."""
        scored = self.complexity.score(request)
        try:
            sensitivity = self.sensitivity.scan(request)
        except SensitivityError:
            notes = tuple(sorted({*request.notes, "sensitivity_unknown"}))
            sensitivity = Sensitivity({}, (), Level.RESTRICTED, notes=notes)
        models = {
            model.id: model.success
            for model in self.register.models.values()
            if model.success.reference in scored.success_ppm
        }
        return Assessment(
            sensitivity=sensitivity,
            success_ppm={m: scored.success_ppm[success.reference] for m, success in models.items()},
            success_basis={m: success.basis for m, success in models.items()},
            expected_output_tokens={m: scored.expected_output_tokens[s.reference] for m, s in models.items()},
            difficulty_ppm=scored.difficulty_ppm,
            n_input_tokens=scored.n_input_tokens,
            notes=tuple(sorted({*request.notes, *sensitivity.notes, *scored.notes})),
        )

    def resolve(self, facts: Facts) -> dict[str, Any]:
        """All of a record that follows from the facts: clear, then choose. No clock, no state."""
        objective = self.policy.objectives.purposes.get(facts.purpose, _NO_OBJECTIVE)
        question = self._question(facts)
        cleared = self.clearing.clear(question)
        candidates = [self._candidate(m, facts, objective, cleared[m]) for m in self.register.models]
        candidates = self._within_session(candidates, facts, objective)
        choice = self._choose(candidates, facts, objective, objective.max_fallbacks)
        outcome = outcome_json(choice, candidates, cleared)
        return {
            **facts.as_json(question.level),
            **outcome,
            **self._stated(facts, objective, choice),
            "active_exceptions": [exception.as_json() for exception in question.exceptions],
            "session_providers": self._session_providers(facts, objective, choice),
            "policy": {
                "digest": self.policy.digest,
                "determining": outcome.pop("determining"),
                "observed": [seen.as_json() for seen in self.clearing.observe(question)],
            },
        }

    def keys(self, request: Request) -> tuple[bytes, bytes]:
        """Keyed digests of who asked under which id, and of everything sent but the id."""
        caller = request.caller
        who = (caller.gateway or "", caller.agent, caller.user or "", request.id, *caller.chain)
        return self.ledger.keyed("request", *who), self.ledger.keyed("body", canonical_body(request).decode())

    def _append(self, request: Request, request_key: bytes, body_digest: bytes) -> Entry:
        """Decide and record, again where another request of the session came between.

        A session only grows, by few levels and providers, and so do the uses of an exception: this ends.
        """
        self._check_labels(request.labels)
        salt, session_key = secrets.token_bytes(32), self._session_key(request)
        assessment = self.assess(request)
        while True:
            session, size = self._session(session_key), self.ledger.size()
            record = self._record(request, salt, session_key, session, assessment)
            level = Level.parse(record["classification"]["level"])
            providers = providers_named(self.register, record["model"], record["fallbacks"])
            basis = basis_of(record["exceptions"], size)
            private = Private(
                salt, request_key, body_digest, session_key, int(level), providers, session, basis
            )
            with suppress(SessionChangedError, BasisChangedError):
                return self.ledger.append("decision", record, private)

    def _record(
        self,
        request: Request,
        salt: bytes,
        session_key: bytes | None,
        session: SessionState,
        assessment: Assessment,
    ) -> dict[str, Any]:
        at = self._clock()
        facts = Facts(
            caller=request.caller,
            purpose=request.purpose,
            labels=request.labels,
            needs=tuple(sorted(request.needs)),
            max_output_tokens=request.max_output_tokens,
            session_level=Level(session.level),
            at=at,
            assessment=assessment,
            finding_counts=assessment.sensitivity.finding_counts,
            classifier=self.complexity.identity,
            detector=self.sensitivity.identity,
            in_session=session_key is not None,
            session_providers=session.providers,
            exceptions=self._exceptions(at, ()),
        )
        resolved = self.resolve(facts)
        return {
            "format": RECORD_FORMAT,
            "decision_id": uuid.uuid4().hex,
            "session": session_key.hex() if session_key else None,
            "software": dict(software()),
            **resolved,
            "request": {**request_json(request, salt), **resolved["request"]},
        }

    def _is_still_permitted(self, record: Mapping[str, Any], session_key: bytes | None) -> bool:
        """Whether policy, asked today on the recorded facts, still clears every model of a decision."""
        at, session = self._clock(), self._session(session_key)
        facts = replace(
            facts_of(record),
            at=at,
            session_level=Level(session.level),
            session_providers=session.providers,
            exceptions=self._exceptions(at, record["exceptions"]),
        )
        named = {record["model"], *record["fallbacks"]} - {None}
        candidates = self.resolve(facts)["candidates"]
        codes = {c["model"]: {code.split(":")[0] for code in c["codes"]} for c in candidates}
        if not all(model in codes and not codes[model] & POLICY_CODES for model in named):
            return False
        cleared = self.clearing.clear(self._question(facts))
        return all(cleared[model].fall_back for model in record["fallbacks"])

    def _session(self, session_key: bytes | None) -> SessionState:
        return self.ledger.session(session_key) if session_key else SessionState()

    def _session_key(self, request: Request) -> bytes | None:
        if request.session is None:
            return None
        caller = request.caller
        who = (caller.agent, caller.user or "", request.session, *caller.chain)
        return self.ledger.keyed("session", *who)

    def _check_labels(self, labels: tuple[str, ...]) -> None:
        known = [*self.sensitivity.class_levels, *(level.label for level in Level)]
        if not set(labels) <= set(known):
            raise InvalidRequestError(f"labels: expected data classes or levels ({', '.join(known)})")

    def _classes(self, facts: Facts) -> tuple[str, ...]:
        declared = [label for label in facts.labels if label in self.sensitivity.class_levels]
        return tuple(sorted({*facts.assessment.sensitivity.flagged, *declared}))

    def _level(self, facts: Facts, objective: Objective) -> Level:
        """Join of classes, notes, labels and session. Only policy can name a lower level for images."""
        classes, notes = self.sensitivity.class_levels, self.sensitivity.note_levels
        noted = {note: notes.get(note, Level.RESTRICTED) for note in facts.assessment.sensitivity.notes}
        vouched = objective.images.get(facts.caller.agent)
        if vouched is not None and "image" in noted:
            noted["image"] = Level.parse(vouched)
        declared = [Level.parse(label) for label in facts.labels if label not in classes]
        flagged = [classes.get(name, Level.RESTRICTED) for name in self._classes(facts)]
        return Level.join([facts.session_level, *noted.values(), *declared, *flagged])

    def _question(self, facts: Facts) -> PolicyQuestion:
        objective = self.policy.objectives.purposes.get(facts.purpose, _NO_OBJECTIVE)
        return self.policy.question(
            facts.caller,
            facts.purpose,
            self._classes(facts),
            self._level(facts, objective),
            self.clearing.reviewed(facts.at),
            session_level=facts.session_level,
            exceptions=facts.exceptions,
        )

    def _candidate(self, model_id: str, facts: Facts, objective: Objective, clearing: Clearing) -> Candidate:
        """One model with its expected cost and every code that leaves it out."""
        model, assessment = self.register.models[model_id], facts.assessment
        success, cost = assessment.success_ppm.get(model_id), self._cost_nusd(model_id, facts)
        wanted = facts.max_output_tokens or 0
        reserved = wanted or assessment.expected_output_tokens.get(model_id, 0)
        checks = {
            "session_required": objective.session_required and not facts.in_session,
            "unread_part": "unread_part" in assessment.notes,
            "context_window": assessment.n_input_tokens + reserved > model.context_window_tokens,
            "output_limit": wanted > model.max_output_tokens,
            "no_success_estimate": success is None,
            "no_price": success is not None and cost is None,
            "over_cost": cost is not None and cost > objective.max_cost_nusd,
            "too_slow": model.latency.p95_ms > objective.max_latency_p95_ms,
        }
        codes = {code for code, holds in checks.items() if holds}
        codes.update(filter(None, [self.register.not_eligible(facts.at).get(model_id)]))
        codes.update(f"no_{need}" for need in facts.needs if need not in model.capabilities)
        codes.update(clearing.codes if not clearing.route else ())
        return Candidate(model_id, success, cost, tuple(sorted(codes)), clearing.fall_back)

    def _cost_nusd(self, model_id: str, facts: Facts) -> int | None:
        tokens = facts.assessment.expected_output_tokens.get(model_id)
        price = self.register.price(model_id, facts.at)
        if tokens is None or price is None:
            return None
        bounds = [self.register.models[model_id].max_output_tokens, facts.max_output_tokens or tokens, tokens]
        return price.cost_nusd(facts.assessment.n_input_tokens, min(bounds))

    def _choose(
        self, candidates: list[Candidate], facts: Facts, objective: Objective, max_fallbacks: int
    ) -> Choice:
        return choose(
            candidates,
            floor_ppm=objective.quality_floor_ppm,
            max_fallbacks=max_fallbacks,
            unknown_goes_to=self.register.incumbent if OUTSIDE_NOTE in facts.assessment.notes else None,
        )

    def _within_session(
        self, candidates: list[Candidate], facts: Facts, objective: Objective
    ) -> list[Candidate]:
        limit = objective.max_providers_per_session
        if limit is None or not facts.in_session:
            return candidates
        ranked = self._choose(candidates, facts, objective, len(candidates))
        return within_limit(candidates, ranked, self.register, facts.session_providers, limit)

    def _session_providers(self, facts: Facts, objective: Objective, choice: Choice) -> dict[str, Any] | None:
        if not facts.in_session:
            return None
        named = providers_named(self.register, choice.model, choice.fallbacks)
        return reached_json(facts.session_providers, named, objective.max_providers_per_session)

    def _stated(self, facts: Facts, objective: Objective, choice: Choice) -> dict[str, Any]:
        """What the register and the objective say of the choice, with the digests that say it."""
        assessment, chosen = facts.assessment, choice.model
        example_terms = self.register.example_terms(chosen, facts.at) if chosen else ()
        below = ("floor_not_met",) if chosen and not choice.floor_met else ()
        return {
            "provider": self.register.models[chosen].provider if chosen else None,
            "region": self.register.models[chosen].region if chosen else None,
            "success_ppm": assessment.success_ppm[chosen] if chosen else None,
            "success_basis": assessment.success_basis[chosen] if chosen else None,
            "floor_ppm": objective.quality_floor_ppm,
            "guarantee": None,
            "cost": {
                "expected_nusd": choice.expected_nusd,
                "incumbent": self.register.incumbent,
                "incumbent_nusd": self._cost_nusd(self.register.incumbent, facts),
            },
            "example_terms": list(example_terms),
            "notes": sorted({*assessment.notes, *below, *(["example_terms"] if example_terms else [])}),
            "callers": {"digest": self.policy.callers.digest},
            "objectives": {"digest": self.policy.objectives.digest},
            "register": {"digest": self.register.digest},
            "prices": {"digest": self.register.price_digest},
        }
