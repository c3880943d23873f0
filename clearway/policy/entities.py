"""Callers, providers and models as entities that Cedar reads."""

from __future__ import annotations

import json
from typing import Any

import cedarpy

from clearway.callers import Callers, Principal
from clearway.policy.pack import Policy
from clearway.register import Model, Provider, Register


def build_entities(
    policy: Policy, register: Register, principals: tuple[tuple[str, str], ...], reviewed: tuple[str, ...]
) -> cedarpy.Entities:
    """Everything that a question may speak of; an entity that were missing would make policies err.

    Args:
        policy: Its callers and its schema.
        register: Providers and models.
        principals: Cedar type and id of everyone who must be permitted.
        reviewed: Providers whose review is valid.
    """
    who = {(kind, name): _entry(policy.callers, kind, name) for kind, name in principals}
    groups = sorted({group for entry in who.values() for group in entry.groups})
    entries = [
        *(_principal_entity(kind, entry) for (kind, _), entry in who.items()),
        *({"uid": {"type": "Group", "id": name}, "attrs": {}, "parents": []} for name in groups),
        *(_provider_entity(p, is_reviewed=p.id in reviewed) for p in register.providers.values()),
        *(_model_entity(model) for model in register.models.values()),
    ]
    return cedarpy.Entities.from_json_str(json.dumps(entries), policy.schema)


def _entry(callers: Callers, kind: str, identifier: str) -> Principal:
    return callers.users[identifier] if kind == "User" else callers.callers[identifier]


def _principal_entity(kind: str, entry: Principal) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": entry.id},
        "attrs": {"owner": entry.owner or "", "purposes": entry.purposes, "regions": entry.regions},
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
