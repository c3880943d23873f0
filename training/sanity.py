"""Ordinary prompts that no corpus holds: does a stronger model get the higher estimate on them?

Most models were graded on mathematics only; this shows the estimates away from it. It is not accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clearway.features import FeatureSpecification
from training.dataset import FloatArray, prompt_features, stack
from training.learner import AdequacyModel

PROMPTS: Final = (
    "Hello!",
    "What is the capital of France?",
    "What year did the Berlin Wall fall?",
    "Which planet is known as the Red Planet?\nA. Venus\nB. Mars\nC. Jupiter\nD. Saturn",
    "What is 17 * 23?",
    "9.11 or 9.9: which one is bigger?",
    "A train travels 120 km in 1.5 hours. What is its average speed in km/h?",
    "Translate to German: The train leaves at eight.",
    "Write a short, polite e-mail declining a meeting invitation.",
    "Suggest three names for a bakery.",
    "Summarise the plot of Hamlet in three sentences.",
    "Explain quantum entanglement to a ten-year-old.",
    "Write a Python function that returns the n-th Fibonacci number.",
    "Fix the bug: for (int i = 0; i <= n; i++) sum += a[i];",
    "Write a SQL query for the second highest salary in each department.",
    "Design a lock-free multi-producer queue in C++ and argue its memory ordering.",
    "Metformin mainly:\nA. Raises insulin\nB. Lowers hepatic gluconeogenesis\nC. Blocks uptake\nD. Neither",
    "Under promissory estoppel, is consideration required? Answer with reference to case law.",
    "Prove that there are infinitely many primes congruent to 3 modulo 4.",
    "Let $f(x) = x^3 - 3x + 1$. Find the sum of the squares of its real roots.",
    "Find the number of triples $(a,b,c)$ of positive integers with $abc = 2^5 3^4$, $a \\le b \\le c$.",
    "Calcule la dérivée de sin(x^2).",
)
SHOWN: Final = (
    "o1-mini-2024-09-12",
    "claude-3-5-sonnet-20241022",
    "gpt-4o-2024-08-06",
    "gpt-4o-mini-2024-07-18",
    "gpt-4-1106-preview",
    "Meta-Llama-3.1-70B-Instruct",
    "claude-3-haiku-20240307",
    "Meta-Llama-3.1-8B-Instruct",
    "Mixtral-8x7B-Instruct-v0.1",
    "gemma-2-2b-it",
)
# Stronger, weaker, by common judgement and by every source that graded both.
PAIRS: Final = (
    ("claude-3-5-sonnet-20241022", "claude-3-haiku-20240307"),
    ("gpt-4o-2024-08-06", "Meta-Llama-3.1-8B-Instruct"),
    ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o-mini-2024-07-18", "Meta-Llama-3.1-8B-Instruct"),
    ("claude-3-5-sonnet-20241022", "Meta-Llama-3.1-8B-Instruct"),
    ("gemini-1.5-pro", "Meta-Llama-3.1-8B-Instruct"),
    ("mistral-large-2407", "open-mistral-nemo-2407"),
    ("gpt-4-1106-preview", "Mixtral-8x7B-Instruct-v0.1"),
    ("Meta-Llama-3.1-405B-Instruct", "Meta-Llama-3.1-70B-Instruct"),
    ("Meta-Llama-3.1-70B-Instruct", "Meta-Llama-3.1-8B-Instruct"),
    ("Qwen2.5-72B-Instruct", "Qwen2.5-3B-Instruct"),
    ("Meta-Llama-3.1-8B-Instruct", "gemma-2-2b-it"),
)


def estimates(success: AdequacyModel, specification: FeatureSpecification) -> FloatArray:
    """Success of each model on `PROMPTS`, shape (len(PROMPTS), n_models)."""
    rows = [prompt_features(prompt, specification) for prompt in PROMPTS]
    return success.predict_success(stack(rows))


def pair_report(probability: FloatArray, models: Sequence[str]) -> list[dict[str, object]]:
    """For each pair of `PAIRS` that was trained, on how many prompts the stronger is estimated higher."""
    place = {model: index for index, model in enumerate(models)}
    return [
        {
            "stronger": stronger,
            "weaker": weaker,
            "n_higher": int((probability[:, place[stronger]] > probability[:, place[weaker]]).sum()),
            "n_prompts": len(PROMPTS),
        }
        for stronger, weaker in PAIRS
        if stronger in place and weaker in place
    ]
