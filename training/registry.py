"""The versions that MLflow keeps, read: list, find, stage, name the champion.

MLflow's own ids say nothing of content, so what is staged is checked against the digest that training left as
a tag of the version, and against the manifest, which names the version.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from clearway.bundle import Bundle, load_bundle
from clearway.errors import BundleError, NotFoundError
from training.bundle_writer import check_free
from training.tracking import (
    BUNDLE_FOLDER,
    BUNDLE_TAG,
    CHALLENGER,
    CHAMPION,
    DATABASE,
    MlflowTracker,
    faults,
)


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        name: Of the classifier.
        version: Number, from 1.
        sha256: Digest of the bundle; None where training did not finish.
        aliases: Sorted.
        created: When, UTC.
        run_id: MLflow's run.
        source: Where MLflow keeps it, a `file:` address.
        metrics: `metric.source` to value.
        params: As given to training.
    """

    name: str
    version: str
    sha256: str | None
    aliases: tuple[str, ...]
    created: datetime
    run_id: str
    source: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]


class Registry:
    """The registered versions of an installation.

    Args:
        home: Folder of state, with MLflow's database.

    Raises:
        NotFoundError: There is none; it is not made here.
        ConfigurationError: MLflow is not installed, or its database cannot be used.
    """

    def __init__(self, home: Path) -> None:
        if not (home / DATABASE).exists():
            raise NotFoundError(
                f"{home / DATABASE}: no registry here; train first, or name its folder with --home"
            )
        self._home = home
        self._client = MlflowTracker(home).client()

    def versions(self, name: str) -> list[Version]:
        """All versions of a classifier, oldest first; none where the name is unknown."""
        with faults(self._home):
            found = list(self._client.search_model_versions(f"name = {_quoted(name)}"))
            aliases: dict[str, str] = {}
            if found:
                aliases = dict(self._client.get_registered_model(name).aliases)
            return [self._version(v, aliases) for v in sorted(found, key=lambda v: int(v.version))]

    def find(self, name: str, wanted: str) -> Version:
        """A version by its number or alias.

        Raises:
            NotFoundError: There is none; the text names those there are.
        """
        every = self.versions(name)
        for version in every:
            if wanted == version.version or wanted in version.aliases:
                return version
        known = (
            ", ".join([v.version for v in every] + sorted({a for v in every for a in v.aliases})) or "none"
        )
        raise NotFoundError(f"{name}: no version {wanted}; there are: {known}")

    def stage(self, version: Version, out: Path) -> Bundle:
        """Copy a version's bundle into a new folder, its digest checked first.

        Raises:
            BundleError: The folder exists, training did not finish, or the bundle in MLflow's store is
                missing, altered or another version's.
        """
        check_free(out)
        named = f"{version.name} version {version.version}"
        if version.sha256 is None:
            raise BundleError(f"{named}: expected tag {BUNDLE_TAG}, got none; its training did not finish")
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
                folder = self._fetch(version, Path(temporary))
                bundle = load_bundle(folder, trusted=None)
                _check_origin(bundle, version, named)
                folder.rename(out)
        except OSError as error:
            raise BundleError(f"{out}: expected to write the bundle, got {type(error).__name__}") from error
        return bundle

    def crown(self, version: Version) -> None:
        """Name a version champion; it is no challenger any more."""
        with faults(self._home):
            self._client.set_registered_model_alias(version.name, CHAMPION, version.version)
            if CHALLENGER in version.aliases:
                self._client.delete_registered_model_alias(version.name, CHALLENGER)

    def of_bundle(self, bundle: Bundle) -> Version | None:
        """The version that a bundle was registered as here, or None."""
        entry = bundle.manifest.mlflow
        versions = self.versions(entry.name) if entry else []
        return next((v for v in versions if v.sha256 == bundle.sha256), None)

    def _fetch(self, version: Version, parent: Path) -> Path:
        source = Path(url2pathname(urlsplit(version.source).path)) / BUNDLE_FOLDER
        target = parent / BUNDLE_FOLDER
        if not source.is_dir():
            raise BundleError(f"{source}: expected the bundle that was registered, got none; restore it")
        shutil.copytree(source, target, symlinks=True)
        return target

    def _version(self, found: Any, aliases: Mapping[str, str]) -> Version:
        metrics, params = self._run(found.run_id)
        return Version(
            name=found.name,
            version=str(found.version),
            sha256=found.tags.get(BUNDLE_TAG),
            aliases=tuple(sorted(a for a, number in aliases.items() if str(number) == str(found.version))),
            created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
            run_id=found.run_id,
            source=found.source,
            metrics=metrics,
            params=params,
        )

    def _run(self, run_id: str) -> tuple[dict[str, float], dict[str, str]]:
        """Metrics and parameters; none where the run was removed from MLflow."""
        try:
            with faults(self._home):
                data = self._client.get_run(run_id).data
        except NotFoundError:
            return {}, {}
        return dict(data.metrics), dict(data.params)


def _check_origin(bundle: Bundle, version: Version, named: str) -> None:
    """The bundle is the one that was registered, by its digest and by its own word."""
    if bundle.sha256 != version.sha256:
        raise BundleError(
            f"{named}: expected manifest digest {version.sha256}, got {bundle.sha256}; "
            "MLflow's store was altered, restore it from a backup"
        )
    entry = bundle.manifest.mlflow
    if entry is None or (entry.name, entry.version) != (version.name, version.version):
        raise BundleError(f"{named}: expected a manifest that names this version, got another one")


def _quoted(name: str) -> str:
    """A name as MLflow's filters want it; they know no escape."""
    quote = '"' if "'" in name else "'"
    return f"{quote}{name}{quote}"
