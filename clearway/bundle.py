"""Staged bundles: a folder of files, named with their digests in a manifest, trusted by that digest.

Every file is read once and checked before it is parsed, so what was verified is what is used. Not checked
here: that the weights are any good; that is what the card and the promotion are for.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import rfc8785

from clearway.assessment import ClassifierIdentity
from clearway.errors import BundleError
from clearway.features import FeatureSpecification

SCHEMA_VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MODEL, FEATURES, CARD, METRICS = "model.onnx", "features.json", "card.md", "metrics.json"
FILES: Final = frozenset({MODEL, FEATURES, CARD, METRICS})
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_MANIFEST_BYTES: Final = 1024 * 1024

_Read = TypeVar("_Read")

_SHA256 = re.compile(r"[0-9a-f]{64}")
# A tensor stored outside the model names its file under this key (onnx.proto, TensorProto.external_data):
# field 1, 8 bytes, "location". Our graphs hold no other string of that form.
_EXTERNAL_DATA = b"\x0a\x08location"


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """Where MLflow keeps the run that made a bundle."""

    name: str
    version: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself; its canonical bytes hold no time, so that equal bundles are equal bytes.

    Attributes:
        name: Name of the classifier.
        version: Version in its registry, or the one its maker gave.
        files: SHA-256 (hex) of each file but the manifest.
        features_sha256: Digest of the feature specification.
        reference_models: Names in the order of the model's outputs.
        training_data_sha256: Digest of the graded answers that were learned from.
        quantum_ppm: Largest difference allowed between the integer model and scikit-learn.
        libraries: Version of each library that shaped the weights.
        mlflow: Where the run is kept, or None.
    """

    name: str
    version: str
    files: Mapping[str, str]
    features_sha256: str
    reference_models: tuple[str, ...]
    training_data_sha256: str
    quantum_ppm: int
    libraries: Mapping[str, str]
    mlflow: RegistryEntry | None = None

    def to_json(self) -> bytes:
        """Canonical bytes (RFC 8785), as in `manifest.json`."""
        entry: dict[str, Any] | None = asdict(self.mlflow) if self.mlflow else None
        return rfc8785.dumps(
            {
                "schema_version": SCHEMA_VERSION,
                "name": self.name,
                "version": self.version,
                "files": dict(self.files),
                "features_sha256": self.features_sha256,
                "reference_models": list(self.reference_models),
                "training_data_sha256": self.training_data_sha256,
                "quantum_ppm": self.quantum_ppm,
                "libraries": dict(self.libraries),
                "mlflow": entry,
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Manifest of canonical bytes.

        Raises:
            BundleError: Not JSON, another schema version, a missing or unknown field, or a wrong type.
        """
        value = _manifest_object(data)
        entry = value["mlflow"]
        _check(entry is None or _is_text_map(entry, {"name", "version", "run_id"}), "mlflow")
        _check(isinstance(value["name"], str) and isinstance(value["version"], str), "name or version")
        _check(_is_text_map(value["files"], FILES), "files")
        _check(all(_SHA256.fullmatch(digest) for digest in value["files"].values()), "files")
        _check(_is_text_map(value["libraries"], None), "libraries")
        _check(type(value["quantum_ppm"]) is int and value["quantum_ppm"] >= 0, "quantum_ppm")
        models = value["reference_models"]
        _check(isinstance(models, list) and all(isinstance(m, str) and m for m in models), "reference_models")
        _check(bool(models) and len(set(models)) == len(models), "reference_models")
        for name in ("features_sha256", "training_data_sha256"):
            _check(isinstance(value[name], str) and bool(_SHA256.fullmatch(value[name])), name)
        manifest = cls(
            name=value["name"],
            version=value["version"],
            files=MappingProxyType(value["files"]),
            features_sha256=value["features_sha256"],
            reference_models=tuple(models),
            training_data_sha256=value["training_data_sha256"],
            quantum_ppm=value["quantum_ppm"],
            libraries=MappingProxyType(value["libraries"]),
            mlflow=RegistryEntry(**entry) if entry is not None else None,
        )
        # One form for each content: also refuses a key that is given twice.
        if manifest.to_json() != data:
            raise BundleError(f"{MANIFEST}: expected canonical JSON (RFC 8785), got another form")
        return manifest


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, in memory.

    Attributes:
        manifest: What it says of itself.
        sha256: Digest of the manifest's bytes, and through it of every file.
        specification: The feature specification.
        model: Bytes of the ONNX graph.
        card: The model card, Markdown.
        metrics: What was measured at training.
    """

    manifest: Manifest
    sha256: str
    specification: FeatureSpecification = field(repr=False)
    model: bytes = field(repr=False)
    card: str = field(repr=False)
    metrics: Mapping[str, Any] = field(repr=False)

    @property
    def identity(self) -> ClassifierIdentity:
        """Name, version and digest, as in records."""
        return ClassifierIdentity(self.manifest.name, self.manifest.version, self.sha256)


def load_bundle(path: Path, *, trusted: Collection[str] | None) -> Bundle:
    """Bundle of a folder, every byte verified.

    Args:
        path: The folder.
        trusted: Manifest digests (hex) that may decide: pinned or promoted. None checks integrity only, as
            replay does, which has the digest from a record.

    Raises:
        BundleError: The folder or a file is missing, altered, unknown, too large, a link, of another schema
            version, or the digest is not trusted. The text names the file, what was expected and what came.
    """
    check_folder(path, FILES | {MANIFEST}, "set CLEARWAY_BUNDLE or run clearway train")
    data = read_file(path / MANIFEST, MAX_MANIFEST_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    if trusted is not None and digest not in trusted:
        raise BundleError(
            f"{path}: expected a pinned or promoted bundle, got manifest digest {digest}; "
            f"after review: clearway classifier promote {path} --approver NAME --reason WHY"
        )
    manifest = _within(path, lambda: Manifest.from_json(data))
    files = read_files(path, manifest.files)
    specification = _within(path, lambda: FeatureSpecification.from_json(files[FEATURES]))
    if specification.digest != manifest.features_sha256:
        raise BundleError(
            f"{path / FEATURES}: expected feature digest {manifest.features_sha256}, "
            f"got {specification.digest}"
        )
    return Bundle(
        manifest=manifest,
        sha256=digest,
        specification=specification,
        model=files[MODEL],
        card=files[CARD].decode("utf-8", "replace"),
        metrics=_within(path, lambda: read_metrics(files[METRICS])),
    )


def pinned_digests(file: str = "pinned_bundles.json") -> frozenset[str]:
    """Manifest digests of the bundles that this release was shipped with.

    Args:
        file: The list of them in the package.
    """
    text = resources.files("clearway").joinpath(file).read_text(encoding="utf-8")
    return frozenset(json.loads(text))


def check_folder(path: Path, expected: Collection[str], remedy: str) -> None:
    """The folder holds the expected files and nothing else.

    Raises:
        BundleError: It does not; where there is no folder, with the remedy.
    """
    if not path.is_dir():
        raise BundleError(f"{path}: expected a bundle folder, got none; {remedy}")
    found = {entry.name for entry in path.iterdir()}
    for name in sorted(set(expected) - found):
        raise BundleError(f"{path / name}: expected a file, got none; restore the bundle or train it again")
    for name in sorted(found - set(expected)):
        raise BundleError(f"{path / name}: expected only {', '.join(sorted(expected))}, got this as well")


def read_files(path: Path, digests: Mapping[str, str]) -> dict[str, bytes]:
    """Files of a folder by name, read once, each of the digest that the manifest gives.

    Raises:
        BundleError: A file cannot be read, is altered, or is a graph with weights outside of it.
    """
    files = {name: read_file(path / name, MAX_FILE_BYTES) for name in sorted(digests)}
    for name, content in files.items():
        _check_digest(path / name, digests[name], content)
        if name.endswith(".onnx") and _EXTERNAL_DATA in content:
            raise BundleError(f"{path / name}: expected all weights inside the file, got external data")
    return files


def _within(path: Path, read: Callable[[], _Read]) -> _Read:
    """What `read` returns; its error names the folder as well."""
    try:
        return read()
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def read_file(path: Path, limit: int) -> bytes:
    """Bytes of a regular file that lies in the folder itself.

    Raises:
        BundleError: It is missing, larger than the limit, a link or no file.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: expected a regular file, got a link or something else")
        if status.st_size > limit:
            raise BundleError(f"{path}: expected at most {limit} bytes, got {status.st_size}")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: expected a readable file, got {type(error).__name__}") from error


def _check_digest(path: Path, expected: str, content: bytes) -> None:
    got = hashlib.sha256(content).hexdigest()
    if got != expected:
        raise BundleError(
            f"{path}: expected sha256 {expected}, got {got}; restore the bundle or train it again"
        )


def _manifest_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise BundleError(f"{MANIFEST}: expected JSON, got something else") from None
    if not isinstance(value, dict):
        raise BundleError(f"{MANIFEST}: expected an object, got something else")
    if value.get("schema_version") != SCHEMA_VERSION or isinstance(value["schema_version"], bool):
        raise BundleError(f"{MANIFEST}: expected schema_version {SCHEMA_VERSION}, got another one")
    expected = {"schema_version", *Manifest.__slots__}
    if set(value) != expected:
        raise BundleError(f"{MANIFEST}: expected exactly the fields {', '.join(sorted(expected))}")
    return value


def _is_text_map(value: object, keys: Collection[str] | None) -> bool:
    return (
        isinstance(value, dict)
        and (keys is None or set(value) == set(keys))
        and all(isinstance(text, str) for text in value.values())
    )


def _check(is_right: bool, name: str) -> None:
    if not is_right:
        raise BundleError(f"{MANIFEST}: {name}: wrong type or content; restore the bundle or train it again")


def read_metrics(data: bytes) -> Mapping[str, Any]:
    """What was measured at training, of the bytes of `metrics.json`.

    Raises:
        BundleError: No JSON object.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise BundleError(f"{METRICS}: expected JSON, got something else") from None
    if not isinstance(value, dict):
        raise BundleError(f"{METRICS}: expected an object, got something else")
    return MappingProxyType(value)
