"""The promises about bank statements: no line's money is lost, and no line is forgotten."""

from typing import Final

from .checks_money import Check

LINES: Final = (
    Check("B1", """
        SELECT 'line:' || CAST(l.id AS TEXT) AS subject, 'confirmed, but no payment has its money' AS detail
        FROM bank_lines l WHERE l.verdict = 'confirmed' AND NOT EXISTS (
            SELECT 1 FROM movements m WHERE m.id = l.movement_id AND m.kind = 'capture' AND m.state >= 3
        )"""),
    Check("B1", """
        SELECT 'line:' || CAST(l.id AS TEXT) AS subject, l.verdict || ', but its money is not in suspense' AS detail
        FROM bank_lines l WHERE l.verdict IN ('proposed', 'unmatched') AND NOT EXISTS (
            SELECT 1 FROM suspense s WHERE s."key" = 'unmatched/' || l.method || '/' || l.movement_id
        )"""),
)  # fmt: skip

LINE_DUTIES: Final = (
    Check("B2", """
        SELECT 'line:' || CAST(l.id AS TEXT) AS subject, 'kept, and not processed' AS detail, l.next_try_at AS since
        FROM bank_lines l WHERE l.state = 'waiting'"""),
)  # fmt: skip
