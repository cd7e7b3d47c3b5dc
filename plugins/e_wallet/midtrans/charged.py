"""The commands that Midtrans' channels share: charge, look, cancel, give back."""

from abc import abstractmethod
from datetime import timedelta
from typing import Any, TypeVar

from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    AnyVerdict,
    Context,
    Declined,
    Movement,
    MovementState,
    NotSent,
    OperationRequest,
    PaymentMethod,
    Pending,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear

from .config import Account
from .dialogue import DONE, NOT_FOUND, NOT_NOW, NOT_SENT, TAKEN, TOO_MUCH, UNKNOWN_THERE, Midtrans, refused
from .notices import judged
from .shapes import ENDED, Answer, Transaction, instant, movements_of, of_payment, report, status_of, written

AccountT = TypeVar("AccountT", bound=Account)


class Charged(PaymentMethod[AccountT]):
    """What all channels have in common. `order` is what a charge says of its channel, `leads_to` what its answer asks."""

    def __init__(self, config: AccountT) -> None:
        super().__init__(config)
        self._midtrans = Midtrans(config)

    @abstractmethod
    def order(self, request: StartRequest) -> dict[str, Any]:
        """The part of a charge that is the channel's own."""

    @abstractmethod
    def leads_to(self, answer: Answer, request: StartRequest) -> AnyNextAction:
        """What the customer has to do. Raises for what must not be shown."""

    async def health(self, ctx: Context) -> bool:
        """Whether Midtrans answers and takes our key."""
        return await self._midtrans.answers(ctx)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Charge. An order id that exists already is not charged again but looked at."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="not_allowed", provider_code="amount")
        lasts_s = self.capabilities.expiry_s[1]
        order = self.order(request) | {
            "transaction_details": {"order_id": request.merchant_ref, "gross_amount": request.amount.amount // 100},
            "custom_expiry": {  # from what is asked, never from the clock: a repetition must say the same
                "order_time": written(request.expires_at - timedelta(seconds=lasts_s)),
                "expiry_duration": lasts_s // 60,
                "unit": "minute",
            },
            "custom_field1": request.merchant_ref,
        }
        try:
            answer = await self._midtrans.charge(ctx, order, request.webhook_url)
        except NotSent:
            return NOT_SENT
        if answer.status_code == TAKEN:
            asked = QueryRequest(merchant_ref=request.merchant_ref, provider_ref=None, amount=request.amount, state=b"")
            return self._started(await self._midtrans.known(ctx, asked), request)
        if answer.status_code not in DONE:
            return refused(answer)
        return self._started(of_payment(answer, request.merchant_ref, None), request)

    def _started(self, made: Transaction, request: StartRequest) -> AnyOutcome:
        """What a charge led to. A status that is not known here may still become anything: pending."""
        if made.amount != request.amount:
            raise ProviderUnclear("Midtrans charged another amount than was asked")
        status, movements = status_of(made), movements_of(made)
        if status == "succeeded":
            return Succeeded(provider_ref=made.id, movements=movements)
        if made.status in ENDED:
            return Declined(
                provider_ref=made.id,
                code="fraud_suspected" if made.fraud == "deny" else "not_allowed",
                provider_code=made.status,
            )
        action = self.leads_to(made.answer, request) if made.status == "pending" else Wait()
        expires_at = instant(made.answer.expiry_time)
        return Pending(provider_ref=made.id, movements=movements, next_action=action, expires_at=expires_at)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the transaction."""
        found = await self._midtrans.find(ctx, request)
        return Report(found=False) if found is None else report(found)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """A notice: proved to be Midtrans', and no more than a hint."""
        return judged(raw, self.config.server_keys)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Cancel a transaction that has not been paid."""
        try:
            answer = await self._midtrans.cancel(ctx, request)
        except NotSent:
            return NOT_SENT
        if answer.status_code == NOT_FOUND:
            return UNKNOWN_THERE
        if answer.status_code not in (*DONE, NOT_NOW):
            return refused(answer)
        after = await self._midtrans.known(ctx, request)
        if after.status in ENDED:
            return Succeeded(provider_ref=after.id)
        if answer.status_code in DONE and status_of(after) != "succeeded":
            return Pending(provider_ref=after.id, next_action=Wait())
        return Declined(
            provider_ref=after.id, movements=movements_of(after), code="not_allowed", provider_code=after.status
        )


class Refunding(Charged[AccountT]):
    """Channels that give money back. `refund_key` is our key: Midtrans knows it for a week."""

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give back through the wallet; asked for twice it is one refund."""
        if request.amount is None or request.amount.currency != "IDR":
            raise ProviderUnclear("a refund without an amount in rupiah")
        if request.amount.amount % 100:
            return Declined(code="not_allowed", provider_code="amount")
        order = {"refund_key": ctx.key(), "amount": request.amount.amount // 100, "reason": "refund by the shop"}
        try:
            answer = await self._midtrans.refund(ctx, request, order)
        except NotSent:
            return NOT_SENT
        if answer.status_code == NOT_FOUND:
            return UNKNOWN_THERE
        if answer.status_code == "200" and answer.refund_chargeback_id is not None and answer.refund_key == ctx.key():
            moved = Movement(
                kind="refund",
                id=str(answer.refund_chargeback_id),
                state=MovementState.SUCCEEDED,
                amount=request.amount,
            )
            return Succeeded(movements=(moved,))
        return await self._looked_up(ctx, request, answer)

    async def _looked_up(self, ctx: Context, request: OperationRequest, answer: Answer) -> AnyOutcome:
        """What the list of refunds says of ours, where the answer did not: it may have been made at an earlier attempt."""
        if answer.status_code not in (*DONE, TAKEN, NOT_NOW, TOO_MUCH):
            return refused(answer)
        after = await self._midtrans.known(ctx, request)
        ours = [str(one.refund_chargeback_id) for one in after.answer.refunds if one.refund_key == ctx.key()]
        movements = tuple(one for one in movements_of(after) if one.kind == "refund" and one.id in ours)
        if len(movements) == 1 and movements[0].amount == request.amount:
            if movements[0].state is MovementState.PENDING:
                return Pending(movements=movements, next_action=Wait())
            return Succeeded(movements=movements)
        if movements or answer.status_code in ("200", "201", TAKEN):
            raise ProviderUnclear("a refund is said to be there and is not shown")
        if answer.status_code == "202":
            return Declined(code="not_allowed", provider_code="202")
        return refused(answer)
