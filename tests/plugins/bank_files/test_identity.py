"""One transfer has one id in every file that tells of it, and no two transfers share one."""

import pytest

from tests.plugins.bank_files.reading import certain, good
from tests.plugins.bank_files.written import Transfer, camt, mt940

TRANSFERS = [
    Transfer(5_00, ref="BANK-0001"),
    Transfer(7_00, ref="BANK-0002", parts=(3_00, 4_00)),
    Transfer(9_00, "debit", ref="BANK-0003"),
]


def ids(data: bytes) -> list[str]:
    """The ids of a file's lines, in their order."""
    return [line.id for line in good(data).lines]


def test_the_bank_s_three_messages_of_one_entry_give_it_one_id():
    """Told in the day, at its end and as a notice."""
    assert (
        ids(camt(TRANSFERS, "camt.052"))
        == ids(camt(TRANSFERS, "camt.053"))
        == ids(camt(TRANSFERS, "camt.054", version=2))
    )
    assert ids(camt(TRANSFERS)) == ["BANK-0001", "BANK-0002/1", "BANK-0002/2", "BANK-0003"]


def test_the_order_in_which_entries_are_told_does_not_matter():
    """With references and without."""
    bare = [Transfer(5_00), Transfer(6_00), Transfer(5_00, text="another"), Transfer(5_00)]
    for transfers in (TRANSFERS, bare):
        assert sorted(ids(camt(transfers))) == sorted(ids(camt(transfers[::-1])))


def test_parts_are_known_by_their_own_references_in_any_order():
    """The bank's numbers of the transactions, where they differ."""
    one, two = (f'<TxDtls><Refs><TxId>T{n}</TxId></Refs><Amt Ccy="EUR">{n}.00</Amt></TxDtls>' for n in (1, 2))
    whole = camt([Transfer(3_00, ref="BANK-1")])
    start, end = whole.index(b"<TxDtls>"), whole.index(b"</TxDtls>") + len(b"</TxDtls>")
    files = [whole[:start] + (a + b).encode() + whole[end:] for a, b in ((one, two), (two, one))]
    assert ids(files[0]) == ["BANK-1/T1", "BANK-1/T2"]
    assert sorted(ids(files[0])) == sorted(ids(files[1]))


def test_identical_lines_without_a_reference_are_numbered():
    """Two coffees on one day are two."""
    first, second, third = ids(camt([Transfer(5_00), Transfer(5_00), Transfer(5_01)]))
    assert first.endswith("-1")
    assert second == first[:-1] + "2"
    assert third.endswith("-1")
    assert third[:-2] != first[:-2]


@pytest.mark.parametrize("change", ["amount", "direction", "day", "name", "account", "text", "end_to_end", "currency"])
def test_every_word_of_a_line_without_a_reference_is_part_of_its_id(change: str):
    """And the account that it is on."""
    values = {
        "amount": 5_01,
        "direction": "debit",
        "day": "2026-11-21",
        "account": "NL56AGDH9619008421",
        "currency": "USD",
    }
    other = Transfer(**{"amount": 5_00, change: values.get(change, "other")})  # type: ignore[arg-type]
    assert ids(camt([Transfer(5_00)])) != ids(camt([other]))
    assert ids(camt([Transfer(5_00)])) != ids(camt([Transfer(5_00)], account="NL56AGDH9619008421"))


def test_a_transfer_and_its_fee_under_one_reference_are_two_lines():
    """The credit keeps the reference; nothing is in doubt."""
    credit, fee = good(mt940([Transfer(5_00, ref="BANK-0001"), Transfer(50, "debit", ref="BANK-0001")])).lines
    assert credit.id == "BANK-0001"
    assert fee.id.startswith("BANK-0001~")
    assert credit.doubt == fee.doubt == ""


def test_two_different_credits_under_one_reference_are_both_in_doubt():
    """Nobody knows which of them was told before under it."""
    found = good(camt([Transfer(5_00, ref="BANK-0001"), Transfer(6_00, ref="BANK-0001")]))
    assert certain(found) == 0
    assert all("BANK-0001 stands at 2 credits" in line.doubt for line in found.lines)
    assert all(line.id.startswith("BANK-0001~") for line in found.lines)


def test_one_credit_told_twice_in_a_file_counts_once():
    """A report of the day so far, and the next one: the second telling is in doubt."""
    found = good(camt([Transfer(5_00, ref="BANK-0001"), Transfer(5_00, ref="BANK-0001")]))
    assert certain(found) == 5_00
    assert found.lines[0].id == "BANK-0001"


@pytest.mark.parametrize("ref", ["NONREF", "NOTPROVIDED", "0000000000", "0", ""])
def test_a_reference_that_says_there_is_none_is_none(ref: str):
    """Else all of a bank's transfers would be one."""
    assert all(
        one.startswith("h-") for one in ids(camt([Transfer(5_00, ref=ref)])) + ids(mt940([Transfer(5_00, ref=ref)]))
    )


@pytest.mark.parametrize("ref", ["55555", "1", "ABCDEFGHIJ"])
def test_a_short_number_in_an_mt940_is_no_identity(ref: str):
    """A counter that begins anew every day would hide tomorrow's transfer behind today's."""
    assert ids(mt940([Transfer(5_00, ref=ref)]))[0].startswith("h-")


def test_a_reference_cannot_pretend_to_be_a_digest():
    """Nor be longer than an id."""
    (digest,) = ids(camt([Transfer(5_00)]))
    forged = ids(camt([Transfer(5_00), Transfer(6_00, ref=digest)]))
    assert len(set(forged)) == 2
    assert ids(camt([Transfer(6_00, ref="X" * 200)]))[0].startswith("h-")
