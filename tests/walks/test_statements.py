"""Paying by the shop's own bank account, on both pairs of adapters: what the customer was shown, the bank's file tells of.

The ordinary line walks here with servers alone; the embedded pair's own stories are `tests/http/test_stories_bank.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.http.places import staffed
from tests.plugins.bank_files.written import OURS, Transfer, camt, csv_file, mt940
from tests.walks.conftest import worker_number
from tests.walks.shop import ServedShop, Shopper
from tests.walks.test_outgoing import Operator

TEA, BOWL = 1, 2
PATH = "/v1/operator/statements"
FORMS = {"camt": camt, "mt940": mt940, "csv:german": csv_file}
EXTRA = f"""
[payments.account]
plugin = "bank_transfer"
driver = "account"
bank = "Van Lanschot"
holder = "Tea Shop"
iban = "{OURS}"
currency = "GBP"
reference = "rf"

[payments.account.csv.german]
date = "Buchung"
date_format = "DD.MM.YYYY"
amount = "Betrag"
decimals = "1.234,56"
currency_column = "Waehrung"
name = "Name"
account = "Konto"
text = ["Text"]
id = "Kennung"
"""


@pytest.fixture(params=[pytest.param("embedded", marks=pytest.mark.soak), "production"], scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """A shop that can be paid on an account of its own, and looks into a folder for the bank's files."""
    home = tmp_path_factory.mktemp("shop")
    (home / "bank").mkdir()
    extra = EXTRA + f'\n[statements]\nfolder = "{home}/bank"\nsettle_s = 1\n'
    if request.param == "embedded":
        made = ServedShop(home, f"sqlite:///{home}/shop.db", "memory://", extra=extra)
    else:
        database, redis = request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_server")
        made = ServedShop(home, database.fresh_database(), redis.database(worker_number()), workers=2, extra=extra)
    try:
        yield staffed(made).start()
        assert made.violations() == ()
    finally:
        made.close()


@pytest.fixture
async def client(shop: ServedShop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=60, trust_env=False) as opened:
        yield opened


@pytest.fixture
async def buyer(client: httpx.AsyncClient) -> Shopper:
    return await Shopper.arrive(client)


@pytest.fixture
async def operator(client: httpx.AsyncClient) -> Operator:
    return await Operator.enter(client)


class Bill:
    """An order, and what its customer was shown."""

    number = 0

    def __init__(self, buyer: Shopper, order: dict[str, Any], payment: dict[str, Any]) -> None:
        self.buyer, self.invoice_id, self.payment = buyer, order["invoice_id"], payment
        self.shown = payment["next_action"]
        self.total: int = self.shown["amount"]["amount"]

    @classmethod
    async def of(cls, buyer: Shopper, product: int = TEA) -> "Bill":
        cls.number += 1
        order = await buyer.order(product, 1, f"order-{cls.number}")
        paying = await buyer.pay(order["invoice_id"], "account", f"pay-{cls.number}")
        assert paying.status_code in (201, 202), paying.text
        return cls(buyer, order, paying.json())

    def transfer(self, amount: int | None = None, text: str = "", **more: Any) -> Transfer:
        """What the customer sends, with the reference that was shown."""
        Bill.number += 1
        more.setdefault("account", "GB33BUKB20201555555555")
        return Transfer(
            amount=self.total if amount is None else amount, text=text or f"ORDER {self.shown['reference']}",
            currency="GBP", ref=f"BANK{Bill.number:08d}", **more,
        )  # fmt: skip

    async def status(self) -> str:
        return await self.buyer.status(self.invoice_id)

    async def seen(self) -> str:
        return (await self.buyer.ask("GET", f"/v1/payments/{self.payment['id']}")).json()["status"]  # type: ignore[no-any-return]


async def bring(who: Shopper, data: bytes, **query: str) -> httpx.Response:
    headers = {"Content-Type": "application/octet-stream"}
    return await who.ask("POST", PATH, params={"method": "account", **query}, content=data, headers=headers)


async def suspense(operator: Operator, *transfers: Transfer) -> list[tuple[str, int]]:
    """What waits of the money of these transfers."""
    items = (await operator.ask("GET", "/v1/operator/suspense")).json()["items"]
    mine = [item for item in items if any(one.ref in item["key"] for one in transfers)]
    return sorted((item["reason"], item["amount"]["amount"]) for item in mine)


@pytest.mark.parametrize("form", FORMS)
async def test_what_was_shown_comes_back_in_the_banks_file_and_pays(
    buyer: Shopper, operator: Operator, form: str
) -> None:
    bill = await Bill.of(buyer)
    assert bill.shown["reference"].startswith("RF")
    data = FORMS[form]([bill.transfer()])
    query = {"form": form} if form.startswith("csv") else {}
    told = (await bring(operator, data, dry_run="true", **query)).json()
    assert await bill.status() == "awaiting_payment"
    done = await bring(operator, data, **query)
    assert (done.status_code, done.json()["verdicts"], done.json()["lines"]) == (201, {"confirmed": 1}, told["lines"])
    assert (await bill.status(), await bill.seen()) == ("paid", "paid")
    again = await bring(operator, data, **query)
    assert (again.status_code, again.json()["verdicts"]) == (200, {"known": 1})


async def test_less_leaves_the_rest_due_and_the_rest_pays(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    assert (await bring(operator, camt([bill.transfer(300)]))).json()["verdicts"] == {"confirmed": 1}
    assert (await bill.status(), await bill.seen()) == ("awaiting_payment", "partially_paid")
    await bring(operator, mt940([bill.transfer(bill.total - 300)]))
    assert (await bill.status(), await bill.seen()) == ("paid", "paid")


async def test_more_and_twice_is_paid_and_the_surplus_waits(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    first, second = bill.transfer(bill.total + 100), bill.transfer()
    await bring(operator, camt([first, second]))
    assert (await bill.status(), await bill.seen()) == ("paid", "overpaid")
    assert await suspense(operator, first, second) == [("surplus", 100), ("surplus", bill.total)]


async def test_late_money_pays_an_order_that_was_given_up(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    canceled = await buyer.ask("POST", f"/v1/orders/{bill.invoice_id}/cancel")
    assert canceled.status_code == 200, canceled.text
    assert (await bring(operator, camt([bill.transfer()]))).json()["verdicts"] == {"confirmed": 1}
    assert await bill.status() == "paid"


async def test_an_invoice_number_proposes_and_the_operator_assigns(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    slip = bill.invoice_id[:-1] + ("0" if bill.invoice_id[-1] != "0" else "1")
    for text, told in ((bill.invoice_id, "has the invoice number"), (slip, "one slip of the pen")):
        transfer = bill.transfer(text=f"invoice {text.replace('-', ' ')}")
        (line,) = (await bring(operator, camt([transfer]))).json()["lines"]
        assert (line["verdict"], line["payments"]) == ("proposed", [bill.payment["id"]]), line
        assert told in line["reason"]
    items = (await operator.ask("GET", "/v1/operator/suspense")).json()["items"]
    item = next(one for one in items if transfer.ref in one["key"])
    assert [one["payment_id"] for one in item["proposals"]] == [bill.payment["id"]]
    body = {"key": item["key"], "payment_id": bill.payment["id"], "reason": "as proposed"}
    assert (await operator.ask("POST", "/v1/operator/suspense/assign", json=body)).status_code == 200
    assert await bill.status() == "paid"


async def test_a_customer_is_known_by_the_account_of_an_earlier_payment(buyer: Shopper, operator: Operator) -> None:
    account = "DE89370400440532013000"
    first = await Bill.of(buyer)
    await bring(operator, camt([first.transfer(account=account)]))
    second = await Bill.of(buyer, BOWL)
    (line,) = (await bring(operator, camt([second.transfer(text="thanks", account=account)]))).json()["lines"]
    assert (line["verdict"], line["payments"]) == ("proposed", [second.payment["id"]])


async def test_a_refund_is_done_when_the_bank_tells_of_it(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    await bring(operator, camt([bill.transfer()]))
    path = f"/v1/operator/payments/{bill.payment['id']}/refunds"
    amount = {"amount": 100, "currency": "GBP"}
    ordered = await operator.ask("POST", path, key=f"refund-{Bill.number}", json={"amount": amount, "reason": "broken"})
    assert ordered.status_code in (201, 202), ordered.text
    assert ordered.json()["refunded"]["amount"] == 0
    listed = (await operator.ask("GET", "/v1/operator/payouts", params={"method": "account"})).json()
    name = next(one for one in listed["items"] if one["payment_id"] == bill.payment["id"])["operation_id"]
    out = bill.transfer(100, direction="debit", end_to_end=name)
    (line,) = (await bring(operator, camt([out]))).json()["lines"]
    assert (line["verdict"], line["payments"]) == ("refund_done", [bill.payment["id"]])
    view = (await buyer.ask("GET", f"/v1/payments/{bill.payment['id']}")).json()
    assert (view["refunded"]["amount"], view["status"]) == (100, "partially_refunded")
    twice = bill.transfer(100, direction="debit", end_to_end=name)
    assert (await bring(operator, camt([twice]))).json()["verdicts"] == {"review": 1}


async def test_money_confirmed_by_hand_counts_once(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    transfer = bill.transfer()
    body = {"amount": bill.shown["amount"], "bank_reference": transfer.ref, "reason": "seen on the screen"}
    path = f"/v1/operator/payments/{bill.payment['id']}/confirm"
    assert (await operator.ask("POST", path, json=body)).status_code == 200
    assert (await bring(operator, camt([transfer]))).json()["verdicts"] == {"known": 1}
    assert await bill.seen() == "paid"


async def test_one_file_brought_four_times_at_once_counts_once(buyer: Shopper, operator: Operator) -> None:
    bill = await Bill.of(buyer)
    stray = bill.transfer(777, text="hello")
    data = camt([bill.transfer(), stray])
    answers = await asyncio.gather(*(bring(operator, data) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert (await bill.status(), await bill.seen()) == ("paid", "paid")
    assert await suspense(operator, stray) == [("unmatched", 777)]


async def test_a_file_that_cannot_be_read_names_the_place_and_changes_nothing(
    buyer: Shopper, operator: Operator
) -> None:
    bill = await Bill.of(buyer)
    good = camt([bill.transfer(), bill.transfer()])
    broken = good.replace(b"CRDT", b"WHAT", 2).replace(b"WHAT", b"CRDT", 1)
    refused = await bring(operator, broken)
    assert (refused.status_code, refused.json()["code"]) == (422, "statement_refused")
    assert "entry 2" in refused.json()["path"]
    assert await bill.status() == "awaiting_payment"


async def test_a_file_in_the_folder_is_imported_and_put_away_with_its_report(shop: ServedShop, buyer: Shopper) -> None:
    bill = await Bill.of(buyer)
    folder = shop.directory / "bank"
    (folder / "good.xml").write_bytes(camt([bill.transfer()]))
    (folder / "account").mkdir(exist_ok=True)
    (folder / "account" / "bad.xml").write_bytes(b"<html>")
    good, bad = folder / "imported" / "good.xml", folder / "account" / "refused" / "bad.xml"
    for _ in range(80):
        if good.exists() and bad.exists():
            break
        await asyncio.sleep(0.1)
    assert await bill.status() == "paid"
    assert (good.exists(), bad.exists(), (folder / "good.xml").exists()) == (True, True, False)
    report = msgspec.json.decode((good.parent / "good.xml.report.json").read_bytes())
    assert report["verdicts"] == {"confirmed": 1}
    refusal = msgspec.json.decode((bad.parent / "bad.xml.report.json").read_bytes())
    assert refusal["code"] == "statement_refused"
