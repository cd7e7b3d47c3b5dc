"""What a provider is expected to keep of a payment. Pure, in integers: a bookkeeper gets the same number."""

from typing import Final

from kassa.ports.money import Money
from kassa.ports.plugins import Fee

MILLION: Final = 1_000_000


def expected_fee(captured: Money, fee: Fee) -> Money:
    """The share of what was captured, rounded half up to a whole minor unit once, and the fixed part; nothing of nothing. It
    may be more than was captured: small payments do cost a shop money."""
    if captured.amount <= 0:
        return Money(amount=0, currency=captured.currency)
    share = (captured.amount * fee.ppm + MILLION // 2) // MILLION
    return Money(amount=share + fee.fixed, currency=captured.currency)
