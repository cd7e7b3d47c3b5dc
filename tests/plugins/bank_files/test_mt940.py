"""MT940 and MT942: the library's knowledge of dialects, and none of its guesses about money."""

import logging

import pytest

from tests.plugins.bank_files.reading import bad, certain, good, only, total
from tests.plugins.bank_files.written import Transfer, mt940

HEAD = b":20:X\n:25:NL26VAYB8060476890\n:28C:1/1\n"


def statement(*lines: str, opening: str = "100,", closing: str = "") -> bytes:
    """One statement in euros; without a closing balance its own must be among the lines."""
    end = [f":62F:C261120EUR{closing}", "-"] if closing else []
    return HEAD + "\n".join([f":60F:C261119EUR{opening}", *lines, *end]).encode() + b"\n"


def test_a_statement_is_read():
    """Amount, day, reference, name, account and text."""
    line = only(mt940([Transfer(1_250_00, ref="0724710290621954", text="INVOICE 2026-000001")]))
    assert (line.id, line.place) == ("0724710290621954", "line 5")
    assert (line.direction, str(line.amount), line.booked_on) == ("credit", "1250.00 EUR", "2026-11-20")
    assert (line.counterparty, line.account, line.text) == ("Ada Lovelace", "NL91ABNA0417164300", "INVOICE 2026-000001")


@pytest.mark.parametrize(
    ("mark", "direction", "doubt"),
    [
        ("C", "credit", ""),
        ("D", "debit", ""),
        ("CR", "credit", ""),
        ("DR", "debit", ""),
        ("RC", "debit", "it reverses another entry"),
        ("RD", "credit", "it reverses another entry"),
        ("RCR", "debit", "it reverses another entry"),
        ("CD", "credit", "its funds code D is not of EUR"),
    ],
)
def test_the_mark_says_which_way_it_went(mark: str, direction: str, doubt: str):
    """R before it turns it round; a letter behind it is of the currency."""
    closing = "105," if direction == "credit" else "95,"
    line = only(statement(f":61:2611201120{mark}5,NTRFNONREF", closing=closing))
    assert (line.direction, line.doubt) == (direction, doubt)


def test_an_expected_entry_is_left_out():
    """EC and ED announce; they move nothing."""
    found = good(statement(":61:2611201120EC5,00NTRFNONREF", closing="100,"))
    assert (found.lines, [item.reason for item in found.left_out]) == ((), ["expected, not booked"])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (":61:2611201120X5,00NTRFNONREF", "this is no entry"),
        (":61:2611201120C5.00NTRFNONREF", "this is no entry"),
        (":61:2611201120C1,234,56NTRFNONREF", "this is no entry"),
        (":61:2611201120C5,001NTRFNONREF", "not a whole number"),
        (":61:2611201120C1234567890123456,00NTRFNONREF", "this is no entry"),
        (":61:2604311120C5,00NTRFNONREF", "cannot be read for certain"),
        (":61:2611201131C5,00NTRFNONREF", "cannot be read for certain"),
        (":61:2611201120c5,00NTRFNONREF", "this is no entry"),
        (":61:", "this is no entry"),
        (":61:2611201120C٥,00NTRFNONREF", "this is no entry"),
        (":61:2611201120C0000000000005,05NTRFNONREF", "cannot be read for certain"),
    ],
)
def test_an_entry_that_is_none_to_the_letter_is_refused_with_its_line(entry: str, reason: str):
    """Nothing is guessed about money: not what a dot means, nor where an amount ends that is longer than the library reads."""
    found = bad(statement(":61:2611201120C5,00NTRFNONREF", ":86:fine", entry, closing="110,"))
    assert (found.place, reason in found.reason) == ("line 7", True)


def test_an_amount_without_a_comma_is_in_doubt():
    """Some banks write whole euros so; a comma that fell out looks the same."""
    assert (
        only(statement(":61:2611201120C500NTRFNONREF", closing="600,")).doubt == "its amount is written without a comma"
    )


def test_a_statement_that_does_not_add_up_is_in_doubt_as_a_whole():
    """An entry is missing or wrong: which one, nobody can say."""
    found = good(statement(":61:2611201120C5,00NTRFNONREF", ":61:2611201120D2,00NTRFNONREF", closing="104,"))
    assert all("contradicts itself" in line.doubt for line in found.lines)
    assert certain(found) == 0


def test_a_text_that_looks_like_an_entry_is_worth_nothing():
    """A payer who writes a line break and an entry into a text makes the statement contradict itself."""
    found = good(
        statement(":61:2611201120C5,00NTRFNONREF", ":86:hello", ":61:2611201120C5000,00NTRFNONREF", closing="105,")
    )
    assert total(found, "credit") == 5005_00
    assert certain(found) == 0


def test_a_file_cut_off_is_refused():
    """Before the closing balance, or with the beginning missing."""
    whole = mt940([Transfer(5_00)])
    assert "no closing balance" in bad(whole[: whole.index(b":62F:")]).reason
    assert "no opening balance" in bad(whole.replace(b":60F:C261120EUR100,00\r\n", b"")).reason
    assert "outside of a statement" in bad(whole[whole.index(b":25:") :]).reason
    assert "names no account" in bad(whole.replace(b":25:", b":21:")).reason
    assert "a second :60F:" in bad(whole.replace(b":62F:", b":60F:C261120EUR5,00\r\n:62F:")).reason


def test_entries_behind_the_end_of_a_message_are_refused():
    """Nothing between two statements belongs to either."""
    assert bad(mt940([Transfer(5_00)]) + b":61:2611201120C5,00NTRFNONREF\r\n").place == "line 9"


def test_several_statements_in_one_file_are_read():
    """With whatever the bank writes between them."""
    found = good(mt940([Transfer(5_00)]) + b"ABNANL2A\r\n940\r\n" + mt940([Transfer(7_00)]) + b"-}{5:}\r\n")
    assert (total(found, "credit"), certain(found)) == (12_00, 12_00)


def test_a_text_about_the_statement_is_not_the_last_entry_s():
    """An `:86:` behind a balance."""
    found = good(statement(":61:2611201120C5,00NTRFNONREF", ":86:mine", ":62F:C261120EUR105,", ":86:RF18539007547034"))
    assert (found.lines[0].text, found.lines[0].references) == ("mine", ())


MT942 = (
    b":20:X\n:25:PL29114010810000267002001002\n:28C:1/1\n:34F:PLN0\n:13D:1701191815+0100\n%s:90D:0PLN0,00\n:90C:%s\n-\n"
)
ENTRY = b":61:1701190119CN0,01NTRFNONREF//MB170119012058\n:86:911 TRANSAKCJA COLLECT; ID IPH: XX000000000001;\n"


def test_an_mt942_is_read_and_compared_with_its_sums():
    """It has no balances: the number and the sum of its entries are what it is held to."""
    line = only(MT942 % (ENTRY, b"1PLN0,01"))
    assert (line.id, str(line.amount), line.doubt) == ("MB170119012058", "0.01 PLN", "")
    assert ("virtual_account", "000000000001") in [(one.kind, one.value) for one in line.references]
    for wrong in (b"2PLN0,01", b"1PLN0,02"):
        assert "contradicts itself" in only(MT942 % (ENTRY, wrong)).doubt


def test_an_mt942_and_an_mt940_tell_of_one_transfer_under_one_id():
    """By the bank's reference."""
    whole = b":20:Y\n:25:PL29114010810000267002001002\n:60F:C170119PLN0,40\n" + ENTRY + b":62F:C170119PLN0,41\n-\n"
    assert only(MT942 % (ENTRY, b"1PLN0,01")).id == only(whole).id


def test_entries_without_a_currency_are_refused():
    """Neither a balance nor a floor limit."""
    assert "names no currency" in bad((MT942 % (ENTRY, b"1PLN0,01")).replace(b":34F:PLN0\n", b"")).reason


@pytest.mark.parametrize(
    "value_day, entry_day, booked",
    [("261231", "0102", "2027-01-02"), ("270102", "1231", "2026-12-31"), ("261120", "", "2026-11-20")],
)
def test_the_booking_day_may_be_in_another_year_than_the_value_day(value_day: str, entry_day: str, booked: str):
    """It is written without its year."""
    assert only(statement(f":61:{value_day}{entry_day}C5,NTRFNONREF", closing="105,")).booked_on == booked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
def test_names_in_every_encoding_that_banks_use(encoding: str):
    """UTF-8 where it is that, else the Windows code page."""
    data = mt940([Transfer(5_00, name="Zoë Müller")]).decode().encode(encoding)
    assert only(data).counterparty == "Zoë Müller"
    assert only(data.replace(b"GUTSCHRIFT", b"\x81\x00\x07")).amount.amount == 5_00


@pytest.mark.parametrize("sign", "?>~^<")
def test_subfields_behind_any_sign(sign: str):
    """Not every bank writes a question mark."""
    details = (
        ":86:166?00GUTSCHRIFT?20EREF+OP-1?21SVWZ+RF18 5390 07?2254 7034?31NL91ABNA0417164300?32Ada?33 Lovelace".replace(
            "?", sign
        )
    )
    line = only(statement(":61:2611201120C5,00NTRFNONREF", details, closing="105,"))
    assert line.counterparty.replace(" ", "") == "AdaLovelace"
    found = [(one.kind, one.value) for one in line.references]
    assert found[:2] == [("end_to_end", "OP-1"), ("rf", "RF18539007547034")]


def test_a_returned_transfer_is_no_payment():
    """By its type (`NRTI`) or by the German code of the business transaction (159)."""
    for entry, details in (
        (":61:2611201120C5,00NRTINONREF", ":86:x"),
        (":61:2611201120C5,00NTRFNONREF", ":86:159?00RETOURE?20x"),
    ):
        assert only(statement(entry, details, closing="105,")).doubt == "it is a transfer that came back"


def test_nothing_of_a_statement_gets_into_a_log(caplog: pytest.LogCaptureFixture):
    """The library logs what it cannot read."""
    with caplog.at_level(logging.DEBUG):
        bad(statement(":61:2604311120C5,00NTRFSECRET", closing="105,"))
        only(statement(":61:2611201120C5,00NTRFSECRET", closing="105,"))
    assert "SECRET" not in caplog.text
