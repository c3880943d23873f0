"""The key of a question: equal for prompts that differ only in case and white space."""

from __future__ import annotations

import hashlib
from typing import Final

NORMALISATION: Final = (
    "the first 16 hexadecimal digits of SHA-256 over the prompt in lower case, "
    "each run of white space made one blank, none at either end, in UTF-8"
)


def normalise(prompt: str) -> str:
    """Lower case, each run of white space one blank, none at either end."""
    return " ".join(prompt.lower().split())


def prompt_key(prompt: str) -> str:
    """Key of a question by its text.

    >>> prompt_key("What is  2 + 2? ") == prompt_key("what is 2 + 2?")
    True
    """
    return hashlib.sha256(normalise(prompt).encode("utf-8", "replace")).hexdigest()[:16]
