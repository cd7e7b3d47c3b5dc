"""The OpenAPI 3.1 document, made from the very routes that are served."""

import re
from collections import defaultdict
from typing import Any, Final

import msgspec

from kassa.ports import errors
from kassa.ports.errors import KassaError
from kassa.ports.secret import Secret

from . import problems, refusals
from .problems import Problem
from .route import Access, Answers, Budget, KeyRule, Route
from .settings import HttpSettings

_REF: Final = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_ID: Final = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
_WORD: Final = {"type": "string", "pattern": "^[!-~]{1,200}$"}
_INVOICE: Final = {"type": "string", "maxLength": 40, "examples": ["KS-7F3Q-9MZD-X"]}
_PATH: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "product_id": (_ID, "A product's id."),
    "account_id": (_ID, "An account's id."),
    "payment_id": (_ID, "A payment's id."),
    "notice_id": (_ID, "A provider's notice's id."),
    "statement_id": (_ID, "An imported bank statement's id."),
    "line_id": (_ID, "The id of a line of an imported bank statement."),
    "invoice_id": (_INVOICE, "An order's invoice id."),
    "endpoint_id": (_WORD, "A webhook endpoint's id."),
    "delivery_id": (_ID, "A webhook delivery's id."),
    "token": (_WORD, "The one-time token that the provider was given."),
    "instance": (_WORD, "A configured payment method."),
    "slug": (_WORD, "The method's webhook address."),
    "code": (_WORD, "A problem's code."),
}
_SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"cookie": []}]
_ABOUT: Final = (
    "Log in, fill a cart, check out, pay. JSON is decoded strictly: unknown fields, wrong types and duplicate keys are"
    " refused. Money is an integer of minor units and a currency. Failures are `application/problem+json` (RFC 9457),"
    " each with a permanent `code`."
)


def document(routes: tuple[Route, ...], settings: HttpSettings) -> dict[str, Any]:
    """The whole document as JSON values."""
    types = _types(routes)
    schemas, components = msgspec.json.schema_components(types, schema_hook=_schema_hook, ref_template=_REF)
    known = {str(type_): schema for type_, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route, known)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Kassa",
            "version": settings.version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.public_url}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in routes)],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "headers": _HEADERS,
            "parameters": _PARAMETERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The token from logging in."},
                "cookie": {"type": "apiKey", "in": "cookie", "name": settings.cookie},
            },
        },
    }
    portable: dict[str, Any] = _portable(found)
    return portable


def _types(routes: tuple[Route, ...]) -> list[Any]:
    found: dict[str, Any] = {str(Problem): Problem}
    for route in routes:
        for type_ in (route.body, *(answer.type_ for answer in route.answers)):
            if type_ is not None:
                found[str(type_)] = type_
    return list(found.values())


def _schema_hook(type_: type) -> dict[str, Any]:
    if type_ is Secret:
        return {"type": "string", "format": "password", "minLength": 1, "maxLength": 1024, "writeOnly": True}
    raise NotImplementedError


def _operation(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": {**_successes(route, known), **_failures(route)},
        "security": [] if route.access is Access.ANYONE else _SECURITY,
    }
    if route.explain:
        operation["description"] = route.explain
    if route.body is not None:
        content = {"schema": known[str(route.body)], "example": route.example}
        operation["requestBody"] = {"required": not route.body_optional, "content": {"application/json": content}}
    elif route.raw_body:
        operation["requestBody"] = {"required": True, "content": {kind: {} for kind in route.raw_types or ("*/*",)}}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH[name][0], "description": _PATH[name][1]}
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([route.query], ref_template="{name}")
    schema = components[route.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _inline(of, components)}
        for name, of in schema["properties"].items()
    ]


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    """A parameter's schema without references: there is nothing deep in a query."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inline(components[schema["$ref"]], components)
        return {key: _inline(value, components) for key, value in schema.items()}
    return [_inline(item, components) for item in schema] if isinstance(schema, list) else schema


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    names = ["RequestId", "Traceparent"]
    if route.key is KeyRule.REQUIRED:
        names.append("IdempotencyKey")
    if route.if_match:
        names.append("IfMatch")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _successes(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    return {str(answer.status): _success(route, answer, known) for answer in route.answers}


def _success(route: Route, answer: Answers, known: dict[str, Any]) -> dict[str, Any]:
    names = ["X-Request-Id", *answer.headers]
    if route.key is KeyRule.REQUIRED:
        names.append("Idempotent-Replayed")
    if route.budget is not Budget.NONE:
        names += ["RateLimit", "RateLimit-Policy"]
    response: dict[str, Any] = {"description": answer.says, "headers": _headers(names)}
    if answer.type_ is not None:
        response["content"] = {answer.media: {"schema": known[str(answer.type_)]}}
    elif answer.media != "application/json" or route.path == "/openapi.json":
        response["content"] = {answer.media: {}}
    return response


def errors_of(route: Route) -> tuple[type[KassaError], ...]:
    """Everything a route may be refused with: its own errors and those of the wire's checks."""
    found: list[type[KassaError]] = [refusals.Malformed, errors.Unavailable, errors.Busy, refusals.DeadlineOver]
    if route.path.count("{"):
        found.append(refusals.NoSuchPage)
    if route.budget is not Budget.NONE:
        found.append(errors.TooManyAttempts)
    if route.body is not None or route.raw_body or route.method != "GET":
        found += [refusals.BodyTooLarge, refusals.BodyTooSlow]
    if route.body is not None or route.raw_types:
        found.append(refusals.UnsupportedContent)
    if route.free_text:
        found.append(refusals.CardNumberRefused)
    if route.access is not Access.ANYONE or route.name == "logIn":
        found += [refusals.TwoCredentials, errors.NotAuthenticated]
        if route.method != "GET":
            found.append(refusals.OriginRefused)
    if route.access is Access.OPERATOR:
        found.append(errors.Forbidden)
    if route.key is KeyRule.REQUIRED:
        found += [refusals.KeyRequired, refusals.KeyMalformed, errors.KeyReused, errors.KeyInUse]
    if route.key is KeyRule.REFUSED:
        found.append(refusals.KeyNotWelcome)
    return tuple(dict.fromkeys([*found, *route.errors]))


def _failures(route: Route) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for error in errors_of(route):
        by_status[problems.row_of(error).status].append(error.code)
        if error is errors.CartChanged and route.if_match:
            by_status[problems.CART_STALE.status].append(error.code)
    by_status[500].append("internal")
    taken = {answer.status for answer in route.answers}
    return {str(status): _failure(status, codes) for status, codes in sorted(by_status.items()) if status not in taken}


def _failure(status: int, codes: list[str]) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status in (409, 429, 503):
        names.append("Retry-After")
    if status == 401:
        names.append("WWW-Authenticate")
    schema = {"allOf": [{"$ref": _REF.format(name="Problem")}, {"properties": {"code": {"enum": codes}}}]}
    return {
        "description": " or ".join(f"`{code}`" for code in codes),
        "headers": _headers(names),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _portable(value: Any) -> Any:
    r"""Python's `\Z` is `$` in the regular expressions of JSON Schema (ECMA-262)."""
    if isinstance(value, dict):
        return {
            key: item.replace(r"\Z", "$") if key == "pattern" and isinstance(item, str) else _portable(item)
            for key, item in value.items()
        }
    return [_portable(item) for item in value] if isinstance(value, list | tuple) else value


def _header(description: str, of: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": of}}


def _parameter(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_HEADERS: Final = {
    "X-Request-Id": _header("The request's id, in the logs and in every problem."),
    "ETag": _header("The version, for If-Match."),
    "Content-Language": _header("The language of what people read in it."),
    "Location": _header("Where to go."),
    "Idempotent-Replayed": _header("`true` when this answer was given before."),
    "RateLimit": _header("What is left of the limit (draft-ietf-httpapi-ratelimit-headers-10)."),
    "RateLimit-Policy": _header("The limit per network address."),
    "Retry-After": _header("Seconds until it is worth trying again.", "integer"),
    "WWW-Authenticate": _header("How to log in."),
}
_PARAMETERS: Final = {
    "RequestId": _parameter("X-Request-Id", "A name for this request.", pattern="^[A-Za-z0-9._-]{1,64}$"),
    "Traceparent": _parameter("Traceparent", "W3C Trace Context."),
    "IdempotencyKey": _parameter(
        "Idempotency-Key",
        "A fresh random key for each new wish, the same one to repeat it: then nothing is done twice.",
        required=True,
        minLength=1,
        maxLength=255,
    ),
    "IfMatch": _parameter("If-Match", "The ETag that the change was decided on; 412 when it is no longer current."),
}
