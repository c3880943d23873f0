"""Writes a bundle: all files in a temporary folder, flushed, then one rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

from clearway.bundle import CARD, FEATURES, MANIFEST, METRICS, MODEL, Manifest, RegistryEntry
from clearway.errors import BundleError
from clearway.features import FeatureSpecification

# What shapes the weights and the graph.
LIBRARIES: Final = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy", "skl2onnx")


def library_versions() -> dict[str, str]:
    """Installed version of each library in `LIBRARIES`."""
    return {name: version(name) for name in LIBRARIES}


def bundle_files(
    model: bytes, specification: FeatureSpecification, card: str, metrics: Mapping[str, Any]
) -> dict[str, bytes]:
    """Content of each file but the manifest."""
    return {
        MODEL: model,
        FEATURES: specification.to_json(),
        CARD: card.encode(),
        METRICS: (json.dumps(metrics, indent=1, sort_keys=True) + "\n").encode(),
    }


def manifest_of(
    files: Mapping[str, bytes],
    *,
    name: str,
    version: str,
    specification: FeatureSpecification,
    reference_models: tuple[str, ...],
    training_data_sha256: str,
    quantum_ppm: int,
    mlflow: RegistryEntry | None,
) -> Manifest:
    """Manifest of files in memory."""
    return Manifest(
        name=name,
        version=version,
        files={file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
        features_sha256=specification.digest,
        reference_models=reference_models,
        training_data_sha256=training_data_sha256,
        quantum_ppm=quantum_ppm,
        libraries=library_versions(),
        mlflow=mlflow,
    )


def check_free(folder: Path) -> None:
    """Nothing stands where the bundle is to go.

    Raises:
        BundleError: Something does.
    """
    if folder.exists() or folder.is_symlink():
        raise BundleError(f"{folder}: expected no such folder yet, got one; bundles are never overwritten")


class _Manifest(Protocol):
    def to_json(self) -> bytes: ...


def write_bundle(folder: Path, files: Mapping[str, bytes], manifest: _Manifest) -> str:
    """Write a new bundle folder, whole or not at all, and return the manifest's SHA-256 (hex).

    Raises:
        BundleError: The folder exists, or cannot be written.
    """
    check_free(folder)
    data = manifest.to_json()
    staging = _staging(folder)
    try:
        staging.chmod(0o755)
        for name, content in {**files, MANIFEST: data}.items():
            _write(staging / name, content)
        _flush_folder(staging)
        staging.rename(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise BundleError(f"{folder}: expected to write the bundle, got {type(error).__name__}") from error
    _flush_folder(folder.parent)
    return hashlib.sha256(data).hexdigest()


def _staging(folder: Path) -> Path:
    """An empty folder beside the one to be."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BundleError(f"{folder}: expected to write the bundle, got {type(error).__name__}") from error


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
