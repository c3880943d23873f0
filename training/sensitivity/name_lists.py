"""Lists of names and places from Faker's data (MIT), and of common words of ordinary text."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from faker.providers import address, lorem, person

from clearway.sensitivity.name_features import (
    COMMON_FILE,
    FIRST_FILE,
    KNOWN_FILE,
    LAST_FILE,
    PARTICLES,
    PLACE_FILE,
    TITLES,
    fold,
)
from clearway.sensitivity.tokens import tokenise
from training.sensitivity.tagger_data import Row

# Scripts whose words are letters only, so that a token is a word: Latin, Greek, Cyrillic.
_WORD: Final = re.compile(r"^(?:[a-z\u00df-\u024f\u1e00-\u1eff]|[\u0370-\u03ff]|[\u0400-\u04ff]|')+$")
_FIRST: Final = re.compile(r"^(?:first|middle).*names?")
_LAST: Final = re.compile(r"^last.*names?|last_names$")
_PLACE: Final = re.compile(
    r"^(?:countries|cities|city_names|real_city_names|states|provinces|regions|municipalities|communes|towns)$"
)
MAX_COMMON: Final = 16_000
MIN_COMMON: Final = 2
# A name in the lists of so many locales is known everywhere.
MIN_LOCALES: Final = 5
_LOREM: Final = re.compile(r"^word_list$")
_SOURCE: Final = (
    "# From Faker's provider data (MIT). Folded: lower case, no accents. Built by name_lists.py.\n"
)
_COMMON_SOURCE: Final = "# Words in lower case in the training corpora, most frequent first, then Faker's.\n"


def write_lists(folder: Path, rows: Iterable[Row]) -> None:
    """Write the four lists; the same bytes for the same rows and the same Faker."""
    folder.mkdir(parents=True, exist_ok=True)
    first, last = _by_locale(person, _FIRST), _by_locale(person, _LAST)
    places = _by_locale(address, _PLACE)
    for name, words in (
        (FIRST_FILE, set().union(*first.values())),
        (LAST_FILE, set().union(*last.values())),
        (KNOWN_FILE, _known(first) | _known(last)),
        (PLACE_FILE, set().union(*places.values())),
    ):
        (folder / name).write_text(_SOURCE + "\n".join(sorted(words)) + "\n", encoding="utf-8")
    common = dict.fromkeys(common_words(rows))
    other = sorted(word for words in ordinary_words().values() for word in words)
    (folder / COMMON_FILE).write_text(
        _COMMON_SOURCE + "\n".join({**common, **dict.fromkeys(other)}) + "\n", encoding="utf-8"
    )


def ordinary_words() -> dict[str, list[str]]:
    """Folded words of filler text of each Faker locale, and of Latin; none that may be a known name."""
    names = _known(_by_locale(person, _FIRST))
    found = _by_locale(lorem, _LOREM)
    return {locale: sorted(words - names) for locale, words in sorted(found.items()) if len(words) > 100}


def _known(names: dict[str, set[str]]) -> set[str]:
    counts = Counter(name for words in names.values() for name in words)
    english = {name for locale, words in names.items() if locale.startswith("en") for name in words}
    return english | {name for name, n in counts.items() if n >= MIN_LOCALES}


def common_words(rows: Iterable[Row]) -> list[str]:
    """Words that stand in lower case outside of names at least MIN_COMMON times, most frequent first."""
    counts: Counter[str] = Counter()
    for row in rows:
        tokens = tokenise(row.text)
        for word, start in zip(tokens.words, tokens.starts, strict=True):
            if word.islower() and word[0].isalpha() and not any(a <= start < b for a, b in row.names):
                counts[fold(word)] += 1
    kept = [(word, n) for word, n in counts.items() if n >= MIN_COMMON and len(word) > 1 and len(word) < 24]
    return [word for word, _ in sorted(kept, key=lambda item: (-item[1], item[0]))[:MAX_COMMON]]


def _by_locale(package: Any, attribute: re.Pattern[str]) -> dict[str, set[str]]:
    words: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        values = (getattr(provider, name) for name in dir(provider) if attribute.match(name))
        words[module.name] = set(_words(text for value in values for text in strings(value)))
    return words


def strings(value: Any) -> Iterator[str]:
    """Every string in a nested value of Faker's, the keys of its mappings too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from strings(item)


def _words(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        for word in re.split(r"[\s\-.,()/]+", value):
            folded = fold(word)
            if len(folded) > 1 and _WORD.match(folded) and folded not in PARTICLES | TITLES:
                yield folded
