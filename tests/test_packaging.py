"""What is installed from a wheel is what a checkout has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = (
    "register/models.yaml",
    "policy/default.cedar",
    "sensitivity/classes.yaml",
    "classifiers/default/model.onnx",
    "samples/requests.jsonl",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_the_defaults_and_the_types(wheel: Path) -> None:
    """Register, policy, tables, bundle and samples are package data; each package is typed."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"clearway/data/{name}" for name in DATA} <= names
    assert {f"{package}/py.typed" for package in ("clearway", "training", "serving")} <= names
    assert {"clearway/pinned_bundles.json", "clearway/ledger/schema.sql"} <= names


def test_an_installed_wheel_finds_its_defaults_and_loads_its_bundle(wheel: Path, tmp_path: Path) -> None:
    """From the unpacked wheel, away from any checkout, the pinned bundle, register and policy load."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import json; from importlib.resources import files\n"
        "from clearway.bundle import load_bundle; from clearway.installation import data_folder\n"
        "from clearway.policy import load_policy; from clearway.register import load_register\n"
        "data = data_folder(); load_register(data / 'register'); load_policy(data / 'policy')\n"
        "pinned = json.loads((files('clearway') / 'pinned_bundles.json').read_text())\n"
        "load_bundle(data / 'classifiers' / 'default', trusted=pinned); print(data)"
    )
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"]
    result = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == str(tmp_path / "clearway" / "data")
