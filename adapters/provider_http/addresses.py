"""Where a plugin may call: public addresses over TLS, and what its configuration allows by name."""

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from kassa.ports.addresses import is_public
from kassa.ports.payment import NotSent

_PORTS = {"https": 443, "http": 80}
_LONGEST_URL = 8000


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, once: what is judged is what is called. `authority` is `host:port`, in lower case."""

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def authority(self) -> str:
        """As it is written in `allow_hosts` and in a Host header."""
        return f"{_shown(self.host)}:{self.port}"

    def at(self, host: str) -> str:
        """The URL with another host, or its own."""
        return f"{self.scheme}://{_shown(host)}:{self.port}{self.rest}"

    @property
    def host_header(self) -> str:
        """Without the port where it is the scheme's own."""
        return _shown(self.host) if self.port == _PORTS[self.scheme] else self.authority


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def target(url: str) -> Target:
    """Raises `NotSent` for what is not an absolute http(s) URL in plain ASCII, or has credentials in it. Spaces, control
    characters and backslashes are refused: parsers disagree on them, and one of them would be fooled."""
    if len(url) > _LONGEST_URL or "\\" in url or any(not 0x20 < ord(letter) < 0x7F for letter in url):
        raise NotSent("not a URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotSent("not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or "%" in parts.netloc:
        raise NotSent("not an absolute http(s) URL without credentials")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme], (parts.path or "/") + query)


def is_allowed(to: Target, allow_hosts: tuple[str, ...]) -> bool:
    """Whether the configuration names this host, with or without its port."""
    return to.authority in allow_hosts or _shown(to.host) in allow_hosts or to.host in allow_hosts


async def public_address(to: Target, within_s: float) -> str:
    """One public address of the host, resolved once and used for the connection, so that a second answer of the name
    server cannot lead elsewhere. Raises `NotSent` if the name is unknown or any of its addresses is not public."""
    if to.scheme != "https":
        raise NotSent(f"{to.authority}: only https, unless allow_hosts names it")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within_s):
            found = await loop.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise NotSent(f"{to.authority}: the name server does not answer") from None
    except (OSError, UnicodeError):
        raise NotSent(f"{to.authority}: no such host") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotSent(f"{to.authority}: not a public address, and allow_hosts does not name it")
    return addresses[0]
