"""What must hold: while a random world lives, and when it has come to rest. Each finding is one sentence."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kassa.ports.payment import Movement
from tests.kernel.payment.worlds_books import Charge, S
from tests.kernel.payment.worlds_shop import TOTAL

if TYPE_CHECKING:
    from tests.kernel.payment.worlds import World

MOVED = (S.SUCCEEDED, S.REVERSED)


def at_the_wire(world: "World", name: str, operation_id: str) -> Iterator[str]:
    """When a command leaves: it was written before, nobody else's is in doubt, and its payment lives beside no other."""
    if not world.is_wire_watched:
        return
    found = world.rows(
        "SELECT p.invoice_id, o.state FROM operations o JOIN payments p ON p.id = o.payment_id WHERE o.id = ?",
        operation_id,
    )
    if not found:
        yield f"a {name} was sent that is not written anywhere"
        return
    ((invoice, state),) = found
    beside = world.rows(
        "SELECT o.kind FROM operations o JOIN payments p ON p.id = o.payment_id"
        " WHERE p.invoice_id = ? AND o.id <> ? AND o.state <= 2",
        invoice,
        operation_id,
    )
    if beside and state <= 2:
        yield f"a {name} was sent beside a {beside[0][0]} in doubt"


def on_the_way(world: "World") -> Iterator[str]:
    """After everything that happens."""
    for invoice, many in world.rows(
        "SELECT invoice_id, count(*) FROM payments WHERE is_live GROUP BY 1 HAVING count(*) > 1"
    ):
        yield f"{invoice} has {many} live payments"


def at_rest(world: "World") -> Iterator[str]:
    """When faults have healed and the sweeps have nothing more to do."""
    yield from (
        f"{name} {subject}: {detail}" for name, subject, detail in world.rows("SELECT * FROM invariant_violations")
    )
    yield from _duties(world)
    yield from world.provider.disasters
    yield from _charges(world)
    yield from _orders(world)
    yield from _commands(world)


def _duties(world: "World") -> Iterator[str]:
    until = world.rows("SELECT max(last_updated) FROM payments")[0][0] or 0
    for name, subject, detail, since in world.rows("SELECT * FROM liveness_violations"):
        if name != "X4" and since <= until:
            yield f"{name} {subject}: {detail}"
    query = (
        "SELECT o.kind, o.state FROM operations o JOIN payments p ON p.id = o.payment_id"
        " WHERE o.state <= 3 AND NOT p.needs_review"
    )
    yield from (f"a {kind} is still in state {state}" for kind, state in world.rows(query))


# --- the two witnesses ----------------------------------------------------------------------------------------


def _charges(world: "World") -> Iterator[str]:
    """Every movement of the provider's is in our books, once, and nothing else is."""
    provider, theirs, given_up = world.provider, set(), _given_up(world)
    for charge in provider.charges:
        theirs |= {(charge.merchant_ref, *_fact(m)) for m in charge.movements.values() if m.state in MOVED}
        if charge.merchant_ref not in given_up:
            yield from _limits(charge)
    for line in provider.statement:
        theirs.add((line.merchant_ref, "capture", "bank:" + line.reference.upper(), 3, line.amount.amount))
    for line in world.desk.sent_back:
        if line.amount.currency == "GBP":
            theirs.add((line.merchant_ref, "refund", "bank:" + line.reference.upper(), 3, line.amount.amount))
    ours = set(
        world.rows(
            "SELECT p.merchant_ref, m.kind, m.id, m.state, m.amount FROM movements m JOIN payments p ON p.id = m.payment_id"
            " WHERE m.state >= 3"
        )
    )
    aside = {row[0] for row in world.rows("SELECT key FROM suspense WHERE reason IN ('unmatched', 'conflict')")}
    for reference, kind, name, state, units in sorted(theirs - ours):
        places = {key for key in aside if key.endswith(f"/{name}")}
        if len(places) != 1:
            yield f"they have {kind} {name} of {units} in state {state} for {reference}, we have not"
    for reference, kind, name, state, units in sorted(ours - theirs):
        yield f"we have {kind} {name} of {units} in state {state} for {reference}, they have not"
    for reference, _, name, _, _ in sorted(ours & theirs):
        if any(key.endswith(f"/{name}") and key.startswith("unmatched") for key in aside):
            yield f"{name} of {reference} is in our books and in suspense"


def _fact(movement: Movement) -> tuple[str, str, int, int]:
    return (movement.kind, movement.id, int(movement.state), movement.amount.amount)


def _limits(charge: Charge) -> Iterator[str]:
    taken = charge.total("capture", *MOVED)
    given = charge.total("refund", S.SUCCEEDED, S.PENDING)
    if given > taken:
        yield f"{charge.id} took {taken} and refunded {given}"
    reserved = charge.total("auth", *MOVED)
    if reserved and taken > reserved:
        yield f"{charge.id} reserved {reserved} and took {taken}"


def _orders(world: "World") -> Iterator[str]:
    """What customers paid for an order without being asked is never more than its price; more has a name."""
    states = dict(world.rows("SELECT invoice_id, status FROM orders"))
    forgiven = dict(world.rows("SELECT invoice_id, forgiven FROM payables WHERE forgiven <> 0"))
    world.count["orders paid but for little"] += len(forgiven)
    for invoice in world.invoices:
        charges = [c for c in world.provider.charges if c.invoice == invoice]
        lines = sum(li.amount.amount for li in world.provider.statement if li.merchant_ref.startswith(invoice))
        gone = sum(c.total("refund") + c.total("chargeback") for c in charges)
        gone += sum(li.amount.amount for li in world.desk.sent_back if li.merchant_ref.startswith(invoice))
        kept = lines + sum(_pounds(c) for c in charges) - gone
        aside = world.rows(
            "SELECT coalesce(sum(s.amount), 0) FROM suspense s JOIN payments p ON p.id = s.payment_id"
            " WHERE p.invoice_id = ? AND s.state = 'open' AND s.currency = 'GBP'",
            invoice,
        )[0][0]
        aside += _unmatched(world, charges)
        if kept - aside > TOTAL:
            yield f"{invoice} keeps {kept}, of which {aside} have a name"
        if states[invoice] != "paid" and kept - aside >= TOTAL - world.policies["tolerance"]:
            yield f"{invoice} is {states[invoice]} and keeps {kept - aside}"
        if forgiven.get(invoice, 0) > world.policies["tolerance"]:
            yield f"{invoice} was let off {forgiven[invoice]}"


def _pounds(charge: Charge) -> int:
    return sum(
        m.amount.amount
        for m in charge.movements.values()
        if m.kind == "capture" and m.state is S.SUCCEEDED and m.amount.currency == "GBP"
    )


def _unmatched(world: "World", charges: list[Charge]) -> int:
    names = {f"unmatched/{c.method}/{name}" for c in charges for name in c.movements}
    found = world.rows(
        "SELECT key, amount FROM suspense WHERE reason = 'unmatched' AND state = 'open' AND currency = 'GBP'"
    )
    return sum(units for key, units in found if key in names)


def _commands(world: "World") -> Iterator[str]:
    """What we say of a command is what the provider did."""
    executed, given_up = world.provider.executed, _given_up(world)
    world.count["given up, and executed later than declared"] += len(given_up)
    yield from (f"operation {name} was executed {n} times" for name, n in sorted(executed.items()) if n > 1)
    for name, kind, state, did, reference in _operations(world):
        if reference in given_up:
            continue
        if kind != "start" and state == 7 and not executed[name]:
            yield f"{kind} {name[:6]} has succeeded here and was not executed there"
        if state == 6 and did == 0 and executed[name]:
            yield f"{kind} {name[:6]} counts as not executed and was"
    if world.rows("SELECT 1 FROM idempotency WHERE kind IS NULL LIMIT 1"):
        yield "a key never ended"


def _operations(world: "World") -> list[tuple[str, str, int, int | None, str]]:
    return world.rows(
        "SELECT o.id, o.kind, o.state, o.executed, p.merchant_ref FROM operations o JOIN payments p ON p.id = o.payment_id"
        " WHERE o.kind IN ('start', 'refund', 'capture') ORDER BY o.sent_at, o.id"
    )


def _given_up(world: "World") -> set[str]:
    """Payments of which a command arrived so much later than the method declares that it had been given up for good reason.
    Their movements have to be in our books all the same."""
    executed, crawled = world.provider.executed, world.provider.crawled
    return {
        reference
        for name, _, state, did, reference in _operations(world)
        if state == 6 and did == 0 and executed[name] and name in crawled
    }
