"""Graded answers small enough to learn from in a second."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clearway.installation
from clearway.bundle import Bundle, RegistryEntry, load_bundle
from clearway.installation import data_folder
from clearway.ledger.canonical import canonical_json
from clearway.testing import FakeSensitivity
from training.tracking import DATABASE, MlflowTracker

Register = Callable[..., RegistryEntry]
# An ordinary request, one with what `detector` finds, one without a turn of the user.
LINES = [
    {"request": {"messages": [{"role": "user", "content": "How many legs has a spider?"}]}},
    {"request": {"messages": [{"role": "user", "content": "My card is 4111, prove it."}]}},
    {"request": {"messages": [{"role": "system", "content": "Be brief."}]}},
]


def make_answers(n_prompts: int = 120, seed: int = 0) -> pd.DataFrame:
    """Three models on prompts of two made-up vocabularies; the hard one costs the weaker models half."""
    generator = np.random.default_rng(seed)
    words = [[f"{kind}{index}" for index in range(12)] for kind in ("easy", "hard")]
    rows = []
    for index in range(n_prompts):
        is_hard = index % 2
        prompt = " ".join(generator.choice(words[is_hard], 6)) + f" {index}?"
        for model, strength in (("strong", 0.9), ("weak", 0.6), ("tiny", 0.45)):
            chance = strength - 0.4 * is_hard * (model != "strong")
            rows.append(
                {
                    "source": "zeroeval_gsm" if index % 3 else "routellm_gsm8k",
                    "prompt_id": f"p{index}",
                    "prompt_key": f"k{index // 4 * 2 + is_hard}",
                    "prompt": prompt,
                    "model": f"{model}-upstream",
                    "model_canonical": model,
                    "score": float(generator.random() < chance),
                    "output_tokens": int(20 + 100 * is_hard + generator.integers(10)),
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def answers() -> pd.DataFrame:
    """360 graded answers: 120 prompts, three models, two sources."""
    return make_answers()


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The bundle that ships."""
    return load_bundle(data_folder() / "classifiers" / "default", trusted=None)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that starts at once, and finds one word."""
    monkeypatch.setattr(
        clearway.installation, "open_detector", lambda: FakeSensitivity({"4111": "financial"})
    )


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database before its first run: making one takes seconds, copying it none."""
    home = tmp_path_factory.mktemp("registry")
    MlflowTracker(home).client().get_experiment("0")
    return home / DATABASE


@pytest.fixture
def home(empty_registry: Path, tmp_path: Path) -> Path:
    """A folder of state with a registry that is empty."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(empty_registry, folder / DATABASE)
    return folder


@pytest.fixture
def register(home: Path) -> Register:
    """Registers the shipped bundle as the next version, as training would, but without learning."""
    shipped = data_folder() / "classifiers" / "default"
    metrics = json.loads((shipped / "metrics.json").read_bytes())
    metrics["by_source"] = {"all": metrics["by_source"]["all"]}

    def registered(name: str = "clearway-complexity", params: dict[str, Any] | None = None) -> RegistryEntry:
        tracker = MlflowTracker(home)
        with tracker.start(name) as entry:
            folder = home / "bundles" / f"{name}-{entry.version}"
            shutil.copytree(shipped, folder)
            named = {"name": entry.name, "version": entry.version, "run_id": entry.run_id}
            manifest = json.loads((folder / "manifest.json").read_bytes())
            manifest |= {"name": entry.name, "version": entry.version, "mlflow": named}
            content = canonical_json(manifest)
            (folder / "manifest.json").write_bytes(content)
            given = {"training_data_sha256": metrics["data"]["sha256"], **(params or {})}
            tracker.finish(folder, hashlib.sha256(content).hexdigest(), given, metrics)
        return entry

    return registered
