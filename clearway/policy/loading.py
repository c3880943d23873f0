"""A policy folder read into a `Policy`; what is wrong is said by file and policy id, nothing loads halfway.

Annotations: `@id` and `@reason` on everything; `@mode("observe")` on a policy that shall only be watched;
`@exception` on a template, the `permit` that exceptions link.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cedarpy

from clearway.callers import load_callers
from clearway.errors import PolicyError
from clearway.objectives import load_objectives
from clearway.policy.pack import ACTIONS, Policy, Template

MODES: Final = ("enforce", "observe")
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
_SCHEMA: Final = "schema.cedarschema"
_ANNOTATIONS: Final = ("id", "reason", "mode", "exception")
# What a request's context may say. A schema that declares fewer words is asked without the others.
_WORDS: Final[Mapping[str, Any]] = {
    "classes": [],
    "level": "public",
    "purpose": "general",
    "purpose_regions": [],
    "session_level": "public",
    "exceptions": [],
}
_NEWER_WORDS: Final = ("session_level", "exceptions")


def load_policy(folder: Path, *, is_archived: bool = False) -> Policy:
    """Policy of a folder: `*.cedar`, `schema.cedarschema`, `callers.yaml`, `objectives.yaml`.

    Args:
        folder: Where the files lie.
        is_archived: Whether it only serves to compute old decisions again; what was once passed over in
            silence, such as an unknown annotation, is then passed over again.

    Raises:
        PolicyError: Anything that does not parse or validate, a file that would not be read, a policy
            without `@id` or `@reason`, a duplicate `@id`, an unknown annotation or `@mode`, or a template
            that is not the permit of an exception.
    """
    schema_text = _read(folder / _SCHEMA)
    texts = _cedar_texts(folder, is_archived=is_archived)
    schema = _schema(schema_text)
    rules = _rules(texts, schema, is_archived=is_archived)
    templates = {identifier: rule for identifier, rule in rules.items() if _slots(rule)}
    policies = {identifier: rule for identifier, rule in rules.items() if identifier not in templates}
    observed = sorted(identifier for identifier, policy in policies.items() if _is_observed(policy))
    enforced = {identifier: policy for identifier, policy in policies.items() if identifier not in observed}
    content = {_SCHEMA: schema_text, **texts}
    return Policy(
        callers=load_callers(folder / "callers.yaml"),
        objectives=load_objectives(folder / "objectives.yaml"),
        reasons={identifier: rule["annotations"]["reason"] for identifier, rule in rules.items()},
        words=words_of(rules),
        entities=entities_of(rules),
        patterns=patterned(rules),
        digest=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        policies=policies,
        templates={identifier: Template(identifier, _slots(rule)) for identifier, rule in templates.items()},
        context=_context(schema),
        policy_set=_policy_set(enforced, templates),
        observed_sets={name: _policy_set({**enforced, name: policies[name]}, templates) for name in observed},
        schema=schema,
    )


def _cedar_texts(folder: Path, *, is_archived: bool) -> dict[str, str]:
    """Content of the policy files by name."""
    if not is_archived:
        _check_names(folder)
    files = sorted(folder.glob("*.cedar"))
    if not files:
        raise PolicyError(
            f"{folder}: no .cedar file; an empty one denies everything, a missing one is a mistake"
        )
    return {file.name: _read(file) for file in files}


def _check_names(folder: Path) -> None:
    """No file that looks like a policy and is not read: what it forbids would be allowed."""
    for name in sorted(path.name for path in folder.iterdir()):
        if ".cedar" in name.lower() and name != _SCHEMA and not name.endswith(".cedar"):
            raise PolicyError(
                f"{folder / name}: would not be read; expected a name that ends in .cedar, "
                "rename the file or move it elsewhere"
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
    for child in _children(node):
        for attribute, words in words_of(child).items():
            found[attribute] = found.get(attribute, frozenset()) | words
    return found


def entities_of(node: Any) -> dict[str, frozenset[str]]:
    """Ids of the entities that policies name, by Cedar type; actions are left to the schema.

    Args:
        node: Policies, or a part of one, in Cedar's JSON form.
    """
    found: dict[str, frozenset[str]] = {}
    if isinstance(node, dict) and set(node) == {"type", "id"} and isinstance(node["id"], str):
        return {} if node["type"] == "Action" else {node["type"]: frozenset({node["id"]})}
    for child in _children(node):
        for kind, ids in entities_of(child).items():
            found[kind] = found.get(kind, frozenset()) | ids
    return found


def patterned(node: Any) -> frozenset[str]:
    """Attributes that policies compare by `like`; a misspelt pattern cannot be told from one that fits none.

    Args:
        node: Policies, or a part of one, in Cedar's JSON form.
    """
    found = frozenset().union(*map(patterned, _children(node)))
    if isinstance(node, dict) and set(node) == {"left", "pattern"}:
        return found | _attributes(node["left"])
    return found


def _attributes(node: Any) -> frozenset[str]:
    """Names of the attributes that an expression reads."""
    own = {node["attr"]} if isinstance(node, dict) and isinstance(node.get("attr"), str) else set()
    return frozenset(own).union(*map(_attributes, _children(node)))


def _children(node: Any) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []


def _texts(node: Any) -> frozenset[str]:
    """Texts of a literal, or of a set of literals."""
    if not isinstance(node, dict):
        return frozenset()
    if isinstance(node.get("Value"), str):
        return frozenset({node["Value"]})
    return frozenset().union(*map(_texts, node.get("Set", [])))


def _rules(texts: Mapping[str, str], schema: cedarpy.Schema, *, is_archived: bool) -> dict[str, Any]:
    """Policies and templates of all files, in Cedar's JSON form, by `@id`."""
    rules: dict[str, Any] = {}
    for name, text in texts.items():
        for identifier, rule in _parse(name, text, schema, is_archived=is_archived).items():
            if identifier in rules:
                raise PolicyError(f'{name}: @id("{identifier}") stands twice; policy ids are unique')
            rules[identifier] = rule
    return rules


def _check_id(name: str, identifier: str) -> None:
    """An id that people and records can tell from another; it is not repeated, as it may hide what it is."""
    if not _ID.fullmatch(identifier):
        raise PolicyError(
            f"{name}: an @id is not plain; expected at most 128 letters, digits and . _ : / @ - "
            "that begin with a letter or digit, correct it"
        )


def _check_reason(where: str, reason: str) -> None:
    """A reason is shown to people as it stands."""
    if not reason.isprintable() or not reason.strip():
        raise PolicyError(f"{where} has a @reason that cannot be read; write it on one line, in plain words")


def _check_known(where: str, annotations: Mapping[str, Any]) -> None:
    """No annotation that is passed over: a misspelt `@mode` would enforce what should only be watched."""
    unknown = sorted(set(annotations) - set(_ANNOTATIONS))
    if unknown:
        expected = ", ".join(f"@{name}" for name in _ANNOTATIONS)
        raise PolicyError(
            f"{where} has an unknown annotation @{unknown[0]}; expected {expected}: correct or remove it"
        )


def _parse(name: str, text: str, schema: cedarpy.Schema, *, is_archived: bool) -> dict[str, Any]:
    """Policies and templates of a file, in Cedar's JSON form, by `@id`."""
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as fault:
        raise PolicyError(f"{name}: not a Cedar policy file; {_one_line(fault)}") from None
    validation = cedarpy.validate_policies(text, schema)
    if not validation.validation_passed:
        raise PolicyError(f"{name}: does not fit the schema; {_one_line(validation.errors[0].error)}")
    result: dict[str, Any] = {}
    for rule in (*parsed["staticPolicies"].values(), *parsed["templates"].values()):
        annotations = rule.get("annotations", {})
        identifier = annotations.get("id")
        if not identifier:
            raise PolicyError(
                f"{name}: a policy has no @id; annotate each policy with a unique @id and a @reason"
            )
        if not is_archived:
            _check_id(name, identifier)
        if not annotations.get("reason"):
            raise PolicyError(f'{name}: @id("{identifier}") has no @reason; say why it is there')
        if identifier in result:
            raise PolicyError(f'{name}: @id("{identifier}") stands twice; policy ids are unique')
        where = f'{name}: @id("{identifier}")'
        if not is_archived:
            _check_reason(where, annotations["reason"])
            _check_known(where, annotations)
        _check_annotations(where, rule, annotations)
        result[identifier] = rule
    return result


def _check_annotations(where: str, rule: Mapping[str, Any], annotations: Mapping[str, Any]) -> None:
    """An annotation that Cedar would pass over must not be one that somebody relies on."""
    mode = annotations.get("mode", "enforce")
    if mode not in MODES:
        raise PolicyError(f'{where} has an unknown @mode; expected "enforce" or "observe"')
    is_exception = "exception" in annotations
    if not _slots(rule):
        if is_exception:
            raise PolicyError(
                f"{where} has @exception but no slot; write ?principal for whom it is granted to"
            )
        return
    if not is_exception:
        raise PolicyError(f"{where} is a template without @exception; only exceptions are linked, add it")
    if rule["effect"] != "permit":
        raise PolicyError(f"{where} is a forbid with @exception; an exception is a permit, write permit")
    if mode != "enforce":
        raise PolicyError(
            f"{where} is an exception and observed; an exception is granted or not, remove @mode"
        )


def _slots(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Slots in the head of a policy, sorted; one with any is a template."""
    scopes = (rule["principal"], rule["resource"])
    found = {scope.get("slot") or scope.get("in", {}).get("slot") for scope in scopes}
    return tuple(sorted(found - {None}))


def _is_observed(policy: Mapping[str, Any]) -> bool:
    return bool(policy["annotations"].get("mode") == "observe")


def _policy_set(policies: Mapping[str, Any], templates: Mapping[str, Any]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": policies, "templates": templates, "templateLinks": []})
    )


def _context(schema: cedarpy.Schema) -> frozenset[str]:
    """Words that the schema lets a context have; schemas of old records do not know the newer ones.

    Cedar refuses a request whose context has an undeclared word, and names one: that one is left out.
    """
    words = dict(_WORDS)
    for _ in _NEWER_WORDS:
        faults = _probe(words, schema)
        undeclared = {w for w in _NEWER_WORDS if any(f"`{w}` should not exist" in fault for fault in faults)}
        words = {word: value for word, value in words.items() if word not in undeclared}
    return frozenset(words)


def _probe(context: Mapping[str, Any], schema: cedarpy.Schema) -> list[str]:
    """What Cedar says against a request with this context."""
    request = {
        "principal": {"type": "Service", "id": "probe"},
        "action": {"type": "Action", "id": ACTIONS[0]},
        "resource": {"type": "Model", "id": "probe"},
        "context": dict(context),
    }
    answer = cedarpy.is_authorized(request, cedarpy.PolicySet.from_str(""), [], schema)
    return [str(fault) for fault in answer.diagnostics.errors]


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
