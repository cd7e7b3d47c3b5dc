"""One route on the wire: from the ASGI scope to an answer, whatever happens."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from litestar.types import Receive, Scope, Send

from kassa.ports.errors import CartChanged, Conflict, Forbidden, KassaError, Unavailable
from kassa.ports.identity import Role

from . import defects, idempotency, parameters, problems, reading
from .authentication import Doorman
from .limits import Limits
from .refusals import Stale
from .route import Access, Call, Reply, Route, Session
from .settings import HttpSettings, HttpShop
from .texts import speech_for
from .visit import HeaderList, Visit, every, visit_of
from .work import Work


@dataclass(frozen=True, slots=True)
class Counter:
    """What every endpoint of one app shares."""

    shop: HttpShop
    settings: HttpSettings
    doorman: Doorman
    limits: Limits
    work: Work


class Endpoint:
    """An ASGI application that serves one route."""

    def __init__(self, route: Route, counter: Counter) -> None:
        self._route = route
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request within the deadline. Every failure is a problem."""
        visit = visit_of(scope)
        visit.route = self._route.path
        headers: HeaderList = scope["headers"]  # type: ignore[assignment]
        reply = await self._answer(visit, headers, scope, receive)
        await write(reply, send)

    async def _answer(self, visit: Visit, headers: HeaderList, scope: Scope, receive: Receive) -> Reply:
        counter = self._counter
        try:
            job = self._serve(visit, headers, scope, receive)
            return await counter.work.within(counter.settings.request_deadline_s, job)
        except CartChanged as error:
            return await self._cart_changed(error, visit, headers)
        except Conflict as error:
            stale = self._route.if_match and bool(every(headers, b"if-match"))
            return problems.answer(Stale(str(error)) if stale else error, visit.request_id, speech_for(headers))
        except KassaError as error:
            self._tell(error, visit)
            return problems.answer(error, visit.request_id, speech_for(headers))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            defects.note(error, visit)
            return problems.internal(visit.request_id)

    async def _serve(self, visit: Visit, headers: HeaderList, scope: Scope, receive: Receive) -> Reply:
        route, counter = self._route, self._counter
        await counter.limits.spend(route.budget, visit)
        session = await self._session(visit, headers)
        key = idempotency.key_of(headers, route.key)
        path = {name: parameters.word(text) for name, text in scope["path_params"].items()}
        query = parameters.query(scope["query_string"], route.query)
        body = await self._body(headers, receive)
        call: Call[Any, Any] = Call(
            shop=counter.shop,
            settings=counter.settings,
            doorman=counter.doorman,
            visit=visit,
            headers=headers,
            path=path,
            body=body,
            query=query,
            session=session,
            claim=None,
        )
        if key is not None and session is not None:
            account_id = session.principal.account_id
            call.claim = counter.shop.claims.claim(
                idempotency.scope(route, account_id, key), idempotency.canonical(path, body)
            )
        return await route.handler(call)

    async def _session(self, visit: Visit, headers: HeaderList) -> Session | None:
        route = self._route
        if route.access is Access.ANYONE:
            return None
        session = await self._counter.doorman.session(headers, route.method)
        visit.account_id = session.principal.account_id
        if route.access is Access.OPERATOR and session.principal.role is not Role.OPERATOR:
            raise Forbidden("not an operator")
        return session

    async def _body(self, headers: HeaderList, receive: Receive) -> Any:
        settings = self._counter.settings
        if self._route.raw_body:
            reading.check_type(headers, self._route.raw_types)
            limit = settings.webhook_bytes if self._route.raw_bytes is None else self._route.raw_bytes
            return await reading.whole_body(receive, headers, limit=limit, within_s=settings.body_deadline_s)
        return await reading.json_body(
            receive, headers, self._route, limit=settings.body_bytes, within_s=settings.body_deadline_s
        )

    async def _cart_changed(self, error: CartChanged, visit: Visit, headers: HeaderList) -> Reply:
        """The current cart goes with the answer, so that a client can rebase in one round trip."""
        if_match = self._route.if_match and bool(every(headers, b"if-match"))
        try:
            cart = await self._counter.shop.shopping.price(error.cart)
        except KassaError as other:
            self._tell(other, visit)
            return problems.answer(other, visit.request_id, speech_for(headers))
        answer = problems.answer(error, visit.request_id, speech_for(headers), if_match=if_match, cart=cart)
        answer.headers.append((b"etag", b'"%d"' % cart.version))
        return answer

    def _tell(self, error: KassaError, visit: Visit) -> None:
        """What an operator should know of beyond the access log."""
        if problems.row_of(type(error)) is problems.HIDDEN:
            defects.note(error, visit)
        elif isinstance(error, Unavailable):
            structlog.get_logger("kassa.http").warning(
                "unavailable", code=error.code, what=error.what, route=visit.route, request_id=visit.request_id
            )


class Address:
    """An ASGI application for everything at one address: an endpoint per method, and OPTIONS."""

    def __init__(self, path: str, endpoints: dict[str, Endpoint]) -> None:
        self._path = path
        self._endpoints = endpoints
        self.methods = sorted({*endpoints, "OPTIONS"})

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Litestar lets no other method through."""
        if scope["method"] == "OPTIONS":
            visit_of(scope).route = self._path
            await write(Reply(204, b"", [(b"allow", ", ".join(self.methods).encode())]), send)
        else:
            await self._endpoints[scope["method"]](scope, receive, send)


async def write(reply: Reply, send: Send) -> None:
    """Put an answer on the wire."""
    headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))] if reply.status != 204 else reply.headers
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})
