"""What the generator hands out: examples and conversations with their gold classes and spans."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """One value in a text: characters [start, end), and what it is."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True)
class Example:
    """One generated prompt with its gold.

    Attributes:
        text: The prompt.
        classes: Gold data classes; empty for a harmless prompt.
        spans: Values and names in the text, by start. Names of public and invented persons are PERSON too.
        template: Id of the template; no id stands in both splits.
        kind: "positive", "harmless_twin", "spliced", "spliced_harmless", "style_harmless", "public_person",
            "fiction" or "clean".
        pair: The same for the two halves of a minimal pair, "" otherwise.
    """

    text: str
    classes: frozenset[str]
    spans: tuple[Span, ...]
    template: str
    kind: str
    pair: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One generated conversation: messages with "role" and "content", oldest first, and its gold."""

    messages: tuple[Mapping[str, str], ...]
    classes: frozenset[str]
    template: str
    kind: str
