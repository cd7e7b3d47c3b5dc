"""Redis holds only what may be lost."""

import asyncio
from pathlib import Path

import httpx

from tests.servers.redis import RedisServer
from tests.walks.shop import ServedShop, Shopper


async def test_stopping_redis_loses_nothing_and_logs_nobody_out(
    tmp_path: Path, postgres_url: str, own_redis: RedisServer
):
    """Killed in the middle of a purchase: the customer goes on, and one who was logged out stays out."""
    shop = ServedShop(tmp_path, postgres_url, own_redis.url, workers=2).start()
    try:
        async with httpx.AsyncClient(base_url=shop.url, timeout=30, trust_env=False) as client:
            buyer = await Shopper.arrive(client, "ada")
            gone = await Shopper.arrive(client, "gone")
            assert (await gone.ask("DELETE", "/v1/sessions/current")).status_code == 204
            await buyer.put(1, 2)
            own_redis.kill()
            placed = await buyer.checkout("order")
            assert placed.status_code == 201, placed.text
            invoice = placed.json()["order"]["invoice_id"]
            paid = await buyer.pay(invoice, "card", "pay", source="tok_ok")
            assert paid.json()["status"] == "paid"
            assert (await gone.ask("GET", "/v1/cart")).status_code == 401
            own_redis.restart()
            await asyncio.sleep(1.5)
            assert await buyer.status(invoice) == "paid"
            assert (await gone.ask("GET", "/v1/cart")).status_code == 401
            assert shop.violations() == ()
    finally:
        shop.close()


async def test_a_frozen_redis_costs_no_more_than_a_moment(tmp_path: Path, postgres_url: str, own_redis: RedisServer):
    """SIGSTOP: reads fall back to the database; a dozen requests are answered well within their deadline."""
    shop = ServedShop(tmp_path, postgres_url, own_redis.url, workers=1).start()
    try:
        async with httpx.AsyncClient(base_url=shop.url, timeout=30, trust_env=False) as client:
            buyer = await Shopper.arrive(client, "ada")
            own_redis.freeze()
            loop = asyncio.get_running_loop()
            began = loop.time()
            for _ in range(12):
                assert (await buyer.ask("GET", "/v1/cart")).status_code == 200
            assert loop.time() - began < 3.0
    finally:
        own_redis.thaw()
        shop.close()
