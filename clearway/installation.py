"""Where everything lies, and the router built from it: settings, trust, archive, load records.

State lives under `CLEARWAY_HOME`; what decides lives in three folders (register, policy, bundle) that
default to the ones shipped. Each set of versions that goes into service is archived by digest and recorded.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

import platformdirs

from clearway.approvals import load_approvers
from clearway.archive import Archive as Archive
from clearway.assessment import Level, SensitivityDetector
from clearway.bundle import load_bundle, pinned_digests
from clearway.callers import Callers
from clearway.complexity import OnnxComplexityModel
from clearway.errors import ConfigurationError, NotFoundError, SensitivityError
from clearway.exceptions import ExceptionBook
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.load_records import LOAD as LOAD
from clearway.load_records import PROMOTION as PROMOTION
from clearway.load_records import SENSITIVITY_PROMOTION as SENSITIVITY_PROMOTION
from clearway.load_records import Versions, promoted_bundles, record_load, stamp_of
from clearway.policy import Policy, load_policy
from clearway.register import Register, load_register
from clearway.router import Router
from clearway.sensitivity import load_detector
from clearway.sensitivity.unknown import UnknownDetector

SENSITIVITY_PINS: Final = "pinned_sensitivity.json"
SENSITIVITY_ARCHIVE: Final = "sensitivity"


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders in use, and which of them the operator named.

    Attributes:
        home: State: ledger, keys, archive.
        register: Folder of the register.
        policy: Folder of the policy.
        bundle: Folder of the complexity bundle.
        sensitivity: Folder of the sensitivity bundle; class table and word lists are always the shipped ones.
        named: Those of `register`, `policy`, `bundle`, `sensitivity` that an option or the environment named.
    """

    home: Path
    register: Path
    policy: Path
    bundle: Path
    sensitivity: Path
    named: frozenset[str]

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None, **options: Path | None) -> Settings:
        """Settings from options, else the environment, else the defaults.

        Args:
            environment: Environment variables; the process's own by default.
            options: `home`, `register`, `policy`, `bundle`, `sensitivity`; None where not given.

        Raises:
            ConfigurationError: The environment asks for something this version does not have.
        """
        variables = os.environ if environment is None else environment
        if variables.get("CLEARWAY_LEDGER_URL"):
            raise ConfigurationError(
                "CLEARWAY_LEDGER_URL: this version keeps its ledger in SQLite only; unset it"
            )
        given = {
            name: options.get(name) or _path(variables.get(f"CLEARWAY_{name.upper()}")) for name in _DEFAULTS
        }
        return cls(
            home=given["home"] or Path(platformdirs.user_data_dir("clearway", appauthor=False)),
            register=given["register"] or data_folder() / "register",
            policy=given["policy"] or data_folder() / "policy",
            bundle=given["bundle"] or data_folder() / "classifiers" / "default",
            sensitivity=given["sensitivity"] or data_folder() / "sensitivity" / "bundle",
            named=frozenset(name for name, path in given.items() if path is not None),
        )


_DEFAULTS: Final = ("home", "register", "policy", "bundle", "sensitivity")


def data_folder() -> Path:
    """The `data` folder of the wheel, or of the checkout."""
    package = Path(str(files("clearway")))
    return next(
        (path for path in (package / "data", package.parent / "data") if path.is_dir()), package / "data"
    )


def archive_of(settings: Settings) -> Archive:
    """The archive of an installation."""
    return Archive(settings.home / "archive")


def existing_ledger(settings: Settings) -> Ledger:
    """The ledger of an installation that has one: reading makes none.

    Raises:
        NotFoundError: There is none.
        LedgerUnavailableError: It cannot be opened.
        LedgerError: A part of it is missing or damaged.
    """
    if not any((settings.home / name).exists() for name in ("ledger.db", "ledger-started")):
        raise NotFoundError(f"{settings.home}: no ledger here; name its folder with --home or CLEARWAY_HOME")
    return open_ledger(settings.home)


def open_detector(bundle: Path | None = None, promoted: Collection[str] = ()) -> SensitivityDetector:
    """The sensitivity detector; where its models are missing, altered or not trusted, one that knows nothing.

    Args:
        bundle: Folder of its bundle; the shipped one by default.
        promoted: Digests (hex) of bundles that may decide beside the pinned ones.
    """
    folder = data_folder() / "sensitivity"
    try:
        return load_detector(folder, trusted={*pinned_digests(SENSITIVITY_PINS), *promoted}, bundle=bundle)
    except SensitivityError as fault:
        return UnknownDetector(folder, fault, bundle=bundle)


def configured_detector(settings: Settings, ledger: Ledger) -> SensitivityDetector:
    """The detector over the bundle that the operator named, if pinned or validly promoted; else the shipped.

    Where a named bundle is not trusted, the detector knows nothing: the shipped one does not step in.
    """
    if "sensitivity" not in settings.named:
        return open_detector()
    return open_detector(settings.sensitivity, promoted_bundles(ledger, SENSITIVITY_PROMOTION))


def open_router(
    settings: Settings, ledger: Ledger | None = None, *, is_dry: bool = False, is_service: bool = False
) -> Router:
    """Router over the configured parts, its versions archived and on the ledger.

    Args:
        settings: Where everything lies.
        ledger: Ledger to use instead of the installation's own.
        is_dry: Whether to record and archive nothing; then nobody is asked for approvals either.
        is_service: Whether to refuse a detector that knows nothing, and not only count all as restricted.

    Raises:
        ConfigurationError: A part does not load, or is not approved; the text says which and what to do.
        LedgerUnavailableError: The ledger cannot be opened or written.
    """
    versions = read_versions(settings)
    ledger = ledger or open_ledger(settings.home)
    detector = configured_detector(settings, ledger)
    if is_service and isinstance(detector, UnknownDetector):
        raise ConfigurationError(f"sensitivity: {detector.fault}")
    return build_router(settings, versions, ledger, detector, is_dry=is_dry)


def read_versions(settings: Settings) -> Versions:
    """Policy and register as they stand in their folders now.

    Raises:
        ConfigurationError: One does not load.
    """
    return Versions(
        policy=load_policy(settings.policy),
        register=load_register(settings.register),
        approvers=load_approvers(settings.policy),
        policy_folder=settings.policy,
        register_folder=settings.register,
    )


def build_router(
    settings: Settings,
    versions: Versions,
    ledger: Ledger,
    detector: SensitivityDetector,
    *,
    is_dry: bool = False,
) -> Router:
    """Router over versions that were read, recorded before it is returned.

    Args:
        settings: Where everything lies.
        versions: Policy and register.
        ledger: Where records go.
        detector: Finds data classes; loaded already, as it stays when only files change.
        is_dry: Whether to record and archive nothing.

    Raises:
        ConfigurationError: The parts do not fit each other, the bundle is not trusted, or an approval is
            missing.
        LedgerUnavailableError: The load could not be recorded; then nothing goes into service.
    """
    bundle = load_bundle(settings.bundle, trusted=trusted_digests(ledger))
    check_agreement(versions.register, versions.policy, detector.class_levels)
    exceptions = ExceptionBook(ledger, versions.approvers)
    exceptions.active(datetime.now(UTC))  # reading the whole ledger is no request's business
    router = Router(
        register=versions.register,
        policy=versions.policy,
        complexity=OnnxComplexityModel(bundle),
        sensitivity=detector,
        ledger=ledger,
        exceptions=exceptions.active,
    )
    if not is_dry:
        archive = archive_of(settings)
        archive.keep("bundle", settings.bundle, bundle.sha256)
        identities = {
            "classifier": router.complexity.identity.as_json(),
            "sensitivity": router.sensitivity.identity.as_json(),
        }
        record_load(ledger, archive, versions, identities, stamp_of(datetime.now(UTC), operator()))
    return router


def trusted_digests(ledger: Ledger) -> Collection[str]:
    """Bundles that may be loaded: pinned in the package, or validly promoted in the ledger."""
    return {*pinned_digests(), *promoted_bundles(ledger)}


def check_agreement(register: Register, policy: Policy, class_levels: Mapping[str, Level]) -> None:
    """What one file names, another has: a misspelt word is a fault today, not a hole tomorrow.

    Raises:
        ConfigurationError: A policy, a caller or an objective names what nobody knows, or there is no model.
    """
    providers = register.providers.values()
    purposes = frozenset(policy.objectives.purposes)
    regions = frozenset(region for provider in providers for region in provider.regions.value)
    known = {
        "classes": frozenset(class_levels),
        "level": frozenset(level.label for level in Level),
        **dict.fromkeys(("purpose", "purposes"), purposes),
        **dict.fromkeys(("region", "regions", "purpose_regions"), regions),
        "jurisdiction": frozenset(provider.jurisdiction.value for provider in providers),
        "certifications": frozenset(name for provider in providers for name in provider.certifications.value),
    }
    _check_policy(policy, known, _entities(register, policy.callers))
    for principal in [*policy.callers.callers.values(), *policy.callers.users.values()]:
        _check_known(principal.purposes, purposes, "callers.yaml", f"unknown purpose of {principal.id}")
        _check_known(principal.regions, regions, "callers.yaml", f"unknown region of {principal.id}")
    for objective in policy.objectives.purposes.values():
        _check_known(objective.regions, regions, "objectives.yaml", f"unknown region of {objective.id}")
    if not register.models:
        raise ConfigurationError("models.yaml: no model; add at least one")


def _check_policy(
    policy: Policy, known: Mapping[str, frozenset[str]], entities: Mapping[str, frozenset[str]]
) -> None:
    """Words and entities that policies name are known, and none is hidden in a pattern."""
    for attribute, words in policy.words.items():
        _check_known(words, known.get(attribute, words), "policy", f"unknown {attribute}")
    for kind, ids in policy.entities.items():
        _check_known(ids, entities.get(kind, frozenset()), "policy", f"unknown {kind}")
    unchecked = sorted(policy.patterns & set(known))
    if unchecked:
        raise ConfigurationError(
            f"policy: {unchecked[0]} is compared by like, which cannot be checked; "
            "compare it by == or contains"
        )


def _entities(register: Register, callers: Callers) -> dict[str, frozenset[str]]:
    """Ids of all that a policy may name, by Cedar type."""
    principals = [*callers.callers.values(), *callers.users.values()]
    return {
        "Group": frozenset(group for principal in principals for group in principal.groups),
        "Agent": frozenset(caller.id for caller in callers.callers.values() if caller.kind == "agent"),
        "Service": frozenset(caller.id for caller in callers.callers.values() if caller.kind == "service"),
        "User": frozenset(callers.users),
        "Provider": frozenset(register.providers),
        "Model": frozenset(register.models),
    }


def _check_known(words: Collection[str], known: Collection[str], file: str, what: str) -> None:
    unknown = sorted(set(words) - set(known))
    if unknown:
        expected = ", ".join(sorted(known)) or "none: there is none"
        raise ConfigurationError(f"{file}: {what}: {unknown[0]}; expected one of {expected}")


def operator() -> str:
    """Name of the account that runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no entry
        return f"uid-{os.getuid()}"


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
