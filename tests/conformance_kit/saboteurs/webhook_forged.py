"""Those that believe forged notices, or fall over rubbish."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time

from msgspec.structs import replace

from kassa.ports.payment import AnyVerdict, Context, RawWebhook
from tests.conformance_kit.acme.double import AcmeDouble
from tests.conformance_kit.acme.method import Acme

from .kit import breaks

HEADER = "acme-signature"


class Signing(Acme):
    """Acme Pay, but it signs what it was sent itself when `is_believed` says so."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        if self.is_believed(ctx, raw):
            secret = self.config.webhook_secret.reveal()
            signed = AcmeDouble("").sign(raw.body, secret, ctx.clock.now())
            raw = replace(raw, headers=signed)
        return await super().webhook(ctx, raw)

    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        return False

    def given(self, raw: RawWebhook) -> list[str]:
        return [value for name, value in raw.headers if name.lower() == HEADER]

    def mac(self, at: str, body: bytes, secret: str = "") -> str:
        key = secret or self.config.webhook_secret.reveal()
        return hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


@breaks("webhook.unsigned")
class BelievesTheUnsigned(Signing):
    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        return not self.given(raw)


@breaks("webhook.wrong-secret")
class BelievesTheEmptySecret(Signing):
    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        at, _, mac = (raw.header(HEADER) or "").partition(".")
        return mac == hmac.new(b"", at.encode() + b"." + raw.body, hashlib.sha256).hexdigest()


@breaks("webhook.rotation")
class BelievesAnybodyDuringAChange(Signing):
    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        return self.config.previous_webhook_secret is not None


@breaks("webhook.tampered-signature")
class ComparesTheBeginning(Signing):
    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        at, _, mac = (raw.header(HEADER) or "").partition(".")
        fresh = at.isascii() and at.isdigit() and abs(ctx.clock.now().timestamp() - int(at)) < 300
        return fresh and mac[:60] == self.mac(at, raw.body)[:60]


@breaks("webhook.repeated-header")
class TakesTheFirstOfTwo(Signing):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        first = [(HEADER, value) for value in self.given(raw)][:1]
        return await super().webhook(ctx, replace(raw, headers=tuple(first)))


@breaks("webhook.stale")
class NeverForgets(Signing):
    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        at, _, mac = (raw.header(HEADER) or "").partition(".")
        return mac == self.mac(at, raw.body)


@breaks("webhook.tampered-body")
class SignsWhatItUnderstood(Signing):
    """Compares the signature with that of the text as it would have written it itself: spaces do not count."""

    def is_believed(self, ctx: Context, raw: RawWebhook) -> bool:
        at, _, mac = (raw.header(HEADER) or "").partition(".")
        fresh = at.isascii() and at.isdigit() and abs(ctx.clock.now().timestamp() - int(at)) < 300
        try:
            understood = json.dumps(json.loads(raw.body)).encode()
        except (ValueError, RecursionError):
            return False
        return fresh and mac == self.mac(at, understood)


@breaks("webhook.garbage")
class ReadsBeforeItProves(Acme):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        with contextlib.suppress(json.JSONDecodeError):
            json.loads(raw.body)
        return await super().webhook(ctx, raw)


@breaks("webhook.garbage")
class ThinksBeforeItProves(Acme):
    """Work that a stranger can order by the kilobyte."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        if len(raw.body) > 500_000:
            time.sleep(1.1)
        return await super().webhook(ctx, raw)
