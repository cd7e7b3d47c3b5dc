"""The PayU driver before the kit, against PayU played from its documentation."""

from __future__ import annotations

from typing import Any

from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import CANARY, ProviderDouble, Subject
from kassa.ports.secret import Secret
from tests.plugins.payu.double import PayuDouble


class PayuSubject(Subject):
    """A POS of the public sandbox, with invented keys."""

    [_offered] = e_wallet.kassa_payment_methods()
    factory = _offered.driven("payu")
    api_key = f"2ee86a66{CANARY}"
    webhook_secret = f"b6ca15b0{CANARY}"
    previous_webhook_secret = f"13a980d4{CANARY}"
    declined_code = "invalid_input"
    status_fields = ("status", "statusCode")

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "driver": "payu",
            "mode": "test",
            "base_url": base_url,
            "pos_id": "300746",
            "client_id": "300746",
            "client_secret": Secret(self.api_key),
            "second_key": Secret(self.webhook_secret),
        }

    def double(self) -> ProviderDouble:
        return PayuDouble(self.api_key)

    def live_settings(self) -> dict[str, Any]:
        return {"base_url": "https://secure.payu.com"}

    def rotation(self) -> dict[str, Any]:
        return {"previous_second_key": Secret(self.previous_webhook_secret)}
