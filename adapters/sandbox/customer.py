"""The customer's side: the approval page of a charge, and money sent through the bank."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from . import charges, pages
from .model import Charge, Transfer, new_id, shown
from .provider import Provider
from .shapes import Amount, Currency, Text
from .wire import Answer, Request, Route, json_answer


class NewTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant` names who is told of money that matches no account; otherwise such a transfer is a 404."""

    account_number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,34}\Z")]
    amount: Amount
    currency: Currency
    reference: Text | None = None
    payer_name: Text | None = None
    merchant: str | None = None


class Customer:
    """The handlers that a browser or a bank customer meets."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._books = provider.books

    def routes(self) -> list[Route]:
        return [
            ("GET", "/", self.landing),
            ("GET", "/pay/{id}", self.page),
            ("POST", "/pay/{id}/approve", self.approve),
            ("POST", "/pay/{id}/decline", self.decline),
            ("POST", "/bank/transfers", self.transfer),
        ]

    async def landing(self, request: Request) -> Answer:
        return pages.landing(self._provider.options.amount_faults)

    async def page(self, request: Request) -> Answer:
        return pages.payment(self._books.charge(request.params["id"]))

    async def approve(self, request: Request) -> Answer:
        return self._clicked(request, "approve")

    async def decline(self, request: Request) -> Answer:
        return self._clicked(request, "decline")

    def _clicked(self, request: Request, choice: Literal["approve", "decline"]) -> Answer:
        """Only a charge that waits for its customer changes; every later click just shows what became of it."""
        charge = self._books.charge(request.params["id"])
        if charge.status == "requires_action":
            charge = self._provider.change(f"customer_{choice}d", _decided(charge, choice))
        if charge.return_url is not None:
            return Answer(303, headers=[("location", charge.return_url), *pages.SAFETY_HEADERS])
        return pages.payment(charge)

    async def transfer(self, request: Request) -> Answer:
        new = request.json(NewTransfer)
        transfer = Transfer(
            id=new_id("trf"),
            account_number=new.account_number,
            amount=new.amount,
            currency=new.currency,
            created=charges.now(),
            reference=new.reference,
            payer_name=new.payer_name,
        )
        known = self._books.account_by_number(new.account_number)
        if known is None and new.merchant is not None:
            done = self._provider.receive_unmatched(new.merchant, transfer)
            return json_answer(201, {"transfer": done, "account": None})
        done = self._provider.receive_transfer(transfer)
        account = self._books.accounts[done.account_id or ""]
        return json_answer(201, {"transfer": done, "account": shown(account)})


def _decided(charge: Charge, choice: Literal["approve", "decline"]) -> Charge:
    if choice == "approve":
        return charges.paid(charge)
    return charges.ended(charge, "declined", "customer_declined")
