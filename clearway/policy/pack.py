"""A loaded policy and the question that is put to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.callers import Callers
from clearway.objectives import Objectives
from clearway.request import Caller

ACTIONS: Final = ("route", "fall_back")


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

    def context(self, known: frozenset[str], *, with_exceptions: bool = False) -> dict[str, Any]:
        """The question's context as Cedar reads it.

        Args:
            known: Words that the schema declares; archived schemas do not know the newer ones.
            with_exceptions: Whether exceptions are linked where this is asked.
        """
        templates = {exception.template for exception in self.exceptions} if with_exceptions else set()
        context = {
            "classes": list(self.classes),
            "level": self.level.label,
            "purpose": self.purpose,
            "purpose_regions": list(self.purpose_regions),
            "session_level": self.session_level.label,
            "exceptions": sorted(templates),
        }
        return {word: value for word, value in context.items() if word in known}


@dataclass(frozen=True, slots=True)
class Template:
    """A `permit` that exceptions link.

    Attributes:
        id: Its `@id`.
        slots: `?principal`, `?resource` or both, sorted.
    """

    id: str
    slots: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Cedar policies and schema, with the callers and objectives they speak of; see `load_policy`.

    Attributes:
        callers: Registered identities.
        objectives: What each purpose asks.
        reasons: The `@reason` of each policy id, templates and observed policies included.
        words: Texts that policies compare with an attribute, by attribute; see `words_of`.
        entities: Ids of the entities that policies name, by Cedar type.
        patterns: Attributes that policies compare by `like`.
        digest: SHA-256 over policies and schema.
        policies: Each static policy in Cedar's JSON form, by id, observed ones included.
        templates: What exceptions may link, by id.
        context: Words of the context that the schema declares.
        policy_set: The enforced policies and the templates.
        observed_sets: For each observed policy, sorted by id, the enforced ones with it.
    """

    callers: Callers
    objectives: Objectives
    reasons: Mapping[str, str]
    words: Mapping[str, frozenset[str]]
    entities: Mapping[str, frozenset[str]]
    patterns: frozenset[str]
    digest: str
    policies: Mapping[str, Mapping[str, Any]]
    templates: Mapping[str, Template]
    context: frozenset[str]
    policy_set: cedarpy.PolicySet
    observed_sets: Mapping[str, cedarpy.PolicySet]
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
        covering = [e for e in exceptions if e.covers(callers, purpose, classes)]
        return PolicyQuestion(
            principals=principals,
            purpose=purpose,
            purpose_regions=tuple(sorted(objective.regions)) if objective else (),
            classes=classes,
            level=level,
            reviewed=reviewed,
            session_level=session_level,
            exceptions=tuple(sorted(covering, key=lambda exception: exception.id)),
        )
