"""The shop's own account as methods of a test's shop, in pounds: by creditor reference, virtual account and unique amount."""

from typing import Any

import msgspec
from msgspec import Struct

from kassa.plugins.bank_transfer.account.config import AccountConfig
from kassa.plugins.bank_transfer.account.method import BankAccount
from tests.plugins.bank_statements import IBAN

TOLD = {"driver": "account", "bank": "B", "holder": "Shop Ltd", "iban": IBAN, "currency": "GBP"}


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Told nothing: the accounts are the test's."""


class Own(BankAccount):
    """With creditor references."""

    Config = Nothing
    told: dict[str, Any] = {"reference": "rf"}  # noqa: RUF012

    def __init__(self, config: Any) -> None:
        super().__init__(msgspec.convert(TOLD | self.told, AccountConfig))


class Numbered(Own):
    """With virtual accounts."""

    told: dict[str, Any] = {"reference": "virtual_account", "virtual_account": {"prefix": "88608", "digits": 10}}  # noqa: RUF012


class Coded(Own):
    """With unique amounts: pennies."""

    told: dict[str, Any] = {"reference": "unique_amount", "unique_amount": {"digits": 2, "step": 1}}  # noqa: RUF012
