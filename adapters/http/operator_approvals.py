"""What waits for a second person: the answer of an act that is only wished yet, and the list."""

from typing import Annotated, Final

from msgspec import Meta

from kassa.ports.approvals import Approval
from kassa.ports.values import Value

from .route import Access, Answers, Call, Reply, Route, as_json

WAITS: Final = Answers(status=202, says="Kept until a second operator says the same.", type_=Approval)


def done_or_waiting(result: object) -> Reply:
    """202 with what is waited for, else 200 with what was done."""
    return as_json(result, status=202 if isinstance(result, Approval) else 200)


class ApprovalQuery(Value, frozen=True, kw_only=True):
    """How many at most."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class ApprovalList(Value, frozen=True, kw_only=True):
    """What waits for a second person."""

    items: tuple[Approval, ...]


async def approvals(call: Call[None, ApprovalQuery]) -> Reply:
    """The list."""
    return as_json(ApprovalList(items=await call.shop.treasury.approvals(call.query.limit)))


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/approvals",
        name="listApprovals",
        tag="Operator",
        summary="What waits for a second person",
        handler=approvals,
        access=Access.OPERATOR,
        query=ApprovalQuery,
        explain="Kept where the shop wants a second person. Another operator sends the same request, with a reason of their own.",
        answers=(Answers(status=200, says="Oldest first.", type_=ApprovalList),),
    ),
)
