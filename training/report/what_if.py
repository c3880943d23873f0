"""Other rules for the same traffic: what a `--what-if` says, and the router that decides under it.

A model that is taken out of the pool stays in the register, as one that no review vouches for: policies may
still name it, and the incumbent keeps its price.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from clearway.assessment import PPM, Complexity
from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import ClearwayError, ConfigurationError, InvalidRequestError, UnknownCallerError
from clearway.features import OUTSIDE_NOTE, TRUNCATED_NOTE
from clearway.installation import Settings, check_agreement, data_folder
from clearway.policy import Policy, load_policy
from clearway.policy_tools.what_if import recorded_router
from clearway.record import Facts
from clearway.register import Register, ReviewCode, load_register
from clearway.sensitivity import load_class_table
from clearway.testing import memory_ledger
from training.report.gathered import Variant, WhatIf

MAX_NAME_CHARACTERS: Final = 80
_FOLDERS: Final = ("policy", "register", "bundle")
_LISTS: Final = ("regions", "without")
_FLOOR: Final = "floor"
_KEYS: Final = (*_FOLDERS, "prices", *_LISTS, _FLOOR)
# ASCII digits only, from 0.01 to 1.
_SHARE: Final = re.compile(r"0\.(?!00)[0-9]{2}[0-9]{0,4}|0\.[1-9]|1(\.0{1,6})?")
_EXAMPLE: Final = '"EU only: regions=eu,on_premises" or "new model: register=my-register"'
# What a refused request has of a record, where there is no record to take it from.
_REFUSED: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("model", "provider", "region", "success_ppm", "success_basis")),
    "verdict": "refuse",
    "cost": {"expected_nusd": None},
}


def parse(text: str) -> WhatIf:
    """A scenario as the command line gives it: `NAME: KEY=VALUE KEY=VALUE`, or with `;` between.

    Args:
        text: Keys are `policy`, `register`, `bundle` (folders), `prices` (a file), `regions` and `without`
            (lists with commas), `floor` (a share, such as 0.85). A value with a space stands in quotes.

    Raises:
        InvalidRequestError: It has no name or no key, a key is unknown or given twice, or a value is empty or
            names what does not exist.

    >>> parse("EU only: regions=eu,on_premises").regions
    ('eu', 'on_premises')
    """
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon or not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidRequestError(
            f"what-if: expected NAME: KEY=VALUE with a name of 1 to {MAX_NAME_CHARACTERS} printable "
            f"characters, such as {_EXAMPLE}"
        )
    given: dict[str, Any] = {}
    for pair in _pairs(name, rest):
        key, equals, value = pair.partition("=")
        _check_pair(name, key, value if equals else "", given)
        given.update(_value(name, key, value))
    if not given:
        raise InvalidRequestError(f"what-if {name}: expected what changes, such as {_EXAMPLE}")
    return WhatIf(name, **given)


def parse_all(texts: Collection[str]) -> tuple[WhatIf, ...]:
    """Scenarios of the command line, in their order.

    Raises:
        InvalidRequestError: One is wrong, or two have one name.
    """
    found = tuple(parse(text) for text in texts)
    for index, spec in enumerate(found):
        if spec.name in {other.name for other in found[:index]}:
            raise InvalidRequestError(f"what-if {spec.name}: expected a name of its own, got it twice")
    return found


def describe(spec: WhatIf) -> str:
    """What a scenario changes, in words; folders by their last name only."""
    words = [f"another {key} ({path.name})" for key in _FOLDERS if (path := getattr(spec, key)) is not None]
    words += [f"other prices ({spec.prices.name})"] if spec.prices is not None else []
    words += [f"only models in {', '.join(spec.regions)}"] if spec.regions else []
    words += [f"without {', '.join(spec.without)}"] if spec.without else []
    words += [f"a quality floor of {spec.floor_ppm / PPM:.1%} for every purpose"] if spec.floor_ppm else []
    return "; ".join(words) or "nothing: the rules of today"


def build(spec: WhatIf, settings: Settings, at: datetime) -> Variant:
    """The scenario made ready; nothing of it goes into service or on a ledger.

    A bundle is checked to be whole, but needs no promotion here: it only decides on paper.

    Args:
        spec: What differs.
        settings: Where everything lies that stays as it is.
        at: Time at which a model must be left that a review vouches for; aware.

    Raises:
        ConfigurationError: A part does not load, or the parts do not fit each other.
        InvalidRequestError: A region or model is not in the register, or no model is left.
    """
    with _named(spec):
        return _built(spec, settings, at)


def _built(spec: WhatIf, settings: Settings, at: datetime) -> Variant:
    register = load_register(spec.register or settings.register, prices_file=spec.prices)
    policy = _with_floor(load_policy(spec.policy or settings.policy), spec.floor_ppm)
    table = load_class_table(data_folder() / "sensitivity")
    check_agreement(register, policy, table.class_levels)
    pool = _narrowed(spec, register, at)
    bundle = OnnxComplexityModel(load_bundle(spec.bundle, trusted=None)) if spec.bundle else None
    return Variant(
        name=spec.name,
        what=describe(spec),
        router=recorded_router(policy, pool, table, memory_ledger()),
        complexity=bundle,
    )


def decide(
    variant: Variant, facts: Facts, register: Register, *, scored: Complexity | None = None
) -> Mapping[str, Any]:
    """What a scenario decides on the facts of a decision, as a record says it.

    A caller that its policy does not know is refused.

    Args:
        variant: The scenario.
        facts: Of the decision.
        register: The register whose models the facts speak of.
        scored: What a complexity model says of the text, where that is at hand. Without it a new model has an
            estimate where one of `register` rests on the same graded answers.
    """
    try:
        links = (facts.caller.agent, *facts.caller.chain)
        variant.router.policy.callers.check_chain(links, facts.caller.user, facts.at)
    except UnknownCallerError:
        return _REFUSED
    return variant.router.resolve(_under(facts, variant.router.register, register, scored))


@contextmanager
def _named(spec: WhatIf) -> Iterator[None]:
    """A part that does not load is told with the name of the scenario that brought it."""
    try:
        yield
    except InvalidRequestError:
        raise
    except ClearwayError as fault:
        if spec == WhatIf(spec.name):  # the rules of today: nothing that the command line named
            raise
        raise ConfigurationError(f"what-if {spec.name}: {fault}") from fault


@dataclass(frozen=True)
class _Pool(Register):
    """A register of which some models may not be chosen; no code of a what-if is shown, so one will do."""

    outside: frozenset[str] = frozenset()

    def _find_standing(self, day: date) -> Any:
        standing = super()._find_standing(day)
        barred: dict[str, ReviewCode] = dict.fromkeys(sorted(self.outside), "not_reviewed")
        return replace(standing, not_eligible={**standing.not_eligible, **barred})


def _with_floor(policy: Policy, floor_ppm: int | None) -> Policy:
    """The policy with one quality floor for all purposes."""
    if floor_ppm is None:
        return policy
    changed = {"quality_floor_ppm": floor_ppm}
    purposes = {name: one.model_copy(update=changed) for name, one in policy.objectives.purposes.items()}
    return replace(policy, objectives=replace(policy.objectives, purposes=purposes))


def _narrowed(spec: WhatIf, register: Register, at: datetime) -> Register:
    """The register with only the models that a scenario leaves in the pool."""
    models = register.models
    _check_known(spec.name, "regions", spec.regions, {model.region for model in models.values()})
    _check_known(spec.name, "without", spec.without, models)
    outside = {
        name
        for name, model in models.items()
        if name in spec.without or (spec.regions and model.region not in spec.regions)
    }
    kept = {item.name: getattr(register, item.name) for item in fields(Register)}
    pool = _Pool(**kept, outside=frozenset(outside))
    if set(models) <= set(pool.not_eligible(at)):
        raise InvalidRequestError(
            f"what-if {spec.name}: expected a model that a review vouches for on {at.date()}, got none; "
            "see clearway register list"
        )
    return pool


def _under(facts: Facts, wanted: Register, known: Register, scored: Complexity | None) -> Facts:
    """The facts with an estimate for each model of another register that can have one."""
    assessment = facts.assessment
    if scored is not None:
        success, tokens = scored.success_ppm, scored.expected_output_tokens
        notes = {*assessment.notes} - {TRUNCATED_NOTE, OUTSIDE_NOTE} | {*scored.notes}
        assessment = replace(
            assessment,
            difficulty_ppm=scored.difficulty_ppm,
            n_input_tokens=scored.n_input_tokens,
            notes=tuple(sorted(notes)),
        )
    else:
        ids = [name for name in assessment.success_ppm if name in known.models]
        success = {known.models[name].success.reference: assessment.success_ppm[name] for name in ids}
        tokens = {
            known.models[name].success.reference: assessment.expected_output_tokens[name] for name in ids
        }
    models = {
        name: model.success for name, model in wanted.models.items() if model.success.reference in success
    }
    return replace(
        facts,
        assessment=replace(
            assessment,
            success_ppm={name: success[model.reference] for name, model in models.items()},
            success_basis={name: model.basis for name, model in models.items()},
            expected_output_tokens={name: tokens[model.reference] for name, model in models.items()},
        ),
    )


def _check_pair(name: str, key: str, value: str, given: Collection[str]) -> None:
    if key not in _KEYS:
        raise InvalidRequestError(
            f"what-if {name}: {key[:MAX_NAME_CHARACTERS]!r} is none of {', '.join(_KEYS)}; "
            f"write KEY=VALUE, such as {_EXAMPLE}"
        )
    if not value:
        raise InvalidRequestError(f"what-if {name}: {key}: expected {key}=VALUE, got no value")
    if key in {"floor" if field == "floor_ppm" else field for field in given}:
        raise InvalidRequestError(f"what-if {name}: {key}: expected once, got it twice")


def _pairs(name: str, text: str) -> list[str]:
    try:
        return [pair for part in text.split(";") for pair in shlex.split(part)]
    except ValueError:
        raise InvalidRequestError(f"what-if {name}: expected each quote to be closed, got one open") from None


def _value(name: str, key: str, value: str) -> dict[str, Any]:
    """One value as the field of `WhatIf` that it sets."""
    if key == _FLOOR:
        return {"floor_ppm": _share_ppm(name, value)}
    return {key: _listed(name, key, value) if key in _LISTS else _path(name, key, value)}


def _share_ppm(name: str, value: str) -> int:
    if not _SHARE.fullmatch(value):
        raise InvalidRequestError(
            f"what-if {name}: floor: expected a share from 0.01 to 1, such as 0.85, got {value!r}"
        )
    return int(Decimal(value) * PPM)


def _listed(name: str, key: str, value: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in value.split(",")))
    if not all(words):
        raise InvalidRequestError(
            f"what-if {name}: {key}: expected names with commas between, got an empty one"
        )
    return words


def _path(name: str, key: str, value: str) -> Path:
    path, is_folder = Path(value), key in _FOLDERS
    if not (path.is_dir() if is_folder else path.is_file()):
        kind = "a folder" if is_folder else "a file"
        raise InvalidRequestError(f"what-if {name}: {key}: expected {kind}, got {value!r}, which is none")
    return path.resolve()


def _check_known(name: str, key: str, given: Collection[str], known: Collection[str]) -> None:
    unknown = [word for word in given if word not in known]
    if unknown:
        raise InvalidRequestError(
            f"what-if {name}: {key}: {unknown[0]!r} is not in the register; expected some of "
            f"{', '.join(sorted(known))}"
        )
