"""Refunds that a person sends at the bank: what waits, whom it goes back to, and the bank's order for it."""

import hashlib

import msgspec
from msgspec.structs import asdict, replace

from kassa.kernel.payment_books import Books, Entry
from kassa.kernel.payment_facts import Facts, Unknown
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.bank_files import BankFiles
from kassa.ports.banking import BankLine, Payout, PayoutFile
from kassa.ports.clock import Clock
from kassa.ports.errors import InvalidValue, NotCapable, Unavailable, UnknownMethod
from kassa.ports.ids import PaymentId
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import OperationState, PaymentFile, Payments
from kassa.ports.payouts import MOST_PAYOUTS, DroppedPayout, Payee, PayoutOrder, PayoutTask, PendingRefund

MOST_NAMED = 5
"""Operations that a refusal names."""
MOST_LINES = 1000


class KernelPayouts:
    """`ports.payouts.Payouts`."""

    def __init__(
        self, *, payments: Payments, files: BankFiles, methods: LoadedMethods, books: Books, clock: Clock
    ) -> None:
        self._payments, self._files, self._methods = payments, files, methods
        self._books, self._clock = books, clock

    async def tasks(self, method: str) -> tuple[PayoutTask, ...]:
        """See `ports.payouts.Payouts`."""
        name = self._paying(method).name
        waiting = await self._payments.pending_refunds(name, limit=MOST_PAYOUTS)
        files = {one.invoice_id: await self._payments.file(one.invoice_id) for one in waiting}
        waiting = tuple(one for one in waiting if not _is_done(files[one.invoice_id], one))
        sources = {one.payment_id: _captures(files[one.invoice_id], one.payment_id) for one in waiting}
        lines = await self._lines(name, tuple(dict.fromkeys(name for names in sources.values() for name in names)))
        return tuple(_task(name, one, [lines[x] for x in sources[one.payment_id] if x in lines]) for one in waiting)

    async def file(self, method: str, order: PayoutOrder, origin: Origin) -> PayoutFile:
        """See `ports.payouts.Payouts`."""
        paying = self._paying(method)
        payouts = _payouts(await self.tasks(method), order)
        written = await paying.payout(payouts)
        if isinstance(written, Unknown):
            raise Unavailable(f"{paying.name}: {written.reason}")
        await self._payments.paid_out(self._audit(paying.name, payouts, written, origin))
        return written

    async def drop(self, method: str, word: DroppedPayout, origin: Origin) -> None:
        """See `ports.payouts.Payouts`."""
        name = self._paying(method).name
        waiting = await self._payments.pending_refunds(name, limit=MOST_LINES)
        refund = next((one for one in waiting if one.operation_id == word.operation), None)
        if refund is None:
            raise InvalidValue("operation", "not waiting to be paid out")
        file = await self._payments.file(refund.invoice_id)
        facts = Facts(
            word="operator",
            operation_id=refund.operation_id,
            said=OperationState.FAILED,
            movements=_failed(file, refund),
            code="dropped",
            executed=True,
        )
        entry = Entry(origin=origin, action="payout.dropped", note=word.reason.strip(), once=True)
        await self._books.enter(file, refund.payment_id, facts, entry)

    def _paying(self, name: str) -> GuardedMethod:
        method = self._methods.get(name)
        if method is None:
            raise UnknownMethod(name)
        if not method.capabilities.payouts:
            raise NotCapable(f"{name} refunds by itself, and writes no order for a bank")
        return method

    async def _lines(self, method: str, names: tuple[str, ...]) -> dict[str, BankLine]:
        found: dict[str, BankLine] = {}
        for start in range(0, len(names), MOST_LINES):
            kept = await self._files.lines_named(method, names[start : start + MOST_LINES])
            found |= {line.movement_id: line.line for line in kept}
        return found

    def _audit(self, method: str, payouts: tuple[Payout, ...], written: PayoutFile, origin: Origin) -> AuditEntry:
        facts = {
            "name": written.name,
            "refunds": len(payouts),
            "total": sum(one.amount.amount for one in payouts),
            "currency": payouts[0].amount.currency,
            "sha256": hashlib.sha256(written.data).hexdigest(),
            "operations": [one.end_to_end for one in payouts][:100],
        }
        return AuditEntry(
            action="payout.written",
            subject=f"method:{method}",
            origin=origin,
            at=self._clock.now(),
            details=msgspec.json.encode(facts),
        )


def _is_done(file: PaymentFile, refund: PendingRefund) -> bool:
    """Whether a bank's line has shown the transfer already: its movement has the operation's own id."""
    mine = (k.movement for k in file.movements if k.payment_id == refund.payment_id and k.movement.kind == "refund")
    return any(m.id == refund.operation_id and m.state is not MovementState.PENDING for m in mine)


def _failed(file: PaymentFile, refund: PendingRefund) -> tuple[Movement, ...]:
    """The refund's own movement, which will not happen any more."""
    mine = (k.movement for k in file.movements if k.payment_id == refund.payment_id and k.movement.kind == "refund")
    return tuple(replace(m, state=MovementState.FAILED) for m in mine if m.id == refund.operation_id)


def _captures(file: PaymentFile, payment_id: PaymentId) -> tuple[str, ...]:
    """The movements by which the payment's money came."""
    known = (k.movement for k in file.movements if k.payment_id == payment_id)
    return tuple(m.id for m in known if m.kind == "capture" and m.state is MovementState.SUCCEEDED)


def _task(method: str, refund: PendingRefund, lines: list[BankLine]) -> PayoutTask:
    """Where the money came from, if all lines say the same."""
    accounts = {line.account for line in lines if line.account}
    names = {line.counterparty[:70].strip() for line in lines if line.counterparty.strip()}
    return PayoutTask(
        **asdict(refund),
        method=method,
        name=names.pop() if len(names) == 1 else "",
        account=accounts.pop() if len(accounts) == 1 else "",
    )


def _payouts(tasks: tuple[PayoutTask, ...], order: PayoutOrder) -> tuple[Payout, ...]:
    """What is wanted of what waits, oldest first. Raises `InvalidValue`."""
    waiting = {task.operation_id: task for task in tasks}
    wanted = waiting if order.operations is None else dict.fromkeys(order.operations)
    if not wanted:
        raise InvalidValue("operations", "no refund waits to be paid out")
    if len(wanted) != len(order.operations or wanted):
        raise InvalidValue("operations", "one is there twice")
    _refuse("operations", "not waiting to be paid out", [name for name in wanted if name not in waiting])
    _refuse("payees", "not among the refunds of this file", [name for name in order.payees if name not in wanted])
    whole = [_known(task, order.payees.get(name)) for name, task in waiting.items() if name in wanted]
    missing = [task.operation_id for task in whole if not task.account or not task.name]
    _refuse("payees", "name and account are needed", missing)
    return tuple(
        Payout(
            end_to_end=task.operation_id,
            amount=task.amount,
            name=task.name,
            account=task.account,
            text=f"Refund {task.invoice_id}",
        )
        for task in whole
    )


def _known(task: PayoutTask, payee: Payee | None) -> PayoutTask:
    """The task with what was missing. Raises `InvalidValue` for a payee other than the payer the bank named."""
    if payee is None:
        return task
    for known, given in ((task.name, payee.name), (task.account, payee.account)):
        if known and given is not None and given != known:
            raise InvalidValue("payees", f"{task.operation_id}: its payer is known, and a refund goes nowhere else")
    return replace(task, name=task.name or payee.name or "", account=task.account or payee.account or "")


def _refuse(field: str, why: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise InvalidValue(field, f"{why}: {', '.join(names[:MOST_NAMED])}{more}")
