"""`kill -9` of the server between the provider's work and the recording of its reply, by each method at once.

After the restart every order becomes paid without anybody's help but its customer's, and the provider charged once: with the
notices that came while the shop was dead, and with none at all.
"""

import asyncio
from typing import Any

import httpx
import pytest

from tests.faults.test_kill import browser, settled
from tests.walks.shop import METHODS, ServedShop, Shopper

TEA = 1
INPUT: dict[str, dict[str, str]] = {"card": {"source": "tok_ok"}, "e_wallet": {}, "bank_transfer": {}}


async def sandbox(shop: ServedShop, method: str, path: str, **given: Any) -> Any:
    """What a customer, a bank or the test does at the provider."""
    async with httpx.AsyncClient(base_url=shop.sandbox.url, trust_env=False, timeout=30) as client:
        answer = await client.request(method, path, **given)
    assert answer.status_code < 400, answer.text
    return answer.json() if answer.content else None


async def facts(shop: ServedShop, name: str) -> list[dict[str, Any]]:
    """The provider's journal."""
    lines = (await sandbox(shop, "GET", "/control/journal"))["entries"]
    return [line["fact"] for line in lines if line["fact"]["fact"] == name]


async def at_provider(shop: ServedShop, wanted: int, within_s: float = 20) -> dict[str, dict[str, Any]]:
    """What the provider has for each method, once there are `wanted`; one thing each, not more."""
    for _ in range(int(within_s / 0.05)):
        rows = {name: list(books.values()) for name, books in shop.books().items() if books}
        if len(rows) == wanted:
            assert all(len(things) == 1 and things[0]["charges"] == 1 for things in rows.values()), rows
            return {name: things[0] for name, things in rows.items()}
        await asyncio.sleep(0.05)
    raise AssertionError(f"the provider has only {rows}: {shop.log()}")


async def a_notice_in_vain(shop: ServedShop, within_s: float = 20) -> None:
    """Wait until the provider has found nobody there."""
    async with asyncio.timeout(within_s):
        while all(one["status"] is not None for one in await facts(shop, "delivered")):
            await asyncio.sleep(0.05)


async def shown(shop: ServedShop, buyer: Shopper, invoice_id: str, wanted: str, within_s: float = 40) -> dict[str, Any]:
    """What its customer is told to do, once it is `wanted`."""
    action: dict[str, Any] | None = None
    for _ in range(int(within_s / 0.25)):
        [payment] = (await buyer.ask("GET", f"/v1/payments?invoice_id={invoice_id}")).json()["items"]
        action = payment["next_action"]
        if action is not None and action["type"] == wanted:
            return action
        await asyncio.sleep(0.25)
    raise AssertionError(f"the customer is told {action}, not {wanted}: {shop.log()}")


async def pay_all_and_die(
    shop: ServedShop, buyers: dict[str, Shopper], invoices: dict[str, str], given: dict[str, dict[str, str]]
) -> dict[str, dict[str, Any]]:
    """Begin a payment by each method, and pull the plug once the provider has done its part; what it has then."""
    begun = [
        asyncio.create_task(buyers[name].pay(invoices[name], name, "pay", **given[name])) for name in METHODS
    ]  # fmt: skip
    things = await at_provider(shop, len(METHODS))
    shop.kill()
    for answer in await asyncio.gather(*begun, return_exceptions=True):
        assert isinstance(answer, httpx.TransportError), answer
    return things


async def paid_once(shop: ServedShop, buyers: dict[str, Shopper], orders: dict[str, dict[str, Any]]) -> None:
    """Every order is paid, nothing more can be, and the provider charged its total once."""
    states = {name: await settled(buyers[name], orders[name]["invoice_id"], within_s=40) for name in METHODS}
    assert states == dict.fromkeys(METHODS, "paid"), shop.log()
    again = {
        name: (await buyers[name].pay(orders[name]["invoice_id"], name, "again", **INPUT[name])) for name in METHODS
    }
    assert {name: answer.json()["code"] for name, answer in again.items()} == dict.fromkeys(METHODS, "nothing_due")
    captured = {name: thing["captured"] for name, thing in (await at_provider(shop, len(METHODS))).items()}
    assert captured == {name: orders[name]["total"]["amount"] for name in METHODS}
    assert shop.violations() == ()


@pytest.mark.parametrize("notices", ["notices_came_while_dead", "no_notice_ever"])
async def test_killed_before_the_reply_each_method_ends_paid_and_charged_once(sleeping_shop: ServedShop, notices: str):
    """Card: charged, nobody was told. E-wallet: its customer approves, before or after the restart. Bank transfer: the
    account is open and nobody saw its number; it is shown after the restart, and it is still the only one."""
    silent = notices == "no_notice_ever"
    # Without a worker, which might die holding the lease (two minutes) of the very operations that are asked about here.
    shop = await asyncio.to_thread(sleeping_shop.start, failpoints="payment.after_call=sleep:60", sweeping=False)
    given = dict(INPUT)
    if silent:
        given["card"] = {"source": "tok_no_webhook"}
        for name, op in (("e_wallet", "charge"), ("bank_transfer", "va")):
            script = {"merchant": name, "next": [{"op": op, "fault": "no_webhook"}]}
            await sandbox(shop, "PUT", "/control/faults", json=script)
    async with browser(shop) as client:
        buyers = {name: await Shopper.arrive(client, name.replace("_", "-")) for name in METHODS}
        orders = {name: await buyers[name].order(TEA, 2 + n, "order") for n, name in enumerate(METHODS)}
        invoices = {name: order["invoice_id"] for name, order in orders.items()}
        things = await pay_all_and_die(shop, buyers, invoices, given)
        if not silent:
            await sandbox(shop, "POST", f"/pay/{things['e_wallet']['ids'][0]}/approve")
            await a_notice_in_vain(shop)
        # Where sweeps have a process of their own, notices alone have to do, and where there are none, the sweep alone.
        await asyncio.to_thread(shop.start, sweeping=silent)
        if silent:
            page = (await shown(shop, buyers["e_wallet"], invoices["e_wallet"], "redirect"))["url"]
            await sandbox(shop, "POST", f"{page}/approve")
        account = await shown(shop, buyers["bank_transfer"], invoices["bank_transfer"], "show_account")
        assert account["amount"] == orders["bank_transfer"]["total"]
        transfer = {"account_number": account["account_number"], **account["amount"]}
        await sandbox(shop, "POST", "/bank/transfers", json=transfer)
        await paid_once(shop, buyers, orders)
    assert not silent or not await facts(shop, "delivered")
