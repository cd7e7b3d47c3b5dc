"""What is said to Xendit, and what is made of its answers: what the kit cannot ask, because only Xendit does it so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kassa.plugins.e_wallet.qris import QrRefused
from kassa.plugins.e_wallet.xendit.method import FinalInput
from kassa.plugins.e_wallet.xendit.shapes import STATUSES, PaymentRequest, amount_of, capture_of, status_of
from kassa.ports.conformance.payment_method.bench import Bench, query_of
from kassa.ports.conformance.payment_method.faults import DROPPED, Fault
from kassa.ports.money import Money
from kassa.ports.payment import (
    ApproveInApp,
    Declined,
    MovementState,
    NotExecuted,
    Pending,
    Redirect,
    Report,
    ShowAccount,
    ShowQr,
    Succeeded,
)
from kassa.ports.provider_json import ProviderUnclear
from tests.plugins.qr_codes import code_over
from tests.plugins.xendit.double import (
    DanaSubject,
    OvoSubject,
    QrisSubject,
    ShopeePaySubject,
    VirtualAccountSubject,
    XenditDouble,
    XenditSubject,
)


def double_of(bench: Bench) -> XenditDouble:
    assert isinstance(bench.provider.double, XenditDouble)
    return bench.provider.double


def saying(**changes: Any) -> Fault:
    """The true answer, but for some fields."""
    return Fault(
        "the answer says something else", rewrites=lambda body: json.dumps(json.loads(body) | changes).encode()
    )


def refusing(status: int, code: str) -> Fault:
    return Fault(f"{status} {code}", status=status, body=json.dumps({"error_code": code, "message": ""}).encode())


shopeepay = pytest.mark.parametrize("bench", [ShopeePaySubject], indirect=True)
qris = pytest.mark.parametrize("bench", [QrisSubject], indirect=True)
ovo = pytest.mark.parametrize("bench", [OvoSubject], indirect=True)


# --- what is sent


RETURNS = {"success_return_url": "RETURN", "failure_return_url": "RETURN"}
ORDERS: list[tuple[type[XenditSubject], dict[str, Any]]] = [
    (ShopeePaySubject, {"type": "EWALLET", "ewallet": {"channel_code": "SHOPEEPAY", "channel_properties": RETURNS}}),
    (DanaSubject, {"type": "EWALLET", "ewallet": {"channel_code": "DANA", "channel_properties": RETURNS}}),
    (
        OvoSubject,
        {
            "type": "EWALLET",
            "ewallet": {"channel_code": "OVO", "channel_properties": {"mobile_number": "+6281234567890"}},
        },
    ),
    (
        QrisSubject,
        {"type": "QR_CODE", "qr_code": {"channel_code": "QRIS", "channel_properties": {"expires_at": "EXPIRES"}}},
    ),
    (
        VirtualAccountSubject,
        {
            "type": "VIRTUAL_ACCOUNT",
            "virtual_account": {
                "channel_code": "BNI",
                "channel_properties": {"customer_name": "Toko Kassa", "expires_at": "EXPIRES"},
            },
        },
    ),
]


@pytest.mark.parametrize(("bench", "method"), ORDERS, indirect=["bench"])
async def test_a_payment_request_is_the_documented_one(bench: Bench, method: dict[str, Any]):
    """Whole rupiah, our reference, the key in its header, and the end told where a channel can be told."""
    request = bench.request(Money(amount=1_234_500, currency="IDR"))
    await bench.start(request)
    sent = bench.proxy.sent[-1]
    assert (sent.method, sent.target) == ("POST", "/payment_requests")
    assert sent.header("idempotency-key") == request.operation_id
    expires = request.expires_at.isoformat(timespec="seconds")
    order = json.loads(sent.body.decode().replace(request.return_url, "RETURN").replace(expires, "EXPIRES"))
    assert order.pop("payment_method") == method | {"reusability": "ONE_TIME_USE", "reference_id": request.merchant_ref}
    assert order.pop("metadata") == {"operation_id": request.operation_id, "invoice_id": request.invoice_id}
    assert order == {"reference_id": request.merchant_ref, "currency": "IDR", "country": "ID", "amount": 12_345}


@ovo
async def test_ovo_is_not_asked_without_a_telephone_number(bench: Bench):
    """It would be asked about nobody."""
    said = await bench.start(bench.request(given={}))
    assert said == Declined(code="invalid_input", provider_code="mobile_number")
    assert bench.proxy.sent == []


@pytest.mark.parametrize(
    "number", ["", "0812", "+0812345678", "+62 812", "+62812345678901234", "+62812345678\n", "+62８１２３４５６７"]
)
def test_only_a_telephone_number_is_one(number: str):
    """It goes to the provider as it is typed."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"mobile_number": number}, FinalInput)


# --- what the customer is shown


@ovo
async def test_ovo_rings_and_is_approved_in_its_app(bench: Bench):
    """There is no page."""
    said = (await bench.started(bench.request())).outcome
    assert isinstance(said, Pending)
    assert said.next_action == ApproveInApp(app="OVO")


@pytest.mark.parametrize(
    ("links", "action"),
    [
        ([("DEEPLINK", "dana://pay"), ("WEB", "https://w.example")], Redirect(url="https://w.example")),
        ([("DEEPLINK", "dana://pay"), ("MOBILE", "https://m.example")], Redirect(url="https://m.example")),
        ([("DEEPLINK", "dana://pay")], ApproveInApp(app="ShopeePay", deep_link="dana://pay")),
        ([("API", "https://api.example/capture")], ApproveInApp(app="ShopeePay")),
    ],
)
@shopeepay
async def test_a_page_for_every_browser_comes_first(bench: Bench, links: list[tuple[str, str]], action: object):
    """Then a phone's, then the app's own link; an address for programs is none for customers."""
    actions = [{"action": "AUTH", "method": "GET", "url": url, "url_type": kind} for kind, url in links]
    bench.proxy.arm(saying(actions=actions))
    said = await bench.attempt(bench.begin(bench.request()))
    assert isinstance(said, Pending)
    assert said.next_action == action


@qris
async def test_the_code_that_is_shown_says_what_was_asked(bench: Bench):
    """At the start, and whenever it is asked for again."""
    payment = await bench.started(bench.request())
    shown = ShowQr(payload=code_over(12), expires_at=payment.request.expires_at.replace(microsecond=0))
    assert payment.outcome.next_action == shown  # type: ignore[union-attr]
    assert (await bench.query(payment)).next_action == shown


@pytest.mark.parametrize("code", [code_over(13), code_over(12, country="SG"), "some-random-qr-string"])
@qris
async def test_a_code_over_anything_else_is_never_shown(bench: Bench, code: str):
    """Not at the start, and not by a query either, which tells of the money all the same."""
    payment = await bench.started(bench.request())
    method = double_of(bench).books.requests[-1]["payment_method"]
    method["qr_code"]["channel_properties"]["qr_string"] = code
    assert isinstance(await bench.attempt(bench.begin(payment.request)), QrRefused)
    report = await bench.query(payment)
    assert (report.status, report.next_action) == ("pending", None)
    await bench.act(payment)
    assert (await bench.query(payment)).status == "succeeded"


@pytest.mark.parametrize("bench", [VirtualAccountSubject], indirect=True)
async def test_a_virtual_account_is_shown_with_all_that_is_needed_to_pay_it(bench: Bench):
    """Bank, number, holder, the exact amount, until when, and how, in three languages."""
    payment = await bench.started(bench.request())
    shown = payment.outcome.next_action  # type: ignore[union-attr]
    assert isinstance(shown, ShowAccount)
    assert (shown.bank, shown.account_number) == ("Bank Negara Indonesia (BNI)", "8808999912345678")
    assert (shown.holder, shown.amount) == ("Toko Kassa", bench.amount)
    assert shown.expires_at == payment.request.expires_at.replace(microsecond=0)
    assert shown.instructions


# --- what is made of answers


def made(**changes: Any) -> PaymentRequest:
    told = {
        "id": "pr-1", "reference_id": "KS-1", "currency": "IDR", "amount": 12000, "status": "PENDING",
        "payment_method": {"id": "pm-1", "status": "ACTIVE"},
    }  # fmt: skip
    return msgspec.json.decode(json.dumps(told | changes), type=PaymentRequest)


ENDS = {
    "PENDING": ("pending", "expired", None),
    "REQUIRES_ACTION": ("requires_action", "expired", None),
    "UNKNOWN": ("pending", "expired", None),
    "AWAITING_CAPTURE": ("authorized", "authorized", None),
    "SUCCEEDED": ("succeeded", "succeeded", MovementState.SUCCEEDED),
    "FAILED": ("failed", "failed", None),
    "CANCELED": ("canceled", "canceled", None),
    "VOIDED": ("canceled", "canceled", MovementState.REVERSED),
    "EXPIRED": ("expired", "expired", None),
    "QUANTUM": ("pending", "pending", None),
}
"""By status: what it means, what it means on a payment method that has expired, and the money."""


@pytest.mark.parametrize("status", ENDS)
def test_every_documented_status_means_one_thing(status: str):
    """Only what succeeded is money, and a void gave it back."""
    alive, over, state = ENDS[status]
    assert status_of(made(status=status)) == alive
    assert status_of(made(status=status, payment_method={"id": "pm-1", "status": "EXPIRED"})) == over
    assert [one.state for one in capture_of(made(status=status))] == ([] if state is None else [state])


def test_the_table_above_names_every_status():
    """And one that nobody has."""
    assert ENDS.keys() - STATUSES.keys() == {"QUANTUM"}
    assert STATUSES.keys() <= ENDS.keys()


@pytest.mark.parametrize("number", ["12000", "12000.0", "12000.00", "1.2e4", "120e2"])
def test_an_amount_is_read_exactly(number: str):
    """However the number is written."""
    told = json.dumps(msgspec.to_builtins(made())).replace('"12000"', number)
    assert amount_of(msgspec.json.decode(told, type=PaymentRequest)) == Money(amount=1_200_000, currency="IDR")


@pytest.mark.parametrize("number", ["0", "-12000", "12000.001", "1e400", "1e999999999", "0e-999999999", "null"])
def test_what_is_no_amount_of_rupiah_is_unclear(number: str):
    """And is not written out, where that would fill the memory."""
    told = json.dumps(msgspec.to_builtins(made())).replace('"12000"', number)
    with pytest.raises(ProviderUnclear):
        amount_of(msgspec.json.decode(told, type=PaymentRequest))


@pytest.mark.parametrize("changed", [{"amount": 13}, {"currency": "PHP"}, {"reference_id": "KS-somebody-else"}])
@shopeepay
async def test_an_answer_about_another_payment_or_amount_is_unknown(bench: Bench, changed: dict[str, Any]):
    """Nobody is sent to pay it."""
    bench.proxy.arm(saying(**changed))
    assert isinstance(await bench.attempt(bench.begin(bench.request())), ProviderUnclear)


REFUSALS = [
    (400, "API_VALIDATION_ERROR", Declined(code="invalid_input", provider_code="API_VALIDATION_ERROR")),
    (400, "INSUFFICIENT_BALANCE", Declined(code="insufficient_funds", provider_code="INSUFFICIENT_BALANCE")),
    (400, "SOMETHING_NEW", Declined(code="not_allowed", provider_code="SOMETHING_NEW")),
    (404, "CALLBACK_URL_NOT_FOUND", Declined(code="not_allowed", provider_code="CALLBACK_URL_NOT_FOUND")),
    (401, "INVALID_API_KEY", NotExecuted(reason="Xendit refuses us for now: INVALID_API_KEY")),
    (403, "CHANNEL_NOT_ACTIVATED", NotExecuted(reason="Xendit refuses us for now: CHANNEL_NOT_ACTIVATED")),
    (429, "RATE_LIMIT_EXCEEDED", NotExecuted(reason="Xendit refuses us for now: RATE_LIMIT_EXCEEDED")),
    (400, "TEMPORARILY_UNAVAILABLE", NotExecuted(reason="Xendit refuses us for now: TEMPORARILY_UNAVAILABLE")),
    (503, "CHANNEL_UNAVAILABLE", None),
    (500, "SERVER_ERROR", None),
    (418, "TEAPOT", None),
]


@pytest.mark.parametrize(("status", "code", "outcome"), REFUSALS)
@shopeepay
async def test_a_refusal_is_one_only_with_its_reason(bench: Bench, status: int, code: str, outcome: object):
    """A 5xx may have been done all the same; a 4xx without a reason is a gateway's."""
    bench.proxy.arm(refusing(status, code))
    said = await bench.attempt(bench.begin(bench.request()))
    assert (said == outcome) if outcome is not None else isinstance(said, ProviderUnclear), said
    bench.proxy.arm(Fault("no reason", status=status, body=b"<h1>no</h1>"))
    assert isinstance(await bench.attempt(bench.begin(bench.request())), ProviderUnclear)


@shopeepay
async def test_a_key_that_xendit_has_seen_is_looked_up(bench: Bench):
    """Whatever the conflict was about, what exists under our reference is the outcome; nothing under it is unknown."""
    bench.proxy.arm(refusing(409, "DUPLICATE_ERROR"), at=0)
    said = await bench.attempt(bench.begin(bench.request()))
    assert isinstance(said, Pending)
    assert said.provider_ref == double_of(bench).books.requests[-1]["id"]
    bench.proxy.arm(refusing(409, "DUPLICATE_ERROR"))
    assert isinstance(await bench.attempt(bench.begin(bench.request())), ProviderUnclear)


@shopeepay
async def test_only_its_own_word_says_that_a_payment_is_not_there(bench: Bench):
    """A 404 for another reason says nothing of it."""
    payment = await bench.started(bench.request())
    bench.proxy.arm(refusing(404, "DATA_NOT_FOUND"))
    assert await bench.attempt(bench.ask(query_of(payment))) == Report(found=False)
    bench.proxy.arm(refusing(404, "NOT_FOUND_ERROR"))
    assert isinstance(await bench.attempt(bench.ask(query_of(payment))), ProviderUnclear)


@shopeepay
async def test_two_payments_of_one_reference_are_nobodys_answer(bench: Bench):
    """Which of them was asked about cannot be known."""
    payment = await bench.started(bench.request())
    books = double_of(bench).books
    books.requests.append(books.requests[-1] | {"id": "pr-other"})
    assert isinstance(await bench.attempt(bench.ask(query_of(payment, by_ref=False))), ProviderUnclear)


@shopeepay
async def test_a_payment_that_was_paid_while_it_was_called_off_is_not_voided(bench: Bench):
    """The money is told, and the void refused."""
    payment = await bench.started(bench.request())
    double_of(bench).books.settles_at_last = True
    said = await bench.operate(bench.operation("void", payment))
    assert isinstance(said, Declined)
    assert [one.kind for one in said.movements] == ["capture"]


@shopeepay
async def test_a_slow_refund_is_pending_until_xendit_says_more(bench: Bench):
    """Success or failure, under the same id."""
    for end, state in (("SUCCEEDED", MovementState.SUCCEEDED), ("FAILED", MovementState.FAILED)):
        payment = await bench.paid()
        books = double_of(bench).books
        books.refunds_slowly = True
        said = await bench.operate(bench.operation("refund", payment, bench.amount))
        assert isinstance(said, Pending)
        books.refunds[-1]["status"] = end
        [told] = [one for one in (await bench.query(payment)).movements if one.kind == "refund"]
        assert (told.id, told.state) == (said.movements[0].id, state)


@shopeepay
async def test_a_refund_that_failed_at_once_is_declined_with_its_reason(bench: Bench):
    """And told as a movement that will not happen."""
    payment = await bench.paid()
    bench.proxy.arm(saying(status="FAILED", failure_code="INSUFFICIENT_BALANCE"))
    said = await bench.attempt(bench.command(bench.operation("refund", payment, bench.amount)))
    assert isinstance(said, Declined)
    assert (said.code, [one.state for one in said.movements]) == ("insufficient_funds", [MovementState.FAILED])


@shopeepay
async def test_a_refund_refused_after_an_answer_was_lost_is_found_in_the_list(bench: Bench):
    """The key may be forgotten by then: there is nothing left to refund, because our own refund took it."""
    payment = await bench.paid()
    operation = bench.operation("refund", payment, bench.amount)
    bench.proxy.arm(DROPPED)
    await bench.attempt(bench.command(operation))
    bench.proxy.arm(None)
    double_of(bench).books.answers.clear()
    assert isinstance(await bench.operate(operation), Succeeded)
    assert len(double_of(bench).books.refunds) == 1


@pytest.mark.parametrize("kind", ["refund", "void"])
@shopeepay
async def test_that_xendit_has_no_time_for_us_is_no_decline(bench: Bench, kind: str):
    """Nothing was done, and the same may be asked again."""
    payment = await (bench.paid() if kind == "refund" else bench.started(bench.request()))
    operation = bench.operation(kind, payment, bench.amount if kind == "refund" else None)  # type: ignore[arg-type]
    bench.proxy.arm(refusing(429, "RATE_LIMIT_EXCEEDED"), at=0 if kind == "refund" else 1)
    assert isinstance(await bench.attempt(bench.command(operation)), NotExecuted)


@shopeepay
async def test_more_refunds_than_are_shown_are_not_all(bench: Bench):
    """A query tells all movements or none."""
    payment = await bench.paid()
    bench.proxy.arm(saying(has_more=True))
    assert isinstance(await bench.attempt(bench.ask(query_of(payment))), ProviderUnclear)


def test_times_are_read_with_their_zone_or_not_at_all():
    """The documentation writes them with and without seconds."""
    from kassa.plugins.e_wallet.xendit.shapes import instant

    assert instant("2022-01-01T00:00Z") == instant("2022-01-01T07:00:00.000+07:00") == datetime(2022, 1, 1, tzinfo=UTC)
    assert [instant(text) for text in (None, "", "soon", "2022-01-01T00:00:00")] == [None] * 4
