"""The statements that read payments: a whole file is one statement, whichever way it is found."""

# ruff: noqa: S608  # statements are joined from constants at import; values travel as parameters alone

from typing import Final


def _base64(column: str) -> str:
    """Bytes as msgspec reads them: base64 in one line."""
    return f"replace(encode({column}, 'base64'), chr(10), '')"


def _list(fields: str, source: str, order: str) -> str:
    return f"coalesce((SELECT json_agg(json_build_object({fields}) ORDER BY {order}) FROM {source}), '[]')"


def _money(amount: str, currency: str) -> str:
    return f"json_build_object('amount', {amount}, 'currency', {currency})"


_PAYMENT: Final = f"""
    'id', p.id, 'invoice_id', p.invoice_id, 'method', p.method, 'merchant_ref', p.merchant_ref,
    'nominal', {_money("p.nominal", "p.currency")}, 'status', p.status, 'is_live', p.is_live, 'in_doubt', p.in_doubt,
    'late', p.late, 'conflict', p.conflict, 'needs_review', p.needs_review, 'authorized', p.authorized,
    'captured', p.captured, 'refunded', p.refunded, 'expires_at', p.expires_at, 'provider_ref', p.provider_ref,
    'plugin_state', {_base64("p.plugin_state")}, 'next_action', {_base64("p.next_action")},
    'return_token_hash', {_base64("p.return_token_hash")}, 'return_url', p.return_url,
    'created_date', p.created_date, 'last_updated', p.last_updated, 'reserved', p.reserved, 'forgives', p.forgives"""
_OPERATION: Final = f"""
    'id', o.id, 'payment_id', o.payment_id, 'kind', o.kind, 'state', o.state,
    'amount', CASE WHEN o.amount IS NOT NULL THEN {_money("o.amount", "p.currency")} END, 'attempt', o.attempt,
    'sent_at', o.sent_at, 'next_check_at', o.next_check_at, 'checks', o.checks, 'not_found', o.not_found,
    'executed', o.executed, 'code', o.code, 'last_updated', o.last_updated,
    'claim', convert_from(o.claim, 'UTF8')::json"""
_MOVEMENT: Final = f"""
    'payment_id', m.payment_id, 'first_seen_at', m.first_seen_at, 'movement', json_build_object(
        'kind', m.kind, 'id', m.id, 'state', m.state, 'amount', {_money("m.amount", "m.currency")}, 'at', m.at)"""
_SUSPENSE: Final = f"""
    'key', s.key, 'method', s.method, 'amount', {_money("s.amount", "s.currency")}, 'reason', s.reason,
    'state', s.state, 'payment_id', s.payment_id, 'note', s.note, 'at', s.at"""
_OF_INVOICE: Final = "JOIN payments p ON p.id = {}.payment_id WHERE p.invoice_id = y.invoice_id"
_FILE: Final = f"""
json_build_object(
    'payable', json_build_object(
        'invoice_id', y.invoice_id, 'customer_id', y.customer_id, 'amount', {_money("y.amount", "y.currency")},
        'state', y.state, 'pay_until', y.pay_until, 'version', y.version, 'forgiven', y.forgiven),
    'payments', {_list(_PAYMENT, "payments p WHERE p.invoice_id = y.invoice_id", "p.id")},
    'operations', {_list(_OPERATION, "operations o " + _OF_INVOICE.format("o"), "o.payment_id, o.sent_at, o.id")},
    'movements', {_list(_MOVEMENT, "movements m " + _OF_INVOICE.format("m"),
                        "m.payment_id, m.first_seen_at, m.kind, m.id")},
    'suspense', {_list(_SUSPENSE, "suspense s " + _OF_INVOICE.format("s"), "s.at, s.key")}
) AS file"""  # fmt: skip

FILE: Final = f"SELECT {_FILE} FROM payables y WHERE y.invoice_id = $1"
FILE_AND_PRIOR: Final = f"""
SELECT {_FILE}, i.fingerprint, i.kind, i.body, i.at
FROM payables y LEFT JOIN idempotency i ON i.principal = $2 AND i.route = $3 AND i.key = $4 WHERE y.invoice_id = $1"""
FILE_OF_PAYMENT: Final = f"""
SELECT {_FILE} FROM payables y WHERE y.invoice_id = (SELECT invoice_id FROM payments WHERE id = $1)"""
FILE_BY_REFERENCE: Final = f"""
SELECT {_FILE} FROM payables y WHERE y.invoice_id = coalesce(
    (SELECT invoice_id FROM payments WHERE method = $1 AND provider_ref = $2 ORDER BY id DESC LIMIT 1),
    (SELECT invoice_id FROM payments WHERE method = $1 AND merchant_ref = $3))"""
FILE_BY_RETURN_TOKEN: Final = f"""
SELECT {_FILE}, found.id FROM payments found JOIN payables y ON y.invoice_id = found.invoice_id
WHERE found.return_token_hash = $1"""
SUSPENSE: Final = "SELECT * FROM suspense WHERE state = $1 ORDER BY at, key LIMIT $2"
NAMED: Final = "SELECT * FROM suspense WHERE key = ANY($1::text[]) ORDER BY key"
TO_REVIEW: Final = "SELECT id FROM payments WHERE needs_review AND id > $1 ORDER BY id LIMIT $2"
OVERDUE: Final = """
SELECT y.invoice_id FROM payables y WHERE y.state = 'open' AND y.pay_until <= $1
AND NOT EXISTS (SELECT FROM payments p WHERE p.invoice_id = y.invoice_id AND (p.is_live OR p.in_doubt))
ORDER BY y.pay_until, y.invoice_id LIMIT $2"""
SHORT_LINES: Final = """
SELECT l.product_id, l.quantity AS requested, p.quantity AS available
FROM order_lines l JOIN products p ON p.id = l.product_id
WHERE l.invoice_id = $1 AND p.quantity < l.quantity ORDER BY l.product_id"""
WITH_CAPTURE: Final = """
SELECT p.id FROM movements m JOIN payments p ON p.id = m.payment_id
WHERE p.method = $1 AND m.id = $2 AND m.kind = 'capture' ORDER BY p.id"""
RESERVED: Final = "SELECT value, payment_id FROM payment_reservations WHERE method = $1 AND value = ANY($2::text[])"
TAKEN: Final = """
SELECT r.value FROM payment_reservations r JOIN payments p ON p.id = r.payment_id
WHERE r.method = $1 AND r.value = ANY($2::text[]) AND (r.held_until > $3 OR p.is_live)"""
