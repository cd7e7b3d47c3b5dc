"""The e-wallet method before the kit, the sandbox as its provider: `kassa plugin check tests.plugins.wallet_subject`."""

from __future__ import annotations

from kassa.plugins import e_wallet
from kassa.ports.conformance.payment_method import ProviderDouble
from tests.plugins.sandbox_double import ChargeDouble, SandboxSubject


class WalletDouble(ChargeDouble):
    """A wallet declines when it is told to: its customers bring no tokens."""

    async def decline_next(self) -> None:
        fault = {"op": "charge", "fault": "decline", "decline_code": "insufficient_funds"}
        await self.told("PUT", "/control/faults", {"merchant": self.merchant.name, "next": [fault]})


class WalletSubject(SandboxSubject):
    """Wallets: the customer always approves on the wallet's page."""

    [_offered] = e_wallet.kassa_payment_methods()
    factory = _offered.driven("sandbox")
    name = "e_wallet"
    declined_code = "insufficient_funds"

    def double(self) -> ProviderDouble:
        return WalletDouble(self.url, self.merchant)
