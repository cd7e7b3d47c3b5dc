"""What an operator does about money without a name, and about notices that led to nobody."""

from typing import Annotated, Literal

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.bank_desk import ProposedSuspense
from kassa.ports.cashier import PaymentView
from kassa.ports.payment_records import InboxState, KeptNotice, Suspense
from kassa.ports.treasury import Assignment, Return, Split
from kassa.ports.values import Value

from .operator_approvals import WAITS, done_or_waiting
from .refusals import CardNumberRefused
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json


class SuspenseQuery(Value, frozen=True, kw_only=True):
    """How many at most."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class SuspenseList(Value, frozen=True, kw_only=True):
    """Money that waits for a name, each with the guesses whose it is."""

    items: tuple[ProposedSuspense, ...]
    next: str | None = None


class Parts(Value, frozen=True, kw_only=True):
    """The sums that money without a name was split into."""

    items: tuple[Suspense, ...]


class NoticeQuery(Value, frozen=True, kw_only=True):
    """Which notices, and which part of their list."""

    state: Literal["waiting", "done", "dead"] = "dead"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")] = "0"


class NoticeList(Value, frozen=True, kw_only=True):
    """Notices by id, and the cursor of the next part."""

    items: tuple[KeptNotice, ...]
    next: str | None


async def suspense(call: Call[None, SuspenseQuery]) -> Reply:
    """The suspense list."""
    rows = await call.shop.treasury.suspense(call.query.limit)
    return as_json(SuspenseList(items=await call.shop.banking.proposed(rows)))


async def assign(call: Call[Assignment, NoQuery]) -> Reply:
    """Whose money it is."""
    return done_or_waiting(await call.shop.treasury.assign(call.body, call.origin))


async def split(call: Call[Split, NoQuery]) -> Reply:
    """It is for several invoices."""
    return as_json(Parts(items=await call.shop.treasury.split(call.body, call.origin)))


async def returned(call: Call[Return, NoQuery]) -> Reply:
    """It was sent back."""
    return done_or_waiting(await call.shop.treasury.returned_by_hand(call.body, call.origin))


async def notices(call: Call[None, NoticeQuery]) -> Reply:
    """The notices in one state."""
    wanted = call.query
    items = await call.shop.treasury.notices(InboxState(wanted.state), after=int(wanted.cursor), limit=wanted.limit)
    return as_json(NoticeList(items=items, next=str(items[-1].id) if len(items) == wanted.limit else None))


async def replay(call: Call[None, NoQuery]) -> Reply:
    """Process a notice again."""
    return as_json(await call.shop.treasury.replay(call.number("notice_id"), call.origin))


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/suspense",
        name="listSuspense",
        tag="Operator",
        summary="Money that waits for a name",
        handler=suspense,
        access=Access.OPERATOR,
        query=SuspenseQuery,
        answers=(Answers(status=200, says="Oldest first.", type_=SuspenseList),),
    ),
    Route(
        method="POST",
        path="/v1/operator/suspense/assign",
        name="assignSuspense",
        tag="Operator",
        summary="Say whose money it is",
        handler=assign,
        access=Access.OPERATOR,
        body=Assignment,
        example={
            "key": "unmatched/bank_transfer/mv_17",
            "payment_id": 5,
            "reason": "the customer sent the bank's receipt",
        },
        free_text=("reason",),
        explain="Unmatched money goes to a payment of the method it came by; money that came late or as surplus to its own "
        "payment's order, which is then paid if it is enough.",
        answers=(Answers(status=200, says="The payment that has it now.", type_=PaymentView), WAITS),
        errors=(
            errors.UnknownSuspense,
            errors.UnknownPayment,
            errors.EvidenceRefused,
            errors.OutOfStock,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
    Route(
        method="POST",
        path="/v1/operator/suspense/split",
        name="splitSuspense",
        tag="Operator",
        summary="Say that a transfer is for several invoices",
        handler=split,
        access=Access.OPERATOR,
        body=Split,
        example={
            "key": "unmatched/bank_transfer/mv_17",
            "amounts": [{"amount": 2550, "currency": "GBP"}, {"amount": 1200, "currency": "GBP"}],
            "reason": "the customer paid two invoices at once",
        },
        free_text=("reason",),
        explain="The parts have to be all of it. Each is then assigned by itself.",
        answers=(Answers(status=200, says="The parts, by their keys.", type_=Parts),),
        errors=(
            errors.UnknownSuspense,
            errors.EvidenceRefused,
            errors.CurrencyMismatch,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
    Route(
        method="POST",
        path="/v1/operator/suspense/return",
        name="returnSuspense",
        tag="Operator",
        summary="Record that money was sent back by hand",
        handler=returned,
        access=Access.OPERATOR,
        body=Return,
        example={
            "key": "unmatched/bank_transfer/mv_17",
            "bank_reference": "2026-03-02/000417",
            "reason": "nobody claims it",
        },
        free_text=("reason",),
        explain="Money that can go back the way it came is refunded instead: refund its payment.",
        answers=(Answers(status=200, says="The money as it stands now.", type_=Suspense), WAITS),
        errors=(
            errors.UnknownSuspense,
            errors.EvidenceRefused,
            errors.PaymentInDoubt,
            errors.Conflict,
            CardNumberRefused,
        ),
    ),
    Route(
        method="GET",
        path="/v1/operator/notices",
        name="listNotices",
        tag="Operator",
        summary="Providers' notices; by default the dead letters",
        handler=notices,
        access=Access.OPERATOR,
        query=NoticeQuery,
        answers=(Answers(status=200, says="By id.", type_=NoticeList),),
    ),
    Route(
        method="POST",
        path="/v1/operator/notices/{notice_id}/replay",
        name="replayNotice",
        tag="Operator",
        summary="Process a notice once more",
        handler=replay,
        access=Access.OPERATOR,
        explain="What is known already changes nothing.",
        answers=(Answers(status=200, says="It waits to be processed now.", type_=KeptNotice),),
        errors=(errors.UnknownNotice, errors.Conflict),
    ),
)
