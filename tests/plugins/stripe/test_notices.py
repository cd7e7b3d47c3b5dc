"""Stripe's events: what proves them, what is believed of them, what is only a hint, and what is somebody else's."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from kassa.plugins.card.stripe.notices import judged
from kassa.ports.payment import Accept, AnyVerdict, Event, Ignore, MovementState, RawWebhook, Reject
from kassa.ports.secret import Secret
from tests.plugins.stripe.gateway import Gateway
from tests.plugins.stripe.simulator import Simulator
from tests.plugins.stripe.subject import signature
from tests.plugins.stripe.till import WEBHOOK, StripeTill, built

BEFORE = "whsec_before"


def event_of(verdict: AnyVerdict) -> Event:
    assert isinstance(verdict, Accept), verdict
    [event] = verdict.events
    return event


async def heard(till: StripeTill, body: bytes, secret: str = WEBHOOK) -> AnyVerdict:
    return await till.judge(body, ("Stripe-Signature", signature(body, secret, till.clock.now())))


def changed(body: bytes, **fields: Any) -> bytes:
    """The event with fields of its object replaced, or left out where they are `...`."""
    event = json.loads(body)
    kept = event["data"]["object"] | fields
    event["data"]["object"] = {name: value for name, value in kept.items() if value is not ...}
    return json.dumps(event).encode()


async def paid_event(till: StripeTill, gateway: Gateway) -> bytes:
    await till.paid()
    return gateway.notices[-1]


async def test_a_paid_payments_event_is_a_report_like_a_querys(till: StripeTill, gateway: Gateway):
    request, intent_id = await till.paid()
    event = event_of(await heard(till, gateway.notices[-1]))
    report = await till.query(request)
    assert (event.provider_ref, event.merchant_ref) == (intent_id, request.merchant_ref)
    assert event.report is not None
    assert event.report.status == report.status == "succeeded"
    told = [[(m.kind, m.id, m.amount, m.state) for m in one.movements] for one in (event.report, report)]
    assert told[0] == told[1]


async def test_refunds_disputes_and_canceled_reservations_are_hints(till: StripeTill, gateway: Gateway):
    """They hold a part of the payment: its other movements would seem not to exist."""
    request, intent_id = await till.paid()
    await till.run(till.command("refund", request, intent_id, 100))
    gateway.dressing.dispute((await gateway.intents())[0])
    reserved, reserved_id = await till.paid(capture=False)
    await till.run(till.command("void", reserved, reserved_id))
    hints = [event_of(await heard(till, body)) for body in gateway.notices if b'"object": "payment_intent"' not in body]
    assert [one.provider_ref for one in hints] == [intent_id] * 3
    canceled = event_of(await heard(till, gateway.notices[-1]))
    assert canceled.provider_ref == reserved_id
    assert [one.report for one in [*hints, canceled]] == [None] * 4


async def test_an_event_of_an_older_version_is_a_hint(till: StripeTill, gateway: Gateway):
    """Before 2022-11-15 an intent had a list of charges: what is not there cannot be reported."""
    body = await paid_event(till, gateway)
    event = event_of(await heard(till, changed(body, latest_charge=..., charges={"data": []})))
    assert event.report is None
    assert event.provider_ref is not None


async def test_what_is_not_this_shops_is_ignored(till: StripeTill, gateway: Gateway):
    """Another system's payment on the same account, a charge without an intent, a live event in test mode."""
    body = await paid_event(till, gateway)
    live = body.replace(b'"livemode": false', b'"livemode": true')
    lone = body.replace(b'"payment_intent.succeeded"', b'"charge.refunded"')
    for one in (changed(body, metadata={}), changed(body, metadata=None), live, lone):
        assert one != body
        assert isinstance(await heard(till, one), Ignore)


async def test_an_event_of_another_type_is_ignored(till: StripeTill, gateway: Gateway):
    body = await paid_event(till, gateway)
    for kind in (b"payment_intent.created", b"customer.created", b"payment_intent.renamed"):
        assert isinstance(await heard(till, body.replace(b"payment_intent.succeeded", kind)), Ignore)


def marks(body: bytes, at: datetime, *secrets: str, scheme: str = "v1") -> tuple[str, str]:
    """A header with a signature by each secret."""
    signed = [signature(body, secret, at).partition(",v1=") for secret in secrets]
    return "Stripe-Signature", ",".join([signed[0][0], *(f"{scheme}={mark}" for *_, mark in signed)])


async def test_while_stripe_rolls_a_secret_one_signature_of_two_is_enough(till: StripeTill, gateway: Gateway):
    body, now = await paid_event(till, gateway), till.clock.now()
    assert isinstance(await till.judge(body, marks(body, now, "whsec_of_next_week", WEBHOOK)), Accept)
    assert isinstance(await till.judge(body, marks(body, now, WEBHOOK, "whsec_of_next_week")), Accept)
    assert isinstance(await till.judge(body, marks(body, now, "whsec_a", "whsec_b")), Reject)
    assert isinstance(await till.judge(body, marks(body, now, WEBHOOK, scheme="v0")), Reject)


async def test_a_second_secret_is_taken_only_while_it_is_configured(till: StripeTill, gateway: Gateway):
    body = await paid_event(till, gateway)
    assert isinstance(await heard(till, body, BEFORE), Reject)
    till.method = built(previous_webhook_secret=Secret(BEFORE))
    for secret in (BEFORE, WEBHOOK):
        assert isinstance(await heard(till, body, secret), Accept)
    assert isinstance(await heard(till, body, "whsec_of_somebody_else"), Reject)


@pytest.mark.parametrize("off_s", [-301, 301, -86_400])
async def test_an_overheard_event_cannot_be_sent_again_later(till: StripeTill, gateway: Gateway, off_s: int):
    body = await paid_event(till, gateway)
    at = till.clock.now() + timedelta(seconds=off_s)
    assert isinstance(await till.judge(body, marks(body, at, WEBHOOK)), Reject)


@pytest.mark.parametrize(
    "header",
    [
        "", "t=1", "v1=00", "t=,v1=", "t=1,v1=" + "0" * 63, "t=1,v1=" + "G" * 64, "t=1, v1=" + "0" * 64, "t=1;v1=" + "0" * 64,
        "t=-1,v1=" + "0" * 64, "t=1,t=2,v1=" + "0" * 64, "t=1" + ",v1=" + "0" * 64 + ",v1=", "t=1" + (",v1=" + "0" * 64) * 11,
        "t=\u0661,v1=" + "0" * 64,
    ],
)  # fmt: skip
async def test_what_is_no_signature_is_refused(till: StripeTill, header: str):
    assert isinstance(await till.judge(b"{}", ("Stripe-Signature", header)), Reject)


async def test_localstripes_own_webhook_is_proved_and_understood(
    till: StripeTill, gateway: Gateway, simulator: Simulator
):
    """Signed by code that nobody here wrote, over its own bytes, and in the shape of an older version: a hint."""
    got: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        headers = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        got.put_nowait((body, headers["stripe-signature"]))

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with server, httpx.AsyncClient(base_url=simulator.url, trust_env=False) as hand:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await hand.post("/_config/webhooks/w", data={"url": url, "secret": WEBHOOK})).status_code == 200
        _, intent_id = await till.paid()
        body, header = b"", ""
        while intent_id.encode() not in body:  # it sends a second later, so those of the tests before may come first
            body, header = await asyncio.wait_for(got.get(), 10)
    event = event_of(await till.judge(body, ("Stripe-Signature", header)))
    assert (event.provider_ref, event.report) == (intent_id, None)
    assert isinstance(await till.judge(body + b" ", ("Stripe-Signature", header)), Reject)


async def test_the_sdks_own_signature_is_taken_and_ours_by_the_sdk(till: StripeTill, gateway: Gateway):
    """Its verification is not used, because it reads a clock of its own and lets the future pass; on the genuine both agree."""
    body, now = await paid_event(till, gateway), int(till.clock.now().timestamp())
    theirs = stripe.WebhookSignature.generate_signature_header(body.decode(), WEBHOOK, now)
    assert isinstance(await till.judge(body, ("Stripe-Signature", theirs)), Accept)
    assert stripe.WebhookSignature.verify_header(body, signature(body, WEBHOOK, till.clock.now()), WEBHOOK, 300)


async def test_a_declined_payment_is_reported_failed(till: StripeTill, gateway: Gateway):
    await till.start(till.request("pm_card_visa_chargeDeclinedInsufficientFunds"))
    report = event_of(await heard(till, gateway.notices[-1])).report
    assert report is not None
    assert (report.status, report.decline_code, report.movements) == ("failed", "insufficient_funds", ())


async def test_a_reservation_is_reported_authorized(till: StripeTill, gateway: Gateway):
    await till.paid(capture=False)
    report = event_of(await heard(till, gateway.notices[-1])).report
    assert report is not None and report.status == "authorized"
    assert [(one.kind, one.state) for one in report.movements] == [("auth", MovementState.SUCCEEDED)]


HEADERS = st.one_of(
    st.text(max_size=200),
    st.from_regex(r"t=[0-9]{0,13}(,v[0-2]=[0-9a-f]{62,66}){0,3}", fullmatch=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=12), inside, max_size=4),
    max_leaves=12,
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def verdict(body: bytes, header: str) -> AnyVerdict:
    raw = RawWebhook(slug="notices", headers=(("Stripe-Signature", header),), body=body, received_at=NOW)
    return judged(raw, (Secret(WEBHOOK), Secret(BEFORE)), NOW, is_live=False)


@given(body=st.binary(max_size=300), header=HEADERS)
def test_whatever_comes_unsigned_is_refused(body: bytes, header: str):
    assert isinstance(verdict(body, header), Reject)


@given(thing=JSON, kind=st.sampled_from(["payment_intent.succeeded", "refund.created", "charge.dispute.closed", "x"]))
def test_whatever_is_signed_claims_nothing_that_is_not_in_it(thing: object, kind: str):
    """And raises nothing: an exception would ask Stripe to send it again."""
    event = {"id": "evt_1", "type": kind, "livemode": False, "data": {"object": thing}}
    for told in (event, thing):
        body = json.dumps(told).encode()
        assert isinstance(verdict(body, signature(body, WEBHOOK, NOW)), Reject | Ignore)


@given(body=st.binary(max_size=300))
def test_signed_rubbish_is_refused(body: bytes):
    assert isinstance(verdict(body, signature(body, WEBHOOK, NOW)), Reject)
