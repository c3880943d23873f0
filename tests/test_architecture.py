"""The house: which folder may import which, and what the files look like."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What a folder must never import; `clearway` is the core that both others stand on.
TRAINING_STACK = {
    *("sklearn", "skl2onnx", "onnx", "mlflow", "pandas", "pyarrow", "genai_prices"),
    *("ibis", "duckdb", "altair", "vl_convert", "pyspark"),
}
WEB_STACK = {"fastapi", "starlette", "uvicorn"}
PICKLES = {"pickle", "joblib", "cloudpickle"}
FORBIDDEN = {
    "clearway": {"training", "serving", *TRAINING_STACK, *WEB_STACK, *PICKLES},
    "serving": {"training", *TRAINING_STACK, *PICKLES},
    "training": {"serving", *WEB_STACK},
}
# Heavy packages that starting the command line must not import.
HEAVY = {
    *("sklearn", "mlflow", "skl2onnx", "onnx", "pandas", "pyarrow", "spacy", "onnxruntime", "uvicorn"),
    *("ibis", "duckdb", "altair", "pyspark"),
}
# verify.py must share nothing with the writers but the format.
VERIFIER_MAY_IMPORT = {"canonical", "checkpoint", "tree"}


def python_files(folder: str) -> Iterator[Path]:
    """Python files of a folder."""
    return (ROOT / folder).rglob("*.py")


def imports(path: Path) -> set[str]:
    """Full names a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    """The arrows are training -> clearway <- serving, and the core has no web and no training stack."""
    offences = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(folder)
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[folder]
    }
    assert not offences


def test_data_holds_no_code() -> None:
    """`data/` is never imported: it has no Python."""
    assert not list(python_files("data"))


def test_the_verifier_shares_only_the_format_with_the_writer() -> None:
    """`clearway.ledger.verify` imports no store."""
    used = {n for n in imports(ROOT / "clearway/ledger/verify.py") if n.startswith("clearway.ledger.")}
    assert {name.split(".")[2] for name in used} <= VERIFIER_MAY_IMPORT


def test_the_optimiser_is_pure() -> None:
    """The optimiser imports nothing but the decision's types: no clock, no file, no float arithmetic."""
    used = {name for name in imports(ROOT / "clearway/optimiser.py") if name.startswith("clearway")}
    assert used == {"clearway.decision"}
    source = (ROOT / "clearway/optimiser.py").read_text(encoding="utf-8")
    floats = [
        n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and type(n.value) is float
    ]
    divisions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Div)]
    assert not floats
    assert not divisions


def test_starting_the_command_line_imports_nothing_heavy() -> None:
    """`clearway --help` stays quick: the heavy packages come with the commands that need them."""
    program = (
        "import sys; import clearway.commands; import training.cli; import training.benchmark.cli; "
        "import serving.cli; "
        f"print(sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["clearway", "training", "serving"])
def test_files_stay_small_and_packages_are_typed(folder: str) -> None:
    """No file over 400 lines; each package carries `py.typed`."""
    long = {str(p): n for p in python_files(folder) if (n := len(p.read_text().splitlines())) > 400}
    assert not long
    assert (ROOT / folder / "py.typed").exists()


def test_nothing_committed_names_a_registry() -> None:
    """Requirements are pinned by hash and carry no address of an index."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "--index-url" not in text
    assert "://" not in text
    assert "--hash=sha256:" in text
