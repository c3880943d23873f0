"""Where everything lies, and the router built from it: settings, trust, archive, load records.

State lives under `CLEARWAY_HOME`; what decides lives in three folders (register, policy, bundle) that
default to the ones shipped. Each set of versions that goes into service is archived by digest and recorded.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

import platformdirs

from clearway.assessment import Level, SensitivityDetector
from clearway.bundle import Bundle, load_bundle, pinned_digests
from clearway.complexity import OnnxComplexityModel
from clearway.errors import ConfigurationError, NotFoundError
from clearway.exceptions import ExceptionBook
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.policy import Policy, load_policy
from clearway.record import format_time
from clearway.register import Register, load_register
from clearway.router import Router
from clearway.sensitivity import load_detector

LOAD: Final = "load"
PROMOTION: Final = "promotion"


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders in use, and which of them the operator named.

    Attributes:
        home: State: ledger, keys, archive.
        register: Folder of the register.
        policy: Folder of the policy.
        bundle: Folder of the complexity bundle.
        named: Those of `register`, `policy`, `bundle` that an option or the environment named.
    """

    home: Path
    register: Path
    policy: Path
    bundle: Path
    named: frozenset[str]

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None, **options: Path | None) -> Settings:
        """Settings from options, else the environment, else the defaults.

        Args:
            environment: Environment variables; the process's own by default.
            options: `home`, `register`, `policy`, `bundle`; None where not given.

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
            named=frozenset(name for name, path in given.items() if path is not None),
        )


_DEFAULTS: Final = ("home", "register", "policy", "bundle")


@dataclass(frozen=True, slots=True)
class Archive:
    """Copies of every version that went into service, found again by digest.

    Attributes:
        root: Folder of the archive.
    """

    root: Path

    def keep(self, kind: str, source: Path, *digests: str) -> None:
        """Copy the files of `source`, once; a half-written copy never stands under its name."""
        target = self._folder(kind, digests)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        try:
            partial.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(partial, ignore_errors=True)

    def find(self, kind: str, *digests: str) -> Path:
        """Where the version lies.

        Raises:
            ConfigurationError: It was never kept here.
        """
        target = self._folder(kind, digests)
        if not target.is_dir():
            raise ConfigurationError(
                f"{kind} {digests[0]}: not in the archive of this installation; restore it or name its folder"
            )
        return target

    def _folder(self, kind: str, digests: tuple[str, ...]) -> Path:
        return self.root / kind / hashlib.sha256("".join(digests).encode()).hexdigest()


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


def open_detector() -> SensitivityDetector:
    """The shipped sensitivity detector."""
    return load_detector(data_folder() / "sensitivity")


def open_router(settings: Settings, ledger: Ledger | None = None, *, is_dry: bool = False) -> Router:
    """Router over the configured parts, its versions archived and on the ledger.

    Args:
        settings: Where everything lies.
        ledger: Ledger to use instead of the installation's own.
        is_dry: Whether to record and archive nothing.

    Raises:
        ConfigurationError: A part does not load; the text says which and what to do.
        LedgerUnavailableError: The ledger cannot be opened or written.
    """
    register, policy = load_register(settings.register), load_policy(settings.policy)
    ledger = ledger or open_ledger(settings.home)
    bundle = load_bundle(settings.bundle, trusted=trusted_digests(ledger))
    detector = open_detector()
    _check_agreement(register, policy, detector.class_levels)
    router = Router(
        register=register,
        policy=policy,
        complexity=OnnxComplexityModel(bundle),
        sensitivity=detector,
        ledger=ledger,
        exceptions=ExceptionBook(ledger).active,
    )
    if not is_dry:
        _record_load(router, settings, bundle)
    return router


def trusted_digests(ledger: Ledger) -> Collection[str]:
    """Bundles that may be loaded: pinned in the package, or promoted in the ledger."""
    return {
        *pinned_digests(),
        *(entry.record["bundle"]["sha256"] for entry in ledger.entries(kind=PROMOTION)),
    }


def _record_load(router: Router, settings: Settings, bundle: Bundle) -> None:
    """Archive the versions in use and record them, unless the last load was of the same."""
    archive, register, policy = archive_of(settings), router.register, router.policy
    archive.keep("register", settings.register, register.digest, register.price_digest)
    archive.keep("policy", settings.policy, policy.digest, policy.callers.digest, policy.objectives.digest)
    archive.keep("bundle", settings.bundle, bundle.sha256)
    loaded = {
        "register": {"digest": register.digest},
        "prices": {"digest": register.price_digest},
        "policy": {"digest": policy.digest},
        "callers": {"digest": policy.callers.digest},
        "objectives": {"digest": policy.objectives.digest},
        "classifier": router.complexity.identity.as_json(),
        "sensitivity": router.sensitivity.identity.as_json(),
    }
    last = router.ledger.latest(LOAD)
    if last is None or any(last.record.get(name) != value for name, value in loaded.items()):
        stamp = {"time": format_time(datetime.now(UTC)), "operator": operator()}
        router.ledger.append(LOAD, {**stamp, **loaded})


def _check_agreement(register: Register, policy: Policy, class_levels: Mapping[str, Level]) -> None:
    """What one file names, another has: a misspelt word is a fault today, not a hole tomorrow."""
    purposes = frozenset(policy.objectives.purposes)
    regions = frozenset(
        region for provider in register.providers.values() for region in provider.regions.value
    )
    known = {
        "classes": frozenset(class_levels),
        "level": frozenset(level.label for level in Level),
        **dict.fromkeys(("purpose", "purposes"), purposes),
        **dict.fromkeys(("region", "regions", "purpose_regions"), regions),
    }
    for attribute, words in policy.words.items():
        _check_known(words, known.get(attribute, words), "policy", f"unknown {attribute}")
    for principal in [*policy.callers.callers.values(), *policy.callers.users.values()]:
        _check_known(principal.purposes, purposes, "callers.yaml", f"unknown purpose of {principal.id}")
        _check_known(principal.regions, regions, "callers.yaml", f"unknown region of {principal.id}")
    for objective in policy.objectives.purposes.values():
        _check_known(objective.regions, regions, "objectives.yaml", f"unknown region of {objective.id}")
    if not register.models:
        raise ConfigurationError("models.yaml: no model; add at least one")


def _check_known(words: Collection[str], known: Collection[str], file: str, what: str) -> None:
    unknown = sorted(set(words) - set(known))
    if unknown:
        expected = ", ".join(sorted(known))
        raise ConfigurationError(f"{file}: {what}: {unknown[0]}; expected one of {expected}")


def operator() -> str:
    """Name of the account that runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no entry
        return f"uid-{os.getuid()}"


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
