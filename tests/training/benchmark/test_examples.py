"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from training.benchmark import curves, overlap, pairs, policies, resampling


@pytest.mark.parametrize("module", [curves, overlap, pairs, policies, resampling])
def test_examples(module: ModuleType) -> None:
    """Each prints what it says."""
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
