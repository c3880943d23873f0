"""The templates of each split, read from the text files beside this module."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from training.sensitivity.generator.markup import Template

Split = Literal["train", "test"]
_FOLDER = Path(__file__).parent / "templates"
_HEAD = re.compile(r"^=== (?P<id>[a-z0-9-]+)(?: @(?P<locale>\w+))?(?: !(?P<kind>\w+))?$")


def _read(path: Path, prefix: str, kind: str) -> Iterator[Template]:
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), "=== end"]:
        found = _HEAD.match(line)
        if found is None:
            lines.append(line)
            continue
        if head is not None:
            name = f"{prefix}/{path.stem}/{head['id']}"
            yield Template(name, "\n".join(lines).strip("\n"), head["locale"], head["kind"] or kind)
        head, lines = found, []


_KINDS = {"public": "public_person", "fiction": "fiction", "clean": "clean", "style": "style_harmless"}


@lru_cache(maxsize=2)
def templates(split: Split) -> tuple[Template, ...]:
    """All templates of a split, in the order of file and line."""
    found: list[Template] = []
    for path in sorted((_FOLDER / split).glob("*.txt")):
        found += _read(path, split, _KINDS.get(path.stem.split("_")[0], "positive"))
    return tuple(found)
