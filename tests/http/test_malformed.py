"""Every route with a body, against everything that is not what it takes: a problem each time, and nothing written."""

import re
from time import process_time

import httpx
import msgspec
import pytest
from sqlalchemy import func, select

from kassa.adapters.http.app import SHOP_ROUTES
from kassa.adapters.http.route import Access, Route
from kassa.adapters.sql.tables import metadata
from tests.http.caller import Caller, fresh
from tests.http.corpus import GARBAGE, spoiled
from tests.http.served import Served

JSON_ROUTES = [route for route in SHOP_ROUTES if route.body is not None]
CONTENT_TYPES = (
    None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "application/json; charset=latin-1", "application/json, text/plain", "application/jsonx", "application/problem+json",
    "application/msgpack", "*/*",
)  # fmt: skip
SLOW_S = 0.5


class Hostile:
    """Sends bodies as whoever may send them."""

    def __init__(self, route: Route, customer: Caller, operator: Caller) -> None:
        self.route = route
        caller = operator if route.access is Access.OPERATOR else customer
        self.client = customer.client
        self.credentials = {} if route.access is Access.ANYONE else caller.headers
        self.path = route.path.format(
            product_id=1,
            account_id=1,
            payment_id=1,
            notice_id=1,
            statement_id=1,
            line_id=1,
            instance="bank",
            endpoint_id="ep_0",
            delivery_id=1,
            invoice_id="KS-0000-0000-0",
        )

    async def send(self, body: bytes, content_type: str | None = "application/json", **more: str) -> httpx.Response:
        headers = {**self.credentials, **more}
        if self.route.key.value == "required":
            headers["Idempotency-Key"] = fresh("hostile")
        if content_type is not None:
            headers["Content-Type"] = content_type
        started = process_time()
        answer = await self.client.request(self.route.method, self.path, content=body, headers=headers)
        assert process_time() - started < SLOW_S
        return answer


@pytest.fixture
def hostile(ada: Caller, operator: Caller) -> list[Hostile]:
    return [Hostile(route, ada, operator) for route in JSON_ROUTES]


def refused(answer: httpx.Response, status: int, code: str, where: object) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), (where, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"


async def test_garbage_is_400(hostile: list[Hostile]) -> None:
    for who in hostile:
        for name, body in GARBAGE.items():
            if body or not who.route.body_optional:
                refused(await who.send(body), 400, "malformed", (who.route.name, name))


async def test_a_good_body_with_one_thing_wrong_is_400(hostile: list[Hostile]) -> None:
    """A method's own input is any JSON; what is wrong with it is found by its schema."""
    for who in hostile:
        for name, body in spoiled(who.route.example).items():
            if who.route.name == "startPayment" and re.fullmatch(r"input\.\w+ (as|of) .*", name):
                continue
            refused(await who.send(body), 400, "malformed", (who.route.name, name))


async def test_another_content_type_is_415(hostile: list[Hostile]) -> None:
    """What a form or a script of another site can send without asking is not JSON."""
    for who in hostile:
        good = msgspec.json.encode(who.route.example)
        for kind in CONTENT_TYPES:
            refused(await who.send(good, kind), 415, "unsupported_content", (who.route.name, kind))
        coded = await who.send(good, **{"Content-Encoding": "gzip"})
        refused(coded, 415, "unsupported_content", who.route.name)


async def test_a_body_too_large_is_413(hostile: list[Hostile]) -> None:
    """Told by its length, or found while reading."""
    for who in hostile:
        refused(await who.send(b" " * 300_000), 413, "body_too_large", who.route.name)


async def test_nothing_of_it_is_written(shop: Served, hostile: list[Hostile]) -> None:
    async def rows() -> dict[str, int]:
        async with shop.world.database.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
            }

    before = await rows()
    for who in hostile:
        for body in (*GARBAGE.values(), *list(spoiled(who.route.example).values())[:9]):
            await who.send(body)
    assert await rows() == before


def test_there_is_something_to_be_hostile_to() -> None:
    assert len(JSON_ROUTES) >= 12
