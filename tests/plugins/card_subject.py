"""The card method before the conformance kit, the sandbox as its provider: `kassa plugin check tests.plugins.card_subject`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kassa.plugins import card
from kassa.ports.conformance.payment_method import ProviderDouble
from tests.plugins.sandbox_double import ChargeDouble, SandboxSubject


class CardSubject(SandboxSubject):
    """Cards: at once with a good token, on the issuer's page with 3-D Secure."""

    [_offered] = card.kassa_payment_methods()
    factory = _offered.driven("sandbox")
    name = "card"
    input: Mapping[str, Any] = {"source": "tok_ok"}
    waiting_input: Mapping[str, Any] = {"source": "tok_3ds"}
    declined_input: Mapping[str, Any] = {"source": "tok_insufficient"}
    declined_code = "insufficient_funds"

    def double(self) -> ProviderDouble:
        return ChargeDouble(self.url, self.merchant)
