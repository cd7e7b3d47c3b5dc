"""The shops that are measured: one served as a process, one opened inside this process."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from kassa.adapters.main.compose import open_shop
from kassa.adapters.sandbox.model import Merchant
from tests.bench.doors import Inside
from tests.walks.shop import ServedShop

PRODUCTS = 500
RAISED = {
    "identity.login_attempts": "1000000",
    "identity.login_attempts_per_account": "1000000",
}
"""Limits that one client of 32 shoppers and one address would meet; `tests.walks.shop` raises those per address too."""


def catalogue(products: int = PRODUCTS) -> str:
    """Products for `ServedShop`: prices from 1.00, a million of each."""
    return "".join(f"p{n},Product number {n},{1 + n % 90}.{n % 100:02d},GBP,1000000\n" for n in range(1, products + 1))


class BenchShop(ServedShop):
    """`kassa serve` with the limits of `RAISED` and the log of production. `notices` False: the provider sends no webhooks."""

    log_as = "json"

    def __init__(
        self, directory: Path, database_url: str, cache_url: str, *, notices: bool = True, products: int = PRODUCTS
    ) -> None:
        self._notices, self.database_url = notices, database_url
        directory.mkdir(exist_ok=True)
        super().__init__(directory, database_url, cache_url, workers=1, products=catalogue(products))

    def _merchant(self, name: str) -> Merchant:
        merchant = super()._merchant(name)
        return merchant if self._notices else Merchant(merchant.name, merchant.secret_key, merchant.webhook_secret)

    @property
    def environment(self) -> dict[str, str]:
        """The raised limits come as variables."""
        raised = {"KASSA_" + name.upper().replace(".", "_"): value for name, value in RAISED.items()}
        return {**super().environment, **raised, "KASSA_LOG": self.log_as}

    def begin(self) -> None:
        """Start the server and return at once, without a worker beside it."""
        self.server = self._spawn(["serve", "--port", str(self.port), "--workers", "1"], "")

    def begin_worker(self) -> int:
        """Start `kassa worker` beside the server; its process id."""
        return self._spawn(["worker"], "").pid


@contextlib.asynccontextmanager
async def inside(shop: BenchShop) -> AsyncIterator[Inside]:
    """The shop's application in this process, composed as `kassa serve` composes it: for counting and profiling."""
    async with open_shop(shop.settings, sweeping=False) as opened:
        yield Inside(opened.app)
