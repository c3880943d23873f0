"""What a policy lets happen that none should: asked exhaustively, also of terms no provider has today.

For each caller, purpose and set of classes at level restricted, and each model, a policy must clear no
provider that trains on data, keeps it beyond the stated days, or is unreviewed. It is asked of the register
as it is, and of the same one if every provider had that one fault, beside the terms it has and beside the
best: so the rule is tested, not the luck that nobody trains today.

Exhaustive does not mean everything twice: classes, purposes and models that the policies cannot tell apart
are asked about once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any, Final

import cedarpy

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.optimiser import Candidate, choose
from clearway.policy import ACTIONS, Clearing, Policy, PolicyClearing, PolicyQuestion
from clearway.policy.entities import build_entities
from clearway.policy_tools.situations import Rulings
from clearway.register import Register
from clearway.register_terms import Provider
from clearway.request import Caller

# Beyond this many classes named by policies, sets are taken of at most two.
_MAX_POWER_SET: Final = 6
FAULTS: Final[Mapping[str, str]] = {
    "trains": "restricted data can reach a provider that trains on it",
    "keeps": "restricted data can reach a provider that keeps it beyond the stated days",
    "unreviewed": "restricted data can reach a provider without a valid review",
    "fallback": "a fallback is reachable that policy does not clear",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a policy is too wide.

    Attributes:
        fault: A key of `FAULTS`.
        permitted_by: Permits that let it through, sorted.
        is_hypothetical: Whether only a provider with other terms than any has today would be reached.
        n_situations: How often it was found.
        example: One of them: caller, purpose, classes and model.
    """

    fault: str
    permitted_by: tuple[str, ...]
    is_hypothetical: bool
    n_situations: int
    example: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """One line of `clearway policy lint --json`."""
        return {
            "fault": self.fault,
            "text": FAULTS[self.fault],
            "permitted_by": list(self.permitted_by),
            "hypothetical": self.is_hypothetical,
            "n_situations": self.n_situations,
            "example": dict(self.example),
        }


@dataclass(frozen=True, slots=True)
class _Hit:
    fault: str
    permitted_by: tuple[str, ...]
    is_hypothetical: bool
    example: Mapping[str, Any]


def lint(rulings: Rulings, *, max_kept_days: int = 0) -> tuple[Finding, ...]:
    """Findings, sorted; none where the policy holds.

    Args:
        rulings: Policy, register, classes and time.
        max_kept_days: Days for which a provider that is not self-hosted may keep restricted data.
    """
    hits: dict[tuple[str, tuple[str, ...], bool], list[_Hit]] = {}
    for hit in (*_restricted_hits(rulings, max_kept_days), *_fallback_hits(rulings)):
        hits.setdefault((hit.fault, hit.permitted_by, hit.is_hypothetical), []).append(hit)
    return tuple(
        Finding(*key, n_situations=len(found), example=found[0].example)
        for key, found in sorted(hits.items())
    )


def rules_json(policy: Policy) -> list[dict[str, str]]:
    """Each rule, sorted by effect and id. Exceptions may lift the lack of a permit, never a forbid."""
    rules = [
        {"id": name, "effect": effect_of(policy, name), "mode": mode_of(policy, name), "reason": reason}
        for name, reason in policy.reasons.items()
    ]
    return sorted(rules, key=lambda rule: (rule["effect"], rule["id"]))


def effect_of(policy: Policy, identifier: str) -> str:
    """`permit`, `forbid`, or `exception` for a template."""
    return "exception" if identifier in policy.templates else str(policy.policies[identifier]["effect"])


def mode_of(policy: Policy, identifier: str) -> str:
    """`observe` or `enforce`."""
    return "observe" if identifier in policy.observed_sets else "enforce"


def class_sets(policy: Policy, class_levels: Mapping[str, Level]) -> tuple[tuple[str, ...], ...]:
    """Sets of classes that policies can tell apart."""
    named = sorted(policy.words.get("classes", frozenset()) & set(class_levels))
    other = [name for name in class_levels if name not in named][:1]
    distinct = [*named, *other]
    largest = len(distinct) if len(distinct) <= _MAX_POWER_SET else 2
    sets = {tuple(sorted(s)) for n in range(largest + 1) for s in combinations(distinct, n)}
    return tuple(sorted({*sets, tuple(sorted(distinct))}))


def _restricted_hits(rulings: Rulings, max_kept_days: int) -> Iterator[_Hit]:
    for register, reviewed, is_hypothetical in _registers(rulings, max_kept_days):
        clearing = PolicyClearing(rulings.policy, register)
        for question in _questions(rulings, reviewed):
            for model, cleared in clearing.clear(question).items():
                for fault in _faults(register.provider_of(model), reviewed, max_kept_days, cleared):
                    yield _hit(fault, question, model, cleared.permitted_by, is_hypothetical)


def _registers(rulings: Rulings, max_kept_days: int) -> Iterator[tuple[Register, tuple[str, ...], bool]]:
    """The register as it is, and for each fault the one where everyone had it; who is reviewed in each."""
    policy, register = rulings.policy, rulings.register
    reviewed = register.reviewed(rulings.at)
    for is_reviewed in (True, False):  # Cedar tells them apart, so each has its own kinds
        models = {m.id: m for m in register.models.values() if (m.provider in reviewed) is is_reviewed}
        yield _one_model_a_kind(policy, replace(register, models=models)), reviewed, False
    for fault, is_best in product(("trains", "keeps", "unreviewed"), (True, False)):
        providers = {
            name: _with_fault(_with_best_terms(provider) if is_best else provider, fault, max_kept_days)
            for name, provider in register.providers.items()
        }
        changed = _one_model_a_kind(policy, replace(register, providers=providers))
        yield changed, () if fault == "unreviewed" else tuple(providers), True


def _faults(
    provider: Provider, reviewed: tuple[str, ...], max_kept_days: int, cleared: Clearing
) -> Iterator[str]:
    """Faults of a provider that is cleared; how long it keeps data is what an exception may lift."""
    if not cleared.route:
        return
    if provider.trains_on_content:
        yield "trains"
    if provider.content_kept_days > max_kept_days and not provider.self_hosted and not cleared.exceptions:
        yield "keeps"
    if provider.id not in reviewed:
        yield "unreviewed"


def _questions(rulings: Rulings, reviewed: tuple[str, ...]) -> Iterator[PolicyQuestion]:
    """Every caller, purpose, session and set of classes at level restricted, as if all were excepted."""
    policy = rulings.policy
    sets, sessions = class_sets(policy, rulings.class_levels), tuple(_session_levels(policy))
    for name in policy.callers.callers:
        granted = tuple(ActiveException(f"lint {t}", t, name) for t in sorted(policy.templates))
        for purpose, classes, session in product(_purposes(policy, name), sets, sessions):
            yield policy.question(
                Caller(name),
                purpose,
                classes,
                Level.RESTRICTED,
                reviewed,
                session_level=session,
                exceptions=granted,
            )


def _session_levels(policy: Policy) -> Iterable[Level]:
    """Levels a session may have reached before, one of those that policies cannot tell apart."""
    if "session_level" not in _text(policy):
        return (Level.PUBLIC,)
    return Level


def _purposes(policy: Policy, caller: str) -> Iterable[str]:
    """One purpose of those that policies cannot tell apart for a caller, its own and others'."""
    if "Like" in _text(policy):  # a pattern may tell any apart
        return policy.objectives.purposes
    named, own = policy.words.get("purpose", frozenset()), policy.callers.callers[caller].purposes
    kinds: dict[tuple[Any, ...], str] = {}
    for purpose, objective in policy.objectives.purposes.items():
        kind = (purpose in own, tuple(sorted(objective.regions)), purpose if purpose in named else None)
        kinds.setdefault(kind, purpose)
    return kinds.values()


def _text(policy: Policy) -> str:
    """All that the enforced policies and templates say, in some form: what is not in it, none looks at."""
    return repr(policy.policy_set.to_pst())


def _with_best_terms(provider: Provider) -> Provider:
    """The provider if it signed an agreement, kept nothing and trained on nothing."""
    terms: dict[str, Any] = {"kept_days": 0, "reused_for_training": False}
    best = {
        name: getattr(provider, name).model_copy(update=terms)
        for name in ("prompts", "responses", "metadata")
    }
    agreement = provider.business_associate_agreement.model_copy(update={"value": True})
    return provider.model_copy(update={**best, "business_associate_agreement": agreement})


def _with_fault(provider: Provider, fault: str, max_kept_days: int) -> Provider:
    """The provider with one fault more; without a review it has the terms it had."""
    terms: dict[str, Any] = {}
    if fault == "trains":
        terms = {"reused_for_training": True}
    elif fault == "keeps":
        terms = {"kept_days": max(provider.prompts.kept_days, max_kept_days + 1)}
    return provider.model_copy(update={"prompts": provider.prompts.model_copy(update=terms)})


def _one_model_a_kind(policy: Policy, register: Register) -> Register:
    """The register with one model of each kind that the policies can tell apart."""
    text = _text(policy)
    is_named = any(f"basename='{kind}'" in text for kind in ("Provider", "Model"))
    kinds: dict[Any, str] = {}
    for model in register.models.values():
        key = (
            model.id if is_named else (model.region, *_terms_told_apart(register.provider_of(model.id), text))
        )
        kinds.setdefault(key, model.id)
    return replace(register, models={name: register.models[name] for name in sorted(kinds.values())})


def _terms_told_apart(provider: Provider, text: str) -> tuple[Any, ...]:
    """What lint looks at, and every other term whose name stands in the policies."""
    others = ("business_associate_agreement", "certifications", "jurisdiction")
    own = tuple(str(getattr(provider, name).value) for name in others if name in text)
    return (provider.self_hosted, provider.trains_on_content, provider.content_kept_days, *own)


def _fallback_hits(rulings: Rulings) -> Iterator[_Hit]:
    """Fallbacks that a decision could name but that Cedar, asked about each anew, does not clear."""
    for caller, purpose in rulings.everyone():
        for classes, level in _leveled(rulings):
            situation = rulings.situation(caller, purpose, classes, level=level)
            candidates = [
                Candidate(model, 1, 1, ruling.codes, ruling.fall_back)
                for model, ruling in rulings.rule(situation).items()
            ]
            named = choose(candidates, floor_ppm=0, max_fallbacks=len(candidates)).fallbacks
            question = rulings.question(situation)
            for model in _not_cleared(rulings, question, named):
                yield _hit("fallback", question, model, (), False)


def _not_cleared(rulings: Rulings, question: PolicyQuestion, models: Iterable[str]) -> list[str]:
    """Models that any principal may not be routed to, or not fall back to."""
    policy = rulings.policy
    asked = [(m, action, who) for m in models for action in ACTIONS for who in question.principals]
    answers = cedarpy.is_authorized_batch(
        [
            {
                "principal": {"type": kind, "id": name},
                "action": {"type": "Action", "id": action},
                "resource": {"type": "Model", "id": model},
                "context": question.context(policy.context),
            }
            for model, action, (kind, name) in asked
        ],
        policy.policy_set,
        build_entities(policy, rulings.register, question.principals, question.reviewed),
        policy.schema,
    )
    pairs = zip(asked, answers, strict=True)
    return sorted({m for (m, *_), answer in pairs if not answer.allowed or answer.diagnostics.errors})


def _leveled(rulings: Rulings) -> Iterable[tuple[tuple[str, ...], Level]]:
    levels = rulings.class_levels
    yield from (((), level) for level in Level)
    for classes in class_sets(rulings.policy, levels):
        if classes:
            yield classes, Level.join(levels[name] for name in classes)


def _hit(
    fault: str, question: PolicyQuestion, model: str, permitted_by: tuple[str, ...], is_hypothetical: bool
) -> _Hit:
    example = {
        "caller": question.principals[0][1],
        "purpose": question.purpose,
        "classes": list(question.classes),
        "level": question.level.label,
        "model": model,
    }
    return _Hit(fault, permitted_by, is_hypothetical, example)
