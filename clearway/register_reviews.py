"""Reviews of providers: made, added to `reviews.yaml`, and put on the ledger.

The file says what is in force, the ledger who said so: the record is written first, so that no review takes
effect without one.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML

from clearway.errors import InvalidRequestError, RegisterError
from clearway.register import Register, load_register, read_reviews
from clearway.register_terms import Review, digest_of

REVIEW: Final = "review"
MAX_DAYS: Final = 400
MAX_EVIDENCE_BYTES: Final = 256 * 1024 * 1024
_HEADER: Final = """\
# yaml-language-server: $schema=schema/reviews.schema.json
# Reviews: who looked at a provider's terms, on what evidence, for which models, and until when that holds.
# Of several reviews of one provider the newest counts. Written by `clearway register review`: the digests
# bind a review to the terms and deployments that were reviewed; a later change of either takes them out.
reviews:
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reviewer states; the digests are taken from the register.

    Attributes:
        provider: Id of the provider.
        reviewer: Who answers for it.
        evidence: Address of what was read.
        evidence_sha256: Digest of its content.
        findings: What was found; at least one text.
        models: Ids of the deployments covered; None for all of the provider, empty to withdraw it.
        reviewed_on: Day of the review.
        expires_on: Last day on which it holds.
        is_example: Whether it only demonstrates, and vouches for nothing in the world.
    """

    provider: str
    reviewer: str
    evidence: str
    evidence_sha256: str
    findings: tuple[str, ...]
    models: tuple[str, ...] | None
    reviewed_on: date
    expires_on: date
    is_example: bool = False


def make_review(register: Register, finding: Finding) -> Review:
    """The review of a provider as it stands in the register.

    Raises:
        InvalidRequestError: No such provider, a model that is not its own, an end too far ahead, or a
            statement that is not one.
    """
    provider = register.providers.get(finding.provider)
    if provider is None:
        raise InvalidRequestError(
            f"provider: expected one of {', '.join(register.providers)}; add it to providers.yaml"
        )
    if (finding.expires_on - finding.reviewed_on).days > MAX_DAYS:
        raise InvalidRequestError(
            f"next: expected a day within {MAX_DAYS} days from now; name an earlier one, and review it then"
        )
    own = {model.id: model.deployment_sha256 for model in register.models.values()}
    own = {name: sha256 for name, sha256 in own.items() if register.models[name].provider == provider.id}
    unknown = sorted(set(finding.models or ()) - set(own))
    if unknown:
        expected = ", ".join(own) or "none: it has no model"
        raise InvalidRequestError(f"model: {unknown[0]}: no model of {provider.id}; expected {expected}")
    content = {
        "provider": provider.id,
        "reviewer": finding.reviewer.strip(),
        "reviewed_on": finding.reviewed_on,
        "expires_on": finding.expires_on,
        "basis": "example" if finding.is_example else "documented",
        "evidence": finding.evidence,
        "evidence_sha256": finding.evidence_sha256,
        "findings": [text.strip() for text in finding.findings],
        "terms_sha256": provider.terms_sha256,
        "models": {name: own[name] for name in sorted(own if finding.models is None else finding.models)},
    }
    return _validated(content)


def add_review(folder: Path, review: Review, record: Callable[[dict[str, Any]], object]) -> None:
    """Add a review to a register: check the new file as a whole, record the review, then replace the file.

    Args:
        folder: Folder of the register.
        review: What to add.
        record: Puts the record of the review on the ledger; when it raises, nothing has changed.

    Raises:
        InvalidRequestError: The terms changed since the review was made.
        RegisterError: The register does not load, or the file cannot be written.
        LedgerUnavailableError: The record could not be written.
    """
    with _alone(folder):
        register = load_register(folder)
        if register.providers[review.provider].terms_sha256 != review.terms_sha256:
            raise InvalidRequestError(f"{review.provider}: its terms changed meanwhile; review it again")
        with _replacement(folder, review) as new:
            record(record_of(review, register))
            new.replace(folder / "reviews.yaml")


def record_of(review: Review, register: Register) -> dict[str, Any]:
    """What the ledger keeps of a review, and of the register that it was made on."""
    content = review.model_dump(mode="json")
    return {"review": content, "sha256": digest_of(content), "register": {"digest": register.digest}}


def digest_of_file(path: Path) -> str:
    """SHA-256 of a piece of evidence.

    Raises:
        InvalidRequestError: It cannot be read, is empty, or larger than `MAX_EVIDENCE_BYTES`.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= MAX_EVIDENCE_BYTES:
            raise InvalidRequestError(
                f"{path}: expected evidence of 1 to {MAX_EVIDENCE_BYTES} bytes, got {size}"
            )
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        raise InvalidRequestError(
            f"{path}: cannot be read ({fault.strerror}); name an existing file"
        ) from None


def _validated(content: dict[str, Any]) -> Review:
    for name in ("reviewer", "evidence", "findings"):
        texts = content[name] if isinstance(content[name], list) else [content[name]]
        if not all(text.isprintable() for text in texts):
            raise InvalidRequestError(f"{name}: expected printable text on one line, got a control character")
    try:
        return Review.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in fault["loc"]) or "review"
        text = fault["msg"].removeprefix("Value error, ")
        raise InvalidRequestError(f"{place}: {text[0].lower()}{text[1:]}; correct it") from None


@contextmanager
def _replacement(folder: Path, review: Review) -> Iterator[Path]:
    """A file beside `reviews.yaml` with one review more, read back; gone at the end unless it was moved."""
    path = folder / "reviews.yaml"
    count = len(read_reviews(folder))
    text = path.read_text("utf-8").rstrip("\n") + "\n" if count else _HEADER
    with tempfile.TemporaryDirectory(prefix=".reviews.", dir=_writable(folder)) as beside:
        new = Path(beside) / "reviews.yaml"
        with new.open("w", encoding="utf-8") as file:
            file.write(text + _entry_text(review))
            file.flush()
            os.fsync(file.fileno())
        written = read_reviews(new.parent)
        if (len(written), written[-1]) != (count + 1, review):
            raise RegisterError("reviews.yaml: its list is not in block style; write it as in data/register")
        yield new


def _entry_text(review: Review) -> str:
    yaml = YAML(typ="rt")
    yaml.width = 118
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    content = review.model_dump(exclude_none=True)
    first = ("provider", "reviewer", "reviewed_on", "expires_on")
    yaml.dump([{name: content[name] for name in (*first, *(n for n in content if n not in first))}], stream)
    return stream.getvalue()


def _writable(folder: Path) -> Path:
    if not os.access(folder, os.W_OK):
        raise RegisterError(f"{folder}: cannot be written; make it writable for this user")
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer at a time: two reviews must not lose each other."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as fault:
        raise RegisterError(
            f"{folder}: cannot be read ({fault.strerror}); name a register's folder"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
