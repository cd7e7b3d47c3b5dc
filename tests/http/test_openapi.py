"""The document and the routes are one."""

import re
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct, field

from kassa.adapters.http.app import SHOP_ROUTES, routes_of
from kassa.adapters.http.metrics import Metrics
from kassa.adapters.http.openapi import document
from kassa.adapters.http.route import Access
from tests.http.served import Served, settings

HTTP_METHODS = {"get", "put", "post", "delete", "patch"}


class Strict(Struct, forbid_unknown_fields=True, rename="camel"):
    """OpenAPI 3.1.0, as far as we use it."""


class Parameter(Strict):
    name: str
    in_: str = field(name="in")
    required: bool
    schema: dict[str, Any]
    description: str = ""


class Reference(Strict):
    ref: str = field(name="$ref")


class Media(Strict):
    schema: dict[str, Any] | None = None
    example: Any = None


class Response(Strict):
    description: str
    headers: dict[str, Reference] = {}
    content: dict[str, Media] = {}


class Body(Strict):
    required: bool
    content: dict[str, Media]


class Operation(Strict):
    operation_id: str
    tags: list[str]
    summary: str
    parameters: list[Any]
    responses: dict[str, Response]
    security: list[dict[str, list[str]]]
    description: str = ""
    request_body: Body | None = None


class Components(Strict):
    schemas: dict[str, dict[str, Any]]
    headers: dict[str, dict[str, Any]]
    parameters: dict[str, Parameter]
    security_schemes: dict[str, dict[str, str]]


class License(Strict):
    name: str
    identifier: str


class Info(Strict):
    title: str
    version: str
    description: str
    license: License


class Document(Strict):
    openapi: str
    info: Info
    servers: list[dict[str, str]]
    tags: list[dict[str, str]]
    paths: dict[str, dict[str, Operation]]
    components: Components


@pytest.fixture
def described() -> dict[str, Any]:
    chosen = settings()
    return document(routes_of(chosen, Metrics("test")), chosen)


@pytest.fixture
def read(described: dict[str, Any]) -> Document:
    return msgspec.convert(described, Document)


def operations(read: Document) -> list[tuple[str, str, Operation]]:
    return [(path, method, found) for path, methods in read.paths.items() for method, found in methods.items()]


async def test_the_document_is_served(shop: Served, client: httpx.AsyncClient, described: dict[str, Any]) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == described


def test_the_document_is_well_formed(read: Document) -> None:
    assert read.openapi == "3.1.0"
    for path, method, operation in operations(read):
        assert method in HTTP_METHODS
        assert operation.summary
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation.operation_id)
        assert operation.responses, path
        assert all(re.fullmatch(r"[1-5]\d\d", status) for status in operation.responses)
    ids = [operation.operation_id for _, _, operation in operations(read)]
    assert len(ids) == len(set(ids))


def test_every_route_is_described_and_every_description_is_a_route(shop: Served, read: Document) -> None:
    described = {(method.upper(), path) for path, method, _ in operations(read)}
    served = {
        (method, re.sub(r"\{(\w+):str\}", r"{\1}", route.path))
        for route in shop.app.routes
        for method in route.methods  # type: ignore[attr-defined]
        if method != "OPTIONS"
    }
    assert served == described


def test_path_parameters_are_those_in_the_path(read: Document) -> None:
    for path, _, operation in operations(read):
        named = {p["name"] for p in operation.parameters if p.get("in") == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path))
        assert all(msgspec.convert(p, Parameter) for p in operation.parameters if "$ref" not in p)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = references(described)
    assert len(found) > 100
    for reference in found:
        place: Any = described
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_failures_are_problems_with_their_codes(read: Document) -> None:
    for path, method, operation in operations(read):
        for status, response in operation.responses.items():
            if int(status) < 400 or path == "/health/ready":
                continue
            schema = response.content["application/problem+json"].schema
            assert schema is not None
            assert schema["allOf"][0] == {"$ref": "#/components/schemas/Problem"}
            assert schema["allOf"][1]["properties"]["code"]["enum"], (method, path, status)
        assert "500" in operation.responses


def test_bodies_have_schemas_and_examples_that_fit(described: dict[str, Any]) -> None:
    chosen = settings()
    for route in routes_of(chosen, Metrics("test")):
        content = described["paths"][route.path][route.method.lower()].get("requestBody", {}).get("content", {})
        if route.body is None:
            assert "application/json" not in content
            continue
        name = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        assert described["components"]["schemas"][name]["additionalProperties"] is False
        msgspec.convert(content["application/json"]["example"], route.body, dec_hook=lambda type_, text: type_(text))


def test_unions_are_told_apart_by_a_discriminator(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    action = schemas["PaymentView"]["properties"]["next_action"]
    action = action if "discriminator" in action else next(of for of in action["anyOf"] if "discriminator" in of)
    assert action["discriminator"]["propertyName"] == "type"
    assert set(action["discriminator"]["mapping"]) == {
        "redirect", "show_account", "show_qr", "client_sdk", "approve_in_app", "collect", "wait",
    }  # fmt: skip


def test_patterns_are_portable(described: dict[str, Any]) -> None:
    assert "\\\\Z" not in msgspec.json.encode(described).decode()


def test_secrets_are_marked(described: dict[str, Any]) -> None:
    password = described["components"]["schemas"]["LoginRequest"]["properties"]["password"]
    assert password["format"] == "password"
    assert password["writeOnly"] is True


def test_who_needs_a_key_says_so(read: Document) -> None:
    asked = {
        operation.operation_id
        for _, _, operation in operations(read)
        if {"$ref": "#/components/parameters/IdempotencyKey"} in operation.parameters
    }
    assert asked == {"placeOrder", "startPayment", "refundPayment", "capturePayment"}


def test_who_needs_a_session_says_so(read: Document) -> None:
    open_paths = {path for path, _, operation in operations(read) if not operation.security}
    assert all(
        path in {"/v1/accounts", "/v1/sessions", "/v1/texts"}
        or path.startswith(("/v1/products", "/v1/returns/", "/webhooks/", "/health/", "/problems"))
        or path in {"/metrics", "/openapi.json", "/docs", "/", "/returned"}
        for path in open_paths
    )


def test_every_operator_address_is_guarded() -> None:
    named = [route for route in SHOP_ROUTES if "/operator/" in route.path]
    assert len(named) >= 12
    assert {route.access for route in named} == {Access.OPERATOR}
