"""Bank accounts whose payments need a number, or an amount, of their own."""

import asyncio
from typing import Any

from kassa.ports.banking import Reserving
from kassa.ports.payment import AnyOutcome, Context, StartRequest
from tests.kernel.payment.provider import Bank, Config

DAY_S = 86_400


class Numbered(Bank):
    """Every payment has an account number of its own, one of ten; told are `StartRequest`s, with every repetition."""

    told: list[StartRequest] = []  # noqa: RUF012 - emptied by the fixture

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.reserving = Reserving(what="number", first=1, last=10, quarantine_s=30 * DAY_S)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        self.told.append(request)
        await asyncio.sleep(0)
        return await super().start(ctx, request)


class Coded(Numbered):
    """Every payment has an amount of its own: up to nine units are taken off what is due."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.reserving = Reserving(what="amount", first=1, last=9, quarantine_s=30 * DAY_S)


ACCOUNTS: tuple[type[Any], ...] = (Numbered, Coded)
