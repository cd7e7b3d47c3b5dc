"""CSV by declared profiles: read as declared, or refused at the line and column that is not."""

import re
import tomllib

import msgspec
import pytest

from kassa.plugins.bank_transfer.files import CsvProfile
from kassa.ports.banking import BankFile, Unreadable
from tests.architecture.tree import ROOT
from tests.plugins.bank_files.reading import checked, good, total
from tests.plugins.bank_files.written import Transfer, csv_file

README = ROOT / "plugins" / "bank_transfer" / "files" / "README.md"
GERMAN = CsvProfile(
    date="Buchung",
    date_format="DD.MM.YYYY",
    decimals="1.234,56",
    amount="Betrag",
    currency_column="Waehrung",
    name="Name",
    account="Konto",
    text=("Text",),
    id="Kennung",
)
PLAIN = CsvProfile(delimiter=",", header=False, date=1, amount=2, currency="EUR", text=(3,))
TWO = CsvProfile(delimiter=",", date="day", credit="in", debit="out", currency="EUR", text=("t",))
MARKED = CsvProfile(
    delimiter=",",
    date="day",
    amount="sum",
    sign="marked",
    mark="which",
    credit_marks=("Bij",),
    debit_marks=("Af",),
    currency="EUR",
)


def by(profile: CsvProfile, data: bytes, account: str = "") -> BankFile | Unreadable:
    """Read by this profile."""
    return checked(data, "csv:mine", {"mine": profile}, account)


def amounts(profile: CsvProfile, data: bytes) -> list[tuple[str, int]]:
    """Direction and amount of each line."""
    found = by(profile, data)
    assert isinstance(found, BankFile), found
    return [(line.direction, line.amount.amount) for line in found.lines]


def test_a_german_file_is_read():
    """Points of thousands, a decimal comma, quotes, umlauts."""
    transfers = [Transfer(1_234_56, ref="B-1", name='Müller; "Zoë"'), Transfer(1_234_567_89, "debit", ref="B-2")]
    found = good(csv_file(transfers), "csv:mine", {"mine": GERMAN})
    first, second = found.lines
    assert (first.id, first.place, first.amount.amount, first.booked_on) == ("B-1", "line 2", 1_234_56, "2026-11-20")
    assert (first.counterparty, first.account) == ('Müller; "Zoë"', "NL91ABNA0417164300")
    assert (second.direction, second.amount.amount) == ("debit", 1_234_567_89)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "cp1250", "cp1252", "cp852", "iso-8859-1", "iso-8859-2", "iso-8859-15"]
)
def test_every_encoding_that_a_profile_can_name_is_read(encoding: str):
    """And what is not in it is refused with its line."""
    profile = msgspec.structs.replace(GERMAN, encoding=encoding)
    data = csv_file([Transfer(5_00, name="Müller")]).decode().encode(encoding)
    assert good(data, "csv:mine", {"mine": profile}).lines[0].counterparty == "Müller"


def test_a_file_in_another_encoding_than_declared_is_refused_at_its_line():
    """Guessing would put another name, or another amount, into the books."""
    found = by(GERMAN, csv_file([Transfer(5_00), Transfer(5_00, name="Müller")]).decode().encode("cp1252"))
    assert found == Unreadable(place="line 3", reason="this is not utf-8")


@pytest.mark.parametrize(
    ("decimals", "written", "amount"),
    [
        ("1.234,56", "1.234,56", 1234_56),
        ("1.234,56", "1234,56", 1234_56),
        ("1.234,56", "1.234", 1234_00),
        ("1.234,56", "+5", 5_00),
        ("1,234.56", "1,234.56", 1234_56),
        ("1,234.56", "1,234", 1234_00),
        ("1234.56", "1234.5", 1234_50),
    ],
)
def test_amounts_as_declared(decimals: str, written: str, amount: int):
    """The separator of thousands may be missing, the decimals too."""
    profile = msgspec.structs.replace(PLAIN, decimals=decimals, delimiter=";")
    assert amounts(profile, f"2026-11-20;{written};x".encode()) == [("credit", amount)]


@pytest.mark.parametrize(
    ("decimals", "written"),
    [
        ("1.234,56", "1234.56"),
        ("1.234,56", "1,234.56"),
        ("1.234,56", "12.34,56"),
        ("1,234.56", "1.234,56"),
        ("1234.56", "1234,56"),
        ("1234.56", "1 234.56"),
        ("1234.56", "1e3"),
        ("1234.56", ""),
        ("1234.56", "5.001"),
        ("1234.56", "٥.٠٠"),
        ("1234.56", "--5"),
        ("1234.56", "EUR 5"),
    ],
)
def test_an_amount_that_is_not_as_declared_is_refused_at_its_column(decimals: str, written: str):
    """A point that may mean thousands or cents means neither."""
    profile = msgspec.structs.replace(PLAIN, decimals=decimals, delimiter=";")
    found = by(profile, f"2026-11-19;1;x\n2026-11-20;{written};x\n".encode())
    assert isinstance(found, Unreadable)
    assert found.place == "line 2, column 2"


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("YYYY-MM-DD", "2026-11-20", "2026-11-20"),
        ("DD.MM.YY", "20.11.26", "2026-11-20"),
        ("YYYYMMDD", "20261120", "2026-11-20"),
        ("MM/DD/YYYY", "11/20/2026", "2026-11-20"),
    ],
)
def test_days_as_declared(form: str, written: str, day: str):
    """And no other way."""
    profile = msgspec.structs.replace(PLAIN, date_format=form)
    found = by(profile, f"{written},5,x".encode())
    assert isinstance(found, BankFile)
    assert found.lines[0].booked_on == day
    for other in ("20-11-2026", "2026-02-30", "20.20.20", "", "2026-11-20 "[::-1]):
        refused = by(profile, f"{other},5,x".encode())
        assert isinstance(refused, Unreadable)
        assert refused.place == "line 1, column 1"


def test_which_way_it_went_as_declared():
    """By sign either way round, by two columns, by a mark."""
    turned = msgspec.structs.replace(PLAIN, sign="credit_negative")
    assert amounts(PLAIN, b"2026-11-20,5,x\n2026-11-20,-6,x") == [("credit", 5_00), ("debit", 6_00)]
    assert amounts(turned, b"2026-11-20,5,x\n2026-11-20,-6,x") == [("debit", 5_00), ("credit", 6_00)]
    two = b"day,in,out,t\n2026-11-20,5,,x\n2026-11-20,,-6,x\n2026-11-20,0.00,7,x"
    assert amounts(TWO, two) == [("credit", 5_00), ("debit", 6_00), ("debit", 7_00)]
    assert amounts(MARKED, b"day,sum,which\n2026-11-20,5,Bij\n2026-11-20,6,Af") == [("credit", 5_00), ("debit", 6_00)]


@pytest.mark.parametrize(
    ("profile", "data", "place"),
    [
        (TWO, b"day,in,out,t\n2026-11-20,5,6,x", "line 2, column 2"),
        (TWO, b"day,in,out,t\n2026-11-20,,,x", "line 2, column 2"),
        (TWO, b"day,in,out,t\n2026-11-20,-5,,x", "line 2, column 2"),
        (TWO, b"day,in,out\n2026-11-20,5,", "line 1"),
        (TWO, b"day,in,out,t,t\n2026-11-20,5,,x,x", "line 1"),
        (TWO, b"\n\n", "file"),
        (MARKED, b"day,sum,which\n2026-11-20,5,Bijj", "line 2, column 3"),
        (MARKED, b"day,sum,which\n2026-11-20,-5,Bij", "line 2, column 2"),
        (PLAIN, b"2026-11-20,5", "line 1, column 3"),
        (PLAIN, b"2026-11-20,5,x\n2026-11-20,5,x,y", "line 2"),
        (PLAIN, b'2026-11-20,5,"x', "line 1"),
        (PLAIN, b'2026-11-20,5,"x\ny"\n2026-11-20,z,x', "line 3, column 2"),
    ],
)
def test_what_is_not_as_declared_is_refused_at_its_place(profile: CsvProfile, data: bytes, place: str):
    """Two amounts, none, a sign too many, a missing or doubled column, an unknown mark, a line too long, an open quote."""
    found = by(profile, data)
    assert isinstance(found, Unreadable), found
    assert found.place == place


def test_lines_before_and_behind_the_table_are_passed_over():
    """As many as are declared; blank ones do not count."""
    profile = msgspec.structs.replace(PLAIN, skip_lines=2, skip_last_lines=1)
    assert amounts(profile, b"Bank\nAccount,5,5\n\n2026-11-20,5,x\n\nSum,5,5\n\n") == [("credit", 5_00)]


def test_lines_not_booked_are_left_out():
    """By the words of a column."""
    profile = CsvProfile(delimiter=",", date="d", amount="a", currency="EUR", status="s", booked=("Booked",))
    found = by(profile, b"d,a,s\n2026-11-20,5,Booked\n2026-11-20,6,Pending\n2026-11-20,0,Booked\n")
    assert isinstance(found, BankFile)
    assert [line.amount.amount for line in found.lines] == [5_00]
    assert [(item.place, item.reason) for item in found.left_out] == [
        ("line 3", "not booked: Pending"),
        ("line 4", "an amount of zero"),
    ]


def test_a_file_of_several_accounts_counts_for_ours():
    """By the column that tells whose line it is."""
    profile = CsvProfile(delimiter=",", date="d", amount="a", currency="EUR", shop_account="mine")
    data = b"d,a,mine\n2026-11-20,5,NL26VAYB8060476890\n2026-11-20,6,NL91ABNA0417164300\n"
    ours = by(profile, data, "NL26 VAYB 8060 4768 90")
    assert isinstance(ours, BankFile)
    assert (total(ours, "credit"), len(ours.left_out)) == (5_00, 1)
    assert isinstance(by(profile, data, "GB33BUKB20201555555555"), Unreadable)


def test_an_unknown_format_is_refused_with_those_that_there_are():
    """Also a CSV file that nobody said the profile of."""
    found = checked(b"a,b", "csv:other", {"mine": PLAIN})
    assert found == Unreadable(
        place="format", reason="there is no format 'csv:other'; there are auto, camt, mt940, csv:mine"
    )
    assert isinstance(checked(b"a,b", "auto", {"mine": PLAIN}), Unreadable)


def test_the_profile_in_the_documentation_works():
    """Copied as it stands, with a line as that bank writes it."""
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    profile = msgspec.convert(tomllib.loads(example)["payments"]["bank_transfer"]["csv"]["sparkasse"], CsvProfile)
    header = "Auftragskonto;Buchungstag;Verwendungszweck;Kundenreferenz (End-to-End);Beguenstigter/Zahlungspflichtiger;"
    line = "DE89370400440532013000;20.11.26;INVOICE 2026-000001;;Müller;"
    data = f"{header}Kontonummer/IBAN;Betrag;Waehrung\n{line}NL91ABNA0417164300;1.234,56;EUR\n".encode("cp1252")
    found = by(profile, data, "DE89370400440532013000")
    assert isinstance(found, BankFile), found
    assert (str(found.lines[0].amount), found.lines[0].counterparty) == ("1234.56 EUR", "Müller")


GOOD = {"date": 1, "amount": 2, "currency": "EUR", "header": False}
WRONG = [
    {"date_format": "DD.MM"},
    {"date_format": "DD.DD.YYYY"},
    {"date_format": "%d.%m.%Y"},
    {"amount": None},
    {"credit": 3},
    {"amount": None, "credit": 3},
    {"currency": None},
    {"currency_column": 4},
    {"currency": "eur"},
    {"sign": "marked"},
    {"sign": "marked", "mark": 3, "credit_marks": ["C"], "debit_marks": []},
    {"sign": "marked", "mark": 3, "credit_marks": ["C"], "debit_marks": ["C"]},
    {"mark": 3},
    {"status": 3},
    {"booked": ["x"]},
    {"name": "Name"},
    {"date": 0},
    {"encoding": "rot13"},
    {"delimiter": "x"},
    {"colour": "red"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_profile_that_cannot_work_is_refused(wrong: dict[str, object]):
    """Missing, superfluous, contradictory or unknown: at start-up, not at the first file."""
    msgspec.convert(GOOD, CsvProfile)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**GOOD, **wrong}, CsvProfile)
