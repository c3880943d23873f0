"""A bundle loads whole, unaltered and trusted, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import rfc8785

from clearway import bundle as bundle_module
from clearway.bundle import FILES, Manifest, RegistryEntry, load_bundle, pinned_digests
from clearway.errors import BundleError
from clearway.features import FeatureSpecification

SPECIFICATION = FeatureSpecification()
CONTENT = {
    "model.onnx": b"not read here",
    "features.json": SPECIFICATION.to_json(),
    "card.md": b"# a card\n",
    "metrics.json": b"{}\n",
}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest() -> Manifest:
    return Manifest(
        name="tiny",
        version="3",
        files={name: _sha256(content) for name, content in CONTENT.items()},
        features_sha256=SPECIFICATION.digest,
        reference_models=("strong", "weak"),
        training_data_sha256="0" * 64,
        quantum_ppm=10,
        libraries={"numpy": "2"},
        mlflow=RegistryEntry("tiny", "3", "run"),
    )


def _write(folder: Path, manifest: bytes | None = None) -> Path:
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_bytes(_manifest().to_json() if manifest is None else manifest)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound bundle."""
    return _write(tmp_path / "tiny")


def _refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, trusted=None)
    return str(caught.value)


def test_sound_bundle_loads(folder: Path) -> None:
    """Identity is name, version, and the digest of the manifest's bytes."""
    loaded = load_bundle(folder, trusted=None)
    digest = _sha256((folder / "manifest.json").read_bytes())
    assert loaded.identity.as_json() == {"name": "tiny", "version": "3", "sha256": digest}
    assert loaded.manifest == _manifest()
    assert loaded.specification == SPECIFICATION
    assert load_bundle(folder, trusted={digest}).sha256 == digest


def test_untrusted_bundle_is_refused(folder: Path) -> None:
    """The text says how to promote it."""
    digest = _sha256((folder / "manifest.json").read_bytes())
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, trusted={"0" * 64})
    assert str(caught.value) == (
        f"{folder}: expected a pinned or promoted bundle, got manifest digest {digest}; "
        f"after review: clearway classifier promote {folder} --approver NAME --reason WHY"
    )
    with pytest.raises(BundleError):
        load_bundle(folder, trusted=())


@pytest.mark.parametrize("name", sorted(FILES))
def test_altered_file_is_refused(folder: Path, name: str) -> None:
    """One byte more in any file is seen, and the file is named."""
    content = CONTENT[name] + b" "
    (folder / name).write_bytes(content)
    assert _refusal(folder) == (
        f"{folder / name}: expected sha256 {_sha256(CONTENT[name])}, got {_sha256(content)}; "
        "restore the bundle or train it again"
    )


@pytest.mark.parametrize("name", sorted([*FILES, "manifest.json"]))
def test_missing_file_is_refused(folder: Path, name: str) -> None:
    """Every file is needed."""
    (folder / name).unlink()
    assert _refusal(folder) == (
        f"{folder / name}: expected a file, got none; restore the bundle or train it again"
    )


def test_extra_file_is_refused(folder: Path) -> None:
    """What the manifest does not name does not belong."""
    (folder / "weights.bin").write_bytes(b"")
    assert _refusal(folder) == (
        f"{folder / 'weights.bin'}: expected only card.md, features.json, manifest.json, metrics.json, "
        "model.onnx, got this as well"
    )


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """The text says what to set or run."""
    assert _refusal(tmp_path / "none") == (
        f"{tmp_path / 'none'}: expected a bundle folder, got none; set CLEARWAY_BUNDLE or run clearway train"
    )


def test_link_is_refused(folder: Path, tmp_path: Path) -> None:
    """A file outside the folder is not part of the bundle, even with the right bytes."""
    outside = tmp_path / "outside.onnx"
    outside.write_bytes(CONTENT["model.onnx"])
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(outside)
    assert _refusal(folder) == (
        f"{folder / 'model.onnx'}: expected a regular file, got a link or something else"
    )


def test_large_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Size is checked before reading."""
    monkeypatch.setattr(bundle_module, "MAX_FILE_BYTES", 5)
    assert _refusal(folder) == f"{folder / 'card.md'}: expected at most 5 bytes, got 9"


def test_external_data_is_refused(folder: Path) -> None:
    """Weights outside the verified file are not verified."""
    model = b"graph\x0a\x08location\x12\x0bweights.bin"
    (folder / "model.onnx").write_bytes(model)
    files = {**_manifest().files, "model.onnx": _sha256(model)}
    (folder / "manifest.json").write_bytes(dataclasses.replace(_manifest(), files=files).to_json())
    assert _refusal(folder) == (
        f"{folder / 'model.onnx'}: expected all weights inside the file, got external data"
    )


def test_features_of_another_digest_are_refused(tmp_path: Path) -> None:
    """The manifest names the feature specification twice; both must hold."""
    manifest = dataclasses.replace(_manifest(), features_sha256="1" * 64)
    folder = _write(tmp_path / "tiny", manifest.to_json())
    assert _refusal(folder) == (
        f"{folder / 'features.json'}: expected feature digest {'1' * 64}, got {SPECIFICATION.digest}"
    )


FIELDS = (
    "features_sha256, files, libraries, mlflow, name, quantum_ppm, reference_models, schema_version, "
    "training_data_sha256, version"
)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"schema_version": 2}, "manifest.json: expected schema_version 1, got another one"),
        ({"schema_version": True}, "manifest.json: expected schema_version 1, got another one"),
        ({"approved": "yes"}, f"manifest.json: expected exactly the fields {FIELDS}"),
        (
            {"name": 3},
            "manifest.json: name or version: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"files": {"../model.onnx": "0" * 64}},
            "manifest.json: files: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"files": dict.fromkeys(FILES, "0" * 63)},
            "manifest.json: files: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"reference_models": ["a", "a"]},
            "manifest.json: reference_models: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"reference_models": []},
            "manifest.json: reference_models: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"quantum_ppm": -1},
            "manifest.json: quantum_ppm: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"mlflow": {}},
            "manifest.json: mlflow: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"libraries": {"numpy": 2}},
            "manifest.json: libraries: wrong type or content; restore the bundle or train it again",
        ),
        (
            {"training_data_sha256": "x"},
            (
                "manifest.json: training_data_sha256: wrong type or content; "
                "restore the bundle or train it again"
            ),
        ),
    ],
)
def test_bad_manifest_is_refused(tmp_path: Path, change: dict[str, object], text: str) -> None:
    """Each field has one form; the text names the folder, the file and the field."""
    value = {**json.loads(_manifest().to_json()), **change}
    folder = _write(tmp_path / "tiny", rfc8785.dumps(value))
    assert _refusal(folder) == f"{folder}: {text}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"{", "manifest.json: expected JSON, got something else"),
        (b"[]", "manifest.json: expected an object, got something else"),
        (
            _manifest().to_json() + b"\n",
            "manifest.json: expected canonical JSON (RFC 8785), got another form",
        ),
        (
            _manifest().to_json().replace(b'"version":"3"}', b'"version":"2","version":"3"}'),
            "manifest.json: expected canonical JSON (RFC 8785), got another form",
        ),
    ],
)
def test_manifest_of_another_form_is_refused(tmp_path: Path, data: bytes, text: str) -> None:
    """Not JSON, no object, other spacing, a key twice."""
    folder = _write(tmp_path / "tiny", data)
    assert _refusal(folder) == f"{folder}: {text}"


def test_manifest_round_trip() -> None:
    """JSON and back is the same manifest, with and without MLflow."""
    for manifest in (_manifest(), dataclasses.replace(_manifest(), mlflow=None)):
        assert Manifest.from_json(manifest.to_json()) == manifest


def test_metrics_must_be_an_object(folder: Path) -> None:
    """A list is no metrics."""
    (folder / "metrics.json").write_bytes(b"[]")
    files = {**_manifest().files, "metrics.json": _sha256(b"[]")}
    (folder / "manifest.json").write_bytes(dataclasses.replace(_manifest(), files=files).to_json())
    assert _refusal(folder) == f"{folder}: metrics.json: expected an object, got something else"


def test_shipped_bundle_is_pinned() -> None:
    """The default bundle of the repository loads with the package's own pins, and is small."""
    default = Path(__file__).parents[2] / "data" / "classifiers" / "default"
    loaded = load_bundle(default, trusted=pinned_digests())
    assert len(loaded.manifest.reference_models) > 50
    assert sum(path.stat().st_size for path in default.iterdir()) < 6 * 2**20
