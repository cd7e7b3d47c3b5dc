"""Those that hear genuine notices wrongly."""

from __future__ import annotations

from msgspec.structs import replace

from kassa.ports.payment import Accept, AnyVerdict, Context, Event, Ignore, RawWebhook, Reject
from tests.conformance_kit.acme.method import Acme
from tests.conformance_kit.acme.weaker import AcmeFields, AcmeFieldsSubject, AcmeToken, AcmeTokenSubject

from .kit import MODULE, breaks, factory_of


class Altered(Acme):
    """Acme Pay, but for what `altered` makes of an event."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        verdict = await super().webhook(ctx, raw)
        if not isinstance(verdict, Accept):
            return verdict
        return Accept(events=tuple(self.altered(event, raw) for event in verdict.events))

    def altered(self, event: Event, raw: RawWebhook) -> Event:
        return event


@breaks("webhook.genuine")
class TellsNotWhichPayment(Altered):
    def altered(self, event: Event, raw: RawWebhook) -> Event:
        return replace(event, provider_ref=None, merchant_ref=None)


@breaks("webhook.genuine")
class ReadsOneSpellingOfItsHeader(Acme):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        if any(name.lower() == "acme-signature" and name.islower() for name, _ in raw.headers):
            return Reject(reason="no signature")
        return await super().webhook(ctx, raw)


@breaks("webhook.report")
class SaysLessThanWasSigned(Altered):
    def altered(self, event: Event, raw: RawWebhook) -> Event:
        return replace(event, report=None)


@breaks("webhook.event-ids")
class NamesEventsByPayment(Altered):
    def altered(self, event: Event, raw: RawWebhook) -> Event:
        return replace(event, event_id=event.provider_ref or "")


@breaks("webhook.event-ids")
class NamesEventsByTheirDelivery(Altered):
    def altered(self, event: Event, raw: RawWebhook) -> Event:
        return replace(event, event_id=f"{event.event_id}/{raw.header('acme-signature')}")


@breaks("webhook.order")
class CountsOnTheOrder(Altered):
    """Takes the first money that it hears of for what the payment began with."""

    first: str = ""

    def altered(self, event: Event, raw: RawWebhook) -> Event:
        if event.report is None or not event.report.movements:
            return event
        told = event.report.movements
        self.first = self.first or told[-1].id
        named = tuple(replace(one, kind=told[0].kind) if one.id == self.first else one for one in told)
        return replace(event, report=replace(event.report, movements=named))


@breaks("webhook.unknown-type")
class RefusesWhatIsNew(Acme):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        verdict = await super().webhook(ctx, raw)
        return Reject(reason="no such type") if isinstance(verdict, Ignore) else verdict


@breaks("webhook.asks-nobody")
class AsksBack(Acme):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        verdict = await super().webhook(ctx, raw)
        for event in verdict.events if isinstance(verdict, Accept) else ():
            await self._find(ctx, event.merchant_ref or "")
        return verdict


@breaks("webhook.rotation")
class TakesOneSecretOnly(Acme):
    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        alone = type(self)(replace(self.config, previous_webhook_secret=None))
        return await Acme.webhook(alone, ctx, raw)


class BelievesAToken(AcmeToken):
    """A token says who sends, not what is true."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        return self.judged(raw)


class BelievesMoreThanWasSigned(AcmeFields):
    """The signature covers ids, and this reads the status."""

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        return self.judged(raw)


@breaks("webhook.hint-only")
class TokenBeliever(AcmeTokenSubject):
    factory = factory_of(BelievesAToken)
    module = MODULE


@breaks("webhook.hint-only")
class FieldsBeliever(AcmeFieldsSubject):
    factory = factory_of(BelievesMoreThanWasSigned)
    module = MODULE
