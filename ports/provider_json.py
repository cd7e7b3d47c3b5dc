"""Reading JSON that a provider wrote. It may be anything: half an answer, a page of HTML, ten thousand brackets, no text at all.

    class Charge(Struct, frozen=True):          # only the fields you need; what else it holds is skipped
        id: Reference
        status: str

    charge = decoded(reply.body, Charge)        # ProviderUnclear, and so UNKNOWN, if it is no such thing

In `webhook` catch `ProviderUnclear` and return `Reject`, because there an exception means "send it again".
"""

from typing import TypeVar

import msgspec
from msgspec import Raw

from kassa.ports.errors import KassaError

T = TypeVar("T")


class ProviderUnclear(KassaError):
    """The provider answered, and it does not follow what it did. Raise it for every such answer and let it pass: the kernel
    calls the command UNKNOWN and asks. The message is for the operator's log: put nothing of the answer in it."""

    code = "provider_unclear"


def decoded(body: bytes | Raw, shape: type[T]) -> T:
    """The JSON text in `body` as `shape` (a msgspec Struct, or anything else that msgspec decodes), strictly: a number in
    quotes is no number. Raises `ProviderUnclear`, nothing else."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderUnclear("what the provider sent cannot be read") from None
