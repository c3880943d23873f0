"""Generated prompts with gold: sensitive ones, their harmless twins, and what only looks alike."""

from training.sensitivity.generator.generate import examples
from training.sensitivity.generator.model import Example, Session, Span
from training.sensitivity.generator.sessions import sessions
from training.sensitivity.generator.splicing import splice

__all__ = ["Example", "Session", "Span", "examples", "sessions", "splice"]
