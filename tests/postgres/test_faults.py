"""A server that is killed, frozen, restarted, or loses one connection; callers that go away. It always heals by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from kassa.adapters.postgres import PostgresDatabase
from kassa.ports.errors import KassaError, SchemaBehind, SettingRefused, Unavailable
from kassa.ports.identity import Register, Role
from tests.faults.proxy import Fault, FaultProxy
from tests.postgres.shop import NOW, Shop, audit
from tests.servers.postgres import PostgresAt, PostgresServer

Refuse = Callable[..., object]


async def opened(url: str, **settings: float) -> PostgresDatabase:
    """A migrated database with short patience."""
    patience = {"command_timeout_s": 1.0, "connect_timeout_s": 1.0, "pool_timeout_s": 1.0, **settings}
    database = await PostgresDatabase.open(url, allow_unsafe=True, check_schema=False, **patience)  # type: ignore[arg-type]
    await database.migrate()
    return database


@pytest.fixture
async def own(own_postgres: PostgresServer) -> AsyncIterator[PostgresDatabase]:
    """The shop on a server that may be hurt."""
    database = await opened(own_postgres.url)
    yield database
    await database.close()


async def backends(database: PostgresDatabase) -> int:
    """How many connections of ours the server has, this one included."""
    rows = await database.read(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kassa' AND datname = current_database()"
    )
    return int(rows[0][0])


async def test_a_terminated_backend_costs_a_read_nothing(database: PostgresDatabase, shop_url: str) -> None:
    """The connection dies while it waits in the pool, and while a statement runs on it."""
    admin = await PostgresDatabase.open(shop_url, allow_unsafe=True)
    end_all = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'kassa' AND pid <> pg_backend_pid() AND datname = current_database()"
    )
    try:
        assert await database.read("SELECT 1 AS n")
        await admin.read(end_all)
        assert (await database.read("SELECT 2 AS n"))[0].n == 2
        slow = asyncio.create_task(database.read("SELECT pg_sleep(0.5), 3 AS n"))
        await asyncio.sleep(0.2)
        await admin.read(end_all)
        assert (await slow)[0].n == 3
    finally:
        await admin.close()


async def test_a_write_that_loses_its_connection_is_unavailable_and_not_sent_twice(
    database: PostgresDatabase, shop_url: str
) -> None:
    admin = await PostgresDatabase.open(shop_url, allow_unsafe=True)
    try:
        await database.write("CREATE TABLE tally (n int)")
        slow = asyncio.create_task(database.write("INSERT INTO tally SELECT 1 FROM pg_sleep(0.5)"))
        await asyncio.sleep(0.2)
        await admin.read(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'INSERT INTO tally%' AND pid <> pg_backend_pid()"
        )
        with pytest.raises(Unavailable):
            await slow
        await asyncio.sleep(0.6)
        assert (await database.read("SELECT count(*) AS n FROM tally"))[0].n == 0
        await database.write("INSERT INTO tally VALUES (1)")
    finally:
        await admin.close()


async def test_a_lost_reply_leaves_one_order_and_the_retry_finds_it(own_postgres: PostgresServer) -> None:
    """The commit got through, the answer did not: unavailable, and the claim tells the second try that it was done."""
    from urllib.parse import urlsplit

    parts = urlsplit(own_postgres.url)
    assert parts.port
    async with FaultProxy("127.0.0.1", parts.port) as proxy:
        credentials = parts.netloc.rpartition("@")[0]
        database = await opened(parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl())
        try:
            shop = Shop(database)
            product = await shop.product()
            cart = await shop.put(1, product.id)
            act = shop.placing(1, cart, "the key")
            proxy.fault = Fault(cut_response=True)
            with pytest.raises(Unavailable):
                await shop.orders.place(act)
            proxy.fault = Fault()
            basis = await shop.orders.basis(1, act.claim.scope)
            if basis.prior is None:  # the connection broke before the server had read it all
                await shop.orders.place(act)
                basis = await shop.orders.basis(1, act.claim.scope)
            assert basis.prior is not None
            assert basis.prior.answer == act.answer
            with pytest.raises(KassaError):
                await shop.orders.place(act)
            assert await shop.count("orders") == 1
            assert await shop.stock_is_right()
        finally:
            await database.close()


async def test_a_killed_server_is_unavailable_within_the_deadline_and_heals_when_it_is_back(
    own: PostgresDatabase, own_postgres: PostgresServer
) -> None:
    shop = Shop(own)
    product = await shop.product()
    await asyncio.gather(*(shop.put(account, product.id) for account in range(1, 9)))
    own_postgres.kill()
    begun = time.monotonic()
    ends = await asyncio.gather(*(shop.put(account, product.id, 2) for account in range(1, 30)), return_exceptions=True)
    assert all(isinstance(end, Unavailable) for end in ends), ends
    assert time.monotonic() - begun < 5
    own_postgres.restart()
    carts = await asyncio.gather(*(shop.put(account, product.id, 3) for account in range(1, 30)))
    assert all(cart.lines[0].quantity == 3 for cart in carts)


async def test_a_restart_between_two_acts_is_not_noticed(own: PostgresDatabase, own_postgres: PostgresServer) -> None:
    shop = Shop(own)
    product = await shop.product()
    await asyncio.gather(*(shop.put(account, product.id) for account in range(1, 9)))
    await asyncio.to_thread(own_postgres.restart)
    carts = await asyncio.gather(*(shop.put(account, product.id, 2) for account in range(1, 9)))
    assert all(cart.lines[0].quantity == 2 for cart in carts)
    drafts = await shop.products.search("", page=_page(), only_active=True)
    assert drafts.items


async def test_a_frozen_server_is_unavailable_within_the_deadline_and_heals(
    own: PostgresDatabase, own_postgres: PostgresServer
) -> None:
    shop = Shop(own)
    product = await shop.product()
    await asyncio.gather(*(shop.put(account, product.id) for account in range(1, 9)))
    own_postgres.freeze()
    try:
        begun = time.monotonic()
        ends = await asyncio.gather(
            *(shop.put(account, product.id, 2) for account in range(1, 30)),
            own.transact(_selects_one),
            return_exceptions=True,
        )
        assert all(isinstance(end, Unavailable) for end in ends), ends
        assert time.monotonic() - begun < 5
    finally:
        own_postgres.thaw()
    carts = await asyncio.gather(*(shop.put(account, product.id, 3) for account in range(1, 30)))
    assert all(cart.lines[0].quantity == 3 for cart in carts)


async def test_closing_beside_a_frozen_server_does_not_hang(own_postgres: PostgresServer) -> None:
    database = await opened(own_postgres.url)
    await asyncio.gather(*(database.read("SELECT pg_sleep(0.05)") for _ in range(8)))
    own_postgres.freeze()
    try:
        begun = time.monotonic()
        await database.close()
        assert time.monotonic() - begun < 5
    finally:
        own_postgres.thaw()


async def test_callers_that_go_away_leave_no_connection_behind(shop_url: str) -> None:
    """A storm of canceled reads, writes and transactions; afterwards the pool is whole and no backend is left over."""
    database = await opened(shop_url, pool_size=4, command_timeout_s=5.0, pool_timeout_s=5.0)
    try:
        for pause in (0.0, 0.001, 0.01, 0.05):
            work = [
                asyncio.create_task(coroutine)
                for _ in range(10)
                for coroutine in (
                    database.read("SELECT pg_sleep(0.02)"),
                    database.write("SELECT pg_sleep(0.02)"),
                    database.transact(_selects_one),
                )
            ]
            await asyncio.sleep(pause)
            for task in work:
                task.cancel()
            ends = await asyncio.gather(*work, return_exceptions=True)
            assert not [end for end in ends if isinstance(end, Exception)], ends
        answers = await asyncio.gather(*(database.read("SELECT 1 AS n") for _ in range(40)))
        assert all(rows[0].n == 1 for rows in answers)
        assert await backends(database) <= 4 + 2
        await _until(
            database,
            "SELECT count(*) = 0 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            " AND datname = current_database()",
        )
    finally:
        await database.close()


async def test_a_full_pool_is_unavailable_and_not_a_hang(shop_url: str) -> None:
    database = await opened(shop_url, pool_size=2, pool_timeout_s=0.2, command_timeout_s=5.0)
    try:
        slow = [asyncio.create_task(database.read("SELECT pg_sleep(1)")) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable):
            await database.read("SELECT 1")
        await asyncio.gather(*slow)
        assert await database.read("SELECT 1")
    finally:
        await database.close()


async def test_a_statement_that_takes_too_long_is_unavailable(shop_url: str) -> None:
    database = await opened(shop_url)
    try:
        with pytest.raises(Unavailable):
            await database.read("SELECT pg_sleep(3)")
        with pytest.raises(Unavailable):
            await database.write("SELECT pg_sleep(3)")
    finally:
        await database.close()


async def test_a_deadlock_is_tried_again(database: PostgresDatabase) -> None:
    """Two transactions that lock two rows in opposite order: the server ends one, and it is simply sent again."""
    await database.write("CREATE TABLE tally (id int, n int)")
    await database.write("INSERT INTO tally VALUES (1, 0), (2, 0)")
    both = asyncio.Barrier(2)
    tries = 0

    def crossing(first: int, second: int) -> Callable[..., object]:
        async def work(transaction: object) -> None:
            nonlocal tries
            tries += 1
            await transaction.run("UPDATE tally SET n = n + 1 WHERE id = $1", first)  # type: ignore[attr-defined]
            if tries <= 2:
                await both.wait()
            await transaction.run("UPDATE tally SET n = n + 1 WHERE id = $1", second)  # type: ignore[attr-defined]

        return work

    await asyncio.gather(database.transact(crossing(1, 2)), database.transact(crossing(2, 1)))  # type: ignore[arg-type]
    assert tries > 2
    assert [row.n for row in await database.read("SELECT n FROM tally")] == [2, 2]


async def test_a_table_that_is_changed_under_load_stops_nobody(database: PostgresDatabase) -> None:
    """Prepared statements of every connection become stale at once."""
    await database.write("CREATE TABLE thing (id int)")
    await database.write("INSERT INTO thing VALUES (1)")
    await asyncio.gather(*(database.read("SELECT * FROM thing") for _ in range(16)))
    await database.write("ALTER TABLE thing ADD COLUMN name text")
    rows = await asyncio.gather(*(database.read("SELECT * FROM thing") for _ in range(16)))
    assert all(len(row[0]) == 2 for row in rows)


async def test_what_cannot_be_stored_is_an_invalid_value(database: PostgresDatabase) -> None:
    from kassa.adapters.postgres import PostgresAccounts
    from kassa.ports.errors import InvalidValue

    act = Register(
        email="a@example.org", email_key="a@example.org", address="x\x00y", password_hash="$argon2id$", role=Role.CUSTOMER,
        at=NOW, events=(), audit=audit("account"),
    )  # fmt: skip
    with pytest.raises(InvalidValue):
        await PostgresAccounts(database).register(act)


async def test_an_empty_database_is_behind_and_says_what_to_run(postgres_url: str) -> None:
    with pytest.raises(SchemaBehind, match="kassa migrate"):
        await PostgresDatabase.open(postgres_url, allow_unsafe=True)


async def test_instances_that_migrate_at_once_make_one_schema(postgres_url: str) -> None:
    databases = [await PostgresDatabase.open(postgres_url, allow_unsafe=True, check_schema=False) for _ in range(4)]
    try:
        await asyncio.gather(*(database.migrate() for database in databases))
        for database in databases:
            await database.check_schema()
    finally:
        for database in databases:
            await database.close()


async def test_a_server_that_forgets_what_it_acknowledged_is_refused(
    postgres_url: str, postgres_server: PostgresAt
) -> None:
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with pytest.raises(SettingRefused, match="synchronous_commit"):
        await PostgresDatabase.open(postgres_url, allow_unsafe=True)


async def test_a_cluster_without_fsync_is_refused_unless_a_test_says_so(own_postgres: PostgresServer) -> None:
    with pytest.raises(SettingRefused, match="fsync"):
        await PostgresDatabase.open(own_postgres.url)


async def test_an_address_where_nobody_answers_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await PostgresDatabase.open("postgresql://nobody@127.0.0.1:1/none")


async def _until(database: PostgresDatabase, question: str) -> None:
    """Wait for a yes: what a caller left behind ends by itself, a moment later."""
    for _ in range(200):
        if (await database.read(question))[0][0]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(question)


async def _selects_one(transaction: object) -> object:
    return await transaction.run("SELECT pg_sleep(0.02), 1")  # type: ignore[attr-defined]


def _page() -> object:
    from kassa.ports.values import Page

    return Page(limit=10)
