"""What comes back from a provider: read to a bound, unpacked to the same bound, or given up."""

import zlib
from typing import Final

import httpx

from kassa.ports.payment import ReplyLost

MAX_REPLY_BYTES: Final = 1024 * 1024
_WINDOW: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""zlib's `wbits` (zlib manual, inflateInit2): gzip alone; zlib or gzip."""


async def body_of(reply: httpx.Response) -> bytes:
    """The whole body, unpacked. Nothing packed is asked for; a provider that packs anyway is unpacked no further than the
    bound, so that a small answer cannot grow into the machine's memory. Raises `ReplyLost`."""
    received = bytearray()
    async for part in reply.aiter_raw():
        received += part
        if len(received) > MAX_REPLY_BYTES:
            raise ReplyLost("more than 1 MiB")
    packing = reply.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity") or not received:
        return bytes(received)
    if packing not in _WINDOW:
        raise ReplyLost("packed in a way that was not asked for")
    return _unpacked(bytes(received), _WINDOW[packing])


def _unpacked(packed: bytes, window: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        body = unpacking.decompress(packed, MAX_REPLY_BYTES + 1)
    except zlib.error:
        raise ReplyLost("packed and broken") from None
    if len(body) > MAX_REPLY_BYTES:
        raise ReplyLost("more than 1 MiB")
    if not unpacking.eof:
        raise ReplyLost("packed and cut off")
    return body
