"""Without any provider: the shop's own bank account is shown, and money counts when the operator confirms it with evidence.

Nobody can be asked what arrived, so a query only ever says "open", and nothing is claimed that the bank did not show.
"""

import base64
import hashlib
import re

from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    AnyVerdict,
    Context,
    Declined,
    OperationRequest,
    Pending,
    QueryRequest,
    RawWebhook,
    Reject,
    Report,
    ShowAccount,
    StartRequest,
    Succeeded,
)

from .config import BankTransferConfig

_FITS = re.compile(r"[A-Za-z0-9-]{1,18}")


class ManualAccount:
    """The shop's one account; payments are told apart by the reference that the customer writes."""

    def __init__(self, config: BankTransferConfig) -> None:
        self._config = config

    async def answers(self, ctx: Context) -> bool:
        """There is nobody to be away."""
        return True

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Show where to pay."""
        return Pending(next_action=self._show(request.merchant_ref, request.amount), expires_at=request.expires_at)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """Open, without movements."""
        return Report(
            found=True,
            status="requires_action",
            merchant_ref=request.merchant_ref,
            next_action=self._show(request.merchant_ref, request.amount),
        )

    def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """Nobody sends any."""
        return Reject(reason="the manual driver takes no notices")

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Nobody has to be told. Money that still arrives is late money, as on every closed account."""
        return Succeeded()

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Only a person at the bank can send money back."""
        return Declined(code="not_allowed", provider_code="refund_by_hand")

    def _show(self, merchant_ref: str, amount: Money) -> ShowAccount:
        config = self._config
        return ShowAccount(
            bank=config.bank or "",
            holder=config.holder or "",
            account_number=config.account_number or "",
            reference=payment_reference(merchant_ref),
            amount=amount,
        )


def payment_reference(merchant_ref: str) -> str:
    """What the customer writes on the transfer: at most 18 characters that every bank takes (the UK's limit).

    The merchant_ref itself where it fits, else `K` and 65 bits of its SHA-256 in base 32.
    """
    if _FITS.fullmatch(merchant_ref):
        return merchant_ref.upper()
    return "K" + base64.b32encode(hashlib.sha256(merchant_ref.encode()).digest()).decode()[:13]
