"""What an operator does about refunds that the bank has to send: see which wait, and take the bank's order for them."""

from typing import Annotated

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.payouts import DroppedPayout, PayoutOrder, PayoutTask
from kassa.ports.values import Value

from .refusals import CardNumberRefused
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json, nothing

_XML = "application/xml"


class PayoutQuery(Value, frozen=True, kw_only=True):
    """Of which method."""

    method: Annotated[str, Meta(min_length=1, max_length=40)]


class PayoutList(Value, frozen=True, kw_only=True):
    """Refunds that wait for the bank."""

    items: tuple[PayoutTask, ...]
    next: str | None = None


async def payouts(call: Call[None, PayoutQuery]) -> Reply:
    """What waits."""
    return as_json(PayoutList(items=await call.shop.payouts.tasks(call.query.method)))


async def payout_file(call: Call[PayoutOrder | None, NoQuery]) -> Reply:
    """The order for the bank."""
    written = await call.shop.payouts.file(call.path["instance"], call.body or PayoutOrder(), call.origin)
    return Reply(
        200,
        written.data,
        [
            (b"content-type", written.content_type.encode("ascii")),
            (b"content-disposition", f'attachment; filename="{written.name}"'.encode("ascii")),
        ],
    )


async def drop(call: Call[DroppedPayout, NoQuery]) -> Reply:
    """The bank will not do it."""
    await call.shop.payouts.drop(call.path["instance"], call.body, call.origin)
    return nothing()


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/payouts",
        name="listPayouts",
        tag="Operator",
        summary="Refunds that the bank has to send",
        handler=payouts,
        access=Access.OPERATOR,
        query=PayoutQuery,
        explain="At most 500. `name` and `account` are the payer's as the bank told them with the payment, else empty.",
        answers=(Answers(status=200, says="Oldest first.", type_=PayoutList),),
        errors=(errors.UnknownMethod, errors.NotCapable),
    ),
    Route(
        method="POST",
        path="/v1/operator/payouts/{instance}/file",
        name="writePayoutFile",
        tag="Operator",
        summary="The file by which the bank sends refunds",
        handler=payout_file,
        access=Access.OPERATOR,
        body=PayoutOrder,
        body_optional=True,
        example={
            "operations": ["5f0c1b2a4d3e4f5a8b9c0d1e2f3a4b5c"],
            "payees": {
                "5f0c1b2a4d3e4f5a8b9c0d1e2f3a4b5c": {"name": "Ada Lovelace", "account": "DE89370400440532013000"}
            },
        },
        explain="Without a body: all that wait. The same refunds give the same file; nothing is done by taking it. A refund is "
        "done when an imported statement shows its transfer. `payees` only where the bank did not tell the payer.",
        answers=(Answers(status=200, says="pain.001, to be uploaded at the bank.", media=_XML),),
        errors=(
            errors.UnknownMethod,
            errors.NotCapable,
            errors.InvalidValue,
            errors.Unavailable,
            CardNumberRefused,
        ),
    ),
    Route(
        method="POST",
        path="/v1/operator/payouts/{instance}/drop",
        name="dropPayout",
        tag="Operator",
        summary="Say that the bank will not send a refund",
        handler=drop,
        access=Access.OPERATOR,
        body=DroppedPayout,
        example={
            "operation": "5f0c1b2a4d3e4f5a8b9c0d1e2f3a4b5c",
            "reason": "the bank refused it: the account is closed",
        },
        free_text=("reason",),
        explain="The refund has failed and its money can be refunded again. Only for a transfer that the bank has not made: one "
        "that a statement shows nevertheless is left to a person.",
        answers=(Answers(status=204, says="It waits no longer."),),
        errors=(errors.UnknownMethod, errors.NotCapable, errors.InvalidValue, errors.Conflict, CardNumberRefused),
    ),
)
