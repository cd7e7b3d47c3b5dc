"""All checks, in the order of the report."""

from . import (
    checks_command,
    checks_declare,
    checks_discretion,
    checks_money,
    checks_operation,
    checks_patience,
    checks_query,
    checks_unclear,
    checks_webhook,
)
from .check import Check

ALL: tuple[Check, ...] = (
    *checks_declare.CHECKS,
    *checks_discretion.CHECKS,
    *checks_command.CHECKS,
    *checks_unclear.CHECKS,
    *checks_patience.CHECKS,
    *checks_operation.CHECKS,
    *checks_query.CHECKS,
    *checks_webhook.CHECKS,
    *checks_money.CHECKS,
)
"""Every id is of one check only."""
