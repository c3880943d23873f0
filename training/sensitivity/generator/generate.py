"""Examples from templates: both halves of each pair, in many styles, framed as people ask."""

from random import Random

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.library import Split, templates
from training.sensitivity.generator.markup import Piece, Template, choose, half, joined, pieces
from training.sensitivity.generator.model import Example
from training.sensitivity.generator.slots import Draw
from training.sensitivity.generator.splicing import splice
from training.sensitivity.generator.styles import styled

HARMLESS_KINDS = ("style_harmless", "public_person", "fiction", "clean")
_KIND_WEIGHTS = {
    "pair": 56,
    "spliced": 18,
    "style_harmless": 12,
    "public_person": 5,
    "fiction": 5,
    "clean": 4,
}


def _half_example(template: Template, split: Split, seed: str, sensitive: bool, pair: str) -> Example:
    rng = source(seed)
    body = half(choose(template.body, rng), sensitive)
    draw = Draw(seed, split, template.locale)
    parts: list[Piece] = styled(list(pieces(body, draw, sensitive)), split, source(f"{seed}/style"))
    text, spans, classes = joined(parts)
    kind = template.kind if template.kind != "positive" or sensitive else "harmless_twin"
    return Example(text, classes, spans, template.id, kind, pair)


def pair(template: Template, split: Split, seed: str) -> tuple[Example, Example]:
    """Both halves of a template, equal but for what makes the first sensitive."""
    name = f"{template.id}#{seed}"
    sensitive, stand_in = (
        _half_example(template, split, seed, is_sensitive, name) for is_sensitive in (True, False)
    )
    return sensitive, stand_in


def _of_kind(split: Split, kind: str) -> list[Template]:
    return [template for template in templates(split) if template.kind == kind]


class _Deck:
    """Deals the templates of one kind so that each comes up before any comes up again."""

    def __init__(self, cards: list[Template], rng: Random) -> None:
        self._cards, self._rng, self._left = cards, rng, list[Template]()

    def deal(self) -> Template:
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()


def examples(split: Split, n: int, seed: int) -> list[Example]:
    """`n` examples of all kinds and classes; the same bytes for the same arguments.

    Args:
        split: "train" or "test": no template, frame or carrier stands in both.
        n: How many, at least 0; the halves of a pair count as two and stand side by side.
        seed: The only source of chance.

    Returns:
        The examples.
    """
    rng = source(f"{split}/{seed}")
    kinds = tuple(_KIND_WEIGHTS)
    decks = {kind: _Deck(_of_kind(split, kind), rng) for kind in HARMLESS_KINDS}
    positives = _Deck(_of_kind(split, "positive"), rng)
    carriers = _carriers(split, f"{split}/{seed}/carrier")
    found: list[Example] = []
    while len(found) < n:
        kind = rng.choices(kinds, weights=tuple(_KIND_WEIGHTS.values()))[0]
        key = f"{split}/{seed}/{len(found)}"
        if kind in decks:
            found.append(_half_example(decks[kind].deal(), split, key, True, ""))
            continue
        both = pair(positives.deal(), split, key)
        found += both if kind == "pair" else (splice(part, carriers, _stable(key)) for part in both)
    return found[:n]


def _stable(key: str) -> int:
    return source(key).getrandbits(32)


def _carriers(split: Split, seed: str) -> list[str]:
    """What examples are spliced into: each clean text, and as many texts of up to 5,000 characters."""
    rng = source(seed)
    texts = [example.text for example in _singles(split, "clean", seed)]
    pool = [example.text for example in harmless(split, seed)]
    return texts + [_long_text(pool, rng.randint(800, 5000), rng) for _ in texts]


def _long_text(texts: list[str], length: int, rng: Random) -> str:
    order = rng.sample(texts, len(texts))
    text = order[0]
    for more in order[1:]:
        if len(text) + len(more) > length:
            break
        text += "\n\n" + more
    return text


def _singles(split: Split, kind: str, seed: str) -> list[Example]:
    return [_half_example(card, split, f"{seed}/{card.id}", True, "") for card in _of_kind(split, kind)]


def harmless(split: Split, seed: str) -> list[Example]:
    """One example of each template that has no sensitive half."""
    return [example for kind in HARMLESS_KINDS for example in _singles(split, kind, seed)]


def positive(split: Split, seed: str) -> Example:
    """One sensitive example."""
    return pair(source(f"{seed}/turn").choice(_of_kind(split, "positive")), split, seed)[0]
