"""Where the values of a text with fields lie: JSON as it is written, and lines `name: value`."""

from __future__ import annotations

import re
from typing import Final

MAX_LEAVES: Final = 2_000

# Paths of parts that a person or a model wrote as a text; all others are fields, read as lines (`fields.py`).
_WRITTEN: Final = re.compile(r"\.(?:content|text)$")
_IS_JSON: Final = re.compile(r'\A\s*[\[{]|"\s*:\s*["\d\[{]')
# A key is matched too, so that its closing quote is not taken for the opening one of a value; a text without
# an end is matched up to the end of its line, so that no character is looked at twice.
_JSON_LEAF: Final = re.compile(
    r'"(?P<text>(?:[^"\\\n]|\\[\s\S]?)*+)(?:"|(?=\n)|\Z)(?P<key>\s*:)?'
    r"|(?<=[:\[,\s])(?P<number>-?\d[\d.]{0,40}+)(?=\s*[,}\]\n])"
)
# A value that is itself JSON is followed by what it says, line by line.
_LINE_LEAF: Final = re.compile(r"^(?:[^:\n]{0,60}: )?+(?P<text>(?![\[{])[^\n]*[^\n:])$", re.MULTILINE)


def leaf_spans(text: str, path: str) -> list[tuple[int, int]]:
    """Spans of the first `MAX_LEAVES` values; none where a text is prose.

    Args:
        text: Text of a part.
        path: Its path, which says whether it is a field.

    >>> leaf_spans('{"a": "x", "b": [12, 3]}', "messages[0].content")
    [(7, 8), (17, 19), (21, 22)]
    """
    if not _WRITTEN.search(path):
        pattern = _LINE_LEAF
    elif _IS_JSON.search(text):
        pattern = _JSON_LEAF
    else:
        return []
    spans: list[tuple[int, int]] = []
    for match in pattern.finditer(text):
        groups = match.groupdict()
        start, end = match.span("text" if groups["text"] is not None else "number")
        if start < end and not groups.get("key"):
            spans.append((start, end))
        if len(spans) == MAX_LEAVES:
            break
    return spans
