"""Everything that can be refused, by name. Messages are for operators; clients get `code` and the facts."""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from kassa.ports.cart import Cart
    from kassa.ports.checkout import LineProblem
    from kassa.ports.payment import AmountRule


class KassaError(Exception):
    """The root. `code` is permanent; `retryable` says whether the same request may succeed later unchanged."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False


# --- values -------------------------------------------------------------------------------------------------


class InvalidValue(KassaError):
    """A value that is well-formed but cannot be. `field` names it as the client wrote it."""

    code = "invalid_value"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class InvalidMoney(KassaError):
    """Not an amount of a known currency."""

    code = "invalid_money"


class CurrencyMismatch(KassaError):
    """Two currencies met where one was needed."""

    code = "currency_mismatch"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected, self.found = expected, found


# --- the machinery ------------------------------------------------------------------------------------------


class Unavailable(KassaError):
    """A part the shop cannot work without is away or too busy: nothing was done, or it is not known to be done.

    `retry_after_s` is an advice in seconds.
    """

    code = "unavailable"
    retryable = True

    def __init__(self, what: str, retry_after_s: int = 1) -> None:
        super().__init__(what)
        self.what, self.retry_after_s = what, retry_after_s


class Busy(Unavailable):
    """A bounded queue is full; nothing was done."""

    code = "busy"


class Conflict(KassaError):
    """An act was decided on a version that is no longer true. The kernel reads again; clients see it after a few tries."""

    code = "conflict"
    retryable = True


class SchemaBehind(KassaError):
    """The database is not at the migration this program was written for; the message says what to run."""

    code = "schema_behind"


class SettingRefused(KassaError):
    """A setting that cannot be accepted; the message names it and says what would be."""

    code = "setting_refused"


class TooManyAttempts(KassaError):
    """A limit of attempts is used up; `retry_after_s` seconds until one more is let through."""

    code = "too_many_attempts"
    retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


# --- identity -----------------------------------------------------------------------------------------------


class NotAuthenticated(KassaError):
    """No session, an unknown one, an ended one, or one of an inactive account: the answer is the same."""

    code = "not_authenticated"


class LoginRefused(KassaError):
    """Wrong password, unknown account or inactive account: one answer."""

    code = "login_refused"


class Forbidden(KassaError):
    """The caller is known but has not the role this needs."""

    code = "forbidden"


class EmailTaken(KassaError):
    """An account with this e-mail address exists. Never told to a client."""

    code = "email_taken"


class UnknownAccount(KassaError):
    """No such account."""

    code = "unknown_account"


class PasswordRefused(KassaError):
    """A new password that is too short, too long or too common."""

    code = "password_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- shop ---------------------------------------------------------------------------------------------------


class UnknownProduct(KassaError):
    """No such product, or one that is not for sale."""

    code = "unknown_product"


class SkuTaken(KassaError):
    """Another product has this SKU."""

    code = "sku_taken"


class CartChanged(KassaError):
    """The cart is at another version than the one the caller saw; `cart` is the current one."""

    code = "cart_changed"

    def __init__(self, cart: "Cart") -> None:
        super().__init__(f"the cart is at version {cart.version}")
        self.cart = cart


class CartEmpty(KassaError):
    """There is nothing to check out."""

    code = "cart_empty"


class CartFull(KassaError):
    """A cart holds a bounded number of lines."""

    code = "cart_full"


class LinesRefused(KassaError):
    """Some lines cannot be had as asked; `lines` tells the reason and the facts for each. Nothing was changed."""

    code = "lines_refused"

    def __init__(self, lines: "tuple[LineProblem, ...]") -> None:
        super().__init__(", ".join(f"product {line.product_id}: {line.reason}" for line in lines))
        self.lines = lines


class OutOfStock(LinesRefused):
    """More was asked for than is available."""

    code = "out_of_stock"


class PriceChanged(LinesRefused):
    """A price or the total is not what the caller saw."""

    code = "price_changed"


class UnknownOrder(KassaError):
    """No such order, or one of somebody else."""

    code = "unknown_order"


class OrderNotCancelable(KassaError):
    """The order is paid, canceled or expired already."""

    code = "order_not_cancelable"

    def __init__(self, status: str) -> None:
        super().__init__(f"the order is {status}")
        self.status = status


# --- idempotency --------------------------------------------------------------------------------------------


class KeyReused(KassaError):
    """The idempotency key was used for another request (IETF draft-ietf-httpapi-idempotency-key-header)."""

    code = "idempotency_key_reused"


class KeyInUse(KassaError):
    """A request with this idempotency key is still running."""

    code = "idempotency_key_in_use"
    retryable = True


class AlreadyClaimed(KassaError):
    """Raised by an act whose idempotency claim exists already: nothing was done, read the record."""

    code = "already_claimed"


# --- payment ------------------------------------------------------------------------------------------------


class UnknownPayment(KassaError):
    """No such payment, or one of somebody else."""

    code = "unknown_payment"


class NoReceipt(KassaError):
    """Nothing has been paid on the payment, so there is nothing to receive a receipt for."""

    code = "no_receipt"


class UnknownMethod(KassaError):
    """No payment method of this name is enabled, healthy and fitting."""

    code = "unknown_method"


class NothingDue(KassaError):
    """The invoice is paid, or its order has ended."""

    code = "nothing_due"


class PaymentInDoubt(KassaError):
    """Money may have moved and it is not known yet: no money command until it is."""

    code = "payment_in_doubt"
    retryable = True


class PaymentLive(KassaError):
    """Another payment of this invoice is under way and cannot be canceled from here."""

    code = "payment_live"
    retryable = True


class ReferenceTaken(KassaError):
    """The number or amount that a payment was to have for itself is another payment's. The kernel draws again."""

    code = "reference_taken"


class NoReferenceLeft(Unavailable):
    """Every number or amount that the method may give to a payment is held by another one; nothing was done."""

    code = "no_reference_left"


class PaymentNotCancelable(KassaError):
    """The payment cannot be canceled in the state it is in."""

    code = "payment_not_cancelable"


class AmountRefused(KassaError):
    """The amount is outside what the method takes, or more than is left to refund or capture. `takes`: what it would."""

    code = "amount_refused"

    def __init__(self, reason: str, takes: "tuple[AmountRule, ...]" = ()) -> None:
        super().__init__(reason)
        self.reason, self.takes = reason, takes


class NotCapable(KassaError):
    """The payment method does not declare this capability."""

    code = "not_capable"


class EvidenceRefused(KassaError):
    """A manual confirmation without reason and bank reference, or one that contradicts what is known."""

    code = "evidence_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotInDoubt(KassaError):
    """Nothing of this kind is in doubt (any more) that evidence could resolve."""

    code = "not_in_doubt"


class UnknownSuspense(KassaError):
    """No money waits in suspense under this key."""

    code = "unknown_suspense"


class UnknownNotice(KassaError):
    """No notice has this id."""

    code = "unknown_notice"


class WebhookRejected(KassaError):
    """A notice whose sender could not be proved. Nothing was written."""

    code = "webhook_rejected"


class UnknownWebhook(KassaError):
    """No payment method listens at this address."""

    code = "unknown_webhook"


class PluginRefused(KassaError):
    """A configured payment method that cannot be loaded; the message names it, its distribution and the reason."""

    code = "plugin_refused"


# --- bank files --------------------------------------------------------------------------------------------


class StatementRefused(KassaError):
    """A bank file that cannot be read whole; nothing of it was imported. `path` is the place, for people ("line 14")."""

    code = "statement_refused"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path, self.reason = path, reason


class UnknownStatement(KassaError):
    """No imported statement has this id."""

    code = "unknown_statement"


class UnknownLine(KassaError):
    """No line of an imported statement has this id."""

    code = "unknown_line"


# --- outgoing webhooks -------------------------------------------------------------------------------------


class UnknownEndpoint(KassaError):
    """No such webhook endpoint."""

    code = "unknown_endpoint"


class UnknownDelivery(KassaError):
    """No such delivery of a webhook."""

    code = "unknown_delivery"


class EndpointsFull(KassaError):
    """The shop has as many webhook endpoints as it may have."""

    code = "endpoints_full"
