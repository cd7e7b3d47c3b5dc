"""Notices: a genuine one is as good as a query, and nothing else gets through."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from kassa.kernel.plugin_answers import verdict_of
from kassa.ports.payment import Accept, AnyVerdict, Ignore, MovementState, Reject
from kassa.ports.secret import Secret
from tests.plugins.till import CANARY, Till, captures, merchant_of
from tests.sandbox.receiver import Received, Receiver

HEADER = "Sandbox-Signature"


def signed(till: Till, body: bytes, *, secret: str = "", at_s: float = 0.0) -> tuple[str, str]:
    """The header for a body, by the written rule."""
    at = int(till.clock.now().timestamp() + at_s)
    key = secret or merchant_of(till.name).webhook_secret
    return HEADER, f"t={at},v1={hmac.new(key.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


async def genuine(till: Till, hook: Receiver) -> Received:
    """The last notice of a paid payment."""
    await till.paid()
    return (await hook.wait_for(1 if till.name == "card" else 2))[-1]


def accepted(verdict: AnyVerdict) -> Any:
    """The one event of an accepted notice, after the kernel's own check."""
    assert isinstance(verdict, Accept), verdict
    assert verdict_of(verdict) == verdict
    [event] = verdict.events
    return event


async def test_a_genuine_notice_says_what_a_query_says(till: Till, hook: Receiver):
    """From the sandbox's own hand, every time, with one event id a delivery."""
    request, provider_ref = await till.paid()
    notices = await hook.wait_for(1 if till.name == "card" else 2)
    events = [accepted(await till.judge(one.body, (HEADER, one.signature))) for one in notices]
    last = max(events, key=lambda event: sum(m.state for m in event.report.movements))
    assert last.report == await till.query(request)
    assert {(event.provider_ref, event.merchant_ref) for event in events} == {(provider_ref, request.merchant_ref)}
    assert {event.event_id for event in events} == {one.json["event_id"] for one in notices}
    assert captures(last.report.movements) == 1200


@pytest.mark.parametrize("till", ["card"], indirect=True)
async def test_the_deliveries_of_one_event_have_one_id(till: Till, hook: Receiver):
    """Five at once are five copies of one fact."""
    await till.start(till.request(source="tok_dup_webhook"))
    notices = await hook.wait_for(5)
    events = [accepted(await till.judge(one.body, (HEADER, one.signature))) for one in notices]
    assert len({event.event_id for event in events}) == 1


async def test_every_flipped_byte_of_body_and_signature_is_refused(till: Till, hook: Receiver):
    """One bit of each byte, one byte less, one byte more."""
    one = await genuine(till, hook)
    header = one.signature.encode()
    for bit in (0x01, 0x20, 0x80):
        for place in range(len(one.body)):
            forged = one.body[:place] + bytes([one.body[place] ^ bit]) + one.body[place + 1 :]
            assert isinstance(await till.judge(forged, (HEADER, one.signature)), Reject), place
        for place in range(len(header)):
            forged = header[:place] + bytes([header[place] ^ bit]) + header[place + 1 :]
            assert isinstance(await till.judge(one.body, (HEADER, forged.decode("latin-1"))), Reject), place
    for place in range(len(header)):
        cut, doubled = header[:place] + header[place + 1 :], header[: place + 1] + header[place:]
        for forged in (cut, doubled):
            assert isinstance(await till.judge(one.body, (HEADER, forged.decode())), Reject), forged
    for body in (b"", one.body[:-1], one.body[1:], one.body + b" ", b" " + one.body, one.body * 2):
        assert isinstance(await till.judge(body, (HEADER, one.signature)), Reject)
    accepted(await till.judge(one.body, (HEADER, one.signature)))


async def test_a_notice_counts_for_five_minutes_either_way(till: Till, hook: Receiver):
    """A replayed old one and one from the future are refused; the clock is the shop's."""
    one = await genuine(till, hook)
    for at_s, is_fresh in ((-290, True), (290, True), (-320, False), (320, False), (1e6, False), (-1e6, False)):
        verdict = await till.judge(one.body, (HEADER, one.signature), at_s=at_s)
        assert isinstance(verdict, Accept if is_fresh else Reject), at_s


async def test_only_a_single_well_formed_header_is_read(till: Till, hook: Receiver):
    """Missing, doubled (even with itself), by another name, with decoration."""
    one = await genuine(till, hook)
    good = one.signature
    time, _, mac = good.partition(",")
    assert isinstance(await till.judge(one.body), Reject)
    assert isinstance(await till.judge(one.body, (HEADER, good), (HEADER.lower(), good)), Reject)
    assert isinstance(await till.judge(one.body, ("X-Signature", good)), Reject)
    for form in (
        f"{mac},{time}",
        f"{good},{mac}",
        f"{time},v0={mac[3:]}",
        f" {good}",
        f"{good}\n",
        f"{good} ",
        time,
        mac,
        "",
        good.upper(),
        f"{time},v1={mac[3:].upper()}" if mac[3:].upper() != mac[3:] else "x",
        f"t=,{mac}",
        f"t=-1,{mac}",
        f"t=1e9,{mac}",
        f"t=٣,{mac}",
        f"t={'9' * 400},{mac}",
        f"{time}.0,{mac}",
    ):
        assert isinstance(await till.judge(one.body, (HEADER, form)), Reject), form
    accepted(await till.judge(one.body, ("sandbox-signature", good)))


async def test_a_secret_of_another_method_is_refused_and_the_previous_one_accepted(till: Till, hook: Receiver):
    """Rotation: both are good while both are configured, and only then."""
    one = await genuine(till, hook)
    header = (HEADER, one.signature)
    old = Secret(merchant_of(till.name).webhook_secret)
    assert isinstance(await till.judge(one.body, signed(till, one.body, secret="whsec_other")), Reject)
    assert isinstance(await till.judge(one.body, signed(till, one.body, secret=" ")), Reject)
    rotated = till.with_settings(webhook_secret=Secret("whsec_new"))
    assert isinstance(await rotated.judge(one.body, header), Reject)
    rotating = till.with_settings(webhook_secret=Secret("whsec_new"), previous_webhook_secret=old)
    accepted(await rotating.judge(one.body, header))
    accepted(await rotating.judge(one.body, signed(till, one.body, secret="whsec_new")))
    assert isinstance(await rotating.judge(one.body, signed(till, one.body, secret="whsec_other")), Reject)


async def test_what_is_signed_and_nothing_to_us_is_ignored(till: Till, hook: Receiver):
    """New types of event come without notice; one of another method is not ours."""
    one = await genuine(till, hook)
    notice = one.json
    for other in ("charge.renamed", "payout.paid", "", "x" * 100):
        body = json.dumps(notice | {"type": other, "data": ["whatever", {"is": "here"}]}).encode()
        assert isinstance(await till.judge(body, signed(till, body)), Ignore), other
    theirs = "charge.updated" if till.name == "bank_transfer" else "virtual_account.updated"
    body = json.dumps(notice | {"type": theirs}).encode()
    assert isinstance(await till.judge(body, signed(till, body)), Ignore)
    if till.name != "bank_transfer":
        other_kind = "wallet" if till.name == "card" else "card"
        body = json.dumps(notice | {"data": notice["data"] | {"kind": other_kind}}).encode()
        assert isinstance(await till.judge(body, signed(till, body)), Ignore)


async def test_unknown_fields_and_states_are_tolerated_and_never_mean_paid(till: Till, hook: Receiver):
    """A status or a movement's status that is not known is pending."""
    notice = (await genuine(till, hook)).json
    data = notice["data"] | {"status": "quantum", "added": {"later": True}}
    data["movements"] = [data["movements"][0] | {"status": "entangled", "fee": 3}]
    body = json.dumps(notice | {"data": data, "also": 1}).encode()
    report = accepted(await till.judge(body, signed(till, body))).report
    assert report.status in ("pending", "requires_action")
    assert [m.state for m in report.movements] == [MovementState.PENDING]


async def test_signed_nonsense_is_refused_at_once(till: Till, hook: Receiver):
    """Garbage, deep JSON, a megabyte, bytes that are no text, wrong types: within a second, without an exception."""
    notice = (await genuine(till, hook)).json
    data = notice["data"]
    movement = data["movements"][0]

    def with_data(**changes: object) -> bytes:
        return json.dumps(notice | {"data": data | changes}).encode()

    def with_movement(**changes: object) -> bytes:
        return with_data(movements=[movement | changes])

    deep = b"[" * 100_000
    bodies = [
        b"", b"null", b"{}", b"[]", b"\xff\xfe", b"not json", deep, deep + b"]" * 100_000, b'{"data":' * 30_000,
        json.dumps(notice).encode().replace(b'"merchant_ref": "', b'"merchant_ref": "\xff'),
        json.dumps(notice | {"event_id": ""}).encode(), json.dumps(notice | {"event_id": 7}).encode(),
        json.dumps(notice | {"event_id": "x" * 201}).encode(), json.dumps(notice | {"data": None}).encode(),
        json.dumps({k: v for k, v in notice.items() if k != "event_id"}).encode(),
        with_data(id=None), with_data(merchant_ref=""), with_data(status=3), with_data(movements={}),
        with_movement(amount=0), with_movement(amount=-5), with_movement(amount=12.0), with_movement(amount="1200"),
        with_movement(amount=2**53), with_movement(currency="eur"), with_movement(currency="EURO"),
        with_movement(kind="gift"), with_movement(id=""), with_movement(created=-1), with_movement(created=10**18),
        json.dumps(notice).encode() + b" " * 1_000_000,
    ]  # fmt: skip
    for body in bodies:
        began = till.clock.monotonic()
        assert isinstance(await till.judge(body, signed(till, body)), Reject), body[:80]
        assert till.clock.monotonic() - began < 1.0
    body = with_movement(amount=7)
    assert accepted(await till.judge(body, signed(till, body))).report.movements[0].amount.amount == 7


async def test_a_refusal_shows_nothing_of_the_notice_or_the_secrets(till: Till):
    """Its reason is for the operator's log."""
    body = b'{"event_id": "SHOWN", "type": "charge.updated", "data": {}}'
    for header in (signed(till, body), signed(till, body, secret="whsec_other"), (HEADER, "SHOWN")):
        verdict = await till.judge(body, header)
        if isinstance(verdict, Reject):
            assert "SHOWN" not in verdict.reason
            assert CANARY not in verdict.reason


@pytest.mark.parametrize("till", ["bank_transfer"], indirect=True)
async def test_money_that_names_no_account_is_told_as_unmatched(till: Till, hook: Receiver):
    """It belongs to nobody yet: amount, currency and the bank's own id, and no payment."""
    transfer = {"account_number": "999", "amount": 4200, "currency": "EUR", "merchant": till.name}
    made = (await till.browser.post("/bank/transfers", json=transfer)).json()["transfer"]
    [one] = await hook.wait_for(1)
    event = accepted(await till.judge(one.body, (HEADER, one.signature)))
    assert (event.provider_ref, event.merchant_ref, event.report) == (None, None, None)
    money = event.unmatched
    assert (money.id, money.kind, money.state) == (made["id"], "capture", MovementState.SUCCEEDED)
    assert (money.amount.amount, money.amount.currency) == (4200, "EUR")
