"""What is written to PayPal."""

from collections.abc import Sequence

from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState, OperationRequest, StartRequest
from kassa.ports.provider_json import ProviderUnclear

from .amounts import written
from .shapes import Order, Refund, given_back, taken

_CUSTOM_ID_MAX = 127


def new_order(request: StartRequest, brand_name: str) -> dict[str, object]:
    """An order over exactly this amount. "Continue" is what PayPal's button says: the customer confirms in the shop."""
    experience = {
        "user_action": "CONTINUE",
        "shipping_preference": "NO_SHIPPING",
        "return_url": request.return_url,
        "cancel_url": request.return_url,
    }
    unit = {
        "reference_id": "default",
        "custom_id": request.merchant_ref,
        "invoice_id": request.merchant_ref,
        "amount": written(request.amount),
    }
    return {
        "intent": "CAPTURE" if request.capture else "AUTHORIZE",
        "purchase_units": [unit],
        "payment_source": {
            "paypal": {"experience_context": experience | ({"brand_name": brand_name} if brand_name else {})}
        },
    }


def reservation(movements: Sequence[Movement]) -> Movement | None:
    """The reservation that can be captured, or the last that there was: PayPal then says what is wrong with it."""
    held = [one for one in movements if one.kind == "auth"]
    return next((one for one in held if one.state is MovementState.SUCCEEDED), held[-1] if held else None)


def part(amount: Money, held: Movement, movements: Sequence[Movement]) -> dict[str, object]:
    """A capture of `amount`; the one that takes the last of what is held says so."""
    gone = sum(m.amount.amount for m in movements if m.kind == "capture" and m.state is not MovementState.FAILED)
    return {"amount": written(amount), "final_capture": gone + amount.amount >= held.amount.amount}


def refund_part(request: OperationRequest, key: str) -> dict[str, object]:
    """A refund that bears our reference and its own key."""
    if request.amount is None:
        raise ProviderUnclear("a refund without an amount")
    name = f"{request.merchant_ref} {key}"
    return {"amount": written(request.amount), "custom_id": name if len(name) <= _CUSTOM_ID_MAX else key}


def refund_of(order: Order, key: str, amount: Money) -> tuple[Refund | None, str]:
    """The refund that this command made before, and else the capture to refund from: the first with enough left, or the one with
    most; PayPal says whether it is too much. Raises `ProviderUnclear` for two refunds of one key, or where nothing was taken."""
    mine = [one for one in order.payments.refunds if (one.custom_id or "").rpartition(" ")[2] == key]
    if len(mine) > 1:
        raise ProviderUnclear("PayPal shows two refunds of one command")
    left = {one.id: one.amount.amount for one in map(taken, order.payments.captures)}
    if not left:
        raise ProviderUnclear("a refund of what was never taken")
    for refund in order.payments.refunds:
        movement = given_back(refund)
        if refund.capture_id in left and movement.state is not MovementState.FAILED:
            left[refund.capture_id] -= movement.amount.amount
    enough = [capture_id for capture_id, rest in left.items() if rest >= amount.amount]
    return (mine[0] if mine else None), (enough or sorted(left, key=lambda one: -left[one]))[0]


def capture_path(authorization_id: str) -> str:
    """Where a reservation is captured."""
    return f"/v2/payments/authorizations/{authorization_id}/capture"


def void_path(authorization_id: str) -> str:
    """Where a reservation is let go of."""
    return f"/v2/payments/authorizations/{authorization_id}/void"


def refund_path(capture_id: str) -> str:
    """Where a capture is refunded."""
    return f"/v2/payments/captures/{capture_id}/refund"
