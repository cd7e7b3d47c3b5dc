"""Bank files as banks write them, made from transfers, so that what is read back can be compared with what was meant."""

import csv
import io
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import escape

from kassa.ports.money import Money

OURS = "NL26VAYB8060476890"


@dataclass(frozen=True)
class Transfer:
    """One transfer as a bank knows it; `parts` are the amounts of the transactions of a batch, None one that is not told."""

    amount: int
    direction: Literal["credit", "debit"] = "credit"
    ref: str = ""
    text: str = "INVOICE 2026-000001"
    name: str = "Ada Lovelace"
    account: str = "NL91ABNA0417164300"
    currency: str = "EUR"
    day: str = "2026-11-20"
    end_to_end: str = ""
    parts: tuple[int | None, ...] = ()
    extra: str = ""
    status: str = "BOOK"
    details: str = ""
    tags: tuple[str, ...] = field(default=())

    @property
    def decimal(self) -> str:
        """The amount as a bank writes it in XML."""
        return Money(amount=self.amount, currency=self.currency).decimal()

    @property
    def signed(self) -> int:
        """What it does to the balance."""
        return self.amount if self.direction == "credit" else -self.amount


_KINDS = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def camt(
    transfers: list[Transfer], kind: str = "camt.053", version: int = 8, account: str = OURS, head: str = ""
) -> bytes:
    """A camt message of one statement; `head` stands before the entries (balances, currency)."""
    message, statement = _KINDS[kind]
    entries = "".join(_entry(one, version) for one in transfers)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version:02d}">'
        f"<{message}><GrpHdr><MsgId>1</MsgId></GrpHdr><{statement}><Id>1</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>"
        f"{head}{entries}</{statement}></{message}></Document>"
    ).encode()


def balance(code: str, amount: int, currency: str = "EUR") -> str:
    """A balance of a camt statement."""
    mark = "DBIT" if amount < 0 else "CRDT"
    written = Money(amount=abs(amount), currency=currency).decimal()
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="{currency}">{written}</Amt><CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>'


def _entry(one: Transfer, version: int) -> str:
    mark = "CRDT" if one.direction == "credit" else "DBIT"
    status = f"<Cd>{one.status}</Cd>" if version >= 7 else one.status
    ref = f"<AcctSvcrRef>{escape(one.ref)}</AcctSvcrRef>" if one.ref else ""
    parts = "".join(_part(one, amount) for amount in one.parts) or _part(one, None)
    return (
        f'<Ntry><Amt Ccy="{one.currency}">{one.decimal}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{one.extra}<Sts>{status}</Sts>'
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt>{ref}<NtryDtls>{one.details}{parts}</NtryDtls></Ntry>"
    )


def _part(one: Transfer, amount: int | None) -> str:
    who = "Dbtr" if one.direction == "credit" else "Cdtr"
    id_ = f"<Refs><EndToEndId>{escape(one.end_to_end)}</EndToEndId></Refs>" if one.end_to_end else ""
    money = Money(amount=amount, currency=one.currency).decimal() if amount is not None else ""
    told = f'<Amt Ccy="{one.currency}">{money}</Amt>' if money else ""
    party = f"<{who}><Nm>{escape(one.name)}</Nm></{who}><{who}Acct><Id><IBAN>{one.account}</IBAN></Id></{who}Acct>"
    text = f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf>" if one.text else ""
    return f"<TxDtls>{id_}{told}<RltdPties>{party}</RltdPties>{text}{''.join(one.tags)}</TxDtls>"


def mt940(transfers: list[Transfer], account: str = OURS, opening: int = 100_00) -> bytes:
    """An MT940 of one statement in one currency, whose balances add up."""
    currency = transfers[0].currency if transfers else "EUR"
    closing = opening + sum(one.signed for one in transfers)
    lines = [":20:STARTUMS", f":25:{account}", ":28C:1/1", f":60F:{_balance(opening, currency)}"]
    for one in transfers:
        day = one.day[2:4] + one.day[5:7] + one.day[8:]
        mark = "C" if one.direction == "credit" else "D"
        lines.append(f":61:{day}{day[2:]}{mark}{_comma(one.decimal)}NTRFNONREF{'//' + one.ref if one.ref else ''}")
        lines.append(f":86:166?00GUTSCHRIFT?20SVWZ+{one.text}?31{one.account}?32{one.name}")
    return ("\r\n".join([*lines, f":62F:{_balance(closing, currency)}", "-"]) + "\r\n").encode()


def _balance(amount: int, currency: str) -> str:
    written = _comma(Money(amount=abs(amount), currency=currency).decimal())
    return f"{'D' if amount < 0 else 'C'}261120{currency}{written}"


def _comma(decimal: str) -> str:
    """SWIFT's amounts have a comma, also where nothing stands behind it."""
    return decimal.replace(".", ",") if "." in decimal else decimal + ","


def csv_file(transfers: list[Transfer], delimiter: str = ";") -> bytes:
    """A CSV file as `GERMAN` in the tests of CSV declares it: German, with a sign."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["Buchung", "Betrag", "Waehrung", "Name", "Konto", "Text", "Kennung"])
    for one in transfers:
        sign = "-" if one.direction == "debit" else ""
        day = f"{one.day[8:]}.{one.day[5:7]}.{one.day[:4]}"
        writer.writerow([day, sign + _german(one.decimal), one.currency, one.name, one.account, one.text, one.ref])
    return out.getvalue().encode()


def _german(decimal: str) -> str:
    whole, _, part = decimal.partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return f"{grouped},{part}" if part else grouped
