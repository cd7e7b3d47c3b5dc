"""What an order of PayPal means here.

Approving at PayPal moves nothing: the shop has to take what was approved, by a call of its own. A query may not do that, so it
asks the customer, who is back in the shop, to confirm (`Collect`): the `resume` that follows captures, or authorizes. It is
PayPal's own "continue" flow, and until then nobody can take anything.
"""

from msgspec.structs import replace

from kassa.ports.payment import (
    AnyNextAction,
    AnyOutcome,
    Collect,
    Declined,
    Movement,
    MovementState,
    Pending,
    ProviderStatus,
    Redirect,
    Report,
    Succeeded,
    Wait,
)

from .shapes import Order, movements

VOIDED = b"voided"
"""The plugin's state of a payment that was called off: PayPal cannot cancel an order, and the shop never takes it."""
FIELD, YES = "confirm", "yes"
_CONFIRM = Collect(field=FIELD, label='Type "yes" to pay what you approved at PayPal')
_WAITING = ("CREATED", "PAYER_ACTION_REQUIRED")
_DONE = (MovementState.SUCCEEDED, MovementState.REVERSED)


def next_action(order: Order, state: bytes) -> AnyNextAction | None:
    """What the customer has to do; None if nothing, or nothing any more."""
    if state == VOIDED or movements(order):
        return None
    if order.status == "APPROVED":
        return _CONFIRM
    return Redirect(url=order.page) if order.status in _WAITING and order.page is not None else None


def report(order: Order, state: bytes) -> Report:
    """The order as it is."""
    status = status_of(order, state)
    told = Report(
        found=True,
        status=status,
        provider_ref=order.id,
        merchant_ref=order.merchant_ref,
        movements=movements(order),
        next_action=next_action(order, state),
    )
    return replace(told, decline_code=_why(order)) if status == "failed" else told


def status_of(order: Order, state: bytes) -> ProviderStatus:
    """Money first, then what the order says of itself."""
    told = movements(order)
    captures, reservations = _states(told, "capture"), _states(told, "auth")
    found: tuple[tuple[bool, ProviderStatus], ...] = (
        (any(one in _DONE for one in captures), "succeeded"),
        (MovementState.PENDING in (*captures, *reservations), "pending"),
        (MovementState.SUCCEEDED in reservations, "authorized"),
        (MovementState.REVERSED in reservations, "canceled"),
        (bool(captures or reservations), "failed"),
        (state == VOIDED or order.status == "VOIDED", "canceled"),
        (order.status in (*_WAITING, "APPROVED"), "requires_action"),
    )
    return next((status for holds, status in found if holds), "pending")


def _states(told: tuple[Movement, ...], kind: str) -> list[MovementState]:
    return [one.state for one in told if one.kind == kind]


def _why(order: Order) -> str:
    failed = [one.status for one in order.payments.authorizations] + [one.status for one in order.payments.captures]
    return failed[-1] if failed else ""


def outcome(order: Order, state: bytes) -> AnyOutcome:
    """How the order stands, as the answer to what was commanded."""
    shown = report(order, state)
    if shown.status in ("succeeded", "authorized"):
        return Succeeded(provider_ref=order.id, movements=shown.movements)
    if shown.status in ("failed", "canceled"):
        why = shown.decline_code or order.status
        return Declined(provider_ref=order.id, movements=shown.movements, code="card_declined", provider_code=why)
    return Pending(provider_ref=order.id, movements=shown.movements, next_action=shown.next_action or Wait())


def moved(order_id: str | None, movement: Movement) -> AnyOutcome:
    """What became of a capture or a refund: its movement tells."""
    if movement.state is MovementState.PENDING:
        return Pending(provider_ref=order_id, movements=(movement,), next_action=Wait())
    if movement.state is MovementState.FAILED:
        return Declined(provider_ref=order_id, movements=(movement,), code="other", provider_code="FAILED")
    return Succeeded(provider_ref=order_id, movements=(movement,))
