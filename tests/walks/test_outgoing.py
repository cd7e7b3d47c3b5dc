"""An integrator is told what happens, on both pairs of adapters, whatever dies: the receiver, or the shop."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.http.places import OPERATOR_EMAIL, PASSWORD, staffed
from tests.walks.conftest import PAIRS
from tests.walks.receiver import OK, Receiver, is_genuine
from tests.walks.shop import ServedShop, Shopper

TEA = 1
ENDPOINTS = "/v1/operator/webhook-endpoints"
OF_A_PURCHASE = ["order.placed", "payment.started", "payment.succeeded", "order.paid"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """An integrator's server."""
    there = Receiver()
    await there.up()
    yield there
    await there.down()


@pytest.fixture(params=PAIRS)
def shop(request: pytest.FixtureRequest, receiver: Receiver, tmp_path: Path) -> Iterator[ServedShop]:
    """A shop that may tell the receiver, not started yet."""
    extra = f'\n[webhooks]\nallow_hosts = ["127.0.0.1:{receiver.port}"]\n'
    if request.param == "embedded":
        made = ServedShop(tmp_path, f"sqlite:///{tmp_path}/shop.db", "memory://", extra=extra)
    else:
        database, cache = request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
        made = ServedShop(tmp_path, database, cache, extra=extra)
    try:
        yield staffed(made)
    finally:
        made.close()


class Operator(Shopper):
    """Who runs the shop."""

    @classmethod
    async def enter(cls, client: httpx.AsyncClient) -> "Operator":
        answer = await client.post("/v1/sessions", json={"email": OPERATOR_EMAIL, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return cls(client, answer.json()["token"])

    async def listen(self, url: str, *events: str) -> dict[str, Any]:
        answer = await self.ask("POST", ENDPOINTS, json={"url": url, "events": events or ["*"]})
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    async def deliveries(self, endpoint_id: str) -> list[dict[str, Any]]:
        return (await self.ask("GET", f"{ENDPOINTS}/{endpoint_id}/deliveries")).json()["items"]  # type: ignore[no-any-return]


@asynccontextmanager
async def browser(shop: ServedShop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=60, trust_env=False) as opened:
        yield opened


async def buy(client: httpx.AsyncClient) -> str:
    """A paid order."""
    buyer = await Shopper.arrive(client, "ada")
    invoice_id: str = (await buyer.order(TEA, 1, "order"))["invoice_id"]
    assert (await buyer.pay(invoice_id, "card", "pay", source="tok_ok")).json()["status"] == "paid"
    return invoice_id


async def settled(operator: Operator, endpoint_id: str, count: int, within_s: float = 40) -> list[dict[str, Any]]:
    """The deliveries, once so many have arrived."""
    found: list[dict[str, Any]] = []
    for _ in range(int(within_s / 0.1)):
        found = await operator.deliveries(endpoint_id)
        if sum(one["state"] == "delivered" for one in found) == count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError([(one["type"], one["state"], one["reason"]) for one in found])


async def let_leases_run_out(shop: ServedShop) -> None:
    """What half a minute does, without waiting for it."""
    if shop.embedded:
        with closing(sqlite3.connect(shop.settings.database_url.removeprefix("sqlite:///"))) as file, file:
            file.execute("UPDATE deliveries SET next_try_at = 0, lease_until = 0 WHERE lease_until IS NOT NULL")
        return
    connection = await asyncpg.connect(shop.settings.database_url)
    await connection.execute(
        "UPDATE deliveries SET next_try_at = 'epoch', lease_until = 'epoch' WHERE lease_until IS NOT NULL"
    )
    await connection.close()


async def test_a_purchase_is_told_signed_and_again_when_the_receiver_was_away(
    shop: ServedShop, receiver: Receiver
) -> None:
    await asyncio.to_thread(shop.start)
    async with browser(shop) as client:
        operator = await Operator.enter(client)
        made = await operator.listen(receiver.url)
        endpoint_id, secret = made["endpoint"]["id"], made["secret"]
        invoice_id = await buy(client)
        letters = await receiver.until(4)
        assert all(is_genuine(letter, secret) for letter in letters)
        told = sorted((letter.json for letter in letters), key=lambda body: body["sequence"])
        assert [body["type"] for body in told] == OF_A_PURCHASE
        assert {body["data"]["invoice_id"] for body in told} == {invoice_id}
        await settled(operator, endpoint_id, 4)

        await receiver.down()
        await buy(client)
        while not any(one["attempts"] for one in (await operator.deliveries(endpoint_id))[:4]):
            await asyncio.sleep(0.1)
        await receiver.up()
        new = await operator.ask("POST", f"{ENDPOINTS}/{endpoint_id}/secret")
        letters = (await receiver.until(8))[4:]
        assert [sorted(letter.json["type"] for letter in letters)] == [sorted(OF_A_PURCHASE)]
        await settled(operator, endpoint_id, 8)
        late = [letter for letter in receiver.letters[4:] if len(letter.headers["webhook-signature"].split()) == 2]
        assert late, "sent since the rotation"
        assert all(is_genuine(letter, old) for letter in late for old in (secret, new.json()["secret"]))
        assert len({letter.id for letter in receiver.letters}) == 8
        log = (await operator.deliveries(endpoint_id))[0]
        attempts = (await operator.ask("GET", f"/v1/operator/webhook-deliveries/{log['id']}")).json()["attempts"]
        assert attempts[-1]["status"] == 204
    assert shop.violations() == ()


async def test_killed_after_the_receiver_took_it_the_shop_sends_it_again_under_the_same_id(
    shop: ServedShop, receiver: Receiver
) -> None:
    """`kill -9` of every process of the shop while the receiver answers: it has the event, the shop knows nothing of it."""
    await asyncio.to_thread(shop.start)

    async def kill_first() -> bytes:
        receiver.reply = OK
        await asyncio.to_thread(shop.kill)
        return OK

    async with browser(shop) as client:
        operator = await Operator.enter(client)
        made = await operator.listen(receiver.url, "order.placed")
        receiver.reply = kill_first
        buyer = await Shopper.arrive(client, "ada")
        with suppress(httpx.TransportError):  # its answer may have died with the shop
            await buyer.order(TEA, 1, "order")
        await receiver.until(1)
    while receiver.reply is not OK or shop.processes:
        await asyncio.sleep(0.05)
    await let_leases_run_out(shop)
    await asyncio.to_thread(shop.start)
    first, second = (await receiver.until(2))[:2]
    assert (first.id, first.body) == (second.id, second.body)
    assert is_genuine(second, made["secret"])
    async with browser(shop) as client:
        await settled(await Operator.enter(client), made["endpoint"]["id"], 1)
    assert len(receiver.letters) == 2
    assert shop.violations() == ()


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
@pytest.mark.parametrize("point", ["outbox.after_delivery", "delivery.after_claim", "delivery.after_send"])
async def test_killed_at_any_step_nothing_is_lost_and_every_id_comes_with_one_body(
    shop: ServedShop, receiver: Receiver, point: str
) -> None:
    """Before and after the fan-out, before the request, and between the receiver's 2xx and the record of it."""
    await asyncio.to_thread(shop.start)
    async with browser(shop) as client:
        made = await (await Operator.enter(client)).listen(receiver.url, "order.*")
        buyer = await Shopper.arrive(client, "ada")
        while _waits_in_the_outbox(shop):  # the mail to a new account would be the first to reach the point
            await asyncio.sleep(0.1)
    shop.stop()
    await asyncio.to_thread(shop.start, failpoints=f"{point}=kill")
    async with browser(shop) as client:
        buyer.client = client
        with suppress(httpx.TransportError):
            await buyer.order(TEA, 1, "order")
    await asyncio.to_thread(shop.server.wait, 30)
    sent = len(receiver.letters)
    assert sent == (1 if point == "delivery.after_send" else 0)
    shop.kill()
    await let_leases_run_out(shop)
    _let_the_outbox_lease_run_out(shop)
    await asyncio.to_thread(shop.start)
    letters = await receiver.until(sent + 1)
    assert {letter.json["type"] for letter in letters} == {"order.placed"}
    assert len({(letter.id, letter.body) for letter in letters}) == 1
    async with browser(shop) as client:
        await settled(await Operator.enter(client), made["endpoint"]["id"], 1)
    assert shop.violations() == ()


def _waits_in_the_outbox(shop: ServedShop) -> int:
    with closing(sqlite3.connect(shop.settings.database_url.removeprefix("sqlite:///"))) as file:
        (waiting,) = file.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()
    return int(waiting)


def _let_the_outbox_lease_run_out(shop: ServedShop) -> None:
    with closing(sqlite3.connect(shop.settings.database_url.removeprefix("sqlite:///"))) as file, file:
        file.execute("UPDATE outbox SET next_try_at = 0 WHERE state = 'waiting'")


@pytest.mark.parametrize("shop", ["embedded"], indirect=True)
async def test_an_operator_cannot_have_the_shop_call_inside_the_house(shop: ServedShop, receiver: Receiver) -> None:
    """Nor follow a redirect there."""
    await asyncio.to_thread(shop.start)
    async with browser(shop) as client:
        operator = await Operator.enter(client)
        for url in (
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            f"http://localhost:{receiver.port}/",
            f"http://127.0.0.1:{shop.port}/",
        ):
            answer = await operator.ask("POST", ENDPOINTS, json={"url": url, "events": ["*"]})
            assert (answer.status_code, answer.json()["field"]) == (422, "url"), url
        made = await operator.listen(receiver.url)
        away = f"Location: http://127.0.0.1:{receiver.port}/inside\r\n"
        receiver.reply = f"HTTP/1.1 307 Temporary Redirect\r\n{away}Content-Length: 0\r\n\r\n".encode()
        tested = (await operator.ask("POST", f"{ENDPOINTS}/{made['endpoint']['id']}/test")).json()
        await receiver.until(1)
        log: dict[str, Any] = {"delivery": tested}
        while log["delivery"]["state"] == "waiting":
            log = (await operator.ask("GET", f"/v1/operator/webhook-deliveries/{tested['id']}")).json()
        assert (log["delivery"]["state"], log["delivery"]["status"]) == ("dead", 307)
        assert len(receiver.letters) == 1
