"""Acme Pay, sabotaged: every one of these breaks one rule of the contract, and the kit must notice by exactly one check."""

from kassa.ports.hooks import PaymentMethodFactory, hookimpl

from . import (
    command,
    declare,
    money,
    money_odd,
    money_refunds,
    operation,
    query,
    silence,
    webhook,
    webhook_forged,
    webhook_sealed,
)
from .kit import SABOTEURS, offered

MODULES = (
    command,
    declare,
    operation,
    query,
    silence,
    webhook,
    webhook_forged,
    webhook_sealed,
    money,
    money_odd,
    money_refunds,
)
__all__ = ["MODULES", "SABOTEURS"]


@hookimpl
def kassa_payment_methods() -> tuple[PaymentMethodFactory, ...]:
    """All of them: each is a method that a shop could load."""
    return offered()
