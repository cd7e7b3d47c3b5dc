"""What an operator does with outgoing webhooks: endpoints, their secrets, their deliveries."""

from typing import Annotated

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.deliveries import Delivery, DeliveryLog, DeliveryPage, DeliveryState
from kassa.ports.endpoints import Endpoint, EndpointChange, EndpointDraft, IssuedSecret, Replayed
from kassa.ports.values import Instant, Page, Value

from .refusals import Stale
from .route import Access, Answers, Call, KeyRule, NoQuery, Reply, Route, as_json, nothing


class EndpointList(Value, frozen=True, kw_only=True):
    """Every endpoint, oldest first."""

    items: tuple[Endpoint, ...]
    next: str | None = None


class EndpointSecret(Value, frozen=True, kw_only=True):
    """An endpoint and the secret that its messages are signed with. It is shown this once and never again."""

    endpoint: Endpoint
    secret: Annotated[str, Meta(description="`whsec_` and base64.")]


class RedeliverRequest(Value, frozen=True, kw_only=True):
    """Dead letters of events that happened at `since` or later."""

    since: Instant


class DeliveryQuery(Value, frozen=True, kw_only=True):
    """Which deliveries."""

    state: DeliveryState | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, Meta(max_length=200)] | None = None


def _told(endpoint: Endpoint) -> Reply:
    return as_json(endpoint, 200, [(b"etag", b'"%d"' % endpoint.version)])


def _shown(issued: IssuedSecret, status: int) -> Reply:
    return as_json(EndpointSecret(endpoint=issued.endpoint, secret=issued.secret.reveal()), status)


async def create(call: Call[EndpointDraft, NoQuery]) -> Reply:
    """A new endpoint, its secret shown once."""
    return _shown(await call.shop.outgoing.create(call.body, call.origin), 201)


async def endpoints(call: Call[None, NoQuery]) -> Reply:
    """All endpoints."""
    return as_json(EndpointList(items=await call.shop.outgoing.endpoints()))


async def endpoint(call: Call[None, NoQuery]) -> Reply:
    """One endpoint."""
    return _told(await call.shop.outgoing.endpoint(call.path["endpoint_id"]))


async def change(call: Call[EndpointChange, NoQuery]) -> Reply:
    """Change address, events, or whether it is told at all."""
    changed = await call.shop.outgoing.change(
        call.path["endpoint_id"], call.body, expected_version=call.expected_version, origin=call.origin
    )
    return _told(changed)


async def rotate(call: Call[None, NoQuery]) -> Reply:
    """A new secret, shown once."""
    return _shown(await call.shop.outgoing.rotate(call.path["endpoint_id"], call.origin), 200)


async def remove(call: Call[None, NoQuery]) -> Reply:
    """Tell it nothing more."""
    await call.shop.outgoing.remove(call.path["endpoint_id"], call.origin)
    return nothing()


async def test(call: Call[None, NoQuery]) -> Reply:
    """Send it a message that says nothing."""
    return as_json(await call.shop.outgoing.test(call.path["endpoint_id"], call.origin), 202)


async def deliveries(call: Call[None, DeliveryQuery]) -> Reply:
    """What it was told, and what it was not."""
    wanted = call.query
    page = Page(limit=wanted.limit, cursor=wanted.cursor)
    return as_json(await call.shop.outgoing.deliveries(call.path["endpoint_id"], wanted.state, page))


async def redeliver_dead(call: Call[RedeliverRequest, NoQuery]) -> Reply:
    """Tell it again what did not arrive."""
    return as_json(await call.shop.outgoing.redeliver_dead(call.path["endpoint_id"], call.body.since, call.origin), 202)


async def delivery(call: Call[None, NoQuery]) -> Reply:
    """One delivery with its attempts."""
    return as_json(await call.shop.outgoing.log(call.number("delivery_id")))


async def redeliver(call: Call[None, NoQuery]) -> Reply:
    """Send one again."""
    return as_json(await call.shop.outgoing.redeliver(call.number("delivery_id"), call.origin), 202)


_ALL = "/v1/operator/webhook-endpoints"
_ONE = f"{_ALL}/{{endpoint_id}}"
_DELIVERY = "/v1/operator/webhook-deliveries/{delivery_id}"
_ENDPOINT = Answers(status=200, says="The endpoint as it is now.", type_=Endpoint, headers=("ETag",))
_UNKNOWN = (errors.UnknownEndpoint,)
_EXAMPLE = {"url": "https://books.example/kassa", "events": ["order.*", "payment.succeeded"]}
ROUTES = (
    Route(
        method="POST",
        path=_ALL,
        name="createWebhookEndpoint",
        tag="Operator",
        summary="Tell somebody what happens in the shop",
        handler=create,
        access=Access.OPERATOR,
        body=EndpointDraft,
        example=_EXAMPLE,
        free_text=("description",),
        key=KeyRule.REFUSED,
        explain="https and public addresses only. Messages are Standard Webhooks; the secret is shown this once.",
        answers=(Answers(status=201, says="The endpoint and its secret.", type_=EndpointSecret),),
        errors=(errors.InvalidValue, errors.EndpointsFull),
    ),
    Route(
        method="GET",
        path=_ALL,
        name="listWebhookEndpoints",
        tag="Operator",
        summary="Who is told what",
        handler=endpoints,
        access=Access.OPERATOR,
        answers=(Answers(status=200, says="Oldest first.", type_=EndpointList),),
    ),
    Route(
        method="GET",
        path=_ONE,
        name="getWebhookEndpoint",
        tag="Operator",
        summary="One endpoint",
        handler=endpoint,
        access=Access.OPERATOR,
        answers=(_ENDPOINT,),
        errors=_UNKNOWN,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        name="changeWebhookEndpoint",
        tag="Operator",
        summary="Change, disable or enable an endpoint",
        handler=change,
        access=Access.OPERATOR,
        body=EndpointChange,
        example={"is_enabled": True},
        free_text=("description",),
        if_match=True,
        explain="What waits for a disabled endpoint is kept and delivered when it is enabled; what happens meanwhile is not.",
        answers=(_ENDPOINT,),
        errors=(*_UNKNOWN, errors.InvalidValue, errors.Conflict, Stale),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        name="deleteWebhookEndpoint",
        tag="Operator",
        summary="Delete an endpoint with what waits for it",
        handler=remove,
        access=Access.OPERATOR,
        answers=(Answers(status=204, says="Nothing more is sent to it."),),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/secret",
        name="rotateWebhookSecret",
        tag="Operator",
        summary="Replace the signing secret",
        handler=rotate,
        access=Access.OPERATOR,
        key=KeyRule.REFUSED,
        explain="The secret is shown this once. For 24 hours messages are signed with the one before, too.",
        answers=(Answers(status=200, says="The endpoint and its new secret.", type_=EndpointSecret),),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/test",
        name="testWebhookEndpoint",
        tag="Operator",
        summary="Send a test message",
        handler=test,
        access=Access.OPERATOR,
        explain="Once, within seconds, also to a disabled endpoint; look at the delivery to see what came of it.",
        answers=(Answers(status=202, says="The delivery.", type_=Delivery),),
        errors=_UNKNOWN,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/deliveries",
        name="listWebhookDeliveries",
        tag="Operator",
        summary="What an endpoint was told",
        handler=deliveries,
        access=Access.OPERATOR,
        query=DeliveryQuery,
        answers=(Answers(status=200, says="Newest first, and the cursor of the next part.", type_=DeliveryPage),),
        errors=_UNKNOWN,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/redeliver",
        name="redeliverDeadWebhooks",
        tag="Operator",
        summary="Deliver dead letters again",
        handler=redeliver_dead,
        access=Access.OPERATOR,
        body=RedeliverRequest,
        example={"since": "2026-03-02T00:00:00Z"},
        explain="At most a thousand at once, oldest first, each under its own `webhook-id`.",
        answers=(Answers(status=202, says="How many wait again.", type_=Replayed),),
        errors=_UNKNOWN,
    ),
    Route(
        method="GET",
        path=_DELIVERY,
        name="getWebhookDelivery",
        tag="Operator",
        summary="One delivery with its message and attempts",
        handler=delivery,
        access=Access.OPERATOR,
        answers=(Answers(status=200, says="The delivery log.", type_=DeliveryLog),),
        errors=(errors.UnknownDelivery,),
    ),
    Route(
        method="POST",
        path=f"{_DELIVERY}/redeliver",
        name="redeliverWebhook",
        tag="Operator",
        summary="Deliver a message again",
        handler=redeliver,
        access=Access.OPERATOR,
        explain="Whatever became of it before, under the same `webhook-id`.",
        answers=(Answers(status=202, says="It waits again.", type_=Delivery),),
        errors=(errors.UnknownDelivery, errors.Conflict),
    ),
)
