"""Examples from templates: both halves of each pair, in many styles, framed as the prompts that people send."""

from random import Random

from training.sensitivity.generator.library import Split, templates
from training.sensitivity.generator.markup import Piece, Template, choose, half, joined, pieces
from training.sensitivity.generator.model import Example
from training.sensitivity.generator.slots import Draw
from training.sensitivity.generator.splicing import splice
from training.sensitivity.generator.styles import styled

_KIND_WEIGHTS = {"pair": 62, "spliced": 18, "style_harmless": 6, "public_person": 5, "fiction": 5, "clean": 4}


def _half_example(template: Template, split: Split, seed: str, sensitive: bool, pair: str) -> Example:
    rng = Random(seed)
    body = half(choose(template.body, rng), sensitive)
    draw = Draw(seed, split, template.locale)
    parts: list[Piece] = styled(list(pieces(body, draw, sensitive)), split, Random(f"{seed}/style"))
    text, spans, classes = joined(parts)
    kind = template.kind if template.kind != "positive" or sensitive else "harmless_twin"
    return Example(text, classes, spans, template.id, kind, pair)


def pair(template: Template, split: Split, seed: str) -> tuple[Example, Example]:
    """Both halves of a template, equal but for what makes the first sensitive."""
    name = f"{template.id}#{seed}"
    return tuple(_half_example(template, split, seed, sensitive, name) for sensitive in (True, False))  # type: ignore[return-value]


def _positives(split: Split) -> list[Template]:
    return [template for template in templates(split) if template.kind == "positive"]


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
    rng = Random(f"{split}/{seed}")
    kinds = tuple(_KIND_WEIGHTS)
    decks = {kind: _Deck(_of_kind(split, kind), rng) for kind in kinds[2:]}
    positives = _Deck(_positives(split), rng)
    carriers = clean_texts(split, f"{split}/{seed}/carrier")
    found: list[Example] = []
    while len(found) < n:
        kind = rng.choices(kinds, weights=tuple(_KIND_WEIGHTS.values()))[0]
        key = f"{split}/{seed}/{len(found)}"
        if kind in decks:
            found.append(_half_example(decks[kind].deal(), split, key, True, ""))
            continue
        both = pair(positives.deal(), split, key)
        found += both if kind == "pair" else (splice(half_, carriers, _stable(key)) for half_ in both)
    return found[:n]


def _stable(key: str) -> int:
    return Random(key).getrandbits(32)


def clean_texts(split: Split, seed: str) -> list[str]:
    """One text from each clean template of a split."""
    return [
        _half_example(card, split, f"{seed}/{card.id}", True, "").text for card in _of_kind(split, "clean")
    ]


def pair_or_single(split: Split, seed: str, sensitive: bool) -> Example:
    """A positive example, or any one that is harmless."""
    rng = Random(f"{seed}/turn")
    if sensitive:
        return pair(rng.choice(_positives(split)), split, seed)[0]
    harmless = [template for template in templates(split) if template.kind != "positive"]
    if rng.random() < 0.5:
        return _half_example(rng.choice(harmless), split, seed, True, "")
    return pair(rng.choice(_positives(split)), split, seed)[1]
