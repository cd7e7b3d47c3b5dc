"""Saboteurs of sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.ports.conformance.samples import NOW
from kassa.ports.conformance.sessions import SessionsContract
from kassa.ports.errors import LoginRefused, NotAuthenticated
from kassa.ports.identity import LogIn, ResolvedSession, Session
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, litter, mislabelled, sql

DAY = timedelta(days=1)

# --- logging in


@breaks(SessionsContract, "test_a_session_opened_is_found_by_its_token")
class TellsAnotherEnd(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> ResolvedSession:
        found = await super().resolve(token_hash, now=now)
        return replace(found, times=replace(found.times, ends_at=found.times.idle_until))


@breaks(SessionsContract, "test_logging_in_is_audited")
class ForgetsTheAuditEntry(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        return await super().log_in(replace(act, audit=mislabelled(act.audit)))


@breaks(SessionsContract, "test_logging_in_ends_the_session_it_replaces")
class KeepsTheReplacedSession(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        return await super().log_in(replace(act, replaces=None))


@breaks(SessionsContract, "test_logging_in_ends_the_session_it_replaces")
class EndsEverySessionForOne(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        found = await super().log_in(act)
        if act.replaces:
            await sql(self, "UPDATE sessions SET ended_at = opened_at WHERE id <> :id", id=found)
        return found


@breaks(
    SessionsContract,
    "test_logging_in_keeps_the_hash_unless_a_better_one_is_given",
    "test_of_two_rehashing_log_ins_at_once_the_second_is_refused",
)
class ThrowsTheBetterHashAway(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        return await super().log_in(replace(act, rehashed=None))


@breaks(SessionsContract, "test_a_log_in_decided_on_an_old_hash_is_refused")
class LogsInOnAnyHash(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        current = (await super().credentials_of(act.account_id)).password_hash
        return await super().log_in(replace(act, password_hash=current))


@breaks(SessionsContract, "test_a_log_in_decided_on_an_old_hash_is_refused")
class EndsASessionForARefusedLogIn(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        try:
            return await super().log_in(act)
        except LoginRefused:
            if act.replaces:
                await sql(self, "UPDATE sessions SET ended_at = opened_at")
            raise


@breaks(SessionsContract, "test_an_inactive_account_does_not_log_in")
class LogsTheInactiveIn(SqliteAccounts):
    async def log_in(self, act: LogIn) -> int:
        await sql(self, "UPDATE accounts SET is_active = 1")
        return await super().log_in(act)


@breaks(SessionsContract, "test_an_inactive_account_does_not_log_in")
class AuditsARefusedLogIn(SqliteAccounts):
    async def log_in(self, act: LogIn) -> Any:
        if (await super().account(act.account_id)).is_active:
            return await super().log_in(act)
        return await leaving(self, super().log_in(act), LoginRefused)


@breaks(SessionsContract, "test_of_two_rehashing_log_ins_at_once_the_second_is_refused")
class ChecksTheHashBeforeItsTurn(SqliteAccounts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def log_in(self, act: LogIn) -> int:
        async with self.crowded.entered() as crowd:
            try:
                return await super().log_in(act)
            except LoginRefused:
                if not crowd:
                    raise
                current = (await super().credentials_of(act.account_id)).password_hash
                return await super().log_in(replace(act, password_hash=current))


# --- resolving


@breaks(
    SessionsContract,
    "test_a_token_nobody_was_given_is_not_authenticated",
    "test_a_log_in_decided_on_an_old_hash_is_refused",
)
class LetsAnybodyIn(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> ResolvedSession:
        known = (await sql(self, "SELECT count(*) FROM sessions WHERE token_hash = :h", h=token_hash)).scalar()
        only = (await sql(self, "SELECT min(token_hash) FROM sessions")).scalar()
        return await super().resolve(token_hash if known else only, now=now)


@breaks(SessionsContract, "test_a_session_not_used_for_its_idle_time_is_over")
class ForgetsIdling(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> ResolvedSession:
        try:
            return await super().resolve(token_hash, now=now)
        except NotAuthenticated:
            if (now - NOW).total_seconds() != 101:
                raise
            return await super().resolve(token_hash, now=NOW)


@breaks(SessionsContract, "test_a_session_ends_at_its_end_however_much_it_is_used")
class MovesTheEndWithUse(SqliteAccounts):
    async def touch(self, session_id: int, *, now: Any, idle_until: Any) -> None:
        await super().touch(session_id, now=now, idle_until=idle_until)
        await sql(self, "UPDATE sessions SET ends_at = max(ends_at, idle_until)")


@breaks(SessionsContract, "test_a_session_of_an_inactive_account_is_over")
class AsksOnlyTheSession(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> ResolvedSession:
        inactive = (await sql(self, "SELECT count(*) FROM accounts WHERE is_active = 0")).scalar()
        if inactive:
            await sql(self, "UPDATE accounts SET is_active = 1")
            await sql(self, "UPDATE sessions SET ended_at = NULL")
        return await super().resolve(token_hash, now=now)


@breaks(SessionsContract, "test_each_token_speaks_for_its_own_account")
class SpeaksForTheFirstAccount(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> ResolvedSession:
        found = await super().resolve(token_hash, now=now)
        return replace(found, principal=replace(found.principal, account_id=1))


# --- using


@breaks(
    SessionsContract,
    "test_a_session_that_is_used_lives_on",
    "test_a_session_ends_at_its_end_however_much_it_is_used",
)
class IgnoresUse(SqliteAccounts):
    async def touch(self, session_id: int, *, now: Any, idle_until: Any) -> None:
        return None


@breaks(SessionsContract, "test_using_a_session_never_shortens_it")
class ShortensIt(SqliteAccounts):
    async def touch(self, session_id: int, *, now: Any, idle_until: Any) -> None:
        await super().touch(session_id, now=now, idle_until=idle_until)
        if (idle_until - now).total_seconds() == 10:
            await sql(self, "UPDATE sessions SET idle_until = opened_at + 20000000")


@breaks(SessionsContract, "test_using_never_revives_a_session_that_was_ended")
class RevivesTheEnded(SqliteAccounts):
    async def touch(self, session_id: int, *, now: Any, idle_until: Any) -> None:
        await sql(self, "UPDATE sessions SET ended_at = NULL WHERE id = :id", id=session_id)
        await super().touch(session_id, now=now, idle_until=idle_until)


@breaks(SessionsContract, "test_using_never_revives_a_session_that_was_idle_too_long")
class RevivesTheIdle(SqliteAccounts):
    async def touch(self, session_id: int, *, now: Any, idle_until: Any) -> None:
        late = (now - NOW).total_seconds() > 100
        await super().touch(session_id, now=NOW if late else now, idle_until=idle_until)


# --- seeing


@breaks(SessionsContract, "test_sessions_are_told_newest_first")
class TellsTheOldestFirst(SqliteAccounts):
    async def sessions(self, account_id: int, *, now: Any) -> tuple[Session, ...]:
        found = await super().sessions(account_id, now=now)
        return found[::-1] if len(found) < 50 else found


@breaks(SessionsContract, "test_sessions_are_told_newest_first")
class TellsEverybodysSessions(SqliteAccounts):
    async def sessions(self, account_id: int, *, now: Any) -> tuple[Session, ...]:
        own = await super().sessions(account_id, now=now)
        return own + (await super().sessions(account_id + 1, now=now) if len(own) == 3 else ())


@breaks(SessionsContract, "test_sessions_that_are_over_are_not_told")
class TellsWhatIsOver(SqliteAccounts):
    async def sessions(self, account_id: int, *, now: Any) -> tuple[Session, ...]:
        await sql(self, "UPDATE sessions SET ended_at = NULL WHERE label = 'browser of ended'")
        return await super().sessions(account_id, now=now)


@breaks(SessionsContract, "test_at_most_a_hundred_sessions_are_told")
class TellsNinety(SqliteAccounts):
    async def sessions(self, account_id: int, *, now: Any) -> tuple[Session, ...]:
        return (await super().sessions(account_id, now=now))[:90]


# --- ending


@breaks(SessionsContract, "test_an_ended_session_is_over_and_the_others_are_not")
class EndsTheOthersToo(SqliteAccounts):
    async def end_session(self, session_id: int, *, account_id: int, at: Any, audit: Any) -> None:
        await super().end_session(session_id, account_id=account_id, at=at, audit=audit)
        await sql(self, "UPDATE sessions SET ended_at = opened_at WHERE label = 'browser of tablet'")


@breaks(SessionsContract, "test_an_ended_session_is_over_and_the_others_are_not")
class ForgetsTheAuditEntryOfAnEnd(SqliteAccounts):
    async def end_session(self, session_id: int, *, account_id: int, at: Any, audit: Any) -> None:
        await super().end_session(session_id, account_id=account_id, at=at, audit=mislabelled(audit))


@breaks(SessionsContract, "test_ending_a_session_again_changes_nothing")
class AuditsEveryEnd(SqliteAccounts):
    async def end_session(self, session_id: int, **how: Any) -> None:
        over = (await sql(self, "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL")).scalar()
        await super().end_session(session_id, **how)
        if over:
            await litter(self)


@breaks(SessionsContract, "test_nobody_ends_the_session_of_another")
class EndsAnybodysSession(SqliteAccounts):
    async def end_session(self, session_id: int, *, account_id: int, at: Any, audit: Any) -> None:
        owner = (await sql(self, "SELECT account_id FROM sessions WHERE id = :id", id=session_id)).scalar()
        await super().end_session(session_id, account_id=owner, at=at, audit=audit)


@breaks(SessionsContract, "test_all_sessions_opened_until_now_end_in_one_act")
class EndsAllButTheYoungest(SqliteAccounts):
    async def end_sessions(self, account_id: int, *, at: Any, audit: Any) -> None:
        await super().end_sessions(account_id, at=at, audit=audit)
        await sql(self, "UPDATE sessions SET ended_at = NULL WHERE label = 'browser of at that very moment'")


@breaks(SessionsContract, "test_all_sessions_opened_until_now_end_in_one_act")
class EndsTheFutureToo(SqliteAccounts):
    async def end_sessions(self, account_id: int, *, at: Any, audit: Any) -> None:
        await super().end_sessions(account_id, at=at + DAY, audit=audit)


# --- purging


@breaks(SessionsContract, "test_purging_drops_what_ended_before_and_says_how_many")
class PurgesTheLiving(SqliteAccounts):
    async def purge_sessions(self, *, before: Any, limit: int) -> int:
        count = await super().purge_sessions(before=before, limit=limit)
        await sql(self, "DELETE FROM sessions WHERE label = 'browser of live'")
        return count


@breaks(SessionsContract, "test_purging_leaves_what_ended_later")
class PurgesEarly(SqliteAccounts):
    async def purge_sessions(self, *, before: Any, limit: int) -> int:
        return await super().purge_sessions(before=before + timedelta(seconds=2), limit=limit)


@breaks(SessionsContract, "test_purging_is_bounded")
class PurgesAllAtOnce(SqliteAccounts):
    async def purge_sessions(self, *, before: Any, limit: int) -> int:
        return await super().purge_sessions(before=before, limit=1000)
