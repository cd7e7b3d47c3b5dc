"""One POST, to the address that was judged, and nothing but its status taken back."""

import asyncio
import logging
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from kassa.ports.deliveries import Sent
from kassa.ports.errors import InvalidValue

from .addresses import AddressRefused, Target, is_allowed, public_address, target

_JUDGE_S: Final = 5.0
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.ProtocolError, "the answer is not HTTP"),
    (httpx.TransportError, "the connection broke"),
    (httpx.InvalidURL, "the URL cannot be called"),
)


class HttpxWebhookSender:
    """`WebhookSender` over httpx.

    Every message has a connection of its own, so that none goes over one whose certificate was another host's. The answer's
    body is never read; no redirect is followed, no cookie kept, no proxy or `.netrc` of the environment used.
    `allow_hosts` are hosts, with or without port, that may be private and plain http: for tests and demos.
    """

    def __init__(self, allow_hosts: tuple[str, ...] = ()) -> None:
        self._allow_hosts = tuple(host.lower() for host in allow_hosts)
        self._clients: dict[str, httpx.AsyncClient] = {}
        for name in ("httpx", "httpcore"):  # they log whole URLs, and a key may stand in one
            logging.getLogger(name).setLevel(logging.WARNING)

    async def judge(self, url: str) -> None:
        """See the port."""
        try:
            async with asyncio.timeout(_JUDGE_S):
                await self._place(target(url))
        except AddressRefused as refused:
            raise InvalidValue("url", str(refused)) from None
        except TimeoutError:
            raise InvalidValue("url", "names a host that the name server does not answer for") from None

    async def send(self, url: str, *, headers: tuple[tuple[str, str], ...], body: bytes, timeout_s: float) -> Sent:
        """See the port."""
        try:
            async with asyncio.timeout(timeout_s):
                return Sent(status=await self._post(target(url), headers, body, timeout_s))
        except AddressRefused as refused:
            return Sent(status=None, reason=f"not sent: the URL {refused}")
        except TimeoutError:
            return Sent(status=None, reason="no answer in time")
        except Exception as error:  # whatever the other side provokes is an attempt that failed
            words = (word for kind, word in _REASONS if isinstance(error, kind))
            return Sent(status=None, reason=next(words, type(error).__name__))

    async def close(self) -> None:
        """Close what was opened."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def _place(self, to: Target) -> str:
        """The host or address to connect to."""
        return to.host if is_allowed(to, self._allow_hosts) else await public_address(to)

    async def _post(self, to: Target, headers: tuple[tuple[str, str], ...], body: bytes, timeout_s: float) -> int:
        place = await self._place(to)
        ours = (
            ("Host", to.host_header),
            ("Content-Type", "application/json"),
            ("User-Agent", "Kassa-Webhooks"),
            ("Accept-Encoding", "identity"),
        )
        client = self._client(to.scheme)
        request = client.build_request(
            "POST",
            to.at(place),
            headers=[*ours, *headers],
            content=body,
            timeout=timeout_s,
            extensions={"sni_hostname": to.host},
        )
        reply = await client.send(request, stream=True)
        await reply.aclose()
        return reply.status_code

    def _client(self, scheme: str) -> httpx.AsyncClient:
        client = self._clients.get(scheme)
        if client is None:
            # The certificates are loaded (60 ms) only where one is shown.
            client = httpx.AsyncClient(
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                follow_redirects=False,
                trust_env=False,
                verify=scheme == "https",
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            )
            self._clients[scheme] = client
        return client
