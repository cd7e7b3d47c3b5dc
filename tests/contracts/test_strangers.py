"""A stranger examines an adapter of their own: in another folder, with pytest-asyncio as it comes (strict)."""

from __future__ import annotations

import pytest

pytest_plugins = "pytester"


def test_a_stranger_examines_an_adapter_in_a_dozen_lines(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest_asyncio
        from kassa.ports.conformance.cart import CartsContract
        from kassa.ports.conformance.sessions import SessionsContract
        from tests.contracts.opened import opened_sqlite

        class Stored:
            @pytest_asyncio.fixture
            async def stores(self):
                async with opened_sqlite() as stores:
                    yield stores

        class TestMyCarts(Stored, CartsContract):
            pass

        class TestMySessions(Stored, SessionsContract):
            pass
        """
    )
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n")
    run = pytester.inline_run("-p", "no:cacheprovider", "-q", "-k", "removing or purging or tabs")
    passed, skipped, failed = run.listoutcomes()
    assert (len(passed), skipped, failed) == (8, [], [])


def test_a_failing_clause_shows_both_sides(pytester: pytest.Pytester) -> None:
    """Assertions in the shipped suite are rewritten."""
    pytester.makepyfile(
        """
        import pytest
        from kassa.adapters.memory import MemoryThrottle
        from kassa.ports.conformance.throttle import ThrottleContract

        class Forgetful(MemoryThrottle):
            async def spend(self, bucket, limit, *, now):
                await self.forgive(bucket)
                return await super().spend(bucket, limit, now=now)

        class TestMine(ThrottleContract):
            @pytest.fixture
            def throttle(self):
                return Forgetful()
        """
    )
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-k", "every_attempt_is_counted")
    result.stdout.fnmatch_lines(["*assert [[]2, 2, 2[]] == [[]2, 1, 0[]]*"])
