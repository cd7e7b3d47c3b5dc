"""The method on the shop's own account. Nobody is asked: files of the bank tell what arrived, and what was sent back."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

import msgspec
from msgspec import Struct

from kassa.plugins.bank_transfer.files import Debtor, order, read
from kassa.plugins.bank_transfer.files.pain001 import message_id
from kassa.ports.banking import BankFile, Payout, PayoutFile, Reserving, Unreadable
from kassa.ports.payment import (
    AmountRule,
    AnyOutcome,
    Capabilities,
    Context,
    Declined,
    Movement,
    MovementState,
    NotExecuted,
    OperationRequest,
    PaymentMethod,
    Pending,
    QueryRequest,
    Report,
    StartRequest,
    Succeeded,
    Wait,
)
from kassa.ports.values import Instant

from .config import DAY_S, AccountConfig
from .shown import provider_ref, shown

MOST_REMEMBERED = 50
"""Refunds of one payment that a query still tells of; older ones the shop knows without it."""
_POLL_S = (5, 60, 3600, *(DAY_S,) * 14)
"""A crash is found out at once; a refund that no statement shows after a fortnight is a person's."""


class BankAccount(PaymentMethod[AccountConfig]):
    """One account of the shop's own is shown. What a query says is only what the shop itself did."""

    Config: ClassVar[type[Struct]] = AccountConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(AmountRule(currency="*"),),
        idempotency="header",
        idempotency_ttl_s=366 * DAY_S,
        void=True,
        refund="multiple",
        query_by_merchant_ref=True,
        query_consistency_s=2,
        next_actions=("show_account", "wait"),
        expiry_s=(DAY_S, 31 * DAY_S),
        open_amount=True,
        statements=("auto", "camt", "mt940", "csv"),
        payouts=True,
        poll_s=_POLL_S,
    )

    def __init__(self, config: AccountConfig) -> None:
        super().__init__(config)
        self.reserving = reserving(config)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Show where to pay. The same payment is shown the same, however often."""
        config = self.config
        if request.amount.currency != config.currency:
            return Declined(code="not_allowed", provider_code="another_currency")
        if config.unique_amount is not None and request.amount.amount % config.unique_amount.step:
            return Declined(code="not_allowed", provider_code="not_in_steps")
        if self.reserving is not None and request.reserved is None:
            return NotExecuted(reason=f"no {self.reserving.what} was drawn for this payment")
        expires_at = _expiry(config, request, ctx.clock.now())
        return Pending(
            next_action=shown(config, request, expires_at),
            expires_at=expires_at,
            provider_ref=provider_ref(config, request),
            state=_state(()),
        )

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """Open, with the refunds that were ordered. A payment without state was never shown to anybody: its START had no
        answer, and so there is nothing to find."""
        if not request.state:
            return Report(found=False)
        return Report(
            found=True,
            status="requires_action",
            provider_ref=request.provider_ref,
            merchant_ref=request.merchant_ref,
            movements=_refunds(request.state),
        )

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Nobody has to be told. Money that still arrives is late money, as on every closed account."""
        return Succeeded()

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """A task for a person at the bank: the movement has the id that its transfer carries from end to end, and is done when
        the bank's file shows that transfer."""
        assert request.amount is not None
        ordered = Movement(kind="refund", id=request.operation_id, state=MovementState.PENDING, amount=request.amount)
        known = _refunds(request.state)
        if all(one.id != ordered.id for one in known):
            known = (*known, ordered)[-MOST_REMEMBERED:]
        return Pending(next_action=Wait(), movements=(ordered,), state=_state(known))

    async def statement(self, ctx: Context, data: bytes, format: str) -> BankFile | Unreadable:
        """A camt, MT940 or CSV file (`csv:<profile>`; `csv` alone where there is one profile)."""
        config, profiles = self.config, self.config.csv
        form = f"csv:{next(iter(profiles))}" if format == "csv" and len(profiles) == 1 else format
        return await ctx.blocking(lambda: read(data, form, profiles, config.account))

    async def payout(self, ctx: Context, payouts: Sequence[Payout]) -> PayoutFile:
        """A pain.001 under a message id that follows from the refunds in it: a bank that checks for it sends nothing twice. It is
        to be carried out on the day on which it is written; on that day the same refunds give the same bytes."""
        config = self.config
        debtor = Debtor(name=config.holder, account=config.account, bic=config.plain_bic or None)
        today = datetime.combine(ctx.clock.now().astimezone(UTC).date(), time.min, UTC)
        data = await ctx.blocking(lambda: order(payouts, debtor, today))
        return PayoutFile(name=f"{message_id(payouts)}.xml", content_type="application/xml", data=data)


def reserving(config: AccountConfig) -> Reserving | None:
    """What each payment needs for itself."""
    if config.virtual_account is not None:
        told = config.virtual_account
        return Reserving(what="number", first=1, last=10**told.digits - 1, quarantine_s=told.quarantine_days * DAY_S)
    if config.unique_amount is not None:
        own = config.unique_amount
        return Reserving(what="amount", first=1, last=own.most, step=own.step, quarantine_s=own.quarantine_days * DAY_S)
    return None


def _expiry(config: AccountConfig, request: StartRequest, now: Instant) -> Instant:
    """The end of a day, because banks know no hour; as the shop says, where the configuration says nothing."""
    if config.expiry_days is None:
        return request.expires_at
    last = now.astimezone(UTC).date() + timedelta(days=config.expiry_days + 1)
    return datetime.combine(last, time.min, UTC)


def _state(refunds: tuple[Movement, ...]) -> bytes:
    return msgspec.json.encode(refunds)


def _refunds(state: bytes) -> tuple[Movement, ...]:
    return msgspec.json.decode(state, type=tuple[Movement, ...]) if state else ()
