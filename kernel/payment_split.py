"""One transfer for several invoices: money without a name becomes several sums, each of which gets its own. Pure."""

from msgspec.structs import replace

from kassa.kernel.payment_draft import posting
from kassa.kernel.payment_suspense import SUSPENSE, unmatched_key, unmatched_posting
from kassa.ports.audit import AuditEntry
from kassa.ports.errors import EvidenceRefused
from kassa.ports.money import Money
from kassa.ports.payment_records import SettleSuspense, Suspense, SuspenseState
from kassa.ports.values import Instant

MOST_NAME = 200
"""A part's name becomes the id of a movement; longer ones cannot be kept."""


def splittable(row: Suspense, amounts: tuple[Money, ...]) -> None:
    """Raises `EvidenceRefused` where money is no transfer without a name, or the parts are not all of it."""
    if row.reason != "unmatched":
        raise EvidenceRefused(f"this money belongs to payment {row.payment_id}: only money without a name is split")
    if any(part.currency != row.amount.currency or part.amount <= 0 for part in amounts):
        raise EvidenceRefused(f"every part is {row.amount.currency}, and above zero")
    total = sum(part.amount for part in amounts)
    if len(amounts) < 2 or total != row.amount.amount:
        raise EvidenceRefused(f"two or more parts that are {row.amount.amount} together are needed, these are {total}")
    if len(row.key.removeprefix(unmatched_key(row.method, ""))) + len(f"/{len(amounts)}") > MOST_NAME:
        raise EvidenceRefused("it was split too often")


def split_up(row: Suspense, amounts: tuple[Money, ...], audit: AuditEntry, now: Instant) -> SettleSuspense:
    """The row gives way to `<key>/1`, `<key>/2`, …; whoever tells of the whole again finds it split."""
    parts = tuple(
        replace(row, key=f"{row.key}/{number}", amount=amount, note=f"part of {row.key}", at=now)
        for number, amount in enumerate(amounts, 1)
    )
    done = replace(row, state=SuspenseState.SPLIT, note=f"in {len(parts)} parts")
    sides = (SUSPENSE, f"clearing:{row.method}")
    return SettleSuspense(
        suspense=done,
        posting=posting(f"suspense/{row.key}/settled", None, sides, row.amount, now),
        parts=parts,
        arrivals=tuple(unmatched_posting(part) for part in parts),
        audit=audit,
    )
