"""The embedded database: alone, durable, whole; and what it says when it cannot be."""

import ast
import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import kassa.adapters.sqlite as adapter
from kassa.adapters.sqlite import SqliteDatabase
from kassa.ports.conformance.samples import a_product, an_account, draft, entry
from kassa.ports.errors import SchemaBehind, SettingRefused, Unavailable
from kassa.ports.values import Page
from tests.sql.shop import stores_of

WRITER = """
import asyncio, sys
from kassa.adapters.sqlite import SqliteDatabase
from kassa.ports.conformance.samples import a_product
from tests.sql.shop import stores_of

async def write():
    database = SqliteDatabase.open(sys.argv[1])
    for number in range(10_000):
        await a_product(stores_of(database), f"SKU-{number}")
        print(number, flush=True)

asyncio.run(write())
"""
ROOT = Path(__file__).parents[2]


def url_of(folder: Path) -> str:
    """A database file in `folder`."""
    return f"sqlite:///{folder / 'shop.db'}"


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) == 20:
            break
    writer.send_signal(signal.SIGKILL)
    acknowledged = 21 + len(writer.stdout.readlines())
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    database = SqliteDatabase.open(url)
    kept = database.connection.exec_driver_sql("SELECT count(*) FROM products").scalar_one()
    assert acknowledged <= kept <= acknowledged + 1
    assert await stores_of(database).audit.violations() == ()
    await database.close()


async def test_a_file_keeps_its_shop_over_a_restart(tmp_path: Path) -> None:
    first = SqliteDatabase.open(url_of(tmp_path))
    product = await a_product(stores_of(first))
    await first.close()
    await first.close()
    second = SqliteDatabase.open(url_of(tmp_path))
    assert await stores_of(second).products.product(product.id) == product
    await second.close()


async def test_a_file_commits_durably(tmp_path: Path) -> None:
    database = SqliteDatabase.open(url_of(tmp_path))
    settings = {
        name: database.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("journal_mode", "synchronous", "foreign_keys", "locking_mode")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "locking_mode": "normal"}
    await database.close()


async def test_two_databases_in_memory_are_two() -> None:
    first, second = SqliteDatabase.open("sqlite://"), SqliteDatabase.open("sqlite://")
    await a_product(stores_of(first))
    assert (await stores_of(second).products.search("", Page(), only_active=False)).items == ()
    await first.close()
    await second.close()


async def test_a_database_has_one_holder(tmp_path: Path) -> None:
    database = SqliteDatabase.open(url_of(tmp_path))
    with pytest.raises(Unavailable, match="in use by another process"):
        SqliteDatabase.open(url_of(tmp_path))
    other = f"from kassa.adapters.sqlite import SqliteDatabase; SqliteDatabase.open({url_of(tmp_path)!r})"
    refused = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "in use by another process" in refused.stderr
    await database.close()
    again = SqliteDatabase.open(url_of(tmp_path))
    await again.close()


async def test_others_may_look_at_a_held_database_and_change_nothing(tmp_path: Path) -> None:
    database = SqliteDatabase.open(url_of(tmp_path))
    product = await a_product(stores_of(database))
    beside = SqliteDatabase.open(url_of(tmp_path), read_only=True)
    assert await stores_of(beside).products.product(product.id) == product
    assert await stores_of(beside).audit.violations() == ()
    with pytest.raises(Unavailable):
        await a_product(stores_of(beside), "OTHER")
    await a_product(stores_of(database), "OTHER")
    await beside.close()
    await database.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("a shopping list, much longer than any header would be " * 20)
    with pytest.raises(SettingRefused, match="cannot be used"):
        SqliteDatabase.open(url_of(tmp_path))
    with pytest.raises(SettingRefused, match="folder that is not there"):
        SqliteDatabase.open(url_of(tmp_path / "nowhere"))
    for url in ("postgresql://localhost/shop", "shop.db"):
        with pytest.raises(SettingRefused):
            SqliteDatabase.open(url)


async def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    database = SqliteDatabase.open(url_of(tmp_path))
    database.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await database.close()
    with pytest.raises(SchemaBehind, match="9999"):
        SqliteDatabase.open(url_of(tmp_path))


async def test_a_full_disk_is_told_and_leaves_the_act_undone(tmp_path: Path) -> None:
    database = SqliteDatabase.open(url_of(tmp_path))
    stores = stores_of(database)
    await an_account(stores)
    pages = database.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="full"):
        for number in range(1000):
            await a_product(stores, f"SKU-{number}", name="a long name " * 16)
    database.connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert await stores.audit.violations() == ()
    await a_product(stores, "AFTER")
    await database.close()


async def test_an_act_that_raises_leaves_nothing() -> None:
    database = SqliteDatabase.open("sqlite://")
    with pytest.raises(RuntimeError):
        async with database.act() as write:
            write.note((), entry("something"))
            raise RuntimeError
    assert database.connection.exec_driver_sql("SELECT count(*) FROM audit").scalar_one() == 0
    assert database.connection.exec_driver_sql("SELECT tx FROM transactions").scalar_one() == 0
    await database.close()


async def test_an_act_lets_others_run_first_and_may_then_be_canceled() -> None:
    database = SqliteDatabase.open("sqlite://")
    act = asyncio.create_task(stores_of(database).products.create(draft(), entry("product.created")))
    await asyncio.sleep(0)
    act.cancel()
    with pytest.raises(asyncio.CancelledError):
        await act
    assert database.connection.exec_driver_sql("SELECT count(*) FROM products").scalar_one() == 0
    await a_product(stores_of(database))
    await database.close()


def test_no_act_awaits_anything_inside() -> None:
    inside = [
        f"{path.name}:{node.lineno}"
        for path in Path(next(iter(adapter.__path__))).glob("*.py")
        for block in ast.walk(ast.parse(path.read_text()))
        if isinstance(block, ast.AsyncWith)
        for statement in block.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert inside == []
