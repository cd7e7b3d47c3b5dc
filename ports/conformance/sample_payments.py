"""Sample payments: acts on a payable's money and how they come into a store."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from msgspec.structs import replace

from kassa.ports.idempotency import Claim
from kassa.ports.ids import InvoiceId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import (
    BeginPayment,
    InboxItem,
    KnownMovement,
    LedgerEntry,
    NewNotice,
    Operation,
    OperationState,
    Payable,
    Payment,
    PaymentFile,
    PaymentStatus,
    Posting,
    RecordFacts,
    SuspendMoney,
    Suspense,
    SuspenseState,
)

from .sample_orders import a_placed_order
from .samples import NOW, after, entry, event, money
from .stores import Stores

METHOD = "card"


def raised(payable: Payable) -> Payable:
    """The payable's row as an act on it writes it: one version up."""
    return replace(payable, version=payable.version + 1)


def new_payment(file: PaymentFile, number: int = 1, *, method: str = METHOD, at: datetime = NOW) -> Payment:
    """A live payment over everything due, not numbered yet. `number` makes its references its own."""
    return Payment(
        id=0,
        invoice_id=file.payable.invoice_id,
        method=method,
        merchant_ref=f"{file.payable.invoice_id}-{number}",
        nominal=file.payable.amount,
        status=PaymentStatus.PROCESSING,
        is_live=True,
        in_doubt=False,
        late=False,
        conflict=False,
        needs_review=False,
        authorized=0,
        captured=0,
        refunded=0,
        expires_at=after(1800),
        provider_ref=None,
        plugin_state=b"",
        next_action=b"",
        return_token_hash=return_token(file.payable.invoice_id, number),
        return_url="https://shop.example/thanks",
        created_date=at,
        last_updated=at,
    )


def return_token(invoice_id: InvoiceId, number: int = 1) -> bytes:
    """The hash of a sample payment's return token."""
    return sha256(f"{invoice_id}/{number}".encode()).digest()


def new_operation(
    file: PaymentFile, number: int = 1, *, due: datetime | None = None, payment_id: PaymentId = 0
) -> Operation:
    """A START that was just sent; asked about at `due`."""
    return Operation(
        id=sha256(f"{file.payable.invoice_id}/{number}".encode()).hexdigest()[:32],
        payment_id=payment_id,
        kind="start",
        state=OperationState.SENT,
        amount=file.payable.amount,
        attempt=1,
        sent_at=NOW,
        next_check_at=due,
        checks=0,
        not_found=0,
        executed=None,
        code="",
        last_updated=NOW,
    )


def beginning(
    file: PaymentFile,
    number: int = 1,
    *,
    claimed: Claim | None = None,
    due: datetime | None = None,
    method: str = METHOD,
    superseded: Sequence[Payment] = (),
    superseded_operations: Sequence[Operation] = (),
) -> BeginPayment:
    """The act of beginning a payment over everything that `file` says is due."""
    subject = f"invoice:{file.payable.invoice_id}"
    return BeginPayment(
        expected_version=file.payable.version,
        payable=raised(file.payable),
        payment=new_payment(file, number, method=method),
        operation=new_operation(file, number, due=due),
        superseded=tuple(superseded),
        superseded_operations=tuple(superseded_operations),
        claim=claimed,
        events=(event("payment.started", subject),),
        audit=entry("payment.started", subject),
    )


async def a_payment(
    stores: Stores, number: int = 1, *, due: datetime | None = None, claimed: Claim | None = None, at: datetime = NOW
) -> PaymentFile:
    """The file of a placed order with one live payment. Its order is `invoice(number)`."""
    order = (await a_placed_order(stores, number, at=at)).order
    act = beginning(await stores.payments.file(order.invoice_id), due=due, claimed=claimed)
    await stores.payments.begin(act)
    return await stores.payments.file(order.invoice_id)


def known(file: PaymentFile, amount: Money, number: int = 1) -> KnownMovement:
    """A succeeded capture of the file's first payment."""
    movement = Movement(kind="capture", id=f"cap_{number}", state=MovementState.SUCCEEDED, amount=amount, at=NOW)
    return KnownMovement(payment_id=file.payments[0].id, movement=movement, first_seen_at=NOW)


def posting(file: PaymentFile, moved: KnownMovement) -> Posting:
    """The balanced posting of a movement."""
    movement, payment_id = moved.movement, moved.payment_id
    return Posting(
        key=f"{payment_id}/{movement.kind}/{movement.id}/{movement.state.name}",
        payment_id=payment_id,
        entries=(
            LedgerEntry(account=f"clearing:{file.payments[0].method}", amount=movement.amount),
            LedgerEntry(account=f"payable:{file.payable.invoice_id}", amount=-movement.amount),
        ),
        at=NOW,
    )


def recording(file: PaymentFile, **changes: object) -> RecordFacts:
    """The act of recording what `changes` says, decided on `file`; without any only the version goes up."""
    subject = f"invoice:{file.payable.invoice_id}"
    act = RecordFacts(
        expected_version=file.payable.version,
        payable=raised(file.payable),
        events=(event("payment.changed", subject),),
        audit=entry("payment.changed", subject),
    )
    return replace(act, **changes)


def captured(file: PaymentFile, number: int = 1) -> RecordFacts:
    """The act of recording that the first payment was captured in full: payment, operation, movement, posting."""
    moved = known(file, file.payable.amount, number)
    paid = replace(
        file.payments[0],
        status=PaymentStatus.PAID,
        is_live=False,
        captured=moved.movement.amount.amount,
        provider_ref="ch_1",
        last_updated=after(60),
    )
    done = replace(file.operations[0], state=OperationState.SUCCEEDED, next_check_at=None, last_updated=after(60))
    return recording(file, payments=(paid,), operations=(done,), movements=(moved,), postings=(posting(file, moved),))


# --- money without a name, notices ----------------------------------------------------------------------------


def suspending(
    key: str = "card/mv_1", *, amount: int = 700, at: datetime = NOW, inbox: InboxItem | None = None
) -> SuspendMoney:
    """The act of keeping money that matches no payment."""
    value = money(amount)
    return SuspendMoney(
        suspense=Suspense(
            key=key,
            method=METHOD,
            amount=value,
            reason="unmatched",
            state=SuspenseState.OPEN,
            payment_id=None,
            note="",
            at=at,
        ),
        posting=Posting(
            key=f"suspense/{key}/arrived",
            payment_id=None,
            entries=(
                LedgerEntry(account=f"clearing:{METHOD}", amount=value),
                LedgerEntry(account="suspense", amount=-value),
            ),
            at=at,
        ),
        inbox=inbox,
        events=(event("suspense.arrived"),),
        audit=entry("suspense.arrived", at=at),
    )


def notice(event_id: str = "ev_1", *, method: str = METHOD, at: datetime = NOW) -> NewNotice:
    """A verified notice to keep."""
    return NewNotice(
        method=method,
        event_id=event_id,
        event=b'{"event_id":"' + event_id.encode() + b'"}',
        body=b"raw bytes \x00\xff as they came",
        received_at=at,
    )
