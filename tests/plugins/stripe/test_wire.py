"""What leaves for Stripe, byte for byte: our key on every command, no key of the SDK's own, nothing sent twice, nothing told."""

import logging
import subprocess
import sys
from urllib.parse import parse_qsl

import pytest
import stripe

from kassa.plugins.card.stripe.sdk import API_VERSION, Sdk
from kassa.plugins.card.stripe.shapes import Intent
from kassa.ports.conformance.payment_method.faults import DROPPED, Fault
from kassa.ports.conformance.payment_method.proxy import FaultProxy
from kassa.ports.payment import NotExecuted, NotSent, Pending, ReplyLost, Succeeded
from kassa.ports.provider_json import ProviderUnclear
from tests.plugins.hostile import HostileProvider
from tests.plugins.stripe.gateway import Gateway
from tests.plugins.stripe.till import KEY, StripeTill

OURS = {
    "authorization": f"Bearer {KEY}",
    "content-type": "application/x-www-form-urlencoded",
    "stripe-version": API_VERSION,
    "user-agent": "Kassa (stripe-python)",
    "accept": "application/json",
}
OF_HTTP = {"host", "connection", "content-length", "accept-encoding"}


async def test_a_start_is_one_request_with_these_bytes(
    till: StripeTill, wire: FaultProxy, monkeypatch: pytest.MonkeyPatch
):
    """The API version among them, which is ours and not the one that a later SDK would ask for."""
    monkeypatch.setattr("stripe._api_version._ApiVersion.CURRENT", "2099-01-01.later")
    request = till.request()
    await till.start(request)
    [sent] = wire.sent
    assert (sent.method, sent.target) == ("POST", "/v1/payment_intents")
    headers = {name.lower(): value for name, value in sent.headers if name.lower() not in OF_HTTP}
    assert headers == OURS | {"idempotency-key": request.operation_id}
    assert dict(parse_qsl(sent.body.decode())) == {
        "amount": "1200",
        "currency": "eur",
        "capture_method": "automatic",
        "confirm": "true",
        "return_url": request.return_url,
        "metadata[merchant_ref]": request.merchant_ref,
        "metadata[operation_id]": request.operation_id,
        "metadata[invoice_id]": request.invoice_id,
        "payment_method": "pm_card_visa",
        "payment_method_types[0]": "card",
        "expand[0]": "latest_charge",
    }


async def test_every_command_bears_its_operations_key_and_no_question_bears_any(till: StripeTill, gateway: Gateway):
    request, intent_id = await till.paid(capture=False)
    capture = till.command("capture", request, intent_id, 800)
    refund = till.command("refund", request, intent_id, 300)
    void = till.command("void", request, intent_id)
    for command in (capture, refund, void):
        await till.run(command)
    await till.query(request)
    posts = [(path.rpartition("/")[2], key) for method, path, key in gateway.calls if method == "POST"]
    assert posts == [
        ("payment_intents", request.operation_id),
        ("capture", capture.operation_id),
        ("refunds", refund.operation_id),
        ("cancel", void.operation_id),
    ]
    assert {key for method, _, key in gateway.calls if method == "GET"} == {""}


async def test_a_repeated_start_is_the_same_request_and_one_payment(
    till: StripeTill, wire: FaultProxy, gateway: Gateway
):
    request = till.request()
    wire.arm(DROPPED)
    with pytest.raises(ReplyLost):
        await till.start(request)
    wire.arm(None)
    assert isinstance(await till.start(request), Succeeded)
    first, second = wire.sent
    assert first == second
    assert len(await gateway.intents()) == 1


async def test_a_key_that_stripe_knows_with_another_request_is_unclear(till: StripeTill):
    request = till.request()
    await till.start(request)
    other = till.request(amount=900)
    with pytest.raises(ProviderUnclear):
        await till.method.start(till.context(request.operation_id), other)


async def test_a_key_that_the_sdk_invents_is_not_let_out(till: StripeTill, wire: FaultProxy):
    """The SDK makes one for every POST that is given none: it looks fine, and protects nothing."""
    sdk = Sdk(till.method.config)
    with pytest.raises(ProviderUnclear, match="sent nothing"):
        await sdk.done(till.context("op"), Intent, lambda v1, _: v1.payment_intents.cancel_async("pi_1"))
    assert wire.sent == []


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_the_sdk_sends_nothing_twice(deceived: StripeTill, liar: HostileProvider, status: int):
    liar.says((status, {"error": {"type": "api_error", "message": "later"}}))
    with pytest.raises(ProviderUnclear):
        await deceived.start(deceived.request())
    assert len(liar.asked) == 1


async def test_stripe_js_and_the_accounts_own_methods_are_asked_for_by_settings(till: StripeTill, wire: FaultProxy):
    other = StripeTill.at(wire.url, payment_methods="automatic", three_d_secure="stripe_js")
    said = await other.start(other.request("ctoken_card_visa"))
    await other.tools.close()
    assert isinstance(said, Succeeded)
    form = dict(parse_qsl(wire.sent[-1].body.decode()))
    assert form["confirmation_token"] == "ctoken_card_visa"
    assert (form["automatic_payment_methods[enabled]"], form["use_stripe_sdk"]) == ("true", "true")
    assert not {"payment_method", "payment_method_types[0]"} & form.keys()


async def test_a_refused_connection_is_not_executed_and_a_lost_reply_passes(till: StripeTill, wire: FaultProxy):
    wire.arm(Fault("a page", status=302, body=b"", headers=(("location", "http://elsewhere.example/"),)))
    with pytest.raises(ProviderUnclear):
        await till.start(till.request())
    wire.arm(None)
    await wire.refuse()
    assert isinstance(await till.start(till.request()), NotExecuted)
    with pytest.raises(NotSent):
        await till.query(till.request())
    assert await till.method.health(till.context()) is False
    await wire.accept()
    assert await till.method.health(till.context()) is True


async def test_the_sdk_measures_nothing_and_logs_no_secret(till: StripeTill, caplog: pytest.LogCaptureFixture):
    """Its telemetry makes a file in the home directory, and its log at DEBUG holds whole bodies."""
    caplog.set_level(logging.DEBUG)
    said = await till.start(till.request("pm_card_threeDSecureRequired"))
    assert isinstance(said, Pending)
    assert stripe.enable_telemetry is False
    assert "_secret_" not in caplog.text
    assert KEY not in caplog.text


def test_the_sdk_is_imported_only_when_it_is_configured():
    code = "import kassa.plugins.card as card, sys; card.kassa_payment_methods(); sys.exit('stripe' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


_FIRST_ANSWER = """
import asyncio, sys
from kassa.ports.payment import HttpReply
from tests.plugins.stripe.till import built

INTENT = b'{"id": "pi_1", "object": "payment_intent", "latest_charge": {"id": "ch_1", "object": "charge"}}'
REFUND, DISPUTE = b'{"id": "re_1", "object": "refund"}', b'{"id": "du_1", "object": "dispute"}'
BODY = b'{"object": "list", "data": [' + b",".join((INTENT, REFUND, DISPUTE)) + b"]}"

class Context:
    http = property(lambda self: self)
    key = lambda self: "op"
    async def request(self, *_, **__):
        return HttpReply(status=200, headers=(), body=BODY)

sdk = built()._sdk
sdk.warm_up()
before = set(sys.modules)
asyncio.run(sdk.done(Context(), dict, lambda v1, key: v1.payment_intents.create_async({"amount": 1}, key)))
print(*sorted({name for name in set(sys.modules) - before if name.startswith("stripe")}))
"""


def test_the_sdk_is_warm_before_the_first_customer():
    """What it imports in its first answer takes a fifth of a second, which `open` spends in a thread."""
    command = [sys.executable, "-c", _FIRST_ANSWER]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.strip() == ""
