"""Keys, tokens and passwords: what is issued, assigned or stated as a secret and does not look made up."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.sensitivity.doubtful_secrets import PARTS, doubtful_secrets
from clearway.sensitivity.facts import Facts

ENTITY: Final = "SECRET"
BLOCK_SCORE: Final = 1.0
ISSUED_SCORE: Final = 0.95
STATED_SCORE: Final = 0.8
SHAPE_SCORE: Final = 0.7
QUOTED_SCORE: Final = 0.65
RAW_SCORE: Final = 0.6
DIGEST_SCORE: Final = 0.4
TIMEOUT_SECONDS: Final = 5
MAX_RUN_CHARACTERS: Final = 4_096
# Thousandths of a bit for each count of a character: entropy in integers, the same on every processor.
_N_LOG: Final = [0] + [round(1_000 * n * math.log2(n)) for n in range(1, MAX_RUN_CHARACTERS + 1)]

_RUN: Final = re.compile(r"[A-Za-z0-9_.~+/=-]{12,}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(
    (
        r"example|sample|dummy|placeholder|change[_-]?(?:me|it|this)|your|insert|replace|x{4}|"
        r"\*{3}|\.{3}|redacted|"
        r"undefined|null|none|<|>|^\$|\$[{(]|\$[A-Z_]{3}|%s|\{\w|^\W*(?:[a-z]{0,8}[_-]?)?12345"
        r"6789\d*\W*$|abcdefg|foobar|(.)\1{11}|goes[_-]?here|todo|fixme|"
        r"getenv|environ|process\.env|config\.|secrets\.|settings\.|args\.|self\.|this\.|var\."
        r"|data\.|\w[(\[]\w*[)\]]|\(\)|token[_-]?here"
    ),
    re.IGNORECASE,
)
# What vendors put before the keys that they issue, from their own documentation.
_ISSUED: Final = re.compile(
    r"(?:(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}$|gh[oprsu]_\w{30,}|github_pat_\w{22"
    r",}|"
    r"gl(?:pat|dt|rt|ptt|ft|soat|cbt|imt|agent|ffct)-[\w.-]{16,}|xox[a-eopsr](?:\.xox[a-z]"
    r")?-[\w-]{10,}|xapp-[\w-]{16,}|"
    r"(?:sk|rk|pk)_(?:live|test|prod)_\w{10,}|whsec_[\w+/=]{16,}|sk-(?:proj|ant|svcacct|ad"
    r"min|or|lf)?-?[\w-]{20,}|"
    r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|eyJ[\w-]{8,}\.eyJ[\w-]{6,}\.?[\w+/"
    r"=-]*|npm_\w{30,}|pypi-[\w-]{30,}|"
    r"hf_[A-Za-z]{30,}|api_org_[A-Za-z]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|(?:key|pubkey)-[0-"
    r"9a-f]{32}|(?:SK|AC)[0-9a-f]{32}$|"
    r"do[opr]_v1_[0-9a-f]{32,}|shp(?:at|ca|pa|ss)_[0-9a-f]{28,}|sq0[a-z]{3}-[\w-]{20,}|EAA"
    r"[A-Za-z0-9]{30,}|"
    r"gl(?:c|sa)_[\w+/=]{24,}|ops_ey[\w+/=-]{30,}|dapi[0-9a-h]{30,}|ntn_\w{40,}|secret_[A-"
    r"Za-z0-9]{40,}|lin_(?:api|oauth)_\w{30,}|"
    r"fig[dour]h?_[\w-]{30,}|dckr_pat_[\w-]{20,}|rubygems_[0-9a-f]{40,}|xkeysib-[\w-]{40,}"
    r"|PMAK-[\w-]{30,}|NRA[KL]-\w{20,}|"
    r"sntry[su]_[\w+/=-]{30,}|hv[sbr]\.[\w-]{20,}|[\w]{10,}\.atlasv1\.[\w-]{40,}|AGE-SECRE"
    r"T-KEY-1\w{50,}|fm[12][ar]?_[\w+/=,-]{40,}|"
    r"pscale_(?:tkn|pw|oauth)_[\w.=-]{20,}|r8_\w{30,}|gsk_\w{40,}|ATATT3[\w=-]{40,}|A3-[A-"
    r"Z0-9]{6}-(?:[A-Z0-9]{5,}-){3,}[A-Z0-9]{5}|"
    r"s-s4t2(?:af|ud)-[0-9a-f]{40,}|tk-us-[\w-]{40,}|SWMTKN-[\w-]{30,}|sgp_\w{30,}|sq[upa]"
    r"_[A-Za-z0-9]{30,}|"
    r"[\w~.-]{2,4}\dQ~[\w~.-]{30,}|\d{8,10}:AA[\w-]{30,}|[MNO][\w-]{23,}\.[\w-]{6}\.[\w-]{"
    r"27,})"
)
# A vendor's prefix, a separator, then a long run with digits: the common shape of issued tokens.
_SHAPE: Final = re.compile(
    r"[A-Za-z]{2,12}\d{0,2}[_-](?:[A-Za-z0-9]{1,12}[_-]){0,3}(?=[A-Za-z0-9_=-]*\d)[A-Za-z0-9_=-]{20,}$"
)
_NAME: Final = (
    r"(?:passw(?:or)?[dt]|passwd|pwd|passphrase|passcode|secret|token|api[_.\- ]?key|apike"
    r"y|access[_.\- ]?(?:key|id)|auth(?:[_.\- ]?key)?|"
    r"private[_.\- ]?key|client[_.\- ]?(?:key|id)|credentials?|creds?|account[_.\- ]?key|s"
    r"hared[_.\- ]?access|bearer|signing[_.\- ]?key|"
    r"encryption[_.\- ]?key|license[_.\- ]?key|webhook|login|[a-z0-9][_-]key|-key|key)"
)
_BEFORE: Final = re.compile(
    _NAME
    + (
        r"[\w.\-]{0,24}[\"'`\])]{0,3}\s{0,4}(?:=>|:{1,3}=|\|\|:|<=|\?=|==|[=:,|>(]|\bis\b|\bwa"
        r"s\b|\s)[\"'`\s(=]{0,12}"
        r"(?:(?:bearer|basic|token|string)[\s\"'`]{1,3})?$"
    ),
    re.IGNORECASE,
)
_TELLING: Final = (
    "passw", "passphrase", "passcode", "pwd", "secret", "token", "key", "auth", "cred", "login", "webhook",
    "bearer",
)  # fmt: skip
_VALUE: Final = r"(?=[^\s\"'`]*(?:\d|[^\w\s\"'`.,;:]))[^\s\"'`,;<>(){}\[\]]"
_STATED: Final = tuple(
    (parts, score, regex.compile(pattern, regex.IGNORECASE))
    for parts, score, pattern in (
        (
            ("pin",),
            QUOTED_SCORE,
            r"\b(?:pin|pin[\s-]?code)s?\b(?:\s+\p{L}+){0,6}?\s*(?:is\b|:|=|was\b)?\s*\K\d{4,8}(?![\w.,-]*\d)",
        ),
        (
            ("code",),
            SHAPE_SCORE,
            (
                r"\b(?:backup|recovery|rescue|scratch|one[\s-]time|2fa|mfa|verification|access|door|ga"
                r"te|alarm|unlock)[\s-]+codes?\b[^\d\n]{0,24}\K"
                r"\d[\d #-]{3,60}\d"
            ),
        ),
        (
            ("authorization", "token", "key", "auth"),
            STATED_SCORE,
            (
                r"(?:authorization|(?:api|auth|access|private|x-[\w-]{0,20}?)[\w-]{0,16}(?:token|key)|"
                r"token|apikey)[\"']?\s*:\s*[\"']?"
                r"(?:(?:bearer|basic|token|apikey|api-token|digest|key)\s+)?\K(?=[^\s\"'`]*\d|[^\s\"'`"
                r"]*(?-i:[a-z][^\s\"'`]*[A-Z]))[\w+/.=~:-]{10,}"
            ),
        ),
        (
            ("://",),
            STATED_SCORE,
            r"\b[a-z][a-z+]{1,14}://[^\s/:@\"'<>${}]{0,64}:\K[^\s/:@\"'<>${}\[\]]{3,128}(?=@[\w\[-])",
        ),
        (
            ("key", "token", "secret"),
            STATED_SCORE,
            (
                r"\b(?:api|access|secret|auth|private|master|deploy)[\s_-]*(?:key|token|secret)s?\b[^"
                r"\n.:=]{0,40}?(?:\bis\b|:|=)\s*"
                r"[\"'`]?\K(?=[^\s\"'`]*\d)(?=[^\s\"'`]*\p{L})[\w+/.~=-]{16,}"
            ),
        ),
        (
            ("curl",),
            STATED_SCORE,
            (
                r"\bcurl\b(?:[^\n]|\\\n){0,300}?\s(?:-u|--user)[\s=]*\K(?![\"']?<|[\"']?\$)[\"']?[^\s"
                r"\"'<>$:]{0,64}[\"']?:"
                r"(?:[\"'](?!\{\w+\}|\$)[^\s\"'<>]{3,64}[\"']|(?!\$|\{)[^\s\"'<>]{3,64}|(?=[\"']\s))"
            ),
        ),
        (
            ("hooks.slack", "webhook"),
            STATED_SCORE,
            (
                r"\b(?:hooks\.slack\.com/(?:services|workflows|triggers)|(?:discord(?:app)?\.com/api|["
                r"\w.-]+\.office\.com)/webhooks?\w*)/[\w/@-]{20,}"
            ),
        ),
        (
            ("|",),
            STATED_SCORE,
            r"(?<!\w)\d{13,17}\|[\w-]{27}(?![\w-])",
        ),
        (
            ("bundle_",),
            STATED_SCORE,
            r"\bbundle_\w+[\"'\s:=]{1,6}\K[0-9a-f]{6,64}:[0-9a-f]{6,64}\b",
        ),
        (
            ("secret",),
            STATED_SCORE,
            (
                r"\bkind:\s*[\"']?secret\b[^\0]{0,2000}?\bdata:\s*\n(?:\s+[^\n]*\n){0,20}?\s+[\w.-]+:"
                r"\s*[|>]?-?\s*\K[\w+/]{8,}={0,2}"
            ),
        ),
        (
            ("secret",),
            STATED_SCORE,
            (
                r"\bdata:\s*\n(?:\s+[^\n]*\n){0,20}?\s+[\w.-]+:\s*[|>]?-?\s*\K[\w+/]{8,}={0,2}(?=[^\0]"
                r"{0,2000}?\bkind:\s*[\"']?secret\b)"
            ),
        ),
        (
            ("passw", "pwd", "secret"),
            STATED_SCORE,
            (
                r"key=[\"'][\w.-]*(?:passw(?:or)?d|pwd|secret)[\w.-]*[\"']\s+value=[\"']\K[^\"'<>]{6,6"
                r"4}(?=[\"'])"
            ),
        ),
        (
            ("passw", "pwd", "secret", "token", "key", "auth", "cred"),
            SHAPE_SCORE,
            (
                r"(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|credentials?|(?:api|access|auth|"
                r"private|client|account)[_-]?key)[\w.-]{0,24}"
                r"[\"'`\]]{0,2}\s{0,3}(?:=>|:=|[=:])\s{0,3}[\"'`]?\K(?=[^\s\"'`]*\d)(?=[^\s\"'`]*\p{L}"
                r")"
                r"(?![^\s\"'`]*[(<{\[$]\w*[)>}\]])[\w+/.~=!@%^&*#$-]{8,}"
            ),
        ),
    )
)
MAX_TO_PASSWORD: Final = 100
_PASSWORD_PARTS: Final = (
    "passw", "passc", "passp", "pwd", "pass", "pw", "kennwort", "contrase", "mot de passe", "mdp", "senha",
    "wachtwoord",
    "clave", "securestring", "mysql", "pasw", "logged in", "log in", "credential", "login",
)  # fmt: skip
_PASSWORD: Final = regex.compile(
    (
        r"(?:(?<![^\W_])|(?<=[a-z])(?=(?-i:P)))(?:pa+s+w\p{L}*|logged\s+in\s+with|log\s+in\s+w"
        r"ith|passphrase|passcode|passe?|pwd"
        r"|pw|kennwort|contrase\u00f1a|mot\sde\spasse|mdp|senha|"
        r"wachtwoord|clave|convertto-securestring|credentials?|logins?|(?:sshpass|mysql(?:dump"
        r")?)\b[^\n]{0,40}?-p)(?![^\W\d_])"
    ),
    regex.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\s\"'`<>,;()|]+")
_NO_PASSWORD: Final = re.compile(
    (
        r"\d+[-.]?[a-z]+|[\d./:+-]+|v?\d+(?:\.\d+)+\w*|(?:sha|md|utf|aes|oauth|base|http|https"
        r"|argon|bcrypt|ipv|tls|ssl|rsa|win|web|sql|"
        r"iso|nist|pbkdf|pkcs|sp)[-/_ ]?\d[\w.-]*|https?:.*|[\w.+-]+@[\w-]+\.[\w.]+|[a-z_]+\d?"
        r"[=:].*|.*[=/].*[=/].*|[a-z]+_[a-z_]+\d*|"
        r"[a-z]{2,}\d{0,2}\.[a-z].*|[A-Z]{2,5}-\d+"
    ),
    re.IGNORECASE,
)
_BLOCK: Final = regex.compile(
    r"-----BEGIN[ ](?:[A-Z\d]+[ ]){0,3}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----(?=(?:\s|\\[nr]|[\"'"
    r"+>|,]){0,20}(?:[\w+/=-]+:[^\n]*\n|\s)*[\w+/]{6})"
    r"(?:[^-]|-(?!----)){6,20000}(?:-----END[ ][A-Z\d ]{3,40}-----)?"
)


class SecretRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Keys, tokens and passwords; a finding covers the whole value.

    A value counts when its vendor's prefix says so, when a telling name or a header is given it, when it
    stands in a URL or a key block, or, weaker, when it looks random. Placeholders, paths, digests and
    identifiers in code do not.
    """

    def __init__(self) -> None:
        super().__init__(supported_entities=[ENTITY], name="SecretRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def wanted(self, facts: Facts) -> bool:
        """Whether a long run with a digit, or a word that tells of a secret, stands in the text."""
        return facts.has_long_run or facts.has_any(_GATE)

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Secrets of the text; a value that is found in several ways is reported with each score."""
        found = [*_blocks(text), *_stated(text), *_runs(text), *doubtful_secrets(text, text.lower())]
        return [RecognizerResult(ENTITY, start, end, score) for start, end, score in found]


# Beside the parts above: prefixes of keys that need not hold a digit, and a name that is given short values.
_GATE: Final = tuple(
    sorted(
        {part for parts, _, _ in _STATED for part in parts if part != "|"}
        | set(_PASSWORD_PARTS)
        | (PARTS - {":"})
        | {"@"}
        | {"private key", "access", "akia", "api_org_", "hf_", "eyj", "xox", "ghp_"}
    )
)


def entropy_millibits(text: str) -> int:
    """Shannon entropy of the characters, in thousandths of a bit each; integers only.

    >>> entropy_millibits("abab")
    1000
    """
    n = len(text)
    return (_N_LOG[n] - sum(_N_LOG[count] for count in Counter(text).values())) // n


def _blocks(text: str) -> Iterator[tuple[int, int, float]]:
    if "PRIVATE KEY" in text:
        for match in _BLOCK.finditer(text, timeout=TIMEOUT_SECONDS):
            yield match.start(), match.end(), BLOCK_SCORE


def _stated(text: str) -> Iterator[tuple[int, int, float]]:
    lower = text.lower()
    yield from _passwords(text, lower)
    for parts, score, pattern in _STATED:
        if not any(part in lower for part in parts):
            continue
        for match in pattern.finditer(text, timeout=TIMEOUT_SECONDS):
            value = match.group().rstrip(".,;:!?")
            if not _PLACEHOLDER.search(value):
                yield match.start(), match.start() + len(value), score


def _passwords(text: str, lower: str) -> Iterator[tuple[int, int, float]]:
    """The first word after each mention of a password that looks like one, in its line or the next."""
    if not any(part in lower for part in _PASSWORD_PARTS):
        return
    for name in _PASSWORD.finditer(text, timeout=TIMEOUT_SECONDS):
        reach = text[name.end() : name.end() + MAX_TO_PASSWORD]
        for word in _WORD.finditer(reach):
            value = word.group().rstrip(".,;:!?)") if word.group()[-1] not in "!?" else word.group()
            if _is_password(value):
                start = name.end() + word.start()
                near = word.start() <= 24
                yield start, start + len(value), STATED_SCORE if near else QUOTED_SCORE
                break


def _is_password(value: str) -> bool:
    """Letters with digits or inner symbols, and no name of a method, number, date, address or placeholder."""
    if not 6 <= len(value) <= 64:
        return False
    has_digit = any(map(str.isdigit, value))
    has_symbol = any(character in "!@#$%^&*+=~?" for character in value)
    if not (has_digit or (has_symbol and value.lower() != value)):
        return False
    if _PLACEHOLDER.search(value) or _NO_PASSWORD.fullmatch(value):
        return False
    return any(map(str.isalpha, value)) and entropy_millibits(value) >= 2_000


def _runs(text: str) -> Iterator[tuple[int, int, float]]:
    for match in _RUN.finditer(text):
        run = match.group()[:MAX_RUN_CHARACTERS]
        for start, end in _pieces(run):
            value, at = run[start:end], match.start() + start
            score = _score(value, text, at, at + len(value))
            if score:
                yield at, at + len(value), score


def _pieces(run: str) -> Iterator[tuple[int, int]]:
    """The run, and what follows an equals sign in it or the last slash of a path."""
    stripped = run.rstrip(".-=")
    padded = run[: len(stripped) + len(run[len(stripped) :].rstrip(".-"))]
    start = len(padded) - len(padded.lstrip("./=-~+_"))
    yield start, len(padded)
    body = padded.rstrip("=")
    for mark in ("=", "/"):
        at = body.rfind(mark)
        if at > start:
            yield at + 1, len(padded)


def _score(value: str, text: str, start: int, end: int) -> float:
    if len(value) < 12 or not any(map(str.isalpha, value)) or _PLACEHOLDER.search(value):
        return 0
    if _ISSUED.match(value):
        return ISSUED_SCORE if entropy_millibits(value) >= 2_300 else 0
    if not any(map(str.isdigit, value)):
        return 0
    if _BEFORE.search(text[max(0, start - 64) : start]) and _is_random(value):
        return STATED_SCORE
    return _score_by_shape(value, text[start - 1 : start], text[end : end + 1])


def _score_by_shape(value: str, left: str, right: str) -> float:
    if _UUID.fullmatch(value) or not _is_random(value):
        return 0
    n_digits = sum(map(str.isdigit, value))
    if n_digits >= 3 and _SHAPE.match(value) and entropy_millibits(value) >= 3_500:
        return SHAPE_SCORE
    quoted = left in "\"'`" and right in "\"'`" and left != "" and right != ""
    is_hex = _HEX.fullmatch(value) is not None and (value.islower() or value.isupper())
    if len(value) < (20 if quoted else 32) or is_hex or not _is_mixed(value):
        return DIGEST_SCORE if quoted and len(value) >= 32 and is_hex else 0
    return QUOTED_SCORE if quoted else 0 if "." in value else RAW_SCORE


def _is_mixed(value: str) -> bool:
    """Lower case, upper case and digits, changing too often for words, and no path."""
    kinds = ["a" if c.islower() else "A" if c.isupper() else "1" if c.isdigit() else "" for c in value]
    changes = sum(a != b for a, b in pairwise(kinds))
    return {"a", "A", "1"} <= set(kinds) and changes * 3 >= len(value) and entropy_millibits(value) >= 4_000


def _is_random(value: str) -> bool:
    """Not a word, a version, a date or a path: enough different characters for the length."""
    floor = 2_500 if _HEX.fullmatch(value) or len(value) < 20 else 3_000
    return entropy_millibits(value) >= floor and value.count("/") * 8 <= len(value)
