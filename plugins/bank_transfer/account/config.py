"""What is told about the shop's own account, and checked before it is shown to anybody."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from stdnum import bic as bic_number
from stdnum import iban as iban_number
from stdnum.exceptions import ValidationError

from kassa.plugins.bank_transfer.files import CsvProfile
from kassa.ports.money import EXPONENTS
from kassa.ports.texts import FALLBACK, Texts

DAY_S = 86_400
Line = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*\Z")]
Holder = Annotated[str, Meta(min_length=1, max_length=70, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*\Z")]
"""As EPC069-12 and ISO 20022 take a name: at most 70 characters, in one line."""
Channel = Literal["app", "atm", "branch"]
ProfileName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]


class VirtualAccount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Account numbers that the bank leads to the shop's account: its `prefix` for the company and a number of `digits`. One is
    given again `quarantine_days` after the expiry of its payment, no earlier."""

    prefix: Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")]
    digits: Annotated[int, Meta(ge=4, le=15)]
    quarantine_days: Annotated[int, Meta(ge=1, le=3650)] = 90

    def __post_init__(self) -> None:
        if not 8 <= len(self.prefix) + self.digits <= 24:
            raise ValueError("a virtual account number has 8 to 24 digits, prefix included")


class UniqueAmount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes an amount unique: a number of `digits`, in steps of `step` minor units, is taken off it. For IDR 3 and 100 are
    the last three digits of the rupiah, for EUR 2 and 1 the cents."""

    digits: Annotated[int, Meta(ge=1, le=4)]
    step: Annotated[int, Meta(ge=1, le=10_000)]
    quarantine_days: Annotated[int, Meta(ge=1, le=365)] = 7

    @property
    def most(self) -> int:
        """The largest number that is drawn."""
        return int(10**self.digits) - 1


class OwnInstruction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to pay in one channel, in the shop's own words."""

    channel: Texts
    steps: Annotated[tuple[Texts, ...], Meta(min_length=1, max_length=20)]


class AccountConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account of the shop's own, by `iban` or by `account_number`, in one `currency`, and how payments to it are told apart:
    an ISO 11649 creditor `reference` (`rf`), a number of its own (`virtual_account`), an amount of its own (`unique_amount`), or
    the `invoice` number in the text. `expiry_days`: until the end of which day (UTC) a payment may arrive in time; by default as
    the shop says. `csv` are the profiles of the bank's CSV files, by name. `channels` are the ready instructions to show;
    `instructions` replace them.

    Raises `ValueError` for what is missing, superfluous or no such number.
    """

    driver: Literal["account"]
    bank: Line
    holder: Holder
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    reference: Literal["rf", "virtual_account", "unique_amount", "invoice"]
    iban: Line | None = None
    account_number: Annotated[str, Meta(pattern=r"^[0-9A-Za-z .-]{1,34}\Z")] | None = None
    bic: Line | None = None
    virtual_account: VirtualAccount | None = None
    unique_amount: UniqueAmount | None = None
    expiry_days: Annotated[int, Meta(ge=1, le=30)] | None = None
    csv: dict[ProfileName, CsvProfile] = msgspec.field(default_factory=dict)
    channels: tuple[Channel, ...] = ("app", "branch")
    instructions: Annotated[tuple[OwnInstruction, ...], Meta(max_length=10)] = ()

    def __post_init__(self) -> None:
        if (self.iban is None) == (self.account_number is None):
            raise ValueError("the account is told by iban or by account_number, one of them")
        if self.currency not in EXPONENTS:
            raise ValueError("currency is none of ISO 4217")
        _check("iban", self.iban, iban_number.validate)
        _check("bic", self.bic, bic_number.validate)
        for name, told in (("virtual_account", self.virtual_account), ("unique_amount", self.unique_amount)):
            if (self.reference == name) != (told is not None):
                raise ValueError(f'{name} is told where reference = "{name}", and only there')
        texts = [text for one in self.instructions for text in (one.channel, *one.steps)]
        if any(FALLBACK not in text for text in texts):
            raise ValueError(f"instructions: a text needs at least {FALLBACK}")

    @property
    def account(self) -> str:
        """The account as the bank's own files name it."""
        return self.plain_iban or self.account_number or ""

    @property
    def plain_iban(self) -> str:
        """The IBAN as machines write it, empty where there is none."""
        return "" if self.iban is None else iban_number.compact(self.iban)

    @property
    def plain_bic(self) -> str:
        """The BIC as machines write it, empty where there is none."""
        return "" if self.bic is None else bic_number.compact(self.bic)


def _check(name: str, given: str | None, validate: object) -> None:
    assert callable(validate)
    try:
        if given is not None:
            validate(given)
    except ValidationError as error:
        raise ValueError(f"{name}: {error}") from None
