"""Which detector this is: everything that decides its output, in one digest."""

from __future__ import annotations

import hashlib
import inspect
import json
import unicodedata
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from clearway.assessment import ClassifierIdentity
from clearway.sensitivity.table import TABLE_FILE
from clearway.sensitivity.word_lists import WORD_FILES

PACKAGES: Final = (
    "onnxruntime",
    "phonenumbers",
    "presidio-analyzer",
    "py3langid",
    "regex",
    "tldextract",
)
# Folders of the bundle and of the lists of names; named here, as their modules are costly to import.
_BUNDLE, _NAMES = "bundle", "names"
# Modules outside this folder that decide what the models say.
_FURTHER_SOURCES: Final = ("integer_session.py",)


def identify(
    folder: Path, table_version: str, further: Iterable[object] = (), *, bundle: Path | None = None
) -> ClassifierIdentity:
    """Identity over tables, lists, models, our sources, the packages' versions and further recognisers.

    Args:
        folder: Holds the table, the lists and the bundle.
        table_version: As the table says.
        further: Recognisers that a user plugged in; each counts with its class and the source of its module.
        bundle: Folder of the bundle, where it is not the one in `folder`; a copy elsewhere counts the same.
    """
    package = Path(__file__).parent
    sources = [*sorted(package.glob("*.py")), *(package.parent / name for name in _FURTHER_SOURCES)]
    folders = {_BUNDLE: bundle or folder / _BUNDLE, _NAMES: folder / _NAMES}
    data = {name: folder / name for name in (TABLE_FILE, *WORD_FILES)}
    data |= {f"{part}/{path.name}": path for part, place in folders.items() for path in place.glob("*")}
    facts = {
        "data": {name: _digest(path) for name, path in data.items() if path.is_file()},
        "sources": {path.name: _digest(path) for path in sources},
        "packages": {name: version(name) for name in PACKAGES},
        "unicode": unicodedata.unidata_version,
        "further": sorted(_describe(recognizer) for recognizer in further),
    }
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return ClassifierIdentity(
        name="presidio",
        version=f"{version('presidio-analyzer')}+{table_version}",
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _describe(recognizer: object) -> list[str]:
    kind = type(recognizer)
    source = inspect.getsourcefile(kind)
    patterns = [
        [pattern.name, pattern.regex, pattern.score]
        for pattern in getattr(recognizer, "patterns", None) or []
    ]
    return [kind.__module__, kind.__qualname__, _digest(Path(source)) if source else "", json.dumps(patterns)]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
