"""Where a webhook may go: public addresses over TLS, and hosts that the settings allow by name."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kassa.ports.addresses import is_public

_PORTS: Final = {"https": 443, "http": 80}


class AddressRefused(Exception):
    """Why nothing is sent there, in a few words for the operator."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, once: what is judged is what is called."""

    scheme: str
    host: str
    port: int
    rest: str

    @property
    def authority(self) -> str:
        """`host:port`, in lower case, as the settings write it."""
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
    """Raises `AddressRefused` for what is not an absolute http(s) URL in plain ASCII, or has credentials or a fragment in it.
    Spaces, control characters and backslashes are refused: parsers disagree on them, and one of them would be fooled."""
    if "\\" in url or any(not 0x20 < ord(letter) < 0x7F for letter in url):
        raise AddressRefused("is not a URL in plain ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("is not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or "%" in parts.netloc or port == 0:
        raise AddressRefused("is not an absolute https URL")
    if "@" in parts.netloc or parts.fragment:
        raise AddressRefused("holds credentials or a fragment")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme], (parts.path or "/") + query)


def is_allowed(to: Target, allow_hosts: tuple[str, ...]) -> bool:
    """Whether the settings name this host, with or without its port."""
    return to.authority in allow_hosts or _shown(to.host) in allow_hosts or to.host in allow_hosts


async def public_address(to: Target) -> str:
    """One public address of the host, to connect to: resolved once, so that a second answer of the name server cannot lead
    elsewhere. Raises `AddressRefused` if the name is unknown or any of its addresses is not public."""
    if to.scheme != "https":
        raise AddressRefused("is not https")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("names a host that is not known") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(map(is_public, addresses)):
        raise AddressRefused("leads to an address that is not public")
    return addresses[0]
