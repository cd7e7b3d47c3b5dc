"""Refunds written as a payment order: exact, in the order that the standard has, in letters that every bank takes."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element

import msgspec
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban

from kassa.plugins.bank_transfer.files import Debtor, order
from kassa.ports.banking import Payout
from kassa.ports.money import EXPONENTS, Money

AT = datetime.datetime(2026, 11, 20, 23, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=-2)))
SHOP = Debtor(name="Kassa & Söhne", account="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX")
NS = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
ORDER = {  # the elements that are used, in the order of the message definition report of ISO 20022, pain.001.001.09
    "Document": ["CstmrCdtTrfInitn"],
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "InitgPty": ["Nm"],
    "PmtInf": [
        *("PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt"),
        *("Dbtr", "DbtrAcct", "DbtrAgt", "ChrgBr", "CdtTrfTxInf"),
    ],
    "PmtTpInf": ["SvcLvl"],
    "SvcLvl": ["Cd"],
    "ReqdExctnDt": ["Dt"],
    "Dbtr": ["Nm"],
    "DbtrAcct": ["Id"],
    "DbtrAgt": ["FinInstnId"],
    "FinInstnId": ["BICFI", "Othr"],
    "CdtTrfTxInf": ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"],
    "PmtId": ["EndToEndId"],
    "Amt": ["InstdAmt"],
    "Cdtr": ["Nm"],
    "CdtrAcct": ["Id"],
    "Id": ["IBAN", "Othr"],
    "Othr": ["Id"],
    "RmtInf": ["Ustrd"],
}
REPEATED = ("PmtInf", "CdtTrfTxInf")


def payout(amount: int = 12_50, currency: str = "EUR", number: int = 1, **other: str) -> Payout:
    """A refund."""
    values = {"name": "Ada Lovelace", "account": "NL91ABNA0417164300", "text": "Refund of INVOICE 2026-000001", **other}
    return Payout(end_to_end=f"OP-{number}", amount=Money(amount=amount, currency=currency), **values)


def texts(root: Element, name: str) -> list[str]:
    """The texts of every element of this name."""
    return [one.text or "" for one in root.iter(NS + name)]


def out_of_order(node: Element) -> Iterator[str]:
    """Elements that the standard has elsewhere, or not so often."""
    name = node.tag.removeprefix(NS)
    inside = [one.tag.removeprefix(NS) for one in node]
    allowed = ORDER.get(name, []) if len(node) else []
    places = [allowed.index(one) if one in allowed else -1 for one in inside]
    if places != sorted(places) or -1 in places:
        yield f"{name}: {inside}"
    yield from (f"{name}: {one} twice" for one in set(inside) if inside.count(one) > 1 and one not in REPEATED)
    for one in node:
        yield from out_of_order(one)


def test_an_order_says_what_is_asked():
    """To whom, how much, for what; by whom; and when, in UTC."""
    root = fromstring(order([payout()], SHOP, AT))
    assert texts(root, "IBAN") == ["DE89370400440532013000", "NL91ABNA0417164300"]
    assert texts(root, "InstdAmt") == ["12.50"]
    assert next(root.iter(NS + "InstdAmt")).get("Ccy") == "EUR"
    assert texts(root, "EndToEndId") == ["OP-1"]
    assert texts(root, "Nm") == ["Kassa . Sohne", "Kassa . Sohne", "Ada Lovelace"]
    assert texts(root, "Ustrd") == ["Refund of INVOICE 2026-000001"]
    assert (texts(root, "CreDtTm"), texts(root, "Dt")) == (["2026-11-21T01:30:00Z"], ["2026-11-21"])
    assert (texts(root, "Cd"), texts(root, "BICFI"), texts(root, "ChrgBr")) == (["SEPA"], ["COBADEFFXXX"], ["SLEV"])


def test_the_same_refunds_give_the_same_bytes_and_others_another_id():
    """A bank that checks for duplicates finds a second upload."""
    assert order([payout()], SHOP, AT) == order([payout()], SHOP, AT)
    (first,) = texts(fromstring(order([payout()], SHOP, AT)), "MsgId")
    (second,) = texts(fromstring(order([payout(12_51)], SHOP, AT)), "MsgId")
    assert first != second
    assert len(first) <= 35


def test_every_currency_has_its_own_block():
    """Its number, its sum; the sums of the whole above them."""
    root = fromstring(
        order([payout(12_50, number=1), payout(1250, "JPY", 2), payout(1250, "KWD", 3), payout(1, number=4)], SHOP, AT)
    )
    assert texts(root, "NbOfTxs") == ["4", "2", "1", "1"]
    assert texts(root, "CtrlSum") == ["1263.760", "12.51", "1250", "1.250"]
    assert texts(root, "InstdAmt") == ["12.50", "0.01", "1250", "1.250"]
    assert len(set(texts(root, "PmtInfId"))) == 3


def test_an_account_that_is_no_iban_is_written_as_it_is():
    """And such a transfer is no SEPA transfer."""
    root = fromstring(order([payout(account="8808081234567890")], SHOP, AT))
    assert texts(root, "Id")[-1] == "8808081234567890"
    assert (texts(root, "Cd"), texts(root, "ChrgBr")) == ([], ["SHAR"])
    plain = Debtor(name="Toko", account="0123456789")
    assert texts(fromstring(order([payout()], plain, AT)), "Id")[1:3] == ["0123456789", "NOTPROVIDED"]


@pytest.mark.parametrize(
    ("payouts", "at"),
    [
        ([], AT),
        ([payout(), payout(5)], AT),
        ([payout(0)], AT),
        ([payout(-5)], AT),
        ([payout(account="1" * 35)], AT),
        ([payout(account="<&>")], AT),
        ([payout()], AT.replace(tzinfo=None)),
    ],
)
def test_an_order_that_cannot_be_written_is_not_written(payouts: list[Payout], at: datetime.datetime):
    """An account number is never cut or respelled."""
    with pytest.raises(ValueError, match=r"\w"):
        order(payouts, SHOP, at)


def test_a_name_in_other_letters_is_left_to_the_account_number():
    """Banks take Latin letters only: accents fall away, what has none of them is not provided."""
    root = fromstring(order([payout(name="Zoë Straße", text="")], SHOP, AT))
    assert texts(root, "Nm")[-1] == "Zoe Strasse"
    assert texts(root, "Ustrd") == []
    assert texts(fromstring(order([payout(name="王小明")], SHOP, AT)), "Nm")[-1] == "NOTPROVIDED"


_ACCOUNTS = st.sampled_from(
    ["NL91ABNA0417164300", "GB33BUKB20201555555555", "8808081234567890", "50880050/0194777100888"]
)
_PAYOUTS = st.lists(
    st.builds(
        payout,
        st.integers(1, 10**15),
        st.sampled_from(sorted(EXPONENTS)),
        st.integers(1, 10**9),
        name=st.text(min_size=1, max_size=70),
        text=st.text(max_size=140),
        account=_ACCOUNTS,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.end_to_end,
)


@given(_PAYOUTS)
def test_any_order_is_well_formed_in_order_and_adds_up(payouts: list[Payout]):
    """Whatever customers are called and write."""
    root = fromstring(order(payouts, SHOP, AT))
    assert list(out_of_order(root)) == []
    assert sum(map(Decimal, texts(root, "InstdAmt"))) == Decimal(texts(root, "CtrlSum")[0])
    assert sorted(texts(root, "EndToEndId")) == sorted(one.end_to_end for one in payouts)
    assert all(iban.is_valid(one) for one in texts(root, "IBAN"))
    assert all(1 <= len(one) <= 70 for one in texts(root, "Nm"))
    assert all(1 <= len(one) <= 140 for one in texts(root, "Ustrd"))
    assert order(payouts, SHOP, AT) == order(payouts, SHOP, AT)


def test_the_check_of_the_order_bites():
    """Two elements exchanged, or one too many."""
    root = fromstring(order([payout()], SHOP, AT))
    assert list(out_of_order(root)) == []
    header = next(root.iter(NS + "GrpHdr"))
    header[0], header[1] = header[1], header[0]
    assert list(out_of_order(root)) != []


def test_a_bic_of_no_known_form_is_refused():
    """In the configuration already."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "Shop", "account": "1", "bic": "nonsense"}, Debtor)
