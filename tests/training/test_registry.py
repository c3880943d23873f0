"""What is staged from the registry is what was registered, or nothing is staged."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from clearway.bundle import RegistryEntry, load_bundle
from clearway.errors import BundleError, ClearwayError, ConfigurationError, NotFoundError
from clearway.installation import data_folder
from training.registry import Registry, Version
from training.tracking import MlflowTracker

NAME = "clearway-complexity"
Register = Callable[..., RegistryEntry]


def stored(version: Version) -> Path:
    """Where MLflow keeps the bundle."""
    return Path(version.source.removeprefix("file://")) / "bundle"


def refusal(registry: Registry, version: Version, out: Path) -> str:
    """The text of the error; nothing is left behind."""
    with pytest.raises(ClearwayError) as caught:
        registry.stage(version, out)
    assert not out.exists()
    assert not list(out.parent.glob(f".{out.name}*"))
    return str(caught.value)


def test_versions_are_listed_with_alias_digest_numbers(register: Register, home: Path) -> None:
    """Oldest first, the newest the challenger; by number and by alias the same one is found."""
    entries = [register(), register()]
    registry = Registry(home)
    first, second = registry.versions(NAME)
    assert [first.version, second.version] == [entry.version for entry in entries] == ["1", "2"]
    assert (first.aliases, second.aliases) == ((), ("challenger",))
    assert (second.run_id, first.name) == (entries[1].run_id, NAME)
    assert second.metrics["auc.all"] > 0.5
    assert len(second.params["training_data_sha256"]) == 64
    assert registry.find(NAME, "2") == registry.find(NAME, "challenger") == second


def test_staging_copies_what_was_registered(register: Register, home: Path, tmp_path: Path) -> None:
    """Into a folder that is made, with its parents."""
    entry, registry = register(), Registry(home)
    version = registry.find(NAME, "1")
    out = tmp_path / "deep" / "staged"
    bundle = registry.stage(version, out)
    assert bundle.sha256 == version.sha256
    assert load_bundle(out, trusted={bundle.sha256}).manifest.mlflow == entry


def test_the_champion_is_no_challenger(register: Register, home: Path) -> None:
    """Crowning moves the alias; another challenger stays one."""
    register()
    registry = Registry(home)
    registry.crown(registry.find(NAME, "1"))
    assert registry.find(NAME, "champion").aliases == ("champion",)
    register()
    registry.crown(registry.find(NAME, "1"))
    assert registry.find(NAME, "challenger").version == "2"


def test_a_bundle_is_found_by_its_digest(register: Register, home: Path) -> None:
    """Not by its name alone; one that no registry made is none of its versions."""
    entry, registry = register(), Registry(home)
    bundle = load_bundle(home / "bundles" / f"{NAME}-{entry.version}", trusted=None)
    found = registry.of_bundle(bundle)
    assert found is not None
    assert found.version == "1"
    assert registry.of_bundle(load_bundle(data_folder() / "classifiers" / "default", trusted=None)) is None


def test_an_unknown_version_is_told_with_those_there_are(register: Register, home: Path) -> None:
    """By number, alias and name, whatever stands in it."""
    register()
    registry = Registry(home)
    for name, wanted, known in (
        (NAME, "2", "1, challenger"),
        (NAME, "champion", "1, challenger"),
        ("o'hara", "1", "none"),
        ("", "1", "none"),
    ):
        with pytest.raises(NotFoundError) as caught:
            registry.find(name, wanted)
        assert str(caught.value) == f"{name}: no version {wanted}; there are: {known}"


def test_an_altered_file_is_not_staged(register: Register, home: Path, tmp_path: Path) -> None:
    """The manifest knows each file's digest."""
    register()
    registry = Registry(home)
    version = registry.find(NAME, "1")
    (stored(version) / "metrics.json").write_text("{}")
    assert "metrics.json: expected sha256 " in refusal(registry, version, tmp_path / "out")


def test_another_bundle_in_the_place_of_one_is_not_staged(
    register: Register, home: Path, tmp_path: Path
) -> None:
    """The tag knows the manifest's digest."""
    register()
    register()
    registry = Registry(home)
    first, second = registry.versions(NAME)
    shutil.rmtree(stored(first))
    shutil.copytree(stored(second), stored(first))
    text = (
        f"{NAME} version 1: expected manifest digest {first.sha256}, got {second.sha256}; "
        "MLflow's store was altered, restore it from a backup"
    )
    assert refusal(registry, first, tmp_path / "out") == text


def test_a_tag_that_was_altered_too_is_not_enough(register: Register, home: Path, tmp_path: Path) -> None:
    """The manifest names its own version."""
    register()
    entry: RegistryEntry = register()
    registry = Registry(home)
    first, second = registry.versions(NAME)
    shutil.rmtree(stored(first))
    shutil.copytree(stored(second), stored(first))
    MlflowTracker(home).client().set_model_version_tag(NAME, "1", "bundle_sha256", second.sha256)
    text = f"{NAME} version 1: expected a manifest that names this version, got another one"
    assert refusal(registry, registry.find(NAME, "1"), tmp_path / "out") == text
    assert entry.version == "2"


def test_a_bundle_that_is_gone_is_told(register: Register, home: Path, tmp_path: Path) -> None:
    """With the place where it should be."""
    register()
    registry = Registry(home)
    version = registry.find(NAME, "1")
    shutil.rmtree(stored(version))
    text = f"{stored(version)}: expected the bundle that was registered, got none; restore it"
    assert refusal(registry, version, tmp_path / "out") == text


def test_a_version_whose_training_did_not_finish_is_not_staged(home: Path, tmp_path: Path) -> None:
    """As after a kill: it is listed, without a digest."""
    with MlflowTracker(home).start(NAME):
        registry = Registry(home)
        (version,) = registry.versions(NAME)
        text = f"{NAME} version 1: expected tag bundle_sha256, got none; its training did not finish"
        assert refusal(registry, version, tmp_path / "out") == text


def test_a_folder_that_exists_is_not_overwritten(register: Register, home: Path, tmp_path: Path) -> None:
    """Whatever is in it."""
    register()
    registry = Registry(home)
    (tmp_path / "out").mkdir()
    with pytest.raises(BundleError) as caught:
        registry.stage(registry.find(NAME, "1"), tmp_path / "out")
    text = f"{tmp_path}/out: expected no such folder yet, got one; bundles are never overwritten"
    assert str(caught.value) == text
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_cannot_be_written_is_told(register: Register, home: Path, tmp_path: Path) -> None:
    """A file stands where its parent is to be."""
    register()
    registry = Registry(home)
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out"
    with pytest.raises(BundleError) as caught:
        registry.stage(registry.find(NAME, "1"), out)
    assert str(caught.value) == f"{out}: expected to write the bundle, got FileExistsError"


def test_reading_makes_no_registry(tmp_path: Path) -> None:
    """A list of nothing in a wrong home would look like a loss."""
    with pytest.raises(NotFoundError) as caught:
        Registry(tmp_path)
    text = f"{tmp_path}/mlflow.db: no registry here; train first, or name its folder with --home"
    assert str(caught.value) == text
    assert not list(tmp_path.iterdir())


def test_a_table_that_is_gone_is_told_without_the_statement(register: Register, home: Path) -> None:
    """As in a database that another program made."""
    register()
    registry = Registry(home)
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute("DROP TABLE model_versions")
    database.close()
    with pytest.raises(ConfigurationError) as caught:
        registry.versions(NAME)
    assert str(caught.value) == (
        f"{home}/mlflow.db: MLflow refused: (sqlite3.OperationalError) no such table: model_versions"
    )


def test_a_version_whose_run_was_removed_is_still_listed(register: Register, home: Path) -> None:
    """Its bundle and its digest are there."""
    entry = register()
    with sqlite3.connect(home / "mlflow.db") as database:
        for table in ("metrics", "latest_metrics", "params", "tags", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (entry.run_id,))
    database.close()
    (version,) = Registry(home).versions(NAME)
    assert (version.metrics, version.params) == ({}, {})
    assert version.sha256
