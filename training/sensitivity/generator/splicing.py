"""An example put somewhere inside a longer clean prompt."""

import re
from collections.abc import Sequence
from dataclasses import replace

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.model import Example, Span

_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")


def splice(example: Example, clean_prompts: Sequence[str], seed: int) -> Example:
    """The example's text at any sentence break of a clean prompt, or at its start or end.

    Both halves of a pair land in the same place of the same prompt under the same seed.

    Args:
        example: What is put in.
        clean_prompts: At least one; their data counts as none.
        seed: The only source of chance: prompt, place and what joins them.

    Returns:
        The example with moved spans; its kind is "spliced", or "spliced_harmless" without classes.

    Raises:
        ValueError: No clean prompts.
    """
    if not clean_prompts:
        raise ValueError("no clean prompts to splice into: expected at least one text")
    rng = source(seed)
    carrier = rng.choice(clean_prompts)
    cuts = (0, len(carrier), *(match.end() for match in _BREAK.finditer(carrier)))
    cut = rng.choice(cuts)
    joint = rng.choice((" ", "\n", "\n\n"))
    before = carrier[:cut] + (joint if cut else "")
    after = (joint if cut < len(carrier) else "") + carrier[cut:]
    spans = tuple(Span(s.start + len(before), s.end + len(before), s.entity) for s in example.spans)
    kind = "spliced" if example.classes else "spliced_harmless"
    return replace(example, text=before + example.text + after, spans=spans, kind=kind)
