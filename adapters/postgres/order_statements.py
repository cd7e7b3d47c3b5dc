"""The statements of checkout. Placing and ending an order each are one act over two contexts: shop and payment."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

from .cart import OPEN_CART, cart_document
from .statements import TOLD, act, statement

_ORDER: Final = """
json_build_object(
    'invoice_id', o.invoice_id, 'status', o.status,
    'lines', coalesce((
        SELECT json_agg(json_build_object(
            'product_id', l.product_id, 'sku', l.sku, 'name', l.name, 'quantity', l.quantity,
            'price', json_build_object('amount', l.price, 'currency', o.currency),
            'total', json_build_object('amount', l.total, 'currency', o.currency)) ORDER BY l.product_id)
        FROM order_lines l WHERE l.invoice_id = o.invoice_id), '[]'),
    'adjustments', coalesce((
        SELECT json_agg(json_build_object(
            'kind', a.kind, 'label', a.label, 'amount', json_build_object('amount', a.amount, 'currency', o.currency),
            'included', a.included) ORDER BY a.position)
        FROM order_adjustments a WHERE a.invoice_id = o.invoice_id), '[]'),
    'total', json_build_object('amount', o.total, 'currency', o.currency), 'email', o.email, 'address', o.address,
    'placed_at', o.placed_at, 'pay_until', o.pay_until, 'last_updated', o.last_updated) AS "order" """

BASIS: Final = statement(
    OPEN_CART,
    answer=f"""
    SELECT {cart_document("seen", "seen_lines")} AS cart, i.fingerprint, i.kind, i.body, i.at
    FROM (SELECT) always LEFT JOIN idempotency i ON i.principal = $2 AND i.route = $3 AND i.key = $4""",
)
ORDER: Final = f"SELECT {_ORDER} FROM orders o WHERE o.invoice_id = $1"
ORDER_OF: Final = f"SELECT {_ORDER} FROM orders o WHERE o.invoice_id = $1 AND o.account_id = $2"
ORDERS_OF: Final = f"""
SELECT {_ORDER}, o.number FROM orders o WHERE o.account_id = $1 AND o.number < $2 ORDER BY o.number DESC LIMIT $3"""
SEARCH: Final = f"""
SELECT {_ORDER}, o.number FROM orders o
WHERE ($1 = '%%' OR o.invoice_id ILIKE $1 OR o.email ILIKE $1) AND ($2::text IS NULL OR o.status = $2)
AND o.number < $3 ORDER BY o.number DESC LIMIT $4"""

_ACT_ORDER: Final = """
draft AS MATERIALIZED (
    SELECT o.* FROM act, jsonb_to_record(act."order") AS o(
        invoice_id text, status text, lines jsonb, adjustments jsonb, total jsonb, email text, address text,
        placed_at timestamptz, pay_until timestamptz, last_updated timestamptz)
), wanted AS MATERIALIZED (
    SELECT l.product_id, l.sku, l.name, l.quantity, (l.price->>'amount')::bigint AS price,
           l.price->>'currency' AS currency, (l.total->>'amount')::bigint AS total
    FROM draft, jsonb_to_recordset(draft.lines) AS l(
        product_id bigint, sku text, name text, quantity bigint, price jsonb, total jsonb)
)"""
_HELD: Final = """
cart AS MATERIALIZED (
    SELECT c.id FROM carts c, act
    WHERE c.id = act.cart_id AND c.account_id = act.account_id AND c.version = act.cart_version AND c.is_open
    FOR NO KEY UPDATE OF c
), held AS MATERIALIZED (
    SELECT p.id, p.price, p.currency, p.quantity, p.is_active FROM products p
    WHERE p.id = ANY(ARRAY(SELECT product_id FROM wanted)) AND EXISTS (SELECT FROM cart)
    ORDER BY p.id FOR UPDATE OF p
), judged AS MATERIALIZED (
    SELECT w.product_id, w.quantity AS requested, h.quantity AS available, h.price, h.currency,
           h.id IS NULL OR NOT h.is_active AS is_withdrawn,
           (h.price, h.currency) IS DISTINCT FROM (w.price, w.currency) AS is_repriced,
           h.quantity < w.quantity AS is_short
    FROM wanted w LEFT JOIN held h ON h.id = w.product_id
), problems AS MATERIALIZED (
    SELECT product_id, json_build_object('product_id', product_id, 'reason', 'withdrawn') AS problem
    FROM judged WHERE is_withdrawn
    UNION ALL SELECT product_id, json_build_object('product_id', product_id, 'reason', 'price_changed',
                  'price', json_build_object('amount', price, 'currency', currency))
    FROM judged WHERE NOT is_withdrawn AND is_repriced
    UNION ALL SELECT product_id, json_build_object('product_id', product_id, 'reason', 'out_of_stock',
                  'requested', requested, 'available', available)
    FROM judged WHERE NOT is_withdrawn AND is_short
), done AS (
    UPDATE carts c SET is_open = false, last_updated = act.moment FROM act
    WHERE c.id = (SELECT id FROM cart) AND NOT EXISTS (SELECT FROM problems)
    RETURNING c.id
)"""
"""Cart and products are locked, then judged as they are now; prices, activity and stock cannot change until the end."""

_PLACED: Final = """
claimed AS (
    INSERT INTO idempotency (principal, route, key, fingerprint, kind, body, at)
    SELECT act.claim#>>'{scope,principal}', act.claim#>>'{scope,route}', act.claim#>>'{scope,key}',
           decode(act.claim->>'fingerprint', 'base64'), act.answer->>'kind', decode(act.answer->>'body', 'base64'),
           act.moment
    FROM act, done
), taken AS (
    UPDATE products p SET quantity = p.quantity - w.quantity FROM wanted w, done WHERE p.id = w.product_id
), moved AS (
    INSERT INTO stock_moves (product_id, delta, reason, invoice_id, at, tx)
    SELECT w.product_id, -w.quantity, 'taken', o.invoice_id, o.placed_at, act.tx FROM act, done, draft o, wanted w
), placed AS (
    INSERT INTO orders (invoice_id, account_id, cart_id, status, total, currency, email, address, number, events,
                        placed_at, pay_until, last_updated)
    SELECT o.invoice_id, act.account_id, done.id, o.status, (o.total->>'amount')::bigint, o.total->>'currency', o.email,
           o.address, nextval('orders_number'), 1, o.placed_at, o.pay_until, o.last_updated
    FROM act, done, draft o
), lined AS (
    INSERT INTO order_lines (invoice_id, product_id, sku, name, quantity, price, total)
    SELECT o.invoice_id, w.product_id, w.sku, w.name, w.quantity, w.price, w.total FROM done, draft o, wanted w
), adjusted AS (
    INSERT INTO order_adjustments (invoice_id, position, kind, label, amount, included)
    SELECT o.invoice_id, a.position, a.doc->>'kind', a.doc->>'label', (a.doc#>>'{amount,amount}')::bigint,
           (a.doc->>'included')::boolean
    FROM done, draft o, jsonb_array_elements(o.adjustments) WITH ORDINALITY AS a(doc, position)
), begun AS (
    INSERT INTO order_events (invoice_id, seq, from_status, to_status, at, tx)
    SELECT o.invoice_id, 1, NULL, o.status, o.placed_at, act.tx FROM act, done, draft o
), owed AS (
    INSERT INTO payables (invoice_id, customer_id, amount, currency, state, pay_until, version)
    SELECT o.invoice_id, act.account_id, (o.total->>'amount')::bigint, o.total->>'currency',
           CASE o.status WHEN 'paid' THEN 'paid' ELSE 'open' END, o.pay_until, 1
    FROM act, done, draft o
)"""

PLACE: Final = statement(
    act('account_id bigint, cart_id bigint, cart_version int, "order" jsonb, claim jsonb, answer jsonb'),
    _ACT_ORDER,
    _HELD,
    _PLACED,
    TOLD,
    answer="""
    SELECT EXISTS (SELECT FROM done) AS is_done, EXISTS (SELECT FROM cart) AS is_current,
           (SELECT json_agg(problem ORDER BY product_id) FROM problems) AS problems""",
)

END: Final = statement(
    act("invoice_id text, status text, payable_version int, at timestamptz"),
    """
    found AS MATERIALIZED (
        SELECT o.status FROM orders o, act WHERE o.invoice_id = act.invoice_id
    ), done AS (
        UPDATE payables p SET state = 'closed', version = p.version + 1 FROM act, found
        WHERE p.invoice_id = act.invoice_id AND p.version = act.payable_version AND found.status = 'awaiting_payment'
        RETURNING p.invoice_id
    ), ended AS (
        UPDATE orders o SET status = act.status, events = o.events + 1, last_updated = act.at FROM act, done
        WHERE o.invoice_id = done.invoice_id RETURNING o.events
    ), stepped AS (
        INSERT INTO order_events (invoice_id, seq, from_status, to_status, at, tx)
        SELECT act.invoice_id, ended.events, found.status, act.status, act.at, act.tx FROM act, found, ended
    ), held AS MATERIALIZED (
        SELECT p.id, l.quantity FROM done JOIN order_lines l ON l.invoice_id = done.invoice_id
        JOIN products p ON p.id = l.product_id ORDER BY p.id FOR UPDATE OF p
    ), given_back AS (
        UPDATE products p SET quantity = p.quantity + held.quantity FROM held WHERE p.id = held.id
    ), moved AS (
        INSERT INTO stock_moves (product_id, delta, reason, invoice_id, at, tx)
        SELECT held.id, held.quantity, 'given_back', act.invoice_id, act.at, act.tx FROM act, held
    )""",
    TOLD,
    answer="SELECT EXISTS (SELECT FROM done) AS is_done, (SELECT status FROM found) AS status",
)
