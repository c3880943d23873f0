"""What a load changed: ids added, removed and changed in policy, callers, objectives, register and prices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cedarpy

from clearway.archive import Archive
from clearway.callers import Callers, load_callers
from clearway.errors import ConfigurationError
from clearway.objectives import load_objectives
from clearway.register import Register, load_register

Entries = Mapping[str, Any]
Digests = Mapping[str, str]


def diff_of(
    archive: Archive, before: Digests, after: Digests, policy: Path, register: Path
) -> dict[str, Any]:
    """Changes of each part whose digest changed.

    Args:
        archive: Where the last loaded version was kept.
        before: Digests of the last loaded parts, by name.
        after: Digests of the parts that are loaded now.
        policy: Folder of the policy that is loaded now.
        register: Folder of the register that is loaded now.

    Returns:
        By part, ids `added`, `removed` and `changed`, sorted; None where the last version cannot be read any
        more. A changed comment or a changed order changes a digest and no id.
    """
    changed = [name for name in after if before.get(name) != after[name]]
    result: dict[str, Any] = {}
    for names, kind, read, folder in (
        (("policy", "callers", "objectives"), "policy", _policy_entries, policy),
        (("register", "prices"), "register", _register_entries, register),
    ):
        wanted = [name for name in names if name in changed]
        if not wanted:
            continue
        try:
            old = read(archive.find(kind, *(before[name] for name in names)))
        except (ConfigurationError, KeyError):
            result.update(dict.fromkeys(wanted))
            continue
        new = read(folder)
        result.update({name: changes(old[name], new[name]) for name in wanted})
    return result


def changes(before: Entries, after: Entries) -> dict[str, list[str]]:
    """Ids that only one has, and ids under which both have something else."""
    return {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "changed": sorted(name for name in set(before) & set(after) if before[name] != after[name]),
    }


def _policy_entries(folder: Path) -> dict[str, Entries]:
    schema = (folder / "schema.cedarschema").read_text(encoding="utf-8")
    objectives = load_objectives(folder / "objectives.yaml").purposes
    return {
        "policy": {**_rules(folder), "schema.cedarschema": schema},
        "callers": _caller_entries(load_callers(folder / "callers.yaml")),
        "objectives": {name: objective.model_dump(mode="json") for name, objective in objectives.items()},
    }


def _rules(folder: Path) -> Entries:
    """Each policy and template in Cedar's JSON form, by `@id`."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.cedar")):
        parsed = json.loads(cedarpy.policies_to_json_str(file.read_text(encoding="utf-8")))
        for rule in (*parsed["staticPolicies"].values(), *parsed["templates"].values()):
            found[rule["annotations"]["id"]] = rule
    return found


def _caller_entries(callers: Callers) -> Entries:
    sections: dict[str, Iterable[Any]] = {
        "caller": callers.callers.values(),
        "user": callers.users.values(),
        "gateway": callers.gateways.values(),
        "staff": callers.staff.values(),
        "issuer": callers.issuers,
        "key": callers.keys.values(),
    }
    entries = {
        f"{section}:{entry.id}": entry.model_dump(mode="json")
        for section, found in sections.items()
        for entry in found
    }
    defaults = {"default_caller": callers.default_caller, "default_gateway": callers.gateway}
    return {**entries, **defaults, "owners": sorted(callers.owners)}


def _register_entries(folder: Path) -> dict[str, Entries]:
    register = load_register(folder, is_archived=True)
    prices = {name: [row.model_dump(mode="json") for row in rows] for name, rows in register.prices.items()}
    return {"register": _trusted_entries(register), "prices": prices}


def _trusted_entries(register: Register) -> Entries:
    entries: dict[str, Any] = {"incumbent": register.incumbent}
    for name, provider in register.providers.items():
        entries[f"provider:{name}"] = provider.model_dump(mode="json", exclude={"review"})
        entries[f"review:{name}"] = provider.review and provider.review.model_dump(mode="json")
    for name, model in register.models.items():
        entries[f"model:{name}"] = model.model_dump(mode="json")
    return entries
