"""Plugins that break, hang, lie and spin: the shop starts or says why not, the others sell on, the operator sees which."""

import asyncio
import itertools
import json
import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.walks.bad_plugins import ShopWithStrangers, install, tables
from tests.walks.shop import METHODS, Shopper

BAD = ("hangs", "lies", "spins")
OPERATOR = "operator@example.com"
_KEYS = itertools.count(1)
PURCHASES = 20
FACTOR, AT_MOST_S = 8.0, 2.0
"""What a card payment may cost beside bad plugins: the median, times its cost without them; the worst of twenty, in seconds.
One that spins takes half the processor that Python has, more on a busy machine. In a shop without lanes each of its calls
would stop everybody for its whole deadline of three seconds."""


def embedded(directory: Path, extra: str = "") -> ShopWithStrangers:
    return ShopWithStrangers(directory, f"sqlite:///{directory}/shop.db", "memory://", extra=extra)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (
            tables("breaks", optional=False),
            "payments.breaks: plugin 'breaks' (bad-breaks 1.0) is failed: import: RuntimeError",
        ),
        (
            '[plugins]\nblock = ["lies"]\n' + tables("lies", optional=False),
            "payments.lies: plugin 'lies' (bad-lies 1.0) is blocked: on the block list",
        ),
        (
            '[plugins]\nallow = ["card", "e_wallet", "bank_transfer"]\n' + tables("lies", optional=False),
            "payments.lies: plugin 'lies' (bad-lies 1.0) is blocked: not on the allow list",
        ),
        (tables("gone", optional=False), "payments.gone: plugin 'gone' is failed: no installed plugin offers it"),
    ],
)
def test_a_shop_refuses_to_start_without_a_method_that_is_not_optional(tmp_path: Path, extra: str, says: str):
    """One line that names the instance, the plugin, its distribution and the reason."""
    install(tmp_path / "strangers", "breaks", "lies")
    shop = embedded(tmp_path, extra)
    try:
        done = shop.kassa("serve", "--port", str(shop.port), check=False)
        assert done.returncode == 1
        lines = [line for line in done.stderr.splitlines() if line]
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("kassa: ")
        assert says in lines[0]
        listed = shop.kassa("plugins", "--json", check=False)
        assert listed.returncode == 1
        assert next(s for s in json.loads(listed.stdout) if s["instance"] not in (*METHODS, None))["state"] != "loaded"
    finally:
        shop.close()


def test_two_distributions_with_one_name_are_refused_by_both_names(tmp_path: Path):
    """Whichever comes first on the path: the order of a path decides nothing."""
    install(tmp_path / "strangers", "lies")
    install(tmp_path / "strangers", "lies", distribution="other-lies")
    shop = embedded(tmp_path)
    try:
        for words in (["serve", "--port", str(shop.port)], ["plugins"], ["plugins", "--json"]):
            done = shop.kassa(*words, check=False)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == "kassa: payment plugin 'lies' is claimed by bad-lies and by other-lies: remove one\n"
    finally:
        shop.close()


def test_a_version_is_judged_before_the_import(tmp_path: Path):
    """By what the distribution requires, and by the contract that its entry point names: `breaks` would raise."""
    install(tmp_path / "strangers", "breaks", extras="[contract-2.0]")
    install(tmp_path / "strangers", "lies", requires="kassa>=99")
    install(tmp_path / "strangers", "hangs", extras="[contract-1.0]")
    shop = embedded(tmp_path, tables("breaks", "lies", "hangs", optional=True))
    try:
        found = {s["instance"]: s for s in json.loads(shop.kassa("plugins", "--json").stdout)}
        assert (found["breaks"]["state"], found["breaks"]["reason"]) == (
            "incompatible",
            "made for contract 2.0, this is 1.0",
        )
        assert (found["lies"]["state"], "requires kassa>=99" in found["lies"]["reason"]) == ("incompatible", True)
        assert (found["hangs"]["state"], found["hangs"]["activity"]["health"]) == ("loaded", "well")
    finally:
        shop.close()


async def card_payment_s(buyer: Shopper) -> float:
    """Place an order and pay it by card; the seconds of the payment alone."""
    key = f"good-{next(_KEYS)}"
    order = await buyer.order(1, 1, key)
    began = time.monotonic()
    answer = await buyer.pay(order["invoice_id"], "card", key, source="tok_ok")
    took_s = time.monotonic() - began
    assert answer.json()["status"] == "paid", answer.text
    return took_s


async def pay_badly(buyer: Shopper, method: str, until: asyncio.Event) -> list[dict[str, Any]]:
    """Order and pay with a bad method again and again; what was answered."""
    answers = []
    while not until.is_set():
        key = f"bad-{next(_KEYS)}"
        order = await buyer.order(1, 1, key)
        answers.append((await buyer.pay(order["invoice_id"], method, key)).json())
        await asyncio.sleep(0.05)
    return answers


async def test_the_others_sell_on_beside_plugins_that_hang_lie_and_spin(tmp_path: Path, record_property):
    """Payments by card beside several customers of each bad method; those end in doubt, and the operator sees why."""
    install(tmp_path / "strangers", "breaks", *BAD)
    shop = embedded(tmp_path, tables("breaks", *BAD, optional=True))
    shop.add_operator(OPERATOR)
    try:
        shop.start()
        async with httpx.AsyncClient(base_url=shop.url, timeout=60, trust_env=False) as client:
            good = await Shopper.arrive(client, "good")
            await card_payment_s(good)
            before = [await card_payment_s(good) for _ in range(PURCHASES)]
            over = asyncio.Event()
            customers = [(await Shopper.arrive(client, method), method) for method in BAD for _ in range(2)]
            bad = [asyncio.create_task(pay_badly(who, method, over)) for who, method in customers]
            await asyncio.sleep(0.5)
            beside = [await card_payment_s(good) for _ in range(PURCHASES)]
            assert not any(task.done() for task in bad)
            seen = await operators_view(client)
            over.set()
            answers = await asyncio.gather(*bad)
            ratio = statistics.median(beside) / statistics.median(before)
            record_property("ratio", ratio)
            print(f"median {statistics.median(before):.4f} s, beside {statistics.median(beside):.4f} s, x{ratio:.1f}")
            assert statistics.median(beside) < max(FACTOR * statistics.median(before), 0.1)
            assert max(beside) < AT_MOST_S
            for method in BAD:
                told = [
                    answer for (_, m), given in zip(customers, answers, strict=True) if m == method for answer in given
                ]
                check_told(method, told)
            assert seen["breaks"]["state"] == "failed"
            assert "RuntimeError: no licence" in seen["breaks"]["reason"]
            assert (await client.get("/health/ready")).status_code == 200
            check_seen(await operators_view(client), (await client.get("/metrics")).text)
            assert shop.violations() == ()
        began = time.monotonic()
        shop.stop()
        assert time.monotonic() - began < 20
    finally:
        shop.close()


async def operators_view(client: httpx.AsyncClient) -> dict[str, Any]:
    operator = await Shopper.log_in(client, OPERATOR)
    items = (await operator.ask("GET", "/v1/operator/plugins")).json()["items"]
    return {item["instance"]: item for item in items if item["instance"]}


def check_told(method: str, told: list[dict[str, Any]]) -> None:
    """In doubt; or provably not begun, behind a call that holds the thread; or not offered any more. Never declined by a
    provider that was asked."""
    doubtful = [one for one in told if one.get("in_doubt")]
    assert doubtful, told
    for one in told:
        if one not in doubtful:
            not_begun = (one.get("status"), one.get("decline_code")) == ("failed", "not_executed")
            assert one.get("code") == "unknown_method" or not_begun, one


def check_seen(seen: dict[str, Any], metrics: str) -> None:
    """Which, and why; in the view and in the metrics."""
    for method in METHODS:
        assert (seen[method]["state"], seen[method]["breaker"]) == ("loaded", "closed")
    card = seen["card"]["activity"]
    assert (card["calls"] >= 2 * PURCHASES, card["unclear"], card["failures_in_a_row"]) == (True, 0, 0)
    assert 0 < card["median_ms"] <= card["p95_ms"]
    reasons = {"hangs": "no answer in time", "lies": "returned dict", "spins": "no answer in time"}
    for method, reason in reasons.items():
        activity = seen[method]["activity"]
        assert activity["unclear"] > 0
        assert reason in activity["last_failure"]
        assert f'kassa_payment_method_calls_total{{call="start",instance="{method}",outcome="unknown"}}' in metrics
    assert seen["lies"]["breaker"] != "closed"
    assert seen["spins"]["activity"]["held_s"] > 1 or seen["spins"]["activity"]["blocked"] > 0
    assert 'kassa_payment_method_loaded{instance="breaks"} 0.0' in metrics
