"""The commands that Xendit's channels share: ask for a payment, look, end it, give back."""

from abc import abstractmethod
from typing import Any, TypeVar

from kassa.plugins.e_wallet.qris import QrRefused
from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    AnyVerdict,
    Context,
    Declined,
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
from .dialogue import NOT_SENT, UNKNOWN_THERE, Refusal, Xendit, of_payment
from .notices import judged
from .shapes import (
    DECLINES,
    ENDED,
    OPEN,
    WAITING,
    Method,
    PaymentRequest,
    Refund,
    amount_of,
    capture_of,
    instant,
    properties_of,
    refund_of,
    status_of,
)

AccountT = TypeVar("AccountT", bound=Account)


class Requested(PaymentMethod[AccountT]):
    """What all channels have in common. `channel` is what a request says of its own, `leads_to` what its answer asks."""

    def __init__(self, config: AccountT) -> None:
        super().__init__(config)
        self._xendit = Xendit(config)

    @abstractmethod
    def channel(self, request: StartRequest) -> dict[str, Any] | Declined:
        """The payment method that is made for this payment."""

    @abstractmethod
    def leads_to(self, made: PaymentRequest, amount: Money) -> AnyNextAction:
        """What the customer has to do. Raises `QrRefused` for what must not be shown."""

    async def health(self, ctx: Context) -> bool:
        """Whether Xendit answers and takes our key."""
        return await self._xendit.answers(ctx)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Ask for a payment. A key that Xendit has seen is not used again but looked up."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="not_allowed", provider_code="amount")
        channel = self.channel(request)
        if isinstance(channel, Declined):
            return channel
        order = {
            "reference_id": request.merchant_ref,
            "currency": "IDR",
            "country": "ID",
            "amount": request.amount.amount // 100,
            "payment_method": {"reusability": "ONE_TIME_USE", "reference_id": request.merchant_ref} | channel,
            "metadata": {"operation_id": request.operation_id, "invoice_id": request.invoice_id},
        }
        try:
            made = await self._xendit.create(ctx, order)
        except NotSent:
            return NOT_SENT
        if isinstance(made, Refusal):
            if not made.is_repeated:
                return made.outcome()
            asked = QueryRequest(merchant_ref=request.merchant_ref, provider_ref=None, amount=request.amount, state=b"")
            made = await self._xendit.known(ctx, asked)
        return self._started(of_payment(made, request.merchant_ref, None), request.amount)

    def _started(self, made: PaymentRequest, amount: Money) -> AnyOutcome:
        """What a request led to. A status that is not known here may still become anything: pending."""
        if amount_of(made) != amount:
            raise ProviderUnclear("Xendit asks for another amount than was asked")
        status = status_of(made)
        if status == "succeeded":
            return Succeeded(provider_ref=made.id, movements=capture_of(made))
        if status in ENDED:
            reason = made.failure_code or made.status
            return Declined(provider_ref=made.id, code=DECLINES.get(reason, "other"), provider_code=reason)
        action = self.leads_to(made, amount) if made.status in OPEN else Wait()
        expires_at = instant(properties_of(made).expires_at)
        return Pending(provider_ref=made.id, next_action=action, expires_at=expires_at)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the payment."""
        found = await self._xendit.find(ctx, request)
        if found is None:
            return Report(found=False)
        status = status_of(found)
        return Report(
            found=True,
            status=status,
            provider_ref=found.id,
            merchant_ref=found.reference_id,
            movements=(*capture_of(found), *await self._given_back(ctx, found)),
            next_action=self._shown_again(found) if status in WAITING else None,
            decline_code=(found.failure_code or "") if status == "failed" else "",
        )

    def _shown_again(self, found: PaymentRequest) -> AnyNextAction | None:
        try:
            return self.leads_to(found, amount_of(found)) if found.status in OPEN else None
        except QrRefused:  # it was not shown at the start either; the money can be reported all the same
            return None

    async def _given_back(self, ctx: Context, found: PaymentRequest) -> tuple[Any, ...]:
        return ()

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """A notice: from one who knows the token, and no more than a hint."""
        return judged(raw, self.config.callback_tokens)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """End a payment that waits for its customer, by ending the payment method that was made for it."""
        said = None
        try:
            before = await self._xendit.find(ctx, request)
            if before is not None and status_of(before) not in (*ENDED, "succeeded"):
                said = await self._xendit.expire(ctx, before.payment_method.id)
        except NotSent:  # at most a question came before
            return NOT_SENT
        if before is None:
            return UNKNOWN_THERE
        if isinstance(said, Refusal) and said.is_of_us:
            return said.outcome()
        return _voided(before if said is None else await self._xendit.known(ctx, request), said)


def _voided(after: PaymentRequest, said: Method | Refusal | None) -> AnyOutcome:
    """What a void led to: done where nothing can be paid any more, whoever ended it."""
    if status_of(after) in ENDED:
        return Succeeded(provider_ref=after.id, movements=capture_of(after))
    if isinstance(said, Method) and after.status != "SUCCEEDED":
        return Pending(provider_ref=after.id, next_action=Wait())
    code = said.code if isinstance(said, Refusal) else after.status
    return Declined(provider_ref=after.id, movements=capture_of(after), code="not_allowed", provider_code=code)


class Refunding(Requested[AccountT]):
    """Channels that give money back. A refund is found again by our key, which is its reference."""

    async def _given_back(self, ctx: Context, found: PaymentRequest) -> tuple[Any, ...]:
        if found.status != "SUCCEEDED":
            return ()
        return tuple(refund_of(one) for one in await self._xendit.refunds(ctx, found.id))

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give back; asked for twice it is one refund."""
        if request.amount is None or request.amount.currency != "IDR":
            raise ProviderUnclear("a refund without an amount in rupiah")
        if request.amount.amount % 100:
            return Declined(code="not_allowed", provider_code="amount")
        try:
            payment_id = request.provider_ref or await self._id_of(ctx, request)
            if payment_id is None:
                return UNKNOWN_THERE
            order = {
                "payment_request_id": payment_id,
                "reference_id": ctx.key(),
                "amount": request.amount.amount // 100,
                "currency": "IDR",
                "reason": "REQUESTED_BY_CUSTOMER",
            }
            made = await self._xendit.refund(ctx, order)
        except NotSent:  # only a question came before
            return NOT_SENT
        if isinstance(made, Refusal):
            return await self._refused(ctx, made, payment_id, request.amount)
        return self._was_made(made, ctx.key(), request.amount)

    async def _refused(self, ctx: Context, made: Refusal, payment_id: str, amount: Money) -> AnyOutcome:
        """What the list of refunds says of ours, where Xendit refused it: it may have been made at an earlier attempt."""
        if made.is_of_us:
            return made.outcome()
        ours = [one for one in await self._listed(ctx, payment_id) if one.reference_id == ctx.key()]
        if len(ours) == 1:
            return self._was_made(ours[0], ctx.key(), amount)
        if made.is_repeated or ours:
            raise ProviderUnclear("a refund is said to be there and is not shown")
        return made.outcome()

    async def _id_of(self, ctx: Context, request: OperationRequest) -> str | None:
        found = await self._xendit.find(ctx, request)
        return None if found is None else found.id

    async def _listed(self, ctx: Context, payment_id: str) -> tuple[Refund, ...]:
        try:
            return await self._xendit.refunds(ctx, payment_id)
        except NotSent:
            raise ProviderUnclear("Xendit went away between two calls") from None

    def _was_made(self, made: Refund, key: str, amount: Money) -> AnyOutcome:
        moved = refund_of(made)
        if made.reference_id != key or moved.amount != amount:
            raise ProviderUnclear("Xendit answered about another refund")
        if moved.state is MovementState.PENDING:
            return Pending(movements=(moved,), next_action=Wait())
        if moved.state is MovementState.SUCCEEDED:
            return Succeeded(movements=(moved,))
        reason = made.failure_code or made.status
        return Declined(movements=(moved,), code=DECLINES.get(reason, "other"), provider_code=reason)
