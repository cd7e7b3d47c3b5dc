"""What the `:86:` of an entry says: German subfields (`?20`), SEPA keywords (`SVWZ+`), slash codes (`/REMI/`), or plain text."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kassa.ports.banking import BankReference

from .draft import clean
from .mt940_entry import STRUCTURED
from .references import found_in, named

RETURNED = frozenset({"159", "160", "161"})
"""German business transaction codes of a credit that is a returned transfer (DFÜ agreement, annex 3, GVC 159 to 161)."""
_SEPARATED = re.compile(r"\s*[0-9]{3}([>~^<])[0-9]{2}")
_SUBFIELD = re.compile(r"\?([0-9]{2})")
_KEYWORD = re.compile(
    r"(?:EREF|KREF|MREF|CRED|DEBT|SVWZ|PURP|MDAT|ABWA|ABWE|IBAN|BIC |COAM|OAMT|SQTP|ORCR|ORMR|DDAT)\+"
)
_SLASHED = re.compile(
    r"/(EREF|REMI|NAME|IBAN|ORDP|BENM|CNTP|CSID|MARF|ISDT|TRTP|RTRN|PURP|ULTD|ULTB|ID|BIC|TRCD|SVCL|PREF|USTD|CDTRREF)/"
)
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")


class Explained(NamedTuple):
    """The details of an entry; `code` is its business transaction code, where the bank says one."""

    name: str
    account: str
    text: str
    references: tuple[BankReference, ...]
    code: str


def uniform(details: str) -> str:
    """Subfields begin with a question mark, as the library knows them; some banks write `>`, `~` or `^`."""
    found = _SEPARATED.match(details)
    return re.sub(re.escape(found[1]) + r"(?=[0-9]{2})", "?", details) if found else details


def explained(read: Mapping[str, Any], details: str) -> Explained:
    """Of an entry as the library reads it, and its details as they stand in the file."""
    unbroken = details.replace("\n", "").strip()
    if STRUCTURED.match(unbroken):
        return _structured(read, _SUBFIELD.split(unbroken))
    slashed = _slashed(unbroken)
    if slashed:
        return _coded(read, slashed)
    said = f"{read.get('extra_details') or ''}\n{details}" if details else str(read.get("extra_details") or "")
    texts = [said, unbroken]
    return Explained("", _account(read), clean(said, 1000), found_in(texts, end_to_end=_own(read)), clean(said, 3))


def _structured(read: Mapping[str, Any], parts: list[str]) -> Explained:
    """Subfields: `?20` to `?29` and `?60` to `?63` are the text, cut anywhere; the library knows the keywords in it."""
    pairs = list(zip(parts[1::2], parts[2::2], strict=True))
    whole = "".join(value for key, value in pairs if "20" <= key <= "29" or "60" <= key <= "63")
    first = _KEYWORD.search(whole)
    purpose = str(read.get("purpose") or "")
    shown = f"{whole[: first.start()]} {purpose}" if first and "SVWZ+" in whole and purpose else whole
    own = [value.removeprefix("EREF+") for _, value in pairs if value.startswith("EREF+")]
    end_to_end = (str(read.get("end_to_end_reference") or ""), *own, *_own(read))
    account = str(read.get("applicant_iban") or read.get("gvc_applicant_iban") or "")
    return Explained(
        name=clean(str(read.get("applicant_name") or ""), 140),
        account=clean(account, 50),
        text=clean(shown, 1000),
        references=found_in([shown, whole], end_to_end=end_to_end),
        code=clean(parts[0], 3),
    )


def _slashed(text: str) -> dict[str, str]:
    """The values of slash codes by code, the first of each."""
    pieces = _SLASHED.split(text)
    found: dict[str, str] = {}
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if value.strip():
            found.setdefault(code, value.strip())
    return found


def _coded(read: Mapping[str, Any], said: dict[str, str]) -> Explained:
    text = said.get("REMI", "")
    account = said.get("IBAN", "") or _account(read)
    references = found_in([text, *said.values()], end_to_end=(said.get("EREF", ""), *_own(read)))
    shown = text or " ".join(said.values())
    return Explained(clean(said.get("NAME", ""), 140), clean(account, 50), clean(shown, 1000), references, "")


def _own(read: Mapping[str, Any]) -> tuple[str, ...]:
    """The customer's reference in the `:61:`, where it is one."""
    written = named(clean(str(read.get("customer_reference") or ""), 40))
    return () if not written or _ACCOUNT.fullmatch(written) else (written,)


def _account(read: Mapping[str, Any]) -> str:
    """The other side's IBAN, which Dutch banks write into the `:61:`."""
    written = [str(read.get(key) or "").strip() for key in ("customer_reference", "extra_details")]
    return next((found[0] for one in written if (found := _ACCOUNT.match(one))), "")
