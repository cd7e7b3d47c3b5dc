"""Adapters that break one clause each, to prove that the contracts bite.

Every class here is a good SQLite repository but for one thing, and names the test of the clause it breaks.
"""

from tests.contracts.saboteurs import (
    bank_files,
    bank_files_bills,
    carts,
    deliveries,
    deliveries_record,
    endings,
    endpoints,
    goods,
    held,
    money,
    payments,
    payments_split,
    payouts,
    people,
    placing,
    queues,
    records,
    sittings,
    waits,
)
from tests.contracts.saboteurs.kit import SABOTEURS

MODULES = (
    bank_files,
    bank_files_bills,
    carts,
    deliveries,
    deliveries_record,
    endings,
    endpoints,
    goods,
    held,
    money,
    payments,
    payments_split,
    payouts,
    people,
    placing,
    queues,
    records,
    sittings,
    waits,
)
ALL = tuple(SABOTEURS)
UNBITTEN: dict[str, str] = {}
"""Clauses that no saboteur breaks, and why."""
