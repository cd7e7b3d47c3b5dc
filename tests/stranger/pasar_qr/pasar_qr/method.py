"""The method. Pasar sends no notices: Kassa asks, by the poll list, until it knows.

An order is *put* under the shop's own reference, so that putting it again changes nothing; every request is signed.
"""

import hashlib
import hmac
from typing import Annotated, ClassVar
from urllib.parse import parse_qs, quote, urlencode

from msgspec import Meta, Struct

from kassa.ports.money import Money
from kassa.ports.payment import (
    AmountRule,
    AnyOutcome,
    Capabilities,
    Context,
    Declined,
    Movement,
    MovementState,
    NoInput,
    NotExecuted,
    NotSent,
    OperationRequest,
    PaymentMethod,
    Pending,
    ProviderStatus,
    QueryRequest,
    Report,
    ShowQr,
    StartRequest,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.secret import Secret

RUPIAH = 100
STATUSES: dict[str, ProviderStatus] = {
    "unpaid": "requires_action",
    "paid": "succeeded",
    "declined": "failed",
    "canceled": "canceled",
    "expired": "expired",
}
NOT_SENT = NotExecuted(reason="Pasar could not be reached")


class PasarConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a stall."""

    base_url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+\Z", max_length=200)]
    stall: Annotated[str, Meta(pattern=r"^[0-9]{1,12}\Z")]
    signing_key: Secret

    def __post_init__(self) -> None:
        """Refuse the key that everybody has."""
        if not self.signing_key.reveal().strip():
            raise ValueError("signing_key is blank")


class Refused(Exception):
    """Pasar did nothing; `args[0]` is its code."""


class Pasar(PaymentMethod[PasarConfig]):
    """Whole rupiah by QR code: paid once, in one piece, and not given back this way."""

    Config: ClassVar[type[Struct]] = PasarConfig
    Input: ClassVar[type[Struct]] = NoInput
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(AmountRule(currency="IDR", min=1_000 * RUPIAH, max=10_000_000 * RUPIAH, step=RUPIAH),),
        idempotency="merchant_ref",
        void=True,
        query_by_merchant_ref=True,
        query_consistency_s=1,
        next_actions=("show_qr", "wait"),
        expiry_s=(60, 900),
        poll_s=(1, 1, 2, 5, 15, 60, 300, 3600),
    )

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Put the order; the customer scans its code."""
        if not self.capabilities.takes(request.amount):
            return Declined(code="not_allowed", provider_code="amount")
        told = {"rupiah": str(request.amount.amount // RUPIAH), "until": str(int(request.expires_at.timestamp()))}
        try:
            order = await self._ask(ctx, "PUT", request.merchant_ref, told)
        except NotSent:
            return NOT_SENT
        except Refused as no:
            return Declined(code="limit_exceeded" if no.args[0] == "limit" else "other", provider_code=no.args[0])
        return _started(order)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the order."""
        try:
            order = await self._ask(ctx, "GET", request.merchant_ref)
        except Refused as no:
            if no.args[0] == "unknown":
                return Report(found=False)
            raise ProviderUnclear("a question was refused") from None
        return Report(
            found=True,
            status=STATUSES.get(order["status"], "pending"),
            provider_ref=order["order"],
            merchant_ref=order["reference"],
            movements=_movements(order),
            next_action=_code(order),
            decline_code="limit_exceeded" if order["status"] == "declined" else "",
        )

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Take the code back while nobody has paid."""
        try:
            order = await self._ask(ctx, "DELETE", request.merchant_ref)
        except NotSent:
            return NOT_SENT
        except Refused as no:
            return Declined(code="not_allowed", provider_code=no.args[0])
        if order["status"] != "canceled":
            raise ProviderUnclear("canceled, and yet not")
        return Succeeded(provider_ref=order["order"])

    async def health(self, ctx: Context) -> bool:
        """Whether Pasar answers, and takes our signature."""
        try:
            await self._ask(ctx, "GET", "health")
        except Refused as no:
            return "unknown" in no.args
        except Exception:  # whatever else: not well
            return False
        return True

    async def _ask(self, ctx: Context, verb: str, ref: str, told: dict[str, str] | None = None) -> dict[str, str]:
        """One signed request about one order. Raises `Refused`, `NotSent`, `ReplyLost`, `ProviderUnclear`."""
        path = f"/stalls/{self.config.stall}/orders/{quote(ref, safe='')}"
        body = urlencode(told or {}).encode()
        signed = f"{verb} {path}\n".encode() + body
        mac = hmac.new(self.config.signing_key.reveal().encode(), signed, hashlib.sha512).hexdigest()
        headers = [("pasar-signature", mac), ("content-type", "application/x-www-form-urlencoded")]
        reply = await ctx.http.request(verb, self.config.base_url + path, headers=headers, body=body)
        if reply.status == 422 or reply.status == 404:
            raise Refused(_form(reply.body, "refused")["refused"][:100])
        if reply.status != 200:
            raise ProviderUnclear(f"status {reply.status}")
        order = _form(reply.body, "order", "reference", "status", "rupiah", "code", "paid")
        if order["reference"] != ref:
            raise ProviderUnclear("another order")
        return order


def _form(body: bytes, *fields: str) -> dict[str, str]:
    """A form with exactly these fields. Raises `ProviderUnclear`."""
    try:
        told = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise ProviderUnclear("no form") from None
    if told.keys() != {*fields} or any(len(values) != 1 or len(values[0]) > 500 for values in told.values()):
        raise ProviderUnclear("another form")
    return {name: values[0] for name, values in told.items()}


def _started(order: dict[str, str]) -> AnyOutcome:
    if order["status"] == "paid":
        return Succeeded(provider_ref=order["order"], movements=_movements(order))
    if order["status"] in ("declined", "canceled", "expired"):
        code = "limit_exceeded" if order["status"] == "declined" else "other"
        return Declined(provider_ref=order["order"], code=code, provider_code=order["status"])  # type: ignore[arg-type]
    return Pending(provider_ref=order["order"], next_action=_code(order) or Wait())


def _code(order: dict[str, str]) -> ShowQr | None:
    return ShowQr(payload=order["code"]) if order["status"] == "unpaid" else None


def _movements(order: dict[str, str]) -> tuple[Movement, ...]:
    """`paid` is the id of the one payment there can be, and blank until it is there."""
    if not order["paid"]:
        return ()
    if not (order["rupiah"].isascii() and order["rupiah"].isdigit()):
        raise ProviderUnclear("no amount")
    amount = Money(amount=int(order["rupiah"]) * RUPIAH, currency="IDR")
    state = MovementState.SUCCEEDED if order["status"] in STATUSES else MovementState.PENDING
    return (Movement(kind="capture", id=order["paid"], state=state, amount=amount),)
