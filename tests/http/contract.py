"""Compares every answer with what the routes (and so the OpenAPI document) promise."""

import re

import httpx
import msgspec

from kassa.adapters.http.app import routes_of
from kassa.adapters.http.metrics import Metrics
from kassa.adapters.http.openapi import errors_of
from kassa.adapters.http.problems import CART_STALE, Problem, row_of
from kassa.adapters.http.route import Route
from kassa.adapters.http.settings import HttpSettings
from kassa.ports.errors import CartChanged


class StrictProblem(Problem, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A problem with nothing more in it."""


class Contract:
    """What may come back from where."""

    def __init__(self, settings: HttpSettings) -> None:
        routes = routes_of(settings, Metrics(settings.version))
        self._routes = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path)), route) for route in routes]

    async def check(self, response: httpx.Response) -> None:
        """Raises AssertionError for an answer that nothing promises."""
        await response.aread()
        request = response.request
        where = f"{request.method} {request.url.path}: {response.status_code} {response.text[:300]}"
        assert response.headers["x-request-id"], where
        assert response.headers["x-content-type-options"] == "nosniff", where
        assert "default-src 'none'" in response.headers["content-security-policy"], where
        route = self._route("GET" if request.method == "HEAD" else request.method, request.url.path)
        if response.status_code >= 400 and response.headers.get("content-type") != "application/json":
            self._check_problem(route, response, where)
        elif route is not None and response.status_code != 204 and request.method != "HEAD":
            self._check_success(route, response, where)

    def _route(self, method: str, path: str) -> Route | None:
        found = [route for pattern, route in self._routes if route.method == method and pattern.fullmatch(path)]
        return min(found, key=lambda route: route.path.count("{")) if found else None

    def _check_problem(self, route: Route | None, response: httpx.Response, where: str) -> None:
        assert response.headers["content-type"] == "application/problem+json", where
        if response.request.method == "HEAD":
            return
        problem = msgspec.json.decode(response.content, type=StrictProblem)
        assert problem.status == response.status_code, where
        assert problem.instance == response.headers["x-request-id"], where
        assert problem.type == f"/problems/{problem.code}", where
        if isinstance(problem.retry_after, int):
            assert response.headers["retry-after"] == str(problem.retry_after), where
        if problem.status == 401:
            assert response.headers["www-authenticate"], where
        if route is not None and problem.status != 500:
            promised = {(row_of(error).status, error.code) for error in errors_of(route)}
            if route.if_match and CartChanged in route.errors:
                promised.add((CART_STALE.status, CartChanged.code))
            assert (problem.status, problem.code) in promised, f"not documented: {where}"

    def _check_success(self, route: Route, response: httpx.Response, where: str) -> None:
        promised = {answer.status: answer for answer in route.answers}
        assert response.status_code in promised, f"not documented: {where}"
        answer = promised[response.status_code]
        if answer.type_ is not None:
            assert response.headers["content-type"] == "application/json", where
            msgspec.json.decode(response.content, type=answer.type_, strict=True)
        for name in answer.headers:
            assert name in response.headers, where
