"""The merchant's API for cards and wallets: `/v1/charges`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from . import charges
from .calls import Calls, Done, merchant_ref_of
from .model import Charge, Merchant, Refused, new_id, shown
from .options import is_web_address
from .provider import Chosen, Provider
from .shapes import NewCharge, Nothing, Part
from .wire import Answer, Request, Route


class ChargeApi:
    """Each handler says what its command does and leaves the rest to `Calls`."""

    def __init__(self, provider: Provider, calls: Calls) -> None:
        self._provider = provider
        self._books = provider.books
        self._calls = calls

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/charges", self.create_charge),
            ("GET", "/v1/charges", self.list_charges),
            ("GET", "/v1/charges/{id}", self.show_charge),
            ("POST", "/v1/charges/{id}/capture", self.capture),
            ("POST", "/v1/charges/{id}/void", self.void),
            ("POST", "/v1/charges/{id}/refunds", self.refund_charge),
        ]

    async def create_charge(self, request: Request) -> Answer:
        self._calls.merchant(request)
        new = request.json(NewCharge)
        if new.kind == "card" and new.source is None:
            raise Refused(400, "source_required", "a card payment needs a source token")
        if new.return_url is not None and not is_web_address(new.return_url):
            raise Refused(400, "invalid_return_url", "return_url is an http or https address")

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            used = self._books.charges_by_ref(merchant.name, new.merchant_ref)
            if used and merchant.refuses_used_references:
                raise Refused(409, "duplicate_reference", "a charge with this merchant_ref exists")
            return self._decide(self._blank_charge(merchant, new, chosen), chosen)

        amount = new.amount if new.kind == "wallet" else None
        return await self._calls.command(request, "charge", act, source=new.source, amount=amount)

    def _blank_charge(self, merchant: Merchant, new: NewCharge, chosen: Chosen) -> Charge:
        charge_id = new_id("ch")
        return Charge(
            id=charge_id,
            merchant=merchant.name,
            merchant_ref=new.merchant_ref,
            kind=new.kind,
            amount=new.amount,
            currency=new.currency,
            status="pending",
            capture=new.capture,
            created=charges.now(),
            redirect_url=f"{self._provider.base_url}/pay/{charge_id}",
            return_url=new.return_url,
            metadata=new.metadata,
            plan=chosen.fault.plan(chosen.refunds),
        )

    def _decide(self, blank: Charge, chosen: Chosen) -> Done:
        after = charges.started(blank, chosen.fault)
        if after.status in ("declined", "pending"):
            after = replace(after, redirect_url=None)
        earlier = None
        if after.plan.notify == "newest_first" and after.status in ("succeeded", "authorized"):
            earlier = charges.started(blank, replace(chosen.fault, outcome="pending"))
            after = charges.paid(earlier)
        return Done(201, "created", after, earlier=earlier)

    async def list_charges(self, request: Request) -> Answer:
        merchant_ref = merchant_ref_of(request)

        def look(merchant: Merchant) -> dict[str, Any]:
            return {"data": [shown(one) for one in self._books.charges_by_ref(merchant.name, merchant_ref)]}

        return await self._calls.query(request, look, missing={"data": []})

    async def show_charge(self, request: Request) -> Answer:
        def look(merchant: Merchant) -> dict[str, Any]:
            return shown(self._books.charge(request.params["id"], merchant.name))

        return await self._calls.query(request, look, missing=None)

    async def capture(self, request: Request) -> Answer:
        self._calls.merchant(request)
        part = request.json(Part)

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            charge = self._books.charge(request.params["id"], merchant.name)
            if merchant.refuses_used_references:
                charges.check_unused(charge, part.merchant_ref)
            after = charges.captured(charge, part.amount, part.merchant_ref, chosen.fault)
            return Done(201, "captured", after, movement=after.movements[-1])

        return await self._calls.command(request, "capture", act)

    async def void(self, request: Request) -> Answer:
        self._calls.merchant(request)
        request.json(Nothing)

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            charge = self._books.charge(request.params["id"], merchant.name)
            if chosen.fault.outcome == "decline":
                raise Refused(409, "not_voidable", "scripted: the void is refused")
            after = charges.voided(charge)
            return Done(200, "voided", after, changed=after != charge)

        return await self._calls.command(request, "void", act)

    async def refund_charge(self, request: Request) -> Answer:
        self._calls.merchant(request)
        part = request.json(Part)

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            charge = self._books.charge(request.params["id"], merchant.name)
            if merchant.refuses_used_references:
                charges.check_unused(charge, part.merchant_ref)
            movement = charges.refund_movement(charge, part.amount, part.merchant_ref, chosen.fault)
            after = replace(charge, movements=(*charge.movements, movement))
            return Done(201, "refunded", after, movement=movement)

        return await self._calls.command(request, "refund", act)
