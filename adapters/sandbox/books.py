"""The provider's books: the state, as a fold over the journal's facts. Nothing here reads a clock or the network."""

from __future__ import annotations

from typing import Any

from .model import (
    Called,
    Changed,
    Charge,
    Delivered,
    Event,
    Fact,
    FaultsSet,
    Merchant,
    MerchantSet,
    NextFault,
    Payable,
    Refused,
    Stored,
    Transfer,
    VirtualAccount,
    WasReset,
    total,
)


class Books:
    """Everything the sandbox knows, by id and by merchant reference."""

    def __init__(self) -> None:
        self.merchants: dict[str, Merchant] = {}
        self._forget()

    def _forget(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.accounts: dict[str, VirtualAccount] = {}
        self.events: dict[str, Event] = {}
        self.transfers: list[Transfer] = []
        self.faults: dict[str, tuple[NextFault, ...]] = {}
        self.deliveries: dict[str, Delivered] = {}
        self._stored: dict[tuple[str, str], Stored] = {}
        self._by_ref: dict[tuple[str, str, str], list[str]] = {}
        self._by_number: dict[str, str] = {}

    def apply(self, fact: Fact) -> None:
        """Fold one fact in. The same facts in the same order always give the same books."""
        match fact:
            case MerchantSet(merchant=merchant):
                self.merchants[merchant.name] = merchant
            case FaultsSet(merchant=name, next=queue):
                self.faults[name] = queue
            case Called(queued=True):
                self._use_up(fact)
            case Changed():
                self._change(fact)
            case Delivered():
                self.deliveries[fact.event_id] = fact
            case WasReset():
                self._forget()
            case _:
                pass  # a plain call changes nothing; it is only witnessed

    def _use_up(self, called: Called) -> None:
        queue = list(self.faults.get(called.merchant, ()))
        for index, waiting in enumerate(queue):
            if waiting.op == called.op and waiting.fault == called.fault:
                del queue[index]
                break
        self.faults[called.merchant] = tuple(queue)

    def _change(self, change: Changed) -> None:
        if change.charge is not None:
            charge = change.charge
            self.charges[charge.id] = charge
            self._name("charge", charge)
        if change.account is not None:
            account = change.account
            self.accounts[account.id] = account
            self._name("account", account)
            self._by_number[account.account_number] = account.id
        if change.transfer is not None:
            self.transfers.append(change.transfer)
        if change.event is not None:
            self.events[change.event.event_id] = change.event
        if change.stored is not None and change.merchant is not None:
            self._stored[change.merchant, change.stored.key] = change.stored

    def merchant_by_key(self, secret_key: str) -> Merchant | None:
        return next((m for m in self.merchants.values() if m.secret_key == secret_key), None)

    def stored(self, merchant: str, key: str | None) -> Stored | None:
        return self._stored.get((merchant, key)) if key is not None else None

    def charge(self, charge_id: str, merchant: str | None = None) -> Charge:
        """The charge; `merchant` None is the control's and the customer's view. Raises Refused 404."""
        found = self.charges.get(charge_id)
        if found is None or merchant not in (None, found.merchant):
            raise Refused(404, "not_found", "there is no such charge")
        return found

    def account(self, account_id: str, merchant: str | None = None) -> VirtualAccount:
        found = self.accounts.get(account_id)
        if found is None or merchant not in (None, found.merchant):
            raise Refused(404, "not_found", "there is no such virtual account")
        return found

    def _name(self, kind: str, payable: Payable) -> None:
        named = self._by_ref.setdefault((kind, payable.merchant, payable.merchant_ref), [])
        if payable.id not in named:
            named.append(payable.id)

    def charges_by_ref(self, merchant: str, merchant_ref: str) -> list[Charge]:
        """Oldest first; more than one only where the merchant's references are not refused when used."""
        return [self.charges[one] for one in self._by_ref.get(("charge", merchant, merchant_ref), ())]

    def accounts_by_ref(self, merchant: str, merchant_ref: str) -> list[VirtualAccount]:
        """As for charges."""
        return [self.accounts[one] for one in self._by_ref.get(("account", merchant, merchant_ref), ())]

    def account_by_number(self, account_number: str) -> VirtualAccount | None:
        found = self._by_number.get(account_number)
        return self.accounts[found] if found else None

    def undelivered(self) -> list[tuple[Event, int]]:
        """Events whose delivery is not final, with the number of attempts already made."""
        waiting = []
        for event in self.events.values():
            last = self.deliveries.get(event.event_id)
            if event.notify != "never" and not (last and last.final):
                waiting.append((event, last.attempt if last else 0))
        return waiting

    def statement(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Per merchant and merchant reference, what was really taken and given back: the witness's side of M6."""
        books: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in self.merchants}
        payables: list[Payable] = [*self.charges.values(), *self.accounts.values()]
        for payable in payables:
            row = books.setdefault(payable.merchant, {}).setdefault(
                payable.merchant_ref,
                {
                    "currency": payable.currency,
                    "captured": 0,
                    "refunded": 0,
                    "charged_back": 0,
                    "charges": 0,
                    "ids": [],
                },
            )
            row["captured"] += total(payable.movements, "capture", "succeeded")
            row["refunded"] += total(payable.movements, "refund", "succeeded")
            row["charged_back"] += total(payable.movements, "chargeback", "succeeded")
            row["charges"] += 1
            row["ids"].append(payable.id)
        return books
