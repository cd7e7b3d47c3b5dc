"""The contract of `kassa.ports.throttle.Throttle`."""

import pytest

from kassa.ports.errors import TooManyAttempts
from kassa.ports.throttle import Limit, Throttle

from .samples import after
from .witness import race

LIMIT = Limit(attempts=3, window_s=60)


class ThrottleContract:
    """Every clause of `Throttle`. Provide the fixture `throttle`, without any attempts counted yet."""

    pytestmark = pytest.mark.asyncio

    async def spend(self, throttle: Throttle, count: int, *, seconds: float = 0, bucket: str = "ann") -> list[int]:
        """Spend `count` attempts; what remained after each."""
        return [(await throttle.spend(bucket, LIMIT, now=after(seconds))).remaining for _ in range(count)]

    async def remaining(self, throttle: Throttle, *, seconds: float = 0, bucket: str = "ann") -> int:
        """What is left."""
        return (await throttle.peek(bucket, LIMIT, now=after(seconds))).remaining

    async def test_every_attempt_is_counted(self, throttle: Throttle) -> None:
        assert await self.spend(throttle, 3) == [2, 1, 0]

    async def test_a_used_up_limit_is_told_with_the_time_to_wait(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3)
        with pytest.raises(TooManyAttempts) as refusal:
            await self.spend(throttle, 1)
        assert 1 <= refusal.value.retry_after_s <= LIMIT.window_s

    async def test_a_new_window_begins_with_all_attempts(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3)
        assert await self.spend(throttle, 3, seconds=LIMIT.window_s + 1) == [2, 1, 0]

    async def test_waiting_as_long_as_told_is_enough(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3, seconds=7)
        with pytest.raises(TooManyAttempts) as refusal:
            await self.spend(throttle, 1, seconds=7)
        assert await self.spend(throttle, 1, seconds=7 + refusal.value.retry_after_s) == [2]

    async def test_refused_attempts_count_nothing_more(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3)
        waits = []
        for _ in range(5):
            with pytest.raises(TooManyAttempts) as refusal:
                await self.spend(throttle, 1)
            waits.append(refusal.value.retry_after_s)
        assert len(set(waits)) == 1
        assert await self.spend(throttle, 3, seconds=LIMIT.window_s + 1) == [2, 1, 0]

    async def test_an_allowance_says_when_all_attempts_are_back(self, throttle: Throttle) -> None:
        allowance = await throttle.spend("ann", LIMIT, now=after(0))
        assert 1 <= allowance.reset_s <= LIMIT.window_s
        assert await self.remaining(throttle, seconds=allowance.reset_s) == LIMIT.attempts

    async def test_looking_counts_nothing_and_never_refuses(self, throttle: Throttle) -> None:
        assert [await self.remaining(throttle) for _ in range(5)] == [3] * 5
        await self.spend(throttle, 3)
        assert [await self.remaining(throttle) for _ in range(2)] == [0, 0]
        assert await self.remaining(throttle, seconds=LIMIT.window_s + 1) == 3

    async def test_buckets_are_counted_apart(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3, bucket="ann")
        assert await self.spend(throttle, 1, bucket="eve") == [2]

    async def test_a_forgiven_bucket_has_all_attempts_again(self, throttle: Throttle) -> None:
        await self.spend(throttle, 3, bucket="ann")
        await self.spend(throttle, 1, bucket="eve")
        await throttle.forgive("ann")
        await throttle.forgive("nobody")
        assert await self.spend(throttle, 1, bucket="ann") == [2]
        assert await self.remaining(throttle, bucket="eve") == 2

    async def test_twenty_attempts_at_once_are_counted_one_by_one(self, throttle: Throttle) -> None:
        limit = Limit(attempts=5, window_s=60)
        result = await race(*(throttle.spend("ann", limit, now=after(0)) for _ in range(20)))
        assert sorted(allowance.remaining for allowance in result.won) == [0, 1, 2, 3, 4]
        assert result.reasons() == {"TooManyAttempts"}
