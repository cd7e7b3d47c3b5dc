"""What one operator wants done with money and a second one has to want too, before it is done."""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Raw

from kassa.ports.audit import AuditEntry
from kassa.ports.values import Instant, Value


class Approval(Value, frozen=True, kw_only=True):
    """A wish that waits for a second person. `key` names the deed, the same for whoever wishes it; `word` is what the first one
    said, as JSON; `actor` who that was. At `until` it is over."""

    key: Annotated[str, Meta(min_length=1, max_length=600)]
    deed: Literal["confirm", "assign", "return"]
    word: Raw
    actor: str
    at: Instant
    until: Instant


class AskApproval(Value, frozen=True, kw_only=True):
    """Keep a wish until a second person shares it."""

    approval: Approval
    audit: AuditEntry


class Approvals(Protocol):
    """The wishes that wait."""

    async def ask_approval(self, act: AskApproval) -> Approval:
        """Keep a wish; where one of the key waits already and is not over at the moment of `audit`, nothing changes. The one
        that waits now. Raises `Conflict` when another one of the key is being kept at this moment."""

    async def approved(self, key: str) -> None:
        """Nobody waits for this any more. Again is as good as once."""

    async def approvals(self, *, now: Instant, limit: int) -> tuple[Approval, ...]:
        """What waits and is not over, oldest first, at most `limit` (1 to 100)."""
