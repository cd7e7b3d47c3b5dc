"""The PayPal driver before the kit, against PayPal played from its documentation."""

from __future__ import annotations

from typing import Any

from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import CANARY, ProviderDouble, Subject
from kassa.ports.secret import Secret
from tests.plugins.paypal.double import CERTIFICATE_NAME, PaypalDouble


class PaypalSubject(Subject):
    """A sandbox app, with invented keys. What a forger of notices has to know is the webhook's id."""

    [_offered] = e_wallet.kassa_payment_methods()
    factory = _offered.driven("paypal")
    api_key = f"EBWKjlELKMYqRNQ6sYvFo64{CANARY}"
    webhook_secret = f"4JH86294{CANARY}"
    previous_webhook_secret = f"9XL90610{CANARY}"
    declined_code = "not_allowed"

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "driver": "paypal",
            "mode": "test",
            "base_url": base_url,
            "client_id": "AQkquBDf1zctJOWGKWUEtKXm6qVhueUE",
            "client_secret": Secret(self.api_key),
            "webhook_id": Secret(self.webhook_secret),
            "certificates": (CERTIFICATE_NAME,),
        }

    def double(self) -> ProviderDouble:
        return PaypalDouble(self.api_key, self.webhook_secret)

    def live_settings(self) -> dict[str, Any]:
        return {"base_url": "https://api-m.paypal.com"}

    def rotation(self) -> dict[str, Any]:
        return {"previous_webhook_id": Secret(self.previous_webhook_secret)}
