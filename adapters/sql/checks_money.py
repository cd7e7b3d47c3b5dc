"""The promises about money, as queries that find who breaks them (`promises.md`, M1 to M8; X3)."""

# ruff: noqa: S608 - the parts of these queries are our own constants

from typing import Final, NamedTuple


class Check(NamedTuple):
    """A promise by its name, and a SELECT of `subject` and `detail` with one row for each that breaks it.

    Written in the SQL that PostgreSQL and SQLite share.
    """

    name: str
    query: str


_KEY: Final = "CAST(m.payment_id AS TEXT) || '/' || m.kind || '/' || m.id"
"""What the postings of a movement are called, but for the state."""

_MOVED: Final = """
movements m JOIN (
    SELECT 'SUCCEEDED' AS word, 3 AS state, 1 AS sign UNION ALL SELECT 'REVERSED', 4, -1
) s ON m.state >= s.state AND m.kind <> 'auth'"""
"""Every state of a movement that must be posted."""

_KEPT: Final = """
    SELECT y.invoice_id, y.amount, y.state,
        COALESCE(-SUM(l.amount), 0) AS kept,
        COALESCE(-SUM(CASE WHEN l.amount < 0 THEN l.amount ELSE 0 END), 0) AS credited
    FROM payables y LEFT JOIN ledger l ON l.account = 'payable:' || y.invoice_id
    GROUP BY y.invoice_id, y.amount, y.state"""
"""What the books say of each payable: what is kept for it now, and what was ever credited to it."""

BOOKS: Final = (
    Check("M1", """
        SELECT l.posting_key AS subject,
            'its entries sum to ' || CAST(SUM(l.amount) AS TEXT) || ' ' || l.currency AS detail
        FROM ledger l GROUP BY l.posting_key, l.currency HAVING SUM(l.amount) <> 0"""),
    Check("M1", """
        SELECT p."key" AS subject, 'a posting without entries' AS detail
        FROM postings p WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.posting_key = p."key")"""),
    Check("M2", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject,
            'captured ' || CAST(p.captured AS TEXT) || ', refunded ' || CAST(p.refunded AS TEXT)
            || '; its movements say ' || CAST(COALESCE(m.captured, 0) AS TEXT)
            || ' and ' || CAST(COALESCE(m.gone, 0) AS TEXT) AS detail
        FROM payments p LEFT JOIN (
            SELECT payment_id,
                SUM(CASE WHEN kind = 'auth' THEN amount ELSE 0 END) AS authorized,
                SUM(CASE WHEN kind = 'capture' THEN amount ELSE 0 END) AS captured,
                SUM(CASE WHEN kind IN ('refund', 'chargeback') THEN amount ELSE 0 END) AS gone
            FROM movements WHERE state = 3 GROUP BY payment_id
        ) m ON m.payment_id = p.id
        WHERE p.authorized <> COALESCE(m.authorized, 0) OR p.captured <> COALESCE(m.captured, 0)
            OR p.refunded <> COALESCE(CASE WHEN m.gone > m.captured THEN m.captured ELSE m.gone END, 0)
            OR (m.gone > m.captured AND NOT p.needs_review)"""),
    Check("M2", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject,
            'nominal ' || CAST(p.nominal AS TEXT) || ', captured ' || CAST(p.captured AS TEXT)
            || ', refunded ' || CAST(p.refunded AS TEXT) || ': ' || p.status AS detail
        FROM payments p
        WHERE p.refunded < 0 OR p.refunded > p.captured
            OR (p.captured > p.nominal AND p.status NOT IN ('overpaid', 'refunded', 'partially_refunded'))"""),
    Check("M3", f"""
        SELECT 'order:' || k.invoice_id AS subject,
            CAST(k.kept AS TEXT) || ' are kept for an order of ' || CAST(k.amount AS TEXT) AS detail
        FROM ({_KEPT}) k WHERE k.kept > k.amount"""),
    Check("M3", """
        SELECT 'suspense:' || s.currency AS subject,
            CAST(SUM(s.waiting) AS TEXT) || ' wait by name, ' || CAST(SUM(s.posted) AS TEXT) || ' by the books' AS detail
        FROM (
            SELECT currency, amount AS waiting, 0 AS posted FROM suspense WHERE state = 'open'
            UNION ALL SELECT currency, 0, -amount FROM ledger WHERE account = 'suspense'
        ) s GROUP BY s.currency HAVING SUM(s.waiting) <> SUM(s.posted)"""),
    Check("M5", f"""
        SELECT {_KEY} || '/' || s.word AS subject, 'a movement without its posting' AS detail
        FROM {_MOVED} WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p."key" = {_KEY} || '/' || s.word)"""),
    Check("M5", f"""
        SELECT p."key" AS subject, 'a posting of nothing that moved' AS detail
        FROM postings p WHERE p."key" NOT LIKE 'suspense/%' AND p."key" NOT LIKE 'forgiven/%' AND NOT EXISTS (
            SELECT 1 FROM {_MOVED} WHERE m.payment_id = p.payment_id AND p."key" = {_KEY} || '/' || s.word
        )"""),
    Check("M5", f"""
        SELECT {_KEY} || '/' || s.word AS subject,
            'it posts ' || CAST(SUM(l.amount) AS TEXT) || ' for a movement of ' || CAST(m.amount AS TEXT) AS detail
        FROM {_MOVED} JOIN ledger l ON l.posting_key = {_KEY} || '/' || s.word AND l.account LIKE 'clearing:%'
        GROUP BY m.payment_id, m.kind, m.id, s.word, s.sign, m.amount
        HAVING SUM(l.amount) <> s.sign * CASE m.kind WHEN 'capture' THEN m.amount ELSE -m.amount END"""),
    Check("M5", """
        SELECT 'order:' || f.invoice_id AS subject, CAST(f.forgiven AS TEXT) || ' are forgiven, the books say '
            || CAST(f.posted AS TEXT) AS detail
        FROM (
            SELECT y.invoice_id, y.forgiven, COALESCE(-SUM(l.amount), 0) AS posted
            FROM payables y LEFT JOIN ledger l
                ON l.account = 'payable:' || y.invoice_id AND l.posting_key LIKE 'forgiven/%'
            GROUP BY y.invoice_id, y.forgiven
        ) f WHERE f.forgiven <> f.posted"""),
    Check("M5", """
        SELECT p."key" AS subject, 'something was forgiven that is no payable''s, or from elsewhere' AS detail
        FROM postings p WHERE p."key" LIKE 'forgiven/%' AND (
            NOT EXISTS (SELECT 1 FROM ledger l WHERE l.posting_key = p."key" AND l.account = 'forgiven')
            OR EXISTS (SELECT 1 FROM ledger l LEFT JOIN payables y ON l.account = 'payable:' || y.invoice_id
                WHERE l.posting_key = p."key" AND l.account <> 'forgiven' AND (y.invoice_id IS NULL
                    OR substr(p."key", 1, length(y.invoice_id) + 10) <> 'forgiven/' || y.invoice_id || '/'))
        )"""),
    Check("M5", """
        SELECT p."key" AS subject, 'a posting of no money in suspense' AS detail
        FROM postings p WHERE p."key" LIKE 'suspense/%' AND NOT EXISTS (
            SELECT 1 FROM suspense s
            WHERE substr(p."key", 1, length(s."key") + 10) = 'suspense/' || s."key" || '/'
        )"""),
    Check("M5", """
        SELECT 'suspense/' || s."key" AS subject, 'its arrival was not posted as it is' AS detail
        FROM suspense s WHERE NOT EXISTS (
            SELECT 1 FROM ledger l
            WHERE l.posting_key = 'suspense/' || s."key" || '/arrived' AND l.account = 'suspense'
                AND l.amount = -s.amount AND l.currency = s.currency
        )"""),
    Check("X3", f"""
        SELECT p."key" AS subject,
            'posted by transaction ' || CAST(p.tx AS TEXT) || ', moved by ' || CAST(m.tx AS TEXT) AS detail
        FROM {_MOVED} JOIN postings p ON p."key" = {_KEY} || '/' || s.word
        WHERE m.state = s.state AND p.tx <> m.tx"""),
)  # fmt: skip

PAYABLES: Final = (
    Check("M4", """
        SELECT 'order:' || o.invoice_id AS subject,
            'the order is ' || o.status || ', its payable ' || COALESCE(y.state, 'missing') AS detail
        FROM orders o LEFT JOIN payables y ON y.invoice_id = o.invoice_id
        WHERE COALESCE(y.state, '')
            <> CASE o.status WHEN 'awaiting_payment' THEN 'open' WHEN 'paid' THEN 'paid' ELSE 'closed' END"""),
    Check("M4", """
        SELECT 'order:' || y.invoice_id AS subject, 'a payable without an order' AS detail
        FROM payables y WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.invoice_id = y.invoice_id)"""),
    Check("M4", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, 'a payment without a payable' AS detail
        FROM payments p WHERE NOT EXISTS (SELECT 1 FROM payables y WHERE y.invoice_id = p.invoice_id)"""),
    Check("M4", f"""
        SELECT 'order:' || k.invoice_id AS subject,
            'paid, but only ' || CAST(k.credited AS TEXT) || ' of ' || CAST(k.amount AS TEXT) || ' ever came' AS detail
        FROM ({_KEPT}) k WHERE k.state = 'paid' AND k.credited < k.amount"""),
    Check("M4", f"""
        SELECT 'order:' || k.invoice_id AS subject, 'all of ' || CAST(k.amount AS TEXT) || ' is there, but it is '
            || k.state AS detail
        FROM ({_KEPT}) k WHERE k.state <> 'paid' AND k.kept >= k.amount"""),
    Check("M4", """
        SELECT 'order:' || y.invoice_id AS subject, CAST(y.forgiven AS TEXT) || ' are forgiven, and it is ' || y.state AS detail
        FROM payables y WHERE y.forgiven < 0 OR y.forgiven > y.amount OR (y.forgiven <> 0 AND y.state <> 'paid')"""),
    Check("M7", """
        SELECT 'order:' || o.invoice_id AS subject,
            'its total is ' || CAST(o.total AS TEXT) || ', its parts make ' || CAST(o.parts AS TEXT) AS detail
        FROM (
            SELECT invoice_id, total,
                COALESCE((SELECT SUM(l.total) FROM order_lines l WHERE l.invoice_id = orders.invoice_id), 0)
                + COALESCE((SELECT SUM(a.amount) FROM order_adjustments a
                    WHERE a.invoice_id = orders.invoice_id AND NOT a.included), 0) AS parts
            FROM orders
        ) o WHERE o.total <> o.parts"""),
    Check("M7", """
        SELECT 'order:' || l.invoice_id AS subject, 'line ' || CAST(l.product_id AS TEXT) || ' is not price times quantity'
            AS detail
        FROM order_lines l WHERE l.total <> l.price * l.quantity"""),
    Check("M7", """
        SELECT 'order:' || o.invoice_id AS subject,
            'its total is ' || CAST(o.total AS TEXT) || ', its payable ' || CAST(y.amount AS TEXT) AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE o.total <> y.amount"""),
    Check("M8", """
        SELECT 'order:' || o.invoice_id AS subject, o.currency || ', its payable ' || y.currency AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE o.currency <> y.currency"""),
    Check("M8", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its payable ' || y.currency AS detail
        FROM payments p JOIN payables y ON y.invoice_id = p.invoice_id WHERE p.currency <> y.currency"""),
    Check("M8", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its movement ' || m.id || ' ' || m.currency
            AS detail
        FROM movements m JOIN payments p ON p.id = m.payment_id WHERE m.currency <> p.currency"""),
    Check("M8", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, p.currency || ', its suspense ' || s."key" || ' ' || s.currency
            AS detail
        FROM suspense s JOIN payments p ON p.id = s.payment_id WHERE s.currency <> p.currency AND s.reason <> 'conflict'"""),
    Check("M8", """
        SELECT l.posting_key AS subject, y.currency || ' is posted as ' || l.currency AS detail
        FROM ledger l JOIN payables y ON l.account = 'payable:' || y.invoice_id WHERE l.currency <> y.currency"""),
)  # fmt: skip
