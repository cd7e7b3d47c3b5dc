"""The examination of a payment method, by its author, against a double of its provider: see `subject` for how it begins.

`PaymentMethodContract` needs pytest and is loaded when it is asked for; everything else works without.
"""

from typing import TYPE_CHECKING

from .outcome import Failed, NotOffered, Skipped, expect
from .subject import CANARY, UNHEARD_OF, Charge, Headers, ProviderDouble, Subject

if TYPE_CHECKING:
    from .contract import PaymentMethodContract

__all__ = [
    "CANARY",
    "UNHEARD_OF",
    "Charge",
    "Failed",
    "Headers",
    "NotOffered",
    "PaymentMethodContract",
    "ProviderDouble",
    "Skipped",
    "Subject",
    "expect",
]


def __getattr__(name: str) -> object:
    if name == "PaymentMethodContract":
        from .contract import PaymentMethodContract

        return PaymentMethodContract
    raise AttributeError(f"module {__name__} has no {name}")
