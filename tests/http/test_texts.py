"""What customers read: in the language of their browser, whatever it sends."""

from datetime import UTC, datetime
from typing import Any, get_args

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kassa.adapters.http import problems
from kassa.adapters.http.app import SHOP_ROUTES
from kassa.adapters.http.openapi import errors_of
from kassa.adapters.http.payment_words import title_of, worded
from kassa.adapters.http.route import Access
from kassa.adapters.http.texts import LANGUAGES, Catalogue, catalogue, speech, wanted
from kassa.plugins import e_wallet
from kassa.ports.cashier import MethodName, PaymentView
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Declined, Instruction, ShowAccount
from kassa.ports.payment_records import PaymentStatus
from tests.http.caller import Caller, arrive, fresh, log_in
from tests.http.places import OPERATOR_EMAIL, Here
from tests.http.test_payment import order, pay
from tests.kernel.machine import NOON

GERMAN, INDONESIAN = {"Accept-Language": "de-AT,de;q=0.9"}, {"Accept-Language": "id"}
TABLES = [name for name in Catalogue.__struct_fields__ if name != "language"]


def table(language: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(getattr(catalogue(language), name))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in TABLES if name != "problem"])
def test_every_text_is_there_in_every_language(language: str, name: str) -> None:
    mine, english = table(language, name), table("en", name)
    assert mine.keys() == english.keys()
    for text in msgspec.json.decode(msgspec.json.encode(mine), type=dict[str, str | dict[str, str]]).values():
        assert all(
            isinstance(one, str) and one.strip() for one in (text.values() if isinstance(text, dict) else [text])
        )


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize("name", ["status", "decline", "action", "receipt", "page"])
def test_no_text_was_left_in_english(language: str, name: str) -> None:
    english = table("en", name)
    assert [key for key, text in table(language, name).items() if text == english[key]] == []


def test_everything_that_can_happen_to_a_payment_has_a_sentence() -> None:
    assert table("en", "status").keys() == {status.value for status in PaymentStatus} | {"in_doubt"}
    (codes,) = (field.type for field in msgspec.structs.fields(Declined) if field.name == "code")
    assert table("en", "decline").keys() == set(get_args(codes))
    assert table("en", "action").keys() == {action.__struct_config__.tag for action in get_args(AnyNextAction)}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_problem_a_customer_can_meet_has_a_title(language: str) -> None:
    mine = [route for route in SHOP_ROUTES if route.access is not Access.OPERATOR and route.name != "receiveWebhook"]
    met = {error for route in mine for error in errors_of(route)}
    codes = {error.code for error in met if problems.row_of(error) is not problems.HIDDEN}
    assert table(language, "problem").keys() >= codes
    assert table(language, "problem").keys() <= {kind.code for kind in problems.TABLE}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["de"], ("de",)),
        (["en;q=0.5, id;q=0.8, de"], ("de", "id", "en")),
        (["de-at;q=0.7,fr,EN-us;q=0.7"], ("fr", "de-AT", "en-US")),
        (["zh-Hant-TW, id"], ("zh", "id")),
        (["de;q=0, id"], ("id",)),
        (["de;q=0.001,id;q=0.000"], ("de",)),
        (["*"], ()),
        (["id", "de;q=0.5"], ("id", "de")),
        (["de ; q=0.5 ,\tid"], ("id", "de")),
        (["de;q=1.001, de;q=2, de;q=x, de;q=, de;level=1, q=1, -, d, ä, deutsch-zu-lang, ;q=1", "id"], ("id",)),
        (["de" + " " * 2000], ()),
        ([",".join(["fr"] * 40) + ",de"], ("fr",)),
        ([""], ()),
        ([], ()),
    ],
)
def test_a_browsers_languages_are_weighed_as_rfc_9110_says(header: list[str], expected: tuple[str, ...]) -> None:
    assert wanted(header) == expected


@given(st.lists(st.text(max_size=60) | st.from_regex(r"[a-z]{1,3}(-[A-Z]{2})?(;q=[01](\.[0-9]{1,4})?)?"), max_size=4))
def test_whatever_a_browser_sends_somebody_is_understood(headers: list[str]) -> None:
    assert speech(headers).words.language in LANGUAGES
    assert speech(headers).words.money(Money(amount=5, currency="KWD"))


@pytest.mark.parametrize(
    ("language", "amount", "moment", "day"),
    [
        ("en", "-49,802.05 IDR", "2026-03-02 09:05", "2026-03-02"),
        ("id", "-49.802,05 IDR", "02/03/2026 09.05", "02/03/2026"),
        ("de", "-49.802,05 IDR", "02.03.2026 09:05", "02.03.2026"),
    ],
)
def test_money_and_days_are_written_as_the_customer_does(language: str, amount: str, moment: str, day: str) -> None:
    """Of a bank's line the day is known and no hour."""
    words = speech([language]).words
    assert words.money(Money(amount=-4_980_205, currency="IDR")) == amount
    assert words.money(Money(amount=-5, currency="KWD")) == f"-0{words.form.decimal}005 KWD"
    assert words.money(Money(amount=1_234_567, currency="JPY")) == f"1{words.form.group}234{words.form.group}567 JPY"
    at = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    assert (words.moment(at), words.moment(at.replace(hour=0, minute=0))) == (moment, day)


@pytest.mark.parametrize("header", ["\xff\xfe", "*;q=0", "de;q=", "a" * 5000, ",,,,", "id;q=0"])
async def test_nobody_is_refused_for_the_language_of_a_browser(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/v1/texts", headers=[(b"accept-language", header.encode("latin-1"))])
    assert (answer.status_code, answer.headers["content-language"]) == (200, "en")


async def test_a_payment_reads_as_its_customer_does_and_its_codes_stay(ada: Caller, operator: Caller) -> None:
    started = (await pay(ada, await order(ada, operator), method="bank")).json()
    path = f"/v1/payments/{started['id']}"
    german, indonesian = await ada.ask("GET", path, headers=GERMAN), await ada.ask("GET", path, headers=INDONESIAN)
    assert german.headers["content-language"] == german.json()["words"]["language"] == "de"
    assert german.headers["vary"] == "Accept-Language"
    assert german.json()["words"]["status"] == "Die Zahlung wartet auf Sie."
    assert german.json()["words"]["action"]["title"] == "Überweisen Sie den Betrag"
    assert indonesian.json()["words"]["action"]["title"] == "Kirim melalui transfer bank"
    views = [{**answer.json(), "words": None} for answer in (german, indonesian)]
    assert views[0] == views[1] == {**started, "words": None}
    listed = await ada.get("/v1/payments", params={"invoice_id": started["invoice_id"]}, headers=GERMAN)
    assert listed["items"] == [german.json()]


async def test_a_decline_and_a_doubt_are_told_in_words(ada: Caller, operator: Caller, here: Here) -> None:
    here.till.provider.script.append("decline")
    declined = (await pay(ada, await order(ada, operator))).json()
    words = (await ada.get(f"/v1/payments/{declined['id']}", headers=GERMAN))["words"]
    assert declined["decline_code"] == "card_declined"
    assert words["decline"] == "Die Karte wurde abgelehnt. Ihre Bank kennt den Grund."
    here.till.provider.script.append("lost_after")
    here.till.provider.asked.append("lost")
    doubtful = (await pay(ada, await order(ada, operator))).json()
    words = (await ada.get(f"/v1/payments/{doubtful['id']}", headers=GERMAN))["words"]
    assert (doubtful["in_doubt"], words["decline"]) == (True, "")
    assert "nicht noch einmal" in words["status"]


async def test_an_answer_that_is_repeated_is_repeated_byte_for_byte(ada: Caller, operator: Caller) -> None:
    invoice_id, key = await order(ada, operator), fresh("pay")
    first = await pay(ada, invoice_id, key=key, method="bank")
    body = {"invoice_id": invoice_id, "method": "bank"}
    again = await ada.ask("POST", "/v1/payments", key=key, json=body, headers=GERMAN)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert "content-language" not in again.headers


async def test_methods_are_called_what_the_operator_calls_them() -> None:
    terms = {"title": {"en": "Our till", "de": "Unsere Kasse", "id-ID": "Kasir"}}
    async with Here.opened(terms=terms) as here, here.client() as client:
        ada = await arrive(client)
        for languages, title in (("de-CH", "Unsere Kasse"), ("id-ID", "Kasir"), ("id", "Our till"), ("", "Our till")):
            listed = await ada.get("/v1/payment-methods", headers={"Accept-Language": languages})
            assert {item["title"] for item in listed["items"]} == {title}, languages


async def test_methods_are_called_what_they_are_called(ada: Caller) -> None:
    listed = await ada.ask("GET", "/v1/payment-methods", headers=GERMAN)
    titles = {item["method"]: item["title"] for item in listed.json()["items"]}
    assert listed.headers["content-language"] == "de"
    assert (titles["card"], titles["bank"]) == ("Karte", "Bank")  # `bank` is a plugin that we know no word for


async def test_a_problem_is_told_in_the_customers_language(client: httpx.AsyncClient, ada: Caller) -> None:
    for headers, title, language in (
        (GERMAN, "Diese Zahlung gibt es nicht", "de, en"),
        (INDONESIAN, "Pembayaran tidak ditemukan", "id, en"),
        ({"Accept-Language": "fr"}, "No such payment", "en"),
    ):
        answer = await ada.ask("GET", "/v1/payments/987654", headers=headers)
        assert (answer.json()["title"], answer.json()["code"]) == (title, "unknown_payment")
        assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "Accept-Language")
    nowhere = await client.get("/nowhere", headers=GERMAN)
    assert (nowhere.json()["title"], nowhere.json()["code"]) == ("Nicht gefunden", "not_found")


async def test_the_page_after_a_payment_is_in_the_customers_language(client: httpx.AsyncClient) -> None:
    page = await client.get("/returned", headers=GERMAN)
    assert (page.headers["content-language"], "Vielen Dank" in page.text) == ("de", True)
    assert '<html lang="de">' in page.text
    assert "Thank you" in (await client.get("/returned")).text


async def test_what_only_operators_meet_stays_in_english(client: httpx.AsyncClient, here: Here) -> None:
    await here.hire()
    operator = await log_in(client, OPERATOR_EMAIL)
    answer = await operator.ask("POST", "/v1/operator/notices/987654/replay", headers=GERMAN)
    assert (answer.json()["title"], answer.headers["content-language"]) == ("No such notice", "en")


async def test_all_sentences_can_be_had_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/texts", headers=GERMAN)
    assert answer.json()["decline"] == table("de", "decline")
    assert answer.json()["status"]["paid"] == "Bezahlt. Vielen Dank."
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_a_plugins_instructions_are_given_in_the_customers_language() -> None:
    texts = {"en": "Cash machine", "id": "ATM"}
    steps = ({"en": "Choose transfer", "id": "Pilih transfer"}, {"en": "Enter the number"})
    money = Money(amount=1_000_000, currency="IDR")
    action = ShowAccount(
        bank="B", holder="H", account_number="8800", reference="", amount=money,
        instructions=(Instruction(channel=texts, steps=steps),),
    )  # fmt: skip
    name = MethodName(plugin="bank_transfer", title="Bank transfer", given={})
    told = worded(_waiting(action, money), name, speech(["id-ID,en;q=0.5"])).words
    assert (told.method, told.action and told.action.title) == ("Transfer bank", "Kirim melalui transfer bank")
    assert told.action is not None
    (channel,) = told.action.instructions
    assert (channel.channel, channel.steps) == ("ATM", ("Pilih transfer", "Enter the number"))


def test_a_driver_that_is_another_thing_than_its_plugin_is_called_so() -> None:
    name = MethodName(plugin="e_wallet", driver="xendit_va", title="E-wallet", given={})
    assert title_of(name, speech(["id"])) == "Virtual account"
    assert title_of(msgspec.structs.replace(name, driver="xendit"), speech(["id"])) == "Dompet digital"
    drivers = {f"e_wallet/{driver.name}" for driver in e_wallet.DRIVERS}
    assert {key for key in table("en", "method") if "/" in key} <= drivers


def test_a_method_that_is_gone_is_called_by_its_name() -> None:
    assert title_of(MethodName(plugin="", title="old-card", given={}), speech(["de"])) == "old-card"


def _waiting(action: ShowAccount, money: Money) -> PaymentView:
    nothing = Money(amount=0, currency=money.currency)
    return PaymentView(
        id=1, invoice_id="KS-1", status=PaymentStatus.REQUIRES_ACTION, method="bank", nominal=money, authorized=nothing,
        captured=nothing, refunded=nothing, due=money, forgiven=nothing, in_doubt=False, next_action=action, decline_code="",
        poll_after_s=3, methods_left=(), expires_at=NOON, created_date=NOON, last_updated=NOON,
    )  # fmt: skip
