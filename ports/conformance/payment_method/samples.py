"""Amounts and names that the kit makes up."""

import itertools
import os
from collections.abc import Sequence
from functools import cache
from hashlib import sha256

from kassa.ports.money import EXPONENTS, Money
from kassa.ports.payment import Capabilities

_NUMBERS = itertools.count(1)


def usual_amount(capabilities: Capabilities) -> Money:
    """About 12.00 of the first currency that is taken, divisible by four in its steps."""
    rule = capabilities.amounts[0]
    currency = "EUR" if rule.currency == "*" else rule.currency
    quarter = max(300, rule.min)
    quarter = -(-quarter // rule.step) * rule.step
    whole = min(quarter * 4, rule.max // (4 * rule.step) * 4 * rule.step)
    return Money(amount=whole if whole >= rule.min else rule.min, currency=currency)


def amounts_to_try(capabilities: Capabilities) -> Sequence[Money]:
    """One amount for every kind of currency that the method takes: exponents 0, 2, 3 and each rule's smallest step."""
    found: dict[str, Money] = {}
    for rule in capabilities.amounts:
        currencies = ("JPY", "EUR", "KWD", "IDR") if rule.currency == "*" else (rule.currency,)
        for currency in currencies:
            if currency in EXPONENTS:
                first = -(-max(rule.min, 1) // rule.step) * rule.step
                amount = next((n for n in (first + 12 * rule.step, first) if n <= rule.max), rule.min)
                found.setdefault(currency, Money(amount=amount, currency=currency))
    return tuple(found.values())


def new_number() -> str:
    """Unique in this run, and unlikely to repeat in another: a double may be a real provider that remembers."""
    digest = sha256(f"{run_id()}/{next(_NUMBERS)}".encode()).hexdigest().upper()
    return f"{digest[:4]}-{digest[4:8]}"


def new_operation_id() -> str:
    """32 hexadecimal digits, as the kernel's."""
    return sha256(f"{run_id()}/operation/{next(_NUMBERS)}".encode()).hexdigest()[:32]


@cache
def run_id() -> str:
    """Different in every process."""
    return os.urandom(16).hex()
