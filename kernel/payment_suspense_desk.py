"""Giving money in suspense its name, or sending it back: an operator's word, and what it writes."""

import msgspec

from kassa.kernel.payment_apply import assigned
from kassa.kernel.payment_approvals import SecondPerson
from kassa.kernel.payment_books import Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_draft import posting
from kassa.kernel.payment_evidence import bank_reference, put_aside_for, unmatched_capture
from kassa.kernel.payment_facts import Facts, bank_movement, from_evidence
from kassa.kernel.payment_split import split_up, splittable
from kassa.kernel.payment_states import refundable
from kassa.kernel.payment_suspense import SUSPENSE
from kassa.kernel.payment_views import payment_in, view_of
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.approvals import Approval
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cashier import PaymentView
from kassa.ports.clock import Clock
from kassa.ports.errors import Conflict, EvidenceRefused, UnknownSuspense
from kassa.ports.payment_records import PaymentFile, Payments, SettleSuspense, Suspense, SuspenseState
from kassa.ports.treasury import Assignment, Return, Split


class SuspenseDesk:
    """Acts on money that waits."""

    def __init__(
        self,
        *,
        payments: Payments,
        methods: LoadedMethods,
        books: Books,
        clearing: Clearing,
        second: SecondPerson,
        clock: Clock,
    ) -> None:
        self._payments, self._methods, self._books = payments, methods, books
        self._clearing, self._second, self._clock = clearing, second, clock

    async def assign(self, word: Assignment, origin: Origin) -> PaymentView | Approval:
        """See `ports.treasury.Treasury.assign`."""
        row = await self._waiting(word.key)
        file = await self._payments.file_of_payment(word.payment_id)
        payment = payment_in(file, word.payment_id)
        facts = None
        if row.payment_id is None:
            facts = Facts(word="operator", movements=(unmatched_capture(row, payment),), executed=True)
        else:
            file = await self._clearing.without_doubt(file, origin)
            payment = payment_in(file, word.payment_id)
            put_aside_for(file, row, payment, self._books.policy_of(payment).tolerance)
        wish = await self._second.wish("assign", (str(payment.id), row.key), word, origin)
        if wish.waits is not None:
            return wish.waits
        note = word.reason.strip()
        entry = Entry(origin=origin, action="suspense.assign", note=note, once=True, first=wish.first)
        if facts is not None:
            file = (await self._books.enter(file, payment.id, facts, entry, (row,))).file
        else:
            applied = assigned(file, row.key, self._clock.now(), self._books.policy_of(payment))
            file = await self._books.write(file, applied, payment.id, entry)
        await self._second.done(wish)
        return view_of(file, payment.id, self._methods)

    async def split(self, word: Split, origin: Origin) -> tuple[Suspense, ...]:
        """See `ports.treasury.Treasury.split`."""
        row, now = await self._waiting(word.key), self._clock.now()
        splittable(row, word.amounts)
        audit = AuditEntry(
            action="suspense.split", subject=f"suspense:{row.key}"[:100], origin=origin, at=now,
            details=details_of(amounts=[part.amount for part in word.amounts], note=word.reason.strip()),
        )  # fmt: skip
        act = split_up(row, word.amounts, audit, now)
        await self._payments.settle_suspense(act)
        return act.parts

    async def returned(self, word: Return, origin: Origin) -> Suspense | Approval:
        """See `ports.treasury.Treasury.returned_by_hand`."""
        reference = bank_reference(word.bank_reference, word.reason)
        row = await self._waiting(word.key)
        nobodys = row.payment_id is None or row.reason == "conflict"
        file, facts = (None, None) if nobodys else await self._leaving(row, reference, origin)
        wish = await self._second.wish("return", (row.key, reference.upper()), word, origin)
        if wish.waits is not None:
            return wish.waits
        if file is None or facts is None or row.payment_id is None:
            done = await self._settle(row, word, reference, origin, wish.first)
        else:
            note = word.reason.strip()
            entry = Entry(origin=origin, action="suspense.returned", note=note, once=True, first=wish.first)
            await self._books.enter(file, row.payment_id, facts, entry)
            (done,) = await self._payments.suspense_named((row.key,))
        await self._second.done(wish)
        return done

    async def _leaving(self, row: Suspense, reference: str, origin: Origin) -> tuple[PaymentFile, Facts]:
        """Money of a payment that was sent back by hand, as the refund that it is. Raises `EvidenceRefused`, `PaymentInDoubt`."""
        assert row.payment_id is not None
        file = await self._clearing.without_doubt(await self._payments.file_of_payment(row.payment_id), origin)
        movements = [k.movement for k in file.movements if k.payment_id == row.payment_id]
        commands = [o for o in file.operations if o.payment_id == row.payment_id]
        if refundable(movements, commands) < row.amount.amount:
            raise EvidenceRefused("a refund of this money is under way or done")
        facts = from_evidence(row.amount, bank_movement(reference), self._clock.now(), kind="refund")
        if any(m.id == facts.movements[0].id for m in movements):
            raise EvidenceRefused("this bank reference is known already")
        return file, facts

    async def _settle(self, row: Suspense, word: Return, reference: str, origin: Origin, first: str) -> Suspense:
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
            details=details_of(reference=reference, note=word.reason.strip(), **({"first_person": first} if first else {})),
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


def details_of(**facts: str | list[int]) -> bytes:
    """Facts for the audit trail."""
    return msgspec.json.encode(facts)
