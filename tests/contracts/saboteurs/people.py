"""Saboteurs of accounts."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.ports.conformance.identity import AccountsContract
from kassa.ports.errors import EmailTaken, LoginRefused, UnknownAccount
from kassa.ports.identity import Account, ChangePassword, Credentials, Register, Role
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

# --- registering


@breaks(AccountsContract, "test_a_newcomer_has_an_active_account_with_what_they_told")
class ForgetsWhenItBegan(SqliteAccounts):
    async def register(self, act: Register) -> int:
        account_id = await super().register(act)
        await sql(self, "UPDATE accounts SET created_at = 0")
        return account_id


@breaks(AccountsContract, "test_registering_writes_its_events_and_its_audit_entry")
class ForgetsTheEventsOfRegistering(SqliteAccounts):
    async def register(self, act: Register) -> int:
        return await super().register(replace(act, events=tuple(replace(event, subject="x") for event in act.events)))


@breaks(
    AccountsContract,
    "test_registering_writes_its_events_and_its_audit_entry",
    "test_of_eight_registrations_of_one_address_at_once_one_wins",
)
class ForgetsTheAuditEntryOfRegistering(SqliteAccounts):
    async def register(self, act: Register) -> int:
        return await super().register(replace(act, audit=mislabelled(act.audit)))


@breaks(AccountsContract, "test_an_address_is_registered_once_however_it_is_spelled")
class OverwritesTheFirstOwner(SqliteAccounts):
    async def register(self, act: Register) -> int:
        try:
            return await super().register(act)
        except EmailTaken:
            if act.password_hash != (await super().credentials(act.email_key)).password_hash:
                await sql(self, "UPDATE accounts SET password = :new", new=act.password_hash)
            raise


@breaks(AccountsContract, "test_of_eight_registrations_of_one_address_at_once_one_wins")
class RegistersTwiceInACrowd(SqliteAccounts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def register(self, act: Register) -> int:
        async with self.crowded.entered() as crowd:
            self.number = getattr(self, "number", 0) + 1
            return await super().register(replace(act, email_key=f"{act.email_key}{self.number}") if crowd else act)


@breaks(AccountsContract, "test_a_note_writes_its_events_and_its_audit_entry")
class NotesTheFirstEventOnly(SqliteAccounts):
    async def note(self, events: Any, audit: Any) -> None:
        await super().note(events[:1], audit)


# --- finding


@breaks(
    AccountsContract,
    "test_credentials_are_found_by_the_normalised_address",
    "test_credentials_and_account_of_an_inactive_account_are_found",
)
class FindsTheAddressAsItWasTyped(SqliteAccounts):
    async def credentials(self, email_key: str) -> Credentials:
        found = await super().credentials(email_key)
        if found.account.email != email_key:
            raise UnknownAccount
        return found


@breaks(AccountsContract, "test_credentials_and_account_of_an_inactive_account_are_found")
class HidesInactiveAccounts(SqliteAccounts):
    async def credentials(self, email_key: str) -> Credentials:
        found = await super().credentials(email_key)
        if not found.account.is_active:
            raise UnknownAccount
        return found


@breaks(AccountsContract, "test_credentials_are_found_by_id")
class FindsTheFirstCredentials(SqliteAccounts):
    async def credentials_of(self, account_id: int) -> Credentials:
        found = await super().credentials_of(account_id)
        first = (await super().credentials_of(1)).account
        return replace(found, account=replace(found.account, email=first.email))


@breaks(AccountsContract, "test_an_address_nobody_registered_has_no_credentials")
class FindsSomebodyForAnyAddress(SqliteAccounts):
    async def credentials(self, email_key: str) -> Credentials:
        try:
            return await super().credentials(email_key)
        except UnknownAccount:
            return await super().credentials_of(1)


@breaks(AccountsContract, "test_an_id_nobody_has_is_an_unknown_account")
class FindsSomebodyForAnyId(SqliteAccounts):
    async def account(self, account_id: int) -> Account:
        try:
            return await super().account(account_id)
        except UnknownAccount:
            return await super().account(1)


# --- the address


@breaks(AccountsContract, "test_a_changed_address_is_kept_and_audited")
class AnswersTheNewAddressAndKeepsTheOld(SqliteAccounts):
    async def change_address(self, account_id: int, address: str, audit: Any) -> Account:
        old = (await super().account(account_id)).address
        return replace(await super().change_address(account_id, old, audit), address=address)


@breaks(AccountsContract, "test_a_changed_address_is_kept_and_audited")
class ForgetsTheAuditEntryOfAnAddress(SqliteAccounts):
    async def change_address(self, account_id: int, address: str, audit: Any) -> Account:
        return await super().change_address(account_id, address, mislabelled(audit))


@breaks(AccountsContract, "test_one_address_is_changed_and_no_other")
class ChangesEverybodysAddress(SqliteAccounts):
    async def change_address(self, account_id: int, address: str, audit: Any) -> Account:
        await sql(self, "UPDATE accounts SET address = :to WHERE id > :id", to=address, id=account_id)
        return await super().change_address(account_id, address, audit)


@breaks(AccountsContract, "test_the_address_of_nobody_cannot_be_changed")
class AuditsTheAddressOfNobody(SqliteAccounts):
    async def change_address(self, account_id: int, address: str, audit: Any) -> Any:
        return await leaving(self, super().change_address(account_id, address, audit), UnknownAccount)


# --- the password


@breaks(
    AccountsContract, "test_a_changed_password_is_the_one_that_counts", "test_of_two_password_changes_at_once_one_wins"
)
class KeepsTheOldPassword(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        return await super().change_password(replace(act, new_hash=act.old_hash))


@breaks(AccountsContract, "test_changing_the_password_ends_every_session_and_opens_one")
class EndsOnlyOlderSessions(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        found = await super().change_password(act)
        await sql(
            self,
            "UPDATE sessions SET ended_at = NULL WHERE opened_at >= (SELECT sessions_valid_from FROM accounts)",
        )
        return found


@breaks(AccountsContract, "test_changing_the_password_writes_its_events_and_its_audit_entry")
class ForgetsTheMailAboutThePassword(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        return await super().change_password(replace(act, events=()))


@breaks(AccountsContract, "test_changing_the_password_writes_its_events_and_its_audit_entry")
class ForgetsTheAuditEntryOfThePassword(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        return await super().change_password(replace(act, audit=mislabelled(act.audit)))


@breaks(AccountsContract, "test_a_password_decided_on_an_old_hash_is_not_changed")
class IgnoresTheOldHash(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        current = (await super().credentials_of(act.account_id)).password_hash
        return await super().change_password(replace(act, old_hash=current))


@breaks(AccountsContract, "test_a_password_decided_on_an_old_hash_is_not_changed")
class EndsSessionsOfARefusedChange(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        try:
            return await super().change_password(act)
        except LoginRefused:
            if (await super().account(act.account_id)).is_active and act.old_hash == act.new_hash:
                await super().end_sessions(act.account_id, at=act.at, audit=act.audit)
            raise


@breaks(AccountsContract, "test_an_inactive_account_does_not_change_its_password")
class ChangesThePasswordOfTheInactive(SqliteAccounts):
    async def change_password(self, act: ChangePassword) -> int:
        await sql(self, "UPDATE accounts SET is_active = 1")
        return await super().change_password(act)


@breaks(AccountsContract, "test_of_two_password_changes_at_once_one_wins")
class ChecksTheHashBeforeItsTurn(SqliteAccounts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def change_password(self, act: ChangePassword) -> int:
        async with self.crowded.entered() as crowd:
            try:
                return await super().change_password(act)
            except LoginRefused:
                if not crowd:
                    raise
                current = (await super().credentials_of(act.account_id)).password_hash
                return await super().change_password(replace(act, old_hash=current))


# --- operators


@breaks(AccountsContract, "test_a_deactivated_account_can_be_activated_again")
class NeverActivatesAgain(SqliteAccounts):
    async def set_active(self, account_id: int, *, is_active: bool, at: Any, audit: Any) -> Account:
        was = (await super().account(account_id)).is_active
        return await super().set_active(account_id, is_active=is_active and was, at=at, audit=audit)


@breaks(AccountsContract, "test_a_deactivated_account_can_be_activated_again")
class ForgetsTheAuditEntryOfActivating(SqliteAccounts):
    async def set_active(self, account_id: int, *, is_active: bool, at: Any, audit: Any) -> Account:
        return await super().set_active(account_id, is_active=is_active, at=at, audit=mislabelled(audit))


@breaks(AccountsContract, "test_deactivating_ends_all_sessions_for_good")
class LetsSessionsSleep(SqliteAccounts):
    async def set_active(self, account_id: int, *, is_active: bool, at: Any, audit: Any) -> Account:
        found = await super().set_active(account_id, is_active=is_active, at=at, audit=audit)
        await sql(self, "UPDATE sessions SET ended_at = NULL")
        await sql(self, "UPDATE accounts SET sessions_valid_from = created_at")
        return found


@breaks(AccountsContract, "test_activating_ends_no_session")
class EndsSessionsByActivating(SqliteAccounts):
    async def set_active(self, account_id: int, *, is_active: bool, at: Any, audit: Any) -> Account:
        await super().set_active(account_id, is_active=False, at=at, audit=mislabelled(audit))
        return await super().set_active(account_id, is_active=is_active, at=at, audit=audit)


@breaks(AccountsContract, "test_nobody_cannot_be_deactivated")
class AuditsNobody(SqliteAccounts):
    async def set_active(self, account_id: int, **how: Any) -> Any:
        return await leaving(self, super().set_active(account_id, **how), UnknownAccount)


@breaks(AccountsContract, "test_a_role_is_given_and_audited_and_live_sessions_speak_for_it")
class SpeaksForTheOldRole(SqliteAccounts):
    async def resolve(self, token_hash: bytes, *, now: Any) -> Any:
        found = await super().resolve(token_hash, now=now)
        return replace(found, principal=replace(found.principal, role=Role.CUSTOMER))


@breaks(AccountsContract, "test_a_role_is_given_and_audited_and_live_sessions_speak_for_it")
class ForgetsTheAuditEntryOfARole(SqliteAccounts):
    async def set_role(self, account_id: int, role: Role, audit: Any) -> Account:
        return await super().set_role(account_id, role, mislabelled(audit))


@breaks(AccountsContract, "test_nobody_has_no_role")
class GivesNobodyARole(SqliteAccounts):
    async def set_role(self, account_id: int, role: Role, audit: Any) -> Any:
        return await leaving(self, super().set_role(account_id, role, audit), UnknownAccount)
