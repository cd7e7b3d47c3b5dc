"""The provider itself: journal, books, webhooks and timers around one rule: record first, then tell."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from . import accounts, charges, faults
from .books import Books
from .faults import Fault
from .journal import Journal
from .model import (
    Changed,
    Charge,
    Event,
    Fact,
    Merchant,
    MerchantSet,
    Payable,
    RefundOutcome,
    Refused,
    Stored,
    Transfer,
    VirtualAccount,
    WasReset,
    new_id,
    shown,
)
from .options import Options
from .timers import Timers, due_ms
from .webhooks import Deliverer

P = TypeVar("P", bound=Payable)


class Chosen(msgspec.Struct, frozen=True):
    """What one call meets; `queued`: it uses up an entry of the queue; `refunds`: how those of a new charge end."""

    fault: Fault
    queued: bool
    refunds: RefundOutcome


class Provider:
    """One sandbox in one event loop. Every method that changes something is synchronous, and so atomic."""

    def __init__(self, options: Options, base_url: str) -> None:
        self.options = options
        self.base_url = (options.public_url or base_url).rstrip("/")
        self.journal = Journal(options.journal)
        self.books = Books()
        for line in self.journal.lines:
            self.books.apply(line.fact)
        self.webhooks = Deliverer(self.books, self.journal)
        self.timers = Timers(self._ring)
        self.stopping = asyncio.Event()

    def open(self) -> None:
        """Take in the merchants of the command line and go on with what the last process left undone."""
        for merchant in self.options.merchants:
            self.set_merchant(merchant)
        for payable in self.payables():
            self.timers.arm(payable)
        self.webhooks.resume()

    async def close(self) -> None:
        self.timers.clear()
        await self.webhooks.close()
        await self.journal.close()

    def payables(self) -> list[Payable]:
        return [*self.books.charges.values(), *self.books.accounts.values()]

    def record(self, fact: Fact) -> None:
        """The only way to change anything: into the journal, then into the books."""
        self.journal.append(fact)
        self.books.apply(fact)

    def set_merchant(self, merchant: Merchant) -> None:
        holder = self.books.merchant_by_key(merchant.secret_key)
        if holder is not None and holder.name != merchant.name:
            raise Refused(409, "key_in_use", "another merchant has this key")
        if self.books.merchants.get(merchant.name) != merchant:
            self.record(MerchantSet(merchant))

    def change(self, cause: str, after: P, *, stored: Stored | None = None, transfer: Transfer | None = None) -> P:
        """Record an object's new value together with its event and, for a merchant's call, the answer it keeps."""
        event = _event_of(after)
        self.record(
            Changed(
                cause=cause,
                charge=after if isinstance(after, Charge) else None,
                account=after if isinstance(after, VirtualAccount) else None,
                transfer=transfer,
                event=event,
                stored=stored,
                merchant=after.merchant,
            )
        )
        self.timers.arm(after)
        self.webhooks.announce(event)
        return after

    def store(self, merchant: str, stored: Stored) -> None:
        """Keep the answer of a call that changed nothing else, such as voiding what is void."""
        self.record(Changed(cause="answered", stored=stored, merchant=merchant))

    def receive_transfer(self, transfer: Transfer) -> Transfer:
        """Money through the bank: matched to its account, whatever the state of that. Raises Refused 404."""
        account = self.books.account_by_number(transfer.account_number)
        if account is None:
            raise Refused(404, "unknown_account", "no account has this number")
        after, matched = accounts.received(self.up_to_date(account), transfer)
        self.change("transfer_received", after, transfer=matched)
        return matched

    def receive_unmatched(self, merchant: str, transfer: Transfer) -> Transfer:
        """Money that reached the merchant's bank but belongs to no virtual account: only a notice."""
        if merchant not in self.books.merchants:
            raise Refused(404, "unknown_merchant", "there is no such merchant")
        self.tell(merchant, "transfer.unmatched", msgspec.to_builtins(transfer), transfer=transfer)
        return transfer

    def tell(self, merchant: str, kind: str, data: dict[str, Any], *, transfer: Transfer | None = None) -> str:
        """Send an event that changes no charge and no account; its id."""
        event = Event(
            event_id=new_id("evt"),
            type=kind,
            created=charges.now(),
            merchant=merchant,
            data=data,
            object_id=transfer.id if transfer is not None else "",
        )
        cause = "transfer_unmatched" if transfer is not None else "told"
        self.record(Changed(cause=cause, transfer=transfer, event=event, merchant=merchant))
        self.webhooks.announce(event)
        return event.event_id

    def choose_fault(self, merchant: str, op: str, *, source: str | None, amount: int | None, replay: bool) -> Chosen:
        """The fault of this call: from the queue, else of the token, else (if switched on) of the amount.

        A repeated call meets only the queue, and of that only faults of the wire. Raises Refused for a bad source.
        """
        own, refunds = faults.of_source(source) if source is not None else (faults.FAULTS["ok"], "ok")
        queued = faults.of_queue(self.books.faults.get(merchant, ()), op, replay)
        if queued is not None:
            return Chosen(self._timed(queued), True, refunds)
        if replay:
            return Chosen(faults.FAULTS["ok"], False, refunds)
        if source is None and amount is not None and self.options.amount_faults:
            own = faults.of_amount(amount)
        return Chosen(self._timed(own), False, refunds)

    def _timed(self, fault: Fault) -> Fault:
        default = self.options.late_ms if fault.outcome == "late" else self.options.slow_ms
        return replace(fault, delay_ms=default if fault.delay_ms is None else fault.delay_ms)

    def up_to_date(self, account: VirtualAccount) -> VirtualAccount:
        """The account after its expiry has been noticed, in case its timer was not quick enough."""
        if account.expires_at is not None and account.expires_at <= charges.now():
            expired = accounts.closed(account, "expired")
            return account if expired == account else self.change("expired", expired)
        return account

    def _ring(self, payable_id: str) -> None:
        if payable_id in self.books.accounts:
            account = self.up_to_date(self.books.accounts[payable_id])
            self._settle_due(account)
        elif payable_id in self.books.charges:
            self._settle_due(self.books.charges[payable_id])

    def _settle_due(self, payable: Payable) -> None:
        moment_ms = due_ms(payable)
        due = next((m for m in payable.movements if m.due_ms is not None and m.due_ms == moment_ms), None)
        if due is None or due.status != "pending":
            self.timers.arm(payable)
        elif isinstance(payable, Charge) and due is payable.movements[0]:
            self.change("late_success", charges.paid(payable))
        else:
            self.change("late_success", charges.movement_settled(payable, due.id, "succeeded"))

    async def reset(self) -> None:
        """Forget everything but the merchants; the journal keeps all of it."""
        self.timers.clear()
        await self.webhooks.forget()
        self.record(WasReset())


def _event_of(payable: Payable) -> Event:
    return Event(
        event_id=new_id("evt"),
        type="charge.updated" if isinstance(payable, Charge) else "virtual_account.updated",
        created=charges.now(),
        merchant=payable.merchant,
        data=shown(payable),
        object_id=payable.id,
        notify=payable.plan.notify,
    )
