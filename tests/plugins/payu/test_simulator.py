"""The PayU driver against a simulator that nobody here wrote: `python-getpaid-simulator`, in an environment of its own.

Skipped, with the reason, where there is no Python 3.12 or the simulator cannot be installed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpx
import pytest
from msgspec import convert

from kassa.plugins.e_wallet.payu.notices import judged
from kassa.ports.conformance.payment_method.check import Check
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.runner import run_check
from kassa.ports.payment import Accept, RawWebhook, Reject
from kassa.ports.secret import Secret
from kassa.ports.values import Instant
from tests.plugins.payu.simulated import SECOND_KEY, SimulatedPayu

CANNOT = {
    "command.same-key": "it takes an extOrderId twice; PayU answers ERROR_ORDER_NOT_UNIQUE",
    "command.duplicate-reference": "it takes an extOrderId twice; PayU answers ERROR_ORDER_NOT_UNIQUE",
    "webhook.order": "it sends no notices of refunds; PayU does",
    "money.over-refund": "it refunds more than was paid; PayU refuses",
}
"""What the simulator does otherwise than PayU's documentation says; proved against the double made from that."""
NOT_ITS_BUSINESS = "declare"
"""These checks ask no provider, and are made once, against the other double."""


@pytest.mark.xdist_group("payu-simulator")
class TestPayuAtTheSimulator:
    """One process for all of it."""

    subject: ClassVar[SimulatedPayu] = SimulatedPayu()

    @classmethod
    def setup_class(cls) -> None:
        cls.subject.begin()

    @classmethod
    def teardown_class(cls) -> None:
        cls.subject.end()

    @pytest.mark.parametrize("check", ALL, ids=[one.id for one in ALL])
    def test_it_keeps(self, check: Check) -> None:
        """Whatever the claim says, as far as the simulator can show it."""
        if check.group == NOT_ITS_BUSINESS:
            pytest.skip("asks no provider")
        result = run_check(check, self.subject)
        if check.id in CANNOT:
            assert result.status == "failed", "the simulator has learned it: take it off the list"
            pytest.skip(f"the simulator cannot show it: {CANNOT[check.id]}")
        assert result.status != "failed", f"{check.claim}: expected {result.expected}, seen {result.seen}"
        if result.status != "passed":
            pytest.skip(f"{result.status}: {result.reason}")

    def test_a_notice_that_the_simulator_signed_is_believed_and_a_changed_one_is_not(self) -> None:
        """Its signature is made by code of its own, from the public sandbox's second key."""
        body, headers = self._noticed()
        raw = RawWebhook(
            slug="notices", headers=headers, body=body, received_at=convert("2026-01-01T00:00:00Z", Instant)
        )
        verdict = judged(raw, [Secret(SECOND_KEY)])
        assert isinstance(verdict, Accept)
        [event] = verdict.events
        assert event.merchant_ref == "KS-1"
        assert event.report is not None
        assert event.report.status == "canceled"
        changed = body.replace(b"CANCELED", b"COMPLETED")
        assert changed != body
        forged = RawWebhook(slug="notices", headers=headers, body=changed, received_at=raw.received_at)
        assert isinstance(judged(forged, [Secret(SECOND_KEY)]), Reject)
        assert isinstance(judged(raw, [Secret("another")]), Reject)

    def _noticed(self) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        """An order that its customer rejects, and the notice of it."""
        assert self.subject.server is not None
        with httpx.Client(base_url=f"http://127.0.0.1:{self.subject.server.port}", trust_env=False) as hand:
            hand.post("/forget")
            form = {"grant_type": "client_credentials", "client_id": "300746", "client_secret": "any"}
            token = hand.post("/payu/pl/standard/user/oauth/authorize", data=form).json()["access_token"]
            order: dict[str, Any] = {
                "extOrderId": "KS-1", "totalAmount": "1200", "currencyCode": "PLN", "description": "x",
                "notifyUrl": "https://shop.example/webhooks/payu/notices", "continueUrl": "https://shop.example/",
            }  # fmt: skip
            made = hand.post("/payu/api/v2_1/orders", json=order, headers={"Authorization": f"Bearer {token}"}).json()
            hand.post(f"/sim/payu/authorize/{made['orderId']}", data={"action": "reject"})
            [notice] = hand.get("/books").json()["notices"]
        return notice["body"].encode(), tuple(notice["headers"].items())
