"""The Stripe driver before the conformance kit: `kassa plugin check tests.plugins.stripe.subject:StripeSubject`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from kassa.plugins import card
from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble, Subject
from kassa.ports.money import Money, parse_decimal
from kassa.ports.payment import AnyNextAction, Movement, MovementState, PaymentMethod
from kassa.ports.secret import Secret
from tests.plugins.stripe.gateway import Gateway, Json
from tests.plugins.stripe.simulator import Simulator

WITHOUT_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
THREE_DECIMALS = "bhd jod kwd omr tnd"
STATES = {"succeeded": MovementState.SUCCEEDED, "pending": MovementState.PENDING, "failed": MovementState.REVERSED}


def money(units: int, currency: str) -> Money:
    """Stripe's units by its documentation, written down a second time."""
    decimals = 0 if currency in WITHOUT_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    text = f"{Decimal(units).scaleb(-decimals):f}"
    return parse_decimal(text, currency.upper())


def signature(body: bytes, secret: str, at: datetime) -> str:
    """The `Stripe-Signature` header, by its documentation."""
    stamp = str(int(at.timestamp()))
    return f"t={stamp},v1={hmac.new(secret.encode(), stamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class StripeDouble(ProviderDouble):
    """localstripe behind the gateway."""

    def __init__(self, upstream: str, secret_key: str) -> None:
        self.gateway = Gateway(upstream, secret_key)
        self.app = self.gateway

    async def open(self) -> None:
        await self.gateway.open()

    async def close(self) -> None:
        await self.gateway.close()

    async def charges(self) -> tuple[Charge, ...]:
        return tuple([await self._charge(one) for one in await self.gateway.intents()])

    async def _charge(self, raw: Json) -> Charge:
        return Charge(
            provider_ref=raw["id"],
            merchant_ref=raw["metadata"]["merchant_ref"],
            amount=money(raw["amount"], raw["currency"]),
            movements=tuple(await self._movements(raw)),
        )

    async def _movements(self, raw: Json) -> list[Movement]:
        charge, found, currency = raw["latest_charge"], [], raw["currency"]
        if charge is None or charge["status"] != "succeeded":
            return []
        if raw["capture_method"] == "manual":
            state = MovementState.REVERSED if raw["status"] == "canceled" else MovementState.SUCCEEDED
            found.append(Movement(kind="auth", id=charge["id"], state=state, amount=money(raw["amount"], currency)))
        if charge["captured"]:
            amount = money(self.gateway.dressing.received(raw), currency)
            found.append(Movement(kind="capture", id=charge["id"], state=MovementState.SUCCEEDED, amount=amount))
            for one in await self.gateway.refunds(raw["id"]):
                if one["balance_transaction"] is not None:
                    found.append(_moved("refund", one, STATES[one["status"]]))
        return found + [
            _moved("chargeback", one, MovementState.SUCCEEDED)
            for one in self.gateway.dressing.disputes
            if one["payment_intent"] == raw["id"]
        ]

    async def raw(self, merchant_ref: str) -> Json:
        """The payment as localstripe has it."""
        return next(one for one in await self.gateway.intents() if one["metadata"]["merchant_ref"] == merchant_ref)

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.gateway.authenticate((await self.raw(merchant_ref))["id"], success=True)

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.gateway.authenticate((await self.raw(merchant_ref))["id"], success=False)

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.gateway.notices)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Stripe-Signature", signature(body, secret, at)),)

    async def unknown_notice(self) -> bytes:
        self.gateway.dressing.tell("payment_intent.renamed", {"id": "pi_1", "metadata": {"merchant_ref": "KS-1"}})
        return self.gateway.notices.pop()

    async def reverse(self, movement: Movement, merchant_ref: str) -> None:
        self.gateway.dressing.failed.add(movement.id)
        intent_id = (await self.raw(merchant_ref))["id"]
        [refund] = [one for one in await self.gateway.refunds(intent_id) if one["id"] == movement.id]
        self.gateway.dressing.tell("refund.failed", refund)

    async def dispute(self, merchant_ref: str) -> None:
        self.gateway.dressing.dispute(await self.raw(merchant_ref))


def _moved(kind: Any, one: Json, state: MovementState) -> Movement:
    at = datetime.fromtimestamp(one["created"], UTC)
    return Movement(kind=kind, id=one["id"], state=state, amount=money(one["amount"], one["currency"]), at=at)


_CODES = ("EUR", "JPY", "KWD", "ISK", "MGA", "IDR")
[_OFFERED] = card.kassa_payment_methods()


def _few_currencies(whole: type[PaymentMethod[Any]] | None) -> type[PaymentMethod[Any]]:
    """The same class, taking one currency of each kind: the kit moves money in every one, and Stripe has 130."""
    assert whole is not None
    rules = tuple(one for one in whole.capabilities.amounts if one.currency in _CODES)
    named = {"capabilities": replace(whole.capabilities, amounts=rules), "__module__": whole.__module__}
    return type(whole.__name__, (whole,), named)


class StripeSubject(Subject):
    """Cards at Stripe: at once, with 3-D Secure on the issuer's page, refused for want of money."""

    factory = _OFFERED.driven("stripe")
    _kind = _few_currencies(factory.method)
    input: Mapping[str, Any] = {"payment_method": "pm_card_visa"}
    waiting_input: Mapping[str, Any] = {"payment_method": "pm_card_threeDSecureRequired"}
    declined_input: Mapping[str, Any] = {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"}
    declined_code = "insufficient_funds"
    simulator: Simulator | None = None

    @property
    def kind(self) -> type[PaymentMethod[Any]]:
        return self._kind

    def begin(self) -> None:
        self.simulator = Simulator()

    def end(self) -> None:
        if self.simulator is not None:
            self.simulator.stop()

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "driver": "stripe",
            "mode": "test",
            "base_url": base_url,
            "secret_key": Secret(self.api_key),
            "webhook_secret": Secret(self.webhook_secret),
        }

    def double(self) -> ProviderDouble:
        assert self.simulator is not None, "begin() comes first"
        return StripeDouble(self.simulator.url, self.api_key)

    def live_settings(self) -> dict[str, Any]:
        return {"secret_key": Secret(f"sk_live_{CANARY}")}

    def rotation(self) -> dict[str, Any]:
        return {"previous_webhook_secret": Secret(self.previous_webhook_secret)}
