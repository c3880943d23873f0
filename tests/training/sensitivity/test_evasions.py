"""Disguises are reproducible and change what they say they change."""

from __future__ import annotations

from random import Random

import pytest

from training.sensitivity.evasions import EVASIONS, changes, evade, split_across

_VALUES = ("4111 1111 1111 1111", "536-90-4399", "jane.doe@example.com", "AKIAIOSFODNN7EXAMPLE")


@pytest.mark.parametrize("name", sorted(EVASIONS))
def test_same_seed_gives_the_same_disguise(name: str) -> None:
    """A trick has no other source of chance than its seed."""
    for value in _VALUES:
        assert evade(name, value, 3) == evade(name, value, 3)


@pytest.mark.parametrize("name", sorted(EVASIONS))
def test_every_trick_disguises_some_value(name: str) -> None:
    """No trick leaves all kinds of values as they are."""
    assert any(changes(name, value) for value in _VALUES)


def test_unknown_trick_is_refused() -> None:
    """A name that is no trick raises."""
    with pytest.raises(KeyError):
        evade("no_such_trick", "4111", 0)


def test_parts_of_a_split_value_hold_all_of_it() -> None:
    """Bare parts joined give the value again."""
    parts = split_across("4111 1111 1111 1111", Random(1))
    for way in ("turns_bare", "json_fields", "json_three"):
        assert "".join(parts[way]) == "4111 1111 1111 1111"
