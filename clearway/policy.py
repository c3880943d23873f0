"""Policy: which models this caller may send this data to, as Cedar decides, and by which rules.

Doubt denies. Cedar skips a policy whose evaluation errors, so a model is cleared only by an Allow without any
error. A policy set that does not parse, does not validate, or has a policy without `@id` or `@reason` does
not load; an empty one loads and clears nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cedarpy

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.callers import Callers, Principal, load_callers
from clearway.errors import PolicyError
from clearway.objectives import Objectives, load_objectives
from clearway.register import Model, Provider, Register
from clearway.request import Caller

ACTIONS: Final = ("route", "fall_back")
_CACHE_SIZE: Final = 4_096


@dataclass(frozen=True, slots=True)
class PolicyQuestion:
    """All that a clearing depends on, beside the register and the policies.

    Attributes:
        principals: Cedar type and id of everyone who must be permitted.
        purpose: Purpose of the request.
        purpose_regions: Regions of the purpose, sorted.
        classes: Flagged data classes and the caller's labels, sorted.
        level: Joined level.
        reviewed: Providers whose review is valid, sorted.
        session_level: Level the session had reached before.
        exceptions: Exceptions in force that cover the request, by id.
    """

    principals: tuple[tuple[str, str], ...]
    purpose: str
    purpose_regions: tuple[str, ...]
    classes: tuple[str, ...]
    level: Level
    reviewed: tuple[str, ...]
    session_level: Level = Level.PUBLIC
    exceptions: tuple[ActiveException, ...] = ()


@dataclass(frozen=True, slots=True)
class Clearing:
    """Policy's answer for one model.

    Attributes:
        route: May be the first choice.
        fall_back: May be a fallback.
        permitted_by: Ids of the permits that applied, sorted.
        codes: Why it is not cleared, sorted: `forbidden:ID`, `not_permitted`, `policy_error`.
    """

    route: bool
    fall_back: bool
    permitted_by: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Cedar policies and schema, with the callers and objectives they speak of; see `load_policy`.

    Attributes:
        callers: Registered identities.
        objectives: What each purpose asks.
        reasons: The `@reason` of each policy id.
        words: Texts that policies compare with an attribute, by attribute; see `words_of`.
        digest: SHA-256 over policies and schema.
    """

    callers: Callers
    objectives: Objectives
    reasons: Mapping[str, str]
    words: Mapping[str, frozenset[str]]
    digest: str
    policy_set: cedarpy.PolicySet
    schema: cedarpy.Schema

    def question(
        self,
        caller: Caller,
        purpose: str,
        classes: tuple[str, ...],
        level: Level,
        reviewed: tuple[str, ...],
        *,
        session_level: Level = Level.PUBLIC,
        exceptions: Iterable[ActiveException] = (),
    ) -> PolicyQuestion:
        """The question to put about a request; an unknown purpose has no region, so nothing is cleared."""
        objective = self.objectives.purposes.get(purpose)
        principals = tuple((kind, entry.id) for kind, entry in self.callers.principals(caller))
        callers = tuple(identifier for _, identifier in principals)
        return PolicyQuestion(
            principals=principals,
            purpose=purpose,
            purpose_regions=tuple(sorted(objective.regions)) if objective else (),
            classes=classes,
            level=level,
            reviewed=reviewed,
            session_level=session_level,
            exceptions=tuple(
                sorted((e for e in exceptions if e.covers(callers, purpose, classes)), key=lambda e: e.id)
            ),
        )


class PolicyClearing:
    """Clears the models of one register under one policy; answers are cached by what they depend on.

    Args:
        policy: Loaded policy.
        register: Loaded register.
    """

    def __init__(self, policy: Policy, register: Register) -> None:
        self._policy = policy
        self._register = register
        self.clear = lru_cache(maxsize=_CACHE_SIZE)(self._clear)
        self._entities = lru_cache(maxsize=64)(self._build_entities)

    def reviewed(self, at: datetime) -> tuple[str, ...]:
        """Providers whose review is valid on the day of `at`, sorted."""
        return tuple(sorted(p.id for p in self._register.providers.values() if p.is_review_valid(at)))

    def _clear(self, question: PolicyQuestion) -> Mapping[str, Clearing]:
        asked = [
            (model, action, principal)
            for model in self._register.models
            for action in ACTIONS
            for principal in question.principals
        ]
        context = {
            "classes": list(question.classes),
            "level": question.level.label,
            "purpose": question.purpose,
            "purpose_regions": list(question.purpose_regions),
        }
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
            self._policy.policy_set,
            self._entities(question.principals, question.reviewed),
            self._policy.schema,
        )
        given: dict[str, dict[str, list[Any]]] = {m: {a: [] for a in ACTIONS} for m in self._register.models}
        for (model, action, _), answer in zip(asked, answers, strict=True):
            given[model][action].append(answer)
        return {model: _combine(by_action) for model, by_action in given.items()}

    def _build_entities(
        self, principals: tuple[tuple[str, str], ...], reviewed: tuple[str, ...]
    ) -> cedarpy.Entities:
        callers = self._policy.callers
        entries: list[dict[str, Any]] = []
        for kind, identifier in principals:
            entry = callers.users[identifier] if kind == "User" else callers.callers[identifier]
            entries.append(_principal_entity(kind, entry))
        groups = sorted({name for kind, i in principals for name in _entry(callers, kind, i).groups})
        entries += [{"uid": {"type": "Group", "id": name}, "attrs": {}, "parents": []} for name in groups]
        entries += [
            _provider_entity(p, is_reviewed=p.id in reviewed) for p in self._register.providers.values()
        ]
        entries += [_model_entity(model) for model in self._register.models.values()]
        return cedarpy.Entities.from_json_str(json.dumps(entries), self._policy.schema)


def load_policy(folder: Path) -> Policy:
    """Policy of a folder: `*.cedar`, `schema.cedarschema`, `callers.yaml`, `objectives.yaml`.

    Raises:
        PolicyError: Anything that does not parse or validate, a policy without `@id` or `@reason`, a
            duplicate `@id`, or a template.
    """
    schema_text = _read(folder / "schema.cedarschema")
    files = sorted(folder.glob("*.cedar"))
    if not files:
        raise PolicyError(
            f"{folder}: no .cedar file; an empty one denies everything, a missing one is a mistake"
        )
    texts = {file.name: _read(file) for file in files}
    schema = _schema(schema_text)
    policies: dict[str, Any] = {}
    for name, text in texts.items():
        for identifier, policy in _parse(name, text, schema).items():
            if identifier in policies:
                raise PolicyError(f'{name}: @id("{identifier}") stands twice; policy ids are unique')
            policies[identifier] = policy
    content = {"schema.cedarschema": schema_text, **texts}
    return Policy(
        callers=load_callers(folder / "callers.yaml"),
        objectives=load_objectives(folder / "objectives.yaml"),
        reasons={identifier: policy["annotations"]["reason"] for identifier, policy in policies.items()},
        words=words_of(policies),
        digest=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        policy_set=cedarpy.PolicySet.from_json_str(
            json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
        ),
        schema=schema,
    )


def words_of(node: Any) -> dict[str, frozenset[str]]:
    """Texts that policies compare with an attribute, by name of the attribute.

    Cedar's types cannot tell a misspelt class from a class, and a rule about no class at all forbids nothing:
    whoever knows the classes, levels, purposes and regions checks these words against them.

    Args:
        node: Policies, or a part of one, in Cedar's JSON form.
    """
    found: dict[str, frozenset[str]] = {}
    if isinstance(node, dict) and {"left", "right"} <= set(node):
        for one, other in ((node["left"], node["right"]), (node["right"], node["left"])):
            attribute = one.get(".", {}).get("attr") if isinstance(one, dict) else None
            if attribute and (words := _texts(other)):
                found[attribute] = words
    children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    for child in children:
        for attribute, words in words_of(child).items():
            found[attribute] = found.get(attribute, frozenset()) | words
    return found


def _texts(node: Any) -> frozenset[str]:
    """Texts of a literal, or of a set of literals."""
    if not isinstance(node, dict):
        return frozenset()
    if isinstance(node.get("Value"), str):
        return frozenset({node["Value"]})
    return frozenset().union(*map(_texts, node.get("Set", [])))


def _combine(by_action: Mapping[str, list[Any]]) -> Clearing:
    """A model's answers, over both actions and all principals, as one clearing."""
    permitted_by: set[str] = set()
    codes: set[str] = set()
    allowed = dict.fromkeys(ACTIONS, True)
    for action, answers in by_action.items():
        for answer in answers:
            if answer.allowed and not answer.diagnostics.errors:
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
    return [f"forbidden:{identifier}" for identifier in answer.diagnostics.reasons] or ["not_permitted"]


def _parse(name: str, text: str, schema: cedarpy.Schema) -> dict[str, Any]:
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as fault:
        raise PolicyError(f"{name}: not a Cedar policy file; {_one_line(fault)}") from None
    if parsed["templates"]:
        raise PolicyError(f"{name}: templates (?principal, ?resource) are not supported; write a policy")
    validation = cedarpy.validate_policies(text, schema)
    if not validation.validation_passed:
        raise PolicyError(f"{name}: does not fit the schema; {_one_line(validation.errors[0].error)}")
    result: dict[str, Any] = {}
    for policy in parsed["staticPolicies"].values():
        annotations = policy.get("annotations", {})
        identifier = annotations.get("id")
        if not identifier:
            raise PolicyError(
                f"{name}: a policy has no @id; annotate each policy with a unique @id and a @reason"
            )
        if not annotations.get("reason"):
            raise PolicyError(f'{name}: @id("{identifier}") has no @reason; say why it is there')
        if identifier in result:
            raise PolicyError(f'{name}: @id("{identifier}") stands twice; policy ids are unique')
        result[identifier] = policy
    return result


def _schema(text: str) -> cedarpy.Schema:
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as fault:
        raise PolicyError(f"schema.cedarschema: not a Cedar schema; {_one_line(fault)}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError(f"{path.name}: expected UTF-8; save the file as UTF-8") from None
    except OSError as fault:
        raise PolicyError(f"{path}: cannot be read ({fault.strerror}); restore the file") from fault


def _one_line(fault: object) -> str:
    return " ".join(str(fault).split())[:300]


def _entry(callers: Callers, kind: str, identifier: str) -> Principal:
    return callers.users[identifier] if kind == "User" else callers.callers[identifier]


def _principal_entity(kind: str, entry: Principal) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": entry.id},
        "attrs": {"owner": entry.owner, "purposes": entry.purposes, "regions": entry.regions},
        "parents": [{"type": "Group", "id": group} for group in entry.groups],
    }


def _provider_entity(provider: Provider, *, is_reviewed: bool) -> dict[str, Any]:
    return {
        "uid": {"type": "Provider", "id": provider.id},
        "attrs": {
            "self_hosted": provider.self_hosted,
            "jurisdiction": provider.jurisdiction.value,
            "certifications": provider.certifications.value,
            "business_associate_agreement": provider.business_associate_agreement.value,
            "content_kept_days": provider.content_kept_days,
            "trains_on_content": provider.trains_on_content,
            "review_valid": is_reviewed,
        },
        "parents": [],
    }


def _model_entity(model: Model) -> dict[str, Any]:
    return {
        "uid": {"type": "Model", "id": model.id},
        "attrs": {
            "provider": {"__entity": {"type": "Provider", "id": model.provider}},
            "region": model.region,
        },
        "parents": [],
    }
