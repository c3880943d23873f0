"""Finds in the register what a log says was called, by the names that gateways and providers use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.register import Register

_MAX_CHARACTERS: Final = 80

Place = tuple[str, str, str]


def names_of(register: Register) -> Mapping[Place, tuple[str, ...]]:
    """Ids of the models that a name fits, alone or with provider, region or both; sorted.

    A name is the id (`openai/gpt-4o@us`), the id without its region, the model part of it alone (`gpt-4o`),
    or what the provider calls the model, perhaps with the provider before it; capitals do not matter.
    """
    found: dict[Place, set[str]] = {}
    for model in register.models.values():
        upstream, short = model.upstream_name, model.id.split("@")[0]
        names = {model.id, short, short.partition("/")[2], upstream, f"{model.provider}/{upstream}"}
        for name in filter(None, names):
            for provider in ("", model.provider):
                for region in ("", model.region):
                    found.setdefault(place_of(name, provider, region), set()).add(model.id)
    return {place: tuple(sorted(ids)) for place, ids in found.items()}


def place_of(name: str, provider: str, region: str) -> Place:
    """What `names_of` is asked by: blanks around a name and capitals do not matter."""
    return name.strip().lower(), provider.strip().lower(), region.strip().lower()


def label_of(name: str, provider: str, region: str) -> str:
    """A name that was not found, with what was said beside it; short, and without marks of control.

    >>> label_of("gpt-4o", "", ""), label_of("gpt-4o", "Azure", "us")
    ('gpt-4o', 'gpt-4o (Azure, us)')
    """
    beside = ", ".join(filter(None, (provider.strip(), region.strip())))
    text = f"{name.strip()} ({beside})" if beside else name.strip()
    text = "".join(c for c in text if c.isprintable() and c != "\N{REPLACEMENT CHARACTER}")
    return text[:_MAX_CHARACTERS]
