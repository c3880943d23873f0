"""The three files of a report, beside each other: checked before the work, written whole after it."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from clearway.errors import InvalidRequestError


@dataclass(frozen=True)
class ReportFiles:
    """Where a report goes.

    Attributes:
        html: The page.
        json: The same numbers for machines.
        markdown: The same as text.
    """

    html: Path
    json: Path
    markdown: Path

    @classmethod
    def of(cls, out: Path, inputs: Collection[Path]) -> ReportFiles:
        """Files beside a page; those that are there already will be replaced.

        Args:
            out: The page, `NAME.html`.
            inputs: Files that the report is made of, and must not replace.

        Raises:
            InvalidRequestError: The name does not end in `.html`, the folder is missing or cannot be written,
                or a file is a folder or one of the inputs.
        """
        if out.suffix != ".html":
            raise InvalidRequestError(f"out: expected a file that ends in .html, got {out.name!r}")
        files = cls(out, out.with_suffix(".json"), out.with_suffix(".md"))
        taken = {os.path.realpath(path) for path in inputs}
        for path in files.all:
            if os.path.realpath(path) in taken:
                raise InvalidRequestError(f"out: {path} is what the report is made of; name another file")
            if path.is_dir():
                raise InvalidRequestError(f"out: expected a file, got the folder {path}; name another file")
        _check_writable(out.parent)
        return files

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """The page first."""
        return self.html, self.json, self.markdown

    @property
    def written(self) -> tuple[int | None, ...]:
        """What tells each file from the one that replaces it; None where there is none."""
        return tuple(path.stat().st_ino if path.is_file() else None for path in self.all)

    def write(self, texts: Mapping[Path, str]) -> None:
        """Write each file beside its place, then put all in place: nobody sees half of one.

        Raises:
            InvalidRequestError: The disk is full, or the folder cannot be written any more.
        """
        partial: dict[Path, Path] = {}
        mine = secrets.token_hex(8)  # another report of the same name may be written at the same time
        try:
            for path, text in texts.items():
                partial[path] = path.with_name(f".{mine}.partial{path.suffix}")
                with partial[path].open("x", encoding="utf-8", errors="replace") as file:
                    file.write(text)
            for path, written in partial.items():
                written.replace(path)
        except OSError as error:
            raise InvalidRequestError(
                f"{self.html}: cannot be written ({error.strerror}); name another file"
            ) from error
        finally:
            for written in partial.values():
                written.unlink(missing_ok=True)


def _check_writable(folder: Path) -> None:
    """Hours of work must not end in a folder that was missing all the time."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".clearway-", dir=folder)
    except OSError as error:
        raise InvalidRequestError(
            f"out: {folder}: cannot be written ({error.strerror}); make the folder or name another"
        ) from error
    os.close(descriptor)
    Path(name).unlink()
