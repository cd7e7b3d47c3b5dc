"""Ways to break exactly one promise of the good shop, as statements that both databases understand."""

from typing import Final

from sqlalchemy import Executable, delete, insert, literal, null, select, update

from kassa.adapters.sql import tables as t
from kassa.adapters.sql.tables_banking import bank_lines
from kassa.ports.conformance.samples import NOW, after
from tests.sql.shop import CANCELED, LATE, PAID, WAITING

Poison = tuple[Executable, ...]

payments, ledger, postings, moves = t.payments.c, t.ledger.c, t.postings.c, t.stock_moves.c
orders, payables, events, lines = t.orders.c, t.payables.c, t.order_events.c, t.order_lines.c

_of_paid = select(payments.id).where(payments.invoice_id == PAID).scalar_subquery()
_of_waiting = select(payments.id).where(payments.invoice_id == WAITING).scalar_subquery()
_some_tx = select(t.audit.c.tx).order_by(t.audit.c.id).limit(1).scalar_subquery()
_capture, _part = "%/capture/all/SUCCEEDED", "%/refund/part/SUCCEEDED"
_product_of_waiting = select(lines.product_id).where(lines.invoice_id == WAITING).scalar_subquery()
_product_of_canceled = select(lines.product_id).where(lines.invoice_id == CANCELED).scalar_subquery()
_cart_of_late = select(orders.cart_id).where(orders.invoice_id == LATE).scalar_subquery()
_buyer_of_late = select(orders.account_id).where(orders.invoice_id == LATE).scalar_subquery()


def _posting(key: str, **more: object) -> Executable:
    return insert(t.postings).values(key=key, payment_id=_of_paid, at=NOW, tx=_some_tx, **more)


def _entries(key: str, *sides: tuple[str, int]) -> list[Executable]:
    return [
        insert(t.ledger).values(id=9000 + place, posting_key=key, account=account, amount=amount, currency="EUR")
        for place, (account, amount) in enumerate(sides)
    ]


def _move(**values: object) -> Executable:
    row = {"id": 9000, "note": "", "at": NOW, "tx": _some_tx, "product_id": _product_of_waiting, "invoice_id": null()}
    return insert(t.stock_moves).values({**row, **values})


def _stock(delta: int) -> Executable:
    products = t.products.c
    return (
        update(t.products).where(products.id == _product_of_waiting).values(quantity=products.quantity + delta)
    )  # fmt: skip


POISONS: Final[dict[str, tuple[str, Poison]]] = {
    "an entry off by one": (
        "M1",
        (
            update(t.ledger)
            .where(ledger.posting_key == "suspense/unmatched/arrived", ledger.account == "clearing:card")
            .values(amount=ledger.amount + 1),
        ),
    ),
    "a posting without entries": ("M1", (_posting("suspense/unmatched/nothing"),)),
    "a total that no movement makes": (
        "M2",
        (update(t.payments).where(payments.id == _of_waiting).values(authorized=5),),
    ),
    "more captured than asked, called paid": (
        "M2",
        (update(t.payments).where(payments.id == _of_paid).values(status="paid"),),
    ),
    "more kept than the order costs": (
        "M3",
        tuple(_entries("suspense/1/capture/all/arrived", ("suspense", 300), (f"payable:{PAID}", -300))),
    ),
    "money in suspense that nobody remembers": (
        "M3",
        (update(t.suspense).where(t.suspense.c.key == "unmatched").values(state="refunded"),),
    ),
    "an order whose payable is closed": (
        "M4",
        (update(t.payables).where(payables.invoice_id == PAID).values(state="closed"),),
    ),
    "a payable without an order": (
        "M4",
        (
            insert(t.payables).values(
                invoice_id="KS-none", customer_id=1, amount=5, currency="EUR", state="open", pay_until=NOW, version=1
            ),
        ),
    ),
    "a payment without a payable": (
        "M4",
        (update(t.payments).where(payments.id == _of_waiting).values(invoice_id="KS-none"),),
    ),
    "paid by nobody": (
        "M4",
        (
            update(t.ledger)
            .where(ledger.posting_key.like(_capture), ledger.account == f"payable:{PAID}")
            .values(account="elsewhere"),
        ),
    ),
    "all the money there, and still open": (
        "M4",
        (
            update(t.payables).where(payables.invoice_id == LATE).values(state="open"),
            update(t.orders).where(orders.invoice_id == LATE).values(status="awaiting_payment", events=1),
            delete(t.order_events).where(events.invoice_id == LATE, events.seq > 1),
        ),
    ),
    "a refund without its posting": (
        "M5",
        (
            delete(t.ledger).where(ledger.posting_key.like(_part)),
            delete(t.postings).where(postings.key.like(_part)),
        ),
    ),
    "a posting of nothing": (
        "M5",
        (
            _posting("1/capture/ghost/SUCCEEDED"),
            *_entries("1/capture/ghost/SUCCEEDED", ("clearing:card", 5), ("clearing:other", -5)),
        ),
    ),
    "a posting off by ten": (
        "M5",
        (
            update(t.ledger).where(ledger.posting_key.like(_part), ledger.amount < 0).values(amount=ledger.amount + 10),
            update(t.ledger).where(ledger.posting_key.like(_part), ledger.amount > 0).values(amount=ledger.amount - 10),
        ),
    ),
    "a posting of suspense that never was": (
        "M5",
        (
            _posting("suspense/ghost/arrived"),
            *_entries("suspense/ghost/arrived", ("clearing:card", 5), ("clearing:other", -5)),
        ),
    ),
    "forgiven, and the books say nothing of it": (
        "M5",
        (update(t.payables).where(payables.invoice_id == LATE).values(forgiven=1),),
    ),
    "forgiven by elsewhere": (
        "M5",
        (
            update(t.ledger)
            .where(ledger.posting_key.like("forgiven/%"), ledger.account == "forgiven")
            .values(account="elsewhere"),
        ),
    ),
    "forgiven where nothing is paid": (
        "M4",
        (
            update(t.payables).where(payables.invoice_id == WAITING).values(forgiven=5),
            insert(t.postings).values(key=f"forgiven/{WAITING}/9", payment_id=_of_waiting, at=NOW, tx=_some_tx),
            *_entries(f"forgiven/{WAITING}/9", ("forgiven", 5), (f"payable:{WAITING}", -5)),
        ),
    ),
    "suspense that never arrived": (
        "M5",
        (
            insert(t.suspense).values(
                key="ghost", method="card", amount=5, currency="EUR", reason="unmatched", state="refunded", note="", at=NOW
            ),
        ),
    ),
    "adjustments that do not add up": (
        "M7",
        (
            update(t.order_adjustments)
            .where(t.order_adjustments.c.invoice_id == PAID, ~t.order_adjustments.c.included)
            .values(amount=1),
        ),
    ),
    "a line that is not price times quantity": (
        "M7",
        (update(t.order_lines).where(lines.invoice_id == PAID).values(price=lines.price + 1),),
    ),
    "a payable of another amount": (
        "M7",
        (update(t.payables).where(payables.invoice_id == WAITING).values(amount=payables.amount + 1),),
    ),
    "an order in another currency": (
        "M8",
        (update(t.orders).where(orders.invoice_id == WAITING).values(currency="USD"),),
    ),
    "a payment in another currency": (
        "M8",
        (update(t.payments).where(payments.id == _of_waiting).values(currency="USD"),),
    ),
    "a movement in another currency": (
        "M8",
        (update(t.movements).where(t.movements.c.id == "part").values(currency="USD"),),
    ),
    "a surplus in another currency": (
        "M8",
        (
            update(t.suspense).where(t.suspense.c.reason == "surplus").values(currency="USD"),
            update(t.ledger).where(ledger.posting_key.like("suspense/%/capture/all/%")).values(currency="USD"),
        ),
    ),
    "stock that no move explains": ("S1", (_stock(1),)),
    "stock taken for nobody": ("S2", (_move(reason="taken", delta=-1), _stock(-1))),
    "stock received in the name of an order": (
        "S2",
        (_move(reason="correction", delta=1, invoice_id=WAITING), _stock(1)),
    ),
    "sold before it was received": (
        "S3",
        (
            update(t.stock_moves)
            .where(moves.product_id == _product_of_waiting, moves.reason == "received")
            .values(id=9000),
        ),
    ),
    "stock given back for a living order": (
        "S4",
        (_move(reason="given_back", delta=2, invoice_id=WAITING), _stock(2)),
    ),
    "stock given back twice": (
        "S4",
        (
            _move(reason="given_back", delta=1, invoice_id=CANCELED, product_id=_product_of_canceled),
            _move(id=9001, reason="given_back", delta=-1, invoice_id=CANCELED, product_id=_product_of_canceled),
        ),
    ),
    "two orders of one cart": (
        "O1",
        (
            update(t.orders)
            .where(orders.invoice_id == CANCELED)
            .values(cart_id=_cart_of_late, account_id=_buyer_of_late),
            update(t.payables).where(payables.invoice_id == CANCELED).values(customer_id=_buyer_of_late),
        ),
    ),
    "an ordered cart that is open again": (
        "O1",
        (update(t.carts).where(t.carts.c.id == _cart_of_late).values(is_open=True),),
    ),
    "a missing event": ("O2", (update(t.orders).where(orders.invoice_id == PAID).values(events=3),)),
    "a state that no event tells": (
        "O2",
        (update(t.orders).where(orders.invoice_id == CANCELED).values(status="expired"),),
    ),
    "a step that is not legal": (
        "O2",
        (
            update(t.order_events)
            .where(events.invoice_id == CANCELED, events.seq == 2)
            .values(from_status="paid"),
        ),
    ),
    "an order from somebody else's cart": (
        "O4",
        (update(t.carts).where(t.carts.c.id == _cart_of_late).values(account_id=4711),),
    ),
    "an order that somebody else pays": (
        "O4",
        (update(t.payables).where(payables.invoice_id == PAID).values(customer_id=4711),),
    ),
    "an event outside its transaction": (
        "X1",
        (
            update(t.outbox)
            .where(t.outbox.c.subject == f"order:{WAITING}", t.outbox.c.kind == "order.placed")
            .values(tx=t.outbox.c.tx + 1),
        ),
    ),
    "an order event that nobody audited": (
        "X2",
        (update(t.audit).where(t.audit.c.subject == f"order:{WAITING}").values(subject="order:other"),),
    ),
    "a posting outside its transaction": ("X3", (update(t.postings).where(postings.key.like(_part)).values(tx=_some_tx),)),
    "a short fingerprint": ("I1", (update(t.idempotency).values(fingerprint=b"short"),)),
    "half an answer": ("I2", (update(t.idempotency).values(body=null(), kind="created"),)),
    "a stored failure": ("I5", (update(t.idempotency).values(body=b"{}", kind="failed"),)),
    "a payment without a START": ("I5", (delete(t.operations).where(t.operations.c.payment_id == _of_waiting),)),
    "a session of an inactive account": ("A1", (update(t.accounts).values(is_active=False),)),
    "a token as it is": ("A3", (update(t.sessions).where(t.sessions.c.id == 1).values(token_hash=b"token"),)),
    "a password as it is": ("A3", (update(t.accounts).where(t.accounts.c.id == 1).values(password="hunter2"),)),
    "a password that is cheap to guess": (
        "A3",
        (update(t.accounts).where(t.accounts.c.id == 1).values(password="$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"),),
    ),
    "a session used after its end": ("A4", (update(t.sessions).values(last_seen_at=after(10_000_000)),)),
    "an event kept twice": ("W1", (update(t.inbox).values(event_id="same"),)),
    "an event done and not settled": ("W1", (update(t.inbox).where(t.inbox.c.state == "done").values(settled_at=null()),)),
    "a line confirmed for nobody": (
        "B1",
        (update(bank_lines).where(bank_lines.c.verdict == "confirmed").values(movement_id="bank:LOST"),),
    ),
    "a line whose money is nowhere": (
        "B1",
        (update(bank_lines).where(bank_lines.c.verdict == "unmatched").values(movement_id="bank:LOST"),),
    ),
    "an act of nobody": ("U1", (update(t.audit).where(t.audit.c.id == 1).values(actor=""),)),
    "a change that left no audit entry": (
        "U1",
        (update(t.stock_moves).where(moves.reason == "received").values(tx=literal(10_000_000)),),
    ),
    "a block that follows nothing": ("U2", (update(t.audit_blocks).where(t.audit_blocks.c.id == 2).values(previous=bytes(32)),)),
}  # fmt: skip
