"""Finding things at Stripe: a payment by its id or by our reference, and everything that happened to its money."""

from typing import Any

from kassa.ports.payment import Context, Movement, Report
from kassa.ports.provider_json import ProviderUnclear

from .answers import CAPTURE, MERCHANT_REF, OPERATION, dispute_movement, is_release, refund_movement, report
from .sdk import Sdk
from .shapes import Dispute, Disputes, Intent, Intents, Refund, Refunds

PAGE = 100
MOST_PAGES = 10
SEARCH_LAG_S = 2 * 3600
"""Stripe's search may be up to an hour behind. What is younger than twice that is looked for in the list, which is not."""


class Lookup:
    """Questions; nothing here changes anything."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk

    async def report(self, ctx: Context, merchant_ref: str, intent_id: str | None) -> Report:
        """The payment with all its movements. Raises `ProviderUnclear` where Stripe cannot say."""
        found = await self.intent(ctx, merchant_ref, intent_id)
        if found is None:
            return Report(found=False)
        return report(found, await self._further(ctx, found) if found.status == "succeeded" else ())

    async def intent(self, ctx: Context, merchant_ref: str, intent_id: str | None) -> Intent | None:
        """The payment, by its id or by our reference."""
        known = intent_id or await self._id_of(ctx, merchant_ref)
        if known is None:
            return None
        intent = await self._sdk.found(
            ctx, Intent, lambda v1: v1.payment_intents.retrieve_async(known, {"expand": ["latest_charge"]})
        )
        return None if intent is None else checked(intent, merchant_ref)

    async def answers(self, ctx: Context) -> bool:
        """Whether Stripe answers a question of ours."""
        await self._sdk.told(ctx, Intents, lambda v1: v1.payment_intents.list_async({"limit": 1}))
        return True

    async def captured_by(self, ctx: Context, merchant_ref: str, intent_id: str, key: str) -> Intent | None:
        """The payment, if the command of this key captured it."""
        intent = await self.intent(ctx, merchant_ref, intent_id)
        ours = intent is not None and intent.status == "succeeded" and intent.metadata.get(CAPTURE) == key
        return intent if ours else None

    async def refund_of(self, ctx: Context, intent_id: str, key: str) -> Refund | None:
        """The refund that the command of this key made. Raises `ProviderUnclear` for two."""
        found = [one for one in await self._refunds(ctx, intent_id) if (one.metadata or {}).get(OPERATION) == key]
        if len(found) > 1:
            raise ProviderUnclear("Stripe shows two refunds of one command")
        return found[0] if found else None

    async def _further(self, ctx: Context, intent: Intent) -> tuple[Movement, ...]:
        refunds = [one for one in await self._refunds(ctx, intent.id) if not is_release(one, intent)]
        disputes = await self._disputes(ctx, intent.id)
        return (*map(refund_movement, refunds), *map(dispute_movement, disputes))

    async def _refunds(self, ctx: Context, intent_id: str) -> list[Refund]:
        found: list[Refund] = []
        for _ in range(MOST_PAGES):
            page = await self._refunds_after(ctx, intent_id, found[-1].id if found else None)
            found += page.data
            if not page.has_more or not page.data:
                break
        else:
            raise ProviderUnclear("more refunds than can be looked through")
        if any(one.payment_intent not in (None, intent_id) for one in found):
            raise ProviderUnclear("Stripe answered about another payment")
        return found

    async def _refunds_after(self, ctx: Context, intent_id: str, after: str | None) -> Refunds:
        params: Any = {"payment_intent": intent_id, "limit": PAGE, **_from(after)}
        return await self._sdk.told(ctx, Refunds, lambda v1: v1.refunds.list_async(params))

    async def _disputes(self, ctx: Context, intent_id: str) -> tuple[Dispute, ...]:
        page = await self._sdk.told(
            ctx, Disputes, lambda v1: v1.disputes.list_async({"payment_intent": intent_id, "limit": PAGE})
        )
        if page.has_more or any(one.payment_intent not in (None, intent_id) for one in page.data):
            raise ProviderUnclear("Stripe answered about another payment, or of too many disputes")
        return page.data

    async def _id_of(self, ctx: Context, merchant_ref: str) -> str | None:
        """Young ones in the list, which is never behind; older ones in the search, which may be. None only where the list was
        seen to its end: else a payment could be too old for it and too young for the search."""
        listed, is_whole = await self._listed(ctx, merchant_ref)
        if listed is not None:
            return listed
        searched = await self._searched(ctx, merchant_ref)
        if searched is None and not is_whole:
            raise ProviderUnclear("more payments of late than can be looked through, and the search may be behind")
        return searched

    async def _listed(self, ctx: Context, merchant_ref: str) -> tuple[str | None, bool]:
        since = int(ctx.clock.now().timestamp()) - SEARCH_LAG_S
        after: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._intents_after(ctx, since, after)
            found = _only(page, merchant_ref)
            if found is not None or not page.has_more or not page.data:
                return found, True
            after = page.data[-1].id
        return None, False

    async def _intents_after(self, ctx: Context, since: int, after: str | None) -> Intents:
        params: Any = {"created": {"gte": since}, "limit": PAGE, **_from(after)}
        return await self._sdk.told(ctx, Intents, lambda v1: v1.payment_intents.list_async(params))

    async def _searched(self, ctx: Context, merchant_ref: str) -> str | None:
        if "'" in merchant_ref or "\\" in merchant_ref:
            raise ProviderUnclear("a reference that cannot be searched for")
        query = f"metadata['{MERCHANT_REF}']:'{merchant_ref}'"
        page = await self._sdk.told(ctx, Intents, lambda v1: v1.payment_intents.search_async({"query": query}))
        if any((one.metadata or {}).get(MERCHANT_REF) != merchant_ref for one in page.data):
            raise ProviderUnclear("Stripe answered about another payment")
        return _only(page, merchant_ref)


def _from(after: str | None) -> dict[str, str]:
    return {} if after is None else {"starting_after": after}


def _only(page: Intents, merchant_ref: str) -> str | None:
    """The one with our reference. Raises `ProviderUnclear` for two: neither is taken for ours."""
    found = [one.id for one in page.data if (one.metadata or {}).get(MERCHANT_REF) == merchant_ref]
    if len(found) > 1:
        raise ProviderUnclear("two payments of one reference")
    return found[0] if found else None


def checked(intent: Intent, merchant_ref: str) -> Intent:
    """The intent, if it is of this payment. Raises `ProviderUnclear`."""
    if intent.metadata.get(MERCHANT_REF) != merchant_ref:
        raise ProviderUnclear("Stripe answered about another payment")
    return intent
