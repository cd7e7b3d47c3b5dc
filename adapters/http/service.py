"""What operators' machines and curious people ask: health, metrics, the document, the pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kassa.ports.values import Value

from . import pages
from .metrics import Metrics
from .refusals import NoSuchPage
from .route import Answers, Budget, Call, NoQuery, Reply, Route, as_json
from .settings import HttpSettings
from .texts import speech_for

_KEEP = (b"cache-control", b"public, max-age=300")


class Health(Value, frozen=True, kw_only=True):
    """Whether the shop can do its work; `problems` names what cannot, with the reason."""

    status: str
    problems: dict[str, str] = msgspec.field(default_factory=dict)


def routes(settings: HttpSettings, metrics: Metrics, document: Callable[[], dict[str, Any]]) -> tuple[Route, ...]:
    """The service routes. `document` is asked once, when it is first wanted: it describes these routes too."""
    made: dict[str, Reply] = {}

    def once(name: str, make: Callable[[], Reply]) -> Reply:
        if name not in made:
            made[name] = make()
        return made[name]

    async def openapi(call: Call[None, NoQuery]) -> Reply:
        return once("openapi", lambda: _document(document()))

    async def docs(call: Call[None, NoQuery]) -> Reply:
        return once("docs", lambda: _page(pages.docs(document())))

    async def landing(call: Call[None, NoQuery]) -> Reply:
        return once("landing", lambda: _page(pages.landing(settings)))

    async def problems_page(call: Call[None, NoQuery]) -> Reply:
        return once("problems", lambda: _page(pages.problems()))

    async def scrape(call: Call[None, NoQuery]) -> Reply:
        return await metrics.page()

    def service(
        path: str, name: str, summary: str, handler: Callable[[Call[None, NoQuery]], Awaitable[Reply]], media: str
    ) -> Route:
        return Route(
            method="GET",
            path=path,
            name=name,
            tag="Service",
            summary=summary,
            handler=handler,
            budget=Budget.NONE,
            answers=(Answers(status=200, says=summary + ".", media=media),),
        )

    found = [
        service("/metrics", "getMetrics", "Metrics for Prometheus", scrape, "text/plain"),
        service("/problems", "listProblems", "All problems by code", problems_page, "text/html"),
        service("/openapi.json", "getDocument", "This document", openapi, "application/json"),
        service("/", "getLanding", "Where to begin", landing, "text/html"),
    ]
    if settings.docs:
        found.append(service("/docs", "getDocs", "This document for people", docs, "text/html"))
    return (*ROUTES, *found)


async def live(call: Call[None, NoQuery]) -> Reply:
    """The process answers."""
    return as_json(Health(status="ok"))


async def ready(call: Call[None, NoQuery]) -> Reply:
    """Every part the shop cannot work without answers, and every method that is not optional is loaded."""
    problems = await call.shop.ready()
    if problems:
        return as_json(Health(status="not_ready", problems=problems), 503)
    return as_json(Health(status="ok"))


async def problem(call: Call[None, NoQuery]) -> Reply:
    """The page that a problem's `type` points to."""
    page = pages.problem(call.path["code"])
    if page is None:
        raise NoSuchPage("no such code")
    return _page(page)


async def returned(call: Call[None, NoQuery]) -> Reply:
    """Where a customer ends up who named no page of their own."""
    speech = speech_for(call.headers)
    reply = _page(pages.returned(speech.words.page, speech.words.language))
    reply.headers.extend(speech.headers())
    return reply


def _page(page: str) -> Reply:
    return Reply(
        200,
        page.encode("utf-8"),
        [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", pages.CSP), _KEEP],
    )


def _document(document: dict[str, Any]) -> Reply:
    return Reply(200, msgspec.json.encode(document), [(b"content-type", b"application/json"), _KEEP])


ROUTES = (
    Route(
        method="GET",
        path="/health/live",
        name="getLiveness",
        tag="Service",
        summary="Whether the process answers",
        handler=live,
        budget=Budget.NONE,
        answers=(Answers(status=200, says="It does.", type_=Health),),
    ),
    Route(
        method="GET",
        path="/health/ready",
        name="getReadiness",
        tag="Service",
        summary="Whether the shop can do its work",
        handler=ready,
        budget=Budget.NONE,
        answers=(
            Answers(status=200, says="It can.", type_=Health),
            Answers(status=503, says="Not now; `problems` tells why.", type_=Health),
        ),
    ),
    Route(
        method="GET",
        path="/problems/{code}",
        name="getProblem",
        tag="Service",
        summary="What a problem means",
        handler=problem,
        budget=Budget.NONE,
        answers=(Answers(status=200, says="A page for people.", media="text/html"),),
    ),
    Route(
        method="GET",
        path="/returned",
        name="getReturned",
        tag="Service",
        summary="Where customers end up who named no page of their own",
        handler=returned,
        budget=Budget.NONE,
        answers=(Answers(status=200, says="A page for people.", media="text/html", headers=("Content-Language",)),),
    ),
)
