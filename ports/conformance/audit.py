"""The contract of `kassa.ports.audit.AuditTrail`."""

import asyncio

import pytest

from kassa.ports.audit import AuditEntry

from .samples import after, an_account, entry
from .stores import Stores


class AuditTrailContract:
    """Every clause of `AuditTrail`. Provide the fixture `stores`. That acts write to it: every other contract."""

    pytestmark = pytest.mark.asyncio

    async def write(self, stores: Stores, count: int, subject: str = "contract:1") -> list[AuditEntry]:
        """Entries written by one act each."""
        entries = [entry(f"noted.{number}", subject, at=after(number)) for number in range(count)]
        for noted in entries:
            await stores.accounts.note((), noted)
        return entries

    async def test_entries_come_as_written_oldest_first(self, stores: Stores) -> None:
        entries = await self.write(stores, 3)
        records = await stores.audit.entries(subject=None, actor=None, after=0, limit=100)
        assert [record.entry for record in records] == entries
        assert [record.id for record in records] == sorted({record.id for record in records})

    async def test_every_act_has_a_transaction_of_its_own(self, stores: Stores) -> None:
        await self.write(stores, 3)
        records = await stores.audit.entries(subject=None, actor=None, after=0, limit=100)
        assert len({record.tx for record in records}) == 3

    async def test_reading_on_begins_after_the_last_one_seen(self, stores: Stores) -> None:
        entries = await self.write(stores, 5)
        first = await stores.audit.entries(subject=None, actor=None, after=0, limit=3)
        rest = await stores.audit.entries(subject=None, actor=None, after=first[-1].id, limit=3)
        assert [record.entry for record in (*first, *rest)] == entries
        assert (len(first), len(rest)) == (3, 2)
        assert await stores.audit.entries(subject=None, actor=None, after=rest[-1].id, limit=3) == ()

    async def test_entries_are_filtered_by_subject_and_actor(self, stores: Stores) -> None:
        for subject, actor in (("order:1", "account:7"), ("order:1", "operator:1"), ("order:2", "account:7")):
            await stores.accounts.note((), entry("noted", subject, actor=actor))

        async def found(subject: str | None, actor: str | None) -> list[tuple[str, str]]:
            records = await stores.audit.entries(subject=subject, actor=actor, after=0, limit=100)
            return [(record.entry.subject, record.entry.origin.actor) for record in records]

        assert await found("order:1", None) == [("order:1", "account:7"), ("order:1", "operator:1")]
        assert await found(None, "account:7") == [("order:1", "account:7"), ("order:2", "account:7")]
        assert await found("order:1", "account:7") == [("order:1", "account:7")]
        assert await found("order:3", None) == []

    async def test_records_are_sealed_in_bounded_rounds_until_none_is_left(self, stores: Stores) -> None:
        await self.write(stores, 5)
        assert [await stores.audit.seal(now=after(60), limit=2) for _ in range(4)] == [2, 2, 1, 0]
        await self.write(stores, 1)
        assert await stores.audit.seal(now=after(61), limit=2) == 1

    async def test_a_record_is_sealed_once_by_however_many_instances(self, stores: Stores) -> None:
        await self.write(stores, 10)
        rounds = await asyncio.gather(*(stores.audit.seal(now=after(60), limit=4) for _ in range(4)))
        rest = [await stores.audit.seal(now=after(61), limit=4) for _ in range(3)]
        assert sum(rounds) + sum(rest) == 10
        assert rest[-1] == 0

    async def test_sealing_changes_no_record_and_breaks_no_invariant(self, stores: Stores) -> None:
        entries = await self.write(stores, 3)
        await stores.audit.seal(now=after(60), limit=10)
        records = await stores.audit.entries(subject=None, actor=None, after=0, limit=100)
        assert [record.entry for record in records] == entries
        assert await stores.audit.violations() == ()

    async def test_a_good_store_has_no_violations(self, stores: Stores) -> None:
        assert await stores.audit.violations() == ()
        await an_account(stores)
        assert await stores.audit.violations() == ()
