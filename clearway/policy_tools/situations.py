"""Who asks for what, and the codes that leave each model out: the question all tools put."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.errors import InvalidRequestError
from clearway.policy import Clearing, Policy, PolicyClearing, PolicyQuestion
from clearway.register import Register
from clearway.request import Caller


@dataclass(frozen=True, slots=True)
class Situation:
    """A request as policy sees it.

    Attributes:
        caller: Who asks, with the user it acts for.
        purpose: What for.
        classes: Data classes, sorted.
        level: Level of the request.
        session_level: Level its session had reached before.
    """

    caller: Caller
    purpose: str
    classes: tuple[str, ...]
    level: Level
    session_level: Level = Level.PUBLIC


@dataclass(frozen=True, slots=True)
class Ruling:
    """What policy and reviews say of one model.

    Attributes:
        codes: What leaves it out, sorted; empty where it is cleared.
        permitted_by: Ids of the permits that applied, sorted.
        fall_back: Whether it may also be a fallback.
        exceptions: Ids of the exceptions that it took, sorted.
    """

    codes: tuple[str, ...]
    permitted_by: tuple[str, ...]
    fall_back: bool
    exceptions: tuple[str, ...] = ()


class Rulings:
    """Rules on situations at one time.

    Args:
        policy: Loaded policy.
        register: Loaded register.
        class_levels: Level of each data class.
        at: Time at which reviews must hold.
    """

    def __init__(
        self, policy: Policy, register: Register, class_levels: Mapping[str, Level], at: datetime
    ) -> None:
        self.policy = policy
        self.register = register
        self.class_levels = class_levels
        self.at = at
        self._clearing = PolicyClearing(policy, register)

    def situation(
        self,
        caller: str,
        purpose: str | None,
        classes: tuple[str, ...] = (),
        *,
        user: str | None = None,
        level: Level = Level.PUBLIC,
        session_level: Level = Level.PUBLIC,
    ) -> Situation:
        """A situation of registered names; its level is at least that of each class and of the session.

        Raises:
            InvalidRequestError: A data class or the purpose is unknown.
            UnknownCallerError: The caller or the user is not registered, has expired or has no owner.
        """
        unknown = sorted(set(classes) - set(self.class_levels))
        if unknown:
            raise InvalidRequestError(
                f"class: expected one of {', '.join(self.class_levels)}, got {unknown[0]}"
            )
        self.policy.callers.check_chain((caller,), user, self.at)
        chosen = purpose or self.policy.callers.callers[caller].purposes[0]
        if chosen not in self.policy.objectives.purposes:
            known = ", ".join(self.policy.objectives.purposes)
            raise InvalidRequestError(f"purpose: expected one of {known}, got {chosen}")
        joined = Level.join([level, session_level, *(self.class_levels[name] for name in classes)])
        return Situation(Caller(caller, user), chosen, tuple(sorted(set(classes))), joined, session_level)

    def question(self, situation: Situation, exceptions: tuple[ActiveException, ...] = ()) -> PolicyQuestion:
        """The situation as policy is asked about it."""
        return self.policy.question(
            situation.caller,
            situation.purpose,
            situation.classes,
            situation.level,
            self.register.reviewed(self.at),
            session_level=situation.session_level,
            exceptions=exceptions,
        )

    def rule(self, situation: Situation, exceptions: tuple[ActiveException, ...] = ()) -> dict[str, Ruling]:
        """Ruling on each model, in order of id."""
        cleared = self._clearing.clear(self.question(situation, exceptions))
        not_eligible = self.register.not_eligible(self.at)
        return {model: _ruling(cleared[model], not_eligible.get(model)) for model in self.register.models}

    def everyone(self) -> Iterator[tuple[str, str]]:
        """Each caller in force with each purpose it is registered for."""
        callers = self.policy.callers
        for name, caller in callers.callers.items():
            if callers.lapse(name, self.at) is None:
                yield from ((name, purpose) for purpose in caller.purposes)


def _ruling(clearing: Clearing, review_code: str | None) -> Ruling:
    codes = {*clearing.codes} if not clearing.route else set()
    codes |= {review_code} if review_code else set()
    if codes:
        return Ruling(tuple(sorted(codes)), (), False)
    return Ruling((), clearing.permitted_by, clearing.fall_back, clearing.exceptions)
