"""A question answered for every model: plainly, with exceptions linked, and as observed policies would.

An exception lifts the lack of a permit and nothing else: a model that a `forbid` leaves out, or whose
evaluation failed, is not asked about again. It lifts it for the first choice only: one decision is one use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import cedarpy

from clearway.active_exception import ActiveException
from clearway.policy.entities import build_entities
from clearway.policy.pack import ACTIONS, Policy, PolicyQuestion
from clearway.register import Register

_CACHE_SIZE: Final = 4_096
_NOT_PERMITTED: Final = "not_permitted"
# Answers for one model: by action, one for each principal.
_Answers = Mapping[str, Sequence[cedarpy.AuthzResult]]


@dataclass(frozen=True, slots=True)
class Clearing:
    """Policy's answer for one model.

    Attributes:
        route: May be the first choice.
        fall_back: May be a fallback.
        permitted_by: Ids of the permits that applied, sorted.
        codes: Why it is not cleared, sorted: `forbidden:ID`, `not_permitted`, `policy_error`.
        exceptions: Ids of the exceptions without which it would not be cleared, sorted.
    """

    route: bool
    fall_back: bool
    permitted_by: tuple[str, ...]
    codes: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one observed policy would have changed.

    Attributes:
        policy: Its id.
        forbids: Cleared models that would not be, sorted.
        permits: Models that would be cleared and are not, sorted.
    """

    policy: str
    forbids: tuple[str, ...]
    permits: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in records."""
        return {"id": self.policy, "forbids": list(self.forbids), "permits": list(self.permits)}


class PolicyClearing:
    """Clears the models of one register under one policy; answers are cached by what they depend on.

    Another policy or register, by digest, is another object: no cached answer outlives what gave it.

    Args:
        policy: Loaded policy.
        register: Loaded register.
    """

    def __init__(self, policy: Policy, register: Register) -> None:
        self._policy = policy
        self._register = register
        self.clear = lru_cache(maxsize=_CACHE_SIZE)(self._clear)
        self.observe = lru_cache(maxsize=_CACHE_SIZE)(self._observe)
        self._entities = lru_cache(maxsize=64)(self._build_entities)

    def reviewed(self, at: datetime) -> tuple[str, ...]:
        """Providers that a review vouches for on the day of `at`, sorted."""
        return self._register.reviewed(at)

    def _clear(self, question: PolicyQuestion) -> Mapping[str, Clearing]:
        """Answer for each model; observed policies have no part in it."""
        return self._cleared(question, self._policy.policy_set)

    def _observe(self, question: PolicyQuestion) -> tuple[Observation, ...]:
        """What each observed policy, enforced alone with the others, would change; sorted by id."""
        now = self.clear(question)
        found = []
        for identifier, policy_set in self._policy.observed_sets.items():
            then = self._cleared(question, policy_set)
            forbids = tuple(m for m in now if _has_more(now[m], then[m]))
            permits = tuple(m for m in now if _has_more(then[m], now[m]))
            if forbids or permits:
                found.append(Observation(identifier, forbids, permits))
        return tuple(found)

    def _cleared(self, question: PolicyQuestion, policy_set: cedarpy.PolicySet) -> dict[str, Clearing]:
        context = question.context(self._policy.context)
        answers = self._ask(question, policy_set, context, list(self._register.models), ACTIONS)
        cleared = {model: _combine(by_action) for model, by_action in answers.items()}
        lacking = [model for model, clearing in cleared.items() if clearing.codes == (_NOT_PERMITTED,)]
        if question.exceptions and lacking:
            cleared |= self._excepted(question, policy_set, {model: answers[model] for model in lacking})
        return cleared

    def _excepted(
        self, question: PolicyQuestion, policy_set: cedarpy.PolicySet, plain: Mapping[str, _Answers]
    ) -> dict[str, Clearing]:
        """Those models without a permit that exceptions clear, asked again with the exceptions linked."""
        links = list(self._links(question, plain))
        if not links:
            return {}
        linked = policy_set.with_linked_batch([link for _, link in links])
        by_link = {link["new_id"]: exception for exception, link in links}
        context = question.context(self._policy.context, with_exceptions=True)
        answers = self._ask(question, linked, context, list(plain), ("route",))
        found = {
            model: self._combine_linked(question, model, plain[model]["route"], given["route"], by_link)
            for model, given in answers.items()
        }
        return {model: clearing for model, clearing in found.items() if clearing is not None}

    def _links(
        self, question: PolicyQuestion, models: Iterable[str]
    ) -> Iterable[tuple[ActiveException, dict[str, Any]]]:
        """Links of each exception in force: one, or one for each model where the template has that slot."""
        kinds = {identifier: kind for kind, identifier in question.principals}
        for exception in question.exceptions:
            template = self._policy.templates.get(exception.template)
            if template is None:  # taken out of the policy: it permits nothing any more
                continue
            resources = [m for m in models if self._is_in_scope(exception, m)]
            for resource in resources if "?resource" in template.slots else resources[:1]:
                values = {
                    "?principal": {"type": kinds[exception.caller], "id": exception.caller},
                    "?resource": {"type": "Model", "id": resource},
                }
                yield (
                    exception,
                    {
                        "template_id": template.id,
                        "new_id": f"link {exception.id} {resource}",
                        "values": {slot: values[slot] for slot in template.slots},
                    },
                )

    def _is_in_scope(self, exception: ActiveException, model: str) -> bool:
        provider = self._register.models[model].provider
        return exception.model in (None, model) and exception.provider in (None, provider)

    def _combine_linked(
        self,
        question: PolicyQuestion,
        model: str,
        plain: Sequence[cedarpy.AuthzResult],
        linked: Sequence[cedarpy.AuthzResult],
        by_link: Mapping[str, ActiveException],
    ) -> Clearing | None:
        """The model as cleared by exceptions, or None; each principal needs a permit or an exception.

        A template without a slot permits more than the exception does, so its scope is checked here again.
        """
        needed: set[str] = set()
        permitted_by: set[str] = set()
        for (_, caller), before, answer in zip(question.principals, plain, linked, strict=True):
            if not _is_allowed(answer):
                return None
            reasons = answer.diagnostics.reasons
            permitted_by.update(reason for reason in reasons if reason not in by_link)
            if _is_allowed(before):
                continue
            covering = [by_link[r] for r in reasons if r in by_link and by_link[r].caller == caller]
            covering = [e for e in covering if self._is_in_scope(e, model)]
            if not covering:
                return None
            used = min(covering, key=lambda exception: exception.id)
            needed.add(used.id)
            permitted_by.add(used.template)
        return Clearing(True, False, tuple(sorted(permitted_by)), (), tuple(sorted(needed)))

    def _ask(
        self,
        question: PolicyQuestion,
        policy_set: cedarpy.PolicySet,
        context: Mapping[str, Any],
        models: Sequence[str],
        actions: Sequence[str],
    ) -> dict[str, dict[str, list[cedarpy.AuthzResult]]]:
        asked = [(m, action, who) for m in models for action in actions for who in question.principals]
        answers = cedarpy.is_authorized_batch(
            [
                {
                    "principal": {"type": kind, "id": identifier},
                    "action": {"type": "Action", "id": action},
                    "resource": {"type": "Model", "id": model},
                    "context": context,
                }
                for model, action, (kind, identifier) in asked
            ],
            policy_set,
            self._entities(question.principals, question.reviewed),
            self._policy.schema,
        )
        given: dict[str, dict[str, list[cedarpy.AuthzResult]]] = {m: {a: [] for a in actions} for m in models}
        for (model, action, _), answer in zip(asked, answers, strict=True):
            given[model][action].append(answer)
        return given

    def _build_entities(
        self, principals: tuple[tuple[str, str], ...], reviewed: tuple[str, ...]
    ) -> cedarpy.Entities:
        return build_entities(self._policy, self._register, principals, reviewed)


def _has_more(one: Clearing, other: Clearing) -> bool:
    return one.route > other.route or one.fall_back > other.fall_back


def _is_allowed(answer: cedarpy.AuthzResult) -> bool:
    return bool(answer.allowed) and not answer.diagnostics.errors


def _combine(by_action: Mapping[str, list[Any]]) -> Clearing:
    """A model's answers, over both actions and all principals, as one clearing."""
    permitted_by: set[str] = set()
    codes: set[str] = set()
    allowed = dict.fromkeys(ACTIONS, True)
    for action, answers in by_action.items():
        for answer in answers:
            if _is_allowed(answer):
                permitted_by.update(answer.diagnostics.reasons)
                continue
            allowed[action] = False
            if action == "route":
                codes.update(_denial_codes(answer))
    allowed["fall_back"] &= allowed["route"]
    return Clearing(
        route=allowed["route"],
        fall_back=allowed["fall_back"],
        permitted_by=tuple(sorted(permitted_by)) if allowed["route"] else (),
        codes=tuple(sorted(codes)),
    )


def _denial_codes(answer: cedarpy.AuthzResult) -> list[str]:
    if answer.diagnostics.errors:
        return ["policy_error"]
    return [f"forbidden:{identifier}" for identifier in answer.diagnostics.reasons] or [_NOT_PERMITTED]
