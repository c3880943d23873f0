"""The decision core of Clearway: assess, clear, choose, record."""

from importlib.metadata import version

__version__ = version("clearway")
