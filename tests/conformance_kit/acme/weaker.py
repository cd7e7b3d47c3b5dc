"""Acme Pay as it would be if its notices proved less: a shared token, or a signature over some fields. Right all the same."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec.structs import replace

from kassa.ports.conformance.payment_method import Headers, ProviderDouble
from kassa.ports.hooks import PaymentMethodFactory, hookimpl
from kassa.ports.payment import Accept, AnyVerdict, Capabilities, Context, Event, Ignore, RawWebhook, Reject
from tests.conformance_kit.acme.dialogue import Paid, report
from tests.conformance_kit.acme.double import AcmeDouble, AcmeSubject
from tests.conformance_kit.acme.method import Acme, Notice


class Weaker(Acme):
    """What both have in common: a notice that is let in is a hint."""

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        raise NotImplementedError

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        verdict = self.judged(raw)
        if not isinstance(verdict, Accept):
            return verdict
        return Accept(events=tuple(replace(event, report=None) for event in verdict.events))

    def judged(self, raw: RawWebhook) -> AnyVerdict:
        """The verdict with all that the notice says."""
        if not any(self.is_let_in(raw, secret.reveal()) for secret in self.config.webhook_secrets):
            return Reject(reason="not from Acme")
        try:
            notice = msgspec.json.decode(raw.body, type=Notice)
            if notice.type != "payment.changed":
                return Ignore()
            paid = msgspec.json.decode(notice.payment, type=Paid)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Reject(reason="from Acme, but not a notice")
        event = Event(event_id=notice.event_id, provider_ref=paid.id, merchant_ref=paid.ref, report=report(paid))
        return Accept(events=(event,))


class AcmeToken(Weaker):
    """The token is in a header and says nothing about the body."""

    capabilities: ClassVar[Capabilities] = replace(Acme.capabilities, webhook_trust="shared_token")

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        return hmac.compare_digest((raw.header("acme-token") or "").encode(), secret.encode())


class AcmeFields(Weaker):
    """The signature covers the ids, and not what became of the payment."""

    capabilities: ClassVar[Capabilities] = replace(Acme.capabilities, webhook_trust="signed_fields")

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        return hmac.compare_digest((raw.header("acme-fields") or "").encode(), of_fields(raw.body, secret).encode())


class AcmeSealed(Weaker):
    """The same signature, but in the notice itself and not in a header."""

    capabilities: ClassVar[Capabilities] = replace(Acme.capabilities, webhook_trust="signed_fields")

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        return hmac.compare_digest(seal_in(raw.body).encode(), of_fields(raw.body, secret).encode())


def seal_in(body: bytes) -> str:
    """The signature that a notice holds; blank where there is none."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = told.get("seal") if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


def of_fields(body: bytes, secret: str) -> str:
    """The MAC of the ids in a notice; of nothing, where there are none."""
    try:
        told: Any = json.loads(body)
        ids = f"{told['event_id']}/{told['payment']['id']}/{told['payment']['ref']}"
    except (ValueError, LookupError, TypeError, RecursionError):
        ids = ""
    return hmac.new(secret.encode(), ids.encode(), hashlib.sha256).hexdigest()


class TokenDouble(AcmeDouble):
    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Acme-Token", secret),)


class FieldsDouble(AcmeDouble):
    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Content-Type", "application/json"), ("Acme-Fields", of_fields(body, secret)))


class SealedDouble(AcmeDouble):
    def __init__(self, api_key: str, webhook_secret: str) -> None:
        super().__init__(api_key)
        self.webhook_secret = webhook_secret

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(self.seal(body, self.webhook_secret) for body in self.books.notices)

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("Content-Type", "application/json"),)

    def seal(self, body: bytes, secret: str) -> bytes:
        try:
            told: Any = json.loads(body)
        except (ValueError, RecursionError):
            return body
        if not isinstance(told, dict):
            return body
        return json.dumps(told | {"seal": of_fields(body, secret)}).encode()


TOKEN = PaymentMethodFactory(id="acme_token", api=(1, 0), method=AcmeToken, title="Acme Pay with a token")
FIELDS = PaymentMethodFactory(id="acme_fields", api=(1, 0), method=AcmeFields, title="Acme Pay with signed fields")
SEALED = PaymentMethodFactory(id="acme_sealed", api=(1, 0), method=AcmeSealed, title="Acme Pay with a seal")


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """All of them."""
    return (TOKEN, FIELDS, SEALED)


class AcmeTokenSubject(AcmeSubject):
    """`webhook_secret` is the token."""

    factory = TOKEN

    def double(self) -> ProviderDouble:
        return TokenDouble(self.api_key)


class AcmeFieldsSubject(AcmeSubject):
    """`webhook_secret` signs the ids."""

    factory = FIELDS

    def double(self) -> ProviderDouble:
        return FieldsDouble(self.api_key)


class AcmeSealedSubject(AcmeSubject):
    """`webhook_secret` signs the ids, within the notice."""

    factory = SEALED

    def double(self) -> ProviderDouble:
        return SealedDouble(self.api_key, self.webhook_secret)
