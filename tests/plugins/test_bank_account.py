"""The shop's own bank account: what it is told, what it shows, and what it never claims."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import kassa.plugins.bank_transfer
from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.system import SystemIds
from kassa.kernel.plugin_context import GuardedContext
from kassa.kernel.plugin_vetting import Refused, configured
from kassa.plugins.bank_transfer.account.config import AccountConfig
from kassa.plugins.bank_transfer.account.method import BankAccount
from kassa.ports.banking import BankFile, Payout, Reserving, Unreadable
from kassa.ports.money import Money
from kassa.ports.payment import (
    Declined,
    MovementState,
    NoInput,
    NotExecuted,
    OperationRequest,
    Pending,
    QueryRequest,
    ShowAccount,
    StartRequest,
    Succeeded,
)
from tests.plugins.bank_statements import CSV_PROFILE, IBAN, Transfer, camt, csv
from tests.plugins.till import ShiftedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEPA: dict[str, Any] = {
    "driver": "account",
    "bank": "Example Bank",
    "holder": "Müller & Töchter GmbH",
    "iban": "DE89 3704 0044 0532 0130 00",
    "bic": "COBADEFFXXX",
    "currency": "EUR",
    "reference": "rf",
}
INDONESIA: dict[str, Any] = {
    "driver": "account",
    "bank": "Bank Contoh",
    "holder": "PT Toko Contoh",
    "account_number": "123-456-7890",
    "currency": "IDR",
    "reference": "virtual_account",
    "virtual_account": {"prefix": "88608", "digits": 10, "quarantine_days": 30},
}
KODE_UNIK = {key: value for key, value in INDONESIA.items() if key != "virtual_account"} | {
    "reference": "unique_amount",
    "unique_amount": {"digits": 3, "step": 100},
}


class Noon(ShiftedClock):
    """Noon of some day."""

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.shift_s)


CLOCK = Noon()


def account(settings: dict[str, Any], **changed: Any) -> BankAccount:
    """The method, configured as the kernel does it. Raises `Refused`."""
    given = {key: value for key, value in (settings | changed).items() if value is not None}
    return BankAccount(configured(AccountConfig, given))  # type: ignore[arg-type]


def context(operation_id: str = "") -> GuardedContext:
    tools = HttpxProviders().tools("bank", allow_hosts=(), secrets=())
    return GuardedContext(key=operation_id, step="", ends_at=CLOCK.monotonic() + 5, tools=tools, clock=CLOCK)


def request(amount: int = 1230, currency: str = "EUR", **more: Any) -> StartRequest:
    return StartRequest(
        operation_id="1a2b3c4d5e6f708192a3b4c5d6e7f809",
        merchant_ref="KS-7F3Q-9MZD-X-1a2b3c4d",
        invoice_id="KS-7F3Q-9MZD-X",
        amount=Money(amount=amount, currency=currency),
        capture=True,
        input=NoInput(),
        return_url="",
        webhook_url="",
        expires_at=NOON + timedelta(days=2),
        **more,
    )


async def started(method: BankAccount, asked: StartRequest) -> Pending:
    answer = await method.start(context(asked.operation_id), asked)
    assert isinstance(answer, Pending), answer
    return answer


async def shown(method: BankAccount, asked: StartRequest) -> ShowAccount:
    action = (await started(method, asked)).next_action
    assert isinstance(action, ShowAccount)
    return action


def refunding(amount: int = 500, state: bytes = b"[]") -> OperationRequest:
    return OperationRequest(
        operation_id=SystemIds().operation_id(), kind="refund", merchant_ref="KS-7F3Q-9MZD-X-1a2b3c4d",
        provider_ref="RF1", amount=Money(amount=amount, currency="EUR"), movements=(), input={}, state=state,
    )  # fmt: skip


def asking(state: bytes) -> QueryRequest:
    money = Money(amount=1230, currency="EUR")
    return QueryRequest(merchant_ref="KS-7F3Q-9MZD-X-1a2b3c4d", provider_ref="RF1", amount=money, state=state)


# --- what it is told


@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        (SEPA, {"iban": None}, "by iban or by account_number"),
        (SEPA, {"account_number": "123"}, "by iban or by account_number"),
        (SEPA, {"iban": "DE89370400440532013001"}, "iban"),
        (SEPA, {"iban": "DE8937040044053201300"}, "iban"),
        (SEPA, {"bic": "COBADE"}, "bic"),
        (SEPA, {"currency": "EUX"}, "currency"),
        (SEPA, {"holder": " "}, "holder"),
        (SEPA, {"holder": "x" * 71}, "holder"),
        (SEPA, {"holder": "A\nB"}, "holder"),
        (SEPA, {"bank": None}, "bank"),
        (SEPA, {"reference": None}, "reference"),
        (SEPA, {"reference": "RF"}, "reference"),
        (SEPA, {"reference": "unique_amount"}, "unique_amount is told where"),
        (SEPA, {"unique_amount": {"digits": 2, "step": 1}}, "unique_amount is told where"),
        (SEPA, {"unique_amount": {"digits": 5, "step": 1}}, "digits"),
        (SEPA, {"secret_key": "sk_test_1"}, "secret_key"),
        (SEPA, {"mode": "live"}, "mode"),
        (SEPA, {"expiry_days": 31}, "expiry_days"),
        (SEPA, {"csv": {"own": {"date": "Date"}}}, "either amount, or both credit and debit"),
        (SEPA, {"instructions": [{"channel": {"de": "Bank"}, "steps": [{"en": "Pay."}]}]}, "at least en"),
        (INDONESIA, {"virtual_account": None}, "virtual_account is told where"),
        (INDONESIA, {"virtual_account": {"prefix": "88608", "digits": 3}}, "digits"),
        (INDONESIA, {"virtual_account": {"prefix": "886", "digits": 4}}, "8 to 24 digits"),
        (INDONESIA, {"virtual_account": {"prefix": "88-08", "digits": 10}}, "prefix"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_name(
    settings: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    account(settings)
    with pytest.raises(Refused, match=re.escape(message)):
        account(settings, **change)


def test_the_readme_s_configurations_are_taken() -> None:
    """Each shop of the README, as an operator would copy it."""
    text = (Path(kassa.plugins.bank_transfer.__file__).parent / "README.md").read_text("utf-8")
    tables = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    told = {name: given for table in tables for name, given in table["payments"].items()}
    assert set(told) == {"transfer", "virtual", "kodeunik", "bank_transfer"}
    shops = set()
    for given in (one for one in told.values() if one["driver"] == "account"):
        shops.add(given["reference"])
        account(
            {key: value for key, value in given.items() if key not in ("plugin", "min_amount", "confirms", "title")}
        )
    assert shops == {"rf", "virtual_account", "unique_amount"}


def test_each_payment_is_given_what_it_needs_for_itself() -> None:
    assert account(SEPA).reserving is None
    assert account(SEPA, reference="invoice").reserving is None
    number = Reserving(what="number", first=1, last=9_999_999_999, quarantine_s=30 * 86_400)
    assert account(INDONESIA).reserving == number
    amount = Reserving(what="amount", first=1, last=999, step=100, quarantine_s=7 * 86_400)
    assert account(KODE_UNIK).reserving == amount


# --- what it shows


async def test_a_sepa_customer_sees_the_account_the_printed_reference_and_a_code() -> None:
    method = account(SEPA)
    answer = await started(method, request())
    action = answer.next_action
    assert isinstance(action, ShowAccount)
    assert (action.bank, action.holder) == ("Example Bank", "Müller & Töchter GmbH")
    assert (action.account_number, action.bic) == ("DE89 3704 0044 0532 0130 00", "COBADEFFXXX")
    assert answer.provider_ref is not None
    assert re.fullmatch(r"RF\d\dKS7F3Q9MZDX1A2B3C4D", answer.provider_ref)
    assert action.reference.replace(" ", "") == answer.provider_ref
    assert {len(group) for group in action.reference.split(" ")[:-1]} == {4}
    assert action.amount == Money(amount=1230, currency="EUR")
    assert action.expires_at == answer.expires_at == NOON + timedelta(days=2)
    assert action.qr.splitlines()[5:10] == [
        "Müller & Töchter GmbH", "DE89370400440532013000", "EUR12.30", "", answer.provider_ref,
    ]  # fmt: skip
    assert action.qr_svg.startswith("<svg")
    assert answer.movements == ()


async def test_the_same_payment_is_shown_the_same() -> None:
    for settings, asked in (
        (SEPA, request()),
        (INDONESIA, request(5_000_000, "IDR", reserved=417)),
        (KODE_UNIK, request(4_958_300, "IDR", reserved=417)),
    ):
        assert await started(account(settings), asked) == await started(account(settings), asked)


async def test_a_virtual_account_says_enough_by_itself() -> None:
    answer = await started(account(INDONESIA), request(5_000_000, "IDR", reserved=417))
    assert isinstance(answer.next_action, ShowAccount)
    assert answer.provider_ref == answer.next_action.account_number == "886080000000417"
    assert (answer.next_action.reference, answer.next_action.qr) == ("", "")


async def test_a_unique_amount_is_shown_to_the_last_digit_with_the_invoice_number() -> None:
    action = await shown(account(KODE_UNIK), request(4_958_300, "IDR", reserved=417))
    assert (action.amount, action.reference) == (Money(amount=4_958_300, currency="IDR"), "KS-7F3Q-9MZD-X")
    assert action.account_number == "123-456-7890"
    assert any("exactly" in step["en"] for one in action.instructions for step in one.steps)


async def test_an_amount_that_no_transfer_can_have_is_declined() -> None:
    answer = await account(KODE_UNIK).start(context(), request(4_958_350, "IDR", reserved=417))
    assert isinstance(answer, Declined)
    assert answer.provider_code == "not_in_steps"


@pytest.mark.parametrize("settings", [INDONESIA, KODE_UNIK])
async def test_without_what_it_needs_for_itself_nothing_is_shown(settings: dict[str, Any]) -> None:
    assert isinstance(await account(settings).start(context(), request(100_000, "IDR")), NotExecuted)


async def test_the_account_takes_one_currency() -> None:
    answer = await account(SEPA).start(context(), request(1000, "GBP"))
    assert isinstance(answer, Declined)
    assert (answer.code, answer.provider_code) == ("not_allowed", "another_currency")


async def test_the_invoice_number_is_shown_as_it_is() -> None:
    answer = await started(account(SEPA, reference="invoice"), request())
    assert isinstance(answer.next_action, ShowAccount)
    assert (answer.next_action.reference, answer.provider_ref) == ("KS-7F3Q-9MZD-X", "KS-7F3Q-9MZD-X-1a2b3c4d")
    assert answer.next_action.qr.splitlines()[9:] == ["", "KS-7F3Q-9MZD-X"]


async def test_the_shop_may_wait_longer_to_the_end_of_a_day() -> None:
    answer = await started(account(SEPA, expiry_days=5), request())
    assert answer.expires_at == datetime(2026, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize("settings", [SEPA, SEPA | {"reference": "invoice"}, INDONESIA, KODE_UNIK])
async def test_every_channel_is_told_in_three_languages(settings: dict[str, Any]) -> None:
    asked = request(100_000, settings["currency"], reserved=7)
    told = (await shown(account(settings, channels=["app", "atm", "branch"]), asked)).instructions
    assert [one.channel["en"] for one in told] == ["Banking app or online banking", "Cash machine", "At a branch"]
    for text in (text for one in told for text in (one.channel, *one.steps)):
        assert set(text) == {"en", "id", "de"}
    assert msgspec.json.encode(told) != msgspec.json.encode(told[:2])


async def test_the_shop_says_it_in_its_own_words() -> None:
    own = [{"channel": {"en": "Kiosk"}, "steps": [{"en": "Ask Tom.", "de": "Frag Tom."}]}]
    (told,) = (await shown(account(SEPA, instructions=own), request())).instructions
    assert (told.channel, told.steps) == ({"en": "Kiosk"}, ({"en": "Ask Tom.", "de": "Frag Tom."},))


# --- what it never claims


async def test_a_query_says_open_and_that_refunds_wait_for_the_bank() -> None:
    method, state = account(SEPA), b"[]"
    for amount in (300, 300):
        answer = await method.refund(context(), refunding(amount, state))
        assert isinstance(answer, Pending)
        assert [(m.state, m.amount.amount) for m in answer.movements] == [(MovementState.PENDING, 300)]
        state = answer.state or b""
    report = await method.query(context(), asking(state))
    assert (report.found, report.status, report.next_action) == (True, "requires_action", None)
    assert [(m.kind, m.state, m.amount.amount) for m in report.movements] == [
        ("refund", MovementState.PENDING, 300)
    ] * 2
    assert len({m.id for m in report.movements}) == 2


async def test_the_same_refund_is_one_movement_by_its_end_to_end_id() -> None:
    method, operation = account(SEPA), refunding()
    once = await method.refund(context(), operation)
    twice = await method.refund(context(), msgspec.structs.replace(operation, state=once.state or b""))
    assert once == twice
    assert once.movements[0].id == operation.operation_id


async def test_what_is_remembered_of_refunds_stays_small() -> None:
    method, state = account(SEPA), b"[]"
    for _ in range(120):
        state = (await method.refund(context(), refunding(1, state))).state or b""
    assert len(state) < 8 * 1024
    assert len((await method.query(context(), asking(state))).movements) == 50


async def test_a_payment_whose_account_was_never_shown_is_not_found() -> None:
    assert not (await account(SEPA).query(context(), asking(b""))).found


async def test_nobody_has_to_be_told_of_a_void() -> None:
    operation = msgspec.structs.replace(refunding(), kind="void", amount=None)
    assert isinstance(await account(SEPA).void(context(), operation), Succeeded)


# --- the bank's files


async def test_a_statement_of_another_account_is_refused() -> None:
    sent = (Transfer(number=1, merchant_ref="x", reference="KS", amount=Money(amount=100, currency="EUR")),)
    read = await account(SEPA, iban=IBAN).statement(context(), camt(sent), "camt")
    assert isinstance(read, BankFile)
    assert [line.amount.amount for line in read.lines] == [100]
    other = await account(SEPA, iban="AT611904300234573201").statement(context(), camt(sent), "camt")
    assert isinstance(other, Unreadable)


async def test_a_payer_whom_the_bank_does_not_name_is_nobody() -> None:
    """Some banks write NOTPROVIDED where they know nothing: no refund may go there."""
    sent = (Transfer(number=1, merchant_ref="x", reference="KS", amount=Money(amount=100, currency="EUR")),)
    told = camt(sent).replace(b"<IBAN>GB33BUKB20201555555555</IBAN>", b"<Othr><Id>NOTPROVIDED</Id></Othr>")
    told = told.replace(b"Ada Lovelace", b"NOTPROVIDED")
    read = await account(SEPA, iban=IBAN).statement(context(), told, "camt")
    assert isinstance(read, BankFile)
    assert [(line.counterparty, line.account) for line in read.lines] == [("", "")]


async def test_a_csv_file_is_read_by_the_profile_that_is_named_or_the_only_one() -> None:
    sent = (Transfer(number=1, merchant_ref="x", reference="KS", amount=Money(amount=100, currency="EUR")),)
    one = account(SEPA, csv={"own": CSV_PROFILE})
    assert await one.statement(context(), csv(sent), "csv") == await one.statement(context(), csv(sent), "csv:own")
    two = account(SEPA, csv={"own": CSV_PROFILE, "other": CSV_PROFILE})
    assert isinstance(await two.statement(context(), csv(sent), "csv"), Unreadable)
    assert isinstance(await two.statement(context(), csv(sent), "csv:other"), BankFile)


async def test_the_same_refunds_are_the_same_order_for_the_bank() -> None:
    method = account(SEPA)
    payout = Payout(
        end_to_end="1a2b3c4d5e6f708192a3b4c5d6e7f809", amount=Money(amount=1230, currency="EUR"),
        name="Ada Lovelace", account="GB29NWBK60161331926819", text="Refund KS-7F3Q-9MZD-X",
    )  # fmt: skip
    written = await method.payout(context(), (payout,))
    assert written.content_type == "application/xml"
    assert re.fullmatch(r"KASSA-[0-9A-F]{24}\.xml", written.name)
    for part in (b"<EndToEndId>1a2b3c4d5e6f708192a3b4c5d6e7f809<", b'Ccy="EUR">12.30<', b"DE89370400440532013000"):
        assert part in written.data
    CLOCK.shift_s = 3600
    try:
        assert await method.payout(context(), (payout,)) == written
        CLOCK.shift_s = 86_400
        tomorrow = await method.payout(context(), (payout,))
    finally:
        CLOCK.shift_s = 0
    assert (tomorrow.name, tomorrow.data == written.data) == (written.name, False)
