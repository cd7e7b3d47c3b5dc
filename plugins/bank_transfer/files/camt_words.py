"""What the transactions of a camt entry say besides money: the other side, texts, references."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from kassa.ports.banking import BankReference

from . import accounts
from .draft import clean
from .references import found_in, provided

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OTHER = {"credit": "Dbtr", "debit": "Cdtr"}


class Words(NamedTuple):
    """`returned`: one of the transactions is a transfer that came back."""

    counterparty: str
    account: str
    text: str
    references: tuple[BankReference, ...]
    returned: bool


def text_at(node: "Element | None", path: str) -> str:
    """The text of the first element at this path, stripped; empty where there is none."""
    return "" if node is None else (node.findtext(path) or "").strip()


def words(
    entry: "Element", parts: "list[Element]", direction: Literal["credit", "debit"], statement_account: str
) -> Words:
    """Of these transactions of the entry, together; a name or an account only where they agree."""
    texts = _all(parts, "RmtInf/Ustrd", 500) + _all(parts, "RmtInf/Strd/AddtlRmtInf", 500)
    fields = _all(parts, "RmtInf/Strd/CdtrRefInf/Ref", 100)
    notes = [*_all(parts, "AddtlTxInf", 500), clean(text_at(entry, "AddtlNtryInf"), 500)]
    shown = texts or [note for note in notes if note][:1]
    who = _OTHER[direction]
    paid_to = (
        [number for part in parts if (number := _number(part, "RltdPties/CdtrAcct"))] if direction == "credit" else []
    )
    virtual = [one for one in paid_to if statement_account and not accounts.same(one, statement_account)]
    return Words(
        counterparty=clean(_common(parts, lambda part: _name(part, who)), 140),
        account=clean(_common(parts, lambda part: _number(part, f"RltdPties/{who}Acct")), 50),
        text=clean(" ".join([*shown, *fields]), 1000),
        references=found_in(
            [" ".join(texts), "".join(texts), *shown],
            end_to_end=[text_at(part, "Refs/EndToEndId") for part in parts],
            numbers=[*fields, *virtual],
        ),
        returned=any(part.find("RtrInf") is not None for part in parts),
    )


def _all(parts: "Iterable[Element]", path: str, limit: int) -> list[str]:
    found = (clean(one.text or "", limit) for part in parts for one in part.findall(path))
    return [text for text in found if text]


def _common(parts: "list[Element]", what: "Callable[[Element], str]") -> str:
    said = {what(part) for part in parts}
    return said.pop() if len(said) == 1 else ""


def _name(part: "Element", who: str) -> str:
    """The party's name, else that of the party behind it; `NOTPROVIDED` is nobody's."""
    paths = (f"RltdPties/{role}{inside}/Nm" for role in (who, f"Ultmt{who}") for inside in ("", "/Pty"))
    return next((name for path in paths if provided(name := text_at(part, path))), "")


def _number(part: "Element", path: str) -> str:
    number = text_at(part, f"{path}/Id/IBAN") or text_at(part, f"{path}/Id/Othr/Id")
    return number if provided(number) else ""
