"""The only way to a provider: deadlines, no redirects, no private addresses, and two honest kinds of failure."""

import asyncio
import importlib
import logging
import re
from collections.abc import Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from kassa.ports.payment import HttpReply, NotSent, ReplyLost

from .addresses import Target, is_allowed, public_address, target
from .replies import MAX_REPLY_BYTES, body_of

__all__ = ["MAX_REPLY_BYTES", "HttpxHttp"]
_MOST_HOSTS: Final = 16
_CONNECT_S, _DEFAULT_S = 3.0, 10.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_METHOD = re.compile(r"[A-Z]{1,20}\Z")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}\Z")
"""A header's name (RFC 9110 §5.6.2)."""
_VALUE = re.compile(r"[\t\x20-\x7e]{0,8000}\Z")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "accept-encoding"})
"""Headers that frame or route a message: what a plugin says of them is not sent."""


for _name in ("httpcore", "anyio.to_thread", "anyio.streams.tls", "anyio._backends._asyncio", "certifi"):
    importlib.import_module(_name)  # httpx imports them with its first request, which would be at some plugin's expense


class HttpxHttp:
    """`kassa.ports.payment.Http` over httpx, one connection pool a host, opened when first used.

    No redirect is followed, no cookie kept, no proxy or `.netrc` of the environment used, and nothing is sent twice.
    """

    def __init__(self, allow_hosts: tuple[str, ...]) -> None:
        self._allow_hosts = tuple(host.lower() for host in allow_hosts)
        self._clients: dict[str, httpx.AsyncClient] = {}
        for name in ("httpx", "httpcore"):  # they log whole URLs, and keys stand in some of them
            logging.getLogger(name).setLevel(logging.WARNING)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> HttpReply:
        """Any answer with a status line, whole within `timeout_s`. Raises `NotSent` while nothing has left, `ReplyLost`
        after that."""
        to = target(url)
        seconds = _DEFAULT_S if timeout_s is None else timeout_s
        connect_s = min(seconds, _CONNECT_S)
        given = _checked(method, headers)
        extensions: dict[str, str] = {}
        at = to.at(to.host)
        if not is_allowed(to, self._allow_hosts):
            at = to.at(await public_address(to, connect_s))
            extensions["sni_hostname"] = to.host
        client = self._client(to)
        try:
            request = client.build_request(
                method,
                at,
                headers=[*given, ("Host", to.host_header), ("Accept-Encoding", "identity")],
                content=body,
                timeout=httpx.Timeout(seconds, connect=connect_s),
                extensions={**extensions},
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise NotSent(type(error).__name__) from None
        try:
            async with asyncio.timeout(seconds):
                return await self._send(client, request)
        except TimeoutError:
            raise ReplyLost("no whole answer in time") from None

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> HttpReply:
        try:
            reply = await client.send(request, stream=True)
        except _NEVER_SENT as error:
            raise NotSent(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise ReplyLost(type(error).__name__) from None
        try:
            body = await body_of(reply)
        except httpx.HTTPError as error:
            raise ReplyLost(type(error).__name__) from None
        finally:
            await reply.aclose()
        return HttpReply(status=reply.status_code, headers=tuple(reply.headers.multi_items()), body=body)

    def _client(self, to: Target) -> httpx.AsyncClient:
        key = f"{to.scheme}://{to.authority}"
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= _MOST_HOSTS:
                raise NotSent("too many hosts for one payment method")
            limits = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=20)
            # The certificates are loaded (60 ms) for a host that shows one, not for a plain one on loopback.
            verify = to.scheme == "https"
            cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
            client = httpx.AsyncClient(
                limits=limits, follow_redirects=False, trust_env=False, verify=verify, cookies=cookies
            )
            self._clients[key] = client
        return client

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()


def _checked(method: str, headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The plugin's headers without those that are ours. Raises `NotSent` for what would end a line and begin another."""
    if not _METHOD.match(method):
        raise NotSent("not a method")
    for name, value in headers:
        if not _NAME.match(name) or not _VALUE.match(value):
            raise NotSent("not a header")
    return [(name, value) for name, value in headers if name.lower() not in _OURS]
