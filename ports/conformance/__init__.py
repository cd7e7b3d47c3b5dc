"""The examination of every port: one contract class per port, for adapters of strangers as much as for ours.

Subclass a contract, provide its fixture (`stores` for everything kept in a database), and pytest asks of the adapter every
clause of the port's docstrings. A test's name is the clause. Needs `kassa[conformance]`: pytest, pytest-asyncio, hypothesis.

    from kassa.ports.conformance.cart import CartsContract
    from kassa.ports.conformance.stores import Stores

    class TestAcmeCarts(CartsContract):
        @pytest_asyncio.fixture
        async def stores(self) -> AsyncIterator[Stores]:
            async with an_empty_acme_database() as database:
                yield Stores(carts=AcmeCarts(database), products=AcmeProducts(database), ...)

Nothing here waits for real time but `session_cache`, and that only for a cache with a clock of its own.
"""

MODULES = (
    "audit", "bank_bills", "bank_files", "cart", "catalog", "checkout", "due", "ending", "events", "facts",
    "idempotency", "identity", "inbox", "mail", "orders", "payment", "payouts", "pricing", "session_cache",
    "sessions", "suspense", "throttle", "witness",
)  # fmt: skip
"""Where assertions explain themselves when they fail."""

try:
    import pytest
except ImportError:  # `kassa plugin check` examines a payment method without pytest
    pass
else:
    pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in MODULES))
