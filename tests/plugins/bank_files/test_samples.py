"""Statements nobody here wrote: each is read as a person reads it, or refused with the place; none counts a wrong amount."""

import pytest

from kassa.ports.banking import Unreadable
from tests.plugins.bank_files.reading import bad, certain, checked, good, only, sample, samples, total

READ = {  # lines, left out, credits, debits, what of the credits is certain: added up from the files by hand, in minor units
    "camt052.v4.xml": (0, 1, 0, 0, 0),
    "camt053.v2.five.decimals.xml": (1, 0, 885, 0, 0),
    "camt053.v2.minimal.xml": (1, 0, 885, 0, 885),
    "camt053.v2.multi.statement.xml": (2, 0, 885, 700, 885),
    "camt053.v4.xml": (1, 0, 885, 0, 0),
    "camt054.v2.xml": (1, 0, 0, 200_000_00, 0),
    "camt054.v4.xml": (1, 0, 0, 200_000_00, 0),
    "camt054.v8.xml": (1, 0, 0, 200_000_00, 0),
    "ASNB-mt940.txt": (8, 0, 2_828_90, 2_771_96, 2_828_90),
    "betterplace-sepa_mt9401.sta": (97, 0, 5_188_474_94, 14_457_610_84, 0),
    "betterplace-with_binary_character.sta": (4, 0, 14_215_30, 193_282_05, 0),
    "citi-mt940.txt": (3, 2, 0, 1_142_75, 0),
    "jejik-abnamro.sta": (10, 0, 0, 345_93, 0),
    "jejik-ing.sta": (7, 0, 4_68, 50_27, 0),
    "jejik-rabobank-iban.sta": (4, 0, 0, 70_00, 0),
    "mBank-mt940.sta": (3, 0, 3, 0, 3),
    "self-provided-february_30.sta": (1, 0, 0, 6_00, 0),
    "self-provided-malformed_details.sta": (1, 0, 0, 233_15, 0),
}
REFUSED = {
    "camt053.v2.wrong.xml": ("BkToCstmrStmt", "holds no Stmt"),
    "betterplace-amount_formats.sta": ("line 1", ":60F: outside of a statement"),
    "cmxl-mt940.sta": ("line 4", "'DEM' is not a currency"),
    "self-provided-raphaelm.sta": ("line 13", "'DEM' is not a currency"),
    "self-provided-sparkassen.sta": ("line 1", ":61: outside of a statement"),
}


def test_every_sample_has_its_verdict_written_down():
    """A new sample without figures would prove nothing."""
    assert set(samples()) == set(READ) | set(REFUSED)


@pytest.mark.parametrize("name", sorted(READ))
def test_a_sample_says_what_a_person_reads_in_it(name: str):
    """Lines, what is left out, credits, debits and what is certain: as added up by hand."""
    found = good(sample(name))
    figures = (len(found.lines), len(found.left_out), total(found, "credit"), total(found, "debit"), certain(found))
    assert figures == READ[name]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_sample_that_cannot_be_read_whole_is_refused_with_its_place(name: str):
    """Without a statement, outside of one, or in a currency that is no more."""
    place, reason = REFUSED[name]
    found = bad(sample(name))
    assert found.place == place
    assert reason in found.reason


@pytest.mark.parametrize("name", sorted(READ))
def test_a_sample_read_twice_has_the_same_ids(name: str):
    """The same transfer has the same id in every file that tells of it."""
    assert checked(sample(name)) == checked(sample(name))


@pytest.mark.parametrize("name", ["camt054.v2.xml", "camt054.v4.xml", "camt054.v8.xml"])
def test_the_entry_of_200_000_with_parts_that_do_not_sum_is_one_line_in_doubt(name: str):
    """Three transactions without an amount are neither three times the entry nor three lines: a person decides."""
    line = only(sample(name))
    assert str(line.amount) == "200000.00 SEK"
    assert line.doubt
    assert "Unstructured Remittance Information V3 block 2" in line.text


def test_the_same_entry_of_200_000_as_a_credit_is_in_doubt_as_well():
    """The trap turned round, as it would hurt: nothing is certain, and nothing is 600,000."""
    data = sample("camt054.v2.xml").replace(b"<CdtDbtInd>DBIT</CdtDbtInd>", b"<CdtDbtInd>CRDT</CdtDbtInd>")
    found = good(data)
    assert total(found, "credit") == 200_000_00
    assert certain(found) == 0


def test_statements_that_contradict_themselves_are_in_doubt_line_by_line():
    """A line is missing or an amount is wrong: nobody can say which."""
    for name in (
        "camt053.v2.five.decimals.xml",
        "jejik-abnamro.sta",
        "jejik-ing.sta",
        "self-provided-malformed_details.sta",
    ):
        assert all("contradicts itself" in line.doubt for line in good(sample(name)).lines), name


def test_february_the_30th_is_a_value_day_that_banks_write():
    """It was booked on the first of March."""
    assert only(sample("self-provided-february_30.sta")).booked_on == "2016-03-01"


def test_a_file_of_twenty_accounts_counts_for_none_unless_ours_is_named():
    """All in doubt without an account; with one, the others' lines are left out."""
    data = sample("betterplace-sepa_mt9401.sta")
    assert all("20 accounts" in line.doubt for line in good(data).lines)
    ours = good(data, account="50880050/0194781300888")
    assert (ours.account, len(ours.lines), len(ours.left_out)) == ("50880050/0194781300888", 8, 89)
    assert not any(line.doubt for line in ours.lines)
    assert all("another account" in item.reason for item in ours.left_out)


def test_a_file_of_another_account_is_refused():
    """Somebody uploaded the wrong statement."""
    found = bad(sample("mBank-mt940.sta"), account="NL26VAYB8060476890")
    assert found == Unreadable(
        place="file", reason="it tells of the account PL29114010810000267002001002, not of NL26VAYB8060476890"
    )


def test_what_a_german_entry_says_is_found():
    """Name, IBAN, purpose and end-to-end id out of the subfields of an `:86:`."""
    lines = good(sample("betterplace-sepa_mt9401.sta"), account="50880050/0194777100888").lines
    line = next(line for line in lines if line.direction == "credit")
    assert line.id == "0724710290621954"
    assert line.account == "DE42100100100043921105"
    assert line.counterparty.startswith("Richter Renate 70 Zeichen Beginn Fuellzeichen")
    assert line.text.startswith("TO 13 TFNr 20004 Eingangskanal Mint")
    assert ("end_to_end", "EndToEndIdTFNR2000400001") in [(one.kind, one.value) for one in line.references]


def test_what_a_dutch_entry_says_is_found():
    """Name and text behind slash codes, the account in the entry itself."""
    first, second, *_ = good(sample("jejik-rabobank-iban.sta")).lines
    assert (first.counterparty, first.account) == ("CONTRA ACCOUNT HOLDER", "NL70ABNA0987654321")
    assert (second.counterparty, second.text) == ("JOHN DOE", "Reference 201301234")


def test_an_entry_not_booked_yet_is_left_out():
    """Pending money is no money."""
    (item,) = good(sample("camt052.v4.xml")).left_out
    assert (item.place, item.reason) == ("statement 1, entry 1", "not booked: PDNG")
