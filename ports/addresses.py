"""Which network addresses the shop may call when somebody else names the host."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address that a translator of this network connects to."""


_SPECIAL: Final = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""Special-purpose blocks that some versions of Python take for global."""


def is_public(address: str) -> bool:
    """Whether an address, as a name server tells it, is one of the open Internet: no private, local, shared, reserved or
    multicast one (clouds keep their metadata on a link-local one), nor an IPv6 form of such an IPv4 address (mapped, 6to4,
    Teredo, NAT64). What is no address is not public. Source: IANA special-purpose address registries."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        return _is_open(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return _is_open(ip) and all(_is_open(inner) for inner in _within(ip))


def _is_open(ip: IPv4Address | IPv6Address) -> bool:
    if any(ip in network for network in _SPECIAL if network.version == ip.version):
        return False
    is_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or is_local)


def _within(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return []
    return [inner for inner in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if inner is not None]
