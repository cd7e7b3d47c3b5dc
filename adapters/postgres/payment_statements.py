"""The statements of payment acts. Everything an act writes hangs on the payable: one row, compared and raised."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final

from .statements import TOLD, act, statement

_PAYMENT: Final = (
    "p(id bigint, invoice_id text, method text, merchant_ref text, nominal jsonb, status text, is_live boolean,"
    " in_doubt boolean, late boolean, conflict boolean, needs_review boolean, authorized bigint, captured bigint,"
    " refunded bigint, expires_at timestamptz, provider_ref text, plugin_state text, next_action text,"
    " return_token_hash text, return_url text, created_date timestamptz, last_updated timestamptz, reserved bigint,"
    " forgives bigint)"
)
_PAYMENT_COLUMNS: Final = {
    **{
        name: f"p.{name}"
        for name in (
            "invoice_id", "method", "merchant_ref", "status", "is_live", "in_doubt", "late", "conflict", "needs_review",
            "authorized", "captured", "refunded", "expires_at", "provider_ref", "return_url", "created_date",
            "last_updated", "reserved", "forgives",
        )
    },
    **{name: f"decode(p.{name}, 'base64')" for name in ("plugin_state", "next_action", "return_token_hash")},
    "nominal": "(p.nominal->>'amount')::bigint",
    "currency": "p.nominal->>'currency'",
}  # fmt: skip
_NAMES: Final = ", ".join(_PAYMENT_COLUMNS)
_VALUES: Final = ", ".join(_PAYMENT_COLUMNS.values())
_SET: Final = ", ".join(f"{name} = {value}" for name, value in _PAYMENT_COLUMNS.items())

_OPERATION: Final = (
    "o(id text, payment_id bigint, kind text, state int, amount jsonb, attempt int, sent_at timestamptz,"
    " next_check_at timestamptz, checks int, not_found int, executed boolean, code text, last_updated timestamptz,"
    " claim jsonb)"
)
_OPERATION_NAMES: Final = (
    "id, payment_id, kind, state, amount, attempt, sent_at, next_check_at, checks, not_found, executed, code,"
    " last_updated, claim"
)


def _operation_values(payment_id: str) -> str:
    return (
        f"o.id, {payment_id}, o.kind, o.state, (o.amount->>'amount')::bigint, o.attempt, o.sent_at, o.next_check_at,"
        " o.checks, o.not_found, o.executed, o.code, o.last_updated, convert_to(o.claim::text, 'UTF8')"
    )


def _replace_payments(field: str) -> str:
    """Those that are no longer live first, so that a live one may take their place."""
    source = f"FROM act, done, jsonb_to_recordset(act.{field}) AS {_PAYMENT}"
    return f"""
    unlived AS (UPDATE payments t SET {_SET} {source} WHERE t.id = p.id AND NOT p.is_live RETURNING t.id),
    lived AS (
        UPDATE payments t SET {_SET} {source} WHERE t.id = p.id AND p.is_live AND (SELECT count(*) FROM unlived) >= 0
    )"""


def _put_operations(field: str) -> str:
    """New ones, or replaced; what is recorded of an operation ends its lease."""
    return f"""
    operated AS (
        INSERT INTO operations ({_OPERATION_NAMES})
        SELECT {_operation_values("o.payment_id")} FROM act, done, jsonb_to_recordset(act.{field}) AS {_OPERATION}
        ON CONFLICT (id) DO UPDATE SET (state, amount, attempt, sent_at, next_check_at, checks, not_found, executed,
                                        code, last_updated, claim, lease_until)
        = (EXCLUDED.state, EXCLUDED.amount, EXCLUDED.attempt, EXCLUDED.sent_at, EXCLUDED.next_check_at,
           EXCLUDED.checks, EXCLUDED.not_found, EXCLUDED.executed, EXCLUDED.code, EXCLUDED.last_updated,
           EXCLUDED.claim, NULL)
    )"""


_SET_PAYABLE: Final = """
    UPDATE payables y SET customer_id = n.customer_id, amount = (n.amount->>'amount')::bigint,
           currency = n.amount->>'currency', state = n.state, pay_until = n.pay_until, version = n.version,
           forgiven = n.forgiven
    FROM act, jsonb_to_record(act.payable) AS n(
        invoice_id text, customer_id bigint, amount jsonb, state text, pay_until timestamptz, version int, forgiven bigint)
    WHERE y.invoice_id = n.invoice_id AND y.version = act.expected_version"""
_CLAIM: Final = """
    SELECT act.claim#>>'{scope,principal}', act.claim#>>'{scope,route}', act.claim#>>'{scope,key}',
           decode(act.claim->>'fingerprint', 'base64')"""
_NOTICED: Final = """
noticed AS MATERIALIZED (
    SELECT n.id FROM inbox n, act
    WHERE n.id = (act.inbox->>'id')::bigint AND n.fence = (act.inbox->>'fence')::int AND n.state = 'waiting'
    FOR NO KEY UPDATE OF n
)"""
_NOTICE_SETTLED: Final = """
settled AS (
    UPDATE inbox n SET state = 'done', settled_at = act.moment FROM act, done, noticed WHERE n.id = noticed.id
)"""
_POSTING: Final = "p(key text, payment_id bigint, entries jsonb, at timestamptz)"


def _post(postings: str) -> str:
    return f"""
    posted AS (
        INSERT INTO postings (key, payment_id, at, tx)
        SELECT p.key, p.payment_id, p.at, act.tx FROM act, done, jsonb_to_recordset({postings}) AS {_POSTING}
    ), entered AS (
        INSERT INTO ledger (posting_key, account, amount, currency)
        SELECT p.key, e.doc->>'account', (e.doc#>>'{{amount,amount}}')::bigint, e.doc#>>'{{amount,currency}}'
        FROM act, done, jsonb_to_recordset({postings}) AS {_POSTING},
             jsonb_array_elements(p.entries) WITH ORDINALITY AS e(doc, position)
        ORDER BY p.key, e.position
    )"""


_SUSPENSE: Final = (
    "s(key text, method text, amount jsonb, reason text, state text, payment_id bigint, note text, at timestamptz)"
)
_SUSPENSE_NAMES: Final = "key, method, amount, currency, reason, state, payment_id, note, at"
_SUSPENSE_VALUES: Final = (
    "s.key, s.method, (s.amount->>'amount')::bigint, s.amount->>'currency', s.reason, s.state, s.payment_id,"
    " s.note, s.at"
)

_RESERVED: Final = """
held AS (
    INSERT INTO payment_reservations AS r (method, value, payment_id, held_until)
    SELECT act.payment->>'method', v.value, started.id, v.held_until
    FROM act, started, jsonb_to_record(act.reservation) AS v(value text, held_until timestamptz)
    WHERE act.reservation IS NOT NULL
    ON CONFLICT (method, value) DO UPDATE SET held_until = EXCLUDED.held_until, payment_id = CASE
        WHEN r.held_until > (SELECT moment FROM act)
          OR EXISTS (SELECT FROM payments p WHERE p.id = r.payment_id AND p.is_live) THEN 0
        ELSE EXCLUDED.payment_id END
)"""
"""What is held already is written as payment 0: the constraint refuses it, and with it the whole act."""

BEGIN: Final = statement(
    act(
        "expected_version int, payable jsonb, payment jsonb, operation jsonb, superseded jsonb,"
        " superseded_operations jsonb, claim jsonb, reservation jsonb"
    ),
    f"done AS ({_SET_PAYABLE} RETURNING y.invoice_id)",
    f"""claimed AS (
        INSERT INTO idempotency (principal, route, key, fingerprint, at)
        {_CLAIM}, act.moment FROM act, done WHERE act.claim IS NOT NULL
    )""",
    _replace_payments("superseded"),
    _put_operations("superseded_operations"),
    f"""started AS (
        INSERT INTO payments ({_NAMES}) SELECT {_VALUES} FROM act, done, jsonb_to_record(act.payment) AS {_PAYMENT}
        WHERE (SELECT count(*) FROM unlived) >= 0
        RETURNING id
    ), sent AS (
        INSERT INTO operations ({_OPERATION_NAMES})
        SELECT {_operation_values("started.id")} FROM act, started, jsonb_to_record(act.operation) AS {_OPERATION}
    )""",
    _RESERVED,
    TOLD,
    answer="SELECT id FROM started",
)

_RECORD_DONE: Final = f"""
found AS MATERIALIZED (
    SELECT o.status FROM orders o, act WHERE o.invoice_id = act.payable->>'invoice_id'
), others AS MATERIALIZED (
    SELECT 1 FROM act JOIN idempotency i ON i.principal = act.claim#>>'{{scope,principal}}'
        AND i.route = act.claim#>>'{{scope,route}}' AND i.key = act.claim#>>'{{scope,key}}'
    WHERE act.answer IS NOT NULL AND i.fingerprint <> decode(act.claim->>'fingerprint', 'base64')
), strangers AS MATERIALIZED (
    SELECT 1 FROM act, jsonb_to_recordset(act.payments) AS g(id bigint)
    WHERE NOT EXISTS (SELECT FROM payments p WHERE p.id = g.id)
), unnamed AS MATERIALIZED (
    SELECT 1 FROM act, jsonb_to_recordset(act.movements) AS k(payment_id bigint, movement jsonb)
    JOIN payments p ON p.id = k.payment_id JOIN suspense s ON s.key = 'unmatched/' || p.method || '/' || (k.movement->>'id')
    WHERE k.movement->>'kind' = 'capture' AND k.movement->>'state' = '3'
        AND NOT (s.state = 'assigned' AND s.payment_id = k.payment_id)
        AND NOT EXISTS (SELECT FROM jsonb_to_recordset(act.suspense) AS g(key text) WHERE g.key = s.key)
), done AS (
    {_SET_PAYABLE}
    AND (act.inbox IS NULL OR EXISTS (SELECT FROM noticed))
    AND (act."order" IS NULL OR (SELECT status FROM found) = ANY(
        CASE WHEN (act."order"->>'late')::boolean THEN ARRAY['canceled', 'expired'] ELSE ARRAY['awaiting_payment'] END))
    AND NOT EXISTS (SELECT FROM others) AND NOT EXISTS (SELECT FROM strangers)
    AND NOT EXISTS (SELECT FROM unnamed)
    RETURNING y.invoice_id
)"""
_RECORD_CLAIM: Final = f"""
opened AS (
    INSERT INTO idempotency (principal, route, key, fingerprint, at)
    {_CLAIM}, act.moment FROM act, done WHERE act.claim IS NOT NULL AND act.answer IS NULL
), finished AS (
    INSERT INTO idempotency AS i (principal, route, key, fingerprint, at, kind, body)
    {_CLAIM}, act.moment, act.answer->>'kind', decode(act.answer->>'body', 'base64')
    FROM act, done WHERE act.claim IS NOT NULL AND act.answer IS NOT NULL
    ON CONFLICT (principal, route, key) DO UPDATE SET kind = EXCLUDED.kind, body = EXCLUDED.body WHERE i.kind IS NULL
)"""
_MOVED: Final = """
moved AS (
    INSERT INTO movements AS t (payment_id, kind, id, state, amount, currency, at, first_seen_at, tx)
    SELECT k.payment_id, m.kind, m.id, m.state, (m.amount->>'amount')::bigint, m.amount->>'currency', m.at,
           k.first_seen_at, act.tx
    FROM act, done, jsonb_to_recordset(act.movements) AS k(payment_id bigint, movement jsonb, first_seen_at timestamptz),
         jsonb_to_record(k.movement) AS m(kind text, id text, state int, amount jsonb, at timestamptz)
    ON CONFLICT (payment_id, kind, id) DO UPDATE SET state = EXCLUDED.state, amount = EXCLUDED.amount,
        currency = EXCLUDED.currency, at = EXCLUDED.at, first_seen_at = EXCLUDED.first_seen_at,
        tx = CASE WHEN EXCLUDED.state > t.state THEN EXCLUDED.tx ELSE t.tx END
)"""
_ORDER_PAID: Final = """
paid AS (
    UPDATE orders o SET status = 'paid', events = o.events + 1, last_updated = (act."order"->>'at')::timestamptz
    FROM act, done WHERE o.invoice_id = done.invoice_id AND act."order" IS NOT NULL
    RETURNING o.invoice_id, o.events, o.last_updated AS at
), stepped AS (
    INSERT INTO order_events (invoice_id, seq, from_status, to_status, at, tx)
    SELECT paid.invoice_id, paid.events, found.status, 'paid', paid.at, act.tx FROM act, found, paid
), held AS MATERIALIZED (
    SELECT p.id, l.quantity FROM act, paid JOIN order_lines l ON l.invoice_id = paid.invoice_id
    JOIN products p ON p.id = l.product_id WHERE (act."order"->>'late')::boolean
    ORDER BY p.id FOR UPDATE OF p
), taken AS (
    UPDATE products p SET quantity = p.quantity - held.quantity FROM held WHERE p.id = held.id
), taken_late AS (
    INSERT INTO stock_moves (product_id, delta, reason, invoice_id, at, tx)
    SELECT held.id, -held.quantity, 'taken_late', paid.invoice_id, paid.at, act.tx FROM act, paid, held
)"""
_PUT_SUSPENSE: Final = f"""
suspended AS (
    INSERT INTO suspense ({_SUSPENSE_NAMES})
    SELECT {_SUSPENSE_VALUES} FROM act, done, jsonb_to_recordset(act.suspense) AS {_SUSPENSE}
    ON CONFLICT (key) DO UPDATE SET (method, amount, currency, reason, state, payment_id, note, at)
    = (EXCLUDED.method, EXCLUDED.amount, EXCLUDED.currency, EXCLUDED.reason, EXCLUDED.state, EXCLUDED.payment_id,
       EXCLUDED.note, EXCLUDED.at)
)"""

RECORD: Final = statement(
    act(
        "expected_version int, payable jsonb, payments jsonb, operations jsonb, movements jsonb, postings jsonb,"
        ' suspense jsonb, "order" jsonb, inbox jsonb, claim jsonb, answer jsonb'
    ),
    _NOTICED,
    _RECORD_DONE,
    _RECORD_CLAIM,
    _replace_payments("payments"),
    _put_operations("operations"),
    _MOVED,
    _post("act.postings"),
    _PUT_SUSPENSE,
    _ORDER_PAID,
    _NOTICE_SETTLED,
    TOLD,
    answer="SELECT invoice_id FROM done",
)

SUSPEND: Final = statement(
    act("suspense jsonb, posting jsonb, inbox jsonb"),
    _NOTICED,
    f"""
    welcome AS MATERIALIZED (SELECT 1 FROM act WHERE act.inbox IS NULL OR EXISTS (SELECT FROM noticed)),
    done AS (
        INSERT INTO suspense ({_SUSPENSE_NAMES})
        SELECT {_SUSPENSE_VALUES} FROM act, welcome, jsonb_to_record(act.suspense) AS {_SUSPENSE}
        ON CONFLICT (key) DO NOTHING RETURNING key
    ), settled AS (
        UPDATE inbox n SET state = 'done', settled_at = act.moment FROM act, noticed WHERE n.id = noticed.id
    )""",
    _post("jsonb_build_array(act.posting)"),
    TOLD,
    answer="SELECT 1 FROM welcome",
)
SETTLE_SUSPENSE: Final = statement(
    act("suspense jsonb, posting jsonb, parts jsonb, arrivals jsonb"),
    f"""
    done AS (
        UPDATE suspense t SET ({_SUSPENSE_NAMES}) = ROW({_SUSPENSE_VALUES})
        FROM act, jsonb_to_record(act.suspense) AS {_SUSPENSE} WHERE t.key = s.key AND t.state = 'open' RETURNING t.key
    ), parted AS (
        INSERT INTO suspense ({_SUSPENSE_NAMES})
        SELECT {_SUSPENSE_VALUES} FROM act, done, jsonb_to_recordset(act.parts) AS {_SUSPENSE}
    )""",
    _post("jsonb_build_array(act.posting) || act.arrivals"),
    TOLD,
    answer="SELECT key FROM done",
)
CLAIM_DUE: Final = """
WITH due AS MATERIALIZED (
    SELECT id FROM operations WHERE next_check_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
    ORDER BY next_check_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE operations o SET lease_until = $3, fence = o.fence + 1 FROM due WHERE o.id = due.id
    RETURNING o.id, o.payment_id, o.next_check_at
) SELECT p.invoice_id, leased.payment_id, leased.id AS operation_id
FROM leased JOIN payments p ON p.id = leased.payment_id ORDER BY leased.next_check_at, leased.id"""
