"""How a prompt is written: some forty integer measures, and waves of them, which a linear model can use.

Length, form of the question, options, numbers, symbols, vocabulary. Case and runs of blanks are taken away
first, so that the same question typed otherwise measures the same. Integers only, as in `features`.

The waves are random Fourier features: a linear model on them is a smooth function of all measures together.
Directions come from SHAKE-256 of a fixed text, so that they are the same everywhere and in every release.

References:
    Rahimi, Recht (2007), "Random features for large-scale kernel machines", section 3; structured directions
    as in Yu et al. (2016), "Orthogonal random features", section 4.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clearway.errors import BundleError

IntArray = NDArray[np.int64]

# A measure is a logarithm or a share in 64ths.
UNIT: Final = 64
_BITS = 2**60
# A standardised measure is held in 256ths of a standard deviation and kept within three of them.
Z_UNIT: Final = 256
Z_LIMIT: Final = 3 * Z_UNIT
# How far one measure can carry a prompt away from the training prompts.
FAR_LIMIT: Final = 16 * Z_UNIT
SCALE_BITS: Final = 16
MAX_SCALE: Final = 2**26
MAX_CENTER: Final = 2**20
N_WAVES: Final = 1024
# Amplitude of a wave; a model's weights carry the rest of the scale.
WAVE_NORM: Final = 2**12
_TURN_BITS: Final = 20
_TABLE_BITS: Final = 10
# Standard deviation of the directions, in 2**-20 turns for each 256th of a standard deviation: the kernel's
# width is the root of half the number of measures.
_WAVE_SCALE: Final = 144
_BLOCK_BITS: Final = 6

_BLANKS = re.compile(rb"[ \t\x0b\x0c\r]+")
_NEWLINES = re.compile(rb" ?(?:\n ?)+")
_OPTION = re.compile(rb"\n\(?[a-j1-9][.):] ")
_WORD = re.compile(rb"[a-z\x80-\xff]+")
_NUMBER = re.compile(rb"[0-9]{1,16}(?:\.[0-9]{1,16})?")
_SENTENCE_END = re.compile(rb"[.!?](?= |\n|$)")
_OTHER_THAN_LETTERS = bytes(byte for byte in range(256) if not (97 <= byte <= 122 or byte >= 128))
_DIGITS = b"0123456789"
_MATHS, _CODE, _LATEX = b"=+*/^<>|~", b"{}[];_#`", b"\\$"
_BRACKETS, _QUOTES = b"(),", b'"'

MEASURES: Final = (
    "length",
    "question_length",
    "lines",
    "options",
    "longest_option",
    "shortest_option",
    "options_length",
    "numeric_options",
    "digits",
    "maths",
    "code",
    "latex",
    "brackets",
    "quotes",
    "apostrophes",
    "hyphens",
    "not_ascii",
    "numbers",
    "distinct_numbers",
    "decimals",
    "longest_number",
    "word_length",
    "long_words",
    "short_words",
    "distinct_words",
    "sentence_length",
    "sentences",
    "commas",
    "questions",
    "ends_in_question",
    "ends_in_stop",
    "ends_in_colon",
    "blank_to_fill",
    "percent",
    "money",
    "statements",
    "all_or_none",
    "messages",
    "tools",
    "system",
    "unknown_words",
)
N_MEASURES: Final = len(MEASURES)


def log2_64(numerator: int, denominator: int = 1) -> int:
    """64 * log2(numerator / denominator), rounded down, by repeated squaring of integers."""
    whole = 0
    value = numerator * _BITS // denominator
    while value >= 2 * _BITS:
        value //= 2
        whole += 1
    for _ in range(6):
        value = value * value // _BITS
        whole *= 2
        if value >= 2 * _BITS:
            value //= 2
            whole += 1
    return whole


_LOGS: Final = tuple(log2_64(1 + n) for n in range(4096))


def log_count(count: int) -> int:
    """64 * log2(1 + count), rounded down; a table for small counts."""
    return _LOGS[count] if count < len(_LOGS) else log2_64(1 + count)


@dataclass(frozen=True)
class StyleSpecification:
    """Centre and scale of each measure, learned from the training prompts.

    Attributes:
        center: Mean of each measure, in its own unit.
        scale: 2**16 * 256 / standard deviation of each measure; 0 where it does not vary.
    """

    center: tuple[int, ...] = (0,) * N_MEASURES
    scale: tuple[int, ...] = (0,) * N_MEASURES
    _center: IntArray = field(init=False, repr=False, compare=False)
    _scale: IntArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, values, limit in (("center", self.center, MAX_CENTER), ("scale", self.scale, MAX_SCALE)):
            if len(values) != N_MEASURES:
                raise BundleError(f"style.{name}: expected {N_MEASURES} integers, got {len(values)}")
            if not all(type(value) is int and 0 <= value <= limit for value in values):
                raise BundleError(f"style.{name}: expected integers from 0 to {limit}, got another value")
        object.__setattr__(self, "_center", np.array(self.center, dtype=np.int64))
        object.__setattr__(self, "_scale", np.array(self.scale, dtype=np.int64))

    def standardise(self, measures: Sequence[int]) -> IntArray:
        """Measures in 256ths of a standard deviation from the mean, within three; shape (N_MEASURES,)."""
        standardised: IntArray = np.clip(self._deviations(measures), -Z_LIMIT, Z_LIMIT)
        return standardised

    def distance(self, measures: Sequence[int]) -> int:
        """Sum of the squared deviations, each within sixteen standard deviations, in 2**-16."""
        far = np.clip(self._deviations(measures), -FAR_LIMIT, FAR_LIMIT)
        return int(far @ far)

    def never_varied(self, name: str) -> bool:
        """Whether all training prompts had the same value of a measure."""
        return self.scale[MEASURES.index(name)] == 0

    def _deviations(self, measures: Sequence[int]) -> IntArray:
        centred = np.array(measures, dtype=np.int64) - self._center
        deviations: IntArray = (centred * self._scale) >> SCALE_BITS
        return deviations


def waves(standardised: IntArray) -> IntArray:
    """Cosines of fixed random directions, in 2**-12.

    Args:
        standardised: Shape (N_MEASURES,), from `StyleSpecification.standardise`.

    Returns:
        Shape (N_WAVES,), in [-WAVE_NORM, WAVE_NORM].
    """
    # Products and sums are whole numbers below 2**53, so that floating point is exact in any order.
    turns = (standardised.astype(np.float64) @ _DIRECTIONS).astype(np.int64) + _PHASES
    heights: IntArray = _COSINES[(turns >> (_TURN_BITS - _TABLE_BITS)) & (2**_TABLE_BITS - 1)]
    return heights


def plain(text: bytes) -> bytes:
    """Lower-cased ASCII; runs of blanks as one blank, of newlines as one newline; none at the ends."""
    return _NEWLINES.sub(b"\n", _BLANKS.sub(b" ", text.lower())).strip()


def measure(
    text: bytes, *, n_messages: int, has_tools: bool, has_system: bool, unknown_words: int
) -> list[int]:
    """The measures of a text, in the order of `MEASURES`.

    Args:
        text: From `plain`.
        n_messages: In the conversation, at least 0.
        has_tools: Whether the request offers tools.
        has_system: Whether a system message stands before it.
        unknown_words: Share of its words that the training prompts do not have, in 64ths.
    """
    head, options = _options(text)
    words = _WORD.findall(text)
    numbers = _NUMBER.findall(text)
    sizes = [len(option) for option in options] or [0]
    numeric = sum(
        option[:1] in (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"-", b"$")
        for option in options
    )
    n_sentences = len(_SENTENCE_END.findall(head)) or 1
    return [
        log_count(len(text)),
        log_count(len(head)),
        log_count(text.count(b"\n")),
        log_count(len(options)),
        log_count(max(sizes)),
        log_count(min(sizes)),
        log_count(sum(sizes)),
        share(numeric, len(options)),
        *_symbol_shares(text),
        log_count(len(numbers)),
        log_count(len(set(numbers))),
        log_count(sum(b"." in number for number in numbers)),
        log_count(max(map(len, numbers), default=0)),
        *_word_shares(words),
        log_count(len(words) // n_sentences),
        log_count(n_sentences),
        share(text.count(b","), len(words)),
        log_count(text.count(b"?")),
        *_form(text, head),
        log_count(n_messages),
        UNIT * has_tools,
        UNIT * has_system,
        unknown_words,
    ]


def _options(text: bytes) -> tuple[bytes, list[bytes]]:
    """The text before the options of a multiple-choice question, and the options."""
    marks = [(found.start(), found.end()) for found in _OPTION.finditer(text)]
    if not marks:
        return text, []
    ends = [text.find(b"\n", end) for _, end in marks]
    options = [text[mark[1] : end if end >= 0 else None] for mark, end in zip(marks, ends, strict=True)]
    return text[: marks[0][0]], options


def _symbol_shares(text: bytes) -> list[int]:
    size = len(text)
    counts = [
        size - len(text.translate(None, group)) for group in (_DIGITS, _MATHS, _CODE, _LATEX, _BRACKETS)
    ]
    counts += [text.count(mark) for mark in (_QUOTES, b"'", b"-")]
    counts.append(size - len(text.translate(None, bytes(range(128, 256)))))
    return [log_count(1024 * count // max(size, 1)) for count in counts]


def _word_shares(words: Sequence[bytes]) -> list[int]:
    n = len(words)
    lengths = [len(word) for word in words]
    return [
        share(sum(lengths), n),
        share(sum(length > 8 for length in lengths), n),
        share(sum(length < 4 for length in lengths), n),
        share(len(set(words)), n),
    ]


def _form(text: bytes, head: bytes) -> list[int]:
    question = head.rstrip()
    holds = (
        question.endswith(b"?"),
        question.endswith(b"."),
        question.endswith(b":"),
        b"___" in text,
        b"%" in text,
        b"$" in text,
        b"statement" in text,
        b"all of the above" in text or b"none of" in text,
    )
    return [UNIT * fact for fact in holds]


def share(count: int, whole: int) -> int:
    """Share of a whole in 64ths, rounded down; 0 of nothing."""
    return UNIT * count // max(whole, 1)


def _directions() -> tuple[NDArray[np.float64], IntArray]:
    """Nearly orthogonal, nearly normal directions, and uniform phases; whole numbers all."""
    size = 2**_BLOCK_BITS
    hadamard = np.array([[1]], dtype=np.int64)
    for _ in range(_BLOCK_BITS):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    n_blocks = N_WAVES // size
    stream = hashlib.shake_256(b"clearway style waves").digest(3 * N_WAVES + 4 * N_WAVES)
    signs = 1 - 2 * (np.frombuffer(stream[: 3 * N_WAVES], dtype=np.uint8).astype(np.int64) & 1)
    blocks = []
    for first, second, third in signs.reshape(n_blocks, 3, size):
        blocks.append(hadamard @ (third[:, None] * (hadamard @ (second[:, None] * (hadamard * first)))))
    directions = (np.vstack(blocks)[:, :N_MEASURES].T * _WAVE_SCALE) >> _BLOCK_BITS
    phases = np.frombuffer(stream[3 * N_WAVES :], dtype="<u4").astype(np.int64) & (2**_TURN_BITS - 1)
    return directions.astype(np.float64), phases


def _cosines() -> IntArray:
    """One turn in 1,024 steps, by the recurrence of Chebyshev in integers of 2**-60: no CPU's cosine."""
    # cos(2 pi / 1024), sin(2 pi / 1024) to 60 bits.
    cosine, sine = 1152899801185339687, 7074193361797233
    x, y = _BITS, 0
    values = []
    for _ in range(2**_TABLE_BITS):
        values.append((x * WAVE_NORM + _BITS // 2) // _BITS)
        x, y = (x * cosine - y * sine) // _BITS, (x * sine + y * cosine) // _BITS
    return np.array(values, dtype=np.int64)


_DIRECTIONS, _PHASES = _directions()
_COSINES: Final = _cosines()
