"""The test's hand: settle, dispute, script faults, read journal and books. No authentication: keep it on loopback."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace

from . import accounts, charges, faults
from .model import Charge, FaultsSet, Merchant, MerchantSet, NextFault, Payable, Recognises, Refused, shown
from .options import BadOption, checked
from .provider import Provider
from .shapes import Nothing
from .wire import Answer, Request, Route, json_answer

HIDDEN = "hidden"


class MerchantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    secret_key: str
    webhook_secret: str
    webhook_url: str | None = None
    idempotency: Recognises = "both"


class FaultsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant` may be left out while there is only one."""

    next: Annotated[tuple[NextFault, ...], msgspec.Meta(max_length=1000)]
    merchant: str | None = None


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: Literal["succeeded", "declined", "expired"]
    decline_code: str = "do_not_honor"


class SettleMovement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    status: Literal["succeeded", "failed", "reversed"]


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Any event, genuine in its signature; `merchant` may be left out while there is only one."""

    type: Annotated[str, msgspec.Meta(max_length=100)]
    data: dict[str, Any] = {}
    merchant: str | None = None


class Resend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    event_id: str
    times: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1


class Control:
    """The handlers under `/control`."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._books = provider.books

    def routes(self) -> list[Route]:
        return [
            ("PUT", "/control/merchants/{name}", self.put_merchant),
            ("PUT", "/control/faults", self.put_faults),
            ("POST", "/control/charges/{id}/settle", self.settle),
            ("POST", "/control/charges/{id}/dispute", self.dispute),
            ("POST", "/control/movements/{id}/settle", self.settle_movement),
            ("POST", "/control/virtual-accounts/{id}/expire", self.expire),
            ("GET", "/control/journal", self.journal),
            ("GET", "/control/books", self.statement),
            ("GET", "/control/webhooks", self.webhooks),
            ("POST", "/control/webhooks/resend", self.resend),
            ("POST", "/control/webhooks/send", self.send),
            ("POST", "/control/reset", self.reset),
        ]

    async def put_merchant(self, request: Request) -> Answer:
        body = request.json(MerchantBody)
        try:
            merchant = checked(Merchant(request.params["name"], **msgspec.structs.asdict(body)))
        except BadOption as error:
            raise Refused(400, "invalid_request", str(error)) from error
        self._provider.set_merchant(merchant)
        return json_answer(200, {"name": merchant.name, "webhook_url": merchant.webhook_url})

    async def put_faults(self, request: Request) -> Answer:
        body = request.json(FaultsBody)
        merchant = self._named(body.merchant)
        for waiting in body.next:
            if waiting.fault not in faults.FAULTS:
                raise Refused(400, "unknown_fault", f"{waiting.fault!r} is not one of the faults")
        self._provider.record(FaultsSet(merchant, body.next))
        return json_answer(200, {"merchant": merchant, "next": body.next})

    def _named(self, name: str | None) -> str:
        """The merchant of this name; the only one if none is named."""
        names = list(self._books.merchants)
        merchant = name if name is not None or len(names) != 1 else names[0]
        if merchant is None or merchant not in names:
            raise Refused(400, "unknown_merchant", "name one of the merchants")
        return merchant

    async def settle(self, request: Request) -> Answer:
        body = request.json(Settle)
        charge = self._books.charge(request.params["id"])
        if body.status == "succeeded":
            after = charges.paid(charge)
        else:
            code = body.decline_code if body.status == "declined" else None
            after = charges.ended(charge, body.status, code)
        return json_answer(200, shown(self._provider.change("settled", after)))

    async def dispute(self, request: Request) -> Answer:
        request.json(Nothing)
        after = charges.disputed(self._books.charge(request.params["id"]))
        return json_answer(200, shown(self._provider.change("disputed", after)))

    async def settle_movement(self, request: Request) -> Answer:
        body = request.json(SettleMovement)
        movement_id = request.params["id"]
        payable = self._holder(movement_id)
        first = isinstance(payable, Charge) and payable.movements[0].id == movement_id
        if first and body.status != "reversed":
            raise Refused(409, "settle_the_charge", "this movement is decided with its charge")
        after = charges.movement_settled(payable, movement_id, body.status)
        return json_answer(200, shown(self._provider.change("movement_settled", after)))

    def _holder(self, movement_id: str) -> Payable:
        for payable in self._provider.payables():
            if any(movement.id == movement_id for movement in payable.movements):
                return payable
        raise Refused(404, "not_found", "there is no such movement")

    async def expire(self, request: Request) -> Answer:
        request.json(Nothing)
        account = self._books.account(request.params["id"])
        after = accounts.closed(account, "expired")
        if after != account:
            self._provider.change("expired", after)
        return json_answer(200, shown(after))

    async def journal(self, request: Request) -> Answer:
        """Every line, or those after line number `after`; of a merchant's secrets only that they exist."""
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= 12):
            raise Refused(400, "invalid_request", "after is a line number")
        lines = [
            replace(line, fact=_masked(line.fact)) if isinstance(line.fact, MerchantSet) else line
            for line in self._provider.journal.lines[int(after) :]
        ]
        return json_answer(200, {"entries": lines})

    async def statement(self, request: Request) -> Answer:
        return json_answer(200, self._books.statement())

    async def webhooks(self, request: Request) -> Answer:
        given_up = [d for d in self._books.deliveries.values() if d.final and not _arrived(d.status)]
        counts: dict[str, Any] = {
            "events": len(self._books.events),
            "in_flight": self._provider.webhooks.in_flight,
            "given_up": len(given_up),
        }
        return json_answer(200, counts)

    async def resend(self, request: Request) -> Answer:
        body = request.json(Resend)
        event = self._books.events.get(body.event_id)
        if event is None:
            raise Refused(404, "not_found", "there is no such event")
        statuses = await self._provider.webhooks.resend(event, body.times)
        return json_answer(200, {"event_id": event.event_id, "statuses": statuses})

    async def send(self, request: Request) -> Answer:
        body = request.json(Notice)
        return json_answer(200, {"event_id": self._provider.tell(self._named(body.merchant), body.type, body.data)})

    async def reset(self, request: Request) -> Answer:
        request.json(Nothing)
        await self._provider.reset()
        return json_answer(200, {"merchants": sorted(self._books.merchants)})


def _masked(fact: MerchantSet) -> MerchantSet:
    return MerchantSet(replace(fact.merchant, secret_key=HIDDEN, webhook_secret=HIDDEN))


def _arrived(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
