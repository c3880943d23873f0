"""Learns the classifiers from graded answers, and measures them."""

from typing import Final

DEFAULT_NAME: Final = "clearway-complexity"
