"""Two people for what one person's word moves: the first one's wish is kept, the second one's carries it out."""

from typing import Literal

import msgspec

from kassa.kernel.payment_books import TRIES
from kassa.kernel.payment_time import DAY_S, later
from kassa.ports.approvals import Approval, Approvals, AskApproval
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict
from kassa.ports.values import Value

LASTS_S = 7 * DAY_S
"""A wish that nobody shares is over after a week."""


class Wish(Value, frozen=True, kw_only=True):
    """What is to be done, and whose wish it was `first` ("" where one person is enough). `waits`: it is not to be done yet."""

    key: str
    first: str
    waits: Approval | None = None


class SecondPerson:
    """Asks for a second person, where the shop wants one."""

    def __init__(self, *, approvals: Approvals, clock: Clock, is_needed: bool) -> None:
        self._approvals, self._clock, self._is_needed = approvals, clock, is_needed

    async def wish(
        self, deed: Literal["confirm", "assign", "return"], facts: tuple[str, ...], word: Value, origin: Origin
    ) -> Wish:
        """The wish of whoever says `word`; `facts` are what two people have to say alike, a reason is not among them."""
        key = "/".join((deed, *facts))
        if not self._is_needed:
            return Wish(key=key, first="")
        now = self._clock.now()
        mine = Approval(
            key=key,
            deed=deed,
            word=msgspec.Raw(msgspec.json.encode(word)),
            actor=origin.actor,
            at=now,
            until=later(now, LASTS_S),
        )
        details = msgspec.json.encode({"key": key, "word": mine.word})
        audit = AuditEntry(
            action="approval.asked", subject=f"approval:{key}"[:100], origin=origin, at=now, details=details
        )
        found = await self._asked(AskApproval(approval=mine, audit=audit))
        return Wish(key=key, first=found.actor, waits=found if found.actor == origin.actor else None)

    async def _asked(self, act: AskApproval) -> Approval:
        for _ in range(TRIES):
            try:
                return await self._approvals.ask_approval(act)
            except Conflict:
                continue
        raise Conflict(act.approval.key)

    async def done(self, wish: Wish) -> None:
        """It was carried out. Where this is lost, the wish stays until it is over; doing it again changes nothing."""
        if wish.first:
            await self._approvals.approved(wish.key)
