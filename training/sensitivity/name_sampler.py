"""Names of many countries, invented ones too, put into contexts and in the place of marked names."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, Final
from zlib import crc32

from faker.providers import person

from clearway.sensitivity.name_features import Lexicon
from training.sensitivity.name_lists import ordinary_words, strings
from training.sensitivity.name_templates import NAMED, UNNAMED
from training.sensitivity.tagger_data import Row

_LATIN: Final = re.compile(r"^[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff' -]+$")
_SLOT: Final = re.compile(r"\{\{|\}\}|\{([nflcwod])\}")
_ENGLISH_SHARE: Final = 0.35
_INVENTED_SHARE: Final = 0.3
_SUFFIXES: Final = (
    "Ltd",
    "Inc.",
    "GmbH",
    "Bank",
    "Group",
    "LLC",
    "University",
    "Hospital",
    "& Co",
    "Systems",
)


@dataclass(frozen=True, slots=True)
class Pool:
    """Names of one country, as written."""

    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def pools() -> tuple[tuple[Pool, ...], tuple[Pool, ...]]:
    """Pools of English-speaking countries, and of all others that have names in Latin letters."""
    english: list[Pool] = []
    others: list[Pool] = []
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        first = _latin(provider, r"^first_(?:romanized_)?names")
        last = _latin(provider, r"^last_(?:romanized_)?names")
        if len(first) > 20 and len(last) > 20:
            (english if module.name.startswith("en") else others).append(Pool(first, last))
    return tuple(english), tuple(others)


def _latin(provider: Any, attribute: str) -> tuple[str, ...]:
    names = {
        name
        for key in dir(provider)
        if re.match(attribute, key)
        for name in strings(getattr(provider, key))
        if _LATIN.match(name)
    }
    return tuple(sorted(names))


@dataclass(frozen=True, slots=True)
class Fillers:
    """Words that are no names; common ones by frequency."""

    common: tuple[str, ...]
    places: tuple[str, ...]

    @classmethod
    def of(cls, lexicon: Lexicon) -> Fillers:
        """The lists in a fixed order."""
        return cls(lexicon.common, tuple(sorted(lexicon.places)))


class Sampler:
    """Draws names and other fillings; the same ones for the same seed.

    Args:
        random: The only source of chance.
        fillers: What stands where no name does.
    """

    def __init__(self, random: Random, fillers: Fillers) -> None:
        self._random = random
        self._fillers = fillers

    def name(self, n_words: int = 0) -> str:
        """A name as prompts write it; of one word, or of any number where 0."""
        first, last = self.given(), self.family()
        draw = self._random.random()
        if n_words == 1:
            return first if draw < 0.5 else last
        if draw < 0.68:
            return f"{first} {last}"
        if draw < 0.76:
            return f"{first} {self._random.choice('ABCDEFGHIJKLMNOPRSTW')}. {last}"
        if draw < 0.82:
            return f"{first} {self.given()} {last}"
        if draw < 0.87:
            return f"{first} {last}-{self.family()}"
        if draw < 0.91:
            return f"{first}-{self.given()} {last}"
        if draw < 0.95:
            return f"{last}, {first}"
        return f"{first[0]}. {last}" if draw < 0.98 else f"{first} {self._random.choice(_PARTICLES)} {last}"

    def given(self) -> str:
        """A given name."""
        return self._word(self._pool().first)

    def family(self) -> str:
        """A family name."""
        return self._word(self._pool().last)

    def filling(self, slot: str) -> str:
        """What stands for a slot that is no name."""
        if slot == "d":
            return str(self._random.randint(1, 10 ** self._random.randint(1, 6)))
        if slot == "c":
            return self._random.choice(self._fillers.places).capitalize()
        word = self._random.choice(self._fillers.common[: 10 ** self._random.randint(2, 4)])
        if slot == "o":
            stem = self.family() if self._random.random() < 0.4 else word.capitalize()
            return f"{stem} {self._random.choice(_SUFFIXES)}"
        return word.capitalize() if self._random.random() < 0.25 else word

    def _pool(self) -> Pool:
        english, others = pools()
        return self._random.choice(english if self._random.random() < _ENGLISH_SHARE else others)

    def _word(self, names: Sequence[str]) -> str:
        name = self._random.choice(names)
        if self._random.random() >= _INVENTED_SHARE or len(name) < 4:
            return name
        other = self._random.choice(names)
        return name[: self._random.randint(2, 4)] + other[-self._random.randint(2, 4) :].lower()


_PARTICLES: Final = ("de", "van", "von", "bin", "al", "della", "dos", "van der", "de la", "el")


def contexts(lexicon: Lexicon, seed: int, n_named: int, n_unnamed: int) -> Iterator[Row]:
    """Each context filled so many times."""
    fillers = Fillers.of(lexicon)
    for templates, n in ((NAMED, n_named), (UNNAMED, n_unnamed)):
        for number, template in enumerate(templates):
            sampler = Sampler(Random(f"{seed} {number} {template[:8]}"), fillers)  # noqa: S311 - no secret
            for _ in range(n):
                yield _filled(template, sampler)


def filler_text(seed: int, n: int) -> Iterator[Row]:
    """So many sentences of ordinary words of each language, without names."""
    for locale, words in ordinary_words().items():
        random = Random(f"{seed} {locale}")  # noqa: S311 - no secret
        for _ in range(n):
            chosen = [random.choice(words) for _ in range(random.randint(3, 16))]
            if random.random() < 0.2:
                chosen = [word.capitalize() for word in chosen]
            text = " ".join(chosen)
            text = text[0].upper() + text[1:] + random.choice((".", "?", "!", ":", ""))
            yield Row(text, (), "filler", gold=True, test=False, group=locale)


def _filled(template: str, sampler: Sampler) -> Row:
    text, names, last = "", [], 0
    for match in _SLOT.finditer(template):
        text += template[last : match.start()]
        last = match.end()
        slot = match[1]
        if slot is None:
            text += match[0][0]
            continue
        drawn = {"n": sampler.name, "f": sampler.given, "l": sampler.family}
        value = drawn[slot]() if slot in drawn else sampler.filling(slot)
        if slot in drawn:
            names.append((len(text), len(text) + len(value)))
        text += value
    return Row(text + template[last:], tuple(names), "contexts", gold=True, test=False, group=template)


def renamed(rows: Sequence[Row], lexicon: Lexicon, seed: int) -> Iterator[Row]:
    """Copies of rows with other names in the place of the marked ones, of one word where they have one."""
    fillers = Fillers.of(lexicon)
    for row in rows:
        if not row.names:
            continue
        sampler = Sampler(Random(f"{seed} {crc32(row.text.encode())}"), fillers)  # noqa: S311 - no secret
        text, names, last = "", [], 0
        for start, end in sorted(row.names):
            name = sampler.name(1 if " " not in row.text[start:end] else 0)
            text += row.text[last:start]
            names.append((len(text), len(text) + len(name)))
            text, last = text + name, end
        yield replace(row, text=text + row.text[last:], names=tuple(names))
