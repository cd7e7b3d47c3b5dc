"""The Payment API: methods, payments, the way back from a provider, and what providers tell."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from kassa.ports import errors
from kassa.ports.cashier import PaymentView, StartPayment
from kassa.ports.payment import RawWebhook
from kassa.ports.values import Value

from . import idempotency
from .parameters import AnyQuery
from .payment_words import WordedPayment, worded
from .route import Access, Answers, Budget, Call, KeyRule, NoQuery, Reply, Route, as_json, nothing
from .texts import speech_for

_InvoiceId = Annotated[str, Meta(min_length=1, max_length=40)]


class PaymentRequest(Value, frozen=True, kw_only=True):
    """How an invoice shall be paid. `input` fits the JSON Schema that the method is listed with; `return_url` is on the
    shop's allow-list and is where the customer ends up."""

    invoice_id: _InvoiceId
    method: Annotated[str, Meta(min_length=1, max_length=40)]
    input: dict[Annotated[str, Meta(max_length=64)], Any] = msgspec.field(default_factory=dict)
    return_url: Annotated[str, Meta(max_length=500)] | None = None


class InputRequest(Value, frozen=True, kw_only=True):
    """What a payment's `collect` asked for, by field."""

    input: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=500)]],
        Meta(min_length=1, max_length=8),
    ]


class PaymentQuery(Value, frozen=True, kw_only=True):
    """Of which invoice."""

    invoice_id: _InvoiceId


class PaymentList(Value, frozen=True, kw_only=True):
    """The payments of an invoice, oldest first."""

    items: tuple[WordedPayment, ...]
    next: str | None = None


async def start(call: Call[PaymentRequest, NoQuery]) -> Reply:
    """Begin to pay what is due."""
    wish = call.body
    request = StartPayment(
        invoice_id=wish.invoice_id,
        method=wish.method,
        input=Raw(msgspec.json.encode(wish.input)),
        return_url=wish.return_url,
    )
    return idempotency.reply(await call.shop.cashier.start(call.me.account_id, request, call.once, call.origin))


async def payments(call: Call[None, PaymentQuery]) -> Reply:
    """All payments of one invoice."""
    speech, cashier = speech_for(call.headers), call.shop.cashier
    found = await cashier.payments(call.me.account_id, call.query.invoice_id)
    items = tuple(worded(view, cashier.name_of(view.method), speech) for view in found)
    return as_json(PaymentList(items=items), headers=speech.headers())


async def payment(call: Call[None, NoQuery]) -> Reply:
    """One payment: what a client polls."""
    return _told(call, await call.shop.cashier.payment(call.me.account_id, call.number("payment_id")))


async def give_input(call: Call[InputRequest, NoQuery]) -> Reply:
    """Hand collected input to the provider."""
    payment_id = call.number("payment_id")
    return _told(call, await call.shop.cashier.give_input(call.me.account_id, payment_id, call.body.input, call.origin))


async def cancel(call: Call[None, NoQuery]) -> Reply:
    """Let go of a payment."""
    return _told(call, await call.shop.cashier.cancel(call.me.account_id, call.number("payment_id"), call.origin))


def _told(call: Call[Any, Any], view: PaymentView) -> Reply:
    """A payment with its words."""
    speech = speech_for(call.headers)
    return as_json(worded(view, call.shop.cashier.name_of(view.method), speech), headers=speech.headers())


async def returned(call: Call[None, AnyQuery]) -> Reply:
    """The browser is back: untrusted, it only makes the shop ask the provider."""
    url = await call.shop.cashier.returned(call.path["token"])
    return nothing(303, [(b"location", url.encode("ascii"))])


async def webhook(call: Call[bytes, AnyQuery]) -> Reply:
    """A provider's notice: raw bytes, raw header pairs in order, the literal answer that the provider insists on."""
    raw = RawWebhook(
        slug=call.path["slug"],
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in call.headers),
        body=call.body,
        received_at=call.shop.clock.now(),
    )
    reply = await call.shop.cashier.webhook(call.path["instance"], raw)
    return Reply(reply.status, reply.body, [(b"content-type", reply.content_type.encode("ascii"))])


_STARTED = "Begun; `next_action` says what the customer does next."
_SPOKEN = ("Content-Language",)
_VIEW = Answers(status=200, says="The payment as it is now.", type_=WordedPayment, headers=_SPOKEN)
ROUTES = (
    Route(
        method="POST",
        path="/v1/payments",
        name="startPayment",
        tag="Payment",
        summary="Pay what is due on an invoice",
        handler=start,
        access=Access.CUSTOMER,
        body=PaymentRequest,
        example={"invoice_id": "KS-7F3Q-9MZD-X", "method": "card", "input": {"source": "tok_ok"}},
        key=KeyRule.REQUIRED,
        explain=(
            "A live payment by another method is canceled first where that can be done. A provider's silence is not an"
            " error: the answer is 202 with `in_doubt`, and the shop finds out. The answer is kept and repeated byte for byte,"
            " so it speaks in codes: `GET /v1/texts` has their sentences, and `GET /v1/payments/{payment_id}` its `words`."
        ),
        answers=(
            Answers(status=201, says=_STARTED, type_=PaymentView),
            Answers(status=202, says="Begun, and its end is open or in doubt: poll.", type_=PaymentView),
        ),
        errors=(
            errors.UnknownOrder,
            errors.UnknownMethod,
            errors.NothingDue,
            errors.PaymentInDoubt,
            errors.PaymentLive,
            errors.InvalidValue,
            errors.AmountRefused,
            errors.NoReferenceLeft,
            errors.Conflict,
        ),
    ),
    Route(
        method="GET",
        path="/v1/payments",
        name="listPayments",
        tag="Payment",
        summary="The payments of an invoice",
        handler=payments,
        access=Access.CUSTOMER,
        query=PaymentQuery,
        answers=(Answers(status=200, says="Oldest first.", type_=PaymentList, headers=_SPOKEN),),
        errors=(errors.UnknownOrder,),
    ),
    Route(
        method="GET",
        path="/v1/payments/{payment_id}",
        name="getPayment",
        tag="Payment",
        summary="One payment",
        handler=payment,
        access=Access.CUSTOMER,
        explain="Poll after `poll_after_s` seconds; 0 says that nothing will change by itself.",
        answers=(_VIEW,),
        errors=(errors.UnknownPayment,),
    ),
    Route(
        method="POST",
        path="/v1/payments/{payment_id}/input",
        name="givePaymentInput",
        tag="Payment",
        summary="Send what the payment asked for, such as a one-time password",
        handler=give_input,
        access=Access.CUSTOMER,
        body=InputRequest,
        example={"input": {"otp": "123456"}},
        answers=(_VIEW,),
        errors=(
            errors.UnknownPayment,
            errors.NotCapable,
            errors.PaymentInDoubt,
            errors.Conflict,
            errors.InvalidValue,
        ),
    ),
    Route(
        method="POST",
        path="/v1/payments/{payment_id}/cancel",
        name="cancelPayment",
        tag="Payment",
        summary="Let go of a payment",
        handler=cancel,
        access=Access.CUSTOMER,
        answers=(_VIEW,),
        errors=(errors.UnknownPayment, errors.PaymentInDoubt, errors.PaymentNotCancelable, errors.Conflict),
    ),
    Route(
        method="GET",
        path="/v1/returns/{token}",
        name="returnFromProvider",
        tag="Payment",
        summary="Where providers send the browser back",
        handler=returned,
        query=AnyQuery,
        budget=Budget.RETURN,
        answers=(Answers(status=303, says="On to the shop's page, an allow-listed address.", headers=("Location",)),),
        errors=(errors.UnknownPayment,),
    ),
    Route(
        method="POST",
        path="/webhooks/{instance}/{slug}",
        name="receiveWebhook",
        tag="Payment",
        summary="A provider's notice",
        handler=webhook,
        query=AnyQuery,
        raw_body=True,
        budget=Budget.WEBHOOK,
        explain="Kept before it is answered, processed afterwards. The answer is what the provider insists on.",
        answers=(Answers(status=200, says="Kept.", media="text/plain"),),
        errors=(errors.UnknownWebhook, errors.WebhookRejected),
    ),
)
