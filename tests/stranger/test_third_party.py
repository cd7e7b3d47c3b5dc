"""A stranger's distribution, built and installed beside the Kassa wheel in a clean environment, sells an order over HTTP.

Clean means: a virtual environment of its own in which `kassa` and the plugin come from wheels and everything else is at the
locked versions; nothing of this checkout is on its path. It has no development tools and no test of ours.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.architecture.tree import ROOT
from tests.servers.process import free_port
from tests.stranger.clean import CleanPython, built, environment
from tests.stranger.conftest import Made
from tests.walks.shop import Shopper

DISTRIBUTION = Path(__file__).with_name("pasar_qr")
START_MAX_S = 60
pytestmark = pytest.mark.xdist_group("stranger")

SETTINGS = """
[shop]
currency = "IDR"

[http]
public_url = "http://127.0.0.1:{port}"
requests_per_minute = 100000

[payments.pasar]
plugin = "pasar-qr"
base_url = "http://127.0.0.1:{provider}"
allow_hosts = ["127.0.0.1:{provider}"]
stall = "4711"
signing_key = {{ env = "PASAR_KEY" }}
"""
PRODUCTS = "sku,name,price,currency,quantity\nkopi,Kopi,18000.00,IDR,100\n"


class Elsewhere:
    """A folder with a shop, and a Python with two wheels."""

    def __init__(self, folder: Path, python: CleanPython) -> None:
        self.folder, self.python = folder, python
        self.port, self.provider = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "kassa.toml").write_text(SETTINGS.format(port=self.port, provider=self.provider))
        (folder / "products.csv").write_text(PRODUCTS)

    def run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs to its end."""
        return subprocess.run(
            [self.python.program(program), *words],
            cwd=self.folder, env=environment(PASAR_KEY="stall-key"), capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    @contextmanager
    def running(self, asked: str, program: str, *words: str) -> Iterator[None]:
        """Run one of its programs beside, from the moment it answers at `asked`."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [self.python.program(program), *words],
                cwd=self.folder, env=environment(PASAR_KEY="stall-key"), stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._await(asked, process)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def _await(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_MAX_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(url, timeout=5, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "log").read_text("utf-8", "replace")[-3000:])


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, kassa_made: Made) -> Elsewhere:
    """Built from a copy, so that nothing is left in this tree, and installed."""
    folder = tmp_path_factory.mktemp("stranger")
    source, shop = folder / "source", folder / "shop"
    shutil.copytree(DISTRIBUTION, source, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "dist"))
    plugin = built(source, folder)
    shop.mkdir()
    return Elsewhere(shop, CleanPython(folder / "python", kassa_made.requirements, kassa_made.wheel, plugin))


def test_nothing_of_this_checkout_is_there(elsewhere: Elsewhere):
    """Kassa and the plugin are where wheels go, and no entry of the path leads here."""
    told = elsewhere.run(
        "python",
        "-c",
        "import json, sys, kassa.kernel, pasar_qr; print(json.dumps([kassa.kernel.__file__, pasar_qr.__file__, *sys.path]))",
    )
    assert told.returncode == 0, told.stderr
    kernel, plugin, *path = json.loads(told.stdout)
    assert Path(kernel).is_relative_to(elsewhere.python.folder)
    assert Path(plugin).is_relative_to(elsewhere.python.folder)
    assert [entry for entry in path if Path(entry).is_relative_to(ROOT)] == []


def test_the_installed_plugin_conforms(elsewhere: Elsewhere):
    """As whoever runs a shop can see, without pytest and without its sources."""
    told = elsewhere.run("kassa", "plugin", "check", "pasar_qr.conformance", "--json")
    report = json.loads(told.stdout)
    assert [check["id"] for check in report["checks"] if check["status"] in ("failed", "unproved")] == []
    assert (told.returncode, report["method"], report["conforms"]) == (0, "pasar-qr", True)
    assert report["passed"] >= 40


def test_kassa_lists_where_it_comes_from(elsewhere: Elsewhere):
    """Installed and configured: loaded, with its distribution and version; well only while its provider answers."""
    told = elsewhere.run("kassa", "plugins", "--json")
    assert told.returncode == 0, told.stderr
    found = {status["plugin"]: status for status in json.loads(told.stdout)}
    mine = found.pop("pasar-qr")
    assert (mine["instance"], mine["state"]) == ("pasar", "loaded")
    assert (mine["distribution"], mine["version"]) == ("pasar-qr", "2.3.1")
    assert mine["activity"]["health"] == "unwell"
    assert {status["state"] for status in found.values()} == {"unconfigured"}


async def test_an_order_is_paid_by_it_over_http(elsewhere: Elsewhere):
    """Account, cart, checkout, payment by code; nobody tells the shop, it asks; then the books are verified."""
    with ExitStack() as beside:
        assert elsewhere.run("kassa", "import-products", "products.csv").returncode == 0
        provider = f"http://127.0.0.1:{elsewhere.provider}"
        beside.enter_context(elsewhere.running(provider, "python", "-m", "pasar_qr.double", str(elsewhere.provider)))
        serve = ("serve", "--port", str(elsewhere.port))
        beside.enter_context(elsewhere.running(f"{elsewhere.url}/health/ready", "kassa", *serve))
        async with httpx.AsyncClient(base_url=elsewhere.url, timeout=30, trust_env=False) as client:
            invoice_id = await bought(client, provider)
    verified = elsewhere.run("kassa", "audit", "verify")
    assert (verified.returncode, verified.stdout) == (0, "0 violations\n")
    assert invoice_id


async def bought(client: httpx.AsyncClient, provider: str) -> str:
    """Three coffees, paid by scanning the code; the invoice. The provider is told once, and the shop finds out by itself."""
    ada = await Shopper.arrive(client)
    order = await ada.order(1, 3, "coffee-order")
    assert order["total"] == {"amount": 5_400_000, "currency": "IDR"}
    started = await ada.pay(order["invoice_id"], "pasar", "coffee-payment")
    assert started.status_code == 201, started.text
    action = started.json()["next_action"]
    assert action["type"] == "show_qr"
    again = await ada.pay(order["invoice_id"], "pasar", "coffee-payment")
    assert again.content == started.content
    assert await ada.status(order["invoice_id"]) == "awaiting_payment"
    scanned = httpx.post(f"{provider}/scan/{action['payload']}", timeout=10, trust_env=False)
    assert "rupiah=54000" in scanned.text
    deadline = time.monotonic() + 30
    while await ada.status(order["invoice_id"]) != "paid":
        assert time.monotonic() < deadline, "the shop did not find out"
        time.sleep(0.2)
    return str(order["invoice_id"])
