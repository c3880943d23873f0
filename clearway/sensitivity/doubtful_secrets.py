"""Secrets that only their surroundings tell: words as passwords, seed phrases, session ids, hashes.

Scores are low where a match alone says little: the class model weighs them with what stands around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import regex

TIMEOUT_SECONDS: Final = 5
_NOUN: Final = (
    r"(?:pass\s?(?:word|wort|code|phrase|key|wd)s?|pwd|pw|pin|puk|tan|otp|kennwort|zugangsdaten|geheimzahl|"
    r"contrase\u00f1a|clave|mot\s+de\s+passe|mdp|senha|wachtwoord|toegangscode|"
    r"parola|has\u0142o|l\u00f6senord|"
    r"(?:wi-?fi|wlan|network|security|product|licen[cs]e|activation|access|encryption|pre-?shared)\s+key|psk|"
    r"security\s+(?:answer|code|word)|safe\s+word|secret\s+(?:answer|word|key|phrase)|"
    r"(?:access|entry|door|gate|alarm|vault|safe|lock|unlock|sms|verification|login|recovery|confirmation|"
    r"security|authenti\w+)[\s-]*codes?|combination)"
)
_NOT_A_VALUE: Final = (
    r"(?!(?:is|was|are|the|and|or|for|to|of|in|on|a|an|my|your|our|not|no|wrong|correct|incorrect|invalid|"
    r"expired|required|needed|missing|empty|null|none|true|false|string|str|text|varchar|reset|changed?|"
    r"policy|manager|field|hash|hashed|protected|protection|length|strength|generator|must|should|will|can|"
    r"has|have|too|weak|strong|unknown|forgotten|lost|stored|set|still|also|only|here|there|with|without|"
    r"from|by|when|if|as|at|it|that|this|which|what|secret|password|example|placeholder|redacted|hidden|"
    r"encrypted|input|prompt|error|failed|rotated|kept|written|sent|shared|safe|same|different|based|being|"
    r"inside|taped|under|known|never|always|already|just|now|below|above|available)\b)"
)
_ROWS: Final = (
    (
        (
            "pas",
            "pwd",
            "pw",
            "kennwort",
            "contrase",
            "clave",
            "passe",
            "mdp",
            "senha",
            "wachtwoord",
            "parola",
            "key",
            "code",
        ),
        0.45,
        _NOUN + r"(?:\s+(?!is\b|was\b|are\b)\p{L}[\w'-]*){0,3}?[\"'`*]{0,2}\s*(?:\bis(?:\s+now|"
        r"\s+still)?\b|\bwas\b|\bist\b|"
        r"\bes\b|\best\b|\bto\b|\bfor\s+now\b|=|:|->|=>)\s*[\"'`*\u201c\u2018]{0,2}\K"
        + _NOT_A_VALUE
        + r"(?=[^\s\"'`,;<>]*\p{L})[^\s\"'`,;<>(){}\[\]$%\u201d\u2019]{5,64}",
    ),
    (
        (
            "pas",
            "pwd",
            "pw",
            "code",
            "pin",
            "kennwort",
            "combination",
            "puk",
            "tan",
            "otp",
            "geheimzahl",
            "contrase",
            "clave",
        ),
        0.55,
        _NOUN + r"\b[^\d\n.?!]{0,40}?(?<![\w.,-])\K\d(?:[ -]?\d){3,9}(?![\w-]|[.,:/]\d)",
    ),
    (
        ("phrase", "mnemonic", "seed"),
        0.9,
        (
            r"(?:seed|recovery|mnemonic|backup|wallet|secret)(?:\s+(?:phrase|words?|seed))?[^\n]{0,40}"
            r"?[\s:\"'`]+"
            r"\K(?-i:[a-z]{3,8}(?:[ ,]{1,2}[a-z]{3,8}){11,23})"
        ),
    ),
    (
        ("session", "sid", "cookie", "csrf", "jwt", "sess"),
        0.6,
        (
            r"(?:session(?:[_-]?id)?|[a-z]*sess(?:id)?|connect\.sid|sid|remember_token|"
            r"csrf\w*)[\"']?\s*[=:]\s*[\"']?"
            r"\K(?=[^\s\"';]*\d)[\w%.+/-]{12,}"
        ),
    ),
    (
        ("$",),
        0.75,
        r"(?<![\w$])\$(?:2[abxy]|1|5|6|y|apr1|argon2\w{1,2}|scrypt|pbkdf2[\w-]*)\$[\w./$=,+-]{16,}",
    ),
    (
        (":",),
        0.5,
        (
            r"(?<![\w/.])[\w.+-]+@[\w-]+(?:\.[\w-]+)+\s?[:;|]\s?\K(?=[^\s:;|,]*\d)(?=[^\s:;|"
            r",]*\p{L})(?![^\s]*@)"
            r"[^\s:;|,<>]{6,40}(?![^\s])"
        ),
    ),
    (
        (" -p", "--pass", "pgpassword", "mysql_pwd", "redis", "identified", "/user", "machine"),
        0.7,
        (
            r"(?:\s--pass(?:word|phrase)?[= ]|\b(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH)=|"
            r"\bidentified\s+by\s+(?=[\"'])|"
            r"\blogin\s+\S{1,64}\s+password\s+|\bnet\s+use\b[^\n]{0,80}?\s(?=\S+\s+/user)|"
            r"\b(?:mysql|mongo|sqlcmd|psql|ldapsearch|smbclient|unzip|7z|zip)\b[^\n]{0,60}?\s-[pPw]\s?)"
            r"[\"'`]?\K(?![<${%*\"'])[^\s\"'`<>]{4,64}"
        ),
    ),
    (
        ("key", "token", "secret", "licen"),
        0.6,
        (
            r"(?:key|token|secret|serial|licen[cs]e)\b[^\n.?!]{0,24}?(?<![\w-])\K(?=[A-Z-]*\d)(?:[A-Z"
            r"\d]{4,6}-){3,7}"
            r"[A-Z\d]{4,6}(?![\w-])"
        ),
    ),
    (
        ("key", "token", "secret", "credential", "auth"),
        0.5,
        (
            r"(?:key|token|secret|credential|auth\w*)s?\b[^\n]{0,48}?(?<![\w/.-])\K(?=[\w+/=-]*\d)(?=["
            r"\w+/=-]*\p{L})"
            r"[\w+/-]{14,}={0,2}(?![\w/.-])"
        ),
    ),
)
_PATTERNS: Final = tuple(
    (parts, score, regex.compile(pattern, regex.IGNORECASE)) for parts, score, pattern in _ROWS
)
PARTS: Final = frozenset(part for parts, _, _ in _ROWS for part in parts)
_MADE_UP: Final = regex.compile(
    r"example|placeholder|change[_-]?me|your[_-]|x{3}|\*{3}|\.{3}|redacted|dummy|"
    r"<|\$\{|[\u2022\u2026]|^[a-z]+_[a-z_]+$|^[a-z_]+(?:\.[a-z_]+)+$",
    regex.IGNORECASE,
)


def doubtful_secrets(text: str, lower: str) -> Iterator[tuple[int, int, float]]:
    """Start, end and score of each candidate, in no order.

    Args:
        text: The text.
        lower: The same in lower case, for a quick look.
    """
    for parts, score, pattern in _PATTERNS:
        if not any(part in lower for part in parts):
            continue
        for match in pattern.finditer(text, timeout=TIMEOUT_SECONDS):
            value = match.group().rstrip(".,;:!?")
            if value and not _MADE_UP.search(value):
                yield match.start(), match.start() + len(value), score
