"""Copies of every version that went into service, found again by digest."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from clearway.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Archive:
    """Copies of every version that went into service, found again by digest.

    Attributes:
        root: Folder of the archive.
    """

    root: Path

    def keep(self, kind: str, source: Path, *digests: str) -> None:
        """Copy the files of `source`, once; a half-written copy never stands under its name."""
        target = self._folder(kind, digests)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        try:
            partial.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(partial, ignore_errors=True)

    def find(self, kind: str, *digests: str) -> Path:
        """Where the version lies.

        Raises:
            ConfigurationError: It was never kept here.
        """
        target = self._folder(kind, digests)
        if not target.is_dir():
            raise ConfigurationError(
                f"{kind} {digests[0]}: not in the archive of this installation; restore it or name its folder"
            )
        return target

    def _folder(self, kind: str, digests: tuple[str, ...]) -> Path:
        return self.root / kind / hashlib.sha256("".join(digests).encode()).hexdigest()
