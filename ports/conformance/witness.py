"""Looks at a whole store through its ports, to see that a refused act left nothing and who won a race."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from kassa.ports.audit import AuditRecord
from kassa.ports.ids import AccountId
from kassa.ports.payment_records import SuspenseState
from kassa.ports.values import Page

from .samples import NOW
from .stores import Stores

T = TypeVar("T")


async def audit_of(stores: Stores, action: str) -> list[AuditRecord]:
    """The audit records of one action, oldest first."""
    return [record for record in await all_audit(stores) if record.entry.action == action]


async def all_audit(stores: Stores) -> list[AuditRecord]:
    """The first 1,000 audit records, oldest first."""
    found: list[AuditRecord] = []
    for _ in range(10):
        page = await stores.audit.entries(subject=None, actor=None, after=found[-1].id if found else 0, limit=100)
        found.extend(page)
        if len(page) < 100:
            break
    return found


async def waiting(stores: Stores) -> int:
    """How many events wait in the outbox."""
    return (await stores.outbox.backlog())[0]


async def sight(stores: Stores, *accounts: AccountId) -> tuple[object, ...]:
    """Everything that the ports show of a small store: equal sights, nothing changed."""
    orders = (await stores.orders.search("", None, Page(limit=100))).items
    people = [
        (
            await stores.accounts.credentials_of(account_id),
            await stores.accounts.sessions(account_id, now=NOW),
            await stores.carts.cart(account_id),
        )
        for account_id in accounts
    ]
    return (
        await all_audit(stores),
        await stores.outbox.backlog(),
        (await stores.products.search("", Page(limit=100), only_active=False)).items,
        orders,
        [await stores.payments.file(order.invoice_id) for order in orders],
        await stores.payments.suspense(SuspenseState.OPEN, limit=100),
        people,
    )


@asynccontextmanager
async def nothing_changes(stores: Stores, *accounts: AccountId) -> AsyncIterator[None]:
    """Within this block the store stays as it is, `accounts`' credentials, sessions and carts included."""
    before = await sight(stores, *accounts)
    yield
    assert await sight(stores, *accounts) == before


class Race(Generic[T]):
    """How a race ended: what the winners got, and what the others were told."""

    def __init__(self, outcomes: list[T | BaseException]) -> None:
        self.won: list[T] = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        self.lost = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]

    def reasons(self) -> set[str]:
        """The names of the errors the losers got."""
        return {type(error).__name__ for error in self.lost}


async def race(*acts: Awaitable[T]) -> Race[T]:
    """Run acts at the same time."""
    return Race(list(await asyncio.gather(*acts, return_exceptions=True)))
