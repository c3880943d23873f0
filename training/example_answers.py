"""Graded answers made up from word lists: something to learn from where there are no corpora.

Nothing here was asked of a model. The questions, the four models and their grades are synthetic: they show
how the tools are used, and nothing about real models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from training.answer_table import COLUMNS
from training.benchmark.prices import Prices
from training.corpora import check_answers
from training.dataset import FloatArray
from training.prompt_key import prompt_key

# `example_exact` is graded 0 or 1, `example_judged` in tenths; half of their questions are the same.
SOURCES: Final = ("example_exact", "example_judged")
_JUDGED_PREFIX: Final = "Answer briefly. "
# Of the demand of questions with one template, in log odds: some are harder, for every model alike.
_QUESTION_SPREAD: Final = 1.0
_JUDGE_SPREAD: Final = 0.2
_CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True)
class _Model:
    """A made-up model.

    Attributes:
        skill: Of each kind of question, in log odds.
        prices: US dollars per million tokens of input and of output.
        verbosity: Length of its answers, 1 is usual.
    """

    skill: Mapping[str, float]
    prices: tuple[float, float]
    verbosity: float


_MODELS: Final = MappingProxyType(
    {
        "example-small": _Model(
            {"arithmetic": -1.0, "choice": 0.6, "code": -1.0, "facts": 2.0}, (0.1, 0.4), 0.8
        ),
        "example-medium": _Model(
            {"arithmetic": 1.4, "choice": 1.9, "code": 0.2, "facts": 2.0}, (0.5, 2.0), 1.0
        ),
        "example-large": _Model(
            {"arithmetic": 3.4, "choice": 3.0, "code": 1.2, "facts": 3.0}, (3.0, 15.0), 1.3
        ),
        "example-coder": _Model(
            {"arithmetic": 0.6, "choice": -0.6, "code": 3.4, "facts": -0.6}, (0.6, 2.4), 1.1
        ),
    }
)
# By kind: text with slots, and what it demands in log odds.
_TEMPLATES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "arithmetic": {
            "{name} has {few} {thing} and buys {few} more. How many {thing} does {name} have?": -1.5,
            "A box holds {few} {thing}. How many {thing} do {some} boxes hold?": -0.7,
            "{name} sells {some} {thing} a day for {few} dollars each. What comes in over {some} days?": 1.0,
            "{name} pays {many} dollars for {some} {thing} and loses {few} percent. What is left?": 1.8,
            "Tanks of {many} and {some} litres lose {few} litres an hour. When do they hold the same?": 3.0,
        },
        "choice": {
            "Which of these is a {class}? (A) {thing} (B) {country} (C) {subject} (D) none of them": -1.2,
            "Does {subject} deal with {topic}? (A) often (B) seldom (C) never": -0.4,
            "What is true of {topic}? (A) it falls with temperature (B) it rises with it (C) neither": 1.4,
            "In {subject}, what does a proof about {topic} assume? (A) continuity (B) independence": 2.8,
        },
        "code": {
            "Write a {language} function that returns the length of a list of {thing}.": -1.5,
            "Write a {language} function that reverses a list of {thing}.": -0.8,
            "Write a {language} function that counts the {thing} in a CSV file by {field}.": 0.6,
            "Find the defect: `for i in range(len(x)): x.pop(i)`, where x holds {thing} by {field}.": 1.2,
            "Write a {language} queue of {thing} that several threads may use without locks.": 2.8,
        },
        "facts": {
            "What is the capital of {country}?": -2.0,
            "Which language do most people in {country} speak?": -1.2,
            "Name a river in {country}.": -0.6,
            "Which {subject} prize went to a scientist from {country} in {year}?": 2.0,
            "How many people lived in the second largest city of {country} in {year}?": 2.8,
        },
    }
)
_OUTPUT_TOKENS: Final = MappingProxyType({"arithmetic": 120, "choice": 60, "code": 240, "facts": 25})
_WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "name": ("Ana", "Bilal", "Chen", "Dora", "Emeka", "Farah", "Goran", "Hana", "Ivo", "Jun"),
        "thing": ("apples", "books", "candles", "lamps", "maps", "pencils", "seeds", "tickets", "tiles"),
        "few": tuple(str(number) for number in range(2, 13)),
        "some": tuple(str(number) for number in range(14, 60)),
        "many": tuple(str(number) for number in range(240, 990, 7)),
        "class": ("plant", "metal", "tool", "planet", "colour", "fruit", "bird"),
        "subject": ("biology", "chemistry", "economics", "geology", "physics", "statistics"),
        "topic": ("diffusion", "entropy", "friction", "inflation", "mutation", "sampling", "viscosity"),
        "language": ("Go", "Java", "Python", "Rust", "TypeScript"),
        "field": ("city", "day", "name", "owner", "price"),
        "country": (
            "Brazil",
            "Chile",
            "Egypt",
            "Finland",
            "Ghana",
            "India",
            "Japan",
            "Kenya",
            "Laos",
            "Mexico",
            "Nepal",
            "Oman",
            "Peru",
            "Spain",
            "Turkey",
        ),
        "year": tuple(str(year) for year in range(1952, 2012)),
    }
)
EXAMPLE_PRICES: Final = Prices({name: model.prices for name, model in _MODELS.items()})


@dataclass(frozen=True)
class _Question:
    """A question, and what it demands, in log odds."""

    text: str
    kind: str
    demand: float


def example_answers(n_prompts: int = 300, *, seed: int = 0) -> pd.DataFrame:
    """Graded answers of four made-up models to prompts of two made-up sources.

    Synthetic: the grades follow from a skill of each model and a demand of each question, and say nothing
    about real models.

    Args:
        n_prompts: Of each source, at least 1; half of the second one's questions are the first one's.
        seed: Of everything that is drawn: the same seed, the same table.

    Returns:
        As from `corpora.read_answers`: a row for each prompt and model.

    Raises:
        TrainingDataError: No prompt was asked for.
    """
    generator = np.random.default_rng(seed)
    questions = [_question(generator) for _ in range(n_prompts + n_prompts // 2)]
    asked = {SOURCES[0]: questions[:n_prompts], SOURCES[1]: questions[-n_prompts:] if n_prompts > 0 else []}
    rows: list[dict[str, Any]] = []
    for source, members in asked.items():
        for number, question in enumerate(members):
            rows += _answers(source, f"{source}-{number:05}", question, generator)
    return check_answers(pd.DataFrame(rows, columns=list(COLUMNS)))


def _question(generator: np.random.Generator) -> _Question:
    kind = str(generator.choice(list(_TEMPLATES)))
    template = str(generator.choice(list(_TEMPLATES[kind])))
    demand = _TEMPLATES[kind][template]
    words = {slot: str(generator.choice(known)) for slot, known in _WORDS.items()}
    return _Question(
        template.format_map(words), kind, demand + _QUESTION_SPREAD * generator.standard_normal()
    )


def _answers(
    source: str, prompt_id: str, question: _Question, generator: np.random.Generator
) -> list[dict[str, Any]]:
    """The rows of one prompt, a model each."""
    is_judged = source == SOURCES[1]
    prompt = _JUDGED_PREFIX + question.text if is_judged else question.text
    n_input = -(-len(prompt) // _CHARACTERS_PER_TOKEN)
    chances = _chances(question)
    scores = _judged(chances, generator) if is_judged else generator.random(len(chances)) < chances
    rows = []
    for (name, model), score in zip(_MODELS.items(), scores, strict=True):
        usual = _OUTPUT_TOKENS[question.kind] * model.verbosity
        n_output = 1 + round(usual * float(generator.lognormal(0.0, 0.3)))
        rows.append(
            {
                "source": source,
                "prompt_id": prompt_id,
                "prompt_key": prompt_key(question.text),
                "prompt": prompt,
                "category": question.kind,
                "model": name,
                "model_canonical": name,
                "score": float(score),
                "input_tokens": n_input,
                "output_tokens": n_output,
                "cost_usd": (n_input * model.prices[0] + n_output * model.prices[1]) / 1e6,
            }
        )
    return rows


def _chances(question: _Question) -> FloatArray:
    """Chance of each model to answer well."""
    skills = np.array([model.skill[question.kind] for model in _MODELS.values()])
    chances: FloatArray = 1 / (1 + np.exp(question.demand - skills))
    return chances


def _judged(chances: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Grades in tenths of a judge who is not always right."""
    noise = _JUDGE_SPREAD * generator.standard_normal(len(chances))
    return np.clip(np.round(chances + noise, 1), 0.0, 1.0)
