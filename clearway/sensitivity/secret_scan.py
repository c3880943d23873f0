"""detect-secrets as a Presidio recogniser.

Its plug-ins are called one by one on each line: their process-wide settings, which could be changed under us
and which can ask the network whether a secret is live, are never read.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

_showwarning = warnings.showwarning
from detect_secrets.filters import heuristic  # noqa: E402
from detect_secrets.plugins import (  # noqa: E402
    artifactory,
    aws,
    azure_storage_key,
    basic_auth,
    cloudant,
    discord,
    github_token,
    gitlab_token,
    high_entropy_strings,
    ibm_cos_hmac,
    jwt,
    keyword,
    mailchimp,
    npm,
    openai,
    private_key,
    pypi_token,
    sendgrid,
    slack,
    softlayer,
    square_oauth,
    stripe,
    telegram_token,
    twilio,
)

# detect-secrets sends Python's warnings to the log when imported; give them back unless the host did so.
if warnings.showwarning is not _showwarning:
    logging.captureWarnings(False)

MAX_LINE_CHARACTERS: Final = 5_000
TOKEN_SCORE: Final = 0.9
KEYWORD_SCORE: Final = 0.7
ENTROPY_SCORE: Final = 0.65
SHAPE_SCORE: Final = 0.7
MIN_KEYWORD_ENTROPY: Final = 2.5
MIN_SHAPE_ENTROPY: Final = 3.5

_EDGE = re.compile(r"[\s\"'`<>(){}\[\],;]")
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|changeme|your|xxxx|\*{3}|\.{3}|test_?key|redacted|undefined|null|none|<|>|\$|%s|\{",
    re.IGNORECASE,
)
# A vendor's prefix, a separator, then a long run with digits: the common shape of issued tokens.
_ISSUED = re.compile(
    r"(?<![\w/.-])[A-Za-z]{2,12}\d{0,2}[_-](?:[A-Za-z0-9]{1,12}[_-]){0,3}[A-Za-z0-9_=-]{20,}(?![\w/])"
)


class SecretRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Keys, tokens and passwords, entity `SECRET`; the span covers the whole run, not a matched prefix."""

    def __init__(self) -> None:
        self._tokens: list[Any] = [
            artifactory.ArtifactoryDetector(),
            aws.AWSKeyDetector(),
            azure_storage_key.AzureStorageKeyDetector(),
            basic_auth.BasicAuthDetector(),
            cloudant.CloudantDetector(),
            discord.DiscordBotTokenDetector(),
            github_token.GitHubTokenDetector(),
            gitlab_token.GitLabTokenDetector(),
            ibm_cos_hmac.IbmCosHmacDetector(),
            jwt.JwtTokenDetector(),
            mailchimp.MailchimpDetector(),
            npm.NpmDetector(),
            openai.OpenAIDetector(),
            private_key.PrivateKeyDetector(),
            pypi_token.PypiTokenDetector(),
            sendgrid.SendGridDetector(),
            slack.SlackDetector(),
            softlayer.SoftlayerDetector(),
            square_oauth.SquareOAuthDetector(),
            stripe.StripeDetector(),
            telegram_token.TelegramBotTokenDetector(),
            twilio.TwilioKeyDetector(),
        ]
        self._keyword: Any = keyword.KeywordDetector()
        # Quoted strings only: raw high entropy is noisy on prose.
        self._quoted: list[Any] = [
            high_entropy_strings.Base64HighEntropyString(limit=4.5),
            high_entropy_strings.HexHighEntropyString(limit=3.0),
        ]
        super().__init__(supported_entities=["SECRET"], name="SecretRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Secrets of every line."""
        found, start = [], 0
        for line in text.splitlines(keepends=True):
            for value, score in self._candidates(line[:MAX_LINE_CHARACTERS]):
                found += [
                    RecognizerResult("SECRET", a + start, b + start, score) for a, b in _places(line, value)
                ]
            start += len(line)
        return found

    def _candidates(self, line: str) -> Iterator[tuple[str, float]]:
        values = (value for plugin in self._tokens for value in plugin.analyze_string(line))
        yield from ((v, TOKEN_SCORE) for v in values if v and not heuristic.is_templated_secret(v))
        issued = (match.group() for match in _ISSUED.finditer(line))
        yield from ((value, SHAPE_SCORE) for value in issued if _is_issued(value))
        for value in self._keyword.analyze_string(line):
            if _is_plausible(value) and not heuristic.is_indirect_reference(line):
                yield value, KEYWORD_SCORE
        for plugin in self._quoted:
            for value in plugin.analyze_string(line):
                if _is_random(plugin, value):
                    yield value, ENTROPY_SCORE


def entropy_bits(text: str) -> float:
    """Shannon entropy of the characters, in bits each.

    >>> entropy_bits("abab")
    1.0
    """
    counts = sorted(Counter(text).values())
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def _is_plausible(value: str | None) -> bool:
    return (
        value is not None
        and len(value) >= 6
        and not _PLACEHOLDER.search(value)
        and not re.search(r"[\s(]", value)
        and not value.isalpha()
        and entropy_bits(value) >= MIN_KEYWORD_ENTROPY
        and not heuristic.is_sequential_string(value)
    )


def _is_random(plugin: Any, value: str) -> bool:
    return (
        len(value) >= 20
        and plugin.calculate_shannon_entropy(value) > plugin.entropy_limit
        and not value.isdigit()
        and not heuristic.is_sequential_string(value)
        and not heuristic.is_potential_uuid(value)
    )


def _is_issued(value: str) -> bool:
    tail = re.split(r"[_-]", value, maxsplit=1)[1]
    n_digits = sum(map(str.isdigit, tail))
    return (
        n_digits >= 3
        and len(tail) - n_digits >= 6
        and entropy_bits(tail) >= MIN_SHAPE_ENTROPY
        and not heuristic.is_potential_uuid(value)
        and not _PLACEHOLDER.search(value)
    )


def _places(line: str, value: str) -> Iterator[tuple[int, int]]:
    """Places of the value in the line, widened to the white space, quotes or brackets around it."""
    at = line.find(value)
    while at >= 0:
        start, end = at, at + len(value)
        while start > 0 and not _EDGE.match(line[start - 1]) and line[start - 1] not in "=:":
            start -= 1
        while end < len(line) and not _EDGE.match(line[end]):
            end += 1
        yield start, end
        at = line.find(value, end)
