"""A shop in rupiah: ISO 4217 gives them two digits after the point, and no wallet takes them."""

from collections.abc import Iterator

import pytest

from tests.http.caller import Caller, fresh
from tests.http.places import There, staffed
from tests.walks.shop import ServedShop

WALLET = """
[payments.linkaja]
plugin = "e_wallet"
driver = "xendit"
channel = "LINKAJA"
mode = "test"
base_url = "http://127.0.0.1:9"
secret_key = { env = "WALLET_KEY" }
callback_token = { env = "WALLET_TOKEN" }
title = { en = "LinkAja", id = "LinkAja (dompet)" }
min_amount = 1000000
max_amount = 200000050
fee = { percent = "1.5" }
"""


class Warung(ServedShop):
    """A shop in rupiah, where postage costs nothing."""

    @property
    def environment(self) -> dict[str, str]:
        """With a wallet's secrets beside the others."""
        rupiah = {"KASSA_SHOP_CURRENCY": "IDR", "KASSA_SHOP_SHIPPING": "0"}
        return {**super().environment, **rupiah, "WALLET_KEY": "xnd_development_x", "WALLET_TOKEN": "token"}


@pytest.fixture(scope="module")
def warung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedShop]:
    """Embedded: what is refused here is refused before any adapter is asked."""
    folder = tmp_path_factory.mktemp("warung")
    shop = Warung(folder, f"sqlite:///{folder}/shop.db", "memory://", extra=WALLET, products=GOODS)
    try:
        yield staffed(shop).start()
        assert shop.violations() == ()
    finally:
        shop.close()


GOODS = """kopi,Kopi,10000.00,IDR,100
teh,Teh,10000.50,IDR,100
gula,Gula,9999.00,IDR,100
mesin,Mesin,2000001.00,IDR,100
"""
KOPI, TEH, GULA, MESIN = 1, 2, 3, 4
pytestmark = pytest.mark.parametrize("place", ["warung"], indirect=True)


async def order(ada: Caller, product_id: int) -> str:
    """One of something; its invoice id."""
    assert (await ada.put(product_id, 1)).status_code == 200
    invoice_id: str = (await ada.check_out()).json()["order"]["invoice_id"]
    return invoice_id


async def offered(ada: Caller, invoice_id: str) -> set[str]:
    """The methods that fit, as its customer is told."""
    listed = await ada.get("/v1/payment-methods", params={"invoice_id": invoice_id}, headers={"Accept-Language": "id"})
    assert {"Transfer bank", "Kartu"} <= {item["title"] for item in listed["items"]}
    return {item["title"] for item in listed["items"]} - {"Transfer bank", "Kartu", "Dompet digital"}


@pytest.mark.parametrize(("product_id", "fits"), [(KOPI, True), (TEH, False), (GULA, False), (MESIN, False)])
async def test_a_wallet_takes_whole_rupiah_within_its_range(
    place: There, ada: Caller, product_id: int, fits: bool
) -> None:
    """Half a rupiah, too little and too much are said to be so before anybody asks the provider; a transfer takes them all."""
    invoice_id = await order(ada, product_id)
    assert await offered(ada, invoice_id) == ({"LinkAja (dompet)"} if fits else set())
    body = {"invoice_id": invoice_id, "method": "linkaja"}
    if not fits:
        answer = await ada.ask("POST", "/v1/payments", key=fresh("pay"), json=body, headers={"Accept-Language": "id"})
        problem = answer.json()
        assert (answer.status_code, problem["title"]) == (422, "Jumlah tidak dapat diterima")
        assert problem["takes"] == [{"currency": "IDR", "min": 1_000_000, "max": 200_000_000, "step": 100}]
        assert problem["detail"] == "linkaja takes 10000.00 to 2000000.00 IDR in steps of 1.00"
    paid = await ada.ask(
        "POST", "/v1/payments", key=fresh("pay"), json={**body, "method": "card", "input": {"source": "tok_ok"}}
    )
    assert (paid.status_code, paid.json()["status"]) == (201, "paid")
    assert place.shop.captured(invoice_id) == [paid.json()["nominal"]["amount"]]
