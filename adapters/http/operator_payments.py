"""What an operator does to payments: look, capture, refund, void, confirm, resolve, review."""

from typing import Annotated

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.cashier import OperatorPaymentView, PaymentView
from kassa.ports.treasury import CaptureRequest, Confirmation, RefundRequest, Resolution, Review, VoidRequest
from kassa.ports.values import Value

from . import idempotency
from .operator_approvals import WAITS, done_or_waiting
from .refusals import CardNumberRefused
from .route import Access, Answers, Call, KeyRule, NoQuery, Reply, Route, as_json


class ReviewQuery(Value, frozen=True, kw_only=True):
    """Which part of the list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")] = "0"


class ReviewList(Value, frozen=True, kw_only=True):
    """Payments that a person has to look at, by id, and the cursor of the next part."""

    items: tuple[OperatorPaymentView, ...]
    next: str | None


async def payment(call: Call[None, NoQuery]) -> Reply:
    """Any payment."""
    return as_json(await call.shop.treasury.view(call.number("payment_id")))


async def to_review(call: Call[None, ReviewQuery]) -> Reply:
    """What asking alone does not resolve."""
    wanted = call.query
    items = await call.shop.treasury.to_review(after=int(wanted.cursor), limit=wanted.limit)
    return as_json(ReviewList(items=items, next=str(items[-1].id) if len(items) == wanted.limit else None))


async def reviewed(call: Call[Review, NoQuery]) -> Reply:
    """A person has looked."""
    return as_json(await call.shop.treasury.reviewed(call.number("payment_id"), call.body, call.origin))


async def refund(call: Call[RefundRequest, NoQuery]) -> Reply:
    """Give money back, once per key."""
    payment_id = call.number("payment_id")
    return idempotency.reply(await call.shop.treasury.refund(payment_id, call.body, call.once, call.origin))


async def capture(call: Call[CaptureRequest, NoQuery]) -> Reply:
    """Take reserved money, once per key."""
    payment_id = call.number("payment_id")
    return idempotency.reply(await call.shop.treasury.capture(payment_id, call.body, call.once, call.origin))


async def void(call: Call[VoidRequest, NoQuery]) -> Reply:
    """Let go of reserved money."""
    return as_json(await call.shop.treasury.void(call.number("payment_id"), call.body, call.origin))


async def confirm(call: Call[Confirmation, NoQuery]) -> Reply:
    """Record money that was seen on the bank account."""
    return done_or_waiting(await call.shop.treasury.confirm(call.number("payment_id"), call.body, call.origin))


async def resolve(call: Call[Resolution, NoQuery]) -> Reply:
    """End a doubt by evidence."""
    return as_json(await call.shop.treasury.resolve(call.number("payment_id"), call.body, call.origin))


_PAYMENT = "/v1/operator/payments/{payment_id}"
_VIEW = Answers(status=200, says="The payment as it is now.", type_=PaymentView)
_ORDERED = (
    _VIEW,
    Answers(status=201, says="Done.", type_=PaymentView),
    Answers(status=202, says="Under way, or in doubt: poll.", type_=PaymentView),
)
_MONEY_ERRORS = (
    errors.UnknownPayment,
    errors.AmountRefused,
    errors.NotCapable,
    errors.PaymentInDoubt,
    errors.Conflict,
    errors.CurrencyMismatch,
    CardNumberRefused,
)
ROUTES = (
    Route(
        method="GET",
        path=_PAYMENT,
        name="viewPayment",
        tag="Operator",
        summary="Any payment",
        handler=payment,
        access=Access.OPERATOR,
        answers=(Answers(status=200, says="The payment as it is now.", type_=OperatorPaymentView),),
        errors=(errors.UnknownPayment,),
    ),
    Route(
        method="GET",
        path="/v1/operator/reviews",
        name="listReviews",
        tag="Operator",
        summary="Payments that a person has to look at",
        handler=to_review,
        access=Access.OPERATOR,
        query=ReviewQuery,
        explain="A doubt that asking does not resolve, reports that contradict each other, a chargeback.",
        answers=(Answers(status=200, says="By id.", type_=ReviewList),),
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/review",
        name="reviewPayment",
        tag="Operator",
        summary="Take a payment off the list of reviews",
        handler=reviewed,
        access=Access.OPERATOR,
        body=Review,
        example={"reason": "the customer keeps the goods, the difference is a gift"},
        free_text=("reason",),
        answers=(_VIEW,),
        errors=(errors.UnknownPayment, errors.PaymentInDoubt, errors.Conflict, CardNumberRefused),
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/refunds",
        name="refundPayment",
        tag="Operator",
        summary="Refund a payment, whole or in part",
        handler=refund,
        access=Access.OPERATOR,
        body=RefundRequest,
        example={"reason": "returned by the customer"},
        free_text=("reason",),
        key=KeyRule.REQUIRED,
        answers=_ORDERED,
        errors=_MONEY_ERRORS,
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/captures",
        name="capturePayment",
        tag="Operator",
        summary="Take reserved money, whole or in part",
        handler=capture,
        access=Access.OPERATOR,
        body=CaptureRequest,
        example={"amount": {"amount": 2550, "currency": "GBP"}, "reason": "the first parcel has left"},
        free_text=("reason",),
        key=KeyRule.REQUIRED,
        explain='For methods configured with `capture = "manual"`, whose payments only reserve.',
        answers=_ORDERED,
        errors=_MONEY_ERRORS,
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/void",
        name="voidPayment",
        tag="Operator",
        summary="Let go of what is reserved and not taken",
        handler=void,
        access=Access.OPERATOR,
        body=VoidRequest,
        example={"reason": "the last item is not to be had"},
        free_text=("reason",),
        answers=(_VIEW,),
        errors=(
            errors.UnknownPayment,
            errors.PaymentNotCancelable,
            errors.PaymentInDoubt,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/confirm",
        name="confirmPayment",
        tag="Operator",
        summary="Confirm money seen on the bank account",
        handler=confirm,
        access=Access.OPERATOR,
        body=Confirmation,
        example={
            "amount": {"amount": 2550, "currency": "GBP"},
            "bank_reference": "2026-03-02/000417",
            "reason": "seen on the statement of 2 March",
        },
        free_text=("reason",),
        explain="The same bank reference counts once.",
        answers=(_VIEW, WAITS),
        errors=(
            errors.UnknownPayment,
            errors.EvidenceRefused,
            errors.CurrencyMismatch,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
    Route(
        method="POST",
        path=f"{_PAYMENT}/resolve",
        name="resolvePayment",
        tag="Operator",
        summary="End a doubt by evidence",
        handler=resolve,
        access=Access.OPERATOR,
        body=Resolution,
        example={"command": "refund", "executed": False, "reason": "provider's support, ticket 4711: never received"},
        free_text=("reason",),
        explain="The provider is asked once more first: if it answers, its word counts and this one is refused.",
        answers=(_VIEW,),
        errors=(
            errors.UnknownPayment,
            errors.NotInDoubt,
            errors.PaymentInDoubt,
            errors.EvidenceRefused,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
)
