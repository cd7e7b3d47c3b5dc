"""What is said to Midtrans, and what is made of its answers: what the kit cannot ask, because only Midtrans does it so."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kassa.plugins.e_wallet.midtrans.shapes import STATUSES, Answer, movements_of, of_payment, status_of
from kassa.plugins.e_wallet.qris import QrRefused
from kassa.ports.conformance.payment_method.bench import Bench, query_of
from kassa.ports.conformance.payment_method.faults import Fault
from kassa.ports.money import Money
from kassa.ports.payment import (
    ApproveInApp,
    Declined,
    NotExecuted,
    Pending,
    Redirect,
    Report,
    ShowAccount,
    ShowQr,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear
from tests.plugins.midtrans.double import (
    GopaySubject,
    MidtransDouble,
    MidtransSubject,
    QrisSubject,
    ShopeePaySubject,
    VirtualAccountSubject,
)
from tests.plugins.qr_codes import code_over


class PermataSubject(VirtualAccountSubject):
    settings = VirtualAccountSubject.settings | {"bank": "permata"}


def told(bench: Bench, at: int = -1) -> Any:
    """The body of a request, as it was on the wire."""
    return json.loads(bench.proxy.sent[at].body)


def saying(**changes: Any) -> Fault:
    """The true answer, but for some fields; None takes one out."""

    def rewritten(body: bytes) -> bytes:
        kept = json.loads(body) | changes
        return json.dumps({name: value for name, value in kept.items() if value is not None}).encode()

    return Fault("the answer says something else", rewrites=rewritten)


def double_of(bench: Bench) -> MidtransDouble:
    assert isinstance(bench.provider.double, MidtransDouble)
    return bench.provider.double


gopay = pytest.mark.parametrize("bench", [GopaySubject], indirect=True)
qris = pytest.mark.parametrize("bench", [QrisSubject], indirect=True)


# --- what is sent


CHARGES: list[tuple[type[MidtransSubject], dict[str, Any]]] = [
    (GopaySubject, {"payment_type": "gopay", "gopay": {"enable_callback": True, "callback_url": "…"}}),
    (QrisSubject, {"payment_type": "qris", "qris": {"acquirer": "gopay"}}),
    (ShopeePaySubject, {"payment_type": "shopeepay", "shopeepay": {"callback_url": "…"}}),
    (VirtualAccountSubject, {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bca"}}),
]


@pytest.mark.parametrize(("bench", "channel"), CHARGES, indirect=["bench"])
async def test_a_charge_is_the_documented_one_and_ends_when_the_shop_stops_waiting(
    bench: Bench, channel: dict[str, Any]
):
    """Whole rupiah, our reference, the shop's address for notices, and an expiry that a repetition says again."""
    request = bench.request(Money(amount=1_234_500, currency="IDR"))
    request = replace(request, expires_at=request.expires_at - timedelta(minutes=7))
    await bench.start(request)
    order, sent = told(bench), bench.proxy.sent[-1]
    assert (sent.method, sent.target) == ("POST", "/v2/charge")
    assert sent.header("x-override-notification") == request.webhook_url
    assert order.pop("transaction_details") == {"order_id": request.merchant_ref, "gross_amount": 12_345}
    assert order.pop("custom_field1") == request.merchant_ref
    expiry = order.pop("custom_expiry")
    began = datetime.strptime(expiry["order_time"], "%Y-%m-%d %H:%M:%S %z")
    ends = began + timedelta(minutes=expiry["expiry_duration"])
    assert (expiry["unit"], ends) == ("minute", request.expires_at.replace(microsecond=0))
    assert began <= datetime.now(UTC)
    assert json.loads(json.dumps(order).replace(request.return_url, "…")) == channel


@gopay
async def test_half_a_rupiah_is_refused_here(bench: Bench):
    """And so is a refund of one."""
    payment = await bench.paid()
    before = len(bench.proxy.sent)
    half = Money(amount=150, currency="IDR")
    assert await bench.start(bench.request(half)) == Declined(code="not_allowed", provider_code="amount")
    refund = bench.operation("refund", payment, half)
    assert await bench.operate(refund) == Declined(code="not_allowed", provider_code="amount")
    assert len(bench.proxy.sent) == before


# --- what the customer is shown


@qris
async def test_the_code_that_is_shown_says_what_was_asked(bench: Bench):
    """And until when, in UTC."""
    payment = await bench.started(bench.request())
    shown = payment.outcome.next_action  # type: ignore[union-attr]
    assert shown == ShowQr(payload=code_over(12), expires_at=datetime(2026, 11, 22, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    "code", [code_over(13), code_over(1200), code_over(12, currency="840"), code_over(12)[:-1] + "!", ""]
)
@qris
async def test_a_code_over_anything_else_is_never_shown(bench: Bench, code: str):
    """The payment exists, so it is unknown and not declined; a query finds it."""
    request = bench.request()
    bench.proxy.arm(saying(qr_string=code))
    said = await bench.attempt(bench.begin(request))
    bench.proxy.arm(None)
    assert isinstance(said, QrRefused)
    charge = await bench.provider.charge(request.merchant_ref)
    assert charge is not None and not charge.movements


@pytest.mark.parametrize(
    ("url", "action"),
    [
        ("https://gopay.co.id/app/x", Redirect(url="https://gopay.co.id/app/x")),
        ("gojek://gopay/x", ApproveInApp(app="GoPay", deep_link="gojek://gopay/x")),
    ],
)
@gopay
async def test_a_link_that_only_a_phone_understands_is_no_redirect(bench: Bench, url: str, action: object):
    """It is offered as what opens the app."""
    bench.proxy.arm(saying(actions=[{"name": "deeplink-redirect", "method": "GET", "url": url}]))
    said = await bench.attempt(bench.begin(bench.request()))
    assert isinstance(said, Pending)
    assert said.next_action == action


@pytest.mark.parametrize(
    ("bench", "bank", "number"),
    [
        (VirtualAccountSubject, "Bank Central Asia (BCA)", "81279421781"),
        (PermataSubject, "Bank Permata", "8562000087926752"),
    ],
    indirect=["bench"],
)
async def test_a_virtual_account_is_shown_with_all_that_is_needed_to_pay_it(bench: Bench, bank: str, number: str):
    """Bank, number, holder, the exact amount, until when, and how, in three languages."""
    payment = await bench.started(bench.request())
    shown = payment.outcome.next_action  # type: ignore[union-attr]
    assert isinstance(shown, ShowAccount)
    assert (shown.bank, shown.account_number, shown.holder, shown.amount) == (bank, number, "Toko Kassa", bench.amount)
    assert shown.expires_at == datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert all({"en", "id", "de"} == {*step} for one in shown.instructions for step in (one.channel, *one.steps))


# --- what is made of answers


ENDS: dict[str, tuple[str, str, str]] = {
    "pending": ("requires_action", "pending", "pending"),
    "authorize": ("authorized", "pending", "pending"),
    "capture": ("succeeded", "pending", "failed"),
    "settlement": ("succeeded", "pending", "pending"),
    "refund": ("succeeded", "succeeded", "succeeded"),
    "partial_refund": ("succeeded", "succeeded", "succeeded"),
    "chargeback": ("succeeded", "succeeded", "succeeded"),
    "partial_chargeback": ("succeeded", "succeeded", "succeeded"),
    "deny": ("failed", "failed", "failed"),
    "failure": ("failed", "failed", "failed"),
    "cancel": ("canceled", "canceled", "canceled"),
    "expire": ("expired", "expired", "expired"),
    "quantum": ("pending", "pending", "pending"),
}
"""By `transaction_status`: with `fraud_status` accept, challenge and deny."""


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize(("at", "fraud"), list(enumerate(("accept", "challenge", "deny"))))
@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_every_documented_status_means_one_thing(status: str, at: int, fraud: str, write: Callable[[str], str]):
    """In either case of letters; only what was paid and not questioned is money."""
    answer = Answer(
        status_code="200", transaction_id="t-1", order_id="KS-1", gross_amount="12000.00",
        transaction_status=write(status), fraud_status=write(fraud),
    )  # fmt: skip
    found = of_payment(answer, "KS-1", None)
    assert status_of(found) == ENDS[status][at]
    kinds = {one.kind for one in movements_of(found)}
    assert ("capture" in kinds) == (ENDS[status][at] == "succeeded")
    assert ("auth" in kinds) == (ENDS[status][at] == "authorized")
    assert all(one.amount == Money(amount=1_200_000, currency="IDR") for one in movements_of(found))


def test_the_table_above_names_every_status():
    """And one that nobody has."""
    assert ENDS.keys() - STATUSES.keys() == {"quantum"}
    assert STATUSES.keys() <= ENDS.keys()


@gopay
async def test_an_answer_under_another_order_id_is_ours_if_it_is_our_transaction(bench: Bench):
    """As for DANA: by Midtrans' own id where it is known, else by the field that every charge of ours carries."""
    payment = await bench.paid()
    double_of(bench).books.renames_orders = True
    report = await bench.query(payment)
    assert (report.status, report.merchant_ref) == ("succeeded", payment.request.merchant_ref)
    lost = await bench.attempt(bench.ask(query_of(payment, by_ref=False)))
    assert isinstance(lost, Report)
    assert (lost.status, lost.provider_ref) == ("succeeded", payment.provider_ref)
    bench.proxy.arm(saying(custom_field1=None))
    assert isinstance(await bench.attempt(bench.ask(query_of(payment, by_ref=False))), ProviderUnclear)


@gopay
async def test_an_answer_about_another_transaction_says_nothing(bench: Bench):
    """Even under our own order id."""
    payment = await bench.paid()
    bench.proxy.arm(saying(transaction_id="00000000-0000-0000-0000-000000000000"))
    assert isinstance(await bench.attempt(bench.ask(query_of(payment))), ProviderUnclear)


@pytest.mark.parametrize("changed", [{"gross_amount": "13.00"}, {"gross_amount": "12.5"}, {"currency": "USD"}])
@gopay
async def test_a_charge_of_another_amount_is_unknown(bench: Bench, changed: dict[str, str]):
    """Nobody is sent to pay it."""
    bench.proxy.arm(saying(**changed))
    assert isinstance(await bench.attempt(bench.begin(bench.request())), ProviderUnclear)


REFUSALS = {
    "400": Declined(code="invalid_input", provider_code="400"),
    "401": NotExecuted(reason="Midtrans refuses our key, or has no time for us: 401"),
    "402": Declined(code="not_allowed", provider_code="402"),
    "403": Declined(code="not_allowed", provider_code="403"),
    "405": Declined(code="not_allowed", provider_code="405"),
    "408": Declined(code="invalid_input", provider_code="408"),
    "410": Declined(code="not_allowed", provider_code="410"),
    "413": Declined(code="invalid_input", provider_code="413"),
    "429": NotExecuted(reason="Midtrans refuses our key, or has no time for us: 429"),
    "404": None, "300": None, "500": None, "503": None, "505": None, "999": None, "20": None, "0200": None, "two": None,
}  # fmt: skip
"""What a charge becomes by `status_code`; None: unknown."""


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("honest", [False, True])
@gopay
async def test_a_refusal_is_one_under_http_200_too(bench: Bench, code: str, honest: bool):
    """`status_code` says what happened, whether or not HTTP says the same."""
    status = int(code) if honest and len(code) == 3 and code.isdigit() and code[0] in "345" else 200
    bench.proxy.arm(Fault("a refusal", status=status, body=json.dumps({"status_code": code}).encode()))
    said = await bench.attempt(bench.begin(bench.request()))
    assert (said == REFUSALS[code]) if REFUSALS[code] is not None else isinstance(said, ProviderUnclear), said


@pytest.mark.parametrize("status", [302, 403, 500, 503])
@gopay
async def test_http_that_denies_what_the_body_says_is_unclear(bench: Bench, status: int):
    """A gateway in between, perhaps."""
    bench.proxy.arm(Fault("a success under another status", status=status))
    assert isinstance(await bench.attempt(bench.begin(bench.request())), ProviderUnclear)


@gopay
async def test_a_status_under_http_404_is_not_found_only_by_its_own_word(bench: Bench):
    """A page that says 404 says nothing of a payment."""
    payment = await bench.started(bench.request())
    bench.proxy.arm(Fault("their 404", status=404, body=b'{"status_code":"404","status_message":"no"}'))
    assert await bench.attempt(bench.ask(query_of(payment))) == Report(found=False)
    bench.proxy.arm(Fault("a gateway's 404", status=404, body=b"<h1>404</h1>"))
    assert isinstance(await bench.attempt(bench.ask(query_of(payment))), ProviderUnclear)


@gopay
async def test_a_refund_that_its_wallet_denies_is_declined(bench: Bench):
    """`status_code` 202, and nothing of it in the list."""
    payment = await bench.paid()
    double_of(bench).books.denies_refunds = True
    said = await bench.operate(bench.operation("refund", payment, bench.amount))
    assert said == Declined(code="not_allowed", provider_code="202")


@pytest.mark.parametrize("code", ["406", "200"])
@gopay
async def test_a_refund_said_to_be_there_and_not_shown_is_unknown(bench: Bench, code: str):
    """`406` means that our key was taken: whether its refund was made is for the list to say."""
    payment = await bench.paid()
    bench.proxy.arm(Fault("said, not shown", rewrites=lambda body: _without_refunds(body, code)))
    said = await bench.attempt(bench.command(bench.operation("refund", payment, bench.amount)))
    assert isinstance(said, ProviderUnclear)


def _without_refunds(body: bytes, code: str) -> bytes:
    answer = json.loads(body)
    if answer.pop("refund_chargeback_id", None) is not None:
        return json.dumps({"status_code": code}).encode()
    answer.pop("refunds", None)
    return json.dumps(answer).encode()


def test_a_refund_by_hand_is_done_when_the_bank_has_confirmed_it():
    """Those asked for in Midtrans' dashboard are `offline`."""
    refund = {"refund_chargeback_id": 7, "refund_amount": "500.00", "refund_key": "x", "refund_method": "offline"}
    told = {"status_code": "200", "transaction_id": "t", "order_id": "KS-1", "gross_amount": "1200.00"}
    states = []
    for more in ({}, {"bank_confirmed_at": "2026-11-22 17:00:00"}):
        answer = told | {"transaction_status": "partial_refund", "refunds": [refund | more]}
        found = of_payment(msgspec.convert(answer, Answer), "KS-1", None)
        states += [one.state.name for one in movements_of(found) if one.kind == "refund"]
    assert states == ["PENDING", "SUCCEEDED"]


@gopay
async def test_without_a_link_there_is_nothing_to_do_but_wait(bench: Bench):
    """A charge that was found again, after its answer was lost: the status call does not tell the link."""
    first = await bench.started(bench.request())
    said = await bench.start(first.request)
    assert said == Pending(provider_ref=first.provider_ref, next_action=Wait(), expires_at=said.expires_at)  # type: ignore[union-attr]
