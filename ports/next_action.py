"""What a customer does next: the actions that a payment method may ask for. Plugins import them from `kassa.ports.payment`."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from kassa.ports.money import Money
from kassa.ports.texts import Texts
from kassa.ports.values import Instant, Value


class NextAction(Value, frozen=True, kw_only=True, tag_field="type"):
    """What the customer has to do: one of the subclasses, which clients tell apart by `type`, and of those that the method
    declares. The customer's browser is shown all of it: it must never hold a secret of the shop."""


class Redirect(NextAction, frozen=True, kw_only=True, tag="redirect"):
    """Send the browser to `url`, which must be https (or http on loopback); anything else is refused. The provider sends it
    back to `StartRequest.return_url`; that it came back proves nothing: Kassa asks `query`."""

    url: Annotated[str, Meta(max_length=2000)]


class Instruction(Value, frozen=True, kw_only=True):
    """How to pay in one channel, step by step."""

    channel: Texts
    steps: tuple[Texts, ...]


class ShowAccount(NextAction, frozen=True, kw_only=True, tag="show_account"):
    """Show an account to pay to. To be used only where nothing but the customer's own transfer can move money: Kassa then lets
    a customer change to another method without telling the provider, and takes what arrives nevertheless as late money.

    `amount` is to be sent exactly, `reference` to be written on the transfer (empty where the account number says enough), until
    `expires_at`. `qr` is the text of a QR code that a banking app fills the transfer from (EPC069-12, a SEPA account), `qr_svg`
    that code as a picture. `instructions` tell how it is done in each channel (a banking app, a cash machine)."""

    bank: str
    holder: str
    account_number: str
    reference: str
    amount: Money
    bic: str = ""
    expires_at: Instant | None = None
    qr: Annotated[str, Meta(max_length=400)] = ""
    qr_svg: Annotated[str, Meta(max_length=20_000)] = ""
    instructions: tuple[Instruction, ...] = ()


class ShowQr(NextAction, frozen=True, kw_only=True, tag="show_qr"):
    """Show `payload`, the text of a QR code, which the customer's app pays, until `expires_at`. Where it says an amount or a
    currency (EMVCo, QRIS), the plugin must have compared them with what it asked for."""

    payload: Annotated[str, Meta(max_length=4000)]
    expires_at: Instant | None = None


class ClientSdk(NextAction, frozen=True, kw_only=True, tag="client_sdk"):
    """Hand `client_secret` to the provider's own script (`sdk` names it) in the browser. It is the provider's word for "this
    customer may finish this payment", never the shop's key."""

    sdk: str
    client_secret: str


class ApproveInApp(NextAction, frozen=True, kw_only=True, tag="approve_in_app"):
    """Tell the customer to approve in an app; `deep_link` may open it."""

    app: str
    deep_link: str | None = None


class Collect(NextAction, frozen=True, kw_only=True, tag="collect"):
    """Ask the customer for `field` (a one-time password, never a card number), under `label`: the `input` of a `resume`."""

    field: str
    label: str


class Wait(NextAction, frozen=True, kw_only=True, tag="wait"):
    """Nothing to do but wait: the provider works, and the client polls the payment."""


AnyNextAction: TypeAlias = Redirect | ShowAccount | ShowQr | ClientSdk | ApproveInApp | Collect | Wait
