"""The HTTP surface as one Litestar application."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ControllerRouterHandler

from . import (
    cart,
    catalog,
    checkout,
    defects,
    identity,
    operator,
    operator_approvals,
    operator_audit,
    operator_endpoints,
    operator_payments,
    operator_payouts,
    operator_plugins,
    operator_statements,
    operator_suspense,
    payment,
    payment_methods,
    problems,
    receipts,
    service,
)
from .authentication import Doorman
from .endpoint import Address, Counter, Endpoint
from .gate import Gate
from .limits import Limits
from .metrics import Metrics
from .openapi import document
from .refusals import Malformed, MethodRefused, NoSuchPage
from .route import Reply, Route
from .settings import HttpSettings, HttpShop
from .texts import speech_for
from .visit import visit_of
from .work import Work

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
SHOP_ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *catalog.ROUTES,
    *cart.ROUTES,
    *checkout.ROUTES,
    *payment_methods.ROUTES,
    *payment.ROUTES,
    *receipts.ROUTES,
    *operator.ROUTES,
    *operator_payments.ROUTES,
    *operator_suspense.ROUTES,
    *operator_approvals.ROUTES,
    *operator_statements.ROUTES,
    *operator_payouts.ROUTES,
    *operator_plugins.ROUTES,
    *operator_endpoints.ROUTES,
    *operator_audit.ROUTES,
)


def routes_of(settings: HttpSettings, metrics: Metrics) -> tuple[Route, ...]:
    """Every route of the surface."""

    def described() -> dict[str, Any]:
        return document(found, settings)

    found = (*SHOP_ROUTES, *service.routes(settings, metrics, described))
    return found


def create_app(shop: HttpShop, settings: HttpSettings, *, lifespan: Lifespan | None = None) -> Litestar:
    """The application. `lifespan` opens and closes what the shop stands on; requests under way end before it closes."""
    metrics = Metrics(settings.version)
    metrics.from_plugins(shop.cashier.plugins)
    for name, backlog in shop.queues.items():
        metrics.queue(name, backlog)
    work = Work(at_most=settings.in_flight)
    counter = Counter(
        shop=shop,
        settings=settings,
        doorman=Doorman(shop.identity, settings),
        limits=Limits(shop.throttle, shop.clock, settings),
        work=work,
    )

    @asynccontextmanager
    async def drained(_: Litestar) -> AsyncIterator[None]:
        yield
        await work.drain(settings.request_deadline_s)

    addresses: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for found in routes_of(settings, metrics):
        addresses[found.path][found.method] = Endpoint(found, counter)
    app = Litestar(
        route_handlers=[_handler(path, Address(path, found)) for path, found in addresses.items()],
        lifespan=[*([lifespan] if lifespan else []), drained],
        exception_handlers={HTTPException: _refused, Exception: _broken},
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Gate(app.asgi_handler, shop, settings, metrics)
    return app


def _handler(path: str, address: Address) -> ControllerRouterHandler:
    """Litestar finds the address; the address is the answer, as an ASGI application."""

    async def serve() -> ASGIApp:
        return address

    methods = [HttpMethod(method) for method in address.methods]
    at = path.replace("}", ":str}")
    return route(at, http_method=methods, name=path, include_in_schema=False, status_code=200)(serve)


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals: no such address, not this method, no such host."""
    instance = visit_of(request.scope).request_id
    speech = speech_for(request.scope["headers"])  # type: ignore[arg-type]
    if error.status_code == 404:
        return _response(problems.answer(NoSuchPage(""), instance, speech))
    if error.status_code == 405:
        allow = {method.strip() for method in (error.headers or {}).get("allow", "").split(",")} - {""}
        return _response(problems.answer(MethodRefused(""), instance, speech), allow=", ".join(sorted(allow)))
    if error.status_code < 500:
        return _response(problems.answer(Malformed(""), instance, speech))
    return _broken(request, error)


def _broken(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    visit = visit_of(request.scope)
    defects.note(error, visit)
    return _response(problems.internal(visit.request_id))


def _response(reply: Reply, **more: str) -> Response[bytes]:
    headers = {name.decode(): value.decode() for name, value in reply.headers if name != b"content-type"}
    return Response(
        reply.body, status_code=reply.status, media_type=problems.MEDIA.decode(), headers={**headers, **more}
    )
