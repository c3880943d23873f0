"""Objectives: what each purpose asks of a model (quality floor, spend, latency, regions)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from clearway.assessment import PPM
from clearway.callers import Name
from clearway.errors import PolicyError
from clearway.ledger.canonical import canonical_json
from clearway.strict_yaml import Strict, YamlFile

Count = Annotated[StrictInt, Field(ge=0, le=2**53 - 1)]


class Objective(Strict):
    """Objective of one purpose.

    Fields that came later are left out of the digest at their default: files without them keep the digest
    that old records name.
    """

    id: Name
    regions: list[Name]
    quality_floor_ppm: Annotated[StrictInt, Field(ge=0, le=PPM)]
    max_cost_nusd: Count
    max_latency_p95_ms: Count
    max_fallbacks: Annotated[StrictInt, Field(ge=0, le=16)]
    images: dict[Name, Literal["public", "internal", "confidential", "restricted"]] = Field(
        default_factory=dict
    )
    session_required: StrictBool = Field(default=False, exclude_if=lambda value: not value)
    max_providers_per_session: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )


class _ObjectivesFile(Strict):
    purposes: list[Objective]


@dataclass(frozen=True)
class Objectives:
    """Objectives by purpose.

    Attributes:
        purposes: By id.
        digest: SHA-256 over the content of the file.
    """

    purposes: Mapping[str, Objective]
    digest: str


def load_objectives(path: Path) -> Objectives:
    """Objectives of a file.

    Raises:
        PolicyError: The file does not parse, or has a purpose twice.
    """
    file = YamlFile(path, PolicyError)
    parsed = file.parse(_ObjectivesFile)
    ids = [purpose.id for purpose in parsed.purposes]
    for index, identifier in enumerate(ids):
        if identifier in ids[:index]:
            raise file.fault(("purposes", index, "id"), f"{identifier}: duplicate id; rename or remove one")
    return Objectives(
        purposes={purpose.id: purpose for purpose in parsed.purposes},
        digest=hashlib.sha256(canonical_json(parsed.model_dump(mode="json"))).hexdigest(),
    )
