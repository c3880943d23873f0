"""Golden cases of a policy: `tests.yaml`, run in CI like any other test.

A case states a request as policy sees it, and what must come of it. Models are named by id or by a
pattern (`azure/*`, `*@eu`); a pattern that fits no model is a fault: a test of nothing passes always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from clearway.assessment import Level
from clearway.callers import Name
from clearway.errors import ClearwayError, PolicyError
from clearway.policy_tools.situations import Ruling, Rulings
from clearway.register_terms import Text
from clearway.strict_yaml import Strict, YamlFile

LevelName = Literal["public", "internal", "confidential", "restricted"]
Models = Annotated[list[Text], Field(min_length=1)]


class Case(Strict):
    """One request, and what must come of it.

    Attributes:
        name: What the case shows, in a sentence.
        caller: Registered agent or service.
        user: The user it acts for, if any.
        purpose: What for; the caller's first by default.
        classes: Data classes.
        level: At least this level; the classes may raise it.
        session_level: Level its session had reached before.
        allow: Models that must be cleared.
        deny: Models that must not be.
        by: Codes that each denied model must have: a policy's id, or `not_permitted`, `review_expired`, ...
        only: All models that are cleared, and no other; an empty list where none is.
        fall_back: Models that must be cleared as a fallback.
    """

    name: Text
    caller: Name
    user: Name | None = None
    purpose: Name | None = None
    classes: list[Name] = Field(default_factory=list)
    level: LevelName = "public"
    session_level: LevelName = "public"
    allow: Models | None = None
    deny: Models | None = None
    by: Models | None = None
    only: list[Text] | None = None
    fall_back: Models | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Case:
        if self.by is not None and self.deny is None:
            raise ValueError("by says why models are denied: name them with deny")
        if self.only is None and not (self.allow or self.deny or self.fall_back):
            raise ValueError("expected one of allow, deny, only, fall_back")
        return self


class _CasesFile(Strict):
    on: date | None = None
    cases: Annotated[list[Case], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Golden:
    """A file of cases.

    Attributes:
        cases: In order of the file.
        on: Day on which reviews must hold, or None for the day of the run.
    """

    cases: tuple[Case, ...]
    on: date | None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one case.

    Attributes:
        name: Of the case.
        faults: What is not as stated, one sentence each; empty where it passed.
    """

    name: str
    faults: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """One line of `clearway policy test --json`."""
        return {"case": self.name, "passed": not self.faults, "faults": list(self.faults)}


def load_golden(path: Path) -> Golden:
    """Cases of a file.

    Raises:
        PolicyError: It does not parse, has no case, or has two of one name.
    """
    file = YamlFile(path, PolicyError)
    parsed = file.parse(_CasesFile)
    names = [case.name for case in parsed.cases]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise file.fault(("cases", index, "name"), f"{name}: stands twice; rename or remove one")
    return Golden(tuple(parsed.cases), parsed.on)


def run_case(rulings: Rulings, case: Case) -> Result:
    """What comes of a case; one that cannot be asked has not passed."""
    try:
        situation = rulings.situation(
            case.caller,
            case.purpose,
            tuple(case.classes),
            user=case.user,
            level=Level.parse(case.level),
            session_level=Level.parse(case.session_level),
        )
    except ClearwayError as fault:
        return Result(case.name, (str(fault),))
    ruled = rulings.rule(situation)
    return Result(case.name, tuple(_faults(case, ruled, rulings.policy.reasons)))


def _faults(case: Case, ruled: Mapping[str, Ruling], rules: Mapping[str, str]) -> Iterable[str]:
    yield from _unknown(case, ruled, rules)
    for model in _matching(case.allow, ruled):
        if ruled[model].codes:
            yield f"{model}: expected allowed, got denied by {', '.join(ruled[model].codes)}"
    for model in _matching(case.deny, ruled):
        yield from _denial_faults(case, model, ruled[model])
    for model in _matching(case.fall_back, ruled):
        if not ruled[model].fall_back:
            yield f"{model}: expected allowed as a fallback, got denied"
    if case.only is not None:
        cleared = {model for model, ruling in ruled.items() if not ruling.codes}
        expected = set(_matching(case.only, ruled))
        yield from (f"{model}: expected denied, got allowed" for model in sorted(cleared - expected))
        yield from (
            f"{model}: expected allowed, got denied by {', '.join(ruled[model].codes)}"
            for model in sorted(expected - cleared)
        )


def _denial_faults(case: Case, model: str, ruling: Ruling) -> Iterable[str]:
    if not ruling.codes:
        yield f"{model}: expected denied, got allowed by {', '.join(ruling.permitted_by)}"
        return
    said = {code.removeprefix("forbidden:") for code in ruling.codes}
    for code in case.by or ():
        if code not in said:
            yield f"{model}: expected denied by {code}, got {', '.join(sorted(said))}"


def _unknown(case: Case, ruled: Mapping[str, Ruling], rules: Mapping[str, str]) -> Iterable[str]:
    """Names that the register or the policy does not have: a test of nothing passes always."""
    for patterns in (case.allow, case.deny, case.only, case.fall_back):
        for pattern in patterns or ():
            if not any(fnmatchcase(model, pattern) for model in ruled):
                yield f"{pattern}: no model of the register is so named"
    codes = {"not_permitted", "policy_error", "review_expired", "terms_changed", "not_reviewed"}
    for code in case.by or ():
        if code not in rules and code not in codes:
            yield f"{code}: no policy has this id"


def _matching(patterns: Sequence[str] | None, ruled: Mapping[str, Ruling]) -> list[str]:
    return [model for model in ruled if any(fnmatchcase(model, pattern) for pattern in patterns or ())]
