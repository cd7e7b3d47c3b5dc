"""One request as the surface knows it: who it is from, how it is called in logs, what is to be told with its answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias

from kassa.ports.ids import AccountId, Ids

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
HeaderList: TypeAlias = list[tuple[bytes, bytes]]
KEY: Final = "kassa.visit"
"""Where the visit is found in the ASGI scope."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Visit:
    """A request under way. `address` is the client's network address, if it has one; `route` its template, never the path,
    which may hold a token. `headers` go out with the answer, whatever it is."""

    request_id: str
    trace: str | None
    address: str | None
    route: str = "unmatched"
    account_id: AccountId | None = None
    headers: HeaderList = field(default_factory=list)


def begin(scope: Any, ids: Ids, trusted: tuple[IPv4Network | IPv6Network, ...]) -> Visit:
    """The visit of an ASGI HTTP scope, also left in the scope under `KEY`."""
    headers: HeaderList = scope["headers"]
    given = single(headers, b"x-request-id")
    trace = single(headers, b"traceparent")
    visit = Visit(
        request_id=given if given and _REQUEST_ID.fullmatch(given) else ids.short_token(),
        trace=trace if trace and _TRACEPARENT.fullmatch(trace) else None,
        address=_client(scope.get("client"), headers, trusted),
    )
    scope[KEY] = visit
    return visit


def visit_of(scope: Any) -> Visit:
    """The visit that `begin` left in the scope."""
    visit: Visit = scope[KEY]
    return visit


def single(headers: Headers, name: bytes) -> str | None:
    """The header's value; None if it is missing *or repeated*."""
    found = every(headers, name)
    return found[0] if len(found) == 1 else None


def every(headers: Headers, name: bytes) -> list[str]:
    """All values of a header, in order."""
    return [value.decode("latin-1") for key, value in headers if key == name]


def _client(
    peer: tuple[str, int] | None, headers: HeaderList, trusted: tuple[IPv4Network | IPv6Network, ...]
) -> str | None:
    """The peer; behind trusted proxies, the last address in X-Forwarded-For that is not one of theirs."""
    if peer and not trusted and ":" not in peer[0]:
        return peer[0]
    address = _parse(peer[0]) if peer else None
    if address is None:
        return None
    if trusted:
        hops = [hop for line in every(headers, b"x-forwarded-for") for hop in line.split(",")]
        while hops and any(address in network for network in trusted):
            further = _parse(hops.pop().strip())
            if further is None:
                break
            address = further
    return str(address)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
