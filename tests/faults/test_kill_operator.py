"""`kill -9` of the server inside an operator's refund or capture: before the provider was asked, or between its work and the
recording of its reply. After the restart the money has moved exactly once, whether the operator asks again or not."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.faults.test_kill import browser, settled
from tests.faults.test_kill_methods import INPUT, sandbox
from tests.walks.shop import METHODS, ServedShop, Shopper

TEA, PART = 1, 300
MOVED = {"card": "captured", "e_wallet": "refunded", "bank_transfer": "refunded"}
OPERATOR = "operator@example.com"
AT_OPERATION = ("operation.after_begin", "operation.after_call")


async def pay_for(shop: ServedShop, buyer: Shopper, method: str) -> tuple[int, str]:
    """An order, paid (or reserved) by this method: the number of its payment, and its invoice."""
    invoice = (await buyer.order(TEA, 2, "order"))["invoice_id"]
    started = (await buyer.pay(invoice, method, "pay", **INPUT[method])).json()
    action = started["next_action"]
    if method == "e_wallet":
        await sandbox(shop, "POST", f"{action['url']}/approve")
    elif method == "bank_transfer":
        transfer = {"account_number": action["account_number"], **action["amount"]}
        await sandbox(shop, "POST", "/bank/transfers", json=transfer)
    return started["id"], invoice


async def order_and_die(shop: ServedShop, client: httpx.AsyncClient, payments: dict[str, int], point: str) -> None:
    """The operator orders a part of each payment; the plug is pulled when each command has reached `point`."""
    operator = await Shopper.log_in(client, OPERATOR)
    ordered = [asyncio.create_task(command(operator, name, number)) for name, number in payments.items()]
    if point == "operation.after_call":
        async with asyncio.timeout(20):
            while sum(moved(shop, name) for name in payments) < PART * len(payments):
                await asyncio.sleep(0.05)
    await asyncio.sleep(1)  # each is in its failpoint, or on its way back to it
    shop.kill()
    for answer in await asyncio.gather(*ordered, return_exceptions=True):
        assert isinstance(answer, httpx.TransportError), answer


async def command(operator: Shopper, method: str, number: int) -> httpx.Response:
    """Always the same request with the same key for one payment."""
    path = {"captured": "captures", "refunded": "refunds"}[MOVED[method]]
    body = {"amount": {"amount": PART, "currency": "GBP"}, "reason": "as ordered"}
    return await operator.ask("POST", f"/v1/operator/payments/{number}/{path}", key=f"{path}-{number}", json=body)


async def answered(operator: Shopper, method: str, number: int, within_s: float = 30) -> bool:
    """Whether the same request gets its stored answer: 201, or 202 if the first sweep found it in doubt. Until then it is told
    to come again."""
    for _ in range(int(within_s / 0.25)):
        answer = await command(operator, method, number)
        if answer.status_code != 409:
            return answer.status_code in (201, 202) and answer.headers["idempotent-replayed"] == "true"
        assert answer.json()["code"] == "idempotency_key_in_use", answer.text
        await asyncio.sleep(0.25)
    return False


def moved(shop: ServedShop, method: str) -> int:
    """Minor units that the provider refunded or captured, by its own books."""
    return sum(int(row[MOVED[method]]) for row in shop.books()[method].values())


async def seen_by(operator: Shopper, method: str, number: int, within_s: float = 60) -> dict[str, Any]:
    """The payment, once nothing of it is in doubt and the money shows, or as it is then."""
    view: dict[str, Any] = {}
    for _ in range(int(within_s / 0.25)):
        view = (await operator.ask("GET", f"/v1/operator/payments/{number}")).json()
        if not view["in_doubt"] and view[MOVED[method]]["amount"]:
            break
        await asyncio.sleep(0.25)
    return view


@pytest.fixture
def card_settings() -> str:
    """Cards are only reserved: an operator takes the money."""
    return 'capture = "manual"'


@pytest.mark.parametrize("point", AT_OPERATION)
async def test_killed_in_a_refund_or_capture_the_money_moves_exactly_once(sleeping_shop: ServedShop, point: str):
    """A part of what was reserved on a card is captured, a part of what a wallet and a bank brought is refunded; the same
    requests after the restart move nothing more, and the rest of the reservation is still there to be taken."""
    sleeping_shop.add_operator(OPERATOR)
    shop = await asyncio.to_thread(sleeping_shop.start, failpoints=f"{point}=sleep:60", sweeping=False)
    async with browser(shop) as client:
        buyers = {name: await Shopper.arrive(client, name.replace("_", "-")) for name in METHODS}
        paid = {name: await pay_for(shop, buyer, name) for name, buyer in buyers.items()}
        for name in ("e_wallet", "bank_transfer"):
            assert await settled(buyers[name], paid[name][1]) == "paid"
        await order_and_die(shop, client, {name: number for name, (number, _) in paid.items()}, point)
        await asyncio.to_thread(shop.start)
        operator = await Shopper.log_in(client, OPERATOR)
        for name, (number, _) in paid.items():
            view = await seen_by(operator, name, number)
            assert (view[MOVED[name]]["amount"], view["in_doubt"]) == (PART, False), f"{name}: {shop.log()}"
            assert await answered(operator, name, number)
            assert moved(shop, name) == PART
        number, invoice = paid["card"]
        rest = await operator.ask(
            "POST", f"/v1/operator/payments/{number}/captures", key="rest", json={"reason": "sent"}
        )
        assert rest.json()["status"] == "paid", rest.text
        assert await buyers["card"].status(invoice) == "paid"
    assert shop.captured(invoice) == [rest.json()["nominal"]["amount"]]
    assert shop.violations() == ()
