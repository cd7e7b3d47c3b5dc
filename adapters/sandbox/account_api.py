"""The merchant's API for bank transfers: `/v1/virtual-accounts`."""

from __future__ import annotations

import secrets
from typing import Any

from msgspec.structs import replace

from . import accounts, charges
from .calls import Calls, Done, merchant_ref_of
from .model import Merchant, Refused, VirtualAccount, new_id, shown
from .provider import Chosen, Provider
from .shapes import NewAccount, Nothing, Part
from .wire import Answer, Request, Route


class AccountApi:
    """Each handler says what its command does and leaves the rest to `Calls`."""

    def __init__(self, provider: Provider, calls: Calls) -> None:
        self._provider = provider
        self._books = provider.books
        self._calls = calls

    def routes(self) -> list[Route]:
        return [
            ("POST", "/v1/virtual-accounts", self.create_account),
            ("GET", "/v1/virtual-accounts", self.list_accounts),
            ("GET", "/v1/virtual-accounts/{id}", self.show_account),
            ("POST", "/v1/virtual-accounts/{id}/close", self.close_account),
            ("POST", "/v1/virtual-accounts/{id}/refunds", self.refund_account),
        ]

    async def create_account(self, request: Request) -> Answer:
        self._calls.merchant(request)
        new = request.json(NewAccount)

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            used = self._books.accounts_by_ref(merchant.name, new.merchant_ref)
            if used and merchant.refuses_used_references:
                raise Refused(409, "duplicate_reference", "an account with this merchant_ref exists")
            if chosen.fault.outcome == "decline":
                raise Refused(402, "declined", "scripted: the bank opens no account")
            return Done(201, "created", self._new_account(merchant, new, chosen))

        return await self._calls.command(request, "va", act, amount=new.amount)

    def _new_account(self, merchant: Merchant, new: NewAccount, chosen: Chosen) -> VirtualAccount:
        return VirtualAccount(
            id=new_id("va"),
            merchant=merchant.name,
            merchant_ref=new.merchant_ref,
            account_number=f"88{secrets.randbelow(10**12):012d}",
            bank_name="Sandbox Bank",
            holder=f"Sandbox for {merchant.name}",
            reference=secrets.token_hex(4).upper(),
            amount=new.amount,
            currency=new.currency,
            status="open",
            created=charges.now(),
            expires_at=new.expires_at,
            plan=chosen.fault.plan(),
        )

    async def list_accounts(self, request: Request) -> Answer:
        merchant_ref = merchant_ref_of(request)

        def look(merchant: Merchant) -> dict[str, Any]:
            found = self._books.accounts_by_ref(merchant.name, merchant_ref)
            return {"data": [shown(self._provider.up_to_date(one)) for one in found]}

        return await self._calls.query(request, look, missing={"data": []})

    async def show_account(self, request: Request) -> Answer:
        def look(merchant: Merchant) -> dict[str, Any]:
            found = self._books.account(request.params["id"], merchant.name)
            return shown(self._provider.up_to_date(found))

        return await self._calls.query(request, look, missing=None)

    async def close_account(self, request: Request) -> Answer:
        self._calls.merchant(request)
        request.json(Nothing)

        def act(merchant: Merchant, _: Chosen) -> Done:
            account = self._books.account(request.params["id"], merchant.name)
            after = accounts.closed(account)
            return Done(200, "closed", after, changed=after != account)

        return await self._calls.command(request, "void", act)

    async def refund_account(self, request: Request) -> Answer:
        self._calls.merchant(request)
        part = request.json(Part)

        def act(merchant: Merchant, chosen: Chosen) -> Done:
            account = self._books.account(request.params["id"], merchant.name)
            if merchant.refuses_used_references:
                charges.check_unused(account, part.merchant_ref)
            movement = charges.refund_movement(account, part.amount, part.merchant_ref, chosen.fault)
            after = replace(account, movements=(*account.movements, movement))
            return Done(201, "refunded", after, movement=movement)

        return await self._calls.command(request, "refund", act)
