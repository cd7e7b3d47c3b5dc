"""Refunds as a payment order for the shop's bank: ISO 20022 `pain.001.001.09`, to be uploaded by a person.

One block of payments for each currency. Euros between IBANs are SEPA credit transfers (EPC132-08); everything else is an ordinary
credit transfer, and what the receiving bank needs for it beyond an account number is for the shop's bank to ask.
"""

import datetime
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from xml.sax.saxutils import escape

import msgspec
from msgspec import Meta
from stdnum import iban

from kassa.ports.banking import Payout
from kassa.ports.money import exponent
from kassa.ports.values import Value

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_NUMBER = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,34}")
_TAKEN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")  # EPC217-08: what every bank takes


class Debtor(Value, frozen=True, kw_only=True):
    """Who pays: the shop's name, its account (an IBAN, or a number as its bank writes it) and its bank, where that is known."""

    name: Annotated[str, Meta(min_length=1, max_length=70)]
    account: Annotated[str, Meta(min_length=1, max_length=50)]
    bic: Annotated[str, Meta(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\Z")] | None = None


def order(payouts: Sequence[Payout], debtor: Debtor, at: datetime.datetime) -> bytes:
    """The order for these refunds, created and to be carried out `at`; the same arguments give the same bytes.

    Raises `ValueError` for no payouts, two with one end-to-end id, an amount that is not above zero, an account number that the
    message cannot hold, and a time without a zone.
    """
    if not payouts:
        raise ValueError("an order of no payouts")
    if len({payout.end_to_end for payout in payouts}) != len(payouts):
        raise ValueError("two payouts with one end-to-end id")
    if any(payout.amount.amount <= 0 for payout in payouts):
        raise ValueError("a payout must be above zero")
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    name = message_id(payouts)
    groups: dict[tuple[str, bool], list[Payout]] = {}
    for payout in payouts:
        groups.setdefault((payout.amount.currency, _sepa(payout, debtor)), []).append(payout)
    blocks = [
        _block(f"{name}-{number}", group, debtor, at, sepa=sepa)
        for number, ((_, sepa), group) in enumerate(groups.items(), 1)
    ]
    header = _tag(
        "GrpHdr",
        _leaf("MsgId", name)
        + _leaf("CreDtTm", _moment(at))
        + _count(payouts)
        + _tag("InitgPty", _leaf("Nm", _name(debtor.name))),
    )
    body = _tag("CstmrCdtTrfInitn", header + "".join(blocks))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">{body}</Document>\n'.encode()


def message_id(payouts: Sequence[Payout]) -> str:
    """The order's own id: a digest of what it orders, so that a bank that checks for duplicates finds one."""
    return "KASSA-" + hashlib.sha256(msgspec.json.encode(list(payouts))).hexdigest()[:24].upper()


def _block(name: str, group: list[Payout], debtor: Debtor, at: datetime.datetime, *, sepa: bool) -> str:
    level = _tag("PmtTpInf", _tag("SvcLvl", _leaf("Cd", "SEPA"))) if sepa else ""
    bank = _leaf("BICFI", debtor.bic) if debtor.bic else _tag("Othr", _leaf("Id", "NOTPROVIDED"))
    return _tag(
        "PmtInf",
        _leaf("PmtInfId", name)
        + _leaf("PmtMtd", "TRF")
        + _count(group)
        + level
        + _tag("ReqdExctnDt", _leaf("Dt", at.astimezone(datetime.UTC).date().isoformat()))
        + _tag("Dbtr", _leaf("Nm", _name(debtor.name)))
        + _tag("DbtrAcct", _account(debtor.account))
        + _tag("DbtrAgt", _tag("FinInstnId", bank))
        + _leaf("ChrgBr", "SLEV" if sepa else "SHAR")
        + "".join(_transfer(payout) for payout in group),
    )


def _transfer(payout: Payout) -> str:
    text = _text(payout.text, 140)
    return _tag(
        "CdtTrfTxInf",
        _tag("PmtId", _leaf("EndToEndId", payout.end_to_end))
        + _tag("Amt", f'<InstdAmt Ccy="{payout.amount.currency}">{payout.amount.decimal()}</InstdAmt>')
        + _tag("Cdtr", _leaf("Nm", _name(payout.name)))
        + _tag("CdtrAcct", _account(payout.account))
        + (_tag("RmtInf", _leaf("Ustrd", text)) if text else ""),
    )


def _account(number: str) -> str:
    """An IBAN, or the number as it is written: a number is never cut or respelled."""
    plain = _iban(number)
    if not plain and not _NUMBER.fullmatch(number.strip()):
        raise ValueError("an account number that pain.001 cannot hold")
    return _tag("Id", _leaf("IBAN", plain) if plain else _tag("Othr", _leaf("Id", number.strip())))


def _iban(number: str) -> str:
    """The number as an IBAN, empty where it is none."""
    plain: str = iban.compact(number)
    return plain if iban.is_valid(plain, check_country=False) else ""


def _sepa(payout: Payout, debtor: Debtor) -> bool:
    return payout.amount.currency == "EUR" and bool(_iban(payout.account)) and bool(_iban(debtor.account))


def _count(payouts: Sequence[Payout]) -> str:
    total = sum((Decimal(one.amount.amount).scaleb(-exponent(one.amount.currency)) for one in payouts), Decimal(0))
    return _leaf("NbOfTxs", str(len(payouts))) + _leaf("CtrlSum", f"{total:f}")


def _moment(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(name: str) -> str:
    """A name of which no letter is left would tell nobody anything."""
    text = _text(name, 70)
    return text if any(sign.isalnum() for sign in text) else "NOTPROVIDED"


def _text(text: str, limit: int) -> str:
    """In the letters that every bank takes: accents are dropped, other signs become points; at most `limit` characters."""
    spelled = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = _TAKEN.sub(".", "".join(sign for sign in spelled if not unicodedata.combining(sign)))
    return " ".join(plain.split())[:limit].strip()


def _leaf(name: str, text: str) -> str:
    return _tag(name, escape(text))


def _tag(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"
