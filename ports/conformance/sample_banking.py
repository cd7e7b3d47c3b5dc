"""Sample bank statements, and bills that they may pay."""

import msgspec
from msgspec.structs import replace

from kassa.ports.audit import AuditEntry
from kassa.ports.bank_files import HeldLine, KeepStatement, KeptStatement, LineState, NewLine, SettleLine
from kassa.ports.banking import BankLine, BankReference
from kassa.ports.payment import AnyNextAction, ShowAccount
from kassa.ports.payment_records import OperationState, PaymentFile, RecordFacts

from .sample_orders import a_placed_order
from .sample_payments import beginning, captured, new_operation, recording
from .samples import after, entry, money
from .stores import Stores

LEASE = 30
ACCOUNT = "GB29NWBK60161331926819"


def line(number: int = 1, *, amount: int = 510, account: str = ACCOUNT) -> BankLine:
    """A credit."""
    return BankLine(
        id=f"REF{number}",
        place=f"line {number}",
        direction="credit",
        amount=money(amount),
        booked_on="2031-05-04",
        counterparty="Ann Example",
        account=account,
        text="für \x00 den Tee",
        references=(BankReference(kind="rf", value="RF18539007547034"),),
    )


def keeping(*lines: BankLine, digest: str = "a", method: str = "bank") -> KeepStatement:
    """The act of keeping a statement of these lines."""
    return KeepStatement(
        method=method,
        sha256=(digest * 64)[:64],
        name="march.xml",
        form="auto",
        account="GB00",
        lines=tuple(NewLine(line=one, movement_id=f"bank:{one.id}") for one in lines),
        left_out=3,
        audit=_audit(method),
    )


def _audit(method: str) -> AuditEntry:
    return entry("statement.imported", f"statement:{method}")


async def kept(stores: Stores, *lines: BankLine, digest: str = "a", method: str = "bank") -> KeptStatement:
    """What keeping such a statement did."""
    return await stores.bank_files.keep(keeping(*lines, digest=digest, method=method), lease_s=LEASE)


def settling(held: HeldLine, state: LineState = LineState.DONE) -> SettleLine:
    """The act of settling a line."""
    return SettleLine(
        held=held,
        state=state,
        verdict="review" if state is LineState.REVIEW else "confirmed",
        reason="as it says",
        payments=(7, 8),
        at=after(60),
    )


async def a_bill(
    stores: Stores, number: int = 1, *, method: str = "bank", reference: str = "RF18539007547034"
) -> PaymentFile:
    """The file of a placed order with one live payment by bank, which its customer was shown. Its order is `invoice(number)`."""
    order = (await a_placed_order(stores, number)).order
    act = beginning(await stores.payments.file(order.invoice_id), method=method)
    action: AnyNextAction = ShowAccount(
        bank="B",
        holder="H",
        account_number="1",
        reference="R",
        amount=money(act.payment.nominal.amount - 17),
    )
    shown = replace(act.payment, provider_ref=reference, next_action=msgspec.json.encode(action))
    await stores.payments.begin(replace(act, payment=shown))
    return await stores.payments.file(order.invoice_id)


async def paid_by(stores: Stores, file: PaymentFile, movement_id: str) -> None:
    """The file's first payment is paid in full by this money."""
    act = captured(file)
    moved = replace(act.movements[0], movement=replace(act.movements[0].movement, id=movement_id))
    paid = replace(act.payments[0], provider_ref=file.payments[0].provider_ref)
    await stores.payments.record(replace(act, payments=(paid,), movements=(moved,)))


def refunding(file: PaymentFile, operation_id: str) -> RecordFacts:
    """The act of ordering a refund of the file's first payment."""
    operation = replace(
        new_operation(file, payment_id=file.payments[0].id),
        id=operation_id,
        kind="refund",
        state=OperationState.PENDING,
    )
    return recording(file, operations=(operation,))
