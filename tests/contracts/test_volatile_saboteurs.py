"""The contracts of throttle, session cache, pricing and mail bite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kassa.adapters.mail import FolderMailer
from kassa.adapters.memory import MemorySessionCache, MemoryThrottle
from kassa.adapters.pricing.flat import FlatPricing
from kassa.ports.conformance.pricing import PricingContract
from kassa.ports.conformance.session_cache import SessionCacheContract
from kassa.ports.conformance.throttle import ThrottleContract
from kassa.ports.errors import TooManyAttempts
from kassa.ports.money import Money
from kassa.ports.pricing import Adjustment
from tests.contracts import test_mailers
from tests.contracts.clock import HandClock

pytest_plugins = "pytester"
SABOTEURS: dict[str, tuple[type, set[str]]] = {}


def breaks(*tests: str) -> Any:
    def register(adapter: type) -> type:
        SABOTEURS[adapter.__name__] = (adapter, set(tests))
        return adapter

    return register


# --- throttle


@breaks(
    "test_every_attempt_is_counted",
    "test_a_new_window_begins_with_all_attempts",
    "test_refused_attempts_count_nothing_more",
    "test_twenty_attempts_at_once_are_counted_one_by_one",
    "test_waiting_as_long_as_told_is_enough",
    "test_buckets_are_counted_apart",
    "test_a_forgiven_bucket_has_all_attempts_again",
)
class TellsOneMoreThanIsLeft(MemoryThrottle):
    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        found = await super().spend(bucket, limit, now=now)
        return replace(found, remaining=min(found.remaining + 1, limit.attempts))


@breaks("test_a_used_up_limit_is_told_with_the_time_to_wait", "test_waiting_as_long_as_told_is_enough")
class TellsNoTimeToWait(MemoryThrottle):
    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        try:
            return await super().spend(bucket, limit, now=now)
        except TooManyAttempts as error:
            raise TooManyAttempts(0) from error


@breaks("test_refused_attempts_count_nothing_more")
class PunishesEveryRefusedAttempt(MemoryThrottle):
    refused = 0

    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        try:
            return await super().spend(bucket, limit, now=now)
        except TooManyAttempts as error:
            self.refused += 1
            raise TooManyAttempts(error.retry_after_s - self.refused + 1) from error


@breaks("test_an_allowance_says_when_all_attempts_are_back")
class PromisesTooEarly(MemoryThrottle):
    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        return replace(await super().spend(bucket, limit, now=now), reset_s=1)


@breaks("test_looking_counts_nothing_and_never_refuses", "test_an_allowance_says_when_all_attempts_are_back",
        "test_a_forgiven_bucket_has_all_attempts_again")  # fmt: skip
class CountsLooking(MemoryThrottle):
    async def peek(self, bucket: str, limit: Any, *, now: Any) -> Any:
        return await self.spend(bucket, limit, now=now)


@breaks("test_buckets_are_counted_apart", "test_a_forgiven_bucket_has_all_attempts_again")
class CountsAllTogether(MemoryThrottle):
    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        return await super().spend("all", limit, now=now)

    async def peek(self, bucket: str, limit: Any, *, now: Any) -> Any:
        return await super().peek("all", limit, now=now)


@breaks("test_a_forgiven_bucket_has_all_attempts_again")
class ForgivesNobody(MemoryThrottle):
    async def forgive(self, bucket: str) -> None:
        return None


@breaks("test_twenty_attempts_at_once_are_counted_one_by_one")
class ReadsThenCounts(MemoryThrottle):
    async def spend(self, bucket: str, limit: Any, *, now: Any) -> Any:
        before = await super().peek(bucket, limit, now=now)
        await HandTurn()
        if before.remaining and not (await super().peek(bucket, limit, now=now)).remaining:
            return before
        return await super().spend(bucket, limit, now=now)


class HandTurn:
    def __await__(self) -> Any:
        yield


# --- session cache


@breaks("test_what_was_never_put_is_not_cached", "test_nothing_is_kept_for_more_than_two_seconds",
        "test_a_dropped_session_is_gone_for_everybody",
        "test_a_dropped_account_is_gone_after_two_seconds_at_the_latest")  # fmt: skip
class FindsSomebody(MemorySessionCache):
    async def get(self, token_hash: bytes) -> Any:
        return await super().get(token_hash) or "somebody"


@breaks("test_what_was_put_is_found_by_its_own_token", "test_what_was_put_again_is_the_newer",
        "test_a_dropped_session_is_gone_for_everybody", "test_dropping_an_account_spares_the_others")  # fmt: skip
class KeepsNothing(MemorySessionCache):
    async def put(self, token_hash: bytes, session: Any) -> None:
        return None


@breaks("test_what_was_put_again_is_the_newer")
class KeepsTheFirst(MemorySessionCache):
    async def put(self, token_hash: bytes, session: Any) -> None:
        if await super().get(token_hash) is None:
            await super().put(token_hash, session)


@breaks("test_nothing_is_kept_for_more_than_two_seconds")
class KeepsForAMinute(MemorySessionCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock, ttl_s=60)


@breaks("test_a_dropped_session_is_gone_for_everybody")
class DropsNothing(MemorySessionCache):
    async def drop(self, token_hash: bytes) -> None:
        return None


@breaks("test_dropping_what_is_not_there_is_no_error")
class MindsWhatIsNotThere(MemorySessionCache):
    async def drop(self, token_hash: bytes) -> None:
        del self._kept[token_hash]


@breaks("test_dropping_an_account_spares_the_others")
class DropsEverybody(MemorySessionCache):
    async def drop_account(self, account_id: int) -> None:
        self._kept.clear()


@breaks(
    "test_a_dropped_account_is_gone_after_two_seconds_at_the_latest", "test_nothing_is_kept_for_more_than_two_seconds"
)
class KeepsDroppedAccounts(MemorySessionCache):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock, ttl_s=60)

    async def drop_account(self, account_id: int) -> None:
        return None


# --- pricing

PRICES = "test_prices_are_of_the_baskets_currency_repeatable_and_never_below_zero"


@breaks(PRICES)
class PricesInAnotherCurrency(FlatPricing):
    async def adjustments(self, basket: Any) -> Any:
        return (Adjustment(kind="shipping", label="Parcel", amount=Money(amount=1, currency="USD")),)


@breaks(PRICES)
class RaisesThePriceEveryTime(FlatPricing):
    asked = 0

    async def adjustments(self, basket: Any) -> Any:
        self.asked += 1
        return (Adjustment(kind="shipping", label="Parcel", amount=Money(amount=self.asked, currency="EUR")),)


@breaks(PRICES)
class GivesMoneyAway(FlatPricing):
    async def adjustments(self, basket: Any) -> Any:
        return (Adjustment(kind="discount", label="Gift", amount=Money(amount=-(10**13), currency="EUR")),)


# --- mail


@breaks("test_a_message_is_with_the_next_hop_when_sending_returns", "test_every_character_arrives",
        "test_a_subject_cannot_add_a_header", "test_two_messages_are_two")  # fmt: skip
class SendsNothing(FolderMailer):
    async def send(self, mail: Any) -> None:
        self._folder.joinpath("1.eml").write_bytes(b"To: x\r\nSubject: y\r\nMessage-ID: <z@z>\r\n\r\n")


@breaks("test_every_character_arrives")
class LosesAccents(FolderMailer):
    async def send(self, mail: Any) -> None:
        await super().send(replace(mail, text=mail.text.encode("ascii", "replace").decode()))


@breaks("test_two_messages_are_two")
class KeepsTheLastOnly(FolderMailer):
    async def send(self, mail: Any) -> None:
        for path in self._folder.iterdir():
            path.unlink()
        await super().send(mail)


def examined(adapter: type) -> type:
    if issubclass(adapter, MemoryThrottle):

        class Throttled(ThrottleContract):
            @pytest.fixture
            def throttle(self) -> Any:
                return adapter()

        return Throttled
    if issubclass(adapter, MemorySessionCache):

        class Cached(SessionCacheContract):
            @pytest.fixture
            def clock(self) -> HandClock:
                return HandClock()

            @pytest.fixture
            def cache(self, clock: HandClock) -> Any:
                return adapter(clock)

            @pytest.fixture
            def later(self, clock: HandClock) -> Any:
                return clock.sleep

        return Cached
    if issubclass(adapter, FlatPricing):

        class Priced(PricingContract):
            @pytest.fixture
            def pricing(self) -> Any:
                return adapter(shipping=Money(amount=490, currency="EUR"), tax_rate_bp=1900)

        return Priced

    class Mailed(test_mailers.TestFolderMailer):
        @pytest.fixture
        def mailer(self, tmp_path: Path) -> Any:
            return adapter(tmp_path, HandClock())

    return Mailed


def saboteurs() -> dict[str, type]:
    return {f"Test{name}": examined(adapter) for name, (adapter, _) in SABOTEURS.items()}


def test_every_saboteur_fails_the_clause_it_breaks_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_sabotage="from tests.contracts.test_volatile_saboteurs import saboteurs\nglobals().update(saboteurs())"
    )
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    _, _, failed = pytester.inline_run("-p", "no:cacheprovider", "-q", "--tb=no").listoutcomes()
    bitten: dict[str, set[str]] = {name: set() for name in SABOTEURS}
    for report in failed:
        _, name, test = report.nodeid.split("::")
        bitten[name.removeprefix("Test")].add(test.partition("[")[0])
    surprises = [
        f"{name}: {'+' if test in bitten[name] else '-'} {test}"
        for name, (_, tests) in SABOTEURS.items()
        for test in sorted(tests ^ bitten[name])
    ]
    assert not surprises, "\n".join(surprises)
