"""Windows, undecodable text and languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.sensitivity.reading import (
    CHUNK_CHARACTERS,
    chunks,
    is_language_unsupported,
    is_undecodable,
)

FOREIGN = [
    "Könnten Sie mir bitte erklären, warum die Rechnung vom letzten Monat noch nicht bezahlt wurde?",
    "Pourriez-vous m'expliquer pourquoi la facture du mois dernier n'a pas encore été payée ?",
    "¿Podría explicarme por qué la factura del mes pasado todavía no ha sido pagada por el cliente?",
    "Potrebbe spiegarmi perché la fattura del mese scorso non è ancora stata pagata dal cliente?",
    "Você poderia me explicar por que a fatura do mês passado ainda não foi paga pelo cliente?",
    "Kunt u mij uitleggen waarom de rekening van vorige maand nog niet is betaald door de klant?",
    "Czy może mi pan wyjaśnić, dlaczego faktura z zeszłego miesiąca nie została jeszcze opłacona?",
    "Объясните, пожалуйста, почему счёт ещё не оплачен.",
    "请解释一下为什么上个月的发票还没有付款。",
    "先月の請求書がまだ支払われていない理由を説明してください。",
    "ما سبب عدم دفع الفاتورة حتى الآن؟",
    "पिछले महीने का बिल अभी तक क्यों नहीं चुकाया गया?",
]
COVERED = [
    "Explain why the invoice of last month has not been paid yet.",
    "def f(xs: list[int]) -> int:\n    return sum(x for x in xs if x % 2)",
    "∫ \u03b1 dx + Σ βᵢ = π² / 6, so let ε > 0 and δ = ε / 2; prove that f is continuous at x.",
    "Bonjour!",
    "Translate 你好世界 into English, please.",
    "kubectl get pods -n kube-system | grep coredns | awk '{print $1}'",
    "",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_other_languages_are_noted(text: str) -> None:
    """A sentence in another language is not covered."""
    assert is_language_unsupported(text)


@pytest.mark.parametrize("text", COVERED)
def test_english_code_mathematics_and_short_texts_are_not_noted(text: str) -> None:
    """What is not clearly another language stays without a note."""
    assert not is_language_unsupported(text)


@pytest.mark.parametrize(("n_bad", "noted"), [(5, False), (6, True)])
def test_over_five_percent_of_bad_characters_is_undecodable(n_bad: int, noted: bool) -> None:
    """The edge and its neighbour."""
    assert is_undecodable("\ufffd" * n_bad + "a" * (100 - n_bad)) is noted


@given(st.integers(0, 60), st.integers(0, 200), st.sampled_from(["x", "word ", "\n"]))
def test_chunks_cover_the_text_and_stay_bounded(n_hundreds: int, rest: int, unit: str) -> None:
    """Every character is in a chunk, chunks overlap, and none is too long."""
    text = (unit * (n_hundreds * 400 + rest))[: n_hundreds * 400 + rest]
    pieces = list(chunks(text))
    reached = 0
    for start, piece in pieces:
        assert start <= reached
        assert len(piece) <= CHUNK_CHARACTERS
        assert text[start : start + len(piece)] == piece
        reached = start + len(piece)
    assert reached == len(text)


GERMAN = (
    "Der Patient klagt seit drei Wochen über starke Kopfschmerzen und schläft schlecht, "
    "deshalb wurde die Behandlung gestern umgestellt."
)


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{GERMAN}\n```",
        f"Summarise this letter for me: ```{GERMAN}",
        f"`{GERMAN}`",
        f"Please translate the following text for me and then say what it is about: {GERMAN}",
        "This is an English sentence of the kind that people write. " * 40 + f"\n{GERMAN}\n",
        "```\n患者从三周前开始头痛\n睡眠不好\n```",
    ],
)
def test_english_around_it_does_not_hide_another_language(text: str) -> None:
    """Passages are judged one by one, those between fences too."""
    assert is_language_unsupported(text)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nfor item in items:\n    if item.value > limit:\n        total += item.value * rate\n```",
        "Say `der` and `die` in a sentence, and explain when each of them is used in German.",
        "Translate to French: good morning",
    ],
)
def test_code_and_single_words_are_no_other_language(text: str) -> None:
    """Fences around code, and foreign words quoted in English, are not flagged."""
    assert not is_language_unsupported(text)
