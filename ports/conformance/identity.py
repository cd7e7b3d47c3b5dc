"""The contract of `kassa.ports.identity.Accounts`: people, addresses, passwords, roles. Sessions: `sessions`."""

import pytest

from kassa.ports.errors import EmailTaken, LoginRefused, NotAuthenticated, UnknownAccount
from kassa.ports.identity import Account, ChangePassword, Role

from .samples import (
    HASH,
    NOW,
    OTHER_HASH,
    a_session,
    after,
    an_account,
    entry,
    event,
    log_in,
    new_session,
    registration,
    token_hash,
)
from .stores import Stores
from .witness import all_audit, audit_of, nothing_changes, race, waiting


def changing(account_id: int, *, old_hash: str = HASH, token: str = "fresh", seconds: float = 60) -> ChangePassword:
    """The act of changing a password to `OTHER_HASH`, opening a session for `token`."""
    return ChangePassword(
        account_id=account_id,
        old_hash=old_hash,
        new_hash=OTHER_HASH,
        session=new_session(token, at=after(seconds)),
        at=after(seconds),
        events=(event("mail.send"),),
        audit=entry("password.changed", at=after(seconds)),
    )


class AccountsContract:
    """Every clause of `Accounts` that is about people. Provide the fixture `stores`."""

    pytestmark = pytest.mark.asyncio

    # --- registering

    async def test_a_newcomer_has_an_active_account_with_what_they_told(self, stores: Stores) -> None:
        account_id = await stores.accounts.register(registration("Ann@Example.org"))
        assert await stores.accounts.account(account_id) == Account(
            id=account_id,
            email="Ann@Example.org",
            address="1 Main Street\nSpringfield",
            is_active=True,
            role=Role.CUSTOMER,
            created_at=NOW,
        )

    async def test_registering_writes_its_events_and_its_audit_entry(self, stores: Stores) -> None:
        act = registration()
        await stores.accounts.register(act)
        assert [record.entry for record in await all_audit(stores)] == [act.audit]
        items = await stores.outbox.claim(now=after(1), limit=10, lease_s=30)
        assert [item.event for item in items] == list(act.events)

    async def test_an_address_is_registered_once_however_it_is_spelled(self, stores: Stores) -> None:
        account_id = await an_account(stores, "Ann@Example.org")
        async with nothing_changes(stores, account_id):
            with pytest.raises(EmailTaken):
                await stores.accounts.register(registration("ANN@example.ORG", password_hash=OTHER_HASH))

    async def test_of_eight_registrations_of_one_address_at_once_one_wins(self, stores: Stores) -> None:
        result = await race(*(stores.accounts.register(registration()) for _ in range(8)))
        assert (len(result.won), result.reasons()) == (1, {"EmailTaken"})
        assert len(await audit_of(stores, "account.registered")) == 1
        assert await waiting(stores) == 1

    async def test_a_note_writes_its_events_and_its_audit_entry(self, stores: Stores) -> None:
        noted = entry("login.refused", "account:7")
        await stores.accounts.note((event("mail.send"), event("login.refused")), noted)
        assert [record.entry for record in await all_audit(stores)] == [noted]
        items = await stores.outbox.claim(now=after(1), limit=10, lease_s=30)
        assert [item.event for item in items] == [event("mail.send"), event("login.refused")]

    # --- finding

    async def test_credentials_are_found_by_the_normalised_address(self, stores: Stores) -> None:
        account_id = await an_account(stores, "Ann@Example.org")
        found = await stores.accounts.credentials("ann@example.org")
        assert (found.account.id, found.account.email, found.password_hash) == (account_id, "Ann@Example.org", HASH)

    async def test_credentials_and_account_of_an_inactive_account_are_found(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await stores.accounts.set_active(account_id, is_active=False, at=NOW, audit=entry("account.deactivated"))
        assert not (await stores.accounts.credentials("ann@example.org")).account.is_active
        assert not (await stores.accounts.credentials_of(account_id)).account.is_active
        assert not (await stores.accounts.account(account_id)).is_active

    async def test_credentials_are_found_by_id(self, stores: Stores) -> None:
        await an_account(stores, "Eve@Example.org")
        account_id = await an_account(stores, "Ann@Example.org")
        assert (await stores.accounts.credentials_of(account_id)).account.email == "Ann@Example.org"

    async def test_an_address_nobody_registered_has_no_credentials(self, stores: Stores) -> None:
        await an_account(stores, "Ann@Example.org")
        with pytest.raises(UnknownAccount):
            await stores.accounts.credentials("eve@example.org")

    async def test_an_id_nobody_has_is_an_unknown_account(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        with pytest.raises(UnknownAccount):
            await stores.accounts.credentials_of(account_id + 1)
        with pytest.raises(UnknownAccount):
            await stores.accounts.account(account_id + 1)

    # --- the default address

    async def test_a_changed_address_is_kept_and_audited(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        changed = await stores.accounts.change_address(account_id, "2 Side Street", entry("address.changed"))
        assert changed.address == "2 Side Street"
        assert await stores.accounts.account(account_id) == changed
        assert len(await audit_of(stores, "address.changed")) == 1

    async def test_one_address_is_changed_and_no_other(self, stores: Stores) -> None:
        ann, eve = await an_account(stores), await an_account(stores, "Eve@Example.org")
        await stores.accounts.change_address(ann, "2 Side Street", entry("address.changed"))
        assert (await stores.accounts.account(eve)).address == "1 Main Street\nSpringfield"

    async def test_the_address_of_nobody_cannot_be_changed(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        async with nothing_changes(stores, account_id):
            with pytest.raises(UnknownAccount):
                await stores.accounts.change_address(account_id + 1, "2 Side Street", entry("address.changed"))

    # --- the password

    async def test_a_changed_password_is_the_one_that_counts(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await stores.accounts.change_password(changing(account_id))
        assert (await stores.accounts.credentials_of(account_id)).password_hash == OTHER_HASH
        with pytest.raises(LoginRefused):
            await stores.accounts.log_in(log_in(account_id, new_session("old password", at=after(90))))

    async def test_changing_the_password_ends_every_session_and_opens_one(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await a_session(stores, account_id, "phone")
        await a_session(stores, account_id, "at that very moment", at=after(60))
        session_id = await stores.accounts.change_password(changing(account_id, token="fresh"))
        for token in ("phone", "at that very moment"):
            with pytest.raises(NotAuthenticated):
                await stores.accounts.resolve(token_hash(token), now=after(61))
        found = await stores.accounts.resolve(token_hash("fresh"), now=after(61))
        assert (found.principal.session_id, found.principal.account_id) == (session_id, account_id)

    async def test_changing_the_password_writes_its_events_and_its_audit_entry(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        before = await waiting(stores)
        await stores.accounts.change_password(changing(account_id))
        assert await waiting(stores) == before + 1
        assert len(await audit_of(stores, "password.changed")) == 1

    async def test_a_password_decided_on_an_old_hash_is_not_changed(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await a_session(stores, account_id, "phone")
        async with nothing_changes(stores, account_id):
            with pytest.raises(LoginRefused):
                await stores.accounts.change_password(changing(account_id, old_hash=OTHER_HASH))

    async def test_an_inactive_account_does_not_change_its_password(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await stores.accounts.set_active(account_id, is_active=False, at=NOW, audit=entry("account.deactivated"))
        async with nothing_changes(stores, account_id):
            with pytest.raises(LoginRefused):
                await stores.accounts.change_password(changing(account_id))

    async def test_of_two_password_changes_at_once_one_wins(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        result = await race(
            *(stores.accounts.change_password(changing(account_id, token=token)) for token in ("one", "two"))
        )
        assert (len(result.won), result.reasons()) == (1, {"LoginRefused"})
        assert len(await stores.accounts.sessions(account_id, now=after(61))) == 1

    # --- what operators do

    async def test_a_deactivated_account_can_be_activated_again(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        off = await stores.accounts.set_active(account_id, is_active=False, at=NOW, audit=entry("account.deactivated"))
        on = await stores.accounts.set_active(account_id, is_active=True, at=NOW, audit=entry("account.activated"))
        assert (off.is_active, on.is_active) == (False, True)
        assert (await stores.accounts.account(account_id)).is_active
        assert [len(await audit_of(stores, f"account.{word}")) for word in ("deactivated", "activated")] == [1, 1]

    async def test_deactivating_ends_all_sessions_for_good(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await a_session(stores, account_id, "phone")
        await stores.accounts.set_active(account_id, is_active=False, at=after(5), audit=entry("account.deactivated"))
        await stores.accounts.set_active(account_id, is_active=True, at=after(6), audit=entry("account.activated"))
        with pytest.raises(NotAuthenticated):
            await stores.accounts.resolve(token_hash("phone"), now=after(7))

    async def test_activating_ends_no_session(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await a_session(stores, account_id, "phone")
        await stores.accounts.set_active(account_id, is_active=True, at=after(5), audit=entry("account.activated"))
        assert (await stores.accounts.resolve(token_hash("phone"), now=after(6))).principal.account_id == account_id

    async def test_nobody_cannot_be_deactivated(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        async with nothing_changes(stores, account_id):
            with pytest.raises(UnknownAccount):
                await stores.accounts.set_active(account_id + 1, is_active=False, at=NOW, audit=entry("deactivated"))

    async def test_a_role_is_given_and_audited_and_live_sessions_speak_for_it(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        await a_session(stores, account_id, "phone")
        assert (await stores.accounts.set_role(account_id, Role.OPERATOR, entry("role.set"))).role is Role.OPERATOR
        assert (await stores.accounts.account(account_id)).role is Role.OPERATOR
        assert (await stores.accounts.resolve(token_hash("phone"), now=after(1))).principal.role is Role.OPERATOR
        assert len(await audit_of(stores, "role.set")) == 1

    async def test_nobody_has_no_role(self, stores: Stores) -> None:
        account_id = await an_account(stores)
        async with nothing_changes(stores, account_id):
            with pytest.raises(UnknownAccount):
                await stores.accounts.set_role(account_id + 1, Role.OPERATOR, entry("role.set"))
