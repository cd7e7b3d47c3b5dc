"""A payment as its customer sees it."""

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from kassa.kernel.payment_draft import due
from kassa.kernel.payment_fees import expected_fee
from kassa.kernel.payment_states import IN_DOUBT
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.cashier import OperatorPaymentView, PaymentView
from kassa.ports.errors import UnknownPayment
from kassa.ports.ids import PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, NextAction, ShowAccount
from kassa.ports.payment_records import Operation, OperationState, PayableState, Payment, PaymentFile

POLL_DOUBT_S, POLL_CUSTOMER_S = 2, 3


def payment_in(file: PaymentFile, payment_id: PaymentId) -> Payment:
    """Raises `UnknownPayment`."""
    for payment in file.payments:
        if payment.id == payment_id:
            return payment
    raise UnknownPayment(str(payment_id))


def start_in(file: PaymentFile, payment_id: PaymentId) -> Operation:
    """The START of a payment."""
    return next(o for o in file.operations if o.payment_id == payment_id and o.kind == "start")


def names_for(methods: LoadedMethods, amount: Money) -> tuple[str, ...]:
    """The healthy methods that take an amount, by name."""
    return tuple(method.name for method in methods.all() if method.is_healthy and method.takes(amount))


def view_of(file: PaymentFile, payment_id: PaymentId, methods: LoadedMethods) -> PaymentView:
    """The view of a payment of this file. Raises `UnknownPayment`."""
    payment = payment_in(file, payment_id)
    start = start_in(file, payment_id)
    currency = payment.nominal.currency
    rest = due(file)
    is_open = file.payable.state is PayableState.OPEN and rest.amount > 0
    return PaymentView(
        id=payment.id,
        invoice_id=payment.invoice_id,
        status=payment.status,
        method=payment.method,
        nominal=payment.nominal,
        authorized=Money(amount=payment.authorized, currency=currency),
        captured=Money(amount=payment.captured, currency=currency),
        refunded=Money(amount=payment.refunded, currency=currency),
        due=_still_due(file, payment),
        forgiven=Money(amount=file.payable.forgiven, currency=currency),
        in_doubt=payment.in_doubt,
        next_action=_shown(payment, _still_due(file, payment)),
        decline_code=start.code if start.state is OperationState.FAILED else "",
        poll_after_s=_poll_after_s(file, payment),
        methods_left=names_for(methods, rest) if is_open else (),
        expires_at=payment.expires_at,
        created_date=payment.created_date,
        last_updated=payment.last_updated,
    )


def operators_view_of(file: PaymentFile, payment_id: PaymentId, methods: LoadedMethods) -> OperatorPaymentView:
    """The view with what the provider is expected to keep, where that is configured. Raises `UnknownPayment`."""
    view = view_of(file, payment_id, methods)
    method = methods.get(view.method)
    fee = None if method is None else method.instance.fee
    kept = UNSET if fee is None else expected_fee(view.captured, fee)
    net = UNSET if kept is UNSET else view.captured - view.refunded - kept
    return OperatorPaymentView(**msgspec.structs.asdict(view), expected_fee=kept, expected_net=net)


def _still_due(file: PaymentFile, payment: Payment) -> Money:
    """What is missing: to this payment where it is live, else to the order."""
    if file.payable.state is not PayableState.OPEN:
        return Money(amount=0, currency=payment.nominal.currency)
    rest = due(file)
    if not payment.is_live:
        return rest
    return replace(rest, amount=min(rest.amount, max(0, payment.nominal.amount - payment.captured)))


def _shown(payment: Payment, rest: Money) -> AnyNextAction | None:
    """What the customer has to do. Where a part has come, the account to pay to is the same, and the amount is the rest; a code
    that holds the whole amount is not shown again."""
    action = next_action_of(payment)
    if isinstance(action, ShowAccount) and payment.captured:
        return replace(action, amount=rest, qr="", qr_svg="")
    return action


def next_action_of(payment: Payment) -> AnyNextAction | None:
    """What the customer has to do, decoded."""
    if not payment.next_action:
        return None
    action: AnyNextAction = msgspec.json.decode(payment.next_action, type=AnyNextAction)
    assert isinstance(action, NextAction)
    return action


def _poll_after_s(file: PaymentFile, payment: Payment) -> int:
    states = {o.state for o in file.operations if o.payment_id == payment.id}
    if states & IN_DOUBT:
        return POLL_DOUBT_S
    return POLL_CUSTOMER_S if OperationState.PENDING in states else 0
