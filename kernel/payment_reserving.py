"""What a payment has for itself: a number, or a code that makes its amount unique. Drawn, and drawn again until one is free."""

from msgspec.structs import replace

from kassa.kernel.payment_draft import GRACE_S
from kassa.kernel.payment_time import later
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.ports.banking import Reserving
from kassa.ports.errors import AmountRefused, NoReferenceLeft
from kassa.ports.ids import Ids
from kassa.ports.money import Money
from kassa.ports.payment_records import Payment, Payments, Reservation
from kassa.ports.values import Instant, Value

MOST_DRAWN = 20
"""How often one payment draws: each time it is refused, somebody else was given what it wanted."""
MOST_LOOKED_AT = 1000
"""Of a larger range so many are drawn and looked at together."""
WAIT_S = 60


class Drawn(Value, frozen=True, kw_only=True):
    """What was drawn: `number` is the plugin's word for it, `value` what has to be unique. The payment asks for `nominal`,
    `forgives` minor units less than was due."""

    number: int
    value: str
    nominal: Money
    forgives: int


def taking(reserving: Reserving, number: int, due: Money) -> Drawn:
    """What this number makes of a payment over what is due."""
    if reserving.what == "number":
        return Drawn(number=number, value=str(number), nominal=due, forgives=0)
    forgives = number * reserving.step
    nominal = replace(due, amount=max(0, due.amount - forgives))
    return Drawn(number=number, value=str(nominal.amount), nominal=nominal, forgives=forgives)


def held(method: GuardedMethod, payment: Payment, drawn: Drawn | None, now: Instant) -> Reservation | None:
    """What the store is to hold: beyond the latest expiry that the method may still tell, its grace and the quarantine."""
    if drawn is None or method.reserving is None:
        return None
    latest = max(payment.expires_at, later(now, method.capabilities.expiry_s[1]))
    return Reservation(value=drawn.value, held_until=later(latest, GRACE_S + method.reserving.quarantine_s))


class Draws:
    """Draws for methods that are `reserving`; None for all others."""

    def __init__(self, *, payments: Payments, ids: Ids) -> None:
        self._payments, self._ids = payments, ids

    async def first(self, method: GuardedMethod, due: Money, now: Instant) -> Drawn | None:
        """One of the whole range, whoever has it; where it does not fit what is due, one that is free."""
        reserving = method.reserving
        if reserving is None:
            return None
        drawn = taking(reserving, reserving.first + self._below(reserving.last - reserving.first + 1), due)
        return drawn if method.takes(drawn.nominal) else await self.free(method, due, now)

    async def free(self, method: GuardedMethod, due: Money, now: Instant) -> Drawn | None:
        """One that is free at this moment. Raises `NoReferenceLeft`, `AmountRefused` (so little is due that no code can be taken
        off)."""
        reserving = method.reserving
        if reserving is None:
            return None
        fitting = {
            d.value: d for d in (taking(reserving, n, due) for n in self._some(reserving)) if method.takes(d.nominal)
        }
        if not fitting:
            raise AmountRefused(
                f"{method.name} takes something off to make the amount unique: {due} is too little for that"
            )
        taken = await self._payments.taken(method.name, tuple(fitting), now=now)
        free = [drawn for value, drawn in fitting.items() if value not in taken]
        if not free:
            raise NoReferenceLeft(f"{method.name}: every {reserving.what} is held by another payment", WAIT_S)
        return free[self._below(len(free))]

    def _some(self, reserving: Reserving) -> list[int]:
        """The whole range, if it is small enough to look at."""
        size = reserving.last - reserving.first + 1
        if size <= MOST_LOOKED_AT:
            return list(range(reserving.first, reserving.last + 1))
        return [reserving.first + self._below(size) for _ in range(MOST_LOOKED_AT)]

    def _below(self, size: int) -> int:
        return int(self._ids.operation_id(), 16) % size
