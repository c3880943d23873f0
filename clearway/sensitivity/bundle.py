"""The bundle of the sensitivity detector: tagger, class model, thresholds, card; every byte verified.

The manifest names each file with its digest; its own digest goes into the detector's identity, and so into
every record.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import rfc8785

from clearway.assessment import ClassifierIdentity
from clearway.bundle import (
    CARD,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    METRICS,
    RegistryEntry,
    check_folder,
    read_file,
    read_files,
    read_metrics,
)
from clearway.errors import BundleError, SensitivityError
from clearway.sensitivity.class_model import CLASS_MODEL, CLASS_SETTINGS, ClassModel, ClassSettings

SCHEMA_VERSION: Final = 1
BUNDLE_FOLDER: Final = "bundle"
TAGGER, TAGGER_SETTINGS = "tagger.onnx", "tagger.json"
FILES: Final = frozenset({CLASS_MODEL, CLASS_SETTINGS, TAGGER, TAGGER_SETTINGS, CARD, METRICS})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset(
    {"schema_version", "name", "version", "files", "training_data_sha256", "libraries", "mlflow"}
)


@dataclass(frozen=True, slots=True)
class SensitivityManifest:
    """What a bundle says of itself; no time in it, so that equal bundles are equal bytes.

    Attributes:
        name: Name of the detector's model.
        version: Version in its registry, or the one its maker gave.
        files: SHA-256 (hex) of each file but the manifest.
        training_data_sha256: Digest of the texts and classes that were learned from.
        libraries: Version of each library that shaped the weights.
        mlflow: Where the run is kept, or None.
    """

    name: str
    version: str
    files: Mapping[str, str]
    training_data_sha256: str
    libraries: Mapping[str, str]
    mlflow: RegistryEntry | None = None

    def to_json(self) -> bytes:
        """Canonical bytes (RFC 8785), as in `manifest.json`."""
        return rfc8785.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "name": self.name,
                "version": self.version,
                "files": dict(self.files),
                "training_data_sha256": self.training_data_sha256,
                "libraries": dict(self.libraries),
                "mlflow": asdict(self.mlflow) if self.mlflow else None,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> SensitivityManifest:
        """Manifest of canonical bytes.

        Raises:
            SensitivityError: Not canonical JSON, a missing or unknown field, or a wrong type.
        """
        try:
            value = json.loads(data)
            is_right = set(value) == _FIELDS and value.pop("schema_version") == SCHEMA_VERSION
            is_right = is_right and set(value["files"]) == FILES
            is_right = is_right and all(_SHA256.fullmatch(digest) for digest in value["files"].values())
            entry = value.pop("mlflow")
            manifest = cls(mlflow=RegistryEntry(**entry) if entry else None, **value)
            is_right = is_right and manifest.to_json() == data
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            is_right = False
        if not is_right:
            raise SensitivityError(
                f"{MANIFEST}: expected the canonical manifest of a sensitivity bundle, got something else; "
                "restore the bundle or train it again"
            )
        return manifest


@dataclass(frozen=True, slots=True)
class SensitivityBundle:
    """A verified bundle, in memory.

    Attributes:
        manifest: What it says of itself.
        sha256: Digest of the manifest's bytes, and through it of every file.
        classes: The class model, loaded.
        files: Bytes of each file by name.
        card: The model card, Markdown.
        metrics: What was measured at training.
    """

    manifest: SensitivityManifest
    sha256: str
    classes: ClassModel = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    card: str = field(repr=False)
    metrics: Mapping[str, Any] = field(repr=False)

    @property
    def identity(self) -> ClassifierIdentity:
        """Name, version and digest, as in records."""
        return ClassifierIdentity(self.manifest.name, self.manifest.version, self.sha256)


def load_sensitivity_bundle(path: Path, *, trusted: Collection[str] | None = None) -> SensitivityBundle:
    """Bundle of a folder, every byte verified before it is parsed.

    Args:
        path: The folder.
        trusted: Manifest digests (hex) that may decide; None checks integrity only.

    Raises:
        SensitivityError: The folder or a file is missing, altered, unknown, too large, a link, of another
            version, or the digest is not trusted. The text names the file, what was expected and what came.
    """
    try:
        return _load(path, trusted)
    except BundleError as error:
        raise SensitivityError(str(error)) from error


def _load(path: Path, trusted: Collection[str] | None) -> SensitivityBundle:
    check_folder(path, FILES | {MANIFEST}, "restore it, or run make sensitivity-bundle")
    data = read_file(path / MANIFEST, MAX_MANIFEST_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    if trusted is not None and digest not in trusted:
        raise SensitivityError(
            f"{path}: expected a pinned or promoted bundle, got manifest digest {digest}; "
            "restore the shipped one, or promote this one after review"
        )
    manifest = SensitivityManifest.from_json(data)
    files = read_files(path, manifest.files)
    return SensitivityBundle(
        manifest=manifest,
        sha256=digest,
        classes=ClassModel(files[CLASS_MODEL], ClassSettings.from_json(files[CLASS_SETTINGS])),
        files=MappingProxyType(files),
        card=files[CARD].decode("utf-8", "replace"),
        metrics=read_metrics(files[METRICS]),
    )
