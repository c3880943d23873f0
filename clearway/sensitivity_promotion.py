"""Promotions of sensitivity bundles: as those of the complexity model, under a kind of record of their own.

So neither classifier's bundle, nor a signature for it, is ever taken for the other's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from clearway.installation import SENSITIVITY_ARCHIVE, SENSITIVITY_PROMOTION, Settings, data_folder
from clearway.ledger.checkpoint import Signer
from clearway.promotion import Gate, Line, Promotion, settle, signatures
from clearway.sensitivity import load_detector
from clearway.sensitivity.bundle import SensitivityBundle, load_sensitivity_bundle

_LINE: Final = Line(SENSITIVITY_PROMOTION, SENSITIVITY_ARCHIVE, load_sensitivity_bundle)


def promote_sensitivity(
    settings: Settings,
    folder: Path,
    *,
    approver: str,
    reason: str,
    judge: Callable[[SensitivityBundle], Gate],
    requester: str | None = None,
    signer: Signer | None = None,
) -> Promotion[SensitivityBundle]:
    """Let a sensitivity bundle into service: load it, judge it, archive it, record it.

    A refusal leaves no record. The bundle must work with the shipped class table and word lists.

    Args:
        settings: Where everything lies.
        folder: The bundle.
        approver: Who answers for it.
        reason: Why.
        judge: The gate.
        requester: Who asked for it; the account that runs this by default.
        signer: The approver's private key; required where approvals are.

    Raises:
        ApprovalError: It must be signed, the key may not, or the approver asked for it.
        InvalidRequestError: Approver or reason is empty, too long, or holds what cannot be printed.
        SensitivityError: The bundle is incomplete or altered, or no detector can be made of it.
        BundleError: The folder, or the copy in the archive, changed meanwhile.
        ConfigurationError: Another promotion is under way.
        LedgerUnavailableError: The ledger cannot be written.
    """
    named = signatures(requester, approver, reason)
    bundle = _LINE.read(folder)
    load_detector(data_folder() / "sensitivity", trusted={bundle.sha256}, bundle=folder)
    done = settle(settings, _LINE, folder, bundle, named, lambda _: judge(bundle), signer)
    return Promotion(bundle, *done)
