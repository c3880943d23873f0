"""From a conversation to integers: the one featuriser of training and serving.

Everything is integer arithmetic over UTF-8 bytes, so that the same text gives the same features on any CPU,
thread count, locale and Unicode database (invariant 4). The text never enters the ONNX graph.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isqrt
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from clearway import style
from clearway.address import matter
from clearway.errors import BundleError
from clearway.request import Part
from clearway.style import UNIT, IntArray, StyleSpecification
from clearway.token_estimate import estimate_tokens

SCHEMA_VERSION: Final = 2
N_HASHED: Final = 2**15
# Length of the hashed part of a feature vector.
NORM: Final = 2**12
IDF_ONE: Final = 2**6
MAX_IDF: Final = 2**10
# Weight of a slot that tells nothing.
UNSEEN_IDF: Final = 1
# Words are known by the last bits of their checksum.
VOCABULARY_BITS: Final = 18

# Characters read, head and tail, of the last user turn and of everything else: 20,000 in total.
FOCUS_HEAD, FOCUS_TAIL = 8_000, 4_000
REST_HEAD, REST_TAIL = 4_000, 4_000
TRUNCATED_NOTE: Final = "truncated_complexity"
OUTSIDE_NOTE: Final = "outside_training"

# How much one occurrence counts, in quarters: the last user turn most, then what the user said before.
_FOCUS_WEIGHT, _USER_WEIGHT, _OTHER_WEIGHT = 4, 2, 1
_MAX_COUNT = 255
_FIRST_MESSAGE = re.compile(r"messages\[(\d+)\]")
_READ_SETTINGS = frozenset({"tools", "functions", "response_format"})

# A CJK or Hangul character; a word (ASCII letters are lower-cased, all else kept); a number; a LaTeX command.
_TOKEN = re.compile(rb"[\xe3-\xed][\x80-\xbf]{2}|[a-z\x80-\xff]{1,32}|[0-9]{1,16}|\\[a-z]{1,16}")

# Distances (sums of squared standard deviations) are kept below this.
MAX_DISTANCE: Final = style.N_MEASURES * style.FAR_LIMIT**2
# 64 * log2(1 + count / 4) for counts in quarters, rounded down.
_LOG_TABLE: Final = np.array([style.log2_64(4 + n, 4) for n in range(_MAX_COUNT + 1)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Features:
    """Integer features of one conversation.

    Attributes:
        ids: Shape (k,), int64; hashed slots, strictly increasing, in [0, N_HASHED).
        values: Shape (k,), int64; in [1, NORM].
        waves: Shape (style.N_WAVES,), int64; in [-style.WAVE_NORM, style.WAVE_NORM].
        n_input_tokens: Estimated tokens of the whole conversation, whatever was cut; at least 1.
        notes: `truncated_complexity` where text was cut; `outside_training` where the prompt is written
            unlike all but one in a thousand of the training prompts, says nothing, or offers tools when no
            training prompt did.
    """

    ids: IntArray
    values: IntArray
    waves: IntArray
    n_input_tokens: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of a conversation before anything learned is known.

    Attributes:
        counts: Hashed slot to occurrences, in quarters.
        words: Checksum of each word of the last user turn, in order.
        focus: The last user turn, from `style.plain` and `address.matter`.
        n_messages: In the conversation.
        has_tools: Whether the request offers tools.
        has_system: Whether it has a system or developer message.
        n_input_tokens: Estimated, of everything.
        is_cut: Whether text was left out.
    """

    counts: dict[int, int]
    words: list[int]
    focus: bytes
    n_messages: int
    has_tools: bool
    has_system: bool
    n_input_tokens: int
    is_cut: bool


@dataclass(frozen=True)
class FeatureSpecification:
    """What the featuriser must know, learned from the training prompts.

    Attributes:
        idf: Weight of each hashed slot, in [1, MAX_IDF]; `IDF_ONE` is 1.
        style: Centre and scale of the style measures.
        vocabulary: Bits of the words that at least two training prompts have, by checksum.
        max_distance: Largest sum of squared standardised measures, in 2**-16, that is still like training.
        max_unknown: Largest share of unknown words, in 64ths, that is still like training.
    """

    idf: tuple[int, ...] = field(default=(IDF_ONE,) * N_HASHED, repr=False)
    style: StyleSpecification = field(default=StyleSpecification(), repr=False)
    vocabulary: bytes = field(default=b"\xff" * (2**VOCABULARY_BITS // 8), repr=False)
    max_distance: int = MAX_DISTANCE
    max_unknown: int = UNIT

    def __post_init__(self) -> None:
        if len(self.idf) != N_HASHED:
            raise BundleError(f"idf: expected {N_HASHED} integers, got {len(self.idf)}")
        if not all(type(weight) is int and 1 <= weight <= MAX_IDF for weight in self.idf):
            raise BundleError(f"idf: expected integers from 1 to {MAX_IDF}, got another value")
        if len(self.vocabulary) * 8 != 2**VOCABULARY_BITS:
            raise BundleError(
                f"vocabulary: expected {2**VOCABULARY_BITS} bits, got {len(self.vocabulary) * 8}"
            )
        for name, limit in (("max_distance", MAX_DISTANCE), ("max_unknown", UNIT)):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= limit:
                raise BundleError(f"{name}: expected an integer from 0 to {limit}, got another value")

    @cached_property
    def idf_array(self) -> IntArray:
        """Shape (N_HASHED,); the weights for arithmetic."""
        return np.array(self.idf, dtype=np.int64)

    @cached_property
    def known(self) -> NDArray[np.uint8]:
        """Shape (2**VOCABULARY_BITS,); 1 for each checksum of a known word."""
        return np.unpackbits(np.frombuffer(self.vocabulary, dtype=np.uint8))

    def to_json(self) -> bytes:
        """Canonical bytes, as in `features.json`."""
        value = {
            "schema_version": SCHEMA_VERSION,
            "n_hashed": N_HASHED,
            "measures": list(style.MEASURES),
            "n_waves": style.N_WAVES,
            "idf": list(self.idf),
            "center": list(self.style.center),
            "scale": list(self.style.scale),
            "max_distance": self.max_distance,
            "max_unknown": self.max_unknown,
            "vocabulary": self.vocabulary.hex(),
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> FeatureSpecification:
        """Specification of the bytes.

        Raises:
            BundleError: Not JSON, or made for a featuriser with another layout.
        """
        try:
            value: Any = json.loads(data)
        except (ValueError, RecursionError):
            raise BundleError("features.json: expected JSON, got something else") from None
        expected = json.loads(cls().to_json())
        if not isinstance(value, dict) or set(value) != set(expected):
            raise BundleError(f"features.json: expected an object with {', '.join(sorted(expected))}")
        for name in ("schema_version", "n_hashed", "measures", "n_waves"):
            if value[name] != expected[name]:
                raise BundleError(
                    f"features.json: {name} differs from this release's featuriser; train the bundle again"
                )
        for name in ("idf", "center", "scale"):
            if not isinstance(value[name], list):
                raise BundleError(f"features.json: {name}: expected a list of integers")
        form = StyleSpecification(tuple(value["center"]), tuple(value["scale"]))
        try:
            vocabulary = bytes.fromhex(value["vocabulary"])
        except (TypeError, ValueError):
            raise BundleError("features.json: vocabulary: expected hexadecimal digits") from None
        return cls(tuple(value["idf"]), form, vocabulary, value["max_distance"], value["max_unknown"])

    @property
    def digest(self) -> str:
        """SHA-256 of `to_json`, hex."""
        return hashlib.sha256(self.to_json()).hexdigest()


def featurise(parts: Sequence[Part], specification: FeatureSpecification) -> Features:
    """Integer features of a conversation; linear in its length, and bounded after 20,000 characters.

    Reads the messages, the tools and the response format; other settings hold nothing about difficulty.

    Args:
        parts: The texts of a request, in order.
        specification: What was learned from the training prompts.
    """
    return weigh(read(parts), specification)


def read(parts: Sequence[Part]) -> Reading:
    """Counts and plain text of a conversation: the part of `featurise` that needs nothing learned."""
    focus, user, other = _split(parts)
    focus_bytes, cut_focus = _clip(focus, FOCUS_HEAD, FOCUS_TAIL)
    # The rest shares one allowance; what the user said before goes first.
    user_bytes, cut_user = _clip(user, REST_HEAD // 2, REST_TAIL // 2)
    other_bytes, cut_other = _clip(other, REST_HEAD // 2, REST_TAIL // 2)
    counts: dict[int, int] = {}
    said = matter(style.plain(focus_bytes))
    words = _count(said, _FOCUS_WEIGHT, counts)
    _count(user_bytes.lower(), _USER_WEIGHT, counts)
    _count(other_bytes.lower(), _OTHER_WEIGHT, counts)
    return Reading(
        counts=counts,
        words=words,
        focus=said,
        n_messages=len({_message_index(part) for part in parts if part.role != "setting"}),
        has_tools=any(part.path in ("tools", "functions") for part in parts),
        has_system=any(part.role in ("system", "developer") for part in parts),
        n_input_tokens=estimate_tokens(part.text for part in parts),
        is_cut=cut_focus or cut_user or cut_other,
    )


def weigh(reading: Reading, specification: FeatureSpecification) -> Features:
    """Features of a reading: the part of `featurise` that needs what was learned."""
    ids, values = _weigh(reading.counts, specification.idf_array)
    measures = measure(reading, specification.known)
    standardised = specification.style.standardise(measures)
    is_outside = (
        not reading.words
        or specification.style.distance(measures) > specification.max_distance
        or measures[-1] > specification.max_unknown
        or (reading.has_tools and specification.style.never_varied("tools"))
    )
    notes = ((TRUNCATED_NOTE, reading.is_cut), (OUTSIDE_NOTE, is_outside))
    return Features(
        ids=ids,
        values=values,
        waves=style.waves(standardised),
        n_input_tokens=reading.n_input_tokens,
        notes=tuple(note for note, holds in notes if holds),
    )


def measure(reading: Reading, known: NDArray[np.uint8]) -> list[int]:
    """Style measures of a reading, in the order of `style.MEASURES`.

    Args:
        reading: From `read`.
        known: `FeatureSpecification.known`.
    """
    places = np.array(reading.words, dtype=np.int64) & (2**VOCABULARY_BITS - 1)
    n_unknown = len(places) - int(known[places].sum(dtype=np.int64))
    return style.measure(
        reading.focus,
        n_messages=reading.n_messages,
        has_tools=reading.has_tools,
        has_system=reading.has_system,
        unknown_words=style.share(n_unknown, len(places)),
    )


def _split(parts: Sequence[Part]) -> tuple[list[str], list[str], list[str]]:
    """Texts of the last user turn, of earlier user turns, of everything else that is read."""
    turns = [_message_index(part) if part.role == "user" else -1 for part in parts]
    last = max(turns, default=-1)
    focus: list[str] = []
    user: list[str] = []
    other: list[str] = []
    for part, turn in zip(parts, turns, strict=True):
        if part.role == "setting":
            if part.path in _READ_SETTINGS:
                other.append(part.text)
        elif turn < 0:
            other.append(part.text)
        else:
            (focus if turn == last else user).append(part.text)
    return focus, user, other


def _message_index(part: Part) -> int:
    found = _FIRST_MESSAGE.match(part.path)
    return int(found.group(1)) if found else 0


def _clip(texts: Sequence[str], head: int, tail: int) -> tuple[bytes, bool]:
    """UTF-8 of the joined texts, or of the first and last characters where they are longer."""
    text = "\n".join(texts)
    is_cut = len(text) > head + tail
    if is_cut:
        text = text[:head] + "\n" + text[-tail:]
    return text.encode("utf-8", "replace"), is_cut


def _count(data: bytes, weight: int, counts: dict[int, int]) -> list[int]:
    """Add the hashed unigrams and bigrams of lower-cased bytes to `counts`; checksums of the unigrams."""
    words: list[int] = []
    previous = 0
    for token in _TOKEN.findall(data):
        if token[0] < 58:  # numbers: their length says more than their value
            token = b"%d" % len(token)
        code = crc32(token)
        slot = code % N_HASHED
        counts[slot] = counts.get(slot, 0) + weight
        slot = crc32(token, previous ^ 0x9E3779B9) % N_HASHED
        counts[slot] = counts.get(slot, 0) + weight
        words.append(code)
        previous = code
    return words


def _weigh(counts: dict[int, int], idf: IntArray) -> tuple[IntArray, IntArray]:
    """Sorted slots and their values, scaled to a Euclidean length of at most NORM; zeros are left out."""
    ids = np.array(sorted(counts), dtype=np.int64)
    if not len(ids):
        return ids, ids.copy()
    raw = np.minimum(np.array([counts[slot] for slot in ids.tolist()], dtype=np.int64), _MAX_COUNT)
    weights = _LOG_TABLE[raw] * idf[ids]
    # At most (64 * 6.1 * 1024)**2 * 32768 < 2**53 for the sum of squares: exact in int64.
    length = isqrt(int((weights * weights).sum())) + 1
    values = weights * NORM // length
    keep = values > 0
    return ids[keep], values[keep]
