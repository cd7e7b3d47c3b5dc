"""The promises about idempotency records, sessions, webhooks and the audit trail
(`promises.md`, I1, I2, I5; A1, A3, A4; W1; U1, U2)."""

# ruff: noqa: S608 - the parts of these queries are our own constants

from typing import Final

from .checks_money import Check

ARGON2_FLOOR: Final = 35_840
"""Memory in KiB times passes of the weakest argon2id profile that OWASP lists (7 MiB, t=5)."""

_COST: Final = {
    "sqlite": (
        "CAST(substr(password, instr(password, '$m=') + 3) AS INTEGER)"
        " * CAST(substr(password, instr(password, ',t=') + 3) AS INTEGER)"
    ),
    "postgresql": (
        "COALESCE(CAST(substring(password from '[$]m=([0-9]+)') AS BIGINT), 0)"
        " * COALESCE(CAST(substring(password from ',t=([0-9]+)') AS BIGINT), 0)"
    ),
}
"""Memory times passes, read out of a PHC string; 0 when they are not there."""

RECORDS: Final = (
    Check("I1", """
        SELECT 'key:' || i."key" AS subject, 'a fingerprint of ' || CAST(length(i.fingerprint) AS TEXT) || ' bytes' AS detail
        FROM idempotency i WHERE length(i.fingerprint) <> 32"""),
    Check("I2", """
        SELECT 'key:' || i."key" AS subject, 'half an answer' AS detail
        FROM idempotency i WHERE (i.kind IS NULL AND i.body IS NOT NULL) OR (i.kind IS NOT NULL AND i.body IS NULL)"""),
    Check("I5", """
        SELECT 'key:' || i."key" AS subject, 'a stored answer that is no success: ' || i.kind AS detail
        FROM idempotency i WHERE i.kind NOT IN ('created', 'accepted', 'done')"""),
    Check("I5", """
        SELECT 'payment:' || CAST(p.id AS TEXT) AS subject, CAST(COUNT(o.id) AS TEXT) || ' STARTs' AS detail
        FROM payments p LEFT JOIN operations o ON o.payment_id = p.id AND o.kind = 'start'
        GROUP BY p.id HAVING COUNT(o.id) <> 1"""),
    Check("A1", """
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'open for an inactive account' AS detail
        FROM sessions s JOIN accounts a ON a.id = s.account_id
        WHERE NOT a.is_active AND s.ended_at IS NULL AND s.opened_at >= a.sessions_valid_from"""),
    Check("A3", """
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'a token that is not a SHA-256 hash' AS detail
        FROM sessions s WHERE length(s.token_hash) <> 32"""),
    Check("A4", """
        SELECT 'session:' || CAST(s.id AS TEXT) AS subject, 'used after its end' AS detail
        FROM sessions s WHERE s.last_seen_at > s.ends_at OR s.last_seen_at > s.idle_until"""),
    Check("W1", """
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, 'kept ' || CAST(COUNT(*) AS TEXT) || ' times' AS detail
        FROM inbox n GROUP BY n.method, n.event_id HAVING COUNT(*) > 1"""),
    Check("W1", """
        SELECT 'notice:' || n.method || '/' || n.event_id AS subject, n.state || ', but not settled as such' AS detail
        FROM inbox n WHERE (n.state = 'waiting') <> (n.settled_at IS NULL)"""),
    Check("U1", """
        SELECT 'audit:' || CAST(a.id AS TEXT) AS subject, a.action || ' by nobody, or in no request' AS detail
        FROM audit a WHERE a.actor = '' OR a.request_id = ''"""),
    Check("U1", """
        SELECT c.subject, 'changed by transaction ' || CAST(c.tx AS TEXT) || ', which left no audit entry' AS detail
        FROM (
            SELECT 'product:' || CAST(product_id AS TEXT) AS subject, tx FROM stock_moves
            UNION SELECT 'payment:' || CAST(payment_id AS TEXT), tx FROM movements
            UNION SELECT 'posting:' || "key", tx FROM postings
        ) c WHERE c.tx NOT IN (SELECT tx FROM audit)"""),
    Check("U2", """
        SELECT 'block:' || CAST(b.id AS TEXT) AS subject, 'it does not follow the block before' AS detail
        FROM audit_blocks b LEFT JOIN audit_blocks p ON p.id = b.id - 1
        WHERE b.first_id > b.last_id OR (b.id > 1 AND p.id IS NULL) OR p.hash <> b.previous OR p.last_id >= b.first_id"""),
)  # fmt: skip


def passwords(dialect: str) -> Check:
    """A3: every password is an argon2id hash at or above the floor. Reading a number out of text differs by dialect."""
    return Check("A3", f"""
        SELECT 'account:' || CAST(id AS TEXT) AS subject, 'not an argon2id hash at or above the floor' AS detail
        FROM accounts
        WHERE password NOT LIKE '$argon2id$v=19$m=%,t=%,p=%$%$%' OR {_COST[dialect]} < {ARGON2_FLOOR}""")  # fmt: skip
