"""A POST that can be repeated: one record per caller, route and key, written in the act that has the effect."""

from enum import Enum
from typing import Annotated, Protocol

from msgspec import Meta

from kassa.ports.values import Instant, Value


class AnswerKind(Enum):
    """What a stored answer says of its effect. Only successes are stored."""

    CREATED = "created"
    ACCEPTED = "accepted"
    DONE = "done"


class Scope(Value, frozen=True, kw_only=True):
    """Whose key it is: the same key of two callers or two routes are two keys."""

    principal: str
    route: str
    key: Annotated[str, Meta(min_length=1, max_length=255)]


class Claim(Value, frozen=True, kw_only=True):
    """A request that wants to be done once: its scope and the keyed HMAC (32 bytes) of the parsed request."""

    scope: Scope
    fingerprint: bytes


class Answer(Value, frozen=True, kw_only=True):
    """The final answer of an idempotent request: `body` are the very bytes (JSON) a replay gives again."""

    kind: AnswerKind
    body: bytes
    replayed: bool = False


class StoredAnswer(Value, frozen=True, kw_only=True):
    """A record as found. `answer` is None while the request still runs (payment, capture, refund only)."""

    fingerprint: bytes
    answer: Answer | None
    at: Instant


class IdempotencyRecords(Protocol):
    """The records as such. They are *written* by the acts that have the effect; an act whose claim exists already
    changes nothing and raises `AlreadyClaimed`, after waiting for a concurrent act with the same claim to end."""

    async def find(self, scope: Scope) -> StoredAnswer | None:
        """The record of this scope; None says that there is none yet."""

    async def finish(self, claim: Claim, answer: Answer) -> None:
        """Store the answer of a running record. A finished record is left as it is. Raises `Conflict` if there is none."""

    async def purge(self, *, before: Instant, limit: int) -> int:
        """Drop at most `limit` finished records older than `before`; how many went."""


class Claims(Protocol):
    """Makes claims. The fingerprint is keyed, so that a stored one tells nothing about the request."""

    def claim(self, scope: Scope, request: bytes) -> Claim:
        """`request` is the parsed request in canonical JSON, so that spelling and field order do not matter."""
