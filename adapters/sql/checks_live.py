"""What may be so for a while and must end: the duties that hold once faults have healed and a sweep has run.

Each query also tells `since`: the moment from which the duty was due. A reader compares it with the time.
"""

# ruff: noqa: S608 - the parts of these queries are our own constants

from typing import Final

from .checks_money import Check

_IS_MONEY_COMING: Final = (
    "EXISTS (SELECT 1 FROM payments p WHERE p.invoice_id = o.invoice_id AND (p.is_live OR p.in_doubt))"
)

DUTIES: Final = (
    Check("M9", """
        SELECT 'operation:' || o.id AS subject, o.kind || ' is still sent or unknown' AS detail,
            COALESCE(o.next_check_at, o.last_updated) AS since
        FROM operations o JOIN payments p ON p.id = o.payment_id WHERE o.state <= 2 AND NOT p.needs_review"""),
    Check("S5", f"""
        SELECT 'order:' || o.invoice_id AS subject, 'unpaid, and its time to pay is over' AS detail,
            COALESCE(y.pay_until, o.pay_until) AS since
        FROM orders o LEFT JOIN payables y ON y.invoice_id = o.invoice_id
        WHERE o.status = 'awaiting_payment' AND NOT {_IS_MONEY_COMING}"""),
    Check("O3", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.status || ', and nobody will ask again' AS detail,
            p.last_updated AS since
        FROM payments p WHERE (p.is_live OR p.in_doubt) AND NOT p.needs_review AND NOT EXISTS (
            SELECT 1 FROM operations o WHERE o.payment_id = p.id AND o.next_check_at IS NOT NULL
        )"""),
    Check("X4", """
        SELECT 'outbox:' || CAST(b.id AS TEXT) AS subject, b.kind || ' waits for delivery' AS detail,
            b.next_try_at AS since
        FROM outbox b WHERE b.state = 'waiting'"""),
    Check("I4", """
        SELECT 'key:' || i."key" AS subject, 'a request that never ended' AS detail, i.at AS since
        FROM idempotency i WHERE i.kind IS NULL"""),
    Check("W4", """
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, 'kept, and not processed' AS detail,
            n.next_try_at AS since
        FROM inbox n WHERE n.state = 'waiting'"""),
)  # fmt: skip
