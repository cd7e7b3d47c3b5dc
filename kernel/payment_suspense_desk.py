"""Giving money in suspense its name, or sending it back: an operator's word, and what it writes."""

import msgspec

from kassa.kernel.payment_apply import assigned
from kassa.kernel.payment_books import Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_draft import posting
from kassa.kernel.payment_evidence import bank_reference, put_aside_for, unmatched_capture
from kassa.kernel.payment_facts import Facts, bank_movement, from_evidence
from kassa.kernel.payment_states import refundable
from kassa.kernel.payment_suspense import SUSPENSE
from kassa.kernel.payment_views import payment_in, view_of
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cashier import PaymentView
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict, EvidenceRefused, UnknownSuspense
from kassa.ports.payment_records import Payments, SettleSuspense, Suspense, SuspenseState
from kassa.ports.treasury import Assignment, Return


class SuspenseDesk:
    """Acts on money that waits."""

    def __init__(
        self, *, payments: Payments, methods: LoadedMethods, books: Books, clearing: Clearing, clock: Clock
    ) -> None:
        self._payments, self._methods, self._books = payments, methods, books
        self._clearing, self._clock = clearing, clock

    async def assign(self, word: Assignment, origin: Origin) -> PaymentView:
        """See `ports.treasury.Treasury.assign`."""
        row = await self._waiting(word.key)
        file = await self._payments.file_of_payment(word.payment_id)
        entry = Entry(origin=origin, action="suspense.assign", note=word.reason.strip(), once=True)
        if row.payment_id is None:
            capture = unmatched_capture(row, payment_in(file, word.payment_id))
            facts = Facts(word="operator", movements=(capture,), executed=True)
            file = (await self._books.enter(file, word.payment_id, facts, entry, (row,))).file
        else:
            file = await self._clearing.without_doubt(file, origin)
            payment = payment_in(file, word.payment_id)
            policy = self._books.policy_of(payment)
            put_aside_for(file, row, payment, policy.tolerance)
            applied = assigned(file, row.key, self._clock.now(), policy)
            file = await self._books.write(file, applied, word.payment_id, entry)
        return view_of(file, word.payment_id, self._methods)

    async def returned(self, word: Return, origin: Origin) -> Suspense:
        """See `ports.treasury.Treasury.returned_by_hand`."""
        reference = bank_reference(word.bank_reference, word.reason)
        row = await self._waiting(word.key)
        if row.payment_id is None or row.reason == "conflict":
            return await self._settle(row, word, reference, origin)
        file = await self._clearing.without_doubt(await self._payments.file_of_payment(row.payment_id), origin)
        movements = [k.movement for k in file.movements if k.payment_id == row.payment_id]
        commands = [o for o in file.operations if o.payment_id == row.payment_id]
        if refundable(movements, commands) < row.amount.amount:
            raise EvidenceRefused("a refund of this money is under way or done")
        facts = from_evidence(row.amount, bank_movement(reference), self._clock.now(), kind="refund")
        if any(m.id == facts.movements[0].id for m in movements):
            raise EvidenceRefused("this bank reference is known already")
        entry = Entry(origin=origin, action="suspense.returned", note=word.reason.strip(), once=True)
        await self._books.enter(file, row.payment_id, facts, entry)
        return (await self._payments.suspense_named((row.key,)))[0]

    async def _settle(self, row: Suspense, word: Return, reference: str, origin: Origin) -> Suspense:
        now = self._clock.now()
        done = Suspense(
            key=row.key,
            method=row.method,
            amount=row.amount,
            reason=row.reason,
            state=SuspenseState.REFUNDED,
            payment_id=row.payment_id,
            note=f"sent back by {reference}",
            at=row.at,
        )
        sides = (SUSPENSE, f"clearing:{row.method}")
        audit = AuditEntry(
            action="suspense.returned", subject=f"suspense:{row.key}"[:100], origin=origin, at=now,
            details=details_of(reference=reference, note=word.reason.strip()),
        )  # fmt: skip
        moved = posting(f"suspense/{row.key}/settled", None, sides, row.amount, now)
        await self._payments.settle_suspense(SettleSuspense(suspense=done, posting=moved, audit=audit))
        return done

    async def _waiting(self, key: str) -> Suspense:
        found = await self._payments.suspense_named((key,))
        if not found:
            raise UnknownSuspense(key)
        if found[0].state is not SuspenseState.OPEN:
            raise Conflict(f"this money is {found[0].state.value} already")
        return found[0]


def details_of(**facts: str) -> bytes:
    """Facts for the audit trail."""
    return msgspec.json.encode(facts)
