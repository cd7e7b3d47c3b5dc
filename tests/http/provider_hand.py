"""What customers, banks and time do at the sandbox provider, by method: for stories."""

import asyncio
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from tests.http.caller import Caller, fresh, stock
from tests.walks.shop import ServedShop

INPUT: dict[str, dict[str, str]] = {"card": {"source": "tok_3ds"}, "e_wallet": {}, "bank_transfer": {}}
"""How each method is begun so that its customer has to do something."""


@dataclass
class Story:
    """One customer, one order of two of something (of five), and a way to pay."""

    shop: ServedShop
    buyer: Caller
    method: str
    product_id: int
    invoice_id: str
    total: dict[str, Any]
    payment_id: int = 0
    account: str = ""

    @classmethod
    async def begun(cls, shop: ServedShop, buyer: Caller, operator: Caller, method: str) -> "Story":
        """The order is placed, its payment begun: it waits for the customer, and the stock is held."""
        made = await stock(operator, price=1500, quantity=5)
        assert (await buyer.put(made["id"], 2)).status_code == 200
        placed = await buyer.check_out()
        assert placed.status_code == 201, placed.text
        order = placed.json()["order"]
        story = cls(shop, buyer, method, made["id"], order["invoice_id"], order["total"])
        await story.start()
        assert (await story.order(), await story.left()) == ("awaiting_payment", 3)
        return story

    async def start(self, method: str = "", **given: str) -> dict[str, Any]:
        """Begin to pay, by this story's method unless another is named."""
        name = method or self.method
        body = {"invoice_id": self.invoice_id, "method": name, "input": given or INPUT[name]}
        answer = await self.buyer.ask("POST", "/v1/payments", key=fresh("pay"), json=body)
        assert answer.status_code in (201, 202), answer.text
        payment: dict[str, Any] = answer.json()
        self.payment_id = payment["id"]
        if payment["next_action"] is not None and name == "bank_transfer":
            self.account = payment["next_action"]["account_number"]
        return payment

    # --- looking ----------------------------------------------------------------------------------------------

    async def payment(self, **given: Any) -> Any:
        return await self.buyer.get(f"/v1/payments/{self.payment_id}", **given)

    async def order(self) -> str:
        status: str = (await self.buyer.get(f"/v1/orders/{self.invoice_id}"))["status"]
        return status

    async def left(self) -> int:
        """How many of the product can be bought."""
        quantity: int = (await self.buyer.get(f"/v1/products/{self.product_id}"))["quantity"]
        return quantity

    async def becomes(self, payment: str, order: str, left: int, within_s: float = 20) -> None:
        """Wait until the payment, its order and the stock are so; the provider's notice is on its way."""
        seen: tuple[Any, ...] = ()
        for _ in range(int(within_s / 0.05)):
            seen = ((await self.payment())["status"], await self.order(), await self.left())
            if seen == (payment, order, left):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.method}: {seen}, not {(payment, order, left)}: {self.shop.log()}")

    def books(self) -> dict[str, Any]:
        """What the provider has for this payment, by its own books."""
        rows = self.shop.books()[self.method]
        (found,) = [row for ref, row in rows.items() if ref.startswith(self.invoice_id)]
        mine: dict[str, Any] = found
        return mine

    # --- at the provider --------------------------------------------------------------------------------------

    async def pays(self) -> None:
        """The customer does what is asked: approves, or sends the money."""
        if self.method == "bank_transfer":
            await self._there("/bank/transfers", account_number=self.account, **self.total)
        else:
            await self._there(f"/pay/{self.there}/approve", follow=False)

    async def declines(self) -> None:
        """The customer says no on the provider's page."""
        await self._there(f"/pay/{self.there}/decline", follow=False)

    async def expires(self) -> None:
        """The provider waits no longer."""
        if self.method == "bank_transfer":
            await self._there(f"/control/virtual-accounts/{self.there}/expire")
        else:
            await self._there(f"/control/charges/{self.there}/settle", status="expired")

    async def pays_late(self) -> None:
        """Money comes nevertheless."""
        if self.method == "bank_transfer":
            await self.pays()
        else:
            await self._there(f"/control/charges/{self.there}/settle", status="succeeded")

    @property
    def there(self) -> str:
        """The payment's id at the provider."""
        (found,) = self.books()["ids"]
        return str(found)

    async def _there(self, path: str, *, follow: bool = True, **body: Any) -> None:
        async with httpx.AsyncClient(base_url=self.shop.sandbox.url, trust_env=False, verify=False) as client:
            answer = await client.post(path, json=body) if follow else await client.post(path)
        assert answer.status_code < 400, answer.text

    # --- time -------------------------------------------------------------------------------------------------

    async def waits_in_vain(self) -> None:
        """The time to pay goes by. The shop's clock is the machine's, so what waits for a moment is told that it was an hour
        ago, in the database."""
        ago = datetime.now(UTC) - timedelta(hours=1)
        database = self.shop.settings.database_url
        if self.shop.embedded:
            await asyncio.to_thread(self._past_in_sqlite, database.removeprefix("sqlite:///"), ago)
            return
        connection = await asyncpg.connect(database)
        try:
            async with connection.transaction():
                for statement in _past("$1", "$2"):
                    await connection.execute(statement, ago, self.invoice_id)
        finally:
            await connection.close()

    def _past_in_sqlite(self, path: str, ago: datetime) -> None:
        with sqlite3.connect(path, timeout=20) as connection:
            for statement in _past("?1", "?2"):
                connection.execute(statement, (int(ago.timestamp() * 1_000_000), self.invoice_id))
        connection.close()


def _past(moment: str, invoice: str) -> list[str]:
    mine = f"SELECT id FROM payments WHERE invoice_id = {invoice}"
    return [
        f"UPDATE operations SET next_check_at = {moment} WHERE next_check_at IS NOT NULL AND payment_id IN ({mine})",
        f"UPDATE payments SET expires_at = {moment} WHERE invoice_id = {invoice}",
        f"UPDATE orders SET pay_until = {moment} WHERE invoice_id = {invoice}",
        f"UPDATE payables SET pay_until = {moment} WHERE invoice_id = {invoice}",
    ]
