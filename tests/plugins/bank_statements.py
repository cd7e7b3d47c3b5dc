"""Statements as a bank would write them of transfers to the shop's account: camt.053, MT940 and CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState

IBAN = "DE89370400440532013000"
OWN_ACCOUNT = f"""
[payments.transfer]
plugin = "bank_transfer"
driver = "account"
bank = "Example Bank"
holder = "Example Shop Ltd"
iban = "{IBAN}"
currency = "GBP"
reference = "rf"

[payments.transfer.csv.own]
date = "Booked"
amount = "Amount"
currency_column = "Currency"
name = "Payer"
account = "Account"
text = ["Text"]
id = "Id"
"""
"""An account for a shop whose settings are a file."""
CSV_PROFILE = {
    "date": "Booked",
    "amount": "Amount",
    "currency_column": "Currency",
    "name": "Payer",
    "account": "Account",
    "text": ["Text"],
    "id": "Id",
}


@dataclass(frozen=True)
class Transfer:
    """Money that a customer sent, or (`out`) that the shop sent back."""

    number: int
    merchant_ref: str
    reference: str
    amount: Money
    payer: str = "Ada Lovelace"
    account: str = "GB33BUKB20201555555555"
    out: bool = False
    end_to_end: str = "NOTPROVIDED"

    @property
    def id(self) -> str:
        return f"BANK{self.number:06d}"

    @property
    def movement(self) -> Movement:
        return Movement(kind="capture", id=f"bank:{self.id}", state=MovementState.SUCCEEDED, amount=self.amount)


def camt(transfers: tuple[Transfer, ...]) -> bytes:
    entries = "".join(_entry(one) for one in transfers)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>S1</MsgId></GrpHdr>
<Stmt><Id>1</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>""".encode()


def _entry(one: Transfer) -> str:
    way, party = ("DBIT", "Cdtr") if one.out else ("CRDT", "Dbtr")
    account = f"<{party}Acct><Id><IBAN>{one.account}</IBAN></Id></{party}Acct>" if one.account else ""
    return f"""<Ntry><Amt Ccy="{one.amount.currency}">{one.amount.decimal()}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts>BOOK</Sts>
        <BookgDt><Dt>2026-03-02</Dt></BookgDt><AcctSvcrRef>{one.id}</AcctSvcrRef><NtryDtls><TxDtls>
        <Refs><EndToEndId>{one.end_to_end}</EndToEndId></Refs>
        <RltdPties><{party}><Nm>{one.payer}</Nm></{party}>{account}</RltdPties>
        <RmtInf><Ustrd>{one.reference}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def mt940(transfers: tuple[Transfer, ...]) -> bytes:
    total = sum(one.amount.amount for one in transfers)
    currency = transfers[0].amount.currency
    lines = [":20:S1", f":25:{IBAN}", ":28C:1/1", f":60F:C260301{currency}0,00"]
    for one in transfers:
        written = one.amount.decimal().replace(".", ",")
        lines += [f":61:2603020302C{written}NTRFNONREF//{one.id}", f":86:{one.reference}"]
    lines.append(f":62F:C260302{currency}{total // 100},{total % 100:02d}")
    return "\r\n".join([*lines, "-", ""]).encode()


def csv(transfers: tuple[Transfer, ...]) -> bytes:
    lines = ["Id;Booked;Amount;Currency;Payer;Account;Text"]
    for one in transfers:
        money = f"{one.amount.decimal()};{one.amount.currency}"
        lines.append(f"{one.id};2026-03-02;{money};Ada Lovelace;GB33BUKB20201555555555;{one.reference}")
    return "\n".join([*lines, ""]).encode()


WRITTEN: dict[str, Callable[[tuple[Transfer, ...]], bytes]] = {"auto": camt, "camt": camt, "mt940": mt940, "csv": csv}
