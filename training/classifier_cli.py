"""`clearway classifier`: versions of the complexity model, and the way of one into service."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from clearway.commands.options import (
    ApproverOption,
    HomeOption,
    JsonOption,
    PolicyOption,
    ReasonOption,
    RegisterOption,
    RequesterOption,
    SignOption,
    print_error,
    print_json,
    settings,
)
from clearway.errors import InvalidRequestError, NotFoundError
from training import DEFAULT_NAME
from training import classifier_tables as tables

if TYPE_CHECKING:
    from clearway.bundle import Bundle
    from clearway.installation import Settings
    from clearway.promotion import Gate, Judge, Promotion

app = typer.Typer(
    no_args_is_help=True,
    help="Versions of the complexity model: list, compare, promote, stage; and which was live when.",
)

NameOption = Annotated[str, typer.Option(help="Name of the classifier in the registry.")]
TrafficOption = Annotated[
    Path | None,
    typer.Option(help="Request lines to decide with both.", show_default="the sample in data/samples"),
]
# What is a version of the registry; anything else is a folder. A folder called 7 is ./7.
_ALIASES: Final = ("champion", "challenger")


@app.command("list")
def list_versions(
    name: NameOption = DEFAULT_NAME, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List the registered versions: aliases, digest, when, held-out metrics, and whether it is live.

    Promoted and live are what the ledger says: that a version may be loaded, and
    that it was loaded last.
    """
    from training.registry import Registry

    chosen = settings(home)
    versions = Registry(chosen.home).versions(name)
    known = _ledger_facts(chosen)
    lines = [tables.version_json(version, known) for version in versions]
    if as_json:
        print_json({"name": name, "versions": lines})
    else:
        tables.show_versions(name, lines)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="Version, alias or folder.")],
    b: Annotated[str, typer.Argument(help="Version, alias or folder.")],
    name: NameOption = DEFAULT_NAME,
    traffic: TrafficOption = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions: data, models, parameters, metrics, and the choices that change on a sample.

    A number or an alias (champion, challenger) is a version of the registry;
    anything else is a folder. Where no version is champion yet, champion is what
    the gate compares with: the bundle promoted last, at first the shipped one.

    Example: clearway classifier diff champion challenger
    """
    from training.difference import compare_bundles
    from training.traffic import Traffic

    chosen = settings(home, register, policy)
    with _bundle_of(chosen, name, a) as before, _bundle_of(chosen, name, b) as after:
        sample = Traffic(chosen, traffic, at=datetime.now(UTC))
        result = compare_bundles(before, after, sample)
    if as_json:
        print_json(result)
    else:
        tables.show_difference(result)


@app.command()
def promote(
    candidate: Annotated[str, typer.Argument(help="Version, alias or folder.")],
    approver: ApproverOption,
    reason: ReasonOption,
    key: SignOption = None,
    requester: RequesterOption = None,
    name: NameOption = DEFAULT_NAME,
    traffic: TrafficOption = None,
    max_moved: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Largest share of requests that may go to another provider or region."
        ),
    ] = 0.2,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Graded answers: measure both on what training holds out of them.",
            show_default="what each one's training measured",
        ),
    ] = None,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version into service, if it passes the gate: the promotion is a record in the ledger.

    The gate asks of what training measured on held-out questions:

    - AUC and log loss better than each model's mean, and at most 0.005 worse than
      the champion's; 0.02 in one source, or where each was measured on questions
      of its own (--answers measures both on the same ones);

    - calibration error at most 0.03 in each source of 2,000 rows or more;

    - at most 10 ppm between the served graph and scikit-learn.

    And on a sample of requests, under this installation's register and policy:

    - at most 0.3 ms a prediction, 0.5 ms of featurising for 250 tokens (p99);

    - the same bytes one by one and in a batch;

    - at least 95% of choices unchanged by rewording;

    - few requests that go to another provider or region (--max-moved).

    The champion is the last version promoted, at first the one that is shipped.
    Exit 1 when the gate refuses; then nothing is promoted. What is promoted may
    be loaded with --bundle or CLEARWAY_BUNDLE, now and later: to go back to an
    older version, name its folder. Where approvals are required, sign with --key.

    Example: clearway classifier promote challenger --approver Ana --reason "new data"
    """
    from clearway.approvals import load_key
    from clearway.promotion import promote_bundle

    chosen, signer = settings(home, register, policy), load_key(key) if key else None
    judge = _judge(chosen, traffic, max_moved, answers)
    with _folder_of(chosen.home, name, candidate) as folder:
        _check_registered(chosen.home, folder)
        promotion = promote_bundle(
            chosen, folder, approver=approver, reason=reason, judge=judge, requester=requester, signer=signer
        )
    alias = _crown(chosen.home, promotion) if promotion.record else None
    hints = [] if promotion.record else tables.refusal_hints(promotion, _models_of(chosen))
    if as_json:
        print_json(
            {
                "promoted": promotion.record is not None,
                "bundle": promotion.bundle.identity.as_json(),
                "folder": promotion.folder and str(promotion.folder),
                "alias": alias,
                "gate": promotion.gate.as_json(),
                "record": promotion.record,
                "hints": hints,
            }
        )
    else:
        tables.show_promotion(promotion, alias, hints)
    raise typer.Exit(0 if promotion.record else 1)


@app.command()
def stage(
    version: Annotated[str, typer.Argument(help="Version or alias.")],
    out: Annotated[Path, typer.Option(help="New folder for the bundle.")],
    name: NameOption = DEFAULT_NAME,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a registered version's bundle into a folder, its digest checked against the version's tag.

    Example: clearway classifier stage challenger --out bundles/next
    """
    from training.registry import Registry

    registry = Registry(settings(home).home)
    found = registry.find(name, version)
    bundle = registry.stage(found, out)
    if as_json:
        print_json({"folder": str(out), "name": name, "version": found.version, "sha256": bundle.sha256})
    else:
        typer.echo(f"{name} version {found.version}: {out}\ndigest: {bundle.sha256}")


@app.command()
def live(
    at: Annotated[
        str | None,
        typer.Option(help="ISO 8601, UTC where it names no zone: 2026-11-26T14:00.", show_default="now"),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which version was live at a time, by the ledger alone: no registry is asked.

    Live is what was loaded last before then, promoted what was allowed last. They
    differ while a promoted version waits to be loaded, or after going back to an
    older one. Exit 1 when none had been loaded.
    """
    from clearway.installation import existing_ledger
    from clearway.promotion import live_at

    ledger = existing_ledger(settings(home))
    found = live_at(ledger, _time(at))
    if as_json:
        print_json(found)
    else:
        tables.show_live(found)
    raise typer.Exit(0 if found["live"] else 1)


def _time(text: str | None) -> datetime:
    """Aware time of an ISO 8601 text.

    Raises:
        InvalidRequestError: It is none.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError("at: expected a time in ISO 8601, such as 2026-11-26T14:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _judge(chosen: Settings, traffic: Path | None, max_moved: float, answers: Path | None) -> Judge:
    """The gate over this installation's register and policy; nothing is read before it is asked."""

    def judged(candidate: Bundle, champion: Bundle) -> Gate:
        from training.gate import Limits, compare_recorded, judge
        from training.traffic import Traffic

        sample = Traffic(chosen, traffic, at=datetime.now(UTC))
        limits = Limits(moved_ppm=round(max_moved * 1_000_000))
        if answers is None:
            return judge(candidate, champion, sample, limits, compare_recorded)
        from training.comparison import compare_on

        return judge(candidate, champion, sample, limits, compare_on(answers))

    return judged


def _crown(home: Path, promotion: Promotion[Bundle]) -> str | None:
    """Name the version champion where the registry of this home has it; the ledger has the last word."""
    from clearway.errors import ClearwayError
    from training.registry import Registry

    try:
        registry = Registry(home)
        version = registry.of_bundle(promotion.bundle)
        if version is None:
            return None
        registry.crown(version)
    except NotFoundError:
        return None
    except ClearwayError as fault:
        print_error(f"promoted, but the alias champion was not set: {fault}")
        return None
    return f"{version.name}@champion"


def _check_registered(home: Path, folder: Path) -> None:
    """A bundle that names a version of this home's registry is that version.

    Raises:
        BundleError: The version was registered with another digest.
    """
    from clearway.bundle import load_bundle
    from clearway.errors import BundleError, ConfigurationError

    bundle = load_bundle(folder, trusted=None)
    entry = bundle.manifest.mlflow
    if entry is None or not (home / "mlflow.db").exists():
        return
    from training.registry import Registry

    try:
        versions = Registry(home).versions(entry.name)
    except ConfigurationError:  # a registry that cannot be read does not stop going back to another version
        return
    for version in versions:
        if version.version == entry.version and version.sha256 != bundle.sha256:
            raise BundleError(
                f"{folder}: names {entry.name} {entry.version}, which was registered with manifest digest "
                f"{version.sha256}, got {bundle.sha256}; stage that version, or train another"
            )


def _is_version(text: str) -> bool:
    return text in _ALIASES or (text.isascii() and text.isdigit())


@contextmanager
def _folder_of(home: Path, name: str, text: str) -> Iterator[Path]:
    """The folder named, or the version staged for a moment."""
    if not _is_version(text):
        yield Path(text)
        return
    from training.registry import Registry

    registry = Registry(home)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        registry.stage(registry.find(name, text), folder)
        yield folder


@contextmanager
def _bundle_of(chosen: Settings, name: str, text: str) -> Iterator[Bundle]:
    from clearway.bundle import load_bundle

    if text == "champion" and not _is_crowned(chosen.home, name):
        bundle = _ledger_champion(chosen)
        identity = bundle.identity
        print_error(
            f"note: no version of {name} is champion; champion is what the gate compares with: "
            f"{identity.name} {identity.version}"
        )
        yield bundle
        return
    with _folder_of(chosen.home, name, text) as folder:
        yield load_bundle(folder, trusted=None)


def _is_crowned(home: Path, name: str) -> bool:
    """Whether the registry, if there is one, has a champion of that name."""
    from training.registry import Registry

    try:
        versions = Registry(home).versions(name)
    except NotFoundError:
        return False
    return any("champion" in version.aliases for version in versions)


def _ledger_champion(chosen: Settings) -> Bundle:
    """What the gate compares with: the bundle promoted last, else the shipped one."""
    from clearway.installation import existing_ledger
    from clearway.promotion import champion
    from clearway.testing import memory_ledger

    try:
        ledger = existing_ledger(chosen)
    except NotFoundError:
        ledger = memory_ledger()
    return champion(chosen, ledger)


def _models_of(chosen: Settings) -> set[str]:
    """Reference models that the register's models name."""
    from clearway.register import load_register

    return {model.success.reference for model in load_register(chosen.register).models.values()}


def _ledger_facts(chosen: Settings) -> dict[str, Any]:
    """Digests promoted so far, and the live one; none where there is no ledger yet."""
    from clearway.installation import PROMOTION, existing_ledger
    from clearway.promotion import live_at

    try:
        ledger = existing_ledger(chosen)
    except NotFoundError:
        return {"promoted": set(), "live": None}
    found = live_at(ledger, datetime.now(UTC))["live"]
    promoted = {entry.record["bundle"]["sha256"] for entry in ledger.entries(kind=PROMOTION)}
    return {"promoted": promoted, "live": found and found["sha256"]}
