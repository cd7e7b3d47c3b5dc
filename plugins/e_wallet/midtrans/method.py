"""The methods: what each of Midtrans' channels asks of the customer and can do.

A class for every set of abilities: GoPay and QRIS give back any part, ShopeePay only the whole, and a virtual account nothing.
"""

from typing import Any, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from kassa.plugins.e_wallet.qris import payable
from kassa.plugins.e_wallet.virtual_accounts import BANKS, INSTRUCTIONS
from kassa.ports.payment import (
    AmountRule,
    AnyNextAction,
    ApproveInApp,
    Capabilities,
    Redirect,
    ShowAccount,
    ShowQr,
    StartRequest,
    Wait,
)

from .charged import Charged, Refunding
from .config import ShopeePayConfig, VirtualAccountConfig, WalletConfig
from .shapes import Answer, instant

RUPIAH: Final = AmountRule(currency="IDR", min=100, max=2_000_000_000, step=100)
"""Whole rupiah, up to the 20 million that a wallet may hold."""
WALLET: Final = Capabilities(
    amounts=(RUPIAH,),
    idempotency="merchant_ref",
    void=True,
    refund="multiple",
    webhook_trust="signed_fields",
    query_by_merchant_ref=True,
    next_actions=("redirect", "approve_in_app", "show_qr", "wait"),
    expiry_s=(300, 3600),
)


class MidtransWallet(Refunding[WalletConfig]):
    """GoPay by its app, or a QRIS code that any Indonesian wallet or bank pays."""

    Config: ClassVar[type[Struct]] = WalletConfig
    capabilities: ClassVar[Capabilities] = WALLET

    def order(self, request: StartRequest) -> dict[str, Any]:
        """GoPay comes back to the shop; QRIS is acquired by GoPay, whose refunds may be in part."""
        if self.config.channel == "qris":
            return {"payment_type": "qris", "qris": {"acquirer": "gopay"}}
        return {"payment_type": "gopay", "gopay": {"enable_callback": True, "callback_url": request.return_url}}

    def leads_to(self, answer: Answer, request: StartRequest) -> AnyNextAction:
        """A code that says exactly what was asked, or GoPay's link. Raises `QrRefused`."""
        if self.config.channel == "gopay":
            return deep_link(answer, "GoPay")
        if answer.qr_string is None:
            return Wait()
        return ShowQr(payload=payable(answer.qr_string, request.amount), expires_at=instant(answer.expiry_time))


class MidtransShopeePay(Refunding[ShopeePayConfig]):
    """ShopeePay by its app; it gives back the whole or nothing."""

    Config: ClassVar[type[Struct]] = ShopeePayConfig
    capabilities: ClassVar[Capabilities] = replace(
        WALLET, refund="full", next_actions=("redirect", "approve_in_app", "wait")
    )

    def order(self, request: StartRequest) -> dict[str, Any]:
        """It comes back to the shop."""
        return {"payment_type": "shopeepay", "shopeepay": {"callback_url": request.return_url}}

    def leads_to(self, answer: Answer, request: StartRequest) -> AnyNextAction:
        """ShopeePay's link."""
        return deep_link(answer, "ShopeePay")


class MidtransVirtualAccount(Charged[VirtualAccountConfig]):
    """A virtual account at a bank, for exactly one payment of exactly this amount. Nothing goes back through it."""

    Config: ClassVar[type[Struct]] = VirtualAccountConfig
    capabilities: ClassVar[Capabilities] = replace(
        WALLET,
        amounts=(AmountRule(currency="IDR", min=100, step=100),),
        refund="none",
        next_actions=("show_account", "wait"),
        expiry_s=(3600, 86_400),
    )

    def order(self, request: StartRequest) -> dict[str, Any]:
        """The bank; it chooses the number."""
        return {"payment_type": "bank_transfer", "bank_transfer": {"bank": self.config.bank}}

    def leads_to(self, answer: Answer, request: StartRequest) -> AnyNextAction:
        """The account to pay to."""
        numbers = [one.va_number for one in answer.va_numbers if one.bank.lower() == self.config.bank]
        number = answer.permata_va_number if self.config.bank == "permata" else next(iter(numbers), None)
        if number is None:
            return Wait()
        return ShowAccount(
            bank=BANKS[self.config.bank],
            holder=self.config.holder,
            account_number=number,
            reference="",
            amount=request.amount,
            expires_at=instant(answer.expiry_time),
            instructions=INSTRUCTIONS,
        )


def deep_link(answer: Answer, app: str) -> AnyNextAction:
    """Where the wallet's app is opened: a page that any browser can open, or a link that only a phone understands."""
    url = next((one.url for one in answer.actions if one.name == "deeplink-redirect"), None)
    if url is None:
        return Wait()
    return Redirect(url=url) if url.startswith("https://") else ApproveInApp(app=app, deep_link=url)
