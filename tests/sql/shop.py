"""A shop in which everything happened once: written through the embedded store's own acts, with all promises kept."""

from msgspec.structs import replace

from kassa.adapters.sqlite import SqliteDatabase
from kassa.adapters.sqlite.audit import SqliteAuditTrail
from kassa.adapters.sqlite.bank_files import SqliteBankFiles
from kassa.adapters.sqlite.cart import SqliteCarts
from kassa.adapters.sqlite.catalog import SqliteProducts
from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.adapters.sqlite.endpoints import SqliteEndpoints
from kassa.adapters.sqlite.endpoints_deliveries import SqliteDeliveries
from kassa.adapters.sqlite.events import SqliteOutbox
from kassa.adapters.sqlite.idempotency import SqliteIdempotencyRecords
from kassa.adapters.sqlite.identity import SqliteAccounts
from kassa.adapters.sqlite.inbox import SqliteInbox
from kassa.adapters.sqlite.payment import SqlitePayments
from kassa.ports.checkout import OrderStatus
from kassa.ports.conformance.held import begun, wish
from kassa.ports.conformance.sample_banking import keeping, line
from kassa.ports.conformance.sample_banking import settling as settled_line
from kassa.ports.conformance.sample_endpoints import an_endpoint, attempted, claimed, message
from kassa.ports.conformance.sample_orders import a_placed_order, ending, invoice, order_from, placing
from kassa.ports.conformance.sample_payments import a_payment, notice, recording, suspending
from kassa.ports.conformance.samples import (
    NOW,
    a_cart,
    a_product,
    a_session,
    after,
    an_account,
    claim,
    entry,
    event,
    money,
)
from kassa.ports.conformance.stores import Stores
from kassa.ports.conformance.suspense import settling, splitting
from kassa.ports.payment import Movement, MovementKind, MovementState
from kassa.ports.payment_records import (
    KnownMovement,
    LedgerEntry,
    MarkPaid,
    OperationState,
    PayableState,
    PaymentFile,
    PaymentStatus,
    Posting,
    RecordFacts,
    Suspense,
    SuspenseState,
)

SURPLUS, PART, REFUSED, SHORT = 300, 100, 7, 2
PAID, LATE, CANCELED, WAITING, FREE = (invoice(number) for number in range(1, 6))
"""The shop's orders. PAID was overpaid; the surplus went to suspense and back, a part was refunded, one refund failed."""


def stores_of(database: SqliteDatabase) -> Stores:
    """The repositories of an embedded database."""
    return Stores(
        accounts=SqliteAccounts(database),
        products=SqliteProducts(database),
        carts=SqliteCarts(database),
        orders=SqliteOrders(database),
        payments=SqlitePayments(database),
        inbox=SqliteInbox(database),
        bank_files=SqliteBankFiles(database),
        idempotency=SqliteIdempotencyRecords(database),
        outbox=SqliteOutbox(database),
        endpoints=SqliteEndpoints(database),
        deliveries=SqliteDeliveries(database),
        audit=SqliteAuditTrail(database),
    )


async def everything_happens(stores: Stores) -> None:
    """Every act that leaves rows, once."""
    account_id = await an_account(stores)
    for token in ("first", "second"):
        await a_session(stores, account_id, token)
    await _a_paid_order(stores)
    await _a_late_order(stores)
    await begun(stores, 6, due=after(90_000))
    order = (await a_placed_order(stores, 3)).order
    await stores.orders.end(ending(order.invoice_id))
    await a_payment(stores, 4, due=after(30), claimed=claim("pay-4"))
    await _an_order_of_nothing(stores)
    await stores.payments.suspend(suspending("unmatched"))
    settled = suspending("settled")
    await stores.payments.suspend(settled)
    await stores.payments.settle_suspense(settling(settled.suspense))
    both = suspending("both")
    await stores.payments.suspend(both)
    await stores.payments.settle_suspense(splitting(both.suspense, 400, 300))
    await stores.payments.ask_approval(wish())
    first, _ = await stores.inbox.keep((notice("done"), notice("waiting")), lease_s=30)
    await stores.payments.suspend(suspending("noticed", inbox=first))
    await _a_told_endpoint(stores)
    await _a_statement(stores)
    for _ in range(2):
        await stores.audit.seal(now=NOW, limit=5)


async def _a_statement(stores: Stores) -> None:
    """Three lines: one that paid, one that is nobody's, one that waits."""
    paid = (await stores.payments.file(PAID)).movements[0].movement.id
    act = keeping(line(1), line(2), line(3))
    counted = replace(act.lines[0], movement_id=paid)
    held = (await stores.bank_files.keep(replace(act, lines=(counted, *act.lines[1:])), lease_s=30)).held
    await stores.bank_files.settle_line(settled_line(held[0]))
    nobodys = replace(settled_line(held[1]), verdict="unmatched", suspend=suspending("unmatched/bank/bank:REF2"))
    await stores.bank_files.settle_line(nobodys)


async def _a_told_endpoint(stores: Stores) -> None:
    await an_endpoint(stores)
    await stores.deliveries.send_test("ep_1", message(), at=NOW, audit=entry("endpoint.tested", "endpoint:ep_1"))
    (due,) = await claimed(stores)
    await stores.deliveries.record(attempted(due))


async def _a_paid_order(stores: Stores) -> None:
    file = await a_payment(stores, 1)
    total = file.payable.amount.amount + SURPLUS
    await _moves(stores, file, "capture", "all", total, aside=SuspenseState.OPEN)
    await _moves(stores, file, "refund", "surplus", SURPLUS, aside=SuspenseState.REFUNDED)
    await _moves(stores, file, "refund", "part", PART)
    await _moves(stores, file, "refund", "refused", REFUSED)
    await _moves(stores, file, "refund", "refused", REFUSED, state=MovementState.REVERSED)


async def _a_late_order(stores: Stores) -> None:
    file = await a_payment(stores, 2)
    await stores.orders.end(
        ending(LATE, status=OrderStatus.EXPIRED, payable_version=file.payable.version)
    )  # fmt: skip
    await _moves(stores, file, "capture", "late", file.payable.amount.amount - SHORT, late=True)


async def _an_order_of_nothing(stores: Stores) -> None:
    account_id = await an_account(stores, "Free@Example.org")
    product = await a_product(stores, "FREE", price=0)
    cart = await a_cart(stores, account_id, {product.id: 1})
    order = replace(order_from(cart, 5), status=OrderStatus.PAID, adjustments=(), total=money(0))
    act = placing(account_id, cart, 5, order=order)
    await stores.orders.place(replace(act, events=(*act.events, event("order.paid", f"order:{FREE}"))))


async def _moves(
    stores: Stores,
    file: PaymentFile,
    kind: MovementKind,
    name: str,
    amount: int,
    *,
    state: MovementState = MovementState.SUCCEEDED,
    aside: SuspenseState | None = None,
    late: bool = False,
) -> None:
    """Record one movement of the payable's first payment with its posting; `aside`: what becomes of its surplus."""
    file = await stores.payments.file(file.payable.invoice_id)
    payment = file.payments[0]
    known = KnownMovement(
        payment_id=payment.id,
        movement=Movement(kind=kind, id=name, state=state, amount=money(amount), at=NOW),
        first_seen_at=NOW,
    )
    signed = amount if (kind == "capture") == (state is MovementState.SUCCEEDED) else -amount
    key = f"{payment.id}/{kind}/{name}/{state.name}"
    postings = [_posting(file, key, f"clearing:{payment.method}", f"payable:{file.payable.invoice_id}", signed)]
    suspense: tuple[Suspense, ...] = ()
    if aside is not None:
        suspense = (_surplus(file, aside),)
        step, gone = ("arrived", SURPLUS) if aside is SuspenseState.OPEN else (f"refunded/{name}", -SURPLUS)
        owner = f"payable:{file.payable.invoice_id}"
        postings.append(_posting(file, f"suspense/{suspense[0].key}/{step}", owner, "suspense", gone))
    captured = payment.captured + (amount if kind == "capture" else 0)
    refunded = payment.refunded - (signed if kind == "refund" else 0)
    paid = replace(
        payment,
        status=PaymentStatus.PARTIALLY_REFUNDED if refunded else _status(captured, payment.nominal.amount),
        is_live=False,
        late=late,
        captured=captured,
        refunded=refunded,
    )
    done = replace(file.operations[0], state=OperationState.SUCCEEDED, next_check_at=None)
    act = recording(
        file, payments=(paid,), operations=(done,), movements=(known,), postings=tuple(postings), suspense=suspense
    )
    await stores.payments.record(_completing(act, late) if kind == "capture" else act)


def _status(captured: int, nominal: int) -> PaymentStatus:
    return PaymentStatus.OVERPAID if captured > nominal else PaymentStatus.PAID


def _completing(act: RecordFacts, late: bool) -> RecordFacts:
    subject = f"order:{act.payable.invoice_id}"
    forgiven = SHORT if late else 0
    return replace(
        act,
        payable=replace(act.payable, state=PayableState.PAID, forgiven=forgiven),
        postings=(*act.postings, *([_let_go(act, forgiven)] if forgiven else ())),
        order=MarkPaid(late=late, at=after(60)),
        events=(*act.events, event("order.paid", subject)),
        audit=entry("payment.changed", subject),
    )


def _let_go(act: RecordFacts, units: int) -> Posting:
    invoice_id = act.payable.invoice_id
    entries = (
        LedgerEntry(account="forgiven", amount=money(units)),
        LedgerEntry(account=f"payable:{invoice_id}", amount=money(-units)),
    )
    key = f"forgiven/{invoice_id}/{act.payable.version}"
    return Posting(key=key, payment_id=act.movements[0].payment_id, entries=entries, at=NOW)


def _surplus(file: PaymentFile, state: SuspenseState) -> Suspense:
    return Suspense(
        key=f"{file.payments[0].id}/capture/all",
        method=file.payments[0].method,
        amount=money(SURPLUS),
        reason="surplus",
        state=state,
        payment_id=file.payments[0].id,
        note="",
        at=NOW,
    )


def _posting(file: PaymentFile, key: str, debit: str, credit: str, amount: int) -> Posting:
    entries = (LedgerEntry(account=debit, amount=money(amount)), LedgerEntry(account=credit, amount=money(-amount)))
    return Posting(key=key, payment_id=file.payments[0].id, entries=entries, at=NOW)
