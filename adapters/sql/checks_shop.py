"""The promises about stock and orders, as queries that find who breaks them (`promises.md`, S1 to S4; O1, O2, O4; X1, X2)."""

# ruff: noqa: S608 - the parts of these queries are our own constants

from typing import Final

from kassa.ports.checkout import LEGAL_STEPS

from .checks_money import Check

_LEGAL: Final = ", ".join(
    f"'{was.value if was else ''}>{becomes.value}'"
    for was, next_ones in LEGAL_STEPS.items()
    for becomes in sorted(next_ones, key=lambda status: status.value)
)
_ORDER_MOVES: Final = "('taken', 'given_back', 'taken_late')"

STOCK: Final = (
    Check("S1", """
        SELECT 'product:' || CAST(p.id AS TEXT) AS subject,
            'its stock is ' || CAST(p.quantity AS TEXT) || ', its moves make ' || CAST(p.moved AS TEXT) AS detail
        FROM (
            SELECT id, quantity,
                COALESCE((SELECT SUM(m.delta) FROM stock_moves m WHERE m.product_id = products.id), 0) AS moved
            FROM products
        ) p WHERE p.quantity < 0 OR p.quantity <> p.moved"""),
    Check("S2", f"""
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject,
            m.reason || ' ' || CAST(m.delta AS TEXT) || ' for no line of an order' AS detail
        FROM stock_moves m WHERE m.reason IN {_ORDER_MOVES} AND NOT EXISTS (
            SELECT 1 FROM order_lines l WHERE l.invoice_id = m.invoice_id AND l.product_id = m.product_id
        )"""),
    Check("S2", f"""
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject, m.reason || ' in the name of an order' AS detail
        FROM stock_moves m WHERE m.reason NOT IN {_ORDER_MOVES} AND m.invoice_id IS NOT NULL"""),
    Check("S3", """
        SELECT 'product:' || CAST(m.product_id AS TEXT) AS subject,
            'move ' || CAST(m.id AS TEXT) || ' sold what had not been received: ' || CAST(m.left_over AS TEXT) AS detail
        FROM (
            SELECT id, product_id, SUM(delta) OVER (PARTITION BY product_id ORDER BY id) AS left_over FROM stock_moves
        ) m WHERE m.left_over < 0"""),
    Check("S4", f"""
        SELECT 'order:' || h.invoice_id AS subject,
            'it is ' || h.status || ' and holds ' || CAST(h.held AS TEXT) || ' of ' || CAST(h.quantity AS TEXT)
            || ' of product ' || CAST(h.product_id AS TEXT) AS detail
        FROM (
            SELECT l.invoice_id, l.product_id, l.quantity, o.status,
                COALESCE(-SUM(m.delta), 0) AS held, COUNT(m.id) AS moves, COUNT(DISTINCT m.reason) AS kinds
            FROM order_lines l JOIN orders o ON o.invoice_id = l.invoice_id
            LEFT JOIN stock_moves m
                ON m.invoice_id = l.invoice_id AND m.product_id = l.product_id AND m.reason IN {_ORDER_MOVES}
            GROUP BY l.invoice_id, l.product_id, l.quantity, o.status
        ) h
        WHERE h.moves <> h.kinds
            OR h.held <> CASE WHEN h.status IN ('awaiting_payment', 'paid') THEN h.quantity ELSE 0 END"""),
)  # fmt: skip

ORDERS: Final = (
    Check("O1", """
        SELECT 'cart:' || CAST(o.cart_id AS TEXT) AS subject, CAST(COUNT(*) AS TEXT) || ' orders' AS detail
        FROM orders o GROUP BY o.cart_id HAVING COUNT(*) > 1"""),
    Check("O1", """
        SELECT 'cart:' || CAST(c.id AS TEXT) AS subject, 'still open after order ' || o.invoice_id AS detail
        FROM orders o JOIN carts c ON c.id = o.cart_id WHERE c.is_open"""),
    Check("O2", """
        SELECT 'order:' || o.invoice_id AS subject,
            CAST(o.events AS TEXT) || ' events are counted, ' || CAST(COUNT(e.seq) AS TEXT) || ' are there' AS detail
        FROM orders o LEFT JOIN order_events e ON e.invoice_id = o.invoice_id
        GROUP BY o.invoice_id, o.events
        HAVING o.events <> COUNT(e.seq) OR o.events < 1 OR MIN(e.seq) <> 1 OR MAX(e.seq) <> COUNT(e.seq)"""),
    Check("O2", """
        SELECT 'order:' || o.invoice_id AS subject, 'it is ' || o.status || ', its last event says ' || e.to_status
            AS detail
        FROM orders o JOIN order_events e ON e.invoice_id = o.invoice_id AND e.seq = o.events
        WHERE e.to_status <> o.status"""),
    Check("O2", f"""
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' steps from ' || COALESCE(e.from_status, 'nothing') || ' to ' || e.to_status
            || ' after ' || COALESCE(b.to_status, 'nothing') AS detail
        FROM order_events e LEFT JOIN order_events b ON b.invoice_id = e.invoice_id AND b.seq = e.seq - 1
        WHERE COALESCE(e.from_status, '') <> COALESCE(b.to_status, '')
            OR COALESCE(e.from_status, '') || '>' || e.to_status NOT IN ({_LEGAL})"""),
    Check("O4", """
        SELECT 'order:' || o.invoice_id AS subject,
            'account ' || CAST(o.account_id AS TEXT) || ' ordered from a cart of '
            || COALESCE(CAST(c.account_id AS TEXT), 'nobody') AS detail
        FROM orders o LEFT JOIN carts c ON c.id = o.cart_id WHERE COALESCE(c.account_id, -1) <> o.account_id"""),
    Check("O4", """
        SELECT 'order:' || o.invoice_id AS subject,
            'account ' || CAST(o.account_id AS TEXT) || ' ordered, ' || CAST(y.customer_id AS TEXT) || ' pays' AS detail
        FROM orders o JOIN payables y ON y.invoice_id = o.invoice_id WHERE y.customer_id <> o.account_id"""),
    Check("X1", """
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' (' || e.to_status || ') left no event in the outbox' AS detail
        FROM order_events e WHERE NOT EXISTS (
            SELECT 1 FROM outbox b WHERE b.subject = 'order:' || e.invoice_id AND b.tx = e.tx AND b.kind
                = CASE e.to_status WHEN 'awaiting_payment' THEN 'order.placed' ELSE 'order.' || e.to_status END
        )"""),
    Check("X2", """
        SELECT 'order:' || e.invoice_id AS subject,
            'event ' || CAST(e.seq AS TEXT) || ' (' || e.to_status || ') left no audit entry' AS detail
        FROM order_events e WHERE NOT EXISTS (
            SELECT 1 FROM audit a WHERE a.subject = 'order:' || e.invoice_id AND a.tx = e.tx
        )"""),
)  # fmt: skip
