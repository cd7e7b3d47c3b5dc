"""The simulator as the double of a conformance run: one process for all checks, forgotten between them."""

from __future__ import annotations

import shutil
import signal
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from kassa.ports.conformance.payment_method import CANARY, Charge, Headers, ProviderDouble
from kassa.ports.payment import AnyNextAction
from tests.plugins.payu import environment
from tests.plugins.payu.double import charge_of, signature
from tests.plugins.payu.subject import PayuSubject
from tests.servers.process import ServerProcess, listening

SCRIPT = Path(__file__).with_name("simulator.py")
SECOND_KEY = "b6ca15b0d1020e8094d9b5f8d163db54"
"""The public sandbox's, which the simulator signs with."""


class SimulatorDouble(ProviderDouble):
    """What the simulator has and the kit asks for; nothing is added that it cannot do."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        self.hand = httpx.AsyncClient(base_url=self.url, trust_env=False)
        assert (await self.hand.post("/forget")).status_code == 204

    async def close(self) -> None:
        await self.hand.aclose()

    async def books(self) -> dict[str, Any]:
        return dict((await self.hand.get("/books")).json())

    async def charges(self) -> tuple[Charge, ...]:
        found = []
        for order in (await self.books())["orders"]:
            refunds = [{**one, "refundId": one["id"]} for one in order["refunds"]]
            found.append(charge_of({**order, "orderId": order["id"]}, refunds))
        return tuple(found)

    async def acts(self, merchant_ref: str, action: str) -> None:
        orders = (await self.books())["orders"]
        order_id = next(one["id"] for one in orders if one["extOrderId"] == merchant_ref)
        answer = await self.hand.post(f"/sim/payu/authorize/{order_id}", data={"action": action})
        if answer.status_code >= 400:
            raise RuntimeError(f"the simulator's page answers {answer.status_code}")

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.acts(merchant_ref, "approve")

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.acts(merchant_ref, "reject")

    async def notices(self) -> tuple[bytes, ...]:
        return tuple(one["body"].encode() for one in (await self.books())["notices"])

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        return (("OpenPayU-Signature", signature(body, secret, "SHA-256")), ("Content-Type", "application/json"))


class SimulatedPayu(PayuSubject):
    """A POS at the simulator. Skips, and says why, where there is none."""

    webhook_secret = f"b6ca15b0{CANARY}"
    server: ServerProcess | None = None
    folder = ""

    def begin(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="kassa-payu-")
        try:
            python = environment.made(Path(self.folder))
        except environment.NoSimulator as error:
            self.end()
            pytest.skip(f"PayU is not proved against the independent simulator: {error}")
        self.server = ServerProcess("payu-simulator", signal.SIGTERM)
        port = self.server.port
        self.server.spawn([python, SCRIPT, str(port)], lambda: listening(port))

    def end(self) -> None:
        if self.server is not None:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def config(self, base_url: str) -> dict[str, Any]:
        return super().config(base_url) | {"base_url": f"{base_url}/payu"}

    def double(self) -> ProviderDouble:
        assert self.server is not None, "begin() comes first"
        return SimulatorDouble(f"http://127.0.0.1:{self.server.port}")
