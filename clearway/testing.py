"""Fakes for tests, ours and yours: a ledger in memory, classifiers that say what you tell them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from clearway.active_exception import ActiveException
from clearway.assessment import PPM, ClassifierIdentity, Complexity, Finding, Level, Sensitivity
from clearway.errors import SensitivityError
from clearway.installation import data_folder
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import SqliteLedger
from clearway.ledger.store import Ledger
from clearway.policy import Policy, load_policy
from clearway.register import Register, load_register
from clearway.request import Caller, Request, parse_request
from clearway.router import Router
from clearway.sensitivity import load_class_table

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _identity(name: str, content: object) -> ClassifierIdentity:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return ClassifierIdentity(name, "1", digest)


@dataclass(frozen=True)
class FakeComplexity:
    """Says the same of every request.

    Attributes:
        success_ppm: By reference model.
        output_tokens: For every reference model.
        notes: Of every request.
    """

    success_ppm: Mapping[str, int]
    output_tokens: int = 100
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> ClassifierIdentity:
        """Depends on what it says."""
        return _identity("fake-complexity", [dict(self.success_ppm), self.output_tokens, self.notes])

    def score(self, request: Request) -> Complexity:
        """What it was told, for any request; four characters are a token."""
        tokens = dict.fromkeys(self.success_ppm, self.output_tokens)
        n_input_tokens = 1 + request.n_characters // 4
        return Complexity(dict(self.success_ppm), tokens, PPM // 2, n_input_tokens, self.notes)


@dataclass(frozen=True)
class FakeSensitivity:
    """Flags a class wherever a marker word stands; the class table is the shipped one.

    Attributes:
        markers: Class by marker word.
        is_broken: Whether every scan fails.
    """

    markers: Mapping[str, str] = field(default_factory=dict)
    is_broken: bool = False

    @property
    def identity(self) -> ClassifierIdentity:
        """Depends on the markers."""
        return _identity("fake-sensitivity", dict(self.markers))

    @property
    def class_levels(self) -> Mapping[str, Level]:
        """Those of the shipped table."""
        return _TABLE.class_levels

    @property
    def note_levels(self) -> Mapping[str, Level]:
        """Those of the shipped table."""
        return _TABLE.note_levels

    def scan(self, request: Request) -> Sensitivity:
        """Classes whose markers stand in any part.

        Raises:
            SensitivityError: It is broken.
        """
        if self.is_broken:
            raise SensitivityError("the fake detector is broken")
        findings = tuple(
            Finding(name, part.text.index(marker), part.text.index(marker) + len(marker), PPM, index)
            for index, part in enumerate(request.parts)
            for marker, name in sorted(self.markers.items())
            if marker in part.text
        )
        flagged = tuple(sorted({finding.type for finding in findings}))
        level = Level.join([_TABLE.class_levels[name] for name in flagged])
        return Sensitivity(dict.fromkeys(flagged, PPM), flagged, level, findings, request.notes)


def memory_ledger() -> Ledger:
    """A real ledger whose database is in memory, with fresh keys."""
    return SqliteLedger(":memory:", signer=Signer.generate("clearway/test"), index_key=bytes(32))


def shipped_register() -> Register:
    """The register in `data/`."""
    return load_register(data_folder() / "register")


def shipped_policy() -> Policy:
    """The policy in `data/`."""
    return load_policy(data_folder() / "policy")


def policy_of(cedar: str, *, objectives: str | None = None, callers: str | None = None) -> Policy:
    """A policy whose only Cedar file is this text.

    Args:
        cedar: Policies and templates.
        objectives: Content of `objectives.yaml`; the shipped one by default.
        callers: Content of `callers.yaml`; the shipped one by default.

    Raises:
        PolicyError: It does not load.
    """
    shipped = data_folder() / "policy"
    given = {"rules.cedar": cedar, "objectives.yaml": objectives, "callers.yaml": callers}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("schema.cedarschema", "objectives.yaml", "callers.yaml"):
            shutil.copyfile(shipped / file, folder / file)
        for file, text in given.items():
            if text is not None:
                (folder / file).write_text(text, encoding="utf-8")
        return load_policy(folder)


def references(register: Register) -> tuple[str, ...]:
    """Reference models that a register names, sorted."""
    return tuple(sorted({model.success.reference for model in register.models.values()}))


def fake_router(
    *,
    register: Register | None = None,
    policy: Policy | None = None,
    complexity: FakeComplexity | None = None,
    sensitivity: FakeSensitivity | None = None,
    ledger: Ledger | None = None,
    exceptions: tuple[ActiveException, ...] = (),
    clock: Callable[[], datetime] = lambda: NOON,
) -> Router:
    """A router of real parts, but for the classifiers and the clock.

    By default the shipped register and policy, 90% success for every model, no data class ever found.
    """
    register = register or shipped_register()
    return Router(
        register=register,
        policy=policy or shipped_policy(),
        complexity=complexity or FakeComplexity(dict.fromkeys(references(register), 900_000)),
        sensitivity=sensitivity or FakeSensitivity(),
        ledger=ledger or memory_ledger(),
        exceptions=lambda *_: exceptions,
        clock=clock,
    )


def fake_request(
    text: str = "Hello",
    *,
    id: str = "r-1",  # noqa: A002  # the field's name
    agent: str = "local-dev",
    purpose: str = "general",
    user: str | None = None,
    **fields: object,
) -> Request:
    """A request with one user message.

    Args:
        text: Its content.
        id: Request id.
        agent: Caller.
        purpose: Purpose.
        user: User the caller acts for.
        fields: Further fields of the request line: `labels`, `session`, or `request` instead of the text.
    """
    line = {"id": id, "request": {"messages": [{"role": "user", "content": text}]}, **fields}
    return parse_request(line, caller=Caller(agent, user), purpose=purpose, fallback_id=id)


_TABLE = load_class_table(data_folder() / "sensitivity")
