"""The methods: what each of Xendit's channels asks of the customer and can do.

A class for every set of abilities: some wallets give back, others and QRIS do not, and a virtual account is paid at a bank.
"""

from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from kassa.plugins.e_wallet.qris import payable
from kassa.plugins.e_wallet.virtual_accounts import BANKS, INSTRUCTIONS
from kassa.ports.money import Money
from kassa.ports.payment import (
    AmountRule,
    AnyNextAction,
    ApproveInApp,
    Capabilities,
    Declined,
    Redirect,
    ShowAccount,
    ShowQr,
    StartRequest,
    Wait,
)

from .config import FinalConfig, VirtualAccountConfig, WalletConfig
from .requested import Refunding, Requested
from .shapes import PaymentRequest, instant, properties_of

WALLET: Final = Capabilities(
    amounts=(AmountRule(currency="IDR", min=100, max=2_000_000_000, step=100),),
    idempotency="header",
    void=True,
    refund="full",
    webhook_trust="shared_token",
    query_by_merchant_ref=True,
    next_actions=("redirect", "approve_in_app", "wait"),
    expiry_s=(300, 3600),
)
APPS: Final = {"SHOPEEPAY": "ShopeePay", "LINKAJA": "LinkAja", "OVO": "OVO", "DANA": "DANA", "ASTRAPAY": "AstraPay"}
_AUTH: Final = ("WEB", "MOBILE", "DEEPLINK")


class FinalInput(Struct, frozen=True, forbid_unknown_fields=True):
    """OVO asks the customer by telephone number, `+62…`; the other channels need none."""

    mobile_number: Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{7,14}\Z", max_length=16)] | None = None


class XenditWallet(Refunding[WalletConfig]):
    """A wallet that is opened from a link, and gives the whole back."""

    Config: ClassVar[type[Struct]] = WalletConfig
    capabilities: ClassVar[Capabilities] = WALLET

    def channel(self, request: StartRequest) -> dict[str, Any] | Declined:
        """It comes back to the shop, whatever the end."""
        return wallet(self.config.channel, _returns(request))

    def leads_to(self, made: PaymentRequest, amount: Money) -> AnyNextAction:
        """The wallet's page, or its app."""
        return approval(made, APPS[self.config.channel])


class XenditFinal(Requested[FinalConfig]):
    """A wallet, or a QRIS code, from which nothing goes back through Xendit."""

    Config: ClassVar[type[Struct]] = FinalConfig
    Input: ClassVar[type[Struct]] = FinalInput
    capabilities: ClassVar[Capabilities] = replace(
        WALLET, refund="none", next_actions=("redirect", "approve_in_app", "show_qr", "wait")
    )

    def channel(self, request: StartRequest) -> dict[str, Any] | Declined:
        """OVO calls the customer's telephone; a QRIS code ends when the shop stops waiting."""
        if self.config.channel == "QRIS":
            expiry = {"expires_at": request.expires_at.isoformat(timespec="seconds")}
            return {"type": "QR_CODE", "qr_code": {"channel_code": "QRIS", "channel_properties": expiry}}
        if self.config.channel != "OVO":
            return wallet(self.config.channel, _returns(request))
        if request.input.mobile_number is None:
            return Declined(code="invalid_input", provider_code="mobile_number")
        return wallet("OVO", {"mobile_number": request.input.mobile_number})

    def leads_to(self, made: PaymentRequest, amount: Money) -> AnyNextAction:
        """A code that says exactly what was asked, or the wallet. Raises `QrRefused`."""
        if self.config.channel != "QRIS":
            return approval(made, APPS[self.config.channel])
        properties = properties_of(made)
        if properties.qr_string is None:
            return Wait()
        return ShowQr(payload=payable(properties.qr_string, amount), expires_at=instant(properties.expires_at))


class XenditVirtualAccount(Requested[VirtualAccountConfig]):
    """A virtual account at a bank, for exactly one payment of exactly this amount. Nothing goes back through it."""

    Config: ClassVar[type[Struct]] = VirtualAccountConfig
    capabilities: ClassVar[Capabilities] = replace(
        WALLET,
        amounts=(AmountRule(currency="IDR", min=100, step=100),),
        refund="none",
        next_actions=("show_account", "wait"),
        expiry_s=(3600, 86_400),
    )

    def channel(self, request: StartRequest) -> dict[str, Any] | Declined:
        """The bank chooses the number, and shows `holder` to who pays."""
        properties = {
            "customer_name": self.config.holder,
            "expires_at": request.expires_at.isoformat(timespec="seconds"),
        }
        account = {"channel_code": self.config.bank, "channel_properties": properties}
        return {"type": "VIRTUAL_ACCOUNT", "virtual_account": account}

    def leads_to(self, made: PaymentRequest, amount: Money) -> AnyNextAction:
        """The account to pay to."""
        properties = properties_of(made)
        if properties.virtual_account_number is None:
            return Wait()
        return ShowAccount(
            bank=BANKS[self.config.bank.lower()],
            holder=self.config.holder,
            account_number=properties.virtual_account_number,
            reference="",
            amount=amount,
            expires_at=instant(properties.expires_at),
            instructions=INSTRUCTIONS,
        )


def wallet(code: str, properties: dict[str, str]) -> dict[str, Any]:
    """A wallet as a payment method."""
    return {"type": "EWALLET", "ewallet": {"channel_code": code, "channel_properties": properties}}


def approval(made: PaymentRequest, app: str) -> AnyNextAction:
    """Where the customer approves: a page for any browser first, then a phone's, then the app itself; without any, in the app."""
    links = {one.url_type: one.url for one in made.actions or () if one.action == "AUTH" and one.url}
    url = next((links[kind] for kind in _AUTH if kind in links), None)
    if url is None or not url.startswith("https://"):
        return ApproveInApp(app=app, deep_link=url)
    return Redirect(url=url)


def _returns(request: StartRequest) -> dict[str, str]:
    return {"success_return_url": request.return_url, "failure_return_url": request.return_url}
