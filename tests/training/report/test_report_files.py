"""Three files beside each other: refused before the work, whole after it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clearway.errors import InvalidRequestError
from training.report.report_files import ReportFiles


def test_json_and_markdown_lie_beside_the_page(tmp_path: Path) -> None:
    """They have its name; nothing is left behind by looking whether they can be written."""
    files = ReportFiles.of(tmp_path / "a.b.html", [])
    assert [path.name for path in files.all] == ["a.b.html", "a.b.json", "a.b.md"]
    assert list(tmp_path.iterdir()) == []


def test_files_are_replaced_whole(tmp_path: Path) -> None:
    """An older report gives way; no half-written file stays. Halves of characters become question marks."""
    files = ReportFiles.of(tmp_path / "r.html", [])
    files.html.write_text("old", encoding="utf-8")
    files.write(dict.fromkeys(files.all, "new \ud800"))
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        "r.html": "new ?",
        "r.json": "new ?",
        "r.md": "new ?",
    }


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("r.pdf", "out: expected a file that ends in .html, got 'r.pdf'"),
        ("log.html", "out: {0}/log.json is what the report is made of; name another file"),
        ("folder.html", "out: expected a file, got the folder {0}/folder.md; name another file"),
        (
            "none/r.html",
            "out: {0}/none: cannot be written (No such file or directory); make the folder or name another",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str, fault: str) -> None:
    """Above all the input: a log called `log.json` lies where the numbers of `log.html` would go."""
    (tmp_path / "folder.md").mkdir()
    log = tmp_path / "log.json"
    log.touch()
    with pytest.raises(InvalidRequestError) as caught:
        ReportFiles.of(tmp_path / name, [log])
    assert str(caught.value) == fault.format(tmp_path)


def test_a_disk_that_fills_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the page, and what was begun is gone."""
    files = ReportFiles.of(tmp_path / "r.html", [])
    files.html.write_text("old", encoding="utf-8")

    def full(path: Path, *_: str, **__: str) -> None:
        path.touch()
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InvalidRequestError) as caught:
        files.write(dict.fromkeys(files.all, "new"))
    assert str(caught.value) == (
        f"{files.html}: cannot be written (No space left on device); name another file"
    )
    monkeypatch.undo()
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [
        ("r.html", "old")
    ]


def test_two_reports_of_one_name_are_each_whole(tmp_path: Path) -> None:
    """What is written meanwhile by another run is neither taken for one's own nor removed."""
    texts = {
        n: dict.fromkeys(ReportFiles.of(tmp_path / "r.html", []).all, f"{n}" * 200_000) for n in range(4)
    }
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ReportFiles.of(tmp_path / "r.html", []).write(texts[n]), texts))
    written = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert len(written) == 3
    assert all(text in [f"{n}" * 200_000 for n in texts] for text in written)


def test_a_link_to_itself_is_replaced(tmp_path: Path) -> None:
    """A link that leads nowhere is no reason to fail: the page takes its place."""
    page = tmp_path / "r.html"
    page.symlink_to(page)
    ReportFiles.of(page, [tmp_path / "log.json"]).write({page: "new"})
    assert (page.is_symlink(), page.read_text(encoding="utf-8")) == (False, "new")
