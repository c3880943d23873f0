"""The one place where the generator gets its random sources."""

from random import Random


def source(seed: str | int) -> Random:
    """A source of chance that gives the same draws for the same seed; never used for security."""
    return Random(seed)  # noqa: S311 - reproducible text, no secret
