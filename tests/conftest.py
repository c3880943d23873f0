"""What all tests share: on a busy machine a slow example is no failure."""

from hypothesis import settings

settings.register_profile("clearway", deadline=None)
settings.load_profile("clearway")
