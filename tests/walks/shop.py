"""A shop as a customer meets it: `kassa serve` and the sandbox provider, each a process of its own."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx

from kassa.adapters.main import configuration, importing, inspecting, store
from kassa.adapters.main.settings import Settings
from kassa.adapters.sandbox.model import Merchant
from tests.sandbox.process import start_sandbox
from tests.servers import lifeline
from tests.servers.process import free_port

T = TypeVar("T")
_NUMBER = itertools.count(1)
METHODS = ("card", "e_wallet", "bank_transfer")
START_MAX_S, STOP_MAX_S = 60.0, 40.0
PASSWORD = "a long walk along the shore"


class ServedShop:
    """One shop on one pair of adapters. It keeps its port, its settings and its sandbox over `restart`. `extra` goes to the end
    of the settings, `card` to those of that method."""

    def __init__(
        self,
        directory: Path,
        database_url: str,
        cache_url: str,
        *,
        workers: int = 1,
        extra: str = "",
        products: str = "",
        card: str = "",
    ) -> None:
        self._card = card
        self.directory, self.workers = directory, workers
        self.embedded = database_url.startswith("sqlite")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = start_sandbox(directory, [self._merchant(name) for name in METHODS], ["--hang-ms", "8000"])
        self.config = directory / "kassa.toml"
        self.config.write_text(self._settings(database_url, cache_url, extra), encoding="utf-8")
        self.processes: list[subprocess.Popen[str]] = []
        self._guards: list[tuple[Path, subprocess.Popen[bytes]]] = []
        catalogue = directory / "products.csv"
        catalogue.write_text("sku,name,price,currency,quantity\n" + (products or _PRODUCTS), encoding="utf-8")
        self._apart(store.migrate(self.settings))
        self._apart(importing.import_products(self.settings, catalogue, dry_run=False))

    def _merchant(self, name: str) -> Merchant:
        return Merchant(name, f"sk_test_{name}", f"whsec_{name}", f"{self.url}/webhooks/{name}/notices")

    def _settings(self, database_url: str, cache_url: str, extra: str) -> str:
        host = self.sandbox.url.partition("://")[2]
        methods = "".join(
            _METHOD.format(name=name, upper=name.upper(), sandbox=self.sandbox.url, host=host)
            + (f"{self._card}\n" if name == "card" else "")
            for name in METHODS
        )
        top = _TOP.format(database=database_url, cache=cache_url, directory=self.directory, shop=self.url)
        return top + methods + extra

    @property
    def environment(self) -> dict[str, str]:
        """What the shop's processes see: the machine's environment, the test's secrets, nothing of another Kassa."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KASSA_")}
        secrets = {f"{name.upper()}_{kind}": f"{prefix}{name}" for name in METHODS for kind, prefix in _SECRETS}
        return {**kept, **secrets, "SHOP_KEY": "k" * 40, "KASSA_TEST_BUILD": "1"}

    def kassa(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end with this shop's settings."""
        done = subprocess.run(
            [*_KASSA, *words, "--config", str(self.config)],
            env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"kassa {' '.join(words)}: {done.stdout}{done.stderr}"
        return done

    def start(self, *, failpoints: str = "", sweeping: bool = True) -> "ServedShop":
        """Serve, and where the pair is not embedded run a worker beside (unless `sweeping` is False)."""
        serve = ["serve", "--port", str(self.port), "--workers", str(self.workers)]
        self.server = self._spawn(serve, failpoints)
        if sweeping and not self.embedded:
            self._spawn(["worker"], "")
        deadline = time.monotonic() + START_MAX_S
        while not self._ready():
            assert self.server.poll() is None, f"the shop did not start: {self.log()}"
            assert time.monotonic() < deadline, f"the shop did not answer: {self.log()}"
            time.sleep(0.02)
        return self

    def _spawn(self, words: Sequence[str], failpoints: str) -> "subprocess.Popen[str]":
        environment = {**self.environment, **({"KASSA_FAILPOINTS": failpoints} if failpoints else {})}
        with (self.directory / "shop.log").open("ab") as log:
            process = subprocess.Popen(
                [*_KASSA, *words, "--config", str(self.config)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        home = Path(tempfile.mkdtemp(prefix="kassa-shop-"))
        lifeline.note(home, process.pid)
        self._guards.append((home, lifeline.guard(os.getpid(), home, signal.SIGTERM)))
        self.processes.append(process)
        return process

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        """The end of what the shop's processes wrote."""
        written = self.directory / "shop.log"
        return written.read_text("utf-8", "replace")[-4000:] if written.exists() else ""

    def kill(self) -> None:
        """SIGKILL to every process of the shop at once, workers too: a power cut."""
        for process in self.processes:
            _signal_group(process, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """SIGTERM, and wait until all have gone."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        self._reap()

    def _reap(self) -> None:
        for process in self.processes:
            try:
                process.wait(STOP_MAX_S)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait(STOP_MAX_S)
                raise
        self.processes.clear()
        while self._guards:
            home, guard = self._guards.pop()
            shutil.rmtree(home, ignore_errors=True)
            guard.wait(STOP_MAX_S)

    def close(self) -> None:
        """End everything, the sandbox too."""
        try:
            self.stop()
        finally:
            self.sandbox.kill()  # its orderly end has tests of its own

    @property
    def settings(self) -> Settings:
        """As the shop's own processes read them."""
        return configuration.load(self.config, self.environment)

    def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        """Run what a command does, without a process of its own, beside whatever loop runs here."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work).result(timeout=120)

    def add_operator(self, email: str) -> None:
        """An operator with the password of every shopper. Before the shop is started: an embedded one is not shared."""
        self._apart(inspecting.add_operator(self.settings, email, PASSWORD))

    def violations(self) -> tuple[str, ...]:
        """What `kassa audit verify` finds; the shop may be running."""
        return self._apart(inspecting.violations(self.settings))

    def captured(self, invoice_id: str) -> list[int]:
        """What the provider captured for an invoice, charge by charge, by its own books, all methods together."""
        merchants = self.books().values()
        return [c["captured"] for books in merchants for ref, c in books.items() if ref.startswith(invoice_id)]

    def books(self) -> dict[str, Any]:
        """The provider's own books, by merchant and merchant reference."""
        answer = httpx.get(f"{self.sandbox.url}/control/books", timeout=10, trust_env=False).raise_for_status()
        return answer.json()  # type: ignore[no-any-return]


def _signal_group(process: "subprocess.Popen[str]", number: int) -> None:
    """To the process and the workers it started: `start_new_session` gave them a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class Shopper:
    """A customer with an account and a session, over HTTP."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    @classmethod
    async def arrive(cls, client: httpx.AsyncClient, name: str = "shopper") -> "Shopper":
        """Register and log in, under an address that nobody else has."""
        email = f"{name}-{next(_NUMBER)}@example.com"
        account = {"email": email, "password": PASSWORD, "address": "1 Loop Road, London"}
        answer = await client.post("/v1/accounts", json=account)
        assert answer.status_code == 202, answer.text
        return await cls.log_in(client, email)

    @classmethod
    async def log_in(cls, client: httpx.AsyncClient, email: str) -> "Shopper":
        """Log in to an account that exists; an operator's too."""
        answer = await client.post("/v1/sessions", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return cls(client, answer.json()["token"])

    async def ask(self, method: str, path: str, *, key: str | None = None, **given: Any) -> httpx.Response:
        """Any request, with the session and perhaps an idempotency key."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {}), **given.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **given)

    async def put(self, product_id: int, quantity: int) -> httpx.Response:
        """Set a cart line."""
        return await self.ask("PUT", f"/v1/cart/lines/{product_id}", json={"quantity": quantity})

    async def checkout(self, key: str) -> httpx.Response:
        """Check out what the cart says it costs."""
        total = (await self.ask("GET", "/v1/cart")).json()["total"]
        return await self.ask("POST", "/v1/checkout", key=key, json={"expected_total": total})

    async def order(self, product_id: int, quantity: int, key: str) -> dict[str, Any]:
        """Fill the cart and check out; the order."""
        assert (await self.put(product_id, quantity)).status_code == 200
        placed = await self.checkout(key)
        assert placed.status_code == 201, placed.text
        return placed.json()["order"]  # type: ignore[no-any-return]

    async def pay(self, invoice_id: str, method: str, key: str, **given: Any) -> httpx.Response:
        """Start a payment."""
        wanted = {"invoice_id": invoice_id, "method": method, "input": given}
        return await self.ask("POST", "/v1/payments", key=key, json=wanted)

    async def status(self, invoice_id: str) -> str:
        """The order's status."""
        return (await self.ask("GET", f"/v1/orders/{invoice_id}")).json()["status"]  # type: ignore[no-any-return]


_KASSA = (sys.executable, "-m", "kassa.adapters.main")
_SECRETS = (("KEY", "sk_test_"), ("WEBHOOK", "whsec_"))
_PRODUCTS = """tea,Tea,2.55,GBP,1000000
bowl,Bowl,12.00,GBP,1000000
rare,Rare print,40.00,GBP,5
few,First edition,90.00,GBP,5
"""
_TOP = """
database_url = "{database}"
cache_url = "{cache}"
data_dir = "{directory}"
secret_key = {{ env = "SHOP_KEY" }}
allow_unsafe_database = true

[shop]
currency = "GBP"
shipping = 395

[identity]
login_attempts_per_address = 100000
registrations_per_address = 100000

[http]
public_url = "{shop}"
return_urls = ["{shop}/"]
requests_per_minute = 1000000
"""
_METHOD = """
[payments.{name}]
plugin = "{name}"
driver = "sandbox"
mode = "test"
base_url = "{sandbox}"
allow_hosts = ["{host}"]
deadline_s = 3
secret_key = {{ env = "{upper}_KEY" }}
webhook_secret = {{ env = "{upper}_WEBHOOK" }}
"""
