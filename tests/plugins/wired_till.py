"""A real till (kernel, database, guard) with a driver behind it that speaks to a double made from documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from kassa.ports.payment import HttpReply, PaymentMethod, RawWebhook, ReplyLost
from tests.kernel.payment import till as tills
from tests.kernel.payment.till import Till, open_till
from tests.plugins.json_app import Asked, Told


class Wire(tills.Tools):
    """The way to the double. The next answer from an address that ends with `loses` never comes."""

    def __init__(self, answer: Callable[[Asked], Told]) -> None:
        super().__init__()
        self._answer, self.loses = answer, ""

    async def request(
        self, method: str, url: str, *, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None, **_: Any
    ) -> HttpReply:
        path = "/" + url.split("/", 3)[3]
        told = self._answer(Asked(method, path, {name.lower(): value for name, value in headers}, body or b""))
        if self.loses and path.endswith(self.loses):
            self.loses = ""
            raise ReplyLost("reset")
        content = told.raw if told.raw is not None else msgspec.json.encode(told.body)
        return HttpReply(status=told.status, headers=told.headers, body=content)


class Counter:
    """A till, the driver's name at it, and the double."""

    till: Till

    def __init__(self, double: Any, secret: str, method: type[PaymentMethod[Any]]) -> None:
        self.double, self.wire, self.method = double, Wire(double.answer), method
        self.name, self._secret = method.__name__.lower(), secret

    def tools(self, instance: str, **_: Any) -> Wire:
        return self.wire

    async def open(self, monkeypatch: Any) -> None:
        """Open the till with this wire in place of no network."""
        monkeypatch.setattr(tills, "NoNetwork", lambda: self)
        self.till = await open_till(also=(self.method,))

    async def close(self) -> None:
        """Every promise holds, and everything is closed."""
        await self.till.assert_sound()
        await self.till.close()

    async def merchant_ref(self, invoice_id: str) -> str:
        """The reference of the order's first payment."""
        return (await self.till.file(invoice_id)).payments[0].merchant_ref

    async def notify(self) -> None:
        """The double's latest notice comes."""
        now, body = self.till.world.clock.now(), self.double.told[-1]
        headers = self.double.sign(body, self._secret, now)
        await self.till.notify(RawWebhook(slug="notices", headers=headers, body=body, received_at=now), self.name)
