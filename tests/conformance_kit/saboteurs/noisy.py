"""A module that cannot be imported quietly."""

from tests.conformance_kit.acme import kassa_payment_methods

__all__ = ["kassa_payment_methods"]
print("Acme Pay, (c) Acme")
