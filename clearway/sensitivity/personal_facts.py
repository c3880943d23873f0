"""Facts said of a person: a condition of health, a faith, an origin, a party, an orientation."""

from __future__ import annotations

import re
from typing import Final

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.sensitivity.artifacts import words_of
from clearway.sensitivity.facts import Facts
from clearway.sensitivity.word_lists import Terms

TIMEOUT_SECONDS: Final = 5
WINDOW: Final = 160
# Endings of names of conditions, and of drugs (WHO's stems of international non-proprietary names).
_MEDICAL: Final = re.compile(
    r"[a-z]{3,}(?:itis|(?<!dipl)omas?|aemia|emia|(?<!hypn)(?<!metamorph)osis|opathy|ectomy"
    r"|algia|plegia|uria|rrh[eo]a|"
    r"statin|[aeiou]pril|sartan|(?<!contr)olol|oxetine|azepam|azolam|prazole|cillin|mycin|"
    r"floxacin|[tlrz][iu]mab|gliptin|gliflozin|"
    r"formin|triptan|setron|parin|tidine|dronate|vudine|navir|tinib|glutide|azine|idone|ap"
    r"ine|zepine|dipine|penia|triptyline|caine)s?"
)
_OTHER_WORDS_TEXT: Final = (
    "diagnosis prognosis fibrosis-free genesis emphasis basis diploma aroma osmosis symbiosis mitosis "
    "meiosis academia magazine bohemia stadia alchemia comas sarcoma-free analysis oasis hypnosis "
    "metamorphosis apotheosis photosynthesis telepathy empathy sympathy apathy antipathy premia "
    "bacteremia cocaine nostalgia glioma-like genoma idioma carcinoma-free "
)
_NOT_MEDICAL: Final = frozenset(_OTHER_WORDS_TEXT.split())
# Terms that are other words unless written in capitals.
_VERBS: Final = frozenset({"aids", "Aids"})
_OWN: Final = regex.compile(
    r"\b(?:my|our)\s+(?:\w+['\u2019]?s?\s+){0,5}$|"
    r"\bI\s+(?:have|had|got|was|am|suffer|take|tested|live|struggle)\b[^.?!\n]{0,50}$|"
    r"\bI['\u2019](?:m|ve)\b[^.?!\n]{0,50}$",
    regex.IGNORECASE,
)
_PATIENT: Final = (
    r"patients?|diagnos(?:ed|es|is)|prescribed|prescription|treated\s+for|being\s+treated|"
    r"tested\s+positive|medical\s+history|"
    r"admitted|discharged|referred|sick\s+leave|medical\s+leave|on\s+medication|pt\b|under"
    r"go(?:es|ing)|underwent"
)
_RECORD: Final = r"mrn|medical\s+record|discharge\s+summary|patient\s+id|chart"
_TIED: Final = (
    r"suffers?|suffering|is\s+on|has|had|have|takes|taking|dob|allergic|allergy|therapy|li"
    r"ves\s+with|living\s+with|recovering|"
    r"because\s+of|due\s+to|after|history\s+of"
)
_IS_RECORD: Final = regex.compile(rf"\b(?:{_RECORD})\b", regex.IGNORECASE)
_IS_PATIENT: Final = regex.compile(rf"\b(?:{_PATIENT}|{_RECORD})\b", regex.IGNORECASE)
_IS_TIED: Final = regex.compile(rf"\b(?:{_PATIENT}|{_RECORD}|{_TIED})\b", regex.IGNORECASE)
_PERSON: Final = regex.compile(
    (
        r"\b(?:he|she|his|her|him|employee|colleague|client|student|resident|mother|father|son"
        r"|daughter|wife|husband|"
        r"brother|sister|partner|tenant|worker|mr|mrs|ms)\b"
    ),
    regex.IGNORECASE,
)


# Conditions and drugs that no list knows, by the words that say so; each with words of which one occurs.
_STATED: Final = tuple(
    (frozenset(words.split()), regex.compile(pattern, regex.IGNORECASE))
    for words, pattern in (
        (
            (
                "diagnosed diagnosis dx suffers suffering suffer allergic intolerant recovering "
                "treated tested "
                "hospitalised hospitalized admitted undergo undergoes undergoing underwent operated survivor"
            ),
            (
                r"\b(?:diagnosed\s+(?:with|as)|diagnosis\s*(?::|of|is|was)|dx\s*:?|suffer(?:s|ed|ing)?\s+from"
                r"|allergic\s+to|intolerant\s+to|recovering\s+from|treated\s+for|tested\s+(?:positive|"
                r"negative)\s+for"
                r"|hospitali[sz]ed\s+(?:for|with|after)|admitted\s+(?:for|with)|under(?:go(?:es|ing)?|went)"
                r"|operated\s+on\s+for)[ \"'*]{1,5}\K\p{L}[\w'\u2019-]{3,}(?:[ ]\p{L}[\w'\u2019-]+){0,2}"
            ),
        ),
        (
            (
                "disease syndrome disorder infection deficiency surgery transplant fracture injury allergy "
                "intolerance cancer tumor tumour condition failure attack pain ache replacement dystrophy "
                "mutation implant operation biopsy symptoms ligament relapse impairment "
                "addiction inflammation broken "
                "fractured torn sprained ruptured dislocated swollen slipped amputated injured "
                "pulled pains problems"
            ),
            (
                r"\b(?!the\b|this\b|that\b|and\b|any\b|for\b|heart\sof\b)(?:\p{L}[\w'\u2019-]{3,}[ "
                r"]){1,2}(?:disease|"
                r"syndrome|disorder|infection|deficiency|surgery|transplant|fracture|allergy|"
                r"intolerance|cancer|"
                r"tumou?r|dystrophy|implant|biopsy|impairment|addiction|inflammation|relapse)s?\b"
                r"|\b(?:broken|fractured|torn|sprained|ruptured|dislocated|swollen|slipped|amputated|injured|"
                r"pulled)\s+(?:\p{L}+\s+)?(?:leg|arm|wrist|ankle|hip|knee|shoulder|rib|ribs|"
                r"collarbone|foot|hand|"
                r"finger|toe|elbow|back|neck|jaw|skull|pelvis|ligament|tendon|muscle|meniscus|"
                r"disc|hamstring)\b"
                r"|\b(?:chest|back|knee|hip|neck|abdominal|stomach|joint|pelvic|nerve|muscle|"
                r"kidney|liver|heart|"
                r"lung|bladder|skin|eye|ear|throat|bowel|brain|spinal|shoulder|head)\s+(?:pains?|"
                r"failure|attack|"
                r"ache|injury|operation|replacement|condition|mutation|problems?|trouble|symptoms)\b"
            ),
        ),
        (
            "mg mcg µg units tablets tablet pills puffs capsules iu",
            (
                r"\b\p{L}[\p{L}-]{4,}\s{1,2}\d{1,4}(?:[.,]\d+)?\s?(?:mg|mcg|µg|iu|units)\b(?!\s?/\s?(?:l|"
                r"dl|ml|kg)\b)"
            ),
        ),
    )
)
_STATED_WORDS: Final = frozenset().union(*(words for words, _ in _STATED))


class HealthRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """A condition or a treatment, scored by the words that tie it to a person.

    One's own or a relative's condition counts, as does a patient's by name or record number; an unnamed
    patient's counts for less, and a condition tied to nobody for little.

    Args:
        terms: Conditions and treatments.
    """

    def __init__(self, terms: tuple[str, ...]) -> None:
        self._terms = Terms(terms)
        super().__init__(supported_entities=["HEALTH_CONDITION"], name="HealthRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def wanted(self, facts: Facts) -> bool:
        """Whether a word begins a term, or ends as names of conditions and drugs do."""
        return (
            not self._terms.firsts.isdisjoint(facts.words)
            or not _STATED_WORDS.isdisjoint(facts.words)
            or any(map(_is_medical, facts.words))
        )

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Conditions in order."""
        artifacts = words_of(text, nlp_artifacts)
        tokens, lower, names = artifacts.words, artifacts.lemmas, artifacts.names
        spans = {(a, b) for a, b in self._terms.find(tokens, lower) if text[a:b] not in _VERBS}
        spans |= {(tokens.starts[at], tokens.ends[at]) for at, word in enumerate(lower) if _is_medical(word)}
        for words, pattern in _STATED:
            if not words.isdisjoint(lower):
                spans |= {match.span() for match in pattern.finditer(text, timeout=TIMEOUT_SECONDS)}
        return [
            RecognizerResult("HEALTH_CONDITION", start, end, _health_score(text, start, end, names))
            for start, end in sorted(spans)
        ]


def _is_medical(word: str) -> bool:
    return len(word) > 6 and word not in _NOT_MEDICAL and _MEDICAL.fullmatch(word) is not None


def _health_score(text: str, start: int, end: int, names: list[tuple[int, int]]) -> float:
    if _OWN.search(text[max(0, start - 70) : start]):
        return 0.8
    near = text[max(0, start - WINDOW) : end + WINDOW]
    low, high = start - WINDOW, end + WINDOW
    is_named = any(low <= a and b <= high and (b <= start or a >= end) for a, b in names)
    if not _IS_TIED.search(near):
        return 0.3 if is_named else 0.1
    if is_named or _IS_RECORD.search(near):
        return 0.8
    if _IS_PATIENT.search(near):
        return 0.65
    return 0.6 if _PERSON.search(near) else 0.4


_RELATION: Final = (
    r"(?:colleague|coworker|co-worker|employee|boss|manager|son|daughter|wife|husband|part"
    r"ner|brother|sister|friend|"
    r"neighbou?r|candidate|applicant|client|patient|customer|tenant|member|mother|father|s"
    r"tudent|teacher|roommate|"
    r"assistant|director|analyst|engineer|nurse|driver|worker|report|landlord|cousin|uncle"
    r"|aunt|boyfriend|girlfriend)"
)
_WHO: Final = (
    r"(?:I['\u2019]?\s?a?m|(?:my|our|the|this|that|his|her|their)\s+(?:\w+\s+){0,2}?"
    + _RELATION
    + (
        r"(?:,?\s+(?-i:[A-Z])[\w.'\u2019-]+){0,3},?\s+(?:is|was|who\s+is|has\s+been|identifies"
        r"\s+as|came\s+out\s+as)|"
        r"(?:he|she|they)(?:\s+(?:is|are|was)|['\u2019](?:s|re))|"
        r"(?-i:[A-Z])[\w.'\u2019-]+(?:\s+(?-i:[A-Z])[\w.'\u2019-]+){0,2}\s+(?:is|was|identifie"
        r"s\s+as|came\s+out\s+as|became|converted\s+to))"
    )
)
_FIELD: Final = (
    r"(?:religion|faith|ethnicity|ethnic[\s_-]+(?:origin|group|background)|race|sexual[\s_"
    r"-]+orientation|orientation|"
    r"(?:trade[\s_-]+)?union(?:[\s_-]+(?:membership|member|status))?|"
    r"political[\s_-]+(?:party|affiliation|opinions?|views?)|religious[\s_-]+(?:belief|aff"
    r"iliation|denomination)s?)"
)


class SpecialCategoryRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Faith, origin, union, politics or orientation, scored by whether it is said of someone in particular.

    Args:
        terms: Words that place a person in a protected group.
    """

    def __init__(self, terms: tuple[str, ...]) -> None:
        self._terms = Terms(terms)
        super().__init__(supported_entities=["SPECIAL_CATEGORY"], name="SpecialCategoryRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def wanted(self, facts: Facts) -> bool:
        """Whether a word begins a term, or names a field of a form."""
        return not self._terms.firsts.isdisjoint(facts.words) or not _FIELD_WORDS.isdisjoint(facts.words)

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Terms in order: surely said of someone, a form's field, or, much weaker, beside a person."""
        artifacts = words_of(text, nlp_artifacts)
        scores = {
            span: _special_score(text, *span, artifacts.names)
            for span in self._terms.find(artifacts.words, artifacts.lemmas)
        }
        if not _FIELD_WORDS.isdisjoint(artifacts.lemmas):
            fields = _IS_FIELD.finditer(text, timeout=TIMEOUT_SECONDS)
            scores.update((match.span(), 0.75) for match in fields)
        return [RecognizerResult("SPECIAL_CATEGORY", a, b, score) for (a, b), score in sorted(scores.items())]


_IS_FIELD: Final = regex.compile(
    r"(?<![^\W_])"
    + _FIELD
    + r"[\"']?[ ]{0,2}[:=|][ \"']{0,4}\K(?!null|none|string|str\b|int\b|n/a|unknown)\p{L}[\w -]{2,40}",
    regex.IGNORECASE,
)
_IS_SAID: Final = regex.compile(
    r"\b"
    + _WHO
    + r"\s+(?:(?:a|an|the|openly|practi[cs]ing|devout|observant|proud|active|registered|committed|not|very|"
    r"lifelong|long-time|strict|of|from)\s+){0,3}$",
    regex.IGNORECASE,
)
_FIELD_TEXT: Final = "religion faith ethnicity ethnic race orientation union political religious "
_FIELD_WORDS: Final = frozenset(_FIELD_TEXT.split())


def _special_score(text: str, start: int, end: int, names: list[tuple[int, int]]) -> float:
    if _IS_SAID.search(text[max(0, start - 120) : start]):
        return 0.75
    low, high = start - WINDOW, end + WINDOW
    if any(low <= a and b <= high and (b <= start or a >= end) for a, b in names):
        return 0.5
    near = text[max(0, start - WINDOW) : end + WINDOW]
    return 0.4 if _OWN.search(text[max(0, start - 70) : start]) or _PERSON.search(near) else 0.1
