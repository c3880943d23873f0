"""Each notebook is kept without outputs and runs from top to bottom, on data that every clone has."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MAX_CELLS = 30


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook as it is kept."""
    notebook: nbformat.NotebookNode = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Its cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebooks_are_numbered_in_reading_order() -> None:
    """From 01 up without a gap; an empty folder would make the tests below pass without a notebook."""
    assert NOTEBOOKS
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{n:02}_" for n in range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    """What a run printed on somebody's machine is not committed."""
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(read(path)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_uses_public_names_only(path: Path) -> None:
    """What a reader copies from it stays right: no name of ours that starts with an underscore."""
    notebook = read(path)
    assert len(notebook.cells) <= MAX_CELLS
    for line in "\n".join(cell.source for cell in code_cells(notebook)).splitlines():
        if line.startswith(("from clearway", "from training")):
            assert " _" not in line
            assert "._" not in line


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# The kernel's client leaves a socket to the garbage collector; that is not ours to mend.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs in a fresh kernel, an empty home and without corpora; it plots and warns of nothing."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path))
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    notebook = read(path)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert list(tmp_path.iterdir()) == []
